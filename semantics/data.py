"""Reading data: CSV files, data frames and mappings of columns, each with the same checks and reports."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from semantics.dataset import (
    Dataset,
    checked,
    fit,
    from_distribution,
    from_rows,
    no_number,
    number_level,
    unknown_level,
)
from semantics.distribution import number_array
from semantics.expectation import as_number
from strings.diagnostic import Diagnostic, LanguageError, LimitError, did_you_mean

__all__ = ["Dataset", "fit", "from_distribution", "from_frame", "from_rows", "levels", "read_csv"]

Values = Mapping[str, Sequence[str]]
Spaces = Mapping[str, str]
"""The variables that take numbers of any kind, `real` or `count`; their values are those that the data have."""

Row = tuple[str, Sequence[str]]
"""Where a row stands, and its cells."""

_MISSING = ("", "na", "nan", "?", "null")
_MOST_ROWS = 5_000_000
_MOST_CELLS = 100_000_000
_MOST_COMPLAINTS = 8


def read_csv(
    path: str | Path,
    columns: Mapping[str, str],
    weight: str | None,
    values: Values,
    *,
    name: str = "",
    max_rows: int = _MOST_ROWS,
    spaces: Spaces | None = None,
) -> tuple[Dataset, tuple[Diagnostic, ...]]:
    """A CSV file as data, with warnings.

    `columns` says for each variable which column it is, `weight` which column counts the rows; `spaces` names the
    variables that take any number.

    The file is UTF-8, separated by commas, semicolons or tabs (whichever its header fits); identical rows are added up.
    Rows with a missing value (empty, `NA`, `NaN`, `?`, `null`, unless that is a value of the variable) are left out.

    Raises:
        LanguageError: F009 if the file cannot be read, F010 for a column that it does not have or has twice, F003 for a
            value that a variable does not take, F011 for a weight that is no number or negative, F012 if no row is
            left.
        LimitError: L003 if there are more than `max_rows` rows.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, rows = _open_csv(file, [*columns.values(), *([weight] if weight else [])], path.name)
            return _collect(name or path.stem, path.name, header, rows, columns, weight, values, max_rows, spaces or {})
    except (OSError, ValueError, csv.Error) as e:
        reason = "it is not UTF-8 text" if isinstance(e, UnicodeDecodeError) else getattr(e, "strerror", None) or str(e)
        raise LanguageError(Diagnostic("F009", f"cannot read `{path.name}`: {reason}")) from None


def rows_of_csv(path: Path, columns: Sequence[str], max_rows: int = _MOST_ROWS) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a CSV file that has some columns; every row as long as the header.

    Raises:
        LanguageError: F009 if the file cannot be read, F010 for a column that it does not have or has twice.
        LimitError: L003 if there are more than `max_rows` rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, rows = _open_csv(file, columns, path.name)
            found = [
                [*cells, *[""] * (len(header) - len(cells))][: len(header)] for _, cells in islice(rows, max_rows + 1)
            ]
    except (OSError, ValueError, csv.Error) as e:
        reason = "it is not UTF-8 text" if isinstance(e, UnicodeDecodeError) else getattr(e, "strerror", None) or str(e)
        raise LanguageError(Diagnostic("F009", f"cannot read `{path.name}`: {reason}")) from None
    if len(found) > max_rows:
        raise LimitError(Diagnostic("L003", f"`{path.name}` has more than {max_rows:,} rows"))
    return header, found


