"""Expressions of boxes as rational functions, and rational functions as expressions that people read.

What is not rational in the parameters (`exp(a)`, `log(p)`, `p^(1/2)`, a case distinction) becomes a generator of the
field by itself: an *atom*. Equal elements are equal functions; different ones may be equal too, if an atom depends on
others.

>>> from strings.expression import Apply, Constant, Parameter
>>> one, p = Constant(Fraction(1)), Parameter("p")
>>> algebra = SympyAlgebra()
>>> e = fold_expression(Apply("-", (one, Apply("logistic", (p,)))), algebra, sympy.Symbol, real_input)
>>> symbols = Symbols.of([e, sympy.Symbol("p")], {})
>>> symbols.written(symbols.element(e) * symbols.element(sympy.Symbol("p")))
p/(exp(p) + 1)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import sympy

from semantics.expressions import no_value, real_input
from semantics.polynomials import field_of
from strings.expression import COMPARISONS, Body, Choice, Constant, Draw, Expression, ParameterDef, fold_expression

Expr = Any
"""A sympy expression."""

_MOST_FACTORED = 400  # terms of a polynomial that is written as a product
_MOST_MONOMIALS = 20_000  # that a factored polynomial could have by its degrees: beyond that factors take minutes
_MOST_CORNERS = 10  # generators of a polynomial whose signs on a box are looked at
_MOST_JOINED = 400  # operations in an expression that is also tried as one quotient of exponentials
_MOST_EXPONENT = 12  # of an exponential that is a power of another one
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
    "abs": lambda x: sympy.Max(x, -x),  # whose derivative is plain; that of `Abs` knows complex numbers
    "min": sympy.Min,
    "max": sympy.Max,
    "and": sympy.And,
    "or": sympy.Or,
    "xor": sympy.Xor,
    "not": sympy.Not,
    "if": _case,
}


def row(
    body: Body,
    algebra: SympyAlgebra,
    parameter: Callable[[str], Expr],
    numbers: Callable[[Draw], Sequence[Expression]] = lambda draw: draw.args,
) -> list[Expr]:
    """The numbers of a body, which depend on no real input: for a finite output the probabilities of its values."""
    if isinstance(body, Choice):
        test = fold_expression(body.condition, algebra, parameter, real_input)
        sides = [row(side, algebra, parameter, numbers) for side in (body.then, body.otherwise)]
        return [_case(test, one, other) for one, other in zip(*sides, strict=True)]
    return [fold_expression(e, algebra, parameter, real_input) for e in numbers(body)]


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
        (one, above), (other, below) = self._factored(element.numer), self._factored(element.denom)
        return self._shortest(one / other * (above / below))

    def _shortest(self, e: Expr) -> Expr:
        """The expression with `logistic` written out, which sympy does not know: in place, or as one quotient."""
        e = e.replace(sympy.UnevaluatedExpr, lambda x: x)
        if not e.has(logistic):
            return e
        plain = e.replace(logistic, lambda x: 1 / (1 + sympy.exp(-x)))
        if sympy.count_ops(plain) > _MOST_JOINED:
            return plain
        return min(plain, tidied(plain, self.declared), key=sympy.count_ops)

    def _factored(self, p: Any) -> tuple[Expr, Expr]:
        """A number, and a product of factors that are positive in the middle of the box, as far as there is one."""
        if len(p) <= 1 or not _is_factored(p):
            return sympy.S.One, p.as_expr()
        content, factors = p.factor_list()
        number, product = sympy.Integer(int(content)), []
        for f, k in factors:
            negative = self._in_a_box(f) and self._sample(f) < 0
            number *= (-1) ** k if negative else 1
            product.append((-f if negative else f).as_expr() ** k)
        return number, sympy.Mul(*product)

    def _in_a_box(self, p: Any) -> bool:
        """Whether something is known of all generators of a polynomial."""
        return all(bounds != (None, None) for bounds, k in zip(self._bounds, p.degrees(), strict=False) if k > 0)

    def _sample(self, p: Any) -> Fraction:
        """The value of a polynomial in the middle of the box of its generators."""
        values = [_middle(*ends) for ends in self._bounds] or [Fraction(0)]
        return _at(p, [(x, x) for x in values])

    @cached_property
    def _bounds(self) -> list[Bounds]:
        """Between which numbers the generators lie, as far as is known."""
        return [_bounds_of(g, self.declared) for g in self.generators]

    def range(self, p: Any) -> tuple[Fraction, Fraction] | None:
        """Bounds for a polynomial on the box of its generators, if they are seen at once: where it is of degree 1 in
        each, the values at corners; else those of its monomials, where no generator is negative."""
        used = [k for k in range(len(self.generators)) if any(m[k] for m in p.itermonoms())]
        ends = self._bounds
        if any(None in ends[k] for k in used):
            return None
        if len(used) > _MOST_CORNERS or any(m[k] > 1 for m in p.itermonoms() for k in used):
            if any(ends[k][0] < 0 for k in used):  # type: ignore[operator]
                return None
            return _at(p, ends), _at(p, [(high, low) for low, high in ends])  # type: ignore[arg-type, misc]
        corners = itertools.product(*(ends[k] if k in used else (Fraction(0),) for k in range(len(ends) or 1)))
        values = [_at(p, [(x, x) for x in at]) for at in corners]  # type: ignore[misc]
        return min(values), max(values)

    def root(self, element: Any, assumed: Collection[Expr] = ()) -> Expr:
        """The square root of a quotient that is not negative; `assumed` are not negative either."""
        found = sympy.S.One
        for p, power in ((element.numer, 1), (element.denom, -1)):
            content, factors = p.factor_list() if _is_factored(p) else (1, [(p, 1)])
            inner = sympy.Integer(int(content))
            for f, k in factors:
                e = f.as_expr()
                if k > 1 and (e in assumed or self.is_nonnegative(f)):
                    found *= e ** (power * (k // 2))
                    k %= 2
                inner *= e**k
            found *= sympy.sqrt(inner) ** power
        return found

    def _by_terms(self, p: Any) -> tuple[bool, bool]:
        """Whether a polynomial is seen not to be negative, and to be positive, since that holds of each of its terms:
        they have positive coefficients, and what may be negative stands in them squared."""
        lows = [low for low, _ in self._bounds]
        positive = False
        for exponents, coefficient in p.terms():
            used = [(lows[i], k) for i, k in enumerate(exponents) if k]
            if coefficient < 0 or any(k % 2 and (low is None or low < 0) for low, k in used):
                return False, False
            positive = positive or all(low is not None and low > 0 for low, _ in used)
        return True, positive

    def nonzero(self, p: Any) -> list[Expr]:
        """The conditions under which a polynomial does not vanish, one for each factor that may."""
        if p.is_ground or self._by_terms(p)[1]:
            return []
        found = []
        for f, _ in p.factor_list()[1] if _is_factored(p) else [(p, 1)]:
            seen = self.range(f)
            if self._by_terms(f)[1] or self._by_terms(-f)[1]:
                continue
            if f.is_generator and isinstance(f.as_expr(), sympy.exp | logistic):
                continue
            if seen is None or seen[0] <= 0 <= seen[1]:
                found.append(_away_from_zero(self._shortest((f if self._sample(f) >= 0 else -f).as_expr())))
        return [c for c in found if c != sympy.true]

    def is_nonnegative(self, p: Any) -> bool:
        """Whether a polynomial is seen not to be negative on the box: as it is, or by its factors."""
        seen = self.range(p)
        if (seen is not None and seen[0] >= 0) or self._by_terms(p)[0]:
            return True
        if p.is_ground or not _is_factored(p):
            return False
        content, factors = p.factor_list()
        sign = 1 if content > 0 else -1
        for f, k in factors:
            ends = self.range(f)
            if k % 2 and (ends is None or ends[0] < 0 < ends[1]):
                return False
            sign *= -1 if k % 2 and ends is not None and ends[1] <= 0 else 1
        return sign > 0

    def nonnegative(self, element: Any) -> list[Expr]:
        """The condition under which a quotient is not negative, if it may be."""
        if self.is_nonnegative(element.numer) and self.is_nonnegative(element.denom):
            return []
        condition = sympy.Ge(self.written(element), 0)
        return [] if condition == sympy.true else [condition]


def _is_factored(p: Any) -> bool:
    """Whether a polynomial is short enough to look for its factors."""
    return len(p) <= _MOST_FACTORED and math.prod(k + 1 for k in p.degrees()) <= _MOST_MONOMIALS


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


def _at(p: Any, values: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """The value of a polynomial: of each generator the first number counts in monomials with a positive coefficient,
    the second in the others."""
    total = Fraction(0)
    for exponents, coefficient in p.terms():
        powers = (v[coefficient < 0] ** k for v, k in zip(values, exponents, strict=True) if k)
        total += int(coefficient) * math.prod(powers, start=Fraction(1))
    return total


def _parts(e: Expr) -> tuple[str, Any]:
    """How an expression is made by rational operations; what is not so is an atom."""
    if e.is_Rational:
        return "number", e
    if e.is_Add:
        return "sum", e.args
    if e.is_Mul:
        return "product", e.args
    if isinstance(e, sympy.exp) and not e.exp.is_polynomial():
        return "atom", e
    if isinstance(e, sympy.exp):
        terms = sympy.Add.make_args(e.exp.expand())
        if len(terms) > 1:
            return "product", list(map(sympy.exp, terms))
        rest, n = _whole(terms[0])
        return ("atom", e) if n == 1 or abs(n) > _MOST_EXPONENT else ("power", (sympy.exp(rest), n))
    if e.is_Pow and e.exp.is_Rational:
        return _power(e)
    return "atom", e


def _whole(term: Expr) -> tuple[Expr, int]:
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


Bounds = tuple[Fraction | None, Fraction | None]

_INCREASING = (sympy.exp, sympy.log, logistic, sympy.tanh)
_WITHIN: Mapping[Any, Bounds] = {
    sympy.exp: (Fraction(0), None), logistic: (Fraction(0), Fraction(1)), sympy.Pow: (Fraction(0), None),
    sympy.sin: (Fraction(-1), Fraction(1)), sympy.cos: (Fraction(-1), Fraction(1)),
    sympy.tanh: (Fraction(-1), Fraction(1)),
}  # fmt: skip


def _bounds_of(atom: Expr, declared: Mapping[str, ParameterDef]) -> Bounds:
    """Between which numbers an atom lies: by the interval of a parameter, or those of what it is a function of."""
    if atom.is_Symbol:
        p = declared.get(atom.name)
        return (None, None) if p is None else (p.low, p.high)
    if isinstance(atom, sympy.Piecewise):
        sides = [_ends(e, declared) for e, _ in atom.args]
        low, high = ([s[k] for s in sides] for k in (0, 1))
        return None if None in low else min(low), None if None in high else max(high)  # type: ignore[type-var]
    if isinstance(atom, sympy.Max | sympy.Min):
        pick = max if isinstance(atom, sympy.Max) else min
        low, high = ([_ends(e, declared)[k] for e in atom.args] for k in (0, 1))
        least = Fraction(0) if pick is max and len(atom.args) == 2 and atom.args[0] == -atom.args[1] else None
        ends = (None if None in side else pick(side) for side in (low, high))  # type: ignore[type-var]
        first, last = ends
        return (first if least is None else max(first or least, least)), last
    power = atom.is_Pow and atom.exp.is_Rational and atom.exp > 0
    usual = _WITHIN.get(atom.func, (None, None)) if power or not atom.is_Pow else (None, None)
    if not power and not isinstance(atom, _INCREASING):
        return usual
    inner = _ends(atom.base if power else atom.args[0], declared)
    found = [None if x is None else _value(atom, x, power, k) for k, x in enumerate(inner)]
    return tuple(u if f is None else f for f, u in zip(found, usual, strict=True))  # type: ignore[return-value]


def _value(atom: Expr, x: Fraction, power: bool, side: int) -> Fraction | None:
    """The value of an increasing function, rounded down (`side` 0) or up."""
    number = sympy.Rational(x.numerator, x.denominator)
    found = number**atom.exp if power else atom.func(number)
    if found.is_Rational:
        return Fraction(int(found.p), int(found.q))
    if not found.is_real or not found.is_finite:
        return None
    near = Fraction(str(found.evalf(20)))
    return near + (1 if side else -1) * max(abs(near), Fraction(1)) / 10**15


def _ends(e: Expr, declared: Mapping[str, ParameterDef]) -> Bounds:
    """Between which numbers an expression lies, as far as is seen."""
    if e.is_Symbol:
        return _bounds_of(e, declared)
    symbols = Symbols.of([e], declared)
    x = symbols.element(e)
    above = symbols.range(x.numer)
    if not x.denom.is_ground or above is None:
        return None, None
    below = int(x.denom.LC)
    low, high = sorted(a / below for a in above)
    return low, high


def is_certain(condition: Expr, declared: Mapping[str, ParameterDef]) -> bool:
    """Whether a relation holds wherever the parameters lie within their intervals, as far as is seen."""
    if not isinstance(condition, sympy.core.relational.Relational):
        return bool(condition == sympy.true)
    less_first = isinstance(condition, sympy.Le | sympy.Lt)
    difference = condition.rhs - condition.lhs if less_first else condition.lhs - condition.rhs
    low, high = _ends(difference, declared)
    match condition:
        case sympy.Ne():
            return (low is not None and low > 0) or (high is not None and high < 0)
        case sympy.Ge() | sympy.Le():
            return low is not None and low >= 0
        case sympy.Gt() | sympy.Lt():
            return low is not None and low > 0
        case _:
            return False


def tidied(e: Expr, declared: Mapping[str, ParameterDef]) -> Expr:
    """An expression as one quotient without common factors, as `Symbols.written` writes it."""
    symbols = Symbols.of([e], declared)
    return symbols.written(symbols.element(e))
