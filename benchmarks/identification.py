"""How identifying an effect grows with the graph: Cutwire, and pyAgrum, causaleffect, causalrl and y0 beside it.

    python -m benchmarks.identification [--smoke] [--sizes N ...] [--json FILE] [--budget SECONDS]

Seeded sparse random graphs with hidden causes, one treatment and one outcome; all tools answer the same questions in
one process, on graphs that are built beforehand. *verdict* is whether the effect can be identified; *estimand* is also
how, as a diagram; *formula* is that diagram written out. The other tools find verdict and formula in one go. One that
takes longer than the budget for most questions is left out of larger sizes; one that is not installed is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.tools import NAMES, Mixed, Peer, peers
from strings.identification import Identified, identify
from strings.identify import identifiable
from strings.query import Query, Term
from strings.surgery import Open
from strings.written import formula

SIZES = (10, 100, 500, 5_000)
SMOKE_SIZES = (10, 30)
QUESTIONS = 25
KINDS = ("any pair", "confounded", "conditional")


@dataclass(frozen=True)
class Question:
    """The effect of `treated` on `outcome` in a graph, among those with some values of `conditions`."""

    graph: Mixed
    treated: str
    outcome: str
    conditions: tuple[str, ...] = ()


def question(n: int, seed: int, kind: str = "any pair") -> Question:
    """A random sparse graph: up to two parents among the twenty variables before, a hidden cause with a neighbour now
    and then; and an early treatment with a late outcome. Of the kind `any pair` that is all. Of the kind `confounded`
    the treatment has an effect on the outcome, and in every third graph it shares a hidden cause with a child. Of the
    kind `conditional` something else that it has an effect on is seen besides."""
    rng = random.Random(f"{n} {seed}")
    names = tuple(f"V{i}" for i in range(n))
    parents = [sorted(_some(rng, range(max(0, j - 20), j))) for j in range(n)]
    arcs = [(names[j], names[min(n - 1, j + rng.randint(1, 9))]) for j in range(n - 1) if rng.random() < 0.2]
    arrows = [(names[i], names[j]) for j, before in enumerate(parents) for i in before]
    treated, outcome = rng.randrange(max(1, n // 4)), n - 1 - rng.randrange(max(1, n // 4))
    conditions: tuple[str, ...] = ()
    if kind != "any pair":
        reached = [treated]
        for j in range(treated + 1, n):
            if set(parents[j]) & set(reached[-40:]):
                reached.append(j)
        if len(reached) > 1:
            outcome = rng.choice(reached[1:][-max(1, n // 4) :])
            if seed % 3 == 0:
                arcs = list(dict.fromkeys([*arcs, (names[treated], names[reached[1]])]))
        if kind == "conditional":
            seen = [v for v in reached[1:] if v != outcome] or [v for v in range(n) if v not in (treated, outcome)]
            conditions = (names[rng.choice(seen)],)
    return Question(Mixed(names, tuple(arrows), tuple(arcs)), names[treated], names[outcome], conditions)


def _some(rng: random.Random, near: range) -> list[int]:
    return rng.sample(near, min(len(near), rng.choice((0, 1, 2))))


# ---- measuring -------------------------------------------------------------------------------------------------------

Action = Callable[[], object]


def _verdict(q: Question) -> Action:
    graph = q.graph.model.graph
    y, x, z = graph.mask([q.outcome]), graph.mask([q.treated]), graph.mask(q.conditions)
    return lambda: identifiable(graph, y, x, z)


def _estimand(q: Question, written: bool = False) -> Action:
    model = q.graph.model
    _ = model.graph, model.children
    query = Query((Term(q.outcome),), tuple(map(Term, q.conditions)), (Open(q.treated),))

    def action() -> object:
        found = identify(model, query)
        return str(formula(found)) if written and isinstance(found, Identified) else found

    return action


def _peer(peer: Peer) -> Callable[[Question], Action]:
    def prepare(q: Question) -> Action:
        asked = peer.prepare(q.graph)
        return lambda: asked([q.outcome], [q.treated], q.conditions)

    return prepare


OURS: dict[str, Callable[[Question], Action]] = {
    "verdict": _verdict,
    "estimand": _estimand,
    "formula": lambda q: _estimand(q, written=True),
}


@dataclass(frozen=True)
class Measurement:
    """Median seconds for a question at one size, by task or tool (`None`: most are over the budget); how many are over
    it, how many end in an error, and how many effects are identifiable."""

    kind: str
    n: int
    seconds: Mapping[str, float | None]
    over: Mapping[str, int]
    failed: Mapping[str, int]
    identifiable: int

    def ratio(self, peer: str, task: str = "formula") -> float | None:
        """How many times longer a tool takes than Cutwire for a task."""
        theirs, ours = self.seconds.get(peer), self.seconds[task]
        return theirs / ours if theirs and ours else None


def finishes(action: Action, seconds: float) -> bool:
    """Whether an action ends in time: tried in a fork of this process, which can be stopped whatever it is doing."""
    if not hasattr(os, "fork"):
        return True
    child = os.fork()
    if not child:
        try:
            action()
        finally:
            os._exit(0)
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@dataclass
class Times:
    """The median of a tool's times (`None`: most are over the budget), and how many are over it or end in an error."""

    median: float | None = None
    over: int = 0
    failed: int = 0


