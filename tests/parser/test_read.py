"""The grammar, its saved tables, and the syntax trees that come of texts."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from parser import syntax as s
from parser.read import read, read_diagram, read_expression, read_file, read_surgery
from parser.tables import GRAMMAR, STARTS, TABLES, build, dump, load, parser
from parser.tokens import MAX_DEPTH, RESERVED, STATEMENTS
from strings.diagnostic import LanguageError
from tests.parser.programs import programs

TEXT = GRAMMAR.read_text(encoding="utf-8")
EXAMPLES = sorted(Path("examples").glob("*.causal"))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def item(text: str) -> s.Item:
    """The only item of a text."""
    (found,) = read(text).items
    return found


def test_grammar_has_no_conflict() -> None:
    """lark finds neither conflicts of rules nor collisions of terminals."""
    assert build(TEXT, strict=True).options.start == list(STARTS)


def test_saved_tables_are_current() -> None:
    """`make tables` would write the file that is there."""
    assert TABLES.read_text(encoding="utf-8") == dump(TEXT)


def test_tables_of_another_grammar_are_not_used(tmp_path: Path) -> None:
    """Without tables, with broken ones, with those of another grammar or lark, the grammar is used."""
    file = tmp_path / "tables.json"
    assert load(TEXT, file) is None
    for text in ("{", "[]", json.dumps({"lark": "0", "grammar": "0"}), TABLES.read_text().replace('"states"', '"x"')):
        file.write_text(text, encoding="utf-8")
        assert load(TEXT, file) is None
    assert load(TEXT + "\n") is None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_saved_tables_parse_identically(path: Path) -> None:
    """Saved and fresh tables give the same parse tree."""
    text, loaded = path.read_text(encoding="utf-8"), load(TEXT)

    assert loaded is not None
    assert loaded.parse(text, start="start") == build(TEXT).parse(text, start="start")


def test_words_are_reserved_as_listed() -> None:
    """The words that the grammar excludes from names are those of `parser.tokens`."""
    name = next(t for t in parser().terminals if t.name == "NAME").pattern.value
    excluded = name.split("(?!(", 1)[1].split(r")\b", 1)[0].split("|")

    assert sorted(excluded) == sorted(RESERVED)
    assert {f"_{w.upper()}" for w in STATEMENTS} <= {t.name for t in parser().terminals}


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(programs())
def test_line_breaks_do_not_matter(text: str) -> None:
    """Windows and old Macintosh line breaks give the same tree."""
    unix = text.replace("\r\n", "\n")

    assert read(unix) == read(unix.replace("\n", "\r\n")) == read(unix.replace("\n", "\r"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_spans_cover_what_was_written(path: Path) -> None:
    """The span of an item is its text: read alone it gives the same item."""
    file = read_file(path)

    assert file.items
    for found in file.items:
        assert found.span is not None
        assert item(found.span.text) == replace(found, doc=())


def test_numbers_are_exact() -> None:
    """Literals are read as written; the suffix f marks a floating one."""
    values = ("0.1", "1e-3", "30%", "12.5%", "7", "0.333f", "2.5e2")
    numbers = [read_expression(v) for v in values]

    assert numbers == [
        s.NumberLiteral(Fraction(1, 10)),
        s.NumberLiteral(Fraction(1, 1000)),
        s.NumberLiteral(Fraction(3, 10)),
        s.NumberLiteral(Fraction(1, 8)),
        s.NumberLiteral(Fraction(7)),
        s.NumberLiteral(Fraction(333, 1000), exact=False),
        s.NumberLiteral(Fraction(250)),
    ]


def test_operators_bind_as_usual() -> None:
    """Powers bind tighter than signs, those than products, sums, comparisons, not, and, or."""
    pairs = (
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("1 / 2 * 3", "(1 / 2) * 3"),
        ("-2^2", "-(2^2)"),
        ("2^3^2", "2^(3^2)"),
        ("2^-1", "2^(-1)"),
        ("not a == b and c or d xor e", "(((not (a == b)) and c) or d) xor e"),
        ("sum[t : T] a * b + c", "(sum[t : T] (a * b)) + c"),
        ("a * sum[t : T] b * sum[s : S] c", "a * (sum[t : T] (b * (sum[s : S] c)))"),
        ("if a then b else if c then d else e", "if a then b else (if c then d else e)"),
    )
    for plain, bracketed in pairs:
        assert read_expression(plain) == read_expression(bracketed)


def test_names_of_operations_are_free_elsewhere() -> None:
    """P, E, do, cut, sum and words such as `to`, `all`, `for` can be names."""
    found = item("var P, E, do, cut, sum, to, all, for, exact : {as, from, all}")

    assert isinstance(found, s.VariableDecl)
    assert [n.text for n in found.names] == ["P", "E", "do", "cut", "sum", "to", "all", "for", "exact"]
    assert read_expression("P(P = all | E, do(do := from))")


def test_values_of_all_kinds() -> None:
    """Values are names, whole numbers, or texts in quotes; variables in probabilities can be quoted too."""
    expression = read_expression('P("my var" = "<5", X != -1, Y in {0, "a\\"b\\\\c"})')

    assert isinstance(expression, s.Probability)
    assert expression.events == (
        s.Event(s.Name("my var"), "=", (s.Name("<5"),)),
        s.Event(s.Name("X"), "!=", (s.Name("-1"),)),
        s.Event(s.Name("Y"), "in", (s.Name("0"), s.Name('a"b\\c'))),
    )


def test_surgery_in_all_forms() -> None:
    """Assignments by `:=` and `=`, distributions, free values, wires; several operations in turn."""
    yes = s.Name("yes")
    target = s.Target(s.Name("S"), s.Name("T"))
    expected = (
        s.DoOp((s.Assign(s.Target(s.Name("S")), yes), s.Assign(target, yes), s.Assign(s.Target(s.Name("R"))))),
        s.CutOp((s.Target(s.Name("S")), target)),
        s.NamedOp(s.Name("d.named")),
        s.DoOp((s.Assign(s.Target(s.Name("X")), s.Call(s.Name("b"), (s.Argument(None, s.Ref(s.Name("R"))),))),)),
    )

    assert read_surgery("do(S := yes, S -> T = yes, R) then cut(S, S -> T) then d.named then do(X ~ b(R))") == expected


def test_diagrams_are_flat() -> None:
    """Sequences and parallels are lists; brackets make them nest."""
    f = s.DName(s.Name("f"))
    copy = s.DStructure(s.Name("copy"), (s.Name("A"),))

    assert read_diagram("f ; f * copy[A] * f ; (f ; f)") == s.DSequence(
        (f, s.DParallel((f, copy, f)), s.DSequence((f, f)))
    )


def test_documentation_belongs_to_the_next_item() -> None:
    """`##` comments are part of the tree, `#` comments are not."""
    (first, second) = read("## One.\n# no\n##  Two.\ntype A\ntype B # no").items

    assert first.doc == ("One.", " Two.")
    assert second.doc == ()


def test_options_in_any_order() -> None:
    """The options of questions may stand in any order."""
    query = "query q: P(S)"
    options = ("for s : S", "unit odds", "using m", "expect 1/2")
    forward, backward = (item(" ".join((query, *o))) for o in (options, options[::-1]))

    assert forward == backward
    assert item("estimate P(S) expect 1 from d unit bits") == item("estimate P(S) unit bits from d expect 1")


def test_nesting_up_to_the_bound() -> None:
    """Just below the bound a text is read, above it is refused; many parallel boxes and long chains of if are fine."""
    below, above = MAX_DEPTH - 2, MAX_DEPTH + 1
    for left, right in (("(", ")"), ("-", ""), ("not ", ""), ("2^", ""), ("1 + ", "")):
        assert read_expression(left * below + "1" + right * below)
        with pytest.raises(LanguageError) as caught:
            read_expression(left * above + "1" + right * above)
        assert caught.value.diagnostic.code == "P005"
    assert read("diagram d = " + " * ".join(["f"] * 500))
    assert read("box b : A -> B = fn (a) => " + "if a == b and a == c then a else " * 60 + "a")
    assert read("box b : A -> B =" + " | no -> [1/2 + 1/4 + 1/8, _]" * 500)


def test_empty_texts() -> None:
    """A file may hold nothing, or comments only."""
    assert read("") == read("\ufeff# only a comment") == read(" \r\n\t\n") == s.File(())
