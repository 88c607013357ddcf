"""Surgery: functor laws, idempotence, commutation, and the DAG side of a causal model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.strategies import OBJECTS, diagrams, models
from strings.diagnostic import CompositionError, CutwireError, QueryError
from strings.diagram import Diagram, box, copy, discard, identity, uniform
from strings.functor import Functor
from strings.model import CausalModel, Mechanism
from strings.signature import Box, Object
from strings.surgery import (
    Cut,
    CutWire,
    Do,
    DoWire,
    Open,
    Replace,
    functor_of,
    operate,
    plug_uniform,
    randomise,
    tell,
)

A, B, _ = OBJECTS

FAST = settings(max_examples=60, deadline=None)


def some_functor(f: Diagram) -> Functor:
    """Doubles every object B and sends every box that has none to a box of another name."""
    return Functor(
        objects={B: (B, B)},
        boxes=lambda b: box(Box(b.name + "!", fold(b.dom), fold(b.cod), b.deterministic)) if b.kind == "box" else None,
    )


def fold(ty: tuple[Object, ...]) -> tuple[Object, ...]:
    return tuple(y for x in ty for y in ((B, B) if x == B else (x,)))


@FAST
@given(st.data())
def test_functors_preserve_the_cdu_structure(data: st.DataObject) -> None:
    """A functor respects composition, tensor, identity, copy, discard and uniform."""
    f = data.draw(diagrams())
    g = data.draw(diagrams(dom=f.cod))
    h = data.draw(diagrams())
    functor = some_functor(f)

    assert functor(f >> g) == functor(f) >> functor(g)
    assert functor(f @ h) == functor(f) @ functor(h)
    assert functor(identity(f.dom)) == identity(fold(f.dom))
    assert functor(copy(f.dom)) == copy(fold(f.dom))
    assert functor(discard(f.dom)) == discard(fold(f.dom))
    assert functor(uniform(f.dom)) == uniform(fold(f.dom))
    assert functor.then(Functor())(f) == functor(f) == Functor().then(functor)(f)


def test_a_box_map_of_the_wrong_type_is_refused() -> None:
    """The image of a box must have the image of its type."""
    f = Box("f", (A,), (B,))
    with pytest.raises(CompositionError, match="D004"):
        Functor(boxes={f: identity((A,))})(box(f))


def surgeries(model: CausalModel) -> list[Cut | Do | CutWire | DoWire]:
    nodes = [Cut(x.name) for x in model.variables] + [Do(x.name, x.values[0]) for x in model.variables if x.values]
    wires = [(p, c) for c in model.names for p in model.parents(c)]
    return [*nodes, *(CutWire(p, c) for p, c in wires), *(DoWire(p, c, model.object(p).values[0]) for p, c in wires)]


@FAST
@given(st.data())
def test_surgery_is_a_functor_and_idempotent(data: st.DataObject) -> None:
    """Operating on the model is applying the functor to its diagram; doing it twice is doing it once."""
    model = data.draw(models())
    s = data.draw(st.sampled_from(surgeries(model)))
    functor = functor_of(s, model)

    assert operate(model, s).diagram == functor(model.diagram)
    assert functor(functor(model.diagram)) == functor(model.diagram)
    assert operate(model, s, s) == operate(model, s)


@FAST
@given(st.data())
def test_the_later_surgery_on_a_wire_overrides(data: st.DataObject) -> None:
    """Whatever a wire was told before, it is told the last thing; the functors compose alike."""
    model = data.draw(models())
    wires = [s for s in surgeries(model) if isinstance(s, CutWire | DoWire)]
    if not wires:
        return
    first = data.draw(st.sampled_from(wires))
    x = model.object(first.source)
    options = [CutWire(first.source, first.sink), *(DoWire(first.source, first.sink, v) for v in x.values or ())]
    second = data.draw(st.sampled_from(options))

    assert operate(model, first, second) == operate(model, second)
    assert operate(model, first, second, first) == operate(model, first)
    assert functor_of(second, model)(operate(model, first).diagram) == operate(model, first, second).diagram


@FAST
@given(st.data())
def test_surgeries_of_different_wires_commute(data: st.DataObject) -> None:
    """Each wire keeps what it was told; composing the functors is operating twice."""
    model = data.draw(models())
    wires = [s for s in surgeries(model) if isinstance(s, CutWire | DoWire)]
    if not wires:
        return
    s, t = data.draw(st.sampled_from(wires)), data.draw(st.sampled_from(wires))
    if (s.source, s.sink) == (t.source, t.sink):
        return
    both = operate(model, s, t)

    assert both == operate(model, t, s)
    assert both.diagram == functor_of(t, model)(functor_of(s, model)(model.diagram))


@FAST
@given(st.data())
def test_a_box_that_is_gone_hears_nothing(data: st.DataObject) -> None:
    """Surgery on a wire into a variable that was set or cut is N005; the other way round, the variable's overrides."""
    model = data.draw(models())
    wires = [s for s in surgeries(model) if isinstance(s, CutWire | DoWire)]
    if not wires:
        return
    s = data.draw(st.sampled_from(wires))
    for gone in (Cut(s.sink), Do(s.sink, "0"), Open(s.sink), randomise(model.object(s.sink))):
        with pytest.raises(QueryError, match="N005"):
            operate(model, gone, s)
        assert operate(model, s, gone) == operate(model, gone)


