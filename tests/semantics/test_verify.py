"""Claims about all models: true ones hold, false ones fall by a model that really refutes them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parser.elaborate import elaborate_claim
from parser.program import ModelDef
from semantics.claim import Claim, Counterexample
from semantics.estimate import Reader
from semantics.family import member
from semantics.field import PRIMES, Field
from semantics.kernel import Kernel
from semantics.selfcheck import estimand_error
from semantics.shrink import smallest
from semantics.symbols import prove
from semantics.verify import Verification, verify
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.estimand import Conditional, Estimand
from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Sum
from strings.identification import Identified, identified, identify
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Cut, Do, Open, Replace
from strings.written import formula
from tests.cutwire.command import outputs
from tests.observed import (
    DRAW,
    Factor,
    after,
    answered_by,
    differs,
    opened,
    positive_kernel,
    random_factors,
    random_shape,
    shape,
    terms,
    worth,
)
from tests.semantics.brute import brute_answer

F = Fraction
P = PRIMES[0]


def claim(model: CausalModel, text: str, assuming: str = "") -> Claim:
    """A claim as one writes it, value names left free being bound."""
    statement = elaborate_claim(text, ModelDef("m", model), assuming)
    assert isinstance(statement.body, Compare)
    return Claim(statement.body, statement.axes, statement.assuming)


def check(model: CausalModel, text: str, assuming: str = "", **options: Any) -> Verification:
    return verify(model, claim(model, text, assuming), **options)


def sides(
    model: CausalModel, tables: Mapping[str, Kernel], comparison: Compare, axes: Mapping[str, str]
) -> list[Factor]:
    """The sides of a comparison in one model, by plain loops over all assignments."""

    def values(name: str) -> Sequence[str]:
        return model.object(axes.get(name, name)).values or ()

    def ask(query: Query) -> Factor:
        found = brute_answer(model, tables, replace(query, expectation=False))
        if found is None:
            raise ZeroDivisionError
        if not query.expectation:
            return found.variables, found.array
        at = found.axis(query.targets[0].axis_name)
        weights = np.array([F(v) for v in found.values[at]], dtype=object)
        rest = tuple(n for k, n in enumerate(found.variables) if k != at)
        return rest, np.asarray(np.moveaxis(found.array, at, -1) @ weights, dtype=object)

    return [worth(f, ask, values) for f in comparison.operands]


def assert_refutes(found: Counterexample, stated: Claim) -> None:
    """The sides of a claim really stand otherwise in a counterexample, as it says, and what is assumed is true."""
    c, at = found.comparison, dict(found.comparison.failing)
    told = []
    for axes, array in sides(found.shape, found.tables, stated.body, stated.axes):
        labels = [found.shape.object(stated.axes.get(n, n)).values or () for n in axes]
        told.append(F(array[tuple(v.index(at[n]) for n, v in zip(axes, labels, strict=True))]))
    x, y = F(c.left), F(c.right)
    assert (x, y) in pairwise(told)
    assert not {"==": x == y, "<=": x <= y, ">=": x >= y, "<": x < y, ">": x > y, "!=": x != y}[c.op]
    for assumed in stated.assuming:
        left, right = (side for _, side in sides(found.shape, found.tables, assumed, stated.axes))
        holds = {">": np.greater, "<": np.less, "!=": np.not_equal}[assumed.ops[0]]
        assert np.all(holds(left, right))


FRONT = shape("X->M M->Y", "X-Y")
BACK = shape("Z->X Z->Y X->Y")
NAPKIN = shape("W->R R->X X->Y", "W-X W-Y")
VERMA = shape("A->B B->C C->D", "B-D")
BOW = shape("X->Y", "X-Y")
IV = shape("Z->X X->Y", "X-Y")
CHAIN = shape("A->B B->C")
COLLIDER = shape("A->C B->C")
R1 = "(sum[w : W] P(X = 1, Y | w, R = {}) * P(w)) / sum[w : W] P(X = 1 | w, R = {}) * P(w)"

TRUE: dict[str, tuple[CausalModel, str]] = {
    "front door": (FRONT, "P(Y | do(X := x)) == sum[m : M] P(m | x) * sum[x' : X] P(Y | x', m) * P(x')"),
    "back door": (BACK, "P(Y | do(X := x)) == sum[z : Z] P(Y | x, z) * P(z)"),
    "napkin": (NAPKIN, f"P(Y | do(X := 1)) == {R1.format(0, 0)}"),
    "napkin, both values of R": (NAPKIN, f"{R1.format(0, 0)} == {R1.format(1, 1)}"),
    "Verma's constraint": (
        VERMA,
        "sum[b : B] P(D | A = 0, b, C) * P(b | A = 0) == sum[b : B] P(D | A = 1, b, C) * P(b | A = 1)",
    ),
    "rule 1": (CHAIN, "P(C | do(B := b), A = 0) == P(C | do(B := b))"),
    "rule 2": (CHAIN, "P(C | do(B := b)) == P(C | B = b)"),
    "rule 3": (CHAIN, "P(A | do(C := c)) == P(A)"),
    "total probability": (BOW, "P(Y) == sum[x : X] P(Y | x) * P(x)"),
    "Bayes": (BOW, "P(X | Y) * P(Y) == P(Y | X) * P(X)"),
    "probabilities sum to 1": (BOW, "sum[y : Y] P(y | do(X := 1)) == 1"),
    "independence": (COLLIDER, "P(A, B) == P(A) * P(B)"),
    "a chain of equals": (CHAIN, "P(C | do(B := b)) == P(C | B = b) == P(C | do(B := b), A = 0)"),
    "a mean": (BACK, "E(Y | do(X := x)) == sum[z : Z] E(Y | x, z) * P(z)"),
    "powers": (BOW, "P(X = 1) ^ 2 == P(X = 1) * P(X = 1)"),
    "cutting is averaging": (FRONT, "P(Y | cut(X)) == sum[x : X] 1/2 * P(Y | do(X := x))"),
    "cutting a wire": (CHAIN, "P(C | cut(B -> C)) == sum[b : B] 1/2 * P(C | do(B := b))"),
    "a joint under an intervention": (CHAIN, "P(A, C | do(B := b)) == P(A) * P(C | b)"),
}  # fmt: skip

FALSE: dict[str, tuple[CausalModel, str]] = {
    "seeing is doing": (BOW, "P(Y | do(X := x)) == P(Y | X = x)"),
    "front door, a sum less": (FRONT, "P(Y | do(X := x)) == sum[m : M] P(m | x) * P(Y | x, m)"),
    "back door, wrongly weighed": (BACK, "P(Y | do(X := x)) == sum[z : Z] P(Y | x, z) * P(z | x)"),
    "napkin as others print it": (NAPKIN, "P(Y | do(X := x)) == P(Y | X = x)"),
    "an independence too many": (CHAIN, "P(A, C) == P(A) * P(C)"),
    "a collider seen": (COLLIDER, "P(A | B = 0, C = 1) == P(A | C = 1)"),
    "Verma's, one step early": (
        VERMA,
        "sum[b : B] P(D | A = 0, b, C) * P(b) == sum[b : B] P(D | A = 1, b, C) * P(b)",
    ),
    "one value only": (BOW, "P(Y = 1 | do(X := 1)) == P(Y = 1 | X = 1)"),
    "a number": (BOW, "P(X = 1) == 1/2"),
    "a mean": (BOW, "E(Y | do(X := x)) == E(Y | X = x)"),
    "the second of two": (CHAIN, "P(C | do(B := b)) == P(C | B = b) == P(C)"),
    "cutting is no setting": (FRONT, "P(Y | cut(X)) == P(Y | do(X := 1))"),
    "an order": (BOW, "P(Y = 1 | do(X := 1)) >= P(Y = 1 | X = 1)"),
    "an order of numbers": (BOW, "P(X = 1) <= 9/10"),
    "strictly positive": (BOW, "P(X = 1) > 0"),
    "an inequality": (BOW, "P(X = 1) != 1/2"),
    "monotone": (IV, "P(Y = 1 | do(X := 1)) >= P(Y = 1 | do(X := 0))"),
    "an instrument's bound too tight": (IV, "P(X = 1, Y = 0 | Z = 0) + P(X = 1, Y = 1 | Z = 1) <= 3/4"),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_claims_hold(name: str) -> None:
    """Theorems hold for all numbers and for hidden causes of several sizes; the bound on the error is small."""
    model, text = TRUE[name]
    found = check(model, text)

    assert found.holds
    assert found.counterexample is None
    assert 0 < found.error < 1e-30
    assert found.primes == PRIMES
    assert set(found.latent_values) == ({2, 3, 4} if model.latents else set())
    assert "wrong with probability below" in found.describe()


@pytest.mark.parametrize("name", FALSE)
def test_false_claims_fall(name: str) -> None:
    """A false claim comes with a model in which its sides, computed by plain loops, stand as the model says."""
    model, text = FALSE[name]
    found = check(model, text)

    assert not found.holds
    assert found.counterexample is not None
    assert_refutes(found.counterexample, claim(model, text))
    assert all(isinstance(p, F) for t in found.counterexample.tables.values() for p in t.array.flat)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (IV, "P(X = 1, Y = 0 | Z = 0) + P(X = 1, Y = 1 | Z = 1) <= 1"),  # Pearl 1995
        (IV, "P(X = 0, Y = 0 | Z = 0) + P(X = 0, Y = 1 | Z = 1) <= 1"),
        (BOW, "P(Y = 1, X = 1) <= P(Y = 1 | do(X := 1)) <= P(Y = 1, X = 1) + P(X = 0)"),  # Manski 1990
        (BOW, "0 <= P(X = 1) <= 1"),
        (CHAIN, "P(A = 1, C = 1) <= P(A = 1)"),
    ],
)
def test_true_orders_are_not_refuted(model: CausalModel, text: str) -> None:
    """Of an order nothing is proved, and that is said; no model is made up against it."""
    found = check(model, text)

    assert found.holds
    assert found.error == 1.0
    assert found.primes == ()
    assert "nothing is proved" in found.describe()


def determinant(names: str, size: int) -> str:
    """The determinant of a joint of two variables, as a formula."""
    x, y = names

    def minor(rows: Sequence[int], columns: Sequence[int]) -> str:
        if len(rows) == 1:
            return f"P({x} = {rows[0]}, {y} = {columns[0]})"
        parts = []
        for k, c in enumerate(columns):
            sign = " - " if k % 2 else " + " if k else ""
            less = minor(rows[1:], [d for d in columns if d != c])
            parts.append(f"{sign}P({x} = {rows[0]}, {y} = {c}) * ({less})")
        return "".join(parts)

    return minor(range(size), range(size))


def test_true_of_hidden_causes_with_two_values_only() -> None:
    """A hidden cause of two values makes a joint of rank two: its determinant is zero, until the cause has three."""
    model = CausalModel.from_edges([], [("X", "Y")], {"X": 3, "Y": 3, "U_X_Y": 2})
    found = check(model, f"{determinant('XY', 3)} == 0")

    assert not found.holds
    assert found.counterexample is not None
    assert len(found.counterexample.shape.object("U_X_Y").values or ()) >= 3
    assert_refutes(found.counterexample, claim(model, f"{determinant('XY', 3)} == 0"))


def test_hidden_causes_as_declared_and_others() -> None:
    """The declared sizes are tried first, then two, three and four."""
    model = CausalModel.from_edges([("X", "Y")], [("X", "Y")], {"X": 2, "Y": 2, "U_X_Y": 5})
    tried = [len(s.object("U_X_Y").values or ()) for s in claim(model, "P(X) == P(X)").shapes(model)]

    assert tried == [5, 2, 3, 4]
    assert claim(CHAIN, "P(A) == P(A)").shapes(CHAIN) == [CHAIN]
    valueless = CausalModel.from_edges([("A", "B")])
    bare = claim(CHAIN, "P(A) == P(A)").shapes(valueless)[0]
    assert [x.values for x in bare.variables] == [("0", "1")] * 2


def test_declared_values() -> None:
    """Variables take the values that the model declares."""
    model = CausalModel.from_edges([("X", "Y")], domains={"X": ["no", "yes"], "Y": ["low", "mid", "high"]})

    assert check(model, "P(Y = mid | do(X := yes)) == P(Y = mid | X = yes)").holds
    assert check(model, "P(Y = low) + P(Y = mid) + P(Y = high) == 1").holds
    wrong = check(model, "P(Y = low) + P(Y = mid) == 1")
    assert not wrong.holds
    assert wrong.counterexample is not None
    assert_refutes(wrong.counterexample, claim(model, "P(Y = low) + P(Y = mid) == 1"))


# ---- assumptions, impossible conditions, deterministic boxes ---------------------------------------------------------


def test_assumptions() -> None:
    """A counterexample is one among the models in which the assumption is true; a false one makes nothing true."""
    wrong = "P(Y = 1 | do(X := 1)) == P(Y = 1 | X = 1)"
    for assumed in ("P(X, Y) > 0", "0 < P(X, Y)", "P(X = 1) != 0"):
        found = check(BOW, wrong, assumed)
        assert not found.holds
        assert found.counterexample is not None
        assert_refutes(found.counterexample, claim(BOW, wrong, assumed))
    assert check(BOW, "P(X) == P(X)", "P(X, Y) > 0").holds
    order = check(BOW, "P(Y = 1 | do(X := 1)) > 0", "P(Y = 1 | X = 1) > 0")
    assert order.holds or order.counterexample is not None


def test_an_assumption_can_be_needed() -> None:
    """P(Y = 1 | do(X := 1)) > 0 follows from P(X = 1, Y = 1) > 0, and not without it."""
    text = "P(Y = 1 | do(X := 1)) > 0"

    assert check(BOW, text, "P(X = 1, Y = 1) > 0").holds
    assert not check(BOW, text).holds


@pytest.mark.parametrize("assumed", ["P(X) == 1/2", "P(X = 1) > 1/3", "P(X = 1) < P(Y = 1)"])
def test_what_an_equality_cannot_assume(assumed: str) -> None:
    """Over a finite field nothing is larger: Q009, with what can be assumed."""
    with pytest.raises(QueryError) as refused:
        check(BOW, "P(Y) == P(Y)", assumed)

    assert refused.value.diagnostic.code == "Q009"
    assert refused.value.diagnostic.help


@pytest.mark.parametrize("op", ["==", "<="])
def test_conditions_that_are_impossible(op: str) -> None:
    """A condition that no model makes true has no value: an error, no verdict."""
    with pytest.raises((ZeroProbabilityError, QueryError)) as refused:
        check(BOW, f"P(Y = 1 | do(X := 0), X = 1) {op} P(Y = 1)")

    assert refused.value.diagnostic.code in ("Q002", "Q006")


def test_divisions_by_zero_in_every_model() -> None:
    """A denominator that is always zero is an error."""
    with pytest.raises(QueryError) as refused:
        check(BOW, "P(Y = 1) / (P(X) - P(X)) == 1")

    assert refused.value.diagnostic.code == "Q006"


def functional() -> CausalModel:
    """Y is a function of X and a hidden cause."""
    u, x, y = (Object(n, ("0", "1")) for n in "UXY")
    boxes = [Box("u", (), (u,)), Box("x", (), (x,)), Box("y", (x, u), (y,), deterministic=True)]
    return CausalModel.from_boxes((x, y, u), boxes, ["U"])


def test_deterministic_boxes() -> None:
    """Where a mechanism is a function, more is true; and a counterexample keeps to it."""
    u, x, y = (Object(n, ("0", "1")) for n in "UXY")
    direct = CausalModel.from_boxes((x, y), [Box("x", (), (x,)), Box("y", (x,), (y,), deterministic=True)])
    noisy = CausalModel.from_boxes((x, y), [Box("x", (), (x,)), Box("y", (x,), (y,))])
    text = "P(Y = 1 | do(X := x)) ^ 2 == P(Y = 1 | do(X := x))"
    false = "P(Y = 1 | do(X := 0)) == P(Y = 1 | do(X := 1))"

    assert u not in direct.variables
    assert check(direct, text).holds
    assert not check(noisy, text).holds
    assert not check(functional(), text).holds
    for model in (direct, functional()):
        found = check(model, false)
        assert found.counterexample is not None
        assert_refutes(found.counterexample, claim(model, false))
        assert set(found.counterexample.tables["y"].array.flat) == {0, 1}


def test_conditions_on_functions() -> None:
    """Conditions that a function may make impossible: drawn again until they are not."""
    u, x, y = (Object(n, ("0", "1")) for n in "UXY")
    model = CausalModel.from_boxes(
        (u, x, y), [Box("u", (), (u,)), Box("x", (u,), (x,), deterministic=True), Box("y", (x, u), (y,))]
    )

    assert check(model, "P(Y | U = 0, X = 0) == P(Y | do(U := 0, X := 0))").holds


def test_orders_of_functions() -> None:
    """An order among models in which a mechanism is a function: what is shown against it keeps to that."""
    x, y = (Object(n, ("0", "1")) for n in "XY")
    model = CausalModel.from_boxes((x, y), [Box("x", (), (x,)), Box("y", (x,), (y,), deterministic=True)])
    false = check(model, "P(Y = 1 | do(X := 1)) <= 1/2")
    conditional = check(model, "P(X = 1 | Y = 1) <= 1/10")  # impossible where Y is never 1

    assert check(model, "P(Y = 1 | do(X := 1)) - P(Y = 1 | do(X := 1)) ^ 2 <= 0").holds
    for found in (false, conditional):
        assert not found.holds
        assert found.counterexample is not None
        assert set(found.counterexample.tables["y"].array.flat) == {0, 1}


def test_policies() -> None:
    """A claim about a policy: its box has numbers, the model's have not."""
    z, x = (BACK.object(n) for n in "ZX")
    policy = Box("treat", (z,), (x,))
    tables = {"treat": positive_kernel(policy, random.Random(1))}
    soft = Ask(Query(terms("Y"), (), (Replace("X", Mechanism.of_box(policy), "treat(Z)"),)))
    rows = [F(p) for p in tables["treat"].array[:, 1]]
    told: Formula | None = None
    for k, share in enumerate(rows):
        for v, weight in (("1", share), ("0", 1 - share)):
            seen = Query(terms("Y"), (Term("X", (v,)), Term("Z", (str(k),))))
            part = Arithmetic("*", Number(weight), Arithmetic("*", Ask(seen), Ask(Query((Term("Z", (str(k),)),)))))
            told = Arithmetic("+", told, part) if told else part
    assert told is not None

    assert verify(BACK, Claim(Compare((soft, told), ("==",)), policies=tables)).holds
    assert not verify(BACK, Claim(Compare((soft, Ask(Query(terms("Y")))), ("==",)), policies=tables)).holds


