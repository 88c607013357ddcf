"""Progress of long work: a bar on standard error that appears after a second, only where someone is looking."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from strings.diagnostic import visible

_SHOWN: ContextVar[Callable[[int, int], None] | None] = ContextVar("shown", default=None)


def tell(done: int, total: int) -> None:
    """Show how much of what is going on is done, if that is being shown."""
    shown = _SHOWN.get()
    if shown is not None:
        shown(done, total)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that `what` is going on if it lasts more than a second and standard error is a terminal; with a count, once
    that is told."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    spinner = SpinnerColumn()
    text = TextColumn("{task.description}", markup=False)
    time = TimeElapsedColumn()
    bar = Progress(spinner, text, time, console=Console(stderr=True), transient=True)
    task = bar.add_task(visible(what), total=None)

    def show(done: int, total: int) -> None:
        bar.columns = (spinner, text, BarColumn(), MofNCompleteColumn(), time)
        bar.update(task, completed=done, total=total)

    timer = threading.Timer(1.0, bar.start)
    timer.daemon = True
    timer.start()
    token = _SHOWN.set(show)
    try:
        yield
    finally:
        _SHOWN.reset(token)
        timer.cancel()
        bar.stop()
