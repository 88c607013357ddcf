"""Tensor networks: a diagram as factors over indices, with nothing built for copying and discarding.

A box is a tensor, a wire is an index, a wire used many times is an index that many tensors share. `Wiring` says which
wires are one and the same index (a sharp equality) and which are fixed at a value; fixed wires are sliced away before
anything is planned.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from semantics.distribution import Array, check_axes, number_array
from semantics.kernel import Tables, size, uniform_array
from strings.diagnostic import CutwireError, Diagnostic
from strings.diagram import Diagram, Node
from strings.signature import Ty


@dataclass(frozen=True)
class Factor:
    """A tensor: one axis per index, the indices distinct."""

    array: Array
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """The product of `factors`, summed over every index that is not in `output`.

    `sizes` and `names` tell of each index how many values it has and what to call it.
    """

    sizes: tuple[int, ...]
    names: tuple[str, ...]
    factors: tuple[Factor, ...]
    output: tuple[int, ...]


class Wiring:
    """Which of a number of wires are equal, and which have a known value. Contradictions make it `impossible`."""

    def __init__(self, types: Ty) -> None:
        self.types = list(types)
        self.impossible = False
        self._parent = list(range(len(types)))
        self._value: dict[int, int] = {}

    def add(self, like: int) -> int:
        """A new wire of the type of `like`, not yet joined to anything."""
        self.types.append(self.types[like])
        self._parent.append(len(self._parent))
        return len(self._parent) - 1

    def find(self, wire: int) -> int:
        """The representative of the wires that equal `wire`."""
        while self._parent[wire] != wire:
            self._parent[wire] = self._parent[self._parent[wire]]
            wire = self._parent[wire]
        return wire

    def join(self, one: int, other: int) -> None:
        """Make two wires equal."""
        one, other = self.find(one), self.find(other)
        if one == other:
            return
        self._parent[other] = one
        if other in self._value:
            self.fix(one, self._value.pop(other))

    def fix(self, wire: int, position: int) -> None:
        """Give a wire the value that stands at `position` among the values of its type."""
        if self._value.setdefault(self.find(wire), position) != position:
            self.impossible = True

    def fixed(self, wire: int) -> int | None:
        """The position of the known value of a wire; a type with one value needs no telling."""
        known = self._value.get(self.find(wire))
        return 0 if known is None and size(self.types[wire]) == 1 else known


def fix_points(wiring: Wiring, diagram: Diagram) -> None:
    """Fix every wire that a sharp state makes."""
    for first, node in zip(diagram.first_wires, diagram.nodes, strict=True):
        if node.box.kind == "point":
            values = node.box.cod[0].values or ()
            wiring.fix(first, values.index(node.box.value or ""))


def network_of(
    diagram: Diagram,
    tables: Tables,
    wiring: Wiring,
    output: Sequence[int],
    masks: Sequence[tuple[int, Array]] = (),
    exact: bool = False,
    without: Container[str] = (),
) -> Network:
    """The network of a diagram whose wires are joined and fixed as `wiring` says.

    `output` are wires; those that are fixed or equal to earlier ones are left out (`spread` puts them back). `masks`
    are further factors on one wire each. Boxes named in `without` have no tensor: their wires are put out instead.

    Raises:
        CutwireError: T022 if a table does not have the type of its box, M013 if two boxes have one name.
    """
    _check_names(diagram)
    factors: list[Factor] = []
    for first, node in zip(diagram.first_wires, diagram.nodes, strict=True):
        if node.box.kind != "point" and node.box.name not in without:
            wires = (*node.args, *range(first, first + len(node.box.cod)))
            factors.append(_factor(_array(node, tables, exact), wires, wiring))
    factors.extend(_factor(mask, (w,), wiring) for w, mask in masks)
    kept = tuple(dict.fromkeys(wiring.find(w) for w in output if wiring.fixed(w) is None))
    heard = {i for f in factors for i in f.indices}
    one = Fraction(1) if exact else 1.0
    factors.extend(Factor(number_array([one] * size(wiring.types[w])), (w,)) for w in kept if w not in heard)
    factors.extend([Factor(number_array(one), ())] if not factors else [])
    sizes = tuple(size(x) if wiring.find(w) in heard or w in kept else 1 for w, x in enumerate(wiring.types))
    return Network(sizes, tuple(x.name for x in wiring.types), tuple(factors), kept)


def _check_names(diagram: Diagram) -> None:
    """Tables go by the names of boxes, so boxes from different places need different names."""
    origins: dict[str, str] = {}
    for node in diagram.nodes:
        name, origin = node.box.name, node.box.origin
        if node.box.kind == "box" and origins.setdefault(name, origin) != origin:
            notes = tuple(f"one comes from `{o}`" for o in sorted({origin, origins[name]}) if o)
            help_ = ("rename one of them: numbers go by the names of boxes",)
            raise CutwireError(Diagnostic("M013", f"two boxes are called `{name}`", notes=notes, help=help_))


def spread(array: Array, kept: Sequence[int], wires: Sequence[int], wiring: Wiring, nil: float = 0) -> Array:
    """A table over the indices `kept` as a table over `wires`: `nil` wherever equal wires differ or a value is known.

    The entries that are not zero are those of `array`; this is where a wire that is put out twice, or an input that is
    passed straight through, becomes a diagonal.

    Raises:
        LimitError: L003 if there are more than 32 wires.
    """
    check_axes(len(wires), "the table of this diagram")
    shape = tuple(size(wiring.types[w]) for w in wires)
    table = np.full(shape, nil, dtype=array.dtype)
    if wiring.impossible:
        return table
    at: list[Array | int] = []
    for w in wires:
        known = wiring.fixed(w)
        if known is not None:
            at.append(known)
            continue
        axis = kept.index(wiring.find(w))
        grid = np.arange(size(wiring.types[w]))
        at.append(grid.reshape([-1 if k == axis else 1 for k in range(len(kept))]))
    table[tuple(at)] = array if array.ndim else array[()]
    return table


def _array(node: Node, tables: Tables, exact: bool) -> Array:
    """The table of one box, checked against the box's type."""
    if node.box.kind == "uniform":
        return uniform_array(node.box.cod[0], exact)
    kernel = tables[node.box.name]
    if _values(kernel.dom, kernel.cod) != _values(node.box.dom, node.box.cod):
        raise CutwireError(
            Diagnostic("T022", f"the kernel given for box `{node.box.name}` has another type", notes=(str(node.box),))
        )
    return kernel.array if exact else kernel.as_float().array


def _values(dom: Ty, cod: Ty) -> tuple[list[tuple[str, ...] | None], list[tuple[str, ...] | None]]:
    """A type up to the names of its objects: one box may stand at a variable and at a copy of it."""
    return [x.values for x in dom], [x.values for x in cod]


def _factor(array: Array, wires: Sequence[int], wiring: Wiring) -> Factor:
    """`array` with the axes of known wires sliced away and those of equal wires made one (a diagonal)."""
    at = [wiring.fixed(w) for w in wires]
    array = array[tuple(slice(None) if v is None else v for v in at)]
    indices = [wiring.find(w) for w, v in zip(wires, at, strict=True) if v is None]
    for i in dict.fromkeys(indices):
        while indices.count(i) > 1:
            first, second = [k for k, j in enumerate(indices) if j == i][:2]
            array = np.diagonal(array, axis1=first, axis2=second)
            indices = [*(j for k, j in enumerate(indices) if k not in (first, second)), i]
    return Factor(np.asarray(array), tuple(indices))
