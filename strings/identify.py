"""Which effects follow from what is given: the complete decision of Shpitser and Pearl, by way of districts.

An effect `P(y | do(x))` is a product of district kernels `Q[C] = P(C | do(everything else))`, one for each district of
the graph without `x` (Tian, Pearl 2002). Each kernel is found from a given distribution by two moves in turn:
*marginalise* to the ancestors of `C` (discarding is natural) and *factor* into districts again (Tian, Pearl 2002,
lemmas 3 and 4). Where neither moves any more there is a hedge and the effect does not follow (Shpitser, Pearl 2006,
theorem 5; Huang, Valtorta 2006). With several given distributions each kernel needs just one of them (Lee, Correa,
Bareinboim 2019). A condition is first turned into an intervention wherever the second rule of do-calculus allows that
(Shpitser, Pearl 2006, IDC).

Everything here is on masks of the graph of the observed variables and takes microseconds; `strings.estimand` makes
diagrams of it.

>>> g = Graph(("S", "T", "C"), (0b000, 0b001, 0b010), (0b100, 0b000, 0b001))
>>> [[g.show(level.district) for level in r.levels] for r in effect(g, g.mask("C"), g.mask("S"))]
[[('T',)], [('S', 'C'), ('C',)]]
>>> bow = Graph(("X", "Y"), (0b00, 0b01), (0b10, 0b01))
>>> print(effect(bow, bow.mask("Y"), bow.mask("X")))
{X, Y} and {Y} form a hedge
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from strings.graph import Graph, bits
from strings.separation import separated

_T = TypeVar("_T")

_MOST_GIVEN = 6  # of more distributions only single ones and pairs are tried
_MOST_SPARE = 6  # of more variables not all choices are hidden, but those that some distributions do not speak of


@dataclass(frozen=True, slots=True)
class Source:
    """A given distribution: of all variables of `graph`, where those in `done` have been intervened on.

    `graph` may have fewer variables than the model: the others are projected out of it.
    """

    graph: Graph
    done: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """One marginalisation and one factorisation: the kernel of `ancestral`, then of `district` within it."""

    ancestral: int
    district: int


@dataclass(frozen=True, slots=True)
class Route:
    """How the kernel of a district is found: from the given distribution number `source`, level by level.

    The masks are those of the source's graph; the last level's district is the one wanted.
    """

    source: int
    levels: tuple[Level, ...]

    @property
    def district(self) -> int:
        return self.levels[-1].district


@dataclass(frozen=True, slots=True)
class Hedge:
    """Why a kernel cannot be found from the distribution number `source`.

    `inner` is a part of `forest`; both are connected by bidirected edges, and within `forest` all are ancestors of
    `inner`. What is intervened on lies in `forest` outside of `inner` (Shpitser, Pearl 2006, definition 5).
    """

    graph: Graph
    forest: int
    inner: int
    source: int = 0

    def __str__(self) -> str:
        outer, inner = (", ".join(self.graph.show(m)) for m in (self.forest, self.inner))
        return f"{{{outer}}} and {{{inner}}} form a hedge"


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why a kernel cannot be found: the given distribution number `source` does not speak of these variables."""

    graph: Graph
    missing: int
    source: int = 0

    def __str__(self) -> str:
        return f"nothing that is given tells of {', '.join(self.graph.show(self.missing))}"


Obstacle = Hedge | Unseen


def route(source: Source, district: int, number: int = 0) -> Route | Hedge:
    """The route to the kernel of `district`, which is connected by bidirected edges and disjoint from `source.done`."""
    graph = source.graph
    vertex = (district & -district).bit_length() - 1
    levels: list[Level] = []
    home = graph.all & ~source.done
    while True:
        near = graph.ancestors(district, home)
        inside = graph.district(vertex, near)
        if inside == home and inside != district:
            return Hedge(graph, inside, district, number)
        levels.append(Level(near, inside))
        if inside == district:
            return Route(number, tuple(levels))
        home = inside


def effect(
    graph: Graph,
    outcomes: int,
    treated: int,
    sources: Sequence[Source] = (),
    policies: Sequence[tuple[int, int]] = (),
) -> tuple[Route, ...] | Obstacle:
    """Routes to all district kernels that `P(outcomes | do(treated))` is made of, or what stops the first.

    Without `sources` the observed joint is given. A treated variable that a policy sets listens to others: `policies`
    has such a vertex and the mask of what it reads. `outcomes` may share members with `treated`.
    """
    routes: list[Route] = []
    for district in graph.districts(needed(graph, outcomes, treated, policies)):
        found = _first_route(graph, district, sources or (Source(graph),))
        if not isinstance(found, Route):
            return found
        routes.append(found)
    return tuple(routes)


