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
from heapq import heappop, heappush
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
        """Grow a tight tree from vertex 0; where no tight edge is left it moves towards the rest; bottom-up order.

        The tree moves as a whole: the ranks of its vertices are kept relative to `shift`. The edges that leave it wait
        in two heaps, one for either direction.
        """
        inside = [False] * len(self.rank)
        order: list[int] = []
        shift = 0
        upward: list[tuple[int, int]] = []
        downward: list[tuple[int, int]] = []
        todo = [0]
        inside[0] = True
        while True:
            while todo:
                v = todo.pop()
                order.append(v)
                for k in self.incident[v]:
                    w = self._other(k, v)
                    if inside[w]:
                        continue
                    up = self.edges[k].tail == v
                    slack = self.slack(k) + (-shift if up else shift)
                    if slack:
                        heappush(upward if up else downward, (self.slack(k), k))
                    else:
                        self._enter(w, v, k, shift, inside, todo)
            for heap, end in ((upward, 1), (downward, 0)):
                while heap and inside[self.edges[heap[0][1]][end]]:
                    heappop(heap)
            if not upward and not downward:
                return order
            rise = upward[0][0] - shift if upward else None
            fall = downward[0][0] + shift if downward else None
            if fall is None or (rise is not None and rise <= fall):
                key, k = heappop(upward)
                shift = key
                self._enter(self.edges[k].head, self.edges[k].tail, k, shift, inside, todo)
            else:
                key, k = heappop(downward)
                shift = -key
                self._enter(self.edges[k].tail, self.edges[k].head, k, shift, inside, todo)

    def _enter(self, v: int, parent: int, link: int, shift: int, inside: list[bool], todo: list[int]) -> None:
        """Take a vertex into the growing tree, its rank relative to how far the tree has moved."""
        self._hang(v, parent, link)
        self.rank[v] -= shift
        inside[v] = True
        todo.append(v)

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

    def balance(self, loose: int, work: int = 400_000) -> None:
        """Move what can move at no cost to the middle of where it can be, but keep heavy edges tight.

        Stops after about so much `work`.
        """
        for v in range(len(self.rank)):
            if self.parent[v] < 0 or self.surplus[v] != 0 or self.edges[self.link[v]].weight > loose:
                continue
            members, k, step = self._entering(v)
            work -= len(members)
            if work < 0:
                return
            if k is None or abs(step) < 2:
                continue
            for u in members:
                self.rank[u] += int(step / 2)
