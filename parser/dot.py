"""Directed graphs in Graphviz's DOT language, as graphviz, causal-learn, DoWhy, pgmpy and people write them.

Read is the grammar of https://graphviz.org/doc/info/lang.html in full: quoted, joined and HTML-like texts, comments,
ports, subgraphs, chains of edges and defaults. Of the attributes, those count that say what a causal graph is: `label`;
`observed="no"`, `latent`, or a dashed outline for a hidden variable; `dir` and the forms of arrow heads. All others are
for the eye.

>>> graph = parse_dot('digraph { U [observed="no"]; U -> {X Y}; X -> Y [label=effect] }')
>>> [v.name for v in graph.vertices if v.latent], [(e.source, e.sink) for e in graph.edges]
(['U'], [('U', 'X'), ('U', 'Y'), ('X', 'Y')])
"""

from __future__ import annotations

import re
from dataclasses import replace

from parser.graphs import (
    MAX_DEPTH,
    Collected,
    GraphText,
    Patterns,
    Reader,
    Word,
    another_kind,
    is_hidden,
    too_large,
    unreadable,
    with_names_for_numbers,
)
from strings.diagnostic import Diagnostic, Source, Span

_PATTERNS: Patterns = (
    ("blank", r"\s+|//[^\n]*|/\*.*?\*/|^#[^\n]*"),
    ("quoted", r'"(?:[^"\\]++|\\.)*+"'),
    ("edge", r"->|--"),
    ("name", r"[^\W\d]\w*|-?(?:\.\d+|\d+(?:\.\d*)?)"),
    ("html", r"<"),
    ("sign", r"[{}\[\];,=:+]"),
)  # fmt: skip
_KEYWORDS = ("strict", "graph", "digraph", "node", "edge", "subgraph")
_STATEMENT = "a vertex, an edge, a subgraph or `}`"

Attributes = dict[str, str]


def parse_dot(text: str, name: str = "", source_name: str = "<dot>") -> GraphText:
    """The graph written in `text`; `name` is its name, by default the one in the text.

    Vertices that are merely numbered are called by their labels.

    Raises:
        LanguageError: A001 if the text is not DOT, A002 if it has edges that are not directed.
        LimitError: L003 if it is too large.
    """
    return with_names_for_numbers(_Dot(Source(source_name, text)).read(name))


