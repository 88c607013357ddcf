"""The command line: its answers in JSON, its exit statuses, and what it leaves behind when something fails."""

from __future__ import annotations

import gzip
import os
import random
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.cutwire.command import EXAMPLES, Done, cutwire, environment, fresh

COIN = """model coin
var S, C : {no, yes}
box s : -> S = [1/2, 1/2]
box c : S -> C =
  | no  -> [3/4, 1/4]
  | yes -> [1/3, 2/3]
"""
BROKEN = "vaar S : {no,yes}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def copy_examples(*names: str) -> None:
    for name in names:
        shutil.copy(EXAMPLES / name, name)


def refused(done: Done, status: int, *codes: str) -> None:
    """The command ended with `status`; the diagnostics are on standard error alone, and are no traceback."""
    assert (done.status, done.out) == (status, "")
    assert "Traceback" not in done.err
    assert re.findall(r"^error\[(\w+)\]", done.err, re.MULTILINE) == list(codes)


# -- JSON


def test_json_of_a_query() -> None:
    """A distribution, and a number: the keys that are documented, and the right numbers in them."""
    file = write("m.causal", COIN)
    assert cutwire("query", file, "P(C | do(S))", "--json").json == {
        "variables": ["C", "S"],
        "values": {"C": ["no", "yes"], "S": ["no", "yes"]},
        "probabilities": [[0.75, 1 / 3], [0.25, 2 / 3]],
        "exact": [["3/4", "1/3"], ["1/4", "2/3"]],
    }
    assert cutwire("query", file, "P(C = yes | do(S := yes))", "--json").json == {
        "probability": 2 / 3,
        "exact": "2/3",
    }
    assert cutwire("query", file, "P(C = yes) + P(C = no)", "--json").json == {"probability": 1.0, "exact": "1"}


def test_json_of_floats() -> None:
    """Numbers that were not written exactly have no fractions."""
    file = write("m.causal", "var S : {no, yes}\nbox s : -> S = [0.25f, 0.75f]\n")
    assert cutwire("query", file, "P(S = yes)", "--json").json == {"probability": 0.75, "exact": None}
    assert cutwire("query", file, "P(S)", "--json").json["exact"] is None


def test_json_of_run_and_check() -> None:
    """One entry a statement, in order; `check` has the claims alone."""
    asks = "query q: P(S = yes) expect 1/2\nclaim c: P(C) == P(C)\nclaim d: P(C = yes) > 1/2\ncheck all\n"
    file = write("m.causal", COIN + asks + 'draw coin to "p.svg"\n')
    ran = cutwire("run", file, "--json")
    assert [(r["kind"], r.get("name")) for r in ran.json["results"]] == [
        ("query", "q"),
        ("claim", "c"),
        ("claim", "d"),
        ("picture", None),
    ]
    assert {r["model"] for r in ran.json["results"]} == {"coin"}
    q, c, d, p = ran.json["results"]
    assert (q["probability"], q["exact"], q["expected"]) == (0.5, "1/2", True)
    assert (c["holds"], d["holds"], bool(d["counterexample"])) == (True, False, True)
    assert (Path(p["path"]).resolve(), p["title"]) == (Path("p.svg").resolve(), "coin")
    assert (ran.status, ran.json["failures"]) == (1, 1)
    Path("p.svg").unlink()
    checked = cutwire("check", file, "--json")
    assert [r["name"] for r in checked.json["results"]] == ["c", "d"]
    assert (checked.status, checked.json["failures"], Path("p.svg").exists()) == (1, 1, False)


def test_json_is_all_there_is_on_standard_output() -> None:
    """In a process of its own, warnings included."""
    shutil.copy(EXAMPLES / "alarm.bif", "alarm.bif")
    done = fresh("query", "alarm.bif", "P(PRESS | do(FIO2 := LOW))", "--json", folder=Path.cwd())
    assert sum(done.json["probabilities"]) == pytest.approx(1)
    assert "warning[B002]" in done.err


