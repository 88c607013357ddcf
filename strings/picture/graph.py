"""From a diagram to the graph that is drawn: parts with ordered ports, and wires between ports.

A wire of a `Diagram` may be used any number of times; a picture needs a copy dot where it is used more than once and a
ground where it is not used at all. Inputs and outputs are parts too. The inputs come first, then the boxes in the
order of the term, the outputs, and what wires need.

>>> from strings.diagram import copy
>>> from strings.signature import Object
>>> [part.kind for part in draw_graph(copy((Object("A"),))).parts]
['in', 'out', 'out', 'copy']
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from strings.diagram import Diagram, Node
from strings.picture.text import text_width
from strings.signature import Box, Ty, show_type
from strings.surgery import is_told, told_axis

Kind = Literal["box", "state", "point", "uniform", "copy", "discard", "in", "out", "gap", "effect", "hole"]
Source = Literal["uniform", "point", "open"]
_WIDE = 1000  # points; if the labels of the inputs or the outputs need more, they are slanted


@dataclass(frozen=True, slots=True)
class NewSource:
    """What surgery puts on the end of a wire: the uniform state, a sharp one, or an open end; `label` names it."""

    kind: Source
    label: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to draw, with `ins` ports below and `outs` ports above.

    A `gap` is a box that surgery took out: its inputs end in grounds and `source` stands in its place. `fed` lists the
    input ports of a box that a new source feeds, the old wire ending in a ground below it; `grounded` those whose wire
    ends in a ground and that nothing feeds, `absent` those that have no wire. The label of an input or an output may be
    `slanted`, to take less room. What is `faint` is only there for comparison; a box with a `hue` is filled with it.
    What has a `lane` stands in that column of the picture (`strings.picture.lanes`).
    """

    kind: Kind
    label: str = ""
    ins: int = 0
    outs: int = 0
    red: bool = False
    source: NewSource | None = None
    fed: tuple[tuple[int, NewSource], ...] = ()
    grounded: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    slanted: bool = False
    faint: bool = False
    hue: int | None = None
    lane: int | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire from output port `out` of part `source` to input port `port` of part `target`.

    `net` is the number of the diagram's wire that it belongs to, `name` the name of its object. A `hidden` one only
    keeps its room, for a picture in register with one that has it.
    """

    source: int
    out: int
    target: int
    port: int
    net: int
    name: str
    dashed: bool = False
    red: bool = False
    hidden: bool = False
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """A column of a picture: what stands in its head, line by line, and the number of its shade."""

    heading: tuple[str, ...]
    shade: int = 0


@dataclass(frozen=True)
class DrawGraph:
    """What a picture shows: `parts` joined by `wires`, in `lanes` from left to right, and in words (`about`)."""

    parts: tuple[Part, ...]
    wires: tuple[Wire, ...]
    about: str = ""
    lanes: tuple[Lane, ...] = ()

    @cached_property
    def passed(self) -> dict[int, int]:
        """Dots of which only one leg is drawn, so that they are none; the number of that leg."""
        legs: dict[int, list[int]] = {}
        for k, wire in enumerate(self.wires):
            if self.parts[wire.source].kind == "copy" and not wire.hidden:
                legs.setdefault(wire.source, []).append(k)
        return {dot: ks[0] for dot, ks in legs.items() if len(ks) == 1 and self.parts[dot].outs > 1}


def draw_graph(diagram: Diagram, latents: Collection[str] = frozenset()) -> DrawGraph:
    """The graph of a diagram; wires of objects named in `latents` are dashed."""
    return graph_of_term(diagram.dom, diagram.nodes, diagram.outs, latents)


def graph_of_term(
    dom: Ty,
    nodes: Sequence[Node],
    outs: Sequence[int],
    latents: Collection[str] = frozenset(),
    red: Collection[int] = (),
    grounded: Sequence[int] = (),
    effects: Sequence[tuple[int, str]] = (),
) -> DrawGraph:
    """The graph of a term that need not be in normal form.

    The nodes numbered in `red` are drawn in red; each wire listed in `grounded` also ends in a red ground. Each wire of
    `effects` also ends in an effect of this label: the wire has been seen to be so.
    """
    parts = [Part("in", x.name, 0, 1) for x in dom]
    ends: list[tuple[int, int]] = [(k, 0) for k in range(len(dom))]
    types = list(dom)
    uses: list[list[tuple[int, int]]] = [[] for _ in dom]
    for i, node in enumerate(nodes):
        k = len(parts)
        for port, wire in enumerate(node.args):
            uses[wire].append((k, port))
        parts.append(part_of_box(node.box, red=i in red))
        ends.extend((k, port) for port in range(len(node.box.cod)))
        types.extend(node.box.cod)
        uses.extend([] for _ in node.box.cod)
    for wire in outs:
        uses[wire].append((len(parts), 0))
        parts.append(Part("out", types[wire].name, 1, 0))
    for wire in grounded:
        uses[wire].append((len(parts), 0))
        parts.append(Part("discard", "", 1, 0, red=True))
    for wire, label in effects:
        uses[wire].append((len(parts), 0))
        parts.append(Part("effect", label, 1, 0))
    wires: list[Wire] = []
    for net, (start, x) in enumerate(zip(ends, types, strict=True)):
        wires.extend(_net(parts, net, start, uses[net], x.name, x.name in latents))
    slant(parts, "in")
    slant(parts, "out")
    return DrawGraph(tuple(parts), tuple(wires), _in_words(dom, nodes, [types[w] for w in outs]))


def slant(parts: list[Part], kind: Kind) -> None:
    """Slant the labels of the inputs or the outputs where they would make a picture much wider."""
    row = [k for k, part in enumerate(parts) if part.kind == kind]
    width = sum(text_width(parts[k].label, 17) + 14 for k in row)
    for k in row:
        parts[k] = replace(parts[k], slanted=width > max(_WIDE, 50 * len(row)))


def part_of_box(box: Box, red: bool = False) -> Part:
    """How a box is drawn: a rectangle, a triangle if it has no inputs, or one of the special states."""
    match box.kind:
        case "uniform":
            return Part("uniform", "", 0, len(box.cod), red)
        case "point":
            return Part("point", f"{box.cod[0].name} = {box.value}", 0, 1, red)
        case _:
            label = told_axis(box.name) if is_told(box.name) else box.name
            return Part("box" if box.dom else "state", label, len(box.dom), len(box.cod), red)


def _net(
    parts: list[Part], net: int, start: tuple[int, int], uses: list[tuple[int, int]], name: str, dashed: bool
) -> list[Wire]:
    """The wires of one wire of the term; adds the dot or the ground that it needs."""
    if len(uses) == 1:
        return [Wire(*start, *uses[0], net, name, dashed)]
    k = len(parts)
    parts.append(Part("copy", "", 1, len(uses)) if uses else Part("discard", "", 1, 0))
    legs = [Wire(k, j, *use, net, name, dashed) for j, use in enumerate(uses)]
    return [Wire(*start, k, 0, net, name, dashed), *legs]


def _in_words(dom: Ty, nodes: Sequence[Node], cod: Sequence[object]) -> str:
    """The diagram as a sentence, for those who cannot see the picture."""
    boxes = "; ".join(_box_in_words(node.box) for node in nodes)
    made = " * ".join(str(x) for x in cod) or "I"
    return f"String diagram from {show_type(dom)} to {made}. " + (
        f"Boxes, from bottom to top: {boxes}." if boxes else ""
    )


def _box_in_words(box: Box) -> str:
    match box.kind:
        case "uniform":
            return f"uniform state on {show_type(box.cod)}"
        case "point":
            return f"sharp state {box.cod[0].name} = {box.value}"
        case _:
            return str(box)
