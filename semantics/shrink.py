"""The smallest model that shows something: simple fractions, most of them even.

>>> from strings.signature import Object
>>> coin = Box("coin", (), (Object("C", ("0", "1")),))
>>> def heads(tables): return tables["coin"].array[1] if tables["coin"].array[1] > Fraction(1, 2) else None
>>> smallest({"coin": coin}, heads, 0)[1]
Fraction(1, 1)
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    """The tables with one change after the other that makes them simpler, until there is none.

    Whole boxes are tried before their columns. A column only ever becomes simpler, so this ends.
    """
    changed = True
    while changed:
        changed = False
        for name, b in boxes.items():
            width = math.prod(size(x) for x in b.cod)
            columns = tables[name].array.size // width
            for at in [slice(None), *(slice(k, k + 1) for k in range(columns))]:
                rows = tables[name].array.reshape(-1, width)
                for simpler in _simpler(rows[at]):
                    if b.deterministic and max(simpler) < 1:
                        continue
                    array = rows.copy()
                    array[at] = simpler
                    tried = {**tables, name: Kernel(b.dom, b.cod, array.reshape(tables[name].array.shape))}
                    found = shows(tried)
                    if found is not None:
                        tables, shown, changed = tried, found, True
                        break
    return tables, shown


def _simpler(columns: Array) -> Iterator[list[Fraction]]:
    """Columns that all of some can become: the even one, sharp ones, then small weights.

    Each is no less simple than any of them, and the only one that is as simple as it is: so there is no way back.
    """
    width = columns.shape[-1]
    sharp = [[Fraction(int(k == j)) for j in range(width)] for k in range(width)]
    even = [Fraction(1, width)] * width
    between = [[(p + q) / 2 for p, q in zip(s, even, strict=True)] for s in sharp]
    for column in (even, *sharp, *between):
        if _complexity(column) <= min(map(_complexity, columns)) and (columns != column).any():
            yield column


def _complexity(column: Sequence[Fraction]) -> tuple[int, int, int]:
    """Even columns are simpler than sharp ones, then small denominators are; and the first values than the others."""
    most = list(column).index(max(column))
    if len(set(column)) == 1:
        return (0, 0, 0)
    return (2 - int(max(column)), max(p.denominator for p in column), most)
