"""The boxes of a model in symbols: tables and linear maps whose numbers lie in one field of rational functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import sympy

from cutwire.interpreted import Interpreted
from cutwire.tables import kernel, why_no_table
from parser.program import Definition, Fit, Formulas, Table
from semantics import kernel as kernels
from semantics.distribution import Array
from semantics.expressions import ParameterValues
from semantics.formulae import condition_text
from semantics.kernel import size
from semantics.linear import coefficients, fit_linear, negative_deviation, refuse_nonlinear, regression
from semantics.mixed import Gauss, LinearBox, configurations, finite
from semantics.polynomials import objects
from semantics.quotients import Quotients
from semantics.symbolic import Expr, Symbols, SympyAlgebra, is_certain, row
from semantics.symbolic_scalars import SymbolicScalars
from strings.diagnostic import Diagnostic, QueryError
from strings.expression import parameters_in
from strings.signature import Box


@dataclass(frozen=True)
class FieldBoxes:
    """Boxes in one field of rational functions, and the conditions under which they are what they should be.

    `tables` are of members of the field; `linear` has, for every box with a real output and all values of its finite
    inputs, the slopes, the offset and the variance of the noise; `fitted` are linear boxes in fractions. `deviations`
    are standard deviations, which are not negative.
    """

    symbols: Symbols
    tables: Mapping[str, kernels.Table]
    linear: Mapping[str, tuple[Box, Sequence[Sequence[Any]]]]
    fitted: Mapping[str, LinearBox]
    deviations: frozenset[Expr]
    domains: tuple[Expr, ...]

    @property
    def noisy(self) -> bool:
        """Whether every box with a real output is seen to have noise, whatever the parameters are: then no variable is
        determined by others."""
        variances = [line[-1] for _, lines in self.linear.values() for line in lines]
        fitted = [g.covariance[0, 0] for f in self.fitted.values() for g in f.cells.values()]
        return all(v != 0 and not self.symbols.nonzero(v.numer) for v in variances) and all(fitted)

    def gauss(self) -> Gauss:
        """The category of linear maps with normal noise, with these boxes."""
        arithmetic = Quotients(self.symbols.functions)
        number = arithmetic.number
        tables = {
            n: kernels.Table(t.dom, t.cod, objects(map(number, t.array.flat), t.array.shape))
            for n, t in self.tables.items()
        }
        linear = dict(self.fitted)
        for name, (b, lines) in self.linear.items():
            cells = {}
            for at, line in zip(configurations(finite(b.dom)), lines, strict=True):
                *slopes, offset, variance = map(number, line)
                cells[at] = regression(slopes, offset, variance, exact=True)
            linear[name] = LinearBox(b.dom, b.cod[0], cells)
        scalars = SymbolicScalars(arithmetic, self.symbols, self.deviations)
        return Gauss(tables, linear, exact=True, scalars=scalars)


def field_boxes(
    model: Interpreted,
    boxes: Mapping[str, Box],
    known: Mapping[str, Definition],
    values: ParameterValues | None = None,
    spoken: Sequence[str] = (),
) -> FieldBoxes:
    """Some boxes; parameters that have one of `values` are that number, all others are symbols. The field has those of
    `spoken`, too.

    Raises:
        QueryError: Q012 for a table that only has a prior, G001 for a box with real wires that is not linear with
            normal noise, Q014 for what is no probability or no standard deviation, whatever the parameters are, Q015
            where a function has no value.
    """
    algebra = SympyAlgebra()

    def parameter(name: str) -> Expr:
        return algebra.constant(values[name]) if values and name in values else sympy.Symbol(name)

    rows: dict[str, list[Expr]] = {}
    lines: dict[str, list[list[Expr]]] = {}
    fixed: dict[str, Array] = {}
    fitted: dict[str, LinearBox] = {}
    for name, b in boxes.items():
        definition, is_real = known[name], any(x.space for x in (*b.dom, *b.cod))
        if isinstance(definition, Formulas) and is_real:
            _refuse_nonlinear(model, b, definition, values or {})
            numbers = partial(coefficients, b)
            lines[name] = [row(body, algebra, parameter, numbers) for body in definition.bodies]
        elif isinstance(definition, Formulas):
            rows[name] = [e for body in definition.bodies for e in row(body, algebra, parameter)]
        elif isinstance(definition, Fit) and b.cod[0].space:
            fitted[name] = fit_linear(model.dataset(definition.data), b, exact=True)
        else:
            fixed[name] = _exact(b, definition, model)
    squared = {n: [[*rest, sd**2] for *rest, sd in found] for n, found in lines.items()}
    deviations = {n: [sd for *_, sd in found] for n, found in lines.items()}
    every = [
        *(e for r in rows.values() for e in r),
        *(e for found in squared.values() for line in found for e in line),
        *(sd for found in deviations.values() for sd in found),
    ]
    symbols = Symbols.of([*every, *map(parameter, spoken)], model.parameters)
    made = {e: symbols.element(e) for e in dict.fromkeys(every)}
    tables = {n: kernels.Table(b.dom, b.cod, fixed[n]) for n, b in boxes.items() if n in fixed}
    for name, entries in rows.items():
        b = boxes[name]
        array = objects((made[e] for e in entries), [size(x) for x in (*b.dom, *b.cod)])
        tables[name] = kernels.Table(b.dom, b.cod, array)
    domains = dict.fromkeys(c for c in algebra.domains if not is_certain(c, model.parameters))
    for x in dict.fromkeys(made.values()):
        domains.update(dict.fromkeys(symbols.nonzero(x.denom)))
    for x in dict.fromkeys(made[e] for r in rows.values() for e in r):
        domains.update(dict.fromkeys(symbols.nonnegative(x)))
    if never := _never(domains, model):
        message = "the numbers of a box are no probabilities, whatever the parameters are"
        raise QueryError(Diagnostic("Q014", message, notes=(never,)))
    for name, found in deviations.items():
        conditions = dict.fromkeys(c for sd in found for c in symbols.nonnegative(made[sd]))
        if never := _never(conditions, model):
            raise negative_deviation(boxes[name], f", whatever the parameters are: {never}")
        domains.update(conditions)
    linear = {n: (boxes[n], [[made[e] for e in line] for line in found]) for n, found in squared.items()}
    named = frozenset(sd for found in deviations.values() for sd in found)
    return FieldBoxes(symbols, tables, linear, fitted, named, tuple(domains))


def _never(conditions: Mapping[Expr, None], model: Interpreted) -> str:
    """What is said of the first condition that never holds."""
    never = [c for c in conditions if is_certain(sympy.Not(c), model.parameters)]
    return f"`{condition_text(never[0])}` never holds while the parameters lie within their intervals" if never else ""


def _refuse_nonlinear(model: Interpreted, b: Box, definition: Formulas, values: ParameterValues) -> None:
    """G001, with what can be done where parameters have no values."""
    try:
        refuse_nonlinear(b, definition.bodies)
    except QueryError as e:
        named = dict.fromkeys(n for body in definition.bodies for n in parameters_in(body))
        lost = [n for n in named if n not in values and n in model.parameters and model.parameters[n].density is None]
        how = f"give `{lost[0]}` a value or a prior, and " if lost else ""
        notes = (*e.diagnostic.notes, "with symbols, linear models with normal noise are answered")
        help_ = (f'{how}ask with sampling: --semantics pyro, semantics="pyro"',)
        raise QueryError(replace(e.diagnostic, notes=notes, help=help_)).at(definition.span) from None


def _exact(b: Box, definition: Definition, model: Interpreted) -> Array:
    """A table without parameters, in fractions; rows of floating-point numbers are divided by their sums."""
    if problem := why_no_table(b, definition, {}):
        raise QueryError(problem)
    if not isinstance(definition, Table) or definition.exact:
        return kernel(b, definition, model.dataset, True, {}).array
    array = objects((Fraction(x) for x in definition.entries), definition.shape)
    exact: Array = array / array.sum(axis=-1, keepdims=True)
    return exact
