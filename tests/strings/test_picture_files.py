"""Pictures as files: well-formed SVG, PDF and PNG with ink, DOT text, errors, determinism."""

from __future__ import annotations

import io
import sys
import time
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from strings.diagnostic import CutwireError, Diagnostic
from strings.diagram import Diagram, box, discard, identity, point, tensor
from strings.model import CausalModel, Mechanism
from strings.picture import PictureWarning, dag, dag_dot, draw, draw_dag, draw_model, fonts
from strings.picture.glyphs import RED
from strings.picture.pdf import to_png
from strings.picture.scene import Scene
from strings.picture.text import text_width
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, operate, randomise
from tests.cutwire.command import outputs

SVG = "{http://www.w3.org/2000/svg}"
SMOKING = replace(
    CausalModel.from_edges([("H", "S"), ("S", "T"), ("T", "C"), ("H", "C")], domains=2, name="smoking"),
    latents=frozenset({"H"}),
)


def texts(svg: str) -> list[str]:
    return [t.text or "" for t in ET.fromstring(svg).iter(f"{SVG}text")]


def code_of(error: pytest.ExceptionInfo[CutwireError]) -> str:
    return error.value.diagnostic.code


def test_svg_is_well_formed_and_described() -> None:
    """The SVG parses, is an image with a title and a description, and names every box and output."""
    svg = draw(SMOKING.diagram, title="a & <b>")
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "a & <b>"
    assert "h : -> H; s : H -> S; t : S -> T; c : T, H -> C" in (root.findtext(f"{SVG}desc") or "")
    assert sorted(texts(svg)) == sorted([*"hstc", *"STC", "H", "a & <b>"])


def test_everything_is_inside_the_picture() -> None:
    """No text reaches over the border."""
    svg = draw_model(SMOKING, [Do("S", "1"), CutWire("T", "C")])
    root = ET.fromstring(svg)
    width = float(root.get("width") or 0)
    for group in root.iter(f"{SVG}g"):
        for text in group.iter(f"{SVG}text"):
            length = text_width(text.text or "", float(group.get("font-size") or 0))
            share = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.get("text-anchor") or ""]
            left = float(text.get("x") or 0) - share * length
            assert left >= 0
            assert left + length <= width


def test_hostile_names_stay_text() -> None:
    """Names with markup and control characters do not break the XML."""
    x = Object('A<&"\x01\n')
    assert ET.fromstring(draw(box(Box("<script>", (x,), (x,))))) is not None


def test_empty_diagrams_are_drawn() -> None:
    """The empty diagram, a bare wire and a discarded wire have pictures."""
    a = Object("A")
    for diagram in (identity(()), identity((a,)), discard((a,)), Diagram((), (), ())):
        assert ET.fromstring(draw(diagram)).tag == f"{SVG}svg"


def test_diagram_draw_and_notebook() -> None:
    """`Diagram.draw` and its notebook picture are the same text."""
    assert SMOKING.diagram.draw() == draw(SMOKING.diagram) == SMOKING.diagram._repr_svg_()


@pytest.mark.parametrize(("ending", "magic"), [(".svg", b"<svg"), (".pdf", b"%PDF-"), (".png", b"\x89PNG\r\n\x1a\n")])
def test_files_have_the_right_kind(tmp_path: Path, ending: str, magic: bytes) -> None:
    """Each ending gives a file of that kind and nothing else; the SVG text is returned all the same."""
    path = tmp_path / f"picture{ending.upper()}"
    svg = draw(SMOKING.diagram, path)
    assert svg.startswith("<svg")
    assert path.read_bytes().startswith(magic)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_png_shows_the_scene_at_three_pixels_a_point(tmp_path: Path) -> None:
    """The PNG has the size of the SVG times three, black and white and, after surgery, red ink."""
    image_module = pytest.importorskip("PIL.Image")
    pytest.importorskip("pypdfium2")
    path = tmp_path / "cut.png"
    root = ET.fromstring(draw_model(SMOKING, [Cut("S")], path))
    image = image_module.open(io.BytesIO(path.read_bytes())).convert("RGB")
    assert image.width == pytest.approx(3 * float(root.get("width") or 0), abs=3)
    assert image.height == pytest.approx(3 * float(root.get("height") or 0), abs=3)
    colours = {c: n for n, c in image.getcolors(1 << 20)}
    assert colours[(255, 255, 255)] > 0.8 * image.width * image.height
    assert colours[(0, 0, 0)] > 1000
    assert colours[tuple(int(RED[k : k + 2], 16) for k in (1, 3, 5))] > 200
    plain = tmp_path / "plain.png"
    draw_model(SMOKING, path=plain)
    ink = image_module.open(plain).convert("RGB").getcolors(1 << 20)
    assert all(r == g == b for _, (r, g, b) in ink), "no red without surgery"


