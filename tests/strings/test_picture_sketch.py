"""Diagrams in letters: what is drawn is the diagram, whatever its shape.

The sketch is read back, wire by wire, from its letters alone, and compared with the graph that was drawn.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings

from semantics.strategies import diagrams, models
from strings.diagnostic import display_width
from strings.diagram import Diagram, Node
from strings.model import CausalModel
from strings.picture.graph import DrawGraph
from strings.picture.operation import model_graphs
from strings.picture.sketch import columns_of, draw_graph, sketch, sketch_model
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, Open, Surgery

SMOKING = CausalModel.from_edges(
    [("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains={"S": ["no", "yes"], "T": 2, "C": 2}
)

_ENDS = {
    "│": "ud",
    "┆": "ud",
    "─": "lr",
    "┄": "lr",
    "┘": "ul",
    "┐": "dl",
    "└": "ur",
    "┌": "dr",
    "┴": "ulr",
    "┬": "dlr",
    "├": "udr",
    "┤": "udl",
    "┼": "udlr",
    "●": "udlr",
    "╵": "u",
    "╷": "d",
}
_STEP = {"u": (0, -1), "d": (0, 1), "l": (-1, 0), "r": (1, 0)}
_BACK = {"u": "d", "d": "u", "l": "r", "r": "l"}

A = Object("A", ("0", "1"))


def letters(text: str) -> dict[tuple[int, int], str]:
    return {(x, y): c for y, line in enumerate(text.splitlines()) for x, c in enumerate(line) if c != " "}


@settings(max_examples=40, deadline=None)
@given(models())
def test_every_box_and_every_variable_is_written(model: CausalModel) -> None:
    ((graph, _),) = model_graphs(model)
    text = sketch(graph)
    assert text is not None
    for part in graph.parts:
        assert part.label in text
    assert text.count("●") == sum(p.kind == "copy" for p in graph.parts)
    assert text.count("⏚") == sum(p.kind == "discard" for p in graph.parts)


def joined(text: str) -> list[int]:
    """For every connected line of a sketch how many things it joins; read from the letters alone."""
    page = letters(text)
    lines = {place: set(_ENDS[c]) for place, c in page.items() if (c in _ENDS and c not in "┴┬") or c == "●"}
    for place, c in page.items():  # on a border `┴` is a port, elsewhere a corner of two legs
        if c in "┴┬":
            x, y = place
            border = (
                page.get((x - 1, y), " ") in "─┌└╭╰┴┬"
                and page.get((x + 1, y), " ") in "─┐┘╮╯┴┬"
                and _is_frame(page, place)
            )
            if not border:
                lines[place] = set(_ENDS[c])
    lines = {p: ways for p, ways in lines.items() if not _on_frame(page, p)}
    for (x, y), c in page.items():
        if c == "●":
            around = {way: page.get((x + dx, y + dy), " ") for way, (dx, dy) in _STEP.items()}
            lines[x, y] = {w for w, n in around.items() if _BACK[w] in _ENDS.get(n, "ud" if n not in " ╭╮╰╯" else "")}
    seen: set[tuple[tuple[int, int], str]] = set()
    found: list[int] = []
    for start, ways in lines.items():
        for first in ways:
            if (start, first) in seen:
                continue
            ends, waiting = 0, [(start, first)]
            while waiting:
                place, way = waiting.pop()
                if (place, way) in seen:
                    continue
                seen.add((place, way))
                straight = page[place] in "│┆" and way in "lr"
                others = {way, _BACK[way]} if straight else lines[place] | {way}
                waiting += [(place, other) for other in others if (place, other) not in seen]
                dx, dy = _STEP[way]
                there = (place[0] + dx, place[1] + dy)
                if there not in lines:
                    assert there in page, f"{page[place]} at {place} leads {way} into nothing:\n{text}"
                    ends += 1
                elif _BACK[way] in lines[there] or page[there] in "│┆":
                    waiting.append((there, _BACK[way]))
                else:
                    raise AssertionError(f"{page[place]} at {place} leads {way} to {page[there]}:\n{text}")
            found.append(ends)
    return sorted(found)


def _is_frame(page: dict[tuple[int, int], str], place: tuple[int, int]) -> bool:
    """Whether a border runs through a place: corners of a box stand at its ends, the left one with a side below or
    above. (`┌─┘` above `└─┐` is a wire that goes aside and back.)"""
    x, y = place
    right = x
    while page.get((x, y), " ") in "─┴┬":
        x -= 1
    while page.get((right, y), " ") in "─┴┬┌└╭╰":
        right += 1
    corner = page.get((x, y), " ")
    if page.get((right, y), " ") not in ("┐╮" if corner in "┌╭" else "┘╯"):
        return False
    down, up = (
        (page.get((x, y + 1), " "), page.get((x, y + 2), " ")),
        (page.get((x, y - 1), " "), page.get((x, y - 2), " ")),
    )
    return (corner in "┌╭" and down[0] == "│" and down[1] in "└╰") or (
        corner in "└╰" and up[0] == "│" and up[1] in "┌╭"
    )


def _on_frame(page: dict[tuple[int, int], str], place: tuple[int, int]) -> bool:
    """Whether a letter belongs to the rectangle of a box."""
    x, y = place
    c = page[place]
    if c in "─┐┘╮╯┴┬" and _is_frame(page, (x - (c in "┐┘╮╯"), y)):
        return True
    if c in "┌└╭╰" and _is_frame(page, (x + 1, y)):
        return True
    above, below = page.get((x, y - 1), " "), page.get((x, y + 1), " ")
    return c == "│" and above in "┌╭┐╮" and below in "└╰┘╯" and _on_frame(page, (x, y - 1))


def ends_of(graph: DrawGraph) -> list[int]:
    """For every wire of a diagram how many things it joins: what makes it, and everything that hears it."""
    ends: dict[int, int] = {}
    for w in graph.wires:
        inner = sum(graph.parts[v].kind == "copy" for v in (w.source, w.target))
        ends[w.net] = ends.get(w.net, 0) + 2 - inner
    return sorted(ends.values())


def assert_joined(text: str, graph: DrawGraph) -> None:
    """The lines join what the wires join; a label right above its box needs no line."""
    found, wanted = joined(text), ends_of(graph)
    assert [n for n in found if n != 2] == [n for n in wanted if n != 2], text
    assert found.count(2) <= wanted.count(2)


@settings(max_examples=60, deadline=None)
@given(models())
def test_models_are_joined_as_they_are(model: CausalModel) -> None:
    """No wire ends in the air, none is lost, and none is joined to another."""
    ((graph, _),) = model_graphs(model)
    text = sketch(graph)
    assert text is not None
    assert_joined(text, graph)


@settings(max_examples=60, deadline=None)
@example(Diagram((A, A, A), (), (2, 1, 0)))  # two wires that change places
@example(Diagram((A, A, A), (Node(Box("f", (A,), (A, A)), (1,)), Node(Box("g", (A, A), (A,)), (0, 4))), (3, 5)))
@given(diagrams())
def test_diagrams_are_joined_as_they_are(d: Diagram) -> None:
    graph = draw_graph(d)
    text = sketch(graph)
    assert text is not None
    assert_joined(text, graph)


@pytest.mark.parametrize(
    ("surgery", "shown", "gone"),
    [
        (Cut("S"), "uniform", "│ s"),
        (Do("S", "yes"), "║ S = yes ║", "│ s"),
        (CutWire("S", "T"), "uniform", ""),
        (Open("S"), "⏚", "│ s"),
    ],
)
def test_surgery_is_seen(surgery: Surgery, shown: str, gone: str) -> None:
    text = sketch_model(SMOKING, [surgery])
    assert text is not None
    middle = columns_of(text) // 2
    after = "\n".join(line[middle:] for line in text.splitlines())
    before = "\n".join(line[:middle] for line in text.splitlines())
    assert shown in after
    assert "║" not in before
    assert not gone or gone not in after
    assert "┆" in before


def test_narrow_terminals() -> None:
    """Beside each other, below each other, or not at all."""
    wide, narrow = sketch_model(SMOKING, [Cut("S")], 100), sketch_model(SMOKING, [Cut("S")], 30)
    assert wide is not None
    assert narrow is not None
    assert len(wide.splitlines()) < len(narrow.splitlines())
    assert columns_of(narrow) <= 30
    assert sketch_model(SMOKING, [], 5) is None


def test_wide_letters_keep_their_columns() -> None:
    model = CausalModel.from_edges([("喫煙", "肺"), ("喫煙", "B")], domains=2)
    text = sketch_model(model)
    assert text is not None
    assert {display_width(line) for line in text.splitlines() if line.strip().endswith(("┐", "┘"))} != set()
    frame = [line for line in text.splitlines() if "喫煙" in line]
    assert frame


def test_the_same_every_time() -> None:
    assert sketch_model(SMOKING, [Cut("S")]) == sketch_model(SMOKING, [Cut("S")])
