"""Pictures as TikZ, and graphs that are laid out without Graphviz."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strings.latex import plain_text
from strings.model import CausalModel
from strings.picture import draw_dag, draw_model
from strings.picture.dag import dag_scene
from strings.picture.glyphs import STYLES, Circle, Polygon, Shape, Text
from strings.picture.glyphs import Path as Line
from strings.picture.operation import model_scene
from strings.picture.scene import Scene
from strings.picture.tikz import to_tikz
from strings.surgery import Cut, Do, DoWire, Surgery

FRONT = CausalModel.from_edges([("S", "T"), ("T", "C")], [("S", "C")], domains=2, name="front")
NUMBER = r"-?\d+(?:\.\d+)?"


def commands(text: str) -> list[str]:
    """The lines of the picture."""
    return [line for line in text.splitlines() if line.startswith((r"\path", r"\node"))]


def test_golden() -> None:
    """A state and a discard, in full."""
    text = to_tikz(model_scene(CausalModel.from_edges(nodes=["S"], domains=2, name="m_1")))

    assert text == (
        "% m_1: String diagram from I to S. Boxes, from bottom to top: s : -> S.\n"
        "\\documentclass[tikz]{standalone}\n\\usepackage[utf8]{inputenc}\n\\usepackage[T1]{fontenc}\n"
        "\\usepackage{mathptmx}\n\\definecolor{cw000000}{HTML}{000000}\n\\definecolor{cwffffff}{HTML}{FFFFFF}\n"
        "\\begin{document}\n\\begin{tikzpicture}[x=1bp, y=-1bp, line join=round,\n"
        "  cw wire/.style={draw=cw000000, line width=1.4bp, line cap=round},\n"
        "  cw box/.style={draw=cw000000, line width=1.4bp, line cap=round, fill=cwffffff},\n"
        "  cw state/.style={inner sep=0pt, outer sep=0pt, text=cw000000, "
        "font=\\fontsize{15bp}{18bp}\\itshape\\selectfont},\n"
        "  cw label/.style={inner sep=0pt, outer sep=0pt, text=cw000000, "
        "font=\\fontsize{17bp}{20.4bp}\\itshape\\selectfont},\n]\n"
        "\\useasboundingbox (0, 0) rectangle (70, 100);\n"
        "\\path[cw wire] (35, 58) -- (35, 34);\n"
        "\\path[cw box] (12, 58) -- (58, 58) -- (35, 91) -- cycle;\n"
        "\\node[cw state, anchor=base] at (35, 72.5) {s};\n"
        "\\node[cw label, anchor=base] at (35, 28) {S};\n"
        "\\end{tikzpicture}\n\\end{document}\n"
    )


@pytest.mark.parametrize("surgeries", [[], [Cut("S")], [Do("T", "1")], [DoWire("T", "C", "1")]])
def test_every_shape_is_drawn(surgeries: list[Surgery]) -> None:
    """As many as in the scene, each in a style that is defined, all numbers plain."""
    scene = model_scene(FRONT, surgeries)
    text = to_tikz(scene)
    drawn = commands(text)

    assert len(drawn) == len(scene.shapes)
    for line, shape in zip(drawn, scene.shapes, strict=True):
        assert line.startswith((rf"\path[cw {shape.style}]", rf"\node[cw {shape.style},"))
        assert f"  cw {shape.style}/.style={{" in text
        assert line.endswith(";")
    assert {c for look in STYLES.values() for c in (look.stroke, look.fill)} >= {
        f"#{c.lower()}" for c in re.findall(r"\{HTML\}\{(\w+)\}", text)
    }
    points = re.findall(rf"\(({NUMBER}), ({NUMBER})\)", text)
    assert all(-1 <= float(x) <= scene.width + 1 and -1 <= float(y) <= scene.height + 1 for x, y in points)


def test_names_of_all_kinds() -> None:
    r"""What LaTeX would take for its own is written so that it does not."""
    scene = Scene(
        10, 10, tuple(Text(0, 0, t, "label") for t in ("50%", "a_b", r"\end{x}", "#1 & $2 ~^{}", "α₁")), "a\nb"
    )
    lines = commands(to_tikz(scene))

    assert [line.partition(") {")[2][:-2] for line in lines] == [
        r"50\%",
        r"a\_b",
        r"\textbackslash{}end\{x\}",
        r"\#1 \& \$2 \textasciitilde{}\textasciicircum{}\{\}",
        r"\ensuremath{\alpha}₁",
    ]
    assert to_tikz(scene).startswith("% a b:\n")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ω and Α", r"\ensuremath{\Omega} and A"),
        ("λ", r"\ensuremath{\lambda}"),
        ("ο ς", r"\ensuremath{o} \ensuremath{\varsigma}"),
        ("X → Y", r"X \ensuremath{\rightarrow} Y"),
        ("a--b <<c>>", "a-{}-b <{}<c>{}>"),
        ("\x1bé", " é"),
        ("S''", "S'{}'"),
    ],
)
def test_plain_text(text: str, wanted: str) -> None:
    assert plain_text(text) == wanted


def test_files(tmp_path: Path) -> None:
    """By the ending, for diagrams and graphs alike."""
    draw_model(FRONT, [Cut("S")], tmp_path / "a.tex")
    draw_dag(FRONT, tmp_path / "b.tex")
    for name in ("a.tex", "b.tex"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.startswith("% front")
        assert text.count("{") == text.count("}")


# ---- graphs ----------------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn) -> CausalModel:
    n = draw(st.integers(1, 8))
    pairs = [(f"V{a}", f"V{b}") for a in range(n) for b in range(a + 1, n)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    both = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3)) if pairs else []
    return CausalModel.from_edges(edges, both, 2, [f"V{k}" for k in range(n)])


def labels(scene: Scene) -> dict[str, tuple[float, float]]:
    return {s.text: (s.x, s.y) for s in scene.shapes if isinstance(s, Text) and s.style.endswith("label")}


def extent(shape: Shape) -> list[tuple[float, float]]:
    match shape:
        case Line(commands):
            return [p for c, ps in commands for p in [ps[-2:]]]  # type: ignore[misc]
        case Polygon(points):
            return list(points)
        case Circle(x, y) | Text(x, y):
            return [(x, y)]


@given(model=graphs(), project=st.booleans())
@settings(max_examples=60, deadline=None)
def test_graphs_are_whole(model: CausalModel, project: bool) -> None:
    """Every vertex has its place, causes stand left of effects, every edge has its heads, and all is inside."""
    scene = dag_scene(model, project)
    place = labels(scene)
    names = model.observed if project else model.names

    assert set(place) == set(names)
    assert all(math.dist(place[a], place[b]) > 20 for a in names for b in names if a < b)
    assert all(place[p][0] < place[n][0] for n in names for p in model.parents(n) if p in place)
    if project:
        graph = model.graph
        heads = sum(p.bit_count() for p in graph.parents) + sum(s.bit_count() for s in graph.spouses)
    else:
        heads = sum(len(model.parents(n)) for n in names)
    assert sum(isinstance(s, Polygon) for s in scene.shapes) == heads
    for x, y in (p for s in scene.shapes for p in extent(s)):
        assert 0 <= x <= scene.width
        assert 0 <= y <= scene.height


def test_surgery_in_graphs() -> None:
    """What is cut is red and dashed, and the variable says to what it is set."""
    scene = dag_scene(FRONT, surgeries=[Do("T", "1")])

    assert [s.text for s in scene.shapes if isinstance(s, Text) and s.style == "red label"] == ["T = 1"]
    assert [s.style for s in scene.shapes if isinstance(s, Line)].count("red latent") == 1


def test_hidden_variables_are_ringed() -> None:
    rings = [s for s in dag_scene(FRONT).shapes if isinstance(s, Line) and any(c == "C" for c, _ in s.commands)]
    assert len(rings) == 1


def test_edges_go_round_vertices() -> None:
    """A long edge is straight if nothing is in its way, and bends if something is."""
    chain = CausalModel.from_edges([("A", "B"), ("B", "C"), ("A", "C")], domains=2)
    lengths = sorted(len(s.commands) for s in dag_scene(chain).shapes if isinstance(s, Line))
    assert lengths[:2] == [2, 2]
    assert lengths[2] > 10


def test_no_vertices() -> None:
    assert dag_scene(CausalModel((), {})).width > 0
