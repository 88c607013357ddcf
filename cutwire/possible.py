"""What can happen: questions read in total relations (`semantics.possibility`).

An entry of a box is impossible if it is zero whatever the parameters are. Where a parameter has no value, every entry
that names it is taken as possible; so is everything in a box of which nothing is known. So "impossible" and "certain"
are always right, and "possible" is as sharp as what the file says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cutwire.interpreted import Interpreted
from cutwire.needs import definitions_for, needed
from cutwire.tables import kernel, why_no_table
from parser.program import Definition, Dirichlet, Formulas, QueryStatement, Table
from semantics.distribution import Array
from semantics.evaluate import evaluate
from semantics.expressions import ParameterValues, is_rational, number, refuse_real
from semantics.html import answer_html
from semantics.possibility import Relation, certain_array, possible_array, refuse_impossible, support
from strings.diagnostic import CutwireError, Diagnostic, QueryError, ZeroProbabilityError
from strings.expression import Choice, Constant, Draw, parameters_in
from strings.formula import Ask, Formula, questions
from strings.query import Query
from strings.signature import Box
from strings.surgery import Surgery, boxes_of

if TYPE_CHECKING:
    from cutwire.meanings import Answered, Options

WORDS = ("impossible", "possible", "certain")


@dataclass(frozen=True)
class Possibilities:
    """What can happen, for every case along the axes `variables`: `possible` it is, or even `certain`."""

    variables: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    possible: Array
    certain: Array
    unknown: tuple[str, ...] = ()

    @property
    def value(self) -> Any:
        """One word if there are no axes, else the whole table."""
        return self if self.variables else self[()]

    def __getitem__(self, at: str | tuple[str, ...]) -> str:
        """`"impossible"`, `"possible"` or `"certain"`, at one value of every axis."""
        labels = (at,) if isinstance(at, str) else at
        place = tuple(v.index(label) for v, label in zip(self.values, labels, strict=True))
        return WORDS[int(self.possible[place]) + int(self.certain[place])]

    def rows(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Every case with its word."""
        for at in np.ndindex(*self.possible.shape):
            yield (
                tuple(v[k] for v, k in zip(self.values, at, strict=True)),
                WORDS[int(self.possible[at]) + int(self.certain[at])],
            )

    def columns(self, digits: int = 6) -> tuple[list[str], list[list[str]]]:
        if not self.variables:
            return [], [[self[()]]]
        return [*self.variables, ""], [[*labels, word] for labels, word in self.rows()]

    def notes(self) -> list[str]:
        known = ", ".join(self.unknown[:8]) + (", …" if self.unknown[8:] else "")
        return [f"nothing is known of {known}: anything may happen there"] if self.unknown else []

    def to_dict(self) -> Mapping[str, Any]:
        words = np.asarray(np.array(WORDS, dtype=object)[self.possible.astype(int) + self.certain.astype(int)]).tolist()
        if not self.variables:
            return {"possibility": words, "unknown": list(self.unknown)}
        return {
            "variables": list(self.variables),
            "values": {n: list(v) for n, v in zip(self.variables, self.values, strict=True)},
            "possibility": words,
            "unknown": list(self.unknown),
        }

    def _repr_html_(self) -> str:
        return answer_html(*self.columns(), self.notes())

    def __repr__(self) -> str:
        width = [max(map(len, (n, *v))) for n, v in zip(self.variables, self.values, strict=True)]
        lines = [(self.variables, ""), *self.rows()]
        return "\n".join(
            "  ".join([*(c.ljust(w) for c, w in zip(labels, width, strict=True)), word]).rstrip()
            for labels, word in lines
        )


def evaluate_possible(model: Interpreted, statement: QueryStatement, options: Options) -> Answered:
    """Answer a question in possibilities.

    Raises:
        QueryError: Q020 for what is no question of possibility, Q013 if it depends on a real variable.
        ZeroProbabilityError: Q002 if the conditions cannot hold together; the fewest that cannot are named.
    """
    from cutwire.meanings import Answered

    query = _the_question(statement)
    try:
        boxes, spoken = needed(model, query)
        for b in boxes.values():
            refuse_real(b)
        if real := next((x for x in spoken if x.space), None):
            raise QueryError(Diagnostic("Q013", f"`{real.name}` is {real.space}: it has no table of what is possible"))
        known = definitions_for(model, statement)
        found = relations(model, known, query.operations)
        try:
            axes, possible = possible_array(model.shape, found, query, max_memory=options.max_memory)
        except ZeroProbabilityError:
            refuse_impossible(model.shape, found, query, options.max_memory)
            raise
        _, certain = certain_array(model.shape, found, query, max_memory=options.max_memory)
    except CutwireError as e:
        raise e.at(query.span or statement.span) from None
    unknown = tuple(sorted(n for n in boxes if n not in known))
    values = tuple(x.values or () for _, x in axes)
    answer = Possibilities(tuple(n for n, _ in axes), values, possible, certain & possible, unknown)
    if statement.expect is None or questions(statement.expect):
        return Answered(statement, "possible", answer)
    vague = bool(unknown) or any(_is_vague(known[n], model.parameter_values) for n in boxes if n in known)
    return Answered(statement, "possible", answer, str(statement.expect), _met(answer, statement.expect, vague))


