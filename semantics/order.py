"""Orders in which to multiply the factors of a network: by variable elimination, or by greedy search for pairs.

A path is a list of pairs of tensor numbers: the factors first, then the products as they are made. Elimination is found
fast, and is as good as anything on networks that are narrow. Where a network is wide, as a grid is or a random graph,
greedy search for pairs (cotengra: Gray, Kourtis 2021) often finds an order that takes a tenth of the work or less, and
its implementation in Rust (cotengrust) is the fastest on all.

>>> elimination_path([(0,), (0, 1), (1, 2)], (2,), (2, 2, 2), "weight")
[(0, 1), (3, 2)]
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Sequence
from typing import Literal

Indices = tuple[int, ...]
Path = list[tuple[int, int]]
Score = Literal["weight", "fill", "weighted fill", "number"]

_WIDEST_FILL = 150  # neighbours; counting the missing edges among more takes longer than it can save


def elimination_path(
    inputs: Sequence[Indices], output: Indices, sizes: Sequence[int], score: Score, seed: int | None = None
) -> Path:
    """Sum out one index after the other, each time the one that looks cheapest.

    `"weight"` takes the index whose elimination makes the smallest table; `"fill"` the one that joins the fewest
    indices which are not yet together in a factor; `"weighted fill"` counts those with the logarithms of their sizes;
    `"number"` goes by the numbers, which follow the diagram: it sweeps through grids and long chains of layers.
    Ties go to the smaller table, then to the smaller number; a `seed` disturbs the scores a little, to find other
    orders. The path depends on nothing but the arguments.
    """
    return _multiply_buckets(inputs, output, sizes, _elimination_order(inputs, output, sizes, score, seed))


def greedy_path(inputs: Sequence[Indices], output: Indices, sizes: Sequence[int], costmod: float = 1.0) -> Path:
    """Multiply two tensors after the other, each time the two whose product looks cheapest.

    The larger `costmod`, the more the two that go away count against the product. The path depends on nothing but the
    arguments.

    Raises:
        OverflowError: if it meets tables whose sizes are no floats.
    """
    from cotengrust import optimize_greedy

    written = _written(inputs, output, sizes)
    return _pairs(optimize_greedy(*written, costmod=costmod, use_ssa=True), len(inputs))


def random_greedy_path(
    inputs: Sequence[Indices], output: Indices, sizes: Sequence[int], trials: int, seed: int
) -> Path:
    """The best of some greedy orders in which `costmod` and the choices are disturbed at random.

    The path depends on nothing but the arguments.

    Raises:
        OverflowError: if it meets tables whose sizes are no floats.
    """
    from cotengrust import optimize_random_greedy_track_flops

    written = _written(inputs, output, sizes)
    path, _ = optimize_random_greedy_track_flops(
        *written, ntrials=trials, costmod=(0.5, 4.0), temperature=(0.001, 0.1), seed=seed, use_ssa=True
    )
    return _pairs(path, len(inputs))


def _written(
    inputs: Sequence[Indices], output: Indices, sizes: Sequence[int]
) -> tuple[list[list[str]], list[str], dict[str, float]]:
    """Indices as the characters that cotengrust wants for them."""
    used = {x: chr(x + 192) if x < 55_000 else chr(x + 2_500) for indices in inputs for x in indices}  # no surrogates
    terms = [[used[x] for x in indices] for indices in inputs]
    return terms, [used[x] for x in output], {c: float(sizes[x]) for x, c in used.items()}


def _pairs(steps: Sequence[Sequence[int]], count: int) -> Path:
    """A path of steps that take any number of tensors as one of pairs; what is left over is multiplied last."""
    path: Path = []
    now = list(range(count))  # the numbers of tensors in `steps`, as they are here
    left = set(now)
    for step in steps:
        first = now[step[0]]
        left.discard(first)
        for number in step[1:]:
            other = now[number]
            left.discard(other)
            path.append((first, other))
            first = count + len(path) - 1
        now.append(first)
        left.add(first)
    first, *others = sorted(left)
    for other in others:
        path.append((first, other))
        first = count + len(path) - 1
    return path


class _Graph:
    """Which indices stand together in a factor, while indices are eliminated."""

    def __init__(self, inputs: Sequence[Indices], sizes: Sequence[int]) -> None:
        self.beside: dict[int, set[int]] = {}
        for indices in inputs:
            for x in indices:
                self.beside.setdefault(x, set()).update(indices)
        self.log = {x: math.log2(sizes[x]) for x in self.beside}
        for x, others in self.beside.items():
            others.discard(x)
        self.weight = {x: self.log[x] + sum(self.log[y] for y in others) for x, others in self.beside.items()}

    def eliminate(self, x: int) -> set[int]:
        """Join the neighbours of `x` to each other and take it away; returns them."""
        around = self.beside.pop(x)
        for y in around:
            new = around - self.beside[y]
            new.discard(y)
            self.beside[y] |= new
            self.beside[y].discard(x)
            self.weight[y] += sum(self.log[z] for z in new) - self.log[x]
        return around

    def fill(self, x: int, weighted: bool) -> float:
        """How much eliminating `x` would join that is not together."""
        around = sorted(self.beside[x])
        if len(around) > _WIDEST_FILL:
            return math.inf
        total = 0.0
        for k, y in enumerate(around):
            apart = [z for z in around[k + 1 :] if z not in self.beside[y]]
            total += self.log[y] * sum(self.log[z] for z in apart) if weighted else len(apart)
        return total


def _elimination_order(
    inputs: Sequence[Indices], output: Indices, sizes: Sequence[int], score: Score, seed: int | None
) -> list[int]:
    if score == "number":
        return sorted({x for indices in inputs for x in indices} - set(output))
    noise = None if seed is None else random.Random(seed)
    graph = _Graph(inputs, sizes)
    stay = set(output)
    current: dict[int, tuple[float, float]] = {}
    heap: list[tuple[float, float, int]] = []

    def rate(x: int) -> None:
        fill = 0.0 if score == "weight" else graph.fill(x, score == "weighted fill")
        disturbed = 0.0 if noise is None else noise.random()
        key = (fill + disturbed, graph.weight[x]) if fill else (0.0, round(graph.weight[x] + disturbed, 6))
        current[x] = key
        heapq.heappush(heap, (*key, x))

    for x in graph.beside:
        if x not in stay:
            rate(x)
    order: list[int] = []
    while heap:
        *key, x = heapq.heappop(heap)
        if x not in graph.beside or current[x] != tuple(key):
            continue
        order.append(x)
        touched = graph.eliminate(x)
        if score != "weight":
            touched = touched.union(*(graph.beside[y] for y in touched))
        for y in sorted(touched - stay):
            rate(y)
    return order


def _multiply_buckets(inputs: Sequence[Indices], output: Indices, sizes: Sequence[int], order: Sequence[int]) -> Path:
    """For each index in turn multiply all that has it, the smallest tables first; last, multiply what is left."""
    tensors: list[Indices | None] = list(inputs)
    holders: dict[int, set[int]] = {x: {-1} for x in output}  # -1: the output holds it to the end
    for number, indices in enumerate(inputs):
        for x in indices:
            holders.setdefault(x, set()).add(number)
    path: Path = []

    def multiply(bucket: Sequence[int]) -> None:
        heap = [(_volume(tensors[t] or (), sizes), t) for t in bucket]
        heapq.heapify(heap)
        while len(heap) > 1:
            one, other = heapq.heappop(heap)[1], heapq.heappop(heap)[1]
            indices = dict.fromkeys((*(tensors[one] or ()), *(tensors[other] or ())))
            made = len(tensors)
            for x in indices:
                holders[x] -= {one, other}
            kept = tuple(x for x in indices if holders[x])
            for x in kept:
                holders[x].add(made)
            tensors[one] = tensors[other] = None
            tensors.append(kept)
            path.append((one, other))
            heapq.heappush(heap, (_volume(kept, sizes), made))

    for x in order:
        multiply(sorted(holders[x]))
    multiply([t for t, indices in enumerate(tensors) if indices is not None])
    return path


def _volume(indices: Indices, sizes: Sequence[int]) -> int:
    return math.prod(sizes[x] for x in indices)
