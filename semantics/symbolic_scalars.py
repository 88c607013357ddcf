"""The symbols that answers of Gauss are in: what is not rational in the parameters becomes an expression of sympy.

>>> from strings.expression import ParameterDef
>>> s = sympy.Symbol("s")
>>> symbols = Symbols.of([s], {"s": ParameterDef("s", Fraction(0), None)})
>>> scalars = SymbolicScalars(Quotients(symbols.functions), symbols)
>>> deviation = scalars.arithmetic.number(symbols.element(s))
>>> scalars.single(Fraction(1), deviation * deviation, Interval(low=Fraction(0)))
erf(sqrt(2)/(2*s))/2 + 1/2
>>> print(*scalars.arithmetic.divisors)
s**2
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from semantics.distribution import Array
from semantics.evaluate import Grid
from semantics.gaussian import Density, Gaussian
from semantics.mixed_answer import Found
from semantics.mixture import Interval, Linear, Mixture, Mixtures
from semantics.polynomials import member, objects
from semantics.quotients import Quotient, Quotients, not_in_symbols
from semantics.symbolic import Expr, Symbols
from strings.diagnostic import Diagnostic, QueryError

MOMENT = "moment"
"""The axis of an answer that is a distribution: its means, variances and covariances."""


@dataclass(frozen=True)
class SymbolicScalars:
    """`semantics.mixture.Scalars` in symbols; `assumed` are expressions that are taken not to be negative."""

    arithmetic: Quotients
    symbols: Symbols
    assumed: frozenset[Expr] = frozenset()

    def single(self, mean: Any, variance: Any, interval: Interval) -> Expr:
        low, high = self._ends(mean, variance, interval)
        upper = sympy.S.One if high is None else sympy.erf(high / sympy.sqrt(2))
        return (upper - (-1 if low is None else sympy.erf(low / sympy.sqrt(2)))) / 2

    def several(self, g: Gaussian, block: Sequence[int], intervals: Mapping[int, Interval]) -> Expr:
        raise not_in_symbols("the probability of bounds on several variables that depend on each other")

    def shift(self, mean: Any, variance: Any, interval: Interval) -> Expr:
        ends = self._ends(mean, variance, interval)
        below, above = (0 if e is None else sympy.exp(-(e**2) / 2) / sympy.sqrt(2 * sympy.pi) for e in ends)
        return _atom((below - above) / self.single(mean, variance, interval) / self._root(variance))

    def weighed(self, weights: Sequence[Any], densities: Sequence[Density]) -> list[Any]:
        """The weights times densities in units of the first, each of which is one atom."""
        total, first = sum(weights, Fraction(0)), densities[0]
        found: list[Any] = []
        for w, d in zip(weights, densities, strict=True):
            if isinstance(d.volume, Quotient):
                d.volume.apart(variance=True)
            ratio = sympy.exp(sympy.sympify((first.square - d.square) / 2)) * self._root(first.volume / d.volume)
            found.append(w / total * (1 if ratio == 1 else _atom(ratio)))
        return found

    def _ends(self, mean: Any, variance: Any, interval: Interval) -> list[Expr | None]:
        """The ends of an interval in standard deviations from the mean."""
        if isinstance(variance, Quotient):
            variance.apart(variance=True)
        found: list[Expr | None] = []
        for end in (interval.low, interval.high):
            content, rest = (0, 0) if end is None else sympy.sympify(end - mean).as_content_primitive()
            found.append(None if end is None else content / self._root(variance) * rest)
        return found

    def _root(self, variance: Any) -> Expr:
        """The square root of a number that is not negative."""
        if not isinstance(variance, Quotient):
            return sympy.sqrt(sympy.sympify(variance))
        return self.symbols.root(variance.element, self.assumed)


def _atom(e: Expr) -> Expr:
    """An expression that stays in one piece until it is written (`Symbols.written`)."""
    return e if e.is_number else sympy.UnevaluatedExpr(e)


# ---- answers as tables of expressions --------------------------------------------------------------------------------


def grid_of(found: Found, declared: Collection[str] = ()) -> Grid:
    """An answer as a table of fractions, quotients and expressions: of a distribution the moments; a function of real
    variables has these as symbols, unless parameters are `declared` with such a name.

    Raises:
        QueryError: Q007 for a distribution along finite values some of which never occur, G004 for a name that a
            parameter has, too.
    """
    match found:
        case Grid():
            return found
        case Linear():
            inputs = [sympy.Symbol(n) for n in found.inputs]
            if twice := [n for n in found.inputs if n in declared]:
                message = f"`{twice[0]}` is real and left free, and a parameter has its name: here it needs a value"
                raise QueryError(Diagnostic("G004", message, help=("give one of them another name",)))
            kernel = found.kernel
            means = [
                sum((s * x for s, x in zip(row, inputs, strict=True) if s != 0), c)
                for row, c in zip(kernel.matrix, kernel.offset, strict=True)
            ]
            if found.only_mean:
                return Grid((), objects(means, ()), ())
            names, array = _moments(found.variables, means, kernel.covariance)
            return Grid((MOMENT,), objects(array, (len(array),)), (names,))
        case Mixture():
            names, array = _moments(found.variables, found.means, found.covariances)
            return Grid((MOMENT,), objects(array, (len(array),)), (names,))
        case Mixtures():
            return _along_axes(found)


def _along_axes(found: Mixtures) -> Grid:
    shape = [len(v) for v in found.labels]
    if len(found.cells) < int(np.prod(shape)):
        raise not_in_symbols("a distribution for each value of a variable, of which some never occur,")
    rows = {at: _moments(m.variables, m.means, m.covariances) for at, m in found.cells.items()}
    names = next(iter(rows.values()))[0]
    uneven = any(w != 1 for w in found.weights.values())
    whole = np.empty((*shape, len(names) + uneven), dtype=object)
    for at, (_, array) in rows.items():
        place = tuple(v.index(label) for v, label in zip(found.labels, at, strict=True))
        whole[place] = objects([*([found.weights[at]] if uneven else []), *array], whole.shape[-1:])
    return Grid((*found.axes, MOMENT), whole, (*found.labels, (*(["probability"] if uneven else []), *names)))


def _moments(variables: Sequence[str], means: Any, covariance: Array) -> tuple[tuple[str, ...], list[Any]]:
    """Names and values of the first and second moments."""
    found = {f"mean {v}": m for v, m in zip(variables, means, strict=True)}
    for i, v in enumerate(variables):
        found[f"variance {v}"] = covariance[i, i]
        found |= {f"covariance {v}, {w}": covariance[i, k] for k, w in enumerate(variables) if k > i}
    return tuple(found), list(found.values())


def widened(symbols: Symbols, grids: Sequence[Grid]) -> tuple[Symbols, list[Grid]]:
    """A field that all entries of some tables lie in, and the tables there."""
    others = [x for g in grids for x in g.array.flat if isinstance(x, sympy.Basic)]
    wide = Symbols.of([*symbols.generators, *others], symbols.declared) if others else symbols
    functions = wide.functions

    def element(x: Any) -> Any:
        if isinstance(x, Quotient):
            return x.element.set_field(functions) if others else x.element
        return wide.element(x) if isinstance(x, sympy.Basic) else member(functions, Fraction(x))

    return wide, [Grid(g.variables, objects(map(element, g.array.flat), g.array.shape), g.values) for g in grids]
