"""Elaboration: every construct of the language, against the objects that it stands for, built by hand."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parser.elaborate import elaborate_query, elaborate_surgery, load_program, parse_program
from parser.program import (
    BoxSurgery,
    CheckStatement,
    Data,
    DiagramClaim,
    DrawStatement,
    Fit,
    ModelDef,
    Program,
    QueryStatement,
    Table,
)
from parser.read import read_expression, read_surgery
from strings.diagnostic import CutwireError, LanguageError, Source
from strings.diagram import Builder, Diagram, box, copy, discard, identity, point, swap, uniform
from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Sum
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery, operate

F = Fraction
S, T = Object("S", ("no", "yes")), Object("T", ("no", "yes"))
SMOKING = """
model smoking
var S, T : {no, yes}
box s : -> S = flip(1/3)
box t : S -> T =
  | no  -> [9 : 1]
  | yes -> flip(4/5)
"""
SHAPE = CausalModel.from_boxes((S, T), [Box("s", (), (S,)), Box("t", (S,), (T,))], name="smoking")


def program(text: str, name: str = "m.causal", folder: Path | None = None) -> Program:
    """A program without warnings."""
    found = parse_program(text, name, folder)
    assert found.warnings == ()
    return found


def only_model(text: str) -> ModelDef:
    (found,) = program(text).models.values()
    return found


def asked(text: str) -> QueryStatement:
    """The only question asked of the smoking model."""
    (found,) = program(SMOKING + text).statements
    assert isinstance(found, QueryStatement)
    return found


def checked(text: str) -> CheckStatement:
    """The only claim about the smoking model."""
    (found,) = program(SMOKING + text).statements
    assert isinstance(found, CheckStatement)
    return found


def ask(*targets: Term, given: tuple[Term, ...] = (), do: tuple[Surgery, ...] = ()) -> Ask:
    return Ask(Query(targets, given, do))


def table_of(text: str) -> Table:
    """The table of the box `x`, behind the declarations A : {a, b}, B : 0..2, X : {low, mid, high}, Y : {no, yes}."""
    declared = "var A : {a, b}  var B : 0..2  box bb : -> B = uniform()  box aa : -> A = uniform()\n"
    found = only_model(f"{declared}var X : {{low, mid, high}}  var Y : {{no, yes}}\n{text}").definitions["x"]
    assert isinstance(found, Table)
    return found


def row(text: str) -> Table:
    """The table of a state on X : {low, mid, high}."""
    return table_of(f"box y : -> Y = uniform()  box x : -> X = {text}")


# ---- domains, variables, documentation -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "values"),
    [
        ("{no, yes}", ("no", "yes")),
        ("{yes, no}", ("yes", "no")),
        ("{only}", ("only",)),
        ('{0, -1, "<5", "a b", "say \\"hi\\""}', ("0", "-1", "<5", "a b", 'say "hi"')),
        ("0..3", ("0", "1", "2", "3")),
        ("-2..1", ("-2", "-1", "0", "1")),
        ("5..5", ("5",)),
        ("Level", ("low", "high")),
        ("Same", ("low", "high")),
        ("{all, exact, to, from, P, do}", ("all", "exact", "to", "from", "P", "do")),
    ],
)
def test_domains(domain: str, values: tuple[str, ...]) -> None:
    """Listed values, ranges, names of domains (declared before or behind), words that are free as values."""
    text = f"domain Same = Level\nvar X : {domain}\nbox x : -> X\ndomain Level = {{low, high}}"

    assert only_model(text).model.variables == (Object("X", values),)


def test_variables_latents_labels() -> None:
    """Variables stand in the order of the text, latent ones among them; labels belong to all names of a line."""
    found = only_model("""
    latent H : {low, high} "hidden disposition"
    var S, T : {no, yes} "behaviour"
    var C : {no, yes}
    box c : T, H -> C
    box t : S -> T
    box s : H -> S
    box h : -> H
    """)
    H, C = Object("H", ("low", "high")), Object("C", ("no", "yes"))
    boxes = [Box("h", (), (H,)), Box("s", (H,), (S,)), Box("t", (S,), (T,)), Box("c", (T, H), (C,))]

    assert found.model == CausalModel.from_boxes((H, S, T, C), boxes, ["H"], "m")
    assert found.model.observed == ("S", "T", "C")
    assert found.labels == {"H": "hidden disposition", "S": "behaviour", "T": "behaviour"}
    assert found.definitions == {}


def test_documentation() -> None:
    """`##` lines document the model, the questions and the claims below them; lines are kept apart."""
    found = program("""
    # a plain comment
    ## Smoking.
    ##  Indented, with # in it.
    model smoking
    var S : {no, yes}
    box s : -> S = flip(1/3)
    ## Asked.
    query P(S)
    ## Claimed.
    ##
    ## Twice.
    claim c: P(S = yes) > 0
    query P(S = no)
    """)

    assert found.models["smoking"].doc == "Smoking.\n Indented, with # in it."
    assert [s.doc for s in found.statements if not isinstance(s, DrawStatement)] == ["Asked.", "Claimed.\n\nTwice.", ""]


def test_spans_point_to_declarations() -> None:
    """Every variable and every box of a model has its place in the text."""
    text = "latent H : {a, b}\nvar S : {no, yes}\nbox h : -> H\nbox s : H -> S = | _ -> flip(1/2)"
    spans = only_model(text).spans

    assert set(spans) == {"var H", "var S", "box h", "box s"}
    assert {key: span.line for key, span in spans.items()} == {"var H": 1, "var S": 2, "box h": 3, "box s": 4}
    assert all(span.text == key.split()[1] for key, span in spans.items())


@pytest.mark.parametrize(
    ("name", "header", "main"),
    [
        ("coin.causal", "", "coin"),
        ("folder/coin.causal", "", "coin"),
        ("coin.causal", "model penny", "penny"),
        ("<text>", "", "main"),
        ("<text>", "model penny", "penny"),
    ],
)
def test_the_name_of_the_file_model(name: str, header: str, main: str) -> None:
    """A file's model is named by its header, else after the file; the header may stand anywhere."""
    for text in (f"{header}\nvar S : {{a}}\nbox s : -> S = a", f"var S : {{a}}\nbox s : -> S = a\n{header}"):
        found = program(text, name)
        assert (found.main, list(found.models), found.models[main].name) == (main, [main], main)
        assert found.models[main].model.name == main


def test_files_without_a_model() -> None:
    """Types and boxes over types make no model; an empty file is a program."""
    assert program("") == Program(Source("m.causal", ""), {})
    found = program("type A, B\nbox f : A -> B\ndomain D = {a}")
    assert (found.models, found.main, found.statements) == ({}, "", ())


# ---- tables ----------------------------------------------------------------------------------------------------------

THIRDS = (F(1, 3), F(1, 2), F(1, 6))


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("[1/3, 1/2, 1/6]", THIRDS),
        ("[_, 1/2, 1/6]", THIRDS),
        ("[1/3, _, 1/6]", THIRDS),
        ("[1/3, 50%, _]", THIRDS),
        ("[2 : 3 : 1]", THIRDS),
        ("[1/3 : 0.5 : 1/6]", THIRDS),
        ("[200 : 300 : 1e2]", THIRDS),
        ("{low: 1/3, mid: 1/2, high: 1/6}", THIRDS),
        ("{high: 1/6, low: 1/3, mid: _}", THIRDS),
        ("[2/6, 1 - 1/2, 2^-1 * 1/3]", THIRDS),
        ("[(1 + 1) / 6, -(-1/2), _]", THIRDS),
        ("[0.25, 0.5, 0.25]", (F(1, 4), F(1, 2), F(1, 4))),
        ("[12.5%, 2.5e-1, _]", (F(1, 8), F(1, 4), F(5, 8))),
        ("[1, 0, _]", (F(1), F(0), F(0))),
        ("[0 : 0 : 7]", (F(0), F(0), F(1))),
        ("uniform()", (F(1, 3), F(1, 3), F(1, 3))),
        ("mid", (F(0), F(1), F(0))),
    ],
)
def test_distributions(text: str, entries: tuple[F, ...]) -> None:
    """Every notation of a distribution, exactly."""
    assert row(text) == Table((3,), entries)


