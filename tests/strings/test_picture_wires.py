"""Facts about the lines of pictures: dots, tracks, straightness, crossings, and how large pictures stay legible."""

from __future__ import annotations

import itertools
import math
import random
import re
import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from strings.diagram import Builder, Diagram, box, compose, copy, discard, identity, swap, tensor, uniform
from strings.functor import Functor
from strings.model import CausalModel
from strings.picture.channels import TRACK, Run, assign_tracks
from strings.picture.coordinates import Layout
from strings.picture.glyphs import Path as Line
from strings.picture.glyphs import Text
from strings.picture.graph import DrawGraph, draw_graph
from strings.picture.labels import area_of, flattened
from strings.picture.ordering import crossings
from strings.picture.scene import drawn_parts, lay_out, scene_of
from strings.picture.wires import wire_paths
from strings.signature import Box, Object

A, B, C, D = (Object(n) for n in "ABCD")
F, G = Box("f", (A,), (B, B)), Box("g", (B,), (C,))
H, K = Box("h", (C, B), (D,)), Box("k", (), (A,))
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def fork() -> Diagram:
    """The diagram `fork` of the examples: `d, c` from `a`."""
    builder = Builder((A,))
    x, y = builder.apply(F, (0,))
    (c,) = builder.apply(G, (x,))
    return builder.freeze((*builder.apply(H, (c, y)), c))


def network(name: str) -> Diagram:
    """The diagram of a network of the examples: only who listens to whom is read."""
    text = (EXAMPLES / f"{name}.bif").read_text(encoding="utf-8")
    objects = {n: Object(n) for n in re.findall(r"^variable (\w+)", text, re.MULTILINE)}
    heads = re.findall(r"^probability \( (\w+)(?: \| ([\w, ]+?))? \)", text, re.MULTILINE)
    boxes = [Box(f"p_{n}", tuple(objects[p] for p in re.findall(r"\w+", ps)), (objects[n],)) for n, ps in heads]
    return CausalModel.from_boxes(tuple(objects.values()), boxes).diagram


def random_model(size: int, seed: int) -> CausalModel:
    r = random.Random(seed)
    edges = [(f"X{j}", f"X{i}") for i in range(1, size) for j in r.sample(range(i), min(r.randint(1, 3), i))]
    return CausalModel.from_edges(edges)


def laid_out(diagram: Diagram) -> tuple[DrawGraph, Layout]:
    graph = draw_graph(diagram)
    return graph, lay_out(graph)


def count(layout: Layout) -> int:
    return crossings(layout.net, [list(row) for row in layout.order])


def points_of(line: Line, step: float = 2.0) -> list[tuple[float, float]]:
    """Points along a line, close together."""
    points = [(line.commands[0][1][0], line.commands[0][1][1])]
    for (x0, y0), (x1, y1) in itertools.pairwise(flattened(line, 24)):
        n = max(1, int(math.hypot(x1 - x0, y1 - y0) / step))
        points.extend((x0 + (x1 - x0) * k / n, y0 + (y1 - y0) * k / n) for k in range(1, n + 1))
    return points


