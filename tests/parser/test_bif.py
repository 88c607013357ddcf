"""The BIF reader and writer."""

from __future__ import annotations

import gzip
import itertools
import os
import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parser import bif
from parser.bif import parse_bif, read_bif, write_bif, write_bif_file
from parser.program import ModelDef, Table
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, LimitError, render
from strings.model import CausalModel
from strings.signature import Box, Object

RAIN = """network weather {
}
variable Rain {
  type discrete [ 2 ] { no, yes };
}
variable Sprinkler {
  type discrete [ 2 ] { off, on };
}
variable Grass {
  type discrete [ 3 ] { dry, damp, wet };
}
probability ( Rain ) {
  table 0.8, 0.2;
}
probability ( Sprinkler | Rain ) {
  (no) 0.60, 0.40;
  (yes) 0.99, 1e-2;
}
probability ( Grass | Sprinkler, Rain ) {
  (off, no) 0.9, 0.08, 0.02;
  (on, no) 0.1, 0.5, 0.4;
  (off, yes) 0.05, 0.15, 0.80;
  (on, yes) 0, 0.1, 0.9;
}
"""


def entries(model: ModelDef, box: str) -> list[str]:
    """The numbers of a box, as written."""
    table = model.definitions[box]
    assert isinstance(table, Table)
    return [str(e) for e in table.entries]


def problems(text: str) -> list[tuple[str, int]]:
    """Code and line of every error of a text."""
    with pytest.raises(LanguageError) as caught:
        parse_bif(text)
    return [(d.code, d.span.line if d.span else 0) for d in caught.value.diagnostics]


def message(text: str) -> str:
    """The first error of a text, rendered."""
    with pytest.raises(CutwireError) as caught:
        parse_bif(text)
    return render(caught.value.diagnostic)


def test_reads_a_network() -> None:
    """Variables keep their order, rows land where their parent values say, decimals stay as written."""
    model, warnings = parse_bif(RAIN)
    assert (model.name, model.model.names, warnings) == ("weather", ("Rain", "Sprinkler", "Grass"), ())
    assert model.model.parents("Grass") == ("Sprinkler", "Rain")
    grass = model.definitions["p_Grass"]
    assert isinstance(grass, Table)
    assert (grass.shape, grass.exact) == ((2, 2, 3), True)
    assert entries(model, "p_Grass")[3:6] == ["0.05", "0.15", "0.80"]
    assert entries(model, "p_Sprinkler") == ["0.60", "0.40", "0.99", "0.01"]
    assert model.spans["var Grass"].text == "Grass"


def test_blocks_in_any_order() -> None:
    """The order of blocks does not matter, that of variables does."""
    head, *blocks = RAIN.split("\n}\n")
    blocks = [b for b in blocks if b]
    turned = head + "\n}\n" + "".join(b + "\n}\n" for b in blocks[3:] + blocks[:3])
    assert parse_bif(turned)[0] == parse_bif(RAIN)[0]


JAVABAYES = """// Bayesian network
network "Dog_Problem" { //5 variables
  property "version 1.0" ;
}
variable  "light-on" { //2 values
    type discrete[2] {  "true"  "false" };
    property "position = (218, 195)" ;
}
variable  "family out" {
    type discrete[2] {  "true"  "false" };
}
/* the first variable is the child,
   and it varies slowest */
probability (  "light-on"  "family out" ) { //2 variable(s) and 4 values
    table 0.6 0.05
          0.4 0.95 ;
}
probability (  "family out" ) {
    table 0.15 0.85 ;
}
"""


def test_reads_what_other_writers_write() -> None:
    """Quoted names, comments, properties, blanks instead of commas, no bar, a whole table with the child slowest."""
    model, warnings = parse_bif(JAVABAYES)
    assert (model.name, model.model.names, warnings) == ("Dog_Problem", ("light-on", "family out"), ())
    assert entries(model, "p_light-on") == ["0.6", "0.4", "0.05", "0.95"]
    assert parse_bif(write_bif(model))[0] == model


