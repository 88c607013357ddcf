"""The documentation as a web site: `python docs/build.py [FOLDER]`, or `make site`.

The pages are the Markdown files here, which can be read as they are. From them this makes the pages that Sphinx reads,
in `docs/_build/source`: pictures are drawn by the commands that the pages show, the examples are run, generated pages
are generated, links out of `docs/` go to what the site has in their place, and every module has a page of its own.
Warnings are errors.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

from tests import test_docs as checked  # noqa: E402

ROOMS = {
    "cutwire": "The front door: the Python interface and the command line.",
    "strings": "Syntax: objects and boxes, diagrams, causal models, surgery, identification, pictures.",
    "semantics": "What diagrams mean: tables, expressions, normal distributions, samples, possibilities; data.",
    "parser": "The language: grammar, syntax tree, elaboration, formatter, files of other programs.",
}
MOVED = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""What stands outside of `docs/`, and where the site has it."""

FIRST = ("tutorial.md", "guides/")
LAST = ("comparison.md", "benchmarks.md", "theory.md", "design.md", "contributing.md", "changelog.md")
"""Pages of the first and the last part of the site; all others stand between them, in the order of `index.md`."""

_CALLED = re.compile(r"^ *from (parser\.\w+) import", re.MULTILINE)
_LINK = re.compile(r"(?P<image>!?)\[(?P<label>[^]\n]*)\]\((?!\w+:)(?P<path>[^)#\s]*)(?P<part>#[^)]*)?\)")


def moved(text: str, page: Path, place: str) -> str:
    """The text of a page of the repository, with its links as the site at `place` has them.

    >>> moved("[all](../CHANGELOG.md#x) `[a](b)`", DOCS / "index.md", "index.md")
    '[all](changelog.md#x) `[a](b)`'
    >>> moved("[`Box`](../../strings/signature.py)", DOCS / "guides" / "csv.md", "guides/csv.md")
    '{py:obj}`Box <strings.signature.Box>`'
    """
    hidden = [m.span() for m in checked.CODE.finditer(text)]

    def link(match: re.Match[str]) -> str:
        if any(a <= match.start() < b for a, b in hidden) or not match["path"]:
            return match[0]
        target = (page.parent / match["path"]).resolve()
        return _linked(match, target, place)

    return _LINK.sub(link, text)


def _linked(match: re.Match[str], target: Path, place: str) -> str:
    """A link as the site has it: within `docs/`, to a module or what it defines, to an example, to a file."""
    inside = target.relative_to(ROOT).as_posix()
    label, part = match["label"], match["part"] or ""
    if target.is_relative_to(DOCS):
        where = target.relative_to(DOCS).as_posix()
    elif target.suffix == ".py" and inside.split("/")[0] in ROOMS:
        name = module_name(target)
        if re.fullmatch(r"`[\w.]+`", label):
            return f"{{py:obj}}`{label.strip('`')} <{name}.{label.strip('`')}>`"
        where = f"api/{name}.rst"
    elif inside in MOVED:
        where = MOVED[inside]
    elif inside == "examples" or target.suffix == ".causal":
        where, part = "examples.md", "" if inside == "examples" else f"#{target.name.replace('.', '')}"
    elif target.is_file():
        where = f"files/{inside}"
    else:
        raise SystemExit(f"{place}: the site has no place for {inside}")
    relative = os.path.relpath(where, Path(place).parent)
    return f"{match['image']}[{label}]({relative}{part})"


