"""Bounds a user sets: time and memory."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from strings.diagnostic import Diagnostic, LimitError

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_size(text: str) -> int:
    """Bytes from `500M`, `2G`, `1.5GiB` or a plain number.

    >>> parse_size("500M"), parse_size("2GiB"), parse_size("1024")
    (524288000, 2147483648, 1024)

    Raises:
        ValueError: if it is no size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text.lower())
    if not found or not float(found[1]):
        raise ValueError(f"not a size: {text!r} (write 500M or 2G)")
    return int(float(found[1]) * _UNITS[found[2]])


def parse_seconds(text: str) -> float:
    """A positive number of seconds, `2m` and `1h` understood.

    >>> parse_seconds("1.5"), parse_seconds("2m")
    (1.5, 120.0)

    Raises:
        ValueError: if it is no duration.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text.lower())
    if not found or not float(found[1]):
        raise ValueError(f"not a time: {text!r} (write 10 or 2m)")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `LimitError` L002 in the main thread after `seconds`.

    Needs `signal.setitimer`, which every Unix has; elsewhere a thread interrupts the main one.
    """
    if seconds is None:
        yield
        return
    error = LimitError(
        Diagnostic(
            "L002",
            f"stopped after {seconds:g} seconds",
            help=("allow more with --timeout, or ask a narrower question",),
        )
    )
    if not hasattr(signal, "setitimer"):
        yield from _limit_by_thread(seconds, error)
        return

    expired = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal expired
        expired = True
        raise error

    previous = signal.signal(signal.SIGALRM, stop)
    # Where code of others swallows the error, the next one follows soon; what it turns the error into is the error.
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.25)
    try:
        yield
    except Exception:
        if expired:
            raise error from None
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _limit_by_thread(seconds: float, error: LimitError) -> Iterator[None]:
    import _thread

    expired = threading.Event()

    def stop() -> None:
        expired.set()
        _thread.interrupt_main()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if expired.is_set():
            raise error from None
        raise
    finally:
        timer.cancel()
