"""Several worlds in one diagram: the multiverse that a counterfactual question speaks of.

Every world has copies of the boxes, and shares the exogenous states by copying their wires (Balke and Pearl 1994;
Jacobs, Kissinger and Zanasi 2021, section 8; Lorenz and Tull 2023). Of what is the same in several worlds there is one
copy only: equal boxes that hear equal wires are one box. This is copying being natural for functions, and it is where
the worlds part that a surgery in one of them makes a difference.

>>> from strings.signature import Box
>>> from strings.surgery import Do
>>> A, B, U = (Object(n, ("0", "1")) for n in "ABU")
>>> shape = [Box("a", (), (A,)), Box("u", (), (U,)), Box("b", (A, U), (B,), deterministic=True)]
>>> model = CausalModel.from_boxes((A, B, U), shape, latents=["U"])
>>> there = Term("B", world=(Do("A", "1"),))
>>> m = multiverse(model, Query((there,), (Term("B", ("0",)),)))
>>> print(m.model.state([m.place(there), "B"]))
diagram () -> B[A := 1], B {
  A[A := 1]0 <- A := 1()
  U1 <- u()
  B[A := 1]2 <- b(A[A := 1]0, U1)
  A3 <- a()
  B4 <- b(A3, U1)
  return B[A := 1]2, B4
}
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from strings.diagnostic import Diagnostic, LimitError, QueryError
from strings.diagram import Diagram
from strings.model import CausalModel, Mechanism, drop_unused, retyped
from strings.query import Become, Query, Term, World, without_nested
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, DoWire, Open, Replace, Surgery, boxes_of, operate

MOST_WIRES = 100_000
"""So many variables may the worlds of one question have together."""


@dataclass(frozen=True)
class Multiverse:
    """All worlds that a question speaks of, as one causal model.

    The variables of the actual world keep their names; one that is different in a world is called by it, `Y[X := 0]`.
    `places` says which variable is which in which world. `copied` are the boxes that are not known to be functions and
    stand at several variables with different inputs, each with these variables: how they come about decides what
    happens in several worlds at once, and a table alone does not say it. Into the variables of `own`, a world has put
    what draws on its own there.
    """

    model: CausalModel
    places: Mapping[tuple[str, World], str]
    copied: Mapping[str, tuple[str, ...]]
    own: Mapping[str, World] = field(default_factory=dict)

    def place(self, term: Term) -> str:
        """The variable that a term speaks of."""
        return self.places.get((term.variable, term.world), term.variable)


def multiverse(model: CausalModel, query: Query) -> Multiverse:
    """The worlds of a question, on top of `model`: the one in which the question's own surgeries are done.

    What is seen is used: where a condition says `X = x`, the boxes that hear `X` there hear what those hear that are
    told `x` in another world, so they are one box (Shpitser and Pearl 2008, lemma 24). The answer is right where the
    conditions hold, and it is asked nowhere else.

    Raises:
        QueryError: N004, N005, W002 for worlds that set what they cannot, and as `strings.surgery.operate`.
        CompositionError: M002 if a policy or a nested term closes a loop, D003 if a value is none of the variable's.
        LimitError: L003 if the worlds are too many.
    """
    builder = _Builder(model, query)
    for name in model.names:
        builder.wire(name, ())
    needed = [builder.wire(t.variable, t.world) for t in (*query.given, *query.targets)]
    made = builder.freeze()
    return Multiverse(made, builder.known, builder.copied(made, made.ancestors(needed)), builder.own)


def copies(model: CausalModel, query: Query) -> Multiverse:
    """The worlds of a question before anything is made of what they have in common: every world has copies of all boxes
    but the states that no surgery touches, which they share.

    Raises:
        QueryError, CompositionError, LimitError: as `multiverse`.
    """
    builder = _Builder(model, query, share=False)
    for world in ((), *query.worlds):
        for name in model.names:
            builder.wire(name, world)
    return Multiverse(builder.freeze(), builder.known, {}, builder.own)


def worlds_of(model: CausalModel, query: Query) -> Multiverse:
    """The multiverse of a question whose own surgeries are yet to be done; of one world, that world.

    Raises:
        QueryError, CompositionError, LimitError: as `multiverse`.
    """
    operated = operate(model, *query.surgeries)
    return multiverse(operated, query) if query.worlds else Multiverse(operated, {}, {})


def as_one_world(worlds: Multiverse, query: Query) -> Query:
    """The question as one about the model of its multiverse: what it opens are inputs already.

    Raises:
        QueryError: W004 if a value is left free on one wire only.
    """
    opened: list[Surgery] = []
    for world, done in query.by_world:
        for s in done:
            if isinstance(s, DoWire) and s.value is None:
                message = f"`{s}` cannot be left free where several worlds are spoken of"
                raise QueryError(Diagnostic("W004", message, help=("choose a value",)))
            name = worlds.places.get((s.variable, world)) if isinstance(s, Open) else None
            if isinstance(s, Open) and name in worlds.model.inputs:
                opened.append(Open(name, s.axis or s.variable))

    def renamed(t: Term) -> Term:
        return replace(t, variable=worlds.place(t), axis=t.axis_name if t.free else None, world=())

    targets, given = (tuple(map(renamed, terms)) for terms in (query.targets, query.given))
    return replace(query, targets=targets, given=given, surgeries=tuple(dict.fromkeys(opened)))


@dataclass
class _Builder:
    """The variables of all worlds, made when they are first asked for."""

    base: CausalModel
    query: Query
    share: bool = True
    known: dict[tuple[str, World], str] = field(default_factory=dict)
    made: dict[Hashable, str] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)
    mechanisms: dict[str, Mechanism] = field(default_factory=dict)
    latents: set[str] = field(default_factory=set)
    own: dict[str, World] = field(default_factory=dict)
    models: dict[World, CausalModel] = field(default_factory=dict)

    def wire(self, variable: str, world: World) -> str:
        """The variable of the multiverse that one is in a world; made after all that it hears."""
        self.base.object(variable)
        waiting = [(variable, world)]
        while waiting:
            at = waiting[-1]
            missing = [] if at in self.known else [p for p in self._heard(*at) if p not in self.known]
            waiting += missing
            if not missing:
                waiting.pop()
                if at not in self.known:
                    self.known[at] = self._make(*at)
            if len(self.known) > MOST_WIRES:
                raise LimitError(Diagnostic("L003", f"the worlds have more than {MOST_WIRES:,} variables together"))
        return self.known[variable, world]

    def model(self, world: World) -> CausalModel:
        """The model of a world; what becomes something of another world is an input of it."""
        if world not in self.models:
            model = self.base
            for s in world:
                model = operate(model, Open(s.variable) if isinstance(s, Become) else s)
            self.models[world] = model
        return self.models[world]

    def _own(self, variable: str, world: World, diagram: Diagram) -> World | None:
        """The world, if it puts into a mechanism what draws: that is the same in the same world only."""
        put_in = any(isinstance(s, Cut | CutWire | Replace) and _acts_on(s) == variable for s in world)
        return world if put_in and not all(n.box.deterministic for n in diagram.nodes) else None

    def _heard(self, variable: str, world: World) -> Iterator[tuple[str, World]]:
        """What has to be made before a variable of a world."""
        last = last_done(variable, world)
        if isinstance(last, Become):
            if self.base.object(last.source.variable).values != self.base.object(variable).values:
                raise QueryError(_other_values(variable, last.source))
            yield last.source.variable, last.source.world
            return
        for p in self.model(world).parents(variable):
            yield p, world

    def _make(self, variable: str, world: World) -> str:
        last = last_done(variable, world)
        if isinstance(last, Become):
            return self.known[last.source.variable, last.source.world]
        model = self.model(world)
        x = model.object(variable)
        if variable not in model.mechanisms:
            axis = last.axis or variable if isinstance(last, Open) else None
            return self._named(("input", variable, axis), x, world)
        heard, diagram = _listening(model.mechanisms[variable])
        own = self._own(variable, world, diagram)
        copied = world if not self.share and (heard or last is not None) else None
        key = ("box", variable, diagram, tuple(self._seen(p, self.known[p, world]) for p in heard), own, copied)
        if key not in self.made:
            name = self._named(key, x, world)
            wires = {p: self.known[p, world] for p in heard}
            objects = {p: self.objects[w] for p, w in wires.items()} | {variable: self.objects[name]}
            self.mechanisms[name] = Mechanism(tuple(wires[p] for p in heard), retyped(diagram, objects))
            if own is not None:
                self.own[name] = own
            if variable in self.base.latents:
                self.latents.add(name)
        return self.made[key]

    def _seen(self, variable: str, wire: str) -> Hashable:
        """A wire that a box hears, or the value that it is known to have: told, or seen in this or another world."""
        told = self.mechanisms.get(wire)
        if told is not None and len(told.diagram.nodes) == 1 and told.diagram.nodes[0].box.kind == "point":
            return ("point", told.diagram.nodes[0].box.value)
        for t in self.query.given:
            values = t.values or ()
            if len(values) == 1 and not t.bounds and self.known.get((t.variable, t.world)) == wire:
                return ("point", values[0])
        return wire

    def _named(self, key: Hashable, x: Object, world: World) -> str:
        if key not in self.made:
            name = Term(x.name, world=world).place if world else x.name
            while name in self.objects:
                name += "'"
            self.made[key] = name
            self.objects[name] = Object(name, x.values, x.space) if name != x.name else x
        return self.made[key]

    def freeze(self) -> CausalModel:
        """The model so far; the variables of the actual world come first, in declared order."""
        rank = {n: k for k, n in enumerate(self.base.names)}
        names = sorted(self.objects, key=lambda n: rank.get(n, len(rank)))
        return CausalModel(
            tuple(self.objects[n] for n in names), self.mechanisms, frozenset(self.latents), self.base.name
        )

    def copied(self, model: CausalModel, needed: frozenset[str]) -> dict[str, tuple[str, ...]]:
        """The boxes that are no functions by declaration and stand at several of the variables `needed`."""
        at: dict[str, list[str]] = {}
        for name in model.names:
            if name not in needed or name not in model.mechanisms:
                continue
            boxes = {n.box.name: n.box for n in model.mechanisms[name].diagram.nodes}
            for b in boxes.values():
                if not b.deterministic and not (name in self.own and self._is_put_in(b, name)):
                    at.setdefault(b.name, []).append(name)
        return {b: tuple(names) for b, names in at.items() if len(names) > 1}

    def _is_put_in(self, b: Box, name: str) -> bool:
        """Whether a box is not that of the model, but one that the variable's own world has put in."""
        return b.kind == "uniform" or b.name in boxes_of(None, without_nested(self.own[name]))


def last_done(variable: str, world: World) -> Surgery | Become | None:
    """What a world does to the mechanism of a variable."""
    return next((s for s in reversed(world) if _acts_on(s) == variable), None)


def _acts_on(s: Surgery | Become) -> str:
    """The variable whose mechanism a surgery changes."""
    return s.sink if isinstance(s, CutWire | DoWire) else s.variable


def _listening(m: Mechanism) -> tuple[tuple[str, ...], Diagram]:
    """A mechanism without the inputs that it takes no notice of: its parents, port by port, and its diagram."""
    used = m.diagram.used_inputs()
    return tuple(p for p, u in zip(m.parents, used, strict=True) if u), drop_unused(m.diagram)


def _other_values(variable: str, source: Term) -> Diagnostic:
    message = f"`{variable}` cannot become `{source.place}`: the two have different values"
    return Diagnostic("W002", message, source.span)