def test_whole_table_by_rows_is_told() -> None:
    """A whole table that gives probabilities only when read row by row is read so, with a warning."""
    text = JAVABAYES.replace("0.6 0.05", "0.6 0.4").replace("0.4 0.95", "0.05 0.95")
    model, warnings = parse_bif(text)
    assert [w.code for w in warnings] == ["B003"]
    assert entries(model, "p_light-on") == ["0.6", "0.4", "0.05", "0.95"]


def test_default_fills_what_is_not_written() -> None:
    """`default` stands for every row that is missing, and only for those."""
    text = RAIN.replace("  (on, no) 0.1, 0.5, 0.4;\n  (off, yes) 0.05, 0.15, 0.80;\n", "  default 0.2, 0.3, 0.5;\n")
    assert entries(parse_bif(text)[0], "p_Grass")[3:9] == ["0.2", "0.3", "0.5", "0.2", "0.3", "0.5"]


def test_odd_values() -> None:
    """Values with signs, slashes and digits are names like any other."""
    text = """
    variable A { type discrete [ 6 ] { <5, 12+, 0-3_days, Asy/Patchy, >=7.5, "a b" }; }
    variable B { type discrete [ 2 ] { 0, -1 }; }
    probability ( A ) { table .5, 0.1, 1E-1, 1e-1, 0.1, 1.0e-01; }
    probability ( B | A ) {
      ( >=7.5 ) 1., 0; (<5) 0.5,0.5; (12+) 0.5, 0.5; (0-3_days) 0, 1; (Asy/Patchy) 1, 0; ("a b") 1, 0;
    }"""
    model, _ = parse_bif(text, "odd")
    assert model.model.object("A").values == ("<5", "12+", "0-3_days", "Asy/Patchy", ">=7.5", "a b")
    assert entries(model, "p_B")[8:10] == ["1", "0"]
    assert parse_bif(write_bif(model))[0] == model


def test_rounded_rows_give_one_warning() -> None:
    """Rows that nearly sum to 1 are read, marked inexact, and told of once."""
    text = RAIN.replace("0.60, 0.40", "0.333333, 0.666666").replace("0.9, 0.08", "0.9, 0.081")
    model, warnings = parse_bif(text)
    assert [w.code for w in warnings] == ["B002"]
    assert "2 row(s) of 2 box(es)" in warnings[0].message
    assert [t.exact for t in model.definitions.values() if isinstance(t, Table)] == [True, False, False]


