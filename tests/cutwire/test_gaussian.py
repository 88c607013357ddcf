"""Linear models with normal noise, from files, Python and the command line; against linear algebra written out here."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire.__main__ import main
from semantics.mixture import Linear, Mixture, Mixtures
from strings.diagnostic import CutwireError

FRONT = """
model front
var X, M, Y : real
latent U : real
box u : -> U = normal(0, 1)
box x : U -> X = fn (u) => normal(2*u, 1)
box m : X -> M = fn (x) => normal(3*x - 1, 1/2)
box y : M, U -> Y = fn (m, u) => normal(m/2 + 5*u, 1)
"""

MIXED = """
model mixed
var S : {no, yes}
var X, Y, Z : real
box s : -> S = flip(1/3)
box x : S -> X =
  | no -> normal(0, 1)
  | yes -> normal(2, 1/2)
box y : S, X -> Y = fn (s, x) => if s then normal(1 - x, 2) else normal(x, 1)
box z : Y -> Z = fn (y) => normal(y/2, 1)
"""


def model(text: str) -> cw.Model:
    return cw.parse(text).model


def code(ask: Any) -> str:
    """The code of the problem that a call has."""
    with pytest.raises(CutwireError) as caught:
        ask()
    return caught.value.diagnostic.code


# ---- linear models against their matrices ----------------------------------------------------------------------------


def linear_model(coefficients: Sequence[Sequence[int]], hidden: frozenset[int] = frozenset()) -> str:
    """A file: variable `k` hears `j < k` with a coefficient; noise has standard deviation k + 1."""
    n = len(coefficients)
    lines = ["model random"]
    for k in range(n):
        heard = [j for j in range(k) if coefficients[k][j]]
        names = ", ".join(f"v{j}" for j in heard)
        mean = " + ".join([*(f"({coefficients[k][j]}) * v{j}" for j in heard), str(k)])
        body = f"fn ({names}) => normal({mean}, {k + 1})" if heard else f"normal({k}, {k + 1})"
        ports = ", ".join(f"V{j}" for j in heard)
        lines += [f"{'latent' if k in hidden else 'var'} V{k} : real", f"box b{k} : {ports} -> V{k} = {body}"]
    return "\n".join(lines)


def moments(coefficients: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance by (I - B)^-1."""
    n = len(coefficients)
    through = np.linalg.inv(np.eye(n) - np.array(coefficients, dtype=float))
    return through @ np.arange(n), through @ np.diag((np.arange(n) + 1.0) ** 2) @ through.T


def by_paths(coefficients: Sequence[Sequence[int]], x: int, y: int) -> int:
    """Wright's rule: the sum over directed paths of the products of their coefficients."""
    total = 0
    for size in range(len(coefficients)):
        for inner in itertools.combinations(range(x + 1, y), size):
            path = (x, *inner, y)
            total += math.prod(coefficients[b][a] for a, b in itertools.pairwise(path))
    return total


@st.composite
def triangles(draw: st.DrawFn, n: int = 4) -> list[list[int]]:
    return [[draw(st.integers(-2, 2)) if j < k else 0 for j in range(n)] for k in range(n)]


@given(triangles(), st.integers(-3, 3))
@settings(deadline=None, max_examples=30)
def test_moments_conditions_and_effects(b: list[list[int]], seen: int) -> None:
    m = model(linear_model(b))
    mean, c = moments(b)
    joint = m.query("P(V0, V1, V2, V3)")
    assert np.allclose(joint.mean.astype(float), mean)
    assert np.allclose(joint.covariance.astype(float), c)
    assert m.query("E(V3 | do(V1 := 1)) - E(V3 | do(V1 := 0))") == by_paths(b, 1, 3)
    assert m.query("E(V3 | do(V0))").slope("V3", "V0") == by_paths(b, 0, 3)
    found = m.query(f"P(V0, V3 | V1 = {seen}, V2 = 1)")
    at, rest = [1, 2], [0, 3]
    slope = c[np.ix_(rest, at)] @ np.linalg.inv(c[np.ix_(at, at)])
    assert np.allclose(found.mean.astype(float), mean[rest] + slope @ (np.array([seen, 1]) - mean[at]))
    assert np.allclose(found.covariance.astype(float), c[np.ix_(rest, rest)] - slope @ c[np.ix_(at, rest)])


