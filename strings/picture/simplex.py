"""Network simplex: integers for vertices, far enough apart and with the least total length.

Minimises `sum weight * (rank[head] - rank[tail])` under `rank[head] - rank[tail] >= length` for every edge (Gansner,
Koutsofios, North, Vo 1993, section 2.3). The cut value of a tree edge is the sum, over the vertices of the subtree
below it, of the weights that leave less the weights that enter: subtree sums, which a pivot changes only along two
paths to the root.

>>> solve(3, [Edge(0, 1, 2, 1), Edge(1, 2, 3, 1), Edge(0, 2, 1, 5)], [0, 4, 9])
[0, 2, 5]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Edge(NamedTuple):
    """`rank[head] - rank[tail] >= length`, and `weight` for every unit between them."""

    tail: int
    head: int
    length: int
    weight: int


def solve(n: int, edges: Sequence[Edge], start: Sequence[int], max_pivots: int = 100_000, loose: int = 0) -> list[int]:
    """Optimal ranks from a feasible `start`; the graph must be connected.

    Among optima, what hangs by an edge of weight at most `loose` stands in the middle of where it can be. Stops after
    `max_pivots` with ranks that are still feasible and no worse than the start.
    """
    tree = _Tree(n, edges, list(start))
    at = 0
    for _ in range(max_pivots):
        leaving = tree.negative_edge(at)
        if leaving is None or not tree.pivot(leaving):
            break
        at = leaving
    tree.balance(loose)
    low = min(tree.rank)
    return [r - low for r in tree.rank]


class _Tree:
    """A spanning tree of tight edges: each vertex but the root has a `parent` and the edge to it (`link`)."""

    def __init__(self, n: int, edges: Sequence[Edge], rank: list[int]) -> None:
        self.edges = edges
        self.rank = rank
        self.incident: list[list[int]] = [[] for _ in range(n)]
        self.surplus = [0] * n
        for k, e in enumerate(edges):
            self.incident[e.tail].append(k)
            self.incident[e.head].append(k)
            self.surplus[e.tail] += e.weight
            self.surplus[e.head] -= e.weight
        self.parent = [-1] * n
        self.link = [-1] * n
        self.children: list[set[int]] = [set() for _ in range(n)]
        order = self._span()
        for v in reversed(order[1:]):
            self.surplus[self.parent[v]] += self.surplus[v]

    def slack(self, k: int) -> int:
        tail, head, length, _ = self.edges[k]
        return self.rank[head] - self.rank[tail] - length

    def _span(self) -> list[int]:
        """Grow a tight tree from vertex 0, moving it towards the rest where no tight edge is left; bottom-up order."""
        inside = [False] * len(self.rank)
        inside[0] = True
        order = [0]
        todo = [0]
        while True:
            while todo:
                v = todo.pop()
                for k in self.incident[v]:
                    w = self._other(k, v)
                    if not inside[w] and self.slack(k) == 0:
                        self._hang(w, v, k)
                        inside[w] = True
                        order.append(w)
                        todo.append(w)
            if len(order) == len(self.rank):
                return order
            border = [k for k, e in enumerate(self.edges) if inside[e.tail] != inside[e.head]]
            k = min(border, key=lambda b: (self.slack(b), b))
            step = self.slack(k) if inside[self.edges[k].tail] else -self.slack(k)
            for v in order:
                self.rank[v] += step
            todo = [self.edges[k].tail if inside[self.edges[k].tail] else self.edges[k].head]

    def _other(self, k: int, v: int) -> int:
        e = self.edges[k]
        return e.head if e.tail == v else e.tail

    def _hang(self, v: int, parent: int, link: int) -> None:
        self.parent[v], self.link[v] = parent, link
        self.children[parent].add(v)

    def cut_value(self, v: int) -> int:
        """The cut value of the edge from `v` to its parent."""
        return self.surplus[v] if self.edges[self.link[v]].tail == v else -self.surplus[v]

    def negative_edge(self, after: int, look: int = 40) -> int | None:
        """A vertex whose edge to its parent has a negative cut value: the worst of the next few, or none."""
        n = len(self.rank)
        best, found, seen = 0, None, 0
        for k in range(1, n + 1):
            v = (after + k) % n
            if self.parent[v] < 0:
                continue
            value = self.cut_value(v)
            if value < 0:
                seen += 1
                if value < best:
                    best, found = value, v
                if seen >= look:
                    break
        return found

    def subtree(self, v: int) -> list[int]:
        found = [v]
        for u in found:  # grows while it is read
            found.extend(self.children[u])
        return found

    def _entering(self, v: int) -> tuple[list[int], int | None, int]:
        """The subtree of `v`, the edge of least slack that can replace its link, and how far the subtree then moves."""
        members = self.subtree(v)
        inside = set(members)
        up = self.edges[self.link[v]].tail != v  # the subtree is the head side: it moves right
        best, least = None, 0
        for u in members:
            for k in self.incident[u]:
                tail, head, _, _ = self.edges[k]
                if (head if up else tail) in inside or (tail if up else head) != u:
                    continue
                s = self.slack(k)
                if best is None or (s, k) < (least, best):
                    best, least = k, s
        return members, best, least if up else -least

    def pivot(self, v: int) -> bool:
        """Exchange the link of `v` for the best entering edge; false if nothing can enter."""
        members, k, step = self._entering(v)
        if k is None:
            return False
        for u in members:
            self.rank[u] += step
        inside = set(members)
        e = self.edges[k]
        joint, outside = (e.tail, e.head) if e.tail in inside else (e.head, e.tail)
        total = self.surplus[v]
        self._add_to_ancestors(self.parent[v], -total)
        self._reroot(v, joint, outside, k)
        self._add_to_ancestors(outside, total)
        return True

    def _add_to_ancestors(self, v: int, amount: int) -> None:
        while v >= 0:
            self.surplus[v] += amount
            v = self.parent[v]

    def _reroot(self, top: int, joint: int, outside: int, link: int) -> None:
        """Hang the subtree of `top` by its vertex `joint` under `outside`."""
        path = [joint]
        while path[-1] != top:
            path.append(self.parent[path[-1]])
        sums = [self.surplus[u] for u in path]
        links = [self.link[u] for u in path]
        for u in path:
            self.children[self.parent[u]].discard(u)
        self._hang(joint, outside, link)
        self.surplus[joint] = sums[-1]
        for i, u in enumerate(path[1:], start=1):
            self._hang(u, path[i - 1], links[i - 1])
            self.surplus[u] = sums[-1] - sums[i - 1]

    def balance(self, loose: int) -> None:
        """Move what can move at no cost to the middle of where it can be, but keep heavy edges tight."""
        for v in range(len(self.rank)):
            if self.parent[v] < 0 or self.surplus[v] != 0 or self.edges[self.link[v]].weight > loose:
                continue
            members, k, step = self._entering(v)
            if k is None or abs(step) < 2:
                continue
            for u in members:
                self.rank[u] += int(step / 2)
