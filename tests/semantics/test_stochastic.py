"""The interpretation of diagrams in Stoch is a functor, and contraction agrees with folding box by box."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.answer import joint
from semantics.category import fold, interpret
from semantics.kernel import Kernel
from semantics.stochastic import Stochastic
from semantics.strategies import diagrams, models, types
from strings.diagram import Diagram, box, compose, copy, discard, identity, swap, tensor, uniform
from strings.model import CausalModel
from strings.signature import Box, Object
from strings.surgery import Cut, operate
from tests.semantics.brute import in_floats, random_kernel, random_tables


def target(seed: int, *shapes: Diagram) -> Stochastic:
    """Exact Stoch with random tables for the boxes of some diagrams; equal boxes get equal tables."""
    rnd = random.Random(seed)
    boxes = {n.box.name: n.box for d in shapes for n in d.nodes if n.box.kind == "box"}
    return Stochastic({name: random_kernel(b, rnd) for name, b in sorted(boxes.items())}, exact=True)


@settings(max_examples=150, deadline=None)
@given(diagrams(), st.integers(0, 1000))
def test_contraction_equals_folding(d: Diagram, seed: int) -> None:
    """Contracting the whole network gives the kernel that composing box by box gives; floats agree to 1e-12."""
    stoch = target(seed, d)
    whole = interpret(d, stoch)
    assert whole == fold(d, stoch)
    floats = interpret(d, Stochastic(in_floats(stoch.tables)))
    np.testing.assert_allclose(floats.array, whole.array.astype(float), atol=1e-12, rtol=0)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(0, 1000))
def test_composition_and_tensor_are_preserved(data: st.DataObject, seed: int) -> None:
    """[f ; g] = [f] ; [g] and [f * g] = [f] * [g]."""
    middle = data.draw(types(max_size=2))
    f, g = data.draw(diagrams(cod=middle, max_boxes=3)), data.draw(diagrams(dom=middle, max_boxes=3))
    stoch = target(seed, f, g)
    assert interpret(compose(f, g), stoch) == stoch.then(interpret(f, stoch), interpret(g, stoch))
    assert interpret(tensor(f, g), stoch) == stoch.tensor(interpret(f, stoch), interpret(g, stoch))


@settings(max_examples=30, deadline=None)
@given(types(max_size=2), types(max_size=2))
def test_structure_is_preserved(left: tuple, right: tuple) -> None:  # type: ignore[type-arg]
    """Identities, copies, discards, swaps and uniform states go to those of Stoch."""
    stoch = Stochastic({}, exact=True)
    assert interpret(identity(left), stoch) == stoch.identity(left)
    assert interpret(copy(left), stoch) == stoch.copy(left)
    assert interpret(discard(left), stoch) == stoch.discard(left)
    assert interpret(swap(left, right), stoch) == stoch.swap(left, right)
    both = stoch.identity(())
    for x in left:
        both = stoch.tensor(both, stoch.uniform(x))
    assert interpret(uniform(left), stoch) == both


@settings(max_examples=60, deadline=None)
@given(models(max_size=4, max_latents=1), st.data(), st.integers(0, 1000))
def test_surgery_is_truncated_factorisation(model: CausalModel, data: st.DataObject, seed: int) -> None:
    """Cutting x and interpreting is: divide the joint of all variables by P(x | parents), times uniform."""
    tables = random_tables(model, random.Random(seed))
    tables = {n: Kernel(k.dom, k.cod, _positive(k)) for n, k in tables.items()}
    x = data.draw(st.sampled_from(model.names))
    before = joint(model, tables, model.names, exact=True)
    after = joint(operate(model, Cut(x)), tables, model.names, exact=True)
    mechanism = tables[model.mechanisms[x].diagram.nodes[0].box.name].array
    axes = [model.names.index(n) for n in (*model.mechanisms[x].parents, x)]
    order = np.argsort(axes)
    shape = [n if k in axes else 1 for k, n in enumerate(before.array.shape)]
    factor = np.transpose(mechanism, order).reshape(shape)
    assert np.array_equal(after.array, before.array / factor / len(model.object(x).values or ()))


def _positive(k: Kernel) -> np.ndarray:  # type: ignore[type-arg]
    """A table without zeros near that of a kernel."""
    columns = k.array.reshape(-1, k.array.shape[-1]) + 1
    return np.asarray(columns / columns.sum(axis=1, keepdims=True)).reshape(k.array.shape)


@settings(max_examples=40, deadline=None)
@given(diagrams(max_boxes=4), st.integers(0, 1000))
def test_a_diagram_may_be_closed_up(d: Diagram, seed: int) -> None:
    """A diagram closed up as one box means the same, if that box is given its interpretation."""
    stoch = target(seed, d)
    closed = d.as_box("closed")
    with_box = Stochastic({**stoch.tables, "closed": interpret(d, stoch)}, exact=True)
    assert interpret(box(closed), with_box) == interpret(d, stoch)


def test_kernels_of_tiny_numbers() -> None:
    """A diagram whose numbers float64 cannot hold together still has its kernel."""
    A, B = Object("A", ("0", "1")), Object("B", ("0", "1"))
    rare = Box("rare", (A,), (A,))
    last = Box("last", (A,), (B,))
    tables = {
        "rare": Kernel((A,), (A,), [[1.0, 1e-200], [0.0, 1.0]]),
        "last": Kernel((A,), (B,), [[1.0, 0.0], [1e-200, 1.0]]),
    }
    chain = compose(box(rare), box(last))
    found = interpret(chain, Stochastic(tables))
    np.testing.assert_allclose(found.array, [[1.0, 1e-200], [1e-200, 1.0]], rtol=1e-12)
