r"""Formulas and questions in LaTeX, as papers print them.

>>> from strings.query import Become, Query, Term
>>> p_t = Ask(Query((Term("T", axis="t"),), (Term("S", axis="s"),)))
>>> p_c = Ask(Query((Term("C"),), (Term("S", axis="s'"), Term("T", axis="t"))))
>>> print(latex(Sum((("t", "T"),), Arithmetic("*", p_t, p_c))))
\sum_{t} P(t \mid s) \, P(C \mid s', t)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Parameter, Sum
from strings.query import Become, Query, Term, said_bounds
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Surgery

_LEVEL = {"+": 1, "-": 1, "*": 2, "/": 4, "^": 4}
_OPERATORS = {"+": " + ", "-": " - ", "*": r" \, "}
_RELATIONS = {"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "<": "<", ">": ">"}
_SPECIAL = {c: "\\" + c for c in "#$%&_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}


def latex(formula: Formula | Compare) -> str:
    """A formula or a comparison as LaTeX for math mode; names of several letters are set as text."""
    match formula:
        case Compare(operands, ops):
            text = latex(operands[0])
            for op, operand in zip(ops, operands[1:], strict=True):
                text += f" {_RELATIONS[op]} {latex(operand)}"
            return text
        case Number(value):
            if value.denominator == 1:
                return str(value.numerator)
            sign = "-" if value < 0 else ""
            return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
        case Parameter(text):
            return name(text)
        case Ask(query):
            return latex_query(query)
        case Sum(binders, body):
            bound = ", ".join(name(n) for n, _ in binders)
            return rf"\sum_{{{bound}}} {_wrap(body, 2)}"
        case Arithmetic("/", left, right):
            return rf"\frac{{{latex(left)}}}{{{latex(right)}}}"
        case Arithmetic("^", left, right):
            return f"{_wrap(left, 5)}^{{{latex(right)}}}"
        case Arithmetic(op, left, right):
            level = _LEVEL[op]
            first = f"({latex(left)})" if ends_in_sum(left) else _wrap(left, level)
            return f"{first}{_OPERATORS[op]}{_wrap(right, level + (op == '-'))}"


def latex_query(query: Query) -> str:
    """A question as LaTeX for math mode."""
    head = ", ".join(map(_term, query.targets))
    behind = [*_surgeries(query.surgeries), *map(_term, query.given)]
    letter = r"\mathbb{E}" if query.expectation else "P"
    return f"{letter}({head}" + (rf" \mid {', '.join(behind)}" if behind else "") + ")"


def name(text: str) -> str:
    r"""A variable or value as LaTeX for math mode.

    >>> name("S"), name("s'"), name("Rain"), name("V12"), name("blood_pressure")
    ('S', "s'", '\\mathrm{Rain}', 'V_{12}', '\\mathrm{blood\\_pressure}')
    """
    short = re.fullmatch(r"([^\W\d_])_?(\d*)('*)", text)
    if short:
        return short[1] + (f"_{{{short[2]}}}" if short[2] else "") + short[3]
    stem, primes = re.fullmatch(r"(.*?)('*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if re.fullmatch(r"-?\d+(\.\d+)?", stem):
        return stem + primes
    command = r"\text" if " " in stem else r"\mathrm"  # math mode swallows blanks
    return rf"{command}{{{''.join(_SPECIAL.get(c, c) for c in stem)}}}{primes}"


_SIGNS = {
    "→": r"\rightarrow",
    "≤": r"\leq",
    "≥": r"\geq",
    "≠": r"\neq",
    "∑": r"\sum",
    "−": "-",
    "′": "'",
    "∞": r"\infty",
}
_VARIANTS = {"FINAL SIGMA": "varsigma", "OMICRON": "o"}
_LATIN = frozenset(
    ["ALPHA", "BETA", "EPSILON", "ZETA", "ETA", "IOTA", "KAPPA", "MU", "NU", "OMICRON", "RHO", "TAU", "CHI"]
)


def plain_text(text: str) -> str:
    r"""Text for LaTeX outside of math mode, as it is: Greek letters and some signs are set in math mode.

    >>> print(plain_text("50% of A_1 & β"))
    50\% of A\_1 \& \ensuremath{\beta}
    """
    written = "".join(map(_plain, text))
    return re.sub(r"([-<>,'`?!])(?=[-<>,'`])", r"\1{}", written)  # which fonts would draw together


def _plain(c: str) -> str:
    if c in _SPECIAL or c in _SIGNS:
        return _SPECIAL.get(c) or rf"\ensuremath{{{_SIGNS[c]}}}"
    greek = re.fullmatch("GREEK (SMALL|CAPITAL) LETTER (.*)", unicodedata.name(c, " "))
    if greek is None or " WITH " in greek[2]:
        return c if c.isprintable() else " "
    large, letter = greek[1] == "CAPITAL", greek[2]
    if large and letter in _LATIN:
        return {"ETA": "H", "RHO": "P", "CHI": "X"}.get(letter, letter[0])
    spelled = _VARIANTS.get(letter, letter.lower().replace("lamda", "lambda"))
    return rf"\ensuremath{{{'' if spelled == 'o' else chr(92)}{spelled.capitalize() if large else spelled}}}"


def _term(t: Term) -> str:
    if t.bounds:
        shown = said_bounds(_place(t), t.bounds)
        return shown.replace(">=", r"\ge").replace("<=", r"\le").replace("in [", r"\in [")
    if t.values is None and t.world:
        return _place(t) + (f" = {name(t.axis)}" if t.axis not in (None, t.variable) else "")
    if t.values is None:
        return name(t.axis or t.variable)
    if len(t.values) == 1:
        return f"{_place(t)} = {name(t.values[0])}"
    return rf"{_place(t)} \in \{{{', '.join(map(name, t.values))}\}}"


def _place(t: Term) -> str:
    """The variable, with its world as a subscript, as Pearl writes it."""
    if not t.world:
        return name(t.variable)
    done = [s for s in t.world if not isinstance(s, Open | Become)]
    plain, others = _settings(done)
    named = [f"{name(s.variable)} = {name(s.axis or s.variable)}" for s in t.world if isinstance(s, Open)]
    nested = [f"{name(s.variable)} = {_place(s.source)}" for s in t.world if isinstance(s, Become)]
    return f"{{{name(t.variable)}}}_{{{', '.join([*plain, *named, *nested, *others])}}}"


def _surgeries(surgeries: Sequence[Surgery]) -> list[str]:
    """Consecutive settings in one do(…)."""
    done, others = _settings(surgeries)
    return [*([rf"\mathrm{{do}}({', '.join(done)})"] if done else []), *others]


def _settings(surgeries: Sequence[Surgery]) -> tuple[list[str], list[str]]:
    """What stands inside of do(…), and beside it."""
    done: list[str] = []
    others: list[str] = []
    for s in surgeries:
        match s:
            case Do(variable, value):
                done.append(f"{name(variable)} = {name(value)}")
            case Open(variable, axis):
                done.append(name(axis or variable))
            case DoWire(source, sink, value, axis):
                told = value if value is not None else axis
                done.append(rf"{name(source)} \to {name(sink)}" + (f" = {name(told)}" if told else ""))
            case Cut(variable):
                others.append(rf"\mathrm{{cut}}({name(variable)})")
            case CutWire(source, sink):
                others.append(rf"\mathrm{{cut}}({name(source)} \to {name(sink)})")
            case _:
                done.append(rf"{name(s.variable)} \sim {name(s.text or s.mechanism.diagram.nodes[0].box.name)}")
    return done, others


def ends_in_sum(formula: Formula) -> bool:
    """Whether a sum would swallow what is written behind a formula."""
    while isinstance(formula, Arithmetic) and formula.op != "/":
        formula = formula.right
    return isinstance(formula, Sum)


def level_of(formula: Formula) -> int:
    """How tightly a formula binds when it is set with fraction bars and raised powers."""
    if isinstance(formula, Number):
        return 0 if formula.value < 0 else 5 if formula.value.denominator == 1 else _LEVEL["/"]
    return _LEVEL[formula.op] if isinstance(formula, Arithmetic) else 5


def _wrap(formula: Formula, level: int) -> str:
    return rf"\left({latex(formula)}\right)" if level_of(formula) < level else latex(formula)
