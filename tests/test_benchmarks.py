"""The benchmarks run, at a size that takes no time."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from benchmarks import claims, diagrams, symbolic
from benchmarks.cases import chain, cutwire_build, cutwire_compose, network


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
