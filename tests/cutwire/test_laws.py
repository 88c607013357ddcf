"""`cutwire laws` states the laws of a model and runs them; each law about surgery catches what breaks it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire import laws
from cutwire.laws import LAWFUL, LawReport, check_semantics, model_laws, surgery_laws
from semantics.arithmetic import Fractions
from semantics.kernel import Table
from semantics.laws import FUNCTOR_LAWS, Law, run_laws
from semantics.matrices import Matrices
from semantics.strategies import interpreted, models
from semantics.truncated import truncated
from strings.model import CausalModel
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Surgery, operate, randomise
from tests.cutwire.command import EXAMPLES, cutwire

SURGERY_LAWS = (
    laws.IDEMPOTENT,
    laws.COMMUTING,
    laws.OVERRIDING,
    laws.PLUGGING,
    laws.BOXWISE,
    laws.FUNCTORIAL,
)
MODEL_FILES = sorted(p.name for p in EXAMPLES.iterdir() if p.suffix in (".causal", ".bif"))


def sprinkler() -> cw.Model:
    return cw.load(EXAMPLES / "sprinkler.causal").models["sprinkler"]


@pytest.mark.parametrize("file", MODEL_FILES)
def test_all_laws_hold_of_every_example(file: str) -> None:
    done = cutwire("laws", EXAMPLES / file)
    assert done.status == 0
    assert "FAILS" not in done.out
    assert "every law holds in every instance" in done.out


def test_every_law_is_stated_and_tried_in_every_semantics() -> None:
    report = sprinkler().laws()
    assert report.holds
    assert {*report.outcomes} == {laws.SYNTAX, *LAWFUL}
    assert {o.law for o in report.outcomes[laws.SYNTAX]} == set(SURGERY_LAWS)
    wanted = {*FUNCTOR_LAWS, laws.NATURAL, laws.SEEING} - {
        next(law for law in FUNCTOR_LAWS if law.name == "copying is natural")  # no box here is deterministic
    }
    for name in LAWFUL:
        assert {o.law for o in report.outcomes[name]} == wanted
    assert report.instances == sum(entry["instances"] for entry in report.to_dict()["laws"])


def test_what_is_left_out_and_why() -> None:
    done = cutwire("laws", EXAMPLES / "smoking.causal")
    assert "exact is left out: box `h` has no numbers" in done.out
    text = "param p in [0, 1]\nvar A, B : {no, yes}\nbox a : -> A = flip(p)"
    text += "\nbox b : A -> B = | no -> no | yes -> flip(1/2)"
    model = cw.parse(text).model
    assert "`p` has no value" in model.laws().left_out["exact"]
    assert "exact" not in model.with_parameters(p="1/3").laws().left_out
    assert (
        "box `a` has floating"
        in cw.parse("var A : {no, yes}\nbox a : -> A = flip(0.3f)").model.laws().left_out["exact"]
    )
    real = cw.parse("var X : real\nbox x : -> X = normal(0, 1)").model.laws()
    assert real.holds
    assert set(real.left_out) == set(LAWFUL)
    assert real.left_out["matrix"] == "`X` is real"


def test_the_command() -> None:
    file = EXAMPLES / "sprinkler.causal"
    one, again = cutwire("laws", file, "--seed", "3"), cutwire("laws", file, "--seed", "3")
    assert one == again
    assert "seed 3" in one.out
    assert cutwire("laws", file, "--json").json["holds"] is True
    words = cutwire("laws", EXAMPLES / "wires.causal", "--words")
    assert "F(f) ; discard = discard: to discard what a box makes is to discard what it hears" in words.out
    assert cutwire("laws", file, "--model", "sprinkle").status == 2
    assert "did you mean `sprinkler`?" in cutwire("laws", file, "--model", "sprinkle").err
    assert cutwire("laws", "-", stdin=b"type A").status == 2
    assert cutwire("laws", EXAMPLES / "asia.bif", "--set", "p=1").err.startswith("error[N002]")
    assert cutwire("laws", EXAMPLES / "asia.bif", "--timeout", "0.01").status == 3


def test_surgeries_of_the_file_are_tried() -> None:
    """Those that are named, and those that questions speak of: a policy, a lie, a value."""
    report = cw.load(EXAMPLES / "sprinkler.causal").laws()
    plain = sprinkler().laws()
    for name in LAWFUL:
        assert _instances(report, name, laws.NATURAL) > _instances(plain, name, laws.NATURAL)


def _instances(report: LawReport, name: str, law: Law) -> int:
    found = report.outcome(name, law)
    assert found is not None
    return found.instances


# ---- naturality, against surgery on the diagram ----------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_truncated_factorisation(data: st.DataObject) -> None:
    """For sequences of surgeries of every kind."""
    shape, tables = data.draw(interpreted(models(max_size=4), positive=False))
    surgeries: list[Surgery] = []
    operated = shape
    extra: dict[str, Table] = {}
    for _ in range(data.draw(st.integers(0, 3))):
        x = data.draw(st.sampled_from(shape.names))
        obj = shape.object(x)
        values = obj.values or ()
        policy = randomise(obj, f"r{len(extra)}")
        kinds: list[Surgery] = [Cut(x), Open(x), Do(x, data.draw(st.sampled_from(values))), policy]
        for p in operated.parents(x):
            kinds += [CutWire(p, x), DoWire(p, x, data.draw(st.sampled_from(shape.object(p).values or ())))]
        s = data.draw(st.sampled_from(kinds))
        if s is policy:
            extra[policy.text] = Matrices({}, Fractions()).uniform(obj)
        surgeries.append(s)
        operated = operate(operated, s)
    matrices = Matrices({**tables, **extra}, Fractions())
    outputs = data.draw(st.lists(st.sampled_from(shape.names), min_size=1, max_size=3))
    found, wanted = truncated(shape, matrices, surgeries, outputs), matrices.contract(operated.state(outputs))
    assert (found.dom, found.cod) == (wanted.dom, wanted.cod)
    assert np.array_equal(found.array, wanted.array)


# ---- what is broken is caught ----------------------------------------------------------------------------------------


def _forgets_the_first(model: CausalModel, *surgeries: Surgery) -> CausalModel:
    return operate(model, *surgeries[1:])


def _cuts_one_more(model: CausalModel, *surgeries: Surgery) -> CausalModel:
    """Each cut is also a cut of what was not cut yet."""
    for s in surgeries:
        left = [n for n in model.order if all(m.box.kind == "box" for m in model.mechanisms[n].diagram.nodes)]
        model = operate(model, s, *([Cut(left[-1])] if left else []))
    return model


def _does_not_override(model: CausalModel, *surgeries: Surgery) -> CausalModel:
    done: set[str] = set()
    for s in surgeries:
        if s.variable not in done if isinstance(s, Cut | Do) else True:
            model = operate(model, s)
        done.add(getattr(s, "variable", ""))
    return model


def _only_cuts(model: CausalModel, *surgeries: Surgery) -> CausalModel:
    return operate(model, *(s for s in surgeries if isinstance(s, Cut)))


def _order_matters(model: CausalModel, *surgeries: Surgery) -> CausalModel:
    return operate(model, *surgeries[-1:])


BROKEN_SURGERY: dict[Law, Callable[..., CausalModel]] = {
    laws.IDEMPOTENT: _cuts_one_more,
    laws.COMMUTING: _order_matters,
    laws.OVERRIDING: _does_not_override,
    laws.PLUGGING: _only_cuts,
    laws.BOXWISE: _forgets_the_first,
}


@pytest.mark.parametrize("law", BROKEN_SURGERY, ids=lambda law: law.name)
def test_broken_surgery_is_caught(law: Law, monkeypatch: pytest.MonkeyPatch) -> None:
    instances = list(surgery_laws(sprinkler().shape))
    monkeypatch.setattr(laws, "operate", BROKEN_SURGERY[law])
    failed = {o.law for o in run_laws(instances) if not o.holds}
    assert law in failed


def test_surgery_that_is_no_functor_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit that looks at the whole diagram: it does nothing where there is one box only."""

    def edit(s: Surgery, model: CausalModel) -> Callable[[Any], Any]:
        functor = functor_of(s, model)
        return lambda d: functor(d) if len(d.nodes) > 2 else d

    functor_of = laws.functor_of
    instances = list(surgery_laws(sprinkler().shape))
    monkeypatch.setattr(laws, "functor_of", edit)
    assert laws.FUNCTORIAL in {o.law for o in run_laws(instances) if not o.holds}


