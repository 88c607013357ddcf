"""Where Pyro is not installed: what needs it says so, and nothing else imports it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import pytest

import cutwire as cw
from tests.cutwire.command import EXAMPLES, cutwire

TEXT = "param b ~ normal(0, 1)\nvar X : real\nbox x : -> X = fn () => laplace(b, 1)"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Pyro and no torch, as far as can be seen."""
    find = importlib.util.find_spec

    def hidden(name: str, *rest: Any) -> Any:
        return None if name in ("pyro", "torch") else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", hidden)


@pytest.mark.usefixtures("bare")
def test_what_needs_pyro_says_how_to_install_it() -> None:
    m = cw.parse(TEXT, "m.causal").model
    for act in (
        lambda: m.query("E(X)"),
        lambda: m.posterior({"X": [1.0]}),
        lambda: m.fit_mechanisms({"X": [1.0]}),
        m.pyro_program,
    ):
        with pytest.raises(cw.QueryError) as e:
            act()
        assert e.value.diagnostic.code == "S001"
        assert "pip install 'cutwire[pyro]'" in e.value.diagnostic.help[0]


@pytest.mark.usefixtures("bare")
def test_the_command_line_says_it_too() -> None:
    done = cutwire("query", EXAMPLES / "dose.causal", "E(Relief | do(Dose := 80))")

    assert done.status == 2
    assert "S001" in done.err


def test_a_mechanism_is_registered_without_pyro() -> None:
    """Registering computes nothing, and exact questions that do not need it are answered."""
    m = cw.parse("var A, B : {n, y}\nbox a : -> A = flip(1/3)\nbox b : A -> B", "m.causal").model
    m = m.with_mechanism("b", lambda a: a)

    assert m.query("P(A = y)", semantics="exact") == pytest.approx(1 / 3)
    with pytest.raises(cw.QueryError, match="Python"):
        m.query("P(B = y)", semantics="exact")


@pytest.mark.parametrize(
    "what", ["import cutwire", "import cutwire.__main__ as m; m.main(['query', 'kidney.causal', 'P(Z)'])"]
)
def test_nothing_heavy_is_imported_before_it_is_used(what: str) -> None:
    code = f"import sys; {what}; print([n for n in ('torch', 'pyro', 'pandas', 'scipy') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=EXAMPLES, capture_output=True, encoding="utf-8", check=True,
        env={"PYTHONPATH": str(EXAMPLES.parent)},
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == "[]"
