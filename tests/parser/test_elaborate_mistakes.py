"""What is said about model files that parse but do not elaborate: golden files `bad_elaborate/NAME.causal`, `NAME.txt`.

After a change of a text: `python -m tests.parser.test_elaborate_mistakes` writes the golden files anew; read what
changed. Files in `bad_elaborate/lib` are imported by others.
"""

from __future__ import annotations

from contextlib import chdir
from functools import cache
from pathlib import Path

import pytest

from parser.elaborate import load_program, parse_program
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, LimitError
from tests.parser.golden import code_of, codes_in, files_in, write_down, written_down

FILES = files_in("bad_elaborate")


@cache
def said(path: Path) -> tuple[Diagnostic, ...]:
    """The errors of a file, or the warnings of one without errors. Paths are told as seen from its folder."""
    with chdir(path.parent):
        try:
            return load_program(path.name).warnings
        except CutwireError as e:
            return e.diagnostics


def told(path: Path) -> str:
    """What is said of a file, as text."""
    return "\n\n".join(map(str, said(path))) + "\n"


def codes(text: str) -> list[str]:
    """The codes of what is wrong with a text, in order."""
    with pytest.raises(LanguageError) as caught:
        parse_program(text, "m.causal")
    return [d.code for d in caught.value.diagnostics]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_diagnostics_are_as_written_down(path: Path) -> None:
    """Every bad file gets the diagnostics of its golden file."""
    assert told(path) == written_down(path)


@pytest.mark.parametrize("path", [p for p in FILES if code_of(p)], ids=lambda p: p.stem)
def test_files_show_their_code(path: Path) -> None:
    """A file named after a code gets that code, be it of an error or of a warning."""
    assert code_of(path) in codes_in(told(path))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_diagnostic_has_a_place(path: Path) -> None:
    """What is wrong is told at a place of the file or of one that it imports, in order, no problem twice."""
    found = said(path)

    assert found
    for d in found:
        assert d.span is not None
        assert 0 <= d.span.start < d.span.end <= len(d.span.source.text)
        assert not Path(d.span.source.name).is_absolute()
    assert len({(d.code, d.message, d.span) for d in found}) == len(found)
    starts = [(d.severity, d.span.start) for d in found if d.span and d.span.source.name == path.name]
    assert starts == sorted(starts)  # errors first


def test_problems_beyond_fifty_are_counted() -> None:
    """Fifty problems of a file are told, the rest are counted (L005)."""
    text = "var S : {no, yes}\nbox s : -> S = uniform()\n" + "".join(f"query P(S = v{k})\n" for k in range(73))
    with pytest.raises(LanguageError) as caught:
        parse_program(text)

    assert [d.code for d in caught.value.diagnostics] == ["N003"] * 50 + ["L005"]
    assert "23 more problems" in caught.value.diagnostics[-1].message


def test_limits_alone_are_a_limit_error() -> None:
    """A file that only hits bounds is a LimitError; with another mistake beside it, a LanguageError that tells both."""
    text = "var A : 0..20000\nbox a : -> A = uniform()\n"
    with pytest.raises(LimitError):
        parse_program(text)
    with pytest.raises(LanguageError) as caught:
        parse_program(text + "var B : {no, no}\nbox b : -> B = uniform()\n")

    assert [d.code for d in caught.value.diagnostics] == ["L003", "N006"]


def test_imported_files_that_are_no_text(tmp_path: Path) -> None:
    """An imported file that is not UTF-8 is F007, told at the import."""
    (tmp_path / "main.causal").write_text('import "latin.causal" as l\n', encoding="utf-8")
    (tmp_path / "latin.causal").write_bytes("# caf\xe9\n".encode("latin-1"))
    with pytest.raises(LanguageError) as caught:
        load_program(tmp_path / "main.causal")

    assert caught.value.diagnostic.code == "F007"
    assert caught.value.diagnostic.span is not None
    assert caught.value.diagnostic.span.text == '"latin.causal"'
    assert "latin.causal" in caught.value.diagnostic.message


