"""The graph of a causal model in Graphviz's DOT language.

A vertex for every variable, an edge for every parent that a mechanism listens to; latent variables are dashed, or
projected out to dashed bidirected edges (Verma 1993). What surgery changes is red: edges that it removes are dashed,
edges of a policy are drawn through, and a variable that is set says to what. DOT text needs no Graphviz; pictures do.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from strings.diagnostic import Diagnostic
from strings.graph import bits
from strings.model import CausalModel
from strings.picture.files import PictureError, missing_package, write_by_ending
from strings.picture.glyphs import RED
from strings.picture.mixed import Drawn, graph_scene
from strings.picture.scene import Scene
from strings.picture.tikz import to_tikz
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery, operate


def dag_dot(model: CausalModel, project: bool = False, surgeries: Sequence[Surgery] = ()) -> str:
    """The DOT text of a model's graph; with `project`, of its mixed graph on the observed variables.

    With `surgeries`, of the graph of `model` with what they change in red.

    >>> model = CausalModel.from_edges([("S", "T")], bidirected=[("S", "T")], domains=2)
    >>> for line in dag_dot(model, project=True).splitlines()[4:-1]:
    ...     print(line.strip())
    v0 [label=S]
    v1 [label=T]
    v0 -> v1
    v0 -> v1 [constraint=false dir=both style=dashed]
    >>> from strings.surgery import Do
    >>> for line in dag_dot(model, project=True, surgeries=[Do("T", "1")]).splitlines()[4:-1]:
    ...     print(line.strip())
    v0 [label=S]
    v1 [label="T = 1" fontcolor="#b3261e"]
    v0 -> v1 [color="#b3261e" style=dashed]
    v0 -> v1 [color="#b3261e" constraint=false dir=both style=dashed]

    Raises:
        PictureError: V003 if the `graphviz` package is not installed.
        CutwireError: if a surgery does not fit the model.
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
    after = operate(model, *surgeries)
    edges_of = _mixed_edges if project else _all_edges
    names = [n for n in model.names if not project or n not in model.latents]
    number = {n: f"v{k}" for k, n in enumerate(names)}
    said = dict(text for s in surgeries for text in _vertex_text(s))
    for n in names:
        look = {"shape": "ellipse", "style": "dashed"} if n in model.latents else {}
        red = {"fontcolor": RED} if n in said else {}
        dot.node(number[n], label=graphviz.escape(said.get(n, n)), **look, **red)
    before, now = edges_of(model), edges_of(after)
    told = dict(text for s in surgeries for text in _edge_text(s))
    for edge in dict.fromkeys([*before, *now]):
        source, sink, two_headed = edge
        look = dict(before.get(edge, now.get(edge, {})))
        if edge not in now:
            look |= {"style": "dashed", "color": RED}
            if (source, sink) in told and not two_headed:
                look |= {"label": graphviz.escape(told[source, sink]), "fontcolor": RED, "fontname": "Times-Italic"}
        elif edge not in before:
            look["color"] = RED
        dot.edge(number[source], number[sink], **look)
    return str(dot.source)


def dag_scene(model: CausalModel, project: bool = False, surgeries: Sequence[Surgery] = ()) -> Scene:
    """The same graph as a scene that is laid out without Graphviz.

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    edges_of = _mixed_edges if project else _all_edges
    before, now = edges_of(model), edges_of(operate(model, *surgeries))
    said = dict(text for s in surgeries for text in _vertex_text(s))
    told = dict(text for s in surgeries for text in _edge_text(s))
    edges = []
    for edge in dict.fromkeys([*before, *now]):
        source, sink, two_headed = edge
        gone, red = edge not in now, edge not in now or edge not in before
        text = told.get((source, sink), "") if gone and not two_headed else ""
        dashed = gone or "style" in before.get(edge, now.get(edge, {}))
        edges.append(Drawn(source, sink, two_headed, dashed, red, text))
    names = {n: said.get(n, n) for n in model.names if not project or n not in model.latents}
    return graph_scene(model.name, names, edges, model.latents & set(names), frozenset(said))


Edges = dict[tuple[str, str, bool], dict[str, str]]


def _all_edges(model: CausalModel) -> Edges:
    """Who listens to whom: from, to, whether two-headed; and how the edge looks."""
    hidden = {"style": "dashed"}
    return {(p, n, False): hidden if p in model.latents else {} for n in model.names for p in model.parents(n)}


def _mixed_edges(model: CausalModel) -> Edges:
    graph = model.graph
    names = graph.names
    edges: Edges = {(names[p], names[k], False): {} for k, mask in enumerate(graph.parents) for p in bits(mask)}
    for k, mask in enumerate(graph.spouses):
        for s in bits(mask):
            if s > k:
                edges[names[k], names[s], True] = {"dir": "both", "style": "dashed", "constraint": "false"}
    return edges


def _vertex_text(s: Surgery) -> list[tuple[str, str]]:
    """What a variable is called after surgery on its mechanism."""
    match s:
        case Do(variable, value):
            return [(variable, f"{variable} = {value}")]
        case Cut(variable):
            return [(variable, f"{variable} ~ uniform")]
        case Open(variable, axis):
            return [(variable, f"{variable} = {axis}" if axis else variable)]
        case Replace(variable, mechanism, text):
            return [(variable, f"{variable} ~ {text or mechanism.diagram.nodes[0].box.name}")]
        case CutWire() | DoWire():
            return []


def _edge_text(s: Surgery) -> list[tuple[tuple[str, str], str]]:
    """What a variable is told that no longer listens to another."""
    match s:
        case DoWire(source, sink, value, axis):
            told = value if value is not None else axis
            return [((source, sink), f"{source} = {told}")] if told else []
        case _:
            return []


def draw_dag(
    model: CausalModel,
    path: str | Path | None = None,
    project: bool = False,
    surgeries: Sequence[Surgery] = (),
) -> str:
    """The DOT text; with `path`, also write it there (`.dot`, `.gv`), or its picture (`.svg`, `.png`, `.pdf`, `.tex`).

    Raises:
        PictureError: V001 for an unknown ending, V002 if Graphviz is needed and cannot be found or fails, V003, V004.
        CutwireError: if a surgery does not fit the model.
    """
    text = dag_dot(model, project, surgeries)
    if path is not None:
        pictures = {f".{kind}": lambda kind=kind: render_dot(text, kind) for kind in ("svg", "png", "pdf")}
        tikz = {".tex": lambda: to_tikz(dag_scene(model, project, surgeries)).encode()}
        write_by_ending(path, {**pictures, **tikz, ".dot": text.encode, ".gv": text.encode})
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
