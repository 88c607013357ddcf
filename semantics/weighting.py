"""Likelihood weighting: estimates of what is too wide to compute, with errors that are estimated, too.

The operated diagram is run forwards, box by box, for many samples at once. Where the output of a box is seen, it is not
drawn freely but among the values that are seen, and the sample is weighted by how likely that was (Fung, Chang 1990;
Shachter, Peot 1990). An answer is a ratio of weighted sums; its standard error is that of a ratio estimator, by the
delta method (Owen, Monte Carlo theory, methods and examples, section 9.2). The effective sample size is Kish's (1965).

Samples are drawn in batches, each with random numbers of its own, so that memory is bounded, batches may be drawn
anywhere (`semantics.workers`), and the same seed gives the same answer.

>>> from semantics.kernel import Kernel
>>> from strings.query import Term
>>> model = CausalModel.from_edges([("S", "C")], domains=2)
>>> S, C = model.variables
>>> tables = {"s": Kernel((), (S,), [0.5, 0.5]), "c": Kernel((S,), (C,), [[0.75, 0.25], [0.0, 1.0]])}
>>> found = weighted(model, tables, Query((Term("S", ("1",)),), (Term("C", ("1",)),)), 10_000)
>>> abs(float(found.value.array) - 0.8) < 5 * float(found.error.array) < 0.05
True
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial, reduce

import numpy as np

from semantics.answer import check_tables
from semantics.contract import Progress, check_answer_size
from semantics.distribution import Array, Distribution, float_array, number_array
from semantics.expectation import as_number, check_expectation
from semantics.kernel import Tables, is_sharp, size, uniform_array
from semantics.question import Question, ask
from semantics.workers import in_order
from strings.diagnostic import Diagnostic, QueryError
from strings.diagram import Diagram
from strings.model import CausalModel
from strings.query import Query
from strings.signature import Object

_BATCH = 20_000  # samples side by side
_ENTRY_BYTES = 40  # for an entry of the answer: the sums, their squares, and copies


@dataclass(frozen=True)
class Weighted:
    """An estimate: `value` and its standard `error`, and the least effective sample size of its cases.

    `without` has the estimates from all samples but those of one group each, along a first axis, if groups were asked
    for.
    """

    value: Distribution
    error: Distribution
    effective: float
    without: Array


def weighted(
    model: CausalModel,
    tables: Tables,
    query: Query,
    samples: int,
    seed: int = 0,
    *,
    groups: int = 0,
    max_memory: int | None = None,
    on_progress: Progress | None = None,
) -> Weighted:
    """The answer to a question, estimated from so many samples for each value that a surgery leaves free.

    Raises:
        QueryError: S002 if no sample fits what is seen; else as `semantics.answer.answer`.
        LimitError: L001, L003 if the answer itself is too large.
    """
    if query.expectation:
        check_expectation(model, query)
    question = ask(model, query, lambda name: name in tables and is_sharp(tables[name]))
    diagram = question.model.state(question.variables(question.slots))
    check_tables((n.box for n in diagram.nodes), tables, False)
    check_answer_size([size(x) for _, x in question.axes], _ENTRY_BYTES * max(groups, 1), max_memory)
    left_free = {s.axis for s in question.slots if s.place in ("opened", "told", "void")}
    outer = {n: x for n, x in question.axes if n in left_free}
    inner = {n: x for n, x in question.axes if n not in left_free}
    cases = list(itertools.product(*(range(size(x)) for x in outer.values())))
    tallies = []
    for k, case in enumerate(cases):
        run = _run_of(question, diagram, tables, dict(zip(outer, case, strict=True)), inner)
        told = None if on_progress is None else partial(_told, on_progress, k, len(cases))
        found = _tally(run, samples, seed, groups, told)
        missing = np.argwhere(found.below.sum(axis=0) == 0)
        if len(missing):
            places = dict(zip((*outer, *inner), (*case, *missing[0]), strict=True))
            raise no_sample(query, {n: (x.values or ())[places[n]] for n, x in question.axes})
        tallies.append(found)
    return _weighted(question, outer, inner, tallies)


def _told(on_progress: Progress, case: int, cases: int, done: int, total: int) -> None:
    on_progress(case * total + done, cases * total)


def _weighted(
    question: Question, outer: Mapping[str, Object], inner: Mapping[str, Object], tallies: Sequence[_Tally]
) -> Weighted:
    """The ratios of sums, an axis for each of the question's."""
    names = [n for n, _ in question.axes]
    objects = dict(question.axes)
    weights: Array | None = None
    if question.query.expectation:
        target = question.query.targets[0].axis_name
        weights = float_array(number_array([as_number(v) or Fraction(0) for v in objects[target].values or ()]))
        weights = weights.reshape([-1 if n == target else 1 for n in inner])
        along = list(inner).index(target)
        names.remove(target)
        inner = {n: x for n, x in inner.items() if n != target}
    values, errors, without, effective = [], [], [], math.inf
    for t in tallies:
        above, below = t.above.sum(axis=0), t.below.sum(axis=0)
        squares, below_squares = t.above_squares.sum(axis=0), t.below_squares.sum(axis=0)
        effective = min(effective, float((below**2 / below_squares).min()))
        value = above / below
        with np.errstate(divide="ignore", invalid="ignore"):
            left = (above - t.above) / (below - t.below)
        left = np.where(np.isfinite(left), left, value)
        if weights is None:
            spread = (1 - 2 * value) * squares + value**2 * below_squares
        else:
            value, left = (value * weights).sum(axis=along), (left * weights).sum(axis=along + 1)
            spread = ((weights - np.expand_dims(value, along)) ** 2 * squares).sum(axis=along)
            below = below.sum(axis=along)
        values.append(value)
        errors.append(np.sqrt(np.maximum(spread, 0)) / below)
        without.append(left)
    shape = [size(x) for x in (*outer.values(), *inner.values())]
    order = [[*outer, *inner].index(n) for n in names]
    arrays = [np.reshape(np.array(a), shape).transpose(order) for a in (values, errors)]
    parts = np.stack(without, axis=1)
    parts = parts.reshape(len(parts), *shape).transpose(0, *(k + 1 for k in order))
    labels = [objects[n].values or () for n in names]
    found, error = (Distribution(names, a, labels) for a in arrays)
    return Weighted(found, error, effective, parts)


