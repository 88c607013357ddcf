"""What is likely meant where a text does not parse: one diagnostic for each `Slip`.

A recogniser looks at a slip and returns a diagnostic or `None`; `explain` asks them in order. Those for a missing or
mistaken sign try the repair on the parser's own tables and look two pieces ahead, so that they only propose what would
help.
"""

from __future__ import annotations

from collections.abc import Callable

from parser import claim_mistakes, habits
from parser.expected import FORMS, listed, statement_meant
from parser.slips import Slip, at
from parser.tokens import LATER, RESERVED, STATEMENTS, later, starts_statement
from strings.diagnostic import Diagnostic, Label, Span, did_you_mean
from strings.expression import FAMILIES, FUNCTIONS

# ---- single mistakes -------------------------------------------------------------------------------------------------


def _misplaced_doc(slip: Slip) -> Diagnostic | None:
    kinds = (slip.found.kind,) if slip.found else (slip.before.kind,) if slip.before else ()
    if "doc" not in kinds:
        return None
    return at(
        slip, "P008", "nothing can be documented here", "`##` belongs before a statement",
        "write `#` for a plain comment",
    )  # fmt: skip


def _later_word(slip: Slip) -> Diagnostic | None:
    text = slip.text()
    if text in LATER:
        names = slip.text(-1) in (*STATEMENTS, "{", ",") and not slip.first_in_line
        return later(slip.here, f"`{text}`", ("the word is kept for it and cannot be a name",) if names else ())
    return None


def _assignment_outside_do(slip: Slip) -> Diagnostic | None:
    if slip.text() != ":=":
        return None
    message = "`:=` is an intervention and belongs inside do(...)"
    if slip.inside in ("P(", "E(") and slip.before:
        name, value = slip.before.text, slip.text(1) or "…"
        help_ = f"write `do({name} := {value})` to intervene, `{name} = {value}` to observe"
        return at(slip, "P012", message, "here only an observation can stand", help_)
    help_ = next((f"write `{s}`" for s in ("=", ":", "==", "->") if slip.repaired(s, 1)), "")
    return at(slip, "P012", message, "not here", *((help_,) if help_ else ()))


def _no_statement(slip: Slip, sure: bool) -> Diagnostic | None:
    """P010. Unless `sure`, only where the word begins a line or resembles the first word of a statement."""
    if "_QUERY" not in slip.accepts or slip.found is None or slip.found.kind != "word" or slip.text() == "_":
        return None
    word = slip.text()
    close = statement_meant(word)
    if not (sure or slip.first_in_line or close) or word in RESERVED:
        return None
    return at(slip, "P010", f"`{word}` does not start a statement", "expected a keyword here", *close)


def _brackets_of_words(slip: Slip) -> Diagnostic | None:
    word, text = slip.text(-1), slip.text()
    right = {"P": "(", "E": "(", "do": "(", "cut": "(", "sum": "["}.get(word)
    if word in ("do", "cut") and text == "(":
        return _intervention_outside(slip, word)
    if word == "sum" and text == "[":
        return at(slip, "P019", "a sum needs brackets here", "not here", "write `(sum[t : T] …)`")
    sign = slip.found is None or slip.found.kind == "sign"
    if right is None or text == right or slip.first_in_line or (sign and text not in ("(", "[", "{")):
        return None
    form = {"sum": "sum[t : T] …", "do": "do(S := yes)", "cut": "cut(S)"}.get(word, f"{word}(…)")
    return at(slip, "P018", f"`{word}` takes the bracket `{right}`", f"expected `{right}` here", f"write `{form}`")


def _intervention_outside(slip: Slip, word: str) -> Diagnostic:
    where = Span(slip.source, slip.parts[slip.at - 1].start, slip.here.end)
    said = f"`{word}(…)` stands behind the bar of P(… | …)"
    help_ = (f"write `P(C = yes | {'do(S := yes)' if word == 'do' else 'cut(S)'})`",)
    return Diagnostic("P020", said, where, "not here", help=help_)


def _condition_outside(slip: Slip) -> Diagnostic | None:
    if slip.text() != "|" or slip.text(-1) != ")" or slip.inside:
        return None
    if slip.statement not in ("query", "identify", "estimate", "claim", ""):
        return None
    return at(
        slip, "P020", "a condition stands inside the brackets of P(…)", "outside of them",
        "write `P(C = yes | do(S := yes))`",
    )  # fmt: skip


_SIGNATURE = "a signature reads inputs -> outputs, e.g. `box t : S -> T` (a state has no inputs: `box h : -> H`)"
_ROW = "a row reads values -> distribution, e.g. `| no, yes -> [9 : 1]`"
_MISSING = ("->", ",", ":", "=", "|", "<-", "=>", "(", ";", "*", "{")  # in this order


