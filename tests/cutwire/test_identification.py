"""`model.identify(…)` and `cutwire identify`: formula, diagram, derivation, numbers; or two models that refute."""

from __future__ import annotations

import json
import random
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cutwire as cw
from semantics.distribution import Distribution
from semantics.kernel import Kernel
from strings.diagnostic import CutwireError, QueryError, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do, Open
from tests.cutwire.command import EXAMPLES, cutwire, outputs
from tests.observed import (
    array_of,
    factors_of,
    given_joints,
    look_up,
    observed_joint,
    positive_tables,
    random_shape,
    shape,
    trial,
)
from tests.semantics.brute import brute_answer

F = Fraction
FRONT = cw.Model.from_edges([("S", "T"), ("T", "C")], [("S", "C")], 2)
BOW = cw.Model.from_edges([("X", "Y")], [("X", "Y")], 2)
NAPKIN = cw.Model.from_edges([("W", "R"), ("R", "X"), ("X", "Y")], [("W", "X"), ("W", "Y")], 2)
GID = cw.Model.from_edges([("X1", "W"), ("W", "Y"), ("X2", "Y")], [("X1", "W"), ("X1", "X2"), ("X2", "Y")], 2)
SMOKING = """
model smoking
var S, T, C : {no, yes}
latent H : {low, high}
box h : -> H = [2/3, 1/3]
box s : H -> S = | low -> [1/4, 3/4] | high -> [1/2, 1/2]
box t : S -> T = | no -> [9/10, 1/10] | yes -> [1/5, 4/5]
box c : T, H -> C = noisy_or(T = 1/2, H = 1/3, leak = 1/10)
"""


def numbers(model: CausalModel, seed: int) -> tuple[dict[str, Kernel], Distribution]:
    """Random numbers for a model, and the joint of what is observed."""
    tables = positive_tables(model, random.Random(seed))
    return tables, observed_joint(model, tables)


def with_numbers(model: CausalModel, tables: Mapping[str, Kernel]) -> cw.Model:
    return cw.Model.with_numbers(model, tables, "numbers")


# ---- yes -------------------------------------------------------------------------------------------------------------


def test_what_an_answer_has() -> None:
    """Verdict, formula, LaTeX, diagram, derivation, criteria; no witness."""
    r = FRONT.identify("P(C | do(S))")

    assert r.identifiable
    assert r.formula == "sum[t : T] P(t | S) * sum[s' : S] P(C | s', t) * P(s')"
    assert r.latex == r"\sum_{t} P(t \mid S) \, \sum_{s'} P(C \mid s', t) \, P(s')"
    assert r.estimand is not None
    assert [x.name for x in r.estimand.dom] == ["S"]
    assert [x.name for x in r.estimand.cod] == ["C"]
    assert [s.rule for s in r.steps][:2] == ["discard", "factor"]
    assert any("front door" in str(c) for c in r.criteria)
    assert (r.hedge, r.witness, r.witness_file, r.note) == (None, None, "", "")
    assert [str(g) for g in r.given] == ["P(S, T, C)"]
    assert r.check()
    assert "identifiable" in repr(r)
    assert r._repr_latex_() == f"${r.latex}$"


def test_free_names_are_told() -> None:
    """The napkin's formula has a name that stands for any value of R."""
    r = NAPKIN.identify("P(Y | do(X))")

    assert r.identifiable
    assert r.note == "any value of R gives the same"
    assert r.formula == "(sum[w : W] P(X, Y | w, r) * P(w)) / sum[w : W] P(X | w, r) * P(w)"


def test_what_is_seen_is_named_so() -> None:
    """A question without surgery is its own formula."""
    r = FRONT.identify("P(C | S, T)")

    assert (r.identifiable, r.formula, r.criteria, r.steps) == (True, "P(C | S, T)", (), ())


