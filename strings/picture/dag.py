"""The graph of a causal model in Graphviz's DOT language.

A vertex for every variable, an edge for every parent that a mechanism listens to; latent variables are dashed, or
projected out to dashed bidirected edges (Verma 1993). DOT text needs no Graphviz; pictures of it do.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from strings.diagnostic import Diagnostic
from strings.graph import bits
from strings.model import CausalModel
from strings.picture.files import PictureError, missing_package, write_by_ending


def dag_dot(model: CausalModel, project: bool = False) -> str:
    """The DOT text of a model's graph; with `project`, of its mixed graph on the observed variables.

    >>> model = CausalModel.from_edges([("S", "T")], bidirected=[("S", "T")])
    >>> for line in dag_dot(model, project=True).splitlines()[4:-1]:
    ...     print(line.strip())
    v0 [label=S]
    v1 [label=T]
    v0 -> v1
    v0 -> v1 [constraint=false dir=both style=dashed]

    Raises:
        PictureError: V003 if the `graphviz` package is not installed.
    """
    try:
        import graphviz
    except ImportError:
        raise missing_package("DOT", "graphviz") from None
    dot = graphviz.Digraph(
        model.name,
        graph_attr={"rankdir": "LR"},
        node_attr={"shape": "plaintext", "fontname": "Times-Italic", "margin": "0.05"},
        edge_attr={"arrowsize": "0.7"},
    )
    if project:
        _add_mixed(dot, model)
    else:
        _add_all(dot, model, graphviz.escape)
    return str(dot.source)


def _add_all(dot: Any, model: CausalModel, escape: Any) -> None:
    number = {n: f"v{k}" for k, n in enumerate(model.names)}
    for n in model.names:
        hidden = {"shape": "ellipse", "style": "dashed"} if n in model.latents else {}
        dot.node(number[n], label=escape(n), **hidden)
    for n in model.names:
        for p in model.parents(n):
            dot.edge(number[p], number[n], **({"style": "dashed"} if p in model.latents else {}))


def _add_mixed(dot: Any, model: CausalModel) -> None:
    import graphviz

    graph = model.graph
    for k, n in enumerate(graph.names):
        dot.node(f"v{k}", label=graphviz.escape(n))
    for k, mask in enumerate(graph.parents):
        for p in bits(mask):
            dot.edge(f"v{p}", f"v{k}")
    for k, mask in enumerate(graph.spouses):
        for s in bits(mask):
            if s > k:
                dot.edge(f"v{k}", f"v{s}", dir="both", style="dashed", constraint="false")


def draw_dag(model: CausalModel, path: str | Path | None = None, project: bool = False) -> str:
    """The DOT text; with `path`, also write it there (`.dot`, `.gv`), or its picture (`.svg`, `.png`, `.pdf`).

    Raises:
        PictureError: V001 for an unknown ending, V002 if Graphviz is needed and cannot be found or fails, V003, V004.
    """
    text = dag_dot(model, project)
    if path is not None:
        pictures = {f".{kind}": lambda kind=kind: render_dot(text, kind) for kind in ("svg", "png", "pdf")}
        write_by_ending(path, {**pictures, ".dot": text.encode, ".gv": text.encode})
    return text


def render_dot(text: str, kind: str) -> bytes:
    """A picture of DOT text, by the `dot` program or else by the `pygraphviz` package.

    Raises:
        PictureError: V002 if there is neither, or if Graphviz fails.
    """
    if shutil.which("dot"):
        import graphviz

        try:
            return bytes(graphviz.Source(text).pipe(format=kind))
        except (graphviz.CalledProcessError, graphviz.ExecutableNotFound) as error:
            raise _no_graphviz(f"Graphviz failed: {error}") from None
    try:
        import pygraphviz
    except ImportError:
        raise _no_graphviz("Graphviz is not installed: there is no `dot` program") from None
    try:
        graph = pygraphviz.AGraph(string=text)
        graph.layout("dot")
        return bytes(graph.draw(format=kind))
    except (OSError, ValueError, RuntimeError) as error:
        raise _no_graphviz(f"Graphviz failed: {error}") from None


def _no_graphviz(what: str) -> PictureError:
    return PictureError(
        Diagnostic(
            "V002",
            what,
            help=(
                "install Graphviz, or `pip install 'cutwire[dot]'`",
                "or write a `.dot` or `.gv` file, which needs neither",
            ),
        )
    )
