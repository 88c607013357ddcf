"""The `probability` blocks of a BIF text: rows of numbers into dense tables."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal, localcontext
from functools import cached_property

from parser.bif_tokens import KEYWORDS, PUNCTUATION, BlockError, Tokens, shown, unquoted
from parser.program import Table
from strings.diagnostic import Diagnostic, Label, Span, did_you_mean

FARTHEST = Decimal("0.01")
"""A row that misses 1 by more is wrong, not rounded."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST_NUMBER = 100
_EXACT = Context(prec=1200)  # enough digits for any sum of such numbers that comes near 1


@dataclass(frozen=True)
class Variable:
    """A declared variable: its values in order, and where it stands."""

    name: str
    values: tuple[str, ...]
    span: Span

    @cached_property
    def index(self) -> dict[str, int]:
        return {v: k for k, v in enumerate(self.values)}


@dataclass(frozen=True)
class Block:
    """The head of a probability block; `spans` are those of the child and the parents, `start` is its first word."""

    child: str
    parents: tuple[str, ...]
    spans: tuple[Span, ...]
    start: int


@dataclass(frozen=True)
class RoundedRow:
    """A row that sums to nearly 1: what it sums to, and its first and last word."""

    child: str
    total: Decimal
    first: int
    last: int


class _Numbers(dict[str, Decimal]):
    """Every number of the text, read once; looking up what is no probability raises ValueError."""

    def __missing__(self, word: str) -> Decimal:
        if len(word) > _LONGEST_NUMBER or not _NUMBER.fullmatch(word):
            raise ValueError("not a number")
        number = Decimal(word)
        if number < 0:
            raise ValueError("negative")
        self[word] = number
        return number


@dataclass
class TableReader:
    """Reads one block after the other; `rounded` and `warnings` gather what is worth a warning."""

    tokens: Tokens
    report: Callable[[Diagnostic], None]
    rounded: list[RoundedRow] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    _numbers: _Numbers = field(default_factory=_Numbers)

    def read(self, block: Block, variables: Sequence[Variable]) -> Table | None:
        """The table of a block over its parents and, last, its child; `None` if errors were reported."""
        with localcontext(_EXACT):
            return _BlockReader(self, self.tokens, block, variables, self._numbers).read()