@pytest.mark.parametrize(("model", "question"), [(NAPKIN, "P(Y | do(X))"), (BOW, "P(Y | do(X))")])
def test_derivations_and_refusals_are_drawn(model: cw.Model, question: str, tmp_path: Path) -> None:
    """`draw` gives a picture of why, and writes it in every format; a notebook shows the same."""
    r = model.identify(question)
    text = r.draw(tmp_path / "why.svg")
    for ending, start in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert r.draw(str(tmp_path / f"why.{ending}")) == text
        assert (tmp_path / f"why.{ending}").read_bytes().startswith(start)

    assert text == (tmp_path / "why.svg").read_text(encoding="utf-8") == r.draw()
    words = "".join(ET.fromstring(text).itertext())
    assert all(step.text in words for step in r.steps)
    assert r.note in words or r.identifiable
    with pytest.raises(cw.CutwireError, match="V001"):
        r.draw(tmp_path / "why.txt")
    assert r.estimand is None or "Q(Y | X; R)" in r.estimand.draw(tmp_path / "estimand.svg")


def html_of(shown: object) -> ET.Element:
    """What a notebook shows: it is XML, too."""
    return ET.fromstring(shown._repr_html_())  # type: ignore[attr-defined]


def test_notebooks_show_answers() -> None:
    """Verdict, formula in MathML, criteria, steps, the film."""
    r = FRONT.identify("P(C | do(S))")
    root = html_of(r)
    text = "".join(root.itertext())

    assert "P(C | do(S)) identifiable" in text
    assert r.mathml is not None
    assert r.mathml in r._repr_html_()
    assert all(f"{s.text} [{s.law}]" in text for s in r.steps)
    assert all(str(c) in text for c in r.criteria)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}svg"))) == 1


def test_notebooks_show_refusals() -> None:
    """The hedge, and the two models once they have been found."""
    r = BOW.identify("P(Y | do(X))", check=False)
    assert "{X, Y} and {Y} form a hedge" in "".join(html_of(r).itertext())
    assert not r.refuted
    assert (r.mathml, r._repr_latex_()) == (None, None)
    assert r.witness is not None
    assert r.refuted
    assert [e.text for e in html_of(r).iter("pre")] == [r.witness_file.rstrip("\n")]


def test_notebooks_show_verdicts() -> None:
    """A claim that holds, and one that falls with its counterexample."""
    good = FRONT.check("P(C | do(S := s)) == sum[t : T] P(t | s) * sum[s' : S] P(C | s', t) * P(s')")
    bad = BOW.check("P(Y | do(X := x)) == P(Y | X = x)")
    shown = html_of(bad)

    assert "holds" in "".join(html_of(good).itertext())
    assert [bad.failure] == [p.text for p in shown.iter("p")][1:]
    assert [e.text for e in shown.iter("pre")] == [bad.file.rstrip("\n")]
    assert len(list(shown.iter("{http://www.w3.org/1998/Math/MathML}math"))) == 1


def test_names_are_never_markup_in_notebooks() -> None:
    """Names and values of a file that somebody else wrote come out as text."""
    x, y = "<script>alert(1)</script>", "<i>y</i> & z"
    r = cw.Model.from_edges([(x, y)], domains={x: ["<b>", "c"], y: 2}).identify(f'P("{y}" | do("{x}" := "<b>"))')
    root = html_of(r)

    assert not {"script", "i"} & {e.tag.rpartition("}")[2] for e in root.iter()}
    assert [e.text for e in root.iter("b")] == [str(r.query)]


def test_models_without_values() -> None:
    """No values declared: the verdict is for all numbers of values, the formula has no numbers."""
    model = cw.Model.from_edges([("S", "T"), ("T", "C")], [("S", "C")])

    assert model.identify("P(C | do(S))").formula == FRONT.identify("P(C | do(S))").formula
    assert not cw.Model.from_edges([("X", "Y")], [("X", "Y")]).identify("P(Y | do(X))").identifiable


