"""A text in pieces (words, numbers, signs, comments), and what can be wrong with it before any grammar is asked.

The parser has a lexer of its own; these pieces serve the diagnostics and bound the work: nesting is counted here, so
that neither the parser nor anything that walks a syntax tree can run out of stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from strings.diagnostic import Diagnostic, Label, Source, Span

MAX_CHARACTERS = 20_000_000
MAX_PIECES = 1_000_000
MAX_DEPTH = 100
MAX_DIGITS = 400
"""Bounds of a model text: its size, its words and signs, how deep an expression may nest, how long a number may be."""

Kind = Literal["word", "number", "string", "sign", "doc", "comment", "bad"]

STATEMENTS = (
    "model", "import", "domain", "type", "var", "latent", "param", "box", "interpret", "data", "diagram", "surgery",
    "world", "observe", "query", "identify", "estimate", "claim", "check", "draw",
)  # fmt: skip
"""The words that start a statement."""

LATER = ("bound", "plate")
"""Words kept for later versions of the language."""

INNER = ("fn", "return", "if", "then", "else", "in", "or", "xor", "and", "not", "assuming", "identifiable")
"""Further words that cannot be names. All others (`for`, `all`, `to` …) are reserved in their place only."""

RESERVED = frozenset((*STATEMENTS, *LATER, *INNER))

SIGNS = ("_||_", ":=", "==", "!=", "<=", ">=", "<-", "->", "=>", "..", *"(){}[],:;|=<>+-*/^~.@")
"""All signs of the language, the longer ones first."""

_PIECE = re.compile(
    rf"""(?P<space>[ \t\n]+)
      | (?P<doc>\#\#[^\n]*)
      | (?P<comment>\#[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?[%f]?(?!\w))
      | (?P<word>(?!_\|\|_)[^\W\d]\w*'*)
      | (?P<sign>{"|".join(map(re.escape, SIGNS))})
      | (?P<bad>\d[\w.]*|.)""",
    re.VERBOSE,
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_OPERATORS = frozenset(["+", "-", "*", "/", "^", "==", "!=", "<", "<=", ">", ">=", "and", "or", "xor", "not", "if"])
_SEPARATORS = frozenset((",", "|", "->", "<-", ":", ";", "assuming", *STATEMENTS))


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, number, sign or comment of a text, at `start` to `end`."""

    kind: Kind
    text: str
    start: int
    end: int


def plain(text: str) -> str:
    r"""The text without byte order mark, every line break a `\n`."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def pieces(text: str) -> Iterator[Piece]:
    """The pieces of a text, white space left out.

    >>> [p.text for p in pieces("var S : {no} # here")]
    ['var', 'S', ':', '{', 'no', '}', '# here']
    """
    for match in _PIECE.finditer(text):
        if match.lastgroup != "space":
            yield Piece(match.lastgroup, match.group(), *match.span())  # type: ignore[arg-type]


def span(source: Source, piece: Piece) -> Span:
    """Where a piece stands."""
    return Span(source, piece.start, piece.end)


def starts_statement(parts: Sequence[Piece], at: int) -> bool:
    """Whether the piece is a word that starts a statement; `= diagram d` and `: diagram d` do not."""
    if parts[at].text not in STATEMENTS:
        return False
    return parts[at].text != "diagram" or at == 0 or parts[at - 1].text not in ("=", ":")


# ---- characters and numbers ------------------------------------------------------------------------------------------

_LOOKALIKE = {
    **dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‘’‚‛`´", "'"), **dict.fromkeys("−–—‐‑", "-"),
    **dict.fromkeys("×·∗⊗", "*"), "≤": "<=", "≥": ">=", "≠": "!=", "→": "->", "⟶": "->", "⇒": "=>", "←": "<-",
    "÷": "/", "≔": ":=", "∼": "~", "∣": "|", "，": ",", "：": ":", "；": ";", "（": "(", "）": ")", "∧": "and",
    **dict.fromkeys("⊥⟂⫫", "_||_"), "∨": "or", "⊕": "xor", "¬": "not", "!": "not", "∑": "sum[…]", "Σ": "sum[…]",
    "…": "..", "\\": "/",
}  # fmt: skip
_SPACES = frozenset("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000")
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")


def character_errors(source: Source, parts: Sequence[Piece]) -> list[Diagnostic]:
    """P002 for a string without its end, P004 and P009 for what no piece can be, P007 for numbers out of all bounds."""
    errors = [_control(source, m) for m in _CONTROL.finditer(source.text)][:10]
    errors += [_bad(source, p) for p in parts if p.kind == "bad" and not _CONTROL.match(p.text)]
    errors += [_long_number(source, p) for p in parts if p.kind == "number" and _is_long(p.text)]
    return errors


def _control(source: Source, match: re.Match[str]) -> Diagnostic:
    where = Span(source, *match.span())
    return Diagnostic(
        "P004", f"unexpected character U+{ord(match.group()):04X}", where, "a control character",
        help=("remove it",),
    )  # fmt: skip


def _bad(source: Source, piece: Piece) -> Diagnostic:
    where, text = span(source, piece), piece.text
    if text == '"':
        return Diagnostic("P002", 'this `"` is never closed', where, "opened here", help=('add `"` on the same line',))
    if text[0].isdigit():
        return _bad_number(where, text)
    name = f"U+{ord(text):04X}" if text in _SPACES or text in _INVISIBLE or not text.isprintable() else f"`{text}`"
    if text in _SPACES:
        help_ = "put a plain space in its place"
    elif text in _INVISIBLE:
        help_ = "remove it: it is invisible"
    elif text == "'":
        help_ = 'text stands in double quotes: `"…"`; a prime belongs directly behind a name: `s\'`'
    elif text == "%" and (number := re.search(r"[\d.]+(?=[ \t]+$)", source.text[: piece.start])):
        help_ = f"write it directly behind the number: `{number[0]}%`"
    elif text in _LOOKALIKE:
        help_ = f"write `{_LOOKALIKE[text]}`"
    elif text == "&":
        help_ = "write `,` between events, `and` in a function"
    else:
        help_ = 'a value of other characters can be written in quotes: `"…"`'
    return Diagnostic("P004", f"unexpected character {name}", where, "not part of the language", help=(help_,))


def later(where: Span, what: str, notes: tuple[str, ...] = ()) -> Diagnostic:
    """P014."""
    message = f"{what} is not part of this version of the language"
    return Diagnostic("P014", message, where, "kept for a later version", notes=notes)


def _bad_number(where: Span, text: str) -> Diagnostic:
    digits = text.replace("_", "")
    help_: tuple[str, ...]
    if digits != text and digits.isdigit():
        help_ = (f"write `{digits}`",)
    elif text.endswith(".") and text[:-1].isdigit():
        help_ = (f"write `{text[:-1]}`",)
    elif text.isalnum() and len(text) < 40:
        help_ = (f'a value is written in quotes if it is no name: `"{text}"`',)
    else:
        help_ = ("numbers are written `3`, `0.25`, `1e-3`, `30%`, and `0.333f` for a floating one",)
    return Diagnostic("P009", f"`{_short(text)}` is neither a number nor a name", where, "cannot be read", help=help_)


def _is_long(text: str) -> bool:
    mantissa, _, exponent = text.rstrip("%f").partition("e")
    return len(mantissa) > MAX_DIGITS or (len(exponent) > 5 or abs(int(exponent or "0")) > MAX_DIGITS)


def _long_number(source: Source, piece: Piece) -> Diagnostic:
    note = f"a number has at most {MAX_DIGITS} digits, and an exponent between -{MAX_DIGITS} and {MAX_DIGITS}"
    return Diagnostic("P007", "this number is out of bounds", span(source, piece), "too long", notes=(note,))


def _short(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[:most] + "…"


# ---- size and nesting ------------------------------------------------------------------------------------------------


def too_large(source: Source, characters: int | None = None) -> Diagnostic:
    """P006."""
    if characters is not None:
        said, most = f"{characters:,} characters", f"{MAX_CHARACTERS:,} characters"
    else:
        said, most = "too many words and signs", f"{MAX_PIECES:,} of them"
    where = Span(source, 0, 1)
    help_ = ("split it into several files and `import` them", "read data from a file: `data d = csv(…)`")
    return Diagnostic("P006", f"this text is too large: {said}", where, f"at most {most}", help=help_)


def nesting_error(source: Source, parts: Sequence[Piece]) -> Diagnostic | None:
    """P005 where brackets and operators in a row could make a syntax tree deeper than `MAX_DEPTH`.

    Counted are the open brackets and, at each of them, the operators since the last separator: an upper bound of the
    depth of the tree. Side-by-side diagrams (`f * g * …`) make no depth.
    """
    counts, total, ifs, picture = [0], 0, [0], False
    for piece in parts:
        text = piece.text
        if text in _PAIRS:
            counts.append(0)
            ifs.append(0)
        elif text in (")", "]", "}") and len(counts) > 1:
            total -= counts.pop()
            ifs.pop()
        elif text in _SEPARATORS:
            total, counts[-1], ifs[-1] = total - counts[-1], 0, 0
        elif text in ("then", "else"):  # what stands between `if` and `else` does not make the rest deeper
            total, counts[-1] = total - counts[-1] + ifs[-1], ifs[-1]
        elif text in _OPERATORS and not (picture and text == "*"):
            total, counts[-1], ifs[-1] = total + 1, counts[-1] + 1, ifs[-1] + (text == "if")
        if text in STATEMENTS or text == "after":
            picture = text in ("diagram", "draw")
        if len(counts) + total > MAX_DEPTH:
            return _too_deep(source, piece, len(counts) > MAX_DEPTH // 2)
    return None


def _too_deep(source: Source, piece: Piece, brackets: bool) -> Diagnostic:
    what = "brackets" if brackets else "operators in a row"
    help_ = () if brackets else ("break the expression up, e.g. with `sum[t : T]`",)
    return Diagnostic(
        "P005", f"too many {what}", span(source, piece), "too deep here",
        notes=(f"an expression may nest {MAX_DEPTH} deep",), help=help_,
    )  # fmt: skip


# ---- brackets --------------------------------------------------------------------------------------------------------


def bracket_errors(source: Source, parts: Sequence[Piece]) -> list[tuple[int, Diagnostic]]:
    """P002 and P003 with the number of the piece they point to.

    To be asked of texts that do not parse: a statement's first word is taken to close all brackets but those of blocks.
    """
    errors: list[tuple[int, Diagnostic]] = []
    stack: list[int] = []
    blocks: set[int] = set()
    statement = ""

    def unclosed(keep: int) -> None:
        """Report the outermost bracket above the first `keep` of the stack, and forget them all."""
        if len(stack) > keep:
            errors.append((stack[keep], _unclosed(source, parts[stack[keep]])))
        del stack[keep:]

    for at, piece in enumerate(parts):
        if starts_statement(parts, at) or piece.text == "plate":
            statement = piece.text
            unclosed(_open_models(stack, blocks))
        elif piece.text in _PAIRS:
            if piece.text == "{" and statement in ("model", "plate") and not stack[_open_models(stack, blocks) :]:
                blocks.add(at)
            stack.append(at)
        elif piece.text in (")", "]", "}"):
            closes = [i for i, opener in enumerate(stack) if _PAIRS[parts[opener].text] == piece.text]
            if closes:
                unclosed(closes[-1] + 1)
                stack.pop()
            elif stack and not blocks.issuperset(stack):
                errors.append((at, _stray(source, piece, parts[stack.pop()])))
            else:
                errors.append((at, _stray(source, piece, None)))
    unclosed(0)
    return errors


def _open_models(stack: Sequence[int], blocks: set[int]) -> int:
    """How many of the brackets on the stack, from its bottom, are those of model blocks."""
    return next((i for i, opener in enumerate(stack) if opener not in blocks), len(stack))


def _unclosed(source: Source, opener: Piece) -> Diagnostic:
    return Diagnostic(
        "P002", f"this `{opener.text}` is never closed", span(source, opener), "opened here",
        help=(f"add the matching `{_PAIRS[opener.text]}`",),
    )  # fmt: skip


def _stray(source: Source, closer: Piece, opener: Piece | None) -> Diagnostic:
    where = span(source, closer)
    if opener is None:
        message = f"this `{closer.text}` closes nothing"
        return Diagnostic("P003", message, where, "no bracket is open", help=("remove it",))
    also = (Label(span(source, opener), "opened here"),)
    right = _PAIRS[opener.text]
    return Diagnostic(
        "P003", f"`{closer.text}` cannot close `{opener.text}`", where, f"`{right}` is expected", also,
        help=(f"write `{right}`",),
    )  # fmt: skip
