"""Pictures of combs: diagrams with holes, which are drawn as dashed boxes.

Below a hole come the wires that are known when it is filled, above it those that the filling gives. A model is the
composite of the combs of its districts, each plugged into the holes of the others (Tian, Pearl 2002; Jacobs, Kissinger,
Zanasi 2019, section 7).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from strings.comb import Comb, DistrictComb, factorise
from strings.diagram import box
from strings.model import CausalModel
from strings.picture.film import Frame, Line, Reel, film_strip
from strings.picture.graph import DrawGraph, draw_graph
from strings.picture.scene import Scene, lay_out, scene_of
from strings.signature import Box, show_type

_HOLE = "(hole)"


def comb_graph(comb: Comb, latents: Collection[str] = frozenset()) -> DrawGraph:
    """A comb, its holes filled with nothing but their outlines."""
    holes = comb.holes
    filled = comb.fill(*(box(Box(f"{_HOLE} {k}", dom, cod)) for k, (dom, cod) in enumerate(holes)))
    # What a hole gives is a wire inside of the picture, not an output of the comb.
    made = iter(range(len(filled.outs)))
    kept = []
    for k, (ins, outs) in enumerate(comb.stages):
        if k:
            for _ in range(ins):
                next(made)
        kept += [filled.outs[next(made)] for _ in range(outs)]
    graph = draw_graph(replace(filled, outs=tuple(kept)) if kept else filled, latents)
    parts = tuple(replace(p, kind="hole", label="") if p.label.startswith(_HOLE) else p for p in graph.parts)
    types = "; ".join(f"{show_type(dom)} to {show_type(cod)}" for dom, cod in holes) or "none"
    return replace(graph, parts=parts, about=f"Comb with {len(holes)} hole(s): {types}. {graph.about}")


def comb_scene(comb: Comb, latents: Collection[str] = frozenset()) -> Scene:
    """The picture of a comb."""
    graph = comb_graph(comb, latents)
    return scene_of(graph, lay_out(graph), "comb")


def combs_scene(model: CausalModel) -> Scene:
    """The combs of a model's districts side by side."""
    frames = [Frame(comb_scene(c.comb, model.latents), _caption(c)) for c in factorise(model)]
    about = f"The combs of {model.name}, one for each of its {len(frames)} districts."
    return film_strip([Reel(f"{model.name}: one comb for each district", tuple(frames))], model.name, about)


def _caption(c: DistrictComb) -> tuple[Line, ...]:
    heard = f" given {', '.join(c.inputs)}" if c.inputs else ""
    holes = f"{c.holes} hole{'s' if c.holes != 1 else ''}" if c.holes else "no hole"
    return (Line(f"{', '.join(c.outputs)}{heard}"), Line(holes, "law"))
