"""`cutwire repl`: fed through a pipe, and typed at a pseudo-terminal."""

from __future__ import annotations

import re
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cutwire.completion import candidates
from cutwire.inline import escape, protocol
from cutwire.repl import attempt, history_path, statements
from cutwire.session import Session, enter
from tests.cutwire.command import EXAMPLES, ROOT, cutwire, environment, fresh

COIN = b"var Coin : {heads, tails}\nbox coin : -> Coin =\n  [1/3, _]\n\nP(Coin = heads)\n"


# ---- fed -------------------------------------------------------------------------------------------------------------


def test_statements_are_read_from_a_pipe() -> None:
    done = cutwire("repl", stdin=COIN)
    assert (done.status, done.err) == (0, "")
    assert done.out == "no box makes Coin yet\nP(Coin = heads)\n  0.333333  = 1/3\n"


@pytest.mark.parametrize(
    ("line", "status"),
    [("P(Coin = edge)", 2), ("P(Coin = heads) > 1/2", 1), (":undo\n:undo\n:undo", 2), (":quit\nP(", 0)],
)
def test_exit_status_of_what_is_fed(line: str, status: int) -> None:
    assert cutwire("repl", stdin=COIN + line.encode()).status == status


def test_errors_do_not_end_what_is_fed() -> None:
    done = cutwire("repl", stdin=b"vra X : {a}\n" + COIN)
    assert done.status == 2
    assert "did you mean `var`?" in done.err
    assert "1/3" in done.out


def test_lines_on_the_command_line() -> None:
    done = cutwire("repl", EXAMPLES / "sprinkler.causal", "-e", ":do Sprinkler := yes", "-e", "P(Rain = yes)")
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "  0.5  = 1/2"


def test_a_file_that_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "bad.causal"
    path.write_text("var A", encoding="utf-8")
    assert cutwire("repl", path, "-e", "1").status == 2


LONG = "estimate P(Y = cured | do(X)) from charig bootstrap 1000000"
LONGER = " ".join(["estimate P(Y|do(X)) from charig bootstrap 1000000"] * 15)


def test_a_line_that_takes_too_long() -> None:
    session, _ = enter(Session(), f":load {EXAMPLES / 'kidney.causal'}")
    left, outcome, status = attempt(session, LONG, 0.3)
    assert (left, status) == (session, 3)
    assert outcome.problems[0].code == "L002"
    assert outcome.problems[0].span is not None
    assert outcome.problems[0].span.source.text == LONG
    assert attempt(left, "1 + 1", 60)[2] == 0


def test_a_statement_ends_where_the_next_line_does_not_fit() -> None:
    wanted = [
        "query P(S)\n for s : S",
        "P(C\n = yes)",
        "P(S)",
        "## said\nvar A : {no}",
        ":do S := yes",
        "box s : A -> S =\n| no -> yes",
    ]
    assert list(statements("\n".join(wanted))) == wanted


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.causal")), ids=lambda p: p.stem)
def test_examples_can_be_fed(path: Path) -> None:
    """Fed line by line an example comes to the statements that it has as a file."""
    from cutwire.texts import split
    from strings.diagnostic import Source

    text = path.read_text(encoding="utf-8")
    fed = [p.item for s in statements(text) for p in split(Source("<fed>", s))]
    assert fed == [p.item for p in split(Source("<file>", text))]


# ---- completion ------------------------------------------------------------------------------------------------------

LINES = (
    "var S, C : {no, yes}",
    "latent H : {low, high}",
    "domain Level = 0..3",
    "param p in [0, 1]",
    "box h : -> H = flip(p)",
    "box s : H -> S = | low -> [1/2, _] | high -> yes",
    "box c : S, H -> C = noisy_or(S = 1/2, H = 1/3)",
    "surgery on = do(S := yes)",
    "data d(S, C) = | no, no -> 1",
    "diagram both = s ; copy[S]",
)


@pytest.fixture(scope="module")
def session() -> Session:
    found = Session()
    for line in LINES:
        found, outcome = enter(found, line)
        assert not outcome.failed, outcome.problems
    return found


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("P(C = ", {"no", "yes"}, {"S"}),
        ("P(H = ", {"low", "high"}, {"no"}),
        ("P(C | do(S := ", {"no", "yes"}, {"low"}),
        ("P(C in {no, ", {"yes"}, {"S"}),
        ("P(", {"S", "C", "H"}, {"yes", "var"}),
        ("P(C | ", {"S", "do(", "cut("}, {"query"}),
        ("P(C | do(H -> S := ", {"low", "high"}, {"no"}),
        ("box c : S, H -> C = | ", {"no", "yes"}, {"low"}),
        ("box c : S, H -> C = | no, ", {"low", "high"}, {"no"}),
        ("box c : S, H -> C = | no, low -> ", {"no", "yes"}, {"low"}),
        ("va", {"var "}, {"latent "}),
        ("var X : ", {"Level", "real"}, {"S"}),
        ("estimate P(C) fr", {"from"}, set()),
        ("estimate P(C) from ", {"d"}, {"S"}),
        ("query P(C) ", {"unit", "for", "expect"}, {"var"}),
        ("query P(C) unit ", {"odds"}, {"S"}),
        ("draw main after ", {"on", "do("}, {"S"}),
        ("sum[s : ", {"S", "H"}, {"yes"}),
        (":", {"help", "why"}, {"P("}),
        (":do S := ", {"no", "yes"}, {"S"}),
        (":cut ", {"S", "C", "H"}, {"yes"}),
        (":type ", {"S", "s", "p"}, set()),
        (":identify P(C | do(", {"S"}, {"yes"}),
        (":semantics ma", {"matrix"}, {"exact"}),
        (":set ", {"p"}, {"S"}),
        (":draw ", {"main", "both"}, {"S"}),
        ("var ", set(), {"S"}),
        ("P(C = yes | S = no) > ", {"P(", "sum["}, {"yes"}),
    ],
)
def test_completion(session: Session, text: str, wanted: set[str], unwanted: set[str]) -> None:
    found = {c.text for c in candidates(session, text)}
    assert wanted <= found, found
    assert not unwanted & found, found


