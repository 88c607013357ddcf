"""The search for a model in which a claim of order (`!=`, `<`, `<=`, …) falls.

Such claims often hold in almost all models and fall on the boundary: where a box is a function, or takes no notice of
what it hears, or where everything is even. So these models are gone through first, the simplest before the others, as
far as there is room: columns that are not even one by one, whole boxes, functions, and mixtures with random boxes. Then
random models are tried, and others near those that come closest. Where the two sides of a `!=` are larger in turn, they
are equal on the way from one model to the other.

All is done in floats, many models at a time; what is found there is a counterexample only if it is one in fractions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from semantics.arithmetic import Floats, Fractions, PrecisionError, Tensor
from semantics.claim import Claim, asking, falls
from semantics.compare import Comparison
from semantics.distribution import Array, float_array
from semantics.evaluate import Grid, Plain, aligned, evaluate_in
from semantics.family import MEMBER, family, member
from semantics.kernel import Kernel, Table, size
from semantics.shrink import smallest
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.formula import Compare
from strings.model import CausalModel
from strings.query import Query
from strings.signature import Box

SEARCHED = 4_000
"""How many models are tried for each number of values, unless asked for otherwise."""

_MOST_MEMBERS = 256  # models in one contraction
_SIMPLE = 60  # models in simple fractions that are tried at last
_KEPT = 12
_CASES = 16  # of a `!=` for which models are kept that differ most
_SLACK = 1e-12  # what rounding can do

Model = dict[str, Array]
"""The tables of all boxes in floats; of many models, with an axis for them."""


class Search:
    """Looks for a model in which a claim falls; the same for the same `seed`."""

    def __init__(self, shape: CausalModel, claim: Claim, seed: Sequence[int]) -> None:
        self._shape, self._claim, self._seed = shape, claim, seed[0]
        self._rng = np.random.default_rng(seed)
        self._boxes = claim.boxes(shape)
        self.draws = 0
        """How many models gave the claim a value and met what it assumes."""
        self._tried = 0
        self._valued = False
        self._ends: dict[tuple[int, int, int], Model] = {}

    def run(self, count: int) -> tuple[dict[str, Kernel], Comparison] | None:
        """A model in which the claim falls, made small, if there is one among about `count` models.

        Raises:
            QueryError, ZeroProbabilityError: if no model gives the claim a value.
        """
        half = -(-count // 2)
        found = self._on_the_boundary(half)
        if found is None:
            start = self._downhill(count - self._tried)
            if not self._valued:
                self._refuse()
            found = self._smallest(itertools.chain(start, self._between()), _SIMPLE)
        return found

    def _smallest(self, starts: Iterable[dict[str, Kernel]], tries: int) -> tuple[dict[str, Kernel], Comparison] | None:
        return smallest(self._boxes, partial(falls, self._shape, self._claim), self._seed, starts, tries)

    # ---- the boundary ------------------------------------------------------------------------------------------------

    def _on_the_boundary(self, count: int) -> tuple[dict[str, Kernel], Comparison] | None:
        for many, tables in self._batches(count):
            gaps = self._gaps(tables, many)
            at = np.flatnonzero(gaps <= 0)[:_KEPT]
            found = self._smallest([self._rational(_one(tables, k)) for k in at], 0) if len(at) else None
            if found is not None:
                return found
        return None

    def _batches(self, count: int) -> Iterator[tuple[int, Model]]:
        """Models on the boundary, the simplest first, many at a time; `count` in all, if there are as many."""
        palette = _Palette.of(self._boxes, rich=True)
        if math.prod(palette.choices) > count and not self._claim.assuming:
            palette = _Palette.of(self._boxes, rich=False)
        total = math.prod(palette.choices)
        if total <= count:
            kinds = [palette.by_columns()]
            left = total
        else:
            kinds = [palette.by_columns(), palette.by_boxes(), palette.functions(self._rng)]
            left = count
        for k, kind in enumerate(kinds):
            share = left // (len(kinds) - k + (total > count))
            chosen = itertools.islice(kind, max(1, share))
            while rows := list(itertools.islice(chosen, _MOST_MEMBERS)):
                left -= len(rows)
                yield len(rows), palette.tables(rows)
        while total > count and left > 0:
            left -= (many := min(left, _MOST_MEMBERS))
            yield many, {name: self._mixed(b, many) for name, b in self._boxes.items()}

    def _mixed(self, b: Box, count: int) -> Array:
        """A box in many models: even, constant, a function, random but deaf, or random."""
        dom, width = [size(x) for x in b.dom], math.prod(size(x) for x in b.cod)
        sharp, some = np.eye(width), self._columns(b, count)
        if b.deterministic:
            kinds = [some, np.broadcast_to(some.reshape(count, -1, width)[:, :1], (count, math.prod(dom), width))]
        else:
            kinds = [
                np.full((count, *dom, width), 1 / width),
                np.broadcast_to(sharp[self._rng.integers(0, width, [count, *[1] * len(dom)])], (count, *dom, width)),
                sharp[self._rng.integers(0, width, [count, *dom])],
                np.broadcast_to(some.reshape(count, -1, width)[:, :1], (count, math.prod(dom), width)),
                some,
            ]
        stacked = np.stack([k.reshape(count, math.prod(dom), width) for k in kinds])
        made = stacked[self._rng.integers(0, len(kinds), count), np.arange(count)]
        return made.reshape([count, *dom, *(size(x) for x in b.cod)])

    # ---- random models -----------------------------------------------------------------------------------------------

    def _downhill(self, count: int) -> list[dict[str, Kernel]]:
        """The models that come closest to a violation, in simple fractions, the best first."""
        best: list[tuple[float, Model]] = []
        left = count
        while left > 0:
            left -= (many := min(left, _MOST_MEMBERS))
            tables = {name: self._columns(b, many) for name, b in self._boxes.items()}
            if best and 2 * left < count:
                tables = self._near(tables, [t for _, t in best], many)
            gaps = self._gaps(tables, many)
            near = [k for k in np.argsort(gaps, kind="stable")[:_KEPT] if np.isfinite(gaps[k])]
            best = sorted([*best, *((float(gaps[k]), _one(tables, k)) for k in near)], key=lambda b: b[0])[:_KEPT]
        return [self._rational(t, n) for gap, t in best if gap <= 0 for n in (4, 12, 60, 10_000)]

    def _near(self, tables: Model, best: Sequence[Model], count: int) -> Model:
        """Mixtures of random models and of the best so far."""
        base, step = self._rng.integers(0, len(best), count), self._rng.beta(0.5, 2.0, count)
        found = {}
        for name, new in tables.items():
            old = np.stack([best[k][name] for k in base])
            mix = step.reshape(-1, *[1] * (new.ndim - 1))
            mix = mix.round() if self._boxes[name].deterministic else mix
            found[name] = (1 - mix) * old + mix * new
        return found

    def _columns(self, b: Box, count: int) -> Array:
        dom, cod = [size(x) for x in b.dom], [size(x) for x in b.cod]
        width = math.prod(cod)
        if b.deterministic:
            array: Array = np.eye(width)[self._rng.integers(0, width, [count, *dom])]
        else:
            array = self._rng.dirichlet(np.full(width, 0.6), [count, *dom])
            array = np.where(array < _SLACK, 0.0, array)
        return array.reshape([count, *dom, *cod])

    # ---- numbers -----------------------------------------------------------------------------------------------------

    def _gaps(self, tables: Model, count: int) -> Array:
        """How far the claim is from falling in each of many models: not positive where it falls, infinite where it has
        no value, or what it assumes is not true."""
        self._tried += count
        ask = self._asking(tables, count)
        try:
            met = np.ones(count, dtype=bool)
            for assumed in self._claim.assuming:
                for op, apart in self._apart(assumed, ask, count):
                    met &= _gap(op, apart).min(axis=1) > 0
            found = list(self._apart(self._claim.body, ask, count))
        except PrecisionError:
            return np.full(count, np.inf)
        valued = np.all([np.isfinite(apart).all(axis=1) for _, apart in found], axis=0)
        self._valued |= bool(valued.any())
        self.draws += int((valued & met).sum())
        for k, (op, apart) in enumerate(found):
            if op == "!=":
                self._remember(k, np.where((valued & met)[:, None], apart, 0.0), tables)
        return np.where(valued & met, np.min([_gap(op, apart).min(axis=1) for op, apart in found], axis=0), np.inf)

    def _asking(self, tables: Model, count: int) -> Callable[[Query], Grid]:
        wire = member(count)
        numbers = {n: Table((wire, *self._boxes[n].dom), self._boxes[n].cod, a) for n, a in tables.items()}
        return asking(family(self._shape, wire), {**self._claim.policies, **numbers}, _Holed(), _HoledNumbers(), wire)

    def _apart(self, c: Compare, ask: Callable[[Query], Grid], count: int) -> Iterator[tuple[str, Array]]:
        """For each relation of a comparison, by how much the right side is larger: a row a model, a column a case."""
        values = self._claim.values(self._shape)
        axes, arrays, labels = aligned([evaluate_in(_HoledNumbers(), side, ask, values) for side in c.operands])
        shape = [len(v) for v in labels]
        for op, left, right in zip(c.ops, arrays, arrays[1:], strict=False):
            apart = np.broadcast_to((float_array(right) - float_array(left))[..., 0], shape)
            if MEMBER in axes:
                yield op, np.moveaxis(apart, axes.index(MEMBER), 0).reshape(count, -1)
            else:
                yield op, np.broadcast_to(apart.reshape(1, -1), (count, apart.size))

    def _refuse(self) -> None:
        """Raise what is wrong with a claim that has a value in no model."""
        tables = self._rational({name: self._columns(b, 1)[0] for name, b in self._boxes.items()}, 60)
        ask = asking(self._shape, {**self._claim.policies, **tables}, Fractions(), Plain())
        for side in self._claim.body.operands:
            evaluate_in(Plain(), side, ask, self._claim.values(self._shape))

    def _rational(self, tables: Model, denominator: int | None = None) -> dict[str, Kernel]:
        """A model in fractions near to one in floats; without a denominator, the simplest ones."""
        found = {}
        for name, b in self._boxes.items():
            width = math.prod(size(x) for x in b.cod)
            rows = []
            for column in tables[name].reshape(-1, width):
                if denominator is None:
                    parts = [Fraction(float(p)).limit_denominator(1000) for p in column]
                else:
                    parts = [Fraction(round(float(p) * denominator), denominator) for p in column]
                parts[int(np.argmax(column))] += 1 - sum(parts)
                rows.append(parts)
            array = np.empty((len(rows), width), dtype=object)
            array[:] = rows
            found[name] = Kernel(b.dom, b.cod, array.reshape([size(x) for x in (*b.dom, *b.cod)]))
        return found

    # ---- between two models ------------------------------------------------------------------------------------------

    def _remember(self, relation: int, apart: Array, tables: Model) -> None:
        """Keep, for the first cases of a `!=`, the first models in which one side and the other is larger."""
        for case, sign in itertools.product(range(min(apart.shape[1], _CASES)), (-1, 1)):
            larger = np.flatnonzero(sign * apart[:, case] > _SLACK)
            if larger.size:
                self._ends.setdefault((relation, case, sign), _one(tables, int(larger[0])))

    def _between(self) -> Iterator[dict[str, Kernel]]:
        """Models in which the sides of a `!=` are equal, on the way from one where they are not to another.

        The way changes one column after the other, so that on each part of it a probability is a linear function.
        """
        for (relation, case, sign), one in self._ends.items():
            other = self._ends.get((relation, case, 1))
            if sign < 0 and other is not None:
                for denominator in (12, 60):
                    at, to = self._rational(one, denominator), self._rational(other, denominator)
                    yield from self._crossings(partial(self._difference, relation, case), at, to)

    def _crossings(
        self, apart: Callable[[dict[str, Kernel]], Fraction | None], at: dict[str, Kernel], to: dict[str, Kernel]
    ) -> Iterator[dict[str, Kernel]]:
        here = apart(at)
        for name, b in self._boxes.items():
            for k in range(math.prod(size(x) for x in b.dom)):
                step = partial(_moved, at, to, name, k)
                there = apart(step(Fraction(1)))
                if here is not None and there is not None and here * there < 0 and not b.deterministic:
                    middle = apart(step(Fraction(1, 2)))
                    root = _root(here, middle, there) if middle is not None else None
                    if root is not None and 0 <= root <= 1:
                        yield step(root)
                at, here = step(Fraction(1)), there

    def _difference(self, relation: int, case: int, tables: dict[str, Kernel]) -> Fraction | None:
        """By how much the right side of a relation is larger in a model, in one case; nothing if it has no value."""
        ask = asking(self._shape, {**self._claim.policies, **tables}, Fractions(), Plain())
        sides = self._claim.body.operands[relation : relation + 2]
        try:
            grids = [evaluate_in(Plain(), side, ask, self._claim.values(self._shape)) for side in sides]
        except (ZeroProbabilityError, QueryError):
            return None
        _, (left, right), _ = aligned(grids)
        apart = (right - left).reshape(-1)
        return apart[case % apart.size] if apart.dtype == object else None


def _moved(
    tables: dict[str, Kernel], others: dict[str, Kernel], name: str, column: int, share: Fraction
) -> dict[str, Kernel]:
    """The tables with one column of one box moved some share of the way to that of others."""
    old = tables[name]
    shape = (-1, math.prod(size(x) for x in old.cod))
    array = np.array(old.array, dtype=object).reshape(shape)
    array[column] += share * (others[name].array.reshape(shape)[column] - array[column])
    return {**tables, name: Kernel(old.dom, old.cod, array.reshape(old.array.shape))}


def _root(start: Fraction, middle: Fraction, end: Fraction) -> Fraction | None:
    """Where a quotient of linear functions is zero, from its values at 0, 1/2 and 1.

    >>> _root(Fraction(-1), Fraction(0), Fraction(1)), _root(Fraction(-1), Fraction(-1, 3), Fraction(1))
    (Fraction(1, 2), Fraction(2, 3))
    """
    if middle == end:
        return None
    bend = (start + end - 2 * middle) / (middle - end)
    slope = end * (1 + bend) - start
    return -start / slope if slope else None


@dataclass(frozen=True)
class _Holed(Floats):
    """Floats in which a condition of probability zero is no error: what it is asked for is no number."""

    def zeros(self, tensor: Tensor) -> Array:
        return np.zeros(tensor.array.shape, dtype=bool)

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return super().ratio(above, below)


@dataclass(frozen=True)
class _HoledNumbers(Plain):
    """Floats that divide by zero."""

    def combine(self, op: str, left: Array, right: Array) -> Array:
        left, right = float_array(left), float_array(right)
        return super().combine(op, left, np.where(right == 0, np.nan, right) if op == "/" else right)

    def power(self, base: Array, exponent: int) -> Array:
        base = float_array(base)
        return super().power(np.where(base == 0, np.nan, base) if exponent < 0 else base, exponent)

    def divides(self, array: Array) -> bool:
        return True


@dataclass(frozen=True)
class _Palette:
    """What each column of some boxes can be: even or sharp, or between these; the simplest first."""

    boxes: Mapping[str, Box]
    options: Mapping[str, Array]
    columns: Mapping[str, int]

    @classmethod
    def of(cls, boxes: Mapping[str, Box], rich: bool) -> _Palette:
        """With columns in between if it is to be `rich`: there is room for them, or positive ones are assumed."""
        options = {}
        for name, b in boxes.items():
            width = math.prod(size(x) for x in b.cod)
            sharp, even = np.eye(width), np.full((1, width), 1 / width)
            between = [(sharp + even) / 2] if rich and width > 1 else []
            options[name] = sharp if b.deterministic else np.vstack([even, sharp, *between])
        return cls(boxes, options, {name: math.prod(size(x) for x in b.dom) for name, b in boxes.items()})

    @property
    def choices(self) -> list[int]:
        """How many there are for each column."""
        return [len(self.options[name]) for name in self.boxes for _ in range(self.columns[name])]

    def by_columns(self) -> Iterator[list[int]]:
        """All models, those first in which few columns are not the simplest."""
        return _by_size(self.choices)

    def by_boxes(self) -> Iterator[list[int]]:
        """All models whose boxes take no notice of what they hear, in the same order."""
        for chosen in _by_size([len(self.options[name]) for name in self.boxes]):
            yield [k for k, name in zip(chosen, self.boxes, strict=True) for _ in range(self.columns[name])]

    def functions(self, rng: np.random.Generator) -> Iterator[list[int]]:
        """Random models whose boxes are all functions."""
        sharp = [
            (int(not b.deterministic), self.options[n].shape[1])
            for n, b in self.boxes.items()
            for _ in range(self.columns[n])
        ]
        first, width = np.array(sharp).reshape(-1, 2).T
        while True:
            yield list(first + rng.integers(0, width))

    def tables(self, rows: Sequence[Sequence[int]]) -> Model:
        """The tables of some models, from the choices for their columns."""
        chosen, at, found = np.array(rows, dtype=np.int64).reshape(len(rows), -1), 0, {}
        for name, b in self.boxes.items():
            picked = self.options[name][chosen[:, at : at + self.columns[name]]]
            found[name] = picked.reshape([len(rows), *(size(x) for x in (*b.dom, *b.cod))])
            at += self.columns[name]
        return found


def _by_size(choices: Sequence[int]) -> Iterator[list[int]]:
    """All ways to choose, those first in which few choices are not the first."""
    for count in range(len(choices) + 1):
        for places in itertools.combinations(range(len(choices)), count):
            for others in itertools.product(*(range(1, choices[k]) for k in places)):
                chosen = [0] * len(choices)
                for k, other in zip(places, others, strict=True):
                    chosen[k] = other
                yield chosen


def _one(tables: Model, k: int) -> Model:
    return {name: array[k] for name, array in tables.items()}


def _gap(op: str, apart: Array) -> Array:
    """How far a relation is from failing, if the right side is larger by so much; not positive where it fails."""
    match op:
        case "<":
            return apart - _SLACK
        case ">":
            return -apart - _SLACK
        case "<=":
            return apart + _SLACK
        case ">=":
            return _SLACK - apart
        case "==":
            return _SLACK - abs(apart)
        case _:
            return abs(apart) - _SLACK
