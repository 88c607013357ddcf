"""Families of models: one wire more, which every box hears, numbers the members.

A family of models of one shape is a model of a shape with one more input. So one contraction answers a question for
every member at once: for many random models, or for many resamples of data.

>>> from strings.query import Query, Term
>>> model = CausalModel.from_edges([("S", "C")], domains=2)
>>> print(family(model, member(3)).state(["C"]))
diagram (member #0 : member #) -> C {
  S1 <- s(member #0)
  C2 <- c(member #0, S1)
  return C2
}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from semantics.distribution import Array
from semantics.kernel import Table, Tables, size
from strings.diagram import Builder, Diagram
from strings.model import CausalModel, Mechanism
from strings.query import Query
from strings.signature import Box, Object
from strings.surgery import Replace, Surgery

MEMBER = "member #"
"""The name of the wire that numbers the members; no variable can be called that."""


def member(count: int) -> Object:
    """The object of that wire."""
    return Object(MEMBER, tuple(map(str, range(count))))


def family(model: CausalModel, wire: Object, only: str = "") -> CausalModel:
    """The model in which every ordinary box hears `wire` too, as its first input; `wire` is an input of the model.

    With `only`, just the mechanism of that variable hears it: the members differ in nothing else.
    """
    mechanisms = {
        n: m if only and n != only else Mechanism((wire.name, *m.parents), _heard(m.diagram, wire))
        for n, m in model.mechanisms.items()
    }
    return replace(model, variables=(*model.variables, wire), mechanisms=mechanisms)


def posed(query: Query, wire: Object, tables: Tables) -> Query:
    """A question as it is put to a family: the boxes of its policies hear `wire` too, if their tables do."""

    def hears(b: Box) -> bool:
        return b.name in tables and wire in tables[b.name].dom

    def listening(s: Surgery) -> Surgery:
        if not isinstance(s, Replace) or not any(hears(n.box) for n in s.mechanism.diagram.nodes):
            return s
        diagram = _heard(s.mechanism.diagram, wire, hears)
        return replace(s, mechanism=Mechanism((wire.name, *s.mechanism.parents), diagram))

    return query.with_surgeries(listening)


def _heard(diagram: Diagram, wire: Object, hears: Callable[[Box], bool] = lambda b: True) -> Diagram:
    builder = Builder((wire, *diagram.dom))
    env = list(range(1, len(diagram.dom) + 1))
    for node in diagram.nodes:
        args = [env[a] for a in node.args]
        if node.box.kind == "box" and hears(node.box):
            env.extend(builder.apply(hearing(node.box, wire), (0, *args)))
        else:
            env.extend(builder.apply(node.box, args))
    return builder.freeze(env[w] for w in diagram.outs)


def hearing(b: Box, wire: Object) -> Box:
    """The box with one more input."""
    return replace(b, dom=(wire, *b.dom))


def random_table(b: Box, wire: Object, p: int, rng: np.random.Generator) -> Table:
    """Numbers for a box of a family: every free parameter uniform in GF(p), the last entry of a column the rest.

    A deterministic box gets random functions.
    """
    columns = [size(x) for x in (wire, *b.dom)]
    outputs = [size(x) for x in b.cod]
    width = int(np.prod(outputs, dtype=int))
    array: Array
    if b.deterministic:
        array = np.eye(width, dtype=np.int64)[rng.integers(0, width, columns)]
    else:
        array = rng.integers(0, p, (*columns, width), dtype=np.int64)
        array[..., -1] = (1 - array[..., :-1].sum(axis=-1)) % p
    return Table((wire, *b.dom), b.cod, array.reshape(*columns, *outputs))
