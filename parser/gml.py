"""Directed graphs in the Graph Modelling Language, as DoWhy and networkx write them.

>>> graph = parse_gml('graph [ directed 1 node [ id 0 label "X" ] node [ id 1 label "Y" ] edge [ source 0 target 1 ] ]')
>>> [(e.source, e.sink) for e in graph.edges]
[('X', 'Y')]
"""

from __future__ import annotations

import html
from collections.abc import Mapping

from parser.graphs import (
    MAX_DEPTH,
    Collected,
    GraphText,
    Patterns,
    Reader,
    Vertex,
    Word,
    another_kind,
    is_hidden,
    too_large,
    unreadable,
    with_names_for_numbers,
)
from strings.diagnostic import Source, Span

_PATTERNS: Patterns = (
    ("blank", r"\s+|^\s*#[^\n]*"),
    ("quoted", r'"[^"]*"'),
    ("name", r"[^\W\d]\w*|[+-]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][+-]?\d+)?"),
    ("sign", r"[\[\]]"),
)  # fmt: skip


def parse_gml(text: str, name: str = "", source_name: str = "<gml>") -> GraphText:
    """The graph written in `text`. Vertices that are merely numbered are called by their labels.

    Raises:
        LanguageError: A001 if the text is not GML, A002 if the graph is not directed. LimitError: L003.
    """
    return with_names_for_numbers(_Gml(Source(source_name, text)).read(name))


class _Gml:
    def __init__(self, source: Source) -> None:
        self.reader = Reader(source, _PATTERNS)
        self.found = Collected()
        self.directed = False

    def read(self, name: str) -> GraphText:
        r = self.reader
        graph: Word | None = None
        while r.word.kind != "end":
            key = self._key()
            if key.text.lower() == "graph":
                if graph is not None:
                    raise unreadable("a second graph", r.span(key), "one graph a file")
                graph = key
                self._graph()
            else:
                self._value()
        if graph is None:
            r.fail("`graph [`", ("graph",))
        if not self.directed:
            message = "an undirected graph says nothing of causes"
            raise another_kind(message, r.span(graph), "it does not say `directed 1`", "write `directed 1` in it")
        return self.found.graph(name or "model")

    def _key(self) -> Word:
        r = self.reader
        if r.word.kind != "name":
            r.fail("a key")
        return r.take()

    def _graph(self) -> None:
        r = self.reader
        opened = r.expect("[")
        edges: list[tuple[str, str, bool, Span]] = []
        while not r.is_sign("]"):
            if r.word.kind == "end":
                r.expect("]", opened)
            key = self._key()
            match key.text.lower():
                case "node":
                    self._node(key, self._record())
                case "edge":
                    record = self._record()
                    for end in ("source", "target"):
                        if not record.get(end):
                            raise unreadable(f"an edge without `{end}`", r.span(key))
                    two = record.get("dir") == "both" or record.get("type") == "bidirected"
                    edges.append((record["source"], record["target"], two, r.span(key, r.words[r.at - 1])))
                case "directed":
                    self.directed = self._value() == "1"
                case _:
                    self._value()
        r.take()
        for source, sink, two, span in edges:
            for end in (source, sink):
                if end not in self.found.vertices:
                    raise unreadable(f"no vertex has the id `{end}`", span)
            self.found.edge(source, sink, two, span)

    def _node(self, key: Word, record: Mapping[str, str]) -> None:
        name = record.get("id", record.get("label", ""))
        if not name:
            raise unreadable("a vertex without `id`", self.reader.span(key))
        self.found.vertex(name, self.reader.span(key))
        label = record.get("label", "")
        self.found.vertices[name] = Vertex(name, label if label != name else "", is_hidden(record))

    def _record(self) -> dict[str, str]:
        """The pairs of a list whose values are plain."""
        r = self.reader
        opened, found = r.expect("["), dict[str, str]()
        while not r.is_sign("]"):
            if r.word.kind == "end":
                r.expect("]", opened)
            key = self._key()
            value = self._value()
            found.setdefault(key.text.lower(), value)
        r.take()
        return found

    def _value(self, depth: int = 0) -> str:
        """A number or a text; a list is passed over."""
        r = self.reader
        if r.word.kind in ("name", "quoted"):
            return html.unescape(r.take().text)
        if depth > MAX_DEPTH:
            raise too_large(f"lists nest deeper than {MAX_DEPTH}", r.span(r.word))
        opened = r.expect("[")
        while not r.is_sign("]"):
            if r.word.kind == "end":
                r.expect("]", opened)
            self._key()
            self._value(depth + 1)
        r.take()
        return ""
