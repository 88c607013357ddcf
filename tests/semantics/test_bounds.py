"""Bounds of counterfactuals: against all extreme laws of whole functions, against functional models, and against
published formulas."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semantics import bounds as module
from semantics import branching, relaxation, response
from semantics.answer import answer
from semantics.bounds import Bounds, bounds
from semantics.families import Family, Merged, evened, merge
from semantics.functional import functional_model
from semantics.junction import junction_tree
from semantics.kernel import Kernel
from semantics.optimum import Polytope, largest_quotient, vertex
from semantics.response import MOST_FUNCTIONS, coefficients
from strings.diagnostic import LimitError, QueryError, ZeroProbabilityError
from strings.diagram import Builder
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, Open
from tests.semantics.brute import in_floats, random_tables
from tests.semantics.test_worlds import enumerate_all, random_world

Law = list[tuple[Fraction, tuple[int, ...]]]
"""Whole functions of a box, from the number of a combination of inputs to an output, with their weights."""

HALF = Fraction(1, 2)


# ---- models ----------------------------------------------------------------------------------------------------------


def random_shape(rnd: random.Random, size: int, wide: bool = False) -> CausalModel:
    """A random model, some of whose variables have hidden causes in common."""
    observed = [Object(f"V{k}", tuple(map(str, range(rnd.choice((2, 2, 3)) if wide else 2)))) for k in range(size)]
    hidden = [Object(f"U{k}", ("0", "1")) for k in range(rnd.randint(0, 2))]
    boxes = [Box(f"box_{u.name}", (), (u,)) for u in hidden]
    for k, v in enumerate(observed):
        dom = tuple(x for x in (*observed[:k], *hidden) if rnd.random() < 0.7)[-2:]
        boxes.append(Box(f"box_{v.name}", dom, (v,)))
    return CausalModel.from_boxes((*observed, *hidden), boxes, [u.name for u in hidden])


def random_question(rnd: random.Random, model: CausalModel) -> Query:
    def term(chance: float) -> Term:
        name = rnd.choice(model.observed)
        world = random_world(rnd, model) if rnd.random() < chance else ()
        return Term(name, (rnd.choice(model.object(name).values or ()),), world=world)

    return Query(tuple(term(0.8) for _ in range(rnd.randint(1, 2))), tuple(term(0.2) for _ in range(rnd.randint(0, 2))))


def as_functions(model: CausalModel, laws: dict[str, Law]) -> tuple[CausalModel, dict[str, Kernel]]:
    """The model whose boxes are functions with these laws, put together by hand."""
    variables, boxes, tables = list(model.variables), [], {}
    latents = set(model.latents)
    for v, m in model.mechanisms.items():
        b = m.diagram.nodes[0].box
        law = laws[v]
        if v in model.latents:
            boxes.append(b)
            tables[b.name] = margins(b, law)
            continue
        r = Object(f"law {v}", tuple(map(str, range(len(law)))))
        sizes, width = [len(x.values or ()) for x in b.dom], len(b.cod[0].values or ())
        array = np.full((len(law[0][1]), len(law), width), Fraction(0), dtype=object)
        for k, (_, f) in enumerate(law):
            array[np.arange(len(f)), k, list(f)] = Fraction(1)
        variables.append(r)
        latents.add(r.name)
        boxes += [Box(f"box_{r.name}", (), (r,)), Box(f"box_{v}", (*b.dom, r), b.cod, deterministic=True)]
        tables[f"box_{r.name}"] = Kernel((), (r,), [w for w, _ in law])
        tables[f"box_{v}"] = Kernel((*b.dom, r), b.cod, array.reshape([*sizes, len(law), width]))
    return CausalModel.from_boxes(variables, boxes, latents), tables


def margins(b: Box, law: Law) -> Kernel:
    """The table of a box whose functions have a law."""
    sizes, width = [len(x.values or ()) for x in b.dom], len(b.cod[0].values or ())
    table = np.full((len(law[0][1]), width), Fraction(0), dtype=object)
    for w, f in law:
        for i, o in enumerate(f):
            table[i, o] += w
    return Kernel(b.dom, b.cod, table.reshape([*sizes, width]))


def random_law(rnd: random.Random, b: Box) -> Law:
    inputs = int(np.prod([len(x.values or ()) for x in b.dom], dtype=int))
    width = len(b.cod[0].values or ())
    found: dict[tuple[int, ...], int] = {}
    for _ in range(rnd.randint(1, 4)):
        f = tuple(rnd.randrange(width) for _ in range(inputs))
        found[f] = found.get(f, 0) + rnd.randint(1, 5)
    return [(Fraction(w, sum(found.values())), f) for f, w in found.items()]


def whole_functions(kernel: Kernel) -> tuple[list[tuple[int, ...]], Polytope]:
    """All functions of a box, on all of its inputs, and the laws of these that have its table."""
    table = kernel.array.reshape(-1, kernel.array.shape[-1])
    functions = list(itertools.product(range(table.shape[1]), repeat=len(table)))
    rows, numbers = [[1] * len(functions)], [Fraction(1)]
    for i, row in enumerate(table):
        for o, p in enumerate(row[:-1]):
            rows.append([int(f[i] == o) for f in functions])
            numbers.append(p)
    return functions, Polytope(np.array(rows), numbers)


def vertices(p: Polytope) -> Iterator[list[Fraction]]:
    """All vertices of a polytope, by plain search: the feasible solutions on as many columns as there are rows."""
    n, m = p.rows.shape[1], p.rows.shape[0]
    seen = set()
    for columns in itertools.combinations(range(n), m):
        matrix = p.rows[:, columns].astype(float)
        if abs(np.linalg.det(matrix)) < 0.5:  # of whole numbers
            continue
        exact = _solved([[Fraction(int(x)) for x in row] for row in p.rows[:, columns]], list(p.numbers))
        if min(exact) < 0:
            continue
        q = [Fraction(0)] * n
        for j, x in zip(columns, exact, strict=True):
            q[j] = x
        if tuple(q) not in seen:
            seen.add(tuple(q))
            yield q


def _solved(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        at = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[at] = rows[at], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(len(rows)):
            if i != k:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


def extreme_laws(model: CausalModel, tables: dict[str, Kernel]) -> list[list[Law]]:
    """The vertices of the laws of whole functions, for each variable."""
    choices = []
    for v in model.mechanisms:
        functions, polytope = whole_functions(tables[f"box_{v}"])
        choices.append([[(w, f) for w, f in zip(q, functions, strict=True) if w] for q in vertices(polytope)])
    return choices


def extremes_by_hand(
    model: CausalModel, choices: Sequence[Sequence[Law]], query: Query
) -> tuple[Fraction, Fraction] | None:
    """The least and the most over all combinations of extreme laws, world by world."""
    found = []
    for laws in itertools.product(*choices):
        made, numbers = as_functions(model, dict(zip(model.mechanisms, laws, strict=True)))
        value = enumerate_all(made, numbers, query)
        if value is not None:
            found.append(value)
    return (min(found), max(found)) if found else None


def ends(found: Bounds) -> tuple[Fraction, Fraction]:
    return found.low.array[()], found.high.array[()]


def bounded(model: CausalModel, tables: dict[str, Kernel], query: Query, exact: bool = True) -> Bounds | None:
    """The bounds; nothing where what is seen never happens, or a world tells something to what another has set."""
    try:
        return bounds(model, tables, query, exact=exact)
    except ZeroProbabilityError:
        return None


def asked(rnd: random.Random, model: CausalModel) -> Query:
    """A question that the model understands."""
    while True:
        query = random_question(rnd, model)
        try:
            coefficients(model, random_tables(model, random.Random(0)), query)
        except (ZeroProbabilityError, LimitError):
            return query
        except QueryError:
            continue
        return query


# ---- laws ------------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9))
def test_bounds_are_the_extremes_over_all_vertices(seed: int) -> None:
    """A quotient of multilinear functions is extreme at vertices; these are found by plain search, for small models."""
    rnd = random.Random(seed)
    model = random_shape(rnd, rnd.choice((1, 2, 2, 2)))
    tables = random_tables(model, rnd)
    choices = extreme_laws(model, tables)
    if math.prod(map(len, choices)) > 16:
        return
    query = asked(rnd, model)
    found = bounded(model, tables, query)
    wanted = extremes_by_hand(model, choices, query)
    assert (None if found is None else ends(found)) == wanted, str(query)
    assert found is None or found.sharp


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 3))
def test_no_functional_model_is_beyond_the_bounds(seed: int, size: int) -> None:
    rnd = random.Random(seed)
    model = random_shape(rnd, size, wide=True)
    boxes = {v: m.diagram.nodes[0].box for v, m in model.mechanisms.items()}
    laws = {v: random_law(rnd, b) for v, b in boxes.items()}
    tables = {b.name: margins(b, laws[v]) for v, b in boxes.items()}
    made, numbers = as_functions(model, laws)
    query = asked(rnd, model)
    try:
        truth = answer(made, numbers, query, exact=True).array[()]
    except ZeroProbabilityError:
        return
    try:
        found = bounded(model, tables, query)
    except LimitError:
        return
    assert found is not None
    low, high = ends(found)
    slack = 0 if found.sharp else 1e-8
    assert low - slack <= truth <= high + slack, str(query)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 3))
def test_the_extreme_models_have_the_tables_and_attain_the_bounds(seed: int, size: int) -> None:
    rnd = random.Random(seed)
    model = random_shape(rnd, size, wide=True)
    tables = random_tables(model, rnd)
    query = asked(rnd, model)
    try:
        found = bounded(model, tables, query)
    except LimitError:
        return
    if found is None:
        return
    check_models(model, tables, query, found)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 3))
def test_floats_have_the_bounds_of_fractions(seed: int, size: int) -> None:
    rnd = random.Random(seed)
    model = random_shape(rnd, size)
    tables = random_tables(model, rnd)
    query = asked(rnd, model)
    one, other = (bounded(model, t, query, exact) for t, exact in ((tables, True), (in_floats(tables), False)))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert np.allclose([float(x) for x in ends(one)], [float(x) for x in ends(other)], atol=1e-7)


# ---- published bounds ------------------------------------------------------------------------------------------------


def two(yes: Fraction, no: Fraction, x: Fraction = HALF) -> tuple[CausalModel, dict[str, Kernel]]:
    """X -> Y without confounding: P(Y = 1 | X = 1) and P(Y = 1 | X = 0)."""
    model = CausalModel.from_edges([("X", "Y")], domains=2)
    X, Y = model.variables
    return model, {"x": Kernel((), (X,), [1 - x, x]), "y": Kernel((X,), (Y,), [[1 - no, no], [1 - yes, yes]])}


def there(name: str, value: str, **world: str) -> Term:
    return Term(name, (value,), world=tuple(Do(n, v) for n, v in world.items()))


@settings(deadline=None)
@given(st.fractions(0, 1, max_denominator=12), st.fractions(0, 1, max_denominator=12))
def test_necessity_and_sufficiency(yes: Fraction, no: Fraction) -> None:
    """Tian and Pearl (2000), theorem 2 with exogenous X: probabilities of necessity, of sufficiency, and of both."""
    model, tables = two(yes, no)
    both = Query((there("Y", "1", X="1"), there("Y", "0", X="0")))
    assert ends(bounds(model, tables, both, exact=True)) == (max(Fraction(0), yes - no), min(yes, 1 - no))
    if yes:
        necessary = Query((there("Y", "0", X="0"),), (there("X", "1"), there("Y", "1")))
        wanted = max(Fraction(0), (yes - no) / yes), min(Fraction(1), (1 - no) / yes)
        assert ends(bounds(model, tables, necessary, exact=True)) == wanted
    if no < 1:
        sufficient = Query((there("Y", "1", X="1"),), (there("X", "0"), there("Y", "0")))
        wanted = max(Fraction(0), (yes - no) / (1 - no)), min(Fraction(1), yes / (1 - no))
        assert ends(bounds(model, tables, sufficient, exact=True)) == wanted


def test_a_hidden_cause_is_shared() -> None:
    """With a confounder the bounds are those of each of its values, put together: H is the same in both worlds."""
    model = CausalModel.from_edges([("X", "Y")], [("X", "Y")], domains=2)
    X, Y, H = model.variables
    yes = [[Fraction(2, 3), Fraction(1, 5)], [Fraction(1, 2), Fraction(3, 4)]]  # P(Y = 1 | x, h)
    third = Fraction(1, 3)
    tables = {
        "u_x_y": Kernel((), (H,), [third, 1 - third]),
        "x": Kernel((H,), (X,), [[HALF, HALF], [third, 1 - third]]),
        "y": Kernel((X, H), (Y,), [[[1 - p, p] for p in row] for row in yes]),
    }
    both = Query((there("Y", "1", X="1"), there("Y", "0", X="0")))
    h = tables["u_x_y"].array
    y = tables["y"].array
    low = sum(h[k] * max(Fraction(0), y[1, k, 1] - y[0, k, 1]) for k in range(2))
    high = sum(h[k] * min(y[1, k, 1], y[0, k, 0]) for k in range(2))
    found = bounds(model, tables, both, exact=True)
    assert ends(found) == (low, high)
    assert [g.inputs for g in found.found.families[0].groups] == [(0, 2), (1, 3)]


def test_what_is_the_same_however_boxes_draw_is_a_number() -> None:
    """The effect of treatment on the treated needs no more than tables where X is exogenous."""
    model, tables = two(Fraction(3, 4), Fraction(1, 4))
    found = bounds(model, tables, Query((there("Y", "1", X="0"),), (there("X", "1"),)), exact=True)
    assert found.settled
    assert ends(found) == (Fraction(1, 4), Fraction(1, 4))
    total = bounds(model, tables, Query((Term("Y", ("0", "1"), world=(Do("X", "0"),)), there("Y", "1"))), exact=True)
    assert total.settled
    assert total.low.array[()] == HALF


def test_axes_have_bounds_for_each_place() -> None:
    model, tables = two(Fraction(3, 4), Fraction(1, 4))
    free = Query((Term("Y", world=(Do("X", "0"),)),), (Term("Y"),))
    found = bounds(model, tables, free, exact=True)
    assert found.low.variables == ("Y[X := 0]", "Y")
    for a, b in itertools.product("01", "01"):
        one = bounds(model, tables, Query((there("Y", a, X="0"),), (there("Y", b),)), exact=True)
        assert (found.low[a, b], found.high[a, b]) == ends(one)
    opened = Query((Term("Y", ("1",), world=(Open("X", "x"),)),), (there("Y", "0"),))
    found = bounds(model, tables, opened, exact=True)
    assert found.low.variables == ("x",)
    one = bounds(model, tables, Query((there("Y", "1", X="1"),), (there("Y", "0"),)), exact=True)
    assert (found.low["1"], found.high["1"]) == ends(one)


def test_expectations_have_bounds() -> None:
    model, tables = two(Fraction(3, 4), Fraction(1, 4))
    mean = Query((Term("Y", world=(Do("X", "0"),)),), (there("X", "1"), there("Y", "1")), expectation=True)
    event = Query((there("Y", "1", X="0"),), mean.given)
    assert ends(bounds(model, tables, mean, exact=True)) == ends(bounds(model, tables, event, exact=True))


# ---- surgery and composite mechanisms --------------------------------------------------------------------------------


def test_a_wire_that_is_cut_in_a_world_leaves_the_box_the_same() -> None:
    """The uniform state is new, the box is not: it draws as it does in the actual world."""
    model, tables = two(Fraction(3, 4), Fraction(1, 4))
    cut = Query((Term("Y", ("0",), world=(CutWire("X", "Y"),)), there("Y", "1")))
    assert ends(bounds(model, tables, cut, exact=True)) == (Fraction(1, 8), Fraction(1, 4))
    told = Query((Term("Y", ("0",), world=(DoWire("X", "Y", "0"),)), there("Y", "1"), there("X", "1")))
    done = Query((there("Y", "0", X="0"), there("Y", "1"), there("X", "1")))
    assert ends(bounds(model, tables, told, exact=True)) == ends(bounds(model, tables, done, exact=True))


def test_a_state_that_the_question_puts_on_a_wire_is_the_same_in_all_worlds() -> None:
    model = CausalModel.from_edges([("X", "Y"), ("Z", "Y")], domains=2)
    X, Y, Z = model.variables
    half = [HALF, HALF]
    copy = np.array([[[1, 0], [1, 0]], [[0, 1], [0, 1]]])  # of X
    tables = {"x": Kernel((), (X,), half), "z": Kernel((), (Z,), half), "y": Kernel((X, Z), (Y,), copy.astype(object))}
    query = Query((there("Y", "1", Z="0"), there("Y", "1", Z="1")), (), (CutWire("X", "Y"),))
    found = bounds(model, tables, query, exact=True)
    assert found.settled
    assert ends(found) == (HALF, HALF)
    again = Term("Y", ("1",), world=(DoWire("X", "Y", "1"), Do("Z", "1")))
    more = Query((again, there("Y", "1", Z="0"), there("Y", "1", Z="1")), (), (CutWire("X", "Y"),))
    with pytest.raises(QueryError, match="W001"):  # one world acts on that wire once more
        bounds(model, tables, more)


def test_boxes_of_one_mechanism_draw_each_by_itself() -> None:
    """X -> f -> g -> Y: two boxes, the second of them with a private coin."""
    X, Y, M = (Object(n, ("0", "1")) for n in "XYM")
    f, g, coin = Box("f", (X,), (M,)), Box("g", (M, M), (Y,)), Box("coin", (), (M,))
    builder = Builder((X,))
    (m,) = builder.apply(f, (0,))
    (c,) = builder.apply(coin, ())
    inner = builder.freeze(builder.apply(g, (m, c)))
    root = Mechanism.of_box(Box("x", (), (X,)))
    model = CausalModel((X, Y), {"X": root, "Y": Mechanism(("X",), inner)})
    same = [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]  # exclusive or
    rows = [[Fraction(3, 4), Fraction(1, 4)], [HALF, HALF]]
    tables = {
        "x": Kernel((), (X,), [HALF, HALF]),
        "f": Kernel((X,), (M,), rows),
        "coin": Kernel((), (M,), [Fraction(2, 3), Fraction(1, 3)]),
        "g": Kernel((M, M), (Y,), np.array(same, dtype=object)),
    }
    differ = Query((there("Y", "1", X="1"), there("Y", "0", X="0")))
    found = bounds(model, tables, differ, exact=True)
    # The coin is shared, so Y differs in this way if f rises and the coin is 0, or f falls and the coin is 1.
    rises = [HALF - t for t in (Fraction(0), Fraction(1, 4))]  # between 1/4 and 1/2
    values = [r * Fraction(2, 3) + (r - Fraction(1, 4)) * Fraction(1, 3) for r in rises]
    assert ends(found) == (min(values), max(values))
    laws = [(f, found.ends[0][0].laws[0] if f in found.found.families else f.only_law()) for f in found.found.copied]
    made, numbers = functional_model(model, tables, laws)
    assert len(made.mechanisms["Y"].diagram.nodes) == 1
    assert answer(made, numbers, differ, exact=True).array[()] == min(values)


def test_cut_is_one_state_for_all_worlds() -> None:
    model, tables = two(Fraction(3, 4), Fraction(1, 4))
    query = Query((there("Y", "1", X="1"), Term("X", ("0",))), (), (Cut("X"),))
    assert ends(bounds(model, tables, query, exact=True)) == (Fraction(3, 8), Fraction(3, 8))


# ---- several boxes ---------------------------------------------------------------------------------------------------


def chain(rnd: random.Random) -> tuple[CausalModel, dict[str, Kernel]]:
    model = CausalModel.from_edges([("X", "M"), ("M", "Y"), ("X", "Y")], domains=2)
    return model, random_tables(model, rnd)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**9))
def test_two_boxes_together(seed: int) -> None:
    """Against all pairs of vertices: what changes through M, and what changes besides."""
    rnd = random.Random(seed)
    model, tables = chain(rnd)
    query = Query((there("Y", "1", X="1"), there("Y", "0", X="0")), (there("M", rnd.choice("01")),) * rnd.randint(0, 1))
    found = bounded(model, tables, query)
    if found is None:
        return
    assert found.sharp, (ends(found), found.attained)
    choices = []
    for f in found.found.families:
        choices.append([np.array(q, dtype=object) for q in vertices(Polytope(*f.margins()))])
    values = []
    for laws in itertools.product(*choices):
        above, below = found.found.above, found.found.below
        for q in laws:
            above, below = (np.tensordot(q, np.asarray(t), axes=(0, 0)) for t in (above, below))
        if np.asarray(below)[()]:
            values.append(np.asarray(above)[()] / np.asarray(below)[()])
    assert ends(found) == (min(values), max(values))


def test_what_a_relaxation_does_not_see_a_search_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The game of Clauser, Horne, Shimony and Holt (1969): two boxes with two groups of inputs each.

    V is Y + Z + X H K modulo 2. That V stays 1 when X is set to 0 and to 1 has a probability of at most 1/2 * 3/4, as
    the laws of two boxes are independent. The relaxation does not see it: there, as in a box of Popescu and Rohrlich,
    margins are right and no more. Without a search it is said that the bounds may not be sharp.
    """
    edges = [(a, b) for b, heard in (("Y", "XH"), ("Z", "XK"), ("V", "YZXHK")) for a in heard]
    model = CausalModel.from_edges(edges, domains=2, nodes=["X", "H", "K"])
    objects = {x.name: x for x in model.variables}
    tables = {n.lower(): Kernel((), (objects[n],), [HALF, HALF]) for n in "XHK"}
    for n in "YZ":
        b = model.mechanisms[n].diagram.nodes[0].box
        tables[b.name] = Kernel(b.dom, b.cod, np.full((2, 2, 2), HALF, dtype=object))
    b = model.mechanisms["V"].diagram.nodes[0].box
    array = np.zeros([2] * 6, dtype=object)
    for at in itertools.product(range(2), repeat=5):
        value = dict(zip((x.name for x in b.dom), at, strict=True))
        array[(*at, (value["Y"] + value["Z"] + value["X"] * value["H"] * value["K"]) % 2)] = Fraction(1)
    tables["v"] = Kernel(b.dom, b.cod, array)
    query = Query((there("V", "1", X="0"), there("V", "1", X="1")))
    assert ends(bounds(model, tables, query, exact=True)) == (Fraction(1, 8), Fraction(3, 8))
    assert bounds(model, tables, query, exact=True).sharp
    monkeypatch.setattr(branching, "_MOST_PIECES", 0)
    found = bounds(model, tables, query, exact=True)
    assert not found.sharp
    assert found.attained[1].array[()] == Fraction(3, 8)
    assert found.high.array[()] == pytest.approx(0.5)
    assert found.attained[0].array[()] == Fraction(1, 8)


