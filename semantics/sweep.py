"""All marginals of a product of tables at once: a contraction followed forwards, then backwards.

The total of a product is linear in the entries of each of its factors. Its derivative by the entries of one factor is
the product of all others, and all derivatives together cost about three times what the total costs (Darwiche 2003,
JACM 50). A factor times its derivative is the joint table of its variables.

>>> from semantics.plan import plan
>>> from semantics.program import Factor
>>> coin, copy = Factor.of(np.array([0.25, 0.75])), Factor.of(np.array([[0.5, 0.5], [0.0, 1.0]]))
>>> sweep = Sweep([(coin.table, coin.low, None), (copy.table, copy.low, None)], plan([(0,), (0, 1)], (), (2, 2)), ())
>>> [joint.tolist() for joint in sweep.run(())]
[[0.25, 0.75], [[0.125, 0.125], [0.0, 0.75]]]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from semantics.arithmetic import PrecisionError, drawn_out
from semantics.distribution import Array
from semantics.plan import Plan
from semantics.program import Contraction, Source

_LOST = 2.0**-900
_SMALL = 2.0**-60
"""A table whose largest entry is less than `_LOST` may have lost entries that count, so it is scaled when `_SMALL`."""


class Sweep:
    """A plan without output over sources. `run` gives for each factor the table of its variables, times a number."""

    def __init__(self, sources: Sequence[Source], planned: Plan, widest: tuple[str, ...]) -> None:
        self.plan, self.widest, self._sources = planned, widest, sources
        self.entries = planned.peak + 2 * sum(math.prod(s.shape) for s in planned.steps)  # all are kept, to go back
        self._forwards = Contraction(sources, planned, widest, keep=False)
        self._back = [
            (n, s.left, s.right, s.dims, s.left_order, s.right_order, _inverse(s.left_order), _inverse(s.right_order))
            for n, s in enumerate(planned.steps, len(sources))
        ][::-1]

    @property
    def scaled(self) -> bool:
        """Whether the tables may each have another factor: otherwise all have one, and the same sum."""
        return self._forwards.scaled

    def run(self, values: Sequence[Any]) -> list[Array]:
        """The tables for values of what is fixed, followed by `slice(None)`; where that is impossible, all are zero.

        Raises:
            PrecisionError: if float64 cannot hold numbers on the way.
        """
        t = self._forwards.tensors(values)
        factors = [table if pick is None else table[pick(values)] for table, _, pick in self._sources]
        others: list[Any] = [None] * len(t)  # for each tensor the product of all that it is multiplied with
        others[-1] = np.ones(t[-1].shape)
        if not t[-1].any():
            return [np.zeros(f.shape) for f in factors]
        normal = _normal if self._forwards.scaled else _as_it_is
        for n, left, right, (b, i, j, k), left_order, right_order, left_back, right_back in self._back:
            one, other = t[left], t[right]
            if left_order is not None:
                one = one.transpose(left_order)
            if right_order is not None:
                other = other.transpose(right_order)
            shapes = one.shape, other.shape
            if b == 1:
                above = others[n].reshape(i, j)
                beside_one = above.dot(other.reshape(k, j).T)
                beside_other = one.reshape(i, k).T.dot(above)
            else:
                above = others[n].reshape(b, i, j)
                beside_one = np.matmul(above, other.reshape(b, k, j).swapaxes(1, 2))
                beside_other = np.matmul(one.reshape(b, i, k).swapaxes(1, 2), above)
            beside_one, beside_other = normal(beside_one).reshape(shapes[0]), normal(beside_other).reshape(shapes[1])
            others[left] = beside_one if left_back is None else beside_one.transpose(left_back)
            others[right] = beside_other if right_back is None else beside_other.transpose(right_back)
            t[n] = others[n] = None
        found = []
        for n, factor in enumerate(factors):
            beside = others[n]
            for axis in self.plan.alone[n]:
                beside = np.expand_dims(beside, axis)
            found.append(factor * beside)
            if self._forwards.scaled and not found[-1].max() > _LOST:
                raise PrecisionError
        return found


def _inverse(order: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return None if order is None else tuple([order.index(k) for k in range(len(order))])


def _as_it_is(array: Array) -> Array:
    return array


def _normal(array: Array) -> Array:
    """The array with its largest entry between 1/2 and 1, if that is small."""
    top = array.max()
    if top > _SMALL:
        return array
    if top < _LOST:
        raise PrecisionError
    return drawn_out(array)[0]
