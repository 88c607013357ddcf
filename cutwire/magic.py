"""`%%causal` in notebooks and in IPython: a cell is a model file, a line asks it. `%load_ext cutwire` brings it.

`%%causal NAME` reads the cell, binds the program to NAME (or `causal`), does what the cell asks and shows each answer.
`%%causal more NAME` goes on with a text: the cell stands behind what NAME has so far, or in its own place if it is run
once more. `%causal QUESTION` asks the last
program; it takes questions, comparisons and whole statements.
"""

from __future__ import annotations

import itertools
import keyword
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import no_var_expand

from cutwire.notebook import item_html
from cutwire.program import Item, Program, parse
from cutwire.show import item_text
from parser.tokens import STATEMENTS
from strings.diagnostic import CutwireError, Diagnostic, Source, Span

_NAME = "causal"
_CLAIMS = re.compile(r"_\|\|_|==|!=|<=|>=|<|>")


def load(shell: Any) -> None:
    """Register the magic with an IPython shell."""
    session = Session(shell)

    @no_var_expand  # braces are values here, and not Python
    def causal(line: str, cell: str | None = None) -> object:
        if cell is None:
            return session.ask(line)
        session.run(line, cell)
        return None

    causal.__doc__ = __doc__
    shell.register_magic_function(causal, "line_cell", _NAME)


@dataclass(frozen=True)
class Cell:
    """The text of a cell, under the name that diagnostics call it by; `key` tells that a cell is run once more."""

    key: str
    source: Source


@dataclass(frozen=True)
class Typed:
    """A program with the cells that it was typed in."""

    name: str
    cells: tuple[Cell, ...] = ()
    program: Program | None = None

    @cached_property
    def text(self) -> str:
        """The text of all cells."""
        return "".join(c.source.text for c in self.cells)

    @cached_property
    def starts(self) -> list[int]:
        """Where every cell starts in the text, and where the text ends."""
        return list(itertools.accumulate((len(c.source.text) for c in self.cells), initial=0))

    def with_cells(self, *cells: Cell) -> Typed:
        """The program with further cells behind it; a cell that is there already is replaced.

        Raises:
            CutwireError: with what is wrong, in the lines of the cells.
        """
        kept = {c.key: c for c in self.cells}
        kept |= {c.key: c for c in cells}
        longer = Typed(self.name, tuple(kept.values()))
        try:
            return replace(longer, program=parse(longer.text, self.name, Path.cwd()))
        except CutwireError as e:
            raise longer.placed(e) from None

    def asked(self, key: str) -> Program:
        """The program, asking only what one of its cells asks."""
        assert self.program is not None
        k = next(k for k, c in enumerate(self.cells) if c.key == key)
        here = range(self.starts[k], self.starts[k + 1])
        new = tuple(s for s in self.program.statements if s.span is not None and s.span.end - 1 in here)
        return replace(self.program, elaborated=replace(self.program.elaborated, statements=new))

    def placed(self, error: CutwireError) -> CutwireError:
        """An error, in the lines of the cells."""
        return type(error)(map(self._told, error.diagnostics))

    def warnings(self) -> list[Diagnostic]:
        """What was noticed, in the lines of the cells."""
        return [self._told(w) for w in (self.program.warnings if self.program else ())]

    def _told(self, d: Diagnostic) -> Diagnostic:
        also = tuple(replace(label, span=self._span(label.span)) for label in d.also)
        return replace(d, span=self._span(d.span) if d.span else None, also=also)

    def _span(self, span: Span) -> Span:
        if span.source.text != self.text:
            return span  # of an imported file
        k = max(k for k, start in enumerate(self.starts[: len(self.cells)]) if start <= span.start)
        return Span(self.cells[k].source, span.start - self.starts[k], span.end - self.starts[k])


class Session:
    """The programs of a notebook. The only state is which there are, and which was the last."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._typed: dict[str, Typed] = {}
        self._last = ""
        self._told: set[Diagnostic] = set()

    def run(self, line: str, cell: str) -> None:
        """`%%causal [more] [NAME]`: read the cell, bind the program, do what it asks.

        Raises:
            CutwireError: for the first thing that is wrong. UsageError: for a line that is none.
        """
        words = line.split()
        more = words[:1] == ["more"]
        name = _name(words[more:], self._last if more else _NAME)
        if more and name not in self._typed:
            known = ", ".join(self._typed) or "none so far"
            raise UsageError(f"there is no program {name or _NAME!r} to go on with (there are: {known})")
        base = self._typed[name] if more else Typed(name)
        # The first line of the cell is the magic itself: so lines are counted as the notebook counts them.
        made = Cell(self._key() or cell, Source(self._label(), f"\n{cell}\n"))
        found = base.with_cells(made)
        self._typed[name], self._last = found, name
        self._shell.user_ns[name] = found.program
        program = found.asked(made.key)
        self._tell(found)
        if not program.statements:
            self._show(program._repr_html_(), repr(program))
            return
        for item in self._items(found, program):
            self._show(item_html(item), item_text(item))

    def ask(self, line: str) -> object:
        """`%causal QUESTION`: ask the last program. Without a question, that program.

        Raises:
            CutwireError: for a question that is none. UsageError: if there is no program yet.
        """
        if not self._last:
            raise UsageError("no program yet: start a cell with %%causal, and write a model in it")
        base = self._typed[self._last]
        if not line.strip():
            return base.program
        lead, asked = Cell("lead", Source("", _lead(line))), Cell("asked", Source(self._label(), f"{line}\n"))
        found = base.with_cells(lead, asked)
        items = list(self._items(found, found.asked(asked.key)))
        self._tell(found)
        return items[0] if len(items) == 1 else items or None

    def _items(self, typed: Typed, program: Program) -> Iterator[Item]:
        try:
            yield from program.run()
        except CutwireError as e:
            raise typed.placed(e) from None
        finally:
            self._tell(typed)

    def _tell(self, typed: Typed) -> None:
        for warning in typed.warnings():
            if warning not in self._told:
                self._told.add(warning)
                print(warning, file=sys.stderr)

    def _key(self) -> str:
        """What a notebook knows a cell by, however often it is run and changed; empty where there are no cells."""
        header = getattr(self._shell, "parent_header", None) or {}
        return str(header.get("metadata", {}).get("cellId") or "")

    def _label(self) -> str:
        """What a notebook calls the cell that is run."""
        return f"In [{len(self._shell.user_ns.get('In', ())) - 1}]"

    def _show(self, html: str, text: str) -> None:
        self._shell.display_pub.publish({"text/html": html, "text/plain": text})


def _name(words: Sequence[str], otherwise: str) -> str:
    """The name to bind a program to."""
    if not words:
        return otherwise
    if len(words) > 1 or not words[0].isidentifier() or keyword.iskeyword(words[0]):
        raise UsageError(f"%%causal takes one name of a Python variable, or `more` and a name, not {' '.join(words)!r}")
    return words[0]


def _lead(line: str) -> str:
    """The words that make a statement of what is asked: nothing, if it is one."""
    first = re.match(r"\s*(?:not\s+)?([^\W\d]\w*)", line)
    word = first[1] if first else ""
    if word in STATEMENTS:
        return ""
    outer = _outside_brackets(line)
    return "claim asked:\n" if word == "identifiable" or _CLAIMS.search(outer) else "query\n"


def _outside_brackets(text: str) -> str:
    depth, kept = 0, []
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        if depth <= 0:
            kept.append(c)
    return "".join(kept)
