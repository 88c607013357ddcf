"""`cutwire explain`: what a code means, with an example, the message that it gets, and what to do."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from cutwire.__main__ import main
from cutwire.explain import GROUPS, Example, explain, overview
from parser.codes import CODES
from strings.diagnostic import QueryError
from tests.cutwire.command import EXAMPLES, cutwire, fresh

SAID = """\
T002: A row does not sum to 1

Literals are exact: 0.333 is 333/1000. Let an entry be `_`, the rest, or give weights,
`[9 : 1]`.

For example:

    var S : {no, yes}
    box s : -> S = [0.8, 0.3]

gets:

    error[T002]: this row does not sum to 1
     --> example.causal:2:16
      |
    2 | box s : -> S = [0.8, 0.3]
      |                ^^^^^^^^^^ sums to 11/10 = 1.1
      |
      = note: literals are exact: 0.333 is 333/1000; write 0.333f for a float row
      = help: let the last entry be the rest: `[4/5, _]`
      = help: or give weights, which are normalised: `[4/5 : 3/10]`

What to do. Let the last entry be `_`, or write weights, which are normalised: `[8 : 3]`.
"""


@pytest.mark.parametrize("asked", ["T002", "t002", " T002 ", "t2", "error[T002]", "[T002]:"])
def test_a_code_in_all_its_forms(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Title, explanation, example, message and advice; however the code was copied."""
    monkeypatch.setenv("COLUMNS", "90")
    done = cutwire("explain", asked)

    assert (done.status, done.out, done.err) == (0, SAID, "")


@pytest.mark.parametrize("code", CODES)
def test_every_code_says_something_on_lines_that_fit(code: str) -> None:
    """No code without advice or example; only examples and their messages may be wide."""
    found = explain(code)
    prose = [line for line in found.render(60).splitlines() if not line.startswith("    ")]

    assert found.parts
    assert max(map(len, prose)) <= 60 or any("`" in line for line in prose if len(line) > 60)
    assert "](" not in "".join(p for p in found.parts if isinstance(p, str))


def test_examples_of_model_files_come_with_their_message() -> None:
    """What `cutwire explain` shows below an example carries the code."""
    for code in ("Q002", "B002", "M001", "F013"):
        for part in explain(code).parts:
            if isinstance(part, Example) and part.language in ("text", "bif"):
                assert f"[{code}]: " in part.message()


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("Q099", "did you mean `Q009`?"),
        ("T0022", "did you mean `T022`?"),
        ("bootstrap", "codes that speak of this: P016, T023, Q011"),
        ("", "`cutwire explain` lists all codes"),
    ],
)
def test_what_is_no_code(asked: str, near: str) -> None:
    """N002 with what may be meant; the command line ends with exit status 2."""
    with pytest.raises(QueryError) as e:
        explain(asked)
    assert e.value.diagnostic.code == "N002"
    assert near in str(e.value)
    if asked:
        done = cutwire("explain", asked)
        assert (done.status, done.out) == (2, "")
        assert near in done.err


def test_all_codes_are_listed_in_their_groups() -> None:
    """Alone it lists every code once, under its letter; with a letter those of the group."""
    lines = cutwire("explain").out.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ")]

    assert sorted(listed) == sorted(CODES)
    assert [line[0] for line in lines if line[1:2] == ":"] == list(overview())
    assert set(overview()) <= set(GROUPS)
    assert {c[0] for c in CODES} <= set(GROUPS)
    assert cutwire("explain", "c").out == "C: Combs\n  C001  Stages of a comb\n  C002  Combs do not fit together\n"


def test_json() -> None:
    """One object: of a code, of all."""
    found = cutwire("explain", "T002", "--json").json
    assert list(found) == ["code", "title", "explanation", "example", "message", "advice"]
    assert found["example"] == "var S : {no, yes}\nbox s : -> S = [0.8, 0.3]"
    assert found["message"].startswith("error[T002]: ")
    assert found["advice"].startswith("Let the last entry")
    assert cutwire("explain", "P006", "--json").json["example"] is None
    assert {c["code"] for c in cutwire("explain", "--json").json["codes"]} == set(CODES)


def test_it_runs_from_anywhere(tmp_path: Path) -> None:
    """The page is found from another folder, and nothing is written there."""
    done = fresh("explain", "Q002", folder=tmp_path)

    assert done.status == 0
    assert "What to do." in done.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("terminal", [True, False])
def test_an_error_on_a_terminal_names_the_command(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line says where more is to be read, and only where somebody reads."""
    err = io.StringIO()
    monkeypatch.setattr(err, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("NO_COLOR", "1")

    assert main(["query", str(EXAMPLES / "sprinkler.causal"), "P(Wett = yes)"]) == 2
    assert err.getvalue().endswith("for more: cutwire explain N002\n") is terminal
