"""Where everything stands: x from left to right, y by stacking the layers.

Between two layers there is room for the tracks of the wires that run sideways there. Lengths are in points; `y` grows
downwards as in SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strings.picture.channels import CLEAR, TRACK, Run, assign_tracks
from strings.picture.glyphs import Size
from strings.picture.horizontal import arrive_offset, horizontal, leave_offset
from strings.picture.layers import Layered, Segment
from strings.picture.ordering import Order

CORNER = 11  # room for a wire to turn
CUP = 24  # height in which a leg of a dot turns upright
FOOT = 8  # how far a lane reaches below its lowest layer
_GAP = 22  # the least distance between two layers
_MENDED = 3000  # vertices of a picture that is placed again if uprights clash


@dataclass(frozen=True)
class Layout:
    """A placed graph: the middle `x` of every vertex, and for every layer where it begins (`top`) and ends (`bottom`).

    `order` lists the vertices of each layer from left to right, `sizes` has the room that each was given. `rise[k]`
    is how high above its lower layer the segment `k` runs sideways, `lift` the same for every copy dot.
    """

    net: Layered
    order: tuple[tuple[int, ...], ...]
    x: tuple[int, ...]
    top: tuple[int, ...]
    bottom: tuple[int, ...]
    sizes: tuple[Size, ...]
    rise: tuple[int, ...]
    lift: dict[int, int]

    @property
    def width(self) -> int:
        return max((x + s.right for x, s in zip(self.x, self.sizes, strict=True)), default=0)

    @property
    def height(self) -> int:
        return max(self.bottom, default=0)

    def arrival(self, s: Segment) -> int:
        """Where a segment enters its upper layer."""
        return self.x[s.high] + arrive_offset(self.net, self.sizes, s)

    def departure(self, s: Segment) -> int:
        """Where a segment leaves its lower layer."""
        return self.x[s.low] + leave_offset(self.net, self.sizes, s, {})

    def kinks(self) -> int:
        """How many segments go sideways: the legs of dots do not count, the stems count twice."""
        crooked = [s for s in self.net.segments if self.departure(s) != self.arrival(s) and not self.net.is_dot(s.low)]
        return sum(1 + self.net.is_dot(s.high) for s in crooked)

    def travel(self) -> int:
        """How far the wires go sideways, all together."""
        return sum(abs(self.departure(s) - self.arrival(s)) for s in self.net.segments)


def place(net: Layered, order: Order, sizes: Sequence[Size]) -> Layout:
    """Coordinates for an ordered graph; `sizes` are those of the parts, bends take next to no room."""
    every = (*sizes, *(Size(3, 3, 0) for _ in range(len(net.layer) - len(sizes))))
    x = horizontal(net, order, every)
    routed = _route(net, order, every, x)
    if routed.clashes and len(net.layer) <= _MENDED:
        x = horizontal(net, order, every, routed.clashes)
        routed = _route(net, order, every, x)
    if net.borders and (floor := net.layer[net.borders[0][0]]):
        routed.gaps[floor - 1] += FOOT + 6
    left = min((v - s.left for v, s in zip(x, every, strict=True)), default=0)
    top, bottom = [0] * net.depth, [0] * net.depth
    y = 0
    for level in reversed(range(net.depth)):
        top[level] = y
        y += max((every[v].height for v in order[level]), default=0)
        bottom[level] = y
        y += routed.gaps[level - 1] if level else 0
    rows = tuple(tuple(row) for row in order)
    moved = tuple(v - left for v in x)
    return Layout(net, rows, moved, tuple(top), tuple(bottom), every, tuple(routed.rise), routed.lift)


@dataclass
class _Routed:
    """How high every segment runs and every dot stands, how high the gaps are, and distances that would mend clashes.

    A distance is `(a, b, d)`: vertex `b` at least `d` right of vertex `a`.
    """

    rise: list[int]
    lift: dict[int, int]
    gaps: list[int]
    clashes: list[tuple[int, int, int]]


def _route(net: Layered, order: Order, sizes: Sequence[Size], x: Sequence[int]) -> _Routed:
    routed = _Routed([0] * len(net.segments), {}, [_GAP] * net.depth, [])
    by_gap: list[list[int]] = [[] for _ in range(net.depth)]
    for k, s in enumerate(net.segments):
        by_gap[net.layer[s.low]].append(k)
    for level, segments in enumerate(by_gap):
        _route_gap(net, order[level], sizes, x, segments, routed)
    return routed


def _route_gap(
    net: Layered, row: Sequence[int], sizes: Sequence[Size], x: Sequence[int], segments: list[int], routed: _Routed
) -> None:
    """Find tracks for the segments above one layer."""
    runs, moving, upright = [], [], []
    for k in segments:
        s = net.segments[k]
        start = x[s.low] + leave_offset(net, sizes, s, {})
        end = x[s.high] + arrive_offset(net, sizes, s)
        if start == end:
            upright.append(start)
        else:
            moving.append(k)
            runs.append(Run(start, end, s.low if net.is_dot(s.low) else -1))
    tracks, clashes = assign_tracks(runs, upright)
    routed.clashes += [_apart(net, x, moving, runs, a, b) for a, b in clashes]
    level = net.layer[row[0]] if row else 0
    flat = all(sizes[v].height == 0 for v in row)
    flat = flat and all(run.dot >= 0 and not run.is_upright for run, t in zip(runs, tracks, strict=True) if not t)
    base = 0 if flat else CORNER
    for k, run, track in zip(moving, runs, tracks, strict=True):
        routed.rise[k] = base + TRACK * track
        need = routed.rise[k] + (CORNER if run.dot < 0 else CUP + 4)
        routed.gaps[level] = max(routed.gaps[level], need)
        if run.dot >= 0 and not run.is_upright:
            routed.lift[run.dot] = min(routed.rise[k], routed.lift.get(run.dot, routed.rise[k]))
    for v in row:
        if net.is_dot(v):
            routed.gaps[level] = max(routed.gaps[level], routed.lift.setdefault(v, base) + CUP)


def _apart(net: Layered, x: Sequence[int], moving: list[int], runs: list[Run], a: int, b: int) -> tuple[int, int, int]:
    """The distance that keeps the end of run `a` from the start of run `b`."""
    high, low = net.segments[moving[a]].high, net.segments[moving[b]].low
    shift = (runs[a].end - x[high]) - (runs[b].start - x[low])
    if runs[a].end >= runs[b].start:
        return low, high, CLEAR - shift
    return high, low, CLEAR + shift
