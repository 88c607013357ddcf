"""Comparisons of formulas in numbers: whether a claim holds, and where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from semantics.distribution import Array, Distribution, float_array, fraction_text, significant
from semantics.evaluate import Grid, Values, aligned, evaluate
from strings.formula import Compare
from strings.query import Query


@dataclass(frozen=True)
class Comparison:
    """The verdict on a comparison.

    `axes` are the axes it ranges over and `cases` the number of their combinations. `worst` is the largest difference
    between two sides that ought to agree or be ordered. Where it fails, `failing` is the first such combination (axis
    and value), and `left op right` what is wrong there.
    """

    holds: bool
    exact: bool
    axes: tuple[str, ...]
    cases: int
    worst: Fraction | float
    failing: tuple[tuple[str, str], ...] = ()
    left: Fraction | float = 0.0
    op: str = ""
    right: Fraction | float = 0.0

    def describe(self) -> str:
        """Where it fails, with the values of both sides; nothing if it holds.

        >>> half, third = Fraction(1, 2), Fraction(1, 3)
        >>> Comparison(False, True, ("s",), 2, half - third, (("s", "no"),), half, "==", third).describe()
        'at s = no: 0.5 (1/2) == 0.333333 (1/3) is false'
        """
        if self.holds:
            return ""
        where = f"at {', '.join(f'{n} = {v}' for n, v in self.failing)}: " if self.failing else ""
        return f"{where}{_show(self.left)} {self.op} {_show(self.right)} is false"


@np.errstate(over="ignore", invalid="ignore")
def compare(
    claim: Compare,
    ask: Callable[[Query], Distribution],
    values: Values,
    *,
    within: Fraction | float = Fraction(1, 10**9),
) -> Comparison:
    """Whether every neighbouring pair of a chain stands in its relation, everywhere along the axes.

    Exact numbers are compared exactly. Floats are equal if they differ by at most `within`; `<=` and `>=` allow as
    much, `<` and `>` allow nothing, `!=` asks for more than `within`. Raises as `evaluate`.
    """
    sides = [evaluate(f, ask, values) for f in claim.operands]
    exact = all(s.exact for s in sides)
    axes, tables, labels = aligned(
        [Grid(s.variables, s.array if exact else float_array(s.array), s.values) for s in sides]
    )
    worst: Fraction | float = Fraction(0) if exact else 0.0
    failure: dict[str, Any] = {}
    for op, left, right in zip(claim.ops, tables, tables[1:], strict=False):
        one, other = np.broadcast_arrays(left, right)
        worst = max(worst, _excess(op, one, other))
        bad = np.argwhere(~_relation(op, one, other, 0 if exact else within)[..., 0])
        if len(bad) and not failure:
            at = tuple(int(k) for k in bad[0])
            case = tuple((n, labels[k][i]) for k, (n, i) in enumerate(zip(axes, at, strict=True)))
            failure = {"failing": case, "left": one[at][0], "op": op, "right": other[at][0]}
    cases = int(np.prod([len(v) for v in labels], dtype=int))
    return Comparison(not failure, exact, axes, cases, worst, **failure)


def _excess(op: str, left: Array, right: Array) -> Any:
    """The largest amount by which a relation is missed (for `==` the largest difference)."""
    match op:
        case "==":
            return abs(left - right).max()
        case "<" | "<=":
            return (left - right).max()
        case ">" | ">=":
            return (right - left).max()
        case _:
            return left.flat[0] - left.flat[0]


def _relation(op: str, left: Array, right: Array, within: Fraction | float) -> Array:
    slack: Any = within if left.dtype == object and right.dtype == object else float(within)
    match op:
        case "==":
            found = abs(left - right) <= slack
        case "!=":
            found = abs(left - right) > slack
        case "<=":
            found = left <= right + slack
        case ">=":
            found = left >= right - slack
        case "<":
            found = left < right
        case _:
            found = left > right
    return np.asarray(found, dtype=bool)


def _show(p: Fraction | float) -> str:
    exact = fraction_text(p) if isinstance(p, Fraction) else ""
    short = significant(p)
    return f"{short} ({exact})" if exact and exact != short and len(exact) <= 24 else short
