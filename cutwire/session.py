"""A session with a model, without any terminal: what has been said so far, and what the next line does to it.

A `Session` is immutable, and `enter` gives the next one beside what there is to show. A line is a statement of the
language, a bare expression (a question), a bare comparison (a claim that is checked at once), a bare diagram, or a
command behind a colon (`cutwire.session_commands`).

>>> session = Session()
>>> for line in ("var Coin : {heads, tails}", "box coin : -> Coin = [1/3, _]"):
...     session, outcome = enter(session, line)
>>> session, outcome = enter(session, "P(Coin = heads)")
>>> outcome.shown[0].distribution[()]
Fraction(1, 3)
>>> enter(session, "P(Coin = edge)")[1].problems[0].message
'`edge` is not a value of `Coin`'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cutwire.changes import Changes
from cutwire.meanings import Options
from cutwire.model import Model
from cutwire.operated import operated_statement
from cutwire.program import Failure, Item, Program
from cutwire.texts import Assembly, Piece, kind_of, names_of, shifted, split, updated
from parser import syntax
from parser.elaborate import elaborate, elaborate_surgery
from parser.expected import statement_meant
from parser.partial import wants_more, what_follows
from parser.program import CheckStatement, Definition, DrawStatement, QueryStatement, Statement
from parser.read import read, read_surgery
from parser.tokens import RESERVED, pieces, starts_statement
from strings.diagnostic import CutwireError, Diagnostic, QueryError, Source
from strings.diagram import Diagram
from strings.query import Query
from strings.surgery import Surgery

if TYPE_CHECKING:
    from cutwire.laws import LawReport

# ---- what a session is -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operation:
    """A surgery that has been done to the model: its text in the language, `do(S := yes)`."""

    text: str
    surgeries: tuple[Surgery, ...] = field(compare=False)
    tables: Mapping[str, Definition] = field(compare=False, hash=False)


@dataclass(frozen=True)
class State:
    """What `:undo` takes back: the declarations so far and the surgeries done to their model.

    `path` is the file that they were loaded from, `using` the model that is spoken of if there are several, `step` says
    in words what led here.
    """

    pieces: tuple[Piece, ...] = ()
    operations: tuple[Operation, ...] = ()
    path: Path | None = None
    using: str = ""
    allow_outside: bool = False
    step: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """The declarations as a model file."""
        return Assembly(self.pieces, "").source.text

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The variables that no box makes, in declared order."""
        items = [p.item for p in self.pieces]
        made = {n.text for i in items if isinstance(i, syntax.BoxDecl) for n in i.outputs}
        declared = [n.text for i in items if isinstance(i, syntax.VariableDecl) for n in i.names]
        return tuple(n for n in declared if n not in made)

    @cached_property
    def policies(self) -> tuple[syntax.BoxDecl, ...]:
        """Boxes for a variable that another box makes already: what surgery can put in its place."""
        made: set[str] = set()
        found = []
        for item in (p.item for p in self.pieces):
            if isinstance(item, syntax.BoxDecl) and len(item.outputs) == 1:
                output = item.outputs[0].text
                if output in made:
                    found.append(item)
                made.add(output)
        return tuple(found)

    @property
    def helpers(self) -> tuple[str, ...]:
        """Statements that make policies known as such, as a file that only declares them needs."""
        taken = {n.text for p in self.pieces for n in names_of(p.item)}
        found = []
        for box in self.policies:
            name = f"with_{box.name.text}"
            while name in taken:
                name += "'"
            inputs = ", ".join(n.text for n in box.inputs)
            found.append(f"surgery {name} = do({box.outputs[0].text} ~ {box.name.text}({inputs}))")
        return tuple(found)

    @property
    def stubs(self) -> tuple[str, ...]:
        """A signature for each variable that no box makes yet."""
        taken = {n.text for p in self.pieces for n in names_of(p.item)}
        found = []
        for n in self.missing:
            name = f"{n}_box"
            while name in taken:
                name += "'"
            found.append(f"box {name} : -> {n}")
        return tuple(found)

    @cached_property
    def program(self) -> Program:
        """The declarations, read and resolved; boxes that are still to come are signatures without inputs.

        Raises:
            CutwireError: with every problem, pointing into what was typed.
        """
        return _elaborated(self, (), self.stubs)[0]

    @property
    def model(self) -> Model | None:
        """The model that is spoken of, as it was declared; nothing if there is none, or it has to be named."""
        try:
            return self.program.find_model(self.using)
        except QueryError:
            return None

    @property
    def surgeries(self) -> tuple[Surgery, ...]:
        return tuple(s for o in self.operations for s in o.surgeries)

    @property
    def tables(self) -> dict[str, Definition]:
        """What defines the boxes that only the surgeries use."""
        return {n: t for o in self.operations for n, t in o.tables.items()}

    @property
    def known(self) -> Model | None:
        """The model as it was declared, with what defines the boxes that only the surgeries use."""
        model = self.model
        return model if model is None or not self.tables else model.defined(self.tables)

    @property
    def operated(self) -> Model | None:
        """The model after the surgeries."""
        known = self.known
        return known if known is None or not self.operations else known.after(*self.surgeries)


