"""The gaps between layers: at which height each wire runs sideways.

Channel routing (Hashimoto, Stevens 1971). A wire that goes sideways in a gap rises, runs on one of the gap's tracks
and rises again. Which of two runs of one direction lies above the other follows from the order of their ends, so wires
whose order does not change never cross; where one wire comes down to the place at which another starts, the other one
turns off first. These are difference constraints between tracks, and runs that overlap get tracks of their own.

Short wires are drawn as one S; those may share a track where they stay well apart, or where they cross. The two
outermost legs of a copy dot share its track, which is where the dot stands, and the inner ones run above.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

TRACK = 10  # distance between two tracks
CLEAR = 9  # how near upright pieces of different wires may come
SHORT = 60  # what travels less than this is drawn as one S
NUDGE = 6  # a leg of a dot that travels no further goes straight up from the dot
_MANY = 1500  # runs in one gap; more of them are not told apart


@dataclass(frozen=True, slots=True)
class Run:
    """A wire that goes sideways in a gap, from `start` (below) to `end` (above); `dot` is the copy dot it leaves."""

    start: int
    end: int
    dot: int = -1

    @property
    def left(self) -> int:
        return min(self.start, self.end)

    @property
    def right(self) -> int:
        return max(self.start, self.end)

    @property
    def is_s(self) -> bool:
        """Whether it is drawn as one S."""
        return self.dot < 0 and self.right - self.left <= SHORT

    @property
    def is_upright(self) -> bool:
        """Whether it is a leg that leaves its dot straight up."""
        return self.dot >= 0 and self.right - self.left <= NUDGE


class Channel(NamedTuple):
    """The track of every run, from 0 at the bottom; and `(a, b)` where the end of `a` is the start of `b`."""

    tracks: list[int]
    clashes: list[tuple[int, int]]


def assign_tracks(runs: Sequence[Run], upright: Sequence[int] = ()) -> Channel:
    """The tracks of the runs of one gap; `upright` has the places of the wires that rise straight.

    >>> assign_tracks([Run(0, 200), Run(100, 300), Run(250, 400)]).tracks
    [2, 1, 0]
    >>> assign_tracks([Run(0, 40), Run(40, 0)]).tracks
    [0, 0]
    >>> assign_tracks([Run(0, 400), Run(400, 0)])
    Channel(tracks=[0, 1], clashes=[(0, 1)])
    """
    if len(runs) > _MANY:
        return Channel([0] * len(runs), [])
    rules = _Rules(len(runs))
    later: list[tuple[int, int, int]] = []
    for a, b in _neighbours(runs):
        _compare(runs, a, b, upright, rules, later)
    _join_legs(runs, rules)
    clashes = [(high, low) for low, high, least in later if not rules.add(low, high, least) and least]
    return Channel(rules.solve(runs), clashes)


def _neighbours(runs: Sequence[Run]) -> Iterator[tuple[int, int]]:
    """Pairs of runs that overlap or come near each other."""
    active: list[tuple[int, int]] = []
    for k in sorted(range(len(runs)), key=lambda r: (runs[r].left, r)):
        active = [(right, j) for right, j in active if right + CLEAR > runs[k].left]
        for _, j in active:
            yield j, k
        insort(active, (runs[k].right, k))


def _compare(
    runs: Sequence[Run], a: int, b: int, upright: Sequence[int], rules: _Rules, later: list[tuple[int, int, int]]
) -> None:
    """What must hold between two neighbouring runs; what would be good is put off."""
    if (runs[a].start, runs[a].end) > (runs[b].start, runs[b].end):
        a, b = b, a
    p, q = runs[a], runs[b]  # p starts left of q, or with it
    both_s = p.is_s and q.is_s
    rightward = p.end > p.start
    if p.end <= q.end:
        if rightward == (q.end > q.start):
            least = 0 if both_s and _well_apart(p, q) else 1
            rules.order(*((b, a) if rightward else (a, b)), least)
        elif p.dot == q.dot >= 0 and (p.is_upright or q.is_upright):
            later.append((*((b, a) if p.is_upright else (a, b)), 1))
        return
    if not both_s or _meet_on(p, q, upright):
        rules.keep_apart(a, b)
        if both_s:
            return
    for low, high in ((a, b), (b, a)):
        if abs(runs[high].end - runs[low].start) < CLEAR:
            later.append((low, high, 0 if both_s else 1))


def _well_apart(p: Run, q: Run) -> bool:
    """Whether two S of one direction at the same height stay visibly apart."""
    beside = min(abs(p.start - q.start), abs(p.end - q.end))
    travel = max(p.right - p.left, q.right - q.left)
    return (22 * beside) ** 2 >= 49 * (4 * travel * travel + 22 * 22)


def _meet_on(p: Run, q: Run, upright: Sequence[int]) -> bool:
    """Whether two S at the same height would cross on a wire that rises straight."""
    share = (q.start - p.start) / (p.end - p.start + q.start - q.end)
    x = p.start + share * (p.end - p.start)
    return any(abs(u - x) < CLEAR for u in upright)


def _join_legs(runs: Sequence[Run], rules: _Rules) -> None:
    """The outermost left and right leg of a dot share a track if they can."""
    legs: dict[int, list[int]] = {}
    for k, run in enumerate(runs):
        if run.dot >= 0 and not run.is_upright:
            legs.setdefault(run.dot, []).append(k)
    for spread in legs.values():
        left = min(spread, key=lambda k: runs[k].end)
        right = max(spread, key=lambda k: runs[k].end)
        if runs[left].end < runs[left].start and runs[right].end > runs[right].start:
            rules.join(left, right)


class _Rules:
    """`track[high] >= track[low] + least` for every edge from `low`, and pairs whose tracks must differ."""

    def __init__(self, n: int) -> None:
        self.above: list[dict[int, int]] = [{} for _ in range(n)]
        self.apart: list[set[int]] = [set() for _ in range(n)]

    def order(self, low: int, high: int, least: int) -> None:
        self.above[low][high] = max(least, self.above[low].get(high, 0))

    def add(self, low: int, high: int, least: int) -> bool:
        """An edge, unless the others contradict it; tells whether it was added."""
        if self._climbs(high, low, least):
            return False
        self.order(low, high, least)
        return True

    def join(self, a: int, b: int) -> None:
        """The same track for both, unless the other edges contradict it."""
        if not self._climbs(a, b, 0) and not self._climbs(b, a, 0):
            self.above[a].setdefault(b, 0)
            self.above[b].setdefault(a, 0)

    def keep_apart(self, a: int, b: int) -> None:
        self.apart[a].add(b)
        self.apart[b].add(a)

    def _climbs(self, start: int, goal: int, least: int) -> bool:
        """Whether a way up from `start` to `goal`, and `least` more, gains height."""
        seen = {(start, least > 0)}
        todo = [(start, least > 0)]
        while todo:
            v, gained = todo.pop()
            if v == goal and gained:
                return True
            for w, step in self.above[v].items():
                state = (w, gained or step > 0)
                if state not in seen:
                    seen.add(state)
                    todo.append(state)
        return False

    def solve(self, runs: Sequence[Run]) -> list[int]:
        """Low tracks that obey the rules: runs are placed from the bottom, those with most above them first."""
        group = self._groups()
        count = max(group, default=-1) + 1
        members: list[list[int]] = [[] for _ in range(count)]
        for k, g in enumerate(group):
            members[g].append(k)
        above: list[dict[int, int]] = [{} for _ in range(count)]
        waiting = [0] * count
        for v, edges in enumerate(self.above):
            for w, least in edges.items():
                a, b = group[v], group[w]
                if a != b:
                    waiting[b] += b not in above[a]
                    above[a][b] = max(least, above[a].get(b, 0))
        rise = self._rises(above, list(waiting))
        lowest = [0] * count
        track = [-1] * count
        first = [min((runs[k].left, k) for k in ks) for ks in members]
        ready = [(-rise[g], first[g], g) for g in range(count) if not waiting[g]]
        heapq.heapify(ready)
        while ready:
            _, _, g = heapq.heappop(ready)
            taken = {track[group[j]] for k in members[g] for j in self.apart[k]}
            track[g] = lowest[g]
            while track[g] in taken:
                track[g] += 1
            for b, least in above[g].items():
                lowest[b] = max(lowest[b], track[g] + least)
                waiting[b] -= 1
                if not waiting[b]:
                    heapq.heappush(ready, (-rise[b], first[b], b))
        return [track[g] for g in group]

    @staticmethod
    def _rises(above: list[dict[int, int]], waiting: list[int]) -> list[int]:
        """For every group how many tracks are needed above it."""
        order = [g for g, k in enumerate(waiting) if not k]
        for g in order:  # grows while it is read
            for b in above[g]:
                waiting[b] -= 1
                if not waiting[b]:
                    order.append(b)
        rise = [0] * len(above)
        for g in reversed(order):
            rise[g] = max((rise[b] + least for b, least in above[g].items()), default=0)
        return rise

    def _groups(self) -> list[int]:
        """Runs that must share a track have one number: the strongly connected components (Tarjan 1972)."""
        n = len(self.above)
        index, low, group = [-1] * n, [0] * n, [-1] * n
        stack: list[int] = []
        clock = count = 0
        for root in range(n):
            todo: list[tuple[int, Iterator[int]]] = [(root, iter(()))] if index[root] < 0 else []
            while todo:
                v, edges = todo[-1]
                if index[v] < 0:
                    index[v] = low[v] = clock
                    clock += 1
                    stack.append(v)
                    edges = iter(self.above[v])
                    todo[-1] = (v, edges)
                w = next(edges, None)
                if w is None:
                    todo.pop()
                    if todo:
                        low[todo[-1][0]] = min(low[todo[-1][0]], low[v])
                    if low[v] == index[v]:
                        while group[v] < 0:
                            group[stack.pop()] = count
                        count += 1
                elif index[w] < 0:
                    todo.append((w, iter(())))
                elif group[w] < 0:
                    low[v] = min(low[v], index[w])
        return group
