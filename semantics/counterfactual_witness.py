"""Why a counterfactual does not follow: two functional models that agree on everything given and differ in it.

All variables are random functions of what they hear, of the hidden causes and of noise. Everything given, and the
counterfactual, is then linear in the distribution of one hidden cause: what nobody can see of it is the null space of a
matrix, and the counterfactual may change along it. What comes out has been checked in fractions.

Experiments are compared one by one: a joint for each set of variables that is set. So only the part of the model that
the question depends on is looked at, and only if it is small.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from semantics.answer import answer, answer_array
from semantics.arithmetic import Fractions
from semantics.distribution import Array
from semantics.field import Field
from semantics.kernel import Kernel, Tables, size
from semantics.moves import Witness, enough
from semantics.null_space import lifted, null_space
from strings.counterfactual import Conflict
from strings.counterfactual_identify import CounterfactualNotIdentified, seen_model, spoken_anywhere
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.estimand import Given
from strings.graph import Graph, bits
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Open, boxes_of

MOST_VARIABLES = 6
"""Of questions that depend on more variables no witness is looked for."""

_SIZES = ((3, 2), (4, 2), (4, 3), (6, 2), (8, 2), (8, 3), (12, 2), (16, 2), (16, 4), (32, 2))
# Numbers of values of the hidden cause that is moved, and of all others.
_DRAWS = 4  # of random functions for each
_LARGEST = 300_000  # entries of the joint of the observed variables and hidden causes


def find_counterfactual_witness(
    model: CausalModel, found: CounterfactualNotIdentified, few: Sequence[str] = (), seed: int = 0
) -> Witness | None:
    """Two models that show that `found` is right; the same for the same `seed`. `model` is the one it was asked of.

    Their variables take the values that `model` declares, and one more if they are among `few`: those whose declared
    values let the counterfactual follow. If no witness is found so, the variable that stands in the way gets one more.
    """
    search = _Search(model, found)
    if len(search.names) > MOST_VARIABLES:
        return None
    for more in search.enlarged(tuple(few)):
        rng = np.random.default_rng(seed)
        for (moved, others), cause in itertools.product(_SIZES, search.causes):
            shape = search.shape({**dict.fromkeys(search.causes, others), cause: moved}, more)
            if np.prod([float(size(x)) for x in shape.variables]) > _LARGEST:
                continue
            for _ in range(_DRAWS):
                witness = search.draw(shape, cause, rng)
                if witness is not None:
                    return replace(witness, more=more)
    return None


def given_queries(shape: CausalModel, given: Sequence[Given]) -> list[Query]:
    """The questions that what is given answers; of all experiments, one for each set of variables."""
    seen = shape.observed
    if not given:
        sets = itertools.chain.from_iterable(itertools.combinations(seen, k) for k in range(len(seen)))
        return [_joint([n for n in seen if n not in done], done) for done in sets]
    kept = [Given(tuple(n for n in g.variables if n in seen), tuple(n for n in g.done if n in seen)) for g in given]
    return [_joint(g.variables, g.done) for g in kept if g.variables]


def _joint(names: Sequence[str], done: Sequence[str], *others: Open) -> Query:
    return Query(tuple(map(Term, names)), (), (*(Open(n) for n in done), *others))


class _Search:
    def __init__(self, model: CausalModel, found: CounterfactualNotIdentified) -> None:
        self._model, self._found = model, found
        seen = seen_model(model, found.asked, found.given).graph
        behind = seen.ancestors(seen.mask(spoken_anywhere(found.asked)))
        self._graph: Graph = seen.keep(behind)
        self.names = self._graph.names
        self._field = Field()
        self._hidden = self._causes_of()
        self.causes = list(dict.fromkeys(n for known in self._hidden for n in known))

    def _causes_of(self) -> list[list[str]]:
        """The hidden causes of each variable: one for each bidirected edge; where there is none, noise."""
        g = self._graph
        hidden: list[list[str]] = [[] for _ in g.names]
        for v, spouses in enumerate(g.spouses):
            for u in bits(spouses):
                if u < v:
                    hidden[u].append(f"U_{g.names[u]}_{g.names[v]}")
                    hidden[v].append(f"U_{g.names[u]}_{g.names[v]}")
        return [known or [f"U_{n}"] for n, known in zip(g.names, hidden, strict=True)]

    def enlarged(self, few: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The variables that get a value more: a few, or none; then one that is at two values at once, or that two
        copies hear at different values."""
        yield few
        o = self._found.obstacle
        if isinstance(o, Conflict):
            copies = [dict(n.heard) for n in o.factor if n.variable == o.variable]
            heard = [p for p in copies[0] if len({c[p] for c in copies}) > 1] if len(copies) > 1 else []
            yield from ((n,) for n in ([o.variable] if o.values else heard) if n not in few)

    def shape(self, causes: Mapping[str, int], more: Sequence[str]) -> CausalModel:
        """The part that matters, every variable a function; hidden causes have so many values."""
        g = self._graph
        variables = [self._object(n, n in more) for n in g.names]
        latents = {n: Object(n, tuple(map(str, range(k)))) for n, k in causes.items()}
        boxes = [Box(n.lower(), (), (x,)) for n, x in latents.items()]
        for v, x in enumerate(variables):
            heard = (*(variables[p] for p in bits(g.parents[v])), *(latents[n] for n in self._hidden[v]))
            boxes.append(Box(f"f_{x.name.lower()}", heard, (x,), deterministic=True))
        return CausalModel.from_boxes([*variables, *latents.values()], boxes, list(latents), "witness")

    def _object(self, name: str, more: bool) -> Object:
        values = enough(self._model.object(name).values)
        return Object(name, enough(values, len(values) + more))

    def draw(self, shape: CausalModel, cause: str, rng: np.random.Generator) -> Witness | None:
        """A witness among the models with some random functions, that differ in one hidden cause."""
        tables: dict[str, Kernel] = {}
        for name, b in boxes_of(shape).items():
            width = size(b.cod[0])
            columns = tuple(map(size, b.dom))
            if b.deterministic:
                array = np.array([Fraction(0), Fraction(1)], dtype=object)[
                    np.eye(width, dtype=int)[rng.integers(0, width, columns)]
                ]
            else:
                array = np.array([Fraction(1, width)] * width, dtype=object)
            tables[name] = Kernel(b.dom, b.cod, array)
        try:
            return self._moved(shape, tables, cause)
        except ZeroProbabilityError:
            return None

    def _moved(self, shape: CausalModel, tables: Mapping[str, Kernel], cause: str) -> Witness | None:
        """A witness whose models differ in the distribution of one hidden cause."""
        p = self._field.p
        seen = [
            self._by_cause(shape, tables, replace(q, surgeries=(*q.surgeries, Open(cause))), cause)
            for q in given_queries(shape, self._found.given)
        ]
        rows = np.unique(np.concatenate(seen), axis=0)
        # Both distributions sum to one: no row need say so, since some joint that is given does.
        basis = null_space(rows, p)
        if not len(basis):
            return None
        asked = self._found.asked
        done = (*asked.surgeries, Open(cause))
        both = replace(asked, targets=(*asked.targets, *asked.given), given=(), surgeries=done, expectation=False)
        above = self._by_cause(shape, tables, both, cause)
        count = size(shape.object(cause))
        if asked.given:
            below = self._by_cause(shape, tables, replace(both, targets=asked.given), cause)
            if len(below) != len(above):
                below = np.broadcast_to(below.sum(axis=0), above.shape) if len(below) == 1 else below
            if len(below) != len(above):  # a condition with free values: look at its cases one by one
                return self._first(shape, tables, cause, basis)
            # N / D changes where D n.N - N n.D is not 0, all at the uniform distribution.
            level = [(x.sum(axis=1) % p)[:, None] for x in (above, below)]
            above = (above * level[1] - below * level[0]) % p
        changes = (above[:, None, :] * basis[None] % p).sum(axis=2) % p
        useful = [k for k in range(len(basis)) if changes[:, k].any()]
        for k in sorted(useful, key=lambda k: int(np.count_nonzero(basis[k]))):
            witness = self._along(shape, tables, cause, basis[k], count)
            if witness is not None:
                return witness
        return None

    def _first(self, shape: CausalModel, tables: Mapping[str, Kernel], cause: str, basis: Array) -> Witness | None:
        for move in basis:
            witness = self._along(shape, tables, cause, move, size(shape.object(cause)))
            if witness is not None:
                return witness
        return None

    def _by_cause(self, shape: CausalModel, tables: Tables, query: Query, cause: str) -> Array:
        """A table with a column for each value of the hidden cause."""
        axes, array = answer_array(shape, tables, query, self._field)
        at = next(k for k, (_, x) in enumerate(axes) if x.name == cause)
        return np.moveaxis(array, at, -1).reshape(-1, array.shape[at])

    def _along(
        self, shape: CausalModel, tables: Mapping[str, Kernel], cause: str, move: Array, count: int
    ) -> Witness | None:
        """The uniform distribution of a cause against another, as far along a move as its entries allow."""
        whole = lifted(move, self._field.p)
        if whole is None:
            return None
        step = Fraction(1, count) / max(map(abs, whole))
        (name,) = (n.box.name for n in shape.mechanisms[cause].diagram.nodes)
        one = dict(tables)
        moved = np.array([Fraction(1, count) + step * x for x in whole], dtype=object)
        other = {**one, name: Kernel((), (shape.object(cause),), moved)}
        asked = self._found.asked
        try:
            first, second = (answer(shape, t, asked, exact=True) for t in (one, other))
        except (ZeroProbabilityError, QueryError):
            return None
        places = np.argwhere(np.atleast_1d(first.array != second.array))
        if not len(places) or not agree(shape, one, other, self._found.given):
            return None
        at = max(map(tuple, places), key=lambda i: abs(_entry(first.array, i) - _entry(second.array, i)))
        at = at[: first.array.ndim]
        labels = [first.labels(n) for n in first.variables]
        place = tuple((n, v[i]) for n, v, i in zip(first.variables, labels, at, strict=True))
        values = _entry(first.array, at), _entry(second.array, at)
        return Witness(shape, one, other, (cause,), place, values)


def _entry(array: Array, at: Sequence[int]) -> Fraction:
    return Fraction(array[tuple(at)[: array.ndim]])


def agree(shape: CausalModel, one: Tables, other: Tables, given: Sequence[Given]) -> bool:
    """Whether two models agree on everything given, compared in fractions."""
    for q in given_queries(shape, given):
        a, b = (answer_array(shape, t, q, Fractions())[1] for t in (one, other))
        if (a != b).any():
            return False
    return True
