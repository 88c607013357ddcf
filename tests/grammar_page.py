"""`docs/grammar.md`, made from `parser/causal.lark`: the rules by statement, examples, and the diagnostics of each.

The grammar is read by lark's own grammar of grammars. What stands here by hand are the examples, which the tests parse,
and where the language page tells more. Which diagnostics belong to a statement is seen from their examples: it is the
statement that the diagnostic points to.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Tree

from cutwire.explain import GROUPS, Example, diagnostics_of, explain, overview
from parser.codes import CODES
from parser.expected import FORMS
from parser.tables import GRAMMAR, terminals
from parser.tokens import STATEMENTS, Piece, pieces, starts_statement

EXAMPLES: Mapping[str, str] = {
    "model": "model smoking\nmodel trial = smoking after cut(S)\n"
    "model coin { var S : {no, yes}  box s : -> S = flip(1/2) }",
    "import": 'import "smoking.causal" as other exposing (YesNo, randomised)',
    "domain": "domain YesNo = {no, yes}\ndomain Level = 0..15",
    "type": "type A, B",
    "var": 'var S, T : {no, yes} "smokes; tar in the lungs"\nvar Y : real',
    "latent": "latent H : {low, high}",
    "param": "param p, q in [0, 1]\nparam slope ~ normal(0, 1) = 1/2",
    "box": "box s : H -> S =\n  | low -> flip(1/5)\n  | _   -> [3/10, _]\n"
    "box y : X, U -> Y = fn (x, u) => normal(2 * x + u, 1)",
    "interpret": "interpret smoking as harmless {\n  h = [1/2, 1/2]\n  t = | no -> flip(0) | yes -> flip(1)\n}",
    "data": 'data survey = csv("survey.csv", S = "smokes", weight = "count")\n'
    "data trial(S, C) =\n  | no, no  -> 40\n  | yes, no -> 30",
    "diagram": "diagram twice(a : A) -> B, B {\n  b <- f(a)\n  return b, b\n}\ndiagram both = f ; copy[B]",
    "surgery": "surgery trial = cut(S) then do(T := yes)\nsurgery policy = do(S ~ doctor(H), H -> C := low)",
    "world": "world treated = do(S := yes)\nworld elsewhere = cut(S) then do(H -> C := low)",
    "observe": "observe S = no, C[S := yes] = yes",
    "query": "query risk: P(C = yes | do(S := s), T != no) for s : S unit percent\n"
    "query effect: sum[t : T] P(t | S = yes) * P(C = yes | t) expect 1/3\n"
    "query blame: P(C[S := no] = no | S = yes, C = yes)\n"
    "query indirect: NIE(C = yes, S := yes, no, T)",
    "identify": "identify effect: P(C | do(S)) from P(S, T, C), P(T | do(S))\n"
    "identify treated: P(C[S := no] = yes | S = yes) from experiments",
    "estimate": "estimate effect: P(C = yes | do(S)) from survey bootstrap 2000 seed 7 level 95%",
    "claim": "claim harmless(s : S): P(C | do(S := s)) == P(C) assuming P(S = yes) > 0\n"
    "claim blocked: S _||_ C | T, do(S)\n"
    "claim known: not identifiable P(C | do(S)) from P(S, C)\n"
    "claim natural: diagram f ; discard[B] == discard[A]",
    "check": "check all exact\ncheck harmless, blocked for 500 models seed 7 within 1e-9",
    "draw": 'draw smoking after cut(S) to "smoking-cut.svg"\ndraw P(C[S := no] | S = yes, C = yes) to "twin.svg"',
}
"""Examples of every statement, by its first word."""

MORE: Mapping[str, str] = {
    "model": "several-models", "import": "imports", "domain": "domains-and-variables", "type": "diagrams",
    "var": "domains-and-variables", "latent": "domains-and-variables", "param": "parameters", "box": "boxes",
    "interpret": "interpretations", "data": "data", "diagram": "diagrams", "surgery": "surgery", "world": "surgery",
    "observe": "surgery", "query": "questions",
    "identify": "identification", "estimate": "estimates", "claim": "claims-and-checks", "check": "claims-and-checks",
    "draw": "draw", "boxes": "tables", "expressions": "precedence", "names and values": "names-and-reserved-words",
}  # fmt: skip
"""Where `docs/language.md` tells more about a statement or a group of rules."""

WORDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "NAME": ("a letter, then letters, digits and `_`, then primes; no reserved word", ("S", "tar_2", "s'")),
    "INT": ("a whole number", ("0", "15")),
    "DECIMAL": ("a decimal number; it is exact", ("0.25", "1e-3", "2.5e6")),
    "FLOAT": ("a number in floating point", ("0.333f", "1e-3f")),
    "PERCENT": ("a percentage; it is exact", ("30%", "2.5%")),
    "STRING": ('a text in quotes, on one line; `\\"` is a quote', ('"so many"', '"a \\"b\\""')),
    "FUNCTION": ("a function of numbers or a distribution, before its bracket", ("exp", "normal", "flip")),
    "EFFECT": ("the name of a causal effect, before its bracket", ("ATE", "ETT", "PN", "NIE")),
    "DOC": ("a comment for the statement behind it", ("## The disposition.",)),
    "COMMENT": ("any other comment; it may stand between all words and signs", ("# here",)),
}
"""The words and numbers that are no fixed text: what they are, and examples."""

INTRODUCTION = """\
# Grammar