# ---- merged outputs, and choices for each combination ----------------------------------------------------------------


def unmerged(family: Family, axis: int, *tables: object) -> Merged:
    return Merged(family, family, np.arange(family.size), tuple(g.functions for g in family.groups))


def forked(rnd: random.Random) -> tuple[CausalModel, dict[str, Kernel]]:
    """X goes into M and, with M, into Y, which have two or three values."""
    domains = {"X": 2, "M": rnd.choice((2, 3)), "Y": rnd.choice((2, 3))}
    model = CausalModel.from_edges([("X", "M"), ("X", "Y"), ("M", "Y")][:: rnd.choice((1, 2))], domains=domains)
    return model, random_tables(model, rnd)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9))
def test_merging_loses_nothing(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Outputs that a question does not tell apart are one: the bounds are those without that, fraction by fraction."""
    rnd = random.Random(seed)
    model = random_shape(rnd, rnd.randint(1, 3), wide=True)
    tables = random_tables(model, rnd)
    query = asked(rnd, model)
    with monkeypatch.context() as patched:
        patched.setattr(module, "merge", unmerged)
        try:
            whole = bounded(model, tables, query)
        except LimitError:
            return
    found = bounded(model, tables, query)
    if whole is None or found is None:
        assert found is whole
    elif whole.sharp and found.sharp:
        assert ends(found) == ends(whole)
    else:
        assert ends(whole)[0] - 1e-8 <= ends(found)[0] <= ends(found)[1] <= ends(whole)[1] + 1e-8


def test_what_is_merged() -> None:
    """An event is there or not: of 40 outputs two are left. What is asked for all its values stays as it is."""
    model = CausalModel.from_edges([("X", "Y")], domains={"X": 2, "Y": 6})
    tables = random_tables(model, random.Random(4))
    some = ("0", "3")
    event = Query((Term("Y", some, world=(Do("X", "0"),)), Term("Y", some, world=(Do("X", "1"),))))
    found = coefficients(model, tables, event, exact=True)
    assert found.families[0].size == 4
    free = Query((Term("Y", world=(Do("X", "0"),)), Term("Y", world=(Do("X", "1"),))))
    found = coefficients(model, tables, free, exact=True)
    (family,) = found.families
    assert family.size == math.prod(np.count_nonzero(family.table, axis=1))
    assert not merge(family, 2, found.above).fewer
    above = found.above[1:, 1:].sum(axis=(0, 1))  # whether both are another output than the first
    merged = merge(family, 0, above)
    assert merged.family.size == 4
    law = merged.family.only_law()
    assert all(p == q for p, q in zip(merged.expanded(law), family.only_law(), strict=True))


# ---- groups that overlap ---------------------------------------------------------------------------------------------


def starred(rnd: random.Random) -> tuple[CausalModel, dict[str, Kernel], Query]:
    """X and Z go into Y; Y is seen, and asked for where X is set: inputs with other values of X do not meet."""
    domains = {"X": 3, "Z": rnd.choice((2, 2, 3)), "Y": rnd.choice((2, 2, 3))}
    edges = [("X", "Y"), ("Z", "Y"), *[("X", "Z")] * rnd.randint(0, 1)]
    model = CausalModel.from_edges(edges, domains=domains)
    values = model.object("Y").values or ()
    term = Term("Y", tuple(rnd.sample(values, rnd.randint(1, 2))), world=(Do("X", rnd.choice("012")),))
    more = (there("X", rnd.choice("012")),) * rnd.randint(0, 1)
    return model, random_tables(model, rnd), Query((term, *more), (there("Y", rnd.choice(values)),))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9))
def test_groups_that_overlap_lose_nothing(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The bounds are those over all functions on all inputs, fraction by fraction, and so they are in floats; models
    attain them and have the tables."""
    model, tables, query = starred(random.Random(seed))
    try:
        whole = bounded(model, tables, query)
    except LimitError:
        return
    monkeypatch.setattr(response, "MOST_WHOLE", 0)
    found, floats = bounded(model, tables, query), bounded(model, in_floats(tables), query, exact=False)
    if whole is None or found is None or floats is None:
        assert whole is found is floats
        return
    if whole.sharp and found.sharp:
        assert ends(found) == ends(whole), str(query)
    assert len(whole.found.families) > 1 or (whole.sharp and found.sharp)
    assert np.allclose([float(x) for x in ends(found)], [float(x) for x in ends(floats)], atol=1e-7)
    check_models(model, tables, query, found)


def test_many_inputs_in_few_groups() -> None:
    """Of the inputs of a box, as many as its cause has values, only pairs meet, and these are independent.

    Where X is set to 0, the bounds of each other value of X are those of Frechet, put together.
    """
    model = CausalModel.from_edges([("X", "Y")], domains={"X": 16, "Y": 3})
    tables = random_tables(model, random.Random(2))
    tables["x"] = Kernel((), tables["x"].cod, [Fraction(k + 1, 136) for k in range(16)])
    x, y = (tables[n].array for n in "xy")
    query = Query((there("Y", "1", X="0"),), (there("Y", "0"),))
    found = bounds(model, tables, query, exact=True)
    assert found.found.families[0].size <= 15 * 6 < MOST_FUNCTIONS < 2**15
    seen = sum(x[k] * y[k, 0] for k in range(16))
    high = sum(x[k] * min(y[0, 1], y[k, 0]) for k in range(1, 16)) / seen
    low = sum(x[k] * max(Fraction(0), y[0, 1] + y[k, 0] - 1) for k in range(1, 16)) / seen
    assert ends(found) == (low, high)
    check_models(model, tables, query, found)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9))
