"""Separation: which variables a model makes independent of which, on the diagram and on the graph.

On the diagram (Fritz, Klingler, *The d-separation criterion in categorical probability*, 2023): discard every other
output, delete the boxes that nothing needs, cut every wire that is conditioned on behind its box, and look whether the
picture falls apart. On the graph of the observed variables the same is m-separation (Richardson 2003), decided here on
bitsets in time about linear in the graph. Both say the same, for every model (a property in the tests).

>>> from strings.model import CausalModel
>>> chain = CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")])
>>> falls_apart(chain, ["T"], ["U_S_C"], ["S"]), falls_apart(chain, ["S"], ["C"], ["T"])
(True, False)
>>> g = chain.graph
>>> separated(g, g.mask(["T"]), g.mask(["C"]), g.mask(["S"]))
False
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from strings.graph import Graph, bits
from strings.model import CausalModel


def falls_apart(model: CausalModel, left: Sequence[str], right: Sequence[str], given: Sequence[str] = ()) -> bool:
    """Whether `left` and `right` lie in different components of the model's picture once it is cut at `given`.

    Inputs of an open model are wires like others: two that meet in a box are connected.

    Raises:
        QueryError: N002 for an unknown variable.
    """
    names = tuple(dict.fromkeys((*left, *right, *given)))
    diagram = model.state(names)
    wire = dict(zip(names, diagram.outs, strict=True))
    cut = {wire[n] for n in given}
    parts = _Parts(len(diagram.wires))
    for first, node in zip(diagram.first_wires, diagram.nodes, strict=True):
        # A wire that is cut still ends at its box from behind, but no longer reaches the boxes that it feeds.
        ends = [*range(first, first + len(node.box.cod)), *(a for a in node.args if a not in cut)]
        for a, b in pairwise(ends):
            parts.join(a, b)
    kept = ([wire[n] for n in side if wire[n] not in cut] for side in (left, right))
    one, other = ({parts.find(w) for w in side} for side in kept)
    return not one & other


class _Parts:
    """Connected components, by union and find."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, x: int) -> int:
        while self._parent[x] != x:
            self._parent[x] = self._parent[self._parent[x]]
            x = self._parent[x]
        return x

    def join(self, x: int, y: int) -> None:
        self._parent[self.find(x)] = self.find(y)


def separated(graph: Graph, left: int, right: int, given: int = 0, within: int | None = None) -> bool:
    """Whether `left` and `right` are m-separated by `given` in the induced subgraph `within`; sets are masks."""
    return not connected(graph, left & ~given, given, right & ~given, within) & right & ~given


def connected(graph: Graph, start: int, given: int, others: int = 0, within: int | None = None) -> int:
    """What cannot be separated from `start` by `given` in the moralised graph of the ancestors of all three sets.

    Of `others` as a whole that says whether it is separated; a member by itself may be, although it is reached.

    In the graph of those ancestors two vertices are adjacent after moralising exactly if they meet in one district or
    among its parents: so a search goes from one district, with its parents, to the next.
    """
    near = graph.ancestors(start | given | others, within)
    homes = _meetings(graph, near)
    of: dict[int, list[int]] = {}
    for k, home in enumerate(homes):
        for v in bits(home):
            of.setdefault(v, []).append(k)
    found = frontier = start & near & ~given
    seen = [False] * len(homes)
    while frontier:
        reached = 0
        for v in bits(frontier):
            for k in of[v]:
                if not seen[k]:
                    seen[k] = True
                    reached |= homes[k]
        frontier = reached & ~found & ~given
        found |= frontier
    return found


def _meetings(graph: Graph, within: int) -> list[int]:
    """Each district of the induced subgraph together with its parents: the cliques of the moralised graph."""
    return [d | (graph.parents_of(d) & within) for d in graph.districts(within)]


def minimal_separator(graph: Graph, left: int, right: int, required: int = 0, allowed: int | None = None) -> int | None:
    """A minimal set that separates `left` from `right`, made of `required` and members of `allowed`; or nothing.

    Taken as near to `left` as possible (van der Zander, Liśkiewicz, Textor 2019, algorithm FINDMINSEP), in time about
    linear in the graph. Minimal: no member can be left out, those of `required` aside.
    """
    usable = (graph.all if allowed is None else allowed | required) & ~left & ~right
    widest = (graph.ancestors(left | right | required) & usable) | required
    if not separated(graph, left, right, widest):
        return None
    relevant = left | right | required
    first = required | (widest & _touched(graph, left, widest, relevant))
    return required | (first & _touched(graph, right, first, relevant))


def _touched(graph: Graph, start: int, given: int, others: int) -> int:
    """The members of `given` that a search from `start` runs into."""
    near = graph.ancestors(start | given | others)
    found = connected(graph, start, given, others)
    touched = 0
    for home in _meetings(graph, near):
        if home & found:
            touched |= home
    return touched & given


def local_independences(graph: Graph) -> Iterator[tuple[int, int, int]]:
    """For every vertex in order: the vertices before it that it is independent of, given the rest of those.

    The rest is its Markov blanket so far: its district among the vertices up to it, and the parents of that (Richardson
    2003, the ordered local Markov property on initial segments). Yields `(vertex, others, given)` as masks. On a graph
    without hidden causes all other independences follow from these.
    """
    before = 0
    for v in graph.order:
        near = graph.district(v, before | 1 << v)
        given = (near | graph.parents_of(near)) & ~(1 << v)
        others = before & ~given
        if others:
            yield 1 << v, others, given
        before |= 1 << v