def test_flip_gives_its_number_to_the_second_value() -> None:
    """`flip(p)` is the chance of the value declared second, whatever the two are called."""
    for values in ("{no, yes}", "{yes, no}", "0..1"):
        found = only_model(f"var S : {values}\nbox s : -> S = flip(1/3)")
        assert found.definitions["s"] == Table((2,), (F(2, 3), F(1, 3)))


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("[0.25f, 0.5f, 0.25]", (F(1, 4), F(1, 2), F(1, 4))),
        ("[0.3333f, 0.3333f, _]", (F(3333, 10000), F(3333, 10000), F(3334, 10000))),
        ("[1f : 2 : 1]", (F(1, 4), F(1, 2), F(1, 4))),
        ("{mid: 0.5f, low: 1/4, high: _}", (F(1, 4), F(1, 2), F(1, 4))),
        # Off by less than a millionth: divided by the sum.
        ("[0.3333333f, 0.3333333f, 0.3333333f]", (F(1, 3), F(1, 3), F(1, 3))),
        ("[0.5f, 0.5000001f, _]", (F(5000000, 10000001), F(5000001, 10000001), F(0))),
    ],
)
def test_floating_rows(text: str, entries: tuple[F, ...]) -> None:
    """One literal with `f` makes the table inexact; a row off by less than 1e-6 is normalised."""
    assert row(text) == Table((3,), entries, exact=False)


@pytest.mark.parametrize("text", ["[0.333333f, 0.333333f, 0.333332f]", "[0.5f, 0.6f, _]", "[1/3, 1/3, 0.3333333]"])
def test_rows_that_are_off_by_more(text: str) -> None:
    """Beyond a millionth, or without an `f`, a row that does not sum to 1 is refused."""
    with pytest.raises(LanguageError, match="T002"):
        row(text)


def test_rows_are_laid_out_last_input_fastest() -> None:
    """Rows may stand in any order; the table runs through the inputs in the order of the signature."""
    found = table_of("""
    box y : -> Y = uniform()
    box x : Y, A -> X =
      | yes, b -> [4 : 1 : 1]
      | no, b  -> [2 : 1 : 1]
      | yes, a -> [3 : 1 : 1]
      | no, a  -> [1 : 1 : 1]
    """)

    assert found.shape == (2, 2, 3)
    assert found.entries[::3] == (F(1, 3), F(2, 4), F(3, 5), F(4, 6))
    assert len(found.entries) == 12


def test_the_first_row_that_matches_wins() -> None:
    """Wildcards match anything; what rows above cover stays theirs."""
    found = table_of("""
    box y : -> Y = uniform()
    box x : A, B -> X =
      | a, 1 -> low
      | _, 1 -> mid
      | b, _ -> high
      | _, _ -> [1 : 1 : 2]
    """)
    rest, low, mid, high = (F(1, 4), F(1, 4), F(1, 2)), (1, 0, 0), (0, 1, 0), (0, 0, 1)

    assert found.entries == (*rest, *low, *rest, *high, *mid, *high)


def test_one_distribution_for_every_case() -> None:
    """A bare distribution behind a signature with inputs holds for all of them."""
    found = table_of("box y : -> Y = uniform()  box x : A, Y -> X = [2 : 3 : 1]")

    assert found == Table((2, 2, 3), THIRDS * 4)


def test_a_row_that_never_applies_is_warned_of() -> None:
    """T005, and the table is as without it."""
    text = "var S, T : {no, yes}\nbox s : -> S = flip(1/2)\nbox t : S -> T = | _ -> flip(1/3) | no -> flip(1/4)"
    found = parse_program(text, "m.causal")

    assert [(w.code, w.severity, w.span.text) for w in found.warnings if w.span] == [
        ("T005", "warning", "| no -> flip(1/4)")
    ]
    assert found.models["m"].definitions["t"] == Table((2, 2), (F(2, 3), F(1, 3)) * 2)


@pytest.mark.parametrize(
    ("body", "deterministic"),
    [
        ("| no -> yes | yes -> no", True),
        ("| _ -> yes", True),
        ("yes", True),
        ("fn (s) => not s", True),
        ("| no -> yes | yes -> flip(1/2)", False),
        ("| no -> [0, 1] | yes -> [1, 0]", False),
        ("flip(1)", False),
        ("uniform()", False),
        ("noisy_or(S = 1)", False),
    ],
)
def test_boxes_are_deterministic_by_declaration(body: str, deterministic: bool) -> None:
    """Bare values and functions make a deterministic box, whatever the numbers; everything else does not."""
    found = only_model(f"var S, T : {{no, yes}}\nbox s : -> S = flip(1/2)\nbox t : S -> T = {body}")

    assert found.model.mechanisms["T"] == Mechanism.of_box(Box("t", (S,), (T,), deterministic))


def noisy(leak: F, *strengths: F) -> tuple[F, ...]:
    """1 - (1 - leak) * product of (1 - strength) over the causes that are on."""
    entries: list[F] = []
    for causes in product((0, 1), repeat=len(strengths)):
        off = 1 - leak
        for on, p in zip(causes, strengths, strict=True):
            off *= 1 - p if on else 1
        entries.extend((off, 1 - off))
    return tuple(entries)


@pytest.mark.parametrize(
    ("arguments", "exact", "entries"),
    [
        ("S = 1/2, T = 1/3", True, noisy(F(0), F(1, 2), F(1, 3))),
        ("T = 1/3, S = 1/2", True, noisy(F(0), F(1, 2), F(1, 3))),
        ("leak = 10%, S = 1/2, T = 1/3", True, noisy(F(1, 10), F(1, 2), F(1, 3))),
        ("S = 0, T = 1, leak = 1", True, noisy(F(1), F(0), F(1))),
        ("S = 0.5f, T = 1/3", False, noisy(F(0), F(1, 2), F(1, 3))),
    ],
)
def test_noisy_or(arguments: str, exact: bool, entries: tuple[F, ...]) -> None:
    """Causes by name in any order, with or without a leak."""
    text = f"var S, T, U : {{no, yes}}\nbox s : -> S\nbox t : -> T\nbox u : S, T -> U = noisy_or({arguments})"

    assert only_model(text).definitions["u"] == Table((2, 2, 2), entries, exact)


# ---- functions -------------------------------------------------------------------------------------------------------

BITS = "A, B : {no, yes}"
NUMBERS = "A, B : 0..3"
COLOURS = "A, B : {red, green, blue}"


