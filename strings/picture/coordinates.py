"""Where everything stands: x by least total bend, y by stacking the layers.

The x coordinates minimise `sum weight * |offset of a segment from the vertical|` while neighbours in a layer keep their
distance: exactly, by network simplex (Gansner et al. 1993, section 4.2), in small pictures; in large ones the simplex
starts from coordinates found by sweeps and stops after a bounded number of steps. The bends of one wire share one
coordinate wherever they can, that is unless another such wire crosses between them, so long wires are straight.
Lengths are in points; `y` grows downwards as in SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from strings.picture.glyphs import Size, port_offset
from strings.picture.layers import Layered, Segment
from strings.picture.ordering import Order
from strings.picture.simplex import Edge, solve

FAN = 30  # distance between the legs of a copy dot
_LEG, _WIRE, _LONG, _DOT = 2, 6, 12, 24  # what a bend costs: in a leg, a wire, a long wire, and below a dot


@dataclass(frozen=True)
class Layout:
    """A placed graph: the middle `x` of every vertex, and for every layer where it begins (`top`) and ends (`bottom`).

    `order` lists the vertices of each layer from left to right, `sizes` has the room that each was given. `steep` has
    the legs of dots that cross other segments: they rise more steeply, so that the crossing is plain to see.
    """

    net: Layered
    order: tuple[tuple[int, ...], ...]
    x: tuple[int, ...]
    top: tuple[int, ...]
    bottom: tuple[int, ...]
    sizes: tuple[Size, ...]
    steep: frozenset[tuple[int, int]]

    @property
    def width(self) -> int:
        return max((x + s.right for x, s in zip(self.x, self.sizes, strict=True)), default=0)

    @property
    def height(self) -> int:
        return max(self.bottom, default=0)

    @cached_property
    def next_x(self) -> dict[int, int]:
        """For every bend, where its wire enters the layer above."""
        return {s.low: self.arrival(s) for s in self.net.segments if self.net.is_bend(s.low)}

    def arrival(self, s: Segment) -> int:
        """Where a segment enters its upper layer."""
        return self.x[s.high] + _arrive_offset(self.net, self.sizes, s)

    def departure(self, s: Segment) -> int:
        """Where a segment leaves its lower layer."""
        return self.x[s.low] + _leave_offset(self.net, self.sizes, s, {})

    def edge_of(self, vertex: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the room of a vertex, the height of its layer included."""
        level, size = self.net.layer[vertex], self.sizes[vertex]
        return self.x[vertex] - size.left, self.top[level], self.x[vertex] + size.right, self.bottom[level]


def place(net: Layered, order: Order, sizes: Sequence[Size]) -> Layout:
    """Coordinates for an ordered graph; `sizes` are those of the parts, bends take next to no room."""
    every = (*sizes, *(Size(3, 3, 0) for _ in range(len(net.layer) - len(sizes))))
    x = _horizontal(net, order, every)
    left = min((v - s.left for v, s in zip(x, every, strict=True)), default=0)
    x = [v - left for v in x]
    steep = _crossing_legs(net, order)
    top, bottom = _vertical(net, order, every, x, steep)
    return Layout(net, tuple(tuple(row) for row in order), tuple(x), tuple(top), tuple(bottom), every, steep)


def _crossing_legs(net: Layered, order: Order) -> frozenset[tuple[int, int]]:
    """The legs of dots that cross a leg of another dot, each as the dot and its port."""
    place_in_row = {v: k for row in order for k, v in enumerate(row)}
    by_level: dict[int, list[tuple[int, tuple[int, int], tuple[int, int]]]] = {}
    for s in net.segments:
        if net.is_dot(s.low):
            leg = (place_in_row[s.low], (place_in_row[s.high], s.port), (s.low, s.out))
            by_level.setdefault(net.layer[s.low], []).append(leg)
    return frozenset(
        leg
        for legs in by_level.values()
        for a, b, leg in legs
        if any((a < c and b > d) or (a > c and b < d) for c, d, _ in legs)
    )


