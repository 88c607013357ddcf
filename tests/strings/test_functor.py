"""Functors: laws, for random maps of objects and boxes."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.strategies import OBJECTS, diagrams, types
from strings.diagnostic import CompositionError
from strings.diagram import Builder, Diagram, box, compose, copy, discard, identity, point, swap, tensor, uniform
from strings.functor import Functor
from strings.signature import Box, Object, uniform_box

A, B, C = OBJECTS

FAST = settings(max_examples=80, deadline=None)


def image(b: Box, dom: tuple[Object, ...], cod: tuple[Object, ...], seed: int) -> Diagram:
    """A diagram `dom -> cod` made of one or two boxes and some copying, the same for the same box and seed.

    What is deterministic stays so: copying is natural for it on both sides.
    """
    rnd = random.Random(zlib.crc32(f"{b.name} {seed}".encode()))
    builder = Builder(dom)
    wires = list(enumerate(dom))
    for k in range(rnd.randint(1, 2)):
        args = [rnd.choice(wires) for _ in range(rnd.randint(0, 2))] if wires else []
        out = tuple(rnd.choice(OBJECTS) for _ in range(rnd.randint(1, 2)))
        made = builder.apply(Box(f"{b.name}{k}", tuple(x for _, x in args), out, b.deterministic), [w for w, _ in args])
        wires.extend(zip(made, out, strict=True))
    outs = []
    for x in cod:
        fitting = [w for w, y in wires if y == x] or [
            builder.apply(Box(f"{b.name}!", (), (x,), b.deterministic), ())[0]
        ]
        outs.append(rnd.choice(fitting))
    return builder.freeze(outs)


@st.composite
def functors(draw: st.DrawFn) -> Functor:
    """A random functor: objects to types (some to nothing, some to several), boxes to diagrams, some left alone."""
    objects = {x: draw(types(max_size=2)) for x in draw(st.lists(st.sampled_from(OBJECTS), unique=True))}
    seed = draw(st.integers(0, 10**6))

    def on_type(ty: tuple[Object, ...]) -> tuple[Object, ...]:
        return tuple(y for x in ty for y in objects.get(x, (x,)))

    def boxes(b: Box) -> Diagram | None:
        dom, cod = on_type(b.dom), on_type(b.cod)
        if (dom, cod) == (b.dom, b.cod) and seed % 3 == 0:
            return None
        return image(b, dom, cod, seed)

    return Functor(objects, boxes)


@FAST
@given(functors(), st.data())
def test_functors_respect_composition_and_tensor(functor: Functor, data: st.DataObject) -> None:
    """F(f ; g) = F(f) ; F(g), F(f * h) = F(f) * F(h), F(id) = id."""
    f = data.draw(diagrams())
    g = data.draw(diagrams(dom=f.cod))
    h = data.draw(diagrams())

    assert functor(compose(f, g)) == compose(functor(f), functor(g))
    assert functor(tensor(f, h)) == tensor(functor(f), functor(h))
    assert functor(identity(f.dom)) == identity(functor.on_type(f.dom))
    assert (functor(f).dom, functor(f).cod) == (functor.on_type(f.dom), functor.on_type(f.cod))


@FAST
@given(functors(), types(), types())
def test_functors_respect_the_structure(functor: Functor, ty: tuple[Object, ...], other: tuple[Object, ...]) -> None:
    """Copy, discard, swap and uniform go to copy, discard, swap and uniform of the images."""
    x, y = functor.on_type(ty), functor.on_type(other)

    assert functor(copy(ty)) == copy(x)
    assert functor(copy(ty, 3)) == copy(x, 3)
    assert functor(discard(ty)) == discard(x)
    assert functor(swap(ty, other)) == swap(x, y)
    assert functor(uniform(ty)) == uniform(x)


@FAST
@given(functors(), functors(), functors(), diagrams())
def test_functors_compose(one: Functor, two: Functor, three: Functor, f: Diagram) -> None:
    """`then` is composition: associative, with the empty functor for an identity."""
    assert Functor()(f) == f
    assert one.then(two)(f) == two(one(f))
    assert one.then(two).then(three)(f) == one.then(two.then(three))(f)
    assert one.then(Functor())(f) == one(f) == Functor().then(one)(f)
    assert one.then(two).on_type(f.dom) == two.on_type(one.on_type(f.dom))


@FAST
@given(diagrams())
def test_a_functor_opens_boxes(f: Diagram) -> None:
    """A diagram closed up as a box, and opened again, is itself; so it is inside of others."""
    closed = f.as_box("closed")
    opening = Functor(boxes={closed: f})

    assert opening(box(closed)) == f
    assert opening(box(closed) >> copy(f.cod)) == f >> copy(f.cod)
    assert (closed.dom, closed.cod) == (f.dom, f.cod)
    assert closed.deterministic == all(n.box.deterministic for n in f.nodes)


def test_maps_may_be_mappings_or_functions() -> None:
    """Both kinds say the same; what they do not mention stays."""
    f, g = Box("f", (A,), (B,)), Box("g", (B,), (C,))
    by_mapping = Functor({A: (C, C)}, {f: discard((C, C)) >> uniform((B,))})
    by_function = Functor(
        lambda x: (C, C) if x == A else None, lambda b: discard((C, C)) >> uniform((B,)) if b == f else None
    )
    d = box(f) >> box(g)

    assert by_mapping(d) == by_function(d) == discard((C, C)) >> uniform((B,)) >> box(g)


def test_points_are_boxes_and_uniform_states_are_not() -> None:
    """A sharp state has an image of its own; a uniform state always goes to the uniform state."""
    to_one = Functor(boxes=lambda b: point(A, "1") if b.kind == "point" else None)
    shout = Functor(boxes={uniform_box(A): point(A, "0")})

    assert to_one(point(A, "0")) == point(A, "1")
    assert shout(uniform((A,))) == uniform((A,))


@pytest.mark.parametrize(
    ("functor", "d"),
    [
        (Functor(boxes={Box("f", (A,), (B,)): identity((A,))}), box(Box("f", (A,), (B,)))),
        (Functor(objects={A: (B, B)}), box(Box("f", (A,), (B,)))),
        (Functor(objects={B: ()}), box(Box("f", (A,), (B,))) >> box(Box("g", (B,), (C,)))),
    ],
)
def test_images_have_the_images_of_types(functor: Functor, d: Diagram) -> None:
    """D004 if a box goes to a diagram of another type, also if it is left alone while its objects change."""
    with pytest.raises(CompositionError) as refused:
        functor(d)

    assert refused.value.diagnostic.code == "D004"
    assert "`f`" in refused.value.diagnostic.message or "`g`" in refused.value.diagnostic.message
