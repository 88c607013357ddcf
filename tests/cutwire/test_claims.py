"""Claims about all models, independence, identifiability: `model.check`, in model files, at the command line."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

import cutwire as cw
from parser.program import CheckStatement
from strings.diagnostic import CutwireError
from strings.formula import Compare
from strings.query import Query
from tests.cutwire.command import cutwire, fresh
from tests.observed import Factor, positive_tables, random_shape, worth
from tests.semantics.brute import brute_answer

F = Fraction
FRONT = cw.Model.from_edges([("S", "T"), ("T", "C")], [("S", "C")], 2)
BOW = cw.Model.from_edges([("X", "Y")], [("X", "Y")], 2)
SHAPE = """
latent H : {low, high}
var S, T, C : {no, yes}
box h : -> H
box s : H -> S
box t : S -> T
box c : T, H -> C
"""
NUMBERS = """
latent H : {low, high}
var S, T, C : {no, yes}
box h : -> H = [2/3, 1/3]
box s : H -> S = | low -> [1/4, 3/4] | high -> [1/2, 1/2]
box t : S -> T = | no -> [9/10, 1/10] | yes -> [1/5, 4/5]
box c : T, H -> C = noisy_or(T = 1/2, H = 1/3, leak = 1/10)
"""
FRONT_DOOR = "P(C | do(S := s)) == sum[t : T] P(t | s) * sum[s' : S] P(C | s', t) * P(s')"
WRONG = "P(C | do(S := s)) == P(C | S = s)"


def results(text: str, folder: Path, status: int) -> list[dict[str, object]]:
    """What `cutwire check --json` says of a model text."""
    path = folder / "claims.causal"
    path.write_text(text, encoding="utf-8")
    done = cutwire("check", path, "--json")
    assert done.status == status, (done.out, done.err)
    found = done.json["results"]
    assert isinstance(found, list)
    return found


def recomputed(text: str) -> bool:
    """Whether the only claim of a model file with numbers is true in it, by plain loops over all assignments."""
    program = cw.parse(text)
    model = program.model
    (statement,) = program.statements
    assert isinstance(statement, CheckStatement)
    assert isinstance(statement.body, Compare)
    tables, axes = model.kernels(exact=True), statement.axes

    def values(name: str) -> Sequence[str]:
        return model.shape.object(axes.get(name, name)).values or ()

    def ask(query: Query) -> Factor:
        found = brute_answer(model.shape, tables, query)
        assert found is not None
        return found.variables, found.array

    one, other = (worth(f, ask, values) for f in statement.body.operands)
    names = tuple(dict.fromkeys((*one[0], *other[0])))
    told = True
    for at in itertools.product(*(range(len(values(n))) for n in names)):
        env = dict(zip(names, at, strict=True))
        x, y = (F(array[tuple(env[n] for n in axes_)]) for axes_, array in (one, other))
        op = statement.body.ops[0]
        told &= {"==": x == y, "<=": x <= y, ">=": x >= y, "<": x < y, ">": x > y, "!=": x != y}[op]
    return told


# ---- from Python -----------------------------------------------------------------------------------------------------


def test_check_from_python() -> None:
    """A true claim with its evidence, a false one with a model that refutes it."""
    yes, no = FRONT.check(FRONT_DOOR), FRONT.check(WRONG)

    assert yes.holds
    assert "wrong with probability below" in yes.evidence
    assert (yes.counterexample, yes.failure, yes.file) == (None, "", "")
    assert not no.holds
    assert no.counterexample is not None
    assert "is false" in no.failure
    seen, done = (no.counterexample.query(f"P(C | {how})", semantics="exact") for how in ("S = 1", "do(S := 1)"))
    zero = no.counterexample.query("P(C | S = 0)", semantics="exact")
    other = no.counterexample.query("P(C | do(S := 0))", semantics="exact")
    assert seen != done or zero != other


FALSE = [
    WRONG,
    "P(C | do(S := s)) == sum[t : T] P(t | s) * P(C | s, t)",
    "P(C = 1 | do(S := 1)) >= P(C = 1 | do(S := 0))",
    "P(S, C) == P(S) * P(C)",
    "P(C | T) == P(C | do(T))",
    "P(S = 1) == 1/2",
    "sum[t : T] P(t | do(S := s)) * P(C | t) == P(C | do(S := s))",
    "P(C = 1 | do(S := s)) <= P(C = 1 | S = s) + 1/10",
    "E(C | do(S := s)) == E(C | S = s)",
]


@pytest.mark.parametrize("text", FALSE)
def test_files_of_counterexamples(text: str, tmp_path: Path) -> None:
    """Run, the file of a counterexample ends with status 1: its one claim falls, by plain loops as well."""
    verdict = FRONT.check(text)
    assert not verdict.holds
    assert verdict.file
    path = tmp_path / "counterexample.causal"
    path.write_text(verdict.file, encoding="utf-8")
    done = cutwire("run", path, "--json")

    assert done.status == 1, (verdict.file, done.out, done.err)
    assert done.json["failures"] == 1
    if "E(" not in text:
        assert not recomputed(verdict.file)


def test_random_false_claims(tmp_path: Path) -> None:
    """Seeing is doing, claimed of random models in which it is not: every file refutes it."""
    rnd, seen = random.Random(1), 0
    while seen < 25:
        model = cw.Model.from_edges()
        shape = random_shape(rnd, rnd.choice([2, 3, 4]), directed=0.6, bidirected=0.5)
        model = cw.Model(model.definition.__class__("m", shape))
        x, y = rnd.sample(shape.observed, 2)
        tables = positive_tables(shape, rnd)
        text = f"P({y} | do({x} := v)) == P({y} | {x} = v)"
        exact = cw.Model.with_numbers(shape, tables, "n")
        if exact.query(f"P({y} | do({x}))", semantics="exact") == exact.query(f"P({y} | {x})", semantics="exact"):
            continue
        verdict = model.check(text, seed=seen)
        assert not verdict.holds
        path = tmp_path / f"{seen}.causal"
        path.write_text(verdict.file, encoding="utf-8")
        assert cutwire("run", path).status == 1
        assert not recomputed(verdict.file)
        seen += 1


def test_declared_values_and_names(tmp_path: Path) -> None:
    """Words for values, some of which are quoted; a hidden cause with a name of its own."""
    model = cw.parse(SHAPE.replace("{no, yes}", '{"a b", no, "3.5"}')).model
    verdict = model.check(WRONG)
    path = tmp_path / "counterexample.causal"
    path.write_text(verdict.file, encoding="utf-8")

    assert not verdict.holds
    assert cutwire("run", path).status == 1
    assert not recomputed(verdict.file)
    assert "latent H" in verdict.file


def test_hidden_causes_with_more_values() -> None:
    """True with two values of the hidden cause and false with three: it falls, and says with how many."""
    model = cw.Model.from_edges([], [("X", "Y")], {"X": 3, "Y": 3, "U_X_Y": 2})
    p = {(i, j): f"P(X = {i}, Y = {j})" for i in range(3) for j in range(3)}
    terms = [
        ("+" if sign > 0 else "-", " * ".join(p[k, j] for k, j in enumerate(order)))
        for order, sign in (
            ((0, 1, 2), 1), ((1, 2, 0), 1), ((2, 0, 1), 1), ((2, 1, 0), -1), ((1, 0, 2), -1), ((0, 2, 1), -1),
        )
    ]  # fmt: skip
    text = " ".join(f"{sign} {t}" for sign, t in terms).removeprefix("+ ") + " == 0"
    verdict = model.check(text)

    assert not verdict.holds
    assert verdict.counterexample is not None
    assert len(verdict.counterexample.shape.object("U_X_Y").values or ()) >= 3
    assert not recomputed(verdict.file)


def test_assumptions() -> None:
    """`assuming`: of positive probabilities; anything else is Q009."""
    assert FRONT.check(FRONT_DOOR, assuming="P(S, T) > 0").holds
    assert not FRONT.check(WRONG, assuming="P(S, T, C) > 0").holds
    with pytest.raises(CutwireError, match="Q009"):
        FRONT.check(FRONT_DOOR, assuming="P(S = 1) > 1/2")


def test_seeds_and_counts() -> None:
    """The same seed gives the same counterexample; `models` says how many are tried."""
    one, again = (FRONT.check(WRONG, seed=4) for _ in range(2))

    assert one.file == again.file
    assert FRONT.check(FRONT_DOOR, models=500).details["draws"] >= 500
    assert FRONT.check(FRONT_DOOR, models=1).holds


@pytest.mark.parametrize("text", ["P(C)", "P(C | do(S)) = P(C)", "P(C) == P(Q)", "P(C) ==", "identifiable P(C)"])
def test_what_is_no_claim(text: str) -> None:
    """An error with its code."""
    with pytest.raises(CutwireError):
        FRONT.check(text)


def test_policies_in_claims() -> None:
    """A claim about a policy written in it."""
    model = cw.Model.from_edges([("Z", "X"), ("Z", "Y"), ("X", "Y")], domains=2)
    true = "P(Y | do(X ~ [1/4, 3/4])) == 1/4 * P(Y | do(X := 0)) + 3/4 * P(Y | do(X := 1))"
    false = "P(Y | do(X ~ [1/4, 3/4])) == 1/2 * P(Y | do(X := 0)) + 1/2 * P(Y | do(X := 1))"

    assert model.check(true).holds
    verdict = model.check(false)
    assert not verdict.holds
    assert verdict.counterexample is not None


POLICY = """
var R, X, Y : {no, yes}
box r : -> R
box x : R -> X
box y : R, X -> Y
box contrary : R -> X = fn (r) => not r
"""


def test_policies_with_names(tmp_path: Path) -> None:
    """A claim about a box that takes another's place: the file of the counterexample has that box, too."""
    false = "claim c: P(Y | do(X ~ contrary(R))) == P(Y)\ncheck c for 30 models\n"
    (found,) = results(POLICY + false, tmp_path, 1)
    path = tmp_path / "counterexample.causal"
    path.write_text(str(found["file"]), encoding="utf-8")

    assert cutwire("run", path).status == 1


