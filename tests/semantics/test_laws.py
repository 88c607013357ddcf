"""The functor laws hold of Cutwire's own semantics, and each law catches a semantics that breaks it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics import laws
from semantics.arithmetic import Fractions
from semantics.category import fold
from semantics.kernel import Table
from semantics.laws import FUNCTOR_LAWS, Law, functor_laws, run_laws
from semantics.matrices import Matrices
from semantics.pieces import box_list, fold_work, halves, random_diagram, window
from semantics.strategies import diagrams
from strings.diagram import Builder, Diagram, compose
from strings.signature import Box, Object, Ty
from tests.semantics.brute import random_kernel

A, B, C = Object("A", ("0", "1")), Object("B", ("0", "1", "2")), Object("C", ("0", "1"))
BOXES = (
    Box("a", (), (A,)),
    Box("b", (A,), (B,)),
    Box("c", (A, B), (C,)),
    Box("d", (C,), (A,), deterministic=True),
)


def diagram() -> Diagram:
    builder = Builder(())
    (a,) = builder.apply(BOXES[0], ())
    (b,) = builder.apply(BOXES[1], (a,))
    (c,) = builder.apply(BOXES[2], (a, b))
    (d,) = builder.apply(BOXES[3], (c,))
    return builder.freeze((a, b, c, d))


def tables() -> dict[str, Table]:
    rnd = random.Random(5)
    return {b.name: random_kernel(b, rnd) for b in BOXES}


def good() -> Matrices:
    return Matrices(tables(), Fractions())


def test_every_law_is_tried_and_holds() -> None:
    found = run_laws(functor_laws(good(), [diagram()]))
    assert {o.law for o in found} == set(FUNCTOR_LAWS)
    assert all(o.holds and o.instances for o in found)


class NoisyIdentity(Matrices):
    def identity(self, ty: Ty) -> Table:
        found = super().identity(ty)
        return self.then(found, self._mixed(ty)) if ty else found

    def _mixed(self, ty: Ty) -> Table:
        n = super().discard(ty).array.size
        return self._made(ty, ty, np.full((n, n), Fraction(1, n), dtype=object))


class IndependentCopies(Matrices):
    def copy(self, ty: Ty) -> Table:
        found = super().copy(ty)
        if not ty:
            return found
        noise = super().discard(ty)
        for x in ty:
            noise = self.then(noise, self.tensor(self.uniform(x), self.identity(())))
        forget = super().discard(ty)
        fresh = super().identity(())
        for x in ty:
            fresh = self.tensor(fresh, self.uniform(x))
        second = self.then(forget, fresh)
        return self.then(found, self.tensor(self.identity(ty), second))


class LostMass(Matrices):
    def discard(self, ty: Ty) -> Table:
        found = super().discard(ty)
        return self._made(ty, (), found.array * Fraction(1, 2)) if ty else found


class NoSwap(Matrices):
    def swap(self, left: Ty, right: Ty) -> Table:
        found = super().swap(left, right)
        return self._made(found.dom, found.cod, super().identity((*left, *right)).array)


class SharpUniform(Matrices):
    def uniform(self, x: Object) -> Table:
        found = np.array([Fraction(int(k == 0)) for k in range(len(x.values or ()))], dtype=object)
        return self._made((), (x,), found)

    def contract(self, diagram: Diagram) -> Table:
        return Matrices(self.tables, self.arithmetic).contract(diagram)


def sharpened(g: Table) -> Table:
    """What is likely is made more likely; functions stay as they are."""
    n = int(np.prod([len(x.values or ()) for x in g.dom], dtype=int))
    squared = g.array.reshape(n, -1) ** 2
    return Table(g.dom, g.cod, (squared / squared.sum(axis=1, keepdims=True)).reshape(g.array.shape))


class Hasty(Matrices):
    def then(self, f: Table, g: Table) -> Table:
        return super().then(f, sharpened(g))


class Sharpened(Matrices):
    def tensor(self, f: Table, g: Table) -> Table:
        return super().tensor(f, sharpened(g))


class OtherNetwork(Matrices):
    def contract(self, diagram: Diagram) -> Table:
        return Matrices({**self.tables, "b": replaced(self.tables["b"])}, self.arithmetic).contract(diagram)


class Leaky(Matrices):
    def box(self, b: Box) -> Table:
        found = super().box(b)
        return self._made(found.dom, found.cod, found.array * Fraction(1, 2))

    contract = None  # type: ignore[assignment]


def replaced(table: Table) -> Table:
    return Table(table.dom, table.cod, np.flip(table.array, axis=-1))


def unsharp() -> Matrices:
    half = np.full((2, 2), Fraction(1, 2), dtype=object)
    return Matrices({**tables(), "d": Table((C,), (A,), half)}, Fractions())


def of(cls: type[Matrices]) -> Callable[[], Any]:
    return lambda: cls(tables(), Fractions())


class Folded:
    """A semantics without `contract`: it is interpreted box by box."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        if name == "contract":
            raise AttributeError(name)
        return getattr(self.inner, name)


