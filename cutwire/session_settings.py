"""The commands of a session that say how questions are answered and shown."""

from __future__ import annotations

from dataclasses import replace

from cutwire.session import Outcome, Said, Session, enter_statements, said
from cutwire.session_typed import Done, Typed, refuse, refuse_arguments
from cutwire.texts import Piece, shifted, split
from parser import syntax
from strings.diagnostic import CutwireError, Diagnostic, QueryError, Source, Span, did_you_mean


def set_time(session: Session, line: Typed) -> Done:
    if line.rest not in ("", "on", "off"):
        raise refuse(line, f"`{line.rest}` is neither `on` nor `off`", "write `:time on` or `:time off`")
    on = line.rest == "on" if line.rest else not session.settings.timing
    changed = replace(session, settings=replace(session.settings, timing=on))
    return changed, said(f"times are {'shown' if on else 'not shown'}", style="dim")


def set_seed(session: Session, line: Typed) -> Done:
    if line.rest and not line.rest.isdecimal():
        raise refuse(line, f"`{line.rest}` is no seed", "write a whole number: `:seed 7`", label="not a whole number")
    seed = int(line.rest) if line.rest else session.settings.seed
    return replace(session, settings=replace(session.settings, seed=seed)), said(f"seed {seed}", style="dim")


def set_samples(session: Session, line: Typed) -> Done:
    if line.rest and not (line.rest.isdecimal() and int(line.rest)):
        help_ = "write a whole number: `:samples 100000`"
        raise refuse(line, f"`{line.rest}` is no number of samples", help_, label="not a whole number from 1 on")
    samples = int(line.rest) if line.rest else session.settings.samples
    told = f"{samples:,} samples" if samples is not None else "as many samples as usual"
    return replace(session, settings=replace(session.settings, samples=samples)), said(told, style="dim")


def set_semantics(session: Session, line: Typed) -> Done:
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


def set_parameter(session: Session, line: Typed) -> Done:
    parameters = {n.text: p for p in session.state.pieces if isinstance(p.item, syntax.ParamDecl) for n in p.item.names}
    if not line.rest:
        texts = [f"{n} = {_value(p)}" if _value(p) else f"{n} is open" for n, p in parameters.items()]
        return session, said(*(texts or ["there are no parameters"]))
    name, sign, value = (part.strip() for part in line.rest.partition("="))
    if not sign or not value:
        raise refuse(line, f"`:set {line.rest}` sets nothing", "write `:set p = 1/3`")
    if name not in parameters:
        raise _no_parameter(session, line, name, list(parameters))
    text = f"param {name}{_bounds(parameters[name])} = "
    by = len(text) - (line.at + line.rest.index("=") + 1 + _blanks(line.rest.partition("=")[2]))
    try:
        pieces = split(Source("<set>", text + value))
        if len(pieces) > 1:
            raise refuse(line, f"`:set {line.rest}` sets more than a value", "write `:set p = 1/3`")
        session, outcome = enter_statements(session, pieces)
    except CutwireError as e:  # told where the value was typed
        told = (d if d.span is None or d.span.source.name != "<set>" else shifted(d, line.source, by)
                for d in e.diagnostics)  # fmt: skip
        raise type(e)(told) from None
    return session, replace(outcome, shown=(Said(f"{name} = {value}", "dim"),))


def _no_parameter(session: Session, line: Typed, name: str, known: list[str]) -> QueryError:
    model = session.state.model
    where = Span(line.source, line.at, line.at + len(name))
    if model is not None and name in model.parameters:
        message = f"`{name}` is not declared here, but in a block or in another file"
        return QueryError(Diagnostic("R002", message, where, "declared elsewhere", help=("give it its value there",)))
    near = did_you_mean(name, known)
    notes = (f"there are {', '.join(known)}",) if known else ("nothing is declared with `param`",)
    message = f"there is no parameter `{name}`"
    return QueryError(Diagnostic("N002", message, where, "not declared", notes=() if near else notes, help=near))


def _value(piece: Piece) -> str:
    """The text of a parameter's value; empty if it is open."""
    span = piece.item.value.span if isinstance(piece.item, syntax.ParamDecl) and piece.item.value is not None else None
    return piece.source.text[span.start : span.end] if span is not None else ""


def _bounds(piece: Piece) -> str:
    """The text of a parameter's interval and prior."""
    item = piece.item
    assert isinstance(item, syntax.ParamDecl)
    first = item.names[-1].span
    assert first is not None
    value = item.value.span if item.value is not None else None
    text = piece.source.text[first.end : value.start if value is not None else piece.end]
    return text.split("#")[0].rstrip().removesuffix("=").rstrip()


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip())


def clear(session: Session, line: Typed) -> Done:
    refuse_arguments(line)
    return session, Outcome(clears=True)


def leave(session: Session, line: Typed) -> Done:
    refuse_arguments(line)
    return session, Outcome(quits=True)