def test_experiments_as_text() -> None:
    """`given`: one distribution, several, or all experiments."""
    both = ["P(W, X2, Y | do(X1))", "P(W, X1, Y | do(X2))"]

    assert not GID.identify("P(Y | do(X1, X2))").identifiable
    assert not GID.identify("P(Y | do(X1, X2))", given=both[0]).identifiable
    assert GID.identify("P(Y | do(X1, X2))", given=both).formula == "sum[w : W] P(Y | do(X2), w) * P(w | do(X1))"
    assert BOW.identify("P(Y | do(X))", given="experiments").identifiable
    assert not FRONT.identify("P(C | do(S))", given="P(S, C)").identifiable


@pytest.mark.parametrize(
    "given", ["P(X | Y)", "P(X = 1, Y)", "P(Y | do(X := 1))", "E(Y)", "P(X, Y) + P(X)", "P(Y | cut(X))"]
)
def test_what_cannot_be_given(given: str) -> None:
    """Given are joints of variables, seen or after an experiment on all values."""
    with pytest.raises(CutwireError) as refused:
        BOW.identify("P(Y | do(X))", given=given)

    assert refused.value.diagnostics[0].code in ("I002", "E004")


@pytest.mark.parametrize(
    ("question", "given", "code"),
    [
        ("P(Y | do(X -> Y := 1))", None, "E002"),
        ("P(U_X_Y | do(X))", None, "E003"),
        ("P(Y | do(U_X_Y))", None, "E003"),
        ("P(Y | do(Q))", None, "N004"),
        ("P(Y | do(X)) + P(Y)", None, "E004"),
        ("P(Y | do(X := 0), X = 1)", None, "Q002"),
        ("P(Y | do(X), Y = 1, Y = 0)", None, "Q002"),
        ("P(Y | do(X))", "P(X, U_X_Y)", "E003"),
    ],
)
def test_what_cannot_be_asked(question: str, given: str | None, code: str) -> None:
    """Single wires, latent and unknown variables, arithmetic, and conditions that cannot be."""
    with pytest.raises(CutwireError) as refused:
        BOW.identify(question, given=given)

    assert refused.value.diagnostics[0].code == code


def test_what_nobody_speaks_of() -> None:
    """An effect of X where only Y is given, or on Y where only X is: it does not follow, and there is a witness."""
    for given in ("P(Y)", "P(X)"):
        r = BOW.identify("P(Y | do(X))", given=given)
        assert not r.identifiable
        assert r.witness is not None
        assert all(item.met for item in cw.parse(r.witness_file).run())


def test_events_that_are_certain_say_nothing() -> None:
    """`Y in {0, 1}` where these are all values: left out, on both sides of the bar."""
    beside = cw.Model(replace(BOW.definition, model=shape("X->Y", "X-Y", "X Y Z")))
    r = beside.identify("P(Z, Y in {0, 1} | do(X))")
    assert str(r.query) == "P(Z | do(X))"
    assert r.identifiable
    sure = BOW.identify("P(Y in {0, 1} | do(X))", given="P(X)")
    assert sure.formula == "1"
    assert sure.check()
    assert sure.evaluate(Distribution(("X",), [F(1, 4), F(3, 4)])).array.tolist() == [1, 1]


def test_conditions_on_several_values_that_tell_nothing() -> None:
    """Nobody tells of V0, and it need not be known: once V2 is set, V3 hears of nothing else."""
    r = FRONT.identify("P(C | do(T), S in {0, 1})", given="P(C | do(T))")
    assert r.formula == "P(C | do(T))"
    model = cw.Model(replace(FRONT.definition, model=shape("V0->V1 V1->V2 V2->V3", "V0-V2 V0-V1", domains=3)))
    r = model.identify("P(V3 | do(V2), V0 in {0, 1})", given="P(V2, V3 | do(V1, V0))")
    assert r.identifiable
    assert r.check()
    assert r.steps[0].rule == "forget"


# ---- numbers ---------------------------------------------------------------------------------------------------------

