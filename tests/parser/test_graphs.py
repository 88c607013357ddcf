"""Graphs of other programs: texts as they are found, and what is said of broken ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from parser import graphs
from parser.dagitty import parse_dagitty
from parser.dot import parse_dot
from parser.gml import parse_gml
from parser.graphs import GraphText
from strings.diagnostic import CutwireError, LimitError

PARSERS: dict[str, Callable[[str], GraphText]] = {"dot": parse_dot, "dagitty": parse_dagitty, "gml": parse_gml}


def shown(graph: GraphText) -> str:
    """Edges and hidden variables on one line."""
    edges = [f"{e.source}{'<>' if e.two_headed else '>'}{e.sink}" for e in graph.edges]
    return " ".join([*edges, *(f"({v.name})" for v in graph.vertices if v.latent)])


SHRIER = (Path(__file__).parent.parent.parent / "examples" / "warm-up.dagitty").read_text(encoding="utf-8")
"""The graph of Shrier and Platt (2008), as dagitty.net writes it."""

DAGITTY = {
    "R, M-bias": (
        "dag{ x -> y ; x <- u1 -> m <- u2 -> y ; u1 [latent] ; u2 [latent] }",
        "x>y u1>x u1>m u2>m u2>y (u1) (u2)",
    ),
    "R, chain with coefficients": ("dag { X -> M -> Y [beta=-.3] ; X <-> Y [beta=0.2] }", "X>M M>Y X<>Y"),
    "R, groups": ("dag {\n {a b} -> x\n x -> {y1; y2}\n y1 <-> y2\n}", "a>x b>x x>y1 x>y2 y1<>y2"),
    "names in quotes": (
        'dag {\n"Periodontal disease" [exposure,pos="-0.4,0.1"]\n"Age (yrs)"\nMortality [outcome]\n'
        '"Age (yrs)" -> "Periodontal disease"\n"Periodontal disease" -> Mortality\n}',
        "Age (yrs)>Periodontal disease Periodontal disease>Mortality",
    ),
    "dots in names, on one line": (
        "dag{EDN1.3->Stroke BMP6.10->Stroke MET.5->{BMP6.10}}",
        "EDN1.3>Stroke BMP6.10>Stroke MET.5>BMP6.10",
    ),
    "no word before": ("{ X -> Y }", "X>Y"),
    "a name and comments": ('dag "my graph" { // one\n X /* two */ -> Y\n # three\n}', "X>Y"),
    "digraph": ("digraph G { X -> Y [label=hi] }", "X>Y"),
    "the older form": (
        "X%20one E @0.1,0.2\nY O @0.3,0.4\nU U\nZ 1\n\nU X%20one Y\nX%20one Y @0.5,0.5\n",
        "U>X one U>Y X one>Y (U)",
    ),
    "the older form, no marks": ("A\nB\n\nA B", "A>B"),
    "isolated": ("dag { A B }", ""),
    "short marks": ("dag { X [e] Y [o] U [u] U -> X -> Y }", "U>X X>Y (U)"),
    "not hidden after all": ("dag { X [latent=no] -> Y }", "X>Y"),
}

DOT = {
    "DoWhy, a string": (
        'digraph {U[label="Unobserved Confounders"]; X->y;U->X;U->y; Z0-> X;W0-> X; W0-> y;}',
        "X>y U>X U>y Z0>X W0>X W0>y",
    ),
    "DoWhy, hidden": (
        'digraph { U[label="Unobserved Confounders" observed="no"]; "v0"->"y"; U->"v0"; U->y }',
        "v0>y U>v0 U>y (U)",
    ),
    "causal-learn": (
        "digraph  {\nfontsize=18;\n0 [label=X1];\n1 [label=X2];\n2 [label=X3];\n"
        "0 -> 1  [arrowhead=normal, arrowtail=none, dir=both];\n"
        "1 -> 2  [arrowhead=normal, arrowtail=normal, dir=both];\n}\n",
        "X1>X2 X2<>X3",
    ),
    "pgmpy through pygraphviz": (
        'strict digraph "" {\n\tgraph [bb="0,0,126,108"];\n\tnode [label="\\N"];\n\tD\t[height=0.5, pos="27,90"];\n'
        '\tD -> G\t[pos="e,1,2 3,4 5,6"];\n\tI -> G;\n}\n',
        "D>G I>G",
    ),
    "graphviz for Python": (
        '// The Round Table\ndigraph {\n\tA [label="King Arthur"]\n\tA -> B\n\tA -> L [constraint=false]\n}\n',
        "A>B A>L",
    ),
    "bnlearn": ('digraph {\n  "A" ;\n  "B" ;\n  edge [dir=none] ;\n  edge [dir=forward] ;\n  "A" -> "B" ;\n}', "A>B"),
    "a dashed edge of two heads": ("digraph { X -> Y; X -> Y [dir=both style=dashed constraint=false] }", "X>Y X<>Y"),
    "backwards": ("digraph { X -> Y [dir=back] }", "Y>X"),
    "a hidden cause with dashed edges": ("digraph { U [style=dashed] U -> {X Y} [style=dashed] }", "U>X U>Y (U)"),
    "defaults in a subgraph": (
        "digraph { subgraph cluster_0 { label=hidden node [observed=no] U V } U -> X; V -> X:port:ne }",
        "U>X V>X (U) (V)",
    ),
    "groups and chains": (
        "digraph { {a b} -> c -> subgraph s { d; e }; edge [dir=both]; d -> e }",
        "a>c b>c c>d c>e d<>e",
    ),
    "all kinds of names": (
        'digraph { "a \\"b\\"" -> -1.5; -1.5 -> "long" + " name"; <html <b>x</b>> -> "joined\\\nline"; été -> Ω }',
        'a "b">-1.5 -1.5>long name html <b>x</b>>joinedline été>Ω',
    ),
    "HTML labels and a preprocessor": ('# 1 "file"\ndigraph { a [label=<<b>bold</b> &amp; more>]; a -> b }', "a>b"),
    "keywords in any case": ("STRICT DiGraph g { Node [shape=box]; A -> B; A -> B }", "A>B"),
    "settings": ('digraph { rankdir=LR; size="8,5"\n A->B->C }', "A>B B>C"),
}

GML = {
    "DoWhy": (
        'graph[directed 1 node[ id "X" label "X"] node[id "Y" label "Y"] '
        'node[ id "U" label "Unobserved" observed "no" ]'
        'edge[source "X" target "Y"]edge[source "U" target "X"]edge[source "U" target "Y"]]',
        "X>Y U>X U>Y (U)",
    ),
    "networkx": (
        'graph [\n  directed 1\n  name "g"\n  node [\n    id 0\n    label "A &#38; B"\n'
        "    graphics [ x 1.5 y -2.0e1 ]\n"
        '  ]\n  node [\n    id 1\n    label "C"\n  ]\n  edge [\n    source 0\n    target 1\n    weight 0.5\n  ]\n]\n',
        "A & B>C",
    ),
    "what stands around": ('Creator "me"\nVersion 1\ngraph [ comment "x" directed 1 node [ id 1 ] ]', ""),
}


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [(k, *v) for k, d in {"dagitty": DAGITTY, "dot": DOT, "gml": GML}.items() for v in d.values()],
    ids=[name for d in (DAGITTY, DOT, GML) for name in d],
)
def test_texts_as_they_are_found(kind: str, text: str, wanted: str) -> None:
    assert shown(PARSERS[kind](text)) == wanted


def test_shrier_and_platt() -> None:
    """Roles, and an effect whose adjustment sets are known from the paper."""
    graph = parse_dagitty(SHRIER)

    assert (graph.having("exposure"), graph.having("outcome")) == (("WarmUpExercises",), ("Injury",))
    assert (len(graph.vertices), len(graph.edges)) == (13, 18)
    model = graph.shape().graph
    assert model.show(model.ancestors(model.mask(["PreviousInjury"]))) == (
        "Coach",
        "ContactSport",
        "PreviousInjury",
        "TeamMotivation",
    )


def test_labels() -> None:
    """Long names: escapes, HTML and what is no label of its own."""
    text = (
        'digraph { A [label="two\\nlines: \\N"] B [label="\\N"] C [label=<<i>It</i> &lt;>] D [label="50\\\\"] A -> B }'
    )

    assert [v.label for v in parse_dot(text).vertices] == ["two lines: A", "", "It &lt;", "50\\"]


def test_names() -> None:
    assert parse_dot("digraph mine { }").name == "mine"
    assert parse_dot("digraph { }", "given").name == "given"
    assert parse_dagitty('dag "a b" { }').name == "a b"


BROKEN = {
    "not DOT": ("dot", "digrph { A -> B }", "A001", "expected `digraph`", "did you mean `digraph`?"),
    "empty": ("dot", "", "A001", "expected `digraph`", ""),
    "never closed": ("dot", "digraph { A -> B", "A001", "opened here", ""),
    "a bracket": ("dot", "digraph { A [label=x; B }", "A001", "expected an attribute or `]`", ""),
    "a quote": ("dot", 'digraph { "A -> B }', "A001", "opened here", ""),
    "a comment": ("dot", "digraph { /* A -> B }", "A001", "opened here", ""),
    "HTML": ("dot", "digraph { a [label=<b<c>] }", "A001", "opened here", ""),
    "no sink": ("dot", "digraph { A -> ; }", "A001", "expected a vertex, an edge, a subgraph or `}`", ""),
    "a second graph": ("dot", "digraph { } digraph { }", "A001", "expected nothing more: one graph a file", ""),
    "a strange sign": ("dot", "digraph { A ! B }", "A001", "", "names with such characters need quotes"),
    "undirected": ("dot", "graph { A -- B }", "A002", "its edges have no direction", "write `digraph` and `->`"),
    "an undirected edge": ("dot", "digraph { A -- B }", "A002", "this edge has no direction", "hidden cause"),
    "no heads": ("dot", "digraph { A -> B [dir=none] }", "A002", "", "choose one"),
    "circles": (
        "dot",
        "digraph { A -> B [dir=both arrowtail=odot] }",
        "A002",
        "it stands for several graphs",
        "choose one",
    ),
    "a loop": ("dot", "digraph { A -> B; B -> C; C -> A }", "M002", "the loop closes here", "unroll time"),
    "itself": ("dot", "digraph { A -> A }", "M002", "", ""),
    "pdag": ("dagitty", "pdag { A -- B }", "A002", "not a DAG", "choose one of its models"),
    "mag": ("dagitty", "mag { A <-> B }", "A002", "not a DAG", ""),
    "no kind": ("dagitty", "dg { A -> B }", "A001", "expected `dag {`", "did you mean `dag`?"),
    "an undirected edge in a dag": ("dagitty", "dag { A -- B }", "A002", "this edge says too little", "choose one"),
    "circle marks": ("dagitty", "dag { A @-> B }", "A002", "this edge says too little", ""),
    "no brackets": ("dagitty", "X -> Y", "A001", "expected a mark", "dagitty's language is `dag { X -> Y }`"),
    "unknown in the list": ("dagitty", "X 1\n\nX Y", "A001", "", "dagitty's language"),
    "open": ("dagitty", "dag { X -> Y [beta=2", "A001", "opened here", ""),
    "a broken attribute": ("dagitty", "dag { X [pos=] }", "A001", "expected a value", ""),
    "nothing behind": ("dagitty", "dag { X -> }", "A001", "expected a variable, an edge or `}`", ""),
    "two": ("dagitty", "dag { X } dag { Y }", "A001", "expected nothing more", ""),
    "a loop of two": ("dagitty", "dag { X -> Y -> X }", "M002", "the loop closes here", "two heads"),
    "nothing": ("dagitty", "", "A001", "", ""),
    "not directed": ("gml", "graph [ node [ id 1 ] ]", "A002", "it does not say `directed 1`", ""),
    "unknown id": ("gml", "graph [ directed 1 edge [ source 1 target 2 ] ]", "A001", "", ""),
    "no target": ("gml", "graph [ directed 1 node [ id 1 ] edge [ source 1 ] ]", "A001", "", ""),
    "no graph": ("gml", "node [ id 1 ]", "A001", "expected `graph [`", ""),
    "open list": ("gml", "graph [ directed 1 node [ id 1 ", "A001", "opened here", ""),
}


@pytest.mark.parametrize(("kind", "text", "code", "label", "help_"), BROKEN.values(), ids=BROKEN)
def test_broken_texts(kind: str, text: str, code: str, label: str, help_: str) -> None:
    """One diagnostic with a place, and with what to do where that can be said."""
    with pytest.raises(CutwireError) as caught:
        PARSERS[kind](text).shape()

    (d,) = caught.value.diagnostics
    assert d.code == code
    assert d.span is not None
    assert label in d.label
    assert help_ in " ".join(d.help)


def test_a_caret_below_the_place() -> None:
    with pytest.raises(CutwireError) as caught:
        parse_dagitty("dag {\n  X -> Y\n  Y -- Z\n}", source_name="g.dagitty")

    assert str(caught.value) == (
        "error[A002]: `--` stands for several graphs\n"
        " --> g.dagitty:3:5\n"
        "  |\n"
        "3 |   Y -- Z\n"
        "  |     ^^ this edge says too little\n"
        "  |\n"
        "  = help: choose one: `->`, `<-`, or `<->` for a hidden common cause"
    )


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("dot", "digraph { X -> Y [style=dashed] }"),
        ("dagitty", "dag { X -> Y  Z [adjusted] }"),
        ("dagitty", "dag { X -> Y  Z [selected] }"),
    ],
)
def test_what_is_guessed_or_left_out_is_told(kind: str, text: str) -> None:
    assert [(d.code, d.severity) for d in PARSERS[kind](text).warnings] == [("A003", "warning")]


def test_a_dashed_edge_is_a_hidden_cause() -> None:
    assert shown(parse_dot("digraph { X -> Y [style=dashed] }")) == "X<>Y"


@pytest.mark.parametrize(
    "text", ["digraph {" + "{" * 200 + "}" * 200 + "}", "digraph { {a b c d e} -> {f g h i j} -> {k l m n o} }"]
)
def test_bounds(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nesting, vertices and edges are bounded."""
    monkeypatch.setattr(graphs, "MAX_EDGES", 30)
    with pytest.raises(LimitError, match="L003"):
        parse_dot(text)


@pytest.mark.parametrize(
    ("kind", "text"), [("dot", "digraph { a b c d }"), ("dagitty", "dag { a b c d }"), ("dagitty", "a\nb\nc\nd\n")]
)
def test_vertices_are_bounded(kind: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "MAX_VERTICES", 3)
    with pytest.raises(LimitError, match="more than 3 vertices"):
        PARSERS[kind](text)


@pytest.mark.parametrize("kind", ["dagitty", "gml"])
def test_deep_nesting(kind: str) -> None:
    text = "dag" + "{" * 500 if kind == "dagitty" else "graph [ directed 1 " + "x [ " * 500
    with pytest.raises(LimitError, match="L003"):
        PARSERS[kind](text)
