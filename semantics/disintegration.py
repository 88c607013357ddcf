"""Disintegration and comb disintegration of distributions (Cho, Jacobs 2019; Jacobs, Kissinger, Zanasi 2019).

>>> from fractions import Fraction
>>> half = Fraction(1, 2)
>>> joint = Distribution(("A", "B"), [[half, Fraction(0)], [half / 2, half / 2]])
>>> disintegrate(joint, ("B",), ("A",)).array.tolist()
[[Fraction(1, 1), Fraction(0, 1)], [Fraction(1, 2), Fraction(1, 2)]]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from semantics.distribution import Array, Distribution
from strings.diagnostic import Diagnostic, ZeroProbabilityError

Names = Sequence[str]


def disintegrate(joint: Distribution, onto: Names, given: Names) -> Distribution:
    """The channel from `given` to `onto`: axes `given` first, then `onto`; other axes of `joint` are summed out.

    It is unique where the marginal on `given` has full support.

    Raises:
        ZeroProbabilityError: Q002 where it has not: the channel is undetermined there.
    """
    both = joint.marginal(*given, *onto)
    base = joint.marginal(*given)
    zeros = np.argwhere(base.array == 0)
    if len(zeros):
        case = ", ".join(f"{n} = {v[i]}" for n, v, i in zip(base.variables, base.values, zeros[0], strict=True))
        raise ZeroProbabilityError(
            Diagnostic(
                "Q002",
                f"`{case}` has probability zero",
                notes=("disintegration is undetermined there; Cutwire does not invent a column",),
            )
        )
    return Distribution(both.variables, both.array / _wider(base.array, len(onto)), both.values)


def comb_disintegration(joint: Distribution, a: Names, b: Names, c: Names) -> tuple[Distribution, Distribution]:
    """The 2-comb `f : b -> a, c` and the channel `g : a -> b` with the joint obtained by plugging `g` into `f`.

    f(a, c | b) = w(a) w(c | a, b) and g(b | a) = w(b | a); unique for a joint of full support (the comb theorem of
    Jacobs, Kissinger, Zanasi). `f` has the axes b, a, c, and `g` the axes a, b.

    Raises:
        ZeroProbabilityError: Q002 if some combination of `a` and `b` has probability zero.
    """
    g = disintegrate(joint, b, a)
    after = disintegrate(joint, c, (*a, *b))
    first = joint.marginal(*a)
    product = _wider(first.array, len(b) + len(c)) * after.array
    n, m = len(a), len(b)
    order = [*range(n, n + m), *range(n), *range(n + m, product.ndim)]
    labels = [after.values[k] for k in order]
    return Distribution([*b, *a, *c], np.transpose(product, order), labels), g


def plug(f: Distribution, g: Distribution) -> Distribution:
    """The joint on a, b, c that the comb `f` (axes b, a, c) gives with the channel `g` (axes a, b) in its hole."""
    inputs = next(
        k
        for k in range(len(g.variables) + 1)
        if f.variables[: len(g.variables)]
        == (*g.variables[len(g.variables) - k :], *g.variables[: len(g.variables) - k])
    )
    a, b = g.variables[: len(g.variables) - inputs], f.variables[:inputs]
    c = [n for n in f.variables if n not in g.variables]
    order = [f.axis(n) for n in (*a, *b, *c)]
    array = np.transpose(f.array, order) * _wider(g.array, len(c))
    return Distribution([*a, *b, *c], array, [f.values[k] for k in order])


def _wider(array: Array, axes: int) -> Array:
    """The array with so many axes of length 1 behind."""
    return array.reshape((*array.shape, *(1,) * axes))
