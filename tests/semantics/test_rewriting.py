"""The rules that simplify a multiverse: they end, in one normal form whatever their order, and keep the answer."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from semantics.answer import answer
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.rewriting import RULES, Worlds, simplify, steps, twinned
from strings.surgery import Do
from strings.worlds import worlds_of
from tests.semantics.test_worlds import enumerate_all, functional_model, random_query

CHAIN = CausalModel.from_edges([("X", "M"), ("M", "Y")], bidirected=[("X", "Y")], domains=2)


def ends(worlds: Worlds, rnd: random.Random | None = None) -> Worlds:
    for step in simplify(worlds, rnd.choice if rnd else None):
        worlds = step.after
    return worlds


def nameless(worlds: Worlds) -> object:
    """The diagram of what is spoken of, whatever its wires are called, and however often a sharp state is copied."""
    d = worlds.model.state(worlds.terms)
    wires: dict[int, object] = {}
    nodes = []
    for first, n in zip(d.first_wires, d.nodes, strict=True):
        if n.box.kind == "point":
            wires[first] = n.box.value
        else:
            nodes.append((n.box.name, tuple(wires[a] for a in n.args)))
            wires[first] = len(nodes)
    return nodes, tuple(wires[w] for w in d.outs)


def plain(worlds: Worlds) -> Query:
    """The question about the one model."""
    terms = [
        replace(t, variable=n, world=())
        for t, n in zip((*worlds.query.targets, *worlds.query.given), worlds.terms, strict=True)
    ]
    k = len(worlds.query.targets)
    return Query(tuple(terms[:k]), tuple(terms[k:]))


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 4))
def test_every_step_keeps_the_answer(seed: int, size: int) -> None:
    rnd = random.Random(seed)
    model, tables = functional_model(rnd, size)
    query = random_query(rnd, model)
    wanted = enumerate_all(model, tables, query)
    try:
        worlds = twinned(model, query)
    except QueryError as e:
        assert e.diagnostic.code == "N005"  # noqa: PT017 (a world tells something to what the question has set)
        return
    for state in (worlds, *(s.after for s in simplify(worlds, rnd.choice))):
        try:
            found = answer(state.model, tables, plain(state), exact=True)[()]
        except ZeroProbabilityError:
            found = None
        assert found == wanted


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 4))
def test_the_order_makes_no_difference(seed: int, size: int) -> None:
    """Confluence: rule by rule and in two random orders, the same normal form."""
    rnd = random.Random(seed)
    model, _ = functional_model(rnd, size)
    query = random_query(rnd, model)
    try:
        worlds = twinned(model, query)
    except QueryError:
        return
    forms = [ends(worlds), ends(worlds, rnd), ends(worlds, rnd)]
    assert all(not list(steps(form, rule)) for form in forms for rule in RULES)
    if forms[0].contradictory:
        assert all(form.contradictory for form in forms)
        return
    first, *others = map(nameless, forms)
    assert all(first == other for other in others)


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 4))
@example(370, 4)  # a sharp state that was set, and one that was seen
@example(1039, 4)  # sharp states of two variables
def test_it_is_as_small_as_the_multiverse(seed: int, size: int) -> None:
    """The multiverse, which is made in one go, has no more boxes (but the noise that is absorbed)."""
    rnd = random.Random(seed)
    model, _ = functional_model(rnd, size)
    query = random_query(rnd, model)
    try:
        made = worlds_of(model, query)
        end = ends(twinned(model, query))
    except QueryError:
        return
    names = [made.place(t) for t in (*query.targets, *query.given)]
    left, right = (d.nodes for d in (end.model.state(end.terms), made.model.state(names)))
    assert end.contradictory or sum(n.box.kind == "box" for n in left) <= sum(n.box.kind == "box" for n in right)


def test_the_treated() -> None:
    """ETT in a chain: X is seen, so M hears it or the value it is set to; nothing merges."""
    query = Query((Term("Y", world=(Do("X", "1"),)),), (Term("X", ("0",)),))
    said = [str(step) for step in simplify(twinned(CHAIN, query))]
    assert not any(s.startswith(("merge", "absorb")) for s in said)

    same = Query((Term("Y", world=(Do("X", "1"),)),), (Term("X", ("1",)),))
    end = ends(twinned(CHAIN, same))
    assert end.terms == ("Y[X := 1]", "X")
    assert [n.box.name for n in end.model.state(end.terms).nodes].count("m") == 1