def test_files(tmp_path: Path) -> None:
    """`.bif` and `.bif.gz` are written and read again; the same model gives the same bytes."""
    model, _ = parse_bif(RAIN, "rain")
    for name in ("rain.bif", "rain.bif.gz"):
        write_bif_file(model, tmp_path / name)
        once = (tmp_path / name).read_bytes()
        write_bif_file(model, tmp_path / name)
        assert (tmp_path / name).read_bytes() == once
        assert read_bif(tmp_path / name) == (model, ())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.8, 0.2", "0.8, 0.3", [("B011", 13)]),
        ("0.8, 0.2", "0.8, -0.2", [("B010", 13)]),
        ("0.8, 0.2", "0.8, nan", [("B010", 13)]),
        ("0.8, 0.2", "0.8, 1e-99999", [("B010", 13)]),
        ("0.8, 0.2", "0.8", [("B009", 13)]),
        ("0.8, 0.2", "0.8, 0.1, 0.1", [("B009", 13)]),
        ("0.8, 0.2", "0.8,, 0.2", [("B001", 13)]),
        ("table 0.8, 0.2;", "", [("B013", 12)]),
        ("table 0.8, 0.2;", "table ;", [("B009", 13)]),
        ("table 0.8", "tabel 0.8", [("B001", 13)]),
        ("0.8, 0.2;", "0.8, 0.2", [("B001", 14)]),
        ("(on, no)", "(onn, no)", [("B008", 21)]),
        ("(on, no)", "(on)", [("B008", 21)]),
        ("(on, no)", "(off, no)", [("B012", 21)]),
        ("  (on, no) 0.1, 0.5, 0.4;\n", "", [("B013", 19)]),
        ("Sprinkler, Rain )", "Sprinkler, Rian )", [("B007", 19)]),
        ("Sprinkler, Rain )", "Rain, Rain )", [("B018", 19)]),
        ("[ 3 ]", "[ 4 ]", [("B006", 10)]),
        ("{ off, on }", "{ off, off }", [("B006", 7)]),
        ("{ off, on }", "{ }", [("B006", 7)]),
        ("discrete [ 2 ] { off", "continuous [ 2 ] { off", [("B017", 7)]),
        ("variable Grass", "variable Rain", [("B005", 9), ("B007", 19)]),
        ("probability ( Grass | Sprinkler, Rain", "probability ( Sprinkler | Rain", [("B014", 9), ("B015", 19)]),
        ("( Rain )", "( Rain | Rain )", [("B016", 12), ("B009", 13)]),
        ("variable Sprinkler", "varable Sprinkler", [("B001", 6), ("B007", 15)]),
    ],
)
def test_errors_have_code_and_line(old: str, new: str, expected: list[tuple[str, int]]) -> None:
    """Every mistake is found, at its place, without noise from what follows of it."""
    assert old in RAIN
    found = problems(RAIN.replace(old, new, 1))
    assert found == expected


def test_independent_errors_come_together() -> None:
    """Three mistakes in three blocks are three diagnostics, in order of the text."""
    text = RAIN.replace("0.8, 0.2", "0.8, 0.3").replace("(yes) 0.99", "(yess) 0.99").replace("0.9;", "0.8;")
    assert problems(text) == [("B011", 13), ("B008", 17), ("B011", 23)]


def test_missing_block_and_loop() -> None:
    """A variable without probabilities is named, and so is a loop."""
    text = RAIN.replace("probability ( Rain ) {\n  table 0.8, 0.2;\n}\n", "")
    assert problems(text) == [("B014", 3)]
    loop = """variable A { type discrete [ 1 ] { a }; } variable B { type discrete [ 1 ] { b }; }
    probability ( A | B ) { (b) 1; } probability ( B | A ) { (a) 1; }"""
    assert "loop: A -> B -> A" in message(loop) or "loop: B -> A -> B" in message(loop)


def test_an_error_shows_its_place() -> None:
    """The rendered error has the line, the caret, and the name that was meant."""
    assert message(RAIN.replace("(yes) 0.99", "(Yes) 0.99")).split("\n") == [
        "error[B008]: `Yes` is not a value of `Rain`",
        "  --> <bif>:17:4",
        "   |",
        "17 |   (Yes) 0.99, 1e-2;",
        "   |    ^^^ not in {no, yes}",
        "   |",
        "   = help: did you mean `yes`?",
    ]


def test_unclosed_block_is_one_error() -> None:
    """A missing `}` is reported where the next block begins, and that block is still read."""
    assert problems(RAIN.replace("0.2;\n}", "0.2;\n")) == [("B001", 15)]


@pytest.mark.parametrize("text", ["", "   \n", "// only a comment", "hello", "<?xml version='1.0'?>", '"', "/* open"])
def test_other_texts_are_refused(text: str) -> None:
    """A text that is no network says so."""
    assert problems(text)[0][0] == "B001"


def test_every_truncation_is_a_diagnostic() -> None:
    """A text cut anywhere behind its first line gives a diagnostic."""
    for end in range(len("network weather {\n}\n") + 1, len(RAIN.rstrip())):
        with pytest.raises(LanguageError):
            parse_bif(RAIN[:end])


