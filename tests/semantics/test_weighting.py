"""Likelihood weighting, against exact answers: within the errors that it tells, which cover as they should."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from semantics.answer import answer
from semantics.kernel import Kernel
from semantics.strategies import models
from semantics.weighting import weighted
from strings.diagnostic import QueryError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Object
from strings.surgery import Cut, Do, Open
from tests.semantics.brute import brute_answer, in_floats, left_free_twice, random_query, random_tables

F = Fraction


@settings(max_examples=250, deadline=None, derandomize=True)
@given(models(max_size=5, max_latents=2), st.integers(0, 10**6))
def test_estimates_are_near_the_answer(model: CausalModel, seed: int) -> None:
    """Any question after any surgery: within five standard errors, and what is impossible fits no sample."""
    rnd = random.Random(seed)
    tables = random_tables(model, rnd)
    query = random_query(model, tables, rnd)
    if left_free_twice(query):
        return
    wanted = brute_answer(model, tables, query)
    if wanted is None:
        event("no sample")
        with pytest.raises(QueryError) as refused:
            weighted(model, in_floats(tables), query, 2_000, seed)
        assert refused.value.diagnostic.code == "S002"
        return
    try:
        found = weighted(model, in_floats(tables), query, 20_000, seed)
    except QueryError as e:  # too rare for so few samples
        if e.diagnostic.code != "S002":
            raise
        event("too rare")
        return
    event("estimated")
    assert found.value.variables == wanted.variables
    assert found.value.values == wanted.values
    apart = np.abs(found.value.array - wanted.array.astype(float))
    assert (apart <= 5 * found.error.array + 12 / found.effective).all(), (query, apart, found.error.array)


def chain() -> tuple[CausalModel, dict[str, Kernel]]:
    """A -> B -> C, and A -> C."""
    model = CausalModel.from_edges([("A", "B"), ("A", "C"), ("B", "C")], domains=2)
    A, B, C = model.variables
    return model, {
        "a": Kernel((), (A,), [0.3, 0.7]),
        "b": Kernel((A,), (B,), [[0.9, 0.1], [0.4, 0.6]]),
        "c": Kernel((A, B), (C,), [[[0.8, 0.2], [0.5, 0.5]], [[0.3, 0.7], [0.05, 0.95]]]),
    }


QUERIES = [
    Query((Term("A", ("1",)),), (Term("C", ("0",)),)),
    Query((Term("C", ("1",)), Term("A", ("0",))), (), (Do("B", "1"),)),
    Query((Term("B", ("1",)),), (Term("C", ("1",)), Term("A", ("0",)))),
    Query((Term("A", ("1",)),), (Term("C", ("0",)),), (Cut("B"),)),
    Query((Term("C"),), (Term("A", ("0",)),), expectation=True),
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_errors_cover(query: Query) -> None:
    """Of many intervals of two standard errors about 95% cover the answer."""
    model, tables = chain()
    wanted = answer(model, tables, query).array
    met, scores = 0, []
    for seed in range(300):
        found = weighted(model, tables, query, 500, seed)
        score = (found.value.array - wanted) / found.error.array
        scores.append(float(score))
        met += abs(score) < 1.96
    assert 0.91 < met / 300 < 0.985
    assert abs(np.mean(scores)) < 0.25
    assert 0.85 < np.std(scores) < 1.15


def test_groups_tell_the_same_error() -> None:
    """The jackknife over groups agrees with the delta method, up to its own noise."""
    model, tables = chain()
    query = QUERIES[0]
    for samples in (5_000, 130_000):
        found = weighted(model, tables, query, samples, 3, groups=50)
        assert found.without.shape == (50,)
        jackknife = np.sqrt(49 / 50 * ((found.without - found.without.mean()) ** 2).sum())
        assert 0.6 < jackknife / float(found.error.array) < 1.6


def test_effective_sample_size() -> None:
    """Where all weights are equal it is the number of samples; it falls as what is seen gets less likely."""
    model, tables = chain()
    assert weighted(model, tables, Query((Term("A"),)), 30_000).effective == pytest.approx(30_000)
    root = weighted(model, tables, Query((Term("C"),), (Term("A", ("0",)),)), 30_000)
    assert root.effective == pytest.approx(30_000)  # what is seen of a root is set, and costs nothing
    leaf = weighted(model, tables, Query((Term("A"),), (Term("C", ("0",)),)), 30_000).effective
    masses = np.array([0.3 * 0.9, 0.3 * 0.1, 0.7 * 0.4, 0.7 * 0.6]), np.array([0.8, 0.5, 0.3, 0.05])
    p, w = masses
    assert leaf == pytest.approx(30_000 * (p @ w) ** 2 / (p @ w**2), rel=0.05)


def test_the_same_seed_draws_the_same() -> None:
    model, tables = chain()
    one, again, other = (weighted(model, tables, QUERIES[0], 50_001, seed) for seed in (1, 1, 2))
    assert one.value == again.value
    assert one.value != other.value


def test_a_thousand_observations_do_not_underflow() -> None:
    """Weights of 0.4 ** 1000 are compared with each other, not with 1."""
    names = [f"X{k}" for k in range(1000)]
    model = CausalModel.from_edges([("C", n) for n in names], nodes=["C", *names], domains=2)
    by_name = dict(zip(model.names, model.variables, strict=True))
    tables = {
        m.diagram.nodes[0].box.name: Kernel((by_name["C"],), (by_name[n],), [[0.6, 0.4], [0.601, 0.399]])
        if n != "C"
        else Kernel((), (by_name["C"],), [0.5, 0.5])
        for n, m in model.mechanisms.items()
    }
    seen = tuple(Term(n, ("1" if k % 5 < 2 else "0",)) for k, n in enumerate(names))
    query = Query((Term("C", ("1",)),), seen)
    found = weighted(model, tables, query, 10_000)
    assert abs(float(found.value.array) - float(answer(model, tables, query).array)) < 5 * float(found.error.array)


def test_what_contradicts_itself_fits_no_sample() -> None:
    model, tables = chain()
    for query in (
        Query((Term("C"),), (Term("B", ("0",)),), (Do("B", "1"),)),
        Query((Term("C"),), (Term("B", ("0",)), Term("B", ("1",)))),
    ):
        with pytest.raises(QueryError) as refused:
            weighted(model, tables, query, 1_000)
        assert refused.value.diagnostic.code == "S002"
        assert "zero" not in refused.value.diagnostic.message


def test_values_left_free_by_surgery_have_samples_each() -> None:
    model, tables = chain()
    query = Query((Term("C"), Term("A")), (), (Open("B"),))
    found = weighted(model, tables, query, 40_000, 5)
    wanted = answer(model, tables, query)
    assert found.value.variables == wanted.variables
    assert (np.abs(found.value.array - wanted.array) < 5 * found.error.array).all()
    np.testing.assert_allclose(found.value.array.sum(axis=(0, 1)), 1)


def test_wide_variables() -> None:
    """Many values, with zeros between them: only what is possible is drawn."""
    X = Object("X", tuple(str(k) for k in range(1000)))
    model = CausalModel.from_edges(nodes=["X"], domains={"X": X.values or ()})
    p = np.zeros(1000)
    p[::7] = 1 / len(p[::7])
    found = weighted(model, {"x": Kernel((), (X,), p)}, Query((Term("X"),)), 200_000)
    assert (found.value.array[p == 0] == 0).all()
    assert (np.abs(found.value.array - p) <= 5 * found.error.array).all()
