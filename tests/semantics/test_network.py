"""Tensor networks: every plan gives the same numbers, its cost is told truly, and all arithmetics agree."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.arithmetic import Arithmetic, Floats, Fractions, Logarithms, PrecisionError
from semantics.contract import contract, run
from semantics.network import Factor, Network
from semantics.order import Score, elimination_path
from semantics.plan import follow, plan


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A random network of fractions with zeros, hyperedges and scalars among its factors."""
    sizes = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=6)))
    rnd = random.Random(draw(st.integers(0, 10**6)))
    factors = []
    for _ in range(draw(st.integers(1, 6))):
        indices = tuple(rnd.sample(range(len(sizes)), rnd.randint(0, min(3, len(sizes)))))
        shape = [sizes[x] for x in indices]
        array = np.empty(shape, dtype=object)
        for at in np.ndindex(*shape):
            array[at] = Fraction(rnd.randint(0, 6), 6)
        factors.append(Factor(array, indices))
    used = sorted({x for f in factors for x in f.indices})
    output = tuple(rnd.sample(used, rnd.randint(0, min(2, len(used)))))
    return Network(sizes, tuple(f"V{k}" for k in range(len(sizes))), tuple(factors), output)


def by_enumeration(network: Network) -> np.ndarray:  # type: ignore[type-arg]
    """The contraction, one assignment after the other; indices that no factor has are not summed."""
    used = sorted({x for f in network.factors for x in f.indices})
    result = np.full([network.sizes[x] for x in network.output], Fraction(0), dtype=object)
    for at in np.ndindex(*[network.sizes[x] for x in used]):
        value = dict(zip(used, at, strict=True))
        p = Fraction(1)
        for f in network.factors:
            p *= f.array[tuple(value[x] for x in f.indices)]
        result[tuple(value[x] for x in network.output)] += p
    return result


def floating(network: Network) -> Network:
    factors = tuple(Factor(f.array.astype(float), f.indices) for f in network.factors)
    return Network(network.sizes, network.names, factors, network.output)


@settings(max_examples=150, deadline=None)
@given(networks(), st.sampled_from(["weight", "fill", "weighted fill", "number"]), st.sampled_from([None, 0, 1]))
def test_every_order_gives_the_same(network: Network, score: Score, seed: int | None) -> None:
    """Contraction equals enumeration, whatever the order, exactly and in both kinds of floats."""
    wanted = by_enumeration(network)
    path = elimination_path([f.indices for f in network.factors], network.output, network.sizes, score, seed)
    exact = Fractions()
    assert np.array_equal(exact.values(run(follow(network, path), network, exact)), wanted)
    assert np.array_equal(exact.zeros(contract(network, exact)), wanted == 0)
    inexact: list[Arithmetic] = [Floats(), Logarithms()]
    for arithmetic in inexact:
        found = arithmetic.values(run(follow(floating(network), path), floating(network), arithmetic))
        np.testing.assert_allclose(found, wanted.astype(float), rtol=1e-12, atol=0)


def test_cost_is_known_beforehand() -> None:
    """Two matrices: the work is that of the product, the peak counts both and the result."""
    a, b = np.ones((2, 3)), np.ones((3, 5))
    network = Network((2, 3, 5), ("A", "B", "C"), (Factor(a, (0, 1)), Factor(b, (1, 2))), (0, 2))
    planned = plan(network)
    assert (planned.work, planned.peak) == (30, 6 + 15 + 10)
    assert planned.widest == ("B", "C")


def test_plans_do_not_change() -> None:
    """The plan of a network is the same every time, also where random orders are tried."""
    rnd = random.Random(5)
    edges = [tuple(sorted(rnd.sample(range(30), 3))) for _ in range(60)]
    factors = tuple(Factor(np.broadcast_to(np.array(0.5), (4, 4, 4)), e) for e in edges)
    network = Network((4,) * 30, tuple(f"V{k}" for k in range(30)), factors, ())
    assert plan(network) == plan(network)


def test_better_orders_are_looked_for() -> None:
    """Where the first order is dear, the plan is at most as dear as those by fill-in."""
    rnd = random.Random(6)
    edges = [tuple(sorted(rnd.sample(range(25), 2))) for _ in range(45)]
    factors = tuple(Factor(np.broadcast_to(np.array(0.5), (9, 9)), e) for e in edges)
    network = Network((9,) * 25, tuple(f"V{k}" for k in range(25)), factors, ())
    inputs = [f.indices for f in factors]
    fill = follow(network, elimination_path(inputs, (), network.sizes, "fill"))
    best = plan(network, slowness=100)
    assert best.work + 4 * best.peak <= fill.work + 4 * fill.peak


def test_floats_notice_what_they_cannot_hold() -> None:
    """Entries further apart than float64 can tell are an error, not a zero; logarithms hold them."""
    wide = Factor(np.array([1.0, 2.0**-600]), (0,))
    network = Network((2,), ("A",), (wide, wide, Factor(np.array([0.0, 1.0]), (0,))), (0,))
    path = [(0, 1), (3, 2)]
    with pytest.raises(PrecisionError):
        run(follow(network, path), network, Floats())
    held = run(follow(network, path), network, Logarithms())
    assert held.array[1] + held.exponent == -1200


def test_many_small_factors_do_not_underflow() -> None:
    """A product of ten thousand small numbers keeps its value."""
    factors = tuple(Factor(np.array([0.25, 0.125]), (0,)) for _ in range(300))
    network = Network((2,), ("A",), factors, (0,))
    found = contract(network, Floats())
    assert found.array[0] * 2.0 ** (found.exponent + 600) == 1.0
