"""One question for many rows at once: what is set, what is seen, and tables that differ from row to row.

Rows are one more index, which the factors share that differ. What is the same in all rows is computed once, and one
matrix product does for all rows what a loop would do for each.

>>> from semantics.kernel import Kernel
>>> from strings.model import CausalModel
>>> model = CausalModel.from_edges([("S", "C")], domains=2)
>>> S, C = model.variables
>>> tables = {"s": Kernel((), (S,), [0.5, 0.5]), "c": Kernel((S,), (C,), [[0.75, 0.25], [0.0, 1.0]])}
>>> each(Product.of(model, tables), ["C"], {"S": np.array([0, 1, 0])}, {}, {}).tolist()
[[0.75, 0.25], [0.0, 1.0], [0.75, 0.25]]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from semantics.arithmetic import PrecisionError
from semantics.arrays import Elsewhere
from semantics.contract import check_plan, memory_limit
from semantics.distribution import Array
from semantics.plan import Plan, planned
from semantics.product import Product
from semantics.program import Contraction, Factor, Source

_BYTES = 12
_MOST_ROWS = 4096  # in one contraction
_ENTRIES = 2**22  # that a contraction of several rows may hold
_ROW = -1  # the index of rows, among the numbers of variables

Values = Mapping[str, int | Array]
"""For each variable the position of its value, or an array of positions: one for each row."""


def each(
    product: Product,
    targets: Sequence[str],
    do: Values,
    given: Values,
    tables: Mapping[str, Array],
    max_memory: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    like: Any = None,
) -> Array:
    """`P(targets | do, given)` in every row: an array of shape (rows, values of each target…).

    `tables` are for some variables those of each row: shape (rows, values of each parent…, values). A row in which what
    is seen is impossible is `nan`. With an array `like`, most is computed in its library, on its device and in its
    precision (`semantics.arrays`); rows whose numbers are lost there are computed here again.

    Raises:
        KeyError: for a variable without a table, or one that stands twice.
        LimitError: L001, L003 if it needs more than `max_memory` bytes.
        PrecisionError: if float64 cannot hold the numbers of a row.
    """
    asked = _asked(product, targets, do, given, tables)
    found = np.empty((asked.rows, *(product.sizes[v] for v in asked.targets)))
    size = min(asked.rows, _MOST_ROWS)
    while size > 1 and asked.peak(size) > _ENTRIES:
        size //= 2
    here = asked.ready(size, max_memory)
    ready = here if like is None else asked.ready(size, max_memory, like)
    for start in range(0, asked.rows, size):
        stop = min(start + size, asked.rows)
        rows = np.arange(stop - size, stop)  # the last piece may repeat some rows: so it has the same plan
        found[rows] = _run(asked, ready, rows, max_memory)
        if like is not None and np.isnan(found[rows]).any():
            found[rows] = _run(asked, here, rows, max_memory)
        if on_progress is not None:
            on_progress(stop, asked.rows)
    return found


@dataclass(frozen=True)
class _Ready:
    targets: Contraction | Elsewhere
    possible: tuple[Contraction | Elsewhere, ...]


@dataclass(frozen=True)
class _Asked:
    """A question by numbers: `fixed` are the values of what is set, then of what is seen."""

    product: Product
    targets: tuple[int, ...]
    fixed: Mapping[int, int | Array]
    factors: Mapping[int, Factor]
    rowed: frozenset[int]
    around: tuple[int, ...]
    parts: tuple[tuple[int, ...], ...]
    rows: int

    def ready(self, rows: int, max_memory: int | None, like: Any = None) -> _Ready:
        """The contractions for so many rows at once."""
        main = self._contraction(self.around, self.targets, rows, max_memory, like)
        parts = tuple(self._contraction(part, (), rows, max_memory, like) for part in self.parts)
        return _Ready(main, parts)

    def peak(self, rows: int) -> int:
        """The most entries that the contractions of so many rows hold at once."""
        parts = ((self.around, self.targets), *((part, ()) for part in self.parts))
        return max(self._plan(factors, output, rows, None)[0].peak for factors, output in parts)

    def _plan(
        self, factors: Sequence[int], output: Sequence[int], rows: int, max_memory: int | None
    ) -> tuple[Plan, list[int]]:
        local: dict[int, int] = {}
        inputs = []
        for v in factors:
            free = [u for u in self.product.scopes[v] if u not in self.fixed]
            inputs.append(
                tuple([local.setdefault(u, len(local)) for u in ([_ROW, *free] if v in self.rowed else free)])
            )
        kept = [local[_ROW]] if _ROW in local else []
        sizes = tuple([rows if u == _ROW else self.product.sizes[u] for u in local])
        room = memory_limit(max_memory) // _BYTES
        return planned(tuple(inputs), (*kept, *(local[v] for v in output)), sizes, 1, room), list(local)

    def _contraction(
        self, factors: Sequence[int], output: Sequence[int], rows: int, max_memory: int | None, like: Any
    ) -> Contraction | Elsewhere:
        found, numbers = self._plan(factors, output, rows, max_memory)
        widest = tuple("rows" if numbers[x] == _ROW else self.product.names[numbers[x]] for x in found.widest)
        check_plan(found, widest, _BYTES, max_memory)
        sources = [self._source(v) for v in factors]
        if like is not None:
            free = [sum(u not in self.fixed for u in self.product.scopes[v]) for v in factors]
            levelled = [(_levelled(table, k), pick) for (table, _, pick), k in zip(sources, free, strict=True)]
            return Elsewhere(levelled, found, like)
        return Contraction(sources, found, widest)

    def _source(self, v: int) -> Source:
        """A factor with the axes of what is fixed in front, to be sliced row by row; or sliced, if all rows agree."""
        factor, scope, own = self.factors[v], self.product.scopes[v], 0
        keys = list(self.fixed)
        if v not in self.rowed:
            at = tuple([self.fixed.get(u, slice(None)) for u in scope])
            return factor.table[at], factor.low, None
        if factor.table.ndim > len(scope):
            own = 1
        first = [k + own for k, u in enumerate(scope) if u in self.fixed]
        order = [*range(own), *first, *(k + own for k, u in enumerate(scope) if u not in self.fixed)]
        picked = [len(keys)] * own + [keys.index(u) for u in scope if u in self.fixed]
        pick = itemgetter(*picked) if len(picked) > 1 else itemgetter(slice(picked[0], picked[0] + 1))
        return factor.table.transpose(order), factor.low, lambda values: tuple(pick(values))

    def values(self, rows: Array) -> list[Any]:
        """What is fixed in some rows, and their numbers."""
        return [*(v if isinstance(v, int) else v[rows] for v in self.fixed.values()), rows]


def _asked(product: Product, targets: Sequence[str], do: Values, given: Values, tables: Mapping[str, Array]) -> _Asked:
    number = product.numbers
    fixed = {number[n]: v for side in (do, given) for n, v in side.items()}
    asked = tuple([number[n] for n in targets])
    if len({*asked, *fixed}) < len(targets) + len(do) + len(given):
        raise KeyError("a variable stands twice")
    varied = {number[n]: _varied(product, number[n], table) for n, table in tables.items()}
    needed = product.ancestors((*asked, *(number[n] for n in given)), [number[n] for n in do])
    factors = {}
    for v in needed:
        factor = varied.get(v) or product.factors[v]
        if factor is None:
            raise KeyError(product.names[v])
        factors[v] = factor
    rowed = frozenset(
        v for v in needed if v in varied or any(not isinstance(fixed.get(u, 0), int) for u in product.scopes[v])
    )
    around = product.around(asked, needed, fixed)
    positive = {v for v, f in factors.items() if f.positive}
    parts = product.parts(needed.difference(around), fixed, positive) if given else []
    lengths = [len(v) for v in fixed.values() if not isinstance(v, int)] + [len(table) for table in tables.values()]
    rows = max(lengths, default=1)
    return _Asked(product, asked, fixed, factors, rowed, tuple(around), tuple(map(tuple, parts)), rows)


def _varied(product: Product, v: int, table: Array) -> Factor:
    """The tables of a variable in each row, with the axes of its scope."""
    return Factor.of(table.reshape(len(table), *(product.sizes[u] for u in product.scopes[v])))


def _levelled(table: Array, free: int) -> Array:
    """A table whose last axes are free: for each place on the others, divided by what is largest there. So float32 has
    all its range for each row."""
    top = table.max(axis=tuple(range(table.ndim - free, table.ndim)), keepdims=True)
    levelled: Array = table / np.where(top > 0, top, 1)
    return levelled


def _run(asked: _Asked, ready: _Ready, rows: Array, max_memory: int | None) -> Array:
    """The answers in some rows. Where their numbers lie too far apart for one scale, in halves of them."""
    values = asked.values(rows)
    sizes = [asked.product.sizes[v] for v in asked.targets]
    try:
        found = np.broadcast_to(ready.targets.run(values), (len(rows), *sizes))
        possible = np.ones(len(rows), dtype=bool)
        for contraction in ready.possible:
            possible &= contraction.run(values) > 0
    except PrecisionError:
        if len(rows) == 1:
            raise
        half = len(rows) // 2
        pieces = []
        for part in (rows[:half], rows[half:]):
            pieces.append(_run(asked, asked.ready(len(part), max_memory), part, max_memory))
        return np.concatenate(pieces)
    flat = found.reshape(len(rows), math.prod(sizes))
    totals = flat.sum(axis=1)
    totals = np.where((totals > 0) & possible, totals, np.nan)
    return (flat / totals[:, None]).reshape(len(rows), *sizes)
