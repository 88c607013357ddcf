"""What changes everywhere: against single questions, in every surface, and what is refused."""

from __future__ import annotations

import json
import math
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire.changes import Changes
from cutwire.completion import candidates
from cutwire.model import Model
from cutwire.session import Session, enter
from cutwire.session_commands import load_file
from semantics.distribution import Distribution
from semantics.strategies import models
from semantics.variation import total_variation
from strings.diagnostic import CutwireError, ZeroProbabilityError
from strings.model import CausalModel
from strings.signature import spelled
from tests.cutwire.command import EXAMPLES, cutwire
from tests.semantics.brute import random_tables

LAWN = EXAMPLES / "sprinkler.causal"


@pytest.fixture(scope="module")
def lawn() -> Model:
    return cw.load(LAWN).model


def surgeries(shape: CausalModel, rnd: random.Random) -> list[str]:
    """Some surgeries of several kinds, in the language."""
    found = []
    for n in rnd.sample(shape.names, k=min(len(shape.names), rnd.randint(0, 2))):
        value = rnd.choice(shape.object(n).values or ())
        wires = [f"{spelled(p)} -> {spelled(n)}" for p in shape.parents(n)]
        state = ", ".join(["1/7"] * (len(shape.object(n).values or ()) - 1) + ["_"])
        kinds = [f"do({spelled(n)} := {value})", f"cut({spelled(n)})", f"do({spelled(n)} ~ [{state}])"]
        if wires:
            wire = rnd.choice(wires)
            told = rnd.choice(shape.object(shape.parents(n)[wires.index(wire)]).values or ())
            kinds += [f"cut({wire})", f"do({wire} := {told})"] * 2
        found.append(rnd.choice(kinds))
    return found


@settings(max_examples=80, deadline=None)
@given(models(max_size=5, max_latents=1), st.integers(0, 10**6))
def test_it_is_what_single_questions_say(shape: CausalModel, seed: int) -> None:
    """Before and after of every variable are answers to questions, in exact fractions; what is not listed is equal."""
    rnd = random.Random(seed)
    model = Model.with_numbers(shape, random_tables(shape, rnd), "m")
    done = surgeries(shape, rnd)
    seen = [f"{spelled(n)} = {rnd.choice(shape.object(n).values or ())}" for n in rnd.sample(model.variables, k=1)]
    seen = seen if rnd.random() < 0.6 or not done else []
    conditions = {"before": seen if done else [], "after": done + seen}

    def asked(n: str, when: str) -> Distribution:
        behind = ", ".join(conditions[when])
        found = model.query(f"P({spelled(n)}{' | ' if behind else ''}{behind})", semantics="exact")
        assert isinstance(found, Distribution)
        return found

    try:
        found = model.changes(", ".join(done + seen), hidden=True)
    except ZeroProbabilityError:
        with pytest.raises(ZeroProbabilityError):
            [asked(shape.names[0], when) for when in conditions]
        return
    assert sorted([c.variable for c in found.changed] + list(found.unchanged)) == sorted(shape.names)
    for c in found.changed:
        before, after = asked(c.variable, "before"), asked(c.variable, "after")
        assert c.before.array == pytest.approx(before.as_float().array, abs=1e-12)
        assert c.after.array == pytest.approx(after.as_float().array, abs=1e-12)
        assert before != after
        assert c.distance == pytest.approx(float(abs(before.array - after.array).sum()) / 2)
    for n in found.unchanged:
        assert asked(n, "before") == asked(n, "after")
    distances = list(found.distance.values())
    assert distances == sorted(distances, reverse=True)


