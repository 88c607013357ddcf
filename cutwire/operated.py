"""Statements asked of a model to which surgery has been done: the surgery becomes part of each question.

So data stay what they are, observations of the model as it was, and an effect is identified and not read off wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from parser.program import (
    CheckStatement,
    Definition,
    DrawStatement,
    IdentifiabilityClaim,
    IdentifyStatement,
    IndependenceClaim,
    QueryStatement,
    Statement,
)
from strings.formula import Ask, Compare, Formula, questions, substituted
from strings.query import Query
from strings.surgery import Surgery


def operated_statement(s: Statement, surgeries: Sequence[Surgery], tables: Mapping[str, Definition]) -> Statement:
    """The statement with `surgeries` done before those that it does itself; `tables` define the boxes only they use."""
    if not surgeries:
        return s
    match s:
        case QueryStatement():
            expect = None if s.expect is None else _formula(s.expect, surgeries)
            formula = _formula(s.formula, surgeries)
            return replace(s, formula=formula, expect=expect, tables={**tables, **s.tables})
        case IdentifyStatement():
            return replace(s, query=_query(s.query, surgeries), tables={**tables, **s.tables})
        case DrawStatement() if s.diagram is None:
            return replace(s, surgeries=(*surgeries, *s.surgeries))
        case CheckStatement():
            assuming = tuple(_compare(c, surgeries) for c in s.assuming)
            body = s.body
            match body:
                case Compare():
                    body = _compare(body, surgeries)
                case IndependenceClaim():
                    body = replace(body, surgeries=(*surgeries, *body.surgeries))
                case IdentifiabilityClaim():
                    body = replace(body, query=_query(body.query, surgeries))
            return replace(s, body=body, assuming=assuming, tables={**tables, **s.tables})
    return s


def _query(q: Query, surgeries: Sequence[Surgery]) -> Query:
    return replace(q, surgeries=(*surgeries, *q.surgeries))


def _formula(f: Formula, surgeries: Sequence[Surgery]) -> Formula:
    return substituted(f, {q: Ask(_query(q, surgeries), q.span) for q in questions(f)})


def _compare(c: Compare, surgeries: Sequence[Surgery]) -> Compare:
    return replace(c, operands=tuple(_formula(f, surgeries) for f in c.operands))
