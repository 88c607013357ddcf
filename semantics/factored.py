"""A model as a product of tables, one for each variable: interventions and evidence as slices of it.

Where every mechanism is a single box, the state of the model is the product of `P(v | parents of v)`. Setting a
variable then leaves its factor out and slices those of its children (the truncated factorisation: Pearl 2009,
section 3.2.3). That is surgery carried out on the numbers; by naturality it gives what the operated diagram means, and
it takes microseconds where drawing the diagram anew takes longer than the arithmetic.

>>> from semantics.kernel import Kernel
>>> model = CausalModel.from_edges([("S", "C")], domains=2)
>>> S, C = model.variables
>>> tables = {"s": Kernel((), (S,), [0.5, 0.5]), "c": Kernel((S,), (C,), [[0.75, 0.25], [0.0, 1.0]])}
>>> factored = Factored.of(model, tables)
>>> factored.answer(["C"], {"S": "0"}, {}).array.tolist(), factored.answer(["S"], {}, {"C": "0"}).array.tolist()
([0.75, 0.25], [1.0, 0.0])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from semantics.arithmetic import PrecisionError
from semantics.contract import MUCH_WORK, check_plan, memory_limit
from semantics.distribution import MOST_AXES, Array, Distribution
from semantics.kernel import Tables
from semantics.plan import planned
from semantics.product import Product
from semantics.program import Contraction
from semantics.sweep import Sweep
from strings.model import CausalModel
from strings.query import Query
from strings.surgery import Do

_BYTES = 12  # for an entry: 8, and half as much again, since operands are copied when their axes are moved
_MOST_PROGRAMS = 1024
_MOST_ENTRIES = 2**24  # that the programs of a model keep, together: 128 MiB
_MOST_CASES = 1024  # combinations of values of what is asked of events
_LITTLE = 200_000  # multiplications
_MOST_SWEEPS = 64
_OFTEN = 64  # programs are counted after so many new ones
_FREE = slice(None)

Form = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""The form of a question: the numbers of its targets, of the variables that are set, and of those that are seen."""


class Check:
    """Whether what is seen is possible in a part that is separated from the targets.

    When it is asked a second time, it is found out for all values at once, if that is little: then it is read off.
    """

    def __init__(
        self, product: Product, factors: Sequence[int], fixed: Mapping[int, int], contraction: Contraction
    ) -> None:
        self._product, self._factors, self._fixed, self.contraction = product, factors, fixed, contraction
        self._asked = 0
        self._known: tuple[Array, tuple[int, ...]] | None = None

    def holds(self, at: Sequence[Any]) -> bool:
        """Whether it is possible for values of what is fixed; raises as `Contraction.run`."""
        if self._known is not None:
            table, where = self._known
            return bool(table[tuple([at[k] for k in where])])
        self._asked += 1
        if self._asked == 2:
            self._known = self._found_out()
        return bool(self.contraction.run(at) > 0)

    def _found_out(self) -> tuple[Array, tuple[int, ...]] | None:
        product = self._product
        heard = {u for v in self._factors for u in product.scopes[v]}
        spoken = [u for u in self._fixed if u in heard]
        if math.prod([product.sizes[u] for u in spoken]) > _MOST_CASES:
            return None
        inputs, sources, local = product.read(self._factors, {})
        output = tuple([local.index(u) for u in spoken])
        found = planned(tuple(inputs), output, tuple([product.sizes[u] for u in local]))
        if found.work > _LITTLE:
            return None
        try:
            table = Contraction(sources, found, ()).run(())
        except PrecisionError:
            return None
        return table > 0, tuple([self._fixed[u] for u in spoken])


class Program(NamedTuple):
    """A form of question ready to run: the contraction over its targets, and those that tell whether what is seen is
    possible. `places` are the positions of the values of what is set and seen."""

    variables: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    places: tuple[Mapping[object, int], ...]
    targets: Contraction
    possible: tuple[Check, ...]
    peak: int
    work: int
    axes: int

    @property
    def contractions(self) -> tuple[Contraction, ...]:
        return (self.targets, *(check.contraction for check in self.possible))

    def run(self, values: Iterable[object]) -> Distribution | None:
        """The answer for values of what is set and what is seen; `None` if these have probability zero.

        Raises:
            KeyError: for something that is not a value of its variable.
            PrecisionError: if float64 cannot hold numbers on the way.
        """
        at: list[object] = [places[v] for places, v in zip(self.places, values, strict=True)]
        at.append(_FREE)
        for check in self.possible:
            if not check.holds(at):
                return None
        found = self.targets.run(at)
        total = found.sum()
        return Distribution.made(self.variables, found / total, self.labels) if total > 0 else None