def test_questions_that_have_no_answer_are_errors() -> None:
    """What cannot be asked of any model is an error."""
    for text, code in (("P(Y | X) == P(Q)", "N002"), ("P(Y = 7) == 1", "N003"), ("E(Y) ^ P(X = 1) == 1", "Q008")):
        with pytest.raises(Exception, match=code):
            check(BOW, text)


# ---- a seed fixes everything -----------------------------------------------------------------------------------------

CODE = """
from tests.semantics.test_verify import FALSE, check
for name, (model, text) in sorted(FALSE.items())[:8]:
    v = check(model, text, seed=3)
    c = v.counterexample
    if c is None:
        continue
    print(v.draws, v.redrawn, c.comparison, sorted((n, [str(p) for p in t.array.flat]) for n, t in c.tables.items()))
"""


def test_the_same_for_a_seed(tmp_path: Path) -> None:
    """Verdict and counterexample hang on the seed alone, not on that of hashes."""
    assert len(outputs(CODE, tmp_path, (0, 7))) == 1


@pytest.mark.parametrize("models", [1, 5, 100, 1000])
def test_as_many_models_as_asked(models: int) -> None:
    """At least so many random models are tried, and not many more."""
    for model, text in (TRUE["front door"], TRUE["back door"], (IV, "P(X = 1) <= 1")):
        found = check(model, text, models=models)
        assert found.holds
        assert models <= found.draws <= max(12, models + 12)


