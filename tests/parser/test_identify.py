"""Identification, independence, claims about all models: what the texts elaborate to, and how they are laid out."""

from __future__ import annotations

from fractions import Fraction

import pytest

from parser.elaborate import parse_program
from parser.format import format_text
from parser.program import (
    CheckStatement,
    IdentifiabilityClaim,
    IdentifyStatement,
    IndependenceClaim,
    QueryStatement,
    Statement,
    Table,
)
from parser.read import read
from strings.diagnostic import CutwireError, Diagnostic
from strings.estimand import Given
from strings.formula import Ask, Compare, Number
from strings.query import Query, Term
from strings.surgery import Cut, CutWire, Do, Open, Replace

SHAPE = """model smoking
latent H : {low, high}
var S, T, C : {no, yes}
box h : -> H
box s : H -> S
box t : S -> T
box c : T, H -> C
data survey(S, T, C) = | no, no, no -> 1 | yes, yes, yes -> 2
"""

EFFECT = Query((Term("C"),), (), (Open("S"),))
"""`P(C | do(S))`"""


def statements(text: str) -> tuple[Statement, ...]:
    """What is asked of the shape."""
    return parse_program(SHAPE + text, "smoking.causal").statements


def identified(text: str) -> IdentifyStatement:
    (found,) = statements(text)
    assert isinstance(found, IdentifyStatement)
    return found


def checked(text: str) -> CheckStatement:
    (found,) = statements(text)
    assert isinstance(found, CheckStatement)
    return found


