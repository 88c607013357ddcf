"""Lanes: shaded columns side by side, each with a heading, and below them what belongs to none.

A picture that runs upwards has columns where it tells of several things that go on beside each other, such as worlds.
What they have in common stands below all of them, so its wires enter the columns from below and stay inside: every
layer has the lanes in their order (`strings.picture.layers`), with their borders as vertices between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from strings.picture.coordinates import FOOT, Layout
from strings.picture.glyphs import CAPTION, LINE, SHADES, Polygon, Text
from strings.picture.graph import DrawGraph, Lane, Part
from strings.picture.labels import Area
from strings.picture.layers import topological

_ABOVE = 9  # a heading, below the upper end of its column


def in_lanes(graph: DrawGraph, lanes: tuple[Lane, ...], lane: Mapping[int, int]) -> DrawGraph:
    """The graph with its parts in lanes: `lane` says in which; what it does not name is in none.

    But nothing without a lane stands above something with one: it is in the first lane of what it hears. So are dots
    and grounds, in the lane of their wire; an output that no lane is known of is in the first one.

    >>> from strings.diagram import copy
    >>> from strings.picture.graph import draw_graph
    >>> from strings.signature import Object
    >>> twice = in_lanes(draw_graph(copy((Object("A"),))), (Lane(("here",)), Lane(("there",))), {1: 0, 2: 1})
    >>> [(part.kind, part.lane) for part in twice.parts]
    [('in', None), ('out', 0), ('out', 1), ('copy', None)]
    """
    after: list[list[tuple[int, int]]] = [[] for _ in graph.parts]
    before: list[list[tuple[int, int]]] = [[] for _ in graph.parts]
    for wire in graph.wires:
        after[wire.source].append((wire.target, 1))
        before[wire.target].append((wire.source, 1))
    found: dict[int, int] = {}
    for v in topological(after, before):
        heard = [found[u] for u, _ in before[v] if u in found]
        if v in lane or heard or graph.parts[v].kind == "out":
            found[v] = lane.get(v, min(heard, default=0))
    parts: list[Part] = [replace(part, lane=found.get(v)) for v, part in enumerate(graph.parts)]
    return replace(graph, parts=tuple(parts), lanes=lanes)


def columns(graph: DrawGraph, layout: Layout) -> list[Area]:
    """The rectangle of every lane; all are equally high."""
    lines = max((len(lane.heading) for lane in graph.lanes), default=0)
    borders = layout.net.borders
    sides = [(layout.x[left[0]], layout.x[right[0]]) for left, right in zip(borders[::2], borders[1::2], strict=True)]
    floor = layout.net.layer[borders[0][0]] if borders else 0
    return [Area(left, -LINE * lines - _ABOVE, right, layout.bottom[floor] + FOOT) for left, right in sides]


def shaded(graph: DrawGraph, layout: Layout) -> Iterator[Polygon | Text]:
    """The columns, and their headings."""
    for lane, (left, top, right, bottom) in zip(graph.lanes, columns(graph, layout), strict=True):
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        yield Polygon(corners, f"lane {lane.shade % len(SHADES)}")
        for k, line in enumerate(lane.heading):
            yield Text((left + right) / 2, top + _ABOVE + k * LINE + 0.8 * CAPTION, line, "caption")


def edges(graph: DrawGraph, layout: Layout) -> Iterator[Area]:
    """The outlines of the columns, on which nothing should be written."""
    for left, top, right, bottom in columns(graph, layout):
        yield from (Area(x - 1, top, x + 1, bottom) for x in (left, right))
        yield Area(left, bottom - 1, right, bottom + 1)
