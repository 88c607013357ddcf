"""Some hundred random questions of each kind are answered right, or refused with a proof; and the harness can tell."""

from __future__ import annotations

import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import identification
from benchmarks.tools import (
    Answer,
    Asking,
    Mixed,
    Peer,
    _from_causaleffect,
    _from_causalrl,
    _from_pyagrum,
    _from_y0,
)
from semantics.field import PRIMES
from semantics.witness import find_witness
from strings.derivation import derive
from strings.estimand import Given
from strings.formula import Ask
from strings.identification import NotIdentified, identified, identify
from strings.picture.proof import proof_scene
from strings.query import Query
from strings.written import formula
from tests.differential import KINDS, Case, draw, main, run, value, wrong_answer, wrong_witness
from tests.observed import answered_by, differs, opened, random_factors, shape, terms

COUNT = 300


@pytest.mark.parametrize("kind", KINDS)
def test_random_questions(kind: str) -> None:
    """Nothing wrong, no crash, and a witness for every refusal."""
    counts = run(COUNT, kind, seed=2026)

    assert counts.bad == 0, counts.wrong[:3]
    assert counts.of["refusals without witness"] == 0, counts.wrong[:3]
    assert counts.of["identified"] + counts.of["refused"] + counts.of["drawn badly"] == COUNT
    assert counts.of["identified"] > COUNT // 3
    assert counts.of["refused"] > COUNT // 20


def test_questions_are_of_all_kinds() -> None:
    """Several treatments, outcomes and conditions; experiments, marginals, and both."""
    rnd = random.Random(0)
    cases = [draw(rnd, kind) for kind in KINDS for _ in range(200)]

    assert {len(c.query.targets) for c in cases} >= {1, 2}
    assert {len(c.query.surgeries) for c in cases} >= {1, 2}
    assert {len(c.query.given) for c in cases} >= {0, 1, 2}
    assert {len(c.model.observed) for c in cases} == {3, 4, 5, 6, 7}
    assert {len(c.given) for c in cases} >= {0, 1, 2, 3}
    assert any(g.done for c in cases for g in c.given)
    assert str(draw(random.Random(5), "surrogate")) == str(draw(random.Random(5), "surrogate"))


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        (
            Case(
                shape("X->Y Z->Y W->Y Z->X X->W Z->W", "X-Y W-Y Z-X X-W"),
                Query(terms("Y"), (), opened("X")),
                (Given(("Y",), ("X", "Z")), Given(("Y", "X", "Z", "W"))),
            ),
            "sum[z : Z] P(Y | do(X, Z := z)) * P(z)",
        ),
        (
            Case(shape("A->B B->C"), Query(terms("C")), (Given(("C",), ("A",)), Given(("A",), ("B",)))),
            "sum[a : A] P(C | do(A := a)) * P(a | do(B := b))",
        ),
        (
            Case(shape("A->B B->C"), Query(terms("C")), (Given(("B",)), Given(("A", "C"), ("B",)))),
            "sum[b : B] P(C | do(B := b)) * P(b)",
        ),
    ],
)
def test_what_is_hidden_to_be_identified(case: Case, wanted: str) -> None:
    """Distributions that do only once a variable is out of sight: summed out, or set where it does not matter."""
    found = identified(case.model, case.query, case.given)

    assert str(formula(found)) == wanted
    assert wrong_answer(case, found, 1) == ""
    assert proof_scene(case.model, found, derive(case.model, found), wanted).shapes


@pytest.mark.parametrize("given", [(Given(("C",), ("A",)), Given(("A",), ("C",))), (Given(("A", "C")), Given(("B",)))])
def test_what_no_hiding_identifies(given: tuple[Given, ...]) -> None:
    """An experiment on what matters does not pass for another, and no marginals pass for a joint."""
    case = Case(shape("A->B B->C A->C", "A-C"), Query(terms("C"), (), opened("B")), given)
    found = identify(case.model, case.query, case.given)

    assert isinstance(found, NotIdentified)
    witness = find_witness(case.model, found)
    assert witness is not None
    assert wrong_witness(witness, case.query, case.given) == ""


FRONT = Case(shape("S->T T->C", "S-C"), Query(terms("C"), (), opened("S")))
BOW = Case(shape("X->Y", "X-Y"), Query(terms("Y"), (), opened("X")))


def test_wrong_answers_are_noticed() -> None:
    """An estimand, a formula or a derivation that is not that of the question."""
    found = identified(FRONT.model, FRONT.query)
    seen = identified(FRONT.model, Query(terms("C"), terms("S")))
    other = identified(FRONT.model, Query(terms("C"), terms("T"), opened("S")))
    factors = random_factors(FRONT.model, PRIMES[0], np.random.default_rng(1), 3)
    truth = answered_by(FRONT.model, factors, FRONT.query, PRIMES[0])

    assert wrong_answer(FRONT, found, 1) == ""
    assert "estimand" in wrong_answer(FRONT, replace(found, estimand=seen.estimand, query=seen.query), 1)
    assert "derivation" in wrong_answer(FRONT, replace(found, routes=other.routes), 1)
    assert not differs(value(formula(found), found.given, FRONT.model, factors), truth)
    assert differs(value(Ask(seen.asked), found.given, FRONT.model, factors), truth)


