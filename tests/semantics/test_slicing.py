"""Contractions in slices: the same sum in every arithmetic, tables that fit, and refusals with numbers."""

from __future__ import annotations

import random
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Symbol

from semantics.answer import answer
from semantics.arithmetic import Arithmetic, Floats, Fractions, Logarithms, PrecisionError, Tensor
from semantics.contract import contract
from semantics.field import Field
from semantics.network import Factor, Network
from semantics.plan import plan
from semantics.polynomials import Polynomials, field_of, member
from semantics.possibility import Booleans
from semantics.slicing import LONGEST, Slices, find_slices, in_slices, run_slices
from semantics.strategies import models
from strings.diagnostic import LimitError
from tests.semantics.brute import brute_answer, in_floats, left_free_twice, random_query, random_tables
from tests.semantics.test_network import by_enumeration, grid, networks


def run(planned, network, arithmetic):  # type: ignore[no-untyped-def]
    from semantics.contract import run as carry_out

    return carry_out(planned, network, arithmetic)


def sliced(network: Network, fixed: tuple[int, ...]) -> Slices:
    left = [tuple(x for x in f.indices if x not in fixed) for f in network.factors]
    count = int(np.prod([network.sizes[x] for x in fixed], dtype=int))
    return Slices(fixed, count, plan(left, network.output, network.sizes))


@settings(max_examples=150, deadline=None)
@given(networks(), st.integers(0, 10**6))
def test_slices_add_up_in_every_arithmetic(network: Network, seed: int) -> None:
    """Whichever indices are fixed, the sum of the slices is what enumeration gives: exactly in fractions, in a finite
    field, in truth values and with symbols, and nearly in floats and logarithms."""
    rnd = random.Random(seed)
    inner = sorted({x for f in network.factors for x in f.indices}.difference(network.output))
    slices = sliced(network, tuple(sorted(rnd.sample(inner, rnd.randint(0, min(3, len(inner)))))))
    wanted = by_enumeration(network)

    def found(arithmetic: Arithmetic) -> np.ndarray:  # type: ignore[type-arg]
        return arithmetic.values(run_slices(slices, network, arithmetic, run, None))

    assert np.array_equal(found(Fractions()), wanted)
    field = Field()
    assert np.array_equal(found(field), np.vectorize(field.member, otypes=[np.int64])(wanted))
    assert np.array_equal(found(Booleans()), wanted != 0)
    functions = field_of([Symbol("p")])
    symbols = found(Polynomials(functions))
    assert all(x == member(functions, y) for x, y in zip(symbols.flat, wanted.flat, strict=True))
    floats = tuple(Factor(f.array.astype(float), f.indices) for f in network.factors)
    network = Network(network.sizes, network.names, floats, network.output)
    for arithmetic in (Floats(), Logarithms()):
        np.testing.assert_allclose(found(arithmetic), wanted.astype(float), rtol=1e-12, atol=0)


@settings(max_examples=12, deadline=None)
@given(st.integers(4, 9), st.integers(2, 3), st.floats(0.15, 0.9))
def test_slices_fit(width: int, values: int, share: float) -> None:
    """What is found keeps to the room, is the same every time, and never fixes what is asked for."""
    network = grid(width if values == 2 else min(width, 6), values)
    inputs = [f.indices for f in network.factors]
    planned = plan(inputs, network.output, network.sizes)
    room = int(planned.peak * share)
    found = find_slices(inputs, network.output, network.sizes, planned, room)
    assert found == find_slices(inputs, network.output, network.sizes, planned, room)
    if found is not None:
        assert found.plan.peak + 2 * values <= room or found.seconds(1) > LONGEST
        assert not set(found.indices) & set(network.output)
        assert found.count == values ** len(found.indices)


