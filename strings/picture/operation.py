"""Pictures of surgery: a model before and after, in register.

The picture after surgery is the picture before it with the slots of the touched boxes edited in place: a cut box
becomes grounds below and a uniform state above, a wire that is cut ends in a ground below a new source. Nothing is
dropped, so a latent variable that nobody hears any more stays visible. Only when a new mechanism has other parents, or
an old one is more than one box, is the second picture laid out afresh.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from strings.diagram import Builder, Diagram, Node
from strings.model import CausalModel, Mechanism
from strings.picture.graph import DrawGraph, NewSource, Part, graph_of_term, part_of_box
from strings.picture.scene import Scene, captioned, lay_out, scene_of, side_by_side
from strings.signature import Box
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery, operate, touched


@dataclass(frozen=True)
class ModelGraph:
    """The drawing of a model: `graph`, and the part of every variable that is an input or has a single box."""

    model: CausalModel
    graph: DrawGraph
    slots: dict[str, int]


def model_scene(model: CausalModel, surgeries: Sequence[Surgery] = (), before: bool = True) -> Scene:
    """The model, or with surgeries the model before and after them (only after, if not `before`).

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    keep = dict.fromkeys(v for s in surgeries for v in touched(s))
    first = model_graph(model, keep)
    if not surgeries:
        return captioned(scene_of(first.graph, lay_out(first.graph), model.name), "")
    after = _operated(model, surgeries)
    steps = " then ".join(str(s) for s in surgeries)
    title = f"{model.name} after {steps}"
    edited = edit_in_place(first, surgeries)
    red = {_changed(s) for s in surgeries}
    second = edited if edited is not None else model_graph(after, keep, red).graph
    layout = lay_out(first.graph, edited)
    right = scene_of(second, layout if edited is not None else lay_out(second), title)
    about = f"After {steps}: {model_graph(after).graph.about}"
    if not before:
        return replace(captioned(right, title), about=about)
    left = scene_of(first.graph, layout, model.name)
    about = f"Before: {first.graph.about} {about}"
    return side_by_side(captioned(left, model.name), captioned(right, f"after {steps}"), title, about)


def model_graph(model: CausalModel, keep: Iterable[str] = (), red: Collection[str] = ()) -> ModelGraph:
    """The drawing of a model's observed variables and what they depend on, and of the variables `keep`.

    Variables in `red` are drawn in red, with the parents that they no longer listen to as grounds.
    """
    needed = model.ancestors([*model.observed, *keep])
    dom = tuple(model.object(n) for n in model.inputs)
    env = {n: k for k, n in enumerate(model.inputs)}
    slots = dict(env)
    nodes: list[Node] = []
    marked: list[int] = []
    ignored: list[tuple[str, str]] = []
    count = len(dom)
    for name in (n for n in model.order if n in needed and n not in env):
        mechanism = model.mechanisms[name]
        if len(mechanism.diagram.nodes) == 1:
            slots[name] = len(dom) + len(nodes)
        first = len(nodes)
        env[name], count = _paste(mechanism, env, nodes, count)
        if name in red:
            marked.extend(range(first, len(nodes)))
            unheard = [p for p in mechanism.parents if p not in mechanism.used_parents]
            ignored.extend((p, name) for p in unheard if p in needed)
    outs = [env[n] for n in model.observed]
    graph = graph_of_term(dom, nodes, outs, model.latents, marked, [env[p] for p, _ in ignored])
    return ModelGraph(model, graph, slots)


def _paste(mechanism: Mechanism, env: dict[str, int], nodes: list[Node], count: int) -> tuple[int, int]:
    """Add the boxes of a mechanism; returns the wire of its variable and the number of wires so far."""
    wires = [env.get(p, -1) for p in mechanism.parents]
    for node in mechanism.diagram.nodes:
        nodes.append(Node(node.box, tuple(wires[a] for a in node.args)))
        wires.extend(range(count, count + len(node.box.cod)))
        count += len(node.box.cod)
    return wires[mechanism.diagram.outs[0]], count


