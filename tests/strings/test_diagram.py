"""Diagrams: the laws of a Markov category, decided by plain equality."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.strategies import OBJECTS, diagrams, types
from strings.diagnostic import CompositionError
from strings.diagram import (
    Builder,
    Diagram,
    Node,
    box,
    compose,
    copy,
    discard,
    identity,
    point,
    swap,
    tensor,
    uniform,
)
from strings.signature import Box, Object

A, B, C = OBJECTS

FAST = settings(max_examples=60, deadline=None)


@FAST
@given(st.data())
def test_category_laws(data: st.DataObject) -> None:
    """Composition is associative and unital, tensor is functorial."""
    f = data.draw(diagrams())
    g = data.draw(diagrams(dom=f.cod))
    h = data.draw(diagrams(dom=g.cod))
    k = data.draw(diagrams())
    m = data.draw(diagrams(dom=k.cod))

    assert (f >> g) >> h == f >> (g >> h) == compose(f, g, h)
    assert identity(f.dom) >> f == f == f >> identity(f.cod)
    assert (f >> g) @ (k >> m) == (f @ k) >> (g @ m)
    assert (f @ g) @ k == f @ (g @ k) == tensor(f, g, k)


@FAST
@given(st.data())
def test_symmetry(data: st.DataObject) -> None:
    """The symmetry is natural and its own inverse."""
    f, g = data.draw(diagrams()), data.draw(diagrams())

    assert (f @ g) >> swap(f.cod, g.cod) == swap(f.dom, g.dom) >> (g @ f)
    assert swap(f.dom, g.dom) >> swap(g.dom, f.dom) == identity(f.dom + g.dom)


@FAST
@given(types())
def test_comonoid_laws(ty: tuple[Object, ...]) -> None:
    """Copy is coassociative and commutative, discard is its counit; discard after uniform is nothing."""
    one = identity(ty)

    assert copy(ty) >> (copy(ty) @ one) == copy(ty) >> (one @ copy(ty)) == copy(ty, 3)
    assert copy(ty) >> swap(ty, ty) == copy(ty)
    assert copy(ty) >> (discard(ty) @ one) == one == copy(ty) >> (one @ discard(ty))
    assert uniform(ty) >> discard(ty) == identity(())


@FAST
@given(diagrams())
def test_discarding_is_natural(f: Diagram) -> None:
    """Discarding the outputs of anything is discarding its inputs."""
    assert f >> discard(f.cod) == discard(f.dom)


@FAST
@given(st.data())
def test_copying_is_natural_for_deterministic_diagrams_only(data: st.DataObject) -> None:
    """f;copy = copy;(f*f) holds when every box is deterministic, and fails when a stochastic box reaches an output."""
    f = data.draw(diagrams())
    same = f >> copy(f.cod) == copy(f.dom) >> (f @ f)

    assert same == all(n.box.deterministic for n in f.nodes)


@FAST
@given(diagrams(), st.randoms(use_true_random=False))
def test_equality_does_not_see_the_order_of_building(f: Diagram, rng: random.Random) -> None:
    """Any other order of the same boxes, with dead boxes thrown in, gives an equal diagram with an equal hash."""
    builder = Builder(f.dom)
    env: dict[int, int] = {i: i for i in range(len(f.dom))}
    left = list(range(len(f.nodes)))
    while left:
        ready = [i for i in left if all(a in env for a in f.nodes[i].args)]
        i = rng.choice(ready)
        made = builder.apply(f.nodes[i].box, [env[a] for a in f.nodes[i].args])
        env.update({f.first_wires[i] + p: w for p, w in enumerate(made)})
        builder.apply(Box("dead", (), (A,)), ())
        left.remove(i)
    g = builder.freeze(env[w] for w in f.outs)

    assert g == f
    assert hash(g) == hash(f)


@FAST
@given(diagrams())
def test_repr_evaluates_back(f: Diagram) -> None:
    """A diagram is its own literal."""
    assert eval(repr(f), {"Diagram": Diagram, "Node": Node, "Box": Box, "Object": Object}) == f


@FAST
@given(diagrams())
def test_normal_form_is_a_fixed_point(f: Diagram) -> None:
    """Normalising twice changes nothing, and every box kept reaches an output."""
    assert Diagram(f.dom, f.nodes, f.outs).nodes == f.nodes
    used = set(f.outs) | {a for n in f.nodes for a in n.args}
    for first, node in zip(f.first_wires, f.nodes, strict=True):
        assert any(w in used for w in range(first, first + len(node.box.cod)))


def test_parallel_boxes_are_not_confused() -> None:
    """Wiring matters: f * g differs from g * f, and crossed wires from straight ones."""
    f, g = box(Box("f", (A,), (A,))), box(Box("g", (A,), (A,)))
    h = box(Box("h", (A, A), (A,)))

    assert f @ g != g @ f
    assert (f @ g) >> h != (f @ g) >> swap((A,), (A,)) >> h
    assert (f @ f) >> h == swap((A,), (A,)) >> (f @ f) >> swap((A,), (A,)) >> h


def test_equal_points_merge_and_uniforms_do_not() -> None:
    """Two sharp states with one value are one state copied; two uniform states are independent."""
    assert point(C, "yes") @ point(C, "yes") == point(C, "yes") >> copy((C,))
    assert uniform((C,)) @ uniform((C,)) != uniform((C,)) >> copy((C,))
    with pytest.raises(CompositionError, match="D003"):
        point(C, "maybe")


def test_type_errors_name_both_sides_and_the_port() -> None:
    """A mismatch says what each side is and where."""
    f = box(Box("f", (A,), (A, B)))
    with pytest.raises(CompositionError, match="wire 2 is B on the left and C on the right"):
        f >> identity((A, C))
    with pytest.raises(CompositionError, match=r"port 1 of box `f` takes A, given B"):
        Builder((B,)).apply(f.nodes[0].box, (0,))
    with pytest.raises(CompositionError, match="no wire 7"):
        Builder((B,)).freeze((7,))


def test_ten_thousand_boxes() -> None:
    """A long chain composes, normalises and compares without recursion."""
    f = Box("f", (A,), (A,))
    builder = Builder((A,))
    wire: tuple[int, ...] = (0,)
    for _ in range(10_000):
        wire = builder.apply(f, wire)
    chain = builder.freeze(wire)

    assert len(chain.nodes) == 10_000
    assert chain == compose(*[box(f)] * 10_000)
