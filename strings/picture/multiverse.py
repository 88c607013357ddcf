"""The picture of a counterfactual question: its worlds side by side, above the causes that they share.

Every world is a column. A box stands in it if what is asked or seen needs it in this world only; what several worlds
need stands below all columns. (These are the twin networks of Balke and Pearl 1994, as string diagrams: Jacobs,
Kissinger and Zanasi 2021, section 8; Lorenz and Tull 2023.) What is asked are the outputs, what was seen are effects:
states upside down, on the wires that were seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from strings.diagram import Node
from strings.model import CausalModel, Mechanism
from strings.picture.film import Frame, Line, Reel, film_strip
from strings.picture.glyphs import CAPTION
from strings.picture.graph import DrawGraph, Lane, graph_of_term, slant
from strings.picture.lanes import in_lanes
from strings.picture.scene import Scene, captioned, lay_out, scene_of
from strings.picture.text import broken, text_width
from strings.query import Become, Query, Term, World, show_world
from strings.rewriting import Rule, Worlds, simplify, twinned
from strings.signature import Box
from strings.surgery import Open
from strings.worlds import last_done, worlds_of

_LONGEST = 240  # line of a heading
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
    return captioned(_scene(Worlds.of(worlds_of(model, query), query)), str(query))


def question_graph(model: CausalModel, query: Query) -> DrawGraph:
    """What is drawn of a question, without columns; so its outputs say which worlds they are of.

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    return _Drawn.of(Worlds.of(worlds_of(model, query), query)).graph


def question_film(model: CausalModel, query: Query) -> Scene:
    """How the worlds of a question become simple: from a copy of the model for each, rule by rule.

    Raises:
        CutwireError: if a surgery does not fit the model.
    """
    start = twinned(model, query)
    frames = [Frame(_scene(start, whole=True), (Line("every world has a copy of all boxes"),))]
    for rule, some in itertools.groupby(simplify(start), lambda step: step.rule):
        group = list(some)
        said = [Line(str(step).partition(": ")[2].replace("`", ""), "law") for step in group[:_MOST_SAID]]
        more = [Line(f"and {len(group) - _MOST_SAID} more", "law")] if len(group) > _MOST_SAID else []
        frames.append(Frame(_scene(group[-1].after, whole=True), (Line(_RULES[rule]), *said, *more)))
    about = f"How the worlds of {query} are simplified, in {len(frames)} frames."
    return film_strip([Reel(str(query), tuple(frames))], str(query), about)


def column_graph(worlds: Worlds, whole: bool = False) -> DrawGraph:
    """The boxes that a question depends on (or all: `whole`), in a column for every world that something stands in."""
    drawn = _Drawn.of(worlds, whole)
    return drawn.in_columns() if worlds.query.worlds else drawn.graph


def _scene(worlds: Worlds, whole: bool = False) -> Scene:
    graph, query = column_graph(worlds, whole), worlds.query
    return replace(scene_of(graph, lay_out(graph), str(query)), about=f"What {query} speaks of. {graph.about}")


