"""Data as an empirical distribution, and boxes learnt from it.

>>> d = from_rows("d", ("S", "T"), {"S": ("no", "yes"), "T": ("no", "yes")},
...               [("no", "no"), ("no", "yes"), ("no", "no"), ("yes", "yes")])
>>> d.marginal(["S"])["no"]
Fraction(3, 4)
>>> d.conditional("T", ["S"]).array.tolist()
[[Fraction(2, 3), Fraction(1, 3)], [Fraction(0, 1), Fraction(1, 1)]]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from semantics.distribution import Array, Distribution, check_axes, number_array
from semantics.expectation import as_number
from semantics.kernel import Kernel
from strings.diagnostic import (
    CutwireError,
    Diagnostic,
    LanguageError,
    LimitError,
    QueryError,
    ZeroProbabilityError,
    did_you_mean,
)
from strings.signature import Box, Object, number_text

_MOST_CELLS = 20_000_000


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows of values with weights: an unnormalised distribution on `variables`.

    `values` are the values of each variable in order; `codes` has a row per case (the positions of its values), and
    `weights` its weight: fractions (exact) or floats.
    """

    name: str
    variables: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: npt.NDArray[np.int64]
    weights: Array

    @property
    def exact(self) -> bool:
        """Whether the weights are fractions."""
        return self.weights.dtype == object

    def position(self, name: str) -> int:
        """The number of a variable's column.

        Raises:
            QueryError: E006 with a did-you-mean if the data has no such variable.
        """
        if name not in self.variables:
            raise QueryError(
                Diagnostic(
                    "E006",
                    f"data `{self.name}` has no variable `{name}`",
                    notes=(f"its variables are {', '.join(self.variables)}",),
                    help=did_you_mean(name, self.variables),
                )
            )
        return self.variables.index(name)

    def numbers(self, name: str, exact: bool = True) -> Array:
        """The column of a variable whose values are numbers, a row per case: fractions, or floats.

        Raises:
            QueryError: as `position`; Q004 if a value is no number.
        """
        at = self.position(name)
        column: Array = _as_numbers(self.values[at], name, self.name, exact)[self.codes[:, at]]
        return column

    def aligned(self, values: Mapping[str, Sequence[str]]) -> Dataset:
        """The same data with the values of variables in the order of `values`; variables not in there, or without
        values of their own, stay as they are.

        Raises:
            LanguageError: F003 for a level that is no value of its variable, or a value that is no level here.
            CutwireError: T022 if levels without names of their own are not as many as the variable has values.
        """
        codes, levels = self.codes, list(self.values)
        for k, n in enumerate(self.variables):
            if values.get(n) and self.values[k] != tuple(values[n]):
                places = np.array(_places(n, self.values[k], values[n], f"data `{self.name}`"), dtype=np.int64)
                codes = codes.copy()
                codes[:, k] = places[codes[:, k]]
                levels[k] = tuple(values[n])
        return replace(self, values=tuple(levels), codes=codes)

    def counts(self, names: Sequence[str]) -> Array:
        """The total weight of every combination of values of `names`, one axis each.

        Raises:
            LimitError: L003 if there are too many combinations, or too many names for a table.
        """
        check_axes(len(names), "a table of this data", "use fewer variables")
        at = [self.position(n) for n in names]
        shape = tuple(len(self.values[k]) for k in at)
        if math.prod(shape) > _MOST_CELLS:
            raise LimitError(
                Diagnostic(
                    "L003",
                    f"{', '.join(names)} have {math.prod(shape):,} combinations: too many for one table",
                    notes=(f"the limit is {_MOST_CELLS:,}",),
                    help=("use fewer variables",),
                )
            )
        where = np.zeros(len(self.codes), dtype=np.int64)
        for k, n in zip(at, shape, strict=True):
            where = where * n + self.codes[:, k]
        totals = np.full(math.prod(shape), Fraction(0) if self.exact else 0.0, dtype=self.weights.dtype)
        np.add.at(totals, where, self.weights)
        return totals.reshape(shape)

    def marginal(self, names: Sequence[str]) -> Distribution:
        """The empirical distribution of `names`."""
        counts = self.counts(names)
        labels = [self.values[self.position(n)] for n in names]
        return Distribution(names, counts / counts.sum(), labels)

    def conditional(self, target: str | Sequence[str], given: Sequence[str] = (), alpha: Fraction | int = 0) -> Kernel:
        """The conditional of `target` given `given`: maximum likelihood, or smoothed with pseudo-count `alpha`.

        Smoothing is the posterior mean under a symmetric Dirichlet prior: (n + alpha) / (N + alpha k).

        Raises:
            ZeroProbabilityError: Q002 if a combination of `given` never occurs and `alpha` is 0.
        """
        targets = [target] if isinstance(target, str) else list(target)
        counts = self.counts([*given, *targets])
        columns = counts.reshape(math.prod(counts.shape[: len(given)]), -1)
        if alpha:
            columns = columns + (Fraction(alpha) if self.exact else float(alpha))
        sums = columns.sum(axis=1, keepdims=True)
        if (sums == 0).any():
            column = int(np.flatnonzero(sums == 0)[0])
            shape = counts.shape[: len(given)]
            raise self.unseen(given, [int(i) for i in np.unravel_index(column, shape)])
        dom = tuple(Object(n, self.values[self.position(n)]) for n in given)
        cod = tuple(Object(n, self.values[self.position(n)]) for n in targets)
        return Kernel(dom, cod, (columns / sums).reshape(counts.shape))

    def unseen(self, given: Sequence[str], at: Sequence[int]) -> ZeroProbabilityError:
        """Q002: a combination of values, by their places, never occurs."""
        labels = [self.values[self.position(n)] for n in given]
        case = ", ".join(f"{n} = {v[i]}" for n, v, i in zip(given, labels, at, strict=True))
        return ZeroProbabilityError(
            Diagnostic(
                "Q002",
                f"`{case}` never occurs in data `{self.name}`",
                notes=("disintegration is undetermined there; Cutwire does not invent a column",),
                help=(f"smooth with a pseudo-count, as in `fit({self.name}, alpha = 1)`, or use fewer values",),
            )
        )


