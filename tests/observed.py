"""Random models with hidden causes, what can be observed of them, and questions about interventions.

Everything here is independent of the contraction that answers questions: plain loops over fractions, and, where those
take too long, tables with named axes that are multiplied and summed (`eliminated`), in fractions or modulo a prime.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from semantics.distribution import Distribution
from semantics.kernel import Kernel, Table
from strings.estimand import Given
from strings.formula import Arithmetic, Ask, Formula, Number, Sum
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


# ---- shapes ----------------------------------------------------------------------------------------------------------


def shape(directed: str = "", bidirected: str = "", nodes: str = "", domains: Any = 2) -> CausalModel:
    """A model from `"X->Y Y->Z"` and `"X-Z"`."""
    arrows = [tuple(e.split("->")) for e in directed.split()]
    arcs = [tuple(e.split("-")) for e in bidirected.split()]
    return CausalModel.from_edges(arrows, arcs, domains, nodes.split())  # type: ignore[arg-type]


def terms(names: str) -> tuple[Term, ...]:
    """Free terms of these variables."""
    return tuple(Term(n) for n in names.split())


def do(**values: str) -> tuple[Surgery, ...]:
    """Variables set to values."""
    return tuple(Do(n, v) for n, v in values.items())


def opened(names: str) -> tuple[Surgery, ...]:
    """Variables set, their values left open."""
    return tuple(Open(n) for n in names.split())


def random_shape(
    rnd: random.Random, size: int, *, directed: float = 0.5, bidirected: float = 0.35, values: int = 2
) -> CausalModel:
    """A random acyclic directed mixed graph `V0, V1, …` as a model, declared in a random order."""
    names = [f"V{k}" for k in range(size)]
    pairs = [(a, b) for k, b in enumerate(names) for a in names[:k]]
    arrows, arcs = ([e for e in pairs if rnd.random() < share] for share in (directed, bidirected))
    return CausalModel.from_edges(arrows, arcs, values, nodes=rnd.sample(names, size))


# ---- tables by elimination -------------------------------------------------------------------------------------------

Factor = tuple[tuple[str, ...], np.ndarray]
"""A table and the names of its axes."""

DRAW = "draw #"
"""The axis that numbers random models."""


def _times(one: Factor, other: Factor, p: int | None) -> Factor:
    """The product of two tables, along the axes of both."""
    names = tuple(dict.fromkeys((*one[0], *other[0])))
    wide = []
    for axes, array in (one, other):
        order = sorted(range(len(axes)), key=lambda k, axes=axes: names.index(axes[k]))
        lengths = dict(zip(axes, array.shape, strict=True))
        wide.append(np.transpose(array, order).reshape([lengths.get(n, 1) for n in names] + [1]))
    product = wide[0] * wide[1]
    return names, (product % p if p else product)[..., 0]


def eliminated(factors: Iterable[Factor], keep: Sequence[str], p: int | None = None) -> np.ndarray:
    """The product of tables, summed over all axes but `keep` (in that order), modulo `p` if given."""
    left = list(factors)
    sizes = {n: k for axes, array in left for n, k in zip(axes, array.shape, strict=True)}
    waiting = set(sizes) - set(keep)

    def cost(name: str) -> tuple[int, str]:
        touched = {n for axes, _ in left if name in axes for n in axes}
        return int(np.prod([float(sizes[n]) for n in touched])), name

    while waiting:
        name = min(waiting, key=cost)
        waiting.discard(name)
        mine = [f for f in left if name in f[0]]
        left = [f for f in left if name not in f[0]]
        axes, array = _product(mine, p)
        at = axes.index(name)
        summed = array[..., None].sum(axis=at)[..., 0]
        left.append(((*axes[:at], *axes[at + 1 :]), summed % p if p else summed))
    axes, array = _product(left, p)
    found = np.transpose(array, [axes.index(n) for n in keep if n in axes])
    return np.broadcast_to(
        found.reshape([sizes.get(n, 1) if n in axes else 1 for n in keep]), [sizes.get(n, 1) for n in keep]
    )


def _product(factors: Sequence[Factor], p: int | None) -> Factor:
    """The product of some tables, the small ones first."""
    first, *rest = sorted(factors, key=lambda f: f[1].size)
    for f in rest:
        first = _times(first, f, p)
    return first


def factors_of(model: CausalModel, tables: Mapping[str, Table]) -> dict[str, Factor]:
    """The table of each variable's mechanism, a single box."""
    return {n: ((*m.parents, n), tables[m.diagram.nodes[0].box.name].array) for n, m in model.mechanisms.items()}


def random_factors(model: CausalModel, p: int, rng: np.random.Generator, draws: int) -> dict[str, Factor]:
    """Random mechanisms modulo `p` for a model: every free parameter uniform, the last entry of a column the rest."""
    found = {}
    for n, m in model.mechanisms.items():
        axes = (DRAW, *m.parents, n)
        array = rng.integers(0, p, [draws, *(len(model.object(x).values or ()) for x in axes[1:])], dtype=np.int64)
        array[..., -1] = (1 - array[..., :-1].sum(axis=-1)) % p
        found[n] = axes, array
    return found