def test_json_says_all_that_is_told() -> None:
    """The unit, and every formula of an estimate."""
    copy_examples("smoking.causal")
    asks = """
query P(C = yes) unit bits
model hidden {
  var S, T, C : {no, yes}
  latent H : {low, high}
  box h : -> H  box s : H -> S  box t : S -> T  box c : T, H -> C
  data d(S, T, C) = ROWS
  estimate e: P(C = yes | do(S := yes)) - P(C = yes | do(T := no)) + P(C = no | do(T := no)) from d
}
"""
    rows = "".join(f"| {', '.join(case)} -> 1 " for case in product(("no", "yes"), repeat=3))
    q, e = cutwire("run", write("m.causal", COIN + asks.replace("ROWS", rows)), "--json").json["results"]
    assert (q["kind"], q["model"], q["unit"]) == ("query", "coin", "bits")
    assert (e["kind"], e["model"], e["name"], e["exact"]) == ("estimate", "hidden", "e", "1/2")
    assert [f[:3] for f in e["formulas"]] == ["sum"] * 3
    assert e["formula"] == e["formulas"][0]
    one = cutwire("query", "smoking.causal", "P(C = yes | do(S := yes))", "--from", "flip", "--json").json
    assert one["formula"] == "sum[t : T] P(t | S = yes) * sum[s' : S] P(C = yes | s', t) * P(s')"
    assert "formulas" not in one


def test_json_of_numbers_that_no_float_holds() -> None:
    """Too large is null, too small rounds to 0; the fraction says what it is."""
    file = write("m.causal", COIN)
    huge, tiny = "1" + "0" * 400, "1/2" + "0" * 400
    assert cutwire("query", file, "P(S = yes) * 2e400", "--json").json == {"probability": None, "exact": huge}
    assert cutwire("query", file, "P(S = yes) * 1e-400", "--json").json == {"probability": 0.0, "exact": tiny}
    d = cutwire("query", file, "P(S) * 2e400", "--json").json
    assert (d["probabilities"], d["exact"]) == ([None, None], [huge, huge])
    floats = cutwire("query", file, "P(S) * 1e300f * 1e300f", "--json")
    assert floats.status == 2 or (floats.json["probabilities"], floats.json["exact"]) == ([None, None], None)


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("number", ["1e300", "1e300f"])
def test_numbers_beyond_floating_point(number: str, options: tuple[str, ...]) -> None:
    """A number too large for a float is shown, or refused if there is no exact one; what is shown is JSON."""
    file = write("m.causal", COIN)
    for p in ("P(S = yes)", "P(S)"):
        done = cutwire("query", file, f"{p} * {number} * {number}", *options)
        if done.status == 2 and number.endswith("f"):
            assert done.err.startswith("error[")
            continue
        assert done.status == 0
        assert done.json if options else done.out


def test_an_expectation_beyond_floating_point() -> None:
    """It is missed, and that is said."""
    done = cutwire("run", write("m.causal", COIN + "query P(S = yes) expect 1e399 * 1e399\n"))
    assert (done.status, done.err, "NOT as expected" in done.out) == (1, "", True)


def test_digits() -> None:
    """So many significant digits are shown, no more."""
    file = write("m.causal", COIN)
    for digits, shown in (("2", "0.46"), ("6", "0.458333"), ("12", "0.458333333333")):
        assert cutwire("query", file, "P(C = yes)", "--digits", digits).out.split()[3:] == [shown, "=", "11/24"]


def shown(text: str, *options: str) -> list[str]:
    """What a query about the coin shows below its heading, without what is exact."""
    done = cutwire("run", write("m.causal", f"{COIN}query {text}\n"), *options)
    assert (done.status, done.err) == (0, "")
    return [line.split("  = ")[0].strip() for line in done.out.splitlines()[1:]]


@pytest.mark.parametrize(
    ("number", "odds", "bits", "decibans", "percent"),
    [
        ("0", "0 : 1", "infinite bits", "-infinite dB", "0 %"),
        ("1", "certain", "0 bits", "infinite dB", "100 %"),
        ("1/2", "1 : 1", "1 bits", "0 dB", "50 %"),
        ("3/4", "3 : 1", "0.415037 bits", "4.77121 dB", "75 %"),
        ("1/8", "1 : 7", "3 bits", "-8.45098 dB", "12.5 %"),
        ("1e-390", "1e-390 : 1", "1295.55 bits", "-3900 dB", "1e-388 %"),
        ("(1 - 1e-390)", "1e+390 : 1", "1.4427e-390 bits", "3900 dB", "100 %"),
        ("(1 - 1e-12)", "999999999999 : 1", "1.4427e-12 bits", "120 dB", "100 %"),
        ("(1/2 + 1e-15)", "1 : 1", "1 bits", "1.73718e-14 dB", "50 %"),
        ("0.75f", "3 : 1", "0.415037 bits", "4.77121 dB", "75 %"),
        ("1.0f", "certain", "0 bits", "infinite dB", "100 %"),
    ],
)
def test_units(number: str, odds: str, bits: str, decibans: str, percent: str) -> None:
    """Every number from 0 to 1 has a place in every unit; logarithms are right where floats would be 0 or 1."""
    assert shown(f"{number} * P(S = yes) / (1/2) unit bits") == [bits]
    assert shown(f"{number} * P(S = yes) / (1/2) unit decibans") == [decibans]
    assert shown(f"{number} * P(S = yes) / (1/2) unit percent") == [percent]
    if number != "(1/2 + 1e-15)":  # too long to be shown whole
        assert shown(f"{number} * P(S = yes) / (1/2) unit odds") == [odds]


