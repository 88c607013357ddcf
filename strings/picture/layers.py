"""Layers: on which level every part stands, and the bends of wires that pass a level.

Parts stand on the longest-path layering (Sugiyama, Tagawa, Toda 1981): inputs at the bottom, outputs on top. Parts
with more outputs than inputs (states, copy dots) are then pulled up to just below their first consumer, which
shortens more wire than it lengthens. A wire that passes levels gets a bend on each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from strings.picture.graph import DrawGraph


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
    wire `k` passes, its two ends included.
    """

    graph: DrawGraph
    layer: tuple[int, ...]
    chains: tuple[tuple[int, ...], ...]
    segments: tuple[Segment, ...]

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


def layered(graph: DrawGraph) -> Layered:
    """Assign the layers and put in the bends."""
    layer = assign_layers(graph)
    chains: list[tuple[int, ...]] = []
    segments: list[Segment] = []
    for wire in graph.wires:
        chain = [wire.source]
        for level in range(layer[wire.source] + 1, layer[wire.target]):
            chain.append(len(layer))
            layer.append(level)
        chain.append(wire.target)
        last = len(chain) - 2
        for k, (low, high) in enumerate(pairwise(chain)):
            segments.append(Segment(low, wire.out if k == 0 else 0, high, wire.port if k == last else 0))
        chains.append(tuple(chain))
    return Layered(graph, tuple(layer), tuple(chains), tuple(segments))


def assign_layers(graph: DrawGraph) -> list[int]:
    """The level of every part."""
    n = len(graph.parts)
    above: list[list[int]] = [[] for _ in range(n)]
    below: list[list[int]] = [[] for _ in range(n)]
    for wire in graph.wires:
        above[wire.source].append(wire.target)
        below[wire.target].append(wire.source)
    order = _upwards(above, below)
    has_inputs = any(p.kind == "in" for p in graph.parts)
    layer = [0] * n
    for v in order:
        floor = 1 if has_inputs and graph.parts[v].kind != "in" else 0
        layer[v] = max([floor, *(layer[u] + 1 for u in below[v])])
    inner = [layer[v] for v in range(n) if graph.parts[v].kind != "out"]
    top = max(inner, default=-1) + 1
    for v in range(n):
        if graph.parts[v].kind == "out":
            layer[v] = top
    for v in reversed(order):
        if above[v] and len(above[v]) > len(below[v]) and graph.parts[v].kind != "in":
            layer[v] = min(layer[w] for w in above[v]) - 1
    return layer


def _upwards(above: list[list[int]], below: list[list[int]]) -> list[int]:
    """A topological order of the parts, bottom first."""
    waiting = [len(b) for b in below]
    order = [v for v, count in enumerate(waiting) if not count]
    for v in order:  # grows while it is read
        for w in above[v]:
            waiting[w] -= 1
            if not waiting[w]:
                order.append(w)
    return order
