"""Answers on the reals: mixtures of normal distributions, and how they depend on what is left free.

>>> m = Mixture(("Y",), (0.5, 0.5), (Gaussian.of([[]], [-1.0], [[1.0]]), Gaussian.of([[]], [1.0], [[1.0]])))
>>> m.mean, m.sd, round(m.cdf(0.0), 6), round(m.quantile(0.9), 6)
(0.0, 1.4142135623730951, 0.5, 1.849468)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np

from semantics.arithmetic import Arithmetic
from semantics.distribution import Array, Distribution, Number, float_array
from semantics.gaussian import Density, Gaussian, sweep, vanishes, zeros
from semantics.quotients import Quotient, not_in_symbols
from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers between two ends; `None` is no end."""

    low: Fraction | None = None
    high: Fraction | None = None
    with_low: bool = True
    with_high: bool = True

    @staticmethod
    def of(bounds: Sequence[tuple[str, Fraction]]) -> Interval:
        """The numbers that stand in all of some relations.

        >>> Interval.of([(">", Fraction(0)), ("<=", Fraction(2)), (">=", Fraction(-1))])
        Interval(low=Fraction(0, 1), high=Fraction(2, 1), with_low=False, with_high=True)
        """
        found = Interval()
        for op, value in bounds:
            closed = op in (">=", "<=")
            end = Interval(low=value, with_low=closed) if ">" in op else Interval(high=value, with_high=closed)
            found = found.meet(end)
        return found

    def meet(self, other: Interval) -> Interval:
        """The numbers in both."""
        lows = [(i.low, not i.with_low) for i in (self, other) if i.low is not None]
        highs = [(i.high, i.with_high) for i in (self, other) if i.high is not None]
        low, open_ = max(lows, default=(None, False))
        high, closed = min(highs, default=(None, True))
        return Interval(low, high, not open_, closed)

    def has(self, x: Number, slack: float = 0.0) -> bool:
        """Whether a number lies in it; one within `slack` of a closed end does."""
        if self.low is not None and (x < self.low - Fraction(slack) if self.with_low else x <= self.low):
            return False
        return self.high is None or (x <= self.high + Fraction(slack) if self.with_high else x < self.high)

    @property
    def empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and not (self.with_low and self.with_high))

    def through(self, slope: Number, x: Number, y: Number) -> Interval:
        """The numbers that a line through `(x, y)` sends into it."""
        ends = [None if e is None else Fraction(x) + (e - Fraction(y)) / Fraction(slope) for e in (self.low, self.high)]
        if slope > 0:
            return Interval(ends[0], ends[1], self.with_low, self.with_high)
        return Interval(ends[1], ends[0], self.with_high, self.with_low)

    def scaled(self, mean: float, sd: float) -> tuple[float, float]:
        """Its ends in standard deviations from the mean."""
        low = -math.inf if self.low is None else (float(self.low) - mean) / sd
        high = math.inf if self.high is None else (float(self.high) - mean) / sd
        return low, high


def between(low: float, high: float) -> float:
    """The standard normal probability of an interval, without cancellation in the tails."""
    if low > high:
        return 0.0
    if low > 0:
        low, high = -high, -low
    root = math.sqrt(2)
    if high <= 0:
        return (math.erfc(-high / root) - math.erfc(-low / root)) / 2
    return 1 - math.erfc(-low / root) / 2 - math.erfc(high / root) / 2


class Scalars(Protocol):
    """The numbers that answers are in, beyond what arithmetic does: floats (`PLAIN`), or symbols
    (`semantics.symbolic_scalars`)."""

    @property
    def arithmetic(self) -> Arithmetic | None:
        """That of tables; nothing for floats and fractions."""

    def single(self, mean: Any, variance: Any, interval: Interval) -> Any:
        """The probability that a normal variable which varies lies in an interval."""

    def several(self, g: Gaussian, block: Sequence[int], intervals: Mapping[int, Interval]) -> Any:
        """The probability that dependent variables lie in intervals."""

    def shift(self, mean: Any, variance: Any, interval: Interval) -> Any:
        """By how much larger a mean is given the interval, in units of the variance."""

    def weighed(self, weights: Sequence[Any], densities: Sequence[Density]) -> list[Any]:
        """The weights times densities in one number of dimensions, up to a common factor."""