QUESTIONS = {
    "P(C | do(S))": Query((Term("C"),), (), (Open("S"),)),
    "P(C = 1 | do(S := 0))": Query((Term("C", ("1",)),), (), (Do("S", "0"),)),
    "P(C | do(S), T)": Query((Term("C"),), (Term("T"),), (Open("S"),)),
    "P(T, C | do(S := 1))": Query((Term("T"), Term("C")), (), (Do("S", "1"),)),
    "P(C | cut(S))": None,
}


@pytest.mark.parametrize("question", [q for q, known in QUESTIONS.items() if known is not None])
def test_evaluated_on_anything(question: str) -> None:
    """A distribution, an array, a model, columns, a frame: the value is the effect in the latent model."""
    tables, joint = numbers(FRONT.shape, 1)
    query = QUESTIONS[question]
    assert query is not None
    truth = brute_answer(FRONT.shape, tables, query)
    assert truth is not None
    r = FRONT.identify(question)
    counts = [F(p) for p in joint.array.flat]
    scale = int(np.lcm.reduce([p.denominator for p in counts]))
    rows = [labels for labels, _ in joint.rows()]
    cells = [row for row, p in zip(rows, counts, strict=True) for _ in range(int(p * scale))]
    data: dict[str, object] = {
        "distribution": joint,
        "array": joint.array,
        "model": with_numbers(FRONT.shape, tables),
        "floats": joint.as_float(),
    }
    if len(cells) < 200_000:
        columns = {n: [c[k] for c in cells] for k, n in enumerate(joint.variables)}
        data |= {"columns": columns, "frame": pd.DataFrame(columns)}
    for name, known in data.items():
        found = r.evaluate(known, semantics="exact" if name == "model" else None)
        assert set(found.variables) == set(truth.variables)
        order = [found.variables.index(n) for n in truth.variables]
        array = np.transpose(found.array, order)
        if name == "floats":
            assert np.allclose(array, truth.array.astype(float))
        else:
            assert (array == truth.array).all(), name


@pytest.mark.parametrize("question", [q for q, known in QUESTIONS.items() if known is not None])
def test_axes_are_those_of_the_question(question: str) -> None:
    """An evaluated answer has the axes of a query, in the same order, so that one can be compared with the other."""
    tables, joint = numbers(FRONT.shape, 2)
    asked = with_numbers(FRONT.shape, tables).query(question, semantics="exact")
    found = FRONT.identify(question).evaluate(joint)

    if isinstance(asked, Fraction):
        assert found.array[()] == asked
    else:
        assert found == asked


def test_evaluated_on_experiments() -> None:
    """Several data sets, one for each given distribution, in that order."""
    given = ["P(W, X2, Y | do(X1))", "P(W, X1, Y | do(X2))"]
    tables, _ = numbers(GID.shape, 3)
    r = GID.identify("P(Y | do(X1, X2))", given=given)
    joints = given_joints(GID.shape, factors_of(GID.shape, tables), r.given)
    data = [trial(GID.shape, g, j) for g, j in zip(r.given, joints, strict=True)]
    truth = brute_answer(GID.shape, tables, r.query)
    assert truth is not None
    found = r.evaluate(data)
    order = [found.variables.index(n) for n in truth.variables]

    assert (np.transpose(found.array, order) == truth.array).all()
    assert r.evaluate(with_numbers(GID.shape, tables), semantics="exact") == found
    with pytest.raises(QueryError, match="E005"):
        r.evaluate(data[:1])


def test_values_are_matched_by_name() -> None:
    """Data that list values in another order are put right, data with other values are refused."""
    _, joint = numbers(FRONT.shape, 4)
    r = FRONT.identify("P(C = 1 | do(S := 1))")
    wanted = r.evaluate(joint).array[()]
    turned = Distribution(joint.variables, joint.array[..., ::-1], (*joint.values[:2], joint.values[2][::-1]))
    moved = Distribution(
        ("C", "S", "T"), np.transpose(joint.array, (2, 0, 1)), (joint.values[2], joint.values[0], joint.values[1])
    )

    assert r.evaluate(turned).array[()] == wanted
    assert r.evaluate(moved).array[()] == wanted
    with pytest.raises(CutwireError):
        r.evaluate(Distribution(joint.variables, joint.array, (*joint.values[:2], ("no", "yes"))))