@pytest.mark.parametrize("what", ["import", "data", "draw"])
def test_links_do_not_lead_out(tmp_path: Path, what: str) -> None:
    """A symbolic link out of the model file's folder is F001; with `allow_outside` it is followed."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "shapes.causal").write_text("type A\n", encoding="utf-8")
    (outside / "d.csv").write_text("S\nno\n", encoding="utf-8")
    (inside / "link").symlink_to(outside)
    line = {
        "import": 'import "link/shapes.causal"',
        "data": 'data d = csv("link/d.csv")',
        "draw": 'draw main to "link/x.svg"',
    }
    main = inside / "main.causal"
    main.write_text(f"var S : {{no, yes}}\nbox s : -> S = uniform()\n{line[what]}\n", encoding="utf-8")
    with pytest.raises(LanguageError) as caught:
        load_program(main)

    assert [d.code for d in caught.value.diagnostics] == ["F001"]
    assert "leads out of it" in str(caught.value)
    assert load_program(main, allow_outside=True).models


def test_warnings_stand_behind_errors() -> None:
    """What is only warned of is told beside an error, too, and behind it."""
    text = "var S : {a, b}\nbox s : -> S = flip(1/2)\nquery P(S = a) for s : S\nquery P(S = c)"

    assert codes(text) == ["N003", "N008"]


def test_names_too_long_for_a_file(tmp_path: Path) -> None:
    """A name that no file can have is told at its place."""
    with pytest.raises(LanguageError) as caught:
        parse_program(f'import "{"a" * 5000}.causal"', "m.causal", tmp_path)

    assert caught.value.diagnostic.code in ("F001", "F002")
    assert caught.value.diagnostic.span is not None


def test_one_slip_gives_one_message() -> None:
    """What depends on something broken is passed over: only the broken thing is told."""
    text = """
    var S : {no, yes, no}
    var T : {no, yes}
    box s : -> S = uniform()
    box t : S -> T = | no -> flip(1/2) | yes -> flip(1/3)
    data d(S, T) = | no, no -> 1
    surgery set = do(S := yes)
    model after_it = m after set
    query P(T | do(S := yes))
    estimate P(T | do(S := yes)) from d
    claim c(s : S): P(T | s) == P(T | do(S := s))
    check c
    draw m after set
    """
    assert codes(text) == ["N006"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("domain A = B\ndomain B = A", "N006"),
        ("domain A = B\ndomain B = C\ndomain C = A\nvar S : A\nbox s : -> S = uniform()", "N006"),
        ("type A\nbox f : A -> A\ndiagram d = e\ndiagram e = d ; f", "D005"),
        ("var S : {a}\nbox s : -> S = a\nsurgery c = d\nsurgery d = c", "D005"),
        ("var S : {a}\nbox s : -> S = a\nmodel p = q after cut(S)\nmodel q = p after cut(S)", "D005"),
        ("var S, T : {a}\nbox s : T -> S = | _ -> a\nbox t : S -> T = | _ -> a", "M002"),
    ],
)
def test_a_loop_is_told_once(text: str, code: str) -> None:
    """Whatever goes round in a circle is one problem."""
    assert codes(text) == [code]


def test_a_wire_used_too_early_is_not_made_twice() -> None:
    """The line that makes a wire is right, if only it stood earlier."""
    text = "type A, B\nbox f : A -> B\nbox g : B -> A\ndiagram d(a : A) -> A {\n  y <- g(x)\n  x <- f(a)\n  return y\n}"

    assert codes(text) == ["N002"]


def test_a_wire_that_was_cut_before_is_no_wire() -> None:
    """What a question does to a wire that it has cut away would be without effect: N005, as in `do(T -> S := …)`."""
    text = "var S, T : {a, b}\nbox s : -> S = flip(1/2)\nbox t : S -> T = | _ -> uniform()\n"

    assert codes(text + "query P(T | cut(T), do(S -> T := a))") == ["N005"]


def test_an_unknown_interpretation_is_told_by_every_check() -> None:
    """`using` names something that exists, whatever is checked."""
    text = "var S : {a, b}\nbox s : -> S = flip(1/2)\n"
    for claims in ("claim c: P(S = a) > 0\n", "claim c: diagram m == m\n", ""):
        assert codes(f"{text}{claims}check all using nothing") == ["N002"]


if __name__ == "__main__":
    write_down(FILES, told)
