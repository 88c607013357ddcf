"""Acyclic directed mixed graphs on bitsets: the graph of a causal model on its observed variables.

Vertices are numbered; sets of vertices are Python integers, bit `i` for vertex `i`. A bidirected edge stands for a
hidden common cause. Districts (c-components) are the connected components of the bidirected part (Tian, Pearl 2002).

>>> g = Graph(("S", "T", "C"), (0b000, 0b001, 0b010), (0b100, 0b000, 0b001))
>>> [g.show(d) for d in g.districts(g.all)]
[('S', 'C'), ('T',)]
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property


def bits(mask: int) -> Iterator[int]:
    """The positions of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _neighbours(of: tuple[int, ...], mask: int) -> int:
    """The union of what `of` has for every member of a set."""
    found = 0
    while mask:  # `bits` unrolled: this loop is most of what identification does
        low = mask & -mask
        found |= of[low.bit_length() - 1]
        mask ^= low
    return found


def _closed(of: tuple[int, ...], start: int, allowed: int) -> int:
    """All that `start` reaches step by step through `of` without leaving `allowed`."""
    found = frontier = start
    while frontier:
        frontier = _neighbours(of, frontier) & allowed & ~found
        found |= frontier
    return found


@dataclass(frozen=True)
class Graph:
    """An ADMG: for each vertex the mask of its parents and of its spouses (bidirected neighbours)."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    spouses: tuple[int, ...]

    @cached_property
    def all(self) -> int:
        return (1 << len(self.names)) - 1

    @cached_property
    def order(self) -> tuple[int, ...]:
        """A topological order of the vertices, as near to the declared order as it can be."""
        waiting = [p.bit_count() for p in self.parents]
        ready = [v for v, n in enumerate(waiting) if not n]
        order: list[int] = []
        while ready:
            v = heapq.heappop(ready)
            order.append(v)
            for c in bits(self.children[v]):
                waiting[c] -= 1
                if not waiting[c]:
                    heapq.heappush(ready, c)
        return tuple(order)

    @cached_property
    def children(self) -> tuple[int, ...]:
        """For each vertex the mask of its children."""
        found = [0] * len(self.names)
        for v, parents in enumerate(self.parents):
            for p in bits(parents):
                found[p] |= 1 << v
        return tuple(found)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {n: i for i, n in enumerate(self.names)}

    def mask(self, names: Iterable[str]) -> int:
        """The set of these names."""
        m = 0
        for n in names:
            m |= 1 << self._index[n]
        return m

    def show(self, mask: int) -> tuple[str, ...]:
        """The names in a set, in declared order."""
        return tuple(self.names[i] for i in bits(mask))

    def parents_of(self, mask: int) -> int:
        """All parents of members, members that are parents of others included."""
        return _neighbours(self.parents, mask)

    def ancestors(self, mask: int, within: int | None = None) -> int:
        """`mask` and all that reach it by directed edges, inside the induced subgraph `within`."""
        allowed = self.all if within is None else within
        return _closed(self.parents, mask & allowed, allowed)

    def descendants(self, mask: int, within: int | None = None) -> int:
        """`mask` and all that it reaches by directed edges, inside the induced subgraph `within`."""
        allowed = self.all if within is None else within
        return _closed(self.children, mask & allowed, allowed)

    def without(self, into: int = 0, out_of: int = 0) -> Graph:
        """The graph without the edges into some vertices (bidirected ones included) and without those out of others:
        Pearl's G with a bar over `into` and one under `out_of`."""
        parents = tuple(0 if into >> v & 1 else p & ~out_of for v, p in enumerate(self.parents))
        spouses = tuple(0 if into >> v & 1 else s & ~into for v, s in enumerate(self.spouses))
        return Graph(self.names, parents, spouses)

    def keep(self, mask: int) -> Graph:
        """The graph on some vertices, the others hidden: their paths become edges (latent projection, Verma 1993)."""
        edges = [(u, v) for v, s in enumerate(self.spouses) for u in bits(s) if u < v]
        noise = [1 << len(edges) + v if not mask >> v & 1 else 0 for v in range(len(self.names))]
        for k, (u, v) in enumerate(edges):
            noise[u] |= 1 << k
            noise[v] |= 1 << k
        seen = [0] * len(self.names)  # kept vertices that reach a vertex through hidden ones only
        for v in self.order:
            for p in bits(self.parents[v]):
                if mask >> p & 1:
                    seen[v] |= 1 << p
                else:
                    seen[v] |= seen[p]
                    noise[v] |= noise[p]
        kept = list(bits(mask))
        place = {v: i for i, v in enumerate(kept)}
        parents = tuple(sum(1 << place[p] for p in bits(seen[v])) for v in kept)
        spouses = tuple(sum(1 << place[u] for u in kept if u != v and noise[u] & noise[v]) for v in kept)
        return Graph(tuple(self.names[v] for v in kept), parents, spouses)

    def district(self, vertex: int, within: int | None = None) -> int:
        """The district of one vertex in the induced subgraph `within`."""
        allowed = self.all if within is None else within
        return _closed(self.spouses, 1 << vertex, allowed)

    def districts(self, within: int) -> tuple[int, ...]:
        """The districts of the induced subgraph, ordered by their first vertex."""
        left, found = within, []
        while left:
            d = self.district((left & -left).bit_length() - 1, within)
            found.append(d)
            left &= ~d
        return tuple(found)
