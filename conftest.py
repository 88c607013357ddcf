"""Runs the examples of README.md and docs/: Python, model files and command lines, each through the front door.

Every document runs in a folder of its own that holds a copy of `examples/` and, beside it, the examples themselves, so
that both `cutwire run examples/smoking.causal` and `cw.load("smoking.causal")` find their file and nothing is written
into the repository. In a document

- a `python` fence is run (with `>>>` prompts: as a doctest);
- a `causal` fence is a model file: `cutwire run` must take it and end with exit status 0; if the paragraph above says
  "as `NAME.causal`" it is saved under that name for what follows, and a claim in it may fall;
- in a `console` fence every line `$ cutwire …` is run; the lines below it are what it must print (the two standard
  streams together, blanks at line ends aside); without such lines it must end with exit status 0.
- a `session` fence is a session: its first line starts it, `> ` begins a line that is entered and `… ` one that goes
  on; all other lines are what is printed.

`<!--- skip: next -->` above a fence leaves it out. from `<!--- skip: start if(not has_pyro) -->`
to `<!--- skip: end -->` they are left out where Pyro is not installed; pages about Pyro are then left out altogether.
`has_dask` is the same for Dask.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parent
# Pyro is optional: without it, what imports it and the page whose examples run it are left out.
HAS_PYRO = importlib.util.find_spec("pyro") is not None and importlib.util.find_spec("torch") is not None
PYRO_PAGES = ("docs/pyro.md", "docs/guides/neural-network.md")
collect_ignore_glob: list[str] = [] if HAS_PYRO else ["semantics/pyro/*.py", *PYRO_PAGES]


def _enter(namespace: dict[str, Any]) -> None:
    """A fresh folder with the examples becomes the working directory."""
    namespace["_home"], namespace["_folder"] = os.getcwd(), tempfile.mkdtemp(prefix="cutwire-docs-")
    folder = Path(namespace["_folder"])
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copytree(ROOT / "examples", folder, dirs_exist_ok=True)
    os.chdir(folder)
    namespace["has_pyro"] = HAS_PYRO
    namespace["has_dask"] = importlib.util.find_spec("distributed") is not None


def _leave(namespace: dict[str, Any]) -> None:
    os.chdir(namespace["_home"])
    shutil.rmtree(namespace["_folder"])


def _cutwire(arguments: list[str]) -> tuple[int, str]:
    """Exit status and output of the command line, in a terminal of 100 columns without colours."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "cutwire", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def _trimmed(text: str) -> list[str]:
    """The lines without blanks at their ends and without empty lines at either end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n").split("\n")


def _run_model_file(example: Example) -> str | None:
    above = example.document.text[: example.start].rstrip().rpartition("\n\n")[2]
    named = re.search(r"\bas\s+`([\w-]+\.causal)`", above)
    path = Path(named[1] if named else f"fence-{example.line}.causal")
    path.write_text(str(example.parsed), encoding="utf-8")
    status, printed = _cutwire(["run", path.name])
    return None if status <= bool(named) else f"`cutwire run` ended with status {status}:\n{printed}"


def _run_console(example: Example) -> str | None:
    problems = []
    for session in ("\n" + str(example.parsed)).split("\n$ ")[1:]:
        command, _, wanted = session.partition("\n")
        arguments = shlex.split(command)
        if arguments[:1] != ["cutwire"]:
            continue
        status, printed = _cutwire(arguments[1:])
        fits = _trimmed(printed) == _trimmed(wanted) if wanted.strip() else status == 0
        if not fits:
            problems.append(f"$ {command}\n-- expected:\n{wanted}\n-- printed (exit status {status}):\n{printed}")
    return "\n".join(problems) or None


def _run_session(example: Example) -> str | None:
    first, *lines = str(example.parsed).splitlines()
    entered: list[list[str]] = []
    for line in lines:
        if line.startswith("> "):
            entered.append([line[2:]])
        elif line.startswith("…"):
            entered[-1].append(line[2:])
    wanted = [line for line in lines if not line.startswith(("> ", "…"))]
    _, printed = _cutwire([*shlex.split(first)[2:], *(a for e in entered for a in ("-e", "\n".join(e)))])
    fits = _trimmed(printed) == _trimmed("\n".join(wanted))
    return None if fits else f"{example.parsed}\n-- printed:\n{printed}"


pytest_collect_file = Sybil(
    name="documents",
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("causal", _run_model_file),
        CodeBlockParser("console", _run_console),
        CodeBlockParser("session", _run_session),
        SkipParser(),
    ],
    patterns=["README.md", "docs/**/*.md", "docs/*.md"],
    excludes=["docs/_build/**"],
    setup=_enter,
    teardown=_leave,
).pytest()
