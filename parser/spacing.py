"""The tokens of a text that parses, with the comments between them, and which of them stand apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from lark import Token, Tree

from parser.tables import parser
from parser.tokens import STATEMENTS
from strings.diagnostic import Source


@dataclass(frozen=True, slots=True)
class Comment:
    """A plain comment: whether it has a line of its own, and whether a blank line stands before it."""

    text: str
    own_line: bool
    blank: bool


@dataclass(slots=True)
class Word:
    """A token to be printed: its terminal, its text, the comments before it, and how it stands to the token before."""

    kind: str
    text: str
    start: int
    comments: list[Comment] = field(default_factory=list)
    blank: bool = False
    """A blank line stands before it (behind the comments)."""
    space: bool = True
    """A space stands before it."""
    depth: int = 0
    """How many brackets are open around it."""
    breaks: bool = False
    """A long line may be broken before it."""
    opens: bool = False
    """A part of a statement starts here, such as what it is about: a good place to break, if that fits on one line."""


_COMMENT = re.compile(r"#[^\n]*")
_OPERANDS = frozenset(("NAME", "INT", "DECIMAL", "FLOAT", "PERCENT", "STRING", "RPAR", "RSQB", "RBRACE", "WILD"))
_OPEN = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_CLOSE = frozenset(_OPEN.values())
_SETTING = (("LPAR", "_DO"), ("LSQB", "NAME"), ("LSQB", "STRING"))
"""The brackets in which `=` sets a variable: `do(…)`, and those of another world."""
_TIGHT = frozenset(("_DOT", "_DOTS", "_AT", "POWER"))
_CALLS = frozenset(("NAME", "FUNCTION", "EFFECT", "PROB", "EXPECTATION", "_DO", "_CUT", "_SUM"))
_OPERATORS = frozenset(
    ("PLUS", "MINUS", "STAR", "SLASH", "AND", "OR", "XOR", "EQUAL", "UNEQUAL", "LE", "GE", "LT", "GT", "SEMICOLON",
     "_INDEPENDENT")
)  # fmt: skip
_OPTIONS = frozenset(
    ("_FOR", "_UNIT", "_USING", "_EXPECT", "_FROM", "_WITHIN", "_AFTER", "_TO", "_THEN", "_ELSE", "_EXPOSING", "VBAR",
     "_ASSUMING", "_SEED", "_BOOTSTRAP", "_LEVEL")
)  # fmt: skip
_NAMED = frozenset(("_QUERY", "_IDENTIFY", "_ESTIMATE"))
_STARTS = frozenset(f"_{word.upper()}" for word in STATEMENTS)


def words(source: Source) -> list[Word]:
    """The tokens of a text that parses, in order; the last one is an empty `$END` that holds the final comments."""
    found: list[Word] = []
    end = 0
    for token in _tokens(source.text):
        start = cast(int, token.start_pos)
        word = Word(token.type, str(token), start)
        _between(source.text[end:start], not found, word)
        found.append(word)
        end = cast(int, token.end_pos)
    last = Word("$END", "", len(source.text))
    _between(source.text[end:], not found, last)
    _set_spaces(found)
    return [*found, last]


def _tokens(text: str) -> Iterator[Token]:
    engine = parser().parse_interactive(text, start="start")
    for token in cast(Any, engine.lexer_thread).lex(engine.parser_state):
        engine.feed_token(token)
        yield token


def _between(gap: str, first: bool, word: Word) -> None:
    """Take the comments out of the white space before a word."""
    at = 0
    for match in _COMMENT.finditer(gap):
        lines = gap[at : match.start()].count("\n")
        own = lines > 0 or (first and not word.comments)
        word.comments.append(Comment(match.group().rstrip(), own, lines > 1))
        at = match.end()
    word.blank = gap.count("\n", at) > 1


def _set_spaces(found: list[Word]) -> None:
    """Settle for each word the space before it, its depth, and whether a line may be broken there."""
    brackets: list[tuple[str, str]] = []  # the open brackets, each with the token before it
    statement, before, before_that = "", Word("", "", 0), Word("", "", 0)
    unary = False
    for word in found:
        kind = word.kind
        if kind in _STARTS and (kind != "_DIAGRAM" or before.kind not in ("_EQUALS", "_COLON")):
            statement = kind
        if kind == "_EQUALS" and brackets and brackets[-1] in _SETTING:
            word.text = ":="
        closed = brackets.pop() if kind in _CLOSE and brackets else None
        word.depth = len(brackets)
        in_block = all(around == "block" for _, around in brackets)
        named = before_that.kind in _NAMED or statement == "_CLAIM"
        labels = bool(brackets) and brackets[-1][0] == "LBRACE"
        tight_colon = kind == "_COLON" and (named if in_block else labels)
        word.space = not (tight_colon or unary or _is_tight(before_that, before, word))
        word.breaks = _may_break(before, word, tight_colon)
        unary = kind == "MINUS" and before.kind not in _OPERANDS
        word.breaks = word.breaks and not unary
        body = before.kind == "_COLON" and not before.space and in_block
        word.opens = body or before.kind == "_YIELDS" or kind in ("_INDEPENDENT", "_ASSUMING")
        if kind in _OPEN:
            block = kind == "LBRACE" and statement in ("_MODEL", "_INTERPRET", "_DIAGRAM") and before.kind in ("NAME",)
            brackets.append((kind, "block" if block else before.kind))
        before_that, before = before, word
        if closed is not None and closed[1] == "_SUM":
            before = Word("sum]", "]", word.start)
    _set_fractions(found)


def _is_tight(before_that: Word, before: Word, word: Word) -> bool:
    """Whether two tokens stand together whatever surrounds them."""
    kind, last = word.kind, before.kind
    if kind in ("RPAR", "RSQB", "RBRACE", "COMMA") or last in ("LPAR", "LSQB", "LBRACE"):
        return True
    if kind in _TIGHT or last in _TIGHT:
        return True
    if kind == "LPAR":
        return last in _CALLS or last == "RSQB"
    return kind == "LSQB" and last in ("NAME", "STRING", "_SUM")


def _may_break(before: Word, word: Word, tight_colon: bool) -> bool:
    if before.kind in ("COMMA", "_YIELDS") or (before.kind == "_COLON" and not before.space):
        return True
    return (word.kind in _OPERATORS or word.kind in _OPTIONS) and not tight_colon


def _set_fractions(found: list[Word]) -> None:
    """`1/2` stands together."""
    for left, slash, right in zip(found, found[1:], found[2:], strict=False):
        if (left.kind, slash.kind, right.kind) == ("INT", "SLASH", "INT"):
            slash.space = right.space = slash.breaks = False


def line_starts(tree: Tree[Token]) -> dict[int, str]:
    """Where lines have to start, by offset: an `item`, a `row` of a table, a `line` of a block, a block's `end`."""
    starts: dict[int, str] = {}
    for part in tree.iter_subtrees():
        match part.data:
            case "item":
                starts[part.meta.start_pos] = "item"
            case "row" | "data_row":
                starts[part.meta.start_pos] = "row"
            case "body_of" | "apply" | "discard":
                starts[part.meta.start_pos] = "line"
            case "model_block" | "interpret" | "diagram_block":
                starts[part.meta.end_pos - 1] = "end"
            case _:
                pass
    return starts
