"""Answers in expressions, against enumeration at random values of the parameters, and what can be done with them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import event, given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire.meanings import Answered, answer_statement
from cutwire.model import Model
from parser.program import Formulas, ModelDef, QueryStatement, Table
from semantics.formulae import Expressions
from semantics.kernel import Kernel
from semantics.strategies import models
from semantics.symbolic import tidied
from strings.diagnostic import CutwireError, LanguageError, LimitError, QueryError, ZeroProbabilityError
from strings.expression import Apply, Constant, Draw, Expression, Parameter, ParameterDef
from strings.formula import Ask
from strings.model import CausalModel
from strings.query import Query
from strings.signature import Box
from strings.surgery import Open
from tests.cutwire.command import EXAMPLES, cutwire
from tests.cutwire.test_start import loaded
from tests.semantics.brute import brute_answer, left_free_twice, random_query

F = Fraction
NAMES = ("p", "q", "r")
Point = Mapping[str, Fraction]
Entry = tuple[Expression, Callable[[Point], Fraction]]
"""A number of a table: as the language has it, and as Python computes it."""


def number(x: Fraction) -> Entry:
    return Constant(x), lambda at: x


def entry(rnd: random.Random) -> Entry:
    """A probability, more often than not one of a parameter."""
    n, m = rnd.choice(NAMES), rnd.choice(NAMES)
    p, q = Parameter(n), Parameter(m)
    one = Constant(F(1))
    found: list[Entry] = [
        (p, lambda at: at[n]),
        (Apply("*", (p, q)), lambda at: at[n] * at[m]),
        (Apply("^", (p, Constant(F(2)))), lambda at: at[n] ** 2),
        (Apply("/", (p, Apply("+", (one, q)))), lambda at: at[n] / (1 + at[m])),
        (Apply("/", (Apply("+", (p, q)), Constant(F(2)))), lambda at: (at[n] + at[m]) / 2),
        number(F(rnd.randint(0, 4), 4)),
    ]
    return rnd.choice(found)


def column(width: int, rnd: random.Random) -> list[Entry]:
    """The probabilities of so many values: of what is left, a random part goes to each."""
    found: list[Entry] = []
    left: Entry = number(F(1))
    for k in range(width):
        if k == width - 1:
            found.append(left)
            break
        (e, value), (rest, rest_value) = entry(rnd), left
        found.append((Apply("*", (e, rest)), lambda at, v=value, r=rest_value: v(at) * r(at)))
        other = Apply("*", (Apply("-", (Constant(F(1)), e)), rest))
        left = (other, lambda at, v=value, r=rest_value: (1 - v(at)) * r(at))
    rnd.shuffle(found)
    return found


def parametric(shape: CausalModel, rnd: random.Random) -> tuple[Model, dict[str, tuple[Box, list[list[Entry]]]]]:
    """A model whose tables are formulas of p, q and r, and those as Python knows them."""
    boxes = {n.box.name: n.box for m in shape.mechanisms.values() for n in m.diagram.nodes}
    columns: dict[str, tuple[Box, list[list[Entry]]]] = {}
    definitions = {}
    for name, b in boxes.items():
        sizes = [len(x.values or ()) for x in b.dom]
        made = [column(len(b.cod[0].values or ()), rnd) for _ in range(math.prod(sizes))]
        columns[name] = b, made
        bodies = tuple(Draw("categorical", tuple(e for e, _ in c)) for c in made)
        definitions[name] = Formulas(tuple(sizes), bodies)
    declared = {n: ParameterDef(n, F(0), F(1)) for n in NAMES}
    return Model(ModelDef("m", shape, definitions, parameters=declared)), columns


def tables_at(columns: Mapping[str, tuple[Box, list[list[Entry]]]], at: Point) -> dict[str, Kernel]:
    found = {}
    for name, (b, made) in columns.items():
        array = np.empty(sum(map(len, made)), dtype=object)
        array[:] = [value(at) for c in made for _, value in c]
        found[name] = Kernel(b.dom, b.cod, array.reshape([len(x.values or ()) for x in (*b.dom, *b.cod)]))
    return found


def random_point(rnd: random.Random) -> dict[str, Fraction]:
    return {n: F(rnd.randint(1, 8), 9) for n in NAMES}


def drawn(shape: CausalModel, seed: int) -> tuple[Model, Query, Callable[[Point], cw.Distribution | None]]:
    """A parametric model, a question with surgeries, and its answer by enumeration."""
    rnd = random.Random(seed)
    model, columns = parametric(shape, rnd)
    policies: dict[str, Kernel] = dict(tables_at(columns, random_point(rnd)))
    known = set(policies)
    query = random_query(shape, policies, rnd)
    fixed = {n: k for n, k in policies.items() if n not in known}
    tables = {n: Table(k.array.shape, tuple(k.array.flat)) for n, k in fixed.items()}
    definition = replace(model.definition, definitions={**model.definition.definitions, **tables})
    return Model(definition), query, lambda at: brute_answer(shape, {**tables_at(columns, at), **fixed}, query)


def ask(model: Model, query: Query) -> Expressions:
    found = answer_statement(model, QueryStatement("m", Ask(query), ""), "symbolic")
    assert isinstance(found, Answered)
    assert isinstance(found.answer, Expressions)
    return found.answer


def numbers(answer: Expressions) -> list[Fraction]:
    """The entries of an answer without parameters."""
    assert all(e.is_Rational for e in answer.array.flat), answer
    return [F(int(e.p), int(e.q)) for e in answer.array.flat]


@settings(max_examples=80, deadline=None)
@given(models(max_size=4, max_latents=1), st.integers(0, 10**6))
def test_answers_equal_enumeration(shape: CausalModel, seed: int) -> None:
    """At any values of the parameters the expressions are the numbers that enumerating all assignments gives."""
    model, query, enumerate_at = drawn(shape, seed)
    point = random_point(random.Random(seed))
    if left_free_twice(query):
        return
    wanted = enumerate_at(point)
    try:
        answer = ask(model, query)
    except ZeroProbabilityError:
        event("impossible for all parameters")
        assert wanted is None
        return
    if wanted is None:
        event("impossible at some parameters")
        with pytest.raises(QueryError) as refused:
            answer.at(point)
        assert refused.value.diagnostic.code == "Q015"
        return
    event(f"{len(answer.parameters)} parameters")
    assert (answer.variables, answer.values) == (wanted.variables, wanted.values)
    assert numbers(answer.at(point)) == list(wanted.array.flat)
    assert all(
        c.xreplace({sympy.Symbol(n): sympy.Rational(str(v)) for n, v in point.items()}) for c in answer.conditions
    )
    found = answer.function()(**{n: float(point[n]) for n in answer.parameters})
    np.testing.assert_allclose(found, wanted.array.astype(float), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(models(max_size=4, max_latents=1), st.integers(0, 10**6), st.sampled_from(NAMES))
def test_derivatives_are_limits_of_differences(shape: CausalModel, seed: int, name: str) -> None:
    model, query, enumerate_at = drawn(shape, seed)
    if left_free_twice(query):
        return
    point, step = random_point(random.Random(seed)), F(1, 10**5)
    ends = [enumerate_at({**point, name: point[name] + d}) for d in (-step, step)]
    if ends[0] is None or ends[1] is None:
        return
    differences = [(b - a) / (2 * step) for a, b in zip(ends[0].array.flat, ends[1].array.flat, strict=True)]
    found = numbers(ask(model, query).derivative(name).at(point))
    np.testing.assert_allclose([float(x) for x in found], [float(x) for x in differences], atol=1e-5, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(models(max_size=4, max_latents=1), st.integers(0, 10**6))
def test_surgery_commutes_with_interpretation(shape: CausalModel, seed: int) -> None:
    """A question after surgery is the question without it, put to the operated model."""
    model, query, _ = drawn(shape, seed)
    if left_free_twice(query) or any(isinstance(s, Open) or getattr(s, "value", "") is None for s in query.surgeries):
        return  # values left free are axes of the question only
    try:
        one = ask(model, query)
    except ZeroProbabilityError:
        with pytest.raises(ZeroProbabilityError):
            ask(model.after(*query.surgeries), replace(query, surgeries=()))
        return
    other = ask(model.after(*query.surgeries), replace(query, surgeries=()))
    assert set(one.variables) == set(other.variables)
    order = [other.variables.index(n) for n in one.variables]
    for a, b in zip(one.array.flat, np.transpose(other.array, order).flat, strict=True):
        assert tidied(a - b, {}) == 0


PROBABILITIES = (
    "p", "1/3", "p*q", "logistic(a)", "logistic(-a)", "logistic(a + b*p)", "exp(-p)", "exp(-2*p - q)", "sqrt(p)", "p^q",
    "min(p, q)", "max(p, q^2)", "abs(p - q)", "tanh(p)", "(1 + sin(a))/2", "if a > b then p else q", "p/(p + q + 1)",
    "cos(p*q)", "logit((p + 1)/3)^2/3", "log(1 + p)/exp(q)",
)  # fmt: skip
QUESTIONS = (
    "P(Y)", "P(X | Y = yes)", "P(Z = yes | do(Y := yes))", "P(X, Z | do(Y := no))", "P(Z = yes | X = no) - P(Z = yes)",
    "P(Y | do(X ~ flip(p)), Z = yes)", "a * P(Z = yes)^2 / P(Y = yes)",
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from(PROBABILITIES), min_size=7, max_size=7),
    st.sampled_from(QUESTIONS),
    st.lists(st.floats(0.05, 0.95), min_size=4, max_size=4),
)
def test_other_functions_agree_with_floats(rows: list[str], question: str, at: list[float]) -> None:
    """Functions of parameters give what floating point gives at their values, and the derivatives are right."""
    x, *y, z0, z1, z2, z3 = rows
    text = (
        "param p, q in [0, 1] param a, b var X, Y, Z : {no, yes} "
        f"box x : -> X = flip({x}) box y : X -> Y = | no -> flip({y[0]}) | yes -> flip({y[1]}) "
        f"box z : X, Y -> Z = | no, no -> flip({z0}) | no, yes -> flip({z1}) | yes, no -> flip({z2}) | _ -> flip({z3}) "
    ).replace("| _ ->", "| yes, yes ->")
    model = cw.parse(text).model
    values = dict(zip(("p", "q", "a", "b"), at, strict=True))

    def in_floats(**changed: float) -> np.ndarray:
        known = model.with_parameters(values | changed)
        found = known.query(question, semantics="matrix")
        return np.asarray(found.array if isinstance(found, cw.Distribution) else found)

    answer = model.symbolic(question)
    given_ = {n: values[n] for n in answer.parameters}
    np.testing.assert_allclose(answer.function()(**given_), in_floats(), atol=1e-9)
    for n in answer.parameters:
        step = 1e-6
        difference = (in_floats(**{n: values[n] + step}) - in_floats(**{n: values[n] - step})) / (2 * step)
        if all(abs(values["p"] - v) > 1e-3 for v in (values["q"], values["q"] ** 2)) and abs(at[2] - at[3]) > 1e-3:
            np.testing.assert_allclose(answer.derivative(n).function()(**given_), difference, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("file", sorted(p.name for p in EXAMPLES.glob("*.causal")))
def test_examples_have_the_same_answers(file: str) -> None:
    """Every question of an example that fractions answer has the same answer in symbols, at the parameters' values."""
    program = cw.load(EXAMPLES / file)
    for statement in program.statements:
        if not isinstance(statement, QueryStatement) or statement.data:
            continue
        model = program.models[statement.model]
        try:
            exact = answer_statement(model, statement, "exact")
        except CutwireError:
            continue
        if isinstance(exact, Answered):  # it has bounds, and no symbolic answer
            with pytest.raises(QueryError, match="W001"):
                answer_statement(model, statement, "symbolic")
            continue
        symbolic = answer_statement(model, statement, "symbolic")
        assert isinstance(symbolic, Answered)
        values = {n: c.value for n, c in model.parameter_values.items()}
        answer = symbolic.answer
        assert isinstance(answer, Expressions)
        known = answer.at({n: v for n, v in values.items() if n in answer.parameters})
        assert (known.variables, known.values) == (exact.distribution.variables, exact.distribution.values)
        assert numbers(known) == list(exact.distribution.array.flat)


