"""Boxes with a real output as affine maps with normal noise: read off formulas, or fitted to data by least squares.

>>> from strings.expression import Apply, Input
>>> from strings.signature import Object
>>> X, Y = Object("X", None, "real"), Object("Y", None, "real")
>>> y = Box("y", (X,), (Y,))
>>> body = Draw("normal", (Apply("*", (Constant(Fraction(2)), Input(0))), Constant(Fraction(1, 2))))
>>> print(linear_box(y, [body], {}, exact=True).cells[()])
normal([[2]] x + [0], [[1/4]])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from semantics.affine import affine
from semantics.dataset import Dataset
from semantics.distribution import Array, float_array
from semantics.expressions import ParameterValues, chosen, number
from semantics.gaussian import PIVOT, Gaussian, dot, numbers, sweep, zeros
from semantics.mixed import LinearBox, Values, configurations, finite
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.expression import Body, Choice, Constant, Draw, Expression, inputs_in
from strings.signature import Box

_ZERO = Constant(Fraction(0))
_EXACT_WORK = 20_000  # products of fractions in a regression that is done exactly unasked


def linear_box(b: Box, bodies: Sequence[Body], values: ParameterValues, exact: bool) -> LinearBox:
    """A box given by formulas: a kernel of Gauss for all values of its finite inputs.

    Raises:
        QueryError: G001 if it is not linear with normal noise, Q012 for a parameter without a value, Q014 for a
            standard deviation below 0, Q005 and Q015 of numbers.
    """
    refuse_nonlinear(b, bodies)
    cells = {}
    for at, body in zip(configurations(finite(b.dom)), bodies, strict=True):
        draw = chosen(body, lambda e: bool(number(e, values, exact)))
        *slopes, offset, sd = (number(e, values, exact) for e in coefficients(b, draw))
        if sd < 0:
            raise negative_deviation(b, f": {float(sd):g}")
        cells[at] = regression(slopes, offset, sd**2, exact)
    return LinearBox(b.dom, b.cod[0], cells)


def coefficients(b: Box, draw: Draw) -> list[Expression]:
    """The slopes of the real inputs of a box that is linear, its offset, and its standard deviation."""
    form = affine(draw.args[0])
    assert form is not None
    slopes = [form.slopes.get(k, _ZERO) for k, x in enumerate(b.dom) if x.space]
    return [*slopes, form.offset, draw.args[1] if draw.family == "normal" else _ZERO]


def regression(slopes: Sequence[Any], offset: Any, variance: Any, exact: bool) -> Gaussian:
    """A kernel with one output."""
    shape = 1, len(slopes)
    return Gaussian(*(numbers(e, s, exact) for e, s in ((slopes, shape), ([offset], (1,)), ([variance], (1, 1)))))


def negative_deviation(b: Box, how: str) -> QueryError:
    """Q014: noise has a negative standard deviation."""
    return QueryError(Diagnostic("Q014", f"the standard deviation of box `{b.name}` is negative{how}"))


def refuse_nonlinear(b: Box, bodies: Sequence[Body]) -> None:
    """Refuse a box that no conditional Gaussian model has (Lauritzen, Wermuth 1989).

    Raises:
        QueryError: G001, naming the box and why.
    """
    why = _why_not(b, bodies)
    if why:
        raise QueryError(
            Diagnostic(
                "G001",
                f"box `{b.name}` is not linear with normal noise",
                notes=(why,),
                help=('ask with sampling: --semantics pyro, semantics="pyro"',),
            )
        )


def _why_not(b: Box, bodies: Sequence[Body]) -> str:
    count = next((x for x in (*b.dom, *b.cod) if x.space == "count"), None)
    if count is not None:
        return f"`{count.name}` is count"
    heard = next((x for x in b.dom if x.space), None)
    if not b.cod[0].space:
        return f"`{b.cod[0].name}` has finitely many values and hears `{heard.name}`, a real variable" if heard else ""
    return next(filter(None, map(_why_body, bodies)), "")


def _why_body(body: Body) -> str:
    match body:
        case Choice(condition, then, otherwise):
            if inputs_in(condition):
                return f"`if {condition}` chooses by a real input"
            return _why_body(then) or _why_body(otherwise)
        case Draw("normal", (mean, sd)):
            if affine(mean) is None:
                return f"its mean `{mean}` is not linear in its real inputs"
            return f"its standard deviation `{sd}` depends on a real input" if inputs_in(sd) else ""
        case Draw("point", (value,)):
            return "" if affine(value) is not None else f"`{value}` is not linear in its real inputs"
        case Draw(family):
            return f"`{family}` is not normal"


# ---- data ------------------------------------------------------------------------------------------------------------


class Cells(dict[Values, Gaussian]):
    """The kernels of a box by the values of its finite inputs; those that are asked for are made then."""

    def __init__(self, make: Callable[[Values], Gaussian]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, values: Values) -> Gaussian:
        self[values] = self._make(values)
        return self[values]


def is_cheap(data: Dataset, reals: int) -> bool:
    """Whether a regression among so many real columns can be done in fractions at once."""
    return data.exact and len(data.codes) * reals**2 <= _EXACT_WORK


def fit_linear(data: Dataset, b: Box, exact: bool, *, lazy: bool = False) -> LinearBox:
    """A box with a real output, fitted by least squares with an intercept (maximum likelihood): one regression for all
    values of its finite inputs; the variance of the noise is the mean square of the residuals (divisor n).

    The ports are columns of the data. A `lazy` box makes a regression, and raises for it, when it is needed.

    Raises:
        QueryError: E006 if the data lack a variable, G005 if the rows do not determine a regression.
        LanguageError: F003 if a finite variable takes other values in the data.
        ZeroProbabilityError: Q002 if a combination of finite inputs never occurs.
    """
    ports = (*b.dom, *b.cod)
    for x in ports:
        data.position(x.name)
    known = data.aligned({x.name: x.values or () for x in ports})
    reals = [x.name for x in ports if x.space]
    finites = [x.name for x in ports if not x.space]
    columns = np.stack([known.numbers(n, exact) for n in reals], axis=1)
    weights = known.weights if exact else float_array(known.weights)
    codes = known.codes[:, [known.position(n) for n in finites]]

    def regression(at: Values) -> Gaussian:
        rows = (codes == np.array(at, dtype=np.int64)).all(axis=1) & (weights > 0).astype(bool)
        if not rows.any():
            raise known.unseen(finites, at)
        case = ", ".join(f"{n} = {known.values[known.position(n)][v]}" for n, v in zip(finites, at, strict=True))
        return _regression(columns[rows], weights[rows], reals, f"`{data.name}`" + (f" at {case}" if case else ""))

    if lazy:
        return LinearBox(b.dom, b.cod[0], Cells(regression))
    return LinearBox(b.dom, b.cod[0], {at: regression(at) for at in configurations(finite(b.dom))})


def moments(columns: Array, weights: Array) -> tuple[Array, Array]:
    """The weighted mean and covariance (divisor: the weight of all rows) of some columns."""
    total = weights.sum()
    mean = dot(columns.T, weights) / total
    centred = columns - mean
    return mean, dot((centred * weights[:, None]).T, centred) / total


def _regression(columns: Array, weights: Array, names: Sequence[str], where: str) -> Gaussian:
    """The last column regressed on the others, as a kernel."""
    p = columns.shape[1] - 1
    rows = len({tuple(r) for r in columns.tolist()})
    if rows < p + 2 and float(weights.sum()) < p + 2:
        raise _undetermined(
            names[-1],
            where,
            f"{rows} row(s) are too few for {p} slope(s), an intercept and the variance of the noise",
        )
    mean, covariance = moments(columns, weights)
    if columns.dtype == object:
        found, determined = Gaussian(zeros((p + 1, 0), True), mean, covariance).conditional(range(p))
    else:
        found, determined = _least_squares(columns, weights, mean, covariance)
    if determined:
        k = determined[0]
        fixed = covariance[k, k] <= (0 if columns.dtype == object else PIVOT * (1 + float(mean[k]) ** 2))
        others = ", ".join(f"`{n}`" for n in names[:k])
        why = f"`{names[k]}` never varies" if fixed else f"`{names[k]}` is determined by {others}"
        raise _undetermined(names[-1], where, f"{why}: its slope could be anything")
    return found


def _least_squares(columns: Array, weights: Array, mean: Array, covariance: Array) -> tuple[Gaussian, list[int]]:
    """The same in floats: by orthogonal factors of the scaled and centred rows, which keeps twice the digits that the
    covariance would."""
    p = columns.shape[1] - 1
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    small = [k for k in range(p) if scale[k] <= 1e-12 * (1 + abs(mean[k]))]
    if small:
        return Gaussian(zeros((1, p), False), mean[p:], covariance[p:, p:]), small
    root = np.sqrt(weights / weights.sum())[:, None]
    design = (columns[:, :p] - mean[:p]) / scale[:p] * root
    outcome = (columns[:, p] - mean[p]) * root[:, 0]
    slopes, _, rank, _ = np.linalg.lstsq(design, outcome, rcond=1e-9)
    residual = outcome - design @ slopes
    slopes = slopes / scale[:p]
    variance = float(residual @ residual)
    if variance <= 1e-20 * float(covariance[p, p]):
        variance = 0.0
    found = Gaussian(slopes.reshape(1, p), np.array([mean[p] - slopes @ mean[:p]]), np.array([[variance]]))
    determined = []
    if rank < p:
        unit = scale[:p]
        determined = sweep(covariance[:p, :p] / np.outer(unit, unit), range(p)).determined or [p - 1]
    return found, determined


def _undetermined(name: str, where: str, why: str) -> CutwireError:
    return QueryError(
        Diagnostic(
            "G005",
            f"the regression of `{name}` in data {where} is not determined",
            notes=(why,),
            help=("leave a variable out, or bring more data",),
        )
    )
