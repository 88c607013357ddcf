"""A question made ready for numbers: which wires it asks for, sees and sets, and what its axes are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from semantics.distribution import Array, no_value, number_array
from semantics.network import Wiring
from strings.diagnostic import Diagnostic, QueryError
from strings.diagram import Diagram
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Object
from strings.surgery import DoWire, Open, Surgery, told_name
from strings.worlds import Multiverse, worlds_of

Place = Literal["target", "given", "opened", "told", "void"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing that a question says of a wire.

    A `target` or a `given` speaks of the wire of `variable`: it lies along `axis`, or it has one of `values`. The
    others are values left free by surgeries: the wire is that of the input `variable` (`opened`), or of the state box
    put on a wire of it (`told`), or there is none, because a later surgery took its place (`void`).
    """

    place: Place
    variable: str
    axis: str | None = None
    values: tuple[str, ...] | None = None

    @property
    def spoken(self) -> bool:
        """Whether this is a term of the question, not a surgery."""
        return self.place in ("target", "given")


@dataclass(frozen=True)
class Question:
    """The operated model, the slots, the axes of the answer in order, and the query it comes from."""

    model: CausalModel
    slots: tuple[Slot, ...]
    axes: tuple[tuple[str, Object], ...]
    query: Query

    def variables(self, slots: Sequence[Slot]) -> tuple[str, ...]:
        """The variables whose wires some slots speak of, each once."""
        return tuple(dict.fromkeys(s.variable for s in slots if s.spoken))

    def connect(
        self,
        slots: Sequence[Slot],
        diagram: Diagram,
        wiring: Wiring,
        axes: Mapping[str, int],
        exact: bool,
        outputs: Sequence[str] | None = None,
    ) -> list[tuple[int, Array]]:
        """Join wires to axes and fix those that have one value; a mask for each that has one of several.

        `diagram` is the state of `outputs` of the operated model: of `variables(slots)`, unless it has more.
        """
        masks = []
        for s, wire in self.wires(slots, diagram, outputs):
            if s.axis is not None:
                wiring.join(axes[s.axis], wire)
            if s.values is not None:
                positions = [_position(self.model.object(s.variable), v) for v in s.values]
                if len(set(positions)) == 1:
                    wiring.fix(wire, positions[0])
                else:
                    masks.append((wire, _mask(len(self.model.object(s.variable).values or ()), positions, exact)))
        return masks

    def wires(
        self, slots: Sequence[Slot], diagram: Diagram, outputs: Sequence[str] | None = None
    ) -> Iterator[tuple[Slot, int]]:
        """The wires that slots speak of, as far as the diagram has them; `outputs` as for `connect`."""
        spoken = dict(zip(self.variables(slots) if outputs is None else outputs, diagram.outs, strict=True))
        inputs = dict(zip(self.model.inputs, range(len(diagram.dom)), strict=True))
        made = {n.box.name: w for n, w in zip(diagram.nodes, diagram.first_wires, strict=True)}
        for s in slots:
            wire = _wire(s, spoken, inputs, made)
            if wire is not None:
                yield s, wire

    def said(self, at: Sequence[int]) -> tuple[str, str]:
        """What is conditioned on and what is done, at one place along the axes (a position on each)."""
        value = {n: (x.values or ())[i] for (n, x), i in zip(self.axes, at, strict=True)}
        seen = [f"{t.variable} = {value[t.axis_name]}" if t.free else str(t) for t in self.query.given]
        done = [str(_closed(s, value)) for s in self.query.surgeries]
        return ", ".join(seen), ", ".join(done)


def ask(model: CausalModel, query: Query, functional: Callable[[str], bool] = lambda name: False) -> Question:
    """Operate on the model and work out the slots and axes of a query.

    Where it speaks of several worlds, the model is their multiverse (`strings.worlds`). `functional` tells which boxes
    have tables of zeros and ones: it is asked of those that stand in several worlds and are not declared as functions.

    Raises:
        QueryError: W001 where what happens in several worlds is not settled by tables, and what `multiverse` raises;
        QueryError: N002, N003 for what the model does not know, N009 if an axis is to range over two different sets of
            values, Q003 if a variable is left free both in what is asked and behind the bar.
    """
    worlds = worlds_of(model, query)
    refuse_unsettled(worlds, functional)
    return ask_in(worlds, query)


