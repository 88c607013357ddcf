"""Colours for the language: a Pygments lexer, which the session, the documentation and notebooks share.

The words come from the parser (`parser.tokens`), so a new keyword is coloured once it is one. `textmate` writes the
same as a TextMate grammar for editors: `python -m cutwire.highlight` writes `editors/cutwire.tmLanguage.json` anew.

>>> [str(kind) for kind, text in CausalLexer().get_tokens("query P(S)") if text.strip()][:2]
['Token.Keyword', 'Token.Name.Builtin']
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, ClassVar

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

from parser.tokens import INNER, LATER, SIGNS, STATEMENTS
from strings.expression import FAMILIES, FUNCTIONS

OPTIONS = (
    "after", "as", "exposing", "discard", "for", "unit", "using", "expect", "from", "all", "models", "seed",
    "bootstrap", "level", "within", "to", "exact", "symbolic", "numeric", "experiments",
)  # fmt: skip
"""Words that are reserved in their place only."""

CALLED = {"P": "(", "E": "(", "do": "(", "cut": "(", "sum": "["}
"""Words that mean something before their bracket, which may stand behind blanks."""

BUILT_IN = tuple(dict.fromkeys((*FAMILIES, *FUNCTIONS, "flip", "noisy_or", "fit", "dirichlet", "csv")))
TYPES = ("real", "count")
STRUCTURE = ("id", "copy", "swap", "uniform")

_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?[%f]?(?!\w)"
_STRING = r'"(?:[^"\\\n]|\\.)*"'
_NAME = r"[^\W\d]\w*'*"
_CALL = "|".join(rf"{word}(?=\s*{re.escape(bracket)})" for word, bracket in CALLED.items())
_BUILT_IN = rf"(?:{'|'.join(BUILT_IN)})(?=\s*\()|(?:{'|'.join(STRUCTURE)})(?=\s*\[)"
_SIGN = "|".join(map(re.escape, SIGNS))
_END = r"(?![\w'])"


class CausalLexer(RegexLexer):
    """The language of model files, and the commands of a session."""

    name = "Cutwire"
    aliases: ClassVar[list[str]] = ["causal", "cutwire"]
    filenames: ClassVar[list[str]] = ["*.causal"]
    flags = re.MULTILINE
    tokens: ClassVar[dict[str, Any]] = {
        "root": [
            (r"^[ \t]*:[a-z]+!?", Name.Decorator),
            (r"\s+", Whitespace),
            (r"##[^\n]*", String.Doc),
            (r"#[^\n]*", Comment.Single),
            (_STRING, String),
            (_NUMBER, Number),
            (r"_\|\|_", Operator.Word),
            (r"_(?!\w)", Keyword.Pseudo),
            (words((*STATEMENTS, *INNER), suffix=_END), Keyword),
            (words(LATER, suffix=_END), Keyword.Reserved),
            (rf"(?:{_CALL}|{_BUILT_IN})", Name.Builtin),
            (words((*OPTIONS,), suffix=rf"{_END}(?!\s*[=:)\],](?!=))"), Keyword.Pseudo),
            (words(TYPES, suffix=_END), Keyword.Type),
            (rf"{_NAME}(?=\s*\()", Name.Function),
            (_NAME, Name),
            (rf"(?:{_SIGN})", Operator),
            (r"[@!?&$;'\"]", Punctuation),
        ]
    }


def textmate() -> str:
    """The TextMate grammar, which editors take."""

    def some(scope: str, names: tuple[str, ...], end: str = "(?![\\w'])") -> dict[str, str]:
        return {"name": f"{scope}.causal", "match": rf"\b(?:{'|'.join(names)}){end}"}

    grammar = {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "Cutwire",
        "scopeName": "source.causal",
        "fileTypes": ["causal"],
        "patterns": [
            {"name": "comment.block.documentation.causal", "match": "##.*$"},
            {"name": "comment.line.number-sign.causal", "match": "#.*$"},
            {"name": "string.quoted.double.causal", "match": _STRING},
            {"name": "constant.numeric.causal", "match": rf"(?<![\w]){_NUMBER}"},
            {"name": "keyword.operator.independent.causal", "match": r"_\|\|_"},
            {"name": "variable.language.any.causal", "match": r"(?<!\w)_(?!\w)"},
            some("keyword.declaration", STATEMENTS),
            some("keyword.control", INNER),
            some("invalid.reserved", LATER),
            {"name": "support.function.causal", "match": rf"\b(?:{_CALL}|{_BUILT_IN})"},
            some("keyword.other", OPTIONS, r"(?![\w'])(?!\s*[=:)\],](?!=))"),
            some("support.type", TYPES),
            {"name": "entity.name.function.causal", "match": rf"\b{_NAME}(?=\s*\()"},
            {"name": "variable.other.causal", "match": _NAME},
            {"name": "keyword.operator.causal", "match": _SIGN},
        ],
    }
    return json.dumps(grammar, indent=2) + "\n"


GRAMMAR = Path(__file__).parent.parent / "editors" / "cutwire.tmLanguage.json"


def main() -> None:
    """Write the TextMate grammar anew."""
    GRAMMAR.write_text(textmate(), encoding="utf-8")


if __name__ == "__main__":
    main()
