"""The laws of a functor out of the free Markov category, stated once and run for any semantics.

An interpretation is a functor that keeps copying, discarding and swapping (Jacobs, Kissinger, Zanasi 2019, section 4).
Its target has to be a Markov category: symmetric monoidal, with commutative comonoids, in which discarding is natural
and copying is natural for deterministic maps (Fritz 2020, definitions 2.1 and 10.1). A law is tried on instances:
pieces of given diagrams, and random diagrams of their boxes.

>>> from fractions import Fraction
>>> from semantics.kernel import Kernel
>>> from semantics.stochastic import Stochastic
>>> from strings.diagram import box
>>> from strings.signature import Object
>>> A = Object("A", ("0", "1"))
>>> coin = Box("coin", (), (A,))
>>> stoch = Stochastic({"coin": Kernel((), (A,), [Fraction(1, 4), Fraction(3, 4)])}, exact=True)
>>> all(outcome.holds for outcome in run_laws(functor_laws(stoch, [box(coin)])))
True
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from semantics.category import NetworkSemantics, Semantics, fold, interpret
from semantics.kernel import Table
from semantics.pieces import box_list, fold_work, halves, random_diagram, window
from strings.diagnostic import LimitError
from strings.diagram import Diagram, box, compose, copy, discard, identity, swap, tensor, uniform
from strings.signature import Box, Ty, show_type

M = TypeVar("M")


@dataclass(frozen=True)
class Law:
    """A law: its name, what it says, and the equation."""

    name: str
    words: str
    equation: str


@dataclass(frozen=True)
class Instance:
    """One case of a law. `check` tells whether it holds at these arguments, or `None` if there is nothing to compare;
    `said` is the case for people."""

    law: Law
    said: str
    check: Callable[..., bool | None]
    at: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A law and how it went: on how many instances it was tried, and the first one where it fails."""

    law: Law
    instances: int
    failure: str = ""

    @property
    def holds(self) -> bool:
        return not self.failure


IDENTITY = Law("identity", "wires straight through mean that nothing happens", "F(id) = id")
COMPOSITION = Law(
    "composition", "the meaning of one after the other is one meaning after the other", "F(f ; g) = F(f) ; F(g)"
)
PARALLEL = Law("side by side", "side by side means the meanings side by side", "F(f * g) = F(f) * F(g)")
COPY = Law("copy", "copying means copying", "F(copy) = copy")
DISCARD = Law("discard", "discarding means discarding", "F(discard) = discard")
SWAP = Law("swap", "crossing wires means exchanging", "F(swap) = swap")
UNIFORM = Law("uniform", "the uniform state means the uniform state", "F(uniform) = uniform")
CONTRACTION = Law("contraction", "the whole network at once means what box by box means", "contract(d) = fold(d)")
DISCARDING = Law(
    "discarding is natural", "to discard what a box makes is to discard what it hears", "F(f) ; discard = discard"
)
COPYING = Law(
    "copying is natural", "a deterministic box may be copied before or after", "F(f) ; copy = copy ; F(f) * F(f)"
)
COMONOID = Law(
    "copies are alike", "copies may be exchanged, copied again, or thrown away", "copy ; discard * id = id, and so on"
)
MONOIDAL = Law(
    "wires are free", "boxes side by side do not mind each other, nor crossings", "(f ; g) * (h ; k) = f * h ; g * k"
)

FUNCTOR_LAWS = (
    IDENTITY, COMPOSITION, PARALLEL, COPY, DISCARD, SWAP, UNIFORM, CONTRACTION, DISCARDING, COPYING, COMONOID, MONOIDAL,
)  # fmt: skip

_TRIED = 8  # instances of a law, about
_MOST_WORK = 200_000  # multiplications of one fold


def functor_laws(
    semantics: Semantics[M],
    diagrams: Iterable[Diagram],
    equal: Callable[[M, M], bool] | None = None,
    seed: int = 0,
    most_work: int = _MOST_WORK,
) -> Iterator[Instance]:
    """Instances of the functor laws for a semantics that knows the boxes of some diagrams.

    `equal` compares two meanings (`==` unless given). Where the matrices that a fold makes would take more than
    `most_work` multiplications, smaller pieces of the diagrams are taken.
    """
    case = _Cases(semantics, tuple(diagrams), equal or same, seed, most_work)
    yield from case.structure()
    yield from case.functoriality()
    yield from case.boxes()
    yield from case.target()


def same(left: Any, right: Any) -> bool:
    """Whether two meanings are equal; tables of floats up to 1e-9."""
    if isinstance(left, Table) and isinstance(right, Table):
        if (left.dom, left.cod) != (right.dom, right.cod):
            return False
        if left.array.dtype == right.array.dtype == np.float64:
            return bool(np.allclose(left.array, right.array, atol=1e-9, rtol=0))
        return bool(np.array_equal(left.array, right.array))
    return bool(left == right)


