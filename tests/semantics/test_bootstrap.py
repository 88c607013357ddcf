"""Bootstrap intervals against plain loops over resamples, coverage of known truths, and positivity by counting."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from semantics import bootstrap as module
from semantics.bootstrap import Interval, bootstrap
from semantics.dataset import Dataset, from_rows
from semantics.distribution import Distribution
from semantics.estimate import estimate
from semantics.positivity import FEW, Thin, positivity
from strings.diagnostic import CutwireError, LimitError, QueryError, ZeroProbabilityError
from strings.formula import Arithmetic, Ask, Formula, Number, Sum, questions
from strings.identification import Identified, identified
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do, Open
from tests.observed import hidden_models, interventional_query, positive_tables
from tests.semantics.brute import left_free_twice

FRONT_DOOR = CausalModel.from_edges([("S", "T"), ("T", "C")], [("S", "C")], 2)
BACK_DOOR = CausalModel.from_edges([("Z", "X"), ("Z", "Y"), ("X", "Y")], domains=2)
NAPKIN = CausalModel.from_edges([("W", "R"), ("R", "X"), ("X", "Y")], [("W", "X"), ("W", "Y")], 2)
CANCER = (Term("C", ("1",)),)
Y = (Term("Y", ("1",)),)
SURVEY = {"000": 50, "001": 10, "010": 6, "011": 4, "100": 10, "101": 5, "110": 7, "111": 20}


def counted(model: CausalModel, cells: Mapping[str, int]) -> Dataset:
    """Data that count cells, each written as one digit for every observed variable."""
    names = model.observed
    values = {n: model.object(n).values or () for n in names}
    return from_rows("d", names, values, [tuple(c) for c in cells], list(cells.values()))


def ways(model: CausalModel, formula: Formula) -> dict[Query, Identified]:
    return {q: identified(model, q) for q in questions(formula)}


def interval(
    model: CausalModel, formula: Formula, data: Dataset, value: Distribution | None = None, **options: object
) -> Interval:
    whole = value if value is not None else Distribution((), 0.0)
    return bootstrap(formula, ways(model, formula), [data], whole, **options)  # type: ignore[arg-type]


def draws(weights: Sequence[int], resamples: int, seed: int) -> np.ndarray:
    """The resamples of cells in lexicographic order, drawn once more."""
    counts = np.array(weights)
    return np.random.default_rng(seed).spawn(1)[0].multinomial(counts.sum(), counts / counts.sum(), resamples)


def front_door(n: np.ndarray, s: int) -> float:
    """`sum[t] P(t | s) * sum[s'] P(C = 1 | s', t) * P(s')` of counts with the axes S, T, C; no number if undefined."""
    total = 0.0
    for t in range(2):
        p_t = n[s, t].sum() / n[s].sum()
        total += p_t * sum(n[k, t, 1] / n[k, t].sum() * n[k].sum() / n.sum() for k in range(2))
    return float(total)


@pytest.mark.parametrize(
    ("formula", "by_hand"),
    [
        (Ask(Query(CANCER, (), (Do("S", "1"),))), lambda n: front_door(n, 1)),
        (
            Arithmetic("-", Ask(Query(CANCER, (), (Do("S", "1"),))), Ask(Query(CANCER, (), (Do("S", "0"),)))),
            lambda n: front_door(n, 1) - front_door(n, 0),
        ),
        (
            Arithmetic("/", Ask(Query(CANCER, (), (Do("S", "1"),))), Ask(Query(CANCER, (Term("S", ("1",)),)))),
            lambda n: front_door(n, 1) / (n[1, :, 1].sum() / n[1].sum()),
        ),
    ],
    ids=["one", "difference", "ratio"],
)
def test_intervals_are_those_of_a_plain_loop(formula: Formula, by_hand: Callable[[np.ndarray], float]) -> None:
    """A loop that counts and divides, resample by resample; every part of a formula sees the same resample."""
    found = interval(FRONT_DOOR, formula, counted(FRONT_DOOR, SURVEY), resamples=700, level=0.9, seed=3)

    with np.errstate(all="ignore"):
        values = np.array([by_hand(w.reshape(2, 2, 2)) for w in draws(list(SURVEY.values()), 700, 3)])
    kept = values[np.isfinite(values)]
    assert (float(found.low), float(found.high)) == pytest.approx(tuple(np.quantile(kept, [0.05, 0.95])))
    assert (found.dropped, found.resamples, found.level, found.seed) == (700 - len(kept), 700, 0.9, 3)


def test_parts_of_a_formula_vary_together() -> None:
    """The difference of a thing and itself is always 0, and a sum over all values always 1."""
    one = Ask(Query(CANCER, (), (Do("S", "1"),)))
    all_ = Sum((("c", "C"),), Ask(Query((Term("C", axis="c"),), (), (Do("S", "1"),))))
    data = counted(FRONT_DOOR, SURVEY)

    nothing = interval(FRONT_DOOR, Arithmetic("-", one, one), data, resamples=200)
    whole = interval(FRONT_DOOR, all_, data, resamples=200, values=lambda _: ("0", "1"))

    assert (float(nothing.low), float(nothing.high)) == (0, 0)
    assert (float(whole.low), float(whole.high)) == pytest.approx((1, 1))


def test_resampling_rows_gives_about_the_same() -> None:
    """Rows drawn with replacement, as the textbook does: the same interval up to the luck of the draw."""
    rng = np.random.default_rng(11)
    rows = np.repeat(np.arange(8), list(SURVEY.values()))
    samples = (np.bincount(rng.choice(rows, len(rows)), minlength=8).reshape(2, 2, 2) for _ in range(2000))
    with np.errstate(all="ignore"):
        values = [v for n in samples if np.isfinite(v := front_door(n, 1))]

    found = interval(
        FRONT_DOOR, Ask(Query(CANCER, (), (Do("S", "1"),))), counted(FRONT_DOOR, SURVEY), resamples=2000, seed=5
    )

    assert (float(found.low), float(found.high)) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=0.03)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(hidden_models(), st.integers(0, 10**9))
def test_every_resample_is_estimated_as_data_are(model: CausalModel, luck: int) -> None:
    """Any effect on any model: the quantiles of single exact estimates, those left out that have none."""
    rnd = random.Random(luck)
    policies = positive_tables(model, rnd)
    query = interventional_query(model, policies, rnd)
    assume(not left_free_twice(query))
    made = random_counts(model, rnd)
    try:
        found = identified(model, query)
        value = estimate(found, [made], policies=policies).distribution
    except QueryError:  # it does not follow, or not from these data
        return
    floats = {n: k.as_float() for n, k in policies.items()}
    one = module._cells([found], [made])[0] if found.estimand.conditionals else made  # in the order of the draws
    estimates = []
    for w in draws([int(x) for x in one.weights], 40, 9):
        sample = Dataset("d", one.variables, one.values, one.codes, np.array([Fraction(int(x)) for x in w]))
        with contextlib.suppress(ZeroProbabilityError):
            single = estimate(found, [sample], exact=True, policies=policies).distribution
            estimates.append(single.as_float().array)
    event("no interval" if len(estimates) < 20 else "all" if len(estimates) == 40 else "some are lost")
    if len(estimates) < 20 or not found.estimand.conditionals:
        with pytest.raises(QueryError):
            bootstrap(Ask(query), {query: found}, [made], value, resamples=40, seed=9, policies=floats)
        return

    told = bootstrap(Ask(query), {query: found}, [made], value, resamples=40, seed=9, policies=floats)

    low, high = np.quantile(np.array(estimates), [0.025, 0.975], axis=0)
    assert told.dropped == 40 - len(estimates)
    np.testing.assert_allclose(told.low.array, low, atol=1e-9)
    np.testing.assert_allclose(told.high.array, high, atol=1e-9)


def random_counts(model: CausalModel, rnd: random.Random) -> Dataset:
    """Counts of nearly all cells; in some data most are small, so that resamples lack them."""
    names = model.observed
    values = {n: model.object(n).values or () for n in names}
    cells = [c for c in itertools.product(*values.values()) if rnd.random() < 0.97]
    rows = cells or [tuple(v[0] for v in values.values())]
    most = rnd.choice([2, 3, 6, 60])
    return from_rows("d", names, values, rows, [rnd.randint(1, most) for _ in rows])


def test_intervals_cover_the_truth() -> None:
    """Of 200 simulated studies with a known effect, about nine in ten 90% intervals hold it."""
    p_z, p_x, p_y = 0.4, np.array([0.3, 0.7]), np.array([[0.2, 0.5], [0.4, 0.8]])  # P(Y = 1 | Z, X)
    truth = (1 - p_z) * (p_y[0, 1] - p_y[0, 0]) + p_z * (p_y[1, 1] - p_y[1, 0])
    formula = Arithmetic("-", Ask(Query(Y, (), (Do("X", "1"),))), Ask(Query(Y, (), (Do("X", "0"),))))
    joint = np.zeros((2, 2, 2))  # Z, X, Y
    for z in range(2):
        for x in range(2):
            p = (p_z if z else 1 - p_z) * (p_x[z] if x else 1 - p_x[z])
            joint[z, x] = p * (1 - p_y[z, x]), p * p_y[z, x]
    names = [f"{z}{x}{y}" for z in range(2) for x in range(2) for y in range(2)]

    covered = 0
    for study in np.random.default_rng(1).multinomial(250, joint.reshape(-1), 200):
        data = counted(BACK_DOOR, dict(zip(names, map(int, study), strict=True)))
        found = interval(BACK_DOOR, formula, data, resamples=200, level=0.9)
        covered += float(found.low) <= truth <= float(found.high)

    assert 160 <= covered <= 196


def test_a_resample_that_divides_by_zero_has_no_estimate() -> None:
    """A rare event is missing from some resamples: a ratio to it has no value there, and no infinite one."""
    data = counted(BACK_DOOR, {"000": 40, "001": 1, "110": 30, "111": 9, "010": 20, "100": 20})
    none = Ask(Query((Term("Y", ("1",)), Term("Z", ("0",)))))
    ratio = Arithmetic("/", Number(Fraction(1)), none)

    for formula in (ratio, Arithmetic("/", Number(Fraction(1)), ratio), Arithmetic("^", none, Number(Fraction(-1)))):
        found = interval(BACK_DOOR, formula, data, resamples=400)
        missed = sum(w[1] == 0 for w in draws([41 - 1, 1, 50, 29], 400, 0))
        assert np.isfinite(float(found.high))
        assert 0.2 * 400 < found.dropped < 0.6 * 400
        assert abs(found.dropped - missed) < 80  # it is missing with probability near 1/e


def test_a_resample_without_the_condition_has_no_estimate() -> None:
    """`P(Z = 1 | do(X := 1), Y = 1)` where Y = 1 is rare: not 0 where it is not seen, but left out."""
    cells = {"000": 30, "010": 20, "011": 1, "100": 20, "110": 20, "111": 1}
    formula = Ask(Query((Term("Z", ("1",)),), (Term("Y", ("1",)),), (Do("X", "1"),)))

    found = interval(BACK_DOOR, formula, counted(BACK_DOOR, cells), resamples=400, seed=8)

    values = []
    for w in draws(list(cells.values()), 400, 8):
        n = np.zeros((2, 2, 2))
        for c, k in zip(cells, w, strict=True):
            n[tuple(map(int, c))] = k
        both = [n[z].sum() / n.sum() * n[z, 1, 1] / n[z, 1].sum() for z in range(2)]
        if sum(both) > 0:
            values.append(both[1] / sum(both))
    assert 0 < found.dropped == 400 - len(values)
    assert (float(found.low), float(found.high)) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_expectations() -> None:
    """The mean of a variable of three numbers, against a loop."""
    model = CausalModel.from_edges([("X", "Y")], domains={"X": 2, "Y": ["1", "2", "5"]})
    cells = {("0", "1"): 9, ("0", "5"): 4, ("1", "1"): 3, ("1", "2"): 8, ("1", "5"): 5}
    data = from_rows("d", ("X", "Y"), {"X": ("0", "1"), "Y": ("1", "2", "5")}, list(cells), list(cells.values()))
    query = Query((Term("Y"),), (), (Open("X", "x"),), expectation=True)
    value = estimate(identified(model, query), [data]).distribution

    found = interval(model, Ask(query), data, value, resamples=300, seed=2)

    means = []
    for w in draws(list(cells.values()), 300, 2):
        n = {c: int(k) for c, k in zip(cells, w, strict=True)}
        means.append(
            [
                sum(k * int(y) for (x, y), k in n.items() if x == v) / sum(k for (x, _), k in n.items() if x == v)
                for v in "01"
            ]
        )
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(found.low.array, low)
    np.testing.assert_allclose(found.high.array, high)


def test_rows_and_counts_are_the_same_data() -> None:
    """However the rows are split and ordered, and whatever other columns there are."""
    formula = Ask(Query(CANCER, (), (Do("S", "1"),)))
    rows = [tuple(c) for c, k in reversed(SURVEY.items()) for _ in range(k)]
    values = dict.fromkeys("STC", ("0", "1"))
    other = from_rows("d", ("S", "T", "C"), values, rows)

    one = interval(FRONT_DOOR, formula, counted(FRONT_DOOR, SURVEY), resamples=300)
    two = interval(FRONT_DOOR, formula, other, resamples=300)

    assert (one.low, one.high) == (two.low, two.high)


def test_values_in_another_order() -> None:
    """Data may list the values of a variable in another order than the model."""
    formula = Ask(Query(CANCER, (), (Do("S", "1"),)))
    values = {"S": ("1", "0"), "T": ("0", "1"), "C": ("1", "0")}
    turned = from_rows("d", ("S", "T", "C"), values, [tuple(c) for c in SURVEY], list(SURVEY.values()))

    one = interval(FRONT_DOOR, formula, counted(FRONT_DOOR, SURVEY), resamples=300)
    two = interval(FRONT_DOOR, formula, turned, resamples=300)

    assert (one.low, one.high) == (two.low, two.high)


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many resamples are drawn or estimated at once is a matter of memory only; progress counts them."""
    formula = Ask(Query((Term("Y"),), (), (Open("X"),)))
    data = counted(NAPKIN, {f"{k:04b}": 7 + 5 * k % 11 for k in range(16)})
    value = estimate(identified(NAPKIN, formula.query), [data]).distribution
    told: list[tuple[int, int]] = []
    whole = interval(NAPKIN, formula, data, value, resamples=700, on_progress=lambda *x: told.append(x))
    assert told == [(500, 700), (700, 700)]

    tight = interval(NAPKIN, formula, data, value, resamples=700, max_memory=60_000)
    monkeypatch.setattr(module, "_MOST_MEMBERS", 37)
    small = interval(NAPKIN, formula, data, value, resamples=700)

    for other in (tight, small):
        np.testing.assert_allclose(other.low.array, whole.low.array, rtol=1e-12)
        np.testing.assert_allclose(other.high.array, whole.high.array, rtol=1e-12)
    with pytest.raises(LimitError) as caught:
        interval(NAPKIN, formula, data, value, resamples=700, max_memory=100)
    assert caught.value.diagnostic.code == "L001"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"resamples": 19}, "Q011"),
        ({"resamples": -5}, "Q011"),
        ({"level": 1.0}, "Q011"),
        ({"level": float("nan")}, "Q011"),
        ({"seed": -1}, "Q011"),
        ({"resamples": 1_000_001}, "L003"),
    ],
)
def test_numbers_out_of_bounds(options: dict[str, object], code: str) -> None:
    with pytest.raises(CutwireError) as caught:
        interval(FRONT_DOOR, Ask(Query(CANCER)), counted(FRONT_DOOR, SURVEY), **options)
    assert caught.value.diagnostic.code == code


