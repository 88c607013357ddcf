"""What every rule needs on the way from the parse tree of lark to the nodes of `parser.syntax`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar, cast

from lark import Token, Tree

from parser import syntax as s
from strings.diagnostic import Diagnostic, Source, Span

T = TypeVar("T")
Node = Any
"""Whatever a rule stands for: a syntax node, a tuple of them, or a token's text."""


class LowerBase:
    """Turns parse trees of one source into syntax nodes, with a method for every rule, of the rule's name."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Diagnostic] = []
        self._done: dict[int, Node] = {}

    def lower(self, tree: Tree[Token]) -> Node:
        """The syntax node of a parse tree; its parts come first, so that nothing recurs."""
        for part in tree.iter_subtrees():
            self._done[id(part)] = getattr(self, part.data)(part)
        return self._done[id(tree)]

    def span(self, part: Tree[Token] | Token) -> Span:
        """Where a tree or a token stands."""
        if isinstance(part, Token):
            return Span(self.source, cast(int, part.start_pos), cast(int, part.end_pos))
        return Span(self.source, part.meta.start_pos, part.meta.end_pos)

    def all(self, tree: Tree[Token]) -> tuple[Node, ...]:
        """The children, lowered; placeholders of what was left out are dropped."""
        return tuple(self.part(c) for c in tree.children if c is not None)

    def part(self, child: Tree[Token] | Token | None) -> Node:
        """One child: of a tree what it came to, a name becomes a `Name`, another token its text."""
        if isinstance(child, Tree):
            return self._done[id(child)]
        if child is not None and child.type in ("NAME", "FUNCTION", "EFFECT"):
            return s.Name(str(child), self.span(child))
        return child if child is None else str(child)

    def node(self, make: Callable[..., T], tree: Tree[Token]) -> T:
        """A node whose fields are the children in order."""
        return make(*self.all(tree), span=self.span(tree))

    def first(self, tree: Tree[Token]) -> Node:
        """Rules that stand for their only part."""
        return self.all(tree)[0]

    def parts(self, tree: Tree[Token]) -> tuple[Node, ...]:
        """Rules that stand for the tuple of their parts."""
        return self.all(tree)


def unquote(text: str) -> str:
    """What a text in quotes says."""
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])