The whole language, made from the grammar of the parser, [`parser/causal.lark`](../parser/causal.lark), by
`python -m tests.test_docs`. [The language](language.md) tells what things mean.

`"var"` is the text itself; `x?` is an `x` or nothing, `x*` any number of them, `x+` at least one, `x | y` one or the
other. Words in capitals are listed [at the end](#words-numbers-and-signs). Line breaks and blanks mean nothing.
Below each statement stand the [diagnostics](diagnostics.md) whose example points to such a statement.
"""


_GLUE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Grammar:
    """The rules of a grammar file in their order, each with the heading above it, and the texts of its terminals."""

    rules: Mapping[str, Tree[Token]]
    headings: Mapping[str, str]
    texts: Mapping[str, str]

    def shown(self, name: str) -> str:
        """The name of a rule or terminal as it is shown; that of a fixed text is the text."""
        if name in self.texts:
            return f'"{self.texts[name]}"'
        return name.strip("_")

    def inlined(self, name: str) -> bool:
        """Whether a rule is shown in place: a helper that would have the name of another rule."""
        return name.startswith("_") and name.strip("_") in self.rules

    def statement(self, name: str) -> str:
        """The statement's word that a rule starts with, or nothing."""
        first = next(iter(_leaves(self.rules[name])), "")
        text = self.texts.get(first, "")
        return text if text in STATEMENTS and name in self.statements else ""

    @property
    def statements(self) -> list[str]:
        """The rules of statements."""
        return _leaves(self.rules["_statement"])

    def reached(self, name: str) -> set[str]:
        """The rules that a rule speaks of, those included that these speak of; statements inside it are not its own."""
        found: set[str] = set()
        todo = [name]
        while todo:
            new = {n for n in _leaves(self.rules[todo.pop()]) if n in self.rules and n != "item"} - found
            found |= new
            todo += new
        return found

    def line(self, name: str) -> str:
        """A rule as text, on several lines if it is long."""
        head = f"{self.shown(name)} ::= "
        parts = [self._text(a, 0) for a in _alternatives(self.rules[name])]
        whole = head + " | ".join(parts)
        if len(whole) <= 100:
            return whole
        rows = (
            textwrap.wrap(" | ".join(p.replace(" ", _GLUE) for p in parts), 100 - len(head))
            if len(parts) > 1
            else parts
        )
        rows = [row.removesuffix(" |").replace(_GLUE, " ") for row in rows]
        return head + f"\n{' ' * (len(head) - 2)}| ".join(rows)

    def _text(self, node: Any, strength: int) -> str:
        """A part of a rule; `strength` is 0 where alternatives may stand, 1 in a sequence, 2 before a sign."""
        if isinstance(node, Token):
            return str(node)
        match node.data:
            case "name" if self.inlined(str(node.children[0])):
                return self._text(self.rules[str(node.children[0])], max(strength, 1))
            case "name":
                return self.shown(str(node.children[0]))
            case "literal":
                return str(node.children[0])
            case "maybe":
                return self._text(node.children[0], 2) + "?"
            case "expr":
                return self._text(node.children[0], 2) + str(node.children[1])
            case "alias":
                return self._text(node.children[0], strength)
            case "expansions":
                inside = " | ".join(self._text(c, 1) for c in node.children)
                return inside if strength == 0 or len(node.children) == 1 else f"({inside})"
            case _:
                inside = " ".join(self._text(c, 1) for c in node.children)
                return inside if strength < 2 or len(node.children) == 1 else f"({inside})"


@lru_cache(maxsize=1)
def grammar() -> Grammar:
    """The grammar of the language."""
    text = GRAMMAR.read_text(encoding="utf-8")
    reader: Any = Lark.open_from_package(
        "lark", "lark.lark", ("grammars",), parser="lalr", maybe_placeholders=False, propagate_positions=True
    )
    tree = reader.parse(text)
    headings = [(n, m[1]) for n, line in enumerate(text.splitlines(), 1) if (m := re.match(r"// -+ (.+?) -+$", line))]
    rules: dict[str, Tree[Token]] = {}
    above: dict[str, str] = {}
    texts = {name: sign for sign, name in terminals()[0].items()} | {
        name: word for word, name in terminals()[1].items()
    }
    for part in tree.children:
        if part.data == "rule":
            name = str(part.children[0]).lstrip("?!")
            rules[name] = _without(part.children[-1])
            above[name] = next((h for n, h in reversed(headings) if n < part.children[0].line), "a file")
        elif part.data == "token" and str(part.children[0]) not in WORDS:
            pattern = str(next(iter(part.find_data("literal"))).children[0])
            if match := re.match(r"/(\w+)\(\?", pattern):
                texts[str(part.children[0])] = match[1]
    return Grammar(rules, above, texts)


def _without(node: Any) -> Any:
    """A part of a rule without the names of its branches."""
    if isinstance(node, Token):
        return node
    if node.data == "alias":
        return _without(node.children[0])
    return Tree(node.data, [_without(c) for c in node.children])


def _alternatives(node: Tree[Token]) -> list[Any]:
    return list(node.children) if node.data == "expansions" else [node]


def _leaves(node: Any) -> list[str]:
    """The names in a part of a rule, in order."""
    return [str(n.children[0]) for n in node.iter_subtrees_topdown() if n.data == "name"]


# ---- the page --------------------------------------------------------------------------------------------------------


def grammar_page() -> str:
    """The whole page."""
    g = grammar()
    of_statements, others = diagnostics_by_statement()
    parts = [INTRODUCTION]
    for heading in dict.fromkeys(g.headings.values()):
        names = [n for n in g.rules if g.headings[n] == heading and not g.inlined(n)]
        parts.append(f"## {heading.capitalize()}\n")
        owned = _owned(g, names)
        for word in dict.fromkeys(w for w in map(g.statement, names) if w):
            rules = _box(g, (n for n in names if owned[n] == word))
            parts.append(f"### {word}\n\n{FORMS[word]}. {_more(word)}\n\n{rules}")
            parts.append(f"For example:\n\n```text\n{EXAMPLES[word]}\n```\n")
            parts += _codes(of_statements.get(word, ()))
        shared = [n for n in names if not owned[n]]
        if shared and any(owned.values()):
            parts.append(f"### Parts of {heading}\n")
        if shared:
            parts.append((f"{_more(heading)}\n\n" if heading in MORE else "") + _box(g, shared))
    parts += [_words_section(g), _other_codes(others)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _owned(g: Grammar, names: Iterable[str]) -> dict[str, str]:
    """For every rule of a section the one statement of the section that speaks of it, or nothing."""
    listed = list(names)
    words = {n: g.statement(n) for n in listed}
    for n in listed:
        if not words[n]:
            users = {words[s] for s in listed if g.statement(s) and n in g.reached(s)}
            words[n] = users.pop() if len(users) == 1 else ""
    return words


def _more(key: str) -> str:
    return f"See [the language](language.md#{MORE[key]})."


def _box(g: Grammar, names: Iterable[str]) -> str:
    return "```text\n" + "\n".join(g.line(n) for n in names) + "\n```\n"


def _words_section(g: Grammar) -> str:
    lines = ["## Words, numbers and signs\n", "| word | is | such as |", "| --- | --- | --- |"]
    for name, (meaning, samples) in WORDS.items():
        lines.append(f"| {name} | {meaning} | {', '.join(f'`{s}`' for s in samples)} |")
    return "\n".join([*lines, ""])


def _link(code: str) -> str:
    return f"[{code}](diagnostics.md#{code.lower()}) {CODES[code].title}"


def _codes(codes: Iterable[str]) -> Iterator[str]:
    listed = ", ".join(map(_link, codes))
    if listed:
        yield f"Diagnostics: {listed}.\n"


def _other_codes(codes: Iterable[str]) -> str:
    rest = set(codes)
    lines = ["## Other diagnostics\n", "Codes that belong to no one statement, or to no model file.\n"]
    for letter, group in overview().items():
        listed = ", ".join(_link(c.code) for c in group if c.code in rest)
        lines += [f"- {GROUPS[letter]}: {listed}."] if listed else []
    return "\n".join([*lines, ""])


def diagnostics_by_statement() -> tuple[dict[str, list[str]], list[str]]:
    """The codes by the statement that the diagnostic of their example points to, and all other codes."""
    found: dict[str, list[str]] = {}
    for code in CODES:
        for word in dict.fromkeys(_pointed(code)):
            found.setdefault(word, []).append(code)
    return found, [c for c in CODES if not any(c in codes for codes in found.values())]


def _pointed(code: str) -> Iterator[str]:
    for part in explain(code).parts:
        if isinstance(part, Example) and part.language == "text":
            for d in diagnostics_of(part.text):
                if d.code == code and d.span is not None and (word := _statement_at(part.text, d.span.start)):
                    yield word


def _statement_at(text: str, offset: int) -> str:
    """The first word of the statement at a place of a text."""
    listed: list[Piece] = list(pieces(text))
    starts = [p.text for k, p in enumerate(listed) if starts_statement(listed, k) and p.start <= offset]
    return starts[-1] if starts else ""
