"""Expectations: the mean of a variable whose values are numbers."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np

from semantics.distribution import Distribution, float_array, number_array
from strings.diagnostic import Diagnostic, QueryError
from strings.model import CausalModel
from strings.query import Query

# Bounded, so that no text makes a number too large to compute with.
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,3})?|[+-]?\d{1,30}/0*[1-9]\d{0,29}", re.IGNORECASE)


def as_number(value: str) -> Fraction | None:
    """The number that a value's name spells, if it spells one.

    >>> as_number("0.25"), as_number("-3"), as_number("1/3"), as_number("yes")
    (Fraction(1, 4), Fraction(-3, 1), Fraction(1, 3), None)
    """
    return Fraction(value) if _NUMBER.fullmatch(value) else None


def check_expectation(model: CausalModel, query: Query) -> None:
    """Refuse an expectation that is not of one free variable with numbers for values.

    Raises:
        QueryError: Q004.
    """
    problem, help_ = "", "ask for the probability: `P(…)`"
    if len(query.targets) != 1:
        problem = "an expectation is of one variable"
    elif not query.targets[0].free:
        problem = "an event has a probability, not an expectation"
    elif _shares_axis(query):
        problem = f"`{query.targets[0].axis_name}` is fixed behind the bar"
    else:
        x = model.object(query.targets[0].variable)
        odd = [v for v in x.values or () if as_number(v) is None]
        if odd or not x.values:
            problem = f"`{x.name}` has no expectation: its value `{odd[0]}` is no number" if odd else "no values"
            help_ = f"ask for the probability: `P({x.name})`"
    if problem:
        raise QueryError(Diagnostic("Q004", problem, help=(help_,)))


def mean(distribution: Distribution, axis: str) -> Distribution:
    """The expectation along one axis, whose values spell numbers."""
    at = distribution.axis(axis)
    numbers = [as_number(v) or Fraction(0) for v in distribution.values[at]]
    weights = number_array(numbers)
    if not distribution.exact:
        weights = float_array(weights)
    array = np.tensordot(distribution.array, weights, axes=(at, 0))
    names = [n for n in distribution.variables if n != axis]
    return Distribution(names, array, [distribution.labels(n) for n in names])


def _shares_axis(query: Query) -> bool:
    axis = query.targets[0].axis_name
    behind = [t.axis_name for t in query.given if t.free]
    behind.extend(str(getattr(s, "axis", None)) for s in query.operations)
    return axis in behind
