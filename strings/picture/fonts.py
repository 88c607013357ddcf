"""Fonts for PDF and PNG, which, unlike SVG, must have the shape of every character.

Latin text is set in Times Italic and Greek in Symbol, which every PDF reader has. For other characters the fonts of the
system are searched: one that ReportLab can embed is embedded, of any other (CFF outlines, mostly) Pillow draws the
text. A character that no font has becomes a question mark, and a warning says so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from strings.diagnostic import Diagnostic

_GREEK = frozenset(map(chr, [*range(0x391, 0x3A2), *range(0x3A3, 0x3CA)])) | frozenset("→←≠≤≥±∞")
_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    "/System/Library/Fonts",
    "C:/Windows/Fonts",
    "~/AppData/Local/Microsoft/Windows/Fonts",
)
_FIRST = ("DejaVuSerif-Italic.ttf", "DejaVuSerif.ttf", "DejaVuSans.ttf", "Arial Unicode.ttf", "times.ttf")
_ENDINGS = (".ttf", ".ttc", ".otf", ".otc")
_PLACEHOLDERS = ("lastresort", "adobeblank", "notdef")  # fonts that have a shape for everything, but not its own
_MOST = 3000  # font files that are tried
_NOTHING = "\U0010ffff"  # a character that no font has


@dataclass(frozen=True, slots=True)
class Font:
    """A font by the name under which ReportLab knows it; or, if ReportLab cannot embed it, only its file."""

    name: str
    file: str = ""


TIMES, SYMBOL = Font("Times-Italic"), Font("Symbol")


def runs(text: str) -> list[tuple[Font, str]]:
    """The text cut into pieces of one font each, missing characters replaced."""
    pieces: list[tuple[Font, str]] = []
    for c in printable(text):
        font = font_of(c)
        pieces.append((TIMES, "?") if font is None else (font, c))
    return [(font, "".join(c for _, c in group)) for font, group in groupby(pieces, key=lambda p: p[0])]


def printable(text: str) -> str:
    r"""Letters composed with their accents, control characters as spaces, invisible ones left out.

    >>> printable("e\u0301\n\u200bx") == "\xe9 x"
    True
    """
    kinds = {"Cc": " ", "Zs": " ", "Zl": " ", "Zp": " ", "Cf": ""}
    return "".join(kinds.get(unicodedata.category(c), c) for c in unicodedata.normalize("NFC", text))


def missing_glyphs(texts: Iterable[str]) -> Diagnostic | None:
    """V005, a warning: which characters of the texts no font has.

    >>> missing_glyphs(["smoking", "θ = yes"]) is None
    True
    """
    missing = list(dict.fromkeys(c for text in texts for c in printable(text) if font_of(c) is None))
    if not missing:
        return None
    shown = ", ".join(f"`{c}`" for c in missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
    return Diagnostic(
        "V005",
        f"no font here has {shown}",
        notes=("the picture shows `?` in their place",),
        help=("write a `.svg` file, which has the text as it is", "or install a font that has them"),
        severity="warning",
    )


@cache
def font_of(character: str) -> Font | None:
    """The font to set a character in, if there is one."""
    if is_latin(character):
        return TIMES
    if character in _GREEK:
        return SYMBOL
    for file in _files():
        if _has(file, character):
            return _embedded(file) or Font("", file)
    return None


def is_latin(character: str) -> bool:
    return " " <= character <= "\xff" and not "\x7f" <= character <= "\x9f"


def _has(file: str, character: str) -> bool:
    """Whether a font has its own shape for a character: one, and not the one for what it does not have."""
    face = pillow_font(file, 32)
    if face is None:
        return False
    try:
        mask, nothing = face.getmask(character), face.getmask(_NOTHING)
    except (OSError, ValueError):
        return False
    return mask.getbbox() is not None and (mask.size, bytes(mask)) != (nothing.size, bytes(nothing))


@cache
def pillow_font(file: str, size: int) -> Any:
    """The font of a file for Pillow, or `None` if that cannot read it."""
    from PIL import ImageFont

    try:
        return ImageFont.truetype(file, size)
    except (OSError, ValueError):
        return None


@cache
def _embedded(file: str) -> Font | None:
    """The font of a file, made known to ReportLab; `None` if that cannot embed it."""
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    name = f"Cutwire{_files().index(file)}"
    try:
        registerFont(TTFont(name, file))
    except (TTFError, OSError, ValueError, KeyError, IndexError):
        return None
    return Font(name, file)


@cache
def _files() -> tuple[str, ...]:
    """The font files of the system, the preferred ones first."""
    found: list[Path] = []
    for folder in (Path(f).expanduser() for f in _FOLDERS):
        if folder.is_dir():
            found += sorted(p for p in folder.rglob("*") if p.suffix.lower() in _ENDINGS)
    usable = [p for p in found if not any(word in p.name.lower().replace(" ", "") for word in _PLACEHOLDERS)]
    first = [p for name in _FIRST for p in usable if p.name == name]
    return tuple(dict.fromkeys(str(p) for p in [*first, *usable]))[:_MOST]
