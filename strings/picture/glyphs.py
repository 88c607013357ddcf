"""How each part looks: its size, where its wires end, and its shapes.

Lengths are in points. A part is drawn around `x`, in the room from `top` to `bottom`; the wires below it end at
`foot` and those above it at `head`. Shapes are the flat primitives that SVG and PDF both know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from strings.picture.graph import Lane, NewSource, Part
from strings.picture.text import text_width

PITCH = 34  # distance between two ports
BOX_HEIGHT = 26
STATE_HEIGHT = 30
_TRIANGLE = 20  # the widest label that stands in a triangle
LINE = 18  # height of a line of a heading
LABEL, SMALL, TITLE, HEADING, CAPTION = 17.0, 12.0, 15.0, 19.0, 14.0  # font sizes


class Size(NamedTuple):
    """The room of a part: how far it reaches left and right of its middle, its height, and how much of that is foot.

    The foot of a box is the room below it for new sources on its ports; `pitch` is the distance between its ports.
    """

    left: int
    right: int
    height: int
    foot: int = 0
    pitch: int = PITCH


@dataclass(frozen=True, slots=True)
class Path:
    """A stroked line: commands `M`, `L` with one point, `C` with three, coordinates flat."""

    commands: tuple[tuple[str, tuple[float, ...]], ...]
    style: str


def bezier(start: tuple[float, float], curve: tuple[float, ...], steps: int) -> list[tuple[float, float]]:
    """Points along a cubic curve, its start left out."""
    (x0, y0), (x1, y1, x2, y2, x3, y3) = start, curve
    points = []
    for k in range(1, steps + 1):
        t = k / steps
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        points.append((a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3))
    return points


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed outline with a fill."""

    points: tuple[tuple[float, float], ...]
    style: str


