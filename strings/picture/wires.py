"""The lines of the wires.

A wire rises straight through the layers and goes sideways only in the gaps, on the track that it has there: as an S if
it does not go far, and else with a run between two round corners. The legs of a copy dot each leave it on their own:
at most one upwards, the outermost ones sideways, and those between at angles between the two.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from strings.picture.channels import NUDGE, SHORT, TRACK
from strings.picture.coordinates import CORNER, CUP, Layout
from strings.picture.glyphs import Drawn, Path, bezier
from strings.picture.graph import DrawGraph
from strings.picture.layers import Segment

Command = tuple[str, tuple[float, ...]]
Point = tuple[float, float]
UPWARDS = math.pi / 2
_SOFT = 6  # beyond its tip, where a leg is on its track
_SLIGHT = 3  # what goes sideways by no more than this does so all the way up the gap
_ROUND = 0.45  # of a corner's radius, how far from its tip its control points are


class Departure(NamedTuple):
    """How a leg leaves its dot: at an `angle`, and so far sideways (`out`) before it is on its track.

    If less than `turn` is left from there, it rises to its end in one curve, and else in a corner of radius `cup`.
    """

    angle: float
    out: float = 0.0
    turn: int = CUP
    cup: int = CUP


def wire_paths(graph: DrawGraph, layout: Layout, drawn: Sequence[Drawn]) -> list[Path]:
    """The lines of all wires, from port to port."""
    legs = departures(layout)
    return [_wire_path(graph, layout, drawn, legs, k) for k in range(len(graph.wires))]


def departures(layout: Layout) -> dict[Segment, Departure]:
    """How each leg of a dot leaves it that does not rise straight."""
    net = layout.net
    spreads: dict[tuple[int, bool], list[tuple[int, int, Segment]]] = {}
    corners: dict[int, list[Point]] = {}
    legs: dict[Segment, Departure] = {}
    for s, rise in zip(net.segments, layout.rise, strict=True):
        level = net.layer[s.low]
        if s.low in layout.lift:
            travel = layout.arrival(s) - layout.x[s.low]
            if 0 < abs(travel) <= NUDGE:
                legs[s] = Departure(UPWARDS)
            elif travel:
                spreads.setdefault((s.low, travel > 0), []).append((rise, -abs(travel), s))
        elif rise:
            corners.setdefault(level, []).append((layout.departure(s), layout.top[level] - rise))
    for dot, lift in layout.lift.items():
        level = net.layer[dot]
        corners.setdefault(level, []).append((layout.x[dot], layout.top[level] - lift))
    for points in corners.values():
        points.sort()
    for (dot, _), spread in spreads.items():
        _fan_out(layout, dot, sorted(spread), corners[net.layer[dot]], legs)
    return legs


def _fan_out(
    layout: Layout,
    dot: int,
    spread: list[tuple[int, int, Segment]],
    corners: Sequence[Point],
    legs: dict[Segment, Departure],
) -> None:
    """The legs on one side of a dot, the lowest first: each passes above the corners in its way and the legs below."""
    x, level = layout.x[dot], layout.net.layer[dot]
    floor, end = layout.top[level], layout.bottom[level + 1]
    y = floor - layout.lift[dot]
    first = 0 if spread[0][0] == layout.lift[dot] else 1
    below: list[Point] = []
    for k, (rise, _, s) in enumerate(spread):
        track, goal = floor - rise, layout.arrival(s)
        angle = UPWARDS * (k + first) / (len(spread) + first)
        climb = y - track
        wide = max(8.0, climb / math.tan(angle)) if angle else 0.0
        if climb > TRACK * (k + first):  # other runs lie between: cross them steeply
            wide = min(wide, climb)
        reach = x + math.copysign(min(abs(goal - x), wide + 2 * CUP), goal - x)
        first_near = bisect_right(corners, (min(x, reach), math.inf))
        last_near = bisect_left(corners, (max(x, reach), -math.inf))
        near = [c for c in corners[first_near:last_near] if track - 6 < c[1] < y + 6] + below
        cup = _cup(corners, goal, track, x)
        share = 1 - 0.6 * k / len(spread)
        narrow = min([wide, *(max(6.0, share * (abs(cx - x) - 6)) for cx, _ in near)])
        for out, turn in ((wide, 2 * CUP), (wide, CUP), ((wide + narrow) / 2, CUP), (narrow, 14)):
            legs[s] = Departure(math.atan2(climb, out) if angle else 0.0, out, turn, cup)
            curve = _first_curve(x, goal, y, track, end, legs[s])
            if not angle or _passes_above((x, y), curve, near):
                break
        if angle:
            below += [(cx, cy + 5) for cx, cy in bezier((x, y), curve, 12)[7:]]


def _cup(corners: Sequence[Point], goal: float, track: float, x: float) -> int:
    """The radius of the corner at the end of a run that comes from `x`, small enough to pass outside of all corners."""
    side = math.copysign(1, x - goal)
    ends = sorted((goal, goal + side * CUP))
    inside = corners[bisect_right(corners, (ends[0], math.inf)) : bisect_left(corners, (ends[1], -math.inf))]
    return min([CUP, *(max(6, round(abs(cx - goal)) + 2) for cx, cy in inside if track - CUP < cy < track)])


def _wire_path(
    graph: DrawGraph, layout: Layout, drawn: Sequence[Drawn], legs: dict[Segment, Departure], number: int
) -> Path:
    """The line of one wire, from the port where it starts to the port where it ends; empty if it is hidden."""
    wire = graph.wires[number]
    style = "red wire" if wire.red else ("faint " if wire.faint else "") + ("latent" if wire.dashed else "wire")
    if wire.hidden:
        return Path((), style)
    first = layout.net.starts[number]
    segments = layout.net.segments_of(number)
    head = drawn[wire.source].head
    line: list[Command] = [("M", (layout.departure(segments[0]), head))]
    for k, s in enumerate(segments, first):
        at, goal, level = layout.departure(s), layout.arrival(s), layout.net.layer[s.low]
        floor, end = layout.top[level], layout.bottom[level + 1]
        track = floor - layout.rise[k]
        if at == goal:
            line.append(("L", (goal, end)))
        elif s.low in graph.passed:
            line.extend(_sideways(at, goal, head, track, end))
        elif s in legs:
            line.extend(_leg(at, goal, floor - layout.lift[s.low], track, end, legs[s]))
        else:
            line.extend(_sideways(at, goal, floor, track, end))
    part, end_part = graph.parts[wire.target], drawn[wire.target]
    cut = wire.port in part.grounded or any(port == wire.port for port, _ in part.fed)
    line.append(("L", (line[-1][1][-2], end_part.cut_foot if cut else end_part.foot)))
    return Path(_joined(line), style)


def _sideways(x: float, goal: float, floor: float, track: float, end: float) -> list[Command]:
    """From the top of a layer (`floor`) to the bottom of the next (`end`, smaller), sideways at height `track`."""
    if abs(goal - x) <= _SLIGHT:
        return [("C", (x, (floor + end) / 2, goal, (floor + end) / 2, goal, end))]
    if abs(goal - x) <= SHORT:
        low, high = min(floor, track + CORNER), max(end, track - CORNER)
        return [("L", (x, low)), ("C", (x, track, goal, track, goal, high)), ("L", (goal, end))]
    side = math.copysign(1, goal - x)
    low = min(CORNER, floor - track)
    turn = x + side * CORNER
    return [
        ("L", (x, track + low)),
        ("C", (x, track + _ROUND * low, turn - side * (1 - _ROUND) * CORNER, track, turn, track)),
        *_turn_up(goal, track, end, side * CORNER, CORNER),
    ]


def _turn_up(goal: float, track: float, end: float, across: float, up: float) -> list[Command]:
    """Along the track and into the upright at `goal`."""
    up = min(up, track - end)
    return [
        ("L", (goal - across, track)),
        ("C", (goal - _ROUND * across, track, goal, track - _ROUND * up, goal, track - up)),
        ("L", (goal, end)),
    ]


def _leg(x: float, goal: float, y: float, track: float, end: float, leg: Departure) -> list[Command]:
    """From a dot at height `y` to `end`."""
    travel, side = abs(goal - x), math.copysign(1, goal - x)
    if leg.angle == UPWARDS and travel <= _SLIGHT:
        return [("C", (x, (y + end) / 2, goal, (y + end) / 2, goal, end))]
    if leg.angle == UPWARDS:
        return [("L", (x, track + 1)), ("C", (x, track - 6, goal, track - 6, goal, track - 13)), ("L", (goal, end))]
    if not leg.angle:
        return _turn_up(goal, track, end, side * min(leg.cup, travel), leg.cup)
    curve = _first_curve(x, goal, y, track, end, leg)
    if curve[-2] == goal:
        return [("C", curve), ("L", (goal, end))]
    return [("C", curve), *_turn_up(goal, track, end, side * min(leg.cup, travel - leg.out - _SOFT), leg.cup)]


def _first_curve(x: float, goal: float, y: float, track: float, end: float, leg: Departure) -> tuple[float, ...]:
    """From a dot to the leg's track, or all the way up if that is near."""
    side = math.copysign(1, goal - x)
    climb = y - track
    if abs(goal - x) < leg.out + leg.turn:
        steep = 0.45 * math.hypot(goal - x, climb)
        first = (x + side * steep * math.cos(leg.angle), y - steep * math.sin(leg.angle))
        return (*first, goal, max(end, track - 0.2 * CUP), goal, max(end, track - CUP))
    tip = x + side * leg.out
    return (x + 0.65 * (tip - x), y - 0.65 * climb, tip - 0.05 * (tip - x), track, tip + side * _SOFT, track)


def _passes_above(start: Point, curve: tuple[float, ...], corners: Sequence[Point]) -> bool:
    """Whether a curve goes well above all of the points."""
    points = bezier(start, curve, 12)
    return all(y < cy - 9 for cx, cy in corners for x, y in points if abs(x - cx) < 7)


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