def test_the_wet_lawn(lawn: Model) -> None:
    """Numbers that one can reckon by hand."""
    found = lawn.changes("do(Sprinkler := yes), Wet = yes")
    assert [(r.variable, r.value) for r in found.rows()] == [("Sprinkler", "yes"), ("Rain", "yes"), ("Cloudy", "yes")]
    assert found.rows()[1].change == pytest.approx(0.495 / 0.945 - 0.4581 / 0.6471)
    assert found.unchanged == ("Wet",)
    assert str(found).splitlines()[0] == "P(… | do(Sprinkler := yes), Wet = yes) against P(… | Wet = yes)"
    assert str(found).splitlines()[-1] == "  1 other does not change"
    html = found._repr_html_()
    assert html.count("<tr>") == 4
    assert "left: 43%; width: 57%" in html


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("randomised", "P(… | cut(Sprinkler))"),
        ("timer then do(Rain := no)", "P(… | do(Sprinkler ~ [3/4, 1/4], Rain := no))"),
        ("do(Sprinkler ~ gardener(Rain)), Wet = yes", "P(… | do(Sprinkler ~ gardener(Rain)), Wet = yes)"),
        ("do(Rain -> Wet := no), cut(Cloudy)", "P(… | do(Rain -> Wet := no), cut(Cloudy))"),
        ("Wet in {no, yes}", "P(… | Wet in {no, yes})"),
        ("Wet = yes # a comment (", "P(… | Wet = yes)"),
        ("do(Sprinkler := yes),\n  Rain != no", "P(… | do(Sprinkler := yes), Rain = yes)"),
    ],
)
def test_every_way_of_saying_it(lawn: Model, text: str, after: str) -> None:
    """Named surgeries and several, policies, wires, sets of values, comments, several lines."""
    found = lawn.changes(text)
    assert found.after == after
    behind = after.partition(" | ")[2]
    for c in found.changed:
        assert c.after.array == pytest.approx(lawn.query(f"P({c.variable} | {behind}").array)


def test_tiny_probabilities_change_and_rounding_does_not() -> None:
    """What counts is the change relative to the probability."""
    model = cw.parse(
        "var S, T : {no, yes}  var U : {a, b, c}\n"
        "box s : -> S = flip(1/10)\n"
        "box t : S -> T = | no -> flip(0.000000000001) | yes -> flip(0.000000000003)\n"
        "box u : -> U = [1/3, 1/3, _]"
    ).model
    found = model.changes("do(S := yes)")
    assert [c.variable for c in found.changed] == ["S", "T"]
    assert found.rows()[1].change == pytest.approx(1.8e-12)
    assert found.unchanged == ("U",)


def test_alarm_is_swept_in_no_time() -> None:
    """Two sweeps of 37 variables, also after surgery on a wire, and each is what its question says."""
    alarm = cw.read_bif(EXAMPLES / "alarm.bif")
    begun = time.perf_counter()
    found = alarm.changes("do(HR -> CO := LOW), cut(BP), PRESS = HIGH")
    assert time.perf_counter() - begun < 1
    assert len(found.distance) == 37
    for c in found.changed[::6]:
        question = f"P({c.variable} | do(HR -> CO := LOW), cut(BP), PRESS = HIGH)"
        assert c.after.array == pytest.approx(alarm.query(question).array)


# ---- numbers that are no tables --------------------------------------------------------------------------------------


def test_real_variables_have_means_and_deviations() -> None:
    """Of a linear model in closed form."""
    tar = cw.load(EXAMPLES / "tar.causal").model
    found = tar.changes("do(Cigarettes := 20)", hidden=True)
    assert [c.variable for c in found.changed] == ["Cigarettes", "Tar", "Damage"]
    assert [(r.value, r.after) for r in found.rows()[:3]] == [("mean", 20.0), ("sd", 0.0), ("mean", 15.0)]
    assert found.distance["Cigarettes"] == 1
    assert "1 other does not change" in str(found)
    assert tar.marginals(do={"Cigarettes": 20})["Cigarettes"].mean == 20
    assert tar.changes("Tar = 9").changed[0].variable == "Tar"


@pytest.mark.parametrize("shift", [0.001, 0.5, 3.0])
def test_the_distance_of_normal_distributions(shift: float) -> None:
    """That of two of one width is 2 Phi(d / 2) - 1."""
    model = cw.parse(f"var X, Y : real\nbox x : -> X = normal(0, 2)\nbox y : -> Y = normal({2 * shift}, 2)").model
    found = total_variation(model.query("P(X)"), model.query("P(Y)"))
    assert found == pytest.approx(math.erf(shift / 2 / math.sqrt(2)), rel=1e-4)


