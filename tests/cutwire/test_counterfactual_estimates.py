"""`estimate` of counterfactuals: exact counts, large samples, what is seen, and what is refused and between what."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path

import pytest

import cutwire as cw
from strings.diagnostic import CutwireError, QueryError
from tests.cutwire.command import cutwire
from tests.cutwire.test_counterfactual import FRONT

F = Fraction
BACK = """
model back
var Z, X, Y : {no, yes}
box z : -> Z
box x : Z -> X
box y : Z, X -> Y
data d(Z, X, Y) =
  | no, no, no  -> 30 | no, no, yes  -> 10 | no, yes, no  -> 4 | no, yes, yes  -> 16
  | yes, no, no -> 5  | yes, no, yes -> 15 | yes, yes, no -> 3 | yes, yes, yes -> 37
"""
ETT = "ETT(Y = yes, X := yes, no)"
UNTREATED = "P(Y[X := no] = yes | X = yes)"
# Of the 60 that are treated 20 are old and 40 young; without treatment 10 of 40 and 15 of 20 are well.
AT_HOME = F(20, 60) * F(10, 40) + F(40, 60) * F(15, 20)
NAPKIN = cw.Model.from_edges([("W", "R"), ("R", "X"), ("X", "Y")], [("W", "X"), ("W", "Y")], 2)


def refused(model: cw.Model, question: str, data: object) -> str:
    with pytest.raises(CutwireError) as wrong:
        model.estimate(question, data)
    return str(wrong.value)


def test_exact_counts() -> None:
    """By hand: the untreated mean of each group, weighed as the treated are."""
    model = cw.parse(BACK).model
    found = model.estimate(UNTREATED, "d")
    assert found.distribution[()] == AT_HOME == F(7, 12)
    assert str(found.formula) == "sum[z : Z] P(z | X = yes) * P(Y = yes | z, X = no)"
    effect = model.estimate(ETT, "d")
    assert effect.distribution[()] == F(53, 60) - AT_HOME
    assert effect.seen is not None
    assert effect.seen[()] == F(53, 60) - F(25, 60)
    assert effect.surgery
    assert not effect.naive


def test_as_evaluated() -> None:
    """An estimate is what the formula of `identify` gives on the same data, along the same axes."""
    model = cw.parse(FRONT).model
    rnd = random.Random(1)
    rows = [[rnd.randrange(2) for _ in range(3)] for _ in range(60)]
    data = dict(zip(("X", "M", "Y"), map(list, zip(*rows, strict=True)), strict=True))
    for question in ("P(Y[X := 0] = 1 | X = 1)", "P(Y[X := x] | X)", "E(Y[X := 0] | X = 1)", "P(Y[X -> M := x], X)"):
        one, other = model.estimate(question, data).distribution, model.identify(question).evaluate(data)
        assert one.variables == other.variables
        assert (one.array == other.array).all()
        assert one.exact


def test_large_samples() -> None:
    """From twenty thousand cases of a functional model: near the truth, which most intervals have."""
    model = cw.parse(FRONT).model
    names, joint = ("X", "M", "Y"), model.query("P(X, M, Y)")
    cells = list(joint.rows())
    rnd = random.Random(5)
    drawn = rnd.choices([at for at, _ in cells], [float(p) for _, p in cells], k=20_000)
    data = {n: [int(at[k]) for at in drawn] for k, n in enumerate(names)}
    for question in ("P(Y[X := 0] = 1 | X = 1)", "P(Y[X := 1] = 0, X = 0)", "ETT(Y = 1, X := 1, 0)"):
        truth = float(model.query(question))
        found = model.estimate(question, data, bootstrap=300, seed=2, level=0.99)
        assert float(found.distribution[()]) == pytest.approx(truth, abs=0.02)
        assert found.interval is not None
        assert float(found.interval.low[()]) <= truth <= float(found.interval.high[()])


def test_what_is_seen() -> None:
    """What was seen of the treatment gives way to what is set; a condition on others stays. Several worlds: nothing."""
    model = cw.parse(BACK).model
    asked = {
        UNTREATED: "P(Y = yes | X = no)",
        "P(Y[X := no] = yes | X = yes, Z = yes)": "P(Y = yes | Z = yes, X = no)",
        "P(Y[X := no] = yes)": "P(Y = yes | X = no)",
        "P(Y[X := no] = yes, X = no)": None,
        "E(D[X := no] | X = yes)": "E(D | X = no)",
    }
    dosed = cw.parse(BACK.replace("Y : {no, yes}", "Y : {no, yes}\nvar D : {0, 1}\nbox d : Z, X -> D")).model
    rows = [(z, x, y, d) for z in ("no", "yes") for x in ("no", "yes") for y in ("no", "yes") for d in (0, 1)]
    data = dict(zip("ZXYD", map(list, zip(*[r for k, r in enumerate(rows * 2) if k % 5], strict=True)), strict=True))
    for question, seen in asked.items():
        found = dosed.estimate(question, data) if "D" in question else model.estimate(question, "d")
        if seen is None:
            assert found.seen is None
            continue
        assert str(found.seen_by) == seen
    free = model.estimate("P(Y[X := x] = yes | X)", "d")
    assert free.seen is not None
    assert free.seen["yes", "no"] == F(25, 60)  # at X = yes and x = no
    assert free.distribution["yes", "no"] == AT_HOME


def test_statements(tmp_path: Path) -> None:
    """In a file, on the command line, as JSON, with an expectation, a unit and an interval."""
    path = tmp_path / "back.causal"
    path.write_text(
        BACK + f"estimate treated: {ETT} from d bootstrap 200 seed 3\nestimate {UNTREATED} from d expect 7/12\n"
    )
    out = cutwire("run", str(path)).out
    assert "0.3  = 3/10" in out
    assert "by  sum[z : Z] P(z | X = yes) * P(Y = yes | z, X = no)" in out
    assert "as expected" in out
    assert "seen  0.466667" in out
    got = json.loads(cutwire("query", str(path), UNTREATED, "--from", "d", "--bootstrap", "100", "--json").out)
    assert (got["exact"], got["thin"]) == ("7/12", [])
    assert got["interval"]["low"] < 7 / 12 < got["interval"]["high"]


def test_thin_data_are_told() -> None:
    model = cw.parse(
        BACK.replace("no, no, yes  -> 10", "no, no, yes  -> 0").replace("no, no, no  -> 30", "no, no, no -> 2")
    ).model
    (thin,) = model.estimate(UNTREATED, "d").thin
    assert (thin.conditional, thin.place, thin.cases) == ("P(Y | Z, X)", (("Z", "no"), ("X", "no")), 2)
    empty = BACK.replace("no, no, yes  -> 10", "no, no, yes  -> 0").replace("no, no, no  -> 30", "no, no, no -> 0")
    assert "Q002" in refused(cw.parse(empty).model, UNTREATED, "d")


def test_refused_with_bounds() -> None:
    """Without hidden causes the data say between what it is: the bounds of Tian and Pearl (2000)."""
    model = cw.parse(BACK).model
    told = refused(model, "PNS(Y = yes, X := yes, no)", "d")
    assert "error[E001]" in told
    # In each group: at least the difference, at most the smaller of well with and ill without treatment.
    low = F(60, 120) * (F(4, 5) - F(1, 4)) + F(60, 120) * (F(37, 40) - F(3, 4))
    high = F(60, 120) * min(F(4, 5), F(3, 4)) + F(60, 120) * min(F(37, 40), F(1, 4))
    assert f"the data leave it between {float(low):.6g} and {float(high):.6g}" in told
    assert "the data leave it" not in refused(model, "P(Y[X := no], Y[X := yes])", "d")


def test_refused_without_bounds() -> None:
    """A hidden cause: the tables of what is observed are not those of the boxes."""
    bow = cw.Model.from_edges([("X", "Y")], [("X", "Y")], 2)
    told = refused(bow, "P(Y[X := 0] = 1 | X = 1)", {"X": [0, 1], "Y": [0, 1]})
    assert "error[E001]" in told
    assert "the data leave it" not in told
    beside = cw.Model.from_edges([("X", "Y"), ("A", "B")], [("A", "B")], 2)  # it is not in the way
    data = {"X": [0, 0, 1, 1], "Y": [0, 1, 0, 1], "A": [0] * 4, "B": [0] * 4}
    assert "the data leave it between 0 and 0.5" in refused(beside, "PNS(Y = 1, X := 1, 0)", data)
    never = {"X": [0, 0], "Y": [0, 1], "A": [0] * 2, "B": [0] * 2}
    assert "the data leave it" not in refused(beside, "PNS(Y = 1, X := 1, 0)", never)


def test_declared_values_are_enough() -> None:
    """With a treatment of two values the napkin tells the effect on the treated: all but what happens to the others."""
    rnd = random.Random(2)
    rows = []
    for _ in range(4000):
        u, v = rnd.random() < 0.5, rnd.random() < 0.4
        w = rnd.random() < 0.2 + 0.3 * u + 0.3 * v
        r = rnd.random() < (0.8 if w else 0.3)
        x = rnd.random() < 0.1 + 0.5 * r + 0.3 * u
        rows.append([int(k) for k in (w, r, x, rnd.random() < 0.1 + 0.4 * x + 0.4 * v)])
    data = dict(zip("WRXY", map(list, zip(*rows, strict=True)), strict=True))
    question = "P(Y[X := 0] = 1 | X = 1)"
    r = NAPKIN.identify(question)
    assert not r.identifiable
    assert "any value of R gives the same" in r.note
    found = NAPKIN.estimate(question, data)
    done = NAPKIN.estimate("P(Y = 1 | do(X := 0))", data).distribution[()]
    both, treated = (NAPKIN.estimate(q, data).distribution[()] for q in ("P(X = 0, Y = 1)", "P(X = 1)"))
    assert found.distribution[()] == (done - both) / treated
    assert str(found.formula) in r.note


def test_one_diagram_has_no_several_worlds() -> None:
    found = cw.parse(BACK).model.estimate(UNTREATED, "d")
    with pytest.raises(QueryError, match="E004"):
        _ = found.estimand
    assert len(found.found.parts) == 2  # type: ignore[union-attr]


def test_real_variables_are_refused() -> None:
    real = "model m\nvar X, Y : real\nbox x : -> X\nbox y : X -> Y\n"
    assert "W004" in refused(cw.parse(real).model, "E(Y[X := 1] | X = 0)", {"X": [0.0, 1.5, 2.0], "Y": [1.0, 2.0, 2.5]})
