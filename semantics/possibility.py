"""Rel: finite sets and total relations. What *can* happen, whatever the probabilities are.

Total relations are the Kleisli category of the nonempty powerset monad, a Markov category (Fritz 2020, Adv. Math. 370).
Taking the support of every box is a functor from stochastic matrices to it: a value is possible exactly if
it has positive probability. So a diagram can be asked what it excludes before any number is computed, and evidence that
contradicts itself is found by the relations alone.

>>> from strings.signature import Box
>>> S, T = Object("S", ("no", "yes")), Object("T", ("no", "yes"))
>>> relations = {"s": Relation((), (S,), [True, True]), "t": Relation((S,), (T,), [[True, False], [True, True]])}
>>> model = CausalModel.from_boxes((S, T), [Box("s", (), (S,)), Box("t", (S,), (T,))])
>>> _, found = possible_array(model, relations, Query((Term("S"),), (Term("T", ("yes",)),)))
>>> found.tolist()
[False, True]
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from semantics.answer import answer_array
from semantics.arithmetic import Tensor
from semantics.contract import Progress
from semantics.distribution import Array
from semantics.kernel import Table, Tables, size
from semantics.matrices import Matrices
from semantics.question import ask
from strings.diagnostic import CutwireError, Diagnostic, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Object, Ty
from strings.surgery import Do, DoWire, Open, Surgery


@dataclass(frozen=True)
class Booleans:
    """Truth values as an arithmetic: *and* for times, *or* for plus. Nothing is divided: what is possible given
    something is what is possible together with it."""

    exact: bool = True
    entry_bytes: int = 6  # one, and four while matrices are multiplied
    slowness: int = 1
    nil: bool = False

    def load(self, array: Array) -> Tensor:
        return Tensor(array if array.dtype == np.bool_ else np.asarray(array != 0, dtype=np.bool_))

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        if left.array.shape[2] == 1:
            return Tensor(left.array & right.array)
        # Sums of zeros and ones stay positive in float32, whose products are fast; those of truth values are not.
        return Tensor(np.matmul(left.array.astype(np.float32), right.array.astype(np.float32)) > 0)

    def total(self, tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
        return tensor.arranged(np.asarray(tensor.array.any(axis=axes)))

    def plus(self, left: Tensor, right: Tensor) -> Tensor:
        return Tensor(np.asarray(left.array | right.array))

    def zeros(self, tensor: Tensor) -> Array:
        return np.asarray(~tensor.array)

    def values(self, tensor: Tensor) -> Array:
        return tensor.array

    def ratio(self, above: Tensor, below: Tensor) -> Array:
        return np.asarray(above.array & below.array)

    def columns(self, joint: Array) -> tuple[Array, Array]:
        holes: Array = np.asarray(~joint.any(axis=-1, keepdims=True))
        return joint | holes, holes[..., 0]


class Relation(Table):
    """A total relation `dom -> cod`: which outputs are possible for which inputs; for every input one at least.

    Raises:
        CutwireError: T022 if the shape does not fit, or nothing is possible for some input.
    """

    def __init__(self, dom: Ty, cod: Ty, array: Any) -> None:
        made = np.array(array, dtype=np.bool_)
        made.flags.writeable = False
        super().__init__(dom, cod, made)
        wanted = tuple(size(x) for x in (*self.dom, *self.cod))
        if made.shape != wanted:
            raise _no_relation(f"the array has shape {made.shape}, its type asks for {wanted}")
        if not made.any(axis=tuple(range(len(self.dom), made.ndim))).all():
            raise _no_relation("for some input nothing is possible")

    @property
    def total(self) -> bool:
        """Whether everything is possible for every input: then the box says nothing."""
        return bool(self.array.all())


def _no_relation(problem: str) -> CutwireError:
    return CutwireError(Diagnostic("T022", "this is no total relation", notes=(problem,)))


Relations = Mapping[str, Relation]
"""What is possible in every box, by the box's name."""


class Possibility(Matrices):
    """The target Rel, given the relations of the boxes by name.

    >>> from strings.diagram import box
    >>> from strings.signature import Box
    >>> A = Object("A", ("0", "1"))
    >>> possible = Possibility({"f": Relation((A,), (A,), [[True, True], [False, True]])})
    >>> f = possible.contract(box(Box("f", (A,), (A,))))
    >>> possible.then(f, f).array.tolist()
    [[True, True], [False, True]]
    """

    def __init__(self, tables: Relations, max_memory: int | None = None) -> None:
        super().__init__(tables, Booleans(), max_memory)

    def _made(self, dom: Ty, cod: Ty, array: Array) -> Relation:
        return Relation(dom, cod, np.asarray(array).reshape([size(x) for x in (*dom, *cod)]))


def support(table: Table) -> Relation:
    """What is possible in a box: the entries that are not zero.

    >>> from semantics.kernel import Kernel
    >>> support(Kernel((), (Object("A", ("0", "1", "2")),), [0.5, 0.0, 0.5])).array.tolist()
    [True, False, True]
    """
    return Relation(table.dom, table.cod, np.asarray(table.array != 0))


def possible_array(
    model: CausalModel,
    relations: Tables,
    query: Query,
    *,
    max_memory: int | None = None,
    on_progress: Progress | None = None,
) -> tuple[tuple[tuple[str, Object], ...], Array]:
    """The axes of the answer, and for each case whether it can happen; raises as `semantics.answer.answer`.

    Boxes in which everything is possible are left out of the network, so that it falls apart into small pieces.
    """
    silent = {name for name, r in relations.items() if isinstance(r, Relation) and r.total}
    return answer_array(
        model,
        relations,
        query,
        Booleans(),
        max_memory=max_memory,
        on_progress=on_progress,
        without=silent,
    )


