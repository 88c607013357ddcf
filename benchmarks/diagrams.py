"""How composing, normalising, comparing and hashing diagrams grow with their size: Cutwire, and DisCoPy beside it.

    python -m benchmarks.diagrams [--smoke] [--json FILE] [--budget SECONDS]

Both libraries build the same diagrams in one process. A measurement that takes longer than the budget is broken off,
and larger sizes are then left out. *compare* asks whether two diagrams are equal whose boxes were put down in different
orders; DisCoPy decides it on hypergraphs, up to the laws of comonoids (it does not know that discarding is natural).
Cutwire's diagrams are in normal form as soon as they are built, so the price of comparing is mostly paid in *build*.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import random
import signal
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import peer
from benchmarks.cases import Plan, chain, cutwire_build, cutwire_compose, network
from strings.diagram import Diagram

SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
SMOKE_SIZES = (10, 30)
SHAPES: dict[str, Callable[[int], Plan]] = {"chain": chain, "network": network}

Action = Callable[[], object]
Prepare = Callable[[Plan], Action]


@dataclass(frozen=True)
class Task:
    """An operation: `ours` and `theirs` prepare it for a plan, untimed, and give what is timed."""

    name: str
    shapes: tuple[str, ...]
    ours: Prepare
    theirs: Prepare


@dataclass(frozen=True)
class Measurement:
    """Median seconds of one operation on one diagram; `None`: over the budget, left out, or not installed."""

    shape: str
    task: str
    n: int
    cutwire: float | None
    discopy: float | None

    @property
    def ratio(self) -> float | None:
        return self.discopy / self.cutwire if self.cutwire and self.discopy else None


def _equal(a: object, b: object) -> bool:
    if a != b:
        raise AssertionError("the two orders of construction must give equal diagrams")
    return True


def _compare(build: Callable[[Plan], object]) -> Prepare:
    def prepare(plan: Plan) -> Action:
        a, b = build(plan), build(plan.shuffled(random.Random(2)))
        return lambda: _equal(a, b)

    return prepare


def _normalise(plan: Plan) -> Action:
    d = cutwire_compose(plan)
    return lambda: Diagram(d.dom, d.nodes, d.outs)


def _peer_normalise(plan: Plan) -> Action:
    d: Any = peer.peer_compose(plan)
    return lambda: d.to_hypergraph()


def _hash(plan: Plan) -> Action:
    d = cutwire_build(plan)
    return lambda: hash(d)


def _peer_hash(plan: Plan) -> Action:
    d: Any = peer.peer_build(plan)
    return lambda: hash(d)


TASKS = (
    Task("compose", ("chain",), lambda p: lambda: cutwire_compose(p), lambda p: lambda: peer.peer_compose(p)),
    Task("normalise", ("chain",), _normalise, _peer_normalise),
    Task("build", ("chain", "network"), lambda p: lambda: cutwire_build(p), lambda p: lambda: peer.peer_build(p)),
    Task("compare", ("chain", "network"), _compare(cutwire_build), _compare(peer.peer_build)),
    Task("hash", ("chain", "network"), _hash, _peer_hash),
)


class OverBudgetError(Exception):
    """A measurement took longer than it may."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Break off what runs longer than `seconds`, by an alarm signal; without such signals nothing is broken off."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise OverBudgetError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def median_time(prepare: Prepare, plan: Plan, repeats: int, budget: float) -> float | None:
    """The median of up to `repeats` runs, each freshly prepared, as many as the budget allows; `None` over it."""
    times: list[float] = []
    try:
        with limited(budget):
            for _ in range(repeats):
                action = prepare(plan)
                start = time.perf_counter()
                action()
                times.append(time.perf_counter() - start)
    except OverBudgetError:
        pass
    return statistics.median(times) if times else None


def measure(sizes: Sequence[int], repeats: int, budget: float, with_peer: bool) -> Iterator[Measurement]:
    """All tasks on all shapes in growing sizes; a peer that went over its budget is not asked again."""
    for task in TASKS:
        for shape in task.shapes:
            go_on = with_peer
            for n in sizes:
                plan = SHAPES[shape](n)
                ours = median_time(task.ours, plan, repeats, 10 * budget)
                theirs = median_time(task.theirs, plan, repeats, budget) if go_on else None
                go_on = theirs is not None
                yield Measurement(shape, task.name, n, ours, theirs)


def growth(rows: Sequence[Measurement]) -> float | None:
    """The exponent of Cutwire's growth over the last factor of ten in size."""
    timed = [(r.n, r.cutwire) for r in rows if r.cutwire]
    if len(timed) < 2:
        return None
    n1, t1 = timed[-1]
    n0, t0 = next((n, t) for n, t in reversed(timed[:-1]) if 10 * n <= n1 or n == timed[0][0])
    return math.log(t1 / t0) / math.log(n1 / n0)


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def show(rows: Sequence[Measurement], peer_version: str | None) -> Table:
    """The measurements as a table."""
    title = "Medians; – : over the time budget" if peer_version else "Medians (DisCoPy is not installed)"
    table = Table("diagram", "operation", "boxes", "Cutwire", f"DisCoPy {peer_version or ''}".strip(), "ratio")
    table.title = title
    for column in table.columns[2:]:
        column.justify = "right"
    for r in rows:
        ratio = f"{r.ratio:,.0f}×" if r.ratio is not None else ""
        table.add_row(r.shape, r.task, f"{r.n:,}", _seconds(r.cutwire), _seconds(r.discopy), ratio)
        if r.n == rows[-1].n:
            table.add_section()
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagrams", description="Growth of diagram operations")
    parser.add_argument("--smoke", action="store_true", help="small sizes, once each: does everything run?")
    parser.add_argument("--budget", type=float, default=6.0, help="seconds that DisCoPy may take for one size")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks/diagrams.json"), metavar="FILE")
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", module="networkx")
    console = Console()
    peer_version = peer.version()
    sizes, repeats = (SMOKE_SIZES, 1) if options.smoke else (SIZES, 5)
    with console.status("measuring …"):
        rows = list(measure(sizes, repeats, options.budget, peer_version is not None))
    console.print(show(rows, peer_version))
    exponents = {
        f"{task.name}, {shape}": growth([r for r in rows if (r.task, r.shape) == (task.name, shape)])
        for task in TASKS
        for shape in task.shapes
    }
    console.print("Cutwire's growth over the last factor of ten: time ~ n^k with k =")
    console.print("; ".join(f"{name}: {k:.2f}" for name, k in exponents.items() if k is not None))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "python": platform.python_version(),
        "discopy": peer_version,
        "seconds": [asdict(r) | {"ratio": r.ratio} for r in rows],
        "growth": exponents,
    }
    options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {options.json}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
