"""Junction trees: groups of inputs of a box that meet each other, overlapping as little as can be.

Two inputs of a box meet if copies of it have them in one case; only such inputs are drawn together in a way that
matters. If the graph of those that meet is chordal, its cliques form a tree in which those with an input in common are
connected, and laws of the cliques that agree where cliques overlap are the margins of one law of all inputs (Vorob'ev
1962; Lauritzen and Spiegelhalter 1988). So a linear program over these laws is one over all laws, and smaller: the
number of functions is exponential in the largest clique, not in the number of inputs. Edges are added to a graph that
is not chordal, by elimination (Rose 1970).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping


def junction_tree(
    weights: Mapping[int, int], pairs: Iterable[tuple[int, int]]
) -> list[tuple[tuple[int, ...], int | None]]:
    """Cliques that cover all pairs of vertices, each with the number of the one before it that it hangs on.

    A clique has with those before it only in common what it shares with that one. `weights` say how many values there
    are at each vertex: an order of elimination is found greedily, by how many combinations come of it.

    >>> junction_tree({0: 2, 1: 2, 2: 2, 3: 2}, [(0, 1), (1, 2), (2, 3)])
    [((2, 3), None), ((1, 2), 0), ((0, 1), 1)]
    >>> junction_tree({0: 2, 1: 2, 2: 2, 3: 2}, [(0, 1), (1, 2), (2, 3), (3, 0)])
    [((1, 2, 3), None), ((0, 1, 3), 0)]
    """
    near: dict[int, set[int]] = {v: set() for v in weights}
    for one, other in pairs:
        if one != other:
            near[one].add(other)
            near[other].add(one)
    order: list[int] = []
    behind: dict[int, set[int]] = {}
    while near:
        # What has one value only costs nothing wherever it stands: it goes last, and ties nothing together.
        v = min(near, key=lambda v: (weights[v] == 1, _size(weights, {v} | near[v]), v))
        order.append(v)
        behind[v] = near.pop(v)
        for w in behind[v]:
            near[w] |= behind[v]
            near[w] -= {v, w}
    place = {v: k for k, v in enumerate(order)}
    cliques: list[set[int]] = []
    parents: list[int | None] = []
    home: dict[int, int] = {}
    for v in reversed(order):
        parent = home[min(behind[v], key=place.__getitem__)] if behind[v] else None
        if parent is not None and cliques[parent] == behind[v]:
            cliques[parent].add(v)
            home[v] = parent
        else:
            home[v] = len(cliques)
            cliques.append({v} | behind[v])
            parents.append(parent)
    return [(tuple(sorted(c)), p) for c, p in zip(cliques, parents, strict=True)]


def _size(weights: Mapping[int, int], vertices: Collection[int]) -> int:
    return math.prod(weights[v] for v in vertices)
