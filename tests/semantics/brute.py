"""An independent reading of models and questions: plain loops over all assignments, with fractions."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from semantics.distribution import Distribution
from semantics.kernel import Kernel
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery

Env = dict[str, int]
Hears = Callable[[Env, Env], list[Fraction]]
"""Values of the parents and of the axes to the probabilities of the values of a variable."""


def random_kernel(b: Box, rnd: random.Random) -> Kernel:
    """Random fractions, zeros among them; a deterministic box gets a random function."""
    sizes = [len(x.values or ()) for x in (*b.dom, *b.cod)]
    columns = int(np.prod(sizes[: len(b.dom)]))
    width = int(np.prod(sizes[len(b.dom) :]))
    entries: list[Fraction] = []
    for _ in range(columns):
        weights = [0 if b.deterministic else rnd.choice([0, 1, 1, 2, 5]) for _ in range(width)]
        weights[rnd.randrange(width)] += 1
        entries.extend(Fraction(w, sum(weights)) for w in weights)
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return Kernel(b.dom, b.cod, array.reshape(sizes))


def random_tables(model: CausalModel, rnd: random.Random) -> dict[str, Kernel]:
    """A random kernel for every box of a model."""
    boxes = {n.box.name: n.box for m in model.mechanisms.values() for n in m.diagram.nodes}
    return {name: random_kernel(b, rnd) for name, b in boxes.items()}


def in_floats(tables: Mapping[str, Kernel]) -> dict[str, Kernel]:
    """The same tables in float64."""
    return {name: k.as_float() for name, k in tables.items()}


def random_query(model: CausalModel, tables: dict[str, Kernel], rnd: random.Random) -> Query:
    """A random question with surgeries of all kinds; kernels of new boxes are put into `tables`."""
    surgeries: list[Surgery] = []
    for _ in range(rnd.choice([0, 0, 1, 1, 2, 3])):
        surgeries.append(_random_surgery(model, tables, rnd, surgeries))
    names = list(model.names)
    targets = tuple(_random_term(model, rnd.choice(names), rnd) for _ in range(rnd.choice([1, 1, 2, 3])))
    given = tuple(_random_term(model, rnd.choice(names), rnd) for _ in range(rnd.choice([0, 1, 1, 2])))
    return Query(targets, given, tuple(surgeries))


def _axis(model: CausalModel, name: str, rnd: random.Random) -> str | None:
    """No axis name, or one of two that all variables with as many values share."""
    return rnd.choice([None, f"a{_size(model, name)}", f"b{_size(model, name)}"])


def _random_term(model: CausalModel, name: str, rnd: random.Random) -> Term:
    values = model.object(name).values or ()
    match rnd.randrange(4):
        case 0:
            return Term(name, (rnd.choice(values),))
        case 1:
            return Term(name, tuple(v for v in values if rnd.random() < 0.6) or values[:1])
        case 2:
            return Term(name, axis=_axis(model, name, rnd))
        case _:
            return Term(name)


def _random_surgery(
    model: CausalModel, tables: dict[str, Kernel], rnd: random.Random, before: list[Surgery]
) -> Surgery:
    """One more surgery: on any variable, or on a wire whose box is still there; the last wire again, at times."""
    name = rnd.choice(model.names)
    x = model.object(name)
    value = rnd.choice(x.values or ())
    gone = {s.variable for s in before if not isinstance(s, CutWire | DoWire)}
    wires = [(p, n) for n in model.names for p in model.mechanisms[n].parents if n not in gone]
    again = [(s.source, s.sink) for s in before if isinstance(s, CutWire | DoWire) and s.sink not in gone]
    wires = again if again and rnd.random() < 0.5 else wires
    kind = rnd.randrange(6) if wires else rnd.randrange(4)
    if kind == 0:
        return Cut(name)
    if kind == 1:
        return Do(name, value)
    if kind == 2:
        return Open(name, _axis(model, name, rnd))
    if kind == 3:
        earlier = [n for n in model.order if model.order.index(n) < model.order.index(name)]
        chosen = tuple(n for n in earlier if rnd.random() < 0.3)
        policy = Box(f"policy{len(tables)}", tuple(model.object(n) for n in chosen), (x,))
        tables[policy.name] = random_kernel(policy, rnd)
        return Replace(name, Mechanism.of_box(policy))
    source, sink = rnd.choice(wires)
    if kind == 4:
        return CutWire(source, sink)
    free = [None] if (source, sink) not in again else []
    told = rnd.choice([*free, *(model.object(source).values or ())])
    return DoWire(source, sink, told, None if told else _axis(model, source, rnd))


def left_free_twice(query: Query) -> bool:
    """Whether a variable whose value has no name is left free in front of the bar and behind it, or twice there."""
    ahead = [t.variable for t in query.targets if t.free and not t.axis]
    behind = [t.variable for t in query.given if t.free and not t.axis]
    behind += [s.variable for s in query.surgeries if isinstance(s, Open) and not s.axis]
    behind += [s.source for s in query.surgeries if isinstance(s, DoWire) and not s.value and not s.axis]
    return any(n in ahead for n in behind) or len(set(behind)) < len(behind)


def _size(model: CausalModel, name: str) -> int:
    return len(model.object(name).values or ())


def _from_table(kernel: Kernel, parents: tuple[str, ...]) -> Hears:
    return lambda env, axes: list(kernel.array[tuple(env[p] for p in parents)])


def _mechanisms(model: CausalModel, tables: Mapping[str, Kernel]) -> dict[str, Hears]:
    """The mechanisms of a model before any surgery: one box each."""
    return {n: _from_table(tables[m.diagram.nodes[0].box.name], m.parents) for n, m in model.mechanisms.items()}


def _sharp(n: int, at: int) -> list[Fraction]:
    return [Fraction(int(k == at)) for k in range(n)]


def _after(s: Surgery, model: CausalModel, hears: dict[str, Hears], tables: Mapping[str, Kernel]) -> None:
    """Change the mechanisms as a surgery on a variable says."""
    match s:
        case Cut(v):
            n = _size(model, v)
            hears[v] = lambda env, axes: [Fraction(1, n)] * n
        case Do(v, value):
            at, n = (model.object(v).values or ()).index(value), _size(model, v)
            hears[v] = lambda env, axes: _sharp(n, at)
        case Open(v, axis):
            n = _size(model, v)
            hears[v] = lambda env, axes: _sharp(n, axes[axis or v])
        case Replace(v, mechanism):
            hears[v] = _from_table(tables[mechanism.diagram.nodes[0].box.name], mechanism.parents)


def _told(base: Hears, model: CausalModel, wires: Mapping[str, CutWire | DoWire]) -> Hears:
    """A mechanism that is told other values than those of some parents."""
    found = base
    for source, s in wires.items():
        found = _told_once(found, model, source, s)
    return found


def _told_once(old: Hears, model: CausalModel, source: str, s: CutWire | DoWire) -> Hears:
    match s:
        case CutWire():
            n = _size(model, source)

            def averaged(env: Env, axes: Env) -> list[Fraction]:
                columns = [old({**env, source: k}, axes) for k in range(n)]
                return [sum(column, Fraction(0)) / n for column in zip(*columns, strict=True)]

            return averaged
        case DoWire(_, _, None, axis):
            return lambda env, axes: old({**env, source: axes[axis or source]}, axes)
        case DoWire(_, _, value):
            at = (model.object(source).values or ()).index(value)
            return lambda env, axes: old({**env, source: at}, axes)


def brute_answer(model: CausalModel, tables: Mapping[str, Kernel], query: Query) -> Distribution | None:
    """The answer to a query by enumeration; `None` if the condition has probability zero somewhere."""
    hears = _mechanisms(model, tables)
    wires: dict[str, dict[str, CutWire | DoWire]] = {n: {} for n in model.names}
    for s in query.surgeries:
        if isinstance(s, CutWire | DoWire):
            wires[s.sink][s.source] = s  # what a wire was told last counts
        else:
            wires[s.variable] = {}
            _after(s, model, hears, tables)
    hears = {n: _told(base, model, wires[n]) for n, base in hears.items()}
    axes: dict[str, str] = {}
    for t in (*query.targets, *query.given):
        if t.free:
            axes.setdefault(t.axis_name, t.variable)
    for s in query.surgeries:
        if isinstance(s, Open):
            axes.setdefault(s.axis or s.variable, s.variable)
        if isinstance(s, DoWire) and s.value is None:
            axes.setdefault(s.axis or s.source, s.source)
    shape = [_size(model, v) for v in axes.values()]
    array = np.empty(shape, dtype=object)
    for at in itertools.product(*map(range, shape)):
        above, below = _masses(model, hears, query, dict(zip(axes, at, strict=True)))
        if not below:
            return None
        array[at] = above / below
    return Distribution(tuple(axes), array, [model.object(v).values or () for v in axes.values()])


def _masses(model: CausalModel, hears: dict[str, Hears], query: Query, axes: Env) -> tuple[Fraction, Fraction]:
    """The probability of targets and condition, and of the condition, for given values of the axes."""
    above = below = Fraction(0)
    stack: list[tuple[Env, Fraction]] = [({}, Fraction(1))]
    order = _order(model, query)
    while stack:
        env, p = stack.pop()
        if len(env) < len(order):
            name = order[len(env)]
            stack.extend(({**env, name: k}, p * q) for k, q in enumerate(hears[name](env, axes)) if q)
        elif all(_fits(t, model, env, axes) for t in query.given):
            below += p
            above += p if all(_fits(t, model, env, axes) for t in query.targets) else 0
    return above, below


def _order(model: CausalModel, query: Query) -> list[str]:
    """The model's own order: the random policies listen to earlier variables only."""
    return list(model.order)


def _fits(t: Term, model: CausalModel, env: Env, axes: Env) -> bool:
    if t.free:
        return env[t.variable] == axes[t.axis_name]
    return (model.object(t.variable).values or ())[env[t.variable]] in (t.values or ())
