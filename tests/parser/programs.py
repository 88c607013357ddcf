"""Random texts of model files: valid programs with random layout and comments.

A program is drawn as a list of words, so that the layout between any two of them can be drawn too. `programs` gives
texts that parse; the names in them need not be declared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

NAMES = (
    *("S", "T", "C", "H", "s'", "P", "E", "do", "cut", "sum", "all", "unit", "seed", "level", "bootstrap", "expect"),
    *("größe", "x_1", "_y"),
)
VALUES = ("no", "yes", "0", "12", "-1", "2.5", "-0.5", '"<5"', '"a \\" b"', "all", "exact", "low")
TEXTS = ('"label"', '"two words, # no comment"', '"(["', '"d.csv"')
NUMBERS = ("0", "1", "7", "0.25", "1e-3", "2.5e2", "30%", "12.5%", "0.333f", "1f")
GAPS = (
    " ",
    " ",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n\n\n",
    "\t",
    " # note\n",
    "\n# a line of its own\n  ",
    " #\n",
    "\r\n",
    "\n#x\n\n#y\n",
)

Words = list[str]
Draw = st.DrawFn


def _name(draw: Draw) -> str:
    return draw(st.sampled_from(NAMES))


def _plain(draw: Draw) -> str:
    """A name that no bracket behind it turns into a word of the language."""
    return draw(st.sampled_from(("f", "g", "S", "T", "H2", "fork'", "to", "all", "models", "symbolic", "from")))


def _value(draw: Draw) -> Words:
    value = draw(st.sampled_from(VALUES))
    return ["-", value[1:]] if value.startswith("-") else [value]


def _several(draw: Draw, one: Callable[[Draw], Words], sign: str = ",", most: int = 3) -> Words:
    found = one(draw)
    for _ in range(draw(st.integers(0, most - 1))):
        found += [sign, *one(draw)]
    return found


def _names(draw: Draw) -> Words:
    return _several(draw, lambda d: [_plain(d)])


def _qname(draw: Draw) -> Words:
    return [_plain(draw)] if draw(st.booleans()) else ["d", ".", _plain(draw)]


def _optional(draw: Draw, found: Callable[[Draw], Words]) -> Words:
    return found(draw) if draw(st.booleans()) else []


# ---- expressions -----------------------------------------------------------------------------------------------------


def _event(draw: Draw) -> Words:
    place = _place(draw)
    rest = draw(st.sampled_from(["", "=", "!=", "in", "<", ">=", "[", "chain"]))
    if rest == "chain":
        last = draw(st.sampled_from([[], [">=", "-", "3"], ["<", "2.5"]]))
        return [draw(st.sampled_from(["0", "1.5", "1e-3"])), draw(st.sampled_from(["<", "<=", ">"])), *place, *last]
    if rest == "[":
        return [*place, "in", "[", *_value(draw), ",", *_value(draw), "]"]
    if rest == "in":
        return [*place, "in", "{", *_several(draw, _value), "}"]
    return [*place, rest, *_value(draw)] if rest else place


def _place(draw: Draw, depth: int = 2) -> Words:
    """A variable, in the actual world or in another one."""
    name = draw(st.sampled_from([*NAMES[:4], '"odd name"']))
    match draw(st.integers(0, 5)) if depth else 2:
        case 0:
            return [name, "@", draw(st.sampled_from(NAMES[:4]))]
        case 1:
            return [name, "[", *_several(draw, lambda d: _different(d, depth - 1), most=2), "]"]
        case _:
            return [name]


def _different(draw: Draw, depth: int) -> Words:
    """What is different in a world: as in `do(…)`, or a variable becomes what it is elsewhere."""
    match draw(st.integers(0, 3)):
        case 0:
            return _cut(draw)
        case 1:
            nested = _place(draw, depth)
            return [*_target(draw), draw(st.sampled_from((":=", "="))), *(nested if len(nested) > 1 else _value(draw))]
        case _:
            return _assign(draw)


def _effect(draw: Draw) -> Words:
    name = draw(st.sampled_from(("ATE", "ETT", "PN", "PS", "PNS", "CDE", "NDE", "NIE")))
    mediator = {"CDE": [",", "T", ":=", *_value(draw)], "NDE": [",", "T", ",", "H"], "NIE": [",", "T"]}.get(name, [])
    event = ["S", draw(st.sampled_from(("=", "!="))), *_value(draw)]
    given = _optional(draw, lambda d: ["|", *_several(d, _condition)])
    return [name, "(", *event, ",", "C", ":=", *_value(draw), ",", *_value(draw), *mediator, *given, ")"]


def _condition(draw: Draw) -> Words:
    return draw(st.sampled_from((_event, _do, _cut)))(draw)


def _do(draw: Draw) -> Words:
    return ["do", "(", *_several(draw, _assign, most=2), ")"]


def _cut(draw: Draw) -> Words:
    return ["cut", "(", *_several(draw, _target, most=2), ")"]


def _target(draw: Draw) -> Words:
    return [_plain(draw), *_optional(draw, lambda d: ["->", _plain(d)])]


def _assign(draw: Draw) -> Words:
    match draw(st.sampled_from(("free", ":=", "=", "~"))):
        case "free":
            return _target(draw)
        case "~":
            return [*_target(draw), "~", *_dist(draw)]
        case sign:
            return [*_target(draw), sign, *_value(draw)]


def _probability(draw: Draw) -> Words:
    kind = draw(st.sampled_from(("P", "P", "E")))
    given = _optional(draw, lambda d: ["|", *_several(d, _condition)])
    return [kind, "(", *_several(draw, _event), *given, ")"]


def _atom(draw: Draw) -> Words:
    match draw(st.integers(0, 6)):
        case 6:
            return _effect(draw)
        case 5:
            return _call(draw) if draw(st.booleans()) else ["x"]
        case 0:
            return [draw(st.sampled_from(NUMBERS))]
        case 1:
            return _qname(draw)
        case 2:
            return ['"<5"']
        case _:
            return _probability(draw)


def _expression(draw: Draw, depth: int = 2) -> Words:
    if depth == 0:
        return _atom(draw)
    match draw(st.integers(0, 8)):
        case 0:
            sign = draw(st.sampled_from(("+", "-", "*", "/", "^", "and", "or", "xor", "==", "<", "<=", "!=")))
            left, right = _expression(draw, depth - 1), _expression(draw, depth - 1)
            if sign == "^" and right[0] == "sum":
                right = ["(", *right, ")"]
            return ["(", *left, sign, *right, ")"]
        case 1:
            sign = draw(st.sampled_from(("+", "-", "*", "/")))
            return [*_atom(draw), sign, *_atom(draw)]
        case 2:
            return ["sum", "[", *_binders(draw), "]", *_atom(draw), "*", *_atom(draw)]
        case 3:
            return ["-", *_atom(draw)]
        case 4:
            parts = [_expression(draw, depth - 1) for _ in range(3)]
            return ["(", "if", *parts[0], "then", *parts[1], "else", *parts[2], ")"]
        case 5:
            return ["(", "not", *_atom(draw), ")"]
        case 6:
            return ["1", "/", draw(st.sampled_from(("3", "12")))]
        case _:
            return _atom(draw)


def _binders(draw: Draw) -> Words:
    return _several(draw, lambda d: [_plain(d), ":", _plain(d)], most=2)


# ---- boxes, data, diagrams -------------------------------------------------------------------------------------------


def _entry(draw: Draw) -> Words:
    return ["_"] if draw(st.integers(0, 4)) == 0 else _expression(draw, 1)


def _dist(draw: Draw) -> Words:
    match draw(st.integers(0, 4)):
        case 0:
            return ["[", *_several(draw, _entry), "]"]
        case 1:
            return ["[", *_expression(draw, 1), ":", *_several(draw, lambda d: _expression(d, 1), ":"), "]"]
        case 2:
            return ["{", *_several(draw, lambda d: [*_value(d), ":", *_entry(d)]), "}"]
        case 3:
            argument = _several(draw, lambda d: [*_optional(d, lambda e: [_plain(e), "="]), *_expression(d, 1)])
            return [
                draw(st.sampled_from(("flip", "uniform", "b"))),
                "(",
                *(argument if draw(st.booleans()) else []),
                ")",
            ]
        case _:
            return _value(draw)


def _row(draw: Draw) -> Words:
    pattern = _several(draw, lambda d: ["_"] if d(st.booleans()) else _value(d))
    return ["|", *pattern, "->", *_dist(draw)]


def _body(draw: Draw) -> Words:
    match draw(st.integers(0, 3)):
        case 0:
            return [w for _ in range(draw(st.integers(1, 3))) for w in _row(draw)]
        case 1:
            return ["fn", "(", *_optional(draw, _names), ")", "=>", *_drawn(draw)]
        case 2:
            return ["diagram", *_dexpr(draw)]
        case _:
            return _dist(draw)


def _drawn(draw: Draw, depth: int = 1) -> Words:
    """The body of a function: an expression, a row, or a choice among such."""
    match draw(st.integers(0, 3)):
        case 0 if depth:
            return ["if", *_expression(draw, 1), "then", *_drawn(draw, 0), "else", *_drawn(draw, 0)]
        case 1:
            return ["[", *_several(draw, _entry), "]"]
        case 2:
            return ["{", *_several(draw, lambda d: [*_value(d), ":", *_entry(d)]), "}"]
        case _:
            return _expression(draw)


def _call(draw: Draw) -> Words:
    argument = _several(draw, lambda d: [*_optional(d, lambda e: [_plain(e), "="]), *_expression(d, 0)])
    name = draw(st.sampled_from(("normal", "exp", "flip", "max", "poisson")))
    return [name, "(", *(argument if draw(st.booleans()) else []), ")"]


def _dexpr(draw: Draw, depth: int = 1) -> Words:
    def one(d: Draw) -> Words:
        match d(st.integers(0, 3)):
            case 0:
                types = _several(d, _qname)
                return [d(st.sampled_from(("id", "copy", "discard", "swap"))), "[", *types, "]"]
            case 1 if depth:
                return ["(", *_dexpr(d, depth - 1), ")"]
            case _:
                return _qname(d)

    return _several(draw, lambda d: _several(d, one, "*"), ";")


def _surgery(draw: Draw) -> Words:
    return _several(draw, lambda d: d(st.sampled_from((_do, _cut, _qname)))(d), "then")


def _after(draw: Draw) -> Words:
    return _optional(draw, lambda d: ["after", *_surgery(d)])


def _wiring(draw: Draw) -> Words:
    if draw(st.integers(0, 3)) == 0:
        return ["discard", *_names(draw)]
    outputs = _several(draw, lambda d: ["_"] if d(st.booleans()) else [_plain(d)])
    types = _optional(draw, lambda d: ["[", *_several(d, _qname), "]"])
    return [*outputs, "<-", *_qname(draw), *types, "(", *_optional(draw, _names), ")"]


# ---- statements ------------------------------------------------------------------------------------------------------


def _domain(draw: Draw) -> Words:
    match draw(st.integers(0, 2)):
        case 0:
            return ["{", *_several(draw, _value), "}"]
        case 1:
            return ["0", "..", "15"]
        case _:
            return _qname(draw)


def _label(draw: Draw) -> Words:
    return _optional(draw, lambda d: [d(st.sampled_from(TEXTS))])


def _named(draw: Draw) -> Words:
    return _optional(draw, lambda d: [_plain(d), ":"])


def _options(draw: Draw, kinds: Sequence[Callable[[Draw], Words]]) -> Words:
    chosen = draw(st.permutations(kinds))[: draw(st.integers(0, len(kinds)))]
    return [w for one in chosen for w in one(draw)]


_FOR: Callable[[Draw], Words] = lambda d: ["for", *_binders(d)]  # noqa: E731
_UNIT: Callable[[Draw], Words] = lambda d: ["unit", d(st.sampled_from(("odds", "bits")))]  # noqa: E731
_USING: Callable[[Draw], Words] = lambda d: ["using", *_qname(d)]  # noqa: E731
_EXPECT: Callable[[Draw], Words] = lambda d: ["expect", *_expression(d)]  # noqa: E731


_FOR_MODELS: Callable[[Draw], Words] = lambda d: ["for", d(st.sampled_from(("1", "500"))), "models"]  # noqa: E731
_SEED: Callable[[Draw], Words] = lambda d: ["seed", *d(st.sampled_from((["7"], ["-", "1"])))]  # noqa: E731
_BOOTSTRAP: Callable[[Draw], Words] = lambda d: ["bootstrap", d(st.sampled_from(("20", "2000")))]  # noqa: E731
_LEVEL: Callable[[Draw], Words] = lambda d: ["level", *_expression(d, 1)]  # noqa: E731
_WITHIN: Callable[[Draw], Words] = lambda d: ["within", *_expression(d, 1)]  # noqa: E731
_MODE: Callable[[Draw], Words] = lambda d: [d(st.sampled_from(("exact", "symbolic", "numeric")))]  # noqa: E731


def _asked(draw: Draw) -> Words:
    """One probability, and what is given."""
    given = _optional(draw, lambda d: ["from", *_several(d, _probability)])
    return [*_probability(draw), *given]


def _statement(draw: Draw, blocks: bool = True) -> Words:
    name = _name(draw)
    match draw(st.integers(-4, 18 if blocks else 16)):
        case -4:
            return ["world", name, "=", *_surgery(draw)]
        case -3:
            return ["observe", *_several(draw, _event)]
        case -2:
            return ["draw", *_probability(draw), *_optional(draw, lambda d: ["to", d(st.sampled_from(TEXTS))])]
        case -1:
            interval = _optional(draw, lambda d: ["in", "[", *_expression(d, 1), ",", *_expression(d, 1), "]"])
            prior = _optional(draw, lambda d: ["~", *_call(d)])
            return ["param", *_names(draw), *interval, *prior, *_optional(draw, lambda d: ["=", *_expression(d, 1)])]
        case 0:
            return ["domain", name, "=", *_domain(draw)]
        case 1:
            return ["type", *_names(draw)]
        case 2 | 3:
            return [draw(st.sampled_from(("var", "latent"))), *_names(draw), ":", *_domain(draw), *_label(draw)]
        case 4 | 5:
            body = _optional(draw, lambda d: ["=", *_body(d)])
            inputs = _optional(draw, lambda d: _several(d, _qname))
            return ["box", name, ":", *inputs, "->", *_several(draw, _qname), *body]
        case 6:
            bodies = [w for _ in range(draw(st.integers(0, 2))) for w in (_plain(draw), "=", *_body(draw))]
            return ["interpret", *_qname(draw), "as", name, "{", *bodies, "}"]
        case 7:
            columns = [w for _ in range(draw(st.integers(0, 2))) for w in (",", _plain(draw), "=", '"c"')]
            return ["data", name, "=", "csv", "(", '"d.csv"', *columns, ")"]
        case 8:
            rows = [w for _ in range(draw(st.integers(1, 3))) for w in _data_row(draw)]
            return ["data", name, "(", *_names(draw), ")", "=", *rows]
        case 9:
            wires = _optional(draw, lambda d: _several(d, lambda e: [_plain(e), ":", *_qname(e)]))
            inside = [w for _ in range(draw(st.integers(0, 3))) for w in _wiring(draw)]
            ports = _several(draw, _qname)
            return ["diagram", name, "(", *wires, ")", "->", *ports, "{", *inside, "return", *_names(draw), "}"]
        case 10:
            return ["diagram", name, "=", *_dexpr(draw), *_after(draw)]
        case 11:
            return ["surgery", name, "=", *_surgery(draw)]
        case 12:
            options = _options(draw, (_FOR, _UNIT, _USING, _EXPECT))
            return ["query", *_named(draw), *_expression(draw), *options]
        case 13:
            before, after = _options(draw, (_FOR, _UNIT)), _options(draw, (_EXPECT,))
            if draw(st.booleans()):
                before, after = [*before, *_BOOTSTRAP(draw)], [*after, *_options(draw, (_SEED, _LEVEL))]
            return ["estimate", *_named(draw), *_expression(draw), *before, "from", *_qname(draw), *after]
        case 14:
            return ["claim", name, *_optional(draw, lambda d: ["(", *_binders(d), ")"]), ":", *_claimed(draw)]
        case 15:
            names = ["all"] if draw(st.booleans()) else _several(draw, lambda d: [d(st.sampled_from(("a", "seed")))])
            options = _options(draw, (_MODE, _FOR_MODELS, _SEED, _WITHIN, _USING))
            to = _optional(draw, lambda d: ["to", '"d.svg"'])
            drawn = ["draw", *_dexpr(draw), *_after(draw), *to]
            return draw(st.sampled_from((["check", *names, *options], drawn)))
        case 16:
            return ["identify", *_named(draw), *_asked(draw)]
        case 17:
            inside = [w for _ in range(draw(st.integers(0, 3))) for w in _item(draw, blocks=False)]
            return ["model", name, "{", *inside, "}"]
        case _:
            whole = ["model", name, "=", *_qname(draw), "after", *_surgery(draw)]
            shown = _optional(draw, lambda d: ["exposing", "(", *_names(d), ")"])
            imported = ["import", '"p.causal"', *_optional(draw, lambda d: ["as", _plain(d)]), *shown]
            return draw(st.sampled_from((["model", name], whole, imported)))


def _claimed(draw: Draw) -> Words:
    match draw(st.integers(0, 3)):
        case 0:
            return ["diagram", *_dexpr(draw), draw(st.sampled_from(("==", "!="))), *_dexpr(draw)]
        case 1:
            behind = _optional(draw, lambda d: ["|", *_several(d, _behind)])
            return [*_names(draw), "_||_", *_names(draw), *behind]
        case 2:
            return [*draw(st.sampled_from(([], ["not"]))), "identifiable", *_asked(draw)]
        case _:
            return [*_compared(draw), *_optional(draw, lambda d: ["assuming", *_several(d, _compared)])]


def _compared(draw: Draw) -> Words:
    return [*_atom(draw), draw(st.sampled_from(("==", "<", ">="))), *_expression(draw)]


def _behind(draw: Draw) -> Words:
    return draw(st.sampled_from((lambda d: [_plain(d)], _do, _cut)))(draw)


def _data_row(draw: Draw) -> Words:
    return ["|", *_several(draw, _value), "->", draw(st.sampled_from(NUMBERS))]


def _item(draw: Draw, blocks: bool = True) -> Words:
    docs = draw(st.lists(st.sampled_from(("## Documented.\n", "##\n", "##  more # of it\n")), max_size=2))
    return [*docs, *_statement(draw, blocks)]


@st.composite
def program_words(draw: st.DrawFn, most: int = 5) -> list[str]:
    """The words of a random program, in order."""
    return [w for _ in range(draw(st.integers(0, most))) for w in _item(draw)]


@st.composite
def programs(draw: st.DrawFn, most: int = 5) -> str:
    """The text of a random program that parses, with random white space and comments."""
    text = draw(st.sampled_from(("", "\ufeff", "\n\n", "# first\n", "\n  # first\n")))
    for word in draw(program_words(most)):
        text += word + draw(st.sampled_from(GAPS))
    return text
