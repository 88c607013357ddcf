"""Tables of probabilities with named axes: what a question is answered with.

>>> d = Distribution(("C",), [Fraction(3387, 7400), Fraction(4013, 7400)], (("no", "yes"),))
>>> d["yes"]
Fraction(4013, 7400)
>>> print(d)
C    probability  exact
no   0.457703     3387/7400
yes  0.542297     4013/7400
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from strings.diagnostic import CutwireError, Diagnostic, LimitError, did_you_mean

Array = npt.NDArray[Any]
"""A numpy array of float64, or of `Fraction` objects (exact)."""

Number = float | Fraction

_LARGEST_FLOAT = Fraction(sys.float_info.max)
_MOST_ROWS = 60
_MOST_DIGITS = 12  # of the denominator of a fraction that is worth reading


def number_array(array: Any) -> Array:
    """A read-only array of float64, or of Fractions if the entries are Fractions.

    Raises:
        CutwireError: T022 for entries that are no numbers, or lists of different lengths.
    """
    try:
        raw = np.asarray(array)
        if raw.dtype.kind in "biuf":
            made = np.array(raw, dtype=np.float64)
        elif raw.dtype == object:
            made = _of_objects(raw)
        else:
            raise TypeError(f"{raw.dtype.name} entries are no numbers")
    except (TypeError, ValueError, OverflowError) as e:
        raise CutwireError(Diagnostic("T022", "this is no array of numbers", notes=(str(e),))) from None
    made.flags.writeable = False
    return made


def _of_objects(raw: Array) -> Array:
    """An array of fractions, or of floats if any entry is one."""
    entries = raw.reshape(-1)  # `flat` stops at 32 axes
    kinds = set(map(type, entries))
    odd = next((k for k in kinds if not issubclass(k, Real | Decimal)), None)
    if odd is not None:
        raise TypeError(f"an entry is a {odd.__name__}, not a number")
    if any(issubclass(k, float | np.floating) for k in kinds):
        return raw.astype(np.float64)
    made = np.empty(len(entries), dtype=object)
    made[:] = entries if kinds == {Fraction} else [x if isinstance(x, Fraction) else Fraction(x) for x in entries]
    return made.reshape(raw.shape)


MOST_AXES = 32
"""So many axes has an array that every numpy can hold and walk through."""


def check_axes(axes: int, what: str, help: str = "leave fewer variables free") -> None:
    """Refuse a table with more axes than an array can have.

    Raises:
        LimitError: L003.
    """
    if axes > MOST_AXES:
        raise LimitError(Diagnostic("L003", f"{what} would have {axes} axes; the limit is {MOST_AXES}", help=(help,)))


def significant(p: Number, digits: int = 6) -> str:
    """A number with at most `digits` significant digits.

    >>> significant(Fraction(1, 3)), significant(0.5)
    ('0.333333', '0.5')
    """
    if isinstance(p, Fraction) and abs(p) > _LARGEST_FLOAT:
        return f"{Decimal(p.numerator) / Decimal(p.denominator):.{digits}g}"
    return f"{float(p):.{digits}g}"


def no_value(label: str, name: str, labels: Sequence[str]) -> Diagnostic:
    """N003 with a did-you-mean: a variable does not take a value."""
    shown = ", ".join(labels[:12])
    return Diagnostic(
        "N003",
        f"`{label}` is not a value of `{name}`",
        label=f"not in {{{shown}}}",
        notes=(f"`{name}` takes {shown}{', …' if labels[12:] else ''}",),
        help=did_you_mean(label, labels),
    )


def float_array(array: Array) -> Array:
    """The entries in float64; fractions too large for it become infinite."""
    if array.dtype == object and any(abs(p) > _LARGEST_FLOAT for p in array.flat):
        made = [float(p) if abs(p) <= _LARGEST_FLOAT else (math.inf if p > 0 else -math.inf) for p in array.flat]
        return np.array(made).reshape(array.shape)
    return array.astype(np.float64)


def fraction_text(p: Fraction) -> str:
    """`a/b`, or `a` for a whole number, of any length.

    >>> fraction_text(Fraction(1, 3)), len(fraction_text(Fraction(1, 10**5000)))
    ('1/3', 5003)
    """
    above, below = (str(Decimal(n)) for n in p.as_integer_ratio())  # `str` refuses whole numbers beyond 4300 digits
    return above if below == "1" else f"{above}/{below}"


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Distribution:
    """A table of numbers with one named axis per variable.

    `array` is float64, or an object array of `fractions.Fraction` (then the distribution is `exact`); `values` are the
    labels of each axis in order, `0, 1, …` unless given. Conditionals have an axis for what is conditioned on too, and
    the value of a formula need not sum to 1, so the entries are not checked.

    Raises:
        CutwireError: T022 if the shape of `array` does not fit `variables` and `values`, or an entry is no number.
        LimitError: L003 if there are more than 32 axes.
    """

    variables: tuple[str, ...]
    array: Array
    values: tuple[tuple[str, ...], ...]

    def __init__(
        self,
        variables: Sequence[str],
        array: Any,
        values: Sequence[Sequence[str]] | None = None,
    ) -> None:
        names = tuple(variables)
        check_axes(len(names), "this table", "use fewer variables")
        table = number_array(array)
        labels = _labels(table, values)
        _check_axes(names, table, labels)
        object.__setattr__(self, "variables", names)
        object.__setattr__(self, "array", table)
        object.__setattr__(self, "values", labels)

    @staticmethod
    def made(variables: tuple[str, ...], array: Array, values: tuple[tuple[str, ...], ...]) -> Distribution:
        """A distribution from parts that are known to fit together: nothing is checked or copied."""
        array.flags.writeable = False
        new = object.__new__(Distribution)
        parts = new.__dict__
        parts["variables"], parts["array"], parts["values"] = variables, array, values
        return new

    @property
    def exact(self) -> bool:
        """Whether the entries are fractions."""
        return self.array.dtype == object

    def axis(self, name: str) -> int:
        """The number of the axis called `name`.

        Raises:
            CutwireError: N002 with a did-you-mean.
        """
        if name not in self.variables:
            raise CutwireError(
                Diagnostic(
                    "N002",
                    f"this table has no axis `{name}`",
                    notes=(f"its axes are {', '.join(self.variables) or 'none'}",),
                    help=did_you_mean(name, self.variables),
                )
            )
        return self.variables.index(name)

    def labels(self, name: str) -> tuple[str, ...]:
        """The values along the axis `name`, in order."""
        return self.values[self.axis(name)]

    def __getitem__(self, key: object) -> Any:
        """The entry at one value per axis; with fewer values than axes, the rest as a smaller distribution.

        Raises:
            CutwireError: N003 with a did-you-mean if a value is none of the axis, or there are too many.
        """
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) > len(self.variables):
            raise CutwireError(
                Diagnostic(
                    "N003",
                    f"{len(keys)} value(s) given, this table has {len(self.variables)} axis(es)",
                    notes=(f"its axes are {', '.join(self.variables) or 'none'}",),
                )
            )
        at = tuple(self._position(n, str(k)) for n, k in enumerate(keys))
        found = self.array[at]
        if len(keys) == len(self.variables):
            return found if self.exact else float(found)
        return Distribution(self.variables[len(keys) :], found, self.values[len(keys) :])

    def _position(self, axis: int, label: str) -> int:
        labels = self.values[axis]
        if label not in labels:
            raise CutwireError(no_value(label, self.variables[axis], labels))
        return labels.index(label)

    def marginal(self, *names: str) -> Distribution:
        """The sum over every axis that is not named; the axes stand in the order of `names`.

        >>> Distribution(("A", "B"), [[Fraction(1, 2), Fraction(1, 4)], [Fraction(1, 4), 0]]).marginal("B")["0"]
        Fraction(3, 4)
        """
        kept = [self.axis(n) for n in names]
        out = tuple(i for i in range(len(self.variables)) if i not in kept)
        summed = self.array.sum(axis=out) if out else self.array
        order = sorted(kept)
        moved = np.transpose(np.asarray(summed), [order.index(i) for i in kept])
        return Distribution(names, moved, [self.values[i] for i in kept])

    def as_float(self) -> Distribution:
        """The same table in float64."""
        return Distribution(self.variables, float_array(self.array), self.values) if self.exact else self

    def rows(self) -> Iterable[tuple[tuple[str, ...], Any]]:
        """Every combination of values with its number, the last axis fastest."""
        return zip(itertools.product(*self.values), self.array.flat, strict=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Distribution):
            return NotImplemented
        return (
            self.variables == other.variables
            and self.values == other.values
            and self.exact == other.exact
            and np.array_equal(self.array, other.array)
        )

    def __hash__(self) -> int:
        return hash((self.variables, self.values))

    def __float__(self) -> float:
        return float(self.array[()])

    def __str__(self) -> str:
        if not self.variables:
            p: Any = self.array[()]
            exact = _readable(p)
            return significant(p) + (f" = {exact}" if exact else "")
        shown = list(itertools.islice(self.rows(), _MOST_ROWS))
        fractions = [_readable(p) for _, p in shown]
        table = [[*self.variables, "probability", *(["exact"] if any(fractions) else [])]]
        for (labels, p), fraction in zip(shown, fractions, strict=True):
            table.append([*labels, significant(p), *([fraction] if any(fractions) else [])])
        widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in table]
        if self.array.size > _MOST_ROWS:
            lines.append(f"… and {self.array.size - _MOST_ROWS} more")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from semantics.html import distribution_html

        return distribution_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; exact entries as `"a/b"`.

        >>> Distribution(("A",), [Fraction(1, 4), Fraction(3, 4)]).to_dict()["exact"]
        ['1/4', '3/4']
        """
        return {
            "variables": list(self.variables),
            "values": {n: list(v) for n, v in zip(self.variables, self.values, strict=True)},
            "probabilities": float_array(self.array).tolist(),
            "exact": _texts(self.array.tolist()) if self.exact else None,
        }


