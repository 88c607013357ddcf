"""The Python interface: loading, asking, surgery, pictures, and errors that carry a diagnostic."""

from __future__ import annotations

import copy
import gzip
import itertools
import pickle
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cutwire as cw
from cutwire.evaluate import compare_statement
from cutwire.program import Failure
from parser.program import CheckStatement
from strings.formula import Compare
from strings.surgery import Cut, Do
from tests.cutwire.command import EXAMPLES

TEXT = """
latent H : {low, high}
var S, T, C : {no, yes}
box h : -> H = [3/5, 2/5]
box s : H -> S = | low -> [4/5, 1/5] | high -> [3/10, 7/10]
box t : S -> T = | no -> [1, 0] | yes -> [1/4, 3/4]
box c : T, H -> C =
  | no, low   -> [9/10, 1/10]
  | no, high  -> [1/2, 1/2]
  | yes, low  -> [2/5, 3/5]
  | yes, high -> [1/5, 4/5]
"""
YESNO = ("no", "yes")


@pytest.fixture(scope="module")
def model() -> cw.Model:
    return cw.parse(TEXT).model


def chance(
    of: Mapping[str, int], do: Mapping[str, int] | None = None, given: Mapping[str, int] | None = None
) -> Fraction:
    """P(of | do(do), given) in the model of TEXT, summed by hand; 0 is `low` and `no`."""
    do, given = do or {}, given or {}
    above = below = Fraction(0)
    for case in itertools.product((0, 1), repeat=4):
        env = dict(zip("HSTC", case, strict=True))
        yes = {
            "H": Fraction(2, 5),
            "S": (Fraction(1, 5), Fraction(7, 10))[env["H"]],
            "T": (Fraction(0), Fraction(3, 4))[env["S"]],
            "C": (Fraction(1, 10), Fraction(1, 2), Fraction(3, 5), Fraction(4, 5))[2 * env["T"] + env["H"]],
        }
        p = Fraction(1)
        for v, value in env.items():
            p *= int(do[v] == value) if v in do else yes[v] if value else 1 - yes[v]
        if all(env[v] == value for v, value in given.items()):
            below += p
            above += p if all(env[v] == value for v, value in of.items()) else 0
    return above / below


# -- loading


def test_load_and_parse_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "m.causal"
    path.write_text(TEXT, encoding="utf-8")
    for program in (cw.load(path), cw.load(str(path))):
        assert isinstance(program, cw.Program)
        assert program.models == {"m": program.model}
        assert program.model.query("P(S, T, C)") == cw.parse(TEXT).model.query("P(S, T, C)")
    assert (program.model.variables, program.model.latents) == (("S", "T", "C"), ("H",))


def test_a_file_of_several_models() -> None:
    """`model` is the one that the header names, else one has to say which."""
    program = cw.load(EXAMPLES / "sprinkler.causal")
    assert list(program.models) == ["sprinkler", "timed"]
    assert program.model is program.models["sprinkler"]
    two = cw.parse("".join(f"model {n} {{ var A : {{0, 1}}\n box a : -> A = [1/2, 1/2] }}\n" for n in ("m", "n")))
    with pytest.raises(cw.QueryError) as e:
        _ = two.model
    assert e.value.diagnostic.code == "M007"
    assert two.models["n"].query("P(A = 1)") == 0.5


def test_networks(tmp_path: Path) -> None:
    """Compressed or not; rounded rows are told of."""
    (tmp_path / "a.bif.gz").write_bytes(gzip.compress((EXAMPLES / "asia.bif").read_bytes()))
    packed, plain = cw.read_bif(tmp_path / "a.bif.gz"), cw.read_bif(str(EXAMPLES / "asia.bif"))
    assert packed.shape.mechanisms == plain.shape.mechanisms
    assert packed.query("P(lung = yes)", semantics="exact") == Fraction(11, 200)
    assert plain.warnings == ()
    assert [w.code for w in cw.read_bif(EXAMPLES / "alarm.bif").warnings] == ["B002"]


