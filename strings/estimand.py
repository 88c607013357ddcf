"""Estimands: what an intervention does, as a diagram whose boxes are conditionals of distributions that are given.

The recipe of Jacobs, Kissinger and Zanasi (2019, sections 7 and 8) with one comb per district: factor the given
distribution into combs, cut the wires that leave them at the treated variables, refill. `strings.identify` says which
districts and how; here their kernels become boxes. The kernel of a district of a given distribution is a chain of
conditionals `P(v | what the district knows before v)` (Tian, Pearl 2002, lemma 4). A member of the district that is not
wanted stays inside as a hidden copy, with a prime, and is summed there. Where a kernel has to be factored again, its
conditionals are boxes too: `Q(v | …)`, a conditional of a distribution that is itself a diagram of such boxes.

So an estimand is a causal model again, and the original question, surgeries and all, is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from strings.graph import Graph, bits
from strings.identify import Route, Source
from strings.model import CausalModel, Mechanism
from strings.query import Query
from strings.signature import Box, Object, Ty, uniform_box
from strings.surgery import CutWire, DoWire


@dataclass(frozen=True, slots=True)
class Given:
    """A distribution that is given: of `variables`, in the model in which `done` have been set, for all their values.

    >>> print(Given(("X", "Y"), ("Z",)))
    P(X, Y | do(Z))
    """

    variables: tuple[str, ...]
    done: tuple[str, ...] = ()

    def __str__(self) -> str:
        behind = f" | do({', '.join(self.done)})" if self.done else ""
        return f"P({', '.join(self.variables)}{behind})"


@dataclass(frozen=True)
class Conditional:
    """A box of an estimand: `P(target | given)` of a distribution, for every value of `fed`.

    `of` is the number of a given distribution, in which `fed` and `idle` have been intervened on, or a distribution
    that is derived from those: an open estimand whose inputs are `fed`. The box takes `fed`, then `given`; it is the
    same whatever `idle` are set to.
    """

    target: Object
    given: Ty
    fed: Ty = ()
    of: int | Estimand = 0
    idle: Ty = ()

    @property
    def name(self) -> str:
        """As one would write it, `Q(v | w; x)` for a conditional of a derived distribution fed with `x`."""
        given, fed = (", ".join(x.name for x in ty) for ty in (self.given, self.fed))
        if isinstance(self.of, int):
            done = ", ".join(x.name for x in (*self.fed, *self.idle))
            behind = ", ".join(filter(None, [f"do({done})" if done else "", given]))
            return f"P({self.target.name}{' | ' + behind if behind else ''})"
        return f"Q({self.target.name}{' | ' + given if given else ''}{'; ' + fed if fed else ''})"

    @property
    def box(self) -> Box:
        """The box, wired to the variables themselves."""
        return Box(self.name, (*self.fed, *self.given), (self.target,))


@dataclass(frozen=True)
class Estimand:
    """A causal model whose boxes are `conditionals`, by box name; what is treated, or fed from outside, is an input.

    `copies` maps every hidden copy to the variable it copies. `free` are variables on whose value nothing depends:
    some distribution has to be put there.
    """

    model: CausalModel
    conditionals: Mapping[str, Conditional]
    copies: Mapping[str, str]
    free: frozenset[str] = frozenset()

    def __hash__(self) -> int:
        return hash(self.model)


def estimand_of(model: CausalModel, query: Query, sources: Sequence[Source], routes: Sequence[Route]) -> Estimand:
    """The estimand that the kernels at the ends of `routes` make up; what `query` sets are its inputs."""
    assembly = _Assembly(model, query, sources)
    for r in routes:
        assembly.place(r)
    return assembly.finish()


@dataclass(frozen=True)
class _Part:
    """One conditional and the vertices that its box reads, in the order of its ports."""

    conditional: Conditional
    reads: tuple[int, ...]


class _Assembly:
    """Puts the kernels of the districts together into one causal model."""

    def __init__(self, model: CausalModel, query: Query, sources: Sequence[Source]) -> None:
        self._model, self._sources = model, sources
        self._mechanisms: dict[str, tuple[Conditional, tuple[str, ...]]] = {}
        self._copies: dict[str, str] = {}
        self._inputs = list(dict.fromkeys(s.variable for s in query.surgeries if not isinstance(s, CutWire | DoWire)))

    def place(self, r: Route) -> None:
        """Put in the conditionals of one district; what else they need of an outer district becomes hidden copies."""
        kernels = _Kernels(self._model, self._sources[r.source], r)
        names = kernels.graph.names
        known = {v: names[v] for v in bits(r.district)}
        parts = kernels.last()
        waiting = list(known)
        while waiting:
            v = waiting.pop(0)
            part = parts[v]
            for u in part.reads:
                if u not in known:
                    known[u] = self._copy(names[u]) if u in parts else names[u]
                    if u in parts:
                        waiting.append(u)
            self._mechanisms[known[v]] = part.conditional, tuple(known[u] for u in part.reads)

    def _copy(self, variable: str) -> str:
        name = variable + "'"
        while name in self._copies or name in self._model.names:
            name += "'"
        self._copies[name] = variable
        return name

    def finish(self) -> Estimand:
        """The model. What is read but neither made nor treated may be anything: it gets its own distribution, or the
        uniform one if it is set in the experiment that it belongs to."""
        free: dict[str, int | None] = {}
        for conditional, reads in self._mechanisms.values():
            for port, n in enumerate(reads):
                if n not in self._mechanisms and n not in self._inputs:
                    set_ = port < len(conditional.fed) and isinstance(conditional.of, int)
                    free.setdefault(n, None if set_ else self._speaks_of(n))
        boxes = {}
        conditionals: dict[str, Conditional] = {}
        for n, source in free.items():
            x = self._model.object(n)
            if source is None:
                boxes[n] = Mechanism.of_box(uniform_box(x))
            else:
                self._mechanisms[n] = Conditional(x, (), (), source), ()
        made = {*self._mechanisms, *boxes, *self._inputs}
        order = [n for n in self._model.observed if n in made]
        objects = {n: self._model.object(n) for n in order}
        # A copy is an object of its own with the same values, so the conditional is wired to it by position.
        objects |= {c: replace(self._model.object(v), name=c) for c, v in self._copies.items()}
        for name in objects:
            if name in self._mechanisms:
                conditional, reads = self._mechanisms[name]
                label = _label(conditional, conditionals)
                conditionals[label] = conditional
                boxes[name] = Mechanism.of_box(Box(label, tuple(objects[p] for p in reads), (objects[name],)))
        model = CausalModel(tuple(objects.values()), boxes, frozenset(self._copies), "estimand")
        return Estimand(model, conditionals, dict(self._copies), frozenset(free))

    def _speaks_of(self, name: str) -> int | None:
        """The first given distribution that sees a variable, rather than sets it, if there is one without surgery."""
        for k, s in enumerate(self._sources):
            if name in s.graph.names and not s.done:
                return k
        return None


class _Kernels:
    """The conditionals of the kernels along one route."""

    def __init__(self, model: CausalModel, source: Source, r: Route) -> None:
        self._model, self._source, self._route = model, source, r
        self.graph: Graph = source.graph
        self._rank = {v: i for i, v in enumerate(self.graph.order)}

    def last(self) -> dict[int, _Part]:
        """The conditionals that the wanted kernel is made of; those outside of its district are to be summed."""
        levels = self._route.levels
        if len(levels) > 1 and levels[-1].ancestral == levels[-1].district:
            return self._level(len(levels) - 2)
        return self._level(len(levels) - 1)

    def _level(self, k: int) -> dict[int, _Part]:
        """The conditionals of the kernel of the district at level `k`."""
        level = self._route.levels[k]
        outer = self._level(k - 1) if k else None
        return {
            v: self._given(v, level.ancestral) if outer is None else self._derived(v, level.ancestral, outer)
            for v in bits(level.district)
        }

    def _known_before(self, v: int, ancestral: int) -> tuple[int, int]:
        """What the conditional of `v` reads: its district so far and the parents of that, inside and outside."""
        so_far = sum(1 << u for u in bits(ancestral) if self._rank[u] <= self._rank[v])
        near = self.graph.district(v, so_far)
        around = (near | self.graph.parents_of(near)) & ~(1 << v)
        return around & ancestral, around & ~ancestral

    def _given(self, v: int, ancestral: int) -> _Part:
        """A conditional of the given distribution."""
        inside, outside = self._known_before(v, ancestral)
        fed, given = tuple(bits(outside)), tuple(bits(inside))
        idle = self._objects(bits(self._source.done & ~outside))
        objects = self._objects(given), self._objects(fed)
        return _Part(Conditional(self._object(v), *objects, self._route.source, idle), (*fed, *given))

    def _derived(self, v: int, ancestral: int, outer: Mapping[int, _Part]) -> _Part:
        """A conditional of the kernel of `ancestral`, whose own conditionals are among `outer`."""
        inside, _ = self._known_before(v, ancestral)
        own = sum(1 << u for u in outer[v].reads if u in outer)
        if own & ~inside == 0:  # it reads nothing that is summed: the sums cancel
            return outer[v]
        given = tuple(bits(inside))
        parts = _closure([v, *given], outer)
        fed = tuple(sorted({u for p in parts.values() for u in p.reads if u not in outer}))
        inner = self._open(parts, fed, {v, *given})
        conditional = Conditional(self._object(v), self._objects(given), self._objects(fed), inner)
        return _Part(conditional, (*fed, *given))

    def _open(self, parts: Mapping[int, _Part], fed: Sequence[int], shown: set[int]) -> Estimand:
        """A derived distribution: the conditionals `parts` as an open model with the inputs `fed`."""
        everyone = sorted({*parts, *fed}, key=lambda u: self._rank[u])
        conditionals: dict[str, Conditional] = {}
        boxes = {}
        for u in everyone:
            if u in parts:
                label = _label(parts[u].conditional, conditionals)
                conditionals[label] = parts[u].conditional
                box = Box(label, self._objects(parts[u].reads), (self._object(u),))
                boxes[self.graph.names[u]] = Mechanism.of_box(box)
        hidden = frozenset(self.graph.names[u] for u in parts if u not in shown)
        return Estimand(CausalModel(self._objects(everyone), boxes, hidden, "derived"), conditionals, {})

    def _object(self, v: int) -> Object:
        return self._model.object(self.graph.names[v])

    def _objects(self, vertices: Iterable[int]) -> Ty:
        return tuple(self._object(v) for v in vertices)


def _closure(wanted: Iterable[int], parts: Mapping[int, _Part]) -> dict[int, _Part]:
    """The parts that the wanted ones need, themselves included."""
    found: dict[int, _Part] = {}
    stack = list(wanted)
    while stack:
        v = stack.pop()
        if v not in found:
            found[v] = parts[v]
            stack.extend(u for u in parts[v].reads if u in parts)
    return found


def _label(conditional: Conditional, known: Mapping[str, Conditional]) -> str:
    """A box name: the conditional's own, numbered if another conditional has it."""
    name, k = conditional.name, 1
    while name in known and known[name] != conditional:
        k += 1
        name = f"{conditional.name} #{k}"
    return name
