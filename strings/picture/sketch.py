"""Diagrams in letters: the same layout as the pictures, in box-drawing characters for a terminal.

Flow goes upwards, as in the pictures. A box has corners, a state is round, what surgery has put in has double lines;
`●` copies a wire, `⏚` discards it, and latent wires are dashed.

>>> from strings.diagram import box, copy
>>> from strings.signature import Box, Object
>>> A, B = Object("A"), Object("B")
>>> print(sketch(draw_graph(copy((A,)) >> (box(Box("f", (A,), (B,))) @ box(Box("g", (A,), (B,)))))))
  B     B
┌─┴─┐ ┌─┴─┐
│ f │ │ g │
└─┬─┘ └─┬─┘
  └──●──┘
     │
     A
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from strings.diagnostic import display_width, visible
from strings.model import CausalModel
from strings.picture.coordinates import Layout
from strings.picture.graph import DrawGraph, NewSource, Part, draw_graph
from strings.picture.layers import Segment
from strings.picture.operation import model_graphs
from strings.picture.scene import lay_out
from strings.surgery import Surgery

__all__ = ["draw_graph", "sketch", "sketch_model"]

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = {
    1: "╵", 2: "╷", 3: "│", 4: "╴", 5: "┘", 6: "┐", 7: "┤", 8: "╶", 9: "└", 10: "┌", 11: "├", 12: "─", 13: "┴", 14: "┬",
    15: "┼",
}  # fmt: skip
_DASHED = {**_LINES, 3: "┆", 12: "┄"}
_SQUARE, _ROUND, _DOUBLE = "┌─┐│└┘┴┬", "╭─╮│╰╯┴┬", "╔═╗║╚╝╧╤"
_SCALES = (1 / 9, 0.0)  # columns a point: as in the picture, or as narrow as can be
_FINE = 4  # steps to a point of the layout
_GROUND, _DOT = "⏚", "●"


def sketch_model(model: CausalModel, surgeries: Sequence[Surgery] = (), width: int = 10**6) -> str | None:
    """The model in letters; with surgeries, before and after them, in register. Nothing if it is wider than `width`.

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    found = model_graphs(model, surgeries)
    for scale in _SCALES:
        pages = [_Page(graph, layout, scale) for graph, layout in found]
        texts = [page.text(pages if page.layout == pages[0].layout else [page]) for page in pages]
        if len(texts) == 2 and columns_of(texts[0]) + columns_of(texts[1]) + len(_ARROW) <= width:
            return _beside(*texts)
        if max(map(columns_of, texts)) <= width:
            return f"\n{_DOWNWARDS}\n".join(texts)
    return None


def sketch(graph: DrawGraph, width: int = 10**6) -> str | None:
    """A graph in letters; nothing if it is wider than `width`."""
    layout = lay_out(graph)
    texts = (_Page(graph, layout, scale).text() for scale in _SCALES)
    return next((text for text in texts if columns_of(text) <= width), None)


def columns_of(text: str) -> int:
    """How wide a text is."""
    return max(map(display_width, text.splitlines()), default=0)


_ARROW, _DOWNWARDS = "     =>     ", "\n  =>\n"


