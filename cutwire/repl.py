"""`cutwire repl`: a session in a terminal, or fed from a file.

What a line does is in `cutwire.session`; here are the prompt, the colours, the keys and how answers are shown.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cutwire import __version__
from cutwire.changes import Changes
from cutwire.commands import options_of
from cutwire.completion import candidates
from cutwire.inline import escape, protocol
from cutwire.limits import time_limit
from cutwire.opening import console, print_diagnostics, typed_text
from cutwire.progress import working
from cutwire.session import (
    PREFIXES,
    Code,
    Drawing,
    Laws,
    Outcome,
    Said,
    Session,
    Settings,
    State,
    Steps,
    enter,
    incomplete,
)
from cutwire.session_commands import load_file
from parser.partial import what_follows
from parser.tokens import pieces, starts_statement
from strings.diagnostic import CutwireError, Diagnostic, LimitError, visible

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings
    from rich.console import Console

    from strings.picture.scene import Scene

_GREETING = f"""Cutwire {__version__}. Type `var S : {{no, yes}}`, `P(S)` or `:load FILE`; Tab completes.
`:help` lists the commands, Ctrl-D leaves."""
_WIDEST_PROMPT = 40


def repl(arguments: Namespace) -> int:
    """`cutwire repl [FILE]`"""
    screen = console()
    how = options_of(arguments)
    settings = Settings(arguments.semantics, how.exact, how.seed, how.samples, max_memory=how.max_memory)
    session = Session(State(allow_outside=arguments.allow_outside), settings=settings)
    typing = sys.stdin.isatty() and not arguments.enter
    if typing:
        screen.print(_GREETING, style="dim")
    if arguments.file is not None:
        session, status = _load(screen, session, arguments.file)
        if status and not typing:
            return status
    for text in arguments.set:
        session, outcome, status = attempt(session, f":set {text}", arguments.timeout)
        print_diagnostics(outcome.problems)
        if status and not typing:
            return status
    session = replace(session, past=())
    if typing:
        return _typed_at(screen, session, arguments.timeout)
    texts = arguments.enter or list(statements(typed_text()))
    return _fed(screen, session, texts, arguments.timeout)


def _load(screen: Console, session: Session, file: str) -> tuple[Session, int]:
    try:
        with working(f"reading {file}"):
            session, outcome = load_file(session, Path(file))
    except CutwireError as e:
        print_diagnostics(e.diagnostics)
        return session, 2
    if sys.stdin.isatty():
        show(screen, outcome)
    else:
        print_diagnostics(outcome.problems)
    return session, 0


# ---- what is fed -----------------------------------------------------------------------------------------------------


def statements(text: str) -> Iterator[str]:
    """A text that is fed, in the pieces that one would type: a statement goes on as long as the next line fits on.

    >>> list(statements("var S : {no,\\n yes}\\nbox s : -> S\\n  = flip(1/2)\\n\\nP(S)\\n:type S"))
    ['var S : {no,\\n yes}', 'box s : -> S\\n  = flip(1/2)', 'P(S)', ':type S']
    """
    held: list[str] = []
    for line in text.splitlines():
        whole = "\n".join(held)
        if held and not _goes_on(whole, line):
            yield whole
            held = []
        if line.strip() or held:
            held.append(line)
    if held:
        yield "\n".join(held).rstrip()


def _goes_on(whole: str, line: str) -> bool:
    """Whether a line belongs to the statement before it."""
    held = [p for p in pieces(whole) if p.kind != "comment"]
    if whole.lstrip().startswith(":"):
        return False
    if not held or held[-1].kind == "doc":
        return not line.lstrip().startswith(":")
    prefixes = ("",) if held[0].kind == "doc" or starts_statement(held, 0) else PREFIXES
    found = [prefix for prefix in prefixes if (f := what_follows(prefix + whole)).sound and not f.whole]
    if found and any(what_follows(f"{prefix}{whole}\n{line}").sound for prefix in found):
        return True
    parts = [p for p in pieces(line) if p.kind != "comment"]
    if not parts or parts[0].kind == "doc" or starts_statement(parts, 0) or parts[0].text == ":":
        return False
    if prefixes == ("",) and not what_follows(whole).sound:
        return True  # one mistake, not two
    return any(what_follows(f"{prefix}{whole}\n{line}").sound for prefix in prefixes)


def _fed(screen: Console, session: Session, texts: Iterable[str], timeout: float | None) -> int:
    """Enter texts one after the other; the worst of what they give is the exit status."""
    worst = 0
    for text in texts:
        session, outcome, status = attempt(session, text, timeout)
        show(screen, outcome)
        worst = max(worst, status)
        if outcome.quits:
            break
    return worst


def attempt(session: Session, text: str, timeout: float | None) -> tuple[Session, Outcome, int]:
    """Enter a text within a time limit; whatever goes wrong, the session is there as it was before."""
    from cutwire.program import Picture
    from cutwire.show import status_of

    begun = time.perf_counter()
    try:
        with working(text.strip().splitlines()[0] if text.strip() else ""), time_limit(timeout):
            entered, outcome = enter(session, text)
    except LimitError as e:
        return session, Outcome(problems=e.diagnostics), 3
    except MemoryError:
        return session, Outcome(problems=(Diagnostic("L001", "out of memory"),)), 3
    except OSError as e:
        where = f"`{e.filename}`: " if e.filename else ""
        return session, Outcome(problems=(Diagnostic("F015", f"{where}{e.strerror or e}"),)), 2
    except RecursionError:
        return session, Outcome(problems=(Diagnostic("L003", "this is nested too deeply"),)), 3
    status = 2 if outcome.failed else 0
    if any(d.code.startswith("L") and d.severity == "error" for d in outcome.problems):
        status = 3
    items = [s for s in outcome.shown if not isinstance(s, Said | Code | Drawing | Steps | Laws | Changes | Picture)]
    status = max([status, *(status_of(i) for i in items)])
    if any(isinstance(s, Laws) and not s.report.holds for s in outcome.shown):
        status = max(status, 1)
    worked = items or any(isinstance(s, Laws | Changes) for s in outcome.shown)
    if entered.settings.timing and (worked or outcome.failed):
        took = Said(f"{time.perf_counter() - begun:.3f} s", "dim")
        outcome = replace(outcome, shown=(*outcome.shown, took))
    return entered, outcome, status


# ---- showing ---------------------------------------------------------------------------------------------------------


def show(screen: Console, outcome: Outcome) -> None:
    """Print what there is to show, then what is wrong."""
    from cutwire.program import Failure
    from cutwire.show import print_item, print_laws
    from cutwire.show_changes import print_changes
    from cutwire.why import print_why

    for item in outcome.shown:
        match item:
            case Said(text, style):
                for line in text.splitlines():
                    screen.print(visible(line), style=style or None)
            case Code(text):
                _print_code(screen, text)
            case Drawing():
                print_drawing(screen, item)
            case Steps():
                print_why(screen, item.item, item.model)
            case Laws(report):
                print_laws(screen, report)
            case Changes():
                print_changes(screen, item)
            case Failure():
                pass  # it is among the problems
            case _:
                print_item(screen, item)
    if outcome.problems:
        print_diagnostics(outcome.problems)


def _print_code(screen: Console, text: str) -> None:
    """Text in the language, coloured on a terminal."""
    if screen.is_terminal and not screen.no_color:
        from pygments import highlight
        from pygments.formatters import TerminalFormatter

        from cutwire.highlight import CausalLexer

        lines = "\n".join(visible(line) for line in text.splitlines())
        screen.file.write(highlight(lines, CausalLexer(), TerminalFormatter()))
        return
    for line in text.splitlines():
        screen.print(visible(line))


def print_drawing(screen: Console, drawing: Drawing) -> None:
    """A picture: as an image where the terminal shows some, else in letters, else as a file."""
    how = protocol(os.environ) if screen.is_terminal else ""
    if how:
        from strings.picture.pdf import to_png

        screen.file.write(escape(to_png(scene_of(drawing)), how) + "\n")
        return
    text = sketch_of(drawing, screen.width if screen.is_terminal else 100)
    if text is not None:
        for line in text.splitlines():
            screen.print(line)
        return
    from strings.picture import write_scene

    folder = Path(tempfile.mkdtemp(prefix="cutwire-"))
    path = folder / "picture.svg"
    write_scene(scene_of(drawing), path)
    screen.print(f"too wide for {screen.width} columns; drawn to {path}")


def sketch_of(drawing: Drawing, width: int) -> str | None:
    """A picture in letters; nothing if it is wider than `width`."""
    from strings.picture.multiverse import question_graph
    from strings.picture.sketch import draw_graph, sketch, sketch_model

    if drawing.model is not None and drawing.query is not None:
        return sketch(question_graph(drawing.model.shape, drawing.query), width)
    if drawing.model is not None:
        return sketch_model(drawing.model.shape, drawing.surgeries, width)
    assert drawing.diagram is not None
    return sketch(draw_graph(drawing.diagram), width)


def scene_of(drawing: Drawing) -> Scene:
    """The picture itself."""
    from strings.picture.graph import draw_graph
    from strings.picture.multiverse import question_scene
    from strings.picture.operation import model_scene
    from strings.picture.scene import captioned, lay_out
    from strings.picture.scene import scene_of as scene

    if drawing.model is not None and drawing.query is not None:
        return question_scene(drawing.model.shape, drawing.query)
    if drawing.model is not None:
        return model_scene(drawing.model.shape, drawing.surgeries)
    assert drawing.diagram is not None
    graph = draw_graph(drawing.diagram)
    return captioned(scene(graph, lay_out(graph), drawing.title), drawing.title)


# ---- the terminal ----------------------------------------------------------------------------------------------------


class _Now:
    """The session that the prompt, the keys and the toolbar look at."""

    def __init__(self, session: Session) -> None:
        self.session = session


def _typed_at(screen: Console, session: Session, timeout: float | None) -> int:
    """Read, answer, again; until Ctrl-D or `:quit`."""
    now = _Now(session)
    prompt = _prompt(now)
    while True:
        try:
            text = prompt.prompt(lambda: _message(now.session))
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        try:
            now.session, outcome, _ = attempt(now.session, text, timeout)
            if outcome.clears:
                screen.clear()
            show(screen, outcome)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            continue
        except Exception as e:
            help_ = ("this is a bug of Cutwire: please report it with what you typed; nothing is lost",)
            print_diagnostics([Diagnostic("X001", f"{type(e).__name__}: {e}", help=help_)])
            continue
        if outcome.quits:
            return 0


def _message(session: Session) -> StyleAndTextTuples:
    model = session.state.model
    parts = [model.name] if model is not None and session.state.path is not None else []
    parts += [o.text for o in session.state.operations]
    text = visible(" ".join(parts))
    return [("class:prompt", f"{text if len(text) <= _WIDEST_PROMPT else text[: _WIDEST_PROMPT - 1] + '…'}> ")]


def _toolbar(session: Session) -> StyleAndTextTuples:
    """The model, what has been done to it, how it is asked."""
    state = session.state
    model = state.model
    parts = [f"model {model.name}" if model is not None else "no model yet"]
    if state.operations:
        parts.append("after " + " then ".join(o.text for o in state.operations))
    if state.missing:
        parts.append(f"no box makes {', '.join(state.missing[:5])}")
    settings = session.settings
    parts.append(f"semantics {settings.semantics or 'auto'}")
    if settings.seed:
        parts.append(f"seed {settings.seed}")
    return [("class:bottom-toolbar", visible("  ·  ".join(parts)))]


def _prompt(now: _Now) -> PromptSession[str]:
    """The prompt with its keys, colours, history and completion."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.lexers import PygmentsLexer

    from cutwire.highlight import CausalLexer

    return PromptSession(
        multiline=True,
        key_bindings=_keys(now),
        history=_history(),
        auto_suggest=AutoSuggestFromHistory(),
        completer=_completer(now),
        complete_while_typing=False,
        enable_history_search=True,
        lexer=PygmentsLexer(CausalLexer),
        bottom_toolbar=lambda: _toolbar(now.session),
        prompt_continuation=lambda width, _line, _wrapped: "… ".rjust(width),
        include_default_pygments_style=True,
    )