@lru_cache(maxsize=64)
def _as_numbers(levels: tuple[str, ...], variable: str, data: str, exact: bool) -> Array:
    """The numbers that some values spell."""
    found = [_as_float(v) if not exact and "/" not in v else as_number(v) for v in levels]
    if None in found:
        odd = levels[found.index(None)]
        raise QueryError(Diagnostic("Q004", f"the value `{odd}` of `{variable}` in data `{data}` is no number"))
    made = np.empty(len(levels), dtype=object if exact else np.float64)
    made[:] = found
    return made


def _as_float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def from_rows(
    name: str,
    variables: Sequence[str],
    values: Mapping[str, Sequence[str]],
    rows: Sequence[Sequence[str]],
    weights: Sequence[Fraction | int | float] | None = None,
    spaces: Mapping[str, str] | None = None,
) -> Dataset:
    """A data set from rows of values, each row with its weight (1, unless given); `spaces` names the variables that
    take any number.

    Raises:
        LanguageError: F003 for a value that its variable does not take, F009 for a row of another length, F011 for
            weights that are negative or not one a row, F012 if nothing is left (no rows, or all weights zero).
    """
    variables = tuple(variables)
    if weights is not None and len(weights) != len(rows):
        raise LanguageError(Diagnostic("F011", f"data `{name}` has {len(rows)} rows and {len(weights)} weights"))
    numeric = [(spaces or {}).get(n, "") for n in variables]
    places = [{} if x else {v: k for k, v in enumerate(values[n])} for n, x in zip(variables, numeric, strict=True)]
    codes = np.zeros((len(rows), len(variables)), dtype=np.int64)
    for r, row in enumerate(rows):
        if len(row) != len(variables):
            message = f"row {r + 1} of `{name}` has {len(row)} values for {len(variables)} variables"
            raise LanguageError(Diagnostic("F009", message))
        for c, cell in enumerate(row):
            if numeric[c]:
                text = number_level(cell, numeric[c])
                if text is None:
                    raise LanguageError(no_number(cell, variables[c], numeric[c], f"row {r + 1} of `{name}`"))
                codes[r, c] = places[c].setdefault(text, len(places[c]))
                continue
            if cell not in places[c]:
                raise LanguageError(unknown_level(cell, variables[c], values[variables[c]], f"row {r + 1} of `{name}`"))
            codes[r, c] = places[c][cell]
    numbers = number_array([Fraction(1)] * len(rows) if weights is None else list(weights))
    if numbers.dtype != object and weights is not None and all(isinstance(w, int) for w in weights):
        numbers = number_array([Fraction(w) for w in weights])
    return checked(Dataset(name, variables, tuple(map(tuple, places)), codes, numbers))


