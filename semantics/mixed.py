"""Finite and real wires in one category: finite mixtures of Gaussian kernels.

A conditional Gaussian model (Lauritzen, Wermuth 1989) has finite variables that hear no real ones, and real variables
that are linear with normal noise for each combination of the finite ones they hear. Its diagrams denote kernels that
send finite values to a list of components: a weight, finite values, and a kernel of Gauss between the real wires. They
compose, so they make a category with copying and discarding; stochastic matrices and Gauss lie in it.

>>> from strings.diagram import box
>>> X, S = Object("X", None, "real"), Object("S", ("no", "yes"))
>>> s = Kernel((), (S,), [Fraction(1, 4), Fraction(3, 4)])
>>> x = LinearBox((S,), X, {(0,): Gaussian.of([[]], [0], [[1]]), (1,): Gaussian.of([[]], [4], [[1]])})
>>> gauss = Gauss({"s": s}, {"x": x}, exact=True)
>>> print(gauss.contract(box(Box("s", (), (S,))) >> box(Box("x", (S,), (X,)))))
1/4 * normal([0], [[1]]) + 3/4 * normal([4], [[1]])
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from semantics.distribution import Number
from semantics.gaussian import Gaussian, dot, zeros
from semantics.kernel import Kernel, Table, Tables, point_array, uniform_array
from semantics.matrices import Matrices
from semantics.mixture import PLAIN, Scalars
from semantics.stochastic import Stochastic
from strings.diagnostic import Diagnostic, LimitError, QueryError
from strings.diagram import Builder, Diagram
from strings.signature import Box, Object, Ty

MOST_CONFIGURATIONS = 100_000
"""So many combinations of finite values are gone through."""

Values = tuple[int, ...]
"""Values of finite wires, by their places."""


@dataclass(frozen=True, eq=False)
class Component:
    """One of the kernels of a mixture: its weight, the values of the finite outputs, and the real part."""

    weight: Number
    values: Values
    gaussian: Gaussian


@dataclass(frozen=True, eq=False)
class MixedKernel:
    """A kernel between finite and real wires: for all values of the finite inputs the components of a mixture."""

    dom: Ty
    cod: Ty
    cells: Mapping[Values, tuple[Component, ...]]

    @property
    def state(self) -> tuple[Component, ...]:
        """The components, if there is no finite input."""
        return self.cells[()]

    def __str__(self) -> str:
        lines = []
        for values, components in self.cells.items():
            told = ", ".join(x.values[v] for x, v in zip(finite(self.dom), values, strict=True) if x.values)
            parts = []
            for c in components:
                out = [x.values[v] for x, v in zip(finite(self.cod), c.values, strict=True) if x.values]
                real = [str(c.gaussian)] if c.gaussian.outputs else []
                parts.append(" * ".join([str(c.weight), *out, *real]))
            lines.append((f"{told} -> " if told else "") + " + ".join(parts))
        return "\n".join(lines)


def finite(ty: Ty) -> Ty:
    """The wires that take finitely many values."""
    return tuple(x for x in ty if not x.space)


def real(ty: Ty) -> Ty:
    """The wires that carry numbers."""
    return tuple(x for x in ty if x.space)


def configurations(ty: Ty) -> Iterable[Values]:
    """All values of some finite wires.

    Raises:
        LimitError: L003 if they are too many.
    """
    sizes = [len(x.values or ()) for x in ty]
    check_configurations(sizes, [x.name for x in ty])
    return itertools.product(*(range(n) for n in sizes))


def check_configurations(sizes: Sequence[int], names: Sequence[str]) -> None:
    """L003 if so many values have too many combinations."""
    if (n := math.prod(sizes)) > MOST_CONFIGURATIONS:
        raise LimitError(
            Diagnostic(
                "L003",
                f"{', '.join(dict.fromkeys(names))} have {n:,} combinations of values: too many for a mixture",
                notes=(f"the limit is {MOST_CONFIGURATIONS:,}",),
                help=('ask with sampling: --semantics pyro, semantics="pyro"',),
            )
        )


@dataclass(frozen=True, eq=False)
class LinearBox:
    """A box with a real output: a kernel of Gauss from its real inputs, for all values of its finite ones."""

    dom: Ty
    target: Object
    cells: Mapping[Values, Gaussian]


@dataclass(frozen=True)
class Gauss:
    """The target category, given the boxes by name: `tables` of those with a finite output, `linear` of the others.

    It implements `semantics.category.Semantics`, and `contract`, which goes through the combinations of only those
    finite values that a real wire hears. A state is put on the wires of `idle` in place of the uniform one, which the
    reals do not have: only for wires on whose value nothing depends. Numbers that depend on parameters
    (`semantics.quotients`) are `exact`, and `scalars` know them.
    """

    tables: Tables
    linear: Mapping[str, LinearBox]
    exact: bool = False
    idle: frozenset[str] = frozenset()
    scalars: Scalars = PLAIN

    def box(self, b: Box) -> MixedKernel:
        """The kernel of a box, or a sharp state."""
        x = b.cod[0]
        if b.kind == "point" and x.space:
            return self._kernel((), b.cod, {(): [Component(self._one, (), self._point(b))]})
        if not x.space:
            if b.kind == "point":
                return self._of_table(Kernel((), b.cod, point_array(x, b.value, self.exact)))
            return self._of_table(self.tables[b.name])
        found = self.linear[b.name]
        cells = {v: [Component(self._one, (), g)] for v, g in found.cells.items()}
        return self._kernel(b.dom, b.cod, cells)

    def uniform(self, x: Object) -> MixedKernel:
        """The uniform state.

        Raises:
            QueryError: G002 for a real wire.
        """
        if x.space:
            return self._kernel((), (x,), {(): [Component(self._one, (), self._uniform(x))]})
        return self._of_table(Kernel((), (x,), uniform_array(x, self.exact)))

    def identity(self, ty: Ty) -> MixedKernel:
        """Wires straight through."""
        return self._wiring(ty, ty, range(len(ty)))

    def copy(self, ty: Ty) -> MixedKernel:
        """`ty -> ty * ty`."""
        return self._wiring(ty, (*ty, *ty), [*range(len(ty)), *range(len(ty))])

    def discard(self, ty: Ty) -> MixedKernel:
        """`ty -> I`."""
        return self._wiring(ty, (), ())

    def swap(self, left: Ty, right: Ty) -> MixedKernel:
        """`left * right -> right * left`."""
        n, m = len(left), len(right)
        return self._wiring((*left, *right), (*right, *left), [*range(n, n + m), *range(n)])

    def then(self, f: MixedKernel, g: MixedKernel) -> MixedKernel:
        """First `f`, then `g`: all components of `f`, each with all of `g` at its values."""
        cells = {
            values: [
                Component(a.weight * b.weight, b.values, a.gaussian.then(b.gaussian))
                for a in components
                for b in g.cells[a.values]
            ]
            for values, components in f.cells.items()
        }
        return self._kernel(f.dom, g.cod, cells)

    def tensor(self, f: MixedKernel, g: MixedKernel) -> MixedKernel:
        """`f` and `g` side by side."""
        cells = {
            (*v, *w): [
                Component(a.weight * b.weight, (*a.values, *b.values), a.gaussian.tensor(b.gaussian))
                for a in one
                for b in other
            ]
            for v, one in f.cells.items()
            for w, other in g.cells.items()
        }
        return self._kernel((*f.dom, *g.dom), (*f.cod, *g.cod), cells)

    def contract(self, diagram: Diagram) -> MixedKernel:
        """The kernel of a whole diagram: the finite wires are contracted as a network of tables; for each combination
        of what real wires hear of them, means and covariances are carried forward (Shachter, Kenley 1989).

        Raises:
            LimitError: L003 if there are too many combinations, L001 if the tables need too much memory.
        """
        types = diagram.wires
        heard = [w for n in diagram.nodes if n.box.cod[0].space for w in n.args if not types[w].space]
        outs = [w for w in diagram.outs if not types[w].space]
        shown = list(dict.fromkeys((*outs, *heard)))
        inputs = [w for w in range(len(diagram.dom)) if not types[w].space]
        check_configurations([len(types[w].values or ()) for w in (*inputs, *shown)], [types[w].name for w in shown])
        arithmetic = self.scalars.arithmetic
        finites = Matrices(self.tables, arithmetic) if arithmetic else Stochastic(self.tables, self.exact)
        table = finites.contract(_finite_part(diagram, inputs, shown)).array
        cells: dict[Values, list[Component]] = {}
        known: dict[Values, Gaussian] = {}
        hearing = [shown.index(w) for w in dict.fromkeys(heard)]
        for fed in configurations(tuple(types[w] for w in inputs)):
            cells[fed] = []
            for values in map(tuple, np.argwhere(table[fed] != 0).tolist()):
                told = tuple(values[k] for k in hearing)
                if told not in known:
                    known[told] = self._carry(diagram, dict(zip(dict.fromkeys(heard), told, strict=True)))
                weight = table[(*fed, *values)]
                cells[fed].append(Component(weight, tuple(values[shown.index(w)] for w in outs), known[told]))
        return self._kernel(diagram.dom, diagram.cod, cells)

    def _carry(self, diagram: Diagram, told: Mapping[int, int]) -> Gaussian:
        """The real part of a diagram at some values of finite wires."""
        types = diagram.wires
        place: dict[int, int] = {}
        inputs = [w for w in range(len(diagram.dom)) if types[w].space]
        made = [(w, n) for w, n in zip(diagram.first_wires, diagram.nodes, strict=True) if n.box.cod[0].space]
        n, m = len(inputs) + len(made), len(inputs)
        matrix, offset = zeros((n, m), self.exact), zeros((n,), self.exact)
        covariance = zeros((n, n), self.exact)
        for k, w in enumerate(inputs):
            place[w] = k
            matrix[k, k] = self._one
        for k, (w, node) in enumerate(made, start=m):
            g = self._local(node.box, tuple(told[a] for a in node.args if not types[a].space))
            at = [place[a] for a in node.args if types[a].space]
            slopes = g.matrix[0]
            matrix[k] = dot(slopes, matrix[at])
            offset[k] = dot(slopes, offset[at]) + g.offset[0]
            covariance[k, :k] = covariance[:k, k] = dot(slopes, covariance[at, :k])
            covariance[k, k] = dot(slopes, covariance[at, k]) + g.covariance[0, 0]
            place[w] = k
        outs = [place[w] for w in diagram.outs if types[w].space]
        return Gaussian(matrix, offset, covariance).marginal(outs)

    def _local(self, b: Box, values: Values) -> Gaussian:
        """The kernel of one box at some values of its finite inputs."""
        if b.kind == "point":
            return self._point(b)
        found = self._uniform(b.cod[0]) if b.kind == "uniform" else self.linear[b.name].cells[values]
        return found if found.exact == self.exact else found.as_float()

    @property
    def _one(self) -> Number:
        return Fraction(1) if self.exact else 1.0

    def _point(self, b: Box) -> Gaussian:
        return Gaussian.point([Fraction(b.value or 0)], self.exact)

    def _uniform(self, x: Object) -> Gaussian:
        if x.name in self.idle:
            return Gaussian.point([Fraction(0)], self.exact)
        raise QueryError(
            Diagnostic(
                "G002",
                f"`{x.name}` is {x.space}: there is no uniform distribution to put in place of a wire that is cut",
                notes=("what is asked depends on it",),
                help=(f"set it: `do({x.name} := 0)`, or give it a distribution: `do({x.name} ~ normal(0, 1))`",),
            )
        )

    def _of_table(self, table: Table) -> MixedKernel:
        array = table.array if self.exact == table.exact else table.as_float().array
        nothing = Gaussian.point((), self.exact)
        cells = {
            fed: [Component(array[(*fed, *out)], out, nothing) for out in configurations(table.cod)]
            for fed in configurations(table.dom)
        }
        return self._kernel(table.dom, table.cod, cells)

    def _wiring(self, dom: Ty, cod: Ty, places: Iterable[int]) -> MixedKernel:
        """Output `k` is input `places[k]`."""
        order = list(places)
        finites = [k for k, x in enumerate(dom) if not x.space]
        reals = [k for k, x in enumerate(dom) if x.space]
        through = Gaussian.wires([reals.index(k) for k in order if k in reals], len(reals), self.exact)
        out = [finites.index(k) for k in order if k in finites]
        cells = {v: [Component(self._one, tuple(v[k] for k in out), through)] for v in configurations(finite(dom))}
        return self._kernel(dom, cod, cells)

    def _kernel(self, dom: Ty, cod: Ty, cells: Mapping[Values, Iterable[Component]]) -> MixedKernel:
        return MixedKernel(dom, cod, {v: merged(components) for v, components in cells.items()})


def _finite_part(diagram: Diagram, inputs: Sequence[int], shown: Sequence[int]) -> Diagram:
    """The finite boxes of a diagram, from its finite inputs to some finite wires."""
    types = diagram.wires
    builder = Builder(tuple(types[w] for w in inputs))
    env = {w: k for k, w in enumerate(inputs)}
    for first, node in zip(diagram.first_wires, diagram.nodes, strict=True):
        if not node.box.cod[0].space:
            (env[first],) = builder.apply(node.box, [env[a] for a in node.args])
    return builder.freeze(env[w] for w in shown)


def merged(components: Iterable[Component]) -> tuple[Component, ...]:
    """Components without weight left out, and equal ones added up."""
    found: dict[tuple[object, ...], Component] = {}
    for c in components:
        if c.weight == 0:
            continue
        key = _key(c)
        known = found.get(key)
        found[key] = c if known is None else Component(known.weight + c.weight, c.values, c.gaussian)
    return tuple(found.values())


def same(f: MixedKernel, g: MixedKernel, within: float = 0.0) -> bool:
    """Whether two kernels are one, up to rounding and the order of components."""
    if (f.dom, f.cod) != (g.dom, g.cod) or f.cells.keys() != g.cells.keys():
        return False
    return all(_same_mixture(f.cells[v], g.cells[v], within) for v in f.cells)


def _same_mixture(one: Sequence[Component], other: Sequence[Component], within: float) -> bool:
    """Whether each kernel has the same weight in both; in floats kernels that are close count as one."""
    if not within:
        left, right = ({_key(c): c.weight for c in merged(m)} for m in (one, other))
        return left == right
    for a in (*one, *other):
        weights = [sum(float(c.weight) for c in m if _close(a, c, within)) for m in (one, other)]
        if abs(weights[0] - weights[1]) > within:
            return False
    return True


def _close(a: Component, b: Component, within: float) -> bool:
    return a.values == b.values and a.gaussian.equals(b.gaussian, within)


def _key(c: Component) -> tuple[object, ...]:
    g = c.gaussian
    return (c.values, *(tuple(a.reshape(-1).tolist()) for a in (g.matrix, g.offset, g.covariance)))
