"""Formulas in numbers: arithmetic on tables whose axes have names.

Tables are combined entry by entry; an axis that one side lacks is repeated along it. The numbers may be fractions and
floats (`Plain`) or members of a finite field (`semantics.field`).

>>> from strings.query import Term
>>> p = {"C": Distribution(("C",), [Fraction(1, 4), Fraction(3, 4)])}
>>> def look_up(query): return p[query.targets[0].variable]
>>> double = Arithmetic("*", Number(Fraction(2)), Ask(Query((Term("C"),))))
>>> evaluate(double, look_up, lambda name: ("0", "1"))["1"]
Fraction(3, 2)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any, Protocol

import numpy as np

from semantics.contract import check_bytes, show_count
from semantics.distribution import MOST_AXES, Array, Distribution, float_array, significant
from semantics.expressions import without_value
from strings.diagnostic import Diagnostic, LimitError, QueryError
from strings.formula import Arithmetic, Ask, Formula, Number, Parameter, Sum, questions
from strings.query import Query

Values = Callable[[str], tuple[str, ...]]
"""The values of a variable, or of the variable that a bound name ranges over."""

Labels = dict[str, tuple[str, ...]]
"""The axes of a table, each with its values."""

_FLOAT_BYTES = 24  # for an entry of a result and of what it is made from
_FRACTION_BYTES = 160
_LARGEST_POWER = 1000
_MOST_BITS = 1_000_000


@dataclass(frozen=True, eq=False)
class Grid:
    """A table of numbers of any kind with named axes."""

    variables: tuple[str, ...]
    array: Array
    values: tuple[tuple[str, ...], ...]


class Numbers(Protocol):
    """A kind of numbers that formulas can be evaluated in."""

    def constant(self, value: Fraction, exact: bool) -> Array:
        """A number of the text, as an array without axes."""

    def combine(self, op: str, left: Array, right: Array) -> Array:
        """The sum, difference, product or quotient; shapes broadcast, and `right` has no zeros in a quotient."""

    def power(self, base: Array, exponent: int) -> Array:
        """A whole power; `base` has no zeros if it is negative."""

    def total(self, array: Array, axes: tuple[int, ...]) -> Array:
        """The sum over some axes."""

    def divides(self, array: Array) -> bool:
        """Whether something can be divided by a table."""


@dataclass(frozen=True)
class Plain:
    """Fractions and floats: what a fraction meets a float in is a float."""

    def constant(self, value: Fraction, exact: bool) -> Array:
        made = np.empty((), dtype=object)
        made[()] = value
        return made if exact else float_array(made)

    @np.errstate(over="ignore", invalid="ignore")  # too large for floats is infinite, not a warning
    def combine(self, op: str, left: Array, right: Array) -> Array:
        if left.dtype != right.dtype:
            left, right = float_array(left), float_array(right)
        match op:
            case "+":
                return np.asarray(left + right)
            case "-":
                return np.asarray(left - right)
            case "*":
                return np.asarray(left * right)
            case _:
                return np.asarray(left / right)

    @np.errstate(over="ignore", invalid="ignore")
    def power(self, base: Array, exponent: int) -> Array:
        if base.dtype != object:
            return np.asarray(base ** float(exponent))
        bits = max(max(n.bit_length() for n in p.as_integer_ratio()) for p in base.flat)
        if bits * abs(exponent) > _MOST_BITS:
            message = f"a power of {exponent} makes numbers of {bits * abs(exponent):,} bits"
            raise LimitError(Diagnostic("L003", message, notes=(f"the limit is {_MOST_BITS:,}",)))
        return np.asarray(base**exponent)

    def total(self, array: Array, axes: tuple[int, ...]) -> Array:
        return np.asarray(array.sum(axis=axes), dtype=array.dtype)

    def divides(self, array: Array) -> bool:
        return not (array == 0).any()


def evaluate(
    formula: Formula,
    ask: Callable[[Query], Distribution],
    values: Values,
    *,
    exact: bool = False,
    max_memory: int | None = None,
) -> Distribution:
    """The value of a formula: a table with the formula's free axes, in order of first appearance.

    `ask` answers the questions in it, each of which it is asked once. The value is exact if every part is; with `exact`
    it has to be. `max_memory` bounds the bytes of each table on the way.

    Raises:
        QueryError: Q005 if it is to be exact and a part is floating-point, Q006 for a division by zero, Q008 for a
            power that is not a small whole number, and whatever `ask` raises.
        LimitError: L001 if a table would take too much memory, L003 if it has too many axes or too large numbers;
            nothing has been computed then.
    """
    if exact:
        _refuse_floats(formula)

    def grid(query: Query) -> Grid:
        found = ask(query)
        if exact and not found.exact:
            raise QueryError(Diagnostic("Q005", f"`{query}` has no exact answer", span=query.span))
        return Grid(found.variables, found.array, found.values)

    found = evaluate_in(Plain(), formula, grid, values, max_memory)
    return Distribution(found.variables, found.array, found.values)


def _unknown(name: str) -> Array:
    raise without_value(name)


def evaluate_in(
    numbers: Numbers,
    formula: Formula,
    ask: Callable[[Query], Grid],
    values: Values,
    max_memory: int | None = None,
    parameter: Callable[[str], Array] = _unknown,
) -> Grid:
    """The same in any kind of numbers; `parameter` gives the number that a parameter is, as an array without axes."""
    known: dict[Query, Grid] = {}
    for query in questions(formula):
        known[query] = ask(query)
    _check_shapes(formula, known, max_memory)
    return _value(numbers, formula, known, values, parameter)


def _refuse_floats(formula: Formula) -> None:
    """Q005 for a number that asks for floating point."""
    match formula:
        case Number(_, False, span):
            help_ = ("write it without `f`, or ask without exact",)
            message = "a floating-point number has no exact answer"
            raise QueryError(Diagnostic("Q005", message, span, "asks for floating point", help=help_))
        case Sum(_, body):
            _refuse_floats(body)
        case Arithmetic(_, left, right):
            _refuse_floats(left)
            _refuse_floats(right)
        case _:
            pass


def _check_shapes(formula: Formula, known: Mapping[Query, Grid], max_memory: int | None) -> tuple[Labels, bool]:
    """The axes of a formula's value, and whether it is exact; every table on the way is checked, none is built."""
    match formula:
        case Number(_, exact):
            return {}, exact
        case Parameter():
            return {}, True
        case Ask(query):
            found = known[query]
            return dict(zip(found.variables, found.values, strict=True)), found.array.dtype == object
        case Sum(binders, body):
            labels, exact = _check_shapes(body, known, max_memory)
            _check_axes(labels)
            bound = {name for name, _ in binders}
            return {n: v for n, v in labels.items() if n not in bound}, exact
        case Arithmetic(_, left, right):
            one, other = (_check_shapes(side, known, max_memory) for side in (left, right))
            labels = _joined([one[0], other[0]])
            _check_table(labels, one[1] and other[1], max_memory)
            return labels, one[1] and other[1]


