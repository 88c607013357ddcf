"""Stochastic kernels: what a box means in numbers.

A kernel `A -> B` is a table with one axis per input and then one per output; for every combination of inputs its
entries are nonnegative and sum to 1 (a map of Stoch, or of its exact rational version).

>>> S, T = Object("S", ("no", "yes")), Object("T", ("no", "yes"))
>>> Kernel((S,), (T,), [[0.75, 0.25], [0.5, 0.5]]).exact
False
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from semantics.distribution import Array, check_axes, number_array
from strings.diagnostic import CutwireError, Diagnostic
from strings.signature import Object, Ty, show_type

_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False, init=False)
class Table:
    """Numbers for a box `dom -> cod`: an array of shape (values of each input…, values of each output…), unchecked.

    Entries are float64, fractions, or members of a finite field (`semantics.field`).
    """

    dom: Ty
    cod: Ty
    array: Array

    def __init__(self, dom: Ty, cod: Ty, array: Array) -> None:
        object.__setattr__(self, "dom", tuple(dom))
        object.__setattr__(self, "cod", tuple(cod))
        object.__setattr__(self, "array", array)

    @property
    def exact(self) -> bool:
        """Whether the entries are fractions, or members of a finite field."""
        return self.array.dtype != np.float64

    def as_float(self) -> Table:
        """The same table in float64."""
        return Table(self.dom, self.cod, self.array.astype(np.float64)) if self.exact else self


class Kernel(Table):
    """A stochastic kernel `dom -> cod`; `array` has shape (values of each input…, values of each output…).

    Raises:
        CutwireError: T022 if the shape does not fit, an entry is negative or not a number, or the probabilities of a
            column (one combination of inputs) do not sum to 1: exactly for fractions, within 1e-9 for floats.
        LimitError: L003 if there are more than 32 inputs and outputs.
    """

    def __init__(self, dom: Ty, cod: Ty, array: Any) -> None:
        what = f"the table of a box that makes {show_type(cod)}"
        check_axes(len(dom) + len(cod), what, "join some of its inputs into one variable")
        super().__init__(dom, cod, number_array(array))
        self._check_shape()
        self._check_columns()

    def as_float(self) -> Kernel:
        """The same kernel in float64."""
        return Kernel(self.dom, self.cod, self.array.astype(np.float64)) if self.exact else self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Kernel):
            return NotImplemented
        same_type = (self.dom, self.cod, self.exact) == (other.dom, other.cod, other.exact)
        return same_type and np.array_equal(self.array, other.array)

    def __hash__(self) -> int:
        return hash((self.dom, self.cod))

    def _check_shape(self) -> None:
        wanted = tuple(size(x) for x in (*self.dom, *self.cod))
        if self.array.shape != wanted:
            raise self._error(f"the array has shape {self.array.shape}, its type asks for {wanted}")

    def _check_columns(self) -> None:
        columns = self.array.reshape(math.prod(self.array.shape[: len(self.dom)]), -1)
        with np.errstate(invalid="ignore"):
            bad: Array = np.asarray(~(columns >= 0).all(axis=1))
            sums = columns.sum(axis=1)
            off = sums != 1 if self.exact else ~(abs(sums - 1) <= _TOLERANCE)
            wrong = np.asarray(bad | off, dtype=bool)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            where = self._column_name(at)
            if bad[at]:
                raise self._error(f"an entry {where} is negative or not a number")
            raise self._error(f"the probabilities {where} sum to {sums[at]}, not to 1")

    def _column_name(self, column: int) -> str:
        if not self.dom:
            return "of this state"
        at = np.unravel_index(column, self.array.shape[: len(self.dom)])
        said = [f"{x.name} = {(x.values or ())[i]}" for x, i in zip(self.dom, at, strict=True)]
        return f"for {', '.join(said)}"

    def _error(self, problem: str) -> CutwireError:
        head = f"this is no stochastic kernel {show_type(self.dom)} -> {show_type(self.cod)}"
        return CutwireError(Diagnostic("T022", head, notes=(problem,)))


def is_sharp(table: Table) -> bool:
    """Whether a table is that of a function: all its entries are 0 or 1."""
    return bool(np.all((table.array == 0) | (table.array == 1)))


Tables = Mapping[str, Table]
"""The numbers of every box, by the box's name."""


def size(x: Object) -> int:
    """The number of values of an object.

    Raises:
        CutwireError: T022 if it has none: an uninterpreted type has no numbers.
    """
    if x.values is None:
        raise CutwireError(
            Diagnostic(
                "T022",
                f"`{x.name}` has no values, so it has no probabilities",
                help=(f"give it values, as in `var {x.name} : {{no, yes}}`",),
            )
        )
    return len(x.values)


def uniform_array(x: Object, exact: bool) -> Array:
    """The uniform probabilities on the values of `x`."""
    n = size(x)
    return number_array(np.full(n, Fraction(1, n) if exact else 1 / n))


def point_array(x: Object, value: str | None, exact: bool) -> Array:
    """The sharp state at one value of `x`."""
    one: Fraction | float = Fraction(1) if exact else 1.0
    return number_array([one if v == value else one - one for v in (x.values or ())])
