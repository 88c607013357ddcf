"""Measuring: tools in turn in one process, or one in a process of its own with a limit of time and memory."""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engine_networks import Question
from benchmarks.engine_peers import Answer, Tool

TOLERANCE = 1e-9
MOST_ROUNDS = 5
_SHORT = 0.3  # seconds: what takes longer is run once,
_LONG = 3.0  # and what takes so long is not tried warm


# ---- several tools in turn -------------------------------------------------------------------------------------------


@dataclass
class Row:
    """The seconds that tools take for one question, the shortest of some runs each; those that `failed`, and those that
    came to another answer than Cutwire, or the first that answered."""

    cold: dict[str, float] = field(default_factory=dict)
    warm: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    differs: list[str] = field(default_factory=list)

    def best(self, family: str, warm: bool = False) -> float | None:
        """The shortest time of the tools of a package; of all but Cutwire, if it is called `peers`."""
        times = self.warm if warm else self.cold
        found = [s for name, s in times.items() if name.startswith(family) or (family == "peers" and name != "Cutwire")]
        return min(found, default=None)

    def ratio(self, family: str, warm: bool = False) -> float | None:
        """Cutwire's time over the best of a package."""
        ours, theirs = (self.warm if warm else self.cold).get("Cutwire"), self.best(family, warm)
        return ours / theirs if ours and theirs else None


def timed(action: Callable[[], Answer]) -> tuple[float, Answer]:
    """The seconds that something takes, and what it gives."""
    start = time.perf_counter()
    found = action()
    return time.perf_counter() - start, found


def compared(tools: Sequence[Tool], asked: Question, other: Question, rounds: int) -> Row:
    """All tools on one question, cold, and then warm after the `other` one of its form; in turn, so that whatever else
    the machine does slows all of them alike."""
    row, expected = Row(), Answer()
    slow = set[str]()
    for k in range(rounds):
        for tool in tools:
            if tool.name in row.failed or tool.name in slow:
                continue
            try:
                spent, found = timed(tool.cold(asked))
            except Exception as e:  # whatever other tools raise
                row.failed[tool.name] = reason(e)
                continue
            row.cold[tool.name] = min(spent, row.cold.get(tool.name, math.inf))
            if spent > _SHORT:
                slow.add(tool.name)
            expected = expected or found
            if not k and not agree(expected, found):
                row.differs.append(tool.name)
    ready = {}
    for tool in tools:
        if tool.warm and row.cold.get(tool.name, math.inf) < _LONG:
            with suppress(Exception):
                ready[tool.name] = tool.warm(other)
    for k in range(MOST_ROUNDS if rounds > 1 else 1):
        for name, answer in ready.items():
            if k and row.warm.get(name, math.inf) > _SHORT:
                continue
            try:
                answer(other)()
                spent, found = timed(answer(asked))
            except Exception as e:
                row.failed[name] = reason(e)
                continue
            row.warm[name] = min(spent, row.warm.get(name, math.inf))
            if not k and not agree(expected, found) and name not in row.differs:
                row.differs.append(name)
    return row


def reason(e: Exception) -> str:
    """In a word or two, what went wrong in a tool."""
    short = isinstance(e, MemoryError) or any(word in str(e) for word in ("alloc", "memory"))
    return "out of memory" if short else type(e).__name__


def agree(one: Answer, other: Answer) -> bool:
    """Whether two answers are the same but for rounding."""
    return one.keys() == other.keys() and all(np.allclose(one[n], other[n], rtol=0, atol=TOLERANCE) for n in one)


# ---- one tool by itself ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alone:
    """One tool on one question in a process of its own: seconds, bytes that its memory grew by, and its answer."""

    cold: float
    warm: float | None
    peak: int | None
    answer: tuple[float, ...]


def alone(tool: Tool, asked: Question, other: Question, rounds: int = 3) -> Alone:
    """What one tool needs for a question; the first answer counts for memory, the fastest for time."""
    action = tool.cold(asked)
    gc.collect()
    before = _memory(reset=True)
    spent, found = timed(action)
    after = _memory()
    times = [spent]
    while len(times) < rounds and sum(times) < _SHORT:
        times.append(timed(tool.cold(asked))[0])
    warm = None
    if tool.warm and spent < _LONG:
        answer, warm = tool.warm(other), math.inf
        for _ in range(rounds if spent < _SHORT else 1):
            answer(other)()
            warm = min(warm, timed(answer(asked))[0])
    grown = None if before is None or after is None else max(0, after - before)
    return Alone(min(times), warm, grown, tuple(next(iter(found.values())).ravel().tolist()))


def _memory(reset: bool = False) -> int | None:
    """The most memory that this process has had, in bytes; after a `reset`, what it has now. `None` where the system
    does not tell."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def apart(
    produce: Callable[..., Iterable[Any]],
    arguments: Sequence[object],
    seconds: float,
    memory: int,
    loading: float | None = None,
) -> Iterator[Any]:
    """What a function produces in a process of its own, as long as it takes less than some seconds from one to the next
    (to the first: `loading`) and less than so much memory. Ends with a text that says why, if it ends early."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_produce, args=(there, produce, arguments, memory), daemon=True)
    process.start()
    there.close()
    try:
        limit = seconds if loading is None else loading
        while True:
            if not here.poll(limit):
                yield "over time"
                return
            kind, message = here.recv()
            if kind == "end":
                return
            limit = seconds
            yield message
            if kind == "error":
                return
    except EOFError:
        yield "out of memory"
    finally:
        process.kill()
        process.join()
        here.close()


def _produce(pipe: Connection, produce: Callable[..., Iterable[Any]], arguments: Sequence[object], memory: int) -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # tools that die write about it
    try:
        for item in produce(*arguments):
            pipe.send(("item", item))
        pipe.send(("end", None))
    except Exception as e:
        pipe.send(("error", reason(e)))


# ---- the machine -----------------------------------------------------------------------------------------------------


def matmul_rate(n: int = 1500) -> float:
    """Floating-point operations in a second, in the product of two large matrices of float64."""
    a = np.random.default_rng(0).random((n, n))
    return float(2 * n**3 / min(timed(lambda: {"": a @ a})[0] for _ in range(4)))


def machine(packages: Iterable[str], threads: int) -> Iterator[dict[str, Any]]:
    """What it was measured on: nothing that names it. The rate is that of as many threads as this process may use."""
    cpu = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    yield {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": threads,
        "python": platform.python_version(),
        "packages": {n: version(n) for n in ("numpy", "cotengrust", *packages)},
        "matmul": matmul_rate(),
    }
