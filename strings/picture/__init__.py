"""Pictures of diagrams and models: SVG always; PDF and PNG with ReportLab and PDFium; DAGs with Graphviz.

Flow goes upwards: inputs at the bottom, outputs on top. A box is a rectangle, a state a triangle; a dot copies a wire,
a ground discards it, an upside-down ground is the uniform state. What surgery has put in is red.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from strings.diagram import Diagram
from strings.model import CausalModel
from strings.picture.dag import dag_dot, draw_dag
from strings.picture.files import PictureError, write_by_ending
from strings.picture.graph import draw_graph
from strings.picture.operation import model_scene
from strings.picture.pdf import to_pdf, to_png
from strings.picture.scene import Scene, captioned, lay_out, scene_of
from strings.picture.svg import to_svg
from strings.surgery import Surgery

__all__ = ["PictureError", "dag_dot", "draw", "draw_dag", "draw_model", "write_scene"]


def draw(
    diagram: Diagram, path: str | Path | None = None, latents: Collection[str] = frozenset(), title: str = ""
) -> str:
    """Draw a diagram; returns the SVG text, and with `path` also writes it as `.svg`, `.pdf` or `.png`.

    Wires of objects named in `latents` are dashed; a `title` is set below the picture.

    >>> from strings.diagram import copy
    >>> from strings.signature import Object
    >>> draw(copy((Object("A"),))).count("<circle")
    1

    Raises:
        PictureError: V001 for an unknown ending, V003 for a missing package, V004 for a file that cannot be written.
    """
    graph = draw_graph(diagram, latents)
    return write_scene(captioned(scene_of(graph, lay_out(graph), title), title), path)


def draw_model(
    model: CausalModel, surgeries: Sequence[Surgery] = (), path: str | Path | None = None, before: bool = True
) -> str:
    """Draw a model; with `surgeries`, the model before and after them (or only after: `before=False`).

    The picture after surgery keeps the layout of the one before; what changed is red. Latent variables are dashed.

    >>> from strings.surgery import Cut
    >>> model = CausalModel.from_edges([("S", "T")], name="m")
    >>> "m after cut(T)" in draw_model(model, [Cut("T")])
    True

    Raises:
        PictureError: as for `draw`.
        CutwireError: if a surgery does not fit the model.
    """
    return write_scene(model_scene(model, surgeries, before), path)


def write_scene(scene: Scene, path: str | Path | None = None) -> str:
    """The SVG text of a scene; with `path`, also write it there by the ending."""
    text = to_svg(scene)
    if path is not None:
        write_by_ending(
            path,
            {".svg": text.encode, ".pdf": lambda: to_pdf(scene), ".png": lambda: to_png(scene)},
        )
    return text
