"""Estimates: the effect of an intervention from data, exact and in floats, and what data cannot tell."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from semantics.answer import answer
from semantics.data import Dataset, from_distribution, from_rows
from semantics.dataset import checked
from semantics.distribution import Distribution
from semantics.estimate import Estimate, estimate
from semantics.kernel import Kernel, Table
from strings.diagnostic import CutwireError, LimitError, QueryError, ZeroProbabilityError
from strings.estimand import Estimand, Given
from strings.formula import Ask
from strings.identification import Identified, identified, identify
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box
from strings.surgery import Cut, Do, DoWire, Open, Replace, operate
from strings.written import formula
from tests.observed import (
    array_of,
    eliminated,
    factors_of,
    given_joints,
    hidden_models,
    interventional_query,
    look_up,
    observed_joint,
    positive_kernel,
    positive_tables,
    random_shape,
    trial,
)
from tests.semantics.brute import brute_answer, left_free_twice

F = Fraction
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
FRONT_DOOR = CausalModel.from_edges([("S", "T"), ("T", "C")], [("S", "C")], 2)
BACK_DOOR = CausalModel.from_edges([("Z", "X"), ("Z", "Y"), ("X", "Y")], domains=2)
NAPKIN = CausalModel.from_edges([("W", "R"), ("R", "X"), ("X", "Y")], [("W", "X"), ("W", "Y")], 2)
VERMA = CausalModel.from_edges([("A", "B"), ("B", "C"), ("C", "D")], [("B", "D")], 2)
CANCER = (Term("C", ("1",)),)


def close(found: Distribution, wanted: Distribution) -> bool:
    return (found.variables, found.values) == (wanted.variables, wanted.values) and bool(
        np.allclose(found.array, wanted.array.astype(float), rtol=1e-9, atol=1e-12)
    )


def asked(
    model: CausalModel,
    query: Query,
    data: Dataset,
    *,
    exact: bool = False,
    policies: Mapping[str, Kernel] | None = None,
    max_memory: int | None = None,
) -> Estimate:
    """The answer to a question from one data set, in which all observed variables are seen."""
    return estimate(identified(model, query), [data], exact=exact, policies=policies, max_memory=max_memory)


def weighed(joint: Distribution) -> Dataset:
    """A joint as data, in floats."""
    return from_distribution(joint.as_float())


@pytest.mark.parametrize("treated", [False, True], ids=["other variables asked for", "any variables asked for"])
@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(model=hidden_models(), seed=st.integers(0, 10**9))
def test_estimates_are_the_effect(treated: bool, model: CausalModel, seed: int) -> None:
    """From the exact joint an estimate is the effect in the latent model, axis by axis; in floats nearly so."""
    rnd = random.Random(seed)
    tables = positive_tables(model, rnd)
    query = interventional_query(model, tables, rnd, treated=treated)
    assume(not left_free_twice(query))
    truth, joint = brute_answer(model, tables, query), observed_joint(model, tables)
    floats = {name: k.as_float() for name, k in tables.items()}
    try:
        found = asked(model, query, from_distribution(joint), exact=True, policies=tables).distribution
        nearly = asked(model, query, weighed(joint), policies=floats).distribution
    except QueryError as e:
        event(e.diagnostic.code)
        undetermined = isinstance(e, ZeroProbabilityError)
        if e.diagnostic.code != "E001" and not (undetermined and truth is None):
            raise
        return

    assert found == truth
    assert found.exact
    assert not nearly.exact
    assert close(nearly, found)
    assert close(answer(model, floats, query), found)


@settings(max_examples=80, deadline=None)
@given(hidden_models(), st.integers(0, 10**9))
def test_questions_without_surgery_are_read_off_the_joint(model: CausalModel, seed: int) -> None:
    """Conditionals of what was seen: any events, any conditions; no graph is needed."""
    rnd = random.Random(seed)
    tables = positive_tables(model, rnd)
    query = interventional_query(model, tables, rnd)
    query = Query(query.targets, tuple(Term(t.variable, t.values) for t in query.given))
    joint = observed_joint(model, tables)
    found = asked(model, query, from_distribution(joint), exact=True)

    assert found.distribution == look_up(joint, query)
    assert isinstance(found.formula, Ask)
    assert found.formula == formula(found.found)
    assert found.formula.query.targets == query.targets
    assert set(found.formula.query.given) == set(query.given)
    assert not found.formula.query.surgeries
    assert close(asked(model, query, weighed(joint)).distribution, found.distribution)


# ---- data that do not tell -------------------------------------------------------------------------------------------


@st.composite
def counted(draw: st.DrawFn, model: CausalModel) -> Distribution:
    """A joint of the observed variables with many cells that were never seen."""
    shape = tuple(len(model.object(n).values or ()) for n in model.observed)
    size = int(np.prod(shape))
    counts = draw(st.lists(st.sampled_from((1, 3, 0, 0)), min_size=size, max_size=size).filter(any))
    entries = [F(n, sum(counts)) for n in counts]
    return Distribution(
        model.observed, array_of(entries, shape), [model.object(n).values or () for n in model.observed]
    )


def cells(joint: Distribution, names: Sequence[str]) -> dict[tuple[str, ...], Fraction]:
    """A marginal of a joint, by value."""
    found: dict[tuple[str, ...], Fraction] = {}
    for labels, p in joint.rows():
        env = dict(zip(joint.variables, labels, strict=True))
        at = tuple(env[n] for n in names)
        found[at] = found.get(at, F(0)) + F(p)
    return found


def guessed(estimand: Estimand, joint: Distribution, guess: random.Random) -> tuple[dict[str, Table], bool]:
    """The boxes of an estimand over a joint, and whether a column is missing: `guess` fills it with any numbers."""
    boxes = {m.diagram.nodes[0].box.name: m.diagram.nodes[0].box for m in estimand.model.mechanisms.values()}
    found, missing = {}, False
    for name, c in estimand.conditionals.items():
        order = [x.name for x in (*c.fed, *c.given, c.target)]
        if isinstance(c.of, Estimand):
            tables = []
            for _ in range(2):
                inner, lost = guessed(c.of, joint, guess)
                missing |= lost
                tables.append(eliminated(factors_of(c.of.model, inner).values(), order))
        else:
            seen = cells(joint, order)
            labels = [joint.labels(n) for n in order]
            known = array_of([seen.get(at, F(0)) for at in itertools.product(*labels)], tuple(map(len, labels)))
            tables = [known, known]
        shape, width = tables[0].shape, tables[0].shape[-1]
        filled: list[Fraction] = []
        for column, again in zip(*(t.reshape(-1, width) for t in tables), strict=True):
            total = sum(column, F(0))
            if total and (column == again).all():
                filled += [F(p) / total for p in column]
            else:
                missing = True
                filled += [F(guess.randint(0, 7), 3) for _ in range(width)]
        found[name] = Table(boxes[name].dom, boxes[name].cod, array_of(filled, shape))
    return found, missing


HOLES = {
    "front door": (FRONT_DOOR, Query((Term("C"),), (), (Do("S", "1"),))),
    "back door": (BACK_DOOR, Query((Term("Y"),), (), (Do("X", "1"),))),
    "back door, Z seen": (BACK_DOOR, Query((Term("Y"),), (Term("Z", ("0",)),), (Do("X", "1"),))),
    "napkin": (NAPKIN, Query((Term("Y"),), (), (Do("X", "1"),))),
    "Verma": (VERMA, Query((Term("D"),), (), (Do("C", "1"),))),
    "Y is an outcome, and X": (BACK_DOOR, Query((Term("X"), Term("Y", ("1",))), (), (Do("Z", "0"),))),
}


@pytest.mark.parametrize("name", HOLES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_is_invented(name: str, data: st.DataObject) -> None:
    """With empty cells there is an answer exactly when nothing put in place of a missing conditional changes it."""
    model, query = HOLES[name]
    joint = data.draw(counted(model))
    found = identified(model, query)
    whole = Query((*found.query.targets, *found.query.given), (), found.query.surgeries)
    answers = []
    for k in range(8):
        tables, missing = guessed(found.estimand, joint, random.Random(k))
        answers.append(after_surgery(found.estimand.model, tables, whole))
        if not missing:
            break
    settled = all((a == answers[0]).all() for a in answers)
    wanted = brute_answer(found.estimand.model, tables, found.query) if settled else None
    event("undetermined" if wanted is None else "answered")
    for exact, dataset in ((True, from_distribution(joint)), (False, weighed(joint))):
        if wanted is not None:
            answer = estimate(found, [dataset], exact=exact).distribution
            assert answer == wanted if exact else close(answer, wanted)
        else:
            with pytest.raises(ZeroProbabilityError) as undetermined:
                estimate(found, [dataset], exact=exact)
            assert undetermined.value.diagnostic.code == "Q002"


def after_surgery(model: CausalModel, tables: Mapping[str, Table], query: Query) -> np.ndarray:
    """What is asked without a condition, its tables being any numbers."""
    factors = factors_of(model, tables)
    for s in query.surgeries:
        assert isinstance(s, Do)
        values = model.object(s.variable).values or ()
        factors[s.variable] = (s.variable,), array_of([F(v == s.value) for v in values], (len(values),))
    events = []
    for t in query.targets:
        if t.values is not None:
            values = model.object(t.variable).values or ()
            events.append(((t.variable,), array_of([F(v in t.values) for v in values], (len(values),))))
    behind = operate(model, *query.surgeries).ancestors([t.variable for t in query.targets])
    keep = [t.variable for t in query.targets if t.free]
    return eliminated([*(f for n, f in factors.items() if n in behind), *events], keep)


def rows(*cases: str, model: CausalModel = FRONT_DOOR) -> Dataset:
    """Data with these cases, one digit a variable."""
    values = {n: model.object(n).values or () for n in model.observed}
    return from_rows("survey", model.observed, values, [tuple(c) for c in cases])


@pytest.mark.parametrize("exact", [True, False])
def test_the_event_that_was_never_seen_is_named(exact: bool) -> None:
    """Q002 says which combination is missing, in which data, and what can be done."""
    data = rows("000", "001", "010", "011", "110", "111")  # nobody smokes without tar
    with pytest.raises(ZeroProbabilityError) as undetermined:
        asked(FRONT_DOOR, Query(CANCER, (), (Do("S", "0"),)), data, exact=exact)

    d = undetermined.value.diagnostic
    assert d.code == "Q002"
    assert d.message == "`S = 1, T = 0` never occurs in the data"
    assert any("does not invent" in n for n in d.notes)
    assert d.help


@pytest.mark.parametrize("exact", [True, False])
def test_a_condition_that_was_never_seen_is_named(exact: bool) -> None:
    """What is conditioned on must occur, with and without surgery."""
    data = rows("000", "001", "010", "011", "100", "101")  # tar in no smoker
    for query in (
        Query(CANCER, (Term("S", ("1",)), Term("T", ("1",)))),
        Query(CANCER, (Term("S", ("1",)), Term("T"))),
        Query(CANCER, (Term("S"), Term("T"))),
    ):
        with pytest.raises(ZeroProbabilityError) as undetermined:
            asked(FRONT_DOOR, query, data, exact=exact)
        assert undetermined.value.diagnostic.message == "`S = 1, T = 1` never occurs in the data"

    model = CausalModel.from_edges([("X", "Y")], domains=2)
    seen = rows("00", "10", model=model)  # Y is never 1
    with pytest.raises(ZeroProbabilityError) as undetermined:
        asked(model, Query((Term("Y"),), (Term("Y", ("1",)),), (Do("X", "1"),)), seen, exact=exact)
    assert undetermined.value.diagnostic.message == "`Y = 1` has probability zero after do(X := 1)"


def test_what_is_not_needed_may_be_missing() -> None:
    """A question about what was seen needs only the variables and the cases that it names."""
    data = rows("000", "001", "110")
    assert asked(FRONT_DOOR, Query(CANCER, (Term("S", ("0",)),)), data, exact=True).distribution[()] == F(1, 2)

    model = CausalModel.from_edges([("X", "Y"), ("W", "Y")], domains=2)
    only = from_rows("only", ("X",), {"X": ("0", "1")}, [("0",), ("1",), ("1",)])
    assert asked(model, Query((Term("X"),)), only, exact=True).distribution["1"] == F(2, 3)


def test_an_effect_along_an_axis_needs_all_of_it() -> None:
    """One value of the treatment can be answered where the other cannot; both together cannot."""
    data = rows("000", "001", "100", "101", "111", model=BACK_DOOR)  # columns Z, X, Y: with Z = 0, X is always 0
    query = Query((Term("Y", ("1",)),), (), (Open("X"),))
    with pytest.raises(ZeroProbabilityError) as undetermined:
        asked(BACK_DOOR, query, data, exact=True)

    assert "Z = 0, X = 1" in undetermined.value.diagnostic.message


# ---- what cannot be estimated ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Query(CANCER, (), (DoWire("S", "T", "1"),)), "E002"),
        (Query((Term("U_S_C"),), (), (Do("S", "1"),)), "E003"),
        (Query((Term("U_S_C"),)), "E003"),
        (Query(CANCER, (Term("U_S_C"),)), "E003"),
        (Query((Term("CC"),)), "N002"),
        (Query((Term("C", ("2",)),)), "N003"),
        (Query((Term("C", ("2",)),), (), (Do("S", "1"),)), "N003"),
        (Query(CANCER, (), (Do("S", "2"),)), "D003"),
        (Query((Term("S"),), (Term("S"),)), "Q003"),
        (Query((Term("C"),), expectation=True), None),
    ],
)
def test_what_cannot_be_asked(query: Query, code: str | None) -> None:
    """Each mistake has its code; what is fine is answered."""
    data = rows(*(f"{s}{t}{c}" for s in range(2) for t in range(2) for c in range(2)))
    if code is None:
        assert asked(FRONT_DOOR, query, data, exact=True).distribution[()] == F(1, 2)
        return
    with pytest.raises(CutwireError) as refused:
        asked(FRONT_DOOR, query, data, exact=True)

    assert refused.value.diagnostic.code == code


def test_effects_that_do_not_follow() -> None:
    """E001 from data as well: the bow is never answered, however much data there is."""
    bow = CausalModel.from_edges([("S", "C")], [("S", "C")], 2)
    with pytest.raises(QueryError) as refused:
        asked(bow, Query(CANCER, (), (Do("S", "1"),)), rows("00", "01", "10", "11", model=bow), exact=True)

    assert refused.value.diagnostic.code == "E001"


@pytest.mark.parametrize(
    "query", [Query(CANCER, (), (Do("S", "1"),)), Query(CANCER, (Term("T"),)), Query((Term("T"), Term("C")))]
)
def test_data_without_a_variable(query: Query) -> None:
    """E006 names what is missing, and proposes what is like it."""
    data = from_rows("d", "StC", dict.fromkeys("StC", ("0", "1")), [("0", "0", "0"), ("1", "1", "1")])
    with pytest.raises(QueryError) as refused:
        asked(FRONT_DOOR, query, data, exact=True)

    d = refused.value.diagnostic
    assert (d.code, d.help) == ("E006", ("did you mean `t`?",))
    assert "`T`" in d.message


def test_exact_answers_need_exact_weights() -> None:
    """Q005 if the weights are floats; without `exact` they are fine."""
    joint = observed_joint(FRONT_DOOR, positive_tables(FRONT_DOOR, random.Random(0)))
    for query in (Query(CANCER, (), (Do("S", "1"),)), Query(CANCER)):
        with pytest.raises(QueryError) as refused:
            asked(FRONT_DOOR, query, weighed(joint), exact=True)
        assert refused.value.diagnostic.code == "Q005"
        assert not asked(FRONT_DOOR, query, weighed(joint)).distribution.exact
        assert not asked(FRONT_DOOR, query, from_distribution(joint)).distribution.exact


def test_memory_is_bounded() -> None:
    """L001 where the answer would need too much."""
    data = rows(*(f"{s}{t}{c}" for s in range(2) for t in range(2) for c in range(2)))
    with pytest.raises(LimitError) as refused:
        asked(FRONT_DOOR, Query((Term("C"), Term("T")), (), (Open("S"),)), data, max_memory=8)

    assert refused.value.diagnostic.code == "L001"


@pytest.mark.parametrize("surgeries", [(), (Do("S", "1"),)], ids=["seen", "done"])
def test_values_in_another_order(surgeries: tuple[Do, ...]) -> None:
    """Data that list a variable's values in another order, or other values, are put right or refused, never misread."""
    joint = observed_joint(FRONT_DOOR, positive_tables(FRONT_DOOR, random.Random(5)))
    query = Query(CANCER, (), surgeries)
    wanted = asked(FRONT_DOOR, query, from_distribution(joint), exact=True).distribution
    turned = Distribution(joint.variables, joint.array[..., ::-1], (*joint.values[:2], joint.values[2][::-1]))
    other = Distribution(joint.variables, joint.array, (*joint.values[:2], ("no", "yes")))
    try:
        found = asked(FRONT_DOOR, query, from_distribution(turned), exact=True).distribution
    except CutwireError as e:
        assert e.diagnostic.code in ("F003", "N003")  # noqa: PT017 (refusing is as good)
    else:
        assert found == wanted
    with pytest.raises(CutwireError) as refused:
        asked(FRONT_DOOR, query, from_distribution(other), exact=True)
    assert refused.value.diagnostic.code in ("F003", "N003")


