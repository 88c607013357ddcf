"""Settings of Sphinx, and how docstrings, which are plain text with `code`, become reStructuredText.

The pages that Sphinx reads are made by `docs/build.py`, from the Markdown pages here: `make site`.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from cutwire import __version__

project = "Cutwire"
author = copyright = "The Cutwire authors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_mock_imports = [m for m in ("pyro", "torch") if importlib.util.find_spec(m) is None]
python_use_unqualified_type_names = True
# Types of several rooms share short names (`Identification`): an annotation then links to none of them.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = "Cutwire"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}

_CODE = re.compile(r"(?P<tick>`+)(?P<code>.+?)(?P=tick)(?P<next>\w?)", re.DOTALL)
_HEADER = re.compile(r"(Raises|Args|Returns|Yields):$")


def reworded(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText: `code` is literal, nothing else is markup but lists, examples and headers.

    >>> reworded(["The `n` of *args.", "", "Raises:", "    ValueError: for a_ `x`s.", "", ">>> 2 * 3", "6"])
    ['The ``n`` of \\\\*args.', '', 'Raises:', '    ValueError: for a\\\\_ ``x``\\\\ s.', '', '>>> 2 * 3', '6']
    """
    found: list[str] = []
    for paragraph in "\n".join(lines).strip("\n").split("\n\n"):
        rows = paragraph.split("\n")
        if rows[0].startswith(">>>"):
            found += [*rows, ""]
        elif all(row.startswith("    ") for row in rows) and (not found or not _HEADER.match(found[-2].strip())):
            found += ["::", "", *rows, ""]
        else:
            found += [*_prose(rows), ""]
    return found[:-1]


def _prose(rows: list[str]) -> list[str]:
    """Rows of a paragraph, a blank row before a list or an example that follows a text at once."""
    at = next((k for k, row in enumerate(rows) if row.startswith(">>>")), len(rows))
    found: list[str] = []
    for row in "".join(_escaped("\n".join(rows[:at]))).split("\n") if at else []:
        listed = row.lstrip().startswith("- ")
        if listed and found and not any(r.lstrip().startswith("- ") for r in found):
            found.append("")
        found.append(row)
    return [*found, *([""] if at and rows[at:] else []), *rows[at:]]


def _escaped(text: str) -> list[str]:
    found, at = [], 0
    for match in _CODE.finditer(text):
        code = " ".join(match["code"].split())
        shown = f"``{code}``" + ("\\ " + match["next"] if match["next"] else "")
        found += [_quiet(text[at : match.start()]), shown]
        at = match.end()
    return [*found, _quiet(text[at:])]


def _quiet(text: str) -> str:
    """No markup in a text but *emphasis*."""
    pieces = re.split(r"((?<![\w*])\*\w(?:[^*]*\w)?\*(?![\w*]))", text)
    return "".join(p if k % 2 else re.sub(r"([\\*|`]|_(?!\w))", r"\\\1", p) for k, p in enumerate(pieces))


def _docstring(_app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = reworded(lines) if any(lines) else []


def setup(app: Any) -> None:
    """Docstrings are reworded before napoleon reads them; languages without a lexer are shown plainly."""
    from pygments.lexers import find_lexer_class_by_name
    from pygments.lexers.special import TextLexer
    from pygments.util import ClassNotFound

    app.connect("autodoc-process-docstring", _docstring, priority=100)
    for language in ("causal", "session", "bif", "dagitty", "gml"):
        try:
            find_lexer_class_by_name(language)
        except ClassNotFound:
            app.add_lexer(language, TextLexer)
