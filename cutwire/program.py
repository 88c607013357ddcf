"""`Program`: a loaded model file, and running what it asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cutwire.claims import Verdict, check_statement
from cutwire.evaluate import Result, can_be_exact, evaluate_statement
from cutwire.identification import Identification, identify_statement
from cutwire.model import Model
from parser.elaborate import load_program, parse_program
from parser.program import CheckStatement, DrawStatement, IdentifyStatement, QueryStatement, Statement
from parser.program import Program as Elaborated
from strings.diagnostic import Diagnostic, QueryError, did_you_mean
from strings.diagram import Diagram

CheckResult = Verdict


@dataclass(frozen=True)
class Picture:
    """A picture that a `draw` statement made: the SVG text and, if it was written, where."""

    statement: DrawStatement
    svg: str
    path: Path | None


Item = Result | Verdict | Picture | Identification
"""What a statement gives."""


@dataclass(frozen=True)
class Program:
    """A model file, read and resolved: its models, its diagrams, and what it asks."""

    elaborated: Elaborated

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """The models of the file by name, in order of the text."""
        return {name: Model(d) for name, d in self.elaborated.models.items()}

    @property
    def model(self) -> Model:
        """The only model of the file.

        Raises:
            QueryError: M007 if the file has none, or several (then use `models[name]`).
        """
        return self.find_model("")

    def find_model(self, name: str) -> Model:
        """A model by name; the empty name means the only one, or the one named like the file's header."""
        models = self.models
        if name:
            if name not in models:
                raise QueryError(
                    Diagnostic("M007", f"there is no model `{name}` in this file", help=did_you_mean(name, models))
                )
            return models[name]
        if not models:
            raise QueryError(Diagnostic("M007", "this file has no model", notes=("it declares no variable",)))
        if len(models) > 1 and (main := self.elaborated.main) not in models:
            raise QueryError(
                Diagnostic(
                    "M007",
                    f"this file has {len(models)} models: say which",
                    notes=(f"they are {', '.join(models)}",),
                    help=('name it: --model NAME, or prog.models["NAME"]',),
                )
            )
        return models[main] if len(models) > 1 else next(iter(models.values()))

    @property
    def diagrams(self) -> Mapping[str, Diagram]:
        """The diagrams of the file by name."""
        return self.elaborated.diagrams

    @property
    def statements(self) -> tuple[Statement, ...]:
        return self.elaborated.statements

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """Everything noticed so far that is not an error."""
        return (*self.elaborated.warnings, *(w for m in self.models.values() for w in m.warnings))

    def run(
        self,
        *,
        only_checks: bool = False,
        out: Path | None = None,
        unnamed: Path | None = None,
        max_memory: int | None = None,
    ) -> Iterator[Item]:
        """Do what the file asks, statement by statement, in order.

        Pictures go to the folder `out`; without it, where the file says, and those that it gives no name to the folder
        `unnamed` (without that they are drawn but not written).
        """
        for statement in self.statements:
            if isinstance(statement, CheckStatement):
                model = self.models.get(statement.model)
                yield check_statement(model, statement, max_memory=max_memory)
            elif isinstance(statement, QueryStatement) and not only_checks:
                model = self.models[statement.model]
                exact = can_be_exact(model, statement)
                yield evaluate_statement(model, statement, exact=exact, max_memory=max_memory)
            elif isinstance(statement, IdentifyStatement) and not only_checks:
                found = identify_statement(self.models[statement.model], statement)
                found.check()
                yield found
            elif isinstance(statement, DrawStatement) and not only_checks:
                yield self._draw(statement, out, unnamed)

    def _draw(self, statement: DrawStatement, out: Path | None, unnamed: Path | None) -> Picture:
        from strings.picture import draw, draw_model

        path = statement.path
        folder = out or (unnamed if path is None else None)
        if folder is not None:
            path = folder / (path.name if path else re.sub(r"[^\w.-]+", "-", statement.title).strip("-") + ".svg")
        if statement.diagram is not None:
            svg = draw(statement.diagram, path, title=statement.title)
        else:
            svg = draw_model(self.models[statement.model].shape, statement.surgeries, path)
        return Picture(statement, svg, path)


def load(path: str | Path, *, allow_outside: bool = False) -> Program:
    """Read and resolve a model file.

    Imports, data and pictures named in the file must lie inside its folder, unless `allow_outside`.

    Raises:
        LanguageError: with every problem of the file, each with line, caret and what to do.
    """
    return Program(load_program(Path(path), allow_outside=allow_outside))


def parse(text: str, name: str = "<text>", folder: str | Path | None = None) -> Program:
    """Read and resolve a model text; `folder` is where its imports and data are looked up (nowhere, by default).

    Raises:
        LanguageError: with every problem of the text.
    """
    return Program(parse_program(text, name, Path(folder) if folder is not None else None))