# ---- counterexamples are small ---------------------------------------------------------------------------------------


def test_small_counterexamples() -> None:
    """Most columns are even or sharp, and the rest has small denominators."""
    for name in ("seeing is doing", "back door, wrongly weighed", "an independence too many"):
        model, text = FALSE[name]
        found = check(model, text)
        assert found.counterexample is not None
        columns = [c for t in found.counterexample.tables.values() for c in t.array.reshape(-1, t.array.shape[-1])]
        simple = sum(len(set(c)) == 1 or F(1) in c for c in columns)
        assert 2 * simple >= len(columns)
        assert max(F(p).denominator for c in columns for p in c) <= 12


def test_shrinking_keeps_what_it_shows() -> None:
    """The result still shows it, and nothing is returned if nothing shows it."""
    x, y = Object("X", ("0", "1")), Object("Y", ("0", "1", "2"))
    boxes = {"x": Box("x", (), (x,)), "y": Box("y", (x,), (y,))}

    def uneven(tables: Mapping[str, Kernel]) -> Fraction | None:
        gap = tables["y"].array[0, 0] - tables["y"].array[1, 0]
        return gap if gap > F(1, 5) else None

    found = smallest(boxes, uneven, 0)
    assert found is not None
    tables, shown = found
    assert uneven(tables) == shown
    assert list(tables["x"].array) == [F(1, 2), F(1, 2)]
    assert smallest(boxes, lambda tables: None, 0, tries=20) is None


