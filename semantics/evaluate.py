"""Formulas and comparisons in numbers: arithmetic on tables whose axes have names.

Tables are combined entry by entry; an axis that one side lacks is repeated along it.

>>> from strings.query import Term
>>> p = {"C": Distribution(("C",), [Fraction(1, 4), Fraction(3, 4)])}
>>> def look_up(query): return p[query.targets[0].variable]
>>> double = Arithmetic("*", Number(Fraction(2)), Ask(Query((Term("C"),))))
>>> evaluate(double, look_up, lambda name: ("0", "1"))["1"]
Fraction(3, 2)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from semantics.distribution import Array, Distribution, fraction_text, significant
from strings.diagnostic import Diagnostic, LimitError, QueryError
from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Sum
from strings.query import Query

Ask_ = Callable[[Query], Distribution]
"""Answers one question inside a formula."""

Values = Callable[[str], tuple[str, ...]]
"""The values of a variable, or of the variable that a bound name ranges over."""

_MOST_CELLS = 20_000_000
_LARGEST_POWER = 1000
_MOST_BITS = 1_000_000


def evaluate(formula: Formula, ask: Ask_, values: Values) -> Distribution:
    """The value of a formula: a table with the formula's free axes, in order of first appearance.

    Exact if every part is.

    Raises:
        QueryError: Q006 for a division by zero, Q008 for a power that is not a small whole number, and whatever `ask`
            raises.
        LimitError: L003 if a table gets too many entries.
    """
    match formula:
        case Number(value, exact):
            number = Distribution((), value)
            return number if exact else number.as_float()
        case Ask(query):
            return ask(query)
        case Sum(binders, body):
            return _sum(binders, evaluate(body, ask, values), values)
        case Arithmetic(op, left, right):
            return _combine(op, evaluate(left, ask, values), evaluate(right, ask, values), formula)


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
def compare(claim: Compare, ask: Ask_, values: Values, *, within: Fraction | float = Fraction(1, 10**9)) -> Comparison:
    """Whether every neighbouring pair of a chain stands in its relation, everywhere along the axes.

    Exact numbers are compared exactly. Floats are equal if they differ by at most `within`; `<=` and `>=` allow as
    much, `<` and `>` allow nothing, `!=` asks for more than `within`. Raises as `evaluate`.
    """
    sides = [evaluate(f, ask, values) for f in claim.operands]
    exact = all(s.exact for s in sides)
    axes, tables, labels = _aligned(sides)
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


def _aligned(sides: Sequence[Distribution]) -> tuple[tuple[str, ...], list[Array], list[tuple[str, ...]]]:
    """All axes in order of first appearance, the tables with axes of length 1 where they lack one, and the labels.

    Every table gets a last axis of length 1 besides: numpy unwraps fractions in arrays without axes.
    """
    labels: dict[str, tuple[str, ...]] = {}
    for side in sides:
        for n, v in zip(side.variables, side.values, strict=True):
            if labels.setdefault(n, v) != v:
                raise QueryError(Diagnostic("N009", f"the axis `{n}` has different values in two places"))
    size = 1
    for v in labels.values():
        size *= len(v)
    if size > _MOST_CELLS:
        message = f"a table over {', '.join(labels)} would have {size:,} entries"
        raise LimitError(Diagnostic("L003", message, notes=(f"the limit is {_MOST_CELLS:,}",)))
    exact = all(s.exact for s in sides)
    tables = []
    for side in sides:
        array = (side if exact else side.as_float()).array
        order = [side.variables.index(n) for n in labels if n in side.variables]
        shape = [*(len(v) if n in side.variables else 1 for n, v in labels.items()), 1]
        tables.append(np.transpose(array, order).reshape(shape))
    return tuple(labels), tables, list(labels.values())


def _sum(binders: Sequence[tuple[str, str]], body: Distribution, values: Values) -> Distribution:
    """The sum over the bound names; one that the body does not mention counts its values."""
    times = 1
    for name, variable in binders:
        if name not in body.variables:
            times *= len(values(variable))
    kept = [n for n in body.variables if n not in {name for name, _ in binders}]
    found = body.marginal(*kept)
    return found if times == 1 else Distribution(kept, found.array * times, found.values)


@np.errstate(over="ignore", invalid="ignore")  # too large for floats is infinite, not a warning
def _combine(op: str, left: Distribution, right: Distribution, formula: Arithmetic) -> Distribution:
    axes, (one, other), labels = _aligned([left, right])
    match op:
        case "+":
            array = one + other
        case "-":
            array = one - other
        case "*":
            array = one * other
        case "/":
            if (other == 0).any():
                raise _division_by_zero(right, formula)
            array = one / other
        case _:
            array = _power(one, _exponent(right, one, formula))
    return Distribution(axes, array[..., 0], labels)


def _power(base: Array, exponent: int) -> Array:
    """The power, refused if a fraction would get too many digits."""
    if base.dtype != object:
        return np.asarray(base ** float(exponent))
    bits = max(max(n.bit_length() for n in p.as_integer_ratio()) for p in base.flat)
    if bits * abs(exponent) > _MOST_BITS:
        message = f"a power of {exponent} makes numbers of {bits * abs(exponent):,} bits"
        raise LimitError(Diagnostic("L003", message, notes=(f"the limit is {_MOST_BITS:,}",)))
    return np.asarray(base**exponent)


def _division_by_zero(right: Distribution, formula: Arithmetic) -> QueryError:
    at = np.argwhere(right.array == 0)[0]
    case = ", ".join(f"{n} = {v[i]}" for n, v, i in zip(right.variables, right.values, at, strict=True))
    where = f" at {case}" if case else ""
    return QueryError(Diagnostic("Q006", f"division by zero: `{formula.right}` is 0{where}", span=formula.span))


def _exponent(right: Distribution, base: Array, formula: Arithmetic) -> int:
    """The exponent, a whole number.

    Raises:
        QueryError: Q008 if it is none, or too large; Q006 if it is negative and the base is zero somewhere.
    """
    power: Any = right.array[()] if not right.variables else None
    if power is None or power != int(power) or abs(power) > _LARGEST_POWER:
        shown = "a table" if power is None else significant(power)
        note = f"exponents are whole numbers from -{_LARGEST_POWER} to {_LARGEST_POWER}"
        raise QueryError(Diagnostic("Q008", f"cannot raise to the power {shown}", span=formula.span, notes=(note,)))
    if power < 0 and (base == 0).any():
        raise QueryError(Diagnostic("Q006", "division by zero: 0 to a negative power", span=formula.span))
    return int(power)


def _show(p: Fraction | float) -> str:
    exact = fraction_text(p) if isinstance(p, Fraction) else ""
    short = significant(p)
    return f"{short} ({exact})" if exact and exact != short and len(exact) <= 24 else short