# ---- one model, by hand ----------------------------------------------------------------------------------------------

TEXT = """
param p, q in [0, 1]
param r in [0, 1] = 1/4
var X, Y, Z : {no, yes}
box x : -> X = flip(p)
box y : X -> Y = | no -> flip(r) | yes -> flip(q)
box z : Y -> Z = | no -> no | yes -> flip(q)
"""


@pytest.fixture
def model() -> Model:
    return cw.parse(TEXT).model


def test_an_event_is_a_plain_expression(model: Model) -> None:
    p, q, r = sympy.symbols("p q r")
    found = model.query("P(Y = yes)", semantics="symbolic")
    assert isinstance(found, sympy.Expr)
    assert sympy.simplify(found - (p * q + (1 - p) * r)) == 0


def test_values_are_numbers_unless_symbols_are_asked_for(model: Model) -> None:
    """`r` has a value: the automatic choice puts it in, and without open parameters computes in numbers."""
    p, q = sympy.symbols("p q")
    assert sympy.expand(model.query("P(Y = yes)") - (p * q + (1 - p) / 4)) == 0
    assert model.with_parameters(q=0).query("P(Y = yes | do(X := no))") == 0.25
    assert model.query("P(Y = yes | do(X := no))", semantics="symbolic") == sympy.Symbol("r")
    assert model.with_parameters(p="1/2", q="1/2").query("P(Y = yes)", semantics="exact") == F(3, 8)


