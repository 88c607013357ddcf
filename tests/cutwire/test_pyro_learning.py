"""Posteriors against conjugate closed forms; mechanisms in Python, trained and intervened on."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cutwire as cw

pyro = pytest.importorskip("pyro")
torch = pytest.importorskip("torch")

COIN = (
    "param p in [0, 1] ~ beta(2, 3)\nvar X, Y : {n, y}\n"
    "box x : -> X = flip(p)\nbox y : X -> Y = | n -> flip(1/4) | y -> flip(p)"
)
LINE = (
    "param b ~ normal(0, 2)\nvar X, Y : real\n"
    "box x : -> X = fn () => normal(0, 1)\nbox y : X -> Y = fn (x) => normal(b * x, 1/2)"
)
FREE = (
    "var S, T : {n, y}\nvar C : 1..3\nbox s : -> S = dirichlet(1)\nbox t : S -> T = dirichlet(2)\n"
    "box c : S, T -> C = dirichlet(1/2)\ndata d(S, T, C) =\n"
    "  | n, n, 1 -> 4\n  | n, y, 2 -> 3\n  | y, n, 3 -> 5\n  | y, y, 1 -> 2\n  | y, y, 2 -> 6\n"
)


def model(text: str) -> cw.Model:
    return cw.parse(text, "m.causal").model


def line() -> tuple[dict[str, Any], float, float]:
    """Data for `LINE` with b = 1.5, and the mean and standard deviation of the posterior."""
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, 30)
    y = rng.normal(1.5 * x, 0.5)
    precision = 1 / 4 + (x**2).sum() / 0.25
    return {"X": x, "Y": y}, (x * y).sum() / 0.25 / precision, precision**-0.5


@pytest.mark.parametrize("method", ["nuts", "svi", "importance"])
def test_normal_normal(method: str) -> None:
    data, mean, sd = line()
    found = model(LINE).posterior(data, method, samples=300, warmup=80, steps=500, lr=0.05, particles=20_000, seed=2)

    b = found.parameters["b"]
    assert b.shape == (300,)
    assert abs(b.mean() - mean) < 0.3 * sd
    assert 0.8 < b.std() / sd < 1.25
    asked = found.query("E(Y | do(X := 2))", samples=2000)
    assert abs(float(asked) - 2 * mean) < 0.6 * sd + 0.05
    assert asked.interval[0] < 2 * mean < asked.interval[1]


@pytest.mark.parametrize("method", ["nuts", "importance"])
def test_beta_binomial(method: str) -> None:
    """`p` is in two boxes; 7 successes and 5 failures where it counts."""
    rows = [("n", "n")] * 2 + [("n", "y")] * 2 + [("y", "y")] * 4 + [("y", "n")] * 1
    data = {"X": [r[0] for r in rows], "Y": [r[1] for r in rows]}
    a, b = 2 + 5 + 4, 3 + 4 + 1
    found = model(COIN).posterior(data, method, samples=300, warmup=80, particles=20_000, seed=1)

    mean, sd = a / (a + b), math.sqrt(a * b / (a + b) ** 2 / (a + b + 1))
    assert abs(found.parameters["p"].mean() - mean) < 0.3 * sd
    assert 0.8 < found.parameters["p"].std() / sd < 1.25
    asked = found.query("P(Y = y | do(X := y))")
    assert np.allclose(asked.draws, found.parameters["p"])
    assert asked.interval == pytest.approx(np.quantile(found.parameters["p"], [0.025, 0.975]))


def test_conjugate_tables_are_dirichlet_and_questions_follow() -> None:
    """In closed form by default: the tables' means are (n + alpha) / (N + alpha k), answers are those of each draw."""
    m = model(FREE)
    found = m.posterior("d", samples=4000, seed=0)

    assert found.method == "exact"
    assert abs(found.tables["s"][:, 1].mean() - (13 + 1) / (20 + 2)) < 0.01
    assert abs(found.tables["t"][:, 1, 1].mean() - (8 + 2) / (13 + 4)) < 0.01
    assert abs(found.tables["c"][:, 1, 1, 0].mean() - (2 + 0.5) / (8 + 1.5)) < 0.01
    asked = found.query("P(C = 1 | do(T := y))")
    s, c = found.tables["s"], found.tables["c"][:, :, 1, 0]
    assert np.allclose(asked.draws, (s * c).sum(-1))
    table = found.query("P(C, T | do(S))")
    assert table.mean.variables == ("C", "T", "S")
    assert table.draws.shape == (4000, 3, 2, 2)
    assert np.allclose(table.draws.sum((1, 2)), 1)


