"""Formulas and questions in MathML, as notebooks and browsers show them.

Presentation MathML Core: the same formula, with the same brackets, that `strings.latex` writes for papers.

>>> from strings.query import Become, Query, Term
>>> text = mathml(Ask(Query((Term("T", axis="t"),))))
>>> print(text.removeprefix('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'))
<mi>P</mi><mrow><mo>(</mo><mi>t</mi><mo>)</mo></mrow></math>
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Parameter, Sum
from strings.latex import ends_in_sum, level_of
from strings.markup import escaped
from strings.query import Become, Query, Term, said_bounds
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Surgery

_LEVEL = {"+": 1, "-": 1, "*": 2}
_OPERATORS = {"+": "<mo>+</mo>", "-": "<mo>\u2212</mo>", "*": '<mspace width="0.2em"/>'}
_RELATIONS = {"==": "=", "!=": "\u2260", "<=": "\u2264", ">=": "\u2265", "<": "<", ">": ">"}
_EXPECTATION, _GIVEN, _IN, _TO, _AS = "\U0001d53c", "\u2223", "\u2208", "\u2192", "\u223c"
_COMMA = '<mo separator="true">,</mo>'


def mathml(formula: Formula | Compare) -> str:
    """A formula or a comparison as a `math` element."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{_formula(formula)}</math>'


def _formula(formula: Formula | Compare) -> str:
    match formula:
        case Compare(operands, ops):
            text = _formula(operands[0])
            for op, operand in zip(ops, operands[1:], strict=True):
                text += _sign(_RELATIONS[op]) + _formula(operand)
            return text
        case Number(value):
            sign = _OPERATORS["-"] if value < 0 else ""
            above, below = f"<mn>{abs(value.numerator)}</mn>", f"<mn>{value.denominator}</mn>"
            return sign + (above if value.denominator == 1 else f"<mfrac>{above}{below}</mfrac>")
        case Parameter(text):
            return _name(text)
        case Ask(query):
            return _query(query)
        case Sum(binders, body):
            bound = _list(_name(n) for n, _ in binders)
            return f'<munder><mo largeop="true" movablelimits="false">\u2211</mo>{_row(bound)}</munder>{_wrap(body, 2)}'
        case Arithmetic("/", left, right):
            return f"<mfrac>{_row(_formula(left))}{_row(_formula(right))}</mfrac>"
        case Arithmetic("^", left, right):
            return f"<msup>{_row(_wrap(left, 5))}{_row(_formula(right))}</msup>"
        case Arithmetic(op, left, right):
            first = _bracketed(_formula(left)) if ends_in_sum(left) else _wrap(left, _LEVEL[op])
            return first + _OPERATORS[op] + _wrap(right, _LEVEL[op] + (op == "-"))


def _query(query: Query) -> str:
    head = _list(map(_term, query.targets))
    behind = [*_surgeries(query.surgeries), *map(_term, query.given)]
    bar = f"{_sign(_GIVEN)}{_list(behind)}" if behind else ""
    return f"<mi>{_EXPECTATION if query.expectation else 'P'}</mi>{_bracketed(head + bar)}"


def _term(t: Term) -> str:
    if t.bounds:
        shown = said_bounds(t.variable, t.bounds).replace("in [", f"{_IN} [").replace(">=", "≥").replace("<=", "≤")
        return f"<mtext>{escaped(shown)}</mtext>"
    if t.values is None and t.world:
        return _place(t) + (_sign("=") + _name(t.axis) if t.axis not in (None, t.variable) else "")
    if t.values is None:
        return _name(t.axis or t.variable)
    if len(t.values) == 1:
        return _place(t) + _sign("=") + _name(t.values[0])
    values = _sign("{") + _list(map(_name, t.values)) + _sign("}")
    return _place(t) + _sign(_IN) + _row(values)


def _place(t: Term) -> str:
    """The variable, with its world as a subscript, as Pearl writes it."""
    if not t.world:
        return _name(t.variable)
    done, others = _settings([s for s in t.world if not isinstance(s, Open | Become)])
    named = [_equation(s.variable, "=", s.axis or s.variable) for s in t.world if isinstance(s, Open)]
    nested = [_name(s.variable) + _sign("=") + _place(s.source) for s in t.world if isinstance(s, Become)]
    return f"<msub>{_row(_name(t.variable))}{_row(_list([*done, *named, *nested, *others]))}</msub>"


def _surgeries(surgeries: Sequence[Surgery]) -> list[str]:
    """Settings in one do(…)."""
    done, others = _settings(surgeries)
    return [*([f"<mi>do</mi>{_bracketed(_list(done))}"] if done else []), *others]


def _settings(surgeries: Sequence[Surgery]) -> tuple[list[str], list[str]]:
    """What stands inside of do(…), and beside it."""
    done: list[str] = []
    others: list[str] = []
    for s in surgeries:
        match s:
            case Do(variable, value):
                done.append(_equation(variable, "=", value))
            case Open(variable, axis):
                done.append(_name(axis or variable))
            case DoWire(source, sink, value, axis):
                told = value if value is not None else axis
                done.append(_equation(source, _TO, sink) + (_sign("=") + _name(told) if told else ""))
            case Cut(variable):
                others.append(f"<mi>cut</mi>{_bracketed(_name(variable))}")
            case CutWire(source, sink):
                others.append(f"<mi>cut</mi>{_bracketed(_equation(source, _TO, sink))}")
            case _:
                done.append(_equation(s.variable, _AS, s.text or s.mechanism.diagram.nodes[0].box.name))
    return done, others


def _equation(left: str, sign: str, right: str) -> str:
    return _name(left) + _sign(sign) + _name(right)


def _name(text: str) -> str:
    """A variable or value: letters in italics with their subscript, words upright, numbers as numbers."""
    stem, primes = re.fullmatch(r"(.*?)('*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    short = re.fullmatch(r"([^\W\d_])_?(\d+)", stem)
    prime = f"<mo>{chr(0x2032) * len(primes)}</mo>"
    if short:
        base = f"<mi>{escaped(short[1])}</mi><mn>{short[2]}</mn>"
        return f"<msubsup>{base}{prime}</msubsup>" if primes else f"<msub>{base}</msub>"
    if re.fullmatch(r"-?\d+(\.\d+)?", stem, re.ASCII):
        base = f"<mn>{stem}</mn>"
    else:
        kind = "mi" if re.fullmatch(r"\w+", stem) else "mtext"  # the blanks of words are kept by `mtext` only
        base = f"<{kind}>{escaped(stem)}</{kind}>"
    return f"<msup>{base}{prime}</msup>" if primes else base


def _sign(sign: str) -> str:
    return f"<mo>{escaped(sign)}</mo>"


def _list(parts: Iterable[str]) -> str:
    return _COMMA.join(parts)


def _row(inside: str) -> str:
    return f"<mrow>{inside}</mrow>"


def _bracketed(inside: str) -> str:
    return _row(f"<mo>(</mo>{inside}<mo>)</mo>")  # a row of its own: brackets grow to the height of their row


def _wrap(formula: Formula, level: int) -> str:
    return _bracketed(_formula(formula)) if level_of(formula) < level else _formula(formula)