@pytest.mark.parametrize("seed", range(25))
def test_identified_effects_of_random_graphs(seed: int) -> None:
    """An estimand on the covariance of a model is the effect in the model, exactly, whatever the graph."""
    rnd = random.Random(seed)
    b = [[rnd.choice([0, 0, 1, -1, 2]) if j < k else 0 for j in range(6)] for k in range(6)]
    b[1][0] = b[5][1] = 0
    m = model(linear_model(b, frozenset({0, 1})))
    question = f"P(V5 | do(V{rnd.choice([2, 3, 4])} := 2))"
    found = m.identify(question, check=False)
    if not found.identifiable:
        return
    try:
        estimated = found.evaluate(m)
    except cw.QueryError as e:
        assert e.diagnostic.code == "Q002"  # noqa: PT017
        return
    truth = m.query(question)
    assert (estimated.mean, estimated.covariance) == (truth.mean, truth.covariance)


def test_napkin_and_a_derived_distribution() -> None:
    """The napkin's estimand has a conditional of a derived distribution: a ratio, which in Gauss is a regression."""
    m = model(
        """
        model napkin
        var W, Z, X, Y : real
        latent U, V : real
        box u : -> U = normal(0, 1)
        box v : -> V = normal(1, 2)
        box w : U, V -> W = fn (u, v) => normal(u - 2*v, 1)
        box z : W -> Z = fn (w) => normal(w/2, 1)
        box x : Z, U -> X = fn (z, u) => normal(3*z + u, 1)
        box y : X, V -> Y = fn (x, v) => normal(x/5 + v, 1)
        """
    )
    found = m.identify("P(Y | do(X := 2))", check=False)
    assert found.identifiable
    answer, truth = found.evaluate(m), m.query("P(Y | do(X := 2))")

    assert (answer.mean, answer.covariance) == (truth.mean, truth.covariance)
    assert m.linear_effect("X", "Y").value == Fraction(1, 5)


# ---- textbook --------------------------------------------------------------------------------------------------------


def test_front_door_with_a_continuous_mediator() -> None:
    """Pearl 2009, section 3.3.2, for linear models: the product of two regressions."""
    m = model(FRONT)
    joint = m.query("P(X, M, Y)")
    c = joint.covariance
    first = c[0, 1] / c[0, 0]
    second = (c[1, 2] * c[0, 0] - c[0, 1] * c[0, 2]) / (c[1, 1] * c[0, 0] - c[0, 1] ** 2)

    assert first * second == Fraction(3, 2)
    assert m.query("E(Y | do(X := 1)) - E(Y | do(X := 0))") == Fraction(3, 2)
    effect = m.linear_effect("X", "Y")
    assert (effect.value, effect.criterion.name) == (Fraction(3, 2), "front door")
    assert m.identify("P(Y | do(X))").evaluate(m).slope("Y", "X") == Fraction(3, 2)
    assert m.query("E(Y | X = 1) - E(Y | X = 0)") == Fraction(7, 2)


def test_pearl_instrument() -> None:
    """Pearl 2009, section 5.4 (Wright's instrument): r_ZY / r_ZX is the coefficient, though no estimand is."""
    m = model(
        """
        var Z, X, Y : real
        latent U : real
        box u : -> U = normal(0, 1)
        box z : -> Z = normal(0, 1)
        box x : Z, U -> X = fn (z, u) => normal(z/3 + 2*u, 1)
        box y : X, U -> Y = fn (x, u) => normal(3/4*x + 5*u, 1)
        """
    )
    assert not m.identify("P(Y | do(X))", check=False).identifiable
    effect = m.linear_effect("X", "Y")
    assert (effect.value, effect.criterion.name) == (Fraction(3, 4), "instrument")
    assert effect.formula == "cov(Z, Y) / cov(Z, X)"
    assert "instrument" in effect.assumes


