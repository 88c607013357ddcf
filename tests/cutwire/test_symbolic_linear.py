"""Linear models with open parameters: expressions, against the same models with numbers in exact fractions."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire.model import Model
from semantics.formulae import Expressions
from semantics.mixture import Linear, Mixture, Mixtures
from strings.diagnostic import CutwireError, QueryError
from tests.cutwire.command import EXAMPLES, cutwire
from tests.cutwire.test_start import loaded

F = Fraction
a, b, s, X = sympy.symbols("a b s X")

PARAMETERS = """
param a, b
param s in [0, 3]
param p in [0, 1]
"""
SLOPES = ["0", "1", "-2", "a", "b", "a*b", "a - 1", "1/3", "b/(1 + s)", "a^2"]
DEVIATIONS = ["1", "s", "1/2", "s + 1", "s/2", "2*s", ""]


@st.composite
def linear(draw: st.DrawFn, mixed: bool = False, most: int = 4) -> str:
    """A model of V0, …, each of which hears some of those before; if `mixed`, some hear S, too."""
    lines = [PARAMETERS]
    if mixed:
        lines += ["var S : {no, yes}", "box s : -> S = flip(p)"]
    for k in range(most):
        heard = [j for j in range(k) if draw(st.booleans())]
        split = mixed and draw(st.booleans())
        bodies = []
        for _ in range(2 if split else 1):
            terms = [f"({draw(st.sampled_from(SLOPES))}) * v{j}" for j in heard]
            terms.append(draw(st.sampled_from(["0", "a", "1", "b - 1/2"])))
            mean, deviation = (
                " + ".join(terms),
                draw(st.sampled_from(DEVIATIONS if heard or split else DEVIATIONS[:-1])),
            )
            bodies.append(f"normal({mean}, {deviation})" if deviation else mean)
        names = [*(["z"] if split else []), *(f"v{j}" for j in heard)]
        body = f"if z then {bodies[1]} else {bodies[0]}" if split else bodies[0]
        ports = [*(["S"] if split else []), *(f"V{j}" for j in heard)]
        lines.append(f"{'latent' if k == 0 else 'var'} V{k} : real")
        lines.append(
            f"box b{k} : {', '.join(ports)} -> V{k} = " + (f"fn ({', '.join(names)}) => {body}" if names else body)
        )
    return "\n".join(lines)


@st.composite
def points(draw: st.DrawFn) -> dict[str, Fraction]:
    """Values of the parameters; now and then such that something degenerates."""
    small = st.builds(F, st.integers(-4, 4), st.integers(1, 3))
    return {
        "a": draw(small),
        "b": draw(small),
        "s": draw(st.sampled_from([F(0), F(1), F(1, 2), F(5, 3)])),
        "p": draw(st.sampled_from([F(0), F(1), F(1, 3), F(3, 4)])),
    }


def flat(answer: Any) -> dict[str, Any]:
    """The numbers of an answer, by name."""
    match answer:
        case Mixture():
            names = answer.variables
            found = dict(zip((f"mean {n}" for n in names), answer.means, strict=True))
            for i, j in itertools.combinations_with_replacement(range(len(names)), 2):
                kind = f"variance {names[i]}" if i == j else f"covariance {names[i]}, {names[j]}"
                found[kind] = answer.covariances[i, j]
            return found
        case Mixtures():
            found = {}
            for at, m in answer.cells.items():
                if any(w != 1 for w in answer.weights.values()):
                    found[", ".join([*at, "probability"])] = answer.weights[at]
                found |= {", ".join([*at, n]): x for n, x in flat(m).items()}
            return found
        case cw.Distribution():
            return {", ".join(at): x for at, x in answer.rows()}
        case _:
            return {"": answer}


def at(answer: Expressions, values: dict[str, Fraction]) -> dict[str, Any]:
    """Expressions with numbers for the parameters, by name; also conditions on parameters that are not in it."""
    known = {**values, **{n: F(2) for n in answer.parameters if n.startswith("V")}}
    named = {*answer.parameters, *(x.name for c in answer.restrictions for x in c.free_symbols)}
    found = answer.at({n: known[n] for n in named})
    return {", ".join(labels): x for labels, x in found.rows()}


def compared(text: str, question: str, values: dict[str, Fraction], numeric: str = "") -> None:
    """An answer in symbols, with numbers put in, is that in numbers: exactly. Where it has none, it says so."""
    model = cw.parse(text).model
    numbers = model.with_parameters(values)
    try:
        answer = model.symbolic(question)
    except CutwireError as e:
        event(f"refused: {e.diagnostic.code}")
        if e.diagnostic.code in ("Q002", "G004", "G003"):  # for most values, then, there is no number either
            return
        raise
    try:
        found = at(answer, values)
    except QueryError as e:
        assert e.diagnostic.code == "Q015"  # noqa: PT017
        event("no value there")
        return
    event("compared")
    truth = numbers.query(numeric or question, semantics="gaussian")
    if isinstance(truth, Linear):
        truth = truth(dict.fromkeys(truth.inputs, F(2)))
    expected = flat(truth)
    for name, x in found.items():
        if name not in expected and name.endswith("probability"):
            assert x == 0
            return
        exact = expected[name]
        assert isinstance(exact, Fraction), name
        assert x == sympy.Rational(exact.numerator, exact.denominator), name


QUESTIONS = [
    "E(V3 | do(V1 := 1))",
    "E(V3 | do(V1 := 1)) - E(V3 | do(V1 := 0))",
    "E(V3) * E(V2) - 2 * E(V1)",
    "E(V3 | V1 = 2)",
    "E(V3 | V1 = 2, V2 = -1)",
    "E(V3 | do(V1 := 1), V2 = 1)",
    "P(V1, V2, V3)",
    "P(V3 | do(V2 := 2))",
    "P(V1, V3 | V2 = 0.5)",
    "E(V3 | do(V1))",
    "E(V3 | V1)",
    "P(V2, V3 | do(V1))",
    "E(V3 | do(V1), V2 = 1)",
    "P(V3 | do(V1 -> V3 := 1))",
]


@settings(max_examples=150, deadline=None)
@given(linear(), st.sampled_from(QUESTIONS), points())
def test_linear_models(text: str, question: str, values: dict[str, Fraction]) -> None:
    assume("V1 ->" not in question or any("b3" in line and "V1" in line for line in text.splitlines()))
    compared(text, question, values)


MIXED = [
    "E(V2)",
    "E(V2 | S)",
    "E(V2 | S = yes)",
    "P(S = yes) * E(V1 | do(S := yes))",
    "P(V1, V2)",
    "P(V1, V2 | S)",
    "P(V2, S)",
    "P(V2 | do(S := yes))",
    "E(V2 | S = no, V1 = 1)",
    "P(S)",
    "E(V2 | do(V1))",
    "E(V2 | do(V1 := 1)) - E(V2 | S = yes)",
]


@settings(max_examples=120, deadline=None)
@given(linear(mixed=True, most=3), st.sampled_from(MIXED), points())
def test_mixed_models(text: str, question: str, values: dict[str, Fraction]) -> None:
    compared(text, question, values)


TRANSCENDENTAL = [
    "P(V2 > 0.5 | do(V1 := 1))",
    "P(V2 in [-1, 2])",
    "P(V2 <= 1 | V1 = 1)",
    "P(V2 > 0, S = yes)",
    "P(S | V2 > 0)",
    "P(S | V2 = 1)",
    "E(V2 | V1 = 1)",
    "E(V1 | V2 > 0)",
    "P(V1, V2 | V0 = 1)",
]


@settings(max_examples=100, deadline=None)
@given(linear(mixed=True, most=3), st.sampled_from(TRANSCENDENTAL), points())
def test_what_is_not_rational(text: str, question: str, values: dict[str, Fraction]) -> None:
    """Normal probabilities and densities, against floats."""
    model = cw.parse(text).model
    try:
        found = at(model.symbolic(question), values)
    except CutwireError as e:
        event(f"refused: {e.diagnostic.code}")
        assert e.diagnostic.code in ("Q002", "Q015", "Q007")  # noqa: PT017
        return
    event("compared")
    expected = flat(model.with_parameters(values).query(question, semantics="gaussian"))
    assert found.keys() == expected.keys()
    for name, x in found.items():
        assert float(x) == pytest.approx(float(expected[name]), rel=1e-9, abs=1e-9)


# ---- by hand ---------------------------------------------------------------------------------------------------------

DOSE = """
param b in [0, 5]
var Dose, Pressure : real
latent U : real
box u : -> U = normal(0, 3)
box dose : U -> Dose = fn (u) => normal(u, 1)
box pressure : Dose, U -> Pressure = fn (d, u) => normal(120 - b*d + u, 5)
"""

TAR = """
param a, b, c
param s in [1/2, 3]
var X, M, Y : real
latent D : real
box d : -> D = normal(0, 1)
box x : D -> X = fn (d) => normal(10 + 4*d, s)
box m : X -> M = fn (x) => normal(a*x, 3)
box y : M, D -> Y = fn (m, d) => normal(b*m + c*d, 1)
"""


@pytest.fixture
def dose() -> Model:
    return cw.parse(DOSE).model


def code(ask: Any) -> str:
    with pytest.raises(CutwireError) as caught:
        ask()
    return caught.value.diagnostic.code


def same(one: Any, other: Any) -> bool:
    return bool(sympy.simplify(one - other) == 0)


def test_open_parameters_are_symbols_by_themselves(dose: Model) -> None:
    assert same(dose.query("E(Pressure | do(Dose := 2))"), 120 - 2 * b)
    assert same(dose.query("E(Pressure | do(Dose := 1)) - E(Pressure | do(Dose := 0))"), -b)
    assert dose.with_parameters(b=2).query("E(Pressure | do(Dose := 2))") == 116
    assert same(dose.with_parameters(b=2).query("E(Pressure | do(Dose := 2))", semantics="symbolic"), 120 - 2 * b)
    assert code(lambda: dose.query("E(Pressure)", semantics="gaussian")) == "Q012"


def test_functions_of_real_variables(dose: Model) -> None:
    dose_ = sympy.Symbol("Dose")
    line = dose.symbolic("E(Pressure | do(Dose))")
    assert same(line.value, 120 - b * dose_)
    assert line.parameters == ("b", "Dose")
    assert line.derivative("Dose").value == -b
    assert line.at(Dose=2, b=1).value == 118
    assert line.function()(b=[0, 1], Dose=3).tolist() == [120, 117]
    assert same(dose.query("E(Pressure | Dose) - E(Pressure | do(Dose))"), Fraction(9, 10) * dose_)
    spread = dose.symbolic("P(Pressure | do(Dose))")
    assert spread.values == (("mean Pressure", "variance Pressure"),)
    assert spread["variance Pressure"] == 34


def test_a_parameter_named_like_a_variable() -> None:
    model = cw.parse("param X var X, Y : real box x : -> X = normal(0, 1) box y : X -> Y = fn (x) => X*x").model
    assert code(lambda: model.query("E(Y | do(X))")) == "G004"
    assert model.query("E(Y | do(X := 2))") == 2 * X


def test_distributions_are_moments(dose: Model) -> None:
    joint = dose.symbolic("P(Dose, Pressure)")
    assert joint.variables == ("moment",)
    assert joint["covariance Dose, Pressure"] == 9 - 10 * b
    assert same(joint["variance Pressure"], 10 * b**2 - 18 * b + 34)
    assert joint.at(b=1)["variance Pressure"] == 26
    assert "covariance" in joint.latex


def test_normal_probabilities(dose: Model) -> None:
    risk = dose.symbolic("P(Pressure > 110 | do(Dose := 2))")
    assert risk.at(b=5).value == sympy.Rational(1, 2)
    assert dose.query("P(Pressure > 110 | do(Dose := 2)) + P(Pressure <= 110 | do(Dose := 2))") == 1
    numbers = [dose.with_parameters(b=k).query("P(Pressure > 110 | do(Dose := 2))") for k in (1, 2)]
    np.testing.assert_allclose(risk.function()(b=[1, 2]), numbers)
    assert float(risk.derivative("b").at(b=1).value) < 0
    assert code(lambda: dose.query("P(Pressure > 110, Dose > 3)")) == "Q007"


def test_conditions_are_told_where_noise_may_vanish() -> None:
    """X = a U + s N: it varies where a or s is not 0."""
    text = "param a param s in [0, {}] var U, X : real  box u : -> U = normal(0, 1) box x : U -> X = fn (u) => {}"
    model = cw.parse(text.format(3, "normal(a*u, s)")).model
    found = model.symbolic("E(U | X = 2)")
    assert same(found.value, 2 * a / (a**2 + s**2))
    assert sympy.Ne(a**2 + s**2, 0) in found.conditions
    assert code(lambda: found.at(a=0, s=0)) == "Q015"
    noisy = cw.parse(text.format(3, "normal(a*u, s + 1)")).model.symbolic("E(U | X = 2)")
    assert not noisy.restrictions
    sharp = cw.parse(text.format(3, "a*u + s")).model
    assert same(sharp.query("E(U | X = 2)"), (2 - s) / a)
    assert sharp.symbolic("E(U | X = 2)").restrictions == (sympy.Ne(a, 0),)


def test_what_cancels_is_a_condition_all_the_same() -> None:
    text = "param a, b var U, X : real  box u : -> U = normal(0, 1) box x : U -> X = fn (u) => a*u"
    found = cw.parse(text + " var Y : real box y : X -> Y = fn (x) => normal(b*x, 1)").model.symbolic("E(Y | X = 2)")
    assert found.value == 2 * b
    assert found.restrictions == (sympy.Ne(a, 0),)


def test_a_value_that_is_seen_nowhere_but_at_one_value_of_a_parameter() -> None:
    model = cw.parse("param a var X, Y : real box x : -> X = normal(0, 1) box y : X -> Y = fn (x) => a").model
    with pytest.raises(cw.ZeroProbabilityError) as refused:
        model.query("E(X | Y = 2)")
    assert refused.value.diagnostic.code == "Q002"


def test_the_sign_of_a_deviation() -> None:
    text = "param s {} var X : real box x : -> X = normal(1, {})"
    assert sympy.Ge(s, 0) in cw.parse(text.format("", "s")).model.symbolic("P(X)").conditions
    assert not cw.parse(text.format("in [0, 1]", "s")).model.symbolic("P(X)").restrictions
    assert code(lambda: cw.parse(text.format("in [0, 1]", "s - 2")).model.query("E(X)", semantics="symbolic")) == "Q014"
    found = cw.parse(text.format("", "s")).model.symbolic("P(X > 0)")
    assert same(found.value, (1 + sympy.erf(1 / (sympy.sqrt(2) * s))) / 2)
    assert {sympy.Ge(s, 0), sympy.Ne(s, 0)} <= set(found.conditions)


def test_other_functions_are_atoms() -> None:
    text = "param a param v in [1, 2] var X, Y : real box x : -> X = normal(exp(a), sqrt(v))"
    model = cw.parse(text + " box y : X -> Y = fn (x) => if a > 0 then normal(x, 1) else normal(2*x, 1)").model
    v = sympy.Symbol("v")
    assert model.query("E(X)") == sympy.exp(a)
    assert model.symbolic("P(X)")["variance X"] == v
    assert model.symbolic("E(Y)").at(a=-1).value == 2 * sympy.exp(-1)


def test_the_front_door() -> None:
    """Pearl 1995: the product of two regressions is the product of the coefficients on the path."""
    model = cw.parse(TAR).model
    effect = "E(Y | do(X := 11)) - E(Y | do(X := 10))"
    assert same(model.query(effect), a * b)
    found = model.identify("E(Y | do(X))", check=False)
    assert found.identifiable
    assert same(found.evaluate(model, semantics="symbolic"), a * b * X)
    spread = model.identify("P(Y | do(X := 11))").evaluate(model, semantics="symbolic")
    assert list(spread.array) == list(model.symbolic("P(Y | do(X := 11))").array)
    assert not same(model.query(effect.replace("do(X := 11)", "X = 11").replace("do(X := 10)", "X = 10")), a * b)


def test_the_tar_example() -> None:
    model = cw.load(EXAMPLES / "tar.causal").model
    effect = model.symbolic("E(Damage | do(Cigarettes := 11)) - E(Damage | do(Cigarettes := 10))")
    assert same(effect.value, (1 - sympy.Symbol("clearing")) * sympy.Rational(2, 3))


CLAIMS = """
claim effect: E(Y | do(X := 11)) - E(Y | do(X := 10)) == a*b
claim seen: E(Y | X = 11) - E(Y | X = 10) == a*b
claim bias: E(Y | X = 11) - E(Y | X = 10) == a*b + 4*c/(16 + s^2)
claim more: E(X) >= 9
query E(Y | do(X := 1)) expect a*b
query E(Y | do(X := 1)) expect a
check all
"""


def test_claims_and_expectations() -> None:
    results = list(cw.parse(TAR + CLAIMS).run())
    assert [r.holds for r in results if hasattr(r, "holds")] == [True, False, True, True]
    assert [r.met for r in results if hasattr(r, "met")] == [True, False]
    refused = cw.parse(TAR + "claim f: E(Y | do(X)) == a*b check f")
    with pytest.raises(QueryError) as caught:
        list(refused.run())
    assert caught.value.diagnostic.code == "G004"


def test_refusals_name_the_box_and_recommend_what_helps() -> None:
    text = "param b {} var X, Y : real box x : -> X = uniform(0, 1) box y : X -> Y = fn (x) => normal(b*x, 1)"
    for interval, how in (("", "give `b` a value"), ("in [0, 1]", "")):
        model = cw.parse(text.replace("uniform(0, 1)", "uniform(0, b)").format(interval)).model
        for semantics in ("symbolic", "gaussian"):
            with pytest.raises(QueryError) as refused:
                model.query("E(Y)", semantics=semantics)
            told = refused.value.diagnostic
            assert told.code == "G001"
            assert not any("symbols" in h for h in told.help)
            assert how in told.help[0] or semantics == "gaussian"
    assert code(lambda: cw.parse("param b var N : count box n : -> N = poisson(b)").model.symbolic("E(N)")) == "G001"
    bare = cw.parse("param b var X, Y : real box x : -> X = normal(b, 1) box y : X -> Y").model
    assert code(lambda: bare.symbolic("E(Y)")) == "Q001"


def test_estimates_do_not_recommend_symbols() -> None:
    text = """
    param b
    var X, Y : real
    data d(X, Y) = | 1, 1 -> 1 | 2, 3 -> 1 | 3, 2 -> 1 | 4, 4 -> 1
    box x : -> X
    box y : X -> Y
    estimate E(Y | do(X := 1)) * b from d
    """
    with pytest.raises(QueryError) as refused:
        list(cw.parse(text).run())
    assert refused.value.diagnostic.code == "Q012"
    assert len(refused.value.diagnostic.help) == 1


def test_command_line(tmp_path: Path) -> None:
    file = tmp_path / "m.causal"
    file.write_text(DOSE + "query E(Pressure | do(Dose := 2))", encoding="utf-8")
    assert "120 - 2*b" in cutwire("run", str(file)).out
    found = cutwire("query", str(file), "E(Pressure | do(Dose))", "--json", "--derivative", "b").json
    assert (found["expressions"], found["derivatives"]) == ("-Dose*b + 120", {"b": "-Dose"})
    laws = cutwire("laws", str(file))
    assert laws.status == 0
    assert "gaussian is left out" not in laws.out


def test_sympy_is_loaded_for_symbols_only(tmp_path: Path) -> None:
    text = "param b = 1 var X : real box x : -> X = normal(b, 1)"
    code = f"import cutwire as cw; cw.parse({text!r}).model.query('P(X)')"
    assert not {"sympy", "scipy"} & set(loaded(code, tmp_path))
