"""Boxes given by formulas: distributions with parameters in them, and all that has to do with real wires.

A box comes to one `Body` for every combination of values of its finite inputs; the numbers on its real inputs are
names in a function, or in the pattern of a row: `| yes, x -> normal(2*x, 1)`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from parser import syntax
from parser.constants import arithmetic, check_depth
from parser.distributions import Column, by_value, check_length, column, point
from parser.domains import find_value
from parser.functions import as_value, check_parameters, outside, readings, size, truth, with_case
from parser.residual import Known, Term, check_truth, is_truth, lifted
from parser.scope import count, near, problem, second_place, shorten, too_large
from strings.diagnostic import CutwireError, LanguageError, Span
from strings.expression import (
    ARITHMETIC,
    FAMILIES,
    Apply,
    Body,
    Choice,
    Constant,
    Draw,
    Expression,
    Input,
    Parameter,
    fold_expression,
)
from strings.signature import Box, Object

MAX_STEPS = 1_000_000
"""Operations that reading one box for all its finite inputs may take."""

_ZERO, _ONE = Constant(Fraction(0)), Constant(Fraction(1))


@dataclass(frozen=True)
class Site:
    """Where a body stands: the output that it is for, what names mean there, and where the output is declared."""

    out: Object
    known: Known
    declared: Span | None = None

    def body(self, e: syntax.Expression | syntax.PointValue) -> Body:
        """What a body draws from.

        Raises:
            LanguageError: codes T; N002 and N003 for names.
        """
        match e:
            case syntax.If(condition, then, otherwise):
                test = self.known.term(condition)
                if isinstance(test, Expression):
                    check_truth(test, condition)
                    return Choice(test, self.body(then), self.body(otherwise))
                return self.body(then if truth(test, condition) else otherwise)
            case syntax.Probabilities() | syntax.Labelled() | syntax.Odds():
                return self._row(e)
            case syntax.Call(name) if name.text in FAMILIES or name.text in ("flip", "noisy_or", "fit", "dirichlet"):
                return self._call(e)
            case syntax.PointValue(value):
                return self._point(value)
            case _:
                return self._sharp(self.known.term(e), e)

    def _sharp(self, term: Term, e: syntax.Expression) -> Body:
        """A value without chance."""
        if self.out.space:
            if isinstance(term, Fraction):
                find_value(syntax.Name(str(term), e.span), self.out)
            return Draw("point", (lifted(term, e),))
        if not isinstance(term, Expression):
            text = as_value(term, self.out)
            if text is None:
                raise outside(term, syntax.Function((), e, e.span), Box("", (), (self.out,)), ())
            return _sharp_row(text, self.out)
        if is_truth(term) and self.out.values in (("no", "yes"), ("false", "true"), ("0", "1")):
            rows = [_sharp_row(v, self.out) for v in self.out.values]
            return Choice(term, rows[1], rows[0])
        what = "a truth value" if is_truth(term) else "a number"
        help_ = ("choose by `if … then … else …`",)
        label = f"`{self.out.name}` takes {{{shorten(self.out.values or ())}}}"
        raise problem("T011", f"{what} is no value of `{self.out.name}`", e.span, label, help=help_)

    def _point(self, value: syntax.Name) -> Body:
        """A bare value, or the name of a number."""
        if self.out.space and value.text in self.known.names:
            return Draw("point", (lifted(self.known.names[value.text], syntax.Ref(value, value.span)),))
        text = find_value(value, self.out)
        if self.out.space:
            return Draw("point", (Constant(Fraction(text)),))
        return _sharp_row(text, self.out)

    def _call(self, call: syntax.Call) -> Body:
        name = call.name.text
        if name in ("noisy_or", "fit", "dirichlet"):
            help_ = (f"write it for the whole box: `box … = {name}(…)`",)
            raise problem("T014", f"`{name}` cannot be one row of a table", call.span, "says all rows", help=help_)
        if name == "flip" or (name == "uniform" and not self.out.space):
            return self._finite_call(call)
        family = FAMILIES[name]
        if not self.out.space:
            return _row_of(column(call, self.out, self.declared))
        if family.space != self.out.space:
            label = f"`{self.out.name}` is declared `{self.out.space}`"
            help_ = (f"declare `var {self.out.name} : {family.space}`",)
            raise problem("T024", f"`{name}` draws from `{family.space}`", call.span, label, help=help_)
        return Draw(name, self._arguments(call, family.arguments))

    def _arguments(self, call: syntax.Call, wanted: Sequence[str]) -> tuple[Expression, ...]:
        """The arguments of a family, by place or by name."""
        name = call.name.text
        form = f"`{name}({', '.join(wanted)})`"
        found: dict[str, Expression] = {}
        for k, a in enumerate(call.arguments):
            if a.name is not None and a.name.text not in wanted:
                close = near(a.name.text, wanted)
                raise problem("T013", f"`{name}` has no `{a.name.text}`", a.name.span, form, help=close)
            key = a.name.text if a.name is not None else wanted[k] if k < len(wanted) else ""
            if not key or key in found:
                label = "one too many" if not key else f"`{key}` again"
                raise problem("T013", f"`{name}` takes {count(len(wanted), 'number')}", a.span, label, help=(form,))
            found[key] = lifted(self.known.term(a.value), a.value)
            _check_range(name, key, found[key], a.value)
        missing = [w for w in wanted if w not in found]
        if missing:
            message = f"`{name}` takes {count(len(wanted), 'number')}"
            raise problem("T013", message, call.span, f"`{missing[0]}` is missing", help=(f"write {form}",))
        return tuple(found[w] for w in wanted)

    def _finite_call(self, call: syntax.Call) -> Body:
        """`flip(p)` and `uniform()` for finite values."""
        if call.name.text == "uniform" or len(call.arguments) != 1 or call.arguments[0].name is not None:
            return _row_of(column(call, self.out, self.declared))
        p = lifted(self.known.term(call.arguments[0].value), call.arguments[0].value)
        if isinstance(p, Constant) or len(self.out.values or ()) != 2:
            return _row_of(column(_constants(call, self.known), self.out, self.declared))
        return Draw("categorical", (_minus(_ONE, p), p))

    def _row(self, row: syntax.Probabilities | syntax.Labelled | syntax.Odds) -> Body:
        if self.out.space:
            label = f"`{self.out.name}` is declared `{self.out.space}`"
            help_ = ("write a distribution such as `normal(0, 1)`",)
            raise problem("T024", "a row of probabilities is for finitely many values", row.span, label, help=help_)
        entries: Sequence[syntax.Expression | syntax.Rest]
        match row:
            case syntax.Odds(weights):
                entries = weights
            case syntax.Probabilities(listed):
                entries = listed
            case syntax.Labelled(labelled):
                entries = by_value(labelled, self.out, row.span)
        check_length(len(entries), self.out, row.span, self.declared)
        found = [None if isinstance(e, syntax.Rest) else lifted(self.known.term(e), e) for e in entries]
        if all(e is None or isinstance(e, Constant) for e in found):
            return _row_of(column(_constants(row, self.known), self.out, self.declared))
        given = [e for e in found if e is not None]
        if isinstance(row, syntax.Odds):
            total = _sum(given)
            return Draw("categorical", tuple(Apply("/", (e, total)) for e in given))
        rests = [e for e in entries if isinstance(e, syntax.Rest)]
        if len(rests) > 1:
            also = second_place(rests[0].span, "first here")
            message = "only one entry of a row can be what is left"
            raise problem("T010", message, rests[1].span, "a second `_`", also=also)
        if not rests:
            _check_sum(given, row.span)
        left = _minus(_ONE, _sum(given)) if rests else _ZERO
        return Draw("categorical", tuple(left if e is None else e for e in found))


def _check_range(family: str, argument: str, e: Expression, where: syntax.Expression) -> None:
    """T008 for a constant that an argument cannot be."""
    if not isinstance(e, Constant):
        return
    positive = {"sd", "scale", "rate", "shape", "df", "a", "b"}
    if argument in positive and e.value <= 0:
        raise problem("T008", f"`{argument}` of `{family}` is greater than 0", where.span, f"this is {e.value}")
    if argument == "p" and not 0 <= e.value <= 1:
        raise problem("T008", f"`{argument}` of `{family}` is a probability", where.span, f"this is {e.value}")


def _sharp_row(value: str, x: Object) -> Draw:
    return _row_of(point(value, x))


def _row_of(c: Column) -> Draw:
    return Draw("categorical", tuple(Constant(v, c.exact) for v in c.entries))


def _minus(a: Expression, b: Expression) -> Expression:
    if isinstance(a, Constant) and isinstance(b, Constant):
        return Constant(a.value - b.value, a.exact and b.exact)
    return Apply("-", (a, b))


def _sum(terms: Sequence[Expression]) -> Expression:
    total = terms[0]
    for t in terms[1:]:
        total = Apply("+", (total, t))
    return total


def _constants(dist: syntax.Dist, known: Known) -> syntax.Dist:
    """A distribution with its entries computed, for what reads constants only."""

    def computed(e: syntax.Expression | syntax.Rest) -> syntax.Expression | syntax.Rest:
        if isinstance(e, syntax.Rest):
            return e
        value = lifted(known.term(e), e)
        assert isinstance(value, Constant)
        return syntax.NumberLiteral(value.value, value.exact, e.span)

    match dist:
        case syntax.Probabilities(entries, span):
            return syntax.Probabilities(tuple(map(computed, entries)), span)
        case syntax.Labelled(entries, span):
            return syntax.Labelled(tuple((n, computed(e)) for n, e in entries), span)
        case syntax.Odds(weights, span):
            return syntax.Odds(tuple(map(computed, weights)), span)  # type: ignore[arg-type]
        case syntax.Call(name, arguments, span):
            values = tuple(
                syntax.Argument(a.name, computed(a.value), a.span)  # type: ignore[arg-type]
                for a in arguments
            )
            return syntax.Call(name, values, span)
        case _:
            return dist


class _AtPoint:
    """Exact arithmetic at one choice of the names."""

    def constant(self, c: Constant) -> Fraction:
        return c.value

    def apply(self, op: str, args: tuple[Fraction, ...]) -> Fraction:
        if op not in ARITHMETIC:
            raise LookupError(op)
        return -args[0] if op == "neg" else arithmetic(op, args[0], args[1], None)


def _check_sum(entries: Sequence[Expression], span: Span | None) -> None:
    """T002 if a row with parameters does not sum to 1, tried at a few points; with other functions it is not tried."""
    draw = random.Random(0)
    for _ in range(3):
        point_: dict[object, Fraction] = {}

        def value(key: object, known: dict[object, Fraction] = point_) -> Fraction:
            return known.setdefault(key, Fraction(draw.randint(1, 997), 1009))

        try:
            total = sum((fold_expression(e, _AtPoint(), value, value) for e in entries), Fraction(0))
        except (LookupError, CutwireError):
            return
        if total != 1:
            text = " + ".join(str(e) for e in entries)
            help_ = ("write `_` for what is left",)
            raise problem("T002", "this row does not sum to 1", span, f"{text} is not 1", help=help_)


# ---- whole boxes -----------------------------------------------------------------------------------------------------


def finite_inputs(b: Box) -> list[int]:
    """The ports of a box that hear finite variables."""
    return [k for k, x in enumerate(b.dom) if not x.space]


def function_bodies(function: syntax.Function, b: Box, parameters: Sequence[str], declared: Span | None) -> list[Body]:
    """What a function draws from, for every combination of finite inputs.

    Raises:
        LanguageError: T020 if its parameters do not fit, and what `Site.body` raises. LimitError: L003.
    """
    check_parameters(function, b)
    check_depth(function.body)
    at = finite_inputs(b)
    combinations = prod(len(b.dom[k].values or ()) for k in at)
    if combinations * size(function.body) > MAX_STEPS:
        message = f"the function of `{b.name}` is too much to read"
        raise too_large(message, function.span, f"{combinations:,} combinations of inputs")
    own: dict[str, Term] = {n: Parameter(n) for n in parameters}
    own |= {p.text: Input(k) for k, p in enumerate(function.parameters)}
    found = []
    for values in product(*(zip(b.dom[k].values or (), readings(b.dom[k]), strict=True) for k in at)):
        names = own | {function.parameters[k].text: v for k, (_, v) in zip(at, values, strict=True)}
        site = Site(b.cod[0], Known.of(names, [*b.dom, *b.cod]), declared)
        try:
            found.append(site.body(function.body))
        except LanguageError as e:
            if not values or all(d.code in ("N002", "T013", "T024") for d in e.diagnostics):
                raise
            texts = tuple(text for text, _ in values)
            inputs = syntax.Function(tuple(function.parameters[k] for k in at), function.body, function.span)
            raise LanguageError(with_case(d, inputs, texts) for d in e.diagnostics) from None
    return found


def row_body(row: syntax.Row, b: Box, parameters: Sequence[str], declared: Span | None) -> Body:
    """What a row draws from; a name in its pattern stands for the number on a real input."""
    names: dict[str, Term] = {n: Parameter(n) for n in parameters}
    for k, (pattern, x) in enumerate(zip(row.patterns, b.dom, strict=False)):
        if x.space and not isinstance(pattern, syntax.Rest):
            if not pattern.text.isidentifier():
                message = f"`{x.name}` is a {x.space} variable: a row names its value or passes it over"
                help_ = ("write a name, or `_`; to tell cases apart use `fn` with `if`",)
                raise problem("T007", message, pattern.span, "not a name", help=help_)
            names[pattern.text] = Input(k)
    return Site(b.cod[0], Known.of(names, b.cod), declared).body(row.dist)  # type: ignore[arg-type]


def single_body(dist: syntax.Dist, b: Box, parameters: Sequence[str], declared: Span | None) -> Body:
    """What a box without rows draws from, whatever it hears."""
    names: dict[str, Term] = {n: Parameter(n) for n in parameters}
    return Site(b.cod[0], Known.of(names, b.cod), declared).body(dist)  # type: ignore[arg-type]


def noisy_or_bodies(strengths: Mapping[str, Expression], leak: Expression, b: Box) -> list[Body]:
    """The rows of `noisy_or` with parameters: 1 - (1 - leak) * product of (1 - p) over the inputs that are on."""
    off = [_minus(_ONE, leak)]
    for x in b.dom:
        off = [p for q in off for p in (q, Apply("*", (q, _minus(_ONE, strengths[x.name]))))]
    return [Draw("categorical", (q, _minus(_ONE, q))) for q in off]


def constant_column(body: Body) -> Column | None:
    """The numbers of a row without names; nothing if there are any."""
    if not isinstance(body, Draw) or body.family != "categorical":
        return None
    entries = [e for e in body.args if isinstance(e, Constant)]
    if len(entries) < len(body.args):
        return None
    return Column(tuple(e.value for e in entries), all(e.exact for e in entries))


def is_random(e: syntax.Expression) -> bool:
    """Whether a function draws its value by chance."""
    match e:
        case syntax.If(_, then, otherwise):
            return is_random(then) or is_random(otherwise)
        case syntax.Call(name):
            return name.text in FAMILIES or name.text == "flip"
        case syntax.Probabilities() | syntax.Labelled():
            return True
        case _:
            return False
