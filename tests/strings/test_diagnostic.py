"""Diagnostics: places in a text, how they are shown, errors as data."""

from __future__ import annotations

import copy
import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strings.diagnostic import (
    CompositionError,
    CutwireError,
    Diagnostic,
    Label,
    LanguageError,
    LimitError,
    QueryError,
    Source,
    Span,
    ZeroProbabilityError,
    did_you_mean,
    render,
)

TEXT = "var S : {no, yes}\nvar T : {a, b}\n\nquery P(S)"
SOURCE = Source("m.causal", TEXT)


def at(text: str, source: Source = SOURCE, nth: int = 0) -> Span:
    """The place where a text stands in a source, for the first time or a later one."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(text, start + 1)
    return Span(source, start, start + len(text))


def shown(diagnostic: Diagnostic) -> str:
    """What is shown, between a line break and the last line."""
    return "\n" + render(diagnostic) + "\n"


# ---- places ----------------------------------------------------------------------------------------------------------


@given(st.text(alphabet="ab\n\r\t é", max_size=40), st.data())
def test_positions_count_lines_and_columns(text: str, data: st.DataObject) -> None:
    """Line and column from 1, by counting; the line's text without its break."""
    source = Source("x", text)
    offset = data.draw(st.integers(0, len(text)))
    before = text[:offset]
    line = before.count("\n") + 1
    column = offset - (before.rfind("\n") + 1) + 1

    assert source.position(offset) == (line, column)
    assert source.line(line) == text.split("\n")[line - 1].rstrip("\r")
    span = Span(source, offset, len(text))
    assert (span.line, span.column, span.text) == (line, column, text[offset:])


def test_sources_are_equal_by_name_and_text() -> None:
    """A source compares by what it says; its text is not part of its print."""
    assert Source("a", "x") == Source("a", "x") != Source("a", "y")
    assert repr(Source("a", "x" * 1000)) == "Source(name='a')"


# ---- how diagnostics are shown ---------------------------------------------------------------------------------------


def test_a_diagnostic_in_full() -> None:
    """Header, place, the lines in order with what is said of them, dots for lines left out, notes, help."""
    d = Diagnostic(
        "N002",
        "unknown variable `S`",
        at("S", nth=1),
        "asked here",
        also=(Label(at("T"), "this is near"), Label(at("S"), "and this")),
        notes=("one", "two"),
        help=("do this", "or that"),
    )

    assert (
        shown(d)
        == """
error[N002]: unknown variable `S`
 --> m.causal:4:9
  |
1 | var S : {no, yes}
  |     - and this
2 | var T : {a, b}
  |     - this is near
...
4 | query P(S)
  |         ^ asked here
  |
  = note: one
  = note: two
  = help: do this
  = help: or that
"""
    )


def test_two_marks_in_one_line() -> None:
    """The line is shown once, marks from left to right, each with its own sign."""
    d = Diagnostic("N006", "twice", at("yes"), "again here", also=(Label(at("no"), "first here"),))

    assert (
        shown(d)
        == """
error[N006]: twice
 --> m.causal:1:14
  |
1 | var S : {no, yes}
  |          -- first here
  |              ^^^ again here
  |
"""
    )


def test_places_in_two_files() -> None:
    """Each file is named; the line numbers of both are equally wide."""
    long = Source("lib/long.causal", "\n" * 11 + "type A")
    d = Diagnostic("N001", "declared twice", at("T"), "again", also=(Label(at("A", long), "first"),))

    assert (
        shown(d)
        == """
error[N001]: declared twice
  --> m.causal:2:5
   |
 2 | var T : {a, b}
   |     ^ again
   |
  ::: lib/long.causal:12:6
   |
12 | type A
   |      - first
   |
"""
    )


def test_without_a_place() -> None:
    """Only the header, notes and help."""
    d = Diagnostic("Q001", "no numbers", notes=("box `s` has none",), help=("give it some",), severity="warning")

    assert render(d) == str(d) == "warning[Q001]: no numbers\n  = note: box `s` has none\n  = help: give it some"


