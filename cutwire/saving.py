"""A session as a model file: what was declared, and what was asked as far as it still fits."""

from __future__ import annotations

from dataclasses import replace

from cutwire.session import Session, State, elaborated
from cutwire.texts import Piece, split
from parser.format import format_text
from strings.diagnostic import CutwireError, Diagnostic, Source


def file_text(session: Session, name: str) -> tuple[str, tuple[Diagnostic, ...]]:
    """The text of a model file, and warnings where it does not say everything, or does not run yet."""
    state = session.state
    kept, lost = _fitting(state, session.asked)
    problems: list[Diagnostic] = []
    try:
        elaborated(state)
    except CutwireError as e:
        problems += [replace(d, severity="warning") for d in e.diagnostics]
    if lost and not problems:
        what = ", ".join(f"`{p.source.text[p.start : p.end].strip()[:60]}`" for p in lost[:3])
        problems.append(Diagnostic("R005", f"not saved, as it does not fit any more: {what}", severity="warning"))
    if state.operations:
        done = " then ".join(o.text for o in state.operations)
        problems.append(
            Diagnostic(
                "R005", f"the file holds the model before `{done}`",
                notes=("questions were asked of the model after it; in the file they ask the model as it was",),
                severity="warning",
            )
        )  # fmt: skip
    parts = [*(p.text for p in state.pieces), *state.helpers]
    text = "\n".join(parts) + "\n\n" + "\n".join(_written(p, k) for k, p in enumerate(kept, start=1))
    return format_text(text, name), tuple(problems)


def _written(piece: Piece, number: int) -> str:
    """A question as a statement; a bare claim gets a name."""
    return piece.text.replace("claim it:", f"claim claim_{number}:", 1) if piece.prefix else piece.text


def _fitting(state: State, asked: tuple[Piece, ...]) -> tuple[list[Piece], list[Piece]]:
    """The questions that the declarations can be asked, and the others."""
    once = list({p.text: p for p in asked}.values())
    named = [q for k, p in enumerate(once, start=1) for q in split(Source("<asked>", _written(p, k)))]
    try:
        elaborated(state, named)
        return once, []
    except CutwireError:
        pass
    kept: list[Piece] = []
    lost: list[Piece] = []
    for p, q in zip(once, named, strict=True):
        try:
            elaborated(state, [*(split(Source("<asked>", _written(k, 900 + n)))[0] for n, k in enumerate(kept)), q])
        except CutwireError:
            lost.append(p)
        else:
            kept.append(p)
    return kept, lost
