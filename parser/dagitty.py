"""Graphs in dagitty's language, as dagitty.net and the R package dagitty write them.

Read are `dag { … }` with edges `->`, `<-`, `<->`, chains, groups `{ … }`, attributes and names in quotes; and the older
form of two lists, variables with their marks and who points to whom (Textor, van der Zander, Gilthorpe, Liskiewicz,
Ellison 2016). Other kinds of graph (`pdag`, `mag`, `pag`) stand for many models and are refused.

>>> graph = parse_dagitty("dag { X [exposure]  Y [outcome]  U [latent]  X -> Y <- U -> X  X <-> Z }")
>>> graph.having("exposure"), [v.name for v in graph.vertices if v.latent]
(('X',), ['U'])
>>> [f"{e.source} {'<->' if e.two_headed else '->'} {e.sink}" for e in graph.edges]
['X -> Y', 'U -> Y', 'U -> X', 'X <-> Z']
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote

from parser.graphs import (
    MAX_DEPTH,
    ROLES,
    Collected,
    GraphText,
    Patterns,
    Reader,
    Role,
    Vertex,
    Word,
    another_kind,
    has,
    is_hidden,
    too_large,
    unreadable,
)
from strings.diagnostic import Diagnostic, LanguageError, Source, Span

_PATTERNS: Patterns = (
    ("blank", r"\s+|//[^\n]*|/\*.*?\*/|#[^\n]*"),
    ("quoted", r'"(?:[^"\\]++|\\.)*+"'),
    ("edge", r"<->|->|<-|--|[<@]-[>@]|@-{1,2}|-{1,2}@|@->|<-@"),
    ("name", r"-?[\w.%]+"),
    ("sign", r"[{}\[\];,=]"),
)  # fmt: skip
_KINDS = ("dag", "digraph", "graph", "pdag", "mag", "pag", "admg")
_MEANS = {
    "pdag": "a partially directed graph stands for several models",
    "mag": "a maximal ancestral graph stands for several models",
    "pag": "a partial ancestral graph stands for several models",
    "graph": "an undirected graph says nothing of causes",
}
_FLAGS: dict[str, str] = {
    "e": "exposure", "source": "exposure", "o": "outcome", "target": "outcome", "a": "adjusted", "s": "selected",
    "u": "latent", "l": "latent", "unobserved": "latent",
}  # fmt: skip
_START = re.compile(r"\s*(?:(?>//[^\n]*|/\*.*?\*/|#[^\n]*)\s*+)*+(?:(\w+)\b|\{)", re.DOTALL)


def parse_dagitty(text: str, name: str = "", source_name: str = "<dagitty>") -> GraphText:
    """The graph written in `text`; `name` is its name, by default the one in the text.

    Raises:
        LanguageError: A001 if the text is none of dagitty's, A002 for another kind of graph than a DAG.
        LimitError: L003 if it is too large.
    """
    source = Source(source_name, text)
    found = _List(source).read(name) if _is_list(text) else _Dagitty(source).read(name)
    used = {role: found.having(role) for role in ("adjusted", "selected")}
    told = [_left_out(role, names) for role, names in used.items() if names]  # type: ignore[arg-type]
    return replace(found, warnings=(*found.warnings, *told))


def _left_out(role: Role, names: tuple[str, ...]) -> Diagnostic:
    what = {
        "adjusted": "say what a question sees: `P(Y | do(X), Z)`",
        "selected": "say in each question that its value is seen: `P(Y | do(X), S = yes)`",
    }
    message = f"that {', '.join(f'`{n}`' for n in names[:8])} {'is' if len(names) == 1 else 'are'} {role} is left out"
    return Diagnostic("A003", message, help=(what[role],), severity="warning")


def _is_list(text: str) -> bool:
    """Whether this is the older form: nothing like `dag {` stands at the start."""
    start = _START.match(text)
    if start is None or start[1] is None:
        return False
    line = text[start.end() :].partition("\n")[0]
    return start[1].lower() not in _KINDS and "{" not in line


class _Dagitty:
    """One pass over the words of `dag { … }`."""

    def __init__(self, source: Source) -> None:
        self.reader = Reader(source, _PATTERNS)
        self.found = Collected()

    def read(self, name: str) -> GraphText:
        r = self.reader
        own = ""
        if r.word.kind == "name":
            kind = r.word.text.lower()
            if kind not in _KINDS:
                r.fail("`dag {`", _KINDS)
            if kind in _MEANS:
                raise another_kind(_MEANS[kind], r.span(r.word), "not a DAG", "choose one of its models, a `dag`")
            r.take()
            own = r.take().text if r.word.kind in ("name", "quoted") else ""
        self._body(0)
        if r.word.kind != "end":
            r.fail("nothing more: one graph a file")
        return self.found.graph(name or own or "model")

    def _body(self, depth: int) -> list[str]:
        r = self.reader
        if depth > MAX_DEPTH:
            raise too_large(f"groups nest deeper than {MAX_DEPTH}", r.span(r.word))
        opened, inside = r.expect("{"), dict[str, None]()
        while not r.is_sign("}"):
            if r.word.kind == "end":
                r.expect("}", opened)
            if not r.skip(";", ","):
                inside |= dict.fromkeys(self._statement(depth))
        r.take()
        return list(inside)

    def _statement(self, depth: int) -> list[str]:
        """A setting of the graph, a vertex, or a chain of edges."""
        r = self.reader
        following = r.words[min(r.at + 1, len(r.words) - 1)]
        if r.word.kind == "name" and following.kind == "sign" and following.text == "=":
            self._setting()
            return []
        first = r.word
        groups = [self._group(depth)]
        named = groups[0][0] if first.kind in ("name", "quoted") else ""
        if r.word.kind != "edge":
            given = self._attributes()
            if named:
                self.found.vertices[named] = _marked(self.found.vertices[named], given)
        while r.word.kind == "edge":
            edge = r.take()
            start, first = first, r.word
            groups.append(self._group(depth))
            self._attributes()
            self._edges(groups[-2], edge, groups[-1], r.span(start, r.words[r.at - 1]))
        return [n for group in groups for n in group]

    def _group(self, depth: int) -> list[str]:
        r = self.reader
        if r.is_sign("{"):
            return self._body(depth + 1)
        if r.word.kind not in ("name", "quoted") or (r.word.kind == "name" and r.word.text[0] == "-"):
            r.fail("a variable, an edge or `}`")
        word = r.take()
        name = _name(word)
        if not name:
            raise unreadable("a variable without a name", r.span(word))
        self.found.vertex(name, r.span(word))
        return [name]

    def _edges(self, left: list[str], edge: Word, right: list[str], span: Span) -> None:
        if edge.text not in ("->", "<-", "<->"):
            message = f"`{edge.text}` stands for several graphs"
            help_ = "choose one: `->`, `<-`, or `<->` for a hidden common cause"
            raise another_kind(message, self.reader.span(edge), "this edge says too little", help_)
        if edge.text == "<-":
            left, right = right, left
        for b in right:
            for a in left:
                self.found.edge(a, b, edge.text == "<->", span)

    def _setting(self) -> None:
        self.reader.take()
        self.reader.expect("=")
        self._value()

    def _attributes(self) -> dict[str, str]:
        r, given = self.reader, dict[str, str]()
        while r.is_sign("["):
            opened = r.take()
            while not r.is_sign("]"):
                if r.word.kind == "end":
                    r.expect("]", opened)
                if r.word.kind not in ("name", "quoted"):
                    r.fail("an attribute or `]`")
                name = r.take().text.lower()
                given[_FLAGS.get(name, name)] = self._value() if r.skip("=") else "true"
                r.skip(",", ";")
            r.take()
        return given

    def _value(self) -> str:
        if self.reader.word.kind not in ("name", "quoted"):
            self.reader.fail("a value")
        return _name(self.reader.take())


def _name(word: Word) -> str:
    return word.text.replace('\\"', '"') if word.kind == "quoted" else unquote(word.text)


def _marked(vertex: Vertex, given: dict[str, str]) -> Vertex:
    roles = frozenset(role for role in ROLES if has(given, role))
    label = given.get("label", "")
    return replace(
        vertex,
        label=label if label != vertex.name else vertex.label,
        latent=vertex.latent or is_hidden(given),
        roles=vertex.roles | roles,
    )


class _List:
    """The older form: a line for each variable with its mark, an empty line, and a line for each that points to others.

    Marks are `E` (exposure), `O` (outcome), `A` (adjusted), `U` (unobserved), `S` (selected) and `1` (nothing special);
    positions behind `@` are left out.
    """

    _MARKS = {"E": "exposure", "O": "outcome", "A": "adjusted", "U": "latent", "S": "selected", "1": ""}  # noqa: RUF012

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found = Collected()

    def read(self, name: str) -> GraphText:
        offset, second = 0, False
        for line in self.source.text.splitlines(keepends=True):
            pieces = [(m[0], offset + m.start()) for m in re.finditer(r"\S+", line) if m[0][0] != "@"]
            offset += len(line)
            if not pieces:
                second = bool(self.found.vertices)
            elif second:
                self._points(pieces)
            else:
                self._variable(pieces)
        return self.found.graph(name or "model")

    def _variable(self, pieces: list[tuple[str, int]]) -> None:
        (name, at), *marks = pieces
        if len(marks) > 1 or (marks and marks[0][0].upper() not in self._MARKS):
            word, place = marks[-1] if marks[0][0].upper() in self._MARKS else marks[0]
            raise self._wrong(f"unexpected `{word}`", word, place, "expected a mark: E, O, A, U, S or 1")
        vertex = self.found.vertex(unquote(name), Span(self.source, at, at + len(name)))
        meant = self._MARKS[marks[0][0].upper()] if marks else ""
        self.found.vertices[vertex.name] = _marked(vertex, {meant: "true"} if meant else {})

    def _points(self, pieces: list[tuple[str, int]]) -> None:
        (name, at), *others = pieces
        for word, place in pieces:
            if unquote(word) not in self.found.vertices:
                raise self._wrong(f"`{word}` is not among the variables above", word, place, "")
        for other, place in others:
            self.found.edge(unquote(name), unquote(other), False, Span(self.source, at, place + len(other)))

    def _wrong(self, message: str, word: str, at: int, label: str) -> LanguageError:
        help_ = "dagitty's language is `dag { X -> Y }`"
        return unreadable(message, Span(self.source, at, at + len(word)), label, help_)
