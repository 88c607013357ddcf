"""Claims about all models of a shape: what they say, and how they fall in one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from semantics.answer import answer, answer_array
from semantics.arithmetic import Arithmetic
from semantics.compare import Comparison, compare
from semantics.distribution import Distribution
from semantics.evaluate import Grid, Numbers, Values
from semantics.expectation import as_number, check_expectation
from semantics.family import posed
from semantics.kernel import Kernel, Tables
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.formula import Compare, questions
from strings.model import CausalModel
from strings.query import Query
from strings.signature import Box, Object
from strings.surgery import Surgery, boxes_of

WITHOUT_VALUE = ("Q002", "Q006")
"""The codes of a condition of probability zero and of a division by zero."""

_LATENT_VALUES = (2, 3, 4)


@dataclass(frozen=True)
class Counterexample:
    """A model of the shape in which a claim falls, in exact numbers, and how it falls there."""

    shape: CausalModel
    tables: Mapping[str, Kernel]
    comparison: Comparison


@dataclass(frozen=True)
class Claim:
    """A comparison with what it needs: `axes` says over which variable each bound name ranges, `assuming` what is to
    be true of a model, and `policies` are the numbers of the boxes that surgeries put in; of those that have none, all
    numbers are meant."""

    body: Compare
    axes: Mapping[str, str] = field(default_factory=dict)
    assuming: tuple[Compare, ...] = ()
    policies: Mapping[str, Kernel] = field(default_factory=dict)

    def values(self, shape: CausalModel) -> Values:
        """The values of a variable or a bound name."""
        return lambda name: shape.object(self.axes.get(name, name)).values or ()

    def boxes(self, shape: CausalModel) -> dict[str, Box]:
        """The boxes that the claim is about whatever their numbers are: the model's, and policies without numbers."""
        own = boxes_of(shape)
        every = boxes_of(shape, self._surgeries)
        return {name: b for name, b in every.items() if name in own or name not in self.policies}

    def shapes(self, shape: CausalModel) -> list[CausalModel]:
        """The shape with values where it has none, then with hidden causes of other sizes; but what a policy reads has
        the values that are declared."""
        read = {x.name for b in boxes_of(None, self._surgeries).values() for x in b.dom}
        bare = {x.name: ("0", "1") for x in shape.variables if x.values is None}
        base = shape.with_values(bare) if bare else shape
        hidden = [u for u in base.names if u in base.latents - read]
        found = [base]
        for n in _LATENT_VALUES if hidden else ():
            if any(len(base.object(u).values or ()) != n for u in hidden):
                found.append(base.with_values({u: tuple(map(str, range(n))) for u in hidden}))
        return found

    @property
    def _surgeries(self) -> list[Surgery]:
        return [s for c in (self.body, *self.assuming) for f in c.operands for q in questions(f) for s in q.operations]


def falls(shape: CausalModel, claim: Claim, tables: Tables) -> Comparison | None:
    """How a claim falls in a model; nothing if it holds, is not assumed to, or has no value there."""
    known: dict[Query, Distribution] = {}

    def ask(query: Query) -> Distribution:
        if query not in known:
            known[query] = answer(shape, {**claim.policies, **tables}, query, exact=True)
        return known[query]

    try:
        if not all(compare(a, ask, claim.values(shape)).holds for a in claim.assuming):
            return None
        found = compare(claim.body, ask, claim.values(shape))
    except (ZeroProbabilityError, QueryError) as e:
        if e.diagnostic.code not in WITHOUT_VALUE:
            raise
        return None
    return None if found.holds else found


def asking(
    model: CausalModel,
    tables: Tables,
    arithmetic: Arithmetic,
    numbers: Numbers,
    wire: Object | None = None,
    max_memory: int | None = None,
) -> Callable[[Query], Grid]:
    """Answers each question of a formula once, in any kind of numbers; for a family whose members `wire` numbers.
    `max_memory` bounds the bytes of tables."""
    known: dict[Query, Grid] = {}

    def ask(query: Query) -> Grid:
        if query not in known:
            if query.expectation:
                check_expectation(model, query)
            asked = posed(query, wire, tables) if wire else query
            axes, array = answer_array(model, tables, asked, arithmetic, max_memory=max_memory)
            found = Grid(tuple(n for n, _ in axes), array, tuple(x.values or () for _, x in axes))
            known[query] = mean_along(found, query.targets[0].axis_name, numbers) if query.expectation else found
        return known[query]

    return ask


def mean_along(grid: Grid, axis: str, numbers: Numbers) -> Grid:
    """The expectation along one axis, whose values spell numbers."""
    at = grid.variables.index(axis)
    weights = np.stack([numbers.constant(as_number(v) or Fraction(0), True) for v in grid.values[at]])
    weighed = numbers.combine("*", np.moveaxis(grid.array, at, -1), weights)[..., None]
    kept = [k for k in range(len(grid.variables)) if k != at]
    array = numbers.total(weighed, (weighed.ndim - 2,))[..., 0]
    return Grid(tuple(grid.variables[k] for k in kept), array, tuple(grid.values[k] for k in kept))
