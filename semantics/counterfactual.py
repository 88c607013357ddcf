"""The value of a counterfactual by the formula that identifies it, and the habit of checking it.

A formula is right if it gives, on every functional model of the shape, what the multiverse gives. This is tried on
random functional models over finite fields, in which equality has no tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from semantics.answer import answer, answer_array
from semantics.dataset import Dataset
from semantics.distribution import Array, Distribution
from semantics.estimate import Estimate, Joints, axes_of, estimate
from semantics.evaluate import Grid, Numbers, Plain, Values, evaluate_in
from semantics.expectation import check_expectation, mean
from semantics.field import PRIMES, Field, FieldNumbers
from semantics.kernel import Tables, size
from semantics.noise import functional, random_functions
from semantics.selfcheck import estimand_error
from strings.counterfactual_identify import Case, CounterfactualIdentified
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query

_DRAWS = 3
_MOST_REDRAWS = 20
_NOISE = 4
_LARGEST_CHECK = 2_000_000


def value(
    found: CounterfactualIdentified,
    values: Values,
    numbers: Numbers,
    ask: Callable[[Query], Grid],
    family: Mapping[str, tuple[str, ...]] | None = None,
) -> Grid:
    """The value of a counterfactual: an axis for each free value of the question. `ask` answers what experiments show.

    If the answers are those of a family of models, its axis comes first; `values` has the values of variables.

    Raises:
        ZeroProbabilityError: Q002 if what is seen has probability zero, and what `ask` raises.
    """
    types = axes_of(found.asked)
    axes = tuple(types)
    labels = tuple(values(types[n]) for n in axes)
    every = {**(family or {}), **dict(zip(axes, labels, strict=True))}
    tables = [_case(found, c, values, numbers, ask, every) for c in found.cases]
    whole = tables[0]
    if len(tables) > 1:
        whole = np.array(whole)
        for at in np.ndindex(whole.shape[len(every) - len(axes) :]):
            here = dict(zip(axes, (v[i] for v, i in zip(labels, at, strict=True)), strict=True))
            fits = [k for k, c in enumerate(found.cases) if _holds(c, here)]
            whole[..., *at] = tables[max(fits, key=lambda k: _equalities(found.cases[k]))][..., *at]
    return Grid(tuple(every), whole, tuple(every.values()))


def estimate_worlds(
    found: CounterfactualIdentified,
    model: CausalModel,
    data: Joints | Sequence[Dataset],
    *,
    exact: bool = False,
    max_memory: int | None = None,
) -> Estimate:
    """The answer to a question about several worlds by its formula, from what is given, as `semantics.estimate`.

    Raises:
        QueryError: E006, Q004 and Q005 as `semantics.estimate.estimate`.
        ZeroProbabilityError: Q002 if the answer depends on something that never occurs in the data.
    """
    if found.asked.expectation:
        check_expectation(model, found.asked)

    def ask(query: Query) -> Grid:
        d = estimate(found.parts[query], data, exact=exact, max_memory=max_memory).distribution
        return Grid(d.variables, d.array, d.values)

    return Estimate(_distribution(found, value(found, values_of(model), Plain(), ask)), found)


def answer_worlds(
    found: CounterfactualIdentified,
    model: CausalModel,
    tables: Tables,
    *,
    exact: bool = False,
    max_memory: int | None = None,
) -> Distribution:
    """The same by experiments on a model with numbers, whose boxes need be no functions."""

    def ask(query: Query) -> Grid:
        d = answer(model, tables, query, exact=exact, max_memory=max_memory)
        return Grid(d.variables, d.array, d.values)

    return _distribution(found, value(found, values_of(model), Plain(), ask))


def _distribution(found: CounterfactualIdentified, grid: Grid) -> Distribution:
    whole = Distribution(grid.variables, grid.array, grid.values)
    return mean(whole, found.asked.targets[0].axis_name) if found.asked.expectation else whole


def values_of(model: CausalModel) -> Values:
    """The values of each variable of a model."""
    return lambda name: model.object(name).values or ()


def _holds(case: Case, here: Mapping[str, str]) -> bool:
    return all(here[n] == (v.name if v.kind == "known" else here[v.name]) for n, v in case.equal.items())


def _equalities(case: Case) -> int:
    return sum(v.name != n for n, v in case.equal.items())


def _case(
    found: CounterfactualIdentified,
    case: Case,
    values: Values,
    numbers: Numbers,
    ask: Callable[[Query], Grid],
    axes: Mapping[str, tuple[str, ...]],
) -> Array:
    """The values of one case over all axes; where the case does not hold they mean nothing."""
    try:
        grid = evaluate_in(numbers, case.experiments, ask, values)
    except QueryError as e:
        if e.diagnostic.code != "Q006":
            raise
        given = ", ".join(map(str, found.asked.given))
        raise ZeroProbabilityError(e.diagnostic.__class__("Q002", f"`{given}` has probability zero")) from None
    names = [found.axes.get(n, n) for n in grid.variables]
    order = [names.index(n) for n in axes if n in names]
    shape = [len(v) if n in names else 1 for n, v in axes.items()]
    array = np.transpose(grid.array, order).reshape(shape)
    return np.broadcast_to(array, [len(v) for v in axes.values()])


def counterfactual_error(model: CausalModel, found: CounterfactualIdentified, seed: int = 0) -> str:
    """What is wrong with the formula of a counterfactual; empty if nothing is.

    The formula over what experiments show must give what the multiverse gives, on random functional models of the
    shape; what an experiment shows must follow from what is given (`semantics.selfcheck`).
    """
    for part in found.parts.values():
        wrong = estimand_error(model, part)
        if wrong:
            return f"of `{part.asked}`, {wrong}"
    shape = functional(model, _NOISE)
    for k in range(_DRAWS):
        if not agrees(shape, found, Field(PRIMES[k % 2]), np.random.default_rng([seed, k])):
            return "it differs from the multiverse of a random functional model"
    return ""


def checkable(model: CausalModel) -> bool:
    """Whether random functional models of a shape are small enough to try."""
    cells = 0
    for n in model.names:
        width = _NOISE * size(model.object(n))
        for p in model.parents(n):
            width *= size(model.object(p))
        cells += width
    return cells <= _LARGEST_CHECK


def agrees(shape: CausalModel, found: CounterfactualIdentified, field: Field, rng: np.random.Generator) -> bool:
    """Whether formula and multiverse are equal on a random model of a functional shape."""
    for _ in range(_MOST_REDRAWS):
        tables = random_functions(shape, field.p, rng)
        try:
            known, array = answer_array(shape, tables, found.asked, field)
        except ZeroProbabilityError:  # a condition that has no probability in this model
            continue
        try:
            grid = value(found, values_of(shape), FieldNumbers(field), asking(shape, tables, field))
        except ZeroProbabilityError:
            continue
        order = [grid.variables.index(n) for n, _ in known]
        return bool(np.array_equal(np.transpose(grid.array, order), array))
    return True


def asking(shape: CausalModel, tables: Tables, field: Field) -> Callable[[Query], Grid]:
    """What answers questions about experiments on a model over a field."""

    def ask(query: Query) -> Grid:
        axes, array = answer_array(shape, tables, query, field)
        return Grid(tuple(n for n, _ in axes), array, tuple(x.values or () for _, x in axes))

    return ask
