"""Text that is still being typed: whether it is whole, and what could come next.

The parser is LALR, so it knows at each place which terminals can follow. That answers both questions, and nothing has
to be guessed.

>>> wants_more("var S : {no,"), wants_more("var S : {no, yes}")
(True, False)
>>> sorted(what_follows("var S").accepts)
['COMMA', '_COLON']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from lark import UnexpectedInput

from parser.read import Start
from parser.slips import Machine
from parser.tables import parser, terminals
from parser.tokens import pieces, plain

_TABLES = ("box", "data")


@dataclass(frozen=True, slots=True)
class Following:
    """What can follow a text: the terminals, and whether the text makes sense so far."""

    accepts: frozenset[str]
    sound: bool

    @property
    def whole(self) -> bool:
        """Whether the text may end here."""
        return self.sound and "$END" in self.accepts


def what_follows(text: str, start: Start = "start") -> Following:
    """What can follow a text; of one that makes no sense, what could have stood where it goes wrong."""
    engine = parser().parse_interactive(plain(text), start=start)
    state, lexer = engine.parser_state, cast(Any, engine.lexer_thread)
    conf = state.parse_conf
    machine = Machine(conf.states, conf.end_state, *terminals())
    before, sound = list(state.state_stack), True
    try:
        for token in lexer.lex(state):
            before = list(state.state_stack)
            engine.feed_token(token)
        before = list(state.state_stack)
    except UnexpectedInput as e:
        sound = False
        if type(e).__name__ == "UnexpectedCharacters":
            before = list(state.state_stack)
    return Following(machine.accepts(before), sound)


def wants_more(text: str, start: Start = "start") -> bool:
    """Whether a text is cut short. One that goes wrong wants nothing more: it is to be told.

    Where rows of a table are written below each other, there may always be one more: an empty line ends them.

    >>> wants_more("box s : -> S ="), wants_more("box s : -> S = | no -> [1 : 2]")
    (True, False)
    >>> wants_more("box s : A -> S =\\n| no -> [1 : 2]"), wants_more("var S : }")
    (True, False)
    """
    found = what_follows(text, start)
    if not found.sound or not text.strip():
        return False
    return "$END" not in found.accepts or ("VBAR" in found.accepts and _rows_below(text))


def _rows_below(text: str) -> bool:
    """Whether the last statement is a table whose rows begin on lines of their own."""
    parts = [p for p in pieces(plain(text)) if p.kind not in ("comment", "doc")]
    starts = [k for k, p in enumerate(parts) if p.text in _TABLES]
    bars = [p for p in parts[starts[-1] :] if p.text == "|"] if starts else []
    return bool(bars) and "\n" in plain(text)[: bars[-1].start].rpartition(parts[starts[-1]].text)[2]
