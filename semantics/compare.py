"""Comparisons of formulas in numbers: whether a claim holds, and where it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np

from semantics.distribution import Array, Distribution, float_array, fraction_text, significant
from semantics.evaluate import Grid, Values, aligned, evaluate
from strings.formula import Compare
from strings.query import Query

_FLOAT_SLACK = Fraction(1, 10**9)


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
        left, right = _apart(self.left, self.right)
        return f"{where}{left} {self.op} {right} is false"


@np.errstate(over="ignore", invalid="ignore")
def compare(
    claim: Compare,
    ask: Callable[[Query], Distribution],
    values: Values,
    *,
    within: Fraction | float | None = None,
    exact: bool = False,
    max_memory: int | None = None,
) -> Comparison:
    """Whether every neighbouring pair of a chain stands in its relation, everywhere along the axes.

    Numbers are equal if they differ by at most `within`; `<=` and `>=` allow as much, `<` and `>` allow nothing, `!=`
    asks for more. Without `within`, exact numbers have to be equal, and floats may differ by 1e-9. `exact` and
    `max_memory` are those of `evaluate`, and so are the errors.
    """
    sides = [evaluate(f, ask, values, exact=exact, max_memory=max_memory) for f in claim.operands]
    exact = all(s.exact for s in sides)
    slack: Fraction | float = within if within is not None else 0 if exact else _FLOAT_SLACK
    slack = Fraction(slack) if exact else float(slack)
    grids = [Grid(s.variables, s.array if exact else float_array(s.array), s.values) for s in sides]
    axes, tables, labels = aligned(grids, max_memory)
    worst: Fraction | float = Fraction(0) if exact else 0.0
    failure: dict[str, Any] = {}
    for op, left, right in zip(claim.ops, tables, tables[1:], strict=False):
        one, other = np.broadcast_arrays(left, right)
        worst = max(worst, _excess(op, one, other))
        bad = np.argwhere(~_relation(op, one, other, slack)[..., 0])
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


def _relation(op: str, left: Array, right: Array, slack: Any) -> Array:
    match op:
        case "==":
            found = (left == right) | (abs(left - right) <= slack)
        case "!=":
            found = (left != right) & ~(abs(left - right) <= slack)
        case "<=":
            found = left <= right + slack
        case ">=":
            found = left >= right - slack
        case "<":
            found = left < right
        case _:
            found = left > right
    return np.asarray(found, dtype=bool)


def _apart(left: Fraction | float, right: Fraction | float) -> tuple[str, str]:
    """Both numbers with as many digits as it takes to tell them apart.

    >>> _apart(Fraction(1, 3), Fraction(333333333, 10**9))
    ('0.3333333333 (1/3)', '0.333333333 (333333333/1000000000)')
    >>> _apart(0.1 + 0.2, 0.3)
    ('0.30000000000000004', '0.3')
    """
    if left == right or any(isinstance(p, float) and not math.isfinite(p) for p in (left, right)):
        return _show(left, 6), _show(right, 6)
    for digits in (6, 8, 10, 12, 15, 17, 20, 30, 40):
        if _digits(left, digits) != _digits(right, digits):
            return _show(left, digits), _show(right, digits)
    far = significant(abs(Fraction(left) - Fraction(right)), 3)
    return _show(left, 6), f"{_show(right, 6)} (they differ by {far})"


def _digits(p: Fraction | float, digits: int) -> str:
    """A number with at most so many significant digits; a float has no more than it needs."""
    if digits <= 15:
        return significant(p, digits)
    if not isinstance(p, Fraction):
        return repr(float(p))
    with localcontext(prec=digits):
        return f"{(Decimal(p.numerator) / Decimal(p.denominator)).normalize():g}"


def _show(p: Fraction | float, digits: int) -> str:
    exact = fraction_text(p) if isinstance(p, Fraction) else ""
    short = _digits(p, digits)
    return f"{short} ({exact})" if exact and exact != short and len(exact) <= 24 else short