def test_from_edges() -> None:
    """A shape without numbers: it can be drawn and operated on, and asked as soon as there are numbers."""
    made = cw.Model.from_edges(directed=[("X", "Y")], bidirected=[("X", "Y")], domains={"X": ["a", "b"], "Y": 3})
    assert (made.variables, made.latents) == (("X", "Y"), ("U_X_Y",))
    assert made.shape.object("X").values == ("a", "b")
    assert made.shape.object("Y").values == ("0", "1", "2")
    assert [x.name for x in made.cut("X").diagram.cod] == ["X", "Y"]
    with pytest.raises(cw.QueryError) as e:
        made.query("P(Y | do(X := a))")
    assert e.value.diagnostic.code == "Q001"


@pytest.mark.parametrize("domains", [0, -1, {"X": 0}, {"X": []}, {"X": ["a", "a"]}])
def test_from_edges_needs_values(domains: Any) -> None:
    """A variable has at least one value, and no value twice."""
    with pytest.raises(cw.CutwireError):
        cw.Model.from_edges([("X", "Y")], domains=domains)


def test_public_names() -> None:
    """What the package promises is there, and a slip of the pen is an AttributeError."""
    assert set(cw.__all__) <= set(dir(cw))
    assert all(getattr(cw, name) is not None for name in cw.__all__)
    with pytest.raises(AttributeError, match="laod"):
        _ = cw.laod


# -- asking


def test_an_answer_has_named_axes(model: cw.Model) -> None:
    d = model.query("P(C | do(S := yes))")
    assert isinstance(d, cw.Distribution)
    assert (d.variables, d.values, d.array.dtype, d.array.shape) == (("C",), (YESNO,), np.float64, (2,))
    assert d["yes"] == pytest.approx(float(chance({"C": 1}, {"S": 1})), abs=1e-12)
    assert isinstance(d["yes"], float)


def test_free_variables_are_axes(model: cw.Model) -> None:
    """Also those behind the bar; a name for a value is an axis of that name."""
    for question, axis in (("P(C | do(S))", "S"), ("P(C | do(S := s))", "s"), ("P(C | do(S = s))", "s")):
        d = model.query(question, semantics="exact")
        assert d.variables == ("C", axis)
        for (i, c), (j, s) in itertools.product(enumerate(YESNO), repeat=2):
            assert d[c, s] == chance({"C": i}, {"S": j})
            assert d.array[i, j] == d[c][s]
    joint = model.query("P(S, T, C)")
    assert joint.variables == ("S", "T", "C")
    assert joint.array.sum() == pytest.approx(1)


@pytest.mark.parametrize("semantics", ["exact", "matrix"])
def test_asking_by_names(model: cw.Model, semantics: str) -> None:
    """Targets, `do` and `given` mean what the text means; `None` leaves a variable free."""

    def same(text: str, target: str | list[str], **rest: Any) -> None:
        wanted = model.query(text, semantics=semantics)
        assert model.query(target, semantics=semantics, **rest) == wanted

    same("P(C)", "C")
    same("P(C | do(S := yes))", "C", do={"S": "yes"})
    same("P(C | T = no, do(S := yes))", "C", do={"S": "yes"}, given={"T": "no"})
    same("P(S, C | T = no)", ["S", "C"], given={"T": "no"})
    same("P(C | do(S))", "C", do={"S": None})
    same("P(C | S)", ("C",), given={"S": None})
    exact = model.query("C", do={"S": "yes"}, given={"T": "no"}, semantics="exact")
    assert exact["yes"] == chance({"C": 1}, {"S": 1}, {"T": 0})


def test_values_that_are_numbers() -> None:
    """Whole numbers name values, in questions and in answers."""
    d = cw.parse("var X : 0..2\nbox x : -> X = [1/2, 1/3, 1/6]\n").model.query("X", given={"X": 2})
    assert (d[2], d["1"]) == (1.0, 0.0)


def test_an_event_is_a_number(model: cw.Model) -> None:
    number = model.query("P(C = yes | do(S := yes))")
    assert type(number) is float
    assert number == pytest.approx(float(chance({"C": 1}, {"S": 1})), abs=1e-12)
    exact = model.query("P(C = yes | do(S = yes))", semantics="exact")
    assert (type(exact), exact) == (Fraction, chance({"C": 1}, {"S": 1}))
    assert model.query("P(C = yes) - P(C = yes | S = yes)", semantics="exact") == chance({"C": 1}) - chance(
        {"C": 1}, given={"S": 1}
    )


