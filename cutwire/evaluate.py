"""Evaluate the statements of a program: queries and estimates to distributions, claims to verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cutwire.model import Model, as_number
from parser.program import CheckStatement, QueryStatement
from semantics.answer import answer
from semantics.compare import compare
from semantics.distribution import Distribution
from semantics.estimate import Estimate, estimate
from semantics.evaluate import evaluate
from strings.diagnostic import CutwireError
from strings.estimand import identified
from strings.formula import Compare, Formula, Number
from strings.query import Query

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Result:
    """The answer to a query or estimate.

    `expected` is set if the statement said what it expects, `met` tells whether it came. `estimates` are the estimands
    used, for statements that read data.
    """

    statement: QueryStatement
    distribution: Distribution
    estimates: tuple[Estimate, ...] = ()
    expected: Distribution | None = None
    met: bool = True

    @property
    def value(self) -> Any:
        """The distribution, or the number if there are no axes."""
        return self.distribution if self.distribution.variables else as_number(self.distribution)


def evaluate_statement(
    model: Model, statement: QueryStatement, *, exact: bool, max_memory: int | None = None
) -> Result:
    """Answer a query, or an estimate if the statement names data."""
    estimates: list[Estimate] = []

    def ask(query: Query) -> Distribution:
        return ask_model(model, statement, query, exact, max_memory, estimates)

    value = _formula(model, statement.formula, ask, statement.axes)
    if statement.expect is None:
        return Result(statement, value, tuple(estimates))
    used = tuple(estimates)
    expected = _formula(model, statement.expect, ask, statement.axes)
    claim = Compare((statement.formula, statement.expect), ("==",))
    met = compare(claim, cached(ask), value_lists(model, statement.axes)).holds
    return Result(statement, value, used, expected, met)


def ask_model(
    model: Model,
    statement: QueryStatement | CheckStatement,
    query: Query,
    exact: bool,
    max_memory: int | None,
    estimates: list[Estimate],
) -> Distribution:
    """One probability, from the model's numbers or from data; errors point to where it was asked."""
    try:
        tables = model.kernels(using=statement.using, exact=exact, surgeries=query.surgeries, extra=statement.tables)
        if isinstance(statement, QueryStatement) and statement.data:
            data = model.dataset(statement.data)
            way = identified(model.shape, query)
            found = estimate(way, [data], exact=exact, policies=tables, max_memory=max_memory)
            estimates.append(found)
            return found.distribution
        return answer(model.shape, tables, query, exact=exact, max_memory=max_memory)
    except CutwireError as e:
        raise e.at(query.span or statement.span) from None


def cached(ask: Callable[[Query], Distribution]) -> Callable[[Query], Distribution]:
    """Each question of a formula is answered once, however often it stands there."""
    known: dict[Query, Distribution] = {}

    def remembered(query: Query) -> Distribution:
        if query not in known:
            known[query] = ask(query)
        return known[query]

    return remembered


def value_lists(model: Model, axes: Mapping[str, str]) -> Callable[[str], tuple[str, ...]]:
    """The values of a variable, or of the variable that a bound name ranges over."""

    def values(name: str) -> tuple[str, ...]:
        return model.shape.object(axes.get(name, name)).values or ()

    return values


def _formula(
    model: Model, formula: Formula, ask: Callable[[Query], Distribution], axes: Mapping[str, str]
) -> Distribution:
    try:
        return evaluate(formula, cached(ask), value_lists(model, axes))
    except CutwireError as e:
        raise e.at(formula.span) from None


def can_be_exact(model: Model, statement: QueryStatement | CheckStatement) -> bool:
    """Whether exact fractions can answer a statement: nothing that it may need asks for floating point."""
    from parser.program import Table

    definitions = [*model._definitions(statement.using).values(), *statement.tables.values()]
    if any(isinstance(d, Table) and not d.exact for d in definitions):
        return False
    formulas: list[Formula] = (
        [statement.formula, *([statement.expect] if statement.expect else [])]
        if isinstance(statement, QueryStatement)
        else list(statement.body.operands)
        if isinstance(statement.body, Compare)
        else []
    )
    return not any(isinstance(f, Number) and not f.exact for f in formulas)
