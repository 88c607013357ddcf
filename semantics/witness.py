"""Why an effect does not follow: two models that agree on everything given and disagree on the effect.

The effect already fails to follow on a small part of the graph (`strings.identify.core`). There the mechanism of one
variable is moved, everything else held: what is given is linear in that mechanism, so the moves that nobody can see are
the null space of a matrix, and the effect changes along one of them. Which variable that is and how many values the
hidden causes need is found over a finite field, the move itself in fractions, so that both models are exact.

For most numbers one mechanism can be moved so, with hidden causes of up to five values; where none can, it can be in
models of parities. No theorem says that one of the two always works; it did for every effect tried. What comes out has
been checked: the given tables are equal, fraction by fraction, and the effects are not.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from semantics.answer import answer, answer_array
from semantics.arithmetic import Arithmetic, Fractions
from semantics.distribution import Array
from semantics.expectation import as_number
from semantics.family import MEMBER, family, member
from semantics.field import Field
from semantics.kernel import Kernel, Table, Tables, size
from semantics.shrink import random_kernel
from strings.diagnostic import ZeroProbabilityError
from strings.estimand import Given
from strings.graph import Graph, bits
from strings.identification import NotIdentified, hide_unspoken, spoken
from strings.identify import Source, core
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box
from strings.surgery import CutWire, Do, DoWire, Open, Replace, boxes_of, operate

_MOST_LATENT_VALUES = 8
_DRAWS = 4  # of readable numbers, of which the shortest are shown
_MOVES = 6  # for each of them
_MOST_WORK = 100_000  # squares of the entries of the moved tables, after which one witness is enough
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
        self._graph, outcomes = self._core()
        names = set(self._graph.show(outcomes))
        # What is asked of all values of a variable that the effect can do without is left out; an event has to stay.
        kept = tuple(t for t in found.asked.targets if t.variable in names or t.values is not None)
        self._query = replace(found.asked, targets=kept or found.asked.targets)
        wired = {n for v, n in enumerate(self._graph.names) if self._graph.parents[v] or self._graph.spouses[v]}
        wired |= {self._graph.names[p] for mask in self._graph.parents for p in bits(mask)}
        self._kept = wired | spoken(self._query)
        self._given = [g for g in (_among(g, self._kept) for g in found.given) if g.variables]
        self._fixed = {s.variable for s in self._query.surgeries if isinstance(s, Do | Open | Replace)}

    def _core(self) -> tuple[Graph, int]:
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
        outcomes, conditions = (
            graph.mask(dict.fromkeys(t.variable for t in ts)) for ts in (query.targets, query.given)
        )
        policies = [(v, after.parents[v]) for v in bits(treated) if after.parents[v]]
        found = core(graph, outcomes, treated, conditions, sources, policies)
        return found.graph, found.outcomes

    def draw_policies(self) -> None:
        """Other numbers for the policies that have none of their own."""
        for name, b in boxes_of(None, self._query.surgeries).items():
            if name not in self._known:
                self._policies[name] = random_kernel(b, self._random, positive=True)

    def shape(self, latent_values: int, everyone: bool = False) -> CausalModel:
        """The part of the graph as a model whose hidden causes take so many values; without what no wire ends at, or
        with `everyone`."""
        g = self._graph
        names = [n for n in g.names if everyone or n in self._kept]
        directed = [(g.names[p], n) for v, n in enumerate(g.names) for p in bits(g.parents[v])]
        both = [(g.names[u], n) for v, n in enumerate(g.names) for u in bits(g.spouses[v]) if u < v]
        domains: dict[str, int | Sequence[object]] = {}
        for n in names:
            values = self._model.object(n).values
            domains[n] = values if values and len(values) > 1 else 2
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
        field = Field()
        rng = np.random.default_rng(self._random.randrange(2**32))
        small = {n: _random_rows(_narrow(shape, n), field.p, rng) for n in shape.names}
        found = []
        for n in shape.names:
            if n in self._fixed:
                continue
            try:
                moves = _null_space(self._seen(shape, small, n, field), field.p)
                if not len(moves):
                    continue
                weights = rng.integers(1, field.p, (len(moves), 1))
                move = (moves * weights % field.p).sum(axis=0) % field.p
                moved = (small[n].reshape(-1) + move) % field.p
                effects = [
                    self._effect(shape, small | {n: t.reshape(small[n].shape)}, field) for t in (small[n], moved)
                ]
            except ZeroProbabilityError:  # an unlucky draw
                continue
            if bool((effects[0] != effects[1]).any()):
                found.append(n)
        return found

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

    def _parity(self, widths: Sequence[int], latent: bool, mostly: Fraction) -> Array:
        made = np.empty(widths, dtype=object)
        for at in np.ndindex(*widths):
            even = (sum(at) % 2) == 0
            alone = latent or len(widths) == 1
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
        """The witnesses that moving one mechanism along a move of a basis gives, as far as its entries allow."""
        even = np.full_like(small[variable], Fraction(1, small[variable].shape[-1]))
        small = {**small, variable: even}
        for given in self._given:  # the theory is about positive distributions
            if not (_given_table(shape, self._kernels(shape, small), given, Fractions()) > 0).all():
                return
        seen = self._seen(shape, small, variable, Fractions())
        for move in _rational_null_space(seen)[:_MOVES]:
            step = min(abs(p / d) for p, d in zip(even.flat, move, strict=True) if d)
            moved = np.array([p + step * d for p, d in zip(even.flat, move, strict=True)], dtype=object)
            witness = self._witness(shape, small, small | {variable: moved.reshape(even.shape)}, variable)
            if witness is not None:
                yield witness

    def _witness(
        self, shape: CausalModel, small: Mapping[str, Array], other: Mapping[str, Array], moved: str
    ) -> Witness | None:
        tables = [self._kernels(shape, t) for t in (small, other)]
        plain = replace(self._query, expectation=False)
        try:
            one, two = (answer(shape, {**self._policies, **t}, plain, exact=True) for t in tables)
            if self._query.expectation:
                means = [answer(shape, {**self._policies, **t}, self._query, exact=True) for t in tables]
                if means[0] == means[1]:
                    return None
        except ZeroProbabilityError:
            return None
        gaps = [(abs(p - q), k) for k, (p, q) in enumerate(zip(one.array.flat, two.array.flat, strict=True))]
        gap, k = max(gaps, key=lambda g: (g[0], -g[1]))
        if not gap:
            return None
        at = np.unravel_index(k, one.array.shape)
        place = tuple((n, v[i]) for n, v, i in zip(one.variables, one.values, at, strict=True))
        values = Fraction(one.array[at]), Fraction(two.array[at])
        return Witness(shape, tables[0], tables[1], moved, place, values, dict(self._policies))

    def _spread(self, shape: CausalModel, variable: str, small: Array) -> Array:
        """A table by bits as a table by values: the bit of a variable is whether it takes its `_first` value."""
        names = (*shape.mechanisms[variable].parents, variable)
        for axis, n in enumerate(names):
            values = shape.object(n).values or ()
            if n in shape.latents:
                continue
            first = self._first(n, values)
            small = small.take([int(k != first) for k in range(len(values))], axis=axis)
            if axis == len(names) - 1 and len(values) > 2:
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

    def _tables(self, shape: CausalModel, small: Mapping[str, Array], arithmetic: Arithmetic) -> dict[str, Table]:
        boxes = _boxes(shape)
        full = {n: arithmetic.load(self._spread(shape, n, t)) for n, t in small.items()}
        if isinstance(arithmetic, Fractions):
            return dict(self._kernels(shape, small))
        return {boxes[n].name: Table(boxes[n].dom, boxes[n].cod, t.array) for n, t in full.items()}

    def _effect(self, shape: CausalModel, small: Mapping[str, Array], field: Field) -> Array:
        tables = self._tables(shape, small, field)
        return answer_array(shape, {**self._policies, **tables}, self._query, field)[1]

    def _seen(self, shape: CausalModel, small: Mapping[str, Array], variable: str, arithmetic: Arithmetic) -> Array:
        """What is given as a linear map of the entries of one mechanism: a row a cell, a column an entry.

        Further rows sum the columns of the mechanism: what they send to zero keeps it a mechanism.
        """
        box = _boxes(shape)[variable]
        widths = _narrow(shape, variable)
        volume = int(np.prod(widths, dtype=int))
        wire = member(volume)
        basis = np.empty((volume, *(size(x) for x in (*box.dom, *box.cod))), dtype=object)
        for k in range(volume):
            entry = np.array([Fraction(int(j == k)) for j in range(volume)], dtype=object).reshape(widths)
            basis[k] = self._spread(shape, variable, entry)
        whole = isinstance(arithmetic, Fractions)
        numbers = basis if whole else arithmetic.load(basis).array
        tables = self._tables(shape, small, arithmetic) | {box.name: Table((wire, *box.dom), box.cod, numbers)}
        opened = family(shape, wire, only=variable)
        rows = []
        for given in self._given:
            query = Query(tuple(Term(n) for n in given.variables), (), tuple(Open(n) for n in given.done))
            axes, array = answer_array(opened, tables, query, arithmetic)
            names = [n for n, _ in axes]
            if MEMBER in names:  # otherwise this distribution does not depend on the mechanism
                rows.append(np.moveaxis(array, names.index(MEMBER), -1).reshape(-1, volume))
        width = widths[-1]
        sums = np.kron(np.eye(volume // width, dtype=np.int64), np.ones((1, width), np.int64))
        rows.append(sums.astype(object) if whole else sums)
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


def _null_space(matrix: Array, p: int) -> Array:
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


def _rational_null_space(matrix: Array) -> list[list[Fraction]]:
    """The same in fractions."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    entries = [[QQ(Fraction(x).numerator, Fraction(x).denominator) for x in row] for row in matrix]
    # Gauss and Jordan by name: what sympy chooses for itself takes minutes on matrices of a thousand columns.
    reduced, pivots = DomainMatrix(entries, matrix.shape, QQ).to_sparse().rref(method="GJ")
    rows = reduced.to_list()
    basis = []
    for c in (c for c in range(matrix.shape[1]) if c not in set(pivots)):
        move = [Fraction(int(c == k)) for k in range(matrix.shape[1])]
        for row, pivot in zip(rows, pivots, strict=False):
            move[pivot] = -Fraction(int(row[c].numerator), int(row[c].denominator))
        basis.append(move)
    return basis


def _length(witness: Witness) -> int:
    """How much there is to read."""
    tables = itertools.chain(witness.one.values(), witness.other.values())
    return sum(len(str(p)) for t in tables for p in t.array.flat)
