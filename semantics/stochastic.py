"""Stoch: finite sets and stochastic matrices, in float64 or in exact fractions.

The interpretation of a causal model's diagram is its joint distribution (Jacobs, Kissinger, Zanasi 2019, section 4).
A diagram is contracted as a tensor network; the categorical operations are there too, for folding and for comparing.

>>> from fractions import Fraction
>>> from strings.diagram import box, copy
>>> from strings.signature import Box, Object
>>> A = Object("A", ("0", "1"))
>>> coin = Box("coin", (), (A,))
>>> stoch = Stochastic({"coin": Kernel((), (A,), [Fraction(1, 4), Fraction(3, 4)])}, exact=True)
>>> stoch.contract(box(coin) >> copy((A,))).array.tolist()
[[Fraction(1, 4), Fraction(0, 1)], [Fraction(0, 1), Fraction(3, 4)]]
"""

from __future__ import annotations

import numpy as np

from semantics.arithmetic import Floats, Fractions, Logarithms, PrecisionError
from semantics.distribution import Array
from semantics.kernel import Kernel, Table, Tables, size
from semantics.matrices import Matrices
from strings.diagram import Diagram
from strings.signature import Ty


class Stochastic(Matrices):
    """The target Stoch, given the kernels of the boxes by name; everything that comes out is checked to be a kernel.

    With `exact`, entries are fractions (the kernels must be); `max_memory` bounds the bytes a contraction may take.
    """

    def __init__(self, tables: Tables, exact: bool = False, max_memory: int | None = None) -> None:
        super().__init__(tables, Fractions() if exact else Floats(), max_memory)

    def contract(self, diagram: Diagram) -> Table:
        try:
            return super().contract(diagram)
        except PrecisionError:
            return self._contracted(diagram, Logarithms())

    def _made(self, dom: Ty, cod: Ty, array: Array) -> Kernel:
        return Kernel(dom, cod, np.asarray(array).reshape([size(x) for x in (*dom, *cod)]))
