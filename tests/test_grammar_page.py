"""`docs/grammar.md` has every rule, every word and every code, and its examples are what they are examples of."""

from __future__ import annotations

import re

import pytest

from parser.codes import CODES
from parser.read import read
from parser.tables import parser
from parser.tokens import STATEMENTS, pieces, starts_statement
from tests.grammar_page import EXAMPLES, WORDS, grammar, grammar_page

PAGE = grammar_page()
FENCE = re.compile(r"^```text\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def test_every_statement_has_examples() -> None:
    assert set(EXAMPLES) == set(STATEMENTS)


@pytest.mark.parametrize("word", EXAMPLES)
def test_examples_are_such_statements(word: str) -> None:
    """An example parses, and all its statements start with the word; blocks of models have others inside."""
    text = EXAMPLES[word]
    assert read(text).items
    listed = list(pieces(re.sub(r"\{.*\}", "{}", text) if word == "model" else text))

    assert {p.text for k, p in enumerate(listed) if starts_statement(listed, k)} == {word}


def test_every_rule_is_shown_once() -> None:
    """Rules stand on the page once, under a name of their own; what is inlined stands in the rules that use it."""
    shown = re.findall(r"^(\w+) ::=", PAGE, re.MULTILINE)
    g = grammar()

    assert sorted(shown) == sorted(g.shown(n) for n in g.rules if not g.inlined(n))
    assert len(set(shown)) == len(shown)


def test_every_name_in_a_rule_leads_somewhere() -> None:
    """What a rule speaks of is a rule, a word of the list at the end, or a text in quotes."""
    boxes = "\n".join(box for box in FENCE.findall(PAGE) if "::=" in box)
    names = set(re.findall(r"\w+", re.sub(r'"[^"]+"', "", boxes)))

    assert names <= set(re.findall(r"^(\w+) ::=", PAGE, re.MULTILINE)) | set(WORDS)


def test_every_word_of_the_grammar_is_shown() -> None:
    """A terminal is a fixed text, or is told of at the end of the page."""
    names = {t.name for t in parser().terminals if not t.name.startswith("__")}
    literal = {t.name for t in parser().terminals if t.pattern.type == "str"}

    assert names - set(grammar().texts) - literal - set(WORDS) == {"SPACE"}


@pytest.mark.parametrize(("name", "sample"), [(n, s) for n, (_, samples) in WORDS.items() for s in samples])
def test_words_are_what_they_are_examples_of(name: str, sample: str) -> None:
    pattern = next(t.pattern.to_regexp() for t in parser().terminals if t.name == name)
    match = re.match(pattern, sample + ("(" if name in ("FUNCTION", "EFFECT") else ""))

    assert match is not None
    assert match[0] == sample


def test_every_code_is_linked() -> None:
    assert set(re.findall(r"\[([A-Z]\d{3})\]\(diagnostics\.md#", PAGE)) == set(CODES)