def test_values_from_the_data() -> None:
    """Where the model declares no values, the data do."""
    model = cw.Model.from_edges([("Z", "X"), ("Z", "Y"), ("X", "Y")])
    rows = [("a", "u", "lo"), ("a", "v", "hi"), ("b", "u", "hi"), ("b", "v", "hi"), ("a", "u", "lo"), ("b", "v", "mid")]
    frame = pd.DataFrame(rows, columns=["Z", "X", "Y"])
    found = model.identify("P(Y | do(X))").evaluate(frame)
    assert sorted(found.labels("Y")) == ["hi", "lo", "mid"]
    at = {n: found.labels(n) for n in found.variables}
    total = {
        x: sum(found.array[tuple(at[n].index({"X": x, "Y": y}[n]) for n in found.variables)] for y in at["Y"])
        for x in at["X"]
    }
    assert set(total.values()) == {1}


def test_cells_that_never_occur() -> None:
    """Q002 where the answer needs what was never seen, an answer where it does not."""
    model = cw.Model.from_edges([("X", "Y"), ("Z", "Y")], [("X", "Z")], 2)
    joint = Distribution(("X", "Y", "Z"), array_of([F(0), F(0), F(1, 2), F(1, 2), F(0), F(0), F(0), F(0)], (2, 2, 2)))
    with pytest.raises(ZeroProbabilityError, match="Q002"):
        model.identify("P(Y | do(X := 1))").evaluate(joint)

    found = model.identify("P(Z | do(X := 1))").evaluate(joint)
    assert list(found.array) == [F(1, 2), F(1, 2)]


def test_means() -> None:
    """The formula of an expectation is that of its distribution with a mean in it; it is evaluated as the mean."""
    model = cw.Model.from_edges([("Z", "X"), ("Z", "N"), ("X", "N")], domains={"Z": 2, "X": 2, "N": [-1, 0, 10]})
    tables, joint = numbers(model.shape, 5)
    r = model.identify("E(N | do(X := 1))")
    truth = brute_answer(model.shape, tables, Query((Term("N"),), (), (Do("X", "1"),)))
    assert truth is not None

    assert r.formula == str(model.identify("P(N | do(X := 1))").formula).replace("P(N", "E(N")
    assert r.evaluate(joint).array[()] == sum(F(v) * p for v, p in zip((-1, 0, 10), truth.array, strict=True))


def test_refusals_are_not_evaluated() -> None:
    """E001, with the reason."""
    _, joint = numbers(BOW.shape, 6)
    with pytest.raises(QueryError) as refused:
        BOW.identify("P(Y | do(X))").evaluate(joint)

    assert refused.value.diagnostic.code == "E001"
    assert any("hedge" in n for n in refused.value.diagnostic.notes)


# ---- no --------------------------------------------------------------------------------------------------------------


def test_what_a_refusal_has() -> None:
    """A hedge, two models with numbers, a file; no formula."""
    r = BOW.identify("P(Y | do(X))")

    assert not r.identifiable
    assert (r.formula, r.latex, r.estimand, r.steps) == (None, None, None, ())
    assert r.hedge == (("X", "Y"), ("Y",))
    assert "form a hedge" in r.note
    assert r.check()
    assert r.witness is not None
    one, other = r.witness
    assert one.query("P(X, Y)", semantics="exact") == other.query("P(X, Y)", semantics="exact")
    assert one.query("P(Y | do(X))", semantics="exact") != other.query("P(Y | do(X))", semantics="exact")
    assert "not identifiable" in repr(r)


def test_latents_with_names_of_their_own() -> None:
    """A model file with a hidden cause that has a name: the witness speaks of the same variables."""
    model = cw.parse(SMOKING).model
    r = model.identify("P(C | do(S))", given="P(S, C)")

    assert not r.identifiable
    assert r.witness is not None
    assert {"S", "C"} <= set(r.witness[0].variables)
    assert r.witness[0].shape.object("S").values == ("no", "yes")
    assert cw.parse(r.witness_file).statements


