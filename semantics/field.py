"""The finite field GF(p): exact arithmetic on whole numbers modulo a prime, fast on whole arrays.

Two rational functions that agree at a random point of the field agree everywhere, up to an error that is known
(Schwartz 1980, Zippel 1979): so claims about all models of a shape are decided here without any tolerance.

>>> field = Field()
>>> table = field.load(np.array([[2, 3]], dtype=np.int64))
>>> field.ratio(table, field.load(np.array([[4, 4]], dtype=np.int64))).tolist()  # 2/4 and 3/4, modulo p
[[1073741824, 1610612736]]
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from semantics.arithmetic import Tensor
from semantics.distribution import Array

PRIMES = (2**31 - 1, 2**31 - 19, 2**31 - 61)
"""Primes below 2 ** 31: the product of two members fits in 64 bits."""


@dataclass(frozen=True)
class Field:
    """Arithmetic modulo the prime `p`, which is less than 2 ** 31; entries are int64 from 0 to p - 1."""

    p: int = PRIMES[0]
    exact: bool = True
    entry_bytes: int = 24
    slowness: int = 5
    nil: int = 0

    def load(self, array: Array) -> Tensor:
        if array.dtype == np.int64:
            return Tensor(array)
        members = [self.member(Fraction(x)) for x in array.flat]
        return Tensor(np.array(members, dtype=np.int64).reshape(array.shape))

    def member(self, number: Fraction) -> int:
        """The member of the field that stands for a fraction.

        Raises:
            ZeroDivisionError: if `p` divides its denominator.
        """
        below = number.denominator % self.p
        if not below:
            raise ZeroDivisionError(f"the denominator of {number} is a multiple of {self.p}")
        return number.numerator % self.p * pow(below, -1, self.p) % self.p

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        one, other = left.array, right.array
        found = one[:, :, 0, None] * other[:, None, 0, :] % self.p
        for k in range(1, one.shape[2]):
            found = (found + one[:, :, k, None] * other[:, None, k, :]) % self.p
        return Tensor(found)

    def total(self, tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
        return tensor.arranged(np.asarray(tensor.array.sum(axis=axes) % self.p))

    def plus(self, left: Tensor, right: Tensor) -> Tensor:
        return Tensor(np.asarray((left.array + right.array) % self.p))

    def zeros(self, tensor: Tensor) -> Array:
        return np.asarray(tensor.array == 0)

    def values(self, tensor: Tensor) -> Array:
        return tensor.array

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        return above.array * self.inverse(below.array) % self.p

    def columns(self, joint: Array) -> tuple[Array, Array]:
        sums = joint.sum(axis=-1, keepdims=True) % self.p
        share = self.member(Fraction(1, joint.shape[-1]))
        return np.where(sums == 0, share, joint * self.inverse(sums) % self.p), sums[..., 0] == 0

    def inverse(self, array: Array) -> Array:
        """The inverse of every entry, by Fermat's little theorem; of zero it is zero."""
        found, power, left = np.ones_like(array), array, self.p - 2
        while left:
            if left & 1:
                found = found * power % self.p
            power = power * power % self.p
            left >>= 1
        return found


@dataclass(frozen=True)
class FieldNumbers:
    """Members of the field as numbers of formulas (`semantics.evaluate.Numbers`)."""

    field: Field

    def constant(self, value: Fraction, exact: bool) -> Array:
        return np.array(self.field.member(value), dtype=np.int64)

    def combine(self, op: str, left: Array, right: Array) -> Array:
        p = self.field.p
        match op:
            case "+":
                return np.asarray((left + right) % p)
            case "-":
                return np.asarray((left - right) % p)
            case "*":
                return np.asarray(left * right % p)
            case _:
                return np.asarray(left * self.field.inverse(right) % p)

    def power(self, base: Array, exponent: int) -> Array:
        found = np.ones_like(base)
        factor = self.field.inverse(base) if exponent < 0 else base
        for _ in range(abs(exponent)):
            found = found * factor % self.field.p
        return found

    def total(self, array: Array, axes: tuple[int, ...]) -> Array:
        return np.asarray(array.sum(axis=axes) % self.field.p)

    def divides(self, array: Array) -> bool:
        return not (array == 0).any()
