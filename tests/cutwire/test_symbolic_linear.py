"""Linear models with open parameters: expressions, against the same models with numbers in exact fractions."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import sympy
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

import cutwire as cw
from semantics.formulae import Expressions
from semantics.mixture import Linear, Mixture, Mixtures
from strings.diagnostic import CutwireError, QueryError

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
