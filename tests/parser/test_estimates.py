"""Estimates in model files: how often data are resampled, for which level, with which seed."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from parser.elaborate import elaborate_query, parse_program
from parser.format import format_text
from parser.program import ModelDef, QueryStatement, Resampling
from parser.read import read, read_expression
from strings.diagnostic import CutwireError, Diagnostic, Source
from strings.model import CausalModel

FILE = "var S, T : {no, yes} box s : -> S box t : S -> T data d(S, T) = | no, no -> 3 | yes, yes -> 4 "
MODEL = ModelDef("m", CausalModel.from_edges([("S", "T")], domains={"S": ["no", "yes"], "T": ["no", "yes"]}))


def resampling(statement: str) -> Resampling | None:
    (found,) = parse_program(FILE + statement).statements
    assert isinstance(found, QueryStatement)
    return found.resampling


def test_options_in_any_order() -> None:
    """Whatever the order, and for named questions and formulas alike."""
    options = ("from d", "bootstrap 2000", "seed 7", "level 90%", "unit percent", "expect 1/2")
    for order in itertools.permutations(options):
        assert resampling(f"estimate P(T = yes | do(S := yes)) {' '.join(order)}") == Resampling(
            2000, Fraction(9, 10), 7
        )


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("estimate P(T) from d", None),
        ("estimate P(T) from d bootstrap 20", Resampling(20, Fraction(19, 20), 0)),
        ("estimate e: P(T = yes) - P(S = yes) from d bootstrap 1000000", Resampling(1_000_000)),
        ("estimate P(T) from d bootstrap 99 level 19/20", Resampling(99, Fraction(19, 20))),
        (
            "estimate P(T) from d seed 123456789012345678901234567890 bootstrap 99",
            Resampling(99, seed=int("1234567890" * 3)),
        ),
        ("identify q: P(T | do(S)) estimate q from d bootstrap 99", Resampling(99)),
    ],
)
def test_how_often(statement: str, wanted: Resampling | None) -> None:
    found = [s for s in parse_program(FILE + statement).statements if isinstance(s, QueryStatement)]
    assert [s.resampling for s in found] == [wanted]


@pytest.mark.parametrize(
    ("statement", "code", "place"),
    [
        ("estimate P(T) from d bootstrap 19", "T023", "19"),
        ("estimate P(T) from d bootstrap -20", "T023", "-20"),
        ("estimate P(T) from d bootstrap 1000001", "L003", "1000001"),
        ("estimate P(T) from d bootstrap 200 seed -1", "T023", "-1"),
        ("estimate P(T) from d bootstrap 200 level 95", "T023", "95"),
        ("estimate P(T) from d bootstrap 200 level 0", "T023", "0"),
        ("estimate P(T) from d bootstrap 200 level 100%", "T023", "100%"),
        ("estimate P(T) from d bootstrap 200 level x", "T009", "x"),
        ("estimate P(T) from d seed 7", "P016", "seed 7"),
        ("estimate P(T) level 95% from d seed 7", "P016", "seed 7"),
        ("estimate P(T) level 95% from d", "P016", "level 95%"),
        ("estimate P(T) from d bootstrap 200 bootstrap 200", "P016", "bootstrap 200"),
        ("query P(T) bootstrap 200", "P016", "bootstrap 200"),
        ("query P(T) seed 200", "P016", "seed 200"),
        ("claim c: P(T) == P(T) check c level 9", "P010", "level"),
        ("estimate P(T) from d boostrap 200", "P018", "boostrap"),
        ("estimate P(T) from d bootstrap many", "P001", "many"),
        ("estimate P(T) from d bootstrap", "P015", "p"),  # behind its last letter
    ],
)
def test_mistakes(statement: str, code: str, place: str) -> None:
    """Each mistake has one message, at its place."""
    with pytest.raises(CutwireError) as caught:
        parse_program(FILE + statement)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.span is not None
    assert found.span.text.strip() == place


def test_percents_are_proposed() -> None:
    with pytest.raises(CutwireError) as caught:
        parse_program(FILE + "estimate P(T) from d bootstrap 200 level 95")
    assert caught.value.diagnostic.help == ("write `95%`",)


def test_words_are_reserved_in_their_place_only() -> None:
    """Variables, boxes and data may be called so, and boxes of an interpretation, too."""
    text = (
        "var bootstrap, level : {seed, no} box level : -> level = [1/2, _] box bootstrap : level -> bootstrap"
        " data seed(level, bootstrap) = | no, no -> 30 | seed, seed -> 40"
        " interpret main as m { bootstrap = [1/3, _] level = [1/3, _] }"
        " estimate bootstrap: P(bootstrap | do(level)) bootstrap 30 from seed level 1/2 seed 3"
    )
    (found,) = parse_program(text).statements
    assert isinstance(found, QueryStatement)
    assert (found.name, found.resampling) == ("bootstrap", Resampling(30, Fraction(1, 2), 3))


def test_layout() -> None:
    """One blank between words, and a long line is broken before an option; the tree stays what it was."""
    short = "estimate   e:P( T|do(S) )from d bootstrap   2000 seed 7   level 95 %".replace("95 %", "95%")
    assert format_text(short) == "estimate e: P(T | do(S)) from d bootstrap 2000 seed 7 level 95%\n"
    long = f"estimate {'n' * 50}: P(T | do(S)) from d bootstrap 2000 seed 7 level 95%"
    assert format_text(long).splitlines()[1].startswith("  ")
    assert read(format_text(long)) == read(long)


def test_warnings_of_questions_from_outside() -> None:
    """N018 is handed on, before any error of the same question."""
    told: list[Diagnostic] = []

    def ask(text: str) -> None:
        elaborate_query(read_expression(text), MODEL, Source("<query>", text), told.append)

    ask("P(T | do(S := always))")
    assert [d.code for d in told] == ["N018"]
    with pytest.raises(CutwireError):
        ask("P(T = maybe | do(S := never))")
    assert [d.code for d in told] == ["N018", "N018"]
