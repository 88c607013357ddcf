"""Why an effect does not follow: two models that agree on everything given and disagree on the effect.

The effect already fails to follow on a small part of the graph (`strings.identify.core`). There the mechanism of one
variable is moved, everything else held: what is given is linear in that mechanism, so the moves that nobody can see are
the null space of a matrix, and the effect changes along one of them (`semantics.moves`). Which variable that is, how
many values the hidden causes need and which moves of simple numbers will do is found over a finite field.

For most numbers one mechanism can be moved so, with hidden causes of up to five values; where none can, it can be in
models of parities. Where several distributions are given that speak of different variables, the others may have to be
just so that the move is not seen, or two or three mechanisms to move at once; or another part of the graph has to be
looked at; or a variable needs more values than it has: with few, kernels that nothing tells of can be solved for. No
theorem says that one of these always works; it did for every random effect that was tried. What comes out has been
checked: the given tables are equal, fraction by fraction, and the effects differ.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from semantics.answer import answer
from semantics.arithmetic import Fractions
from semantics.distribution import Array
from semantics.field import Field
from semantics.kernel import Kernel, size
from semantics.moves import Moves, Witness, enough, given_table, mechanisms_of
from semantics.null_space import null_space
from semantics.shrink import random_kernel
from strings.estimand import Given
from strings.graph import bits
from strings.identification import NotIdentified, hide_unspoken, settable, spoken
from strings.identify import Core, Hedge, Source, Unseen, core
from strings.model import CausalModel, Mechanism
from strings.query import Query
from strings.surgery import CutWire, Do, DoWire, Open, Replace, boxes_of, operate

_MOST_HIDDEN = 8  # values of hidden causes
_MOST_WIRED = 7  # variables that are moved, or get more values, where one mechanism with the values at hand will not do
_MOST_CORES = 12  # draws of other parts of the graph, where the first will not do
_MOST_MORE = 7  # numbers of values of one variable that are tried, one after the other
_DRAWS = 4  # of readable numbers, of which the shortest are shown
_SHARES = tuple(Fraction(1, k) for k in (1, 1, 1, 2, 2, 2, 4, 4, 4))  # of the way to other numbers
_MOST_WORK = 100_000  # squares of the entries of the moved tables, after which one witness is enough
_MOST_CASES = 32  # of a mechanism that are broken, one after the other
_PALETTE = (Fraction(1, 2), Fraction(1, 4), Fraction(3, 4), Fraction(1, 3), Fraction(2, 3))
_MORE = (*_PALETTE, *(Fraction(k, 6) for k in (1, 5)), *(Fraction(k, 5) for k in range(1, 5)))


@dataclass(frozen=True)
class _Sizes:
    """How many values hidden causes have, and how many other variables (or some of them) have for once."""

    hidden: int
    others: Mapping[str, int] = field(default_factory=dict)


def find_witness(
    model: CausalModel, found: NotIdentified, policies: Mapping[str, Kernel] | None = None, seed: int = 0
) -> Witness | None:
    """Two models that show that `found` is right; the same for the same `seed`. `model` is the one it was asked of.

    Their variables take the values that `model` declares (0 and 1 where it declares none or only one); where those let
    the effect follow after all, or no witness is found with them, a few have more. A box that the question's surgeries
    put in gets numbers, too, unless `policies` has them.
    """
    for search, sizes, tries in _searches(_Search(model, found, policies or {}, random.Random(seed)), seed):
        best = min(tries, key=_length, default=None)
        if best is not None:
            return search.completed(best, sizes)
    return None


def _searches(first: _Search, seed: int) -> Iterator[tuple[_Search, _Sizes, Iterator[Witness]]]:
    """Where witnesses are looked for, the simplest first.

    With several given distributions equations can be solved on one part of the graph and not on another, though the
    effect is refused on both. So other parts come before more values of variables.
    """
    for sizes, tries in first.stages():
        yield first, sizes, tries
    known = [first.core]
    for k in range(_MOST_CORES):
        other = first.elsewhere(random.Random(f"{seed} {k}"))
        if other.core not in known:
            known.append(other.core)
            for sizes, tries in other.stages():
                yield other, sizes, tries
    for sizes, tries in first.wider():
        yield first, sizes, tries


def check_witness(witness: Witness, query: Query, given: Sequence[Given]) -> bool:
    """Whether a witness is one: recomputed in fractions from its tables alone."""
    for g in given:
        g = _among(g, _connected(witness.shape, query))  # the others are the same in both, and independent of these
        tables = [given_table(witness.shape, t, g, Fractions()) for t in (witness.one, witness.other)]
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


class _Search:
    """Finds mechanisms to move, and readable numbers to move them by."""

    def __init__(
        self,
        model: CausalModel,
        found: NotIdentified,
        policies: Mapping[str, Kernel],
        rnd: random.Random,
        again: bool = False,
    ) -> None:
        self._model, self._found, self._known, self._random = model, found, policies, rnd
        self._policies = dict(policies)
        self.core = self._core(rnd if again else None)
        self._graph, self._obstacle = self.core.graph, self.core.obstacle
        names = set(self._graph.show(self.core.outcomes))
        # What is asked of all values of a variable that the effect can do without is left out; an event has to stay.
        kept = tuple(t for t in found.asked.targets if t.variable in names or t.values is not None)
        self._query = replace(found.asked, targets=kept or found.asked.targets)
        wired = {n for v, n in enumerate(self._graph.names) if self._graph.parents[v] or self._graph.spouses[v]}
        wired |= {self._graph.names[p] for mask in self._graph.parents for p in bits(mask)}
        self._wired, self._kept = wired, wired | spoken(self._query)
        self._given = [g for g in (_among(g, self._kept) for g in found.given) if g.variables]
        self._field, self._weights = Field(), np.random.default_rng(0)
        self._fixed = {s.variable for s in self._query.surgeries if isinstance(s, Do | Open | Replace)}

    def elsewhere(self, rnd: random.Random) -> _Search:
        """A search on another part of the graph, or on the same."""
        return _Search(self._model, self._found, self._known, rnd, again=True)

    def _core(self, rnd: random.Random | None) -> Core:
        """The part of the graph that matters, and the outcomes that do; with `rnd` any, if there are several."""
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
        return core(graph, outcomes, treated, conditions, sources, policies, rnd)

    def draw_policies(self) -> None:
        """Other numbers for the policies that have none of their own."""
        for name, b in boxes_of(None, self._query.surgeries).items():
            if name not in self._known:
                self._policies[name] = random_kernel(b, self._random, positive=True)

    def stages(self) -> Iterator[tuple[_Sizes, Iterator[Witness]]]:
        """Witnesses with the values that are declared, those of the simplest models first."""
        for hidden in range(2, _MOST_HIDDEN + 1):
            self.draw_policies()
            sizes = _Sizes(hidden)
            moves = self.moves(sizes)
            yield sizes, self.draws(moves)
            if hidden == 2:
                yield sizes, self.parities(moves)
                yield sizes, self.hedged(moves)
        plain = _Sizes(2)
        for tries in (self.hushed, self.followed):
            yield plain, tries(self.moves(plain))

    def wider(self) -> Iterator[tuple[_Sizes, Iterator[Witness]]]:
        """Witnesses in which a variable or two have more values."""
        wired = self._first_wired()
        for more, n in itertools.product(range(_MOST_MORE), wired):
            sizes = _Sizes(2, {n: self._more(n, more)})
            moves = self.moves(sizes)
            yield sizes, self.draws(moves)
            if more < 2:
                yield sizes, self.hushed(moves)
        for more, (m, n), hidden in itertools.product(range(2), itertools.permutations(wired, 2), (2, 4)):
            sizes = _Sizes(hidden, {m: self._more(m, more + 1), n: self._more(n, more)})
            yield sizes, self.draws(self.moves(sizes))

    def _first_wired(self) -> list[str]:
        """Some variables at which wires end, those first that nothing that is given tells of."""
        o = self._obstacle
        missing = o.graph.show(o.missing) if isinstance(o, Unseen) else ()
        wired = sorted((n for n in self._graph.names if n in self._wired), key=lambda n: n not in missing)
        return wired[:_MOST_WIRED]

    def _more(self, name: str, more: int) -> int:
        """A number of values above two, and not below those that are declared."""
        return max(3, len(enough(self._model.object(name).values))) + more

    def moves(self, sizes: _Sizes) -> Moves:
        """What moves of mechanisms do in models of some size."""
        return Moves(
            self.shape(sizes),
            self.shape(sizes, narrow=True),
            frozenset(sizes.others),
            self._query,
            self._given,
            dict(self._policies),
            self._field,
            self._weights,
        )

    def shape(self, sizes: _Sizes, everyone: bool = False, narrow: bool = False) -> CausalModel:
        """The part of the graph as a model with hidden causes; without what no wire ends at, or with `everyone`.

        Observed variables have the values that are declared, or with `narrow` two, unless `sizes` has another number.
        """
        g = self._graph
        names = [n for n in g.names if everyone or n in self._kept]
        directed = [(g.names[p], n) for v, n in enumerate(g.names) for p in bits(g.parents[v])]
        both = [(g.names[u], n) for v, n in enumerate(g.names) for u in bits(g.spouses[v]) if u < v]
        bare = CausalModel.from_edges(directed, both, None, nodes=names)
        domains: dict[str, int | Sequence[object]] = {}
        for n in bare.names:
            if n in bare.latents:
                domains[n] = sizes.others.get(n, sizes.hidden)
            else:
                least = sizes.others.get(n, 2)
                domains[n] = enough(None if narrow and least == 2 else self._model.object(n).values, least)
        made = CausalModel.from_edges(directed, both, domains, nodes=names, name="witness")
        for n, b in mechanisms_of(made).items():  # a policy keeps its name
            name = b.name
            while name in self._policies:
                name += "'"
            made = made.with_mechanism(n, Mechanism.of_box(replace(b, name=name))) if name != b.name else made
        return made

    def completed(self, witness: Witness, sizes: _Sizes) -> Witness:
        """The witness with all variables: those that no wire ends at are even."""
        shape = self.shape(sizes, everyone=True)
        rest: dict[str, Kernel] = {}
        for n, b in mechanisms_of(shape).items():
            if n not in witness.shape.names:
                count = size(b.cod[0])
                rest[b.name] = Kernel((), b.cod, [Fraction(1, count)] * count)
        declared = {n: len(enough(self._model.object(n).values)) for n in shape.observed}
        more = tuple(n for n, count in declared.items() if size(shape.object(n)) > count)
        return replace(witness, shape=shape, one={**witness.one, **rest}, other={**witness.other, **rest}, more=more)

    def movable(self, moves: Moves) -> list[str]:
        """The variables whose mechanism can be moved unseen so that the effect changes, for almost all numbers."""
        rng = np.random.default_rng(self._random.randrange(2**32))
        small = {n: _random_rows(moves.widths(n), self._field.p, rng) for n in moves.shape.names}
        return [n for n in moves.shape.names if n not in self._fixed and moves.unseen(small, n)]

    def draws(self, moves: Moves) -> Iterator[Witness]:
        """Witnesses with readable numbers, as they come; of large models, whose moves take long, only a few."""
        movable = self.movable(moves)
        found, work = False, 0
        for _ in range(_DRAWS if movable else 0):
            small = self._readable(moves)
            for n in movable:
                for witness in moves.moved(small, n):
                    found = True
                    yield witness
                work += small[n].size ** 2
                if found and work > _MOST_WORK:
                    return

    def parities(self, moves: Moves) -> Iterator[Witness]:
        """Witnesses among models of parities, as in the proof of Shpitser and Pearl (2006, theorem 4).

        Every variable is the sum of what it hears, mostly. There a mechanism can be moved unseen that for most numbers
        cannot.
        """
        shape = moves.shape
        for mostly, even in ((Fraction(3, 4), True), (Fraction(1), True), (Fraction(1), False)):
            small = {n: _parity(moves.widths(n), n in shape.latents, mostly) for n in shape.names}
            for n in () if even else shape.latents:
                small[n] = np.array([Fraction(3, 4), Fraction(1, 4)], dtype=object)
            for n in shape.observed:
                if n not in self._fixed:
                    yield from moves.moved(small, n)

    def hushed(self, moves: Moves) -> Iterator[Witness]:
        """Witnesses in which one mechanism moves, and the others are just so that nobody sees it."""
        shape = moves.shape
        small = {n: _even(moves.widths(n)) for n in shape.names}
        others = [n for n in shape.order if n in shape.observed and shape.parents(n)]
        for variable in self._together(shape):
            orders = others, others[::-1], self._random.sample(others, len(others))
            found = moves.hushed(small, variable, orders, self._random)
            yield from itertools.islice(found, _DRAWS)

    def followed(self, moves: Moves) -> Iterator[Witness]:
        """Witnesses in which one mechanism moves at will, and one or two others make up for it."""
        for count in (2, 3):
            found = self._followed(moves, count)
            yield from itertools.islice(found, _DRAWS)

    def _followed(self, moves: Moves, count: int) -> Iterator[Witness]:
        rng = np.random.default_rng(self._random.randrange(2**32))
        for order in itertools.permutations(self._together(moves.shape), count):
            rows = {n: _random_rows(moves.widths(n), self._field.p, rng) for n in moves.shape.names}
            at = self._random.randrange(rows[order[0]].size // moves.widths(order[0])[-1])
            to = _random_rows(moves.widths(order[0])[-1:], self._field.p, rng)
            for share in _SHARES if moves.follow(rows, _replaced(rows[order[0]], at, to), order) else ():
                small = self._readable(moves)
                to = np.array(self._column(len(to)), dtype=object)
                first = _replaced(small[order[0]], at, to)
                first = small[order[0]] * (1 - share) + first * share
                yield from moves.followed(small, first, order, self._random)

    def _together(self, shape: CausalModel) -> list[str]:
        """Variables whose mechanisms may move, not too many to try them together."""
        latents = [n for n in shape.names if n in shape.latents]
        return [n for n in (*self._first_wired(), *latents) if n in shape.names and n not in self._fixed][:_MOST_WIRED]

    def hedged(self, moves: Moves) -> Iterator[Witness]:
        """Witnesses among models of parities in which a hedge keeps to itself, but for one case.

        Of an effect under a condition not only has a hedge to be hidden: a path has to carry its change from the
        condition to the outcome (Shpitser, Pearl 2006, completeness of IDC). Where that path runs through the hedge
        itself, what it brings in breaks the parities that hide the change. So the members of the hedge hear each other
        alone, and in one case, which depends on what is outside, one of them tosses a coin.
        """
        if not isinstance(self._obstacle, Hedge):
            return
        shape = moves.shape
        forest = set(self._obstacle.graph.show(self._obstacle.forest))
        outside = {n for n in shape.names if not set(shape.children[n] if n in shape.latents else [n]) <= forest}
        small, cases = dict[str, Array](), list[tuple[str, tuple[int, ...]]]()
        for n in shape.names:
            ports = (*shape.mechanisms[n].parents, n)
            deaf = [k for k, p in enumerate(ports) if n in forest and p in outside]
            small[n] = _parity(moves.widths(n), n in shape.latents, Fraction(1), deaf)
            cases += [(n, at) for at in np.ndindex(*small[n].shape[:-1])][:_MOST_CASES] if deaf else []
        for moved in shape.observed:
            if moved in self._fixed or not shape.parents(moved) or not cases:
                continue
            even = {**small, moved: _even(moves.widths(moved))}
            if not len(null_space(moves.seen(even, moved, self._field), self._field.p)):
                continue
            for n, at in cases:
                table = small[n].copy()
                table[at] = Fraction(1, 2)
                yield from moves.moved({**small, n: table}, moved)

    def _readable(self, moves: Moves) -> dict[str, Array]:
        """Mechanisms of simple fractions: hidden causes uniform, the others by bits."""
        made: dict[str, Array] = {}
        many = max((size(moves.shape.object(n)) for n in moves.whole), default=0) > 4
        palette = _MORE if many else _PALETTE
        for n in moves.shape.names:
            widths = moves.widths(n)
            columns = np.empty((int(np.prod(widths[:-1], dtype=int)), widths[-1]), dtype=object)
            for k in range(len(columns)):
                p = self._column(widths[-1], palette)
                columns[k] = [Fraction(1, widths[-1])] * widths[-1] if n in moves.shape.latents else p
            made[n] = columns.reshape(widths)
        return made

    def _column(self, width: int, palette: Sequence[Fraction] = _PALETTE) -> list[Fraction]:
        """Simple fractions: one value has one of a few probabilities, the others share the rest."""
        p, at = self._random.choice(palette), self._random.randrange(width) if width > 2 else 0
        return [p if k == at else (1 - p) / (width - 1) for k in range(width)]


def _even(widths: Sequence[int]) -> Array:
    """A mechanism that is deaf, and says all it can with equal probability."""
    return np.full(widths, Fraction(1, widths[-1]), dtype=object)


def _replaced(table: Array, at: int, column: Array) -> Array:
    """A mechanism with another distribution in one case."""
    made = table.reshape(-1, table.shape[-1]).copy()
    made[at] = column
    return made.reshape(table.shape)


def _parity(widths: Sequence[int], latent: bool, mostly: Fraction, deaf: Sequence[int] = ()) -> Array:
    """The table of a sum of what is heard, the ports in `deaf` aside; even where nothing is."""
    made = np.empty(widths, dtype=object)
    alone = latent or len(widths) - len(deaf) == 1
    for at in np.ndindex(*widths):
        even = (sum(at) - sum(at[k] for k in deaf)) % 2 == 0
        made[at] = Fraction(1, widths[-1]) if alone else mostly if even else 1 - mostly
    return made


def _random_rows(widths: Sequence[int], p: int, rng: np.random.Generator) -> Array:
    """A random mechanism over the field."""
    made = rng.integers(1, p, widths, dtype=np.int64)
    made[..., -1] = (1 - made[..., :-1].sum(axis=-1)) % p
    return made


def _length(witness: Witness) -> int:
    """How much there is to read."""
    tables = itertools.chain(witness.one.values(), witness.other.values())
    return sum(len(str(p)) for t in tables for p in t.array.flat)
