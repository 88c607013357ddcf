"""Where everything stands from left to right: the least total bend, by network simplex.

The x coordinates minimise `sum weight * |offset of a segment from the vertical|` while neighbours in a layer keep their
distance: exactly, by network simplex (Gansner et al. 1993, section 4.2), in small pictures; in large ones the simplex
starts from coordinates found by sweeps and stops after a bounded number of steps. The bends of one wire share one
coordinate wherever they can, that is unless another such wire crosses between them, so long wires are straight. So do
all vertices of the border of a lane.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from strings.picture.centring import centred
from strings.picture.channels import NUDGE
from strings.picture.glyphs import Size, lane_width, port_offset
from strings.picture.layers import Layered, Segment, topological
from strings.picture.ordering import Order
from strings.picture.simplex import Edge, solve

_STRAIGHTENED = 4000  # units of a picture that is solved twice
_SLIGHT, _FREE = 20, 60  # bends that are worth removing, with and without crossing another wire
_PORTS = 4096  # more ports than any box has
FAN = 30  # distance between the legs of a copy dot
_LEG, _UP, _WIRE, _LONG, _DOT = 1, 4, 7, 13, 29  # what a bend costs: in a leg, the middle one, a wire, …, below a dot
_TIGHT = 2  # what the width of a lane costs


class Pull(NamedTuple):
    """`x[right] - x[left]` should be `wanted`: a segment between two units; `fan` of it spreads a leg of `dot`."""

    left: int
    right: int
    wanted: int
    weight: int
    dot: int = -1
    fan: int = 0
    crossed: bool = False


def horizontal(
    net: Layered, order: Order, sizes: Sequence[Size], also: Sequence[tuple[int, int, int]] = ()
) -> list[int]:
    """The x coordinate of every vertex; `also` has further distances `(a, b, d)` to keep where that is possible."""
    unit = _merge_bends(net, order)
    count = max(unit, default=-1) + 1
    if not count:
        return []
    apart: dict[tuple[int, int], int] = {}
    for row in order:
        for a, b in pairwise(row):
            pair = (unit[a], unit[b])
            apart[pair] = max(apart.get(pair, 0), _distance(net, sizes, a, b))
    for k, lane in enumerate(net.graph.lanes):
        left, right = (unit[border[0]] for border in net.borders[2 * k : 2 * k + 2])
        apart[left, right] = max(apart.get((left, right), 0), lane_width(lane))
    for a, b, d in also:
        pair = (unit[a], unit[b])
        before = apart.get(pair)
        apart[pair] = d if before is None else max(before, d)
        if unit[a] == unit[b] or len(topological(*_sides(count, apart))) < count:
            del apart[pair]
            if before is not None:
                apart[pair] = before
    first = [unit[row[0]] for row in order if row]
    pulls = _pulls(net, order, sizes, unit)
    x = _solved(_sweeps(count, apart, pulls), apart, first, pulls)
    if count <= _STRAIGHTENED:
        x = _solved(x, apart, first, _straightening(pulls, x))
    placed = [x[unit[v]] for v in range(len(net.layer))]
    return centred(
        net,
        order,
        placed,
        lambda s: (leave_offset(net, sizes, s, {}), arrive_offset(net, sizes, s)),
        lambda a, b: _distance(net, sizes, a, b),
        NUDGE,
    )


def _solved(start: list[int], apart: dict[tuple[int, int], int], first: list[int], pulls: list[Pull]) -> list[int]:
    """Coordinates with the least total weighted distance from what the pulls want."""
    edges = [Edge(a, b, d, 0) for (a, b), d in apart.items()]
    n = len(start)
    rank = list(start)
    for a, b, wanted, weight, *_ in pulls:
        edges.append(Edge(n, a, max(0, -wanted), weight))
        edges.append(Edge(n, b, max(0, wanted), weight))
        rank.append(min(rank[a] - max(0, -wanted), rank[b] - max(0, wanted)))
        n += 1
    low = min(rank)
    edges.extend(Edge(n, v, 0, 0) for v in first)
    rank.append(low)
    return solve(n + 1, edges, rank, max_pivots=max(200, 2_000_000 // n), loose=_LEG)[: len(start)]


def _straightening(pulls: list[Pull], x: list[int]) -> list[Pull]:
    """Pulls that weigh more the straighter they are, so that few wires bend much rather than many a little.

    The leg of a dot that is nearly upright, if there is one, wants to be.
    """
    upright: dict[int, tuple[int, int]] = {}
    for k, p in enumerate(pulls):
        if p.dot >= 0:
            off = abs(x[p.right] - x[p.left] - p.wanted + p.fan)
            upright[p.dot] = min(upright.get(p.dot, (FAN // 2, -1)), (off, k))
    chosen = {k for _, k in upright.values()}
    changed = []
    for k, p in enumerate(pulls):
        if k in chosen:
            changed.append(p._replace(wanted=p.wanted - p.fan, weight=4 * _UP))
        elif p.dot >= 0:
            changed.append(p)
        else:
            off = abs(x[p.right] - x[p.left] - p.wanted)
            slight = off < (_SLIGHT if p.crossed else _FREE)
            changed.append(p._replace(weight=p.weight * (1 + 120 // (off + 6))) if slight else p)
    return changed


def _distance(net: Layered, sizes: Sequence[Size], a: int, b: int) -> int:
    bends = net.is_bend(a) + net.is_bend(b)
    return sizes[a].right + sizes[b].left + (14, 12, 12)[bends]


def _merge_bends(net: Layered, order: Order) -> list[int]:
    """A number for every vertex; bends of a wire have the same one unless another such wire, or a stem, crosses there.

    Pieces of wires that do not cross have a consistent order from left to right, so the distances stay satisfiable.
    """
    place_in_row = {v: k for row in order for k, v in enumerate(row)}
    by_gap: dict[int, list[tuple[float, float, int]]] = {}
    for s in net.segments:
        if (net.is_bend(s.low) and net.is_bend(s.high)) or (net.is_dot(s.high) and not net.is_dot(s.low)):
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
    for border in net.borders:
        for v in border:
            unit[v] = count
        count += 1
    return unit


def _free(net: Layered, place_in_row: dict[int, int]) -> set[int]:
    """The numbers of the segments that no other one crosses."""
    gaps: list[list[tuple[float, float, int]]] = [[] for _ in range(net.depth)]
    for k, s in enumerate(net.segments):
        low = place_in_row[s.low] + (0 if net.is_dot(s.low) else s.out / _PORTS)
        gaps[net.layer[s.low]].append((low, place_in_row[s.high] + s.port / _PORTS, k))
    return {k for gap in gaps for k in _uncrossed(gap)}


def _uncrossed(gap: Sequence[tuple[float, float, int]]) -> list[int]:
    """Those of the segments between two layers, `(low, high, name)`, that no other one crosses, by name."""
    gap = sorted(gap)
    least_after = [math.inf] * (len(gap) + 1)
    for k in range(len(gap) - 1, -1, -1):
        least_after[k] = min(least_after[k + 1], gap[k][1])
    found, most_before = [], -1.0
    for k, (_, high, v) in enumerate(gap):
        if most_before < high < least_after[k + 1]:
            found.append(v)
        most_before = max(most_before, high)
    return found


def _pulls(net: Layered, order: Order, sizes: Sequence[Size], unit: list[int]) -> list[Pull]:
    """What every segment wants."""
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
    free = _free(net, place_in_row)
    pulls = []
    for k, s in enumerate(net.segments):
        if unit[s.low] != unit[s.high]:
            wanted = leave_offset(net, sizes, s, fan) - arrive_offset(net, sizes, s)
            dot = s.low if net.is_dot(s.low) else -1
            spread_by = fan.get(s, 0)
            pulls.append(
                Pull(unit[s.low], unit[s.high], wanted, _weight(net, s, spread_by), dot, spread_by, k not in free)
            )
    for left, right in zip(net.borders[::2], net.borders[1::2], strict=True):
        pulls.append(Pull(unit[left[0]], unit[right[0]], 0, _TIGHT))
    return pulls


def leave_offset(net: Layered, sizes: Sequence[Size], s: Segment, fan: dict[Segment, int]) -> int:
    if net.is_bend(s.low):
        return 0
    if net.is_dot(s.low):
        return fan.get(s, 0)
    return port_offset(s.out, net.graph.parts[s.low].outs, sizes[s.low].pitch)


def arrive_offset(net: Layered, sizes: Sequence[Size], s: Segment) -> int:
    return 0 if net.is_bend(s.high) else port_offset(s.port, net.graph.parts[s.high].ins, sizes[s.high].pitch)


def _weight(net: Layered, s: Segment, fan: int) -> int:
    """How much a bent segment costs: a dot stands right above its box, long wires are straight, legs may spread."""
    if net.is_dot(s.high):
        return _DOT
    if net.is_dot(s.low):
        return _LEG if fan else _UP
    return _LONG if net.is_bend(s.low) else _WIRE


def _sweeps(count: int, apart: dict[tuple[int, int], int], pulls: list[Pull]) -> list[int]:
    """Feasible coordinates near the optimum: everything packed to the left, then moved towards its weighted median."""
    right, left = _sides(count, apart)
    wishes: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
    for a, b, wanted, weight, *_ in pulls:
        wishes[a].append((b, -wanted, weight))
        wishes[b].append((a, wanted, weight))
    order = topological(right, left)
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


def _sides(
    count: int, apart: dict[tuple[int, int], int]
) -> tuple[list[list[tuple[int, int]]], list[list[tuple[int, int]]]]:
    """For every unit those right of it and those left of it, with distances."""
    right: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    left: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for (a, b), d in apart.items():
        right[a].append((b, d))
        left[b].append((a, d))
    return right, left


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