def test_numbers_of_a_policy_alone(tmp_path: Path) -> None:
    """Where only a policy has numbers, a claim is about all models: a box that it needs has none."""
    true = "claim c: P(R | do(X ~ contrary(R))) == P(R)\n"

    assert [r["holds"] for r in results(POLICY + true, tmp_path, 0)] == [True]


ANY = """
latent U : {low, high}
var Z, X, Y : {no, yes}
box u : -> U
box z : -> Z
box x : Z, U -> X
box y : X, Z HIDDEN -> Y
box treat : Z -> X
"""


def test_policies_without_numbers(tmp_path: Path) -> None:
    """Whatever the policy is: effects that follow, effects that do not, claims; the files that are shown can be run."""
    effect = "P(Y | do(X ~ treat(Z)))"
    text = ANY.replace("HIDDEN", "") + f"identify {effect}\nclaim k: identifiable {effect}\nclaim c: {effect} == P(Y)\n"
    known, wrong = results(text, tmp_path, 1)
    assert known["holds"]
    asked = cutwire("identify", tmp_path / "claims.causal", effect, "--json")
    assert (asked.status, asked.json["identifiable"]) == (0, True)
    assert "treat" in str(wrong["file"])
    example = tmp_path / "example.causal"
    example.write_text(str(wrong["file"]), encoding="utf-8")
    assert cutwire("check", example).status == 1

    hedge = ANY.replace("HIDDEN", ", U")
    (refused,) = results(hedge + f"claim k: not identifiable {effect}\n", tmp_path, 0)
    assert refused["holds"]
    model = cw.parse(hedge + f"identify {effect}\n").model
    found = model.identify(effect)
    assert found.witness is not None
    one, other = (m.query(effect, semantics="exact") for m in found.witness)
    assert one != other
    witness = tmp_path / "witness.causal"
    witness.write_text(found.witness_file, encoding="utf-8")
    assert cutwire("run", witness).status == 0
    counterexample = model.check(f"{effect} == P(Y)").counterexample
    assert counterexample is not None
    assert counterexample.query(effect) != counterexample.query("P(Y)")  # type: ignore[attr-defined]


