"""Work on several machines: what falls into parts is done by the workers of a Dask cluster.

>>> import cutwire as cw
>>> with cw.cluster():  # doctest: +SKIP
...     model.query("P(Y | do(X := 1))", slices=True)
"""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from types import FrameType
from typing import Any, TypeVar

from semantics.workers import working_on
from strings.diagnostic import CutwireError, Diagnostic

A = TypeVar("A")
B = TypeVar("B")

_PATIENCE = 10  # seconds, for a scheduler or a worker to answer
_AHEAD = 3  # parts that a worker is given before the results of earlier ones are used


@contextmanager
def cluster(address: str | None = None) -> Iterator[None]:
    """Have a Dask cluster do what falls into parts: slices, batches of samples and of resamples, claims.

    `address` is that of a scheduler, such as `"tcp://10.0.0.1:8786"`; without one, a cluster of processes is started on
    this machine, one for each core, and stopped at the end, whatever happens. The results are those of a run without a
    cluster.

    A script that starts a cluster has to be importable: put what it does under `if __name__ == "__main__":`.

    Raises:
        CutwireError: K001 if Dask is not installed, K002 if no scheduler answers, K003 if its workers cannot help.
    """
    if importlib.util.find_spec("distributed") is None:
        help_ = ("install it: pip install 'cutwire[dask]'",)
        raise CutwireError(Diagnostic("K001", "a cluster needs Dask, which is not installed", help=help_))
    with ExitStack() as stack:
        stack.enter_context(_terminated_in_order())
        stack.enter_context(_quiet())
        client = _local(stack) if address is None else _remote(address, stack)
        stack.enter_context(working_on(_Dask(client)))
        yield


@dataclass(frozen=True)
class _Dask:
    """The workers of a cluster (`semantics.workers.Workers`)."""

    client: Any

    def in_order(self, do: Callable[[A], B], parts: Iterable[A]) -> Iterator[B]:
        """What `do` makes of every part; some parts ahead of what is used, so that memory is bounded."""
        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        left, running = iter(parts), deque[Any]()
        ahead = _AHEAD * max(1, sum(self.client.nthreads().values()))
        try:
            whole = self.client.scatter([do], hash=False)[0]
            while True:
                for part in islice(left, ahead - len(running)):
                    running.append(self.client.submit(_apply, whole, part, pure=False))
                if not running:
                    return
                yield running.popleft().result()
        except (KilledWorker, CommClosedError) as e:
            note = str(e).partition(". ")[0]
            help_ = ("a worker may have run out of memory: a smaller --max-memory bounds that of each part",)
            raise CutwireError(Diagnostic("K004", "a worker of the cluster is lost", notes=(note,), help=help_)) from e
        finally:
            if running:
                self.client.cancel(list(running), force=True)


def _apply(do: Callable[[A], B], part: A) -> B:
    return do(part)


def _local(stack: ExitStack) -> Any:
    """A cluster on this machine, with nothing that could be reached from elsewhere."""
    import dask
    from distributed import Client, LocalCluster

    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cutwire-", ignore_cleanup_errors=True))
    # Dask has workers give memory back at once, which slows down many small tables several times.
    environment = {"distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1}}
    stack.enter_context(dask.config.set({**environment, "temporary-directory": folder}))
    made = LocalCluster(
        n_workers=_cores(),
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        memory_limit=0,  # `--max-memory` bounds memory
        local_directory=folder,
        silence_logs=logging.CRITICAL,
    )
    stack.callback(made.close, timeout=_PATIENCE)
    client = Client(made, set_as_default=False, timeout=_PATIENCE)
    stack.callback(client.close, timeout=_PATIENCE)
    client.run(_leave_interrupts)
    return client


def _leave_interrupts() -> None:
    """A terminal sends Ctrl-C to workers, too; it is for who started them to end them."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _remote(address: str, stack: ExitStack) -> Any:
    """A cluster that is there already."""
    from distributed import Client

    try:
        client = Client(address, set_as_default=False, timeout=_PATIENCE)
    except (OSError, ValueError, TypeError, RuntimeError) as e:
        note = (str(e).splitlines() or [type(e).__name__])[0][:200]
        help_ = (
            "write --dask=tcp://HOST:8786, the address that `dask scheduler` prints",
            "or leave it out: --dask alone uses this machine",
        )
        message = f"no Dask scheduler answers at `{address}`"
        raise CutwireError(Diagnostic("K002", message, notes=(note,), help=help_)) from None
    stack.callback(client.close, timeout=_PATIENCE)
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError:
        start = f"start one: dask worker {address}"
        raise CutwireError(Diagnostic("K003", f"the cluster at `{address}` has no workers", help=(start,))) from None
    try:
        found = client.run(_versions)
    except Exception as e:  # whatever a worker without Cutwire raises when it is to run something of it
        message = f"the workers at `{address}` cannot run Cutwire"
        note, install = f"{type(e).__name__}: {e}"[:200], "install the same version there"
        raise CutwireError(Diagnostic("K003", message, notes=(note,), help=(install,))) from None
    odd = next((v for v in found.values() if v != _versions()), None)
    if odd is not None:
        message = f"the workers at `{address}` have {odd}; here is {_versions()}"
        raise CutwireError(Diagnostic("K003", message, help=("install the same versions there",)))
    return client


def _versions() -> str:
    import numpy

    from cutwire import __version__

    return f"Cutwire {__version__}, Python {sys.version_info[0]}.{sys.version_info[1]}, numpy {numpy.__version__}"


@contextmanager
def _quiet() -> Iterator[None]:
    """What Dask logs on its way out is no message to a user: what matters is raised."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _terminated_in_order() -> Iterator[None]:
    """Have `kill` end the program as an error does, so that processes and files are cleaned up."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
