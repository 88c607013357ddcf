"""Worlds as columns: what stands in which, and layout facts. Columns are apart, and hold what is theirs and no more."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwire.program import parse
from strings.diagnostic import QueryError
from strings.model import CausalModel
from strings.picture import draw_question
from strings.picture.coordinates import Layout
from strings.picture.glyphs import Path, Polygon, Text
from strings.picture.graph import DrawGraph, Lane, draw_graph
from strings.picture.labels import Area, area_of, flattened, wire_labels
from strings.picture.lanes import columns, in_lanes, shaded
from strings.picture.layers import layered, layerings
from strings.picture.multiverse import column_graph
from strings.picture.ordering import Order, crossings, good_orders
from strings.picture.scene import drawn_parts, lay_out, scene_of
from strings.query import Become, Query, Term
from strings.rewriting import Worlds, simplify, twinned
from strings.surgery import Do, Open
from strings.worlds import worlds_of
from tests.semantics.test_worlds import functional_model, random_query
from tests.strings.test_picture_layout import (
    assert_clean,
    crossings_expected,
    crossings_seen,
    model_of,
    random_diagram,
    random_model,
    wires_of,
)

CHAIN = CausalModel.from_edges([("X", "M"), ("M", "Y")], bidirected=[("X", "Y")], domains=2)
PARTY = model_of(
    [("RA", "A"), ("A", "B"), ("RB", "B"), ("A", "C"), ("RC", "C"), ("B", "S"), ("C", "S"), ("RS", "S")],
    {"RA", "RB", "RC", "RS"},
    "party",
)
BOB_COMES = Query((Term("S", ("1",), world=(Do("B", "1"),)),), (Term("B", ("0",)),))


def graph_of(model: CausalModel, query: Query) -> DrawGraph:
    return column_graph(Worlds.of(worlds_of(model, query), query))


def standing(graph: DrawGraph) -> dict[str, list[str]]:
    """What stands in every column, and in none."""
    where = {" ".join(lane.heading): k for k, lane in enumerate(graph.lanes)}
    return {
        heading: sorted(p.label for p in graph.parts if p.lane == k and p.kind not in ("copy", "discard"))
        for heading, k in [*where.items(), ("", None)]
    }


def inside(area: Area, column: Area) -> bool:
    return (
        column.left <= area.left
        and area.right <= column.right
        and column.top <= area.top
        and area.bottom <= column.bottom
    )


def assert_in_columns(graph: DrawGraph, layout: Layout) -> None:
    """Columns are apart; what has a lane is inside, all else outside; wires stay in their column, headings are free."""
    found = columns(graph, layout)
    assert len(found) == len(graph.lanes)
    assert all(a.right + 10 < b.left for a, b in itertools.pairwise(found))
    assert len({(c.top, c.bottom) for c in found}) <= 1
    drawn = drawn_parts(graph, layout)
    for part, d in zip(graph.parts, drawn, strict=True):
        for area in map(area_of, d.shapes):
            if part.lane is None:
                assert not any(area.meets(column) for column in found), part
            else:
                assert inside(area, found[part.lane]), part
    for wire, path in zip(graph.wires, wires_of(graph, layout), strict=True):
        ends = {graph.parts[wire.source].lane, graph.parts[wire.target].lane}
        for k, column in enumerate(found):
            touched = any(column.left < x < column.right and column.top < y < column.bottom for x, y in flattened(path))
            assert ends == {None, k} or k in ends or not touched or len(ends - {None}) == 2, wire
            if ends == {k}:
                assert all(column.left < x < column.right for x, _ in flattened(path)), wire
            if ends == {None, k}:
                foot = layout.bottom[layout.net.layer[layout.net.borders[0][0]]]
                entering = [x for x, y in flattened(path, 30) if foot < y < column.bottom + 2]
                assert max(entering, default=0) - min(entering, default=0) < 4, "wires enter columns upright"
    headings = [s for s in shaded(graph, layout) if isinstance(s, Text)]
    shapes = [s for d in drawn for s in d.shapes] + wires_of(graph, layout)
    for text in headings:
        assert sum(inside(area_of(text), column) for column in found) == 1, text
        assert not any(area_of(text).meets(area_of(s)) for s in shapes), text


def assert_labels_clear(graph: DrawGraph, layout: Layout) -> None:
    """Nothing is written across the outline of a column, but names of wires that have no other place."""
    shapes = scene_of(graph, layout).shapes
    outlines = [area_of(s) for s in shapes if isinstance(s, Polygon) and s.style.startswith("lane")]
    for text in (area_of(s) for s in shapes if isinstance(s, Text) and s.style != "small"):
        for column in outlines:
            assert inside(text, column) or not text.meets(column), text


# ---- what stands where


def test_what_one_world_needs_stands_in_its_column() -> None:
    graph = graph_of(PARTY, BOB_COMES)
    assert standing(graph) == {
        "actual world": ["0", "b", "rb"],
        "B := 1": ["B = 1", "S", "c", "rc", "rs", "s"],
        "": ["a", "ra"],
    }


def test_what_is_seen_of_a_shared_wire_stands_in_the_actual_world() -> None:
    asked = (Term("S", world=(Do("B", "0"),)), Term("S", world=(Do("B", "1"),)))
    graph = graph_of(PARTY, Query(asked, (Term("A", ("1",)),)))
    assert standing(graph) == {
        "actual world": ["1"],
        "B := 0": ["B = 0", "S", "s"],
        "B := 1": ["B = 1", "S", "s"],
        "": ["a", "c", "ra", "rc", "rs"],
    }


def test_a_nested_world_has_a_column_of_its_own() -> None:
    """What becomes something of another world comes from there; a world that nothing stands in has no column."""
    nested = Term("Y", world=(Do("X", "1"), Become("M", Term("M", world=(Do("X", "0"),)))))
    graph = graph_of(CHAIN, Query((nested,)))
    assert standing(graph) == {
        "X := 1, M := M[X := 0]": ["Y", "u_x_y", "y"],
        "X := 0": ["X = 0", "m"],
        "": [],
    }


def test_what_is_the_same_by_consistency_is_shared() -> None:
    """Bob came, so in the world in which he is set to come he is told of by the box of the actual world."""
    query = Query((Term("S", ("1",), world=(Do("B", "1"),)),), (Term("B", ("1",)),))
    assert standing(graph_of(PARTY, query)) == {
        "actual world": ["1"],
        "B := 1": ["S", "c", "rc", "rs", "s"],
        "": ["a", "b", "ra", "rb"],
    }


def test_one_world_has_no_columns() -> None:
    assert graph_of(PARTY, Query((Term("S"),), (Term("B", ("0",)),), (Do("A", "1"),))).lanes == ()
    assert [lane.heading for lane in graph_of(PARTY, Query((Term("S", world=(Do("B", "1"),)),))).lanes] == [("B := 1",)]


def test_outputs_stand_in_the_order_of_the_columns() -> None:
    query = Query((Term("S", world=(Do("B", "0"),)), Term("C"), Term("S")))
    graph = graph_of(PARTY, query)
    assert [(p.label, p.lane) for p in graph.parts if p.kind == "out"] == [("C", 0), ("S", 0), ("S", 1)]


def test_an_input_stands_below_and_has_the_name_of_its_axis() -> None:
    graph = graph_of(PARTY, Query((Term("S", ("1",), world=(Open("B", "b"),)),), (Term("B", ("0",)),)))
    assert [(p.label, p.lane) for p in graph.parts if p.kind == "in"] == [("b", None)]
    assert_in_columns(graph, lay_out(graph))


def test_names_of_worlds_are_headings() -> None:
    text = """
        model m
        var A, B : {no, yes}
        box a : -> A = [1/2, 1/2]
        box b : A -> B = fn (a) => a
        world set = do(A := yes)
        draw P(B@set = yes, B[A := no] = no | B = no)
    """
    (item,) = parse(text).run()
    svg = item.svg
    assert ">set: A := yes<" in svg
    assert ">A := no<" in svg
    assert "Columns, from left to right: actual world (a, b); set: A := yes (A = yes, b); A := no (A = no, b)." in svg


def test_long_headings_are_broken_between_surgeries() -> None:
    model = CausalModel.from_edges([(f"treatment {k}", "Y") for k in range(4)], domains=2)
    query = Query((Term("Y", world=tuple(Do(f"treatment {k}", "1") for k in range(4))), Term("Y")))
    heading = graph_of(model, query).lanes[1].heading
    assert len(heading) > 1
    assert all(line.endswith("= 1,") for line in heading[:-1])
    assert_in_columns(graph_of(model, query), lay_out(graph_of(model, query)))


def queries(seed: int, size: int) -> tuple[CausalModel, Query]:
    rnd = random.Random(seed)
    model, _ = functional_model(rnd, size)
    return model, random_query(rnd, model)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**9), st.integers(1, 6))
def test_columns_are_what_one_world_alone_depends_on(seed: int, size: int) -> None:
    """Without nested worlds, a box is in a column if and only if the terms of this world alone depend on it."""
    model, query = queries(seed, size)
    if not query.worlds or any(isinstance(s, Become) for w in query.worlds for s in w):
        return
    try:
        worlds = Worlds.of(worlds_of(model, query), query)
    except QueryError:
        return
    graph = column_graph(worlds)
    named = {"".join(lane.heading): k for k, lane in enumerate(graph.lanes)}
    reached: dict[str, set[str]] = {}
    for name, term in zip(worlds.terms, (*query.targets, *query.given), strict=True):
        heading = term.place.removeprefix(term.variable)[1:-1] or "actual world"
        for box in worlds.model.ancestors([name]):
            reached.setdefault(box, set()).add(heading)
    order = [n for n in worlds.model.order for _ in worlds.model.mechanisms[n].diagram.nodes if n in reached]
    parts = [p for p in graph.parts if p.kind in ("box", "state", "point")]
    for name, part in zip(order, parts, strict=True):
        assert part.lane == (named[next(iter(reached[name]))] if len(reached[name]) == 1 else None)


# ---- the layout


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**9), st.integers(1, 6))
def test_random_questions_are_drawn_in_columns(seed: int, size: int) -> None:
    model, query = queries(seed, size)
    try:
        frames = [Worlds.of(worlds_of(model, query), query), twinned(model, query)]
    except QueryError:
        return
    frames += [s.after for s in simplify(frames[1])][-1:]
    for k, worlds in enumerate(frames):
        graph = column_graph(worlds, whole=k > 0)
        layout = lay_out(graph)
        assert_in_columns(graph, layout)
        assert_labels_clear(graph, layout)
        assert_clean(graph, layout)


def random_lanes(seed: int) -> DrawGraph:
    """A random diagram, with inputs in no lane and the boxes from one on in random ones."""
    rnd = random.Random(seed)
    graph = draw_graph(random_diagram(seed))
    number = rnd.randint(1, 3)
    boxes = [k for k, p in enumerate(graph.parts) if p.kind not in ("in", "out", "copy", "discard")]
    lane = {k: rnd.randrange(number) for k in boxes if rnd.random() < 0.7}
    outs = [k for k, p in enumerate(graph.parts) if p.kind == "out"]
    lane |= dict(zip(outs, sorted(rnd.randrange(number) for _ in outs), strict=True))
    return in_lanes(graph, tuple(Lane((f"lane {k}",), k) for k in range(number)), lane)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_any_diagram_can_have_lanes(seed: int) -> None:
    graph = random_lanes(seed)
    for wire in graph.wires:
        source, target = graph.parts[wire.source], graph.parts[wire.target]
        assert source.lane is None or target.lane is not None
    layout = lay_out(graph)
    assert_in_columns(graph, layout)
    assert_labels_clear(graph, layout)
    assert_clean(graph, layout)
    assert crossings_seen(graph, layout) <= crossings_expected(graph, layout)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_layers_of_lanes_are_above_all_others(seed: int) -> None:
    graph = random_lanes(seed)
    for layer in layerings(graph):
        for wire in graph.wires:
            assert layer[wire.source] < layer[wire.target]
        low = [layer[v] for v, p in enumerate(graph.parts) if p.lane is None]
        high = [layer[v] for v, p in enumerate(graph.parts) if p.lane is not None]
        assert max(low, default=-1) < min(high, default=10**6)


def test_lanes_of_a_large_graph() -> None:
    """The layering of large graphs keeps them apart, too."""
    graph = draw_graph(random_model(450, 3).diagram)
    boxes = [k for k, p in enumerate(graph.parts) if p.kind == "box"]
    outs = [k for k, p in enumerate(graph.parts) if p.kind == "out"]
    lane = {k: k % 2 for k in boxes[len(boxes) // 2 :]} | {k: int(j >= len(outs) // 2) for j, k in enumerate(outs)}
    graph = in_lanes(graph, (Lane(("left",)), Lane(("right",), 1)), lane)
    assert len(graph.wires) > 800
    (layer,) = layerings(graph)
    net = layered(graph, layer)
    low = [layer[v] for v, p in enumerate(graph.parts) if p.lane is None]
    assert max(low) < min(layer[v] for v, p in enumerate(graph.parts) if p.lane is not None)
    for row in good_orders(net)[0]:
        zones = [net.zone[v] for v in row]
        assert zones == sorted(zones)


def least_crossings(graph: DrawGraph) -> int | None:
    """Brute force: the fewest crossings of the first layering with all rows in the order of their zones; or nothing."""
    net = layered(graph)
    fixed = {net.layer[v] for v, p in enumerate(graph.parts) if p.kind in ("in", "out")}
    rows: Order = [[] for _ in range(net.depth)]
    for v, level in enumerate(net.layer):
        rows[level].append(v)
    choices: list[list[list[int]]] = []
    count = 1
    for level, row in enumerate(rows):
        zones = [
            list(some) for _, some in itertools.groupby(sorted(row, key=net.zone.__getitem__), net.zone.__getitem__)
        ]
        if level in fixed:
            choices.append([[v for some in zones for v in some]])
            continue
        if max(map(len, zones), default=0) > 5:
            return None
        ways = [[v for some in way for v in some] for way in itertools.product(*map(itertools.permutations, zones))]
        choices.append(ways)
        count *= len(ways)
        if count > 4000:
            return None
    return min(crossings(net, list(order)) for order in itertools.product(*choices))


def test_labels_keep_off_what_is_to_be_free() -> None:
    """If there is another place; a label is written rather than left out."""
    graph = draw_graph(PARTY.state(["S"]))
    layout = lay_out(graph)
    drawn, wires = drawn_parts(graph, layout), wires_of(graph, layout)
    labels = wire_labels(graph, layout, drawn, wires)
    moved = 0
    for label in labels:
        area = area_of(label)
        (again,) = [t for t in wire_labels(graph, layout, drawn, wires, [area]) if t.text == label.text]
        assert again == label or not area_of(again).meets(area)
        moved += again != label
    assert moved > 2
    everywhere = [Area(-1000, -1000, 1000, 1000)]
    assert wire_labels(graph, layout, drawn, wires, everywhere) == labels


def test_few_crossings() -> None:
    """No more crossings than the best order has, in all of many small graphs."""
    tried = 0
    for seed in range(120):
        graph = random_lanes(seed)
        least = least_crossings(graph)
        if least is not None:
            tried += 1
            net = layered(graph)
            assert crossings(net, good_orders(net)[0]) == least, seed
    assert tried > 20


def test_equal_boxes_of_two_worlds_stand_side_by_side() -> None:
    query = Query((Term("Y", world=(Do("X", "1"),)), Term("M", world=(Do("X", "1"),))), (Term("Y", ("0",)),))
    graph = graph_of(CHAIN, query)
    layout = lay_out(graph)
    for label in ("y", "m"):
        levels = {layout.net.layer[v] for v, p in enumerate(graph.parts) if p.label == label}
        assert len(levels) == 1, label


@pytest.mark.parametrize("steps", [False, True])
def test_columns_are_in_every_format(steps: bool) -> None:
    from strings.picture.multiverse import question_film, question_scene
    from strings.picture.pdf import to_pdf, to_png
    from strings.picture.tikz import to_tikz

    scene = (question_film if steps else question_scene)(PARTY, BOB_COMES)
    svg = draw_question(PARTY, BOB_COMES, steps=steps)
    assert svg == draw_question(PARTY, BOB_COMES, steps=steps)
    assert svg.count(">actual world<") == svg.count(">B := 1<") == sum(s.style == "lane 1" for s in scene.shapes)
    tikz = to_tikz(scene)
    assert "cw lane 0/.style={fill=cwECECEC}" in tikz.replace("cwececec", "cwECECEC")
    assert to_pdf(scene).startswith(b"%PDF")
    assert to_png(scene, 1.0).startswith(b"\x89PNG")
    first = next(k for k, s in enumerate(scene.shapes) if isinstance(s, Path))
    assert any(s.style == "lane 0" for s in scene.shapes[:first]), "columns lie behind all else"


def test_columns_are_grey_in_print() -> None:
    """Every shade is one light grey: darker than paper, and far lighter than what is written on it."""
    from strings.picture.glyphs import SHADES

    for shade in SHADES:
        red, green, blue = (int(shade[k : k + 2], 16) for k in (1, 3, 5))
        assert 225 < 0.299 * red + 0.587 * green + 0.114 * blue < 240
