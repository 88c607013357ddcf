"""Tables of expressions: what a question is answered with where numbers are parameters.

>>> p, q = sympy.symbols("p q")
>>> declared = {n: ParameterDef(n, Fraction(0), Fraction(1)) for n in ("p", "q")}
>>> e = Expressions(("C",), (("no", "yes"),), objects([1 - p * q, p * q], (2,)), ("p", "q"), declared)
>>> e["yes"], e.derivative("p")["yes"], e.at(p="1/3")["yes"]
(p*q, q, q/3)
>>> e.function()([0.5, 1.0], 0.5).tolist()
[[0.75, 0.25], [0.5, 0.5]]
>>> print(e)
C    expression
no   -p*q + 1
yes  p*q
0 <= p <= 1
0 <= q <= 1
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from html import unescape
from typing import Any

import numpy as np
import sympy

from semantics.compiled import compiled
from semantics.distribution import Array, no_value
from semantics.html import MOST_ROWS
from semantics.polynomials import objects
from semantics.symbolic import Expr, tidied
from strings.diagnostic import Diagnostic, QueryError, did_you_mean
from strings.expression import ParameterDef
from strings.latex import name as latex_name
from strings.markup import escaped

_MOST_TIDIED = 5_000  # operations in an expression that is brought into its shortest form
_RELATIONS = {sympy.Ne: "!=", sympy.Eq: "==", sympy.Ge: ">=", sympy.Gt: ">", sympy.Le: "<=", sympy.Lt: "<"}
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)[A-Za-z]+;")  # names that HTML knows and XML does not
_UNITS: Mapping[str, Callable[[Expr], Expr]] = {
    "odds": lambda p: p / (1 - p),
    "percent": lambda p: 100 * p,
    "bits": lambda p: -sympy.log(p) / sympy.log(2),
    "decibans": lambda p: 10 * sympy.log(p / (1 - p)) / sympy.log(10),
}


@dataclass(frozen=True, eq=False, repr=False)
class Expressions:
    """A table of sympy expressions with one named axis per variable; an event has none, and one expression.

    `parameters` are those that the answer depends on, in declared order: the arguments of `function`. `declared` are
    all of the model. `restrictions` say where the answer is valid, beyond the intervals of the parameters. `unit` is
    the one that it is shown in (`columns`); the expressions are probabilities all the same.
    """

    variables: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    array: Array
    parameters: tuple[str, ...]
    declared: Mapping[str, ParameterDef] = field(default_factory=dict)
    restrictions: tuple[Expr, ...] = ()
    unit: str = ""

    @property
    def value(self) -> Any:
        """The expression of an event; else the table."""
        return self if self.variables else self.array[()]

    @property
    def symbols(self) -> tuple[Expr, ...]:
        """The parameters as sympy symbols; they carry no assumptions, so `sympy.Symbol("p")` is the same symbol."""
        return tuple(sympy.Symbol(n) for n in self.parameters)

    @property
    def conditions(self) -> tuple[Expr, ...]:
        """Where the answer is valid: what must not vanish, where functions have values, the parameters' intervals."""
        return (*self.restrictions, *(c for n in self._concerned for c in self._interval(n)))

    @property
    def _concerned(self) -> list[str]:
        """The parameters of the answer and of its restrictions, in declared order."""
        named = {*self.parameters, *(s.name for c in self.restrictions for s in c.free_symbols)}
        return [*(n for n in self.declared if n in named), *(n for n in self.parameters if n not in self.declared)]

    def _interval(self, name: str) -> list[Expr]:
        p, known = sympy.Symbol(name), self.declared.get(name)
        low, high = (None, None) if known is None else (known.low, known.high)
        found = [] if low is None else [sympy.Ge(p, _rational(low))]
        return found + ([] if high is None else [sympy.Le(p, _rational(high))])

    def __getitem__(self, key: object) -> Any:
        """The expression at one value per axis; with fewer values than axes, the rest as a smaller table.

        Raises:
            QueryError: N003 with a did-you-mean if a value is none of the axis, or there are too many.
        """
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) > len(self.variables):
            told = f"its axes are {', '.join(self.variables) or 'none'}"
            message = f"{len(keys)} value(s) given, this table has {len(self.variables)} axis(es)"
            raise QueryError(Diagnostic("N003", message, notes=(told,)))
        at = []
        for axis, label in zip(self.variables, map(str, keys), strict=False):
            labels = self.values[self.variables.index(axis)]
            if label not in labels:
                raise QueryError(no_value(label, axis, labels))
            at.append(labels.index(label))
        found = self.array[tuple(at)]
        if len(keys) == len(self.variables):
            return found
        return replace(self, variables=self.variables[len(keys) :], values=self.values[len(keys) :], array=found)

    def rows(self) -> Iterable[tuple[tuple[str, ...], Expr]]:
        """Every combination of values with its expression, the last axis fastest."""
        return zip(itertools.product(*self.values), self.array.flat, strict=True)

    # ---- what can be done with it ------------------------------------------------------------------------------------

    def derivative(self, parameter: str) -> Expressions:
        """How sensitive the answer is to a parameter: its derivative, under the same conditions.

        Raises:
            QueryError: N002 with a did-you-mean for what is no parameter.
        """
        self._check(parameter)
        return self._changed(lambda e: sympy.diff(e, sympy.Symbol(parameter)))

    def at(self, values: Mapping[str, object] | None = None, **named: object) -> Expressions:
        """The answer with values for some parameters: numbers, text such as `"1/3"`, or sympy expressions.

        Raises:
            QueryError: N002 for what is no parameter, T025 for what is no number or lies outside of the interval, Q015
                where the answer has no value.
        """
        found: dict[Expr, Expr] = {}
        for name, value in {**(values or {}), **named}.items():
            self._check(name)
            found[sympy.Symbol(name)] = self._number(name, value)
        left = tuple(n for n in self.parameters if sympy.Symbol(n) not in found)
        new = {s.name for v in found.values() for s in v.free_symbols} - set(left)
        restrictions = [r for c in self.restrictions if (r := _replaced(c, found)) != sympy.true]
        if sympy.false in restrictions:
            broken = next(c for c in self.restrictions if _replaced(c, found) == sympy.false)
            where = ", ".join(f"{s} = {v}" for s, v in found.items())
            message = f"the answer has no value at {where}"
            raise QueryError(Diagnostic("Q015", message, notes=(f"it holds where {condition_text(broken)}",)))
        changed = self._changed(lambda e: e.xreplace(found))
        kept = tuple(dict.fromkeys(restrictions))
        return replace(changed, parameters=(*left, *sorted(new)), restrictions=kept)

    def function(self) -> Callable[..., Array]:
        """A numpy function of the parameters, in the order of `parameters` or by name.

        Arguments are numbers or arrays that broadcast; the answer's axes come behind those of the arguments.
        """
        flat = list(self.array.flat)
        computed = compiled(self.symbols, flat)
        names, shape = self.parameters, self.array.shape

        def evaluate(*arguments: Any, **named: Any) -> Array:
            twice = [n for n in names[: len(arguments)] if n in named]
            given = {**dict(zip(names, arguments, strict=False)), **named}
            if twice or len(arguments) > len(names) or set(given) != set(names):
                raise TypeError(f"this function takes the parameters {', '.join(names) or '(none)'}, each once")
            numbers = np.broadcast_arrays(*(np.asarray(given[n], dtype=np.float64) for n in names))
            common = numbers[0].shape if numbers else ()
            found = [np.broadcast_to(x, common) for x in computed(*numbers)]
            return np.stack(found, axis=-1).reshape((*common, *shape))

        return evaluate

    def _changed(self, change: Callable[[Expr], Expr]) -> Expressions:
        def changed(e: Expr) -> Expr:
            found = change(e)
            return tidied(found, self.declared) if sympy.count_ops(found) <= _MOST_TIDIED else found

        return replace(self, array=objects(map(changed, self.array.flat), self.array.shape))

    def _check(self, name: str) -> None:
        if name not in self.declared and name not in self.parameters:
            known = [*self.declared]
            raise QueryError(
                Diagnostic(
                    "N002",
                    f"there is no parameter `{name}`",
                    notes=(f"the parameters are {', '.join(known)}",) if known else ("there are no parameters",),
                    help=did_you_mean(name, known),
                )
            )

    def _number(self, name: str, value: object) -> Expr:
        """A number, or an expression as it is."""
        if isinstance(value, sympy.Expr):
            number = value
        else:
            try:
                exact = Fraction(value if isinstance(value, str | int | float | Fraction) else float(value))  # type: ignore[arg-type]
            except (TypeError, ValueError, OverflowError, ZeroDivisionError):
                message = f"`{value}` is no number for the parameter `{name}`"
                raise QueryError(Diagnostic("T025", message, help=("write 0.3, or 1/3 as text",))) from None
            number = _rational(exact)
        for c in self._interval(name):
            if c.subs(sympy.Symbol(name), number) == sympy.false:
                raise QueryError(Diagnostic("T025", f"{number} is no value of `{self.declared[name]}`"))
        return number

    # ---- how it is shown ---------------------------------------------------------------------------------------------

    @cached_property
    def latex(self) -> str:
        """It in LaTeX for math mode; a table is an `array`."""
        if not self.variables:
            return str(sympy.latex(self.array[()]))
        head = " & ".join([*map(latex_name, self.variables), ""])
        lines = [" & ".join([*map(latex_name, labels), sympy.latex(e)]) for labels, e in self.rows()]
        body = " \\\\\n".join([f"{head} \\\\ \\hline", *lines]).replace("\\hline \\\\\n", "\\hline\n")
        return f"\\begin{{array}}{{{'l' * len(self.variables)}|l}}\n{body}\n\\end{{array}}"

    def notes(self) -> list[str]:
        """The conditions, a line each."""
        shown = [condition_text(c) for c in self.restrictions]
        return shown + [text for n in self._concerned if (text := self._interval_text(n))]

    def _interval_text(self, name: str) -> str:
        p = self.declared.get(name)
        if p is None or (p.low is None and p.high is None):
            return ""
        low, high = ("" if p.low is None else f"{p.low} <= "), ("" if p.high is None else f" <= {p.high}")
        return f"{low}{name}{high}"

    def columns(self, digits: int = 6) -> tuple[list[str], list[list[str]]]:
        """It as a small table of text, an event as a line."""
        if not self.variables:
            return [], [[f"{self._in_unit(self.array[()])} {self.unit}".rstrip()]]
        return [*self.variables, self.unit or "expression"], [
            [*labels, str(self._in_unit(e))] for labels, e in self.rows()
        ]

    def _in_unit(self, e: Expr) -> Expr:
        return tidied(_UNITS[self.unit](e), self.declared) if self.unit else e

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; expressions are text that sympy reads."""
        return {
            "variables": list(self.variables),
            "values": {n: list(v) for n, v in zip(self.variables, self.values, strict=True)},
            "expressions": _texts(self.array.tolist()),
            "parameters": list(self.parameters),
            "conditions": self.notes(),
            "latex": self.latex,
        }

    def __str__(self) -> str:
        headings, rows = self.columns()
        table = [headings, *rows] if headings else rows
        widths = [max(len(r[k]) for r in table) for k in range(len(table[0]))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in table]
        return "\n".join([*lines, *self.notes()])

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escaped(v)}</th>" for v in self.variables)
        lines = []
        for labels, e in itertools.islice(self.rows(), MOST_ROWS):
            cells = "".join(f"<td>{escaped(v)}</td>" for v in labels)
            lines.append(f"<tr>{cells}<td>{_mathml(self._in_unit(e))}</td></tr>")
        more = f"<p>… and {self.array.size - MOST_ROWS:,} more</p>" if self.array.size > MOST_ROWS else ""
        notes = more + "".join(f"<p>{escaped(n)}</p>" for n in self.notes())
        if not self.variables:
            return f'<div class="cutwire">{_mathml(self._in_unit(self.value))} {self.unit}{notes}</div>'
        return f'<div class="cutwire"><table><tr>{head}<th>{self.unit}</th></tr>{"".join(lines)}</table>{notes}</div>'


def condition_text(condition: Expr) -> str:
    """A condition in the language's words.

    >>> p = sympy.Symbol("p")
    >>> condition_text(sympy.Ne(p, 0)), condition_text(sympy.And(p > 0, p < 1))
    ('p != 0', 'p < 1 and p > 0')
    """
    sign = next((text for kind, text in _RELATIONS.items() if isinstance(condition, kind)), "")
    if sign:
        return f"{condition.lhs} {sign} {condition.rhs}"
    if isinstance(condition, sympy.And | sympy.Or):
        word = " and " if isinstance(condition, sympy.And) else " or "
        return word.join(sorted(map(condition_text, condition.args)))
    return str(condition)


def _replaced(condition: Expr, found: Mapping[Expr, Expr]) -> Expr:
    """A condition with values; what compares numbers that are not real does not hold."""
    try:
        return condition.xreplace(found)
    except TypeError:
        return sympy.false


def _rational(x: Fraction) -> Expr:
    return sympy.Rational(x.numerator, x.denominator)


def _mathml(e: Expr) -> str:
    body = _ENTITY.sub(lambda m: unescape(m[0]), sympy.mathml(e, printer="presentation"))
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{body}</math>'


def _texts(entries: Any) -> Any:
    return [_texts(x) for x in entries] if isinstance(entries, Sequence | list) else str(entries)
