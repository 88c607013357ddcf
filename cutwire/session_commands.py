"""The commands of a session: a table of them, and what each does.

A command is a colon, a word that may be shortened, and arguments: `:t S`, `:draw model.svg`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cutwire.session import (
    Code,
    Drawing,
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
from cutwire.texts import Piece, kind_of, names_of, shifted, split
from parser import syntax
from parser.files import PICTURES
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, QueryError, Source, Span, did_you_mean
from strings.signature import show_type

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


def _refuse(line: Typed, message: str, *help_: str, label: str = "") -> QueryError:
    return QueryError(Diagnostic("R002", message, line.span, label, help=help_))


def _nothing(line: Typed) -> None:
    if line.rest:
        raise _refuse(line, f"`:{line.word}` takes no arguments", label="not expected")


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
        raise _refuse(line, "`:type` of what?", "write `:type NAME` or `:type EXPRESSION`")
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
        return str(parameter).removeprefix("param ").removeprefix(name).strip() or "a number"
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
    _nothing(line)
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
        raise _refuse(line, f"`:{word}` to what?", help_)
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
    _nothing(line)
    if not session.past:
        raise QueryError(Diagnostic("R003", "there is nothing to undo"))
    *before, state = session.past
    undone = session.state.step
    changed = replace(session, state=state, past=tuple(before), future=(session.state, *session.future))
    return changed, said(f"undone: {undone}", style="dim")


def _redo(session: Session, line: Typed) -> Done:
    _nothing(line)
    if not session.future:
        raise QueryError(Diagnostic("R003", "there is nothing to redo"))
    state, *after = session.future
    changed = replace(session, state=state, past=(*session.past, session.state), future=tuple(after))
    return changed, said(f"done again: {state.step}", style="dim")


def _worlds(session: Session, line: Typed) -> Done:
    states = (*session.past, session.state, *session.future)
    if line.rest:
        if not line.rest.isdecimal() or not 1 <= int(line.rest) <= len(states):
            raise _refuse(line, f"there is no state `{line.rest}`", f"there are 1 to {len(states)}")
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
        raise _refuse(line, "`:identify` what?", "write `:identify P(C | do(S))`, with `from P(S, C)` if you like")
    return enter_statements(session, (_piece(line, line.rest, "identify "),))


def _why(session: Session, line: Typed) -> Done:
    _nothing(line)
    if session.last is None:
        raise QueryError(Diagnostic("R003", "nothing has been answered yet", help=("ask: `P(C | do(S := yes))`",)))
    return session, Outcome((Steps(session.last, session.state.model),))


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
        raise _refuse(line, "`:load` which file?", "write `:load model.causal`")
    return load_file(session, _path(line))


def load_file(session: Session, path: Path) -> Done:
    """The session with a model file in place of what was declared.

    Raises:
        CutwireError: with every problem of the file.
    """
    state, asked = opened(path, session.state.allow_outside)
    program = state.program
    names = ", ".join(f"model {n}" for n in program.models) or ", ".join(f"diagram {n}" for n in program.diagrams)
    more = f"; {len(asked)} statement(s) that ask, `:run` answers them" if asked else ""
    missing = (Said(f"no box makes {', '.join(state.missing)} yet", "dim"),) if state.missing else ()
    outcome = Outcome((Said(f"{names or 'nothing declared'}{more}", "dim"), *missing), program.warnings)
    session = replace(session.to(state), asked=asked, last=None, told=session.told | set(program.warnings))
    return session, outcome


def _reload(session: Session, line: Typed) -> Done:
    _nothing(line)
    if session.state.path is None:
        raise QueryError(Diagnostic("R003", "nothing has been loaded", help=("load a file: `:load FILE`",)))
    return load_file(session, session.state.path)


def _run(session: Session, line: Typed) -> Done:
    _nothing(line)
    if not session.asked:
        raise QueryError(Diagnostic("R003", "nothing has been asked"))
    return enter_statements(session, session.asked)


def _save(session: Session, line: Typed) -> Done:
    from cutwire.saving import file_text

    path = _path(line) if line.rest else session.state.path
    if path is None:
        raise _refuse(line, "`:save` to which file?", "write `:save model.causal`")
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


# ---- settings --------------------------------------------------------------------------------------------------------


def _time(session: Session, line: Typed) -> Done:
    if line.rest not in ("", "on", "off"):
        raise _refuse(line, f"`{line.rest}` is neither `on` nor `off`", "write `:time on` or `:time off`")
    on = line.rest == "on" if line.rest else not session.settings.timing
    changed = replace(session, settings=replace(session.settings, timing=on))
    return changed, said(f"times are {'shown' if on else 'not shown'}", style="dim")


def _seed(session: Session, line: Typed) -> Done:
    if line.rest and not line.rest.isdecimal():
        raise _refuse(line, f"`{line.rest}` is no seed", "write a whole number: `:seed 7`", label="not a whole number")
    seed = int(line.rest) if line.rest else session.settings.seed
    return replace(session, settings=replace(session.settings, seed=seed)), said(f"seed {seed}", style="dim")


def _semantics(session: Session, line: Typed) -> Done:
    from cutwire.interpreted import check_semantics

    if not line.rest:
        return session, said(f"semantics {session.settings.semantics or 'auto: what suits the question'}", style="dim")
    name = "" if line.rest in ("auto", "default") else line.rest
    if name:
        try:
            check_semantics(name)
        except CutwireError as e:
            raise e.at(line.span) from None
    return replace(session, settings=replace(session.settings, semantics=name)), said(
        f"semantics {line.rest}", style="dim"
    )


def _set(session: Session, line: Typed) -> Done:
    parameters = [(n, p) for p in session.state.pieces if isinstance(p.item, syntax.ParamDecl) for n in p.item.names]
    name, sign, value = (part.strip() for part in line.rest.partition("="))
    if not line.rest:
        texts = [f"{n.text} = {_slice(p, p.item.value.span)}" if isinstance(p.item, syntax.ParamDecl) and p.item.value
                 else f"{n.text} is open" for n, p in parameters]  # fmt: skip
        return session, said(*(texts or ["there are no parameters"]))
    if not sign or not value:
        raise _refuse(line, f"`:set {line.rest}` sets nothing", "write `:set p = 1/3`")
    found = next((p for n, p in parameters if n.text == name), None)
    if found is None:
        known = [n.text for n, _ in parameters]
        where = Span(line.source, line.at, line.at + len(name))
        notes = (f"there are {', '.join(known)}",) if known else ("nothing is declared with `param`",)
        near = did_you_mean(name, known)
        raise QueryError(Diagnostic("N002", f"there is no parameter `{name}`", where, "not declared",
                                    notes=() if near else notes, help=near))  # fmt: skip
    item = found.item
    assert isinstance(item, syntax.ParamDecl)
    between = item.names[-1].span
    end = item.value.span.start if item.value is not None and item.value.span else found.end
    assert between is not None
    middle = found.source.text[between.end : end].split("#")[0].rstrip().removesuffix("=").rstrip()
    text = f"param {name}{middle} = {value}"
    (piece,) = _rewritten(line, text, value)
    session, outcome = enter_statements(session, (piece,))
    return session, replace(outcome, shown=(Said(f"{name} = {value}", "dim"),))


def _slice(piece: Piece, span: Span | None) -> str:
    return piece.source.text[span.start : span.end] if span is not None else ""


def _rewritten(line: Typed, text: str, value: str) -> tuple[Piece, ...]:
    """A declaration made of the arguments of a command; what is wrong with its value is told there."""
    source = Source("<set>", text)
    try:
        return split(source)
    except CutwireError as e:
        by = len(text) - len(value) - (line.at + line.rest.rindex(value))
        raise LanguageError(shifted(d, line.source, by) for d in e.diagnostics) from None


def _clear(session: Session, line: Typed) -> Done:
    _nothing(line)
    return session, Outcome(clears=True)


def _quit(session: Session, line: Typed) -> Done:
    _nothing(line)
    return session, Outcome(quits=True)


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
    Command("undo", "", "take the last declaration or surgery back", _undo),
    Command("redo", "", "do again what was undone", _redo),
    Command("worlds", "[NUMBER]", "the states of this session; with a number, go there", _worlds),
    Command("identify", "P(…) [from P(…)]", "whether an effect follows from data", _identify),
    Command("why", "", "how the last answer came about", _why),
    Command("model", "[NAME]", "the models there are, or which one to speak of", _model),
    Command("load", "FILE", "start from a model file", _load),
    Command("reload", "", "read the file again", _reload),
    Command("run", "", "answer everything that was asked, or that the file asks", _run),
    Command("save", "[FILE]", "write a model file that runs (`:save! FILE` replaces a file)", _save),
    Command("set", "[p = 1/3]", "give a parameter a value", _set),
    Command("semantics", "[NAME]", "how questions are answered: matrix, exact, symbolic, … or auto", _semantics),
    Command("seed", "[K]", "for other random numbers", _seed),
    Command("time", "[on|off]", "show how long answers take", _time),
    Command("clear", "", "clear the screen", _clear),
    Command("quit", "", "leave (so does Ctrl-D)", _quit),
)  # fmt: skip

COMMANDS = {c.name: c for c in _TABLE}
"""The commands by name. The first that a shortened word begins is meant: `:s` is `:show`, `:d` is `:draw`."""
