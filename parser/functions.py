"""Boxes given by a function, `fn (a, u) => a xor u`: the body is evaluated for every combination of inputs.

Values of `{false, true}`, `{no, yes}` (in this order) are truth values; those of `{0, 1}` are numbers that also serve
as truth values; integers are numbers; all others are symbols, which can only be compared. Arithmetic is exact and
bounded. The body is compiled to closures once; it is never handed to Python's own evaluation.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from parser import syntax
from parser.constants import arithmetic, check_depth, children
from parser.distributions import Column, point
from parser.scope import count, near, problem, second_place, shorten, too_large
from strings.diagnostic import Diagnostic, LanguageError, Span
from strings.signature import Box, Object

MAX_STEPS = 5_000_000
"""Operations that evaluating one function for all inputs may take."""

_TRUTH = (("false", "true"), ("no", "yes"))
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A value that is neither a truth value nor a number."""

    text: str


Value = bool | Fraction | Symbol
Code = Callable[[tuple[Value, ...]], Value]


def readings(x: Object) -> tuple[Value, ...]:
    """What the values of an object mean inside a function.

    >>> readings(Object("A", ("no", "yes")))
    (False, True)
    """
    values = x.values or ()
    if values in _TRUTH:
        return (False, True)
    if all(_INTEGER.fullmatch(v) for v in values):
        return tuple(Fraction(v) for v in values)
    return tuple(Symbol(v) for v in values)


def tabulate(function: syntax.Function, b: Box) -> list[Column]:
    """The column of every combination of inputs.

    Raises:
        LanguageError: T011 if a result is no value of the output, T012 for a type error, T020 if the parameters do not
            fit, N002 for an unknown name.
        LimitError: L003 if there are too many combinations.
    """
    check_parameters(function, b)
    check_depth(function.body)
    combinations = prod(len(x.values or ()) for x in b.dom)
    if combinations * size(function.body) > MAX_STEPS:
        message = f"the function of `{b.name}` is too much to tabulate"
        raise too_large(message, function.span, f"{combinations:,} combinations of inputs")
    code = _Compiler(function, b).compile(function.body)
    out = b.cod[0]
    columns = {v: point(v, out) for v in out.values or ()}
    found = []
    for inputs in product(*(zip(x.values or (), readings(x), strict=True) for x in b.dom)):
        texts = tuple(text for text, _ in inputs)
        try:
            result = code(tuple(value for _, value in inputs))
        except LanguageError as e:
            raise LanguageError(with_case(d, function, texts) for d in e.diagnostics) from None
        text = as_value(result, out)
        if text is None:
            raise outside(result, function, b, texts)
        found.append(columns[text])
    return found


def check_parameters(function: syntax.Function, b: Box) -> None:
    """T020 if the parameters of a function do not fit the box, N001 if one stands twice."""
    names = function.parameters
    if len(names) != len(b.dom):
        message = f"this function has {count(len(names), 'parameter')}, `{b.name}` hears {len(b.dom)}"
        label = f"the inputs are {shorten(x.name for x in b.dom)}" if b.dom else "there are no inputs"
        raise problem("T020", message, function.span, label)
    first: dict[str, Span | None] = {}
    for n in names:
        if n.text in first:
            also = second_place(first[n.text], "first here")
            raise problem("N001", f"the parameter `{n.text}` is declared twice", n.span, "again here", also=also)
        first[n.text] = n.span


def size(body: syntax.Expression) -> int:
    """The number of operations and operands of an expression."""
    total, stack = 0, [body]
    while stack:
        node = stack.pop()
        total += 1
        stack.extend(children(node))
    return total


def as_value(result: Value, out: Object) -> str | None:
    """The value of `out` that a result stands for."""
    means = readings(out)
    if isinstance(result, bool) and out.values == ("0", "1"):
        result = Fraction(int(result))
    for value, meaning in zip(out.values or (), means, strict=True):
        if type(meaning) is type(result) and meaning == result:
            return value
    return None


def case_text(function: syntax.Function, texts: Sequence[str]) -> str:
    """The inputs at which something came up."""
    pairs = zip(function.parameters, texts, strict=True)
    return ", ".join(f"{p.text} = {t}" for p, t in pairs) or "no inputs"


def with_case(d: Diagnostic, function: syntax.Function, texts: Sequence[str]) -> Diagnostic:
    """A problem of a function, with the inputs at which it came up."""
    notes = (*d.notes, f"for {case_text(function, texts)}")
    return Diagnostic(d.code, d.message, d.span, d.label, d.also, notes, d.help)


