"""Reading: from text to the syntax tree of `parser.syntax`, with every syntax error of the text in one go.

>>> read("var S : {no, yes}").items[0].names
(Name(text='S', span=Span(source=Source(name='<text>'), start=4, end=5)),)
>>> read_expression("P(S = yes | do(T := no))").conditions[0].assigns[0].value.text
'no'
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from lark import Token, Tree, UnexpectedCharacters, UnexpectedInput
from lark.parsers.lalr_interactive_parser import InteractiveParser

from parser import syntax
from parser.expected import statement_meant
from parser.files import read_text
from parser.lower import Lower
from parser.mistakes import explain
from parser.slips import Machine, Slip
from parser.tables import parser, terminals
from parser.tokens import (
    LATER,
    MAX_CHARACTERS,
    MAX_PIECES,
    RESERVED,
    Piece,
    bracket_errors,
    character_errors,
    nesting_error,
    pieces,
    plain,
    starts_statement,
    too_large,
)
from strings.diagnostic import Diagnostic, LanguageError, Source

__all__ = ["parse", "read", "read_diagram", "read_expression", "read_file", "read_surgery", "read_text"]

MAX_ERRORS = 50
"""So many errors of a text are told."""

Start = Literal["start", "expression_text", "surgery_text", "diagram_text"]


def read(text: str, name: str = "<text>") -> syntax.File:
    """The syntax tree of a model file's text; `name` is what diagnostics call it.

    Raises:
        LanguageError: with all syntax errors of the text (codes P).
    """
    return cast(syntax.File, _read(text, name, "start"))


def read_file(path: str | Path) -> syntax.File:
    """The syntax tree of a model file.

    Raises:
        LanguageError: F002 or F007 if it cannot be read, otherwise as `read`. LimitError: L003 if it is too large.
    """
    return read(read_text(Path(path)), str(path))


def read_expression(text: str, name: str = "<query>") -> syntax.Expression:
    """One question such as `P(C | do(S := yes))`.

    Raises:
        LanguageError: if it does not parse.
    """
    return cast(syntax.Expression, _read(text, name, "expression_text"))


def read_surgery(text: str, name: str = "<surgery>") -> syntax.SurgeryExpression:
    """A surgery such as `do(S := yes) then cut(T)`.

    Raises:
        LanguageError: if it does not parse.
    """
    return cast(syntax.SurgeryExpression, _read(text, name, "surgery_text"))


def read_diagram(text: str, name: str = "<diagram>") -> syntax.DiagramExpression:
    """A diagram such as `f ; g * id[A]`.

    Raises:
        LanguageError: if it does not parse.
    """
    return cast(syntax.DiagramExpression, _read(text, name, "diagram_text"))


def _read(text: str, name: str, start: Start) -> Any:
    source = Source(name, plain(text))
    lower = Lower(source)
    node = lower.lower(parse(source, start))
    if lower.problems:
        raise LanguageError(_in_order(lower.problems))
    return node


def parse(source: Source, start: Start = "start") -> Tree[Token]:
    """The parse tree of a text.

    Raises:
        LanguageError: with all syntax errors of the text.
    """
    if len(source.text) > MAX_CHARACTERS:
        raise LanguageError(too_large(source, len(source.text)))
    parts = [p for p in pieces(source.text) if p.kind != "comment"]
    if len(parts) > MAX_PIECES:
        raise LanguageError(too_large(source))
    early = character_errors(source, parts)
    deep = nesting_error(source, parts)
    if deep is not None:
        raise LanguageError(_in_order([*early, deep]))
    run = _Run(source, parts, start)
    tree = run.parse()
    if tree is None or early:
        raise LanguageError(_in_order(_told(source, parts, early, run.slips)))
    return tree


def _in_order(errors: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Sorted by place, the first `MAX_ERRORS` of them."""
    return sorted(errors, key=lambda d: d.span.start if d.span else 0)[:MAX_ERRORS]


def _told(
    source: Source, parts: Sequence[Piece], early: Sequence[Diagnostic], slips: Sequence[Slip]
) -> list[Diagnostic]:
    """All errors of a text that does not parse; of a statement with a bad character or bracket only those are told."""
    brackets = bracket_errors(source, parts) if slips else []
    known = [*early, *(d for _, d in brackets)]
    starts = [p.start for at, p in enumerate(parts) if starts_statement(parts, at)]
    places = sorted(d.span.start for d in known if d.span)
    told = [s for s in slips if not _covered(s, starts, places)]
    return [*known, *(explain(s) for s in told)] or [explain(s) for s in slips[:1]]


def _covered(slip: Slip, starts: Sequence[int], places: Sequence[int]) -> bool:
    """Whether an error is known in the statement that a slip ends, or the text ends with a bracket open."""
    last = slip.before.start if slip.before else 0
    segment = bisect_right(starts, last)
    low = starts[segment - 1] if segment else 0
    high = starts[segment] if segment < len(starts) else len(slip.source.text) + 1
    if slip.found is None and places:
        return True
    return bisect_left(places, low) < bisect_left(places, high)