# ---- random questions in words ---------------------------------------------------------------------------------------

LABELS = [["0", "1"], ["no", "yes"], ["lo", "mid", "hi"], ["-1", "0", "2"]]


def random_words(rnd: random.Random, model: CausalModel) -> tuple[str, list[str] | None]:
    """A question about interventions of all kinds, as one writes it, and what is given."""
    names = rnd.sample(model.observed, len(model.observed))
    count = rnd.choice([0, 1, 1, 1, 2])
    behind = []
    for n in names[:count]:
        values = model.object(n).values or ()
        weights = [rnd.randint(1, 4) for _ in values]
        policy = ", ".join(f"{w}/{sum(weights)}" for w in weights)
        behind.append(
            rnd.choice([f"cut({n})", f"do({n} := {rnd.choice(values)})", f"do({n})", f"do({n} ~ [{policy}])"])
        )
    rest = rnd.sample(names[count:], len(names) - count) or names
    events = []
    for n in rest[: rnd.choice([1, 1, 2, 3])]:
        values = model.object(n).values or ()
        two = f"{n} in {{{', '.join(rnd.sample(values, 2))}}}"
        events.append(rnd.choice([n, n, f"{n} = {rnd.choice(values)}", two]))
    split = rnd.randint(1, len(events))
    behind += events[split:]
    question = f"P({', '.join(events[:split])}{' | ' if behind else ''}{', '.join(behind)})"
    if rnd.random() < 0.6:
        return question, None
    given = []
    for _ in range(rnd.choice([1, 2])):
        done = rnd.sample(model.observed, rnd.choice([0, 1, 2]))
        seen = [n for n in model.observed if n not in done]
        if seen:
            given.append(f"P({', '.join(seen)}" + (f" | do({', '.join(done)}))" if done else ")"))
    return question, given or None


def test_random_questions_in_words() -> None:
    """Asked through the front door: an answer is worth what the model with numbers says, a refusal shows why."""
    rnd, yes, no = random.Random(12), 0, 0
    while yes + no < 220:
        bare = random_shape(rnd, rnd.choice([2, 3, 3, 4]), directed=0.55, bidirected=0.4)
        shape_ = bare.with_values({n: tuple(rnd.choice(LABELS)) for n in bare.observed})
        model = cw.Model(replace(FRONT.definition, model=shape_))
        question, given = random_words(rnd, shape_)
        try:
            r = model.identify(question, given)
        except QueryError as e:
            assert e.diagnostic.code in ("E005", "Q002", "Q003"), (question, given)  # noqa: PT017
            continue
        shown = r.to_dict()
        assert shown["identifiable"] == r.identifiable
        if not r.identifiable:
            no += 1
            assert shown["witness"] is not None, (question, given, r.note)
            assert all(item.met for item in cw.parse(shown["witness"]["file"]).run()), (question, given)
            continue
        known = with_numbers(shape_, positive_tables(shape_, rnd))
        try:
            truth = known.query(question, semantics="exact")
        except ZeroProbabilityError:  # a condition that contradicts what is set
            continue
        yes += 1
        found = r.evaluate(known, semantics="exact")
        assert (found if found.variables else found.array[()]) == truth, (question, given)

    assert yes > 100
    assert no > 25


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def smoking(tmp_path: Path) -> Path:
    path = tmp_path / "smoking.causal"
    path.write_text(SMOKING, encoding="utf-8")
    return path


def test_the_command(smoking: Path) -> None:
    """Verdict and formula for people, status 0 either way."""
    yes = cutwire("identify", smoking, "P(C | do(S))")
    no = cutwire("identify", smoking, "P(C | do(S))", "--given", "P(S, C)")

    assert (yes.status, no.status) == (0, 0)
    assert "identifiable from P(S, T, C)" in yes.out
    assert "sum[t : T] P(t | S) * sum[s' : S] P(C | s', t) * P(s')" in yes.out
    assert "NOT identifiable from P(S, C)" in no.out
    assert (yes.err, no.err) == ("", "")


