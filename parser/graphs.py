"""Graphs that other programs write: what their texts have in common, and the words that they are made of.

A text in DOT (`parser.dot`), in dagitty's language (`parser.dagitty`) or in GML (`parser.gml`) becomes a `GraphText`: a
mixed graph whose bidirected edges stand for hidden common causes, with what the text says of its vertices. It has no
numbers and no values.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Literal, NoReturn

from strings.diagnostic import CompositionError, Diagnostic, LanguageError, LimitError, Source, Span, did_you_mean
from strings.model import CausalModel

MAX_VERTICES = 10_000
MAX_EDGES = 200_000
MAX_DEPTH = 100
MAX_WORDS = 1_000_000
"""Bounds of one graph: its vertices and edges, how deep its groups may nest, and the words of its text."""

Role = Literal["exposure", "outcome", "adjusted", "selected"]
ROLES: tuple[Role, ...] = ("exposure", "outcome", "adjusted", "selected")


@dataclass(frozen=True, slots=True)
class Vertex:
    """A variable of a graph: its name, a longer one if the text has it, whether it is hidden, and what it is for."""

    name: str
    label: str = ""
    latent: bool = False
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Edge:
    """`source -> sink`; if it is `two_headed`, a hidden common cause of the two."""

    source: str
    sink: str
    two_headed: bool = False
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True)
class GraphText:
    """A mixed graph as a text has it: its vertices in order of appearance, and its edges."""

    name: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False)

    def having(self, role: Role) -> tuple[str, ...]:
        """The variables that have a role, in order of appearance."""
        return tuple(v.name for v in self.vertices if role in v.roles)

    def shape(self, domains: int | Mapping[str, Sequence[object]] | None = None) -> CausalModel:
        """The causal model of this graph, of which nothing but the shape is known.

        Raises:
            CompositionError: M002 for a loop, with the edge that closes it.
        """
        self._refuse_loops()
        return CausalModel.from_edges(
            [(e.source, e.sink) for e in self.edges if not e.two_headed],
            [(e.source, e.sink) for e in self.edges if e.two_headed],
            domains,
            [v.name for v in self.vertices],
            self.name,
            latents=[v.name for v in self.vertices if v.latent],
        )

    def _refuse_loops(self) -> None:
        heard: dict[str, list[str]] = {v.name: [] for v in self.vertices}
        for e in self.edges:
            if not e.two_headed:
                heard[e.sink].append(e.source)
        try:
            TopologicalSorter(heard).prepare()
        except CycleError as error:
            loop = error.args[1]
            steps = {*itertools.pairwise(loop), *itertools.pairwise(reversed(loop))}
            last = [e for e in self.edges if not e.two_headed and (e.source, e.sink) in steps][-1]
            help_ = (
                "a causal model has no loops; unroll time, or write a hidden common cause as an edge of two heads",
            )
            note = f"loop: {' -> '.join(loop)}"
            raise CompositionError(
                Diagnostic(
                    "M002", "this graph has a loop", last.span, "the loop closes here", notes=(note,), help=help_
                )
            ) from None


def with_names_for_numbers(graph: GraphText) -> GraphText:
    """The graph with its labels as names, where its vertices are merely numbered (`0`, `v1`) and all have a label."""
    labels = {v.name: v.label for v in graph.vertices}
    if not all(_NUMBERED.fullmatch(n) for n in labels) or not all(labels.values()):
        return graph
    if len(set(labels.values())) < len(labels):
        return graph
    vertices = tuple(replace(v, name=v.label, label="") for v in graph.vertices)
    edges = tuple(replace(e, source=labels[e.source], sink=labels[e.sink]) for e in graph.edges)
    return replace(graph, vertices=vertices, edges=edges)


_NUMBERED = re.compile(r"(?:[vn]|node)?\d+")


class Collected:
    """The vertices and edges of a text while it is read; bounds how many there are."""

    def __init__(self) -> None:
        self.vertices: dict[str, Vertex] = {}
        self.edges: dict[tuple[str, str, bool], Edge] = {}
        self.warnings: list[Diagnostic] = []

    def vertex(self, name: str, span: Span | None = None) -> Vertex:
        """The vertex of a name, which is there from now on."""
        if name not in self.vertices:
            if len(self.vertices) >= MAX_VERTICES:
                raise too_large(f"this graph has more than {MAX_VERTICES:,} vertices", span)
            self.vertices[name] = Vertex(name)
        return self.vertices[name]

    def edge(self, source: str, sink: str, two_headed: bool, span: Span | None) -> None:
        """An edge; the same one again changes nothing.

        Raises:
            CompositionError: M002 for an edge from a vertex to itself.
        """
        if source == sink:
            message = f"`{source}` has an edge to itself"
            raise CompositionError(Diagnostic("M002", message, span, help=("a causal model has no loops",)))
        if two_headed and (sink, source, True) in self.edges:
            return
        if len(self.edges) >= MAX_EDGES:
            raise too_large(f"this graph has more than {MAX_EDGES:,} edges", span)
        self.edges.setdefault((source, sink, two_headed), Edge(source, sink, two_headed, span))

    def graph(self, name: str) -> GraphText:
        """What has been collected."""
        return GraphText(name, tuple(self.vertices.values()), tuple(self.edges.values()), tuple(self.warnings))


def too_large(message: str, span: Span | None) -> LimitError:
    """L003."""
    return LimitError(Diagnostic("L003", message, span))


def unreadable(message: str, span: Span | None, label: str = "", *help_: str) -> LanguageError:
    """A001."""
    return LanguageError(Diagnostic("A001", message, span, label, help=help_))


def another_kind(message: str, span: Span | None, label: str = "", *help_: str) -> LanguageError:
    """A002."""
    return LanguageError(Diagnostic("A002", message, span, label, help=help_))


@dataclass(frozen=True, slots=True)
class Word:
    """A name, a text in quotes, text of HTML, an edge or a sign, at `start` to `end`; `text` without its quotes."""

    kind: Literal["name", "quoted", "html", "edge", "sign", "end"]
    text: str
    start: int
    end: int


Patterns = Sequence[tuple[Literal["blank", "name", "quoted", "html", "edge", "sign"], str]]


def words(source: Source, patterns: Patterns) -> Iterator[Word]:
    """The words of a text, blanks left out; the first pattern that fits says what stands there.

    Raises:
        LanguageError: A001 for a quote that is never closed, or a character that nothing fits.
    """
    text, at = source.text, 0
    compiled = re.compile("|".join(f"(?P<{kind}_{k}>{p})" for k, (kind, p) in enumerate(patterns)), re.DOTALL | re.M)
    while at < len(text):
        found = compiled.match(text, at)
        if found is None or found.end() == at:
            raise _bad_character(source, at)
        kind = (found.lastgroup or "").rpartition("_")[0]
        end = found.end()
        if kind == "html":
            end = _html_end(source, at)
            yield Word("html", text[at + 1 : end - 1], at, end)
        elif kind == "quoted":
            yield Word("quoted", found[0][1:-1], at, end)
        elif kind in ("name", "edge", "sign"):
            yield Word(kind, found[0], at, end)  # type: ignore[arg-type]
        at = end
    yield Word("end", "", len(text), len(text))


def _bad_character(source: Source, at: int) -> LanguageError:
    span = Span(source, at, at + 1)
    if source.text[at] == '"':
        return unreadable("this quote is never closed", span, "opened here")
    if source.text.startswith("/*", at):
        return unreadable("this comment is never closed", Span(source, at, at + 2), "opened here")
    return unreadable(f"unexpected character `{source.text[at]}`", span, "", "names with such characters need quotes")


def _html_end(source: Source, start: int) -> int:
    """Where a text of HTML that starts with `<` ends: its brackets nest."""
    depth = 0
    for found in re.compile("[<>]").finditer(source.text, start):
        depth += 1 if found[0] == "<" else -1
        if not depth:
            return found.end()
    raise unreadable("this `<` is never closed", Span(source, start, start + 1), "opened here")


class Reader:
    """Walks along the words of a text."""

    def __init__(self, source: Source, patterns: Patterns) -> None:
        self.source = source
        self.words = list(itertools.islice(words(source, patterns), MAX_WORDS + 1))
        if len(self.words) > MAX_WORDS:
            raise too_large(f"this text has more than {MAX_WORDS:,} words", self.span(self.words[-1]))
        self.at = 0

    @property
    def word(self) -> Word:
        """The word that comes next."""
        return self.words[self.at]

    def span(self, first: Word, last: Word | None = None) -> Span:
        """The characters of a word, or from one to another."""
        return Span(self.source, first.start, (last or first).end)

    def take(self) -> Word:
        """The next word, which is behind us then."""
        word = self.words[self.at]
        self.at += 1
        return word

    def is_sign(self, *signs: str) -> bool:
        """Whether one of these signs comes next."""
        return self.word.kind == "sign" and self.word.text in signs

    def skip(self, *signs: str) -> bool:
        """Pass over one of these signs, if it comes next."""
        found = self.is_sign(*signs)
        self.at += found
        return found

    def expect(self, sign: str, opened: Word | None = None) -> Word:
        """Pass over a sign that has to come next.

        Raises:
            LanguageError: A001 if it does not.
        """
        if not self.is_sign(sign):
            if self.word.kind == "end" and opened is not None:
                raise unreadable(f"this `{opened.text}` is never closed", self.span(opened), "opened here")
            self.fail(f"`{sign}`")
        return self.take()

    def fail(self, wanted: str, known: Sequence[str] = ()) -> NoReturn:
        """A001 at the next word."""
        word = self.word
        if word.kind == "end":
            end = len(self.source.text.rstrip())
            raise unreadable("the text ends here", Span(self.source, max(0, end - 1), end), f"expected {wanted}")
        message = f"unexpected `{self.span(word).text}`"
        raise unreadable(message, self.span(word), f"expected {wanted}", *did_you_mean(word.text, known))


def has(attributes: Mapping[str, str], *names: str) -> bool:
    """Whether an attribute is there and says yes."""
    return any(attributes.get(n, "no").lower() in ("yes", "true", "1", "") for n in names)


def is_hidden(attributes: Mapping[str, str]) -> bool:
    """Whether the attributes of a vertex say that it is hidden, in the ways of several programs."""
    seen = attributes.get("observed", attributes.get("observable", "yes")).lower()
    return seen in ("no", "false", "0") or has(attributes, "latent", "unobserved", "hidden")