def test_conditional_instrument_and_back_door() -> None:
    text = """
        var W, Z, X, Y : real
        {latent}
        box w : -> W = normal(0, 1)
        box z : W -> Z = fn (w) => normal(w, 1)
        box x : Z, {u} -> X = fn (z, u) => normal(2*u + z/3, 1)
        box y : X, {u}, W -> Y = fn (x, u, w) => normal(3/4*x + 5*u - w, 1)
        """
    seen = model(text.format(latent="var U : real box u : -> U = normal(0, 1)", u="U"))
    hidden = model(text.format(latent="latent U : real box u : -> U = normal(0, 1)", u="U"))

    assert hidden.linear_effect("X", "Y").formula == "cov(Z, Y | W) / cov(Z, X | W)"
    assert hidden.linear_effect("X", "Y").value == Fraction(3, 4)
    assert seen.linear_effect("X", "Y").criterion.name == "back door"
    assert seen.linear_effect("X", "Y").value == Fraction(3, 4)
    assert seen.linear_effect("Y", "X").value == 0
    assert code(lambda: hidden.linear_effect("X", "Y", method="front door")) == "G007"
    assert code(lambda: hidden.linear_effect("X", "Y", method="magic")) == "G007"
    assert code(lambda: hidden.linear_effect("X", "U")) == "I001"
    assert code(lambda: hidden.linear_effect("X", "Q")) == "N002"


def test_a_binary_instrument_from_data() -> None:
    """Wald's estimator: a ratio of differences of means."""
    m = model(
        "var Z : {no, yes} var X, Y : real latent U : real\n"
        "box z : -> Z box u : -> U box x : Z, U -> X box y : X, U -> Y"
    )
    z = ["no", "no", "no", "yes", "yes", "yes"]
    x, y = [1, 2, 3, 3, 5, 7], [0, 1, 5, 6, 6, 9]
    effect = m.linear_effect("X", "Y", {"Z": z, "X": x, "Y": y})

    assert effect.value == (Fraction(21, 3) - Fraction(6, 3)) / (Fraction(15, 3) - Fraction(6, 3))
    assert code(lambda: m.linear_effect("X", "Y", {"Z": z, "X": [4] * 6, "Y": y})) == "G008"


# ---- finite variables beside real ones -------------------------------------------------------------------------------


def normal(x: Any, mean: Any, sd: float) -> Any:
    return np.exp(-(((x - mean) / sd) ** 2) / 2) / (sd * math.sqrt(2 * math.pi))


X, Y = np.meshgrid(np.linspace(-12, 14, 1301), np.linspace(-16, 16, 1601), indexing="ij")
CELL = (X[1, 0] - X[0, 0]) * (Y[0, 1] - Y[0, 0])
NO = 2 / 3 * normal(X, 0, 1) * normal(Y, X, 1)
YES = 1 / 3 * normal(X, 2, 0.5) * normal(Y, 1 - X, 2)


def test_mixtures_against_numeric_integration() -> None:
    m = model(MIXED)
    both = NO + YES
    near = np.isclose(Y, 1.5)
    assert math.isclose(m.query("P(S = yes | Y = 1.5)"), YES[near].sum() / both[near].sum(), rel_tol=1e-6)
    assert math.isclose(m.query("E(X | Y = 1.5)"), (X * both)[near].sum() / both[near].sum(), rel_tol=1e-6)
    up = both * (Y > 0)  # the grid has 0 itself: half of that cell is above
    up = up + both * np.isclose(Y, 0) / 2
    assert math.isclose(m.query("P(Y > 0)"), up.sum() * CELL, rel_tol=1e-5)
    assert math.isclose(m.query("E(X | Y > 0)"), (X * up).sum() / up.sum(), rel_tol=1e-5)
    assert math.isclose(m.query("P(S = yes | Y > 0)"), (YES / both * up).sum() / up.sum(), rel_tol=1e-4)
    assert math.isclose(float(m.query("E(Y)")), (Y * both).sum() * CELL, abs_tol=1e-6)


def test_probabilities_of_several_intervals() -> None:
    m = model(MIXED)
    half = (1 - np.isclose(Y, 0) / 2) * (1 - np.isclose(X, 1) / 2)
    box = (NO + YES) * (Y >= 0) * (X <= 1) * half
    assert math.isclose(m.query("P(Y > 0, X < 1)"), box.sum() * CELL, rel_tol=1e-4)
    given_ = (NO + YES) * (X <= 1) * (1 - np.isclose(X, 1) / 2)
    assert math.isclose(m.query("P(Y > 0 | X < 1)"), box.sum() / given_.sum(), rel_tol=1e-4)


