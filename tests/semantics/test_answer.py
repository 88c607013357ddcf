"""Answers to questions, against plain enumeration and against published numbers."""

from __future__ import annotations

import random
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from semantics.answer import answer, joint
from semantics.arithmetic import Logarithms
from semantics.kernel import Kernel, Tables
from semantics.strategies import models
from strings.diagnostic import CutwireError, LimitError, QueryError, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Cut, Do, DoWire, Open, operate
from tests.semantics.brute import brute_answer, in_floats, left_free_twice, random_query, random_tables

F = Fraction


@settings(max_examples=400, deadline=None)
@given(models(max_size=5, max_latents=2), st.integers(0, 10**6))
def test_answers_equal_enumeration(model: CausalModel, seed: int) -> None:
    """Any question after any surgery has exactly the answer that enumerating all assignments gives."""
    rnd = random.Random(seed)
    tables = random_tables(model, rnd)
    query = random_query(model, tables, rnd)
    if left_free_twice(query):
        with pytest.raises(QueryError) as refused:
            answer(model, tables, query, exact=True)
        assert refused.value.diagnostic.code == "Q003"
        return
    wanted = brute_answer(model, tables, query)
    if wanted is None:
        event("zero probability")
        for numbers, exact in ((tables, True), (in_floats(tables), False)):
            with pytest.raises(ZeroProbabilityError) as none:
                answer(model, numbers, query, exact=exact)
            assert none.value.diagnostic.code == "Q002"
        return
    event("answered")
    assert answer(model, tables, query, exact=True) == wanted
    floats = answer(model, in_floats(tables), query)
    assert floats.variables == wanted.variables
    np.testing.assert_allclose(floats.array, wanted.array.astype(float), atol=1e-12, rtol=0)


@settings(max_examples=60, deadline=None)
@given(models(min_size=3, max_size=4, max_values=2), st.data(), st.integers(0, 10**6))
def test_several_wires_on_one_axis(model: CausalModel, data: st.DataObject, seed: int) -> None:
    """Values left free on several wires may share an axis, with each other and with a variable."""
    wires = [(p, n) for n in model.names for p in model.mechanisms[n].parents]
    if not wires:
        return
    chosen = data.draw(st.lists(st.sampled_from(wires), min_size=1, max_size=3, unique=True))
    tables = random_tables(model, random.Random(seed))
    done = tuple(DoWire(p, n, None, "v") for p, n in chosen)
    query = Query((Term(model.names[0]), Term(model.names[1], axis="v")), (), done)
    assert answer(model, tables, query, exact=True) == brute_answer(model, tables, query)


@settings(max_examples=80, deadline=None)
@given(models(max_size=4), st.integers(0, 10**6))
def test_logarithms_answer_alike(model: CausalModel, seed: int) -> None:
    """The arithmetic that takes over where floats underflow gives the same answers and the same errors."""
    rnd = random.Random(seed)
    tables = random_tables(model, rnd)
    query = random_query(model, tables, rnd)
    if left_free_twice(query):
        return
    wanted = brute_answer(model, tables, query)
    with patch("semantics.answer.Floats", Logarithms):
        if wanted is None:
            with pytest.raises(ZeroProbabilityError):
                answer(model, in_floats(tables), query)
        else:
            found = answer(model, in_floats(tables), query).array
            np.testing.assert_allclose(found, wanted.array.astype(float), atol=1e-12, rtol=0)


def yes_no(*names: str) -> list[Object]:
    return [Object(n, ("no", "yes")) for n in names]


def flip(p: F) -> list[F]:
    return [1 - p, p]


