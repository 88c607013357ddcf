"""Graphs and separation, against definitions by paths and by search through all sets.

`Paths` is the textbook's reading of an acyclic directed mixed graph: it walks along every path. The functions behind
it make graphs: all of up to four vertices, and random ones of five to seven.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.strategies import models
from strings.adjustment import minimal_separators
from strings.graph import Graph, bits
from strings.model import CausalModel
from strings.separation import connected, falls_apart, local_independences, minimal_separator, separated

FAST = settings(max_examples=80, deadline=None)
SHARED = Path(__file__).parents[3] / "shared" / "cases"


# Graphs, and their paths


@dataclass(frozen=True)
class Way:
    """A path: its vertices, and for every edge `>` along it, `<` against it, or `-` for a hidden common cause."""

    vertices: tuple[int, ...]
    steps: str

    @property
    def causal(self) -> bool:
        return set(self.steps) <= {">"}

    def colliders(self) -> Iterator[tuple[int, bool]]:
        """The vertices between the ends, and whether two arrowheads meet there."""
        for k, v in enumerate(self.vertices[1:-1]):
            yield v, self.steps[k] in ">-" and self.steps[k + 1] in "<-"

    def leaves(self, mask: int) -> bool:
        """Whether it uses an edge out of a member of `mask`."""
        edges = zip(self.vertices, self.steps, self.vertices[1:], strict=False)
        return any((s == ">" and mask >> u & 1) or (s == "<" and mask >> v & 1) for u, s, v in edges)

    def proper(self, mask: int) -> bool:
        """Whether only its first vertex is in `mask`."""
        return not any(mask >> v & 1 for v in self.vertices[1:])


class Paths:
    """All paths of a graph, and what they say."""

    def __init__(self, graph: Graph) -> None:
        n = len(graph.names)
        self.size = n
        self.edges: list[list[tuple[str, int]]] = [[] for _ in range(n)]
        for v in range(n):
            for u in range(n):
                if graph.parents[v] >> u & 1:
                    self.edges[u].append((">", v))
                    self.edges[v].append(("<", u))
                if graph.spouses[v] >> u & 1:
                    self.edges[v].append(("-", u))
        self.below = [self._below(v) for v in range(n)]
        self._found: dict[tuple[int, int], list[Way]] = {}

    def _below(self, v: int) -> int:
        mask = 1 << v
        for s, c in self.edges[v]:
            if s == ">":
                mask |= self._below(c)
        return mask

    def descendants(self, mask: int) -> int:
        return union(self.below[v] for v in bits(mask))

    def between(self, a: int, b: int) -> list[Way]:
        """All paths from one vertex to another."""
        if (a, b) not in self._found:
            self._found[a, b] = list(self._extended((a,), "", b))
        return self._found[a, b]

    def _extended(self, vertices: tuple[int, ...], steps: str, goal: int) -> Iterator[Way]:
        if vertices[-1] == goal:
            yield Way(vertices, steps)
            return
        for s, v in self.edges[vertices[-1]]:
            if v not in vertices:
                yield from self._extended((*vertices, v), steps + s, goal)

    def from_to(self, left: int, right: int) -> Iterator[Way]:
        for a in bits(left):
            for b in bits(right):
                yield from self.between(a, b)

    def opened(self, way: Way, given: int) -> bool:
        """Whether a path is open: colliders have a given descendant (or are given), no other vertex is given."""
        return all(bool(self.below[v] & given) if collides else not given >> v & 1 for v, collides in way.colliders())

    def separated(self, left: int, right: int, given: int) -> bool:
        left, right = left & ~given, right & ~given
        return not left & right and not any(self.opened(w, given) for w in self.from_to(left, right))


def union(masks: Iterable[int]) -> int:
    found = 0
    for m in masks:
        found |= m
    return found


def subsets(mask: int) -> Iterator[int]:
    """All subsets of a set, itself included."""
    part = mask
    while True:
        yield part
        if not part:
            return
        part = (part - 1) & mask


def mixed(n: int, directed: Iterable[tuple[int, int]], bidirected: Iterable[tuple[int, int]]) -> Graph:
    """A graph from its edges; a hidden vertex is a matter of `Graph.keep`."""
    parents, spouses = [0] * n, [0] * n
    for u, v in directed:
        parents[v] |= 1 << u
    for u, v in bidirected:
        spouses[u] |= 1 << v
        spouses[v] |= 1 << u
    return Graph(tuple(f"V{i}" for i in range(n)), tuple(parents), tuple(spouses))


@cache
def small_graphs(n: int, seed: int = 0) -> tuple[Graph, ...]:
    """All acyclic directed mixed graphs on `n` vertices up to renaming, the vertices in a random declared order."""
    rnd = random.Random(seed)
    pairs = list(itertools.combinations(range(n), 2))
    found = []
    for kinds in itertools.product(range(4), repeat=len(pairs)):
        label = rnd.sample(range(n), n)
        edges = [((label[u], label[v]), k) for (u, v), k in zip(pairs, kinds, strict=True)]
        found.append(mixed(n, [e for e, k in edges if k & 1], [e for e, k in edges if k & 2]))
    return tuple(found)


@cache
def random_graphs(count: int, sizes: tuple[int, ...] = (5, 6, 7), seed: int = 1, reach: int = 9) -> tuple[Graph, ...]:
    """Random graphs, the vertices in a random declared order; edges go at most `reach` places along another order."""
    rnd = random.Random(seed)
    found = []
    for _ in range(count):
        n = rnd.choice(sizes)
        label = rnd.sample(range(n), n)
        pairs = [(label[u], label[v]) for u, v in itertools.combinations(range(n), 2) if v - u <= reach]
        often, hidden = rnd.uniform(1.2, 3.3) / min(n, reach), rnd.uniform(0.0, 1.3) / min(n, reach)
        directed = [e for e in pairs if rnd.random() < often]
        found.append(mixed(n, directed, [e for e in pairs if rnd.random() < hidden]))
    return tuple(found)


def random_sets(rnd: random.Random, n: int, weights: tuple[int, ...]) -> list[int]:
    """Disjoint random sets; each vertex goes into set `k` with weight `weights[k]`, the last weight is for none."""
    sets = [0] * len(weights)
    for v in range(n):
        sets[rnd.choices(range(len(weights)), weights)[0]] |= 1 << v
    return sets[:-1]


def every_graph() -> Iterator[Graph]:
    """All graphs with up to four vertices, then random ones."""
    for n in (2, 3, 4):
        yield from small_graphs(n)
    yield from random_graphs(150)


# Graphs


def test_ancestors_descendants_order_and_districts() -> None:
    """As their definitions say; the order is the first in the alphabet of positions that respects the edges."""
    for graph in [*small_graphs(3), *small_graphs(4)[::5], *random_graphs(60)]:
        paths, n = Paths(graph), len(graph.names)
        for v in range(n):
            assert graph.descendants(1 << v) == paths.below[v]
            assert graph.ancestors(1 << v) == union(1 << u for u in range(n) if paths.below[u] >> v & 1)
            assert graph.children[v] == union(1 << c for s, c in paths.edges[v] if s == ">")
        allowed = (
            p
            for p in itertools.permutations(range(n))
            if all(p.index(u) < p.index(v) for v in range(n) for u in bits(graph.parents[v]))
        )
        assert graph.order == next(allowed)
        districts = graph.districts(graph.all)
        assert union(districts) == graph.all
        assert sum(d.bit_count() for d in districts) == n
        for d in districts:
            for u, v in itertools.combinations(range(n), 2):
                linked = any(set(w.steps) == {"-"} for w in paths.between(u, v))
                assert not d >> u & 1 or linked == bool(d >> v & 1)


def test_within_is_the_induced_subgraph() -> None:
    """Everything that takes `within` says what the graph without the other vertices says."""
    rnd = random.Random(3)
    for graph in random_graphs(150):
        n = len(graph.names)
        within, left, right, given_ = rnd.randrange(1, 1 << n), *random_sets(rnd, n, (1, 1, 2, 1))
        inside = Graph(
            graph.names,
            tuple(p & within if within >> v & 1 else 0 for v, p in enumerate(graph.parents)),
            tuple(s & within if within >> v & 1 else 0 for v, s in enumerate(graph.spouses)),
        )
        left, right, given_ = left & within, right & within, given_ & within

        assert graph.ancestors(left, within) == inside.ancestors(left)
        assert graph.descendants(left, within) == inside.descendants(left)
        assert set(graph.districts(within)) == {d for d in inside.districts(inside.all) if d & within}
        assert separated(graph, left, right, given_, within) == Paths(inside).separated(left, right, given_)


def test_without_takes_edges_away() -> None:
    """No edge into the first set, bidirected ones included, none out of the second; all others stay."""
    rnd = random.Random(4)
    for graph in [*small_graphs(3), *random_graphs(100)]:
        n = len(graph.names)
        into, out_of = rnd.randrange(1 << n), rnd.randrange(1 << n)
        kept = [e for e in directed_of(graph) if not into >> e[1] & 1 and not out_of >> e[0] & 1]
        hidden = [(u, v) for u, v in bidirected_of(graph) if not (into >> u | into >> v) & 1]

        assert graph.without(into, out_of) == mixed(n, kept, hidden)


def directed_of(graph: Graph) -> list[tuple[int, int]]:
    return [(u, v) for v, p in enumerate(graph.parents) for u in bits(p)]


def bidirected_of(graph: Graph) -> list[tuple[int, int]]:
    return [(u, v) for v, s in enumerate(graph.spouses) for u in bits(s) if u < v]


def test_projection_keeps_separation_and_causes() -> None:
    """Hiding vertices changes nothing about the others: not what separates them, nor what descends from what; and
    hiding in two steps is hiding at once (Verma 1993)."""
    rnd = random.Random(5)
    for graph in [*small_graphs(4)[::4], *random_graphs(200)]:
        n, paths = len(graph.names), Paths(graph)
        kept = rnd.randrange(1, 1 << n)
        small = graph.keep(kept)
        assert small.names == graph.show(kept)
        assert all(graph.mask(small.show(small.descendants(1 << v))) == paths.below[u] & kept
                   for v, u in enumerate(bits(kept)))  # fmt: skip
        fewer = kept & rnd.randrange(1 << n)
        assert small.keep(small.mask(graph.show(fewer))) == graph.keep(fewer)
        for a, b in itertools.combinations(bits(kept), 2):
            for _ in range(3):
                z = kept & rnd.randrange(1 << n) & ~(1 << a | 1 << b)
                left, right, given_ = (small.mask(graph.show(m)) for m in (1 << a, 1 << b, z))
                assert separated(small, left, right, given_) == paths.separated(1 << a, 1 << b, z)


@FAST
@given(st.data())
def test_hiding_variables_of_a_model_projects_its_graph(data: st.DataObject) -> None:
    """The graph of a model with more latent variables is the projection of its graph."""
    model = data.draw(models(max_size=7, max_latents=4))
    hidden = frozenset(data.draw(st.sets(st.sampled_from(model.observed), max_size=len(model.observed) - 1)))
    less = replace(model, latents=model.latents | hidden)

    assert less.graph == model.graph.keep(model.graph.mask(less.observed))


# Separation


def test_separation_is_that_all_paths_are_blocked() -> None:
    """For every graph with up to four vertices, every pair and every condition; for larger ones, for random sets."""
    rnd = random.Random(6)
    for graph in every_graph():
        n, paths = len(graph.names), Paths(graph)
        if n <= 4:
            for a, b in itertools.combinations(range(n), 2):
                for z in subsets(graph.all & ~(1 << a | 1 << b)):
                    assert separated(graph, 1 << a, 1 << b, z) == paths.separated(1 << a, 1 << b, z)
        for _ in range(2 if n <= 4 else 12):
            left, right, z = random_sets(rnd, n, (1, 1, 1, 1))
            assert separated(graph, left, right, z) == paths.separated(left, right, z)


def test_what_is_connected() -> None:
    """Among the ancestors of the start and of the condition, `connected` finds all that an open path leads to."""
    rnd = random.Random(7)
    for graph in [*small_graphs(3), *small_graphs(4)[::3], *random_graphs(150)]:
        n, paths = len(graph.names), Paths(graph)
        start, z = random_sets(rnd, n, (1, 1, 2))
        near = graph.ancestors(start | z)
        reached = union(1 << v for v in bits(near & ~z) if not paths.separated(start, 1 << v, z))

        assert connected(graph, start, z) == reached


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_pictures_fall_apart_where_graphs_separate(data: st.DataObject) -> None:
    """Cutting the picture, searching the graph and walking along its paths agree (Fritz, Klingler 2023)."""
    model = data.draw(models(max_size=6, max_latents=4))
    hidden = frozenset(data.draw(st.sets(st.sampled_from(model.observed), max_size=2)))
    model = replace(model, latents=model.latents | hidden)
    role = data.draw(st.lists(st.integers(0, 3), min_size=len(model.observed), max_size=len(model.observed)))
    left, right, z = ([n for n, r in zip(model.observed, role, strict=True) if r == k] for k in range(3))
    graph = model.graph
    masks = graph.mask(left), graph.mask(right), graph.mask(z)
    expected = Paths(graph).separated(*masks)

    assert separated(graph, *masks) == expected
    assert falls_apart(model, left, right, z) == expected


@FAST
@given(st.data())
def test_pictures_show_latent_variables_too(data: st.DataObject) -> None:
    """On a picture one may ask about the hidden variables: then they are vertices like others."""
    model = data.draw(models(max_size=5, max_latents=3))
    role = data.draw(st.lists(st.integers(0, 3), min_size=len(model.names), max_size=len(model.names)))
    left, right, z = ([n for n, r in zip(model.names, role, strict=True) if r == k] for k in range(3))
    graph = replace(model, latents=frozenset()).graph

    assert falls_apart(model, left, right, z) == Paths(graph).separated(*map(graph.mask, (left, right, z)))


def test_wires_from_outside_connect() -> None:
    """Two inputs of an open model that meet in a box hang together in the picture, unless a cut is between them."""
    model = CausalModel.from_edges([("A", "C"), ("B", "C"), ("C", "D")], domains=2)
    opened = replace(model, mechanisms={n: m for n, m in model.mechanisms.items() if n not in "AB"})

    assert falls_apart(opened, ["A"], ["B"])
    assert not falls_apart(opened, ["A"], ["B"], ["D"])
    assert falls_apart(opened, ["A"], ["D"], ["C"])


# Separators


def separators(paths: Paths, left: int, right: int, required: int, usable: int) -> list[int]:
    """All sets of `required` and members of `usable` that separate."""
    return [z | required for z in subsets(usable & ~required) if paths.separated(left, right, z | required)]


def minimal(sets: list[int]) -> set[int]:
    """Those that contain no other."""
    return {s for s in sets if not any(t != s and t & ~s == 0 for t in sets)}


@cache
def separator_questions() -> list[tuple[tuple[Graph, int, int, int, int], set[int]]]:
    """Graphs, two sides, what a separator has to contain and what it may contain; and the answers."""
    rnd = random.Random(8)
    found = []
    for graph in (*every_graph(), *random_graphs(200, (7, 8), 2, 3)):
        n, paths = len(graph.names), Paths(graph)
        near = [graph.parents[v] | graph.children[v] | graph.spouses[v] for v in range(n)]
        apart = [(u, v) for u, v in itertools.permutations(range(n), 2) if not near[u] >> v & 1]
        for _ in range(min(len(apart), 2 if n <= 4 else 6)):
            left, right = (1 << v for v in rnd.choice(apart))
            more, fewer, required, allowed = random_sets(rnd, n, (1, 1, 1, 12, 2))
            left, right = left | (more & ~right), right | (fewer & ~left)
            question = graph, left, right, required & ~left & ~right, allowed & ~left & ~right
            found.append((question, minimal(separators(paths, *question[1:]))))
    return found


def test_a_minimal_separator_is_found_if_there_is_one() -> None:
    """It separates, keeps to what is required and allowed, and is minimal among all sets that do so."""
    for question, answers in separator_questions():
        found = minimal_separator(*question)
        assert found in answers if answers else found is None


def test_all_minimal_separators_are_listed() -> None:
    """Each once, and nothing else; the first is the one that is found alone."""
    for question, answers in separator_questions():
        listed = list(minimal_separators(*question))

        assert len(listed) == len(set(listed))
        assert set(listed) == answers
        assert (listed[0] if listed else None) == minimal_separator(*question)


def test_listing_is_lazy() -> None:
    """Of 2 to the 60 minimal separators the first few come at once: sixty chains of two between the sides."""
    chains = 60
    parents = [0] + [0] * (2 * chains) + [0]
    for k in range(chains):
        parents[1 + 2 * k] = 1
        parents[2 + 2 * k] = 1 << (1 + 2 * k)
        parents[-1] |= 1 << (2 + 2 * k)
    graph = Graph(tuple(f"V{i}" for i in range(len(parents))), tuple(parents), (0,) * len(parents))
    first = list(itertools.islice(minimal_separators(graph, 1, 1 << len(parents) - 1), 200))

    assert len(set(first)) == 200
    assert all(z.bit_count() == chains and separated(graph, 1, 1 << len(parents) - 1, z) for z in first)


# Independences of a graph


def test_local_independences_hold() -> None:
    """Every independence that is listed holds; without hidden causes it is that of a vertex, given its parents, from
    the others before it."""
    for graph in [*small_graphs(3), *small_graphs(4)[::3], *random_graphs(150)]:
        paths = Paths(graph)
        listed = list(local_independences(graph))

        assert all(paths.separated(v, others, z) for v, others, z in listed)
        assert all(v | others | z == graph.mask(graph.names[u] for u in graph.order[: k + 1])
                   for v, others, z in listed
                   for k in [graph.order.index(v.bit_length() - 1)])  # fmt: skip
        if not any(graph.spouses):
            assert all(z == graph.parents_of(v) for v, _, z in listed)
            missing = [v for k, v in enumerate(graph.order) if graph.parents[v].bit_count() < k]
            assert [v.bit_length() - 1 for v, _, _ in listed] == missing


def test_local_independences_imply_the_others() -> None:
    """A graph without hidden causes has no independence that does not follow by the graphoid axioms."""
    for graph in small_graphs(4):
        if any(graph.spouses):
            continue
        known = graphoid(list(local_independences(graph)), graph.all)
        paths = Paths(graph)
        for a, b in itertools.combinations(range(4), 2):
            for z in subsets(graph.all & ~(1 << a | 1 << b)):
                assert ((1 << a, 1 << b, z) in known) == paths.separated(1 << a, 1 << b, z)


def graphoid(statements: list[tuple[int, int, int]], everything: int) -> set[tuple[int, int, int]]:
    """All that follows by symmetry, decomposition, weak union and contraction."""
    known: set[tuple[int, int, int]] = set()
    new = set(statements)
    while new:
        known |= new
        found = set()
        for a, b, z in new:
            found.add((b, a, z))
            for part in subsets(b):
                if part and part != b:
                    found |= {(a, part, z), (a, part, z | (b & ~part))}
        for a, b, z in known:
            found |= {(a, b | w, z) for a2, w, z2 in known if a2 == a and z2 == z | b}
        new = found - known
    return known


# Cases from elsewhere


def cases(kind: str) -> list[Any]:
    """The cases of one kind that are kept beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("no cases beside the repository")
    texts = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(SHARED.glob("*.json"))]
    return [c for t in texts if isinstance(t, list) for c in t if c["kind"] == kind]


def graph_of(case: Any) -> Graph:
    """The graph of a case, its hidden vertices projected out."""
    names = case["nodes"]
    at = {n: i for i, n in enumerate(names)}
    edges = ([(at[u], at[v]) for u, v in case[k]] for k in ("directed", "bidirected"))
    graph = replace(mixed(len(names), *edges), names=tuple(names))
    return graph.keep(graph.mask(n for n in names if n not in (case.get("latents") or [])))


def test_published_separations() -> None:
    """Separation statements from papers and other programs' tests."""
    found = cases("dsep")
    for case in found:
        graph, query = graph_of(case), case["query"]
        masks = [graph.mask(query[k]) for k in ("a", "b", "given")]
        model = CausalModel.from_edges(case["directed"], case["bidirected"], nodes=case["nodes"])
        assert separated(graph, *masks) == case["expected"]["separated"], case["id"]
        assert Paths(graph).separated(*masks) == case["expected"]["separated"], case["id"]
        assert falls_apart(model, query["a"], query["b"], query["given"]) == case["expected"]["separated"], case["id"]
    assert len(found) >= 40