def _keys(now: _Now) -> KeyBindings:
    """Enter ends a statement that is complete, or that an empty line follows; else it begins another line."""
    from prompt_toolkit.filters import completion_is_selected
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys = KeyBindings()

    @keys.add("enter", filter=~completion_is_selected)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        empty = not buffer.document.current_line.strip()
        inside = buffer.document.text_after_cursor.strip()
        if not inside and (empty or not incomplete(now.session, buffer.text)):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n" + "  " * (not inside))

    @keys.add("enter", filter=completion_is_selected)
    def _take(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    @keys.add("escape", "enter")
    def _newline(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _completer(now: _Now) -> Completer:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document

    class _Completer(Completer):
        def get_completions(self, document: Document, _event: CompleteEvent) -> Iterator[Completion]:
            for c in candidates(now.session, document.text_before_cursor):
                yield Completion(c.text, start_position=-c.replaces, display_meta=c.about)

    return _Completer()


def history_path(environment: os._Environ[str] | dict[str, str]) -> Path:
    """Where what was typed is kept: the user's folder for state (XDG Base Directory Specification)."""
    home = environment.get("XDG_STATE_HOME") or ""
    folder = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return folder / "cutwire" / "history"


def _history() -> History:
    """What was typed before: in a file that only the user can read; in memory where there can be none."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class _Careful(FileHistory):
        def store_string(self, string: str) -> None:
            with suppress(OSError):
                super().store_string(string)

    try:
        path = history_path(os.environ)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600))
        return _Careful(str(path))
    except (OSError, RuntimeError):
        return InMemoryHistory()