def test_conditions(model: Model) -> None:
    p, q, r = sympy.symbols("p q r")
    found = model.symbolic("P(X | Z = yes)")
    assert {sympy.Ne(q, 0), sympy.Ge(r, 0), sympy.Le(p, 1)} <= set(found.conditions)
    below = [c for c in found.restrictions if c != sympy.Ne(q, 0)]
    assert [sympy.expand(c.lhs - (p * q + (1 - p) * r)) for c in below] == [0]
    with pytest.raises(QueryError) as refused:
        found.at(p=1, q=0)
    assert refused.value.diagnostic.code == "Q015"


def test_what_is_impossible_for_all_parameters(model: Model) -> None:
    with pytest.raises(ZeroProbabilityError):
        model.symbolic("P(X | Z = yes, Y = no)")


def test_substitution(model: Model) -> None:
    found = model.symbolic("P(Y)")
    p = sympy.Symbol("p")
    assert found.at(q="1/3", r=0)["yes"] == p / 3
    assert found.at({"q": p, "r": p})["yes"] == p
    assert found.at(q="1/3").parameters == ("p", "r")
    for name, value, code in (("k", 1, "N002"), ("p", 2, "T025"), ("p", "x", "T025"), ("p", "1/0", "T025")):
        with pytest.raises(QueryError) as refused:
            found.at({name: value})
        assert refused.value.diagnostic.code == code


