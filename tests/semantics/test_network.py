"""Tensor networks: every plan gives the same numbers, its cost is told truly, and all arithmetics agree."""

from __future__ import annotations

import random
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.arithmetic import Arithmetic, Floats, Fractions, Logarithms, PrecisionError
from semantics.contract import check_answer_size, contract, run, show_bytes
from semantics.network import Factor, Network
from semantics.order import Score, elimination_path, greedy_path, random_greedy_path
from semantics.plan import Plan, _search, follow, plan
from strings.diagnostic import LimitError
from tests.cutwire.command import ROOT, outputs


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


def inputs_of(network: Network) -> list[tuple[int, ...]]:
    return [f.indices for f in network.factors]


def followed(network: Network, path: list[tuple[int, int]]) -> Plan:
    return follow(inputs_of(network), network.output, network.sizes, path)


def planned_for(network: Network, slowness: int = 1, room: int | None = None) -> Plan:
    return plan(inputs_of(network), network.output, network.sizes, slowness, room)


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
    assert np.array_equal(exact.values(run(followed(network, path), network, exact)), wanted)
    assert np.array_equal(exact.zeros(contract(network, exact)), wanted == 0)
    inexact: list[Arithmetic] = [Floats(), Logarithms()]
    for arithmetic in inexact:
        found = arithmetic.values(run(followed(floating(network), path), floating(network), arithmetic))
        np.testing.assert_allclose(found, wanted.astype(float), rtol=1e-12, atol=0)


@settings(max_examples=150, deadline=None)
@given(networks(), st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([None, 0, 1]))
def test_greedy_orders_give_the_same(network: Network, costmod: float, seed: int | None) -> None:
    """So does an order found by greedy search: scalars, tensors alone, and parts that do not hang together included."""
    inputs = inputs_of(network)
    if seed is None:
        path = greedy_path(inputs, network.output, network.sizes, costmod)
    else:
        path = random_greedy_path(inputs, network.output, network.sizes, 4, seed)
    assert sorted(t for pair in path for t in pair) == list(range(2 * len(inputs) - 2))
    exact = Fractions()
    assert np.array_equal(exact.values(run(followed(network, path), network, exact)), by_enumeration(network))


def grid(width: int, values: int = 2) -> Network:
    """A square grid in which every variable hears its two neighbours; asked for is the last one."""
    factors = []
    for i in range(width):
        for j in range(width):
            heard = [a * width + b for a, b in ((i - 1, j), (i, j - 1)) if a >= 0 and b >= 0]
            shape = (values,) * (len(heard) + 1)
            factors.append(Factor(np.broadcast_to(np.array(0.5), shape), (*heard, i * width + j)))
    last = width * width - 1
    return Network((values,) * (last + 1), tuple(f"V{k}" for k in range(last + 1)), tuple(factors), (last,))


@pytest.mark.parametrize(("width", "slowness"), [(10, 1), (14, 1), (18, 1), (10, 100), (14, 100)])
def test_plans_are_no_slower_than_a_sweep(width: int, slowness: int) -> None:
    """On a grid one can go along the rows; with little room that is what is done, or something as lean."""
    network = grid(width)
    inputs = [f.indices for f in network.factors]
    sweep = followed(network, elimination_path(inputs, network.output, network.sizes, "number"))
    planned = planned_for(network, slowness)
    if slowness == 1:  # matrix products are fast: what counts is what is read and written
        assert planned.work / 10 + planned.moved < 1.1 * max(sweep.work / 10 + sweep.moved, 5 * 10**7)
    else:
        assert planned.work <= max(sweep.work, 10**6)
    assert planned_for(network, slowness, sweep.peak).peak <= sweep.peak


def test_planning_takes_a_part_of_the_time() -> None:
    """Where an order is fast, nothing else is tried; where none is, some more, but not for long."""
    for network, most in ((grid(4), 1), (grid(10), 3), (grid(60), 20)):
        inputs = tuple(inputs_of(network))
        with patch("semantics.plan.follow", wraps=follow) as tried:
            _search(inputs, network.output, network.sizes, 1, None)
        assert tried.call_count <= most