def test_why_a_wire_is_gone_is_told() -> None:
    """N005 says whether there never was a wire, or none any more."""
    model = smoking()
    with pytest.raises(QueryError, match="`T` does not hear `S` any more: `T` was set or cut before"):
        operate(model, Do("T", "0"), DoWire("S", "T", "1"))
    with pytest.raises(QueryError, match="there is no wire `C -> T`") as never:
        operate(model, CutWire("C", "T"))
    assert never.value.diagnostic.help == ("did you mean `T -> C`?",)
    s, t = model.object("S"), model.object("T")
    deaf = Mechanism(("S",), discard((s,)) >> box(Box("deaf", (), (t,))))
    with pytest.raises(QueryError, match="takes no notice"):
        operate(model, Replace("T", deaf), CutWire("S", "T"))


def test_one_state_for_all_ports() -> None:
    """A child that hears a variable twice is told one value, copied, before and after it was told another."""
    s, t = Object("S", ("0", "1")), Object("T", ("0", "1"))
    two = Mechanism(("S", "S"), box(Box("two", (s, s), (t,))))
    model = CausalModel((s, t), {"S": Mechanism.of_box(Box("s", (), (s,))), "T": two})
    for told in (operate(model, CutWire("S", "T")), operate(model, DoWire("S", "T", "1"), CutWire("S", "T"))):
        assert told.state(["T"]) == uniform((s,)) >> copy((s,)) >> box(Box("two", (s, s), (t,)))
    free = tell(operate(model, CutWire("S", "T")), "S", "T", box(Box("free", (), (s,))))
    assert free.state(["T"]) == box(Box("free", (), (s,))) >> copy((s,)) >> box(Box("two", (s, s), (t,)))


@FAST
@given(st.data())
def test_surgeries_of_different_variables_commute(data: st.DataObject) -> None:
    """Cutting or setting two different variables in either order is the same."""
    model = data.draw(models())
    x, y = data.draw(st.permutations(model.names))[:2]
    for s, t in ((Cut(x), Cut(y)), (Cut(x), Do(y, "0")), (Do(x, "1"), Do(y, "0")), (Open(x), Cut(y))):
        assert operate(model, s, t) == operate(model, t, s)


@FAST
@given(st.data())
def test_cut_is_open_then_plug_uniform(data: st.DataObject) -> None:
    """JKZ's cut is opening the wire and plugging the uniform state."""
    model = data.draw(models())
    x = data.draw(st.sampled_from(model.observed))

    assert plug_uniform(operate(model, Open(x)), x) == operate(model, Cut(x)).diagram


@FAST
@given(st.data())
def test_cutting_every_wire_into_a_variable_differs_from_cutting_it(data: st.DataObject) -> None:
    """Cutting the wires a box hears keeps the box; cutting the variable removes it."""
    model = data.draw(models())
    x = data.draw(st.sampled_from(model.names))
    deaf = operate(model, *(CutWire(p, x) for p in model.parents(x)))

    assert deaf.parents(x) == ()
    assert any(n.box.name == x.lower() for n in deaf.state([x]).nodes)
    assert not any(n.box.name == x.lower() for n in operate(model, Cut(x)).state([x]).nodes)


