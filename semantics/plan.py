"""Planning a contraction: in which order to multiply the factors of a network, and what that will cost.

The order is that of variable elimination by table size, which is found in time about linear in the network. Where it
promises much work, other orders are tried too, as long as finding them takes a small part of the work that is left, and
the cheapest is taken. Memory and work are known from the plan, before anything is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from semantics.network import Network
from semantics.order import Indices, Path, elimination_path, greedy_path

# All in nanoseconds, roughly.
_WORTH_SEARCH = 5 * 10**7  # the time from which on looking for a better order pays
_SHARE = 5  # looking takes at most this part of the time that the best order found so far takes,
_MOST_EFFORT = 3 * 10**9  # and at most so much, however long that is
_TO_FIT = 10**9  # but so much if that order needs more memory than there is
_MULTIPLIED = 0.1  # for a multiplication of floats, in a matrix product
_MOVED = 1  # for an entry that is read or written
_LARGE = 2**22  # entries; a larger table is got from the system every time,
_SLOWER = 8  # which makes its entries so much slower to move
_ROUNDS = 4

Find = Callable[[Sequence[Indices], Indices, Sequence[int]], Path]


@dataclass(frozen=True, slots=True)
class Step:
    """Multiply the tensors `left` and `right` (numbers: factors first, then the results of steps).

    The indices of the two fall into four parts: `shared` ones stay, `summed` ones are summed, `left_only` and
    `right_only` ones stay. `left_order` and `right_order` bring the axes into the orders (shared, left_only, summed)
    and (shared, summed, right_only).
    """

    left: int
    right: int
    shared: Indices
    left_only: Indices
    right_only: Indices
    summed: Indices
    left_order: Indices
    right_order: Indices

    @property
    def indices(self) -> Indices:
        """The indices of the result."""
        return (*self.shared, *self.left_only, *self.right_only)


@dataclass(frozen=True)
class Plan:
    """Steps, and what they cost.

    `alone` are for each factor the axes to sum first; `final` brings the axes of the last tensor into the order of the
    output. `peak` is the largest number of entries alive at once, `work` the number of multiplications, `moved` the
    number of entries that steps read and write (more for large tables, which are slower), `widest` the names of the
    variables of the largest table.
    """

    steps: tuple[Step, ...]
    alone: tuple[Indices, ...]
    final: Indices
    peak: int
    work: int
    moved: int
    widest: tuple[str, ...]


def plan(network: Network, slowness: int = 1, room: int | None = None) -> Plan:
    """The fastest plan found for `network`, the same every time; more `slowness` of arithmetic makes it try more.

    With `room`, plans that keep at most so many entries alive go before all others.
    """
    inputs = [f.indices for f in network.factors]

    def rank(p: Plan) -> tuple[bool, float]:
        return room is not None and p.peak > room, _time(p, slowness)

    best = follow(network, elimination_path(inputs, network.output, network.sizes, "weight"))
    spent = 0
    for effort, find in _trials(len(best.widest)):
        too_large, time = rank(best)
        if time <= _WORTH_SEARCH and not too_large:
            break
        budget = min(max(time / _SHARE, _TO_FIT * too_large), _MOST_EFFORT)
        if spent + effort * len(inputs) > budget:
            continue
        spent += effort * len(inputs)
        with suppress(OverflowError):  # tables larger than any number that greedy search can compare
            best = min(best, follow(network, find(inputs, network.output, network.sizes)), key=rank)
    return best


def _trials(width: int) -> Iterator[tuple[int, Find]]:
    """Ways to find an order, and about how long they take for each factor: quick ones first, then the random.

    `width` is how many variables the widest table has that was found so far.
    """
    filling, weighing = 60_000 + 850 * width**2, 30_000 + 800 * width
    once: list[tuple[int, Find]] = [
        (20_000, partial(elimination_path, score="number")),
        (30_000 + 1_500 * width, partial(greedy_path, costmod=1.0)),
        (30_000 + 1_500 * width, partial(greedy_path, costmod=0.5)),
        (40_000 + 10_000 * width, partial(greedy_path, costmod=2.0)),
        (filling, partial(elimination_path, score="fill")),
    ]
    yield from sorted(once, key=lambda trial: trial[0])
    for k in range(_ROUNDS):
        yield 100_000 + 45_000 * width, partial(greedy_path, seed=k)
        yield weighing, partial(elimination_path, score="weight", seed=2 * k)
        yield weighing, partial(elimination_path, score="weight", seed=2 * k + 1)
        yield filling, partial(elimination_path, score="fill", seed=k)


def _time(p: Plan, slowness: int) -> float:
    """About how long it takes to carry out a plan; matrix products of floats are fast, and moving entries is not."""
    try:
        return p.work * (_MULTIPLIED if slowness == 1 else float(slowness)) + p.moved * float(_MOVED) + p.peak
    except OverflowError:
        return math.inf


def follow(network: Network, path: Path) -> Plan:
    """The plan that follows a path, with its cost."""
    costing = _Costing(network)
    for left, right in path:
        costing.multiply(left, right)
    last = costing.tensors[-1]
    final = tuple(last.index(x) for x in network.output)
    names = tuple(network.names[x] for x in costing.widest)
    return Plan(tuple(costing.steps), costing.alone, final, costing.peak, costing.work, costing.moved, names)


@dataclass
class _Costing:
    """Follows a path without computing: which tensors there are, and what has been spent."""

    network: Network
    tensors: list[Indices] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    widest: Indices = ()
    alive: int = 0
    peak: int = 0
    work: int = 0
    moved: int = 0

    def __post_init__(self) -> None:
        self.uses = [0] * len(self.network.sizes)  # tensors that have an index; the output counts as one
        for indices in (*(f.indices for f in self.network.factors), self.network.output):
            for x in indices:
                self.uses[x] += 1
        alone = []
        for f in self.network.factors:
            alone.append(tuple(k for k, x in enumerate(f.indices) if self.uses[x] == 1))
            self._add(tuple(x for x in f.indices if self.uses[x] > 1))
        self.alone = tuple(alone)
        self.peak = max(map(self._volume, self.tensors))

    def multiply(self, left: int, right: int) -> None:
        one, other = self.tensors[left], self.tensors[right]
        step = _step(left, right, one, other, self.uses)
        for x in step.shared:
            self.uses[x] -= 1
        made = self._volume(step.indices)
        copies = self._volume(one) + self._volume(other)
        self.peak = max(self.peak, self.alive + copies + made)
        self.alive += made - sum(self._volume(self.tensors[t]) for t in (left, right) if t >= len(self.network.factors))
        self.work += made * self._volume(step.summed)
        self.moved += sum(n if n <= _LARGE else _SLOWER * n for n in (self._volume(one), self._volume(other), made))
        self.steps.append(step)
        self._add(step.indices)

    def _add(self, indices: Indices) -> None:
        self.tensors.append(indices)
        if self._volume(indices) > self._volume(self.widest):
            self.widest = indices

    def _volume(self, indices: Indices) -> int:
        return math.prod(self.network.sizes[x] for x in indices)


def _step(left: int, right: int, one: Indices, other: Indices, uses: Sequence[int]) -> Step:
    """The step that multiplies tensors over `one` and `other`."""
    at = {x: k for k, x in enumerate(one)}
    other_at = {x: k for k, x in enumerate(other)}
    shared = tuple(x for x in one if x in other_at and uses[x] > 2)
    summed = tuple(x for x in one if x in other_at and uses[x] == 2)
    left_only = tuple(x for x in one if x not in other_at)
    right_only = tuple(x for x in other if x not in at)
    left_order = tuple(at[x] for x in (*shared, *left_only, *summed))
    right_order = tuple(other_at[x] for x in (*shared, *summed, *right_only))
    return Step(left, right, shared, left_only, right_only, summed, left_order, right_order)