def certain_array(
    model: CausalModel, relations: Tables, query: Query, *, max_memory: int | None = None
) -> tuple[tuple[tuple[str, Object], ...], Array]:
    """The axes of the answer, and for each case whether it is certain: nothing else can happen.

    Several events are certain together exactly if each is, so their tables are made one by one and stay small.
    """
    axes = ask(model, query).axes
    sure = np.ones([size(x) for _, x in axes], dtype=np.bool_)
    for term in query.targets:
        alone = replace(query, targets=(Term(term.variable, axis=_ALONE),))
        found_axes, found = possible_array(model, relations, alone, max_memory=max_memory)
        names = [n for n, _ in found_axes[1:]]
        values = found_axes[0][1].values or ()
        if term.values is not None:
            outside = [k for k, v in enumerate(values) if v not in term.values]
            sure &= _placed(np.asarray(~found[outside].any(axis=0)), names, axes)
        else:
            others = np.stack([np.delete(found, k, axis=0).any(axis=0) for k in range(len(values))])
            sure &= _placed(~others, [term.axis_name, *names], axes)
    return axes, sure


_ALONE = "alone #"  # no axis of a question can be called that


def _placed(array: Array, names: Sequence[str], axes: Sequence[tuple[str, Object]]) -> Array:
    """A table with some of the axes (of two of one name the diagonal), ready to be broadcast along all of them."""
    labels = [n for n, _ in axes]
    present = [n for n in labels if n in names]
    arranged: Array = np.einsum(array, [labels.index(n) for n in names], [labels.index(n) for n in present])
    return arranged.reshape([size(x) if n in names else 1 for n, x in axes])


# ---- evidence that contradicts itself --------------------------------------------------------------------------------

_MOST_CHECKS = 300  # small contractions


def impossible_evidence(
    model: CausalModel, relations: Tables, query: Query, *, max_memory: int | None = None
) -> tuple[tuple[Term, ...], tuple[tuple[str, str], ...]] | None:
    """The fewest conditions of a question that cannot hold together, and the values left free where they cannot;
    nothing if all conditions can hold wherever they are asked for.

    The set is irreducible always, and smallest if there are not very many conditions: it is made by leaving out one
    condition after the other (Junker 2004, *QuickXplain*, calls this a minimal conflict), and smaller ones are then
    looked for.
    """
    if not query.given:
        return None
    place = _impossible_place(model, relations, query, max_memory)
    if place is None:
        return None
    values = dict(place)
    terms = [replace(t, values=(values[t.axis_name],), axis=None) if t.free else t for t in query.given]
    fixed = query.with_surgeries(lambda s: _closed(s, values))
    left = [_MOST_CHECKS]

    def clash(some: Sequence[Term]) -> bool:
        left[0] -= 1
        asked = replace(fixed, targets=tuple(some), given=(), expectation=False)
        return not possible_array(model, relations, asked, max_memory=max_memory)[1].any()

    core = list(terms)
    for t in terms:
        fewer = [u for u in core if u is not t]
        if fewer and clash(fewer):
            core = fewer
    for few in range(1, len(core)):
        for some in itertools.combinations(terms, few):
            if left[0] <= 0:
                return tuple(core), place
            if clash(some):
                return some, place
    return tuple(core), place


def _impossible_place(
    model: CausalModel, relations: Tables, query: Query, max_memory: int | None
) -> tuple[tuple[str, str], ...] | None:
    """The first place along the free axes where the conditions cannot hold, as names and values."""
    events = replace(query, targets=query.given, given=(), expectation=False)
    axes, possible = possible_array(model, relations, events, max_memory=max_memory)
    if possible.all():
        return None
    at = np.argwhere(~possible)[0]
    return tuple((n, (x.values or ())[k]) for (n, x), k in zip(axes, at, strict=True))


def _closed(s: Surgery, values: Mapping[str, str]) -> Surgery:
    """A surgery with the value that is left free filled in."""
    match s:
        case Open(variable, axis) if (axis or variable) in values:
            return Do(variable, values[axis or variable])
        case DoWire(source, sink, None, axis) if (axis or source) in values:
            return DoWire(source, sink, values[axis or source])
        case _:
            return s


def refuse_impossible(model: CausalModel, relations: Tables, query: Query, max_memory: int | None = None) -> None:
    """Refuse a question whose conditions cannot hold together, naming the fewest that cannot.

    Raises:
        ZeroProbabilityError: Q002.
    """
    found = impossible_evidence(model, relations, query, max_memory=max_memory)
    if found is not None:
        raise ZeroProbabilityError(_contradiction(model, query, *found))


def _contradiction(
    model: CausalModel, query: Query, core: Sequence[Term], place: Sequence[tuple[str, str]]
) -> Diagnostic:
    question = ask(model, query)
    values = dict(place)
    at = [(x.values or ()).index(values[n]) if n in values else 0 for n, x in question.axes]
    seen, done = question.said(at)
    return Diagnostic(
        "Q002",
        f"`{seen}` has probability zero" + (f" after {done}" if done else ""),
        notes=(*conflict_notes(core, query), "disintegration is undetermined there; Cutwire does not invent a column"),
    )


def conflict_notes(core: Sequence[Term], query: Query) -> tuple[str, ...]:
    """What cannot happen, in a line, if that is less than all that the question sees."""
    said = f"`{', '.join(map(str, core))}`"
    if len(core) == 1:
        return (f"{said} can never happen",) if len(query.given) > 1 else ()
    return (f"{said} can never happen together",) if len(core) < len(query.given) else ()
