"""What is said about texts that do not parse: golden files `bad/NAME.causal` with `bad/NAME.txt`.

After a change of a text: `python -m tests.parser.test_mistakes` writes the golden files anew; read what changed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from parser.read import read, read_diagram, read_expression, read_file, read_surgery
from strings.diagnostic import CutwireError, LanguageError
from tests.parser.golden import code_of, codes_in, files_in, write_down, written_down

FILES = files_in("bad")


def told(path: Path) -> str:
    """The diagnostics of a file, as text."""
    with pytest.raises(LanguageError) as caught:
        read(path.read_bytes().decode("utf-8"), path.name)
    return f"{caught.value}\n"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_diagnostics_are_as_written_down(path: Path) -> None:
    """Every bad file gets the diagnostics of its golden file."""
    assert told(path) == written_down(path)


@pytest.mark.parametrize("path", [p for p in FILES if code_of(p)], ids=lambda p: p.stem)
def test_files_show_their_code(path: Path) -> None:
    """A file named after a code gets that code."""
    assert code_of(path) in codes_in(told(path))


def test_every_error_is_told_once() -> None:
    """Several errors of one text are told in one go, in the order of the text, one for a statement."""
    with pytest.raises(LanguageError) as caught:
        read("lattent H : {low}\nvar S : {a}\nbox t : S T = | no\nquery P(C := c)\nvar T : {b}\nvar U {c}")

    assert [(d.code, d.span.line) for d in caught.value.diagnostics if d.span] == [
        ("P010", 1),
        ("P013", 3),
        ("P012", 4),
        ("P019", 6),
    ]


@pytest.mark.parametrize(
    ("reader", "text", "code"),
    [
        (read_expression, "", "P001"),
        (read_expression, "P(S", "P002"),
        (read_expression, "P(S) for s : S", "P001"),
        (read_expression, "query P(S)", "P001"),
        (read_expression, "P(C = yes | S := yes)", "P012"),
        (read_surgery, "do(S := yes), cut(T)", "P018"),
        (read_surgery, "P(S)", "P001"),
        (read_diagram, "f ; ", "P015"),
    ],
)
def test_single_expressions(reader: object, text: str, code: str) -> None:
    """A question, a surgery, a diagram on its own gets the same diagnostics."""
    with pytest.raises(LanguageError) as caught:
        reader(text)  # type: ignore[operator]

    assert caught.value.diagnostic.code == code


def test_files_that_are_no_text(tmp_path: Path) -> None:
    """A file that is not UTF-8, or not there, is a diagnostic too."""
    binary = tmp_path / "binary.causal"
    binary.write_bytes(b"var S : {\xff\xfe}")

    for path, code in ((binary, "F007"), (tmp_path / "none.causal", "F002"), (tmp_path, "F002")):
        with pytest.raises(CutwireError) as caught:
            read_file(path)
        assert caught.value.diagnostic.code == code


def test_large_texts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both bounds of size are P006; the larger one holds before anything is read."""
    monkeypatch.setattr("parser.read.MAX_PIECES", 10)
    with pytest.raises(LanguageError) as caught:
        read("type A, B, C, D, E, F, G")
    assert caught.value.diagnostic.code == "P006"

    monkeypatch.setattr("parser.read.MAX_CHARACTERS", 10)
    with pytest.raises(LanguageError) as caught:
        read("# only a comment")
    assert caught.value.diagnostic.code == "P006"


if __name__ == "__main__":
    write_down(FILES, told)
