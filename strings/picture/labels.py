"""Small labels on wires that nothing else names.

A wire that reaches an input or an output is named there. Every other wire gets its object's name beside it, near the
box that makes it, at the first place where the label touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from strings.picture.coordinates import Layout
from strings.picture.glyphs import SMALL, STYLES, Circle, Drawn, Path, Polygon, Shape, Text, bezier
from strings.picture.graph import DrawGraph
from strings.picture.text import text_width

_CELL = 64


class Area(NamedTuple):
    """A rectangle: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Area) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def area_of(shape: Shape) -> Area:
    """The rectangle around a shape (around the control points of a curve)."""
    match shape:
        case Text(x, y, text, style, anchor, slanted):
            size = STYLES[style].size
            width = text_width(text, size)
            if slanted:
                reach = 0.71 * width if anchor == "start" else -0.71 * width
                return _around([(x - 0.5 * size, y - 0.5 * size), (x + 0.16 * size, y), (x + reach, y - reach)])
            left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
            return Area(left, y - 0.7 * size, left + width, y + 0.22 * size)
        case Circle(x, y, radius):
            return Area(x - radius, y - radius, x + radius, y + radius)
        case Polygon(points):
            return _around(points)
        case Path(commands):
            return _around([p for _, flat in commands for p in zip(flat[::2], flat[1::2], strict=True)])


def _around(points: Sequence[tuple[float, float]]) -> Area:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Area(min(xs), min(ys), max(xs), max(ys))


def flattened(path: Path, steps: int = 10) -> list[tuple[float, float]]:
    """Points along a path, curves cut into `steps` pieces."""
    points: list[tuple[float, float]] = []
    for command, flat in path.commands:
        if command != "C":
            points.append((flat[0], flat[1]))
            continue
        points.extend(bezier(points[-1], flat, steps))
    return points


def wire_labels(
    graph: DrawGraph, layout: Layout, drawn: Sequence[Drawn], wires: Sequence[Path], free: Sequence[Area] = ()
) -> list[Text]:
    """The labels of all wires that need one and have a place for it; what is `free` is kept so if it can be."""
    wanted = _unnamed(graph)
    if not wanted:
        return []
    taken = _Taken()
    kept = _Taken()
    for area in free:
        kept.add(area)
    for d in drawn:
        for shape in d.shapes:
            taken.add(_grown(area_of(shape)))
    for path in wires:
        for pair in pairwise(flattened(path)):
            taken.add(_grown(_around(pair)))
    labels: list[Text] = []
    for name, numbers in wanted:
        seen = [graph.wires[k] for k in numbers if not graph.wires[k].hidden]
        style = "faint small" if all(w.faint for w in seen) else "small"
        chosen: Text | None = None
        for label in _candidates(name, [wires[k] for k in numbers], style):
            area = area_of(label)
            if area.left < 0 or taken.meets(area):
                continue
            if not kept.meets(area):
                chosen = label
                break
            chosen = chosen or label
        if chosen is not None:
            labels.append(chosen)
            taken.add(_grown(area_of(chosen)))
    return labels


class _Taken:
    """Areas that are taken, sorted into the cells of a grid."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], list[Area]] = {}

    def add(self, area: Area) -> None:
        for cell in self._cells(area):
            self.cells.setdefault(cell, []).append(area)

    def meets(self, area: Area) -> bool:
        return any(area.meets(other) for cell in self._cells(area) for other in self.cells.get(cell, ()))

    @staticmethod
    def _cells(area: Area) -> Iterator[tuple[int, int]]:
        for column in range(int(area.left // _CELL), int(area.right // _CELL) + 1):
            for row in range(int(area.top // _CELL), int(area.bottom // _CELL) + 1):
                yield column, row


def _unnamed(graph: DrawGraph) -> list[tuple[str, list[int]]]:
    """The name and the wires of each net that ends neither at an input nor at an output nor at a labelled state."""
    nets: dict[int, list[int]] = {}
    named: set[int] = set()
    for k, wire in enumerate(graph.wires):
        nets.setdefault(wire.net, []).append(k)
        source, target = graph.parts[wire.source], graph.parts[wire.target]
        if source.kind in ("in", "point") or target.kind == "out":
            named.add(wire.net)
        if source.kind == "gap" and source.source is not None and source.source.label:
            named.add(wire.net)
    return [(graph.wires[ks[0]].name, ks) for net, ks in nets.items() if net not in named]


def _grown(area: Area, by: float = 1.5) -> Area:
    return Area(area.left - by, area.top - by, area.right + by, area.bottom + by)


def _candidates(name: str, paths: Iterable[Path], style: str) -> Iterator[Text]:
    """Places beside the upright parts of the paths, from their start on; right before left."""
    for path in paths:
        points = flattened(path, 4)
        for (x0, y0), (x1, y1) in pairwise(points):
            if abs(x1 - x0) > 8:
                continue
            y = y0 - 5
            while y - 0.5 * SMALL > y1 or y == y0 - 5:
                at = x0 if y1 == y0 else x0 + (x1 - x0) * (y0 - y) / max(y0 - y1, 1)
                yield Text(round(at + 5, 1), round(y, 1), name, style, "start")
                yield Text(round(at - 5, 1), round(y, 1), name, style, "end")
                y -= 4
