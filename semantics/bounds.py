"""Bounds of a counterfactual that tables do not settle, over all functional models with these tables.

A question is a quotient of two functions that are linear in the law of the response variable of each box
(`semantics.response`). With one such box the extreme laws are found by linear programming, exactly (Balke and Pearl
1994, 1997). With several the laws are independent, which is not linear: a relaxation, in which all products of one
margin and one function of the others have the right probability (the reformulation-linearisation of Sherali and Adams
1990), bounds the answer from outside, and improving one law after the other from several starts bounds it from inside.
Where both agree the bounds are sharp. They do if the laws of all boxes but one form simplices (Namioka and Phelps
1969), as those of a two-valued box do that is met with two inputs.
With too many combinations for this relaxation, some boxes choose their laws for each (`semantics.relaxation`). Where
the two do not agree, a search may bring them together (`semantics.branching`).

>>> from semantics.kernel import Kernel
>>> from strings.query import Term
>>> from strings.surgery import Do
>>> model = CausalModel.from_edges([("X", "Y")], domains=2)
>>> X, Y = model.variables
>>> half = Fraction(1, 2)
>>> rows = [[Fraction(3, 4), Fraction(1, 4)], [half, half]]
>>> tables = {"x": Kernel((), (X,), [half, half]), "y": Kernel((X,), (Y,), rows)}
>>> needed = Query((Term("Y", ("0",), world=(Do("X", "0"),)),), (Term("X", ("1",)), Term("Y", ("1",))))
>>> found = bounds(model, tables, needed, exact=True)
>>> print(found.low, "to", found.high)
0.5 = 1/2 to 1 = 1
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from semantics.answer import zero_probability
from semantics.branching import search
from semantics.distribution import Array, Distribution
from semantics.expectation import as_number, check_expectation
from semantics.families import Family, evened, merge
from semantics.kernel import Tables, size
from semantics.optimum import Optimum, Polytope, largest_quotient, vertex
from semantics.relaxation import Lifted, Part, chosen, vertices
from semantics.response import Coefficients, coefficients, too_many_combinations, too_many_equations
from strings.model import CausalModel
from strings.query import Query

AGREE = 1e-9
"""Bounds from outside and from inside that are no further apart are the same."""

MOST_LIFTED = 10_000
"""So many combinations of functions go into a relaxation that has a number for each."""

MOST_EQUATIONS = 200
"""Linear programs in fractions may have so many."""

_STARTS = 12

Laws = tuple[tuple[Any, ...], ...]
"""A law for each family of response functions."""


@dataclass(frozen=True)
class End:
    """One end of an interval: no model is beyond `bound`, and with `laws` a model has the answer `attained`."""

    bound: Any
    attained: Any
    laws: Laws

    @property
    def sharp(self) -> bool:
        return bool(abs(self.bound - self.attained) <= AGREE)


@dataclass(frozen=True)
class Bounds:
    """Between what numbers the answer is, along the `axes` of the question.

    `ends` has the lower and the upper end for each place along the axes, in order.
    """

    axes: tuple[tuple[str, tuple[str, ...]], ...]
    ends: tuple[tuple[End, End], ...]
    found: Coefficients

    @property
    def low(self) -> Distribution:
        """No model with these tables has less."""
        return self._table(lambda low, high: low.bound)

    @property
    def high(self) -> Distribution:
        """No model with these tables has more."""
        return self._table(lambda low, high: high.bound)

    @property
    def attained(self) -> tuple[Distribution, Distribution]:
        """The least and the most that models were found for; with `sharp` bounds, these."""
        return self._table(lambda low, high: low.attained), self._table(lambda low, high: high.attained)

    @property
    def sharp(self) -> bool:
        """Whether models attain all bounds."""
        return all(e.sharp for pair in self.ends for e in pair)

    @cached_property
    def settled(self) -> bool:
        """Whether the tables leave one answer only."""
        return all(high.bound - low.bound <= (0 if _exact(low.bound, high.bound) else AGREE) for low, high in self.ends)

    def _table(self, number: Callable[[End, End], Any]) -> Distribution:
        shape = [len(values) for _, values in self.axes]
        array = np.empty(len(self.ends), dtype=object)
        array[:] = [number(*pair) for pair in self.ends]
        return Distribution([n for n, _ in self.axes], array.reshape(shape), [v for _, v in self.axes])


def bounds(
    model: CausalModel, tables: Tables, query: Query, *, exact: bool = False, max_memory: int | None = None
) -> Bounds:
    """The bounds of the answer to a question about several worlds.

    Models in which what is seen has probability zero have no answer and are left out.

    Raises:
        ZeroProbabilityError: Q002 if what is seen has probability zero in all models with these tables.
        LimitError: L003 if a box, or several together, may be too many functions.
        QueryError: as `semantics.response.coefficients`, and Q004 as `semantics.answer.answer`.
    """
    if query.expectation:
        check_expectation(model, query)
    found = coefficients(model, tables, query, exact=exact, max_memory=max_memory)
    axes, above, below = found.question.axes, found.above, found.below
    if query.expectation:
        at = [n for n, _ in axes].index(query.targets[0].axis_name)
        numbers = [as_number(v) or Fraction(0) for v in axes[at][1].values or ()]
        weights = np.array(numbers, dtype=object if exact else float)
        above, below = np.tensordot(above, weights, axes=(at, 0)), np.take(below, 0, at)
        axes = (*axes[:at], *axes[at + 1 :])
    program = _Program(found.families, exact)
    ends = []
    for cell in np.ndindex(*(size(x) for _, x in axes)):
        there = tuple(0 if n == 1 else k for k, n in zip(cell, below.shape, strict=False))
        pair = program.ends(np.asarray(above[cell]), np.asarray(below[there]))
        if pair is None:
            raise zero_probability(found.question, _place(found, query, cell))
        ends.append(pair)
    return Bounds(tuple((n, x.values or ()) for n, x in axes), tuple(ends), found)


def _place(found: Coefficients, query: Query, cell: Sequence[int]) -> list[int]:
    """The place along all axes of the question, that of an expectation too."""
    if not query.expectation:
        return list(cell)
    at = [n for n, _ in found.question.axes].index(query.targets[0].axis_name)
    return [*cell[:at], 0, *cell[at:]]


def _exact(*numbers: Any) -> bool:
    return all(isinstance(x, Fraction) for x in numbers)


@dataclass(frozen=True)
class _Program:
    """The laws that some boxes may have, and how to find extreme ones."""

    families: tuple[Family, ...]
    exact: bool

    @cached_property
    def polytopes(self) -> tuple[Polytope, ...]:
        return tuple(Polytope(*f.margins()) for f in self.families)

    @cached_property
    def lifted(self) -> Lifted:
        return Lifted(self.polytopes)

    def ends(self, above: Array, below: Array) -> tuple[End, End] | None:
        """Both ends at one place; nothing if what is seen has probability zero in every model."""
        for j, f in enumerate(self.families):
            above, below = evened(f, j, above), evened(f, j, below)
        merged = tuple(merge(f, j, above, below) for j, f in enumerate(self.families))
        if any(m.fewer for m in merged):
            for j, m in enumerate(merged):
                above, below = above.take(m.kept, axis=j), below.take(m.kept, axis=j)
            pair = _Program(tuple(m.family for m in merged), self.exact)._settling(above, below)
        else:
            pair = self._settling(above, below)
        if pair is None:
            return None
        low, high = (replace(e, laws=tuple(m.expanded(q) for m, q in zip(merged, e.laws, strict=True))) for e in pair)
        return low, high

    def _settling(self, above: Array, below: Array) -> tuple[End, End] | None:
        """The same, once boxes that have one law only have it."""
        laws = [f.only_law() if f.settled else None for f in self.families]
        for j, law in reversed(list(enumerate(laws))):
            if law is not None:
                above, below = (np.asarray(np.tensordot(table, law, axes=(j, 0))) for table in (above, below))
        open_ = tuple(f for f in self.families if not f.settled)
        pair = (self if len(open_) == len(laws) else _Program(open_, self.exact))._both(above, below)
        if pair is None:
            return None

        def whole(end: End) -> End:
            found = iter(end.laws)
            return replace(end, laws=tuple(tuple(q) if q is not None else next(found) for q in laws))

        return whole(pair[0]), whole(pair[1])

    def _both(self, above: Array, below: Array) -> tuple[End, End] | None:
        if not self.families:
            if not below[()]:
                return None
            only = End(above[()] / below[()], above[()] / below[()], ())
            return only, only
        low, high = (self.end(above, below, sign) for sign in (-1, 1))
        return None if low is None or high is None else (low, high)

    def end(self, above: Array, below: Array, sign: int) -> End | None:
        for f, p in zip(self.families, self.polytopes, strict=True):
            if self.exact and len(p.rows) > MOST_EQUATIONS:
                raise too_many_equations(f, len(p.rows), MOST_EQUATIONS)
        if len(self.families) == 1:
            found = largest_quotient(self.polytopes[0], list(above), list(below), sign, self.exact)
            return None if found is None else End(found.value, found.value, (found.point,))
        top = max(below.flat)
        if not top:
            return None
        above, below = above / top, below / top
        outer: Any
        free: tuple[int, ...] = ()
        if above.size <= MOST_LIFTED:
            outer, guess = self.outside(above, below, sign)
            if guess is None:
                return None
            value, laws = self.inside(above, below, sign, outer, guess)
        else:
            value, laws = self.inside(above, below, sign)
            outer, free = self.far_outside(above, below, sign, value)
        for boxes in dict.fromkeys((free, self.all_but_one)):
            if boxes and sign * (outer - value) > AGREE:
                outer, value, laws = self.searched(boxes, above, below, sign, outer, value, laws)
        if abs(value - outer) <= AGREE or sign * (value - outer) > 0:
            return End(value, value, laws)
        return End(outer, value, laws)

    # ---- from outside ------------------------------------------------------------------------------------------------

    def outside(self, above: Array, below: Array, sign: int) -> tuple[float, list[Array] | None]:
        """A number that no model is beyond, and the laws that the relaxation comes to."""
        bound, product = self.lifted.bound(above, below, sign)
        if product is None:
            return bound, None
        laws = []
        for j, f in enumerate(self.families):
            law = product.sum(axis=tuple(k for k in range(above.ndim) if k != j))
            laws.append(law / law[: len(f.groups[0].functions)].sum())
        return bound, laws

    def far_outside(self, above: Array, below: Array, sign: int, attained: float) -> tuple[float, tuple[int, ...]]:
        """The same for so many combinations that some boxes have to choose their laws for each: the best choice of as
        few boxes as possible, and these.

        Raises:
            LimitError: L003 if there is none.
        """
        sizes = [f.size for f in self.families]
        small = list(self.corners)
        for count in range(1, len(sizes)):
            found = []
            for free in sorted(itertools.combinations(small, count), key=lambda js: -math.prod(sizes[j] for j in js)):
                others = [j for j in range(len(sizes)) if j not in free]
                if math.prod(sizes[j] for j in others) <= MOST_LIFTED:
                    rest = Lifted(tuple(self.polytopes[j] for j in others))
                    corners = {j: self.corners[j] for j in free}
                    choice = chosen(corners, rest, above, below, sign, float(attained))
                    found.append((sign * choice.value, free))
                    if sign * (choice.value - attained) <= AGREE:
                        return choice.value, free
            if found and min(found)[0] < math.inf:
                best, free = min(found)
                return sign * best, free
        raise too_many_combinations(self.families, MOST_LIFTED)

    @cached_property
    def corners(self) -> dict[int, list[Part]]:
        """The extreme laws of each part of the functions, for those boxes that have not too many."""
        found = {}
        for j, p in enumerate(self.polytopes):
            with suppress(ValueError):
                found[j] = [Part(np.array(part), vertices(p.of(part))) for part in self.families[j].parts]
        return found

    @cached_property
    def all_but_one(self) -> tuple[int, ...]:
        """All boxes but the one with the most functions, if they have few extreme laws."""
        sizes = [f.size for f in self.families]
        last = max(range(len(sizes)), key=lambda j: (j not in self.corners, sizes[j]))
        found = tuple(j for j in range(len(sizes)) if j != last)
        return found if all(j in self.corners for j in found) else ()

    def searched(
        self, boxes: tuple[int, ...], above: Array, below: Array, sign: int, outer: float, value: Any, laws: Laws
    ) -> tuple[float, Any, Laws]:
        """The bound, the best that was found, and laws that attain it, after a search through the extreme laws of some
        boxes."""
        corners = {j: self.corners[j] for j in boxes}
        others = Lifted(tuple(p for j, p in enumerate(self.polytopes) if j not in corners))
        floats = above.astype(float), below.astype(float)
        best = float(value), [np.array(q, dtype=float) for q in laws]

        def improve(start: list[Array]) -> float:
            nonlocal best
            found = self.climb(*floats, sign, start, exact=False)
            if found is not None and sign * (found[0] - best[0]) > 0:
                best = found
            return float(best[0])

        known = float(outer), float(value)
        bound = search(corners, others, *floats, sign, known, improve, AGREE / 10)
        if sign * (best[0] - value) > AGREE / 100:
            value, laws = self.finished(above, below, sign, best)
        return bound, value, laws

    # ---- from inside -------------------------------------------------------------------------------------------------

    def inside(
        self, above: Array, below: Array, sign: int, outer: float = math.nan, guess: list[Array] | None = None
    ) -> tuple[Any, Laws]:
        """The best that was found, by improving one law after the other, and laws that attain it."""
        best: tuple[Any, list[Any]] | None = None
        floats = above.astype(float), below.astype(float)
        for laws in self.starts(guess):
            found = self.climb(*floats, sign, laws, exact=False)
            if found is not None and (best is None or sign * (found[0] - best[0]) > 0):
                best = found
            if best is not None and abs(best[0] - outer) <= AGREE:
                break
        assert best is not None, "what is seen has positive probability where all functions have"
        return self.finished(above, below, sign, best)

    def finished(self, above: Array, below: Array, sign: int, best: tuple[Any, list[Any]]) -> tuple[Any, Laws]:
        """What was found, in fractions if it is to be exact."""
        if self.exact:
            at = [vertex(p, [int(x <= AGREE) for x in q]) for p, q in zip(self.polytopes, best[1], strict=True)]
            best = self.climb(above, below, sign, at, exact=True) or best
        return best[0], tuple(tuple(q) for q in best[1])

    def starts(self, guess: list[Array] | None) -> Iterator[list[Array]]:
        """Laws to start from: those of the relaxation, independent draws, and random vertices."""
        if guess is not None:
            yield guess
        yield [f.only_law().astype(float) for f in self.families]
        rnd = random.Random(0)
        for _ in range(_STARTS):
            costs = [[rnd.gauss(0, 1) for _ in range(f.size)] for f in self.families]
            yield [np.array(vertex(p, c, exact=False)) for p, c in zip(self.polytopes, costs, strict=True)]

    def climb(
        self, above: Array, below: Array, sign: int, laws: Sequence[Any], exact: bool
    ) -> tuple[Any, list[Any]] | None:
        """Improve one law after the other until that is no use; nothing if what is seen has probability zero."""
        at = list(laws)
        value: Any = None
        while True:
            before = value
            for j, p in enumerate(self.polytopes):
                one, other = (_without(table, at, j) for table in (above, below))
                found: Optimum | None = largest_quotient(p, list(one), list(other), sign, exact)
                if found is None:
                    return None
                value, at[j] = found.value, np.array(found.point, dtype=object if exact else float)
            if before is not None and sign * (value - before) <= (0 if exact else AGREE / 100):
                return value, at


def _without(table: Array, laws: Sequence[Any], j: int) -> Array:
    """A table contracted with all laws but one."""
    for k in reversed(range(len(laws))):
        if k != j:
            table = np.tensordot(table, np.asarray(laws[k]), axes=(k, 0))
    return np.asarray(table)
