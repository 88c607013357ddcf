"""How wide a line of text is, from the advance widths of Times Italic, and how a text is broken into lines.

The font a reader has may be a little wider, so shapes leave room around their labels.

>>> round(text_width("smoking", 17.0))
60
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

# Advance widths of the characters from space to tilde, in thousandths of the font size.
_TIMES_ITALIC = (
    "250 333 420 500 500 833 778 214 333 333 500 675 250 333 250 278 500 500 500 500 500 500 500 500 500 500 333 333 "
    "675 675 675 500 920 611 611 667 722 611 611 722 722 333 444 667 556 833 667 722 611 722 611 500 556 722 611 833 "
    "611 556 556 389 278 389 422 500 333 500 500 444 500 444 278 500 500 278 278 444 278 722 500 500 500 500 389 389 "
    "278 500 444 667 444 444 389 400 275 400 541"
)
_WIDTHS = tuple(int(w) for w in _TIMES_ITALIC.split())


def text_width(text: str, size: float) -> float:
    """The estimated width of `text` at a font size, in the same unit."""
    return sum(_advance(c) for c in text) * size * 1.06 / 1000


def _advance(character: str) -> int:
    code = ord(character) - 32
    if 0 <= code < len(_WIDTHS):
        return _WIDTHS[code]
    if unicodedata.combining(character):
        return 0
    return 1000 if unicodedata.east_asian_width(character) in "WF" else 620


def broken(text: str, room: float, size: float) -> list[str]:
    """A text in lines that fit: broken at blanks, outside of brackets if it can be, and inside of long words.

    >>> broken("Q[T] is a factor of Q[S, T]", 100, 14.0)
    ['Q[T] is a factor', 'of Q[S, T]']
    """
    lines = [""]
    for word in _words(text, room, size):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if text_width(longer, size) <= room:
            lines[-1] = longer
        elif text_width(word, size) <= room:
            lines.append(word)
        else:
            lines += [""] if lines[-1] else []
            for c in word:
                if lines[-1] and text_width(lines[-1] + c, size) > room:
                    lines.append("")
                lines[-1] += c
    return lines


def _words(text: str, room: float, size: float) -> Iterator[str]:
    """The words of a text; what stands in brackets is one with them, if it fits into a line."""
    held: list[str] = []
    for word in text.split():
        held.append(word)
        together = " ".join(held)
        if sum(map(together.count, "([{")) <= sum(map(together.count, ")]}")):
            yield from [together] if text_width(together, size) <= room else held
            held = []
    yield from held
