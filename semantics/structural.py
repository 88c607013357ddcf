"""Structural equations: for linear models with normal noise, an intervention done to equations and not to diagrams.

For all values of the finite variables, the real ones obey `x = B x + A u + c + e`: `u` are the inputs, `e` is normal
noise with a variance of its own for each variable, and `B` has no cycles. So `x = (1 - B)^-1 (A u + c + e)` (Wright
1921; Bollen 1989, chapter 4). An intervention replaces the equation of the variable that it sets (Haavelmo 1943; Pearl
2009, definition 7.1.2). Nothing here knows of `strings.surgery.operate`: that both agree is the naturality of surgery
(Jacobs, Kissinger, Zanasi 2019, section 5), which `cutwire laws` checks.

>>> from semantics.mixed import LinearBox
>>> from strings.signature import Box, Object
>>> X, Y = Object("X", None, "real"), Object("Y", None, "real")
>>> x, y = Box("x", (), (X,)), Box("y", (X,), (Y,))
>>> model = CausalModel.from_boxes([X, Y], [x, y])
>>> noise, twice = Gaussian.of([[]], [0], [[1]]), Gaussian.of([[2]], [0], [[1]])
>>> gauss = Gauss({}, {"x": LinearBox((), X, {(): noise}), "y": LinearBox((X,), Y, {(): twice})}, exact=True)
>>> print(structural(model, gauss, [], ["Y"]), structural(model, gauss, [Do("X", "3")], ["Y"]))
1 * normal([0], [[5]]) 1 * normal([6], [[1]])
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from semantics.distribution import Number
from semantics.gaussian import Gaussian, dot, eye, zeros
from semantics.mixed import Component, Gauss, MixedKernel, Values, finite, merged, real
from strings.model import CausalModel
from strings.signature import point_box
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery

MOST_WORLDS = 4096
"""So many combinations of finite values are gone through."""


@dataclass(frozen=True, eq=False)
class _Equation:
    """How a variable comes about: what it hears, and a kernel from there; `told` are states that it hears instead."""

    heard: tuple[str, ...]
    kernel: MixedKernel
    told: Mapping[str, MixedKernel] = field(default_factory=dict)

    @property
    def parents(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for n in self.heard if n not in self.told))


@dataclass(frozen=True)
class _Line:
    """One line of the linear equations: slopes on other variables, offset, and the variance of the noise."""

    slopes: tuple[tuple[str, Number], ...]
    offset: Number
    variance: Number


def structural(
    model: CausalModel, gauss: Gauss, surgeries: Sequence[Surgery], outputs: Sequence[str]
) -> MixedKernel | None:
    """The joint of some variables after surgeries, from the inputs of the model and the variables that were opened;
    nothing if that takes too many combinations of finite values.

    Raises:
        QueryError: G002 for the uniform state of a real wire.
    """
    equations = {n: _Equation(m.parents, gauss.contract(m.diagram)) for n, m in model.mechanisms.items()}
    for s in surgeries:
        _intervene(model, gauss, equations, s)
    inputs = [n for n in model.names if n not in equations]
    dom, cod = (tuple(model.object(n) for n in names) for names in (inputs, outputs))
    order = _order(equations, outputs)
    heard = [x for n in {*inputs, *order} if not (x := model.object(n)).space]
    if math.prod(len(x.values or ()) for x in heard) > MOST_WORLDS:
        return None
    shown = [n for n in outputs if not model.object(n).space]
    numbers = [n for n in outputs if model.object(n).space]
    fed = [n for n in inputs if not model.object(n).space]
    free = [n for n in inputs if model.object(n).space]
    cells = {}
    for at in itertools.product(*(range(len(x.values or ())) for x in finite(dom))):
        weights: dict[tuple[Values, tuple[tuple[str, _Line], ...]], Number] = {}
        worlds = _worlds(equations, [n for n in order if n in equations], dict(zip(fed, at, strict=True)))
        for weight, values, lines in worlds:
            key = tuple(values[n] for n in shown), tuple(lines.items())
            weights[key] = weights.get(key, 0) + weight
        solved = {lines: _solved(dict(lines), free, numbers, gauss.exact) for _, lines in weights}
        cells[at] = merged(Component(w, values, solved[lines]) for (values, lines), w in weights.items())
    return MixedKernel(dom, cod, cells)


def _intervene(model: CausalModel, gauss: Gauss, equations: dict[str, _Equation], s: Surgery) -> None:
    match s:
        case Open(variable):
            equations.pop(variable, None)
        case Cut(variable):
            equations[variable] = _Equation((), gauss.uniform(model.object(variable)))
        case Do(variable, value):
            equations[variable] = _Equation((), gauss.box(point_box(model.object(variable), value)))
        case Replace(variable, mechanism):
            equations[variable] = _Equation(mechanism.parents, gauss.contract(mechanism.diagram))
        case CutWire(source, sink):
            _tell(equations, source, sink, gauss.uniform(model.object(source)))
        case DoWire(source, sink, value):
            if value is None:
                raise ValueError("choose a value first")
            _tell(equations, source, sink, gauss.box(point_box(model.object(source), value)))


def _tell(equations: dict[str, _Equation], source: str, sink: str, state: MixedKernel) -> None:
    known = equations[sink]
    equations[sink] = replace(known, told={**known.told, source: state})


def _order(equations: Mapping[str, _Equation], outputs: Sequence[str]) -> list[str]:
    """The variables that the outputs depend on, each behind those that it hears."""
    found: dict[str, None] = {}
    waiting = [(n, False) for n in reversed(outputs)]
    while waiting:
        n, ready = waiting.pop()
        if n in found:
            continue
        parents = equations[n].parents if n in equations else ()
        if ready or not parents:
            found[n] = None
        else:
            waiting += [(n, True), *((p, False) for p in parents)]
    return list(found)


def _worlds(
    equations: Mapping[str, _Equation], order: Sequence[str], fed: Mapping[str, int]
) -> Iterator[tuple[Number, dict[str, int], dict[str, _Line]]]:
    """All values of the finite variables with their probabilities, and the lines of the real ones there."""
    worlds: list[tuple[Number, dict[str, int], dict[str, _Line]]] = [(Fraction(1), dict(fed), {})]
    for n in order:
        e = equations[n]
        grown = []
        for weight, values, lines in worlds:
            for w, line in _cases(e, values):
                if isinstance(line, _Line):
                    grown.append((weight * w, values, {**lines, n: line}))
                else:
                    grown.append((weight * w, {**values, n: line}, lines))
        worlds = grown
    yield from worlds


def _cases(e: _Equation, values: Mapping[str, int]) -> Iterator[tuple[Number, _Line | int]]:
    """What a variable may be, with the weight of each: a value, or a line."""
    told = [n for n in dict.fromkeys(e.heard) if n in e.told]
    objects = dict(zip(e.heard, e.kernel.dom, strict=True))
    for states in itertools.product(*(e.told[n].state for n in told)):
        known = dict(zip(told, states, strict=True))
        at = tuple(known[n].values[0] if n in known else values[n] for n in e.heard if not objects[n].space)
        chance = math.prod((c.weight for c in states), start=Fraction(1))
        for c in e.kernel.cells[at]:
            if not real(e.kernel.cod):
                yield chance * c.weight, c.values[0]
                continue
            offset: Number = c.gaussian.offset[0]
            slopes: dict[str, Number] = {}
            for n, slope in zip([n for n in e.heard if objects[n].space], c.gaussian.matrix[0], strict=True):
                if n in known:
                    offset = offset + slope * known[n].gaussian.offset[0]
                else:
                    slopes[n] = slopes.get(n, 0) + slope
            yield chance * c.weight, _Line(tuple(slopes.items()), offset, c.gaussian.covariance[0, 0])


def _solved(lines: Mapping[str, _Line], free: Sequence[str], outputs: Sequence[str], exact: bool) -> Gaussian:
    """The outputs as a kernel from the inputs `free`: the equations solved."""
    names = [*free, *lines]
    at = {n: k for k, n in enumerate(names)}
    n, m = len(names), len(free)
    slopes, offset, noise = zeros((n, n), exact), zeros((n,), exact), zeros((n, n), exact)
    for name, line in lines.items():
        k = at[name]
        offset[k], noise[k, k] = line.offset, line.variance
        for other, slope in line.slopes:
            slopes[k, at[other]] = slope
    through = power = eye(n, exact)
    for _ in range(n):  # 1 + B + B^2 + …, which ends, since no variable hears itself
        power = dot(slopes, power)
        if not power.any():
            break
        through = through + power
    whole = Gaussian(through[:, :m], dot(through, offset), dot(dot(through, noise), through.T))
    return whole.marginal([at[name] for name in outputs])