def no_sample(query: Query, case: Mapping[str, str]) -> QueryError:
    """S002: what is seen did not come up, in a case of the axes."""
    seen = ", ".join(str(t) if not t.free else f"{t.variable} = {case.get(t.axis_name, '…')}" for t in query.given)
    return QueryError(
        Diagnostic(
            "S002",
            f"no sample fits `{seen}`",
            query.span,
            notes=("it is impossible, or too rare to be met by chance",),
            help=(
                "take more samples: --samples 1000000, samples=1_000_000",
                "or see less: an interval instead of a point",
            ),
        )
    )


# ---- a run of the diagram --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Draw:
    """A box to draw from. `args` and `made` are its wires, `heard` and `shape` how many values these have.

    Each column of its table is the cumulative distribution among what may come out; `log_mass` is the logarithm of the
    probability of that, if something is seen of what comes out. Nothing needs the wires `done` after it.
    """

    args: tuple[int, ...]
    heard: tuple[int, ...]
    made: tuple[int, ...]
    shape: tuple[int, ...]
    cumulative: Array
    log_mass: Array | None
    done: tuple[int, ...]


@dataclass(frozen=True)
class _Run:
    """A diagram to run forwards: `fixed` wires, the boxes in their order, and what is looked at in the end.

    `ahead` and `behind` are the wires along whose axes the answer lies, with the number of the axis, and the wires of
    events with which values count. `sizes` are those of the axes. `possible` says whether what is set fits what is
    seen.
    """

    fixed: Mapping[int, int]
    draws: tuple[_Draw, ...]
    ahead: tuple[tuple[int, int | Array], ...]
    behind: tuple[tuple[int, int | Array], ...]
    sizes: tuple[int, ...]
    possible: bool


