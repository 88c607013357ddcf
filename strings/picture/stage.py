"""A model in one layout, shown in many states: the frames of a film.

As `slots` edits the picture before surgery in place, a stage edits it again and again. What a frame changes is red,
what has been cut before is an open end, and what no output depends on any more is faint, but stays where it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from strings.model import CausalModel, Mechanism
from strings.picture.graph import DrawGraph, Part, Wire
from strings.picture.operation import joint_graph
from strings.picture.slots import ModelGraph, as_it_was, changed_by, edit_in_place, shared_ports
from strings.signature import Box
from strings.surgery import Surgery, operate

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Look:
    """A state of a model: the `surgeries` so far and the observed variables that are `shown` as outputs.

    `red` are variables whose boxes this frame cuts out, replaces or puts back; the outputs of `dropped` end in red
    grounds. The boxes of variables in `hues` are filled, to show what belongs together.
    """

    surgeries: tuple[Surgery, ...]
    shown: frozenset[str]
    red: frozenset[str] = _NONE
    dropped: frozenset[str] = _NONE
    hues: Mapping[str, int] = field(default_factory=dict)

    @property
    def settled(self) -> Look:
        """The state that this frame leaves behind."""
        return Look(self.surgeries, self.shown, hues=self.hues)


@dataclass(frozen=True)
class Stage:
    """A model that frames show, as it was before all surgery."""

    model: CausalModel
    joint: ModelGraph
    done: tuple[Surgery, ...] = ()

    @staticmethod
    def of(model: CausalModel, relevant: Collection[str], surgeries: Iterable[Surgery] = ()) -> Stage:
        """A stage for the part `relevant` of a model, with room for the policies among `surgeries`.

        Where a policy has no room in its slot, because it closes a loop, all surgeries are `done` from the beginning.
        """
        part, surgeries = part_of(model, relevant), tuple(surgeries)
        for new_first in (False, True):
            ports = shared_ports(part, surgeries, new_first)
            joint = None if ports is None else joint_graph(part, part.names, ports)
            if joint is not None and edit_in_place(joint, surgeries) is not None:
                return Stage(part, joint)
        part = part_of(operate(model, *surgeries), relevant)
        joint = joint_graph(part, part.names, {})
        assert joint is not None
        return Stage(part, joint, surgeries)

    @property
    def base(self) -> DrawGraph:
        """The model as it was."""
        return as_it_was(self.joint)

    def graph(self, look: Look) -> DrawGraph:
        """What a frame shows; its parts and wires are those of `base`."""
        surgeries = [s for s in look.surgeries if s not in self.done and changed_by(s) in self.joint.slots]
        edited = edit_in_place(self.joint, surgeries)
        assert edited is not None
        alive = operate(self.model, *surgeries).ancestors(look.shown & set(self.model.names))
        return _Frame(self, look, alive, {changed_by(s) for s in surgeries}).drawn(edited)


def part_of(model: CausalModel, names: Collection[str]) -> CausalModel:
    """The model of some variables, closed under causes; a mechanism of several boxes becomes one."""
    kept = tuple(x for x in model.variables if x.name in names)
    mechanisms = {x.name: _single(model, x.name, names) for x in kept if x.name in model.mechanisms}
    return CausalModel(kept, mechanisms, model.latents & set(names), model.name)


def _single(model: CausalModel, name: str, names: Collection[str]) -> Mechanism:
    m = model.mechanisms[name]
    if len(m.diagram.nodes) == 1 and set(m.parents) <= set(names):
        return m
    boxes = [node.box for node in m.diagram.nodes]
    label = boxes[-1].name if boxes else name
    return Mechanism.of_box(Box(label, tuple(model.object(p) for p in m.used_parents), (model.object(name),)))


@dataclass(frozen=True)
class _Frame:
    stage: Stage
    look: Look
    alive: frozenset[str]
    operated: set[str]

    def drawn(self, graph: DrawGraph) -> DrawGraph:
        """The graph with its surgeries in place, in the colours of the look."""
        owner = {slot: name for name, slot in self.stage.joint.slots.items()}
        parts = [self._part(p, owner.get(k, "")) for k, p in enumerate(graph.parts)]
        heard = {w.target: w.name for w in graph.wires if graph.parts[w.target].kind == "out"}
        for k, name in heard.items():
            parts[k] = self._output(parts[k], name)
        wires = [self._wire(w, parts, owner) for w in graph.wires]
        seen = {w.source for w in wires if not w.hidden}
        live = {w.source for w in wires if not w.hidden and not w.faint}
        for k, w in enumerate(wires):
            end = parts[w.target]
            if end.kind == "copy" and w.target not in live:  # a stem is as faint as its legs, and goes with them
                wires[k] = replace(w, faint=True, hidden=w.target not in seen)
                parts[w.target] = replace(end, faint=True, outs=end.outs if w.target in seen else 0)
            elif end.kind == "discard" and not end.red and w.faint:
                parts[w.target] = replace(end, faint=True)
        return replace(graph, parts=tuple(parts), wires=tuple(wires))

    def _part(self, part: Part, name: str) -> Part:
        """A box, a source or an input."""
        if not name:
            return part
        red = name in self.look.red
        if name not in self.alive and not red:
            part = replace(part, red=False, faint=True)
        else:
            part = replace(part, red=red, hue=self.look.hues.get(name))
        if part.kind == "gap" and not red:
            return replace(part, absent=tuple(range(part.ins)))
        return part if red else replace(part, absent=(*part.absent, *part.grounded), grounded=())

    def _output(self, part: Part, name: str) -> Part:
        if name in self.look.dropped:
            return Part("discard", "", 1, 0, red=True)
        return part if name in self.look.shown else replace(part, faint=True)

    def _wire(self, wire: Wire, parts: list[Part], owner: Mapping[int, str]) -> Wire:
        end = parts[wire.target]
        if wire.port in end.absent:
            return replace(wire, hidden=True, red=False)
        source, target = parts[wire.source], owner.get(wire.target)
        red = wire.red and target in self.look.red
        dashed = wire.dashed and wire.name not in self.stage.model.inputs
        return replace(wire, red=red, dashed=dashed, faint=source.faint or end.faint or wire.name not in self.alive)
