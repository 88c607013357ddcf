"""The benchmarks run, at a size that takes no time."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import claims, diagrams, engine, engine_report, symbolic
from benchmarks.cases import chain, cutwire_build, cutwire_compose, network
from benchmarks.engine_measure import agree, apart
from benchmarks.engine_networks import SHAPES, Network, Question, Spec, networks_in, questions
from benchmarks.engine_peers import tools, versions


def test_smoke_run(tmp_path: Path) -> None:
    """Every operation is measured for every size, and the file says the same as the table."""
    assert diagrams.main(["--smoke", "--budget", "2", "--json", str(tmp_path / "out.json")]) == 0
    record = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert len(record["seconds"]) == 8 * len(diagrams.SMOKE_SIZES)
    assert all(row["cutwire"] > 0 for row in record["seconds"])


def test_cases_are_what_they_say() -> None:
    """Composition and building give the same chain, and no order of construction changes a network."""
    assert cutwire_compose(chain(20)) == cutwire_build(chain(20))
    plan = network(200)
    assert cutwire_build(plan) == cutwire_build(plan.shuffled(random.Random(5)))
    assert len(cutwire_build(plan).nodes) == 200


def test_smoke_run_of_claims(capsys: pytest.CaptureFixture[str]) -> None:
    """Claims are true ones, and both ways of checking them say so."""
    assert claims.main(["--smoke"]) == 0
    assert "times as long" in capsys.readouterr().out


def test_smoke_run_of_symbols(capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways give the same function, and both times are told."""
    assert symbolic.main(["--smoke"]) == 0
    assert "times as long" in capsys.readouterr().out


# ---- the engine ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workload", engine.WORKLOADS)
def test_smoke_run_of_the_engine(workload: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each workload measures, no tool comes to another answer, and the page gets the table in its place."""
    page, out = tmp_path / "page.md", tmp_path / "out.json"
    page.write_text(f"before\n<!-- {workload} -->\nstale\n<!-- end of {workload} -->\nafter\n", encoding="utf-8")
    assert engine.main([workload, "--smoke", "--json", str(out), "--table", str(page)]) == 0
    rows = json.loads(out.read_text(encoding="utf-8"))[workload]
    assert rows
    assert not any(r["differs"] for r in rows)
    assert all(r.get("seconds") or r["cold"]["Cutwire"] > 0 for r in rows)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale" not in text
    assert "Measured on" in text
    assert "times" in capsys.readouterr().out or workload != "W4"


def test_there_is_no_other_workload(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is mistyped is told."""
    with pytest.raises(SystemExit):
        engine.main(["W6"])
    assert "W6" in capsys.readouterr().err


def _joint(network: Network, q: Question) -> np.ndarray:
    """The answer by the whole table of all variables."""
    operands: list[object] = []
    for v, (table, scope) in enumerate(zip(network.tables, network.scopes, strict=True)):
        if network.names[v] not in q.do:
            operands += [table, list(scope)]
    for name, k in q.fixed.items():
        v = network.names.index(name)
        operands += [np.eye(len(network.labels[v]))[k], [v]]
    found = np.einsum(*operands, [network.names.index(q.target)], optimize=False)
    return np.asarray(found / found.sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_tools_answer_as_the_joint_table_does(shape: str) -> None:
    """On every shape, all tools that are installed give what summing the joint table gives, cold and warm."""
    network = Spec(shape, 3 if shape == "grid" else 10, 2, 1).load()
    for asked, other in questions(network, 4, 1):
        for tool in tools(network, tuple(versions())):
            expected = {asked.target: _joint(network, asked)}
            assert agree(expected, tool.cold(asked)()), tool.name
            if tool.warm:
                again = tool.warm(other)
                assert agree(expected, again(asked)())
                assert not agree(expected, {"": np.zeros(2)})


def test_questions_are_possible_and_half_of_them_are_about_effects() -> None:
    """Of every pair the form is the same and the value of the treatment is not; what is seen can happen."""
    network = Spec("layers", 24, 3).load()
    for k, (one, other) in enumerate(questions(network, 10, 3)):
        assert one.target == other.target
        assert one.given.keys() == other.given.keys()
        assert one.do != other.do
        assert np.isfinite(next(iter(next(tools(network, ())).cold(one)().values()))).all()
        assert k % 2 or one.target in network.descendants(next(iter(one.do)))
    assert questions(network, 3, 3) == questions(network, 3, 3) != questions(network, 3, 4)


def test_what_runs_apart_is_stopped() -> None:
    """In a process of its own things are produced one by one, until it takes too long or wants too much memory."""
    assert list(apart(map, (abs, [-1, -2]), 60, 2**33)) == [1, 2]
    assert list(apart(map, (time.sleep, [600]), 1, 2**33)) == ["over time"]
    assert list(apart(map, (bytearray, [1, 2**32]), 60, 2**31))[1:] == ["out of memory"]
    assert list(apart(map, (int, ["1", "one"]), 60, 2**33)) == [1, "ValueError"]


def test_networks_are_found_by_their_files(tmp_path: Path) -> None:
    """A folder that is not there has no networks; a page without marks gets no table."""
    assert networks_in(tmp_path / "nowhere") == []
    (tmp_path / "two.bif").touch()
    (tmp_path / "one.bif.gz").touch()
    assert [s.name for s in networks_in(tmp_path)] == ["one", "two"]
    with pytest.raises(ValueError, match="no marks for W1"):
        engine_report.insert(tmp_path / "two.bif", "W1", "text")
