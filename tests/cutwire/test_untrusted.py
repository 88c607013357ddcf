"""Model files from strangers: they reach no other folder, run nothing, fill nothing and paint nothing."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cutwire.command import Done, cutwire, grid

PLAIN = """model m
var S, C : {no, yes}
box s : -> S = [1/2, 1/2]
box c : S -> C = | no -> [1/2, 1/2] | yes -> [1/4, 3/4]
"""
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the model's folder in it; whatever happens, what lies outside stays as it is."""
    outside, inside = tmp_path / "outside", tmp_path / "outside" / "inside"
    (inside / "sub").mkdir(parents=True)
    (outside / "other.causal").write_text(f"# {SECRET}\ndomain D = {{{SECRET}, b}}\n", encoding="utf-8")
    (outside / "other.csv").write_text(f"S,C\nno,no\nyes,{SECRET}\n", encoding="utf-8")
    (outside / "other.svg").write_text(SECRET, encoding="utf-8")
    (inside / "link.causal").symlink_to("../other.causal")
    (inside / "link.csv").symlink_to("../other.csv")
    (inside / "link.svg").symlink_to("../other.svg")
    (inside / "linked").symlink_to("..", target_is_directory=True)
    monkeypatch.chdir(inside)
    before = {p: p.read_bytes() for p in outside.iterdir() if p.is_file()}
    yield outside
    assert {p: p.read_bytes() for p in outside.iterdir() if p.is_file()} == before


def run(text: str, *options: str, command: str = "run", name: str = "m.causal") -> Done:
    """Run a model text in five seconds at most."""
    Path(name).write_text(text, encoding="utf-8")
    start = time.monotonic()
    done = cutwire(command, name, "--timeout", "5", *options)
    assert time.monotonic() - start < 8
    return done


def refused(done: Done, status: int, *codes: str) -> None:
    assert (done.status, done.out) == (status, "")
    assert re.findall(r"^error\[(\w+)\]", done.err, re.MULTILINE) == list(codes)


# -- files


def paths(outside: Path, name: str) -> list[str]:
    """Ways out of the folder to `name`, and to a file that is not there."""
    away = [f"{outside}/{name}", f"../{name}", f"sub/../../{name}", f"linked/{name}", f"./../{name}", f"..\\{name}"]
    return [*away, f"/{name}", "~/" + name, "C:\\" + name, "../missing." + name.split(".")[1]]


def test_imports_stay_inside(outside: Path) -> None:
    """Refused where the file names them; nothing tells what is out there, or whether anything is."""
    for path in [*paths(outside, "other.causal"), "link.causal"]:
        done = run(f'import "{path}" as o\nvar A : o.D\n'.replace("\\", "\\\\"))
        refused(done, 2, "F001")
        assert "m.causal:1:" in done.err
        assert SECRET not in done.err


def test_data_stay_inside(outside: Path) -> None:
    for path in [*paths(outside, "other.csv"), "link.csv"]:
        done = run(PLAIN + f'data d = csv("{path}", S = "S", C = "C")\nquery P(S)\n'.replace("\\", "\\\\"))
        refused(done, 2, "F001")
        assert SECRET not in done.err


def test_pictures_stay_inside(outside: Path) -> None:
    """Also those that would be written over a link; `run --out` changes where they go, not what a file may ask."""
    for path in [*paths(outside, "other.svg"), "link.svg"]:
        text = PLAIN + f'draw m to "{path}"\n'.replace("\\", "\\\\")
        refused(run(text), 2, "F001")
        refused(run(text, "--out", "pictures"), 2, "F001")
    assert not Path("pictures").exists()


def test_imported_files_are_no_way_out(outside: Path) -> None:
    """The bounds are those of the main file, wherever the import lies."""
    Path("sub/a.causal").write_text('import "../../other.causal"\n', encoding="utf-8")
    refused(run('import "sub/a.causal"\n'), 2, "F001")
    Path("sub/a.causal").write_text("domain D = {a, b}\n", encoding="utf-8")
    assert run('import "sub/a.causal"\nvar A : a.D\nbox f : -> A = [1/2, 1/2]\nquery P(A)\n').status == 0


def test_standard_input_is_no_way_out() -> None:
    """Without a file of its own, a text's folder is the working folder."""
    text = PLAIN + 'data d = csv("../other.csv", S = "S")\nquery P(S)\n'
    refused(cutwire("run", "-", stdin=text.encode()), 2, "F001")


@pytest.mark.parametrize("typed", [False, True])
def test_allow_outside(typed: bool, outside: Path) -> None:
    """With --allow-outside all of this is read and written, whether the model is a file or typed."""
    text = 'import "../other.causal" as o\nvar A : o.D\nvar S : {no, yes}\n'
    text += f'data d = csv("{outside}/other.csv", S = "S")\n'
    text += "box a : -> A = [1/4, 3/4]\nbox s : -> S = fit(d)\nquery P(S = yes) expect 1/2\nquery P(A)\n"
    text += 'model p { var B : {0, 1}\nbox b : -> B = [1/2, 1/2] }\ndraw p to "linked/inside/sub/p.svg"\n'
    allowed = "--allow-outside"
    done = cutwire("run", "-", allowed, stdin=text.encode()) if typed else run(text, allowed)
    assert (done.status, done.err) == (0, "")
    assert SECRET in done.out
    assert Path("sub/p.svg").read_text(encoding="utf-8").startswith("<svg")