def test_text_is_in_the_pdf(tmp_path: Path) -> None:
    """Latin and Greek labels can be read out of the PDF; what no font has is a question mark, not an error."""
    pdfium = pytest.importorskip("pypdfium2")
    x = Object("θ", ("δ", "β"))
    path = tmp_path / "greek.pdf"
    draw(tensor(point(x, "δ"), box(Box("Füße \U0001f600", (), (x,)))), path, warn=lambda d: None)
    document = pdfium.PdfDocument(str(path))
    found = document[0].get_textpage().get_text_bounded()
    document.close()
    assert "θ" in found
    assert "Füße" in found


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system without fonts."""
    monkeypatch.setattr(fonts, "_files", lambda: ())
    fonts.font_of.cache_clear()
    yield
    fonts.font_of.cache_clear()


@pytest.mark.usefixtures("no_fonts")
def test_missing_characters_are_told(tmp_path: Path) -> None:
    """V005, once for a picture: to `warn` if it is given, else as a Python warning; SVG has every character."""
    pytest.importorskip("pypdfium2")
    diagram = box(Box("変数", (Object("数"),), (Object("naïve θ"),)))
    told: list[Diagnostic] = []
    for ending in ("pdf", "png"):
        draw(diagram, tmp_path / f"a.{ending}", warn=told.append)
    assert [(d.code, d.severity) for d in told] == [("V005", "warning")] * 2
    assert "`数`, `変`" in told[0].message or "`変`, `数`" in told[0].message
    with pytest.warns(PictureWarning, match="V005"):
        draw(diagram, tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "変数" in draw(diagram, tmp_path / "a.svg", warn=told.append)
        assert "変数" in draw(diagram)
    assert len(told) == 2


@pytest.mark.usefixtures("no_fonts")
def test_latin_and_greek_need_no_font_of_the_system(tmp_path: Path) -> None:
    """No warning for what every reader has, for accents written apart, or for control characters."""
    pytest.importorskip("pypdfium2")
    told: list[Diagnostic] = []
    draw(box(Box("Fu\u0308ße \u03b8\t→", (), (Object("x"),))), tmp_path / "a.png", warn=told.append)
    assert told == []


@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "drawn"])
def test_fonts_of_the_system_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded: bool) -> None:
    """A font that has the characters is embedded; one that cannot be (CFF outlines) is drawn by Pillow, as dark."""
    image_module = pytest.importorskip("PIL.Image")
    pytest.importorskip("pypdfium2")
    fonts.font_of.cache_clear()
    if fonts.font_of("ж") is None:
        pytest.skip("no font of this system has Cyrillic letters")
    if not embedded:
        monkeypatch.setattr(fonts, "_embedded", lambda file: None)
        fonts.font_of.cache_clear()
    told: list[Diagnostic] = []
    ink = []
    for name in ("жжжжжжжж", "        "):
        draw(box(Box(name, (), (Object("x"),))), tmp_path / "a.png", warn=told.append)
        image = image_module.open(tmp_path / "a.png").convert("L")
        ink.append(sum(n for n, shade in image.getcolors(1 << 20) if shade < 128))
    fonts.font_of.cache_clear()
    assert told == []
    assert ink[0] > ink[1] + 1000


def test_large_pictures_become_pixels_quickly(tmp_path: Path) -> None:
    """Alarm's size takes a second or two as PNG, and a huge picture is drawn with fewer pixels to a point."""
    image_module = pytest.importorskip("PIL.Image")
    pytest.importorskip("pypdfium2")
    names = [f"X{k}" for k in range(60)]
    model = CausalModel.from_edges([(a, b) for k, b in enumerate(names) for a in names[max(0, k - 2) : k]])
    path = tmp_path / "a.png"
    draw(model.diagram, path)
    start = time.process_time()
    to_png(Scene(20_000, 12_000, ()))
    draw(model.diagram, path)
    assert time.process_time() - start < 6
    image = image_module.open(path)
    assert image.mode == "L", "black and white needs one channel"
    assert image.width * image.height <= 60_500_000


