"""Layers: on which level every part stands, and the bends of wires that pass a level.

Inputs stand at the bottom, outputs on top, and the parts between them so that the wires are short (Gansner et al. 1993,
section 2). What has a lane stands above all that has none, and equal boxes of two lanes side by side. In a large graph
parts stand on the longest-path layering (Sugiyama, Tagawa, Toda 1981), and those with more outputs than inputs are
pulled up to just below their first consumer. A wire that passes levels gets a bend on each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from strings.picture.graph import DrawGraph, Wire
from strings.picture.simplex import Edge, solve

_LEVEL = 5  # how much equal boxes in two lanes want to stand on one level
_LARGE = 800  # wires; a larger graph gets the first layering that is found


@dataclass(frozen=True, slots=True)
class Segment:
    """The piece of a wire between two neighbouring layers, from vertex `low` up to vertex `high`, port to port."""

    low: int
    out: int
    high: int
    port: int


@dataclass(frozen=True)
class Layered:
    """A graph whose wires are cut into segments between neighbouring layers.

    Vertices are the parts followed by the bends; `layer[v]` is the level of a vertex, `chains[k]` the vertices that
    wire `k` passes, its two ends included. The last vertices are the `borders` of the lanes, a left and a right one for
    each lane, with a vertex on every level from that of the lowest part of a lane on. In a layer, vertices stand in the
    order of their `zone`s: a border, what is in the lane, its other border, the next lane.
    """

    graph: DrawGraph
    layer: tuple[int, ...]
    chains: tuple[tuple[int, ...], ...]
    segments: tuple[Segment, ...]
    zone: tuple[int, ...]
    borders: tuple[tuple[int, ...], ...] = ()

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """For every wire the number of its first segment."""
        return tuple(accumulate((len(c) - 1 for c in self.chains), initial=0))

    @property
    def depth(self) -> int:
        return max(self.layer, default=-1) + 1

    def segments_of(self, wire: int) -> tuple[Segment, ...]:
        """The segments of a wire, from its source on."""
        start = self.starts[wire]
        return self.segments[start : start + len(self.chains[wire]) - 1]

    def is_bend(self, vertex: int) -> bool:
        return vertex >= len(self.graph.parts)

    def is_dot(self, vertex: int) -> bool:
        return not self.is_bend(vertex) and self.graph.parts[vertex].kind == "copy"


def layered(graph: DrawGraph, layer: Sequence[int] | None = None) -> Layered:
    """Put in the bends that an assignment of layers (by default the first of `layerings`) asks for."""
    layer = layerings(graph)[0] if layer is None else layer
    level = list(layer)
    floor = min((layer[v] for v, part in enumerate(graph.parts) if part.lane is not None), default=0)
    zone = [_zone(part.lane) for part in graph.parts]
    chains: list[tuple[int, ...]] = []
    segments: list[Segment] = []
    for wire in graph.wires:
        chain = [wire.source]
        for passed in range(layer[wire.source] + 1, layer[wire.target]):
            chain.append(len(level))
            level.append(passed)
            zone.append(_zone(graph.parts[wire.target].lane) if passed >= floor else 0)
        chain.append(wire.target)
        last = len(chain) - 2
        for k, (low, high) in enumerate(pairwise(chain)):
            segments.append(Segment(low, wire.out if k == 0 else 0, high, wire.port if k == last else 0))
        chains.append(tuple(chain))
    borders = []
    for side in range(2 * len(graph.lanes)):
        levels = range(floor, max(layer, default=-1) + 1)
        borders.append(tuple(range(len(level), len(level) + len(levels))))
        level += levels
        zone += [_zone(side // 2) + (1 if side % 2 else -1)] * len(levels)
    return Layered(graph, tuple(level), tuple(chains), tuple(segments), tuple(zone), tuple(borders))


def _zone(lane: int | None) -> int:
    """The zone of what is in a lane; those of its borders are before and after it."""
    return 0 if lane is None else 3 * lane + 2


def layerings(graph: DrawGraph) -> list[list[int]]:
    """Assignments of layers to choose from; of a large graph only one.

    Dots stand near their box, or near their consumers, or all boxes stand low; wires beside a ground leave it one
    level, or two (for a state beside it), or none.
    """
    if len(graph.wires) > _LARGE:
        return [_longest_paths(graph)]
    grounded = 2 in _lengths(graph, 1)
    found: list[list[int]] = []
    for room in (1, 2, 0) if grounded else (0,):
        found += [_shortest_wires(graph, True, room), _shortest_wires(graph, False, room)]
        if not graph.lanes:
            found.append(_packed(_longest_paths(graph, room, sunk=True)))
    return [layer for k, layer in enumerate(found) if layer not in found[:k]]


def _shortest_wires(graph: DrawGraph, low_dots: bool, room: int) -> list[int]:
    """The levels with the least total weighted length of wires, by network simplex (Gansner et al. 1993)."""
    start = _longest_paths(graph, room)
    parts = graph.parts
    n = len(parts)
    number = [n if p.kind == "in" else n + 1 if p.kind == "out" else k for k, p in enumerate(parts)]
    used = sorted({*number, n, n + 1})
    index = {v: k for k, v in enumerate(used)}
    lengths = _lengths(graph, room)
    edges = [
        Edge(index[number[w.source]], index[number[w.target]], length, _weight(graph, w, low_dots))
        for w, length in zip(graph.wires, lengths, strict=True)
    ]
    bottom, top = index[n], index[n + 1]
    has_inputs = any(p.kind == "in" for p in parts)
    edges += [Edge(bottom, index[v], int(has_inputs), 0) for v in used[:-2]]
    edges += [Edge(index[v], top, 1, 0) for v in used[:-2]]
    edges.append(Edge(bottom, top, int(has_inputs), 0))
    rank = [0] * len(used)
    for v, level in zip(number, start, strict=True):
        rank[index[v]] = level
    rank[bottom] = 0
    if graph.lanes:  # one more vertex, between what has no lane and what has one
        floor = len(rank)
        rank.append(min((level for level, part in zip(start, parts, strict=True) if part.lane is not None), default=0))
        for v, part in zip(number, parts, strict=True):
            edges.append(Edge(index[v], floor, 1, 0) if part.lane is None else Edge(floor, index[v], 0, 0))
    for u, v in _twins(graph):  # the lower one of the two is as high as a vertex that wants to be as high as both
        edges += [Edge(len(rank), index[u], 0, _LEVEL), Edge(len(rank), index[v], 0, _LEVEL)]
        rank.append(min(rank[index[u]], rank[index[v]]))
    rank[top] = max([int(has_inputs), *(start[k] + (p.kind != "out") for k, p in enumerate(parts))])
    ranks = solve(len(rank), edges, rank, max_pivots=20 * len(rank))
    return _packed([ranks[index[v]] for v in number])


def _twins(graph: DrawGraph) -> list[tuple[int, int]]:
    """Pairs of equal boxes in different lanes: they are easier to compare side by side."""
    lanes: dict[tuple[str, str], dict[int, int]] = {}
    for v, part in enumerate(graph.parts):
        if part.lane is not None and part.kind in ("box", "state"):
            lanes.setdefault((part.kind, part.label), {}).setdefault(part.lane, v)
    return [pair for found in lanes.values() for pair in pairwise(found.values())]


def _packed(layer: list[int]) -> list[int]:
    """The same without empty levels."""
    level = {old: new for new, old in enumerate(sorted(set(layer)))}
    return [level[old] for old in layer]


def _weight(graph: DrawGraph, wire: Wire, low_dots: bool) -> int:
    """How much a wire wants to be short: stems of dots on states, and of all if the dots shall be low, and grounds."""
    source, target = graph.parts[wire.source], graph.parts[wire.target]
    if target.kind == "copy" and (low_dots or not source.ins):
        return 2 + target.outs
    return 4 if target.kind == "discard" else 2 if not source.ins else 1


def _lengths(graph: DrawGraph, room: int) -> list[int]:
    """How many levels each wire must rise: one, and `room` more beside a wire that ends in a ground."""
    grounded = {w.source for w in graph.wires if graph.parts[w.target].kind == "discard"}
    return [1 + room * (w.source in grounded and graph.parts[w.target].kind != "discard") for w in graph.wires]


def _longest_paths(graph: DrawGraph, room: int = 0, sunk: bool = False) -> list[int]:
    """The longest-path layering; parts with more outputs than inputs are pulled up to their first consumer.

    With `sunk` only states are, and dots on states.
    """
    n = len(graph.parts)
    above: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    below: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for wire, length in zip(graph.wires, _lengths(graph, room), strict=True):
        above[wire.source].append((wire.target, length))
        below[wire.target].append((wire.source, length))
    order = sorted(topological(above, below), key=lambda v: graph.parts[v].lane is not None)
    has_inputs = any(p.kind == "in" for p in graph.parts)
    layer = [0] * n
    ground = 0  # the lowest level of the lanes
    for v in order:
        floor = 1 if has_inputs and graph.parts[v].kind != "in" else 0
        if graph.parts[v].lane is not None:
            floor = max(floor, ground)
        layer[v] = max([floor, *(layer[u] + length for u, length in below[v])])
        if graph.parts[v].lane is None:
            ground = max(ground, layer[v] + 1)
    inner = [layer[v] for v in range(n) if graph.parts[v].kind != "out"]
    top = max([max(inner, default=-1) + 1, *layer])
    for v in range(n):
        if graph.parts[v].kind == "out":
            layer[v] = top
    for v in reversed(order):
        if graph.parts[v].kind == "in" or (sunk and any(graph.parts[u].ins for u, _ in below[v])):
            continue
        if len(above[v]) > len(below[v]):
            layer[v] = min(layer[w] - length for w, length in above[v])
            if graph.lanes and graph.parts[v].lane is None:
                layer[v] = min(layer[v], ground - 1)
    return layer


def topological(after: list[list[tuple[int, int]]], before: list[list[tuple[int, int]]]) -> list[int]:
    """An order in which everything stands behind what is before it; neighbours come with distances."""
    waiting = [len(b) for b in before]
    order = [v for v, count in enumerate(waiting) if not count]
    for v in order:  # grows while it is read
        for w, _ in after[v]:
            waiting[w] -= 1
            if not waiting[w]:
                order.append(w)
    return order
