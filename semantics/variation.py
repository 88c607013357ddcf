"""How far apart two distributions of one variable are.

>>> total_variation(Distribution(("S",), [0.5, 0.5]), Distribution(("S",), [0.25, 0.75]))
0.25
"""

from __future__ import annotations

import math

import numpy as np

from semantics.distribution import Array, Distribution
from semantics.mixture import Mixture, is_sharp

_ROUNDING = 1e-9
_POINTS = 800  # of a grid for each component of a mixture, over so many standard deviations on both sides
_REACH = 9.0
_MOST_POINTS = 100_000


def differ(one: Distribution | Mixture, other: Distribution | Mixture) -> bool:
    """Whether two distributions differ by more than rounding: of tables in any entry, relative to its size, so that a
    tiny probability may change, too."""
    if isinstance(one, Distribution) and isinstance(other, Distribution):
        p, q = one.as_float().array, other.as_float().array
        return bool((np.abs(p - q) > _ROUNDING * np.maximum(p, q)).any())
    return total_variation(one, other) > _ROUNDING


def total_variation(one: Distribution | Mixture, other: Distribution | Mixture) -> float:
    """The total variation distance: the largest difference of the probabilities of one event.

    For tables half the sum of all differences (Levin, Peres, Wilmer 2017, proposition 4.2). For mixtures of one real
    variable points are summed, and densities are compared by their distribution functions on a fine grid.
    """
    if isinstance(one, Distribution) and isinstance(other, Distribution):
        return float(np.abs(one.as_float().array - other.as_float().array).sum()) / 2
    assert isinstance(one, Mixture)
    assert isinstance(other, Mixture)
    points, weights = zip(*(_points(m) for m in (one, other)), strict=True)
    apart = sum(abs(points[0].get(x, 0.0) - points[1].get(x, 0.0)) for x in {**points[0], **points[1]})
    parts = [part for dense in weights for part in dense]
    if parts:
        each = max(40, min(_POINTS, _MOST_POINTS // len(parts) ** 2))
        steps = np.linspace(-_REACH, _REACH, each)
        grid = np.unique(np.concatenate([mean + sd * steps for _, mean, sd in parts]))
        apart += float(np.abs(_masses(weights[0], grid) - _masses(weights[1], grid)).sum())
    return float(min(apart / 2, 1.0))


Dense = list[tuple[float, float, float]]
"""Weight, mean and standard deviation of each component that has a density."""


def _points(m: Mixture) -> tuple[dict[float, float], Dense]:
    """The points of a mixture with their weights, and its components with a density."""
    points: dict[float, float] = {}
    dense: Dense = []
    for w, g in zip(m.weights, m.parts, strict=True):
        mean, variance = float(g.offset[0]), float(g.covariance[0, 0])
        if is_sharp(g, 0):
            points[mean] = points.get(mean, 0.0) + float(w)
        else:
            dense.append((float(w), mean, math.sqrt(variance)))
    return points, dense


def _masses(parts: Dense, grid: Array) -> Array:
    """What lies between neighbours of a grid."""
    found = np.zeros(len(grid) - 1)
    for weight, mean, sd in parts:
        at = ((grid - mean) / (sd * math.sqrt(2))).tolist()
        found += weight * np.diff([math.erf(x) for x in at]) / 2
    return found
