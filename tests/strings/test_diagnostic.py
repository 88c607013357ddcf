"""Diagnostics: places in a text, how they are shown, errors as data."""

from __future__ import annotations

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
        ("S", ["S", "s"], "S"),
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
