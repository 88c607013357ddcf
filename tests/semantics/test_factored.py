"""Models as products of tables: interventions on the numbers give what surgery on the diagram means."""

from __future__ import annotations

import importlib.util
import itertools
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from semantics.answer import answer
from semantics.arithmetic import PrecisionError
from semantics.arrays import Elsewhere
from semantics.batch import each
from semantics.factored import Factored
from semantics.kernel import Kernel
from semantics.plan import follow
from semantics.product import Product
from semantics.strategies import models
from strings.diagnostic import LimitError, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Object
from strings.surgery import CutWire, Do, DoWire, boxes_of, operate
from tests.semantics.brute import random_tables

Fixed = dict[str, str]


def drawn(model: CausalModel, rnd: random.Random) -> tuple[list[str], Fixed, Fixed]:
    """Targets, what is set and what is seen: different variables, hidden ones too."""
    names = rnd.sample(model.names, len(model.names))
    ahead = [names.pop() for _ in range(rnd.randint(1, min(2, len(names))))]
    sides: list[Fixed] = []
    for most in (2, 3):
        taken = [names.pop() for _ in range(min(rnd.randint(0, most), len(names)))]
        sides.append({n: rnd.choice(model.object(n).values or ()) for n in taken})
    return ahead, sides[0], sides[1]


def by_surgery(
    model: CausalModel, tables: dict[str, Kernel], targets: list[str], do: Fixed, seen: Fixed
) -> np.ndarray | None:  # type: ignore[type-arg]
    """The exact answer by way of the operated diagram; none where it is impossible."""
    given_terms = tuple(Term(n, (v,)) for n, v in seen.items())
    query = Query(tuple(map(Term, targets)), given_terms, tuple(Do(n, v) for n, v in do.items()))
    try:
        return answer(model, tables, query, exact=True).array.astype(float)
    except ZeroProbabilityError:
        return None


@settings(max_examples=400, deadline=None)
@given(models(max_size=7, max_latents=2), st.integers(0, 10**6))
def test_surgery_on_numbers_is_surgery_on_diagrams(model: CausalModel, seed: int) -> None:
    """Naturality: the sliced product of tables is the meaning of the operated diagram, also for a second question of
    the same form, of which parts are known; impossible evidence is noticed where it is separated from the targets."""
    rnd = random.Random(seed)
    tables = random_tables(model, rnd)
    factored = Factored.of(model, tables)
    targets, do, seen = drawn(model, rnd)
    for _ in range(3):
        wanted = by_surgery(model, tables, targets, do, seen)
        found = factored.answer(targets, do, seen)
        event("possible" if wanted is not None else "impossible")
        assert (found is None) == (wanted is None)
        if found is not None and wanted is not None:
            assert found.variables == tuple(targets)
            np.testing.assert_allclose(found.array, wanted, atol=1e-12, rtol=0)
        do, seen = ({n: rnd.choice(model.object(n).values or ()) for n in side} for side in (do, seen))


