"""`Program`: a loaded model file, and running what it asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cutwire.claims import Verdict, check_statement
from cutwire.evaluate import Result
from cutwire.identification import AnyIdentification, identify_statement
from cutwire.interpreted import check_semantics
from cutwire.meanings import Answered, Options, answer_if_it_applies
from cutwire.model import Model
from parser.elaborate import elaborate, load_program
from parser.files import GRAPHS
from parser.program import CheckStatement, DrawStatement, IdentifyStatement, QueryStatement, Statement
from parser.program import Program as Elaborated
from parser.read import read
from strings.diagnostic import CutwireError, Diagnostic, LimitError, QueryError, Source, did_you_mean
from strings.diagram import Diagram
from strings.formula import questions
from strings.query import without_nested
from strings.surgery import Surgery

if TYPE_CHECKING:
    from cutwire.laws import LawReport

CheckResult = Verdict


@dataclass(frozen=True)
class Picture:
    """A picture that a `draw` statement made: the SVG text (of a graph the DOT text) and, if it was written, where.

    `warnings` says what the file cannot show: characters that no font has (V005).
    """

    statement: DrawStatement
    svg: str
    path: Path | None
    warnings: tuple[Diagnostic, ...] = ()

    def _repr_html_(self) -> str:
        from cutwire.notebook import picture_html

        return picture_html(self)

    def __repr__(self) -> str:
        from cutwire.show import item_text

        return item_text(self)


@dataclass(frozen=True)
class Failure:
    """A statement that could not be done, and why."""

    statement: Statement
    error: CutwireError

    def _repr_html_(self) -> str:
        from cutwire.notebook import failure_html

        return failure_html(self)

    def __repr__(self) -> str:
        from cutwire.show import item_text

        return item_text(self)


Item = Result | Answered | Verdict | Picture | AnyIdentification | Failure
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
                near = did_you_mean(name, models)
                known = (f"its models are {', '.join(models)}",) if models and not near else ()
                message = f"there is no model `{name}` in this file"
                raise QueryError(Diagnostic("M007", message, notes=known, help=near))
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

    def with_parameters(self, values: Mapping[str, object]) -> Program:
        """The program with values for parameters of its models; each model takes those that it knows.

        Raises:
            QueryError: N002 for a parameter that no model has, T025 for a value outside of its interval.
        """
        from cutwire.parameters import with_values

        if not values:
            return self
        models = self.elaborated.models
        known = {n for m in models.values() for n in m.parameters}
        given = {
            name: with_values(m, {n: v for n, v in values.items() if n in m.parameters or n not in known})
            for name, m in models.items()
        }
        return replace(self, elaborated=replace(self.elaborated, models=given))

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

    def _repr_html_(self) -> str:
        from cutwire.notebook import program_html

        return program_html(self)

    def __repr__(self) -> str:
        from cutwire.notebook import said_of

        names = [*map(repr, self.models.values()), *(f"<Diagram {n}>" for n in self.diagrams)]
        return f"<Program: {'; '.join(filter(None, [*names, said_of(self)])) or 'empty'}>"

    def run(
        self,
        *,
        only_checks: bool = False,
        out: Path | None = None,
        unnamed: Path | None = None,
        options: Options | None = None,
        semantics: str = "",
        keep_going: bool = False,
    ) -> Iterator[Item]:
        """Do what the file asks, statement by statement, in order.

        `options` say how to answer; numbers are fractions where that is cheap. `semantics` is for all questions that it
        applies to; the others, and all without it, are answered in what suits them. Pictures go to the folder `out`;
        without it, where the file says, and those that it gives no name to the folder `unnamed` (without that they are
        drawn but not written). No picture of a folder takes the place of another.

        Raises:
            QueryError: Q007 if there is no such semantics.
            CutwireError: if a statement cannot be done, which ends the run. With `keep_going` it gives a `Failure`
                instead, and the next one follows; only out of time (L002) still ends the run.
        """
        if semantics:
            check_semantics(semantics)
        asked = self.asked(only_checks)
        how = options or Options()
        paths = iter(_paths([s for s in asked if isinstance(s, DrawStatement)], out, unnamed))
        for statement in asked:
            path = next(paths) if isinstance(statement, DrawStatement) else None
            try:
                item = self._do(statement, path, semantics, how)
            except CutwireError as e:
                if not keep_going or e.diagnostic.code == "L002":
                    raise
                item = Failure(statement, e)
            except MemoryError:
                if not keep_going:
                    raise
                item = Failure(statement, LimitError(Diagnostic("L001", "out of memory", span=statement.span)))
            yield item

    def laws(self, name: str = "", *, seed: int = 0, parameters: Mapping[str, object] | None = None) -> LawReport:
        """The laws of interpretation and surgery for one of the models, and for the surgeries that the file speaks of;
        of a file with diagrams only, for these. `parameters` are values for parameters of the model.

        Raises:
            QueryError: M007 if there is no such model, or none and no diagram; N002 and T025 for odd parameters.
        """
        from cutwire.laws import diagram_laws, model_laws

        if not name and not self.models and self.diagrams:
            return diagram_laws("the diagrams", self.diagrams.values(), seed)
        model = self.find_model(name).with_parameters(parameters or {})
        statements = [s for s in self.statements if isinstance(s, QueryStatement | IdentifyStatement | CheckStatement)]
        policies = {n: d for s in statements if s.model == model.name for n, d in s.tables.items()}
        known = {**model.definition.definitions, **policies}
        model = replace(model, definition=replace(model.definition, definitions=known))
        return model_laws(model, seed, self._surgeries_on(model.name))

    def _surgeries_on(self, model: str) -> list[tuple[Surgery, ...]]:
        """The surgeries of the statements about a model."""
        found: list[tuple[Surgery, ...]] = []
        for s in self.statements:
            match s:
                case QueryStatement() if s.model == model:
                    found += [q.surgeries for q in questions(s.formula)]
                    found += [without_nested(w) for q in questions(s.formula) for w in q.worlds]
                case IdentifyStatement() if s.model == model:
                    found.append(s.query.surgeries)
                case DrawStatement() if s.model == model:
                    found.append(s.surgeries)
                case _:
                    pass
        return [surgeries for surgeries in found if surgeries]

    def asked(self, only_checks: bool = False) -> tuple[Statement, ...]:
        """The statements that `run` does."""
        return tuple(s for s in self.statements if not only_checks or isinstance(s, CheckStatement))

    def _do(self, statement: Statement, path: Path | None, semantics: str, how: Options) -> Item:
        match statement:
            case CheckStatement():
                asked = replace(statement, mode="exact") if how.exact and statement.mode == "" else statement
                return check_statement(self.models.get(statement.model), asked, max_memory=how.max_memory)
            case QueryStatement():
                return answer_if_it_applies(self.models[statement.model], statement, semantics, how)
            case IdentifyStatement():
                found = identify_statement(self.models[statement.model], statement)
                found.check()
                return found
            case DrawStatement():
                try:
                    return self._draw(statement, path)
                except CutwireError as e:
                    raise e.at(statement.span) from None

    def _draw(self, statement: DrawStatement, path: Path | None) -> Picture:
        from strings.picture import draw, draw_change, draw_dag, draw_model, draw_question

        found: list[Diagnostic] = []
        if statement.diagram is not None and (s := statement.operated) is not None:
            title = statement.title.removesuffix(f" after {s.text}")
            before, after = s.before, statement.diagram
            drawn = draw_change(before, after, s.cut, path, title=title, steps=s.text, warn=found.append)
        elif statement.diagram is not None:
            drawn = draw(statement.diagram, path, title=statement.title, warn=found.append)
        elif statement.query is not None:
            drawn = draw_question(self.models[statement.model].shape, statement.query, path, warn=found.append)
        elif path is not None and path.suffix.lower() in GRAPHS:
            drawn = draw_dag(self.models[statement.model].shape, path, surgeries=statement.surgeries)
        else:
            drawn = draw_model(self.models[statement.model].shape, statement.surgeries, path, warn=found.append)
        return Picture(statement, drawn, path, tuple(found))


_LONGEST_NAME = 60


def _paths(draws: Sequence[DrawStatement], out: Path | None, unnamed: Path | None) -> list[Path | None]:
    """Where every picture goes; one that Cutwire finds a place for gets a number if its name is taken."""
    taken = {str(d.path).casefold() for d in draws if d.path is not None and out is None}
    paths: list[Path | None] = []
    for d in draws:
        folder = out or (unnamed if d.path is None else None)
        if folder is None:
            paths.append(d.path)
            continue
        wanted = folder / (d.path.name if d.path else _name_of(d.title))
        path, number = wanted, 1
        while str(path).casefold() in taken:
            number += 1
            path = wanted.with_stem(f"{wanted.stem}-{number}")
        taken.add(str(path).casefold())
        paths.append(path)
    return paths


def _name_of(title: str) -> str:
    """The name of a file for a picture that was given none."""
    words = re.sub(r"[^\w.-]+", "-", title)[:_LONGEST_NAME].strip("-.")
    return f"{words or 'picture'}.svg"


def load(path: str | Path, *, allow_outside: bool = False) -> Program:
    """Read and resolve a model file.

    Imports, data and pictures named in the file must lie inside its folder, unless `allow_outside`.

    Raises:
        LanguageError: with every problem of the file, each with line, caret and what to do.
    """
    return Program(load_program(Path(path), allow_outside=allow_outside))


def parse(text: str, name: str = "<text>", folder: str | Path | None = None, *, allow_outside: bool = False) -> Program:
    """Read and resolve a model text; `folder` is where its imports and data are looked up (nowhere, by default).

    They must lie inside of it, unless `allow_outside`.

    Raises:
        LanguageError: with every problem of the text.
    """
    here = Path(folder) if folder is not None else None
    return Program(elaborate(read(text, name), Source(name, text), here, allow_outside=allow_outside))