@pytest.mark.parametrize("unit", ["odds", "bits", "decibans", "percent"])
def test_units_are_for_probabilities(unit: str) -> None:
    """What is below 0 or above 1 has no odds; the case is told."""
    for text, told in (("P(S = yes) * 4", "this is 2"), ("P(S = s) - 1 for s : S", "this is -0.5 at s = no")):
        done = cutwire("run", write("m.causal", f"{COIN}query {text} unit {unit}\n"))
        refused(done, 2, "Q010")
        assert told in done.err


@pytest.mark.parametrize("unit", ["odds", "bits", "decibans", "percent"])
@pytest.mark.parametrize("value", ["no", "yes"])
def test_tiny_probabilities_in_units(unit: str, value: str) -> None:
    """A probability too small for a float, and one too near 1, in every unit."""
    text = f"var S : {{no, yes}}\nbox s : -> S = [1e-390, _]\nquery P(S = {value}) unit {unit}\n"
    done = cutwire("run", write("m.causal", text))
    assert (done.status, done.err) == (0, "")
    assert "-0 " not in done.out


def test_headings_of_tables() -> None:
    """Probabilities are called so; what is computed from them, or a mean, is a value."""
    values = "var N : 0..2\nbox n : S -> N = | no -> [1/2, 1/2, 0] | yes -> [0, 1/2, 1/2]\n"
    file = write("m.causal", COIN + values)
    for question, heading in (
        ("P(C)", "probability"),
        ("P(C | do(S))", "probability"),
        ("P(C) - P(S = yes)", "value"),
        ("P(C) / P(S = yes)", "value"),
        ("E(N | S)", "value"),
    ):
        assert heading in cutwire("query", file, question).out.splitlines()[1].split()