class Factored:
    """A product of tables with the programs that answer questions about it: made when they are needed, and kept."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self._programs: dict[Form, Program | None] = {}
        self._sweeps: dict[object, Sweep] = {}

    @staticmethod
    def of(model: CausalModel, tables: Tables) -> Factored:
        """The tables of a model, as far as its mechanisms are single boxes that have one."""
        return Factored(Product.of(model, tables))

    def ask(
        self, query: Query, max_memory: int | None = None, before_much: Callable[[], None] | None = None
    ) -> Distribution | None:
        """A question that only sets and sees variables at one value each; `None` for any other.

        Raises:
            LimitError: L001, L003 if it needs more than `max_memory` bytes.
            PrecisionError: if float64 cannot hold numbers on the way.
        """
        terms = (*query.targets, *query.given)
        if any(t.world or t.bounds or (t.values is not None and len(t.values) != 1) for t in terms):
            return None
        done = {s.variable: s.value for s in query.surgeries if isinstance(s, Do)}
        seen = {t.variable: t.values[0] for t in query.given if t.values}
        axes = [t.axis_name for t in query.targets if t.free]
        if len(done) < len(query.surgeries) or len(seen) < len(query.given) or len(set(axes)) < len(axes):
            return None
        events = [t.variable for t in query.targets if t.values]
        if events and math.prod([len(self.product.labels[self.product.numbers[n]]) for n in events]) > _MOST_CASES:
            return None  # to fix them in the contraction is less work
        found = self.answer([t.variable for t in query.targets], done, seen, max_memory, before_much)
        if found is None or all(t.values is None and t.axis is None for t in query.targets):
            return found
        at = []
        for t, labels in zip(query.targets, found.values, strict=True):
            if t.values and t.values[0] not in labels:
                return None
            at.append(labels.index(t.values[0]) if t.values else _FREE)
        free = tuple([labels for t, labels in zip(query.targets, found.values, strict=True) if t.free])
        return Distribution.made(tuple(axes), np.asarray(found.array[tuple(at)]), free)

    def answer(
        self,
        targets: Iterable[str],
        do: Mapping[str, object],
        given: Mapping[str, object],
        max_memory: int | None = None,
        before_much: Callable[[], None] | None = None,
    ) -> Distribution | None:
        """`P(targets | do, given)`; `None` for what has to be asked of the diagram.

        That is a question about variables without a table of their own, about one variable twice, or about values that
        it does not have; or evidence that has probability zero, which the diagram's answer tells more about.

        Raises:
            LimitError: L001, L003 if it needs more than `max_memory` bytes.
            PrecisionError: if float64 cannot hold numbers on the way.
        """
        number = self.product.numbers
        try:
            done, seen = tuple([number[n] for n in do]), tuple([number[n] for n in given])
            program = self.program((tuple([number[n] for n in targets]), done, seen), max_memory, before_much)
            return None if program is None else program.run((*do.values(), *given.values()))
        except (KeyError, TypeError):  # no variable, or no value of its variable as it is spelled
            pass
        values = (*do.values(), *given.values())
        if all(isinstance(v, str) for v in values) or any(v is None for v in values):
            return None
        texts = [{n: str(v) for n, v in side.items()} for side in (do, given)]
        return self.answer(targets, texts[0], texts[1], max_memory, before_much)

    def program(
        self, form: Form, max_memory: int | None = None, before_much: Callable[[], None] | None = None
    ) -> Program | None:
        """The program for a form of question, made once; `None` if there is none. `before_much` is called if it takes
        long to run, and may raise an error.

        Raises:
            LimitError: L001, L003 if it needs more than `max_memory` bytes.
        """
        room = memory_limit(max_memory) // _BYTES
        found = self._programs.get(form)
        if found is None and form in self._programs:
            return None
        if found is None or found.peak > room:  # it may have been made for more room than there is now
            if len(self._programs) % _OFTEN == _OFTEN - 1:
                self._forget()
            self._programs[form] = found = self._compiled(*form, room)
            if found is None:
                return None
        if found.peak > room or found.axes > MOST_AXES:
            for c in found.contractions:
                check_plan(c.plan, c.widest, _BYTES, max_memory)
        if before_much is not None and found.work > MUCH_WORK:
            before_much()
        return found

    def marginals(
        self,
        do: Mapping[str, object],
        given: Mapping[str, object],
        of: Iterable[str] | None = None,
        max_memory: int | None = None,
    ) -> dict[str, Distribution] | None:
        """`P(V | do, given)` for each variable V (or each `of` some), in one sweep; `None` as for `answer`.

        Raises:
            LimitError: L001, L003 if it needs more than `max_memory` bytes.
            PrecisionError: if float64 cannot hold numbers on the way.
        """
        number = self.product.numbers
        try:
            asked = list(range(len(self.product.names))) if of is None else [number[n] for n in of]
            fixed = {number[n]: self.product.places[number[n]][str(v)] for n, v in (*do.items(), *given.items())}
        except KeyError:
            return None
        if any(v is None for v in (*do.values(), *given.values())):  # left free, even if there is a value of that name
            return None
        done = [number[n] for n in do]
        if len(fixed) < len(do) + len(given):
            return None
        order = {v: k for k, v in enumerate(fixed)}
        needed = sorted(self.product.ancestors((*asked, *(number[n] for n in given)), done))
        if any(self.product.factors[v] is None for v in needed):
            return None
        sweep = self._sweep(needed, order, room=memory_limit(max_memory) // (4 * _BYTES)) if needed else None
        if sweep is not None:
            check_plan(sweep.plan, sweep.widest, 8 * sweep.entries // sweep.plan.peak + 1, max_memory)
        tables = sweep.run([*fixed.values(), _FREE]) if sweep is not None else []
        if tables and not tables[0].any():
            return None
        joints = dict(zip(needed, tables, strict=True))
        common = tables[0].sum() if tables and sweep is not None and not sweep.scaled else None
        made: dict[str, Distribution] = {}
        for v in asked:
            name, labels = self.product.names[v], self.product.labels[v]
            if v in fixed:
                masses = np.zeros(len(labels))
                masses[fixed[v]] = 1.0
            else:
                masses = joints[v]  # its own axis is the last
                if masses.ndim > 1:
                    masses = masses.sum(axis=tuple(range(masses.ndim - 1)))
                total = masses.sum() if common is None else common
                if not total > 0:
                    return None
                masses = masses / total
            made[name] = Distribution.made((name,), masses, (labels,))
        return made

    def _sweep(self, needed: Sequence[int], fixed: Mapping[int, int], room: int) -> Sweep:
        key = tuple(needed), tuple(fixed)
        sweep = self._sweeps.get(key)
        if sweep is None or sweep.plan.peak > room:
            for oldest in list(self._sweeps.copy())[: 1 - _MOST_SWEEPS]:
                self._sweeps.pop(oldest, None)
            inputs, sources, local = self.product.read(needed, fixed)
            found = planned(tuple(inputs), (), tuple([self.product.sizes[u] for u in local]), 1, room)
            sweep = Sweep(sources, found, tuple([self.product.names[local[x]] for x in found.widest]))
            self._sweeps[key] = sweep
        return sweep

    def _forget(self) -> None:
        """Forget the oldest programs while all together keep too much."""
        programs = self._programs.copy().items()  # as they are now: other threads may ask, and forget, meanwhile
        kept = {form: sum(c.entries for c in p.contractions) if p else 0 for form, p in programs}
        total = sum(kept.values())
        for form, entries in kept.items():
            if total <= _MOST_ENTRIES and len(self._programs) <= _MOST_PROGRAMS:
                return
            self._programs.pop(form, None)
            total -= entries

    def _compiled(
        self, targets: tuple[int, ...], done: tuple[int, ...], seen: tuple[int, ...], room: int
    ) -> Program | None:
        fixed = {v: k for k, v in enumerate((*done, *seen))}
        if not 0 < len(targets) <= MOST_AXES or len({*targets, *fixed}) < len(targets) + len(done) + len(seen):
            return None
        needed = self.product.ancestors((*targets, *seen), done)
        if any(self.product.factors[v] is None for v in needed):
            return None
        around = self.product.around(targets, needed, fixed)
        parts = self.product.parts(needed.difference(around), fixed) if seen else []
        main = self._contraction(around, targets, fixed, room)
        possible = tuple([Check(self.product, part, fixed, self._contraction(part, (), fixed, room)) for part in parts])
        contractions = (main, *(check.contraction for check in possible))
        return Program(
            tuple([self.product.names[v] for v in targets]),
            tuple([self.product.labels[v] for v in targets]),
            tuple([self.product.places[v] for v in fixed]),
            main,
            possible,
            max(c.plan.peak for c in contractions),
            sum(c.plan.work for c in contractions),
            max(c.plan.axes for c in contractions),
        )

    def _contraction(
        self, factors: Sequence[int], output: Sequence[int], fixed: Mapping[int, int], room: int
    ) -> Contraction:
        inputs, sources, local = self.product.read(factors, fixed)
        kept = {u: x for x, u in enumerate(local)}
        found = planned(
            tuple(inputs), tuple([kept[v] for v in output]), tuple([self.product.sizes[u] for u in local]), 1, room
        )
        return Contraction(sources, found, tuple([self.product.names[local[x]] for x in found.widest]))