def ask_in(worlds: Multiverse, query: Query) -> Question:
    """The slots and axes of a query in its worlds, settled or not; raises as `ask`, but never W001."""
    operated = worlds.model
    slots = [_slot("target", t, worlds) for t in query.targets] + [_slot("given", t, worlds) for t in query.given]
    for world, done in query.by_world:
        for k, s in enumerate(done):
            if isinstance(s, Open):
                name = worlds.places.get((s.variable, world), s.variable)
                heard = not world or (s.variable, world) in worlds.places  # else nothing asked depends on it there
                slots.append(Slot(_place(s, done[k + 1 :]) if heard else "void", name, s.axis or s.variable))
            elif isinstance(s, DoWire) and s.value is None:
                slots.append(Slot("told", s.source, s.axis or s.source))
    set_ = {s.variable for s in slots if s.place == "opened"}
    set_ |= {s.variable for s in slots if s.place == "given" and (s.values is None or len(s.values) == 1)}
    needed = operated.ancestors([s.variable for s in slots if s.spoken])
    slots.extend(Slot("opened", n, n) for n in operated.inputs if n in needed and n not in set_)
    refuse_double(query)
    return Question(operated, tuple(slots), _axes(operated, slots), query)


def _place(s: Open, later: Sequence[Surgery]) -> Place:
    return "void" if any(s.variable == getattr(t, "variable", None) for t in later) else "opened"


def _wire(s: Slot, spoken: Mapping[str, int], inputs: Mapping[str, int], made: Mapping[str, int]) -> int | None:
    """The wire that a slot speaks of, if the diagram has it."""
    match s.place:
        case "opened":
            return inputs[s.variable]
        case "told":
            return made.get(told_name(DoWire(s.variable, "", None, s.axis)))
        case "void":
            return None
        case _:
            return spoken[s.variable]


def _slot(place: Literal["target", "given"], term: Term, worlds: Multiverse) -> Slot:
    x = worlds.model.object(term.variable)
    for v in term.values or ():
        _position(x, v)
    name = worlds.place(term)
    return Slot(place, name, term.axis_name if term.free else None, term.values)


def refuse_unsettled(worlds: Multiverse, functional: Callable[[str], bool] = lambda name: False) -> None:
    """Refuse what depends on how boxes draw.

    Raises:
        QueryError: W001 for a box that is no function and stands in several worlds with different inputs.
    """
    for name, places in worlds.copied.items():
        if not functional(name):
            where = " and ".join([", ".join(f"`{p}`" for p in places[:-1]), f"`{places[-1]}`"])
            raise QueryError(
                Diagnostic(
                    "W001",
                    f"box `{name}` is no function: its table does not say what happens in several worlds at once",
                    label=f"it makes {where}",
                    help=("write it as a function of its inputs and a latent variable of its own",),
                )
            )


def _axes(model: CausalModel, slots: Sequence[Slot]) -> tuple[tuple[str, Object], ...]:
    """Every axis with the object whose values it has, in order of first appearance."""
    axes: dict[str, Object] = {}
    for s in slots:
        if s.axis is None:
            continue
        x = model.object(s.variable)
        known = axes.setdefault(s.axis, x)
        if known.values != x.values:
            raise QueryError(
                Diagnostic(
                    "N009",
                    f"`{s.axis}` would range over the values of `{known.name}` and of `{x.name}`",
                    notes=("these two have different values",),
                    help=(f"call one of them `{s.axis}'`",),
                )
            )
    return tuple(axes.items())


def refuse_double(query: Query) -> None:
    """Q003 if one variable, without a name for its value, is left free in front of the bar and behind it."""
    ahead = {t.place for t in query.targets if t.free and t.axis is None}
    behind = [t.place for t in query.given if t.free and t.axis is None]
    for s in query.operations:
        if isinstance(s, Open) and s.axis is None:
            behind.append(s.variable)
        elif isinstance(s, DoWire) and s.value is None and s.axis is None:
            behind.append(s.source)
    for n in behind:
        if n in ahead or behind.count(n) > 1:
            raise QueryError(
                Diagnostic(
                    "Q003",
                    f"`{n}` is left free twice",
                    notes=("both would be the same axis of the answer",),
                    help=(f"name one of the values: `{n} = v`, or `do({n} := v)`",),
                )
            )


def _closed(s: Surgery, value: Mapping[str, str]) -> Surgery | str:
    """A surgery with its free value filled in."""
    match s:
        case Open(variable, axis):
            return f"do({variable} := {value[axis or variable]})"
        case DoWire(source, sink, None, axis):
            return f"do({source} -> {sink} := {value[axis or source]})"
        case _:
            return s


def _position(x: Object, value: str) -> int:
    """Where a value stands among those of `x`."""
    values = x.values or ()
    if value not in values:
        raise QueryError(no_value(value, x.name, values))
    return values.index(value)


def _mask(length: int, positions: Sequence[int], exact: bool) -> Array:
    one, zero = (Fraction(1), Fraction(0)) if exact else (1.0, 0.0)
    return number_array([one if k in positions else zero for k in range(length)])