def test_axes_stand_in_the_order_in_which_they_are_bound() -> None:
    """`for s, c` has `s` outside; without `for` what is asked comes first."""
    file = write(
        "m.causal", f"{COIN}query P(C = c | S = s) for s : S, c : C\nquery P(C = c | S = s) for c : C, s : S\n"
    )
    one, other = cutwire("run", file, "--json").json["results"]
    assert (one["variables"], other["variables"]) == (["s", "c"], ["c", "s"])
    assert one["exact"] == [["3/4", "1/4"], ["1/3", "2/3"]]
    assert other["exact"] == [["3/4", "1/3"], ["1/4", "2/3"]]
    assert cutwire("query", file, "P(C | do(S := s))", "--json").json["variables"] == ["C", "s"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_names_that_the_terminal_lacks(encoding: str) -> None:
    """Names outside of the output's character set do not stop the answer."""
    file = write("m.causal", "var Größe : {klein, groß, λ}\nbox g : -> Größe = [1/2, 1/4, 1/4]\nquery P(Größe)\n")
    for options in ((), ("--json",)):
        done = fresh("run", file, *options, folder=Path.cwd(), PYTHONIOENCODING=encoding)
        assert (done.status, done.err) == (0, "")
        assert not options or done.json["results"][0]["values"] == {"Größe": ["klein", "groß", "λ"]}


# -- exit statuses


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_claim_falls(command: str) -> None:
    """Status 1, and the case where it fails; the statements behind it are still done."""
    claims = "claim c: P(S = yes) > 1/2\nclaim d: P(S = yes) == 1/2\ncheck all\n"
    done = cutwire(command, write("m.causal", COIN + claims))
    assert (done.status, done.err) == (1, "")
    assert [line.split()[:2] for line in done.out.splitlines() if "c" in line.split()[:2]] == [["FALLS", "c"]]
    assert "holds  d" in done.out


def test_an_expectation_is_missed() -> None:
    """Status 1 for `run`; `check` looks at claims only."""
    file = write("m.causal", COIN + "query P(S = yes) expect 1/3\nquery P(S = no) expect 1/2\n")
    done = cutwire("run", file)
    assert (done.status, done.out.count("NOT as expected"), done.out.count("  as expected")) == (1, 1, 1)
    quiet = cutwire("run", file, "--json")
    assert ([r["expected"] for r in quiet.json["results"]], quiet.status) == ([False, True], 1)
    assert cutwire("check", file).status == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "missing.causal"], "F002"),
        (["check", "folder"], "F002"),
        (["run", "binary.causal"], "F007"),
        (["query", "empty.causal", "P(S)"], "M007"),
        (["query", "good.causal", "P(Z)"], "N002"),
        (["query", "good.causal", "P(S = Yes)"], "N003"),
        (["query", "good.causal", "P(S"], "P002"),
        (["query", "good.causal", "P(C | do(Z := yes))"], "N004"),
        (["query", "good.causal", "P(C | S = no, do(S := yes))"], "Q002"),
        (["query", "good.causal", "P(S)", "--from", "nothing"], "N002"),
        (["query", "good.causal", "P(S)", "--using", "nothing"], "N001"),
        (["query", "good.causal", "P(S)", "--model", "nothing"], "M007"),
        (["query", "missing.bif", "P(S)"], "B004"),
        (["query", "broken.bif", "P(S)"], "B001"),
        (["query", "cut.bif.gz", "P(S)"], "B004"),
        (["run", "missing.bif"], "F014"),
        (["draw", "good.causal", "-o", "picture.txt"], "V001"),
        (["draw", "good.causal", "-o", "missing/picture.svg"], "V004"),
        (["draw", "good.causal", "-o", "folder.svg"], "V004"),
        (["draw", "good.causal", "--after", "cut(Z)", "-o", "picture.svg"], "N004"),
        (["draw", "good.causal", "--name", "Z", "-o", "picture.svg"], "M007"),
        (["draw", "broken.causal", "-o", "picture.svg"], "P010"),
        (["run", "broken.causal", "--out", "new"], "P010"),
        (["run", "good.causal", "--out", "broken.bif"], "F015"),
        (["fmt", "missing.causal"], "F002"),
        (["fmt", "folder"], "F002"),
        (["fmt", "binary.causal"], "F007"),
        (["fmt", "broken.causal"], "P010"),
    ],
)
def test_bad_input(arguments: list[str], code: str) -> None:
    """Status 2, one diagnostic on standard error, nothing on standard output, nothing written."""
    write("good.causal", COIN)
    write("empty.causal", "")
    write("broken.causal", BROKEN)
    write("broken.bif", "nothing")
    Path("binary.causal").write_bytes(bytes(range(256)))
    Path("cut.bif.gz").write_bytes(gzip.compress((EXAMPLES / "asia.bif").read_bytes())[:200])
    Path("folder").mkdir()
    Path("folder.svg").mkdir()
    before = {p: p.read_bytes() if p.is_file() else b"" for p in Path().rglob("*")}
    refused(cutwire(*arguments), 2, code)
    assert {p: p.read_bytes() if p.is_file() else b"" for p in Path().rglob("*")} == before


def test_a_folder_is_no_guess_for_itself() -> None:
    """A name that is there, but a folder, is not proposed once more."""
    Path("folder").mkdir()
    assert "did you mean `folder`" not in cutwire("run", "folder").err


def test_an_empty_file_is_no_mistake() -> None:
    assert (cutwire("run", write("m.causal", "")).status, cutwire("fmt", "m.causal").status) == (0, 0)
    assert cutwire("run", "m.causal", "--json").json == {"results": [], "failures": 0}


def test_several_mistakes_in_one_go() -> None:
    """All are told, in order of the text, each once and with its place."""
    text = "var S, T : {no, yes}\nbox s : -> S = [0.8, 0.3]\nbox t : S -> T = uniform()\nquery P(T = Yes)\nquery P(Z)\n"
    done = cutwire("run", write("m.causal", text), "--json")
    refused(done, 2, "T002", "N003", "N002")
    assert re.findall(r"--> m.causal:(\d+):", done.err) == ["2", "4", "5"]
    assert "did you mean `yes`?" in done.err


