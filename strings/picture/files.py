"""Writing pictures to files, and what can go wrong with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from strings.diagnostic import CutwireError, Diagnostic, did_you_mean


class PictureError(CutwireError):
    """A picture that cannot be made or written (codes V)."""


class PictureWarning(UserWarning):
    """A picture that does not show everything (V005)."""


def write_by_ending(path: str | Path, writers: Mapping[str, Callable[[], bytes]]) -> None:
    """Write what the writer for the ending of `path` gives, all of it or nothing.

    Raises:
        PictureError: V001 for an unknown ending, V004 if the file cannot be written.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in writers:
        known = ", ".join(f"`{e}`" for e in writers)
        said = f"`{path.suffix}` is not a kind of picture" if path.suffix else f"`{path.name}` has no ending"
        help_ = did_you_mean(ending, writers) or (f"name the file `{path.stem or 'picture'}{next(iter(writers))}`",)
        raise PictureError(Diagnostic("V001", said, label="unknown ending", notes=(f"known are {known}",), help=help_))
    data = writers[ending]()
    try:
        _write_atomically(path, data)
    except OSError as error:
        message = f"cannot write `{path}`: {error.strerror or error}"
        raise PictureError(
            Diagnostic("V004", message, help=("does the folder exist, and may you write there?",))
        ) from None


def _write_atomically(path: Path, data: bytes) -> None:
    """Write a temporary file beside `path`, then put it in its place."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def missing_package(what: str, package: str) -> PictureError:
    """V003: a kind of file needs a package that is not installed."""
    return PictureError(
        Diagnostic(
            "V003", f"writing {what} needs `{package}`", help=(f"`pip install {package}`, or write a `.svg` file",)
        )
    )
