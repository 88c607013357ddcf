"""Numbers that depend on parameters: what Gauss is computed with where coefficients are symbols.

A `Quotient` is a member of a field of rational functions (`semantics.polynomials`) that stands among fractions in
arrays: with one of them it can be added, multiplied and divided, and what depends on no parameter is a fraction again.
So code for fractions serves as it is, as long as it asks for no order. What is divided by is kept, since the answer
holds only where it does not vanish.

>>> from sympy import Symbol
>>> from semantics.polynomials import field_of
>>> scale = Quotients(field_of([Symbol("a"), Symbol("b")]))
>>> a, b = map(scale.number, scale.functions.gens)
>>> (a + Fraction(1, 2)) / b * 2, a / a, list(scale.divisors)
((2*a + 1)/b, Fraction(1, 1), [b, a])
>>> a == a + b - b, a == Fraction(1)
(True, False)
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from semantics.arithmetic import Tensor
from semantics.distribution import Array
from semantics.polynomials import Polynomials, member, objects
from strings.diagnostic import Diagnostic, LimitError, QueryError

_MOST_TERMS = 20_000


def _operation(op: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
    """An operation of a quotient with another one, or with a fraction."""

    def apply(self: Quotient, other: Any) -> Any:
        if not isinstance(other, Quotient | Fraction | int):
            return NotImplemented
        known = self.element
        x = other.element if isinstance(other, Quotient) else member(known.field, Fraction(other))
        left, right = (x, known) if swapped else (known, x)
        if op is operator.truediv and right != 0:
            self.divisors.setdefault(right.numer, False)
        return _number(op(left, right), self.divisors)

    return apply


@dataclass(frozen=True, slots=True)
class Quotient:
    """A rational function that is no constant; `divisors` are those of its `Quotients`, each with whether it is but a
    variance.

    Raises:
        LimitError: L003 if it gets too many terms.
    """

    element: Any
    divisors: dict[Any, bool] = field(compare=False)

    __add__, __radd__ = _operation(operator.add), _operation(operator.add, swapped=True)
    __sub__, __rsub__ = _operation(operator.sub), _operation(operator.sub, swapped=True)
    __mul__, __rmul__ = _operation(operator.mul), _operation(operator.mul, swapped=True)
    __truediv__, __rtruediv__ = _operation(operator.truediv), _operation(operator.truediv, swapped=True)

    @property
    def terms(self) -> int:
        """How many terms the polynomials above and below have."""
        return len(self.element.numer) + len(self.element.denom)

    def __neg__(self) -> Any:
        return Quotient(-self.element, self.divisors)

    def __pow__(self, exponent: int) -> Any:
        return _number(self.element**exponent, self.divisors)

    def apart(self, variance: bool = False) -> None:
        """Take it that this does not vanish: what follows holds only there. A variance given other variables does not
        where all noise varies."""
        self.divisors[self.element.numer] = variance and self.divisors.get(self.element.numer, True)

    def _sympy_(self) -> Any:
        return self.element.as_expr()

    def __repr__(self) -> str:
        return str(self.element)

    __str__ = __repr__


def _number(element: Any, divisors: dict[Any, bool]) -> Quotient | Fraction:
    above, below = element.numer, element.denom
    if above.is_ground and below.is_ground:
        return Fraction(int(above.LC), int(below.LC))
    if (terms := len(above) + len(below)) > _MOST_TERMS:
        message = f"formulas with {terms:,} terms are too large"
        help_ = ("give some of the parameters a value, and ask in numbers",)
        raise LimitError(Diagnostic("L003", message, notes=(f"the limit is {_MOST_TERMS:,}",), help=help_))
    return Quotient(element, divisors)


@dataclass(frozen=True)
class Quotients(Polynomials):
    """An arithmetic of tables whose numbers are fractions and quotients."""

    divisors: dict[Any, bool] = field(default_factory=dict)  # type: ignore[assignment]

    def number(self, x: Any) -> Quotient | Fraction:
        """A member of the field, or a fraction, as one of these numbers."""
        return x if isinstance(x, Fraction) else _number(x, self.divisors)

    def load(self, array: Array) -> Tensor:
        plain = (x.element if isinstance(x, Quotient) else x for x in array.flat)
        return super().load(objects(plain, array.shape))

    def values(self, tensor: Tensor) -> Array:
        found = super().values(tensor)
        return objects(map(self.number, found.flat), found.shape)


def not_in_symbols(what: str) -> QueryError:
    """Q007: something is computed with numbers only."""
    message = f"{what} is not computed with symbols"
    help_ = ("give the parameters values: `param b = 1/3` in the file, --set b=1/3, or model.with_parameters(b=…)",)
    return QueryError(Diagnostic("Q007", message, help=help_))
