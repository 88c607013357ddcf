"""The documents say what the code does: diagnostic codes, pictures, and what the first command of the README prints.

The fences of the documents are run by `conftest.py`; here stands what fences cannot say. `python -m tests.test_docs`
writes the generated parts anew: the titles and explanations in `docs/diagnostics.md`, and `docs/pictures/`.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

from cutwire.__main__ import main
from cutwire.explain import GROUPS, diagnostics_of, overview, sections
from cutwire.program import parse
from parser import bif, boxes, data, domains, files, formulas, imports, read, scope, surgeries, tokens
from parser.codes import CODES, Code
from parser.tokens import RESERVED
from tests.grammar_page import grammar_page

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
DIAGNOSTICS = DOCS / "diagnostics.md"
GRAMMAR = DOCS / "grammar.md"
PICTURES = DOCS / "pictures"
PAGES = [README, *sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)]

BOUNDS = (
    files.MAX_BYTES,
    tokens.MAX_PIECES,
    tokens.MAX_DEPTH,
    tokens.MAX_DIGITS,
    formulas.MAX_PARTS,
    domains.MAX_VALUES,
    boxes.MAX_CELLS,
    scope.Bounds.MAX_CELLS,
    scope.Bounds.MAX_PARTS,
    surgeries.MAX_OPERATIONS,
    data.MAX_ROWS,
    imports.MAX_FILES,
    imports.MAX_DEPTH,
    bif.MAX_BYTES // 2**20,
    bif.MAX_CELLS,
    read.MAX_ERRORS,
)
"""The bounds that `docs/command-line.md` lists."""

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DRAWN = re.compile(r"^\$ (cutwire (?:draw|identify) .* -o \S+\.svg)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")


def section(code: Code, rest: str) -> str:
    """The section of one code: title and explanation as `parser/codes.py` has them, then what is written by hand."""
    return f"### {code.code}\n\n**{code.title}.** {code.explanation}\n" + (f"\n{rest}\n" if rest else "")


def diagnostics_page() -> str:
    """`docs/diagnostics.md` as it should be: its introduction, and a section for every code."""
    start = DIAGNOSTICS.read_text(encoding="utf-8").split("\n## ")[0].rstrip("\n") + "\n"
    written = sections()
    parts = [start]
    for letter, codes in overview().items():
        parts.append(f"## {letter}: {GROUPS[letter]}\n")
        parts.extend(section(c, written.get(c.code, "")) for c in codes)
    return "\n".join(parts)


def generated() -> dict[Path, str]:
    """The pages that are made by programs, as they should be."""
    return {DIAGNOSTICS: diagnostics_page(), GRAMMAR: grammar_page()}


def anchors(page: Path) -> set[str]:
    """The places of a page that a link can lead to: its headings, as code hosts name them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def examples(language: str) -> list[tuple[str, str]]:
    """The codes of the page with their examples in a language."""
    return [(code, text) for code, rest in sections().items() for tag, text in _FENCE.findall(rest) if tag == language]


def codes_of(text: str, language: str = "text") -> set[str]:
    """The codes of the errors and warnings of a model file when it is read and run, or of a network."""
    return {d.code for d in diagnostics_of(text, language)}


def drawings() -> list[str]:
    """The command lines of the pages that draw `docs/pictures/`."""
    pages = ("pictures.md", "identification.md", "counterfactuals.md")
    return [command for page in pages for command in _DRAWN.findall((DOCS / page).read_text(encoding="utf-8"))]


def draw_pictures(folder: Path) -> list[Path]:
    """Every picture that the pages show: what their commands draw, and what the model files of the tutorial do."""
    made = [drawn(command, folder) for command in drawings()]
    tutorial = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    for text in (text for tag, text in _FENCE.findall(tutorial) if tag == "causal" and "\ndraw " in text):
        made += [path for item in parse(text, folder=folder).run(out=folder) if (path := getattr(item, "path", None))]
    return made


def drawn(command: str, folder: Path) -> Path:
    """The picture that a command line of the page draws, put into `folder`."""
    *rest, name = shlex.split(command)[1:]
    path = folder / Path(name).name
    assert main([*rest, str(path)]) == 0
    return path


def test_every_code_is_documented_and_no_other() -> None:
    """`docs/diagnostics.md` has a section for every code of `parser/codes.py`, and for no other."""
    assert list(sections()) == [c for letter in GROUPS for c in CODES if c[0] == letter]


@pytest.mark.parametrize("page", [DIAGNOSTICS, GRAMMAR], ids=lambda p: p.name)
def test_generated_pages_are_current(page: Path) -> None:
    """Pages are what `parser/codes.py` and `parser/causal.lark` make of them (else: `python -m tests.test_docs`)."""
    assert page.read_text(encoding="utf-8") == generated()[page]


