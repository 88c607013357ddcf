"""Rows of data with numbers in them: a column of positions for each finite variable, of floats for each real one.

>>> y, s = Object("Y", None, "real"), Object("S", ("no", "yes"))
>>> data, warnings = from_columns(["S", "Y"], [["yes", "no", None], [0.5, 2, 3]], {"S": s, "Y": y})
>>> data.columns["S"].tolist(), data.columns["Y"].tolist()
([1, 0], [0.5, 2.0])
>>> warnings[0].message
'1 of 3 rows of `data` left out: values are missing'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from semantics.data import columns_of, rows_of_csv, texts
from semantics.dataset import Dataset, unknown_level
from semantics.distribution import float_array
from semantics.expectation import as_number
from strings.diagnostic import Diagnostic, LanguageError, did_you_mean
from strings.signature import Object

_MISSING = ("", "na", "nan", "?", "null")
_MOST_COMPLAINTS = 8


@dataclass(frozen=True, eq=False)
class Records:
    """Rows of data: `columns` are the positions of finite values (whole numbers) and the numbers of real variables;
    `weights` how often each row counts (once, if there are none)."""

    name: str
    columns: Mapping[str, npt.NDArray[Any]]
    weights: npt.NDArray[np.float64] | None = None

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def total(self) -> float:
        """The weight of all rows."""
        return float(self.size if self.weights is None else self.weights.sum())

    def compressed(self) -> Records:
        """Equal rows added up."""
        if not self.columns:
            return self
        table = np.stack([np.asarray(c, dtype=np.float64) for c in self.columns.values()], -1)
        _, first, places = np.unique(table, axis=0, return_index=True, return_inverse=True)
        totals = np.bincount(places.reshape(-1), self.weights, len(first)).astype(np.float64)
        return Records(self.name, {n: c[first] for n, c in self.columns.items()}, totals)

    def expanded(self, limit: int = 1_000_000) -> Records | None:
        """Every row as often as it counts; nothing if that is no whole number, or too often."""
        if self.weights is None:
            return self
        times = self.weights.round().astype(np.int64)
        if not np.allclose(times, self.weights, atol=1e-9) or times.sum() > limit:
            return None
        return Records(self.name, {n: np.repeat(c, times) for n, c in self.columns.items()})

    def limited_to(self, names: Sequence[str]) -> Records:
        """Some of the columns."""
        return replace(self, columns={n: c for n, c in self.columns.items() if n in names})


def from_dataset(data: Dataset) -> Records:
    """Data on finite variables."""
    columns = {n: data.codes[:, k] for k, n in enumerate(data.variables)}
    return Records(data.name, columns, float_array(data.weights))


def from_frame(frame: Any, objects: Mapping[str, Object], name: str = "data") -> tuple[Records, tuple[Diagnostic, ...]]:
    """A data frame (of any library, through narwhals) or a mapping of columns: those that are called like a variable.

    Raises:
        LanguageError: F009, V003 for what is no data; and as `from_columns`.
    """
    header, cells = columns_of(frame, name)
    return from_columns(header, cells, objects, name=name)


def from_csv(
    path: Path, columns: Mapping[str, str], weight: str | None, objects: Mapping[str, Object], name: str
) -> tuple[Records, tuple[Diagnostic, ...]]:
    """A CSV file: which column each variable is, and which counts the rows; raises as `semantics.data.read_csv`."""
    header, rows = rows_of_csv(path, [*columns.values(), *([weight] if weight else [])])
    cells = [list(c) for c in zip(*rows, strict=True)] if rows else [[] for _ in header]
    return from_columns(header, cells, objects, columns, weight, name)


def from_columns(
    header: Sequence[str],
    cells: Sequence[Sequence[Any]],
    objects: Mapping[str, Object],
    columns: Mapping[str, str] | None = None,
    weight: str | None = None,
    name: str = "data",
) -> tuple[Records, tuple[Diagnostic, ...]]:
    """Columns of cells as data, with warnings; rows with a missing value are left out.

    Raises:
        LanguageError: F010 for a column that there is not, F003 for a value that a variable does not take, F011 for a
            weight that is none, F012 if no row is left.
    """
    at = {v: v for v in objects if v in header} if columns is None else columns
    if not at:
        known = (f"its columns are {', '.join(header[:30])}",) if header else ("it has no columns",)
        help_ = did_you_mean(header[0], objects) if header else ()
        raise LanguageError(
            Diagnostic("F010", f"no column of `{name}` is called like a variable", notes=known, help=help_)
        )
    read: dict[str, npt.NDArray[np.float64]] = {}
    odd: list[Diagnostic] = []
    for variable, column in at.items():
        read[variable] = _column(cells[_place(column, header, name)], objects[variable], name, odd)
    if odd:
        raise LanguageError(odd[:_MOST_COMPLAINTS])
    weights = None
    if weight is not None:
        weights = _column(cells[_place(weight, header, name)], Object(weight, None, "real"), name, odd)
        if odd or (weights < 0).any():
            raise LanguageError(Diagnostic("F011", f"a weight of `{name}` is no number, or negative"))
    every = [*read.values(), *([weights] if weights is not None else [])]
    kept = ~np.any(np.isnan(np.stack(every)), axis=0)
    found = {n: (c[kept] if objects[n].space else c[kept].astype(np.int64)) for n, c in read.items()}
    warnings = _misspelt(header, objects, name) if columns is None else ()
    if not kept.all():
        message = f"{int((~kept).sum())} of {len(kept)} rows of `{name}` left out: values are missing"
        warnings += (Diagnostic("F013", message, severity="warning"),)
    if not kept.any():
        raise LanguageError(Diagnostic("F012", f"data `{name}` is empty"))
    return Records(name, found, None if weights is None else weights[kept]), warnings


def _misspelt(header: Sequence[str], objects: Mapping[str, Object], name: str) -> tuple[Diagnostic, ...]:
    """F004 for every variable without a column, where a column that is none's is called nearly like it."""
    others = [h for h in header if h not in objects]
    near = {v: did_you_mean(v, others) for v in objects if v not in header}
    return tuple(
        Diagnostic("F004", f"`{name}` has no column `{v}`: `{v}` is summed out", severity="warning", help=help_)
        for v, help_ in near.items()
        if help_
    )