def test_a_mistake_that_shows_on_the_way() -> None:
    """It is told with its place, and all other statements are done; --json has it in its place."""
    asks = "query P(S)\nquery q: P(C | S = no, do(S := yes))\nquery P(C)\nclaim c: P(C | S = no, do(S := yes)) == 1\n"
    file = write("m.causal", COIN + asks + "check all\n")
    plain, quiet, claims = cutwire("run", file), cutwire("run", file, "--json"), cutwire("check", file, "--json")
    assert (plain.status, quiet.status, claims.status) == (2, 2, 2)
    assert [line for line in plain.out.splitlines() if line.startswith("P(")] == ["P(S)", "P(C)"]
    assert re.findall(r"error\[(\w+)\].*\n *--> m.causal:(\d+):", plain.err) == [("Q002", "8"), ("Q002", "10")]
    assert quiet.err == plain.err
    results = quiet.json["results"]
    assert [r["kind"] for r in results] == ["query", "error", "query", "error"]
    assert (results[1]["model"], results[1]["name"], quiet.json["failures"]) == ("coin", "q", 2)
    (told,) = results[1]["diagnostics"]
    assert (told["code"], told["file"], told["line"], told["column"]) == ("Q002", "m.causal", 8, 10)
    assert "probability zero" in told["message"]
    assert [r["kind"] for r in claims.json["results"]] == ["error"]


def test_the_worst_is_the_exit_status() -> None:
    """A claim that falls is 1, a mistake 2, a limit 3."""
    falls, mistake = "claim c: P(S = yes) == 1\n", "query P(C | S = no, do(S := yes))\n"
    for asks, status in (
        (falls, 1),
        (falls + mistake, 2),
        (mistake + falls, 2),
        ("query (P(S = yes) ^ 1000) ^ 1000\n" + mistake + falls, 3),
    ):
        done = cutwire("run", write("m.causal", COIN + asks + "check all\n"))
        assert done.status == status
        assert ("FALLS" in done.out) == (falls in asks)


def test_boxes_without_numbers_are_shown() -> None:
    """Where they are declared, for questions in the file and for those from outside."""
    text = "var S, T, C : {no, yes}\nbox s : -> S = [1/2, 1/2]\nbox t : S -> T\nbox c : T -> C\nquery P(C)\n"
    file = write("m.causal", text)
    done = cutwire("run", file)
    refused(done, 2, "Q001")
    assert "--> m.causal:5:" in done.err
    assert re.findall(r"^(\d) \| .*\n  \| +- signature only", done.err, re.MULTILINE) == ["3", "4"]
    asked = cutwire("query", file, "P(T)")
    refused(asked, 2, "Q001")
    assert "::: m.causal:3:5" in asked.err
    assert "box c" not in asked.err


def test_exact_or_refused() -> None:
    """--exact never gives floating point."""
    file = write("m.causal", COIN)
    assert cutwire("query", file, "P(S)", "--exact", "--json").answer == ["1/2", "1/2"]
    refused(cutwire("query", file, "0.5f * P(S)", "--exact", "--json"), 2, "Q005")
    for asks in ("query 0.5f * P(S)\n", "query P(S = yes) expect 0.5f\n", "claim c: P(S = yes) == 0.5f\ncheck all\n"):
        file = write("m.causal", COIN + asks)
        assert cutwire("run", file).status == 0
        refused(cutwire("run", file, "--exact"), 2, "Q005")


def dense(n: int, parents: int) -> str:
    """A model whose variables hear each so many of those before them."""
    lines, chance = [], random.Random(1)
    for i in range(n):
        heard = [f"V{k}" for k in chance.sample(range(i), min(i, parents))]
        cases = enumerate(product("01", repeat=len(heard)), start=1)
        rows = "".join(f"| {', '.join(case)} -> [{k}/9999, _] " for k, case in cases) if heard else "[1/3, 2/3]"
        lines.append(f"var V{i} : {{0, 1}}\nbox v{i} : {', '.join(heard)} -> V{i} = {rows}\n")
    return "".join(lines)