# ---- mutations -------------------------------------------------------------------------------------------------------


def mutated(f: Formula, rnd: random.Random, model: CausalModel) -> Formula:
    """A formula with one thing changed."""
    match f:
        case Sum(_, body):
            return replace(f, body=mutated(body, rnd, model))
        case Arithmetic(op, left, right):
            if rnd.random() < 0.15 and op in "*/":
                return replace(f, op={"*": "+", "/": "*"}[op])
            if rnd.random() < 0.5:
                return replace(f, left=mutated(left, rnd, model))
            return replace(f, right=mutated(right, rnd, model))
        case Number(value):
            return Number(value + 1)
        case Ask(query):
            return Ask(_mutated_query(query, rnd))
    raise AssertionError


def _mutated_query(query: Query, rnd: random.Random) -> Query:
    targets, behind = list(query.targets), list(query.given)
    kind = rnd.randrange(4)
    if kind == 0 and behind:
        behind.pop(rnd.randrange(len(behind)))
    elif kind == 1 and len(targets) > 1:
        behind.append(targets.pop(rnd.randrange(len(targets))))
    elif kind == 2 and behind:
        k = rnd.randrange(len(behind))
        behind[k] = Term(behind[k].variable, ("0",))
    else:
        k = rnd.randrange(len(targets))
        targets[k] = Term(targets[k].variable, ("0",))
    return replace(query, targets=tuple(targets), given=tuple(behind))