def touching(graph: DrawGraph, layout: Layout, near: float = 4.0) -> dict[tuple[int, int], int]:
    """For pairs of wires over how many points they run nearer than `near`, the surroundings of their dot left out: more
    legs need more room to part."""
    cells: dict[tuple[int, int], list[tuple[int, float, float]]] = defaultdict(list)
    for k, line in enumerate(wire_paths(graph, layout, drawn_parts(graph, layout))):
        for x, y in points_of(line):
            cells[int(x // 8), int(y // 8)].append((k, x, y))
    close: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    for (column, row), points in cells.items():
        beside = [cells.get((column + a, row + b), []) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        for (k, x, y), (j, u, v) in itertools.product(points, itertools.chain(*beside)):
            if j > k and math.hypot(x - u, y - v) < near and not _at_dot(graph, layout, k, j, x, y):
                close[k, j].add((round(x / 2), round(y / 2)))
    return {pair: 2 * len(spots) for pair, spots in close.items()}


def _at_dot(graph: DrawGraph, layout: Layout, k: int, j: int, x: float, y: float) -> bool:
    shared = {graph.wires[k].source, graph.wires[k].target} & {graph.wires[j].source, graph.wires[j].target}
    return any(
        math.hypot(x - layout.x[v], y - layout.top[layout.net.layer[v]] + layout.lift[v])
        < max(14, 5 * graph.parts[v].outs)
        for v in shared
        if graph.parts[v].kind == "copy"
    )


@settings(max_examples=30, deadline=None)
@example(12, 1350)  # a dot with six legs
@given(st.integers(3, 13), st.integers(0, 10_000))
def test_no_two_wires_run_on_top_of_each_other(size: int, seed: int) -> None:
    """Lines come near each other only where they cross, and legs of one dot only at the dot."""
    graph, layout = laid_out(random_model(size, seed).diagram)
    assert all(length <= 24 for length in touching(graph, layout).values())


@pytest.mark.parametrize("name", ["asia", "alarm"])
def test_no_two_wires_of_a_network_run_on_top_of_each_other(name: str) -> None:
    """The same for networks from the literature, whose output wires travel far."""
    graph, layout = laid_out(network(name))
    assert all(length <= 24 for length in touching(graph, layout).values())


@pytest.mark.parametrize("legs", range(2, 13))
def test_each_leg_leaves_its_dot_on_its_own(legs: int) -> None:
    """No two legs start in one direction: the outermost leave sideways, at most one goes straight up."""
    graph, layout = laid_out(copy((A,), legs))
    lines = wire_paths(graph, layout, drawn_parts(graph, layout))
    legs_of_dot = [line for w, line in zip(graph.wires, lines, strict=True) if graph.parts[w.source].kind == "copy"]
    angles = sorted(_direction(line) for line in legs_of_dot)
    assert len(angles) == legs
    assert all(b - a > 0.1 for a, b in itertools.pairwise(angles))
    assert angles[0] < 0.3
    assert angles[-1] > math.pi - 0.3
    assert sum(abs(a - math.pi / 2) < 0.05 for a in angles) <= 1


def _direction(line: Line) -> float:
    """The angle at which a line leaves its start, 0 to the right and half a turn to the left."""
    points = points_of(line, 0.5)
    x, y = points[0]
    return next(math.atan2(abs(v - y), u - x) for u, v in points if math.hypot(u - x, v - y) >= 5)


def test_party_dot_has_no_second_branching() -> None:
    """Where three legs leave one dot, a straight one does not lend its start to the others."""
    edges = [("RA", "A"), ("A", "B"), ("A", "C"), ("RB", "B"), ("RC", "C"), ("B", "S"), ("C", "S")]
    graph, layout = laid_out(CausalModel.from_edges(edges).diagram)
    pairs = touching(graph, layout)
    same = {(k, j) for k, j in pairs if graph.wires[k].net == graph.wires[j].net}
    assert all(pairs[p] <= 8 for p in same)


def test_parallel_runs_have_tracks_of_their_own() -> None:
    """Long runs that overlap lie on different tracks; those of one direction are nested so that they do not cross."""
    runs = [Run(10 * k, 500 + 10 * k) for k in range(8)]
    assert assign_tracks(runs).tracks == [7, 6, 5, 4, 3, 2, 1, 0]
    assert assign_tracks([Run(r.end, r.start) for r in runs]).tracks == list(range(8))
    assert len(set(assign_tracks([Run(0, 300), Run(400, 100), Run(200, 350)]).tracks)) == 3
    assert assign_tracks([Run(0, 100), Run(300, 400)]).tracks == [0, 0]


def test_two_legs_share_the_track_of_their_dot() -> None:
    """The outermost left and right leg of a dot lie at one height, the inner ones above."""
    assert assign_tracks([Run(0, -200, 7), Run(0, -100, 7), Run(0, 100, 7), Run(0, 200, 7)]).tracks == [0, 1, 1, 0]


def test_gaps_grow_with_the_number_of_tracks() -> None:
    """Where many wires go sideways between two layers, the layers stand further apart."""
    names = tuple(Object(f"a rather long name {k}") for k in range(8))
    gaps = []
    for n in (2, 4, 8):
        layout = lay_out(draw_graph(Diagram(names[:n], (), tuple(reversed(range(n))))))
        gaps.append(layout.top[0] - layout.bottom[1])
        assert gaps[-1] > max(layout.rise)
    assert gaps[0] < gaps[1] < gaps[2]
    assert gaps[2] >= 4 * TRACK


@pytest.mark.parametrize(
    ("diagram", "most"),
    [
        (fork(), 1),
        (compose(box(K), copy((A,)), tensor(fork(), fork())), 2),
        (compose(box(K), fork(), tensor(identity((D,)), discard((C,)))), 0),
        (swap((A,), (B,)), 1),
        (tensor(copy((A,)), copy((B,)), copy((C,))) >> Diagram((A, A, B, B, C, C), (), (4, 2, 0, 5, 3, 1)), 6),
    ],
    ids=["fork", "twice", "closed", "swap", "three copies"],
)
def test_crossings_of_named_diagrams(diagram: Diagram, most: int) -> None:
    """The examples are drawn with as few crossings as a hand would."""
    assert count(laid_out(diagram)[1]) <= most


def test_a_ground_does_not_cross_what_stands_beside_it() -> None:
    """`closed after cut(g)` is planar and straight: the discarded wire ends below the new state."""
    closed = compose(box(K), fork(), tensor(identity((D,)), discard((C,))))
    cut = Functor(boxes={G: compose(discard((B,)), uniform((C,)))})(closed)
    _, layout = laid_out(cut)
    assert count(layout) == 0
    assert layout.kinks() == 0


def test_sprinkler_and_asia() -> None:
    """The sprinkler has the one crossing that its outputs ask for; asia has five, and one bent wire that is no leg."""
    edges = [("Cloudy", "Sprinkler"), ("Cloudy", "Rain"), ("Sprinkler", "Wet"), ("Rain", "Wet")]
    layout = lay_out(draw_graph(CausalModel.from_edges(edges, nodes=["Cloudy", "Sprinkler", "Rain", "Wet"]).diagram))
    assert (count(layout), layout.kinks()) == (1, 0)
    layout = lay_out(draw_graph(network("asia")))
    assert count(layout) <= 5
    assert layout.kinks() <= 1


def test_stems_are_straight() -> None:
    """In asia and in the party every copy dot stands right above the box that it copies."""
    for diagram in (network("asia"), compose(box(K), copy((A,)), tensor(fork(), fork()))):
        _, layout = laid_out(diagram)
        stems = [s for s in layout.net.segments if layout.net.is_dot(s.high)]
        assert all(layout.departure(s) == layout.arrival(s) for s in stems)


def test_equal_halves_are_laid_out_alike() -> None:
    """The two copies of a diagram side by side are the same up to a shift."""
    graph, layout = laid_out(compose(box(K), copy((A,)), tensor(fork(), fork())))
    places = defaultdict(list)
    for v, part in enumerate(graph.parts):
        if part.kind in ("box", "out"):
            places[part.label].append((layout.x[v], layout.top[layout.net.layer[v]]))
    shifts = set()
    for places_of_one in places.values():
        if len(places_of_one) == 2:
            (x, y), (u, v) = sorted(places_of_one)
            shifts.add((u - x, v - y))
    assert len(shifts) == 1
    assert {y for _, y in shifts} == {0}


def test_trees_are_symmetric() -> None:
    """A dot stands in the middle between its legs where nothing else decides."""
    builder = Builder((A,))
    level = [0]
    for _ in range(4):
        level = [builder.apply(Box("f", (A,), (A,)), (w,))[0] for w in level for _ in (0, 1)]
    graph, layout = laid_out(builder.freeze(level))
    for v, part in enumerate(graph.parts):
        if part.kind == "copy":
            ends = [layout.arrival(s) for s in layout.net.segments if s.low == v]
            assert abs(layout.x[v] - sum(ends) / 2) <= 1


def test_wide_pictures_slant_their_labels() -> None:
    """Alarm stays legible: its labels are slanted, inside the picture, which is less wide than they are long."""
    graph = draw_graph(network("alarm"))
    scene = scene_of(graph, lay_out(graph))
    slanted = [s for s in scene.shapes if isinstance(s, Text) and s.slanted]
    assert len(slanted) == 37
    assert scene.width < 2400
    for text in slanted:
        area = area_of(text)
        assert area.left >= 0
        assert area.right <= scene.width
        assert area.top >= 0
    assert not any(p.slanted for p in draw_graph(network("asia")).parts)


def test_slanted_inputs_are_inside_the_picture() -> None:
    """Labels of inputs reach to the left, and the picture makes room for them."""
    names = tuple(Object(f"a rather long name {k}") for k in range(12))
    graph = draw_graph(identity(names))
    scene = scene_of(graph, lay_out(graph))
    areas = [area_of(s) for s in scene.shapes if isinstance(s, Text)]
    assert min(a.left for a in areas) >= 0
    assert max(a.bottom for a in areas) <= scene.height


@pytest.mark.parametrize(("boxes", "limit"), [(37, 2.0), (300, 10.0)])
def test_large_models_are_laid_out_quickly(boxes: int, limit: float) -> None:
    """Alarm in less than two seconds, three hundred boxes in less than ten (generous for a busy machine)."""
    r = random.Random(5)
    edges = [(f"X{j}", f"X{i}") for i in range(1, boxes) for j in r.sample(range(max(0, i - 6), i), min(2, i))]
    diagram = CausalModel.from_edges(edges).diagram if boxes > 37 else network("alarm")
    start = time.process_time()
    graph = draw_graph(diagram)
    scene_of(graph, lay_out(graph))
    assert time.process_time() - start < limit


@pytest.mark.parametrize("wide", [False, True], ids=["chain", "side by side"])
def test_time_grows_gently(wide: bool) -> None:
    """Two thousand boxes, in a row or side by side, take a second or two and not a minute."""
    f, n = Box("f", (A,), (A,)), 2000
    builder = Builder((A,) * (n if wide else 1))
    wires = list(range(n)) if wide else [0]
    if wide:
        wires = [builder.apply(f, (w,))[0] for w in wires]
    else:
        for _ in range(n):
            wires = [*builder.apply(f, wires)]
    start = time.process_time()
    graph = draw_graph(builder.freeze(wires))
    scene_of(graph, lay_out(graph))
    assert time.process_time() - start < 8
