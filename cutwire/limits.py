"""Bounds a user sets: time and memory."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from types import FrameType

from strings.diagnostic import Diagnostic, LimitError

_SIZES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_TIMES = {"": 1, "s": 1, "m": 60, "h": 3600}
_MOST_BYTES = 2**60
_MOST_SECONDS = 30 * 24 * 3600  # some systems cannot count much further
_LEAST_SECONDS = 0.001  # timers take less for none at all


def parse_size(text: str) -> int:
    """Bytes from `500M`, `2G`, `1.5GiB` or a plain number.

    >>> parse_size("500M"), parse_size("2GiB"), parse_size("1024")
    (524288000, 2147483648, 1024)

    Raises:
        ValueError: if it is no size, or more than any machine has.
    """
    size = int(_number(text, r"([kmgt]?)(?:i?b)?", _SIZES, "a size", "500M or 2G", _MOST_BYTES))
    if not size:
        raise ValueError(f"not a size: {text!r} is less than a byte")
    return size


def parse_seconds(text: str) -> float:
    """A positive number of seconds, `2m` and `1h` understood.

    >>> parse_seconds("1.5"), parse_seconds("2m")
    (1.5, 120.0)

    Raises:
        ValueError: if it is no duration, or longer than 30 days.
    """
    seconds = _number(text, "([smh]?)", _TIMES, "a time", "10 or 2m", _MOST_SECONDS)
    return max(float(seconds), _LEAST_SECONDS)


def _number(text: str, unit: str, units: Mapping[str, int], what: str, example: str, most: int) -> Fraction:
    """The positive number that `text` says, in the smallest unit."""
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    found = re.fullmatch(rf"\s*(\d+(?:\.\d+)?)\s*{unit}\s*", text[:1000].lower(), re.ASCII)
    number = Fraction(found[1]) * units[found[2]] if found else Fraction(0)
    if not number:
        raise ValueError(f"not {what}: {shown!r} (write {example})")
    if number > most:
        raise ValueError(f"too large: {shown!r} (leave it out for no limit)")
    return number


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