def test_policies_of_witnesses_keep_their_names(tmp_path: Path) -> None:
    """A policy called like the box that a witness would give a variable."""
    text = ANY.replace("HIDDEN", ", U").replace("box y :", "box outcome :").replace("treat", "y")
    effect = "P(Y | do(X ~ y(Z)))"
    found = cw.parse(text + f"identify {effect}\n").model.identify(effect)
    path = tmp_path / "witness.causal"
    path.write_text(found.witness_file, encoding="utf-8")

    assert cutwire("run", path).status == 0


def test_claims_that_are_open(tmp_path: Path) -> None:
    """What was not refuted is not said to hold."""
    path = tmp_path / "open.causal"
    path.write_text(SHAPE + "claim c: P(S = yes) <= 1\n", encoding="utf-8")
    done = cutwire("check", path)

    assert done.status == 0
    assert done.out.startswith("open  c  not refuted by ")
    (found,) = results(SHAPE + "claim c: P(S = yes) <= 1\n", tmp_path, 0)
    assert (found["holds"], found["proved"]) == (True, False)
    assert FRONT.check("P(S = 1) <= 1").mark == "open"
    assert [FRONT.check(t).mark for t in ("P(S) == P(S)", "P(S = 1) < 1")] == ["holds", "falls"]


# ---- in files --------------------------------------------------------------------------------------------------------