def _value(
    numbers: Numbers,
    formula: Formula,
    known: Mapping[Query, Grid],
    values: Values,
    parameter: Callable[[str], Array],
) -> Grid:
    match formula:
        case Parameter(name):
            return Grid((), parameter(name), ())
        case Number(value, exact):
            return Grid((), numbers.constant(value, exact), ())
        case Ask(query):
            return known[query]
        case Sum(binders, body):
            return _sum(numbers, binders, _value(numbers, body, known, values, parameter), values)
        case Arithmetic(op, left, right):
            one, other = (_value(numbers, side, known, values, parameter) for side in (left, right))
            return _combine(numbers, op, one, other, formula)


def aligned(
    sides: Sequence[Grid], max_memory: int | None = None
) -> tuple[tuple[str, ...], list[Array], list[tuple[str, ...]]]:
    """All axes in order of first appearance, the tables with axes of length 1 where they lack one, and the labels.

    Every table gets a last axis of length 1 besides: numpy unwraps fractions in arrays without axes.

    Raises:
        QueryError: N009 if an axis has different values in two tables.
        LimitError: L001, L003 if a table over all axes would be too large.
    """
    labels = _joined([dict(zip(side.variables, side.values, strict=True)) for side in sides])
    _check_table(labels, all(side.array.dtype == object for side in sides), max_memory)
    tables = []
    for side in sides:
        order = [side.variables.index(n) for n in labels if n in side.variables]
        shape = [*(len(v) if n in side.variables else 1 for n, v in labels.items()), 1]
        tables.append(np.transpose(side.array, order).reshape(shape))
    return tuple(labels), tables, list(labels.values())