def test_exact_where_it_is_cheap() -> None:
    """`run` and `query` choose alike: fractions for small tables, floating point for wide ones; --exact insists."""
    wide = "P(" + ", ".join(f"V{i}" for i in range(16)) + ")"
    file = write("m.causal", dense(16, 2) + f"query P(V15 = 1)\nquery {wide}\n")
    narrow, joint = cutwire("run", file, "--json").json["results"]
    assert (narrow["exact"] is None, joint["exact"] is None) == (False, True)
    assert sum(np.ravel(joint["probabilities"])) == pytest.approx(1)
    assert cutwire("query", file, "P(V15 = 1)", "--json").json["exact"] == narrow["exact"]
    assert cutwire("query", file, wide, "--json").json["exact"] is None
    forced = cutwire("run", file, "--json", "--exact").json["results"]
    assert sum(map(Fraction, np.ravel(forced[1]["exact"]))) == 1
    tangled = write("m.causal", dense(40, 6) + "query P(V0 = 1)\nquery P(V39 = 1 | V38 = 0)\n")
    assert [r["exact"] is None for r in cutwire("run", tangled, "--json").json["results"]] == [False, True]


@pytest.mark.parametrize("arguments", [[], ["frob"], ["query", "f"], ["query", "f", "P(S)", "--digits", "0"]])
def test_usage(arguments: list[str]) -> None:
    done = cutwire(*arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("usage: cutwire")


# -- streams


def test_standard_input() -> None:
    """`-` is standard input for run, check, query, draw and fmt."""
    text = (COIN + "query P(S = yes) expect 1/2\nclaim c: P(S = yes) == 1/2\ncheck all\n").encode()
    assert "as expected" in cutwire("run", "-", stdin=text).out
    assert "holds  c" in cutwire("check", "-", stdin=text).out
    assert cutwire("query", "-", "P(C = yes | do(S := yes))", "--json", stdin=text).answer == "2/3"
    assert cutwire("draw", "-", "-o", "p.svg", stdin=text).status == 0
    assert Path("p.svg").read_text(encoding="utf-8").startswith("<svg")
    assert cutwire("fmt", "-", stdin=b"var S:{no,yes}\n") == Done(0, "var S : {no, yes}\n", "")
    refused(cutwire("run", "-", stdin=BROKEN.encode()), 2, "P010")


@pytest.mark.parametrize("command", [["run", "-"], ["query", "-", "P(S)"], ["fmt", "-"]])
def test_standard_input_that_is_no_text(command: list[str]) -> None:
    done = fresh(*command, folder=Path.cwd(), stdin=b"var S : {no, \xff}\n", PYTHONIOENCODING="utf-8:strict")
    refused(done, 2, "F007")


@pytest.mark.parametrize("command", [["run", "m.causal"], ["run", "m.causal", "--json"], ["query", "m.causal", "P(S)"]])
def test_nobody_reads_the_answer(command: list[str]) -> None:
    """A reader that has gone away is no mistake of the file's."""
    write("m.causal", COIN + "query P(S)\n")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "cutwire", *command], stdout=gone, stderr=subprocess.PIPE, env=environment()
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_goes_away_later(options: list[str]) -> None:
    """As `head` does: after the first line, while there is much more to come."""
    write("m.causal", COIN + "query P(S, C)\n" * 2000)
    running = subprocess.Popen(
        [sys.executable, "-m", "cutwire", "run", "m.causal", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.read(4) in (b"P(S,", b'{"re')
    running.stdout.close()
    assert (running.stderr.read(), running.wait(timeout=60)) == (b"", 0)
    running.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_answer_that_cannot_be_written(options: list[str]) -> None:
    write("m.causal", COIN + "query P(S)\n")
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "cutwire", "run", "m.causal", *options]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), text=True)
    assert done.returncode == 2
    assert re.fullmatch(r"error\[F015\]: .*\n", done.stderr)


def test_draw_writes_the_kind_that_the_ending_says() -> None:
    file = write("m.causal", COIN)
    for ending, start in (("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")):
        assert cutwire("draw", file, "--after", "cut(S)", "-o", f"p.{ending}") == Done(0, "", "")
        assert Path(f"p.{ending}").read_bytes().startswith(start)
    for options in (["-o", "p.dot", "--dag"], ["-o", "q.dot"], ["-o", "r.gv"]):
        assert cutwire("draw", file, *options) == Done(0, "", "")
        assert "v0 -> v1" in Path(options[1]).read_text(encoding="utf-8")
    assert cutwire("draw", file, "--after", "cut(C)", "-o", "s.gv").status == 0
    assert re.search(r"v0 -> v1 \[.*style=dashed", Path("s.gv").read_text(encoding="utf-8"))
    assert cutwire("draw", file, "--after", "cut(C)", "--only-after", "-o", "t.gv").status == 0
    assert "v0 -> v1" not in Path("t.gv").read_text(encoding="utf-8")


