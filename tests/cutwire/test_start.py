"""Starting up: fast, because little is loaded; and a file that hides one of the packages is named."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cutwire as cw
from cutwire.__main__ import EXAMPLES as EXAMPLES_OF
from tests.cutwire.command import EXAMPLES, ROOT, Done, cutwire, environment, fresh

HEAVY = (
    "sympy",
    "pyro",
    "torch",
    "pandas",
    "narwhals",
    "numpy",
    "lark",
    "rich",
    "hypothesis",
    "cotengra",
    "reportlab",
    "networkx",
    "IPython",
    "prompt_toolkit",
    "pygments",
)
ROOMS = ("strings", "semantics", "parser")


def python(*arguments: str, folder: Path, **changes: str) -> Done:
    """Run Python in a folder."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=folder, env=environment(**changes), timeout=60
    )
    return Done(done.returncode, done.stdout, done.stderr)


def loaded(code: str, folder: Path) -> set[str]:
    """The top-level modules that are there when `code` has run."""
    end = "import sys; print('loaded', *{m.split('.')[0] for m in sys.modules})"
    done = python("-c", f"import atexit\natexit.register(lambda: exec({end!r}))\n{code}", folder=folder)
    assert done.status == 0, done.err
    return set(done.out.rsplit("loaded ", 1)[1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import cutwire",
        "import cutwire; cutwire.CutwireError, cutwire.Diagram, dir(cutwire)",
        "from cutwire.__main__ import main; main(['--version'])",
        "from cutwire.__main__ import main; main(['--help'])",
        "from cutwire.__main__ import main; main(['query', '--help'])",
        "from cutwire.__main__ import main; main(['repl', '--help'])",
    ],
)
def test_what_needs_no_numbers_loads_none(code: str, tmp_path: Path) -> None:
    """Neither the package nor its help loads anything heavy."""
    assert loaded(code, tmp_path).isdisjoint(HEAVY)


def test_a_question_loads_what_it_needs(tmp_path: Path) -> None:
    """A query computes without the packages for symbols, frames and sampling; so this test can see what is loaded."""
    code = f"from cutwire.__main__ import main; main(['query', {str(EXAMPLES / 'party.causal')!r}, 'P(S)', '--json'])"
    found = loaded(code, tmp_path)
    assert "numpy" in found
    assert found.isdisjoint({"sympy", "pyro", "torch", "pandas", "narwhals", "hypothesis", "reportlab"})


def test_version_and_help(tmp_path: Path) -> None:
    assert fresh("--version", folder=tmp_path) == Done(0, f"cutwire {cw.__version__}\n", "")
    helped = fresh("--help", folder=tmp_path)
    assert (helped.status, helped.err) == (0, "")
    for command in ("run", "check", "query", "draw", "laws", "convert", "fmt", "repl"):
        assert re.search(rf"^ +{command} ", helped.out, re.MULTILINE)
        assert fresh(command, "--help", folder=tmp_path).out.startswith(f"usage: cutwire {command}")


@pytest.mark.parametrize(("command", "line"), [(c, line) for c, lines in EXAMPLES_OF.items() for line in lines])
def test_examples_of_the_help_run(command: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `--help` shows can be typed beside the examples, and goes well."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    name, *arguments = shlex.split(line)
    assert (name, arguments[0]) == ("cutwire", command)

    assert line in cutwire(command, "--help").out
    assert cutwire(*arguments).status == 0


@pytest.mark.parametrize("hidden", [*(f"{room}.py" for room in ROOMS), *(f"{room}/__init__.py" for room in ROOMS)])
def test_a_file_that_hides_a_package_is_named(hidden: str, tmp_path: Path) -> None:
    """A script's own `parser.py` comes before ours: the error says which file it is."""
    path = tmp_path / hidden
    path.parent.mkdir(exist_ok=True)
    path.write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "run.py").write_text("import cutwire\nprint(cutwire.load)\n", encoding="utf-8")
    done = python("run.py", folder=tmp_path)
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines()[-1].startswith(f"ImportError: {path} hides cutwire's own package '{hidden[:6]}")


def test_a_script_of_that_name(tmp_path: Path) -> None:
    """The script that is run may be the file that hides the package."""
    (tmp_path / "parser.py").write_text("import cutwire\nprint(cutwire.load)\n", encoding="utf-8")
    done = python("parser.py", folder=tmp_path)
    assert f"ImportError: {tmp_path / 'parser.py'} hides" in done.err


def test_a_file_that_is_loaded_already(tmp_path: Path) -> None:
    (tmp_path / "semantics.py").write_text("", encoding="utf-8")
    (tmp_path / "run.py").write_text("import semantics\nimport cutwire\n", encoding="utf-8")
    assert f"ImportError: {tmp_path / 'semantics.py'} hides" in python("run.py", folder=tmp_path).err


def test_a_plain_folder_hides_nothing(tmp_path: Path) -> None:
    """A folder without `__init__.py` is no package, so `parser/` beside a script does no harm."""
    (tmp_path / "parser").mkdir()
    (tmp_path / "parser" / "notes.txt").write_text("", encoding="utf-8")
    (tmp_path / "run.py").write_text("import cutwire\nprint(len(cutwire.parse('').models))\n", encoding="utf-8")
    assert python("run.py", folder=tmp_path) == Done(0, "0\n", "")


def test_a_script_in_a_folder_beside_the_packages(tmp_path: Path) -> None:
    """The file that hides ours may lie in a folder next to ours, as in a checkout."""
    for package in (*ROOMS, "cutwire"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "parser.py").write_text("", encoding="utf-8")
    (mine / "run.py").write_text("import cutwire\nprint(cutwire.load)\n", encoding="utf-8")
    done = python("run.py", folder=mine, PYTHONPATH=str(tmp_path))
    assert f"ImportError: {mine / 'parser.py'} hides" in done.err
