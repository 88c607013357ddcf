"""Why an effect does not follow: two models that agree on everything given and disagree on the effect.

The effect already fails to follow on a small part of the graph (`strings.identify.core`). There the mechanism of one
variable is moved, everything else held: what is given is linear in that mechanism, so the moves that nobody can see are
the null space of a matrix, and the effect changes along one of them. Which variable that is, how many values the hidden
causes need and which moves of simple numbers will do is found over a finite field. The fractions of a move are read off
its members of the field where they are short, and solved for where they are not, so that both models are exact.

For most numbers one mechanism can be moved so, with hidden causes of up to five values; where none can, it can be in
models of parities. No theorem says that one of the two always works; it did for every effect that was tried with one
distribution given, or several that speak of the same variables. Of several that speak of different ones two mechanisms
may have to move at once, or a variable may need more values than it has: with few, kernels that nothing tells of can be
solved for. What comes out has been checked: the given tables are equal, fraction by fraction, and the effects differ.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from semantics.answer import answer, answer_array
from semantics.arithmetic import Arithmetic, Fractions
from semantics.distribution import Array, Distribution
from semantics.expectation import as_number
from semantics.family import MEMBER, family, member
from semantics.field import Field
from semantics.kernel import Kernel, Table, Tables, size
from semantics.shrink import random_kernel
from strings.diagnostic import ZeroProbabilityError
from strings.estimand import Given
from strings.graph import bits
from strings.identification import NotIdentified, hide_unspoken, settable, spoken
from strings.identify import Core, Hedge, Source, core
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box
from strings.surgery import CutWire, Do, DoWire, Open, Replace, boxes_of, operate

_MOST_LATENT_VALUES = 8
_DRAWS = 4  # of readable numbers, of which the shortest are shown
_MOVES = 6  # for each of them
_BATCH = 64  # moves that are tried at once
_MOST_WORK = 100_000  # squares of the entries of the moved tables, after which one witness is enough
_MOST_CASES = 32  # of a mechanism that are broken, one after the other
_PALETTE = (Fraction(1, 2), Fraction(1, 4), Fraction(3, 4), Fraction(1, 3), Fraction(2, 3))


@dataclass(frozen=True)
class Witness:
    """Two models of one shape with exact numbers: equal in everything given, different in the effect.

    `one` and `other` are the numbers of the boxes of `shape`, and differ in the box of `moved` alone; `policies` are
    those of the boxes that the question's surgeries put in. `place` is where the effects differ most (axis and value),
    `values` are the two effects there.
    """

    shape: CausalModel
    one: Mapping[str, Kernel]
    other: Mapping[str, Kernel]
    moved: str
    place: tuple[tuple[str, str], ...]
    values: tuple[Fraction, Fraction]
    policies: Mapping[str, Kernel] = field(default_factory=dict)


def find_witness(
    model: CausalModel, found: NotIdentified, policies: Mapping[str, Kernel] | None = None, seed: int = 0
) -> Witness | None:
    """Two models that show that `found` is right; the same for the same `seed`. `model` is the one it was asked of.

    Their variables take the values that `model` declares (0 and 1 where it declares none or only one). A box that the
    question's surgeries put in gets numbers, too, unless `policies` has them.
    """
    search = _Search(model, found, policies or {}, random.Random(seed))
    for values in range(2, _MOST_LATENT_VALUES + 1):
        search.draw_policies()
        shape = search.shape(values)
        candidates = search.movable(shape)
        best = min(search.draws(shape, candidates), key=_length, default=None) if candidates else None
        if best is None and values == 2:
            best = min(search.parities(shape), key=_length, default=None)
            best = best or min(search.hedged(shape), key=_length, default=None)
        if best is not None:
            return search.completed(best, values)
    return None


def check_witness(witness: Witness, query: Query, given: Sequence[Given]) -> bool:
    """Whether a witness is one: recomputed in fractions from its tables alone."""
    for g in given:
        g = _among(g, _connected(witness.shape, query))  # the others are the same in both, and independent of these
        tables = [_given_table(witness.shape, t, g, Fractions()) for t in (witness.one, witness.other)]
        if not bool(np.all(tables[0] == tables[1])):
            return False
    one, other = (
        answer(witness.shape, {**witness.policies, **t}, query, exact=True) for t in (witness.one, witness.other)
    )
    return bool(np.any(one.array != other.array))


def _connected(shape: CausalModel, query: Query) -> set[str]:
    """The variables that the question names, or that a wire ends at."""
    return spoken(query) | {n for n in shape.observed if shape.parents(n) or shape.children[n]}


def _among(given: Given, names: set[str]) -> Given:
    """A given distribution of some variables alone."""
    return Given(tuple(n for n in given.variables if n in names), tuple(n for n in given.done if n in names))


def _given_table(shape: CausalModel, tables: Tables, given: Given, arithmetic: Arithmetic) -> Array:
    """A given distribution as a table, its axes in the order of `answer_array`."""
    query = Query(tuple(Term(n) for n in given.variables), (), tuple(Open(n) for n in given.done))
    return answer_array(shape, tables, query, arithmetic)[1]


class _Search:
    """Finds a mechanism to move, and readable numbers to move it by.

    Observed variables carry one bit, whether they take their first value: mechanisms listen to that bit alone, and
    spread what is not the first value evenly over the others.
    """

    def __init__(
        self, model: CausalModel, found: NotIdentified, policies: Mapping[str, Kernel], rnd: random.Random
    ) -> None:
        self._model, self._found, self._known, self._random = model, found, policies, rnd
        self._policies = dict(policies)
        core = self._core()
        self._graph, self._obstacle = core.graph, core.obstacle
        names = set(self._graph.show(core.outcomes))
        # What is asked of all values of a variable that the effect can do without is left out; an event has to stay.
        kept = tuple(t for t in found.asked.targets if t.variable in names or t.values is not None)
        self._query = replace(found.asked, targets=kept or found.asked.targets)
        wired = {n for v, n in enumerate(self._graph.names) if self._graph.parents[v] or self._graph.spouses[v]}
        wired |= {self._graph.names[p] for mask in self._graph.parents for p in bits(mask)}
        self._kept = wired | spoken(self._query)
        self._given = [g for g in (_among(g, self._kept) for g in found.given) if g.variables]
        self._field, self._weights = Field(), np.random.default_rng(0)
        self._fixed = {s.variable for s in self._query.surgeries if isinstance(s, Do | Open | Replace)}

    def _core(self) -> Core:
        """The part of the graph that matters, and the outcomes that do."""
        seen = hide_unspoken(self._model, self._found.given, spoken(self._found.asked))
        graph, query = seen.graph, self._found.asked
        sources = []
        for g in self._found.given:
            mask = graph.mask((*g.variables, *g.done))
            kept = graph if mask == graph.all else graph.keep(mask)
            sources.append(Source(kept, kept.mask(g.done)))
        surgeries = [s for s in query.surgeries if not isinstance(s, CutWire | DoWire)]
        after = operate(seen, *surgeries).graph
        treated = graph.mask(dict.fromkeys(s.variable for s in surgeries))
        fixed = [t for t in query.given if settable(t, query)]
        conditions = graph.mask(dict.fromkeys(t.variable for t in fixed))
        outcomes = graph.mask(dict.fromkeys(t.variable for t in (*query.targets, *query.given))) & ~conditions
        policies = [(v, after.parents[v]) for v in bits(treated) if after.parents[v]]
        return core(graph, outcomes, treated, conditions, sources, policies)

    def draw_policies(self) -> None:
        """Other numbers for the policies that have none of their own."""
        for name, b in boxes_of(None, self._query.surgeries).items():
            if name not in self._known:
                self._policies[name] = random_kernel(b, self._random, positive=True)

    def shape(self, latent_values: int, everyone: bool = False, binary: bool = False) -> CausalModel:
        """The part of the graph as a model whose hidden causes take so many values; without what no wire ends at, or
        with `everyone`."""
        g = self._graph
        names = [n for n in g.names if everyone or n in self._kept]
        directed = [(g.names[p], n) for v, n in enumerate(g.names) for p in bits(g.parents[v])]
        both = [(g.names[u], n) for v, n in enumerate(g.names) for u in bits(g.spouses[v]) if u < v]
        domains: dict[str, int | Sequence[object]] = {}
        for n in names:
            values = self._model.object(n).values
            domains[n] = values if values and len(values) > 1 and not binary else 2
        bare = CausalModel.from_edges(directed, both, None, nodes=names)
        domains |= {n: latent_values for n in bare.names if n in bare.latents}
        made = CausalModel.from_edges(directed, both, domains, nodes=names, name="witness")
        for n, b in _boxes(made).items():  # a policy keeps its name
            name = b.name
            while name in self._policies:
                name += "'"
            made = made.with_mechanism(n, Mechanism.of_box(replace(b, name=name))) if name != b.name else made
        return made

    def completed(self, witness: Witness, latent_values: int) -> Witness:
        """The witness with all variables: those that no wire ends at are even."""
        shape = self.shape(latent_values, everyone=True)
        rest: dict[str, Kernel] = {}
        for n, b in _boxes(shape).items():
            if n not in witness.shape.names:
                count = size(b.cod[0])
                rest[b.name] = Kernel((), b.cod, [Fraction(1, count)] * count)
        return replace(witness, shape=shape, one={**witness.one, **rest}, other={**witness.other, **rest})

    def movable(self, shape: CausalModel) -> list[str]:
        """The variables whose mechanism can be moved unseen so that the effect changes, for almost all numbers."""
        rng = np.random.default_rng(self._random.randrange(2**32))
        small = {n: _random_rows(_narrow(shape, n), self._field.p, rng) for n in shape.names}
        return [n for n in shape.names if n not in self._fixed and self._moves(shape, small, n, 1)]

    def draws(self, shape: CausalModel, movable: Sequence[str]) -> Iterator[Witness]:
        """Witnesses with readable numbers, as they come; of large models, whose moves take long, only a few."""
        found, work = False, 0
        for _ in range(_DRAWS):
            small = {n: self._readable(_narrow(shape, n), n in shape.latents) for n in shape.names}
            for n in movable:
                for witness in self._moved(shape, small, n):
                    found = True
                    yield witness
                work += small[n].size ** 2
                if found and work > _MOST_WORK:
                    return

    def parities(self, shape: CausalModel) -> Iterator[Witness]:
        """Witnesses among models of parities, as in the proof of Shpitser and Pearl (2006, theorem 4).

        Every variable is the sum of what it hears, mostly. There a mechanism can be moved unseen that for most numbers
        cannot.
        """
        for mostly in (Fraction(3, 4), Fraction(1)):
            small = {n: self._parity(_narrow(shape, n), n in shape.latents, mostly) for n in shape.names}
            for n in shape.observed:
                if n not in self._fixed and shape.parents(n):
                    yield from self._moved(shape, small, n)

    def hedged(self, shape: CausalModel) -> Iterator[Witness]:
        """Witnesses among models of parities in which a hedge keeps to itself, but for one case.

        Of an effect under a condition not only has a hedge to be hidden: a path has to carry its change from the
        condition to the outcome (Shpitser, Pearl 2006, completeness of IDC). Where that path runs through the hedge
        itself, what it brings in breaks the parities that hide the change. So the members of the hedge hear each other
        alone, and in one case, which depends on what is outside, one of them tosses a coin.
        """
        if not isinstance(self._obstacle, Hedge):
            return
        forest = set(self._obstacle.graph.show(self._obstacle.forest))
        outside = {n for n in shape.names if not set(shape.children[n] if n in shape.latents else [n]) <= forest}
        small, cases = dict[str, Array](), list[tuple[str, tuple[int, ...]]]()
        for n in shape.names:
            ports = (*shape.mechanisms[n].parents, n)
            deaf = [k for k, p in enumerate(ports) if n in forest and p in outside]
            small[n] = self._parity(_narrow(shape, n), n in shape.latents, Fraction(1), deaf)
            cases += [(n, at) for at in np.ndindex(*small[n].shape[:-1])][:_MOST_CASES] if deaf else []
        for moved in shape.observed:
            if moved in self._fixed or not shape.parents(moved) or not cases:
                continue
            even = {**small, moved: np.full_like(small[moved], Fraction(1, 2))}
            if not len(null_space(self._seen(shape, even, moved, self._field), self._field.p)):
                continue
            for n, at in cases:
                table = small[n].copy()
                table[at] = Fraction(1, 2)
                yield from self._moved(shape, {**small, n: table}, moved)

    def _parity(self, widths: Sequence[int], latent: bool, mostly: Fraction, deaf: Sequence[int] = ()) -> Array:
        """The table of a sum of what is heard, the ports in `deaf` aside; even where nothing is."""
        made = np.empty(widths, dtype=object)
        alone = latent or len(widths) - len(deaf) == 1
        for at in np.ndindex(*widths):
            even = (sum(at) - sum(at[k] for k in deaf)) % 2 == 0
            made[at] = Fraction(1, widths[-1]) if alone else mostly if even else 1 - mostly
        return made

    def _readable(self, widths: Sequence[int], latent: bool) -> Array:
        """A table of simple fractions: hidden causes uniform, the others by bits."""
        columns = int(np.prod(widths[:-1], dtype=int))
        made = np.empty((columns, widths[-1]), dtype=object)
        for k in range(columns):
            p = self._random.choice(_PALETTE)
            made[k] = [Fraction(1, widths[-1])] * widths[-1] if latent else [p, 1 - p]
        return made.reshape(widths)

    def _moved(self, shape: CausalModel, small: Mapping[str, Array], variable: str) -> Iterator[Witness]:
        """The witnesses that moving one mechanism along moves of a basis gives, as far as its entries allow."""
        even = np.full_like(small[variable], Fraction(1, small[variable].shape[-1]))
        small = {**small, variable: even}
        moves = self._moves(shape, small, variable, _MOVES)
        if not moves:
            return
        given = self._given_tables(shape, small)
        if not all(bool((t > 0).all()) for t in given):  # the theory is about positive distributions
            return
        short = [m for m in (lifted(m, self._field.p) for m in moves.values()) if m is not None]
        others = [o for o in (_stepped(small, variable, m) for m in short) if self._unseen(shape, o, given)]
        if not others:  # their fractions are longer than one prime can tell
            basis = _rational_null_space(self._seen(shape, small, variable, Fractions()))
            others = [_stepped(small, variable, basis[k]) for k in moves if k < len(basis)]
        one = self._kernels(shape, small)
        before = self._effect(shape, one)
        for other in others if before else ():
            witness = self._witness(shape, one, before, self._kernels(shape, other), variable)
            if witness is not None:
                yield witness

    def _moves(self, shape: CausalModel, small: Mapping[str, Array], variable: str, most: int) -> dict[int, Array]:
        """Moves of a mechanism, over the field, that nobody sees and that change the effect, by their number in a
        basis: at most so many, those with few entries first."""
        p = self._field.p
        basis = null_space(self._seen(shape, small, variable, self._field), p)
        if not len(basis):
            return {}
        # If the effect changes along any of them it does along a sum of all, almost surely.
        mixed = (basis * self._weights.integers(1, p, (len(basis), 1)) % p).sum(axis=0) % p
        found: dict[int, Array] = {}
        try:
            if not self._changes(shape, small, variable, mixed[None]).any():
                return {}
            order = np.argsort(np.count_nonzero(basis, axis=1), kind="stable")
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                changes = self._changes(shape, small, variable, basis[batch])
                found |= {int(k): basis[k] for k in batch[changes]}
                if len(found) >= most:
                    break
        except ZeroProbabilityError:  # an unlucky draw
            return {}
        return dict(itertools.islice(found.items(), most))

    def _unseen(self, shape: CausalModel, small: Mapping[str, Array], given: Sequence[Array]) -> bool:
        """Whether these numbers give the same tables."""
        return all(bool((a == b).all()) for a, b in zip(given, self._given_tables(shape, small), strict=True))

    def _given_tables(self, shape: CausalModel, small: Mapping[str, Array]) -> list[Array]:
        """What is given, exactly, by bits."""
        shape = self._binary(shape)
        tables = {b.name: Kernel(b.dom, b.cod, small[n]) for n, b in _boxes(shape).items()}
        return [_given_table(shape, tables, given, Fractions()) for given in self._given]

    def _binary(self, shape: CausalModel) -> CausalModel:
        """The shape with two values for every observed variable."""
        if all(size(shape.object(n)) == 2 for n in shape.observed):
            return shape
        return self.shape(max((size(shape.object(n)) for n in shape.latents), default=2), binary=True)

    def _effect(self, shape: CausalModel, tables: Tables) -> list[Distribution]:
        """The effect, exactly, and its mean if that is asked; nothing if the condition is impossible."""
        queries = [replace(self._query, expectation=False), *([self._query] if self._query.expectation else ())]
        try:
            return [answer(shape, {**self._policies, **tables}, q, exact=True) for q in queries]
        except ZeroProbabilityError:
            return []

    def _witness(
        self,
        shape: CausalModel,
        one: Mapping[str, Kernel],
        before: Sequence[Distribution],
        other: Mapping[str, Kernel],
        moved: str,
    ) -> Witness | None:
        """The two models, if what is asked, whose distribution in `one` is the first of `before`, differs."""
        now = self._effect(shape, other)
        if not now or before[-1] == now[-1]:
            return None
        arrays = before[0].array, now[0].array
        gaps = [(abs(p - q), k) for k, (p, q) in enumerate(zip(*(a.flat for a in arrays), strict=True))]
        at = np.unravel_index(max(gaps, key=lambda g: (g[0], -g[1]))[1], arrays[0].shape)
        place = tuple((n, v[i]) for n, v, i in zip(now[0].variables, now[0].values, at, strict=True))
        values = Fraction(arrays[0][at]), Fraction(arrays[1][at])
        return Witness(shape, one, other, moved, place, values, dict(self._policies))

    def _spread(self, shape: CausalModel, variable: str, small: Array) -> Array:
        """A table by bits as a table by values: the bit of a variable is whether it takes its `_first` value."""
        names = (*shape.mechanisms[variable].parents, variable)
        for axis, n in enumerate(names, start=small.ndim - len(names)):
            values = shape.object(n).values or ()
            if n in shape.latents:
                continue
            first = self._first(n, values)
            small = small.take([int(k != first) for k in range(len(values))], axis=axis)
            if n == variable and len(values) > 2:
                share = Fraction(1, len(values) - 1)
                shares = np.array([Fraction(1) if k == first else share for k in range(len(values))], dtype=object)
                field = Field()
                small = small * shares if small.dtype == object else small * field.load(shares).array % field.p
        return small

    def _first(self, name: str, values: Sequence[str]) -> int:
        """The value that a variable's bit tells from the others: the largest where a mean is asked, else the first."""
        if self._query.expectation and name == self._query.targets[0].variable:
            numbers = [as_number(v) for v in values]
            known = [n for n in numbers if n is not None]
            if len(known) == len(values):
                return known.index(max(known))
        return 0

    def _kernels(self, shape: CausalModel, small: Mapping[str, Array]) -> dict[str, Kernel]:
        boxes = _boxes(shape)
        return {boxes[n].name: Kernel(boxes[n].dom, boxes[n].cod, self._spread(shape, n, t)) for n, t in small.items()}

    def _changes(self, shape: CausalModel, small: Mapping[str, Array], variable: str, moves: Array) -> Array:
        """Which moves of a mechanism change the effect, over the field; all at once, as a family of models."""
        boxes, wire, load = _boxes(shape), member(len(moves) + 1), self._field.load
        tables = {
            boxes[n].name: Table(boxes[n].dom, boxes[n].cod, load(self._spread(shape, n, t)).array)
            for n, t in small.items()
        }
        at, own = load(small[variable]).array, boxes[variable]
        moves = moves * self._weights.integers(1, self._field.p, (len(moves), 1)) % self._field.p  # by any distance
        members = np.concatenate([at[None], (at + _whole(moves, at.shape)) % self._field.p])
        tables[own.name] = Table((wire, *own.dom), own.cod, self._spread(shape, variable, members))
        opened = family(shape, wire, only=variable)
        axes, array = answer_array(opened, {**self._policies, **tables}, self._query, self._field)
        names = [n for n, _ in axes]
        if MEMBER not in names:  # the effect does not depend on the mechanism
            return np.zeros(len(moves), dtype=bool)
        effects = np.moveaxis(array, names.index(MEMBER), 0).reshape(len(members), -1)
        return np.asarray((effects[1:] != effects[0]).any(axis=1))

    def _seen(self, shape: CausalModel, small: Mapping[str, Array], variable: str, arithmetic: Arithmetic) -> Array:
        """What is given as a linear map of a move of one mechanism: a row a cell, a column an entry of the move.

        The coefficient of an entry is the probability of the cell and of what the mechanism hears, after what it says
        is set. The first entry of every column of the mechanism takes back what the others add.
        """
        shape = self._binary(shape)
        tables = {b.name: Table(b.dom, b.cod, arithmetic.load(small[n]).array) for n, b in _boxes(shape).items()}
        ports = {n: f"{n} heard" for n in shape.mechanisms[variable].parents}
        said, width = f"{variable} said", small[variable].shape[-1]
        rows = [np.zeros((0, small[variable].size // width * (width - 1)), dtype=np.int64)]
        for given in self._given:
            if variable in given.done:
                continue
            asked = (*map(Term, given.variables), *(Term(n, axis=axis) for n, axis in ports.items()))
            query = Query(asked, (), (*map(Open, given.done), Open(variable, said)))
            axes, array = answer_array(shape, tables, query, arithmetic)
            names = [n for n, _ in axes]
            last = [names.index(n) for n in (*ports.values(), said)]
            array = np.moveaxis(array, last, range(-len(last), 0))
            rows.append((array[..., 1:] - array[..., :1]).reshape(-1, rows[0].shape[1]))
        return np.concatenate(rows)


def _boxes(shape: CausalModel) -> dict[str, Box]:
    """The box of every variable of a model made of edges."""
    return {n: m.diagram.nodes[0].box for n, m in shape.mechanisms.items()}


def _narrow(shape: CausalModel, variable: str) -> tuple[int, ...]:
    """How many cases each port of a mechanism tells apart: two for an observed variable, all for a hidden cause."""
    names = (*shape.mechanisms[variable].parents, variable)
    return tuple(size(shape.object(n)) if n in shape.latents else 2 for n in names)


def _random_rows(widths: Sequence[int], p: int, rng: np.random.Generator) -> Array:
    """A random mechanism over the field."""
    made = rng.integers(1, p, widths, dtype=np.int64)
    made[..., -1] = (1 - made[..., :-1].sum(axis=-1)) % p
    return made


def null_space(matrix: Array, p: int) -> Array:
    """A basis of what a matrix over GF(p) sends to zero, a row each, by Gauss and Jordan."""
    rows, pivots = matrix % p, list[int]()
    for column in range(rows.shape[1]):
        below = np.flatnonzero(rows[len(pivots) :, column])
        if not below.size:
            continue
        at = len(pivots)
        rows[[at, at + below[0]]] = rows[[at + below[0], at]]
        rows[at] = rows[at] * pow(int(rows[at, column]), -1, p) % p
        others = np.flatnonzero(rows[:, column])
        others = others[others != at]
        rows[others] = (rows[others] - rows[others, column][:, None] * rows[at]) % p
        pivots.append(column)
    free = [c for c in range(rows.shape[1]) if c not in set(pivots)]
    basis = np.zeros((len(free), rows.shape[1]), dtype=np.int64)
    for k, c in enumerate(free):
        basis[k, c] = 1
        basis[k, pivots] = -rows[: len(pivots), c] % p
    return basis


def _whole(moves: Array, shape: tuple[int, ...]) -> Array:
    """Moves with the first entry of every column: columns of a mechanism sum to one, those of a move to nothing."""
    others = moves.reshape(len(moves), *shape[:-1], shape[-1] - 1)
    return np.concatenate([-others.sum(axis=-1, keepdims=True), others], axis=-1)


def _stepped(small: Mapping[str, Array], variable: str, move: Array) -> dict[str, Array]:
    """The numbers with one mechanism moved as far as its entries allow."""
    at = small[variable]
    whole = _whole(move[None], at.shape)[0]
    step = min(abs(p / d) for p, d in zip(at.flat, whole.flat, strict=True) if d)
    return {**small, variable: at + step * whole}


def lifted(move: Array, p: int) -> Array | None:
    """The fractions of small whole numbers that members of GF(p) stand for, if all do (Wang 1981)."""
    made = np.empty(move.shape, dtype=object)
    known: dict[int, Fraction | None] = {0: Fraction(0)}
    for k, x in enumerate(map(int, move)):
        if x not in known:
            known[x] = _small_fraction(x, p)
        made[k] = known[x]
        if made[k] is None:
            return None
    return made


def _small_fraction(x: int, p: int) -> Fraction | None:
    """The fraction that a member of GF(p) stands for, if numerator and denominator are below the root of p / 2."""
    bound = math.isqrt(p // 2)
    above, below, s, t = p, x, 0, 1
    while below > bound:
        q = above // below
        above, below, s, t = below, above - q * below, t, s - q * t
    return Fraction(below, t) if 0 < abs(t) <= bound else None


def _rational_null_space(matrix: Array) -> list[Array]:
    """The same in fractions."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    entries = [[QQ(Fraction(x).numerator, Fraction(x).denominator) for x in row] for row in matrix]
    # Gauss and Jordan by name: what sympy chooses for itself takes minutes on matrices of a thousand columns.
    reduced, pivots = DomainMatrix(entries, matrix.shape, QQ).to_sparse().rref(method="GJ")
    rows = reduced.to_list()
    basis = []
    for c in (c for c in range(matrix.shape[1]) if c not in set(pivots)):
        move = np.array([Fraction(int(c == k)) for k in range(matrix.shape[1])], dtype=object)
        for row, pivot in zip(rows, pivots, strict=False):
            move[pivot] = -Fraction(int(row[c].numerator), int(row[c].denominator))
        basis.append(move)
    return basis


def _length(witness: Witness) -> int:
    """How much there is to read."""
    tables = itertools.chain(witness.one.values(), witness.other.values())
    return sum(len(str(p)) for t in tables for p in t.array.flat)