def test_nuts_agrees_with_the_closed_form() -> None:
    m = model(
        "var S, T : {n, y}\nbox s : -> S = dirichlet(1)\nbox t : S -> T = dirichlet(2)\n"
        "data d(S, T) =\n  | n, n -> 4\n  | n, y -> 3\n  | y, n -> 5\n  | y, y -> 8\n"
    )
    exact = m.posterior("d", samples=4000)
    found = m.posterior("d", "nuts", samples=120, warmup=50)

    assert found.divergences == 0
    for box, table in exact.tables.items():
        assert np.abs(found.tables[box].mean(0) - table.mean(0)).max() < 0.08
        assert np.allclose(found.tables[box].sum(-1), 1)


def test_hidden_finite_variables_are_summed_out() -> None:
    """A mixture: importance sampling from the prior against the exact likelihood on a grid; weights count rows."""
    m = model(
        "param p in [0, 1]\nlatent H : {n, y}\nvar A, B : {n, y}\nbox h : -> H = flip(p)\n"
        "box a : H -> A = | n -> flip(1/10) | y -> flip(8/10)\nbox b : H -> B = | n -> flip(2/10) | y -> flip(9/10)\n"
        "data d(A, B) =\n  | y, y -> 6\n  | n, n -> 3.5\n  | n, y -> 1\n"
    )
    grid = np.linspace(0.0005, 0.9995, 1000)
    like = (
        (grid * 0.72 + (1 - grid) * 0.02) ** 6
        * (grid * 0.02 + (1 - grid) * 0.72) ** 3.5
        * (grid * 0.18 + (1 - grid) * 0.18)
    )
    like /= like.sum()
    mean = (grid * like).sum()
    sd = math.sqrt(((grid - mean) ** 2 * like).sum())
    for method in ("importance", "nuts"):
        p = m.posterior("d", method, samples=300, warmup=80, particles=20_000, seed=3).parameters["p"]
        assert abs(p.mean() - mean) < 0.3 * sd, method
        assert 0.8 < p.std() / sd < 1.25, method


def test_hidden_numbers_are_drawn_for_each_row() -> None:
    """A hidden normal confounder: the posterior of the slope is known in closed form."""
    m = model(
        "param b ~ normal(0, 10)\nlatent U : real\nvar X, Y : real\nbox u : -> U = fn () => normal(0, 1)\n"
        "box x : U -> X = fn (u) => normal(u, 1)\nbox y : X, U -> Y = fn (x, u) => normal(b * x + u, 1)\n"
    )
    rng = np.random.default_rng(0)
    u = rng.normal(0, 1, 25)
    x = rng.normal(u, 1)
    y = rng.normal(x + u, 1)
    precision = 0.01 + (x**2).sum() / 1.5
    mean = (x * (y - x / 2)).sum() / 1.5 / precision
    b = m.posterior({"X": x, "Y": y}, "nuts", samples=200, warmup=100).parameters["b"]

    assert abs(b.mean() - mean) < 0.4 * precision**-0.5
    assert 0.75 < b.std() * precision**0.5 < 1.3


def test_bounds_of_a_parameter_cut_its_prior() -> None:
    m = model("param s in [0, inf] ~ normal(0, 1)\nvar X : real\nbox x : -> X = fn () => normal(0, s)")
    p = m.posterior({"X": [0.5, -1.0, 0.2]}, "nuts", samples=200, warmup=100).parameters["s"]

    assert (p > 0).all()


def test_the_same_seed_gives_the_same_draws_and_leaves_no_trace() -> None:
    data, _, _ = line()
    m = model(LINE)
    torch.manual_seed(5)
    before, store = torch.get_rng_state(), dict(pyro.get_param_store())
    first, second = (m.posterior(data, "nuts", samples=20, warmup=20, seed=9).parameters["b"] for _ in range(2))

    assert (first == second).all()
    assert torch.equal(before, torch.get_rng_state())
    assert store == dict(pyro.get_param_store())
    assert "20 draws by nuts from 30 rows, seed 9" in repr(m.posterior(data, "nuts", samples=20, warmup=20, seed=9))