def test_junction_trees(seed: int) -> None:
    """Every edge is in a clique; what a clique has in common with those before it is in the one that it hangs on."""
    rnd = random.Random(seed)
    size = rnd.randint(1, 9)
    pairs = [p for p in itertools.product(range(size), repeat=2) if rnd.random() < 0.25]
    tree = junction_tree({v: rnd.choice((1, 2, 3)) for v in range(size)}, pairs)
    cliques = [set(c) for c, _ in tree]
    assert set().union(*cliques) == set(range(size))
    assert all(any({a, b} <= c for c in cliques) for a, b in pairs)
    assert not any(c < d for c in cliques for d in cliques)
    for k, (clique, parent) in enumerate(tree):
        before = set().union(*cliques[:k]) & set(clique)
        assert not before if parent is None else parent < k and before <= cliques[parent]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9))
def test_what_is_evened_is_the_same_for_every_law(seed: int) -> None:
    rnd = random.Random(seed)
    model = CausalModel.from_edges([("X", "Y")], domains={"X": rnd.choice((2, 3)), "Y": rnd.choice((2, 3))})
    tables = random_tables(model, rnd)
    free = Query((Term("Y", world=(Do("X", "0"),)), Term("Y", world=(Do("X", "1"),))))
    found = coefficients(model, tables, free, exact=True)
    if not found.families:
        return
    (family,) = found.families
    before = np.array([Fraction(rnd.randint(0, 3)) for _ in range(family.size)], dtype=object)
    functions = family.groups[0].functions
    unary = np.array([[rnd.randint(0, 5) for _ in range(3)] for _ in range(functions.shape[1])])
    added = unary[np.arange(functions.shape[1]), functions].sum(axis=1)
    for table, even in ((before, False), (before * 0 + added, True)):
        after = evened(family, 0, table)
        assert not even or len(set(after)) == 1
        costs = [Fraction(rnd.randint(-5, 5)) for _ in range(family.size)]
        law = vertex(Polytope(*family.margins()), costs)
        assert _dot(list(law), list(table)) == _dot(list(law), list(after))


