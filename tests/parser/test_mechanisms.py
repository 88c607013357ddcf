"""Boxes given by formulas: parameters, real variables, and functions that draw."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cutwire as cw
from parser.elaborate import parse_program
from parser.format import format_text
from parser.program import Dirichlet, Formulas, Table
from strings.diagnostic import CutwireError, LanguageError, QueryError
from strings.expression import Apply, Choice, Constant, Draw, Input, Parameter, fold_expression

FRACTIONS = st.fractions(min_value=0, max_value=1, max_denominator=20)


def box_of(text: str, box: str = "y") -> object:
    program = parse_program(text)
    return program.models[program.main].definitions[box]


def bodies(text: str, box: str = "y") -> list[str]:
    found = box_of(text, box)
    assert isinstance(found, Formulas)
    return [str(b) for b in found.bodies]


def test_parameters_are_read() -> None:
    """Intervals, values and priors stand in any combination; what is left out is open."""
    text = "param p, q in [0, 1]  param b ~ normal(0, 1) = 1/3  param c in [-inf, 0] param d in [0, inf] ~ gamma(2, 1)"
    found = parse_program(text + " var S : {no, yes} box s : -> S = flip(p)").models["main"].parameters
    assert [str(p) for p in found.values()] == [
        "p in [0, 1]",
        "q in [0, 1]",
        "b in [-inf, inf] ~ normal(0, 1) = 1/3",
        "c in [-inf, 0]",
        "d in [0, inf] ~ gamma(2, 1)",
    ]
    assert [str(p.density) for p in found.values()] == [
        "uniform(0, 1)",
        "uniform(0, 1)",
        "normal(0, 1)",
        "None",
        "gamma(2, 1)",
    ]


ROWS = "param p, q\nvar S : {no, yes}\nvar Y : {a, b, c}\nbox s : -> S = flip(1/2)\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("= [p, q, _]", ["[p, q, 1 - (p + q)]"] * 2),
        ("= [p : q : 2]", ["[p / (p + q + 2), q / (p + q + 2), 2 / (p + q + 2)]"] * 2),
        ("= | no -> {c: p, a: _, b: 1/4} | yes -> b", ["[1 - (1/4 + p), 1/4, p]", "[0, 1, 0]"]),
        (
            "= fn (s) => if s then [p, 1 - p, 0] else [1/2, _, q^2]",
            ["[1/2, 1 - (1/2 + q ^ 2), q ^ 2]", "[p, 1 - p, 0]"],
        ),
    ],
)
def test_rows_with_parameters(body: str, expected: list[str]) -> None:
    """What is known is computed, what is open stays."""
    assert bodies(f"{ROWS}box y : S -> Y {body}") == expected


def test_parameters_in_noisy_or() -> None:
    """1 - (1 - leak) * product of (1 - p) over the inputs that are on."""
    text = "param p, l\nvar A, B, Y : {no, yes}\nbox a : -> A = flip(1/2)\nbox b : -> B = flip(1/2)\n"
    found = bodies(text + "box y : A, B -> Y = noisy_or(A = p, B = 1/2, leak = l)")
    assert found[1:3] == [
        "[(1 - l) * 1/2, 1 - (1 - l) * 1/2]",
        "[(1 - l) * (1 - p), 1 - (1 - l) * (1 - p)]",
    ]


def test_functions_without_names_left_are_tables() -> None:
    """A function that draws over finite values comes to the same table as rows, and is not deterministic."""
    text = "var S : {no, yes}\nvar Y : 0..2\nbox s : -> S = flip(1/2)\nbox y : S -> Y = "
    drawn = box_of(text + "fn (s) => if s then [1/2, 1/4, _] else {2: 1/3, 1: _, 0: 0}")
    assert drawn == box_of(text + "| no -> [0, 2/3, 1/3] | yes -> [1/2, 1/4, 1/4]")
    assert isinstance(drawn, Table)
    program = parse_program(text + "fn (s) => if s then [1/2, 1/4, _] else 1")
    box = program.models["main"].model.mechanisms["Y"].diagram.nodes[0].box
    assert not box.deterministic


@given(FRACTIONS, FRACTIONS, FRACTIONS)
def test_parameters_with_values_are_numbers(p: Fraction, q: Fraction, r: Fraction) -> None:
    """A model with parameters, at some values, is the model with those numbers written in place."""
    text = (
        "{param}var A, B, C : {{no, yes}}\nbox a : -> A = flip({p})\n"
        "box b : A -> B = | no -> [1 - {q}, {q}] | yes -> flip({p}*{q})\n"
        "box c : A, B -> C = noisy_or(A = {r}, B = {p}, leak = {q}/2)\n"
    )
    with_names = cw.parse(text.format(param="param p, q, r in [0, 1]\n", p="p", q="q", r="r")).model
    plain = cw.parse(text.format(param="", p=f"({p})", q=f"({q})", r=f"({r})")).model
    model = with_names.with_parameters(p=p, q=str(q), r=r)
    for question in ("P(A, B, C)", "P(C | do(B := yes))"):
        assert model.query(question, semantics="exact") == plain.query(question, semantics="exact")


def test_real_boxes() -> None:
    """Inputs are named by functions and by rows; finite ones are settled, real ones stay."""
    text = "param b\nvar S : {no, yes}\nvar X, Y : real\nbox s : -> S = flip(1/2)\nbox x : -> X = normal(0, 1)\n"
    by_function = box_of(text + "box y : S, X -> Y = fn (s, x) => if s then normal(b*x, 2) else 2*x + 1")
    by_rows = box_of(text + "box y : S, X -> Y = | yes, x -> normal(b*x, 2) | no, x -> x")
    assert isinstance(by_function, Formulas)
    assert isinstance(by_rows, Formulas)
    normal = Draw("normal", (Apply("*", (Parameter("b"), Input(1))), Constant(Fraction(2))))
    assert by_function.bodies[1] == by_rows.bodies[1] == normal
    assert str(by_function.bodies[0]) == "2 * #2 + 1"
    assert by_function.shape == (2,)


def test_a_name_in_a_row_is_only_known_where_it_stands() -> None:
    text = "var X, Y : real\nbox x : -> X = normal(0, 1)\nbox y : X -> Y = | _ -> x"
    with pytest.raises(LanguageError, match="N003"):
        parse_program(text)


def test_finite_boxes_hear_real_ones() -> None:
    """By a probability, or by a comparison."""
    text = "var X : real\nvar Y : {no, yes}\nbox x : -> X = normal(0, 1)\nbox y : X -> Y = "
    assert bodies(text + "fn (x) => flip(logistic(2*x))") == ["[1 - logistic(2 * #1), logistic(2 * #1)]"]
    assert bodies(text + "fn (x) => 0 < x and x < 1") == ["if 0 < #1 and #1 < 1 then [0, 1] else [1, 0]"]
    found = box_of(text + "fn (x) => if x > 0 then flip(1/3) else no")
    assert isinstance(found, Formulas)
    assert isinstance(found.bodies[0], Choice)


def test_tables_with_a_prior() -> None:
    text = "var S, T : {no, yes}\nbox s : -> S = dirichlet(1/2)\nbox t : S -> T = dirichlet()"
    assert box_of(text, "s") == Dirichlet(Fraction(1, 2))
    assert box_of(text, "t") == Dirichlet(Fraction(1))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("P(Y > 1.50)", "P(Y > 1.5)"),
        ("P(0 <= Y <= 1)", "P(Y in [0, 1])"),
        ("P(0 < Y <= 2.5 | do(X := -1e-2))", "P(0 < Y <= 2.5 | do(X := -0.01))"),
        ("P(1 > Y)", "P(Y < 1)"),
        ("E(Y | X = 2)", "E(Y | X = 2)"),
        ("P(D > 0)", "P(D in {1, 2})"),
        ("P(0 < D < 2)", "P(D = 1)"),
    ],
)
def test_events_of_numbers(question: str, said: str) -> None:
    """Printed in one way, which is read as the same event."""
    text = "var X, Y : real\nvar D : 0..2\nbox d : -> D\nbox x : -> X\nbox y : X -> Y\n"
    model = cw.parse(text).model
    formula = model.parse_question(question).formula
    assert str(formula) == said
    assert model.parse_question(str(formula)).formula == formula


def test_layout_of_new_words() -> None:
    text = (
        "param p,q in[0,1]~beta(2,2)=1/3 var X:real box x:->X=fn()=>if 1/2<p then normal(-1,exp (q)) else 2"
        " query P(0<X<1|X>-1)"
    )
    assert format_text(text) == (
        "param p, q in [0, 1] ~ beta(2, 2) = 1/3\n"
        "var X : real\n"
        "box x : -> X = fn () => if 1/2 < p then normal(-1, exp(q)) else 2\n"
        "query P(0 < X < 1 | X > -1)\n"
    )


def test_values_of_parameters_from_outside() -> None:
    model = cw.parse("param p in [0, 1]\nvar S : {no, yes}\nbox s : -> S = flip(p)").model
    with pytest.raises(QueryError, match="Q012") as caught:
        model.query("P(S)", semantics="matrix")
    assert "--set p=1/3" in str(caught.value)
    with pytest.raises(QueryError, match=r"(?s)N002.*`p`"):
        model.with_parameters(pp=1)
    for bad in (2, "x", float("nan"), None if False else "1/0"):
        with pytest.raises(QueryError, match="T025"):
            model.with_parameters(p=bad)
    assert model.with_parameters(p=0.25).query("P(S = yes)") == 0.25
    assert model.with_parameters(p="1/3").query("P(S = yes)", semantics="exact") == Fraction(1, 3)


def test_rows_that_are_no_distribution_at_some_values() -> None:
    model = cw.parse("param p\nvar S : {no, yes}\nbox s : -> S = flip(p)").model
    with pytest.raises(QueryError, match=r"(?s)Q014.*p = 2"):
        model.with_parameters(p=2).query("P(S)")


def test_unneeded_parameters_need_no_value() -> None:
    text = (
        "param p\nvar S, T : {no, yes}\nbox s : -> S = flip(1/3)\nbox t : S -> T = flip(p)\nquery P(S = yes) expect 1/3"
    )
    (item,) = cw.parse(text).run()
    assert item.met  # type: ignore[union-attr]


def test_real_wires_have_no_table() -> None:
    text = "var X, Y : real\nvar S : {no, yes}\nbox s : -> S = flip(1/3)\nbox x : S -> X = normal(0, 1)\n"
    text += "box y : X -> Y = | _ -> 1"
    model = cw.parse(text).model
    assert model.query("P(S = yes)", semantics="exact") == Fraction(1, 3)
    for question in ("E(Y)", "P(X > 0)", "P(S | X = 1)"):
        with pytest.raises(QueryError, match="Q013"):
            model.query(question, semantics="matrix")


class _Exact:
    """Exact evaluation, written once more for the test."""

    def constant(self, c: Constant) -> Fraction:
        return c.value

    def apply(self, op: str, args: tuple[Fraction, ...]) -> Fraction:
        a, *rest = args
        return {"+": lambda: a + rest[0], "-": lambda: a - rest[0], "*": lambda: a * rest[0], "neg": lambda: -a}[op]()


EXPRESSIONS = st.recursive(
    st.one_of(
        FRACTIONS.map(lambda f: f"({f})"),
        st.sampled_from(["p", "x", "s"]),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda e: f"(-{e})"),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS, FRACTIONS, FRACTIONS)
def test_expressions_mean_what_is_written(e: str, p: Fraction, x: Fraction) -> None:
    """Computing with what is known, then with the rest, is computing all at once."""
    text = "param p\nvar S : 0..1\nvar X, Y : real\nbox s : -> S = flip(1/2)\nbox x : -> X = 0\n"
    text += f"box y : S, X -> Y = fn (s, x) => {e}"
    found = box_of(text)
    assert isinstance(found, Formulas)
    for s, body in zip((0, 1), found.bodies, strict=True):
        assert isinstance(body, Draw)
        value = fold_expression(body.args[0], _Exact(), lambda _: p, lambda _: x)
        assert value == eval(e.replace("/", "//1*F(1)/"), {"p": p, "x": x, "s": Fraction(s), "F": Fraction})


def test_identification_over_the_reals() -> None:
    """Front door with a real mediator; events of numbers are kept as they are; policies may be real."""
    text = (
        "latent U : real\nvar X, M, Y : real\nbox u : -> U = normal(0, 1)\nbox x : U -> X = fn (u) => normal(u, 1)\n"
        "box m : X -> M = fn (x) => normal(2*x, 1)\nbox y : M, U -> Y = fn (m, u) => normal(3*m - u, 1)\n"
    )
    model = cw.parse(text).model
    found = model.identify("P(Y > 0 | do(X := 1.5))")
    assert found.formula == "sum[m : M] P(m | X = 1.5) * sum[x' : X] P(Y > 0 | x', m) * P(x')"
    assert "Y > 0" in (found.latex or "")
    assert model.identify("E(Y | do(X := 1))").formula.count("E(Y |") == 1  # type: ignore[union-attr]
    refused = model.identify("P(Y > 0 | do(X := 1.5))", given="P(X, Y)")
    assert refused.witness is not None
    assert all(item.met for item in cw.parse(refused.witness_file).run())  # type: ignore[union-attr]
    with pytest.raises(CutwireError, match="Q002"):
        model.identify("P(Y | do(X := 1), X > 2)")
    with pytest.raises(CutwireError, match="E007"):
        model.identify("P(Y > 1 | do(X := 2), Y > 3)")


def test_claims_over_the_reals() -> None:
    text = (
        "var Z, X, Y : real\nbox z : -> Z\nbox x : Z -> X\nbox y : X, Z -> Y\n"
        "claim a(x : X): P(Y | do(X := x)) == sum[z : Z] P(Y | x, z) * P(z)\n"
        "claim b: P(Y > 0 | do(X := 1)) == P(Y > 0 | X = 1)\ncheck all"
    )
    holds, falls = cw.parse(text).run()
    assert (holds.holds, falls.holds) == (True, False)  # type: ignore[union-attr]
    (again,) = cw.parse(falls.file + "\ncheck b").run()  # type: ignore[union-attr]
    assert not again.holds  # type: ignore[union-attr]


def test_patterns_of_all_cases() -> None:
    """Rows over finite and real inputs give the body of the first row that fits, for every combination."""
    text = (
        "var A, B : {0, 1}\nvar X, Y : real\nbox a : -> A = flip(1/2)\nbox b : -> B = flip(1/2)\n"
        "box x : -> X = normal(0, 1)\n"
        "box y : A, X, B -> Y = | 0, _, 1 -> 1 | 1, u, _ -> u | _, v, _ -> normal(v, 2)"
    )
    first = {(0, 1): "1", (1, 0): "#2", (1, 1): "#2", (0, 0): "normal(#2, 2)"}
    assert bodies(text) == [first[case] for case in product((0, 1), (0, 1))]
