"""What starting costs: `cutwire --version` and `import cutwire` against an empty Python.

    python -m benchmarks.startup [--rounds N] [--json FILE]

Ratios of medians over interleaved rounds, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

EMPTY = "python -c pass"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    EMPTY: ("-c", "pass"),
    "cutwire --version": ("-m", "cutwire", "--version"),
    "import cutwire": ("-c", "import cutwire"),
}


def measure(rounds: int) -> dict[str, float]:
    """Median seconds of each command; the first round, which fills caches, does not count."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(t[1:]) for name, t in times.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON file if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description="Start-up time")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    seconds = measure(options.rounds)
    ratios = {name: s / seconds[EMPTY] for name, s in seconds.items()}
    table = Table("command", "median", "ratio", title="Start-up")
    for name, s in seconds.items():
        table.add_row(name, f"{s * 1e3:.1f} ms", f"{ratios[name]:.2f}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps({"seconds": seconds, "ratios": ratios}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
