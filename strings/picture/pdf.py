"""A scene as PDF (through ReportLab) and as PNG (that PDF, rendered by PDFium).

Latin text is set in Times Italic and Greek in Symbol, which every PDF reader has, so no font file is needed. Other
scripts use a TrueType font of the system if there is one; a character that no font has becomes `?`.
"""

from __future__ import annotations

import io
from functools import cache
from itertools import groupby
from pathlib import Path as FilePath
from typing import Any

from strings.picture.files import missing_package
from strings.picture.glyphs import STYLES, Circle, Path, Polygon, Shape, Text
from strings.picture.scene import Scene

_TIMES, _SYMBOL, _SYSTEM = "Times-Italic", "Symbol", "CutwireSystem"
_GREEK = frozenset(map(chr, [*range(0x391, 0x3A2), *range(0x3A3, 0x3CA)])) | frozenset("→←≠≤≥±∞")
_MOST_PIXELS = 16000
_FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/Library/Fonts",
    "/System/Library/Fonts/Supplemental",
    "C:/Windows/Fonts",
)
_FONT_FILES = ("DejaVuSerif-Italic.ttf", "DejaVuSerif.ttf", "DejaVuSans.ttf", "Arial Unicode.ttf", "times.ttf")


def to_pdf(scene: Scene) -> bytes:
    """The scene as one page; the same scene gives the same bytes.

    Raises:
        PictureError: V003 if ReportLab is not installed.
    """
    try:
        from reportlab.pdfgen.canvas import Canvas
    except ImportError:
        raise missing_package("PDF", "reportlab") from None
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(scene.width, scene.height), invariant=1, pageCompression=1)
    canvas.setTitle(_latin(scene.title or "string diagram"))
    canvas.setSubject(_latin(scene.about))
    canvas.translate(0, scene.height)
    canvas.scale(1, -1)
    canvas.setLineJoin(1)
    for shape in scene.shapes:
        _draw(canvas, shape)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def to_png(scene: Scene, scale: float = 3.0) -> bytes:
    """The scene in pixels, `scale` of them to a point, on white; fewer where that gave more than 16000 a side.

    Raises:
        PictureError: V003 if ReportLab, pypdfium2 or Pillow is not installed.
    """
    data = to_pdf(scene)
    try:
        import pypdfium2
        from PIL import Image
    except ImportError as error:
        raise missing_package("PNG", "pypdfium2" if "pdfium" in str(error) else "pillow") from None
    document = pypdfium2.PdfDocument(data)
    try:
        scale = min(scale, _MOST_PIXELS / max(scene.width, scene.height))
        image: Image.Image = document[0].render(scale=scale).to_pil()
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, format="PNG", optimize=True)
    finally:
        document.close()
    return buffer.getvalue()


def _draw(canvas: Any, shape: Shape) -> None:
    style = STYLES[shape.style]
    if style.stroke:
        canvas.setStrokeColor(style.stroke)
        canvas.setLineWidth(style.width)
        canvas.setDash([5, 3.5] if style.dashed else [])
        canvas.setLineCap(0 if style.dashed else 1)
    if style.fill:
        canvas.setFillColor(style.fill)
    stroke, fill = int(bool(style.stroke)), int(bool(style.fill))
    match shape:
        case Circle(x, y, radius):
            canvas.circle(x, y, radius, stroke=stroke, fill=fill)
        case Text():
            _write(canvas, shape, style.size)
        case Path(commands):
            canvas.drawPath(_outline(canvas, commands), stroke=stroke, fill=fill)
        case Polygon(points):
            commands = tuple(("L" if k else "M", p) for k, p in enumerate(points))
            outline = _outline(canvas, commands)
            outline.close()
            canvas.drawPath(outline, stroke=stroke, fill=fill)


def _outline(canvas: Any, commands: tuple[tuple[str, tuple[float, ...]], ...]) -> Any:
    path = canvas.beginPath()
    for command, points in commands:
        match command:
            case "M":
                path.moveTo(*points)
            case "L":
                path.lineTo(*points)
            case _:
                path.curveTo(*points)
    return path


def _write(canvas: Any, text: Text, size: float) -> None:
    """A line of text, run by run of equal font."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    runs = [(font, "".join(c for _, c in group)) for font, group in groupby(_fonts(text.text), key=lambda p: p[0])]
    width = sum(stringWidth(run, font, size) for font, run in runs)
    x = -width * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor]
    canvas.saveState()
    canvas.translate(text.x, text.y)
    canvas.scale(1, -1)
    for font, run in runs:
        canvas.setFont(font, size)
        canvas.drawString(x, 0, run)
        x += stringWidth(run, font, size)
    canvas.restoreState()


def _fonts(text: str) -> list[tuple[str, str]]:
    """Every character with the font to set it in."""
    return [_font_for(c) for c in text]


def _font_for(character: str) -> tuple[str, str]:
    if _in_latin(character):
        return _TIMES, character
    if character in _GREEK:
        return _SYMBOL, character
    font = _system_font()
    if font is not None and ord(character) in font:
        return _SYSTEM, character
    return _TIMES, "?"


def _in_latin(character: str) -> bool:
    return " " <= character <= "\xff" and not "\x7f" <= character <= "\x9f"


def _latin(text: str) -> str:
    return "".join(c if _in_latin(c) or c in _GREEK else "?" for c in text)


@cache
def _system_font() -> frozenset[int] | None:
    """Registers the first usable font of the system; the characters that it has."""
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    for file in _font_files():
        try:
            font = TTFont(_SYSTEM, str(file))
        except (TTFError, OSError):
            continue
        registerFont(font)
        return frozenset(font.face.charToGlyph)
    return None


def _font_files() -> list[FilePath]:
    folders = [FilePath(f) for f in _FONT_FOLDERS if FilePath(f).is_dir()]
    return [path for name in _FONT_FILES for folder in folders for path in sorted(folder.rglob(name))]