def test_exact_answers_are_fractions(model: cw.Model) -> None:
    d = model.query("P(S, C | do(T := yes))", semantics="exact")
    assert {type(p) for p in d.array.flat} == {Fraction}
    assert d["yes", "no"] == chance({"S": 1, "C": 0}, {"T": 1})


def test_data_of_every_kind() -> None:
    """The same estimate from the file's data, a table of probabilities, columns, and a data frame."""
    smoking = cw.load(EXAMPLES / "smoking.causal").model
    counts = dict(zip(itertools.product(YESNO, repeat=3), (50, 10, 1, 2, 10, 5, 2, 20), strict=True))
    rows = [case for case, n in counts.items() for _ in range(n)]
    columns = {v: [r[i] for r in rows] for i, v in enumerate("STC")}
    array = np.array([Fraction(n, 100) for n in counts.values()]).reshape(2, 2, 2)
    table = cw.Distribution(("S", "T", "C"), array, [YESNO] * 3)
    for data in ("scientist", table, columns, pd.DataFrame(columns)):
        found = smoking.estimate("P(C = yes | do(S := yes))", data)
        assert found.distribution[()] == Fraction(4013, 7400)


# -- surgery


def test_surgery_gives_a_new_model(model: cw.Model) -> None:
    before = model.query("P(C = yes)", semantics="exact")
    assert model.do(S="yes").query("P(C = yes)", semantics="exact") == chance({"C": 1}, {"S": 1})
    assert model.do({"S": "no"}, T="yes").query("P(C = yes)", semantics="exact") == chance({"C": 1}, {"S": 0, "T": 1})
    assert model.query("P(C = yes)", semantics="exact") == before == chance({"C": 1})
    with pytest.raises(FrozenInstanceError):
        model.definition = model.definition  # type: ignore[misc]


def test_cut(model: cw.Model) -> None:
    """The uniform state takes the place of the box, or of one wire."""
    half = (chance({"C": 1}, {"S": 0}) + chance({"C": 1}, {"S": 1})) / 2
    assert model.cut("S").query("P(C = yes)", semantics="exact") == half
    assert model.query("P(C = yes | cut(S))", semantics="exact") == half
    on_one_wire = (chance({"C": 1}, {"T": 0}) + chance({"C": 1}, {"T": 1})) / 2
    assert model.cut("T", "C").query("P(C = yes)", semantics="exact") == on_one_wire
    assert model.cut("T", "C").query("P(T)", semantics="exact") == model.query("P(T)", semantics="exact")


def test_open_and_after(model: cw.Model) -> None:
    opened = model.open("S")
    assert [x.name for x in opened.diagram.dom] == ["S"]
    assert opened.query("P(C | do(S := yes))", semantics="exact")["yes"] == chance({"C": 1}, {"S": 1})
    both = model.after(Cut("S"), Do("T", "yes"))
    assert both.query("P(C = yes)", semantics="exact") == chance({"C": 1}, {"T": 1})
    assert both.shape == model.do(T="yes").cut("S").shape


# -- distributions


def test_distribution() -> None:
    d = cw.Distribution(("A", "B"), [[0.1, 0.2], [0.3, 0.4]], [YESNO, ("a", "b")])
    assert (d["yes", "b"], d["no"].variables, d["no"]["b"]) == (0.4, ("B",), 0.2)
    assert d.marginal("B")["a"] == pytest.approx(0.4)
    assert cw.Distribution(("A",), [0.5, 0.5])["1"] == 0.5
    assert d == cw.Distribution(("A", "B"), [[0.1, 0.2], [0.3, 0.4]], [YESNO, ("a", "b")]) != d.marginal("B", "A")
    with pytest.raises(ValueError, match="read-only"):
        d.array[0, 0] = 1


