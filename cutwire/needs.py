"""What a question depends on, and which semantics can answer it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cutwire.interpreted import Interpreted
from cutwire.tables import why_no_table
from parser.program import CheckStatement, Definition, Dirichlet, Foreign, Formulas, QueryStatement
from strings.diagnostic import CutwireError, QueryError
from strings.formula import Compare, questions
from strings.query import Query
from strings.signature import Box, Object
from strings.surgery import DoWire, operate


def needed(model: Interpreted, query: Query) -> tuple[dict[str, Box], tuple[Object, ...]]:
    """The boxes that the answer to a question depends on, by name, and the variables that it speaks of.

    Where surgeries do not fit the model (which is told when the question is answered), there are no boxes.
    """
    spoken = tuple(dict.fromkeys(t.variable for t in (*query.targets, *query.given)))
    try:
        told = [s for s in query.surgeries if not (isinstance(s, DoWire) and s.value is None)]
        operated = operate(model.shape, *told)
        above = operated.ancestors(spoken)
        diagrams = [m.diagram for n, m in operated.mechanisms.items() if n in above]
        objects = tuple(operated.object(n) for n in operated.names if n in above)
    except CutwireError:
        return {}, ()
    return {n.box.name: n.box for d in diagrams for n in d.nodes if n.box.kind == "box"}, objects


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


def _any_real(model: Interpreted) -> bool:
    return any(x.space for x in model.shape.variables)


def fitting(model: Interpreted, statement: QueryStatement) -> str:
    """The semantics that suits a question: `""` for tables of numbers; `"gaussian"` or `"pyro"` where real wires are,
    `"symbolic"` where parameters have no values."""
    if statement.data:
        return "gaussian" if _any_real(model) else ""
    return _suited(model, definitions_for(model, statement), questions(statement.formula))


def fitting_claim(model: Interpreted, statement: CheckStatement, claim: Compare) -> str:
    """The semantics that suits a claim about a model's own numbers, as `fitting`."""
    asked = [q for f in claim.operands for q in questions(f)]
    return _suited(model, definitions_for(model, statement), asked)


def _suited(model: Interpreted, known: Mapping[str, Definition], asked: Iterable[Query]) -> str:
    open_parameters = False
    for query in asked:
        boxes, objects = needed(model, query)
        if any(x.space for x in objects):
            from semantics.affine import is_conditionally_gaussian

            bodies = {n: d.bodies for n in boxes if isinstance(d := known.get(n), Formulas)}
            fits = all(is_conditionally_gaussian(b, bodies[n]) for n, b in boxes.items() if n in bodies)
            return (
                "gaussian" if fits and not any(isinstance(known.get(n), Dirichlet | Foreign) for n in boxes) else "pyro"
            )
        if any(isinstance(known.get(n), Dirichlet | Foreign) for n in boxes):
            return "pyro"
        for n, b in boxes.items():
            if n in known and why_no_table(b, known[n], model.parameter_values):
                open_parameters = True
    return "symbolic" if open_parameters else ""
