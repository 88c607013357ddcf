"""What sampling answers: numbers with a standard error, and samples of what is left free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from semantics.distribution import Distribution
from semantics.html import answer_html
from strings.diagnostic import Diagnostic, QueryError

Numbers = npt.NDArray[np.float64]

_FEW = 100  # effective samples
_QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)


def short(x: float, digits: int = 6) -> str:
    """A number with so many significant digits."""
    return f"{float(x) + 0.0:.{digits}g}"


@dataclass(frozen=True, eq=False, repr=False)
class Estimated:
    """Numbers from samples: `distribution` has them, `standard_error` how far off they may be.

    `effective` is the least effective sample size (Kish 1965) of the parts, infinite if all of them are exact. `method`
    says by what method, where that is to be said.
    """

    distribution: Distribution
    standard_error: Distribution
    samples: int
    seed: int
    effective: float
    method: str = ""

    def __float__(self) -> float:
        return float(self.distribution)

    def __getitem__(self, key: object) -> Any:
        """The number at one value for each axis."""
        return self.distribution[key]

    def columns(self, digits: int = 6) -> tuple[list[str], list[list[str]]]:
        d = self.distribution
        if not d.variables:
            return [], [[f"{short(float(d), digits)} ± {short(float(self.standard_error), 2)}"]]
        errors = self.standard_error.array.flat
        rows = [[*at, short(p, digits), short(e, 2)] for (at, p), e in zip(d.rows(), errors, strict=True)]
        return [*d.variables, "value", "±"], rows

    def notes(self) -> list[str]:
        worst = float(self.standard_error.array.max(initial=0.0))
        said = f"{self.samples:,} samples, seed {self.seed}, standard error {short(worst, 2)}"
        told = [f"{self.method}: {said}" if self.method else said]
        if self.effective < 0.999 * self.samples:
            told[0] += f", effective sample size {self.effective:,.0f}"
        if self.effective < _FEW:
            told.append("so few samples fit what is seen that the error itself is uncertain: take more")
        if self.method and (self.standard_error.array == 0).any() and np.isfinite(self.effective):
            most = short(min(1.0, 3 / self.effective), 2)  # the rule of three
            told.append(f"where ± is 0 no sample told otherwise: a probability may still be up to {most} away")
        return told

    def to_dict(self) -> Mapping[str, Any]:
        d = self.distribution
        shown: dict[str, Any] = {
            "variables": list(d.variables),
            "values": dict(zip(d.variables, d.values, strict=True)),
        }
        shown = shown if d.variables else {}
        return {
            **shown,
            **({"method": self.method} if self.method else {}),
            "value": d.array.tolist(),
            "standard_error": self.standard_error.array.tolist(),
            "samples": self.samples,
            "seed": self.seed,
            "effective_sample_size": self.effective if np.isfinite(self.effective) else None,
        }

    def _repr_html_(self) -> str:
        return answer_html(*self.columns(), self.notes())

    def __repr__(self) -> str:
        headings, rows = self.columns()
        return "\n".join([*_aligned([headings, *rows] if headings else rows), *(f"  {n}" for n in self.notes())])


@dataclass(frozen=True, eq=False)
class Sample:
    """Weighted samples of some variables, in one case of the other axes; weights sum to 1.

    `probability` is that of what the case says of variables in front of the bar.
    """

    case: tuple[tuple[str, str], ...]
    values: Mapping[str, Numbers]
    weights: Numbers
    probability: float = 1.0

    def mean(self, name: str) -> float:
        return float(self.weights @ self.values[name])

    def sd(self, name: str) -> float:
        return float(np.sqrt(self.weights @ (self.values[name] - self.mean(name)) ** 2))

    def quantile(self, name: str, p: float) -> float:
        """The value that a part `p` of the weight lies below."""
        order = np.argsort(self.values[name])
        heard = np.cumsum(self.weights[order])
        return float(self.values[name][order][min(int(np.searchsorted(heard, p)), len(order) - 1)])

    @property
    def effective(self) -> float:
        """The effective sample size (Kish 1965)."""
        return float(1 / (self.weights**2).sum())


@dataclass(frozen=True, eq=False, repr=False)
class Sampled:
    """The distribution of numbers that a question leaves free, as samples; one `Sample` for each case of other axes."""

    cases: tuple[Sample, ...]
    size: int
    seed: int

    @property
    def samples(self) -> Numbers:
        """The samples themselves, if one variable is left free and nothing else. They go with `weights`.

        Raises:
            QueryError: S005 if there are several; `cases` has all of them.
        """
        case, name = self._only()
        return case.values[name]

    @property
    def weights(self) -> Numbers:
        """The weights of `samples`; all equal where nothing is seen."""
        return self._only()[0].weights

    @property
    def mean(self) -> float:
        case, name = self._only()
        return case.mean(name)

    @property
    def sd(self) -> float:
        case, name = self._only()
        return case.sd(name)

    def quantile(self, p: float) -> float:
        case, name = self._only()
        return case.quantile(name, p)

    def _only(self) -> tuple[Sample, str]:
        if len(self.cases) != 1 or len(self.cases[0].values) != 1:
            raise QueryError(
                Diagnostic("S005", "this answer has several distributions", help=("take one of `answer.cases`",))
            )
        return self.cases[0], next(iter(self.cases[0].values))

    def columns(self, digits: int = 6) -> tuple[list[str], list[list[str]]]:
        axes = [n for n, _ in self.cases[0].case]
        split = any(s.probability < 1 for s in self.cases)
        rows = []
        for s in self.cases:
            for name in s.values:
                numbers = [s.mean(name), s.sd(name), *(s.quantile(name, p) for p in _QUANTILES)]
                part = [short(s.probability, min(digits, 4))] if split else []
                rows.append([*(v for _, v in s.case), *part, name, *(short(x, min(digits, 4)) for x in numbers)])
        return [
            *axes,
            *(["probability"] if split else []),
            "variable",
            "mean",
            "sd",
            *(f"{100 * p:g}%" for p in _QUANTILES),
        ], rows

    def notes(self) -> list[str]:
        effective = min(s.effective for s in self.cases)
        error = max(s.sd(n) / np.sqrt(s.effective) for s in self.cases for n in s.values)
        told = [f"{self.size:,} samples, seed {self.seed}, standard error of the mean {short(error, 2)}"]
        if effective < 0.999 * self.size:
            told[0] += f", effective sample size {effective:,.0f}"
        if effective < _FEW:
            told.append("so few samples fit what is seen that all of this is uncertain: take more")
        return told

    def to_dict(self) -> Mapping[str, Any]:
        cases = [
            {
                **({"case": dict(s.case)} if s.case else {}),
                **({"probability": s.probability} if s.probability < 1 else {}),
                "variable": n,
                "mean": s.mean(n),
                "sd": s.sd(n),
                "quantiles": {f"{p:g}": s.quantile(n, p) for p in _QUANTILES},
                "effective_sample_size": s.effective,
            }
            for s in self.cases
            for n in s.values
        ]
        return {"distributions": cases, "samples": self.size, "seed": self.seed}

    def _repr_html_(self) -> str:
        return answer_html(*self.columns(), self.notes())

    def __repr__(self) -> str:
        headings, rows = self.columns()
        return "\n".join([*_aligned([headings, *rows]), *(f"  {n}" for n in self.notes())])


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