def after(
    model: CausalModel, factors: Mapping[str, Factor], set_: Iterable[str], names: Sequence[str], p: int | None = None
) -> np.ndarray:
    """The joint of `names` once `set_` are set: an axis for the draws, for each of `set_` and for each of `names`."""
    set_ = tuple(set_)
    behind = _behind([*names], model, set(set_))
    mine = [f for n, f in factors.items() if n in behind]
    draws = [DRAW] if any(DRAW in axes for axes, _ in factors.values()) else []
    one = Fraction(1) if p is None else 1
    for n in (*set_, *names):  # so that every axis is there
        size = len(model.object(n).values or ())
        array = np.empty(size, dtype=object if p is None else np.int64)
        array[:] = one
        mine.append(((n,), array))
    if draws:
        count = next(array.shape[axes.index(DRAW)] for axes, array in factors.values() if DRAW in axes)
        mine.append(((DRAW,), np.ones(count, dtype=np.int64)))
    return eliminated(mine, [*draws, *set_, *names], p)


def _behind(names: Sequence[str], model: CausalModel, set_: set[str]) -> set[str]:
    found: set[str] = set()
    stack = [n for n in names if n not in set_]
    while stack:
        n = stack.pop()
        if n not in found:
            found.add(n)
            stack.extend(q for q in model.mechanisms[n].parents if q not in set_)
    return found


def given_joints(
    model: CausalModel, factors: Mapping[str, Factor], given: Iterable[Given], p: int | None = None
) -> list[Factor]:
    """The given distributions: what is set, then what is seen."""
    draws = (DRAW,) if p else ()
    return [((*draws, *g.done, *g.variables), after(model, factors, g.done, g.variables, p)) for g in given]


def trial(model: CausalModel, given: Given, joint: Factor) -> Distribution:
    """A given distribution as frequencies: in an experiment every combination of what is set is equally frequent."""
    axes, array = joint
    count = int(np.prod([len(model.object(n).values or ()) for n in given.done], dtype=int))
    share = np.array([x / count for x in array.flat], dtype=object).reshape(array.shape)
    return Distribution(axes, share, [model.object(n).values or () for n in axes])


# ---- formulas --------------------------------------------------------------------------------------------------------

Values = Callable[[str], Sequence[str]]


class UnfoundedError(AssertionError):
    """A formula asks for what is not given."""


def conditional(
    query: Query, given: Sequence[Given], joints: Sequence[Factor], values: Values, p: int | None = None
) -> Factor:
    """`P(targets | do(…), conditions)` from the first given distribution that has it.

    Raises:
        UnfoundedError: if none has.
        ZeroDivisionError: if the condition has no probability somewhere.
    """
    set_ = {s.variable: s for s in query.surgeries if isinstance(s, Do | Open)}
    asked = {t.variable for t in (*query.targets, *query.given)} - set(set_)
    fitting = [
        joint for g, joint in zip(given, joints, strict=True) if set(g.done) == set(set_) and asked <= set(g.variables)
    ]
    if not fitting or not all(isinstance(s, Do | Open) for s in query.surgeries):
        raise UnfoundedError(f"{query} is not given")
    axes, array = fitting[0]
    whole = tuple(n if n == DRAW else f"{n} @" for n in axes), array
    set_to = [Term(n, (s.value,)) if isinstance(s, Do) else Term(n, axis=s.axis) for n, s in set_.items()]
    sides = []
    for events in ((*set_to, *query.given, *query.targets), (*set_to, *query.given)):
        parts = [whole, *(_event(t, values(t.variable), p) for t in events)]
        keep = [n for n in dict.fromkeys(n for a, _ in parts for n in a) if not n.endswith(" @")]
        sides.append((tuple(keep), eliminated(parts, keep, p)))
    return _quotient(sides[0], sides[1], p)


def asking(
    given: Sequence[Given],
    joints: Sequence[Factor],
    values: Values,
    query: Query,
    policies: Mapping[str, Table] | None = None,
) -> Callable[[Query], Factor]:
    """Answers what the formula of `query` asks: conditionals of what is given, what is set, and the new mechanisms.

    Raises:
        UnfoundedError: for anything else.
    """
    new = {s.variable: s.mechanism for s in query.surgeries if isinstance(s, Replace)}

    def ask(asked: Query) -> Factor:
        set_ = {s.variable for s in asked.surgeries if isinstance(s, Do | Open)}
        names = tuple(dict.fromkeys(t.variable for t in (*asked.targets, *asked.given)))
        even = [((n,), array_of([Fraction(1)] * len(values(n)), (len(values(n)),))) for n in names]
        if asked.surgeries and all(s in query.surgeries for s in asked.surgeries) and any(n in new for n in names):
            tables: list[Factor] = []
            known, waiting = set[str](), list(names)
            while waiting:  # a policy may hear what another one sets
                n = waiting.pop()
                if n in new and n not in known:
                    known.add(n)
                    b = new[n].diagram.nodes[0].box
                    tables.append(((*(x.name for x in b.dom), n), (policies or {})[b.name].array))
                    waiting += [x.name for x in b.dom]
            joint = eliminated([*tables, *even], names)
            return conditional(replace(asked, surgeries=()), [Given(names)], [(names, joint)], values)
        if set(names) == set_ and len(asked.surgeries) == 1:  # an event on what is set
            return conditional(asked, [Given((), names)], even, values)
        return conditional(asked, given, joints, values)

    return ask