def test_claims_in_files(tmp_path: Path) -> None:
    """Without numbers a claim is about all models; with `for N models` it is, too; else it is about the numbers."""
    found = results(SHAPE + f"claim c(s : S): {FRONT_DOOR}\n", tmp_path, 0)
    assert [r["holds"] for r in found] == [True]
    assert "models over finite fields" in str(found[0]["evidence"])

    found = results(NUMBERS + f"claim c(s : S): {FRONT_DOOR}\nclaim half: P(H = low) == 2/3\n", tmp_path, 0)
    assert all("compared exactly" in str(r["evidence"]) for r in found)

    found = results(NUMBERS + "claim half: P(H = low) == 2/3\ncheck half for 30 models\n", tmp_path, 1)
    assert [r["holds"] for r in found] == [False]


def test_claims_that_fall_in_files(tmp_path: Path) -> None:
    """Status 1; the JSON has the counterexample as a file, which falls in its turn."""
    (found,) = results(SHAPE + f"claim c(s : S): {WRONG}\n", tmp_path, 1)
    assert found["holds"] is False
    path = tmp_path / "counterexample.causal"
    path.write_text(str(found["file"]), encoding="utf-8")

    assert cutwire("run", path).status == 1
    assert not recomputed(str(found["file"]))


def test_assuming_in_files(tmp_path: Path) -> None:
    """`assuming` behind a claim."""
    text = (
        f"claim a(s : S): {FRONT_DOOR} assuming P(S, T) > 0\nclaim b(s : S): {WRONG} assuming P(S, T) > 0, P(C) > 0\n"
    )

    assert [r["holds"] for r in results(SHAPE + text, tmp_path, 1)] == [True, False]


def test_symbols(tmp_path: Path) -> None:
    """`symbolic`: proved with unknown entries, or refuted as any other claim."""
    text = f"claim a(s : S): {FRONT_DOOR}\nclaim b(s : S): {WRONG}\ncheck a, b symbolic\n"
    found = results(SHAPE + text, tmp_path, 1)

    assert [r["holds"] for r in found] == [True, False]
    assert "symbol" in str(found[0]["evidence"]) or "prove" in str(found[0]["evidence"])


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("T _||_ H | S", True),
        ("S _||_ C | T", False),
        ("S _||_ C | T, H", True),
        ("S _||_ T | do(T)", True),
        ("S, H _||_ T | do(T)", True),
        ("S _||_ H", False),
        ("S _||_ H | cut(S)", True),
        ("T _||_ C | S, do(T)", False),
    ],
)
def test_independences(claim: str, holds: bool, tmp_path: Path) -> None:
    """Read off the picture: hidden variables too, with surgery behind the bar."""
    for model in (SHAPE, NUMBERS):
        (found,) = results(f"{model}claim c: {claim}\n", tmp_path, 0 if holds else 1)
        assert found["holds"] is holds


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("identifiable P(C | do(S))", True),
        ("not identifiable P(C | do(S))", False),
        ("not identifiable P(C | do(S)) from P(S, C)", True),
        ("identifiable P(C | do(S)) from P(S, C)", False),
        ("identifiable P(C | do(S)) from P(S, C), P(C | do(S))", True),
        ("identifiable P(C | do(S), T)", True),
        ("identifiable E(C | do(S)) from P(S, T, C)", False),
    ],
)
def test_identifiability(claim: str, holds: bool, tmp_path: Path) -> None:
    """What can be known, claimed; a refusal that is claimed otherwise brings its witness."""
    text = SHAPE if "E(" not in claim else SHAPE.replace("var S, T, C : {no, yes}", "var S, T, C : {0, 1}")
    if "E(" in claim:
        holds = True
    (found,) = results(f"{text}claim c: {claim}\n", tmp_path, 0 if holds else 1)

    assert found["holds"] is holds
    if not holds and claim.startswith("identifiable"):
        path = tmp_path / "witness.causal"
        path.write_text(str(found["file"]), encoding="utf-8")
        assert cutwire("run", path).status == 0