def test_devices_are_no_data() -> None:
    """Even if it may read outside, a file that never ends is not read."""
    refused(run(PLAIN + 'data d = csv("/dev/zero", S = "S")\nquery P(S)\n', "--allow-outside"), 2, "F002")
    refused(cutwire("run", "/dev/zero"), 3, "L003")


def test_imports_in_a_circle() -> None:
    Path("a.causal").write_text('import "b.causal"\n', encoding="utf-8")
    Path("b.causal").write_text('import "a.causal"\n', encoding="utf-8")
    refused(cutwire("run", "a.causal"), 2, "F005")
    refused(run('import "m.causal"\n'), 2, "F005")


@pytest.mark.parametrize("what", ['import "LONG.causal"\n', PLAIN + 'data d = csv("LONG.csv", S = "S")\n'])
def test_names_too_long_for_a_file(what: str) -> None:
    """Told like any other name of a file that is not there, with its place."""
    done = run(what.replace("LONG", "a" * 5000))
    assert (done.status, done.out) == (2, "")
    assert re.search(r"^error\[F00[12]\]: .*\n *--> m.causal:", done.err)


# -- nothing is run

PYTHON = "__import__('os').system('touch ran')"
PLACES = [
    "var {} : {{no, yes}}\n",
    "var S : {{no, {}}}\n",
    "var S : 0..{}\n",
    "domain D = {}\n",
    "latent H : {{{}}}\n",
    "var S : {{no, yes}}\nbox s : -> S = {}\n",
    "var S : {{no, yes}}\nbox s : -> S = [{}, _]\n",
    "var S : {{no, yes}}\nbox s : -> S = flip({})\n",
    "var S : {{no, yes}}\nbox s : -> S = fit({})\n",
    "var S : {{no, yes}}\nbox s : -> S = {{no: {}, yes: _}}\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "box d : S -> C = fn (s) => {}\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "query {}\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "query P(S = {})\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "query P(S | do(C := {}))\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "query P(S = yes) ^ {}\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "claim c: {} == 1\ncheck all\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "data d(S) = | no -> {}\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "data d = {}\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "draw {}\n",
    PLAIN.replace("{", "{{").replace("}", "}}") + "surgery u = {}\n",
    "import {}\n",
    'import "{}"\n',
    'import "${{{}}}.causal"\n',
    "{}\n",
]


@pytest.mark.parametrize("place", PLACES)
def test_no_python_is_run(place: str) -> None:
    """Python in any place of a model file is a mistake, and is told as one."""
    for code in (PYTHON, "open('ran','w')", "().__class__.__base__", "(lambda: 0)()", "`touch ran`", "$(touch ran)"):
        done = run(place.format(code))
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith("error[")
    assert not Path("ran").exists()


def test_no_python_is_run_in_texts() -> None:
    """In quoted values, labels, comments, data and networks it is plain text."""
    text = f'## {PYTHON}\nvar S : {{"{PYTHON}", "{{0.__class__}}", "%s"}} "{PYTHON}"\n'
    done = run(text + 'data d = csv("d.csv", S = "S")\nbox s : -> S = [1/2, 1/4, 1/4]\nquery P(S)\n')
    refused(done, 2, "F002")
    Path("d.csv").write_text(f'S\n"{PYTHON}"\n=cmd|calc\n', encoding="utf-8")
    assert PYTHON in run(text + "box s : -> S = [1/2, 1/4, 1/4]\nquery P(S)\n").out
    refused(run(text + 'data d = csv("d.csv", S = "S")\nbox s : -> S = fit(d)\nquery P(S)\n'), 2, "F003")
    Path("n.bif").write_text(
        f"network n {{ }}\nvariable A {{ type discrete [ {PYTHON} ] {{ a, b }}; }}\n", encoding="utf-8"
    )
    done = cutwire("query", "n.bif", "P(A)")
    assert (done.status, done.out) == (2, "")
    assert not Path("ran").exists()


# -- nothing is filled

