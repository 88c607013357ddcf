"""The semantics whose laws are tried on a model, each with an intervention of its own that sees no diagram.

For tables in any arithmetic that is the truncated factorisation (`semantics.truncated`), for linear models with normal
noise the structural equations (`semantics.structural`), for Pyro its own `do` (`semantics.pyro.doing`). To have another
semantics tried, add it to `LAWFUL`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from cutwire.interpreted import Interpreted
from cutwire.tables import cells_of, why_no_table
from semantics.answer import answer_array
from semantics.arithmetic import Floats, Fractions
from semantics.category import Semantics, interpret
from semantics.evaluate import Grid
from semantics.family import member, random_table
from semantics.field import Field
from semantics.kernel import Table
from semantics.laws import same
from semantics.matrices import Matrices
from semantics.mixed import Component, Gauss, MixedKernel
from semantics.mixed import same as same_mixture
from semantics.mixed_answer import answer_mixed
from semantics.mixture import Mixture
from semantics.pieces import volume
from semantics.possibility import Booleans, Relation
from semantics.structural import structural
from semantics.truncated import truncated
from strings.diagnostic import CutwireError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box
from strings.surgery import Cut, CutWire, Surgery, boxes_of

M = TypeVar("M")


class LawfulSemantics(Protocol[M]):
    """A semantics of one model, ready to be tried: `shape` is the model that it interprets."""

    @property
    def shape(self) -> CausalModel:
        """The model, every wire with what the semantics needs of it."""

    @property
    def target(self) -> Semantics[M] | None:
        """The target category; nothing if there are no operations of its own to compare with."""

    @property
    def most_work(self) -> int:
        """About how large a piece may be (`semantics.laws.functor_laws`)."""

    def interpret(self, operated: CausalModel, outputs: Sequence[str]) -> M:
        """What the diagram of some variables means, in the model or in what surgery has made of it."""

    def intervene(self, surgeries: Sequence[Surgery], outputs: Sequence[str]) -> M | None:
        """What some variables come to after interventions, done to meanings and not to diagrams; nothing if the
        semantics has no such intervention: then nothing is compared, and nothing is counted."""

    def disintegrate(self, x: str, y: str) -> tuple[M, M] | None:
        """P(x) P(y | x), and P(x, y); nothing if the semantics does not tell."""

    def equal(self, left: M, right: M) -> bool:
        """Whether two meanings are the same."""


@dataclass(frozen=True)
class TableSemantics:
    """A semantics of tables in any arithmetic: floats, fractions, a finite field, truth values, polynomials."""

    shape: CausalModel
    target: Matrices
    most_work: int = 200_000

    def interpret(self, operated: CausalModel, outputs: Sequence[str]) -> Table:
        return interpret(operated.state(outputs), self.target)

    def intervene(self, surgeries: Sequence[Surgery], outputs: Sequence[str]) -> Table:
        return truncated(self.shape, self.target, surgeries, outputs)

    def disintegrate(self, x: str, y: str) -> tuple[Table, Table] | None:
        arithmetic, tables = self.target.arithmetic, self.target.tables
        kinds = self.shape.object(x), self.shape.object(y)
        _, first = answer_array(self.shape, tables, Query((Term(x),)), arithmetic)
        _, joint = answer_array(self.shape, tables, Query((Term(x), Term(y))), arithmetic)
        parts = []
        for k, value in enumerate(kinds[0].values or ()):
            part = np.zeros_like(joint[k])
            if first[k] != self.target.zero:
                given = Query((Term(y),), (Term(x, (value,)),))
                _, then = answer_array(self.shape, tables, given, arithmetic)
                part = self.target.product(first[k : k + 1].reshape(1, 1, 1), then.reshape(1, 1, -1))[0, 0]
            parts.append(part)
        return Table((), kinds, np.stack(parts)), Table((), kinds, joint)

    def equal(self, left: Table, right: Table) -> bool:
        return same(left, right)


@dataclass(frozen=True)
class GaussianSemantics:
    """Linear models with normal noise, mixed with finite variables: the intervention is one on structural equations."""

    shape: CausalModel
    target: Gauss
    most_work: int = 2_000

    def interpret(self, operated: CausalModel, outputs: Sequence[str]) -> MixedKernel:
        return interpret(operated.state(outputs), self.target)

    def intervene(self, surgeries: Sequence[Surgery], outputs: Sequence[str]) -> MixedKernel | None:
        cut = [s.variable if isinstance(s, Cut) else s.source for s in surgeries if isinstance(s, Cut | CutWire)]
        if any(self.shape.object(x).space for x in cut):  # no state is uniform on endless numbers
            return None
        return structural(self.shape, self.target, surgeries, outputs)

    def disintegrate(self, x: str, y: str) -> tuple[MixedKernel, MixedKernel] | None:
        """Of a real `x` only where the joint is one Gaussian: else the weights in P(y | x) are no affine functions."""
        first, joint = (interpret(self.shape.state(names), self.target) for names in ((x,), (x, y)))
        if self.shape.object(x).space:
            if len(joint.state) > 1 or not self.shape.object(y).space:
                return None
            then, _ = joint.state[0].gaussian.conditional([0])
            rule = MixedKernel(first.cod, joint.cod[1:], {(): (Component(joint.state[0].weight, (), then),)})
            beside = self.target.tensor(self.target.identity(first.cod), rule)
            return self.target.then(self.target.then(first, self.target.copy(first.cod)), beside), joint
        parts = [part for c in first.state for part in self._seen(x, c, y)]
        return MixedKernel((), joint.cod, {(): tuple(parts)}), joint

    def _seen(self, x: str, c: Component, y: str) -> list[Component]:
        """The components of `y` given that `x` has the value of a component, each with the weight of both."""
        value = (self.shape.object(x).values or ())[c.values[0]]
        found = answer_mixed(self.shape, self.target, Query((Term(y),), (Term(x, (value,)),)))
        if isinstance(found, Grid):
            return [Component(c.weight * w, (*c.values, k), c.gaussian) for k, w in enumerate(found.array) if w]
        assert isinstance(found, Mixture)
        return [Component(c.weight * w, c.values, g) for w, g in zip(found.weights, found.parts, strict=True)]

    def equal(self, left: MixedKernel, right: MixedKernel) -> bool:
        return same_mixture(left, right, 0.0 if self.target.exact else 1e-9)


# ---- which semantics apply -------------------------------------------------------------------------------------------

_MOST_EXACT_CELLS = 20_000
_MOST_SYMBOLIC_CELLS = 5_000


def _matrix(model: Interpreted, surgeries: Sequence[Surgery], seed: int) -> LawfulSemantics[Any] | str:
    return _without_tables(model) or TableSemantics(model.shape, Matrices(model.kernels(surgeries=surgeries), Floats()))


def _exact(model: Interpreted, surgeries: Sequence[Surgery], seed: int) -> LawfulSemantics[Any] | str:
    if why := _without_tables(model):
        return why
    if cells_of(boxes_of(model.shape)) > _MOST_EXACT_CELLS:
        return "its tables are too large for fractions"
    tables = model.kernels(exact=True, surgeries=surgeries)
    floats = [n for n, t in tables.items() if not t.exact]
    if floats:
        return f"box `{floats[0]}` has floating-point numbers"
    return TableSemantics(model.shape, Matrices(tables, Fractions()), 40_000)


def _field(model: Interpreted, surgeries: Sequence[Surgery], seed: int) -> LawfulSemantics[Any] | str:
    if real := _real(model):
        return real
    shape = _valued(model.shape)
    tables = random_tables(boxes_of(shape, surgeries).values(), seed)
    return TableSemantics(shape, Matrices(tables, Field()))


def _possible(model: Interpreted, surgeries: Sequence[Surgery], seed: int) -> LawfulSemantics[Any] | str:
    from cutwire.possible import relations

    if real := _real(model):
        return real
    shape, known = _valued(model.shape), model.definition.definitions
    boxes = boxes_of(shape, surgeries)
    found: dict[str, Table] = dict(random_relations((b for n, b in boxes.items() if n not in known), seed))
    sure = relations(model, known, surgeries)
    return TableSemantics(shape, Matrices({**found, **{n: r for n, r in sure.items() if n in known}}, Booleans()))


def _symbolic(model: Interpreted, surgeries: Sequence[Surgery], seed: int) -> LawfulSemantics[Any] | str:
    """All parameters are symbols, those with a value, too."""
    if not model.parameters:
        return "no parameters are declared"
    if why := _real(model):
        return why
    from cutwire.symbolic_boxes import field_boxes
    from semantics.polynomials import Polynomials

    known, own = model.definition.definitions, boxes_of(model.shape)
    if bare := [n for n in own if n not in known]:
        return f"box `{bare[0]}` has no numbers"
    if cells_of(own) > _MOST_SYMBOLIC_CELLS:
        return "its tables are too large for formulas"
    boxes = {n: b for n, b in boxes_of(model.shape, surgeries).items() if n in known}
    try:
        found = field_boxes(model, boxes, known)
    except CutwireError as e:
        return e.diagnostic.message
    if not found.symbols.generators:
        return "no table depends on a parameter"
    return TableSemantics(model.shape, Matrices(found.tables, Polynomials(found.symbols.functions)), 20_000)


def _gaussian(model: Interpreted, surgeries: Sequence[Surgery], seed: int) -> LawfulSemantics[Any] | str:
    if not _real(model):
        return "no variable is real"
    from cutwire.gaussian import gauss, gauss_of_model

    known = model.definition.definitions
    added = {n: b for n, b in boxes_of(None, surgeries).items() if n in known}
    try:
        target = gauss_of_model(model, exact=False)
        more = gauss(model, added, known, target.exact)
    except CutwireError as e:
        if e.diagnostic.code == "Q012":
            return _symbolic_gaussian(model, added)
        return e.diagnostic.message
    tables, linear = {**target.tables, **more.tables}, {**target.linear, **more.linear}
    return GaussianSemantics(model.shape, Gauss(tables, linear, target.exact))


def _symbolic_gaussian(model: Interpreted, added: Mapping[str, Box]) -> LawfulSemantics[Any] | str:
    """Parameters that have no value are symbols."""
    from cutwire.symbolic_boxes import field_boxes

    boxes = {**added, **boxes_of(model.shape)}
    try:
        found = field_boxes(model, boxes, model.definition.definitions, model.parameter_values)
        return GaussianSemantics(model.shape, found.gauss(), 200)
    except CutwireError as e:
        return e.diagnostic.message


def _pyro(model: Interpreted, surgeries: Sequence[Surgery], seed: int) -> LawfulSemantics[Any] | str:
    if any(importlib.util.find_spec(n) is None for n in ("torch", "pyro")):
        return "Pyro is not installed"
    if bare := [n for n in boxes_of(model.shape) if n not in model.definition.definitions]:
        return f"box `{bare[0]}` has no numbers"
    from cutwire.sampling import program_of
    from semantics.pyro.doing import Enumerated, Sampled

    shape = model.shape

    def programs(operated: CausalModel) -> Any:
        return program_of(model, operated)

    try:
        program = programs(shape)
        for n in program.open_parameters:
            program.prior(n)
    except CutwireError as e:
        return e.diagnostic.message
    finite = not _real(model) and not program.open_parameters and not program.open_tables
    return Enumerated(shape, programs) if finite else Sampled(shape, programs, seed)


Maker = Callable[[Interpreted, Sequence[Surgery], int], LawfulSemantics[Any] | str]
"""Gives a semantics of a model, with what it needs of the boxes that some surgeries put in, or says why there is none;
random numbers come from the seed."""

LAWFUL: Mapping[str, Maker] = {
    "matrix": _matrix,
    "exact": _exact,
    "GF(p)": _field,
    "possible": _possible,
    "symbolic": _symbolic,
    "gaussian": _gaussian,
    "pyro": _pyro,
}
"""The semantics that are tried, by name."""


def _real(model: Interpreted) -> str:
    odd = next((x for x in model.shape.variables if x.space), None)
    return f"`{odd.name}` is {odd.space}" if odd else ""


def _without_tables(model: Interpreted) -> str:
    """Why not every box has a table of numbers; empty if it has."""
    if real := _real(model):
        return real
    known = model.definition.definitions
    for name, b in boxes_of(model.shape).items():
        if name not in known:
            return f"box `{name}` has no numbers"
        if problem := why_no_table(b, known[name], model.parameter_values):
            return problem.message
    return ""


def _valued(shape: CausalModel) -> CausalModel:
    """The shape with two or three values for every variable that has none."""
    bare = [x.name for x in shape.variables if x.values is None]
    return shape.with_values({n: few_values(k) for k, n in enumerate(bare)}) if bare else shape


def few_values(k: int) -> tuple[str, ...]:
    return ("0", "1", "2")[: 2 + k % 2]


def random_tables(boxes: Iterable[Box], seed: int) -> dict[str, Table]:
    """Members of the field for every entry; the columns sum to 1."""
    rng, found = np.random.default_rng(seed), {}
    for b in boxes:
        table = random_table(b, member(1), Field().p, rng)
        found[b.name] = Table(b.dom, b.cod, table.array[0])
    return found


def random_relations(boxes: Iterable[Box], seed: int) -> dict[str, Relation]:
    rng, found = np.random.default_rng(seed), {}
    for b in boxes:
        dom, width = [len(x.values or ()) for x in b.dom], volume(b.cod)
        sure = np.eye(width, dtype=bool)[rng.integers(0, width, dom)]
        array = sure if b.deterministic else sure | (rng.random((*dom, width)) < 0.3)
        found[b.name] = Relation(b.dom, b.cod, array.reshape(*dom, *(len(x.values or ()) for x in b.cod)))
    return found
