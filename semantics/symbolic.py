"""Expressions of boxes as rational functions, and rational functions as expressions that people read.

What is not rational in the parameters (`exp(a)`, `log(p)`, `p^(1/2)`, a case distinction) becomes a generator of the field
by itself: an *atom*. Equal elements are equal functions; different ones may be equal too, if an atom depends on others.

>>> from strings.expression import Apply, Constant, Parameter
>>> one, p = Constant(Fraction(1)), Parameter("p")
>>> algebra = SympyAlgebra()
>>> e = fold_expression(Apply("-", (one, Apply("logistic", (p,)))), algebra, sympy.Symbol, real_input)
>>> symbols = Symbols.of([e, sympy.Symbol("p")], {})
>>> symbols.written(symbols.element(e) * symbols.element(sympy.Symbol("p")))
p*(1 - 1/(1 + exp(-p)))
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from semantics.expressions import no_value, real_input
from semantics.polynomials import field_of
from strings.expression import COMPARISONS, Body, Choice, Constant, ParameterDef, fold_expression

Expr = Any
"""A sympy expression."""

_MOST_FACTORED = 400  # terms of a polynomial that is written as a product
_MOST_CORNERS = 10  # generators of a polynomial whose signs on a box are looked at
_MOST_POWER = 64  # exponents of sums that are multiplied out


class logistic(sympy.Function):  # type: ignore[misc] # noqa: N801 (a function of sympy)
    """1 / (1 + exp(-x)), kept as one atom: tables stay polynomial in it."""

    nargs = 1

    @classmethod
    def eval(cls, x: Expr) -> Expr:
        if x == 0:
            return sympy.Rational(1, 2)
        return 1 - cls(-x) if x.could_extract_minus_sign() else None


class SympyAlgebra:
    """Expressions of boxes (`strings.expression.Algebra`) in sympy; `domains` are the conditions under which functions
    have values.

    Raises:
        QueryError: Q015 where a function has no value.
    """

    def __init__(self) -> None:
        self.domains: dict[Expr, None] = {}

    def constant(self, c: Constant) -> Expr:
        return sympy.Rational(c.value.numerator, c.value.denominator)

    def apply(self, op: str, args: tuple[Expr, ...]) -> Expr:
        if op in COMPARISONS:
            return sympy.Rel(*args, op)
        if op in _DOMAINS and not all(self._allows(c) for c in _DOMAINS[op](*args)):
            raise no_value(op, [a for a in args if a.is_number])
        return _OPERATIONS[op](*args)

    def _allows(self, condition: Expr) -> bool:
        """Whether a condition can hold; it is kept if that depends on parameters."""
        if condition not in (sympy.true, sympy.false):
            self.domains[condition] = None
        return bool(condition != sympy.false)


_DOMAINS: Mapping[str, Callable[..., list[Expr]]] = {
    "/": lambda a, b: [sympy.Ne(b, 0)],
    "log": lambda x: [sympy.Gt(x, 0)],
    "sqrt": lambda x: [sympy.Ge(x, 0)],
    "logit": lambda p: [sympy.Gt(p, 0), sympy.Lt(p, 1)],
    "^": lambda a, b: [] if b.is_integer and b >= 0 else [sympy.Ne(a, 0)] if b.is_integer else [sympy.Gt(a, 0)],
}


def _case(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    return sympy.Piecewise((then, condition), (otherwise, True))


_OPERATIONS: Mapping[str, Callable[..., Expr]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
    "neg": lambda a: -a,
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tanh": sympy.tanh,
    "logistic": logistic,
    "logit": lambda p: sympy.log(p) - sympy.log(1 - p),
    "abs": lambda x: abs(x) if x.is_number else _case(x >= 0, x, -x),
    "min": lambda a, b: _case(a <= b, a, b),
    "max": lambda a, b: _case(a >= b, a, b),
    "and": sympy.And,
    "or": sympy.Or,
    "xor": sympy.Xor,
    "not": sympy.Not,
    "if": _case,
}


def row(body: Body, algebra: SympyAlgebra, parameter: Callable[[str], Expr]) -> list[Expr]:
    """The probabilities that a body without real inputs gives to the values of a finite output."""
    if isinstance(body, Choice):
        test = fold_expression(body.condition, algebra, parameter, real_input)
        sides = [row(side, algebra, parameter) for side in (body.then, body.otherwise)]
        return [_case(test, one, other) for one, other in zip(*sides, strict=True)]
    return [fold_expression(e, algebra, parameter, real_input) for e in body.args]


# ---- expressions and the field ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Symbols:
    """A field of rational functions, with the expressions that its generators stand for.

    `declared` are the parameters; their intervals say which sign a factor is written with.
    """

    functions: Any
    generators: Mapping[Expr, Any]
    declared: Mapping[str, ParameterDef]

    @staticmethod
    def of(expressions: Iterable[Expr], declared: Mapping[str, ParameterDef]) -> Symbols:
        """The field that some expressions lie in: of the parameters in declared order, then of the atoms."""
        found: dict[Expr, None] = {}
        for e in dict.fromkeys(expressions):
            for a in _atoms(e):
                found[a] = None
        known = [s for n in declared if (s := sympy.Symbol(n)) in found]
        plain = sorted((a for a in found if a.is_Symbol and a not in known), key=lambda a: a.name)
        generators = [*known, *plain, *(a for a in found if not a.is_Symbol)]
        functions = field_of(generators)
        return Symbols(functions, dict(zip(generators, functions.gens, strict=False)), declared)

    def element(self, e: Expr) -> Any:
        """The member of the field that an expression is."""
        match _parts(e):
            case ("number", value):
                return self.functions(int(value.p)) / self.functions(int(value.q))
            case ("sum", parts):
                return sum(map(self.element, parts), self.functions(0))
            case ("product", parts):
                return math.prod(map(self.element, parts), start=self.functions(1))
            case ("power", (base, exponent)):
                return self.element(base) ** exponent
            case _:
                return self.generators[e]

    def written(self, element: Any) -> Expr:
        """A member of the field as an expression: expanded or, where it has factors, as a product."""
        return _unfolded(self._polynomial(element.numer) / self._polynomial(element.denom))

    def _polynomial(self, p: Any) -> Expr:
        if len(p) <= 1 or len(p) > _MOST_FACTORED:
            return p.as_expr()
        content, factors = p.factor_list()
        whole = sympy.Integer(int(content))
        for f, k in factors:
            negative = self._sample(f) < 0
            whole *= ((-1) ** k if negative else 1) * (-f if negative else f).as_expr() ** k
        return whole

    def _sample(self, p: Any) -> Fraction:
        """The value of a polynomial in the middle of the box of its generators."""
        values = [_middle(*self.bounds(g)) for g in self.generators] or [Fraction(0)]
        return _at(p, values)

    def bounds(self, generator: Expr) -> tuple[Fraction | None, Fraction | None]:
        """Between which numbers a generator lies, as far as is known."""
        if isinstance(generator, logistic):
            return Fraction(0), Fraction(1)
        if isinstance(generator, sympy.exp):
            return Fraction(0), None
        p = self.declared.get(getattr(generator, "name", ""))
        return (None, None) if p is None else (p.low, p.high)

    def range(self, p: Any) -> tuple[Fraction, Fraction] | None:
        """The least and the largest value of a polynomial on the box of its generators, if that is seen at once: where
        it is of degree 1 in each, they are values at corners."""
        used = [k for k in range(len(self.generators)) if any(m[k] for m in p.itermonoms())]
        if len(used) > _MOST_CORNERS or any(m[k] > 1 for m in p.itermonoms() for k in used):
            return None
        ends = [self.bounds(g) for g in self.generators]
        if any(None in ends[k] for k in used):
            return None
        corners = itertools.product(*(ends[k] if k in used else (Fraction(0),) for k in range(len(ends) or 1)))
        values = [_at(p, at) for at in corners]  # type: ignore[arg-type]
        return min(values), max(values)

    def nonzero(self, p: Any) -> list[Expr]:
        """The conditions under which a polynomial does not vanish, one for each factor that may."""
        if p.is_ground:
            return []
        found = []
        for f, _ in p.factor_list()[1] if len(p) <= _MOST_FACTORED else [(p, 1)]:
            seen = self.range(f)
            if f.is_generator and isinstance(f.as_expr(), sympy.exp | logistic):
                continue
            if seen is None or seen[0] <= 0 <= seen[1]:
                found.append(_away_from_zero(_unfolded((f if self._sample(f) >= 0 else -f).as_expr())))
        return found

    def nonnegative(self, element: Any) -> list[Expr]:
        """The condition under which a quotient is not negative, if it may be."""
        above, below = self.range(element.numer), self.range(element.denom)
        if above and below and above[0] >= 0 and below[0] >= 0:
            return []
        if element.numer.is_ground and element.denom.is_ground:
            return [] if element.numer * element.denom >= 0 else [sympy.false]
        condition = sympy.Ge(self.written(element), 0)
        return [] if condition == sympy.true else [condition]


def _away_from_zero(e: Expr) -> Expr:
    """`e != 0`, solved if that is `p != number`."""
    free = e.free_symbols
    if len(free) == 1 and (p := next(iter(free))) and e.is_polynomial(p) and sympy.degree(e, p) == 1:
        return sympy.Ne(p, -e.coeff(p, 0) / e.coeff(p, 1))
    return sympy.Ne(e, 0)


def _middle(low: Fraction | None, high: Fraction | None) -> Fraction:
    """A number inside of an interval, no round one."""
    if low is None and high is None:
        return Fraction(19, 39)
    if high is None:
        return (low or Fraction(0)) + Fraction(19, 39)
    return high - Fraction(19, 39) if low is None else low + (high - low) * Fraction(19, 39)


def _at(p: Any, values: Sequence[Fraction]) -> Fraction:
    total = Fraction(0)
    for exponents, coefficient in p.terms():
        total += int(coefficient) * math.prod((v**k for v, k in zip(values, exponents, strict=True) if k), start=Fraction(1))
    return total


def _parts(e: Expr) -> tuple[str, Any]:
    """How an expression is made by rational operations; what is not so is an atom."""
    if e.is_Rational:
        return "number", e
    if e.is_Add:
        return "sum", e.args
    if e.is_Mul:
        return "product", e.args
    if isinstance(e, sympy.exp):
        terms = [_halves(t) for t in sympy.Add.make_args(e.exp.expand())]
        if len(terms) > 1 or terms[0][1] != 1:
            return "product", [sympy.Pow(sympy.exp(rest), n, evaluate=False) for rest, n in terms]
        return "atom", e
    if e.is_Pow and e.exp.is_Rational:
        return _power(e)
    return "atom", e


def _halves(term: Expr) -> tuple[Expr, int]:
    """`a * n / d` as `a / d` and `n`."""
    number, rest = term.as_coeff_Mul()
    return (rest / number.q, int(number.p)) if number.is_Rational else (term, 1)


def _power(e: Expr) -> tuple[str, Any]:
    n, d = int(e.exp.p), int(e.exp.q)
    if d != 1:
        return ("atom", e) if n == 1 else ("power", (sympy.Pow(e.base, sympy.Rational(1, d)), n))
    if e.base.is_Add and abs(n) > _MOST_POWER:
        return "atom", e
    return "power", (e.base, n)


def _atoms(e: Expr) -> Iterator[Expr]:
    match _parts(e):
        case ("number", _):
            return
        case ("sum" | "product", parts):
            for part in parts:
                yield from _atoms(part)
        case ("power", (base, _)):
            yield from _atoms(base)
        case _:
            yield e


def _unfolded(e: Expr) -> Expr:
    """The expression with `logistic` written out, which sympy does not know."""
    return e.replace(logistic, lambda x: 1 / (1 + sympy.exp(-x))) if e.has(logistic) else e


def tidied(e: Expr, declared: Mapping[str, ParameterDef]) -> Expr:
    """An expression as one quotient without common factors, as `Symbols.written` writes it."""
    symbols = Symbols.of([e], declared)
    return symbols.written(symbols.element(e))
