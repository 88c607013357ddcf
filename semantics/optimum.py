"""Linear programs whose answers are exact: solved in floating point, and their vertices then worked out in fractions.

A quotient of linear functions is made linear by a change of variables (Charnes and Cooper 1962). HiGHS finds an optimal
basis; the vertex that belongs to it is solved for in fractions, and by its reduced costs it is known to be an optimum,
not only near one. Where rounding has misled the solver, the simplex method goes on from there in fractions (Applegate,
Cook, Dash and Espinoza 2007).

>>> square = Polytope(np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0]]), [1, Fraction(1, 2), Fraction(1, 3)])
>>> first = [1, 0, 0, 0]
>>> [str(largest_quotient(square, first, [1, 1, 0, 0], sign).value) for sign in (-1, 1)]
['0', '2/3']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from semantics.distribution import Array

Numbers = Sequence[Any]

_SMALL = 1e-9
_MANY = 2_000


@dataclass(frozen=True)
class Polytope:
    """All q >= 0 with `rows @ q == numbers`; the rows are independent, and the numbers are fractions or floats."""

    rows: Array
    numbers: Numbers

    def of(self, columns: Sequence[int]) -> Polytope:
        """The same for some of the variables, which have rows of their own."""
        own = np.flatnonzero(self.rows[:, list(columns)].any(axis=1))
        return Polytope(self.rows[own][:, list(columns)], [self.numbers[int(k)] for k in own])


@dataclass(frozen=True)
class Optimum:
    """The largest value that there is, and a vertex where it is taken."""

    value: Any
    point: tuple[Any, ...]


def largest_quotient(
    polytope: Polytope, above: Numbers, below: Numbers, sign: int = 1, exact: bool = True
) -> Optimum | None:
    """The largest `above @ q / below @ q` over a polytope where the denominator is positive, or with `sign` -1 the
    smallest; nothing if it never is. The denominator is never negative.

    With y = q t and t = 1 / (below @ q) it is the largest `above @ y` where `below @ y` is 1, which is linear.
    """
    scale = max(below)
    if scale == 0:
        return None
    n = len(above)
    matrix = np.zeros((len(polytope.rows) + 1, n + 1), dtype=object if exact else float)
    matrix[:-1, :-1] = polytope.rows
    matrix[:-1, -1] = [-b for b in polytope.numbers]
    matrix[-1, :-1] = [b / scale for b in below]
    costs = [*(-sign * a / scale for a in above), 0]
    right = [*[0] * len(polytope.numbers), 1]
    found = _exactly(costs, matrix, right) if exact else _in_floats(costs, matrix, right)
    if found is None:
        return None
    t = found[n]
    point = tuple(y / t for y in found[:n])
    value = sum(a * q for a, q in zip(above, point, strict=True)) / sum(
        b * q for b, q in zip(below, point, strict=True)
    )
    return Optimum(value, point)


def vertex(polytope: Polytope, costs: Numbers, exact: bool = True) -> tuple[Any, ...]:
    """A vertex where the costs are smallest; the polytope is not empty."""
    rows = polytope.rows.astype(object if exact else float)
    found = _exactly(costs, rows, polytope.numbers) if exact else _in_floats(costs, rows, polytope.numbers)
    assert found is not None, "an empty polytope"
    return tuple(found)


def solve(costs: Numbers, matrix: Any, right: Numbers) -> Any:
    """The program *smallest costs @ x where matrix @ x == right and x >= 0* in floats, as scipy has its result.

    `matrix` may be sparse. Programs with many columns, which are degenerate here, are solved by the interior point
    method with crossover, several times as fast; where it fails, by the simplex method as the others.
    """
    from scipy.optimize import linprog

    tight = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    floats = np.array(costs, dtype=float), np.array(right, dtype=float)
    if len(costs) > _MANY:
        result = linprog(floats[0], A_eq=matrix, b_eq=floats[1], method="highs-ipm", options=tight)
        if result.status == 0:
            return result
    return linprog(floats[0], A_eq=matrix, b_eq=floats[1], method="highs-ds", options=tight)


def _in_floats(costs: Numbers, matrix: Array, right: Numbers) -> list[Any] | None:
    from scipy import sparse

    result = solve(costs, sparse.csr_matrix(matrix), right)
    if result.status == 0:
        return [max(float(x), 0.0) for x in result.x]
    found = None if result.status == 2 else _exactly(costs, matrix, right)
    return None if found is None else [float(x) for x in found]


def _exactly(costs: Numbers, matrix: Array, right: Numbers) -> list[Any] | None:
    """A vertex where the costs are smallest, in fractions; nothing if there is no feasible point."""
    result = solve(costs, matrix.astype(float), right)
    program = _Exact(
        [Fraction(c) for c in costs],
        [[Fraction(x) for x in column] for column in matrix.T],
        [Fraction(b) for b in right],
    )
    if result.status == 0:
        reduced = np.array(costs, dtype=float) - matrix.astype(float).T @ result.eqlin.marginals
        order = sorted(range(len(costs)), key=lambda j: (result.x[j] <= _SMALL, abs(reduced[j]), -result.x[j]))
        basis = _independent(program.columns, order)
        if len(basis) == len(right):
            inverse = _inverse([program.columns[j] for j in basis])
            if min(_dot(row, program.right) for row in inverse) >= 0:
                return program.improved(basis, inverse)
    return program.from_nothing()


@dataclass(frozen=True)
class _Exact:
    """A linear program in fractions: *smallest costs @ x where the columns @ x are `right` and x >= 0*."""

    costs: list[Fraction]
    columns: list[list[Fraction]]
    right: list[Fraction]

    def improved(self, basis: list[int], inverse: list[list[Fraction]]) -> list[Any]:
        """An optimal vertex by the simplex method, from a feasible basis, by Bland's rule (which ends)."""
        nonzero = [[(i, x) for i, x in enumerate(c) if x] for c in self.columns]
        values = [_dot(row, self.right) for row in inverse]
        while True:
            prices = [_dot([self.costs[j] for j in basis], column) for column in zip(*inverse, strict=True)]
            below = (j for j, c in enumerate(nonzero) if self.costs[j] < sum(prices[i] * x for i, x in c))
            entering = next(below, None)
            if entering is None:
                break
            step = [sum((row[i] * x for i, x in nonzero[entering]), Fraction(0)) for row in inverse]
            _, _, k = min((values[k] / step[k], basis[k], k) for k in range(len(basis)) if step[k] > 0)
            inverse[k] = [x / step[k] for x in inverse[k]]
            values[k] /= step[k]
            for other in range(len(basis)):
                if other != k and step[other]:
                    inverse[other] = [x - step[other] * y for x, y in zip(inverse[other], inverse[k], strict=True)]
                    values[other] -= step[other] * values[k]
            basis[k] = entering
        point = [Fraction(0)] * len(self.columns)
        for j, v in zip(basis, values, strict=True):
            point[j] = v
        return point

    def from_nothing(self) -> list[Any] | None:
        """An optimal vertex without a basis to start from: a variable is added for each row, which has to become 0."""
        n, m = len(self.columns), len(self.right)
        signs = [Fraction(-1 if b < 0 else 1) for b in self.right]
        added = [[signs[i] if i == k else Fraction(0) for i in range(m)] for k in range(m)]
        start = _Exact([Fraction(0)] * n + [Fraction(1)] * m, [*self.columns, *added], self.right)
        feasible = start.improved(list(range(n, n + m)), [list(row) for row in added])
        if any(feasible[n:]):
            return None
        basis = _independent(self.columns, sorted(range(n), key=lambda j: feasible[j] == 0))
        return self.improved(basis, _inverse([self.columns[j] for j in basis]))


def _dot(one: Numbers, other: Numbers) -> Any:
    return sum((x * y for x, y in zip(one, other, strict=True) if x and y), Fraction(0))


def _independent(columns: Sequence[Numbers], order: Sequence[int]) -> list[int]:
    """The first columns in an order that are independent, as many as there are rows."""
    found: list[int] = []
    reduced: list[tuple[int, list[Any]]] = []  # each with its leading row
    for j in order:
        column = list(columns[j])
        for lead, other in reduced:
            if column[lead]:
                by = column[lead] / other[lead]
                column = [x - by * y if y else x for x, y in zip(column, other, strict=True)]
        lead = next((i for i, x in enumerate(column) if x), -1)
        if lead >= 0:
            reduced.append((lead, column))
            found.append(j)
            if len(found) == len(column):
                break
    return found


def _inverse(columns: Sequence[Numbers]) -> list[list[Any]]:
    """The inverse of a matrix with these columns, row by row."""
    n = len(columns)
    rows = [[*(c[i] for c in columns), *(Fraction(int(i == k)) for k in range(n))] for i in range(n)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        head = rows[k][k]
        rows[k] = [x / head for x in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                by = rows[i][k]
                rows[i] = [x - by * y if y else x for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows]