def test_unknown_endings_are_diagnosed(tmp_path: Path) -> None:
    """V001 lists the endings that are known, and nothing is written."""
    for name in ("picture.jpeg", "picture"):
        with pytest.raises(CutwireError) as error:
            draw(SMOKING.diagram, tmp_path / name)
        assert code_of(error) == "V001"
        assert "`.svg`, `.pdf`, `.png`" in str(error.value)
    with pytest.raises(CutwireError) as error:
        draw(SMOKING.diagram, tmp_path / "a.pgn")
    assert "did you mean `.png`?" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_unwritable_files_are_diagnosed(tmp_path: Path) -> None:
    """V004 for a folder that does not exist."""
    with pytest.raises(CutwireError) as error:
        draw(SMOKING.diagram, tmp_path / "missing" / "a.svg")
    assert code_of(error) == "V004"


def test_missing_packages_are_diagnosed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """V003 names the package; SVG works without any."""
    monkeypatch.setitem(sys.modules, "reportlab.pdfgen.canvas", None)
    with pytest.raises(CutwireError) as error:
        draw(SMOKING.diagram, tmp_path / "a.pdf")
    assert code_of(error) == "V003"
    assert "reportlab" in str(error.value)
    draw(SMOKING.diagram, tmp_path / "a.svg")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(CutwireError) as error:
        draw(SMOKING.diagram, tmp_path / "a.png")
    assert "pypdfium2" in str(error.value)


_PROGRAM = """
import hashlib, sys, tempfile, pathlib
from strings.diagram import compose, discard, uniform
from strings.functor import Functor
from strings.model import CausalModel, Mechanism
from strings.picture import draw_change, draw_model, draw, draw_dag
from strings.signature import Box
from strings.surgery import Cut, DoWire, Replace
edges = [("H", "S"), ("S", "T"), ("T", "C"), ("H", "C"), ("U", "T"), ("U", "C")]
model = CausalModel.from_edges(edges, [("S", "C")], domains=2)
digest = hashlib.sha256()
folder = pathlib.Path(tempfile.mkdtemp())
for ending in ("svg", "pdf"):
    draw_model(model, [Cut("S"), DoWire("U", "T", "1")], folder / f"a.{ending}")
    digest.update((folder / f"a.{ending}").read_bytes())
digest.update(draw(model.diagram, latents=model.latents).encode())
digest.update(draw_dag(model, project=True, surgeries=[Cut("T")]).encode())
heard = (model.object("H"), model.object("U"))
policy = Replace("T", Mechanism.of_box(Box("policy", heard, (model.object("T"),))))
digest.update(draw_model(model, [policy, Cut("C")]).encode())
cut = model.mechanisms["T"].diagram.nodes[0].box
after = Functor(boxes={cut: compose(discard(cut.dom), uniform(cut.cod))})(model.diagram)
digest.update(draw_change(model.diagram, after, {cut.name}).encode())
wide = CausalModel.from_edges([(f"X{a}", f"X{b}") for b in range(25) for a in range(max(0, b - 3), b)])
digest.update(draw(wide.diagram).encode())
print(digest.hexdigest())
"""


def test_output_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    """SVG, PDF and DOT are byte for byte the same in processes with different hash seeds."""
    assert len(outputs(_PROGRAM, tmp_path, (0, 1, 4242))) == 1


def test_before_and_after_panels() -> None:
    """Both panels with captions; alone, the picture after surgery says what model it is of."""
    both = texts(draw_model(SMOKING, [Cut("S")]))
    assert both.count("t") == 2
    assert both.count("s") == 1
    assert {"smoking", "after cut(S)"} <= set(both)
    after = texts(draw_model(SMOKING, [Cut("S")], before=False))
    assert after.count("t") == 1
    assert "s" not in after
    assert "smoking after cut(S)" in after


