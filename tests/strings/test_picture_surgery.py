"""Pictures of surgery: policies in register, plain diagrams before and after, marks in graphs."""

from __future__ import annotations

import itertools
import random
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strings.diagnostic import CutwireError
from strings.diagram import Diagram, box, compose, copy, discard, identity, point, tensor, uniform
from strings.functor import Functor
from strings.model import CausalModel, Mechanism
from strings.picture import dag_dot, draw_change, draw_dag, draw_model
from strings.picture.change import cut_in_place
from strings.picture.glyphs import RED
from strings.picture.glyphs import Path as Line
from strings.picture.graph import DrawGraph
from strings.picture.labels import area_of, flattened
from strings.picture.operation import joint_graph, model_graph
from strings.picture.scene import drawn_parts, lay_out
from strings.picture.slots import as_it_was, edit_in_place, merge, places, shared_ports
from strings.picture.wires import wire_paths
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("Cloudy", "Sprinkler", "Rain", "Wet")
SPRINKLER = CausalModel.from_edges(
    [("Cloudy", "Sprinkler"), ("Cloudy", "Rain"), ("Sprinkler", "Wet"), ("Rain", "Wet")],
    nodes=NAMES,
    domains=2,
    name="sprinkler",
)


def policy(model: CausalModel, variable: str, *heard: str, name: str = "policy") -> Replace:
    dom = tuple(model.object(p) for p in heard)
    return Replace(variable, Mechanism.of_box(Box(name, dom, (model.object(variable),))))


def red_texts(svg: str) -> list[str]:
    groups = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("fill") == RED]
    return [t.text or "" for g in groups for t in g.iter(f"{SVG}text")]


def in_register(model: CausalModel, surgeries: list[Surgery]) -> tuple[DrawGraph, DrawGraph]:
    ports = shared_ports(model, surgeries, new_first=False)
    assert ports is not None
    heard = [p for s in surgeries if isinstance(s, Replace) for p in s.mechanism.used_parents]
    joint = joint_graph(model, heard, ports)
    assert joint is not None
    after = edit_in_place(joint, surgeries)
    assert after is not None
    return as_it_was(joint), after


def test_a_policy_keeps_the_old_wires_in_grounds() -> None:
    """Before and after have the same parts and wires; the old wire ends in a red ground, the new one is red."""
    before, after = in_register(SPRINKLER, [policy(SPRINKLER, "Sprinkler", "Rain", name="gardener")])
    changed = [v for v, (p, q) in enumerate(zip(before.parts, after.parts, strict=True)) if p != q]
    assert [before.parts[v].label for v in changed] == ["sprinkler"]
    (slot,) = changed
    assert after.parts[slot].label == "gardener"
    assert after.parts[slot].red
    assert len(after.parts[slot].grounded) == 1
    (cut,) = [w for w in after.wires if w.target == slot and w.port in after.parts[slot].grounded]
    assert cut.name == "Cloudy"
    assert not cut.red
    (new,) = [w for w in after.wires if w.red]
    assert (new.name, new.target) == ("Rain", slot)
    assert [w.hidden for w in before.wires if (w.target, w.port) == (slot, new.port)] == [True]
    assert not any(w.hidden for w in after.wires)


def test_untouched_shapes_stand_still_under_a_policy() -> None:
    """All boxes but the policy's, and all wires but those to it, are drawn alike before and after."""
    before, after = in_register(SPRINKLER, [policy(SPRINKLER, "Sprinkler", "Rain")])
    layout = lay_out(before, after)
    first, second = drawn_parts(before, layout), drawn_parts(after, layout)
    same = [p.kind in ("box", "state", "out") and p == q for p, q in zip(before.parts, after.parts, strict=True)]
    assert sum(same) == 7
    assert all(a == b for a, b, s in zip(first, second, same, strict=True) if s)


def test_a_policy_may_share_a_parent() -> None:
    """A wire that both mechanisms hear stays as it is."""
    before, after = in_register(SPRINKLER, [policy(SPRINKLER, "Wet", "Rain", "Cloudy")])
    slot = next(v for v, p in enumerate(after.parts) if p.label == "policy")
    kept = [w.name for w in after.wires if w.target == slot and not w.red and w.port not in after.parts[slot].grounded]
    assert kept == ["Rain"]
    assert [w.name for w in after.wires if w.red] == ["Cloudy"]
    assert [w.name for w in before.wires if w.target == slot and not w.hidden] == ["Sprinkler", "Rain"]