def check_models(model: CausalModel, tables: dict[str, Kernel], query: Query, found: Bounds) -> None:
    """The models at both ends have what is attained, and the tables."""
    for end in found.ends[0]:
        given_laws = dict(zip((f.response.latent for f in found.found.families), end.laws, strict=True))
        laws = [(f, given_laws.get(f.response.latent, f.only_law())) for f in found.found.copied]
        made, numbers = functional_model(model, tables, laws)
        assert answer(made, numbers, query, exact=True).array[()] == end.attained
        for v in model.names:
            seen = Query((Term(v),), (), tuple(Open(p) for p in model.parents(v)))
            assert answer(made, numbers, seen, exact=True) == answer(model, tables, seen, exact=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9))
def test_choices_bound_from_outside(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """With too many combinations for one relaxation the bounds are no narrower, and the same models are found."""
    rnd = random.Random(seed)
    model, tables = forked(rnd)
    y = model.object("Y").values or ()
    query = Query(
        (there("Y", rnd.choice(y), X="1"),),
        (there("Y", rnd.choice(y), X="0"), *[there("M", rnd.choice("01"), X="1")] * rnd.randint(0, 1)),
    )
    try:
        whole = bounded(model, tables, query)
    except LimitError:
        return
    if whole is None or len(whole.found.families) < 2:
        return
    monkeypatch.setattr(module, "MOST_LIFTED", max(f.size for f in whole.found.families))
    far = bounded(model, tables, query)
    assert far is not None
    for one, other, sign in zip(far.ends[0], whole.ends[0], (-1, 1), strict=True):
        assert sign * (one.bound - other.bound) >= -1e-8, str(query)
        assert abs(one.attained - other.attained) <= 1e-8
        assert sign * (one.bound - one.attained) >= 0


def test_no_choice_is_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    model = CausalModel.from_edges([("X", "M"), ("M", "Y")], domains=2)
    made = random_tables(model, random.Random(5))
    even = np.full((2, 2), HALF, dtype=object)
    tables = {**made, **{n: Kernel(made[n].dom, made[n].cod, even) for n in ("m", "y")}}
    query = Query((there("Y", "1", X="1"), there("Y", "0", X="0")))
    assert len(bounds(model, tables, query, exact=True).found.families) == 2
    monkeypatch.setattr(module, "MOST_LIFTED", 1)
    with pytest.raises(LimitError, match="L003"):
        bounds(model, tables, query, exact=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_vertices_are_those_of_a_search(seed: int) -> None:
    rnd = random.Random(seed)
    rows = [[Fraction(w, 12) for w in rnd.choice(((6, 6), (12, 0), (5, 7), (4, 4, 4), (1, 2, 9)))] for _ in range(2)]
    width = max(map(len, rows))
    rows = [[*r, *[Fraction(0)] * (width - len(r))] for r in rows]
    kernel = Kernel((Object("X", ("a", "b")),), (Object("Y", tuple(map(str, range(width)))),), rows)
    _, p = whole_functions(kernel)
    found = {tuple(map(float, q)) for q in vertices(p)}
    listed = relaxation.vertices(Polytope(p.rows, [float(x) for x in p.numbers]))
    assert {tuple(map(float, q)) for q in listed.round(9)} == {tuple(np.array(q).round(9)) for q in found}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**9))
