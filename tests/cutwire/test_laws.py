"""`cutwire laws` states the laws of a model and runs them; each law about surgery catches what breaks it."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire import lawful, laws
from cutwire.gaussian import gauss_of_model
from cutwire.lawful import LAWFUL
from cutwire.laws import LawReport, check_semantics, model_laws, surgery_laws
from semantics.arithmetic import Fractions
from semantics.gaussian import Gaussian
from semantics.kernel import Table
from semantics.laws import FUNCTOR_LAWS, Law, run_laws
from semantics.matrices import Matrices
from semantics.mixed import same
from semantics.strategies import interpreted, models
from semantics.structural import structural
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
HAS_PYRO = all(importlib.util.find_spec(n) is not None for n in ("torch", "pyro"))
TABLES = ("matrix", "exact", "GF(p)", "possible")
MODEL_FILES = sorted(p.name for p in EXAMPLES.iterdir() if p.suffix in (".causal", ".bif"))


def sprinkler() -> cw.Model:
    return cw.load(EXAMPLES / "sprinkler.causal").models["sprinkler"]


# A linear model with a finite cause and a finite effect beside the real ones, and a box without chance.
MIXED = """
latent U : {low, high}
var S : {no, yes}
var X, Y, Z : real
box u : -> U = flip(1/3)
box s : U -> S = | low -> flip(1/4) | high -> flip(3/4)
box x : U, S -> X = | low, no -> normal(0, 1) | low, yes -> normal(1, 2) | high, no -> normal(2, 1) | high, yes -> 3
box y : S, X -> Y = | no, x -> normal(2*x, 1) | yes, x -> normal(1 - x/2, 3)
box z : X, Y -> Z = fn (x, y) => x - y + 1
"""
LINEAR = """
latent H : real
var X, M, Y : real
box h : -> H = normal(0, 1)
box x : H -> X = fn (h) => normal(1 + 2*h, 1)
box m : X -> M = fn (x) => normal(x/3, 2)
box y : M, H -> Y = fn (m, h) => normal(m - 4*h, 1)
"""
CURVED = """
param b ~ normal(0, 1)
var S : {no, yes}
var X, Y : real
var N : count
box s : -> S = flip(1/3)
box x : S -> X = | no -> gamma(2, 1) | yes -> lognormal(b, 1)
box y : X -> Y = fn (x) => student_t(3, exp(-x), 1)
box n : X, Y -> N = fn (x, y) => poisson(exp(tanh(x - y)))
"""


def parsed(text: str) -> cw.Model:
    return cw.parse(text, "m.causal").model


def subject(name: str) -> cw.Model:
    """A model that a semantics applies to."""
    if name == "pyro":
        pytest.importorskip("pyro")
    if name == "symbolic":
        return cw.load(EXAMPLES / "vaccine.causal").model
    return parsed(MIXED) if name == "gaussian" else sprinkler()


def counted(model: cw.Model, name: str) -> dict[str, int]:
    """How many instances of each law were compared in a semantics; all of them hold."""
    report = model_laws(model)
    assert report.holds, str(report)
    return {o.law.name: o.instances for o in report.outcomes.get(name, ())}


@pytest.mark.parametrize("file", MODEL_FILES)
def test_all_laws_hold_of_every_example(file: str) -> None:
    done = cutwire("laws", EXAMPLES / file)
    assert done.status == 0
    assert "FAILS" not in done.out
    assert "every law holds in every instance" in done.out


def test_every_law_is_stated_and_tried_in_every_semantics() -> None:
    report = sprinkler().laws()
    assert report.holds
    assert {*report.outcomes} == {laws.SYNTAX, *TABLES, *(["pyro"] if HAS_PYRO else [])}
    assert {*report.outcomes, *report.left_out} == {laws.SYNTAX, *LAWFUL}
    assert {o.law for o in report.outcomes[laws.SYNTAX]} == set(SURGERY_LAWS)
    wanted = {*FUNCTOR_LAWS, laws.NATURAL, laws.SEEING} - {
        next(law for law in FUNCTOR_LAWS if law.name == "copying is natural")  # no box here is deterministic
    }
    for name in TABLES:
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
    assert set(real.left_out) == {*LAWFUL} - {"gaussian", *(["pyro"] if HAS_PYRO else [])}
    assert real.left_out["matrix"] == "`X` is real"
    assert sprinkler().laws().left_out["symbolic"] == "no parameters are declared"
    assert sprinkler().laws().left_out["gaussian"] == "no variable is real"
    assert "not linear" in cw.load(EXAMPLES / "dose.causal").model.laws().left_out["gaussian"]
    prior = parsed("param p in [0, 1]\nvar A : {n, y}\nbox a : -> A = dirichlet(1)").laws()
    assert "has a prior" in prior.left_out["symbolic"]


def test_what_is_left_out_without_pyro(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *rest: None if n == "pyro" else find(n, *rest))
    report = sprinkler().laws()
    assert report.left_out["pyro"] == "Pyro is not installed"
    assert "pyro" not in report.outcomes


@pytest.mark.parametrize("file", MODEL_FILES)
def test_which_semantics_are_tried_on_which_example(file: str) -> None:
    """So that none falls silent."""
    done = cutwire("laws", EXAMPLES / file, "--json")
    tried = {entry["semantics"] for entry in done.json["laws"] if entry["instances"]} - {laws.SYNTAX}
    wanted = {
        "alarm.bif": {*TABLES, "pyro"} - {"exact"},
        "dose.causal": {"pyro"},
        "firing_squad.causal": {"GF(p)", "possible", "symbolic", "pyro"},
        "instrument.causal": {"GF(p)", "possible"},
        "napkin.causal": {"GF(p)", "possible"},
        "smoking.causal": {"GF(p)", "possible"},
        "tar.causal": {"gaussian", "pyro"},
        "vaccine.causal": {"GF(p)", "possible", "symbolic", "pyro"},
        "wires.causal": {"GF(p)", "possible"},
    }.get(file, {*TABLES, "pyro"})
    assert tried == wanted - (set() if HAS_PYRO else {"pyro"})


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
    for name in TABLES:
        assert _instances(report, name, laws.NATURAL) > _instances(plain, name, laws.NATURAL)
    policy = cw.load(EXAMPLES / "tar.causal")
    assert _instances(policy.laws(), "gaussian", laws.NATURAL) > _instances(
        policy.model.laws(), "gaussian", laws.NATURAL
    )


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
    report = model_laws(subject(name))
    failed = [o for n, o in report.failures if n == name]
    assert laws.NATURAL in {o.law for o in failed}
    shown = str(report)
    assert f"FAILS in {name}: F(S(d)) = do(F(d)) (naturality)" in shown
    assert "S = do(" in shown


@pytest.mark.parametrize("name", [*TABLES, "symbolic"])
def test_wrong_conditioning_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conditionals that do not condition."""
    right = lawful.answer_array

    def blind(model: Any, tables: Any, query: Any, arithmetic: Any) -> Any:
        if name == "possible":  # where nothing is divided, and the boxes of this model leave nothing out
            axes, found = right(model, tables, query, arithmetic)
            return axes, (~found if query.given else found)
        return right(model, tables, type(query)(query.targets), arithmetic)

    monkeypatch.setattr(lawful, "answer_array", blind)
    assert laws.SEEING in {o.law for n, o in model_laws(subject(name)).failures if n == name}


