"""Ways of writing that other languages and papers teach: `Pr(…)`, `<>`, `.9`, `// comment`, `for s in S`.

Each recogniser looks at a slip, and says how it is written here, or returns `None`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from parser.slips import Slip, at
from strings.diagnostic import Diagnostic, Span

_PROBABILITY = {
    **dict.fromkeys(("p", "Pr", "pr", "PR", "Prob", "prob", "PROB"), "P"),
    **dict.fromkeys(("e", "Ex", "EE", "Exp", "mean", "expectation"), "E"),
}
_OPTIONS = ("for", "unit", "using", "expect", "from", "assuming", "after", "within", "seed", "bootstrap", "level",
            "exposing")  # fmt: skip


def _together(slip: Slip, first: int, last: int) -> Span | None:
    """Where two pieces stand, if nothing stands between them; counted from the one in question."""
    one, other = slip.at + first, slip.at + last
    if one < 0 or other >= len(slip.parts) or slip.parts[one].end != slip.parts[other].start:
        return None
    return Span(slip.source, slip.parts[one].start, slip.parts[other].end)


def _pair(slip: Slip, *pairs: str) -> tuple[Span, str] | None:
    """One of the pairs of signs, with the piece in question in it."""
    for first in (0, -1):
        where = _together(slip, first, first + 1)
        if where is not None and where.text in pairs:
            return where, where.text
    return None


def _comparison(slip: Slip) -> Diagnostic | None:
    found = _pair(slip, "<>", "=<")
    if found is None:
        return None
    sign = {"<>": "!=", "=<": "<="}[found[1]]
    message = f"`{sign}` is meant here, not `{found[1]}`"
    return Diagnostic("P018", message, found[0], "another sign", help=(f"write `{sign}`",))


def _comment(slip: Slip) -> Diagnostic | None:
    found = _pair(slip, "//", "/*", "--")
    if found is None:
        return None
    message = f"`{found[1]}` starts no comment here"
    help_ = ("write `#`; a comment goes to the end of its line",)
    return Diagnostic("P018", message, found[0], "another sign", help=help_)


def _point_first(slip: Slip) -> Diagnostic | None:
    """`.9`"""
    where = _together(slip, 0, 1)
    if slip.text() != "." or where is None or not slip.text(1)[:1].isdigit():
        return None
    help_ = (f"write `0{where.text}`",)
    return Diagnostic("P009", f"`{where.text}` lacks its zero", where, "starts with a point", help=help_)


def _decimal_comma(slip: Slip) -> Diagnostic | None:
    """`1,5`"""
    if slip.text() != "," or not (slip.text(-1).isdigit() and slip.text(1).isdigit()):
        return None
    if _together(slip, -1, 0) is None or _together(slip, 0, 1) is None:
        return None
    where = Span(slip.source, slip.parts[slip.at - 1].start, slip.parts[slip.at + 1].end)
    number = where.text.replace(",", ".")
    return Diagnostic("P009", "a decimal has a point", where, "a comma separates", help=(f"write `{number}`",))


def _square_operation(slip: Slip) -> Diagnostic | None:
    """`do[S := yes]`"""
    word = slip.text()
    if slip.text(1) != "[" or word not in ("do", "cut") or slip.inside not in ("P(", "E("):
        return None
    form = "do(S := yes)" if word == "do" else "cut(S)"
    bracket = slip.parts[slip.at + 1]
    where = Span(slip.source, bracket.start, bracket.end)
    message = f"`{word}` takes the bracket `(`"
    return Diagnostic("P018", message, where, "expected `(` here", help=(f"write `{form}`",))


def _probability(slip: Slip) -> Diagnostic | None:
    """`Pr(…)`"""
    letter = _PROBABILITY.get(slip.text(-1))
    if slip.text() != "(" or letter is None or slip.statement in ("box", "diagram", "interpret", "draw", "data"):
        return None
    message = f"`{letter}` is meant here, not `{slip.text(-1)}`"
    return Diagnostic("P018", message, slip.before_span, "another word", help=(f"write `{letter}(…)`",))


def _distribution_set(slip: Slip) -> Diagnostic | None:
    """`do(S = flip(1/4))`"""
    if slip.inside != "do(":
        return None
    back = 2 if slip.text() == "(" else 1 if slip.text() in ("[", "{") else 0
    if not back or slip.text(-back) not in ("=", ":="):
        return None
    piece = slip.parts[slip.at - back]
    message = f"`~` is meant here, not `{piece.text}`"
    notes = ("`:=` sets a value, `~` puts a distribution or a policy in the place of the mechanism",)
    where = Span(slip.source, piece.start, piece.end)
    return Diagnostic("P018", message, where, "another sign", notes=notes, help=("write `~`",))


def _in_for_colon(slip: Slip) -> Diagnostic | None:
    """`for s in S`"""
    if slip.text() != "in" or not slip.repaired(":", 1):
        return None
    bound = f"{slip.text(-1)} : {slip.text(1) or '…'}"
    form = f"for {bound}" if slip.text(-2) == "for" else bound
    return at(slip, "P018", "`:` is meant here, not `in`", "another sign", f"write `{form}`")


def _option(slip: Slip) -> Diagnostic | None:
    """`query P(C) expct 1/2`"""
    if slip.found is None or slip.found.kind != "word" or slip.first_in_line:
        return None
    known = [w for w in _OPTIONS if slip.machine.words.get(w) in slip.accepts]
    word = slip.text().casefold()
    close = [w for w in known if sorted(w) == sorted(word)] or difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    if not close or close[0] == slip.text():
        return None
    message = f"`{close[0]}` is meant here, not `{slip.text()}`"
    return at(slip, "P018", message, "another word", f"write `{close[0]}`")


RECOGNISERS: tuple[Callable[[Slip], Diagnostic | None], ...] = (
    _comparison,
    _comment,
    _point_first,
    _decimal_comma,
    _square_operation,
    _probability,
    _distribution_set,
    _in_for_colon,
    _option,
)
