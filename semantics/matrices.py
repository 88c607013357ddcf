"""Finite sets and matrices over a semiring: the target of every semantics whose boxes are tables.

What the entries are is said by an `Arithmetic`: floats and fractions give stochastic matrices (`semantics.stochastic`),
truth values give relations (`semantics.possibility`), members of a finite field give random models, polynomials
give formulas. Rows have to sum to 1: those matrices form a Markov category (Fritz 2020, Adv. Math. 370).

>>> from fractions import Fraction
>>> from semantics.arithmetic import Fractions
>>> from strings.diagram import box
>>> A = Object("A", ("0", "1"))
>>> tables = {"coin": Table((), (A,), number_array([Fraction(1, 4), Fraction(3, 4)]))}
>>> matrices = Matrices(tables, Fractions())
>>> coin = matrices.contract(box(Box("coin", (), (A,))))
>>> matrices.then(coin, matrices.copy((A,))).array.tolist()
[[Fraction(1, 4), Fraction(0, 1)], [Fraction(0, 1), Fraction(3, 4)]]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from semantics.arithmetic import Arithmetic
from semantics.contract import contract
from semantics.distribution import Array, number_array
from semantics.kernel import Table, Tables, point_array, size, uniform_array
from semantics.network import Wiring, fix_points, network_of, spread
from strings.diagram import Diagram
from strings.signature import Box, Object, Ty


@dataclass(frozen=True)
class Matrices:
    """The target, given the tables of the boxes by name; `max_memory` bounds the bytes a contraction may take."""

    tables: Tables
    arithmetic: Arithmetic
    max_memory: int | None = None

    def contract(self, diagram: Diagram) -> Table:
        """The matrix of a whole diagram.

        Raises:
            LimitError: L001 if it needs too much memory.
        """
        return self._contracted(diagram, self.arithmetic)

    def _contracted(self, diagram: Diagram, arithmetic: Arithmetic) -> Table:
        wiring = Wiring(diagram.wires)
        fix_points(wiring, diagram)
        wires = (*range(len(diagram.dom)), *diagram.outs)
        network = network_of(diagram, self.tables, wiring, wires, exact=arithmetic.exact)
        found = arithmetic.values(contract(network, arithmetic, self.max_memory))
        return self._made(diagram.dom, diagram.cod, spread(found, network.output, wires, wiring, self.zero))

    @property
    def zero(self) -> Any:
        """The number 0."""
        return self.arithmetic.values(self.arithmetic.load(_numbers(np.zeros(1), self.arithmetic.exact)))[0]

    def box(self, b: Box) -> Table:
        """The table of a box, or a sharp state."""
        if b.kind == "point":
            return self._loaded((), b.cod, point_array(b.cod[0], b.value, self.arithmetic.exact))
        table = self.tables[b.name]
        return self._loaded(table.dom, table.cod, (table if self.arithmetic.exact else table.as_float()).array)

    def uniform(self, x: Object) -> Table:
        """The uniform state."""
        return self._loaded((), (x,), uniform_array(x, self.arithmetic.exact))

    def identity(self, ty: Ty) -> Table:
        """The identity matrix."""
        return self._structure(ty, ty, np.eye(volume(ty)))

    def copy(self, ty: Ty) -> Table:
        """`a` to `(a, a)`."""
        n = volume(ty)
        array = np.zeros((n, n, n))
        array[np.arange(n), np.arange(n), np.arange(n)] = 1
        return self._structure(ty, (*ty, *ty), array)

    def discard(self, ty: Ty) -> Table:
        """A row of ones."""
        return self._structure(ty, (), np.ones(volume(ty)))

    def swap(self, left: Ty, right: Ty) -> Table:
        """`(a, b)` to `(b, a)`."""
        n, m = volume(left), volume(right)
        array = np.eye(n * m).reshape(n, m, n, m).transpose(0, 1, 3, 2)
        return self._structure((*left, *right), (*right, *left), array)

    def then(self, f: Table, g: Table) -> Table:
        """The product of the matrices."""
        n, m, k = volume(f.dom), volume(f.cod), volume(g.cod)
        return self._made(f.dom, g.cod, self.product(f.array.reshape(1, n, m), g.array.reshape(1, m, k)))

    def tensor(self, f: Table, g: Table) -> Table:
        """The Kronecker product."""
        a, b, c, d = volume(f.dom), volume(f.cod), volume(g.dom), volume(g.cod)
        array = self.product(f.array.reshape(1, a * b, 1), g.array.reshape(1, 1, c * d))
        return self._made((*f.dom, *g.dom), (*f.cod, *g.cod), array.reshape(a, b, c, d).transpose(0, 2, 1, 3))

    def product(self, left: Array, right: Array) -> Array:
        """The products of stacks of matrices, of shapes (b, i, k) and (b, k, j)."""
        a = self.arithmetic
        return a.values(a.product(a.load(left), a.load(right)))

    def _structure(self, dom: Ty, cod: Ty, array: Array) -> Table:
        return self._loaded(dom, cod, _numbers(array, self.arithmetic.exact))

    def _loaded(self, dom: Ty, cod: Ty, array: Array) -> Table:
        """A table of numbers in this arithmetic."""
        return self._made(dom, cod, self.arithmetic.values(self.arithmetic.load(array)))

    def _made(self, dom: Ty, cod: Ty, array: Array) -> Table:
        return Table(dom, cod, np.asarray(array).reshape([size(x) for x in (*dom, *cod)]))


def volume(ty: Ty) -> int:
    """How many combinations of values some wires have."""
    return math.prod(size(x) for x in ty)


def _numbers(array: Array, exact: bool) -> Array:
    """Zeros and ones, as floats or as fractions."""
    return number_array(array.astype(int).astype(object)) if exact else array
