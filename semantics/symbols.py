"""Claims proved with symbols: the free entries of all tables are unknowns, both sides are rational functions of them.

A proof for the numbers of values that the model declares, by sympy's polynomials; exact, and for small models only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from semantics.arithmetic import Tensor
from semantics.claim import Claim, asking
from semantics.distribution import Array
from semantics.evaluate import aligned, evaluate_in
from semantics.kernel import Table, size
from strings.diagnostic import Diagnostic, LimitError, QueryError
from strings.model import CausalModel

_MOST_SYMBOLS = 24


@dataclass(frozen=True)
class Proof:
    """Whether both sides of a claim are the same rational function of `symbols` unknowns."""

    holds: bool
    symbols: int

    def describe(self) -> str:
        """What was shown, in a line."""
        return f"proved: both sides are the same rational function of {self.symbols} unknowns"


def prove(shape: CausalModel, claim: Claim) -> Proof:
    """Decide a claim that sides are equal, for the numbers of values that the model declares.

    Raises:
        QueryError: Q009 if the claim is not of equalities.
        LimitError: L003 if there are too many unknowns for symbols.
    """
    from sympy import QQ
    from sympy.polys.fields import field

    if any(op != "==" for op in claim.body.ops):
        message = "symbols decide whether sides are equal, not which is larger"
        raise QueryError(
            Diagnostic(
                "Q009", message, span=claim.body.span, help=("search for a violation: `check … for 5000 models`",)
            )
        )
    shape = claim.shapes(shape)[0]
    boxes = claim.boxes(shape)
    columns = {name: [size(x) for x in b.dom] for name, b in boxes.items()}
    widths = {name: int(np.prod([size(x) for x in b.cod], dtype=int)) for name, b in boxes.items()}
    count = sum(int(np.prod(columns[n], dtype=int)) * (widths[n] - 1) for n in boxes)
    if count > _MOST_SYMBOLS:
        raise LimitError(
            Diagnostic(
                "L003",
                f"this claim has {count:,} unknowns: too many for symbols",
                notes=(f"the limit is {_MOST_SYMBOLS}",),
                help=("check it over finite fields: `check … for 500 models`",),
            )
        )
    functions, *unknowns = field([f"p{k}" for k in range(max(count, 1))], QQ)
    left = iter(unknowns)
    tables: dict[str, Table] = {}
    for name, b in boxes.items():
        rows = []
        for _ in range(int(np.prod(columns[name], dtype=int))):
            free = [next(left) for _ in range(widths[name] - 1)]
            rows.append([*free, functions(1) - sum(free, functions(0))])
        tables[name] = Table(b.dom, b.cod, _objects(rows).reshape([*columns[name], *(size(x) for x in b.cod)]))
    ring = _Functions(functions)
    ask = asking(shape, {**claim.policies, **tables}, ring, ring)
    sides = [evaluate_in(ring, side, ask, claim.values(shape)) for side in claim.body.operands]
    _, arrays, _ = aligned(sides)
    holds = all(not (arrays[0] - other).any() for other in arrays[1:])
    return Proof(bool(holds), count)


def _objects(rows: Sequence[Sequence[Any]]) -> Array:
    made = np.empty((len(rows), len(rows[0])), dtype=object)
    for k, row in enumerate(rows):
        for j, entry in enumerate(row):
            made[k, j] = entry
    return made


@dataclass(frozen=True)
class _Functions:
    """Rational functions as an arithmetic of tables, and as numbers of formulas."""

    field: Any
    exact: bool = True
    entry_bytes: int = 4096
    slowness: int = 10_000
    nil: int = 0

    def _member(self, x: Any) -> Any:
        if isinstance(x, Fraction):
            return self.field(x.numerator) / self.field(x.denominator)
        return self.field(x) if isinstance(x, int) else x

    def load(self, array: Array) -> Tensor:
        made = np.empty(array.shape, dtype=object)
        for at, x in np.ndenumerate(array):
            made[at] = self._member(x)
        return Tensor(made)

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        inner = left.array.shape[2]
        return Tensor(left.array * right.array if inner == 1 else np.matmul(left.array, right.array))

    def total(self, tensor: Any, axes: tuple[int, ...]) -> Any:
        if isinstance(tensor, Tensor):
            return tensor.arranged(np.asarray(tensor.array.sum(axis=axes), dtype=object))
        return np.asarray(tensor.sum(axis=axes), dtype=object)

    def zeros(self, tensor: Tensor) -> Array:
        return np.asarray(tensor.array == 0, dtype=bool)

    def values(self, tensor: Tensor) -> Array:
        return tensor.array

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        return np.asarray(above.array / below.array, dtype=object)

    def columns(self, joint: Array) -> tuple[Array, Array]:
        sums = np.asarray(joint.sum(axis=-1, keepdims=True), dtype=object)
        holes = np.asarray(sums == 0, dtype=bool)
        return joint / np.where(holes, self.field(1), sums), holes[..., 0]

    def constant(self, value: Fraction, exact: bool) -> Array:
        made = np.empty((), dtype=object)
        made[()] = self._member(value)
        return made

    def combine(self, op: str, left: Array, right: Array) -> Array:
        match op:
            case "+":
                return np.asarray(left + right, dtype=object)
            case "-":
                return np.asarray(left - right, dtype=object)
            case "*":
                return np.asarray(left * right, dtype=object)
            case _:
                return np.asarray(left / right, dtype=object)

    def divides(self, array: Array) -> bool:
        return not (array == 0).any()

    def power(self, base: Array, exponent: int) -> Array:
        return np.asarray(base**exponent, dtype=object)
