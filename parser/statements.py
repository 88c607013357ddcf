"""Statements: queries, estimates, identification, claims with their checks, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from parser import syntax
from parser.asked import Asked, text_of
from parser.axes import LEAVE_FREE
from parser.claims import check_claim, plan_checks
from parser.constants import constant
from parser.diagrams import diagram, find_model
from parser.files import GRAPHS, PICTURES
from parser.formulas import Resolved, begin, formula, question
from parser.given import given_distributions
from parser.models import ModelInfo
from parser.plain_surgery import images_by_box
from parser.program import BoxSurgery, DrawStatement, IdentifyStatement, QueryStatement, Resampling, Statement
from parser.scope import Skipped, near, problem, too_large, unknown
from parser.surgeries import refuse_free_wires, resolve_surgeries
from strings.formula import Ask, Formula, questions, substituted
from strings.functor import Functor
from strings.query import MAX_RESAMPLES, MIN_RESAMPLES, Term

UNITS = ("odds", "bits", "decibans", "percent")

Nested = Callable[[syntax.ModelBlock, syntax.Check | None], list[Statement]]
"""Resolves the statements of a model block, given the `check all` around it."""


def elaborate_statements(items: Sequence[syntax.Item], asked: Asked, nested: Nested) -> list[Statement]:
    """The statements of a scope in order; every claim is checked once."""
    found: list[Statement] = []
    plan, all_check = plan_checks(items, asked)
    seen: list[Term] = []
    refused = _declare_questions(items, asked)
    identified = _identify(items, refused, asked)
    for position, item in enumerate(items):
        with asked.scope.report.collect(item.span):
            match item:
                case syntax.Query() | syntax.Estimate() if position not in refused:
                    found.append(_question(item, asked, seen))
                case syntax.Observe():
                    seen += _observed(item, asked)
                case syntax.Identify() if position in identified:
                    found.append(identified[position])
                case syntax.Draw():
                    found.append(_draw(item, asked))
                case syntax.DrawQuestion():
                    found.append(_draw_question(item, asked))
                case syntax.ModelBlock():
                    found.extend(nested(item, all_check or asked.outer))
                case _:
                    pass
        for claim, check in plan.get(position, ()):
            with asked.scope.report.collect(claim.span):
                found.append(check_claim(claim, check, asked))
    return found


# ---- questions -------------------------------------------------------------------------------------------------------


def _declare_questions(items: Sequence[syntax.Item], asked: Asked) -> set[int]:
    """Take up the names of questions; the places of those whose name is taken (N001)."""
    questions = asked.scope.questions
    refused: set[int] = set()
    for k, item in enumerate(items):
        if not isinstance(item, syntax.Query | syntax.Identify | syntax.Estimate) or item.name is None:
            continue
        if not questions.declare(item.name):
            refused.add(k)
        elif not isinstance(item, syntax.Identify):
            questions.define(item.name.text, item)
    return refused


def _identify(items: Sequence[syntax.Item], refused: set[int], asked: Asked) -> dict[int, IdentifyStatement]:
    """The `identify` statements by their place, resolved before the estimates that name them."""
    found: dict[int, IdentifyStatement] = {}
    for k, item in enumerate(items):
        if isinstance(item, syntax.Identify) and k not in refused:
            with asked.scope.report.collect(item.span):
                found[k] = _identify_statement(item, asked)
                if item.name is not None:
                    asked.scope.questions.define(item.name.text, found[k])
    return found


def _identify_statement(item: syntax.Identify, asked: Asked) -> IdentifyStatement:
    info, model, _ = asked.model(item.question.span or item.span, can_use=False)
    resolved = begin([item.question], (), info.setting, asked.scope.report, LEAVE_FREE)
    query = question(item.question, resolved)
    return IdentifyStatement(
        model,
        query,
        text_of(item.question.span, str(query)),
        item.name.text if item.name else "",
        given_distributions(item.given, info.setting),
        resolved.axes.variables,
        resolved.tables,
        "\n".join(item.doc),
        item.span,
        item.experiments,
    )


def _observed(item: syntax.Observe, asked: Asked) -> list[Term]:
    """What the questions below are asked given.

    Raises:
        LanguageError: W006 for a variable without a value.
    """
    info, _, _ = asked.model(item.span, can_use=False)
    events = syntax.Probability("P", item.events, (), item.span)
    seen = question(events, begin([events], (), info.setting, asked.scope.report)).targets
    for t in seen:
        if t.free:
            help_ = (f"say what was seen: `observe {t.place} = …`",)
            raise problem("W006", f"`{t.place}` has no value here", t.span or item.span, "not an event", help=help_)
    return list(seen)


def _given_what_is_seen(body: Formula, seen: Sequence[Term]) -> Formula:
    """The formula with every question asked given what is observed, too."""
    parts = {q: Ask(replace(q, given=(*q.given, *seen)), q.span) for q in questions(body)}
    return substituted(body, parts) if seen else body


def _question(item: syntax.Query | syntax.Estimate, asked: Asked, seen: Sequence[Term]) -> QueryStatement:
    report = asked.scope.report
    using = item.using if isinstance(item, syntax.Query) else None
    can_use = isinstance(item, syntax.Query)
    info, model, interpretation = asked.model(item.expression.span or item.span, using, can_use)
    unit = _unit(item.unit)
    data = _data(item.data, info) if isinstance(item, syntax.Estimate) else ""
    resampling = resampling_of(item.bootstrap) if isinstance(item, syntax.Estimate) and item.bootstrap else None
    named = _named_question(item, asked)
    expressions = [*([item.expression] if named is None else []), *([item.expect] if item.expect is not None else [])]
    resolved = begin(expressions, item.binders, info.setting, report)
    body = _of_statement(named, item.expression, resolved) if named else formula(item.expression, resolved)
    text = named.text if named else text_of(item.expression.span, str(body))
    if seen:
        body, text = _given_what_is_seen(body, seen), f"{text} observing {', '.join(map(str, seen))}"
    expect = formula(item.expect, resolved) if item.expect is not None else None
    resolved.axes.warn_unused(item.binders, report)
    return QueryStatement(
        model,
        body,
        text,
        item.name.text if item.name else "",
        resolved.axes.variables,
        resolved.tables,
        unit,  # type: ignore[arg-type]
        interpretation,
        expect,
        data,
        "\n".join(item.doc),
        item.span,
        resampling,
    )


def resampling_of(asked: syntax.Bootstrap) -> Resampling:
    """How to resample, as an `estimate` says.

    Raises:
        LanguageError: T023 for numbers out of bounds. LimitError: L003 for more resamples than are drawn.
    """
    resamples, seed, level = asked.resamples, asked.seed, asked.level
    if resamples.value < MIN_RESAMPLES:
        label = f"at least {MIN_RESAMPLES}"
        raise problem("T023", "so few resamples tell no interval", resamples.span, label, help=("write 2000",))
    if resamples.value > MAX_RESAMPLES:
        raise too_large("these are too many resamples", resamples.span, f"at most {MAX_RESAMPLES:,}")
    if seed is not None and seed.value < 0:
        raise problem("T023", "a seed is a whole number from 0 on", seed.span, "below 0")
    found = Resampling(resamples.value, seed=seed.value if seed else 0, span=asked.span)
    if level is None:
        return found
    share = constant(level).value
    if not 0 < share < 1:
        help_ = (f"write `{share}%`",) if 1 < share < 100 and share.denominator == 1 else ()
        raise problem("T023", "a level is a probability", level.span, "between 0 and 1, or 0% and 100%", help=help_)
    return replace(found, level=share)


def _named_question(item: syntax.Query | syntax.Estimate, asked: Asked) -> IdentifyStatement | None:
    """The `identify` statement whose question `estimate NAME from …` puts to data.

    Raises:
        LanguageError: N002 if only a similar one is known.
        Skipped: if it is broken.
    """
    if not isinstance(item, syntax.Estimate) or not isinstance(item.expression, syntax.Ref):
        return None
    name, questions = item.expression.name, asked.scope.questions
    if questions.is_broken(name.text):
        raise Skipped
    found = questions.get(name.text)
    if isinstance(found, IdentifyStatement):
        return found
    known = [n for n, q in questions.own().items() if isinstance(q, IdentifyStatement)]
    if found is None and near(name.text, known):
        raise unknown("question", name, known)
    return None


def _of_statement(named: IdentifyStatement, place: syntax.Expression, resolved: Resolved) -> Formula:
    """The question of an `identify` statement, put once more."""
    for axis, variable in named.axes.items():
        resolved.axes.introduce(syntax.Name(axis, place.span), resolved.axes.setting.model.object(variable))
    resolved.tables.update(named.tables)
    return Ask(named.query, place.span)


def _unit(unit: syntax.Name | None) -> str:
    if unit is None:
        return ""
    if unit.text not in UNITS:
        notes = (f"units are {', '.join(UNITS)}",)
        close = near(unit.text, UNITS)
        raise problem("N017", f"unknown unit `{unit.text}`", unit.span, "not a unit", notes=notes, help=close)
    return unit.text


def _data(name: syntax.Name, info: ModelInfo) -> str:
    info.scope.data.find(name)
    return name.text


# ---- pictures --------------------------------------------------------------------------------------------------------


def _picture_path(item: syntax.Draw | syntax.DrawQuestion, asked: Asked) -> Path | None:
    """Where the picture is to be written; nowhere (F008, a warning) if the text has no folder."""
    if item.path is None:
        return None
    if asked.folder.here is None:
        label = "this text has no folder"
        asked.scope.report.warn("F008", "the picture will not be written", item.path_span or item.span, label)
        return None
    return asked.folder.picture(item.path, item.path_span or item.span)


def _draw_question(item: syntax.DrawQuestion, asked: Asked) -> DrawStatement:
    info, model, _ = asked.model(item.span, can_use=False)
    resolved = begin([item.question], (), info.setting, asked.scope.report)
    query = question(item.question, resolved)
    path = _picture_path(item, asked)
    _refuse_graph(path, item, "a question")
    return DrawStatement(text_of(item.question.span, str(query)), model, None, (), path, item.span, query=query)


def _refuse_graph(path: Path | None, item: syntax.Draw | syntax.DrawQuestion, what: str) -> None:
    """V001: only models are drawn as graphs."""
    if path is not None and path.suffix.lower() in GRAPHS:
        known = ", ".join(f"`{e}`" for e in PICTURES if e not in GRAPHS)
        message = f"{what} cannot be drawn as `{path.suffix}`: only models have a graph"
        help_ = (f"name it `{path.stem}.svg`",)
        notes = (f"diagrams are drawn as {known}",)
        raise problem("V001", message, item.path_span or item.span, "a kind for graphs", notes=notes, help=help_)


def _draw(item: syntax.Draw, asked: Asked) -> DrawStatement:
    scope = asked.scope
    path = _picture_path(item, asked)
    title = _title(item)
    if isinstance(item.diagram, syntax.DName) and (info := find_model(item.diagram, scope)) is not None:
        operations = resolve_surgeries(item.after, info.setting)
        refuse_free_wires(operations, item.span)
        name = item.diagram.name.text
        return DrawStatement(title, name, None, operations.surgeries, path, item.span)
    before = diagram(item.diagram, scope)
    images = images_by_box(before, item.after, scope) if item.after else {}
    d = Functor(boxes=images)(before)
    _refuse_graph(path, item, "a plain diagram")
    operated = BoxSurgery(before, tuple(b.name for b in images), _steps(item)) if item.after else None
    return DrawStatement(title, "", d, (), path, item.span, operated)


def _title(item: syntax.Draw) -> str:
    """What the picture shows, as written."""
    name = item.diagram.name.text if isinstance(item.diagram, syntax.DName) else "diagram"
    title = text_of(item.diagram.span, name)
    return f"{title} after {_steps(item)}" if item.after else title


def _steps(item: syntax.Draw) -> str:
    """The surgery, as written."""
    return " then ".join(text_of(op.span, "surgery") for op in item.after)