def test_a_search_finds_the_extremes_over_all_corners(seed: int) -> None:
    """Of any quotient of multilinear functions, in several laws with several parts each, against all corners."""
    rnd = random.Random(seed)
    parts = [[random_part(rnd) for _ in range(rnd.randint(1, 2))] for _ in range(rnd.choice((2, 2, 3)))]
    corners = {j: relaxation.corners(these) for j, these in enumerate(parts)}
    points = [[part.points for part in corners[j]] for j in range(len(parts))]
    whole = [[np.concatenate(c) for c in itertools.product(*these)] for these in points]
    shape = [len(laws[0]) for laws in whole]
    draw = np.random.default_rng(seed)
    below = draw.integers(0, 3, shape).astype(float) if rnd.random() < 0.5 else np.ones(shape)
    above = below * draw.integers(0, 2, shape)
    values = []
    if math.prod(map(len, whole)) > 3_000:
        return
    for laws in itertools.product(*whole):
        top, bottom = above, below
        for q in laws:
            top, bottom = np.tensordot(q, top, axes=(0, 0)), np.tensordot(q, bottom, axes=(0, 0))
        if bottom > 1e-12:
            values.append(float(top / bottom))
    if not values:
        return
    last = len(parts) - 1
    polytope = Polytope(_blocks([p.rows for p in parts[last]]), [x for p in parts[last] for x in p.numbers])
    free = {j: c for j, c in corners.items() if j != last}
    for sign in (-1, 1):
        truth = sign * max(sign * v for v in values)
        worst = sign * min(sign * v for v in values)
        got = branching.search(
            free,
            relaxation.Lifted((polytope,)),
            above,
            below,
            sign,
            (sign * 10.0, worst),
            lambda _, known=worst: known,
            1e-9,
        )  # no model is found on the way: then the bound comes down to what the corners have
        assert sign * (got - truth) >= -1e-9
        assert got == pytest.approx(truth, abs=1e-7)