@pytest.mark.parametrize("weights", [[0.25, 0.75], [1.5, 2.5], [0.5, 1.5], [1, 0], [Fraction(1, 3), 3], [2**60, 3]])
def test_weights_that_count_nothing(weights: list[float]) -> None:
    """Probabilities, fractions that happen to sum to a whole number, one case, and more cases than can be drawn."""
    model = CausalModel.from_edges(nodes=["A"], domains=2)
    data = from_rows("d", ("A",), {"A": ("0", "1")}, [("0",), ("1",)], weights)
    with pytest.raises(QueryError) as caught:
        interval(model, Ask(Query((Term("A", ("1",)),))), data)
    assert caught.value.diagnostic.code == "Q011"


def test_nothing_to_estimate() -> None:
    """A formula without any probability, and one whose resamples hardly ever have a value."""
    with pytest.raises(QueryError) as caught:
        interval(BACK_DOOR, Number(Fraction(1, 2)), counted(BACK_DOOR, {"000": 5}))
    assert caught.value.diagnostic.code == "Q011"

    rare = Arithmetic("/", Number(Fraction(1)), Arithmetic("-", Ask(Query(Y)), Number(Fraction(0))))
    data = counted(BACK_DOOR, {"000": 10**6, "001": 1})
    with pytest.raises(QueryError) as caught:
        interval(BACK_DOOR, rare, data, resamples=20)
    assert "nearly every" in caught.value.diagnostic.message


