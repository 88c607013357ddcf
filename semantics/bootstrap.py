"""How sure an estimate is: bootstrap intervals, where the data are thin, and what is merely seen.

All resamples are one family: a resample is a member, and one contraction estimates for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from semantics.answer import answer_array
from semantics.arithmetic import Floats
from semantics.dataset import Dataset
from semantics.distribution import Array, Distribution
from semantics.estimate import Estimate, Reader, arranged, differs, given_conditionals
from semantics.family import MEMBER, family, member
from semantics.kernel import Tables
from strings.diagnostic import Diagnostic, QueryError
from strings.identification import Identified
from strings.query import Query, Term
from strings.surgery import Do, Open

_THIN = 5  # cases; a column of a conditional that rests on fewer is thin
_MOST_MEMBERS = 500  # resamples in one contraction


@dataclass(frozen=True)
class Interval:
    """Percentile bootstrap intervals, one for each entry of the estimate.

    `level` is the coverage aimed at, `resamples` how many were drawn, `dropped` how many of them gave no estimate
    because something that is needed never occurred in them.
    """

    low: Distribution
    high: Distribution
    level: float
    resamples: int
    dropped: int


@dataclass(frozen=True)
class Thin:
    """A conditional of an estimand that rests on few cases: `empty` of its `columns` on none.

    `place` is where the fewest cases are, `cases` how many.
    """

    conditional: str
    columns: int
    empty: int
    place: tuple[tuple[str, str], ...]
    cases: float

    def __str__(self) -> str:
        where = ", ".join(f"{n} = {v}" for n, v in self.place)
        few = f"{self.cases:g} case{'' if self.cases == 1 else 's'}"
        empty = f", {self.empty} of {self.columns} columns are empty" if self.empty else ""
        return f"{self.conditional} rests on {few}{f' at {where}' if where else ''}{empty}"


@dataclass(frozen=True)
class Assessment(Estimate):
    """An estimate, and how sure it is.

    `seen` is what one would read off the data without minding causes, `thin` are the conditionals that rest on few
    cases, `interval` has bootstrap intervals if they were asked for.
    """

    seen: Distribution | None = None
    thin: tuple[Thin, ...] = ()
    interval: Interval | None = None


@dataclass(frozen=True)
class _Resampled:
    """Joints of resampled data: the members of a family."""

    data: tuple[Dataset, ...]
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


def bootstrap(
    found: Identified,
    data: Sequence[Dataset],
    estimate: Distribution,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    policies: Tables | None = None,
) -> Interval:
    """Percentile intervals for an estimate from data whose weights count cases; the same for the same `seed`.

    Raises:
        QueryError: Q011 if the weights are not counts, or `resamples` or `level` make no sense.
    """
    if resamples < 2 or not 0 < level < 1:
        raise QueryError(Diagnostic("Q011", "a bootstrap takes two resamples or more, and a level between 0 and 1"))
    totals = [float(d.weights.sum()) for d in data]
    if any(t < 2 or abs(t - round(t)) > 1e-9 for t in totals):
        raise QueryError(
            Diagnostic(
                "Q011",
                "these weights do not count cases, so nothing can be resampled",
                notes=(f"they sum to {', '.join(f'{t:g}' for t in totals)}",),
                help=("give rows, or weights that say how often each row was seen",),
            )
        )
    rng = np.random.default_rng(seed)
    kept: list[Array] = []
    left = resamples
    while left:
        count = min(left, _MOST_MEMBERS)
        weights = tuple(
            rng.multinomial(round(t), (d.weights / d.weights.sum()).astype(float), count).astype(float)
            for d, t in zip(data, totals, strict=True)
        )
        kept.append(_members(found, _Resampled(tuple(data), weights), count, estimate, policies or {}))
        left -= count
    values = np.concatenate(kept)
    if len(values) < 2:
        raise QueryError(
            Diagnostic("Q011", "nearly every resample lacks something that the estimate needs: no interval")
        )
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return Interval(
        Distribution(estimate.variables, low, estimate.values),
        Distribution(estimate.variables, high, estimate.values),
        level,
        resamples,
        resamples - len(values),
    )


def _members(found: Identified, joints: _Resampled, count: int, estimate: Distribution, policies: Tables) -> Array:
    """The estimates from the resamples that have one; axes as in `estimate`, behind the members."""
    wire = member(count)
    boxes = Reader(joints, Floats(), wire).boxes(found.estimand)
    query = replace(found.query, expectation=False)
    whole = family(found.estimand.model, wire)
    names = [MEMBER, *estimate.variables]
    sizes = [count, *(len(v) for v in estimate.values)]

    def ask(q: Query, tables: Tables) -> Array:
        axes, array = answer_array(whole, {**policies, **tables}, q, Floats())
        return arranged(array, [n for n, _ in axes], names, sizes)

    joint = Query((*query.targets, *query.given), (), query.surgeries)
    above = ask(joint, boxes.filled)
    good = np.ones(count, dtype=bool)
    if boxes.holes:
        good &= ~differs(above, ask(joint, boxes.emptied)).reshape(count, -1).any(axis=1)
    if query.given:
        below = ask(Query(query.given, (), query.surgeries), boxes.filled)
        good &= (below > 0).reshape(count, -1).all(axis=1)
        above = above / np.where(below > 0, below, 1)
    return above[good]


def thin_columns(found: Identified, data: Sequence[Dataset]) -> tuple[Thin, ...]:
    """The conditionals of an estimand that rest on few cases, those that rest on fewest first.

    Nothing is said of data whose weights are not counts.
    """
    told: dict[str, Thin] = {}
    for c in given_conditionals(found.estimand):
        assert isinstance(c.of, int)
        if data[c.of].weights.sum() < 2:
            continue
        names = [x.name for x in (*c.fed, *c.given)]
        counts = np.asarray(data[c.of].counts(names))
        fewest = counts.min()
        if fewest >= _THIN or not names:
            continue
        at = np.unravel_index(int(np.argmin(counts)), counts.shape)
        place = tuple((n, data[c.of].values[data[c.of].position(n)][i]) for n, i in zip(names, at, strict=True))
        told[c.name] = Thin(c.name, counts.size, int((counts == 0).sum()), place, float(fewest))
    return tuple(sorted(told.values(), key=lambda t: (t.cases, t.conditional)))


def naive(found: Identified) -> Query | None:
    """What is merely seen: the question with every `do` read as an observation; nothing if it has other surgery."""
    asked = found.asked
    if not asked.surgeries or not all(isinstance(s, Do | Open) for s in asked.surgeries):
        return None
    seen = [
        Term(s.variable, (s.value,)) if isinstance(s, Do) else Term(s.variable, axis=s.axis)
        for s in asked.surgeries
        if isinstance(s, Do | Open)
    ]
    return replace(asked, given=(*asked.given, *seen), surgeries=())