# ---- figures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "seen", "done"),
    [
        (".5 .1 .01 .02 .1 .05 .02 .2", "4/21 25/37", "8783/34650 4013/7400"),
        (".14 .05 .16 .05 .1 .21 .1 .19", "1/4 2/3", "449/899 599/1197"),
        (".3 .05 .2 .05 .05 .05 .25 .05", "1/6 1/4", "11/45 37/175"),
    ],
)
def test_smoking(numbers: str, seen: str, done: str) -> None:
    """The three surveys of Jacobs, Kissinger and Zanasi (2019): exact, in floats, along the axis and value by value."""
    joint = Distribution(("S", "T", "C"), array_of([F(n) for n in numbers.split()], (2, 2, 2)))
    data = from_distribution(joint)
    for query, wanted in ((Query(CANCER, (Term("S"),)), seen), (Query(CANCER, (), (Open("S"),)), done)):
        found = asked(FRONT_DOOR, query, data, exact=True).distribution
        assert list(found.array) == [F(w) for w in wanted.split()]
        assert close(asked(FRONT_DOOR, query, weighed(joint)).distribution, found)
    for value, wanted in zip("01", done.split(), strict=True):
        assert asked(FRONT_DOOR, Query(CANCER, (), (Do("S", value),)), data, exact=True).distribution[()] == F(wanted)


