"""Domains, types and variables: the objects of a file's diagrams."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import cast

from parser import syntax
from parser.scope import Domain, Scope, Variable, count, near, problem, second_place, shorten, too_large, turned
from strings.diagnostic import LanguageError, Span
from strings.expression import Space
from strings.signature import Object, number_text

MAX_VALUES = 10_000
"""A variable may take so many values."""

SPACES = ("real", "count")
"""The domains that are not finite."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)


def elaborate_domains(items: Sequence[syntax.Item], scope: Scope) -> None:
    """Resolve the domain declarations; they may name each other in any order."""
    declared = {}
    for item in items:
        if isinstance(item, syntax.DomainDecl) and scope.domains.declare(item.name):
            declared[item.name.text] = item
    for name in declared:
        chain = _references(name, declared, scope)
        for decl in reversed(chain):
            with scope.report.collect(decl.span):
                scope.domains.define(decl.name.text, values_of(decl.domain, scope))


def _references(name: str, declared: dict[str, syntax.DomainDecl], scope: Scope) -> list[syntax.DomainDecl]:
    """The declarations that a domain refers to in turn, itself first, as far as they are not yet resolved."""
    chain: list[syntax.DomainDecl] = []
    seen: set[str] = set()
    at: str | None = name
    while at in declared and scope.domains.get(at) is None:
        if at in seen:
            names = [d.name.text for d in chain]
            loop = turned(names[names.index(at) :], list(declared))
            message = "these domains stand for each other" if len(loop) > 1 else f"`{at}` stands for itself"
            label = f"loop: {' -> '.join([*loop, loop[0]])}"
            scope.report.add(problem("N006", message, declared[loop[0]].span, label).diagnostics)
            return []
        seen.add(at)
        chain.append(declared[at])
        domain = declared[at].domain
        at = domain.text if isinstance(domain, syntax.Name) else None
    return chain


def values_of(domain: syntax.DomainExpression, scope: Scope) -> Domain:
    """The values of a domain, in declared order; `real` and `count` stand for themselves.

    Raises:
        LanguageError: N002 for an unknown domain, N006 if there is no value or one stands twice.
        LimitError: L003 if there are too many.
    """
    match domain:
        case syntax.Name(text) if text in SPACES and text not in scope.domains:
            return text
        case syntax.Name():
            return scope.domains.find(domain, also_known=SPACES)
        case syntax.Range(first, last):
            return _range(first, last, domain.span)
        case syntax.Values(values):
            return _enumeration(values, domain.span)


def _range(first: int, last: int, span: Span | None) -> tuple[str, ...]:
    if last < first:
        raise problem("N006", f"the range {first}..{last} is empty", span, help=(f"write `{last}..{first}`",))
    if last - first >= MAX_VALUES:
        raise too_large(f"this range has {count(last - first + 1, 'value')}", span, f"at most {MAX_VALUES:,}")
    return tuple(str(k) for k in range(first, last + 1))


def _enumeration(values: Sequence[syntax.Name], span: Span | None) -> tuple[str, ...]:
    if not values:
        raise problem("N006", "a domain needs at least one value", span, "no values")
    if len(values) > MAX_VALUES:
        raise too_large(f"this domain has {count(len(values), 'value')}", span, f"at most {MAX_VALUES:,}")
    first: dict[str, syntax.Name] = {}
    for v in values:
        if v.text in first:
            also = second_place(first[v.text].span, "first here")
            raise problem("N006", f"the value `{v.text}` stands twice", v.span, "again here", also=also)
        first[v.text] = v
    return tuple(first)


def elaborate_objects(items: Sequence[syntax.Item], scope: Scope) -> None:
    """Declare types and variables."""
    for item in items:
        if isinstance(item, syntax.TypeDecl):
            for name in item.names:
                if scope.objects.declare(name):
                    scope.objects.define(name.text, Object(name.text))
        elif isinstance(item, syntax.VariableDecl):
            _variables(item, scope)


def _variables(item: syntax.VariableDecl, scope: Scope) -> None:
    values: Domain | None = None
    with scope.report.collect(item.span):
        values = values_of(item.domain, scope)
    for name in item.names:
        if not scope.objects.declare(name):
            continue
        x = None if values is None else object_of(name.text, values)
        scope.variables[name.text] = Variable(name, x, item.latent, item.label)
        if x is not None:
            scope.objects.define(name.text, x)


def object_of(name: str, domain: Domain) -> Object:
    """The wire of a variable with this domain."""
    return Object(name, None, cast(Space, domain)) if isinstance(domain, str) else Object(name, domain)


def find_value(value: syntax.Name, x: Object) -> str:
    """The value of `x` that a name in the text stands for.

    Raises:
        LanguageError: N003 with a did-you-mean if `x` has no such value.
    """
    text = as_value(value.text, x)
    if text is None:
        raise unknown_value(value, x)
    return text


def as_value(text: str, x: Object) -> str | None:
    """The value of `x` that a text stands for; numbers on `real` and `count` have one spelling each.

    >>> as_value("2.50", Object("Y", None, "real")), as_value("-1", Object("N", None, "count"))
    ('2.5', None)
    """
    if not x.space:
        return text if x.values is not None and text in x.values else None
    if not _NUMBER.fullmatch(text) and not re.fullmatch(r"-?\d+/[1-9]\d*", text, re.ASCII):
        return None
    number = Fraction(text)
    if x.space == "count" and (number.denominator != 1 or number < 0):
        return None
    return number_text(number)


def unknown_value(value: syntax.Name, x: Object, help: Sequence[str] = ()) -> LanguageError:
    """N003 for a name that is no value of `x`."""
    if x.space:
        wanted = "a number" if x.space == "real" else "a whole number from 0 on"
        message = f"`{value.text}` is not a value of `{x.name}`"
        return problem("N003", message, value.span, f"`{x.name}` is `{x.space}`: {wanted}", help=help)
    if x.values is None:
        message = f"`{x.name}` has no declared values"
        return problem("N003", message, value.span, f"`{value.text}` cannot be one of them", help=help)
    return problem(
        "N003",
        f"`{value.text}` is not a value of `{x.name}`",
        value.span,
        f"not in {{{shorten(x.values)}}}",
        help=(*near(value.text, x.values), *help),
    )