def probability(g: Gaussian, intervals: Mapping[int, Interval], scalars: Scalars) -> Any:
    """The probability that outputs of a state lie in intervals.

    Independent variables are taken one by one; for several that are not, scipy has the distribution function.

    Raises:
        QueryError: G006 if those are linearly dependent, Q007 if the answer depends on the sign of a symbol.
    """
    total: Any = Fraction(1)
    left: list[int] = []
    for k, i in intervals.items():
        if i.empty:
            return Fraction(0)
        if i.low is None and i.high is None:
            continue
        if is_sharp(g, k):
            if isinstance(g.offset[k], Quotient):
                raise not_in_symbols(f"whether `{g.offset[k]}` lies in an interval")
            if not i.has(g.offset[k], 0.0 if g.exact else 1e-9):
                return Fraction(0)
        else:
            left.append(k)
    bounded, left = _independent(g, intervals, left)
    for block in _blocks(g.covariance, left):
        if len(block) > 1:
            total = total * scalars.several(g, block, bounded)
        else:
            k = block[0]
            total = total * scalars.single(g.offset[k], g.covariance[k, k], bounded[k])
    return total


def _independent(
    g: Gaussian, intervals: Mapping[int, Interval], at: Sequence[int]
) -> tuple[dict[int, Interval], list[int]]:
    """The intervals without those of variables that are a function of one other, whose interval they narrow.

    Raises:
        QueryError: G006 for a variable that is a function of several others.
    """
    swept = sweep(g.covariance, at)
    found = dict(intervals)
    for k in swept.determined:
        row = {p: swept.matrix[k, p] for p in swept.pivots}
        slopes = {p: slope for p, slope in row.items() if (slope != 0 if g.exact else abs(slope) > 1e-9)}
        if len(slopes) != 1:
            raise QueryError(
                Diagnostic(
                    "G006",
                    "the bounded variables are linearly dependent: their joint probability is not computed",
                    help=("bound fewer of them",),
                )
            )
        ((p, slope),) = slopes.items()
        if any(isinstance(x, Quotient) for x in (slope, g.offset[p], g.offset[k])):
            raise not_in_symbols("a bound on what another bounded variable determines")
        found[p] = found[p].meet(intervals[k].through(slope, g.offset[p], g.offset[k]))
    return found, swept.pivots


def is_sharp(g: Gaussian, k: int) -> bool:
    """Whether an output of a state has but one value."""
    return vanishes(g.covariance[k, k])


class _Plain:
    """Floats, and fractions where they come out."""

    arithmetic = None

    def single(self, mean: Number, variance: Number, interval: Interval) -> Number:
        ends = [e for e in (interval.low, interval.high) if e is not None]
        if len(ends) == 1 and ends[0] == mean and isinstance(mean, Fraction):
            return Fraction(1, 2)
        return between(*interval.scaled(float(mean), math.sqrt(float(variance))))

    def several(self, g: Gaussian, block: Sequence[int], intervals: Mapping[int, Interval]) -> float:
        from scipy.stats import multivariate_normal  # slow to import, and seldom needed

        at = list(block)
        covariance = g.covariance[np.ix_(at, at)].astype(np.float64)
        sd = np.sqrt(np.diag(covariance))
        ends = [intervals[k].scaled(float(g.offset[k]), s) for k, s in zip(at, sd, strict=True)]
        low, high = (np.array(e) for e in zip(*ends, strict=True))
        law = multivariate_normal(np.zeros(len(at)), covariance / np.outer(sd, sd), seed=0, abseps=1e-10, releps=1e-10)
        return float(min(max(law.cdf(high, lower_limit=low), 0.0), 1.0))

    def shift(self, mean: Number, variance: Number, interval: Interval) -> float:
        sd = math.sqrt(float(variance))
        low, high = interval.scaled(float(mean), sd)
        normal = NormalDist()
        heights = [0.0 if math.isinf(e) else normal.pdf(e) for e in (low, high)]
        return (heights[0] - heights[1]) / between(low, high) / sd

    def weighed(self, weights: Sequence[Number], densities: Sequence[Density]) -> list[float]:
        heights = [math.log(w) + d.log for w, d in zip(weights, densities, strict=True)]
        top = max(heights)
        return [math.exp(h - top) for h in heights]


