"""Names and problems: what a scope of a model file declares, and the errors found in it.

A file has one scope, every `model NAME { … }` block one more that sees the file's. Within a scope names are unique by
kind: variables with types, boxes with diagrams, domains, data, surgeries, claims, questions; models belong to the file.

Problems are collected in a `Report`: what fails is told once and left out, and whatever depends on it is passed over
silently (`Skipped`), so that one slip of the pen gives one message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from parser import syntax
from strings.diagnostic import CutwireError, Diagnostic, Label, LanguageError, LimitError, Span, did_you_mean

if TYPE_CHECKING:
    from parser.models import ModelInfo
    from parser.program import Data, Definition, IdentifyStatement
    from parser.signatures import Entry
from strings.expression import ParameterDef
from strings.signature import Object

Domain = tuple[str, ...] | str
"""The values of a domain, or `real` or `count`."""

T = TypeVar("T")

MAX_ERRORS = 50
"""So many problems of a file are told; the rest are counted."""


class Skipped(Exception):  # noqa: N818 (not an error of its own)
    """What this depends on is broken, and that has been told."""


def problem(
    code: str,
    message: str,
    span: Span | None = None,
    label: str = "",
    *,
    also: Iterable[Label] = (),
    notes: Iterable[str] = (),
    help: Iterable[str] = (),
) -> LanguageError:
    """An error to raise, with one diagnostic."""
    return LanguageError(Diagnostic(code, message, span, label, tuple(also), tuple(notes), tuple(help)))


def too_large(message: str, span: Span | None = None, label: str = "", help: Iterable[str] = ()) -> LimitError:
    """L003: a bound on size was hit."""
    return LimitError(Diagnostic("L003", message, span, label, help=tuple(help)))


def second_place(span: Span | None, text: str) -> tuple[Label, ...]:
    """A label for another place, if it is known."""
    return (Label(span, text),) if span is not None else ()


def from_to(first: Span | None, last: Span | None) -> Span | None:
    """From the start of one place to the end of another."""
    return Span(first.source, first.start, last.end) if first is not None and last is not None else first


def count(number: int, noun: str) -> str:
    """`1 value`, `3 values`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shorten(names: Iterable[str], most: int = 12) -> str:
    """Names with commas between them; beyond `most` of them an ellipsis.

    >>> shorten(["a", "b", "c"], 2)
    'a, b, …'
    """
    listed = list(names)
    return ", ".join([*listed[:most], *(["…"] if len(listed) > most else [])])


def turned(loop: Sequence[str], order: Sequence[str]) -> list[str]:
    """A loop, each of its names once, from the name that comes first in `order`: the same from wherever it is met.

    >>> turned(["b", "c", "a"], ["a", "b", "c"])
    ['a', 'b', 'c']
    """
    start = min(range(len(loop)), key=lambda k: order.index(loop[k]))
    return [*loop[start:], *loop[:start]]