# ---- positivity ------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(st.sampled_from(sorted(SURVEY)), st.integers(1, 9), min_size=1),
    st.sampled_from([Do("S", "0"), Do("S", "1"), Open("S")]),
)
def test_thin_columns_are_those_that_counting_finds(cells: dict[str, int], surgery: Do | Open) -> None:
    """The front door needs P(T | S) where S is set, and P(C | S, T) everywhere."""
    data = counted(FRONT_DOOR, cells)
    if sum(cells.values()) < 2:
        return
    found = positivity([identified(FRONT_DOOR, Query(CANCER, (), (surgery,)))], [data])

    needed = [surgery.value] if isinstance(surgery, Do) else ["0", "1"]
    columns = {
        "P(T | S)": {(s,): sum(k for c, k in cells.items() if c[0] == s) for s in needed},
        "P(C | S, T)": {
            (s, t): sum(k for c, k in cells.items() if c[:2] == s + t) for s in ("0", "1") for t in ("0", "1")
        },
    }
    wanted = {}
    for name, counts in columns.items():
        few = {at: k for at, k in counts.items() if k < FEW}
        if few:
            at = min(few, key=lambda k: (few[k], k))
            place = tuple(zip(("S", "T"), at, strict=False))
            empty = sum(k == 0 for k in few.values())
            wanted[name] = Thin(name, len(counts), len(few), empty, place, few[at])
    assert {t.conditional: t for t in found} == wanted
    assert list(found) == sorted(found, key=lambda t: (t.cases, t.conditional))


