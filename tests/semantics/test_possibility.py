"""What is possible is what has positive probability: relations are the supports of kernels, and evidence that
contradicts itself is found with the fewest conditions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from semantics.answer import answer
from semantics.category import fold, interpret
from semantics.kernel import Table
from semantics.possibility import (
    Possibility,
    Relation,
    certain_array,
    impossible_evidence,
    possible_array,
    refuse_impossible,
    support,
)
from semantics.stochastic import Stochastic
from semantics.strategies import diagrams, interpreted, models, queries
from strings.diagnostic import CutwireError, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Do
from tests.semantics.test_stochastic import target

Drawn = tuple[CausalModel, dict[str, Table]]


def supports(tables: dict[str, Table]) -> dict[str, Relation]:
    return {name: support(t) for name, t in tables.items()}


@settings(max_examples=100, deadline=None)
@given(diagrams(), st.integers(0, 1000))
def test_support_is_a_functor(d: object, seed: int) -> None:
    """The relation of a diagram is the support of its kernel, contracted or folded."""
    stoch = target(seed, d)  # type: ignore[arg-type]
    possible = Possibility(supports(dict(stoch.tables)))
    wanted = interpret(d, Stochastic(stoch.tables, exact=True)).array != 0  # type: ignore[arg-type]
    assert np.array_equal(interpret(d, possible).array, wanted)  # type: ignore[arg-type]
    assert np.array_equal(fold(d, possible).array, wanted)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_possible_is_positive_and_certain_is_one(data: st.DataObject) -> None:
    """For every question, case by case."""
    model, tables = data.draw(interpreted(models(max_size=4), positive=False))
    query = data.draw(queries(model))
    found = supports(tables)
    try:
        wanted = answer(model, tables, query, exact=True)
    except ZeroProbabilityError:
        with pytest.raises(ZeroProbabilityError):
            possible_array(model, found, query)
        with pytest.raises(ZeroProbabilityError):
            refuse_impossible(model, found, query)
        return
    axes, possible = possible_array(model, found, query)
    assert [n for n, _ in axes] == list(wanted.variables)
    assert np.array_equal(possible, np.array(wanted.array > 0))
    assert np.array_equal(certain_array(model, found, query)[1] & possible, np.array(wanted.array == 1))
    refuse_impossible(model, found, query)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_conflict_is_the_smallest(data: st.DataObject) -> None:
    """No fewer conditions are impossible, by brute force over all sets of them."""
    model, tables = data.draw(interpreted(models(min_size=3, max_size=5), positive=False))
    values = [data.draw(st.sampled_from(model.object(n).values or ())) for n in model.observed]
    given_ = tuple(Term(n, (v,)) for n, v in zip(model.observed, values, strict=True))
    query = Query((Term(model.observed[0]),), given_)

    def chance(some: Sequence[Term]) -> bool:
        return bool(answer(model, tables, Query(tuple(some)), exact=True)[()] > 0)

    assume(not chance(given_))
    found = impossible_evidence(model, supports(tables), query)
    assert found is not None
    core, _ = found
    assert not chance(core)
    sizes = [k for k in range(1, len(given_) + 1) for some in itertools.combinations(given_, k) if not chance(some)]
    assert len(core) == min(sizes)


def chain(length: int) -> tuple[CausalModel, dict[str, Relation]]:
    """X0 -> X1 -> …, each a copy of the one before, with a companion Y that may be anything."""
    xs = [Object(f"X{k}", ("no", "yes")) for k in range(length)]
    ys = [Object(f"Y{k}", ("no", "yes")) for k in range(length)]
    boxes = [Box("x0", (), (xs[0],)), *(Box(f"x{k}", (xs[k - 1],), (xs[k],)) for k in range(1, length))]
    boxes += [Box(f"y{k}", (xs[k],), (ys[k],)) for k in range(length)]
    relations = {b.name: Relation(b.dom, b.cod, np.eye(2)) for b in boxes if b.name.startswith("x") and b.dom}
    relations["x0"] = Relation((), (xs[0],), [True, True])
    relations |= {f"y{k}": Relation((xs[k],), (ys[k],), np.ones((2, 2))) for k in range(length)}
    return CausalModel.from_boxes([*xs, *ys], boxes), relations


def test_two_of_many_conditions() -> None:
    model, relations = chain(200)
    yes = [Term(f"Y{k}", ("yes",)) for k in range(60)]
    query = Query((Term("X100"),), (*yes, Term("X3", ("no",)), Term("X190", ("yes",))))
    with pytest.raises(ZeroProbabilityError) as error:
        refuse_impossible(model, relations, query)
    assert error.value.diagnostic.notes[0] == "`X3 = no, X190 = yes` can never happen together"
    refuse_impossible(model, relations, replace(query, given=query.given[:-1]))
    refuse_impossible(model, relations, replace(query, surgeries=(Do("X100", "yes"),)))


def test_one_condition_alone() -> None:
    model, relations = chain(3)
    relations["x0"] = Relation((), (model.object("X0"),), [True, False])
    query = Query((Term("X0"),), (Term("Y0"), Term("X2", ("yes",))))
    with pytest.raises(ZeroProbabilityError) as error:
        refuse_impossible(model, relations, query)
    assert error.value.diagnostic.notes[0] == "`X2 = yes` can never happen"
    assert "`Y0 = no, X2 = yes` has probability zero" in error.value.diagnostic.message


def test_large_sparse_networks() -> None:
    """Boxes in which all is possible take no part: a grid that no table could hold is asked at once."""
    n = 24
    cells = [[Object(f"C{i}_{j}", ("0", "1", "2")) for j in range(n)] for i in range(n)]
    boxes, relations = [], {}
    for i, j in itertools.product(range(n), repeat=2):
        dom = tuple(cells[a][b] for a, b in ((i - 1, j), (i, j - 1)) if a >= 0 and b >= 0)
        b = Box(f"c{i}_{j}", dom, (cells[i][j],))
        array = np.ones([3] * (len(dom) + 1), dtype=bool)
        if i == j:  # on the diagonal nothing is 2 below a 2
            array[..., 2] = not dom
        boxes.append(b)
        relations[b.name] = Relation(b.dom, b.cod, array)
    model = CausalModel.from_boxes([c for row in cells for c in row], boxes)
    _, found = possible_array(model, relations, Query((Term("C20_20"), Term("C23_0")), (Term("C0_23", ("2",)),)))
    assert found.tolist() == [[True] * 3, [True] * 3, [False] * 3]


@pytest.mark.parametrize("array", [[[True, False], [False, False]], [[True, True]]])
def test_a_relation_is_total_and_fits(array: object) -> None:
    A = Object("A", ("0", "1"))
    with pytest.raises(CutwireError) as error:
        Relation((A,), (A,), array)
    assert error.value.diagnostic.code == "T022"