def confounded(joint_stc: list[F]) -> tuple[CausalModel, Tables]:
    """A latent model H -> S -> T -> C, H -> C with a given joint of S, T, C (component order 000, 001, …, 111).

    H says what S is and, for each value of T, what C will be; so C hears S through H only.
    """
    p = np.array(joint_stc, dtype=object).reshape(2, 2, 2)
    S, T, C = yes_no("S", "T", "C")
    cases = [(s, c0, c1) for s in range(2) for c0 in range(2) for c1 in range(2)]
    H = Object("H", tuple(f"{s}{c0}{c1}" for s, c0, c1 in cases))
    p_s = p.sum(axis=(1, 2))
    p_c = p / p.sum(axis=2, keepdims=True)
    h = [p_s[s] * p_c[s, 0, c0] * p_c[s, 1, c1] for s, c0, c1 in cases]
    s_of_h = [flip(F(s)) for s, _, _ in cases]
    c_of_th = [[flip(F((c0, c1)[t])) for _, c0, c1 in cases] for t in range(2)]
    boxes = [Box("h", (), (H,)), Box("s", (H,), (S,)), Box("t", (S,), (T,)), Box("c", (T, H), (C,))]
    t_of_s = p.sum(axis=2) / p_s[:, None]
    arrays = {"h": h, "s": s_of_h, "t": t_of_s, "c": c_of_th}
    tables = {b.name: Kernel(b.dom, b.cod, arrays[b.name]) for b in boxes}
    return CausalModel.from_boxes((H, S, T, C), boxes, ["H"]), tables


SURVEYS = {
    "scientist": (".5 .1 .01 .02 .1 .05 .02 .2", F(4, 21), F(25, 37), F(8783, 34650), F(4013, 7400)),
    "company": (".14 .05 .16 .05 .1 .21 .1 .19", F(1, 4), F(2, 3), F(449, 899), F(599, 1197)),
    "sign flips": (".3 .05 .2 .05 .05 .05 .25 .05", F(1, 6), F(1, 4), F(11, 45), F(37, 175)),
}


@pytest.mark.parametrize("survey", SURVEYS)
def test_smoking_with_its_latent_variable(survey: str) -> None:
    """Seeing and doing in the smoking example give the published fractions, and floats agree to 1e-12."""
    numbers, seen_no, seen_yes, done_no, done_yes = SURVEYS[survey]
    model, tables = confounded([F(x) for x in numbers.split()])
    yes = (Term("C", ("yes",)),)
    seen = answer(model, tables, Query(yes, (Term("S"),)), exact=True)
    done = answer(model, tables, Query(yes, (), (Open("S"),)), exact=True)
    assert (seen["no"], seen["yes"]) == (seen_no, seen_yes)
    assert (done["no"], done["yes"]) == (done_no, done_yes)
    assert answer(model, tables, Query(yes, (), (Do("S", "yes"),)), exact=True)[()] == done_yes
    cut = answer(model, tables, Query(yes, (Term("S", ("yes",)),), (Cut("S"),)), exact=True)
    assert cut[()] == done_yes
    floats = answer(model, in_floats(tables), Query(yes, (), (Open("S"),)))
    assert floats["yes"] == pytest.approx(float(done_yes), abs=1e-12)


def test_joint_after_the_cut() -> None:
    """The state after cutting S is the published one: uniform on S, then the comb with the channel refilled."""
    model, tables = confounded([F(x) for x in SURVEYS["scientist"][0].split()])
    after = joint(operate(model, Cut("S")), tables, ["S", "T", "C"], exact=True)
    wanted = "463/1260 137/1260 67/11550 104/5775 463/2960 137/2960 67/925 208/925"
    assert list(after.array.flat) == [F(x) for x in wanted.split()]


def party() -> tuple[CausalModel, Tables]:
    """The party of Balke and Pearl (1994): every variable is a function of what it hears and a hidden disposition."""
    A, B, C, S = yes_no("A", "B", "C", "S")
    RA = Object("RA", ("0", "1"))
    RB, RC, RS = (Object(n, ("0", "1", "2")) for n in ("RB", "RC", "RS"))
    functions = {
        "b": lambda a, r: (0, a, 1 - a)[r],
        "c": lambda a, r: (0, 1 - a, 1)[r],
        "s": lambda b, c, r: (0, b & c, int(b == c))[r],
    }
    boxes = [Box("ra", (), (RA,)), Box("rb", (), (RB,)), Box("rc", (), (RC,)), Box("rs", (), (RS,))]
    boxes += [Box("a", (RA,), (A,)), Box("b", (A, RB), (B,)), Box("c", (A, RC), (C,)), Box("s", (B, C, RS), (S,))]
    arrays: dict[str, object] = {
        "ra": [F(40, 100), F(60, 100)],
        "rb": [F(7, 100), F(90, 100), F(3, 100)],
        "rc": [F(5, 100), F(85, 100), F(10, 100)],
        "rs": [F(5, 100), F(90, 100), F(5, 100)],
        "a": [flip(F(0)), flip(F(1))],
        "b": [[flip(F(functions["b"](a, r))) for r in range(3)] for a in range(2)],
        "c": [[flip(F(functions["c"](a, r))) for r in range(3)] for a in range(2)],
        "s": [[[flip(F(functions["s"](b, c, r))) for r in range(3)] for c in range(2)] for b in range(2)],
    }
    tables = {b.name: Kernel(b.dom, b.cod, arrays[b.name]) for b in boxes}
    model = CausalModel.from_boxes((RA, RB, RC, RS, A, B, C, S), boxes, ["RA", "RB", "RC", "RS"])
    return model, tables