def test_completion_replaces_what_is_typed(session: Session) -> None:
    assert [(c.text, c.replaces) for c in candidates(session, "P(C = ye")] == [("yes", 2)]


def test_completion_of_files(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.causal").touch()
    (tmp_path / "models" / "one.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert [c.text for c in candidates(session, ":load mo")] == ["models/"]
    assert [c.text for c in candidates(session, ":load models/o")] == ["one.causal"]
    assert candidates(session, ":load nowhere/") == []


def test_what_is_completed_is_taken(session: Session) -> None:
    """Every value that is offered behind `=` gives a question that can be read."""
    for c in candidates(session, "P(C = "):
        assert not enter(session, f":type P(C = {c.text})")[1].failed


# ---- pictures in the terminal ----------------------------------------------------------------------------------------


def test_images_are_cut_into_pieces_that_kitty_takes() -> None:
    import base64

    data = bytes(range(256)) * 100
    found = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", escape(data, "kitty"))
    assert base64.b64decode("".join(text for _, text in found)) == data
    assert all(len(text) <= 4096 for _, text in found)
    assert [control[-3:] for control, _ in found] == ["m=1"] * (len(found) - 1) + ["m=0"]


def test_no_images_without_a_sign() -> None:
    assert protocol({}) == ""
    assert protocol({"KITTY_WINDOW_ID": "1", "TERM": "screen-256color"}) == ""


def test_history_is_kept_where_state_belongs() -> None:
    assert history_path({"XDG_STATE_HOME": "/state"}) == Path("/state/cutwire/history")
    assert history_path({"XDG_STATE_HOME": "relative"}) == Path.home() / ".local/state/cutwire/history"


READY = r"Ctrl-D leaves[^>]*>"


# ---- typed -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Any]:
    """A session in a pseudo-terminal."""
    pexpect = pytest.importorskip("pexpect")
    changes = {"XDG_STATE_HOME": str(tmp_path), "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm", "NO_COLOR": "1"}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "cutwire", "repl"],
        cwd=str(ROOT),
        env=environment(**changes),
        encoding="utf-8",
        timeout=40,
        dimensions=(50, 100),
    )
    child.expect(READY)
    yield child
    child.close(force=True)


def typed(child: Any, line: str, wanted: str) -> None:
    child.send(f"{line}\r")
    child.expect(wanted)


def test_typing(terminal: Any, tmp_path: Path) -> None:
    """Three lines, an answer, a mistake, completion of a value, a box of several lines, and out by Ctrl-D."""
    from pexpect import EOF

    typed(terminal, "var S, C : {no, yes}", "no box makes S, C yet")
    typed(terminal, "box s : -> S = flip(1/3)", "no box makes C yet")
    terminal.send("box c : S -> C =\r| no -> [9 : 1]\r| yes -> [1 : 4]\r\r")
    typed(terminal, "P(C = yes | S = yes)", "4/5")
    typed(terminal, "P(C = yse)", "did you mean `yes`")
    terminal.send("P(C = y\t")
    terminal.expect("yes")
    typed(terminal, " | do(S := no))", "1/10")
    typed(terminal, ":do S := yes", "main after do")
    typed(terminal, "P(C = yes)", "4/5")
    terminal.expect(">")
    time.sleep(1)  # until the prompt listens
    terminal.sendcontrol("d")
    terminal.expect(EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    history = tmp_path / "cutwire" / "history"
    assert "+P(C = yes | S = yes)" in history.read_text(encoding="utf-8")
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_ctrl_c_stops_the_answer_and_not_the_session(terminal: Any, tmp_path: Path) -> None:
    from pexpect import EOF

    typed(terminal, ":load examples/kidney.causal", "model kidney")
    terminal.expect(">")
    typed(terminal, LONGER, "bootstrap")
    time.sleep(4)  # it has begun
    terminal.sendintr()
    terminal.expect("interrupted")
    terminal.expect(">")
    typed(terminal, "1/3 + 1/4", "7/12")
    terminal.expect(">")
    terminal.send("P(Y")
    time.sleep(1)
    terminal.sendintr()
    typed(terminal, ":time on", "times are shown")
    typed(terminal, ":quit", EOF)


def test_history_that_cannot_be_written(tmp_path: Path) -> None:
    """The session works where nothing can be kept."""
    pexpect = pytest.importorskip("pexpect")
    blocked = tmp_path / "file"
    blocked.touch()
    child = pexpect.spawn(
        sys.executable,
        ["-m", "cutwire", "repl"],
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=40,
        env=environment(XDG_STATE_HOME=str(blocked), PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm"),
    )
    child.expect(READY)
    child.send("var S : {no, yes}\r")
    child.expect("no box makes S yet")
    child.expect(">")
    time.sleep(1)  # until the prompt listens
    child.sendcontrol("d")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_help_of_the_command(tmp_path: Path) -> None:
    assert fresh("repl", "--help", folder=tmp_path).out.startswith("usage: cutwire repl")