def test_answers_are_distributions() -> None:
    m = model(MIXED)
    found = m.query("P(Y | do(S := yes))")
    assert isinstance(found, Mixture)
    assert (found.mean, found.covariance) == (-1, Fraction(17, 4))
    assert math.isclose(found.cdf(found.quantile(0.3)), 0.3)
    mixed = m.query("P(Y)")
    assert len(mixed.components) == 2
    assert mixed.covariance == Fraction(2, 3) * 2 + Fraction(1, 3) * (Fraction(17, 4) + 1) - Fraction(1, 9)
    assert math.isclose(mixed.density(0.5), (NO + YES)[np.isclose(Y, 0.5)].sum() * (X[1, 0] - X[0, 0]), rel_tol=1e-6)
    assert math.isclose(mixed.cdf(mixed.quantile(0.9)), 0.9)
    rows = mixed.sample(20_000, seed=5)
    assert abs(rows.mean() - float(mixed.mean)) < 0.05
    assert (rows == mixed.sample(20_000, seed=5)).all()
    by_s = m.query("P(Y, S)")
    assert isinstance(by_s, Mixtures)
    assert by_s["yes"].mean == -1
    assert by_s.probabilities["yes"] == Fraction(1, 3)
    free = m.query("P(Y | do(S))")
    assert (free["yes"].mean, free["no"].mean) == (-1, 0)
    assert m.query("P(S)", semantics="gaussian")["yes"] == Fraction(1, 3)
    line = m.query("P(Z | do(Y))")
    assert isinstance(line, Linear)
    assert line(Y=3).mean == Fraction(3, 2)
    assert str(m.query("E(Z | do(Y))")) == "Z = 0.5 * Y"
    assert code(lambda: line(Q=1)) == "N002"


def test_monte_carlo() -> None:
    """The model simulated by hand."""
    rng = np.random.default_rng(3)
    n = 400_000
    s = rng.random(n) < 1 / 3
    x = np.where(s, rng.normal(2, 0.5, n), rng.normal(0, 1, n))
    y = np.where(s, rng.normal(1 - x, 2), rng.normal(x, 1))
    z = rng.normal(y / 2, 1)
    m = model(MIXED)
    joint = m.query("P(X, Y, Z)")
    assert np.allclose(np.cov(np.stack([x, y, z])), joint.covariance.astype(float), atol=0.05)
    keep = abs(z - 1) < 0.05
    assert abs(y[keep].mean() - m.query("E(Y | Z = 1)")) < 0.05
    assert abs((y[keep] > 0).mean() - m.query("P(Y > 0 | Z = 1)")) < 0.02
    assert abs(s[keep].mean() - m.query("P(S = yes | Z = 1)")) < 0.02
    assert abs(((z > 0) & s)[y > 1].mean() - m.query("P(Z > 0, S = yes | Y > 1)")) < 0.02


def test_sharp_relations() -> None:
    """A component that lies on what is seen has all the weight; what contradicts all of them is refused."""
    m = model(
        "var S : {no, yes} var X, Y : real box s : -> S = flip(1/4) box x : -> X = normal(0, 1)\n"
        "box y : S, X -> Y = fn (s, x) => if s then 2*x else normal(2*x, 1)"
    )
    assert m.query("P(S = yes | X = 1, Y = 2)") == 1
    assert m.query("P(S = yes | X = 1, Y = 3)") == 0
    assert m.query("P(S = yes | X = 1)") == Fraction(1, 4)
    assert m.query("P(Y = 2 | X = 1)") == Fraction(1, 4)
    assert m.query("P(Y = 2 | do(X := 1, S := yes))") == 1
    assert code(lambda: m.query("E(X | X = 1, Y = 3, S = yes)")) == "Q002"


def test_bounds_on_functions_of_each_other() -> None:
    """`Y = 3 - 2 X`: bounds on both are bounds on one."""
    m = model("var X, Y : real box x : -> X = normal(1, 2) box y : X -> Y = fn (x) => 3 - 2*x")
    both = m.query("P(X > 0, Y > -1)")
    assert both == m.query("P(0 < X < 2)")
    assert both == m.query("P(X > 0 | Y > -1)") * m.query("P(X < 2)")
    assert m.query("P(X > 2, Y > 0)") == 0