def _operated(model: CausalModel, surgeries: Sequence[Surgery]) -> CausalModel:
    """`operate`, with a value that is left free on a wire as an opaque state of its own."""
    for s in surgeries:
        match s:
            case DoWire(value=None):
                model = operate(model, _free_wire(model, s))
            case _:
                model = operate(model, s)
    return model


def _free_wire(model: CausalModel, s: DoWire) -> Surgery:
    told = operate(model, CutWire(s.source, s.sink)).mechanisms[s.sink]  # raises if there is no such wire
    mechanism = model.mechanisms[s.sink]
    x = model.object(s.source)
    builder = Builder(told.diagram.dom)
    (free,) = builder.apply(Box(s.axis or s.source, (), (x,)), ())
    heard = [free if p == s.source else k for k, p in enumerate(mechanism.parents)]
    opened: Diagram = builder.freeze(builder.paste(mechanism.diagram, heard))
    return Replace(s.sink, Mechanism(mechanism.parents, opened))


def _changed(s: Surgery) -> str:
    """The variable whose mechanism a surgery changes."""
    return s.sink if isinstance(s, CutWire | DoWire) else s.variable


def edit_in_place(first: ModelGraph, surgeries: Sequence[Surgery]) -> DrawGraph | None:
    """The drawing with the slots of the surgeries edited; `None` where a slot does not hold the new mechanism."""
    parts = list(first.graph.parts)
    for s in surgeries:
        slot = first.slots.get(_changed(s))
        if slot is None:
            return None
        edited = _edited(first.model, s, parts[slot])
        if edited is None:
            return None
        parts[slot] = edited
    return replace(first.graph, parts=tuple(parts))


def _edited(model: CausalModel, s: Surgery, part: Part) -> Part | None:
    """The part after one surgery."""
    match s:
        case Cut():
            return _gap(part, NewSource("uniform"))
        case Do(variable, value):
            return _gap(part, NewSource("point", f"{variable} = {value}"))
        case Open(variable, axis):
            return part if part.kind == "in" else _gap(part, NewSource("open", axis or variable))
        case CutWire(source, sink):
            return _fed(model, source, sink, part, NewSource("uniform"))
        case DoWire(source, sink, None, axis):
            return _fed(model, source, sink, part, NewSource("open", axis or source))
        case DoWire(source, sink, value):
            return _fed(model, source, sink, part, NewSource("point", f"{source} = {value}"))
        case Replace(variable, mechanism):
            return _replaced(model.mechanisms.get(variable), mechanism, part)


def _gap(part: Part, source: NewSource) -> Part:
    return Part("gap", "", part.ins, part.outs, red=True, source=source)


def _fed(model: CausalModel, source: str, sink: str, part: Part, new: NewSource) -> Part | None:
    """The box with new sources on the ports that heard `source`; one source for two ports has no place in the slot."""
    if part.kind == "gap":  # what is cut out hears nothing
        return part
    if part.kind != "box":
        return None
    mechanism = model.mechanisms[sink]
    args = mechanism.diagram.nodes[0].args
    ports = [j for j, a in enumerate(args) if a < len(mechanism.parents) and mechanism.parents[a] == source]
    if len(ports) > 1:
        return None
    kept = tuple((j, old) for j, old in part.fed if j not in ports)
    return replace(part, fed=tuple(sorted([*kept, *((j, new) for j in ports)], key=lambda f: f[0])))


def _replaced(old: Mechanism | None, new: Mechanism, part: Part) -> Part | None:
    """The new box in red, if it takes the wires of the old one; grounds and a red state, if it takes none."""
    if old is None or len(new.diagram.nodes) != 1 or part.fed:
        return None
    if not new.parents and new.diagram.nodes[0].box.kind == "box":
        return _gap(part, NewSource("point", new.diagram.nodes[0].box.name))
    heard = [[m.parents[a] for a in m.diagram.nodes[0].args] for m in (old, new)]
    return part_of_box(new.diagram.nodes[0].box, red=True) if heard[0] == heard[1] else None
