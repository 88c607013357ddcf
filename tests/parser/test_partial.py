"""What can follow a text: the parser's word on it, compared with reading the text whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from parser.partial import wants_more, what_follows
from parser.read import parse
from parser.tokens import pieces
from strings.diagnostic import LanguageError, Source

EXAMPLES = sorted(Path("examples").glob("*.causal"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_a_beginning_is_sound_and_an_end_is_whole(path: Path) -> None:
    """Every beginning of a text that reads is sound; it is whole just where it reads by itself.

    `P(` and the like are one word to the parser, so no beginning ends inside.
    """
    text = path.read_text(encoding="utf-8")
    parts = [p for p in pieces(text) if p.text not in ("P", "E", "do", "cut", "sum")]
    for part in parts[:: max(1, len(parts) // 40)]:
        beginning = text[: part.end]
        found = what_follows(beginning)
        assert found.sound
        try:
            parse(Source("<text>", beginning))
        except LanguageError:
            assert not found.whole
        else:
            assert found.whole


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("query P(S ", {"_EQUALS", "VBAR", "COMMA", "RPAR"}),
        ("var S : ", {"LBRACE", "NAME"}),
        ("", {"_QUERY", "_VAR", "$END"}),
    ],
)
def test_what_follows(text: str, follows: set[str]) -> None:
    assert follows <= what_follows(text).accepts


@pytest.mark.parametrize("text", ["var S : }", 'query P("', "query P(S))", "1 +"])
def test_what_goes_wrong_wants_no_more(text: str) -> None:
    assert not what_follows(text).sound
    assert not wants_more(text)


def test_other_starts() -> None:
    assert what_follows("P(S", "expression_text").sound
    assert not what_follows("P(S)", "diagram_text").sound
    assert what_follows("f ; g", "diagram_text").whole