def test_functions_broadcast(model: Model) -> None:
    found = model.symbolic("P(Y)").function()
    grid = found(np.linspace(0, 1, 3)[:, None], np.linspace(0, 1, 5), 0.5)
    assert grid.shape == (3, 5, 2)
    np.testing.assert_allclose(grid.sum(axis=-1), 1)
    assert model.symbolic("P(Y = no | do(X := no))").function()(0.25) == 0.75
    for arguments, named in (((0.1,), {}), ((0.1, 0.2, 0.3), {"p": 1}), ((0.1, 0.2, 0.3, 0.4), {}), ((), {"k": 1})):
        with pytest.raises(TypeError, match="p, q, r"):
            found(*arguments, **named)


def test_keys(model: Model) -> None:
    found = model.symbolic("P(X, Y)")
    assert found["yes"]["no"] == found["yes", "no"]
    for key in ("maybe", ("yes", "no", "no")):
        with pytest.raises(QueryError) as refused:
            found[key]
        assert refused.value.diagnostic.code == "N003"


def test_other_functions_are_atoms() -> None:
    """Logistic regression: sharp identities hold, and derivatives are those of calculus."""
    text = "param a, b  var X, Y : {no, yes}  box x : -> X = flip(logistic(a))"
    model = cw.parse(text + " box y : X -> Y = | no -> flip(logistic(-a)) | yes -> flip(logistic(a + b))").model
    a, b = sympy.symbols("a b")
    s = 1 / (1 + sympy.exp(-a))
    found = model.symbolic("P(Y = yes)")
    wanted = (1 - s) ** 2 + s / (1 + sympy.exp(-a - b))
    assert sympy.simplify(found.value - wanted) == 0
    assert sympy.simplify(found.derivative("a").value - sympy.diff(wanted, a)) == 0
    at = found.function()([0.0, 1.0], 2.0)
    np.testing.assert_allclose(at, [float(wanted.subs({a: x, b: 2.0})) for x in (0, 1)])
    assert model.query("P(X = yes) + P(Y = yes | do(X := no))") == 1


