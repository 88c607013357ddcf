"""The graph of a model as a scene of our own: for TikZ, and wherever Graphviz is not asked.

Causes stand left of effects: layers by the longest way from a source, an order in each with few crossings by
barycentres (Sugiyama, Tagawa, Toda 1981), heights by averaging. Edges are straight, unless another vertex is in the
way: then they bend.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strings.picture.glyphs import LABEL, Path, Polygon, Shape, Text, bezier
from strings.picture.scene import Scene, captioned, moved, padded
from strings.picture.text import text_width

_GAP, _COLUMN, _HEIGHT = 46.0, 54.0, 12.0  # between vertices of a layer, between layers, half of a vertex
_SWEEPS = 12
_POINTS = 30  # of a bent edge
_BENDS = (0.0, 36.0, -36.0, 64.0, -64.0, 96.0, -96.0, 140.0, -140.0)
_TWO = (40.0, -40.0, 70.0, -70.0, 110.0, -110.0)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Drawn:
    """An edge as it is to be drawn: from and to which vertex, whether of two heads, dashed, red, and what it says."""

    source: str
    sink: str
    two_headed: bool = False
    dashed: bool = False
    red: bool = False
    text: str = ""


def graph_scene(
    title: str, names: Mapping[str, str], edges: Sequence[Drawn], hidden: frozenset[str], red: frozenset[str]
) -> Scene:
    """A graph: `names` says what every vertex is called in the picture; `hidden` ones are dashed, those in `red` red.

    >>> scene = graph_scene("m", {"X": "X", "Y": "Y"}, [Drawn("X", "Y")], frozenset(), frozenset())
    >>> [s.text for s in scene.shapes if isinstance(s, Text)]
    ['X', 'Y', 'm']
    """
    half = {n: max(text_width(text, LABEL) / 2 + 7, 12.0) for n, text in names.items()}
    place = _places(list(names), [(e.source, e.sink) for e in edges if not e.two_headed], half)
    shapes: list[Shape] = []
    for e in edges:
        shapes += _edge(e, place, half)
    for n, text in names.items():
        x, y = place[n]
        if n in hidden:
            shapes.append(_ellipse(x, y, half[n], _HEIGHT + 2))
        shapes.append(Text(x, y + 5.5, text, "red label" if n in red else "label"))
    return captioned(_fitted(shapes, place, half, title), title)


def _fitted(shapes: list[Shape], place: Mapping[str, Point], half: Mapping[str, float], title: str) -> Scene:
    """A scene that all shapes fit into."""
    xs = [x + side * half[n] for n, (x, _) in place.items() for side in (-1, 1)] or [0.0, 24.0]
    ys = [y + side * (_HEIGHT + 4) for _, y in place.values() for side in (-1, 1)] or [0.0, 24.0]
    for s in shapes:
        if isinstance(s, Path):
            points = _along(s)
            xs += [x for x, _ in points]
            ys += [y for _, y in points]
    left, top = min(xs), min(ys)
    width, height = max(xs) - left, max(ys) - top
    about = f"Graph of {', '.join(place)}"
    return padded(Scene(width, height, tuple(moved(s, 0, -top) for s in shapes), title, about), -left)


# ---- places ----------------------------------------------------------------------------------------------------------


def _places(names: list[str], edges: list[tuple[str, str]], half: Mapping[str, float]) -> dict[str, Point]:
    """The middle of every vertex."""
    layers = _layers(names, edges)
    near: dict[str, list[str]] = {n: [] for n in names}
    for a, b in edges:
        near[a].append(b)
        near[b].append(a)
    height = {n: _GAP * (k - (len(layer) - 1) / 2) for layer in layers for k, n in enumerate(layer)}
    for sweep in range(_SWEEPS):
        for k in range(len(layers)) if sweep % 2 == 0 else reversed(range(len(layers))):
            wanted = {n: _mean([height[m] for m in near[n]], height[n]) for n in layers[k]}
            layers[k].sort(key=lambda n: wanted[n])
            height |= _apart(layers[k], wanted)
    place: dict[str, Point] = {}
    x = 0.0
    for layer in layers:
        widest = max(half[n] for n in layer)
        x += widest
        place |= {n: (x, height[n]) for n in layer}
        x += widest + _COLUMN
    return place


def _layers(names: list[str], edges: list[tuple[str, str]]) -> list[list[str]]:
    """The vertices by the longest way that leads to them; a source stands just before the first that hears it."""
    heard: dict[str, list[str]] = {n: [] for n in names}
    hears: dict[str, list[str]] = {n: [] for n in names}
    for a, b in edges:
        heard[b].append(a)
        hears[a].append(b)
    waiting = {n: len(heard[n]) for n in names}
    ready, level = [n for n in names if not waiting[n]], dict.fromkeys(names, 0)
    order = []
    while ready:
        n = ready.pop(0)
        order.append(n)
        for m in hears[n]:
            level[m] = max(level[m], level[n] + 1)
            waiting[m] -= 1
            if not waiting[m]:
                ready.append(m)
    for n in reversed(order):
        if hears[n] and not heard[n]:
            level[n] = min(level[m] for m in hears[n]) - 1
    found: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for n in names:
        found[level[n]].append(n)
    return [layer for layer in found if layer]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _apart(layer: Sequence[str], wanted: Mapping[str, float]) -> dict[str, float]:
    """Heights near those wanted, in order and with room between; their mean stays."""
    found: list[float] = []
    for n in layer:
        found.append(wanted[n] if not found else max(wanted[n], found[-1] + _GAP))
    shift = _mean([wanted[n] for n in layer], 0) - _mean(found, 0)
    return {n: y + shift for n, y in zip(layer, found, strict=True)}


# ---- edges -----------------------------------------------------------------------------------------------------------


def _edge(e: Drawn, place: Mapping[str, Point], half: Mapping[str, float]) -> list[Shape]:
    others = [(place[n], half[n]) for n in place if n not in (e.source, e.sink)]
    bends = _TWO if e.two_headed else _BENDS
    ways = [_way(place[e.source], place[e.sink], bend) for bend in bends]
    way = min(ways, key=lambda w: (_hits(w, others), ways.index(w)))
    start, curve = way
    far = math.dist(place[e.source], place[e.sink])
    points = [start, *bezier(start, curve, max(24, round(far / 3)))]
    ends = (e.source, e.sink)
    outer = [p for p in points if not any(_inside(p, place[n], half[n]) for n in ends)]
    drawn = outer if len(outer) > 3 else points
    wire, head = ("red wire", "red ring") if e.red else ("wire", "arrow head")
    line = wire.replace("wire", "latent") if e.dashed else wire
    last = _head(drawn[-3], drawn[-1], head)
    first = _head(drawn[2], drawn[0], head) if e.two_headed else None
    middle = [p for p in drawn[1:-1] if math.dist(p, drawn[-1]) > 8 and (first is None or math.dist(p, drawn[0]) > 8)]
    if way is ways[0] and not e.two_headed:
        middle = []  # it is straight
    middle = middle[:: max(1, len(middle) // _POINTS)]
    line_points = [_back(first) if first else drawn[0], *middle, _back(last)]
    shapes: list[Shape] = [Path((("M", line_points[0]), *(("L", p) for p in line_points[1:])), line), last]
    if first:
        shapes.append(first)
    if e.text:
        x, y = drawn[len(drawn) // 2]
        shapes.append(Text(x, y - 5, e.text, "red label" if e.red else "small"))
    return shapes


def _way(a: Point, b: Point, bend: float) -> tuple[Point, tuple[float, ...]]:
    """A curve from one point to another, bent to its left by so much."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy) or 1.0
    ox, oy = bend * dy / length, -bend * dx / length
    return a, (a[0] + dx / 3 + ox, a[1] + dy / 3 + oy, a[0] + 2 * dx / 3 + ox, a[1] + 2 * dy / 3 + oy, *b)