def _missing_sign(slip: Slip) -> Diagnostic | None:
    if slip.text() == "}" and "_RETURN" in slip.accepts:
        return at(slip, "P019", "`return` is missing before `}`", "what does the diagram give?", *_form(slip))
    signs = ((":=",) if slip.inside in ("do(",) else ()) + _MISSING
    sign = next((s for s in signs if slip.repaired(s)), None)
    if slip.found is None or sign is None or (sign == "*" and not _is_factor(slip)):
        return None
    message, label = f"`{sign}` is missing before {slip.named}", f"expected `{sign}` here"
    if sign != "->":
        return at(slip, "P019", message, label, *_form(slip))
    if any(p.text == "|" for p in slip.parts[slip.start : slip.at]):
        return at(slip, "P013", message, label, _ROW)
    return at(slip, "P013", message, label, *((_SIGNATURE,) if slip.statement == "box" else _form(slip)))


def _is_factor(slip: Slip) -> bool:
    """Whether the piece in question looks like a factor and not like a stray word: `2 P(C)`, `P(t) sum[s : S] …`."""
    return slip.text() in ("P", "E", "sum", "(") or (slip.before is not None and slip.before.kind == "number")


def _unknown_function(slip: Slip) -> Diagnostic | None:
    """`fn (x) => nromal(x, 1)`"""
    name = slip.before.text if slip.before is not None and slip.before.kind == "word" else ""
    if slip.statement != "box" or slip.text() != "(" or not name:
        return None
    close = did_you_mean(name, [*FAMILIES, "flip", *FUNCTIONS])
    known = f"there are {', '.join(FUNCTIONS)}, and the distributions {', '.join(FAMILIES)}, flip"
    return at(slip, "P001", f"there is no function `{name}`", "nothing can be called so here", *(close or (known,)))


def _no_arrow(slip: Slip) -> Diagnostic | None:
    """A signature that never has an arrow: `box h : H = …`."""
    if slip.statement != "box" or "_ARROW" not in slip.accepts or slip.inside:
        return None
    if slip.text() != "=" and not slip.ends:
        return None
    return at(slip, "P013", f"`->` is missing before {slip.named}", "this signature has no `->`", _SIGNATURE)


_CONFUSED = {
    "==": ("=",), "=": ("==", ":=", ":", "->", "=>", "<-", "~"), "=>": ("->", ">="), "->": ("=>", "<-", "=", ":="),
    "<-": ("->", "="), ":": ("=", ",", ":="), ";": (",", "then"), ",": ("|", ";", ":", "and", "then"),
    "and": ("then", ","), "or": ("|",), "|": (",", "or"), "~": ("=",),
    ".": (",", "..", "*"), "(": ("[", "{"), "[": ("{", "("), "{": ("[", "("), "<": ("<-",), "-": ("->",),
}  # fmt: skip


def _mistaken_sign(slip: Slip) -> Diagnostic | None:
    sign = next((s for s in _CONFUSED.get(slip.text(), ()) if slip.repaired(s, 1)), None)
    if sign is None:
        return None
    notes: list[str] = []
    if {slip.text(), sign} == {"=", "=="}:
        notes = ["`=` observes a value inside P(…) and defines elsewhere, `==` compares two expressions"]
    if sign != ">=" and "=>" in (slip.text(), sign):
        notes = ["`->` leads to a result, `=>` only stands in `fn (a, b) => …`"]
    return at(
        slip, "P018", f"`{sign}` is meant here, not `{slip.text()}`", "another sign", f"write `{sign}`", notes=notes
    )


_WANTS_MORE = frozenset("= := ~ == != < <= > >= + - * / ^ -> => <- .. : | ; and or xor not if then else in".split())  # noqa: SIM905
_WANTS_CLAIM = ("_||_", "assuming", "identifiable")
_WANTS_NAME = frozenset(
    (
        "for",
        "unit",
        "using",
        "expect",
        "from",
        "to",
        "after",
        "as",
        "within",
        "exposing",
        "return",
        "seed",
        "bootstrap",
        "level",
    )
)


def _value_missing(slip: Slip) -> Diagnostic | None:
    sign = slip.text(-1)
    wants = sign in (*_WANTS_MORE, *_WANTS_CLAIM, *STATEMENTS) or (sign in _WANTS_NAME and "_QUERY" not in slip.accepts)
    if sign == "," and slip.ends:
        return Diagnostic("P001", "a comma too many", slip.before_span, "nothing follows it", help=("remove it",))
    if not slip.at or not wants or not (slip.ends or slip.text() in ("|", ";", ":", "=")):
        return None
    also = (
        Label(Span(slip.source, slip.parts[slip.at - 1].start, slip.parts[slip.at - 1].end), "nothing behind this"),
    )
    what = listed(slip.accepts)
    return Diagnostic("P015", f"something is missing after `{sign}`", slip.here, f"expected {what} here", also)


