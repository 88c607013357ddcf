"""Which counterfactuals follow: textbook cases with their formulas, and collections of others with verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from parser.elaborate import parse_program
from parser.program import IdentifyStatement
from strings.counterfactual import cases, conflict, districts, reaching, reduced, unnest
from strings.counterfactual_declared import formula_for_declared
from strings.counterfactual_identify import (
    CounterfactualIdentified,
    CounterfactualNotIdentified,
    identify_counterfactual,
)
from strings.counterfactual_steps import LAWS, steps
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.estimand import Given
from strings.identification import identify
from strings.model import CausalModel
from strings.query import Become, Query, Term
from strings.surgery import Cut, CutWire, Do, Open

SHARED = Path(__file__).parents[3] / "shared" / "cases"
Edges = Sequence[tuple[str, str]]


def shape(directed: str, bidirected: str = "", domains: int = 2) -> CausalModel:
    """A model from edges such as `X>M M>Y` and `X-Y`."""
    arrows = [(e.split(">")[0], e.split(">")[1]) for e in directed.split()]
    arcs = [(e.split("-")[0], e.split("-")[1]) for e in bidirected.split()]
    return CausalModel.from_edges(arrows, arcs, domains)


def asked(model: CausalModel, text: str) -> Query:
    """A question as it is written."""
    lines = [f"var {x.name} : {{{', '.join(x.values or ())}}}" for x in model.variables if x.name in model.observed]
    lines += [f"latent {n} : {{0, 1}}" for n in model.names if n in model.latents]
    lines += [f"box b{k} : {', '.join(model.parents(n))} -> {n}" for k, n in enumerate(model.names)]
    (statement,) = parse_program("\n".join(["model m", *lines, f"identify {text}"])).statements
    assert isinstance(statement, IdentifyStatement)
    return statement.query


def found(
    model: CausalModel, text: str, observed: bool = False
) -> CounterfactualIdentified | CounterfactualNotIdentified:
    given = (Given(model.observed),) if observed else ()
    return identify_counterfactual(model, asked(model, text), given)


def verdict(model: CausalModel, text: str, observed: bool = False) -> str:
    """The formula of the ordinary case, or `no`."""
    answer = found(model, text, observed)
    return str(answer.cases[0].formula) if isinstance(answer, CounterfactualIdentified) else "no"


BOW = shape("X>Y", "X-Y")
EDGE = shape("X>Y")
BACK = shape("Z>X Z>Y X>Y")
FRONT = shape("X>M M>Y", "X-Y")
MEDIATED = shape("X>M X>Y M>Y")
CONFOUNDED = shape("X>M X>Y M>Y", "M-Y")
DRUG = shape("X>W W>Y D>Z Z>Y", "X-Y")
COMMUTE = shape("W>T W>M T>L M>L L>Y", "T-Y")
NDE = "P(Y[X := 1, M := M[X := 0]] = 1)"
NIE = "P(Y[X := 0, M := M[X := 1]] = 1)"
ETT = "P(Y[X := 0] = 1 | X = 1)"
PN = "P(Y[X := 0] = 0 | X = 1, Y = 1)"
PNS = "P(Y[X := 0] = 0, Y[X := 1] = 1)"

FACTS = [
    # The effect of treatment on the treated
    (BOW, ETT, False, "no"),
    (EDGE, ETT, False, "P(Y = 1 | do(X := 0))"),
    (EDGE, ETT, True, "P(Y = 1 | X = 0)"),
    (BACK, ETT, False, "sum[z : Z] P(z | X = 1) * P(Y = 1 | do(Z := z, X := 0))"),
    (BACK, ETT, True, "sum[z : Z] P(z | X = 1) * P(Y = 1 | z, X = 0)"),
    (FRONT, ETT, True, "sum[m : M] P(Y = 1 | X = 1, m) * P(m | X = 0)"),
    (shape("Z>X X>Y", "Z-X X-Y"), ETT, False, "no"),
    (shape("X>W W>Y X>Y Z>X Z>Y", "W-Y X-Z"), "P(Y[X := 0] = 0, X = 1)", True, None),
    # Where the evidence agrees with what is set
    (BOW, "P(Y[X := 1] = 1 | X = 1)", True, "P(Y = 1 | X = 1)"),
    (BOW, "P(Y[X := 1] = 1, X = 1)", False, "P(X = 1, Y = 1)"),
    # Probabilities of necessity and sufficiency
    (EDGE, PN, False, "no"),
    (BOW, PN, False, "no"),
    (EDGE, PNS, False, "no"),
    (BOW, "P(Y[X := 1] = 1 | X = 0, Y = 0)", False, "no"),
    (EDGE, "P(Y[X := 1] = 0 | X = 1, Y = 1)", False, "0"),
    # Mediation
    (MEDIATED, NDE, True, "sum[m : M] P(m | X = 0) * P(Y = 1 | X = 1, m)"),
    (MEDIATED, NIE, True, "sum[m : M] P(m | X = 1) * P(Y = 1 | X = 0, m)"),
    (CONFOUNDED, NDE, False, "no"),
    (CONFOUNDED, NIE, False, "no"),
    (shape("X>M X>Y M>Y", "X-M"), NDE, False, None),
    (shape("X>M X>Y M>Y", "X-M"), NDE, True, "no"),
    (shape("X>M X>Y M>Y Z>M Z>Y"), NDE, True, None),
    (MEDIATED, "P(Y[M := M[X := 0]] = 1 | X = 1)", True, None),
    (MEDIATED, "P(Y[X := 1, M := M[X := 1]] = 1)", True, "P(Y = 1 | X = 1)"),
    # Shpitser and Pearl 2008: figures 9 and 12; and what they call inconsistent
    (DRUG, "P(Y[X := 0] = 1 | X = 1, D = 0, Z[D := 0] = 1)", False, None),
    (DRUG, "P(Y[X := 0] = 1 | X = 1, D = 0, Z[D := 1] = 1)", False, "no"),
    (COMMUTE, "P(Y[T := 1] = 1 | W = 0, T = 0, M[W := 0] = 1)", False, None),
    (DRUG, "P(Y[X := 0] = 0, X = 1, Z[D := 0] = 0, D = 0, W = 0)", False, "no"),
    (DRUG, "P(Y[X := 0] = 0, X = 1, Z[D := 0] = 0 | D = 0, Y[X := 0, Z := 0] = 0, Z[X := 0] = 1)", False, "0"),
    (DRUG, "P(D[D := 1] = 1)", False, "1"),
    (DRUG, "P(D[D := 1] = 0)", False, "0"),
    # Correa, Lee and Bareinboim 2021
    (shape("X>Y X>Z Z>Y", "X-Z"), "P(Y[X := 0] = 0 | Z[X := 0] = 0, X = 1)", False, "P(Y = 0 | do(X := 0, Z := 0))"),
    (shape("X>Y X>Z Z>Y", "X-Z"), "P(Y[X := 0] = 0 | Z[X := 0] = 0, X = 1)", True, "P(Y = 0 | X = 0, Z = 0)"),
    (shape("X>Z Z>Y", "Y-Z"), "P(Y[X := 0] = 0 | Z[X := 0] = 0)", False, "P(Y = 0 | do(X := 0), Z = 0)"),
    (shape("X>Z Z>Y"), "P(Z[X := 0] = 0 | Y = 1)", False, "no"),
    (shape("X>Y X>Z", "A-B A-Y B-Z"), "P(Y[X := 0] = 0, A = 0, B = 0, Z[X := 1] = 0)", False, "no"),
    # What says nothing is left out; what does not hear is no other
    (BOW, "P(Y[X := 0] in {0, 1} | X = 1)", True, "1"),
    (EDGE, "P(X[Y := 0] = 1)", True, "P(X = 1)"),
    (EDGE, "P(X[Y := 0] = 1, X = 0)", True, "0"),
    (EDGE, "P(Y[X := 0] in {0, 1}, X = 1)", True, "P(X = 1)"),
    # What is put in for a nested term is no matter where nobody hears it
    (shape("A>B B>C"), "P(B[C := C[A := 1]] = 0 | A = 0)", True, "P(B = 0 | A = 0)"),
    (shape("X>M X>Y"), "P(Y[X := 1, M := M[X := 0]] = 1 | M = 0)", False, "P(Y = 1 | do(X := 1))"),
    (shape("X>M X>Y"), "P(Y[X := 1, M := M[X := 0]] = 1)", True, "P(Y = 1 | X = 1)"),
    # With surgery on the whole question
    (FRONT, "P(Y[M := 1] = 1 | do(X := 0))", True, "sum[x' : X] P(Y = 1 | x', M = 1) * P(x')"),
    (BOW, "P(Y[X := 1] = 1 | do(X := 0))", False, "P(Y = 1 | do(X := 1))"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "text", "observed", "formula"), FACTS)
def test_textbook(model: CausalModel, text: str, observed: bool, formula: str | None) -> None:
    """Known verdicts; where a formula is given, it is the one that is written. `None`: it follows, somehow."""
    got = verdict(model, text, observed)
    assert got != "no" if formula is None else got == formula


def test_impossible_evidence() -> None:
    """What is seen cannot happen in any model: no answer at all."""
    for text in ("P(Y[X := 0] = 1 | X = 1, X = 0)", "P(Y = 1 | X[Y := 0] = 1, X = 0)", "P(Y[X := 0] | X[X := 1] = 0)"):
        with pytest.raises(ZeroProbabilityError, match="Q002"):
            found(EDGE, text)


def test_other_worlds_are_refused() -> None:
    """Only worlds in which variables are set and wires told are decided; one-world tools refuse several worlds."""
    for s in (Cut("X"), CutWire("X", "Y")):
        with pytest.raises(QueryError, match="W007"):
            identify_counterfactual(EDGE, Query((Term("Y", ("1",), world=(s,)),)))
    with pytest.raises(QueryError, match="E003"):
        identify_counterfactual(BOW, Query((Term("U_X_Y", ("1",), world=(Do("X", "0"),)),)))
    with pytest.raises(QueryError, match="W004"):
        identify(EDGE, Query((Term("Y", world=(Do("X", "0"),)),)))


def test_free_values() -> None:
    """A free value is decided in each case of being equal to others, and a refusal says in which it follows."""
    ett = found(BACK, "P(Y[X := x] | X = 1)")
    assert isinstance(ett, CounterfactualIdentified)
    assert str(ett.cases[0].formula) == "sum[z : Z] P(z | X = 1) * P(Y | do(Z := z, X := x))"
    bow = found(BOW, "P(Y[X := x] | X = 1)")
    assert isinstance(bow, CounterfactualNotIdentified)
    assert (bow.where, bow.follows) == ("x is not 1", ("x = 1",))
    both = found(BOW, "P(Y[X := x], Y[X := x'])")
    assert isinstance(both, CounterfactualNotIdentified)
    two = list(cases(unnest(asked(BOW, "P(Y[X := x], Y[X := x'])"))))
    assert len(two) == 2 * 2  # x and x' are equal or not, and so are the two values of Y


def test_exclusion_and_merging() -> None:
    """Settings that do not reach a variable are dropped; copies that hear the same are one."""
    graph = DRUG.graph
    unnested = unnest(asked(DRUG, "P(Y[X := 0, D := 1] = 1, W[X := 0, Z := 1] = 0)"))
    y, w = unnested.targets
    assert [n for n, _ in reaching(graph, y.variable, y.done)] == ["D", "X"]
    assert [n for n, _ in reaching(graph, w.variable, w.done)] == ["X"]
    event = reduced(graph, unnested.events)
    assert event is not None
    assert [str(n) for n in event.nodes] == ["W[X := 0] = 0", "Z[D := 1] = z", "Y[W := 0, Z := z] = 1"]
    assert all(conflict(f) is None for f in districts(graph, event.nodes))


def test_nested_terms_are_put_in_once() -> None:
    """The same nested term is the same value; one that is told is no sum."""
    inner = Become("M", Term("M", world=(Do("X", "0"),)))
    twice = Query((Term("Y", ("1",), world=(inner,)), Term("M", world=(Do("X", "0"),))))
    assert len(unnest(twice).put_in) == 1
    told = Query((Term("Y", ("1",), world=(Become("M", Term("M", world=(Do("M", "0"),))),)),))
    assert unnest(told).put_in == ()
    free = Query((Term("Y", ("1",), world=(Become("M", Term("M", world=(Open("X", "x"),))),)),))
    answer = identify_counterfactual(MEDIATED, free)
    assert isinstance(answer, CounterfactualIdentified)


def test_steps_name_their_laws() -> None:
    """A derivation begins with the question and ends with the formula; of a refusal, with what stands in the way."""
    model, text = MEDIATED, NDE
    shown = steps(model, found(model, text, observed=True))
    assert [s.rule for s in shown] == ["unnest", "ancestors", "factor", "consistency", "given", "given"]
    assert all(s.law == LAWS[s.rule] for s in shown)
    assert [s.rule for s in steps(BOW, found(BOW, ETT))][-1] == "conflict"
    assert [s.rule for s in steps(BOW, found(BOW, "P(Y[X := 0] = 1)", observed=True))][-1] == "given"
    assert [s.rule for s in steps(EDGE, found(EDGE, "P(X[Y := 0] = 1, X = 0)"))] == ["exclude", "impossible"]
    assert "cancel" in [s.rule for s in steps(EDGE, found(EDGE, ETT))]


def test_few_values() -> None:
    """What follows with two values, and not with three."""
    for model, expected in ((BOW, True), (shape("X>Y", "X-Y", domains=3), False)):
        refused = found(model, ETT)
        assert isinstance(refused, CounterfactualNotIdentified)
        assert (formula_for_declared(model, refused) is not None) == expected
    necessity = found(BOW, PN)
    assert isinstance(necessity, CounterfactualNotIdentified)
    assert formula_for_declared(BOW, necessity) is None


# ---- collections of cases --------------------------------------------------------------------------------------------


def _term(e: Mapping[str, Any]) -> Term:
    return Term(e["var"], (str(e["value"]),), world=tuple(Do(n, str(v)) for n, v in e["world"].items()))


def _shape_of(case: Mapping[str, Any], domains: int) -> CausalModel:
    edges = [[(a, b) for a, b in case[k]] for k in ("directed", "bidirected")]
    return CausalModel.from_edges(*edges, domains, case["nodes"])


def _collected(name: str) -> Any:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    return json.loads(path.read_text(encoding="utf-8"))


def test_random_conjunctions() -> None:
    """Verdicts for all numbers of values, and for two values, agree with a collection checked by rank tests."""
    for row in _collected("ctf_random.json")["rows"]:
        model = _shape_of(row, 2)
        answer = identify_counterfactual(model, Query(tuple(map(_term, row["events"]))))
        if isinstance(answer, CounterfactualNotIdentified):
            got = "not identifiable"
            binary = formula_for_declared(model, answer) is not None
            assert binary == row["binary_case_identifiable"], row["seed"]
        else:
            got = "zero" if str(answer.cases[0].formula) == "0" else "identifiable"
        assert got == row["expected"], row["seed"]


@pytest.mark.parametrize("name", ["cfid.json", "papers.json", "y0.json"])
def test_collected_cases(name: str) -> None:
    """Verdicts from the tests of other tools and from papers."""
    for case in _collected(name):
        if case.get("kind") != "counterfactual":
            continue
        model = _shape_of(case, 3)
        asked_ = case["query"]
        query = Query(tuple(map(_term, asked_["events"])), tuple(map(_term, asked_["conditions"])))
        given = (Given(model.observed),) if "observational" in asked_["available"] else ()
        answer = identify_counterfactual(model, query, given)
        follows = isinstance(answer, CounterfactualIdentified)
        assert follows == case["expected"]["identifiable"], case["id"]
        if "value" in case["expected"] and isinstance(answer, CounterfactualIdentified):
            assert str(answer.cases[0].formula) == str(case["expected"]["value"]), case["id"]
