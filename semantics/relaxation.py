"""Bounds from outside on a quotient of two functions that are linear in each of several laws: relaxations.

The laws of several boxes are independent, which is not linear. Two relaxations are:

- `Lifted`: all products of one margin and one function of the others have the right probability (the
  reformulation-linearisation of Sherali and Adams 1990). It is tight if the laws of all boxes but one form simplices
  (Namioka and Phelps 1969). It has a number for each combination of functions: for few of these.
- `chosen`: the law of one box, or of several, may be another one for each combination of functions that the others are.
  It is whichever vertex of its polytope is best there, so that the box disappears from the program. This is weaker, but
  there are far fewer numbers. It is tight where one law is best for all combinations, as the law that draws alike in
  all worlds often is.

>>> coin = Polytope(np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0]]), [1.0, 0.5, 0.5])
>>> above, below = np.eye(4), np.ones((4, 4))
>>> round(Lifted((coin, coin)).bound(above, below, 1)[0], 6)
0.5
>>> round(chosen({0: corners([coin])}, Lifted((coin,)), above, below, 1).value, 6)
0.5
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from semantics.distribution import Array
from semantics.optimum import Polytope, solve, vertex

MOST_VERTICES = 5_000
"""A polytope with more is not listed."""

_MOVE = 1e-6
_STEP = 1e-9
_SAME = 1e-12
_ROUNDS = 100


@dataclass(frozen=True)
class Lifted:
    """The relaxation in which all products of one margin and one function of the others have the right probability."""

    polytopes: tuple[Polytope, ...]

    @cached_property
    def rows(self) -> Any:
        """What its variables fulfil, as a sparse matrix.

        They are a number for each combination of functions, which stands for the product of the laws, and for each box
        one for each combination of the others. Every margin of a box holds beside every combination.
        """
        from scipy import sparse

        sizes = [p.rows.shape[1] for p in self.polytopes]
        blocks = []
        for j, p in enumerate(self.polytopes):
            left, right = sparse.identity(math.prod(sizes[:j])), sparse.identity(math.prod(sizes[j + 1 :]))
            numbers = np.array(p.numbers, dtype=float)[:, None]
            row: list[Any] = [sparse.kron(sparse.kron(left, p.rows), right)]
            for k in range(len(sizes)):
                row.append(sparse.kron(sparse.kron(left, -numbers), right) if k == j else None)
            blocks.append(row)
        return sparse.bmat(blocks, format="csr")

    @property
    def work(self) -> float:
        """About how long its program takes, as numbers that could be gone through in that time."""
        rows, columns = self.rows.shape
        return 300.0 * math.sqrt(rows * columns)

    def bound(self, above: Array, below: Array, sign: int) -> tuple[float, Array | None]:
        """A number that no quotient is beyond, and the numbers of the combinations there; no such if the denominator
        is zero throughout."""
        from scipy import sparse

        more = self.rows.shape[1] - above.size
        one = sparse.csr_matrix(np.concatenate([below.astype(float).ravel(), np.zeros(more)])[None])
        matrix = sparse.vstack([self.rows, one], format="csr")
        costs = np.concatenate([-sign * above.astype(float).ravel(), np.zeros(more)])
        result = solve(list(costs), matrix, [*[0.0] * self.rows.shape[0], 1.0])
        if result.status != 0:
            return 0.0, None
        return -sign * result.fun, np.maximum(result.x[: above.size], 0).reshape(above.shape)


@dataclass(frozen=True, eq=False)
class Part:
    """Some functions of a box, by number, whose law is independent of the others, and points between which it lies, one
    a row."""

    functions: Array
    points: Array


Corners = Mapping[int, Sequence[Part]]
"""For each box that may choose its independent parts."""


def corners(polytopes: Sequence[Polytope]) -> list[Part]:
    """The parts of a box whose laws are products of these, one after the other, with all their vertices.

    Raises:
        ValueError: if one of them has too many.
    """
    parts = []
    start = 0
    for p in polytopes:
        end = start + p.rows.shape[1]
        parts.append(Part(np.arange(start, end), vertices(p)))
        start = end
    return parts


def whole(parts: Sequence[Part], laws: Sequence[Array]) -> Array:
    """The law of all functions, along the last axis, from those of the parts."""
    size = sum(len(p.functions) for p in parts)
    found = np.zeros((*laws[0].shape[:-1], size))
    for p, law in zip(parts, laws, strict=True):
        found[..., p.functions] = law
    return found


@dataclass(frozen=True)
class Choice:
    """The relaxation in which some boxes choose: a number that no quotient is beyond, and where it is taken.

    `product` is a number for each combination of functions that the others are. For each box that chooses, and for each
    part of it, `picked` has the number of the point that it chooses, along the axes of the boxes that choose before it.
    The number is without bound, and nothing is picked, if the program could not be solved.
    """

    value: float
    product: Array | None = None
    picked: Mapping[int, list[Array]] = field(default_factory=dict)


def chosen(corners: Corners, others: Lifted, above: Array, below: Array, sign: int, guess: float = 0.0) -> Choice:
    """Bound a quotient where the boxes with `corners` choose their laws for each combination.

    `others` is the relaxation for the other boxes. Which corner is best depends on the answer; it is found by the
    method of Dinkelbach (1967) from a `guess`. It ends: there are finitely many choices, and each is better than the
    one before.
    """
    found: Choice | None = None
    before: tuple[Array, Array] | None = None
    for _ in range(_ROUNDS):
        top, bottom = above.astype(float), below.astype(float)
        picked = {}
        for j in sorted(corners, reverse=True):
            tables = np.moveaxis(top, j, -1), np.moveaxis(bottom, j, -1)
            top, bottom, picked[j] = _best(corners[j], *tables, sign, guess)
        if found and before and _same(top, before[0]) and _same(bottom, before[1]):
            return found
        value, product = others.bound(top, bottom, sign)
        if product is None:
            return Choice(sign * math.inf)
        found = Choice(value, product, picked)
        if sign * (value - guess) <= 0:  # the guess is a bound, and this is where it may be attained
            return Choice(guess, product, picked)
        if abs(value - guess) <= _SAME * max(1.0, abs(value)):
            return found
        before, guess = (top, bottom), value
    return Choice(sign * math.inf)


def _same(one: Array, other: Array) -> bool:
    return np.allclose(one, other, rtol=_SAME, atol=0)


def _best(
    parts: Sequence[Part], above: Array, below: Array, sign: int, guess: float
) -> tuple[Array, Array, list[Array]]:
    """Both functions with their last axis summed out by the law that is best there if the answer is `guess`, and for
    each part of the law which point that is."""
    top, bottom = np.zeros(above.shape[:-1]), np.zeros(below.shape[:-1])
    picked = []
    for p in parts:
        one, other = (table[..., p.functions] @ p.points.T for table in (above, below))
        at = np.argmax(sign * (one - guess * other), axis=-1)
        picked.append(at)
        top += np.take_along_axis(one, at[..., None], axis=-1)[..., 0]
        bottom += np.take_along_axis(other, at[..., None], axis=-1)[..., 0]
    return top, bottom, picked


def vertices(polytope: Polytope, most: int = MOST_VERTICES) -> Array:
    """All vertices of a polytope, one a row, in floats.

    The simplex method goes from every basis to all its neighbours. Where several bases are one vertex that would be
    many steps: a slightly moved polytope is gone through, which has one basis for each vertex, and some near each
    vertex of this one (Avis and Fukuda 1992 discuss such searches).

    Raises:
        ValueError: if there are more than `most`.

    >>> square = Polytope(np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0]]), [1.0, 0.5, 0.25])
    >>> vertices(square)
    array([[0.  , 0.5 , 0.25, 0.25],
           [0.25, 0.25, 0.  , 0.5 ]])
    """
    rows, numbers = polytope.rows.astype(float), np.array(polytope.numbers, dtype=float)
    moved, first = _moved(polytope)
    seen = {first}
    waiting = [first]
    for basis in waiting:
        inverse = np.linalg.inv(rows[:, basis])
        values, steps = inverse @ moved, inverse @ rows
        with np.errstate(divide="ignore", invalid="ignore"):
            lengths = np.where(steps > _STEP, values[:, None] / steps, np.inf)
        leaving = lengths.argmin(axis=0)
        for entering in np.flatnonzero(lengths.min(axis=0) < np.inf):
            if entering in basis:
                continue
            new = tuple(sorted({*basis, int(entering)} - {basis[leaving[entering]]}))
            if new not in seen:
                if len(seen) == most:
                    raise ValueError(f"more than {most} vertices")
                seen.add(new)
                waiting.append(new)
    bases = np.array(waiting)
    matrices = np.moveaxis(rows[:, bases], 1, 0)
    found = np.linalg.solve(matrices, np.broadcast_to(numbers[:, None], (len(bases), len(numbers), 1)))[..., 0]
    points = np.zeros((len(bases), rows.shape[1]))
    np.put_along_axis(points, bases, np.maximum(found, 0), axis=1)
    _, kept = np.unique(points.round(10), axis=0, return_index=True)
    return np.asarray(points[kept])


def _moved(polytope: Polytope) -> tuple[Array, tuple[int, ...]]:
    """Numbers that are a little different, so that no vertex has several bases, and a basis for them."""
    rows = polytope.rows.astype(float)
    draw = np.random.default_rng(0)
    law, costs = draw.random((2, rows.shape[1]))
    moved = np.array(polytope.numbers, dtype=float) + rows @ (law * _MOVE)
    at = np.array(vertex(Polytope(polytope.rows, list(map(float, moved))), list(map(float, costs)), exact=False))
    return moved, tuple(sorted(map(int, np.argsort(-at)[: len(rows)])))