@pytest.mark.parametrize(
    ("act", "code", "told"),
    [
        (lambda d: d["Yes"], "N003", "did you mean `yes`?"),
        (lambda d: d["yes", "no"], "N003", ""),
        (lambda d: d.marginal("a"), "N002", "did you mean `A`?"),
        (lambda d: cw.Distribution(("A",), [[0.5, 0.5]]), "T022", ""),
        (lambda d: cw.Distribution(("A", "A"), [[0.5, 0.5]]), "T022", ""),
        (lambda d: cw.Distribution(("A",), [0.5, 0.5], [("a", "b", "c")]), "T022", ""),
    ],
)
def test_distribution_errors(act: Callable[[Any], object], code: str, told: str) -> None:
    with pytest.raises(cw.CutwireError) as e:
        act(cw.Distribution(("A",), [0.5, 0.5], [YESNO]))
    assert e.value.diagnostic.code == code
    assert told in str(e.value)


# -- errors


@pytest.mark.parametrize(
    ("act", "code", "told"),
    [
        (lambda m: m.query("P(c)"), "N002", "did you mean `C`?"),
        (lambda m: m.query("c"), "N002", "did you mean `C`?"),
        (lambda m: m.query("c", do={}), "N002", "did you mean `C`?"),
        (lambda m: m.query("P(C = Yes)"), "N003", "did you mean `yes`?"),
        (lambda m: m.query("C", given={"t": "no"}), "N002", "did you mean `T`?"),
        (lambda m: m.query("C", given={"T": "No"}), "N003", "did you mean `no`?"),
        (lambda m: m.query("P(C | do(s := yes))"), "N004", "did you mean `S`?"),
        (lambda m: m.query("C", do={"s": "yes"}), "N004", "did you mean `S`?"),
        (lambda m: m.query("C", do={"S": "Yes"}), "N003", "did you mean `yes`?"),
        (lambda m: m.do(S="Yes"), "N003", "did you mean `yes`?"),
        (lambda m: m.do(s="yes"), "N004", "did you mean `S`?"),
        (lambda m: m.cut("s"), "N004", "did you mean `S`?"),
        (lambda m: m.cut("T", "S"), "N005", "`T -> S`"),
        (lambda m: m.query("P(C", semantics="exact"), "P002", ""),
        (lambda m: m.query("P(C | do(C))"), "Q003", "`C` is left free twice"),
        (lambda m: m.query("P(C)", semantics="exakt"), "Q007", "did you mean `exact`?"),
        (lambda m: m.query("P(C)", using="other"), "N001", "`other`"),
        (lambda m: m.query("P(C) / P(S = yes, S = no)"), "Q006", ""),
        (lambda m: m.query("0.5f * P(C)", semantics="exact"), "Q005", ""),
        (lambda m: m.query("P(S, T, C)", max_memory=10), "L001", "10 B"),
        (lambda m: m.estimate("P(C)", "survey"), "N002", "`survey`"),
        (lambda m: cw.load("missing.causal"), "F002", "missing.causal"),
        (lambda m: cw.read_bif("missing.bif"), "B004", "missing.bif"),
        (lambda m: cw.parse('data d = csv("d.csv", S = "s")\n' + TEXT), "F001", "has no folder"),
        (lambda m: cw.parse(f'import "{"a" * 5000}"\n', folder="."), "F002", ""),
    ],
)
def test_errors_have_a_diagnostic(model: cw.Model, act: Callable[[cw.Model], object], code: str, told: str) -> None:
    """A stable code, and what to do about it in the text."""
    with pytest.raises(cw.CutwireError) as e:
        act(model)
    assert e.value.diagnostic.code == code
    assert told in str(e.value)


@pytest.mark.parametrize("semantics", ["exact", "matrix"])
def test_condition_of_probability_zero(model: cw.Model, semantics: str) -> None:
    """Named: the event, and the intervention after which it cannot happen. No column is invented."""
    for ask in (
        lambda: model.query("P(C | T = yes, do(S := no))", semantics=semantics),
        lambda: model.query("C", do={"S": "no"}, given={"T": "yes"}, semantics=semantics),
        lambda: model.query("P(C | T, do(S := no))", semantics=semantics),
    ):
        with pytest.raises(cw.ZeroProbabilityError) as e:
            ask()
        assert e.value.diagnostic.code == "Q002"
        assert "`T = yes`" in e.value.diagnostic.message
        assert "do(S := no)" in e.value.diagnostic.message


