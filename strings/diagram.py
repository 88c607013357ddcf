"""String diagrams as immutable term graphs: the morphisms of the free Markov category with uniform states.

A diagram is a list of boxes in single-assignment form, `Diagram(dom, nodes, outs)`: wire `k` is the `k`-th input, or
the next output of the next node. Copying is using a wire twice, discarding is never using it, swapping is the order of
`outs`; none of them is a node. This is the left-monogamous acyclic hypergraph of Fritz and Liang (*Free gs-monoidal
categories and free Markov categories*, 2023).

A `Diagram` is always in normal form: a backward walk from the ordered outputs drops what nothing needs (discarding is
natural), numbers every other box when it is first met, and shares deterministic boxes with equal inputs (copying is
natural for them). Two diagrams are therefore equal modulo the symmetric-monoidal, comonoid and discarding laws exactly
when the dataclasses are equal, and building, comparing and hashing cost time linear in the diagram.

>>> A, B = Object("A"), Object("B")
>>> f = box(Box("f", (A,), (B,)))
>>> f >> discard((B,)) == discard((A,))
True
>>> f >> copy((B,)) == copy((A,)) >> (f @ f)
False
>>> copy((A,)) >> swap((A,), (A,)) == copy((A,))
True
>>> print(copy((A,)) >> (f @ identity((A,))))
diagram (A0 : A) -> B, A {
  B1 <- f(A0)
  return B1, A0
}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from strings.diagnostic import CompositionError, Diagnostic
from strings.signature import Box, Object, Ty, point_box, show_type, uniform_box

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Node:
    """One use of a box; `args` are the wires it takes. Its outputs are the next wires."""

    box: Box
    args: tuple[int, ...]


@dataclass(frozen=True)
class Diagram:
    """A morphism `dom -> cod` of the free Markov category, in normal form (see the module's text).

    `dom` types the input wires, `nodes` are the boxes in order, `outs` are the output wires. `eval(repr(d)) == d`.

    Raises:
        CompositionError: D002 if a node takes a wire that is not there or is of another type.
    """

    dom: Ty
    nodes: tuple[Node, ...]
    outs: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_wiring(self.dom, self.nodes, self.outs)
        nodes, outs = _normal_form(len(self.dom), self.nodes, self.outs)
        object.__setattr__(self, "dom", tuple(self.dom))
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "outs", outs)

    @cached_property
    def wires(self) -> Ty:
        """The type of every wire, inputs first."""
        types = list(self.dom)
        for node in self.nodes:
            types.extend(node.box.cod)
        return tuple(types)

    @cached_property
    def cod(self) -> Ty:
        """The types of the outputs."""
        return tuple(self.wires[w] for w in self.outs)

    @cached_property
    def first_wires(self) -> tuple[int, ...]:
        """For every node the number of its first output wire."""
        first, k = [], len(self.dom)
        for node in self.nodes:
            first.append(k)
            k += len(node.box.cod)
        return tuple(first)

    @cached_property
    def _hash(self) -> int:
        return hash((self.dom, self.nodes, self.outs))

    def __hash__(self) -> int:
        return self._hash

    def __rshift__(self, other: Diagram) -> Diagram:
        """Sequential composition, first `self` then `other`; many at once: `compose`."""
        return compose(self, other)

    def __matmul__(self, other: Diagram) -> Diagram:
        """Parallel composition; many at once: `tensor`."""
        return tensor(self, other)

    def used_inputs(self) -> tuple[bool, ...]:
        """Which inputs anything depends on: a box or an output reads them."""
        used = {w for node in self.nodes for w in node.args} | set(self.outs)
        return tuple(k in used for k in range(len(self.dom)))

    def as_box(self, name: str) -> Box:
        """This diagram closed up as one opaque box; `Functor(boxes={that_box: diagram})` opens it again."""
        return Box(name, self.dom, self.cod, deterministic=all(n.box.deterministic for n in self.nodes))

    def __str__(self) -> str:
        names = [f"{x.name}{k}" for k, x in enumerate(self.wires)]
        head = ", ".join(f"{names[k]} : {x.name}" for k, x in enumerate(self.dom))
        lines = [f"diagram ({head}) -> {', '.join(x.name for x in self.cod)} {{"]
        for first, node in zip(self.first_wires, self.nodes, strict=True):
            made = ", ".join(names[first : first + len(node.box.cod)])
            lines.append(f"  {made} <- {node.box.name}({', '.join(names[a] for a in node.args)})")
        lines.append(f"  return {', '.join(names[w] for w in self.outs)}")
        return "\n".join([*lines, "}"])

    def draw(self, path: str | Path | None = None) -> str:
        """Draw the diagram; inputs at the bottom, outputs on top. Returns the SVG text.

        With `path`, also write the picture there: `.svg`, `.png`, `.pdf` or `.tex`, by the ending.
        """
        from strings.picture import draw

        return draw(self, path)

    def _repr_svg_(self) -> str:
        return self.draw()


class Builder:
    """Builds one diagram wire by wire; the only mutable thing here.

    >>> A, B = Object("A"), Object("B")
    >>> b = Builder((A,))
    >>> (y,) = b.apply(Box("f", (A,), (B,)), (0,))
    >>> b.freeze((y, y)).cod == (B, B)
    True
    """

    def __init__(self, dom: Ty = ()) -> None:
        self.dom = tuple(dom)
        self._types = list(dom)
        self._nodes: list[Node] = []

    def apply(self, box: Box, args: Sequence[int]) -> tuple[int, ...]:
        """Put a box on the wires `args`; returns its output wires.

        Raises:
            CompositionError: D002 naming the port, the type it takes and the type it was given.
        """
        args = tuple(args)
        _check_ports(box, args, self._types)
        k = len(self._types)
        self._types.extend(box.cod)
        self._nodes.append(Node(box, args))
        return tuple(range(k, k + len(box.cod)))

    def paste(self, diagram: Diagram, args: Sequence[int]) -> tuple[int, ...]:
        """Put a whole diagram on the wires `args`; returns its output wires."""
        got = tuple(self._types[a] for a in args)
        if got != diagram.dom:
            raise _mismatch(got, diagram.dom)
        env = list(args)
        for node in diagram.nodes:
            env.extend(self.apply(node.box, [env[a] for a in node.args]))
        return tuple(env[w] for w in diagram.outs)

    def freeze(self, outs: Iterable[int]) -> Diagram:
        """The diagram with these output wires, in normal form."""
        return Diagram(self.dom, tuple(self._nodes), tuple(outs))


def box(b: Box) -> Diagram:
    """The diagram of one box."""
    builder = Builder(b.dom)
    return builder.freeze(builder.apply(b, range(len(b.dom))))


def identity(ty: Ty) -> Diagram:
    """Wires straight through."""
    return Diagram(tuple(ty), (), tuple(range(len(ty))))


def copy(ty: Ty, times: int = 2) -> Diagram:
    """The comultiplication of `ty`, or its `times`-fold version (0 discards)."""
    return Diagram(tuple(ty), (), tuple(range(len(ty))) * times)


def discard(ty: Ty) -> Diagram:
    """The counit of `ty`."""
    return Diagram(tuple(ty), (), ())


def swap(left: Ty, right: Ty) -> Diagram:
    """The symmetry `left * right -> right * left`."""
    n, m = len(left), len(right)
    return Diagram((*left, *right), (), (*range(n, n + m), *range(n)))


def uniform(ty: Ty) -> Diagram:
    """The uniform state on `ty`, one independent uniform state per object."""
    return Diagram((), tuple(Node(uniform_box(x), ()) for x in ty), tuple(range(len(ty))))


def point(x: Object, value: str) -> Diagram:
    """The sharp state of `x` at `value`.

    Raises:
        CompositionError: D003 if `x` has values and `value` is none of them.
    """
    if x.values is not None and value not in x.values:
        raise CompositionError(
            Diagnostic("D003", f"`{value}` is not a value of `{x.name}`", label=f"not in {{{', '.join(x.values)}}}")
        )
    return box(point_box(x, value))


def compose(*diagrams: Diagram) -> Diagram:
    """Sequential composition of any number of diagrams, normalised once.

    Raises:
        CompositionError: D001 naming both sides and the first wire that differs.
    """
    first, *rest = diagrams
    builder = Builder(first.dom)
    wires = builder.paste(first, range(len(first.dom)))
    for d in rest:
        wires = builder.paste(d, wires)
    return builder.freeze(wires)


def tensor(*diagrams: Diagram) -> Diagram:
    """Parallel composition of any number of diagrams, normalised once."""
    builder = Builder(tuple(x for d in diagrams for x in d.dom))
    outs: list[int] = []
    start = 0
    for d in diagrams:
        outs.extend(builder.paste(d, range(start, start + len(d.dom))))
        start += len(d.dom)
    return builder.freeze(outs)


def mismatch_diagnostic(left: Ty, right: Ty) -> Diagnostic:
    """D001: what the left side gives, what the right side takes, and the first wire where they differ."""
    notes = []
    for k, (a, b) in enumerate(zip(left, right, strict=False), start=1):
        if a != b:
            same_name = a.name == b.name
            notes.append(
                f"wire {k} is {a.name} on the left and {b.name} on the right"
                + (" (same name, other values)" if same_name else "")
            )
            break
    else:
        notes.append(f"{len(left)} wire(s) on the left, {len(right)} on the right")
    message = "these diagrams do not plug together"
    label = f"left gives {show_type(left)}, right takes {show_type(right)}"
    return Diagnostic("D001", message, label=label, notes=(label, *notes))


def _mismatch(left: Ty, right: Ty) -> CompositionError:
    return CompositionError(mismatch_diagnostic(left, right))


def _check_ports(b: Box, args: tuple[int, ...], types: Sequence[Object]) -> None:
    if len(args) != len(b.dom):
        raise CompositionError(
            Diagnostic("D002", f"box `{b.name}` takes {len(b.dom)} wire(s), {len(args)} given", notes=(str(b),))
        )
    for k, (a, wanted) in enumerate(zip(args, b.dom, strict=True), start=1):
        if not 0 <= a < len(types):
            raise CompositionError(Diagnostic("D002", f"port {k} of box `{b.name}`: there is no wire {a} yet"))
        if types[a] is not wanted and types[a] != wanted:
            raise CompositionError(
                Diagnostic(
                    "D002",
                    f"port {k} of box `{b.name}` takes {wanted.name}, given {types[a].name}",
                    notes=(str(b),),
                )
            )


def _check_wiring(dom: Ty, nodes: Iterable[Node], outs: Iterable[int]) -> None:
    types = list(dom)
    for node in nodes:
        _check_ports(node.box, node.args, types)
        types.extend(node.box.cod)
    for w in outs:
        if not 0 <= w < len(types):
            raise CompositionError(Diagnostic("D002", f"there is no wire {w} to put out"))


def _normal_form(n_inputs: int, nodes: Sequence[Node], outs: Sequence[int]) -> tuple[tuple[Node, ...], tuple[int, ...]]:
    """Nodes in order of a backward depth-first walk from the outputs, iterative, linear in the ports."""
    first: list[int] = []
    producer: list[int] = [-1] * n_inputs
    for i, node in enumerate(nodes):
        first.append(len(producer))
        producer.extend([i] * len(node.box.cod))
    new = dict(zip(range(n_inputs), range(n_inputs), strict=True))
    kept: list[Node] = []
    shared: dict[Node, int] = {}
    next_wire = n_inputs
    for out in outs:
        stack = [out]
        while stack:
            wire = stack[-1]
            if wire in new:
                stack.pop()
                continue
            i = producer[wire]
            node = nodes[i]
            waiting = [a for a in node.args if a not in new]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            placed = Node(node.box, tuple(new[a] for a in node.args))
            base = shared.get(placed) if node.box.deterministic else None
            if base is None:
                base = next_wire
                next_wire += len(node.box.cod)
                kept.append(placed)
                if node.box.deterministic:
                    shared[placed] = base
            for p in range(len(node.box.cod)):
                new[first[i] + p] = base + p
            stack.pop()
    return tuple(kept), tuple(new[w] for w in outs)
