"""The parser's tables: made from the grammar by `python -m parser.tables`, loaded from `tables.json` at run time.

Building the tables costs a few tenths of a second, loading them some milliseconds. The file carries the SHA-256 of the
grammar and the version of lark: if either differs, or lark cannot take the data, the tables are built on the spot.

>>> str(parser().parse("P(S)", start="expression_text").data)
'expression_text'
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from parser.tokens import SIGNS

GRAMMAR = Path(__file__).with_name("causal.lark")
TABLES = Path(__file__).with_name("tables.json")
STARTS = ("start", "expression_text", "surgery_text", "diagram_text")


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The parser of the language, from the saved tables if they are current."""
    grammar = GRAMMAR.read_text(encoding="utf-8")
    return load(grammar) or build(grammar)


@lru_cache(maxsize=1)
def terminals() -> tuple[dict[str, str], dict[str, str]]:
    """The names of the terminals for signs and for words: `":="` is `"_ASSIGN"`, `"var"` is `"_VAR"`."""
    known = [(t.name, str(t.pattern.value), t.pattern.to_regexp()) for t in parser().terminals]
    signs = {s: name for s in SIGNS for name, _, pattern in known if re.fullmatch(pattern, s)}
    words = {match[1]: name for name, text, _ in known if (match := re.match(r"(\w+)\\b", text))}
    return signs, words


def build(grammar: str, **options: Any) -> Lark:
    """The parser, made from the grammar; `strict=True` refuses every conflict."""
    return Lark(
        grammar, parser="lalr", start=list(STARTS), propagate_positions=True, maybe_placeholders=True, **options
    )


def load(grammar: str, file: Path = TABLES) -> Lark | None:
    """The parser from saved tables; `None` if there are none for this grammar and this lark."""
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
        if (saved["lark"], saved["grammar"]) != (lark.__version__, _digest(grammar)):
            return None
        return cast(Lark, cast(Any, Lark)._load_from_dict(*_unpack(saved)))
    except Exception:  # whatever is wrong with the file or with lark's internals: the grammar is still there
        return None


def dump(grammar: str) -> str:
    """What `tables.json` has to hold for a grammar."""
    data, memo = build(grammar).memo_serialize([TerminalDef, Rule])
    data["parser"]["parser"] = _pack(data["parser"]["parser"])
    saved = {
        "lark": lark.__version__,
        "grammar": _digest(grammar),
        "data": data,
        "memo": [memo[i] for i in sorted(memo)],
        "first": min(memo),
    }
    return json.dumps(saved, separators=(",", ":"), ensure_ascii=True) + "\n"


def _digest(grammar: str) -> str:
    return hashlib.sha256(grammar.encode("utf-8")).hexdigest()


def _pack(table: dict[str, Any]) -> dict[str, Any]:
    """The table with its states numbered in the order of a walk from the starts, so that the file is always the same.

    A row lists its terminals by action: `n` shifts to state n, `-n - 1` reduces by the rule with number n in the memo.
    """
    names, rows = table["tokens"], table["states"]
    order: dict[int, int] = {}
    waiting = [table["start_states"][s] for s in reversed(STARTS)]
    while waiting:
        state = waiting.pop()
        if state not in order:
            order[state] = len(order)
            row = sorted((names[t], action) for t, action in rows[state].items() if not action[0])
            waiting.extend(argument for _, (_, argument) in reversed(row))
    symbols = sorted(names.values())
    number = {symbol: i for i, symbol in enumerate(symbols)}
    packed = [_pack_row({number[names[t]]: action for t, action in rows[s].items()}, order) for s in order]
    ends = {k: {start: order[s] for start, s in sorted(table[k].items())} for k in ("start_states", "end_states")}
    return {"tokens": symbols, "states": packed, **ends}


def _pack_row(row: dict[int, Any], order: dict[int, int]) -> list[list[int]]:
    by_action: dict[int, list[int]] = {}
    for terminal, (reduces, argument) in sorted(row.items()):
        action = -argument["@"] - 1 if reduces else order[argument]
        by_action.setdefault(action, [action]).append(terminal)
    return list(by_action.values())


def _unpack(saved: dict[str, Any]) -> tuple[dict[str, Any], dict[int, Any]]:
    table = saved["data"]["parser"]["parser"]
    table["tokens"] = dict(enumerate(table["tokens"]))
    table["states"] = {i: _unpack_row(row) for i, row in enumerate(table["states"])}
    return saved["data"], dict(enumerate(saved["memo"], saved["first"]))


def _unpack_row(row: list[list[int]]) -> dict[int, tuple[int, Any]]:
    return {
        terminal: (0, action) if action >= 0 else (1, {"@": -action - 1})
        for action, *terminals in row
        for terminal in terminals
    }


def main() -> None:
    """Write `tables.json` anew."""
    TABLES.write_text(dump(GRAMMAR.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