def test_the_command_in_steps(smoking: Path) -> None:
    """`--steps` adds the derivation."""
    short, long = (cutwire("identify", smoking, "P(C | do(S))", *more).out for more in ((), ("--steps",)))

    assert "Q[T]" not in short
    assert "Q[T] is a factor of Q[S, T]" in long


def test_json(smoking: Path) -> None:
    """One object: the same keys for yes and no."""
    yes = cutwire("identify", smoking, "P(C | do(S))", "--json").json
    no = cutwire("identify", smoking, "P(C | do(S))", "--given", "P(S, C)", "--json").json

    assert set(yes) == set(no) >= {"identifiable", "formula", "latex", "steps", "witness"}
    assert (yes["identifiable"], no["identifiable"]) == (True, False)
    assert yes["formula"].startswith("sum[t : T]")
    assert yes["witness"] is None
    assert [s["rule"] for s in yes["steps"]][:2] == ["discard", "factor"]
    assert (no["formula"], no["latex"], no["steps"]) == (None, None, [])
    assert len({F(v) for v in no["witness"]["values"]}) == 2
    assert json.loads(json.dumps(no)) == no


def test_the_witness_file_runs(smoking: Path, tmp_path: Path) -> None:
    """The file in the JSON is a model file; running it confirms both values."""
    no = cutwire("identify", smoking, "P(C | do(S))", "--given", "P(S, C)", "--json").json
    path = tmp_path / "witness.causal"
    path.write_text(no["witness"]["file"], encoding="utf-8")
    done = cutwire("run", path, "--json")

    assert done.status == 0, done.err
    assert [r["exact"] for r in done.json["results"]] == no["witness"]["values"]


def test_several_given(tmp_path: Path) -> None:
    """`--given` several times."""
    path = tmp_path / "gid.causal"
    lines = ["var X1, W, Y, X2 : {0, 1}", "latent A, B, D : {0, 1}", "box a : -> A", "box b : -> B", "box d : -> D"]
    lines += ["box x1 : A, B -> X1", "box w : X1, A -> W", "box x2 : B, D -> X2", "box y : W, X2, D -> Y"]
    path.write_text("\n".join(lines), encoding="utf-8")
    question = "P(Y | do(X1, X2))"
    one, other = "P(W, X2, Y | do(X1))", "P(W, X1, Y | do(X2))"
    done = cutwire("identify", path, question, "--given", one, "--given", other, "--json")

    assert done.json["identifiable"]
    assert done.json["given"] == [one, other]
    assert not cutwire("identify", path, question, "--given", one, "--json").json["identifiable"]


def test_pictures_of_answers(smoking: Path, tmp_path: Path) -> None:
    """`-o` writes the estimand, with `--steps` the derivation, and of a refusal the hedge."""
    wanted = {
        "e.svg": ([], {"P(T | S)"}, {"Q[T]"}),
        "d.svg": (["--steps"], {"P(T | S)", "Q[T]", "Estimand"}, set()),
        "h.svg": (["--given", "P(S, C)"], {"{S, C} and {C} form a hedge"}, {"Estimand"}),
    }
    for name, (options, there, absent) in wanted.items():
        done = cutwire("identify", smoking, "P(C | do(S))", *options, "-o", tmp_path / name)
        assert (done.status, done.err) == (0, "")
        words = {e.text for e in ET.parse(tmp_path / name).iter()}
        assert there <= words
        assert not absent & words
    assert "3. Q[S, T, C] is P(S, T, C)" in {e.text for e in ET.parse(tmp_path / "d.svg").iter()}


