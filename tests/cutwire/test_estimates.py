"""Estimates as users meet them, at the command line and in Python: intervals, what is seen, where data are thin."""

from __future__ import annotations

import io
import re
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cutwire as cw
from cutwire.progress import tell, working
from tests.cutwire.command import EXAMPLES, Done, cutwire

MODEL = """
var Z, X, Y : {no, yes}
box z : -> Z
box x : Z -> X
box y : Z, X -> Y
data d(Z, X, Y) =
  | no, no, no  -> 40 | no, no, yes  -> 25 | no, yes, no  -> 10 | no, yes, yes  -> 20
  | yes, no, no -> 2  | yes, no, yes -> 1  | yes, yes, no -> 30 | yes, yes, yes -> 60
data shares(Z, X, Y) =
  | no, no, no  -> 0.4 | no, no, yes  -> 0.2 | yes, yes, no -> 0.3 | yes, no, yes -> 0.1
"""
SEEN, DONE = "P(Y = yes | X)", "P(Y = yes | do(X))"
COUNTS = np.array([[[40, 25], [10, 20]], [[2, 1], [30, 60]]])  # Z, X, Y


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(statements: str, *options: str) -> Done:
    Path("m.causal").write_text(MODEL + statements, encoding="utf-8")
    return cutwire("run", "m.causal", *options)


def query(question: str, *options: str) -> Done:
    Path("m.causal").write_text(MODEL, encoding="utf-8")
    return cutwire("query", "m.causal", question, "--from", "d", *options)


def result(statement: str) -> Any:
    (found,) = run(statement, "--json").json["results"]
    return found


def lines(done: Done) -> list[str]:
    assert done.status == 0, done.err
    return [" ".join(line.split()) for line in done.out.splitlines()]


def adjusted(n: np.ndarray, x: int) -> float:
    """The back-door formula by hand."""
    return float(sum(n[z].sum() / n.sum() * n[z, x, 1] / n[z, x].sum() for z in range(2)))


# ---- what is shown ---------------------------------------------------------------------------------------------------


def test_a_table_has_the_interval_and_what_is_seen() -> None:
    """Columns in this order, and below how the interval was made and where the data are thin."""
    shown = lines(run(f"estimate e: {DONE} from d bootstrap 300 seed 7 level 90%"))
    assert shown[0] == f"e: {DONE}"
    assert shown[1].split() == ["X", "probability", "exact", "low", "high", "seen"]
    x, value, exact, low, high, seen = shown[2].split()
    assert x == "no"
    assert float(Fraction(exact)) == pytest.approx(adjusted(COUNTS, 0))
    assert float(value) == pytest.approx(adjusted(COUNTS, 0), abs=1e-5)
    assert float(low) < float(value) < float(high)
    assert float(seen) == pytest.approx(26 / 68, abs=1e-5)
    dropped = shown[6].removeprefix("low, high: 90% of 300 resamples with seed 7")
    assert re.fullmatch(r"(, \d+ of which have no estimate)?", dropped)
    assert [*shown[4:6], *shown[7:]] == [
        "by sum[z : Z] P(Y = yes | z, X) * P(z)",
        "from data d",
        "thin P(Y | Z, X): 1 of 4 columns has fewer than 5 cases, at Z = yes, X = no (3 cases)",
    ]


def test_a_number_has_them_below() -> None:
    question = "P(Y = yes | do(X := yes)) - P(Y = yes | do(X := no))"
    shown = lines(run(f"estimate {question} from d bootstrap 300"))
    gain = adjusted(COUNTS, 1) - adjusted(COUNTS, 0)
    assert float(shown[1].split()[0]) == pytest.approx(gain, abs=1e-5)
    assert [s.split()[0] for s in shown[2:5]] == ["low", "high", "seen"]
    assert float(shown[2].split()[1]) < gain < float(shown[3].split()[1])
    assert float(shown[4].split()[1]) == pytest.approx(80 / 120 - 26 / 68, abs=1e-5)


def test_nothing_is_added_where_nothing_is_to_say() -> None:
    """Without surgery, and where doing is seeing: no column `seen`, no thin columns."""
    assert lines(run(f"estimate {SEEN} from d"))[1].split() == ["X", "probability", "exact"]
    assert lines(query("P(X = yes | do(Z))"))[1].split() == ["Z", "probability", "exact"]


def test_what_does_nothing_may_be_seen_with_something() -> None:
    """X does nothing to Z, though it tells of Z."""
    assert lines(query("P(Z = yes | do(X := yes))"))[1:] == [
        "0.494681 = 93/188",
        "seen 0.75",
        "by P(Z = yes)",
        "from data d",
    ]


