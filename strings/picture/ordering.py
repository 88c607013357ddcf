"""The order of vertices inside each layer, with few crossings.

Sweeps of port-aware barycentres up and down, then exchanges of neighbours, from several start orders of which the
best is kept. Counting the crossings of two layers is counting the inversions of their segments (Barth, Jünger, Mutzel
2002), here by insertion into a sorted list. Legs of a copy dot may leave in any order, so they never cross each other.
Vertices of different zones never change places: so lanes stay side by side.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

from strings.picture.layers import Layered

Order = list[list[int]]
_PORTS = 4096  # more ports than any box has: a port and a position make one sortable number
_SIFTED = 6000  # pairs of vertices of one layer; with more of them only neighbours are exchanged


@dataclass(frozen=True)
class _Ends:
    """The ends of every vertex's segments above and below it: vertex, port, and how many ports that has."""

    above: list[list[tuple[int, int, int]]]
    below: list[list[tuple[int, int, int]]]
    fixed: frozenset[int]
    zone: tuple[int, ...]
    by_gap: list[list[tuple[int, int, int, int]]]


def best_order(net: Layered) -> Order:
    """For each layer its vertices from left to right."""
    return good_orders(net)[0]


def good_orders(net: Layered, most: int = 1) -> list[Order]:
    """Up to `most` orders, those with the fewest crossings first."""
    ends = _ends(net)
    found = _Found(net, ends, most)
    for start in _starts(net, ends):
        found.add(_improve(net, ends, start))
    if found.scores and found.scores[0][0]:
        _shake(net, ends, found)
    return found.orders


class _Found:
    """The best orders so far, without repeats."""

    def __init__(self, net: Layered, ends: _Ends, most: int) -> None:
        self.net, self.ends, self.most = net, ends, most
        self.scores: list[tuple[int, int]] = []
        self.orders: list[Order] = []

    def add(self, order: Order) -> None:
        score = (crossings_of(self.ends.by_gap, order), _spread(self.net, order))
        at = bisect_right(self.scores, score)
        if at < self.most and order not in self.orders:
            self.scores.insert(at, score)
            self.orders.insert(at, order)
            del self.scores[self.most :], self.orders[self.most :]


