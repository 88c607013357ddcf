"""Contractions in slices: where the tables on the way are too large, some indices are fixed at one value after the
other, and the results are added up.

Every slice is a contraction of the same form, with smaller tables, so one plan serves all. The sum is the same in every
arithmetic. Which indices to fix is searched greedily, with some local improvement of the order in between (Gray,
Kourtis 2021, Quantum 5, 410, section 4.5: cotengra's slicing and subtree reconfiguration).

>>> found = find_slices([(0, 1), (1, 2), (2, 0)], (), (8, 8, 8), plan([(0, 1), (1, 2), (2, 0)], (), (8, 8, 8)), 100)
>>> found.count, found.plan.peak <= 100
(8, True)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from semantics.arithmetic import Arithmetic, Tensor
from semantics.network import Factor, Network
from semantics.order import Indices, Path
from semantics.plan import Plan, Sizes, follow, plan
from semantics.workers import in_order

Progress = Callable[[int, int], None]
Run = Callable[[Plan, Network, Arithmetic], Tensor]

_MOST_PARTS = 256  # slices are added up in so many parts; the parts do not depend on who does them
_STEP_SECONDS = 2e-5  # what a step takes besides its arithmetic
_IMPROVED = 64  # subtrees, after every index that is fixed

LONGEST = 30 * 86400
"""Seconds that slices may take."""


@dataclass(frozen=True)
class Slices:
    """Indices to fix, how many combinations of values they have, and the plan for each of them."""

    indices: Indices
    count: int
    plan: Plan

    def seconds(self, slowness: int) -> float:
        """About how long all slices take, one after another."""
        try:
            each = self.plan.nanoseconds * slowness * 1e-9 + len(self.plan.steps) * _STEP_SECONDS
            return self.count * each
        except OverflowError:
            return math.inf


@dataclass(frozen=True)
class Asked:
    """That contractions may be done in slices, and who is told how many are done."""

    on_progress: Progress | None = None


_ASKED: ContextVar[Asked | None] = ContextVar("slices", default=None)


def asked() -> Asked | None:
    """Whether contractions may be done in slices here."""
    return _ASKED.get()


@contextmanager
def in_slices(on_progress: Progress | None = None) -> Iterator[None]:
    """Do contractions in slices where they need too much memory otherwise."""
    token = _ASKED.set(Asked(on_progress))
    try:
        yield
    finally:
        _ASKED.reset(token)


def find_slices(
    inputs: Sequence[Indices], output: Indices, sizes: Sizes, planned: Plan, room: int, slowness: int = 1
) -> Slices | None:
    """Which indices to fix so that a plan keeps at most `room` entries alive, besides two tables of the output; `None`
    if there are none. The same every time.

    After every index that is fixed the order is looked for anew: what is left is another network. The search ends where
    slices would take longer than `LONGEST`, and gives those that it has.
    """
    room -= 2 * math.prod([sizes[x] for x in output])  # the sum so far, and what is added to it
    inner = {x for i in inputs for x in i}.difference(output)
    if room <= 0 or not planned.steps:
        return None
    fixed: set[int] = set()
    path = [(s.left, s.right) for s in planned.steps]
    while len(fixed) < len(inner):
        more, path = _fix_more(_without(inputs, fixed), output, sizes, path)
        fixed |= more
        left = _without(inputs, fixed)
        found = [follow(left, output, sizes, path), plan(left, output, sizes, slowness, room)]
        best = min(found, key=lambda p: (p.peak > room, p.nanoseconds))
        slices = Slices(tuple(sorted(fixed)), math.prod([sizes[x] for x in fixed]), best)
        if best.peak <= room or slices.seconds(slowness) > LONGEST:
            return slices
        fastest = min(found, key=lambda p: p.nanoseconds)
        path = [(s.left, s.right) for s in fastest.steps]
    return None


def _without(inputs: Sequence[Indices], fixed: set[int]) -> list[Indices]:
    return [tuple([x for x in i if x not in fixed]) for i in inputs]


def _fix_more(inputs: Sequence[Indices], output: Indices, sizes: Sizes, path: Path) -> tuple[set[int], Path]:
    """An index that it is good to fix, and a path for what is left."""
    from cotengra import ContractionTree, get_symbol

    numbers = {get_symbol(k): x for k, x in enumerate(sorted({x for i in inputs for x in i}))}
    symbols = {x: s for s, x in numbers.items()}
    tree = ContractionTree.from_path(
        [[symbols[x] for x in i] for i in inputs],
        [symbols[x] for x in output],
        {s: sizes[x] for s, x in numbers.items()},
        ssa_path=path,
    )
    for _, one, other in tree.traverse():  # from the leaves up: its own recursion is too deep for long paths
        tree.get_legs(one)
        tree.get_legs(other)
    tree.slice_(target_slices=2, allow_outer=False, minimize="size", seed=0)
    tree.subtree_reconfigure_(maxiter=_IMPROVED, seed=0)
    return {numbers[s] for s in tree.sliced_inds}, [(i, j) for i, j in tree.get_ssa_path()]


def run_slices(
    slices: Slices, network: Network, arithmetic: Arithmetic, run: Run, on_progress: Progress | None
) -> Tensor:
    """The sum of all slices, each carried out by `run`."""
    size = -(-slices.count // _MOST_PARTS)
    parts = [range(k, min(k + size, slices.count)) for k in range(0, slices.count, size)]
    total: Tensor | None = None
    done = 0
    for part, found in zip(parts, in_order(partial(_add_up, slices, network, arithmetic, run), parts), strict=True):
        total = found if total is None else arithmetic.plus(total, found)
        done += len(part)
        if on_progress is not None:
            on_progress(done, slices.count)
    assert total is not None  # no type is empty
    return total


def _add_up(slices: Slices, network: Network, arithmetic: Arithmetic, run: Run, numbers: range) -> Tensor:
    """The sum of the slices with some numbers, one after another."""
    sizes = [network.sizes[x] for x in slices.indices]
    total: Tensor | None = None
    for number in numbers:
        at = dict(zip(slices.indices, map(int, np.unravel_index(number, sizes)), strict=True))
        factors = tuple([_sliced(f, at) for f in network.factors])
        found = run(slices.plan, replace(network, factors=factors), arithmetic)
        total = found if total is None else arithmetic.plus(total, found)
    assert total is not None
    return total


def _sliced(factor: Factor, at: dict[int, int]) -> Factor:
    if not any(x in at for x in factor.indices):
        return factor
    array = factor.array[(*[at.get(x, slice(None)) for x in factor.indices], ...)]
    return Factor(array, tuple([x for x in factor.indices if x not in at]))