@pytest.mark.parametrize("options", [[], ["--steps"], ["--given", "P(S, C)"], ["--json"]])
@pytest.mark.parametrize(("output", "code"), [("e.txt", "V001"), ("e", "V001"), ("none/e.svg", "V004")])
def test_pictures_that_cannot_be_written(
    smoking: Path, tmp_path: Path, options: list[str], output: str, code: str
) -> None:
    """A diagnostic, nothing on standard output, and no file, not even half of one."""
    before = sorted(tmp_path.iterdir())
    done = cutwire("identify", smoking, "P(C | do(S))", *options, "-o", tmp_path / output)

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"error[{code}]")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "arguments", [["P(C | do(Q))"], ["P(H | do(S))"], ["P(C | do(S))", "--given", "P(S | T)"], ["P("]]
)
def test_bad_input(smoking: Path, arguments: list[str]) -> None:
    """Status 2 with a diagnostic, no traceback."""
    done = cutwire("identify", smoking, *arguments)

    assert done.status == 2
    assert done.err.startswith("error[")
    assert "Traceback" not in done.err


def test_the_same_bytes(smoking: Path, tmp_path: Path) -> None:
    """Output does not hang on the seed of hashes: an answer with its steps, a refusal with its witness."""
    commands = [
        ["identify", str(smoking), "P(C | do(S))", *more] for more in (["--steps"], ["--given", "P(S, C)", "--json"])
    ]
    code = f"from cutwire.__main__ import main\nfor command in {commands!r}:\n    assert main(command) == 0\n"
    (only,) = outputs(code, tmp_path, range(20))

    assert b"identifiable" in only


def test_identify_in_files(tmp_path: Path) -> None:
    """`identify` in a model file is done by `run`, with or without what is given."""
    path = tmp_path / "file.causal"
    path.write_text(SMOKING + "identify P(C | do(S))\nidentify bad: P(C | do(S)) from P(S, C)\n", encoding="utf-8")
    done = cutwire("run", path, "--json")

    assert done.status == 0
    assert [r["identifiable"] for r in done.json["results"]] == [True, False]
    assert [r["kind"] for r in done.json["results"]] == ["identify", "identify"]


def test_estimates_by_identification() -> None:
    """`model.estimate` answers what combs alone could not: the napkin."""
    tables, joint = numbers(NAPKIN.shape, 8)
    found = NAPKIN.estimate("P(Y = 1 | do(X := 1))", joint)
    truth = brute_answer(NAPKIN.shape, tables, Query((Term("Y", ("1",)),), (), (Do("X", "1"),)))
    assert truth is not None

    assert found.distribution.array[()] == truth.array[()]
    assert look_up(joint, Query((Term("Y", ("1",)),), (Term("X", ("1",)),))).array[()] != truth.array[()]
    with pytest.raises(QueryError, match="E001"):
        BOW.estimate("P(Y | do(X))", observed_joint(BOW.shape, numbers(BOW.shape, 9)[0]))


def test_shapes_are_the_same_either_way() -> None:
    """A model from edges is the shape of the tests."""
    assert FRONT.shape == shape("S->T T->C", "S-C")


@pytest.mark.parametrize("question", ["P(Y | cut(Y), X)", "P(Y | do(Y := yes), X)"])
def test_answers_that_use_nothing_given(tmp_path: Path, question: str) -> None:
    """What surgery alone decides is checked like any other answer."""
    file = tmp_path / "m.causal"
    file.write_text("model m\nvar X, Y : {no, yes}\nbox x : -> X\nbox y : X -> Y\n", encoding="utf-8")

    done = cutwire("identify", file, question)

    assert (done.status, done.err) == (0, "")
    assert "identifiable from P(X, Y)" in done.out


def test_what_is_certain_is_identified() -> None:
    """In a model in which a variable is set, the check compares an answer that is the same in every model."""
    text = (EXAMPLES / "sprinkler.causal").read_text(encoding="utf-8")
    timed = cw.parse(text.replace("draw", "# draw")).models["timed"]
    assert timed.identify("P(Rain)").formula == "P(Rain)"
    assert timed.identify("P(Rain | do(Wet := yes))").formula == "P(Rain)"
