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
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal


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
    """The help line that proposes the nearest known name, or nothing.

    >>> did_you_mean("Yes", ["no", "yes"])
    ('did you mean `yes`?',)
    >>> did_you_mean("zebra", ["no", "yes"])
    ()
    """
    names = list(dict.fromkeys(known))
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
_WIDEST = 160  # characters of a source line that are shown


def render(diagnostic: Diagnostic) -> str:
    """The diagnostic as text: header, place, the line with carets, notes and help."""
    d = diagnostic
    lines = [f"{d.severity}[{d.code}]: {d.message}"]
    if d.span is not None:
        marks = [(d.span, d.label, "^")] + [(a.span, a.text, "-") for a in d.also]
        here = [m for m in marks if m[0].source.name == d.span.source.name]
        elsewhere = [m for m in marks if m[0].source.name != d.span.source.name]
        width = max(len(str(m[0].line)) for m in marks)
        lines.append(f"{' ' * width}--> {d.span.source.name}:{d.span.line}:{d.span.column}")
        lines.extend(_excerpt(here, width))
        for mark in elsewhere:
            lines.append(f"{' ' * width}::: {mark[0].source.name}:{mark[0].line}:{mark[0].column}")
            lines.extend(_excerpt([mark], width))
        gutter = " " * width + " "
    else:
        gutter = "  "
    lines.extend(f"{gutter}= note: {note}" for note in d.notes)
    lines.extend(f"{gutter}= help: {text}" for text in d.help)
    return "\n".join(lines)


def _excerpt(marks: list[tuple[Span, str, str]], width: int) -> list[str]:
    """The source lines of the marks in order, each mark underlined below its line."""
    bar = " " * width + " |"
    lines = [bar]
    previous = 0
    for span, text, sign in sorted(marks, key=lambda m: (m[0].start, m[2])):
        number, column = span.line, span.column
        raw = span.source.line(number)
        if number != previous:
            if previous and number > previous + 1:
                lines.append("...")
            shown = raw if len(raw) <= _WIDEST else raw[: _WIDEST - 1] + "…"
            lines.append(f"{number:>{width}} | {shown.replace(chr(9), _TAB)}".rstrip())
            previous = number
        before = raw[: column - 1][:_WIDEST].replace("\t", _TAB)
        inside = raw[column - 1 : column - 1 + max(1, span.end - span.start)]
        length = max(1, min(len(inside.replace("\t", _TAB)), max(1, _WIDEST - len(before))))
        lines.append(f"{bar} {' ' * len(before)}{sign * length} {text}".rstrip())
    lines.append(bar)
    return lines
