"""`cutwire fmt`: files are formatted in place, or checked, or shown; what is broken is left alone."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from tests.cutwire.command import EXAMPLES, Done, cutwire, fresh

UNTIDY = "# a coin\nvar S:{no,yes}   # its sides\nbox s:->S=[1/2,1/2]\n"
TIDY = "# a coin\nvar S : {no, yes}  # its sides\nbox s : -> S = [1/2, 1/2]\n"
BROKEN = "vaar S : {no,yes}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file that is not formatted, one that is, and one that does not parse."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("untidy.causal", UNTIDY), ("tidy.causal", TIDY), ("broken.causal", BROKEN)):
        Path(name).write_text(text, encoding="utf-8")
    return tmp_path


def text(name: str) -> str:
    return Path(name).read_bytes().decode()


def test_in_place() -> None:
    """Only what changes is written and told; comments stay; a second time there is nothing to do."""
    done = cutwire("fmt", "untidy.causal", "tidy.causal")
    assert (done.status, done.out.split(), done.err) == (0, ["untidy.causal:", "formatted"], "")
    assert (text("untidy.causal"), text("tidy.causal")) == (TIDY, TIDY)
    again = cutwire("fmt", "untidy.causal")
    assert (again.status, again.out, again.err) == (0, "", "")
    assert sorted(os.listdir()) == ["broken.causal", "tidy.causal", "untidy.causal"]


def test_a_broken_file_is_left_alone() -> None:
    """The others are formatted all the same; every broken one is told of, and the status is 2."""
    Path("worse.causal").write_text("var S : {no\n", encoding="utf-8")
    done = cutwire("fmt", "broken.causal", "worse.causal", "untidy.causal")
    assert done.status == 2
    assert re.findall(r"--> (\w+)\.causal", done.err) == ["broken", "worse"]
    assert (text("broken.causal"), text("worse.causal"), text("untidy.causal")) == (BROKEN, "var S : {no\n", TIDY)


def test_check_changes_nothing() -> None:
    assert cutwire("fmt", "--check", "tidy.causal").status == 0
    done = cutwire("fmt", "--check", "untidy.causal", "tidy.causal")
    assert (done.status, done.err) == (1, "")
    assert "untidy.causal" in done.out.split(":")[0]
    assert cutwire("fmt", "--check", "untidy.causal", "broken.causal").status == 2
    assert (text("untidy.causal"), text("broken.causal")) == (UNTIDY, BROKEN)


def test_diff_changes_nothing_and_shows_the_change() -> None:
    done = cutwire("fmt", "--diff", "tidy.causal", "untidy.causal")
    assert done.err == ""
    changed = [line for line in done.out.splitlines() if re.match(r"[-+](?!--|\+\+)", line)]
    assert [c[1:] for c in changed if c[0] == "-"] == UNTIDY.splitlines()[1:]
    assert [c[1:] for c in changed if c[0] == "+"] == TIDY.splitlines()[1:]
    assert text("untidy.causal") == UNTIDY


def test_standard_input_can_be_checked() -> None:
    """`-` with --check formats nothing: only the status says whether it is formatted."""
    assert cutwire("fmt", "-", stdin=UNTIDY.encode()).out == TIDY
    assert "+var S : {no, yes}" in cutwire("fmt", "--diff", "-", stdin=UNTIDY.encode()).out
    assert cutwire("fmt", "--check", "-", stdin=TIDY.encode()) == Done(0, "", "")
    assert cutwire("fmt", "--check", "-", stdin=UNTIDY.encode()) == Done(1, "<stdin>: not formatted\n", "")
    assert cutwire("fmt", "--diff", "-", stdin=TIDY.encode()) == Done(0, "", "")


def test_a_difference_at_the_end_of_a_file() -> None:
    """A line without an end does not run into the next one."""
    done = cutwire("fmt", "--diff", "-", stdin=b"var S:{no,yes}")
    assert done.out.splitlines()[3:] == ["-var S:{no,yes}", "\\ No newline at end of file", "+var S : {no, yes}"]


def test_line_ends_and_byte_order_mark() -> None:
    """Files from other systems become plain UTF-8 with plain line ends."""
    Path("untidy.causal").write_bytes(b"\xef\xbb\xbf" + UNTIDY.replace("\n", "\r\n").encode())
    assert cutwire("fmt", "untidy.causal").status == 0
    assert text("untidy.causal") == TIDY


def test_permissions_stay() -> None:
    """A file that only its owner may read is not opened to others."""
    Path("untidy.causal").chmod(0o600)
    assert cutwire("fmt", "untidy.causal").status == 0
    assert (text("untidy.causal"), stat.S_IMODE(Path("untidy.causal").stat().st_mode)) == (TIDY, 0o600)


def test_a_link_stays_a_link() -> None:
    """The file that it leads to is formatted."""
    Path("link.causal").symlink_to("untidy.causal")
    assert cutwire("fmt", "link.causal").status == 0
    assert Path("link.causal").is_symlink()
    assert text("untidy.causal") == TIDY
    assert sorted(os.listdir()) == ["broken.causal", "link.causal", "tidy.causal", "untidy.causal"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing keeps root from writing")
def test_a_file_that_may_not_be_written() -> None:
    """It is left alone, although its folder would let it be replaced."""
    Path("untidy.causal").chmod(0o444)
    done = cutwire("fmt", "untidy.causal")
    assert (done.status, "error[F001]" in done.err, text("untidy.causal")) == (2, True, UNTIDY)


def test_a_file_named_twice() -> None:
    done = cutwire("fmt", "untidy.causal", "untidy.causal")
    assert (done.status, done.out, text("untidy.causal")) == (0, "untidy.causal: formatted\n", TIDY)


def test_a_name_that_is_no_text(folder: Path) -> None:
    """File names are bytes: one that is not UTF-8 is no reason to fail."""
    name = os.fsencode(folder) + b"/\xff.causal"
    try:
        with open(name, "w", encoding="utf-8") as file:
            file.write(UNTIDY)
    except OSError:
        pytest.skip("this file system refuses such names")
    done = fresh("fmt", name, folder=folder, PYTHONIOENCODING="utf-8:strict")
    assert (done.status, done.err) == (0, "")
    with open(name, encoding="utf-8") as file:
        assert file.read() == TIDY


@pytest.mark.parametrize("file", sorted(p.name for p in EXAMPLES.glob("*.causal")))
def test_formatting_an_example_changes_no_answer(file: str) -> None:
    """The formatted example runs and says word for word the same; formatting it again changes nothing."""
    (Path("data")).mkdir()
    (Path("data/kidney.csv")).write_bytes((EXAMPLES / "data/kidney.csv").read_bytes())
    Path(file).write_bytes((EXAMPLES / file).read_bytes())
    before = cutwire("run", file)
    assert cutwire("fmt", file).status == 0
    once = text(file)
    assert cutwire("run", file) == before
    assert cutwire("fmt", "--check", file).status == 0
    assert text(file) == once
