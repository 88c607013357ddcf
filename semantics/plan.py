"""Planning a contraction: in which order to multiply the factors of a network, and what that will cost.

A plan depends on which indices the factors have and how many values each index has, not on numbers. Plans are kept, so
that a second question of the same form needs none. A greedy order is found in microseconds; where it promises much
work, other orders are tried too, as long as finding them takes a small part of the work that is left, and the cheapest
is taken. Memory and work are known from the plan, before anything is computed.

>>> found = plan([(0,), (0, 1), (1, 2)], (2,), (2, 3, 4))
>>> found.work, found.peak
(32, 26)
>>> plan([(7,), (7, 5), (5, 3)], (3,), {7: 2, 5: 3, 3: 4}).steps == found.steps  # other names for the same
True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import NamedTuple

from semantics.order import Indices, Path, elimination_path, greedy_path, random_greedy_path

# All in nanoseconds, roughly.
_SHARE = 4  # looking takes at most this part of the time that the best order found so far takes,
_MOST_EFFORT = 3 * 10**9  # and at most so much, however long that is
_TO_FIT = 5 * 10**8  # but so much if that order needs more memory than there is,
_HOPELESS = 2**24  # unless it needs so many times more
_MULTIPLIED = 0.1  # for a multiplication of floats, in a matrix product
_MOVED = 1  # for an entry that is read or written
_LARGE = 2**22  # entries; a larger table is got from the system every time,
_SLOWER = 8  # which makes its entries so much slower to move
_CHEAPEST = 15_000  # for each factor: the least that another order costs
_ROUNDS = 4

_KEPT = 256  # plans
_LONGEST_KEPT = 2_000  # factors; a larger plan is not kept

Sizes = Sequence[int] | Mapping[int, int]
Find = Callable[[Sequence[Indices], Indices, Sequence[int]], Path]


class Step(NamedTuple):
    """Multiply the tensors `left` and `right` (numbers: factors first, then the results of steps).

    The indices of the two fall into four parts: shared ones that stay, those of the left alone, those of the right
    alone, and shared ones that are summed; `dims` are the volumes of these parts. `left_order` and `right_order` bring
    the axes into the orders (shared, left, summed) and (shared, summed, right); `None` where they stand so. The result
    has an axis for each index of the first three parts; `shape` are their sizes.
    """

    left: int
    right: int
    left_order: Indices | None
    right_order: Indices | None
    dims: tuple[int, int, int, int]
    shape: tuple[int, ...]


class Plan(NamedTuple):
    """Steps, and what they cost.

    `alone` are for each factor the axes to sum first; `final` brings the axes of the last tensor into the order of the
    output. `peak` is the largest number of entries alive at once, `work` the number of multiplications, `moved` the
    number of entries that steps read and write (more for large tables, which are slower), `widest` the indices of the
    largest table, `axes` the largest number of axes of a table.
    """

    steps: tuple[Step, ...]
    alone: tuple[Indices, ...]
    final: Indices
    peak: int
    work: int
    moved: int
    widest: Indices
    axes: int

    @property
    def cost(self) -> Plan:
        """What it costs, without the steps."""
        return self._replace(steps=(), alone=())

    @property
    def nanoseconds(self) -> float:
        """About how long it takes to carry out in floats: matrix products are fast, and moving entries is not."""
        return _time(self, 1)


def plan(inputs: Sequence[Indices], output: Indices, sizes: Sizes, slowness: int = 1, room: int | None = None) -> Plan:
    """The fastest plan found for factors over `inputs`, the same every time; more `slowness` of arithmetic makes it try
    more.

    With `room`, plans that keep at most so many entries alive go before all others.
    """
    numbers: dict[int, int] = {}  # indices by first appearance: networks that only differ in these have one plan
    local = tuple([tuple([numbers.setdefault(x, len(numbers)) for x in indices]) for indices in inputs])
    kept = tuple([numbers.setdefault(x, len(numbers)) for x in output])
    found = planned(local, kept, tuple([sizes[x] for x in numbers]), slowness, room)
    if all(x == k for x, k in numbers.items()):
        return found
    names = tuple(numbers)
    return found._replace(widest=tuple(names[k] for k in found.widest))


def planned(
    inputs: tuple[Indices, ...], output: Indices, sizes: tuple[int, ...], slowness: int = 1, room: int | None = None
) -> Plan:
    """As `plan`, where the indices are numbered by first appearance already."""
    find = _kept if len(inputs) <= _LONGEST_KEPT else _search
    return find(inputs, output, sizes, slowness, room)


def _search(
    inputs: tuple[Indices, ...], output: Indices, sizes: tuple[int, ...], slowness: int, room: int | None
) -> Plan:
    def rank(p: Plan) -> tuple[bool, float]:
        return room is not None and p.peak > room, _time(p, slowness)

    best: Plan | None = None
    with suppress(OverflowError):  # tables larger than any number that greedy search can compare
        best = follow(inputs, output, sizes, greedy_path(inputs, output, sizes))
    if best is None:
        best = follow(inputs, output, sizes, elimination_path(inputs, output, sizes, "weight"))
    if not rank(best)[0] and _time(best, slowness) / _SHARE < _CHEAPEST * len(inputs):
        return best
    spent = 0
    for effort, find in _trials(len(best.widest)):
        too_large, time = rank(best)
        budget = min(time / _SHARE, _MOST_EFFORT)
        if too_large and room is not None:
            budget = min(max(budget, _TO_FIT), _TO_FIT if best.peak // max(room, 1) < _HOPELESS else _TO_FIT / 5)
        if spent + effort * len(inputs) > budget:
            continue
        spent += effort * len(inputs)
        with suppress(OverflowError):
            best = min(best, follow(inputs, output, sizes, find(inputs, output, sizes)), key=rank)
    return best


_kept = lru_cache(maxsize=_KEPT)(_search)


def _trials(width: int) -> Iterator[tuple[int, Find]]:
    """Ways to find an order, and about how long they take for each factor: quick ones first, then the random.

    `width` is how many variables the widest table has that was found so far.
    """
    filling, weighing, drawing = 60_000 + 1_300 * width**2, 18_000 + 1_500 * width, 5_500 * width
    yield _CHEAPEST, partial(greedy_path, costmod=0.5)
    yield weighing, partial(elimination_path, score="weight")
    yield 30_000, partial(elimination_path, score="number")
    yield 50_000 + drawing, partial(random_greedy_path, trials=16, seed=0)
    yield filling, partial(elimination_path, score="fill")
    for k in range(_ROUNDS):
        yield 200_000 + drawing, partial(random_greedy_path, trials=64, seed=k + 1)
        yield weighing, partial(elimination_path, score="weight", seed=2 * k)
        yield weighing, partial(elimination_path, score="weight", seed=2 * k + 1)
        yield filling, partial(elimination_path, score="fill", seed=k)


def _time(p: Plan, slowness: int) -> float:
    try:
        return p.work * (_MULTIPLIED if slowness == 1 else float(slowness)) + p.moved * float(_MOVED) + p.peak
    except OverflowError:
        return math.inf


def follow(inputs: Sequence[Indices], output: Indices, sizes: Sizes, path: Path) -> Plan:
    """The plan that follows a path, with its cost."""
    uses: dict[int, int] = {}  # tensors that have an index; the output counts as one
    for indices in (*inputs, output):
        for x in indices:
            uses[x] = uses.get(x, 0) + 1
    alone = tuple([tuple([k for k, x in enumerate(indices) if uses[x] == 1]) for indices in inputs])
    tensors = [tuple([x for x in i if uses[x] > 1]) if a else tuple(i) for i, a in zip(inputs, alone, strict=True)]
    volumes = [math.prod([sizes[x] for x in indices]) for indices in tensors]
    widest = volumes.index(max(volumes))
    peak, work, moved, alive, factors = volumes[widest], 0, 0, 0, len(inputs)
    steps = []
    for left, right in path:
        one, other = tensors[left], tensors[right]
        b = k = 1
        shared: Indices = ()
        left_only: Indices = ()
        summed: Indices = ()
        for x in one:
            if x not in other:
                left_only += (x,)
            elif uses[x] > 2:
                shared += (x,)
                b *= sizes[x]
                uses[x] -= 1
            else:
                summed += (x,)
                k *= sizes[x]
        right_only = () if len(shared) + len(summed) == len(other) else tuple([x for x in other if x not in one])
        before, after, made = shared + left_only + summed, shared + summed + right_only, shared + left_only + right_only
        read_left, read_right = volumes[left], volumes[right]
        i, j = read_left // (b * k), read_right // (b * k)
        volume = b * i * j
        steps.append(
            Step(
                left,
                right,
                None if before == one else tuple([one.index(x) for x in before]),
                None if after == other else tuple([other.index(x) for x in after]),
                (b, i, j, k),
                tuple([sizes[x] for x in made]),
            )
        )
        now = alive + read_left + read_right + volume  # both sides may be copied when their axes are moved
        if now > peak:
            peak = now
        alive += volume - (read_left if left >= factors else 0) - (read_right if right >= factors else 0)
        work += volume * k
        moved += sum([v if v <= _LARGE else _SLOWER * v for v in (read_left, read_right, volume)])
        tensors.append(made)
        volumes.append(volume)
        if volume > volumes[widest]:
            widest = len(volumes) - 1
    final = tuple([tensors[-1].index(x) for x in output])
    return Plan(tuple(steps), alone, final, peak, work, moved, tensors[widest], max(map(len, tensors)))