_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def near(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """The help line that proposes the nearest known name, or nothing; a number is never near another.

    >>> near("yess", ["no", "yes"]), near("11", ["1", "2"])
    (('did you mean `yes`?',), ())
    """
    if _NUMBER.fullmatch(word):
        return ()
    return did_you_mean(word, [k for k in known if not _NUMBER.fullmatch(k)])


class Report:
    """Collects what is wrong with a file. The same problem at the same place is told once."""

    def __init__(self) -> None:
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self._told: set[tuple[str, str, Span | None]] = set()
        self._beyond = 0

    @property
    def full(self) -> bool:
        return len(self.errors) >= MAX_ERRORS

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        for d in diagnostics:
            key = (d.code, d.message, d.span)
            if key in self._told:
                continue
            self._told.add(key)
            if d.severity == "warning":
                self.warnings.append(d)
            elif self.full:
                self._beyond += 1
            else:
                self.errors.append(d)

    def warn(
        self,
        code: str,
        message: str,
        span: Span | None,
        label: str = "",
        help: Iterable[str] = (),
        also: Iterable[Label] = (),
    ) -> None:
        self.add([Diagnostic(code, message, span, label, tuple(also), help=tuple(help), severity="warning")])

    @contextmanager
    def collect(self, span: Span | None = None) -> Iterator[None]:
        """Collect an error raised inside; problems without a place are put at `span`."""
        try:
            yield
        except Skipped:
            pass
        except CutwireError as e:
            self.add(e.at(span).diagnostics)

    def raise_errors(self) -> None:
        """Raise what was collected, in order of the text; warnings stand behind the errors.

        Raises:
            LanguageError: if there is any error; LimitError: if bounds are all that was hit.
        """
        if not self.errors:
            return
        found = in_text_order(self.errors)
        if self._beyond:
            found.append(Diagnostic("L005", f"and {count(self._beyond, 'more problem')}, not shown"))
        limits = all(d.code.startswith("L") for d in found)
        found += in_text_order(self.warnings)
        raise LimitError(found) if limits else LanguageError(found)


def in_text_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Diagnostics by place; files in the order in which they are first met, problems without a place last."""
    found = list(diagnostics)
    files: dict[str, int] = {}
    for d in found:
        if d.span is not None:
            files.setdefault(d.span.source.name, len(files))
    return sorted(found, key=lambda d: (files[d.span.source.name], d.span.start) if d.span else (len(files), 0))


class Names(Generic[T]):
    """The names of one kind in one scope. A declared name without a value is broken: using it is `Skipped`."""

    def __init__(self, kind: str, report: Report, parent: Names[T] | None = None) -> None:
        self.kind = kind
        self.parent = parent
        self._report = report
        self._places: dict[str, Span | None] = {}
        self._values: dict[str, T] = {}
        self._missed: set[str] = set()
        self._broken_prefixes: list[str] = []

    def declare(self, name: syntax.Name) -> bool:
        """Take up a name; a second declaration is told (N001) and refused."""
        if name.text in self._places:
            self._report.add(
                problem(
                    "N001",
                    f"the {self.kind} `{name.text}` is declared twice",
                    name.span,
                    "again here",
                    also=second_place(self._places[name.text], "first here"),
                    help=("give one of them another name",),
                ).diagnostics
            )
            return False
        self._places[name.text] = name.span
        return True

    def define(self, name: str, value: T) -> None:
        """Give a name its value; it need not have been declared here."""
        self._places.setdefault(name, None)
        self._values[name] = value

    def undefine(self, name: str) -> None:
        """Take a name's value away: it is broken until it gets another."""
        self._values.pop(name, None)

    def break_prefix(self, prefix: str) -> None:
        """Names that begin so come from a broken file: using one is `Skipped`."""
        self._broken_prefixes.append(prefix)

    def place(self, name: str) -> Span | None:
        return self._places.get(name)

    def place_in_sight(self, name: str) -> Span | None:
        """Where a name is declared, here or in the scope around."""
        if name in self._places:
            return self._places[name]
        return self.parent.place_in_sight(name) if self.parent else None

    def own(self) -> dict[str, T]:
        """The names of this scope alone that have a value, in order."""
        return {n: self._values[n] for n in self._places if n in self._values}

    def declared(self) -> list[str]:
        """The names of this scope alone, in order, broken ones included."""
        return list(self._places)

    def get(self, name: str) -> T | None:
        """The value of a name here or in the scope around, if it has one."""
        if name in self._places:
            return self._values.get(name)
        return self.parent.get(name) if self.parent else None

    def __contains__(self, name: str) -> bool:
        return name in self._places or (self.parent is not None and name in self.parent)

    def known(self) -> list[str]:
        """All names in sight, nearest first."""
        return [*self._places, *(self.parent.known() if self.parent else ())]

    def is_broken(self, name: str) -> bool:
        """Whether the name is declared, but what it stands for has failed."""
        if any(name.startswith(p) for p in self._broken_prefixes):
            return True
        if name in self._places:
            return name not in self._values
        return self.parent is not None and self.parent.is_broken(name)

    def find(self, name: syntax.Name, kind: str = "", also_known: Iterable[str] = (), code: str = "N002") -> T:
        """The value of a name.

        Raises:
            LanguageError: N002 with a did-you-mean if there is no such name (told once a name).
            Skipped: if it is broken, or was told before.
        """
        value = self.get(name.text)
        if value is not None:
            return value
        if self.is_broken(name.text) or name.text in self._missed or self._report.full:
            raise Skipped
        self._missed.add(name.text)
        raise unknown(kind or self.kind, name, [*self.known(), *also_known], code)


def unknown(kind: str, name: syntax.Name, known: Iterable[str], code: str = "N002", label: str = "") -> LanguageError:
    """N002 with a did-you-mean, or with the list of what is known."""
    names = list(dict.fromkeys(known))
    help_ = near(name.text, names)
    listed = (f"known: {shorten(names)}",) if names and not help_ else ()
    return problem(code, f"unknown {kind} `{name.text}`", name.span, label or "not declared", notes=listed, help=help_)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as declared; `object` is `None` if its domain is broken."""

    name: syntax.Name
    object: Object | None
    latent: bool = False
    label: str = ""


class Bounds:
    """What a file may use up altogether: cells of tables, and wires and boxes of diagrams."""

    MAX_CELLS = 4_000_000
    MAX_PARTS = 1_000_000

    def __init__(self) -> None:
        self.cells = 0
        self.parts = 0

    def spend_cells(self, number: int, span: Span | None, what: str) -> None:
        """Take up table cells before they are built.

        Raises:
            LimitError: L003 if the file's tables have too many.
        """
        if self.cells + number > self.MAX_CELLS:
            label = f"{count(number, 'entry')}".replace("entrys", "entries")
            raise too_large(
                f"{what} is too large: the tables of a file may have {self.MAX_CELLS:,} entries", span, label
            )
        self.cells += number

    def spend_parts(self, number: int, span: Span | None) -> None:
        """Take up boxes and wires of diagrams before they are built.

        Raises:
            LimitError: L003 if the file's diagrams have too many.
        """
        if self.parts + number > self.MAX_PARTS:
            label = f"would have {number:,} here"
            raise too_large(
                f"the diagrams of a file may have {self.MAX_PARTS:,} boxes and wires, pasted ones counted", span, label
            )
        self.parts += number


class Scope:
    """What one scope of a file declares: of the file itself, or of a model block in it.

    `origin` tells its boxes from those of the same name elsewhere: the path of an imported file, the name of a block.
    """

    def __init__(
        self, report: Report, parent: Scope | None = None, bounds: Bounds | None = None, origin: str = ""
    ) -> None:
        self.report = report
        self.parent = parent
        self.origin = origin
        self.objects: Names[Object] = Names("variable", report, parent.objects if parent else None)
        self.variables: dict[str, Variable] = {}
        self.parameters: Names[ParameterDef] = Names("parameter", report, parent.parameters if parent else None)
        self.domains: Names[Domain] = Names("domain", report, parent.domains if parent else None)
        self.boxes: Names[Entry] = Names("box", report, parent.boxes if parent else None)
        self.data: Names[Data] = Names("data", report)
        self.surgeries: Names[syntax.SurgeryDecl] = Names("surgery", report, parent.surgeries if parent else None)
        self.claims: Names[syntax.Claim] = Names("claim", report)
        self.questions: Names[syntax.Query | syntax.Estimate | IdentifyStatement] = Names("question", report)
        self.models: Names[ModelInfo] = parent.models if parent else Names("model", report)
        self.bounds: Bounds = bounds or (parent.bounds if parent else Bounds())
        self.mechanisms: dict[str, Entry] = {}
        self.policies: dict[str, Entry] = {}
        self.definitions: dict[str, Definition] = {}

    def find_object(self, name: syntax.Name, kind: str = "variable") -> Object:
        """A variable of this scope, or a type in sight.

        Raises:
            LanguageError: N002; a variable of the file around a model block is not in sight.
        """
        found = self.objects.find(name, kind)
        if self.parent is not None and name.text not in self.variables and self.is_outer_variable(name.text):
            raise problem(
                "N002",
                f"`{name.text}` is a variable of another model",
                name.span,
                "declared outside of this model",
                also=second_place(self.objects.place(name.text) or self._outer_place(name.text), "declared here"),
                help=(f"declare it in this model too: `var {name.text} : …`",),
            )
        return found

    def is_outer_variable(self, name: str) -> bool:
        """Whether a name that this scope does not declare is a variable of the scope around."""
        return self.parent is not None and name in self.parent.variables and self.objects.place(name) is None

    def _outer_place(self, name: str) -> Span | None:
        return self.parent.objects.place(name) if self.parent else None

    def find_model(self, name: syntax.Name) -> ModelInfo:
        """A model in sight."""
        return self.models.find(name)

    def is_variable(self, name: str) -> bool:
        """Whether the name is a variable of this very scope."""
        return name in self.variables
