"""Formulas of counterfactuals against enumeration of functional models, and witnesses against counterfactuals.

The oracle here shares nothing with the product: every model is a table of functions, run once for each state of its
hidden causes in each world.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from semantics.answer import answer
from semantics.counterfactual import checkable, counterfactual_error, value, values_of
from semantics.counterfactual_witness import agree, find_counterfactual_witness
from semantics.distribution import Distribution
from semantics.estimate import axes_of
from semantics.evaluate import Grid, Plain
from semantics.noise import functional
from strings.counterfactual_declared import formula_for_declared
from strings.counterfactual_identify import (
    Case,
    CounterfactualIdentified,
    CounterfactualNotIdentified,
    identify_counterfactual,
)
from strings.diagnostic import Diagnostic, ZeroProbabilityError
from strings.estimand import Given
from strings.formula import Number
from strings.model import CausalModel
from strings.query import Become, Query, Term, World
from strings.surgery import Do, Open
from tests.observed import array_of

F = Fraction
Values = dict[str, str]


@dataclass(frozen=True)
class Functions:
    """A model of functions: for each variable a table from what it hears, and for each hidden cause its weights."""

    model: CausalModel
    weights: Mapping[str, tuple[F, ...]]
    tables: Mapping[str, Mapping[tuple[str, ...], str]]

    @staticmethod
    def draw(model: CausalModel, rnd: random.Random) -> Functions:
        shape = functional(model, 3)
        weights, tables = {}, {}
        for n in shape.names:
            values = shape.object(n).values or ()
            parents = shape.parents(n)
            if not parents:
                raw = [F(rnd.randint(1, 9)) for _ in values]
                weights[n] = tuple(w / sum(raw) for w in raw)
                continue
            cases = itertools.product(*(shape.object(p).values or () for p in parents))
            tables[n] = {case: rnd.choice(values) for case in cases}
        return Functions(shape, weights, tables)

    def states(self) -> Iterator[tuple[Values, F]]:
        """All states of the hidden causes, with their probabilities."""
        names = list(self.weights)
        labels = [self.model.object(n).values or () for n in names]
        for case in itertools.product(*(range(len(v)) for v in labels)):
            weight = F(1)
            for n, k in zip(names, case, strict=True):
                weight *= self.weights[n][k]
            yield {n: v[k] for n, v, k in zip(names, labels, case, strict=True)}, weight

    def value(self, variable: str, world: World, state: Values, axes: Values) -> str:
        """What a variable is in a world."""
        for s in reversed(world):
            if isinstance(s, Become) and s.variable == variable:
                return self.value(s.source.variable, (*self.base, *s.source.world), state, axes)
            if isinstance(s, Do) and s.variable == variable:
                return s.value
            if isinstance(s, Open) and s.variable == variable:
                return axes[s.axis or s.variable]
        if variable in state:
            return state[variable]
        heard = tuple(self.value(p, world, state, axes) for p in self.model.parents(variable))
        return self.tables[variable][heard]

    base: World = ()

    def answer(self, query: Query) -> Distribution | None:
        """The answer by enumeration; nothing where a condition has probability zero somewhere."""
        here = Functions(self.model, self.weights, self.tables, tuple(query.surgeries))
        types = axes_of(query)
        labels = [self.model.object(v).values or () for v in types.values()]
        states = list(self.states())
        entries = []
        for case in itertools.product(*labels):
            axes = dict(zip(types, case, strict=True))
            above = below = F(0)
            for state, weight in states:
                if all(here.holds(t, state, axes) for t in query.given):
                    below += weight
                    above += weight if all(here.holds(t, state, axes) for t in query.targets) else 0
            if not below:
                return None
            entries.append(above / below)
        shape = tuple(len(v) for v in labels)
        return Distribution(tuple(types), array_of(entries, shape), labels)

    def holds(self, t: Term, state: Values, axes: Values) -> bool:
        got = self.value(t.variable, (*self.base, *t.world), state, axes)
        return got == axes[t.axis_name] if t.values is None else got in t.values


@st.composite
def questions(draw: st.DrawFn, most: int = 4) -> tuple[CausalModel, Query]:
    """A graph of two to four variables with hidden causes, and a question about several worlds."""
    names = "ABCD"[: draw(st.integers(2, most))]
    pairs = [(a, b) for a, b in itertools.combinations(names, 2)]
    arrows = [p for p in pairs if draw(st.integers(0, 9)) < 6]
    arcs = [p for p in pairs if draw(st.integers(0, 9)) < 3][:2]
    sizes: dict[str, int] = {n: draw(st.sampled_from((2, 2, 3))) for n in names}
    model = CausalModel.from_edges(arrows, arcs, sizes, names)
    model = model.with_values(dict.fromkeys(model.latents, ("0", "1")))

    def world(depth: int) -> World:
        steps: list[Do | Open | Become] = []
        for n in draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
            kind = draw(st.integers(0, 9))
            if kind < 7:
                steps.append(Do(n, draw(st.sampled_from(model.object(n).values or ()))))
            elif kind < 8:
                steps.append(Open(n, draw(st.sampled_from((n.lower(), n.lower() + "'")))))
            elif depth < 2:
                steps.append(Become(n, Term(n, world=world(depth + 1))))
        return tuple(steps)

    def term() -> Term:
        n = draw(st.sampled_from(names))
        values = model.object(n).values or ()
        kind = draw(st.integers(0, 9))
        if kind < 6:
            return Term(n, (draw(st.sampled_from(values)),), world=world(0))
        if kind < 8:
            some = draw(st.lists(st.sampled_from(values), min_size=1, unique=True))
            return Term(n, tuple(some), world=world(0))
        return Term(n, axis=draw(st.sampled_from((n.lower(), n.lower() + "'"))), world=world(0))

    targets = tuple(term() for _ in range(draw(st.integers(1, 3))))
    given = tuple(term() for _ in range(draw(st.integers(0, 2))))
    surgeries = (Do("A", "0"),) if draw(st.integers(0, 4)) == 0 else ()
    query = Query(targets, given, surgeries)
    hypothesis.assume(len(axes_of(query)) <= 3)
    return model, query


def differs(functions: Functions, found: CounterfactualIdentified) -> bool:
    """Whether a formula gives something else than enumeration."""
    expected = functions.answer(found.asked)
    if expected is None:
        return False

    def ask(query: Query) -> Grid:
        got = functions.answer(query)
        if got is None:
            raise ZeroProbabilityError(Diagnostic("Q002", "a condition has probability zero"))
        return Grid(got.variables, got.array, got.values)

    grid = value(found, values_of(functions.model), Plain(), ask)
    order = [grid.variables.index(n) for n in expected.variables]
    return bool((np.transpose(grid.array, order) != expected.array).any())


@hypothesis.settings(max_examples=300, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(questions(3), st.randoms(use_true_random=False))
def test_formulas_give_what_enumeration_gives(asked: tuple[CausalModel, Query], rnd: random.Random) -> None:
    """Soundness: from experiments, a formula gives exactly what running all worlds gives."""
    model, query = asked
    try:
        found = identify_counterfactual(model, query)
    except ZeroProbabilityError:
        assert Functions.draw(model, rnd).answer(query) is None
        return
    functions = Functions.draw(model, rnd)
    if isinstance(found, CounterfactualIdentified):
        try:
            assert not differs(functions, found)
        except ZeroProbabilityError:  # a condition of a factor that has no probability in this model
            hypothesis.reject()
    else:
        declared = formula_for_declared(model, found)
        if declared is not None and functions.answer(query) is not None:
            assert not differs(functions, declared[1])


@hypothesis.settings(max_examples=100, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(questions())
def test_what_is_given_is_composed(asked: tuple[CausalModel, Query]) -> None:
    """From the observed joint: every part follows by itself, and the whole agrees with the multiverse."""
    model, query = asked
    try:
        found = identify_counterfactual(model, query, (Given(model.observed),))
    except ZeroProbabilityError:
        return
    if isinstance(found, CounterfactualIdentified) and checkable(model):
        assert counterfactual_error(model, found) == ""


def test_wrong_formulas_are_noticed() -> None:
    """The check of an answer falls for a formula that is another one."""
    front = CausalModel.from_edges([("X", "M"), ("M", "Y")], [("X", "Y")], 2)
    ett = Query((Term("Y", ("1",), world=(Do("X", "0"),)),), (Term("X", ("1",)),))
    found = identify_counterfactual(front, ett)
    assert isinstance(found, CounterfactualIdentified)
    assert counterfactual_error(front, found) == ""
    wrong = Number(F(1, 2))
    assert "multiverse" in counterfactual_error(front, as_found(found, wrong))
    assert differs(Functions.draw(front, random.Random(0)), as_found(found, wrong))


def as_found(found: CounterfactualIdentified, wrong: Number) -> CounterfactualIdentified:
    case = Case(found.cases[0].equal, wrong, wrong)
    return CounterfactualIdentified(found.asked, found.given, (case,), {}, found.axes, found.names)


# ---- two models ------------------------------------------------------------------------------------------------------

THERE = (Do("X", "0"),)
ETT = Query((Term("Y", ("1",), world=THERE),), (Term("X", ("1",)),))
PNS = Query((Term("Y", ("0",), world=THERE), Term("Y", ("1",), world=(Do("X", "1"),))))
NDE = Query((Term("Y", ("1",), world=(Do("X", "1"), Become("M", Term("M", world=THERE)))),))

REFUSED = [
    ([("X", "Y")], [("X", "Y")], 3, ETT, ()),
    ([("X", "Y")], [("X", "Y")], 2, ETT, ("X",)),
    ([("X", "Y")], [], 2, PNS, ()),
    ([("X", "M"), ("M", "Y")], [], 2, PNS, ()),
    ([("X", "M"), ("X", "Y"), ("M", "Y")], [("M", "Y")], 2, NDE, ()),
    ([("X", "Z"), ("Z", "Y")], [], 2, Query((Term("Z", ("0",), world=THERE),), (Term("Y", ("1",)),)), ()),
    ([("X", "Y")], [("X", "Y")], 2, Query((Term("Y", world=(Open("X", "x"),)),), (Term("X", ("1",)),)), ()),
]


@pytest.mark.parametrize(("arrows", "arcs", "values", "query", "few"), REFUSED)
def test_two_models_refute(
    arrows: list[tuple[str, str]], arcs: list[tuple[str, str]], values: int, query: Query, few: tuple[str, ...]
) -> None:
    """A refusal comes with two models that agree in every experiment and differ in the answer, recomputed here."""
    model = CausalModel.from_edges(arrows, arcs, values)
    found = identify_counterfactual(model, query)
    assert isinstance(found, CounterfactualNotIdentified)
    declared = formula_for_declared(model, found)
    assert (declared[0] if declared else ()) == few
    got = find_counterfactual_witness(model, found, few)
    assert got is not None
    w = got
    assert agree(w.shape, w.one, w.other, ())
    one, other = (answer(w.shape, t, query, exact=True) for t in (w.one, w.other))
    assert (one.array != other.array).any()
    assert w.values[0] != w.values[1]
    sizes = {n: len(w.shape.object(n).values or ()) for n in model.observed}
    assert sizes == {n: values + (n in got.more) for n in model.observed}


def test_refusals_are_refuted() -> None:
    """Completeness, as far as a search goes: nearly all refusals of random questions come with two models."""
    rnd = random.Random(7)
    refused, refuted = 0, 0
    while refused < 40:
        names = "ABC"[: rnd.randint(2, 3)]
        pairs = list(itertools.combinations(names, 2))
        arrows = [p for p in pairs if rnd.random() < 0.7]
        model = CausalModel.from_edges(arrows, [p for p in pairs if rnd.random() < 0.3], 2, names)

        def term(depth: int = 0, names: str = names) -> Term:
            world: list[Do | Become] = []
            for n in rnd.sample(names, rnd.randint(0, 2)):
                nested = depth < 2 and rnd.random() < 0.3
                world.append(Become(n, replace(term(depth + 1), variable=n)) if nested else Do(n, rnd.choice("01")))
            return Term(rnd.choice(names), (rnd.choice("01"),), world=tuple(world))

        query = Query((term(),), tuple(term() for _ in range(rnd.randint(0, 2))))
        given = (Given(model.observed),) if rnd.random() < 0.3 else ()
        try:
            found = identify_counterfactual(model, query, given)
        except ZeroProbabilityError:
            continue
        if isinstance(found, CounterfactualNotIdentified):
            refused += 1
            declared = formula_for_declared(model, found)
            refuted += find_counterfactual_witness(model, found, declared[0] if declared else ()) is not None
    assert refuted >= 38


def test_two_models_agree_on_data_alone() -> None:
    """Where the joint is given, only that has to be the same."""
    model = CausalModel.from_edges([("X", "Y")], [("X", "Y")], 2)
    query = Query((Term("Y", ("1",), world=THERE),))
    found = identify_counterfactual(model, query, (Given(("X", "Y")),))
    assert isinstance(found, CounterfactualNotIdentified)
    got = find_counterfactual_witness(model, found)
    assert got is not None
    w = got
    assert agree(w.shape, w.one, w.other, found.given)
    assert not agree(w.shape, w.one, w.other, ())
