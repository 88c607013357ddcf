"""Three ways to compute with tensors of probabilities: floats, logarithms of floats, and exact fractions.

Each keeps a tensor as entries and a common factor (`Tensor`), so that products of thousands of small numbers neither
underflow nor fill up with digits. All have the same operations (`Arithmetic`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from semantics.distribution import Array


class PrecisionError(ArithmeticError):
    """Positive numbers may have become zero: the computation has to be done in logarithms."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Entries and their common factor: `2 ** exponent` for floats, `factor` for fractions and rational functions.

    `low` and `high` bound the binary exponents of the positive entries.
    """

    array: Array
    exponent: int = 0
    factor: Any = Fraction(1)
    low: int = 0
    high: int = 0

    def arranged(self, array: Array) -> Tensor:
        """The same tensor with its entries in another arrangement."""
        return replace(self, array=array)


class Arithmetic(Protocol):
    """Loading, multiplying, summing and dividing tensors."""

    @property
    def exact(self) -> bool:
        """Whether it wants the exact entries of tables, and not floats."""

    @property
    def entry_bytes(self) -> int:
        """The memory that one entry takes, roughly."""

    @property
    def slowness(self) -> int:
        """How long a multiplication takes, compared with that of two floats: finding a better plan pays sooner."""

    @property
    def nil(self) -> float:
        """The entry that stands for zero."""

    def load(self, array: Array) -> Tensor:
        """A table of probabilities as a tensor."""

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        """The matrix products of shapes (b, i, k) and (b, k, j), one for each of b."""

    def total(self, tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
        """The sum over some axes."""

    def plus(self, left: Tensor, right: Tensor) -> Tensor:
        """The sum of two tensors of one shape."""

    def zeros(self, tensor: Tensor) -> Array:
        """Where the tensor is zero."""

    def values(self, tensor: Tensor) -> Array:
        """The numbers themselves."""

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        """The quotient of tensors whose shapes broadcast; `below` has no zeros."""

    def columns(self, joint: Array) -> tuple[Array, Array]:
        """A table divided by its sums over the last axis, uniform where such a sum is zero; and where that is."""


LOWEST = -1000  # float64 keeps full precision down to 2 ** -1022
HIGHEST = 1000  # and overflows at 2 ** 1024


def drawn_out(array: Array) -> tuple[Array, int, int]:
    """An array of floats with its largest entry between 1/2 and 1, the power of two that was drawn out for that, and
    the exact exponent of its smallest positive entry now: below 0, but 0 if no entry is positive.

    >>> drawn_out(np.array([8.0, 2.0]))
    (array([0.5  , 0.125]), 4, -3)
    """
    top = array.max()
    if top == 0:
        return array, 0, 0
    shift = math.frexp(top)[1]
    low = math.frexp(array.min(where=array > 0, initial=top))[1] - 1 - shift
    return (array if shift == 0 else np.ldexp(array, -shift)), shift, low


@dataclass(frozen=True)
class Floats:
    """float64 with a common power of two, drawn out whenever entries might leave the range of float64.

    Raises:
        PrecisionError: if entries of one tensor lie further apart than float64 can tell.
    """

    exact: bool = False
    entry_bytes: int = 12  # 8, and half as much again: operands are copied when they are normalised
    slowness: int = 1
    nil: float = 0.0

    def load(self, array: Array) -> Tensor:
        return self._normal(Tensor(array))

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        inner = left.array.shape[2]
        growth = inner.bit_length() if inner > 1 else 0
        if left.low + right.low < LOWEST or left.high + right.high + growth > HIGHEST:
            left, right = self._normal(left), self._normal(right)
            if left.low + right.low < LOWEST:
                raise PrecisionError
        array = left.array * right.array if inner == 1 else np.matmul(left.array, right.array)
        low, high = left.low + right.low, left.high + right.high + growth
        return Tensor(array, left.exponent + right.exponent, low=low, high=high)

    def total(self, tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
        growth = math.prod(tensor.array.shape[a] for a in axes).bit_length()
        if tensor.high + growth > HIGHEST:
            tensor = self._normal(tensor)
        return replace(tensor, array=np.asarray(tensor.array.sum(axis=axes)), high=tensor.high + growth)

    def plus(self, left: Tensor, right: Tensor) -> Tensor:
        one, other = sorted((self._normal(left), self._normal(right)), key=lambda t: -t.exponent)
        if not (one.array.any() and other.array.any()):
            return one if one.array.any() else other
        shift = other.exponent - one.exponent
        if other.low + shift < LOWEST:
            raise PrecisionError
        array = one.array + np.ldexp(other.array, shift)
        return Tensor(array, one.exponent, low=min(one.low, other.low + shift), high=1)

    def zeros(self, tensor: Tensor) -> Array:
        return np.asarray(tensor.array == 0)

    def values(self, tensor: Tensor) -> Array:
        numbers: Array = np.ldexp(tensor.array, tensor.exponent)
        return numbers

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        above, below = self._normal(above), self._normal(below)
        if above.low - 2 < LOWEST or below.low < LOWEST:
            raise PrecisionError
        quotient: Array = np.ldexp(above.array / below.array, above.exponent - below.exponent)
        return quotient

    def columns(self, joint: Array) -> tuple[Array, Array]:
        return _columns(joint.astype(np.float64), 1 / joint.shape[-1])

    def _normal(self, tensor: Tensor) -> Tensor:
        """The tensor with its largest entry between 1/2 and 1, and the exact exponent of its smallest."""
        moved, shift, low = drawn_out(tensor.array)
        return Tensor(moved, tensor.exponent + shift, low=low) if low else Tensor(moved)  # all zeros: no scale


@dataclass(frozen=True)
class Logarithms:
    """Binary logarithms of the entries, relative to a common power: slower, but whatever is positive stays positive."""

    exact: bool = False
    entry_bytes: int = 24
    slowness: int = 10
    nil: float = -math.inf

    def load(self, array: Array) -> Tensor:
        with np.errstate(divide="ignore"):
            return self._normal(Tensor(np.log2(array)))

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        one, other = left.array, right.array
        found = one[:, :, 0, None] + other[:, None, 0, :]
        for k in range(1, one.shape[2]):
            found = np.logaddexp2(found, one[:, :, k, None] + other[:, None, k, :])
        return self._normal(Tensor(found, left.exponent + right.exponent))

    def total(self, tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
        array = tensor.array
        for axis in sorted(axes, reverse=True):
            array = np.logaddexp2.reduce(array, axis=axis)
        return tensor.arranged(np.asarray(array))

    def plus(self, left: Tensor, right: Tensor) -> Tensor:
        most = max(left.exponent, right.exponent)
        one, other = left.array + (left.exponent - most), right.array + (right.exponent - most)
        return self._normal(Tensor(np.logaddexp2(one, other), most))

    def zeros(self, tensor: Tensor) -> Array:
        return np.asarray(np.isneginf(tensor.array))

    def values(self, tensor: Tensor) -> Array:
        numbers: Array = np.exp2(tensor.array + tensor.exponent)
        return numbers

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        quotient: Array = np.exp2(above.array - below.array + (above.exponent - below.exponent))
        return quotient

    def columns(self, joint: Array) -> tuple[Array, Array]:
        return _columns(joint.astype(np.float64), 1 / joint.shape[-1])

    def _normal(self, tensor: Tensor) -> Tensor:
        """The tensor with its largest entry near 1, where logarithms are precise."""
        top = tensor.array.max()
        if np.isneginf(top):
            return tensor
        shift = math.floor(top)
        return Tensor(tensor.array - shift, tensor.exponent + shift)


@dataclass(frozen=True)
class Fractions:
    """Whole numbers with a common fraction before them: exact, and without a gcd for every sum."""

    exact: bool = True
    entry_bytes: int = 96
    slowness: int = 100
    nil: int = 0

    def load(self, array: Array) -> Tensor:
        flat = [Fraction(p) for p in array.flat]
        denominator = math.lcm(*(p.denominator for p in flat))
        whole = _objects([p.numerator * (denominator // p.denominator) for p in flat], array.shape)
        return self._reduced(Tensor(whole, factor=Fraction(1, denominator)))

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        inner = left.array.shape[2]
        array = left.array * right.array if inner == 1 else np.matmul(left.array, right.array)
        return self._reduced(Tensor(array, factor=left.factor * right.factor))

    def total(self, tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
        summed = np.asarray(tensor.array.sum(axis=axes), dtype=object)
        return self._reduced(tensor.arranged(summed))

    def plus(self, left: Tensor, right: Tensor) -> Tensor:
        below = math.lcm(left.factor.denominator, right.factor.denominator)
        one, other = int(left.factor * below), int(right.factor * below)
        summed = np.asarray(left.array * one + right.array * other, dtype=object)
        return self._reduced(Tensor(summed, factor=Fraction(1, below)))

    def zeros(self, tensor: Tensor) -> Array:
        return np.asarray(tensor.array == 0, dtype=bool)

    def values(self, tensor: Tensor) -> Array:
        return _objects([n * tensor.factor for n in tensor.array.flat], tensor.array.shape)

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        factor = above.factor / below.factor
        one, other = np.broadcast_arrays(above.array, below.array)
        return _objects([Fraction(n, d) * factor for n, d in zip(one.flat, other.flat, strict=True)], one.shape)

    def columns(self, joint: Array) -> tuple[Array, Array]:
        return _columns(joint, Fraction(1, joint.shape[-1]))

    def _reduced(self, tensor: Tensor) -> Tensor:
        """The tensor with the greatest common divisor of its entries moved to the factor."""
        divisor = math.gcd(*tensor.array.flat)
        if divisor <= 1:
            return tensor
        smaller = np.asarray(tensor.array // divisor, dtype=object)  # a scalar would lose its type
        return Tensor(smaller, factor=tensor.factor * divisor)


def _columns(joint: Array, share: Any) -> tuple[Array, Array]:
    sums = np.asarray(joint.sum(axis=-1, keepdims=True), dtype=joint.dtype)
    holes = np.asarray(sums == 0, dtype=bool)
    return np.where(holes, share, joint / np.where(holes, share, sums)), holes[..., 0]


def _objects(entries: list[int] | list[Fraction], shape: tuple[int, ...]) -> Array:
    made = np.empty(len(entries), dtype=object)
    made[:] = entries
    return made.reshape(shape)
