"""The command line for the tests: called in this process, or started in a fresh one."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cutwire.__main__ import main

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind: exit status and the two streams."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output; anything beside it fails the test."""
        assert self.out.count("\n") == 1
        assert self.out.endswith("\n")
        return json.loads(self.out, parse_constant=_no_number)

    @property
    def answer(self) -> Any:
        """What `exact` says, if all went well."""
        assert self.status == 0, self.err
        return self.json["exact"]


def _no_number(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def cutwire(*arguments: str | Path, stdin: bytes = b"") -> Done:
    """Run the command line in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    typed = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    with patch.object(sys, "stdin", typed), redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as e:  # a usage error
            status = int(e.code or 0)
    return Done(status, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def environment(**changes: str) -> dict[str, str]:
    """The environment of a fresh process that finds this very Cutwire from any folder."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **changes}


def fresh(*arguments: str | Path | bytes, folder: Path, stdin: bytes = b"", **changes: str) -> Done:
    """Run the command line in a process of its own, in `folder`; `changes` are environment variables."""
    done = subprocess.run(
        [sys.executable, "-m", "cutwire", *arguments],
        input=stdin,
        capture_output=True,
        cwd=folder,
        env=environment(**changes),
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def outputs(code: str, folder: Path, seeds: Iterable[int]) -> set[bytes]:
    """What Python code prints under each of the seeds of hashes, in processes side by side that all must end well."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            env=environment(PYTHONHASHSEED=str(seed)),
            stdout=subprocess.PIPE,
        )
        for seed in seeds
    ]
    ended = [(process.communicate(timeout=120)[0], process.returncode) for process in started]
    assert [status for _, status in ended] == [0] * len(ended)
    return {out for out, _ in ended}


def grid(n: int) -> str:
    """A model in which every variable of a square grid hears its two neighbours: no order of summing is narrow."""
    lines = []
    for i in range(n):
        for j in range(n):
            heard = [f"V{a}_{b}" for a, b in ((i - 1, j), (i, j - 1)) if a >= 0 and b >= 0]
            rows = [f"| {', '.join(['0', '1'][: len(heard)])} -> [1/3, 2/3] ", f"| {', '.join('_' * len(heard))} -> "]
            table = "[1/4, 3/4]" if not heard else "".join(rows) + "[1/5, 4/5]"
            lines.append(f"var V{i}_{j} : {{0, 1}}\nbox v{i}_{j} : {', '.join(heard)} -> V{i}_{j} = {table}\n")
    return "".join(lines)