def test_a_policy_may_be_cut_again() -> None:
    """Surgery on top of a policy edits the same slot: a cut wire, a value, a cut box."""
    gardener = policy(SPRINKLER, "Sprinkler", "Rain", name="gardener")
    told = red_texts(draw_model(SPRINKLER, [gardener, DoWire("Rain", "Sprinkler", "1")], before=False))
    assert sorted(told) == ["Rain = 1", "gardener"]
    assert red_texts(draw_model(SPRINKLER, [gardener, Do("Sprinkler", "0")], before=False)) == ["Sprinkler = 0"]
    _, after = in_register(SPRINKLER, [gardener, Cut("Sprinkler")])
    assert [w.name for w in after.wires if w.hidden] == ["Rain"]


def test_a_policy_that_closes_a_loop_is_laid_out_afresh() -> None:
    """What it does not hear any more still ends in red grounds."""
    surgeries = [Cut("Rain"), policy(SPRINKLER, "Cloudy", "Rain")]
    assert joint_graph(SPRINKLER, (), shared_ports(SPRINKLER, surgeries, False) or {}) is None
    svg = draw_model(SPRINKLER, surgeries, before=False)
    assert red_texts(svg) == ["policy"]
    graph = model_graph(SPRINKLER, red={"Wet": ("Sprinkler", "Rain", "Cloudy")}).graph
    assert [p.red for p in graph.parts if p.kind == "discard"] == [True], "Cloudy is not heard by wet"


@pytest.mark.parametrize("seed", range(12))
def test_pictures_of_policies_are_clean(seed: int) -> None:
    """No shapes overlap and no wire runs through a box, before and after a random policy, in one layout."""
    r = random.Random(seed)
    names = [f"X{k}" for k in range(6)]
    edges = [(p, n) for k, n in enumerate(names) for p in r.sample(names[:k], min(k, r.randint(0, 2)))]
    model = CausalModel.from_edges(edges, nodes=names, domains=2)
    k = r.randint(1, 5)
    surgeries: list[Surgery] = [policy(model, names[k], *r.sample(names[:k], r.randint(1, min(k, 3))))]
    if seed % 3 == 0:
        surgeries.append(Cut(r.choice(names)))
    before, after = in_register(model, surgeries)
    layout = lay_out(before, after)
    for graph in (before, after):
        drawn = drawn_parts(graph, layout)
        areas = [[area_of(s) for s in d.shapes] for d in drawn]
        for some, others in itertools.combinations(areas, 2):
            assert not any(a.meets(b) for a in some for b in others)
        for wire, line in zip(graph.wires, wire_paths(graph, layout, drawn), strict=True):
            if not wire.hidden:
                _assert_clear(graph, wire.source, wire.target, line, areas)


def _assert_clear(graph: DrawGraph, source: int, target: int, line: Line, areas: list[list[object]]) -> None:
    points = flattened(line, 16)
    for v, part in enumerate(graph.parts):
        if v not in (source, target) and part.kind != "copy":
            assert not any(a.left < x < a.right and a.top < y < a.bottom for a in areas[v] for x, y in points)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("ABCD"), max_size=5), st.lists(st.sampled_from("ABCD"), max_size=5))
def test_merged_ports_hold_both(first: list[str], second: list[str]) -> None:
    """Both lists of parents are part of the merged one, which has no port that neither needs."""
    whole = merge(tuple(first), tuple(second))
    one, other = places(tuple(first), whole), places(tuple(second), whole)
    for part, at in ((first, one), (second, other)):
        assert [whole[k] for k in at] == part
        assert list(at) == sorted(set(at))
    assert len(whole) <= len(first) + len(second)


A, B, C, D = (Object(n, ("no", "yes")) for n in "ABCD")
F, G = Box("f", (A,), (B, B)), Box("g", (B,), (C,))
H, K = Box("h", (C, B), (D,)), Box("k", (), (A,))


def closed() -> Diagram:
    return compose(box(K), box(F), tensor(box(G), identity((B,))), box(H))


def put(state: Diagram, b: Box, d: Diagram) -> Diagram:
    return Functor(boxes={b: compose(discard(b.dom), state)})(d)


def test_a_cut_box_of_a_diagram_is_red_and_in_its_place() -> None:
    """Before -> after with the box once, grounds and the new state in red, and everything else twice."""
    before, after = closed(), put(uniform((C,)), G, closed())
    svg = draw_change(before, after, {"g"}, title="closed", steps="cut(g)")
    texts = [t.text for t in ET.fromstring(svg).iter(f"{SVG}text")]
    assert [texts.count(n) for n in "kfhg"] == [2, 2, 2, 1]
    assert {"closed", "after cut(g)"} <= set(texts)
    assert f'stroke="{RED}"' in svg
    alone = draw_change(before, after, {"g"}, title="closed", steps="cut(g)", both=False)
    assert "closed after cut(g)" in alone
    assert ">g<" not in alone


