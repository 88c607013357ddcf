"""Values for the parameters of a model, from Python or from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from parser.program import ModelDef
from strings.diagnostic import Diagnostic, QueryError, did_you_mean
from strings.expression import Constant, ParameterDef
from strings.formula import Number


def with_values(definition: ModelDef, values: Mapping[str, object]) -> ModelDef:
    """A model with values for some of its parameters; `None` takes a value away.

    Raises:
        QueryError: N002 for an unknown parameter, T025 for what is no number or lies outside of the interval.
    """
    found = dict(definition.parameters)
    for name, value in values.items():
        if name not in found:
            known = (f"its parameters are {', '.join(found)}",) if found else ("it has no parameters",)
            near = did_you_mean(name, found)
            message = f"`{definition.name}` has no parameter `{name}`"
            raise QueryError(Diagnostic("N002", message, notes=() if near else known, help=near))
        p = found[name]
        constant = None if value is None else _number(name, value)
        if constant is not None and not (
            (p.low is None or constant.value >= p.low) and (p.high is None or constant.value <= p.high)
        ):
            raise QueryError(Diagnostic("T025", f"{constant} is no value of `{p}`"))
        found[name] = replace(p, value=constant)
    return replace(definition, parameters=found)


def as_numbers(parameters: Mapping[str, ParameterDef]) -> dict[str, Number]:
    """The values of parameters as numbers of formulas; those that have none are left out."""
    return {n: Number(p.value.value, p.value.exact) for n, p in parameters.items() if p.value is not None}


def _number(name: str, value: object) -> Constant:
    """A number; floats of Python stay floating-point."""
    try:
        if isinstance(value, float):
            return Constant(Fraction(value), False)
        if isinstance(value, str | int | Fraction) and not isinstance(value, bool):
            return Constant(Fraction(value))
        return Constant(Fraction(float(value)), False)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        message = f"`{value}` is no number for the parameter `{name}`"
        raise QueryError(Diagnostic("T025", message, help=("write 0.3, or 1/3 as text",))) from None
