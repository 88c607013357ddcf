"""Gauss: affine maps with Gaussian noise, in float64, in exact fractions or in symbols (Fritz 2020, section 6).

A kernel `R^m -> R^n` is a triple of a matrix, an offset and the covariance of the noise: `x` goes to the normal
distribution with mean `matrix x + offset`. Covariances may be singular: a sharp map has covariance zero. Conditioning
is by Schur complement, one pivot after the other (the sweep operator: Dempster 1969; Goodnight 1979), so that fractions
stay fractions and a singular covariance needs no pseudo-inverse: a variable that the others determine is no pivot.
Entries that depend on parameters (`semantics.quotients`) may stand among the fractions; a pivot that depends on one is
taken not to vanish.

>>> f = Gaussian.of([[2]], [1], [[Fraction(1, 4)]])
>>> x = Gaussian.of([[]], [3], [[1]])
>>> print(x.then(f))
normal([7], [[17/4]])
>>> pair = Gaussian.of([[], []], [3, 7], [[1, 2], [2, Fraction(17, 4)]])
>>> posterior, _ = pair.given([1], [Fraction(8)])
>>> print(posterior)
normal([59/17], [[1/17]])
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from semantics.distribution import Array, Number
from semantics.quotients import Quotient
from strings.diagnostic import CutwireError, Diagnostic, ZeroProbabilityError

PIVOT = 1e-13
"""In floats: a variance of which others leave so small a part is none."""

_MISS = 1e-7  # in floats: what differs from a sharp value by so little, in proportion, is that value


def zeros(shape: tuple[int, ...], exact: bool) -> Array:
    """An array of zeros."""
    return np.full(shape, Fraction(0), dtype=object) if exact else np.zeros(shape)


def eye(n: int, exact: bool) -> Array:
    """A unit matrix."""
    found = zeros((n, n), exact)
    found[np.arange(n), np.arange(n)] = Fraction(1) if exact else 1.0
    return found


def dot(a: Array, b: Array) -> Array:
    """A product of matrices, or of a matrix and a vector; an empty sum is 0 of the right kind."""
    if a.shape[-1] == 0:
        return zeros((*a.shape[:-1], *b.shape[1:]), a.dtype == object)
    return np.asarray(np.dot(a, b), dtype=a.dtype)


def numbers(entries: Any, shape: tuple[int, ...], exact: bool) -> Array:
    """Numbers as an array of fractions (and of what depends on parameters) or of floats."""
    raw = np.asarray(entries, dtype=object).reshape(shape)
    if not exact:
        return raw.astype(np.float64)
    found = zeros(shape, True)
    flat = found.reshape(-1)
    flat[:] = [e if isinstance(e, Quotient) else Fraction(e) for e in raw.reshape(-1)]
    return flat.reshape(shape)


@dataclass(frozen=True, eq=False)
class Density:
    """The density of what was seen, on the smallest affine space that it can lie in.

    `square` is the squared distance from the mean in the metric of the covariance (Mahalanobis), `volume` the
    determinant on the pivots, `rank` their number: with fewer the distribution is concentrated on less.
    """

    square: Number
    volume: Number
    rank: int

    @property
    def log(self) -> float:
        """The natural logarithm of the density."""
        return -(float(self.square) + _log(self.volume) + self.rank * math.log(2 * math.pi)) / 2


def _log(x: Number) -> float:
    return math.log(x.numerator) - math.log(x.denominator) if isinstance(x, Fraction) else math.log(x)


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A kernel of Gauss: `matrix` (outputs by inputs), `offset`, `covariance`; fractions (object arrays) or floats.

    Raises:
        CutwireError: T022 if the shapes do not fit.
    """

    matrix: Array
    offset: Array
    covariance: Array

    def __post_init__(self) -> None:
        n = len(self.offset)
        if self.matrix.ndim != 2 or self.matrix.shape[0] != n or self.covariance.shape != (n, n):
            shapes = f"{self.matrix.shape}, {self.offset.shape}, {self.covariance.shape}"
            raise CutwireError(Diagnostic("T022", "these are no matrix, offset and covariance", notes=(shapes,)))
        for a in (self.matrix, self.offset, self.covariance):
            a.flags.writeable = False

    @staticmethod
    def of(matrix: Any, offset: Any, covariance: Any) -> Gaussian:
        """A kernel from nested lists; exact unless there is a float among the numbers.

        Raises:
            CutwireError: T022 if the shapes do not fit.
        """
        parts = [np.asarray(p, dtype=object) for p in (matrix, offset, covariance)]
        exact = not any(isinstance(e, float | np.floating) for p in parts for e in p.reshape(-1))
        n = len(parts[1])
        width = parts[0].size // n if n else 0
        shapes = (n, width), (n,), (n, n)
        try:
            return Gaussian(*(numbers(p, s, exact) for p, s in zip(parts, shapes, strict=True)))
        except ValueError:
            notes = (", ".join(str(p.shape) for p in parts),)
            raise CutwireError(Diagnostic("T022", "these are no matrix, offset and covariance", notes=notes)) from None

    @staticmethod
    def point(values: Sequence[Number], exact: bool) -> Gaussian:
        """The sharp state at some values."""
        n = len(values)
        return Gaussian(zeros((n, 0), exact), numbers(values, (n,), exact), zeros((n, n), exact))

    @staticmethod
    def wires(places: Sequence[int], inputs: int, exact: bool) -> Gaussian:
        """Output `k` is input `places[k]`: identities, copies, discards and swaps."""
        n = len(places)
        return Gaussian(eye(inputs, exact)[list(places)].reshape(n, inputs), zeros((n,), exact), zeros((n, n), exact))

    @property
    def exact(self) -> bool:
        return self.offset.dtype == object

    @property
    def inputs(self) -> int:
        return int(self.matrix.shape[1])

    @property
    def outputs(self) -> int:
        return len(self.offset)

    def as_float(self) -> Gaussian:
        """The same kernel in float64."""
        return Gaussian(*(a.astype(np.float64) for a in (self.matrix, self.offset, self.covariance)))

    def then(self, other: Gaussian) -> Gaussian:
        """First this, then `other`."""
        f, g = _alike(self, other)
        through = dot(g.matrix, f.covariance)
        return Gaussian(
            dot(g.matrix, f.matrix),
            dot(g.matrix, f.offset) + g.offset,
            dot(through, g.matrix.T) + g.covariance,
        )

    def tensor(self, other: Gaussian) -> Gaussian:
        """This and `other` side by side."""
        f, g = _alike(self, other)
        return Gaussian(
            _blocks(f.matrix, g.matrix), np.concatenate([f.offset, g.offset]), _blocks(f.covariance, g.covariance)
        )

    def marginal(self, outputs: Sequence[int]) -> Gaussian:
        """Some of the outputs, in this order; one may stand there several times."""
        at = np.array(outputs, dtype=int)
        return Gaussian(self.matrix[at], self.offset[at], self.covariance[np.ix_(at, at)])

    def at(self, values: Sequence[Number]) -> Gaussian:
        """The state at some inputs."""
        return Gaussian.point(values, self.exact).then(self)

    def given(self, seen: Sequence[int], values: Sequence[Number]) -> tuple[Gaussian, Density]:
        """A state, given that the outputs `seen` have these values: the others, in order, and the density there.

        Raises:
            ZeroProbabilityError: Q002 if a sharp relation among the outputs says otherwise.
        """
        swept = sweep(self.covariance, seen)
        rest = [k for k in range(self.outputs) if k not in seen]
        off = numbers(values, (len(values),), self.exact) - self.offset[list(seen)]
        where = {k: i for i, k in enumerate(seen)}
        off_pivots = off[[where[k] for k in swept.pivots]]
        for k in swept.determined:
            missed = off[where[k]] - dot(swept.matrix[np.ix_([k], swept.pivots)], off_pivots)[0]
            if missed != 0 if self.exact else abs(missed) > _MISS * (1 + abs(self.offset[k]) + abs(values[where[k]])):
                raise _contradiction(missed)
        inner = -swept.matrix[np.ix_(swept.pivots, swept.pivots)]
        square: Any = dot(off_pivots, dot(inner, off_pivots))[()] if len(off_pivots) else Fraction(0)
        slope = swept.matrix[np.ix_(rest, swept.pivots)]
        found = Gaussian(
            zeros((len(rest), 0), self.exact),
            self.offset[rest] + dot(slope, off_pivots),
            swept.matrix[np.ix_(rest, rest)],
        )
        return found, Density(square, swept.volume, len(swept.pivots))

    def conditional(self, given: Sequence[int]) -> tuple[Gaussian, list[int]]:
        """The other outputs given those of `given`, as a kernel from the inputs and then `given`; and which of `given`
        are determined by those before, so that the kernel is one of many there (their column is 0)."""
        swept = sweep(self.covariance, given)
        rest = [k for k in range(self.outputs) if k not in given]
        slope = zeros((len(rest), len(given)), self.exact)
        for i, k in enumerate(given):
            if k in swept.pivots:
                slope[:, i] = swept.matrix[rest, k]
        matrix = self.matrix[rest] - dot(slope, self.matrix[list(given)])
        offset = self.offset[rest] - dot(slope, self.offset[list(given)])
        found = Gaussian(np.concatenate([matrix, slope], axis=1), offset, swept.matrix[np.ix_(rest, rest)])
        return found, swept.determined

    def equals(self, other: Gaussian, within: float = 0.0) -> bool:
        """Whether these are one kernel, up to rounding."""
        pairs = ((self.matrix, other.matrix), (self.offset, other.offset), (self.covariance, other.covariance))
        if not within:
            return all(a.shape == b.shape and bool((a == b).all()) for a, b in pairs)
        return all(
            a.shape == b.shape and bool((abs(a - b) <= within * (1 + np.maximum(abs(a), abs(b)))).all())
            for a, b in pairs
        )

    def __str__(self) -> str:
        def text(a: Array) -> str:
            return f"[{', '.join(text(e) if isinstance(e, np.ndarray) else str(e) for e in a)}]"

        through = f"{text(self.matrix)} x + " if self.inputs else ""
        return f"normal({through}{text(self.offset)}, {text(self.covariance)})"


