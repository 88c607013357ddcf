"""Pictures inside a terminal that can show them: the graphics protocol of kitty, and inline images of iTerm2.

>>> protocol({"TERM": "xterm-kitty"}), protocol({"TERM_PROGRAM": "iTerm.app"}), protocol({"TERM": "xterm"})
('kitty', 'iterm', '')
>>> protocol({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0"})
''
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Literal

Protocol = Literal["", "kitty", "iterm"]

_CHUNK = 4096  # characters of one escape sequence, as kitty asks


def protocol(environment: Mapping[str, str]) -> Protocol:
    """How the terminal takes images, by what it says of itself; a multiplexer in between takes none."""
    program, term = environment.get("TERM_PROGRAM", ""), environment.get("TERM", "")
    if environment.get("TMUX") or environment.get("STY") or term.startswith(("screen", "tmux")):
        return ""
    if environment.get("KITTY_WINDOW_ID") or term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
        return "kitty"
    return "iterm" if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2" else ""


def escape(png: bytes, how: Protocol) -> str:
    r"""The escape sequences that show a PNG.

    >>> escape(b"png", "kitty")
    '\x1b_Ga=T,f=100,m=0;cG5n\x1b\\'
    >>> escape(b"png", "iterm")
    '\x1b]1337;File=inline=1;size=3:cG5n\x07'
    """
    text = base64.standard_b64encode(png).decode("ascii")
    if how == "iterm":
        return f"\x1b]1337;File=inline=1;size={len(png)}:{text}\x07"
    chunks = [text[k : k + _CHUNK] for k in range(0, len(text), _CHUNK)] or [""]
    found = []
    for k, chunk in enumerate(chunks):
        control = ("a=T,f=100," if k == 0 else "") + f"m={int(k < len(chunks) - 1)}"
        found.append(f"\x1b_G{control};{chunk}\x1b\\")
    return "".join(found)
