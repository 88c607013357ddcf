"""Random models with hidden causes, what can be observed of them, and questions about interventions.

Everything here is plain loops over fractions, independent of the contraction that answers questions.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from semantics.distribution import Distribution
from semantics.kernel import Kernel
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Cut, Do, Open, Replace, Surgery


@st.composite
def hidden_models(draw: st.DrawFn, max_size: int = 6, max_values: int = 3) -> CausalModel:
    """A random model in which any variable may be latent: latents feed each other, and hear observed variables too."""
    n = draw(st.integers(2, max_size))
    latent = draw(st.lists(st.integers(0, n - 1), max_size=n - 2, unique=True))
    names = [f"{'U' if i in latent else 'V'}{i}" for i in range(n)]
    sizes = [2 if i in latent else draw(st.integers(2, max_values if n < 6 else 2)) for i in range(n)]
    objects = [Object(x, tuple(map(str, range(k)))) for x, k in zip(names, sizes, strict=True)]
    boxes = []
    for j, x in enumerate(objects):
        parents = [objects[i] for i in range(j) if draw(st.integers(0, 4)) < 2]
        boxes.append(Box(f"box{j}", tuple(parents), (x,)))
    declared = tuple(draw(st.permutations(objects)))
    return CausalModel.from_boxes(declared, boxes, [names[i] for i in latent])


@st.composite
def mixed_models(draw: st.DrawFn) -> CausalModel:
    """A random model of three to five variables of two values, with many arrows and up to four hidden causes of two."""
    n = draw(st.integers(3, 5))
    pairs = [(f"V{i}", f"V{j}") for j in range(n) for i in range(j)]
    arrows = [e for e in pairs if draw(st.sampled_from((True, False)))]
    arcs = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=4, unique=True))
    return CausalModel.from_edges(arrows, arcs, 2, nodes=draw(st.permutations([f"V{i}" for i in range(n)])))


def array_of(entries: list[Fraction], shape: tuple[int, ...]) -> np.ndarray:
    """Fractions in an array of this shape."""
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array.reshape(shape)


def positive_kernel(b: Box, rnd: random.Random) -> Kernel:
    """Random fractions, none of them zero: everything can be observed."""
    shape = tuple(len(x.values or ()) for x in (*b.dom, *b.cod))
    entries: list[Fraction] = []
    for _ in range(int(np.prod(shape[: len(b.dom)]))):
        weights = [rnd.choice([1, 1, 2, 3, 7]) for _ in range(int(np.prod(shape[len(b.dom) :])))]
        entries.extend(Fraction(w, sum(weights)) for w in weights)
    return Kernel(b.dom, b.cod, array_of(entries, shape))


def positive_tables(model: CausalModel, rnd: random.Random) -> dict[str, Kernel]:
    """A random positive kernel for every box of a model."""
    boxes = {n.box.name: n.box for m in model.mechanisms.values() for n in m.diagram.nodes}
    return {name: positive_kernel(b, rnd) for name, b in boxes.items()}


def observed_joint(model: CausalModel, tables: Mapping[str, Kernel]) -> Distribution:
    """The joint distribution of the observed variables: the product of all mechanisms, summed over the latent ones."""
    sizes = {x.name: len(x.values or ()) for x in model.variables}
    shape = tuple(sizes[n] for n in model.observed)
    found = array_of([Fraction(0)] * int(np.prod(shape)), shape)
    for case in itertools.product(*(range(sizes[n]) for n in model.order)):
        env = dict(zip(model.order, case, strict=True))
        p = Fraction(1)
        for n, m in model.mechanisms.items():
            p *= tables[m.diagram.nodes[0].box.name].array[(*(env[q] for q in m.parents), env[n])]
        found[tuple(env[n] for n in model.observed)] += p
    return Distribution(model.observed, found, [model.object(n).values or () for n in model.observed])


def look_up(joint: Distribution, query: Query) -> Distribution:
    """`P(targets | given)` read off a joint, for every value of the free terms.

    Raises:
        ZeroDivisionError: if the condition has probability zero somewhere.
    """
    terms = (*query.targets, *query.given)
    axes = {t.axis_name: joint.labels(t.variable) for t in terms if t.free}
    entries = []
    for values in itertools.product(*axes.values()):
        at = dict(zip(axes, values, strict=True))
        above = below = Fraction(0)
        for labels, p in joint.rows():
            env = dict(zip(joint.variables, labels, strict=True))
            seen = all(_fits(t, env, at) for t in query.given)
            below += p if seen else 0
            above += p if seen and all(_fits(t, env, at) for t in query.targets) else 0
        entries.append(above / below)
    shape = tuple(len(v) for v in axes.values())
    return Distribution(tuple(axes), array_of(entries, shape), list(axes.values()))


def _fits(t: Term, env: Mapping[str, str], at: Mapping[str, str]) -> bool:
    return env[t.variable] == at[t.axis_name] if t.free else env[t.variable] in (t.values or ())


def interventional_query(
    model: CausalModel, tables: dict[str, Kernel], rnd: random.Random, *, sets: bool = True, treated: bool = True
) -> Query:
    """A question about observed variables with one to three of them set, cut, left open, or given another mechanism.

    `sets` allows events `V in {…}`, `treated` allows to ask for, or condition on, what is acted on. Kernels of the new
    mechanisms are put into `tables`.
    """
    names = list(model.observed)
    chosen = rnd.sample(names, min(len(names) - 1, rnd.choice([1, 1, 1, 2, 2, 3])))
    surgeries = tuple(_surgery(model, n, tables, rnd) for n in chosen)
    askable = names if treated else [n for n in names if n not in chosen]
    spoken = rnd.sample(askable, rnd.randint(1, len(askable)))
    split = rnd.randint(1, len(spoken))
    targets, given = (
        [_term(model, n, surgeries, rnd, sets) for n in part] for part in (spoken[:split], spoken[split:])
    )
    return Query(tuple(targets), tuple(given), surgeries)


def _surgery(model: CausalModel, name: str, tables: dict[str, Kernel], rnd: random.Random) -> Surgery:
    x = model.object(name)
    match rnd.randrange(6):
        case 0:
            return Cut(name)
        case 1 | 2:
            return Do(name, rnd.choice(x.values or ()))
        case 3 | 4:
            return Open(name, f"{name.lower()}*")
        case _:
            before = model.order[: model.order.index(name)]
            heard = tuple(model.object(n) for n in before if n in model.observed and rnd.random() < 0.5)
            policy = Box(f"policy for {name}", heard, (x,))
            tables[policy.name] = positive_kernel(policy, rnd)
            return Replace(name, Mechanism.of_box(policy))


def _term(model: CausalModel, name: str, surgeries: tuple[Surgery, ...], rnd: random.Random, sets: bool) -> Term:
    opened = next((s for s in surgeries if isinstance(s, Open) and s.variable == name), None)
    if opened is not None and rnd.random() < 0.7:
        return Term(name, axis=opened.axis)
    values = model.object(name).values or ()
    if sets and rnd.random() < 0.5:
        return Term(name, tuple(rnd.sample(values, rnd.randint(2, len(values)))))
    return rnd.choice([Term(name), Term(name, (rnd.choice(values),))])


def agree(found: Distribution, wanted: Distribution) -> bool:
    """Whether two tables are equal along all axes of the second; the first may lack axes that make no difference."""
    if not set(found.variables) <= set(wanted.variables):
        return False
    order = sorted(range(len(found.variables)), key=lambda k: wanted.axis(found.variables[k]))
    shape = [len(v) if n in found.variables else 1 for n, v in zip(wanted.variables, wanted.values, strict=True)]
    wide = np.broadcast_to(np.transpose(found.array, order).reshape(shape), wanted.array.shape)
    return bool((wide == wanted.array).all())