def times(prepare: Callable[[Question], Action], questions: Sequence[Question], budget: float = float("inf")) -> Times:
    """The median over the questions, of the shortest of three runs each, and how many go over the budget.

    After three of those no more are asked. With a budget errors are counted, and their times left out.
    """
    found, seconds = Times(), list[float]()
    for q in questions:
        action = prepare(q)
        if budget < float("inf") and not finishes(action, budget):
            found.over += 1
            seconds.append(float("inf"))
            if found.over == 3:
                break
            continue
        runs = []
        try:
            for _ in range(3):
                start = time.perf_counter()
                action()
                runs.append(time.perf_counter() - start)
        except Exception:
            if budget == float("inf"):
                raise
            found.failed += 1
            continue
        seconds.append(min(runs))
    middle = statistics.median(seconds) if seconds else float("inf")
    found.median = middle if middle < float("inf") else None
    return found


def measure(sizes: Sequence[int], questions: int, budget: float, others: Mapping[str, Peer]) -> Iterator[Measurement]:
    """All tasks in growing sizes; a tool that has no median in its budget is not asked larger ones of that kind."""
    for kind in KINDS:
        left = {name: peer for name, peer in others.items() if peer.conditional or kind != "conditional"}
        for n in sizes:
            asked = [question(n, k, kind) for k in range(questions)]
            found = {task: times(prepare, asked) for task, prepare in OURS.items()}
            found |= {name: times(_peer(peer), asked, budget) for name, peer in left.items()}
            left = {name: peer for name, peer in left.items() if found[name].median is not None}
            seconds, over, failed = (
                {name: getattr(t, part) for name, t in found.items()} for part in ("median", "over", "failed")
            )
            yield Measurement(kind, n, seconds, over, failed, sum(bool(_verdict(q)()) for q in asked))


def _micro(value: float | None) -> str:
    return "–" if value is None else f"{value * 1e6:,.0f}"


def show(rows: Sequence[Measurement], others: Mapping[str, Peer]) -> list[Table]:
    """The measurements as tables: Cutwire's, and one for every other tool."""
    missing = [n for n in NAMES if n not in others]
    note = f" ({', '.join(missing)} not installed)" if missing else ""
    tables = [_table(f"Cutwire, medians in µs{note}", OURS, [(r, [_micro(r.seconds[t]) for t in OURS]) for r in rows])]
    for name, peer in others.items():
        cells = [(r, _beside(r, name)) for r in rows if name in r.seconds]
        headings = ("median", "÷ verdict", "÷ formula", "over", "failed")
        tables.append(_table(f"{name} {peer.version}".strip(), headings, cells))
    return tables


def _beside(r: Measurement, name: str) -> list[str]:
    ratios = [r.ratio(name, task) for task in ("verdict", "formula")]
    counts = [str(count[name] or "") for count in (r.over, r.failed)]
    return [_micro(r.seconds[name]), *(f"{ratio:,.1f}" if ratio else "" for ratio in ratios), *counts]


def _table(title: str, headings: Iterable[str], rows: Sequence[tuple[Measurement, Sequence[str]]]) -> Table:
    table = Table("questions", "n", "yes", *headings, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for k, (r, cells) in enumerate(rows):
        if k and r.kind != rows[k - 1][0].kind:
            table.add_section()
        table.add_row(r.kind, f"{r.n:,}", str(r.identifiable), *cells)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identification", description="Growth of identification")
    parser.add_argument("--smoke", action="store_true", help="small sizes, few questions: does everything run?")
    parser.add_argument("--sizes", type=int, nargs="+", metavar="N", help=f"numbers of variables ({SIZES})")
    parser.add_argument("--budget", type=float, default=5.0, help="seconds that another tool may take for a question")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks/identification.json"), metavar="FILE")
    options = parser.parse_args(arguments)
    console, others = Console(), peers()
    sizes, questions = (SMOKE_SIZES, 3) if options.smoke else (SIZES, QUESTIONS)
    rows = []
    with console.status("measuring …") as status:
        for row in measure(options.sizes or sizes, questions, options.budget, others):
            rows.append(row)
            status.update(f"measuring … {row.kind}, {row.n:,} variables done")
    for table in show(rows, others):
        console.print(table)
    console.print("yes: effects that are identifiable; ÷: how many times as long as Cutwire's; – : over the budget")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "python": platform.python_version(),
        "peers": {name: peer.version for name, peer in others.items()},
        "medians": [
            {
                "kind": r.kind,
                "n": r.n,
                "identifiable": r.identifiable,
                "seconds": dict(r.seconds),
                "over": dict(r.over),
                "failed": dict(r.failed),
            }
            for r in rows
        ],
    }
    options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {options.json}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
