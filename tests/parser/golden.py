"""Golden files: a folder of broken model files NAME.causal, with what is said about each in NAME.txt beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

Tell = Callable[[Path], str]
"""What is said about a file, as text."""


def files_in(folder: str) -> list[Path]:
    """The broken files of a folder beside this module; those in folders of it are there to be imported."""
    return sorted(Path(__file__).with_name(folder).glob("*.causal"))


def written_down(path: Path) -> str:
    """What is to be said about a file."""
    return path.with_suffix(".txt").read_text(encoding="utf-8")


def code_of(path: Path) -> str:
    """The code that a file is named after, or nothing."""
    return path.stem[:4] if re.match(r"[A-Z]\d{3}", path.stem) else ""


def codes_in(text: str) -> set[str]:
    """The codes of the errors and warnings in a text."""
    return set(re.findall(r"^(?:error|warning)\[([A-Z]\d{3})\]", text, flags=re.MULTILINE))


def write_down(files: Iterable[Path], told: Tell) -> None:
    """Write the golden files anew; read what changed."""
    for path in files:
        path.with_suffix(".txt").write_text(told(path), encoding="utf-8")
