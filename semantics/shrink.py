"""The smallest model that shows something: simple fractions, most of them even.

>>> from strings.signature import Object
>>> coin = Box("coin", (), (Object("C", ("0", "1")),))
>>> def heads(tables): return tables["coin"].array[1] if tables["coin"].array[1] > Fraction(1, 2) else None
>>> smallest({"coin": coin}, heads, 0)[1]
Fraction(1, 1)
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TypeVar

import numpy as np

from semantics.distribution import Array
from semantics.kernel import Kernel, size
from strings.signature import Box

T = TypeVar("T")

_WEIGHTS = (0, 1, 1, 2, 3)


def smallest(
    boxes: Mapping[str, Box],
    shows: Callable[[Mapping[str, Kernel]], T | None],
    seed: int,
    starts: Iterable[dict[str, Kernel]] = (),
    tries: int = 300,
) -> tuple[dict[str, Kernel], T] | None:
    """Tables for some boxes of which `shows` says something, made simple as far as it still does; or nothing.

    The first of `starts`, or of `tries` random ones, that shows it is taken; column by column the even distribution is
    tried first, then the sharp ones, then small weights. The same for the same `seed`.
    """
    rnd = random.Random(seed)
    drawn = ({name: random_kernel(b, rnd, positive=k % 2 == 0) for name, b in boxes.items()} for k in range(tries))
    for tables in itertools.chain(starts, drawn):
        shown = shows(tables)
        if shown is not None:
            return _simplified(boxes, tables, shown, shows)
    return None


def random_kernel(b: Box, rnd: random.Random, positive: bool) -> Kernel:
    """Random numbers for a box, in simple fractions; a deterministic box gets a function."""
    columns = int(np.prod([size(x) for x in b.dom], dtype=int))
    width = int(np.prod([size(x) for x in b.cod], dtype=int))
    made = np.empty((columns, width), dtype=object)
    for k in range(columns):
        weights = [0] * width if b.deterministic else [rnd.choice(_WEIGHTS[positive:]) for _ in range(width)]
        if not any(weights):
            weights[rnd.randrange(width)] = 1
        made[k] = [Fraction(w, sum(weights)) for w in weights]
    return Kernel(b.dom, b.cod, made.reshape([size(x) for x in (*b.dom, *b.cod)]))


def _simplified(
    boxes: Mapping[str, Box], tables: dict[str, Kernel], shown: T, shows: Callable[[Mapping[str, Kernel]], T | None]
) -> tuple[dict[str, Kernel], T]:
    for name, table in tables.items():
        width = int(np.prod([size(x) for x in table.cod], dtype=int))
        for column in range(table.array.size // width):
            if boxes[name].deterministic:
                continue
            for simpler in _simpler(tables[name].array.reshape(-1, width)[column]):
                array = np.array(tables[name].array, dtype=object).reshape(-1, width)
                array[column] = simpler
                tried = {**tables, name: Kernel(table.dom, table.cod, array.reshape(table.array.shape))}
                found = shows(tried)
                if found is not None:
                    tables, shown = tried, found
                    break
    return tables, shown


def _simpler(column: Array) -> Iterator[list[Fraction]]:
    """Columns simpler than one, the simplest first; a sharp one stays as it is."""
    width = len(column)
    if Fraction(1) in column:
        return
    even = [Fraction(1, width)] * width
    if list(column) != even:
        yield even
        for k in range(width):
            yield [Fraction(int(k == j)) for j in range(width)]
        if width == 2:
            for p in (Fraction(1, 4), Fraction(3, 4)):
                if p.denominator < column[0].denominator:
                    yield [p, 1 - p]
