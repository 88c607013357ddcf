"""Answering a question about a causal model whose boxes have numbers.

The surgeries are applied to the syntax, the operated model's diagram is read as a tensor network, evidence slices it,
and one or two contractions give the numerator and the denominator (Jacobs, Kissinger, Zanasi 2019, sections 4 and 5:
interpret the surgically altered state, then disintegrate). Where the condition has probability zero the disintegration
is undetermined, and the answer is an error rather than an invented column.

>>> from fractions import Fraction
>>> from semantics.kernel import Kernel
>>> from strings.surgery import Do
>>> model = CausalModel.from_edges([("S", "C")], domains=2)
>>> S, C = model.variables
>>> tables = {
...     "s": Kernel((), (S,), [Fraction(1, 2), Fraction(1, 2)]),
...     "c": Kernel((S,), (C,), [[Fraction(3, 4), Fraction(1, 4)], [Fraction(0), Fraction(1)]]),
... }
>>> print(answer(model, tables, Query((Term("C"),), (), (Do("S", "0"),)), exact=True))
C  probability  exact
0  0.75         3/4
1  0.25         1/4
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np

from semantics import slicing
from semantics.arithmetic import Arithmetic, Floats, Fractions, Logarithms, PrecisionError, Tensor
from semantics.contract import Progress, check_answer_size, contract
from semantics.distribution import Array, Distribution
from semantics.expectation import check_expectation, mean
from semantics.factored import Factored
from semantics.kernel import Tables, is_sharp, size
from semantics.network import Wiring, fix_points, network_of, spread
from semantics.question import Question, Slot, ask
from strings.diagnostic import Diagnostic, LimitError, QueryError, ZeroProbabilityError
from strings.diagram import Diagram
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import is_told


def answer(
    model: CausalModel,
    tables: Tables,
    query: Query,
    *,
    exact: bool = False,
    max_memory: int | None = None,
    on_progress: Progress | None = None,
    before_much: Callable[[], None] | None = None,
    factored: Factored | None = None,
) -> Distribution:
    """The answer to `query`: an axis per free target, then per free given term, then per value left free in a surgery.

    `tables` has the kernel of every box by its name; boxes that the question does not depend on may lack one. With
    `exact` all numbers are fractions. `max_memory` bounds the bytes that tables may take. `before_much` is
    called before what takes long, and may raise an error of its own. `factored` is the model with its tables, made
    ready: what it can answer in floats is answered by it.

    Raises:
        QueryError: Q001 if a box that is needed has no numbers, Q003 if a variable is left free twice, Q004 for an
            expectation of something that is no number, Q005 if exact fractions are asked for and a box has floats,
            N002 and N003 for unknown variables and values.
        ZeroProbabilityError: Q002 if the condition has probability zero, anywhere along the axes.
        LimitError: L001 if it needs too much memory.
    """
    if query.expectation:
        check_expectation(model, query)
    arithmetic: Arithmetic = Fractions() if exact else Floats()
    ask_in = partial(
        answer_array,
        model,
        tables,
        query,
        max_memory=max_memory,
        on_progress=on_progress,
        before_much=before_much,
    )
    result = None
    try:
        if factored is not None and not exact and slicing.asked() is None:
            with suppress(LimitError):  # the general way may do with less, or says what it would take
                result = factored.ask(query, max_memory, before_much)
        if result is None:
            axes, found = ask_in(arithmetic)
    except PrecisionError:
        axes, found = ask_in(Logarithms())
    if result is None:
        result = Distribution([n for n, _ in axes], found, [x.values or () for _, x in axes])
    return mean(result, query.targets[0].axis_name) if query.expectation else result


def answer_array(
    model: CausalModel,
    tables: Tables,
    query: Query,
    arithmetic: Arithmetic,
    *,
    max_memory: int | None = None,
    on_progress: Progress | None = None,
    without: Container[str] = (),
    before_much: Callable[[], None] | None = None,
) -> tuple[tuple[tuple[str, Object], ...], Array]:
    """The axes of the answer, by name and object, and its numbers in any arithmetic; raises as `answer`.

    Boxes named in `without` are left out of the network: their tables say nothing (`semantics.possibility`).

    Raises:
        PrecisionError: from `Floats`, if float64 cannot hold the numbers.
    """
    question = ask(model, query, lambda name: name in tables and is_sharp(tables[name]))
    diagram = question.model.state(question.variables(question.slots))
    check_tables((n.box for n in diagram.nodes), tables, arithmetic.exact)
    check_answer_size([size(x) for _, x in question.axes], arithmetic.entry_bytes, max_memory)
    engine = _Engine(tables, max_memory, on_progress, without, before_much)
    return question.axes, engine.answer(question, diagram, arithmetic)


def joint(
    model: CausalModel,
    tables: Tables,
    names: Sequence[str],
    *,
    exact: bool = False,
    max_memory: int | None = None,
) -> Distribution:
    """The joint distribution of some variables, axes in the order of `names`; raises as `answer`."""
    return answer(model, tables, Query(tuple(Term(n) for n in names)), exact=exact, max_memory=max_memory)


@dataclass(frozen=True)
class _Engine:
    """What stays the same over the contractions of one question."""

    tables: Tables
    max_memory: int | None
    on_progress: Progress | None
    without: Container[str]
    before_much: Callable[[], None] | None

    def answer(self, question: Question, diagram: Diagram, arithmetic: Arithmetic) -> Array:
        """The numbers, one axis for each of the question's."""
        above = self.table(question, question.slots, diagram, arithmetic)
        if not any(s.place == "given" for s in question.slots):
            return arithmetic.values(above)
        below = self.condition(question, above, arithmetic)
        zeros = arithmetic.zeros(below)
        if zeros.any():
            raise zero_probability(question, np.argwhere(zeros)[0])
        return arithmetic.ratio(above, below)

    def table(self, question: Question, slots: Sequence[Slot], diagram: Diagram, arithmetic: Arithmetic) -> Tensor:
        """The unnormalised table of some slots, with an axis of length 1 wherever none of them has the axis."""
        exact = arithmetic.exact
        names = [n for n, _ in question.axes if any(s.axis == n for s in slots)]
        types = dict(question.axes)
        wiring = Wiring((*diagram.wires, *(types[n] for n in names)))
        axes = {n: len(diagram.wires) + k for k, n in enumerate(names)}
        masks = question.connect(slots, diagram, wiring, axes, exact)
        fix_points(wiring, diagram)
        told = [n.box.name for n in diagram.nodes if is_told(n.box.name) or n.box.name in self.without]
        network = network_of(diagram, self.tables, wiring, list(axes.values()), masks, exact, told)
        found = contract(network, arithmetic, self.max_memory, self.on_progress, self.before_much)
        table = spread(found.array, network.output, list(axes.values()), wiring, arithmetic.nil)
        return found.arranged(table.reshape([size(x) if n in axes else 1 for n, x in question.axes]))

    def condition(self, question: Question, above: Tensor, arithmetic: Arithmetic) -> Tensor:
        """The probability of what is conditioned on: summed out of the numerator, or contracted by itself."""
        behind = [s for s in question.slots if s.place != "target"]
        ahead = [s.axis for s in question.slots if s.place == "target"]
        shared = {s.axis for s in behind}
        if all(a is not None and a not in shared for a in ahead) and len(set(ahead)) == len(ahead):
            axes = tuple(k for k, (n, _) in enumerate(question.axes) if n in ahead)
            summed = arithmetic.total(above, axes)
            return summed.arranged(np.expand_dims(summed.array, axes))
        return self.table(question, behind, question.model.state(question.variables(behind)), arithmetic)


