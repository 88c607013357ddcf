"""The text of a session: pieces of what was typed and of files, put together to one model file.

A piece keeps the text that it comes from, so that a diagnostic about the whole points into what was typed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate

from parser import syntax
from parser.read import read
from strings.diagnostic import CutwireError, Diagnostic, Label, LanguageError, Source, Span

Question = (
    syntax.Query | syntax.Identify | syntax.Estimate | syntax.Claim | syntax.Check | syntax.Draw | syntax.DrawQuestion
)
QUESTIONS = (
    syntax.Query, syntax.Identify, syntax.Estimate, syntax.Claim, syntax.Check, syntax.Draw, syntax.DrawQuestion,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement: `prefix`, which nobody typed, and the characters `start` to `end` of a source."""

    source: Source
    start: int
    end: int
    item: syntax.Item = field(repr=False)
    prefix: str = ""

    @property
    def text(self) -> str:
        return self.prefix + self.source.text[self.start : self.end]

    @property
    def is_question(self) -> bool:
        return isinstance(self.item, QUESTIONS)

    @property
    def declares(self) -> frozenset[tuple[str, str]]:
        """The names that it declares, each with what kind of thing it names."""
        return frozenset((kind_of(self.item), n.text) for n in names_of(self.item))

    @property
    def summary(self) -> str:
        """It in a few words: `var S, T`."""
        item = self.item
        word = "latent" if isinstance(item, syntax.VariableDecl) and item.latent else kind_of(item)
        return f"{word} {', '.join(n.text for n in names_of(item))}".strip()


_KINDS: dict[type, str] = {
    syntax.ModelHeader: "model", syntax.ModelBlock: "model", syntax.ModelAfter: "model", syntax.Import: "import",
    syntax.DomainDecl: "domain", syntax.TypeDecl: "type", syntax.VariableDecl: "var", syntax.ParamDecl: "param",
    syntax.BoxDecl: "box", syntax.Interpret: "interpret", syntax.CsvData: "data", syntax.TableData: "data",
    syntax.DiagramBlock: "diagram", syntax.DiagramDef: "diagram", syntax.SurgeryDecl: "surgery",
    syntax.Query: "query", syntax.Identify: "identify", syntax.Estimate: "estimate", syntax.Claim: "claim",
    syntax.Check: "check", syntax.Draw: "draw", syntax.DrawQuestion: "draw", syntax.Observe: "observe",
}  # fmt: skip


def kind_of(item: syntax.Item) -> str:
    """The word that starts a statement (`var` also for `latent`)."""
    return item.word if isinstance(item, syntax.SurgeryDecl) else _KINDS[type(item)]


def names_of(item: syntax.Item) -> tuple[syntax.Name, ...]:
    """The names that a statement declares."""
    match item:
        case syntax.VariableDecl() | syntax.TypeDecl() | syntax.ParamDecl():
            return item.names
        case syntax.Import():
            return (syntax.Name(item.path),)
        case syntax.Interpret():
            return (syntax.Name(f"{item.model.text} as {item.name.text}"),)
        case syntax.Check() | syntax.Draw() | syntax.DrawQuestion() | syntax.Observe():
            return ()
        case _:
            return (item.name,) if item.name is not None else ()


def split(source: Source, prefix: str = "", skip: int = 0) -> tuple[Piece, ...]:
    """The statements of a text, each with the comments before it.

    What is read is `prefix` and then the text without its first `skip` characters.

    Raises:
        LanguageError: with all syntax errors, pointing into the text.
    """
    by = len(prefix) - skip
    try:
        items = read(prefix + source.text[skip:], source.name).items
    except CutwireError as e:
        raise LanguageError(shifted(d, source, by) for d in e.diagnostics) from None
    found: list[Piece] = []
    at = skip
    for item in items:
        assert item.span is not None
        end = max(at, item.span.end - by)
        rest = _REST.match(source.text, end)
        blank = _BLANK.match(source.text, at)
        start = min(blank.end() if blank else at, end)
        end = rest.end() if rest else end
        found.append(Piece(source, start, end, item, prefix))
        at = end
    return tuple(found)


