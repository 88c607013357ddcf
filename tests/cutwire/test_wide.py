"""Wide models, as a user meets them: refused at once, computed in slices, or estimated."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import cutwire as cw
from tests.cutwire.command import EXAMPLES, cutwire


def grid(width: int, values: int = 2) -> str:
    """A model file: a square grid in which every variable hears the one above and the one to its left."""
    rng = np.random.default_rng(0)
    names = [f"X{i}_{j}" for i in range(width) for j in range(width)]
    lines = [f"var {', '.join(names)} : {{{', '.join(f'v{k}' for k in range(values))}}}"]
    for i in range(width):
        for j in range(width):
            heard = [f"X{a}_{b}" for a, b in ((i - 1, j), (i, j - 1)) if a >= 0 and b >= 0]
            rows = []
            for case in np.ndindex(*[values] * len(heard)):
                odds = " : ".join(str(n) for n in rng.integers(1, 9, values))
                rows.append(f"| {', '.join(f'v{k}' for k in case)} -> [{odds}]" if heard else f"[{odds}]")
            lines.append(f"box x{i}_{j} : {', '.join(heard)} -> X{i}_{j} = {' '.join(rows)}")
    return "\n".join(lines)


@pytest.mark.parametrize(("width", "values"), [(40, 2), (15, 4)])
def test_wide_grids_are_refused_at_once(width: int, values: int, tmp_path: Path) -> None:
    """Less than a second from the question to the refusal, and next to nothing allocated."""
    model = cw.parse(grid(width, values)).model
    model.kernels()
    last = f"X{width - 1}_{width - 1}"
    for question, more in ((f"P({last} | X0_0 = v0)", {}), (last, {"do": {"X3_3": "v1"}})):
        start = time.process_time()
        with pytest.raises(cw.LimitError) as refused:
            model.query(question, **more)
        assert time.process_time() - start < 1
        tracemalloc.start()
        with pytest.raises(cw.LimitError):
            model.query(question, **more)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 50 * 2**20
        d = refused.value.diagnostic
        assert d.code == "L001"
        assert any("--slice" in h for h in d.help)
        assert any("--semantics sampled" in h for h in d.help)
    path = tmp_path / "grid.causal"
    path.write_text(grid(width, values))
    done = cutwire("query", path, f"P({last})")
    assert done.status == 3
    assert "the widest table is over" in done.err
    assert "multiplications" in done.err


def test_slices_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "grid.causal"
    path.write_text(grid(10))
    asked = ["query", path, "P(X9_9 | X0_0 = v1, do(X4_4 := v0))"]
    whole = cutwire(*asked)
    assert cutwire(*asked, "--max-memory", "10K").status == 3
    sliced = cutwire(*asked, "--max-memory", "10K", "--slice")
    assert (sliced.status, sliced.out) == (0, whole.out)
    assert cutwire(*asked, "--slice").out == whole.out
    exact = cutwire(*asked, "--max-memory", "400K", "--slice", "--exact", "--json")
    assert exact.json["exact"] == cutwire(*asked, "--exact", "--json").json["exact"]


def test_claims_are_checked_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all models, too: the same verdict from finite fields, and without slices a refusal."""
    path = tmp_path / "grid.causal"
    text = "\n".join(line.split(" = ")[0] for line in grid(7).splitlines())  # the shape only
    path.write_text(text + "\nclaim same: P(X6_6 | do(X0_0 := a)) == P(X6_6 | X0_0 = a)\n")
    whole = cutwire("check", path)
    assert whole.status == 0, whole.err
    monkeypatch.setattr("semantics.contract._DEFAULT_LIMIT", 100_000)
    assert cutwire("check", path).status == 3
    assert cutwire("check", path, "--slice").out == whole.out


def test_estimates_are_labelled() -> None:
    done = cutwire(
        "query", EXAMPLES / "sprinkler.causal", "P(Rain | do(Sprinkler := yes), Wet = yes)", "--semantics", "sampled"
    )
    assert done.status == 0
    assert "±" in done.out
    assert "an estimate by likelihood weighting: 100,000 samples, seed 0" in done.out
    assert "effective sample size" in done.out
    asked = ["query", EXAMPLES / "sprinkler.causal", "P(Rain = yes | Wet = yes)", "--semantics", "sampled"]
    shown = cutwire(*asked, "--samples", "5000", "--seed", "4", "--json").json
    assert shown["method"] == "an estimate by likelihood weighting"
    assert (shown["samples"], shown["seed"]) == (5000, 4)
    exact = cw.load(EXAMPLES / "sprinkler.causal").model.query("P(Rain = yes | Wet = yes)")
    assert abs(shown["value"] - exact) < 5 * shown["standard_error"]


def test_formulas_have_the_error_of_a_formula() -> None:
    """That of a difference of what is done to the same samples is smaller than the parts would suggest."""
    model = cw.load(EXAMPLES / "sprinkler.causal").model
    text = "P(Wet = yes | do(Sprinkler := yes)) - P(Wet = yes | do(Sprinkler := no))"
    exact = float(model.query(text))
    scores = []
    for seed in range(40):
        found = model.query(text, semantics="sampled", samples=2_000, seed=seed)
        scores.append((float(found) - exact) / float(found.standard_error))
    assert np.mean(np.abs(scores) < 2) > 0.85
    assert 0.7 < np.std(scores) < 1.4


def test_expectations_are_met_within_the_error() -> None:
    text = "var A : {no, yes}\nbox a : -> A = flip(1/3)\nquery P(A = yes) expect 1/3\nquery P(A = yes) expect 1/2\n"
    program = cw.parse(text)
    good, bad = program.run(semantics="sampled")
    assert good.met
    assert not bad.met
    sure = cw.parse("var A : {no, yes}\nbox a : -> A = yes").model.query("P(A = no)", semantics="sampled")
    assert float(sure) == 0
    assert "may still be up to" in str(sure)


@pytest.mark.parametrize(
    ("question", "samples", "code"),
    [
        ("P(Rain | Wet = no, do(Wet := yes))", "1000", "S002"),
        ("P(Rain)", "99", "S005"),
        ("P(Rain)", "100000001", "S005"),
        ("P(Rain | Rian = yes)", "1000", "N002"),
    ],
)
def test_what_cannot_be_estimated(question: str, samples: str, code: str) -> None:
    done = cutwire("query", EXAMPLES / "sprinkler.causal", question, "--semantics", "sampled", "--samples", samples)
    assert done.status == 2
    assert f"error[{code}]" in done.err


def test_data_are_counted_and_not_sampled() -> None:
    done = cutwire("query", EXAMPLES / "kidney.causal", "P(Y)", "--from", "charig", "--semantics", "sampled")
    assert done.status == 2
    assert "error[Q007]" in done.err