def test_units() -> None:
    """Percents may be negative; where other units make no sense the interval is refused, what is seen left out."""
    gain = "P(Y = yes | do(X := yes)) - P(Y = yes | do(X := no))"
    shown = lines(run(f"estimate {gain} from d bootstrap 300 unit percent"))
    assert [s.split()[0] for s in shown[2:5]] == ["low", "high", "seen"]
    assert all(s.endswith(" %") for s in shown[2:5])
    assert float(shown[2].split()[1]) < 0

    bits = lines(run("estimate P(Y = yes | do(X := no)) from d bootstrap 300 unit bits"))
    assert float(bits[2].split()[1]) < float(bits[1].split()[0]) < float(bits[3].split()[1])

    refused = run(f"estimate {gain} from d bootstrap 300 unit odds")
    assert refused.status == 2
    assert "error[Q010]" in refused.err
    assert "the interval goes down to -" in refused.err


def test_expectations_still_count() -> None:
    assert "as expected" in run("estimate P(Y = yes | do(Z := no)) from d expect 45/95 bootstrap 50").out
    assert run("estimate P(Y = yes | do(Z := no)) from d expect 1/2 bootstrap 50").status == 1


# ---- JSON ------------------------------------------------------------------------------------------------------------


def test_json() -> None:
    found = result(f"estimate e: {DONE} from d bootstrap 300 seed 7 level 90%")
    interval = found["interval"]
    assert {k: interval[k] for k in ("level", "resamples", "seed")} == {"level": 0.9, "resamples": 300, "seed": 7}
    for low, value, high in zip(interval["low"], found["probabilities"], interval["high"], strict=True):
        assert low < value < high
    assert found["seen"] == pytest.approx([26 / 68, 80 / 120])
    assert found["thin"] == [
        {
            "conditional": "P(Y | Z, X)",
            "columns": 4,
            "few": 1,
            "empty": 0,
            "place": {"Z": "yes", "X": "no"},
            "cases": 3,
        }
    ]
    number = result("estimate P(Y = yes | do(X := yes)) from d bootstrap 300")
    assert number["interval"]["low"] < number["probability"] < number["interval"]["high"]
    assert set(result(f"estimate {DONE} from d")) >= {"seen", "thin"}
    assert "interval" not in result(f"estimate {DONE} from d")
    assert not {"seen", "thin", "interval"} & set(result(f"estimate {SEEN} from d"))


def test_seen_without_a_value() -> None:
    """What is conditioned on never occurs; surgery that is no `do` of values has no reading as seen."""
    found = result("estimate P(Z = yes | do(X := yes), Y = yes) from d")
    assert found["seen"] == pytest.approx(60 / 80)
    never = MODEL.replace("| no, no, yes  -> 25 ", "").replace("| yes, no, yes -> 1 ", "")
    Path("m.causal").write_text(never + "estimate P(X = no | do(Y := yes)) from d", encoding="utf-8")
    assert cutwire("run", "m.causal", "--json").json["results"][0]["seen"] == 0
    assert result("estimate P(Y = yes | cut(X)) from d bootstrap 50")["seen"] is None


def test_the_same_every_time() -> None:
    """The seed is 0 unless given; the command line and a file say the same; another seed says something else."""
    options = ("--bootstrap", "200", "--level", "90", "--json")
    one = query(DONE, *options).json
    assert one == query(DONE, *options).json == query(DONE, *options, "--seed", "0").json
    assert one["interval"] == result(f"estimate {DONE} level 90% from d bootstrap 200")["interval"]
    assert one["interval"] != query(DONE, *options, "--seed", "1").json["interval"]
    for level in ("90%", "0.9", "9/10"):
        assert query(DONE, "--bootstrap", "200", "--level", level, "--json").json == one


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--seed", "3"), "`--seed` says how to resample"),
        (("--level", "90"), "`--level` says how to resample"),
        (("--bootstrap", "3"), "20 resamples or more"),
        (("--bootstrap", "0"), "20 resamples or more"),
        (("--bootstrap", "100", "--seed", "-1"), "a seed from 0 on"),
        (("--bootstrap", "100", "--from", "shares"), "the weights of data `shares` do not count cases"),
    ],
)
def test_bad_options(options: tuple[str, ...], told: str) -> None:
    done = query(DONE if "shares" not in options else "P(Y)", *options)
    assert (done.status, done.out) == (2, "")
    assert "error[Q011]" in done.err
    assert told in done.err


@pytest.mark.parametrize("options", [("--bootstrap", "many"), ("--bootstrap", "100", "--level", "0")])
def test_usage(options: tuple[str, ...]) -> None:
    assert query(DONE, *options).status == 2


def test_a_bootstrap_needs_data() -> None:
    done = cutwire("query", EXAMPLES / "sprinkler.causal", "P(Rain)", "--bootstrap", "100")
    assert done.status == 2
    assert "--from NAME" in done.err


