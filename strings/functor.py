"""CDU functors between free categories, and folds out of them.

A functor out of a free CDU category is fixed by where it sends objects and boxes; it preserves composition, tensor,
copy, discard and the uniform states (Jacobs, Kissinger, Zanasi 2019, section 4). Surgery is an instance
(`strings.surgery`). A stochastic interpretation is a functor to another kind of category (`semantics`).

>>> from strings.signature import Box, Object
>>> from strings.diagram import box, discard, uniform
>>> A, B = Object("A"), Object("B")
>>> f = Box("f", (A,), (B,))
>>> cut = Functor(boxes={f: discard((A,)) >> uniform((B,))})
>>> cut(box(f)) == discard((A,)) >> uniform((B,))
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from strings.diagnostic import CompositionError, Diagnostic
from strings.diagram import Builder, Diagram, box, uniform
from strings.signature import Box, Object, Ty, show_type


def _no_objects(_: Object) -> Ty | None:
    return None


def _no_boxes(_: Box) -> Diagram | None:
    return None


@dataclass(frozen=True)
class Functor:
    """A CDU functor, given on objects and boxes; whatever a map does not mention stays as it is.

    `objects` sends an object to a tuple of objects, `boxes` a box to a diagram; either may be a mapping or a function
    that answers `None` for "unchanged". Uniform states go to uniform states.

    Raises:
        CompositionError: D004 when applied, if the image of a box has not the image of its type.
    """

    objects: Mapping[Object, Ty] | Callable[[Object], Ty | None] = _no_objects
    boxes: Mapping[Box, Diagram] | Callable[[Box], Diagram | None] = _no_boxes

    def on_object(self, x: Object) -> Ty:
        image = self.objects.get(x) if isinstance(self.objects, Mapping) else self.objects(x)
        return (x,) if image is None else image

    def on_type(self, ty: Ty) -> Ty:
        return tuple(y for x in ty for y in self.on_object(x))

    def on_box(self, b: Box) -> Diagram:
        dom, cod = self.on_type(b.dom), self.on_type(b.cod)
        if b.kind == "uniform":
            return uniform(cod)
        image = self.boxes.get(b) if isinstance(self.boxes, Mapping) else self.boxes(b)
        if image is None:
            image = box(b)
        if (image.dom, image.cod) != (dom, cod):
            raise CompositionError(
                Diagnostic(
                    "D004",
                    f"this map sends box `{b.name}` to a diagram of another type",
                    notes=(
                        f"expected {show_type(dom)} -> {show_type(cod)}",
                        f"got {show_type(image.dom)} -> {show_type(image.cod)}",
                    ),
                )
            )
        return image

    def __call__(self, diagram: Diagram) -> Diagram:
        """The image of a diagram; one pass over its boxes."""
        builder = Builder(self.on_type(diagram.dom))
        env: list[tuple[int, ...]] = []
        start = 0
        for x in diagram.dom:
            width = len(self.on_object(x))
            env.append(tuple(range(start, start + width)))
            start += width
        images: dict[Box, Diagram] = {}
        for node in diagram.nodes:
            if node.box not in images:
                images[node.box] = self.on_box(node.box)
            made = builder.paste(images[node.box], [w for a in node.args for w in env[a]])
            at = 0
            for y in node.box.cod:
                width = len(self.on_object(y))
                env.append(made[at : at + width])
                at += width
        return builder.freeze(w for out in diagram.outs for w in env[out])

    def then(self, other: Functor) -> Functor:
        """The composite functor: first this one, then `other`."""
        return Functor(
            objects=lambda x: other.on_type(self.on_object(x)),
            boxes=lambda b: other(self.on_box(b)),
        )