def errors(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(CutwireError) as caught:
        statements(text)
    return caught.value.diagnostics


def positive(*names: str) -> Compare:
    """`P(names) > 0`"""
    return Compare((Ask(Query(tuple(Term(n) for n in names))), Number(Fraction(0))), (">",))


# ---- identify --------------------------------------------------------------------------------------------------------


def test_identify_without_anything_else() -> None:
    """The joint of all observed variables is not written out: nothing is given."""
    assert identified("identify P(C | do(S))") == IdentifyStatement("smoking", EFFECT, "P(C | do(S))")


def test_identify_from_distributions() -> None:
    """A name, documentation, what is seen and what experiments tell, in the order of the text."""
    text = "## The effect.\nidentify effect: P(C | do(S)) from P(S, T, C), P(C, T | do(S)), P(C | do(T, S))"
    given = (Given(("S", "T", "C")), Given(("C", "T"), ("S",)), Given(("C",), ("T", "S")))

    assert identified(text) == IdentifyStatement("smoking", EFFECT, "P(C | do(S))", "effect", given, doc="The effect.")


def test_given_experiments_may_be_written_one_by_one() -> None:
    """`do(S), do(T)` is `do(S, T)`."""
    assert identified("identify P(C) from P(C | do(S), do(T))").given == (Given(("C",), ("S", "T")),)


def test_identify_keeps_values_names_and_conditions() -> None:
    """A value name that `do(…)` brings up is an axis, as in a query; conditions and means may be asked for."""
    query = Query((Term("C", ("yes",)),), (Term("T", axis="t"),), (Open("T", "t"), Do("S", "no")))
    found = identified("identify P(C = yes | T = t, do(T := t, S := no))")

    assert (found.query, found.axes) == (query, {"t": "T"})
    assert identified("identify P(C | do(S), T)").query == Query((Term("C"),), (Term("T"),), (Open("S"),))


def test_identify_a_mean() -> None:
    """`E(…)` asks for the mean of a variable whose values are numbers."""
    (found,) = parse_program("var X, Y : {0, 1}\nbox x : -> X\nbox y : X -> Y\nidentify E(Y | do(X))").statements

    assert isinstance(found, IdentifyStatement)
    assert found.query == Query((Term("Y"),), (), (Open("X"),), expectation=True)


def test_identify_with_a_policy() -> None:
    """The box that a surgery puts in place of a mechanism comes with the statement."""
    found = identified("identify P(C | do(S ~ [1/4, 3/4]))")

    (surgery,) = found.query.surgeries
    assert isinstance(surgery, Replace)
    assert found.tables == {"S ~ [1/4, 3/4]": Table((2,), (Fraction(1, 4), Fraction(3, 4)))}


def test_identify_in_a_block_asks_its_model() -> None:
    """Each block has names of its own."""
    block = "model {0} {{ var X, Y : {{a, b}} box x : -> X box y : X -> Y identify q: P(Y | do(X)) }}\n"
    found = parse_program(block.format("m") + block.format("n")).statements

    assert [(s.model, s.name) for s in found if isinstance(s, IdentifyStatement)] == [("m", "q"), ("n", "q")]


# ---- estimate by name ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, -1])
def test_estimate_by_name(order: int) -> None:
    """The question of an identify statement is put to data, wherever in the scope the statement stands."""
    lines = ["identify effect: P(C | do(S := s)) from P(S, T, C)\n", "estimate number: effect from survey unit odds\n"]
    found = [s for s in statements("".join(lines[::order])) if isinstance(s, QueryStatement)]
    query = Query((Term("C"),), (), (Open("S", "s"),))

    assert found == [
        QueryStatement("smoking", Ask(query), "P(C | do(S := s))", "number", {"s": "S"}, unit="odds", data="survey")
    ]


def test_estimate_by_name_without_a_name() -> None:
    """The estimate itself need not have a name; what is expected may use the names of values."""
    text = "identify effect: P(C = yes | do(S := s)) estimate effect from survey expect P(C = yes | S = s)"
    found = statements(text)[1]

    assert isinstance(found, QueryStatement)
    assert found.formula == Ask(Query((Term("C", ("yes",)),), (), (Open("S", "s"),)))
    assert found.expect == Ask(Query((Term("C", ("yes",)),), (Term("S", axis="s"),)))
    assert (found.name, found.data, found.axes) == ("", "survey", {"s": "S"})


def test_a_broken_question_is_told_once() -> None:
    """An estimate of a broken statement is passed over."""
    text = "identify effect: P(CC | do(S)) estimate effect from survey"

    assert [d.code for d in errors(text)] == ["N002"]


# ---- claims ----------------------------------------------------------------------------------------------------------


def test_claim_with_assumptions() -> None:
    """A comparison, its binders, and of which models it is said."""
    text = "claim c(s : S): P(C | do(S := s)) == P(C | s) assuming P(S, T) > 0, P(C) > 0"
    effect = Query((Term("C"),), (), (Open("S", "s"),))
    seen = Query((Term("C"),), (Term("S", axis="s"),))

    assert checked(text) == CheckStatement(
        "smoking",
        "c",
        Compare((Ask(effect), Ask(seen)), ("==",)),
        "P(C | do(S := s)) == P(C | s)",
        {"s": "S"},
        assuming=(positive("S", "T"), positive("C")),
    )


def test_bound_names_reach_assumptions() -> None:
    """A bound name is used if only an assumption uses it; a name that `do(…)` brings up is in sight there."""
    program = parse_program(SHAPE + "claim c(s : S): P(C) == P(C) assuming P(S = s) > 0", "smoking.causal")
    assert program.warnings == ()

    assert checked("claim c: P(C | do(S := s)) == P(C) assuming P(S = s) > 0").axes == {"s": "S"}


@pytest.mark.parametrize(
    ("text", "given", "identifiable"),
    [
        ("identifiable P(C | do(S)) from P(S, T, C)", (Given(("S", "T", "C")),), True),
        ("not identifiable P(C | do(S)) from P(S, C), P(T | do(S))", (Given(("S", "C")), Given(("T",), ("S",))), False),
        ("identifiable P(C | do(S))", (), True),
    ],
)
def test_identifiability(text: str, given: tuple[Given, ...], identifiable: bool) -> None:
    """What is asked, of what is given, and which way the claim goes."""
    claim = IdentifiabilityClaim(EFFECT, given, identifiable)

    assert checked(f"claim c: {text}") == CheckStatement("smoking", "c", claim, text)


def test_independence() -> None:
    """Names left, right and behind the bar, latent ones too; operations in the order of the text."""
    text = "T, S _||_ C | H, do(S), cut(S -> T), do(C := yes), cut(T)"
    surgeries = (Open("S"), CutWire("S", "T"), Do("C", "yes"), Cut("T"))
    claim = IndependenceClaim(("T", "S"), ("C",), ("H",), surgeries)

    assert checked(f"claim c: {text}") == CheckStatement("smoking", "c", claim, text)
    assert checked("claim c: T _||_ H").body == IndependenceClaim(("T",), ("H",))
    assert checked("claim c(s : S): T _||_ H | do(S := s)").body == IndependenceClaim(
        ("T",), ("H",), (), (Open("S", "s"),)
    )


def test_independence_needs_no_spaces() -> None:
    """`_||_` is one sign; only a name before it must not run into it."""
    assert checked("claim c: T _||_H|S").body == checked("claim c: T _||_ H | S").body


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_check_options_in_any_order() -> None:
    """Mode, number of models, seed, tolerance and interpretation."""
    claim = "interpret smoking as m { h = [1/2, 1/2] } claim c: P(C) == P(C) "
    forward = checked(f"{claim} check c numeric for 500 models seed 7 within 1e-6 using m")
    backward = checked(f"{claim} check c using m within 1e-6 seed 7 for 500 models numeric")

    assert forward == backward
    assert (forward.mode, forward.models, forward.seed, forward.within, forward.using) == (
        "numeric",
        500,
        7,
        Fraction(1, 10**6),
        "m",
    )


@pytest.mark.parametrize(
    ("options", "mode", "models", "seed"),
    [
        ("", "", None, 0),
        ("exact", "exact", None, 0),
        ("symbolic", "symbolic", None, 0),
        ("symbolic for 1 models", "symbolic", 1, 0),
        ("for 1000000 models seed 0", "", 1_000_000, 0),
        ("seed 12345678901234567890", "", None, 12345678901234567890),
    ],
)
def test_modes_and_numbers(options: str, mode: str, models: int | None, seed: int) -> None:
    """What is left out has its default; the bounds themselves are allowed."""
    found = checked(f"claim c: P(C) == P(C) check all {options}")

    assert (found.mode, found.models, found.seed) == (mode, models, seed)


def test_check_all_reaches_into_blocks() -> None:
    """How a file checks all its claims holds for those of its model blocks too."""
    text = "model m { var X, Y : {a, b} box x : -> X box y : -> Y claim c: P(X, Y) == P(X) * P(Y) }"
    (found,) = parse_program(f"{text} check all for 9 models seed 3").statements

    assert isinstance(found, CheckStatement)
    assert (found.name, found.models, found.seed) == ("c", 9, 3)


def test_words_are_reserved_in_their_place_only() -> None:
    """A variable may be called `seed`, `models`, `symbolic`, `from`; a claim too."""
    text = (
        "var seed, models, symbolic : {for, exact} box seed : -> seed box models : seed -> models"
        " box symbolic : -> symbolic claim seed: seed _||_ symbolic claim models: P(models = for) == P(models = for)"
        " identify symbolic: P(models | do(seed)) from P(seed, models) check seed, models symbolic seed 4 for 2 models"
    )
    found = parse_program(text).statements

    assert [s.name for s in found if not isinstance(s, CheckStatement)] == ["symbolic"]
    assert [(s.name, s.seed, s.models) for s in found if isinstance(s, CheckStatement)] == [
        ("seed", 4, 2),
        ("models", 4, 2),
    ]


def test_words_of_options_are_names_in_blocks() -> None:
    """Behind a table, an expression or a list of names the next line may start with such a word."""
    words = ("exact", "symbolic", "numeric", "seed", "within", "using", "for", "to", "after", "unit", "expect", "from")
    words += ("bootstrap", "level")
    for word in words:
        for body in ("[1/2, _]", "fn (a) => a + (a)", "diagram f ; g", "yes", "flip(1/2)"):
            assert read(f"interpret m as n {{ f = {body} # next\n {word} = yes }}")
        assert read(f"diagram d() -> A {{ discard a, b {word}, c <- f() return {word} }}")


# ---- mistakes --------------------------------------------------------------------------------------------------------


def test_a_latent_variable_cannot_be_given() -> None:
    """I001, word for word."""
    (found,) = errors("identify P(C | do(S)) from P(S, H, C)")

    assert str(found) == (
        "error[I001]: `H` is latent, so no data can contain it\n"
        " --> smoking.causal:9:33\n"
        "  |\n"
        "2 | latent H : {low, high}\n"
        "  |        - declared latent here\n"
        "...\n"
        "9 | identify P(C | do(S)) from P(S, H, C)\n"
        "  |                                 ^ asked for here\n"
        "  |\n"
        "  = help: leave it out, or declare `var H` if it is measured after all"
    )


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("identify P(C | do(S)) from P(C | S)", "I002", "S"),
        ("identify P(C | do(S)) from P(S = yes, C)", "I002", "S = yes"),
        ("identify P(C | do(S)) from P(C | do(S := no))", "I002", "S := no"),
        ("identify P(C | do(S)) from P(C | cut(S))", "I002", "cut(S)"),
        ("identify P(C | do(S)) from E(C)", "I002", "E(C)"),
        ("identify P(C | do(S)) from P(C, C)", "I002", "C"),
        ("identify P(C | do(S)) from P(C | do(C))", "I002", "C"),
        ("identify P(C | do(S)) from P(D)", "N002", "D"),
        ("claim c: identifiable P(C) from P(C | do(H))", "I001", "H"),
        ("claim c: S _||_ T, S", "I003", "S"),
        ("claim c: S _||_ D", "N002", "D"),
        ("claim c: S _||_ T | do(S := Yes)", "N003", "Yes"),
        ("claim c: P(C) == P(C) assuming P(S)", "T018", "P(S)"),
        ("claim c: P(C) == P(C) check c for 0 models", "T023", "0"),
        ("claim c: P(C) == P(C) check c for 1000001 models", "T023", "1000001"),
        ("claim c: P(C) == P(C) check c seed -1", "T023", "-1"),
        ("check all for 0 models", "T023", "0"),
        ("claim c: P(C) == P(C) check c symbolic within 1", "T021", "1"),
        ("estimate effect from survey identify effects: P(C)", "N002", "effect"),
        ("query effect: P(C) estimate effect from survey", "N012", "effect"),
        ("query effect: P(C) identify effect: P(C)", "N001", "effect"),
    ],
)
def test_mistakes(text: str, code: str, place: str) -> None:
    """Each mistake has one message, at its place."""
    (found,) = errors(text)

    assert found.code == code
    assert found.span is not None
    assert found.span.text == place