def in_field(model: CausalModel, f: Formula, axes: Mapping[str, str], seed: int) -> Factor:
    """The value of a formula in three random models modulo a prime; questions in it may have surgery."""
    factors = random_factors(model, P, np.random.default_rng(seed), 3)

    def values(name: str) -> Sequence[str]:
        return model.object(axes.get(name, name)).values or ()

    return worth(f, lambda query: answered_by(model, factors, query, P), values, P)


def test_two_hundred_mutations() -> None:
    """True formulas with one thing changed, so that they are false: all are refuted, by models that really do."""
    rnd, refuted = random.Random(11), 0
    while refuted < 200:
        model = random_shape(rnd, rnd.choice([3, 4]), directed=0.6, bidirected=0.35)
        y, x, *rest = rnd.sample(model.observed, len(model.observed))
        query = Query((Term(y),), tuple(map(Term, rest[:1])) if rnd.random() < 0.3 else (), (Do(x, "1"),))
        found = identify(model, query)
        if not isinstance(found, Identified) or found.estimand.free:
            continue
        wrong = mutated(formula(found), rnd, model)
        try:
            told = in_field(model, wrong, {}, refuted)
        except ZeroDivisionError:
            continue
        if not differs(told, in_field(model, Ask(query), {}, refuted)):
            continue
        stated = Claim(Compare((Ask(query), wrong), ("==",)))
        verdict = verify(model, stated, seed=refuted)
        assert not verdict.holds, (str(stated.body), str(model.diagram))
        if refuted % 4 == 0:
            assert verdict.counterexample is not None, (str(stated.body), str(model.diagram))
            assert_refutes(verdict.counterexample, stated)
        refuted += 1