def test_counts_and_shares_say_the_same() -> None:
    """Only the shares of the cases matter, not how many there are or how they are weighed."""
    cases = [(s, t, c) for s in "01" for t in "01" for c in "01"]
    values = dict.fromkeys("STC", ("0", "1"))
    counts = [5, 1, 2, 7, 3, 3, 1, 9]
    query = Query((Term("C"),), (), (Open("S"),))
    once = from_rows("d", "STC", values, [case for case, n in zip(cases, counts, strict=True) for _ in range(n)])
    weights = from_rows("d", "STC", values, cases, [F(n, 31) for n in counts])
    many = from_rows("d", "STC", values, cases * 2, [n * 10**6 for n in counts] * 2)
    found = [asked(FRONT_DOOR, query, d, exact=True).distribution for d in (once, weights, many)]

    assert found[0] == found[1] == found[2]


def test_the_formula_goes_with_the_numbers() -> None:
    """An estimate says which formula it used, and over which conditionals."""
    joint = observed_joint(FRONT_DOOR, positive_tables(FRONT_DOOR, random.Random(0)))
    query = Query((Term("C"),), (), (Do("S", "1"),))
    found = asked(FRONT_DOOR, query, from_distribution(joint), exact=True)

    assert str(found.formula) == "sum[t : T] P(t | S = 1) * sum[s' : S] P(C | s', t) * P(s')"
    assert set(found.found.estimand.conditionals) == {"P(S)", "P(T | S)", "P(C | S, T)"}


