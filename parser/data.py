"""Data that a file declares: a CSV file, or a joint written in place."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from parser import syntax
from parser.constants import constant, show_number
from parser.domains import find_value
from parser.files import Folder
from parser.program import Data
from parser.scope import Scope, Skipped, count, from_to, near, problem, second_place, shorten, unknown
from strings.diagnostic import Span

MAX_ROWS = 1_000_000
"""A joint written in place may have so many rows."""


def elaborate_data(items: Sequence[syntax.Item], scope: Scope, folder: Folder) -> None:
    """Declare the data of a scope."""
    for item in items:
        if not isinstance(item, (syntax.CsvData, syntax.TableData)) or not scope.data.declare(item.name):
            continue
        with scope.report.collect(item.span):
            found = _csv(item, scope, folder) if isinstance(item, syntax.CsvData) else _table(item, scope)
            scope.data.define(item.name.text, found)


def _observed(names: Sequence[syntax.Name], scope: Scope) -> list[str]:
    """The names as observed variables, each once; problems of all of them are collected.

    Raises:
        Skipped: if any is none.
    """
    found: dict[str, Span | None] = {}
    for name in names:
        with scope.report.collect(name.span):
            scope.find_object(name)
            variable = scope.variables.get(name.text)
            if variable is None:
                raise problem("N002", f"`{name.text}` is a type, not a variable", name.span, "data has variables")
            if variable.latent:
                also = second_place(variable.name.span, "declared latent here")
                help_ = (f"leave it out, or declare `var {name.text}` if it is measured after all",)
                message = f"`{name.text}` is latent, so no data can contain it"
                raise problem("I001", message, name.span, "named here", also=also, help=help_)
            if name.text in found:
                also = second_place(found[name.text], "first here")
                raise problem("N001", f"the column `{name.text}` stands twice", name.span, "again here", also=also)
            found[name.text] = name.span
    if len(found) < len(names):
        raise Skipped
    return list(found)


def _csv(item: syntax.CsvData, scope: Scope, folder: Folder) -> Data:
    """`data d = csv("d.csv", S = "smokes", weight = "n")`; without columns, every observed variable has its own."""
    weights = [c for n, c in item.columns if n.text == "weight" and not scope.is_variable("weight")]
    named = [(n, c) for n, c in item.columns if n.text != "weight" or scope.is_variable("weight")]
    if len(weights) > 1:
        raise problem("N001", "two columns are named as weight", item.span, "only one counts the rows")
    for n, _ in named:
        if n.text not in scope.objects and near(n.text, ["weight"]):
            raise unknown("column", n, ["weight"])
    variables = _observed([n for n, _ in named], scope)
    if not named:
        variables = [v for v, declared in scope.variables.items() if not declared.latent and declared.object]
    if not variables:
        raise problem("F004", f"data `{item.name.text}` has no variables", item.name.span, "no column to read")
    columns = {n.text: c for n, c in named} or {v: v for v in variables}
    path = folder.existing(item.path, item.path_span or item.span, "data")
    weight = weights[0] if weights else None
    return Data(item.name.text, tuple(variables), None, path, columns, weight, item.name.span)


def _table(item: syntax.TableData, scope: Scope) -> Data:
    """A joint written in place, with its weights as written: they may count cases."""
    variables = _observed(item.variables, scope)
    objects = [scope.find_object(n) for n in item.variables]
    rows: dict[tuple[str, ...], Fraction] = {}
    places: dict[tuple[str, ...], Span | None] = {}
    sound = True
    for row in item.rows:
        case: tuple[str, ...] | None = None
        with scope.report.collect(row.span):
            if len(row.values) != len(objects):
                label = count(len(row.values), "value")
                message = f"this row has {label}, `{item.name.text}` has {count(len(objects), 'column')}"
                where = from_to(row.values[0].span, row.values[-1].span) if row.values else row.span
                raise problem("T007", message, where, label, help=(f"the columns are {shorten(variables)}",))
            values = tuple(find_value(v, x) for v, x in zip(row.values, objects, strict=True))
            if values in places:
                also = second_place(places[values], "first here")
                raise problem("N006", f"the case {', '.join(values)} stands twice", row.span, "again here", also=also)
            places[values] = row.span
            rows[values] = _weight(row.weight)
            case = values
        sound = sound and case is not None
    if not sound:
        raise Skipped
    if not any(rows.values()):
        raise problem("T006", f"all weights of `{item.name.text}` are 0", item.name.span, "nothing to normalise")
    return Data(item.name.text, tuple(variables), tuple(rows.items()), span=item.name.span)


def _weight(e: syntax.Expression) -> Fraction:
    w = constant(e).value
    if w < 0:
        raise problem("T008", "a weight cannot be negative", e.span, show_number(w))
    return w