def test_draw_shows_surgery_on_a_plain_diagram() -> None:
    """Before and after side by side, or only after; boxes are named, and one that is not there is refused."""
    file = write("d.causal", "type A, B\nbox f : A -> B\nbox g : B -> A\ndiagram d = f ; g ; f\n")
    for options, texts in (([], (4, 1)), (["--only-after"], (2, 0))):
        assert cutwire("draw", file, "--after", "cut(g)", *options, "-o", "d.svg") == Done(0, "", "")
        svg = Path("d.svg").read_text(encoding="utf-8")
        assert (svg.count(">f<"), svg.count(">g<")) == texts
        assert "after cut(g)<" in svg
    refused(cutwire("draw", file, "--after", "cut(h)", "-o", "e.svg"), 2, "N002")
    assert not Path("e.svg").exists()


def test_what_no_font_has_is_told() -> None:
    """A PNG with `?` in it comes with a warning, also from a `draw` statement; an SVG has the text."""
    odd = "\U0001fbff"  # no font has this
    text = f'var S : {{no, "{odd}"}}\nbox s : -> S = [1/2, 1/2]\n'
    file = write("m.causal", text + f'draw m after do(S := "{odd}") to "m.png"\n')
    done = cutwire("run", file)
    assert (done.status, done.out) == (0, f'm after do(S := "{odd}")  drawn to m.png\n')
    assert done.err.startswith("warning[V005]: ")
    assert cutwire("draw", file, "-o", "n.svg", "--after", f'do(S := "{odd}")').err == ""
    assert cutwire("draw", file, "-o", "n.pdf", "--after", f'do(S := "{odd}")').err.startswith("warning[V005]: ")


def test_graphs_are_drawn_from_the_file() -> None:
    """`draw` to `.dot` shows the graph of a model, after surgery if there is any; a plain diagram has none."""
    file = write("m.causal", COIN + 'draw coin to "p.dot"\ndraw coin after cut(C) to "q.gv"\n')
    assert cutwire("run", file) == Done(0, "coin  drawn to p.dot\ncoin after cut(C)  drawn to q.gv\n", "")
    assert "v0 -> v1" in Path("p.dot").read_text(encoding="utf-8")
    assert re.search(r"v0 -> v1 \[.*style=dashed", Path("q.gv").read_text(encoding="utf-8"))
    plain = "type A\nbox f : A -> A\ndiagram d = f ; f\n"
    done = cutwire("run", write("d.causal", plain + 'draw d to "d.dot"\n'))
    refused(done, 2, "V001")
    assert "--> d.causal:4:" in done.err
    file = write("d.causal", plain)
    for options in (["-o", "d.dot"], ["-o", "d.svg", "--dag"]):
        refused(cutwire("draw", file, *options), 2, "V001")
    assert not Path("d.dot").exists()


def test_a_file_draws_surgery_on_a_plain_diagram_as_the_command_does() -> None:
    """Before and after, box for box; without surgery once."""
    lines = ["type A", "box f : A -> A", "box g : A -> A", "diagram d = f ; g"]
    lines += ['draw d after cut(g) to "run.svg"', 'draw d to "one.svg"', "draw f ; g after cut(f)"]
    file = write("d.causal", "\n".join(lines))
    assert cutwire("run", file).status == 0
    assert cutwire("draw", file, "--after", "cut(g)", "-o", "draw.svg").status == 0
    assert Path("run.svg").read_bytes() == Path("draw.svg").read_bytes()
    assert Path("one.svg").read_text(encoding="utf-8").count(">f<") == 1
    assert Path("f-g-after-cut-f.svg").read_text(encoding="utf-8").count(">g<") == 2