@pytest.mark.parametrize(
    ("inputs", "output", "body", "meaning"),
    [
        (BITS, "{no, yes}", "a and b", lambda a, b: "yes" if (a, b) == ("yes", "yes") else "no"),
        (BITS, "{no, yes}", "a or not b", lambda a, b: "no" if (a, b) == ("no", "yes") else "yes"),
        (BITS, "{no, yes}", "a xor b", lambda a, b: "yes" if a != b else "no"),
        (BITS, "{no, yes}", "a == b", lambda a, b: "yes" if a == b else "no"),
        (BITS, "{false, true}", "a and b", lambda a, b: "true" if (a, b) == ("yes", "yes") else "false"),
        (BITS, "0..1", "a and b", lambda a, b: "1" if (a, b) == ("yes", "yes") else "0"),
        (BITS, "{never, ever}", "if a then ever else never", lambda a, b: "ever" if a == "yes" else "never"),
        (BITS, "0..9", "if a then 7 else if b then 3 else 0", lambda a, b: "7" if a == "yes" else "03"[b == "yes"]),
        (BITS, "{no, yes}", "if a == no then b else yes", lambda a, b: b if a == "no" else "yes"),
        (NUMBERS, "0..6", "a + b", lambda a, b: str(int(a) + int(b))),
        (NUMBERS, "-3..9", "2 * a - b + 0", lambda a, b: str(2 * int(a) - int(b))),
        (NUMBERS, "0..27", "a ^ 3", lambda a, b: str(int(a) ** 3)),
        (NUMBERS, "0..3", "if a < b then b else a", lambda a, b: max(a, b)),
        (NUMBERS, "{no, yes}", "0 < a <= b", lambda a, b: "yes" if 0 < int(a) <= int(b) else "no"),
        (NUMBERS, "{no, yes}", "a + 1 != b", lambda a, b: "no" if int(a) + 1 == int(b) else "yes"),
        (NUMBERS, "0..6", "-(0 - a) * 2", lambda a, b: str(2 * int(a))),
        (COLOURS, "{no, yes}", "a == red or b != blue", lambda a, b: "yes" if a == "red" or b != "blue" else "no"),
        (COLOURS, "{red, green, blue}", "if a == b then red else b", lambda a, b: "red" if a == b else b),
        (COLOURS, "{blue, red, green}", "a", lambda a, b: a),
    ],
)  # fmt: skip
def test_functions(inputs: str, output: str, body: str, meaning: object) -> None:
    """The body is worked out for every combination of inputs: truth values, numbers, symbols."""
    text = f"var {inputs}\nvar X : {output}\nbox a : -> A\nbox b : -> B\nbox x : A, B -> X = fn (a, b) => {body}"
    found = only_model(text)
    a, _, x = (found.model.object(n).values or () for n in "ABX")
    expected = [F(int(v == meaning(p, q))) for p, q in product(a, a) for v in x]  # type: ignore[operator]

    assert found.definitions["x"] == Table((len(a), len(a), len(x)), tuple(expected))


def test_functions_without_inputs() -> None:
    """A function of nothing is a sharp state."""
    found = only_model("var X : 0..3\nbox x : -> X = fn () => 1 + 1")

    assert found.definitions["x"] == Table((4,), (F(0), F(0), F(1), F(0)))


# ---- boxes without numbers, boxes from data, interpretations ---------------------------------------------------------


def test_signatures_only() -> None:
    """A box without a body is in the model and has no definition."""
    found = only_model("var S, T : {no, yes}\nbox s : -> S\nbox t : S -> T = | _ -> flip(1/2)")

    assert list(found.definitions) == ["t"]
    assert found.model.mechanisms["S"] == Mechanism.of_box(Box("s", (), (S,)))


def test_fit() -> None:
    """Boxes learnt from data, declared before or behind, with or without a pseudo-count."""
    found = only_model("""
    var S, T : {no, yes}
    box s : -> S = fit(d)
    data d(S, T) = | no, no -> 1 | no, yes -> 2 | yes, yes -> 5
    box t : S -> T = fit(d, alpha = 1/2)
    """)

    assert found.definitions == {"s": Fit("d"), "t": Fit("d", F(1, 2))}


def test_data_in_place() -> None:
    """Weights are kept as written, for they may count cases; cases that are left out weigh nothing."""
    found = only_model("""
    var S, T : {no, yes}
    box s : -> S
    box t : S -> T
    data d(T, S) = | no, no -> 1 | yes, no -> 0.5 | no, yes -> 2 * 1/4
    data e(S) = | yes -> 7 | no -> 0
    """)

    assert found.data == {
        "d": Data("d", ("T", "S"), ((("no", "no"), F(1)), (("yes", "no"), F(1, 2)), (("no", "yes"), F(1, 2)))),
        "e": Data("e", ("S",), ((("yes",), F(7)), (("no",), F(0)))),
    }


def test_data_from_a_file(tmp_path: Path) -> None:
    """Columns by variable, a column of weights, quoted names; without columns every observed variable has its own."""
    (tmp_path / "d.csv").write_text("s,t,n\nno,no,3\n", encoding="utf-8")
    text = """
    var S, T : {no, yes}
    latent H : {a, b}
    box h : -> H
    box s : H -> S
    box t : S -> T
    data d = csv("d.csv", T = "t", "S" = "the s", weight = "n")
    data e = csv("d.csv")
    data f = csv("d.csv", weight = "n")
    """
    data = program(text, folder=tmp_path).models["m"].data
    path, own = (tmp_path / "d.csv").resolve(), {"S": "S", "T": "T"}

    assert data == {
        "d": Data("d", ("T", "S"), None, path, {"T": "t", "S": "the s"}, "n"),
        "e": Data("e", ("S", "T"), None, path, own),
        "f": Data("f", ("S", "T"), None, path, own, "n"),
    }


def test_a_variable_called_weight(tmp_path: Path) -> None:
    """Where `weight` is a variable, its column is one like others."""
    (tmp_path / "d.csv").write_text("w\n1\n", encoding="utf-8")
    text = 'var weight : 0..1\nbox w : -> weight\ndata d = csv("d.csv", weight = "w")'
    data = program(text, folder=tmp_path).models["m"].data["d"]

    assert (data.variables, data.columns, data.weight) == (("weight",), {"weight": "w"}, None)


def test_interpretations() -> None:
    """Other numbers for some boxes of a model, policies among them; in any notation."""
    found = only_model("""
    var S, T : {no, yes}
    box s : -> S = flip(1/2)
    box t : S -> T = | no -> flip(0) | yes -> flip(1)
    box t2 : S -> T
    data d(S) = | no -> 1
    surgery other = do(T ~ t2(S))
    interpret m as published { t = flip(1/4)  t2 = noisy_or(S = 1/2) }
    interpret m as fitted { s = fit(d) }
    """)

    assert found.interpretations == {
        "published": {
            "t": Table((2, 2), (F(3, 4), F(1, 4)) * 2),
            "t2": Table((2, 2), (F(1), F(0), F(1, 2), F(1, 2))),
        },
        "fitted": {"s": Fit("d")},
    }
    assert found.policies == {"t2": Box("t2", (S,), (T,))}


# ---- several models, models after surgery, imports -------------------------------------------------------------------


def test_model_blocks() -> None:
    """Blocks share domains and types of the file, have variables of their own, and keep statements in order."""
    found = program("""
    domain YesNo = {no, yes}
    query first: P(X) using b
    ## The first.
    model a { var X : YesNo  box x : -> X = flip(1/2)  query in_a: P(X = yes) }
    model b { domain YesNo = {yes, no}  var X : YesNo  box x : -> X = flip(1/3)  claim in_b: P(X = no) > 0 }
    query last: P(X) using a
    """)
    names = {s.name: s.model for s in found.statements if not isinstance(s, DrawStatement)}

    assert list(found.models) == ["a", "b"]
    assert found.main == ""
    assert found.models["a"].doc == "The first."
    assert found.models["a"].model.object("X").values == ("no", "yes")
    assert found.models["b"].model.object("X").values == ("yes", "no")
    assert found.models["b"].definitions == {"x": Table((2,), (F(2, 3), F(1, 3)))}
    assert list(names.items()) == [("first", "b"), ("in_a", "a"), ("in_b", "b"), ("last", "a")]


