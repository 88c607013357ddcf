"""A question made ready for numbers: which wires it asks for, sees and sets, and what its axes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from semantics.distribution import Array, no_value, number_array
from semantics.network import Wiring
from strings.diagnostic import Diagnostic, QueryError
from strings.diagram import Diagram, box
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import DoWire, Open, Surgery, operate, tell

_TOLD = "(told) "
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
        self, slots: Sequence[Slot], diagram: Diagram, wiring: Wiring, axes: Mapping[str, int], exact: bool
    ) -> list[tuple[int, Array]]:
        """Join wires to axes and fix those that have one value; a mask for each that has one of several.

        `diagram` is the state of `variables(slots)` of the operated model.
        """
        wires = dict(zip(self.variables(slots), diagram.outs, strict=True))
        inputs = dict(zip(self.model.inputs, range(len(diagram.dom)), strict=True))
        made = {n.box.name: w for n, w in zip(diagram.nodes, diagram.first_wires, strict=True)}
        masks = []
        for s in slots:
            wire = _wire(s, wires, inputs, made)
            if wire is None:
                continue
            if s.axis is not None:
                wiring.join(axes[s.axis], wire)
            if s.values is not None:
                positions = [_position(self.model.object(s.variable), v) for v in s.values]
                if len(set(positions)) == 1:
                    wiring.fix(wire, positions[0])
                else:
                    masks.append((wire, _mask(len(self.model.object(s.variable).values or ()), positions, exact)))
        return masks

    def said(self, at: Sequence[int]) -> tuple[str, str]:
        """What is conditioned on and what is done, at one place along the axes (a position on each)."""
        value = {n: (x.values or ())[i] for (n, x), i in zip(self.axes, at, strict=True)}
        seen = [f"{t.variable} = {value[t.axis_name]}" if t.free else str(t) for t in self.query.given]
        done = [str(_closed(s, value)) for s in self.query.surgeries]
        return ", ".join(seen), ", ".join(done)


def ask(model: CausalModel, query: Query) -> Question:
    """Operate on the model and work out the slots and axes of a query.

    Raises:
        QueryError: N002, N003 for what the model does not know, N009 if an axis is to range over two different sets of
            values, Q003 if a variable is left free both in what is asked and behind the bar.
    """
    slots = [_slot("target", t, model) for t in query.targets] + [_slot("given", t, model) for t in query.given]
    for k, s in enumerate(query.surgeries):
        if isinstance(s, Open):
            slots.append(Slot(_place(s, query.surgeries[k + 1 :]), s.variable, s.axis or s.variable))
        elif isinstance(s, DoWire) and s.value is None:
            slots.append(Slot("told", s.source, s.axis or s.source))
    operated = _operate(model, query.surgeries)
    set_ = {s.variable for s in slots if s.place == "opened"}
    set_ |= {s.variable for s in slots if s.place == "given" and (s.values is None or len(s.values) == 1)}
    needed = operated.ancestors([s.variable for s in slots if s.spoken])
    slots.extend(Slot("opened", n, n) for n in operated.inputs if n in needed and n not in set_)
    refuse_double(query)
    return Question(operated, tuple(slots), _axes(model, slots), query)


def _place(s: Open, later: Sequence[Surgery]) -> Place:
    return "void" if any(s.variable == getattr(t, "variable", None) for t in later) else "opened"


def _wire(s: Slot, spoken: Mapping[str, int], inputs: Mapping[str, int], made: Mapping[str, int]) -> int | None:
    """The wire that a slot speaks of, if the diagram has it."""
    match s.place:
        case "opened":
            return inputs[s.variable]
        case "told":
            return made.get(_told_name(s.axis or s.variable, s.variable))
        case "void":
            return None
        case _:
            return spoken[s.variable]


def _slot(place: Literal["target", "given"], term: Term, model: CausalModel) -> Slot:
    x = model.object(term.variable)
    for v in term.values or ():
        _position(x, v)
    return Slot(place, term.variable, term.axis_name if term.free else None, term.values)


def _operate(model: CausalModel, surgeries: Sequence[Surgery]) -> CausalModel:
    """The model after the surgeries; a value left free on one wire becomes a state box named after its axis."""
    for s in surgeries:
        model = _tell(model, s) if isinstance(s, DoWire) and s.value is None else operate(model, s)
    return model


def _tell(model: CausalModel, s: DoWire) -> CausalModel:
    state = Box(_told_name(s.axis or s.source, s.source), (), (model.object(s.source),), deterministic=True)
    return tell(model, s.source, s.sink, box(state))


def _told_name(axis: str, source: str) -> str:
    """The name of the state box for the free value on wires of `source`; no box of a model can have it."""
    return f"{_TOLD}{source} := {axis}"


def is_told(name: str) -> bool:
    """Whether a box stands for a value left free on a wire: it is an axis and has no table."""
    return name.startswith(_TOLD)


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
    ahead = {t.variable for t in query.targets if t.free and t.axis is None}
    behind = [t.variable for t in query.given if t.free and t.axis is None]
    for s in query.surgeries:
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
