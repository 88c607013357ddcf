"""Response functions: the ways in which noisy boxes may be functions, and what a question depends on in terms of them.

A box with the table K is some function of its inputs and a response variable (`strings.functional`). The law q of that
variable is not known, but its margins are: the functions that send the inputs i to o have the probability K(o|i)
together (Balke and Pearl 1994). Of a question about several worlds, the probabilities of what is seen, and of what is
asked and seen, are linear in the law of each response variable. This module finds those coefficients.

Only functions on inputs that copies of a box can have in one and the same case matter together. So the inputs fall
apart into groups, and a function is one of a group: there are far fewer of these than functions on all inputs. Where
not all inputs of a group meet all others, it is parted once more, into groups that overlap (`semantics.junction`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from semantics.answer import check_tables, zero_probability
from semantics.arithmetic import Arithmetic, Floats, Fractions, Logarithms, PrecisionError
from semantics.contract import check_bytes, contract
from semantics.distribution import Array
from semantics.families import Family, Group, merged_outputs
from semantics.junction import junction_tree
from semantics.kernel import Table, Tables, is_sharp, size, uniform_array
from semantics.network import Wiring, fix_points, network_of, spread
from semantics.possibility import Booleans
from semantics.question import Question, Slot, ask_in, refuse_unsettled
from strings.diagnostic import Diagnostic, LimitError
from strings.diagram import Diagram
from strings.functional import Response, functional_form
from strings.model import CausalModel, retyped
from strings.query import Query, without_nested
from strings.signature import Box, Object
from strings.surgery import CutWire, DoWire, is_told, operate
from strings.worlds import multiverse

MOST_FUNCTIONS = 10_000
"""So many functions may a box be, and in fractions so many combinations of functions several boxes together."""

MOST_WHOLE = MOST_FUNCTIONS
"""Up to so many functions are taken whole in fractions, where that needs fewer equations."""

MOST_COMBINATIONS = 1_000_000
"""In floating point several boxes together may be so many combinations of functions."""


@dataclass(frozen=True)
class Coefficients:
    """What a question depends on: along its axes, and then for each of `families` along its functions.

    The probability of what is asked and seen is `above`, contracted with a law for each family; that of what is seen is
    `below`, which has length 1 along the axes that it does not depend on. `copied` are all boxes that stand in several
    worlds with different inputs, those among them whose law is settled included; `put_in` are the response variables of
    those that the question itself puts in.
    """

    question: Question
    families: tuple[Family, ...]
    copied: tuple[Family, ...]
    put_in: frozenset[str]
    above: Array
    below: Array


def coefficients(
    model: CausalModel, tables: Tables, query: Query, *, exact: bool = False, max_memory: int | None = None
) -> Coefficients:
    """The coefficients of a question in terms of the response functions of the boxes that its worlds share.

    Raises:
        QueryError: Q001 and Q005 for boxes without numbers, or with floats if they are to be exact; W001 for what is
            no box of the model: a state that a surgery of the question puts on a wire, which worlds act on again.
        ZeroProbabilityError: Q002 if what is seen is impossible.
        LimitError: L003 if a box may be too many functions, L001 if it needs too much memory.
    """
    question, own, put_in = _in_functional_form(model, tables, query)
    outputs = question.variables(question.slots)
    diagram = question.model.state(outputs)
    names = {n.box.name for n in diagram.nodes}
    heard = tuple(r for r in (*own, *put_in) if r.applied.name in names)
    foreign = frozenset(r.latent for r in put_in)
    network = _Network(question, diagram, outputs, tables, heard, foreign, exact, max_memory)
    check_tables([*(n.box for n in network.ordinary()), *(r.box for r in heard)], tables, exact)
    return network.coefficients()


def _in_functional_form(
    model: CausalModel, tables: Tables, query: Query
) -> tuple[Question, tuple[Response, ...], tuple[Response, ...]]:
    """The question in the worlds of the functional form of its model, and the boxes with response variables: those of
    the model, and those that the question puts in.

    First comes the form and then surgery, so that response variables are those of the model; what the surgeries of the
    question put in comes into functional form after them.
    """
    settled = partial(is_function, tables)
    made, own = functional_form(model, settled)
    again = {s.sink for w in query.worlds for s in without_nested(w) if isinstance(s, CutWire | DoWire)}
    made, put_in = functional_form(operate(made, *query.surgeries), settled, leave=again)
    worlds = multiverse(made, query)
    refuse_unsettled(worlds, lambda name: name in tables and is_sharp(tables[name]))
    return ask_in(worlds, query), own, put_in


def is_function(tables: Tables, b: Box) -> bool:
    """Whether a box has the table of a function."""
    return b.name in tables and is_sharp(tables[b.name])


@dataclass(frozen=True)
class _Network:
    """The diagram of a question in functional form, read as a tensor network in several ways."""

    question: Question
    diagram: Diagram
    outputs: tuple[str, ...]
    tables: Tables
    responses: tuple[Response, ...]
    put_in: frozenset[str]
    exact: bool
    max_memory: int | None

    def coefficients(self) -> Coefficients:
        most = MOST_FUNCTIONS if self.exact else MOST_COMBINATIONS
        copied = self._copied(MOST_WHOLE if self.exact else 0)
        if self.exact and math.prod(f.states for f in _open(copied)) > most:
            copied = self._copied(0)
        families = _open(copied)
        if any(not f.groups for f in copied):
            raise zero_probability(self.question, [0] * len(self.question.axes))
        _check_size(families, most)
        for f in copied:
            entries = f.table.size * f.states
            note = f"box `{f.name}` is one of {f.size:,} functions, group by group"
            help_ = ("see more, or ask in fewer worlds",)
            check_bytes(entries * 16, self.max_memory, "this question needs", (note,), help_)
        slots = self.question.slots
        behind = [s for s in slots if s.place != "target"]
        above = self._numbers(slots, copied, families)
        below = self._numbers(behind, copied, families)
        return Coefficients(self.question, families, tuple(copied), self.put_in, above, below)

    def _table(self, r: Response) -> Array:
        """The numbers of a box, a row for each combination of its inputs."""
        b = r.box
        array = uniform_array(b.cod[0], self.exact) if b.kind == "uniform" else self._kernel(b.name).array
        return array.reshape(math.prod(size(x) for x in b.dom), -1)

    def _kernel(self, name: str) -> Table:
        return self.tables[name] if self.exact else self.tables[name].as_float()

    def _copied(self, most: int) -> list[Family]:
        """The boxes that stand in the diagram more than once, with the functions that they may be: whole ones, if they
        are not more than `most`."""
        made = {r.applied.name: r for r in self.responses}
        places: dict[str, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        for node, first in zip(self.diagram.nodes, self.diagram.first_wires, strict=True):
            if node.box.name in made:
                made_here = tuple(range(first, first + len(node.box.cod)))
                places.setdefault(node.box.name, []).append((node.args[:-1], made_here))
        several = {name: copies for name, copies in places.items() if len(copies) > 1}
        if not several:
            return []
        network = self._possible()
        told = self._told_apart()
        found = []
        for name, copies in several.items():
            met: set[tuple[int, int]] = set()
            at: list[set[int]] = [set() for _ in copies]  # the inputs of each copy
            for a, b in itertools.combinations(range(len(copies)), 2):
                pairs = network(copies[a][0], copies[b][0])
                met |= pairs
                at[a] |= {i for i, _ in pairs}
                at[b] |= {j for _, j in pairs}
            table = self._table(made[name])
            labels = [list(itertools.product(*map(told, wires))) for _, wires in copies]
            like = np.tile(np.arange(table.shape[1]), (len(table), 1))
            for i in set().union(*at):
                here = zip(
                    *(told_here for told_here, inputs in zip(labels, at, strict=True) if i in inputs), strict=True
                )
                like[i] = _first_alike(list(here), table[i])
            table = merged_outputs(table, like)
            together = [_functions(made[name], g, met, table, most) for g in _grouped(met)]
            groups = tuple(itertools.chain.from_iterable(together))
            found.append(Family(made[name], table, groups, like))
        return found

    def _told_apart(self) -> Callable[[int], list[Hashable]]:
        """For the values of a wire what the question knows of them: events alone, if nothing else hears the wire."""
        heard = {w for n in self.diagram.nodes for w in n.args}
        spoken: dict[int, list[Slot]] = {}
        wires = dict(zip(self.outputs, self.diagram.outs, strict=True))
        for s in self.question.slots:
            if s.spoken:
                spoken.setdefault(wires[s.variable], []).append(s)

        def labels(wire: int) -> list[Hashable]:
            values = self.diagram.wires[wire].values or ()
            slots = spoken.get(wire, [])
            if wire in heard or any(s.axis is not None or s.values is None for s in slots):
                return list(values)
            return [tuple(v in (s.values or ()) for s in slots) for v in values]

        return labels

    def _possible(self) -> Any:
        """Which inputs two copies of a box can have in one case, as pairs of numbers: by what is possible alone."""
        tables: dict[str, Table] = {n.box.name: self.tables[n.box.name] for n in self.ordinary()}
        for r in self.responses:
            tables[r.applied.name] = self._silent(r)
        diagram = self._typed({r.latent: Object(r.latent, ("",)) for r in self.responses})
        slots = [s for s in self.question.slots if s.place != "target"]
        wiring, _, masks = self._wired(diagram, slots)
        without = [*self._latents(), *self._told(diagram)]

        def pairs(one: tuple[int, ...], other: tuple[int, ...]) -> set[tuple[int, int]]:
            wires = (*one, *other)
            network = network_of(diagram, tables, wiring, wires, masks, True, without)
            found = contract(network, Booleans(), self.max_memory).array
            sizes = [[size(diagram.wires[w]) for w in ws] for ws in (one, other)]
            met = set()
            for at in np.argwhere(found):
                value = dict(zip(network.output, map(int, at), strict=True))
                known = [wiring.fixed(w) for w in wires]
                here = [value[wiring.find(w)] if v is None else v for w, v in zip(wires, known, strict=True)]
                met.add((_number(here[: len(one)], sizes[0]), _number(here[len(one) :], sizes[1])))
            return met

        return pairs

    def _numbers(self, slots: Sequence[Slot], copied: Sequence[Family], families: Sequence[Family]) -> Array:
        """The table of some slots, and then along the functions of each of `families`."""
        tables: dict[str, Table] = {n.box.name: self._kernel(n.box.name) for n in self.ordinary()}
        for r in self.responses:
            tables[r.applied.name] = self._silent(r)
        for f in copied:
            tables[f.response.applied.name] = f.tensor()
            if f not in families:
                tables[f.response.latent] = Table((), (f.latent,), f.only_law())
        latents = {f.response.latent: f.latent for f in copied}
        diagram = self._typed({r.latent: latents.get(r.latent, Object(r.latent, ("",))) for r in self.responses})
        wiring, axes, masks = self._wired(diagram, slots)
        at = {n.box.name: first for n, first in zip(diagram.nodes, diagram.first_wires, strict=True)}
        wires = (*axes.values(), *(at[f.response.latent] for f in families))
        without = [*(n for n in self._latents() if n not in tables), *self._told(diagram)]
        network = network_of(diagram, tables, wiring, wires, masks, self.exact, without)
        arithmetic: Arithmetic = Fractions() if self.exact else Floats()
        try:
            found = arithmetic.values(contract(network, arithmetic, self.max_memory))
        except PrecisionError:
            found = Logarithms().values(contract(network, Logarithms(), self.max_memory))
        table = spread(found, network.output, wires, wiring)
        shape = [size(x) if n in axes else 1 for n, x in self.question.axes]
        table = table.reshape([*shape, *(f.states for f in families)])
        for j, f in enumerate(families):
            table = f.counted_once(table, len(shape) + j)
        return table

    def ordinary(self) -> list[Any]:
        """The nodes whose boxes have tables of their own."""
        special = {r.applied.name for r in self.responses} | self._latents()
        return [
            n
            for n in self.diagram.nodes
            if n.box.kind == "box" and n.box.name not in special and not is_told(n.box.name)
        ]

    def _silent(self, r: Response) -> Table:
        """The table of a box that hears a response variable with one value only."""
        b = r.box
        array = self._table(r).reshape([*(size(x) for x in b.dom), 1, *(size(x) for x in b.cod)])
        return Table((*b.dom, Object(r.latent, ("",))), b.cod, array)

    def _latents(self) -> set[str]:
        return {r.latent for r in self.responses}

    def _typed(self, latents: Mapping[str, Object]) -> Diagram:
        return retyped(self.diagram, latents)

    def _told(self, diagram: Diagram) -> list[str]:
        return [n.box.name for n in diagram.nodes if is_told(n.box.name)]

    def _wired(self, diagram: Diagram, slots: Sequence[Slot]) -> tuple[Wiring, dict[str, int], list[tuple[int, Array]]]:
        """The wires as some slots join and fix them, the wire of each of their axes, and masks."""
        names = [n for n, _ in self.question.axes if any(s.axis == n for s in slots)]
        types = dict(self.question.axes)
        wiring = Wiring((*diagram.wires, *(types[n] for n in names)))
        axes = {n: len(diagram.wires) + k for k, n in enumerate(names)}
        masks = self.question.connect(slots, diagram, wiring, axes, self.exact, self.outputs)
        fix_points(wiring, diagram)
        return wiring, axes, masks


def _first_alike(labels: Sequence[Hashable], row: Array) -> list[int]:
    """For each output the first that has the same label, of those that are possible."""
    first: dict[Hashable, int] = {}
    for o in map(int, np.flatnonzero(row)):
        first.setdefault(labels[o], o)
    return [first.get(label, o) for o, label in enumerate(labels)]


def _number(values: Sequence[int], sizes: Sequence[int]) -> int:
    """The number of a combination of values, the last one fastest."""
    return int(np.ravel_multi_index(tuple(values), tuple(sizes))) if sizes else 0


def _grouped(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """The inputs that can be met, in groups of those that hang together by meeting each other."""
    leader: dict[int, int] = {}

    def find(i: int) -> int:
        while leader.setdefault(i, i) != i:
            i = leader[i]
        return i

    for i, j in sorted(pairs):
        leader[find(i)] = find(j)
    groups: dict[int, list[int]] = {}
    for i in sorted(leader):
        groups.setdefault(find(i), []).append(i)
    return [tuple(g) for g in groups.values()]


def _functions(
    r: Response, inputs: tuple[int, ...], met: Iterable[tuple[int, int]], table: Array, most: int
) -> list[Group]:
    """All functions on inputs that hang together, which the table does not exclude: as those of groups that overlap,
    if these are fewer.

    Groups that overlap need more equations. Fractions are for few of these, so that whole functions are better there
    as long as there are not more than `most`.
    """
    outputs = {i: np.flatnonzero(table[i]) for i in inputs}
    count = math.prod(len(o) for o in outputs.values())
    if count <= most:
        return [_group(inputs, outputs)]
    cliques = junction_tree({i: len(o) for i, o in outputs.items()}, [p for p in met if p[0] in outputs])
    sizes = [math.prod(len(outputs[i]) for i in c) for c, _ in cliques]
    if sum(sizes) >= count:
        cliques, sizes = [(inputs, None)], [count]
    if sum(sizes) > MOST_FUNCTIONS:
        note = f"it is met with {len(inputs)} different inputs"
        if len(sizes) > 1:
            note += f", of which as many meet as make {sum(sizes):,} functions, group by group"
        raise _too_many(f"box `{r.box.name}` may be one of {count:,} functions", note)
    found = []
    for k, (c, parent) in enumerate(cliques):
        shared = tuple(i for i in c if parent is not None and i in cliques[parent][0])
        found.append(replace(_group(c, outputs), shared=shared, behind=0 if parent is None else k - parent))
    return found


def _group(inputs: tuple[int, ...], outputs: Mapping[int, Array]) -> Group:
    """All functions on some inputs."""
    grid = np.array(list(itertools.product(*(outputs[i] for i in inputs))), dtype=np.int64)
    return Group(inputs, grid.reshape(-1, len(inputs)))


def _open(copied: Sequence[Family]) -> tuple[Family, ...]:
    """The boxes whose law has to be found."""
    return tuple(f for f in copied if not f.settled or f.overlapping)


def _check_size(families: Sequence[Family], most: int) -> None:
    if math.prod(f.states for f in families) > most:
        raise too_many_combinations(families, most)


def too_many_combinations(families: Sequence[Family], most: int) -> LimitError:
    """L003: several boxes together are too many functions."""
    count = math.prod(f.size for f in families)
    names = ", ".join(f"`{f.name}` ({f.size:,})" for f in families)
    message = f"boxes {names} may be {count:,} combinations of functions"
    if len(families) == 1:
        message = f"box `{families[0].name}` may be one of {count:,} functions"
    return _too_many(message, "these boxes have tables and stand in several worlds", most)


def too_many_equations(family: Family, count: int, most: int) -> LimitError:
    """L003: the laws of a box are too many equations for fractions."""
    message = f"the laws of box `{family.name}` are {count:,} equations in fractions"
    return _too_many(message, "groups of its inputs overlap; floating point takes more", most)


def _too_many(message: str, note: str, most: int = MOST_FUNCTIONS) -> LimitError:
    help_ = (
        "write the box as a function of its inputs and a latent variable of its own",
        "see more, or ask in fewer worlds",
    )
    return LimitError(Diagnostic("L003", message, notes=(note, f"the limit is {most:,}"), help=help_))