@pytest.mark.parametrize(
    ("text", "start", "end", "line", "marks"),
    [
        ("a\tbc", 2, 4, "a    bc", "     ^^"),  # a tab is four blanks
        ("\tx", 0, 2, "    x", "^^^^^"),
        ("abc", 3, 3, "abc", "   ^"),  # the end of the text
        ("abc", 1, 1, "abc", " ^"),  # nothing at all still gets a caret
        ("ab\r\ncd", 0, 1, "ab", "^"),  # Windows line breaks
        ("one two\nthree", 4, 13, "one two", "    ^^^"),  # only the first line of several
        ("", 0, 0, "", "^"),
    ],
)
def test_carets_stand_under_what_is_meant(text: str, start: int, end: int, line: str, marks: str) -> None:
    """Tabs, ends of lines and of texts, empty places, several lines."""
    lines = render(Diagnostic("X", "m", Span(Source("f", text), start, end))).split("\n")

    assert lines[3:5] == [f"1 | {line}".rstrip(), f"  | {marks}"]


@pytest.mark.parametrize(
    ("text", "start", "end", "line", "columns"),
    [
        ("名前 = x", 3, 4, "名前 = x", (5, 1)),  # wide letters take two columns
        ("名前 = x", 0, 2, "名前 = x", (0, 4)),
        ("e\u0301te\u0301 = x", 2, 3, "e\u0301te\u0301 = x", (1, 1)),  # marks stand on their letter
        ("e\u0301 = x", 5, 6, "e\u0301 = x", (4, 1)),
        ("a\u200bb", 2, 3, "a\u200bb", (1, 1)),
        ("ｶﾞ ＡＢ", 3, 4, "ｶﾞ ＡＢ", (3, 2)),  # halfwidth kana are narrow, fullwidth letters wide
        ("\x1b[2Jx", 4, 5, "\\x1b[2Jx", (7, 1)),  # nothing moves the cursor
        ("\x1b[2Jx", 0, 1, "\\x1b[2Jx", (0, 4)),
        ("a\u202eb", 2, 3, "a\\u202eb", (7, 1)),  # or turns the text round
        ("a\x9bb\x7f\x00", 2, 3, "a\\x9bb\\x7f\\x00", (5, 1)),
        ("a\rb", 2, 3, "a\\rb", (3, 1)),
        ("a\u2028\u2066b", 3, 4, "a\\u2028\\u2066b", (13, 1)),
        ("\t\x07x", 2, 3, "    \\x07x", (8, 1)),
        ("\udcffx", 1, 2, "\\udcffx", (6, 1)),
    ],
)
def test_carets_are_aligned_in_a_terminal(text: str, start: int, end: int, line: str, columns: tuple[int, int]) -> None:
    """Wide letters, marks and escapes of control characters are counted as they are shown."""
    lines = render(Diagnostic("X", "m", Span(Source("f", text), start, end))).split("\n")

    assert lines[3:5] == [f"1 | {line}", f"  | {' ' * columns[0]}{'^' * columns[1]}"]


