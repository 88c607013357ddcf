"""Families: one contraction for many models says what each of them says."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from semantics.answer import answer, answer_array
from semantics.arithmetic import Fractions
from semantics.family import MEMBER, family, hearing, member, random_table
from semantics.field import PRIMES, Field
from semantics.kernel import Kernel, Table
from strings.diagnostic import ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Cut, Do, Open
from tests.observed import (
    DRAW,
    answered_by,
    differs,
    do,
    opened,
    positive_tables,
    random_shape,
    shape,
    terms,
)

F = Fraction


def stacked(model: CausalModel, count: int, seed: int) -> tuple[dict[str, Table], list[dict[str, Kernel]]]:
    """Some models, and the same as tables of a family."""
    wire = member(count)
    each = [positive_tables(model, random.Random(seed * 100 + k)) for k in range(count)]
    tables = {}
    for name, first in each[0].items():
        array = np.empty((count, *first.array.shape), dtype=object)
        for k, t in enumerate(each):
            array[k] = t[name].array
        tables[name] = Table((wire, *first.dom), first.cod, array)
    return tables, each


QUERIES = (
    Query(terms("C"), (), opened("S")),
    Query(terms("C T"), (), (Cut("S"),)),
    Query((Term("C", ("1",)),), terms("T"), do(S="0")),
    Query(terms("S"), terms("C")),
    Query((Term("S", ("1",)),), (Term("C", ("0",)),)),
)


@pytest.mark.parametrize("query", QUERIES)
def test_a_family_answers_for_each(query: Query) -> None:
    """Every member's answer is a slice of the family's."""
    model = shape("S->T T->C", "S-C")
    tables, each = stacked(model, 4, 1)
    axes, array = answer_array(family(model, member(4)), tables, query, Fractions())
    names = [n for n, _ in axes]
    slices = np.moveaxis(array, names.index(MEMBER), 0)
    rest = [n for n in names if n != MEMBER]

    for k, one in enumerate(each):
        wanted = answer(model, one, query, exact=True)
        assert not differs((tuple(rest), slices[k, ...]), (wanted.variables, wanted.array))


def test_one_mechanism_alone() -> None:
    """With `only`, the members differ in nothing else: the wire ends at one box."""
    model = shape("S->T T->C", "S-C")
    whole = family(model, member(3), only="T")

    assert {n for n in model.names if MEMBER in whole.parents(n)} == {"T"}
    assert {n for n in model.names if MEMBER in family(model, member(3)).parents(n)} == set(model.names)


def test_boxes_hear_the_wire_first() -> None:
    """The wire is a box's first input; uniform and sharp states hear nothing."""
    x = Object("X", ("0", "1"))
    b = Box("x", (), (x,))
    wire = member(2)

    assert hearing(b, wire) == replace(b, dom=(wire,))
    assert wire.values == ("0", "1")
    assert family(CausalModel.from_boxes((x,), [b]), wire).inputs == (MEMBER,)


@pytest.mark.parametrize("p", PRIMES)
def test_random_tables_are_stochastic(p: int) -> None:
    """Columns sum to 1 modulo the prime; those of deterministic boxes are sharp."""
    x, y, z = (Object(n, tuple("012"[:k])) for n, k in (("X", 2), ("Y", 3), ("Z", 2)))
    rng = np.random.default_rng(1)
    table = random_table(Box("f", (x,), (y, z)), member(5), p, rng)
    sharp = random_table(Box("d", (x, y), (z,), deterministic=True), member(5), p, rng)

    assert table.array.shape == (5, 2, 3, 2)
    assert (table.array.sum(axis=(-1, -2)) % p == 1).all()
    assert ((table.array >= 0) & (table.array < p)).all()
    assert set(sharp.array.flat) == {0, 1}
    assert (sharp.array.sum(axis=-1) == 1).all()


def test_over_a_field_too() -> None:
    """Random models modulo a prime: the contraction gives what multiplying and summing all tables gives."""
    rnd, rng, p = random.Random(2), np.random.default_rng(2), PRIMES[0]
    for _ in range(60):
        model = random_shape(rnd, rnd.choice([2, 3, 4]))
        names = rnd.sample(model.observed, len(model.observed))
        query = Query(terms(names[0]), tuple(map(Term, names[2:3])), (rnd.choice([Open(names[1]), Do(names[1], "1")]),))
        wire = member(3)
        boxes = {n: m.diagram.nodes[0].box for n, m in model.mechanisms.items()}
        tables = {b.name: random_table(b, wire, p, rng) for b in boxes.values()}
        factors = {n: ((DRAW, *model.mechanisms[n].parents, n), tables[b.name].array) for n, b in boxes.items()}
        try:
            axes, array = answer_array(family(model, wire), tables, query, Field(p))
        except ZeroProbabilityError:
            continue
        found = tuple(DRAW if n == MEMBER else n for n, _ in axes), array
        assert not differs(found, answered_by(model, factors, query, p))


def test_any_model_has_a_family() -> None:
    """The wire is one more parent of everything; variables and latents stay."""
    for seed in range(20):
        model = random_shape(random.Random(seed), 4)
        whole = family(model, member(2))
        assert whole.names == (*model.names, MEMBER)
        assert whole.latents == model.latents
        assert [whole.parents(n)[1:] for n in model.names] == [model.parents(n) for n in model.names]