def test_a_value_of_a_diagram_is_found() -> None:
    """`do` on a box shows which sharp state stands there, also where two boxes of one type get different ones."""
    assert red_texts(draw_change(closed(), put(point(C, "yes"), G, closed()), ["g"])) == ["C = yes"]
    one, two = Box("one", (), (A,)), Box("two", (), (A,))
    before = tensor(box(one), box(two))
    after = tensor(point(A, "yes"), point(A, "no"))
    assert red_texts(draw_change(before, after, ["one", "two"], both=False)) == ["A = yes", "A = no"]
    graph = cut_in_place(before, after, ["one", "two"])
    assert graph is not None
    assert [p.source.label for p in graph.parts if p.source is not None] == ["A = yes", "A = no"]


def test_all_copies_and_all_outputs_of_a_cut_box() -> None:
    """A box that is used twice is cut twice; every output of it gets a state."""
    twice = compose(box(K), copy((A,)), tensor(box(F), box(F)))
    after = put(uniform((B, B)), F, twice)
    graph = cut_in_place(twice, after, {"f"})
    assert graph is not None
    gaps = [p for p in graph.parts if p.kind == "gap"]
    assert [(p.ins, p.outs) for p in gaps] == [(1, 2), (1, 2)]
    assert ">k<" in draw_change(twice, after, {"f"}, both=False), "what nobody hears any more stays visible"


def test_other_changes_are_laid_out_afresh() -> None:
    """If no state in the place of the boxes gives the second diagram, its new boxes are red."""
    other = Box("other", (B,), (C,))
    after = Functor(boxes={G: box(other)})(closed())
    assert cut_in_place(closed(), after, {"g"}) is None
    assert red_texts(draw_change(closed(), after, {"g"})) == ["other"]


def lines_of(*surgeries: Surgery, project: bool = False) -> list[str]:
    return [line.strip() for line in dag_dot(SPRINKLER, project, surgeries).splitlines()]


DASHED = f'[color="{RED}" style=dashed]'


def test_graphs_mark_what_surgery_removes() -> None:
    """Removed edges are dashed and red, edges of a policy red, and a variable says what it is set to."""
    assert f"v0 -> v1 {DASHED}" in lines_of(Do("Sprinkler", "1"))
    assert f'v1 [label="Sprinkler = 1" fontcolor="{RED}"]' in lines_of(Do("Sprinkler", "1"))
    assert f'v3 [label="Wet ~ uniform" fontcolor="{RED}"]' in lines_of(Cut("Wet"))
    cut = lines_of(CutWire("Rain", "Wet"))
    assert [line for line in cut if RED in line] == [f"v2 -> v3 {DASHED}"]
    (told,) = [line for line in lines_of(DoWire("Rain", "Wet", "0")) if RED in line]
    assert 'label="Rain = 0"' in told
    assert "style=dashed" in told
    new = lines_of(policy(SPRINKLER, "Sprinkler", "Rain"))
    assert f'v2 -> v1 [color="{RED}"]' in new
    assert f"v0 -> v1 {DASHED}" in new
    assert f'v1 [label=Sprinkler fontcolor="{RED}"]' in lines_of(Open("Sprinkler"))


def test_graphs_without_surgery_have_no_red() -> None:
    """Without surgery the text is what it was, and after it the untouched edges are plain."""
    assert RED not in dag_dot(SPRINKLER)
    assert [line for line in lines_of(Do("Sprinkler", "1")) if line.endswith("-> v3")] == ["v1 -> v3", "v2 -> v3"]


def test_projected_graphs_mark_bidirected_edges() -> None:
    """A confounder that surgery cuts off is a dashed two-headed edge in red."""
    model = CausalModel.from_edges([("X", "Z"), ("Z", "Y")], [("X", "Y")], domains=2)
    text = dag_dot(model, project=True, surgeries=[Do("X", "1")])
    assert f'v0 -> v2 [color="{RED}" constraint=false dir=both style=dashed]' in text
    assert "v0 -> v1\n" in text


def test_graph_files_take_surgeries(tmp_path: Path) -> None:
    """`draw_dag` writes the marked text; surgery that does not fit raises what `operate` raises."""
    text = draw_dag(SPRINKLER, tmp_path / "a.dot", surgeries=[Cut("Rain")])
    assert (tmp_path / "a.dot").read_text() == text
    assert RED in text
    with pytest.raises(CutwireError):
        draw_dag(SPRINKLER, surgeries=[Cut("Snow")])
