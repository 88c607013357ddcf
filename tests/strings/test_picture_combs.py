"""Pictures of combs: every box of the district, a hole for every gap between stages."""

from __future__ import annotations

import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from strings.comb import factorise
from strings.model import CausalModel
from strings.picture import draw_comb, draw_combs
from strings.picture.combs import comb_graph

FRONT_DOOR = CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2, name="door")


def test_the_comb_of_the_front_door() -> None:
    """JKZ 2019, section 6: S and C with their common cause, a hole for T between them."""
    comb, tooth = factorise(FRONT_DOOR)
    graph = comb_graph(comb.comb, FRONT_DOOR.latents)
    (hole,) = (k for k, p in enumerate(graph.parts) if p.kind == "hole")
    assert [w.name for w in graph.wires if w.target == hole] == ["S"]
    assert [w.name for w in graph.wires if w.source == hole] == ["T"]
    assert [p.label for p in graph.parts if p.kind == "out"] == ["S", "C"]
    assert not any(p.kind == "hole" for p in comb_graph(tooth.comb).parts)
    assert draw_comb(comb.comb, latents=FRONT_DOOR.latents).count('stroke-dasharray="5 3.5"') >= 2


def test_all_combs_of_a_model() -> None:
    svg = draw_combs(FRONT_DOOR)
    assert ">S, C given T<" in svg
    assert ">T given S<" in svg
    assert (svg.count(">1 hole<"), svg.count(">no hole<")) == (1, 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 7), st.integers(0, 10_000))
def test_holes_and_boxes(size: int, seed: int) -> None:
    """Holes are as many as the comb has, and no box of a district is lost."""
    rnd = random.Random(seed)
    names = [f"V{k}" for k in range(size)]
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    model = CausalModel.from_edges(
        [p for p in pairs if rnd.random() < 0.5], [p for p in pairs if rnd.random() < 0.3], domains=2, nodes=names
    )
    for c in factorise(model):
        graph = comb_graph(c.comb, model.latents)
        assert sum(p.kind == "hole" for p in graph.parts) == c.holes
        shown = {p.label for p in graph.parts if p.kind in ("box", "state")}
        assert {n.box.name for n in c.comb.diagram.nodes} == shown
        assert [p.label for p in graph.parts if p.kind == "out"] == list(c.outputs)
    assert len(re.findall(r">[^<]* holes?<", draw_combs(model))) == len(factorise(model))