def test_boxes_of_one_name_and_different_origin() -> None:
    """Boxes from two files are two boxes, in diagrams too; the origin is not printed and survives surgery."""
    s, t = Object("S", ("0", "1")), Object("T", ("0", "1"))
    here, there = Box("t", (s,), (t,)), Box("t", (s,), (t,), origin="other.causal")

    assert here != there
    assert here == Box("t", (s,), (t,), origin="")
    assert (str(here), str(box(here))) == (str(there), str(box(there)))
    assert box(here) != box(there)
    models = [CausalModel.from_boxes((s, t), [Box("s", (), (s,)), b]) for b in (here, there)]
    assert models[0] != models[1]
    assert models[0].diagram != models[1].diagram
    renamed = models[1].with_values({"S": ("a", "b")})
    assert [n.box.origin for n in operate(renamed, CutWire("S", "T")).diagram.nodes if n.box.name == "t"] == [
        "other.causal"
    ]


def smoking() -> CausalModel:
    return CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2)


def test_replace_and_policies() -> None:
    """A policy may read other variables; one that closes a loop is refused."""
    model = smoking()
    s, t, c = (model.object(n) for n in "STC")
    policy = Mechanism.of_box(Box("pol", (s,), (c,)))
    operated = operate(model, Replace("C", policy))

    assert operated.parents("C") == ("S",)
    assert operate(model, randomise(t)).parents("T") == ()
    with pytest.raises(CompositionError, match="M002"):
        operate(model, Replace("S", Mechanism.of_box(Box("loop", (c,), (s,)))))
    same_parents = Replace("T", Mechanism.of_box(Box("t2", (s,), (t,))))
    assert functor_of(same_parents, model)(model.diagram) == operate(model, same_parents).diagram
    with pytest.raises(ValueError, match="other parents"):
        functor_of(Replace("C", policy), model)


@pytest.mark.parametrize(
    ("surgery", "code"),
    [
        (Cut("SS"), "N004"),
        (Do("S", "yes"), "D003"),
        (CutWire("S", "C"), "N005"),
        (DoWire("C", "S", "0"), "N005"),
    ],
)
def test_bad_surgery_is_an_error(surgery: Cut, code: str) -> None:
    """Nothing is silently ignored."""
    with pytest.raises(CutwireError) as e:
        operate(smoking(), surgery)
    assert e.value.diagnostic.code == code


def test_dag_view() -> None:
    """Order, parents, children, and the projection of latents, chains of latents included."""
    x, y, z, u, v = (Object(n, ("0", "1")) for n in "XYZUV")
    model = CausalModel.from_boxes(
        (z, x, y, u, v),
        [Box("u", (), (u,)), Box("v", (u, x), (v,)), Box("x", (u,), (x,)), Box("y", (v,), (y,)), Box("z", (v,), (z,))],
        latents=["U", "V"],
    )
    graph = model.graph

    assert model.order == ("U", "X", "V", "Z", "Y")
    assert graph.names == ("Z", "X", "Y")
    assert [graph.show(p) for p in graph.parents] == [("X",), (), ("X",)]
    assert [graph.show(s) for s in graph.spouses] == [("X", "Y"), ("Z", "Y"), ("Z", "X")]


def test_loops_are_refused() -> None:
    """A model is acyclic; the loop is named."""
    x, y = Object("X", ("0", "1")), Object("Y", ("0", "1"))
    with pytest.raises(CompositionError, match=r"loop: X -> Y -> X"):
        CausalModel.from_boxes((x, y), [Box("x", (y,), (x,)), Box("y", (x,), (y,))])


def test_unknown_names_get_a_suggestion() -> None:
    """A typo is never a new variable."""
    with pytest.raises(QueryError, match="did you mean `S`"):
        smoking().object("SS")
    with pytest.raises(QueryError, match="unknown variable `Q`"):
        smoking().state(["Q"])