def _labels(table: Array, values: object) -> tuple[tuple[str, ...], ...]:
    if values is None:
        return tuple(tuple(map(str, range(n))) for n in table.shape)
    axes = tuple(values) if isinstance(values, Iterable) else (None,)
    if any(isinstance(axis, str) or not isinstance(axis, Iterable) for axis in axes):
        raise _misfit("`values` is one list of values for every axis")
    return tuple(tuple(map(str, axis)) for axis in axes)


def _check_axes(names: tuple[str, ...], table: Array, labels: tuple[tuple[str, ...], ...]) -> None:
    wanted = tuple(len(axis) for axis in labels)
    if len(names) != table.ndim or len(labels) != table.ndim:
        given = f"{len(names)} variable(s) and {len(labels)} list(s) of values"
        raise _misfit(f"{given} for an array of {table.ndim} axis(es)")
    if wanted != table.shape:
        raise _misfit(f"the array has shape {table.shape}, the variables take {wanted} values")
    if len(set(names)) < len(names):
        raise _misfit(f"a variable stands twice among {', '.join(map(str, names))}")
    for name, axis in zip(names, labels, strict=True):
        if len(set(axis)) < len(axis):
            raise _misfit(f"a value of `{name}` stands twice among {', '.join(axis[:12])}")


def _misfit(problem: str) -> CutwireError:
    return CutwireError(Diagnostic("T022", "the array does not fit the variables", notes=(problem,)))


def _readable(p: Number) -> str:
    """`a/b` if `p` is exact and its denominator is short."""
    short = isinstance(p, Fraction) and p.denominator < 10**_MOST_DIGITS and abs(p) < 10**_MOST_DIGITS
    return str(p) if short else ""


def _texts(entries: Any) -> Any:
    return [_texts(e) for e in entries] if isinstance(entries, list) else fraction_text(entries)
