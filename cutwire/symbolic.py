"""The symbolic semantics: answers are expressions of the parameters, and claims are proved for all their values.

>>> from cutwire.program import parse
>>> model = parse('''
... param p, q in [0, 1]
... var X, Y : {no, yes}
... box x : -> X = flip(p)
... box y : X -> Y = | no -> no | yes -> flip(q)
... ''').model
>>> print(model.symbolic("P(Y = yes)"))
p*q
0 <= p <= 1
0 <= q <= 1
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from cutwire.claims import Verdict
from cutwire.evaluate import compare_statement, in_axes_order, placed, value_lists
from cutwire.gaussian import no_number, require_definitions
from cutwire.meanings import Answered, Options
from cutwire.needs import definitions_for, needed
from cutwire.parameters import as_numbers, with_values
from cutwire.symbolic_boxes import FieldBoxes, field_boxes
from parser.program import CheckStatement, QueryStatement
from semantics.claim import asking, mean_along
from semantics.distribution import Array
from semantics.estimate import ModelJoints, Reader, axes_of
from semantics.evaluate import Grid, aligned, evaluate_in
from semantics.expectation import check_expectation
from semantics.expressions import ParameterValues
from semantics.formulae import Expressions, condition_text
from semantics.mixed import Gauss
from semantics.mixed_answer import answer_mixed
from semantics.mixed_estimate import ModelConditionals, estimate_mixed
from semantics.mixture import Linear
from semantics.polynomials import Polynomials, RationalFunctions, member, objects
from semantics.symbolic import Expr, Symbols
from semantics.symbolic_scalars import SymbolicScalars, grid_of, widened
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.formula import Ask, Compare, Formula, filled, parameters, questions
from strings.identification import Identified
from strings.query import Query
from strings.surgery import boxes_of

if TYPE_CHECKING:
    from cutwire.identification import Identification
    from cutwire.interpreted import Interpreted

_TRIED = 60  # values of the parameters at which a claim that is not proved is looked at
_WITHOUT_VALUE = ("Q002", "Q006", "Q014", "Q015")


def evaluate_symbolic(
    model: Interpreted, statement: QueryStatement, options: Options, values: ParameterValues | None = None
) -> Answered:
    """Answer a question with expressions; parameters that have one of `values` are that number, all others symbols.

    Raises:
        QueryError: Q012 for a table that only has a prior, Q013 for real wires, Q015 where a function has no value, and
            what its questions raise. ZeroProbabilityError: Q002 for a condition that is impossible for all parameters.
        LimitError: L003 for expressions that are too large.
    """
    if statement.data:
        message = "an estimate reads data, which are numbers: it is no formula of parameters"
        raise QueryError(Diagnostic("Q007", message, span=statement.span, help=("leave out --semantics symbolic",)))
    formulas = [statement.formula, *([statement.expect] if statement.expect is not None else [])]
    reading = _Reading.of(model, statement, formulas, values or {}, options.max_memory)
    answer = reading.expressions(statement)
    if statement.expect is None:
        return Answered(statement, "symbolic", answer)
    with placed(model, statement.span):
        sides = [reading.grid(f) for f in formulas]
        _, arrays, _ = aligned(sides)
    met = all(reading.vanishes(x) for x in np.asarray(arrays[0] - arrays[1]).flat)
    return Answered(statement, "symbolic", answer, str(statement.expect), met)


@dataclass(frozen=True)
class _Reading:
    """The boxes that some formulas need, in one field of rational functions."""

    model: Interpreted
    statement: QueryStatement | CheckStatement
    values: ParameterValues
    symbols: Symbols
    numbers: Polynomials
    asked: Callable[[Query], Grid]
    domains: tuple[Expr, ...]
    max_memory: int | None

    @staticmethod
    def of(
        model: Interpreted,
        statement: QueryStatement | CheckStatement,
        formulas: Sequence[Formula],
        values: ParameterValues,
        max_memory: int | None = None,
    ) -> _Reading:
        known = definitions_for(model, statement)
        asked = list(dict.fromkeys(q for f in formulas for q in questions(f)))
        depended = {q: needed(model, q) for q in asked}
        boxes = {n: b for own, _ in depended.values() for n, b in own.items()}
        is_real = any(x.space for _, objects in depended.values() for x in objects)
        if is_real:
            require_definitions(boxes, known)
        with placed(model, statement.span):
            boxes = {n: b for n, b in boxes.items() if n in known}
            found = field_boxes(model, boxes, known, values, [n for f in formulas for n in parameters(f)])
        symbols = found.symbols
        numbers = Polynomials(symbols.functions)
        if not is_real:
            ask = asking(model.shape, found.tables, numbers, RationalFunctions(numbers), max_memory=max_memory)
            return _Reading(model, statement, values, symbols, numbers, ask, found.domains, max_memory)
        gauss = found.gauss()
        grids = {q: _linear_grid(model, statement, gauss, q) for q in asked}
        symbols, numbers, tables = _widened(found, gauss, list(grids.values()))
        known_grids = dict(zip(grids, tables, strict=True))
        ask = known_grids.__getitem__
        return _Reading(model, statement, values, symbols, numbers, ask, found.domains, max_memory)

    def grid(self, formula: Formula) -> Grid:
        """The value of a formula in the field."""
        axes = value_lists(self.model, self.statement.axes)
        rational = RationalFunctions(self.numbers)
        try:
            return evaluate_in(rational, formula, self._ask, axes, self.max_memory, self._parameter)
        except CutwireError as e:
            raise e.at(formula.span) from None

    def _parameter(self, name: str) -> Array:
        if name in self.values:
            return objects([member(self.symbols.functions, self.values[name].value)], ())
        return objects([self.symbols.element(sympy.Symbol(name))], ())

    def _ask(self, query: Query) -> Grid:
        with placed(self.model, query.span or self.statement.span):
            return self.asked(query)

    def expressions(self, statement: QueryStatement) -> Expressions:
        """The answer to a question, written out."""
        found = self.grid(statement.formula)
        names = in_axes_order(statement, found.variables)
        return _written(self.model, self.symbols, self.numbers, found, names, self.domains, statement.unit)

    def vanishes(self, element: Any) -> bool:
        """Whether a member of the field is zero; where atoms depend on each other, sympy simplifies it."""
        if element == 0:
            return True
        if all(g.is_Symbol for g in self.symbols.generators):
            return False
        return bool(sympy.simplify(self.symbols.written(element)) == 0)

    def holds(self, op: str, left: Any, right: Any) -> bool:
        """Whether a relation is proved for all parameters within their intervals."""
        difference = right - left
        if op == "==":
            return self.vanishes(difference)
        if op == "!=":
            return self.holds("<", left, right) or self.holds("<", right, left)
        if op in (">", ">="):
            return self.holds(op.replace(">", "<"), right, left)
        if op == "<=" and difference == 0:
            return True
        if not self.symbols.is_nonnegative(difference.denom):
            return False
        if op == "<=":
            return self.symbols.is_nonnegative(difference.numer)
        seen = self.symbols.range(difference.numer)
        return seen is not None and seen[0] > 0


def _linear_grid(model: Interpreted, statement: QueryStatement | CheckStatement, gauss: Gauss, query: Query) -> Grid:
    """The answer of a linear model; what is no number is an answer only where it is all that is asked."""
    with placed(model, query.span or statement.span):
        found = answer_mixed(model.shape, gauss, query)
        is_function = isinstance(found, Linear) and found.only_mean
        free = isinstance(statement, QueryStatement) and statement.expect is None
        alone = free and isinstance(statement.formula, Ask)  # type: ignore[union-attr]
        if not isinstance(found, Grid) and not alone and not (is_function and free):
            raise no_number(query, found)
        return grid_of(found, model.parameters)


def _widened(boxes: FieldBoxes, gauss: Gauss, grids: Sequence[Grid]) -> tuple[Symbols, Polynomials, list[Grid]]:
    """Answers of linear models in a field that they lie in, with what was divided by and might vanish."""
    scalars = gauss.scalars
    assert isinstance(scalars, SymbolicScalars)
    wide, tables = widened(boxes.symbols, grids)
    divisors = [d for d, variance in scalars.arithmetic.divisors.items() if not (variance and boxes.noisy)]
    return wide, Polynomials(wide.functions, {d.set_ring(wide.functions.ring): None for d in divisors}), tables


def _written(
    model: Interpreted,
    symbols: Symbols,
    numbers: Polynomials,
    found: Grid,
    names: Sequence[str],
    domains: Sequence[Expr],
    unit: str = "",
) -> Expressions:
    """A table of the field written out, with its axes in the order of `names`."""
    at = [found.variables.index(n) for n in names]
    array = np.transpose(found.array, at)
    known: dict[Any, Expr] = {}
    for x in array.flat:
        if x not in known:
            known[x] = symbols.written(x)
    written = objects((known[x] for x in array.flat), array.shape)
    free = {s.name for e in known.values() for s in e.free_symbols}
    divided = [c for d in numbers.divisors for c in symbols.nonzero(d)]
    return Expressions(
        tuple(names),
        tuple(found.values[k] for k in at),
        written,
        (*(n for n in model.parameters if n in free), *sorted(free - set(model.parameters))),
        model.parameters,
        tuple(dict.fromkeys([*divided, *domains])),
        unit,
    )


def evaluate_linear_estimand(asked: Identification, found: Identified, model: Interpreted) -> Any:
    """The value of an estimand of a linear model in expressions.

    Raises:
        QueryError: as `field_boxes` and `estimate_mixed`; Q001 for a box without numbers.
    """
    known = {**model.definition.definitions, **asked.statement.tables}
    added = {n: b for n, b in boxes_of(None, found.query.surgeries).items() if n in known}
    own = boxes_of(model.shape)
    require_definitions(own, known)
    read = field_boxes(model, {**added, **own}, known)
    gauss = read.gauss()
    answer = grid_of(estimate_mixed(found, ModelConditionals(model.shape, gauss, found.given), gauss), model.parameters)
    symbols, numbers, (grid,) = _widened(read, gauss, [answer])
    return _written(model, symbols, numbers, grid, grid.variables, read.domains).value


def evaluate_estimand(asked: Identification, found: Identified, model: Interpreted, max_memory: int | None) -> Any:
    """The value of an estimand in expressions: its boxes are read off a model whose tables have parameters.

    Raises:
        QueryError: as `field_tables`; Q001 for a box without numbers. ZeroProbabilityError: Q002 if the answer depends
            on something that never occurs, whatever the parameters are.
    """
    query = found.query
    if query.expectation:
        check_expectation(found.estimand.model, query)
    own, added = boxes_of(model.shape), boxes_of(None, query.surgeries)
    put_in = {**asked.model.definition.definitions, **asked.statement.tables}
    known = {**{n: d for n, d in put_in.items() if n in added}, **model.definition.definitions}
    read = field_boxes(model, {n: b for n, b in {**added, **own}.items() if n in known}, known)
    numbers = Polynomials(read.symbols.functions)
    joints = ModelJoints(model.shape, read.tables, numbers, found.given, max_memory=max_memory)
    policies = {n: read.tables[n] for n in added if n in read.tables}
    names, array = Reader(joints, numbers, max_memory=max_memory).answer(found, policies)
    types = axes_of(found.asked) | axes_of(query)
    shape = found.estimand.model
    grid = Grid(tuple(names), array, tuple(shape.object(types.get(n, n)).values or () for n in names))
    if query.expectation:
        grid = mean_along(grid, query.targets[0].axis_name, RationalFunctions(numbers))
    order = [n for n in types if n in grid.variables]
    return _written(model, read.symbols, numbers, grid, order, read.domains).value


# ---- claims ----------------------------------------------------------------------------------------------------------


def check_parameters(
    model: Interpreted, statement: CheckStatement, claim: Compare, max_memory: int | None = None, *, every: bool = False
) -> Verdict:
    """A comparison for all values of the parameters: those without a value, or every one.

    It is proved if both sides are the same function, or if an order is seen at the ends of the intervals. Else values
    of the parameters are looked for at which it falls, in numbers.

    Raises:
        QueryError: what the questions of the claim raise.
    """
    values = {} if every else model.parameter_values
    whole = [claim, *statement.assuming]
    formulas = [f for c in whole for f in c.operands]
    reading = _Reading.of(model, statement, formulas, values, max_memory)
    with placed(model, statement.span):
        _, arrays, _ = aligned([reading.grid(f) for f in claim.operands])
    proved = all(
        reading.holds(op, one, other)
        for op, left, right in zip(claim.ops, arrays, arrays[1:], strict=False)
        for one, other in zip(*(a.flat for a in np.broadcast_arrays(left, right)), strict=True)
    )
    named = {s.name for g in reading.symbols.generators for s in g.free_symbols}
    names = [n for n in model.parameters if n in named]
    if proved:
        told = f" for all values of {', '.join(names)}" if names else ""
        divided = dict.fromkeys(c for d in reading.numbers.divisors for c in reading.symbols.nonzero(d))
        where = f", where {' and '.join(map(condition_text, divided))}" if divided else ""
        return Verdict(statement, True, f"proved{told}{where}", details={"parameters": names})
    tried = 0
    error: CutwireError | None = None
    for point in _points(names, model, statement.seed):
        try:
            failure = _falls(model, statement, whole, point, max_memory)
        except CutwireError as e:
            if e.diagnostic.code not in _WITHOUT_VALUE:
                raise
            error = e
            continue
        tried += failure is not None
        if failure:
            where = ", ".join(f"{n} = {v}" for n, v in point.items())
            at = _at(model, point)
            return Verdict(statement, False, "", f"{where}: {failure}", at, details={"parameters": point})
    if not tried and error is not None:
        raise error
    evidence = f"not refuted at {tried} values of {', '.join(names)}; nothing is proved"
    return Verdict(statement, True, evidence, details={"parameters": names})


def _falls(
    model: Interpreted,
    statement: CheckStatement,
    claims: Sequence[Compare],
    point: Mapping[str, Fraction],
    max_memory: int | None,
) -> str | None:
    """How a claim falls at some values of the parameters, empty if it does not; `None` if it is not assumed to hold."""
    at = _at(model, point)
    numbers = as_numbers(at.parameters)
    claim, *assuming = (replace(c, operands=tuple(filled(f, numbers) for f in c.operands)) for c in claims)
    plain = replace(statement, mode="" if statement.mode == "symbolic" else statement.mode)
    if not all(compare_statement(at, plain, a, max_memory=max_memory).holds for a in assuming):
        return None
    return compare_statement(at, plain, claim, max_memory=max_memory).describe()


def _at(model: Interpreted, point: Mapping[str, Fraction]) -> Interpreted:
    return replace(model, definition=with_values(model.definition, point))


def _points(names: Sequence[str], model: Interpreted, seed: int) -> Iterator[dict[str, Fraction]]:
    """Values of the parameters, simple ones first: inside of their intervals, now and then at an end."""
    rnd = random.Random(seed)
    for k in range(_TRIED):
        point = {}
        for n in names:
            low, high = model.parameters[n].low, model.parameters[n].high
            if low is None:
                low = (high if high is not None else Fraction(2)) - 4
            high = high if high is not None else low + 4
            parts = rnd.randint(2, 3 + k // 6)
            step = rnd.randint(0, parts) if k % 3 == 2 else rnd.randint(1, parts - 1)
            point[n] = low + (high - low) * Fraction(step, parts)
        yield point