PLAIN: Scalars = _Plain()


def _blocks(covariance: Array, at: Sequence[int]) -> Iterator[list[int]]:
    """The variables in groups that are independent of each other."""
    left = list(at)
    while left:
        block = [left.pop(0)]
        for k in block:
            near = [j for j in left if covariance[k, j] != 0]
            block.extend(near)
            left = [j for j in left if j not in near]
        yield block


def truncated_mean(g: Gaussian, target: int, bounded: int, interval: Interval, scalars: Scalars) -> Any:
    """The mean of one output of a state given that another lies in an interval of positive probability."""
    if is_sharp(g, bounded):
        return g.offset[target]
    shift = scalars.shift(g.offset[bounded], g.covariance[bounded, bounded], interval)
    return g.offset[target] + g.covariance[target, bounded] * shift


@dataclass(frozen=True, eq=False)
class Mixture:
    """The distribution of some real variables: a mixture of normal distributions with these weights.

    Numbers of one variable are numbers, those of several are arrays in the order of `variables`.
    """

    variables: tuple[str, ...]
    weights: tuple[Number, ...]
    parts: tuple[Gaussian, ...]

    @property
    def components(self) -> tuple[tuple[Number, Any, Any], ...]:
        """For every component its weight, mean and covariance."""
        return tuple(
            (w, self._shown(g.offset), self._shown(g.covariance)) for w, g in zip(self.weights, self.parts, strict=True)
        )

    @property
    def exact(self) -> bool:
        return all(isinstance(w, Fraction) for w in self.weights) and all(g.exact for g in self.parts)

    @property
    def means(self) -> Array:
        """The mean of every variable."""
        return np.asarray(sum(w * g.offset for w, g in zip(self.weights, self.parts, strict=True)))

    @property
    def covariances(self) -> Array:
        """The covariance matrix: that within the components, and that of their means."""
        off = [g.offset - self.means for g in self.parts]
        pairs = zip(self.weights, self.parts, off, strict=True)
        return np.asarray(sum(w * (g.covariance + np.outer(d, d)) for w, g, d in pairs))

    @property
    def mean(self) -> Any:
        """The mean."""
        return self._shown(self.means)

    @property
    def covariance(self) -> Any:
        """The covariance matrix, or the variance of the only variable."""
        return self._shown(self.covariances)

    @property
    def sd(self) -> Any:
        """The standard deviation of every variable."""
        return self._shown(np.sqrt(float_array(np.diag(self.covariances))))

    @property
    def correlation(self) -> Array:
        """The correlation matrix; of a variable that does not vary it has zeros."""
        covariance = float_array(self.covariances)
        sd = np.sqrt(np.diag(covariance))
        product = np.outer(sd, sd)
        return np.divide(covariance, product, out=np.zeros_like(covariance), where=product > 0)

    def marginal(self, *variables: str) -> Mixture:
        """The distribution of some of the variables.

        Raises:
            QueryError: N002 for one that is not there.
        """
        at = [self._position(v) for v in variables]
        return Mixture(variables, self.weights, tuple(g.marginal(at) for g in self.parts))

    def cdf(self, x: Any) -> float:
        """The probability that no variable is above its number in `x`; raises as `probability`."""
        ends = self._point(x)
        intervals = {k: Interval(high=Fraction(e)) for k, e in enumerate(ends) if e != math.inf}
        if any(e == -math.inf for e in ends):
            return 0.0
        return float(sum(w * float(probability(g, intervals, PLAIN)) for w, g in self._floats()))

    def density(self, x: Any) -> float:
        """The density at a point; infinite where the distribution has an atom, or lies in fewer dimensions."""
        point = self._point(x)
        total = 0.0
        for w, g in self._floats():
            try:
                _, found = g.given(range(g.outputs), point)
            except ZeroProbabilityError:
                continue
            if found.rank < g.outputs:
                return math.inf
            total += w * math.exp(found.log)
        return total

    def quantile(self, p: float, variable: str = "") -> float:
        """The number below which a variable lies with probability `p`.

        Raises:
            QueryError: N002 if the variable is not there or not named, T025 unless `p` lies between 0 and 1.
        """
        if not 0 < p < 1:
            raise QueryError(Diagnostic("T025", f"a quantile is for a probability between 0 and 1, not {p}"))
        single = self.marginal(variable) if variable else self
        single._position(variable or (self.variables[0] if len(self.variables) == 1 else ""))
        spread = [(float(g.offset[0]), math.sqrt(max(float(g.covariance[0, 0]), 0.0))) for _, g in single._floats()]
        at = [m + s * NormalDist().inv_cdf(p) if s else m for m, s in spread]
        low, high = min(at), max(at)
        for _ in range(200):
            middle = (low + high) / 2
            if middle in (low, high):
                break
            low, high = (low, middle) if single.cdf(middle) >= p else (middle, high)
        return high

    def sample(self, n: int, seed: int = 0) -> Array:
        """Samples: a row for each, a column for every variable; of one variable a vector."""
        rng = np.random.default_rng(seed)
        chances = np.array([w for w, _ in self._floats()])
        which = rng.choice(len(chances), size=n, p=chances / chances.sum())
        rows = np.empty((n, len(self.variables)))
        for k, (_, g) in enumerate(self._floats()):
            at = which == k
            values, vectors = np.linalg.eigh(g.covariance)
            factor = vectors * np.sqrt(np.maximum(values, 0))
            rows[at] = g.offset + rng.standard_normal((int(at.sum()), len(values))) @ factor.T
        return rows[:, 0] if len(self.variables) == 1 else rows

    def _floats(self) -> list[tuple[float, Gaussian]]:
        return [(float(w), g.as_float()) for w, g in zip(self.weights, self.parts, strict=True)]

    def _shown(self, a: Array) -> Any:
        if len(self.variables) != 1:
            return a
        number = a.reshape(-1)[0]
        return number if isinstance(number, Fraction) else float(number)

    def _position(self, name: str) -> int:
        if name not in self.variables:
            message = f"this answer has no variable `{name}`" if name else "which variable?"
            notes = (f"its variables are {', '.join(self.variables)}",)
            raise QueryError(Diagnostic("N002", message, notes=notes))
        return self.variables.index(name)

    def _point(self, x: Any) -> list[float]:
        ends = [float(e) for e in (x if isinstance(x, Sequence | np.ndarray) else [x])]
        if len(ends) != len(self.variables):
            message = f"{len(ends)} number(s) for {len(self.variables)} variable(s)"
            raise QueryError(Diagnostic("T022", message, notes=(f"the variables are {', '.join(self.variables)}",)))
        return ends

    def _repr_html_(self) -> str:
        from semantics.mixture_text import html

        return html(self)

    def __repr__(self) -> str:
        def text(a: Any) -> str:
            return f"[{', '.join(text(e) for e in a)}]" if isinstance(a, np.ndarray) else f"{float(a):.6g}"

        lines = [
            (f"{float(w):.6g} * " if len(self.weights) > 1 else "") + f"normal(mean {text(m)}, covariance {text(c)})"
            for w, m, c in self.components[:12]
        ]
        more = [f"… {len(self.weights) - 12} more"] if len(self.weights) > 12 else []
        return f"{', '.join(self.variables)} ~ " + " + ".join([*lines, *more])


