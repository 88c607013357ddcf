"""Copy dots in the middle of their legs, where that costs no straight wire.

Vertices joined by straight segments form a rigid block; blocks are joined by the legs of dots, which may be of any
length, and by bent wires. A block that only has legs is moved so that its dots stand in the middle of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from strings.picture.layers import Layered, Segment
from strings.picture.ordering import Order

Ends = Callable[[Segment], tuple[int, int]]


def centred(
    net: Layered, order: Order, x: list[int], offsets: Ends, distance: Callable[[int, int], int], nudge: int
) -> list[int]:
    """The coordinates with the blocks moved, the upper ones first.

    `offsets` says how far from its vertices a segment leaves and arrives, `distance` how far apart neighbours must be;
    a dot with a leg that travels no further than `nudge` stays where it is.
    """
    x = list(x)
    block, fixed = _blocks(net, x, offsets)
    legs: dict[int, list[tuple[int, int]]] = {}
    for s in net.segments:
        if net.is_dot(s.low):
            legs.setdefault(s.low, []).append((s.high, offsets(s)[1]))
    dots: dict[int, list[int]] = {}
    for dot in sorted(legs, key=lambda v: (-net.layer[v], v)):
        if block[dot] not in fixed:
            dots.setdefault(block[dot], []).append(dot)
    members: dict[int, list[int]] = {}
    for v, b in enumerate(block):
        if b in dots:
            members.setdefault(b, []).append(v)
    left, right = _beside(order)
    for b, mine in dots.items():
        wishes = [w for dot in mine if (w := _wish(x, dot, legs[dot], nudge)) is not None]
        if wishes:
            move = round(sum(wishes) / len(wishes))
            for v in members[b]:
                u, w = left.get(v, -1), right.get(v, -1)
                if u >= 0 and block[u] != b:
                    move = max(move, x[u] + distance(u, v) - x[v])
                if w >= 0 and block[w] != b:
                    move = min(move, x[w] - distance(v, w) - x[v])
            for v in members[b]:
                x[v] += move
    return x


def _blocks(net: Layered, x: Sequence[int], offsets: Ends) -> tuple[list[int], set[int]]:
    """The number of the block of every vertex, and the blocks at which a wire bends that is no leg."""
    parent = list(range(len(net.layer)))

    def root(v: int) -> int:
        while parent[v] != v:
            parent[v] = parent[parent[v]]
            v = parent[v]
        return v

    bent: list[int] = []
    for s in net.segments:
        out, into = offsets(s)
        if x[s.low] + out == x[s.high] + into:
            parent[root(s.low)] = root(s.high)
        elif not net.is_dot(s.low):
            bent += [s.low, s.high]
    return [root(v) for v in range(len(parent))], {root(v) for v in bent}


def _wish(x: Sequence[int], dot: int, legs: Sequence[tuple[int, int]], nudge: int) -> float | None:
    """How far a dot is left of the middle of its legs; `None` if they go to one side or one goes up."""
    ends = [x[v] + into for v, into in legs]
    if any(abs(end - x[dot]) <= nudge for end in ends) or not min(ends) < x[dot] < max(ends):
        return None
    return (min(ends) + max(ends)) / 2 - x[dot]


def _beside(order: Order) -> tuple[dict[int, int], dict[int, int]]:
    """The left and the right neighbour of every vertex."""
    left = {b: a for row in order for a, b in pairwise(row)}
    return left, {a: b for b, a in left.items()}