def _vertical(
    net: Layered, order: Order, sizes: Sequence[Size], x: Sequence[int], steep: frozenset[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """Top and bottom of every layer; gaps are higher where wires travel far or a dot spreads its legs."""
    gaps = [22] * net.depth
    for s in net.segments:
        level = net.layer[s.low]
        travel = abs(x[s.low] - x[s.high])
        need = min(22 + travel // 5, 96)
        if net.is_dot(s.low):
            need = 40 if (s.low, s.out) in steep else 30 if travel < 2 * FAN else min(24 + travel // 8, 60)
        gaps[level] = max(gaps[level], need)
    top, bottom = [0] * net.depth, [0] * net.depth
    y = 0
    for level in reversed(range(net.depth)):
        top[level] = y
        y += max((sizes[v].height for v in order[level]), default=0)
        bottom[level] = y
        y += gaps[level - 1] if level else 0
    return top, bottom


def _horizontal(net: Layered, order: Order, sizes: Sequence[Size]) -> list[int]:
    """The x coordinate of every vertex."""
    unit = _merge_bends(net, order)
    count = max(unit, default=-1) + 1
    if not count:
        return []
    apart: dict[tuple[int, int], int] = {}
    for row in order:
        for a, b in pairwise(row):
            pair = (unit[a], unit[b])
            apart[pair] = max(apart.get(pair, 0), _distance(net, sizes, a, b))
    pulls = _pulls(net, order, sizes, unit)
    start = _sweeps(count, apart, pulls)
    edges = [Edge(a, b, d, 0) for (a, b), d in apart.items()]
    n = count
    rank = list(start)
    for a, b, wanted, weight in pulls:
        edges.append(Edge(n, a, max(0, -wanted), weight))
        edges.append(Edge(n, b, max(0, wanted), weight))
        rank.append(min(rank[a] - max(0, -wanted), rank[b] - max(0, wanted)))
        n += 1
    low = min(rank)
    edges.extend(Edge(n, unit[row[0]], 0, 0) for row in order if row)
    rank.append(low)
    ranks = solve(n + 1, edges, rank, max_pivots=max(200, 2_000_000 // n), loose=_LEG)
    return [ranks[unit[v]] for v in range(len(net.layer))]


def _distance(net: Layered, sizes: Sequence[Size], a: int, b: int) -> int:
    bends = net.is_bend(a) + net.is_bend(b)
    return sizes[a].right + sizes[b].left + (14, 12, 12)[bends]


def _merge_bends(net: Layered, order: Order) -> list[int]:
    """A number for every vertex; bends of a wire have the same one unless another such wire crosses between them.

    Pieces of wires that do not cross have a consistent order from left to right, so the distances stay satisfiable.
    """
    place_in_row = {v: k for row in order for k, v in enumerate(row)}
    by_gap: dict[int, list[tuple[int, int, int]]] = {}
    for s in net.segments:
        if net.is_bend(s.low) and net.is_bend(s.high):
            by_gap.setdefault(net.layer[s.low], []).append((place_in_row[s.low], place_in_row[s.high], s.high))
    straight = {v for gap in by_gap.values() for v in _uncrossed(gap)}
    unit = [-1] * len(net.layer)
    count = 0
    for v in range(len(net.graph.parts)):
        unit[v] = count
        count += 1
    for chain in net.chains:
        for below, v in pairwise(chain[:-1]):
            if v in straight:
                unit[v] = unit[below]
            else:
                unit[v] = count
                count += 1
    return unit


def _uncrossed(gap: list[tuple[int, int, int]]) -> list[int]:
    """The upper ends of those segments between two layers that no other one crosses."""
    gap = sorted(gap)
    least_after = [1 << 30] * (len(gap) + 1)
    for k in range(len(gap) - 1, -1, -1):
        least_after[k] = min(least_after[k + 1], gap[k][1])
    found, most_before = [], -1
    for k, (_, high, v) in enumerate(gap):
        if most_before < high < least_after[k + 1]:
            found.append(v)
        most_before = max(most_before, high)
    return found


def _pulls(net: Layered, order: Order, sizes: Sequence[Size], unit: list[int]) -> list[tuple[int, int, int, int]]:
    """(a, b, wanted, weight) for every segment: `x[b] - x[a]` should be `wanted`."""
    place_in_row = {v: k for row in order for k, v in enumerate(row)}
    legs: dict[int, list[Segment]] = {}
    for s in net.segments:
        if net.is_dot(s.low):
            legs.setdefault(s.low, []).append(s)
    fan: dict[Segment, int] = {}
    for spread in legs.values():
        spread.sort(key=lambda s: (place_in_row[s.high], s.port))
        for j, s in enumerate(spread):
            fan[s] = (2 * j - len(spread) + 1) * FAN // 2
    pulls = []
    for s in net.segments:
        if unit[s.low] != unit[s.high]:
            wanted = _leave_offset(net, sizes, s, fan) - _arrive_offset(net, sizes, s)
            pulls.append((unit[s.low], unit[s.high], wanted, _weight(net, s)))
    return pulls


def _leave_offset(net: Layered, sizes: Sequence[Size], s: Segment, fan: dict[Segment, int]) -> int:
    if net.is_bend(s.low):
        return 0
    if net.is_dot(s.low):
        return fan.get(s, 0)
    return port_offset(s.out, net.graph.parts[s.low].outs, sizes[s.low].pitch)


def _arrive_offset(net: Layered, sizes: Sequence[Size], s: Segment) -> int:
    return 0 if net.is_bend(s.high) else port_offset(s.port, net.graph.parts[s.high].ins, sizes[s.high].pitch)


def _weight(net: Layered, s: Segment) -> int:
    """How much a bent segment costs: a dot stands right above its box, long wires are straight, legs may spread."""
    bends = net.is_bend(s.low) + net.is_bend(s.high)
    if net.is_dot(s.high):
        return _DOT
    if net.is_dot(s.low):
        return _LEG
    return _LONG if bends == 2 else _WIRE


def _sweeps(count: int, apart: dict[tuple[int, int], int], pulls: list[tuple[int, int, int, int]]) -> list[int]:
    """Feasible coordinates near the optimum: everything packed to the left, then moved towards its weighted median."""
    right: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    left: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for (a, b), d in apart.items():
        right[a].append((b, d))
        left[b].append((a, d))
    wishes: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
    for a, b, wanted, weight in pulls:
        wishes[a].append((b, -wanted, weight))
        wishes[b].append((a, wanted, weight))
    order = _left_to_right(right, left)
    x = [0] * count
    for v in order:
        x[v] = max((x[u] + d for u, d in left[v]), default=0)
    for turn in range(12):
        for v in order if turn % 2 else reversed(order):
            if wishes[v]:
                goal = _median([(x[u] + wanted, weight) for u, wanted, weight in wishes[v]])
                low = max((x[u] + d for u, d in left[v]), default=goal)
                high = min((x[u] - d for u, d in right[v]), default=goal)
                x[v] = max(min(goal, high), low)
    return x


def _left_to_right(right: list[list[tuple[int, int]]], left: list[list[tuple[int, int]]]) -> list[int]:
    waiting = [len(b) for b in left]
    order = [v for v, k in enumerate(waiting) if not k]
    for v in order:  # grows while it is read
        for w, _ in right[v]:
            waiting[w] -= 1
            if not waiting[w]:
                order.append(w)
    return order


def _median(points: list[tuple[int, int]]) -> int:
    """The weighted median."""
    points.sort()
    half = sum(w for _, w in points)
    passed = 0
    for value, weight in points:
        passed += 2 * weight
        if passed >= half:
            return value
    return points[-1][0]
