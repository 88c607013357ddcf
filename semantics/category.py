"""One functor, many targets: interpreting a diagram in any category with copying, discarding and uniform states.

A functor out of a free CDU category is fixed by the boxes (Jacobs, Kissinger, Zanasi 2019, section 4). A target says
what boxes, composition and the copy structure are (`Semantics`); `fold` does the rest, box by box. A target that would
rather see the whole network at once, to plan in which order to contract it, says so by a method `contract`
(`NetworkSemantics`); `interpret` prefers that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar, runtime_checkable

from strings.diagram import Diagram
from strings.signature import Box, Object, Ty

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)


class Semantics(Protocol[M]):
    """A target category: its morphisms (of type `M`) and the CDU structure on them."""

    def box(self, b: Box) -> M:
        """What a box means: an ordinary one or a sharp state."""

    def uniform(self, x: Object) -> M:
        """The uniform state of one object."""

    def identity(self, ty: Ty) -> M:
        """Wires straight through."""

    def copy(self, ty: Ty) -> M:
        """`ty -> ty * ty`."""

    def discard(self, ty: Ty) -> M:
        """`ty -> I`."""

    def swap(self, left: Ty, right: Ty) -> M:
        """`left * right -> right * left`."""

    def then(self, f: M, g: M) -> M:
        """First `f`, then `g`."""

    def tensor(self, f: M, g: M) -> M:
        """`f` and `g` side by side."""


@runtime_checkable
class NetworkSemantics(Protocol[M_co]):
    """A target that interprets a whole diagram at once."""

    def contract(self, diagram: Diagram) -> M_co:
        """The image of the diagram."""


def interpret(diagram: Diagram, semantics: Semantics[M]) -> M:
    """The image of `diagram` under the functor that `semantics` describes."""
    if isinstance(semantics, NetworkSemantics):
        image: M = semantics.contract(diagram)
        return image
    return fold(diagram, semantics)


def fold(diagram: Diagram, semantics: Semantics[M]) -> M:
    """The image of `diagram`, box by box: works for every target, and is exponential in the wires side by side."""
    last = last_uses(diagram)
    live = list(range(len(diagram.dom)))
    types = diagram.wires
    image = semantics.identity(diagram.dom)
    for step, (first, node) in enumerate(zip(diagram.first_wires, diagram.nodes, strict=True)):
        kept = [w for w in live if last[w] > step]
        image = semantics.then(image, route(semantics, types, live, [*kept, *node.args]))
        meaning = semantics.uniform(node.box.cod[0]) if node.box.kind == "uniform" else semantics.box(node.box)
        beside = semantics.identity(tuple(types[w] for w in kept))
        image = semantics.then(image, semantics.tensor(beside, meaning))
        live = [*kept, *range(first, first + len(node.box.cod))]
    return semantics.then(image, route(semantics, types, live, diagram.outs))


def route(semantics: Semantics[M], types: Ty, have: Sequence[int], want: Sequence[int]) -> M:
    """The structural map from the wires `have` to the wires `want`: copies and discards first, then swaps."""
    image = semantics.identity(())
    made: list[int] = []
    for w in have:
        times = sum(v == w for v in want)
        image = semantics.tensor(image, _fan(semantics, types[w], times))
        made.extend([w] * times)
    for k, w in enumerate(want):
        at = made.index(w, k)
        if at == k:
            continue
        done, before, after = made[:k], made[k:at], made[at + 1 :]
        moved = semantics.swap(tuple(types[v] for v in before), (types[w],))
        left = semantics.tensor(semantics.identity(tuple(types[v] for v in done)), moved)
        step = semantics.tensor(left, semantics.identity(tuple(types[v] for v in after)))
        image = semantics.then(image, step)
        made = [*done, w, *before, *after]
    return image


def _fan(semantics: Semantics[M], x: Object, times: int) -> M:
    """`x` copied `times` times, by the binary copy."""
    if times == 0:
        return semantics.discard((x,))
    image = semantics.identity((x,))
    for k in range(times - 1):
        wider = semantics.tensor(semantics.identity((x,) * k), semantics.copy((x,)))
        image = semantics.then(image, wider)
    return image


def last_uses(diagram: Diagram) -> list[int]:
    """For every wire the number of the last node that reads it; outputs count as read after all nodes."""
    last = [-1] * len(diagram.wires)
    for step, node in enumerate(diagram.nodes):
        for w in node.args:
            last[w] = step
    for w in diagram.outs:
        last[w] = len(diagram.nodes)
    return last
