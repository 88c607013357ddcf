"""Pyro: enumeration against the exact engine, samples against closed forms, surgery against `pyro.poutine.do`."""

from __future__ import annotations

import math
import random
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cutwire as cw
from cutwire.evaluate import Result
from cutwire.meanings import Answered, Options, answer_statement
from parser.program import QueryStatement
from tests.cutwire.command import EXAMPLES, cutwire

pyro = pytest.importorskip("pyro")
torch = pytest.importorskip("torch")

from semantics.pyro.enumerate import log_joint  # noqa: E402
from semantics.pyro.program import Unknowns  # noqa: E402

DOSE = """
param b = 2
var Sev : {low, high}
var X, Y : real
var N : count
box sev : -> Sev = flip(1/3)
box x : Sev -> X = | low -> normal(0, 1) | high -> normal(2, 1/2)
box y : Sev, X -> Y = fn (s, x) => if s == high then normal(b * x + 1, 1) else normal(x, 2)
box n : X -> N = fn (x) => poisson(exp(x / 4))
"""


def model(text: str) -> cw.Model:
    return cw.parse(text, "m.causal").model


def phi(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


# ---- enumeration -----------------------------------------------------------------------------------------------------


def finite_statements() -> list[Any]:
    found = []
    for path in sorted(EXAMPLES.glob("*.causal")):
        program = cw.load(path)
        for k, s in enumerate(program.statements):
            if isinstance(s, QueryStatement) and not s.data:
                owner = program.models[s.model]
                open_ = [n for n in owner.parameters if n not in owner.parameter_values]
                owner = owner.with_parameters(**{n: f"1/{i + 2}" for i, n in enumerate(open_)})
                if all(not x.space for x in owner.shape.variables):
                    found.append(pytest.param(owner, s, id=f"{path.stem}-{s.name or k}"))
    return found


@pytest.mark.parametrize(("owner", "statement"), finite_statements())
def test_enumeration_is_the_exact_engine(owner: cw.Model, statement: QueryStatement) -> None:
    """Every question of every finite example, surgeries on wires and policies included."""
    exact = answer_statement(owner, statement, "exact", Options(exact=True))
    if isinstance(exact, Answered):  # it has bounds, and no model that draws by its tables alone answers it
        with pytest.raises(cw.QueryError, match="W001"):
            answer_statement(owner, statement, "pyro", Options())
        return
    by_pyro = answer_statement(owner, statement, "pyro", Options())

    assert isinstance(exact, Result)
    assert isinstance(by_pyro, Result)
    assert by_pyro.distribution.variables == exact.distribution.variables
    assert by_pyro.distribution.values == exact.distribution.values
    assert np.abs(by_pyro.distribution.array - exact.distribution.as_float().array).max() < 1e-9
    assert by_pyro.met == exact.met


@pytest.mark.parametrize(
    "question",
    ["P(BP | do(HR := LOW), CO = HIGH)", "P(HRBP, BP | CVP, do(CO))", "P(HISTORY = TRUE | CVP in {LOW, HIGH})",
     "P(CO | cut(HR), PRESS)"],
)  # fmt: skip
def test_a_network_of_37_variables(question: str) -> None:
    alarm = cw.read_bif(EXAMPLES / "alarm.bif")
    wanted, found = alarm.query(question, semantics="matrix"), alarm.query(question, semantics="pyro")

    assert (
        np.abs(np.asarray(getattr(found, "array", found)) - np.asarray(getattr(wanted, "array", wanted))).max() < 1e-9
    )


@pytest.mark.parametrize("seed", range(4))
def test_random_models_by_enumeration(seed: int) -> None:
    """Conditions, free surgeries, told wires and events on random models."""
    rng = random.Random(seed)
    rows = {n: [rng.randint(0, 5) for _ in range(12)] for n in "abcd"}

    def odds(n: str, k: int, values: int) -> str:
        numbers = rows[n][k * values : (k + 1) * values]
        return f"[{' : '.join(str(w + (j == 0)) for j, w in enumerate(numbers))}]"

    def table(n: str, values: int) -> str:
        cases = enumerate(product(("n", "y"), repeat=2))
        return " ".join(f"| {x}, {y} -> {odds(n, k, values)}" for k, (x, y) in cases)

    text = (
        "var A, B, C : {n, y}\nvar D : 1..3\nlatent H : {n, y}\n"
        f"box h : -> H = {odds('a', 0, 2)}\n"
        f"box a : H -> A = | n -> {odds('a', 1, 2)} | y -> {odds('a', 2, 2)}\n"
        f"box b : A -> B = | n -> {odds('b', 0, 2)} | y -> {odds('b', 1, 2)}\n"
        f"box c : H, B -> C = {table('c', 2)}\n"
        f"box d : A, C -> D = {table('d', 3)}\n"
    )
    m = model(text)
    for question in (
        "P(D | do(B), A)", "P(C, D | do(A -> D), A = y)", "P(D in {1, 3}, C | cut(A), B = n)", "E(D | do(B := y), C)",
        "P(C = y | D in {2, 3}, do(A := n))", "E(D | cut(A -> B)) / P(A = y) - 1", "P(A, B)", "P(C | do(A), A = y)",
    ):  # fmt: skip
        try:
            wanted = m.query(question, semantics="matrix")
        except cw.ZeroProbabilityError:
            with pytest.raises(cw.ZeroProbabilityError):
                m.query(question, semantics="pyro")
            continue
        found = m.query(question, semantics="pyro")
        a, b = (np.asarray(getattr(v, "array", v), dtype=float) for v in (found, wanted))
        assert a.shape == b.shape
        assert np.abs(a - b).max() < 1e-9


def test_impossible_evidence_is_an_error() -> None:
    m = model("var A, B : {n, y}\nbox a : -> A = [1, 0]\nbox b : A -> B = | _ -> flip(1/3)")

    with pytest.raises(cw.ZeroProbabilityError, match="Q002"):
        m.query("P(B | A = y)", semantics="pyro")


# ---- surgery and `pyro.poutine.do` -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("file", "variable"), [("sprinkler", "Sprinkler"), ("sprinkler", "Rain"), ("kidney", "X")])
def test_surgery_is_pyros_do_exactly(file: str, variable: str) -> None:
    """The joint of the operated diagram is the joint of the un-operated program under `pyro.poutine.do`."""
    m = cw.load(EXAMPLES / f"{file}.causal").model
    using = m.interpretations[0] if m.interpretations else ""
    others = [n for n in m.shape.names if n != variable]
    for k, value in enumerate(m.shape.object(variable).values or ()):
        with torch.no_grad(), pyro.poutine.block(), pyro.get_param_store().scope():
            ours = log_joint(m.do({variable: value}).pyro_program(using), Unknowns({}, {}), others).exp()
            program = pyro.poutine.do(m.pyro_program(using), {variable: torch.tensor(k)})
            theirs = _joint(program, others, [len(m.shape.object(n).values or ()) for n in others])
        assert torch.allclose(ours, theirs, atol=1e-12)


def _joint(program: Any, names: list[str], sizes: list[int]) -> Any:
    """The joint of a Pyro program by Pyro alone: the probability of each assignment by conditioning."""
    found = torch.zeros(sizes, dtype=torch.float64)
    for at in product(*map(range, sizes)):
        data = dict(zip(names, map(torch.tensor, at), strict=True))
        trace = pyro.poutine.trace(pyro.condition(program, data)).get_trace()
        found[at] = sum(
            site["fn"].log_prob(site["value"])
            for n, site in trace.nodes.items()
            if site["type"] == "sample" and n in names
        ).exp()
    return found


def test_surgery_is_pyros_do_in_distribution() -> None:
    """With numbers: two samples of the same distribution (Kolmogorov and Smirnov, 1 in 1000)."""
    m = model(DOSE)
    with pyro.get_param_store().scope(), torch.random.fork_rng():
        torch.manual_seed(3)
        theirs = pyro.poutine.do(m.pyro_program(), {"X": torch.tensor(1.5).double()})(size=4000)["Y"].numpy()
        ours = m.do(X=1.5).pyro_program()(size=4000)["Y"].numpy()
        other = m.do(X=1.0).pyro_program()(size=4000)["Y"].numpy()

    def distance(a: Any, b: Any) -> float:
        at = np.sort(np.concatenate([a, b]))
        return float(
            np.abs(np.searchsorted(np.sort(a), at, "right") - np.searchsorted(np.sort(b), at, "right")).max() / len(a)
        )

    assert distance(ours, theirs) < 1.95 * math.sqrt(2 / 4000) < distance(other, theirs)


def test_chirho_agrees() -> None:
    chirho = pytest.importorskip("chirho.interventional.handlers")
    m = model(DOSE)
    with chirho.do(actions={"X": torch.tensor(1.5).double()}), torch.random.fork_rng():
        torch.manual_seed(0)
        y = m.pyro_program()(size=20_000)["Y"].mean()

    assert abs(float(y) - (2 / 3 * 1.5 + 1 / 3 * 4)) < 0.1


# ---- sampling --------------------------------------------------------------------------------------------------------


def test_forward_sampling_against_closed_forms() -> None:
    """Means, events and counts after an intervention, within four standard errors."""
    m = model(DOSE)
    wanted = {
        "E(Y | do(X := 1.5))": 2 / 3 * 1.5 + 1 / 3 * 4,
        "P(Y > 2 | do(X := 1.5))": 2 / 3 * phi(-0.5 / 2) + 1 / 3 * phi(2),
        "P(N = 2 | do(X := 0))": math.exp(-1) / 2,
        "E(Y | do(X := 1)) - E(Y | do(X := 0))": 2 / 3 + 2 / 3,
        "E(Y | do(X ~ normal(1, 3)))": 2 / 3 + 1,
        "E(X) / P(Sev = high)": 2.0,
    }
    for question, value in wanted.items():
        found = m.query(question, semantics="pyro", seed=1)
        error = float(found.standard_error)
        assert 0 < error < 0.1
        assert abs(float(found) - value) < 4 * error, question


def test_likelihood_weighting_against_closed_forms() -> None:
    """Evidence below: on a number, on an interval, on a finite value."""
    m = model(DOSE)

    def density(y: float, mean: float, sd: float) -> float:
        return math.exp(-(((y - mean) / sd) ** 2) / 2) / sd

    low, high = 2 / 3 * density(1, 0, 1), 1 / 3 * density(1, 2, 0.5)
    found = m.query("P(Sev | X = 1)", semantics="pyro", samples=20_000)
    assert abs(found["high"] - high / (low + high)) < 4 * found.standard_error["high"]

    low, high = 2 / 3 * (1 - phi(1)), 1 / 3 * (1 - phi(-2))
    found = m.query("P(Sev = high | X > 1)", semantics="pyro", samples=20_000)
    assert abs(float(found) - high / (low + high)) < 4 * float(found.standard_error)
    assert found.effective < 20_000

    y = 1.0  # of those of high severity, X given Y = y: a product of normals
    precision = 1 / 0.25 + 4
    found = m.query(f"E(X | Sev = high, Y = {y})", semantics="pyro", samples=20_000)
    assert abs(float(found) - (2 / 0.25 + 2 * (y - 1)) / precision) < 4 * float(found.standard_error)


def test_points_count_before_densities() -> None:
    """Of worlds that make a value surely and worlds that have a density there, the former are what was seen."""
    m = model("var S : {n, y}\nvar X : real\nbox s : -> S = flip(9/10)\n"
              "box x : S -> X = fn (s) => if s == y then normal(0, 1) else 0")  # fmt: skip

    assert m.query("P(S = n | X = 0)", semantics="pyro").distribution[()] == 1
    assert m.query("P(S = n | X = 1)", semantics="pyro").distribution[()] == 0


def test_the_error_is_honest() -> None:
    """Over many seeds the standard error is the spread of the answers, also of a quotient with weights."""
    m = model(DOSE)
    found = [
        m.query("E(X | Sev = high, Y = 4) / P(Sev = high | X > 0)", semantics="pyro", samples=500, seed=s)
        for s in range(60)
    ]
    spread = np.std([float(f) for f in found])
    told = np.median([float(f.standard_error) for f in found])

    assert 0.7 < told / spread < 1.4


def test_free_numbers_are_samples() -> None:
    m = model(DOSE)
    found = m.query("P(Y | do(X := 1))", semantics="pyro", seed=7, samples=5000)

    assert found.samples.shape == (5000,)
    assert abs(found.mean - (2 / 3 + 1)) < 4 * found.sd / math.sqrt(5000)
    assert abs(float(np.mean(found.samples <= found.quantile(0.25))) - 0.25) < 0.01
    both = m.query("P(X, Sev)", semantics="pyro")
    assert [dict(c.case) for c in both.cases] == [{"Sev": "low"}, {"Sev": "high"}]
    assert abs(both.cases[1].probability - 1 / 3) < 0.02
    assert abs(both.cases[1].mean("X") - 2) < 0.05


def test_the_same_seed_gives_the_same_and_leaves_no_trace() -> None:
    m = model(DOSE)
    torch.manual_seed(5)
    before, threads, store = torch.get_rng_state(), torch.get_num_threads(), dict(pyro.get_param_store())
    first, second, third = (float(m.query("E(Y | X > 0)", semantics="pyro", seed=s)) for s in (4, 4, 5))

    assert first == second != third
    assert torch.equal(before, torch.get_rng_state())
    assert (threads, store) == (torch.get_num_threads(), dict(pyro.get_param_store()))


def test_priors_are_averaged_over() -> None:
    """Unknown tables by their mean, exactly; parameters by sampling them in every world."""
    m = model("param p in [0, 1] ~ beta(2, 1)\nvar A, B : {n, y}\nbox a : -> A = dirichlet(1)\n"
              "box b : A -> B = | n -> flip(p) | y -> flip(p^2)")  # fmt: skip

    assert m.query("P(A = y)", semantics="pyro") == pytest.approx(0.5)
    found = m.query("P(B = y | A)", semantics="pyro", samples=40_000)
    assert abs(found["n"] - 2 / 3) < 4 * found.standard_error["n"]
    assert abs(found["y"] - 1 / 2) < 4 * found.standard_error["y"]


def test_expectations_of_a_file_are_met_within_the_error() -> None:
    text = DOSE + "query E(Y | do(X := 1)) expect "
    right, wrong = (next(cw.parse(text + v).run(semantics="pyro")) for v in ("5/3", "2"))

    assert right.met
    assert not wrong.met


def test_many_samples_in_portions() -> None:
    m = model(DOSE)
    found = m.query("P(Sev = high | X > 1)", semantics="pyro", samples=250_001)

    assert float(found.standard_error) < 0.002
    low, high = 2 / 3 * (1 - phi(1)), 1 / 3 * (1 - phi(-2))
    assert abs(float(found) - high / (low + high)) < 4 * float(found.standard_error)


def test_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "dose.causal"
    path.write_text(DOSE, encoding="utf-8")
    done = cutwire("query", path, "E(Y | do(X := 1))", "--semantics", "pyro", "--samples", "2000", "--seed", "3")

    assert done.status == 0
    assert "2,000 samples, seed 3, standard error" in done.out


@pytest.mark.parametrize(
    ("question", "code"),
    [("E(Y | cut(X))", "Q013"), ("E(Y | do(X))", "Q013"), ("P(Y | X)", "Q013"), ("P(Y | X = 1) + 1", "Q013"),
     ("P(Y, Sev = low)", "Q013"), ("P(Sev | X > 1000)", "S002")],
)  # fmt: skip
def test_what_samples_cannot_answer_is_explained(question: str, code: str) -> None:
    with pytest.raises(cw.CutwireError) as e:
        model(DOSE).query(question, semantics="pyro")

    assert e.value.diagnostic.code == code
    assert e.value.diagnostic.span is not None


def test_parameters_without_prior_and_bad_arguments() -> None:
    text = "param b\nvar X : real\nbox x : -> X = fn () => normal(0, b)"
    with pytest.raises(cw.QueryError, match="S004"):
        model(text).query("E(X)", semantics="pyro")
    with pytest.raises(cw.QueryError, match="Q014"):
        model(text).with_parameters(b=-1).query("E(X)", semantics="pyro")
    with pytest.raises(cw.QueryError, match="S005"):
        model(DOSE).query("E(X)", semantics="pyro", samples=3)


def test_what_lies_outside_of_a_support_is_impossible() -> None:
    """In every world, or in some of them; also a half where whole numbers are counted."""
    m = model(
        "var S : {n, y}\nvar X, Z : real\nbox s : -> S = flip(1/2)\n"
        "box x : S -> X = | n -> gamma(2, 1) | y -> normal(0, 1)\nbox z : -> Z = fn () => exponential(1)"
    )

    assert m.query("P(S = y | X = -1)", semantics="pyro").distribution[()] == 1
    with pytest.raises(cw.QueryError, match="S002"):
        m.query("P(S | Z = -1)", semantics="pyro")
