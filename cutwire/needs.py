"""What a question depends on, and which semantics can answer it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from cutwire.interpreted import Interpreted
from cutwire.parameters import as_numbers
from cutwire.tables import why_no_table
from parser.program import CheckStatement, Definition, Dirichlet, Foreign, Formulas, QueryStatement
from semantics.expressions import ASK_WITH_SYMBOLS
from strings.diagnostic import CutwireError, QueryError
from strings.expression import parameters_in
from strings.formula import Compare, Formula, filled, parameters, questions
from strings.query import Query
from strings.signature import Box, Object
from strings.surgery import is_told
from strings.worlds import worlds_of


def needed(model: Interpreted, query: Query) -> tuple[dict[str, Box], tuple[Object, ...]]:
    """The boxes that the answer to a question depends on, by name, and the variables that it speaks of.

    Where surgeries do not fit the model (which is told when the question is answered), there are no boxes.
    """
    try:
        worlds = worlds_of(model.shape, query)
        spoken = tuple(dict.fromkeys(worlds.place(t) for t in (*query.targets, *query.given)))
        operated = worlds.model
        above = operated.ancestors(spoken)
        diagrams = [m.diagram for n, m in operated.mechanisms.items() if n in above]
        objects = tuple(operated.object(n) for n in operated.names if n in above)
    except CutwireError:
        return {}, ()
    return {n.box.name: n.box for d in diagrams for n in d.nodes if _has_table(n.box)}, objects


def _has_table(b: Box) -> bool:
    """Whether a box stands for a table, not for the structure or for a value that is left free."""
    return b.kind == "box" and not is_told(b.name)


def definitions_for(model: Interpreted, statement: QueryStatement | CheckStatement) -> Mapping[str, Definition]:
    """The definitions of all boxes that a statement may use."""
    return {**model.definitions(statement.using), **statement.tables}


def require_tables(model: Interpreted, statement: QueryStatement | CheckStatement, query: Query) -> None:
    """Refuse a question to tables that depends on boxes without any.

    Raises:
        QueryError: Q012 for what is not known, Q013 for real wires.
    """
    known = definitions_for(model, statement)
    if not any(isinstance(d, Formulas | Dirichlet | Foreign) for d in known.values()) and not _any_real(model):
        return
    boxes, _ = needed(model, query)
    for name, b in boxes.items():
        if name in known and (problem := why_no_table(b, known[name], model.parameter_values)):
            raise QueryError(problem)


@contextmanager
def numbers_only() -> Iterator[None]:
    """For what symbols do not answer: a parameter without a value (Q012) is told without recommending them."""
    try:
        yield
    except QueryError as e:
        if e.diagnostic.code != "Q012":
            raise
        told = (replace(d, help=tuple(h for h in d.help if h != ASK_WITH_SYMBOLS)) for d in e.diagnostics)
        raise QueryError(told) from None


def in_numbers(model: Interpreted, statement: QueryStatement) -> QueryStatement:
    """A question with the values of parameters in place of their names; those that have none stay."""
    if not any(map(parameters, formulas_of(statement))):
        return statement
    values = as_numbers(model.parameters)
    expect = None if statement.expect is None else filled(statement.expect, values)
    return replace(statement, formula=filled(statement.formula, values), expect=expect)


def formulas_of(statement: QueryStatement) -> list[Formula]:
    """What a question asks, and what it expects."""
    return [statement.formula, *([statement.expect] if statement.expect is not None else [])]


def has_open_parameters(model: Interpreted, statement: CheckStatement, claim: Compare) -> bool:
    """Whether a comparison depends on parameters without a value, and symbols can tell."""
    return _names_open(model, claim.operands) or fitting_claim(model, statement, claim) == "symbolic"


def _names_open(model: Interpreted, formulas: Iterable[Formula]) -> bool:
    """Whether formulas name parameters without a value."""
    return any(n not in model.parameter_values for f in formulas for n in parameters(f))


def _any_real(model: Interpreted) -> bool:
    return any(x.space for x in model.shape.variables)


def fitting(model: Interpreted, statement: QueryStatement) -> str:
    """The semantics that suits a question: `""` for tables of numbers; `"gaussian"` or `"pyro"` where real wires are,
    `"symbolic"` where parameters have no values, unless that is for `"pyro"`."""
    if statement.data:
        return "gaussian" if _any_real(model) else ""
    return _suited(model, definitions_for(model, statement), questions(statement.formula), formulas_of(statement))


def fitting_claim(model: Interpreted, statement: CheckStatement, claim: Compare) -> str:
    """The semantics that suits a claim about a model's own numbers, as `fitting`."""
    asked = [q for f in claim.operands for q in questions(f)]
    return _suited(model, definitions_for(model, statement), asked)


def _suited(
    model: Interpreted, known: Mapping[str, Definition], asked: Iterable[Query], formulas: Iterable[Formula] = ()
) -> str:
    open_parameters, is_real = _names_open(model, formulas), False
    for query in asked:
        boxes, objects = needed(model, query)
        formulas_known = {n: d for n in boxes if isinstance(d := known.get(n), Formulas)}
        if any(isinstance(known.get(n), Dirichlet | Foreign) for n in boxes):
            return "pyro"
        if any(x.space for x in objects):
            from semantics.affine import is_conditionally_gaussian

            if not all(is_conditionally_gaussian(boxes[n], d.bodies) for n, d in formulas_known.items()):
                return "pyro"
            is_real = True
        open_parameters = open_parameters or bool(_open_in(model, formulas_known.values()))
    return "symbolic" if open_parameters else "gaussian" if is_real else ""


def _open_in(model: Interpreted, definitions: Iterable[Formulas]) -> set[str]:
    """The parameters in some formulas that have no value."""
    return {n for d in definitions for body in d.bodies for n in parameters_in(body)} - set(model.parameter_values)
