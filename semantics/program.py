"""Contractions made ready to run: a plan as a short list of matrix products on arrays of floats.

A `Contraction` is run again and again with other values of what is fixed (interventions and evidence). What does not
depend on these is computed in the first run and kept, so that a later run costs only the arithmetic that has changed.

The results are tables up to a positive factor: whoever asks divides by the sum. So where products of many small numbers
would leave the range of float64, tensors are scaled on the way and the scale is forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from semantics.arithmetic import HIGHEST, LOWEST, PrecisionError, drawn_out
from semantics.distribution import Array
from semantics.plan import Plan

_MOST_KEPT = 2**20
"""Entries of tables that a contraction keeps for its next run."""

_STEP = 100
"""Entries that take as much memory as a step."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A table of probabilities in float64; whether it is `positive` everywhere, and a lower bound, `low`, of the binary
    exponents of its positive entries."""

    table: Array
    positive: bool
    low: int

    @staticmethod
    def of(table: Array) -> Factor:
        """A table, looked through once."""
        least = table.min(where=table > 0, initial=1.0)
        return Factor(table, bool((table > 0).all()), math.frexp(least)[1] - 1)


Pick = Callable[[Any], Any] | None
"""Takes the values of all that is fixed, and gives what to index a table with; `None` if nothing of it is fixed."""

Source = tuple[Array, int, Pick]
"""A table, its `low`, and what part of it counts."""

Move = tuple[int, int, int, Any, Any, Any, Any, Any, int, int]
"""A step: result, left, right, the order and shape of each side, the shape of the result, its kind, its growth."""

_DOT, _TIMES, _STACK = range(3)

Load = tuple[int, Array, Pick, tuple[int, ...]]
"""A factor: its number, its table, what picks the part of it that counts, and the axes to sum."""


class _Left(NamedTuple):
    """Tensors that are there already, what is to be done, and the bounds of the exponents of all tensors."""

    held: list[Any]
    loads: list[Load]
    moves: list[Move]
    low: list[int]
    high: list[int]


class Contraction:
    """A plan over sources. `run` gives its table for some values, up to a positive factor.

    `widest` are the names of the variables of the largest table. What does not change is kept from the first run, if
    it is to `keep` it.
    """

    def __init__(self, sources: Sequence[Source], planned: Plan, widest: tuple[str, ...], keep: bool = True) -> None:
        count = len(sources)
        self.plan, self.widest = planned.cost, widest
        loads: list[Load] = [(n, table, pick, planned.alone[n]) for n, (table, _, pick) in enumerate(sources)]
        low, high = [low for _, low, _ in sources], [0] * count
        moves: list[Move] = []
        varies = [pick is not None for _, _, pick in sources]
        flat = _flat(planned)
        for number, step in enumerate(planned.steps, count):
            b, i, j, k = step.dims
            growth = k.bit_length() if k > 1 else 0
            low.append(low[step.left] + low[step.right])
            high.append(high[step.left] + high[step.right] + growth)
            varies.append(varies[step.left] or varies[step.right])
            kind = _TIMES if k == 1 else _DOT if b == 1 else _STACK
            one: tuple[int, ...] = (i, k) if kind == _DOT else (b, i, k)
            other: tuple[int, ...] = ((k, j) if j > 1 else (k,)) if kind == _DOT else (b, k, j)
            shape = None if flat[number] else step.shape
            sides = step.left_order, one, step.right_order, other
            moves.append((number, step.left, step.right, *sides, shape, kind, growth))
        # What is left to do, in one piece: a run in another thread sees all of it before or after the first run.
        self._left = _Left([None] * (count + len(planned.steps)), loads, moves, low, high)
        self._varies = varies
        self._wanted = _wanted(moves, varies)
        self._fresh = keep
        self._lean = keep and planned.moved > _MOST_KEPT  # then tables are let go as soon as they are used
        self.scaled = min(low) < LOWEST or max(high) > HIGHEST
        self._final = None if planned.final == tuple(range(len(planned.final))) else planned.final
        self._shape = planned.steps[-1].shape if planned.steps else None

    @property
    def entries(self) -> int:
        """How many entries of tables it keeps; a step takes as much memory as some entries."""
        held, moves = self._left.held, self._left.moves
        return sum(int(a.size) for a in held if a is not None) + len(held) + _STEP * len(moves)

    def run(self, values: Sequence[Any]) -> Array:
        """The table for values of what is fixed, followed by `slice(None)`; its axes are those of the plan's output.

        Raises:
            PrecisionError: if float64 cannot hold numbers on the way.
        """
        last = self.tensors(values)[-1]
        if self._shape is not None:
            last = last.reshape(self._shape)
        return np.asarray(last if self._final is None else last.transpose(self._final))

    def tensors(self, values: Sequence[Any]) -> list[Any]:
        """All tensors that there are after a run, factors first; raises as `run`."""
        left_to_do = self._left
        t = left_to_do.held.copy()
        for n, table, pick, alone in left_to_do.loads:
            sliced = table if pick is None else table[pick(values)]
            t[n] = sliced.sum(axis=alone) if alone else sliced
        low, high = left_to_do.low, left_to_do.high
        if self.scaled:
            low, high = low.copy(), high.copy()
        for n, left, right, order, shape, other_order, other_shape, made, kind, growth in left_to_do.moves:
            if self.scaled:
                if low[left] + low[right] < LOWEST or high[left] + high[right] + growth > HIGHEST:
                    for side in (left, right):
                        t[side], _, low[side] = drawn_out(t[side])
                        high[side] = 0
                    if low[left] + low[right] < LOWEST:
                        raise PrecisionError
                low[n], high[n] = low[left] + low[right], high[left] + high[right] + growth
            one, other = t[left], t[right]
            if order is not None:
                one = one.transpose(order)
            if other_order is not None:
                other = other.transpose(other_order)
            one, other = one.reshape(shape), other.reshape(other_shape)
            found = one.dot(other) if kind == _DOT else one * other if kind == _TIMES else np.matmul(one, other)
            t[n] = found if made is None else found.reshape(made)
            if self._lean:
                for side in (left, right):
                    if side not in self._wanted:
                        t[side] = None
        if self._fresh:
            self._keep(t, low, high)
        return t

    def _keep(self, t: list[Any], low: list[int], high: list[int]) -> None:
        """Keep what does not depend on values, and forget how it was made."""
        self._fresh = False
        if sum(t[n].size for n in self._wanted) > _MOST_KEPT:
            return
        before, varies = self._left, self._varies
        held = [t[n] if n in self._wanted else None for n in range(len(t))]
        loads = [load for load in before.loads if varies[load[0]]]
        moves = [move for move in before.moves if varies[move[0]]]
        # What varies comes as it stands in its table next time, however it was scaled this time.
        low, high = (
            [first if v else now for first, now, v in zip(bounds, scaled, varies, strict=True)]
            for bounds, scaled in ((before.low, low), (before.high, high))
        )
        self._left = _Left(held, loads, moves, low, high)


def _wanted(moves: Sequence[Move], varies: Sequence[bool]) -> frozenset[int]:
    """The tensors that are the same in every run and used by what is not, and the last one if it is the same."""
    used = {side for n, left, right, *_ in moves if varies[n] for side in (left, right) if not varies[side]}
    return frozenset(used if varies[-1] else {*used, len(varies) - 1})


def _flat(planned: Plan) -> list[bool]:
    """For each tensor whether it is only used with its axes as they stand: then it may stay a matrix."""
    flat = [True] * (len(planned.alone) + len(planned.steps))
    for step in planned.steps:
        flat[step.left] = step.left_order is None
        flat[step.right] = step.right_order is None
    return flat
