"""What the commands do. Each takes the parsed arguments and returns the exit status."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutwire.limits import time_limit
from cutwire.opening import console, is_brought, open_model, open_program, print_diagnostics
from cutwire.progress import working
from strings.diagnostic import Diagnostic, LimitError, QueryError, visible

if TYPE_CHECKING:
    from rich.console import Console

    from cutwire.evaluate import Result
    from cutwire.identification import AnyIdentification
    from cutwire.meanings import Answered, Options
    from cutwire.model import Model
    from cutwire.program import Item, Program
    from parser.program import QueryStatement, Resampling


class _Warnings:
    """Tells every warning once, as soon as it is known."""

    def __init__(self) -> None:
        self._told: set[Diagnostic] = set()

    def tell(self, warnings: Iterable[Diagnostic]) -> None:
        new = [w for w in warnings if w not in self._told]
        self._told.update(new)
        print_diagnostics(new)


# ---- run and check ---------------------------------------------------------------------------------------------------


def run(arguments: Namespace) -> int:
    """`cutwire run FILE`"""
    return _run(arguments, only_checks=False, out=arguments.out)


def check(arguments: Namespace) -> int:
    """`cutwire check FILE`"""
    return _run(arguments, only_checks=True, out=None)


def _run(arguments: Namespace, *, only_checks: bool, out: str | None) -> int:
    """Errors of statements are told where they happen; the worst of all is the exit status."""
    from cutwire.program import Failure
    from cutwire.show import failures, item_json, status_of

    program: Program | None = None
    done: list[Item] = []
    try:
        with time_limit(arguments.timeout):
            program = open_program(arguments.file, arguments.allow_outside).with_parameters(_settings(arguments.set))
            _do(program, arguments, only_checks, out, done)
    except LimitError as e:
        left = program.asked(only_checks)[len(done) :] if program is not None else ()
        if not left:
            raise
        stopped = e.at(left[0].span)
        done.append(Failure(left[0], stopped))
        print_diagnostics(stopped.diagnostics)
    if arguments.json:
        _print_json({"results": [item_json(i) for i in done], "failures": failures(done)})
    elif not done:
        print(f"{visible(arguments.file)}: nothing to {'check' if only_checks else 'do'}")
    return max(map(status_of, done), default=0)


def _do(program: Program, arguments: Namespace, only_checks: bool, out: str | None, done: list[Item]) -> None:
    """Do the statements of a program one by one, keep in `done` what they give, and show it unless it is for JSON."""
    warnings = _Warnings()
    warnings.tell(program.warnings)
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)
    screen = console()
    items = program.run(
        only_checks=only_checks,
        out=Path(out) if out is not None else None,
        unnamed=Path.cwd(),
        options=options_of(arguments),
        semantics=arguments.semantics,
        keep_going=True,
    )
    total = len(program.asked(only_checks))
    while True:
        with working(f"{arguments.file}: statement {min(len(done) + 1, total)} of {total}"):
            item = next(items, None)
        warnings.tell(program.warnings)
        if item is None:
            return
        done.append(item)
        _show(screen, item, arguments.json)


def _show(screen: Console, item: Item, quiet: bool) -> None:
    """Show an item, errors on standard error; only these if `quiet`."""
    from cutwire.program import Failure, Picture
    from cutwire.show import print_item

    if isinstance(item, Failure):
        print_diagnostics(item.error.diagnostics)
        return
    if isinstance(item, Picture):
        print_diagnostics(item.warnings)
    if not quiet:
        print_item(screen, item)


# ---- questions -------------------------------------------------------------------------------------------------------


def _model_asked(arguments: Namespace) -> tuple[Model, _Warnings]:
    """The model that is asked, with the values that are set; its warnings are told."""
    model = open_model(arguments.file, arguments.model, arguments.allow_outside)
    model = model.with_parameters(_settings(arguments.set))
    warnings = _Warnings()
    warnings.tell(model.warnings)
    return model, warnings


def query(arguments: Namespace) -> int:
    """`cutwire query FILE QUESTION`"""
    from cutwire.meanings import Answered, answer_statement
    from cutwire.show import answered_json, print_answered, print_files, print_result, result_json

    model, warnings = _model_asked(arguments)
    try:
        statement = replace(model.parse_question(arguments.question), using=arguments.using)
    finally:
        warnings.tell(model.warnings)
    statement = replace(statement, data=_data_for(model, statement, arguments.data))
    statement = replace(statement, resampling=_resampling(statement, arguments))
    with working(f"{arguments.question}"):
        semantics = arguments.semantics or ("symbolic" if arguments.derivative else "")
        result = answer_statement(model, statement, semantics, options_of(arguments))
        found = derivatives(result, arguments.derivative)
    warnings.tell(model.warnings)
    if isinstance(result, Answered):
        models = _models(result, arguments)
        if arguments.json:
            shown = {n: d.answer.to_dict()["expressions"] for n, d in found.items()}
            _print_json(answered_json(result) | ({"derivatives": shown} if shown else {}) | models)
        else:
            for part in (result, *found.values()):
                print_answered(console(), part, arguments.digits)
            print_files(console(), models.get("models", {}))
    elif arguments.json:
        _print_json(result_json(result))
    else:
        print_result(console(), result, arguments.digits)
    return 0


def changes(arguments: Namespace) -> int:
    """`cutwire changes FILE WHAT`"""
    from cutwire.show_changes import print_changes

    model, warnings = _model_asked(arguments)
    try:
        with working(arguments.what):
            found = model.changes(
                arguments.what, hidden=arguments.all, using=arguments.using, max_memory=arguments.max_memory
            )
    finally:
        warnings.tell(model.warnings)
    if arguments.json:
        _print_json(found.to_dict())
    else:
        print_changes(console(), found, arguments.digits, arguments.all)
    return 0


def _models(result: Answered, arguments: Namespace) -> dict[str, dict[str, str]]:
    """The models at both ends of bounds, as model files, if they are asked for.

    Raises:
        QueryError: Q001 if the question leaves variables free, W001 if no model file can say how a box draws.
    """
    from cutwire.bounds import Bounds

    if not arguments.models or not isinstance(result.answer, Bounds):
        return {}
    return {"models": dict(zip(("low", "high"), result.answer.files, strict=True))}


def derivatives(result: Result | Answered, names: Sequence[str]) -> dict[str, Answered]:
    """How sensitive an answer is to some parameters.

    Raises:
        QueryError: N002 for what is no parameter, Q007 for an answer in numbers.
    """
    if not names:
        return {}
    from cutwire.meanings import Answered

    if not isinstance(result, Answered) or result.semantics != "symbolic":
        message = "only expressions of parameters have derivatives"
        raise QueryError(Diagnostic("Q007", message, help=("ask with symbols: --semantics symbolic",)))
    answer: Any = result.answer
    found = {}
    for n in dict.fromkeys(names):
        statement = replace(result.statement, text=f"d/d{n}  {result.statement.text}", unit="")
        derivative = replace(answer.derivative(n), restrictions=(), declared={}, unit="")
        found[n] = Answered(statement, "symbolic", derivative)
    return found


def _settings(texts: Iterable[str]) -> dict[str, object]:
    """The values of parameters, from texts such as `p=1/3`.

    Raises:
        QueryError: T025 for a text that is none.
    """
    found: dict[str, object] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value.strip():
            message = f"`--set {text}` sets nothing"
            raise QueryError(Diagnostic("T025", message, help=("write --set p=1/3",)))
        found[name.strip()] = value.strip()
    return found


def options_of(arguments: Namespace) -> Options:
    """How to answer, as asked on the command line."""
    from cutwire.meanings import Options

    if arguments.samples is not None and arguments.samples < 1:
        raise QueryError(Diagnostic("T023", "--samples takes a whole number from 1 on"))
    return Options(arguments.exact, arguments.max_memory, arguments.samples, arguments.seed or 0)


def _resampling(statement: QueryStatement, arguments: Namespace) -> Resampling | None:
    """How to resample, as asked on the command line."""
    from parser.program import Resampling

    count, seed, level = arguments.bootstrap, arguments.seed, arguments.level
    if count is None:
        odd = "--level" if level is not None else "--seed" if seed is not None and statement.data else None
        if odd is None:
            return None
        message = f"`{odd}` says how to resample, and nothing is resampled"
        raise QueryError(Diagnostic("Q011", message, help=(f"say how often: --bootstrap 2000 {odd} …",)))
    if not statement.data:
        message = "a bootstrap resamples data, and this question is answered from the numbers of the model"
        raise QueryError(Diagnostic("Q011", message, help=("say which data: --from NAME",)))
    asked = Resampling(count, seed=seed or 0)
    return replace(asked, level=level) if level is not None else asked


def _data_for(model: Model, statement: QueryStatement, asked: str | None) -> str:
    """The data to answer from: as asked; else the only one, if the model's boxes have no numbers at all."""
    if asked is not None:
        model.dataset(asked)
        return asked
    declared = model.definition.data
    if model.definition.definitions or statement.using or not declared:
        return ""
    if len(declared) > 1:
        raise QueryError(
            Diagnostic(
                "Q001",
                "this query needs numbers, and the boxes of this model have none",
                notes=(f"the file has data: {', '.join(declared)}",),
                help=tuple(f"estimate it: --from {name}" for name in list(declared)[:3]),
            )
        )
    return next(iter(declared))


