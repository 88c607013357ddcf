"""Errors as data: what went wrong, where in the text, and what to do about it.

Every error that a user can cause is a `CutwireError` carrying one or more `Diagnostic` values. A diagnostic is plain
data; `render` is the only place that turns one into lines of text. The type lives in the lowest room so that every
room above can raise it; nothing here parses or evaluates anything.

>>> source = Source("a.causal", "lattent H : {low, high}")
>>> print(Diagnostic("P010", "`lattent` does not start a statement", Span(source, 0, 7), "expected a keyword here",
...                  help=("did you mean `latent`?",)))
error[P010]: `lattent` does not start a statement
 --> a.causal:1:1
  |
1 | lattent H : {low, high}
  | ^^^^^^^ expected a keyword here
  |
  = help: did you mean `latent`?
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal


@dataclass(frozen=True)
class Source:
    """A text with a name to report it under (a file's path, or `<query>` and the like)."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        starts = [0]
        starts.extend(i + 1 for i, c in enumerate(self.text) if c == "\n")
        return tuple(starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        import bisect

        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line break."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` (included) to `end` (excluded) of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that belongs to a diagnostic, and what to say there."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: a stable `code`, a `message`, where it is, and how to mend it.

    `label` stands behind the caret, `also` names further places, `notes` explain and `help` says what to do.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    also: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    severity: Literal["error", "warning"] = "error"

    def at(self, span: Span | None) -> Diagnostic:
        """The same diagnostic, pointing to `span` unless it already points somewhere."""
        return self if self.span is not None or span is None else replace(self, span=span)

    def __str__(self) -> str:
        return render(self)


class CutwireError(Exception):
    """Base of every error a user can cause; `diagnostics` has them all, `diagnostic` is the first."""

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = (
            (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        )
        super().__init__("\n\n".join(render(d) for d in self.diagnostics))

    @property
    def diagnostic(self) -> Diagnostic:
        return self.diagnostics[0]

    def _render_traceback_(self) -> list[str]:
        """What IPython and notebooks show of the error: what it says, and not where in Python it was raised."""
        return str(self).splitlines()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.diagnostics,), self.__dict__

    def at(self, span: Span | None) -> CutwireError:
        """The same error, its diagnostics pointing to `span` where they pointed nowhere."""
        return type(self)(d.at(span) for d in self.diagnostics)


class LanguageError(CutwireError):
    """A model file or a question that does not read, resolve or type-check (codes P, N, T, M, D, F)."""


class CompositionError(CutwireError):
    """Diagrams or boxes that do not fit together (codes D and M)."""


class QueryError(CutwireError):
    """A well-formed question that this model cannot answer (codes Q and E)."""


class ZeroProbabilityError(QueryError):
    """Conditioning on an event that has probability zero (Q002): disintegration is undetermined there."""


class LimitError(CutwireError):
    """A bound on size, memory or time was hit (codes L)."""


def did_you_mean(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """The help line that proposes the nearest other known name, or nothing.

    >>> did_you_mean("Yes", ["no", "yes"])
    ('did you mean `yes`?',)
    >>> did_you_mean("zebra", ["no", "yes"])
    ()
    """
    word = str(word)  # Python may name things by anything, such as the columns of a data frame
    names = [name for name in dict.fromkeys(known) if name != word]
    folded: dict[str, str] = {}
    for name in names:
        folded.setdefault(name.casefold(), name)
    if word.casefold() in folded:
        return (f"did you mean `{folded[word.casefold()]}`?",)
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if not close and len(word) > 1:  # a doubled or dropped letter in a one-letter name
        close = [k for k in folded if len(k) == 1 and set(word.casefold()) == {k}]
    return (f"did you mean `{folded[close[0]]}`?",) if close else ()


_TAB = "    "
_WIDEST = 160  # columns of a source line that are shown
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: str) -> str:
    r"""The text with everything that could move a cursor or turn the text round written as an escape.

    >>> visible("a\x1b[2Jb\u202e")
    'a\\x1b[2Jb\\u202e'
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_visible, text))


def _visible(c: str) -> str:
    if c in _BIDI or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp"):
        return _ESCAPES.get(c) or (f"\\x{ord(c):02x}" if ord(c) < 0x100 else f"\\u{ord(c):04x}")
    return c


def display_width(text: str) -> int:
    """The columns that a text without control characters takes in a terminal: wide letters two, marks none.

    >>> display_width("tar"), display_width("喫煙")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    columns = 0
    for c in text:
        if (unicodedata.category(c) in ("Mn", "Me", "Cf") and c != "\xad") or "\u1160" <= c <= "\u11ff":
            continue
        columns += 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return columns


def render(diagnostic: Diagnostic) -> str:
    """The diagnostic as text: header, place, the line with carets, notes and help.

    Control characters of the text, of names and of values are shown as escapes.
    """
    d = diagnostic
    lines = [f"{d.severity}[{d.code}]: {visible(d.message)}"]
    if d.span is not None:
        marks = [(d.span, visible(d.label), "^")] + [(a.span, visible(a.text), "-") for a in d.also]
        here = [m for m in marks if m[0].source.name == d.span.source.name]
        elsewhere = [m for m in marks if m[0].source.name != d.span.source.name]
        width = max(len(str(m[0].line)) for m in marks)
        lines.append(f"{' ' * width}--> {visible(d.span.source.name)}:{d.span.line}:{d.span.column}")
        lines.extend(_excerpt(here, width))
        for mark in elsewhere:
            lines.append(f"{' ' * width}::: {visible(mark[0].source.name)}:{mark[0].line}:{mark[0].column}")
            lines.extend(_excerpt([mark], width))
        gutter = " " * width + " "
    else:
        gutter = "  "
    lines.extend(f"{gutter}= note: {visible(note)}" for note in d.notes)
    lines.extend(f"{gutter}= help: {visible(text)}" for text in d.help)
    return "\n".join(lines)


def _excerpt(marks: list[tuple[Span, str, str]], width: int) -> list[str]:
    """The source lines of the marks in order, each mark underlined below its line."""
    bar = " " * width + " |"
    lines = [bar]
    previous: tuple[int, int, int] = (0, 0, 0)
    for span, text, sign in sorted(marks, key=lambda m: (m[0].start, m[2])):
        number, at = span.line, span.column - 1
        line = _Line(span.source.line(number), at)
        start = line.start_for(at)
        if (number, line.first, start) != previous:
            if previous[0] and number > previous[0] + 1:
                lines.append("...")
            lines.append(f"{number:>{width}} | {line.shown(start)}".rstrip())
            previous = (number, line.first, start)
        before, length = line.place(start, at, at + max(1, span.end - span.start))
        lines.append(f"{bar} {' ' * before}{sign * length} {text}".rstrip())
    lines.append(bar)
    return lines


class _Line:
    """A source line, or what is near the character `at` of a very long one, as it is shown.

    `columns[k]` is where character `first + k` starts, and last where the line ends.
    """

    def __init__(self, raw: str, at: int) -> None:
        self.first = 0 if len(raw) < 16 * _WIDEST else max(0, at - 4 * _WIDEST)
        near = raw[self.first : self.first + 16 * _WIDEST]
        self.rest = len(raw) > self.first + len(near)
        self.pieces = list(near) if near.isprintable() else [_TAB if c == "\t" else _visible(c) for c in near]
        self.columns = [0]
        for piece in self.pieces:
            self.columns.append(self.columns[-1] + display_width(piece))

    def start_for(self, at: int) -> int:
        """The first character to show, so that the one at `at` can be seen."""
        column = self.columns[min(at - self.first, len(self.pieces))]
        if self.columns[-1] <= _WIDEST or column < _WIDEST * 3 // 4:
            return 0
        return next(k for k, c in enumerate(self.columns) if c >= column - _WIDEST // 2)

    def shown(self, start: int) -> str:
        """The line from a character on, as much as there is room for."""
        end = self._end(start)
        more = "…" if end < len(self.pieces) or self.rest else ""
        return ("…" if self.first + start else "") + "".join(self.pieces[start:end]) + more

    def place(self, start: int, first: int, last: int) -> tuple[int, int]:
        """How many columns stand before the characters `first` to `last`, and how many these take."""
        end = self._end(start)
        first, last = (min(max(k - self.first, start), end) for k in (first, last))
        before = self.columns[first] - self.columns[start] + (1 if self.first + start else 0)
        return before, max(1, self.columns[last] - self.columns[first])

    def _end(self, start: int) -> int:
        """The first character behind what there is room for."""
        room = self.columns[start] + _WIDEST - 1
        if self.columns[-1] <= room:
            return len(self.pieces)
        return next(k for k, column in enumerate(self.columns) if column > room) - 1
