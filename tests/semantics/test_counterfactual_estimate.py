"""Estimates of counterfactuals: against enumeration of functional models, intervals against loops over resamples."""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from semantics import bootstrap as module
from semantics.bootstrap import Interval, bootstrap
from semantics.counterfactual import estimate_worlds, values_of
from semantics.data import from_distribution
from semantics.dataset import Dataset, from_rows
from semantics.distribution import Distribution
from semantics.positivity import positivity
from strings.counterfactual_declared import formula_for_declared
from strings.counterfactual_identify import CounterfactualIdentified, identify_counterfactual
from strings.diagnostic import CutwireError, QueryError, ZeroProbabilityError
from strings.estimand import Given
from strings.formula import Arithmetic, Ask
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do, Open
from tests.semantics.test_counterfactual import Functions, questions

F = Fraction
THERE, HERE = (Do("X", "0"),), (Do("X", "1"),)
TREATED = (Term("X", ("1",)),)
ETT = Query((Term("Y", ("1",), world=THERE),), TREATED)
FRONT = CausalModel.from_edges([("X", "M"), ("M", "Y")], [("X", "Y")], 2)
NAPKIN = CausalModel.from_edges([("W", "R"), ("R", "X"), ("X", "Y")], [("W", "X"), ("W", "Y")], 2)
SURVEY = {"000": 50, "001": 10, "010": 6, "011": 4, "100": 10, "101": 5, "110": 7, "111": 20}


def way(model: CausalModel, query: Query) -> CounterfactualIdentified | None:
    """How a question follows from the joint of what is observed, for the values that are declared."""
    found = identify_counterfactual(model, query, (Given(model.observed),))
    if isinstance(found, CounterfactualIdentified):
        return found
    declared = formula_for_declared(model, found)
    return declared[1] if declared is not None else None


def counted(model: CausalModel, cells: Mapping[str, int]) -> Dataset:
    names = model.observed
    values = {n: model.object(n).values or () for n in names}
    return from_rows("d", names, values, [tuple(c) for c in cells], list(cells.values()))