def test_mixtures_with_points() -> None:
    """A point is far from every density; halves that are shared are near."""
    model = cw.parse(
        "var S : {no, yes}  var X, Y : real\nbox s : -> S = flip(1/2)\n"
        "box x : S -> X = | no -> normal(0, 1) | yes -> 3\nbox y : S -> Y = | no -> normal(0, 1) | yes -> normal(9, 1)"
    ).model
    x, y = model.query("P(X)"), model.query("P(Y)")
    assert total_variation(x, x) == 0
    assert total_variation(x, y) == pytest.approx(0.5, abs=1e-5)
    assert [c.variable for c in model.changes("do(S := no)").changed] == ["S", "X", "Y"]


def test_what_only_sampling_answers_is_named() -> None:
    """It is not compared, and nothing needs Pyro."""
    found = cw.load(EXAMPLES / "dose.causal").model.changes("do(Dose := 80)")
    assert found.sampled == ("Dose", "Relief", "Again")
    assert str(found).splitlines()[1:] == [
        "  1 variable does not change",
        "  not compared, since only sampling answers: Dose, Relief, Again",
    ]


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("do(Sprinkler)", "N013", "Sprinkler"),
        ("do(Rain := yes, Sprinkler -> Wet)", "N013", "Sprinkler -> Wet"),
        ("Rain = yes, Wet", "W006", "Wet"),
        ("do(Sprinkler := yse)", "N003", "yse"),
        ("do(Spinkler := yes)", "N004", "Spinkler"),
        ("timer then do(Rian := no)", "N004", "Rian"),
        ("do(Sprinkler := yes), Wte = yes", "N002", "Wte"),
        ("do(Sprinkler := yes", "P002", "("),
        ("do(Sprinkler := yes))", "P003", ")"),
        ("Wet = yes) + P(Rain | Wet = no", "P003", ")"),
        ("Sprinkler := yes", "P012", ":="),
        ("do(Sprinkler := yes), Sprinkler = no", "Q002", "do(Sprinkler := yes), Sprinkler = no"),
        ("Wet[Rain := no] = yes", "W001", "Wet[Rain := no] = yes"),
        ("", "Q001", None),
    ],
)
def test_mistakes_point_into_what_was_typed(lawn: Model, text: str, code: str, place: str | None) -> None:
    """In Python, on the command line and in the session, with the column in that line."""
    with pytest.raises(CutwireError) as caught:
        lawn.changes(text)
    d = caught.value.diagnostic
    assert d.code == code
    assert (d.span.text if d.span else None) == place
    assert not any("leave the variable free" in h for h in d.help)
    done = cutwire("changes", LAWN, text)
    assert (done.status, done.out) == (2, "")
    assert f"error[{code}]" in done.err
    if text:
        session, _ = load_file(Session(), LAWN)
        line = f" :changes  {text}"
        _, outcome = enter(session, line)
        (first, *_) = outcome.problems
        assert first.code == code
        assert first.span is not None
        assert first.span.text == place
        assert first.span.source.text == line


def test_what_cannot_be_before_is_told_so() -> None:
    """Surgery makes possible what was not: then there is nothing to compare with."""
    model = cw.parse("var S : {no, yes}\nbox s : -> S = no").model
    with pytest.raises(ZeroProbabilityError) as caught:
        model.changes("do(S := yes), S = yes")
    assert caught.value.diagnostic.notes == ("that is so before the surgery: there is nothing to compare with",)


def test_open_parameters_boxes_without_numbers_and_inputs(lawn: Model) -> None:
    """Numbers are needed; the box without any is shown in its file."""
    squad = cw.load(EXAMPLES / "firing_squad.causal").model
    with pytest.raises(CutwireError, match=r"Q012.*`p`(?s:.*)--set p=1/3") as caught:
        squad.changes("do(A := yes)")
    assert not any("symbol" in h for h in caught.value.diagnostic.help)
    assert squad.with_parameters(p="1/3", q="1/3").changes("do(A := yes)").changed
    with pytest.raises(CutwireError, match=r"Q001(?s:.*)smoking.causal:15:5"):
        cw.load(EXAMPLES / "smoking.causal").model.changes("do(S := yes)")
    with pytest.raises(CutwireError, match=r"N013.*`Rain`"):
        lawn.open("Rain").changes("do(Sprinkler := yes)")