_REST = re.compile(r"[ \t]*(#[^\n]*)?(?=\n|$)")
_BLANK = re.compile(r"\s*")


def shifted(d: Diagnostic, source: Source, by: int) -> Diagnostic:
    """A diagnostic about a text whose places are `by` characters further than in the source, as one about that."""

    def moved(s: Span) -> Span:
        start = min(max(0, s.start - by), max(0, len(source.text) - 1))
        return Span(source, start, max(start + 1, s.end - by))

    span = None if d.span is None else moved(d.span)
    return replace(d, span=span, also=tuple(Label(moved(a.span), a.text) for a in d.also))


def updated(pieces: Sequence[Piece], new: Sequence[Piece]) -> tuple[tuple[Piece, ...], list[str]]:
    """The pieces with new declarations put in place of those of the same names; also what was replaced, in words."""
    found, told = list(pieces), []
    for piece in new:
        names = piece.declares
        header = isinstance(piece.item, syntax.ModelHeader)
        place: int | None = None
        kept: list[Piece] = []
        for old in found:
            same = isinstance(old.item, syntax.ModelHeader) if header else bool(old.declares & names)
            if not same:
                kept.append(old)
                continue
            place = len(kept) if place is None else place
            told += [f"{kind} {n}" for kind, n in sorted(old.declares if header else old.declares & names)]
            rest = None if header else without(old, {n for _, n in names})
            if rest is not None:
                kept.append(rest)
        at = len(kept) if place is None else place
        found = [*kept[:at], piece, *kept[at:]]
    return tuple(found), told


def without(piece: Piece, names: set[str]) -> Piece | None:
    """A declaration of several names without some of them; nothing if none is left.

    >>> (old,) = split(Source("<a>", "var S, T, C : {no, yes}"))
    >>> without(old, {"S", "C"}).text
    'var T : {no, yes}'
    """
    all_names = names_of(piece.item)
    left = [n.text for n in all_names if n.text not in names]
    if not left:
        return None
    first, last = all_names[0].span, all_names[-1].span
    assert first is not None
    assert last is not None
    text = piece.source.text
    changed = text[piece.start : first.start] + ", ".join(left) + text[last.end : piece.end]
    return split(Source(piece.source.name, changed))[0]


@dataclass(frozen=True)
class Assembly:
    """Pieces put together to one text, a line break between two."""

    pieces: tuple[Piece, ...]
    name: str

    @cached_property
    def source(self) -> Source:
        return Source(self.name, "\n".join(p.text for p in self.pieces) + ("\n" if self.pieces else ""))

    @cached_property
    def starts(self) -> tuple[int, ...]:
        return tuple(accumulate((len(p.text) + 1 for p in self.pieces), initial=0))

    def piece_at(self, span: Span | None) -> int | None:
        """The number of the piece that a place of the whole text lies in."""
        if span is None or span.source.name != self.name or not self.pieces:
            return None
        return min(max(0, bisect_right(self.starts, span.start) - 1), len(self.pieces) - 1)

    def place(self, span: Span) -> Span:
        """A place of the whole text, in the text that its piece comes from."""
        k = self.piece_at(span)
        if k is None:
            return span
        piece = self.pieces[k]
        shift = piece.start - len(piece.prefix) - self.starts[k]
        start = min(max(piece.start, span.start + shift), max(piece.start, piece.end - 1))
        return Span(piece.source, start, min(max(start + 1, span.end + shift), max(piece.end, start + 1)))

    def placed(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Diagnostics about the whole text, pointing into what was typed."""
        return tuple(
            replace(
                d,
                span=None if d.span is None else self.place(d.span),
                also=tuple(Label(self.place(a.span), a.text) for a in d.also),
            )
            for d in diagnostics
        )
