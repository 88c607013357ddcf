"""A scene as SVG text: standard library only, no style sheet (so pictures in one page do not disturb each other)."""

from __future__ import annotations

from itertools import groupby
from xml.sax.saxutils import quoteattr

from strings.markup import escaped
from strings.picture.glyphs import STYLES, Circle, Path, Polygon, Shape, Text
from strings.picture.scene import Scene

FONTS = "Latin Modern Math, Times New Roman, Times, Liberation Serif, DejaVu Serif, serif"


def to_svg(scene: Scene) -> str:
    """The SVG text, with a title and a description for readers who do not see it."""
    width, height = number(scene.width), number(scene.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family={quoteattr(FONTS)} font-style="italic">',
        f"<title>{escaped(scene.title or 'string diagram')}</title>",
        f"<desc>{escaped(scene.about)}</desc>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for style, shapes in groupby(scene.shapes, key=lambda s: s.style):
        lines.append(f"<g {_attributes(style)}>")
        lines.extend(_element(s) for s in shapes)
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""])


def number(value: float) -> str:
    """A coordinate with at most two decimals and no trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _attributes(name: str) -> str:
    style = STYLES[name]
    parts = [f'fill="{style.fill or "none"}"']
    if style.stroke:
        parts.append(f'stroke="{style.stroke}" stroke-width="{number(style.width)}" stroke-linejoin="round"')
        parts.append('stroke-dasharray="5 3.5"' if style.dashed else 'stroke-linecap="round"')
    if style.size:
        parts.append(f'font-size="{number(style.size)}"')
    return " ".join(parts)


def _element(shape: Shape) -> str:
    match shape:
        case Path(commands):
            data = " ".join(c + " ".join(number(p) for p in points) for c, points in commands)
            return f'<path d="{data}"/>'
        case Polygon(points):
            return f'<polygon points="{" ".join(f"{number(x)},{number(y)}" for x, y in points)}"/>'
        case Circle(x, y, radius):
            return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>'
        case Text(x, y, text, _, anchor, slanted):
            turn = f' transform="rotate(-45 {number(x)} {number(y)})"' if slanted else ""
            return f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"{turn}>{escaped(text)}</text>'