def test_functions_of_parameters_have_domains() -> None:
    text = "param s in [0, 4]  param t in [0, 1] var X : {no, yes}  box x : -> X = flip(log(s))"
    found = cw.parse(text).model.symbolic("P(X = yes)")
    assert found.value == sympy.log(sympy.Symbol("s"))
    assert sympy.Gt(sympy.Symbol("s"), 0) in found.conditions
    with pytest.raises(QueryError):
        found.at(s=0)
    root = cw.parse(text.replace("log(s)", "sqrt(t)")).model.symbolic("P(X = yes)")
    assert root.restrictions == ()  # 0 <= sqrt(t) <= 1 is seen


def test_tables_that_may_be_no_probabilities() -> None:
    """Without an interval that makes sure of it, rows have conditions."""
    p = sympy.Symbol("p")
    found = cw.parse("param p var X : {no, yes} box x : -> X = flip(p)").model.symbolic("P(X)")
    assert set(found.conditions) == {sympy.Ge(p, 0), sympy.Ge(1 - p, 0)}
    with pytest.raises(QueryError):
        found.at(p=2)


def test_tables_that_are_no_probabilities() -> None:
    """No value of the parameters makes a row of probabilities, or gives a function a value."""
    for number_ in ("n", "log(n - 3)", "2 - n/4"):
        model = cw.parse(f"param n in [2, 3] var X : {{no, yes}} box x : -> X = flip({number_})").model
        with pytest.raises(QueryError) as refused:
            model.symbolic("P(X)")
        assert refused.value.diagnostic.code == "Q014", number_


def test_least_and_largest() -> None:
    """`min`, `max` and `abs` have derivatives, functions and bounds."""
    text = "param p in [0, 1] param q in [-1, 1] var X : {no, yes} box x : -> X = flip(min(p, abs(q)))"
    found = cw.parse(text).model.symbolic("P(X = yes)")
    assert found.restrictions == ()
    np.testing.assert_allclose(found.function()(np.array([0.1, 0.9]), -0.5), [0.1, 0.5])
    assert found.at(p=1, q="-1/3").value == sympy.Rational(1, 3)
    assert found.derivative("q").at(p="1/2", q="-1/3").value == -1
    assert found.derivative("q").at(p="1/4", q="-1/3").value == 0


def test_expectations() -> None:
    model = cw.parse("param p in [0, 1] var N : {0, 1, 5} box n : -> N = [1 - p, p/2, p/2]").model
    p = sympy.Symbol("p")
    assert model.query("E(N)") == 3 * p
    text = "param p in [0, 1] var X : {no, yes} var N : {0, 1, 5} box x : -> X = flip(1/2) "
    two = cw.parse(text + "box n : X -> N = | no -> [1 - p, p/2, p/2] | yes -> 1").model
    assert list(two.query("E(N | X)").array) == [3 * p, 1]
    assert sympy.expand(two.query("E(N | do(X := no)) - E(N)") - (3 * p / 2 - sympy.Rational(1, 2))) == 0


def test_sizes_are_bounded() -> None:
    with pytest.raises(LimitError):
        cw.parse(TEXT).model.query("(P(Z = yes) + p)^1000", semantics="symbolic")


# ---- formulas and claims that name parameters ------------------------------------------------------------------------