def identify(arguments: Namespace) -> int:
    """`cutwire identify FILE QUESTION`"""
    from cutwire.show import print_identification

    model = open_model(arguments.file, arguments.model, arguments.allow_outside)
    warnings = _Warnings()
    warnings.tell(model.warnings)
    given = arguments.given or None
    try:
        with working(arguments.question):
            found = model.identify(arguments.question, given, check=arguments.check)
            if arguments.json:
                shown = found.to_dict(arguments.check)
            elif arguments.check:
                found.check()  # finds the witness, which may take a moment
    finally:
        warnings.tell(model.warnings)
    noticed: list[Diagnostic] = []
    if arguments.output:
        with working(f"drawing {arguments.output}"):
            _draw_identification(found, arguments, noticed.append)
    if arguments.json:
        _print_json(shown)
    else:
        print_identification(console(), found, arguments.steps, arguments.check)
    print_diagnostics(noticed)
    return 0


def _draw_identification(found: AnyIdentification, arguments: Namespace, warn: Callable[[Diagnostic], None]) -> None:
    """The estimand; with `--steps`, or where there is none, the derivation or what stands in its way."""
    from strings.identification import Identified
    from strings.picture import draw as draw_diagram

    if isinstance(found.found, Identified) and not arguments.steps:
        draw_diagram(found.found.diagram, arguments.output, found.found.estimand.copies, warn=warn)
    else:
        found.draw(arguments.output, warn=warn)