def test_a_number_out_of_bounds_is_told_once() -> None:
    """However many claims a check names."""
    text = "claim a: P(C) == P(C) claim b: P(S) == P(S) check a, b for 0 models"

    assert [d.code for d in errors(text)] == ["T023"]


@pytest.mark.parametrize(
    "text",
    [
        "identify q: P(C | do(S)) from P(S, C), P(C | do(S))",
        "identify E(C)",
        "claim c: S, T _||_ C | H, do(S), cut(T)",
        "claim c(s : S): not identifiable P(C | do(S := s)) from P(S)",
        "claim c: P(S) == P(T) assuming P(S) > 0, 0 < P(T) < 1",
        "check a, b for 500 models seed 7 symbolic",
    ],
)
def test_spans(text: str) -> None:
    """The span of a statement, and of what it is about, is its text."""
    found = read(f"type A {text} # behind\ntype B").items[1]

    assert found.span is not None
    assert found.span.text == text
    part = getattr(found, "body", None) or getattr(found, "question", None)
    assert part is None or (part.span is not None and part.span.text in text)
    assert (found,) == read(text).items


# ---- layout ----------------------------------------------------------------------------------------------------------


def test_one_layout() -> None:
    """Signs and words stand apart as everywhere; the colon stands with the name."""
    text = (
        "identify  q:P(C|do(S))from P(S,C),P(C|do(T)) claim a:S,T _||_C|H,do(T),cut(S->T)\n"
        "claim b:not identifiable P(C|do(S)) from P(C) claim c(s:S):P(C)==P(s)assuming P(S)>0,P(T)>0\n"
        "check a,b for 500 models seed 7 symbolic within -1"
    )
    expected = (
        "identify q: P(C | do(S)) from P(S, C), P(C | do(T))\n"
        "claim a: S, T _||_ C | H, do(T), cut(S -> T)\n"
        "claim b: not identifiable P(C | do(S)) from P(C)\n"
        "claim c(s : S): P(C) == P(s) assuming P(S) > 0, P(T) > 0\n"
        "check a, b for 500 models seed 7 symbolic within -1\n"
    )

    assert format_text(text) == expected


def test_long_statements_are_broken() -> None:
    """Before `assuming` if the rest fits on the next line, before `from`, before `_||_`, or behind commas."""
    long = ", ".join(f"variable_{k}" for k in range(7))
    text = (
        f"claim c(s : S): P(C | do(S := s)) == sum[t : T] P(t | s) * P(C | t)\n  assuming P({long}) > 0\n"
        f"identify q: P(C | do(S))\n  from P({long}), P(S)\n"
        f"claim i: variable_0, variable_1\n  _||_ {long}\n"
        f"identify P(C)\n  from P({long}),\n  P({long})\n"
    )
    assert format_text(" ".join(text.split())) == text


def test_comments_stay_where_they_were() -> None:
    """Between any two words."""
    text = "identify P(C) # asked\n  from P(S), # seen\n  P(T)\nclaim c: S # left\n  _||_ T\n  # own line\n  | C\n"
    once = format_text(text)

    assert [part.split("\n")[0] for part in once.split("# ")[1:]] == ["asked", "seen", "left", "own line"]
    assert read(once) == read(text)
    assert format_text(once) == once