def test_help_that_helps(model: cw.Model) -> None:
    """What a diagnostic proposes for a question can be written in a question."""
    with pytest.raises(cw.CutwireError) as e:
        model.query("P(C = c)")
    if "for c : C" in str(e.value):
        assert model.query("P(C = c) for c : C").variables == ("c",)


def test_errors_and_models_travel(model: cw.Model) -> None:
    """Both survive copying and the way to another process."""
    with pytest.raises(cw.CutwireError) as e:
        model.query("P(c)")
    for travelled in (copy.copy(e.value), pickle.loads(pickle.dumps(e.value))):
        assert (type(travelled), travelled.diagnostics) == (type(e.value), e.value.diagnostics)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.query("P(C)", semantics="exact") == model.query("P(C)", semantics="exact")


# -- pictures


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<svg"), ("png", b"\x89PNG\r\n"), ("pdf", b"%PDF-")])
def test_draw(model: cw.Model, tmp_path: Path, ending: str, start: bytes) -> None:
    path = tmp_path / f"p.{ending}"
    drawn = model.diagram.draw(path)
    assert path.read_bytes().startswith(start)
    assert ET.fromstring(drawn).tag.endswith("svg")
    assert drawn == model.diagram.draw() == model.diagram._repr_svg_()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_picture_says_what_is_in_it(model: cw.Model) -> None:
    """In a notebook the model is shown with the names of its variables; the hidden one is no output."""
    words = {t.strip() for t in ET.fromstring(model._repr_svg_()).itertext()}
    assert {"S", "T", "C"} <= words
    assert [x.name for x in model.diagram.cod] == ["S", "T", "C"]


@pytest.mark.parametrize(("name", "code"), [("p.txt", "V001"), ("p", "V001"), ("missing/p.svg", "V004")])
def test_draw_where_it_cannot_be(model: cw.Model, tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(cw.CutwireError) as e:
        model.diagram.draw(tmp_path / name)
    assert e.value.diagnostic.code == code
    assert list(tmp_path.iterdir()) == []


# -- claims


@pytest.mark.parametrize(
    ("claim", "how", "holds", "exact"),
    [
        ("P(S = yes) == 1/2", "", True, True),
        ("P(S = yes) == 1/2 + 1e-12", "", False, True),
        ("P(S = yes) == 1/2 + 1e-12", "numeric", True, False),
        ("P(S = yes) == 1/2 + 1e-12", "within 1e-12", True, True),
        ("P(S = yes) == 1/2 + 1e-12", "within 1e-13", False, True),
        ("P(S = yes) == 0.5f + 0.01", "", False, False),
        ("P(S = yes) == 0.5f + 0.01", "within 0.02", True, False),
        ("P(S = yes) == 0.5f", "within 0", True, False),
        ("P(S = yes) == 0.5f + 1e-12", "within 0", False, False),
        ("P(S = yes) <= 0.49", "within 0.02", True, True),
    ],
)
def test_tolerance(claim: str, how: str, holds: bool, exact: bool) -> None:
    """`within` decides wherever it is given, and 0 is 0; without it exact numbers are equal, floats to 1e-9."""
    program = cw.parse(f"var S : {{no, yes}}\nbox s : -> S = [1/2, 1/2]\nclaim c: {claim}\ncheck c {how}\n")
    (statement,) = program.statements
    assert isinstance(statement, CheckStatement)
    assert isinstance(statement.body, Compare)
    found = compare_statement(program.model, statement, statement.body)
    assert (found.holds, found.exact) == (holds, exact)


def test_running_a_program() -> None:
    """An error ends the run where it happens; or it is an item, and the next statement follows."""
    asks = "query a: P(S = yes)\nquery b: P(S | S = no, do(S := yes))\nquery c: P(S = no)\n"
    program = cw.parse(f"var S : {{no, yes}}\nbox s : -> S = [1/2, 1/2]\n{asks}")
    items = program.run()
    assert next(items).statement is program.statements[0]
    with pytest.raises(cw.ZeroProbabilityError):
        next(items)
    _, failure, last = program.run(keep_going=True)
    assert isinstance(failure, Failure)
    assert failure.statement is program.statements[1]
    assert failure.error.diagnostic.code == "Q002"
    assert last.statement is program.statements[2]