def _joined(sides: Sequence[Labels]) -> Labels:
    """The axes of some tables, in order of first appearance."""
    labels: Labels = {}
    for side in sides:
        for n, v in side.items():
            if labels.setdefault(n, v) != v:
                raise QueryError(Diagnostic("N009", f"the axis `{n}` has different values in two places"))
    return labels


def _check_table(labels: Labels, exact: bool, max_memory: int | None) -> None:
    """Refuse a table over some axes that would be too large."""
    size = math.prod(len(v) for v in labels.values())
    shown = ", ".join([*labels][:12]) + (f" and {len(labels) - 12} more" if len(labels) > 12 else "")
    check_bytes(
        size * (_FRACTION_BYTES if exact else _FLOAT_BYTES),
        max_memory,
        "this formula needs",
        (f"a table over {shown} has {show_count(size)} entries",),
        ("bind fewer names, or sum earlier",),
    )
    _check_axes(labels)


def _check_axes(labels: Labels) -> None:
    if len(labels) >= MOST_AXES:  # one more is used on the way
        message = f"a table of this formula would have {len(labels)} axes; the limit is {MOST_AXES - 1}"
        raise LimitError(Diagnostic("L003", message, help=("bind fewer names",)))


def _sum(numbers: Numbers, binders: Sequence[tuple[str, str]], body: Grid, values: Values) -> Grid:
    """The sum over the bound names; one that the body does not mention counts its values."""
    bound = {name for name, _ in binders}
    times = math.prod(len(values(variable)) for name, variable in binders if name not in body.variables)
    axes = tuple(k for k, n in enumerate(body.variables) if n in bound)
    array = numbers.total(body.array[..., None], axes)
    if times != 1:
        array = numbers.combine("*", array, numbers.constant(Fraction(times), True))
    kept = [k for k in range(len(body.variables)) if k not in axes]
    return Grid(tuple(body.variables[k] for k in kept), array[..., 0], tuple(body.values[k] for k in kept))


def _combine(numbers: Numbers, op: str, left: Grid, right: Grid, formula: Arithmetic) -> Grid:
    axes, (one, other), labels = aligned([left, right])
    if op == "^":
        exponent = _exponent(numbers, right, one, formula)
        array = numbers.power(one, exponent)
    else:
        if op == "/" and not numbers.divides(other):
            raise _division_by_zero(right, formula)
        array = numbers.combine(op, one, other)
    return Grid(axes, array[..., 0], tuple(labels))


def _division_by_zero(right: Grid, formula: Arithmetic) -> QueryError:
    at = np.argwhere(right.array == 0)[0]
    case = ", ".join(f"{n} = {v[i]}" for n, v, i in zip(right.variables, right.values, at, strict=True))
    where = f" at {case}" if case else ""
    return QueryError(Diagnostic("Q006", f"division by zero: `{formula.right}` is 0{where}", span=formula.span))


def _exponent(numbers: Numbers, right: Grid, base: Array, formula: Arithmetic) -> int:
    """The exponent, a whole number.

    Raises:
        QueryError: Q008 if it is none, or too large; Q006 if it is negative and the base is zero somewhere.
    """
    power: Any = right.array[()] if not right.variables else None
    if isinstance(formula.right, Number):
        power = formula.right.value
    known = isinstance(power, Real)
    if not known or power != int(power) or abs(power) > _LARGEST_POWER:
        shown = "a table" if right.variables else significant(power) if known else str(formula.right)
        note = f"exponents are whole numbers from -{_LARGEST_POWER} to {_LARGEST_POWER}"
        raise QueryError(Diagnostic("Q008", f"cannot raise to the power {shown}", span=formula.span, notes=(note,)))
    if power < 0 and not numbers.divides(base):
        raise QueryError(Diagnostic("Q006", "division by zero: 0 to a negative power", span=formula.span))
    return int(power)
