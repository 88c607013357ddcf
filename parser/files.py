"""Paths that a model file names: they must stay inside the folder of the main file, unless that is lifted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from parser.scope import problem, shorten, too_large
from strings.diagnostic import LanguageError, Span, did_you_mean

PICTURES = (".svg", ".png", ".pdf", ".tex", ".dot", ".gv")
"""Kinds of picture that can be drawn."""
GRAPHS = (".dot", ".gv")
"""Those that only a model can be drawn as."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where relative paths start (`here`), and the folder that they must not leave (`root`).

    `here` is the folder of the file that names the path, `root` that of the main file; `None` for a text without one.
    """

    here: Path | None
    root: Path | None
    allow_outside: bool = False

    def resolve(self, text: str, span: Span | None, what: str) -> Path:
        """The absolute path of a name in a file, symbolic links followed.

        Raises:
            LanguageError: F001 if there is no folder to start from, or the path leaves it.
        """
        if not text or "\0" in text:
            raise problem("F001", f"`{text}` is no path", span, "no file can be called that")
        if self.here is None or self.root is None:
            help_ = ("load it from a file, or say which folder its paths start from",)
            raise problem("F001", f"this text has no folder, so {what} cannot be found", span, "where?", help=help_)
        if not self.allow_outside and _is_absolute(text):
            raise self._outside(text, span, "an absolute path")
        if not self.allow_outside and ".." in text.replace("\\", "/").split("/"):
            raise self._outside(text, span, "`..` leads out of it")
        try:
            path = (self.here / text).resolve()
            root = self.root.resolve()
        except (OSError, RuntimeError) as e:
            raise problem("F002", f"`{text}` cannot be followed", span, str(e)) from None
        if not self.allow_outside and not path.is_relative_to(root):
            raise self._outside(text, span, "a link leads out of it")
        return path

    def _outside(self, text: str, span: Span | None, label: str) -> LanguageError:
        return problem(
            "F001",
            f"the path `{text}` leaves the model file's folder",
            span,
            label,
            help=("move the file into the folder, or allow it with --allow-outside",),
        )

    def existing(self, text: str, span: Span | None, what: str) -> Path:
        """The absolute path of a file that must be there.

        Raises:
            LanguageError: F001 as above, F002 if there is no such file.
        """
        path = self.resolve(text, span, what)
        try:
            is_file, exists = path.is_file(), path.exists()
        except OSError as e:
            raise problem("F002", "this file cannot be looked up", span, e.strerror or str(e)) from None
        if is_file:
            return path
        if exists:
            raise problem("F002", f"`{text}` is not a file", span, "this is a folder or the like")
        near = did_you_mean(path.name, _names_in(path.parent))
        there = shorten(_names_in(path.parent), 8)
        notes = (f"beside it are {there}",) if there and not near else ()
        raise problem("F002", f"there is no file `{text}`", span, "not found", notes=notes, help=near)

    def picture(self, text: str, span: Span | None) -> Path:
        """The absolute path that a picture is written to; its ending says what kind it is.

        Raises:
            LanguageError: V001 for an unknown ending, F001 as above.
        """
        ending = os.path.splitext(text)[1].lower()
        if ending not in PICTURES:
            known = ", ".join(f"`{e}`" for e in PICTURES)
            said = f"`{ending}` is not a kind of picture" if ending else f"`{text}` has no ending"
            help_ = did_you_mean(ending, PICTURES) or (f"name it `{os.path.splitext(text)[0] or 'picture'}.svg`",)
            raise problem("V001", said, span, "unknown ending", notes=(f"known are {known}",), help=help_)
        return self.resolve(text, span, "the picture")


def _is_absolute(text: str) -> bool:
    return text.startswith(("/", "\\", "~")) or (len(text) > 1 and text[1] == ":")


def _names_in(folder: Path, most: int = 1000) -> list[str]:
    """The names of visible files in a folder, in order."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    names.append(entry.name)
                if len(names) >= most:
                    break
    except OSError:
        return []
    return sorted(names)


MAX_BYTES = 20_000_000
"""A model file may be so large."""


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        LanguageError: F002 if it cannot be read, F007 if it is not UTF-8 text. LimitError: L003 if it is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as e:
        near = did_you_mean(path.name, _names_in(path.parent))
        raise problem("F002", f"cannot read `{path}`: {e.strerror or e}", help=near) from None
    if len(data) > MAX_BYTES:
        raise too_large(f"`{path}` is larger than {MAX_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise problem(
            "F007", f"`{path}` is not UTF-8 text", notes=(f"byte {e.start} is {data[e.start]:#04x}",)
        ) from None