# ---- the parser, resumed after errors --------------------------------------------------------------------------------


@dataclass
class _Run:
    """One run of the parser over a text. After an error it goes on at the next statement, to find the others."""

    source: Source
    parts: Sequence[Piece]
    start: Start
    slips: list[Slip] = field(default_factory=list)
    reached: int = -1
    lost: int = 0
    """Braces that were opened in what has been passed over and never closed."""

    def parse(self) -> Tree[Token] | None:
        """The tree, or `None` after errors."""
        engine = parser().parse_interactive(self.source.text, start=self.start)
        tree = self.feed(engine)
        while tree is None and self.recover(engine):
            tree = self.feed(engine)
        return None if self.slips else tree

    def feed(self, engine: InteractiveParser) -> Tree[Token] | None:
        """Feed the parser to the end, or note the slip and stop where it cannot go on."""
        state, lexer, feed_end = engine.parser_state, cast(Any, engine.lexer_thread), cast(Any, engine.feed_eof)
        before = state.state_stack
        try:
            for token in lexer.lex(state):
                before = state.state_stack.copy()  # on an error some reductions may be done: the slip is before them
                engine.feed_token(token)
                before = state.state_stack
            before = state.state_stack.copy()
            return cast("Tree[Token]", feed_end(lexer.state.last_token))
        except UnexpectedInput as error:
            at = self.piece_at(error)
            self.slips.append(Slip(self.source, self.parts, at, self.machine(engine), tuple(before), self.start))
            return None

    def recover(self, engine: InteractiveParser) -> bool:
        """Take the parser to where it can go on; `False` if there is no such place."""
        slip = self.slips[-1]
        if self.start != "start" or slip.found is None or len(self.slips) > MAX_ERRORS:
            return False
        if slip.found.kind == "doc":
            self.resume(engine, slip.found.end)
            return True
        depth = self.unwind(engine)
        to = self.next_statement(slip.at + slip.swallowed, depth)
        if to is None:
            return False
        self.reached = to
        self.resume(engine, self.parts[to].start)
        return True

    def piece_at(self, error: UnexpectedInput) -> int:
        """The number of the piece that the parser could not take."""
        if isinstance(error, UnexpectedCharacters):
            offset = error.pos_in_stream
        else:
            token = cast(Any, error).token
            if token.type == "$END":
                return len(self.parts)
            offset = token.start_pos
        return max(0, bisect_right(self.parts, offset, key=lambda p: p.start) - 1)

    def machine(self, engine: InteractiveParser) -> Machine:
        """The parser's table, to try repairs on."""
        conf = engine.parser_state.parse_conf
        return Machine(conf.states, conf.end_state, *terminals())

    def unwind(self, engine: InteractiveParser) -> int:
        """Drop the unfinished statement from the parser's stack; the number of model blocks that are open."""
        state = engine.parser_state
        states = state.parse_conf.states
        keep = len(state.state_stack)
        while keep > 1 and not _takes_statements(states[state.state_stack[keep - 1]]):
            keep -= 1
        del state.state_stack[keep:], state.value_stack[keep - 1 :]
        return sum(isinstance(v, Token) and v.type == "LBRACE" for v in state.value_stack)

    def next_statement(self, at: int, depth: int) -> int | None:
        """The first piece from `at` on that starts a statement, or closes the innermost of `depth` model blocks."""
        braces = [{"{": 1, "}": -1}.get(p.text, 0) if p.kind == "sign" else 0 for p in self.parts]
        now = max(depth, sum(braces[:at]) - self.lost)
        for i in range(max(at, self.reached + 1), len(self.parts)):
            closes = braces[i] < 0 and now == depth > 0
            if closes or starts_statement(self.parts, i) or (i > at and self.meant_to_start(i)):
                self.lost = sum(braces[:i]) - depth
                return i
            now = max(depth, now + braces[i])
        return None

    def meant_to_start(self, i: int) -> bool:
        """Whether a piece begins a line and looks like a misspelt statement, or one of a later version."""
        piece = self.parts[i]
        if piece.kind != "word" or not i or "\n" not in self.source.text[self.parts[i - 1].end : piece.start]:
            return False
        named = i + 1 < len(self.parts) and self.parts[i + 1].kind == "word"
        return piece.text in LATER or (named and piece.text not in RESERVED and statement_meant(piece.text) != ())

    def resume(self, engine: InteractiveParser, offset: int) -> None:
        """Let the lexer go on at an offset."""
        cast(Any, engine.lexer_thread.state).line_ctr.char_pos = offset


def _takes_statements(row: Any) -> bool:
    """Whether a state waits for statements: it shifts the word `query`."""
    action = row.get("_QUERY")
    return action is not None and isinstance(action[1], int)
