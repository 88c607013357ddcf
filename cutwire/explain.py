"""What a diagnostic code means: `cutwire explain Q002`.

Titles and explanations are those of `parser.codes`. Examples and advice stand in `docs/diagnostics.md`, once; a wheel
carries that page as `cutwire/diagnostics.md`. The message that an example gets is not written down: the example is read
and run.

>>> found = explain("T002")
>>> found.code.title
'A row does not sum to 1'
>>> print(found.example.text)
var S : {no, yes}
box s : -> S = [0.8, 0.3]
>>> print(found.example.message().partition(chr(10))[0])
error[T002]: this row does not sum to 1
"""

from __future__ import annotations

import re
import tempfile
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from parser.codes import CODES, Code
from strings.diagnostic import CutwireError, Diagnostic, QueryError, did_you_mean, visible

GROUPS = {
    "P": "Reading a text",
    "N": "Names and values",
    "T": "Tables and numbers",
    "M": "Models",
    "D": "Diagrams",
    "C": "Combs",
    "Q": "Questions",
    "E": "Estimates",
    "S": "Sampling and learning",
    "K": "Clusters",
    "G": "Linear models with normal noise",
    "W": "Several worlds",
    "F": "Files and data",
    "I": "Identification",
    "L": "Limits",
    "V": "Pictures",
    "B": "Networks in BIF",
    "A": "Graphs of other programs",
    "R": "The session",
    "X": "Cutwire itself",
}
"""What the letters of the codes speak of, in the order of the page."""

_PAGES = (Path(__file__).with_name("diagnostics.md"), Path(__file__).parent.parent / "docs" / "diagnostics.md")
"""The page: in an installation, in a checkout."""

_SECTION = re.compile(r"^### (?P<code>[A-Z]\d{3})\n\n[^\n]+\n(?P<rest>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```(\w+)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_LINK = re.compile(r"\[([^]\n]+)\]\([^)\n]+\)")
_ASKED = re.compile(r"(?:error|warning)?\[?([A-Za-z])(\d{1,3})\]?:?")
_WIDEST = 100


@dataclass(frozen=True, slots=True)
class Example:
    """An example of a code; `language` is the tag of its box: `text` is a model file, `bif` a network."""

    code: str
    language: str
    text: str

    def message(self) -> str:
        """What Cutwire says to it; empty for a session, which shows that itself."""
        found = diagnostics_of(self.text, self.language) if self.language in ("text", "bif") else ()
        return "\n\n".join(str(d) for d in found if d.code == self.code)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code, and the paragraphs and examples of its section in the order of the page."""

    code: Code
    parts: tuple[str | Example, ...]

    @property
    def example(self) -> Example | None:
        """The first example, if there is one."""
        return next((p for p in self.parts if isinstance(p, Example)), None)

    @property
    def advice(self) -> str:
        """What to do, if anything is said about it."""
        return " ".join(p.removeprefix("What to do. ") for p in self.parts if isinstance(p, str))

    def to_dict(self) -> dict[str, Any]:
        """The explanation for JSON."""
        example = self.example
        return {
            "code": self.code.code,
            "title": self.code.title,
            "explanation": self.code.explanation,
            "example": example.text if example else None,
            "message": (example.message() or None) if example else None,
            "advice": self.advice or None,
        }

    def render(self, width: int = 80) -> str:
        """The explanation as text; examples are never wrapped."""
        lines = [f"{self.code.code}: {self.code.title}", "", *_wrapped(self.code.explanation, width)]
        for part in self.parts:
            if isinstance(part, str):
                lines += ["", *_wrapped(part, width)]
                continue
            lines += ["", "For example:", "", textwrap.indent(part.text, "    ")]
            if message := part.message():
                lines += ["", "gets:", "", textwrap.indent(message, "    ")]
        return "\n".join(lines)


def explain(asked: str) -> Explanation:
    """The explanation of a code; `q2` and a pasted `error[Q002]:` will do.

    Raises:
        QueryError: N002 for what is no code.
    """
    match = _ASKED.fullmatch(asked.strip())
    code = match[1].upper() + match[2].zfill(3) if match else ""
    if code not in CODES:
        raise QueryError(_unknown(asked.strip()))
    return Explanation(CODES[code], _parts(code, sections().get(code, "")))


def overview(letter: str = "") -> dict[str, list[Code]]:
    """All codes by their groups, or those of one letter.

    >>> [code.code for code in overview("C")["C"]]
    ['C001', 'C002']
    """
    chosen = [g for g in GROUPS if letter in ("", g)]
    groups = {g: [c for c in CODES.values() if c.code[0] == g] for g in chosen}
    return {g: codes for g, codes in groups.items() if codes}


@lru_cache(maxsize=1)
def sections() -> dict[str, str]:
    """For every code what the page says behind its title and explanation, in Markdown."""
    page = next((p for p in _PAGES if p.exists()), None)
    text = page.read_text(encoding="utf-8") if page is not None else ""
    return {m["code"]: m["rest"].strip("\n") for m in _SECTION.finditer(text)}


def diagnostics_of(text: str, language: str = "text") -> tuple[Diagnostic, ...]:
    """The errors and warnings of a model file when it is read and run in an empty folder, or of a network."""
    from cutwire.program import parse
    from parser.bif import parse_bif

    try:
        if language == "bif":
            return tuple(parse_bif(text)[1])
        with tempfile.TemporaryDirectory(prefix="cutwire-") as folder:
            program = parse(text, "example.causal", Path(folder))
            list(program.run(out=Path(folder)))
            return tuple(program.warnings)
    except CutwireError as e:
        return e.diagnostics


def _parts(code: str, section: str) -> tuple[str | Example, ...]:
    """Paragraphs without marks, and examples."""
    found: list[str | Example] = []
    at = 0
    for match in [*_FENCE.finditer(section), None]:
        prose = section[at : match.start() if match else len(section)]
        found += [_plain(p) for p in prose.strip().split("\n\n") if p.strip()]
        if match:
            found.append(Example(code, match[1], match[2]))
            at = match.end()
    return tuple(found)


def _plain(paragraph: str) -> str:
    """A paragraph of Markdown on one line, without links and emphasis; code keeps its backticks.

    >>> _plain("*What to do.* See [the page](x.md) on `2 * 3 * 4`.")
    'What to do. See the page on `2 * 3 * 4`.'
    """
    pieces = re.split(r"(`[^`]*`)", " ".join(_LINK.sub(r"\1", paragraph).split()))
    return "".join(p if p.startswith("`") else _EMPHASIS.sub(r"\1", p) for p in pieces)


def _wrapped(text: str, width: int) -> list[str]:
    r"""Lines that break between words, and never within code.

    >>> _wrapped("Give weights, `[9 : 1]`, or not.", 20)
    ['Give weights,', '`[9 : 1]`, or not.']
    """
    whole = re.sub(r"`[^`]*`", lambda m: m[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    lines = textwrap.wrap(whole, min(width, _WIDEST), break_long_words=False, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _unknown(asked: str) -> Diagnostic:
    """N002, with codes that look or sound like what was asked."""
    words = asked.casefold()
    sounding = [c for c in CODES.values() if len(words) > 2 and words in f"{c.title} {c.explanation}".casefold()]
    near = did_you_mean(asked.upper(), CODES) if any(map(str.isdigit, asked)) else ()
    spoken = (f"codes that speak of this: {', '.join(c.code for c in sounding[:8])}",) if sounding else ()
    return Diagnostic(
        "N002",
        f"there is no diagnostic code `{visible(asked)}`",
        notes=spoken,
        help=(*near, "`cutwire explain` lists all codes"),
    )
