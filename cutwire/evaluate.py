"""Evaluate the statements of a program: queries and estimates to distributions, claims to verdicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cutwire.assessment import Asked, Assessment, assess
from cutwire.interpreted import Interpreted, as_number
from cutwire.needs import definitions_for, fitting_claim, require_tables
from cutwire.tables import cells_of
from parser.program import CheckStatement, Definition, Formulas, QueryStatement, Table
from semantics.answer import answer
from semantics.compare import Comparison, compare
from semantics.contract import TOO_LARGE
from semantics.dataset import Dataset
from semantics.distribution import Distribution, significant
from semantics.estimate import Estimate
from semantics.evaluate import evaluate
from semantics.expressions import ParameterValues, is_rational
from semantics.plan import plan
from semantics.question import ask as work_out
from strings.diagnostic import CutwireError, Diagnostic, Label, LimitError, QueryError, Span, ZeroProbabilityError
from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Sum, questions
from strings.model import CausalModel
from strings.query import Query
from strings.surgery import boxes_of

if TYPE_CHECKING:
    from cutwire.bounds import Bounds


@dataclass(frozen=True)
class Result:
    """The answer to a query or estimate.

    `expected` is set if the statement said what it expects, `met` tells whether it came. `estimates` are the estimands
    used, for statements that read data, and `assessment` says how sure the answer of such a statement is. `note` says
    why it is not the answer in another semantics that was asked for.
    """

    statement: QueryStatement
    distribution: Distribution
    estimates: tuple[Estimate, ...] = ()
    expected: Distribution | None = None
    met: bool = True
    assessment: Assessment | None = None
    note: str = ""

    @property
    def value(self) -> Any:
        """The distribution, or the number if there are no axes."""
        return self.distribution if self.distribution.variables else as_number(self.distribution)

    def _repr_html_(self) -> str:
        from cutwire.notebook import result_html

        return result_html(self)

    def __repr__(self) -> str:
        from cutwire.show import item_text

        return item_text(self)


def evaluate_statement(
    model: Interpreted,
    statement: QueryStatement,
    *,
    exact: bool,
    max_memory: int | None = None,
    unsettled: dict[Query, Bounds] | None = None,
) -> Result:
    """Answer a query, or an estimate if the statement names data.

    The bounds of questions about several worlds that are not settled are put into `unsettled`.

    Raises:
        QueryError: Q005 if `exact` fractions are asked for and something is floating-point, Q010 if a unit is asked for
            and the answer is no probability, W001 if it is not settled; whatever its questions raise.
    """
    parts: dict[Query, Estimate] = {}

    @cached
    def ask(query: Query) -> Distribution:
        return ask_model(model, statement, query, exact, max_memory, parts, unsettled)

    value = formula_value(model, statement, statement.formula, ask, exact, max_memory)
    check_unit(statement, value)
    assessment = None
    if statement.data:
        asked = _asked(model, statement, exact, max_memory)
        try:
            assessment = assess(asked, model.dataset(statement.data), value, parts, statement.resampling)
        except CutwireError as e:
            raise e.at(statement.resampling.span if statement.resampling else statement.span) from None
        _check_bounds(statement, assessment)
    if statement.expect is None:
        return Result(statement, value, tuple(parts.values()), assessment=assessment)
    expected = formula_value(model, statement, statement.expect, ask, exact, max_memory)
    claim = Compare((statement.formula, statement.expect), ("==",))
    try:
        met = compare(claim, ask, value_lists(model, statement.axes), exact=exact, max_memory=max_memory).holds
    except CutwireError as e:
        raise e.at(statement.span) from None
    return Result(statement, value, tuple(parts.values()), expected, met, assessment)


def estimate_formula(
    model: Interpreted, statement: QueryStatement, data: Dataset, exact: bool, max_memory: int | None = None
) -> Assessment:
    """A formula, from any data.

    Raises:
        QueryError: Q005 if it is to be exact and something is floating-point, Q011 if the data cannot be resampled;
            whatever its questions raise.
    """
    asked = _asked(model, statement, exact, max_memory)
    parts: dict[Query, Estimate] = {}

    @cached
    def ask(query: Query) -> Distribution:
        try:
            parts[query] = asked.estimate(query, data)
        except CutwireError as e:
            raise e.at(query.span or statement.span) from None
        return parts[query].distribution

    value = formula_value(model, statement, statement.formula, ask, exact, max_memory)
    return assess(asked, data, value, parts, statement.resampling)


def _asked(model: Interpreted, statement: QueryStatement, exact: bool, max_memory: int | None) -> Asked:
    """What a statement asks of data."""
    policies = model.policy_kernels(statement.tables, questions(statement.formula))
    values = value_lists(model, statement.axes)
    return Asked(model, statement.formula, values, policies, exact, max_memory)


def compare_statement(
    model: Interpreted, statement: CheckStatement, claim: Compare, *, max_memory: int | None = None
) -> Comparison:
    """A claim that compares formulas, for the model's own numbers.

    Exactly if the statement says so, or if nothing is floating-point and fractions are cheap; `within` decides if it is
    given, and 0 is 0.

    Raises:
        QueryError: Q005 for an exact check with floating-point numbers; whatever its questions raise.
    """
    exact = statement.mode == "exact" or (statement.mode == "" and exact_is_cheap(model, statement))

    @cached
    def ask(query: Query) -> Distribution:
        return ask_model(model, statement, query, exact, max_memory, {})

    values = value_lists(model, statement.axes)
    if fitting_claim(model, statement, claim) == "gaussian":
        from cutwire.gaussian import gaussian_numbers

        exact = statement.mode == "exact"
        numbers = gaussian_numbers(model, statement, exact)
        return compare(claim, numbers, values, within=statement.within, exact=exact, max_memory=max_memory)
    return compare(claim, ask, values, within=statement.within, exact=exact, max_memory=max_memory)


def ask_model(
    model: Interpreted,
    statement: QueryStatement | CheckStatement,
    query: Query,
    exact: bool,
    max_memory: int | None,
    parts: dict[Query, Estimate],
    unsettled: dict[Query, Bounds] | None = None,
) -> Distribution:
    """One probability, from the model's numbers or from data; errors point to where it was asked.

    Raises:
        QueryError: W001 for a question that the tables do not settle, whose bounds then are in `unsettled`.
    """
    with placed(model, query.span or statement.span):
        if isinstance(statement, QueryStatement) and statement.data:
            asked = _asked(model, statement, exact, max_memory)
            parts[query] = asked.estimate(query, model.dataset(statement.data))
            return parts[query].distribution
        require_tables(model, statement, query)
        tables = model.kernels(using=statement.using, exact=exact, surgeries=query.operations, extra=statement.tables)
        contradiction = partial(refuse_contradiction, model, statement, query)
        try:
            ready = model.factored(statement.using) if not (exact or statement.tables) else None
            return answer(
                model.shape,
                tables,
                query,
                exact=exact,
                max_memory=max_memory,
                before_much=contradiction,
                factored=ready,
            )
        except ZeroProbabilityError as e:
            raise _explained(e, contradiction) from None
        except QueryError as e:
            if e.diagnostic.code != "W001":
                raise
            return _settled(model, statement, query, exact, max_memory, {} if unsettled is None else unsettled)
        except LimitError as e:
            if e.diagnostic.code == "L001":
                raise _sampling_named(_explained(e, contradiction)) from None
            raise _sampling_named(e) from None


def _settled(
    model: Interpreted,
    statement: QueryStatement | CheckStatement,
    query: Query,
    exact: bool,
    max_memory: int | None,
    unsettled: dict[Query, Bounds],
) -> Distribution:
    """The answer to a question about several worlds that depends on how boxes draw, if it is the same however they do.

    Raises:
        QueryError: W001 if it is not; its bounds are put into `unsettled`.
    """
    from cutwire.bounds import find_bounds

    found = find_bounds(model, statement, query, exact, max_memory)
    if found.settled:
        return found.distributions[0]
    unsettled[query] = found
    raise QueryError(found.diagnostic)


@contextmanager
def placed(model: Interpreted, span: Span | None) -> Iterator[None]:
    """Errors from inside point to where a question was asked, and to the boxes that have no numbers."""
    try:
        yield
    except CutwireError as e:
        told = type(e)(_with_declarations(d, model) for d in e.diagnostics)
        raise told.at(span) from None


def refuse_contradiction(model: Interpreted, statement: QueryStatement | CheckStatement, query: Query) -> None:
    """Refuse conditions that cannot hold together, by what is possible alone: on the way to an error, and before what
    takes long.

    Raises:
        ZeroProbabilityError: Q002, which names the fewest conditions that cannot.
    """
    if not query.given:
        return
    from cutwire.possible import relations
    from semantics.possibility import refuse_impossible

    known = definitions_for(model, statement)
    refuse_impossible(model.shape, relations(model, known, query.operations), query)


def _explained(error: CutwireError, contradiction: Callable[[], None]) -> CutwireError:
    """Q002 with the fewest conditions that cannot hold together, if that is what is wrong; else the error itself."""
    try:
        contradiction()
    except ZeroProbabilityError as e:
        return e
    except CutwireError:  # too large for this, too: the error says enough
        pass
    return error


_SAMPLE = 'estimate it, with an error: --semantics sampled, or semantics="sampled" in Python'


def _sampling_named(error: CutwireError) -> CutwireError:
    """The refusal of a question that is too large on the way to its answer, with a help that names the sampler."""
    d = error.diagnostic
    if not (d.code.startswith("L") and TOO_LARGE in d.message):
        return error
    return type(error)([replace(d, help=(*d.help, _SAMPLE)), *error.diagnostics[1:]])


def _with_declarations(d: Diagnostic, model: Interpreted) -> Diagnostic:
    """Q001 with the places where the boxes without numbers are declared, instead of notes that name them."""
    if d.code != "Q001":
        return d
    also, notes = list(d.also), []
    for note in d.notes:
        name = note.split("`")[1] if note.startswith("box `") else ""
        place = model.definition.spans.get(f"box {name}")
        if place is None:
            notes.append(note)
        else:
            also.append(Label(place, "signature only: no interpretation"))
    return replace(d, also=tuple(also), notes=tuple(notes))


def cached(ask: Callable[[Query], Distribution]) -> Callable[[Query], Distribution]:
    """Each question of a formula is answered once, however often it stands there."""
    known: dict[Query, Distribution] = {}

    def remembered(query: Query) -> Distribution:
        if query not in known:
            known[query] = ask(query)
        return known[query]

    return remembered


def value_lists(model: Interpreted, axes: Mapping[str, str]) -> Callable[[str], tuple[str, ...]]:
    """The values of a variable, or of the variable that a bound name ranges over."""

    def values(name: str) -> tuple[str, ...]:
        return model.shape.object(axes.get(name, name)).values or ()

    return values


def formula_value(
    model: Interpreted,
    statement: QueryStatement,
    formula: Formula,
    ask: Callable[[Query], Distribution],
    exact: bool,
    max_memory: int | None,
) -> Distribution:
    """The value of a formula; bound names are its axes in the order in which the statement binds them."""
    values = value_lists(model, statement.axes)
    try:
        found = evaluate(formula, ask, values, exact=exact, max_memory=max_memory)
    except CutwireError as e:
        raise e.at(formula.span) from None
    names = in_axes_order(statement, found.variables)
    at = [found.axis(n) for n in names]
    return Distribution(names, np.transpose(found.array, at), [found.values[k] for k in at])


def in_axes_order(statement: QueryStatement, variables: Sequence[str]) -> list[str]:
    """The axes of an answer, bound names in the order in which the statement binds them."""
    bound = iter([n for n in statement.axes if n in variables])
    return [next(bound) if n in statement.axes else n for n in variables]


def check_unit(statement: QueryStatement, value: Distribution) -> None:
    slack = 0 if value.exact else 1e-9
    odd = [] if not statement.unit else [(at, p) for at, p in value.rows() if not -slack <= p <= 1 + slack]
    if not odd:
        return
    at, p = odd[0]
    case = ", ".join(f"{n} = {v}" for n, v in zip(value.variables, at, strict=True))
    raise QueryError(
        Diagnostic(
            "Q010",
            f"`unit {statement.unit}` is for probabilities",
            statement.formula.span or statement.span,
            f"this is {significant(p)}" + (f" at {case}" if case else ""),
            help=(f"leave out `unit {statement.unit}`",),
        )
    )


def _check_bounds(statement: QueryStatement, found: Assessment) -> None:
    """Q010 if an interval is to be shown in a unit for probabilities that it leaves; percents may be negative."""
    interval = found.interval
    if interval is None or statement.unit in ("", "percent"):
        return
    lowest, highest = interval.low.array.min(), interval.high.array.max()
    if lowest < -1e-9 or highest > 1 + 1e-9:
        raise QueryError(
            Diagnostic(
                "Q010",
                f"`unit {statement.unit}` is for probabilities",
                statement.formula.span or statement.span,
                f"the interval goes {'down' if lowest < -1e-9 else 'up'} to "
                f"{significant(lowest if lowest < -1e-9 else highest)}",
                help=(f"leave out `unit {statement.unit}`",),
            )
        )


# ---- exact numbers ---------------------------------------------------------------------------------------------------

_EXACT_VARIABLES = 40
_EXACT_CELLS = 20_000
_EXACT_WORK = 2_000_000  # multiplications of fractions: some tenths of a second
_ENTRY_WORK = 50  # what an entry of the answer costs besides


def exact_is_cheap(model: Interpreted, statement: QueryStatement | CheckStatement) -> bool:
    """Whether fractions answer a statement at once.

    All numbers that it may need are exact, the variables are few, and the tables of the model, of the answer and in
    between are small.
    """
    if len(model.shape.variables) > _EXACT_VARIABLES or not can_be_exact(model, statement):
        return False
    values = value_lists(model, statement.axes)
    axes = math.prod(len(values(name)) for name in statement.axes)
    if axes > _EXACT_CELLS or cells_of(boxes_of(model.shape)) > _EXACT_CELLS:
        return False
    asked = dict.fromkeys(f.query for f in _parts(statement) if isinstance(f, Ask))
    return sum(_work(model.shape, query) for query in asked) <= _EXACT_WORK


def can_be_exact(model: Interpreted, statement: QueryStatement | CheckStatement) -> bool:
    """Whether exact fractions can answer a statement: nothing that it may need asks for floating point."""
    known = model.definitions(statement.using)
    if isinstance(statement, QueryStatement) and statement.data:  # which takes the place of all boxes but policies
        known = {n: d for n, d in known.items() if n in model.definition.policies}
    if any(_is_floating(d, model.parameter_values) for d in (*known.values(), *statement.tables.values())):
        return False
    return not any(isinstance(f, Number) and not f.exact for f in _parts(statement))


def _is_floating(d: Definition, values: ParameterValues) -> bool:
    """Whether a definition asks for floating point."""
    match d:
        case Table():
            return not d.exact
        case Formulas(_, bodies):
            return not all(is_rational(body, values) for body in bodies)
        case _:
            return False


def _work(model: CausalModel, query: Query) -> int:
    """About how many multiplications an answer takes at most, from a plan for the model's state."""
    try:
        question = work_out(model, query)
    except CutwireError:  # it will be told when it is answered
        return 0
    spoken = [s for s in question.slots if s.spoken]
    d = question.model.state(question.variables(spoken))
    factors = [
        tuple(dict.fromkeys((*n.args, *range(first, first + len(n.box.cod)))))
        for n, first in zip(d.nodes, d.first_wires, strict=True)
    ]
    free = {s.variable for s in spoken if s.axis is not None}
    outs = [w for v, w in zip(question.variables(spoken), d.outs, strict=True) if v in free]
    output = dict.fromkeys((*range(len(d.dom)), *outs))
    sizes = tuple(len(x.values or ("",)) for x in d.wires)
    work: int = _ENTRY_WORK * math.prod(sizes[w] for w in output)
    if factors:
        held = {w for f in factors for w in f}
        found = plan(factors, tuple(w for w in output if w in held), sizes)
        work += found.work + found.peak
    return work


def _parts(statement: QueryStatement | CheckStatement) -> Iterator[Formula]:
    """All formulas in a statement, and in those."""
    stack: list[Formula] = []
    if isinstance(statement, QueryStatement):
        stack = [statement.formula, *([statement.expect] if statement.expect is not None else [])]
    elif isinstance(statement.body, Compare):
        stack = list(statement.body.operands)
    while stack:
        f = stack.pop()
        yield f
        match f:
            case Sum(body=body):
                stack.append(body)
            case Arithmetic(left=left, right=right):
                stack += [right, left]
            case _:
                pass