def test_no_claim_without_proof(tmp_path: Path) -> None:
    """That an effect does not follow is claimed of one that does: P(V2 | do(V0)) is P(V2), and P(V0, V2) is given."""
    path = tmp_path / "claims.causal"
    model = "var V0, V1, V2 : {0, 1}\nbox v0 : -> V0\nbox v1 : -> V1\nbox v2 : V1 -> V2\n"
    claim = "claim c: not identifiable P(V2 | do(V0)) from P(V2 | do(V0, V1)), P(V0, V2)\n"
    path.write_text(model + claim, encoding="utf-8")

    assert cutwire("check", path).status != 0


def test_people_are_shown_the_same(tmp_path: Path) -> None:
    """A line a claim, and the case in which it falls."""
    path = tmp_path / "claims.causal"
    path.write_text(SHAPE + f"claim a(s : S): {FRONT_DOOR}\nclaim b(s : S): {WRONG}\n", encoding="utf-8")
    done = cutwire("check", path)

    assert done.status == 1
    assert "holds  a" in done.out
    assert "FALLS" in done.out.upper()
    assert "is false" in done.out


def test_the_same_bytes(tmp_path: Path) -> None:
    """Verdicts and counterexamples do not hang on the seed of hashes."""
    path = tmp_path / "claims.causal"
    path.write_text(
        SHAPE + f"claim a(s : S): {WRONG}\nclaim b: P(C = yes | do(S := yes)) <= P(C = yes)\n", encoding="utf-8"
    )
    outputs = {fresh("check", path, "--json", folder=tmp_path, PYTHONHASHSEED=seed).out for seed in ("0", "5")}

    assert len(outputs) == 1


@pytest.mark.parametrize(
    "text",
    [
        "claim c: P(C | do(S := yes), S = no) == P(C)",
        "claim c: P(C) / (P(S) - P(S)) == 1",
        "claim c: P(C = yes) == 1 assuming P(S = yes) > 1/2",
        "claim c: identifiable P(H | do(S))",
        "claim c: S _||_ S",
    ],
)
def test_bad_claims(text: str, tmp_path: Path) -> None:
    """Impossible conditions, divisions by zero, what cannot be assumed or asked: status 2 and a diagnostic."""
    path = tmp_path / "claims.causal"
    path.write_text(SHAPE + text + "\n", encoding="utf-8")
    done = cutwire("check", path)

    assert done.status == 2, done.out
    assert "error[" in done.err + done.out
    assert "Traceback" not in done.err


def test_a_value_name_for_two_variables_in_numbers() -> None:
    """Both lie along the axis of the name: the diagonal of their joint table."""
    text = """
    var A, B : {no, yes}
    box a : -> A = flip(1/3)
    box b : A -> B = | no -> [0.9, 0.1] | yes -> [0.45, 0.55]
    claim agree(v : A): P(A = v, B = v) == P(A = v | B = v) * P(B = v)
    check agree numeric
    """
    (found,) = cw.parse(text).run()
    assert "holds" in str(found)
