"""Layout facts of the pictures: nothing overlaps, nothing is run through, ports keep their order, few crossings."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strings.diagram import Builder, Diagram, box, copy, discard, identity, point, swap, tensor, uniform
from strings.model import CausalModel
from strings.picture.coordinates import Layout
from strings.picture.glyphs import Path, Text
from strings.picture.graph import DrawGraph, draw_graph
from strings.picture.labels import Area, area_of, flattened, wire_labels
from strings.picture.layers import layered
from strings.picture.operation import edit_in_place, model_graph
from strings.picture.ordering import best_order, crossings
from strings.picture.scene import drawn_parts, lay_out
from strings.picture.simplex import Edge, solve
from strings.picture.wires import wire_paths
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, Open, operate

A, B, C, D = (Object(n) for n in "ABCD")


def model_of(edges: list[tuple[str, str]], latents: set[str] = frozenset(), name: str = "m") -> CausalModel:
    return replace(CausalModel.from_edges(edges, domains=2, name=name), latents=frozenset(latents))


SMOKING = model_of([("H", "S"), ("S", "T"), ("T", "C"), ("H", "C")], {"H"}, "smoking")
NAPKIN = model_of(
    [("U", "W"), ("V", "W"), ("W", "R"), ("R", "X"), ("U", "X"), ("X", "Y"), ("V", "Y")], {"U", "V"}, "napkin"
)
FRONT_DOOR = CausalModel.from_edges([("X", "Z"), ("Z", "Y")], [("X", "Y")], domains=2)


def random_model(size: int, seed: int) -> CausalModel:
    """A random model; every variable hears at most three of the six before it, and some variables are latent."""
    r = random.Random(seed)
    edges = [
        (f"X{j}", f"X{i}")
        for i in range(1, size)
        for j in sorted(r.sample(range(max(0, i - 6), i), min(r.randint(1, 3), i)))
    ]
    return model_of(edges, set(r.sample([f"X{i}" for i in range(size)], r.randint(0, size // 3))))


def random_diagram(seed: int) -> Diagram:
    """Boxes with several outputs on random wires, some inputs unused, outputs repeated."""
    r = random.Random(seed)
    objects = [A, B, C, D]
    builder = Builder(tuple(r.choice(objects) for _ in range(r.randint(0, 4))))
    types = list(builder.dom)
    for k in range(r.randint(1, 7)):
        args = [r.randrange(len(types)) for _ in range(r.randint(0, 3))] if types else []
        cod = tuple(r.choice(objects) for _ in range(r.randint(1, 3)))
        builder.apply(Box(f"f{k}", tuple(types[a] for a in args), cod), args)
        types.extend(cod)
    return builder.freeze(r.randrange(len(types)) for _ in range(r.randint(1, 5)))


def wires_of(graph: DrawGraph, layout: Layout) -> list[Path]:
    return wire_paths(graph, layout, drawn_parts(graph, layout))


def assert_clean(graph: DrawGraph, layout: Layout) -> None:
    """No two parts overlap; no wire touches a part that is not its own, or the inside of one that is."""
    drawn = drawn_parts(graph, layout)
    areas = [[area_of(s) for s in d.shapes] for d in drawn]
    for (v, some), (w, others) in itertools.combinations(enumerate(areas), 2):
        assert not any(a.meets(b) for a in some for b in others), (graph.parts[v], graph.parts[w])
    for wire, path in zip(graph.wires, wires_of(graph, layout), strict=True):
        points = flattened(path, 16)
        for v, part in enumerate(graph.parts):
            own = v in (wire.source, wire.target)
            if own and part.kind not in ("box", "state", "point", "in", "out"):
                continue
            for area in areas[v]:
                margin = 1.0 if own else -0.5
                inner = Area(*(side + margin * sign for side, sign in zip(area, (1, 1, -1, -1), strict=True)))
                hit = [p for p in points if inner.left < p[0] < inner.right and inner.top < p[1] < inner.bottom]
                assert not hit, (wire, part, hit[0])


def count(graph: DrawGraph) -> int:
    net = layered(graph)
    return crossings(net, best_order(net))


def crossings_seen(graph: DrawGraph, layout: Layout) -> Counter[tuple[int, int]]:
    """Brute force: how often the drawn lines of any two nets cross."""
    lines = [list(itertools.pairwise(flattened(path, 17))) for path in wires_of(graph, layout)]
    seen: Counter[tuple[int, int]] = Counter()
    for i, j in itertools.combinations(range(len(lines)), 2):
        nets = sorted((graph.wires[i].net, graph.wires[j].net))
        seen[nets[0], nets[1]] += sum(_cross(*s, *t) for s in lines[i] for t in lines[j])
    return +seen


def crossings_expected(graph: DrawGraph, layout: Layout) -> Counter[tuple[int, int]]:
    """How often the order of the segments of any two nets changes."""
    net = layout.net
    place = {v: k for row in layout.order for k, v in enumerate(row)}
    ends = [
        (net.layer[s.low], (place[s.low], 0 if net.is_dot(s.low) else s.out), (place[s.high], s.port), wire.net)
        for k, wire in enumerate(graph.wires)
        for s in net.segments_of(k)
    ]
    expected: Counter[tuple[int, int]] = Counter()
    for (g, a, b, m), (h, c, d, n) in itertools.combinations(ends, 2):
        if g == h and ((a < c and b > d) or (a > c and b < d)):
            expected[min(m, n), max(m, n)] += 1
    return expected


def _cross(p: tuple[float, float], q: tuple[float, float], r: tuple[float, float], s: tuple[float, float]) -> bool:
    def side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    return side(p, q, r) * side(p, q, s) < 0 and side(r, s, p) * side(r, s, q) < 0


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(0, 10_000))
def test_random_models_are_drawn_cleanly(size: int, seed: int) -> None:
    """In pictures of models no parts overlap and no wire runs through a part or a label."""
    model = random_model(size, seed)
    graph = draw_graph(model.diagram, model.latents)
    assert_clean(graph, lay_out(graph))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_random_diagrams_are_drawn_cleanly(seed: int) -> None:
    """The same for open diagrams with multi-output boxes, unused inputs and repeated outputs."""
    graph = draw_graph(random_diagram(seed))
    assert_clean(graph, lay_out(graph))


@pytest.mark.parametrize("seed", range(25))
def test_lines_cross_only_where_the_order_changes(seed: int) -> None:
    """No accidental crossing: two wires cross no more often than their order changes.

    They may cross less often: a wire that crosses all legs of a dot can cross its stem instead.
    """
    model = random_model(4 + seed % 6, seed)
    graph = draw_graph(model.diagram, model.latents)
    layout = lay_out(graph)
    seen, expected = crossings_seen(graph, layout), crossings_expected(graph, layout)
    assert seen <= expected
    assert expected.total() == crossings(layout.net, [list(row) for row in layout.order])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_wires_join_the_right_ports(seed: int) -> None:
    """Each wire starts at its output port and ends at its input port; ports stand in order; boundaries in order."""
    graph = draw_graph(random_diagram(seed))
    layout = lay_out(graph)
    arrivals: dict[int, dict[int, float]] = {}
    departures: dict[int, dict[int, float]] = {}
    for wire, path in zip(graph.wires, wires_of(graph, layout), strict=True):
        points = flattened(path)
        assert points[0][1] >= points[-1][1] - 1e-9, "wires go up"
        arrivals.setdefault(wire.target, {})[wire.port] = points[-1][0]
        if graph.parts[wire.source].kind != "copy":
            departures.setdefault(wire.source, {})[wire.out] = points[0][0]
    for ends in (*arrivals.values(), *departures.values()):
        assert [ends[k] for k in sorted(ends)] == sorted(set(ends.values()))
    for kind in ("in", "out"):
        xs = [layout.x[v] for v, part in enumerate(graph.parts) if part.kind == kind]
        assert xs == sorted(set(xs))
        rows = {layout.net.layer[v] for v, part in enumerate(graph.parts) if part.kind == kind}
        assert rows <= {0 if kind == "in" else layout.net.depth - 1}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000))
def test_wires_have_vertical_ends_at_boxes(seed: int) -> None:
    """A wire leaves a box and reaches a box upright."""
    graph = draw_graph(random_diagram(seed))
    for wire, path in zip(graph.wires, wires_of(graph, lay_out(graph)), strict=True):
        points = [path.commands[0][1][-2:]] + [
            (flat[k], flat[k + 1]) for _, flat in path.commands[1:] for k in range(0, len(flat), 2)
        ]
        assert points[-1][0] == pytest.approx(points[-2][0])
        if graph.parts[wire.source].kind != "copy":
            assert points[0][0] == pytest.approx(points[1][0])


def test_crossings_of_named_diagrams() -> None:
    """Planar diagrams are drawn planar; the others with as few crossings as their port order allows."""
    fork = model_of([("Z", "X"), ("Z", "Y")])
    assert count(draw_graph(SMOKING.diagram)) == 0
    assert count(draw_graph(operate(SMOKING, Cut("S")).diagram)) == 0
    assert count(draw_graph(FRONT_DOOR.diagram)) == 0
    assert count(draw_graph(fork.diagram)) == 0
    assert count(draw_graph(NAPKIN.diagram)) == 1
    assert count(draw_graph(swap((A,), (B,)))) == 1
    assert count(draw_graph(swap((A, B), (C, D)))) == 4
    assert count(draw_graph(copy((A,), 5))) == 0
    assert count(draw_graph(identity((A, B, C)))) == 0


def test_twin_network_has_few_crossings() -> None:
    """Two copies of a three-variable world that share their noise: five crossings at most (six without restarts)."""
    u, v, w = Object("Ua"), Object("Ub"), Object("Us")
    builder = Builder()
    noise = [builder.apply(Box(x.name.lower(), (), (x,)), ())[0] for x in (u, v, w)]
    alice, barb = Box("alice", (u,), (A,), True), Box("barb", (A, v), (B,), True)
    fight = Box("fight", (A, B, w), (C,), True)
    (a,) = builder.apply(alice, noise[:1])
    (told,) = builder.paste(point(A, "no"), ())
    outs = [a]
    for heard in (a, told):
        (b,) = builder.apply(barb, (heard, noise[1]))
        outs += [b, *builder.apply(fight, (heard, b, noise[2]))]
    del outs[3]
    graph = draw_graph(builder.freeze(outs))
    assert count(graph) <= 5
    assert_clean(graph, lay_out(graph))


def test_a_chain_is_straight() -> None:
    """Boxes in a row stand on one vertical line, and their wires are single straight strokes."""
    f, g = Box("f", (A,), (B,)), Box("a much longer name", (B,), (C,))
    graph = draw_graph(box(f) >> box(g))
    layout = lay_out(graph)
    assert len(set(layout.x)) == 1
    assert all([c for c, _ in path.commands] == ["M", "L"] for path in wires_of(graph, layout))


def test_special_states_and_grounds() -> None:
    """Unused inputs get a ground, used-twice wires a dot, uniform and sharp states their own kinds."""
    graph = draw_graph(tensor(discard((A,)), copy((B,)), uniform((C,)), point(D, "yes"), box(Box("h", (), (A,)))))
    kinds = [p.kind for p in graph.parts]
    assert sorted(kinds) == sorted(["in"] * 2 + ["uniform", "point", "state", "discard", "copy"] + ["out"] * 5)
    assert "D = yes" in [p.label for p in graph.parts]


def test_latent_wires_are_dashed() -> None:
    """Exactly the wires of latent variables are dashed."""
    graph = draw_graph(SMOKING.diagram, SMOKING.latents)
    assert {w.name for w in graph.wires if w.dashed} == {"H"}
    assert all(w.dashed for w in graph.wires if w.name == "H")


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 10), st.integers(0, 10_000))
def test_wire_labels_touch_nothing(size: int, seed: int) -> None:
    """Labels name only wires that neither start at an input nor reach an output, and overlap nothing."""
    model = random_model(size, seed)
    graph = draw_graph(model.diagram, model.latents)
    layout = lay_out(graph)
    drawn, paths = drawn_parts(graph, layout), wires_of(graph, layout)
    labels = wire_labels(graph, layout, drawn, paths)
    named = {part.label for part in graph.parts if part.kind in ("in", "out")}
    assert len({t.text for t in labels}) == len(labels)
    assert not named & {t.text for t in labels}
    areas = [area_of(s) for d in drawn for s in d.shapes]
    for label in labels:
        mine = area_of(label)
        assert not any(mine.meets(a) for a in areas)
        assert not any(mine.meets(area_of(other)) for other in labels if other is not label)
        for path in paths:
            assert not any(mine.left < x < mine.right and mine.top < y < mine.bottom for x, y in flattened(path))


def test_smoking_labels_its_latent_wire() -> None:
    """The latent wire of the smoking model has a label; no observed one has."""
    graph = draw_graph(SMOKING.diagram, SMOKING.latents)
    layout = lay_out(graph)
    labels = wire_labels(graph, layout, drawn_parts(graph, layout), wires_of(graph, layout))
    assert [t.text for t in labels] == ["H"]


SURGERIES = [
    (Cut("S"),),
    (Do("S", "1"),),
    (Open("C"),),
    (CutWire("T", "C"),),
    (DoWire("H", "S", "1"), Cut("T")),
    (Cut("H"),),
    (Cut("S"), Do("S", "0"), Cut("C")),
]


@pytest.mark.parametrize("surgeries", SURGERIES, ids=lambda s: "-".join(map(str, s)))
def test_surgery_is_drawn_in_register(surgeries: tuple[Cut, ...]) -> None:
    """After surgery the parts and wires are those before, but for the touched slots; both drawings are clean."""
    first = model_graph(SMOKING)
    edited = edit_in_place(first, surgeries)
    assert edited is not None
    assert edited.wires == first.graph.wires
    touched = {first.slots[s.sink if isinstance(s, CutWire | DoWire) else s.variable] for s in surgeries}
    assert {v for v, (p, q) in enumerate(zip(first.graph.parts, edited.parts, strict=True)) if p != q} == touched
    layout = lay_out(first.graph, edited)
    assert crossings(layout.net, [list(row) for row in layout.order]) == 0
    for graph in (first.graph, edited):
        assert_clean(graph, layout)


def test_wide_labels_push_ports_apart() -> None:
    """Long values on neighbouring ports of one box overlap neither each other nor the wires beside them."""
    model = model_of([("A", "D"), ("B", "D"), ("C", "D"), ("D", "E")])
    first = model_graph(model)
    for parents in ("A", "B", "AB", "ABC"):
        edited = edit_in_place(first, [DoWire(p, "D", None, f"a long name for {p}") for p in parents])
        assert edited is not None
        layout = lay_out(first.graph, edited)
        for graph in (first.graph, edited):
            assert_clean(graph, layout)


def test_untouched_boxes_do_not_move() -> None:
    """Every untouched part has the same shapes before and after."""
    first = model_graph(NAPKIN)
    edited = edit_in_place(first, [Do("X", "1"), CutWire("V", "W")])
    assert edited is not None
    layout = lay_out(first.graph, edited)
    before, after = drawn_parts(first.graph, layout), drawn_parts(edited, layout)
    changed = {first.slots["X"], first.slots["W"]}
    assert all(a == b for v, (a, b) in enumerate(zip(before, after, strict=True)) if v not in changed)
    fed = after[first.slots["W"]]
    assert fed.shapes[0] == before[first.slots["W"]].shapes[0], "the box whose port is cut stays in place"


def test_orphaned_latent_stays_visible() -> None:
    """A latent that nobody hears any more is still drawn after surgery, though the diagram has dropped it."""
    model = model_of([("H", "S"), ("S", "T")], {"H"})
    assert "h" not in str(operate(model, Cut("S")).diagram)
    edited = edit_in_place(model_graph(model), [Cut("S")])
    assert edited is not None
    texts = [s.text for d in drawn_parts(edited, lay_out(edited)) for s in d.shapes if isinstance(s, Text)]
    assert "h" in texts


def test_large_pictures_are_quick() -> None:
    """A 30-variable model takes well under a second, a 120-variable one a few (generous for a busy machine)."""
    for size, limit in ((30, 1.5), (120, 10.0)):
        graph = draw_graph(random_model(size, 5).diagram)
        start = time.process_time()
        lay_out(graph)
        assert time.process_time() - start < limit


def test_network_simplex_finds_the_optimum() -> None:
    """Against exhaustive search over small ranks, the total weighted length is least."""
    r = random.Random(7)
    for _ in range(30):
        n = r.randint(2, 5)
        pairs = [(i, i + 1) for i in range(n - 1)] + [tuple(sorted(r.sample(range(n), 2))) for _ in range(3)]
        edges = [Edge(a, b, r.randint(0, 2), r.randint(0, 3)) for a, b in pairs]
        start = [3 * i for i in range(n)]
        found = solve(n, edges, start)
        assert all(found[e.head] - found[e.tail] >= e.length for e in edges)
        feasible = (
            ranks
            for ranks in itertools.product(range(2 * n), repeat=n)
            if all(ranks[e.head] - ranks[e.tail] >= e.length for e in edges)
        )
        assert _cost(found, edges) == min(_cost(ranks, edges) for ranks in feasible)


def _cost(ranks: tuple[int, ...] | list[int], edges: list[Edge]) -> int:
    return sum(e.weight * (ranks[e.head] - ranks[e.tail]) for e in edges)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.integers(0, 10_000))
def test_crossings_are_counted_as_by_hand(size: int, seed: int) -> None:
    """The fast count equals a count over all pairs of segments of a gap."""
    net = layered(draw_graph(random_model(size, seed).diagram))
    order = best_order(net)
    place = {v: k for row in order for k, v in enumerate(row)}
    ends = [
        (net.layer[s.low], (place[s.low], 0 if net.is_dot(s.low) else s.out), (place[s.high], s.port))
        for s in net.segments
    ]
    by_hand = sum(
        1
        for (g, a, b), (h, c, d) in itertools.combinations(ends, 2)
        if g == h and ((a < c and b > d) or (a > c and b < d))
    )
    assert crossings(net, order) == by_hand
