"""Expressions of questions and claims, resolved against one model into `strings.formula`.

A name in `P(…)` is a variable or a bound value name. A name that `do(S := s)` brings up, and that is no value of `S`,
ranges over `S` and stands for it in the whole statement; a name that merely looks like a slip for a value is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from parser import syntax
from parser.axes import FOR, Axes, is_identifier
from parser.constants import arithmetic, bounded, check_depth, children, not_a_number
from parser.domains import as_value, unknown_value
from parser.functions import RELATIONS
from parser.program import Definition
from parser.scope import Report, Skipped, count, near, problem, second_place, shorten, too_large, unknown
from parser.surgeries import Setting, check_once, expand, resolve_surgeries
from strings.diagnostic import Span
from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Parameter, Sum
from strings.model import CausalModel
from strings.query import Become, Query, Term, World, show_bounds
from strings.signature import Object
from strings.surgery import Open, Surgery

_NUMERIC = re.compile(r"-?\d{1,18}(\.\d{1,18})?")
MAX_PARTS = 2_000
"""An expression may have so many numbers, probabilities and operations."""


@dataclass
class Resolved:
    """What resolving a statement gathers on its way."""

    axes: Axes
    report: Report
    tables: dict[str, Definition] = field(default_factory=dict)


def begin(
    expressions: Sequence[syntax.Expression],
    binders: Sequence[syntax.Binder],
    setting: Setting,
    report: Report,
    how_to_bind: str = FOR,
) -> Resolved:
    """Bind the names of a statement: those of its binders, and those that its `do(…)`s bring up.

    `how_to_bind` is the advice about a name that is no value, with `{name}` and `{variable}` in it.

    Raises:
        Skipped: if a binder is broken (that is reported).
        LimitError: L003 if an expression is too large.
    """
    for e in expressions:
        check_depth(e)
        _check_size(e)
    axes = Axes(setting, how_to_bind)
    sound = True
    for b in binders:
        done = False
        with report.collect(b.span):
            axes.bind(b)
            done = True
        sound = sound and done
    if not sound:
        raise Skipped
    _introduce_free_names(expressions, axes, report)
    return Resolved(axes, report)


def _check_size(e: syntax.Expression) -> None:
    size, stack = 0, [e]
    while stack:
        size += 1
        stack.extend(children(stack.pop()))
    if size > MAX_PARTS:
        raise too_large(f"this expression has {size:,} parts, at most {MAX_PARTS:,} are taken", e.span)


def _probabilities(
    e: syntax.Expression, bound: frozenset[str] = frozenset()
) -> Iterator[tuple[syntax.Probability, frozenset[str]]]:
    """All probabilities of an expression, each with the names that sums around it bind."""
    if isinstance(e, syntax.Probability):
        yield e, bound
    if isinstance(e, syntax.SumOver):
        bound = bound | {b.name.text for b in e.binders}
    for c in children(e):
        yield from _probabilities(c, bound)


def _assigned(p: syntax.Probability) -> Iterator[tuple[syntax.Name, syntax.Name]]:
    """The pairs of variable and name in the `do(S := s)`s of a probability, and in its worlds."""
    ops: list[syntax.DoOp | syntax.CutOp | syntax.NamedOp]
    ops = [c for c in p.conditions if not isinstance(c, syntax.Event)]
    ops += [op for e in (*p.events, *p.conditions) if isinstance(e, syntax.Event) for op in e.world]
    for op in ops:
        for a in op.assigns if isinstance(op, syntax.DoOp) else ():
            value = a.value.value if isinstance(a.value, syntax.PointValue) else a.value
            if isinstance(value, syntax.Name):
                yield a.target.variable, value
            elif isinstance(value, syntax.Elsewhere):
                ops += value.world


def _introduce_free_names(expressions: Sequence[syntax.Expression], axes: Axes, report: Report) -> None:
    """Let the free names of `do(S := s)` range over their variables, unless they look like misspelt values.

    A name that does not look like one for any value either gets a warning, N018.
    """
    found = [pair for e in expressions for pair in _probabilities(e)]
    uses = Counter(name for p, _ in found for name in _value_names(p))
    for p, bound in found:
        for variable, value in _assigned(p):
            setting = axes.setting
            if value.text in bound or value.text in axes.active or not setting.has_variable(variable.text):
                continue
            x = setting.model.object(variable.text)
            if _is_misspelt(value.text, x, uses) or setting.has_variable(value.text):
                continue
            axes.introduce(value, x)
            if not _is_usual(value.text, x):
                _warn_free(value, x, axes, report)


def free_values(expressions: Sequence[syntax.Expression], model: CausalModel) -> tuple[syntax.Binder, ...]:
    """Binders for the value names that nothing brings up: `r` stands for a value of `R` if no other variable's name is
    spelt so but for case and primes."""
    known = {*model.names, *(v for x in model.variables for v in x.values or ())}
    found: dict[str, syntax.Binder] = {}
    for p, bound in (pair for e in expressions for pair in _probabilities(e)):
        assigned = {value.text for _, value in _assigned(p)}
        for e in (*p.events, *p.conditions):
            if not isinstance(e, syntax.Event) or e.op or e.name.text in known | set(bound) | assigned:
                continue
            alike = [n for n in model.names if n.casefold() == e.name.text.rstrip("'_").casefold()]
            if len(alike) == 1:
                found.setdefault(e.name.text, syntax.Binder(syntax.Name(e.name.text), syntax.Name(alike[0])))
    introduced = {v.text for e in expressions for p, _ in _probabilities(e) for _, v in _assigned(p)}
    return tuple(b for n, b in found.items() if n not in introduced)


def _is_usual(name: str, x: Object) -> bool:
    """Whether a name looks like one for any value of `x`: `s`, `s'`, `s1` or `smo` for `Smokes`."""
    stem = re.sub(r"_?\d+$", "", name.rstrip("'")).casefold()
    if name[-1].isdigit() and any(re.fullmatch(rf"{re.escape(stem)}_?\d+", v.casefold()) for v in x.values or ()):
        return False
    return bool(stem) and x.name.casefold().startswith(stem)


def _warn_free(value: syntax.Name, x: Object, axes: Axes, report: Report) -> None:
    """N018."""
    values = f"its values are {shorten(x.values or ())}"
    meant = axes.advice(value.text, x.name)
    help_ = (values, *((f"if it is meant: {meant}",) if meant else ()))
    message = f"`{value.text}` is no value of `{x.name}`: it stands for all of them"
    report.warn("N018", message, value.span, "any value", help_)


def _value_names(p: syntax.Probability) -> Iterator[str]:
    """Every name in a probability that could stand for a value."""
    for e in (*p.events, *p.conditions):
        if isinstance(e, syntax.Event):
            yield from (v.text for v in e.values)
            if not e.op:
                yield e.name.text
    yield from (value.text for _, value in _assigned(p))


def _is_misspelt(name: str, x: Object, uses: Counter[str]) -> bool:
    """Whether a name in `do(X := name)` is a value, or must be a slip of the pen for one."""
    values = x.values or ()
    if name in values or not is_identifier(name) or name.casefold() in {v.casefold() for v in values}:
        return True
    return bool(near(name, values)) and (uses[name] < 2 or not _is_usual(name, x))


def formula(e: syntax.Expression, resolved: Resolved) -> Formula:
    """An expression as a formula.

    Raises:
        LanguageError: T009 for logic, T018 for a comparison, N012 for a bare name, and what probabilities raise.
    """
    match e:
        case syntax.NumberLiteral(value, exact):
            return Number(bounded(value, e.span), exact, e.span)
        case syntax.Probability():
            return Ask(question(e, resolved), e.span)
        case syntax.Unary("-", operand):
            return _negated(formula(operand, resolved), e)
        case syntax.Binary(op, left, right) if op not in ("and", "or", "xor"):
            return _arithmetic(op, formula(left, resolved), formula(right, resolved), e)
        case syntax.SumOver(binders, body):
            return _sum(binders, body, e, resolved)
        case syntax.Ref(name):
            return _parameter(name, resolved)
        case syntax.Comparison():
            help_ = ("state it as a claim: `claim name: … == …`",)
            raise problem("T018", "a comparison is not a number", e.span, "a number is expected here", help=help_)
        case _:
            raise not_a_number(e)


def _negated(inner: Formula, e: syntax.Unary) -> Formula:
    if isinstance(inner, Number):
        return Number(-inner.value, inner.exact, e.span)
    return Arithmetic("-", Number(Fraction(0)), inner, e.span)


def _arithmetic(op: str, left: Formula, right: Formula, e: syntax.Binary) -> Formula:
    """An operation; one on two numbers is done at once, so that `1/3` is a number."""
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(arithmetic(op, left.value, right.value, e.span), left.exact and right.exact, e.span)
    if op == "^" and isinstance(right, Number) and (right.value.denominator != 1 or abs(right.value) > 1000):
        raise problem("T017", f"the exponent {right.value} is not a small integer", e.right.span, "whole powers only")
    if op == "/" and isinstance(right, Number) and right.value == 0:
        raise problem("T017", "division by zero", e.right.span, "this is 0")
    return Arithmetic(op, left, right, e.span)


def _sum(binders: tuple[syntax.Binder, ...], body: syntax.Expression, e: syntax.SumOver, resolved: Resolved) -> Formula:
    axes = resolved.axes
    bound: list[str] = []
    try:
        for b in binders:
            axes.bind(b)
            bound.append(b.name.text)
        used_before = axes.forget(bound)
        inner = formula(body, resolved)
        axes.warn_unused(binders, resolved.report, " (it multiplies by the number of values)")
        axes.remember(used_before)
    finally:
        for name in bound:
            axes.release(name)
    return Sum(tuple((b.name.text, b.variable.text) for b in binders), inner, e.span)


def _parameter(name: syntax.Name, resolved: Resolved) -> Parameter:
    """A bare name: a parameter of the model, whatever else is called so but a bound value.

    Raises:
        LanguageError: N012 or N002 for another name.
        Skipped: if the parameter is broken.
    """
    setting = resolved.axes.setting
    if name.text not in resolved.axes.active:
        if name.text in setting.definition.parameters:
            return Parameter(name.text, name.span)
        if setting.scope is not None and setting.scope.parameters.is_broken(name.text):
            raise Skipped
    raise _bare_name(name, resolved)


def _bare_name(name: syntax.Name, resolved: Resolved) -> Exception:
    setting = resolved.axes.setting
    label = "a number is expected here"
    if name.text in resolved.axes.active or setting.has_variable(name.text):
        help_ = (f"write `P({name.text})` for its probability",)
        return problem("N012", f"`{name.text}` is not a number", name.span, label, help=help_)
    if setting.scope is not None and name.text in setting.scope.questions:
        help_ = ("write out what it asks; only `estimate NAME from DATA` takes a name, of an `identify` statement",)
        return problem("N012", f"`{name.text}` is the name of a question", name.span, label, help=help_)
    if name.span is not None and name.span.source.text[: name.span.start].rstrip(" \t").endswith("--"):
        help_ = ("a comment starts with `#`",)
        return problem("N002", f"unknown name `{name.text}`", name.span, "not a number", help=help_)
    known = [*resolved.axes.active, *setting.definition.parameters, *setting.model.names]
    return unknown("name", name, known, label="not a number")


def comparison(e: syntax.Expression, resolved: Resolved, what: str = "a claim") -> Compare:
    """The body of a claim, or one of its assumptions.

    Raises:
        LanguageError: T018 if it does not compare anything, and what `formula` raises.
    """
    if not isinstance(e, syntax.Comparison):
        several = isinstance(e, syntax.Binary) and e.op == "and" and what != "a claim"
        help_ = ("write `,` between two of them",) if several else ("write `… == …`, `… <= …` and the like",)
        raise problem("T018", f"{what} compares two expressions", e.span, "nothing is compared here", help=help_)
    return Compare(tuple(formula(x, resolved) for x in e.operands), e.ops, e.span)


def question(p: syntax.Probability, resolved: Resolved) -> Query:
    """One probability, or mean, as a question.

    Raises:
        LanguageError: N002 to N011, N015, T019, and what surgeries raise.
    """
    targets = [_term(e, resolved) for e in p.events]
    given: list[Term] = []
    surgeries: list[Surgery] = []
    for c in p.conditions:
        if isinstance(c, syntax.Event):
            given.append(_term(c, resolved))
        else:
            surgeries.extend(_operation(c, resolved))
    _check_free_once([*targets, *given], p)
    _check_together([c for c in p.conditions if not isinstance(c, syntax.Event)], resolved)
    if p.kind == "E":
        _check_expectation(p, targets, resolved)
    query = Query(tuple(targets), tuple(given), tuple(surgeries), p.kind == "E", p.span)
    return _with_plain_axes(query) if query.worlds else query


def _with_plain_axes(query: Query) -> Query:
    """A variable left free in another world has its own name as its axis, unless it is free elsewhere in the question:
    so `P(Y[X := a]) - P(Y[X := b])` is about one `Y`."""
    free = Counter(t.variable for t in (*query.targets, *query.given) if t.free and t.axis is None)
    free.update(s.variable for s in query.operations if isinstance(s, Open) and s.axis is None)

    def named(t: Term) -> Term:
        alone = t.free and t.axis is None and t.world and free[t.variable] == 1
        return replace(t, axis=t.variable) if alone else t

    return replace(query, targets=tuple(map(named, query.targets)), given=tuple(map(named, query.given)))


def operations(ops: Sequence[syntax.DoOp | syntax.CutOp], resolved: Resolved) -> tuple[Surgery, ...]:
    """The `do(…)`s and `cut(…)`s behind a bar, resolved.

    Raises:
        LanguageError: N010 if two operate on the same thing, and what surgeries raise.
    """
    surgeries = tuple(s for op in ops for s in _operation(op, resolved))
    _check_together(ops, resolved)
    return surgeries


def _operation(op: syntax.DoOp | syntax.CutOp, resolved: Resolved) -> tuple[Surgery, ...]:
    done = resolve_surgeries((op,), resolved.axes.setting, resolved.axes)
    resolved.tables.update(done.tables)
    return done.surgeries


def _check_together(ops: Sequence[syntax.DoOp | syntax.CutOp], resolved: Resolved) -> None:
    """Several `do(…)`s and `cut(…)`s of one question act together, and no two on the same thing."""
    if len(ops) < 2:
        return
    seen: dict[tuple[str, str], Span | None] = {}
    for target in (t for op in ops for t in _targets(op)):
        key = (target.variable.text, target.sink.text if target.sink else "")
        if key in seen:
            name = " -> ".join(k for k in key if k)
            message, also = f"`{name}` is operated on twice in one question", second_place(seen[key], "first here")
            raise problem("N010", message, target.span, "again here", also=also)
        seen[key] = target.span
    resolve_surgeries(ops, resolved.axes.setting, resolved.axes)


def _targets(op: syntax.DoOp | syntax.CutOp) -> Iterable[syntax.Target]:
    return op.targets if isinstance(op, syntax.CutOp) else [a.target for a in op.assigns]


def _term(e: syntax.Event, resolved: Resolved) -> Term:
    """One event: a variable, a bound value name, or a variable with values."""
    term = _actual(e, resolved)
    return replace(term, world=resolve_world(e.world, resolved), called=_called(e.world)) if e.world else term


def resolve_world(ops: syntax.SurgeryExpression, resolved: Resolved) -> World:
    """What is different in a world: what its brackets say, or a named one.

    Raises:
        LanguageError: N010 if two operate on the same thing, and what surgeries raise.
    """
    setting = resolved.axes.setting
    written = list(expand(ops, setting))
    world: list[Surgery | Become] = []
    for op in written:
        if isinstance(op, syntax.CutOp):
            world += resolve_surgeries((op,), setting, resolved.axes).surgeries
            continue
        if not isinstance(op, syntax.DoOp):
            world.append(op)
            continue
        check_once(op.assigns)
        for a in op.assigns:
            if isinstance(a.value, syntax.Elsewhere):
                world.append(_become(a, a.value, resolved))
            else:
                world += _operation(replace(op, assigns=(a,)), resolved)
    plain = [op for op in written if isinstance(op, syntax.DoOp | syntax.CutOp)]
    _check_together([_without_nested(op) for op in plain], resolved)
    return tuple(world)


def _called(world: syntax.SurgeryExpression) -> str:
    """The name of a named world."""
    match world:
        case (syntax.NamedOp(name),):
            return name.text
        case _:
            return ""


def _become(a: syntax.Assign, value: syntax.Elsewhere, resolved: Resolved) -> Become:
    """`M := M[X := x]`."""
    setting = resolved.axes.setting
    x = setting.variable(a.target.variable, intervened=True)
    if a.target.sink is not None:
        help_ = (f"set `{x.name}` itself",)
        raise problem("N014", "one wire can only be told a value", value.span, "not what another is", help=help_)
    name, world = setting.variable(value.name).name, resolve_world(value.world, resolved)
    source = Term(name, span=value.span, world=world, called=_called(value.world))
    y = setting.model.object(source.variable)
    if (x.values, x.space) != (y.values, y.space):
        label = f"`{y.name}` has {{{shorten(y.values or ())}}}, `{x.name}` has {{{shorten(x.values or ())}}}"
        raise problem("W002", f"`{x.name}` cannot become `{source.place}`", value.span, label)
    return Become(x.name, source)


def _without_nested(op: syntax.DoOp | syntax.CutOp) -> syntax.DoOp | syntax.CutOp:
    """The operation with values that are those of other worlds left free: what it acts on is the same."""
    if isinstance(op, syntax.CutOp):
        return op
    return replace(
        op, assigns=tuple(replace(a, value=None) if isinstance(a.value, syntax.Elsewhere) else a for a in op.assigns)
    )


def _actual(e: syntax.Event, resolved: Resolved) -> Term:
    """The event without its world."""
    axes = resolved.axes
    if not e.op and not e.world and e.name.text in axes.active:
        return Term(axes.use(e.name.text).name, axis=e.name.text, span=e.span)
    x = axes.setting.variable(e.name, tuple(axes.active))
    if not e.op:
        return Term(x.name, span=e.span)
    if e.op == "=":
        value, axis = axes.value(e.values[0], x)
        return Term(x.name, None if value is None else (value,), axis, e.span)
    if e.bounds:
        return _bounded(e, x)
    if x.space:
        help_ = (f"ask for an interval: `{x.name} > 0`, `{x.name} in [0, 1]`",)
        raise problem("T026", f"`{x.name}` is {x.space}: it takes no set of values", e.span, "not a number", help=help_)
    values = tuple(_plain_value(v, x, axes) for v in e.values)
    first: dict[str, Span | None] = {}
    for v, name in zip(values, e.values, strict=True):
        if v in first:
            also = second_place(first[v], "first here")
            raise problem("N006", f"the value `{v}` stands twice", name.span, "again here", also=also)
        first[v] = name.span
    if e.op == "!=":
        values = tuple(v for v in x.values or () if v not in first)
        if not values:
            raise problem("N015", f"`{x.name}` has no other value", e.span, "this event is impossible")
    return Term(x.name, values, span=e.span)


def _bounded(e: syntax.Event, x: Object) -> Term:
    """`Y > 1`, `0 < Y < 1`: an interval of a number, or the values of a finite variable that lie in it."""
    bounds: list[tuple[str, Fraction]] = []
    for op, end in e.bounds:
        text = as_value(end.text, Object("", None, "real"))
        if text is None:
            label = f"`{x.name}` is compared with it"
            raise problem("T026", f"`{end.text}` is not a number", end.span, label)
        bounds.append((op, Fraction(text)))
    if x.space:
        return Term(x.name, (show_bounds(tuple(bounds)),), span=e.span, bounds=tuple(bounds))
    odd = next((v for v in x.values or () if as_value(v, Object("", None, "real")) is None), None)
    if odd is not None:
        message = f"the values of `{x.name}` are not numbers"
        help_ = (f"name the values that are meant: `{x.name} in {{…}}`",)
        raise problem("T026", message, e.span, f"`{odd}` cannot be compared", help=help_)
    within = tuple(v for v in x.values or () if all(RELATIONS[op](Fraction(v), end) for op, end in bounds))
    if not within:
        raise problem("N015", f"no value of `{x.name}` lies there", e.span, "this event is impossible")
    return Term(x.name, within, span=e.span)


def _plain_value(value: syntax.Name, x: Object, axes: Axes) -> str:
    if value.text in (x.values or ()):
        return value.text
    if value.text in axes.active:
        label = "a bound name can only stand behind `=`"
        raise problem("N011", f"`{value.text}` is not one value", value.span, label)
    raise unknown_value(value, x)


def _check_free_once(terms: Sequence[Term], p: syntax.Probability) -> None:
    """A variable can stand free in a question once; a bound name, which is one value each time, more often."""
    seen: dict[str, Span | None] = {}
    for t in terms:
        if not t.free or t.axis is not None:
            continue
        if t.place in seen:
            also = second_place(seen[t.place], "first here")
            help_ = ("name it once, or give one of them a value",)
            raise problem(
                "N010", f"`{t}` stands twice in this question", t.span or p.span, "again here", also=also, help=help_
            )
        seen[t.place] = t.span


def _check_expectation(p: syntax.Probability, targets: Sequence[Term], resolved: Resolved) -> None:
    if len(targets) != 1 or not targets[0].free or targets[0].axis:
        label = count(len(targets), "event")
        raise problem("T019", "`E(…)` takes one variable", p.span, label, help=("write `P(…)` for an event",))
    x = resolved.axes.setting.model.object(targets[0].variable)
    if x.space:
        return
    odd = next((v for v in x.values or () if not _NUMERIC.fullmatch(v)), None)
    if odd is not None:
        label = f"`{odd}` is not a number"
        help_ = (f"ask for one of its values: `P({x.name} = {odd} | …)`",)
        message = f"`{x.name}` has no mean: its values are {{{shorten(x.values or ())}}}"
        raise problem("T019", message, targets[0].span, label, help=help_)