def test_wrong_conditioning_of_gaussians_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as m:
        right = lawful.answer_mixed
        m.setattr(lawful, "answer_mixed", lambda s, g, query: right(s, g, type(query)(query.targets)))
        assert [(n, o.law) for n, o in model_laws(parsed(MIXED)).failures] == [("gaussian", laws.SEEING)]
    with monkeypatch.context() as m:
        m.setattr(Gaussian, "conditional", lambda g, at: (g.marginal([1]).tensor(Gaussian.wires((), 1, g.exact)), []))
        assert [(n, o.law) for n, o in model_laws(parsed(LINEAR)).failures] == [("gaussian", laws.SEEING)]


def test_wrong_conditioning_in_pyro_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    doing = pytest.importorskip("semantics.pyro.doing")
    right = doing.as_question
    monkeypatch.setattr(doing, "as_question", lambda model, query: right(model, type(query)(query.targets)))
    assert laws.SEEING in {o.law for n, o in model_laws(sprinkler()).failures if n == "pyro"}


# ---- interventions of one's own --------------------------------------------------------------------------------------


def test_what_is_compared_of_gaussians() -> None:
    for text, seen in ((MIXED, 1), (LINEAR, 3)):  # in a mixture, what is seen first has to be finite
        found = counted(parsed(text), "gaussian")
        assert found["naturality"] > 10
        assert found["disintegration"] == seen
        assert found["composition"] > 10


