"""`cutwire convert`: models from other programs' files and into them, and from graphs of networkx and into them.

>>> model = from_dagitty("dag { X -> Y  X <-> Y }")
>>> print(to_dot(model).count("->"))
3
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cutwire.formats import edges, to_causal, to_dagitty, to_dot
from cutwire.model import Model, read_bif
from parser.dagitty import parse_dagitty
from parser.dot import parse_dot
from parser.files import read_text
from parser.gml import parse_gml
from parser.graphs import Collected, GraphText, is_hidden
from parser.program import ModelDef
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, did_you_mean
from strings.picture.files import write_by_ending

__all__ = [
    "Brought",
    "from_dagitty",
    "from_dot",
    "from_gml",
    "from_networkx",
    "read_brought",
    "to_causal",
    "to_dagitty",
    "to_dot",
    "to_networkx",
    "to_tikz",
    "write_brought",
]

Domains = int | Mapping[str, Any] | None

ENDINGS = {
    ".causal": "causal",
    ".bif": "bif",
    ".bif.gz": "bif",
    ".dot": "dot",
    ".gv": "dot",
    ".dagitty": "dagitty",
    ".dag": "dagitty",
    ".txt": "dagitty",
    ".gml": "gml",
    ".tex": "tex",
}
"""What the ending of a file says of its format."""

READ = ("causal", "bif", "dot", "dagitty", "gml")
WRITTEN = ("causal", "bif", "dot", "dagitty", "tex")
GRAPHS = ("dot", "dagitty", "gml")
"""Formats that are read, that are written, and those read that hold a graph and nothing else."""

_READERS: Mapping[str, Callable[[str, str, str], GraphText]] = {
    "dot": parse_dot,
    "dagitty": parse_dagitty,
    "gml": parse_gml,
}


@dataclass(frozen=True)
class Brought:
    """A model from another program, and the effect that its file is about, if it says so."""

    model: Model
    exposures: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()


# ---- texts -----------------------------------------------------------------------------------------------------------


def from_dot(text: str, name: str = "", domains: Domains = None) -> Model:
    """The model of a graph in DOT; its shape is all that is known of it.

    Raises:
        LanguageError: A001, A002 if the text cannot be read, or is no directed graph.
        CompositionError: M002 for a loop.
    """
    return _brought(parse_dot(text, name), domains).model


def from_dagitty(text: str, name: str = "", domains: Domains = None) -> Model:
    """The model of a graph in dagitty's language.

    Raises:
        LanguageError: A001, A002 if the text cannot be read, or is no DAG. CompositionError: M002 for a loop.
    """
    return _brought(parse_dagitty(text, name), domains).model


def from_gml(text: str, name: str = "", domains: Domains = None) -> Model:
    """The model of a graph in GML.

    Raises:
        LanguageError: A001, A002 if the text cannot be read, or is no directed graph.
        CompositionError: M002 for a loop.
    """
    return _brought(parse_gml(text, name), domains).model


def to_tikz(model: Model) -> str:
    """The string diagram of a model as a LaTeX document with one TikZ picture."""
    from strings.picture.operation import model_scene
    from strings.picture.tikz import to_tikz as written

    return written(model_scene(model.shape))


def _brought(graph: GraphText, domains: Domains = None) -> Brought:
    shape = graph.shape(domains)
    labels = {v.name: v.label for v in graph.vertices if v.label}
    model = Model(ModelDef(graph.name, shape, labels=labels), graph.warnings)
    return Brought(model, graph.having("exposure"), graph.having("outcome"))


# ---- files -----------------------------------------------------------------------------------------------------------


def format_of(file: str) -> str:
    """The format that the ending of a file says, or nothing."""
    name = file.lower()
    return next((f for ending, f in sorted(ENDINGS.items(), key=lambda e: -len(e[0])) if name.endswith(ending)), "")


def _chosen(file: str, asked: str, known: tuple[str, ...], option: str, verb: str) -> str:
    """The format of a file: as asked for, or as its ending says.

    Raises:
        LanguageError: A005 if there is none, or it is none of those `known`.
    """
    found = asked or format_of(file)
    if found in known:
        return found
    listed = ", ".join(f"`{e}`" for e, f in ENDINGS.items() if f in known)
    notes = (f"{verb} are {listed}",)
    suffix = Path(file).suffix.lower()
    if asked:
        near = did_you_mean(asked, known) or (f"the formats are {', '.join(known)}",)
        raise LanguageError(Diagnostic("A005", f"there is no format `{asked}` that is {verb}", help=near))
    help_: tuple[str, ...]
    if suffix in (".svg", ".png", ".pdf"):
        help_ = (f"draw it: `cutwire draw FILE -o {file}`",) if option == "--to" else ()
    else:
        help_ = did_you_mean(suffix, [e for e, f in ENDINGS.items() if f in known])
    message = f"`{suffix}` is no format that is {verb}" if suffix else f"`{file}` has no ending that says its format"
    if file == "-":
        message = "standard input and output do not say their format"
    raise LanguageError(Diagnostic("A005", message, notes=notes, help=help_ or (f"say which: {option} {known[0]}",)))


def read_brought(file: str, asked: str = "", model: str = "", allow_outside: bool = False) -> Brought:
    """The model in a file of any format that is read; `-` is standard input. `model` chooses one of a model file.

    Raises:
        CutwireError: with what is wrong with the file.
    """
    from cutwire.opening import open_model, typed_text

    kind = _chosen(file, asked, READ, "--from", "read")
    if kind in ("causal", "bif") and file != "-":
        return Brought(read_bif(file) if kind == "bif" else open_model(file, model, allow_outside))
    if kind == "causal":
        return Brought(open_model(file, model, allow_outside))
    text = typed_text() if file == "-" else read_text(Path(file))
    name = "" if file == "-" else Path(file).name.partition(".")[0]
    if kind == "bif":
        from parser.bif import parse_bif

        return Brought(Model(*parse_bif(text, name, "<stdin>")))
    source = "<stdin>" if file == "-" else file
    return _brought(_READERS[_sniffed(text, kind)](text, name, source))


def _sniffed(text: str, kind: str) -> str:
    """DOT and dagitty's language have the same endings: the first word decides."""
    bare = re.sub(r"//[^\n]*|/\*.*?\*/|^#[^\n]*", " ", text[:10_000], flags=re.DOTALL | re.MULTILINE)
    word = re.match(r"\s*(\w*)", bare)
    first = word[1].lower() if word else ""
    if kind != "gml" and re.match(r"\s*(?:\w+\s+\S+\s+)*graph\s*\[", bare):
        return "gml"
    if kind == "dagitty" and first in ("strict", "digraph"):
        return "dot"
    return "dagitty" if kind == "dot" and first in ("dag", "pdag", "mag", "pag") else kind


