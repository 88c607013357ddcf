"""Estimation: the effect of an intervention from the observed joint, by comb factorisation.

Factor the joint into the combs of the districts, cut, refill (Jacobs, Kissinger, Zanasi 2019, sections 7 and 8): the
estimand is a diagram over conditionals (`strings.estimand`), its boxes are read off the data, and the original question
is asked of it. Questions without surgery are read off the joint directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from semantics.answer import answer
from semantics.data import Dataset
from semantics.distribution import Distribution
from semantics.kernel import Kernel, Tables
from strings.diagnostic import Diagnostic, QueryError, did_you_mean
from strings.estimand import Estimand, comb_estimand
from strings.formula import Ask, Formula
from strings.model import CausalModel
from strings.query import Query
from strings.signature import Box, Object


@dataclass(frozen=True)
class Estimate:
    """An answer from data: the numbers, the formula they come from, and the estimand (none without surgery)."""

    distribution: Distribution
    formula: Formula
    estimand: Estimand | None = None


def estimate(
    model: CausalModel,
    query: Query,
    data: Dataset,
    *,
    exact: bool = False,
    policies: Tables | None = None,
    max_memory: int | None = None,
) -> Estimate:
    """Answer `query` on `model` from data on its observed variables; the boxes of `model` need no numbers.

    `policies` are the kernels of boxes that the query's surgeries put in.

    Raises:
        QueryError: E001–E003 as `strings.estimand.comb_estimand`, E004 if the data lacks a variable.
        ZeroProbabilityError: Q002 if a conditional that is needed is never observed.
    """
    if not query.surgeries:
        seen, tables = _joint_model(model, data, [t.variable for t in (*query.targets, *query.given)])
        return Estimate(answer(seen, tables, query, exact=exact, max_memory=max_memory), Ask(query))
    estimand = comb_estimand(model, query)
    _require(data, [x.name for c in estimand.conditionals.values() for x in (c.target, *c.given)])
    boxes = {n.box.name: n.box for m in estimand.model.mechanisms.values() for n in m.diagram.nodes}
    kernels = dict(policies or {})
    for name, c in estimand.conditionals.items():
        array = data.conditional(c.target.name, [x.name for x in c.given]).array
        kernels[name] = Kernel(boxes[name].dom, boxes[name].cod, array if exact else array.astype(float))
    value = answer(estimand.model, kernels, query, exact=exact, max_memory=max_memory)
    return Estimate(value, estimand.formula(query), estimand)


def _require(data: Dataset, names: Sequence[str]) -> None:
    for n in names:
        if n not in data.variables:
            raise QueryError(
                Diagnostic(
                    "E004",
                    f"this needs `{n}`, which data `{data.name}` does not have",
                    notes=(f"its variables are {', '.join(data.variables)}",),
                    help=did_you_mean(n, data.variables),
                )
            )


def _joint_model(model: CausalModel, data: Dataset, names: Sequence[str]) -> tuple[CausalModel, Tables]:
    """The observed joint of `names` as a causal model: one hidden state that says which combination, copied to all."""
    names = list(dict.fromkeys(model.object(n).name for n in names))
    _require(data, names)
    joint = data.marginal(names)
    support = [(index, p) for index, p in np.ndenumerate(joint.array) if p]
    which = Object("which combination", tuple(str(i) for i in range(len(support))))
    state = Box("joint", (), (which,))
    number = Fraction if joint.exact else float
    dtype = object if joint.exact else float
    tables = {state.name: Kernel((), (which,), np.array([p for _, p in support], dtype=dtype))}
    boxes = [state]
    for axis, n in enumerate(names):
        x = model.object(n)
        b = Box(f"read {n}", (which,), (x,), deterministic=True)
        array = np.full((len(support), len(x.values or ())), number(0), dtype=dtype)
        for row, (index, _) in enumerate(support):
            array[row, index[axis]] = number(1)
        tables[b.name] = Kernel((which,), (x,), array)
        boxes.append(b)
    objects = tuple(model.object(n) for n in names)
    return CausalModel.from_boxes((*objects, which), boxes, [which.name]), tables
