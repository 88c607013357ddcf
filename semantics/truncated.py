"""The truncated factorisation: what an intervention is when it is done to numbers and not to diagrams.

The joint distribution of a model is the product of its mechanisms. An intervention leaves out the factors of what it
sets and puts others in their place (Robins 1986; Spirtes, Glymour, Scheines 1993; Pearl 2009, equation 3.10). Nothing
here knows of `strings.surgery.operate`: that both agree is the naturality of surgery (Jacobs, Kissinger, Zanasi 2019,
section 5), which `cutwire laws` checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from semantics.contract import contract
from semantics.distribution import Array
from semantics.kernel import Table
from semantics.matrices import Matrices
from semantics.network import Factor, Network, Wiring, spread
from strings.diagram import Diagram
from strings.model import CausalModel
from strings.signature import point_box
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery


@dataclass(frozen=True)
class _Factored:
    """A joint distribution as factors: for each variable what it hears, and the table over that and itself, or the
    mechanism that it is read off when it is needed.

    `told` has the states that a variable hears in place of another.
    """

    heard: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, Array | Diagram]
    told: Mapping[tuple[str, str], Array] = field(default_factory=dict)

    def put(self, name: str, heard: tuple[str, ...], table: Array | Diagram) -> _Factored:
        """Another factor for a variable: what it was told before is forgotten."""
        told = {k: s for k, s in self.told.items() if k[0] != name}
        return _Factored({**self.heard, name: heard}, {**self.tables, name: table}, told)

    def tell(self, source: str, sink: str, state: Array) -> _Factored:
        return _Factored(self.heard, self.tables, {**self.told, (sink, source): state})

    def without(self, name: str) -> _Factored:
        heard = {n: h for n, h in self.heard.items() if n != name}
        tables = {n: t for n, t in self.tables.items() if n != name}
        return _Factored(heard, tables, {k: s for k, s in self.told.items() if k[0] != name})


def truncated(model: CausalModel, matrices: Matrices, surgeries: Sequence[Surgery], outputs: Sequence[str]) -> Table:
    """The joint of some variables after surgeries, from the inputs of the model and the variables that were opened."""
    factored = _Factored(
        {n: m.parents for n, m in model.mechanisms.items()},
        {n: m.diagram for n, m in model.mechanisms.items()},
    )
    for s in surgeries:
        factored = _intervened(model, matrices, factored, s)
    inputs = [n for n in model.names if n not in factored.tables]
    return _joint(model, matrices, factored, inputs, outputs)


def _intervened(model: CausalModel, matrices: Matrices, factored: _Factored, s: Surgery) -> _Factored:
    match s:
        case Open(variable):
            return factored.without(variable)
        case Cut(variable):
            return factored.put(variable, (), matrices.uniform(model.object(variable)).array)
        case Do(variable, value):
            return factored.put(variable, (), matrices.box(point_box(model.object(variable), value)).array)
        case Replace(variable, mechanism):
            return factored.put(variable, mechanism.parents, mechanism.diagram)
        case CutWire(source, sink):
            return factored.tell(source, sink, matrices.uniform(model.object(source)).array)
        case DoWire(source, sink, value):
            if value is None:
                raise ValueError("choose a value first")
            return factored.tell(source, sink, matrices.box(point_box(model.object(source), value)).array)


def _joint(
    model: CausalModel, matrices: Matrices, factored: _Factored, inputs: Sequence[str], outputs: Sequence[str]
) -> Table:
    """The product of the factors that the outputs depend on, summed over all but inputs and outputs."""
    number = {n: k for k, n in enumerate(model.names)}
    factors, waiting, seen = [], list(dict.fromkeys(outputs)), set(outputs)
    while waiting:
        name = waiting.pop()
        if name not in factored.tables:
            continue
        labels, table = _listening(matrices, factored, name)
        factors.append(Factor(table, tuple(number[n] for n in labels)))
        new = [n for n in labels if n not in seen]
        seen.update(new)
        waiting += new
    ends = dict.fromkeys([*inputs, *outputs])
    held = {i for f in factors for i in f.indices}
    ones = [n for n in ends if number[n] not in held]
    factors += [Factor(matrices.discard((model.object(n),)).array, (number[n],)) for n in ones]
    sizes = tuple(len(x.values or ("",)) for x in model.variables)
    arithmetic = matrices.arithmetic
    network = Network(sizes, model.names, tuple(factors), tuple(number[n] for n in ends))
    found = arithmetic.values(contract(network, arithmetic, matrices.max_memory))
    wiring = Wiring(model.variables)
    wires = [number[n] for n in (*inputs, *outputs)]
    # One value needs no axis of its own: `spread` takes such wires as known.
    kept = [number[n] for n in ends]
    single = tuple(0 if sizes[k] == 1 else slice(None) for k in kept)
    dom, cod = (tuple(model.object(n) for n in names) for names in (inputs, outputs))
    array = spread(np.asarray(found)[single], [k for k in kept if sizes[k] > 1], wires, wiring, matrices.zero)
    return Table(dom, cod, array)


def _listening(matrices: Matrices, factored: _Factored, name: str) -> tuple[tuple[str, ...], Array]:
    """A variable's factor after what it was told: each variable that it still hears is one axis, itself the last."""
    labels, known = [*factored.heard[name], name], factored.tables[name]
    table = matrices.contract(known).array if isinstance(known, Diagram) else known
    for n in list(dict.fromkeys(labels)):
        while labels.count(n) > 1:
            first, second = [k for k, m in enumerate(labels) if m == n][:2]
            table = np.diagonal(table, axis1=first, axis2=second)
            labels = [*(m for k, m in enumerate(labels) if k not in (first, second)), n]
    table = np.moveaxis(table, labels.index(name), -1)
    labels = [*(n for n in labels if n != name), name]
    for (sink, source), state in factored.told.items():
        if sink == name and source in labels:
            at = labels.index(source)
            moved = np.moveaxis(table, at, 0)
            summed = matrices.product(state.reshape(1, 1, -1), moved.reshape(1, moved.shape[0], -1))
            table = summed.reshape(moved.shape[1:])
            labels = [n for n in labels if n != source]
    return tuple(labels), np.ascontiguousarray(table)
