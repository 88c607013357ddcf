"""Film strips: frames with captions, in rows of a bounded width.

A reel is a heading and its frames. Reels stand side by side as far as they fit; what does not goes on below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from strings.picture.glyphs import CAPTION, HEADING, SMALL, STYLES, Polygon, Shape, Text
from strings.picture.scene import PAD, Scene, moved
from strings.picture.text import broken, text_width

WIDEST = 1080  # of a strip, unless a single picture is wider
_NARROWEST = 190  # of a frame: captions have to be read
_INSIDE = 9  # between the border of a frame and its caption
_BETWEEN = 10  # two frames of a reel
_APART = 28  # two reels
_LINES = {CAPTION: 18, SMALL: 15}  # heights


class Line(NamedTuple):
    """A piece of a caption, broken into as many lines as it needs."""

    text: str
    style: str = "caption"


@dataclass(frozen=True)
class Frame:
    """A picture, if there is one, and what is said below it."""

    picture: Scene | None
    caption: tuple[Line, ...]


@dataclass(frozen=True)
class Reel:
    """Frames under a heading."""

    heading: str
    frames: tuple[Frame, ...]


def film_strip(reels: Sequence[Reel], title: str, about: str, widest: float = WIDEST) -> Scene:
    """All reels as one scene, side by side as far as they fit, the others below.

    >>> empty = Scene(80, 60, ())
    >>> strip = film_strip([Reel("why", (Frame(empty, (Line("because"),)),) * 9)], "why", "")
    >>> strip.width <= WIDEST, sum(s.style == "frame" for s in strip.shapes)
    (True, 9)
    """
    shapes: list[Shape] = []
    y, width = float(PAD), 0.0
    for row in _rows(reels, widest - 2 * PAD):
        frames = [placed for strip in row for placed in strip.frames]
        picture = max((f.picture.height for f, _ in frames if f.picture), default=0.0)
        height = picture + max((_caption_height(f, wide) for f, wide in frames), default=0.0)
        head = max(len(strip.heading) for strip in row) * 1.3 * HEADING
        x = float(PAD)
        for strip in row:
            base = y + head - 1.3 * HEADING * len(strip.heading)
            for k, text in enumerate(strip.heading):
                shapes.append(Text(x, base + (1.3 * k + 0.8) * HEADING, text, "heading", "start"))
            end = x + strip.width
            for frame, wide in strip.frames:
                shapes += _framed(frame, x, y + head, wide, height, picture)
                x += wide + _BETWEEN
            x = end + _APART
        width = max(width, x - _APART)
        y += head + height + _APART
    return Scene(width + PAD, max(y - _APART, PAD) + PAD, tuple(shapes), title, about)


class _Strip(NamedTuple):
    """A piece of a reel that stands in one row: the lines of its heading, and its frames with their widths."""

    heading: list[str]
    frames: list[tuple[Frame, float]]

    @property
    def width(self) -> float:
        heading = max((text_width(text, HEADING) for text in self.heading), default=0.0)
        return max(heading, _total(self.frames))


def _rows(reels: Sequence[Reel], room: float) -> Iterator[list[_Strip]]:
    """The pieces of each row."""
    row: list[_Strip] = []
    left = room
    for reel in reels:
        for strip in _strips(reel, room):
            if row and strip.width > left:
                yield row
                row, left = [], room
            row.append(strip)
            left -= strip.width + _APART
    if row:
        yield row


def _strips(reel: Reel, room: float) -> Iterator[_Strip]:
    """A reel in pieces that fit into a row; only the first has the heading."""
    frames = [(f, _width(f, room)) for f in reel.frames]
    heading = broken(reel.heading, _heading_room(frames, room), HEADING) if reel.heading else []
    strip = _Strip(heading, [])
    for frame in frames:
        if strip.frames and strip.width + _BETWEEN + frame[1] > room:
            yield strip
            strip = _Strip([], [])
        strip.frames.append(frame)
    yield strip


def _heading_room(frames: Sequence[tuple[Frame, float]], room: float) -> float:
    return min(room, max(_total(frames), 2 * _NARROWEST))


def _total(frames: Sequence[tuple[Frame, float]]) -> float:
    """The width of frames side by side."""
    return sum(wide for _, wide in frames) + _BETWEEN * max(len(frames) - 1, 0)


def _width(frame: Frame, room: float) -> float:
    """The width of the picture, and more for a long caption; without a picture that of the caption."""
    longest = max((text_width(line.text, STYLES[line.style].size) for line in frame.caption), default=0.0)
    if frame.picture is None:
        return min(max(longest + 2 * _INSIDE, _NARROWEST), room)
    return max(frame.picture.width, _NARROWEST, min(longest / 3, 2 * _NARROWEST))


def _caption_height(frame: Frame, wide: float) -> float:
    return sum(_LINES[size] for _, _, size in _lines(frame, wide)) + _INSIDE


def _framed(frame: Frame, x: float, y: float, wide: float, height: float, picture: float) -> Iterator[Shape]:
    """A frame of this size at `(x, y)`: the middles of pictures in a row are level, and so are captions."""
    yield Polygon(((x, y), (x + wide, y), (x + wide, y + height), (x, y + height)), "frame")
    if frame.picture is not None:
        dx, dy = x + (wide - frame.picture.width) / 2, y + (picture - frame.picture.height) / 2
        yield from (moved(s, dx, dy) for s in frame.picture.shapes)
    base = y + picture
    for text, style, size in _lines(frame, wide):
        base += _LINES[size]
        yield Text(x + _INSIDE, base - 0.3 * size, text, style, "start")


def _lines(frame: Frame, wide: float) -> Iterator[tuple[str, str, float]]:
    for line in frame.caption:
        size = STYLES[line.style].size
        for text in broken(line.text, wide - 2 * _INSIDE, size):
            yield text, line.style, size
