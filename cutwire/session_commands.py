"""The commands of a session: a table of them, and what each does.

A command is a colon, a word that may be shortened, and arguments: `:t S`, `:draw model.svg`.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path

from cutwire.session import (
    Code,
    Drawing,
    Laws,
    Operation,
    Outcome,
    Said,
    Session,
    Shown,
    State,
    Steps,
    current_model,
    elaborated,
    enter_statements,
    opened,
    operation,
    said,
)
from cutwire.session_settings import (
    clear,
    leave,
    set_parameter,
    set_samples,
    set_seed,
    set_semantics,
    set_time,
)
from cutwire.session_typed import Command, Done, Typed, refuse, refuse_arguments, typed
from cutwire.texts import Piece, kind_of, names_of, split
from parser import syntax
from parser.files import PICTURES
from parser.program import QueryStatement
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, QueryError, Source, Span, did_you_mean
from strings.signature import show_type


def perform(session: Session, source: Source) -> Done:
    """Do a command.

    Raises:
        CutwireError: R001 for an unknown command, and what the command raises.
    """
    line = typed(source)
    return find(line).run(session, line)


def find(line: Typed) -> Command:
    """The command that a word, or its beginning, stands for; of several the first of the table.

    Raises:
        QueryError: R001 if there is none.
    """
    word = line.word
    for name, command in COMMANDS.items():
        if word and name.startswith(word):
            return command
    match = re.search(r":\s*\S*", line.source.text)
    where = Span(line.source, match.start(), match.end()) if match else None
    near = did_you_mean(word, COMMANDS)
    help_ = tuple(h.replace("`", "`:", 1) for h in near) or ("`:help` lists the commands",)
    said_ = f"there is no command `:{word}`" if word else "a command is missing behind `:`"
    raise QueryError(Diagnostic("R001", said_, where, "unknown" if word else "nothing here", help=help_))


# ---- looking ---------------------------------------------------------------------------------------------------------


def _help(session: Session, line: Typed) -> Done:
    if line.rest:
        word = line.rest.lstrip(":").strip()
        command = find(Typed(line.source, word, False, "", line.at))
        more = inspect.cleandoc(command.more).splitlines() if command.more else []
        return session, said(command.usage, f"  {command.about}", *(f"  {m}" for m in more))
    width = max(len(c.usage) for c in COMMANDS.values())
    rows = [f"  {c.usage:<{width}}  {c.about}" for c in COMMANDS.values()]
    return session, said(
        "Type a statement of the language, or just what you want to know:",
        "  var S : {no, yes}                     declares; saying it again replaces it",
        "  P(C = yes | do(S := yes))             a question",
        "  P(C = yes | S = yes) > 1/2            a claim, checked at once",
        "  f ; g * id[A]                         a diagram, drawn",
        "",
        "Commands may be shortened (`:t S`):",
        *rows,
    )


def _type(session: Session, line: Typed) -> Done:
    text = line.rest
    if not text:
        raise refuse(line, "`:type` of what?", "write `:type NAME` or `:type EXPRESSION`")
    found = _type_of_name(session, text)
    if found is None:
        found = _type_of_expression(session, line)
    return session, said(f"{text} : {found}")


def _type_of_name(session: Session, name: str) -> str | None:
    """What kind of thing a name stands for; nothing if it stands for none."""
    state, program, model = session.state, session.state.program, session.model
    for word in ("box", "domain", "data", "surgery", "type"):
        for p in state.pieces:
            if kind_of(p.item) == word and name in {n.text for n in names_of(p.item)}:
                return _said_of(p.item, name)
    if model is not None and name in model.shape.names:
        x = model.shape.object(name)
        values = x.space or (f"{{{', '.join(x.values)}}}" if x.values else "any values")
        label = model.definition.labels.get(name, "")
        hidden = "  (latent)" if name in model.latents else ""
        return f"{values}{hidden}" + (f'  "{label}"' if label else "")
    if model is not None and name in model.parameters:
        parameter = model.parameters[name]
        return str(parameter).removeprefix(name).strip() or "a number"
    if name in program.diagrams:
        d = program.diagrams[name]
        return f"{show_type(d.dom)} -> {show_type(d.cod)}"
    if name in program.models:
        d = program.models[name].diagram
        return f"{show_type(d.dom)} -> {show_type(d.cod)}"
    return None


def _said_of(item: syntax.Item, name: str) -> str:
    match item:
        case syntax.BoxDecl():
            inputs = " * ".join(n.text for n in item.inputs) or "I"
            return f"{inputs} -> {' * '.join(n.text for n in item.outputs)}"
        case syntax.TableData():
            return f"data on {', '.join(n.text for n in item.variables)}"
        case syntax.CsvData():
            return f'data from "{item.path}"'
        case _:
            return f"a {kind_of(item)}"


def _type_of_expression(session: Session, line: Typed) -> str:
    from cutwire.answer_type import answer_type
    from cutwire.session import read_typed

    blank = Source(line.source.name, " " * line.at + line.rest)
    (piece, *_) = read_typed(session, blank)
    piece = replace(piece, source=line.source)
    program, whole = elaborated(session.state, (piece,))
    if isinstance(piece.item, syntax.DiagramDef):
        d = program.diagrams[piece.item.name.text]
        return f"{show_type(d.dom)} -> {show_type(d.cod)}"
    number = len(whole.pieces) - 1
    statement = next((s for s in program.statements if whole.piece_at(s.span) == number), None)
    return answer_type(program, statement)


def _show(session: Session, line: Typed) -> Done:
    pieces = session.state.pieces
    if line.rest:
        name = line.rest
        pieces = tuple(p for p in (*pieces, *session.asked) if name in {n.text for n in names_of(p.item)})
        if not pieces:
            known = [n.text for p in session.state.pieces for n in names_of(p.item)]
            raise QueryError(
                Diagnostic("N002", f"nothing is called `{name}`", line.span, "not declared",
                           help=did_you_mean(name, known))
            )  # fmt: skip
    if not pieces:
        return session, said("nothing is declared yet")
    shown: list[Shown] = [Code("\n".join(p.text for p in pieces))]
    return session, Outcome((*shown, *(_done_lines(session) if not line.rest else ())))


def _done_lines(session: Session) -> tuple[Said, ...]:
    done = [o.text for o in session.state.operations]
    return (Said(f"done to it: {' then '.join(done)}", "bold"),) if done else ()


def _browse(session: Session, line: Typed) -> Done:
    refuse_arguments(line)
    rows: list[tuple[str, str]] = []
    for p in session.state.pieces:
        item = p.item
        word = "latent" if isinstance(item, syntax.VariableDecl) and item.latent else kind_of(item)
        for n in names_of(item):
            found = _type_of_name(session, n.text) if not isinstance(item, syntax.Import | syntax.Interpret) else ""
            rows.append((f"{word} {n.text}", found or ""))
    if not rows:
        return session, said("nothing is declared yet")
    width = min(30, max(len(left) for left, _ in rows))
    return session, said(*(f"{left:<{width}}  {right}".rstrip() for left, right in rows))


def _draw(session: Session, line: Typed) -> Done:
    from strings.picture import draw, draw_model

    text, path = _with_file(line.rest)
    drawing = _drawing_of(session, line, text)
    if path is None:
        return session, Outcome((drawing,))
    found: list[Diagnostic] = []
    if drawing.model is not None:
        draw_model(drawing.model.shape, drawing.surgeries, path, warn=found.append)
    else:
        assert drawing.diagram is not None
        draw(drawing.diagram, path, title=drawing.title, warn=found.append)
    return session, Outcome((Said(f"drawn to {path}"),), tuple(found))


def _with_file(rest: str) -> tuple[str, Path | None]:
    """Arguments, and the picture file at their end if one is named there."""
    head, _, last = rest.rpartition(" ")
    word = last.strip('"')
    return (head.strip(), Path(word)) if Path(word).suffix.lower() in PICTURES else (rest, None)


def _drawing_of(session: Session, line: Typed, text: str) -> Drawing:
    state = session.state
    program = state.program
    if not text:
        model = current_model(state) if program.models or not program.diagrams else None
        if model is not None:
            return Drawing(model.name, None, model, state.surgeries)
        text = next(iter(program.diagrams))
    if text in program.models:
        model = program.models[text]
        about = state.model
        return Drawing(text, None, model, state.surgeries if about is not None and about.name == text else ())
    piece = _piece(line, text, "diagram it = ")
    whole = elaborated(state, (piece,))[0]
    return Drawing(text, whole.diagrams["it"])


def _piece(line: Typed, text: str, prefix: str) -> Piece:
    """The arguments of a command as a statement."""
    source = Source(line.source.name, line.source.text[: line.at] + text)
    return split(source, prefix, line.at)[0]


# ---- doing -----------------------------------------------------------------------------------------------------------


def _do(session: Session, line: Typed) -> Done:
    return _operate(session, line, "do", "write `:do S := yes`")


def _cut(session: Session, line: Typed) -> Done:
    return _operate(session, line, "cut", "write `:cut S`, or `:cut S -> T` for one wire")


def _operate(session: Session, line: Typed, word: str, help_: str) -> Done:
    if not line.rest:
        raise refuse(line, f"`:{word}` to what?", help_)
    whole = re.match(r"(do|cut)\s*\(", line.rest) is not None
    named = {n.text for p in session.state.pieces if isinstance(p.item, syntax.SurgeryDecl) for n in names_of(p.item)}
    if whole or line.rest.split(" ")[0] in named:
        text, by = line.rest, -line.at
    else:
        text, by = f"{word}({line.rest})", len(word) + 1 - line.at
    done = operation(session.state, text, line.source, by)
    shown = Operation(" then ".join(str(s) for s in done.surgeries), done.surgeries, done.tables)
    shown = replace(shown, text=text)
    state = replace(session.state, operations=(*session.state.operations, shown), step=text)
    model = current_model(session.state)
    about = f"{model.name} after {' then '.join(o.text for o in state.operations)}"
    return session.to(state), said(about, style="bold")


def _undo(session: Session, line: Typed) -> Done:
    refuse_arguments(line)
    if not session.past:
        raise QueryError(Diagnostic("R003", "there is nothing to undo"))
    *before, state = session.past
    undone = session.state.step
    changed = replace(session, state=state, past=tuple(before), future=(session.state, *session.future))
    return changed, said(f"undone: {undone}", style="dim")


def _redo(session: Session, line: Typed) -> Done:
    refuse_arguments(line)
    if not session.future:
        raise QueryError(Diagnostic("R003", "there is nothing to redo"))
    state, *after = session.future
    changed = replace(session, state=state, past=(*session.past, session.state), future=tuple(after))
    return changed, said(f"done again: {state.step}", style="dim")


def _worlds(session: Session, line: Typed) -> Done:
    states = (*session.past, session.state, *session.future)
    if line.rest:
        if not line.rest.isdecimal() or not 1 <= int(line.rest) <= len(states):
            raise refuse(line, f"there is no state `{line.rest}`", f"there are 1 to {len(states)}")
        k = int(line.rest) - 1
        return replace(session, state=states[k], past=states[:k], future=states[k + 1 :]), said(_world(states[k]))
    here = len(session.past)
    width = max(len(s.step) for s in states)
    rows = [f"{'*' if k == here else ' '} {k + 1:>2}  {s.step or 'start':<{width}}  {_world(s)}".rstrip()
            for k, s in enumerate(states)]  # fmt: skip
    return session, said(*rows)


def _world(state: State) -> str:
    """A state in words: its model, and what has been done to it."""
    model = state.model
    if model is None:
        return ""
    return model.name + (f" after {' then '.join(o.text for o in state.operations)}" if state.operations else "")


def _identify(session: Session, line: Typed) -> Done:
    if not line.rest:
        raise refuse(line, "`:identify` what?", "write `:identify P(C | do(S))`, with `from P(S, C)` if you like")
    return enter_statements(session, (_piece(line, line.rest, "identify "),))


def _changes(session: Session, line: Typed) -> Done:
    from cutwire.changes import Conditions, changes, changes_of_text

    state, most = session.state, session.settings.max_memory
    current_model(state)
    known = state.known
    assert known is not None
    if line.rest:
        noticed: list[Diagnostic] = []
        found = changes_of_text(
            known, line.rest, base=state.surgeries, max_memory=most, source=line.source, at=line.at, warn=noticed.append
        )
        return session, Outcome((found,), tuple(noticed))
    if not state.operations:
        help_ = ("say what: `:changes do(S := yes)`", "or do it first: `:do S := yes`")
        raise QueryError(Diagnostic("R003", "nothing has been done to the model", help=help_))
    return session, Outcome((changes(known, Conditions(state.surgeries), max_memory=most),))


def _why(session: Session, line: Typed) -> Done:
    refuse_arguments(line)
    if session.last is None:
        raise QueryError(Diagnostic("R003", "nothing has been answered yet", help=("ask: `P(C | do(S := yes))`",)))
    return session, Outcome((Steps(session.last, session.about),))


def _derivative(session: Session, line: Typed) -> Done:
    from cutwire.commands import derivatives
    from cutwire.meanings import answer_statement

    if not line.rest:
        raise refuse(line, "`:derivative` by which parameter?", "write `:derivative p`")
    last, model = session.last, session.about
    statement = last.statement if last is not None else None
    if model is None or not isinstance(statement, QueryStatement) or statement.data:
        message = "nothing has been answered yet that depends on parameters"
        raise QueryError(Diagnostic("R003", message, help=("ask: `P(C | do(S := yes))`",)))
    known = replace(statement, expect=None)
    try:
        found = derivatives(answer_statement(model, known, "symbolic", session.settings.options), line.rest.split())
    except CutwireError as e:
        raise type(e)(replace(d, span=line.span, also=()) for d in e.diagnostics) from None
    return session, Outcome(tuple(found.values()))


def _laws(session: Session, line: Typed) -> Done:
    from cutwire.laws import model_laws

    refuse_arguments(line)
    state, seed = session.state, session.settings.seed
    if state.program.models or not state.program.diagrams:
        current_model(state)
        known = state.known
        assert known is not None
        report = model_laws(known, seed, [state.surgeries] if state.surgeries else [])
    else:
        report = state.program.laws(seed=seed)
    return session, Outcome((Laws(report),))


def _model(session: Session, line: Typed) -> Done:
    program = session.state.program
    if not line.rest:
        here = session.state.model
        names = [f"{'*' if here is not None and here.name == n else ' '} {m!r}" for n, m in program.models.items()]
        return session, said(*(names or ["there is no model yet"]))
    program.find_model(line.rest)
    state = replace(session.state, using=line.rest, operations=(), step=f"model {line.rest}")
    return session.to(state), Outcome()


# ---- files -----------------------------------------------------------------------------------------------------------


def _path(line: Typed) -> Path:
    text = line.rest
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return Path(text).expanduser()


def _load(session: Session, line: Typed) -> Done:
    if not line.rest:
        raise refuse(line, "`:load` which file?", "write `:load model.causal`")
    return load_file(session, _path(line))


def load_file(session: Session, path: Path) -> Done:
    """The session with a model file in place of what was declared.

    Raises:
        CutwireError: with every problem of the file.
    """
    state, asked, told = opened(path, session.state.allow_outside)
    program = state.program
    names = ", ".join(f"model {n}" for n in program.models) or ", ".join(f"diagram {n}" for n in program.diagrams)
    more = f"; {len(asked)} statement(s) that ask, `:run` answers them" if asked else ""
    missing = (Said(f"no box makes {', '.join(state.missing)} yet", "dim"),) if state.missing else ()
    warnings = (*told, *program.warnings)
    outcome = Outcome((Said(f"{names or 'nothing declared'}{more}", "dim"), *missing), warnings)
    session = replace(session.to(state), asked=asked, last=None, about=None, told=session.told | set(warnings))
    return session, outcome


def _reload(session: Session, line: Typed) -> Done:
    refuse_arguments(line)
    if session.state.path is None:
        raise QueryError(Diagnostic("R003", "nothing has been loaded", help=("load a file: `:load FILE`",)))
    return load_file(session, session.state.path)


def _run(session: Session, line: Typed) -> Done:
    refuse_arguments(line)
    if not session.asked:
        raise QueryError(Diagnostic("R003", "nothing has been asked"))
    return enter_statements(session, session.asked)


def _save(session: Session, line: Typed) -> Done:
    from cutwire.opening import is_brought
    from cutwire.saving import file_text

    path = _path(line) if line.rest else session.state.path
    if path is None or (not line.rest and is_brought(path.name)):
        raise refuse(line, "`:save` to which file?", "write `:save model.causal`")
    if not path.suffix:
        path = path.with_suffix(".causal")
    if path.exists() and not line.force and path != session.state.path:
        message = f"there is a file `{path}` already"
        raise QueryError(Diagnostic("R004", message, line.span, help=(f"`:save! {path}` replaces it",)))
    text, problems = file_text(session, path.name)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as e:
        message = f"cannot write `{path}`: {e.strerror or e}"
        raise LanguageError(Diagnostic("F015", message, line.span if line.rest else None)) from None
    session = replace(session, state=replace(session.state, path=path))
    return session, Outcome((Said(f"saved to {path}", "dim"),), problems)


_TABLE = (
    Command("help", "[COMMAND]", "this list, or more about a command", _help),
    Command("type", "NAME | EXPRESSION", "the values of a variable, the ends of a box, the axes of an answer", _type),
    Command("show", "[NAME]", "the text of a declaration, or of all", _show),
    Command("browse", "", "what is declared, a line each", _browse),
    Command("draw", "[MODEL | DIAGRAM] [FILE]", "a picture, here or in a file (.svg, .png, .pdf)", _draw,
            "After `:do` or `:cut` it shows the model before and after.\n"
            "A diagram may be an expression: `:draw f ; g`."),
    Command("do", "S := yes", "surgery on the model: what is asked from now on is asked of the operated model", _do,
            "`:do S := yes`, `:do S` (all values), `:do S ~ [1/2, 1/2]`, `:do S ~ box(R)`, `:do S -> T := no`,\n"
            "or the name of a `surgery`. `:undo` takes it back."),
    Command("cut", "S | S -> T", "cut the wire into a variable, or one wire", _cut),
    Command("changes", "[do(S := yes)]", "what surgery, or what is seen, changes everywhere", _changes,
            "`:changes do(S := yes), T = no` compares with `T = no` alone, `:changes T = no` with nothing seen;\n"
            "without arguments, what the surgery that is in force changes."),
    Command("undo", "", "take the last declaration or surgery back", _undo),
    Command("redo", "", "do again what was undone", _redo),
    Command("worlds", "[NUMBER]", "the states of this session; with a number, go there", _worlds),
    Command("identify", "P(…) [from P(…)]", "whether an effect follows from data", _identify),
    Command("derivative", "p", "how sensitive the last answer is to a parameter", _derivative),
    Command("why", "", "how the last answer came about", _why),
    Command("laws", "", "the laws of the model and of surgery on it, tried in every semantics", _laws),
    Command("model", "[NAME]", "the models there are, or which one to speak of", _model),
    Command("load", "FILE", "start from a model file", _load),
    Command("reload", "", "read the file again", _reload),
    Command("run", "", "answer everything that was asked, or that the file asks", _run),
    Command("save", "[FILE]", "write a model file that runs (`:save! FILE` replaces a file)", _save),
    Command("set", "[p = 1/3]", "give a parameter a value", set_parameter),
    Command("semantics", "[NAME]", "how questions are answered: matrix, exact, symbolic, … or auto", set_semantics,
            "One of matrix, exact, symbolic, gaussian, pyro, sampled, possible; `auto` is what suits each question."),
    Command("seed", "[K]", "for other random numbers", set_seed),
    Command("samples", "[N]", "how often to draw where sampling answers", set_samples),
    Command("time", "[on|off]", "show how long answers take", set_time),
    Command("clear", "", "clear the screen", clear),
    Command("quit", "", "leave (so does Ctrl-D)", leave),
)  # fmt: skip

COMMANDS = {c.name: c for c in _TABLE}
"""The commands by name. The first that a shortened word begins is meant: `:s` is `:show`, `:d` is `:draw`."""
