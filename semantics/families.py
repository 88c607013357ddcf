"""The functions that a box may be, and the laws of these that have its table.

Only functions on inputs that copies of a box can have in one case matter (`semantics.response`): they come in groups,
which may overlap as the cliques of a junction tree do (`semantics.junction`). Outputs that a question does not tell
apart are merged.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from semantics.distribution import Array, number_array
from semantics.kernel import Table
from strings.functional import Response
from strings.signature import Object

_ALIKE = 1e-12


@dataclass(frozen=True, eq=False)
class Group:
    """Inputs of a box (by their number) that can meet in one case, and the functions on them: a row for each function,
    with the output (by its number) at each input.

    A group may have inputs in common, the `shared` ones, with another, which is `behind` places before it. The laws of
    both agree there.
    """

    inputs: tuple[int, ...]
    functions: Array
    shared: tuple[int, ...] = ()
    behind: int = 0

    def on(self, inputs: Sequence[int]) -> tuple[Array, Array]:
        """All functions on some of the inputs, and for each function of the group the number of the one that it is
        there."""
        columns = self.functions[:, [self.inputs.index(i) for i in inputs]]
        few, numbers = np.unique(columns, axis=0, return_inverse=True)
        return few, numbers.reshape(-1)


@dataclass(frozen=True, eq=False)
class Family:
    """The functions that a box may be, group by group.

    `table` is its own, a row for each combination of inputs; of outputs that a question does not tell apart at an input
    the first stands for all, as `like` says of each, and has their probability.
    """

    response: Response
    table: Array
    groups: tuple[Group, ...]
    like: Array

    @property
    def name(self) -> str:
        return self.response.box.name

    @cached_property
    def size(self) -> int:
        return sum(len(g.functions) for g in self.groups)

    @cached_property
    def settled(self) -> bool:
        """Whether the table leaves only one law: at most one input of each group is left to chance."""
        return all(sum(np.count_nonzero(self.table[i]) > 1 for i in g.inputs) <= 1 for g in self.groups)

    @property
    def overlapping(self) -> bool:
        return any(g.behind for g in self.groups)

    @property
    def trees(self) -> tuple[tuple[Group, ...], ...]:
        """The groups, those together that overlap."""
        first = [k for k, g in enumerate(self.groups) if not g.behind]
        return tuple(self.groups[a:b] for a, b in itertools.pairwise((*first, len(self.groups))))

    @property
    def parts(self) -> tuple[tuple[int, ...], ...]:
        """The functions, by number, those together whose laws depend on each other."""
        found: list[list[int]] = []
        place: list[int] = []  # of the part of each group
        for n, (start, g) in enumerate(zip(self._starts, self.groups, strict=True)):
            place.append(place[n - g.behind] if self._tied(g) else len(found))
            if place[n] == len(found):
                found.append([])
            found[place[n]].extend(range(start, start + len(g.functions)))
        return tuple(map(tuple, found))

    def _tied(self, g: Group) -> bool:
        """Whether the law on the inputs that a group shares is not known: more than one of them is left to chance."""
        return sum(int(np.count_nonzero(self.table[i])) > 1 for i in g.shared) > 1

    def margins(self) -> tuple[Array, list[Any]]:
        """Rows of zeros and ones, and numbers: a law q of the functions fits the table if `rows @ q` are the numbers.

        The rows are independent. In every group q sums to 1. In groups that overlap it has the same margins there.
        """
        rows, numbers = [], []

        def add(number: Any, start: int, where: Array) -> Array:
            row = np.zeros(self.size, dtype=np.int8)
            row[start : start + len(where)] = where
            rows.append(row)
            numbers.append(number)
            return row

        for n, (start, g) in enumerate(zip(self._starts, self.groups, strict=True)):
            if self._tied(g):
                before = self.groups[n - g.behind]
                few, here = g.on(g.shared)
                _, there = before.on(g.shared)
                for s in range(len(few)):
                    row = add(self.one - self.one, start, here == s)
                    other = self._starts[n - g.behind]
                    row[other : other + len(there)] -= there == s
            else:
                add(self.one, start, np.ones(len(g.functions), dtype=bool))
            for k, i in enumerate(g.inputs):
                if i in g.shared and self._tied(g):
                    continue
                for o in np.flatnonzero(self.table[i])[:-1]:
                    add(self.table[i, o], start, g.functions[:, k] == o)
        return np.array(rows), numbers

    def only_law(self) -> Array:
        """The law, where it is settled."""
        weights = []
        for g in self.groups:
            for f in g.functions:
                weights.append(math.prod((self.table[i, o] for i, o in zip(g.inputs, f, strict=True)), start=self.one))
        return number_array(weights)

    @property
    def one(self) -> Any:
        return Fraction(1) if self.table.dtype == object else 1.0

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(itertools.accumulate((len(g.functions) for g in self.groups[:-1]), initial=0))

    @cached_property
    def overlaps(self) -> tuple[tuple[tuple[int, ...], Array], ...]:
        """The inputs that each group shares, and all functions on them."""
        return tuple((g.shared, g.on(g.shared)[0]) for g in self.groups if g.behind)

    @property
    def states(self) -> int:
        """How many values the response variable has: the functions of all groups, and those of what they share."""
        return self.size + sum(len(few) for _, few in self.overlaps)

    def tensor(self) -> Table:
        """The box as a table that hears its function on the last port; zero at the inputs of other groups."""
        b = self.response.applied
        kind = object if self.table.dtype == object else float
        entries = np.full((self.table.shape[0], self.states, self.table.shape[1]), self.one - self.one, dtype=kind)
        start = 0
        for inputs, functions in (*((g.inputs, g.functions) for g in self.groups), *self.overlaps):
            for k, i in enumerate(inputs):
                entries[i, np.arange(start, start + len(functions)), functions[:, k]] = self.one
            start += len(functions)
        sizes = [len(x.values or ()) for x in self.response.box.dom], [len(x.values or ()) for x in b.cod]
        shaped = entries.reshape([*sizes[0], self.states, *sizes[1]])
        return Table((*self.response.box.dom, self.latent), b.cod, number_array(shaped))

    def counted_once(self, table: Array, axis: int) -> Array:
        """A table along the states of the response variable, as one along the functions.

        What copies do whose inputs two groups share is in both of them, and is taken out of the later one. The groups
        that have some inputs in common form a tree, so that it is left in one of them.
        """
        if not self.overlapping:
            return table
        along = np.moveaxis(table, axis, 0)
        found = along[: self.size].copy()
        at = self.size
        for start, g in zip(self._starts, self.groups, strict=True):
            if g.behind:
                few, numbers = g.on(g.shared)
                here = slice(start, start + len(numbers))
                found[here] -= along[at : at + len(few)][numbers]
                found[here][_nothing(found[here], along[here])] = self.one - self.one
                at += len(few)
        return np.moveaxis(found, 0, axis)

    @property
    def latent(self) -> Object:
        """The response variable, whose values are the functions, and those on what groups share."""
        return Object(self.response.latent, tuple(map(str, range(self.states))))


@dataclass(frozen=True, eq=False)
class Merged:
    """A box whose outputs are told apart no further than a question does: what is alike is one output.

    `kept` are the functions of the box that stand for all that are alike.
    """

    whole: Family
    family: Family
    kept: Array
    like: tuple[Array, ...]  # for each group a row for each function, with the outputs that stand for its outputs

    @property
    def fewer(self) -> bool:
        return len(self.kept) < self.whole.size

    def expanded(self, law: Sequence[Any]) -> tuple[Any, ...]:
        """The law of all functions: what is alike is drawn independently, as often as the table says."""
        if not self.fewer:
            return tuple(law)
        found: list[Any] = []
        start = 0
        for group, few, like in zip(self.whole.groups, self.family.groups, self.like, strict=True):
            known = {tuple(f): law[start + k] for k, f in enumerate(few.functions)}
            start += len(few.functions)
            for f, alike in zip(group.functions, like, strict=True):
                parts = (
                    self.whole.table[i, o] / self.family.table[i, r]
                    for i, o, r in zip(group.inputs, f, alike, strict=True)
                )
                found.append(math.prod(parts, start=known[tuple(alike)]))
        return tuple(found)


def merged_outputs(table: Array, like: Array) -> Array:
    """A table in which the outputs of each row that stand for others have their probability.

    >>> merged_outputs(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[0, 1, 0], [0, 1, 2]]))
    array([[4, 2, 0],
           [4, 5, 6]])
    """
    found = table - table
    for i, row in enumerate(like):
        for o, stands in enumerate(row):
            found[i, stands] += table[i, o]
    return found


def merge(family: Family, axis: int, *tables: Array) -> Merged:
    """A box with those outputs merged that make no difference to some tables with its functions along an axis.

    At each input outputs are alike if, whatever the outputs at the other inputs are, the tables are the same. Any law
    of the merged functions with the margins that are left is one of all functions, so that nothing is lost.
    """
    table = family.table.copy()
    groups, rows, likes = [], [], []
    ends = list(itertools.accumulate(len(g.functions) for g in family.groups))
    starts = [0, *ends[:-1]]
    places: dict[int, list[tuple[Array, Array]]] = {}  # for each input the outputs there, and rows of the tables
    for start, end, g in zip(starts, ends, family.groups, strict=True):
        for k, i in enumerate(g.inputs):
            here = places.setdefault(i, [])
            here += [(g.functions[:, k], np.moveaxis(t, axis, 0)[start:end]) for t in tables]
    stands = {i: _alike(here) for i, here in places.items()}
    for i, like in stands.items():
        for o, r in like.items():
            if o != r:
                table[i, r] = table[i, r] + table[i, o]
                table[i, o] = table[i, o] - table[i, o]
    for start, g in zip(starts, family.groups, strict=True):
        columns = [[stands[i][int(o)] for o in g.functions[:, k]] for k, i in enumerate(g.inputs)]
        alike = np.array(columns, dtype=g.functions.dtype).T
        few = np.flatnonzero((alike == g.functions).all(axis=1))
        groups.append(replace(g, functions=g.functions[few]))
        rows.append(few + start)
        likes.append(alike)
    return Merged(
        family, Family(family.response, table, tuple(groups), family.like), np.concatenate(rows), tuple(likes)
    )


def evened(family: Family, axis: int, table: Array) -> Array:
    """A table with the functions of a box along an axis, the same for every law that has its margins, but even where it
    can be: in groups where it is a sum of what each input has by itself, its mean is put.

    So what one world alone depends on makes no difference between functions.
    """
    along = np.moveaxis(table, axis, 0).copy()
    start = 0
    for g in family.groups:
        here = slice(start, start + len(g.functions))
        start += len(g.functions)
        numbers = along[here]
        # Functions come in the order of their outputs, the last input fastest.
        shape = [len(np.unique(g.functions[:, k])) for k in range(len(g.inputs))]
        grid = numbers.reshape(*shape, *numbers.shape[1:])
        base = grid[(0,) * len(shape)]
        together, mean = base, base
        for k, i in enumerate(g.inputs):
            effect = grid[tuple(slice(None) if n == k else 0 for n in range(len(shape)))] - base
            weights = family.table[i, np.unique(g.functions[:, k])]
            mean = mean + np.tensordot(weights, effect, axes=(0, 0))
            together = together + effect.reshape(*(m if n == k else 1 for n, m in enumerate(shape)), *effect.shape[1:])
        if _same(np.broadcast_to(together, grid.shape), grid):
            along[here] = mean
    return np.moveaxis(along, 0, axis)


def _alike(places: Sequence[tuple[Array, Array]]) -> dict[int, int]:
    """For each output at one input the first that is like it: the output of each function, and a row of a table for
    each, in several groups."""
    found: dict[int, int] = {}
    for o in dict.fromkeys(int(o) for outputs, _ in places for o in outputs):
        for r in dict.fromkeys(found.values()):
            if all(_same(t[outputs == r], t[outputs == o]) for outputs, t in places):
                found[o] = r
                break
        else:
            found[o] = o
    return found


def _nothing(left: Array, whole: Array) -> Array:
    """Where a difference is zero, but for rounding."""
    return np.asarray(left == 0 if left.dtype == object else left <= _ALIKE * whole)


def _same(one: Array, other: Array) -> bool:
    if one.dtype == object:
        return bool((one == other).all())
    return bool((abs(one - other) <= _ALIKE * np.maximum(abs(one), abs(other))).all())