def write_brought(brought: Brought, file: str, asked: str = "") -> tuple[Diagnostic, ...]:
    """Write a model into a file of any format that is written; `-` is standard output. Tells what was changed.

    Raises:
        CutwireError: A005 for an unknown format, V004 if the file cannot be written, and what the format cannot hold.
    """
    kind = _chosen(file, asked, WRITTEN, "--to", "written")
    text, told = _written(brought, kind)
    if file == "-":
        sys.stdout.write(text)
    elif kind == "bif" and file.lower().endswith(".gz"):
        from parser.bif import write_bif_file

        write_bif_file(brought.model.definition, file)
    else:
        write_by_ending(file, {Path(file).suffix.lower(): text.encode})
    return told


def _written(brought: Brought, kind: str) -> tuple[str, tuple[Diagnostic, ...]]:
    model, exposures, outcomes = brought.model, brought.exposures, brought.outcomes
    match kind:
        case "causal":
            return to_causal(model, exposures, outcomes)
        case "bif":
            from parser.bif import write_bif

            return write_bif(model.definition), ()
        case "dot":
            return to_dot(model), ()
        case "dagitty":
            return to_dagitty(model, exposures, outcomes), ()
        case _:
            return to_tikz(model), ()


# ---- networkx --------------------------------------------------------------------------------------------------------


def from_networkx(graph: Any, name: str = "", domains: Domains = None) -> Model:
    """The model of a directed graph of networkx; its shape is all that is known of it.

    A vertex is hidden if it says `observed="no"` or `latent=True`, or if the graph has it among its `latents`, as
    pgmpy's has. An edge with `dir="both"` or `type="bidirected"` is a hidden common cause. `label` and `values` of a
    vertex are its long name and its values; `domains` is as for `Model.from_edges`.

    Raises:
        LanguageError: A002 for what is no directed graph of networkx. CompositionError: M002 for a loop.
    """
    if not all(hasattr(graph, part) for part in ("nodes", "pred", "is_directed")):
        message = f"`from_networkx` takes a graph of networkx, not {type(graph).__name__}"
        raise LanguageError(Diagnostic("A002", message, help=("such as networkx.DiGraph",)))
    if not graph.is_directed():
        message = f"a {type(graph).__name__} has no directions, so it says nothing of causes"
        raise LanguageError(Diagnostic("A002", message, help=("make a networkx.DiGraph",)))
    found, names = Collected(), {n: str(n) for n in graph.nodes}
    if len(set(names.values())) < len(names):
        twice = next(t for t in names.values() if list(names.values()).count(t) > 1)
        raise LanguageError(Diagnostic("A002", f"two vertices are called `{twice}`", help=("rename one",)))
    hidden = {str(n) for n in getattr(graph, "latents", ())}
    values: dict[str, Any] = {}
    for n, text in names.items():
        given = graph.nodes[n]
        vertex = found.vertex(text)
        label = str(given.get("label", ""))
        latent = text in hidden or is_hidden({str(k): str(v) for k, v in given.items()})
        found.vertices[text] = replace(vertex, label=label if label != text else "", latent=latent)
        if given.get("values"):
            values[text] = [str(v) for v in given["values"]]
    for n, text in names.items():
        for p, given in graph.pred[n].items():
            each = given.values() if graph.is_multigraph() else [given]
            for attributes in each:
                two = attributes.get("dir") == "both" or attributes.get("type") == "bidirected"
                found.edge(names[p], text, two, None)
    title = name or str(getattr(graph, "name", "") or "model")
    return _brought(found.graph(title), domains if domains is not None else values or None).model


def to_networkx(model: Model) -> Any:
    """The graph of a model as a `networkx.DiGraph`; vertices say whether they are `observed`, and what else is known.

    Raises:
        CutwireError: V003 if networkx is not installed.
    """
    try:
        import networkx
    except ImportError:
        message = "graphs of networkx need `networkx`"
        raise CutwireError(Diagnostic("V003", message, help=("`pip install networkx`",))) from None
    graph = networkx.DiGraph(name=model.name)
    for x in model.shape.variables:
        said: dict[str, Any] = {"observed": "no" if x.name in model.shape.latents else "yes"}
        if x.values is not None:
            said["values"] = x.values
        if label := model.definition.labels.get(x.name):
            said["label"] = label
        graph.add_node(x.name, **said)
    graph.add_edges_from(edges(model.shape))
    return graph
