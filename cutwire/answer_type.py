"""What kind of answer a statement will have, without computing it."""

from __future__ import annotations

from cutwire.program import Program
from parser.program import CheckStatement, IdentifyStatement, QueryStatement, Statement
from strings.formula import Arithmetic, Ask, Formula, Sum
from strings.surgery import DoWire, Open


def answer_type(program: Program, statement: Statement | None) -> str:
    """The axes of a question's answer with their values; else what the statement is."""
    match statement:
        case CheckStatement():
            return "a claim"
        case QueryStatement():
            model = program.models[statement.model]
            axes = free_axes(statement.formula)
            if not axes:
                return "a number"
            ranges = [model.shape.object(variable) for variable in axes.values()]
            shown = [
                f"{axis} {x.space}" if x.space else f"{axis} {{{', '.join(x.values)}}}" if x.values else axis
                for axis, x in zip(axes, ranges, strict=True)
            ]
            kind = "an answer" if any(x.space for x in ranges) else "a table"
            return f"{kind} with the axes {', '.join(shown)}"
        case IdentifyStatement():
            return "whether an effect follows"
        case _:
            return "a picture"


def free_axes(formula: Formula) -> dict[str, str]:
    """The axes of a formula's value: the name of each, and the variable that it ranges over."""
    match formula:
        case Ask(query):
            terms = [] if query.expectation else list(query.targets)
            found = {t.axis_name: t.variable for t in (*terms, *query.given) if t.free}
            for s in query.surgeries:
                if isinstance(s, Open):
                    found[s.axis or s.variable] = s.variable
                elif isinstance(s, DoWire) and s.value is None:
                    found[s.axis or s.source] = s.source
            return found
        case Sum(binders, body):
            bound = {n for n, _ in binders}
            return {a: v for a, v in free_axes(body).items() if a not in bound}
        case Arithmetic(_, left, right):
            return {**free_axes(left), **free_axes(right)}
        case _:
            return {}