@pytest.mark.parametrize(
    ("surgery", "label"),
    [
        (Do("S", "1"), "S = 1"),
        (Open("S"), "S"),
        (Open("S", "dose"), "dose"),
        (DoWire("T", "C", "0"), "T = 0"),
        (DoWire("T", "C", None, "told"), "told"),
        (randomise(SMOKING.object("S"), "coin"), "coin"),
        (Replace("S", Mechanism.of_box(Box("soft", (SMOKING.object("H"),), (SMOKING.object("S"),)))), "soft"),
    ],
)
def test_what_surgery_puts_in_is_red(surgery: Do, label: str) -> None:
    """The new label stands in a red group."""
    root = ET.fromstring(draw_model(SMOKING, [surgery], before=False))
    red = [t.text for g in root.iter(f"{SVG}g") if g.get("fill") == RED for t in g.iter(f"{SVG}text")]
    assert red == [label]


def test_surgery_that_changes_the_wiring_is_laid_out_afresh() -> None:
    """A policy with other parents, a slot of several boxes, and one that a loop would forbid beforehand are drawn."""
    s, t, h = (SMOKING.object(n) for n in "STH")
    policy = Replace("T", Mechanism.of_box(Box("policy", (s, h), (t,))))
    assert "policy" in texts(draw_model(SMOKING, [policy, Cut("S")]))
    turned = Replace("S", Mechanism.of_box(Box("listen", (t,), (s,))))
    assert "listen" in texts(draw_model(SMOKING, [Cut("T"), turned]))
    told = operate(SMOKING, DoWire("T", "C", "1"))
    assert "T = 1" in texts(draw_model(told, [Cut("C")]))
    assert "t" in texts(draw_model(told, [DoWire("H", "C", None, "free")]))


def test_open_models_and_surgery_on_inputs() -> None:
    """The input of an open model can be closed by surgery, in place."""
    opened = operate(SMOKING, Open("T"))
    assert "T = 1" in texts(draw_model(opened, [Do("T", "1")]))
    assert draw_model(opened, [Open("T")], before=False).count("red") == 0


def test_bad_surgery_is_diagnosed() -> None:
    """Unknown variables, values and wires raise what `operate` raises."""
    for surgery, code in (
        (Cut("Q"), "N002"),
        (Do("S", "9"), "D003"),
        (CutWire("H", "T"), "N005"),
        (DoWire("H", "T", None), "N005"),
    ):
        with pytest.raises(CutwireError) as error:
            draw_model(SMOKING, [surgery])
        assert code_of(error) == code


def test_dot_text_has_latents_or_bidirected_edges() -> None:
    """DOT shows latents as dashed vertices, or projects them to dashed two-headed edges."""
    plain, mixed = dag_dot(SMOKING), dag_dot(SMOKING, project=True)
    assert "[label=H shape=ellipse style=dashed]" in plain
    assert plain.count("->") == 4
    assert "label=H" not in mixed
    assert mixed.count("->") == 3
    assert mixed.count("dir=both style=dashed") == 1


def test_dot_files_need_no_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no program and no package, `.dot` and `.gv` are written and pictures are refused with V002."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    for ending in ("dot", "gv"):
        assert (text := draw_dag(SMOKING, tmp_path / f"a.{ending}")) == (tmp_path / f"a.{ending}").read_text()
        assert text.startswith("digraph smoking {")
    with pytest.raises(CutwireError) as error:
        draw_dag(SMOKING, tmp_path / "a.svg")
    assert code_of(error) == "V002"
    assert "cutwire[dot]" in str(error.value)
    with pytest.raises(CutwireError) as error:
        draw_dag(SMOKING, tmp_path / "a.txt")
    assert code_of(error) == "V001"


def test_dot_program_is_used_when_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `dot` on the path renders the text that it is given; its failure is V002, not a traceback."""
    program = tmp_path / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.stdout.write('<svg>' + sys.stdin.read())\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dag.render_dot("digraph { a }", "svg").startswith(b"<svg>digraph { a }")
    program.write_text(f"#!{sys.executable}\nraise SystemExit(1)\n")
    with pytest.raises(CutwireError) as error:
        dag.render_dot("digraph { a }", "svg")
    assert code_of(error) == "V002"