@pytest.mark.parametrize("language", ["text", "bif"])
def test_examples_get_their_codes(language: str) -> None:
    """The example of a code, a model file or a network, gets this code."""
    missing = [(code, text) for code, text in examples(language) if code not in codes_of(text, language)]

    assert missing == []


@pytest.mark.parametrize(("code", "text"), [*examples("console"), *examples("python")], ids=lambda x: x[:4])
def test_other_examples_show_their_code(code: str, text: str) -> None:
    """An example that is run with the document shows the code that it stands for."""
    assert code in text


def test_pictures_are_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture of the documents is what its command draws (else: `python -m tests.test_docs`)."""
    monkeypatch.chdir(ROOT)
    made = {path.name: path.read_bytes() for path in draw_pictures(tmp_path)}

    assert {path.name: path.read_bytes() for path in PICTURES.iterdir()} == made


def test_reserved_words_are_listed() -> None:
    """`docs/language.md` lists the words that cannot be names, and no others."""
    text = (DOCS / "language.md").read_text(encoding="utf-8")
    listed = text.split("These words cannot be names:")[1].split("All other words")[0]

    assert sorted(re.findall(r"`(\w+)`", listed)) == sorted(RESERVED)


@pytest.mark.parametrize("bound", BOUNDS)
def test_limits_are_listed(bound: int) -> None:
    """`docs/command-line.md` tells every bound on what a file may contain."""
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    table = text.split("What a file may contain is bounded")[1].split("\n## ")[0]

    assert re.search(rf"\b{bound:,}\b", table)


def printed(model_file: Path) -> str:
    """What `cutwire run` prints for a model file, all well; pictures go beside it."""
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout):
        assert main(["run", str(model_file), "--out", str(model_file.parent)]) == 0
    return "\n".join(line.rstrip() for line in stdout.getvalue().splitlines())


def outputs(page: Path) -> list[tuple[str, str]]:
    """The model files of a page that are followed by a plain box, with that box: what they print."""
    found, before = [], ""
    for tag, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        if tag == "text" and before:
            found.append((before, text))
        before = text if tag == "causal" else ""
    return found


def assert_shows(shown: str, said: str) -> None:
    """Every part of what is shown, between lines `…`, was said."""
    for part in shown.strip("\n").split("\n…\n"):
        assert part.removesuffix("\n…") in said


def test_readme_shows_what_the_example_prints(tmp_path: Path) -> None:
    """The output that the README shows of its first command is what `cutwire run` prints, lines left out with `…`."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shown = next(text for tag, text in _FENCE.findall(README.read_text(encoding="utf-8")) if tag == "text")

    assert_shows(shown, printed(tmp_path / "examples" / "smoking.causal"))


@pytest.mark.parametrize(("model_file", "shown"), [x for page in PAGES for x in outputs(page)], ids=lambda _: "")
def test_outputs_that_pages_show(model_file: str, shown: str, tmp_path: Path) -> None:
    """A plain box below a model file is what the model file prints, lines left out with `…`."""
    shutil.copytree(ROOT / "examples", tmp_path, dirs_exist_ok=True)
    path = tmp_path / "page.causal"
    path.write_text(model_file, encoding="utf-8")

    assert_shows(shown, printed(path))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Every link within the repository has a target, and every page of the documents is on the map."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    targets = [(page.parent / m[1]).resolve() if m[1] else page for m in _LINK.finditer(text)]

    assert [t for t in targets if not t.exists()] == []
    parts = [(t, m[2][1:]) for t, m in zip(targets, _LINK.finditer(text), strict=True) if m[2] and t.suffix == ".md"]
    assert [(t.name, part) for t, part in parts if part not in anchors(t)] == []
    if page == DOCS / "index.md":
        assert set(PAGES) - {page, README} <= set(targets)


def definitions() -> list[tuple[str, str]]:
    """The names of code that pages link to, with the file where each is said to be."""
    link = re.compile(r"\[`([\w.]+)`\]\(([\w./]+\.py)\)")
    found = [(m[1], page.parent / m[2]) for page in PAGES for m in link.finditer(page.read_text(encoding="utf-8"))]
    return sorted({(name, path.resolve().relative_to(ROOT).as_posix()) for name, path in found if "/" not in name})


@pytest.mark.parametrize(("name", "file"), definitions())
def test_names_that_pages_link_to_are_defined_there(name: str, file: str) -> None:
    """Where a definition is said to be implemented, it is."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))

    assert name in {getattr(node, "name", "") for node in tree.body}


def write_anew() -> None:
    """Write the generated parts of the documents."""
    for page, text in generated().items():
        page.write_text(text, encoding="utf-8")
    PICTURES.mkdir(exist_ok=True)
    print(*draw_pictures(PICTURES), sep="\n")


if __name__ == "__main__":
    write_anew()
