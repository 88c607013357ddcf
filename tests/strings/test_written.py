"""Formulas of estimands: as papers print them, worth the truth, and readable."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

import cutwire as cw
from parser.elaborate import elaborate_query
from parser.program import ModelDef, QueryStatement
from parser.read import read_expression
from semantics.answer import answer
from semantics.distribution import Distribution
from semantics.evaluate import evaluate
from semantics.kernel import Kernel
from strings.diagnostic import Source
from strings.estimand import Given
from strings.formula import Arithmetic, Ask, Formula, Number, Sum
from strings.identification import Identified, identified, identify
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Cut, Do, Open
from strings.written import formula
from tests.observed import (
    Factor,
    agree,
    asking,
    differs,
    do,
    factors_of,
    given_joints,
    hidden_models,
    interventional_query,
    mixed_models,
    opened,
    positive_tables,
    random_shape,
    shape,
    terms,
)
from tests.semantics.brute import brute_answer, left_free_twice

F = Fraction
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
WORDS = [("no", "yes"), ("low", "mid", "high"), ("-1", "0", "2"), ("a b", "c-d", "é"), ("0", "1")]


def asks(f: Formula) -> list[Query]:
    """All questions in a formula."""
    match f:
        case Ask(query):
            return [query]
        case Sum(_, body):
            return asks(body)
        case Arithmetic(_, left, right):
            return [*asks(left), *asks(right)]
        case _:
            return []


def axes_of(f: Formula) -> dict[str, str]:
    """Over which variable each name of a value ranges."""
    found = {t.axis_name: t.variable for q in asks(f) for t in (*q.targets, *q.given) if t.free}
    return found | {s.axis or s.variable: s.variable for q in asks(f) for s in q.surgeries if isinstance(s, Open)}


def value(
    f: Formula,
    found: Identified,
    model: CausalModel,
    factors: Mapping[str, Factor],
    policies: Mapping[str, Kernel] | None = None,
) -> Distribution:
    """The value of a formula in fractions, by `semantics.evaluate`, what it asks being read off what is given."""
    ranges = axes_of(f)

    def labels(name: str) -> Sequence[str]:
        return model.object(ranges.get(name, name)).values or ()

    joints = given_joints(model, factors, found.given)
    ask = asking(found.given, joints, lambda n: model.object(n).values or (), found.query, policies)

    def answer(query: Query) -> Distribution:
        names, array = ask(query)
        return Distribution(names, array, [labels(n) for n in names])

    return evaluate(f, answer, lambda name: tuple(labels(name)))


def is_truth(told: Distribution, truth: Distribution) -> bool:
    """Whether a value is the truth for all values of its own axes, those that the question lacks too."""
    return not differs((told.variables, told.array), (truth.variables, truth.array))


# ---- as papers print them --------------------------------------------------------------------------------------------

FRONT = shape("X->M M->Y", "X-Y")
NAPKIN = shape("W->R R->X X->Y", "W-X W-Y")

BY_M = "sum[m : M] P(m | {}) * sum[x' : X] P({} | x', m) * P(x')"
PRINTED: dict[str, tuple[CausalModel, Query, str]] = {
    "an event": (FRONT, Query((Term("Y", ("1",)),), (), do(X="0")), BY_M.format("X = 0", "Y = 1")),
    "a name for what is set": (FRONT, Query(terms("Y"), (), (Open("X", "x"),)), BY_M.format("x", "Y")),
    "a name that is taken": (
        FRONT,
        Query(terms("Y"), (), (Open("X", "x'"),)),
        "sum[m : M] P(m | x') * sum[x'' : X] P(Y | x'', m) * P(x'')",
    ),
    "randomised": (FRONT, Query(terms("Y"), (), (Cut("X"),)), "sum[x : X] 1/2 * " + BY_M.format("x", "Y")),
    "what is set is asked for": (
        FRONT,
        Query(terms("X Y"), (), do(X="1")),
        "P(X | do(X := 1)) * " + BY_M.format("X = 1", "Y"),
    ),
    "a mean": (
        FRONT,
        Query(terms("Y"), (), do(X="1"), expectation=True),
        BY_M.format("X = 1", "Y").replace("P(Y", "E(Y"),
    ),
    "a ratio": (
        NAPKIN,
        Query((Term("Y", ("1",)),), (), (Open("X", "x"),)),
        "(sum[w : W] P(x, Y = 1 | w, r) * P(w)) / sum[w : W] P(x | w, r) * P(w)",
    ),
    "seen alone": (NAPKIN, Query(terms("Y"), terms("R")), "P(Y | R)"),
    "several at once": (shape("X->A X->B"), Query(terms("A B"), (), opened("X")), "P(A, B | X)"),
    "a set in front": (FRONT, Query((Term("Y", ("0", "1")),), (), do(X="0")), BY_M.format("X = 0", "Y in {0, 1}")),
    "nothing to say": (shape("X->Y"), Query((Term("X", ("1",)),), (), do(X="1")), "1"),
}


@pytest.mark.parametrize("name", PRINTED)
def test_printed(name: str) -> None:
    """What a formula looks like for each kind of question."""
    model, query, printed = PRINTED[name]

    assert str(formula(identified(model, query))) == printed


def test_names_of_sums() -> None:
    """A name is short and tells its variable; primes tell apart, and what a question calls so is left alone."""
    model = CausalModel.from_edges([("Smoking", "Tar"), ("Tar", "Cancer")], [("Smoking", "Cancer")], 2)

    assert str(formula(identified(model, Query(terms("Cancer"), (), opened("Smoking"))))) == (
        "sum[tar : Tar] P(tar | Smoking) * sum[smoking' : Smoking] P(Cancer | smoking', tar) * P(smoking')"
    )


def test_factors_are_cancelled() -> None:
    """What stands above and below is left out."""
    pearl = shape("X->Z1 Z1->Y Z2->X Z2->Z1 Z2->Z3 Z3->Y", "X-Y X-Z2 X-Z3 Y-Z2")
    text = str(formula(identified(pearl, Query(terms("Y"), (), opened("X")))))

    assert "/ P(z3 | z2) * P(z3 | z2)" not in text


# ---- worth the truth -------------------------------------------------------------------------------------------------


def named(model: CausalModel, rnd: random.Random) -> CausalModel:
    """The model with values that are words, or several."""
    return model.with_values({n: rnd.choice(WORDS) for n in model.observed if len(model.object(n).values or ()) == 2})


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(st.one_of(hidden_models(max_size=5), mixed_models()), st.integers(0, 10**9))
def test_worth_the_truth(model: CausalModel, seed: int) -> None:
    """Events, sets, cuts, policies, names: the formula is the truth whatever its free names stand for."""
    rnd = random.Random(seed)
    if len(model.observed) < 4:
        model = named(model, rnd)
    tables = positive_tables(model, rnd)
    query = interventional_query(model, tables, rnd)
    assume(not left_free_twice(query))
    found = identify(model, query)
    truth = brute_answer(model, tables, query)
    assume(isinstance(found, Identified) and truth is not None)
    assert isinstance(found, Identified)
    assert truth is not None
    event("plain" if found.plain else "free names" if found.estimand.free else "sums")

    assert is_truth(value(formula(found), found, model, factors_of(model, tables), tables), truth)


def test_experiments() -> None:
    """Several given distributions, of all variables or some, events and names among the questions."""
    rnd, seen, used = random.Random(3), 0, 0
    while seen < 120:
        model = random_shape(rnd, rnd.choice([3, 4, 4]), directed=0.6, bidirected=0.4)
        names = rnd.sample(model.observed, len(model.observed))
        known = [
            Given(tuple(names[k:][: rnd.choice([2, 9, 9])]), tuple(names[:k]))
            for k in rnd.sample([0, 1, 1, 2], rnd.choice([1, 2]))
        ]
        askable = [n for n in model.observed if any(n in g.variables for g in known)]
        spoken = [n for n in model.observed if any(n in (*g.variables, *g.done) for g in known)]
        y = rnd.choice(askable)
        rest = [n for n in spoken if n != y]
        if not rest:
            continue
        x = rnd.choice(rest)
        z = [n for n in askable if n not in (x, y)][: rnd.choice([0, 0, 1])]
        query = Query(
            (Term(y, rnd.choice([None, ("1",)])),),
            tuple(Term(n, rnd.choice([None, ("0",)])) for n in z),
            (rnd.choice([Open(x), Open(x, "a"), Do(x, "1")]),),
        )
        found = identify(model, query, known)
        if not isinstance(found, Identified):
            continue
        seen += 1
        used += not found.plain
        tables = positive_tables(model, rnd)
        truth = brute_answer(model, tables, query)
        assert truth is not None
        told = value(formula(found), found, model, factors_of(model, tables))
        assert is_truth(told, truth), (str(query), str(formula(found)))

    assert used > 40


def test_free_names_do_not_matter() -> None:
    """The napkin's formula over W and R: an axis for R, along which nothing changes."""
    found = identified(NAPKIN, Query((Term("Y", ("1",)),), (), do(X="1")))
    tables = positive_tables(NAPKIN, random.Random(4))
    told = value(formula(found), found, NAPKIN, factors_of(NAPKIN, tables))

    assert found.estimand.free == {"R"}
    assert told.variables == ("r",)
    assert told.array[0] == told.array[1]
    assert told.array[0] == brute_answer(NAPKIN, tables, found.asked).array[()]  # type: ignore[union-attr]