def show_value(value: Value) -> str:
    """A value as one would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Symbol) else str(value)


def outside(result: Value, function: syntax.Function, b: Box, texts: Sequence[str]) -> LanguageError:
    """T011: a result that is no value of the output."""
    out = b.cod[0]
    what = "the truth value " if isinstance(result, bool) else ""
    return problem(
        "T011",
        f"the function of `{b.name}` gives {what}`{show_value(result)}`, which is not a value of `{out.name}`",
        function.body.span or function.span,
        f"not in {{{shorten(out.values or ())}}}",
        notes=(f"for {case_text(function, texts)}",),
    )


class _Compiler:
    """Turns the body of one function into closures over the inputs."""

    def __init__(self, function: syntax.Function, b: Box) -> None:
        self.parameters = {p.text: k for k, p in enumerate(function.parameters)}
        self.constants = named_values((*b.dom, *b.cod))

    def compile(self, e: syntax.Expression) -> Code:
        match e:
            case syntax.NumberLiteral(value):
                return lambda _: value
            case syntax.Ref(name):
                return self._name(name)
            case syntax.Unary(op, operand):
                return _negation(op, self.compile(operand), operand)
            case syntax.Binary(op, left, right) if op in _LOGIC:
                return _logic(op, self.compile(left), self.compile(right), left, right)
            case syntax.Binary(op, left, right):
                return _arithmetic(op, self.compile(left), self.compile(right), e)
            case syntax.Comparison():
                return self._comparison(e)
            case syntax.If(condition, then, otherwise):
                test, yes, no = self.compile(condition), self.compile(then), self.compile(otherwise)
                return lambda env: yes(env) if truth(test(env), condition) else no(env)
            case _:
                raise problem("T012", "a function computes with values, not with probabilities", e.span, "not here")

    def _name(self, name: syntax.Name) -> Code:
        if name.text in self.parameters:
            k = self.parameters[name.text]
            return lambda env: env[k]
        meanings = self.constants.get(name.text, [])
        if not meanings:
            known = [*self.parameters, *self.constants]
            label = "neither a parameter nor a value"
            close = near(name.text, known)
            raise problem("N002", f"unknown name `{name.text}`", name.span, label, help=close)
        if len(meanings) > 1:
            label = "a truth value in one domain, a symbol in another"
            raise problem("N007", f"`{name.text}` means different things here", name.span, label)
        return lambda _: meanings[0]

    def _comparison(self, e: syntax.Comparison) -> Code:
        codes = [self.compile(x) for x in e.operands]

        def run(env: tuple[Value, ...]) -> Value:
            left = codes[0](env)
            for op, code, operand in zip(e.ops, codes[1:], e.operands[1:], strict=True):
                right = code(env)
                if not compare(op, left, right, operand):
                    return False
                left = right
            return True

        return run


_LOGIC: Mapping[str, Callable[[bool, bool], bool]] = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "xor": operator.ne,
}
RELATIONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def named_values(objects: Sequence[Object]) -> dict[str, list[Value]]:
    """What the values of the objects mean by name; more than one meaning is ambiguous."""
    found: dict[str, list[Value]] = {}
    for x in objects:
        for text, meaning in zip(x.values or (), readings(x), strict=True):
            known = found.setdefault(text, [])
            if meaning not in known:
                known.append(meaning)
    return found


def truth(value: Value, e: syntax.Expression) -> bool:
    """A value as a truth value.

    Raises:
        LanguageError: T012 if it is none.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, Fraction) and value in (0, 1):
        return value == 1
    label = f"this is {kind(value)}, `{show_value(value)}`"
    raise problem("T012", "a truth value is expected here", e.span, label, help=("compare it: `… == value`",))


def kind(value: Value) -> str:
    """What a value is, in words."""
    return "a truth value" if isinstance(value, bool) else "a symbol" if isinstance(value, Symbol) else "a number"


def _negation(op: str, code: Code, operand: syntax.Expression) -> Code:
    if op == "not":
        return lambda env: not truth(code(env), operand)
    return lambda env: -number(code(env), operand)


def logic(op: str, a: bool, b: bool) -> bool:
    """`and`, `or`, `xor` of two truth values."""
    return _LOGIC[op](a, b)


def _logic(op: str, a: Code, b: Code, left: syntax.Expression, right: syntax.Expression) -> Code:
    apply = _LOGIC[op]
    return lambda env: apply(truth(a(env), left), truth(b(env), right))


def number(value: Value, e: syntax.Expression) -> Fraction:
    """A value as a number.

    Raises:
        LanguageError: T012 if it is none.
    """
    if isinstance(value, Fraction):
        return value
    label = f"this is {kind(value)}, `{show_value(value)}`"
    raise problem("T012", "a number is expected here", e.span, label)


def _arithmetic(op: str, a: Code, b: Code, e: syntax.Binary) -> Code:
    return lambda env: arithmetic(op, number(a(env), e.left), number(b(env), e.right), e.span)


def compare(op: str, a: Value, b: Value, e: syntax.Expression) -> bool:
    """Whether two values stand in a relation.

    Raises:
        LanguageError: T012 if they cannot be compared.
    """
    if op in RELATIONS:
        return RELATIONS[op](number(a, e), number(b, e))
    if isinstance(a, bool) != isinstance(b, bool) and not isinstance(a, Symbol) and not isinstance(b, Symbol):
        a, b = truth(a, e), truth(b, e)
    if type(a) is not type(b):
        label = f"{kind(a)} on the left, {kind(b)} on the right"
        raise problem("T012", f"`{show_value(a)}` and `{show_value(b)}` are never equal", e.span, label)
    return (a == b) == (op == "==")
