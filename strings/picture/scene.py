"""From a placed graph to a flat list of shapes.

Wires rise straight through the layers and bend only in the gaps between them, all at the same heights, so two wires
cross only if their order changes. The legs of a copy dot leave it sideways unless something stands in their way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from strings.picture.coordinates import Layout, place
from strings.picture.glyphs import STYLES, Circle, Drawn, Path, Polygon, Shape, Size, Text, draw_part, size_of
from strings.picture.graph import DrawGraph
from strings.picture.labels import wire_labels
from strings.picture.layers import layered
from strings.picture.ordering import best_order
from strings.picture.text import text_width

PAD = 12
_LEAD = 7  # height over which wires leave a layer before they bend
_CUP = 24  # height in which a leg of a dot turns upright


Manner = Literal["bend", "cup", "round"]
Command = tuple[str, tuple[float, ...]]


@dataclass(frozen=True)
class Scene:
    """A picture: its size in points, its shapes from back to front, and what it shows in words."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str = ""
    about: str = ""


def lay_out(graph: DrawGraph, room: DrawGraph | None = None) -> Layout:
    """Coordinates for a graph; each part gets room for the same part of `room` as well (they are drawn in register)."""
    sizes = [size_of(part) for part in graph.parts]
    if room is not None:
        other = [size_of(part) for part in room.parts]
        sizes = [Size(*map(max, a, b)) for a, b in zip(sizes, other, strict=True)]
    net = layered(graph)
    return place(net, best_order(net), sizes)


def scene_of(graph: DrawGraph, layout: Layout, title: str = "") -> Scene:
    """Draw a graph in a layout that has the same parts and wires."""
    drawn = drawn_parts(graph, layout)
    wires = wire_paths(graph, layout, drawn)
    front = [shape for d in drawn for shape in d.shapes]
    labels = wire_labels(graph, layout, drawn, wires)
    scene = Scene(layout.width, layout.height, (*wires, *front, *labels), title, graph.about)
    return padded(scene)


def drawn_parts(graph: DrawGraph, layout: Layout) -> list[Drawn]:
    """The shapes of every part, in its place."""
    drawn = []
    for v, part in enumerate(graph.parts):
        level = layout.net.layer[v]
        drawn.append(draw_part(part, layout.x[v], layout.top[level], layout.bottom[level], layout.sizes[v]))
    return drawn


def wire_paths(graph: DrawGraph, layout: Layout, drawn: Sequence[Drawn]) -> list[Path]:
    """The lines of all wires, from port to port."""
    manners = leg_manners(layout)
    return [_wire_path(graph, layout, drawn, manners, k) for k in range(len(graph.wires))]


def _wire_path(
    graph: DrawGraph, layout: Layout, drawn: Sequence[Drawn], manners: dict[tuple[int, bool], Manner], number: int
) -> Path:
    """The line of one wire, from the port where it starts to the port where it ends."""
    wire = graph.wires[number]
    segments = layout.net.segments_of(number)
    line: list[Command] = [("M", (layout.departure(segments[0]), drawn[wire.source].head))]
    for s in segments:
        at, goal, level = layout.departure(s), layout.arrival(s), layout.net.layer[s.low]
        manner = manners.get((s.low, goal > at), "bend")
        line.extend(_rise(at, goal, layout.top[level], layout.bottom[level + 1], manner))
    end = drawn[wire.target]
    fed = any(port == wire.port for port, _ in graph.parts[wire.target].fed)
    line.append(("L", (line[-1][1][-2], end.cut_foot if fed else end.foot)))
    return Path(_joined(line), "latent" if wire.dashed else "wire")


def _rise(x: float, goal: float, y: float, end: float, manner: Manner) -> list[Command]:
    """From the top of a layer (`y`) to the bottom of the next (`end`, smaller)."""
    if x == goal:
        return [("L", (x, end))]
    match manner if abs(goal - x) >= _LEAD else "bend":
        case "round":
            turn = max(end, y - max(_CUP, 0.8 * abs(goal - x)))
            return [("C", (x + 0.6 * (goal - x), y, goal, y - 0.4 * (y - turn), goal, turn)), ("L", (goal, end))]
        case "cup":
            turn = max(end, y - _CUP)
            return [("C", (x + 0.75 * (goal - x), y, goal, y - 0.1 * (y - turn), goal, turn)), ("L", (goal, end))]
        case "bend":
            start = y - _LEAD
            middle = (start + end) / 2
            return [("L", (x, start)), ("C", (x, middle, goal, middle, goal, end))]


