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
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from semantics.distribution import Array, Distribution, number_array
from semantics.kernel import Kernel
from strings.diagnostic import Diagnostic, LanguageError, LimitError, QueryError, ZeroProbabilityError, did_you_mean
from strings.signature import Box, Object

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
            QueryError: E004 with a did-you-mean if the data has no such variable.
        """
        if name not in self.variables:
            raise QueryError(
                Diagnostic(
                    "E004",
                    f"data `{self.name}` has no variable `{name}`",
                    notes=(f"its variables are {', '.join(self.variables)}",),
                    help=did_you_mean(name, self.variables),
                )
            )
        return self.variables.index(name)

    def counts(self, names: Sequence[str]) -> Array:
        """The total weight of every combination of values of `names`, one axis each.

        Raises:
            LimitError: L003 if there are too many combinations.
        """
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
            raise self._unseen(given, int(np.flatnonzero(sums == 0)[0]))
        dom = tuple(Object(n, self.values[self.position(n)]) for n in given)
        cod = tuple(Object(n, self.values[self.position(n)]) for n in targets)
        return Kernel(dom, cod, (columns / sums).reshape(counts.shape))

    def _unseen(self, given: Sequence[str], column: int) -> ZeroProbabilityError:
        labels = [self.values[self.position(n)] for n in given]
        at = np.unravel_index(column, [len(v) for v in labels])
        case = ", ".join(f"{n} = {v[i]}" for n, v, i in zip(given, labels, at, strict=True))
        return ZeroProbabilityError(
            Diagnostic(
                "Q002",
                f"`{case}` never occurs in data `{self.name}`",
                notes=("disintegration is undetermined there; Cutwire does not invent a column",),
                help=(f"smooth with a pseudo-count, as in `fit({self.name}, alpha = 1)`, or use fewer values",),
            )
        )


def from_rows(
    name: str,
    variables: Sequence[str],
    values: Mapping[str, Sequence[str]],
    rows: Sequence[Sequence[str]],
    weights: Sequence[Fraction | int | float] | None = None,
) -> Dataset:
    """A data set from rows of values, each row with its weight (1, unless given).

    Raises:
        LanguageError: F003 for a value that its variable does not take, F005 for a negative weight, F006 if nothing is
            left (no rows, or all weights zero).
    """
    variables = tuple(variables)
    places = [{v: k for k, v in enumerate(values[n])} for n in variables]
    codes = np.zeros((len(rows), len(variables)), dtype=np.int64)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell not in places[c]:
                raise LanguageError(unknown_level(cell, variables[c], values[variables[c]], f"row {r + 1} of `{name}`"))
            codes[r, c] = places[c][cell]
    numbers = number_array([Fraction(1)] * len(rows) if weights is None else list(weights))
    if numbers.dtype != object and weights is not None and all(isinstance(w, int) for w in weights):
        numbers = number_array([Fraction(w) for w in weights])
    return checked(Dataset(name, variables, tuple(tuple(values[n]) for n in variables), codes, numbers))


def checked(data: Dataset) -> Dataset:
    """The data, if its weights make sense.

    Raises:
        LanguageError: F005 if one is negative or not finite, F006 if nothing is left.
    """
    bad = np.flatnonzero(~((data.weights >= 0) & (data.weights < math.inf)).astype(bool))
    if bad.size:
        message = f"row {bad[0] + 1} of `{data.name}` has weight {data.weights[bad[0]]}"
        raise LanguageError(Diagnostic("F005", message, notes=("weights are finite and not negative",)))
    if not (data.weights > 0).any():
        raise LanguageError(Diagnostic("F006", f"data `{data.name}` is empty", notes=("no row has a weight",)))
    return data


def from_distribution(joint: Distribution, name: str = "the joint") -> Dataset:
    """A joint distribution as data: one weighted row for every combination of positive probability."""
    cells = np.argwhere(joint.array != 0)
    weights = joint.array[tuple(cells.T)] if joint.variables else joint.array.reshape(1)
    return checked(Dataset(name, joint.variables, joint.values, cells.astype(np.int64), weights))


def fit(data: Dataset, box: Box, alpha: Fraction | int = 0) -> Kernel:
    """The kernel of a box whose ports are variables of the data: as `Dataset.conditional`, typed like the box.

    Raises:
        QueryError: E004 if the data lacks a variable.
        LanguageError: F003 if a variable takes other values in the data.
        ZeroProbabilityError: Q002 if a combination of inputs never occurs and `alpha` is 0.
    """
    for x in (*box.dom, *box.cod):
        taken = data.values[data.position(x.name)]
        if taken != x.values:
            odd = next((v for v in taken if v not in (x.values or ())), taken[0])
            raise LanguageError(unknown_level(odd, x.name, x.values or (), f"data `{data.name}`"))
    learnt = data.conditional([x.name for x in box.cod], [x.name for x in box.dom], alpha)
    return Kernel(box.dom, box.cod, learnt.array)


def unknown_level(level: str, variable: str, values: Sequence[str], where: str) -> Diagnostic:
    """F003: a value in the data that its variable does not take."""
    return Diagnostic(
        "F003",
        f"{where}: `{level}` is not a value of `{variable}`",
        notes=(f"`{variable}` takes {', '.join(values[:12])}{', …' if values[12:] else ''}",),
        help=did_you_mean(level, values),
    )