def relations(
    model: Interpreted, known: Mapping[str, Definition], surgeries: Iterable[Surgery] = ()
) -> dict[str, Relation]:
    """What is possible in every box on finite wires, given the definitions of the boxes that are known: of the model,
    and of what surgeries put in."""
    boxes = {**boxes_of(None, surgeries), **boxes_of(model.shape)}
    found: dict[str, Relation] = {}
    for name, b in boxes.items():
        if all(x.values is not None for x in (*b.dom, *b.cod)):
            found[name] = _relation(model, b, known.get(name))
    return found


def _relation(model: Interpreted, b: Box, definition: Definition | None) -> Relation:
    shape = [len(x.values or ()) for x in (*b.dom, *b.cod)]
    match definition:
        case None | Dirichlet():
            return Relation(b.dom, b.cod, np.ones(shape))
        case Table(_, entries):
            return Relation(b.dom, b.cod, np.array([e > 0 for e in entries]).reshape(shape))
        case Formulas(_, bodies):
            if why_no_table(b, definition, model.parameter_values) is None:
                kernel(b, definition, model.dataset, False, model.parameter_values)  # these are probabilities
            rows = [_can_be(body, model.parameter_values) for body in bodies]
            return Relation(b.dom, b.cod, np.array(rows).reshape(shape))
        case _:
            return support(kernel(b, definition, model.dataset, True, model.parameter_values))


def _can_be(body: Draw | Choice, values: ParameterValues) -> list[bool]:
    """Which values a row can give."""
    if isinstance(body, Choice):
        if all(n in values for n in parameters_in(body.condition)):
            return _can_be(body.then if number(body.condition, values) else body.otherwise, values)
        return [a or b for a, b in zip(_can_be(body.then, values), _can_be(body.otherwise, values), strict=True)]
    return [_entry_can_be(Draw("point", (e,)), values) for e in body.args]


def _entry_can_be(entry: Draw, values: ParameterValues) -> bool:
    """Whether an entry can be positive. What only floating point says is zero may be very small instead."""
    (e,) = entry.args
    if not all(n in values for n in parameters_in(e)):
        return True
    if is_rational(entry, values):
        return number(e, values, exact=True) > 0
    return number(e, values) > 0 or not isinstance(e, Constant)


def _is_vague(definition: Definition, values: ParameterValues) -> bool:
    """Whether "possible" may say too much of a box: a parameter without a value, or a float near zero."""
    match definition:
        case Formulas(_, bodies):
            return not all(parameters_in(b) <= set(values) and is_rational(b, values) for b in bodies)
        case _:
            return isinstance(definition, Dirichlet)


def _the_question(statement: QueryStatement) -> Query:
    formula = statement.formula
    wrong = ""
    if statement.data:
        wrong = "an estimate from data"
    elif not isinstance(formula, Ask):
        wrong = "a formula of several probabilities" if questions(formula) else "a number"
    elif formula.query.expectation:
        wrong = "an expectation"
    elif statement.unit:
        wrong = f"something in {statement.unit}"
    if wrong:
        message = f"this asks for {wrong}, and not for what is possible"
        help_ = ("ask for one probability, such as `P(C | do(S := yes))`",)
        raise QueryError(Diagnostic("Q020", message, formula.span or statement.span, help=help_))
    assert isinstance(formula, Ask)
    return formula.query


def _met(answer: Possibilities, expect: Formula, vague: bool) -> bool:
    """Whether the expected numbers are possible where they are positive, and certain where they are 1."""

    def none(query: Query) -> Any:
        raise AssertionError(query)

    wanted = evaluate(expect, none, lambda name: ()).array
    positive, one = np.asarray(wanted > 0), np.asarray(wanted == 1)
    if np.any(positive & ~answer.possible) or np.any(answer.certain & ~one):
        return False
    return vague or not (np.any(answer.possible & ~positive) or np.any(one & ~answer.certain))