def test_a_wrong_formula_is_noticed() -> None:
    """These tests can fail: the formula with a condition less is not the truth."""
    found = identified(FRONT, Query(terms("Y"), (), opened("X")))
    tables = positive_tables(FRONT, random.Random(5))
    truth = brute_answer(FRONT, tables, found.asked)
    f = formula(found)
    assert isinstance(f, Sum)
    assert isinstance(f.body, Arithmetic)
    wrong = replace(f, body=replace(f.body, left=Ask(Query((Term("M", axis="m"),)))))
    assert truth is not None

    assert is_truth(value(f, found, FRONT, factors_of(FRONT, tables)), truth)
    assert not is_truth(value(wrong, found, FRONT, factors_of(FRONT, tables)), truth)


def test_means() -> None:
    """The factor of the variable becomes a mean where it is one of this variable alone; the value is the mean."""
    model = CausalModel.from_edges([("Z", "X"), ("Z", "N"), ("X", "N")], domains={"Z": 2, "X": 2, "N": [-1, 0, 10]})
    query = Query(terms("N"), (), do(X="1"))
    found = identified(model, replace(query, expectation=True))
    tables = positive_tables(model, random.Random(7))
    truth = brute_answer(model, tables, query)
    assert truth is not None

    assert str(formula(found)) == "sum[z : Z] E(N | z, X = 1) * P(z)"
    joint = answer(model, tables, Query(terms("Z X N")), exact=True).array
    by_z = [sum(v * joint[z, 1, k] for k, v in enumerate((-1, 0, 10))) / joint[z, 1].sum() for z in (0, 1)]
    by_hand = sum(by_z[z] * joint[z].sum() for z in (0, 1))
    assert by_hand == sum(v * p for v, p in zip((-1, 0, 10), truth.array, strict=True))
    napkin = formula(identified(NAPKIN, replace(Query(terms("Y"), (), do(X="1")), expectation=True)))
    assert "E(" not in str(napkin)