def run(text: str) -> list[object]:
    return list(cw.parse(text).run())


def test_parameters_in_formulas(model: Model) -> None:
    p, q = sympy.symbols("p q")
    assert model.query("P(Y = yes | do(X := yes)) / q") == 1
    assert sympy.expand(model.query("P(Y = yes) - r*(1 - p)", semantics="symbolic") - p * q) == 0
    known = model.with_parameters(q=0)
    assert known.query("r * P(Y = yes | do(X := no))", semantics="exact") == F(1, 16)
    with pytest.raises(QueryError) as refused:
        known.query("p * P(Y = yes | do(X := no))", semantics="exact")
    assert refused.value.diagnostic.code == "Q012"
    for question, code in (("P(Y = yes) * z", "N002"), ("P(Y = yes) * Y", "N012")):
        with pytest.raises(LanguageError) as unknown:
            model.query(question)
        assert unknown.value.diagnostic.code == code
    for question, code in (("P(Y = yes)^p", "Q008"), ("1 / (p - p)", "Q006")):
        with pytest.raises(QueryError) as bad:
            model.query(question)
        assert bad.value.diagnostic.code == code


def test_parameters_in_estimates() -> None:
    """Data answer what is asked of them; parameters are numbers beside it."""
    text = "param k = 3 param m var X, Y : {no, yes} box x : -> X box y : X -> Y "
    text += "data d(X, Y) = | no, yes -> 1 | no, no -> 1"
    (found,) = run(text + " estimate k * P(Y = yes | X = no) from d expect 3/2")
    assert found.met  # type: ignore[attr-defined]
    model = cw.parse(text).model
    assert model.estimate("k * P(Y = yes | X = no)", "d").distribution[()] == F(3, 2)
    with pytest.raises(QueryError) as refused:
        model.estimate("m * P(Y = yes | X = no)", "d")
    assert refused.value.diagnostic.code == "Q012"


def test_a_broken_parameter_is_told_once() -> None:
    with pytest.raises(LanguageError) as refused:
        cw.parse("param p in [1, 0] var X : {no, yes} box x : -> X = flip(1/2) query p * P(X = yes)")
    assert [d.code for d in refused.value.diagnostics] == ["T025"]


@pytest.mark.parametrize(
    ("question", "wanted"), [("p * P(X = yes)", False), ("P(X = yes | do(X := no))", False), ("q * P(X = yes)", True)]
)
def test_sympy_is_loaded_for_symbols_only(question: str, wanted: bool, tmp_path: Path) -> None:
    text = "param p = 1/2 param q var X : {no, yes} box x : -> X = flip(p)"
    code = f"import cutwire as cw; cw.parse({text!r}).model.query({question!r})"
    assert ("sympy" in loaded(code, tmp_path)) == wanted


@pytest.mark.parametrize(("expected", "met"), [("p*q + (1-p)*r", True), ("p*q", False), ("p*q + (1-p)/4", True)])
def test_expectations_of_files(expected: str, met: bool) -> None:
    (found,) = run(TEXT + f"query P(Y = yes) expect {expected}")
    assert isinstance(found, Answered)
    assert found.met == met


def test_claims_about_parameters() -> None:
    claims = {
        "total": ("P(Y = yes) == p*q + (1-p)*r", True, "proved for all values of p, q"),
        "order": ("P(Z = yes) <= P(Y = yes)", True, "proved for all values of p, q"),
        "strict": ("P(Z = yes) < P(Y = yes)", False, ""),
        "bayes": (
            "P(Z = yes | Y = yes) / q == 1",
            True,
            "proved for all values of p, q, where 4*p*q - p + 1 != 0 and q != 0",
        ),
        "wrong": ("P(Y = yes | do(X := yes)) == p", False, ""),
        "numbers": ("P(X = yes | do(X := no)) == r - 1/4", True, "1 case(s) compared exactly"),
        "backdoor": (
            "P(Z = yes | Y = yes) == P(Z = yes | do(Y := yes))",
            True,
            "proved for all values of p, q, where 4*p*q - p + 1 != 0",
        ),
        "unlike": ("P(Y = yes | do(X := yes)) != q + 1", True, "proved for all values of q"),
    }
    text = TEXT + "\n".join(f"claim {n}: {c}" for n, (c, _, _) in claims.items())
    for verdict, (_, holds, evidence) in zip(run(text), claims.values(), strict=True):
        assert verdict.holds == holds  # type: ignore[attr-defined]
        assert not holds or verdict.evidence == evidence  # type: ignore[attr-defined]
        if not holds:
            at = verdict.counterexample.parameter_values  # type: ignore[attr-defined]
            assert verdict.failure.startswith(
                ", ".join(f"{n} = {at[n]}" for n in at if n in verdict.failure.split(":")[0])
            )  # type: ignore[attr-defined]


