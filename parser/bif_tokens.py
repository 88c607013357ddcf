"""The words of a BIF text, and what to say when one is not the word that should stand there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from strings.diagnostic import Diagnostic, Source, Span, did_you_mean

_TOKEN = re.compile(r'"[^"\n]*"|[{}()\[\],;|]|[^\s{}()\[\],;|"]+|"')
_COMMENT = re.compile(r'"[^"\n]*"|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_NOT_BLANK = re.compile(r"[^\n]")

PUNCTUATION = frozenset('{}()[],;|"')
KEYWORDS = ("network", "variable", "probability")


class BlockError(Exception):
    """Reading of one block cannot go on; carries the diagnostic. Never leaves the BIF reader."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def shown(name: str) -> str:
    """A name or a word in a message, cut when it is long."""
    name = name if name.isprintable() else ascii(name)[1:-1]
    return f"`{name if len(name) <= 60 else name[:59] + '…'}`"


def unquoted(word: str) -> str:
    """The name that a word stands for: quotes are no part of it."""
    return word[1:-1] if len(word) > 1 and word[0] == '"' else word


def needs_quotes(name: str) -> bool:
    """Whether a name must be quoted to be read back as one word."""
    return _TOKEN.fullmatch(name) is None or name in PUNCTUATION or "//" in name or "/*" in name or name[0] == '"'


@dataclass(frozen=True)
class Tokens:
    """The words of a text, comments left out. Places in the text are found only when they are asked for."""

    source: Source

    @cached_property
    def _plain(self) -> str:
        """The text with every comment blanked, so that places stay what they are."""
        text = self.source.text
        if "//" not in text and "/*" not in text:
            return text
        return _COMMENT.sub(lambda m: m[0] if m[0][0] == '"' else _NOT_BLANK.sub(" ", m[0]), text)

    @cached_property
    def texts(self) -> list[str]:
        return _TOKEN.findall(self._plain)

    @cached_property
    def _starts(self) -> list[int]:
        return [m.start() for m in _TOKEN.finditer(self._plain)]

    def span(self, first: int, last: int | None = None) -> Span:
        """The characters of word `first`, or of the words from `first` to `last`."""
        last = first if last is None else last
        return Span(self.source, self._starts[first], self._starts[last] + len(self.texts[last]))

    def at(self, k: int) -> str:
        """Word `k`; stops (B001) behind the last one."""
        if k < len(self.texts):
            return self.texts[k]
        raise self._truncated()

    def index(self, word: str, start: int) -> int:
        """Where `word` stands next, from `start` on; stops (B001) if it does not."""
        try:
            return self.texts.index(word, start)
        except ValueError:
            raise self._truncated(f", {shown(word)} is still missing") from None

    def expect(self, k: int, word: str) -> int:
        """The place behind word `k`, which has to be `word`; stops (B001) if it is not."""
        if self.at(k) != word:
            raise self.unexpected(k, shown(word))
        return k + 1

    def name(self, k: int) -> str:
        """The name at `k`, without quotes; stops (B001) if a sign stands there."""
        word = self.at(k)
        if word in PUNCTUATION:
            raise self.unexpected(k, "a name")
        return unquoted(word)

    def items(self, start: int, end: int) -> range | list[int]:
        """The places of the items between `start` and `end`, separated by commas or by blanks only.

        Stops (B001) at a comma too many and at any other sign.
        """
        if (end - start) % 2 and self.texts[start + 1 : end : 2].count(",") == (end - start) // 2:
            places: range | list[int] = range(start, end, 2)
        else:
            places = [k for k in range(start, end) if self.texts[k] != ","]
            if len(places) != end - start:
                self._find_stray_comma(start, end)
        for k in places:
            if self.texts[k] in PUNCTUATION:
                raise self.unexpected(k, "an item of the list")
        return places

    def _find_stray_comma(self, start: int, end: int) -> None:
        previous = ","
        for k in range(start, end):
            if self.texts[k] == "," and (previous == "," or k == end - 1):
                raise self.unexpected(k, "an item of the list")
            previous = self.texts[k]

    def block_end(self, opened: int) -> int:
        """The place behind the `}` of a block; stops (B001) where another block begins before it."""
        end = self.index("}", opened)
        for word in KEYWORDS:
            k = opened
            while (k := _find(self.texts, word, k + 1, end)) < end:
                if self.texts[k - 1] in ("{", ";"):
                    raise self.unexpected(k, "`}`")
        return end + 1

    def next_block(self, start: int) -> int:
        """Where the next block may begin, after an error at the block that begins at `start`."""
        for k in range(start + 1, len(self.texts)):
            if self.texts[k] in KEYWORDS and self.texts[k - 1] in ("{", "}", ";"):
                return k
        return len(self.texts)

    def unexpected(self, k: int, wanted: str, *known: str) -> BlockError:
        """B001: word `k` is none that may stand there; `known` are the keywords that may."""
        word = self.at(k)
        if word == '"':
            return BlockError(Diagnostic("B001", "this quote is never closed", self.span(k), "opened here"))
        if word in KEYWORDS:
            wanted += ": the block before this is not closed"
        help_ = did_you_mean(word, known) if known and word not in PUNCTUATION else ()
        return BlockError(
            Diagnostic("B001", f"unexpected {shown(word)}", self.span(k), f"expected {wanted}", help=help_)
        )

    def _truncated(self, what: str = "") -> BlockError:
        last = len(self.texts) - 1
        span = self.span(last) if last >= 0 else None
        return BlockError(Diagnostic("B001", f"the text ends inside a block{what}", span, "the last word"))


def _find(words: list[str], word: str, start: int, end: int) -> int:
    """Where `word` stands between `start` and `end`, or `end`."""
    try:
        return words.index(word, start, end)
    except ValueError:
        return end
