"""The output is the same, byte for byte, whatever the seed of Python's hashes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cutwire.command import EXAMPLES, environment

SEEDS = ("0", "1", "2", "77", "4242")
WRONG = """
var S, T, U, V : {no, yes}
latent H, K : {low, high}
box h : -> H = [1/2, 1/3]
box s : K -> S = uniform()
query P(Q, R, W)
query P(S = maybe, T = perhaps)
claim c: P(U | do(X := yes)) == P(V)
"""
COMMANDS = [
    *(
        ["run", f"{name}.causal", "--json"]
        for name in ("instrument", "kidney", "napkin", "party", "smoking", "sprinkler", "wires")
    ),
    ["run", "party.causal"],
    ["check", "kidney.causal", "--json"],
    ["query", "asia.bif", "P(lung, bronc | do(smoke := yes), dysp = yes)"],
    ["query", "asia.bif", "P(lung, bronc | do(smoke := yes), dysp = yes)", "--json"],
    ["query", "alarm.bif", "P(HYPOVOLEMIA | BP = LOW, do(CATECHOL := HIGH))", "--json", "--digits", "17"],
    ["query", "alarm.bif", "P(BP, CVP | do(HR := LOW))", "--json", "--max-memory", "100"],
    ["query", "smoking.causal", "P(C | do(S))", "--from", "flip"],
    ["query", "kidney.causal", "P(Y | do(X))", "--from", "charig", "--bootstrap", "200"],
    ["draw", "alarm.bif", "-o", "alarm.svg"],
    ["draw", "asia.bif", "-o", "asia.png"],
    ["draw", "asia.bif", "-o", "asia.pdf"],
    ["draw", "asia.bif", "--dag", "-o", "asia-graph.tex"],
    ["convert", "smoking.causal", "smoking.tex"],
    ["convert", "alarm.bif", "alarm.causal"],
    ["convert", "warm-up.dagitty", "warm-up.dot"],
    ["draw", "alarm.bif", "--dag", "-o", "alarm.dot"],
    ["draw", "party.causal", "--after", "cut(A) then do(B := true)", "-o", "party-after.svg"],
    ["draw", "wires.causal", "--name", "closed", "-o", "closed.svg"],
    ["identify", "smoking.causal", "P(C | do(S))", "--steps", "-o", "film.svg"],
    ["identify", "smoking.causal", "P(C | do(S))", "--given", "P(S, C)", "-o", "hedge.pdf"],
    ["fmt", "kidney.causal", "party.causal"],
    ["run", "wrong.causal"],
    ["query", "asia.bif", "P(smok, lun, broc)"],
]
FAILING = {"100": 3, "wrong.causal": 2, "P(smok, lun, broc)": 2}
CODE = f"""
from cutwire.__main__ import main
for command in {COMMANDS!r}:
    print(command, main(command), flush=True)
"""


def left_by(process: subprocess.Popen[bytes], folder: Path) -> dict[str, bytes]:
    """Both streams, and every file that is there in the end."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return {"standard output": out, "standard error": err, **files}


def test_output_does_not_hang_on_the_hash_seed(tmp_path: Path) -> None:
    """Answers, JSON, pictures of every kind, formatted files and diagnostics."""
    started = []
    for seed in SEEDS:
        folder = tmp_path / seed / "work"
        shutil.copytree(EXAMPLES, folder)
        (folder / "wrong.causal").write_text(WRONG, encoding="utf-8")
        command = [sys.executable, "-c", CODE]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append((subprocess.Popen(command, cwd=folder, env=environment(PYTHONHASHSEED=seed), **streams), folder))
    first, *others = [
        {name: data.replace(str(folder).encode(), b"") for name, data in left_by(process, folder).items()}
        for process, folder in started
    ]
    statuses = re.findall(rb"^\[.*\] (\d)$", first["standard output"], re.MULTILINE)
    assert [int(status) for status in statuses] == [FAILING.get(command[-1], 0) for command in COMMANDS]
    assert {"alarm.svg", "asia.png", "asia.pdf", "alarm.dot", "party-after.svg", "closed.svg"} <= set(first)
    assert {"film.svg", "hedge.pdf"} <= set(first)
    for other in others:
        assert [name for name in first if other[name] != first[name]] == []
        assert other.keys() == first.keys()
