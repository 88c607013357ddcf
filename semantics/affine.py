"""Affine expressions: `a1*x1 + … + an*xn + c` in the real inputs of a box, with coefficients that may hold parameters.

>>> from strings.expression import Input, Parameter
>>> x, b = Input(0), Parameter("b")
>>> form = affine(Apply("+", (Apply("*", (b, x)), Constant(Fraction(1)))))
>>> {port: str(e) for port, e in form.slopes.items()}, str(form.offset)
({0: 'b'}, '1')
>>> affine(Apply("*", (x, x))) is None
True
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from strings.expression import Apply, Body, Choice, Constant, Draw, Expression, Input, inputs_in
from strings.signature import Box

_ZERO = Constant(Fraction(0))


@dataclass(frozen=True)
class Affine:
    """`offset` plus a slope for each port, none of them with inputs in it."""

    slopes: Mapping[int, Expression]
    offset: Expression

    def scaled(self, factor: Expression, op: str = "*") -> Affine:
        return Affine({k: _apply(op, e, factor) for k, e in self.slopes.items()}, _apply(op, self.offset, factor))

    def plus(self, other: Affine, op: str = "+") -> Affine:
        ports = dict.fromkeys((*self.slopes, *other.slopes))
        slopes = {k: _apply(op, self.slopes.get(k, _ZERO), other.slopes.get(k, _ZERO)) for k in ports}
        return Affine(slopes, _apply(op, self.offset, other.offset))


def affine(e: Expression) -> Affine | None:
    """An expression in affine form; nothing if it is not affine as it is written."""
    if not inputs_in(e):
        return Affine({}, e)
    match e:
        case Input(port):
            return Affine({port: Constant(Fraction(1))}, _ZERO)
        case Apply("neg", (a,)):
            inner = affine(a)
            return inner.scaled(Constant(Fraction(-1))) if inner else None
        case Apply("+" | "-" as op, (a, b)):
            left, right = affine(a), affine(b)
            return left.plus(right, op) if left and right else None
        case Apply("*", (a, b)):
            left, right = affine(a), affine(b)
            if left is None or right is None:
                return None
            if not right.slopes:
                return left.scaled(right.offset)
            return right.scaled(left.offset) if not left.slopes else None
        case Apply("/", (a, b)) if not inputs_in(b):
            left = affine(a)
            return left.scaled(b, "/") if left else None
        case Apply("^", (a, Constant(power, _))) if power == 1:
            return affine(a)
        case _:
            return None


def is_conditionally_gaussian(b: Box, bodies: Sequence[Body]) -> bool:
    """Whether a box is linear with normal noise for each combination of its finite inputs (Lauritzen and Wermuth 1989):
    a finite output hears no real input, a real one is normal with an affine mean, or sharp at an affine value."""
    if any(x.space == "count" for x in (*b.dom, *b.cod)):
        return False
    if not b.cod[0].space:
        return not any(x.space for x in b.dom)
    return all(_is_linear(body) for body in bodies)


def _is_linear(body: Body) -> bool:
    match body:
        case Choice(condition, then, otherwise):
            return not inputs_in(condition) and _is_linear(then) and _is_linear(otherwise)
        case Draw("point", (value,)):
            return affine(value) is not None
        case Draw("normal", (mean, sd)):
            return affine(mean) is not None and not inputs_in(sd)
        case _:
            return False


def _apply(op: str, a: Expression, b: Expression) -> Expression:
    """An operation, done at once where nothing can be lost by it."""
    if isinstance(a, Constant) and isinstance(b, Constant) and op != "/":
        value = {"+": a.value + b.value, "-": a.value - b.value, "*": a.value * b.value}[op]
        return Constant(value, a.exact and b.exact)
    if op == "*" and isinstance(a, Constant) and a.value == 1 and a.exact:
        return b
    if op in ("*", "/") and isinstance(b, Constant) and b.value == 1 and b.exact:
        return a
    if op == "*" and _ZERO in (a, b):
        return _ZERO
    if op in ("+", "-") and b == _ZERO:
        return a
    if op == "+" and a == _ZERO:
        return b
    return Apply(op, (a, b))
