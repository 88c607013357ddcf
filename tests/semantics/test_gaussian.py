"""Gauss against dense linear algebra, and as a category: the laws of the functor, of copying and of surgery."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.category import fold, interpret
from semantics.gaussian import Gaussian, sweep
from semantics.kernel import Kernel
from semantics.mixed import Gauss, LinearBox, MixedKernel, finite, same
from strings.diagnostic import CutwireError, QueryError, ZeroProbabilityError
from strings.diagram import Builder, Diagram, box, compose, copy, discard, point, tensor
from strings.model import CausalModel
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, functor_of, operate

WHOLE = st.integers(-3, 3).map(Fraction)
X, Y, Z = (Object(n, None, "real") for n in "XYZ")
S = Object("S", ("no", "yes"))


@st.composite
def kernels(draw: st.DrawFn, inputs: int, outputs: int) -> Gaussian:
    """Kernels with small whole numbers; the covariance is a Gram matrix, often singular."""
    root = np.array([[draw(WHOLE) for _ in range(outputs)] for _ in range(outputs)], dtype=object).reshape(outputs, -1)
    matrix = [[draw(WHOLE) for _ in range(inputs)] for _ in range(outputs)]
    offset = [draw(WHOLE) for _ in range(outputs)]
    return Gaussian.of(matrix, offset, root @ root.T)


@st.composite
def mixed_diagrams(draw: st.DrawFn) -> tuple[Diagram, Gauss]:
    """Diagrams of finite and real boxes, wired at random, with their meanings."""
    dom = tuple(draw(st.lists(st.sampled_from((S, X)), max_size=2)))
    builder = Builder(dom)
    types = list(dom)
    tables: dict[str, Kernel] = {}
    linear: dict[str, LinearBox] = {}
    for k in range(draw(st.integers(1, 4))):
        reals = [w for w, x in enumerate(types) if x.space]
        finites = [w for w, x in enumerate(types) if not x.space]
        heard = draw(st.lists(st.sampled_from(finites), max_size=1)) if finites else []
        target = draw(st.sampled_from((S, X, Y)))
        if target.space and reals:
            heard += draw(st.lists(st.sampled_from(reals), max_size=2))
        b = Box(f"b{k}", tuple(types[w] for w in heard), (target,))
        cases = [(0,), (1,)] if finite(b.dom) else [()]
        if target.space:
            n = len(b.dom) - len(finite(b.dom))
            linear[b.name] = LinearBox(b.dom, target, {c: draw(kernels(n, 1)) for c in cases})
        else:
            ps = [Fraction(draw(st.integers(0, 4)), 4) for _ in cases]
            rows = [[p, 1 - p] for p in ps]
            tables[b.name] = Kernel(b.dom, (target,), rows if finite(b.dom) else rows[0])
        builder.apply(b, heard)
        types.append(target)
    outs = draw(st.lists(st.sampled_from(range(len(types))), max_size=3))
    return builder.freeze(outs), Gauss(tables, linear, exact=True)


# ---- kernels ---------------------------------------------------------------------------------------------------------


@given(kernels(0, 4), st.lists(WHOLE, min_size=2, max_size=2))
def test_conditioning_is_the_dense_formula(g: Gaussian, seen: list[Fraction]) -> None:
    """Pivot by pivot in fractions is what the pseudo-inverse gives in floats, where the values are possible."""
    c, m = g.covariance.astype(float), g.offset.astype(float)
    at, rest = [3, 1], [0, 2]
    inverse = np.linalg.pinv(c[np.ix_(at, at)], rcond=1e-10)
    off = np.array(seen, dtype=float) - m[at]
    possible = np.allclose(c[np.ix_(at, at)] @ inverse @ off, off, atol=1e-8)
    if not possible:
        with pytest.raises(ZeroProbabilityError):
            g.given(at, seen)
        return
    found, density = g.given(at, seen)
    slope = c[np.ix_(rest, at)] @ inverse
    assert np.allclose(found.offset.astype(float), m[rest] + slope @ off, atol=1e-8)
    assert np.allclose(found.covariance.astype(float), c[np.ix_(rest, rest)] - slope @ c[np.ix_(at, rest)], atol=1e-8)
    assert density.rank == np.linalg.matrix_rank(c[np.ix_(at, at)], tol=1e-8)
    assert math.isclose(float(density.square), off @ inverse @ off, abs_tol=1e-7)


@given(kernels(0, 3), st.lists(WHOLE, min_size=3, max_size=3))
def test_floats_are_as_fractions(g: Gaussian, seen: list[Fraction]) -> None:
    try:
        exact, one = g.given([0, 2], [seen[0], seen[2]])
    except ZeroProbabilityError:
        with pytest.raises(ZeroProbabilityError):
            g.as_float().given([0, 2], [seen[0], seen[2]])
        return
    found, other = g.as_float().given([0, 2], [seen[0], seen[2]])
    assert found.equals(exact.as_float(), 1e-8)
    assert one.rank == other.rank
    assert math.isclose(one.log, other.log, abs_tol=1e-8)


def test_density_of_a_regular_gaussian() -> None:
    c = np.array([[2.0, 0.5], [0.5, 1.0]])
    g = Gaussian.of([[], []], [1.0, -1.0], c.tolist())
    x = np.array([0.5, 0.25])
    off = x - g.offset
    dense = -0.5 * (off @ np.linalg.inv(c) @ off + math.log(np.linalg.det(2 * math.pi * c)))

    assert math.isclose(g.given([0, 1], x.tolist())[1].log, dense)


@given(kernels(1, 3), WHOLE, WHOLE)
def test_a_conditional_is_conditioning_at_every_input(g: Gaussian, x: Fraction, y: Fraction) -> None:
    kernel, _ = g.conditional([1])
    try:
        state, _ = g.at([x]).given([1], [y])
    except ZeroProbabilityError:
        return
    assert kernel.at([x, y]).equals(state)


@given(kernels(2, 2), kernels(2, 1), kernels(1, 2))
def test_composition_is_associative(f: Gaussian, g: Gaussian, h: Gaussian) -> None:
    assert f.then(g).then(h).equals(f.then(g.then(h)))


@given(kernels(0, 3))
def test_chain_rule(g: Gaussian) -> None:
    """A joint is its marginal and its conditional."""
    kernel, _ = g.conditional([0])
    first = g.marginal([0])
    again = first.then(Gaussian.wires([0, 0], 1, True)).then(Gaussian.wires([0], 1, True).tensor(kernel))

    assert again.equals(g)


@given(kernels(0, 4))
def test_sweeping_is_regression(g: Gaussian) -> None:
    c = g.covariance.astype(float)
    found = sweep(g.covariance, [2, 0])
    for k in (2, 0):
        assert (k in found.pivots) != (k in found.determined)
    at = found.pivots
    if at:
        inner = np.linalg.inv(c[np.ix_(at, at)])
        assert np.allclose(found.matrix[np.ix_(at, at)].astype(float), -inner)
        assert math.isclose(float(found.volume), np.linalg.det(c[np.ix_(at, at)]), rel_tol=1e-9)


def test_shapes_are_checked() -> None:
    with pytest.raises(CutwireError) as caught:
        Gaussian.of([[1]], [0], [[1, 2]])
    assert caught.value.diagnostic.code == "T022"


# ---- the category ----------------------------------------------------------------------------------------------------


@given(mixed_diagrams())
@settings(deadline=None, max_examples=150)
def test_contracting_is_folding(made: tuple[Diagram, Gauss]) -> None:
    """Going through what real wires hear gives what composing box by box gives."""
    d, gauss = made
    assert same(interpret(d, gauss), fold(d, gauss))


@given(mixed_diagrams(), st.data())
@settings(deadline=None, max_examples=60)
def test_interpretation_is_a_functor(made: tuple[Diagram, Gauss], data: st.DataObject) -> None:
    """The meaning of a composite is the composite of the meanings."""
    d, gauss = made
    after = box(Box("g", d.cod, (Z,)))
    n = len(d.cod) - len(finite(d.cod))
    cases = [
        tuple(int(b) for b in f"{k:0{len(finite(d.cod))}b}") if finite(d.cod) else ()
        for k in range(2 ** len(finite(d.cod)))
    ]
    g = LinearBox(d.cod, Z, {c: data.draw(kernels(n, 1)) for c in cases})
    whole = Gauss(gauss.tables, {**gauss.linear, "g": g}, True)

    assert same(whole.contract(d >> after), whole.then(whole.contract(d), whole.contract(after)))
    assert same(whole.contract(tensor(d, d)), whole.tensor(whole.contract(d), whole.contract(d)))
    assert same(whole.contract(d >> discard(d.cod)), whole.discard(d.dom))


def sharp(g: Gaussian) -> Gauss:
    return Gauss({}, {"f": LinearBox((X,), Y, {(): g})}, exact=True)


@given(WHOLE, WHOLE, st.sampled_from((Fraction(0), Fraction(1))))
def test_copying_is_natural_for_sharp_boxes_alone(a: Fraction, b: Fraction, variance: Fraction) -> None:
    """Fritz 2020, Definition 10.1: a kernel commutes with copying if and only if it has no noise."""
    gauss = sharp(Gaussian.of([[a]], [b], [[variance]]))
    f = box(Box("f", (X,), (Y,)))
    left, right = gauss.contract(f >> copy((Y,))), gauss.contract(copy((X,)) >> tensor(f, f))

    assert same(left, right) == (variance == 0)


def test_a_sharp_state_and_no_uniform_one() -> None:
    gauss = Gauss({}, {}, exact=True)
    assert gauss.contract(point(X, "2.5")).state[0].gaussian.offset.tolist() == [Fraction(5, 2)]
    with pytest.raises(QueryError) as caught:
        gauss.uniform(X)
    assert caught.value.diagnostic.code == "G002"
    assert Gauss({}, {}, True, frozenset("X")).uniform(X).state[0].gaussian.offset.tolist() == [0]


# ---- surgery ---------------------------------------------------------------------------------------------------------


def chain() -> tuple[CausalModel, Gauss]:
    """`S -> X -> Y`, `S -> Y`."""
    boxes = [Box("s", (), (S,)), Box("x", (S,), (X,)), Box("y", (X, S), (Y,))]
    model = CausalModel.from_boxes((S, X, Y), boxes)
    half = Fraction(1, 2)
    linear = {
        "x": LinearBox((S,), X, {(0,): Gaussian.of([[]], [0], [[1]]), (1,): Gaussian.of([[]], [2], [[half]])}),
        "y": LinearBox((X, S), Y, {(0,): Gaussian.of([[3]], [1], [[1]]), (1,): Gaussian.of([[-1]], [0], [[2]])}),
    }
    return model, Gauss({"s": Kernel((), (S,), [half, half])}, linear, exact=True)


@pytest.mark.parametrize(
    "surgery", [Do("X", "1.5"), Do("S", "yes"), Cut("S"), DoWire("X", "Y", "2"), CutWire("S", "Y")]
)
def test_surgery_commutes_with_interpretation(surgery: Do | Cut | DoWire | CutWire) -> None:
    """Operating on the syntax and interpreting is interpreting with the box exchanged."""
    model, gauss = chain()
    operated = gauss.contract(operate(model, surgery).diagram)
    functor = functor_of(surgery, model)
    by_hand = _interpreted(model.diagram, gauss, functor)

    assert same(operated, by_hand)


def _interpreted(d: Diagram, gauss: Gauss, functor: object) -> MixedKernel:
    """The diagram folded with the images of boxes as meanings."""

    class Operated(Gauss):
        def box(self, b: Box) -> MixedKernel:
            image = functor(box(b))  # type: ignore[operator]
            return fold(image, gauss)

    return fold(d, Operated(gauss.tables, gauss.linear, True))


def test_setting_is_plugging_a_point_into_the_open_model() -> None:
    model, gauss = chain()
    opened = model.opened(["X"]).state(("S", "Y"), ("X",))
    plugged = compose(point(X, "2"), opened)

    assert same(gauss.contract(plugged), gauss.contract(operate(model, Do("X", "2")).state(("S", "Y"))))
