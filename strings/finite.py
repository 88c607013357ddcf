"""Finite stand-ins: what a model with real variables, or with bare types, is taken for where only its shape matters.

Identification is about shapes: an estimand that is right for all finite domains is built of conditionals and composes
them in the same way over the reals. So a real variable gets the values that the questions speak of, and another one.

>>> from strings.signature import Box
>>> X, Y = Object("X", None, "real"), Object("Y", None, "real")
>>> model = CausalModel.from_boxes((X, Y), [Box("x", (), (X,)), Box("y", (X,), (Y,))])
>>> asked = Query((Term("Y", ("> 0",), bounds=((">", Fraction(0)),)),), (), (Do("X", "2.5"),))
>>> shape, _ = stand_in(model, [asked])
>>> [x.values for x in shape.variables]
[('2.5', '0'), ('> 0', 'otherwise')]
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.model import CausalModel, Mechanism, retyped
from strings.query import Query, Term, without_nested
from strings.signature import Object
from strings.surgery import Do, DoWire, Replace, Surgery, touched

_RELATIONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def stand_in(model: CausalModel, queries: Sequence[Query]) -> tuple[CausalModel, list[Query]]:
    """The model with finitely many values for every variable, and the questions to it.

    Raises:
        QueryError: E007 if a question speaks of a real variable in two ways that a stand-in cannot tell apart.
        ZeroProbabilityError: Q002 if a number is outside of the interval that is asked for.
    """
    bare = [x for x in model.variables if x.values is None]
    if not bare:
        return model, list(queries)
    spaces = {x.name for x in bare if x.space}
    asked = [_settled(q, spaces) for q in queries]
    values = {x.name: _values(x.name, asked) for x in bare}
    new = {n: Object(n, v) for n, v in values.items()}
    typed = [q.with_surgeries(lambda s: _retyped(s, new)) for q in asked]
    return model.with_values(values), typed


def opaque(query: Query) -> Query:
    """The question with intervals of numbers as mere values, for a stand-in that is written as a model of its own."""
    return replace(
        query,
        targets=tuple(replace(t, bounds=()) for t in query.targets),
        given=tuple(replace(t, bounds=()) for t in query.given),
    )


def _values(name: str, queries: Sequence[Query]) -> tuple[str, ...]:
    """The values that questions name, and one more."""
    found: dict[str, bool] = {}
    for q in queries:
        for t in (*q.targets, *q.given):
            if t.variable == name:
                found.update(dict.fromkeys(t.values or (), bool(t.bounds)))
        for s in q.operations:
            match s:
                case Do(variable, value) if variable == name:
                    found[value] = False
                case DoWire(source, _, str(value)) if source == name:
                    found[value] = False
    if not found:
        return ("0", "1")
    if any(found.values()):
        return (*found, "otherwise")
    return (*found, next(v for v in ("0", "1", "2") if v not in found)) if len(found) == 1 else tuple(found)


def _settled(query: Query, spaces: set[str]) -> Query:
    """The question without intervals that a number given for the same variable lies in.

    Raises:
        ZeroProbabilityError: Q002 if it lies outside. QueryError: E007 for two intervals.
    """
    sharp = [t for t in query.given if t.values and not t.bounds and t.variable in spaces]
    points = {t.variable: t.values[0] for t in sharp if t.values and not t.world}
    points |= {s.variable: s.value for s in query.surgeries if isinstance(s, Do) and s.variable in spaces}
    elsewhere = {t.variable for t in (*sharp, *query.targets) if t.values and not t.bounds and t.world}
    elsewhere |= {touched(s)[0] for w in query.worlds for s in without_nested(w) if isinstance(s, Do | DoWire)}
    kept: list[Term] = []
    intervals: dict[str, Term] = {}
    for t in query.given:
        if not t.bounds:
            kept.append(t)
        elif t.variable in points and not t.world:
            if not _within(points[t.variable], t):
                note = f"it contradicts something else in `{query}`"
                message = f"`{t}` has probability zero in every model"
                raise ZeroProbabilityError(Diagnostic("Q002", message, t.span, notes=(note,)))
        else:
            kept.append(t)
            _only(t, intervals, t.variable in points or t.variable in elsewhere)
    for t in query.targets:
        if t.bounds:
            _only(t, intervals, t.variable in points or t.variable in elsewhere)
    return replace(query, given=tuple(kept))


def _only(t: Term, intervals: dict[str, Term], pointed: bool = False) -> None:
    """E007 unless this is the only interval, and no number is given beside it."""
    known = intervals.setdefault(t.variable, t)
    if pointed or known.bounds != t.bounds:
        note = "identification takes each event of a real variable as one value among others"
        message = f"`{t.variable}` stands in two ways in one question about identification"
        raise QueryError(Diagnostic("E007", message, t.span, "again here", notes=(note,)))


def _within(value: str, t: Term) -> bool:
    return all(_RELATIONS[op](Fraction(value), end) for op, end in t.bounds)


def _retyped(s: Surgery, new: Mapping[str, Object]) -> Surgery:
    if not isinstance(s, Replace):
        return s
    return replace(s, mechanism=Mechanism(s.mechanism.parents, retyped(s.mechanism.diagram, new)))
