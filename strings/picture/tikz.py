"""A scene as a LaTeX document with one TikZ picture, cropped to it: compile it, or `\\includestandalone` it.

The shapes stand where they stand in the SVG, a unit to a point, `y` downwards. Colours and looks are styles with names,
so that a paper can change them in one place.
"""

from __future__ import annotations

from strings.latex import plain_text
from strings.picture.glyphs import STYLES, Circle, Path, Polygon, Shape, Style, Text
from strings.picture.scene import Scene
from strings.picture.svg import number

_PREAMBLE = r"""\documentclass[tikz]{standalone}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{mathptmx}"""


def to_tikz(scene: Scene) -> str:
    r"""The document. It needs the packages `standalone` and `tikz`, and compiles with any LaTeX.

    >>> from strings.picture.glyphs import Text
    >>> from strings.picture.scene import Scene
    >>> text = to_tikz(Scene(20, 10, (Text(10, 8, "a_b", "label"),), "m"))
    >>> print(*[line for line in text.splitlines() if line.startswith(r"\node")])
    \node[cw label, anchor=base] at (10, 8) {a\_b};
    """
    used = dict.fromkeys(s.style for s in scene.shapes)
    looks = [STYLES[name] for name in used]
    colours = dict.fromkeys(c for look in looks for c in (look.stroke, look.fill) if c)
    about = " ".join(f"{scene.title}: {scene.about}".split())
    lines = [
        f"% {about}" if about != ":" else "% A string diagram.",
        _PREAMBLE,
        *(rf"\definecolor{{{_colour(c)}}}{{HTML}}{{{c[1:].upper()}}}" for c in colours),
        r"\begin{document}",
        r"\begin{tikzpicture}[x=1bp, y=-1bp, line join=round,",
        *(f"  {_name(name)}/.style={{{_look(look)}}}," for name, look in zip(used, looks, strict=True)),
        "]",
        rf"\useasboundingbox (0, 0) rectangle ({number(scene.width)}, {number(scene.height)});",
        *map(_drawn, scene.shapes),
        r"\end{tikzpicture}",
        r"\end{document}",
        "",
    ]
    return "\n".join(lines)


def _name(style: str) -> str:
    return f"cw {style}"


def _colour(code: str) -> str:
    return f"cw{code[1:]}"


def _look(style: Style) -> str:
    """The options of TikZ for a style."""
    if style.size:
        size, skip = number(style.size), number(1.2 * style.size)
        font = rf"\fontsize{{{size}bp}}{{{skip}bp}}\itshape\selectfont"
        return f"inner sep=0pt, outer sep=0pt, text={_colour(style.fill)}, font={font}"
    parts = []
    if style.stroke:
        dash = "dash pattern=on 5bp off 3.5bp" if style.dashed else "line cap=round"
        parts.append(f"draw={_colour(style.stroke)}, line width={number(style.width)}bp, {dash}")
    if style.fill:
        parts.append(f"fill={_colour(style.fill)}")
    return ", ".join(parts)


def _drawn(shape: Shape) -> str:
    match shape:
        case Path(commands, style):
            return rf"\path[{_name(style)}] {' '.join(_segment(c, points) for c, points in commands)};"
        case Polygon(points, style):
            return rf"\path[{_name(style)}] {' -- '.join(_point(x, y) for x, y in points)} -- cycle;"
        case Circle(x, y, radius, style):
            return rf"\path[{_name(style)}] {_point(x, y)} circle[radius={number(radius)}bp];"
        case Text(x, y, text, style, anchor, slanted):
            end = {"start": "base west", "middle": "base", "end": "base east"}[anchor]
            turn = ", rotate=45" if slanted else ""
            return rf"\node[{_name(style)}, anchor={end}{turn}] at {_point(x, y)} {{{plain_text(text)}}};"


def _segment(command: str, points: tuple[float, ...]) -> str:
    pairs = [_point(x, y) for x, y in zip(points[::2], points[1::2], strict=True)]
    match command:
        case "M":
            return pairs[0]
        case "L":
            return f"-- {pairs[0]}"
        case _:
            return f".. controls {pairs[0]} and {pairs[1]} .. {pairs[2]}"


def _point(x: float, y: float) -> str:
    return f"({number(x)}, {number(y)})"
