"""The lexer knows all of the language, and the grammar for editors is current."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pygments.token import Error, Keyword, Name, String

from cutwire.highlight import CALLED, GRAMMAR, OPTIONS, CausalLexer, textmate
from parser.tables import terminals
from parser.tokens import RESERVED
from tests.cutwire.command import EXAMPLES, ROOT

_FENCE = re.compile(r"^```causal\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = [
    *(pytest.param(p.read_text(encoding="utf-8"), id=p.name) for p in sorted(EXAMPLES.glob("*.causal"))),
    *(pytest.param("\n".join(_FENCE.findall(p.read_text(encoding="utf-8"))), id=p.name) for p in PAGES),
]


def tokens(text: str) -> list[tuple[str, str]]:
    return [(str(kind), piece) for kind, piece in CausalLexer().get_tokens(text) if piece.strip()]


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_of_the_language_is_an_error(text: str) -> None:
    found = list(CausalLexer(ensurenl=False, stripnl=False).get_tokens(text))
    assert [piece for kind, piece in found if kind is Error] == []
    assert "".join(piece for _, piece in found) == text


def test_every_word_of_the_grammar_is_coloured() -> None:
    """No word of the parser's is taken for a name."""
    words = set(terminals()[1]) | RESERVED
    assert {w for w in words if str(tokens(f"{w} x")[0][0]).startswith("Token.Name")} - set(CALLED) == set()
    assert words - RESERVED - set(CALLED) == set(OPTIONS)


def test_words_in_their_place() -> None:
    assert tokens("query P(S = yes)")[:2] == [(str(Keyword), "query"), (str(Name.Builtin), "P")]
    assert (str(Name), "seed") in tokens("interpret m as n { seed = [1] }")
    assert tokens("var P : {a}")[1] == (str(Name), "P")
    assert tokens(":do S := yes")[0] == (str(Name.Decorator), ":do")
    assert tokens("## about")[0][0] == str(String.Doc)


def test_the_grammar_for_editors_is_current() -> None:
    """Else: `python -m cutwire.highlight`."""
    assert GRAMMAR.read_text(encoding="utf-8") == textmate()
    patterns = [p["match"] for p in json.loads(textmate())["patterns"]]
    assert all(re.compile(p) for p in patterns)


def test_the_lexer_is_an_entry_point() -> None:
    text = (Path(ROOT) / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points."pygments.lexers"]\ncutwire = "cutwire.highlight:CausalLexer"' in text
