"""What the boxes of a Pyro program are made from, as plain data: tables, formulas, unknown tables, Python callables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from semantics.distribution import Array
from strings.expression import Body


@dataclass(frozen=True, eq=False)
class Tabled:
    """A table of probabilities: an axis for each input, and one for the output."""

    array: Array


@dataclass(frozen=True, eq=False)
class Drawn:
    """Formulas: a body for every combination of values of the finite inputs, the last input fastest."""

    bodies: tuple[Body, ...]


@dataclass(frozen=True, eq=False)
class Unknown:
    """A table that is not known: every column is drawn from a Dirichlet distribution with these concentrations."""

    concentration: Array


@dataclass(frozen=True, eq=False)
class Foreign:
    """A mechanism in Python: called with a tensor for each input, it gives a torch distribution, or a tensor."""

    function: Callable[..., Any]


BoxMeaning = Tabled | Drawn | Unknown | Foreign


def as_float(value: str) -> float:
    """The number that a value of a real wire is."""
    return float(Fraction(value))