def test_wrong_witnesses_are_noticed() -> None:
    """Models that differ in what is given, or do not in the effect."""
    refused = identify(BOW.model, BOW.query)
    assert isinstance(refused, NotIdentified)
    witness = find_witness(BOW.model, refused)
    assert witness is not None
    given = (Given(("X", "Y")),)

    assert wrong_witness(witness, BOW.query, given) == ""
    assert wrong_witness(witness, BOW.query, [*given, Given(("Y",), ("X",))]) == "P(Y | do(X)) differs"
    assert wrong_witness(replace(witness, other=witness.one), BOW.query, given)
    assert "not" in wrong_witness(replace(witness, values=witness.values[::-1]), BOW.query, given)


def test_other_tools_are_counted() -> None:
    """A tool that always sees, and one that breaks down."""

    def seeing(graph: Mixed) -> Asking:
        def asked(y: object, x: object, z: object) -> Answer:
            query = Query(terms(" ".join(y)), terms(" ".join([*x, *z])))  # type: ignore[call-overload]
            return Answer(True, lambda: Ask(query))

        return asked

    def broken(graph: Mixed) -> Asking:
        raise RuntimeError

    others = {"seeing": Peer("1", seeing), "broken": Peer("2", broken)}
    counts = run(60, "interventional", 1, others)

    assert counts.of["broken: crashes"] == 60
    assert counts.of["seeing: other verdict"] == counts.of["refused"]
    assert counts.of["seeing: same verdict"] == counts.of["identified"]
    assert counts.of["seeing: wrong formula"] > 0
    assert counts.of["seeing: right formula"] > 0
    assert counts.bad == 0


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, and status 0 where nothing is wrong."""
    assert main(["--count", "40", "--kind", "conditional", "--seed", "3", "--no-peers"]) == 0
    assert "identified" in capsys.readouterr().out


def test_the_benchmark_runs() -> None:
    """All sizes of the smoke run are measured."""
    rows = list(identification.measure((10, 20), 2, 5.0, {}))

    assert [(r.kind, r.n) for r in rows] == [(kind, n) for kind in identification.KINDS for n in (10, 20)]
    assert all(v is not None and v > 0 for r in rows for v in r.seconds.values())


def node(kind: str, /, **fields: object) -> SimpleNamespace:
    """A part of another tool's formula, of the class with that name."""
    made: SimpleNamespace = type(kind, (SimpleNamespace,), {})(**fields)
    return made


def test_formulas_of_other_tools() -> None:
    """The same formula in the syntax of each is read as the same formula."""
    pyagrum = {
        "op": "/",
        "op1": {"op": "sum", "var": "W", "term": {"op": "P", "vars": ["Y"], "knowing": ["W"]}},
        "op2": {"op": "*", "op1": {"op": "P", "vars": ["W"]}, "op2": {"op": "P", "vars": ["W"]}},
    }
    leaf = {"recursive": False, "children": set(), "sumset": set(), "fraction": False, "divisor": None}
    w = {**leaf, "var": {"W"}, "cond": set()}
    product = {**leaf, "var": set(), "cond": set(), "recursive": True, "children": [w, w]}
    causaleffect = {**leaf, "var": {"Y"}, "cond": {"W"}, "sumset": {"W"}, "fraction": True, "divisor": product}
    v = {n: node("Variable", name=n) for n in "YW"}
    p_w = node("Probability", children=(v["W"],), parents=())
    y0 = node(
        "Fraction",
        numerator=node("Sum", ranges=[v["W"]], expression=node("Probability", children=(v["Y"],), parents=(v["W"],))),
        denominator=node("Product", expressions=(p_w, p_w)),
    )
    for found in (_from_pyagrum(pyagrum), _from_causaleffect(causaleffect), _from_y0(y0)):
        assert str(found) == "(sum[W : W] P(Y | W)) / (P(W) * P(W))"
    with pytest.raises(KeyError):
        _from_y0(node("QFactor"))


def test_sums_over_what_is_not_there() -> None:
    """causalrl sums over variables of which its table has none: that changes nothing."""
    y, yz = (node("_Joint", variables=frozenset(n)) for n in ("Y", "YZ"))
    above = node("_Marginal", over=frozenset("WZ"), child=node("_Product", terms=(y, yz)))
    formula, axes = _from_causalrl(node("_Quotient", numerator=above, denominator=y))

    assert str(formula) == "(sum[Z : Z] P(Y) * P(Y, Z)) / P(Y)"
    assert axes == {"Y"}


def test_tools_are_asked_only_what_they_know() -> None:
    """One that knows no conditional effects is asked none."""

    def seeing(graph: Mixed) -> Asking:
        return lambda y, x, z: Answer(True)

    counts = run(40, "conditional", 1, {"plain": Peer("1", seeing, conditional=False), "all": Peer("1", seeing)})

    assert not [k for k in counts.of if k.startswith("plain")]
    assert counts.of["all: same verdict"] + counts.of["all: other verdict"] == 40 - counts.of["drawn badly"]
