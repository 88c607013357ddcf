"""The command line: `cutwire run | check | query | changes | identify | draw | laws | explain | convert | fmt | repl`.

Exit status: 0 all well; 1 a claim fell or an expectation was missed; 2 bad input, with diagnostics on standard error;
3 a limit was hit. Of several the highest.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from cutwire import __version__

if TYPE_CHECKING:
    from fractions import Fraction


EXAMPLES = {
    "run": ("cutwire run examples/smoking.causal", "cutwire run examples/vaccine.causal --out pictures --json"),
    "check": ("cutwire check examples/kidney.causal",),
    "query": (
        "cutwire query examples/sprinkler.causal 'P(Rain = yes | do(Sprinkler := yes))'",
        "cutwire query examples/smoking.causal 'P(C = yes | do(S))' --from scientist",
        "cutwire query examples/kidney.causal 'P(Y = cured | do(X))' --from charig --bootstrap 2000 --level 90",
        "cutwire query examples/asia.bif 'P(lung = yes | smoke = yes) - P(lung = yes)' --digits 3",
    ),
    "changes": (
        "cutwire changes examples/sprinkler.causal 'do(Sprinkler := yes)'",
        "cutwire changes examples/alarm.bif 'do(HR := LOW), CO = HIGH' --digits 3",
        "cutwire changes examples/asia.bif 'dysp = yes' --all",
    ),
    "identify": (
        "cutwire identify examples/smoking.causal 'P(C | do(S))' --steps",
        "cutwire identify examples/smoking.causal 'P(C | do(S))' --given 'P(S, C)'",
    ),
    "draw": (
        "cutwire draw examples/smoking.causal --after 'cut(S)' -o smoking.svg",
        "cutwire draw examples/asia.bif -o asia.pdf",
    ),
    "laws": ("cutwire laws examples/sprinkler.causal --words",),
    "explain": ("cutwire explain Q002", "cutwire explain Q", "cutwire explain"),
    "convert": ("cutwire convert examples/warm-up.dagitty warm-up.causal",),
    "fmt": ("cutwire fmt --check examples/wires.causal", "cutwire fmt --diff examples/wires.causal"),
    "repl": ("cutwire repl", "cutwire repl examples/sprinkler.causal"),
}
"""What the help of a command shows; the tests run them all."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    _prepare_streams()
    try:
        try:
            return run_guarded(build_parser().parse_args(argv))
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader has gone, as in `cutwire run f | head`
        _abandon_streams()
        return 0
    except OSError as e:  # of the last flush: the disk is full, perhaps
        print(f"error[F015]: cannot write the answer: {e.strerror or e}", file=sys.stderr)
        _abandon_streams()
        return 2


def _prepare_streams() -> None:
    """Let no character stop an answer: what a stream cannot show it shows as an escape."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started this
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _abandon_streams() -> None:
    """Throw away what could not be written, so that Python does not try once more at the end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run_guarded(arguments: argparse.Namespace) -> int:
    """Run one command under its limits; errors of the user's become diagnostics and an exit status."""
    from strings.diagnostic import CutwireError, Diagnostic, LimitError

    try:
        status: int = arguments.command(arguments)
        return status
    except LimitError as e:
        return _report(e, 3)
    except CutwireError as e:
        return _report(e, 2)
    except MemoryError:
        return _report(LimitError(Diagnostic("L001", "out of memory", help=("set --max-memory lower",))), 3)
    except BrokenPipeError:
        raise
    except OSError as e:
        where = f"`{e.filename}`: " if e.filename else ""
        return _report(CutwireError(Diagnostic("F015", f"{where}{e.strerror or e}")), 2)


def _report(error: Any, status: int) -> int:
    """Write every diagnostic of an error to standard error."""
    from cutwire.opening import print_diagnostics

    print_diagnostics(error.diagnostics)
    if sys.stderr.isatty():
        paint = ("", "") if "NO_COLOR" in os.environ else ("\033[2m", "\033[0m")
        print(f"{paint[0]}for more: cutwire explain {error.diagnostic.code}{paint[1]}", file=sys.stderr)
    return status


_MODEL = "a .causal, .bif, .bif.gz, .dot, .dagitty or .gml file (- for standard input)"


