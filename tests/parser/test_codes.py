"""The list of codes: what the sources give out is documented, what is documented is given out, and texts show it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from parser.codes import CODES, Code
from parser.elaborate import parse_program
from strings.diagnostic import CutwireError
from tests.parser.golden import codes_in, files_in, written_down

ROOMS = ("strings", "semantics", "parser", "cutwire")

LANGUAGE = "PNTMDIF"
"""Letters of the codes that a model file can get when it is read."""

KEPT = {
    "P011": "`do(S = yes)` is accepted",
}
"""Codes that are documented and given out by nothing, and why."""

UNSEEN = {
    "P006": "needs a text of millions of characters: test_mistakes.py lowers the bound",
    "P011": "not given out",
    "M003": "an error of the Python interface: tests/strings/test_model.py",
    "D003": "an error of the Python interface: files get N003, tests/strings/test_surgery.py",
    "D004": "an error of the Python interface: tests/strings/test_surgery.py",
    "F007": "needs a file that is no text: test_elaborate_mistakes.py writes one",
    "T022": "an error of the Python interface: tests/semantics/test_distribution.py",
    "M012": "an error of the Python interface: tests/strings/test_model.py",
    "M013": "is told when numbers are asked for: tests/semantics/test_answer.py",
    "F003": "is told when the data are read: tests/semantics/test_data.py",
    "F009": "is told when the data are read: tests/semantics/test_data.py",
    "F010": "is told when the data are read: tests/semantics/test_data.py",
    "F011": "is told when the data are read: tests/semantics/test_data.py",
    "F012": "is told when the data are read: tests/semantics/test_data.py",
    "F013": "is told when the data are read: tests/semantics/test_data.py",
    "F014": "is about a file of another kind: tests/cutwire/test_command_line.py",
    "F015": "is about a file to be written: tests/cutwire/test_command_line.py",
    "F008": "needs a text that is no file: test_elaborate.py",
}
"""Codes of the language that no broken file shows, and why."""


@cache
def sources() -> dict[str, str]:
    """The sources of the four packages, the list of codes itself left out."""
    paths = [p for room in ROOMS for p in sorted(Path(room).rglob("*.py")) if p.name != "codes.py"]
    return {str(p): p.read_text(encoding="utf-8") for p in paths}


def given_out() -> set[str]:
    """Every code that stands as a text in the sources."""
    return {code for text in sources().values() for code in re.findall(r'"([A-Z]\d{3})"', text)}


def test_codes_are_documented() -> None:
    """Every code that the sources give out has an entry."""
    assert sorted(given_out() - set(CODES)) == []


def test_documented_codes_are_given_out() -> None:
    """Every entry is a code that the sources give out, but for those that are kept."""
    assert set(CODES) - given_out() == set(KEPT)


def test_codes_are_complete_and_in_order() -> None:
    """Every entry has a title and an explanation; codes of one letter stand together, by number."""
    for key, code in CODES.items():
        assert key == code.code
        assert code.title
        assert code.title[0] != code.title[0].lower() or code.title.startswith("`")
        assert not code.title.endswith(".")
        assert code.explanation.endswith((".", "(warning)."))
    for letter in dict.fromkeys(code[0] for code in CODES):
        group = [code for code in CODES if code[0] == letter]
        assert group == sorted(group)
        at = [k for k, code in enumerate(CODES) if code[0] == letter]
        assert at == list(range(at[0], at[0] + len(at)))


def test_language_codes_have_a_broken_file() -> None:
    """Every code of the language is shown by a golden file, but for those that cannot be."""
    shown = {c for folder in ("bad", "bad_elaborate") for p in files_in(folder) for c in codes_in(written_down(p))}
    language = {c for c in CODES if c[0] in LANGUAGE}

    assert language - shown == set(UNSEEN)
    assert shown <= set(CODES)


@pytest.mark.parametrize("code", [c for c in CODES.values() if c.example], ids=lambda c: c.code)
def test_examples_of_codes(code: Code) -> None:
    """The example of a code, as it is shown to explain it, gets that code first."""
    with pytest.raises(CutwireError) as caught:
        parse_program(code.example)

    assert caught.value.diagnostic.code == code.code