def _hits(way: tuple[Point, tuple[float, ...]], others: Sequence[tuple[Point, float]]) -> int:
    """How many vertices a curve runs through."""
    points = bezier(*way, 24)
    return sum(any(_inside(p, middle, half + 3, _HEIGHT + 5) for p in points) for middle, half in others)


def _inside(p: Point, middle: Point, half: float, high: float = _HEIGHT + 3) -> bool:
    return ((p[0] - middle[0]) / (half + 2)) ** 2 + ((p[1] - middle[1]) / high) ** 2 < 1


def _head(before: Point, tip: Point, style: str) -> Polygon:
    """The head of an arrow that ends at `tip`."""
    dx, dy = tip[0] - before[0], tip[1] - before[1]
    length = math.hypot(dx, dy) or 1.0
    ux, uy = dx / length, dy / length
    x, y = tip[0] - 9 * ux, tip[1] - 9 * uy
    return Polygon((tip, (x - 4 * uy, y + 4 * ux), (x + 4 * uy, y - 4 * ux)), style)


def _back(head: Polygon) -> Point:
    """The middle of the back of an arrow's head."""
    _, (ax, ay), (bx, by) = head.points
    return (ax + bx) / 2, (ay + by) / 2


def _ellipse(x: float, y: float, a: float, b: float) -> Path:
    """A dashed outline."""
    k = 0.5523
    corners = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 0)]
    commands: list[tuple[str, tuple[float, ...]]] = [("M", (x + a, y))]
    for (c, d), (e, f) in itertools.pairwise(corners):
        first, second = (c + k * e, d + k * f), (e + k * c, f + k * d)
        commands.append(("C", tuple(v for u, w in (first, second, (e, f)) for v in (x + a * u, y + b * w))))
    return Path(tuple(commands), "latent")


def _along(path: Path) -> list[Point]:
    return [p for _, points in path.commands for p in zip(points[::2], points[1::2], strict=True)]
