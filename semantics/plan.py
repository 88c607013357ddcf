"""Planning a contraction: in which order to multiply the factors of a network, and what that will cost.

The order is that of variable elimination by table size, which is found in time about linear in the network. Where it
promises much work, other elimination orders are tried too and the cheapest is taken. Memory and work are known from
the plan, before anything is computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from semantics.network import Network
from semantics.order import Indices, Path, Score, elimination_path

_WORTH_FILL = 3 * 10**7  # multiplications of floats from which on looking for a better order pays
_WORTH_SEARCH = 2 * 10**8
_OTHER_SCORES: tuple[Score, ...] = ("fill", "weighted fill", "number")
_TRIALS = 24
_SEARCH_EFFORT = 6000  # factors over all trials: a large network gets fewer


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
    output. `peak` is the largest number of entries alive at once, `work` the number of multiplications, `widest` the
    names of the variables of the largest table.
    """

    steps: tuple[Step, ...]
    alone: tuple[Indices, ...]
    final: Indices
    peak: int
    work: int
    widest: tuple[str, ...]


def plan(network: Network, slowness: int = 1) -> Plan:
    """The cheapest plan found for `network`, the same every time; more `slowness` of arithmetic makes it try more."""
    inputs = [f.indices for f in network.factors]

    def eliminating(score: Score, seed: int | None = None) -> Plan:
        return follow(network, elimination_path(inputs, network.output, network.sizes, score, seed))

    best = eliminating("weight")
    if _cost(best) * slowness > _WORTH_FILL:
        best = min(best, *(eliminating(s) for s in _OTHER_SCORES), key=_cost)
    for seed in range(min(_TRIALS, _SEARCH_EFFORT // len(inputs))):
        if _cost(best) * slowness <= _WORTH_SEARCH:
            break
        best = min(best, eliminating("fill" if seed % 3 == 0 else "weight", seed), key=_cost)
    return best


def _cost(p: Plan) -> int:
    return p.work + 4 * p.peak


def follow(network: Network, path: Path) -> Plan:
    """The plan that follows a path, with its cost."""
    costing = _Costing(network)
    for left, right in path:
        costing.multiply(left, right)
    last = costing.tensors[-1]
    final = tuple(last.index(x) for x in network.output)
    names = tuple(network.names[x] for x in costing.widest)
    return Plan(tuple(costing.steps), costing.alone, final, costing.peak, costing.work, names)


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
