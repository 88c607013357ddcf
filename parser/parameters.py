"""Parameters: `param p, q in [0, 1] ~ beta(2, 2) = 1/3`, numbers that a model leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from parser import syntax
from parser.constants import constant
from parser.draws import Site
from parser.residual import Known
from parser.scope import Scope, near, problem
from strings.expression import FAMILIES, Constant, Draw, ParameterDef
from strings.signature import Object


def elaborate_parameters(items: Sequence[syntax.Item], scope: Scope) -> None:
    """Declare the parameters of a scope."""
    for item in items:
        if isinstance(item, syntax.ParamDecl):
            for name in item.names:
                if scope.parameters.declare(name):
                    with scope.report.collect(item.span):
                        scope.parameters.define(name.text, _parameter(name, item))


def _parameter(name: syntax.Name, item: syntax.ParamDecl) -> ParameterDef:
    """One parameter.

    Raises:
        LanguageError: T025 for an empty interval, a value outside of it, or a prior that is none.
    """
    if name.text == "inf":
        raise problem("N007", "`inf` cannot be a parameter", name.span, "it stands for no bound")
    low, high = (_bound(e) for e in item.interval) if item.interval else (None, None)
    if low is not None and high is not None and low >= high:
        where = item.interval[0].span if item.interval else item.span
        raise problem("T025", f"the interval of `{name.text}` is empty", where, f"{low} is not less than {high}")
    value = None
    if item.value is not None:
        number = constant(item.value)
        value = Constant(number.value, number.exact)
        if (low is not None and number.value < low) or (high is not None and number.value > high):
            label = f"not between {'-inf' if low is None else low} and {'inf' if high is None else high}"
            raise problem("T025", f"the value of `{name.text}` lies outside of its interval", item.value.span, label)
    prior = _prior(item.prior) if item.prior is not None else None
    return ParameterDef(name.text, low, high, prior, value)


def _bound(e: syntax.Expression) -> Fraction | None:
    """An end of an interval; nothing for `inf` and `-inf`."""
    inner = e.operand if isinstance(e, syntax.Unary) and e.op == "-" else e
    if isinstance(inner, syntax.Ref) and inner.name.text == "inf":
        return None
    return constant(e).value


def _prior(call: syntax.Call) -> Draw:
    if call.name.text not in FAMILIES:
        label = "a distribution of numbers is expected"
        raise problem("T025", f"`{call.name.text}` is no prior", call.span, label, help=near(call.name.text, FAMILIES))
    body = Site(Object("a parameter", None, FAMILIES[call.name.text].space), Known({}, {})).body(call)
    assert isinstance(body, Draw)
    return body