def test_fitted_tables_are_learnt_with_their_alpha() -> None:
    m = model("var A : {n, y}\nbox a : -> A = fit(d, alpha = 2)\ndata d(A) = | n -> 3 | y -> 5")
    a = m.posterior("d", samples=4000).tables["a"]

    assert abs(a[:, 1].mean() - 7 / 12) < 0.01
    assert m.query("P(A = y)") == pytest.approx(7 / 12)


def test_data_of_many_kinds(tmp_path: Path) -> None:
    """A CSV file with numbers, rows in place, a data frame, columns: the same posterior."""
    pandas = pytest.importorskip("pandas")
    (tmp_path / "d.csv").write_text("x,y,n\n0.5,1,1\n-1,-2.5,2\n2,,1\n", encoding="utf-8")
    text = LINE + '\ndata file = csv("d.csv", X = "x", Y = "y", weight = "n")\n'
    m = cw.parse(text, "m.causal", tmp_path).model
    frame = pandas.DataFrame({"X": [0.5, -1, -1], "Y": [1, -2.5, -2.5]})
    found = [m.posterior(d, "importance", samples=2000, seed=1).parameters["b"].mean() for d in ("file", frame)]

    assert found[0] == pytest.approx(found[1], abs=0.1)
    assert any(w.code == "F013" for w in m.warnings)


def test_a_misspelt_column_is_noticed() -> None:
    """A column that is called like no variable but nearly so: the variable is summed out, and a warning says it."""
    m = model(LINE)
    m.posterior({"X": [1.0, 2.0], "YY": [1.0, 2.0]}, "importance", samples=100)

    assert [(w.code, w.help) for w in m.warnings if w.code == "F004"] == [("F004", ("did you mean `YY`?",))]


@pytest.mark.parametrize(
    ("text", "data", "options", "code"),
    [
        (LINE, {"X": [1.0], "Y": [2.0]}, {"method": "mcmc"}, "S005"),
        (LINE, {"X": [1.0], "Y": [2.0]}, {"method": "exact"}, "S005"),
        (LINE, {"X": ["a"], "Y": [2.0]}, {}, "F003"),
        (LINE, {"Z": [1.0]}, {}, "F010"),
        (LINE, {"X": [1.0, 2.0], "Y": [2.0]}, {}, "F009"),
        (COIN, {"X": ["maybe"], "Y": ["y"]}, {}, "F003"),
        (COIN.replace(" in [0, 1] ~ beta(2, 3)", ""), {"X": ["y"]}, {"method": "nuts"}, "S004"),
        ("var A : {n, y}\nbox a : -> A = flip(1/2)", {"A": ["y"]}, {}, "S005"),
        ("var A, B : {n, y}\nbox a : -> A = dirichlet(1)\nbox b : A -> B", {"A": ["y"], "B": ["n"]}, {}, "Q001"),
        (
            "latent K : count\nvar X : real\nparam b in [0, 1]\nbox k : -> K = fn () => poisson(3)\n"
            "box x : K -> X = fn (k) => normal(b * k, 1)",
            {"X": [1.0]},
            {},
            "S005",
        ),
    ],
)
def test_what_cannot_be_learnt_is_explained(text: str, data: Any, options: dict[str, Any], code: str) -> None:
    with pytest.raises(cw.CutwireError) as e:
        model(text).posterior(data, **options)

    assert e.value.diagnostic.code == code


# ---- mechanisms in Python --------------------------------------------------------------------------------------------

SHAPE = (
    "var Z : {low, high}\nvar X, Y : real\nbox z : -> Z = flip(1/2)\n"
    "box x : Z -> X = | low -> normal(-1, 1) | high -> normal(1, 1)\nbox y : Z, X -> Y\n"
)


