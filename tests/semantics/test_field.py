"""Arithmetic modulo a prime, against Python's whole numbers and fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantics.arithmetic import Tensor
from semantics.field import PRIMES, Field, FieldNumbers

MEMBERS = st.sampled_from(PRIMES).flatmap(
    lambda p: st.tuples(
        st.just(p), st.lists(st.one_of(st.integers(0, p - 1), st.sampled_from((0, 1, p - 1))), min_size=4, max_size=4)
    )
)


def array(*entries: int) -> np.ndarray:
    return np.array(entries, dtype=np.int64)


def test_primes() -> None:
    """They are primes below 2 ** 31, so that products fit in 64 bits (Miller, Rabin: exact for numbers this small)."""
    for p in PRIMES:
        assert p < 2**31
        odd, twos = p - 1, 0
        while odd % 2 == 0:
            odd, twos = odd // 2, twos + 1
        for base in (2, 3, 5, 7):
            power = pow(base, odd, p)
            assert power in (1, p - 1) or any(pow(power, 2**k, p) == p - 1 for k in range(twos))

    assert len(set(PRIMES)) == len(PRIMES) >= 2


@given(MEMBERS)
def test_it_is_the_field(drawn: tuple[int, list[int]]) -> None:
    """Sums, differences, products, quotients and powers are those of whole numbers modulo p."""
    p, (a, b, c, d) = drawn
    numbers = FieldNumbers(Field(p))
    left, right = array(a, b), array(c, d)

    assert numbers.combine("+", left, right).tolist() == [(a + c) % p, (b + d) % p]
    assert numbers.combine("-", left, right).tolist() == [(a - c) % p, (b - d) % p]
    assert numbers.combine("*", left, right).tolist() == [a * c % p, b * d % p]
    assert numbers.power(left, 3).tolist() == [a**3 % p, b**3 % p]
    if c and d:
        assert numbers.combine("/", left, right).tolist() == [a * pow(c, -1, p) % p, b * pow(d, -1, p) % p]
        assert numbers.power(right, -2).tolist() == [pow(c, -2, p), pow(d, -2, p)]
    assert numbers.total(np.array([[a, b], [c, d]], dtype=np.int64), (0,)).tolist() == [(a + c) % p, (b + d) % p]


@given(MEMBERS)
def test_inverses(drawn: tuple[int, list[int]]) -> None:
    """Times its inverse a member is 1; the inverse of zero is zero."""
    p, entries = drawn
    entries = [*entries, 0]
    found = Field(p).inverse(array(*entries))

    assert [x * y % p for x, y in zip(entries, found.tolist(), strict=True)] == [int(x != 0) for x in entries]


@given(st.integers(2, 40), st.sampled_from(PRIMES), st.data())
def test_products_of_large_members(n: int, p: int, data: st.DataObject) -> None:
    """A long matrix product of the largest members does not overflow."""
    entries = data.draw(st.lists(st.integers(p - 5, p - 1), min_size=2 * n, max_size=2 * n))
    left, right = array(*entries[:n]).reshape(1, 1, n), array(*entries[n:]).reshape(1, n, 1)
    found = Field(p).product(Tensor(left), Tensor(right)).array

    assert found.tolist() == [[[sum(a * b for a, b in zip(entries[:n], entries[n:], strict=True)) % p]]]


@given(st.fractions(max_denominator=10**9), st.fractions(max_denominator=10**9))
def test_fractions_are_carried_over(one: Fraction, other: Fraction) -> None:
    """What fractions add and multiply to, their members do."""
    field = Field()
    p = field.p

    assert field.member(one + other) == (field.member(one) + field.member(other)) % p
    assert field.member(one * other) == field.member(one) * field.member(other) % p


def test_denominators_of_the_prime() -> None:
    """A fraction whose denominator the prime divides has no member."""
    with pytest.raises(ZeroDivisionError):
        Field(PRIMES[1]).member(Fraction(1, 2 * PRIMES[1]))


def test_columns() -> None:
    """A joint is divided by its sums; a column whose sum is zero is uniform, and told apart."""
    field = Field()
    joint = np.array([[1, 3], [0, 0], [5, field.p - 5]], dtype=np.int64)
    columns, holes = field.columns(joint)
    half, quarter = field.member(Fraction(1, 2)), field.member(Fraction(1, 4))

    assert columns.tolist() == [[quarter, 3 * quarter % field.p], [half, half], [half, half]]
    assert holes.tolist() == [False, True, True]
    assert (columns.sum(axis=-1) % field.p == 1).all()


def test_tables_are_loaded() -> None:
    """Fractions become members; members stay."""
    field = Field()
    fractions = np.array([Fraction(1, 2), Fraction(0)], dtype=object)

    assert field.load(fractions).array.tolist() == [field.member(Fraction(1, 2)), 0]
    assert field.load(array(5, 0)).array.tolist() == [5, 0]
    assert field.zeros(Tensor(array(0, 7))).tolist() == [True, False]
