"""What a matrix sends to zero: over a finite field, where that is fast, and in fractions.

>>> null_space(np.array([[1, 1, 1]]), 7)
array([[6, 1, 0],
       [6, 0, 1]])
>>> lifted(np.array([0, 1, 51]), 101)
array([Fraction(0, 1), Fraction(1, 1), Fraction(1, 2)], dtype=object)
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from semantics.distribution import Array


def null_space(matrix: Array, p: int) -> Array:
    """A basis of what a matrix over GF(p) sends to zero, a row each, by Gauss and Jordan."""
    rows, pivots = matrix % p, list[int]()
    for column in range(rows.shape[1]):
        below = np.flatnonzero(rows[len(pivots) :, column])
        if not below.size:
            continue
        at = len(pivots)
        rows[[at, at + below[0]]] = rows[[at + below[0], at]]
        rows[at] = rows[at] * pow(int(rows[at, column]), -1, p) % p
        others = np.flatnonzero(rows[:, column])
        others = others[others != at]
        rows[others] = (rows[others] - rows[others, column][:, None] * rows[at]) % p
        pivots.append(column)
    free = [c for c in range(rows.shape[1]) if c not in set(pivots)]
    basis = np.zeros((len(free), rows.shape[1]), dtype=np.int64)
    for k, c in enumerate(free):
        basis[k, c] = 1
        basis[k, pivots] = -rows[: len(pivots), c] % p
    return basis


def lifted(move: Array, p: int) -> Array | None:
    """The fractions of small whole numbers that members of GF(p) stand for, if all do (Wang 1981)."""
    made = np.empty(move.shape, dtype=object)
    known: dict[int, Fraction | None] = {0: Fraction(0)}
    for k, x in enumerate(map(int, move)):
        if x not in known:
            known[x] = small_fraction(x, p)
        made[k] = known[x]
        if made[k] is None:
            return None
    return made


def small_fraction(x: int, p: int) -> Fraction | None:
    """The fraction that a member of GF(p) stands for, if numerator and denominator are below the root of p / 2."""
    bound = math.isqrt(p // 2)
    above, below, s, t = p, x, 0, 1
    while below > bound:
        q = above // below
        above, below, s, t = below, above - q * below, t, s - q * t
    return Fraction(below, t) if 0 < abs(t) <= bound else None


def rational_null_space(matrix: Array) -> list[Array]:
    """The same as `null_space` in fractions."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    entries = [[QQ(Fraction(x).numerator, Fraction(x).denominator) for x in row] for row in matrix]
    # Gauss and Jordan by name: what sympy chooses for itself takes minutes on matrices of a thousand columns.
    reduced, pivots = DomainMatrix(entries, matrix.shape, QQ).to_sparse().rref(method="GJ")
    rows = reduced.to_list()
    basis = []
    for c in (c for c in range(matrix.shape[1]) if c not in set(pivots)):
        move = np.array([Fraction(int(c == k)) for k in range(matrix.shape[1])], dtype=object)
        for row, pivot in zip(rows, pivots, strict=False):
            move[pivot] = -Fraction(int(row[c].numerator), int(row[c].denominator))
        basis.append(move)
    return basis
