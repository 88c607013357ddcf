"""Covariate adjustment: which sets `Z` make `P(y | do(x))` the sum over `z` of `P(y | x, z) P(z)`, and which are best.

Decided by the adjustment criterion, which is sound and complete: for any number of treatments and outcomes, such a sum
is the effect in every model of the graph exactly if the criterion holds (Shpitser, VanderWeele, Robins 2010; Perković,
Textor, Kalisch, Maathuis 2018). It asks two things of `Z`: no member descends from a variable that lies on a causal
path from the treatments to the outcomes, and `Z` separates the two once the first edges of those paths are gone (van
der Zander, Liśkiewicz, Textor 2014). So all questions about adjustment become questions about separators, and take
polynomial time each; no paths and no subsets are enumerated.

Sets are masks on the graph of the observed variables. Causal paths are *proper*: only their start is a treatment.

>>> g = Graph(("A", "B", "X", "M", "Y"), (0b00000, 0b00001, 0b00001, 0b00100, 0b01010), (0, 0, 0, 0, 0))
>>> x, y = g.mask("X"), g.mask("Y")
>>> [g.show(z) for z in minimal_adjustments(g, y, x)]
[('A',), ('B',)]
>>> g.show(optimal_adjustment(g, y, x) or 0), is_adjustment(g, y, x, g.mask("M"))
(('B',), False)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from strings.graph import Graph, bits
from strings.separation import minimal_separator, separated


def causal_vertices(graph: Graph, outcomes: int, treated: int) -> int:
    """The variables on proper causal paths from `treated` to `outcomes`: outcomes included, treatments not."""
    free = graph.all & ~treated
    first = 0
    for x in bits(treated):
        first |= graph.children[x]
    return graph.descendants(first, free) & graph.ancestors(outcomes, free)


def forbidden(graph: Graph, outcomes: int, treated: int) -> int:
    """What may never be adjusted for: treatments, outcomes, and all that descends from a causal path."""
    return graph.descendants(causal_vertices(graph, outcomes, treated)) | treated | outcomes


def without_causal_paths(graph: Graph, outcomes: int, treated: int) -> Graph:
    """The proper back-door graph: without the first edge of every proper causal path."""
    causal = causal_vertices(graph, outcomes, treated)
    parents = tuple(p & ~treated if causal >> v & 1 else p for v, p in enumerate(graph.parents))
    return Graph(graph.names, parents, graph.spouses)


def is_adjustment(graph: Graph, outcomes: int, treated: int, chosen: int) -> bool:
    """Whether adjusting for `chosen` gives `P(outcomes | do(treated))` in every model of the graph.

    The adjustment criterion of Shpitser, VanderWeele and Robins (2010), in the form of van der Zander, Liśkiewicz and
    Textor (2014).

    >>> triangle = Graph(("Z", "X", "Y"), (0b000, 0b001, 0b011), (0, 0, 0))
    >>> is_adjustment(triangle, 0b100, 0b010, 0b001), is_adjustment(triangle, 0b100, 0b010, 0b000)
    (True, False)
    """
    if outcomes & treated or chosen & forbidden(graph, outcomes, treated):
        return False
    return separated(without_causal_paths(graph, outcomes, treated), treated, outcomes, chosen)


def is_backdoor(graph: Graph, outcomes: int, treated: int, chosen: int) -> bool:
    """Whether `chosen` satisfies the back-door criterion (Pearl 1995): it has no descendant of a treatment, and it
    blocks every path between treatments and outcomes that uses no edge out of a treatment.

    Every such set is an adjustment set. For one treatment, there is one exactly if there is an adjustment set.
    """
    if outcomes & treated or chosen & (outcomes | graph.descendants(treated)):
        return False
    return separated(graph.without(out_of=treated), treated, outcomes, chosen)


def minimal_backdoor(
    graph: Graph, outcomes: int, treated: int, required: int = 0, allowed: int | None = None
) -> int | None:
    """A back-door set, of `required` and members of `allowed`, of which nothing else can be left out; or nothing."""
    barred = outcomes | graph.descendants(treated)
    cut = graph.without(out_of=treated)
    return _separator(cut, outcomes, treated, required, _usable(graph, barred, allowed), barred)


def canonical_adjustment(
    graph: Graph, outcomes: int, treated: int, required: int = 0, allowed: int | None = None
) -> int | None:
    """The adjustment set of all ancestors of treatments, outcomes and `required` that may be adjusted for; or nothing.

    If any subset of `allowed` that contains `required` is an adjustment set, this one is (van der Zander, Liśkiewicz,
    Textor 2014; Perković et al. 2018).
    """
    usable = _usable(graph, forbidden(graph, outcomes, treated), allowed)
    chosen = (graph.ancestors(treated | outcomes | required) & usable) | required
    return chosen if is_adjustment(graph, outcomes, treated, chosen) else None


def minimal_adjustment(
    graph: Graph, outcomes: int, treated: int, required: int = 0, allowed: int | None = None
) -> int | None:
    """An adjustment set, of `required` and members of `allowed`, of which nothing else can be left out; or nothing.

    The one nearest to the treatments, in time about linear in the graph (van der Zander, Liśkiewicz, Textor 2019).

    >>> triangle = Graph(("Z", "X", "Y"), (0b000, 0b001, 0b011), (0, 0, 0))
    >>> minimal_adjustment(triangle, 0b100, 0b010), minimal_adjustment(triangle, 0b100, 0b010, allowed=0b000)
    (1, None)
    """
    barred = forbidden(graph, outcomes, treated)
    cut = without_causal_paths(graph, outcomes, treated)
    return _separator(cut, outcomes, treated, required, _usable(graph, barred, allowed), barred)


def minimal_adjustments(
    graph: Graph, outcomes: int, treated: int, required: int = 0, allowed: int | None = None
) -> Iterator[int]:
    """All adjustment sets of which nothing can be left out (`required` aside), each once, nearest to treatments first.

    There may be exponentially many, so take what you need, by `itertools.islice` say: the time up to the first and
    between any two is polynomial (van der Zander, Liśkiewicz, Textor 2019).
    """
    barred = forbidden(graph, outcomes, treated)
    if outcomes & treated or required & barred:
        return
    cut = without_causal_paths(graph, outcomes, treated)
    yield from minimal_separators(cut, treated, outcomes, required, _usable(graph, barred, allowed))


def optimal_adjustment(graph: Graph, outcomes: int, treated: int) -> int | None:
    """The adjustment set that estimates the effect with the least asymptotic variance, where graphs tell; or nothing.

    It is the parents of the causal paths, the forbidden ones aside: best among all adjustment sets for regression in
    linear models (Henckel, Perković, Maathuis 2022; Witte et al. 2020), and, with one treatment, for nonparametric
    estimates (Rotnitzky, Smucler 2020). Those results are for graphs in which everything is observed. Here a hidden
    cause is taken for one more vertex: if the best set of that larger graph has no hidden member, then it is best among
    the sets that can be seen as well. If a hidden cause feeds a causal path, nothing is returned, although some graphs
    of that kind have a best set (Smucler, Sapienza, Rotnitzky 2022; Runge 2021). Nothing is returned either if an
    outcome does not descend from the treatments, or if adjustment fails.

    >>> hidden = Graph(("F", "X", "Y"), (0b000, 0b000, 0b010), (0b100, 0b000, 0b001))
    >>> optimal_adjustment(hidden, 0b100, 0b010) is None, minimal_adjustment(hidden, 0b100, 0b010)
    (True, 0)
    """
    causal = causal_vertices(graph, outcomes, treated)
    if outcomes & ~causal or any(graph.spouses[v] for v in bits(causal)):
        return None
    chosen = graph.parents_of(causal) & ~forbidden(graph, outcomes, treated)
    return chosen if is_adjustment(graph, outcomes, treated, chosen) else None


def _usable(graph: Graph, barred: int, allowed: int | None) -> int:
    return (graph.all if allowed is None else allowed) & ~barred


def _separator(cut: Graph, outcomes: int, treated: int, required: int, usable: int, barred: int) -> int | None:
    if outcomes & treated or required & barred:
        return None
    return minimal_separator(cut, treated, outcomes, required, usable)


def minimal_separators(
    graph: Graph, left: int, right: int, required: int = 0, allowed: int | None = None
) -> Iterator[int]:
    """All minimal sets that separate `left` from `right`, of `required` and members of `allowed`, nearest to `left`
    first; the three sets are disjoint.

    Minimal: no member can be left out, those of `required` aside. Each lies among the ancestors of what is named, so
    they are the minimal vertex separators of one moralised graph (van der Zander, Liśkiewicz, Textor 2019). Those are
    listed by growing the side of `left` (Takata 2010): every branch of the search holds at least one of them, so the
    time between two is polynomial.

    >>> g = Graph(("X", "A", "B", "Y"), (0b0010, 0b0000, 0b0010, 0b0100), (0, 0, 0, 0))
    >>> [g.show(s) for s in minimal_separators(g, g.mask("X"), g.mask("Y"))]
    [('A',), ('B',)]
    """
    cliques = _cliques(graph, left, right, required, allowed)
    if any(c & left and c & right for c in cliques):
        return
    waiting = [(_side(cliques, left, right), 0)]
    while waiting:
        side, excluded = waiting.pop()  # all separators whose side of `left` contains `side` and meets no `excluded`
        border = _around(cliques, side) & ~side
        undecided = border & ~excluded
        if not undecided:
            yield border | required
            continue
        vertex = undecided & -undecided
        if not _around(cliques, side | vertex) & right:
            grown = _side(cliques, side | vertex, right)
            if not grown & excluded:
                waiting.append((grown, excluded))
        waiting.append((side, excluded | vertex))


def _cliques(graph: Graph, left: int, right: int, required: int, allowed: int | None) -> list[int]:
    """Cliques of the undirected graph on `left`, `right` and all that may separate them.

    A district of the ancestral graph with its parents is a clique after moralising; `required` is taken away as given,
    and where vertices may not be used, all that they hold together becomes one clique.
    """
    near = graph.ancestors(left | right | required)
    passed = near & ~((graph.all if allowed is None else allowed) | left | right | required)
    merged: list[int] = []
    for district in graph.districts(near):
        clique = (district | graph.parents_of(district)) & ~required
        meeting = [c for c in merged if c & clique & passed]
        merged = [c for c in merged if not c & clique & passed]
        for c in meeting:
            clique |= c
        merged.append(clique)
    return merged


def _around(cliques: Sequence[int], mask: int) -> int:
    """A set and its neighbours."""
    found = mask
    for c in cliques:
        if c & mask:
            found |= c
    return found


def _component(cliques: Sequence[int], start: int, barred: int) -> int:
    """All that `start` reaches without entering `barred`."""
    found, frontier = start, start
    while frontier:
        frontier = _around(cliques, frontier) & ~found & ~barred
        found |= frontier
    return found


def _side(cliques: Sequence[int], left: int, right: int) -> int:
    """The side of `left` of the minimal separator nearest to `left`, which is not adjacent to `right`.

    Its neighbours are that separator, and every minimal separator with `left` on its near side has all of it there.
    """
    far = _component(cliques, right, _around(cliques, left))
    separator = _around(cliques, far) & ~far
    return _component(cliques, left, separator)