@given(st.text(max_size=20), st.data())
def test_no_control_character_is_shown(odd: str, data: st.DataObject) -> None:
    """Wherever it stands: in the text, in a name, a message, a label, a note, a proposal."""
    start = data.draw(st.integers(0, len(odd)))
    end = data.draw(st.integers(start, len(odd)))
    span = Span(Source(odd, odd), start, end)
    text = render(Diagnostic("X", odd, span, odd, (Label(span, odd),), (odd,), did_you_mean(odd + "x", [odd])))

    bidi = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert not [c for c in text if (c != "\n" and unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")) or c in bidi]
    assert text.count("\n") >= 6


def test_very_long_lines_are_shown_at_once() -> None:
    """The work does not grow with the line."""
    source = Source("f", "x" * 5_000_000)
    for at in (0, 2_500_000, 5_000_000):
        lines = render(Diagnostic("X", "m", Span(source, at, at + 1))).split("\n")
        assert max(map(len, lines)) < 200


def test_long_lines_are_cut() -> None:
    """A very long line is shown in part, and no line of the picture is much longer."""
    text = "[" + ", ".join(["1/1000"] * 2000) + "]"
    for start, end in ((0, len(text)), (5, 9), (9000, 9004)):
        lines = render(Diagnostic("X", "m", Span(Source("f", text), start, end), "here")).split("\n")
        assert max(map(len, lines)) < 200
        assert any("^" in x for x in lines)


def test_a_place_far_to_the_right_is_shown() -> None:
    """Of a long line that part is shown which is meant."""
    text = "x" * 1000 + "HERE" + "y" * 1000
    lines = render(Diagnostic("X", "m", Span(Source("f", text), 1000, 1004))).split("\n")
    left = lines[4].index("^")

    assert lines[3][left : left + 4] == "HERE"


# ---- errors as data --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (LanguageError, CutwireError),
        (CompositionError, CutwireError),
        (QueryError, CutwireError),
        (ZeroProbabilityError, QueryError),
        (LimitError, CutwireError),
    ],
)
def test_errors_carry_their_diagnostics(kind: type[CutwireError], base: type[CutwireError]) -> None:
    """One or several; the first is `diagnostic`; the text shows all, blank lines between."""
    one, two = Diagnostic("X001", "first"), Diagnostic("X002", "second", at("T"))

    assert issubclass(kind, base)
    assert kind(one).diagnostics == (one,)
    assert kind([one, two]).diagnostic == one
    assert str(kind(iter([one, two]))) == f"{render(one)}\n\n{render(two)}"


def test_errors_can_be_placed() -> None:
    """`at` gives a place to what has none, keeps those there are, and the kind of the error."""
    one, two = Diagnostic("X001", "first"), Diagnostic("X002", "second", at("T"))
    placed = ZeroProbabilityError([one, two]).at(at("S"))

    assert type(placed) is ZeroProbabilityError
    assert [d.span for d in placed.diagnostics] == [at("S"), at("T")]
    assert one.at(None) is one
    assert one.span is None


@pytest.mark.parametrize("kind", [CutwireError, LanguageError, ZeroProbabilityError, LimitError])
def test_errors_travel(kind: type[CutwireError]) -> None:
    """An error survives copying and the way to another process, with its text, its places and its notes."""
    error = kind([Diagnostic("X001", "first", at("S")), Diagnostic("X002", "second", at("T"), help=("x",))])
    error.add_note("raised by a test")
    for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert (type(other), other.diagnostics, str(other)) == (kind, error.diagnostics, str(error))
        assert other.__notes__ == ["raised by a test"]


# ---- suggestions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("Yes", ["no", "yes"], "yes"),
        ("yess", ["no", "yes"], "yes"),
        ("TT", ["S", "T"], "T"),
        ("lattent", ["latent", "let"], "latent"),
        ("SPRINKLER", ["Rain", "Sprinkler"], "Sprinkler"),
        ("sprinker", ["Rain", "Sprinkler"], "Sprinkler"),
        ("S", ["S", "s"], "s"),
        ("folder", ["folder"], None),  # never the very same word
        ("folder", ["folder", "folders"], "folders"),
        ("zebra", ["no", "yes"], None),
        ("x", [], None),
        ("ab", ["S", "T"], None),
    ],
)
def test_suggestions(word: str, known: list[str], near: str | None) -> None:
    """Another case, a letter too many or too few, or swapped; nothing far-fetched."""
    assert did_you_mean(word, known) == ((f"did you mean `{near}`?",) if near else ())


@given(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=6))
def test_a_suggestion_is_a_known_name(word: str, known: list[str]) -> None:
    """What is proposed exists, and a word that only differs in case is always found."""
    for (line,) in (d for d in (did_you_mean(word, known), did_you_mean(word.swapcase(), [word])) if d):
        assert line.removeprefix("did you mean `").removesuffix("`?") in [*known, word]
    assert did_you_mean(word, iter(known)) == did_you_mean(word, known)