def test_the_party() -> None:
    """Balke and Pearl's party has the published probabilities, seen and done."""
    model, tables = party()
    fight = (Term("S", ("yes",)),)
    assert answer(model, tables, Query(fight), exact=True)[()] == F(329, 5000)
    assert answer(model, tables, Query(fight, (Term("B", ("yes",)),)), exact=True)[()] == F(2071, 18400)
    assert answer(model, tables, Query(fight, (), (Do("B", "yes"),)), exact=True)[()] == F(209, 500)


def coin() -> tuple[CausalModel, Tables]:
    """X -> Y with P(X = yes) = 0, so that seeing X = yes is impossible."""
    X, Y = yes_no("X", "Y")
    boxes = [Box("x", (), (X,)), Box("y", (X,), (Y,))]
    tables = {
        "x": Kernel((), (X,), [F(1), F(0)]),
        "y": Kernel((X,), (Y,), [[F(1, 2), F(1, 2)], [F(1, 4), F(3, 4)]]),
    }
    return CausalModel.from_boxes((X, Y), boxes), tables


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query((Term("Y"),), (Term("X", ("yes",)),)), "`X = yes` has probability zero"),
        (Query((Term("Y"),), (Term("X"),)), "`X = yes` has probability zero"),
        (
            Query((Term("Y"),), (Term("X", ("yes",)),), (Do("X", "no"),)),
            "`X = yes` has probability zero after do(X := no)",
        ),
        (
            Query((Term("Y"),), (Term("X", ("yes",)),), (DoWire("X", "Y", None, "x"),)),
            "`X = yes` has probability zero after do(X -> Y := no)",
        ),
        (
            Query((Term("Y"),), (Term("X", ("yes",)),), (Open("X", "x"),)),
            "`X = yes` has probability zero after do(X := no)",
        ),
    ],
)
def test_impossible_conditions_are_named(query: Query, message: str) -> None:
    """A condition of probability zero is an error that names the event and the surgery, exactly and in floats."""
    model, tables = coin()
    for numbers, exact in ((tables, True), (in_floats(tables), False)):
        with pytest.raises(ZeroProbabilityError) as none:
            answer(model, numbers, query, exact=exact)
        assert none.value.diagnostic.message == message


def test_doing_differs_from_seeing_the_impossible() -> None:
    """What can never be seen can still be done."""
    model, tables = coin()
    assert answer(model, tables, Query((Term("Y", ("yes",)),), (), (Do("X", "yes"),)), exact=True)[()] == F(3, 4)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Query((Term("Z"),)), "N002"),
        (Query((Term("Y", ("Yes",)),)), "N003"),
        (Query((Term("X"),), (Term("X"),)), "Q003"),
        (Query((Term("X"),), (), (Open("X"),)), "Q003"),
        (Query((Term("X"),), (), (Do("Z", "yes"),)), "N004"),
        (Query((Term("X"),), (), (DoWire("Y", "X", "yes"),)), "N005"),
        (Query((Term("X"),), expectation=True), "Q004"),
        (Query((Term("X", ("yes",)),), expectation=True), "Q004"),
        (Query((Term("X"), Term("Y")), expectation=True), "Q004"),
    ],
)
def test_what_cannot_be_asked(query: Query, code: str) -> None:
    """Questions that make no sense for the model are refused with their code."""
    model, tables = coin()
    with pytest.raises(CutwireError) as refused:
        answer(model, tables, query, exact=True)
    assert refused.value.diagnostic.code == code


