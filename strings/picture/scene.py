"""From a placed graph to a flat list of shapes.

The wires lie behind the parts, small labels of wires in front.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from strings.picture.coordinates import CORNER, Layout, place
from strings.picture.glyphs import STYLES, Circle, Drawn, Path, Polygon, Shape, Size, Text, draw_part, size_of
from strings.picture.graph import DrawGraph
from strings.picture.labels import area_of, wire_labels
from strings.picture.lanes import columns, edges, shaded
from strings.picture.layers import layered, layerings
from strings.picture.ordering import crossings, good_orders
from strings.picture.text import text_width
from strings.picture.wires import wire_paths

PAD = 12
_ARROW = 56  # room for the arrow between two scenes
_WIDEST = 1800  # of two scenes side by side
_SMALL = 60  # wires; of a smaller graph several layouts are tried
_PLACED = 10  # at most so many


@dataclass(frozen=True)
class Scene:
    """A picture: its size in points, its shapes from back to front, and what it shows in words."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str = ""
    about: str = ""


def lay_out(graph: DrawGraph, *rooms: DrawGraph | None) -> Layout:
    """Coordinates for a graph; each part gets room for the same part of all `rooms` (they are drawn in register)."""
    sizes = [size_of(part) for part in graph.parts]
    for room in filter(None, rooms):
        other = [size_of(part) for part in room.parts]
        sizes = [Size(*map(max, a, b)) for a, b in zip(sizes, other, strict=True)]
    nets = [layered(graph, layer) for layer in layerings(graph)]
    few = 6 if len(graph.wires) <= _SMALL else 1
    trials = [(crossings(net, order), net, order) for net in nets for order in good_orders(net, few)]
    trials.sort(key=lambda t: t[0])
    trials = [t for t in trials[:_PLACED] if t[0] <= trials[0][0] + (2 if few > 1 else 0)]
    if len(trials) == 1:
        return place(*trials[0][1:], sizes)
    return min((place(net, order, sizes) for _, net, order in trials), key=cost)


def cost(layout: Layout) -> tuple[int, int, int]:
    """How bad a layout looks: crossings and kinks, sideways travel, height."""
    count = crossings(layout.net, [list(row) for row in layout.order])
    return 2 * count + layout.kinks(), layout.travel(), layout.height


def scene_of(graph: DrawGraph, layout: Layout, title: str = "") -> Scene:
    """Draw a graph in a layout that has the same parts and wires."""
    drawn = drawn_parts(graph, layout)
    wires = wire_paths(graph, layout, drawn)
    front = [shape for d in drawn for shape in d.shapes]
    labels = wire_labels(graph, layout, drawn, wires, tuple(edges(graph, layout)))
    behind = tuple(shaded(graph, layout))
    areas = columns(graph, layout)
    top = min([0.0, *(area.top for area in areas)])
    bottom = max([layout.height, *(area.bottom for area in areas)])
    slanted = [area_of(s) for s in front if isinstance(s, Text) and s.slanted]
    left = min([0.0, *(area.left for area in slanted)])
    beside = [area_of(label).right - PAD + 3 for label in labels]  # small labels may stand in the margin
    width = max([layout.width, *(area.right for area in slanted), *beside]) - left
    shapes = (*behind, *(path for path in wires if path.commands), *front, *labels)
    return padded(Scene(width, bottom - top, shapes, title, graph.about), -left, -top)


def drawn_parts(graph: DrawGraph, layout: Layout) -> list[Drawn]:
    """The shapes of every part, in its place."""
    drawn = []
    for v, part in enumerate(graph.parts):
        level = layout.net.layer[v]
        top = layout.top[level] - layout.lift.get(v, 0)
        if v in graph.passed:
            k = layout.net.starts[graph.passed[v]]
            bent = layout.departure(layout.net.segments[k]) != layout.arrival(layout.net.segments[k])
            top = layout.top[level] - layout.rise[k] + CORNER if bent else top
            drawn.append(Drawn([], top, top))
        else:
            drawn.append(draw_part(part, layout.x[v], top, layout.bottom[level], layout.sizes[v]))
    return drawn


def padded(scene: Scene, left: float = 0.0, top: float = 0.0) -> Scene:
    """The scene with a margin, its shapes moved right by `left` and down by `top`."""
    shapes = tuple(moved(s, PAD + left, PAD + top) for s in scene.shapes)
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
    """Two scenes with an arrow from the first to the second; two wide ones are stacked, the second below."""
    if left.width + right.width > _WIDEST and left.width > left.height:
        return _stacked(left, right, title, about)
    height = max(left.height, right.height)
    start, end, y = left.width + 6, left.width + _ARROW - 6, (height - 24) / 2
    shapes = [moved(s, 0, height - left.height) for s in left.shapes]
    shapes += [moved(s, left.width + _ARROW, height - right.height) for s in right.shapes]
    shapes.append(Path((("M", (start, y)), ("L", (end - 6, y))), "arrow"))
    shapes.append(Polygon(((end, y), (end - 9, y - 4.5), (end - 9, y + 4.5)), "arrow head"))
    return Scene(left.width + _ARROW + right.width, height, tuple(shapes), title, about)


def _stacked(upper: Scene, lower: Scene, title: str, about: str) -> Scene:
    width = max(upper.width, lower.width)
    start, end, x = upper.height + 6, upper.height + _ARROW - 6, width / 2
    shapes = [moved(s, (width - upper.width) / 2, 0) for s in upper.shapes]
    shapes += [moved(s, (width - lower.width) / 2, upper.height + _ARROW) for s in lower.shapes]
    shapes.append(Path((("M", (x, start)), ("L", (x, end - 6))), "arrow"))
    shapes.append(Polygon(((x, end), (x - 4.5, end - 9), (x + 4.5, end - 9)), "arrow head"))
    return Scene(width, upper.height + _ARROW + lower.height, tuple(shapes), title, about)
