"""A product of tables, one for each variable, and which of them an answer depends on.

What an answer does not depend on is left out before anything is planned. Variables that are no ancestors are discarded.
What is fixed falls out of the graph, and what then does not hang together with a target is separated from it (Lauritzen
and others 1990: d-separation is separation in the moral graph of the ancestors); it only matters whether the evidence
there is possible at all, and for that tables without zeros need not be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter

import numpy as np

from semantics.distribution import Array
from semantics.kernel import Tables, point_array, uniform_array
from semantics.program import Factor, Source
from strings.model import CausalModel, Mechanism
from strings.signature import Box


class Product:
    """The tables of a model by the numbers of its variables; a variable whose mechanism is no single table has none.

    `heard` are the parents of each variable, in the order of its box. `scopes` are the axes of its table: the parents,
    but not those of one value, of which any number may be heard; then the variable itself. `owners` are the variables
    by their boxes, `places` the positions of the values of each variable.
    """

    def __init__(
        self,
        names: Sequence[str],
        labels: Sequence[tuple[str, ...]],
        factors: Sequence[Factor | None],
        heard: Sequence[tuple[int, ...]],
        owners: Mapping[str, str],
    ) -> None:
        self.names, self.labels, self.factors, self.heard = tuple(names), tuple(labels), tuple(factors), tuple(heard)
        self.scopes = tuple([_scope(v, parents, labels) for v, parents in enumerate(heard)])
        self.owners = owners
        self.numbers = {n: v for v, n in enumerate(names)}
        self.places: list[Mapping[object, int]] = [{x: k for k, x in enumerate(values)} for values in labels]
        self.sizes = [len(values) for values in labels]
        self.positive = frozenset(v for v, f in enumerate(factors) if f is not None and f.positive)
        self._children: list[list[int]] = [[] for _ in names]
        for v, scope in enumerate(self.scopes):
            for u in scope[:-1]:
                self._children[u].append(v)

    @staticmethod
    def of(model: CausalModel, tables: Tables) -> Product:
        """The tables of a model, as far as its mechanisms are single boxes that have one."""
        number = {n: v for v, n in enumerate(model.names)}
        labels = [x.values or () for x in model.variables]
        factors: list[Factor | None] = []
        heard: list[tuple[int, ...]] = []
        owners: dict[str, str] = {}
        for v, n in enumerate(model.names):
            parents, box, told = _single_box(model.mechanisms.get(n))
            heard.append(tuple([number[p] for p in parents]))
            table = None if box is None else _told(_table(box, tables), told, tables)
            if box is not None and not told:
                owners[box.name] = n
            if table is None or table.shape != tuple([len(labels[u]) for u in (*heard[v], v)]):
                factors.append(None)
            else:
                factors.append(Factor.of(table.reshape([len(labels[u]) for u in _scope(v, heard[v], labels)])))
        return Product(model.names, labels, factors, heard, owners)

    def ancestors(self, of: Sequence[int], done: Collection[int]) -> set[int]:
        """The variables whose factors count: ancestors, where what is set hears nothing."""
        found: set[int] = set()
        stack = list(of)
        while stack:
            v = stack.pop()
            if v not in found and v not in done:
                found.add(v)
                stack.extend(self.heard[v])
        return found

    def around(self, start: Iterable[int], among: Collection[int], fixed: Collection[int]) -> list[int]:
        """The factors `among` some that hang together with variables, by what is not fixed."""
        stack = list(start)
        reached, found = set(stack), dict[int, None]()
        while stack:
            u = stack.pop()
            for v in (u, *self._children[u]):
                if v in among and v not in found:
                    found[v] = None
                    for w in self.scopes[v]:
                        if w not in fixed and w not in reached:
                            reached.add(w)
                            stack.append(w)
        return list(found)

    def parts(
        self, rest: Iterable[int], fixed: Collection[int], positive: Collection[int] | None = None
    ) -> list[list[int]]:
        """The factors that tell whether what is seen is possible, those that hang together in one list.

        Only zeros count: factors that are `positive` do not. One whose own variable stands nowhere else sums to 1.
        """
        positive = self.positive if positive is None else positive
        doubtful = {v for v in rest if v not in positive}
        uses: dict[int, int] = {}
        for v in doubtful:
            for u in self.scopes[v]:
                uses[u] = uses.get(u, 0) + 1
        barren = [v for v in doubtful if v not in fixed and uses[v] == 1]
        while barren:
            v = barren.pop()
            doubtful.discard(v)
            for u in self.scopes[v]:
                uses[u] -= 1
                if uses[u] == 1 and u in doubtful and u not in fixed:
                    barren.append(u)
        parts = []
        for v in sorted(doubtful):
            if v in doubtful:
                free = [u for u in self.scopes[v] if u not in fixed]
                parts.append(self.around(free, doubtful, fixed) if free else [v])
                doubtful.difference_update(parts[-1])
        return parts

    def read(
        self, factors: Iterable[int], fixed: Mapping[int, int]
    ) -> tuple[list[tuple[int, ...]], list[Source], list[int]]:
        """The indices of each factor, numbered by first appearance; the factors to be sliced; and which variables the
        indices are."""
        local: dict[int, int] = {}
        inputs: list[tuple[int, ...]] = []
        sources: list[Source] = []
        for v in factors:
            scope, factor = self.scopes[v], self.factors[v]
            assert factor is not None  # `_compiled` has looked
            inputs.append(tuple([local.setdefault(u, len(local)) for u in scope if u not in fixed]))
            free = len(inputs[-1]) == len(scope)
            pick = None if free else itemgetter(*[fixed.get(u, -1) for u in scope])
            sources.append((factor.table, factor.low, pick))
        return inputs, sources, list(local)


def _scope(v: int, parents: Sequence[int], labels: Sequence[tuple[str, ...]]) -> tuple[int, ...]:
    return (*(u for u in parents if len(labels[u]) != 1), v)


Told = tuple[Box | None, ...]
"""For each input of a box the state that it is told in place of a parent, if it is (surgery on a wire)."""


def _single_box(mechanism: Mechanism | None) -> tuple[tuple[str, ...], Box | None, Told]:
    """The parents that the single box of a mechanism hears, in order, the box, and what it is told, if anything; no box
    if there is more to the mechanism than that."""
    if mechanism is None or not mechanism.diagram.nodes:
        return (), None, ()
    *states, node = mechanism.diagram.nodes
    parents = mechanism.parents
    boxes = {w: s.box for w, s in zip(mechanism.diagram.first_wires, states, strict=False)}
    heard = tuple([parents[a] for a in node.args if a < len(parents)])
    sums = all(not s.args and len(s.box.cod) == 1 for s in states) and len(set(node.args)) == len(node.args)
    single = mechanism.diagram.outs == (len(parents) + len(states),) and len(node.box.cod) == 1
    if not sums or not single or len(set(heard)) < len(heard):
        return (), None, ()
    return heard, node.box, tuple([boxes.get(a) for a in node.args]) if states else ()


def _told(table: Array | None, told: Told, tables: Tables) -> Array | None:
    """The table of a box with what it is told summed into it."""
    if told and table is not None and table.ndim != len(told) + 1:
        return None
    for axis in reversed(range(len(told))):  # from the last, so that the axes before keep their numbers
        box = told[axis]
        if table is not None and box is not None:
            state = _table(box, tables)
            fits = state is not None and table.shape[axis] == len(state)
            table = np.tensordot(state, table, (0, axis)) if fits and state is not None else None
    return table


def _table(box: Box, tables: Tables) -> Array | None:
    """The table of a box, if it has one."""
    match box.kind:
        case "uniform":
            return uniform_array(box.cod[0], exact=False)
        case "point":
            return point_array(box.cod[0], box.value, exact=False)
        case _:
            table = tables.get(box.name)
            return None if table is None else table.as_float().array