@pytest.mark.parametrize("parsing", [MIXED, LINEAR])
def test_structural_equations_for_sequences_of_surgeries(parsing: str) -> None:
    """In fractions, for all pairs of surgeries on different variables, cuts among them."""
    shape, target = (model := parsed(parsing)).shape, gauss_of_model(model, True)
    single: list[Surgery] = []
    for x in shape.variables:
        single += [Do(x.name, (x.values or ("2",))[-1]), Open(x.name), *([] if x.space else [Cut(x.name)])]
        for p in map(shape.object, shape.parents(x.name)):
            single += [DoWire(p.name, x.name, (p.values or ("3",))[0])]
            single += [] if p.space else [CutWire(p.name, x.name)]
    compared = 0
    for s in [(), *((s,) for s in single), *itertools.permutations(single, 2)]:
        if len({laws.touched(each)[-1] for each in s}) < len(s):
            continue
        wanted = target.contract(operate(shape, *s).state(shape.observed))
        found = structural(shape, target, s, shape.observed)
        assert found is not None
        assert same(found, wanted), (s, str(found), str(wanted))
        compared += 1
    assert compared > 100


def test_a_broken_intervention_on_equations_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that sets the variable and leaves its noise; and one that forgets what single wires are told."""
    from semantics import structural as equations

    with monkeypatch.context() as m:
        right = equations._solved

        def noisy(lines: Any, *rest: Any) -> Any:
            return right({n: replace(e, variance=e.variance + (not e.slopes)) for n, e in lines.items()}, *rest)

        m.setattr(equations, "_solved", noisy)
        assert ("gaussian", laws.NATURAL) in [(n, o.law) for n, o in model_laws(parsed(LINEAR)).failures]
    with monkeypatch.context() as m:
        m.setattr(equations, "_tell", lambda *rest: None)
        assert ("gaussian", laws.NATURAL) in [(n, o.law) for n, o in model_laws(parsed(MIXED)).failures]


def test_too_many_worlds_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from semantics import structural as equations

    monkeypatch.setattr(equations, "MOST_WORLDS", 0)
    assert "naturality" not in counted(parsed(MIXED), "gaussian")


def test_a_semantics_that_compares_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        shape, target, most_work = sprinkler().shape, None, 0

        def intervene(self, *rest: Any) -> None: ...

        def disintegrate(self, *rest: Any) -> None: ...

    monkeypatch.setattr(laws, "LAWFUL", {"silent": lambda *rest: Silent()})
    report = model_laws(sprinkler())
    assert report.left_out == {"silent": "there is nothing that it can compare"}
    assert {*report.outcomes} == {laws.SYNTAX}


def test_what_is_compared_by_pyro() -> None:
    pytest.importorskip("pyro")
    assert counted(sprinkler(), "pyro")["naturality"] > 10
    assert counted(sprinkler(), "pyro")["disintegration"] >= 3
    for text in (MIXED, LINEAR, CURVED):
        model = parsed(text)
        assert counted(model, "pyro") == {"naturality": len(model.shape.names)}  # a `do` of each variable


def test_a_broken_do_of_pyro_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that leaves the program as it is, and one that sets another value."""
    pyro, torch = pytest.importorskip("pyro"), pytest.importorskip("torch")
    right = pyro.poutine.do

    def other(run: Any, data: Any) -> Any:
        return right(run, data={n: v + 1 if v.is_floating_point() else torch.zeros_like(v) for n, v in data.items()})

    for wrong in (lambda run, data: run, other):
        for text in (MIXED, CURVED):
            with monkeypatch.context() as m:
                m.setattr(pyro.poutine, "do", wrong)
                assert [(n, o.law) for n, o in model_laws(parsed(text)).failures] == [("pyro", laws.NATURAL)]
        with monkeypatch.context() as m:
            m.setattr(pyro.poutine, "do", wrong)
            assert [(n, o.law) for n, o in model_laws(sprinkler()).failures] == [("pyro", laws.NATURAL)]


def test_conditioning_is_no_intervention(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pyro.condition` in place of `pyro.poutine.do`: the causes are told, too."""
    pyro = pytest.importorskip("pyro")
    monkeypatch.setattr(pyro.poutine, "do", pyro.poutine.condition)
    assert ("pyro", laws.NATURAL) in [(n, o.law) for n, o in model_laws(sprinkler()).failures]


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