# ---- command line and session ----------------------------------------------------------------------------------------


def test_the_command() -> None:
    """Options, hidden variables, JSON."""
    party = cutwire("changes", EXAMPLES / "asia.bif", "dysp = yes", "--digits", "3").out
    assert "dysp        no        0.564        0       -0.564" in party
    hidden = cutwire("changes", EXAMPLES / "tar.causal", "do(Cigarettes := 20)", "--all")
    assert hidden.out.splitlines()[-1] == "  1 other does not change: D (hidden)"
    assert cutwire("changes", LAWN, "cut(Cloudy)").out.splitlines()[1:] == ["  nothing changes"]
    found = cutwire("changes", LAWN, "do(Rain -> Wet := no)", "--json").json
    assert found["before"] == "P(…)"
    assert found["unchanged"] == ["Cloudy", "Sprinkler", "Rain"]
    ((entry,),) = (found["changed"],)
    assert (entry["variable"], entry["hidden"], entry["rows"][0]["value"]) == ("Wet", False, "yes")
    assert entry["distance"] == pytest.approx(0.6471 - 0.27)
    assert json.dumps(found)
    squad = cutwire("changes", EXAMPLES / "firing_squad.causal", "do(A := yes)", "--set", "p=1/3", "--set", "q=1/3")
    assert squad.status == 0, squad.err
    assert cutwire("changes", EXAMPLES / "alarm.bif", "HR = LOW", "--max-memory", "1").status == 3


def test_many_rows_are_cut_between_variables() -> None:
    """60 rows, unless all are wanted."""
    short = cutwire("changes", EXAMPLES / "alarm.bif", "do(HR := LOW), CO = HIGH").out.splitlines()
    whole = cutwire("changes", EXAMPLES / "alarm.bif", "do(HR := LOW), CO = HIGH", "--all").out.splitlines()
    assert short[-2:] == ["  … and 13 more that change less", "  3 others do not change"]
    assert len(short) <= 64 < len(whole)
    assert [line.split() for line in short[2:-2]] == [line.split() for line in whole[2 : len(short) - 2]]


def test_the_session() -> None:
    """With arguments, on top of the surgery in force; without, that surgery itself."""
    session, _ = load_file(Session(), LAWN)
    _, outcome = enter(session, ":changes")
    assert [d.code for d in outcome.problems] == ["R003"]
    session, _ = enter(session, ":do Sprinkler := yes")
    _, outcome = enter(session, ":ch")
    (found,) = outcome.shown
    assert isinstance(found, Changes)
    assert (found.before, found.after) == ("P(…)", "P(… | do(Sprinkler := yes))")
    after, outcome = enter(session, ":changes cut(Rain), Wet = yes")
    (found,) = outcome.shown
    assert isinstance(found, Changes)
    assert found.before == "P(… | do(Sprinkler := yes), Wet = yes)"
    assert [c.variable for c in found.changed] == ["Cloudy"]
    assert after.state == session.state
    assert [c.text for c in candidates(session, ":changes do(Rain := y")] == ["yes"]
    assert [c.text for c in candidates(session, ":changes do(Rain := yes), W")] == ["Wet"]
    assert "timer" in [c.text for c in candidates(session, ":changes ti")]
    done = cutwire("repl", LAWN, "-e", ":cut Sprinkler", "-e", ":changes", "-e", ":help changes")
    assert done.status == 0
    assert done.out.splitlines()[1] == "P(… | cut(Sprinkler)) against P(…)"
    assert ":changes [do(S := yes)]" in done.out


def test_a_question_is_sketched() -> None:
    """`cutwire draw --ask … -o -` draws in letters; what has pictures only says so."""
    question = "P(S[B := true] = true | B = false)"
    done = cutwire("draw", EXAMPLES / "party.causal", "--ask", question, "-o", "-")
    assert (done.status, done.err) == (0, "")
    assert "S[B := true]" in done.out
    assert "│ B = true │" in done.out
    for options in (("--combs",), ("--ask", question, "--steps")):
        done = cutwire("draw", EXAMPLES / "party.causal", *options, "-o", "-")
        assert done.status == 2
        assert f"`{options[-1] if '--steps' in options else '--combs'}` draws no sketch" in done.err