def test_plans_do_not_hang_on_the_hash_seed() -> None:
    """Greedy search draws the same numbers in every process."""
    text = "from tests.semantics.test_network import *\n"
    text += "n = grid(7)\n"
    text += "print(greedy_path(inputs_of(n), n.output, n.sizes))\n"
    text += "for s in (0, 1): print(random_greedy_path(inputs_of(n), n.output, n.sizes, 8, s))\n"
    text += "print(planned_for(grid(12, 3), slowness=20))\n"
    assert len(outputs(text, ROOT, range(3))) == 1


def test_cost_is_known_beforehand() -> None:
    """Two matrices: the work is that of the product, the peak counts both and the result."""
    a, b = np.ones((2, 3)), np.ones((3, 5))
    network = Network((2, 3, 5), ("A", "B", "C"), (Factor(a, (0, 1)), Factor(b, (1, 2))), (0, 2))
    planned = planned_for(network)
    assert (planned.work, planned.peak, planned.moved) == (30, 6 + 15 + 10, 6 + 15 + 10)
    assert planned.widest == (1, 2)


def test_plans_do_not_change() -> None:
    """The plan of a network is the same every time, also where random orders are tried."""
    rnd = random.Random(5)
    edges = [tuple(sorted(rnd.sample(range(30), 3))) for _ in range(60)]
    factors = tuple(Factor(np.broadcast_to(np.array(0.5), (4, 4, 4)), e) for e in edges)
    network = Network((4,) * 30, tuple(f"V{k}" for k in range(30)), factors, ())
    assert planned_for(network) == planned_for(network)


def test_better_orders_are_looked_for() -> None:
    """Where the first order is dear, the plan is at most as dear as those by fill-in."""
    rnd = random.Random(6)
    edges = [tuple(sorted(rnd.sample(range(25), 2))) for _ in range(45)]
    factors = tuple(Factor(np.broadcast_to(np.array(0.5), (9, 9)), e) for e in edges)
    network = Network((9,) * 25, tuple(f"V{k}" for k in range(25)), factors, ())
    inputs = [f.indices for f in factors]
    fill = followed(network, elimination_path(inputs, (), network.sizes, "fill"))
    best = planned_for(network, slowness=100)
    assert 100 * best.work + best.moved + best.peak <= 100 * fill.work + fill.moved + fill.peak


def test_floats_notice_what_they_cannot_hold() -> None:
    """Entries further apart than float64 can tell are an error, not a zero; logarithms hold them."""
    wide = Factor(np.array([1.0, 2.0**-600]), (0,))
    network = Network((2,), ("A",), (wide, wide, Factor(np.array([0.0, 1.0]), (0,))), (0,))
    path = [(0, 1), (3, 2)]
    with pytest.raises(PrecisionError):
        run(followed(network, path), network, Floats())
    held = run(followed(network, path), network, Logarithms())
    assert held.array[1] + held.exponent == -1200


def test_many_small_factors_do_not_underflow() -> None:
    """A product of ten thousand small numbers keeps its value."""
    factors = tuple(Factor(np.array([0.25, 0.125]), (0,)) for _ in range(300))
    network = Network((2,), ("A",), factors, (0,))
    found = contract(network, Floats())
    assert found.array[0] * 2.0 ** (found.exponent + 600) == 1.0


def test_bounds_of_an_answer() -> None:
    """Too much memory is L001, too many axes of one value each L003, and no size is too large to be told."""
    check_answer_size([1] * 32, 8, None)
    for sizes, code in (([1] * 33, "L003"), ([2] * 40, "L001"), ([2] * 5000, "L001"), ([3] * 20_000, "L001")):
        with pytest.raises(LimitError) as refused:
            check_answer_size(sizes, 8, 2**30)
        assert refused.value.diagnostic.code == code
    assert show_bytes(2**20_000).endswith(" YiB")


def test_a_plan_too_large_for_any_machine_is_refused() -> None:
    """However much it would need, the refusal says so, and names what to do."""
    n = 3000
    every = Factor(np.broadcast_to(np.array(0.5), (2, 2)), (0, 1))
    pairs = tuple(Factor(every.array, (i, i + 1)) for i in range(n - 1))
    network = Network((2,) * n, tuple(f"V{k}" for k in range(n)), pairs, tuple(range(n)))
    with pytest.raises(LimitError) as refused:
        contract(network, Floats())
    assert refused.value.diagnostic.code == "L001"