def random_part(rnd: random.Random) -> Polytope:
    """The laws of the functions on one, two or three inputs with two or three outputs."""
    widths = rnd.choice(((2,), (2, 2), (3, 2), (2, 2, 2)))
    functions = np.array(list(itertools.product(*map(range, widths))))
    rows, numbers = [np.ones(len(functions), dtype=int)], [1.0]
    for i, width in enumerate(widths):
        weights = [rnd.randint(1, 6) for _ in range(width)]
        for o in range(width - 1):
            rows.append((functions[:, i] == o).astype(int))
            numbers.append(weights[o] / sum(weights))
    return Polytope(np.array(rows), numbers)


def _blocks(rows: list[np.ndarray]) -> np.ndarray:
    """Matrices along a diagonal."""
    made = np.zeros((sum(len(r) for r in rows), sum(r.shape[1] for r in rows)), dtype=int)
    at = [0, 0]
    for r in rows:
        made[at[0] : at[0] + len(r), at[1] : at[1] + r.shape[1]] = r
        at = [at[0] + len(r), at[1] + r.shape[1]]
    return made


# ---- sizes and limits ------------------------------------------------------------------------------------------------


def test_only_inputs_that_can_be_met_count() -> None:
    """A box with three inputs has 2^8 functions; where two of them are fixed, or seen, it has 2^2."""
    model = CausalModel.from_edges([("A", "Y"), ("B", "Y"), ("C", "Y")], domains=2)
    tables = random_tables(model, random.Random(7))
    tables["y"] = Kernel(tables["y"].dom, tables["y"].cod, np.full((2, 2, 2, 2), HALF, dtype=object))
    seen = (there("B", "0"), there("C", "1"))
    world = Term("Y", ("1",), world=(Do("A", "1"), Do("B", "0"), Do("C", "1")))
    found = coefficients(model, tables, Query((world,), (there("A", "0"), there("Y", "0"), *seen)), exact=True)
    assert [f.size for f in found.families] == [4]
    # With B and C free but the same in both worlds, there is a group for each of their values.
    world = Term("Y", ("1",), world=(Do("A", "1"),))
    found = coefficients(model, tables, Query((world,), (there("A", "0"), there("Y", "0"))), exact=True)
    assert [len(g.functions) for g in found.families[0].groups] == [4, 4, 4, 4]