def _shake(net: Layered, ends: _Ends, found: _Found) -> None:
    """Rounds of disturbing the best order and improving it again, for small graphs."""
    levels = [k for k in range(net.depth) if k not in ends.fixed and len(found.orders[0][k]) > 1]
    dice = random.Random(0)
    for _ in range(min(30, 12_000 // len(net.segments)) if levels else 0):
        trial = [list(row) for row in found.orders[0]]
        for _ in range(dice.randint(1, 3)):
            row = trial[dice.choice(levels)]
            v = row.pop(dice.randrange(len(row)))
            row.insert(dice.randrange(len(row) + 1), v)
            row.sort(key=net.zone.__getitem__)
        found.add(_polish(ends, trial, levels))


def crossings(net: Layered, order: Order) -> int:
    """How many pairs of segments cross."""
    return crossings_of(_ends(net).by_gap, order)


def crossings_of(by_gap: list[list[tuple[int, int, int, int]]], order: Order) -> int:
    """The same from segments grouped by the gap between layers."""
    place = _places(order)
    return sum(_crossings_in(gap, place) for gap in by_gap)


def _crossings_in(gap: list[tuple[int, int, int, int]], place: dict[int, int]) -> int:
    keys = sorted((place[a] * _PORTS + p, place[b] * _PORTS + q) for a, p, b, q in gap)
    seen: list[int] = []
    count = 0
    for _, high in keys:
        count += len(seen) - bisect_right(seen, high)
        insort(seen, high)
    return count


def _ends(net: Layered) -> _Ends:
    n = len(net.layer)
    above: list[list[tuple[int, int, int]]] = [[] for _ in range(n)]
    below: list[list[tuple[int, int, int]]] = [[] for _ in range(n)]
    by_gap: list[list[tuple[int, int, int, int]]] = [[] for _ in range(net.depth)]
    parts = net.graph.parts
    for s in net.segments:
        single_out = net.is_bend(s.low) or net.is_dot(s.low)
        outs, out = (1, 0) if single_out else (parts[s.low].outs, s.out)
        ins = 1 if net.is_bend(s.high) else parts[s.high].ins
        above[s.low].append((s.high, s.port, ins))
        below[s.high].append((s.low, out, outs))
        by_gap[net.layer[s.low]].append((s.low, out, s.high, s.port))
    fixed = frozenset(net.layer[v] for v, p in enumerate(parts) if p.kind in ("in", "out"))
    return _Ends(above, below, fixed, net.zone, by_gap)


def _places(order: Order) -> dict[int, int]:
    return {v: k for row in order for k, v in enumerate(row)}


def _spread(net: Layered, order: Order) -> int:
    """How far segments travel sideways, in places: breaks ties between orders with equally many crossings."""
    place = _places(order)
    return sum(
        abs(2 * place[s.low] - len(order[net.layer[s.low]]) - 2 * place[s.high] + len(order[net.layer[s.high]]))
        for s in net.segments
    )


def _starts(net: Layered, ends: _Ends) -> list[Order]:
    """Deterministic start orders: walks down from the outputs, up from the inputs, their mirrors, and shuffles."""
    n = len(net.layer)
    outs_first = sorted(range(n), key=lambda v: (-net.layer[v], v))
    ins_first = sorted(range(n), key=lambda v: (net.layer[v], v))
    down = _walk(outs_first, ends.below)
    up = _walk(ins_first, ends.above)
    ranks = [down, up, _walk(list(reversed(outs_first)), ends.below), [-r for r in down], [-r for r in up]]
    size = len(net.segments)
    for seed in range(max(0, min(12, 4000 // max(1, size) - 2))):
        shuffled = list(range(n))
        random.Random(seed).shuffle(shuffled)
        ranks.append(shuffled)
    return [_rows(net, ends, rank) for rank in ranks]


def _walk(roots: list[int], neighbours: list[list[tuple[int, int, int]]]) -> list[int]:
    """The number at which a depth-first walk meets every vertex."""
    rank = [-1] * len(neighbours)
    count = 0
    for root in roots:
        stack = [root]
        while stack:
            v = stack.pop()
            if rank[v] >= 0:
                continue
            rank[v] = count
            count += 1
            stack.extend(w for w, _, _ in reversed(neighbours[v]))
    return rank


def _rows(net: Layered, ends: _Ends, rank: list[int]) -> Order:
    rows: Order = [[] for _ in range(net.depth)]
    for v, level in enumerate(net.layer):
        rows[level].append(v)
    for level, row in enumerate(rows):
        if level not in ends.fixed:
            row.sort(key=rank.__getitem__)
        row.sort(key=net.zone.__getitem__)
    return rows


def _improve(net: Layered, ends: _Ends, order: Order, rounds: int = 6) -> Order:
    """Sweeps down and up; the best order met is then improved by exchanges."""
    levels = [k for k in range(net.depth) if k not in ends.fixed]
    place = {v: float(k) for row in order for k, v in enumerate(row)}
    best, chosen = crossings_of(ends.by_gap, order), [list(row) for row in order]
    for turn in range(2 * rounds):
        down = turn % 2 == 0
        for level in reversed(levels) if down else levels:
            _sort_row(order[level], ends.above if down else ends.below, place, ends.zone)
        count = crossings_of(ends.by_gap, order)
        if count < best:
            best, chosen = count, [list(row) for row in order]
        elif turn > 4 and count > 2 * best:
            break
    return _polish(ends, chosen, levels) if best else chosen


def _polish(ends: _Ends, order: Order, levels: list[int]) -> Order:
    """Exchanges and moves inside the layers until nothing gets better."""
    small = sum(len(order[k]) ** 2 for k in levels) <= _SIFTED
    for _ in range(8):
        changed = _exchange(ends, order, levels)
        if not (small and _sift(ends, order, levels)) and not changed:
            break
    return order


def _sort_row(
    row: list[int], neighbours: list[list[tuple[int, int, int]]], place: dict[int, float], zone: Sequence[int]
) -> None:
    """Sort by the mean place of the ports on one side; what has none there keeps its place."""

    def key(v: int) -> tuple[int, float]:
        ends = neighbours[v]
        if not ends:
            return zone[v], place[v]
        return zone[v], sum(place[w] + (2 * port + 1 - ports) / (2 * ports) for w, port, ports in ends) / len(ends)

    row.sort(key=key)
    for k, v in enumerate(row):
        place[v] = float(k)


def _exchange(ends: _Ends, order: Order, levels: list[int]) -> bool:
    """Swap neighbours wherever that removes a crossing; tells whether anything was swapped.

    Between two lanes stand their borders, at which no wire ends, so nothing gets from one into the other.
    """
    place = _places(order)
    changed = False
    for level in levels:
        row = order[level]
        sides = [_keys(v, ends, place) for v in row]
        again = True
        while again:
            again = False
            for k in range(len(row) - 1):
                (a_up, a_down), (b_up, b_down) = sides[k], sides[k + 1]
                now = _inversions(a_up, b_up) + _inversions(a_down, b_down)
                if now and now > _inversions(b_up, a_up) + _inversions(b_down, a_down):
                    row[k], row[k + 1] = row[k + 1], row[k]
                    sides[k], sides[k + 1] = sides[k + 1], sides[k]
                    again = changed = True
        for k, v in enumerate(row):
            place[v] = k
    return changed


def _sift(ends: _Ends, order: Order, levels: list[int]) -> bool:
    """Move every vertex to the best place in its row (Matuszewski et al. 1999); tells whether anything got better."""
    place = _places(order)
    changed = False
    for level in levels:
        row = order[level]
        sides = {v: _keys(v, ends, place) for v in row}
        for v in list(row):
            up, down = sides[v]
            now = row.index(v)
            gain, best, goal = 0, 0, now
            for step in (-1, 1):
                gain, k = 0, now + step
                while 0 <= k < len(row) and ends.zone[row[k]] == ends.zone[v]:
                    w_up, w_down = sides[row[k]]
                    before = _inversions(w_up, up) + _inversions(w_down, down)
                    after = _inversions(up, w_up) + _inversions(down, w_down)
                    gain += (before - after) * (-step)
                    if gain > best:
                        best, goal = gain, k
                    k += step
            if goal != now:
                row.insert(goal, row.pop(now))
                changed = True
        for k, v in enumerate(row):
            place[v] = k
    return changed


def _keys(v: int, ends: _Ends, place: dict[int, int]) -> tuple[list[int], list[int]]:
    up = sorted(place[w] * _PORTS + port for w, port, _ in ends.above[v])
    down = sorted(place[w] * _PORTS + port for w, port, _ in ends.below[v])
    return up, down


def _inversions(left: list[int], right: list[int]) -> int:
    """Pairs of an end of the left vertex that lies right of an end of the right vertex."""
    if len(left) == 1 == len(right):
        return int(right[0] < left[0])
    return sum([bisect_left(right, a) for a in left])
