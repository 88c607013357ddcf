"""The picture of a counterfactual question: its worlds side by side, with the hidden causes that they share.

What is asked are the outputs, what was seen are effects: states upside down, on the wires that were seen. The boxes of
every world but the actual one have a colour of their own, which a line below the picture explains (the twin networks
of Balke and Pearl 1994, as string diagrams: Jacobs, Kissinger and Zanasi 2021, section 8).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

from strings.diagram import Node
from strings.model import CausalModel, Mechanism
from strings.picture.film import Frame, Line, Reel, film_strip
from strings.picture.glyphs import HUES, STYLES, Polygon, Shape, Text
from strings.picture.graph import DrawGraph, graph_of_term
from strings.picture.scene import PAD, Scene, captioned, lay_out, moved, scene_of
from strings.picture.text import text_width
from strings.query import Query, Term, World, show_world
from strings.rewriting import Rule, Worlds, simplify, twinned
from strings.signature import Box
from strings.worlds import worlds_of

_BETWEEN = 22  # two entries of the legend
_SWATCH = 18
_MOST_SAID = 3  # of the steps of one frame
_RULES: Mapping[Rule, str] = {
    "discard": "what nothing asked depends on is discarded",
    "split": "what has been seen is told",
    "merge": "equal boxes that hear the same are one",
    "absorb": "a hidden state that one box hears is its noise",
}


def question_scene(model: CausalModel, query: Query) -> Scene:
    """What a question speaks of, and all that it depends on; of several worlds, their multiverse.

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    return captioned(_with_legend(_drawn(question_graph(model, query), query), _hues(query)), str(query))


def question_graph(model: CausalModel, query: Query) -> DrawGraph:
    """What is drawn of a question.

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    return _graph(Worlds.of(worlds_of(model, query), query), whole=False)


def _hues(query: Query) -> dict[World, int]:
    """The colour of every world but the actual one."""
    return {w: k for k, w in enumerate(query.worlds)}


def question_film(model: CausalModel, query: Query) -> Scene:
    """How the worlds of a question become simple: from a copy of the model for each, rule by rule.

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    start = twinned(model, query)
    frames = [Frame(_drawn(_graph(start, whole=True), query), (Line("every world has a copy of all boxes"),))]
    for rule, some in itertools.groupby(simplify(start), lambda step: step.rule):
        group = list(some)
        said = [Line(str(step).partition(": ")[2].replace("`", ""), "law") for step in group[:_MOST_SAID]]
        more = [Line(f"and {len(group) - _MOST_SAID} more", "law")] if len(group) > _MOST_SAID else []
        frames.append(Frame(_drawn(_graph(group[-1].after, whole=True), query), (Line(_RULES[rule]), *said, *more)))
    about = f"How the worlds of {query} are simplified, in {len(frames)} frames."
    return _with_legend(film_strip([Reel(str(query), tuple(frames))], str(query), about), _hues(query))


def _drawn(graph: DrawGraph, query: Query) -> Scene:
    return replace(scene_of(graph, lay_out(graph), str(query)), about=f"What {query} speaks of. {graph.about}")


def _graph(worlds: Worlds, whole: bool) -> DrawGraph:
    """The boxes that a question depends on (or all: `whole`), in the colours of the worlds that they first stand in."""
    shown, home, query = worlds.model, worlds.home, worlds.query
    hues = _hues(query)
    asked, seen = worlds.terms[: len(query.targets)], worlds.terms[len(query.targets) :]
    needed = set(shown.names) if whole else shown.ancestors(worlds.terms)
    inputs = [n for n in shown.inputs if n in needed]
    env = {n: k for k, n in enumerate(inputs)}
    nodes: list[Node] = []
    tints: list[int | None] = []
    count = len(inputs)
    for name in (n for n in shown.order if n in needed and n not in env):
        m = shown.mechanisms[name]
        if name in worlds.noisy:
            label = m.diagram.nodes[-1].box.name
            m = Mechanism.of_box(Box(label, tuple(shown.object(p) for p in m.parents), (shown.object(name),)))
        wires = [env.get(p, -1) for p in m.parents]
        for node in m.diagram.nodes:
            nodes.append(Node(node.box, tuple(wires[a] for a in node.args)))
            tints.append(hues.get(home[name][1]) if name in home else None)
            wires.extend(range(count, count + len(node.box.cod)))
            count += len(node.box.cod)
        env[name] = wires[m.diagram.outs[0]]
    dom = tuple(shown.object(n) for n in inputs)
    effects = [(env[n], _event(t)) for n, t in zip(seen, query.given, strict=True)]
    graph = graph_of_term(dom, nodes, [env[n] for n in asked], shown.latents, effects=effects)
    plain = {name: variable for name, (variable, _) in home.items()}  # colours say which world it is
    parts = list(graph.parts)
    for k, (hue, node) in enumerate(zip(tints, nodes, strict=True), start=len(dom)):
        x = node.box.cod[0].name
        label = f"{plain.get(x, x)} = {node.box.value}" if node.box.kind == "point" else parts[k].label
        parts[k] = replace(parts[k], hue=hue, label=label)
    renamed = tuple(replace(w, name=plain.get(w.name, w.name)) for w in graph.wires)
    return replace(graph, parts=tuple(parts), wires=renamed)


def _event(t: Term) -> str:
    """What was seen of a wire, without the name that the wire has."""
    actual = replace(t, world=())
    return str(actual).removeprefix(f"{actual.place} = ")


def _with_legend(scene: Scene, hues: dict[World, int]) -> Scene:
    """A line below the scene that says which colour is which world."""
    if not hues:
        return scene
    size = STYLES["caption"].size
    texts = {hue: show_world(world) for world, hue in hues.items()}
    widths = [_SWATCH + text_width(text, size) for text in texts.values()]
    total = sum(widths) + _BETWEEN * (len(widths) - 1)
    width = max(scene.width, total + 2 * PAD)
    shapes: list[Shape] = [moved(s, (width - scene.width) / 2, 0) for s in scene.shapes]
    x, y = (width - total) / 2, scene.height + 10
    for (hue, text), wide in zip(texts.items(), widths, strict=True):
        corners = ((x, y - 10), (x + 12, y - 10), (x + 12, y), (x, y))
        shapes += [Polygon(corners, f"box {hue % len(HUES)}"), Text(x + _SWATCH, y, text, "caption", "start")]
        x += wide + _BETWEEN
    return replace(scene, width=width, height=scene.height + 16, shapes=tuple(shapes))