def _function_in_row(slip: Slip) -> Diagnostic | None:
    """`| mild -> fn (u) => normal(1 + u, 1)`"""
    bars = [i for i in range(slip.start, slip.at) if slip.parts[i].text == "|"]
    if slip.text() != "fn" or slip.text(-1) != "->" or not bars:
        return None
    heard = slip.source.text[slip.parts[bars[-1]].end : slip.parts[slip.at - 1].start].strip()
    line = slip.source.text[slip.here.end :].partition("\n")[0]
    names, arrow, body = line.partition("=>")
    names, body = names.strip(" ()"), body.partition("|")[0].partition("#")[0].strip()
    example = f"| {heard}, {names} -> {body}" if heard and names and arrow and body else "| mild, u -> normal(1 + u, 1)"
    help_ = f"real inputs are named in the row itself: `{example}`"
    return at(slip, "P001", "`fn` cannot stand in a row", "not behind `->`", help_)


def _reserved_name(slip: Slip) -> Diagnostic | None:
    if not slip.is_name:
        return None
    quoted = (f'a value can be written in quotes: `"{slip.text()}"`',) if "STRING" in slip.accepts else ()
    message = f"`{slip.text()}` is a word of the language and cannot be a name"
    return at(slip, "P021", message, "choose another name", *quoted)


def _superfluous(slip: Slip) -> Diagnostic | None:
    """The text goes on behind the piece in question."""
    goes_on = (
        slip.found
        and (slip.text() == "," or not slip.ends)
        and slip.machine.goes_on(slip.stack, slip.parts, slip.at + 1)
    )
    if not goes_on or starts_statement(slip.parts, min(slip.at + 1, len(slip.parts) - 1)):
        return None
    return at(slip, "P001", f"{slip.named} cannot stand here", f"expected {listed(slip.accepts)}", "remove it?")


def _needs_braces(slip: Slip) -> Diagnostic | None:
    """`var S : no, yes`"""
    if slip.statement not in ("domain", "var", "latent") or slip.text() != "," or slip.inside:
        return None
    if "COMMA" in slip.accepts:
        return None
    help_ = f"write `{{{slip.text(-1)}, {slip.text(1) or '…'}}}`"
    return at(slip, "P018", "the values of a domain stand in braces", "a list needs braces", help_)


def _needs_quotes(slip: Slip) -> Diagnostic | None:
    """`to picture.svg`"""
    if "STRING" not in slip.accepts or "NAME" in slip.accepts or slip.found is None or slip.found.kind != "word":
        return None
    rest = slip.source.text[slip.here.start :]
    path = rest[: next((i for i, c in enumerate(rest[:200]) if c in " \t\n,)"), len(rest[:200]))]
    if "." not in path and slip.text(-1) not in ("to", "import", "(", "="):
        return None
    where = Span(slip.source, slip.here.start, slip.here.start + len(path))
    return Diagnostic("P019", "quotes are missing", where, "a text stands in quotes", help=(f'write `"{path}"`',))


def _generic(slip: Slip) -> Diagnostic:
    expected = listed(slip.accepts)
    if not slip.parts:
        return at(slip, "P001", "this text is empty", f"expected {expected}")
    message = f"{slip.named} cannot stand here" if slip.found else "the text ends too early"
    return at(slip, "P001", message, f"expected {expected} here", *_form(slip))


_RECOGNISERS: tuple[Callable[[Slip], Diagnostic | None], ...] = (
    _misplaced_doc,
    *habits.RECOGNISERS,
    _later_word,
    _assignment_outside_do,
    *claim_mistakes.RECOGNISERS,
    lambda slip: _no_statement(slip, sure=False),
    _function_in_row,
    _reserved_name,
    _brackets_of_words,
    _condition_outside,
    _needs_braces,
    _needs_quotes,
    _value_missing,
    _unknown_function,
    _no_arrow,
    _missing_sign,
    _mistaken_sign,
    lambda slip: _no_statement(slip, sure=True),
    _superfluous,
)


def explain(slip: Slip) -> Diagnostic:
    """The diagnostic of a slip: that of the first recogniser that knows it, else P001 with what could stand there."""
    return next((d for recognise in _RECOGNISERS if (d := recognise(slip)) is not None), None) or _generic(slip)


def _form(slip: Slip) -> tuple[str, ...]:
    form = FORMS.get(slip.statement if slip.wanted == "start" else slip.wanted)
    return (f"the form is {form}",) if form and not slip.inside else ()