def test_too_many_functions_are_refused() -> None:
    domains = {"X": 20, "Y": 3}
    model = CausalModel.from_edges([("X", "Y")], domains=domains)
    tables = random_tables(model, random.Random(1))
    X, Y = model.variables
    even = Kernel((X,), (Y,), np.full((20, 3), Fraction(1, 3), dtype=object))
    terms = tuple(there("Y", "0", X=str(k)) for k in range(14))
    with pytest.raises(LimitError) as e:
        bounds(model, {**tables, "y": even}, Query(terms), exact=True)
    assert e.value.diagnostic.code == "L003"
    assert "`y` may be one of 16,384 functions" in e.value.diagnostic.message
    assert MOST_FUNCTIONS < 2**14


def test_many_values_exactly() -> None:
    """Two inputs and 40 outputs: 1600 functions. The chance of the same output is at most the overlap of the rows."""
    model = CausalModel.from_edges([("X", "Y")], domains={"X": 2, "Y": 40})
    X, Y = model.variables
    rnd = random.Random(3)
    weights = [[rnd.randint(1, 9) for _ in range(40)] for _ in range(2)]
    rows = [[Fraction(w, sum(row)) for w in row] for row in weights]
    tables = {"x": Kernel((), (X,), [HALF, HALF]), "y": Kernel((X,), (Y,), rows)}
    low = tuple(map(str, range(20)))
    query = Query((Term("Y", low, world=(Do("X", "0"),)), Term("Y", low, world=(Do("X", "1"),))))
    a, b = (sum(row[:20]) for row in rows)
    assert ends(bounds(model, tables, query, exact=True)) == (max(Fraction(0), a + b - 1), min(a, b))


