"""Branch and bound: how far a quotient of functions that are linear in each of several laws can go.

Such a quotient is extreme where all laws are extreme, so that pieces of their corners are looked at, for some boxes. In
a piece those boxes choose, for each combination of functions that the others are, whichever corner is best there
(`semantics.relaxation.chosen`): no model in the piece is beyond what comes of it. Where they do not choose alike the
corners are parted, and the pieces with the farthest bounds come first. There are finitely many pieces; when each law
has one corner left the bound is exact, if one other box is left, and else that of a relaxation. Duarte, Finkelstein,
Knox, Mummolo and Shpitser (2023) bound causal effects in this way, with pieces of space. What is chosen on average are
laws that models have, so that better models are found.

>>> coin = Polytope(np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0]]), [1.0, 0.5, 0.5])
>>> above, below = np.eye(4), np.ones((4, 4))
>>> from semantics.relaxation import corners
>>> def attained(laws):
...     return float(np.einsum("ij,i,j", above, *laws))
>>> round(search({0: corners([coin])}, Lifted((coin,)), above, below, 1, (1.0, 0.0), attained, 1e-9), 6)
0.5
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from semantics.distribution import Array
from semantics.optimum import Polytope
from semantics.relaxation import Choice, Corners, Lifted, chosen, whole

_MOST_PIECES = 400
_MOST_WORK = 20_000_000  # numbers gone through, in all pieces: some ten or twenty seconds
_EACH = 10
_FLAT = 1e-24


@dataclass(frozen=True)
class _Piece:
    """What is left of the laws, and what the boxes choose there."""

    corners: Corners
    choice: Choice
    bound: float


def search(
    corners: Corners,
    others: Lifted,
    above: Array,
    below: Array,
    sign: int,
    known: tuple[float, float],
    improve: Callable[[list[Array]], float],
    within: float,
) -> float:
    """A number that no quotient is beyond: within a tolerance of what is attained, or as near as some hundred pieces
    come to it.

    `corners` are those of some boxes, and `others` is the relaxation for the others. `known` are a bound, and what is
    attained; `improve` is told laws of all boxes that may attain more, and says what is attained then.
    """
    outer, best = known
    count = itertools.count()
    waiting: list[tuple[float, int, _Piece]] = []

    def add(these: Corners, bound: float) -> None:
        choice = chosen(these, others, above, below, sign, best)
        here = _Piece(these, choice, sign * min(sign * bound, sign * choice.value))
        if sign * (here.bound - best) > 0:
            heapq.heappush(waiting, (-sign * here.bound, next(count), here))

    add(corners, outer)
    for n in range(min(_MOST_PIECES, int(_MOST_WORK / (above.size + others.work)))):
        if not waiting:
            return best
        worst = waiting[0][-1]
        if sign * (worst.bound - best) <= within:
            return worst.bound
        laws, cut = _looked_at(worst, others.polytopes, above.ndim)
        if laws is not None and (n < _EACH or n % _EACH == 0):  # to look for models takes longer than a bound
            best = sign * max(sign * best, sign * improve(laws))
        if cut is None:  # all choose alike: there is nothing to part
            return worst.bound
        heapq.heappop(waiting)
        for these in _halves(worst.corners, cut):
            add(these, worst.bound)
    return waiting[0][-1].bound if waiting else best


@dataclass(frozen=True)
class _Cut:
    """Where a piece is parted: a box, a part of it, one of the functions there, and a probability of it."""

    box: int
    part: int
    function: int
    at: float


def _looked_at(piece: _Piece, polytopes: Sequence[Polytope], boxes: int) -> tuple[list[Array] | None, _Cut | None]:
    """The laws of all boxes that are chosen on average, and where choices differ most; no cut if they do not differ."""
    product = piece.choice.product
    if product is None or not product.sum():
        return None, _widest(piece.corners)
    weights = product / product.sum()
    others = [j for j in range(boxes) if j not in piece.corners]
    laws = {}
    for k, (j, p) in enumerate(zip(others, polytopes, strict=True)):
        law = product.sum(axis=tuple(i for i in range(len(others)) if i != k))
        laws[j] = law / law[p.rows[0] == 1].sum()
    spread, cut = _FLAT, None
    for j in sorted(piece.corners):
        along = list(range(weights.ndim))
        here = [p.points[at] for p, at in zip(piece.corners[j], piece.choice.picked[j], strict=True)]
        means = [np.tensordot(weights, law, axes=(along, along)) for law in here]
        for k, (law, mean) in enumerate(zip(here, means, strict=True)):
            off = np.tensordot(weights, (law - mean) ** 2, axes=(along, along))
            f = int(off.argmax())
            if off[f] > spread and law[..., f].min() < mean[f] <= law[..., f].max():
                spread, cut = off[f], _Cut(j, k, f, float(mean[f]))
        laws[j] = whole(piece.corners[j], means)
        place = sum(k < j for k in laws)  # among the axes of the boxes before it
        weights = np.moveaxis(weights[..., None] * whole(piece.corners[j], here), -1, place)
        weights = weights / weights.sum()
    return [laws[j] for j in range(boxes)], cut


def _widest(corners: Corners) -> _Cut | None:
    """A cut through the middle of the corners that are farthest apart; nothing if each law has one corner."""
    found = []
    for j, parts in corners.items():
        for k, p in enumerate(parts):
            low, high = p.points.min(axis=0), p.points.max(axis=0)
            f = int((high - low).argmax())
            found.append((float(high[f] - low[f]), j, k, f, float((low[f] + high[f]) / 2)))
    width, *cut = max(found)
    return _Cut(*cut) if width > 0 else None  # type: ignore[arg-type]


def _halves(corners: Corners, cut: _Cut) -> tuple[Corners, Corners]:
    """The corners on both sides of a cut."""
    part = corners[cut.box][cut.part]
    below = part.points[:, cut.function] < cut.at
    made = []
    for half in (below, ~below):
        parts = list(corners[cut.box])
        parts[cut.part] = replace(part, points=part.points[half])
        made.append({**corners, cut.box: parts})
    return made[0], made[1]
