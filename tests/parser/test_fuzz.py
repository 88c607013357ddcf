"""Broken texts give diagnostics: whatever is done to a text, `read` returns or raises LanguageError."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parser.format import format_text
from parser.read import read, read_expression, read_surgery
from parser.tokens import pieces
from strings.diagnostic import Diagnostic, LanguageError
from tests.parser.programs import program_words

EXAMPLES = [p.read_text(encoding="utf-8") for p in sorted(Path("examples").glob("*.causal"))]
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
ODD = (
    "(",
    ")",
    "[",
    "{",
    "}",
    '"',
    "\0",
    "\r",
    "\t",
    "“",
    "≤",
    "@",
    "_",
    "|",
    ":=",
    "=",
    "->",
    "1e9999",
    "9" * 50,
    "##",
)
ODD_WORDS = (
    *ODD,
    "query",
    "var",
    "model",
    "identify",
    "identifiable",
    "_||_",
    "assuming",
    "claim",
    "check",
    "for",
    "models",
    "from",
    "do(",
    "P(",
    "sum[",
    "fn",
    "in",
    "then",
    ",",
    ";",
    "..",
    "<-",
    "é",
)


def told(reader: Callable[[str], object], text: str) -> tuple[Diagnostic, ...]:
    """What is said about a text; nothing if it is read. Any other exception fails the test."""
    try:
        reader(text)
    except LanguageError as error:
        return error.diagnostics if str(error) else ()
    return ()


def survives(text: str) -> None:
    """The text is read and can be formatted, or is refused with diagnostics that point into it."""
    errors = told(read, text)

    assert all(d.code[0] == "P" and d.span is not None for d in errors)
    assert errors or read(format_text(text)) == read(text)


def mutated(text: str, luck: random.Random) -> str:
    """A few words or characters of a text deleted, doubled, exchanged or put in."""
    parts: list[str] = list(text) if luck.random() < 0.4 else split(text)
    for _ in range(luck.randint(1, 4)):
        at, other = luck.randrange(len(parts)), luck.randrange(len(parts))
        match luck.randrange(5):
            case 0:
                parts[at] = ""
            case 1:
                parts[at] *= 2
            case 2:
                parts[at], parts[other] = parts[other], parts[at]
            case 3:
                parts[at] = luck.choice(ODD_WORDS) + parts[at]
            case _:
                parts[at] = luck.choice(ODD_WORDS)
    return "".join(parts)


def split(text: str) -> list[str]:
    """The text in words, each with the white space before it."""
    ends = [0, *(p.end for p in pieces(text))]
    return [text[a:b] for a, b in pairwise(ends)]


@pytest.mark.parametrize("seed", range(150))
def test_mutated_examples(seed: int) -> None:
    """Example files with random mistakes."""
    luck = random.Random(seed)
    survives(mutated(luck.choice(EXAMPLES), luck))


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(st.lists(st.sampled_from(ODD_WORDS), max_size=40), st.sampled_from(("", " ", "\n")))
def test_heaps_of_words(words: list[str], gap: str) -> None:
    """Words of the language in any order."""
    survives(gap.join(words))


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(program_words(3), st.randoms(use_true_random=False))
def test_mutated_programs(words: list[str], luck: random.Random) -> None:
    """Random programs with random mistakes."""
    survives(mutated(" ".join(words) or "type A", luck))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    """Any characters at all, as a file, a question, a surgery."""
    survives(text)
    for reader in (read_expression, read_surgery):
        assert all(d.code[0] == "P" for d in told(reader, text))


@pytest.mark.parametrize(
    "text",
    [
        "query " + "(" * 100_000,
        "query " + "-" * 100_000 + "1",
        "query " + "not " * 50_000 + "a",
        "query " + "1+" * 50_000 + "1",
        "query " + "2^" * 50_000 + "1",
        "query " + "if a then " * 20_000,
        "query " + "P(" * 50_000,
        "query sum[a : A] " * 5_000,
        "model m { " * 20_000,
        "diagram d = " + "(f ; " * 20_000,
        "}" * 20_000,
        "query P(S) " + "unit odds " * 20_000,
        "var " * 50_000,
        "## doc\n" * 20_000,
        "box b : " + "## doc\n" * 200,
        "lattent " * 20_000,
        "query P(" + "S, " * 50_000,
        "type " + "A" * 1_000_000,
        '"' * 20_000,
        "query 1e" + "9" * 100_000,
        "query " + "9" * 100_000,
        "do" + "#\n" * 20_000 + "query P",
        "P " * 2 + "\n" * 100_000,
    ],
    ids=lambda t: t[:18].strip().replace("\n", " "),
)
def test_hostile_texts(text: str) -> None:
    """Deep, long and repetitive texts are refused or read in bounded time and stack."""
    survives(text)
