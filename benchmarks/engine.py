"""How fast numbers come: Cutwire beside pyAgrum, pgmpy, opt_einsum and cotengra, those that are installed.

    python -m benchmarks.engine [W1 … W5] [--networks DIR] [--seed K] [--smoke] [--json FILE] [--table FILE]

W1 questions on real networks, W2 all marginals of a network, W3 networks that grow, W4 many tables for one model, W5
memory. Tables go to the terminal and, with `--table`, into a page between the marks that it has for them. The networks
are BIF files, such as those of the bnlearn repository; without them generated ones remain.

One thread is the default. Small products gain nothing from a second one, and the pools of threads of several libraries
in one process wait for each other.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks import engine_report
from benchmarks.engine_measure import apart, machine
from benchmarks.engine_peers import versions
from benchmarks.engine_workloads import Options, Record, batch, memory, networks, scaling

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

WORKLOADS: dict[str, Callable[[Options], list[Record]]] = {
    "W1": networks,
    "W2": partial(networks, sweep=True),
    "W3": scaling,
    "W4": batch,
    "W5": memory,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print tables, write the files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description="The engine beside other tools")
    parser.add_argument("workloads", nargs="*", metavar="W", help=f"some of {', '.join(WORKLOADS)} (all)")
    parser.add_argument("--networks", type=Path, default=Path("../shared/networks"), metavar="DIR", help="BIF files")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these networks, in W1 and W2")
    parser.add_argument("--seed", type=int, default=0, metavar="K")
    parser.add_argument("--smoke", action="store_true", help="small sizes, once each: does everything run?")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks/engine.json"), metavar="FILE")
    parser.add_argument("--table", type=Path, metavar="FILE", help="a page with marks for the tables")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads that each tool may use (1)")
    options = parser.parse_args(arguments)
    if unknown := set(options.workloads) - set(WORKLOADS):
        parser.error(f"there is no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    found = versions()
    with threads(options.threads):
        return _measure(options, found)


def _measure(options: argparse.Namespace, found: Mapping[str, str]) -> int:
    about = machine, (tuple(found), options.threads)
    (on,) = about[0](*about[1]) if options.smoke else apart(*about, 60, 2**33)
    o = Options(
        networks=options.networks,
        seed=options.seed,
        smoke=options.smoke,
        families=tuple(found),
        floor=2 / on["matmul"],
        report=partial(print, flush=True),
        only=tuple(options.only or ()),
    )
    record: dict[str, object] = {"machine": on, "seed": options.seed}
    for name in options.workloads or WORKLOADS:
        record[name] = rows = WORKLOADS[name](o)
        text = engine_report.section(name, rows, on)
        print(f"\n{name}\n\n{text}")
        if options.table:
            engine_report.insert(options.table, name, text)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"written to {options.json}")
    return 0


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Tools may use so many threads in processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


if __name__ == "__main__":
    raise SystemExit(main())
