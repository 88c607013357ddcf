"""Evaluate the statements of a program: queries and estimates to distributions, claims to verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cutwire.model import Model, as_number
from parser.program import CheckStatement, DiagramClaim, QueryStatement
from semantics.answer import answer
from semantics.compare import compare
from semantics.distribution import Distribution
from semantics.estimate import Estimate, estimate
from semantics.evaluate import evaluate
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.estimand import identified
from strings.formula import Ask, Compare, Formula, Number
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


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds. `evidence` says how it was decided, `counterexample` where it fails."""

    statement: CheckStatement
    holds: bool
    evidence: str
    counterexample: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def evaluate_statement(
    model: Model, statement: QueryStatement, *, exact: bool, max_memory: int | None = None
) -> Result:
    """Answer a query, or an estimate if the statement names data."""
    estimates: list[Estimate] = []

    def ask(query: Query) -> Distribution:
        return _ask(model, statement, query, exact, max_memory, estimates)

    value = _formula(model, statement.formula, ask, statement.axes)
    if statement.expect is None:
        return Result(statement, value, tuple(estimates))
    used = tuple(estimates)
    expected = _formula(model, statement.expect, ask, statement.axes)
    claim = Compare((statement.formula, statement.expect), ("==",))
    met = compare(claim, _cached(ask), _values(model, statement.axes)).holds
    return Result(statement, value, used, expected, met)


def _ask(
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


def _cached(ask: Callable[[Query], Distribution]) -> Callable[[Query], Distribution]:
    """Each question of a formula is answered once, however often it stands there."""
    known: dict[Query, Distribution] = {}

    def remembered(query: Query) -> Distribution:
        if query not in known:
            known[query] = ask(query)
        return known[query]

    return remembered


def _values(model: Model, axes: Mapping[str, str]) -> Callable[[str], tuple[str, ...]]:
    """The values of a variable, or of the variable that a bound name ranges over."""

    def values(name: str) -> tuple[str, ...]:
        return model.shape.object(axes.get(name, name)).values or ()

    return values


def _formula(
    model: Model, formula: Formula, ask: Callable[[Query], Distribution], axes: Mapping[str, str]
) -> Distribution:
    try:
        return evaluate(formula, _cached(ask), _values(model, axes))
    except CutwireError as e:
        raise e.at(formula.span) from None


def check_statement(model: Model | None, statement: CheckStatement, *, max_memory: int | None = None) -> Verdict:
    """Decide a claim: an equation of diagrams by normal form, a comparison for the model's own numbers."""
    if isinstance(statement.body, DiagramClaim):
        return _check_diagrams(statement, statement.body)
    if model is None:
        raise QueryError(Diagnostic("Q001", "this claim needs a model", span=statement.span))
    exact = statement.mode == "exact" or (statement.mode == "" and can_be_exact(model, statement))

    def ask(query: Query) -> Distribution:
        return _ask(model, statement, query, exact, max_memory, [])

    try:
        found = compare(
            statement.body, _cached(ask), _values(model, statement.axes), within=statement.within or Fraction(1, 10**9)
        )
    except CutwireError as e:
        raise e.at(statement.span) from None
    how = "exactly" if found.exact else "to within 1e-9" if not statement.within else f"to within {statement.within}"
    evidence = f"{found.cases} case(s) compared {how}" if found.holds else ""
    return Verdict(statement, found.holds, evidence, "" if found.holds else found.describe())


def _check_diagrams(statement: CheckStatement, claim: DiagramClaim) -> Verdict:
    equal = claim.left == claim.right
    evidence = "equal normal forms" if equal else "different normal forms"
    holds = equal == claim.equal
    return Verdict(statement, holds, evidence if holds else "", "" if holds else evidence)


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


__all__ = ["Ask", "Result", "Verdict", "can_be_exact", "check_statement", "evaluate_statement"]
