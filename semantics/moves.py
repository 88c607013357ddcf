"""Moves of mechanisms that nobody can see: how two models come to agree on everything given.

What is given is linear in the mechanism of one variable. So the moves of a single mechanism that nobody can see are the
null space of a matrix, and after another mechanism has been moved, what one has to become for nobody to see it is the
solution of a linear system. Both are found over a finite field. The fractions are read off its members where they are
short, and solved for where they are not, so that both models are exact.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
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
from semantics.null_space import lifted, null_space, rational_null_space
from strings.diagnostic import ZeroProbabilityError
from strings.estimand import Given
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box
from strings.surgery import Open, operate

_MOVES = 6  # of a mechanism, of which the witnesses are compared
_BATCH = 64  # moves that are tried at once


@dataclass(frozen=True)
class Witness:
    """Two models of one shape with exact numbers: equal in everything given, different in the effect.

    `one` and `other` are the numbers of the boxes of `shape`, and differ in the boxes of `moved` alone; `policies` are
    those of the boxes that the question's surgeries put in. `place` is where the effects differ most (axis and value),
    `values` are the two effects there. `more` are the variables with more values than they are declared with.
    """

    shape: CausalModel
    one: Mapping[str, Kernel]
    other: Mapping[str, Kernel]
    moved: tuple[str, ...]
    place: tuple[tuple[str, str], ...]
    values: tuple[Fraction, Fraction]
    policies: Mapping[str, Kernel] = field(default_factory=dict)
    more: tuple[str, ...] = ()


Small = Mapping[str, Array]
"""The mechanisms of a model by the cases they tell apart: an axis for each thing that is heard, then what is said."""


@dataclass(frozen=True)
class Moves:
    """What moves of mechanisms of `shape` do to what is given and to the effect that is asked.

    Observed variables carry one bit, whether they take their first value: mechanisms listen to that bit alone, and
    spread what is not the first value evenly over the others. `narrow` is the shape in which they have no other values.
    Of hidden causes, and of the observed variables in `whole`, all values count.
    """

    shape: CausalModel
    narrow: CausalModel
    whole: frozenset[str]
    query: Query
    given: Sequence[Given]
    policies: Mapping[str, Kernel]
    field: Field
    weights: np.random.Generator

    def widths(self, variable: str) -> tuple[int, ...]:
        """How many cases each port of a mechanism tells apart."""
        return tuple(size(self.narrow.object(n)) for n in (*self.narrow.mechanisms[variable].parents, variable))

    # ---- one mechanism -----------------------------------------------------------------------------------------------

    def moved(self, small: Small, variable: str) -> Iterator[Witness]:
        """The witnesses that moving one mechanism along moves of a basis gives, as far as its entries allow."""
        even = np.full_like(small[variable], Fraction(1, small[variable].shape[-1]))
        small = {**small, variable: even}
        moves = self.unseen(small, variable, _MOVES)
        if not moves:
            return
        given = self.given_tables(small)
        if not all(bool((t > 0).all()) for t in given):  # the theory is about positive distributions
            return
        short = [m for m in (lifted(m, self.field.p) for m in moves.values()) if m is not None]
        others = [o for o in (_stepped(small, variable, m) for m in short) if self._agrees(o, given)]
        if not others:  # their fractions are longer than one prime can tell
            basis = rational_null_space(self.seen(small, variable, Fractions()))
            others = [_stepped(small, variable, basis[k]) for k in moves if k < len(basis)]
        yield from self._witnesses(small, others, (variable,))

    def unseen(self, small: Small, variable: str, most: int = 1) -> dict[int, Array]:
        """Moves of a mechanism, over the field, that nobody sees and that change the effect, by their number in a
        basis: at most so many, those with few entries first."""
        p = self.field.p
        basis = null_space(self.seen(small, variable, self.field), p)
        if not len(basis):
            return {}
        # If the effect changes along any of them it does along a sum of all, almost surely.
        mixed = (basis * self.weights.integers(1, p, (len(basis), 1)) % p).sum(axis=0) % p
        found: dict[int, Array] = {}
        try:
            if not self._changes(small, variable, mixed[None]).any():
                return {}
            order = np.argsort(np.count_nonzero(basis, axis=1), kind="stable")
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                changes = self._changes(small, variable, basis[batch])
                found |= {int(k): basis[k] for k in batch[changes]}
                if len(found) >= most:
                    break
        except ZeroProbabilityError:  # an unlucky draw
            return {}
        return dict(itertools.islice(found.items(), most))

    def seen(self, small: Small, variable: str, arithmetic: Arithmetic) -> Array:
        """What is given as a linear map of a move of one mechanism: a row a cell, a column an entry of the move.

        The first entry of every column of the mechanism takes back what the others add.
        """
        width = small[variable].shape[-1]
        rows = [np.zeros((0, small[variable].size // width * (width - 1)), dtype=np.int64)]
        rows += [_taken_back(self._heard(small, variable, g, arithmetic)) for g in self.given if variable not in g.done]
        return np.concatenate(rows)

    def _heard(self, small: Small, variable: str, given: Given, arithmetic: Arithmetic) -> Array:
        """The coefficients of the entries of a mechanism in a given distribution: an axis for its cells, then one for
        what is heard, and one for what is said.

        Each is the probability of the cell and of what the mechanism hears, after what it says is set.
        """
        shape = self.narrow
        tables = {b.name: Table(b.dom, b.cod, arithmetic.load(small[n]).array) for n, b in mechanisms_of(shape).items()}
        ports = {n: f"{n} heard" for n in shape.mechanisms[variable].parents}
        said, width = f"{variable} said", small[variable].shape[-1]
        asked = (*map(Term, given.variables), *(Term(n, axis=axis) for n, axis in ports.items()))
        query = Query(asked, (), (*map(Open, given.done), Open(variable, said)))
        axes, array = answer_array(shape, tables, query, arithmetic)
        names = [n for n, _ in axes]
        last = [names.index(n) for n in (*ports.values(), said)]
        array = np.moveaxis(array, last, range(-len(last), 0))
        return array.reshape(-1, small[variable].size // width, width)

    # ---- several mechanisms, one after the other ---------------------------------------------------------------------

    def follow(self, small: Small, first: Array, order: Sequence[str]) -> bool:
        """Whether the effect changes where the first of some mechanisms becomes `first` and the others follow, one by
        one: each makes up for those before it in all that is given and does not depend on those after it.

        All over the field.
        """
        other = {**small, order[0]: first}
        for k, variable in enumerate(order[1:], start=2):
            move = self._making_up(small, other, variable, order[k:])
            if move is None:
                return False
            other[variable] = (other[variable] + _whole(move[None], other[variable].shape)[0]) % self.field.p
        return self._differ(small, other)

    def followed(self, small: Small, first: Array, order: Sequence[str], rnd: random.Random) -> Iterator[Witness]:
        """The witness of that, if what the mechanisms have to become are mechanisms of short fractions."""
        other = {**small, order[0]: first}
        for k, variable in enumerate(order[1:], start=2):
            solved = self._making_up(small, other, variable, order[k:], rnd)
            move = None if solved is None else lifted(solved, self.field.p)
            if move is None:
                return
            other[variable] = other[variable] + _whole(move[None], other[variable].shape)[0]
            if not bool((other[variable] > 0).all()):
                return
        given = self.given_tables(small)
        if all(bool((t > 0).all()) for t in given) and self._agrees(other, given):
            yield from self._witnesses(small, [other], order)

    def _making_up(
        self, small: Small, other: Small, variable: str, later: Sequence[str], rnd: random.Random | None = None
    ) -> Array | None:
        """A move of a mechanism in `other`, over the field, after which nobody can tell it from `small`, as far as that
        does not depend on the mechanisms in `later`; nothing if there is none.

        Where there are several it is any that has as few entries as equations, with `rnd` a random one.
        """
        p, load = self.field.p, self.field.load
        rows = []
        for g in self.given:
            if variable not in g.done and not self._depends(g, later):
                heard = [self._heard(s, variable, g, self.field) for s in (small, other)]
                tables = [load(s[variable]).array.reshape(heard[0].shape[1:]) for s in (small, other)]
                was, now = ((c * t % p).sum(axis=(1, 2)) for c, t in zip(heard, tables, strict=True))
                rows.append(np.concatenate([_taken_back(heard[1]), (now - was)[:, None]], axis=1))
        if not rows:
            return None
        # M m + apart = 0 where (m, 1) is sent to zero: it is the last of the basis, if it is there.
        matrix = np.concatenate(rows)
        order = list(range(matrix.shape[1] - 1))
        if rnd is not None:
            rnd.shuffle(order)
        basis = null_space(matrix[:, [*order, -1]], p)
        if not len(basis) or not basis[-1][-1]:
            return None
        move = np.empty(len(order), dtype=np.int64)
        move[order] = basis[-1][:-1]
        return move

    def _depends(self, given: Given, variables: Collection[str]) -> bool:
        """Whether a given distribution depends on the mechanism of any of these variables."""
        behind = operate(self.narrow, *map(Open, given.done)).ancestors(given.variables)
        return any(v in behind and v not in given.done for v in variables)

    # ---- one mechanism, the others deaf to it ------------------------------------------------------------------------

    def hushed(
        self, small: Small, variable: str, orders: Sequence[Sequence[str]], rnd: random.Random
    ) -> Iterator[Witness]:
        """Witnesses in which one mechanism makes a move that would be seen, were the others not as they are.

        While the others are as in `small`, all even, nearly every move is unseen. Then they become, in one of `orders`,
        what they can with that move still unseen: what is given is linear in each.
        """
        basis = null_space(self.seen(small, variable, self.field), self.field.p)
        telling = [g for g in self.given if variable not in g.done and self._depends(g, [variable])]
        for order in orders if self._matters(variable) else ():
            move = self._any(basis, rnd)
            if move is None:
                continue
            one, other = dict(small), _stepped(small, variable, move)
            apart = {variable: other[variable] - one[variable]}
            for n in order:
                heard = [self._heard({**one, **apart}, n, g, self.field) for g in telling if n not in g.done]
                if n != variable and heard:
                    rows = np.concatenate([_taken_back(coefficients) for coefficients in heard])
                    move = self._any(null_space(rows, self.field.p), rnd)
                    if move is not None:
                        one[n] = other[n] = _stepped(one, n, move, Fraction(1, 2))[n]
            if self._differ(one, other):
                given = self.given_tables(one)
                if all(bool((t > 0).all()) for t in given) and self._agrees(other, given):
                    yield from self._witnesses(one, [other], (variable,))

    def _matters(self, variable: str) -> bool:
        """Whether the effect may depend on a mechanism."""
        asked = [t.variable for t in (*self.query.targets, *self.query.given)]
        return variable in operate(self.shape, *self.query.surgeries).ancestors(asked)

    def _any(self, basis: Array, rnd: random.Random) -> Array | None:
        """A random one of some moves, in short fractions; nothing if none is found."""
        if not len(basis):
            return None
        weights = np.array([rnd.choice((-1, 0, 1, 1)) for _ in basis], dtype=np.int64)
        move = lifted((weights[:, None] * basis).sum(axis=0) % self.field.p, self.field.p)
        return move if move is not None and move.any() else None

    # ---- what comes of it --------------------------------------------------------------------------------------------

    def _agrees(self, small: Small, given: Sequence[Array]) -> bool:
        """Whether these numbers give the same tables."""
        return all(bool((a == b).all()) for a, b in zip(given, self.given_tables(small), strict=True))

    def given_tables(self, small: Small) -> list[Array]:
        """What is given, exactly, by the cases that are told apart."""
        tables = {b.name: Kernel(b.dom, b.cod, small[n]) for n, b in mechanisms_of(self.narrow).items()}
        return [given_table(self.narrow, tables, given, Fractions()) for given in self.given]

    def _witnesses(self, one: Small, others: Sequence[Small], moved: Sequence[str]) -> Iterator[Witness]:
        """The pairs of models of which what is asked differs."""
        tables = self._kernels(one)
        before = self._effect(tables)
        for other in others if before else ():
            witness = self._witness(tables, before, self._kernels(other), tuple(moved))
            if witness is not None:
                yield witness

    def _witness(
        self,
        one: Mapping[str, Kernel],
        before: Sequence[Distribution],
        other: Mapping[str, Kernel],
        moved: tuple[str, ...],
    ) -> Witness | None:
        """The two models, if what is asked, whose distribution in `one` is the first of `before`, differs."""
        now = self._effect(other)
        if not now or before[-1] == now[-1]:
            return None
        arrays = before[0].array, now[0].array
        gaps = [(abs(p - q), k) for k, (p, q) in enumerate(zip(*(a.flat for a in arrays), strict=True))]
        at = np.unravel_index(max(gaps, key=lambda g: (g[0], -g[1]))[1], arrays[0].shape)
        place = tuple((n, v[i]) for n, v, i in zip(now[0].variables, now[0].values, at, strict=True))
        values = Fraction(arrays[0][at]), Fraction(arrays[1][at])
        return Witness(self.shape, one, other, moved, place, values, dict(self.policies))

    def _differ(self, one: Small, other: Small) -> bool:
        """Whether the effect differs, over the field."""
        boxes, found = mechanisms_of(self.shape), []
        for small in (one, other):
            loaded = {n: self.field.load(self._spread(n, t)).array for n, t in small.items()}
            tables = {boxes[n].name: Table(boxes[n].dom, boxes[n].cod, t) for n, t in loaded.items()}
            try:
                found.append(answer_array(self.shape, {**self.policies, **tables}, self.query, self.field)[1])
            except ZeroProbabilityError:
                return False
        return bool((found[0] != found[1]).any())

    def _effect(self, tables: Tables) -> list[Distribution]:
        """The effect, exactly, and its mean if that is asked; nothing if the condition is impossible."""
        queries = [replace(self.query, expectation=False), *([self.query] if self.query.expectation else ())]
        try:
            return [answer(self.shape, {**self.policies, **tables}, q, exact=True) for q in queries]
        except ZeroProbabilityError:
            return []

    def _changes(self, small: Small, variable: str, moves: Array) -> Array:
        """Which moves of a mechanism change the effect, over the field; all at once, as a family of models."""
        boxes, wire, load = mechanisms_of(self.shape), member(len(moves) + 1), self.field.load
        tables = {
            boxes[n].name: Table(boxes[n].dom, boxes[n].cod, load(self._spread(n, t)).array) for n, t in small.items()
        }
        at, own = load(small[variable]).array, boxes[variable]
        moves = moves * self.weights.integers(1, self.field.p, (len(moves), 1)) % self.field.p  # by any distance
        members = np.concatenate([at[None], (at + _whole(moves, at.shape)) % self.field.p])
        tables[own.name] = Table((wire, *own.dom), own.cod, self._spread(variable, members))
        opened = family(self.shape, wire, only=variable)
        axes, array = answer_array(opened, {**self.policies, **tables}, self.query, self.field)
        names = [n for n, _ in axes]
        if MEMBER not in names:  # the effect does not depend on the mechanism
            return np.zeros(len(moves), dtype=bool)
        effects = np.moveaxis(array, names.index(MEMBER), 0).reshape(len(members), -1)
        return np.asarray((effects[1:] != effects[0]).any(axis=1))

    # ---- bits and values ---------------------------------------------------------------------------------------------

    def _kernels(self, small: Small) -> dict[str, Kernel]:
        boxes = mechanisms_of(self.shape)
        return {boxes[n].name: Kernel(boxes[n].dom, boxes[n].cod, self._spread(n, t)) for n, t in small.items()}

    def _spread(self, variable: str, small: Array) -> Array:
        """A table by bits as a table by values: the bit of a variable is whether it takes its `_first` value."""
        names = (*self.shape.mechanisms[variable].parents, variable)
        for axis, n in enumerate(names, start=small.ndim - len(names)):
            values = self.shape.object(n).values or ()
            if n in self.shape.latents or n in self.whole:
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
        if self.query.expectation and name == self.query.targets[0].variable:
            numbers = [as_number(v) for v in values]
            known = [n for n in numbers if n is not None]
            if len(known) == len(values):
                return known.index(max(known))
        return 0


def given_table(shape: CausalModel, tables: Tables, given: Given, arithmetic: Arithmetic) -> Array:
    """A given distribution as a table, its axes in the order of `answer_array`."""
    query = Query(tuple(Term(n) for n in given.variables), (), tuple(Open(n) for n in given.done))
    return answer_array(shape, tables, query, arithmetic)[1]


def mechanisms_of(shape: CausalModel) -> dict[str, Box]:
    """The box of every variable of a model made of edges."""
    return {n: m.diagram.nodes[0].box for n, m in shape.mechanisms.items()}


def enough(values: Sequence[str] | None, least: int = 2) -> tuple[str, ...]:
    """The values that a variable declares, 0 and 1 where these are not two, and others if there are too few.

    >>> enough(("no", "yes"), 3), enough(("0",), 2)
    (('no', 'yes', '0'), ('0', '1'))
    """
    known = values if values and len(values) > 1 else ("0", "1")
    others = (n for n in map(str, itertools.count()) if n not in known)
    return (*known, *itertools.islice(others, max(0, least - len(known))))


def _taken_back(coefficients: Array) -> Array:
    """The coefficients of the entries of a move but the first of each column: that takes back what the others add."""
    return (coefficients[..., 1:] - coefficients[..., :1]).reshape(len(coefficients), -1)


def _whole(moves: Array, shape: tuple[int, ...]) -> Array:
    """Moves with the first entry of every column: columns of a mechanism sum to one, those of a move to nothing."""
    others = moves.reshape(len(moves), *shape[:-1], shape[-1] - 1)
    return np.concatenate([-others.sum(axis=-1, keepdims=True), others], axis=-1)


def _stepped(small: Small, variable: str, move: Array, share: Fraction = Fraction(1)) -> dict[str, Array]:
    """The numbers with one mechanism moved as far as its entries allow, or some share of that."""
    at = small[variable]
    whole = _whole(move[None], at.shape)[0]
    step = share * min(abs(p / d) for p, d in zip(at.flat, whole.flat, strict=True) if d)
    return {**small, variable: at + step * whole}