def _beside(left: str, right: str) -> str:
    """Two pictures beside each other, their last lines level."""
    one, other = left.splitlines(), right.splitlines()
    high, width = max(len(one), len(other)), columns_of(left)
    one, other = ([""] * (high - len(lines)) + lines for lines in (one, other))
    arrows = [_ARROW if k == high // 2 else " " * len(_ARROW) for k in range(high)]
    pairs = zip(one, arrows, other, strict=True)
    return "\n".join(f"{a}{' ' * (width - display_width(a))}{arrow}{b}".rstrip() for a, arrow, b in pairs)


def _label(part: Part) -> str:
    """What is written on a part."""
    if part.kind == "uniform":
        return "uniform"
    if part.kind == "gap":
        return _source_label(part.source) if part.source is not None else ""
    return visible(f"= {part.label}" if part.kind == "effect" else part.label)


def _source_label(source: NewSource) -> str:
    return "uniform" if source.kind == "uniform" else visible(source.label)


def _framed(part: Part) -> bool:
    if part.kind == "gap":
        return part.source is not None and part.source.kind != "open"
    return part.kind in ("box", "state", "point", "uniform", "effect", "hole")


@dataclass
class _Page:
    graph: DrawGraph
    layout: Layout
    scale: float
    dodging: int = 0  # how much has been tried against wires on top of each other: 1 moves dots, 2 every other layer
    clash: bool = False
    column: dict[int, int] = field(default_factory=dict)
    lines: dict[tuple[int, int], dict[int, tuple[int, bool]]] = field(default_factory=dict)
    signs: dict[tuple[int, int], str] = field(default_factory=dict)

    def text(self, together: Sequence[_Page] = ()) -> str:
        """The whole page, its columns those of all pages in the same layout that are shown `together`."""
        pages = together or [self]
        self.columns(pages)
        self.rows(pages)
        for k, wire in enumerate(self.graph.wires):
            if not wire.hidden:
                self.wire(k)
        if self.clash and self.dodging < 2:  # curves have room where uprights have none
            more = self.dodging + 1
            page = _Page(self.graph, self.layout, self.scale, more)
            return page.text([replace(p, dodging=more) for p in together])
        for v, part in enumerate(self.graph.parts):
            self.part(v, part)
        return self.printed()

    def middle(self, v: int) -> int:
        """The middle of a vertex in the layout, in fine steps; what dodges stands a step or two beside it.

        Where every other layer does, no wire ends in the column in which another of the same gap begins.
        """
        net = self.layout.net
        aside = int(self.dodging > 0 and net.is_dot(v)) + 2 * int(self.dodging > 1 and net.layer[v] % 2)
        return _FINE * self.layout.x[v] + aside

    def leave(self, s: Segment) -> int:
        """Where a segment leaves its lower layer."""
        return self.middle(s.low) + _FINE * (self.layout.departure(s) - self.layout.x[s.low])

    def arrive(self, s: Segment) -> int:
        """Where a segment enters its upper layer."""
        return self.middle(s.high) + _FINE * (self.layout.arrival(s) - self.layout.x[s.high])

    # ---- columns: the order of the layout, with room for the letters

    def edges(self, v: int) -> tuple[int, int]:
        """Where a part begins and ends in the layout."""
        size = self.layout.sizes[v]
        x = self.middle(v)
        return x - _FINE * max(size.left, 1), x + _FINE * max(size.right, 1)

    def constraints(self) -> Iterator[tuple[int, int, int]]:
        """Pairs of places of the layout, and how many columns they are apart at least."""
        layout, parts = self.layout, self.graph.parts
        for row in layout.order:
            before: int | None = None
            for v in row:
                if v >= len(parts) or not (_framed(parts[v]) or _label(parts[v])):
                    left = right = self.middle(v)
                else:
                    left, right = self.edges(v)
                    yield from self.inside(v, left, right)
                if before is not None and before != left:
                    yield before, left, 2
                before = right
        for level in range(layout.net.depth):
            ends = sorted({
                x for s in layout.net.segments if layout.net.layer[s.low] == level
                for x in (self.leave(s), self.arrive(s))
            })  # fmt: skip
            yield from ((a, b, 2) for a, b in pairwise(ends))

    def inside(self, v: int, left: int, right: int) -> Iterator[tuple[int, int, int]]:
        """Room for the label of a part and for its ports."""
        part, label = self.graph.parts[v], display_width(_label(self.graph.parts[v]))
        middle = self.middle(v)
        yield left, right, label + 3 if _framed(part) else label + 1
        yield left, middle, (label + 3) // 2 if _framed(part) else (label + 1) // 2
        net = self.layout.net
        ports = sorted(
            {self.arrive(s) for s in net.segments if s.high == v} | {self.leave(s) for s in net.segments if s.low == v}
        )
        widths = {self.port_x(v, j): display_width(_source_label(new)) for j, new in part.fed}
        places = [left, *(p for p in ports if left < p < right), right]
        for a, b in pairwise(places):
            yield a, b, max(1 if a == left or b == right else 2, (widths.get(a, 0) + widths.get(b, 0)) // 2 + 1)

    def port_x(self, v: int, port: int) -> int:
        """Where a wire enters a part."""
        return next(
            (self.arrive(s) for s in self.layout.net.segments if s.high == v and s.port == port),
            self.middle(v),
        )

    def columns(self, pages: Sequence[_Page]) -> None:
        """A column for every place of the layout that matters: the least that keeps everything apart."""
        apart: dict[int, list[tuple[int, int]]] = {}
        places = {self.middle(v) for v in range(len(self.layout.x))}
        places.update(x for s in self.layout.net.segments for x in (self.leave(s), self.arrive(s)))
        for a, b, d in (c for page in pages for c in page.constraints()):
            apart.setdefault(b, []).append((a, d))
            places.update((a, b))
        first = min(places, default=0)
        last = 0
        for x in sorted(places):
            wanted = [self.column[a] + d for a, d in apart.get(x, ()) if a in self.column]
            last = max([last, round((x - first) * self.scale / _FINE), *wanted])
            self.column[x] = last

    # ---- rows, counted from the bottom

    def rows(self, pages: Sequence[_Page]) -> None:
        """How high every layer and every gap between two is, on all pages."""
        net, parts = self.layout.net, self.graph.parts
        self.base: list[int] = []
        self.height: list[int] = []
        self.row: dict[int, int] = {}
        nets = [wire.net for k, wire in enumerate(self.graph.wires) for _ in net.segments_of(k)]
        self.net = dict(enumerate(nets))
        y = 0
        for level in range(net.depth):
            row = [v for v in self.layout.order[level] if v < len(parts)]
            height = max((_height(page.graph.parts[v]) for v in row for page in pages), default=1)
            self.base.append(y)
            self.height.append(height)
            y += height
            runs = self.tracks_above(level)
            for number, track in runs.items():
                self.row[number] = y + track
            y += max(runs.values(), default=int(self.wants_air(level)) - 1) + 1
        self.top = y

    def tracks_above(self, level: int) -> dict[int, int]:
        """A track for every segment that runs sideways above a layer: in the order of the layout, one more where two
        wires would share one."""
        net = self.layout.net
        runs: dict[int, tuple[int, int]] = {}
        for k, s in enumerate(net.segments):
            if net.layer[s.low] == level:
                start, end = self.column[self.leave(s)], self.column[self.arrive(s)]
                if start != end:
                    runs[k] = start, end
        tracks: list[list[int]] = []
        rise = -1
        first = 0
        for k in sorted(runs, key=lambda k: (self.layout.rise[k], runs[k])):
            if self.layout.rise[k] != rise:
                rise, first = self.layout.rise[k], len(tracks)
            at = next((t for t in range(first, len(tracks)) if self.fits(k, tracks[t], runs)), None)
            if at is None:
                tracks.append([])
                at = len(tracks) - 1
            tracks[at].append(k)
        return {k: t for t, track in enumerate(tracks) for k in track}

    def fits(self, k: int, others: Sequence[int], runs: dict[int, tuple[int, int]]) -> bool:
        """Whether a run can share a track with others: those of its own wire, and those that it does not meet."""
        low, high = sorted(runs[k])
        return all(
            self.net[k] == self.net[other] or max(runs[other]) < low or high < min(runs[other]) for other in others
        )

    def wants_air(self, level: int) -> bool:
        """Whether two layers would touch: a box below another, or a dot."""
        parts = self.graph.parts
        if level + 1 >= self.layout.net.depth:
            return False
        below = any(v < len(parts) and parts[v].kind != "in" for v in self.layout.order[level])
        above = any(v < len(parts) and parts[v].kind not in ("out", "copy") for v in self.layout.order[level + 1])
        return below and above

    def wire(self, k: int) -> None:
        """Draw a wire from the top of its source to the bottom of its target."""
        net = self.layout.net
        wire = self.graph.wires[k]
        for number, s in enumerate(net.segments_of(k), start=net.starts[k]):
            level = net.layer[s.low]
            start, end = self.column[self.leave(s)], self.column[self.arrive(s)]
            low, high = self.top_of(s.low), self.bottom_of(s.high, s.port)
            if start == end:
                self.upright(start, low, high, wire.net, wire.dashed)
                continue
            y = self.row[number]
            self.upright(start, low, y, wire.net, wire.dashed)
            self.sideways(y, start, end, wire.net, wire.dashed)
            self.upright(end, y, high, wire.net, wire.dashed)
            if net.is_bend(s.low):
                self.upright(start, self.base[level], low, wire.net, wire.dashed)

    def top_of(self, v: int) -> int:
        """The row of the upper end of a vertex."""
        level = self.layout.net.layer[v]
        if self.layout.net.is_dot(v):
            return self.dot_row(v)
        return self.base[level] + self.height[level] - 1 if not self.layout.net.is_bend(v) else self.base[level]

    def bottom_of(self, v: int, port: int) -> int:
        """The row in which a wire ends at a vertex."""
        level = self.layout.net.layer[v]
        base, top = self.base[level], self.base[level] + self.height[level] - 1
        if self.layout.net.is_bend(v):
            return base
        if self.layout.net.is_dot(v):
            return self.dot_row(v)
        part = self.graph.parts[v]
        if part.kind in ("out", "discard") or port in part.grounded or port in dict(part.fed):
            return top if part.kind == "out" else top - _height(part) + 1
        return top - 2 if part.kind != "gap" else top - _height(part) + 1

    def dot_row(self, v: int) -> int:
        """A dot stands where its lowest leg leaves."""
        net = self.layout.net
        level = net.layer[v]
        legs = [self.row[k] for k, s in enumerate(net.segments) if s.low == v and k in self.row]
        return min(legs, default=self.base[level] + self.height[level] - 1)

    def upright(self, x: int, low: int, high: int, net: int, dashed: bool) -> None:
        for y in range(low, high + 1):
            mask = (_DOWN if y > low else 0) | (_UP if y < high else 0)
            self.line(x, y, mask, net, dashed)

    def sideways(self, y: int, start: int, end: int, net: int, dashed: bool) -> None:
        low, high = min(start, end), max(start, end)
        for x in range(low, high + 1):
            self.line(x, y, (_LEFT if x > low else 0) | (_RIGHT if x < high else 0), net, dashed)

    def line(self, x: int, y: int, mask: int, net: int, dashed: bool) -> None:
        cell = self.lines.setdefault((x, y), {})
        self.clash |= any(mask & m for other, (m, _) in cell.items() if other != net)
        cell[net] = (cell.get(net, (0, dashed))[0] | mask, dashed)

    # ---- parts

    def part(self, v: int, part: Part) -> None:
        level = self.layout.net.layer[v]
        x, top = self.column[self.middle(v)], self.base[level] + self.height[level] - 1
        label = _label(part)
        match part.kind:
            case "copy":
                if v not in self.graph.passed and part.outs:
                    self.signs[x, self.dot_row(v)] = _DOT
            case "discard":
                self.signs[x, top - _height(part) + 1] = _GROUND
            case "in" | "out":
                self.write(x - display_width(label) // 2, top, label)
            case _ if _framed(part):
                self.frame(v, part, top, label)
            case _:
                self.write(x - display_width(label) // 2, top, label)
        for port in range(part.ins if part.kind == "gap" else 0):
            if port not in part.absent:
                self.signs[self.column[self.port_x(v, port)], top - _height(part) + 1] = _GROUND
        for port, new in part.fed:
            column = self.column[self.port_x(v, port)]
            text = _source_label(new)
            self.write(column - display_width(text) // 2, top - 3, text)
            self.signs[column, top - 4] = _GROUND
        for port in part.grounded:
            self.signs[self.column[self.port_x(v, port)], top - _height(part) + 1] = _GROUND

    def frame(self, v: int, part: Part, top: int, label: str) -> None:
        """A rectangle with its label, its ports marked on the border."""
        red = part.red or part.kind == "gap"
        style = _DOUBLE if red else _SQUARE if part.kind == "box" else _ROUND
        left, right = (self.column[x] for x in self.edges(v))
        room = right - left - 1
        self.write(left, top, style[0] + style[1] * room + style[2])
        pad = room - display_width(label)
        self.write(left, top - 1, style[3] + " " * (pad // 2) + label + " " * (pad - pad // 2) + style[3])
        self.write(left, top - 2, style[4] + style[1] * room + style[5])
        net = self.layout.net
        wires = [(k, w) for k, w in enumerate(self.graph.wires) if not w.hidden]
        for k, w in wires:
            segments = net.segments_of(k)
            if w.source == v:
                self.signs[self.column[self.leave(segments[0])], top] = style[6]
            unheard = part.kind == "gap" or w.port in part.grounded
            if w.target == v and not unheard:
                self.signs[self.column[self.arrive(segments[-1])], top - 2] = style[7]

    def write(self, x: int, y: int, text: str) -> None:
        for c in text:
            width = display_width(c)
            if not width:
                at = (x - 1, y)
                self.signs[at] = self.signs.get(at, "") + c
                continue
            self.signs[x, y] = c
            if width == 2:
                self.signs[x + 1, y] = ""
            x += width

    def printed(self) -> str:
        """The page as lines, from the top down."""
        signs = dict(self.signs)
        for place, cell in self.lines.items():
            if place not in signs:
                signs[place] = _crossing(list(cell.values()))
        left = min((x for x, _ in signs), default=0)
        rows: dict[int, dict[int, str]] = {}
        for (x, y), c in signs.items():
            rows.setdefault(y, {})[x - left] = c
        lines = []
        for y in sorted(rows, reverse=True):
            row = rows[y]
            lines.append("".join(row.get(x, " ") for x in range(max(row) + 1)).rstrip())
        return "\n".join(lines)


def _height(part: Part) -> int:
    """How many rows a part takes."""
    match part.kind:
        case "copy" | "discard" | "in" | "out":
            return 1
        case "gap":
            return (3 if _framed(part) else 1) + (1 if len(part.absent) < part.ins else 0)
        case _:
            return 5 if part.fed or part.grounded else 3


def _crossing(cell: list[tuple[int, bool]]) -> str:
    """The character for the wires in a cell: where two cross, the one that goes up passes over the other."""
    if len(cell) == 1:
        mask, dashed = cell[0]
    else:
        mask, dashed = next(((m, d) for m, d in cell if m == _UP | _DOWN), (0, False))
        if not mask:
            for m, d in cell:
                mask, dashed = mask | m, dashed and d
    return (_DASHED if dashed else _LINES).get(mask, " ")
