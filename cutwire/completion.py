"""What can be completed where: words of the language that the parser takes there, and names of the session.

>>> from cutwire.session import Session, enter
>>> session, _ = enter(Session(), "var S, T : {no, yes}")
>>> [c.text for c in candidates(session, "P(T = y")]
['yes']
>>> [c.text for c in candidates(session, ":lo")]
['load']
>>> [c.text for c in candidates(session, "P(T = no | do(")]
['S', 'T']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cutwire.interpreted import SEMANTICS
from cutwire.session import Session, bare_prefixes
from cutwire.texts import kind_of, names_of
from parser import syntax
from parser.partial import what_follows
from parser.tables import terminals
from parser.tokens import STATEMENTS, Piece, pieces, starts_statement
from strings.diagnostic import CutwireError
from strings.expression import FAMILIES, FUNCTIONS
from strings.signature import spelled, spelled_value

_BRACKETS = {"PROB": "P(", "EXPECTATION": "E(", "_DO": "do(", "_CUT": "cut(", "_SUM": "sum["}
_SEMANTICS = ("auto", *SEMANTICS)
_STRUCTURE = ("id", "copy", "swap", "discard", "uniform")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A completion: its text, how many characters before the cursor it replaces, and what it is."""

    text: str
    replaces: int
    about: str = ""


def candidates(session: Session, text: str) -> list[Candidate]:
    """What the text before the cursor can go on with."""
    command = re.match(r"\s*:([^\W\d_]*!?)(\s+)?", text)
    if command is None:
        return _of_language(session, text)
    from cutwire.session_commands import COMMANDS

    word, rest = command[1], text[command.end() :]
    if not command[2]:
        return [Candidate(n, len(word), c.about) for n, c in COMMANDS.items() if n.startswith(word)]
    name = next((n for n in COMMANDS if n.startswith(word.rstrip("!"))), "")
    match name:
        case "help":
            return _some(COMMANDS, rest, "command")
        case "load" | "save":
            return _files(rest)
        case "semantics":
            return _some(_SEMANTICS, rest)
        case "time":
            return _some(("on", "off"), rest)
        case "set" | "derivative":
            return _some(_named(session, "param"), rest, "parameter")
        case "model":
            return _some(_models(session), rest, "model")
        case "show":
            return _some([n.text for p in session.state.pieces for n in names_of(p.item)], rest)
        case "draw":
            return _some([*_models(session), *_named(session, "diagram"), *_named(session, "box")], rest)
        case "do" | "cut":
            found = _of_language(session, f"surgery it = {name}({rest}")
            return found or _some(_named(session, "surgery"), rest, "surgery")
        case "changes":
            found = [
                c for n in _named(session, "var")[:1] for c in _of_language(session, f"query P({spelled(n)} | {rest}")
            ]
            return [*found, *_some(_named(session, "surgery"), rest, "surgery")]
        case "identify":
            return _of_language(session, f"identify {rest}")
        case "type":
            names = [n.text for p in session.state.pieces for n in names_of(p.item)]
            return _some(names, rest) if re.fullmatch(r"[\w']*", rest) else _of_language(session, rest)
        case _:
            return []


def _some(names: Iterable[str], typed: str, about: str = "") -> list[Candidate]:
    return [Candidate(n, len(typed), about) for n in dict.fromkeys(names) if n.startswith(typed)]


def _files(typed: str) -> list[Candidate]:
    """Model files and folders."""
    head, _, tail = typed.rpartition("/")
    folder = Path(f"{head}/" if head or typed.startswith("/") else ".").expanduser()
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    shown = [e for e in entries if e.name.startswith(tail) and (tail.startswith(".") or not e.name.startswith("."))]
    return [
        Candidate(e.name + "/" * e.is_dir(), len(tail), "folder" if e.is_dir() else "")
        for e in shown
        if e.is_dir() or e.suffix == ".causal"
    ]


def _named(session: Session, *kinds: str) -> list[str]:
    return [n.text for p in session.state.pieces if kind_of(p.item) in kinds for n in names_of(p.item)]


def _models(session: Session) -> list[str]:
    try:
        return list(session.state.program.models)
    except CutwireError:
        return []


# ---- the language ----------------------------------------------------------------------------------------------------


def _of_language(session: Session, text: str) -> list[Candidate]:
    word = re.search(r"(?:[^\W\d]\w*'*)?$", text)
    typed = word[0] if word else ""
    before = text[: len(text) - len(typed)]
    parts = [p for p in pieces(before) if p.kind not in ("comment", "doc")]
    found: dict[str, str] = {}
    bare = not parts or not starts_statement(parts, 0)
    if not parts:
        found |= {f"{w} ": "statement" for w in STATEMENTS} | {"P(": "", "E(": ""}
        found |= dict.fromkeys([*_named(session, "box", "diagram")], "diagram")
    for prefix in bare_prefixes(session, before) if bare and parts else ("",):
        follow = what_follows(prefix + before)
        if not follow.sound:
            continue
        whole = [p for p in pieces(prefix + before) if p.kind not in ("comment", "doc")]
        if parts:
            found |= dict.fromkeys(_words(follow.accepts, whole), "")
        if "NAME" in follow.accepts and parts:
            names = _names(session, whole)
            found = {**names, **found} if not _is_value(session, whole) else names
        break
    return [Candidate(w, len(typed), about) for w, about in found.items() if w.startswith(typed) and w != typed]


