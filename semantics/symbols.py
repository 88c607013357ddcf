"""Claims proved with symbols: the free entries of all tables are unknowns, both sides are rational functions of them.

A proof for the numbers of values that the model declares, by sympy's polynomials; exact, and for small models only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from semantics.claim import Claim, asking
from semantics.evaluate import aligned, evaluate_in
from semantics.kernel import Table, size
from semantics.polynomials import Polynomials, RationalFunctions, field_of, objects
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
    from sympy import symbols

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
    functions = field_of(symbols(f"p:{count}"))
    left = iter(functions.gens)
    tables: dict[str, Table] = {}
    for name, b in boxes.items():
        entries: list[Any] = []
        for _ in range(int(np.prod(columns[name], dtype=int))):
            free = [next(left) for _ in range(widths[name] - 1)]
            entries += [*free, functions(1) - sum(free, functions(0))]
        tables[name] = Table(b.dom, b.cod, objects(entries, [*columns[name], *(size(x) for x in b.cod)]))
    numbers = Polynomials(functions)
    rational = RationalFunctions(numbers)
    ask = asking(shape, {**claim.policies, **tables}, numbers, rational)
    sides = [evaluate_in(rational, side, ask, claim.values(shape)) for side in claim.body.operands]
    _, arrays, _ = aligned(sides)
    holds = all(not (arrays[0] - other).any() for other in arrays[1:])
    return Proof(bool(holds), count)
