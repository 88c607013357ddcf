"""Counterfactuals against plain enumeration: every hidden state, and every world worked out by itself."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.answer import answer
from semantics.kernel import Kernel
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Become, Query, Term, World
from strings.signature import Box, Object
from strings.surgery import Do, DoWire

Tables = dict[str, Kernel]
State = Mapping[str, int]


def functional_model(rnd: random.Random, size: int) -> tuple[CausalModel, Tables]:
    """A random model in which all that is not a hidden root is a function."""
    observed = [Object(f"V{k}", tuple(map(str, range(rnd.choice((2, 2, 3)))))) for k in range(size)]
    hidden = [Object(f"U{k}", tuple(map(str, range(rnd.choice((2, 3)))))) for k in range(rnd.randint(1, 3))]
    boxes, tables = [], {}
    for u in hidden:
        weights = [rnd.randint(0, 4) for _ in u.values or ()]
        weights[0] += 1
        boxes.append(Box(f"box_{u.name}", (), (u,)))
        tables[f"box_{u.name}"] = Kernel((), (u,), [Fraction(w, sum(weights)) for w in weights])
    for k, v in enumerate(observed):
        dom = tuple(x for x in (*observed[:k], *hidden) if rnd.random() < 0.6)
        b = Box(f"box_{v.name}", dom, (v,), deterministic=rnd.random() < 0.5)
        boxes.append(b)
        tables[b.name] = _function(rnd, b)
    return CausalModel.from_boxes((*observed, *hidden), boxes, [u.name for u in hidden]), tables


def _function(rnd: random.Random, b: Box) -> Kernel:
    sizes = [len(x.values or ()) for x in b.dom]
    n = len(b.cod[0].values or ())
    flat = []
    for _ in itertools.product(*map(range, sizes)):
        at = rnd.randrange(n)
        flat += [Fraction(int(k == at)) for k in range(n)]
    return Kernel(b.dom, b.cod, np.array(flat, dtype=object).reshape([*sizes, n]))


def random_world(rnd: random.Random, model: CausalModel, depth: int = 1) -> World:
    """What is different in some world: values, wires, a policy that is a function, or what another world has."""
    found: list[object] = []
    names = list(model.observed)
    rnd.shuffle(names)
    for name in names[: rnd.randint(1, 2)]:
        x = model.object(name)
        value = rnd.choice(x.values or ())
        parents = [p for p in model.parents(name) if p not in model.latents]
        kind = rnd.random()
        if kind < 0.25 and depth:
            alike = [v for v in model.observed if model.object(v).values == x.values]
            found.append(Become(name, Term(rnd.choice(alike), world=random_world(rnd, model, depth - 1))))
        elif kind < 0.5 and parents:
            p = rnd.choice(parents)
            found.append(DoWire(p, name, rnd.choice(model.object(p).values or ())))
        else:
            found.append(Do(name, value))
    return tuple(found)  # type: ignore[arg-type]


def by_hand(model: CausalModel, tables: Tables, hidden: State, name: str, world: World) -> int:
    """The value of a variable in a world, for one hidden state: by recursion over what it hears."""
    told: dict[str, int] = {}
    for s in world:
        match s:
            case Do(variable, value) if variable == name:
                return (model.object(name).values or ()).index(value)
            case Become(variable, source) if variable == name:
                return by_hand(model, tables, hidden, source.variable, source.world)
            case DoWire(source, sink, value) if sink == name and value is not None:
                told[source] = (model.object(source).values or ()).index(value)
            case _:
                pass
    if name in hidden:
        return hidden[name]
    at = [told[p] if p in told else by_hand(model, tables, hidden, p, world) for p in model.mechanisms[name].parents]
    row = tables[f"box_{name}"].array[tuple(at)]
    return next(k for k, p in enumerate(row) if p == 1)


def enumerate_all(model: CausalModel, tables: Tables, query: Query) -> Fraction | None:
    """P(targets | given) over all hidden states; nothing where the condition never holds."""
    roots = [n for n in model.names if n in model.latents]
    above = below = Fraction(0)
    for values in itertools.product(*(range(len(model.object(u).values or ())) for u in roots)):
        hidden = dict(zip(roots, values, strict=True))
        weight = Fraction(1)
        for u in roots:
            weight *= tables[f"box_{u}"].array[hidden[u]]

        def holds(t: Term, hidden: State = hidden) -> bool:
            world = (*query.surgeries, *t.world)
            value = by_hand(model, tables, hidden, t.variable, _with_base(world, query))
            return (model.object(t.variable).values or ())[value] in (t.values or ())

        if all(map(holds, query.given)):
            below += weight
            above += weight if all(map(holds, query.targets)) else 0
    return above / below if below else None


def _with_base(world: World, query: Query) -> World:
    """Later surgeries override: the last one on a variable comes first; nested worlds have the base, too."""
    found = []
    for s in reversed(world):
        if isinstance(s, Become):
            inner = _with_base((*query.surgeries, *s.source.world), query)
            found.append(replace(s, source=replace(s.source, world=inner)))
        else:
            found.append(s)
    return tuple(found)


def random_query(rnd: random.Random, model: CausalModel) -> Query:
    def term() -> Term:
        name = rnd.choice(model.observed)
        values = model.object(name).values or ()
        some = tuple(rnd.sample(values, rnd.choice((1, 1, 2)))) if len(values) > 2 else (rnd.choice(values),)
        return Term(name, some, world=random_world(rnd, model) if rnd.random() < 0.7 else ())

    base = []
    if rnd.random() < 0.3:
        name = rnd.choice(model.observed)
        base.append(Do(name, rnd.choice(model.object(name).values or ())))
    targets = tuple(term() for _ in range(rnd.randint(1, 2)))
    return Query(targets, tuple(term() for _ in range(rnd.randint(0, 2))), tuple(base))


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 4))
def test_counterfactuals_are_those_of_enumeration(seed: int, size: int) -> None:
    rnd = random.Random(seed)
    model, tables = functional_model(rnd, size)
    for _ in range(4):
        query = random_query(rnd, model)
        wanted = enumerate_all(model, tables, query)
        try:
            found = answer(model, tables, query, exact=True)[()]
        except ZeroProbabilityError:
            found = None
        except QueryError as e:
            if e.diagnostic.code == "N005":  # a world tells something to a variable that the question has set
                continue
            raise
        assert found == wanted, str(query)