@dataclass
class _BlockReader:
    """The state of reading one block: `cells` fills up row by row; `where` has the first word of every row."""

    reader: TableReader
    tokens: Tokens
    block: Block
    variables: Sequence[Variable]
    numbers: _Numbers
    default: list[Decimal] | None = None
    exact: bool = True
    failed: bool = False

    def __post_init__(self) -> None:
        self.shape = tuple(len(v.values) for v in self.variables)
        self.width = self.shape[-1]
        self.cells: list[Decimal | None] = [None] * math.prod(self.shape)
        self.where: dict[int, int] = {}
        self.closed = self.block.start

    def read(self) -> Table | None:
        at = self.block.start
        self.closed = self.tokens.index("}", at)
        try:
            while self.tokens.at(at) != "}":
                at = self._entry(at)
        except BlockError as stop:
            self._fail(stop.diagnostic)
            return None
        self._fill_default()
        entries = [c for c in self.cells if c is not None]
        if self.failed or len(entries) < len(self.cells):
            if not self.failed:
                self._fail(self._missing_rows())
            return None
        return Table(self.shape, tuple(entries), self.exact)

    def _fail(self, diagnostic: Diagnostic) -> None:
        self.failed = True
        self.reader.report(diagnostic)

    def _entry(self, at: int) -> int:
        """Read one entry of the block, up to its `;`; returns the place behind it."""
        t = self.tokens
        word = t.at(at)
        if word not in ("(", "table", "default", "property"):
            wanted = "a row `(…) …;`, `table`, `default`, `property` or `}`"
            raise t.unexpected(at, wanted, "table", "default", "property")
        closed = t.index(")", at) if word == "(" else at
        end = t.index(";", closed)
        if end > self.closed:
            raise t.unexpected(self.closed, "`;`")
        if word != "property":
            try:
                self._row(word, at, closed, end)
            except BlockError as stop:
                self._fail(stop.diagnostic)
        return end + 1

    def _row(self, word: str, at: int, closed: int, end: int) -> None:
        if word == "(":
            offset = self._offset(at, closed)
            self._place(offset, self._probabilities(closed + 1, end, self.width), at)
        elif word == "default":
            if self.default is not None:
                raise BlockError(Diagnostic("B012", "a second `default` row", self.tokens.span(at), "again"))
            self.default = self._probabilities(at + 1, end, self.width)
        elif len(self.shape) == 1:
            self._place(0, self._probabilities(at + 1, end, self.width), at)
        else:
            self._whole_table(at, end)

    def _place(self, offset: int, row: Sequence[Decimal], at: int) -> None:
        if offset in self.where:
            first = Label(self.tokens.span(self.where[offset]), "first here")
            raise BlockError(Diagnostic("B012", "this row stands twice", self.tokens.span(at), "again", (first,)))
        self.where[offset] = at
        self.cells[offset : offset + self.width] = row

    def _offset(self, at: int, closed: int) -> int:
        """Where the row for the parent values between `at` and `closed` starts."""
        t = self.tokens
        parents = self.variables[:-1]
        places = t.items(at + 1, closed) if closed > at + 1 else ()
        if len(places) != len(parents):
            names = ", ".join(p.name for p in parents)
            message = f"this row names {len(places)} value(s), {shown(self.block.child)} has {len(parents)} parent(s)"
            raise BlockError(
                Diagnostic("B008", message, t.span(at, closed), f"expected values of {names or 'nothing'}")
            )
        offset = 0
        for k, parent in zip(places, parents, strict=True):
            value = parent.index.get(t.texts[k], parent.index.get(unquoted(t.texts[k])))
            if value is None:
                raise BlockError(self._unknown_value(k, parent))
            offset = offset * len(parent.values) + value
        return offset * self.width

    def _unknown_value(self, k: int, parent: Variable) -> Diagnostic:
        word = unquoted(self.tokens.texts[k])
        values = f"not in {{{', '.join(parent.values[:12])}{', …' if len(parent.values) > 12 else ''}}}"
        message = f"{shown(word)} is not a value of {shown(parent.name)}"
        help_ = did_you_mean(word, parent.values)
        return Diagnostic("B008", message, self.tokens.span(k), values, help=help_)

    def _values(self, start: int, end: int, count: int) -> list[Decimal]:
        """The `count` numbers between `start` and `end`."""
        t = self.tokens
        words = t.texts[start:end:2]
        if len(words) != count or end - start != 2 * count - 1 or t.texts[start + 1 : end : 2].count(",") != count - 1:
            self._check_list(start, end)
            words = [t.texts[k] for k in t.items(start, end)] if end > start else []
        try:
            values = [self.numbers[w] for w in words]
        except ValueError:
            raise self._bad_number(start, end) from None
        if len(values) != count:
            message = f"this row has {len(values)} numbers, {shown(self.block.child)} needs {count}"
            last = max(start, end - 1)
            raise BlockError(Diagnostic("B009", message, t.span(start, last), f"{len(values)} numbers"))
        return values

    def _check_list(self, start: int, end: int) -> None:
        """Stops at a word that shows that the `;` of this row is missing."""
        for k in range(start, end):
            word = self.tokens.texts[k]
            if (word in PUNCTUATION and word != ",") or word in KEYWORDS or word in ("table", "default", "property"):
                raise self.tokens.unexpected(k, "`;` or a number")

    def _bad_number(self, start: int, end: int) -> BlockError:
        self._check_list(start, end)
        for k in range(start, end):
            word = self.tokens.texts[k]
            try:
                _ = word == "," or self.numbers[word]
            except ValueError as error:
                label = "a probability lies between 0 and 1" if str(error) == "negative" else "expected a number"
                return BlockError(Diagnostic("B010", f"{shown(word)} is not a probability", self.tokens.span(k), label))
        raise AssertionError("every word of the row is a number")

    def _probabilities(self, start: int, end: int, count: int) -> list[Decimal]:
        """The numbers of one row, which have to sum to 1 or nearly so."""
        row = self._values(start, end, count)
        total = sum(row, Decimal(0))
        if total != 1:
            if abs(total - 1) > FARTHEST:
                raise self._far_off(total, start, end - 1)
            self.exact = False
            self.reader.rounded.append(RoundedRow(self.block.child, total, start, end - 1))
        return row

    def _far_off(self, total: Decimal, first: int, last: int) -> BlockError:
        return BlockError(
            Diagnostic("B011", "this row does not sum to 1", self.tokens.span(first, last), f"sums to {_short(total)}")
        )

    def _whole_table(self, at: int, end: int) -> None:
        """`table` with parents: the first variable, the child, varies slowest, as the format says.

        Some writers put row after row instead. The reading whose rows sum to 1 is meant, or come closer to it; that is
        said if it is not the format's (B003), and also if both readings do and they differ.
        """
        values = self._values(at + 1, end, math.prod(self.shape))
        rows = len(values) // self.width
        by_format = [values[r::rows] for r in range(rows)]
        by_row = [values[r * self.width : (r + 1) * self.width] for r in range(rows)]
        chosen = by_format
        if by_row != by_format:
            off_format, off_row = _farthest(by_format), _farthest(by_row)
            if off_row < off_format and off_row <= FARTHEST:
                chosen = by_row
                self._warn_order(at, "only so do its rows sum to 1", "row by row")
            elif off_row == off_format == 0:
                self._warn_order(at, "its rows sum to 1 in either order", "by columns")
        for r, row in enumerate(chosen):
            total = sum(row, Decimal(0))
            if abs(total - 1) > FARTHEST:
                note = f"read for {self._case(r)}: the first variable of the block varies slowest, the last one fastest"
                far_off = self._far_off(total, at + 1, end - 1).diagnostic
                raise BlockError(replace(far_off, notes=(note,)))
            if total != 1:
                self.exact = False
                self.reader.rounded.append(RoundedRow(self.block.child, total, at + 1, end - 1))
            self._place(r * self.width, row, at)

    def _warn_order(self, at: int, why: str, how: str) -> None:
        self.reader.warnings.append(
            Diagnostic(
                "B003",
                f"the table of {shown(self.block.child)} was read {how}",
                self.tokens.span(at),
                why,
                notes=("the format lets the first variable vary slowest",),
                severity="warning",
            )
        )

    def _fill_default(self) -> None:
        if self.default is None:
            return
        for offset in range(0, len(self.cells), self.width):
            if self.cells[offset] is None:
                self.cells[offset : offset + self.width] = self.default

    def _case(self, row: int) -> str:
        """The parent values of row number `row`."""
        words: list[str] = []
        for parent in reversed(self.variables[:-1]):
            row, value = divmod(row, len(parent.values))
            words.append(parent.values[value])
        return ", ".join(reversed(words))

    def _missing_rows(self) -> Diagnostic:
        missing = (k // self.width for k in range(0, len(self.cells), self.width) if self.cells[k] is None)
        first = list(itertools.islice(missing, 3))
        count = len(first) + sum(1 for _ in missing)
        cases = "; ".join(self._case(r) for r in first) + ("; …" if count > len(first) else "")
        return Diagnostic(
            "B013",
            f"the table of {shown(self.block.child)} misses {count} row(s)",
            self.block.spans[0],
            f"not covered: {cases}" if len(self.shape) > 1 else "no row",
            help=("add the rows, or `default …;` for all that are not written",),
        )


def _farthest(rows: Sequence[Sequence[Decimal]]) -> Decimal:
    """How far the sums of some rows are from 1, at most."""
    return max(abs(sum(row, Decimal(0)) - 1) for row in rows)


def _short(total: Decimal) -> str:
    return f"{total.normalize():f}" if -20 < total.adjusted() < 20 else f"{total:.6E}"
