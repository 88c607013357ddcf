"""Effects in symbols: polynomial rings against sympy's expressions.

Both contract the same network in the same order. One keeps tables of polynomials and writes the answer out at the end;
the other multiplies and adds sympy expressions and simplifies the answer, as one would by hand.

    python -m benchmarks.symbolic [--smoke]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from cutwire.model import Model
from parser.program import Formulas, ModelDef
from semantics.answer import answer_array
from semantics.arithmetic import Tensor
from semantics.distribution import Array
from semantics.kernel import Table
from semantics.polynomials import objects
from semantics.symbolic import tidied
from strings.expression import Apply, Constant, Draw, Expression, Parameter, ParameterDef
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do


def layered(variables: int, parameters: int, share: float = 0.5, seed: int = 0) -> Model:
    """A model of binary variables, each hearing up to three of the four before it; a `share` of the rows are parameters
    or products of two, the others numbers."""
    rnd = random.Random(seed)
    names = [f"V{k}" for k in range(variables)]
    edges = [(names[j], names[k]) for k in range(variables) for j in rnd.sample(range(max(0, k - 4), k), min(k, 3))]
    shape = CausalModel.from_edges(edges, domains=2, nodes=names)
    known = [f"p{k}" for k in range(parameters)]
    left = list(known)
    definitions = {}
    one = Constant(Fraction(1))
    for m in shape.mechanisms.values():
        for b in (n.box for n in m.diagram.nodes):
            bodies = []
            for _ in range(2 ** len(b.dom)):
                p: Expression = Constant(Fraction(rnd.randint(1, 9), 10))
                if rnd.random() < share:
                    p = Parameter(left.pop() if left else rnd.choice(known))
                    if rnd.random() < 0.3:
                        p = Apply("*", (p, Parameter(rnd.choice(known))))
                bodies.append(Draw("categorical", (Apply("-", (one, p)), p)))
            definitions[b.name] = Formulas((2,) * len(b.dom), tuple(bodies))
    declared = {n: ParameterDef(n, Fraction(0), Fraction(1)) for n in known}
    return Model(ModelDef("layered", shape, definitions, parameters=declared))


@dataclass(frozen=True)
class Plainly:
    """An arithmetic of sympy expressions."""

    exact: bool = True
    entry_bytes: int = 4096
    slowness: int = 10_000
    nil: int = 0

    def load(self, array: Array) -> Tensor:
        return Tensor(objects(map(sympy.sympify, array.flat), array.shape))

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        inner = left.array.shape[2]
        return Tensor(left.array * right.array if inner == 1 else np.matmul(left.array, right.array))

    def total(self, tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
        return tensor.arranged(np.asarray(tensor.array.sum(axis=axes), dtype=object))

    def plus(self, left: Tensor, right: Tensor) -> Tensor:
        return Tensor(np.asarray(left.array + right.array, dtype=object))

    def zeros(self, tensor: Tensor) -> Array:
        return np.asarray(tensor.array == 0, dtype=bool)

    def values(self, tensor: Tensor) -> Array:
        return tensor.array

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        return np.asarray(above.array / below.array, dtype=object)

    def columns(self, joint: Array) -> tuple[Array, Array]:
        raise NotImplementedError


def plainly(model: Model, query: Query) -> Any:
    """The answer to an event by arithmetic on expressions, simplified."""
    tables = {}
    boxes = {n.box.name: n.box for m in model.shape.mechanisms.values() for n in m.diagram.nodes}
    for name, b in boxes.items():
        definition = model.definition.definitions[name]
        assert isinstance(definition, Formulas)
        entries = [_expression(e) for body in definition.bodies for e in body.args]  # type: ignore[union-attr]
        tables[name] = Table(b.dom, b.cod, objects(entries, [*definition.shape, 2]))
    _, array = answer_array(model.shape, tables, query, Plainly())
    return sympy.simplify(array[()])


def _expression(e: Expression) -> Any:
    match e:
        case Constant(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Parameter(name):
            return sympy.Symbol(name)
        case Apply("*", (a, b)):
            return _expression(a) * _expression(b)
        case Apply(_, (a, b)):
            return _expression(a) - _expression(b)
        case _:
            raise ValueError(e)


def effect(variables: int, seen: bool) -> Query:
    """The effect of the second variable on the last one, among those where a third has been seen or among all."""
    given = (Term(f"V{variables // 2}", ("1",)),) if seen else ()
    return Query((Term(f"V{variables - 1}", ("1",)),), given, (Do("V1", "1"),))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.symbolic", description="Effects in symbols")
    parser.add_argument("--smoke", action="store_true", help="a small model only")
    options = parser.parse_args(arguments)
    layered(4, 2).symbolic(str(effect(4, False)))  # what is imported and cached once
    sizes = (
        [(4, 2, False)] if options.smoke else [(6, 4, False), (6, 4, True), (8, 6, False), (8, 6, True), (10, 12, True)]
    )
    for variables, parameters, seen in sizes:
        model, query = layered(variables, parameters), effect(variables, seen)
        start = time.perf_counter()
        found = model.symbolic(str(query)).value
        fast = time.perf_counter() - start
        start = time.perf_counter()
        other = plainly(model, query)
        slow = time.perf_counter() - start
        assert tidied(found - other, {}) == 0
        print(
            f"{variables} variables, {parameters} parameters{', conditional' if seen else ''}: "
            f"polynomials {fast:.3f} s, expressions and simplify {slow:.2f} s: {slow / fast:.0f} times as long"
        )
    for variables, parameters in [(5, 4)] if options.smoke else [(10, 6), (10, 12), (12, 20)]:
        for seen in (False, True):
            model, query = layered(variables, parameters), effect(variables, seen)
            start = time.perf_counter()
            answer = model.symbolic(str(query))
            spent = time.perf_counter() - start
            operations = sympy.count_ops(answer.value)
            print(
                f"{variables} variables, {parameters} parameters{', conditional' if seen else ''}: {spent:.2f} s, "
                f"{operations:,} operations in the answer"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
