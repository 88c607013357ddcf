"""Text inside of XML and HTML: names and values of a model file may hold anything."""

from __future__ import annotations

from xml.sax.saxutils import escape


def escaped(text: str) -> str:
    """Text that XML can hold, its signs escaped: control characters become spaces.

    >>> escaped("a < b\\x00")
    'a &lt; b '
    """
    return escape("".join(c if _allowed(c) else " " for c in text), {'"': "&quot;"})


def _allowed(c: str) -> bool:
    return (c >= " " and not "\x7f" <= c <= "\x9f" and c not in "\ufffe\uffff") and not "\ud800" <= c <= "\udfff"
