"""A command of a session as it was typed: a colon, a word that may be shortened, and arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from cutwire.session import Outcome, Session
from strings.diagnostic import Diagnostic, QueryError, Source, Span

Done = tuple[Session, Outcome]


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as it was typed: its word, whether with `!`, its arguments and where these begin in the source."""

    source: Source
    word: str
    force: bool
    rest: str
    at: int

    @property
    def span(self) -> Span:
        """The arguments; the word, if there are none."""
        if self.rest:
            return Span(self.source, self.at, self.at + len(self.rest))
        return Span(self.source, 0, len(self.source.text))


@dataclass(frozen=True, slots=True)
class Command:
    """A command: how its arguments are written, what it does in a line, and the function that does it."""

    name: str
    arguments: str
    about: str
    run: Callable[[Session, Typed], Done]
    more: str = ""

    @property
    def usage(self) -> str:
        return f":{self.name} {self.arguments}".strip()


def typed(source: Source) -> Typed:
    """A command line in its parts."""
    match = re.match(r"\s*:\s*([^\W\d_]*)(!?)[ \t]*(.*?)\s*$", source.text, re.DOTALL)
    assert match is not None
    return Typed(source, match[1], bool(match[2]), match[3], match.start(3))


def refuse(line: Typed, message: str, *help_: str, label: str = "") -> QueryError:
    """R002, at the arguments."""
    return QueryError(Diagnostic("R002", message, line.span, label, help=help_))


def refuse_arguments(line: Typed) -> None:
    """R002 if there are any."""
    if line.rest:
        raise refuse(line, f"`:{line.word}` takes no arguments", label="not expected")
