"""Numpy functions of sympy expressions.

`sympy.lambdify` writes an expression as a line of Python, which Python cannot compile if it has thousands of terms. So
the sums, products and whole powers of long expressions are computed here, and only what stands in them is lambdified.

>>> p, q = sympy.symbols("p q")
>>> function = compiled([p, q], [p * q + sympy.exp(p), p])
>>> [float(x) for x in function(0.0, 0.5)]
[1.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy

from semantics.distribution import Array

_SHORT = 500
"""Operations of an expression that is lambdified as a whole."""

Function = Callable[..., Array]


def compiled(symbols: Sequence[Any], expressions: Sequence[Any]) -> Callable[..., list[Array]]:
    """A function of numbers or arrays, one for each symbol, that gives the values of the expressions."""
    if sum(sympy.count_ops(e) for e in expressions) <= _SHORT:
        whole: Callable[..., list[Array]] = _lambdified(symbols, list(expressions))
        return whole
    known: dict[Any, Function] = {}
    functions = [_function(e, tuple(symbols), known) for e in expressions]

    def evaluate(*numbers: Array) -> list[Array]:
        return [f(*numbers) for f in functions]

    return evaluate


def _lambdified(symbols: Sequence[Any], e: Any) -> Any:
    modules: list[Any] = ["numpy"]
    if any(x.has(sympy.erf) for x in (e if isinstance(e, list) else [e])):
        from scipy.special import erf  # numpy has none

        modules = [{"erf": erf}, "numpy"]
    return sympy.lambdify(symbols, e, modules=modules)


def _function(e: Any, symbols: tuple[Any, ...], known: dict[Any, Function]) -> Function:
    """The function of one expression; parts that stand in it several times are made once."""
    if e not in known:
        known[e] = _made(e, symbols, known)
    return known[e]


def _made(e: Any, symbols: tuple[Any, ...], known: dict[Any, Function]) -> Function:
    if sympy.count_ops(e) <= _SHORT // 10:
        short: Function = _lambdified(symbols, e)
        return short
    if isinstance(e, sympy.Add | sympy.Mul):
        parts = [_function(a, symbols, known) for a in e.args]
        return _sum(parts) if isinstance(e, sympy.Add) else _product(parts)
    if isinstance(e, sympy.Pow) and e.exp.is_Integer:
        base, exponent = _function(e.base, symbols, known), int(e.exp)
        return lambda *numbers: base(*numbers) ** float(exponent)
    whole: Function = _lambdified(symbols, e)
    return whole


def _sum(parts: Sequence[Function]) -> Function:
    def total(*numbers: Array) -> Array:
        found = parts[0](*numbers)
        for f in parts[1:]:
            found = found + f(*numbers)
        return found

    return total


def _product(parts: Sequence[Function]) -> Function:
    def product(*numbers: Array) -> Array:
        found = parts[0](*numbers)
        for f in parts[1:]:
            found = found * f(*numbers)
        return found

    return product