# ---- the habit of checking -------------------------------------------------------------------------------------------


def test_true_estimands_pass() -> None:
    """No answer of a sample of questions is found wrong."""
    rnd, seen = random.Random(12), 0
    while seen < 60:
        model = random_shape(rnd, rnd.choice([2, 3, 4]), values=rnd.choice([2, 2, 3]))
        names = rnd.sample(model.observed, len(model.observed))
        query = Query((Term(names[0]),), tuple(map(Term, names[2:3])), opened(names[1]))
        found = identify(model, query)
        if isinstance(found, Identified):
            seen += 1
            assert estimand_error(model, found, seed=seen) == ""


def test_answers_that_hang_on_no_number() -> None:
    """What is set is asked for, or nothing but a policy has a part in the answer: the same in every model."""
    model = shape("X->Y", "X-Y")
    x = model.object("X")
    policy = Box("policy", (), (x,))
    tables = {"policy": positive_kernel(policy, random.Random(1))}
    soft = Replace("X", Mechanism.of_box(policy), "policy()")
    for query in (
        Query(terms("X"), (), (Cut("X"),)),
        Query(terms("X"), (), (Do("X", "1"),)),
        Query((Term("X", ("1",)),), (), (Do("X", "1"),)),
        Query(terms("X"), (), (soft,)),
    ):
        assert estimand_error(model, identified(model, query), tables) == ""
    chain = shape("X->Y")
    for query in (Query(terms("Y"), terms("X"), (Cut("Y"),)), Query(terms("Y"), terms("X"), (Do("Y", "1"),))):
        assert estimand_error(chain, identified(chain, query)) == ""


