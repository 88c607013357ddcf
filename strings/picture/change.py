"""Pictures of surgery on a plain diagram, before and after, in register.

Surgery sends boxes to *discard all inputs, then a state*. The picture after it is the picture before it with the slots
of those boxes edited in place, as for models. If the second diagram is something else, it is laid out afresh, and the
boxes that the first one does not have are red.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import product

from strings.diagram import Diagram, compose, discard, point, uniform
from strings.functor import Functor
from strings.picture.graph import DrawGraph, NewSource, Part, draw_graph, graph_of_term
from strings.picture.scene import Scene, captioned, lay_out, scene_of, side_by_side
from strings.signature import Box

_MOST = 256  # guesses at what surgery put in


def change_scene(
    before: Diagram, after: Diagram, cut: Collection[str], title: str = "", steps: str = "", both: bool = True
) -> Scene:
    """Two diagrams side by side (or the second alone), what became of the boxes named in `cut` in red."""
    first = draw_graph(before)
    edited = cut_in_place(before, after, cut)
    second = edited if edited is not None else _marked(before, after)
    layout = lay_out(first, edited)
    end = f"after {steps}" if steps else "after"
    whole = f"{title} {end}".strip()
    right = scene_of(second, layout if edited is not None else lay_out(second), whole)
    about = f"After {steps or 'surgery'}: {draw_graph(after).about}"
    if not both:
        return replace(captioned(right, whole), about=about)
    left = captioned(scene_of(first, layout, title), title or "before")
    return side_by_side(left, captioned(right, end), whole, f"Before: {first.about} {about}")


def cut_in_place(before: Diagram, after: Diagram, cut: Collection[str]) -> DrawGraph | None:
    """The drawing of `before` in which the slots of the boxes are cut so that it shows `after`; `None` if none does."""
    boxes = list(dict.fromkeys(n.box for n in before.nodes if n.box.name in cut and n.box.kind == "box"))
    sharp = list(dict.fromkeys(n.box for n in after.nodes if n.box.kind == "point"))
    for guess in _guesses(boxes, sharp):
        images = {b: compose(discard(b.dom), state) for b, (state, _) in guess.items()}
        if Functor(boxes=images)(before) == after:
            sources = {b: source for b, (_, source) in guess.items()}
            return _edited(before, sources)
    return None


Guess = dict[Box, tuple[Diagram, NewSource]]


def _guesses(boxes: list[Box], sharp: list[Box]) -> Iterator[Guess]:
    """What surgery may have put in the place of every box: the uniform state, or a sharp one of `after`."""
    options = []
    for b in boxes:
        found = [(uniform(b.cod), NewSource("uniform"))]
        for p in sharp:
            if p.cod == b.cod and p.value is not None:
                found.append((point(p.cod[0], p.value), NewSource("point", f"{p.cod[0].name} = {p.value}")))
        options.append(found)
    for _, choice in zip(range(_MOST), product(*options), strict=False):
        yield dict(zip(boxes, choice, strict=True))


def _edited(before: Diagram, sources: dict[Box, NewSource]) -> DrawGraph:
    graph = draw_graph(before)
    parts = list(graph.parts)
    for k, node in enumerate(before.nodes, len(before.dom)):
        if node.box in sources:
            parts[k] = Part("gap", "", parts[k].ins, parts[k].outs, red=True, source=sources[node.box])
    return replace(graph, parts=tuple(parts))


def _marked(before: Diagram, after: Diagram) -> DrawGraph:
    """The drawing of `after`; its boxes that `before` does not have are red."""
    left = Counter(n.box for n in before.nodes)
    red = []
    for k, node in enumerate(after.nodes):
        left[node.box] -= 1
        if left[node.box] < 0:
            red.append(k)
    return graph_of_term(after.dom, after.nodes, after.outs, red=red)
