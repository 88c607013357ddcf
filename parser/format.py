"""The formatter: one layout for every model file.

It prints the tokens of the text again, with the comments where they were; only `=` inside `do(…)` becomes `:=`. One
statement starts one line; tables of several rows, blocks and long lines are broken in one way. Formatting a formatted
text changes nothing, and the syntax tree stays what it was.

>>> print(format_text("var S:{no,yes} box s:->S=[1/2,_] # a coin"), end="")
var S : {no, yes}
box s : -> S = [1/2, _]  # a coin
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from parser.read import parse, read
from parser.spacing import Comment, Word, line_starts, words
from parser.tokens import plain
from strings.diagnostic import Source

WIDTH = 100
"""Lines are broken at this column where they can be; comments are never broken."""

_INDENT = 2
_WIDEST_PATTERN = 60


def format_text(text: str, name: str = "<text>") -> str:
    """The text in the standard layout.

    Raises:
        LanguageError: if the text does not parse.
    """
    read(text, name)
    source = Source(name, plain(text))
    lines = list(_lines(words(source), line_starts(parse(source))))
    page = _Page()
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        if line.joined:
            continue
        rows = _only_row(line, after)
        page.put(line if rows is None else rows)
    return page.text()


# ---- logical lines ---------------------------------------------------------------------------------------------------


@dataclass
class _Line:
    """Words that stand on one line if they fit. `kind` is item, doc, row, line or end."""

    kind: str
    indent: int
    words: list[Word]
    rows: int = 0
    """Of a line with rows below it: how many."""
    pad: int = 0
    """Of a row: the column of the arrow, counted from the bar; 0 if arrows are not aligned."""
    joined: bool = False
    """Already printed with the line above."""


def _lines(found: Sequence[Word], starts: dict[int, str]) -> Iterator[_Line]:
    """The logical lines of a text."""
    lines: list[_Line] = []
    blocks = 0
    for word in found:
        kind = starts.get(word.start, "line" if word.kind == "_RETURN" else "")
        if word.kind == "DOC":
            kind = "doc"
        elif word.kind == "$END":
            kind = "end"
        elif kind == "" and lines[-1].kind == "doc":
            kind = "item"
        if kind == "end" and word.kind == "RBRACE":
            blocks -= 1
        if kind:
            lines.append(_Line(kind, _INDENT * (blocks + (kind == "row")), []))
        lines[-1].words.append(word)
        if word.kind == "LBRACE" and _opens_block(lines[-1]):
            blocks += 1
    _align(lines)
    return iter(lines)


def _opens_block(line: _Line) -> bool:
    first = line.words[0].kind
    if line.kind != "item" or first not in ("_MODEL", "_INTERPRET", "_DIAGRAM"):
        return False
    return all(w.kind != "LBRACE" for w in line.words[:-1])


def _align(lines: Sequence[_Line]) -> None:
    """Count the rows below each line and settle the column of their arrows."""
    at = 0
    while at < len(lines):
        last = at + 1
        while last < len(lines) and lines[last].kind == "row":
            last += 1
        rows = lines[at + 1 : last]
        lines[at].rows = len(rows)
        widths = [len(_flat(_pattern(row))) for row in rows]
        for row in rows:
            row.pad = max(widths) if len(rows) > 1 and max(widths) <= _WIDEST_PATTERN else 0
        at = last


def _pattern(row: _Line) -> list[Word]:
    """The words of a row before its arrow."""
    return row.words[: next(i for i, w in enumerate(row.words) if w.kind == "_ARROW")]


def _only_row(line: _Line, after: _Line | None) -> _Line | None:
    """The line joined with the only row below it, if both fit on one line and no comment stands in the way."""
    if line.rows != 1 or after is None:
        return None
    whole = [*line.words, *after.words]
    if any(w.comments for w in whole[1:]) or line.indent + len(_flat(whole)) > WIDTH:
        return None
    after.joined = True
    return _Line(line.kind, line.indent, whole)


def _flat(found: Sequence[Word]) -> str:
    """The words on one line."""
    return "".join((" " if w.space and i else "") + w.text for i, w in enumerate(found))


# ---- the page --------------------------------------------------------------------------------------------------------


@dataclass
class _Page:
    """The lines printed so far."""

    lines: list[str] = field(default_factory=list)
    opened: bool = True
    """Nothing stands above in this block: no blank line goes here."""
    after_doc: bool = False

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    def put(self, line: _Line) -> None:
        """Print a logical line with the comments before and in it."""
        first = line.words[0]
        closing = line.kind == "end"
        inner = line.indent + (_INDENT if closing and first.kind == "RBRACE" else 0)
        for comment in first.comments:
            self.comment(comment, inner, line.kind != "row")
        if first.kind == "$END":
            return
        if first.kind == "RBRACE" and self.opened and not first.comments and self.lines[-1].endswith("{"):
            self.lines[-1] += "}"
        else:
            self.blank(first.blank and line.kind != "row" and not closing)
            self.code(line)
        self.opened = line.words[-1].kind == "LBRACE"
        self.after_doc = line.kind == "doc"

    def comment(self, comment: Comment, indent: int, keep_blank: bool) -> None:
        if not comment.own_line and self.lines:
            self.lines[-1] += f"  {comment.text}"
            return
        self.blank(comment.blank and keep_blank)
        self.lines.append(" " * indent + comment.text)
        self.opened = False

    def blank(self, wanted: bool) -> None:
        if wanted and self.lines and not self.opened and not self.after_doc:
            self.lines.append("")

    def code(self, line: _Line) -> None:
        """Print the words; a comment among them ends its line."""
        indent, further = line.indent, line.indent + _INDENT * (2 if line.kind == "row" else 1)
        run = [line.words[0]]
        for word in line.words[1:]:
            if word.comments:
                self.fill(run, indent, further, line.pad)
                run, indent = [], further
                for comment in word.comments:
                    self.comment(comment, further, False)
            run.append(word)
        self.fill(run, indent, further, line.pad if indent == line.indent else 0)

    def fill(self, run: Sequence[Word], indent: int, further: int, pad: int) -> None:
        """Print words that no comment parts, broken where they are too wide."""
        while run:
            text = " " * indent + _padded(run, pad)
            cut = len(run) if len(text) <= WIDTH else _best_break(run, WIDTH - indent, WIDTH - further, pad)
            self.lines.append((" " * indent + _padded(run[:cut], pad)).rstrip())
            run, indent, pad = run[cut:], further, 0


def _padded(run: Sequence[Word], pad: int) -> str:
    """The words on one line; the arrow of a row at its column."""
    arrow = next((i for i, w in enumerate(run) if w.kind == "_ARROW"), 0)
    if not pad or not arrow:
        return _flat(run)
    return f"{_flat(run[:arrow]):<{pad}} {_flat(run[arrow:])}"


def _best_break(run: Sequence[Word], room: int, below: int, pad: int) -> int:
    """How many words to put on a line, so that the line has `room` columns and those after it `below`.

    Best is where a part of the statement starts, such as what it is about, if that fits on the next line; else the last
    of the outermost breaks that fit; else the first break there is.
    """
    breaks = [i for i in range(1, len(run)) if run[i].breaks]
    fitting = [i for i in breaks if len(_padded(run[:i], pad)) <= room]
    if not fitting:
        return breaks[0] if breaks else len(run)
    opens = [*(i for i in breaks if run[i].opens), len(run)]
    good = [i for i, end in pairwise(opens) if i in fitting and len(_flat(run[i:end])) <= below]
    if good:
        return good[-1]
    shallow = min(run[i].depth for i in fitting)
    return max(i for i in fitting if run[i].depth == shallow)