def test_components_that_become_equal_are_one() -> None:
    assert len(model(MIXED).query("P(Z | Y = 1)").components) == 1


def test_evidence_that_says_nothing_keeps_fractions() -> None:
    m = model(MIXED + "var W : real box w : -> W = normal(0, 1)")
    assert m.query("P(S = yes | W = 1)") == Fraction(1, 3)


# ---- surgery ---------------------------------------------------------------------------------------------------------


def test_surgeries() -> None:
    m = model(MIXED)
    assert m.query("E(Y | do(X := 1, S := no))") == 1
    assert m.query("E(Z | do(X -> Y := 4), S = no)") == 2
    assert m.query("E(X | do(X -> Y := 4), S = yes)") == 2
    assert m.query("E(Y | do(X ~ normal(5, 1)), S = no)") == 5
    assert m.query("E(Y | do(X ~ 7), S = no)") == 7
    assert m.query("E(Y | cut(S))") == Fraction(1, 2) * -1
    assert m.query("E(Z | do(X -> Y := 0))") == Fraction(1, 6)
    assert m.do(X="1").query("E(Y | S = no)") == 1
    assert m.open("X").query("E(Y | S = no, X = 3)") == 3
    assert str(m.open("X").query("E(Y | S = no)")) == "Y = X"


def test_a_cut_real_wire_matters_only_where_it_is_heard() -> None:
    m = model(MIXED)
    assert m.query("P(S = yes | cut(X))", semantics="gaussian") == Fraction(1, 3)
    assert code(lambda: m.query("E(Y | cut(X))")) == "G002"
    assert code(lambda: m.query("P(Y | cut(X -> Y))")) == "G002"


# ---- diagnostics -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("P(Y = 1)", "G003"),
        ("P(Y > 0 | do(X))", "G004"),
        ("E(Y | Z)", "G004"),
        ("E(Y | do(X)) + 1", "G004"),
        ("P(Y | do(X -> Y))", "G004"),
        ("P(Y) * 2", "G006"),
        ("P(Y | do(X), X > 1)", "G004"),
        ("P(Y | X > 0)", "G006"),
        ("P(Y, S = yes)", "G006"),
        ("E(Z | X > 0, Y > 0)", "G006"),
        ("P(S | Y = 1, Y = 2)", "Q002"),
    ],
)
def test_questions_without_an_answer(question: str, expected: str) -> None:
    assert code(lambda: model(MIXED).query(question, semantics="gaussian")) == expected


@pytest.mark.parametrize(
    ("box", "word"),
    [
        ("fn (x) => normal(x^2, 1)", "not linear"),
        ("fn (x) => normal(x, abs(x))", "depends on a real input"),
        ("fn (x) => if x > 0 then normal(1, 1) else normal(0, 1)", "chooses by a real input"),
        ("fn (x) => gamma(1, 1)", "not normal"),
    ],
)
def test_boxes_that_do_not_fit(box: str, word: str) -> None:
    m = model(f"var X, Y : real box x : -> X = normal(0, 1) box y : X -> Y = {box}")
    with pytest.raises(cw.QueryError) as caught:
        m.query("E(Y)", semantics="gaussian")
    assert caught.value.diagnostic.code == "G001"
    assert "`y`" in str(caught.value)
    assert word in str(caught.value)
    assert "pyro" in str(caught.value)


def test_parameters() -> None:
    m = model("param b var X, Y : real box x : -> X = normal(0, 1) box y : X -> Y = fn (x) => normal(b*x, 1)")
    assert code(lambda: m.query("E(Y | do(X := 1))", semantics="gaussian")) == "Q012"
    assert m.with_parameters(b="1/3").query("E(Y | do(X := 1))") == Fraction(1, 3)
    assert m.with_parameters(b=0.25).query("E(Y | do(X := 1))") == 0.25
    assert code(lambda: model("var Y : real box y : -> Y = normal(0, -1)").query("E(Y)")) in ("Q014", "T013", "T008")


