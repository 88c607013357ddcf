"""What is likely meant where `identify`, a claim or a check does not parse; see `parser.mistakes`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import takewhile

from parser.slips import Slip, at
from parser.tokens import RESERVED, STATEMENTS, Piece, starts_statement
from strings.diagnostic import Diagnostic, Label, Span, did_you_mean

_ASKS = frozenset(("PROB", "EXPECTATION"))


def _before(slip: Slip) -> list[str]:
    """The words and signs of the statement before the piece in question."""
    return [p.text for p in slip.parts[slip.start : slip.at]]


def _behind(slip: Slip) -> list[str]:
    """The words and signs of the statement behind the piece in question."""
    rest = range(slip.at + 1, len(slip.parts))
    return [slip.parts[i].text for i in takewhile(lambda i: not starts_statement(slip.parts, i), rest)]


def _asking(slip: Slip) -> str:
    """The word that asks for one probability, `identify` or `identifiable`, if the statement has it."""
    if slip.statement == "identify":
        return "identify"
    return "identifiable" if slip.statement == "claim" and "identifiable" in _before(slip) else ""


def _is_word(piece: Piece | None) -> bool:
    return piece is not None and piece.kind == "word"


def _meant(slip: Slip, word: str, where: Span | None = None, found: str = "", *help_: str) -> Diagnostic:
    message = f"`{word}` is meant here, not `{found or slip.text()}`"
    return Diagnostic("P018", message, where or slip.here, "another word", help=help_ or (f"write `{word}`",))


# ---- assuming --------------------------------------------------------------------------------------------------------

_ASSUME = frozenset(("assume", "assumes", "given", "where", "provided", "supposing", "when", "with"))
_ASSUMED = "write `claim n: … == … assuming P(S, T) > 0`"


def _assuming(slip: Slip) -> Diagnostic | None:
    if slip.text() != "assuming":
        return None
    if slip.statement == "claim" and "assuming" in _before(slip):
        return at(slip, "P016", "`assuming` is written twice", "again here", "write `,` between assumptions")
    if slip.statement == "claim" and slip.text(-1) != "claim" and not slip.inside:
        return at(slip, "P016", "`assuming` stands behind what is claimed", "too early", _ASSUMED)
    if slip.is_name or slip.statement in ("", "claim"):
        return None
    return at(slip, "P016", f"`assuming` is no option of `{slip.statement}`", "only claims assume", _ASSUMED)


def _meant_assuming(slip: Slip) -> Diagnostic | None:
    word = slip.text()
    if "_ASSUMING" not in slip.accepts or _asking(slip) or not _is_word(slip.found) or word in RESERVED:
        return None
    return _meant(slip, "assuming") if word in _ASSUME or did_you_mean(word, ("assuming",)) else None


# ---- one probability, and what is given ------------------------------------------------------------------------------

_INFIX = frozenset(("+", "-", "*", "/", "^", "=", "==", "!=", "<", "<=", ">", ">=", "and", "or", "xor"))
_FROM = frozenset(("given", "with", "by", "out", "knowing"))
_OPTIONS = {
    "for": "leave variables free: `P(C | do(S))` asks for all their values",
    "using": "put the statement into the block of the model that it asks, `model NAME { … }`",
    "expect": "state it as a claim: `claim n: identifiable P(C | do(S))`",
    "unit": "", "exact": "", "numeric": "", "symbolic": "", "within": "",
}  # fmt: skip


def _one_probability(slip: Slip) -> Diagnostic | None:
    """P022 where a formula, a name, a list stands instead of one `P(…)`."""
    word, text = _asking(slip), slip.text()
    if not word or slip.inside:
        return None
    form = f"write `{word} P(C | do(S))`"
    message = f"`{word}` asks for one probability `P(…)`"
    if slip.text(-2) == word and slip.accepts == {"_COLON"} and text not in ("P", "E", ":"):
        return Diagnostic("P022", message, slip.before_span, "not a probability", help=(form,))
    if slip.accepts >= _ASKS and slip.text(-1) in (word, ":") and not slip.ends and text not in ("P", "E", ":"):
        return None if slip.is_name else at(slip, "P022", message, "not a probability", form)
    if slip.text(-1) != ")" or "_FROM" not in slip.accepts:
        return None
    if text in _INFIX:
        compares = text in ("=", "==", "!=", "<", "<=", ">", ">=")
        help_ = "state it as a claim: `claim n: P(…) == …`" if compares else f"ask for each alone, with `{word}`"
        return at(slip, "P022", message, "no formula of several", help_)
    if text == ",":
        return at(slip, "P022", message, "a second one", f"ask for each alone, with `{word}`", f"or write {_GIVEN}")
    return None


_GIVEN = "`from P(S, T, C)`"


def _given(slip: Slip) -> Diagnostic | None:
    """What stands behind `from`, or should."""
    word, text = _asking(slip), slip.text()
    if not word or slip.inside:
        return None
    if "_FROM" in slip.accepts:
        if text in ("P", "E"):
            return at(slip, "P019", f"`from` is missing before `{text}`", "expected `from` here", f"write {_GIVEN}")
        return _meant(slip, "from") if text in _FROM else None
    if slip.accepts - {"EXPERIMENTS"} != _ASKS or slip.text(-1) not in ("from", ",") or text in ("P", "E"):
        return None
    if slip.ends and text != ",":
        if slip.text(-1) == ",":
            return None
        also = (Label(slip.before_span, "nothing behind this"),)
        return Diagnostic("P015", "something is missing after `from`", slip.here, "expected `P(…)` here", also)
    if slip.text(-1) == "from" and did_you_mean(text, ("experiments",)):
        return _meant(slip, "experiments")
    single = slip.text(-1) == "from" and not _behind(slip)
    notes = ("data belong to an estimate: `estimate n: P(…) from DATA`",) if single else ()
    help_ = f"write `P({_names(slip)})`" if _is_word(slip.found) else f"write {_GIVEN}"
    return at(slip, "P022", "what is given are distributions `P(…)`", "not a distribution", help_, notes=notes)


def _names(slip: Slip) -> str:
    """The names from the piece in question on, as far as commas part them."""
    found = [slip.text()]
    rest = _behind(slip)
    while len(rest) > 1 and rest[0] == "," and rest[1].isidentifier() and rest[1] not in ("P", "E"):
        found.append(rest[1])
        rest = rest[2:]
    return ", ".join(found)


def _option_of_identify(slip: Slip) -> Diagnostic | None:
    text = slip.text()
    if slip.statement != "identify" or slip.inside or text not in _OPTIONS or slip.text(-1) != ")":
        return None
    help_ = (_OPTIONS[text],) if _OPTIONS[text] else ()
    return at(slip, "P016", f"`{text}` is no option of `identify`", "not here", *help_)


# ---- identifiable ----------------------------------------------------------------------------------------------------

_IDENTIFIED = {"identified": "identifiable", "unidentifiable": "not identifiable", "unidentified": "not identifiable"}


def _identifiable(slip: Slip) -> Diagnostic | None:
    text, form = slip.text(), "write `claim n: identifiable P(C | do(S))`"
    if text == "identifiable" and not slip.inside and (slip.text(-1) == ")" or slip.text(1) in ("P", "E")):
        if slip.statement == "claim":
            return at(slip, "P001", "`identifiable` stands before the probability", "not here", form)
        return at(slip, "P001", "`identifiable` belongs to a claim", "not here", form)
    if slip.statement != "claim":
        return None
    if text == ":" and slip.text(-1) == "identifiable":
        return at(slip, "P001", "`:` cannot stand here", "expected `P(…)` here", "remove it")
    if text == "is" and {"identifiable", "identified"} & {slip.text(1), slip.text(2)}:
        return at(slip, "P001", "`identifiable` stands before the probability", "not here", form)
    if text == "identify" and slip.text(-1) in (":", "not"):
        return _meant(slip, "identifiable")
    word = slip.text(-1)
    if text not in ("P", "E") or slip.text(-2) not in (":", "not") or not _is_word(slip.before):
        return None
    right = _IDENTIFIED.get(word) or ("identifiable" if did_you_mean(word, ("identifiable",)) else "")
    return _meant(slip, right, slip.before_span, word) if right else None


# ---- independence ----------------------------------------------------------------------------------------------------

_SIGN = re.compile(r"(?:_\s*)?\|\s*\|(?:\s*_)?(?!\w)|_\s*\|\s*_(?!\w)|\|\|_?")
_INDEPENDENT = frozenset(("indep", "independent", "ind", "perp", "independence"))
_SIDES = "names of variables stand on both sides of `_||_`"


def _independence_sign(slip: Slip) -> Diagnostic | None:
    """P018 for `||`, `_ || _`, `A_||_B` and the like."""
    if slip.statement != "claim" or slip.inside:
        return None
    form = "write `A _||_ B`"
    if "_INDEPENDENT" in slip.accepts and slip.text() in _INDEPENDENT:
        return _meant(slip, "_||_", None, "", form)
    match = _SIGN.match(slip.source.text, slip.here.start) if slip.text() in ("|", "_") else None
    if match is None:
        return None
    close = slip.text() == "|" and slip.before is not None and slip.before.text.endswith("_")
    start = slip.here.start - (1 if close and slip.before and slip.before.end == slip.here.start else 0)
    where = Span(slip.source, start, match.end())
    if close or slip.text() == "_" or "_" in match.group():
        return Diagnostic("P018", "`_||_` is one sign, with spaces around it", where, "another sign", help=(form,))
    return Diagnostic("P018", "independence is written `_||_`", where, "another sign", help=(form,))


def _independence(slip: Slip) -> Diagnostic | None:
    text, before = slip.text(), _before(slip)
    if text == "_||_":
        return _stray_sign(slip, before)
    if slip.statement != "claim" or "_||_" not in (*before, *_behind(slip)):
        return None
    if text in ("=", "!=", ":=", "==", "in") and _is_word(slip.before):
        message = "independence is claimed of variables, not of values"
        return at(slip, "P023", message, "a value", f"write `{slip.text(-1)}` alone")
    wants_name = slip.text(-1) in ("_||_", ",") and not slip.inside and "NAME" in slip.accepts
    probability = text == "(" and slip.text(-1) in ("P", "E")
    if probability or (wants_name and not slip.ends and text != "|" and not slip.is_name):
        return at(slip, "P023", _SIDES, "not a variable", "write `A, B _||_ C | D, do(X)`")
    return None


def _stray_sign(slip: Slip, before: Sequence[str]) -> Diagnostic:
    if slip.statement != "claim":
        return at(slip, "P023", "independence stands in a claim", "not here", "write `claim n: A _||_ B | C`")
    if "_||_" in before:
        return at(slip, "P023", "a claim has one `_||_`", "a second one", "claim each independence alone")
    if slip.text(-1) == ",":
        return Diagnostic("P001", "a comma too many", slip.before_span, "nothing follows it", help=("remove it",))
    if slip.text(-1) == ":":
        return at(slip, "P015", "something is missing before `_||_`", "expected a name before this")
    return at(slip, "P023", _SIDES, "not behind a variable", "write `A, B _||_ C | D, do(X)`")


# ---- checks ----------------------------------------------------------------------------------------------------------

_FOR_MODELS = frozenset(("model", "sample", "run", "draw", "trial", "time", "random"))
_CHECKED = ("exact", "symbolic", "numeric", "within", "using", "seed")
_MODES = {
    "exactly": "exact", "symbolically": "symbolic", "numerically": "numeric", "numerical": "numeric",
    "symbolical": "symbolic", "tolerance": "within", "random": "for 1000 models",
}  # fmt: skip


def _check_option(slip: Slip) -> Diagnostic | None:
    if slip.statement != "check" or slip.inside:
        return None
    text, before = slip.text(), slip.text(-1)
    if slip.accepts == {"INT", "MINUS"} or slip.accepts == {"INT"}:
        return _whole_number(slip, before)
    if slip.accepts == {"_MODELS"}:
        if text.rstrip("s") in _FOR_MODELS and not (text in STATEMENTS and slip.first_in_line):
            return _meant(slip, "models")
        message, label = f"`models` is missing behind `{before}`", "expected `models` behind this"
        return Diagnostic("P019", message, slip.before_span, label, help=(f"write `for {before} models`",))
    if "_SEED" not in slip.accepts or slip.found is None:
        return None
    if slip.found.kind == "number" and (slip.text(-2), before) == ("check", "for"):
        help_ = f"write `check all for {text} models`"
        return Diagnostic("P015", "a check names claims first", slip.before_span, "check what?", help=(help_,))
    if slip.found.kind == "number":
        help_ = f"write `for {text} models` or `seed {text}`"
        return at(slip, "P019", f"`for` is missing before `{text}`", "expected `for` or `seed` here", help_)
    if text == "models":
        number = slip.text(1) if slip.text(1).isdigit() else "1000"
        return at(slip, "P019", "`for` is missing before `models`", "not in this order", f"write `for {number} models`")
    if not _is_word(slip.found) or text in RESERVED:
        return None
    near = did_you_mean(text, _CHECKED)
    right = _MODES.get(text) or next((w for w in _CHECKED if near and f"`{w}`" in near[0]), "")
    return _meant(slip, right) if right else None


def _whole_number(slip: Slip, word: str) -> Diagnostic | None:
    text = slip.text()
    if text == "models":
        return at(slip, "P015", "a number is missing before `models`", "how many?", "write `for 1000 models`")
    if word == "for" and slip.text(1) == ":":
        help_ = f"bind it in the claim: `claim n({text} : {slip.text(2) or '…'}): …`"
        return at(slip, "P016", "`check … for` says how many models to try", "no name is bound here", help_)
    if slip.ends:
        also = (Label(slip.before_span, "nothing behind this"),)
        message = f"something is missing after `{word}`"
        return Diagnostic("P015", message, slip.here, "expected a whole number here", also)
    form = "for 1000 models" if "for" in (word, slip.text(-2)) else "seed 7"
    return at(slip, "P001", f"{slip.named} is no whole number", "expected a whole number here", f"write `{form}`")


RECOGNISERS: tuple[Callable[[Slip], Diagnostic | None], ...] = (
    _assuming,
    _meant_assuming,
    _identifiable,
    _one_probability,
    _given,
    _option_of_identify,
    _independence_sign,
    _independence,
    _check_option,
)