def test_policies_bring_their_own_numbers() -> None:
    """A new mechanism is no matter of data: its table is given, and without one there is no answer."""
    tables = positive_tables(BACK_DOOR, random.Random(1))
    z, x = (BACK_DOOR.object(n) for n in "ZX")
    policy = Box("treat", (z,), (x,))
    query = Query((Term("Y"),), (), (Replace("X", Mechanism.of_box(policy), "treat(Z)"),))
    tables["treat"] = positive_kernel(policy, random.Random(2))
    data = from_distribution(observed_joint(BACK_DOOR, tables))

    assert asked(BACK_DOOR, query, data, exact=True, policies=tables).distribution == brute_answer(
        BACK_DOOR, tables, query
    )
    with pytest.raises(QueryError, match="Q001"):
        asked(BACK_DOOR, query, data, exact=True)


def test_expectations() -> None:
    """The mean under an intervention: of the distribution under it, whose formula it has."""
    model = CausalModel.from_edges([("Z", "X"), ("Z", "N"), ("X", "N")], domains={"Z": 2, "X": 2, "N": [-1, 0, 10]})
    tables = positive_tables(model, random.Random(3))
    data = from_distribution(observed_joint(model, tables))
    surgeries = (Open("X"),)
    whole = asked(model, Query((Term("N"),), (), surgeries), data, exact=True).distribution
    mean = asked(model, Query((Term("N"),), (), surgeries, expectation=True), data, exact=True)
    wanted = [10 * whole["10", x] - whole["-1", x] for x in "01"]

    assert mean.distribution.variables == ("X",)
    assert list(mean.distribution.array) == wanted
    assert str(mean.formula) == "sum[z : Z] E(N | z, X) * P(z)"