def leg_manners(layout: Layout) -> dict[tuple[int, bool], Manner]:
    """How the legs of every dot go, to its left (`False`) and to its right (`True`).

    They leave sideways and turn upright at once (`cup`), or in round arcs if one crosses a leg of another dot; if
    something stands in the way of one, all on that side rise first, so that legs of one dot do not cross each other.
    """
    net = layout.net
    round_dots = {dot for dot, _ in layout.steep}
    manners: dict[tuple[int, bool], Manner] = {}
    for s in net.segments:
        if not net.is_dot(s.low):
            continue
        goal = layout.arrival(s)
        side = (s.low, goal > layout.x[s.low])
        if _in_the_way(layout, s.low, goal):
            manners[side] = "bend"
        else:
            manners.setdefault(side, "round" if s.low in round_dots else "cup")
    return manners


def _in_the_way(layout: Layout, dot: int, goal: float) -> bool:
    """Whether anything of the dot's layer stands between it and where its leg goes.

    A wire that passes there is in the way only if the leg does not have to cross it anyway.
    """
    net = layout.net
    low, high = sorted((layout.x[dot], goal))
    for v in layout.order[net.layer[dot]]:
        left, _, right, _ = layout.edge_of(v)
        if v == dot or right < low or left > high:
            continue
        if not net.is_bend(v) or not _crosses(layout, dot, goal, v):
            return True
    return False


def _crosses(layout: Layout, dot: int, goal: float, bend: int) -> bool:
    """Whether the wire that bends at `bend` ends, in the next layer, on the other side of `goal`."""
    end = layout.next_x[bend]
    return (end - goal) * (layout.x[bend] - layout.x[dot]) < 0 and abs(layout.x[bend] - layout.x[dot]) > 6


def _joined(line: list[Command]) -> tuple[Command, ...]:
    """The same line without stops on its straight parts."""
    out = line[:1]
    for command, points in line[1:]:
        last, here = out[-1][1], points
        if command == "L" and last[-2:] == here:
            continue
        if command == "L" and out[-1][0] == "L" and out[-2][1][-2] == last[0] == here[0]:
            out.pop()
        out.append((command, points))
    return tuple(out)


def padded(scene: Scene) -> Scene:
    """The scene with a margin."""
    shapes = tuple(moved(s, PAD, PAD) for s in scene.shapes)
    return replace(scene, width=scene.width + 2 * PAD, height=scene.height + 2 * PAD, shapes=shapes)


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    """The shape somewhere else."""
    match shape:
        case Path(commands):
            return replace(shape, commands=tuple((c, _shifted(points, dx, dy)) for c, points in commands))
        case Polygon(points):
            return replace(shape, points=tuple((x + dx, y + dy) for x, y in points))
        case Circle(x, y) | Text(x, y):
            return replace(shape, x=x + dx, y=y + dy)


def _shifted(points: tuple[float, ...], dx: float, dy: float) -> tuple[float, ...]:
    return tuple(p + (dy if k % 2 else dx) for k, p in enumerate(points))


def captioned(scene: Scene, caption: str) -> Scene:
    """The scene with a line of text below it."""
    if not caption:
        return scene
    width = max(scene.width, text_width(caption, STYLES["title"].size) + 2 * PAD)
    shapes = [moved(s, (width - scene.width) / 2, 0) for s in scene.shapes]
    text = Text(width / 2, scene.height + 14, caption, "title")
    return replace(scene, width=width, height=scene.height + 24, shapes=(*shapes, text))


def side_by_side(left: Scene, right: Scene, title: str, about: str) -> Scene:
    """Two scenes with an arrow from the first to the second."""
    height = max(left.height, right.height)
    arrow = 56
    start, end, y = left.width + 6, left.width + arrow - 6, (height - 24) / 2
    shapes = [moved(s, 0, (height - left.height)) for s in left.shapes]
    shapes += [moved(s, left.width + arrow, height - right.height) for s in right.shapes]
    shapes.append(Path((("M", (start, y)), ("L", (end - 6, y))), "arrow"))
    shapes.append(Polygon(((end, y), (end - 9, y - 4.5), (end - 9, y + 4.5)), "arrow head"))
    return Scene(left.width + arrow + right.width, height, tuple(shapes), title, about)
