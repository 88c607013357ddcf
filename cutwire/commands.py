"""What the commands do. Each takes the parsed arguments and returns the exit status."""

from __future__ import annotations

import difflib
import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutwire.limits import time_limit
from cutwire.progress import working
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, LimitError, QueryError, did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

    from cutwire.model import Model
    from cutwire.program import Item, Program

_BIF = (".bif", ".bif.gz")


def console() -> Console:
    """Standard output for people: colours on a terminal only, no wrapping in a pipe."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # and not SystemExit, which is rich's way

    width = None if sys.stdout.isatty() else 200
    return Output(highlight=False, emoji=False, markup=False, width=width, soft_wrap=True)


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to standard error, a blank line between two."""
    sys.stdout.flush()
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


# ---- what is read ----------------------------------------------------------------------------------------------------


def open_program(file: str, allow_outside: bool) -> Program:
    """A model file, or standard input for `-`."""
    from cutwire.program import load, parse

    if file == "-":
        return parse(typed_text(), "<stdin>", Path.cwd(), allow_outside=allow_outside)
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


def typed_text() -> str:
    """The text on standard input.

    Raises:
        LanguageError: F007 if it is not UTF-8. LimitError: L003 if it is too large for a model file.
    """
    from parser.files import MAX_BYTES

    stream = getattr(sys.stdin, "buffer", None)
    data: bytes = stream.read(MAX_BYTES + 1) if stream is not None else b""
    if len(data) > MAX_BYTES:
        raise LimitError(Diagnostic("L003", f"standard input is longer than {MAX_BYTES:,} bytes"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        note = f"byte {e.start} is {data[e.start]:#04x}"
        raise LanguageError(Diagnostic("F007", "standard input is not UTF-8 text", notes=(note,))) from None


def open_model(file: str, name: str, allow_outside: bool) -> Model:
    """The model of a model file or a BIF network."""
    from cutwire.model import read_bif

    if not file.endswith(_BIF):
        return open_program(file, allow_outside).find_model(name)
    with working(f"reading {file}"):
        model = read_bif(file)
    if name not in ("", model.name):
        near = did_you_mean(name, [model.name]) or (f"leave out the name: a network is one model, `{model.name}`",)
        raise QueryError(Diagnostic("M007", f"there is no model `{name}` in this file", help=near))
    return model


# ---- run and check ---------------------------------------------------------------------------------------------------


def run(arguments: Namespace) -> int:
    """`cutwire run FILE`"""
    return _run(arguments, only_checks=False, out=arguments.out)


def check(arguments: Namespace) -> int:
    """`cutwire check FILE`"""
    return _run(arguments, only_checks=True, out=None)


@dataclass
class _Done:
    """What a run has come to: `items`, one for each statement done, of the `program` once it is read."""

    program: Program | None
    items: list[Item]


def _run(arguments: Namespace, *, only_checks: bool, out: str | None) -> int:
    """Errors of statements are told where they happen; the worst of all is the exit status."""
    from cutwire.program import Failure
    from cutwire.show import failures, item_json, status_of

    done = _Done(None, [])
    try:
        with time_limit(arguments.timeout):
            for item in _items(arguments, only_checks, out, done):
                if not arguments.json:
                    _print_item(item)
    except LimitError as e:
        if done.program is None:
            raise
        statement = done.program.asked(only_checks)[len(done.items)]
        stopped = e.at(statement.span)
        done.items.append(Failure(statement, stopped))
        print_diagnostics(stopped.diagnostics)
    if arguments.json:
        _print_json({"results": [item_json(i) for i in done.items], "failures": failures(done.items)})
    elif not done.items:
        print(f"{arguments.file}: nothing to {'check' if only_checks else 'do'}")
    return max(map(status_of, done.items), default=0)
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
