"""Work on the workers of a Dask cluster: the same numbers as here, bit by bit, and nothing is left behind."""

from __future__ import annotations

import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import cutwire as cw
from semantics.workers import in_order
from strings.diagnostic import Diagnostic
from tests.cutwire.command import EXAMPLES, ROOT, cutwire

HAS_DASK = importlib.util.find_spec("distributed") is not None
needs_dask = pytest.mark.skipif(not HAS_DASK, reason="Dask is not installed")


@pytest.fixture(scope="module")
def workers() -> Iterator[None]:
    """A cluster of this machine for some tests, since it takes seconds to start."""
    with cw.cluster():
        yield


def grid(width: int) -> cw.Model:
    """A square grid in which every variable hears its two neighbours."""
    rng = np.random.default_rng(1)
    lines = [f"var {', '.join(f'X{i}_{j}' for i in range(width) for j in range(width))} : {{no, yes}}"]
    for i in range(width):
        for j in range(width):
            heard = [f"X{a}_{b}" for a, b in ((i - 1, j), (i, j - 1)) if a >= 0 and b >= 0]
            rows = [f"[{a} : {b}]" for a, b in rng.integers(1, 9, (2 ** len(heard), 2))]
            cases = [", ".join("yes" if k >> m & 1 else "no" for m in range(len(heard))) for k in range(len(rows))]
            body = " ".join(f"| {c} -> {r}" for c, r in zip(cases, rows, strict=True)) if heard else rows[0]
            lines.append(f"box x{i}_{j} : {', '.join(heard)} -> X{i}_{j} = {body}")
    return cw.parse("\n".join(lines)).model


def fails(part: int) -> int:
    if part == 3:
        raise cw.LimitError(Diagnostic("L001", f"no room for part {part}"))
    return part


def where(part: int) -> int:
    return os.getpid()


@needs_dask
@pytest.mark.usefixtures("workers")
def test_parts_are_done_elsewhere_and_come_in_order() -> None:
    assert os.getpid() not in set(in_order(where, range(8)))
    assert list(in_order(abs, range(-100, 0))) == list(range(100, 0, -1))


@needs_dask
@pytest.mark.usefixtures("workers")
def test_errors_come_back_as_they_are() -> None:
    found = in_order(fails, range(10))
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(cw.LimitError) as raised:
        next(found)
    assert raised.value.diagnostic.message == "no room for part 3"


def test_errors_can_be_sent() -> None:
    error = cw.LimitError(Diagnostic("L001", "no room", help=("less",)))
    assert pickle.loads(pickle.dumps(error)).diagnostic == error.diagnostic


def answers() -> dict[str, object]:
    """One answer of each kind of work that falls into parts."""
    model, kidney = grid(9), cw.load(EXAMPLES / "kidney.causal").model
    question = "P(X8_8 | X0_0 = yes, do(X4_4 := no))"
    sampled = model.query(question, semantics="sampled", samples=70_000, seed=3)
    formula = model.query("P(X8_8 = yes) - P(X8_8 = yes | X0_0 = no)", semantics="sampled", samples=50_000)
    found = kidney.estimate("P(Y = cured | do(X))", "charig", bootstrap=1200, seed=5)
    assert found.interval is not None
    shape = cw.Model.from_edges([("X", "Z"), ("Z", "Y")], [("X", "Y")], domains=2)
    verdict = shape.check("P(Y | do(X := x)) == sum[z : Z] P(z | X = x) * sum[w : X] P(Y | X = w, z) * P(w)")
    fallen = shape.check("P(Y | do(X := x)) == P(Y | X = x)")
    return {
        "slices": model.query(question, slices=True, max_memory=6_000, semantics="matrix").array.tolist(),
        "exact slices": model.query(question, slices=True, max_memory=60_000, semantics="exact").array.tolist(),
        "sampled": (sampled.distribution.array.tolist(), sampled.standard_error.array.tolist(), sampled.effective),
        "formula": (formula.distribution.array.tolist(), formula.standard_error.array.tolist()),
        "bootstrap": (found.interval.low.array.tolist(), found.interval.high.array.tolist()),
        "claim": (verdict.holds, verdict.evidence),
        "fallen": (fallen.holds, str(fallen.counterexample)),
    }


@pytest.fixture(scope="module")
def here() -> dict[str, object]:
    return answers()