def test_boxes_without_numbers() -> None:
    """A missing table matters only if the question depends on the box; exact answers need exact tables."""
    model, tables = coin()
    only_x = {"x": tables["x"]}
    assert answer(model, only_x, Query((Term("X"),)), exact=True)["no"] == 1
    with pytest.raises(QueryError) as missing:
        answer(model, only_x, Query((Term("Y"),)), exact=True)
    assert missing.value.diagnostic.code == "Q001"
    assert "`y`" in missing.value.diagnostic.notes[0]
    with pytest.raises(QueryError) as inexact:
        answer(model, in_floats(tables), Query((Term("Y"),)), exact=True)
    assert inexact.value.diagnostic.code == "Q005"


def test_expectations() -> None:
    """The mean of a variable whose values are numbers, along the axes that are left."""
    X, N = Object("X", ("no", "yes")), Object("N", ("0", "1/2", "10"))
    boxes = [Box("x", (), (X,)), Box("n", (X,), (N,))]
    tables = {
        "x": Kernel((), (X,), [F(1, 2), F(1, 2)]),
        "n": Kernel((X,), (N,), [[F(1), F(0), F(0)], [F(1, 4), F(1, 2), F(1, 4)]]),
    }
    model = CausalModel.from_boxes((X, N), boxes)
    mean = answer(model, tables, Query((Term("N"),), (), (Open("X"),), expectation=True), exact=True)
    assert mean.variables == ("X",)
    assert (mean["no"], mean["yes"]) == (0, F(11, 4))
    assert answer(model, in_floats(tables), Query((Term("N"),), expectation=True))[()] == pytest.approx(1.375)


def test_expectations_beyond_floats() -> None:
    """A value may be a number too large for a float: exactly it is what it is, in floats the largest there is."""
    N = Object("N", ("0", "1e400"))
    model, half = CausalModel.from_boxes((N,), [Box("n", (), (N,))]), {"n": Kernel((), (N,), [F(1, 2), F(1, 2)])}
    query = Query((Term("N"),), expectation=True)
    assert answer(model, half, query, exact=True)[()] == F(10**400, 2)
    assert answer(model, in_floats(half), query)[()] > 1e307


def test_open_model_gives_a_channel() -> None:
    """An input of the model that the question does not set is an axis of the answer."""
    model, tables = coin()
    opened = operate(model, Open("X"))
    found = answer(opened, tables, Query((Term("Y"),)), exact=True)
    assert found.variables == ("Y", "X")
    assert found["yes", "yes"] == F(3, 4)
    plugged = answer(opened, tables, Query((Term("Y", ("yes",)),), (Term("X", ("yes",)),)), exact=True)
    assert plugged[()] == F(3, 4)


def chain(length: int) -> tuple[CausalModel, Tables]:
    model = CausalModel.from_edges([(f"X{i}", f"X{i + 1}") for i in range(length - 1)], domains=2)
    step, start = [[0.9, 0.1], [0.3, 0.7]], [0.5, 0.5]
    boxes = [m.diagram.nodes[0].box for m in model.mechanisms.values()]
    return model, {b.name: Kernel(b.dom, b.cod, step if b.dom else start) for b in boxes}


@pytest.mark.parametrize("length", [2, 50, 10_000])
def test_long_chains(length: int) -> None:
    """A chain of any length is no problem: neither the stack nor the plan is in the way."""
    model, tables = chain(length)
    found = answer(model, tables, Query((Term(f"X{length - 1}"),), (), (Do("X0", "1"),)))
    assert found["0"] == pytest.approx(0.75 * (1 - 0.6 ** (length - 1)), abs=1e-12)


def naive_bayes(leaves: int, right: float) -> tuple[CausalModel, Tables]:
    model = CausalModel.from_edges([("K", f"F{i}") for i in range(leaves)], domains=2)
    sees = [[right, 1 - right], [1 - right, right]]
    boxes = [m.diagram.nodes[0].box for m in model.mechanisms.values()]
    return model, {b.name: Kernel(b.dom, b.cod, sees if b.dom else [0.5, 0.5]) for b in boxes}


