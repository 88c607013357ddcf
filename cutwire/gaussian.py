"""Answers in Gauss: linear models with normal noise, finite variables beside real ones, in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cutwire.assessment import Assessment
from cutwire.evaluate import Result, cached, check_unit, formula_value, value_lists
from cutwire.interpreted import Interpreted
from cutwire.needs import definitions_for, needed
from cutwire.progress import tell
from cutwire.tables import kernel, why_no_table
from parser.program import CheckStatement, Definition, Fit, Formulas, QueryStatement, Table
from semantics import mixture_text
from semantics.bootstrap import bootstrap_each
from semantics.compare import compare
from semantics.dataset import Dataset
from semantics.distribution import Array, Distribution, float_array
from semantics.estimate import Estimate
from semantics.expressions import is_rational
from semantics.kernel import Kernel
from semantics.linear import fit_linear, is_cheap, linear_box, refuse_nonlinear
from semantics.mixed import Gauss, LinearBox
from semantics.mixed_answer import Answer, Found, answer_mixed, in_numbers
from semantics.mixed_estimate import Conditionals, DataConditionals, estimate_mixed
from semantics.mixture import Linear, Mixture, Mixtures
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.formula import Ask, Compare, Formula, questions, substituted
from strings.identification import Identified, identified
from strings.query import Query, as_seen
from strings.signature import Box
from strings.surgery import boxes_of

if TYPE_CHECKING:
    from cutwire.meanings import Answered, Options

_MOST_EXACT = 60  # real variables of a model that is computed with in fractions unasked


@dataclass(frozen=True)
class GaussianAnswer:
    """An answer that is a distribution on the reals, or a function of what is left free: a `Meaning`.

    `value` is the answer itself: a `Mixture`, `Mixtures` or `Linear`.
    """

    value: Mixture | Mixtures | Linear
    told: tuple[str, ...] = ()

    def columns(self, digits: int = 6) -> tuple[list[str], list[list[str]]]:
        return mixture_text.columns(self.value, digits)

    def notes(self) -> list[str]:
        return [*self.told, *mixture_text.notes(self.value)]

    def to_dict(self) -> Mapping[str, Any]:
        match self.value:
            case Mixture():
                return _mixture_dict(self.value)
            case Mixtures(axes, labels, cells, probabilities):
                listed = [
                    {
                        "at": dict(zip(axes, at, strict=True)),
                        "probability": float(probabilities[at]),
                        **_mixture_dict(m),
                    }
                    for at, m in cells.items()
                ]
                return {
                    "axes": [{"name": n, "values": list(v)} for n, v in zip(axes, labels, strict=True)],
                    "cells": listed,
                }
            case Linear():
                k = self.value.kernel.as_float()
                shown = {"inputs": list(self.value.inputs), "slopes": k.matrix.tolist(), "offset": k.offset.tolist()}
                noise = {} if self.value.only_mean else {"covariance": k.covariance.tolist()}
                return {"variables": list(self.value.variables), **shown, **noise}


def _mixture_dict(m: Mixture) -> dict[str, Any]:
    parts = [
        {"weight": float(w), "mean": g.as_float().offset.tolist(), "covariance": g.as_float().covariance.tolist()}
        for w, g in zip(m.weights, m.parts, strict=True)
    ]
    means, covariances = m.means.astype(float).tolist(), m.covariances.astype(float).tolist()
    return {"variables": list(m.variables), "mean": means, "covariance": covariances, "components": parts}


# ---- questions -------------------------------------------------------------------------------------------------------


def evaluate_gaussian(model: Interpreted, statement: QueryStatement, options: Options) -> Result | Answered:
    """Answer a question, or an estimate if the statement names data, in closed form.

    Numbers are fractions where everything is rational and that is cheap, or if the options ask for them.

    Raises:
        QueryError: Q005 if fractions are asked for and there are none, G001 for a box that is not linear with normal
            noise, Q001, Q012 for what has no numbers, Q011 if the data cannot be resampled, and whatever `answer_mixed`
            raises.
    """
    from cutwire.meanings import Answered

    data = model.dataset(statement.data) if statement.data else None
    asked = _Asking(model, statement, options.exact, data)
    if isinstance(statement.formula, Ask):
        found = asked.answer(statement.formula.query)
        if not isinstance(found, Distribution):
            wanted = statement.expect or statement.resampling
            if wanted is not None:
                raise no_number(statement.formula.query, found).at(wanted.span or statement.span)
            told = [f"by  {e.formula}" for e in asked.parts.values() if e.found.asked.surgeries]
            told += [f"from data {statement.data}"] if statement.data else []
            return Answered(statement, "gaussian", GaussianAnswer(found, tuple(told)))
    value = formula_value(model, statement, statement.formula, asked.number, options.exact, options.max_memory)
    check_unit(statement, value)
    assessment = None
    if data is not None:
        try:
            assessment = _assess(asked, data, value)
        except CutwireError as e:
            raise e.at(statement.resampling.span if statement.resampling else statement.span) from None
    estimates = tuple(asked.parts.values())
    if statement.expect is None:
        return Result(statement, value, estimates, assessment=assessment)
    expected = formula_value(model, statement, statement.expect, asked.number, options.exact, options.max_memory)
    claim = Compare((statement.formula, statement.expect), ("==",))
    try:
        met = compare(claim, asked.number, value_lists(model, statement.axes), exact=options.exact).holds
    except CutwireError as e:
        raise e.at(statement.span) from None
    return Result(statement, value, estimates, expected, met, assessment)


def estimate_gaussian(model: Interpreted, statement: QueryStatement, data: Dataset, exact: bool) -> Assessment:
    """A formula of numbers, from any data; raises as `evaluate_gaussian`."""
    asked = _Asking(model, statement, exact, data)
    return _assess(asked, data, formula_value(model, statement, statement.formula, asked.number, exact, None))


def _assess(asked: _Asking, data: Dataset, value: Distribution) -> Assessment:
    """How sure an estimate is: what is merely seen, and an interval if the statement asks for one."""
    statement = asked.statement
    assert isinstance(statement, QueryStatement)
    parts = {q: asked.parts[q] for q in questions(statement.formula)}
    seen, seen_by = _seen(asked, data, value)
    interval = None
    if (r := statement.resampling) is not None:

        def estimate_of(resampled: tuple[Dataset, ...]) -> Array | None:
            again = _Asking(asked.model, statement, False, resampled[0])
            try:
                found = formula_value(asked.model, statement, statement.formula, again.number, False, None)
            except QueryError:
                return None
            return float_array(found.array)

        interval = bootstrap_each(
            estimate_of,
            [e.found for e in parts.values()],
            [data],
            value,
            resamples=r.resamples,
            level=float(r.level),
            seed=r.seed,
            on_progress=tell,
        )
    return Assessment(value, statement.formula, parts, seen, (), interval, seen_by)


def _seen(asked: _Asking, data: Dataset, value: Distribution) -> tuple[Distribution | None, Formula | None]:
    """The value of the formula with every `do` read as an observation, and how it is read off the data."""
    statement = asked.statement
    assert isinstance(statement, QueryStatement)
    plain = {q: as_seen(q) for q in questions(statement.formula)}
    readings: dict[Query, Formula] = {q: Ask(s) for q, s in plain.items() if s is not None}
    if not any(q.surgeries for q in plain) or len(readings) < len(plain):
        return None, None
    read = substituted(statement.formula, readings)
    again = _Asking(asked.model, statement, asked.exact, data)
    try:
        found = formula_value(asked.model, statement, read, again.number, asked.exact, None)
    except QueryError:
        return None, None
    if found.variables != value.variables:
        return None, None
    return found, substituted(read, {q: e.formula for q, e in again.parts.items()})


class _Asking:
    """Answers the questions of one statement, each once."""

    def __init__(
        self,
        model: Interpreted,
        statement: QueryStatement | CheckStatement,
        exact: bool,
        data: Dataset | None = None,
    ) -> None:
        self.model, self.statement, self.exact, self.data = model, statement, exact, data
        self.parts: dict[Query, Estimate] = {}
        self._known: dict[Query, Answer] = {}
        self.number = cached(self._number)

    def answer(self, query: Query) -> Answer:
        """The answer to one question; errors point to where it was asked."""
        if query not in self._known:
            try:
                self._known[query] = self._answer(query)
            except CutwireError as e:
                raise e.at(query.span or self.statement.span) from None
        return self._known[query]

    def _answer(self, query: Query) -> Answer:
        if self.data is not None:
            way = identified(self.model.shape, query)
            source = conditionals_of([self.data], way, self.exact)
            policies = policies_of(self.model, self.statement.tables, query, source.exact)
            found = in_numbers(estimate_mixed(way, source, policies))
            numbers = found if isinstance(found, Distribution) else Distribution((), Fraction(0))
            self.parts[query] = Estimate(numbers, way)
            return found
        definitions = definitions_for(self.model, self.statement)
        boxes, objects = needed(self.model, query)
        reals = sum(bool(x.space) for x in objects)
        exact = self.exact or (reals <= _MOST_EXACT and is_exact(self.model, boxes, definitions))
        return in_numbers(answer_mixed(self.model.shape, gauss(self.model, boxes, definitions, exact), query))

    def _number(self, query: Query) -> Distribution:
        found = self.answer(query)
        if not isinstance(found, Distribution):
            raise no_number(query, found).at(query.span or self.statement.span)
        return found


def gaussian_numbers(model: Interpreted, statement: CheckStatement, exact: bool) -> Callable[[Query], Distribution]:
    """A function that answers the questions of a claim with numbers."""
    return _Asking(model, statement, exact).number


def no_number(query: Query, found: Found) -> QueryError:
    """G004 or G006: an answer is a function of what is left free, or a distribution, where a number is asked for."""
    if isinstance(found, Linear):
        n = found.inputs[0]
        message, help_ = f"`{query}` is a function of `{n}`, not a number", (f"give `{n}` a value",)
        return QueryError(Diagnostic("G004", message, help=help_))
    n = query.targets[0].variable
    message = f"`{query}` is a distribution of real numbers, not a number"
    help_ = (f"ask for the mean, `E({n} | …)`, or for the probability of an interval, `P({n} > 0 | …)`",)
    return QueryError(Diagnostic("G006", message, help=help_))


# ---- boxes -----------------------------------------------------------------------------------------------------------


def gauss(model: Interpreted, boxes: Mapping[str, Box], definitions: Mapping[str, Definition], exact: bool) -> Gauss:
    """The category with some boxes of a model.

    Raises:
        QueryError: Q001 for a box without numbers, G001 for one that is not linear with normal noise, Q012 for a
            parameter without a value, G005 for a regression that data do not determine.
    """
    require_definitions(boxes, definitions)
    for n, b in boxes.items():  # before a parameter is missed: symbols do not help where a box is not linear
        if isinstance(d := definitions[n], Formulas) and any(x.space for x in (*b.dom, *b.cod)):
            try:
                refuse_nonlinear(b, d.bodies)
            except QueryError as e:
                raise e.at(d.span) from None
    tables: dict[str, Kernel] = {}
    linear: dict[str, LinearBox] = {}
    for n, b in boxes.items():
        found = _box(model, b, definitions[n], exact)
        if isinstance(found, LinearBox):
            linear[n] = found
        else:
            tables[n] = found
    return Gauss(tables, linear, exact)


def require_definitions(boxes: Mapping[str, Box], definitions: Mapping[str, Definition]) -> None:
    """Q001 if a box has no numbers."""
    missing = [b for n, b in boxes.items() if n not in definitions]
    if missing:
        raise QueryError(
            Diagnostic(
                "Q001",
                "this query needs numbers, but a box has none",
                notes=tuple(f"box `{b.name}` ({b}) has no numbers" for b in missing[:8]),
                help=("give it numbers: `box y : X -> Y = normal(2*x, 1)`, or use data: `estimate … from DATA`",),
            )
        )


def gauss_of_model(model: Interpreted, exact: bool) -> Gauss:
    """The category with all boxes of a model; in fractions if that is asked for, or is cheap. Raises as `gauss`."""
    boxes, definitions = boxes_of(model.shape), model.definitions("")
    reals = sum(bool(x.space) for x in model.shape.variables)
    return gauss(model, boxes, definitions, exact or (reals <= _MOST_EXACT and is_exact(model, boxes, definitions)))


def _box(model: Interpreted, b: Box, definition: Definition, exact: bool) -> Kernel | LinearBox:
    try:
        if isinstance(definition, Formulas) and any(x.space for x in (*b.dom, *b.cod)):
            return linear_box(b, definition.bodies, model.parameter_values, exact)
        if isinstance(definition, Fit) and b.cod[0].space:
            return fit_linear(model.dataset(definition.data), b, exact)
        if isinstance(definition, Fit) and any(x.space for x in b.dom):
            why = f"`{b.cod[0].name}` has finitely many values and hears a real variable"
            raise QueryError(Diagnostic("G001", f"box `{b.name}` cannot be fitted by a table", notes=(why,)))
        if problem := why_no_table(b, definition, model.parameter_values):
            raise QueryError(problem)
        found = kernel(b, definition, model.dataset, exact, model.parameter_values)
    except CutwireError as e:
        raise e.at(getattr(definition, "span", None)) from None
    if exact and not found.exact:
        raise QueryError(Diagnostic("Q005", f"box `{b.name}` has floating-point numbers: no exact answer"))
    return found if exact or not found.exact else Kernel(b.dom, b.cod, found.as_float().array)


def is_exact(model: Interpreted, boxes: Iterable[str], definitions: Mapping[str, Definition]) -> bool:
    """Whether fractions can hold some boxes, at little cost."""
    for n in boxes:
        match definitions.get(n):
            case Table(exact=exact) if not exact:
                return False
            case Formulas(_, bodies) if not all(is_rational(b, model.parameter_values) for b in bodies):
                return False
            case Fit(data=name):
                data = model.dataset(name)
                if not is_cheap(data, len(data.variables)):
                    return False
    return True


def policies_of(model: Interpreted, tables: Mapping[str, Definition], query: Query, exact: bool) -> Gauss:
    """The boxes that the surgeries of a question put in place of mechanisms."""
    added = boxes_of(None, query.operations)
    return gauss(model, added, {**model.definition.definitions, **tables}, exact)


def conditionals_of(data: Sequence[Any], way: Identified, exact: bool) -> Conditionals:
    """The conditionals of data sets; in fractions if that is asked for, or is cheap.

    Raises:
        QueryError: Q005 if fractions are asked for and the data have floats.
    """
    odd = next((d for d in data if not d.exact), None)
    if exact and odd is not None:
        raise QueryError(Diagnostic("Q005", f"data `{odd.name}` has floating-point weights: no exact answer"))
    reals = sum(bool(x.space) for x in way.estimand.model.variables)
    return DataConditionals(tuple(data), exact or all(is_cheap(d, reals) for d in data))