class Curve(torch.nn.Module):  # type: ignore[misc]
    """A small network for the mean, with the noise learnt beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(3, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1))
        self.log_sd = torch.nn.Parameter(torch.tensor(0.0))

    def forward(self, z: Any, x: Any) -> Any:
        told = torch.cat([torch.nn.functional.one_hot(z, 2).to(x.dtype), x[..., None]], -1)
        return torch.distributions.Normal(self.net(told).squeeze(-1), self.log_sd.exp())


def test_a_network_is_trained_and_intervened_on() -> None:
    """y = sin(2x) + 2z + noise, z confounds: seeing x = 1 and doing it differ, and both are found."""
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 1500)
    x = rng.normal(2 * z - 1, 1)
    y = np.sin(2 * x) + 2 * z + rng.normal(0, 0.3, 1500)
    torch.manual_seed(0)
    network = Curve()
    untrained = {k: v.clone() for k, v in network.state_dict().items()}
    m = model(SHAPE).with_mechanism("y", network)
    trained = m.fit_mechanisms({"Z": np.where(z, "high", "low"), "X": x, "Y": y}, steps=700, lr=0.03, seed=1)

    assert all(torch.equal(v, untrained[k]) for k, v in network.state_dict().items())  # a copy was trained
    done = {a: float(trained.query(f"E(Y | do(X := {a}))")) for a in (-0.5, 0.5, 1)}
    for a, found in done.items():
        assert abs(found - (math.sin(2 * a) + 1)) < 0.15, a
    seen = float(trained.query("E(Y | X = 1)"))
    weight = 1 / (1 + math.exp(-2))
    assert abs(seen - (math.sin(2) + 2 * weight)) < 0.15
    assert seen - done[1] > 0.5
    assert abs(float(trained.query("E(Y | do(X := 1), Z = high)")) - (math.sin(2) + 2)) < 0.2
    assert abs(float(trained.query("P(Y > 1 | do(Z -> Y := low), do(X := 1))")) - 0.3) < 0.25


def test_finite_mechanisms_are_enumerated() -> None:
    """Functions on positions: a Categorical, a Bernoulli, positions themselves."""
    m = model(
        "var A : 0..2\nvar B : {n, y}\nvar C : 0..3\nbox a : -> A = [1/2, 1/4, _]\nbox b : A -> B\nbox c : A, B -> C"
    )
    m = m.with_mechanism("b", lambda a: torch.distributions.Bernoulli(probs=0.2 + 0.3 * a))
    m = m.with_mechanism("c", lambda a, b: a + b)

    assert m.query("P(B = y)") == pytest.approx(0.5 * 0.2 + 0.25 * 0.5 + 0.25 * 0.8)
    assert m.query("P(A = 2 | C = 2)") == pytest.approx(0.25 * 0.2 / (0.25 * 0.2 + 0.25 * 0.5))
    assert m.query("P(C = 3 | do(A := 2))") == pytest.approx(0.8)
    chosen = m.with_mechanism("b", lambda a: torch.distributions.Categorical(torch.stack([a + 1.0, 2.0 - a / 2], -1)))
    assert chosen.query("P(B = n | do(A := 2))") == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda z, x: torch.distributions.Normal(x[..., None], 1.0), "squeeze"),
        (
            lambda z, x: torch.distributions.MultivariateNormal(torch.stack([x, x], -1), torch.eye(2).double()),
            "numbers at once",
        ),
        (lambda z, x: "nothing", "it gave str"),
        (lambda x: x, "TypeError"),
    ],
)
def test_a_mechanism_that_does_not_fit_is_explained(function: Any, told: str) -> None:
    with pytest.raises(cw.QueryError) as e:
        model(SHAPE).with_mechanism("y", function).query("E(Y)")

    assert e.value.diagnostic.code == "S003"
    assert told in str(e.value)


def test_a_mechanism_needs_a_box_that_there_is() -> None:
    for name in ("yy", "Y"):
        with pytest.raises(cw.QueryError) as e:
            model(SHAPE).with_mechanism(name, lambda z, x: x)
        assert e.value.diagnostic.code == "N001"
        assert "`y`" in str(e.value)
    with pytest.raises(cw.QueryError, match="S003"):
        model(SHAPE).with_mechanism("y", 3)  # type: ignore[arg-type]


def test_a_program_is_a_program_of_pyros() -> None:
    """The callable works with Pyro's own inference."""
    data, mean, sd = line()
    program = model(LINE).pyro_program()
    guide_loc = {}
    with pyro.get_param_store().scope(), torch.random.fork_rng():
        torch.manual_seed(0)
        guide = pyro.infer.autoguide.AutoNormal(pyro.poutine.block(program, expose=["b"]))
        fit = pyro.infer.SVI(program, guide, pyro.optim.Adam({"lr": 0.05}), pyro.infer.Trace_ELBO())
        for _ in range(300):
            fit.step(data)
        guide_loc = guide.median()

    assert abs(float(guide_loc["b"]) - mean) < sd