def test_unreadable_files(tmp_path: Path) -> None:
    """Missing, binary, falsely named and damaged files are B004."""
    good = gzip.compress(RAIN.encode())
    files = {
        "plain.bif.gz": RAIN.encode(),
        "short.bif.gz": good[: len(good) // 2],
        "damaged.bif.gz": good[:20] + bytes([good[20] ^ 255]) + good[21:],
        "binary.bif": bytes(range(256)),
        "nul.bif": b"network x {\0}",
        "latin.bif": "variable é".encode("latin-1"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for name in [*files, "absent.bif", "."]:
        with pytest.raises(LanguageError) as caught:
            read_bif(tmp_path / name)
        assert caught.value.diagnostic.code == "B004", name


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed bomb stops at the bound, and a table too large is refused before it is laid out."""
    monkeypatch.setattr(bif, "MAX_BYTES", 10_000)
    (tmp_path / "bomb.bif.gz").write_bytes(gzip.compress(b" " * 5_000_000))
    with pytest.raises(LimitError) as caught:
        read_bif(tmp_path / "bomb.bif.gz")
    assert caught.value.diagnostic.code == "L004"
    names = [f"V{k}" for k in range(60)]
    text = "".join(f"variable {n} {{ type discrete [ 2 ] {{ a, b }}; }}\n" for n in names)
    text += "".join(f"probability ( {n} ) {{ default 0.5, 0.5; }}\n" for n in names[1:])
    text += f"probability ( V0 | {', '.join(names[1:])} ) {{ default 0.5, 0.5; }}"
    with pytest.raises(LimitError) as caught:
        parse_bif(text)
    assert caught.value.diagnostic.code == "L003"


def test_writer_refuses_what_bif_cannot_say() -> None:
    """A box without numbers, a variable without values and a name with a quote are errors, not bad files."""
    x = Object("X", ("a", "b"))
    table = Table((2,), (Fraction(1, 3), Fraction(2, 3)))

    def model(x: Object, tables: dict[str, Table]) -> ModelDef:
        return ModelDef("m", CausalModel.from_boxes((x,), [Box("x", (), (x,))]), tables)

    for bad, code in [
        (model(x, {}), "B020"),
        (ModelDef("m", CausalModel((x,), {}), {}), "B021"),
        (model(Object("X"), {"x": table}), "B022"),
        (model(Object("X", ('"', "b")), {"x": table}), "B022"),
    ]:
        with pytest.raises(LanguageError) as caught:
            write_bif(bad)
        assert caught.value.diagnostic.code == code
    assert "table 0.33333333333333331, 0.66666666666666663;" in write_bif(model(x, {"x": table}))
    assert "table 0.25, 0.75;" in write_bif(model(x, {"x": Table((2,), (Fraction(1, 4), Fraction(3, 4)))}))


def test_latent_variables_survive() -> None:
    """A latent variable is still latent after writing and reading."""
    model, _ = parse_bif(RAIN)
    hidden = CausalModel(model.model.variables, model.model.mechanisms, frozenset({"Rain"}), "h")
    written = write_bif(ModelDef("h", hidden, model.definitions))
    assert parse_bif(written)[0].model.latents == {"Rain"}


def test_example_networks() -> None:
    """The example networks read: Asia exactly, ALARM with its rounded rows told of."""
    examples = Path(__file__).parents[2] / "examples"
    asia, warnings = read_bif(examples / "asia.bif")
    assert (len(asia.model.names), warnings) == (8, ())
    alarm, warnings = read_bif(examples / "alarm.bif")
    assert (len(alarm.model.names), sum(len(ps) for ps in map(alarm.model.parents, alarm.model.names))) == (37, 46)
    assert [w.code for w in warnings] == ["B002"]


NETWORKS = sorted(Path(os.environ.get("CUTWIRE_NETWORKS", "/nonexistent")).glob("*.bif*"))


@pytest.mark.parametrize("path", NETWORKS, ids=lambda p: p.name)
def test_repository_networks(path: Path) -> None:
    """Every network in the folder that `CUTWIRE_NETWORKS` names is read, written and read again, digit by digit."""
    model, _ = read_bif(path)
    again, _ = parse_bif(write_bif(model), model.name)
    assert again == model
    assert all(entries(again, b) == entries(model, b) for b in model.definitions)


names = st.one_of(
    st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True),
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters='"'), min_size=1, max_size=4),
    st.sampled_from(["a b", "//", "/*", ";", "network", "table", "<5", "12+", ">=7.5", "{", "é", "default", " x "]),
)


@st.composite
def networks(draw: st.DrawFn) -> ModelDef:
    """Random networks: odd names, up to three parents, decimals with many digits that sum to exactly 1."""
    labels = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    objects = [Object(n, tuple(draw(st.lists(names, min_size=1, max_size=3, unique=True)))) for n in labels]
    boxes, tables = [], {}
    for k, x in enumerate(objects):
        parents = draw(st.lists(st.sampled_from(objects[:k]), max_size=3, unique=True)) if k else []
        boxes.append(Box(f"p_{x.name}", tuple(parents), (x,)))
        shape = tuple(len(y.values or ()) for y in [*parents, x])
        rows = [draw(rows_of(shape[-1])) for _ in itertools.product(*map(range, shape[:-1]))]
        tables[f"p_{x.name}"] = Table(shape, tuple(e for row in rows for e in row))
    order = draw(st.permutations(objects))
    return ModelDef("net", CausalModel.from_boxes(order, boxes, (), "net"), tables)


@st.composite
def rows_of(draw: st.DrawFn, width: int) -> list[Decimal]:
    """One row of decimals with the same number of places."""
    places = draw(st.integers(0, 12))
    cuts = sorted(draw(st.lists(st.integers(0, 10**places), min_size=width - 1, max_size=width - 1)))
    return [Decimal(b - a).scaleb(-places) for a, b in itertools.pairwise([0, *cuts, 10**places])]


@settings(max_examples=150, deadline=None)
@given(networks())
def test_round_trip_is_exact(model: ModelDef) -> None:
    """Reading what was written gives the same model and the same digits, and no warning."""
    again, warnings = parse_bif(write_bif(model))
    assert again == model
    assert warnings == ()
    assert all(entries(again, b) == entries(model, b) for b in model.definitions)


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False))
def test_mutated_texts_give_diagnostics(rng: random.Random) -> None:
    """Whatever is cut, doubled, swapped or thrown in, the outcome is a network or a diagnostic that renders."""
    text = rng.choice([RAIN, JAVABAYES])
    for _ in range(rng.randint(1, 4)):
        a, b = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        b = min(b, a + 40)
        junk = rng.choice(["", "}", "{", ";", '"', "(", ")", ",", "|", "//", "/*", "\x00", "é", "1e9", text[a:b] * 2])
        text = text[:a] + junk + text[b:]
    diagnostics: tuple[Diagnostic, ...] = ()
    try:
        parse_bif(text)
    except CutwireError as error:
        diagnostics = error.diagnostics
    assert all(d.code[0] in "BL" and render(d) for d in diagnostics)


def test_a_thousand_variables() -> None:
    """A network of 1,000 variables and 40,000 numbers is read whole."""
    values = ", ".join(f"s{k}" for k in range(5))
    parts = [f"variable X{k} {{ type discrete [ 5 ] {{ {values} }}; }}\n" for k in range(1000)]
    parts.append("probability ( X0 ) { table 0.2, 0.2, 0.2, 0.2, 0.2; }\n")
    row = "0.1, 0.2, 0.3, 0.15, 0.25"
    for k in range(1, 1000):
        rows = "".join(f"  (s{i}) {row};\n" for i in range(5))
        parts.append(f"probability ( X{k} | X{k - 1} ) {{\n{rows}}}\n")
    model, warnings = parse_bif("".join(parts))
    assert (len(model.model.names), warnings) == (1000, ())
    assert parse_bif(write_bif(model))[0] == model