@dataclass(frozen=True, slots=True)
class Settings:
    """How questions are answered and shown."""

    semantics: str = ""
    exact: bool = False
    seed: int = 0
    samples: int | None = None
    timing: bool = False
    max_memory: int | None = None

    @property
    def options(self) -> Options:
        return Options(self.exact, self.max_memory, self.samples, self.seed)


@dataclass(frozen=True)
class Session:
    """A session: where it stands, where it has been (`past`), what was undone (`future`), what was `asked`, and the
    `last` answer with the model that it is `about`."""

    state: State = State()
    past: tuple[State, ...] = ()
    future: tuple[State, ...] = ()
    asked: tuple[Piece, ...] = ()
    last: Item | None = field(default=None, compare=False)
    about: Model | None = field(default=None, compare=False)
    settings: Settings = Settings()
    count: int = field(default=0, compare=False)
    told: frozenset[Diagnostic] = field(default=frozenset(), compare=False)

    def to(self, state: State) -> Session:
        """The session in a new state; the one before can be had again by `:undo`."""
        return replace(self, state=state, past=(*self.past, self.state), future=())

    @property
    def model(self) -> Model | None:
        """The model that is spoken of, surgeries done."""
        return self.state.operated


# ---- what there is to show -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """Plain lines; `style` is that of `rich`."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Text in the language."""

    text: str


@dataclass(frozen=True)
class Drawing:
    """A picture to be shown: a diagram, a model with what is done to it, or a question about one.

    `path` is where it has been written.
    """

    title: str
    diagram: Diagram | None = None
    model: Model | None = None
    surgeries: tuple[Surgery, ...] = ()
    path: Path | None = None
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """The derivation of an answer (`:why`), of a question about `model`."""

    item: Item
    model: Model | None = None


@dataclass(frozen=True, slots=True)
class Laws:
    """What came of the laws of a model."""

    report: LawReport


Shown = Item | Said | Code | Drawing | Steps | Laws | Changes