def checked(data: Dataset) -> Dataset:
    """The data, if its weights make sense.

    Raises:
        LanguageError: F011 if one is negative or not finite, F012 if nothing is left.
    """
    bad = np.flatnonzero(~((data.weights >= 0) & (data.weights < math.inf)).astype(bool))
    if bad.size:
        message = f"row {bad[0] + 1} of `{data.name}` has weight {data.weights[bad[0]]}"
        raise LanguageError(Diagnostic("F011", message, notes=("weights are finite and not negative",)))
    if not (data.weights > 0).any():
        raise LanguageError(Diagnostic("F012", f"data `{data.name}` is empty", notes=("no row has a weight",)))
    return data


def from_distribution(
    joint: Distribution, values: Mapping[str, Sequence[str]] | None = None, name: str = "the joint"
) -> Dataset:
    """A joint distribution as data: one weighted row for every combination of positive weight; it may sum to anything.

    With `values`, what a model's variables take, axes are aligned by label: a label stands for the value of that name,
    in whatever order the labels are. An axis of a variable that `values` does not mention stays as it is.

    >>> table = Distribution(("S",), [3, 1], (("yes", "no"),))
    >>> from_distribution(table, {"S": ("no", "yes")}).counts(["S"]).tolist()
    [1.0, 3.0]

    Raises:
        LanguageError: F003 for a label that is no value of its variable, or a value without a label.
        CutwireError: T022 if an axis without labels of its own is not as long as its variable has values.
    """
    cells = np.argwhere(joint.array != 0)
    weights = joint.array[tuple(cells.T)] if joint.variables else joint.array.reshape(1)
    data = Dataset(name, joint.variables, joint.values, cells.astype(np.int64), weights)
    return checked(data if values is None else data.aligned(values))


def _places(variable: str, labels: Sequence[str], values: Sequence[str], where: str) -> list[int]:
    """For every label where it stands among the values of a variable."""
    if len(labels) != len(values) and not set(labels) & set(values):
        problem = f"`{variable}` has {len(labels)} entries there, and takes {len(values)} values"
        raise CutwireError(Diagnostic("T022", f"{where} does not fit the variables", notes=(problem,)))
    odd = next((v for v in labels if v not in values), None)
    if odd is not None:
        found = unknown_level(odd, variable, values, where)
        if list(labels) == [str(k) for k in range(len(labels))]:
            found = replace(found, help=("say what the entries stand for: `values=` of the distribution",))
        raise LanguageError(found)
    missing = next((v for v in values if v not in labels), None)
    if missing is not None:
        notes = (f"it has {', '.join(labels[:12])}{', …' if labels[12:] else ''}",)
        help_ = did_you_mean(missing, labels) or ("give it an entry, which may be 0",)
        message = f"{where}: `{variable}` has no entry for `{missing}`"
        raise LanguageError(Diagnostic("F003", message, notes=notes, help=help_))
    return [values.index(v) for v in labels]


def fit(data: Dataset, box: Box, alpha: Fraction | int = 0) -> Kernel:
    """The kernel of a box whose ports are variables of the data: as `Dataset.conditional`, typed like the box.

    Raises:
        QueryError: E006 if the data lacks a variable.
        LanguageError: F003 if a variable takes other values in the data; their order does not matter.
        ZeroProbabilityError: Q002 if a combination of inputs never occurs and `alpha` is 0.
    """
    ports = (*box.dom, *box.cod)
    for x in ports:
        data.position(x.name)
    known = data.aligned({x.name: x.values or () for x in ports})
    learnt = known.conditional([x.name for x in box.cod], [x.name for x in box.dom], alpha)
    return Kernel(box.dom, box.cod, learnt.array)


def number_level(text: str, space: str) -> str | None:
    """A number in its one spelling, if a variable of this space takes it.

    >>> number_level("2.50", "real"), number_level("1e-1", "real"), number_level("2.5", "count")
    ('2.5', '0.1', None)
    """
    number = as_number(text)
    if number is None or (space == "count" and (number < 0 or number.denominator != 1)):
        return None
    return number_text(number)


def no_number(text: str, variable: str, space: str, where: str) -> Diagnostic:
    """F003: a cell that is no number of its variable."""
    wanted = "whole numbers from 0 on" if space == "count" else "numbers"
    return Diagnostic(
        "F003", f"{where}: `{text}` is not a value of `{variable}`", notes=(f"`{variable}` takes {wanted}",)
    )


def unknown_level(level: str, variable: str, values: Sequence[str], where: str) -> Diagnostic:
    """F003: a value in the data that its variable does not take."""
    return Diagnostic(
        "F003",
        f"{where}: `{level}` is not a value of `{variable}`",
        notes=(f"`{variable}` takes {', '.join(values[:12])}{', …' if values[12:] else ''}",),
        help=did_you_mean(level, values),
    )
