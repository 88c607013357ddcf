"""Pictures of surgery: a model or a diagram before and after, in register.

The picture after surgery is the picture before it with the slots of the touched boxes edited in place (`slots`).
Nothing is dropped, so a latent variable that nobody hears any more stays visible. Only when a policy listens to what
depends on it before the surgery, or a mechanism is more than one box, is the second picture laid out afresh.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from strings.diagram import Builder, Node
from strings.model import CausalModel, Mechanism
from strings.picture.coordinates import Layout
from strings.picture.graph import DrawGraph, graph_of_term
from strings.picture.scene import Scene, captioned, cost, lay_out, scene_of, side_by_side
from strings.picture.slots import ModelGraph, Names, as_it_was, changed_by, edit_in_place, shared_ports
from strings.signature import Box
from strings.surgery import Replace, Surgery, operate, touched

Pair = tuple[DrawGraph, DrawGraph, tuple[Layout, Layout]]
_NOTHING: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def model_scene(model: CausalModel, surgeries: Sequence[Surgery] = (), before: bool = True) -> Scene:
    """The model, or with surgeries the model before and after them (only after, if not `before`).

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    if not surgeries:
        graph = model_graph(model).graph
        return captioned(scene_of(graph, lay_out(graph), model.name), "")
    first, second, layouts = _pair(model, surgeries)
    after = operate(model, *surgeries)
    steps = " then ".join(str(s) for s in surgeries)
    title = f"{model.name} after {steps}"
    right = scene_of(second, layouts[1], title)
    about = f"After {steps}: {model_graph(after).graph.about}"
    if not before:
        return replace(captioned(right, title), about=about)
    left = scene_of(first, layouts[0], model.name)
    about = f"Before: {model_graph(model, _kept(model, surgeries)).graph.about} {about}"
    return side_by_side(captioned(left, model.name), captioned(right, f"after {steps}"), title, about)