@dataclass(frozen=True, eq=False)
class Mixtures:
    """Mixtures along finite axes: for every combination of labels a `Mixture`, and in `weights` the probability of the
    labels of finite targets."""

    axes: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    cells: Mapping[tuple[str, ...], Mixture]
    weights: Mapping[tuple[str, ...], Number]

    @property
    def probabilities(self) -> Distribution:
        """The weights as a table."""
        array = np.full([len(v) for v in self.labels], Fraction(0), dtype=object)
        for at, w in self.weights.items():
            array[tuple(v.index(label) for v, label in zip(self.labels, at, strict=True))] = w
        return Distribution(self.axes, array, self.labels)

    def __getitem__(self, key: str | tuple[str, ...]) -> Mixture:
        """The mixture at one label per axis.

        Raises:
            QueryError: N003 for labels that are not there, or have probability zero.
        """
        at = (key,) if isinstance(key, str) else tuple(key)
        if at not in self.cells:
            message = f"there is no distribution at `{', '.join(map(str, at))}`"
            raise QueryError(Diagnostic("N003", message, notes=(f"the axes are {', '.join(self.axes)}",)))
        return self.cells[at]

    def _repr_html_(self) -> str:
        from semantics.mixture_text import html

        return html(self)

    def __repr__(self) -> str:
        return "\n".join(f"{', '.join(k)}: {m!r}" for k, m in self.cells.items())