def test_a_treatment_without_effect_needs_no_data_about_it() -> None:
    """P(Z | do(X)) = P(Z) where X leads to nothing, though X was never seen at this value."""
    model = CausalModel.from_edges([("X", "Y")], [("X", "Z")], 2)
    data = rows("000", "010", "001", "000", model=model)  # columns X, Y, Z
    found = asked(model, Query((Term("Z"),), (), (Do("X", "1"),)), data, exact=True).distribution

    assert list(found.array) == [F(3, 4), F(1, 4)]


def test_cutting_is_a_uniform_mixture() -> None:
    """P(C | cut(S)) is the average of P(C | do(S := s)) (Jacobs, Kissinger, Zanasi 2019, section 5)."""
    data = from_distribution(observed_joint(FRONT_DOOR, positive_tables(FRONT_DOOR, random.Random(9))))
    cut = asked(FRONT_DOOR, Query((Term("C"),), (), (Cut("S"),)), data, exact=True).distribution
    set_ = [asked(FRONT_DOOR, Query((Term("C"),), (), (Do("S", s),)), data, exact=True).distribution for s in "01"]

    assert list(cut.array) == list((set_[0].array + set_[1].array) / 2)


def test_experiments_as_data() -> None:
    """A data set for each given distribution, experiments with what was set as columns: the answer is the effect."""
    rnd, seen, of_use = random.Random(10), 0, 0
    while seen < 60:
        model = random_shape(rnd, rnd.choice([3, 4]), directed=0.6, bidirected=0.45)
        names = rnd.sample(model.observed, len(model.observed))
        known = [
            Given(tuple(n for n in names if n not in part), tuple(part))
            for part in (rnd.sample(names, rnd.choice([0, 1, 2])) for _ in range(2))
        ]
        y = rnd.choice([n for n in names if any(n in g.variables for g in known)])
        x = rnd.choice([n for n in names if n != y])
        query = Query((Term(y),), (), (rnd.choice([Open(x), Do(x, "1")]),))
        found, alone = identify(model, query, known), identify(model, query)
        if not isinstance(found, Identified) or (isinstance(alone, Identified) and rnd.random() < 0.8):
            continue
        seen += 1
        of_use += not isinstance(alone, Identified)
        tables = positive_tables(model, rnd)
        truth = brute_answer(model, tables, query)
        assert truth is not None
        joints = given_joints(model, factors_of(model, tables), known)
        trials = [trial(model, g, j) for g, j in zip(known, joints, strict=True)]
        answer = estimate(found, [from_distribution(t) for t in trials], exact=True).distribution
        assert answer == truth, (str(query), list(map(str, known)))
        assert close(estimate(found, [weighed(t) for t in trials]).distribution, truth)

    assert of_use > 5


def test_experiments_of_any_design() -> None:
    """How often each setting was tried in an experiment does not matter, as long as each was."""
    model = CausalModel.from_edges([("Z", "X"), ("X", "Y")], [("X", "Y"), ("Z", "Y")], 2)
    tables = positive_tables(model, random.Random(11))
    known = [Given(("X", "Y"), ("Z",))]
    query = Query((Term("Y"),), (), (Open("Z"),))
    (joint,) = given_joints(model, factors_of(model, tables), known)
    even = trial(model, known[0], joint)
    skew = np.array([p * (1 if z == 0 else 5) for (z, _, _), p in np.ndenumerate(even.array)], dtype=object)
    skewed = Distribution(even.variables, skew.reshape(even.array.shape), even.values)
    found = identified(model, query, known)

    answers = [estimate(found, [from_distribution(d)], exact=True).distribution for d in (even, skewed)]
    assert answers[0] == answers[1] == brute_answer(model, tables, query)


def test_data_are_checked_before() -> None:
    """Data without weight are no data."""
    empty = from_rows("d", ("S",), {"S": ("0", "1")}, [("0",)])
    with pytest.raises(CutwireError):
        checked(Dataset("d", empty.variables, empty.values, empty.codes, empty.weights * 0))