@dataclass(frozen=True, slots=True)
class Circle:
    """A filled disc."""

    x: float
    y: float
    radius: float
    style: str


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `y` is the base line, `anchor` says which end or middle `x` is; a slanted one rises at 45°."""

    x: float
    y: float
    text: str
    style: str
    anchor: str = "middle"
    slanted: bool = False


Shape = Path | Polygon | Circle | Text


@dataclass(frozen=True, slots=True)
class Style:
    """Stroke and fill colours (empty for none), line width, whether dashed, font size."""

    stroke: str = ""
    fill: str = ""
    width: float = 0.0
    dashed: bool = False
    size: float = 0.0


RED = "#b3261e"
FAINT = "#c4c4c4"
HUES = ("#d9e8f6", "#fde2c4", "#d8eed6", "#ecdcf3", "#fbf0b4", "#cdebea")
"""The colours that boxes may be filled with, to show what belongs together."""
SHADES = ("#ececec", "#e1ecf8", "#fbe9d3", "#e0f1de", "#f0e4f5", "#f8f0c8", "#d8efee")
"""The colours of lanes: in print all of them are one light grey."""
STYLES = {
    "wire": Style("#000000", "", 1.4),
    "latent": Style("#000000", "", 1.4, dashed=True),
    "red wire": Style(RED, "", 1.6),
    "red latent": Style(RED, "", 1.6, dashed=True),
    "box": Style("#000000", "#ffffff", 1.4),
    "hole": Style("#7a7a7a", "#ffffff", 1.4, dashed=True),
    "red box": Style(RED, "#ffffff", 1.7),
    "ground": Style("#000000", "", 1.7),
    "red ground": Style(RED, "", 1.9),
    "dot": Style("", "#000000"),
    "label": Style("", "#000000", size=LABEL),
    "red label": Style("", RED, size=LABEL),
    "state": Style("", "#000000", size=15.0),
    "red state": Style("", RED, size=15.0),
    "small": Style("", "#5a5a5a", size=SMALL),
    "title": Style("", "#000000", size=TITLE),
    "red ring": Style("", RED),
    "ring": Style("", "#000000"),
    "arrow": Style("#000000", "", 1.6),
    "arrow head": Style("", "#000000"),
    "faint wire": Style(FAINT, "", 1.2),
    "faint latent": Style(FAINT, "", 1.2, dashed=True),
    "faint box": Style(FAINT, "#ffffff", 1.2),
    "faint ground": Style(FAINT, "", 1.4),
    "faint dot": Style("", FAINT),
    "faint label": Style("", FAINT, size=LABEL),
    "faint state": Style("", FAINT, size=15.0),
    "faint small": Style("", FAINT, size=SMALL),
    "faint ring": Style("", FAINT),
    "frame": Style("#d5d5d5", "", 1.0),
    "heading": Style("", "#000000", size=HEADING),
    "caption": Style("", "#000000", size=CAPTION),
    "law": Style("", "#5a5a5a", size=SMALL),
}
for _k, _hue in enumerate(HUES):
    STYLES |= {f"{tint}box {_k}": replace(STYLES[f"{tint}box"], fill=_hue) for tint in ("", "red ")}
for _k, _shade in enumerate(SHADES):
    STYLES[f"lane {_k}"] = Style("", _shade)


def lane_width(lane: Lane) -> int:
    """The least width of a lane: that of its heading, and some room."""
    return max((_text(line, CAPTION) for line in lane.heading), default=0) + 20


def size_of(part: Part) -> Size:
    """The room that a part needs."""
    ports = max(part.ins, part.outs, 1) * PITCH
    match part.kind:
        case "box" | "hole":
            return _box_size(part)
        case "state" | "point" | "effect":
            return _even(max(state_width(part.label), ports), STATE_HEIGHT)
        case "uniform":
            return _even(ports - 10, 18)
        case "copy":
            return Size(5, 5, 0)
        case "discard":
            return Size(10, 10, 18)
        case "in" | "out" if part.slanted:
            return Size(8, 8, 12 + round(0.71 * text_width(part.label, LABEL)))
        case "in" | "out":
            return _even(max(12, _text(part.label, LABEL)), 24)
        case "gap":
            above = _source_size(part.source)
            return _even(max(ports - 10, above[0]), above[1] + (28 if part.ins else 0))


def _box_size(part: Part) -> Size:
    """The room of a box; new sources on its ports hang in its foot and may push the ports apart."""
    widest = max((_source_size(s)[0] for _, s in part.fed), default=0)
    foot = max([0, *(_source_size(s)[1] + 36 for _, s in part.fed), *(26 for _ in part.grounded)])
    reach = widest // 2 if len(part.fed) < 2 else widest
    pitch = max(PITCH, 2 * ((reach + 11) // 2)) if part.ins > 1 else PITCH
    width = max(_body_width(part, pitch), (part.ins - 1) * pitch + widest)
    return _even(width, BOX_HEIGHT + foot, foot, pitch)


def _body_width(part: Part, pitch: int) -> int:
    """The width of the rectangle of a box."""
    ports = max(part.ins, part.outs, 1)
    width = max(PITCH, ports * pitch - 4, _text(part.label, LABEL) + 18)
    return width + width % 2


def port_offset(port: int, ports: int, pitch: int) -> int:
    """How far right of the middle of a part a port is."""
    return (2 * port - ports + 1) * pitch // 2


def state_width(label: str) -> int:
    """The width of a state with this label inside."""
    text = _text(label, 15)
    return max(46, 2 * text + 24) if text <= _TRIANGLE else text + 18


def _text(label: str, size: float) -> int:
    return round(text_width(label, size))


def _even(width: int, height: int, foot: int = 0, pitch: int = PITCH) -> Size:
    half = (width + 1) // 2
    return Size(half, half, height, foot, pitch)


def _source_size(source: NewSource | None) -> tuple[int, int]:
    match source:
        case None:
            return (0, 0)
        case NewSource("uniform"):
            return (24, 18)
        case NewSource("point", label):
            return (state_width(label), STATE_HEIGHT)
        case NewSource(_, label):
            return (max(12, _text(label, LABEL)), 34)


class Drawn(NamedTuple):
    """The shapes of a part and the heights at which wires end: above it, below it, and cut off below a new source."""

    shapes: list[Shape]
    head: float
    foot: float
    cut_foot: float = 0.0


def draw_part(part: Part, x: float, top: float, bottom: float, room: Size) -> Drawn:
    """Draw a part in its layer, which reaches from `top` to `bottom`, inside its room.

    Boxes stand in the middle; sources lie high, where their wire goes, and grounds low.
    """
    middle = (top + bottom) / 2
    tint = _tint(part)
    match part.kind:
        case "box" | "hole":
            return _box(part, x, middle, room)
        case "state" | "point":
            width = 2 * size_of(part).left
            y = middle - STATE_HEIGHT / 2
            return Drawn(_state(x, y, width, part.label, tint, part.hue), y, bottom)
        case "effect":
            width = 2 * size_of(part).left
            y = middle + STATE_HEIGHT / 2
            return Drawn(_effect(x, y, width, part.label, tint, part.hue), top, y)
        case "uniform":
            spots = [x + port_offset(k, part.outs, room.pitch) for k in range(part.outs)]
            return Drawn([s for spot in spots for s in ground(spot, top + 8, 1, tint)], top + 8, bottom)
        case "discard":
            return Drawn(ground(x, bottom - 8, -1, tint), top, bottom - 8)
        case "copy":
            dot = [Circle(x, top, 3.3, "faint dot" if part.faint else "dot")] if part.outs else []
            return Drawn([*dot], top, top)
        case "in" if part.slanted:
            return Drawn([Text(x + 8, top + 12, part.label, tint + "label", "end", True)], top + 2, bottom)
        case "out" if part.slanted:
            return Drawn([Text(x + 1, bottom - 5, part.label, tint + "label", "start", True)], top, bottom - 2)
        case "in":
            return Drawn([Text(x, top + 19, part.label, tint + "label")], top + 2, bottom)
        case "out":
            return Drawn([Text(x, bottom - 8, part.label, tint + "label")], top, bottom - 2)
        case "gap":
            return _gap(part, x, middle, room.pitch)


def _box(part: Part, x: float, room_middle: float, room: Size) -> Drawn:
    """A rectangle; new sources on its ports hang below it, and the old wires end in grounds below those."""
    tint = _tint(part)
    half = _body_width(part, room.pitch) / 2
    middle, room_bottom = room_middle - room.foot / 2, room_middle + room.height / 2
    top, low = middle - BOX_HEIGHT / 2, middle + BOX_HEIGHT / 2
    style = "hole" if part.kind == "hole" else _filled(tint, part.hue)
    shapes: list[Shape] = [_rectangle(x - half, top, x + half, low, style)]
    shapes.append(Text(x, middle + 5, part.label, tint + "label"))
    for port, source in part.fed:
        at = x + port_offset(port, part.ins, room.pitch)
        shapes.append(Path((("M", (at, low + 12)), ("L", (at, low))), "red wire"))
        shapes.extend(_new_source(source, at, low + 12, "red "))
    for port in (*(port for port, _ in part.fed), *part.grounded):
        at = x + port_offset(port, part.ins, room.pitch)
        shapes.extend(ground(at, room_bottom - 8, -1, "red "))
    return Drawn(shapes, top, low, room_bottom - 8)


def _gap(part: Part, x: float, middle: float, pitch: int) -> Drawn:
    """What surgery leaves of a box: grounds below, a new source above on every output."""
    height = size_of(part).height
    top, low = middle - height / 2, middle + height / 2
    tint = _tint(part)
    shapes: list[Shape] = []
    for k in range(part.ins):
        if k not in part.absent:
            shapes.extend(ground(x + port_offset(k, part.ins, pitch), low - 8, -1, tint))
    source = part.source or NewSource("uniform")
    stub = {"uniform": 8, "point": 0, "open": 8}[source.kind]
    for k in range(part.outs):
        at = x + port_offset(k, part.outs, pitch)
        if stub:
            shapes.append(Path((("M", (at, top + stub)), ("L", (at, top))), tint + "wire"))
        shapes.extend(_new_source(source, at, top + stub, tint))
    return Drawn(shapes, top, low - 8)


def _new_source(source: NewSource, x: float, y: float, tint: str) -> list[Shape]:
    """A source whose wire starts at height `y`."""
    match source.kind:
        case "uniform":
            return ground(x, y, 1, tint)
        case "point":
            return _state(x, y, state_width(source.label), source.label, tint)
        case "open":
            ring: Shape = Circle(x, y, 2.4, tint + "ring")
            return [ring, Text(x, y + 19, source.label, tint + "label")]


def ground(x: float, y: float, down: int, tint: str = "") -> list[Shape]:
    """Three shrinking bars from height `y`: discard goes up (`down = -1`), uniform goes down (`down = 1`)."""
    return [
        Path((("M", (x - half, y + down * k * 4)), ("L", (x + half, y + down * k * 4))), tint + "ground")
        for k, half in enumerate((10.0, 6.5, 3.0))
    ]


def _rectangle(left: float, top: float, right: float, bottom: float, style: str) -> Polygon:
    return Polygon(((left, top), (right, top), (right, bottom), (left, bottom)), style)


def _tint(part: Part) -> str:
    return "red " if part.red else "faint " if part.faint else ""


def _filled(tint: str, hue: int | None) -> str:
    """The style of the outline of a box."""
    return f"{tint}box" if hue is None else f"{tint}box {hue % len(HUES)}"


def _state(x: float, y: float, width: float, label: str, tint: str, hue: int | None = None) -> list[Shape]:
    """A triangle that points down; with a long label, a rectangle with a pointed bottom."""
    half = width / 2
    corners = [(x - half, y), (x + half, y)]
    if _text(label, 15) > _TRIANGLE:
        corners += [(x + half, y + 19), (x, y + STATE_HEIGHT), (x - half, y + 19)]
    else:
        corners += [(x, y + STATE_HEIGHT + 3)]
    return [Polygon(tuple(corners), _filled(tint, hue)), Text(x, y + 14.5, label, tint + "state")]


def _effect(x: float, y: float, width: float, label: str, tint: str, hue: int | None = None) -> list[Shape]:
    """A state upside down, its wire below at height `y`."""
    half = width / 2
    corners = [(x - half, y), (x + half, y)]
    if _text(label, 15) > _TRIANGLE:
        corners += [(x + half, y - 19), (x, y - STATE_HEIGHT), (x - half, y - 19)]
    else:
        corners += [(x, y - STATE_HEIGHT - 3)]
    return [Polygon(tuple(corners), _filled(tint, hue)), Text(x, y - 6, label, tint + "state")]
