"""Simplifying a multiverse step by step, from a full copy of the model for every world.

The worlds of a question begin as copies of all boxes, which share the exogenous states by copying their wires. Four
rules make them smaller; each keeps the answer, wherever what is seen holds:

- *discard*: what nothing asked or seen depends on is dropped (discarding is natural);
- *merge*: equal boxes that hear equal wires are one (copying is natural for functions of exogenous states);
- *split*: behind a wire that has been seen to be `x`, the sharp state `x` can stand: an observed copy falls apart into
  two (Shpitser and Pearl 2008, lemma 24; consistency);
- *absorb*: a hidden state that only one box hears is noise of its own, and the two are one stochastic box.

Unless what is seen contradicts itself, they end in one normal form whatever their order, that of `strings.worlds` with
its noise absorbed (Jacobs, Kissinger and Zanasi 2021, section 8; Lorenz and Tull 2023).

>>> from strings.query import Term
>>> from strings.signature import Box
>>> from strings.surgery import Do
>>> A, B, U = (Object(n, ("0", "1")) for n in "ABU")
>>> shape = [Box("a", (), (A,)), Box("u", (), (U,)), Box("b", (A, U), (B,), deterministic=True)]
>>> model = CausalModel.from_boxes((A, B, U), shape, latents=["U"])
>>> query = Query((Term("B", world=(Do("A", "1"),)),), (Term("A", ("1",)),))
>>> for step in simplify(twinned(model, query)):
...     print(step)
discard: nothing asked depends on `B`
absorb: only `B[A := 1]` hears `U`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from strings.diagram import Builder, point
from strings.model import CausalModel, Mechanism, retyped
from strings.query import Become, Query, World
from strings.signature import Object
from strings.surgery import operate
from strings.worlds import Multiverse, copies, last_done

Rule = Literal["discard", "split", "merge", "absorb"]
RULES: tuple[Rule, ...] = ("discard", "split", "merge", "absorb")


@dataclass(frozen=True)
class Worlds:
    """Several worlds as one model: which variable every term speaks of, what each is called and in which worlds.

    Variables with equal boxes are different nevertheless if they are different in `own`: something draws there. Those
    in `noisy` have absorbed a hidden state.
    """

    model: CausalModel
    query: Query
    terms: tuple[str, ...]
    home: Mapping[str, tuple[str, tuple[World, ...]]]
    own: Mapping[str, object]
    noisy: frozenset[str] = frozenset()

    @staticmethod
    def of(made: Multiverse, query: Query) -> Worlds:
        """The worlds of a question, as they have been made."""
        home: dict[str, tuple[str, tuple[World, ...]]] = {}
        for (variable, world), name in made.places.items():
            if not isinstance(last_done(variable, world), Become):
                called, others = home.get(name, (variable, ()))
                home[name] = called, (*others, world)
        return Worlds(made.model, query, tuple(made.place(t) for t in (*query.targets, *query.given)), home, made.own)

    @property
    def seen(self) -> dict[str, str]:
        """The wires that are seen to have one value."""
        given = zip(self.terms[len(self.query.targets) :], self.query.given, strict=True)
        return {n: t.values[0] for n, t in given if t.values is not None and len(t.values) == 1 and not t.bounds}

    @property
    def contradictory(self) -> bool:
        """Whether one wire is seen to have two values: then nothing follows, and the rules may end anywhere."""
        given = zip(self.terms[len(self.query.targets) :], self.query.given, strict=True)
        seen = {(n, t.values) for n, t in given if t.values is not None and len(t.values) == 1 and not t.bounds}
        return len({n for n, _ in seen}) < len(seen)

    def rank(self, name: str) -> int:
        """Of two variables that are one, the first stays."""
        return list(self.home).index(name)


@dataclass(frozen=True)
class Step:
    """A rule, what it was applied to, and what came of it."""

    rule: Rule
    at: tuple[str, ...]
    after: Worlds

    def __str__(self) -> str:
        first, *rest = (f"`{n}`" for n in self.at)
        match self.rule:
            case "discard":
                return f"discard: nothing asked depends on {first}"
            case "split":
                return f"split: {first} is seen, so {rest[0]} may be told so"
            case "merge":
                return f"merge: {first} and {rest[0]} come about alike"
            case "absorb":
                return f"absorb: only {rest[0]} hears {first}"


def twinned(model: CausalModel, query: Query) -> Worlds:
    """All worlds of a question, with copies of all boxes but the exogenous states.

    Raises:
        QueryError, CompositionError, LimitError: as `strings.worlds.multiverse`.
    """
    return Worlds.of(copies(operate(model, *query.surgeries), query), query)


def steps(worlds: Worlds, rule: Rule) -> Iterator[Step]:
    """All that one rule can do, each by itself."""
    yield from {"discard": _discard, "split": _split, "merge": _merge, "absorb": _absorb}[rule](worlds)


def simplify(worlds: Worlds, choose: Callable[[Sequence[Step]], Step] | None = None) -> Iterator[Step]:
    """The steps to the normal form: rule by rule, or with `choose` in any order."""
    while True:
        found: list[Step] = []
        for rule in RULES:
            found += steps(worlds, rule)
            if found and choose is None:
                break
        if not found:
            return
        step = choose(found) if choose else found[0]
        worlds = step.after
        yield step


def _discard(worlds: Worlds) -> Iterator[Step]:
    needed = worlds.model.ancestors(worlds.terms)
    for name in reversed(worlds.model.order):
        if name not in needed and not worlds.model.children[name]:
            yield Step("discard", (name,), _without(worlds, name))


def _split(worlds: Worlds) -> Iterator[Step]:
    for name, value in worlds.seen.items():
        told = worlds.model.mechanisms.get(name)
        if told is None or _value_of(told) is not None:
            continue
        variable, _ = worlds.home[name]
        sharp = f"{variable} = {value}"
        for child in worlds.model.children[name]:
            model = worlds.model
            home = dict(worlds.home)
            if not model.has(sharp):
                x = replace(model.object(name), name=sharp)
                state = Mechanism((), point(x, value))
                model = replace(model, variables=(*model.variables, x), mechanisms={**model.mechanisms, sharp: state})
                home[sharp] = variable, ((), *worlds.query.worlds)
            model = _rewired(model, child, {name: sharp})
            yield Step("split", (f"{name} = {value}", child), replace(worlds, model=model, home=home))


def _merge(worlds: Worlds) -> Iterator[Step]:
    model = worlds.model
    sharp = {n: v for n, m in model.mechanisms.items() if (v := _value_of(m)) is not None}
    alike: dict[object, str] = {}
    for name in sorted(model.mechanisms, key=worlds.rank):
        m = model.mechanisms[name]
        variable, _ = worlds.home[name]
        plain = {p: Object(f"port {k}", model.object(p).values) for k, p in enumerate(dict.fromkeys(m.parents))}
        form = retyped(m.diagram, {**plain, name: Object("out", model.object(name).values)})
        heard = tuple((model.object(p).values, sharp[p]) if p in sharp else p for p in m.parents)
        first = alike.setdefault((variable, sharp.get(name, form), heard, worlds.own.get(name)), name)
        if first != name:
            merged = model
            for child in model.children[name]:
                merged = _rewired(merged, child, {name: first})
            terms = tuple(first if t == name else t for t in worlds.terms)
            both = tuple(dict.fromkeys((*worlds.home[first][1], *worlds.home[name][1])))
            home = {**worlds.home, first: (variable, both)}
            yield Step("merge", (first, name), _without(replace(worlds, model=merged, terms=terms, home=home), name))


def _absorb(worlds: Worlds) -> Iterator[Step]:
    model = worlds.model
    for name in model.names:
        m = model.mechanisms.get(name)
        children = model.children[name]
        if m is None or m.parents or name not in model.latents or name in worlds.terms or len(children) != 1:
            continue
        child = model.mechanisms[children[0]]
        parents = tuple(p for p in child.parents if p != name)
        builder = Builder(tuple(model.object(p) for p in parents))
        (noise,) = builder.paste(m.diagram, ())
        wires = iter(range(len(parents)))
        made = builder.paste(child.diagram, [noise if p == name else next(wires) for p in child.parents])
        joined = model.with_mechanism(children[0], Mechanism(parents, builder.freeze(made)))
        after = replace(worlds, model=joined, own={**worlds.own, children[0]: name}, noisy=worlds.noisy | {children[0]})
        yield Step("absorb", (name, children[0]), _without(after, name))


def _value_of(m: Mechanism) -> str | None:
    """The value of a sharp state."""
    nodes = m.diagram.nodes
    return nodes[0].box.value if len(nodes) == 1 and nodes[0].box.kind == "point" else None


def _without(worlds: Worlds, name: str) -> Worlds:
    model = worlds.model
    kept = replace(
        model,
        variables=tuple(x for x in model.variables if x.name != name),
        mechanisms={n: m for n, m in model.mechanisms.items() if n != name},
        latents=model.latents - {name},
    )
    return replace(worlds, model=kept, home={n: p for n, p in worlds.home.items() if n != name})


def _rewired(model: CausalModel, child: str, wires: Mapping[str, str]) -> CausalModel:
    """The model in which one box hears other wires."""
    m = model.mechanisms[child]
    parents = tuple(wires.get(p, p) for p in m.parents)
    objects = {p: model.object(wires.get(p, p)) for p in m.parents}
    return model.with_mechanism(child, Mechanism(parents, retyped(m.diagram, objects)))
