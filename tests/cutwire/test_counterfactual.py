"""`model.identify(…)` and `cutwire identify` of several worlds: formulas, numbers, notes, and models that refute."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire.counterfactual import CounterfactualIdentification
from strings.diagnostic import CutwireError, QueryError, ZeroProbabilityError
from tests.cutwire.command import cutwire

F = Fraction
BOW = cw.Model.from_edges([("X", "Y")], [("X", "Y")], 2)
BACK = cw.Model.from_edges([("Z", "X"), ("Z", "Y"), ("X", "Y")], [], 2)
ETT = "P(Y[X := 0] = 1 | X = 1)"

FRONT = """
model front
var X, M, Y : {0, 1}
latent U : {0, 1, 2}
latent E : {0, 1, 2}
box u : -> U = [1/2, 1/3, 1/6]
box e : -> E = [2/3, 1/6, 1/6]
box x : U -> X = fn (u) => if u == 1 then 1 else 0
box m : X, E -> M = | _, 0 -> [1, 0] | 0, 1 -> [0, 1] | 1, 1 -> [1, 0] | _, 2 -> [0, 1]
box y : M, U -> Y = | 0, 0 -> [0, 1] | 1, 0 -> [1, 0] | _, 1 -> [1, 0] | 0, 2 -> [1, 0] | 1, 2 -> [0, 1]
"""


def told(model: cw.Model, question: str, given: str | None = None) -> CounterfactualIdentification:
    found = model.identify(question, given)
    assert isinstance(found, CounterfactualIdentification)
    return found


@pytest.mark.parametrize(
    "question",
    [
        "P(Y[X := 0] = 1 | X = 0)",
        "P(Y[X := x] | X)",
        "P(Y[X := x], X)",
        "P(M[X := 1], X)",
        "P(Y[M := 1] = 1, X)",
        "P(Y[X := 0] in {0, 1}, X = 1)",
        "P(Y[M := M[X := x]] = 1 | X = 1)",
        "E(Y[X := x] | X = 0)",
        "P(Y[X -> M := 1] = 1 | X = 0)",
        "P(Y[X -> M := x], X)",
        "P(Y[X := 0, X -> M := 1] = 1, X = 1)",
    ],
)
def test_formula_is_the_multiverse(question: str) -> None:
    """From experiments and from data, in floats and fractions, the formula gives what the question itself gives."""
    model = cw.parse(FRONT).model
    truth = model.query(question, semantics="exact")
    seen = model.query("P(X, M, Y)", semantics="exact")
    for source, data in ((None, model), ("experiments", model), (None, seen)):
        got = told(model, question, source).evaluate(data, semantics="exact")
        assert got == truth if isinstance(truth, cw.Distribution) else got.array[()] == truth
    floats = told(model, question).evaluate(model)
    assert not floats.exact


def test_data_frames() -> None:
    """Columns of data, values found in them."""
    columns = {"Z": [0, 0, 0, 0, 1, 1, 1, 1], "X": [0, 0, 1, 1, 0, 1, 1, 1], "Y": [0, 1, 1, 1, 1, 0, 0, 1]}
    found = told(BACK, ETT)
    assert found.formula == "sum[z : Z] P(z | X = 1) * P(Y = 1 | z, X = 0)"
    # Of those with X = 1 two fifths have Z = 0, where half of the others have Y = 1.
    assert found.evaluate(columns).array[()] == F(2, 5) * F(1, 2) + F(3, 5)
    bare = cw.Model.from_edges([("Z", "X"), ("Z", "Y"), ("X", "Y")])
    every = told(bare, "P(Y[X := x] | X)").evaluate(columns)
    assert every.variables == ("Y", "X", "x")
    assert every["1", "1", "0"] == F(4, 5)
    with pytest.raises(QueryError, match="E005"):
        told(BACK, ETT, "experiments").evaluate(columns)


def test_undetermined() -> None:
    """What never occurs in the data is told, not made up."""
    found = told(BACK, ETT)
    columns = {"Z": [0, 0, 1], "X": [0, 1, 1], "Y": [0, 1, 1]}  # X = 0 never occurs with Z = 1
    with pytest.raises(ZeroProbabilityError, match="Q002"):
        found.evaluate(columns)
    with pytest.raises(ZeroProbabilityError, match="Q002"):
        BACK.identify("P(Y[X := 0] | X = 1, X = 0)")


def test_note_tells_of_few_values() -> None:
    """The verdict is for all numbers of values; the note says what follows for two, and the witness has a third."""
    two, three = told(BOW, ETT, "experiments"), told(_bow(3), ETT, "experiments")
    assert not two.identifiable
    assert not three.identifiable
    assert "with the 2 values of X that are declared it does: (P(Y = 1 | do(X := 0)) - P(X = 0, Y = 1)) / P(X = 1)" in (
        two.note
    )
    assert "declared" not in three.note
    for r in (two, three):
        assert r.witness is not None
        assert r.check()
        one, other = r.witness
        assert one.shape.object("X").values == ("0", "1", "2")
        answers = [cw.Model(m.definition).query(ETT, semantics="exact") for m in (one, other)]
        assert answers[0] != answers[1]
        for experiment in ("P(X, Y)", "P(Y | do(X))", "P(X | do(Y))"):
            assert len({str(cw.Model(m.definition).query(experiment, semantics="exact")) for m in (one, other)}) == 1


def _bow(values: int) -> cw.Model:
    return cw.Model.from_edges([("X", "Y")], [("X", "Y")], values)


def test_refusals_name_what_is_in_the_way() -> None:
    """The factor, the values; where a free value follows in some cases only, these; and what data cannot tell."""
    assert "`P(X = 1, Y[X := 0] = 1)` has X = 1 and X = 0" in told(BOW, ETT, "experiments").note
    free = told(BOW, "P(Y[X := x] | X = 1)", "experiments")
    assert "(where x is not 1); it follows where x = 1" in free.note
    seen = told(BOW, "P(Y[X := 0] = 1)")
    assert "it needs `P(Y = 1 | do(X := 0))`" in seen.note
    assert told(BOW, "P(Y[X := 0] = 1)", "P(Y | do(X))").formula == "P(Y = 1 | do(X := 0))"
    with pytest.raises(QueryError, match="E001"):
        seen.evaluate(BOW)


def test_cases() -> None:
    """Where a free value that is equal to another makes another formula, the note has it."""
    model = cw.parse(FRONT).model
    found = told(model, "P(Y[X := x] | X)")
    assert found.formula == "sum[m : M] P(Y | X, m) * P(m | x)"
    assert found.note == "where x = X it is P(Y | X)"


def test_everything_that_is_shown(tmp_path: Path) -> None:
    """The same in LaTeX, MathML, HTML, JSON, and as a picture of the worlds."""
    found = told(BACK, ETT)
    assert found.latex == r"\sum_{z} P(z \mid X = 1) \, P(Y = 1 \mid z, X = 0)"
    assert found.mathml is not None
    assert found.mathml.startswith("<math")
    assert "identifiable" in found._repr_html_()
    assert found._repr_latex_() == f"${found.latex}$"
    assert found.draw(tmp_path / "worlds.svg").startswith("<svg")
    assert repr(found).startswith("<P(Y[X := 0] = 1 | X = 1) is identifiable: sum")
    shown = found.to_dict()
    assert [s["rule"] for s in shown["steps"]] == ["ancestors", "factor", "ancestors", "factor", "consistency", "given"]
    assert shown["given"] == ["P(Z, X, Y)"]
    refused = told(BOW, ETT, "experiments")
    assert "not identifiable" in refused._repr_html_()
    assert refused.to_dict()["witness"]["differs_in"] == "U_X_Y"
    assert refused.to_dict(check=False)["witness"] is None


# ---- files and the command line --------------------------------------------------------------------------------------

SHAPE = """
model bow
var X, Y : {0, 1}
latent U : {0, 1}
box u : -> U
box x : U -> X
box y : X, U -> Y
"""


def test_command_line(tmp_path: Path) -> None:
    """A verdict, its steps, a refusal whose models run as they say, and JSON."""
    path = tmp_path / "bow.causal"
    path.write_text(SHAPE)
    shown = cutwire("identify", path, "P(Y[X := 1] = 1 | X = 1)", "--steps").out
    assert "=  P(Y = 1 | X = 1)" in shown
    assert "one for each district" in shown
    refused = cutwire("identify", path, ETT, "--given", "experiments").out
    assert "NOT identifiable from experiments" in refused
    models = "\n".join(line[4:] for line in refused.splitlines() if line.startswith("  | "))
    (tmp_path / "witness.causal").write_text(models)
    assert cutwire("run", tmp_path / "witness.causal").out.count("as expected") == 2
    parsed = cutwire("identify", path, ETT, "--given", "experiments", "--json").json
    assert parsed["identifiable"] is False
    assert parsed["given"] == ["experiments"]
    assert parsed["witness"]["values"][0] != parsed["witness"]["values"][1]


def test_files() -> None:
    """`from experiments` in statements and claims; only behind `from` the word is not a name."""
    text = (
        SHAPE
        + "identify ett: P(Y[X := 0] = 1 | X = 1) from experiments\n"
        + "identify effect: P(Y | do(X)) from experiments\n"
        + "claim no: not identifiable P(Y[X := 0] = 1 | X = 1) from experiments\n"
        + "claim yes: identifiable P(Y[X := 0] = 1) from experiments\ncheck no, yes\n"
    )
    ett, effect, no, yes = cw.parse(text).run()
    assert [getattr(i, "identifiable", None) for i in (ett, effect)] == [False, True]
    assert [getattr(i, "holds", None) for i in (no, yes)] == [True, True]
    named = cw.parse("model m\nvar experiments : {a, b}\nbox e : -> experiments = [1/2, 1/2]\nquery P(experiments = a)")
    assert named.model.query("P(experiments = a)") == 0.5


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("identify P(Y[X := 0] = 1) from experiment", "P018"),
        ("identify P(Y[X := 0] = 1) from Experiments", "P018"),
        ("identify P(Y[X := 0] = 1) from trials", "P022"),
        ("identify P(Y[X := 0] = 1) from experiments, P(X)", "P"),
    ],
)
def test_mistakes(statement: str, code: str) -> None:
    with pytest.raises(CutwireError) as refused:
        cw.parse(SHAPE + statement)
    assert refused.value.diagnostic.code.startswith(code)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("P(Y[X ~ [1/2, 1/2]] = 1)", "W007"),
        ("P(Y[cut(X)] = 1)", "W007"),
        ("P(U_X_Y[X := 0] = 1)", "E003"),
        ("P(Y[X := 0] = 1) - P(Y[X := 1] = 1)", "E004"),
    ],
)
def test_what_cannot_be_asked(question: str, code: str) -> None:
    with pytest.raises(QueryError) as refused:
        BOW.identify(question)
    assert refused.value.diagnostic.code == code


PATHS = cw.Model.from_edges([("X", "M"), ("X", "Y"), ("M", "Y")], domains=2)


def test_effects_along_some_paths() -> None:
    """What a wire is told is heard by its sink alone; a recanting district forbids it (Shpitser 2013)."""
    wire = told(PATHS, "P(Y[X := 0, X -> M := 1] = 1)")
    nested = told(PATHS, "P(Y[X := 0, M := M[X := 1]] = 1)")
    assert wire.formula == nested.formula == "sum[m : M] P(m | X = 1) * P(Y = 1 | X = 0, m)"
    hidden = cw.Model.from_edges([("X", "M"), ("X", "Y"), ("M", "Y")], [("M", "Y")], 2)
    refused = told(hidden, "P(Y[X := 0, X -> M := 1] = 1)", "experiments")
    assert not refused.identifiable
    one, other = refused.witness or (None, None)
    assert one is not None
    assert other is not None
    question = "P(Y[X := 0, X -> M := 1] = 1)"
    assert one.query(question, semantics="exact") != other.query(question, semantics="exact")


def test_a_wire_is_not_all_that_is_heard() -> None:
    """Where the sink hears the source by way of hidden variables, too, telling the wire is not decided."""
    text = """
        model detour  var X, Y : {0, 1}  latent L : {0, 1}
        box x : -> X  box l : X -> L  box y : X, L -> Y
    """
    with pytest.raises(QueryError, match="W007"):
        cw.parse(text).model.identify("P(Y[X -> Y := 0] = 1 | X = 1)")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_random_paths(seed: int) -> None:
    """Formulas are checked against the multiverse before they are given out; this asks many."""
    rnd = random.Random(seed)
    names = [f"V{k}" for k in range(rnd.randint(3, 4))]
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    edges = [p for p in pairs if rnd.random() < 0.6] or pairs[:1]
    model = cw.Model.from_edges(edges, [p for p in pairs if rnd.random() < 0.2], 2, names)
    a, b = rnd.choice(edges)
    other = rnd.choice([n for n in names if n != b])
    seen = rnd.choice(names)
    question = f"P({rnd.choice(names)}[{a} -> {b} := 1, {other} := 0] = 1 | {seen} = {rnd.choice('01')})"
    try:
        found = told(model, question, rnd.choice(["experiments", None]))
    except ZeroProbabilityError:
        return
    assert not found.identifiable or found.check()


def test_real_variables() -> None:
    """Numbers and intervals of several worlds have finite stand-ins, unless one could lie in the other."""
    model = cw.parse("var X, M, Y : real  box x : -> X  box m : X -> M  box y : X, M -> Y").model
    assert told(model, "P(Y[X := 1] > 0 | X = 2)").formula == "P(Y > 0 | X = 1)"
    mean = "sum[m : M] P(m | X = 2.5) * E(Y | X = 1, m)"
    assert told(model, "E(Y[X := 1, M := M[X := 2.5]])").formula == mean
    for question in ("P(Y[X := 1] > 0 | Y = 1)", "P(Y[X := 1] = 1 | X > 0)", "P(Y > 0 | X[Y := 1] > 0)"):
        with pytest.raises(QueryError, match="E007"):
            model.identify(question)