def from_frame(
    frame: Any,
    values: Values,
    columns: Mapping[str, str] | None = None,
    weight: str | None = None,
    *,
    name: str = "data",
    max_rows: int = _MOST_ROWS,
    spaces: Spaces | None = None,
) -> tuple[Dataset, tuple[Diagnostic, ...]]:
    """A data frame (pandas, polars or others, through narwhals) or a mapping of columns as data, with warnings.

    Without `columns`, every variable of `values` that has a column of its name is read. Cells are read as their text:
    whole numbers without a point, truth values as `True` and `False`, or `true` and `false` where a variable has those.

    >>> data, warnings = from_frame({"S": ["no", "yes", "yes", None]}, {"S": ("no", "yes")})
    >>> data.marginal(["S"])["yes"], warnings[0].message
    (Fraction(2, 3), '1 of 4 rows of `data` left out: values are missing')

    Raises:
        LanguageError: F009 for what is no data frame and no mapping of equally long columns, V003 if a data frame is
            given and narwhals is not installed; and as `read_csv`.
        LimitError: as `read_csv`.
    """
    header, cells = columns_of(frame, name)
    if columns is None:
        columns = {v: v for v in values if v in header} or {v: v for v in values}
    taken = {c: [v for n, k in columns.items() if k == c for v in values[n]] for c in columns.values()}
    read = {**({weight: []} if weight is not None else {}), **taken}
    as_texts = [texts(c, read[h]) if h in read else [""] * len(c) for h, c in zip(header, cells, strict=True)]
    rows = ((f"row {r} of `{name}`", row) for r, row in enumerate(zip(*as_texts, strict=True), 1))
    return _collect(name, name, header, rows, columns, weight, values, max_rows, spaces or {})