def needed(graph: Graph, outcomes: int, treated: int, policies: Sequence[tuple[int, int]] = ()) -> int:
    """The variables, treated ones aside, that `outcomes` depend on once `treated` have been intervened on."""
    reads = dict(policies)
    found = frontier = outcomes
    while frontier:
        reached = graph.parents_of(frontier & ~treated)
        for v in bits(frontier & treated):
            reached |= reads.get(v, 0)
        frontier = reached & ~found
        found |= frontier
    return found & ~treated


def _first_route(graph: Graph, district: int, sources: Sequence[Source]) -> Route | Obstacle:
    """A route from the first source that has one, or what stands in the way of the first that speaks of the district.

    The kernel of a district is a matter of the district and its parents, so a source has to speak of those. It may be
    of an experiment on variables that `graph` does not have, if these are none of them.
    """
    hedge: Hedge | None = None
    unseen: Unseen | None = None
    for number, source in enumerate(sources):
        inside, missing, strange = district, 0, False
        if source.graph is not graph:
            around = district | graph.parents_of(district)
            known = set(source.graph.names)
            missing = sum(1 << v for v in bits(around) if graph.names[v] not in known)
            inside = source.graph.mask(graph.names[v] for v in bits(district) if graph.names[v] in known)
            heard = source.graph.show(source.graph.parents_of(inside))
            strange = any(n not in graph.names for n in heard)  # what is set there, but hidden here
        if missing or strange or inside & source.done:
            unseen = unseen or Unseen(graph, missing or district, number)
            continue
        found = route(source, inside, number)
        if isinstance(found, Route):
            return found
        hedge = hedge or found
    obstacle = hedge or unseen
    assert obstacle is not None
    return obstacle


def exchangeable(operated: Graph, outcomes: int, fixed: int, conditions: int, candidates: int) -> int:
    """The largest part of `candidates`, all of them conditions, that may be set instead of seen.

    The second rule of do-calculus, one condition after the other: `z` may be set if it is separated from the outcomes,
    given what is `fixed` and the other conditions, once the edges out of `z` are gone. `operated` is the graph after
    the surgery, without the edges into what is treated. The result does not depend on the order (Shpitser, Pearl 2006,
    lemma 8).
    """
    moved = 0
    while True:
        for z in bits(candidates & ~moved):
            if may_be_set(operated, outcomes, fixed | moved, conditions & ~moved, z):
                operated = operated.without(into=1 << z)
                moved |= 1 << z
                break
        else:
            return moved


def may_be_set(operated: Graph, outcomes: int, fixed: int, conditions: int, z: int) -> bool:
    """Whether the condition `z` may be set instead of seen (do-calculus, second rule)."""
    given = (fixed | conditions) & ~(1 << z)
    return separated(operated.without(out_of=1 << z), outcomes & ~given, 1 << z, given)


def identifiable(
    graph: Graph,
    outcomes: int,
    treated: int,
    conditions: int = 0,
    sources: Sequence[Source] = (),
    policies: Sequence[tuple[int, int]] = (),
) -> bool:
    """Whether `P(outcomes | do(treated), conditions)` follows from what is given, in every model of this graph.

    >>> napkin = Graph(("W", "R", "X", "Y"), (0b0000, 0b0001, 0b0010, 0b0100), (0b1100, 0b0000, 0b0001, 0b0001))
    >>> identifiable(napkin, napkin.mask("Y"), napkin.mask("X"))
    True
    """
    return isinstance(_conditional_effect(graph, outcomes, treated, conditions, sources, policies), tuple)


def _conditional_effect(
    graph: Graph,
    outcomes: int,
    treated: int,
    conditions: int,
    sources: Sequence[Source],
    policies: Sequence[tuple[int, int]],
) -> tuple[Route, ...] | Obstacle:
    """As `effect`, once the conditions that may be set are."""
    if conditions:
        operated = graph.without(into=treated)
        moved = exchangeable(operated, outcomes, treated, conditions, conditions & ~treated)
        treated, outcomes = treated | moved, outcomes | (conditions & ~moved)
    return effect(graph, outcomes, treated, sources, policies)


@dataclass(frozen=True, slots=True)
class Core:
    """A smallest part of a graph in which an effect still does not follow; every other edge may be left out.

    `outcomes` are the outcomes that are still needed for that. `obstacle` is what stands in the way there; nothing does
    if the effect follows on the whole.
    """

    graph: Graph
    outcomes: int
    obstacle: Obstacle | None