def run_laws(instances: Iterable[Instance], on_progress: Callable[[int, int], None] | None = None) -> list[Outcome]:
    """Try all instances; of each law the outcome, in order of appearance. What raises an exception does not hold.
    Where nothing is compared, nothing is counted: a law without any instance has no outcome.

    Raises:
        LimitError: if a limit of time or memory is hit.
    """
    waiting = list(instances)
    counted: dict[Law, int] = {}
    failed: dict[Law, str] = {}
    for done, instance in enumerate(waiting):
        problem = "" if instance.law in failed else _problem(instance)
        if problem is not None:
            counted[instance.law] = counted.get(instance.law, 0) + 1
        if problem:
            failed[instance.law] = problem
        if on_progress is not None:
            on_progress(done + 1, len(waiting))
    return [Outcome(law, count, failed.get(law, "")) for law, count in counted.items()]


def _problem(instance: Instance) -> str | None:
    """Empty if an instance holds; else the instance, and what was raised. `None` if nothing was compared."""
    try:
        found = instance.check(*instance.at)
        return None if found is None else "" if found else instance.said
    except LimitError:
        raise
    except Exception as e:  # a user's own semantics may raise anything
        return f"{instance.said}\nraised {type(e).__name__}: {e}"


@dataclass(frozen=True)
class _Cases:
    """Makes instances. Each is worked out only when it is checked."""

    semantics: Semantics[Any]
    diagrams: tuple[Diagram, ...]
    equal: Callable[[Any, Any], bool]
    seed: int
    most_work: int

    def _rng(self, purpose: str) -> random.Random:
        return random.Random(f"{self.seed} {purpose}")

    def structure(self) -> Iterator[Instance]:
        """Identities, copies, discards, swaps and uniform states go to those of the target."""
        s = self.semantics
        for ty in self._types():
            said = f"on {show_type(ty)}"
            yield self._same(IDENTITY, said, lambda ty: (interpret(identity(ty), s), s.identity(ty)), ty)
            yield self._same(COPY, said, lambda ty: (interpret(copy(ty), s), s.copy(ty)), ty)
            yield self._same(DISCARD, said, lambda ty: (interpret(discard(ty), s), s.discard(ty)), ty)
            at = len(ty) // 2
            left, right = ty[:at], ty[at:]
            yield self._same(
                SWAP,
                f"of {show_type(left)} and {show_type(right)}",
                lambda left, right: (interpret(swap(left, right), s), s.swap(left, right)),
                left,
                right,
            )
        for x in dict.fromkeys(x for ty in self._types() for x in ty if x.values is not None):
            yield self._same(UNIFORM, f"on {x}", lambda x: (interpret(uniform((x,)), s), s.uniform(x)), x)

    def functoriality(self) -> Iterator[Instance]:
        """Composition and tensor go to those of the target, and the two ways to interpret agree."""
        s = self.semantics
        for f, g in self._composites:
            yield self._same(
                COMPOSITION,
                f"f = {f}\ng = {g}",
                lambda f, g: (interpret(compose(f, g), s), s.then(interpret(f, s), interpret(g, s))),
                f,
                g,
            )
        for f, g in self._pairs:
            yield self._same(
                PARALLEL,
                f"f = {f}\ng = {g}",
                lambda f, g: (interpret(tensor(f, g), s), s.tensor(interpret(f, s), interpret(g, s))),
                f,
                g,
            )
        if isinstance(s, NetworkSemantics):
            for d in self._pieces:
                yield self._same(CONTRACTION, f"d = {d}", lambda d: (s.contract(d), fold(d, s)), d)

    def boxes(self) -> Iterator[Instance]:
        """Discarding is natural, and copying is for deterministic boxes."""
        s = self.semantics
        boxes = [b for b in box_list(self.diagrams) if self._fits(box(b))]
        for b in self._some(boxes, 2 * _TRIED):
            yield self._same(
                DISCARDING,
                f"f is the box {b}",
                lambda b: (s.then(interpret(box(b), s), s.discard(b.cod)), s.discard(b.dom)),
                b,
            )
        sharp = [b for b in boxes if b.deterministic and self._fits(tensor(box(b), box(b)))]
        for b in self._some(sharp, _TRIED):
            yield self._same(COPYING, f"f is the deterministic box {b}", self._copied, b)

    def _copied(self, b: Box) -> tuple[Any, Any]:
        s, f = self.semantics, interpret(box(b), self.semantics)
        return s.then(f, s.copy(b.cod)), s.then(s.copy(b.dom), s.tensor(f, f))

    def target(self) -> Iterator[Instance]:
        """The target is symmetric monoidal, and its copies are commutative comonoids."""
        for ty in self._types(most=1):
            said = f"on {show_type(ty)}"

            yield self._same(COMONOID, f"copy ; discard * id = id, {said}", self._counit, ty)
            yield self._same(COMONOID, f"copy ; swap = copy, {said}", self._commutative, ty)
            yield self._same(COMONOID, f"copy ; copy * id = copy ; id * copy, {said}", self._associative, ty)
        pairs = self._composites
        for (f, g), (h, k) in self._some(list(itertools.pairwise(pairs)), _TRIED):
            if self._fits(tensor(compose(f, g), compose(h, k)), tensor(f, h), tensor(g, k)):
                said = f"f = {f}\ng = {g}\nh = {h}\nk = {k}"
                yield self._same(MONOIDAL, said, self._interchange, f, g, h, k)
        for f, g in self._pairs:
            said = f"f * g ; swap = swap ; g * f, f = {f}\ng = {g}"
            yield self._same(MONOIDAL, said, self._crossed, f, g)
            said = f"id ; f = f = f ; id, f = {f}"
            yield self._same(MONOIDAL, said, self._unit, f)

    def _counit(self, ty: Ty) -> tuple[Any, Any]:
        s = self.semantics
        return s.then(s.copy(ty), s.tensor(s.discard(ty), s.identity(ty))), s.identity(ty)

    def _commutative(self, ty: Ty) -> tuple[Any, Any]:
        s = self.semantics
        return s.then(s.copy(ty), s.swap(ty, ty)), s.copy(ty)

    def _associative(self, ty: Ty) -> tuple[Any, Any]:
        s = self.semantics
        left = s.then(s.copy(ty), s.tensor(s.copy(ty), s.identity(ty)))
        return left, s.then(s.copy(ty), s.tensor(s.identity(ty), s.copy(ty)))

    def _interchange(self, *diagrams: Diagram) -> tuple[Any, Any]:
        s = self.semantics
        f, g, h, k = (interpret(d, s) for d in diagrams)
        return s.tensor(s.then(f, g), s.then(h, k)), s.then(s.tensor(f, h), s.tensor(g, k))

    def _crossed(self, f: Diagram, g: Diagram) -> tuple[Any, Any]:
        s, one, other = self.semantics, interpret(f, self.semantics), interpret(g, self.semantics)
        left = s.then(s.tensor(one, other), s.swap(f.cod, g.cod))
        return left, s.then(s.swap(f.dom, g.dom), s.tensor(other, one))

    def _unit(self, f: Diagram) -> tuple[Any, Any]:
        s, one = self.semantics, interpret(f, self.semantics)
        return s.then(s.identity(f.dom), s.tensor(one, s.identity(()))), s.then(one, s.identity(f.cod))

    def _same(self, law: Law, said: str, sides: Callable[..., tuple[Any, Any]], *at: Any) -> Instance:
        return Instance(law, said, lambda *at: bool(self.equal(*sides(*at))), at)

    def _fits(self, *diagrams: Diagram) -> bool:
        return all(fold_work(d) <= self.most_work for d in diagrams)

    def _types(self, most: int = 2) -> list[Ty]:
        """Types that occur in the diagrams: the unit, single objects, and some products."""
        objects = list(dict.fromkeys(x for d in self.diagrams for x in d.wires))
        rng = self._rng("types")
        chosen = rng.sample(objects, min(len(objects), _TRIED))
        types: list[Ty] = [(), *((x,) for x in chosen)]
        if most > 1 and objects:
            types += [(rng.choice(objects), rng.choice(objects)) for _ in range(_TRIED // 2)]
        return [ty for ty in types if self._fits(tensor(identity(ty), copy(ty)))]

    def _some(self, items: Sequence[Any], count: int) -> list[Any]:
        return list(items) if len(items) <= count else self._rng("some").sample(list(items), count)

    @cached_property
    def _pieces(self) -> list[Diagram]:
        """The diagrams themselves where they are small, windows of them, and random diagrams of their boxes."""
        rng, found = self._rng("pieces"), []
        for d in self.diagrams:
            found.append(d)
            found += [
                window(d, k, k + rng.randint(1, 4)) for k in rng.sample(range(len(d.nodes)), min(len(d.nodes), 3))
            ]
        boxes = box_list(self.diagrams)
        objects = list(dict.fromkeys(x for d in self.diagrams for x in d.wires))
        found += [random_diagram(boxes, objects, rng) for _ in range(_TRIED)]
        fitting = [d for d in dict.fromkeys(found) if self._fits(d)]
        return fitting if len(fitting) <= 2 * _TRIED else rng.sample(fitting, 2 * _TRIED)

    @cached_property
    def _composites(self) -> list[tuple[Diagram, Diagram]]:
        """Pieces cut in two, each at random places."""
        rng, found = self._rng("composites"), []
        for d in self._pieces:
            for at in rng.sample(range(len(d.nodes) + 1), min(len(d.nodes) + 1, 2)):
                f, g = halves(d, at)
                if self._fits(f, g):
                    found.append((f, g))
        return found if len(found) <= 2 * _TRIED else rng.sample(found, 2 * _TRIED)

    @cached_property
    def _pairs(self) -> list[tuple[Diagram, Diagram]]:
        """Pairs of pieces that are small side by side."""
        pieces = sorted(self._pieces, key=fold_work)
        pairs = [(f, g) for f, g in itertools.product(pieces[: 2 * _TRIED], repeat=2) if self._fits(tensor(f, g))]
        return self._rng("pairs").sample(pairs, min(len(pairs), _TRIED))