def test_data_of_a_file_with_blocks() -> None:
    """Data beside model blocks belong to those that have all of its variables."""
    found = program("""
    data d(X, Y) = | a, a -> 1
    data e(X) = | b -> 1
    model one { var X : {a, b}  box x : -> X = fit(e) }
    model two { var X, Y : {a, b}  box x : -> X = fit(d)  box y : X -> Y = fit(d) }
    """)

    assert list(found.models["one"].data) == ["e"]
    assert list(found.models["two"].data) == ["d", "e"]


def test_a_lone_block_is_asked_without_naming_it() -> None:
    """With one model in sight, a statement means it."""
    found = program("model a { var X : {u, v}  box x : -> X = flip(1/2) }\nquery P(X)")

    assert [s.model for s in found.statements if isinstance(s, QueryStatement)] == ["a"]


def test_models_after_surgery() -> None:
    """A derived model has the surgery done, the numbers and data of its base, and can be derived from in turn."""
    found = program(
        SMOKING
        + """
    data d(S) = | no -> 1
    box t2 : -> T = flip(1/5)
    surgery stop = do(S := no)
    ## Treated.
    model third = second after do(T ~ t2())
    model second = smoking after stop then cut(T)
    interpret second as other { s = flip(1/7) }
    query P(T) using third
    """
    )
    base, second, third = (found.models[n] for n in ("smoking", "second", "third"))
    shape = operate(SHAPE, Do("S", "no"), Cut("T"))

    assert list(found.models) == ["smoking", "third", "second"]
    assert (second.model, second.model.name, second.name) == (CausalModel(
        shape.variables, shape.mechanisms, name="second"), "second", "second")  # fmt: skip
    assert third.model.mechanisms["T"] == Mechanism.of_box(Box("t2", (), (T,)))
    assert third.model.mechanisms["S"] == shape.mechanisms["S"]
    assert (second.definitions, second.data) == (base.definitions, base.data)
    assert third.doc == "Treated."
    assert second.interpretations == {"other": {"s": Table((2,), (F(6, 7), F(1, 7)))}}
    assert base.interpretations == {}
    assert found.main == "smoking"


def test_a_derived_model_with_a_fresh_state() -> None:
    """The distribution that a surgery writes down becomes a definition of the derived model."""
    found = program(SMOKING + "model trial = smoking after do(S ~ [1 : 1])").models["trial"]
    fresh = Box("S ~ [1/2, 1/2]", (), (S,))

    assert found.model.mechanisms["S"] == Mechanism.of_box(fresh)
    assert found.definitions[fresh.name] == Table((2,), (F(1, 2), F(1, 2)))


LIBRARY = """
domain Colour = {red, green}
type Paint, Wall
box paint : Paint, Wall -> Wall
diagram twice(p : Paint, w : Wall) -> Wall {
  v <- paint(p, w)
  u <- paint(p, v)
  return u
}
model coin { var X : {head, tail}  box x : -> X = [1 : 3] }
query P(X) using coin
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with a file to import, and one that imports it in turn."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "shapes.causal").write_text(LIBRARY, encoding="utf-8")
    (tmp_path / "lib" / "more.causal").write_text(
        """import "shapes.causal" as sh exposing (Paint, coin)
        domain Tint = sh.Colour
        model set = coin after do(X := head)""",
        encoding="utf-8",
    )
    return tmp_path


def test_imports(library: Path) -> None:
    """Imported names stand behind the alias or the file's name; those exposed also by themselves."""
    text = """
    import "lib/shapes.causal" exposing (Colour, paint, coin)
    import "lib/more.causal" as more exposing (Tint)
    var S : Colour
    var T : shapes.Colour
    var U : Tint
    box s : -> S = red
    box t : -> T = [1/4, _]
    box u : -> U = green
    diagram d = paint
    diagram e = shapes.twice
    diagram f = id[shapes.Paint] * shapes.paint ; paint
    query one: P(X = head) using coin
    query two: P(X = head) using shapes.coin
    query three: P(X = head) using more.set
    query four: P(S)
    """
    found = program(text, folder=library)
    Paint, Wall = Object("Paint"), Object("Wall")
    paint = box(Box("paint", (Paint, Wall), (Wall,), origin="lib/shapes.causal"))
    twice = Builder((Paint, Wall))
    (once,) = twice.paste(paint, (0, 1))

    assert [x.values for x in found.models["m"].model.variables] == [("red", "green")] * 3
    assert found.diagrams == {
        "d": paint,
        "e": twice.freeze(twice.paste(paint, (0, once))),
        "f": (identity((Paint,)) @ paint) >> paint,
    }
    assert [s.model for s in found.statements] == ["coin", "shapes.coin", "more.set", "m"]
    assert set(found.models) == {"coin", "shapes.coin", "more.set", "m"}
    assert found.models["coin"].definitions == {"x": Table((2,), (F(1, 4), F(3, 4)))}
    assert found.models["more.set"].model.diagram == point(Object("X", ("head", "tail")), "head")
    assert found.main == "m"


def test_imports_that_are_not_asked_are_no_models(library: Path) -> None:
    """Models of imported files belong to the program where they are exposed or asked; their questions never do."""
    found = program('import "lib/shapes.causal" as sh\ndiagram d = sh.paint', folder=library)

    assert (found.models, found.statements, found.main) == ({}, (), "")


def test_a_file_is_read_once(library: Path) -> None:
    """The same file by two ways gives the same things; a program loaded by its path is the same program."""
    text = 'import "lib/shapes.causal" as a\nimport "lib/more.causal" as b\nclaim c: diagram a.twice == a.twice\n'
    (library / "main.causal").write_text(text, encoding="utf-8")

    loaded = load_program(library / "main.causal")
    parsed = program(text, str(library / "main.causal"), library)
    assert loaded == parsed


# ---- diagrams --------------------------------------------------------------------------------------------------------

A, B, C = Object("A"), Object("B"), Object("C")
f, g, k = Box("f", (A,), (B, B)), Box("g", (B,), (C,)), Box("k", (), (A,))
GENERATORS = "type A, B, C\nbox f : A -> B, B\nbox g : B -> C\nbox k : -> A\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f", box(f)),
        ("k ; f", box(k) >> box(f)),
        ("f ; g * id[B]", box(f) >> (box(g) @ identity((B,)))),
        ("f ; (g * g)", box(f) >> (box(g) @ box(g))),
        ("(k ; f) * k", (box(k) >> box(f)) @ box(k)),
        ("k ; f ; g * g", box(k) >> box(f) >> (box(g) @ box(g))),
        ("copy[A]", copy((A,))),
        ("copy[A, B]", copy((A, B))),
        ("discard[A, C]", discard((A, C))),
        ("id[A, B, A]", identity((A, B, A))),
        ("swap[A, B]", swap((A,), (B,))),
        ("uniform[A, B]", uniform((A, B))),
        ("f ; discard[B] * id[B]", box(f) >> (discard((B,)) @ identity((B,)))),
        ("k ; copy[A] ; f * f", box(k) >> copy((A,)) >> (box(f) @ box(f))),
        ("f after cut(f)", discard((A,)) >> uniform((B, B))),
        ("k ; f after cut(k)", uniform((A,)) >> box(f)),
        ("k ; f after cut(A)", uniform((A,)) >> box(f)),
    ],
)
def test_point_free_diagrams(text: str, expected: Diagram) -> None:
    """`;` is sequence, `*` is side by side and binds tighter; structure by its types; boxes can be cut."""
    assert program(f"{GENERATORS}diagram d = {text}").diagrams == {"d": expected}


