"""Stoch: finite sets and stochastic matrices, in float64 or in exact fractions.

The interpretation of a causal model's diagram is its joint distribution (Jacobs, Kissinger, Zanasi 2019, section 4).
A diagram is contracted as a tensor network; the categorical operations are there too, for folding and for comparing.

>>> from strings.diagram import box, copy
>>> from strings.signature import Box
>>> A = Object("A", ("0", "1"))
>>> coin = Box("coin", (), (A,))
>>> stoch = Stochastic({"coin": Kernel((), (A,), [Fraction(1, 4), Fraction(3, 4)])}, exact=True)
>>> stoch.contract(box(coin) >> copy((A,))).array.tolist()
[[Fraction(1, 4), Fraction(0, 1)], [Fraction(0, 1), Fraction(3, 4)]]
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from semantics.arithmetic import Arithmetic, Floats, Fractions, Logarithms, PrecisionError
from semantics.contract import contract
from semantics.distribution import Array
from semantics.kernel import Kernel, Tables, point_array, size, uniform_array
from semantics.network import Wiring, fix_points, network_of, spread
from strings.diagram import Diagram
from strings.signature import Box, Object, Ty


@dataclass(frozen=True)
class Stochastic:
    """The target Stoch, given the kernels of the boxes by name.

    With `exact`, entries are fractions (the kernels must be); `max_memory` bounds the bytes a contraction may take.
    """

    tables: Tables
    exact: bool = False
    max_memory: int | None = None

    def contract(self, diagram: Diagram) -> Kernel:
        """The kernel of a whole diagram.

        Raises:
            LimitError: L001 if it needs too much memory.
        """
        if self.exact:
            return self._contract(diagram, Fractions())
        try:
            return self._contract(diagram, Floats())
        except PrecisionError:
            return self._contract(diagram, Logarithms())

    def _contract(self, diagram: Diagram, arithmetic: Arithmetic) -> Kernel:
        wiring = Wiring(diagram.wires)
        fix_points(wiring, diagram)
        wires = (*range(len(diagram.dom)), *diagram.outs)
        network = network_of(diagram, self.tables, wiring, wires, exact=self.exact)
        found = contract(network, arithmetic, self.max_memory)
        return self._kernel(diagram.dom, diagram.cod, spread(arithmetic.values(found), network.output, wires, wiring))

    def box(self, b: Box) -> Kernel:
        """The kernel of a box, or a sharp state."""
        if b.kind == "point":
            return self._kernel((), b.cod, point_array(b.cod[0], b.value, self.exact))
        table = self.tables[b.name]
        return self._kernel(table.dom, table.cod, (table if self.exact else table.as_float()).array)

    def uniform(self, x: Object) -> Kernel:
        """The uniform state."""
        return self._kernel((), (x,), uniform_array(x, self.exact))

    def identity(self, ty: Ty) -> Kernel:
        """The identity matrix."""
        n = _volume(ty)
        return self._kernel(ty, ty, self._numbers(np.eye(n, dtype=int)))

    def copy(self, ty: Ty) -> Kernel:
        """`a` to `(a, a)`."""
        n = _volume(ty)
        array = np.zeros((n, n, n), dtype=int)
        array[np.arange(n), np.arange(n), np.arange(n)] = 1
        return self._kernel(ty, (*ty, *ty), self._numbers(array))

    def discard(self, ty: Ty) -> Kernel:
        """A row of ones."""
        return self._kernel(ty, (), self._numbers(np.ones(_volume(ty), dtype=int)))

    def swap(self, left: Ty, right: Ty) -> Kernel:
        """`(a, b)` to `(b, a)`."""
        n, m = _volume(left), _volume(right)
        array = np.eye(n * m, dtype=int).reshape(n, m, n, m).transpose(0, 1, 3, 2)
        return self._kernel((*left, *right), (*right, *left), self._numbers(array))

    def then(self, f: Kernel, g: Kernel) -> Kernel:
        """The product of the matrices."""
        n, m, k = _volume(f.dom), _volume(f.cod), _volume(g.cod)
        return self._kernel(f.dom, g.cod, np.matmul(f.array.reshape(n, m), g.array.reshape(m, k)))

    def tensor(self, f: Kernel, g: Kernel) -> Kernel:
        """The Kronecker product."""
        a, b, c, d = _volume(f.dom), _volume(f.cod), _volume(g.dom), _volume(g.cod)
        array = f.array.reshape(a, 1, b, 1) * g.array.reshape(1, c, 1, d)
        return self._kernel((*f.dom, *g.dom), (*f.cod, *g.cod), array)

    def _kernel(self, dom: Ty, cod: Ty, array: Array) -> Kernel:
        return Kernel(dom, cod, np.asarray(array).reshape([size(x) for x in (*dom, *cod)]))

    def _numbers(self, array: Array) -> Array:
        if not self.exact:
            return array.astype(np.float64)
        made = np.full(array.shape, Fraction(0), dtype=object)
        made[array == 1] = Fraction(1)
        return made


def _volume(ty: Ty) -> int:
    n = 1
    for x in ty:
        n *= size(x)
    return n