@needs_dask
def test_answers_are_the_same_bit_by_bit(here: dict[str, object], workers: None) -> None:
    there = answers()
    for kind, found in here.items():
        assert there[kind] == found, kind


def test_work_does_fall_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test above compares goes through `in_order`, and into several parts."""
    counts: list[int] = []

    class Counting:
        def in_order(self, do, parts):  # type: ignore[no-untyped-def]
            listed = list(parts)
            counts.append(len(listed))
            return map(do, listed)

    from semantics.workers import working_on

    with working_on(Counting()):
        answers()
    assert len(counts) >= 7
    assert sum(c > 1 for c in counts) >= 6


def test_an_address_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    if not HAS_DASK:
        pytest.skip("Dask is not installed")
    monkeypatch.setattr("cutwire.machines._PATIENCE", 2)
    start = time.perf_counter()
    for address in ("tcp://127.0.0.1:9", "nonsense", "127.0.0.1"):
        done = cutwire("query", EXAMPLES / "sprinkler.causal", "P(Rain)", f"--dask={address}")
        assert done.status == 2, address
        assert f"error[K002]: no Dask scheduler answers at `{address}`" in done.err
    assert time.perf_counter() - start < 20


@needs_dask
def test_a_scheduler_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr("cutwire.machines._PATIENCE", 1)
    with (
        LocalCluster(n_workers=0, dashboard_address=":0", host="127.0.0.1") as empty,
        pytest.raises(cw.CutwireError) as refused,
        cw.cluster(empty.scheduler_address),
    ):
        pass
    assert refused.value.diagnostic.code == "K003"


@needs_dask
def test_a_cluster_that_is_there(here: dict[str, object]) -> None:
    """Workers that somebody else has started; they go on when we are done."""
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1") as c:
        with cw.cluster(c.scheduler_address):
            assert (
                grid(9)
                .query("P(X8_8 | X0_0 = yes, do(X4_4 := no))", slices=True, max_memory=6_000, semantics="matrix")
                .array.tolist()
                == here["slices"]
            )
        with Client(c.scheduler_address, set_as_default=False) as client:
            assert client.submit(abs, -1).result() == 1


def test_without_dask_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *r: None if n == "distributed" else find(n, *r))
    done = cutwire("query", EXAMPLES / "sprinkler.causal", "P(Rain)", "--dask")
    assert done.status == 2
    assert "error[K001]" in done.err
    assert "pip install 'cutwire[dask]'" in done.err


def of(pid: int) -> set[int]:
    """The processes below one, as far as /proc tells."""
    below, found = {}, {pid}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            below.setdefault(parent, set()).add(int(entry.name))
    stack = [pid]
    while stack:
        for p in below.get(stack.pop(), ()):
            found.add(p)
            stack.append(p)
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    return {p for p in pids if Path(f"/proc/{p}").exists() and " Z " not in Path(f"/proc/{p}/stat").read_text()}


@needs_dask
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at /proc")
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=["Ctrl-C", "kill", "kill -9"],
)
def test_nothing_is_left_behind(number: signal.Signals, status: int, tmp_path: Path) -> None:
    """However a run with a cluster is ended, its processes end; unless it is shot, no file is left either."""
    model = tmp_path / "wide.causal"
    boxes = [f"box x{k} : X{k - 1} -> X{k} = | no -> flip(1/3) | yes -> flip(1/2)" for k in range(1, 60)]
    names = ", ".join(f"X{k}" for k in range(60))
    model.write_text("\n".join([f"var {names} : {{no, yes}}", "box x0 : -> X0 = flip(1/2)", *boxes]))
    asked = ["query", str(model), "P(X59)", "--semantics", "sampled", "--samples", "100000000", "--dask"]
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(
        [sys.executable, "-m", "cutwire", *asked],
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    begun = time.monotonic()
    while len(of(run.pid)) < 2 and time.monotonic() - begun < 60 and run.poll() is None:
        time.sleep(0.2)
    time.sleep(3)
    below = of(run.pid)
    assert below
    if number == signal.SIGINT:
        os.killpg(run.pid, number)  # as a terminal does
    else:
        run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert run.returncode == status, err
    begun = time.monotonic()
    while alive(below) and time.monotonic() - begun < 20:
        time.sleep(0.2)
    assert not alive(below)
    assert out == ""
    if number != signal.SIGKILL:
        assert err.strip() in ("", "interrupted")
        assert [p.name for p in tmp_path.iterdir()] == ["wide.causal"]
