"""Statements: queries, estimates, claims with their checks, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from parser import syntax
from parser.constants import constant
from parser.diagrams import find_model, whole_diagram
from parser.files import Folder
from parser.formulas import Resolved, begin, comparison, formula
from parser.models import ModelInfo
from parser.program import CheckStatement, DiagramClaim, DrawStatement, QueryStatement, Statement
from parser.scope import Scope, Skipped, problem, second_place, shorten, unknown
from parser.surgeries import refuse_free_wires, resolve_surgeries
from strings.diagnostic import Span, did_you_mean
from strings.diagram import Diagram
from strings.formula import Compare
from strings.signature import show_type

UNITS = ("odds", "bits", "decibans", "percent")

_DEFAULT = syntax.Check()


@dataclass(frozen=True)
class Asked:
    """Where statements are asked: their scope, the model that they mean without naming it, and the folder of the file.

    `outer` is the `check all` of the file around a model block.
    """

    scope: Scope
    default: ModelInfo | None
    folder: Folder
    outer: syntax.Check | None = None
    names: Mapping[str, ModelInfo] = field(default_factory=dict)


Nested = Callable[[syntax.ModelBlock, syntax.Check | None], list[Statement]]
"""Resolves the statements of a model block, given the `check all` around it."""


def elaborate_statements(items: Sequence[syntax.Item], asked: Asked, nested: Nested) -> list[Statement]:
    """The statements of a scope in order; every claim is checked once."""
    found: list[Statement] = []
    plan, all_check = _plan_checks(items, asked)
    for position, item in enumerate(items):
        with asked.scope.report.collect(item.span):
            match item:
                case syntax.Query() | syntax.Estimate():
                    if item.name is None or asked.scope.questions.declare(item.name):
                        found.append(_question(item, asked))
                case syntax.Draw():
                    found.append(_draw(item, asked))
                case syntax.ModelBlock():
                    found.extend(nested(item, all_check or asked.outer))
                case _:
                    pass
        for claim, check in plan.get(position, ()):
            with asked.scope.report.collect(claim.span):
                found.append(_check(claim, check, asked))
    return found


_Plan = dict[int, list[tuple[syntax.Claim, syntax.Check]]]


def _plan_checks(items: Sequence[syntax.Item], asked: Asked) -> tuple[_Plan, syntax.Check | None]:
    """Where each claim is checked, and how: as a `check` names it, else at `check all`, else where it is declared."""
    scope = asked.scope
    declared: dict[str, int] = {}
    for k, item in enumerate(items):
        if isinstance(item, syntax.Claim) and scope.claims.declare(item.name):
            scope.claims.define(item.name.text, item)
            declared[item.name.text] = k
    chosen: dict[str, tuple[int, syntax.Check]] = {}
    everything: tuple[int, syntax.Check] | None = None
    for k, item in enumerate(items):
        if isinstance(item, syntax.Check) and not item.names:
            everything = everything or (k, item)
        elif isinstance(item, syntax.Check):
            for name in item.names:
                with scope.report.collect(name.span):
                    _choose(name, k, item, chosen, scope)
    plan: _Plan = {}
    for text, claim in scope.claims.own().items():
        at, check = chosen.get(text) or everything or (declared[text], asked.outer or _DEFAULT)
        plan.setdefault(at, []).append((claim, check))
    return plan, everything[1] if everything else None


def _choose(
    name: syntax.Name, at: int, check: syntax.Check, chosen: dict[str, tuple[int, syntax.Check]], scope: Scope
) -> None:
    scope.claims.find(name)
    if name.text in chosen:
        help_ = ("a claim is checked once, as its first `check` says",)
        scope.report.warn("N016", f"the claim `{name.text}` is checked already", name.span, "left out here", help_)
        return
    chosen[name.text] = (at, check)


def _asked_model(using: syntax.Name | None, asked: Asked, span: Span | None) -> tuple[ModelInfo, str, str]:
    """The model asked, its name, and the interpretation to use.

    Raises:
        LanguageError: M007 if it is not clear which model is meant, N002 for an unknown name behind `using`.
    """
    default = asked.default
    if using is not None and default is not None and using.text in default.definition.interpretations:
        return default, _name_of(default, asked), using.text
    if using is not None:
        known = [*(default.definition.interpretations if default else ()), *asked.scope.models.known()]
        if using.text in asked.scope.models:
            return asked.scope.find_model(using), using.text, ""
        raise unknown("interpretation or model", using, known)
    if default is None:
        names = asked.scope.models.known()
        if any(asked.scope.models.is_broken(n) for n in names):
            raise Skipped
        if not names:
            help_ = ("declare its variables: `var X : {no, yes}`",)
            raise problem("M007", "this file has no model to ask", span, "asked here", help=help_)
        advice = (f"say so: `… using {names[0]}`", "or put the statement into a `model NAME { … }` block")
        raise problem("M007", "which model is meant?", span, f"there are {shorten(names)}", help=advice)
    return default, _name_of(default, asked), ""


def _name_of(info: ModelInfo, asked: Asked) -> str:
    """The name that the program knows a model under."""
    return next((n for n, m in asked.names.items() if m is info), info.definition.name)


def _question(item: syntax.Query | syntax.Estimate, asked: Asked) -> QueryStatement:
    report = asked.scope.report
    using = item.using if isinstance(item, syntax.Query) else None
    info, model, interpretation = _asked_model(using, asked, item.expression.span or item.span)
    unit = _unit(item.unit)
    data = _data(item.data, info) if isinstance(item, syntax.Estimate) else ""
    expressions = [item.expression, *([item.expect] if item.expect is not None else [])]
    resolved = begin(expressions, item.binders, info.setting, report)
    body = formula(item.expression, resolved)
    expect = formula(item.expect, resolved) if item.expect is not None else None
    resolved.axes.warn_unused(item.binders, report)
    return QueryStatement(
        model,
        body,
        text_of(item.expression.span, str(body)),
        item.name.text if item.name else "",
        resolved.axes.variables,
        resolved.tables,
        unit,  # type: ignore[arg-type]
        interpretation,
        expect,
        data,
        "\n".join(item.doc),
        item.span,
    )


def _unit(unit: syntax.Name | None) -> str:
    if unit is None:
        return ""
    if unit.text not in UNITS:
        notes = (f"units are {', '.join(UNITS)}",)
        near = did_you_mean(unit.text, UNITS)
        raise problem("N017", f"unknown unit `{unit.text}`", unit.span, "not a unit", notes=notes, help=near)
    return unit.text


def _data(name: syntax.Name, info: ModelInfo) -> str:
    info.scope.data.find(name, code="F003")
    return name.text


def _check(claim: syntax.Claim, check: syntax.Check, asked: Asked) -> CheckStatement:
    within = _within(check)
    if isinstance(claim.body, syntax.DiagramEquation):
        equation = _equation(claim.body, asked.scope)
        model = _name_of(asked.default, asked) if asked.default else ""
        return _check_statement(claim, check, model, equation, None, within, "")
    info, model, interpretation = _asked_model(check.using, asked, claim.body.span or claim.span)
    resolved = begin([claim.body], claim.binders, info.setting, asked.scope.report)
    body = comparison(claim.body, resolved)
    resolved.axes.warn_unused(claim.binders, asked.scope.report)
    return _check_statement(claim, check, model, body, resolved, within, interpretation)


def _check_statement(
    claim: syntax.Claim,
    check: syntax.Check,
    model: str,
    body: Compare | DiagramClaim,
    resolved: Resolved | None,
    within: Fraction | None,
    using: str,
) -> CheckStatement:
    return CheckStatement(
        model,
        claim.name.text,
        body,
        text_of(claim.body.span, str(body) if isinstance(body, Compare) else claim.name.text),
        resolved.axes.variables if resolved else {},
        resolved.tables if resolved else {},
        check.mode,
        within,
        using,
        "\n".join(claim.doc),
        claim.span,
    )


def _within(check: syntax.Check) -> Fraction | None:
    if check.within is None:
        return None
    value = constant(check.within).value
    if value < 0:
        raise problem("T008", "a tolerance cannot be negative", check.within.span, "below 0")
    if check.mode == "exact":
        help_ = ("leave out `exact` or `within`",)
        raise problem("T021", "an exact check has no tolerance", check.within.span, "not needed", help=help_)
    return value


def _equation(body: syntax.DiagramEquation, scope: Scope) -> DiagramClaim:
    """Both sides, which must have the same type (D002)."""
    sides: list[Diagram] = []
    for e in (body.left, body.right):
        with scope.report.collect(e.span):
            sides.append(whole_diagram(e, (), scope, e.span))
    if len(sides) < 2:
        raise Skipped
    left, right = sides
    if (left.dom, left.cod) != (right.dom, right.cod):
        raise problem(
            "D002",
            "these diagrams have different types, so nothing can be claimed of them",
            body.right.span,
            f"goes {show_type(right.dom)} -> {show_type(right.cod)}",
            also=second_place(body.left.span, f"goes {show_type(left.dom)} -> {show_type(left.cod)}"),
        )
    return DiagramClaim(left, right, body.equal)


def _draw(item: syntax.Draw, asked: Asked) -> DrawStatement:
    scope = asked.scope
    path = None
    if item.path is not None and asked.folder.here is None:
        label = "this text has no folder"
        scope.report.warn("F008", "the picture will not be written", item.path_span or item.span, label)
    elif item.path is not None:
        path = asked.folder.picture(item.path, item.path_span or item.span)
    title = _title(item)
    if isinstance(item.diagram, syntax.DName) and (info := find_model(item.diagram, scope)) is not None:
        operations = resolve_surgeries(item.after, info.setting)
        refuse_free_wires(operations, item.span)
        name = item.diagram.name.text
        return DrawStatement(title, name, None, operations.surgeries, path, item.span)
    d = whole_diagram(item.diagram, item.after, scope, item.span)
    return DrawStatement(title, "", d, (), path, item.span)


def _title(item: syntax.Draw) -> str:
    """What the picture shows, as written."""
    name = item.diagram.name.text if isinstance(item.diagram, syntax.DName) else "diagram"
    title = text_of(item.diagram.span, name)
    if not item.after:
        return title
    return f"{title} after {' then '.join(text_of(op.span, 'surgery') for op in item.after)}"


def text_of(span: Span | None, otherwise: str) -> str:
    """The text at a place if it is one line, without doubled blanks; else `otherwise`."""
    if span is None or "#" in span.text:
        return otherwise
    return " ".join(span.text.split())