@hypothesis.settings(max_examples=150, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(questions(3), st.randoms(use_true_random=False))
def test_estimate_is_the_truth(asked: tuple[CausalModel, Query], rnd: random.Random) -> None:
    """From the joint that a functional model gives, the estimate is what enumerating its worlds gives, exactly."""
    model, query = asked
    functions = Functions.draw(model, rnd)
    truth = functions.answer(query)
    hypothesis.assume(truth is not None)
    found = way(model, query)
    hypothesis.assume(found is not None)
    joint = functions.answer(Query(tuple(Term(n) for n in model.observed)))
    assert joint is not None
    assert truth is not None
    assert found is not None
    data = from_distribution(joint, {n: model.object(n).values or () for n in model.observed})
    try:
        got = estimate_worlds(found, model, [data], exact=True).distribution
    except ZeroProbabilityError:  # a case that the formula needs never occurs
        hypothesis.reject()
    order = [got.variables.index(n) for n in truth.variables]
    assert (np.transpose(got.array, order) == truth.array).all()


def test_napkin_with_two_values() -> None:
    """Where a variable has two values the joint may tell more than for all numbers of values."""
    assert not isinstance(identify_counterfactual(NAPKIN, ETT, (Given(NAPKIN.observed),)), CounterfactualIdentified)
    found = way(NAPKIN, ETT)
    assert found is not None
    rnd = random.Random(3)
    for _ in range(20):
        functions = Functions.draw(NAPKIN, rnd)
        joint, truth = functions.answer(Query(tuple(map(Term, NAPKIN.observed)))), functions.answer(ETT)
        if joint is None or truth is None:
            continue
        data = from_distribution(joint, dict.fromkeys(NAPKIN.observed, ("0", "1")))
        try:
            assert estimate_worlds(found, NAPKIN, [data], exact=True).distribution[()] == truth[()]
        except ZeroProbabilityError:
            continue
        break
    else:
        pytest.fail("no model had all cases")


def by_loop(
    found: CounterfactualIdentified, data: Dataset, resamples: int, seed: int, level: float
) -> list[np.ndarray]:
    """Percentiles of the estimates of one resample after the other, and how many have none."""
    counts = np.array([int(w) for w in data.weights])
    draws = np.random.default_rng(seed).spawn(1)[0].multinomial(counts.sum(), counts / counts.sum(), resamples)
    values = []
    for weights in draws:
        again = Dataset("d", data.variables, data.values, data.codes, weights.astype(float))
        try:
            values.append(estimate_worlds(found, FRONT, [again]).distribution.array.astype(float))
        except ZeroProbabilityError:
            continue
    tail = (1 - level) / 2
    return [*np.quantile(values, [tail, 1 - tail], axis=0), np.array(resamples - len(values))]


def resampled(found: CounterfactualIdentified, query: Query, data: Dataset, **options: object) -> Interval:
    return bootstrap(
        Ask(query), {query: found}, [data], estimate_worlds(found, FRONT, [data]).distribution,
        values=values_of(FRONT), **options,  # type: ignore[arg-type]
    )  # fmt: skip


def test_intervals_are_those_of_a_loop() -> None:
    """All resamples at once give what one after the other gives, those that have no estimate left out."""
    free = Query((Term("Y", world=(Open("X", "x"),)),), (Term("X"),))
    few = {"000": 6, "001": 2, "010": 1, "011": 1, "100": 2, "101": 1, "110": 1, "111": 2}
    for query, cells in ((ETT, SURVEY), (ETT, few), (free, SURVEY), (free, few)):
        found = way(FRONT, query)
        assert found is not None
        assert query is ETT or len(found.cases) > 1
        data = counted(FRONT, dict(sorted(cells.items())))
        got = resampled(found, query, data, resamples=200, seed=5, level=0.9)
        low, high, dropped = by_loop(found, data, 200, 5, 0.9)
        assert np.allclose(got.low.array, low)
        assert np.allclose(got.high.array, high)
        assert got.dropped == dropped
        assert cells is SURVEY or dropped > 0


def test_batches_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases of equal values and free values go with every member of a batch."""
    query = Query((Term("Y", world=(Open("X", "x"),)),), (Term("X"),))
    found = way(FRONT, query)
    assert found is not None
    assert len(found.cases) > 1
    data = counted(FRONT, SURVEY)
    whole = resampled(found, query, data, resamples=60, seed=1)
    monkeypatch.setattr(module, "_MOST_MEMBERS", 7)
    parts = resampled(found, query, data, resamples=60, seed=1)
    assert whole.low.variables == parts.low.variables
    assert np.allclose(whole.low.array, parts.low.array)
    assert np.allclose(whole.high.array, parts.high.array)


def test_impossible_and_certain() -> None:
    """Of what contradicts itself the probability is zero in all resamples, and is not resampled alone."""
    query = Query((Term("X", ("0",), world=HERE),), TREATED)
    found = way(FRONT, query)
    assert found is not None
    assert estimate_worlds(found, FRONT, [counted(FRONT, SURVEY)], exact=True).distribution[()] == 0
    with pytest.raises(QueryError, match="Q011"):
        resampled(found, query, counted(FRONT, SURVEY), resamples=50)
    both = Arithmetic("-", Ask(ETT), Ask(query))
    other = way(FRONT, ETT)
    assert other is not None
    data = counted(FRONT, SURVEY)
    options = {"resamples": 50, "values": values_of(FRONT)}
    one = bootstrap(both, {ETT: other, query: found}, [data], Distribution((), 0.0), **options)  # type: ignore[arg-type]
    alone = resampled(other, ETT, data, resamples=50)
    assert float(one.low[()]) == pytest.approx(float(alone.low[()]))


def test_mean() -> None:
    """A mean is that of the distribution, in resamples, too."""
    mean = Query((Term("Y", world=THERE),), TREATED, expectation=True)
    found, event = way(FRONT, mean), way(FRONT, ETT)
    assert found is not None
    assert event is not None
    data = counted(FRONT, SURVEY)
    one = estimate_worlds(found, FRONT, [data], exact=True).distribution
    assert one[()] == estimate_worlds(event, FRONT, [data], exact=True).distribution[()]
    intervals = [resampled(w, w.asked, data, resamples=50, seed=2) for w in (found, event)]
    assert float(intervals[0].high[()]) == pytest.approx(float(intervals[1].high[()]))
    named = CausalModel.from_edges([("X", "Y")], domains={"X": 2, "Y": ["no", "yes"]})
    odd = way(named, mean)
    assert odd is not None
    with pytest.raises(CutwireError, match="Q004"):
        estimate_worlds(
            odd, named, [from_rows("d", ("X", "Y"), {"X": ("0", "1"), "Y": ("no", "yes")}, [("0", "no")], [1])]
        )


def test_thin_columns_of_the_experiments() -> None:
    """Positivity looks at the conditionals of all experiments, where the question is."""
    found = way(FRONT, ETT)
    assert found is not None
    told = positivity([found], [counted(FRONT, {**SURVEY, "110": 2, "111": 1})])
    assert [(t.conditional, t.place, t.cases, t.columns) for t in told] == [
        ("P(Y | X, M)", (("X", "1"), ("M", "1")), 3, 2)
    ]
