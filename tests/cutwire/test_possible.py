"""`semantics="possible"`: what can happen; and evidence that contradicts itself, named before numbers are computed."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import pytest

import cutwire as cw
from cutwire.possible import Possibilities
from strings.diagnostic import CutwireError, ZeroProbabilityError
from tests.cutwire.command import EXAMPLES, cutwire

TEXT = """
model lamp
param p in [0, 1]
param q in [0, 1] = 0
var Power, Switch, Lamp, Bill : {no, yes}
var Heat : real
box power : -> Power = flip(p)
box switch : -> Switch = flip(q)
box lamp : Power, Switch -> Lamp = fn (p, s) => p and s
box bill : Power -> Bill
box heat : Lamp -> Heat = | no -> normal(0, 1) | yes -> normal(9, 1)
"""


def lamp() -> cw.Model:
    return cw.parse(TEXT, "lamp.causal").model


def ask(question: str, model: cw.Model | None = None) -> object:
    return (model or lamp()).query(question, semantics="possible")


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("P(Power = yes)", "possible"),  # p is open
        ("P(Switch = no)", "certain"),  # q is 0
        ("P(Lamp = yes)", "impossible"),
        ("P(Lamp = yes | do(Switch := yes))", "possible"),
        ("P(Lamp = yes | do(Switch := yes), Power = yes)", "certain"),
        ("P(Lamp = no, Power = yes | do(Switch := yes))", "impossible"),
        ("P(Lamp in {no, yes})", "certain"),
        ("P(Bill = yes)", "possible"),  # nothing is known of the box
        ("P(Lamp = yes | cut(Switch), Power = yes)", "possible"),
        ("P(Lamp = no, Power = no | do(Switch := yes), Lamp = no)", "certain"),
    ],
)
def test_events(question: str, wanted: str) -> None:
    assert ask(question) == wanted


def test_tables() -> None:
    found = ask("P(Lamp, Power | do(Switch := s))")
    assert isinstance(found, Possibilities)
    assert found.variables == ("Lamp", "Power", "s")
    assert found["yes", "yes", "yes"] == "possible"
    assert found["yes", "no", "yes"] == "impossible"
    assert found["no", "no", "no"] == "possible"
    assert "yes   yes    yes  possible" in repr(found)
    sure = ask("P(Lamp | Power = yes, do(Switch := s))")
    assert (sure["yes", "yes"], sure["no", "yes"], sure["no", "no"]) == ("certain", "impossible", "certain")  # type: ignore[index]


def test_parameters_decide() -> None:
    model = lamp().with_parameters(p="1/2", q="1/2")
    assert ask("P(Lamp = yes)", model) == "possible"
    assert ask("P(Lamp = yes)", model.with_parameters(p=0)) == "impossible"
    text = (
        "param p in [0, 1]\nparam r in [0, 1] = 0.3\nvar A, B : {a, b, c}\n"
        "box a : -> A = [0, p, _]\nbox b : A -> B = | a -> a | b -> [r - 0.3, 0.3, _] | c -> [0, 0, 1]"
    )
    found = cw.parse(text).model
    assert ask("P(A = a)", found) == "impossible"
    assert ask("P(B = a)", found) == "impossible"
    assert ask("P(B = a)", found.with_parameters(r=None)) == "possible"


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("P(Lamp = yes) + P(Power = yes)", "Q020"),
        ("1/2", "Q020"),
        ("P(Heat > 0)", "Q013"),
        ("P(Lamp | Heat > 0)", "Q013"),
        ("P(Bill | Lamp = yes)", "Q002"),
        ("P(Lmp)", "N002"),
    ],
)
def test_refusals(question: str, code: str) -> None:
    with pytest.raises(CutwireError) as error:
        ask(question)
    assert error.value.diagnostic.code == code
    assert error.value.diagnostic.span is not None


def test_expectations_are_refused() -> None:
    model = cw.parse("var N : {0, 1, 2}\nbox n : -> N = [1/2, 1/2, 0]").model
    with pytest.raises(CutwireError) as error:
        ask("E(N)", model)
    assert error.value.diagnostic.code == "Q020"
    assert "an expectation" in error.value.diagnostic.message
    assert ask("P(N = 2)", model) == "impossible"
    assert ask("P(N in [0, 1])", model) == "certain"


def test_the_command_line() -> None:
    file = EXAMPLES / "party.causal"
    asked = "P(S = true | do(B := true), C = false, RS = both)"
    assert cutwire("query", file, asked, "--semantics", "possible").out.splitlines()[1].strip() == "impossible"
    told = cutwire("query", file, "P(S | B)", "--semantics", "possible", "--json").json
    assert told["semantics"] == "possible"
    assert told["possibility"] == [["possible", "possible"], ["possible", "possible"]]
    smoking = cutwire("query", EXAMPLES / "smoking.causal", "P(C)", "--semantics", "possible", "--from", "company")
    assert smoking.status == 2
    assert "Q020" in smoking.err
    bare = "var A, B : {no, yes}\nbox a : -> A = no\nbox b : A -> B\nquery P(B)\nquery P(A = no) expect 1"
    done = cutwire("run", "-", "--semantics", "possible", stdin=bare.encode())
    assert "nothing is known of b: anything may happen there" in done.out
    assert "as expected" in done.out
    assert done.status == 0


@pytest.mark.parametrize(
    ("question", "wanted", "status"),
    [
        ("P(A = no) expect 1", "certain", 0),
        ("P(A = no) expect 1/2", "certain", 1),
        ("P(A = yes) expect 1/2", "impossible", 1),
        ("P(A = yes) expect 0", "impossible", 0),
        ("P(B = yes) expect 1/3", "possible", 0),
        ("P(B = yes) expect 0", "possible", 1),
        ("P(B = yes) expect 1", "possible", 1),
        ("P(C = yes) expect 0", "possible", 0),  # a parameter is open: it may be so
    ],
)
def test_what_is_expected(question: str, wanted: str, status: int) -> None:
    text = "param p in [0, 1]\nvar A, B, C : {no, yes}\n"
    text += "box a : -> A = no\nbox b : -> B = flip(1/4)\nbox c : -> C = flip(p)\n"
    done = cutwire("run", "-", "--semantics", "possible", stdin=(text + "query " + question).encode())
    assert wanted in done.out
    assert done.status == status


def test_statements_that_a_semantics_does_not_apply_to_get_their_ordinary_answer(tmp_path: Path) -> None:
    """In a run of a file; a single question is refused."""
    file = EXAMPLES / "kidney.causal"
    done = cutwire("run", file, "--semantics", "possible", "--out", tmp_path)
    assert done.status == 0
    assert done.out.count("ordinary answer, since `possible` does not apply: this asks for an estimate") == 3
    assert "634983/762700" in done.out
    results = cutwire("run", file, "--semantics", "possible", "--out", tmp_path, "--json").json["results"]
    assert sum("note" in r for r in results) == 3
    assert sum(r.get("semantics") == "possible" for r in results) == 5
    open_ = cutwire("run", EXAMPLES / "vaccine.causal", "--semantics", "exact", "--out", tmp_path)
    assert open_.status == 0
    assert "ordinary answer, since `exact` does not apply: the parameter `c` has no value" in open_.out
    assert cutwire("query", EXAMPLES / "vaccine.causal", "P(Infected)", "--semantics", "exact").status == 2
    unknown = cutwire("run", file, "--semantics", "possibel", "--out", tmp_path / "none")
    assert unknown.status == 2
    assert "did you mean `possible`?" in unknown.err
    assert not unknown.out
    broken = b"var A : {no, yes}\nbox a : -> A = no\nquery P(A | A = yes)"
    assert "Q002" in cutwire("run", "-", "--semantics", "exact", stdin=broken).err
    bare = b"var A : {no, yes}\nbox a : -> A = dirichlet(1)\nquery P(A = no) + 0"
    if importlib.util.find_spec("pyro") is None:  # the ordinary answer needs what is missing: that is the error
        assert "S001" in cutwire("run", "-", "--semantics", "possible", stdin=bare).err


# ---- evidence that contradicts itself --------------------------------------------------------------------------------


def test_conditions_that_exclude_each_other_are_named() -> None:
    model = cw.load(EXAMPLES / "party.causal").model
    question = "P(RA | RB = copies, A = false, C = true, B = true, S = true)"
    for semantics in ("matrix", "exact", "possible"):
        with pytest.raises(ZeroProbabilityError) as error:
            model.query(question, semantics=semantics)
        d = error.value.diagnostic
        assert d.code == "Q002"
        assert "`RB = copies, A = false, B = true` can never happen together" in d.notes
        assert d.span is not None
    with pytest.raises(ZeroProbabilityError) as error:
        model.query("P(RA | RB = copies, A = false, B = true)")
    assert not any("never" in n for n in error.value.diagnostic.notes)  # all of them, and nothing less


def test_surgery_counts() -> None:
    model = cw.load(EXAMPLES / "party.causal").model
    with pytest.raises(ZeroProbabilityError) as error:
        model.query("P(RA | do(A := false), RB = copies, B = true, C = true)")
    assert "`RB = copies, B = true` can never happen together" in error.value.diagnostic.notes
    assert "after do(A := false)" in error.value.diagnostic.message


def chain(n: int) -> str:
    names = ", ".join(f"X{k}, Y{k}" for k in range(n))
    lines = [f"var {names} : {{no, yes}}", "box x0 : -> X0 = flip(1/2)"]
    lines += [f"box x{k} : X{k - 1} -> X{k} = fn (x) => x" for k in range(1, n)]
    lines += [f"box y{k} : X{k} -> Y{k} = | no -> flip(1/3) | yes -> flip(2/3)" for k in range(n)]
    return "\n".join(lines)


def test_before_anything_large_is_computed() -> None:
    """The answer alone would be 2 ** 26 numbers; that its conditions cannot hold is said at once."""
    model = cw.parse(chain(60)).model
    targets = ", ".join(f"Y{k}" for k in range(26))
    start = time.perf_counter()
    with pytest.raises(ZeroProbabilityError) as error:
        model.query(f"P({targets} | X2 = no, Y50 = yes, X40 = yes, Y51 = no)", max_memory=10**6)
    assert time.perf_counter() - start < 5
    assert "`X2 = no, X40 = yes` can never happen together" in error.value.diagnostic.notes
