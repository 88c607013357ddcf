"""Answers in any semantics: the one asked for, or the one that suits the question.

Tables of numbers are answered in `cutwire.evaluate`. Each other semantics has a module of its own here, which is
imported when it is first used: `cutwire.symbolic`, `cutwire.gaussian`, `cutwire.sampling` (Pyro), `cutwire.weighting`
(`sampled`), `cutwire.possible`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from cutwire.evaluate import Result, check_unit, evaluate_statement, exact_is_cheap
from cutwire.interpreted import Interpreted, check_semantics
from cutwire.needs import fitting, in_numbers, numbers_only
from parser.program import QueryStatement
from strings.diagnostic import QueryError
from strings.formula import Ask

if TYPE_CHECKING:
    from cutwire.bounds import Bounds
    from strings.query import Query


@dataclass(frozen=True, slots=True)
class Options:
    """How to answer: `exact` fractions, the bytes that a table may take, and for sampling how often and which seed."""

    exact: bool = False
    max_memory: int | None = None
    samples: int | None = None
    seed: int = 0


@runtime_checkable
class Meaning(Protocol):
    """An answer that is no table of numbers: a formula, a density, a sample."""

    def columns(self, digits: int = 6) -> tuple[list[str], list[list[str]]]:
        """It as a small table for people: headings, and rows of text; one row without headings is a line."""

    def notes(self) -> list[str]:
        """Lines to stand below it, such as conditions or how it was come by."""

    def to_dict(self) -> Mapping[str, Any]:
        """It as plain data."""


@dataclass(frozen=True)
class Answered:
    """The answer to a question in a semantics whose answers are no tables of numbers.

    `met` tells whether it is what the statement `expect`s, as far as it expects anything. `note` says why it is not the
    answer in another semantics that was asked for.
    """

    statement: QueryStatement
    semantics: str
    answer: Meaning
    expected: str | None = None
    met: bool = True
    note: str = ""

    @property
    def value(self) -> Any:
        """What `Model.query` hands out."""
        return getattr(self.answer, "value", self.answer)

    def _repr_html_(self) -> str:
        from cutwire.notebook import answered_html

        return answered_html(self)

    def __repr__(self) -> str:
        from cutwire.show import item_text

        return item_text(self)


def answer_statement(
    model: Interpreted,
    statement: QueryStatement,
    semantics: str = "",
    options: Options | None = None,
    tables: str = "",
) -> Result | Answered:
    """Answer a question; without a semantics, in the one that suits it, which for tables of numbers is `tables`.

    Parameters that have a value are numbers, unless `symbolic` is asked for by name: then they are symbols.

    Raises:
        QueryError: Q007 for an unknown semantics, Q012 for a parameter without a value, and what the semantics raises.
    """
    how = options or Options()
    chosen = semantics or fitting(model, statement) or tables
    if chosen:
        check_semantics(chosen)
    if chosen == "symbolic":
        from cutwire.symbolic import evaluate_symbolic

        return evaluate_symbolic(model, statement, how, {} if semantics else model.parameter_values)
    with numbers_only() if statement.data else nullcontext():
        return _answer_in_numbers(model, in_numbers(model, statement), chosen, how)


def _answer_in_numbers(model: Interpreted, statement: QueryStatement, chosen: str, how: Options) -> Result | Answered:
    match chosen:
        case "gaussian":
            from cutwire.gaussian import evaluate_gaussian

            return evaluate_gaussian(model, statement, how)
        case "pyro":
            from cutwire.sampling import evaluate_pyro

            return evaluate_pyro(model, statement, how)
        case "sampled":
            from cutwire.weighting import evaluate_sampled

            return evaluate_sampled(model, statement, how)
        case "possible":
            from cutwire.possible import evaluate_possible

            return evaluate_possible(model, statement, how)
        case _:
            exact = chosen == "exact" or (chosen != "matrix" and (how.exact or exact_is_cheap(model, statement)))
            return _in_tables(model, statement, exact, how.max_memory)


def _in_tables(model: Interpreted, statement: QueryStatement, exact: bool, max_memory: int | None) -> Result | Answered:
    """The answer from tables of numbers; one probability that they do not settle has bounds."""
    unsettled: dict[Query, Bounds] = {}
    try:
        return evaluate_statement(model, statement, exact=exact, max_memory=max_memory, unsettled=unsettled)
    except QueryError:
        asked = statement.formula
        if not isinstance(asked, Ask) or asked.query not in unsettled:
            raise
    found = unsettled[asked.query]
    for end in found.distributions:
        check_unit(statement, end)
    expected = None if statement.expect is None else str(statement.expect)
    return Answered(statement, "bounds", replace(found, unit=statement.unit), expected, expected is None)


_DOES_NOT_APPLY = ("Q005", "Q007", "Q012", "Q013", "Q020", "G001")
"""No fractions, no question for it, a parameter without value, real wires, not what is possible, not linear."""


def answer_if_it_applies(
    model: Interpreted, statement: QueryStatement, semantics: str, options: Options | None = None
) -> Result | Answered:
    """Answer a question in a semantics that was asked for all questions of a file; one that it does not apply to, such
    as an estimate, gets its ordinary answer, with a note.

    Raises:
        QueryError: as `answer_statement`; where the ordinary answer fails too, what that raises.
    """
    if not semantics:
        return answer_statement(model, statement, options=options)
    check_semantics(semantics)
    try:
        return answer_statement(model, statement, semantics, options)
    except QueryError as e:
        if e.diagnostic.code not in _DOES_NOT_APPLY:
            raise
        note = f"ordinary answer, since `{semantics}` does not apply: {e.diagnostic.message}"
    return replace(answer_statement(model, statement, options=options), note=note)