def test_diagram_blocks() -> None:
    """A wire used twice is copied, one never used is discarded, `_` and `discard` drop one; diagrams are pasted."""
    found = program(
        GENERATORS
        + """
    diagram last(a : A) -> C, B, C {
      x, y <- f(a)
      c <- g(x)
      d, e <- first(a)
      discard e
      _ <- g(y)
      return d, x, c
    }
    diagram first(a : A) -> C, B {
      x, y <- f(a)
      z <- g(y)
      return z, x
    }
    diagram none(a : A, b : B) -> B { return b }
    diagram two() -> A, A { a <- k()  b, c <- copy[A](a)  return c, b }
    """
    ).diagrams
    first = box(f) >> swap((B,), (B,)) >> (box(g) @ identity((B,)))
    builder = Builder((A,))
    x, _ = builder.apply(f, (0,))
    (c,) = builder.apply(g, (x,))
    d, _ = builder.paste(first, (0,))

    assert list(found) == ["last", "first", "none", "two"]
    assert found["first"] == first
    assert found["last"] == builder.freeze((d, x, c))
    assert found["none"] == discard((A,)) @ identity((B,))
    assert found["two"] == box(k) >> copy((A,))


def test_boxes_that_abbreviate_diagrams() -> None:
    """A box with a diagram for a body is that diagram wherever it stands, and no diagram of its own."""
    found = program(GENERATORS + "diagram d = k ; big\nbox big : A -> C, B = diagram e\ndiagram e = f ; g * id[B]")

    assert found.diagrams == {"d": box(k) >> box(f) >> (box(g) @ identity((B,))), "e": found.diagrams["e"]}


def test_diagrams_of_a_model() -> None:
    """A model and its boxes are diagrams too; a model can be operated on by its variables."""
    found = program(
        SMOKING
        + """
    surgery stop = do(S := no)
    diagram whole = smoking
    diagram parts = s ; copy[S] ; id[S] * t
    diagram stopped = smoking after stop then cut(S -> T)
    diagram open = smoking after do(S)
    diagram set = s ; t after do(s := yes)
    claim same: diagram whole == parts
    """
    )
    s, t = box(Box("s", (), (S,))), box(Box("t", (S,), (T,)))

    assert found.diagrams == {
        "whole": SHAPE.diagram,
        "parts": s >> copy((S,)) >> (identity((S,)) @ t),
        "stopped": operate(SHAPE, Do("S", "no"), CutWire("S", "T")).diagram,
        "open": copy((S,)) >> (identity((S,)) @ t),
        "set": point(S, "yes") >> t,
    }
    assert found.diagrams["whole"] == found.diagrams["parts"]


CHAIN = "type A\nbox f : A -> A\nbox g : A -> A\nbox k : -> A\ndiagram d = k ; f ; g ; copy[A]\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cut(f) then cut(f)", "cut(f)"),
        ("cut(f) then cut(g)", "cut(g) then cut(f)"),
        ("cut(f) then cut(k)", "cut(k) then cut(f)"),
        ("cut(f, k)", "cut(k, f)"),
    ],
)
def test_cuts_of_a_plain_diagram_commute_and_are_idempotent(one: str, other: str) -> None:
    """The laws of surgery hold for diagrams over types too (Jacobs, Kissinger, Zanasi 2019, section 5)."""
    found = program(f"{CHAIN}diagram one = d after {one}\ndiagram other = d after {other}")

    assert found.diagrams["one"] == found.diagrams["other"]


def test_what_was_last_said_of_a_box_holds() -> None:
    """Every box has the state that the last surgery gave it; an output names boxes only where no box is called so."""
    found = program(f"{CHAIN}diagram one = d after cut(f) then cut(k, f)\ndiagram other = d after cut(k) then cut(f)")
    assert found.diagrams["one"] == found.diagrams["other"]

    by_output = program(f"{CHAIN}diagram one = d after cut(A)\ndiagram other = d after cut(f, g, k)")
    assert by_output.diagrams["one"] == by_output.diagrams["other"]


# ---- boxes of one name -----------------------------------------------------------------------------------------------

WITH_F = "type A\nbox f : A -> A\n"
IN_BLOCK = "{ var S : {a, b} box s : -> S = flip(1/2) }\n"