def build_parser() -> argparse.ArgumentParser:
    """The argument parser; kept free of heavy imports so that `--version` and `--help` are immediate."""
    parser = argparse.ArgumentParser(
        prog="cutwire",
        description="Causal models drawn as string diagrams: cut the wire, read the effect.",
        epilog="`cutwire COMMAND --help` has the options of a command, and examples. "
        "Exit status: 0 all well, 1 a claim fell, 2 bad input, 3 a limit was hit.",
    )
    parser.add_argument("--version", action="version", version=f"cutwire {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = _command(commands, "run", "do everything a model file asks, in order", limited=False)
    _add_run_options(run)
    run.add_argument("--out", metavar="DIR", help="write all pictures into this folder")

    check = _command(commands, "check", "check the claims of a model file", limited=False)
    _add_run_options(check)

    query = _command(commands, "query", "answer one question about a model")
    query.add_argument("file", metavar="FILE", help=_MODEL)
    query.add_argument("question", metavar="QUESTION", help="such as 'P(C | do(S := yes))'")
    query.add_argument("--from", dest="data", metavar="DATA", help="estimate it from this data set of the file")
    query.add_argument("--bootstrap", type=int, metavar="N", help="intervals from N resamples of the data")
    query.add_argument("--seed", type=int, metavar="K", help="draw other samples or resamples (0 unless given)")
    query.add_argument("--level", type=_level, metavar="L", help="of the intervals: 90%% or 0.9 (95%% unless given)")
    query.add_argument("--model", default="", metavar="NAME", help="which model, if the file has several")
    query.add_argument("--using", default="", metavar="NAME", help="which interpretation of the model")
    _add_semantics(query)
    query.add_argument(
        "--derivative",
        action="append",
        default=[],
        metavar="P",
        help="also print how sensitive the answer is to this parameter; several times for several",
    )
    query.add_argument(
        "--models", action="store_true", help="where an answer has bounds, print a model at each end, as a model file"
    )
    query.add_argument("--digits", type=_digits, default=6, metavar="N", help="significant digits shown (6)")
    _add_means(query)
    _add_common(query)
    _add_json(query)

    changes = _command(commands, "changes", "show what surgery, or what is seen, changes everywhere")
    changes.add_argument("file", metavar="FILE", help=_MODEL)
    changes.add_argument("what", metavar="WHAT", help="such as 'do(S := yes)', 'cut(S)' or 'do(S := yes), T = no'")
    changes.add_argument("--all", action="store_true", help="also hidden variables, and the names of what stays")
    changes.add_argument("--model", default="", metavar="NAME", help="which model, if the file has several")
    changes.add_argument("--using", default="", metavar="NAME", help="which interpretation of the model")
    _add_set(changes)
    changes.add_argument("--digits", type=_digits, default=6, metavar="N", help="significant digits shown (6)")
    _add_common(changes)
    _add_json(changes)

    identify = _command(commands, "identify", "decide whether an effect follows from data")
    identify.add_argument("file", metavar="FILE", help=_MODEL)
    identify.add_argument("question", metavar="QUESTION", help="such as 'P(C | do(S))'")
    identify.add_argument(
        "--given",
        action="append",
        metavar="P",
        help="a distribution that is given, such as 'P(S, T, C)' or 'P(C, T | do(S))'; several times for several",
    )
    identify.add_argument("--steps", action="store_true", help="show the derivation")
    identify.add_argument("--no-check", dest="check", action="store_false", help="do not check the answer")
    identify.add_argument("--model", default="", metavar="NAME", help="which model, if the file has several")
    identify.add_argument(
        "-o", "--output", metavar="OUT", help="draw the estimand, with --steps the derivation: .svg, .png, .pdf, .tex"
    )
    _add_common(identify, memory=False)
    _add_json(identify)

    draw = _command(commands, "draw", "draw a model or a diagram")
    draw.add_argument("file", metavar="FILE", help=_MODEL)
    draw.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="picture to write: .svg, .png, .pdf, .tex; .dot for the graph; - prints a sketch",
    )
    draw.add_argument("--after", metavar="SURGERY", help="show a surgery, such as 'cut(S)' or 'do(S := yes)'")
    draw.add_argument("--ask", metavar="QUESTION", help="show the worlds of a question, such as 'P(S[A := a] | A = b)'")
    draw.add_argument("--steps", action="store_true", help="with --ask: how its worlds are simplified, as a film strip")
    draw.add_argument("--combs", action="store_true", help="draw the combs of its districts, their holes dashed")
    draw.add_argument("--only-after", action="store_true", help="leave out the picture before the surgery")
    draw.add_argument("--dag", action="store_true", help="draw the graph instead; -o FILE.dot always does")
    draw.add_argument("--name", "--model", default="", metavar="NAME", help="which model or diagram of the file")
    _add_common(draw, memory=False)

    laws = _command(commands, "laws", "state the laws of a model and its surgeries, and try them in every semantics")
    laws.add_argument(
        "file", metavar="FILE", help="a .causal, .bif, .dot, .dagitty or .gml file (- for standard input)"
    )
    laws.add_argument("--model", default="", metavar="NAME", help="which model, if the file has several")
    laws.add_argument("--seed", type=int, default=0, metavar="K", help="try other instances (0 unless given)")
    laws.add_argument("--words", action="store_true", help="say below the table what each law means")
    _add_set(laws)
    _add_common(laws, memory=False)
    _add_json(laws)

    explain = _command(commands, "explain", "tell what a diagnostic code means, with an example and what to do")
    explain.add_argument(
        "code", nargs="?", default="", metavar="CODE", help="such as Q002, or a letter such as Q; all codes if left out"
    )
    _add_json(explain)
    explain.set_defaults(timeout=None)

    convert = _command(commands, "convert", "turn other programs' files into models, and models into theirs")
    convert.add_argument(
        "file",
        metavar="IN",
        help="a .causal, .bif, .bif.gz, .dot, .gv, .dagitty, .txt or .gml file (- for standard input)",
    )
    convert.add_argument(
        "output", metavar="OUT", help="a .causal, .bif, .dot, .gv, .dagitty, .txt or .tex file (- for standard output)"
    )
    convert.add_argument(
        "--from",
        dest="source",
        default="",
        metavar="FORMAT",
        help="causal, bif, dot, dagitty or gml, whatever the ending",
    )
    convert.add_argument(
        "--to",
        dest="target",
        default="",
        metavar="FORMAT",
        help="causal, bif, dot, dagitty or tex, whatever the ending",
    )
    convert.add_argument("--model", default="", metavar="NAME", help="which model, if the file has several")
    _add_common(convert, memory=False)

    fmt = _command(commands, "fmt", "format model files in place")
    fmt.add_argument(
        "files", nargs="+", metavar="FILE", help="model files (- formats standard input to standard output)"
    )
    fmt.add_argument("--check", action="store_true", help="change nothing; exit status 1 if a file is not formatted")
    fmt.add_argument("--diff", action="store_true", help="change nothing; show what would change")
    fmt.set_defaults(timeout=None)

    repl = _command(commands, "repl", "type statements and questions, one at a time", limited=False)
    repl.add_argument("file", nargs="?", metavar="FILE", help="a model file to start from")
    repl.add_argument(
        "-e", "--enter", action="append", default=[], metavar="TEXT", help="enter this, and end; once for each line"
    )
    _add_semantics(repl)
    repl.add_argument("--seed", type=int, metavar="K", help="draw other samples (0 unless given)")
    _add_common(repl)
    return parser


