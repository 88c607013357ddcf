"""Pictures of diagrams and models: SVG and TikZ always; PDF and PNG with ReportLab and PDFium; DAGs with Graphviz.

Flow goes upwards: inputs at the bottom, outputs on top. A box is a rectangle, a state a triangle; a dot copies a wire,
a ground discards it, an upside-down ground is the uniform state. What surgery has put in is red.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from strings.comb import Comb
from strings.diagnostic import Diagnostic
from strings.diagram import Diagram
from strings.model import CausalModel
from strings.picture.change import change_scene
from strings.picture.combs import comb_scene, combs_scene
from strings.picture.dag import dag_dot, draw_dag
from strings.picture.files import PictureError, PictureWarning, write_by_ending
from strings.picture.fonts import missing_glyphs
from strings.picture.glyphs import Text
from strings.picture.graph import draw_graph
from strings.picture.multiverse import question_film, question_scene
from strings.picture.operation import model_scene
from strings.picture.pdf import to_pdf, to_png
from strings.picture.scene import Scene, captioned, lay_out, scene_of
from strings.picture.svg import to_svg
from strings.picture.tikz import to_tikz
from strings.query import Query
from strings.surgery import Surgery

__all__ = [
    "PictureError",
    "PictureWarning",
    "dag_dot",
    "draw",
    "draw_change",
    "draw_comb",
    "draw_combs",
    "draw_dag",
    "draw_model",
    "draw_question",
    "write_scene",
]

Warn = Callable[[Diagnostic], None]


def draw(
    diagram: Diagram,
    path: str | Path | None = None,
    latents: Collection[str] = frozenset(),
    title: str = "",
    *,
    warn: Warn | None = None,
) -> str:
    """Draw a diagram; returns the SVG text, and with `path` also writes it as `.svg`, `.pdf`, `.png` or `.tex`.

    Wires of objects named in `latents` are dashed; a `title` is set below the picture. What no font has (V005) is told
    to `warn`, or else is a Python warning.

    >>> from strings.diagram import copy
    >>> from strings.signature import Object
    >>> draw(copy((Object("A"),))).count("<circle")
    1

    Raises:
        PictureError: V001 for an unknown ending, V003 for a missing package, V004 for a file that cannot be written.
    """
    graph = draw_graph(diagram, latents)
    return write_scene(captioned(scene_of(graph, lay_out(graph), title), title), path, warn)


def draw_change(
    before: Diagram,
    after: Diagram,
    cut: Collection[str],
    path: str | Path | None = None,
    *,
    title: str = "",
    steps: str = "",
    both: bool = True,
    warn: Warn | None = None,
) -> str:
    """Draw a diagram before and after surgery on the boxes named in `cut` (or only after: `both=False`).

    What became of those boxes is red and in their place, and nothing else moves. If `after` does not come from `before`
    by putting states in the place of those boxes, it is laid out afresh, with its new boxes in red. `title` names the
    diagram, `steps` the surgery.

    >>> from strings.diagram import box, discard, uniform
    >>> from strings.signature import Box, Object
    >>> A, B = Object("A"), Object("B")
    >>> f, g = box(Box("f", (A,), (B,))), box(Box("g", (B,), (A,)))
    >>> svg = draw_change(f >> g, f >> discard((B,)) >> uniform((A,)), {"g"}, title="d", steps="cut(g)")
    >>> svg.count(">f<"), svg.count(">g<"), ">after cut(g)<" in svg
    (2, 1, True)

    Raises:
        PictureError: as for `draw`.
    """
    return write_scene(change_scene(before, after, cut, title, steps, both), path, warn)


def draw_model(
    model: CausalModel,
    surgeries: Sequence[Surgery] = (),
    path: str | Path | None = None,
    before: bool = True,
    *,
    warn: Warn | None = None,
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
    return write_scene(model_scene(model, surgeries, before), path, warn)


def draw_comb(
    comb: Comb,
    path: str | Path | None = None,
    latents: Collection[str] = frozenset(),
    *,
    warn: Warn | None = None,
) -> str:
    """Draw a comb; its holes are dashed boxes.

    >>> from strings.comb import factorise
    >>> model = CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2)
    >>> comb, tooth = factorise(model)
    >>> "Comb with 1 hole(s): S to T" in draw_comb(comb.comb)
    True

    Raises:
        PictureError: as for `draw`.
    """
    return write_scene(comb_scene(comb, latents), path, warn)


def draw_combs(model: CausalModel, path: str | Path | None = None, *, warn: Warn | None = None) -> str:
    """Draw the combs of a model's districts side by side.

    Raises:
        PictureError: as for `draw`.
    """
    return write_scene(combs_scene(model), path, warn)


def draw_question(
    model: CausalModel, query: Query, path: str | Path | None = None, *, steps: bool = False, warn: Warn | None = None
) -> str:
    """Draw what a question depends on: of a counterfactual one, all its worlds as columns above what they share.

    With `steps`, a film strip of how they become so simple: see `strings.rewriting`.

    >>> from strings.query import Term
    >>> from strings.surgery import Do
    >>> model = CausalModel.from_edges([("S", "T")], domains=2)
    >>> question = Query((Term("T", world=(Do("S", "1"),)),), (Term("T", ("0",)),))
    >>> ">actual world<" in (svg := draw_question(model, question)) and ">S := 1<" in svg
    True

    Raises:
        PictureError: as for `draw`.
        CutwireError: if a surgery does not fit the model.
    """
    scene = question_film(model, query) if steps else question_scene(model, query)
    return write_scene(scene, path, warn)


def write_scene(scene: Scene, path: str | Path | None = None, warn: Warn | None = None) -> str:
    """The SVG text of a scene; with `path`, also write it there by the ending."""
    text = to_svg(scene)
    if path is None:
        return text
    write_by_ending(
        path,
        {
            ".svg": text.encode,
            ".pdf": lambda: to_pdf(scene),
            ".png": lambda: to_png(scene),
            ".tex": lambda: to_tikz(scene).encode(),
        },
    )
    if Path(path).suffix.lower() in (".pdf", ".png"):
        missing = missing_glyphs(shape.text for shape in scene.shapes if isinstance(shape, Text))
        if missing is not None:
            (warn or _warn)(missing)
    return text


def _warn(diagnostic: Diagnostic) -> None:
    warnings.warn(PictureWarning(str(diagnostic)), stacklevel=4)