def module_name(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(room: str) -> Iterator[Path]:
    """The modules of a room; of the parser those that the front door calls."""
    called = {name for path in (ROOT / "cutwire").rglob("*.py") for name in _CALLED.findall(path.read_text("utf-8"))}
    for path in sorted((ROOT / room).rglob("*.py")):
        if path.name not in ("__init__.py", "__main__.py") and (room != "parser" or module_name(path) in called):
            yield path


def summary(path: Path) -> str:
    """The first sentence of a module's docstring."""
    import ast

    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = " ".join(said.split("\n\n")[0].split())
    return re.split(r"(?<=[.:]) (?=[A-Z`])", first)[0].rstrip(":")


# ---- what is made ----------------------------------------------------------------------------------------------------


def make_source(source: Path) -> None:
    """Everything that Sphinx reads."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    made = checked.generated()
    for page in sorted(DOCS.rglob("*.md")):
        if "_build" not in page.parts:
            place = page.relative_to(DOCS).as_posix()
            _write(source / place, moved(made.get(page) or page.read_text(encoding="utf-8"), page, place))
            copy_files(page, source)
    for file in ("CHANGELOG.md", "CONTRIBUTING.md"):
        page = ROOT / file
        _write(source / MOVED[file], moved(page.read_text(encoding="utf-8"), page, MOVED[file]))
    make_pictures(source / "pictures")
    make_examples(source)
    make_api(source / "api")
    index = source / "index.md"
    _write(index, index.read_text(encoding="utf-8") + contents(source))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def copy_files(page: Path, source: Path) -> None:
    """The files that are no pages and that a page links to, where its links expect them."""
    for match in _LINK.finditer(page.read_text(encoding="utf-8")):
        file = (page.parent / match["path"]).resolve()
        if file.is_file() and not file.is_relative_to(DOCS) and file.suffix not in (".md", ".causal"):
            if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in ROOMS:
                continue  # it has a page
            place = source / "files" / file.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)


def make_pictures(folder: Path) -> None:
    """Every picture of the pages, by the command or the model file that the pages show for it."""
    folder.mkdir()
    os.chdir(ROOT)
    with contextlib.redirect_stdout(None):
        checked.draw_pictures(folder)


def make_examples(source: Path) -> None:
    """A page with every example: the model file, what it prints, what it draws."""
    lines = ["# Examples", "", "Every model file of `examples/`, what `cutwire run` prints, and what it draws."]
    folder = source / "run"
    shutil.copytree(ROOT / "examples", folder)
    for path in sorted(folder.glob("*.causal")):
        before = set(folder.rglob("*.svg"))
        said = checked.printed(path)
        lines += ["", f"## {path.name}", "", "```causal", path.read_text(encoding="utf-8").strip("\n"), "```"]
        lines += ["", "prints", "", "```text", said.strip("\n"), "```"]
        for picture in sorted(set(folder.rglob("*.svg")) - before):
            shutil.copy(picture, source / "pictures" / f"example-{picture.name}")
            lines += ["", f"![{picture.stem}](pictures/example-{picture.name})"]
    shutil.rmtree(folder)
    _write(source / "examples.md", "\n".join(lines) + "\n")


def make_api(folder: Path) -> None:
    """A page for every module, and one that lists them by room, what users import first."""
    import cutwire

    lines = ["# Python reference", "", "What `import cutwire as cw` has:", "", "| name | is |", "| --- | --- |"]
    for name in sorted(n for n in cutwire.__all__ if not n.startswith("_")):
        thing = getattr(cutwire, name)
        first = (thing.__doc__ or "").split("\n\n")[0]
        lines.append(f"| {{py:obj}}`cw.{name} <{thing.__module__}.{name}>` | {_cell(first)} |")
    for room, about in ROOMS.items():
        lines += ["", f"## {room}", "", about, "", "| module | holds |", "| --- | --- |"]
        for path in modules(room):
            name = module_name(path)
            lines.append(f"| [`{name}`]({name}.rst) | {_cell(summary(path))} |")
            head = f"``{name}``"
            head = f":orphan:\n\n{head}\n{'=' * len(head)}\n\n:doc:`index`\n\n"  # 170 of them would swell the side bar
            _write(folder / f"{name}.rst", f"{head}.. automodule:: {name}\n   :members:\n")
    _write(folder / "index.md", "\n".join(lines) + "\n")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def contents(source: Path) -> str:
    """The table of contents that Sphinx wants, for the side bar."""
    index = (source / "index.md").read_text(encoding="utf-8")
    listed = [m["path"] for m in _LINK.finditer(index) if m["path"].endswith(".md")]
    pages = [p for p in dict.fromkeys([*listed, *LAST]) if p != "examples.md"]
    first = [p for p in pages if p.startswith(FIRST)]
    middle = [p for p in pages if not p.startswith(FIRST) and p not in LAST]
    parts = {
        "Start": [*first, "examples.md"],
        "Using Cutwire": middle,
        "Reference": ["api/index.md"],
        "Background": [p for p in LAST if (source / p).exists()],
    }
    return "".join(
        "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *files, "```", ""])
        for caption, files in parts.items()
    )


def main(arguments: list[str]) -> int:
    """Make the pages and the site."""
    from sphinx.cmd.build import main as sphinx

    folder = Path(arguments[0]) if arguments else DOCS / "_build" / "site"
    source = DOCS / "_build" / "source"
    make_source(source)
    trees = str(DOCS / "_build" / "doctrees")
    options = ["-W", "--keep-going", "-q", "-E", "-b", "html", "-c", str(DOCS), "-d", trees]
    status: int = sphinx([*options, str(source), str(folder)])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
