"""Answering a question about a conditional Gaussian model: operate on the syntax, interpret, condition.

For all values of the finite variables that are left free behind the bar, the operated model's state of what the
question speaks of is a mixture of Gaussians (`semantics.mixed`). Conditions on finite variables choose among the
components; those on real ones condition each of them (Schur complement) and weigh it by its density there (Lauritzen,
Wermuth 1989; Lauritzen 1992).

>>> from semantics.linear import linear_box
>>> from strings.expression import Constant, Draw, Input
>>> from strings.signature import Box
>>> X, Y = Object("X", None, "real"), Object("Y", None, "real")
>>> boxes = {b.name: b for b in (Box("x", (), (X,)), Box("y", (X,), (Y,)))}
>>> one = Constant(Fraction(1))
>>> bodies = {"x": Draw("normal", (one, one)), "y": Draw("normal", (Input(0), one))}
>>> gauss = Gauss({}, {n: linear_box(b, [bodies[n]], {}, True) for n, b in boxes.items()}, exact=True)
>>> model = CausalModel.from_boxes((X, Y), boxes.values())
>>> answer_mixed(model, gauss, Query((Term("X"),), (Term("Y", ("3",)),)))
X ~ normal(mean 2, covariance 0.5)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeGuard

import numpy as np

from semantics.claim import mean_along
from semantics.distribution import Distribution, no_value
from semantics.evaluate import Grid, Plain
from semantics.expectation import check_expectation
from semantics.gaussian import Density, Gaussian, sweep
from semantics.mixed import Component, Gauss, check_configurations, merged
from semantics.mixture import (
    Interval,
    Linear,
    Mixture,
    Mixtures,
    Scalars,
    combined,
    is_sharp,
    probability,
    truncated_mean,
)
from semantics.question import refuse_double, refuse_unsettled
from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Object, number_text
from strings.surgery import Do, DoWire, Open, Surgery, operate
from strings.worlds import as_one_world, worlds_of

Found = Grid | Mixture | Mixtures | Linear
"""Numbers of any kind along finite axes; the distribution of real variables, perhaps along finite axes; or how they
depend on real variables that are left free."""

Answer = Distribution | Mixture | Mixtures | Linear
"""The same in fractions or floats."""

Case = Mapping[str, str]
"""A value for every finite axis."""


def in_numbers(found: Found) -> Answer:
    """What is found, a grid as a table of fractions or floats."""
    return Distribution(found.variables, found.array, found.values) if isinstance(found, Grid) else found


def answer_mixed(model: CausalModel, gauss: Gauss, query: Query) -> Found:
    """The answer to a question; `gauss` has all boxes that it depends on.

    Raises:
        QueryError: G002 for the uniform state of a real wire, G003 for a real variable at a point in front of the bar,
            G004 for a real variable that needs a value, G006 for what is not computed, Q007 for what is not with
            symbols, W001 and W004 for several worlds, Q003, Q004, N002, N003 and N009 as tables.
        ZeroProbabilityError: Q002 if a condition has probability zero.
        LimitError: L003 for too many combinations of finite values.
    """
    refuse_double(query)
    if query.worlds:
        worlds = worlds_of(model, query)
        refuse_unsettled(worlds)
        model, query = worlds.model, as_one_world(worlds, query)
    asked = _Asked.of(model, query)
    if query.expectation:
        _check_expectation(model, query)
    cells = {case: asked.posterior(gauss, dict(case)) for case in asked.cases()}
    if asked.inputs:
        return asked.linear(cells)
    if asked.shown and not query.expectation:
        return asked.mixtures(cells)
    if query.expectation and model.object(query.targets[0].variable).space:
        return asked.table({c: [((), p.mean(query.targets[0].variable))] for c, p in cells.items()})
    found = asked.table({c: p.probabilities(asked) for c, p in cells.items()})
    return mean_along(found, query.targets[0].axis_name, Plain()) if query.expectation else found


def _check_expectation(model: CausalModel, query: Query) -> None:
    if len(query.targets) == 1 and query.targets[0].free and model.object(query.targets[0].variable).space:
        return
    check_expectation(model, query)


@dataclass(frozen=True)
class _Asked:
    """A question taken apart.

    `ahead` and `behind` are the finite axes of targets, and of what is left free behind the bar, by name and object;
    `inputs` the real variables left free there. `spoken` are the variables whose wires are asked for.
    """

    model: CausalModel
    query: Query
    ahead: Mapping[str, Object]
    behind: Mapping[str, Object]
    inputs: tuple[str, ...]
    spoken: tuple[str, ...]

    @staticmethod
    def of(model: CausalModel, query: Query) -> _Asked:
        query = _closed_inputs(model, query)
        for t in (*query.targets, *query.given):
            x = model.object(t.variable)
            for v in t.values or ():
                if not x.space and v not in (x.values or ()):
                    raise QueryError(no_value(v, x.name, x.values or ()))
        behind: dict[str, Object] = {}
        inputs: list[str] = []
        free = [(t.variable, t.axis_name) for t in query.given if t.free]
        for k, s in enumerate(query.surgeries):
            if isinstance(s, Open):
                later = any(s.variable == getattr(t, "variable", None) for t in query.surgeries[k + 1 :])
                free += [] if later and model.object(s.variable).space else [(s.variable, s.axis or s.variable)]
            elif isinstance(s, DoWire) and s.value is None:
                if model.object(s.source).space:
                    raise _needs_value(s.source, f"do({s.source} -> {s.sink} := 1)")
                free.append((s.source, s.axis or s.source))
        for n, axis in free:
            x = model.object(n)
            if x.space:
                inputs.append(n)
            elif behind.setdefault(axis, x).values != x.values:
                raise _two_ranges(axis, behind[axis], x)
        ahead = {}
        for t in query.targets:
            x = model.object(t.variable)
            if t.free and not x.space:
                ahead[t.axis_name] = x
                if (other := behind.get(t.axis_name, x)).values != x.values:
                    raise _two_ranges(t.axis_name, other, x)
        spoken = tuple(dict.fromkeys(t.variable for t in (*query.targets, *query.given)))
        return _Asked(model, query, ahead, behind, tuple(dict.fromkeys(inputs)), spoken)

    @property
    def shown(self) -> tuple[str, ...]:
        """The real variables that are asked for as they are."""
        return tuple(t.variable for t in self.query.targets if t.free and self.model.object(t.variable).space)

    def cases(self) -> list[tuple[tuple[str, str], ...]]:
        """All values of the axes behind the bar."""
        values = [x.values or () for x in self.behind.values()]
        check_configurations([len(v) for v in values], list(self.behind))
        return [tuple(zip(self.behind, at, strict=True)) for at in itertools.product(*values)]

    def posterior(self, gauss: Gauss, case: Case) -> _Posterior:
        """What is known of the targets at some values of the axes behind the bar."""
        surgeries = [_with_value(s, case, self.model) for s in self.query.surgeries]
        operated = operate(self.model, *surgeries)
        needed = operated.ancestors(self.spoken)
        inputs = [n for n in operated.inputs if n in needed]
        kernel = gauss.contract(operated.state(self.spoken, inputs))
        # An input on which nothing depends has no column yet.
        opened = [n for n in self.inputs if not any(t.variable == n for t in self.query.given)]
        between = next((n for n in inputs if n not in opened), None)
        if between is not None:
            raise _needs_value(between, f"do({between} := 1)", "an interval is no value")
        components = [
            replace(c, gaussian=_columns(c.gaussian, [opened.index(n) for n in inputs], len(opened)))
            for c in kernel.cells[()]
        ]
        return _condition(self, components, case, gauss.scalars)

    def linear(self, cells: Mapping[tuple[tuple[str, str], ...], _Posterior]) -> Linear:
        """How the targets depend on the real inputs."""
        query = self.query
        odd = next((t for t in query.targets if not (t.free and self.model.object(t.variable).space)), None)
        if self.behind or odd is not None:
            raise _needs_value(self.inputs[0], f"do({self.inputs[0]} := 1)")
        components = cells[()].components
        if len(components) > 1 and not query.expectation:
            raise _needs_value(self.inputs[0], f"do({self.inputs[0]} := 1)", "the answer is a mixture")
        kernels = [c.gaussian.marginal([cells[()].reals.index(n) for n in self.shown]) for c in components]
        opened = [n for n in self.inputs if not any(t.variable == n for t in query.given)]
        seen = [n for n in self.inputs if n not in opened]
        names = (*opened, *seen)
        if query.expectation:
            return Linear(self.shown, names, combined([c.weight for c in components], kernels), True)
        return Linear(self.shown, names, kernels[0])

    def table(self, rows: Mapping[tuple[tuple[str, str], ...], Sequence[tuple[tuple[str, ...], Any]]]) -> Grid:
        """Numbers by their labels (of the axes ahead) and case, as a table."""
        ahead = {} if self.query.expectation and not self._finite_mean else self.ahead
        axes = {**ahead, **self.behind}
        shape = [len(x.values or ()) for x in axes.values()]
        array = np.full(shape, Fraction(0), dtype=object)
        for case, found in rows.items():
            for labels, p in found:
                at = {**dict(zip(ahead, labels, strict=True)), **dict(case)}
                array[tuple((x.values or ()).index(at[n]) for n, x in axes.items())] = p
        return Grid(tuple(axes), array, tuple(x.values or () for x in axes.values()))

    @property
    def _finite_mean(self) -> bool:
        return not self.model.object(self.query.targets[0].variable).space

    def mixtures(self, cells: Mapping[tuple[tuple[str, str], ...], _Posterior]) -> Mixture | Mixtures:
        """The distribution of the real targets."""
        bounded = next((t for t in self.query.given if t.bounds and self.model.object(t.variable).space), None)
        odd = next((t for t in self.query.targets if t.bounds), bounded)
        event = next((t for t in self.query.targets if not t.free and not t.bounds), None)
        if event is not None:
            message = f"`{event}` is an event, and `{self.shown[0]}` is left free beside it"
            help_ = (f"put `{event}` behind the bar, or leave `{event.variable}` free, too",)
            raise QueryError(Diagnostic("G006", message, help=help_))
        if odd is not None:
            raise QueryError(
                Diagnostic(
                    "G006",
                    f"with `{odd}` the distribution of `{self.shown[0]}` is not normal",
                    help=(f"ask for a probability, as in `P({self.shown[0]} > 0 | …)`, or for the mean, `E(…)`",),
                )
            )
        axes = {**self.ahead, **self.behind}
        found: dict[tuple[str, ...], Mixture] = {}
        chances: dict[tuple[str, ...], Any] = {}
        for case, p in cells.items():
            for labels, components in p.by_labels(self).items():
                weight = _sum(c.weight for c in components)
                told = {**dict(zip(self.ahead, labels, strict=True)), **dict(case)}
                at = tuple(told[n] for n in axes)
                parts = [c.gaussian.marginal([p.reals.index(n) for n in self.shown]) for c in components]
                weights = tuple(c.weight / weight for c in components)
                found[at], chances[at] = Mixture(self.shown, weights, tuple(parts)), weight
        if not axes:
            return found[()]
        return Mixtures(tuple(axes), tuple(x.values or () for x in axes.values()), found, chances)


@dataclass(frozen=True)
class _Posterior:
    """The components given what is seen, with weights that sum to 1: finite values of `finites`, and the real part, of
    `reals`. `intervals` bound some of the latter, which is part of the condition."""

    components: tuple[Component, ...]
    finites: tuple[str, ...]
    reals: tuple[str, ...]
    intervals: Mapping[int, Interval]
    case: Case
    scalars: Scalars

    def _bounded(self) -> list[Any]:
        """The weight of every component with the bounds that are given.

        Raises:
            ZeroProbabilityError: Q002 if all are 0.
        """
        if not self.intervals:
            return [c.weight for c in self.components]
        found = [c.weight * probability(c.gaussian, self.intervals, self.scalars) for c in self.components]
        total = _sum(found)
        if not total:
            raise _impossible("what is given")
        return [w / total for w in found]

    def mean(self, variable: str) -> Any:
        """The mean of a real variable."""
        k = self.reals.index(variable)
        if not self.intervals:
            return _sum(c.weight * c.gaussian.offset[k] for c in self.components)
        loose = {b: i for b, i in self.intervals.items() if any(not is_sharp(c.gaussian, b) for c in self.components)}
        if len(loose) > 1:
            raise QueryError(
                Diagnostic(
                    "G006",
                    "a mean given bounds on several variables is not computed",
                    help=("bound one of them, or ask with sampling: --semantics pyro",),
                )
            )
        pairs = [(w, c.gaussian) for w, c in zip(self._bounded(), self.components, strict=True) if w]
        if not loose:
            return _sum(w * g.offset[k] for w, g in pairs)
        ((b, interval),) = loose.items()
        return _sum(w * truncated_mean(g, k, b, interval, self.scalars) for w, g in pairs)

    def by_labels(self, asked: _Asked) -> dict[tuple[str, ...], list[Component]]:
        """The components by the labels of the finite axes ahead, as far as finite targets are what they should be."""
        found: dict[tuple[str, ...], list[Component]] = {}
        for c in self.components:
            at: dict[str, str] = dict(self.case)
            fits = True
            for t in asked.query.targets:
                x = asked.model.object(t.variable)
                if x.space:
                    continue
                value = (x.values or ())[c.values[self.finites.index(t.variable)]]
                if t.free:
                    fits = fits and at.setdefault(t.axis_name, value) == value
                else:
                    fits = fits and value in (t.values or ())
            if fits:
                found.setdefault(tuple(at[n] for n in asked.ahead), []).append(c)
        return found

    def probabilities(self, asked: _Asked) -> list[tuple[tuple[str, ...], Any]]:
        """The probability of what is asked, by the labels of the axes ahead."""
        bounds: dict[int, Interval] = {}
        points: dict[int, Fraction] = {}
        for t in asked.query.targets:
            if asked.model.object(t.variable).space:
                k = self.reals.index(t.variable)
                if t.bounds:
                    bounds[k] = bounds.get(k, Interval()).meet(Interval.of(t.bounds))
                else:
                    points[k] = Fraction((t.values or ("0",))[0])
                    bounds[k] = bounds.get(k, Interval()).meet(Interval(points[k], points[k]))
        self._refuse_points(points)
        both = {k: i.meet(bounds.get(k, Interval())) for k, i in self.intervals.items()} | {
            k: i for k, i in bounds.items() if k not in self.intervals
        }
        weights = {id(c): w for c, w in zip(self.components, self._bounded(), strict=True)}
        rows = []
        for labels, components in self.by_labels(asked).items():
            total: Any = Fraction(0)
            for c in components:
                share = weights[id(c)]
                if bounds and share:
                    share = share * probability(c.gaussian, both, self.scalars)
                    if self.intervals:
                        share = share / probability(c.gaussian, self.intervals, self.scalars)
                total = total + share
            rows.append((labels, total))
        return rows

    def _refuse_points(self, points: Mapping[int, Fraction]) -> None:
        """G003 if a real variable that varies is asked to be exactly a number."""
        for k, value in points.items():
            if not any(is_sharp(c.gaussian, k) for c in self.components):
                n = self.reals[k]
                raise QueryError(
                    Diagnostic(
                        "G003",
                        f"`{n}` is real: that it is exactly {number_text(value)} has probability 0",
                        help=(f"ask for an interval, `P({n} in [a, b] | …)`, or for the density: `P({n} | …)`",),
                    )
                )


def _sum(numbers: Iterable[Any]) -> Any:
    return sum(numbers, Fraction(0))


def _columns(g: Gaussian, at: Sequence[int], width: int) -> Gaussian:
    """The kernel with its inputs at some places among more."""
    if list(at) == list(range(width)):
        return g
    wider = Gaussian.wires(at, width, g.exact)
    return wider.then(g)


def _condition(asked: _Asked, components: Sequence[Component], case: Case, scalars: Scalars) -> _Posterior:
    """The components given what is seen: chosen by finite values, conditioned and weighed by real ones."""
    model, query = asked.model, asked.query
    finites = tuple(n for n in asked.spoken if not model.object(n).space)
    reals = tuple(n for n in asked.spoken if model.object(n).space)
    kept = [c for c in components if all(_fits(t, c, finites, model, case) for t in query.given)]
    if not kept:
        raise _impossible(_said(query, case))
    seen: dict[str, Fraction] = {}
    free: list[str] = []
    intervals: dict[int, Interval] = {}
    told = [n for n in reals if any(t.variable == n for t in query.targets) or _bounds(query, n)]
    for t in query.given:
        if not model.object(t.variable).space:
            continue
        if t.bounds:
            k = told.index(t.variable)
            intervals[k] = intervals.get(k, Interval()).meet(Interval.of(t.bounds))
        elif t.free:
            free.append(t.variable)
        else:
            value = Fraction((t.values or ("0",))[0])
            if seen.setdefault(t.variable, value) != value or len(t.values or ()) != 1:
                raise _impossible(_said(query, case))
    order = [*told, *seen, *free]
    at = [reals.index(n) for n in order]
    kept = [replace(c, gaussian=c.gaussian.marginal(at)) for c in kept]
    places = range(len(told), len(order))
    if asked.inputs and (free or seen):
        if len(kept) > 1:
            raise _needs_value(asked.inputs[0], f"{asked.inputs[0]} = 1", "the weights of a mixture depend on it")
        kept = [_kernel_given(kept[0], list(places), list(seen.values()), asked.inputs[0])]
    elif seen:
        kept = _weighed(kept, list(places), list(seen.values()), _said(query, case), scalars)
    total = _sum(c.weight for c in kept)
    kept = list(merged(replace(c, weight=c.weight / total) for c in kept))
    return _Posterior(tuple(kept), finites, tuple(told), intervals, case, scalars)


def _bounds(query: Query, name: str) -> bool:
    return any(t.variable == name and t.bounds for t in query.given)


def _fits(t: Term, c: Component, finites: Sequence[str], model: CausalModel, case: Case) -> bool:
    x = model.object(t.variable)
    if x.space:
        return True
    value = (x.values or ())[c.values[finites.index(t.variable)]]
    return value == case[t.axis_name] if t.free else value in (t.values or ())


def _kernel_given(c: Component, places: Sequence[int], values: Sequence[Fraction], name: str) -> Component:
    """A component as a kernel from real inputs and from what is seen, whose first values are told."""
    found, determined = c.gaussian.conditional(places)
    if determined:
        raise _needs_value(name, f"{name} = 1", "what is given determines a part of itself")
    n, m = c.gaussian.inputs, len(values)
    offset = found.offset + found.matrix[:, n : n + m] @ np.array(values, dtype=found.offset.dtype)
    matrix = np.concatenate([found.matrix[:, :n], found.matrix[:, n + m :]], axis=1)
    return replace(c, gaussian=Gaussian(matrix, offset, found.covariance))


def _weighed(
    kept: Sequence[Component], at: Sequence[int], values: Sequence[Fraction], said: str, scalars: Scalars
) -> list[Component]:
    """The components given real values, each weighed by its density there; those in fewer dimensions, where one lies
    on the values, have all the weight.

    Raises:
        ZeroProbabilityError: Q002 if the values fit none, or fit several that lie in different spaces of one dimension.
    """
    found: list[tuple[Component, Gaussian, Density]] = []
    for c in kept:
        try:
            found.append((c, *c.gaussian.given(at, values)))
        except ZeroProbabilityError:
            continue
    if not found:
        raise _impossible(said)
    rank = min(d.rank for _, _, d in found)
    best = [(c, g, d) for c, g, d in found if d.rank == rank]
    covariance = best[0][0].gaussian.covariance
    for c, _, _ in best[1:]:
        if rank < len(at) and len(sweep(covariance + c.gaussian.covariance, at).pivots) != rank:
            raise ZeroProbabilityError(
                Diagnostic(
                    "Q002",
                    f"what follows from `{said}` is undetermined",
                    notes=("several sharp relations meet in this point, which has no density",),
                )
            )
    first = best[0][2]
    if all((d.square, d.volume) == (first.square, first.volume) for _, _, d in best):
        return [replace(c, gaussian=g) for c, g, _ in best]
    weights = scalars.weighed([c.weight for c, _, _ in best], [d for _, _, d in best])
    return [replace(c, gaussian=g, weight=w) for (c, g, _), w in zip(best, weights, strict=True)]


def _closed_inputs(model: CausalModel, query: Query) -> Query:
    """The question with the inputs of an open model among its surgeries: set, if it says what they are, or free."""
    touched = {n for s in query.surgeries for n in [getattr(s, "variable", None)]}
    single = {t.variable: t.values[0] for t in query.given if t.values and len(t.values) == 1 and not t.bounds}
    closed = [Do(s.variable, single[s.variable]) if _is_open(s, single, model) else s for s in query.surgeries]
    query = replace(query, surgeries=tuple(closed))
    told = [s for s in query.surgeries if not (isinstance(s, DoWire) and s.value is None)]
    needed = operate(model, *told).ancestors([t.variable for t in (*query.targets, *query.given)])
    more: list[Surgery] = []
    for n in model.inputs:
        if n in touched or n not in needed:
            continue
        more.append(Do(n, single[n]) if n in single else Open(n))
    return replace(query, surgeries=(*more, *query.surgeries))


def _is_open(s: Surgery, single: Mapping[str, str], model: CausalModel) -> TypeGuard[Open]:
    """Whether a surgery leaves a real variable free whose value is given."""
    return isinstance(s, Open) and s.variable in single and bool(model.object(s.variable).space)


def _with_value(s: Surgery, case: Case, model: CausalModel) -> Surgery:
    match s:
        case Open(variable, axis) if not model.object(variable).space:
            return Do(variable, case[axis or variable])
        case DoWire(source, sink, None, axis):
            return DoWire(source, sink, case[axis or source])
        case _:
            return s


def _said(query: Query, case: Case) -> str:
    seen = [f"{t.variable} = {case[t.axis_name]}" if t.free and t.axis_name in case else str(t) for t in query.given]
    return ", ".join(seen)


def _impossible(said: str) -> ZeroProbabilityError:
    return ZeroProbabilityError(
        Diagnostic(
            "Q002",
            f"`{said}` has probability zero",
            notes=("disintegration is undetermined there; Cutwire does not invent an answer",),
        )
    )


def _needs_value(name: str, example: str, why: str = "") -> QueryError:
    return QueryError(
        Diagnostic(
            "G004",
            f"`{name}` is real and left free: here it needs a value",
            notes=(why,) if why else (),
            help=(f"give it one, as in `{example}`",),
        )
    )


def _two_ranges(axis: str, known: Object, x: Object) -> QueryError:
    return QueryError(
        Diagnostic(
            "N009",
            f"`{axis}` would range over the values of `{known.name}` and of `{x.name}`",
            notes=("these two have different values",),
            help=(f"call one of them `{axis}'`",),
        )
    )
