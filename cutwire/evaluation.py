"""Evaluating an estimand on whatever a user has: data, a distribution, an array, a model with numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cutwire.interpreted import Interpreted, is_exact
from cutwire.tables import spaces_of
from semantics.arithmetic import Floats, Fractions
from semantics.data import from_distribution, from_frame, levels
from semantics.dataset import Dataset
from semantics.distribution import Distribution
from semantics.estimate import ModelJoints, estimate
from strings.counterfactual_identify import CounterfactualIdentified, identify_counterfactual
from strings.diagnostic import Diagnostic, QueryError
from strings.estimand import Given
from strings.identification import Identified, identified
from strings.model import CausalModel

if TYPE_CHECKING:
    from cutwire.counterfactual import CounterfactualIdentification
    from cutwire.identification import Identification


def evaluate_estimand(asked: Identification, data: object, semantics: str | None, max_memory: int | None) -> Any:
    """The value of an estimand; see `Identification.evaluate`."""
    found = asked.found
    assert isinstance(found, Identified)
    if any(x.space for x in asked.model.shape.variables):
        return _evaluate_real(asked, identified(asked.model.shape, asked.query, found.given), data, semantics)
    if semantics == "symbolic":
        from cutwire import symbolic

        return symbolic.evaluate_estimand(asked, found, _with_parameters(data), max_memory)
    if isinstance(data, Interpreted):
        exact = is_exact(semantics or "matrix")
        arithmetic = Fractions() if exact else Floats()
        joints = ModelJoints(data.shape, data.kernels(exact=exact), arithmetic, found.given, max_memory=max_memory)
        policies = _policies(asked, exact)
        return estimate(found, joints, exact=exact, policies=policies, max_memory=max_memory).distribution
    found, sets = _datasets(asked, found, data)
    exact = is_exact(semantics) if semantics is not None else all(d.exact for d in sets)
    return estimate(found, sets, exact=exact, policies=_policies(asked, exact), max_memory=max_memory).distribution


def _with_parameters(data: object) -> Interpreted:
    if isinstance(data, Interpreted):
        return data
    message = "data are numbers: an estimand is evaluated in symbols on a model with parameters"
    raise QueryError(Diagnostic("Q007", message, help=("give a model, or leave out semantics",)))


def _evaluate_real(asked: Identification, found: Identified, data: object, semantics: str | None) -> Any:
    """The value of an estimand with real variables: its boxes are conditionals of Gaussians."""
    from cutwire.gaussian import conditionals_of, gauss_of_model, policies_of
    from semantics.mixed_answer import in_numbers
    from semantics.mixed_estimate import Conditionals, ModelConditionals, estimate_mixed

    if semantics == "symbolic":
        from cutwire import symbolic

        return symbolic.evaluate_linear_estimand(asked, found, _with_parameters(data))
    exact = semantics is not None and semantics != "gaussian" and is_exact(semantics)
    source: Conditionals
    if isinstance(data, Interpreted):
        source = ModelConditionals(data.shape, gauss_of_model(data, exact), found.given)
    else:
        found, sets = _datasets(asked, found, data)
        source = conditionals_of(sets, found, exact)
    policies = policies_of(asked.model, asked.statement.tables, asked.query, source.exact)
    return in_numbers(estimate_mixed(found, source, policies))


def _policies(asked: Identification, exact: bool) -> Mapping[str, Any]:
    found = asked.model.policy_kernels(asked.statement.tables, [asked.query])
    return found if exact else {n: k.as_float() for n, k in found.items()}


def _datasets(asked: Identification, found: Identified, data: object) -> tuple[Identified, list[Dataset]]:
    """Data sets, one for each given distribution; variables without declared values take those of the data."""
    sets, shape = _given_data(asked.model, found.given, data)
    return found if shape == asked.model.shape else identified(shape, asked.query, found.given), sets


def _given_data(model: Interpreted, given: Sequence[Given], data: object) -> tuple[list[Dataset], CausalModel]:
    """Data sets, one for each given distribution, and the model with the values of the data where it declares none."""
    many = list(data) if isinstance(data, list | tuple) and len(given) > 1 else [data]
    if len(many) != len(given):
        raise QueryError(
            Diagnostic(
                "E005",
                f"{len(given)} distributions are given, and data for {len(many)}",
                notes=(f"given: {'; '.join(map(str, given))}",),
            )
        )
    shape = model.shape
    open_ = [x for x in shape.variables if x.values is None and not x.space]
    unknown = [x.name for x in open_ if x.name not in shape.latents]
    if unknown:
        values = {n: v for d, g in zip(many, given, strict=True) for n, v in _levels(d, g, unknown).items()}
        hidden = {x.name: ("0", "1") for x in open_ if x.name in shape.latents}
        shape = shape.with_values(values | hidden)
    sets = []
    for d, g in zip(many, given, strict=True):
        names = (*g.variables, *g.done)
        labels = {n: shape.object(n).values or () for n in names}
        sets.append(_dataset(model, d, names, labels))
    return sets, shape


def _levels(data: object, given: Given, unknown: Sequence[str]) -> dict[str, tuple[str, ...]]:
    names = [n for n in (*given.variables, *given.done) if n in unknown]
    if isinstance(data, Distribution):
        return {n: data.labels(n) for n in names}
    if isinstance(data, np.ndarray):
        order = (*given.variables, *given.done)
        return {n: tuple(map(str, range(data.shape[order.index(n)]))) for n in names}
    return levels(data, names)


def _dataset(model: Interpreted, data: object, names: Sequence[str], labels: Mapping[str, Sequence[str]]) -> Dataset:
    if isinstance(data, str):
        return model.dataset(data)
    if isinstance(data, np.ndarray):
        data = Distribution(names, data, [labels[n] for n in names])
    if isinstance(data, Distribution):
        return from_distribution(data, labels)
    found, warnings = from_frame(data, labels, spaces=spaces_of(model.shape, names))
    for w in warnings:
        model.notice(w)
    return found


def evaluate_counterfactual(
    asked: CounterfactualIdentification,
    found: CounterfactualIdentified,
    data: object,
    semantics: str | None,
    max_memory: int | None,
) -> Distribution:
    """The value of a counterfactual by its formula; see `CounterfactualIdentification.evaluate`."""
    from semantics.counterfactual import answer_worlds, estimate_worlds

    if isinstance(data, Interpreted):
        exact = is_exact(semantics or "matrix")
        return answer_worlds(found, data.shape, data.kernels(exact=exact), exact=exact, max_memory=max_memory)
    if not found.given:
        note = "experiments on all variables are given: `given=` says which distributions data are for"
        raise QueryError(Diagnostic("E005", "only a model has all experiments", notes=(note,)))
    sets, shape = _given_data(asked.model, found.given, data)
    exact = is_exact(semantics) if semantics is not None else all(d.exact for d in sets)
    if shape != asked.model.shape:
        again = identify_counterfactual(shape, asked.query, found.given)
        assert isinstance(again, CounterfactualIdentified)
        found = again
    return estimate_worlds(found, shape, sets, exact=exact, max_memory=max_memory).distribution