def tampered(found: Identified, rnd: random.Random) -> Identified:
    """An answer in which one conditional is another: a condition reads something else, or two change places."""
    name = rnd.choice(sorted(found.estimand.conditionals))
    c = found.estimand.conditionals[name]
    others = [x for x in found.estimand.model.variables if x.name not in found.estimand.model.latents]
    spare = [x for x in others if x not in (*c.given, c.target, *c.fed)]
    if len(c.given) > 1 and (rnd.random() < 0.5 or not spare):
        given = (*c.given[1:], c.given[0])
    elif c.given and spare:
        given = (rnd.choice(spare), *c.given[1:])
    else:
        return found
    wrong = {**found.estimand.conditionals, name: replace(c, given=given)}
    return replace(found, estimand=replace(found.estimand, conditionals=wrong))


class _Joints:
    """The joint of random models."""

    def __init__(self, model: CausalModel, factors: Mapping[str, Factor]) -> None:
        self._model, self._factors = model, factors

    def joint(self, of: int, fed: Sequence[str], names: Sequence[str]) -> np.ndarray:
        return after(self._model, self._factors, fed, names, P)

    def describe(self, fed: Mapping[str, str], seen: Mapping[str, str]) -> str:
        return ""


def test_tampered_estimands_are_caught() -> None:
    """A wrong conditional in an estimand is found, whenever it makes a difference."""
    rnd, caught = random.Random(13), 0
    while caught < 60:
        model = random_shape(rnd, rnd.choice([3, 4]), directed=0.6, bidirected=0.35)
        y, x, *rest = rnd.sample(model.observed, len(model.observed))
        query = Query((Term(y),), tuple(map(Term, rest[:1])) if rnd.random() < 0.3 else (), (Open(x),))
        found = identify(model, query)
        if not isinstance(found, Identified):
            continue
        wrong = tampered(found, rnd)
        factors = random_factors(model, P, np.random.default_rng(caught), 3)
        wire = member(3)
        names, array = Reader(_Joints(model, factors), Field(P), wire).answer(wrong, {})
        told = tuple(DRAW if n == wire.name else n for n in names), array
        if differs(told, answered_by(model, factors, query, P)):
            caught += 1
            assert estimand_error(model, wrong, seed=caught)