def levels(data: Any, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The values that occur in some columns of a data frame or mapping of columns, as `from_frame` reads them.

    Each once, numbers by size and then texts; missing ones are left out.

    >>> levels({"S": ["yes", "no", None], "N": [10, 9, 9]}, ["S", "N"])
    {'S': ('no', 'yes'), 'N': ('9', '10')}

    Raises:
        LanguageError: F009 for what is no data, F010 for a column that it does not have or has twice, F012 for one
            with missing values only.
    """
    header, cells = columns_of(data, "data")
    found = {}
    for n in names:
        distinct = {t for t in texts(cells[_column(n, header, "data")]) if t.casefold() not in _MISSING}
        if not distinct:
            raise LanguageError(Diagnostic("F012", f"the column `{n}` has no values", notes=("all are missing",)))
        found[n] = tuple(sorted(distinct, key=_natural))
    return found


def _natural(text: str) -> tuple[bool, Fraction, str]:
    number = as_number(text)
    return number is None, number or Fraction(0), text


def columns_of(data: Any, name: str) -> tuple[list[str], list[list[Any]]]:
    """The names and cells of the columns of a data frame or a mapping.

    Raises:
        LanguageError: F009, V003; F010 if a data frame has two columns of one name.
    """
    if isinstance(data, Mapping):
        odd = next((c for c, v in data.items() if isinstance(v, str) or not isinstance(v, Iterable)), None)
        if odd is not None:
            message = f"the column `{odd}` of `{name}` is no list of values"
            raise LanguageError(Diagnostic("F009", message, help=("give every column as a list",)))
        header, cells = [str(c) for c in data], [list(c) for c in data.values()]
    else:
        header, cells = _columns_of_frame(data, name)
    if len({len(c) for c in cells}) > 1:
        lengths = ", ".join(f"{h}: {len(c)}" for h, c in zip(header, cells, strict=True))
        raise LanguageError(Diagnostic("F009", f"the columns of `{name}` are not equally long", notes=(lengths,)))
    return header, cells


def _columns_of_frame(frame: Any, name: str) -> tuple[list[str], list[list[Any]]]:
    """The names and cells of the columns of a data frame."""
    try:
        import narwhals
    except ImportError:
        help_ = ("install it: `pip install 'cutwire[data]'`, or give a mapping of columns",)
        raise LanguageError(Diagnostic("V003", "reading a data frame needs narwhals", help=help_)) from None
    try:
        found = list(narwhals.from_native(frame, eager_only=True).iter_columns())
        return [str(c.name) for c in found], [c.to_list() for c in found]
    except TypeError:
        kind = type(frame).__name__
        help_ = ("give a data frame, a mapping of columns, or a Distribution",)
        raise LanguageError(Diagnostic("F009", f"cannot read data from a {kind}", help=help_)) from None
    except Exception as e:  # whatever the library of the data frame raises
        names = [str(c) for c in getattr(frame, "columns", ())]
        twice = next((c for c in names if names.count(c) > 1), None)
        if twice is not None:
            raise _doubled(name, twice, names.count(twice)) from None
        reason = str(e).partition("\n")[0]
        raise LanguageError(Diagnostic("F009", f"cannot read the columns of `{name}`: {reason}")) from None


def texts(cells: Iterable[object], values: Collection[str] = ()) -> list[str]:
    """Cells as the texts of values; missing ones are empty."""
    lower = not {"True", "False"} & set(values) and bool({"true", "false"} & set(values))
    return [str(c).lower() if lower and isinstance(c, bool | np.bool_) else _text(c) for c in cells]


def _text(cell: object) -> str:
    """A cell as the text of a value; whole numbers are written without a point, missing ones are empty."""
    if cell is None or (isinstance(cell, float | np.floating) and np.isnan(cell)):
        return ""
    if isinstance(cell, float | np.floating) and float(cell).is_integer() and abs(float(cell)) < 1e16:
        return str(int(cell))
    text = str(cell).strip()
    return "" if text in ("<NA>", "NaT") else text


def _open_csv(file: io.TextIOBase, wanted: Sequence[str], source: str) -> tuple[list[str], Iterator[Row]]:
    """The header and the rows, split at the separator under which the header has most of the wanted columns."""
    first = file.readline()
    headers = {d: [c.strip() for c in next(csv.reader([first], delimiter=d), [])] for d in (",", ";", "\t")}
    best = max(headers, key=lambda d: (sum(c in headers[d] for c in wanted), len(headers[d])))
    file.seek(0)
    reader = csv.reader(file, delimiter=best, skipinitialspace=True, strict=True)
    header = [c.strip() for c in next(reader, [])]
    return header, ((f"{source}:{reader.line_num}", [c.strip() for c in cells]) for cells in reader if cells)


def _collect(
    name: str,
    source: str,
    header: Sequence[str],
    rows: Iterable[Row],
    columns: Mapping[str, str],
    weight: str | None,
    values: Values,
    max_rows: int,
    spaces: Spaces,
) -> tuple[Dataset, tuple[Diagnostic, ...]]:
    """Rows of text to data: equal rows added up, rows with gaps left out, everything odd reported."""
    reader = _Reader(header, source, columns, weight, values, spaces)
    most = min(max_rows, _MOST_CELLS // max(1, len(columns)))
    for where, cells in rows:
        if reader.rows >= most:
            raise LimitError(Diagnostic("L003", f"`{source}` has more than {most:,} rows", help=("add up equal rows",)))
        reader.read(where, cells)
    if reader.odd:
        raise LanguageError(reader.odd.values())
    warnings = reader.warnings(name)
    if not reader.totals:
        notes = tuple(n for w in warnings for n in (w.message, *w.notes)) or ("it has no rows",)
        raise LanguageError(Diagnostic("F012", f"data `{name}` is empty", notes=notes))
    codes = np.array(list(reader.totals), dtype=np.int64).reshape(len(reader.totals), len(columns))
    weights = number_array([Fraction(w) for w in reader.totals.values()])
    labels = tuple(tuple(reader.places[n]) for n in columns)
    return checked(Dataset(name, tuple(columns), labels, codes, weights)), warnings


class _Reader:
    """Takes rows of text one by one and keeps what they add up to.

    `totals` has the weight of every case (the positions of its values), `gaps` the missing values by column, `odd` the
    values that no variable takes.
    """

    def __init__(
        self,
        header: Sequence[str],
        source: str,
        columns: Mapping[str, str],
        weight: str | None,
        values: Values,
        spaces: Spaces,
    ) -> None:
        self.columns = [(n, c, _column(c, header, source)) for n, c in columns.items()]
        self.weight = weight
        self.weight_at = None if weight is None else _column(weight, header, source)
        self.width = len(header)
        self.values = values
        self.spaces = {n: spaces[n] for n in columns if n in spaces}
        self.places = {n: {v: k for k, v in enumerate(() if n in spaces else values[n])} for n in columns}
        self.totals: dict[tuple[int, ...], Fraction | int] = {}
        self.gaps = dict.fromkeys([*columns.values(), *([weight] if weight else [])], 0)
        self.odd: dict[tuple[str, str], Diagnostic] = {}
        self.rows = self.dropped = 0

    def read(self, where: str, cells: Sequence[str]) -> None:
        """Take one row; `where` says where it stands.

        Raises:
            LanguageError: F009 if it has more cells than the header, F011 for a weight that is none.
        """
        self.rows += 1
        if any(cells[self.width :]):
            message = f"{where}: {len(cells)} cells, but the header has {self.width} columns"
            raise LanguageError(Diagnostic("F009", message, help=("quote values that contain the separator",)))
        cells = [*cells, *[""] * (self.width - len(cells))]
        amount: Fraction | int | None = 1 if self.weight_at is None else _weight(cells[self.weight_at], where)
        codes = [
            self._number(n, cells[k]) if n in self.spaces else self.places[n].get(cells[k]) for n, _, k in self.columns
        ]
        missing = [self.weight] if self.weight is not None and amount is None else []
        for (n, column, k), code in zip(self.columns, codes, strict=True):
            if code is None and cells[k].casefold() in _MISSING:
                missing.append(column)
            elif code is None and len(self.odd) < _MOST_COMPLAINTS:
                space = self.spaces.get(n)
                problem = no_number(cells[k], n, space, where) if space else None
                self.odd.setdefault((n, cells[k]), problem or unknown_level(cells[k], n, self.values[n], where))
        for column in missing:
            self.gaps[column] += 1
        case = tuple(c for c in codes if c is not None)
        if missing or amount is None:
            self.dropped += 1
        elif len(case) == len(codes):
            self.totals[case] = self.totals.get(case, 0) + amount

    def _number(self, name: str, cell: str) -> int | None:
        """The place of a number among those of its column, where it is put if it is new."""
        text = number_level(cell, self.spaces[name])
        return None if text is None else self.places[name].setdefault(text, len(self.places[name]))

    def warnings(self, name: str) -> tuple[Diagnostic, ...]:
        """F013: how many rows were left out, and in which columns the gaps are."""
        if not self.dropped:
            return ()
        counts = ", ".join(f"{c}: {n}" for c, n in self.gaps.items() if n)
        message = f"{self.dropped} of {self.rows} rows of `{name}` left out: values are missing"
        return (Diagnostic("F013", message, notes=(f"missing by column: {counts}",), severity="warning"),)


def _weight(text: str, where: str) -> Fraction | None:
    """The weight of a row, or nothing if it is missing."""
    if text.casefold() in _MISSING:
        return None
    number = as_number(text)
    if number is None or number < 0:
        problem = "is negative" if number is not None else "is no number"
        help_ = ("weights are decimals such as `3` or `0.25`",)
        raise LanguageError(Diagnostic("F011", f"{where}: the weight `{text}` {problem}", help=help_))
    return number


def _column(name: str, header: Sequence[str], source: str) -> int:
    if name not in header:
        raise LanguageError(
            Diagnostic(
                "F010",
                f"`{source}` has no column `{name}`",
                notes=(f"its columns are {', '.join(header[:30])}" if any(header) else "it has no header",),
                help=did_you_mean(name, header),
            )
        )
    if header.count(name) > 1:
        raise _doubled(source, name, header.count(name))
    return header.index(name)


def _doubled(source: str, column: str, times: int) -> LanguageError:
    return LanguageError(Diagnostic("F010", f"`{source}` has {times} columns `{column}`: which one?"))
