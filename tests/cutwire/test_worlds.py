"""Counterfactuals as users ask them: published numbers, names of effects, every semantics, mistakes."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import pytest

import cutwire as cw
from tests.cutwire.command import EXAMPLES, cutwire

PARTY = cw.load(EXAMPLES / "party.causal").model
SQUAD = cw.load(EXAMPLES / "firing_squad.causal").model


def exact(question: str) -> Fraction:
    found = PARTY.query(question, semantics="exact")
    assert isinstance(found, Fraction)
    return found


def scuffle(a: bool, b: bool | None, rb: str, rc: str, rs: str) -> tuple[bool, bool]:
    """Whether Bob comes and whether there is a fight, worked out by hand; `b` makes Bob come or not."""
    comes = {"never": False, "copies": a, "negates": not a}[rb] if b is None else b
    carl = {"never": False, "negates": not a, "always": True}[rc]
    return comes, {"never": False, "both": comes and carl, "alike": comes == carl}[rs]


def by_hand(target: object, given: object) -> Fraction:
    """The probability of one event of the dispositions given another."""
    above = below = Fraction(0)
    laws = (
        {True: Fraction(60, 100), False: Fraction(40, 100)},
        {"never": Fraction(7, 100), "copies": Fraction(90, 100), "negates": Fraction(3, 100)},
        {"never": Fraction(5, 100), "negates": Fraction(85, 100), "always": Fraction(10, 100)},
        {"never": Fraction(5, 100), "both": Fraction(90, 100), "alike": Fraction(5, 100)},
    )
    for case in itertools.product(*laws):
        weight = Fraction(1)
        for law, value in zip(laws, case, strict=True):
            weight *= law[value]  # type: ignore[index]
        if given(*case):  # type: ignore[operator]
            below += weight
            above += weight if target(*case) else 0  # type: ignore[operator]
    return above / below


def test_balke_and_pearl() -> None:
    """AAAI 1994: had Bob come, would there have been a fight?"""
    wanted = by_hand(lambda a, *r: scuffle(a, True, *r)[1], lambda a, *r: not scuffle(a, None, *r)[0])
    assert exact("P(S[B := true] = true | B = false)") == wanted == Fraction(35587, 44800)


def test_evidence_in_two_worlds() -> None:
    wanted = by_hand(
        lambda a, *r: scuffle(a, True, *r)[1],
        lambda a, *r: a and not scuffle(a, False, *r)[1],
    )
    assert exact("P(S[B := true] = true | S[B := false] = false, A = true)") == wanted


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("ATE(S = true, B := true, false)", "P(S = true | do(B := true)) - P(S = true | do(B := false))"),
        ("ETT(S = true, B := true, false)", "P(S = true | B = true) - P(S[B := false] = true | B = true)"),
        ("PN(S = true, B := true, false)", "P(S[B := false] = false | B = true, S = true)"),
        ("PS(S = true, B := true, false)", "P(S[B := true] = true | B = false, S = false)"),
        ("PNS(S = true, B := true, false)", "P(S[B := true] = true, S[B := false] = false)"),
        ("CDE(S = true, A := true, false, B := true)",
         "P(S = true | do(A := true, B := true)) - P(S = true | do(A := false, B := true))"),
        ("NDE(S = true, A := true, false, B)",
         "P(S[A := true, B := B[A := false]] = true) - P(S = true | do(A := false))"),
        ("NIE(S = true, A := true, false, B)",
         "P(S[A := false, B := B[A := true]] = true) - P(S = true | do(A := false))"),
        ("PN(S != true, B := false, true | A = true)", "P(S[B := true] = true | B = false, S = false, A = true)"),
    ],
)  # fmt: skip
def test_named_effects(name: str, meaning: str) -> None:
    assert exact(name) == exact(meaning)


def test_effects_add_up() -> None:
    """Pearl 2001: total = natural direct - natural indirect of the way back; PNS = PN and PS, weighed."""
    total, direct = exact("ATE(S = true, A := true, false)"), exact("NDE(S = true, A := true, false, B)")
    assert total == direct - exact("NIE(S = true, A := false, true, B)")
    pns = exact("PN(S = true, B := true, false)") * exact("P(B = true, S = true)") + exact(
        "PS(S = true, B := true, false)"
    ) * exact("P(B = false, S = false)")
    assert exact("PNS(S = true, B := true, false)") == pns  # Tian and Pearl 2000, lemma 1


def test_an_effect_through_wires() -> None:
    """What passes through `B` only: `B` hears another `A`, or becomes what it would be."""
    assert exact("P(S[A := false, A -> B := true] = true)") == exact("P(S[A := false, B := B[A := true]] = true)")


def test_the_firing_squad() -> None:
    """Pearl 2009, section 7.1.2: q (1 - p) / (1 - (1 - p)(1 - q))."""
    found = SQUAD.query("P(Dead[A := no] = no | Dead = yes)", semantics="symbolic")
    for p, q in ((Fraction(1, 2), Fraction(1, 10)), (Fraction(1, 7), Fraction(2, 3))):
        known = SQUAD.with_parameters(p=p, q=q)
        assert known.query("P(Dead[A := no] = no | Dead = yes)", semantics="exact") == q * (1 - p) / (
            1 - (1 - p) * (1 - q)
        )
    assert "q" in str(found)


@pytest.mark.parametrize("semantics", ["matrix", "exact", "symbolic"])
def test_every_semantics_gives_the_same(semantics: str) -> None:
    questions = ("P(S[B := b] = true | B = false)", "P(S[A := true, B := B[A := false]], S)")
    for question in questions:
        found, wanted = PARTY.query(question, semantics=semantics), PARTY.query(question, semantics="exact")
        assert abs(found.array.astype(float) - wanted.array.astype(float)).max() < 1e-12  # type: ignore[union-attr]


def test_what_can_have_happened() -> None:
    possible = {True: "possible", False: "impossible"}
    for b, c in itertools.product(("true", "false"), repeat=2):
        question = f"P(S[B := {b}] = true | S[B := {c}] = false, B = {c})"
        assert PARTY.query(question, semantics="possible") in (possible[exact(question) > 0], "certain")


LINEAR = """
model unit
param a, b
var X, M, Y : real
latent UX, UM, UY : real
box ux : -> UX = normal(0, 1)  box um : -> UM = normal(1, 2)  box uy : -> UY = normal(0, 1/2)
box x : UX -> X = fn (u) => u
box m : X, UM -> M = fn (x, u) => 2*x + u
box y : X, M, UY -> Y = fn (x, m, u) => x + 3*m + u
"""


def test_the_noise_of_a_unit_is_inferred() -> None:
    """Abduction, action, prediction (Pearl 2009, theorem 7.1.7) in a linear model."""
    model = cw.parse(LINEAR).model
    # seen X = 0 and Y = 2, so 3 UM + UY = 2: set X to 1 and Y is 1 + 3 (2 + UM) + UY = 9
    assert model.query("E(Y[X := 1] | X = 0, Y = 2)", semantics="gaussian") == 9
    assert model.query("NDE(Y, X := 1, 0, M)") == 1
    assert model.query("NIE(Y, X := 1, 0, M)") == 6
    assert model.query("E(Y[X := 1, M := M[X := 0]])") == 1 + 3 * 1


def test_path_coefficients() -> None:
    """With symbols: the indirect effect is the product of the coefficients on its path (Wright 1921)."""
    text = LINEAR.replace("2*x", "a*x").replace("3*m", "b*m")
    model = cw.parse(text).model
    assert str(model.query("NIE(Y, X := 1, 0, M)")) == "a*b"
    assert str(model.query("NDE(Y, X := 1, 0, M)")) == "1"


def test_tables_do_not_always_settle_it() -> None:
    sprinkler = cw.load(EXAMPLES / "sprinkler.causal").model
    assert sprinkler.query("P(Wet[Sprinkler := yes] = yes | Sprinkler = yes, Rain = no)") == pytest.approx(0.9)
    with pytest.raises(cw.CutwireError, match="W001"):
        sprinkler.query("PN(Wet = yes, Sprinkler := yes, no)", semantics="possible")


def test_observe_is_behind_every_bar() -> None:
    text = (EXAMPLES / "party.causal").read_text(encoding="utf-8")
    text += "\nobserve B = false\nquery last: P(S[B := true] = true) observe S[B := true] = true query P(B)"
    *_, last, other = cw.parse(text.replace("draw", "# draw")).run()
    assert last.value == Fraction(35587, 44800)
    assert other.statement.text == "P(B) observing B = false, S[B := true] = true"
    assert other.value["false"] == 1


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("P(S@nowhere = true)", "N002"),
        ("P(S[Z := true] = true)", "N004"),
        ("P(S[B := tru] = true)", "N003"),
        ("P(S[B := true, B := false])", "N010"),
        ("P(S | do(B := B[A := true]))", "W003"),
        ("P(S[RB := RB[A := true]])", ""),
        ("P(S[RB := A[A := true]])", "W002"),
        ("PN(S = true, B := true, false, A)", "W005"),
        ("NDE(S = true, A := true, false)", "W005"),
        ("CDE(S = true, A := true, false, B)", "W005"),
        ("P(S[A := true], S[A := true])", "N010"),
        ("P(S[A -> S := true])", "N005"),
    ],
)
def test_mistakes_get_a_code(question: str, code: str) -> None:
    done = cutwire("query", str(EXAMPLES / "party.causal"), question)
    assert done.status == (2 if code else 0)
    assert f"[{code}]" in done.err or not code


BOW = """
model bow
var X, Y : {no, yes}
latent U : {a, b, c}
box u : -> U  box x : U -> X  box y : X, U -> Y
"""


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("P(Y[X := x] | X = x) == P(Y | X = x) for x : X", True),
        ("P(Y[X := x]) == P(Y | do(X := x)) for x : X", True),
        ("P(Y[X := x]) == P(Y | X = x) for x : X", False),
        ("P(Y[X := no] = yes | X = yes) == (P(Y = yes | do(X := no)) - P(Y = yes, X = no)) / P(X = yes)", True),
        ("P(Y[X := no] = yes | X = yes) == P(Y = yes | do(X := no))", False),
    ],
)
def test_claims_about_all_models(claim: str, holds: bool) -> None:
    """Also of the treated in a bow, which experiments and data tell together as long as there are two treatments."""
    body, _, binder = claim.partition(" for ")
    bound = f"({binder})" if binder else ""
    (verdict,) = cw.parse(f"{BOW} claim it{bound}: {body} check all").run()
    assert verdict.holds == holds


def test_one_axis_for_one_variable() -> None:
    """Left free in other worlds, a variable is one axis of a formula; in one question it has to be told apart."""
    found = PARTY.query("P(S[B := true]) - P(S[B := false])", semantics="exact")
    assert found.variables == ("S",)
    assert found["true"] == Fraction(39, 100)
    assert PARTY.query("P(S[B := true], S)").variables == ("S[B := true]", "S")
    assert PARTY.query("P(S[B := b] | S)").variables == ("S[B := b]", "S", "b")


def test_pictures_of_questions(tmp_path: Path) -> None:
    party = str(EXAMPLES / "party.causal")
    twin, film = tmp_path / "twin.svg", tmp_path / "film.svg"
    question = "P(S[B := true] = true | B = true, A = true)"
    assert cutwire("draw", party, "--ask", question, "-o", str(twin)).status == 0
    assert cutwire("draw", party, "--ask", question, "--steps", "-o", str(film)).status == 0
    assert twin.read_text(encoding="utf-8").count(">true<") == 2
    shown = film.read_text(encoding="utf-8")
    for rule in ("every world has a copy of all boxes", "what has been seen is told", "equal boxes that hear the same"):
        assert rule in shown
    wrong = cutwire("draw", party, "--ask", "P(S) - P(S)", "-o", str(tmp_path / "no.svg"))
    assert (wrong.status, "T018" in wrong.err) == (2, True)
    assert not (tmp_path / "no.svg").exists()
    text = f'{Path(party).read_text(encoding="utf-8")}\ndraw P(S@bob_comes) to "a.dot"'
    with pytest.raises(cw.CutwireError, match="V001"):
        cw.parse(text, folder=tmp_path)
