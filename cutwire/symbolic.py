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
from cutwire.meanings import Answered, Options
from cutwire.needs import definitions_for, needed
from cutwire.parameters import as_numbers, with_values
from cutwire.tables import kernel, why_no_table
from parser.program import CheckStatement, Definition, Formulas, QueryStatement, Table
from semantics import kernel as kernels
from semantics.claim import asking, mean_along
from semantics.distribution import Array
from semantics.estimate import ModelJoints, Reader, axes_of
from semantics.evaluate import Grid, aligned, evaluate_in
from semantics.expectation import check_expectation
from semantics.expressions import ParameterValues, refuse_real
from semantics.formulae import Expressions, condition_text
from semantics.kernel import size
from semantics.polynomials import Polynomials, RationalFunctions, member, objects
from semantics.symbolic import Expr, Symbols, SympyAlgebra, is_certain, row
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.formula import Compare, Formula, filled, parameters, questions
from strings.identification import Identified
from strings.query import Query
from strings.signature import Box
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
class FieldTables:
    """Tables of members of one field of rational functions, and the conditions under which they are probabilities."""

    symbols: Symbols
    tables: Mapping[str, kernels.Table]
    domains: tuple[Expr, ...]


def field_tables(
    model: Interpreted,
    boxes: Mapping[str, Box],
    known: Mapping[str, Definition],
    values: ParameterValues | None = None,
    spoken: Sequence[str] = (),
) -> FieldTables:
    """The tables of some boxes; parameters that have one of `values` are that number, all others are symbols. The field
    has those of `spoken`, too.

    Raises:
        QueryError: Q012 for a table that only has a prior, Q013 for real wires, Q014 for what is no probability,
            whatever the parameters are, Q015 where a function has no value.
    """
    algebra = SympyAlgebra()

    def parameter(name: str) -> Expr:
        return algebra.constant(values[name]) if values and name in values else sympy.Symbol(name)

    rows: dict[str, list[Expr]] = {}
    fixed: dict[str, Array] = {}
    for name, b in boxes.items():
        definition = known[name]
        if isinstance(definition, Formulas):
            refuse_real(b)
            rows[name] = [e for body in definition.bodies for e in row(body, algebra, parameter)]
        else:
            fixed[name] = _exact(b, definition, model)
    symbols = Symbols.of([*(e for r in rows.values() for e in r), *map(parameter, spoken)], model.parameters)
    made = {e: symbols.element(e) for r in rows.values() for e in dict.fromkeys(r)}
    tables = {n: kernels.Table(b.dom, b.cod, fixed[n]) for n, b in boxes.items() if n in fixed}
    for name, entries in rows.items():
        b = boxes[name]
        array = objects((made[e] for e in entries), [size(x) for x in (*b.dom, *b.cod)])
        tables[name] = kernels.Table(b.dom, b.cod, array)
    domains = dict.fromkeys(c for c in algebra.domains if not is_certain(c, model.parameters))
    for x in dict.fromkeys(made.values()):
        domains.update(dict.fromkeys([*symbols.nonzero(x.denom), *symbols.nonnegative(x)]))
    never = [c for c in domains if is_certain(sympy.Not(c), model.parameters)]
    if never:
        message = "the numbers of a box are no probabilities, whatever the parameters are"
        note = f"`{condition_text(never[0])}` never holds while the parameters lie within their intervals"
        raise QueryError(Diagnostic("Q014", message, notes=(note,)))
    return FieldTables(symbols, tables, tuple(domains))


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
        boxes = {n: b for f in formulas for q in questions(f) for n, b in needed(model, q)[0].items() if n in known}
        with placed(model, statement.span):
            found = field_tables(model, boxes, known, values, [n for f in formulas for n in parameters(f)])
            domains = found.domains
        symbols, tables = found.symbols, found.tables
        numbers = Polynomials(symbols.functions)
        ask = asking(model.shape, tables, numbers, RationalFunctions(numbers), max_memory=max_memory)
        return _Reading(model, statement, values, symbols, numbers, ask, domains, max_memory)

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
        tuple(n for n in model.parameters if n in free),
        model.parameters,
        tuple(dict.fromkeys([*divided, *domains])),
        unit,
    )


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
    read = field_tables(model, {n: b for n, b in {**added, **own}.items() if n in known}, known)
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


def _exact(b: Box, definition: Definition, model: Interpreted) -> Array:
    """A table without parameters, in fractions; rows of floating-point numbers are divided by their sums."""
    if problem := why_no_table(b, definition, {}):
        raise QueryError(problem)
    if not isinstance(definition, Table) or definition.exact:
        return kernel(b, definition, model.dataset, True, {}).array
    array = objects((Fraction(x) for x in definition.entries), definition.shape)
    exact: Array = array / array.sum(axis=-1, keepdims=True)
    return exact


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