def test_columns_that_two_questions_need_are_told_once() -> None:
    """Each sets another value: together they need all columns."""
    data = counted(FRONT_DOOR, SURVEY | {"010": 1, "011": 1, "000": 1, "001": 1})
    found = [identified(FRONT_DOOR, Query(CANCER, (), (Do("S", v),))) for v in "01"]
    both = {t.conditional: t for t in positivity(found, [data])}
    assert (both["P(T | S)"].columns, both["P(T | S)"].few) == (2, 1)
    assert "P(T | S)" not in {t.conditional for t in positivity(found[1:], [data])}


def test_of_shares_only_empty_columns_are_told() -> None:
    shares = {"000": 0.5, "001": 0.1, "100": 0.1, "101": 0.1, "110": 0.1, "111": 0.1}
    values = dict.fromkeys("STC", ("0", "1"))
    data = from_rows("d", ("S", "T", "C"), values, [tuple(c) for c in shares], list(shares.values()))
    found = positivity([identified(FRONT_DOOR, Query(CANCER, (), (Do("S", "1"),)))], [data])
    assert [str(t) for t in found] == ["P(C | S, T): 1 of 4 columns is empty, at S = 0, T = 1"]


@pytest.mark.parametrize(
    ("thin", "told"),
    [
        (
            Thin("P(C | S)", 4, 1, 0, (("S", "no"),), 1),
            "P(C | S): 1 of 4 columns has fewer than 5 cases, at S = no (1 case)",
        ),
        (
            Thin("P(C | S)", 4, 3, 1, (("S", "no"),), 0),
            "P(C | S): 3 of 4 columns have fewer than 5 cases, fewest at S = no (0 cases); 1 of them empty",
        ),
        (Thin("P(C | S)", 4, 2, 2, (("S", "no"),), 0), "P(C | S): 2 of 4 columns are empty, such as S = no"),
    ],
)
def test_thin_columns_in_words(thin: Thin, told: str) -> None:
    assert str(thin) == told