@dataclass(frozen=True, eq=False)
class Linear:
    """How real variables depend on others that are left free: normal around an affine function of them.

    Call it with numbers for the inputs: `f(X=1)`. With `only_mean` the distribution around it is not told.
    """

    variables: tuple[str, ...]
    inputs: tuple[str, ...]
    kernel: Gaussian
    only_mean: bool = False

    def __call__(self, values: Mapping[str, object] | None = None, **named: object) -> Any:
        """The mean (of an expectation), or the distribution, at some values of the inputs.

        Raises:
            QueryError: N002 for an input that is missing or unknown.
        """
        told = {**(values or {}), **named}
        for n in (*self.inputs, *told):
            if n not in told or n not in self.inputs:
                message = f"`{n}` has no value" if n not in told else f"`{n}` is no input of this function"
                raise QueryError(Diagnostic("N002", message, notes=(f"its inputs are {', '.join(self.inputs)}",)))
        given = [told[n] for n in self.inputs]
        exact = self.kernel.exact and not any(isinstance(v, float) for v in given)
        state = (self.kernel if exact else self.kernel.as_float()).at([Fraction(str(v)) for v in given])
        found = Mixture(self.variables, (Fraction(1),), (state,))
        return found.mean if self.only_mean else found

    def slope(self, variable: str, of: str) -> Number:
        """The coefficient of an input."""
        found: Number = self.kernel.matrix[self.variables.index(variable), self.inputs.index(of)]
        return found

    def _repr_html_(self) -> str:
        from semantics.mixture_text import html

        return html(self)

    def __repr__(self) -> str:
        return "; ".join(f"{v} = {t}" for v, t in zip(self.variables, self.texts(), strict=True))

    def texts(self, digits: int = 6) -> list[str]:
        """The affine function of every variable, in words: `2 * X + 1`."""
        return [
            _affine_text(row, self.inputs, c, digits)
            for row, c in zip(self.kernel.matrix, self.kernel.offset, strict=True)
        ]


def _affine_text(slopes: Array, names: Sequence[str], offset: Number, digits: int) -> str:
    text = ""
    for slope, name in [*zip(slopes, names, strict=True), (offset, "")]:
        if slope == 0 and (name or text):
            continue
        size = f"{abs(float(slope)):.{digits}g}"
        term = (name if size == "1" else f"{size} * {name}") if name else size
        sign = " - " if slope < 0 else " + "
        text += f"{sign}{term}" if text else (f"-{term}" if slope < 0 else term)
    return text or "0"


def combined(weights: Sequence[Number], kernels: Sequence[Gaussian]) -> Gaussian:
    """The mean of a mixture of kernels, as a sharp kernel."""
    exact = all(g.exact for g in kernels) and not any(isinstance(w, float) for w in weights)
    parts = kernels if exact else [g.as_float() for g in kernels]
    matrix = sum((w * g.matrix for w, g in zip(weights, parts, strict=True)), zeros(parts[0].matrix.shape, exact))
    offset = sum((w * g.offset for w, g in zip(weights, parts, strict=True)), zeros(parts[0].offset.shape, exact))
    return Gaussian(matrix, offset, zeros(parts[0].covariance.shape, exact))
