"""Polynomials and rational functions as numbers: tables are contracted with sympy's sparse polynomials.

A table of rational functions becomes a table of polynomials with whole coefficients and one common factor, so that
multiplying and summing takes no greatest common divisor; these are taken once, when the answer is divided. What was
divided by is kept, since it must not vanish where the answer is to hold.

>>> from sympy import Symbol
>>> field = field_of([Symbol("p"), Symbol("q")])
>>> p, q = field.gens
>>> numbers = Polynomials(field)
>>> row = numbers.load(objects([p / q, 1 - p / q], (2,)))
>>> row.array.tolist(), row.factor
([p, -p + q], 1/q)
>>> numbers.values(numbers.total(row, (0,)))[()]
1
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from semantics.arithmetic import Tensor
from semantics.distribution import Array
from strings.diagnostic import Diagnostic, LimitError

_MOST_TERMS = 2_000_000
_MOST_POWER_TERMS = 20_000
_MOST_CANCELLED = 60_000_000  # products of the terms above and below, beyond which no common divisor is looked for


def field_of(generators: Sequence[Any]) -> Any:
    """The field of rational functions of some symbols with whole coefficients (`sympy.polys.fields.FracField`)."""
    from sympy import ZZ, Dummy
    from sympy.polys.fields import FracField

    return FracField(tuple(generators) or (Dummy("none"),), ZZ)


def member(functions: Any, x: Any) -> Any:
    """A fraction, a whole number or a member of the field as a member of the field."""
    if isinstance(x, Fraction):
        return functions.raw_new(functions.ring(x.numerator), functions.ring(x.denominator))
    return functions(x) if isinstance(x, int) else x


def quotient(functions: Any, above: Any, below: Any) -> Any:
    """The quotient of two polynomials, reduced unless they are very large."""
    if _terms(above) * _terms(below) > _MOST_CANCELLED:
        return functions.raw_new(above, below)
    return functions.new(above, below)


def objects(entries: Iterable[Any], shape: Sequence[int]) -> Array:
    """An array of any objects, in the order of its entries."""
    listed = list(entries)
    made = np.empty(len(listed), dtype=object)
    made[:] = listed
    return made.reshape(tuple(shape))


def _terms(p: Any) -> int:
    return len(p) if isinstance(p, dict) else 1


@dataclass(frozen=True)
class Polynomials:
    """An arithmetic of tables (`semantics.arithmetic.Arithmetic`) whose numbers are members of a field of `field_of`.

    `divisors` are the polynomials that something was divided by, in order.

    Raises:
        LimitError: L003 if a table on the way has too many terms.
    """

    functions: Any
    divisors: dict[Any, None] = field(default_factory=dict)
    exact: bool = True
    entry_bytes: int = 4096
    slowness: int = 10_000
    nil: int = 0

    def load(self, array: Array) -> Tensor:
        members = [member(self.functions, x) for x in array.flat]
        below = list(dict.fromkeys(x.denom for x in members))
        common = reduce(lambda a, b: a.lcm(b), below, self.functions.ring.one)
        factors = {d: common.exquo(d) for d in below}
        whole = objects([x.numer * factors[x.denom] for x in members], array.shape)
        return Tensor(whole, factor=self.functions.raw_new(self.functions.ring.one, common))

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        inner = left.array.shape[2]
        made = left.array * right.array if inner == 1 else np.matmul(left.array, right.array)
        self._check(made)
        return Tensor(made, factor=left.factor * right.factor)

    def total(self, tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
        return tensor.arranged(np.asarray(tensor.array.sum(axis=axes), dtype=object))

    def plus(self, left: Tensor, right: Tensor) -> Tensor:
        common = left.factor.denom.lcm(right.factor.denom)
        one, other = (t.array * (t.factor.numer * common.exquo(t.factor.denom)) for t in (left, right))
        made = np.asarray(one + other, dtype=object)
        self._check(made)
        return Tensor(made, factor=self.functions.raw_new(self.functions.ring.one, common))

    def zeros(self, tensor: Tensor) -> Array:
        return np.asarray(tensor.array == 0, dtype=bool)

    def values(self, tensor: Tensor) -> Array:
        ring, factor = self.functions.ring, tensor.factor
        found = (quotient(self.functions, ring(n) * factor.numer, factor.denom) for n in tensor.array.flat)
        return objects(found, tensor.array.shape)

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        ring, factor = self.functions.ring, above.factor / below.factor
        self.divisors.update(dict.fromkeys(ring(d) for d in below.array.flat))
        one, other = np.broadcast_arrays(above.array, below.array)
        pairs = zip(one.flat, other.flat, strict=True)
        found = (quotient(self.functions, ring(n) * factor.numer, ring(d) * factor.denom) for n, d in pairs)
        return objects(found, one.shape)

    def columns(self, joint: Array) -> tuple[Array, Array]:
        sums = np.asarray(joint.sum(axis=-1, keepdims=True), dtype=object)
        holes = np.asarray(sums == 0, dtype=bool)
        self.divisors.update(dict.fromkeys(s.numer for s in sums.flat if s))
        share = member(self.functions, Fraction(1, joint.shape[-1]))
        return np.where(holes, share, joint / np.where(holes, self.functions(1), sums)), holes[..., 0]

    def _check(self, array: Array) -> None:
        terms = sum(map(_terms, array.flat))
        if terms > _MOST_TERMS:
            raise LimitError(
                Diagnostic(
                    "L003",
                    f"formulas with {terms:,} terms are too large",
                    notes=(f"the limit is {_MOST_TERMS:,}",),
                    help=("give some of the parameters a value, and ask in numbers",),
                )
            )


@dataclass(frozen=True)
class RationalFunctions:
    """Members of the same field as the numbers of formulas (`semantics.evaluate.Numbers`)."""

    polynomials: Polynomials

    def constant(self, value: Fraction, exact: bool) -> Array:
        return objects([member(self.polynomials.functions, value)], ())

    def combine(self, op: str, left: Array, right: Array) -> Array:
        match op:
            case "+":
                return np.asarray(left + right, dtype=object)
            case "-":
                return np.asarray(left - right, dtype=object)
            case "*":
                return np.asarray(left * right, dtype=object)
            case _:
                self._divided(right)
                return np.asarray(left / right, dtype=object)

    def power(self, base: Array, exponent: int) -> Array:
        if exponent < 0:
            self._divided(base)
        largest = max(max(_terms(b.numer), _terms(b.denom)) for b in base.flat)
        if math.comb(largest - 1 + abs(exponent), abs(exponent)) > _MOST_POWER_TERMS:
            message = f"a power of {exponent} of a formula with {largest} terms is too large"
            raise LimitError(Diagnostic("L003", message))
        return np.asarray(base**exponent, dtype=object)

    def total(self, array: Array, axes: tuple[int, ...]) -> Array:
        return np.asarray(array.sum(axis=axes), dtype=object)

    def divides(self, array: Array) -> bool:
        return not (array == 0).any()

    def _divided(self, array: Array) -> None:
        self.polynomials.divisors.update(dict.fromkeys(d.numer for d in array.flat))
