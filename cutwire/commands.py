"""What the commands do. Each takes the parsed arguments and returns the exit status."""

from __future__ import annotations

import difflib
import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutwire.progress import working
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, QueryError, did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

    from cutwire.model import Model
    from cutwire.program import Item, Program
    from parser.program import QueryStatement

_BIF = (".bif", ".bif.gz")


def console() -> Console:
    """Standard output for people: colours on a terminal only, no wrapping in a pipe."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 200
    return Console(highlight=False, emoji=False, markup=False, width=width, soft_wrap=True)


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to standard error, a blank line between two."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for i, d in enumerate(diagnostics):
        text = str(d)
        if colour:
            head, _, rest = text.partition("\n")
            paint = "\033[1;31m" if d.severity == "error" else "\033[1;33m"
            text = f"{paint}{head}\033[0m" + (f"\n{rest}" if rest else "")
        print(("\n" if i else "") + text, file=sys.stderr)


class _Warnings:
    """Tells every warning once, as soon as it is known."""

    def __init__(self) -> None:
        self._told: set[Diagnostic] = set()

    def tell(self, warnings: Iterable[Diagnostic]) -> None:
        new = [w for w in warnings if w not in self._told]
        self._told.update(new)
        print_diagnostics(new)


def open_program(file: str, allow_outside: bool) -> Program:
    """A model file, or standard input for `-`."""
    from cutwire.program import load, parse

    if file == "-":
        return parse(sys.stdin.read(), "<stdin>", Path.cwd())
    if file.endswith(_BIF):
        raise LanguageError(
            Diagnostic(
                "F001",
                f"`{file}` is a network, not a model file",
                help=("ask it with `cutwire query FILE QUESTION` or draw it with `cutwire draw`",),
            )
        )
    with working(f"reading {file}"):
        return load(file, allow_outside=allow_outside)


def open_model(file: str, name: str, allow_outside: bool) -> Model:
    """The model of a model file or a BIF network."""
    from cutwire.model import read_bif

    if file.endswith(_BIF):
        with working(f"reading {file}"):
            return read_bif(file)
    return open_program(file, allow_outside).find_model(name)


def run(arguments: Namespace) -> int:
    """`cutwire run FILE`"""
    return _run(arguments, only_checks=False, out=arguments.out)


def check(arguments: Namespace) -> int:
    """`cutwire check FILE`"""
    return _run(arguments, only_checks=True, out=None)


def _run(arguments: Namespace, *, only_checks: bool, out: str | None) -> int:
    from cutwire.show import failures, item_json

    program = open_program(arguments.file, arguments.allow_outside)
    warnings = _Warnings()
    warnings.tell(program.warnings)
    if out is not None:
        Path(out).mkdir(parents=True, exist_ok=True)
    screen = console()
    done: list[Item] = []
    items = program.run(
        only_checks=only_checks,
        out=Path(out) if out else None,
        unnamed=Path.cwd(),
        max_memory=arguments.max_memory,
    )
    total = len(program.statements)
    while True:
        with working(f"{arguments.file}: statement {len(done) + 1} of {total}"):
            item = next(items, None)
        warnings.tell(program.warnings)
        if item is None:
            break
        done.append(item)
        if not arguments.json:
            _print_item(screen, item)
    fallen = failures(done)
    if arguments.json:
        _print_json({"results": [item_json(i) for i in done], "failures": fallen})
    elif not done:
        screen.print(f"{arguments.file}: nothing to {'check' if only_checks else 'do'}")
    return 1 if fallen else 0


def _print_item(screen: Console, item: Item) -> None:
    from cutwire.claims import Verdict
    from cutwire.evaluate import Result
    from cutwire.identification import Identification
    from cutwire.show import print_identification, print_picture, print_result, print_verdict

    match item:
        case Result():
            print_result(screen, item)
        case Verdict():
            print_verdict(screen, item)
        case Identification():
            print_identification(screen, item)
        case _:
            print_picture(screen, item)


def query(arguments: Namespace) -> int:
    """`cutwire query FILE QUESTION`"""
    from cutwire.evaluate import evaluate_statement
    from cutwire.show import print_result, result_json

    model = open_model(arguments.file, arguments.model, arguments.allow_outside)
    warnings = _Warnings()
    warnings.tell(model.warnings)
    statement = replace(model.parse_question(arguments.question), using=arguments.using)
    statement = replace(statement, data=_data_for(model, statement, arguments.data))
    with working(f"{arguments.question}"):
        exact = arguments.exact or _exact_is_cheap(model, statement)
        result = evaluate_statement(model, statement, exact=exact, max_memory=arguments.max_memory)
    warnings.tell(model.warnings)
    if arguments.json:
        _print_json(result_json(result))
    else:
        print_result(console(), result, arguments.digits)
    return 0


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


_EXACT_CELLS = 20_000


def _exact_is_cheap(model: Model, statement: QueryStatement) -> bool:
    """Whether fractions answer at once: small tables, all of them exact, few variables behind the question."""
    from cutwire.evaluate import can_be_exact
    from cutwire.tables import boxes_of
    from parser.program import Table

    if len(model.shape.variables) > 40 or not can_be_exact(model, statement):
        return False
    tables = [d for d in model.definition.definitions.values() if isinstance(d, Table)]
    return sum(len(t.entries) for t in tables) <= _EXACT_CELLS and len(boxes_of(model.shape)) <= 40


def identify(arguments: Namespace) -> int:
    """`cutwire identify FILE QUESTION`"""
    from cutwire.show import print_identification

    model = open_model(arguments.file, arguments.model, arguments.allow_outside)
    warnings = _Warnings()
    warnings.tell(model.warnings)
    given = arguments.given or None
    with working(arguments.question):
        found = model.identify(arguments.question, given, check=arguments.check)
        if arguments.json:
            shown = found.to_dict(arguments.check)
        elif arguments.check:
            found.check()  # finds the witness, which may take a moment
    if arguments.json:
        _print_json(shown)
    else:
        print_identification(console(), found, arguments.steps, arguments.check)
    if arguments.output:
        found.draw(Path(arguments.output))
    return 0


def draw(arguments: Namespace) -> int:
    """`cutwire draw FILE [--after SURGERY] -o OUT`"""
    from strings.picture import draw as draw_diagram
    from strings.picture import draw_dag, draw_model

    output = Path(arguments.output)
    if not arguments.file.endswith(_BIF):
        program = open_program(arguments.file, arguments.allow_outside)
        if arguments.name in program.diagrams or (not program.models and len(program.diagrams) == 1):
            name = arguments.name or next(iter(program.diagrams))
            if arguments.after or arguments.dag:
                raise QueryError(Diagnostic("V003", f"`{name}` is a plain diagram: draw it without --after and --dag"))
            draw_diagram(program.diagrams[name], output, title=name)
            return 0
        if arguments.name and arguments.name not in program.models:
            known = [*program.models, *program.diagrams]
            raise QueryError(
                Diagnostic("M007", f"no model or diagram `{arguments.name}`", help=did_you_mean(arguments.name, known))
            )
        model = program.find_model(arguments.name)
    else:
        model = open_model(arguments.file, "", arguments.allow_outside)
    surgeries = _surgeries(model, arguments.after) if arguments.after else ()
    with working(f"drawing {output}"):
        if arguments.dag:
            draw_dag(model.after(*surgeries).shape, output)
        else:
            draw_model(model.shape, surgeries, output, before=not arguments.only_after)
    return 0


def _surgeries(model: Model, text: str) -> Any:
    from parser.elaborate import elaborate_surgery
    from parser.read import read_surgery

    surgeries, _ = elaborate_surgery(read_surgery(text, "<surgery>"), model.definition)
    return surgeries


def fmt(arguments: Namespace) -> int:
    """`cutwire fmt FILE…`: all files are formatted or none is touched that does not parse."""
    from parser.format import format_text

    status = 0
    errors: list[Diagnostic] = []
    for file in arguments.files:
        try:
            status |= _format_file(file, arguments, format_text)
        except CutwireError as e:
            errors.extend(e.diagnostics)
    if errors:
        raise LanguageError(errors)
    return status


def _format_file(file: str, arguments: Namespace, format_text: Any) -> int:
    from parser.read import read_text

    text = sys.stdin.read() if file == "-" else read_text(Path(file))
    formatted = format_text(text, "<stdin>" if file == "-" else file)
    if arguments.diff:
        lines = difflib.unified_diff(
            text.splitlines(keepends=True), formatted.splitlines(keepends=True), file, f"{file} (formatted)"
        )
        sys.stdout.writelines(lines)
        return int(formatted != text)
    if file == "-":
        sys.stdout.write(formatted)
        return 0
    if formatted == text:
        return 0
    if arguments.check:
        print(f"{file}: not formatted")
        return 1
    _write(Path(file), formatted)
    print(f"{file}: formatted")
    return 0


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False))