@pytest.mark.parametrize("name", LAWFUL)
def test_surgery_that_is_not_natural_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `do` of the diagram that only conditions, so to speak: it leaves the mechanism and tells the children."""

    def lazy(model: CausalModel, *surgeries: Surgery) -> CausalModel:
        for s in surgeries:
            if isinstance(s, Do):
                for child in model.children[s.variable][:-1]:
                    model = operate(model, DoWire(s.variable, child, s.value))
            else:
                model = operate(model, s)
        return model

    monkeypatch.setattr(laws, "operate", lazy)
    model = sprinkler()
    report = model_laws(model)
    failed = [o for n, o in report.failures if n == name]
    assert laws.NATURAL in {o.law for o in failed}
    shown = str(report)
    assert f"FAILS in {name}: F(S(d)) = do(F(d)) (naturality)" in shown
    assert "S = do(" in shown


@pytest.mark.parametrize("name", LAWFUL)
def test_wrong_conditioning_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conditionals that do not condition."""
    right = laws.answer_array

    def blind(model: Any, tables: Any, query: Any, arithmetic: Any) -> Any:
        if name == "possible":  # where nothing is divided, and the boxes of this model leave nothing out
            axes, found = right(model, tables, query, arithmetic)
            return axes, (~found if query.given else found)
        return right(model, tables, type(query)(query.targets), arithmetic)

    monkeypatch.setattr(laws, "answer_array", blind)
    assert laws.SEEING in {o.law for n, o in model_laws(sprinkler()).failures if n == name}