def _run_of(
    question: Question, diagram: Diagram, tables: Tables, case: Mapping[str, int], axes: Mapping[str, Object]
) -> _Run:
    """The run in one `case` of the axes that surgeries leave free; `axes` are the others."""
    number = {n: k for k, n in enumerate(axes)}
    fixed: dict[int, int] = {}
    for first, node in zip(diagram.first_wires, diagram.nodes, strict=True):
        if node.box.kind == "point":
            fixed[first] = (node.box.cod[0].values or ()).index(node.box.value or "")
    seen: dict[int, Array] = {}
    ahead: list[tuple[int, int | Array]] = []
    behind: list[tuple[int, int | Array]] = []
    for s, wire in question.wires(question.slots, diagram):
        x = diagram.wires[wire]
        if s.axis is not None and s.axis not in case:
            (ahead if s.place == "target" else behind).append((wire, number[s.axis]))
            continue
        values = (x.values or ())[case[s.axis]] if s.axis is not None else s.values or ()
        mask: Array = np.isin(np.array(x.values), values)
        if s.place in ("opened", "told"):
            fixed[wire] = int(np.flatnonzero(mask)[0])
        elif s.place == "given":
            seen[wire] = seen[wire] & mask if wire in seen else mask
        else:
            ahead.append((wire, mask))
    for wire in range(len(diagram.dom)):  # an input that is seen to have a value has it
        if wire not in fixed:
            fixed[wire] = int(np.flatnonzero(seen[wire])[0])
    possible = all(seen[w][v] for w, v in fixed.items() if w in seen) and all(m.any() for m in seen.values())
    looked_at = {w for w, _ in (*ahead, *behind)}
    draws = tuple(_draws(diagram, tables, fixed, seen, looked_at))
    return _Run(fixed, draws, tuple(ahead), tuple(behind), tuple(size(x) for x in axes.values()), possible)


def _draws(
    diagram: Diagram, tables: Tables, fixed: Mapping[int, int], seen: Mapping[int, Array], looked_at: Container[int]
) -> Iterator[_Draw]:
    last = {w: k for k, node in enumerate(diagram.nodes) for w in node.args}
    for k, (first, node) in enumerate(zip(diagram.first_wires, diagram.nodes, strict=True)):
        if first in fixed and not node.args and len(node.box.cod) == 1:  # a value, written or set
            continue
        made = tuple(range(first, first + len(node.box.cod)))
        if not made:
            continue
        heard = tuple(size(diagram.wires[w]) for w in node.args)
        shape = tuple(size(x) for x in node.box.cod)
        table = uniform_array(node.box.cod[0], False) if node.box.kind == "uniform" else tables[node.box.name].array
        columns = np.array(table, dtype=np.float64).reshape(math.prod(heard), math.prod(shape))
        log_mass = None
        if any(w in seen for w in made):
            fits = [seen.get(w, np.ones(n, dtype=bool)) for w, n in zip(made, shape, strict=True)]
            columns = columns * reduce(np.logical_and.outer, fits).reshape(-1)
            with np.errstate(divide="ignore"):
                log_mass = np.log(columns.sum(axis=1))
        cumulative = columns.cumsum(axis=1)
        total = cumulative[:, -1:]
        cumulative = np.where(total > 0, cumulative / np.where(total > 0, total, 1), 1.0)
        done = tuple({w for w in (*node.args, *made) if last.get(w, k) <= k and w not in looked_at})
        yield _Draw(node.args, heard, made, shape, cumulative, log_mass, done)


def _drawn(cumulative: Array, column: Array, luck: Array) -> Array:
    """Where in the distribution of a column the luck falls: a binary search in all columns at once."""
    low = np.zeros(len(luck), dtype=np.intp)
    high = np.full(len(luck), cumulative.shape[1] - 1, dtype=np.intp)
    for _ in range((cumulative.shape[1] - 1).bit_length()):
        middle = (low + high) // 2
        above = luck >= cumulative[column, middle]
        low, high = np.where(above, middle + 1, low), np.where(above, high, middle)
    return low


