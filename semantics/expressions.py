"""Expressions in numbers: the algebras of floats and of fractions, and the tables of boxes that are given by formulas.

>>> from strings.expression import Apply, Parameter
>>> e = Apply("-", (Constant(Fraction(1)), Parameter("p")))
>>> number(e, {"p": Constant(Fraction(1, 3))}, exact=True)
Fraction(2, 3)
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from semantics.distribution import Array
from strings.diagnostic import Diagnostic, QueryError
from strings.expression import (
    ARITHMETIC,
    COMPARISONS,
    LOGIC,
    Algebra,
    Apply,
    Body,
    Choice,
    Constant,
    Draw,
    Expression,
    Input,
    Parameter,
    draws_of,
    fold_expression,
    parameters_in,
)
from strings.signature import Box

T = TypeVar("T")

ParameterValues = Mapping[str, Constant]
"""The values of parameters, by name; those that have none are left out."""

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _logic(op: str, args: Sequence[Any]) -> bool:
    match op:
        case "not":
            return not args[0]
        case "and":
            return bool(args[0] and args[1])
        case "or":
            return bool(args[0] or args[1])
        case _:
            return bool(args[0]) != bool(args[1])


class FloatAlgebra:
    """Floats.

    Raises:
        QueryError: Q015 where a function has no value.
    """

    _FUNCTIONS: Mapping[str, Callable[..., float]] = {
        "exp": math.exp,
        "log": math.log,
        "sqrt": math.sqrt,
        "abs": abs,
        "logistic": lambda x: 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x)),
        "logit": lambda p: math.log(p / (1 - p)),
        "sin": math.sin,
        "cos": math.cos,
        "tanh": math.tanh,
        "min": min,
        "max": max,
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "^": math.pow,
        "neg": operator.neg,
    }

    def constant(self, c: Constant) -> float:
        return float(c.value)

    def apply(self, op: str, args: tuple[float, ...]) -> float:
        if op == "if":
            return args[1] if args[0] else args[2]
        if op in COMPARISONS:
            return _COMPARE[op](*args)
        if op in LOGIC:
            return _logic(op, args)
        try:
            return self._FUNCTIONS[op](*args)
        except (ValueError, ZeroDivisionError, OverflowError):
            raise no_value(op, args) from None


class FractionAlgebra:
    """Exact fractions: arithmetic with whole powers.

    Raises:
        QueryError: Q005 for other functions, Q015 where a function has no value.
    """

    def constant(self, c: Constant) -> Fraction:
        return c.value

    def apply(self, op: str, args: tuple[Fraction, ...]) -> Fraction:
        if op == "if":
            return args[1] if args[0] else args[2]
        if op in COMPARISONS:
            return Fraction(_COMPARE[op](*args))
        if op in LOGIC:
            return Fraction(_logic(op, args))
        if op == "^" and args[1].denominator != 1:
            raise _no_exact(op)
        if op == "^" and abs(args[1]) > 10_000:
            raise no_value(op, args)
        if op not in ("abs", "min", "max") and op not in ARITHMETIC:
            raise _no_exact(op)
        try:
            return Fraction(args[0] ** int(args[1]) if op == "^" else FloatAlgebra._FUNCTIONS[op](*args))
        except ZeroDivisionError:
            raise no_value(op, args) from None


def no_value(op: str, args: Sequence[Any]) -> QueryError:
    """Q015: an operation has no value at these numbers."""
    listed = ", ".join(f"{float(a):g}" for a in args)
    return QueryError(Diagnostic("Q015", f"`{op}` has no value at {listed}"))


def _no_exact(op: str) -> QueryError:
    return QueryError(
        Diagnostic(
            "Q005",
            f"`{op}` has no exact value in fractions",
            help=('ask in floating point: semantics="matrix", or leave out --exact',),
        )
    )


ASK_WITH_SYMBOLS = 'or ask with symbols: --semantics symbolic, semantics="symbolic"'


def without_value(name: str) -> QueryError:
    """Q012: a parameter has no value."""
    return QueryError(
        Diagnostic(
            "Q012",
            f"the parameter `{name}` has no value",
            help=(
                f"give it one: `param {name} = 1/3` in the file, --set {name}=1/3, or model.with_parameters({name}=…)",
                ASK_WITH_SYMBOLS,
            ),
        )
    )


def real_input(port: int) -> Any:
    """No number is known on a real input."""
    raise AssertionError(f"input {port} has no number")


def evaluated(e: Expression, algebra: Algebra[T], values: ParameterValues) -> T:
    """An expression without real inputs, in an algebra.

    Raises:
        QueryError: Q012 for a parameter without a value; Q005 and Q015 of the algebra.
    """

    def parameter(name: str) -> T:
        if name not in values:
            raise without_value(name)
        return algebra.constant(values[name])

    return fold_expression(e, algebra, parameter, real_input)


def number(e: Expression, values: ParameterValues, exact: bool = False) -> float | Fraction:
    """The number that an expression without real inputs is; raises as `evaluated`."""
    return evaluated(e, FractionAlgebra(), values) if exact else evaluated(e, FloatAlgebra(), values)


def chosen(body: Body, truth: Callable[[Expression], bool]) -> Draw:
    """The distribution that a body comes to, if all its conditions are decided."""
    while isinstance(body, Choice):
        body = body.then if truth(body.condition) else body.otherwise
    return body


def table_array(b: Box, bodies: Sequence[Body], values: ParameterValues, exact: bool) -> Array:
    """The table of a box over finite variables that is given by formulas, shape (values of each input…, of the output).

    Raises:
        QueryError: Q013 if a wire of the box is real, Q012 for a parameter without a value, Q005 and Q015 of numbers.
    """
    refuse_real(b)
    rows: list[list[float | Fraction]] = []
    for body in bodies:
        draw = chosen(body, lambda e: bool(number(e, values, exact)))
        rows.append([number(e, values, exact) for e in draw.args])
    shape = [len(x.values or ()) for x in (*b.dom, *b.cod)]
    array = np.empty(len(rows) * len(rows[0]), dtype=object if exact else np.float64)
    array[:] = [p for row in rows for p in row]
    return array.reshape(shape)


def refuse_real(b: Box) -> None:
    """Q013 if a wire of a box carries numbers without end: it has no table."""
    odd = next((x for x in (*b.dom, *b.cod) if x.space), None)
    if odd is not None:
        raise QueryError(
            Diagnostic(
                "Q013",
                f"`{odd.name}` is {odd.space}: box `{b.name}` has no finite table",
                help=('leave the semantics open, or ask for "gaussian" (linear models) or "pyro" (sampling)',),
            )
        )


def is_rational(body: Body, values: ParameterValues) -> bool:
    """Whether fractions can hold what a body comes to: exact numbers, and arithmetic alone."""
    if any(name in values and not values[name].exact for name in parameters_in(body)):
        return False
    stack: list[Body | Expression] = [body]
    while stack:
        match stack.pop():
            case Constant(_, exact):
                if not exact:
                    return False
            case Apply("^", (base, Constant(power, _))):
                if power.denominator != 1:
                    return False
                stack.append(base)
            case Apply(op, args):
                if op not in (*ARITHMETIC, *COMPARISONS, *LOGIC, "abs", "min", "max", "if") or op == "^":
                    return False
                stack.extend(args)
            case Draw(_, args):
                stack.extend(args)
            case Choice(condition, then, otherwise):
                stack.extend((condition, then, otherwise))
            case Parameter() | Input():
                pass
    return True


def families(bodies: Sequence[Body]) -> set[str]:
    """The families that some bodies draw from."""
    return {d.family for body in bodies for d in draws_of(body)}
