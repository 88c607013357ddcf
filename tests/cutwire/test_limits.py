"""`--timeout` and `--max-memory`: exit status 3, nothing on standard output, and what would help."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cutwire.limits import parse_seconds, parse_size, time_limit
from strings.diagnostic import LimitError
from tests.cutwire.command import Done, cutwire, grid

COIN = "var S, C : {no, yes}\nbox s : -> S = [1/2, 1/2]\nbox c : S -> C = | no -> [3/4, 1/4] | yes -> [1/3, 2/3]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)


def write(text: str) -> str:
    Path("m.causal").write_text(text, encoding="utf-8")
    return "m.causal"


def refused(done: Done, code: str) -> None:
    assert (done.status, done.out) == (3, "")
    assert re.findall(r"^error\[(\w+)\]", done.err, re.MULTILINE) == [code]
    assert "= help:" in done.err


@pytest.mark.parametrize("limit", ["--timeout", "--max-memory"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1e9", "nan"])
def test_limits_that_are_none(limit: str, value: str) -> None:
    assert cutwire("run", write(COIN), f"{limit}={value}").status == 2


@pytest.mark.parametrize("limit", ["--timeout", "--max-memory"])
@pytest.mark.parametrize("value", ["99999999999999", "9" * 400])
def test_limits_beyond_reach(limit: str, value: str) -> None:
    """A limit that can never be hit is taken, or refused as a mistake of the command line."""
    done = cutwire("query", write(COIN), "P(S)", limit, value)
    assert done.status == 0 or (done.status, done.err.split()[0], done.out) == (2, "usage:", "")


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_size, "1.5GiB", 3 * 2**29),
        (parse_size, " 10 kb ", 10_240),
        (parse_size, "0.0001k", None),
        (parse_size, "2000000T", None),
        (parse_size, "9" * 5000, None),
        (parse_seconds, "720h", 2_592_000),
        (parse_seconds, "721h", None),
        (parse_seconds, "0.0000001", 0.001),
        (parse_seconds, "9" * 5000, None),
        (parse_seconds, "10 k", None),
    ],
)
def test_sizes_and_times(parse: Callable[[str], float], text: str, value: float | None) -> None:
    """What is no number, or none that a machine can keep to, is a ValueError, of a line that can be read."""
    if value is not None:
        assert parse(text) == value
        return
    with pytest.raises(ValueError, match=r"not a|too large") as e:
        parse(text)
    assert len(str(e.value)) < 120


def test_timeout() -> None:
    done = cutwire("query", write(grid(20)), "P(V19_19 = 1)", "--timeout", "0.2", "--json")
    refused(done, "L002")
    assert "0.2 seconds" in done.err


class Slow:
    """Takes a while to be thrown away; Python ignores what is raised meanwhile."""

    def __del__(self) -> None:
        spend(0.3)


def spend(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_timeout_that_comes_at_a_bad_moment() -> None:
    """Out of time while something is thrown away: the limit holds all the same."""

    def work() -> None:
        with time_limit(0.1):
            Slow()
            spend(2)

    with pytest.raises(LimitError):
        work()


def test_too_wide_for_the_memory() -> None:
    """Refused before anything is computed, with what it would need; a narrow question to the same model is answered."""
    file = write(grid(16))
    refused(cutwire("query", file, "P(V15_15 = 1)", "--max-memory", "100K", "--json"), "L001")
    narrow = cutwire("query", file, "P(V1_1 = 1)", "--max-memory", "100K", "--json")
    assert narrow.json["probability"] == pytest.approx(2621 / 3375, abs=1e-12)
    run = cutwire("run", write(grid(16) + "query P(V15_15 = 1)\n"), "--max-memory", "100K")
    refused(run, "L001")


@pytest.mark.parametrize("limit", [("--timeout", "3", "L002"), ("--max-memory", "100K", "L001")])
def test_a_limit_is_an_entry_of_the_json(limit: tuple[str, str, str]) -> None:
    """What was done before has an entry, too; out of time nothing follows, out of memory the next one does."""
    asks = "query a: P(V0_0 = 1)\nquery b: P(V23_23 = 1)\nquery c: P(V0_1 = 1)\n"
    done = cutwire("run", write(grid(24) + asks), "--json", *limit[:2])
    a, b, *rest = done.json["results"]
    assert (done.status, done.json["failures"]) == (3, 1)
    assert (a["kind"], a["probability"]) == ("query", 0.75)
    assert (b["kind"], b["name"], b["diagnostics"][0]["code"]) == ("error", "b", limit[2])
    assert b["diagnostics"][0]["line"] == 1154
    assert [r["kind"] for r in rest] == ([] if limit[2] == "L002" else ["query"])
    assert re.findall(r"^error\[(\w+)\]", done.err, re.MULTILINE) == [limit[2]]
