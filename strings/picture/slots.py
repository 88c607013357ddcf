"""Edits in place: what surgery makes of the slots of the boxes that it touches.

A cut box becomes grounds below and a new source above; a wire that is cut ends in a ground below a new source. Where a
policy listens to other variables than the mechanism that it replaces, the slot has ports for both from the beginning:
the wires of the one are hidden before the surgery, those of the other end in grounds after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from strings.model import CausalModel, Mechanism
from strings.picture.graph import DrawGraph, NewSource, Part, Wire, part_of_box
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery

Names = tuple[str, ...]


@dataclass(frozen=True)
class ModelGraph:
    """The drawing of a model: `graph`, and the part of every variable that is an input or has a single box.

    `ports` has the variables that come in at the ports of a slot that several mechanisms share.
    """

    model: CausalModel
    graph: DrawGraph
    slots: dict[str, int]
    ports: dict[str, Names]


def heard_by(mechanism: Mechanism) -> Names:
    """The variables at the ports of a mechanism that is a single box."""
    return tuple(mechanism.parents[a] for a in mechanism.diagram.nodes[0].args)


def changed_by(s: Surgery) -> str:
    """The variable whose mechanism a surgery changes."""
    return s.sink if isinstance(s, CutWire | DoWire) else s.variable


def shared_ports(model: CausalModel, surgeries: Sequence[Surgery], new_first: bool) -> dict[str, Names] | None:
    """The ports of slots whose policies listen to other variables; `None` if a mechanism is no single box."""
    found: dict[str, Names] = {}
    for s in surgeries:
        old = model.mechanisms.get(changed_by(s))
        if isinstance(s, Replace):
            if old is None or len(old.diagram.nodes) != 1 or len(s.mechanism.diagram.nodes) != 1:
                return None
            ports = found.get(s.variable, heard_by(old))
            heard = heard_by(s.mechanism)
            merged = merge(heard, ports) if new_first else merge(ports, heard)
            if merged != ports:
                found[s.variable] = merged
    return found


def merge(first: Names, second: Names) -> Names:
    """The shortest sequence that both are part of; where it is free, `first` comes first.

    >>> merge(("A", "B"), ("C", "B"))
    ('A', 'C', 'B')
    """
    if not first or not second:
        return first + second
    if first[0] == second[0]:
        return (first[0], *merge(first[1:], second[1:]))
    one, other = (first[0], *merge(first[1:], second)), (second[0], *merge(first, second[1:]))
    return one if len(one) <= len(other) else other


def places(part: Names, whole: Names) -> tuple[int, ...]:
    """Where the names of a part stand in the whole, as far left as they can.

    >>> places(("A", "B"), ("B", "A", "B"))
    (1, 2)
    """
    found: list[int] = []
    for name in part:
        found.append(whole.index(name, found[-1] + 1 if found else 0))
    return tuple(found)


def as_it_was(joint: ModelGraph) -> DrawGraph:
    """The drawing before surgery: the ports that only a new mechanism has are empty."""
    parts = list(joint.graph.parts)
    hidden: set[tuple[int, int]] = set()
    for name, ports in joint.ports.items():
        slot = joint.slots[name]
        old = joint.model.mechanisms[name]
        kept = places(heard_by(old), ports)
        absent = tuple(k for k in range(len(ports)) if k not in kept)
        parts[slot] = replace(_box_part(old, len(ports)), absent=absent)
        hidden.update((slot, k) for k in absent)
    return _with(joint.graph, parts, hidden, set())


def edit_in_place(joint: ModelGraph, surgeries: Sequence[Surgery]) -> DrawGraph | None:
    """The drawing with the slots of the surgeries edited; `None` where a slot does not hold the new mechanism."""
    before = as_it_was(joint)
    parts = list(before.parts)
    heard: dict[str, dict[int, str]] = {}
    for s in surgeries:
        name = changed_by(s)
        slot = joint.slots.get(name)
        if slot is None:
            return None
        if name not in heard and name in joint.model.mechanisms:
            now = heard_by(joint.model.mechanisms[name])
            heard[name] = dict(zip(places(now, joint.ports.get(name, now)), now, strict=True))
        edited = _edited(s, before.parts[slot], parts[slot], joint.ports.get(name, ()), heard.get(name, {}))
        if edited is None:
            return None
        parts[slot] = edited
    hidden, red = set(), set()
    for name in joint.ports:
        slot = joint.slots[name]
        hidden |= {(slot, k) for k in parts[slot].absent}
        red |= {(slot, k) for k in before.parts[slot].absent}
    return _with(joint.graph, parts, hidden, red - hidden)


def _with(graph: DrawGraph, parts: list[Part], hidden: set[tuple[int, int]], red: set[tuple[int, int]]) -> DrawGraph:
    def mark(wire: Wire) -> Wire:
        end = (wire.target, wire.port)
        return replace(wire, hidden=end in hidden, red=end in red) if end in hidden or end in red else wire

    return replace(graph, parts=tuple(parts), wires=tuple(mark(w) for w in graph.wires))


def _box_part(mechanism: Mechanism, ports: int, red: bool = False) -> Part:
    return replace(part_of_box(mechanism.diagram.nodes[0].box, red), ins=ports)


def _edited(s: Surgery, old: Part, part: Part, ports: Names, heard: dict[int, str]) -> Part | None:
    """The part after one surgery; `old` is that before all, `heard` the variables at its ports, which it updates."""
    match s:
        case Cut():
            return _gap(old, NewSource("uniform"), heard)
        case Do(variable, value):
            return _gap(old, NewSource("point", f"{variable} = {value}"), heard)
        case Open(variable, axis):
            return part if part.kind == "in" else _gap(old, NewSource("open", axis or variable), heard)
        case CutWire(source, _):
            return _fed(source, part, NewSource("uniform"), heard)
        case DoWire(source, _, None, axis):
            return _fed(source, part, NewSource("open", axis or source), heard)
        case DoWire(source, _, value):
            return _fed(source, part, NewSource("point", f"{source} = {value}"), heard)
        case Replace(variable, mechanism):
            return _replaced(variable, mechanism, old, ports, heard)


def _gap(old: Part, source: NewSource, heard: dict[int, str]) -> Part:
    heard.clear()
    return Part("gap", "", old.ins, old.outs, red=True, source=source, absent=old.absent)


def _fed(source: str, part: Part, new: NewSource, heard: dict[int, str]) -> Part | None:
    """The box with a new source on the port that hears `source`; one source for two ports has no place in the slot."""
    if part.kind == "gap":  # what is cut out hears nothing
        return part
    ports = [j for j, name in heard.items() if name == source]
    if part.kind != "box" or len(ports) > 1:
        return None
    kept = tuple((j, old) for j, old in part.fed if j not in ports)
    return replace(part, fed=tuple(sorted([*kept, *((j, new) for j in ports)], key=lambda f: f[0])))


def _replaced(variable: str, new: Mechanism, old: Part, ports: Names, heard: dict[int, str]) -> Part | None:
    """The new box in red, the wires that it does not hear in grounds; grounds and a red state, if it hears none."""
    box = new.diagram.nodes[0].box
    if not box.dom:
        kind, label = (box.kind, f"{variable} = {box.value}") if box.kind != "box" else ("point", box.name)
        return _gap(old, NewSource("uniform") if kind == "uniform" else NewSource("point", label), heard)
    now = heard_by(new)
    at = places(now, ports or now)
    heard.clear()
    heard.update(zip(at, now, strict=True))
    if old.kind == "in":
        return None
    unheard = [k for k in range(old.ins) if k not in at]
    grounded = tuple(k for k in unheard if k not in old.absent)
    absent = tuple(k for k in unheard if k in old.absent)
    return replace(_box_part(new, old.ins, red=True), grounded=grounded, absent=absent)
