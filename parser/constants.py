"""Constant arithmetic: the numbers that stand in tables, exactly, and how numbers are shown.

Text is never handed to Python's own evaluation; every operation here is bounded in size.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from parser import syntax
from parser.scope import problem, too_large
from strings.diagnostic import Span

MAX_BITS = 20_000
"""Numerators and denominators in a file may have so many bits."""
MAX_DEPTH = 200
"""Expressions may be nested so deeply."""

_LOGIC = ("and", "or", "xor")


@dataclass(frozen=True, slots=True)
class Constant:
    """An exact value; `exact` is false if the text asked for floating point somewhere (`0.3f`)."""

    value: Fraction
    exact: bool = True


def children(node: syntax.Expression) -> tuple[syntax.Expression, ...]:
    """The expressions right below an expression, those inside `P(…)` left out."""
    match node:
        case syntax.Unary(operand=x):
            return (x,)
        case syntax.Binary(left=a, right=b):
            return (a, b)
        case syntax.Comparison(operands=xs):
            return xs
        case syntax.If(condition=c, then=a, otherwise=b):
            return (c, a, b)
        case syntax.SumOver(body=x):
            return (x,)
        case syntax.Call(arguments=arguments):
            return tuple(a.value for a in arguments)
        case syntax.Probabilities(entries=entries):
            return tuple(e for e in entries if not isinstance(e, syntax.Rest))
        case syntax.Labelled(entries=labelled):
            return tuple(e for _, e in labelled if not isinstance(e, syntax.Rest))
        case _:
            return ()


def check_depth(expression: syntax.Expression) -> None:
    """Refuse expressions that are nested too deeply for what works on them recursively.

    Raises:
        LimitError: L003.
    """
    level = [expression]
    for _ in range(MAX_DEPTH):
        level = [c for node in level for c in children(node)]
        if not level:
            return
    raise too_large(f"this expression is nested more than {MAX_DEPTH} deep", expression.span, "split it up")


def constant(expression: syntax.Expression) -> Constant:
    """The value of a constant expression.

    Raises:
        LanguageError: T009 for logic, N002 for a name, T017 for a division by zero or a bad exponent.
        LimitError: L003 if a number grows too large.
    """
    check_depth(expression)
    return _constant(expression)


def _constant(e: syntax.Expression) -> Constant:
    match e:
        case syntax.NumberLiteral(value, exact):
            return Constant(bounded(value, e.span), exact)
        case syntax.Unary("-", operand):
            inner = _constant(operand)
            return Constant(-inner.value, inner.exact)
        case syntax.Binary(op, left, right) if op not in _LOGIC:
            a, b = _constant(left), _constant(right)
            return Constant(arithmetic(op, a.value, b.value, e.span), a.exact and b.exact)
        case syntax.Ref(name):
            raise problem(
                "T009", f"a number is expected, `{name.text}` is a name", name.span, "only numbers can stand here"
            )
        case syntax.Probability() | syntax.SumOver():
            raise problem("T009", "a number is expected here, not a probability to compute", e.span, "not a constant")
        case syntax.Call(name):
            raise problem("T009", "a number is expected here", e.span, f"`{name.text}(…)` stands in `fn` boxes only")
        case _:
            raise not_a_number(e)


def not_a_number(e: syntax.Expression) -> Exception:
    """T009: a logical expression where a number is expected."""
    what = {
        syntax.If: "`if … then … else …`",
        syntax.Comparison: "a comparison",
        syntax.Unary: "`not`",
    }.get(type(e), f"`{e.op}`" if isinstance(e, syntax.Binary) else "this")
    return problem("T009", f"{what} cannot stand where a number is expected", e.span, "only in the body of a `fn` box")


def arithmetic(op: str, a: Fraction, b: Fraction, span: Span | None) -> Fraction:
    """One exact operation, bounded in size."""
    match op:
        case "+":
            return bounded(a + b, span)
        case "-":
            return bounded(a - b, span)
        case "*":
            return bounded(a * b, span)
        case "/":
            if b == 0:
                raise problem("T017", "division by zero", span, "the right side is 0")
            return bounded(a / b, span)
        case _:
            return _power(a, b, span)


def _power(a: Fraction, b: Fraction, span: Span | None) -> Fraction:
    if b.denominator != 1:
        raise problem("T017", f"the exponent {b} is not an integer", span, "only whole powers are exact")
    if b < 0 and a == 0:
        raise problem("T017", "division by zero", span, "0 to a negative power")
    bits = max(a.numerator.bit_length(), a.denominator.bit_length())
    if bits > 1 and bits * abs(b) > 2 * MAX_BITS:
        raise too_large("this power is too large", span)
    return bounded(a ** (int(b) if bits > 1 else int(b) % 2 if a == -1 else int(b)), span)


def bounded(value: Fraction, span: Span | None) -> Fraction:
    """The value, if it is not too large to work with exactly."""
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise too_large(f"this number needs more than {MAX_BITS:,} bits", span)
    return value


def show_number(value: Fraction) -> str:
    """A fraction, with its decimals if it is no integer.

    >>> show_number(Fraction(11, 10)), show_number(Fraction(2, 3)), show_number(Fraction(2))
    ('11/10 = 1.1', '2/3 ≈ 0.666667', '2')
    """
    if value.denominator == 1:
        return str(value)
    rest = value.denominator
    for p in (2, 5):
        while rest % p == 0:
            rest //= p
    if rest == 1 and value.denominator <= 10**6:
        return f"{value} = {_decimals(value)}"
    if value.denominator > 10**9:
        return f"about {float(value):.9g}"
    return f"{value} ≈ {float(value):.6g}"


def _decimals(value: Fraction) -> str:
    """All decimals of a fraction whose denominator has no other primes than 2 and 5."""
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    whole = abs(int(value * 10**digits))
    text = str(whole).rjust(digits + 1, "0")
    return ("-" if value < 0 else "") + text[:-digits] + "." + text[-digits:]
