"""A place where a text stops making sense, with the parser's tables at hand to try repairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from parser.tokens import RESERVED, STATEMENTS, Piece, starts_statement
from strings.diagnostic import Diagnostic, Source, Span


@dataclass(frozen=True)
class Machine:
    """The parser's table for one start rule, and the terminals by what they stand for."""

    states: Mapping[int, Mapping[str, Any]]
    end: int
    signs: Mapping[str, str]
    words: Mapping[str, str]

    def after(self, stack: Sequence[int], terminal: str) -> list[int] | None:
        """The stack of states after one more terminal; `None` if it cannot stand there."""
        states = list(stack)
        while True:
            action, argument = self.states[states[-1]].get(terminal, (None, None))
            if action is None:
                return None
            if isinstance(argument, int):
                return [*states, argument]
            if argument.expansion:
                del states[-len(argument.expansion) :]
            states.append(self.states[states[-1]][argument.origin.name][1])
            if terminal == "$END" and states[-1] == self.end:
                return states

    def accepts(self, stack: Sequence[int]) -> frozenset[str]:
        """The terminals that can stand next."""
        row = self.states[stack[-1]]
        return frozenset(t for t in row if (t.isupper() or t == "$END") and self.after(stack, t) is not None)

    def kinds(self, parts: Sequence[Piece], at: int) -> tuple[str, ...]:
        """The terminals that a piece can be; the end of the text is `$END`."""
        if at >= len(parts):
            return ("$END",)
        piece = parts[at]
        match piece.kind:
            case "sign":
                return (self.signs[piece.text],)
            case "string":
                return ("STRING",)
            case "number":
                return (_number_kind(piece.text),)
            case "word" if piece.text == "_":
                return ("WILD",)
            case "word":
                bracket = parts[at + 1].text if at + 1 < len(parts) else ""
                special = {"P(": "PROB", "E(": "EXPECTATION", "do(": "_DO", "cut(": "_CUT", "sum[": "_SUM"}
                known = (self.words.get(piece.text), special.get(piece.text + bracket))
                name = () if piece.text in RESERVED else ("NAME",)
                return (*(k for k in known if k), *name)
            case _:
                return ()

    def goes_on(self, stack: Sequence[int] | None, parts: Sequence[Piece], at: int, steps: int = 2) -> bool:
        """Whether the next `steps` pieces can follow."""
        if stack is None:
            return False
        if steps == 0 or at > len(parts):
            return True
        return any(self.goes_on(self.after(stack, k), parts, at + 1, steps - 1) for k in self.kinds(parts, at))


def _number_kind(text: str) -> str:
    if text.endswith("%"):
        return "PERCENT"
    if text.endswith("f"):
        return "FLOAT"
    return "INT" if text.isdigit() else "DECIMAL"


@dataclass(frozen=True)
class Slip:
    """A place where a text stops making sense: piece `at` cannot follow, with the parser in the states of `stack`."""

    source: Source
    parts: Sequence[Piece]
    at: int
    machine: Machine
    stack: tuple[int, ...]
    wanted: str = "start"
    """What is read: a whole file (`start`), or the start rule of an expression, a surgery, a diagram."""

    @cached_property
    def accepts(self) -> frozenset[str]:
        return self.machine.accepts(self.stack)

    @property
    def found(self) -> Piece | None:
        return self.parts[self.at] if self.at < len(self.parts) else None

    @property
    def before(self) -> Piece | None:
        return self.parts[self.at - 1] if self.at else None

    def text(self, offset: int = 0) -> str:
        """The text of the piece `offset` behind the one in question; empty outside the text."""
        i = self.at + offset
        return self.parts[i].text if 0 <= i < len(self.parts) else ""

    @property
    def here(self) -> Span:
        """The piece in question; at the end of the text, the end of the last piece."""
        if self.found:
            return Span(self.source, self.found.start, self.found.end)
        end = self.before.end if self.before else 0
        return Span(self.source, max(0, end - 1), max(1, end))

    @property
    def before_span(self) -> Span:
        """The piece before the one in question."""
        piece = self.parts[max(0, self.at - 1)]
        return Span(self.source, piece.start, piece.end)

    @property
    def named(self) -> str:
        """The piece in question, for a message."""
        if not self.found:
            return "the end of the text"
        text = self.found.text
        return f"`{text if len(text) <= 40 else text[:40] + '…'}`"

    @property
    def first_in_line(self) -> bool:
        if self.found is None or self.before is None:
            return True
        return "\n" in self.source.text[self.before.end : self.found.start]

    @property
    def ends(self) -> bool:
        """Whether the piece in question closes something or starts anew: what stands before it is cut short."""
        return self.text() in ("", ")", "]", "}", ",") or starts_statement(self.parts, self.at)

    @cached_property
    def start(self) -> int:
        """The piece that starts the statement."""
        return next((i for i in range(self.at - 1, -1, -1) if starts_statement(self.parts, i)), 0)

    @property
    def statement(self) -> str:
        """The word that starts the statement; empty if none does."""
        word = self.parts[self.start].text if self.at else ""
        return word if word in STATEMENTS else ""

    @cached_property
    def inside(self) -> str:
        """The innermost open bracket with the word before it: `P(`, `do(`, `[`; empty outside of all."""
        stack: list[int] = []
        for i in range(self.start, self.at):
            if self.parts[i].text in ("(", "[", "{"):
                stack.append(i)
            elif self.parts[i].text in (")", "]", "}") and stack:
                stack.pop()
        if not stack:
            return ""
        i = stack[-1]
        word = self.parts[i - 1].text if i and self.parts[i - 1].kind == "word" else ""
        return word + self.parts[i].text

    @property
    def is_name(self) -> bool:
        """Whether the piece in question is a word of the language in the place of a name."""
        if self.text() not in RESERVED or "NAME" not in self.accepts:
            return False
        return not self.first_in_line or self.text() not in STATEMENTS

    @property
    def swallowed(self) -> bool:
        """Whether the piece in question, though it could start a statement, belongs to this one."""
        return self.is_name or (self.text() == "model" and self.accepts == {"_MODELS"} and not self.first_in_line)

    def repaired(self, sign: str, skip: int = 0) -> bool:
        """Whether the text goes on if `sign` stands before the piece in question (or, with skip 1, in its place)."""
        terminal = self.machine.signs.get(sign) or self.machine.words[sign]
        stack = self.machine.after(self.stack, terminal)
        return self.machine.goes_on(stack, self.parts, self.at + skip)


def at(slip: Slip, code: str, message: str, label: str, *help_: str, notes: Iterable[str] = ()) -> Diagnostic:
    """A diagnostic that points to the piece in question."""
    return Diagnostic(code, message, slip.here, label, notes=tuple(notes), help=help_)