def test_shares_cannot_be_resampled() -> None:
    """The diagnostic points to the option, and what follows is still done."""
    done = run(f"estimate P(Y) from shares bootstrap 200 estimate {SEEN} from d")
    assert done.status == 2
    assert "error[Q011]" in done.err
    assert "^" * len("bootstrap 200") in done.err
    assert SEEN in done.out


def test_an_empty_column_that_nothing_gets_to() -> None:
    """Data without it have an answer; it is told all the same."""
    model = MODEL.replace("| yes, yes, no -> 30 | yes, yes, yes -> 60", "").replace(
        "| yes, no, no -> 2  | yes, no, yes -> 1  ", ""
    )
    Path("m.causal").write_text(model + f"estimate {DONE} from d", encoding="utf-8")
    assert "thin P(Y | Z, X): 2 of 4 columns are empty, such as Z = yes, X = no" in lines(cutwire("run", "m.causal"))


# ---- Python ----------------------------------------------------------------------------------------------------------


def test_formulas_in_python() -> None:
    model = cw.parse(MODEL).model
    found = model.estimate("P(Y = yes | do(X := yes)) / P(Y = yes | do(X := no))", "d", bootstrap=200, seed=1)
    assert float(found.distribution) == pytest.approx(adjusted(COUNTS, 1) / adjusted(COUNTS, 0))
    assert [str(q) for q in found.parts] == ["P(Y = yes | do(X := yes))", "P(Y = yes | do(X := no))"]
    assert str(found.formula) == (
        "(sum[z : Z] P(Y = yes | z, X = yes) * P(z)) / sum[z : Z] P(Y = yes | z, X = no) * P(z)"
    )
    with pytest.raises(cw.QueryError) as caught:
        _ = found.estimand
    assert caught.value.diagnostic.code == "E004"
    assert found.interval is not None
    assert float(found.interval.low) < float(found.distribution) < float(found.interval.high)


def test_frames_are_resampled_by_rows() -> None:
    """Columns, one row for each case, give the intervals that counts give."""
    model = cw.parse(MODEL).model
    cells = [(z, x, y) for z in range(2) for x in range(2) for y in range(2)]
    rows = [c for c in cells for _ in range(COUNTS[c])]
    columns = {n: [("no", "yes")[r[k]] for r in rows] for k, n in enumerate("ZXY")}
    one, two = (model.estimate(DONE, data, bootstrap=100, seed=4).interval for data in ("d", columns))
    assert one == two


def test_joints_are_no_counts() -> None:
    model = cw.parse(MODEL).model
    joint = cw.Distribution(("Z", "X", "Y"), COUNTS / COUNTS.sum(), [("no", "yes")] * 3)
    assert model.estimate(DONE, joint).interval is None
    with pytest.raises(cw.QueryError) as caught:
        model.estimate(DONE, joint, bootstrap=100)
    assert caught.value.diagnostic.code == "Q011"


def test_policies_are_resampled_around() -> None:
    """The policy has its own numbers, which are not resampled: with X always `yes` it is `do(X := yes)`."""
    model = cw.parse(MODEL).model
    policy = model.estimate("P(Y = yes | do(X ~ [0, 1]))", "d", bootstrap=100)
    plain = model.estimate("P(Y = yes | do(X := yes))", "d", bootstrap=100)
    assert policy.interval is not None
    assert plain.interval is not None
    assert float(policy.interval.low) == pytest.approx(float(plain.interval.low))
    assert policy.seen is None


# ---- warnings of questions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["query", "identify"])
def test_a_word_that_is_no_value_is_told(command: str) -> None:
    """N018, as in a file; once."""
    done = cutwire(command, EXAMPLES / "smoking.causal", "P(C = yes | do(S := smoker))", *_from(command))
    assert done.status == 0
    assert done.err.count("warning[N018]") == 1
    assert done.out


def _from(command: str) -> tuple[str, ...]:
    return ("--from", "scientist") if command == "query" else ()


def test_warnings_come_before_errors() -> None:
    done = cutwire("query", EXAMPLES / "smoking.causal", "P(C = maybe | do(S := smoker))", "--from", "scientist")
    assert done.status == 2
    assert done.err.index("warning[N018]") < done.err.index("error[N003]")


def test_warnings_are_kept_in_python() -> None:
    model = cw.parse(MODEL).model
    for _ in range(3):
        model.estimate("P(Y = yes | do(X := treated))", "d")
    assert [w.code for w in model.warnings] == ["N018"]
    model.check("P(Y | do(X := cured)) == P(Y | do(X := cured))")
    assert [w.code for w in model.warnings] == ["N018", "N018"]


# ---- progress --------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_counts_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, what takes longer than a second shows how many are done; nothing is left of it."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    with working("estimating"):
        tell(500, 2000)
        time.sleep(1.3)
    assert "500/2000" in sys.stderr.getvalue()  # type: ignore[attr-defined]


def test_no_progress_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with working("estimating"):
        tell(500, 2000)
    tell(1, 2)
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]
