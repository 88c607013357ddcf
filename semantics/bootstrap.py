"""How sure an estimate is: percentile bootstrap intervals (Efron 1979; Efron, Tibshirani 1993, chapter 13).

All resamples are one family: a resample is a member, and one contraction estimates for all of them. A formula of
several probabilities is computed in every resample, so that its parts vary together as they do in the data.

>>> from semantics.dataset import from_rows
>>> from strings.identification import identified
>>> from strings.formula import Ask
>>> from strings.model import CausalModel
>>> from strings.query import Term
>>> coin = CausalModel.from_edges(nodes=["A"], domains=2)
>>> data = from_rows("tosses", ("A",), {"A": ("0", "1")}, [("0",), ("1",)], [30, 70])
>>> heads = Query((Term("A", ("1",)),))
>>> found = bootstrap(Ask(heads), {heads: identified(coin, heads)}, [data], Distribution((), 0.7), resamples=500)
>>> round(float(found.low), 1), round(float(found.high), 1)
(0.6, 0.8)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from semantics.answer import answer_array
from semantics.arithmetic import Arithmetic, Floats, Logarithms, PrecisionError
from semantics.contract import Progress, memory_limit
from semantics.counterfactual import value
from semantics.dataset import Dataset
from semantics.distribution import Array, Distribution, float_array
from semantics.estimate import Reader, arranged, differs, needed
from semantics.evaluate import Grid, Plain, Values, evaluate_in
from semantics.expectation import mean
from semantics.family import MEMBER, family, member
from semantics.kernel import Tables
from semantics.workers import in_order
from strings.counterfactual_identify import CounterfactualIdentified, Way
from strings.diagnostic import Diagnostic, LimitError, QueryError
from strings.formula import Formula
from strings.identification import Identified
from strings.query import MAX_RESAMPLES, MIN_RESAMPLES, Query

_MOST_MEMBERS = 500  # resamples in one contraction
_MOST_WEIGHTS = 8_000_000  # numbers in the weights of one batch of resamples
_MOST_CASES = 2**53  # that floats count exactly


@dataclass(frozen=True)
class Interval:
    """Percentile bootstrap intervals, one for each entry of the estimate.

    `level` is the coverage aimed at, `resamples` how many were drawn with `seed`, `dropped` how many of them gave no
    estimate because something that is needed never occurred in them.
    """

    low: Distribution
    high: Distribution
    level: float
    resamples: int
    dropped: int
    seed: int = 0


def bootstrap(
    formula: Formula,
    ways: Mapping[Query, Way],
    data: Sequence[Dataset],
    estimate: Distribution,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    values: Values = lambda _: (),
    policies: Tables | None = None,
    max_memory: int | None = None,
    on_progress: Progress | None = None,
) -> Interval:
    """Percentile intervals for the value of a formula, `estimate`, from data whose weights count cases.

    `ways` has the estimand of each of its questions, `values` the values of a variable or of the variable that a bound
    name ranges over, `policies` the numbers of boxes that surgeries put in. The same `seed` gives the same intervals.

    Raises:
        QueryError: Q011 if the weights do not count cases, if `resamples`, `level` or `seed` make no sense, or if
            nearly no resample has an estimate.
        LimitError: L003 for more than a million resamples, L001 if a single resample needs too much memory.
    """
    _check(resamples, level, seed)
    cells = _cells(list(ways.values()), data)
    max_memory = memory_limit(max_memory)  # of this machine, wherever resamples are estimated
    one = _Estimator(formula, ways, cells, estimate, values, policies or {}, max_memory)
    kept: list[Array] = []
    sizes: list[int] = []

    def counted() -> Iterator[tuple[Array, ...]]:
        for weights in _batches(cells, resamples, seed, max_memory):
            sizes.append(len(weights[0]))
            yield weights

    for found in in_order(one.values_of, counted()):
        kept.append(found)
        if on_progress is not None:
            on_progress(sum(sizes[: len(kept)]), resamples)
    return _interval(np.concatenate(kept), estimate, resamples, level, seed)


def bootstrap_each(
    estimate_of: Callable[[tuple[Dataset, ...]], Array | None],
    ways: Sequence[Way],
    data: Sequence[Dataset],
    estimate: Distribution,
    *,
    resamples: int,
    level: float,
    seed: int,
    on_progress: Progress | None = None,
) -> Interval:
    """The same for an estimator that takes one resample after the other, and gives nothing where it has no estimate."""
    _check(resamples, level, seed)
    cells = _cells(ways, data)
    kept: list[Array] = []
    done = 0
    for batch in _batches(cells, resamples, seed, None):
        for weights in zip(*batch, strict=True):
            found = estimate_of(tuple(replace(d, weights=w) for d, w in zip(cells, weights, strict=True)))
            kept += [] if found is None else [found]
            done += 1
            if on_progress is not None:
                on_progress(done, resamples)
    found_all = np.array(kept).reshape(len(kept), *estimate.array.shape)
    return _interval(found_all, estimate, resamples, level, seed)


def _interval(found: Array, estimate: Distribution, resamples: int, level: float, seed: int) -> Interval:
    """The percentiles of the estimates that resamples have."""
    if len(found) < MIN_RESAMPLES:
        raise QueryError(
            Diagnostic(
                "Q011",
                "nearly every resample lacks something that the estimate needs: no interval",
                notes=(f"{len(found)} of {resamples:,} resamples have an estimate",),
                help=("ask for an effect that rests on more cases",),
            )
        )
    tail = (1 - level) / 2
    low, high = (
        Distribution(estimate.variables, bound, estimate.values)
        for bound in np.quantile(found, [tail, 1 - tail], axis=0)
    )
    return Interval(low, high, level, resamples, resamples - len(found), seed)


def counts_cases(data: Dataset) -> bool:
    """Whether the weights say how often each row was seen: whole numbers, and not just one case.

    >>> from semantics.dataset import from_rows
    >>> rows = [("0",), ("1",)]
    >>> [counts_cases(from_rows("d", ("A",), {"A": ("0", "1")}, rows, w)) for w in ([3, 7], [0.3, 0.7], [1, 0])]
    [True, False, False]
    """
    weights = float_array(data.weights)
    return bool((weights == np.round(weights)).all()) and float(weights.sum()) >= 2


def _check(resamples: int, level: float, seed: int) -> None:
    if resamples > MAX_RESAMPLES:
        raise LimitError(
            Diagnostic("L003", f"these are too many resamples: {resamples:,}", notes=(f"at most {MAX_RESAMPLES:,}",))
        )
    if resamples < MIN_RESAMPLES or not 0 < level < 1 or seed < 0:
        raise QueryError(
            Diagnostic(
                "Q011",
                f"a bootstrap takes {MIN_RESAMPLES} resamples or more, a level between 0 and 1, and a seed from 0 on",
                notes=(f"asked for: {resamples} resamples, level {level:g}, seed {seed}",),
            )
        )


# ---- resamples -------------------------------------------------------------------------------------------------------


def _cells(ways: Sequence[Way], data: Sequence[Dataset]) -> list[Dataset]:
    """The data as counts of the cells of the variables that are needed, each cell once.

    Resampling cells is resampling rows: a multinomial distribution stays one when outcomes are joined.
    """
    wanted = needed(ways, data)
    if not any(wanted):
        message = "nothing here is estimated from the data, so it has no interval"
        raise QueryError(Diagnostic("Q011", message, help=("leave out the bootstrap",)))
    odd = next((d for d, names in zip(data, wanted, strict=True) if names and not counts_cases(d)), None)
    if odd is not None:
        raise QueryError(
            Diagnostic(
                "Q011",
                f"the weights of data `{odd.name}` do not count cases, so there is nothing to resample",
                notes=(f"they sum to {float(odd.weights.sum()):g}; a bootstrap has to know how many cases there were",),
                help=("give rows, or weights that say how often each row was seen", "leave out the bootstrap"),
            )
        )
    made = []
    for d, values in zip(data, wanted, strict=True):
        names = list(values)
        whole = d.aligned(values)
        codes, cell = np.unique(whole.codes[:, [d.position(n) for n in names]], axis=0, return_inverse=True)
        weights = np.bincount(cell.reshape(-1), float_array(d.weights), len(codes))
        if weights.sum() > _MOST_CASES:
            raise QueryError(Diagnostic("Q011", f"data `{d.name}` count too many cases to resample: {weights.sum():g}"))
        labels = tuple(whole.values[d.position(n)] for n in names)
        made.append(Dataset(d.name, tuple(names), labels, codes, weights))
    return made


def _batches(
    cells: Sequence[Dataset], resamples: int, seed: int, max_memory: int | None
) -> Iterator[tuple[Array, ...]]:
    """Weights of resampled data, some resamples at a time; how many at a time does not change what is drawn.

    Every data set has a stream of random numbers of its own.
    """
    streams = np.random.default_rng(seed).spawn(len(cells))
    widest = max(len(d.codes) for d in cells)
    most = min(_MOST_WEIGHTS, memory_limit(max_memory) // 64)
    size = max(1, min(_MOST_MEMBERS, most // max(widest, 1)))
    for start in range(0, resamples, size):
        count = min(size, resamples - start)
        yield tuple(
            rng.multinomial(round(d.weights.sum()), d.weights / d.weights.sum(), count).astype(float)
            if d.variables
            else np.ones((count, 1))
            for d, rng in zip(cells, streams, strict=True)
        )


@dataclass(frozen=True)
class _Resampled:
    """Joints of resampled data: the members of a family."""

    data: Sequence[Dataset]
    weights: tuple[Array, ...]

    def joint(self, of: int, fed: Sequence[str], names: Sequence[str]) -> Array:
        data, weights = self.data[of], self.weights[of]
        at = [data.position(n) for n in (*fed, *names)]
        shape = tuple(len(data.values[k]) for k in at)
        where = np.zeros(len(data.codes), dtype=np.int64)
        for k, n in zip(at, shape, strict=True):
            where = where * n + data.codes[:, k]
        order = np.argsort(where, kind="stable")
        cells, starts = np.unique(where[order], return_index=True)
        totals = np.zeros((len(weights), int(np.prod(shape, dtype=int))))
        totals[:, cells] = np.add.reduceat(weights[:, order], starts, axis=1)
        return totals.reshape(len(weights), *shape)

    def describe(self, fed: Mapping[str, str], seen: Mapping[str, str]) -> str:
        return "something never occurs in a resample"


# ---- what comes of them ----------------------------------------------------------------------------------------------


class _Undefined(Plain):
    """Floats in which what is divided by zero is no number, and stays so: such a resample has no estimate."""

    def constant(self, value: Any, exact: bool) -> Array:
        return super().constant(value, False)

    @np.errstate(all="ignore")
    def combine(self, op: str, left: Array, right: Array) -> Array:
        return super().combine(op, left, np.where(right == 0, np.nan, right) if op == "/" else right)

    @np.errstate(all="ignore")
    def power(self, base: Array, exponent: int) -> Array:
        lost = np.isnan(base) | ((base == 0) & (exponent < 0))
        return np.where(lost, np.nan, super().power(base, exponent))

    def divides(self, array: Array) -> bool:
        return True


@dataclass(frozen=True)
class _Estimator:
    """The estimates from many resamples at once."""

    formula: Formula
    ways: Mapping[Query, Way]
    cells: Sequence[Dataset]
    estimate: Distribution
    values: Values
    policies: Tables
    max_memory: int | None

    def values_of(self, weights: tuple[Array, ...]) -> Array:
        """The estimates of the resamples that have one; axes as in `estimate`, behind the members.

        What is too large for all at once is done in halves.
        """
        try:
            return self._values(weights, Floats())
        except PrecisionError:
            return self._values(weights, Logarithms())
        except LimitError as e:
            half = len(weights[0]) // 2
            if e.diagnostic.code != "L001" or not half:
                raise
        parts = [tuple(w[:half] for w in weights), tuple(w[half:] for w in weights)]
        return np.concatenate([self.values_of(p) for p in parts])

    def _values(self, weights: tuple[Array, ...], arithmetic: Arithmetic) -> Array:
        count = len(weights[0])
        wire = member(count)
        reader = Reader(_Resampled(self.cells, weights), arithmetic, wire, self.max_memory)
        good = np.ones(count, dtype=bool)

        def ask(query: Query) -> Grid:
            found, has_one = self._answers(self.ways[query], reader, count)
            np.logical_and(good, has_one, out=good)
            return Grid(found.variables, found.array, found.values)

        whole = evaluate_in(_Undefined(), self.formula, ask, self.values, self.max_memory)
        names, sizes = [MEMBER, *self.estimate.variables], [count, *self.estimate.array.shape]
        array = arranged(whole.array, whole.variables, names, sizes)
        good &= np.isfinite(array.reshape(count, -1)).all(axis=1)
        return array[good]

    def _answers(self, way: Way, reader: Reader, count: int) -> tuple[Distribution, Array]:
        """The answers to one question, and which resamples have one."""
        if isinstance(way, CounterfactualIdentified):
            return self._worlds(way, reader, count)
        return self._in_one_world(way, reader, count)

    def _worlds(self, way: CounterfactualIdentified, reader: Reader, count: int) -> tuple[Distribution, Array]:
        """The same for a question about several worlds, by what its experiments show."""
        good = np.ones(count, dtype=bool)

        def ask(query: Query) -> Grid:
            found, has_one = self._in_one_world(way.parts[query], reader, count)
            np.logical_and(good, has_one, out=good)
            return Grid(found.variables, found.array, found.values)

        assert reader.wire is not None
        whole = value(way, self.values, _Undefined(), ask, {MEMBER: reader.wire.values or ()})
        answers = Distribution(whole.variables, whole.array, whole.values)
        return (mean(answers, way.asked.targets[0].axis_name) if way.asked.expectation else answers), good

    def _in_one_world(self, found: Identified, reader: Reader, count: int) -> tuple[Distribution, Array]:
        wire = reader.wire
        assert wire is not None
        boxes = reader.boxes(found.estimand)
        whole = family(found.estimand.model, wire)
        query, good = found.query, np.ones(count, dtype=bool)

        def ask(q: Query, tables: Tables) -> tuple[list[str], list[tuple[str, ...]], Array]:
            axes, array = answer_array(
                whole, {**self.policies, **tables}, q, reader.arithmetic, max_memory=self.max_memory
            )
            names = [n for n, _ in axes]
            if MEMBER not in names:
                array = np.broadcast_to(array, (count, *array.shape))
                return [MEMBER, *names], [wire.values or (), *(x.values or () for _, x in axes)], array
            return names, [x.values or () for _, x in axes], array

        def by_member(names: Sequence[str], array: Array) -> Array:
            return np.moveaxis(array, names.index(MEMBER), 0).reshape(count, -1)

        joint = Query((*query.targets, *query.given), (), query.surgeries)
        names, values, above = ask(joint, boxes.filled)
        if boxes.holes:
            good &= ~differs(by_member(names, above), by_member(names, ask(joint, boxes.emptied)[2])).any(axis=1)
        if query.given:
            known, _, below = ask(Query(query.given, (), query.surgeries), boxes.filled)
            good &= (by_member(known, below) > 0).all(axis=1)
            sizes = [len(v) if n in known else 1 for n, v in zip(names, values, strict=True)]
            below = np.transpose(below, [known.index(n) for n in names if n in known]).reshape(sizes)
            above = above / np.where(below > 0, below, 1)
        answers = Distribution(names, above, values)
        return (mean(answers, query.targets[0].axis_name) if query.expectation else answers), good