def test_two_boxes_in_fractions_with_groups_that_overlap() -> None:
    """Whole functions would be 27 times 512 combinations, more than fractions are for."""
    model = CausalModel.from_edges([("X", "Z"), ("X", "Y"), ("Z", "Y")], domains={"X": 3, "Z": 3, "Y": 3})
    tables = random_tables(model, random.Random(0))
    for name in tables:
        b = tables[name]
        weights = [[Fraction(1 + (3 * k + 5 * n) % 7) for n in range(3)] for k in range(b.array.size // 3)]
        rows = np.array([[w / sum(row) for w in row] for row in weights], dtype=object)
        tables[name] = Kernel(b.dom, b.cod, rows.reshape(b.array.shape))
    query = Query((Term("Y", ("0", "1"), world=(Do("X", "0"),)),), (there("Y", "2"),))
    found = bounds(model, tables, query, exact=True)
    assert [f.overlapping for f in found.found.families] == [True, True]
    floats = bounds(model, in_floats(tables), query)
    for one, other in zip(found.ends[0], floats.ends[0], strict=True):
        assert float(one.bound) == pytest.approx(other.bound, abs=1e-7)
        assert float(one.attained) == pytest.approx(other.attained, abs=1e-7)
    check_models(model, tables, query, found)


def test_too_many_equations_for_fractions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EQUATIONS", 2)
    model, tables = two(Fraction(3, 4), Fraction(1, 4))
    query = Query((there("Y", "1", X="1"), there("Y", "0", X="0")))
    with pytest.raises(LimitError, match="L003") as e:
        bounds(model, tables, query, exact=True)
    assert "`y` are 3 equations" in e.value.diagnostic.message
    assert bounds(model, in_floats(tables), query).sharp


# ---- programs --------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9))
def test_exact_optimum_is_that_of_all_vertices(seed: int) -> None:
    rnd = random.Random(seed)
    weights = [[rnd.choice((0, 1, 1, 2, 7)) for _ in range(2)] for _ in range(rnd.randint(1, 3))]
    rows = [[Fraction(w, sum(row)) for w in row] if sum(row) else [HALF, HALF] for row in weights]
    kernel = Kernel((Object("X", tuple("abc"[: len(rows)])),), (Object("Y", ("0", "1")),), rows)
    _, p = whole_functions(kernel)
    n = p.rows.shape[1]
    below = [Fraction(rnd.choice((0, 0, 1, 3))) for _ in range(n)]
    above = [b * rnd.choice((0, 1)) for b in below]
    corners = list(vertices(p))
    for sign in (-1, 1):
        found = largest_quotient(p, above, below, sign)
        values = [_dot(above, q) / _dot(below, q) for q in corners if _dot(below, q)]
        assert (None if found is None else sign * found.value) == max((sign * v for v in values), default=None)
    costs = [Fraction(rnd.randint(-5, 5)) for _ in range(n)]
    assert _dot(costs, vertex(p, costs)) == min(_dot(costs, q) for q in corners)


def _dot(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(one, other, strict=True)), Fraction(0))


def test_a_misled_solver_is_put_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever vertex or verdict floating point comes back with, the answer in fractions is the optimum."""
    from semantics import optimum

    model, tables = two(Fraction(3, 4), Fraction(1, 4))
    query = Query((there("Y", "1", X="1"), there("Y", "0", X="0")))
    right = ends(bounds(model, tables, query, exact=True))
    solve = optimum.solve

    def worst(costs: Sequence[object], matrix: object, numbers: Sequence[object]) -> object:
        return solve([-c for c in costs], matrix, numbers)  # type: ignore[operator]

    monkeypatch.setattr(optimum, "solve", worst)
    assert ends(bounds(model, tables, query, exact=True)) == right

    class Infeasible:
        status, x = 2, None

    monkeypatch.setattr(optimum, "solve", lambda *_: Infeasible)
    assert ends(bounds(model, tables, query, exact=True)) == right