def core(
    graph: Graph,
    outcomes: int,
    treated: int,
    conditions: int = 0,
    sources: Sequence[Source] = (),
    policies: Sequence[tuple[int, int]] = (),
    rnd: random.Random | None = None,
) -> Core:
    """The part of `graph` that makes an effect not identifiable: edges are left out one by one while it stays so.

    A model that ignores an edge is a model of the graph too, so what fails on the part fails on the whole. There may be
    several such parts: outcomes and edges are left out in their order, or with `rnd` in a random one.
    """
    reads = 0
    for _, read in policies:
        reads |= read

    def verdict(g: Graph, y: int) -> tuple[Route, ...] | Obstacle:
        return _from_any(g, y, treated, conditions, reads, sources, policies)

    def fails(g: Graph, y: int) -> bool:
        return not isinstance(verdict(g, y), tuple)

    edges = [(True, p, v) for v, mask in enumerate(graph.parents) for p in bits(mask)]
    edges += [(False, u, v) for v, mask in enumerate(graph.spouses) for u in bits(mask) if u < v]
    wanted = list(bits(outcomes))
    if rnd is not None:
        rnd.shuffle(wanted)
        rnd.shuffle(edges)
    for y in wanted:
        rest = outcomes & ~(1 << y)
        if rest and fails(graph, rest):
            outcomes = rest
    left = graph
    for directed, u, v in edges:
        parents, spouses = list(left.parents), list(left.spouses)
        if directed:
            parents[v] &= ~(1 << u)
        else:
            spouses[v], spouses[u] = spouses[v] & ~(1 << u), spouses[u] & ~(1 << v)
        without = Graph(graph.names, tuple(parents), tuple(spouses))
        if fails(without, outcomes):
            left = without
    obstacle = verdict(left, outcomes)
    return Core(left, outcomes, None if isinstance(obstacle, tuple) else obstacle)


def _from_any(
    graph: Graph,
    outcomes: int,
    treated: int,
    conditions: int,
    reads: int,
    sources: Sequence[Source],
    policies: Sequence[tuple[int, int]],
) -> tuple[Route, ...] | Obstacle:
    """As `_conditional_effect`, with some variables hidden if nothing else helps.

    The sources are those of a graph that had more edges.
    """
    first: Obstacle | None = None
    asked = outcomes | treated | conditions | reads
    spare = graph.show(needed(graph, outcomes | conditions, treated, policies) & ~asked)
    for hidden in itertools.chain([()], hidings([s.graph.names for s in sources], spare)):
        g = graph.keep(graph.all & ~graph.mask(hidden)) if hidden else graph
        here = {n: 1 << v for v, n in enumerate(g.names)}
        given = []
        for s in sources:
            left = [n for n in s.graph.names if n in here]
            done = s.graph.show(s.done)
            same = len(left) == len(here) and all(n in here for n in done)
            own = g if same else graph.keep(graph.mask({*left, *done}))
            given.append(Source(own, own.mask(done)))
        y, x, z = (sum(here[n] for n in graph.show(mask)) for mask in (outcomes, treated, conditions))
        read = [(g.names.index(graph.names[v]), g.mask(graph.show(r))) for v, r in policies]
        found = _conditional_effect(g, y, x, z, given, read)
        if isinstance(found, tuple):
            return found
        first = first or found
    assert first is not None
    return first


def hidings(speaking: Sequence[Sequence[str]], spare: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """What may be hidden where given distributions speak of different variables: what is spare, or some of it.

    `speaking` has the variables of each, `spare` those that are needed though not asked. What is in sight has to be
    accounted for, so less may do where more does not.

    >>> list(hidings([("X", "Y", "W"), ("X", "Y", "Z")], ("W", "Z")))
    [('W',), ('Z',), ('W', 'Z')]
    """
    if len(set(map(frozenset, speaking))) < 2:
        return
    if len(spare) <= _MOST_SPARE:
        for count in range(1, len(spare) + 1):
            yield from itertools.combinations(spare, count)
    else:
        for chosen in selections(speaking):
            known = {n for names in chosen for n in names}
            yield tuple(n for n in spare if n not in known)


def selections(given: Sequence[_T]) -> Iterator[tuple[_T, ...]]:
    """What is given without some of it, small choices first.

    What a distribution speaks of is kept in sight, and a variable in sight has to be accounted for: so fewer may do
    where all together do not.
    """
    most = len(given) - 1 if len(given) <= _MOST_GIVEN else 2
    for count in range(1, most + 1):
        yield from itertools.combinations(given, count)