def test_draw_a_plain_diagram() -> None:
    """The only one, or as named; after surgery on its boxes."""
    one = "type A\nbox f : A -> A\nbox g : A -> A\ndiagram d = f ; g\n"
    file, several = write("one.causal", one), write("several.causal", one + "diagram e = g ; f\n")
    assert cutwire("draw", file, "-o", "d.svg") == Done(0, "", "")
    assert cutwire("draw", several, "--name", "d", "-o", "e.svg") == Done(0, "", "")
    assert Path("d.svg").read_bytes() == Path("e.svg").read_bytes()
    assert cutwire("draw", file, "--after", "cut(g)", "-o", "after.svg") == Done(0, "", "")
    assert "d after cut(g)" in Path("after.svg").read_text(encoding="utf-8")
    refused(cutwire("draw", file, "--after", "cut(h)", "-o", "no.svg"), 2, "N002")
    which = cutwire("draw", several, "-o", "no.svg")
    refused(which, 2, "M007")
    assert "they are d, e" in which.err
    assert not Path("no.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["query", "m.causal", "P(S)", "--model", "coim"], "did you mean `coin`?"),
        (["query", "m.causal", "P(S)", "--model", "zebra"], "its models are coin"),
        (["identify", "m.causal", "P(S)", "--model", "coim"], "did you mean `coin`?"),
        (["draw", "m.causal", "--name", "coim", "-o", "p.svg"], "did you mean `coin`?"),
        (["draw", "m.causal", "--model", "zebra", "-o", "p.svg"], "they are coin"),
        (["query", "asia.bif", "P(lung)", "--model", "asai"], "did you mean `asia`?"),
        (["draw", "asia.bif", "--name", "zebra", "-o", "p.svg"], "leave out the name"),
    ],
)
def test_names_of_models(arguments: list[str], told: str) -> None:
    """One that there is not is refused, with the nearest there is."""
    copy_examples("asia.bif")
    write("m.causal", COIN)
    done = cutwire(*arguments)
    refused(done, 2, "M007")
    assert told in done.err
    assert not Path("p.svg").exists()


def test_pictures_of_a_run_go_where_they_are_told() -> None:
    """The paths told are those from the working folder, if they lie in it."""
    file = write("m.causal", COIN + 'draw coin to "p.svg"\ndraw coin after cut(S)\n')
    done = cutwire("run", file, "--out", "new/pictures")
    told = ["new/pictures/p.svg", "new/pictures/coin-after-cut-S.svg"]
    assert done == Done(0, f"coin  drawn to {told[0]}\ncoin after cut(S)  drawn to {told[1]}\n", "")
    assert sorted(map(str, Path("new/pictures").iterdir())) == sorted(told)
    assert all(Path(p).read_text(encoding="utf-8").startswith("<svg") for p in told)
    assert not Path("p.svg").exists()
    assert "drawn to p.svg\n" in cutwire("run", file).out
    Path("sub").mkdir()
    os.chdir("sub")
    assert f"drawn to {Path.cwd().parent / 'p.svg'}\n" in cutwire("run", "../m.causal").out


def test_no_picture_takes_the_place_of_another() -> None:
    """Two pictures of one name in two folders stay two when all go to one folder; so do those without a name."""
    Path("sub").mkdir()
    named = 'draw coin to "p.svg"\ndraw coin after cut(S) to "sub/p.svg"\ndraw coin after cut(C) to "sub/P.svg"\n'
    file = write("m.causal", COIN + named)
    assert cutwire("run", file).status == 0
    wanted = {Path(p).read_bytes() for p in ("p.svg", "sub/p.svg", "sub/P.svg")}
    assert cutwire("run", file, "--out", "all").status == 0
    assert {p.read_bytes() for p in Path("all").rglob("*.svg")} == wanted
    assert sorted(p.name for p in Path("all").iterdir()) == ["P-3.svg", "p-2.svg", "p.svg"]
    unnamed = 'draw coin to "coin-after-do-S-yes.svg"\ndraw coin after do(S := yes)\ndraw coin after do (S:= yes)\n'
    os.chdir("sub")
    assert cutwire("run", write("n.causal", COIN + unnamed)).status == 0
    names = [f"coin-after-do-S-yes{number}.svg" for number in ("", "-2", "-3")]
    assert sorted(p.name for p in Path().glob("coin*")) == sorted(names)


def tiny_files() -> None:
    """No file can grow beyond 64 bytes, as on a full disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


@pytest.mark.skipif(os.name != "posix", reason="needs limits on processes")
@pytest.mark.parametrize("command", [["draw", "m.causal", "-o", "p.svg"], ["run", "m.causal"], ["fmt", "m.causal"]])
def test_a_full_disk_leaves_what_was_there(command: list[str]) -> None:
    """Written whole or not at all: the old file stays, nothing lies beside it."""
    write("m.causal", COIN.replace(" = ", "=") + 'draw coin to "p.svg"\n')
    write("p.svg", "old")
    before = {p.name: p.read_bytes() for p in Path().iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", "cutwire", *command],
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=tiny_files,
    )
    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)
    assert done.stderr.startswith("error[")
    assert {p.name: p.read_bytes() for p in Path().iterdir()} == before