BROKEN: dict[Law, Callable[[], Any]] = {
    laws.IDENTITY: of(NoisyIdentity),
    laws.COPY: of(IndependentCopies),
    laws.DISCARD: of(LostMass),
    laws.SWAP: of(NoSwap),
    laws.UNIFORM: of(SharpUniform),
    laws.COMPOSITION: of(Hasty),
    laws.PARALLEL: of(Sharpened),
    laws.CONTRACTION: of(OtherNetwork),
    laws.DISCARDING: lambda: Folded(of(Leaky)()),
    laws.COPYING: unsharp,
    laws.COMONOID: of(IndependentCopies),
    laws.MONOIDAL: of(NoSwap),
}


@pytest.mark.parametrize("law", FUNCTOR_LAWS, ids=lambda law: law.name)
def test_each_law_catches_what_breaks_it(law: Law) -> None:
    """And shows an instance."""
    found = {o.law: o for o in run_laws(functor_laws(BROKEN[law](), [diagram()]))}
    assert not found[law].holds
    assert found[law].failure


def test_each_law_is_needed() -> None:
    """Some laws fail alone: a wrong uniform state, a wrong contraction and a box that is not sharp are seen by one."""
    for law, alone in ((laws.COPYING, {laws.COPYING}), (laws.UNIFORM, {laws.UNIFORM})):
        failed = {o.law for o in run_laws(functor_laws(BROKEN[law](), [diagram()])) if not o.holds}
        assert failed == alone


def test_what_raises_does_not_hold() -> None:
    class Raising(Matrices):
        def swap(self, left: Ty, right: Ty) -> Table:
            raise KeyError("no swap here")

    found = {o.law: o for o in run_laws(functor_laws(Raising(tables(), Fractions()), [diagram()]))}
    assert "raised KeyError" in found[laws.SWAP].failure
    assert found[laws.IDENTITY].holds


@settings(max_examples=100, deadline=None)
@given(diagrams(), st.integers(0, 10))
def test_halves_compose_to_the_whole(d: Diagram, at: int) -> None:
    at = min(at, len(d.nodes))
    f, g = halves(d, at)
    assert compose(f, g) == d
    assert len(f.nodes) <= at or any(n.box.deterministic for n in d.nodes)
    piece = window(d, at, at + 2)
    assert len(piece.nodes) <= 2


def test_random_diagrams_use_all_there_is() -> None:
    rng = random.Random(0)
    found = [random_diagram(BOXES, (A, B, C), rng) for _ in range(300)]
    assert {b.name for d in found for b in box_list([d])} == {b.name for b in BOXES}
    assert any(len(set(d.outs)) < len(d.outs) for d in found)
    assert [random_diagram(BOXES, (A, B, C), random.Random(7)) for _ in range(2)].count(
        random_diagram(BOXES, (A, B, C), random.Random(7))
    ) == 2


def test_work_bounds_what_a_fold_makes() -> None:
    """The estimate is no less than the largest product that folding makes."""
    most = 0

    class Counting(Matrices):
        def then(self, f: Table, g: Table) -> Table:
            nonlocal most
            n, m, k = (int(np.prod([len(x.values or ()) for x in ty], dtype=int)) for ty in (f.dom, f.cod, g.cod))
            most = max(most, n * m * k)
            return super().then(f, g)

    fold(diagram(), Counting(tables(), Fractions()))
    assert 0 < most <= fold_work(diagram())
    assert fold_work(replace(diagram(), outs=(0,))) < fold_work(diagram())