@dataclass(frozen=True)
class Swept:
    """A covariance swept on some variables: `matrix` has, where pivots and others cross, the coefficients of the
    regression of the others on the pivots, among the others the Schur complement, among the pivots minus the inverse.

    `determined` are those that are no pivots since the pivots before determine them; `volume` is the product of the
    pivots, the determinant of their covariance.
    """

    matrix: Array
    pivots: list[int]
    determined: list[int]
    volume: Number


def sweep(covariance: Array, on: Sequence[int]) -> Swept:
    """Sweep a covariance on some variables (Goodnight 1979)."""
    exact = covariance.dtype == object
    a = covariance.copy()
    pivots: list[int] = []
    determined: list[int] = []
    volume: Number = Fraction(1) if exact else 1.0
    for k in sorted(on, key=lambda k: _terms(covariance[k, k])):
        d = a[k, k]
        if vanishes(d) if exact else d <= PIVOT * covariance[k, k]:
            determined.append(k)
            continue
        if isinstance(d, Quotient):
            d.apart(variance=True)
        column = a[:, k].copy()
        column[k] = 0
        row = column / d
        a = a - np.outer(column, row)
        a[:, k] = a[k, :] = row
        a[k, k] = -1 / d
        pivots.append(k)
        volume = volume * d
    if not exact:
        others = ~np.isin(np.arange(len(a)), pivots)
        sharp = others & (np.diag(a) <= PIVOT * np.diag(covariance))
        a[np.ix_(sharp, others)] = a[np.ix_(others, sharp)] = 0.0
    return Swept(a, pivots, determined, volume)


def _terms(variance: Any) -> int:
    """How long a formula is: short pivots are taken first, numbers in their order before them."""
    return variance.terms if isinstance(variance, Quotient) else 0


def vanishes(variance: Any) -> bool:
    """Whether a variance is 0, for all values of the parameters that it depends on."""
    return not isinstance(variance, Quotient) and bool(variance <= 0)


def _contradiction(missed: Any) -> ZeroProbabilityError:
    notes = ["a sharp relation of the model contradicts it; Cutwire does not invent an answer"]
    if isinstance(missed, Quotient):
        missed.apart()
        notes.append(f"only where `{missed}` is 0 it can be seen at all")
    return ZeroProbabilityError(Diagnostic("Q002", "what is seen has probability zero", notes=tuple(notes)))


def _alike(f: Gaussian, g: Gaussian) -> tuple[Gaussian, Gaussian]:
    return (f, g) if f.exact == g.exact else (f.as_float(), g.as_float())


def _blocks(a: Array, b: Array) -> Array:
    found = zeros((a.shape[0] + b.shape[0], a.shape[1] + b.shape[1]), a.dtype == object)
    found[: a.shape[0], : a.shape[1]] = a
    found[a.shape[0] :, a.shape[1] :] = b
    return found