def test_missing_numbers_and_limits() -> None:
    assert code(lambda: model("var Y : real box y : -> Y").query("E(Y)", semantics="gaussian")) == "Q001"
    names = [f"S{k}" for k in range(17)]
    text = "".join(f"var {n} : {{a, b}} box {n.lower()} : -> {n} = uniform()\n" for n in names)
    text += f"var Y : real box y : {', '.join(names)} -> Y\n"
    m = model(text)
    assert code(lambda: m.query(f"P({', '.join(names)} | do(Y := 1))", semantics="gaussian")) == "L003"


# ---- data ------------------------------------------------------------------------------------------------------------

ROWS = [
    ("no", 1.0, 2.0), ("no", 2.0, 3.5), ("no", 4.0, 7.0), ("no", 3.0, 6.5),
    ("yes", 0.0, 1.0), ("yes", 1.0, 0.0), ("yes", 2.5, 0.5), ("yes", 3.0, -1.0),
]  # fmt: skip


def fitted(folder: Path, rows: Sequence[tuple[Any, ...]] = ROWS, box: str = "S, X -> Y") -> cw.Model:
    lines = ["S,X,Y", *(",".join(map(str, r)) for r in rows)]
    (folder / "d.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = (
        'model m var S : {no, yes} var X, Y : real data d = csv("d.csv")\n'
        f"box s : -> S = fit(d) box x : S -> X = fit(d) box y : {box} = fit(d)"
    )
    return cw.parse(text, folder=folder).model


@pytest.mark.parametrize("case", ["no", "yes"])
def test_a_fit_is_least_squares_in_every_case(tmp_path: Path, case: str) -> None:
    m = fitted(tmp_path)
    x, y = np.array([r[1] for r in ROWS if r[0] == case]), np.array([r[2] for r in ROWS if r[0] == case])
    design = np.stack([x, np.ones(len(x))], axis=1)
    (slope, offset), residual, *_ = np.linalg.lstsq(design, y, rcond=None)
    found = m.query(f"P(Y | do(X), S = {case})")

    assert math.isclose(float(found.slope("Y", "X")), slope)
    assert math.isclose(float(found.kernel.offset[0]), offset)
    assert math.isclose(float(found.kernel.covariance[0, 0]), residual[0] / len(x))  # maximum likelihood: divisor n
    assert isinstance(found.kernel.offset[0], Fraction)
    assert m.query("P(S = yes)") == Fraction(1, 2)


def test_regressions_that_are_not_determined(tmp_path: Path) -> None:
    constant = [(s, 1.0, y) for s, _, y in ROWS]
    m = fitted(tmp_path, constant)
    with pytest.raises(cw.QueryError, match="never varies"):
        m.query("E(Y | S = no)")
    assert code(lambda: fitted(tmp_path, ROWS[:2] + ROWS[4:]).query("E(Y)")) == "G005"
    assert code(lambda: fitted(tmp_path, ROWS[:4]).query("E(Y)")) == "Q002"


def test_odd_cells(tmp_path: Path) -> None:
    gaps = [*ROWS, ("no", "", 3.0), ("yes", "nan", 2.0)]
    m = fitted(tmp_path, gaps)
    assert m.query("E(X | S = no)") == Fraction(5, 2)
    assert "2 of 10 rows" in m.warnings[0].message
    assert code(lambda: fitted(tmp_path, [*ROWS, ("no", "much", 1.0)]).query("E(X)")) == "F003"
    assert fitted(tmp_path, [*ROWS, ("no", "1e1", 2)]).query("E(X | S = no)") == 4


def back_door(rows: int, seed: int) -> tuple[cw.Model, dict[str, Any]]:
    m = model("var Z, X, Y : real box z : -> Z box x : Z -> X box y : Z, X -> Y")
    rng = np.random.default_rng(seed)
    z = rng.normal(1, 2, rows)
    x = rng.normal(2 * z, 1)
    y = rng.normal(0.5 * x - z + 3, 1)
    return m, {"Z": z, "X": x, "Y": y}