HUGE = [
    (PLAIN + "query " + "(" * 50_000 + "P(S)" + ")" * 50_000 + "\n", 2, "P005"),
    (PLAIN + "query " + "-" * 50_000 + "P(S)\n", 2, "P005"),
    (PLAIN + "box d : S -> C = fn (s) => " + "not " * 50_000 + "true\n", 2, "P005"),
    (PLAIN + "query " + "+".join(["P(S)"] * 10_000) + "\n", 2, "P005"),
    ("".join(f"model m{i} {{\n" for i in range(1000)) + "}\n" * 1000, 2, "P005"),
    (PLAIN + "query P(S = yes) * 1e999999999\n", 2, "P007"),
    (PLAIN + "query P(S = yes) * " + "9" * 100_000 + "\n", 2, "P007"),
    (PLAIN + "query P(S = yes) * 2^2^2^2^2^2^2\n", 3, "L003"),
    (PLAIN + "query ((P(S = yes) ^ 1000) ^ 1000) ^ 1000\n", 3, "L003"),
    (PLAIN + "query ((P(S = yes) ^ -1000) ^ 1000) ^ 1000\n", 3, "L003"),
    ("var S : {no, yes}\nbox s : -> S = [((10^400)^400)^400 : 1]\n", 3, "L003"),
    ("domain D = 0..1000000000\n", 3, "L003"),
    ("domain D = 0..99999999999999999999999999\n", 3, "L003"),
    ("var A, B : 0..9999\nbox a : -> A = uniform()\nbox b : A -> B = uniform()\n", 3, "L003"),
    ("var A, B, C : 0..1999\nbox a : -> A = uniform()\nbox b : -> B = uniform()\nbox c : -> C = uniform()\n"
     "query P(A, B, C)\n", 3, "L001"),
    ("type A\nbox f : A -> A\ndiagram d0 = f\n"
     + "".join(f"diagram d{i + 1} = d{i} ; d{i}\n" for i in range(60)), 3, "L003"),
    (grid(22) + "query P(V21_21)\n", 3, "L002"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "status", "code"), HUGE, ids=range(len(HUGE)))
def test_what_is_too_large_is_refused_at_once(text: str, status: int, code: str) -> None:
    """Deep nesting, huge numbers, domains, tables and diagrams: refused before they are built."""
    options = ["--max-memory", "64M"] if code != "L002" else ["--timeout", "0.1"]
    refused(run(text, *options), status, code)


@pytest.mark.parametrize("n", [4, 24, 70])
def test_many_axes(n: int) -> None:
    """A sum over many axes is computed, or refused before the table is built."""
    axes = [f"a{i}" for i in range(n)]
    text = f"query {' + '.join(f'P(S = {a})' for a in axes)} for {', '.join(f'{a} : S' for a in axes)}\n"
    done = run(PLAIN + text, "--max-memory", "64M")
    assert done.status == 0 if n == 4 else done.err.startswith(("error[L001]", "error[L003]"))


@pytest.mark.parametrize("n", [40, 70])
def test_many_variables_of_one_value(n: int) -> None:
    """A table may have more axes than an array can have: it is computed or refused, and no crash."""
    names = [f"V{i}" for i in range(n)]
    text = "".join(f"var {v} : {{only}}\nbox {v.lower()} : -> {v} = uniform()\n" for v in names)
    text += f"var Y : {{no, yes}}\nbox y : {', '.join(names)} -> Y = [1/4, 3/4]\nquery P(Y = yes) expect 3/4\n"
    for asked in (text, text + f"query P({', '.join(names)})\n"):
        done = run(asked)
        assert done.status == 0 or done.err.startswith("error[L")


def test_a_small_file_that_unpacks_to_a_large_one() -> None:
    packed = gzip.compress(b"network n { }\n" + b" " * 100_000_000)
    Path("n.bif.gz").write_bytes(packed)
    assert len(packed) < 200_000
    refused(cutwire("query", "n.bif.gz", "P(A)"), 3, "L004")


# -- nothing is painted

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x9b2J", "\x07", "\x08", "\r", "\u202e", "\u2066"])
def test_no_control_signs_reach_the_terminal(sign: str) -> None:
    """Neither a line of the file in a diagnostic nor a value in an answer moves the cursor or turns the text round."""
    Path("d.csv").write_text(f'S,C\nno,"{sign}"\n', encoding="utf-8", newline="")
    for text in (
        f'var S : {{"{sign}", no}}\nbox s : -> S = [1/2, 1/2]\nquery P(S)\n',
        f'var S : {{yes, no}} "{sign}"\nbox s : -> S = [1/2, 1/2]\nquery P(S = maybe)\n',
        f"vaar S : {{yes, no}} # {sign}\n",
        f'import "{sign}"\n',
        PLAIN + 'data d = csv("d.csv", S = "S", C = "C")\nestimate P(C) from d\n',
    ):
        done = run(text)
        assert not CONTROL.search(done.out + done.err), repr(text)


def test_markup_is_plain_text() -> None:
    """Neither in the terminal nor in a picture."""
    text = 'model m\nvar S : {"[red]x[/red]", "<script>alert(1)</script>"} "<b>&\\"</b>"\nbox s : -> S = [1/2, 1/2]\n'
    done = run(text + 'query P(S)\ndraw m after do(S := "<script>alert(1)</script>") to "p.svg"\n')
    assert (done.status, done.err) == (0, "")
    assert "[red]x[/red]" in done.out
    assert "<script" not in Path("p.svg").read_text(encoding="utf-8")
