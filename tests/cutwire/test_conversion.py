"""`cutwire convert` and its functions: shapes survive, files run, and what cannot be done is said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire.conversion import (
    ENDINGS,
    from_dagitty,
    from_dot,
    from_gml,
    read_brought,
    to_causal,
    to_dagitty,
    to_dot,
    to_tikz,
)
from parser.program import Table
from strings.diagnostic import CutwireError
from strings.model import CausalModel
from tests.cutwire.command import EXAMPLES, cutwire, environment
from tests.parser.test_graphs import DAGITTY, DOT, SHRIER

NAMES = st.one_of(
    st.sampled_from(["X", "Y", "U", "dag", "node", "graph", "latent", "var", "if", "S'", "x.1", "7", "0", "v1"]),
    st.just("blood pressure"),
    st.text(st.characters(exclude_characters="\\", exclude_categories=("C", "Z")), min_size=1, max_size=5),
)


@st.composite
def models(draw: st.DrawFn) -> cw.Model:
    """The shape of a model: any names, any edges in the order of a permutation, some variables hidden."""
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    order = draw(st.permutations(names))
    pairs = [(a, b) for k, a in enumerate(order) for b in order[k + 1 :]]
    directed = draw(st.lists(st.sampled_from(pairs), max_size=8, unique=True)) if pairs else []
    hidden = draw(st.sets(st.sampled_from(names)))
    return cw.Model.from_edges(directed, nodes=names, latents=hidden, name=draw(NAMES))


def shape_of(model: cw.Model) -> object:
    """Variables in order, what each hears in order, and what is hidden."""
    shape: CausalModel = model.shape
    return shape.names, {n: shape.parents(n) for n in shape.names}, shape.latents


def by_networkx(model: cw.Model) -> cw.Model:
    pytest.importorskip("networkx")
    return cw.from_networkx(model.to_networkx())


def by_causal(model: cw.Model) -> cw.Model:
    return cw.parse(to_causal(model)[0]).model


ROUNDS: dict[str, Callable[[cw.Model], cw.Model]] = {
    "dot": lambda m: from_dot(to_dot(m)),
    "dagitty": lambda m: from_dagitty(to_dagitty(m)),
    "networkx": by_networkx,
}


@pytest.mark.parametrize("round_", ROUNDS)
@given(model=models())
@settings(max_examples=60, deadline=None)
def test_shapes_survive(round_: str, model: cw.Model) -> None:
    assert shape_of(ROUNDS[round_](model)) == shape_of(model)


@given(model=models())
@settings(max_examples=40, deadline=None)
def test_model_files_have_the_shape(model: cw.Model) -> None:
    """The file reads; its variables are those of the model, called otherwise where they must be, with labels."""
    again = by_causal(model)
    called = dict(zip(model.shape.names, again.shape.names, strict=True))

    assert {n: again.shape.parents(called[n]) for n in called} == {
        n: tuple(called[p] for p in model.shape.parents(n)) for n in called
    }
    assert again.shape.latents == {called[n] for n in model.shape.latents}
    assert all(again.definition.labels[m] == n for n, m in called.items() if n != m)
    assert shape_of(by_causal(again)) == shape_of(again)


def test_values_survive_networkx() -> None:
    pytest.importorskip("networkx")
    model = cw.load(EXAMPLES / "smoking.causal").model
    again = cw.from_networkx(model.to_networkx())

    assert again.shape.variables == model.shape.variables
    assert again.definition.labels == model.definition.labels
    assert again.name == "smoking"


@pytest.mark.parametrize("file", ["asia.bif", "sprinkler.causal", "kidney.causal"])
def test_numbers_are_written_into_model_files(file: str, tmp_path: Path) -> None:
    """Tables stay what they are, number by number."""
    out = tmp_path / "out.causal"
    assert cutwire("convert", EXAMPLES / file, out).status == 0
    before, after = read_brought(str(EXAMPLES / file)).model, cw.load(out).model
    tables = {n: d for n, d in before.definition.definitions.items() if isinstance(d, Table)}

    kept = {n for v in after.shape.mechanisms.values() for n in [v.diagram.nodes[0].box.name]}
    for name in kept & set(tables):
        assert after.definition.definitions[name] == tables[name]
    assert kept & set(tables) or file == "kidney.causal"


def test_rounded_rows_are_written_as_floats(tmp_path: Path) -> None:
    """alarm.bif has rows that do not sum to 1; the file of it answers alike."""
    out = tmp_path / "alarm.causal"
    assert cutwire("convert", EXAMPLES / "alarm.bif", out).status == 0
    question = "P(BP | do(HR := LOW), CO = HIGH)"
    wanted = cw.read_bif(EXAMPLES / "alarm.bif").query(question)

    assert cw.load(out).model.query(question).array == pytest.approx(wanted.array, abs=1e-9)


def test_bif_out(tmp_path: Path) -> None:
    for name in ("out.bif", "out.bif.gz"):
        assert cutwire("convert", EXAMPLES / "sprinkler.causal", tmp_path / name).status == 0
        assert cw.read_bif(tmp_path / name).query("P(Rain = yes | do(Sprinkler := yes))") == 0.5


def test_dagitty_to_a_question(tmp_path: Path) -> None:
    """Exposure and outcome become a question that the file asks."""
    source, out = tmp_path / "shrier.dagitty", tmp_path / "shrier.causal"
    source.write_text(SHRIER, encoding="utf-8")
    assert cutwire("convert", source, out) == cutwire("convert", source, out)
    done = cutwire("run", out)

    assert done.status == 0, done.err
    assert done.out.startswith("effect: P(Injury | do(WarmUpExercises))\n  identifiable")
    assert "back door: covariates {" in done.out


def test_golden_model_file(tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text(
        'dag {\nbb="0,0,1,1"\n"Age (yrs)" [pos="0.1,0.1"]\nX [exposure]\nY [outcome]\nU [latent]\n'
        'if [adjusted]\n"Age (yrs)" -> X\nX -> Y\nU -> {X if}\nX <-> Y\n}\n',
        encoding="utf-8",
    )
    done = cutwire("convert", tmp_path / "m.txt", "-", "--to", "causal")

    assert done.status == 0
    assert done.err == (
        "warning[A003]: that `if` is adjusted is left out\n"
        "  = help: say what a question sees: `P(Y | do(X), Z)`\n"
        "warning[A004]: 2 names that the language cannot write became labels\n"
        "  = note: `Age (yrs)` is called `Age_yrs`\n"
        "  = note: `if` is called `if_`\n"
    )
    assert done.out == (
        "model m\n\ndomain Value = {no, yes}\n\n"
        'var Age_yrs : Value "Age (yrs)"\nvar X, Y : Value\nlatent U : Value\nvar if_ : Value "if"\n'
        "latent U_X_Y : Value\n\n"
        "box box_Age_yrs : -> Age_yrs\nbox x : Age_yrs, U, U_X_Y -> X\nbox y : X, U_X_Y -> Y\nbox u : -> U\n"
        "box mech_if : U -> if_\nbox u_x_y : -> U_X_Y\n\nidentify effect: P(Y | do(X))\n"
    )


@pytest.mark.parametrize("name", sorted(ENDINGS))
def test_endings(name: str, tmp_path: Path) -> None:
    """Every ending is read or written, or both; a format can be chosen against it."""
    source = tmp_path / "m.dagitty"
    source.write_text("dag { X -> Y }", encoding="utf-8")
    written = cutwire("convert", source, tmp_path / f"out{name}")
    if name.startswith(".bif"):
        assert "B0" in written.err  # no numbers
    elif name == ".gml":
        assert written.err.startswith("error[A005]: `.gml` is no format that is written")
    else:
        assert written.status == 0, written.err
        if name != ".tex":
            again = read_brought(str(tmp_path / f"out{name}")).model
            assert shape_of(again) == shape_of(from_dagitty("dag { X -> Y }"))
    assert cutwire("convert", source, tmp_path / f"other{name}", "--to", "dot").status == 0
    assert (tmp_path / f"other{name}").read_text(encoding="utf-8").startswith("digraph m {")


@pytest.mark.parametrize("text", [t for t, _ in DAGITTY.values()])
def test_dagitty_texts_convert(text: str, tmp_path: Path) -> None:
    """Whatever dagitty writes becomes a model file that reads."""
    (tmp_path / "in.txt").write_text(text, encoding="utf-8")
    done = cutwire("convert", tmp_path / "in.txt", tmp_path / "out.causal")

    assert done.status == 0, done.err
    assert shape_of(cw.load(tmp_path / "out.causal").model)[1]  # type: ignore[index]


def test_dot_in_a_text_file(tmp_path: Path) -> None:
    """DOT in `.txt` and dagitty in `.dot` are known by their first word, GML by its own."""
    for name, text in (
        ("a.txt", DOT["causal-learn"][0]),
        ("b.dot", "/* c */ dag { X1 -> X2 X2 <-> X3 }"),
        ("c.txt", 'graph [ directed 1 node [ id "X1" ] node [ id "X2" ] edge [ source "X1" target "X2" ] ]'),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read_brought(str(tmp_path / name)).model.shape.parents("X2")[:1] == ("X1",)


def test_standard_streams() -> None:
    done = cutwire("convert", "-", "-", "--from", "dot", "--to", "dagitty", stdin=b"digraph { A -> B }")
    assert (done.status, done.out, done.err) == (0, "dag {\nA\nB\nA -> B\n}\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in.dot", "out.daggity"], "did you mean `.dagitty`?"),
        (["in.dot", "out.svg"], "draw it: `cutwire draw FILE -o out.svg`"),
        (["in.dot", "out"], "has no ending that says its format"),
        (["in.tex", "out.dot"], "`.tex` is no format that is read"),
        (["in.dot", "-"], "say which: --to causal"),
        (["in.dot", "out.dot", "--to", "dagity"], "did you mean `dagitty`?"),
        (["in.dot", "missing/out.dot"], "error[V004]: cannot write"),
        (["inn.dot", "out.dot"], "did you mean `in.dot`?"),
        (["bad.dot", "out.dot"], " --> bad.dot:1:11\n"),
        (["binary.dot", "out.dot"], "error[F007]: `binary.dot` is not UTF-8 text"),
        (["in.dot", "out.bif"], "error[B0"),
        (["slash.dot", "out.dagitty"], "error[A006]: dagitty cannot write the name"),
    ],
)
def test_what_cannot_be_converted(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A diagnostic, exit status 2, and no file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.dot").write_text("digraph { A -> B }", encoding="utf-8")
    (tmp_path / "slash.dot").write_text('digraph { "a\\b" -> B }', encoding="utf-8")
    (tmp_path / "bad.dot").write_text("digraph { -> B }", encoding="utf-8")
    (tmp_path / "binary.dot").write_bytes(b"\xff\xfe")
    before = sorted(tmp_path.iterdir())
    done = cutwire("convert", *arguments)

    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_graphs_are_files_of_other_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`identify` and `draw` take graphs as they are; `run` says what they are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.dagitty").write_text("dag { X -> M -> Y  X <-> Y }", encoding="utf-8")
    assert "front door" in cutwire("identify", "m.dagitty", "P(Y | do(X))").out
    assert cutwire("draw", "m.dagitty", "-o", "m.svg").status == 0
    assert cutwire("run", "m.dagitty").err.startswith("error[F014]: `m.dagitty` is a graph, not a model file")


def test_surgery_is_not_written() -> None:
    model = cw.Model.from_edges([("X", "Y")])
    assert "U_" not in to_dot(model.cut("Y"))  # a graph has no mechanisms, only who hears whom
    with pytest.raises(CutwireError, match="A006"):
        to_causal(model.cut("X"))
    with pytest.raises(CutwireError, match="A006"):
        to_causal(model.open("X"))


def test_what_is_no_table_is_left_out() -> None:
    model = cw.parse(
        "var Y : real\nvar X : {no, yes}\nbox x : -> X = flip(1/3)\nbox y : X -> Y = fn (x) => normal(0, 1)"
    ).model
    text, told = to_causal(model)
    assert "var Y : real" in text
    assert "box y : X -> Y\n" in text
    assert "box x : -> X = [2/3, 1/3]" in text
    assert [d.code for d in told] == ["A007"]


# ---- networkx --------------------------------------------------------------------------------------------------------


def test_networkx_as_others_make_it() -> None:
    """Hidden variables in the ways of DoWhy and pgmpy; edges of two heads; vertices that are no texts."""
    nx: Any = pytest.importorskip("networkx")
    g = nx.MultiDiGraph(name="g")
    g.add_node("U", observed="no", label="Unobserved")
    g.add_edges_from([("U", 1), ("U", "Y"), (1, "Y"), (1, "Y")])
    g.add_edge(1, "Z", dir="both")
    g.latents = {"Z"}
    model = cw.from_networkx(g)

    assert model.latents == ("U", "Z", "U_Z_1") or set(model.latents) == {"U", "Z", *model.shape.latents}
    assert model.shape.parents("Y") == ("U", "1")
    assert len(model.shape.names) == 5
    assert (model.name, model.definition.labels) == ("g", {"U": "Unobserved"})


def test_networkx_that_says_nothing_of_causes() -> None:
    nx: Any = pytest.importorskip("networkx")
    for wrong in (nx.Graph([(1, 2)]), "X -> Y", nx.DiGraph([("1", 1)])):
        with pytest.raises(CutwireError, match="A002"):
            cw.from_networkx(wrong)
    for loop in (nx.DiGraph([(1, 2), (2, 1)]), nx.DiGraph([(1, 1)])):
        with pytest.raises(CutwireError, match="M002"):
            cw.from_networkx(loop)


def test_networkx_is_not_needed_unless_asked_for(tmp_path: Path) -> None:
    """Without networkx all else works, and `to_networkx` says what is missing."""
    code = (
        "import sys; sys.modules['networkx'] = None\nimport cutwire as cw\nm = cw.Model.from_edges([('X', 'Y')])\n"
        "try:\n    m.to_networkx()\nexcept cw.CutwireError as e:\n    print(e)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=True
    )
    assert done.stdout == "error[V003]: graphs of networkx need `networkx`\n  = help: `pip install networkx`\n"


def test_gml_from_networkx() -> None:
    nx: Any = pytest.importorskip("networkx")
    model = cw.load(EXAMPLES / "napkin.causal").model
    graph = model.to_networkx()
    for n in graph.nodes:
        graph.nodes[n].pop("values", None)
        graph.nodes[n].pop("label", None)  # networkx calls vertices by their label in GML
    again = from_gml("\n".join(nx.generate_gml(graph)))
    assert again.latents == model.latents
    assert {n: set(again.shape.parents(n)) for n in again.shape.names} == {
        n: set(model.shape.parents(n)) for n in model.shape.names
    }


# ---- TikZ ------------------------------------------------------------------------------------------------------------


def test_tikz_is_whole(tmp_path: Path) -> None:
    """Brackets match, every style that is used is there, and all names stand in the picture."""
    text = to_tikz(cw.load(EXAMPLES / "smoking.causal").model)
    used = {
        line.partition("[")[2].partition("]")[0].partition(",")[0]
        for line in text.splitlines()
        if line[:2] in (r"\n", r"\p")
    }

    assert text.count("{") == text.count("}")
    assert text.count("[") == text.count("]")
    assert text.startswith("% smoking: ")
    assert text.endswith("\\end{tikzpicture}\n\\end{document}\n")
    assert all(f"  {style}/.style={{" in text for style in used)
    assert all(f"{{{name}}};" in text for name in "STCHsthc" if name != "h")
    assert cutwire("draw", EXAMPLES / "smoking.causal", "-o", tmp_path / "m.tex").status == 0
    assert cutwire("draw", EXAMPLES / "smoking.causal", "--after", "cut(S)", "-o", tmp_path / "n.tex").status == 0
    assert (tmp_path / "m.tex").read_text(encoding="utf-8") == text
    assert "cw red ground" in (tmp_path / "n.tex").read_text(encoding="utf-8")


def test_zeros_of_many_digits_come_along(tmp_path: Path) -> None:
    """`0.00000000` and `1e-7` of a network are numbers of the language, too."""
    network = tmp_path / "m.bif"
    network.write_text(
        "network m {}\nvariable X { type discrete [ 3 ] { a, b, c }; }\n"
        "probability ( X ) { table 0.00000000, 0.0000001, 0.9999999; }\n",
        encoding="utf-8",
    )
    text, _ = to_causal(cw.read_bif(network))
    assert "E" not in text.partition("box")[2]
    assert cw.parse(text).model.query("X").array.tolist() == cw.read_bif(network).query("X").array.tolist()