def test_boxes_of_two_files_differ(tmp_path: Path) -> None:
    """Two files may each declare a box of one name: it is not the same box."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.causal").write_text(WITH_F, encoding="utf-8")
    text = 'import "a.causal" as a\nimport "b.causal" as b\nimport "a.causal" as c\n'
    claims = "claim one: diagram a.f == b.f\nclaim other: diagram a.f == c.f"
    one, other = (s.body for s in program(text + claims, folder=tmp_path).statements if isinstance(s, CheckStatement))

    assert isinstance(one, DiagramClaim)
    assert isinstance(other, DiagramClaim)
    assert one.left != one.right
    assert other.left == other.right


def test_boxes_of_two_models_differ() -> None:
    """The same for model blocks; a model after surgery has the boxes of the model that it is made of."""
    text = f"model m1 {IN_BLOCK}model m2 {IN_BLOCK}model n = m1 after do(S := a)\nmodel k = n after cut(S)\n"
    claims = "claim one: diagram m1 == m2\n"
    (one,) = (s.body for s in program(text + claims).statements if isinstance(s, CheckStatement))
    models = program(text).models

    assert isinstance(one, DiagramClaim)
    assert one.left != one.right
    assert operate(models["m1"].model, Cut("S")).mechanisms == models["k"].model.mechanisms


# ---- surgeries -------------------------------------------------------------------------------------------------------

FRESH = Box("S ~ [1/4, 3/4]", (), (S,))


@pytest.mark.parametrize(
    ("text", "surgeries"),
    [
        ("do(S := yes)", (Do("S", "yes"),)),
        ("do(S = yes)", (Do("S", "yes"),)),
        ('do("S" := "yes")', (Do("S", "yes"),)),
        ("do(S := yes, T := no)", (Do("S", "yes"), Do("T", "no"))),
        ("do(S := yes) then do(T := no)", (Do("S", "yes"), Do("T", "no"))),
        ("do(S)", (Open("S"),)),
        ("cut(S)", (Cut("S"),)),
        ("cut(S, T)", (Cut("S"), Cut("T"))),
        ("cut(S -> T)", (CutWire("S", "T"),)),
        ("cut(S, S -> T)", (Cut("S"), CutWire("S", "T"))),
        ("do(S -> T := yes)", (DoWire("S", "T", "yes"),)),
        ("do(S ~ yes)", (Do("S", "yes"),)),
        ("do(S ~ [1/4, _])", (Replace("S", Mechanism.of_box(FRESH), "[1/4, 3/4]"),)),
        ("do(T ~ t2(S))", (Replace("T", Mechanism.of_box(Box("t2", (S,), (T,))), "t2(S)"),)),
        ("do(S ~ s())", (Replace("S", Mechanism.of_box(Box("s", (), (S,))), "s()"),)),
        ("do(S ~ fit(d))", (Replace("S", Mechanism.of_box(Box("S ~ fit(d)", (), (S,))), "fit(d)"),)),
        ("stop", (Do("S", "no"),)),
        ("stop then cut(T)", (Do("S", "no"), Cut("T"))),
        ("both then do(S := yes)", (Do("S", "no"), Cut("T"), Do("S", "yes"))),
    ],
)
def test_surgeries(text: str, surgeries: tuple[Surgery, ...]) -> None:
    """Every form of surgery, one after the other, named ones written out: declared, and on a picture."""
    found = program(
        f"""{SMOKING}
    box t2 : S -> T = | _ -> flip(1/9)
    data d(S) = | no -> 1
    surgery both = stop then cut(T)
    surgery stop = do(S := no)
    surgery it = {text}
    surgery policy = do(T ~ t2(S))
    draw smoking after {text}
    diagram picture = smoking after it
    """
    )
    model = found.models["smoking"]

    assert model.surgeries["it"] == surgeries
    assert found.diagrams["picture"] == operate(SHAPE, *surgeries).diagram
    assert found.statements == (DrawStatement(f"smoking after {text}", "smoking", None, surgeries),)
    assert elaborate_surgery(read_surgery(text), model)[0] == surgeries


@pytest.mark.parametrize(
    ("distribution", "definition"),
    [
        ("flip(3/4)", Table((2,), (F(1, 4), F(3, 4)))),
        ("[1 : 3]", Table((2,), (F(1, 4), F(3, 4)))),
        ("{yes: 75%, no: _}", Table((2,), (F(1, 4), F(3, 4)))),
        ("uniform()", Table((2,), (F(1, 2), F(1, 2)))),
        ("flip(0.25f)", Table((2,), (F(3, 4), F(1, 4)), exact=False)),
        ("fit(d)", Fit("d")),
        ("fit(d, alpha = 2)", Fit("d", F(2))),
    ],
)
def test_soft_interventions(distribution: str, definition: Table | Fit) -> None:
    """A distribution in a surgery makes a state box of its own, with its numbers in the statement."""
    found = asked(f"data d(S) = | no -> 1\nquery P(T | do(S ~ {distribution}))")
    ((name, made),) = found.tables.items()
    (surgery,) = found.formula.query.surgeries if isinstance(found.formula, Ask) else ()

    assert made == definition
    assert isinstance(surgery, Replace)
    assert surgery.mechanism == Mechanism.of_box(Box(name, (), (S,)))


def test_equal_soft_interventions_are_equal() -> None:
    """The same distribution in two notations is the same surgery; another one is another."""
    flip, odds, other = (
        asked(f"query P(T | do(S ~ {d}))").formula for d in ("flip(3/4)", "[1 : 3]", "flip(1/4)")
    )  # fmt: skip

    assert flip == odds != other


# ---- questions -------------------------------------------------------------------------------------------------------

s_, t_ = Term("S", axis="s"), Term("T", axis="t")
T_, T_YES = Term("T"), Term("T", ("yes",))
HALF = Number(F(1, 2))

QUESTIONS: tuple[tuple[str, Formula, Mapping[str, str]], ...] = (
    ("P(T)", ask(T_), {}),
    ("P(T = yes)", ask(T_YES), {}),
    ('P("T" = "yes")', ask(T_YES), {}),
    ("P(T != no)", ask(T_YES), {}),
    ("P(T in {yes, no})", ask(Term("T", ("yes", "no"))), {}),
    ("P(S, T = yes)", ask(Term("S"), T_YES), {}),
    ("P(T | S)", ask(T_, given=(Term("S"),)), {}),
    ("P(T | S = yes)", ask(T_, given=(Term("S", ("yes",)),)), {}),
    ("P(T | do(S := yes))", ask(T_, do=(Do("S", "yes"),)), {}),
    ("P(T | do(S = yes))", ask(T_, do=(Do("S", "yes"),)), {}),
    ("P(T | do(S))", ask(T_, do=(Open("S"),)), {}),
    ("P(T | do(S := s))", ask(T_, do=(Open("S", "s"),)), {"s": "S"}),
    ("P(T | do(S := s), S = s)", ask(T_, given=(s_,), do=(Open("S", "s"),)), {"s": "S"}),
    ("P(T | S = s, do(S := s))", ask(T_, given=(s_,), do=(Open("S", "s"),)), {"s": "S"}),
    ("P(T | do(S := s)) - P(T | s)", Arithmetic("-", ask(T_, do=(Open("S", "s"),)), ask(T_, given=(s_,))), {"s": "S"}),
    ("P(T = yes | cut(S))", ask(T_YES, do=(Cut("S"),)), {}),
    ("P(T | cut(S -> T))", ask(T_, do=(CutWire("S", "T"),)), {}),
    ("P(T | do(S -> T := yes))", ask(T_, do=(DoWire("S", "T", "yes"),)), {}),
    ("P(T | do(S -> T))", ask(T_, do=(DoWire("S", "T", None),)), {}),
    ("P(T | do(S -> T := s))", ask(T_, do=(DoWire("S", "T", None, "s"),)), {"s": "S"}),
    ("P(T | do(S := yes), cut(T), S)", ask(T_, given=(Term("S"),), do=(Do("S", "yes"), Cut("T"))), {}),
    ("P(T | do(S := yes, T := t))", ask(T_, do=(Do("S", "yes"), Open("T", "t"))), {"t": "T"}),
    ("1/2", HALF, {}),
    ("2 * 3 / 4 - 1", HALF, {}),
    ("0.5f", Number(F(1, 2), exact=False), {}),
    ("1 - 0.5f", Number(F(1, 2), exact=False), {}),
    ("-1/2", Number(F(-1, 2)), {}),
    ("50%", HALF, {}),
    ("P(T) / 2", Arithmetic("/", ask(T_), Number(F(2))), {}),
    ("1/2 * P(T)", Arithmetic("*", HALF, ask(T_)), {}),
    ("P(T)^2", Arithmetic("^", ask(T_), Number(F(2))), {}),
    ("-P(T)", Arithmetic("-", Number(F(0)), ask(T_)), {}),
    ("P(T) + P(S) * P(T)", Arithmetic("+", ask(T_), Arithmetic("*", ask(Term("S")), ask(T_))), {}),
    ("P(T) - P(T) - P(T)", Arithmetic("-", Arithmetic("-", ask(T_), ask(T_)), ask(T_)), {}),
    (
        "sum[s : S] P(T | s) * P(s)",
        Sum((("s", "S"),), Arithmetic("*", ask(T_, given=(s_,)), ask(s_))),
        {"s": "S"},
    ),
    ("sum[s : S, t : T] P(s, t)", Sum((("s", "S"), ("t", "T")), ask(s_, t_)), {"s": "S", "t": "T"}),
    (
        "(sum[s : S] P(s)) * (sum[s : S] P(S = s))",
        Arithmetic("*", Sum((("s", "S"),), ask(s_)), Sum((("s", "S"),), ask(s_))),
        {"s": "S"},
    ),
)


@pytest.mark.parametrize(("text", "formula", "axes"), QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_questions(text: str, formula: Formula, axes: Mapping[str, str]) -> None:
    """Events, conditions, interventions, free values, arithmetic and sums; in a file, and asked from outside."""
    expected = QueryStatement("smoking", formula, text, axes=axes)
    model = program(SMOKING).models["smoking"]

    assert asked(f"query {text}") == expected
    assert elaborate_query(read_expression(text), model, Source("<query>", text)) == expected


def test_expectations() -> None:
    """`E(…)` asks for the mean of a variable of numbers."""
    found = program("var N : {-1, 0, 10}\nbox n : -> N = uniform()\nquery E(N | do(N := n))\nquery E(N)").statements

    assert [s.formula for s in found if isinstance(s, QueryStatement)] == [
        Ask(Query((Term("N"),), (), (Open("N", "n"),), expectation=True)),
        Ask(Query((Term("N"),), expectation=True)),
    ]


def test_bound_names() -> None:
    """A name bound by `for` stands for a value in every place, and is an axis of its own."""
    found = asked("query P(T = x | S = y, do(S := y)) for x : T, y : S")

    assert found.formula == ask(Term("T", axis="x"), given=(Term("S", axis="y"),), do=(Open("S", "y"),))
    assert found.axes == {"x": "T", "y": "S"}


def test_options_of_questions() -> None:
    """Name, unit, interpretation and expected value, in any order."""
    text = "interpret smoking as other { s = flip(1/9) }\nquery q: P(T = yes | s)"
    for options in (
        "for s : S unit odds using other expect 1/2 * P(T = yes | s)",
        "expect 1/2 * P(T = yes | s) using other unit odds for s : S",
    ):
        assert asked(f"{text} {options}") == QueryStatement(
            "smoking",
            ask(T_YES, given=(s_,)),
            "P(T = yes | s)",
            "q",
            {"s": "S"},
            unit="odds",
            using="other",
            expect=Arithmetic("*", HALF, ask(T_YES, given=(s_,))),
        )


@pytest.mark.parametrize("unit", ["odds", "bits", "decibans", "percent"])
def test_units(unit: str) -> None:
    """The units of a question."""
    assert asked(f"query P(T = yes) unit {unit}").unit == unit


def test_estimates() -> None:
    """A question to data names it; options as of a query."""
    found = asked(
        "data d(S, T) = | no, no -> 1\nestimate e: P(T | do(S := s)) from d for s : S expect 1/2 unit percent"
    )

    assert found == QueryStatement(
        "smoking",
        ask(T_, do=(Open("S", "s"),)),
        "P(T | do(S := s))",
        "e",
        {"s": "S"},
        unit="percent",
        expect=HALF,
        data="d",
    )


def test_texts_of_questions_are_one_line() -> None:
    """The text is as written, blanks and line breaks joined; with a comment in it, it is written anew."""
    assert asked("query P(T  |\n   do(S   :=  yes))").text == "P(T | do(S := yes))"
    assert asked("query P(T | # why\n do(S := yes))").text == "P(T | do(S := yes))"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("query P(T = yes) for s : S", "s"),
        ("claim c(s : S): P(T = yes) > 0", "s"),
        ("query sum[s : S] P(T = yes)", "s"),
    ],
)
def test_unused_names_are_warned_of(text: str, name: str) -> None:
    """N008 for a name that `for`, a claim or `sum` binds and nothing uses."""
    (warning,) = parse_program(SMOKING + text).warnings

    assert (warning.code, warning.severity) == ("N008", "warning")
    assert f"`{name}`" in warning.message


@pytest.mark.parametrize(
    "text",
    [
        "query P(T = s, S = s) for s : S",
        "query sum[s : S] P(T = s, S = s)",
        "query P(T = s | S = s) for s : S",
        "query P(s, s) for s : S",
    ],
)
def test_a_bound_name_may_stand_twice(text: str) -> None:
    """One name, one axis: every place stands for the same value."""
    assert asked(text).axes == {"s": "S"}


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("query P(T | do(S := true))", ["N018"]),
        ("query P(T | do(S := true), S = true)", ["N018"]),
        ("claim c: P(T = yes | do(S := always)) > 0", ["N018"]),
        ("query P(T | do(S := true)) for true : S", []),
        ("claim c(always : S): P(T = yes | do(S := always)) > 0", []),
        ("query sum[any : S] P(T | do(S := any))", []),
        ("query P(T | do(S := s))", []),
        ("query P(T | do(S := s'))", []),
        ("query P(T | do(S := s1))", []),
    ],
)
def test_a_word_that_stands_for_all_values_is_warned_of(text: str, warned: list[str]) -> None:
    """N018, unless the name is bound on purpose or looks like the name of its variable."""
    assert [w.code for w in parse_program(SMOKING + text).warnings] == warned


# ---- claims and checks -----------------------------------------------------------------------------------------------

P_T, P_S = ask(T_YES), ask(Term("S", ("yes",)))


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("P(T = yes) == P(S = yes)", Compare((P_T, P_S), ("==",))),
        ("0 < P(T = yes) <= P(S = yes) < 1", Compare((Number(F(0)), P_T, P_S, Number(F(1))), ("<", "<=", "<"))),
        ("P(T = yes) != 1/2", Compare((P_T, HALF), ("!=",))),
        ("P(T = yes) >= 1/2 > P(S = yes)", Compare((P_T, HALF, P_S), (">=", ">"))),
        (
            "P(T) == sum[s : S] P(T | s) * P(s)",
            Compare((ask(T_), Sum((("s", "S"),), Arithmetic("*", ask(T_, given=(s_,)), ask(s_)))), ("==",)),
        ),
    ],
)
def test_claims(text: str, body: Compare) -> None:
    """Comparisons, chains of them, and sums; a claim is checked where it stands unless a `check` says where."""
    found = checked(f"claim c: {text}")

    assert found == CheckStatement("smoking", "c", body, text, found.axes)


@pytest.mark.parametrize("binders", ["(s : S)", ""])
def test_names_in_claims(binders: str) -> None:
    """A free value of an intervention is any value, with or without a binder."""
    found = checked(f"claim c{binders}: P(T | do(S := s)) == P(T | s)")

    assert found.body == Compare((ask(T_, do=(Open("S", "s"),)), ask(T_, given=(s_,))), ("==",))
    assert found.axes == {"s": "S"}


def test_claims_about_diagrams() -> None:
    """Equations and inequations of diagrams."""
    found = program(
        f"{GENERATORS}claim a: diagram k ; f == k ; f ; id[B, B]\nclaim b: diagram g ; copy[C] != copy[B] ; g * g"
    )
    first, second = (s for s in found.statements if isinstance(s, CheckStatement))

    assert first.body == DiagramClaim(box(k) >> box(f), box(k) >> box(f), True)
    assert second.body == DiagramClaim(box(g) >> copy((C,)), copy((B,)) >> (box(g) @ box(g)), False)
    assert (first.model, first.name, first.text) == ("", "a", "diagram k ; f == k ; f ; id[B, B]")


@pytest.mark.parametrize(
    ("options", "mode", "within", "using"),
    [
        ("", "", None, ""),
        ("exact", "exact", None, ""),
        ("numeric", "numeric", None, ""),
        ("within 1e-6", "", F(1, 10**6), ""),
        ("numeric within 1/100 using other", "numeric", F(1, 100), "other"),
        ("using other numeric", "numeric", None, "other"),
    ],
)
def test_options_of_checks(options: str, mode: str, within: F | None, using: str) -> None:
    """How a claim is checked, by name or with all others."""
    claim = "interpret smoking as other { s = flip(1/9) }\nclaim c: P(T = yes) == 1/2\n"
    for which in ("c", "all"):
        found = checked(f"{claim}check {which} {options}")
        assert (found.mode, found.within, found.using) == (mode, within, using)


def test_every_claim_is_checked_once() -> None:
    """By name where a `check` names it, else at `check all`, else where it is stated; named before all."""
    claims = "claim a: 1 == 1\nclaim b: 2 == 2\nclaim c: 3 == 3\n"

    def order(text: str) -> list[tuple[str, str]]:
        found = program(SMOKING + text).statements
        return [(s.name, getattr(s, "mode", "")) for s in found if not isinstance(s, DrawStatement)]

    assert order(claims) == [("a", ""), ("b", ""), ("c", "")]
    assert order(f"check all exact\nquery q: P(T)\n{claims}") == [
        ("a", "exact"), ("b", "exact"), ("c", "exact"), ("q", "")]  # fmt: skip
    assert order(f"{claims}query q: P(T)\ncheck c exact\ncheck all numeric\ncheck a") == [
        ("q", ""), ("c", "exact"), ("b", "numeric"), ("a", "")]  # fmt: skip
    assert order(f"{claims}query q: P(T)\ncheck c, a numeric") == [
        ("b", ""), ("q", ""), ("a", "numeric"), ("c", "numeric")]  # fmt: skip


def test_checking_all_reaches_into_blocks() -> None:
    """`check all` of a file says how the claims of its blocks are checked, unless they say so themselves."""
    found = program("""
    model a { var X : {u, v}  box x : -> X = flip(1/2)  claim in_a: P(X = u) > 0 }
    model b { var X : {u, v}  box x : -> X = flip(1/2)  claim in_b: P(X = u) > 0  check all numeric }
    check all exact
    """)

    assert {s.name: s.mode for s in found.statements if isinstance(s, CheckStatement)} == {
        "in_a": "exact",
        "in_b": "numeric",
    }


# ---- pictures --------------------------------------------------------------------------------------------------------


def test_pictures(tmp_path: Path) -> None:
    """A model, a model after surgery, a diagram; with a path in the folder or none."""
    found = program(
        SMOKING
        + """
    diagram d = s ; t
    draw smoking
    draw smoking after do(S := yes) then cut(T) to "sub/m.PNG"
    draw d to "d.svg"
    draw s ; t * uniform[S] after cut(s)
    """,
        folder=tmp_path,
    )
    s, t = box(Box("s", (), (S,))), box(Box("t", (S,), (T,)))
    folder = tmp_path.resolve()

    assert found.statements == (
        DrawStatement("smoking", "smoking"),
        DrawStatement(
            "smoking after do(S := yes) then cut(T)",
            "smoking",
            None,
            (Do("S", "yes"), Cut("T")),
            folder / "sub" / "m.PNG",
        ),
        DrawStatement("d", "", s >> t, (), folder / "d.svg"),
        DrawStatement(
            "s ; t * uniform[S] after cut(s)",
            "",
            (uniform((S,)) >> t) @ uniform((S,)),
            operated=BoxSurgery((s >> t) @ uniform((S,)), ("s",), "cut(s)"),
        ),
    )


def test_a_text_without_a_folder_writes_no_picture() -> None:
    """F008, and the picture has no path."""
    found = parse_program(SMOKING + 'draw smoking to "m.svg"')

    assert [w.code for w in found.warnings] == ["F008"]
    assert found.statements == (DrawStatement("smoking", "smoking"),)


# ---- the examples, and random tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(Path("examples").glob("*.causal")), ids=lambda p: p.stem)
def test_examples_elaborate(path: Path) -> None:
    """Every example elaborates without a warning, and reaches every claim it states."""
    found = load_program(path)

    assert found.warnings == ()
    claims = [
        line.split()[1].split("(")[0].rstrip(":") for line in path.read_text().splitlines() if line.startswith("claim ")
    ]
    assert sorted(s.name for s in found.statements if isinstance(s, CheckStatement)) == sorted(claims)


@st.composite
def spelled(draw: st.DrawFn, p: F) -> str:
    """A number in one of its notations."""
    ways = [str(p), f"({2 * p.numerator} / {2 * p.denominator})", f"(1 - {1 - p})", f"(1/7 + {p} - 1/7)"]
    if 10**4 % p.denominator == 0:
        ways += [f"{float(p):.4f}", f"{float(100 * p):.2f}%", f"{int(p * 10**4)}e-4"]
    return draw(st.sampled_from(ways))


@st.composite
def written(draw: st.DrawFn, column: tuple[F, ...], values: tuple[str, ...]) -> str:
    """A distribution in one of its notations."""
    ways = ["row", "labelled", "odds"]
    ways += ["flip"] if len(values) == 2 else []
    ways += ["uniform"] if len(set(column)) == 1 else []
    ways += ["value"] if 1 in column else []
    way = draw(st.sampled_from(ways))
    if way == "value":
        return values[column.index(F(1))]
    if way == "uniform":
        return "uniform()"
    if way == "flip":
        return f"flip({draw(spelled(column[1]))})"
    if way == "odds" and len(values) > 1:
        scale = draw(st.sampled_from((F(1), F(60), F(1, 3))))
        return f"[{' : '.join(str(p * scale) for p in column)}]"
    rest = draw(st.sampled_from((-1, *range(len(column)))))
    entries = ["_" if k == rest else draw(spelled(p)) for k, p in enumerate(column)]
    if way == "labelled":
        order = draw(st.permutations(range(len(values))))
        return "{" + ", ".join(f"{values[k]}: {entries[k]}" for k in order) + "}"
    return f"[{', '.join(entries)}]"


def columns(size: int) -> st.SearchStrategy[tuple[F, ...]]:
    """Distributions over so many values."""
    weights = st.lists(st.integers(0, 6), min_size=size, max_size=size).filter(any)
    return weights.map(lambda w: tuple(F(n, sum(w)) for n in w))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_notations_do_not_matter(data: st.DataObject) -> None:
    """A table is the same however its rows are written, and the first row that matches a case is its row."""
    sizes = data.draw(st.lists(st.integers(1, 3), max_size=3))
    inputs = [tuple(f"v{i}{j}" for j in range(n)) for i, n in enumerate(sizes)]
    values = tuple(f"x{j}" for j in range(data.draw(st.integers(1, 4))))
    dist = columns(len(values))
    last = data.draw(dist)
    patterns = [
        tuple(data.draw(st.sampled_from(("_", *v))) for v in inputs) for _ in range(data.draw(st.integers(0, 4)))
    ]
    rows = [(p, data.draw(dist)) for p in patterns] + [(("_",) * len(sizes), last)]
    lines = "".join(f"  | {', '.join(p)} -> {data.draw(written(c, values))}\n" for p, c in rows)
    text = "".join(f"var V{i} : {{{', '.join(v)}}}\nbox v{i} : -> V{i}\n" for i, v in enumerate(inputs))
    text += f"var X : {{{', '.join(values)}}}\nbox x : {', '.join(f'V{i}' for i in range(len(sizes)))} -> X = "
    text += lines if sizes else data.draw(written(last, values))

    expected: list[F] = []
    for case in product(*inputs):
        fitting = (c for p, c in rows if all(q in ("_", v) for q, v in zip(p, case, strict=True)))
        expected.extend(next(fitting) if sizes else last)
    found = parse_program(text, "m.causal").models["m"].definitions["x"]

    assert found == Table((*sizes, len(values)), tuple(expected))


def test_nothing_is_elaborated_from_a_broken_file() -> None:
    """A program comes of a file without errors only."""
    with pytest.raises(CutwireError):
        parse_program(SMOKING + "query P(SS)")