def _sample(run: _Run, count: int, rng: np.random.Generator) -> tuple[dict[int, Array], Array]:
    """The values of the wires that are looked at, and the logarithms of the weights."""
    at = {w: np.full(count, v, dtype=np.int16) for w, v in run.fixed.items()}
    weights = np.zeros(count) if run.possible else np.full(count, -np.inf)
    for d in run.draws:
        column = np.zeros(count, dtype=np.intp)
        for w, n in zip(d.args, d.heard, strict=True):
            column = column * n + at[w]
        if d.log_mass is not None:
            weights += d.log_mass[column]
        found = _drawn(d.cumulative, column, rng.random(count))
        for w, values in zip(d.made, np.unravel_index(found, d.shape), strict=True):
            at[w] = values.astype(np.int16)
        for w in d.done:
            at.pop(w, None)
    return at, weights


# ---- sums of weights -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tally:
    """Sums over samples, by groups along the first axis and by cells: of weights and of their squares, of all samples
    that fit (`below`) and of those of which the events in front of the bar are true, too (`above`). The largest weight
    that there may be is `2 ** scale`."""

    scale: int
    above: Array
    above_squares: Array
    below: Array
    below_squares: Array

    def __add__(self, other: _Tally) -> _Tally:
        scale = max(self.scale, other.scale)
        parts = []
        for t in (self, other):
            one, two = 2.0 ** max(t.scale - scale, -1000), 2.0 ** max(2 * (t.scale - scale), -1000)
            parts.append((t.above * one, t.above_squares * two, t.below * one, t.below_squares * two))
        return _Tally(scale, *(a + b for a, b in zip(*parts, strict=True)))


_IMPOSSIBLE = -(2**40)  # the scale of weights that are all zero


def _batch(run: _Run, seed: int, groups: int, batch: tuple[int, int, int]) -> _Tally:
    """The sums over one batch: its number, how many batches there are, and how many samples it has."""
    number, batches, count = batch
    at, weights = _sample(run, count, np.random.default_rng([seed, number]))
    most = weights.max()
    scale = math.ceil(most / math.log(2)) if np.isfinite(most) else _IMPOSSIBLE
    weights = np.exp(weights - scale * math.log(2)) if np.isfinite(most) else np.zeros(count)
    within = max(1, groups // batches)  # groups of this batch alone
    group = (np.arange(count) * within // count + number * within) % max(groups, 1)
    below = _cells(run.behind, at, run.sizes, weights)
    above = _cells((*run.behind, *run.ahead), at, run.sizes, weights)
    return _Tally(scale, *_summed(*above, group, max(groups, 1)), *_summed(*below, group, max(groups, 1)))


def _cells(
    looked_at: Iterable[tuple[int, int | Array]], at: Mapping[int, Array], sizes: Sequence[int], weights: Array
) -> tuple[Array, list[int], Array]:
    """For every sample its cell, and its weight or zero if something looked at is not true; the shape of the cells,
    with length 1 for axes not looked at."""
    along: dict[int, Array] = {}
    fits = np.ones(len(weights), dtype=bool)
    for wire, what in looked_at:
        if not isinstance(what, int):
            fits &= what[at[wire]]
        elif what in along:  # two wires along one axis: cases in which both have its value
            fits &= along[what] == at[wire]
        else:
            along[what] = at[wire]
    shape = [n if k in along else 1 for k, n in enumerate(sizes)]
    cell = np.zeros(len(weights), dtype=np.intp)
    for k, n in enumerate(sizes):
        if k in along:
            cell = cell * n + along[k]
    return cell, shape, np.where(fits, weights, 0.0)


def _summed(cell: Array, shape: Sequence[int], weights: Array, group: Array, groups: int) -> tuple[Array, Array]:
    count = math.prod(shape)
    at = group * count + cell
    return tuple(np.bincount(at, w, groups * count).reshape(groups, *shape) for w in (weights, weights**2))  # type: ignore[return-value]


def _tally(run: _Run, samples: int, seed: int, groups: int, on_progress: Progress | None) -> _Tally:
    """The sums over all samples, batch by batch in their order."""
    batches = -(-samples // _BATCH)
    parts = [(k, batches, samples // batches + (k < samples % batches)) for k in range(batches)]
    total: _Tally | None = None
    for k, found in enumerate(in_order(partial(_batch, run, seed, groups), parts)):
        total = found if total is None else total + found
        if on_progress is not None:
            on_progress(k + 1, batches)
    assert total is not None
    return total
