"""Formulas: arithmetic over probabilities, as questions, claims and estimands use it.

A formula is syntax: numbers in it are opaque constants. Names bound by `sum` or by a binder are axes; a formula with
free axes denotes a table.

>>> from strings.query import Query, Term
>>> p_t = Ask(Query((Term("T", axis="t"),), (Term("S", axis="s"),)))
>>> p_c = Ask(Query((Term("C"),), (Term("S", axis="s'"), Term("T", axis="t"))))
>>> p_s = Ask(Query((Term("S", axis="s'"),)))
>>> print(Sum((("t", "T"),), Arithmetic("*", p_t, Sum((("s'", "S"),), Arithmetic("*", p_c, p_s)))))
sum[t : T] P(t | s) * sum[s' : S] P(C | s', t) * P(s')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from strings.diagnostic import Span
from strings.query import Query
from strings.signature import spelled


@dataclass(frozen=True, slots=True)
class Number:
    """A constant. `exact` is false for a literal that asks for floating point."""

    value: Fraction
    exact: bool = True
    span: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return str(self.value) + ("" if self.exact else "f")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the model, as a number that may not be known."""

    name: str
    span: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return spelled(self.name)


@dataclass(frozen=True, slots=True)
class Ask:
    """A probability or expectation inside a formula."""

    query: Query
    span: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return str(self.query)


@dataclass(frozen=True, slots=True)
class Sum:
    """Sum over all values of the bound names, each given with its variable."""

    binders: tuple[tuple[str, str], ...]
    body: Formula
    span: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        bound = ", ".join(f"{spelled(name)} : {spelled(variable)}" for name, variable in self.binders)
        return f"sum[{bound}] {_wrap(self.body, 2)}"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left op right` with op one of `+ - * / ^`."""

    op: str
    left: Formula
    right: Formula
    span: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        level = _LEVEL[self.op]
        # A sum swallows what stands right of it, so on the left it is bracketed; a power binds to the right.
        left = f"({self.left})" if _ends_in_sum(self.left) else _wrap(self.left, level + (self.op == "^"))
        return f"{left} {self.op} {_wrap(self.right, level + (self.op in '-/' or self._fraction_first))}"

    @property
    def _fraction_first(self) -> bool:
        """Whether what stands right of a product begins with a fraction, which would be read as a division."""
        first = self.right
        while self.op == "*" and isinstance(first, Arithmetic) and first.op in "*/":
            first = first.left
        return _is_fraction(first)


@dataclass(frozen=True, slots=True)
class Compare:
    """A chain `a <= b <= c`: every neighbouring pair, everywhere on their common axes."""

    operands: tuple[Formula, ...]
    ops: tuple[str, ...]
    span: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        text = str(self.operands[0])
        for op, operand in zip(self.ops, self.operands[1:], strict=True):
            text += f" {op} {operand}"
        return text


Formula = Number | Parameter | Ask | Sum | Arithmetic

_LEVEL = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}


def questions(formula: Formula) -> list[Query]:
    """The questions in a formula, each once, from left to right."""
    match formula:
        case Ask(query):
            return [query]
        case Sum(_, body):
            return questions(body)
        case Arithmetic(_, left, right):
            return list(dict.fromkeys([*questions(left), *questions(right)]))
        case _:
            return []


def parameters(formula: Formula) -> list[str]:
    """The parameters that a formula names, each once, from left to right."""
    match formula:
        case Parameter(name):
            return [name]
        case Sum(_, body):
            return parameters(body)
        case Arithmetic(_, left, right):
            return list(dict.fromkeys([*parameters(left), *parameters(right)]))
        case _:
            return []


def filled(formula: Formula, values: Mapping[str, Number]) -> Formula:
    """The formula with numbers in place of its parameters; those that `values` does not know stay.

    >>> print(filled(Arithmetic("*", Parameter("p"), Parameter("q")), {"q": Number(Fraction(1, 3))}))
    p * (1/3)
    """
    match formula:
        case Parameter(name, span):
            return replace(values[name], span=span) if name in values else formula
        case Sum(_, body):
            return replace(formula, body=filled(body, values))
        case Arithmetic(_, left, right):
            return replace(formula, left=filled(left, values), right=filled(right, values))
        case _:
            return formula


def substituted(formula: Formula, parts: Mapping[Query, Formula]) -> Formula:
    """The formula with other formulas in place of its questions; those that `parts` does not know stay."""
    match formula:
        case Ask(query):
            return parts.get(query, formula)
        case Sum(_, body):
            return replace(formula, body=substituted(body, parts))
        case Arithmetic(_, left, right):
            return replace(formula, left=substituted(left, parts), right=substituted(right, parts))
        case _:
            return formula


def _ends_in_sum(formula: Formula) -> bool:
    while isinstance(formula, Arithmetic):
        formula = formula.right
    return isinstance(formula, Sum)


def _is_fraction(formula: Formula) -> bool:
    """Whether a formula is a number like `1/3`, which would be read as a division behind `*`."""
    return isinstance(formula, Number) and formula.value.denominator != 1


def _wrap(formula: Formula, level: int) -> str:
    """The text of a formula, bracketed where it binds less tightly than `level`."""
    inner = _LEVEL[formula.op] if isinstance(formula, Arithmetic) else 5
    if isinstance(formula, Number) and (formula.value < 0 or formula.value.denominator != 1):
        inner = 2 if formula.value >= 0 else 0
    return f"({formula})" if inner < level else str(formula)