def _place(column: str, header: Sequence[str], name: str) -> int:
    if column not in header:
        message, notes = f"`{name}` has no column `{column}`", (f"its columns are {', '.join(header[:30])}",)
        raise LanguageError(Diagnostic("F010", message, notes=notes, help=did_you_mean(column, header)))
    return list(header).index(column)


def _column(cells: Sequence[Any], x: Object, name: str, odd: list[Diagnostic]) -> npt.NDArray[np.float64]:
    """The cells of a variable in floats: numbers, or positions of values; missing ones are no numbers."""
    if x.space:
        return _numbers(cells, x, name, odd)
    places = {v: float(k) for k, v in enumerate(x.values or ())}
    found = np.full(len(cells), np.nan)
    for k, text in enumerate(texts(cells, x.values or ())):
        if text in places:
            found[k] = places[text]
        elif text.casefold() not in _MISSING and len(odd) < _MOST_COMPLAINTS:
            odd.append(unknown_level(text, x.name, x.values or (), f"row {k + 1} of `{name}`"))
    return found


def _numbers(cells: Sequence[Any], x: Object, name: str, odd: list[Diagnostic]) -> npt.NDArray[np.float64]:
    try:
        found = np.asarray(cells, dtype=np.float64).reshape(len(cells))
    except (TypeError, ValueError):
        found = np.full(len(cells), np.nan)
        for k, text in enumerate(texts(cells)):
            number = as_number(text)
            if number is not None:
                found[k] = float(number)
            elif text.casefold() not in _MISSING and len(odd) < _MOST_COMPLAINTS:
                odd.append(
                    Diagnostic("F003", f"row {k + 1} of `{name}`: `{text}` is no number, and `{x.name}` is {x.space}")
                )
    wrong = np.isinf(found) if x.space == "real" else ~np.isnan(found) & ((found < 0) | (found != np.floor(found)))
    if wrong.any() and len(odd) < _MOST_COMPLAINTS:
        k = int(np.flatnonzero(wrong)[0])
        wanted = "finite numbers" if x.space == "real" else "whole numbers from 0 on"
        odd.append(Diagnostic("F003", f"row {k + 1} of `{name}`: `{x.name}` takes {wanted}, this is {found[k]:g}"))
    return found
