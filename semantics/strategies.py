"""Hypothesis strategies for the test suites of others: random diagrams, models, numbers, questions and claims.

A lemma of a paper, checked in a few lines:

>>> from hypothesis import given, settings
>>> from semantics.answer import answer
>>> from strings.query import Query, Term
>>> from strings.surgery import Do
>>> @settings(max_examples=20, database=None, deadline=None)
... @given(interpreted(models(max_latents=0)))
... def a_root_is_set_as_it_is_seen(drawn):
...     model, tables = drawn
...     root, *_, last = model.order
...     seen, done = (
...         answer(model, tables, q, exact=True)
...         for q in (Query((Term(last),), (Term(root, ("0",)),)), Query((Term(last),), (), (Do(root, "0"),)))
...     )
...     assert seen == done
>>> a_root_is_set_as_it_is_seen()
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from semantics.kernel import Kernel, Table, size
from strings.diagram import Builder, Diagram
from strings.formula import Ask, Compare
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box, Object, Ty
from strings.surgery import Cut, Do, Open, Surgery, boxes_of

OBJECTS = (Object("A", ("0", "1")), Object("B", ("0", "1", "2")), Object("C", ("no", "yes")))
"""The objects that random diagrams are made of, unless others are given."""


@st.composite
def types(draw: st.DrawFn, objects: Sequence[Object] = OBJECTS, max_size: int = 3) -> Ty:
    """A tensor product of some objects."""
    return tuple(draw(st.lists(st.sampled_from(list(objects)), max_size=max_size)))


@st.composite
def diagrams(
    draw: st.DrawFn,
    dom: Ty | None = None,
    cod: Ty | None = None,
    objects: Sequence[Object] = OBJECTS,
    max_boxes: int = 5,
) -> Diagram:
    """A diagram, of a given type or any; boxes of equal name have equal type, some are deterministic."""
    dom = draw(types(objects)) if dom is None else dom
    builder = Builder(dom)
    wires: list[tuple[int, Object]] = list(enumerate(dom))
    for _ in range(draw(st.integers(0, max_boxes))):
        args = draw(st.lists(st.sampled_from(wires), max_size=2)) if wires else []
        outs = tuple(draw(st.lists(st.sampled_from(list(objects)), min_size=1, max_size=2)))
        _place(builder, wires, args, outs, draw(st.booleans()))
    if cod is None:
        chosen = draw(st.lists(st.sampled_from(wires), max_size=3)) if wires else []
        return builder.freeze(w for w, _ in chosen)
    ends = []
    for x in cod:
        fitting = [w for w, y in wires if y == x]
        if not fitting or draw(st.booleans()):
            fitting.append(_place(builder, wires, [], (x,), draw(st.booleans()))[0])
        ends.append(draw(st.sampled_from(fitting)))
    return builder.freeze(ends)


def _place(
    builder: Builder, wires: list[tuple[int, Object]], args: list[tuple[int, Object]], cod: Ty, deterministic: bool
) -> tuple[int, ...]:
    dom = tuple(x for _, x in args)
    name = ("d" if deterministic else "f") + "".join(x.name for x in dom) + "_" + "".join(x.name for x in cod)
    made = builder.apply(Box(name, dom, cod, deterministic), [w for w, _ in args])
    wires.extend(zip(made, cod, strict=True))
    return made


@st.composite
def models(
    draw: st.DrawFn, min_size: int = 2, max_size: int = 6, max_latents: int = 2, max_values: int = 3
) -> CausalModel:
    """A causal model with hidden common causes; variables V0, V1, … in a random declared order, values 0, 1, …."""
    n = draw(st.integers(min_size, max_size))
    names = [f"V{i}" for i in range(n)]
    pairs = [(names[i], names[j]) for j in range(n) for i in range(j)]
    directed = [p for p in pairs if draw(st.integers(0, 2)) == 0]
    hidden = draw(st.lists(st.sampled_from(pairs), max_size=max_latents, unique=True)) if pairs else []
    domains = {v: draw(st.integers(2, max_values)) for v in names}
    order = draw(st.permutations(names))
    shape = CausalModel.from_edges(directed, hidden, domains, nodes=order)
    return shape.with_values(dict.fromkeys(shape.latents, ("0", "1")))


@st.composite
def kernels(draw: st.DrawFn, b: Box, positive: bool = False) -> Kernel:
    """Numbers for a box, in simple fractions; a deterministic box gets a function."""
    columns = int(np.prod([size(x) for x in b.dom], dtype=int))
    width = int(np.prod([size(x) for x in b.cod], dtype=int))
    made = np.empty((columns, width), dtype=object)
    weights = st.lists(st.integers(int(positive), 4), min_size=width, max_size=width)
    for k in range(columns):
        row = [0] * width if b.deterministic else draw(weights)
        if not any(row):
            row[draw(st.integers(0, width - 1))] = 1
        made[k] = [Fraction(w, sum(row)) for w in row]
    return Kernel(b.dom, b.cod, made.reshape([size(x) for x in (*b.dom, *b.cod)]))


@st.composite
def interpreted(
    draw: st.DrawFn, shapes: st.SearchStrategy[CausalModel] | None = None, positive: bool = True
) -> tuple[CausalModel, dict[str, Table]]:
    """A model with numbers for all its boxes, by name."""
    shape = draw(models() if shapes is None else shapes)
    return shape, {name: draw(kernels(b, positive)) for name, b in boxes_of(shape).items()}


@st.composite
def queries(draw: st.DrawFn, model: CausalModel, max_treated: int = 2, max_given: int = 2) -> Query:
    """A question about a model: targets, conditions and interventions on observed variables, no two on one."""
    names = list(draw(st.permutations(model.observed)))
    treated = [names.pop() for _ in range(draw(st.integers(0, min(max_treated, len(names) - 1))))]
    given = [names.pop() for _ in range(draw(st.integers(0, min(max_given, len(names) - 1))))]
    targets = names[: draw(st.integers(1, len(names)))]
    surgeries: list[Surgery] = []
    for n in treated:
        value = draw(st.sampled_from(model.object(n).values or ("0",)))
        kinds: list[Surgery] = [Open(n), Do(n, value), Cut(n)]
        surgeries.append(draw(st.sampled_from(kinds)))
    return Query(
        tuple(draw(_terms(model, n)) for n in targets),
        tuple(draw(_terms(model, n)) for n in given),
        tuple(surgeries),
    )


def _terms(model: CausalModel, name: str) -> st.SearchStrategy[Term]:
    """A variable left free, or with one of its values."""
    values = model.object(name).values or ()
    return st.sampled_from([Term(name), *(Term(name, (v,)) for v in values)])


@st.composite
def claims(draw: st.DrawFn, model: CausalModel) -> Compare:
    """A claim that doing is seeing: that a question has the same answer without its interventions. Mostly false."""
    left = draw(queries(model))
    return Compare((Ask(left), Ask(Query(left.targets, left.given))), ("==",))
