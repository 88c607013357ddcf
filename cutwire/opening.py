"""What every command begins with: the file it is given, and where it writes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cutwire.progress import working
from strings.diagnostic import Diagnostic, LanguageError, LimitError, QueryError, did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

    from cutwire.model import Model
    from cutwire.program import Program

BIF = (".bif", ".bif.gz")
_GRAPHS = (".dot", ".gv", ".dagitty", ".dag", ".gml")


def console() -> Console:
    """Standard output for people: colours on a terminal only, no wrapping in a pipe."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # and not SystemExit, which is rich's way

    width = None if sys.stdout.isatty() else 200
    return Output(highlight=False, emoji=False, markup=False, width=width, soft_wrap=True)


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to standard error, a blank line between two."""
    sys.stdout.flush()
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for i, d in enumerate(diagnostics):
        text = str(d)
        if colour:
            head, _, rest = text.partition("\n")
            paint = "\033[1;31m" if d.severity == "error" else "\033[1;33m"
            text = f"{paint}{head}\033[0m" + (f"\n{rest}" if rest else "")
        print(("\n" if i else "") + text, file=sys.stderr)


# ---- what is read ----------------------------------------------------------------------------------------------------


def is_brought(file: str) -> bool:
    """Whether a file is another program's: a network or a graph."""
    return file.lower().endswith((*BIF, *_GRAPHS))


def open_program(file: str, allow_outside: bool) -> Program:
    """A model file, or standard input for `-`."""
    from cutwire.program import load, parse

    if file == "-":
        return parse(typed_text(), "<stdin>", Path.cwd(), allow_outside=allow_outside)
    if is_brought(file):
        kind = "network" if file.endswith(BIF) else "graph"
        ask = "ask it with `cutwire query FILE QUESTION` or draw it with `cutwire draw`"
        decide = "ask it with `cutwire identify FILE QUESTION`, or make a model file of it with `cutwire convert`"
        raise LanguageError(
            Diagnostic(
                "F014",
                f"`{file}` is a {kind}, not a model file",
                help=(ask if kind == "network" else decide,),
            )
        )
    with working(f"reading {file}"):
        return load(file, allow_outside=allow_outside)


def typed_text() -> str:
    """The text on standard input.

    Raises:
        LanguageError: F007 if it is not UTF-8. LimitError: L003 if it is too large for a model file.
    """
    from parser.files import MAX_BYTES

    stream = getattr(sys.stdin, "buffer", None)
    data: bytes = stream.read(MAX_BYTES + 1) if stream is not None else b""
    if len(data) > MAX_BYTES:
        raise LimitError(Diagnostic("L003", f"standard input is longer than {MAX_BYTES:,} bytes"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        note = f"byte {e.start} is {data[e.start]:#04x}"
        raise LanguageError(Diagnostic("F007", "standard input is not UTF-8 text", notes=(note,))) from None


def open_model(file: str, name: str, allow_outside: bool) -> Model:
    """The model of a model file or a BIF network."""
    from cutwire.model import read_bif

    if not is_brought(file):
        return open_program(file, allow_outside).find_model(name)
    with working(f"reading {file}"):
        if file.endswith(BIF):
            model = read_bif(file)
        else:
            from cutwire.conversion import read_brought

            model = read_brought(file).model
    if name not in ("", model.name):
        near = did_you_mean(name, [model.name]) or (f"leave out the name: this is one model, `{model.name}`",)
        raise QueryError(Diagnostic("M007", f"there is no model `{name}` in this file", help=near))
    return model