def test_sums_over_sets_of_values() -> None:
    """A set of values that something hears is a sum of its cases; one that nothing hears stays a set."""
    model = CausalModel.from_edges([("S", "T"), ("T", "C")], [("S", "C")], {"S": 2, "T": 3, "C": 3, "U_S_C": 2})
    two, late = Term("T", ("0", "2")), Term("C", ("1", "2"))
    tables = positive_tables(model, random.Random(6))
    for query, printed in (
        (Query((late, two), (), do(S="1")), None),
        (Query((late,), (two,), do(S="1")), None),
        (Query((two,), (), do(S="1")), "P(T in {0, 2} | S = 1)"),
        (Query((late,), (), do(S="1")), "sum[t : T] P(t | S = 1) * sum[s' : S] P(C in {1, 2} | s', t) * P(s')"),
    ):
        found = identified(model, query)
        truth = brute_answer(model, tables, query)
        assert truth is not None
        assert is_truth(value(formula(found), found, model, factors_of(model, tables)), truth)
        assert printed is None or str(formula(found)) == printed


# ---- read back -------------------------------------------------------------------------------------------------------


def read_back(model: CausalModel, f: Formula) -> Formula:
    """What the language makes of a printed formula; free names of values are bound with `for`."""
    text, free = str(f), free_names(f)
    if not free:
        return elaborate_query(read_expression(text), ModelDef("m", model), Source("<formula>", text)).formula
    values = {n: ", ".join(f'"{v}"' for v in model.object(n).values or ()) for n in model.observed}
    lines = [f"var {n} : {{{values[n]}}}" for n in model.observed]
    lines += [f"box b{k} : -> {n} = uniform()" for k, n in enumerate(model.observed)]
    bound = ", ".join(f"{n} : {v}" for n, v in free.items())
    (statement,) = cw.parse("\n".join([*lines, f"query q: {text} for {bound}"])).statements
    assert isinstance(statement, QueryStatement)
    return statement.formula


def flat(f: Formula) -> object:
    """A formula, brackets that make no difference aside: products and sums as lists."""
    match f:
        case Arithmetic(("*" | "+") as op, left, right):
            parts: list[object] = []
            for side in (left, right):
                inner = flat(side)
                parts += inner[1] if isinstance(inner, tuple) and inner[0] == op else [inner]
            return op, parts
        case Arithmetic(op, left, right):
            return op, flat(left), flat(right)
        case Sum(binders, body):
            return "sum", binders, flat(body)
        case _:
            return f