@settings(max_examples=60, deadline=None)
@given(models(min_size=4, max_size=6), st.integers(0, 10**6))
def test_questions_are_answered_in_slices_as_they_are_whole(model, seed: int) -> None:  # type: ignore[no-untyped-def]
    """With hardly any memory, any question has the same answer or is refused, in fractions and in floats."""
    rnd = random.Random(seed)
    tables = random_tables(model, rnd)
    query = random_query(model, tables, rnd)
    if left_free_twice(query) or (wanted := brute_answer(model, tables, query)) is None:
        return
    for bytes_of_entry, exact in ((160, True), (12, False)):
        for entries in (20, 40):
            with in_slices():
                try:
                    limit = entries * bytes_of_entry
                    numbers = tables if exact else in_floats(tables)
                    found = answer(model, numbers, query, exact=exact, max_memory=limit)
                except LimitError:
                    continue
            if exact:
                assert found == wanted
            else:
                np.testing.assert_allclose(found.array, wanted.array.astype(float), atol=1e-12, rtol=0)


def test_slices_are_counted() -> None:
    """Progress is told up to the last slice; without slices the same question is refused."""
    network = grid(10)
    told: list[tuple[int, int]] = []
    whole = Floats().values(contract(network, Floats()))
    with pytest.raises(LimitError):
        contract(network, Floats(), 12_000)
    with in_slices(lambda done, total: told.append((done, total))):
        np.testing.assert_allclose(Floats().values(contract(network, Floats(), 12_000)), whole, rtol=1e-12)
    assert told[-1][0] == told[-1][1] > 1
    assert told == sorted(told)


def test_hopeless_slices_are_refused_with_numbers() -> None:
    with in_slices(), pytest.raises(LimitError) as refused:
        contract(grid(40), Floats())
    d = refused.value.diagnostic
    assert d.code == "L003"
    assert "years" in d.message
    assert "of them, or more" in d.notes[0]


@pytest.mark.parametrize(("width", "values"), [(40, 2), (15, 4)])
def test_wide_grids_are_refused_at_once(width: int, values: int) -> None:
    """In less than a second, naming memory, work, the widest table, and what else can be done."""
    network = grid(width, values)
    start = time.perf_counter()
    with pytest.raises(LimitError) as refused:
        contract(network, Floats())
    assert time.perf_counter() - start < 1
    d = refused.value.diagnostic
    assert d.code == "L001"
    assert "iB of memory" in d.message
    assert d.notes[0].startswith("the widest table is over ")
    assert "multiplications" in d.notes[1]
    assert any("--slice" in h for h in d.help)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=3, max_size=3), st.integers(-3000, 3000), st.integers(-3000, 3000))
def test_floats_and_logarithms_add_whatever_their_scale(entries: list[int], one: int, other: int) -> None:
    """A sum keeps its scale; where float64 would lose what is positive it says so, and logarithms take over."""
    array = np.array(entries, dtype=float)
    left, right = Tensor(array, one, high=4), Tensor(array[::-1].copy(), other, high=4)
    exact = [
        Fraction(a) * Fraction(2) ** one + Fraction(b) * Fraction(2) ** other
        for a, b in zip(entries, entries[::-1], strict=True)
    ]
    logs = [Logarithms()._normal(Tensor(_log(t.array), t.exponent)) for t in (left, right)]
    summed = Logarithms().plus(*logs)
    for at, p in enumerate(exact):
        assert bool(Logarithms().zeros(summed)[at]) == (p == 0)
        if p:
            assert abs(summed.array[at] + summed.exponent - _log2(p)) < 1e-9
    try:
        found = Floats().plus(left, right)
    except PrecisionError:
        assert abs(one - other) > 900
        return
    for at, p in enumerate(exact):
        number = Fraction(float(found.array[at])) * Fraction(2) ** found.exponent
        assert abs(number - p) <= p / 10**12


def _log(array: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    with np.errstate(divide="ignore"):
        return np.log2(array)


def _log2(p: Fraction) -> float:
    shift = p.numerator.bit_length() - p.denominator.bit_length()
    return float(np.log2(float(p / Fraction(2) ** shift))) + shift