@pytest.mark.parametrize(("ones", "right", "odds"), [(500, 0.6, 1.0), (501, 0.9, 81.0), (500, 0.999, 1.0)])
def test_a_thousand_observations(ones: int, right: float, odds: float) -> None:
    """Evidence of probability below the smallest float is no obstacle, even where the classes differ by 1e-1500."""
    model, tables = naive_bayes(1000, right)
    seen = tuple(Term(f"F{i}", ("1" if i < ones else "0",)) for i in range(1000))
    assert answer(model, tables, Query((Term("K", ("1",)),), seen))[()] == pytest.approx(odds / (1 + odds), rel=1e-11)
    assert answer(model, tables, Query((Term("K"),), seen))["1"] == pytest.approx(odds / (1 + odds), rel=1e-11)


def test_tiny_numbers_are_not_taken_for_zero() -> None:
    """A state of relative weight 1e-400 comes back when all others are ruled out; a true zero is still an error."""
    model, tables = naive_bayes(400, 0.9)
    X, K = Object("K'", ("0", "1")), model.object("K")
    late = Box("late", (K,), (X,))
    whole = CausalModel.from_boxes(
        (*model.variables, X), [*(m.diagram.nodes[0].box for m in model.mechanisms.values()), late]
    )
    seen = (*(Term(f"F{i}", ("1",)) for i in range(400)), Term("K'", ("0",)))
    sure = dict(tables) | {"late": Kernel((K,), (X,), [[1.0, 0.0], [0.0, 1.0]])}
    assert answer(whole, sure, Query((Term("K"),), seen))["0"] == pytest.approx(1.0)
    never = dict(tables) | {"late": Kernel((K,), (X,), [[0.0, 1.0], [0.0, 1.0]])}
    with pytest.raises(ZeroProbabilityError):
        answer(whole, never, Query((Term("K"),), seen))


def test_memory_limit_is_known_beforehand() -> None:
    """A question that needs too much memory is refused from the plan, naming the widest cluster."""
    names = [f"X{i}" for i in range(40)]
    model = CausalModel.from_edges([(a, "Y") for a in names[:2]], nodes=names, domains=2)
    boxes = [m.diagram.nodes[0].box for m in model.mechanisms.values()]
    tables = {b.name: Kernel(b.dom, b.cod, np.full([2] * (len(b.dom) + 1), 0.5)) for b in boxes}
    with pytest.raises(LimitError) as refused:
        joint(model, tables, names)
    assert refused.value.diagnostic.code == "L001"
    with pytest.raises(LimitError) as refused:
        answer(model, tables, Query((Term("Y"),)), max_memory=50)
    assert "X0" in refused.value.diagnostic.notes[0]


def test_more_axes_than_an_array_has() -> None:
    """Forty variables of one value each: asked for one by one they are answered, all at once they are too many axes."""
    names = [f"X{i}" for i in range(40)]
    model = CausalModel.from_edges(nodes=names, domains=1)
    tables: Tables = {m.diagram.nodes[0].box.name: Kernel((), (x,), [F(1)]) for x, m in zip(
        model.variables, model.mechanisms.values(), strict=True)}  # fmt: skip
    assert joint(model, tables, names[:32], exact=True).array.size == 1
    with pytest.raises(LimitError) as refused:
        joint(model, tables, names, exact=True)
    assert refused.value.diagnostic.code == "L003"


def test_boxes_of_one_name_from_two_places() -> None:
    """Numbers go by the names of boxes: two boxes of one name in one model are refused, not mixed up."""
    X, Y = yes_no("X", "Y")
    model = CausalModel.from_boxes((X, Y), [Box("b", (), (X,)), Box("b", (), (Y,), origin="other.causal")])
    tables = {"b": Kernel((), (X,), [F(1), F(0)])}
    assert answer(model, tables, Query((Term("X"),)), exact=True)["no"] == 1
    with pytest.raises(CutwireError) as refused:
        answer(model, tables, Query((Term("X"), Term("Y"))), exact=True)
    assert refused.value.diagnostic.code == "M013"
    assert refused.value.diagnostic.notes == ("one comes from `other.causal`",)