def test_symbolic_checks_keep_parameters_with_values(model: Model) -> None:
    claim = "claim c: P(Y = yes | do(X := no)) == 1/4 + 0*r "
    (numbers_,) = run(TEXT + claim)
    assert numbers_.holds  # type: ignore[attr-defined]
    (symbols,) = run(TEXT + claim + "check c symbolic")
    assert not symbols.holds  # type: ignore[attr-defined]
    assert model.check("P(Y = yes | do(X := no)) == r").holds
    assert not model.check("P(Y = yes | do(X := no)) == r^2").holds
    with pytest.raises(QueryError) as refused:
        run(TEXT + claim + "check c for 50 models")
    assert refused.value.diagnostic.code == "Q009"


def test_claims_with_other_functions_are_not_refuted_by_their_form() -> None:
    """exp(2a) and exp(a)^2 are one function; log(a) + log(b) is not seen to be log(ab), but not refuted either."""
    text = "param a in [1, 2] param b in [1, 2] var X : {no, yes} box x : -> X = "
    (same,) = run(
        text + "flip(exp(-2*a)) box y : -> Y = flip(exp(-a)) var Y : {no, yes} claim c: P(X=yes) == P(Y=yes)^2"
    )
    assert same.evidence == "proved for all values of a"  # type: ignore[attr-defined]
    logs = "flip(log(a*b)/2) var Y : {no, yes} box y : -> Y = flip((log(a) + log(b))/2) claim c: P(X=yes) == P(Y=yes)"
    (found,) = run(text + logs)
    assert found.holds  # type: ignore[attr-defined]
    assert "nothing is proved" in found.evidence  # type: ignore[attr-defined]


# ---- how it is shown -------------------------------------------------------------------------------------------------


def test_command_line(tmp_path: Path) -> None:
    file = tmp_path / "m.causal"
    file.write_text(TEXT, encoding="utf-8")
    done = cutwire("query", str(file), "P(Y | do(X := yes))")
    assert done.status == 0
    assert [line.split() for line in done.out.splitlines()[2:5]] == [
        ["no", "1", "-", "q"],
        ["yes", "q"],
        ["0", "<=", "q", "<=", "1"],
    ]
    found = cutwire("query", str(file), "P(Y = yes)", "--json", "--derivative", "p", "--semantics", "symbolic").json
    assert found["semantics"] == "symbolic"
    p, q, r = sympy.symbols("p q r")
    assert sympy.expand(sympy.sympify(found["expressions"]) - (p * q + (1 - p) * r)) == 0
    assert sympy.sympify(found["derivatives"]["p"]) == q - r
    assert found["conditions"] == ["0 <= p <= 1", "0 <= q <= 1", "0 <= r <= 1"]
    assert cutwire("query", str(file), "P(Y)", "--set", "p=1/2", "--set", "q=1/2", "--json").json["exact"] == [
        "5/8",
        "3/8",
    ]
    assert cutwire("query", str(file), "P(Y)", "--derivative", "k").status == 2
    assert cutwire("query", str(file), "P(Y)", "--semantics", "matrix", "--derivative", "p").status == 2


def test_notebooks(model: Model) -> None:
    found = model.symbolic("P(Y | do(X := yes))")
    assert found._repr_latex_().startswith("$\\displaystyle \\begin{array}{l|l}")
    assert "<math" in found._repr_html_()
    assert model.symbolic("P(Y = yes | do(X := yes))").latex == "q"