def test_a_wrong_formula_of_the_front_door_is_caught() -> None:
    """P(C | S, T) read without S."""
    front = shape("S->T T->C", "S-C")
    found = identified(front, Query(terms("C"), (), opened("S")))
    c = found.estimand.conditionals["P(C | S, T)"]
    swapped = replace(c, given=c.given[::-1])
    wrong = replace(found.estimand, conditionals={**found.estimand.conditionals, "P(C | S, T)": swapped})

    assert isinstance(c, Conditional)
    assert isinstance(wrong, Estimand)
    assert estimand_error(front, found) == ""
    assert estimand_error(front, replace(found, estimand=wrong)) == "it differs from surgery on a random model"


def test_a_wrong_derivation_is_caught() -> None:
    """An answer whose routes belong to another question."""
    front = shape("S->T T->C", "S-C")
    found = identified(front, Query(terms("C"), (), opened("S")))
    other = identified(front, Query(terms("C"), terms("T"), opened("S")))

    assert estimand_error(front, replace(found, routes=other.routes)).startswith("its derivation does not hold")


# ---- policies without numbers ----------------------------------------------------------------------------------------


def soft(model: CausalModel, variable: str, b: Box) -> Query:
    return Query(terms("Y"), (), (Replace(variable, Mechanism.of_box(b), b.name),))


def test_claims_about_all_policies() -> None:
    """A policy without numbers is any policy, in equalities and orders; it may be the model's own box."""
    z, x = (BACK.object(n) for n in "ZX")
    any_, own = Box("any", (z,), (x,)), BACK.mechanisms["X"].diagram.nodes[0].box
    asked, plain = Ask(soft(BACK, "X", any_)), Ask(Query(terms("Y")))
    both = (Term("X"), Term("Z"))
    shares = [Ask(Query(both, (), asked.query.surgeries)), Ask(Query(terms("Y"), both))]
    total = Sum((("X", "X"), ("Z", "Z")), Arithmetic("*", shares[0], shares[1]))

    for stated in (Compare((asked, total), ("==",)), Compare((Ask(soft(BACK, "X", own)), plain), ("==",))):
        assert verify(BACK, stated).holds
        assert prove(BACK, Claim(stated)).holds
    for op in ("==", "<=", "!="):
        found = verify(BACK, Compare((asked, plain), (op,))).counterexample
        assert found is not None
        assert "any" in found.tables
        assert_refutes(found, Claim(Compare((asked, plain), (op,))))
    assert not prove(BACK, Claim(Compare((asked, plain), ("==",)))).holds


def test_policies_that_read_hidden_causes() -> None:
    """What a policy reads keeps its values; the other hidden causes are tried with more."""
    model = CausalModel.from_edges([("X", "Y")], [("X", "Y"), ("X", "Z")], 2)
    hidden = model.object("U_X_Y")
    policy = Box("policy", (hidden,), (model.object("X"),))
    stated = Claim(Compare((Ask(soft(model, "X", policy)), Ask(Query(terms("Y")))), ("==",)))

    assert [[len(s.object(u).values or ()) for u in ("U_X_Y", "U_X_Z")] for s in stated.shapes(model)] == [
        [2, 2],
        [2, 3],
        [2, 4],
    ]
    found = verify(model, stated)
    assert found.counterexample is not None
    assert_refutes(found.counterexample, stated)


def test_estimands_of_policies_without_numbers() -> None:
    """They are checked with random numbers; a wrong one is found."""
    z, x = (BACK.object(n) for n in "ZX")
    for policy in (Box("any", (z,), (x,)), Box("sharp", (z,), (x,), deterministic=True), Box("x", (z,), (x,))):
        found = identified(BACK, soft(BACK, "X", policy))
        assert estimand_error(BACK, found) == ""
        c = found.estimand.conditionals["P(Y | Z, X)"]
        swapped = replace(c, given=c.given[::-1])
        wrong = replace(found.estimand, conditionals={**found.estimand.conditionals, "P(Y | Z, X)": swapped})
        if policy.name != "sharp":  # over which the sides can agree
            assert estimand_error(BACK, replace(found, estimand=wrong))