def _words(accepts: frozenset[str], parts: Sequence[Piece]) -> Iterator[str]:
    """The words that the parser takes; statements only where a line begins."""
    for word, name in terminals()[1].items():
        if name in accepts and word not in STATEMENTS:
            yield word
    yield from (text for name, text in _BRACKETS.items() if name in accepts)
    if "FUNCTION" in accepts:
        yield from (f"{n}(" for n in dict.fromkeys((*FAMILIES, "flip", *FUNCTIONS)))
    if "_INDEPENDENT" in accepts:
        yield "_||_ "


def _is_value(session: Session, parts: Sequence[Piece]) -> bool:
    return bool(_values(session, parts))


def _names(session: Session, parts: Sequence[Piece]) -> dict[str, str]:
    """The names that make sense behind some pieces."""
    values = _values(session, parts)
    if values:
        return {spelled_value(v): "value" for v in values}
    last, first = parts[-1].text, parts[0].text
    variables = _named(session, "var")
    if last in STATEMENTS and last not in ("draw", "interpret", "check", "query", "estimate", "diagram"):
        return {}
    match last:
        case "from":
            return dict.fromkeys(_named(session, "data"), "data")
        case "using":
            return dict.fromkeys(_models(session), "model")
        case "unit":
            return dict.fromkeys(("odds", "bits", "decibans", "percent"), "unit")
        case "after" | "then":
            return dict.fromkeys(_named(session, "surgery"), "surgery")
        case "check":
            return dict.fromkeys((n.text for p in session.asked if isinstance(p.item, syntax.Claim)
                                  for n in names_of(p.item)), "claim")  # fmt: skip
    if first in ("var", "latent") and last == ":":
        return {**dict.fromkeys(_named(session, "domain"), "domain"), "real": "numbers", "count": "0, 1, 2, …"}
    if first in ("draw", "diagram") and (first == "draw" or "=" in [p.text for p in parts]):
        names = dict.fromkeys(_models(session), "model") if last == "draw" else {}
        names |= dict.fromkeys(_named(session, "box", "diagram"), "box") | dict.fromkeys(_STRUCTURE, "structure")
        return names | dict.fromkeys([*_named(session, "type"), *variables], "type") if last in ("[", ",") else names
    if first in ("var", "latent", "param", "domain", "type", "model"):
        return {}
    found = dict.fromkeys(variables, "variable")
    if first == "box":
        found |= dict.fromkeys(_named(session, "type"), "type")
    if first in ("box", "query", "claim", "surgery", "interpret") and not _in_question(parts):
        found |= dict.fromkeys(_named(session, "param"), "parameter")
    return found


def _in_question(parts: Sequence[Piece]) -> bool:
    """Whether the last piece stands in the brackets of `P(…)` or `E(…)` itself, where only variables make sense."""
    opened: list[str] = []
    for before, piece in zip(["", *(p.text for p in parts)], parts, strict=False):
        if piece.text == "(":
            opened.append(before)
        elif piece.text == ")" and opened:
            opened.pop()
    return bool(opened) and opened[-1] in ("P", "E")


def _values(session: Session, parts: Sequence[Piece]) -> tuple[str, ...]:
    """The values of the variable that the last pieces speak of: behind `=`, in a list `in {…}`, in a row of a table."""
    try:
        model = session.state.model
    except CutwireError:
        return ()
    if model is None or not parts:
        return ()

    def of(name: str) -> tuple[str, ...]:
        return (model.shape.object(name).values or ()) if name in model.shape.names else ()

    texts = [p.text for p in parts]
    if texts[-1] in ("=", ":=", "!=") and len(texts) > 1:
        if texts[0] in ("box", "data", "param", "domain") and texts.count("=") == 1 and "(" not in texts:
            return ()
        wire = len(texts) > 3 and texts[-3] == "->"
        return of(texts[-4] if wire else texts[-2])
    if texts[-1] in ("{", ",") and "{" in texts:
        opened = len(texts) - 1 - texts[::-1].index("{")
        if opened > 1 and texts[opened - 1] == "in" and "}" not in texts[opened:]:
            return of(texts[opened - 2])
    if texts[0] == "box" and "|" in texts and ":" in texts and "=" in texts:
        return _in_row(texts, of)
    return ()


def _in_row(texts: Sequence[str], of: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    """The values at a place in the rows of a box: of an input before the arrow, of the output behind it."""
    head = texts[texts.index(":") + 1 : texts.index("=")]
    if "->" not in head:
        return ()
    arrow = head.index("->")
    inputs, output = [t for t in head[:arrow] if t != ","], head[-1]
    row = texts[len(texts) - 1 - texts[::-1].index("|") :]
    if "->" in row:
        return of(output) if row[-1] == "->" or (row[-1] in "{," and "{" in row) else ()
    return of(inputs[row.count(",")]) if row.count(",") < len(inputs) and row[-1] in ("|", ",") else ()
