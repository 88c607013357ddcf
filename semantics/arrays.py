"""Contractions in arrays of other libraries (PyTorch, JAX, …), by the array-API standard: on a GPU, or in float32.

>>> import numpy as np
>>> from semantics.plan import plan
>>> table, other = np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([0.25, 0.75])
>>> found = Elsewhere([(table, None), (other, None)], plan([(0, 1), (0,)], (1,), (2, 2)), np.zeros(0, dtype=np.float32))
>>> found.run(()).dtype, (found.run(()) / found.run(()).sum()).round(3).tolist()
(dtype('float32'), [0.125, 0.875])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from semantics.distribution import Array
from semantics.plan import Plan, Step
from strings.diagnostic import Diagnostic, QueryError

Rows = Callable[[Sequence[Any]], tuple[Any, ...]] | None
"""Takes the values of all that is fixed, and gives what to index the first axes of a table with, row by row."""


def namespace_of(like: Any) -> Any:
    """The array-API namespace of an array.

    Raises:
        QueryError: S008 if it has none.
    """
    if hasattr(like, "__array_namespace__"):
        return like.__array_namespace__()
    try:
        from array_api_compat import array_namespace

        return array_namespace(like)
    except (ImportError, TypeError) as e:
        install = "install it: pip install array-api-compat"
        help_ = install if isinstance(e, ImportError) else "give an array of NumPy, PyTorch or JAX"
        message = f"`{type(like).__module__}.{type(like).__qualname__}` is no array to compute with"
        raise QueryError(Diagnostic("S008", message, notes=(str(e),), help=(help_,))) from None


class Elsewhere:
    """A plan over tables, carried out in the library, on the device and in the precision of the array `like`.

    Rows, the first axis of every table that is picked from, stay to the end. The result of every step is divided by the
    largest entry of its row, so that small numbers do not vanish. What a row cannot hold becomes zero all the same, and
    float32 holds less: if nothing is left that is much larger than what may have vanished, the row becomes `nan`.
    """

    def __init__(self, tables: Sequence[tuple[Array, Rows]], planned: Plan, like: Any) -> None:
        self._xp, self._plan, self._like = namespace_of(like), planned, like
        self._tables = [(self._brought(table), table.shape, pick) for table, pick in tables]
        self._least = math.sqrt(self._xp.finfo(like.dtype).smallest_normal)

    def _brought(self, array: Array) -> Any:
        """An array of NumPy in the library, on the device."""
        if array.dtype.kind == "f":
            return self._xp.asarray(array, dtype=self._like.dtype, device=self._like.device)
        return self._xp.asarray(array, device=self._like.device)

    def run(self, values: Sequence[Any]) -> Array:
        """The table for some values, as an array of NumPy, each row up to a positive factor; rows that are lost are
        `nan`."""
        xp = self._xp
        t: list[Any] = [self._sliced(table, shape, pick, values) for table, shape, pick in self._tables]
        row = [None if pick is None else 0 for *_, pick in self._tables]  # which axis of each tensor rows are
        lost = self._brought(np.zeros(1, dtype=bool))
        for n, axes in enumerate(self._plan.alone):
            if axes:
                t[n] = xp.sum(t[n], axis=axes)
        for step in self._plan.steps:
            b, i, j, k = step.dims
            left, right = t[step.left], t[step.right]
            row.append(_row_of(step, row[step.left], row[step.right], right.ndim))
            if step.left_order is not None:
                left = xp.permute_dims(left, step.left_order)
            if step.right_order is not None:
                right = xp.permute_dims(right, step.right_order)
            product = xp.matmul(xp.reshape(left, (b, i, k)), xp.reshape(right, (b, k, j)))
            found = xp.reshape(product, step.shape)
            others = tuple([axis for axis in range(found.ndim) if axis != row[-1]])
            top = xp.max(found, axis=others, keepdims=True) if others else found
            lost = xp.logical_or(lost, xp.reshape(top <= self._least, (-1,)))
            t.append(found / xp.where(top > 0, top, xp.ones_like(top)))
            t[step.left] = t[step.right] = None
        last = t[-1]
        if self._plan.final != tuple(range(len(self._plan.final))):
            last = xp.permute_dims(last, self._plan.final)
        return np.where(_home(lost).reshape(-1, *[1] * (last.ndim - 1)), np.nan, _home(last))

    def _sliced(self, table: Any, shape: tuple[int, ...], pick: Rows, values: Sequence[Any]) -> Any:
        """The rows of a table: its first axes are taken at what `pick` gives."""
        if pick is None:
            return table
        at = np.broadcast_arrays(*pick(values))
        first, rest = shape[: len(at)], shape[len(at) :]
        flat = np.ravel_multi_index(at, first)
        return self._xp.take(self._xp.reshape(table, (-1, *rest)), self._brought(flat), axis=0)


def _row_of(step: Step, left: int | None, right: int | None, axes: int) -> int | None:
    """Which axis of what a step makes rows are, by which they are of its sides; the right one has so many `axes`."""
    if left is not None:  # the first axes are those of the left side that are not summed
        return left if step.left_order is None else step.left_order.index(left)
    if right is not None:  # the last are those that only the right side has
        at = right if step.right_order is None else step.right_order.index(right)
        return len(step.shape) - (axes - at)
    return None


def _home(array: Any) -> Array:
    """An array of any library as one of NumPy."""
    if hasattr(array, "detach"):  # PyTorch: off the graph and off the GPU
        array = array.detach().cpu()
    return np.asarray(array)