def free_names(f: Formula, bound: frozenset[str] = frozenset()) -> dict[str, str]:
    """Names of values that no sum binds, with their variables."""
    match f:
        case Ask(query):
            found = {t.axis: t.variable for t in (*query.targets, *query.given) if t.axis}
            found |= {s.axis: s.variable for s in query.surgeries if isinstance(s, Open) and s.axis}
            return {n: v for n, v in found.items() if n not in bound}
        case Sum(binders, body):
            return free_names(body, bound | {n for n, _ in binders})
        case Arithmetic(_, left, right):
            return free_names(left, bound) | free_names(right, bound)
        case _:
            return {}


@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
@given(st.one_of(hidden_models(max_size=5), mixed_models()), st.integers(0, 10**9))
def test_what_is_printed_is_read(model: CausalModel, seed: int) -> None:
    """The printed formula is read as the very same formula, and is worth the same."""
    rnd = random.Random(seed)
    model = named(model, rnd)
    names = rnd.sample(model.observed, len(model.observed))
    count = rnd.choice([1, 1, 2]) if len(names) > 2 else 1
    set_ = tuple(
        rnd.choice([Open(n), Open(n, f"v{k}"), Do(n, rnd.choice(model.object(n).values or ())), Cut(n)])
        for k, n in enumerate(names[:count])
    )
    rest = names[count:]
    events = [
        Term(n, rnd.choice([None, (model.object(n).values or ())[:1], (model.object(n).values or ())[:2]]))
        for n in rest[: rnd.choice([1, 2, 3])]
    ]
    query = Query(tuple(events[:1]), tuple(events[1:]), set_)
    found = identify(model, query)
    assume(isinstance(found, Identified))
    assert isinstance(found, Identified)
    f = formula(found)
    again = read_back(model, f)
    event("free names" if free_names(f) else "closed")

    assert str(again) == str(f)
    assert flat(again) == flat(f)


@pytest.mark.parametrize("name", PRINTED)
def test_kinds_are_read(name: str) -> None:
    """Every kind of formula that is printed above is read back."""
    model, query, _ = PRINTED[name]
    f = formula(identified(model, query))

    assert flat(read_back(model, f)) == flat(f)


def test_a_printed_formula_is_a_claim() -> None:
    """`effect == formula`, as printed, is a claim that holds; free names of it stand for every value."""
    front = cw.Model.from_edges([("X", "M"), ("M", "Y")], [("X", "Y")], 2)
    napkin = cw.Model.from_edges([("W", "R"), ("R", "X"), ("X", "Y")], [("W", "X"), ("W", "Y")], 2)
    for model in (front, napkin):
        found = model.identify("P(Y | do(X := x))")
        assert model.check(f"P(Y | do(X := x)) == {found.formula}").holds


def test_experiments_are_read() -> None:
    """`do` in a formula names what was set, or a value of it that does not matter."""
    for model, query, known in (
        (shape("Z->X X->Y", "X-Z Y-Z"), Query(terms("Y"), (), opened("X")), [Given(("X", "Y"), ("Z",))]),
        (shape("X->Y", "X-Y"), Query(terms("Y"), (), do(X="1")), [Given(("Y",), ("X",))]),
        (
            shape("X1->W W->Y X2->Y", "X1-W X1-X2 X2-Y"),
            Query(terms("Y"), (), opened("X1 X2")),
            [Given(("W",), ("X1",)), Given(("W", "X1", "Y"), ("X2",))],
        ),
    ):
        f = formula(identified(model, query, known))
        assert flat(read_back(model, f)) == flat(f)


def test_the_same_on_every_run() -> None:
    """A formula hangs on the declared order, not on the order of edges."""
    rnd = random.Random(8)
    for _ in range(60):
        model = random_shape(rnd, 4)
        arrows = [(p, n) for n in model.observed for p in model.parents(n) if p in model.observed]
        arcs = [model.children[u] for u in model.latents]
        again = CausalModel.from_edges(
            rnd.sample(arrows, len(arrows)),
            rnd.sample(arcs, len(arcs)),
            2,
            nodes=model.observed,  # type: ignore[arg-type]
        )
        y, x, *_ = rnd.sample(model.observed, 4)
        one, other = (identify(m, Query(terms(y), (), opened(x))) for m in (model, again))
        assert isinstance(one, Identified) == isinstance(other, Identified)
        if isinstance(one, Identified) and isinstance(other, Identified):
            assert str(formula(one)) == str(formula(other))


def test_helpers() -> None:
    """The two ways to compare tables agree."""
    one = Distribution(("A",), np.array([F(1, 2), F(1, 2)], dtype=object))
    assert agree(one, one)
    assert is_truth(one, one)
    assert formula(identified(shape("X->Y"), Query(terms("X"), (), do(Y="1")))) == Ask(Query(terms("X")))
    assert asks(Number(F(1))) == []