def model_graphs(model: CausalModel, surgeries: Sequence[Surgery] = ()) -> list[tuple[DrawGraph, Layout]]:
    """What `model_scene` shows: the drawing of a model with its layout, with surgeries that before and that after them.

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    if not surgeries:
        graph = model_graph(model).graph
        return [(graph, lay_out(graph))]
    first, second, layouts = _pair(model, surgeries)
    return [(first, layouts[0]), (second, layouts[1])]


def _pair(model: CausalModel, surgeries: Sequence[Surgery]) -> Pair:
    """The drawings before and after surgery."""
    keep = _kept(model, surgeries)
    after = operate(model, *surgeries)
    return _in_register(model, surgeries, keep) or _afresh(model, after, surgeries, keep)


def _kept(model: CausalModel, surgeries: Sequence[Surgery]) -> dict[str, None]:
    """The variables that surgeries touch or let a mechanism hear, which are drawn whoever hears them."""
    heard = [p for s in surgeries if isinstance(s, Replace) for p in s.mechanism.used_parents]
    keep = dict.fromkeys([*(v for s in surgeries for v in touched(s)), *heard])
    model.ancestors(keep)  # raises if there is no such variable
    return keep


def _in_register(model: CausalModel, surgeries: Sequence[Surgery], keep: Iterable[str]) -> Pair | None:
    """Both drawings in one layout, the better of two: the old ports first, or the new; `None` if there is none."""
    found: list[Pair] = []
    for new_first in (False, True):
        ports = shared_ports(model, surgeries, new_first)
        joint = None if ports is None else joint_graph(model, keep, ports)
        edited = None if joint is None else edit_in_place(joint, surgeries)
        if joint is None or edited is None:
            return None
        first = as_it_was(joint)
        layout = lay_out(first, edited)
        found.append((first, edited, (layout, layout)))
        if not ports:
            break
    return min(found, key=lambda pair: cost(pair[2][0]))


def _afresh(model: CausalModel, after: CausalModel, surgeries: Sequence[Surgery], keep: Iterable[str]) -> Pair:
    """Two drawings with layouts of their own."""
    red = {name: model.parents(name) for name in dict.fromkeys(changed_by(s) for s in surgeries)}
    keep = dict.fromkeys([*keep, *(p for parents in red.values() for p in parents)])
    first, second = model_graph(model, keep).graph, model_graph(after, keep, red).graph
    return first, second, (lay_out(first), lay_out(second))


def joint_graph(model: CausalModel, keep: Iterable[str], ports: Mapping[str, Names]) -> ModelGraph | None:
    """The drawing of a model in which some boxes have further ports; `None` if that closes a loop."""
    order = _joint_order(model, ports)
    return None if order is None else model_graph(model, keep, ports=ports, order=order)


def _joint_order(model: CausalModel, ports: Mapping[str, Names]) -> list[str] | None:
    """The variables in an order in which each comes after all that it listens to."""
    number = {name: k for k, name in enumerate(model.order)}
    below = {name: set(ports.get(name, model.parents(name))) for name in number}
    above: dict[str, list[str]] = {name: [] for name in number}
    for name, parents in below.items():
        for p in parents:
            above[p].append(name)
    ready = [number[name] for name, parents in below.items() if not parents]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        name = model.order[heapq.heappop(ready)]
        order.append(name)
        for child in above[name]:
            below[child].discard(name)
            if not below[child]:
                heapq.heappush(ready, number[child])
    return order if len(order) == len(number) else None


def model_graph(
    model: CausalModel,
    keep: Iterable[str] = (),
    red: Mapping[str, Collection[str]] = _NOTHING,
    ports: Mapping[str, Names] = _NOTHING,
    order: Sequence[str] = (),
) -> ModelGraph:
    """The drawing of a model's observed variables and what they depend on, and of the variables `keep`.

    Variables in `red` are drawn in red, and those that they listened to before end in red grounds. Those in `ports`
    have a single box, with these variables at its ports; `order` is then an order of the variables that allows that.
    """
    needed = model.ancestors([*model.observed, *keep, *(p for names in ports.values() for p in names)])
    dom = tuple(model.object(n) for n in model.inputs)
    env = {n: k for k, n in enumerate(model.inputs)}
    slots = dict(env)
    nodes: list[Node] = []
    marked: list[int] = []
    ignored: list[str] = []
    count = len(dom)
    for name in (n for n in order or model.order if n in needed and n not in env):
        mechanism = model.mechanisms[name]
        if len(mechanism.diagram.nodes) == 1:
            slots[name] = len(dom) + len(nodes)
        first = len(nodes)
        if name in ports:
            mechanism = _with_ports(model, mechanism, ports[name])
        env[name], count = _paste(mechanism, env, nodes, count)
        if name in red:
            marked.extend(range(first, len(nodes)))
            ignored += [p for p in red[name] if p not in mechanism.used_parents and p in needed]
    outs = [env[n] for n in model.observed]
    graph = graph_of_term(dom, nodes, outs, model.latents, marked, [env[p] for p in ignored])
    return ModelGraph(model, graph, slots, dict(ports))


def _with_ports(model: CausalModel, mechanism: Mechanism, ports: Names) -> Mechanism:
    """A mechanism that is a single box, with other variables at its ports."""
    box = mechanism.diagram.nodes[0].box
    dom = tuple(model.object(p) for p in ports)
    builder = Builder(dom)
    made = builder.apply(Box(box.name, dom, box.cod), range(len(dom)))
    return Mechanism(ports, builder.freeze([made[mechanism.diagram.outs[0] - len(mechanism.parents)]]))


def _paste(mechanism: Mechanism, env: dict[str, int], nodes: list[Node], count: int) -> tuple[int, int]:
    """Add the boxes of a mechanism; returns the wire of its variable and the number of wires so far."""
    wires = [env.get(p, -1) for p in mechanism.parents]
    for node in mechanism.diagram.nodes:
        nodes.append(Node(node.box, tuple(wires[a] for a in node.args)))
        wires.extend(range(count, count + len(node.box.cod)))
        count += len(node.box.cod)
    return wires[mechanism.diagram.outs[0]], count