def _event(t: Term, labels: Sequence[str], p: int | None) -> Factor:
    """Which values fit a term; along its axis if it is free."""
    own = f"{t.variable} @"
    rows = [[x == y for y in labels] for x in labels] if t.free else [x in (t.values or ()) for x in labels]
    found = np.array(rows).astype(np.int64)
    return ((own, t.axis_name) if t.free else (own,)), found if p else found.astype(object) * Fraction(1)


def _quotient(above: Factor, below: Factor, p: int | None) -> Factor:
    axes, array = below
    if (array == 0).any():
        raise ZeroDivisionError
    if p is None:
        inverse = np.array([1 / x for x in array.flat], dtype=object).reshape(array.shape)
    else:
        inverse = np.array([pow(int(x), -1, p) for x in array.flat], dtype=np.int64).reshape(array.shape)
    return _times(above, (axes, inverse), p)


def worth(formula: Formula, ask: Callable[[Query], Factor], values: Values, p: int | None = None) -> Factor:
    """The value of a formula, in fractions or modulo `p`; `ask` answers the questions in it.

    Raises:
        ZeroDivisionError: for a division by zero.
    """
    match formula:
        case Number(value):
            number = np.empty((), dtype=object if p is None else np.int64)
            number[()] = value if p is None else value.numerator * pow(value.denominator, -1, p) % p
            return (), number
        case Ask(query):
            return ask(query)
        case Sum(binders, body):
            axes, array = worth(body, ask, values, p)
            for name, variable in binders:
                if name in axes:
                    array = array[..., None].sum(axis=axes.index(name))[..., 0]
                    axes = tuple(n for n in axes if n != name)
                else:
                    array = array * len(values(variable))
            return axes, array % p if p else array
        case Arithmetic(op, left, right):
            one = worth(left, ask, values, p)
            if op == "^":
                assert isinstance(right, Number)
                return _power(one, int(right.value), p)
            other = worth(right, ask, values, p)
            if op == "*":
                return _times(one, other, p)
            if op == "/":
                return _quotient(one, other, p)
            return _added(one, other, -1 if op == "-" else 1, p)


def _power(base: Factor, exponent: int, p: int | None) -> Factor:
    """A whole power of every entry."""
    axes, array = base
    found = np.empty(array.shape, dtype=array.dtype)
    for at, x in np.ndenumerate(array):
        found[at] = pow(int(x), exponent, p) if p else Fraction(x) ** exponent
    return axes, found


def _added(one: Factor, other: Factor, sign: int, p: int | None) -> Factor:
    ones = [(axes, np.full(array.shape, 1, dtype=array.dtype)) for axes, array in (one, other)]
    names, left = _times(one, ones[1], p)
    more, right = _times(ones[0], other, p)
    right = np.transpose(right, [more.index(n) for n in names])
    total = left[..., None] + sign * right[..., None]
    return names, (total % p if p else total)[..., 0]


def differs(found: Factor, wanted: Factor) -> bool:
    """Whether two tables differ anywhere along the axes of both."""
    ones = [(axes, np.full(array.shape, 1, dtype=array.dtype)) for axes, array in (found, wanted)]
    names, left = _times(found, ones[1], None)
    more, right = _times(ones[0], wanted, None)
    return bool((left != np.transpose(right, [more.index(n) for n in names])).any())


def answered_by(model: CausalModel, factors: Mapping[str, Factor], query: Query, p: int | None = None) -> Factor:
    """The answer to a question with `do(…)` alone, from the mechanisms of a model with its hidden causes.

    Raises:
        ZeroDivisionError: if the condition has no probability somewhere.
    """
    set_ = tuple(dict.fromkeys(s.variable for s in query.surgeries))
    names = [n for n in dict.fromkeys(t.variable for t in (*query.targets, *query.given)) if n not in set_]
    given = Given(tuple(names) or ("",), set_)
    joint = after(model, factors, set_, names, p)
    return conditional(query, [given], [((DRAW, *set_, *names) if p else (*set_, *names), joint)], _values(model), p)


def _values(model: CausalModel) -> Values:
    return lambda name: model.object(name).values or ()