def test_back_door_is_a_regression() -> None:
    m, data = back_door(300, 1)
    design = np.stack([data["X"], data["Z"], np.ones(300)], axis=1)
    slope, other, offset = np.linalg.lstsq(design, data["Y"], rcond=None)[0]
    question = "E(Y | do(X := 1)) - E(Y | do(X := 0))"
    found = m.estimate(question, data, bootstrap=100, seed=2)

    assert math.isclose(float(found.distribution[()]), slope, rel_tol=1e-9)
    assert found.seen is not None
    assert math.isclose(float(found.seen[()]), np.polyfit(data["X"], data["Y"], 1)[0], rel_tol=1e-9)
    assert found.interval is not None
    assert found.interval.low[()] < slope < found.interval.high[()]
    assert found.interval.high[()] - found.interval.low[()] < 0.5
    level = m.estimate("E(Y | do(X := 2))", data).distribution[()]
    assert math.isclose(float(level), 2 * slope + other * data["Z"].mean() + offset, rel_tol=1e-9)
    assert math.isclose(float(m.linear_effect("X", "Y", data).value), slope, rel_tol=1e-9)
    line = m.identify("P(Y | do(X))").evaluate(data)
    assert math.isclose(float(line.slope("Y", "X")), slope, rel_tol=1e-9)


def test_many_rows_are_done_in_floats() -> None:
    m, data = back_door(60_000, 4)
    found = m.estimate("E(Y | do(X := 1)) - E(Y | do(X := 0))", data).distribution
    assert not found.exact
    assert abs(found[()] - 0.5) < 0.02


def test_mixed_data() -> None:
    """A finite confounder of a finite treatment and a real outcome: the adjusted difference of means."""
    m = model("var Z, X : {no, yes} var Y : real box z : -> Z box x : Z -> X box y : Z, X -> Y")
    rows = [("no", "no", 1), ("no", "no", 2), ("no", "yes", 4), ("no", "yes", 3), ("yes", "no", 5), ("yes", "no", 9),
            ("yes", "yes", 8), ("yes", "yes", 9), ("yes", "yes", 10)]  # fmt: skip
    data = {n: [r[k] for r in rows] for k, n in enumerate("ZXY")}
    found = m.estimate("E(Y | do(X := yes)) - E(Y | do(X := no))", data).distribution[()]
    no, yes = Fraction(7, 2) - Fraction(3, 2), Fraction(9) - Fraction(7)
    assert found == Fraction(4, 9) * no + Fraction(5, 9) * yes
    by_x = m.estimate("E(Y | do(X))", data).distribution
    assert by_x["yes"] - by_x["no"] == found


def test_a_finite_variable_behind_a_real_one_is_refused() -> None:
    m = model("var X : real var S : {no, yes} box x : -> X box s : X -> S")
    assert code(lambda: m.estimate("P(S = yes | do(X := 1))", {"X": [1, 2, 3], "S": ["no", "yes", "no"]})) == "G006"


def test_conditionals_of_a_model_that_are_undetermined() -> None:
    """Where the mediator is a function of the treatment, the front door's regression is not determined."""
    m = model(FRONT.replace("normal(3*x - 1, 1/2)", "3*x - 1"))
    assert code(lambda: m.identify("P(Y | do(X := 1))", check=False).evaluate(m)) == "Q002"


# ---- the command line ------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "m.causal"
    path.write_text(MIXED, encoding="utf-8")
    return str(path)


def test_answers_on_the_command_line(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", file, "E(Y | do(X := 1), S = no)"]) == 0
    assert "  1  = 1" in capsys.readouterr().out
    assert main(["query", file, "P(X, Y | S = yes)"]) == 0
    shown = capsys.readouterr().out
    assert "mean" in shown
    assert "correlation  X, Y: -0.2425" in shown
    assert main(["query", file, "P(Y, S)", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cells"][1]["mean"] == [-1.0]
    assert main(["query", file, "P(Y = 1)"]) == 2
    assert "probability 0" in capsys.readouterr().err


def test_expectations_and_claims(tmp_path: Path) -> None:
    text = MIXED + (
        "query a: E(Y | do(X := 1)) expect 2/3\n"
        "query b: E(Y | do(X := 1)) expect 1\n"
        "claim c: E(Z | do(Y := 1)) == 1/2\n"
        "claim d: P(Y > 0 | do(X := 0), S = no) == 1/2\n"
        "check all"
    )
    program = cw.parse(text, folder=tmp_path)
    first, second, *verdicts = program.run()
    assert (first.met, second.met) == (True, False)  # type: ignore[union-attr]
    assert all(v.holds for v in verdicts)  # type: ignore[union-attr]
