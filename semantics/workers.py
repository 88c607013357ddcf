"""Where work runs that falls into parts: here, one part after the other, or on the workers of a cluster.

Slices of a contraction, batches of resamples, of samples and of random models go through `in_order`. Parts and their
order are the same wherever they run, and so is the order in which their results are put together. Each part keeps to
one core, since how a matrix product is divided among cores may change how it is rounded. So the numbers are the same.

>>> list(in_order(abs, [-1, 2, -3]))
[1, 2, 3]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, Protocol, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Workers(Protocol):
    """What can do the parts of some work."""

    def in_order(self, do: Callable[[A], B], parts: Iterable[A]) -> Iterator[B]:
        """What `do` makes of every part, in the order of the parts; what it raises is raised here."""


_WORKERS: ContextVar[Workers | None] = ContextVar("workers", default=None)


def in_order(do: Callable[[A], B], parts: Iterable[A]) -> Iterator[B]:
    """What `do` makes of every part, in the order of the parts.

    `do` and the parts may go to other processes: `do` is a function of a module, or a `partial` of one.
    """
    workers = _WORKERS.get()
    careful = partial(on_one_core, do)
    return map(careful, parts) if workers is None else workers.in_order(careful, parts)


def on_one_core(do: Callable[[A], B], part: A) -> B:
    """What `do` makes of a part, matrix products on one core."""
    with _one_core():
        return do(part)


def _one_core() -> AbstractContextManager[object]:
    """Has matrix products keep to one core, where threadpoolctl is installed, as it is beside Dask."""
    pools = _pools()
    return nullcontext() if pools is None else pools.limit(limits=1)


@cache
def _pools() -> Any:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


@contextmanager
def working_on(workers: Workers) -> Iterator[None]:
    """Have these workers do what falls into parts."""
    token = _WORKERS.set(workers)
    try:
        yield
    finally:
        _WORKERS.reset(token)
