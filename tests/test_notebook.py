"""The notebook of the examples runs, and shows what is stored in it.

`python -m tests.test_notebook` runs it and stores what it shows: read what changed.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.cutwire.command import environment

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "examples" / "tour.ipynb"
MOST_BYTES = 400_000


def executed(path: Path, folder: Path) -> Any:
    """A notebook, run from nothing in a copy of the examples."""
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    shutil.copytree(ROOT / "examples", folder, dirs_exist_ok=True)
    notebook = nbformat.read(path, as_version=4)
    with patch.dict(os.environ, environment(NO_COLOR="1")):
        client.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it was run
    return notebook


def said(notebook: Any) -> list[list[str]]:
    """Of every cell of code what it shows as text, and the errors and streams that there are."""
    cells = [cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    # What is printed may come in several pieces, as time has it.
    runs = [itertools.groupby(outputs, lambda o: o["output_type"] == "stream" and o["name"]) for outputs in cells]
    return [
        [text for name, some in run for text in (["".join(map(_text, some))] if name else map(_text, some))]
        for run in runs
    ]


def _text(output: Any) -> str:
    match output["output_type"]:
        case "stream":
            return "".join(output["text"])
        case "error":
            return f"{output['ename']}\n" + "\n".join(output["traceback"])
        case _:
            return "".join(output["data"]["text/plain"])


def test_tour_is_current(tmp_path: Path) -> None:
    """Run anew it says what is stored in it (else: `python -m tests.test_notebook`)."""
    notebook = executed(TOUR, tmp_path)

    assert said(notebook) == said(json.loads(TOUR.read_text(encoding="utf-8")))


def test_tour_is_small_and_whole() -> None:
    """It is small, each cell that shows something shows HTML, and no picture is stored twice."""
    stored = json.loads(TOUR.read_text(encoding="utf-8"))
    cells = [c for c in stored["cells"] if c["cell_type"] == "code"]

    assert TOUR.stat().st_size < MOST_BYTES
    assert [c["execution_count"] for c in cells] == list(range(1, len(cells) + 1))
    shown = [o["data"] for c in cells for o in c["outputs"] if "data" in o]
    assert all({"text/html", "image/svg+xml"} & set(d) for d in shown)
    assert sum("image/svg+xml" in d and "text/html" in d for d in shown) == 0


def test_tour_shows_what_it_is_for() -> None:
    """Model, picture, cut, numbers that move, a derivation, a claim that falls, an estimate with intervals."""
    stored = json.loads(TOUR.read_text(encoding="utf-8"))
    html = "".join(
        "".join(o["data"].get("text/html", ""))
        for c in stored["cells"]
        if c["cell_type"] == "code"
        for o in c["outputs"]
        if "data" in o
    )
    for sign in ("<svg", "<math", ">not identifiable<", ">identifiable<", ">falls<", "steps</summary>", "resamples"):
        assert sign in html


def write_anew() -> None:
    """Run the notebook and store what it shows."""
    import tempfile

    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(TOUR, Path(folder)), TOUR)
    print(TOUR, TOUR.stat().st_size)


if __name__ == "__main__":
    write_anew()