def test_units_are_for_showing() -> None:
    (found,) = run(TEXT + "query P(Y = yes | do(X := yes)) unit odds")
    assert isinstance(found, Answered)
    assert found.answer.columns() == ([], [["q/(1 - q) odds"]])
    assert found.value == sympy.Symbol("q")


# ---- estimands -------------------------------------------------------------------------------------------------------

FRONT_DOOR = """
param p, q, r, s, t, u, v, w in [0, 1]
latent H : {n, y}
var X, M : {n, y}
var Y : {0, 1}
box h : -> H = flip(p)
box x : H -> X = | n -> flip(q) | y -> flip(r)
box m : X -> M = | n -> flip(s) | y -> flip(t)
box y : M, H -> Y = | n, n -> flip(u) | n, y -> flip(v) | y, n -> flip(w) | y, y -> flip(u*v)
"""


@pytest.mark.parametrize(
    "question",
    ["P(Y = 1 | do(X := y))", "P(Y | do(X))", "E(Y | do(X := n))", "E(Y | do(X := y)) ", "P(Y, M | do(X := y))",
     "P(X | do(M := y))", "P(Y | do(X ~ [1/4, 3/4]))", "P(Y = 1 | X)"],
)  # fmt: skip
def test_the_front_door_with_parameters(question: str) -> None:
    """The estimand read off the model is the effect, as functions of the parameters."""
    model = cw.parse(FRONT_DOOR, "m.causal").model
    estimand = model.identify(question).evaluate(model, semantics="symbolic")
    effect = model.query(question, semantics="symbolic")

    assert getattr(estimand, "variables", ()) == getattr(effect, "variables", ())
    pairs = list(
        zip(np.ravel(getattr(estimand, "array", estimand)), np.ravel(getattr(effect, "array", effect)), strict=True)
    )
    assert pairs
    assert all(sympy.simplify(a - b) == 0 for a, b in pairs)
    assert any(a.free_symbols for a, _ in pairs)


def test_a_wrong_estimand_differs() -> None:
    """What is merely seen is another function."""
    model = cw.parse(FRONT_DOOR, "m.causal").model
    seen = model.identify("P(Y = 1 | X = y)").evaluate(model, semantics="symbolic")
    assert sympy.simplify(seen - model.query("P(Y = 1 | do(X := y))", semantics="symbolic")) != 0


def test_where_an_estimand_is_valid() -> None:
    """The effect has a value everywhere; the estimand only where what it conditions on can be seen."""
    model = cw.parse(FRONT_DOOR, "m.causal").model
    found = model.identify("P(Y | do(X))").evaluate(model, semantics="symbolic")
    t = sympy.Symbol("t")
    assert {sympy.Ne(t, 0), sympy.Ne(t, 1)} <= set(found.conditions)
    assert sympy.Ne(t, 0) not in model.symbolic("P(Y | do(X))").conditions


def test_estimands_in_symbols_that_are_refused() -> None:
    model = cw.parse(FRONT_DOOR, "m.causal").model
    effect = model.identify("P(Y = 1 | do(X := y))")
    with pytest.raises(QueryError, match="data are numbers"):
        effect.evaluate({"X": ["n"], "M": ["n"], "Y": ["0"]}, semantics="symbolic")
    bare = cw.parse(FRONT_DOOR.replace(" = flip(p)", ""), "m.causal").model
    with pytest.raises(QueryError, match="Q001"):
        effect.evaluate(bare, semantics="symbolic")


def test_an_estimand_that_needs_what_never_occurs() -> None:
    """A column that is undetermined whatever the parameters are is not made up."""
    text = "param p, q in [0, 1]\nvar X, Y : {0, 1}\nbox x : -> X = [1, 0]\n"
    model = cw.parse(text + "box y : X -> Y = | 0 -> flip(p) | 1 -> flip(q)", "m.causal").model
    assert model.identify("E(Y | do(X := 0))").evaluate(model, semantics="symbolic") == sympy.Symbol("p")
    with pytest.raises(ZeroProbabilityError, match="Q002"):
        model.identify("E(Y | do(X := 1))").evaluate(model, semantics="symbolic")