class _Dot:
    """One pass over the words. Defaults (`node […]`, `edge […]`) hold in their subgraph, from where they stand on."""

    def __init__(self, source: Source) -> None:
        self.reader = Reader(source, _PATTERNS)
        self.found = Collected()
        self.attributes: dict[str, Attributes] = {}
        self.edges: list[tuple[str, str, Attributes, Span]] = []

    def read(self, name: str) -> GraphText:
        r = self.reader
        if self._keyword() == "strict":
            r.take()
        if self._keyword() == "graph":
            message, help_ = "an undirected graph says nothing of causes", "write `digraph` and `->`"
            raise another_kind(message, r.span(r.word), "its edges have no direction", help_)
        if self._keyword() != "digraph":
            r.fail("`digraph`", ("digraph",))
        r.take()
        own = self._text() if r.word.kind in ("name", "quoted", "html") else ""
        self._body({}, {}, 0)
        if r.word.kind != "end":
            r.fail("nothing more: one graph a file")
        self._settle()
        return self.found.graph(name or own or "model")

    def _keyword(self) -> str:
        """The keyword that comes next, if one does; case does not matter."""
        word = self.reader.word
        lower = word.text.lower()
        return lower if word.kind == "name" and lower in _KEYWORDS else ""

    def _body(self, node: Attributes, edge: Attributes, depth: int) -> list[str]:
        """The statements in curly brackets; the vertices that stand in them."""
        r = self.reader
        if depth > MAX_DEPTH:
            raise too_large(f"subgraphs nest deeper than {MAX_DEPTH}", r.span(r.word))
        node, edge = dict(node), dict(edge)
        opened, inside = r.expect("{"), dict[str, None]()
        while not r.is_sign("}"):
            if r.word.kind == "end":
                r.expect("}", opened)
            if r.skip(";", ","):
                continue
            keyword = self._keyword()
            if keyword in ("graph", "node", "edge"):
                r.take()
                given = self._attributes()
                {"graph": {}, "node": node, "edge": edge}[keyword].update(given)
            elif r.word.kind == "name" and not keyword and self._is_setting():
                self._setting()
            else:
                inside |= dict.fromkeys(self._chain(node, edge, depth))
        r.take()
        return list(inside)

    def _is_setting(self) -> bool:
        following = self.reader.words[self.reader.at + 1]
        return following.kind == "sign" and following.text == "="

    def _setting(self) -> tuple[str, str]:
        name = self._text()
        self.reader.expect("=")
        return name.lower(), self._text()

    def _chain(self, node: Attributes, edge: Attributes, depth: int) -> list[str]:
        """A vertex or a subgraph, or several with edges between them."""
        r = self.reader
        first = r.word
        groups = [self._group(node, edge, depth)]
        spans: list[Span] = []
        while r.word.kind == "edge":
            if r.word.text == "--":
                message, help_ = "`--` says nothing of causes", "write `->`, or `-> … [dir=both]` for a hidden cause"
                raise another_kind(message, r.span(r.word), "this edge has no direction", help_)
            start = first
            r.take()
            first = r.word
            groups.append(self._group(node, edge, depth))
            spans.append(r.span(start, r.words[r.at - 1]))
        given = self._attributes() if r.is_sign("[") else {}
        if not spans:
            if len(groups[0]) == 1:  # of a subgraph nothing is said
                self.attributes[groups[0][0]].update(given)
            return groups[0]
        for sources, sinks, span in zip(groups, groups[1:], spans, strict=False):
            if len(self.edges) + len(sources) * len(sinks) > 1_000_000:
                raise too_large("this graph has more than 1,000,000 edges", span)
            self.edges += [(a, b, {**edge, **given}, span) for a in sources for b in sinks]
        return [n for group in groups for n in group]

    def _group(self, node: Attributes, edge: Attributes, depth: int) -> list[str]:
        """The vertices at one end of an edge: one, or those of a subgraph."""
        r = self.reader
        if self._keyword() == "subgraph":
            r.take()
            if r.word.kind in ("name", "quoted", "html"):
                self._text()
            if not r.is_sign("{"):
                return []
        if r.is_sign("{"):
            return self._body(node, edge, depth + 1)
        if r.word.kind not in ("name", "quoted", "html") or self._keyword():
            r.fail(_STATEMENT)
        word = r.word
        name = self._text()
        for _ in range(2):  # a port and a compass point
            if r.skip(":"):
                self._text()
        if not name:
            raise unreadable("a vertex without a name", r.span(word))
        if name not in self.attributes:
            self.found.vertex(name, r.span(word))
            self.attributes[name] = dict(node)
        return [name]

    def _attributes(self) -> Attributes:
        """What stands in one or more pairs of square brackets."""
        r, given = self.reader, Attributes()
        if not r.is_sign("["):
            r.fail("`[`")
        while r.is_sign("["):
            opened = r.take()
            while not r.is_sign("]"):
                if r.word.kind == "end":
                    r.expect("]", opened)
                if r.word.kind not in ("name", "quoted", "html"):
                    r.fail("an attribute or `]`")
                name = self._text().lower()
                given[name] = self._text() if r.skip("=") else "true"
                r.skip(",", ";")
            r.take()
        return given

    def _text(self) -> str:
        """A name, a number, or texts in quotes joined by `+`."""
        r = self.reader
        if r.word.kind not in ("name", "quoted", "html"):
            r.fail("a name")
        word = r.take()
        text = _plain(word)
        while word.kind == "quoted" and r.is_sign("+"):
            r.take()
            if r.word.kind != "quoted":
                r.fail("a text in quotes")
            text += _plain(r.take())
        return text

    def _settle(self) -> None:
        """What the attributes say of vertices and edges, when all are known."""
        for name, given in self.attributes.items():
            outline = {"dashed", "dotted"} & set(re.split(r"[,\s]+", given.get("style", "")))
            label = _label(given.get("label", ""), name)
            vertex = replace(
                self.found.vertices[name],
                label=label if label != name else "",
                latent=is_hidden(given) or bool(outline),
            )
            self.found.vertices[name] = vertex
        guessed: dict[Span, None] = {}
        for source, sink, given, span in self.edges:
            tail, head = _ends(given)
            if "circle" in (tail, head):
                message = f"the edge between `{source}` and `{sink}` has an end that is a circle"
                raise another_kind(message, span, "it stands for several graphs", "choose one: `->`, or `dir=both`")
            if tail == head == "none":
                message = f"the edge between `{source}` and `{sink}` has no direction"
                raise another_kind(message, span, "", "choose one, or `dir=both` for a hidden common cause")
            dashed = "dashed" in given.get("style", "") and "dir" not in given and "arrowtail" not in given
            if dashed and not self.found.vertices[source].latent:
                guessed[span] = None
                tail = "arrow"
            if head == "none":
                source, sink = sink, source
            self.found.edge(source, sink, tail == head == "arrow", span)
        for span in guessed:
            self.found.warnings.append(
                Diagnostic(
                    "A003",
                    "a dashed edge is taken for a hidden common cause",
                    span,
                    help=("say so with `dir=both`; or what it is, with `dir=forward`",),
                    severity="warning",
                )
            )


def _plain(word: Word) -> str:
    if word.kind == "quoted":
        return word.text.replace("\\\n", "").replace('\\"', '"')
    return word.text


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def _label(text: str, name: str) -> str:
    """The words of a label: line breaks are blanks, marks of HTML are left out."""
    written = _ESCAPE.sub(lambda m: {"N": name, "n": " ", "l": " ", "r": " "}.get(m[1], m[1]), text)
    return " ".join(re.sub(r"<[^<>]*>", " ", written).split()) if "<" in text else " ".join(written.split())


def _ends(given: Attributes) -> tuple[str, str]:
    """How an edge ends at its source and its sink: `arrow`, `circle` or `none`."""
    direction = given.get("dir", "forward").lower()
    tail = given.get("arrowtail", "normal") if direction in ("both", "back") else "none"
    head = given.get("arrowhead", "normal") if direction in ("both", "forward") else "none"
    return _end(tail), _end(head)


def _end(form: str) -> str:
    form = form.lower()
    if form in ("none", "tee", ""):
        return "none"
    return "circle" if "dot" in form or form in ("o", "circle") else "arrow"