def test_a_failing_law_is_exit_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laws, "operate", _only_cuts)
    done = cutwire("laws", EXAMPLES / "sprinkler.causal")
    assert done.status == 1
    assert "FAILS" in done.out
    told = cutwire("laws", EXAMPLES / "sprinkler.causal", "--json")
    assert told.status == 1
    assert told.json["holds"] is False
    assert any(entry["failure"] for entry in told.json["laws"])


# ---- a semantics of one's own ----------------------------------------------------------------------------------------


def own() -> ModuleType:
    spec = importlib.util.spec_from_file_location("own_semantics", Path(EXAMPLES) / "own_semantics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["own_semantics"] = module
    spec.loader.exec_module(module)
    return module


def test_expected_utility() -> None:
    """The worth of every decision, by hand and by the probabilities that the model itself gives."""
    example = own()
    found = example.decisions()
    assert found["all wait"] == pytest.approx(62)
    assert found["all operate"] == pytest.approx(64)
    assert found["mild wait, severe operate"] == pytest.approx(71)
    for name, do in (("as now", None), ("all wait", {"Treatment": "wait"}), ("all operate", {"Treatment": "operate"})):
        joint = example.MODEL.query(["Treatment", "Outcome"], do=do)
        worth = sum(
            p * (100 * (outcome == "well") - 20 * (treatment == "operate")) for (treatment, outcome), p in joint.rows()
        )
        assert found[name] == pytest.approx(worth)


def test_the_laws_of_expected_utility() -> None:
    example = own()
    report = example.laws()
    assert report.holds, str(report)
    assert {o.law.name for o in report.outcomes["ExpectedUtility"]} >= {"composition", "copying is natural"}


def test_a_mistake_in_expected_utility_is_caught() -> None:
    """Payoffs that are not weighed by the probability of the other side."""
    example = own()

    class Careless(example.ExpectedUtility):  # type: ignore[misc,name-defined]
        def tensor(self, f: Any, g: Any) -> Any:
            found = super().tensor(f, g)
            return type(found)(found.dom, found.cod, found.kernel, found.payoff * 2)

    careless = Careless(example.UTILITY.kernels, example.UTILITY.payoffs)
    report = check_semantics(careless, [example.MODEL.shape.diagram], name="careless")
    assert not report.holds
    assert "side by side" in {o.law.name for _, o in report.failures}
