"""A scene as PDF (through ReportLab) and as PNG (that PDF, rendered by PDFium)."""

from __future__ import annotations

import io
import math
from typing import Any

from strings.picture.files import missing_package
from strings.picture.fonts import SYMBOL, TIMES, font_of, pillow_font, runs
from strings.picture.glyphs import STYLES, Circle, Path, Polygon, Shape, Text
from strings.picture.scene import Scene

_MOST_PIXELS = 16_000  # a side
_MOST_AREA = 60_000_000
_FINE = 8  # pixels to a point, of text that Pillow draws


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
    canvas.setTitle(_plain(scene.title or "string diagram"))
    canvas.setSubject(_plain(scene.about))
    canvas.translate(0, scene.height)
    canvas.scale(1, -1)
    canvas.setLineJoin(1)
    for shape in scene.shapes:
        _draw(canvas, shape)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def to_png(scene: Scene, scale: float = 3.0) -> bytes:
    """The scene in pixels, `scale` of them to a point, on white; fewer to a point if it is very large.

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
        scale = min(
            scale,
            _MOST_PIXELS / max(scene.width, scene.height),
            math.sqrt(_MOST_AREA / (scene.width * scene.height)),
        )
        colours = {c for s in scene.shapes for c in (STYLES[s.style].stroke, STYLES[s.style].fill) if c}
        coloured = any(len({c[1:3], c[3:5], c[5:7]}) > 1 for c in colours)
        image: Image.Image = document[0].render(scale=scale, grayscale=not coloured).to_pil()
        buffer = io.BytesIO()
        image.convert("RGB" if coloured else "L").save(buffer, format="PNG")
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

    pieces = []
    for font, run in runs(text.text):
        drawn = None if font.name else _drawn(font.file, run, size, STYLES[text.style].fill)
        pieces.append((font, run, drawn, drawn[1] if drawn else stringWidth(run, font.name, size)))
    x = -sum(width for *_, width in pieces) * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor]
    canvas.saveState()
    canvas.translate(text.x, text.y)
    canvas.scale(1, -1)
    if text.slanted:
        canvas.rotate(45)
    for font, run, drawn, width in pieces:
        if drawn:
            image, _, (left, low, wide, high) = drawn
            canvas.drawImage(image, x + left, low, wide, high, mask="auto")
        else:
            canvas.setFont(font.name, size)
            canvas.drawString(x, 0, run)
        x += width
    canvas.restoreState()


def _drawn(file: str, text: str, size: float, colour: str) -> tuple[Any, float, tuple[float, float, float, float]]:
    """Text as an image: the image, how far the text advances, and where the image goes (left, low, width, height)."""
    from PIL import Image, ImageColor, ImageDraw
    from reportlab.lib.utils import ImageReader

    face = pillow_font(file, round(size * _FINE))
    left, top, right, bottom = face.getbbox(text, anchor="ls")
    image = Image.new("RGBA", (max(1, right - left), max(1, bottom - top)), (*ImageColor.getrgb(colour)[:3], 0))
    ImageDraw.Draw(image).text((-left, -top), text, font=face, fill=colour, anchor="ls")
    place = (left / _FINE, -bottom / _FINE, image.width / _FINE, image.height / _FINE)
    return ImageReader(image), face.getlength(text) / _FINE, place


def _plain(text: str) -> str:
    """Text for the description of the file, which needs no font."""
    return "".join(c if font_of(c) in (TIMES, SYMBOL) else "?" for c in text)
