"""The formatter keeps the syntax tree and the comments, and is settled after one pass."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from parser.format import WIDTH, format_text
from parser.read import read
from strings.diagnostic import LanguageError
from tests.parser.programs import programs

EXAMPLES = sorted(Path("examples").glob("*.causal"))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def comments(text: str) -> Counter[str]:
    """The comments of a text; strings are passed over."""
    found = re.findall(r'"(?:[^"\\\n]|\\.)*"|#[^\r\n]*', text)
    return Counter(c.rstrip() for c in found if c.startswith("#"))


@settings(max_examples=250, deadline=None, suppress_health_check=SLOW)
@given(programs())
def test_formatting_keeps_what_was_said(text: str) -> None:
    """The tree and the comments stay, and formatting again changes nothing."""
    tree = read(text)
    formatted = format_text(text)

    assert read(formatted) == tree
    assert comments(formatted) == comments(text)
    assert format_text(formatted) == formatted


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(programs())
def test_layout_is_neat(text: str) -> None:
    """No trailing space, no tab, no two blank lines in a row, none at the ends, one line break at the end."""
    formatted = format_text(text)

    assert all(line == line.rstrip() and "\t" not in line for line in formatted.split("\n"))
    assert "\n\n\n" not in formatted
    assert not formatted.startswith("\n")
    assert formatted == "" or (formatted.endswith("\n") and not formatted.endswith("\n\n"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_keep_their_trees(path: Path) -> None:
    """The example files survive formatting."""
    text = path.read_text(encoding="utf-8")

    assert read(format_text(text)) == read(text)
    assert format_text(format_text(text)) == format_text(text)


def test_do_is_written_with_assignment() -> None:
    """`=` inside do(…) becomes `:=`, and only there."""
    text = "query P(S=a|T=b,do(X=c,Y~noisy_or(T=1/2)))"

    assert format_text(text) == "query P(S = a | T = b, do(X := c, Y ~ noisy_or(T = 1/2)))\n"


def test_rows_are_aligned() -> None:
    """A table of several rows has a line for each, arrows below each other; a short table of one row has none."""
    text = "box t:S,H->T=|no,low->[9:1]|_,_->{no:0.2,yes:_} box u:->U=|_->yes"
    expected = (
        "box t : S, H -> T =\n  | no, low -> [9 : 1]\n  | _, _    -> {no: 0.2, yes: _}\nbox u : -> U = | _ -> yes\n"
    )

    assert format_text(text) == expected


def test_blocks_are_indented() -> None:
    """Blocks are indented by two, comments in them too; empty blocks are closed at once."""
    text = "model m{var S:{a} # trailing\n# own\nmodel n{} diagram d(a:A)->B{b<-f(a) _,c<-g[A](b) return b\n# last\n}}"
    expected = (
        "model m {\n"
        "  var S : {a}  # trailing\n"
        "  # own\n"
        "  model n {}\n"
        "  diagram d(a : A) -> B {\n"
        "    b <- f(a)\n"
        "    _, c <- g[A](b)\n"
        "    return b\n"
        "    # last\n"
        "  }\n"
        "}\n"
    )

    assert format_text(text) == expected


def test_blank_lines_are_kept_once() -> None:
    """Groups stay apart by one blank line; none is invented, none stands at the start of a block."""
    text = "\n\ntype A\ntype B\n\n\n\n# group\n\ntype C model m {\n\n type D\n\n}\n\n"

    assert format_text(text) == "type A\ntype B\n\n# group\n\ntype C\nmodel m {\n  type D\n}\n"


def test_long_lines_are_broken() -> None:
    """No code goes beyond the width where a break is possible."""
    names = ", ".join(f"variable_{i}" for i in range(30))
    text = f"var {names} : {{no, yes}} claim c: P({names}) == P(a | {names}) + 1/2 query P(a) expect 1/2"
    formatted = format_text(text)

    assert max(map(len, formatted.splitlines())) <= WIDTH
    assert format_text(formatted) == formatted


def test_signs_of_numbers() -> None:
    """A minus before a number or a bracket stands with it, one between two terms stands apart."""
    text = "query -P(a=-1)- -2*(-3)^-2 for s:S domain D={-1,0} domain E=-3..-1"
    expected = "query -P(a = -1) - -2 * (-3)^-2 for s : S\ndomain D = {-1, 0}\ndomain E = -3..-1\n"

    assert format_text(text) == expected


def test_bad_text_is_refused() -> None:
    """A text that does not parse is not formatted."""
    with pytest.raises(LanguageError):
        format_text("box t : S T")