# ---- laws ------------------------------------------------------------------------------------------------------------


def laws(arguments: Namespace) -> int:
    """`cutwire laws FILE`"""
    from cutwire.show import print_laws

    warnings = _Warnings()
    settings = _settings(arguments.set)
    if is_brought(arguments.file):
        model = open_model(arguments.file, arguments.model, arguments.allow_outside)
        warnings.tell(model.warnings)
        work = partial(model.with_parameters(settings).laws, seed=arguments.seed)
    else:
        program = open_program(arguments.file, arguments.allow_outside)
        warnings.tell(program.warnings)
        work = partial(program.laws, arguments.model, seed=arguments.seed, parameters=settings)
    with working(f"{arguments.file}: laws"):
        report = work()
    if arguments.json:
        _print_json(report.to_dict())
    else:
        print_laws(console(), report, arguments.words)
    return int(not report.holds)


# ---- explanations ----------------------------------------------------------------------------------------------------


def explain(arguments: Namespace) -> int:
    """`cutwire explain [CODE]`"""
    from cutwire.explain import GROUPS, overview
    from cutwire.explain import explain as explanation_of
    from parser.codes import CODES

    asked = arguments.code
    if asked and asked.upper() not in GROUPS:
        found = explanation_of(asked)
        if arguments.json:
            _print_json(found.to_dict())
        else:
            print(found.render(shutil.get_terminal_size().columns))
        return 0
    groups = overview(asked.upper())
    if arguments.json:
        listed = [{"code": c.code, "title": c.title} for codes in groups.values() for c in codes]
        _print_json({"codes": listed})
        return 0
    for number, (letter, codes) in enumerate(groups.items()):
        print(("\n" if number else "") + f"{letter}: {GROUPS[letter]}")
        for c in codes:
            print(f"  {c.code}  {c.title}")
    if len(groups) > 1:
        print(f"\n{len(CODES)} codes. For more about one of them: cutwire explain {next(iter(CODES))}")
    return 0


# ---- the session -----------------------------------------------------------------------------------------------------


def repl(arguments: Namespace) -> int:
    """`cutwire repl [FILE]`"""
    from cutwire.repl import repl as start

    return start(arguments)


def convert(arguments: Namespace) -> int:
    """`cutwire convert IN OUT`"""
    from cutwire.conversion import read_brought, write_brought

    warnings = _Warnings()
    with working(f"reading {arguments.file}"):
        brought = read_brought(arguments.file, arguments.source, arguments.model, arguments.allow_outside)
    warnings.tell(brought.model.warnings)
    with working(f"writing {arguments.output}"):
        told = write_brought(brought, arguments.output, arguments.target)
    warnings.tell(told)
    return 0


def _print_json(value: dict[str, Any]) -> None:
    """One object on one line: plain ASCII, which every output can show, and no numbers that JSON does not know."""
    print(json.dumps(value, allow_nan=False))
