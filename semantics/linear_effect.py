"""Effects in linear models, from covariances alone: back door, front door, instruments.

In a linear structural model the effect of one variable on another is a number, the sum over directed paths of the
products of their coefficients (Wright 1921), and criteria on the graph say how to read it off a covariance matrix:
regression with covariates (back door, adjustment), in two steps through mediators (front door), or as a ratio of
covariances (conditional instrument: Bowden, Turkington 1984; Brito, Pearl 2002). The last identifies nothing without
linearity. Only covariances are used, so the noise need not be normal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from semantics.dataset import Dataset
from semantics.distribution import Array, Number, float_array
from semantics.expectation import as_number
from semantics.gaussian import sweep, zeros
from semantics.linear import is_cheap, moments
from semantics.mixed import Gauss, finite
from strings.criteria import Criterion, criteria
from strings.diagnostic import Diagnostic, QueryError, did_you_mean
from strings.model import CausalModel

Covariances = Callable[[Sequence[str]], Array]
"""The covariance matrix of some variables, in fractions or floats."""

METHODS = ("no causal path", "back door", "adjustment", "optimal adjustment", "front door", "instrument")
"""The criteria that say how to read an effect off covariances, in the order in which they are tried."""

ASSUMED = "every variable is linear in its causes, with the same coefficients in all cases"


@dataclass(frozen=True)
class LinearEffect:
    """By how much `outcome` rises if `treatment` is raised by one, and how that was read off covariances.

    `criterion` is the criterion on the graph that was used, `formula` what was computed, `assumes` what has to hold
    besides.
    """

    value: Number
    treatment: str
    outcome: str
    criterion: Criterion
    formula: str
    assumes: str = ASSUMED

    def __repr__(self) -> str:
        exact = f" = {self.value}" if isinstance(self.value, Fraction) and self.value.denominator < 10**9 else ""
        shown = f"{float(self.value):.6g}{exact}"
        lines = [
            f"{self.treatment} -> {self.outcome}: {shown}",
            f"  {self.criterion.name}: {self.formula}",
            f"  assumes: {self.assumes}",
        ]
        return "\n".join(lines)


def linear_effect(
    model: CausalModel, treatment: str, outcome: str, covariances: Covariances, method: str | None = None
) -> LinearEffect:
    """The effect of one variable on another, if the model is linear.

    The first of `METHODS` that applies is used, unless `method` names another one.

    Raises:
        QueryError: N002 for an unknown variable, I001 for a latent one, G007 if no criterion applies or not the one
            named, G008 if the covariances do not determine what it needs.
    """
    for n in (treatment, outcome):
        model.object(n)
        if n in model.latents:
            raise QueryError(Diagnostic("I001", f"`{n}` is latent, so no data can contain it"))
    if treatment == outcome:
        raise QueryError(Diagnostic("G007", f"an effect of `{treatment}` on itself is 1"))
    if method is not None and method not in METHODS:
        known = (f"there are {', '.join(METHODS)}",)
        message = f"there is no method `{method}` here"
        raise QueryError(Diagnostic("G007", message, notes=known, help=did_you_mean(method, METHODS)))
    graph = model.graph
    found = {c.name: c for c in criteria(graph, graph.mask([outcome]), graph.mask([treatment]))}
    for name in METHODS if method is None else (method,):
        if name in found:
            return _by(found[name], treatment, outcome, covariances)
    applies = [n for n in METHODS if n in found]
    raise QueryError(
        Diagnostic(
            "G007",
            f"no criterion gives the linear effect of `{treatment}` on `{outcome}`"
            if method is None
            else f"`{method}` does not apply to the effect of `{treatment}` on `{outcome}`",
            notes=(f"these apply: {', '.join(applies)}",) if applies else ("there is no instrument, either",),
            help=(f"if it is identifiable: `estimate E({outcome} | do({treatment} := 1)) - … from DATA`",),
        )
    )


def _by(c: Criterion, x: str, y: str, covariances: Covariances) -> LinearEffect:
    sets = dict(c.sets)
    match c.name:
        case "no causal path":
            return LinearEffect(Fraction(0), x, y, c, "0")
        case "front door":
            return _front_door(c, x, y, sets["mediators"], covariances)
        case "instrument":
            return _instrument(c, x, y, sets["instruments"], sets["given"], covariances)
        case _:
            return _adjusted(c, x, y, sets["covariates"], covariances)


def _adjusted(c: Criterion, x: str, y: str, z: Sequence[str], covariances: Covariances) -> LinearEffect:
    """The coefficient of the treatment in a regression with the covariates."""
    names = [x, *z, y]
    slope = coefficients(covariances(names), names, y)[x]
    behind = f" + {' + '.join(z)}" if z else ""
    return LinearEffect(slope, x, y, c, f"coefficient of {x} in {y} ~ {x}{behind}")


def _front_door(c: Criterion, x: str, y: str, mediators: Sequence[str], covariances: Covariances) -> LinearEffect:
    """What the treatment does to each mediator, times what that does to the outcome with the treatment held."""
    names = [x, *mediators, y]
    covariance = covariances(names)
    onward = coefficients(covariance, names, y)
    total: Number = Fraction(0)
    for m in mediators:
        at = [names.index(x), names.index(m)]
        total = total + coefficients(covariance[np.ix_(at, at)], [x, m], m)[x] * onward[m]
    first = f"coefficient of {x} in {{}} ~ {x}"
    second = f"coefficient of {{}} in {y} ~ {' + '.join([*mediators, x])}"
    text = " + ".join(f"({first.format(m)}) * ({second.format(m)})" for m in mediators)
    return LinearEffect(total, x, y, c, text)


def _instrument(
    c: Criterion, x: str, y: str, instruments: Sequence[str], given: Sequence[str], covariances: Covariances
) -> LinearEffect:
    """A ratio of covariances given covariates, those of one instrument."""
    z = instruments[0]
    names = [z, x, y, *given]
    whole = covariances(names)
    swept = sweep(whole, range(3, len(names)))
    if swept.determined:
        raise _undetermined(f"`{names[swept.determined[0]]}` does not vary, or others determine it")
    left = swept.matrix
    below, above = left[0, 1], left[0, 2]
    behind = f" | {', '.join(given)}" if given else ""
    exact = left.dtype == object
    if below == 0 if exact else abs(below) <= 1e-9 * float(np.sqrt(whole[0, 0] * whole[1, 1])):
        raise _undetermined(f"cov({z}, {x}{behind}) is 0: the instrument `{z}` tells nothing of `{x}`")
    return LinearEffect(
        above / below,
        x,
        y,
        c,
        f"cov({z}, {y}{behind}) / cov({z}, {x}{behind})",
        f"{ASSUMED}; without this an instrument gives bounds only",
    )


def coefficients(covariance: Array, names: Sequence[str], target: str) -> dict[str, Number]:
    """The coefficients of the linear regression of one variable on the others.

    Raises:
        QueryError: G008 if they are not determined.
    """
    others = [k for k, n in enumerate(names) if n != target]
    swept = sweep(covariance, others)
    if swept.determined:
        raise _undetermined(f"`{names[swept.determined[0]]}` does not vary, or others determine it")
    row = swept.matrix[names.index(target)]
    return {names[k]: row[k] for k in others}


def _undetermined(why: str) -> QueryError:
    return QueryError(
        Diagnostic(
            "G008",
            "the covariances do not determine the effect",
            notes=(why,),
            help=("leave a variable out, or bring other data",),
        )
    )


# ---- covariances -----------------------------------------------------------------------------------------------------


def data_covariances(data: Dataset, model: CausalModel) -> Covariances:
    """Those of data (divisor n); a finite variable counts by its number, one of two values as 0 and 1.

    Raises:
        QueryError: E006 if the data lack a variable, Q004 for a variable of more values that are no numbers.
    """

    def covariances(names: Sequence[str]) -> Array:
        exact = is_cheap(data, len(names))
        columns = np.stack([_column(data, model, n, exact) for n in names], axis=1)
        return moments(columns, data.weights if exact else float_array(data.weights))[1]

    return covariances


def _column(data: Dataset, model: CausalModel, name: str, exact: bool) -> Array:
    if model.object(name).values is None:
        return data.numbers(name, exact)
    known = data.aligned({name: model.object(name).values or ()})
    at = known.position(name)
    levels = _levels(name, known.values[at])
    return (levels if exact else float_array(levels))[known.codes[:, at]]


def model_covariances(model: CausalModel, gauss: Gauss) -> Covariances:
    """Those of a model whose boxes have numbers: exact in fractions."""

    def covariances(names: Sequence[str]) -> Array:
        state = gauss.contract(model.state(names))
        levels = [_levels(x.name, x.values or ()) for x in finite(state.cod)]
        mean = zeros((len(names),), gauss.exact)
        square = zeros((len(names), len(names)), gauss.exact)
        for c in state.state:
            place, noise = zeros((len(names),), gauss.exact), zeros((len(names), len(names)), gauss.exact)
            finites = [k for k, x in enumerate(state.cod) if not x.space]
            reals = [k for k, x in enumerate(state.cod) if x.space]
            for k, v, numbers in zip(finites, c.values, levels, strict=True):
                place[k] = numbers[v]
            place[reals] = c.gaussian.offset
            noise[np.ix_(reals, reals)] = c.gaussian.covariance
            mean = mean + c.weight * place
            square = square + c.weight * (noise + np.outer(place, place))
        return np.asarray(square - np.outer(mean, mean))

    return covariances


def _levels(name: str, values: Sequence[str]) -> Array:
    """The numbers that values stand for."""
    found = [as_number(v) for v in values]
    if any(n is None for n in found):
        if len(values) != 2:
            message = f"the values of `{name}` are no numbers, and more than two"
            raise QueryError(Diagnostic("Q004", message, help=("a linear effect is for numbers",)))
        found = [Fraction(0), Fraction(1)]
    levels = zeros((len(values),), True)
    levels[:] = found
    return levels