@settings(max_examples=200, deadline=None)
@given(models(max_size=6, max_latents=2), st.integers(0, 10**6))
def test_all_marginals_at_once(model: CausalModel, seed: int) -> None:
    """One sweep gives what a question for each variable gives."""
    rnd = random.Random(seed)
    tables = random_tables(model, rnd)
    factored = Factored.of(model, tables)
    _, do, seen = drawn(model, rnd)
    found = factored.marginals(do, seen)
    for n in model.names:
        if n in do or n in seen:
            continue
        wanted = by_surgery(model, tables, [n], do, seen)
        assert (found is None) == (wanted is None)
        if found is not None and wanted is not None:
            np.testing.assert_allclose(found[n].array, wanted, atol=1e-12, rtol=0)
    some = rnd.sample(model.names, 2) if len(model.names) > 1 else list(model.names)
    fewer = factored.marginals(do, seen, some)
    if found is not None:
        assert fewer is not None
        assert list(fewer) == some
        for n in some:
            np.testing.assert_allclose(fewer[n].array, found[n].array, atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(models(max_size=5, max_latents=2), st.integers(0, 10**6))
def test_surgery_on_wires_leaves_a_product_of_tables(model: CausalModel, seed: int) -> None:
    """What a box is told along cut wires is summed into its table, several wires and all."""
    rnd = random.Random(seed)
    tables = random_tables(model, rnd)
    wires = [(p, n) for n in model.names for p in model.parents(n)]
    cut: list[CutWire | DoWire] = []
    for p, n in rnd.sample(wires, min(len(wires), 3)):
        value = rnd.choice(model.object(p).values or ())
        cut.append(rnd.choice([CutWire(p, n), DoWire(p, n, value)]))
    found = Factored.of(operate(model, *cut), tables).marginals({}, {})
    assert found is not None
    for n in model.names:
        wanted = answer(model, tables, Query((Term(n),), (), tuple(cut)), exact=True)
        np.testing.assert_allclose(found[n].array, wanted.as_float().array, atol=1e-12, rtol=0)


@settings(max_examples=200, deadline=None)
@given(models(max_size=6, max_latents=2), st.integers(0, 10**6))
def test_many_rows_at_once(model: CausalModel, seed: int) -> None:
    """A batch gives what each row gives by itself: values that differ from row to row, and tables that do."""
    rnd = random.Random(seed)
    tables = random_tables(model, rnd)
    targets, do, seen = drawn(model, rnd)
    count = rnd.randint(1, 5)
    sides: list[dict[str, int | np.ndarray]] = []  # type: ignore[type-arg]
    for side in (do, seen):
        sides.append({})
        for n in side:
            size = len(model.object(n).values or ())
            varies = rnd.random() < 0.7
            sides[-1][n] = np.array([rnd.randrange(size) for _ in range(count)]) if varies else rnd.randrange(size)
    other = [random_tables(model, rnd) for _ in range(count)]
    varied = {n: m.diagram.nodes[0].box.name for n, m in model.mechanisms.items() if rnd.random() < 0.3}
    arrays = {n: np.stack([t[b].as_float().array for t in other]) for n, b in varied.items()}
    found = each(Product.of(model, tables), targets, *sides, arrays)
    for row in range(len(found)):
        mine = {**tables, **{b: other[row][b] for b in varied.values()}}
        at = [{n: k if isinstance(k, int) else int(k[row]) for n, k in side.items()} for side in sides]
        labelled = [{n: (model.object(n).values or ())[k] for n, k in side.items()} for side in at]
        wanted = by_surgery(model, mine, targets, *labelled)
        if wanted is None:
            assert np.isnan(found[row]).all()
        else:
            np.testing.assert_allclose(found[row], wanted, atol=1e-12, rtol=0)


@pytest.mark.parametrize("most", [1, 3, 4096])
def test_rows_in_pieces(most: int) -> None:
    """However many rows go at once, the answers are the same; the last piece may be shorter."""
    model, tables = chain(5, Fraction(1, 4))
    product = Product.of(model, tables)
    told: list[tuple[int, int]] = []
    with patch("semantics.batch._MOST_ROWS", most):
        found = each(product, ["V4"], {"V0": np.arange(10) % 2}, {}, {}, on_progress=lambda *at: told.append(at))
    assert told[-1] == (10, 10)
    np.testing.assert_allclose(found[:2], [[17 / 32, 15 / 32], [15 / 32, 17 / 32]])
    np.testing.assert_allclose(found[2:], found[:-2])


def test_rows_too_far_apart_for_one_scale() -> None:
    """Seen are a thousand leaves: in one row all are likely, in the other none is."""
    model, product = naive(1000)
    columns = {f"F{k}": np.array([0, 1, 0]) for k in range(1000)}
    found = each(product, ["C"], {}, columns, {})
    assert model.names[0] == "C"
    odds = 2.0**1000 * 1e-300
    np.testing.assert_allclose(found[1], [1 / (1 + odds), odds / (1 + odds)], rtol=1e-9)
    np.testing.assert_allclose(found[0], [1, 1e-300 * (0.998 / 0.999) ** 1000], rtol=1e-9)


@settings(max_examples=100, deadline=None)
@given(models(max_size=6, max_latents=1), st.integers(0, 10**6))
def test_questions_of_the_language(model: CausalModel, seed: int) -> None:
    """Events and named values in front of the bar are read off the answer for free variables."""
    rnd = random.Random(seed)
    tables = random_tables(model, rnd)
    targets, do, seen = drawn(model, rnd)
    ahead = []
    for n in targets:
        value = rnd.choice((None, rnd.choice(model.object(n).values or ())))
        ahead.append(
            Term(n, None if value is None else (value,), rnd.choice((None, f"{n}'")) if value is None else None)
        )
    query = Query(tuple(ahead), tuple(Term(n, (v,)) for n, v in seen.items()), tuple(Do(n, v) for n, v in do.items()))
    ready = Factored.of(model, tables)
    try:
        wanted = answer(model, tables, query)
    except ZeroProbabilityError:
        assert ready.ask(query) is None
        return
    found = ready.ask(query)
    assert found is not None
    assert (found.variables, found.values) == (wanted.variables, wanted.values)
    np.testing.assert_allclose(found.array, wanted.array, atol=1e-12)


def test_two_variables_along_one_axis() -> None:
    """A value name that stands for the values of both takes the diagonal; it is no table with an axis twice."""
    model, tables = chain(2, Fraction(1, 4))
    ready = Factored.of(model, tables)
    query = Query((Term("V0", axis="v"), Term("V1", axis="v")), (), ())
    found = answer(model, tables, query, factored=ready)
    assert (found.variables, found.array.tolist()) == (("v",), [0.5625, 0.1875])
    named = Query((Term("V0", axis="V1"), Term("V1")), (), ())
    assert answer(model, tables, named, factored=ready).variables == ("V1",)


def chain(length: int, spread: Fraction) -> tuple[CausalModel, dict[str, Kernel]]:
    """A chain of two values in which the next is the same as the last, but for `spread`."""
    names = [f"V{k}" for k in range(length)]
    model = CausalModel.from_edges(itertools.pairwise(names), domains=2)
    tables = {}
    for n in names:
        box = model.mechanisms[n].diagram.nodes[0].box
        rows = [[1 - spread, spread], [spread, 1 - spread]]
        tables[box.name] = Kernel(box.dom, box.cod, rows if box.dom else rows[0])
    return model, tables


def naive(count: int) -> tuple[CausalModel, Product]:
    """A rare class and many leaves, each unlikely to be 1."""
    model = CausalModel.from_edges([("C", f"F{k}") for k in range(count)], domains=2)
    tables = {}
    for n, m in model.mechanisms.items():
        box = m.diagram.nodes[0].box
        rows = [[0.999, 0.001], [0.998, 0.002]]
        tables[box.name] = Kernel(box.dom, box.cod, rows if n != "C" else [1 - 1e-300, 1e-300])
    return model, Product.of(model, tables)


def test_tiny_probabilities_do_not_vanish() -> None:
    """A thousand seen leaves of naive Bayes, each unlikely: the product is far below what float64 can hold."""
    _, product = naive(1000)
    found = Factored(product).answer(["C"], {}, {f"F{k}": "1" for k in range(1000)})
    assert found is not None  # 2 ** 1000 against 1e300
    odds = 2.0**1000 * 1e-300
    np.testing.assert_allclose(found.array, [1 / (1 + odds), odds / (1 + odds)], rtol=1e-9)


def test_the_scale_of_one_question_is_not_that_of_the_next() -> None:
    """A second question of the same form has other slices of the tables: how the first were scaled says nothing."""
    model = CausalModel.from_edges([("C", n) for n in "XYZ"], domains={"C": 3, "X": 3, "Y": 3, "Z": 2})
    tiny, small, smaller = Fraction(1, 10**200), Fraction(1, 10**161), Fraction(1, 5 * 10**161)
    leaf = [
        [3 * tiny, 1 - 4 * tiny, tiny],
        [2 * tiny, small, 1 - small - 2 * tiny],
        [tiny, smaller, 1 - smaller - tiny],
    ]
    rare = [[Fraction(k, 4), 1 - Fraction(k, 4)] for k in (0, 2, 1)]
    numbers = {"c": [Fraction(1, 3)] * 3, "x": leaf, "y": leaf, "z": rare}
    boxes = [m.diagram.nodes[0].box for m in model.mechanisms.values()]
    tables = {b.name: Kernel(b.dom, b.cod, numbers[b.name]) for b in boxes}
    ready = Factored.of(model, tables)
    for values in ("000", "110", "010", "100"):
        seen = dict(zip("XYZ", values, strict=True))
        found, wanted = ready.answer(["C"], {}, seen), by_surgery(model, tables, ["C"], {}, seen)
        assert found is not None
        assert wanted is not None
        np.testing.assert_allclose(found.array, wanted, rtol=1e-9)


def test_what_floats_cannot_hold_is_noticed() -> None:
    """Entries of one table further apart than float64 can tell: the way of logarithms is for these."""
    model, tables = chain(60, Fraction(1, 2**40))
    seen = {"V59": "1"}
    wanted = by_surgery(model, tables, ["V0"], {}, seen)
    try:
        found = Factored.of(model, tables).answer(["V0"], {}, seen)
    except PrecisionError:
        return
    assert found is not None
    assert wanted is not None
    np.testing.assert_allclose(found.array, wanted, rtol=1e-9)


def test_growth_of_a_chain() -> None:
    """Ten thousand variables in a row are no deeper than one."""
    model, tables = chain(10_000, Fraction(1, 4))
    ready = Factored.of(model, tables)
    found = ready.answer(["V9999"], {"V0": "1"}, {})
    assert found is not None
    np.testing.assert_allclose(found.array, [0.5, 0.5], atol=1e-12)
    everything = ready.marginals({"V0": "1"}, {})
    assert everything is not None
    assert everything["V1"]["1"] == pytest.approx(0.75)


def test_too_wide_is_refused() -> None:
    """A table that the limit has no room for is named before it is made."""
    names = [f"V{k}" for k in range(20)]
    model = CausalModel.from_edges([(n, "Y") for n in names], domains=2)
    tables = {}
    for n, m in model.mechanisms.items():
        box = m.diagram.nodes[0].box
        shape = (2,) * (len(box.dom) + 1)
        tables[box.name] = Kernel(box.dom, box.cod, np.full(shape, 0.5))
        assert n
    ready = Factored.of(model, tables)
    for ask in (lambda most: ready.answer(["Y"], {}, {}, most), lambda most: ready.marginals({}, {}, None, most)):
        with pytest.raises(LimitError) as refused:
            ask(10_000)
        assert refused.value.diagnostic.code == "L001"
        with pytest.raises(LimitError):
            ask(1)  # not even one entry
        assert ask(10**9) is not None


def test_more_room_is_not_taken_for_granted() -> None:
    """A plan made for much memory is none for little: then another is made, if there is one."""
    rnd = random.Random(3)
    names = [f"V{k}" for k in range(40)]
    edges = [(p, n) for k, n in enumerate(names) for p in rnd.sample(names[:k], min(k, 3))]
    model = CausalModel.from_edges(edges, domains=3)
    tables = {b.name: Kernel(b.dom, b.cod, np.full((3,) * (len(b.dom) + 1), 1 / 3)) for b in boxes_of(model).values()}
    ready = Factored.of(model, tables)
    form = (ready.product.numbers["V39"],), (), ()
    free = ready.program(form)
    assert free is not None
    small = 12 * (free.peak - 1)
    found = ready.answer(["V39"], {}, {}, small)
    assert found is not None
    assert ready.program(form, small) is ready.program(form)
    sweep = ready.marginals({}, {})
    assert sweep is not None
    (plan,) = [s.plan for s in ready._sweeps.values()]
    assert ready.marginals({}, {}, None, 48 * (plan.peak - 1)) is not None


@pytest.mark.parametrize("parents", [12, 25])
def test_any_number_of_things_that_can_only_be_one_way(parents: int) -> None:
    """Variables of one value are no axes of tables, so that their number does not matter."""
    rnd = random.Random(1)
    names = [f"V{k}" for k in range(150)]
    edges = [(p, n) for k, n in enumerate(names) for p in rnd.sample(names[:k], min(k, parents))]
    model = CausalModel.from_edges(edges, domains=1)
    tables = {b.name: Kernel(b.dom, b.cod, np.ones((1,) * (len(b.dom) + 1))) for b in boxes_of(model).values()}
    ready = Factored.of(model, tables)
    found = ready.answer(["V149", "V7"], {"V148": "0"}, {"V3": "0"})
    assert found is not None
    assert found.array.tolist() == [[1.0]]
    assert each(ready.product, ["V149"], {"V148": np.zeros(2, dtype=int)}, {}, {}).tolist() == [[1.0], [1.0]]
    everything = ready.marginals({}, {})
    assert everything is not None
    assert len(everything) == 150


def test_programs_are_forgotten_while_others_ask() -> None:
    """Threads that ask for new forms at once make and forget programs beside each other."""
    model, tables = chain(14, Fraction(1, 4))
    ready = Factored.of(model, tables)
    forms = [(a, b, c) for a, b, c in itertools.permutations(model.names, 3)]

    def ask(part: int) -> list[float]:
        found = [ready.answer([a], {b: "0"}, {c: "1"}) for a, b, c in forms[part::4]]
        return [d.array[0] for d in found if d is not None]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with patch("semantics.factored._MOST_PROGRAMS", 8), ThreadPoolExecutor(4) as pool:
            found = list(pool.map(ask, range(4)))
    finally:
        sys.setswitchinterval(interval)
    assert found == [ask(part) for part in range(4)]


def test_what_is_set_and_seen_in_rows_is_not_for_tables() -> None:
    """One value of a variable would take the other's place."""
    model, tables = chain(3, Fraction(1, 4))
    product = Product.of(model, tables)
    for targets, do, seen in (
        (["V2"], "V1", "V1"),
        (["V1"], "V1", "V0"),
        (["V1"], "V0", "V1"),
        (["V2"] * 2, "V0", "V1"),
    ):
        with pytest.raises(KeyError):
            each(product, targets, {do: np.array([0, 1])}, {seen: 0}, {})


def test_what_is_not_for_tables() -> None:
    """Variables twice, unknown ones, values that are none: the general way tells what is wrong with these."""
    model, tables = chain(3, Fraction(1, 4))
    ready = Factored.of(model, tables)
    assert ready.answer(["V0", "V0"], {}, {}) is None
    assert ready.answer(["V0"], {"V1": "1"}, {"V1": "1"}) is None
    assert ready.answer(["V0"], {}, {"V0": "1"}) is None
    assert ready.answer(["W"], {}, {}) is None
    assert ready.answer(["V0"], {}, {"V1": "2"}) is None
    assert ready.answer(["V0"], {}, {"V1": None}) is None
    assert ready.answer(["V0"], {}, {"V1": 1}) is not None  # as it is spelled
    assert ready.answer([], {}, {}) is None
    del tables["v0"]
    assert Factored.of(model, tables).answer(["V2"], {"V1": "0"}, {}) is not None  # V0 is not needed
    assert Factored.of(model, tables).answer(["V2"], {}, {}) is None


def test_objects_of_one_value() -> None:
    """A variable that can only be one thing is an axis of length 1."""
    X, Y = Object("X", ("only",)), Object("Y", ("0", "1"))
    model = CausalModel.from_edges([("X", "Y")], domains={"X": ["only"], "Y": 2})
    tables = {"x": Kernel((), (X,), [1.0]), "y": Kernel((X,), (Y,), [[0.25, 0.75]])}
    found = Factored.of(model, tables).answer(["X", "Y"], {}, {})
    assert found is not None
    assert found.array.tolist() == [[0.25, 0.75]]


@settings(max_examples=60, deadline=None)
@given(models(max_size=5, max_latents=1), st.integers(0, 10**6), st.sampled_from(["numpy", "strict", "torch"]))
def test_rows_in_arrays_of_other_libraries(model: CausalModel, seed: int, library: str) -> None:
    """In any library of the array-API standard, and in float32, rows come out as they do here."""
    rnd = random.Random(seed)
    like = np.empty(0, dtype=np.float32)
    if library == "strict":
        like = pytest.importorskip("array_api_strict").zeros(0)
    if library == "torch":
        if importlib.util.find_spec("torch") is None:
            return
        like = importlib.import_module("torch").empty(0)
    tables = random_tables(model, rnd)
    targets, do, seen = drawn(model, rnd)
    sides = [
        {n: np.array([rnd.randrange(len(model.object(n).values or ())) for _ in range(4)]) for n in side}
        for side in (do, seen)
    ]
    product = Product.of(model, tables)
    wanted = each(product, targets, *sides, {})
    np.testing.assert_allclose(each(product, targets, *sides, {}, like=like), wanted, atol=1e-5)


def test_what_float32_loses_is_computed_again() -> None:
    """A thousand unlikely leaves are far below what float32 holds."""
    _, product = naive(1000)
    columns = {f"F{k}": np.array([0, 1, 0]) for k in range(1000)}
    found = each(product, ["C"], {}, columns, {}, like=np.empty(0, dtype=np.float32))
    np.testing.assert_allclose(found, each(product, ["C"], {}, columns, {}), rtol=1e-5, atol=1e-30)


def test_rows_far_apart_in_float32() -> None:
    """What one row makes small does not take the digits of another, on the way either."""
    model = CausalModel.from_edges([("C", "X"), ("C", "Y"), ("C", "Z")], domains=2)
    tiny, small = 1e-43, 1e-30
    numbers = {
        "c": [0.5, 0.5],
        "x": [[1 - 3 * tiny, 3 * tiny], [1 - tiny, tiny]],
        "y": [[1 - small, small], [1 - small, small]],
        "z": [[0.5, 0.5], [0.25, 0.75]],
    }
    tables = {b.name: Kernel(b.dom, b.cod, numbers[b.name]) for b in boxes_of(model).values()}
    columns = {"X": np.array([0, 1]), "Y": np.array([1, 0]), "Z": 0}
    product = Product.of(model, tables)
    found = each(product, ["C"], {}, columns, {}, like=np.empty(0, dtype=np.float32))
    np.testing.assert_allclose(found, [[2 / 3, 1 / 3], [6 / 7, 1 / 7]], rtol=1e-5)


def test_what_vanishes_on_the_way_is_noticed() -> None:
    """Digits that float32 lost in one step do not come back as the largest in the next."""
    leaf, last = np.array([1, 3e-22, 1e-22]), np.array([0, 1, 1])
    path = follow([(0,), (0,), (0,)], (0,), (3,), [(0, 1), (2, 3)])
    for dtype, lost in ((np.float32, True), (np.float64, False)):
        found = Elsewhere([(leaf, None), (leaf, None), (last, None)], path, np.empty(0, dtype=dtype)).run(())
        assert np.isnan(found).all() == lost
        if not lost:
            np.testing.assert_allclose(found / found.sum(), [0, 0.9, 0.1])
