"""Evaluating an estimand: its boxes are read off what is given, and the original question is asked of it.

What is given may be data, a distribution, or a model with numbers: anything that tells joint tables (`Joints`). Where a
conditional is undetermined, because what it conditions on never occurs, the value of the estimand may still be
determined: if no probability gets there. That is decided, not assumed: the boxes are filled once with uniform columns
and once with empty ones, and only what agrees is an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from semantics.answer import answer_array
from semantics.arithmetic import Arithmetic, Floats, Fractions
from semantics.data import Dataset
from semantics.distribution import Array, Distribution
from semantics.expectation import check_expectation, mean
from semantics.family import MEMBER, family, posed
from semantics.kernel import Table, Tables, size
from strings.counterfactual_identify import CounterfactualIdentified, Way, experiments_of
from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.estimand import Conditional, Estimand, Given
from strings.formula import Formula
from strings.identification import Identified
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Object
from strings.surgery import Cut, DoWire, Open, Surgery
from strings.written import formula


class Joints(Protocol):
    """Joint tables of the distributions that are given."""

    def joint(self, of: int, fed: Sequence[str], names: Sequence[str]) -> Array:
        """The joint of `names` after setting `fed`, from the given distribution number `of`; it need not be normalised.

        Axes: the members of a family, if it is one, then `fed`, then `names`.
        """

    def describe(self, fed: Mapping[str, str], seen: Mapping[str, str]) -> str:
        """Says that what is conditioned on, after setting `fed`, has no probability."""


@dataclass(frozen=True)
class DataJoints:
    """Joints from data: one data set for each given distribution; experiments have the variables set as columns."""

    data: tuple[Dataset, ...]

    def joint(self, of: int, fed: Sequence[str], names: Sequence[str]) -> Array:
        return self.data[of].counts([*fed, *names])

    def describe(self, fed: Mapping[str, str], seen: Mapping[str, str]) -> str:
        return f"`{', '.join(f'{n} = {v}' for n, v in {**fed, **seen}.items())}` never occurs in the data"


@dataclass(frozen=True)
class ModelJoints:
    """Joints from a model whose boxes have numbers, or from a family of models (`wire` numbers its members)."""

    model: CausalModel
    tables: Tables
    arithmetic: Arithmetic
    given: tuple[Given, ...] = ()
    wire: Object | None = None
    max_memory: int | None = None

    def joint(self, of: int, fed: Sequence[str], names: Sequence[str]) -> Array:
        idle = [n for n in self.given[of].done if n not in fed] if self.given else []
        surgeries: tuple[Surgery, ...] = (*(Open(n) for n in fed), *(Cut(n) for n in idle))
        query = Query(tuple(Term(n) for n in names), (), surgeries)
        axes, array = answer_array(self.model, self.tables, query, self.arithmetic, max_memory=self.max_memory)
        order = [*([self.wire.name] if self.wire else []), *fed, *names]
        sizes = [size(self.model.object(n)) for n in order]
        return arranged(array, [n for n, _ in axes], order, sizes)

    def describe(self, fed: Mapping[str, str], seen: Mapping[str, str]) -> str:
        done = f" after do({', '.join(f'{n} := {v}' for n, v in fed.items())})" if fed else ""
        return f"`{', '.join(f'{n} = {v}' for n, v in seen.items())}` has probability zero{done}"


def arranged(array: Array, have: Sequence[str], want: Sequence[str], sizes: Sequence[int]) -> Array:
    """The array with its axes in another order, repeated along those that it lacks."""
    order = [have.index(n) for n in want if n in have]
    shape = [k if n in have else 1 for n, k in zip(want, sizes, strict=True)]
    return np.broadcast_to(np.transpose(array, order).reshape(shape), sizes)


@dataclass(frozen=True)
class _Boxes:
    """The tables of an estimand's boxes: undetermined columns uniform in `filled`, and zero in `emptied`.

    `holes` has for each box that has any the mask of those columns, over the axes of its inputs.
    """

    filled: dict[str, Table]
    emptied: dict[str, Table]
    holes: dict[str, Array]


@dataclass(frozen=True)
class Reader:
    """Reads the boxes of estimands off what is given, in some arithmetic; `wire` numbers the members of a family."""

    joints: Joints
    arithmetic: Arithmetic
    wire: Object | None = None
    max_memory: int | None = None

    def boxes(self, estimand: Estimand) -> _Boxes:
        """The tables of all boxes."""
        found = _Boxes({}, {}, {})
        boxes = {n.box.name: n.box for m in estimand.model.mechanisms.values() for n in m.diagram.nodes}
        for name, c in estimand.conditionals.items():
            b = boxes[name]
            dom = (self.wire, *b.dom) if self.wire else b.dom
            inner = self.boxes(c.of) if isinstance(c.of, Estimand) else None
            filled, hole = self._columns(c, inner)
            found.filled[name] = found.emptied[name] = Table(dom, b.cod, filled)
            if hole.any():
                found.holes[name] = hole
                found.emptied[name] = _emptied(found.filled[name], hole)
        return found

    def _columns(self, c: Conditional, inner: _Boxes | None) -> tuple[Array, Array]:
        """The columns of one conditional, uniform where they are undetermined, and the mask of where that is."""
        names = [*(x.name for x in c.given), c.target.name]
        if inner is None:
            assert isinstance(c.of, int)
            return self.arithmetic.columns(self.joints.joint(c.of, [x.name for x in c.fed], names))
        joint = self._derived(c, names, inner.filled)
        columns, hole = self.arithmetic.columns(joint)
        if inner.holes:
            lost = np.asarray(differs(joint, self._derived(c, names, inner.emptied)).any(axis=-1))
            columns = np.where(lost[..., None], self.arithmetic.columns(joint * 0)[0], columns)
            hole = hole | lost
        return columns, hole

    def _derived(self, c: Conditional, names: Sequence[str], tables: Tables) -> Array:
        """The joint of `names` in the derived distribution that `c` is a conditional of; axes as in `Joints.joint`."""
        assert isinstance(c.of, Estimand)
        model = c.of.model
        have, found = self._ask(model, tables, Query(tuple(Term(n) for n in names)))
        order = [*([self.wire.name] if self.wire else []), *(x.name for x in c.fed), *names]
        sizes = [size(self.wire) if self.wire and n == self.wire.name else size(model.object(n)) for n in order]
        return arranged(found, have, order, sizes)

    def _ask(self, model: CausalModel, tables: Tables, query: Query) -> tuple[list[str], Array]:
        asked, query = (family(model, self.wire), posed(query, self.wire, tables)) if self.wire else (model, query)
        axes, array = answer_array(asked, tables, query, self.arithmetic, max_memory=self.max_memory)
        return [n for n, _ in axes], array

    def answer(self, found: Identified, policies: Tables) -> tuple[list[str], Array]:
        """Axis names and numbers of the answer.

        Raises:
            ZeroProbabilityError: Q002 if the answer depends on a conditional that is undetermined, or its condition has
                probability zero.
        """
        boxes = self.boxes(found.estimand)
        query = replace(found.query, expectation=False)
        if boxes.holes:
            self._refuse_holes(found, boxes, policies)
        return self._ask(found.estimand.model, {**policies, **boxes.filled}, query)

    def _refuse_holes(self, found: Identified, boxes: _Boxes, policies: Tables) -> None:
        """Refuse an answer that anything undetermined has a part in."""
        joint = Query((*found.query.targets, *found.query.given), (), found.query.surgeries)
        model = found.estimand.model
        _, filled = self._ask(model, {**policies, **boxes.filled}, joint)
        for name, hole in boxes.holes.items():
            _, emptied = self._ask(model, {**policies, **boxes.filled, name: boxes.emptied[name]}, joint)
            if not differs(filled, emptied).any():
                continue
            for at in np.argwhere(hole)[:200]:
                one = np.zeros_like(hole)
                one[tuple(at)] = True
                tables = {**policies, **boxes.filled, name: _emptied(boxes.filled[name], one)}
                if differs(filled, self._ask(model, tables, joint)[1]).any():
                    raise self._undetermined(found.estimand.conditionals[name], at)
            raise self._undetermined(found.estimand.conditionals[name], np.argwhere(hole)[0])

    def _undetermined(self, c: Conditional, at: Sequence[int]) -> ZeroProbabilityError:
        ports = [*([self.wire] if self.wire else []), *c.fed, *c.given]
        case = {x.name: (x.values or ())[i] for x, i in zip(ports, at, strict=True) if x.name != MEMBER}
        fed = {x.name: case[x.name] for x in c.fed}
        seen = {x.name: case[x.name] for x in c.given}
        return ZeroProbabilityError(
            Diagnostic(
                "Q002",
                self.joints.describe(fed, seen),
                notes=(f"the estimand needs {c.name} there, which is undetermined; Cutwire does not invent a column",),
                help=("ask about a narrower intervention, or bring data that have such cases",),
            )
        )


def _emptied(table: Table, hole: Array) -> Table:
    """The table with the columns in `hole` all zero."""
    return Table(table.dom, table.cod, table.array * ~hole[..., None])


def differs(one: Array, other: Array) -> Array:
    """Where two tables differ; floats by more than rounding can explain."""
    if one.dtype != np.float64:
        return np.asarray(one != other, dtype=bool)
    return np.asarray(abs(one - other) > 1e-13 * np.maximum(abs(one), abs(other)))


@dataclass(frozen=True)
class Estimate:
    """An answer from what is given: the numbers, and how they follow."""

    distribution: Distribution
    found: Way

    @property
    def formula(self) -> Formula:
        """The estimand as a formula."""
        return self.found.formula if isinstance(self.found, CounterfactualIdentified) else formula(self.found)


def estimate(
    found: Identified,
    data: Joints | Sequence[Dataset],
    *,
    exact: bool = False,
    policies: Tables | None = None,
    max_memory: int | None = None,
) -> Estimate:
    """The answer to a question by an estimand, from data (one data set for each given distribution) or other joints.

    `policies` are the numbers of boxes that the question's surgeries put in.

    Raises:
        QueryError: E006 if a data set lacks a variable, Q005 if it has floats and the answer is to be exact.
        LanguageError: F003 if a variable takes other values in the data.
        ZeroProbabilityError: Q002 if the answer depends on something that never occurs in the data.
    """
    joints = _checked(found, data, exact) if isinstance(data, Sequence) else data
    query = found.query
    if query.expectation:
        check_expectation(found.estimand.model, query)
    reader = Reader(joints, Fractions() if exact else Floats(), max_memory=max_memory)
    names, array = reader.answer(found, policies or {})
    types = axes_of(found.asked) | axes_of(query)
    order = [n for n in types if n in names]
    array, names = np.transpose(array, [names.index(n) for n in order]), order
    model = found.estimand.model
    value = Distribution(names, array, [model.object(types.get(n, n)).values or () for n in names])
    return Estimate(mean(value, query.targets[0].axis_name) if query.expectation else value, found)


def axes_of(query: Query) -> dict[str, str]:
    """The axes of an answer in their order, each with its variable."""
    types = {t.axis_name: t.variable for t in (*query.targets, *query.given) if t.free}
    types |= {s.axis or s.variable: s.variable for s in query.operations if isinstance(s, Open)}
    return types | {s.axis or s.source: s.source for s in query.operations if isinstance(s, DoWire) and s.value is None}


def needed(ways: Iterable[Way], data: Sequence[Dataset]) -> list[dict[str, tuple[str, ...]]]:
    """The variables that some estimands need of each data set, with their values in the order declared.

    Raises:
        QueryError: E006 if a data set lacks one.
    """
    values: list[dict[str, tuple[str, ...]]] = [{} for _ in data]
    for c in (c for way in ways for found in experiments_of(way) for c in given_conditionals(found.estimand)):
        assert isinstance(c.of, int)
        for x in (*c.fed, *c.given, c.target):
            data[c.of].position(x.name)
            values[c.of][x.name] = x.values or ()
    return values


def _checked(found: Identified, data: Sequence[Dataset], exact: bool) -> Joints:
    """The joints of data, once they have all variables that the estimand needs, with values in the order declared."""
    values = needed([found], data)
    floats = next((d for d, v in zip(data, values, strict=True) if v and not d.exact), None)
    if exact and floats is not None:
        raise QueryError(
            Diagnostic(
                "Q005",
                f"data `{floats.name}` has floating-point weights: no exact answer",
                help=("give counts or fractions, or ask without exact",),
            )
        )
    return DataJoints(tuple(d.aligned(v) for d, v in zip(data, values, strict=True)))


def given_conditionals(estimand: Estimand) -> list[Conditional]:
    """All conditionals of given distributions in an estimand, those in derived distributions too."""
    found: list[Conditional] = []
    for c in estimand.conditionals.values():
        found.extend(given_conditionals(c.of) if isinstance(c.of, Estimand) else [c])
    return found
