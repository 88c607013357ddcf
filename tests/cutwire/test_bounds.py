"""Counterfactuals that tables do not settle, as users meet them: printed, as JSON, from Python, as model files."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire.bounds import Bounds
from cutwire.model import Model
from semantics.distribution import Distribution
from strings.diagnostic import LimitError, QueryError, ZeroProbabilityError
from tests.cutwire.command import ROOT, cutwire
from tests.semantics.brute import random_tables
from tests.semantics.test_bounds import asked, random_shape

BLAME = """
model blame
var Drug, Ill : {no, yes}
box drug : -> Drug = flip(1/2)
box ill : Drug -> Ill = | yes -> flip(3/4) | no -> flip(1/4)
"""
NECESSARY = "P(Ill[Drug := no] = no | Drug = yes, Ill = yes)"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "blame.causal"
    path.write_text(BLAME, encoding="utf-8")
    return str(path)


@pytest.fixture
def model() -> Model:
    return cw.parse(BLAME).model


def test_printed(file: str) -> None:
    done = cutwire("query", file, NECESSARY)
    assert done.status == 0
    assert "between 0.666667 = 2/3 and 1\n" in done.out
    assert "depends on how `ill` draws" in done.out
    table = cutwire("query", file, "P(Ill[Drug := d] = no | Drug = yes, Ill = yes)", "--digits", "3")
    assert [line.split() for line in table.out.splitlines()[1:4]] == [
        ["d", "low", "high", "exact"],
        ["no", "0.667", "1", "2/3", "to", "1"],
        ["yes", "0", "0", "0"],
    ]


def test_json_and_models_that_attain_the_bounds(file: str, tmp_path: Path) -> None:
    done = cutwire("query", file, NECESSARY, "--json", "--models")
    told = json.loads(done.out)
    models = told.pop("models")
    assert told == {
        "semantics": "bounds",
        "low": float(Fraction(2, 3)),
        "high": 1.0,
        "exact": {"low": "2/3", "high": "1"},
        "sharp": True,
        "boxes": ["ill"],
    }
    for end, text in models.items():
        path = tmp_path / f"{end}.causal"
        path.write_text(text, encoding="utf-8")
        assert cutwire("fmt", "--check", str(path)).status == 0
        ran = cutwire("run", str(path), "--json")
        assert ran.status == 0
        (result,) = json.loads(ran.out)["results"]
        assert (result["exact"], result["expected"]) == (told["exact"][end], True)
        asked = "P(Ill | do(Drug))"
        assert json.loads(cutwire("query", str(path), asked, "--json").out) == json.loads(
            cutwire("query", file, asked, "--json").out
        )


def test_models_are_asked_for_at_one_place(file: str) -> None:
    done = cutwire("query", file, "P(Ill[Drug := no] = no | Drug, Ill)", "--models")
    assert (done.status, done.out) == (2, "")
    assert "error[Q001]" in done.err
    settled = cutwire("query", file, "P(Ill[Drug := no] = no | Drug = yes)", "--models")
    assert (settled.status, settled.err) == (0, "")


def test_statements_of_files(tmp_path: Path) -> None:
    path = tmp_path / "asked.causal"
    path.write_text(
        BLAME
        + f"query in_percent: {NECESSARY} unit percent\n"
        + f"query in_bits: {NECESSARY} unit bits\n"
        + f"query guessed: {NECESSARY} expect 2/3\n"
        + "query mean: P(Ill[Drug := no] = no | Drug = yes) - P(Drug = yes) expect 1/4\n"
        + f"claim likely: {NECESSARY} >= 1/2\n"
        + "check all\n",
        encoding="utf-8",
    )
    done = cutwire("run", str(path), "--json")
    assert done.status == 2
    percent, bits, guessed, mean, claim = json.loads(done.out)["results"]
    assert (percent["low"], percent["high"], percent["unit"]) == (pytest.approx(2 / 3), 1, "percent")
    assert guessed["expected"] is False  # a number is expected, and there is none
    assert mean["exact"] == "1/4"  # all its parts are settled
    assert claim["kind"] == "error"
    assert claim["diagnostics"][0]["code"] == "W001"
    assert "between 2/3 and 1" in claim["diagnostics"][0]["message"]
    text = cutwire("run", str(path)).out
    assert "between 66.6667 % = 2/3 and 100 % = 1" in text
    assert "between 0 bits = 1 and 0.584963 bits = 2/3" in text
    assert bits["unit"] == "bits"


def test_from_python(model: Model) -> None:
    found = model.query(NECESSARY)
    assert isinstance(found, Bounds)
    assert (found.low, found.high) == (pytest.approx(2 / 3), 1.0)
    assert isinstance(found.low, float)
    assert found.attained == (found.low, found.high)
    exact = model.query(NECESSARY, semantics="exact")
    assert (exact.low, exact.high, exact.sharp, exact.settled) == (Fraction(2, 3), 1, True, False)
    for m, end in ((found.low_model, exact.low), (found.high_model, exact.high)):
        assert m.query(NECESSARY, semantics="exact") == end
    each = model.query("P(Ill[Drug := no] | Drug, Ill)", semantics="exact")
    assert isinstance(each.low, Distribution)
    assert each["no", "yes", "yes"].low == Fraction(2, 3)
    assert each["no", "yes", "yes"].high_model.query(NECESSARY, semantics="exact") == 1
    with pytest.raises(QueryError, match="N003"):
        each["no"]
    with pytest.raises(QueryError, match="N003"):
        each["no", "yes", "perhaps"]
    with pytest.raises(QueryError, match="Q001"):
        _ = each.low_model
    assert str(each).splitlines()[0].split() == ["Ill[Drug", ":=", "no]", "Drug", "Ill", "low", "high", "exact"]


def test_what_is_settled_is_a_number(model: Model) -> None:
    assert model.query("P(Ill[Drug := no] = no | Drug = yes)", semantics="exact") == Fraction(3, 4)
    assert model.query("P(Ill[Drug := no] in {no, yes}, Ill = yes)", semantics="exact") == Fraction(1, 2)
    assert isinstance(model.query("P(Ill[Drug := no] in {no, yes}, Ill = yes)"), float)


@pytest.mark.parametrize("semantics", ["symbolic", "possible"])
def test_other_semantics_have_no_bounds(model: Model, semantics: str) -> None:
    with pytest.raises(QueryError) as e:
        model.query(NECESSARY, semantics=semantics)
    assert e.value.diagnostic.code == "W001"


def test_policies_of_the_question(model: Model) -> None:
    """A policy without inputs is a state that all worlds share. One that listens has no place in a model file."""
    found = model.query("P(Ill[Drug := no] = no | do(Drug ~ [1/4, 3/4]), Drug = yes, Ill = yes)", semantics="exact")
    assert (found.low, found.high) == (Fraction(2, 3), 1)
    text, _ = found.files
    assert [r.met for r in cw.parse(text).run()] == [True]  # type: ignore[union-attr]
    loop = cw.parse("""
        var A, B, C : {0, 1}
        box a : -> A = flip(1/2)
        box b : A -> B = | _ -> flip(1/2)
        box c : B -> C = | 0 -> [1, 0] | 1 -> [0, 1]
        box pi : A -> B = | 0 -> flip(1/3) | 1 -> flip(1/2)
        query seen: P(C | do(B ~ pi(A)))
    """).model
    found = loop.query("P(C[A := 0] = 1, C[A := 1] = 1 | do(B ~ pi(A)))", semantics="exact")
    assert (found.low, found.high, found.boxes) == (0, Fraction(1, 3), ("pi",))
    with pytest.raises(QueryError, match="`pi` is put in by the question"):
        _ = found.low_model


def test_float_tables() -> None:
    """Numbers that are no fractions: the models have them up to rounding."""
    model = cw.parse(
        BLAME.replace(
            "| yes -> flip(3/4) | no -> flip(1/4)",
            "fn (d) => if d == yes then flip(1 / (1 + exp(-1))) else flip(1/4)",
        )
    ).model
    found = model.query(NECESSARY)
    p = 1 / (1 + 2.718281828459045**-1)
    assert (found.low, found.high) == (pytest.approx((p - 1 / 4) / p), pytest.approx(1))
    assert float(found.low_model.query(NECESSARY)) == pytest.approx(found.low)


def test_too_many_functions_are_named() -> None:
    values = ", ".join(map(str, range(14)))
    asked = ", ".join(f"Y[X := {k}] = 1" for k in range(14))
    model = cw.parse(
        f"var X : {{{values}}}\nvar Y : {{0, 1}}\nbox x : -> X = uniform()\nbox y : X -> Y = flip(1/2)\n"
    ).model
    with pytest.raises(LimitError) as e:
        model.query(f"P({asked})")
    assert e.value.diagnostic.code == "L003"
    assert "`y` may be one of 16,384 functions" in e.value.diagnostic.message


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.integers(2, 3))
def test_files_of_random_models_give_their_bounds(seed: int, size: int) -> None:
    """What is written can be read, has the bound as its answer, and the tables of the model."""
    rnd = random.Random(seed)
    shape = random_shape(rnd, size, wide=True)
    model = Model.with_numbers(shape, random_tables(shape, rnd), "m")
    query = asked(rnd, shape)
    try:
        found = model.query(str(query), semantics="exact")
    except (ZeroProbabilityError, LimitError):
        return
    if not isinstance(found, Bounds):
        return
    for text in found.files:
        program = cw.parse(text)
        (result,) = program.run()
        assert result.met  # type: ignore[union-attr]
        for v in shape.names:
            behind = ", ".join(f"do({p})" for p in dict.fromkeys(shape.parents(v)))
            seen = f"P({v}{' | ' if behind else ''}{behind})"
            assert program.model.query(seen, semantics="exact") == model.query(seen, semantics="exact")


def test_scipy_is_imported_when_it_is_used(file: str) -> None:
    told = (
        "import sys, cutwire as cw; m = cw.load(sys.argv[1]).model; m.query(sys.argv[2]); print('scipy' in sys.modules)"
    )
    for question, wanted in (("P(Ill[Drug := no] = no | Drug = yes)", "False"), (NECESSARY, "True")):
        done = subprocess.run(
            [sys.executable, "-c", told, file, question], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == wanted


def test_alarm() -> None:
    """Three boxes of a real network, 118,098 combinations of functions: models attain both ends."""
    alarm = cw.read_bif(ROOT / "examples" / "alarm.bif")
    question = "P(BP[HYPOVOLEMIA := FALSE] = LOW | BP = LOW)"
    found = alarm.query(question)
    assert found.sharp
    assert 0.89 < found.low < found.high < 0.92
    for end, model in ((found.low, found.low_model), (found.high, found.high_model)):
        assert model.query(question) == pytest.approx(end, abs=1e-9)
        for v in ("STROKEVOLUME", "CO", "BP"):
            assert np.allclose(model.query(f"P({v})").array, alarm.query(f"P({v})").array)
    with pytest.raises(LimitError, match="L003"):
        alarm.query(question, semantics="exact")


def test_alarm_with_many_functions() -> None:
    """A box that is met with twelve inputs, one of 16,777,216 functions; but only eleven pairs of inputs meet."""
    alarm = cw.read_bif(ROOT / "examples" / "alarm.bif")
    question = "P(VENTALV[INTUBATION := NORMAL, VENTLUNG := LOW] = ZERO | VENTALV = LOW)"
    found = alarm.query(question)
    assert found.sharp
    assert found.boxes == ("p_VENTALV",)
    table = alarm.query("P(VENTALV | do(INTUBATION), do(VENTLUNG))")
    before = alarm.query("P(INTUBATION, VENTLUNG)")
    zero, low, high = table["ZERO", "NORMAL", "LOW"], 0.0, 0.0
    for at in itertools.product(*before.values):
        if at != ("NORMAL", "LOW"):  # the same inputs: then it is LOW in both worlds
            p = table[("LOW", *at)]
            high += before[at] * min(zero, p)
            low += before[at] * max(0.0, zero + p - 1)
    seen = alarm.query("P(VENTALV = LOW)")
    assert (found.low, found.high) == (pytest.approx(low / seen, abs=1e-9), pytest.approx(high / seen, abs=1e-9))
    for end, model in ((found.low, found.low_model), (found.high, found.high_model)):
        assert model.query(question) == pytest.approx(end, abs=1e-9)
        assert np.allclose(model.query("P(VENTALV | do(INTUBATION), do(VENTLUNG))").array, table.array)