@dataclass(frozen=True)
class Outcome:
    """What a line gives: things to show, and `problems` (errors and warnings). `quits` and `clears` are for the
    terminal."""

    shown: tuple[Shown, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    quits: bool = False
    clears: bool = False

    @property
    def failed(self) -> bool:
        """Whether the line itself could not be done."""
        return any(d.severity == "error" for d in self.problems)


def said(*lines: str, style: str = "") -> Outcome:
    """An outcome of plain lines."""
    return Outcome((Said("\n".join(lines), style),))


# ---- entering --------------------------------------------------------------------------------------------------------


def enter(session: Session, text: str) -> tuple[Session, Outcome]:
    """What a line (or several) does: the next session, and what there is to show. An error changes nothing."""
    stripped = text.strip()
    if not stripped or all(p.kind == "comment" for p in pieces(stripped)):
        return session, Outcome()
    source = Source(f"<input {session.count + 1}>", text.rstrip())
    counted = replace(session, count=session.count + 1)
    try:
        if stripped.startswith(":"):
            from cutwire.session_commands import perform

            return perform(counted, source)
        return enter_statements(counted, read_typed(counted, source))
    except CutwireError as e:
        return counted, Outcome(problems=e.diagnostics)


PREFIXES = ("query ", "claim it: ", "claim it: diagram ", "diagram it = ")
"""What a bare expression is short for: the first of these statements that it makes."""


def read_typed(session: Session, source: Source) -> tuple[Piece, ...]:
    """The statements of a typed text; a bare expression becomes the statement that it is short for.

    Raises:
        LanguageError: with all syntax errors.
    """
    if not _is_bare(source.text):
        return split(source)
    for prefix in bare_prefixes(session, source.text):
        if what_follows(prefix + source.text).whole:
            (piece, *more) = split(source, prefix)
            if prefix == "query " and isinstance(piece.item, syntax.Query) and _is_claim(piece.item):
                (piece, *more) = split(source, "claim it: ")
            return (piece, *more)
    return split(source, "query ")


def _is_claim(item: syntax.Query) -> bool:
    return isinstance(item.expression, syntax.Comparison)


def bare_prefixes(session: Session, text: str) -> tuple[str, ...]:
    """What a bare expression may be short for, the likeliest first: boxes and diagrams, and nothing that is not part of
    diagrams, make one."""
    known: dict[str, set[str]] = {}
    for p in session.state.pieces:
        known.setdefault(kind_of(p.item), set()).update(n.text for n in names_of(p.item))
    words = {p.text for p in pieces(text) if p.kind == "word"}
    boxes = known.get("box", set()) | known.get("diagram", set())
    others = known.get("type", set()) | known.get("var", set()) | {"id", "copy", "swap", "discard", "uniform"}
    return PREFIXES[::-1] if words & boxes and words <= boxes | others else PREFIXES


def _slip_for_statement(text: str) -> bool:
    """Whether a text looks like a statement whose first word is misspelt: `vra S : {no, yes}`."""
    match = re.match(r"\s*([^\W\d]\w*)[ \t]+[^\W\d]", text)
    return match is not None and match[1] not in RESERVED and bool(statement_meant(match[1]))


def incomplete(session: Session, text: str) -> bool:
    """Whether a text that is being typed wants more lines."""
    if text.lstrip().startswith(":") or all(p.kind == "comment" for p in pieces(text)):
        return False
    if not _is_bare(text):
        return wants_more(text)
    found = [what_follows(prefix + text) for prefix in bare_prefixes(session, text)]
    return not any(f.whole for f in found) and any(f.sound for f in found)


def _is_bare(text: str) -> bool:
    """Whether a text is a bare expression, and no statement: `diagram f == g` is one, too."""
    parts = [p for p in pieces(text) if p.kind != "comment"]
    if not parts or parts[0].kind == "doc" or _slip_for_statement(text):
        return False
    if not starts_statement(parts, 0):
        return True
    return parts[0].text == "diagram" and not what_follows(text).sound and what_follows(f"claim it: {text}").sound


def enter_statements(session: Session, typed: Sequence[Piece]) -> tuple[Session, Outcome]:
    """Declare what is declared, then answer what is asked.

    Raises:
        CutwireError: with all problems; then nothing has changed.
    """
    old = session.state
    new = [p for p in typed if not p.is_question and not _is_bare_diagram(p)]
    asked = [p for p in typed if p.is_question or _is_bare_diagram(p)]
    shown: list[Shown] = []
    if new:
        changed, replaced = updated(old.pieces, new)
        step = "; ".join(p.summary for p in new)
        state = replace(old, pieces=changed, step=step if len(step) <= 60 else step[:59] + "…")
        _resolve(state, typed)
        state = _again(state)
        session = session.to(state)
        shown += _declared(old, state, new, replaced)
    state = session.state
    _resolve(state, typed)
    warnings = list(state.program.warnings)
    if asked:
        session, answers, noticed = _answer(session, asked)
        shown += answers
        warnings += noticed
    fresh = tuple(dict.fromkeys(w for w in warnings if w not in session.told))
    session = replace(session, told=session.told | set(fresh))
    return session, Outcome(tuple(shown), fresh)


def _resolve(state: State, typed: Sequence[Piece]) -> None:
    """Raise what is wrong with the declarations; what does not fit new ones any more has to be typed with them."""
    try:
        state.program  # noqa: B018
    except CutwireError as e:
        here = {p.source.name for p in typed}
        if any(d.span is not None and d.span.source.name in here for d in e.diagnostics):
            raise
        *rest, last = e.diagnostics
        help_ = "nothing has changed: what has to change together can be typed in one go, statement behind statement"
        raise type(e)([*rest, replace(last, help=(*last.help, help_))]) from None


def _is_bare_diagram(piece: Piece) -> bool:
    return piece.prefix == "diagram it = "


def _declared(old: State, state: State, new: Sequence[Piece], replaced: Sequence[str]) -> list[Shown]:
    """What is worth saying of new declarations: what they replace, and what is still missing."""
    found: list[Shown] = []
    if replaced:
        found.append(Said(f"replaced {', '.join(dict.fromkeys(replaced))}", "dim"))
    for box in state.policies:
        if box not in old.policies:
            inputs = ", ".join(n.text for n in box.inputs)
            use = f"do({box.outputs[0].text} ~ {box.name.text}({inputs}))"
            found.append(Said(f"another box for {box.outputs[0].text}: {use} puts it in place", "dim"))
    touched = {n for p in new for _, n in p.declares} | {
        n.text for p in new if isinstance(p.item, syntax.BoxDecl) for n in p.item.outputs
    }
    if state.missing and (touched & set(state.missing) or old.missing != state.missing):
        found.append(Said(f"no box makes {', '.join(state.missing)} yet", "dim"))
    return found


def _elaborated(state: State, asked: Sequence[Piece], extra: Sequence[str]) -> tuple[Program, Assembly]:
    """The declarations with questions behind them.

    Raises:
        CutwireError: with every problem, pointing into what was typed.
    """
    name = str(state.path) if state.path is not None else "<session>"
    added = [p for text in (*state.helpers, *extra) for p in split(Source("<added>", text))]
    whole = Assembly((*state.pieces, *added, *asked), name)
    folder = state.path.parent if state.path is not None else Path.cwd()
    source = whole.source
    try:
        return Program(elaborate(read(source.text, name), source, folder, allow_outside=state.allow_outside)), whole
    except CutwireError as e:
        raise type(e)(whole.placed(e.diagnostics)) from None


def elaborated(state: State, asked: Sequence[Piece] = ()) -> tuple[Program, Assembly]:
    """The declarations with questions behind them, nothing left out.

    Raises:
        CutwireError: with every problem, pointing into what was typed.
    """
    return _elaborated(state, asked, ())


def _again(state: State) -> State:
    """The state with its surgeries resolved once more, as the declarations have changed.

    Raises:
        CutwireError: if one does not fit any more.
    """
    operations = tuple(operation(state, o.text, Source(f"<{o.text}>", o.text), 0) for o in state.operations)
    return replace(state, operations=operations)


def operation(state: State, text: str, source: Source, by: int) -> Operation:
    """A surgery on the model of a state; `text` is that of the source, its places `by` characters further.

    Raises:
        CutwireError: if there is no model, or the surgery does not fit.
    """
    model = current_model(state)
    try:
        surgeries, tables = elaborate_surgery(read_surgery(text, source.name), model.definition)
        done = Operation(text, surgeries, tables)
        replace(state, operations=(*(o for o in state.operations if o.text != text), done)).operated  # noqa: B018
    except CutwireError as e:
        raise type(e)(shifted(d, source, by) for d in e.diagnostics) from None
    return done


def current_model(state: State) -> Model:
    """The model that is spoken of, as it was declared.

    Raises:
        QueryError: M007 if there is none, or several and none was chosen.
    """
    program = state.program
    if not program.models:
        help_ = ("declare variables and boxes, or load a file: `:load FILE`",)
        raise QueryError(Diagnostic("M007", "there is no model yet", help=help_))
    if not state.using and len(program.models) > 1 and program.elaborated.main not in program.models:
        notes = (f"there are {', '.join(program.models)}",)
        raise QueryError(Diagnostic("M007", "which model?", notes=notes, help=("choose one: `:model NAME`",)))
    return program.find_model(state.using)


# ---- answering -------------------------------------------------------------------------------------------------------


def _answer(session: Session, asked: Sequence[Piece]) -> tuple[Session, list[Shown], list[Diagnostic]]:
    """Answer questions; an error of one does not keep the others from being answered.

    Raises:
        CutwireError: if they cannot be read or resolved.
    """
    state = session.state
    chosen = [_using(state, p) for p in asked]
    program, whole = elaborated(state, (*_needed(session.asked, chosen), *chosen))
    first = len(whole.pieces) - len(chosen)
    shown: list[Shown] = []
    done: list[Piece] = []
    last, about = session.last, session.about
    failed: list[Diagnostic] = []
    seen: set[int] = set()
    for k, piece in enumerate(chosen):
        if _is_bare_diagram(piece):
            text = piece.source.text.strip()
            shown.append(Drawing(text, program.diagrams["it"]))
            continue
        errors: list[Diagnostic] = []
        for statement in _statements_of(program, whole, piece, first + k):
            if id(statement) in seen:  # a claim that a check speaks of
                continue
            seen.add(id(statement))
            try:
                item = _do(session, program, statement)
            except CutwireError as e:  # out of time
                raise type(e)(whole.placed(e.diagnostics)) from None
            if isinstance(item, Failure):
                errors += whole.placed(item.error.diagnostics)
                continue
            shown.append(item)
            if not isinstance(item, Drawing):
                last, about = item, program.models.get(statement.model)
        failed += errors
        if not errors and not isinstance(piece.item, syntax.Draw | syntax.DrawQuestion):
            done.append(piece)
    noticed = list(whole.placed(program.warnings))
    kept, _ = updated(session.asked, [p for p in done if p.declares and p.prefix == ""])
    others = [p for p in done if not p.declares or p.prefix]
    session = replace(session, asked=(*kept, *others), last=last, about=about)
    return session, shown, [*noticed, *failed]


def _using(state: State, piece: Piece) -> Piece:
    """A bare question with the model that is spoken of."""
    if piece.prefix == "query " and state.using and isinstance(piece.item, syntax.Query) and not piece.item.using:
        return replace(piece, source=Source(piece.source.name, f"{piece.source.text} using {state.using}"),
                       end=piece.end + len(f" using {state.using}"))  # fmt: skip
    return piece


def _needed(before: Iterable[Piece], asked: Sequence[Piece]) -> tuple[Piece, ...]:
    """The questions and claims asked before that new ones speak of: by name, or all of them."""
    words = {p.text for a in asked for p in pieces(a.text)}
    again = {n for a in asked for n in a.declares}
    everything = any(isinstance(a.item, syntax.Check) and not a.item.names for a in asked)

    def spoken_of(p: Piece) -> bool:
        names = {n for _, n in p.declares}
        if not names or p.declares & again or p.prefix:
            return False
        return bool(names & words) or (everything and isinstance(p.item, syntax.Claim))

    return tuple(p for p in before if spoken_of(p))


def _statements_of(program: Program, whole: Assembly, piece: Piece, number: int) -> list[Statement]:
    """What a question comes to; a `check` speaks of claims that stand elsewhere."""
    if isinstance(piece.item, syntax.Check):
        names = {n.text for n in piece.item.names}
        return [s for s in program.statements if isinstance(s, CheckStatement) and (not names or s.name in names)]
    return [s for s in program.statements if whole.piece_at(s.span) == number]


def _do(session: Session, program: Program, statement: Statement) -> Item | Drawing:
    """Answer one statement, of the model after the surgeries that were done to it."""
    state, settings = session.state, session.settings
    about = state.model.name if state.model is not None else ""
    if isinstance(statement, CheckStatement) and statement.name == "it":
        statement = replace(statement, name=statement.text)
    if statement.model == about and not getattr(statement, "using", ""):
        statement = operated_statement(statement, state.surgeries, state.tables)
    if isinstance(statement, DrawStatement):
        return _drawing(program, statement)
    if settings.seed and isinstance(statement, CheckStatement) and not statement.seed:
        statement = replace(statement, seed=settings.seed)
    semantics = "" if isinstance(statement, QueryStatement) and statement.data else settings.semantics
    one = Program(replace(program.elaborated, statements=(statement,)))
    (item,) = one.run(options=settings.options, semantics=semantics, keep_going=True)
    return item


def _drawing(program: Program, statement: DrawStatement) -> Item | Drawing:
    """A picture: written where the statement says, else shown."""
    if statement.path is not None:
        one = Program(replace(program.elaborated, statements=(statement,)))
        (item,) = one.run(keep_going=True)
        return item
    if statement.diagram is not None:
        return Drawing(statement.title, statement.diagram)
    model = program.models[statement.model]
    return Drawing(statement.title, None, model, statement.surgeries, query=statement.query)


def opened(path: Path, allow_outside: bool = False) -> tuple[State, tuple[Piece, ...], tuple[Diagnostic, ...]]:
    """The declarations of a model file, what it asks, and what was changed if another program wrote it: a network or a
    graph is read as the model file that `cutwire convert` makes of it.

    Raises:
        CutwireError: with every problem of the file.
    """
    from cutwire.opening import is_brought
    from parser.read import read_text

    told: tuple[Diagnostic, ...] = ()
    if is_brought(path.name):
        from cutwire.conversion import read_brought
        from cutwire.formats import to_causal

        brought = read_brought(str(path))
        text, told = to_causal(brought.model, brought.exposures, brought.outcomes)
        told = (*brought.model.found_on_reading, *told)
    else:
        text = read_text(path)
    found = split(Source(str(path), text))
    state = State(
        tuple(p for p in found if not p.is_question), path=path, allow_outside=allow_outside, step=f"load {path.name}"
    )
    state.program  # noqa: B018
    return state, tuple(p for p in found if p.is_question), told