@dataclass(frozen=True)
class _Drawn:
    """A question as a graph; `made` says of which variable every part is a box, `ends` of which term it is an end."""

    worlds: Worlds
    graph: DrawGraph
    made: Mapping[int, str]
    ends: Mapping[int, Term]

    @staticmethod
    def of(worlds: Worlds, whole: bool = False) -> _Drawn:
        """The boxes that a question depends on (or all: `whole`); the outputs in the order of their worlds."""
        shown, query = worlds.model, worlds.query
        rank = {world: k for k, world in enumerate(((), *query.worlds))}
        asked = sorted(zip(worlds.terms, query.targets, strict=False), key=lambda pair: rank[pair[1].world])
        seen = list(zip(worlds.terms[len(asked) :], query.given, strict=True))
        needed = set(shown.names) if whole else shown.ancestors(worlds.terms)
        inputs = [n for n in shown.inputs if n in needed]
        env = {n: k for k, n in enumerate(inputs)}
        nodes: list[Node] = []
        made = dict(enumerate(inputs))
        count = len(inputs)
        for name in (n for n in shown.order if n in needed and n not in env):
            m = shown.mechanisms[name]
            if name in worlds.noisy:
                label = m.diagram.nodes[-1].box.name
                m = Mechanism.of_box(Box(label, tuple(shown.object(p) for p in m.parents), (shown.object(name),)))
            wires = [env.get(p, -1) for p in m.parents]
            for node in m.diagram.nodes:
                made[len(inputs) + len(nodes)] = name
                nodes.append(Node(node.box, tuple(wires[a] for a in node.args)))
                wires.extend(range(count, count + len(node.box.cod)))
                count += len(node.box.cod)
            env[name] = wires[m.diagram.outs[0]]
        dom = tuple(shown.object(n) for n in inputs)
        effects = [(env[n], _event(t)) for n, t in seen]
        graph = graph_of_term(dom, nodes, [env[n] for n, _ in asked], shown.latents, effects=effects)
        ends = dict(enumerate((t for _, t in (*asked, *seen)), start=len(dom) + len(nodes)))
        plain = {name: variable for name, (variable, _) in worlds.home.items()}  # columns say which world it is
        parts = list(graph.parts)
        for k, node in enumerate(nodes, start=len(dom)):
            if node.box.kind == "point":
                x = node.box.cod[0].name
                parts[k] = replace(parts[k], label=f"{plain.get(x, x)} = {node.box.value}")
        renamed = tuple(replace(w, name=plain.get(w.name, w.name)) for w in graph.wires)
        return _Drawn(worlds, replace(graph, parts=tuple(parts), wires=renamed), made, ends)

    def in_columns(self) -> DrawGraph:
        """The graph in columns, one for every world that something stands in; the heading names the world."""
        needs = self._needs()
        place = {part: next(iter(needs[name])) for part, name in self.made.items() if len(needs[name]) == 1}
        place |= {part: term.world for part, term in self.ends.items()}
        place = {part: world for part, world in place.items() if self.graph.parts[part].kind != "in"}
        worlds = [(shade, w) for shade, w in enumerate(((), *self.worlds.query.worlds)) if w in place.values()]
        lanes = tuple(Lane(self._heading(w), shade) for shade, w in worlds)
        number = {w: k for k, (_, w) in enumerate(worlds)}
        graph = in_lanes(self.graph, lanes, {part: number[world] for part, world in place.items()})
        parts = list(graph.parts)
        for k, part in enumerate(parts):
            if part.kind == "out":
                parts[k] = replace(part, label=self.ends[k].variable)
            elif part.kind == "in":
                variable, (world, *_) = self.worlds.home[self.made[k]]
                done = last_done(variable, world)
                parts[k] = replace(part, label=(isinstance(done, Open) and done.axis) or variable)
        slant(parts, "in")
        slant(parts, "out")
        return replace(graph, parts=tuple(parts), about=f"{_columns_in_words(graph)} {graph.about}")

    def _heading(self, world: World) -> tuple[str, ...]:
        """What is different in a world, behind its name if it has one, in lines that are not too long."""
        if not world:
            return ("actual world",)
        name = self.worlds.query.called[world]
        lines = [f"{name}:"] if name else []
        for k, s in enumerate(world, start=1):
            said = show_world((s,)) + ("," if k < len(world) else "")
            longer = f"{lines[-1]} {said}" if lines else said
            if text_width(longer, CAPTION) <= _LONGEST:
                lines[-1:] = [longer]
            else:
                lines += broken(said, _LONGEST, CAPTION)
        return tuple(lines)

    def _needs(self) -> Mapping[str, Collection[World]]:
        """In which worlds every variable is needed, for what is asked and seen and for what nothing hears."""
        worlds = self.worlds
        terms = zip(worlds.terms, (*worlds.query.targets, *worlds.query.given), strict=True)
        waiting = [(name, term.world) for name, term in terms]
        for name in dict.fromkeys(self.made.values()):
            if name not in worlds.terms and not worlds.model.children[name]:
                waiting += [(name, world) for world in worlds.home[name][1]]
        needs: dict[str, dict[World, None]] = {name: {} for name in self.made.values()}
        while waiting:
            name, world = waiting.pop()
            world = self._told_from(name, world)
            if world not in needs[name]:
                needs[name][world] = None
                waiting += [(parent, world) for parent in worlds.model.parents(name)]
        return needs

    def _told_from(self, name: str, world: World) -> World:
        """Where a variable is needed that a world hears: there, but another one if it is nested and told from that one.

        One of the actual world that has been seen to be what the world sets it to is needed there (consistency).
        """
        variable, stands = self.worlds.home[name]
        if world in stands:
            return world
        sources = [s.source for s in world if isinstance(s, Become)]
        for source in sources:  # grows while it is read: what is told may be told itself
            if source.variable == variable and source.world in stands:
                return source.world
            if isinstance(further := last_done(source.variable, source.world), Become):
                sources.append(further.source)
        return world


def _columns_in_words(graph: DrawGraph) -> str:
    """Which boxes stand in which column."""
    said = []
    for k, lane in enumerate(graph.lanes):
        boxes = [p.label for p in graph.parts if p.lane == k and p.kind in ("box", "state", "point")]
        said.append(f"{' '.join(lane.heading)} ({', '.join(boxes) or 'no box'})")
    return f"Columns, from left to right: {'; '.join(said)}."


def _event(t: Term) -> str:
    """What was seen of a wire, without the name that the wire has."""
    actual = replace(t, world=())
    return str(actual).removeprefix(f"{actual.place} = ")
