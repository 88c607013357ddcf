"""`cutwire fmt`"""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cutwire.opening import typed_text
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, visible

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class _Formatted:
    """A text as it was read, and in the standard layout; `path` is where it belongs, `None` for standard input."""

    name: str
    text: str
    formatted: str
    path: Path | None


def fmt(arguments: Namespace) -> int:
    """`cutwire fmt FILE…`: all files are read and formatted before the first is written; broken ones are left alone."""
    found: list[_Formatted] = []
    errors: list[Diagnostic] = []
    for file in dict.fromkeys(arguments.files):
        try:
            found.append(_formatted(file))
        except CutwireError as e:
            errors.extend(e.diagnostics)
    status = 0
    for f in found:
        try:
            status |= _settle(f, arguments)
        except OSError as e:
            errors.append(Diagnostic("F015", f"cannot write `{f.name}`: {e.strerror or e}"))
    if errors:
        raise LanguageError(errors)
    return status


def _formatted(file: str) -> _Formatted:
    from parser.format import format_text
    from parser.read import read_text

    name, path = ("<stdin>", None) if file == "-" else (file, Path(file))
    text = read_text(path) if path is not None else typed_text()
    return _Formatted(name, text, format_text(text, name), path)


def _settle(f: _Formatted, arguments: Namespace) -> int:
    """Show what would change, or write it; the exit status."""
    changed = f.formatted != f.text
    if arguments.diff:
        sys.stdout.writelines(_diff(f))
        return int(changed)
    if arguments.check:
        if changed:
            print(f"{visible(f.name)}: not formatted")
        return int(changed)
    if f.path is None:
        sys.stdout.write(f.formatted)
    elif changed:
        _write(f.path, f.formatted)
        print(f"{visible(f.name)}: formatted")
    return 0


def _diff(f: _Formatted) -> Iterator[str]:
    old, new = (text.splitlines(keepends=True) for text in (f.text, f.formatted))
    for line in difflib.unified_diff(old, new, f.name, f"{f.name} (formatted)"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all; its permissions stay, and a link stays one."""
    path = path.resolve()
    with path.open("r+b"):  # where it may not be written, it is not replaced either
        pass
    number, name = tempfile.mkstemp(prefix=".cutwire-", dir=path.parent)
    try:
        with open(number, "w", encoding="utf-8", newline="") as beside:
            beside.write(text)
        shutil.copymode(path, name)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