def _command(commands: Any, name: str, text: str, limited: bool = True) -> argparse.ArgumentParser:
    """A subcommand whose work is the function of its name in `cutwire.commands` or a module of its own, imported when
    it runs.

    Unless it is `limited`, it keeps to `--timeout` by itself.
    """
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog="\n  ".join(["examples:", *EXAMPLES[name]]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def start(arguments: argparse.Namespace) -> int:
        from importlib import import_module

        from cutwire.limits import time_limit

        own = {"draw": "draw_command", "fmt": "fmt_command"}  # the others are in one module
        work = import_module(f"cutwire.{own.get(name, 'commands')}")
        function: Callable[[argparse.Namespace], int] = getattr(work, name)
        with _means(arguments), time_limit(arguments.timeout if limited else None):
            return function(arguments)

    made.set_defaults(command=start)
    return made


@contextmanager
def _means(arguments: argparse.Namespace) -> Iterator[None]:
    """Slices and a cluster, where they are asked for."""
    with ExitStack() as stack:
        if getattr(arguments, "slice", False):
            from cutwire.progress import tell
            from semantics.slicing import in_slices

            stack.enter_context(in_slices(tell))
        if getattr(arguments, "dask", None) is not None:
            from cutwire.machines import cluster

            stack.enter_context(cluster(arguments.dask or None))
        yield


def _add_means(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--slice", action="store_true", help="compute what needs too much memory in slices that fit, one after another"
    )
    command.add_argument(
        "--dask",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="have a Dask cluster do what falls into parts; alone, and put last, processes of this machine",
    )


def _add_run_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="a model file (- for standard input)")
    _add_semantics(command)
    command.add_argument("--seed", type=int, metavar="K", help="draw other samples (0 unless given)")
    _add_means(command)
    _add_common(command)
    _add_json(command)


def _add_semantics(command: argparse.ArgumentParser) -> None:
    command.add_argument("--exact", action="store_true", help="compute with fractions, or refuse")
    command.add_argument(
        "--semantics",
        default="",
        metavar="NAME",
        help="matrix, exact, symbolic, gaussian, pyro, sampled or possible; else what suits the question",
    )
    _add_set(command)
    command.add_argument("--samples", type=int, metavar="N", help="how often to draw where sampling answers")


def _add_set(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="P=VALUE",
        help="give a parameter a value; once for each",
    )


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def _add_common(command: argparse.ArgumentParser, memory: bool = True) -> None:
    command.add_argument("--timeout", type=_seconds, metavar="TIME", help="stop after this long (10, 2m)")
    if memory:
        command.add_argument("--max-memory", type=_size, metavar="SIZE", help="refuse what needs more (500M, 2G)")
    command.add_argument(
        "--allow-outside", action="store_true", help="let the file import, read and write outside its own folder"
    )


def _size(text: str) -> int:
    from cutwire.limits import parse_size

    try:
        return parse_size(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def _seconds(text: str) -> float:
    from cutwire.limits import parse_seconds

    try:
        return parse_seconds(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def _level(text: str) -> Fraction:
    """A level between 0 and 1; what is above 1 is in percent."""
    from fractions import Fraction

    try:
        number = Fraction(text.removesuffix("%"))
    except (ValueError, ZeroDivisionError):
        number = Fraction(0)
    level = number / 100 if text.endswith("%") or number > 1 else number
    if not 0 < level < 1:
        raise argparse.ArgumentTypeError(f"not a level: {text!r} (write 90% or 0.9)")
    return level


def _digits(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 17:
        raise argparse.ArgumentTypeError(f"not a number of digits: {text!r} (1 to 17)")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