def check_tables(needed: Iterable[Box], tables: Tables, exact: bool) -> None:
    """Every box has a table, of fractions if the answer is to be exact.

    Raises:
        QueryError: Q001 for a box without numbers, Q005 for one that has floats.
    """
    boxes = {b.name: b for b in needed if b.kind == "box" and not is_told(b.name)}
    missing = [b for name, b in boxes.items() if name not in tables]
    if missing:
        first = missing[0]
        raise QueryError(
            Diagnostic(
                "Q001",
                "this query needs numbers, but a box has none",
                notes=tuple(f"box `{b.name}` ({b}) has no numbers" for b in missing[:8])
                + ((f"and {len(missing) - 8} more",) if missing[8:] else ()),
                help=(
                    f"give it numbers: `box {first} = …`",
                    "or use data instead: `estimate … from DATA`",
                ),
            )
        )
    floats = [name for name in boxes if exact and not tables[name].exact]
    if floats:
        raise QueryError(
            Diagnostic(
                "Q005",
                f"box `{floats[0]}` has floating-point numbers: no exact answer",
                notes=tuple(f"so does box `{name}`" for name in floats[1:8]),
                help=("write its numbers as decimals or fractions, or ask without exact",),
            )
        )


def zero_probability(question: Question, at: Sequence[int]) -> ZeroProbabilityError:
    """Q002, at one place along the axes."""
    seen, done = question.said(at)
    return ZeroProbabilityError(
        Diagnostic(
            "Q002",
            f"`{seen}` has probability zero" + (f" after {done}" if done else ""),
            notes=("disintegration is undetermined there; Cutwire does not invent a column",),
        )
    )
