"""Combs: holes, filling, and the factorisation of a model into one comb per district."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from semantics.strategies import OBJECTS, models
from strings.comb import Comb, DistrictComb, assemble, cut_comb, district_comb, factorise
from strings.diagnostic import CompositionError
from strings.diagram import box, discard, uniform
from strings.graph import Graph, bits
from strings.model import CausalModel
from strings.signature import Box
from strings.surgery import Cut, Open, operate

A, B, C = OBJECTS

FAST = settings(max_examples=80, deadline=None)


def test_a_two_comb_and_its_hole() -> None:
    """First A comes out, then B goes in, then C comes out."""
    model = CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2)
    comb = district_comb(model, ["S", "C"]).comb
    s, t, c = (model.object(n) for n in "STC")
    tooth = box(Box("t", (s,), (t,)))

    assert comb.holes == (((s,), (t,)),)
    assert comb.fill(tooth) == model.diagram
    assert comb.fill(discard((s,)) >> uniform((t,))) == operate(model, Cut("T")).diagram
    with pytest.raises(CompositionError, match="D001"):
        comb.fill(box(Box("wrong", (c,), (t,))))


def test_not_a_comb() -> None:
    """An output that depends on a later input is refused, and so are stages that do not add up."""
    f = box(Box("f", (A,), (B, C)))
    with pytest.raises(CompositionError, match="depends on an input that comes later") as early:
        Comb(f, ((0, 1), (1, 1)))
    with pytest.raises(CompositionError, match="do not add up") as uneven:
        Comb(f, ((1, 1),))
    assert early.value.diagnostic.code == uneven.value.diagnostic.code == "C001"


@FAST
@given(models(max_latents=3))
def test_the_combs_of_the_districts_make_the_model(model: CausalModel) -> None:
    """Factor and refill: nothing is lost; every variable lies in one comb."""
    combs = factorise(model)

    assert assemble(combs, model.observed) == model.diagram
    assert sorted(n for c in combs for n in c.outputs) == sorted(model.observed)


@FAST
@given(st.data())
def test_factor_cut_refill(data: st.DataObject) -> None:
    """Where the combs allow it, cutting between them is cutting the variable in the model (JKZ 2019, section 7)."""
    model = data.draw(models(max_latents=3))
    x = data.draw(st.sampled_from(model.observed))
    combs = cut_comb(model, x)
    assume(combs is not None)
    state = DistrictComb(Comb(uniform((model.object(x),)), ((0, 1),)), (), (x,))

    assert assemble([*combs, state], model.observed) == operate(model, Cut(x)).diagram
    assert assemble(combs, model.observed, (model.object(x),)) == operate(model, Open(x)).diagram


@FAST
@given(st.data())
def test_cut_comb_refuses_exactly_when_a_bidirected_path_leads_to_a_child(data: st.DataObject) -> None:
    """Tian and Pearl's criterion, by brute force over bidirected paths."""
    model = data.draw(models(max_latents=3))
    x = data.draw(st.sampled_from(model.observed))
    graph = model.graph
    i = graph.names.index(x)
    reached = {i}
    for _ in graph.names:
        reached |= {j for k in reached for j in bits(graph.spouses[k])}
    blocked = any(graph.parents[j] >> i & 1 for j in reached)

    assert (cut_comb(model, x) is None) == blocked


def test_one_hole_is_not_enough() -> None:
    """X -> B1 -> C1 -> B2 with B1 <-> B2 and X <-> C1 needs two interleaved combs, one of them with two holes."""
    model = CausalModel.from_edges(
        [("X", "B1"), ("B1", "C1"), ("C1", "B2")], bidirected=[("B1", "B2"), ("X", "C1")], domains=2
    )
    first, second = factorise(model)

    assert (first.outputs, first.comb.stages) == (("X", "C1"), ((0, 1), (1, 1)))
    assert (second.outputs, second.comb.stages) == (("B1", "B2"), ((1, 1), (1, 1)))
    assert cut_comb(model, "X") is not None


def test_a_missing_tooth_is_named() -> None:
    """Combs that do not make what is asked are an error."""
    model = CausalModel.from_edges([("S", "T")], domains=2)
    with pytest.raises(CompositionError, match="do not make `S`") as missing:
        assemble(factorise(model)[1:], model.observed)
    assert missing.value.diagnostic.code == "C002"


@FAST
@given(models(max_latents=3))
def test_districts_partition(model: CausalModel) -> None:
    """Districts are disjoint, cover everything and are closed under bidirected edges."""
    graph: Graph = model.graph
    districts = graph.districts(graph.all)

    assert sum(districts) == graph.all
    for d in districts:
        for i in bits(d):
            assert graph.spouses[i] & ~d == 0
