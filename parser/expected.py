"""Words for what can stand at a place of a text: the forms of statements, the parser's terminals."""

from __future__ import annotations

from parser.tokens import STATEMENTS
from strings.diagnostic import did_you_mean

FORMS = {
    "model": "`model smoking`, `model m { … }` or `model n = m after cut(S)`",
    "import": '`import "other.causal" as o exposing (A, B)`',
    "domain": "`domain YesNo = {no, yes}` or `domain Level = 0..15`",
    "type": "`type A, B`",
    "var": '`var S, T : {no, yes} "label"`',
    "latent": "`latent H : {low, high}`",
    "param": "`param p, q in [0, 1]`, `param b ~ normal(0, 1)` or `param c = 1/3`",
    "box": "`box t : S -> T = | no -> [9 : 1] | yes -> [1/5, 4/5]`",
    "interpret": "`interpret m as n { s = [1/2, 1/2]  t = … }`",
    "data": '`data d = csv("d.csv", S = "column")` or `data d(S, T) = | no, yes -> 1/2 …`',
    "diagram": "`diagram d(a : A) -> B { b <- f(a)  return b }` or `diagram d = f ; g * id[A]`",
    "surgery": "`surgery n = do(S := yes) then cut(T)`",
    "world": "`world w = do(S := yes)`",
    "observe": "`observe S = yes`",
    "query": "`query n: P(C = c | do(S := yes)) for c : C`",
    "identify": "`identify n: P(C | do(S)) from P(S, T, C)`",
    "estimate": "`estimate n: P(C | do(S)) from d bootstrap 2000 seed 7 level 95%`",
    "claim": "`claim n(s : S): P(C | s) == P(C)`, `claim n: S _||_ C | T`, `claim n: identifiable P(C)` or"
    " `claim n: diagram d == e`",
    "check": "`check all exact`, `check a, b within 1e-9` or `check a for 500 models seed 7`",
    "draw": '`draw m after cut(S) to "m.svg"`',
    "expression_text": "`P(C = yes | do(S := yes))`",
    "surgery_text": "`do(S := yes) then cut(T)`",
    "diagram_text": "`f ; g * id[A]`",
}

"""How a statement is written, by its first word, and what else can be read, by start rule."""

_EXPRESSION = frozenset(
    [
        "NAME",
        "INT",
        "DECIMAL",
        "FLOAT",
        "PERCENT",
        "STRING",
        "PROB",
        "EXPECTATION",
        "_SUM",
        "LPAR",
        "MINUS",
        "NOT",
        "_IF",
    ]
)
_VALUE = frozenset(("NAME", "INT", "DECIMAL", "MINUS", "STRING"))
_INFIX = frozenset(
    ["PLUS", "MINUS", "STAR", "SLASH", "POWER", "EQUAL", "UNEQUAL", "LE", "GE", "LT", "GT", "AND", "OR", "XOR"]
)
_SAID = {
    "NAME": "a name", "INT": "a whole number", "STRING": "a text in quotes", "WILD": "`_`", "$END": "the end",
    "_SUM": "`sum[…]`", "DECIMAL": "", "FLOAT": "", "PERCENT": "",
    "_DO": "`do(…)`", "_CUT": "`cut(…)`", "PROB": "`P(…)`", "EXPECTATION": "`E(…)`", "DOC": "", "EQUAL": "`==`",
    "UNEQUAL": "`!=`", "LE": "`<=`", "GE": "`>=`", "LT": "`<`", "GT": "`>`", "_EQUALS": "`=`", "PLUS": "`+`",
    "MINUS": "`-`", "STAR": "`*`", "SLASH": "`/`", "POWER": "`^`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`",
    "RSQB": "`]`", "LBRACE": "`{`", "RBRACE": "`}`", "_COLON": "`:`", "COMMA": "`,`", "VBAR": "`|`", "_ARROW": "`->`",
    "SEMICOLON": "`;`", "TILDE": "`~`", "_DOT": "`.`", "_ASSIGN": "`:=`", "_YIELDS": "`=>`", "_BIND": "`<-`",
    "_DOTS": "`..`", "_INDEPENDENT": "`_||_`",
}  # fmt: skip


def listed(accepts: frozenset[str]) -> str:
    """What could stand at a place, in words.

    >>> listed(frozenset({"RPAR", "COMMA"}))
    '`)` or `,`'
    """
    rest = set(accepts) - {"_DOT", "FUNCTION", "EFFECT"}
    words: list[str] = []
    for whole, said in ((_EXPRESSION, "an expression"), (_VALUE, "a value")):
        if whole <= rest:
            words.append(said)
            rest -= whole
    if len(_INFIX & rest) > 4:
        words.append("an operator")
        rest -= _INFIX
    if "_QUERY" in rest:
        rest -= {f"_{w.upper()}" for w in STATEMENTS} | {"$END"}
        words.append("a new statement")
    words += sorted(said for t in rest if (said := _SAID.get(t, f"`{t.strip('_').lower()}`")))
    words = words if len(words) <= 7 else [*words[:6], "the like"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


_MEANT = {
    "variable": "var", "hidden": "latent", "unobserved": "latent", "node": "box", "mechanism": "box", "factor": "box",
    "ask": "query", "print": "query", "assert": "claim", "theorem": "claim", "lemma": "claim", "include": "import",
    "use": "import", "plot": "draw", "show": "draw", "verify": "check", "enum": "domain",
    "identified": "identify", "estimand": "identify",
}  # fmt: skip


def statement_meant(word: str) -> tuple[str, ...]:
    """The help line that proposes the statement a word may be meant to start, or nothing.

    >>> statement_meant("lattent"), statement_meant("variable"), statement_meant("xyz")
    (('did you mean `latent`?',), ('did you mean `var`?',), ())
    """
    if word.lower() in _MEANT:
        return (f"did you mean `{_MEANT[word.lower()]}`?",)
    return did_you_mean(word, STATEMENTS) if 2 < len(word) < 15 else ()
