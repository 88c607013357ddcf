"""Questions to Pyro programs: exactly where all that matters is finite, else by weighted samples.

An answer has a batch of numbers for every cell: one for each draw of what is not known. Sampling is forward where
nothing below is seen, else likelihood weighting (Fung and Chang 1990); where points and densities are seen, only what
is seen with a probability counts against what is seen with a density (lexicographic likelihood weighting: Wu,
Srivastava, Hay, Du and Russell 2018).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyro
import torch
from torch import Tensor

from semantics.distribution import Array, float_array
from semantics.pyro.algebra import Cases, is_point, log_probability
from semantics.pyro.boxes import as_float
from semantics.pyro.enumerate import log_joint
from semantics.pyro.program import PyroProgram, Unknowns, Values
from semantics.question import Question, Slot, ask
from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Object
from strings.surgery import is_told

NO_UNKNOWNS = Unknowns({}, {})


def as_question(model: CausalModel, query: Query) -> Question:
    """A question, worked out; its real values and bounds are left to `Sampling`.

    Raises:
        QueryError: Q013 where numbers without end would be an axis; what `semantics.question.ask` raises.
    """

    def finite(t: Term) -> Term:
        return Term(t.variable, None, f"(number) {t.variable}") if _is_number(model, t) and not t.free else t

    query_ = replace(query, targets=tuple(map(finite, query.targets)), given=tuple(map(finite, query.given)))
    found = ask(model, query_)
    behind = [s for s in found.slots if s.place != "target"]
    for s in behind:
        if s.axis is not None and model.object(s.variable).space and not s.axis.startswith("(number) "):
            x = model.object(s.variable)
            how = f"do({x.name} := 0)" if s.place in ("opened", "told") else f"{x.name} = 0"
            message = f"`{x.name}` is {x.space}: its values make no table"
            raise QueryError(Diagnostic("Q013", message, query.span, help=(f"name a value: `{how}`",)))
    axes = tuple((n, x) for n, x in found.axes if not n.startswith("(number) "))
    return Question(found.model, found.slots, axes, query)


def _is_number(model: CausalModel, t: Term) -> bool:
    return bool(model.object(t.variable).space)


# ---- exactly ---------------------------------------------------------------------------------------------------------


def finite_answer(program: PyroProgram, question: Question, unknowns: Unknowns = NO_UNKNOWNS) -> Array:
    """The answer for finite variables, exactly: a number for each draw of the unknowns and each cell of the axes.

    Unknowns have a dimension over draws and one of length 1 behind it.

    Raises:
        ZeroProbabilityError: Q002 if the condition has probability zero.
    """
    slots = [s for s in question.slots if s.place != "void"]
    variables = question.variables(slots)
    told = {s.axis or s.variable: s for s in slots if s.place == "told"}
    opened = [s.variable for s in slots if s.place == "opened"]
    fixed = {
        s.variable: (s.values or ("",))[0]
        for s in slots
        if s.place == "given" and len(s.values or ()) == 1 and s.variable not in opened
    }
    kept = [n for n in variables if n not in fixed and n not in opened]
    seen = {n: torch.tensor(_position(question.model.object(n), v)) for n, v in fixed.items()}
    inputs, names = _input_dimensions(question, [*opened], told, len(question.model.names))
    table = _with_inputs(program, unknowns, kept, seen, inputs)
    letters = {n: k for k, n in enumerate([*kept, *names])}
    joint = torch.exp(table - table.amax(dim=tuple(range(1, table.dim())), keepdim=True).clamp(min=-700)).numpy()
    above = _summed(joint, letters, slots, question, fixed)
    below = _summed(joint, letters, [s for s in slots if s.place != "target"], question, fixed)
    if (zero := below == 0).any():
        raise _impossible(question, np.argwhere(zero)[0][1:])
    shape = (len(joint), *(len(x.values or ()) for _, x in question.axes))
    return np.broadcast_to(above / below, shape).copy()


def _input_dimensions(
    question: Question, opened: Sequence[str], told: Mapping[str, Slot], first: int
) -> tuple[dict[str, Tensor], list[str]]:
    """Inputs of the program with all their values, each along a dimension of its own, far on the left."""
    inputs: dict[str, Tensor] = {}
    names: list[str] = []
    for name in opened:
        if name not in inputs:
            inputs[name] = torch.arange(len(question.model.object(name).values or ()))
            names.append(name)
    boxes = {n.box.name: n.box for m in question.model.mechanisms.values() for n in m.diagram.nodes}
    for box in boxes.values():
        if is_told(box.name):
            inputs[box.name] = torch.arange(len(box.cod[0].values or ()))
            names.append(box.name)
    return inputs, names


def _with_inputs(
    program: PyroProgram, unknowns: Unknowns, kept: Sequence[str], seen: Values, inputs: Mapping[str, Tensor]
) -> Tensor:
    """The logarithm of the joint of `kept` for all values of the inputs, these as last dimensions."""
    sizes = [len(v) for v in inputs.values()]
    tables = []
    for at in itertools.product(*(range(n) for n in sizes)):
        fixed = dict(zip(inputs, map(torch.tensor, at), strict=True))
        tables.append(log_joint(program, unknowns, kept, seen, fixed, batch=2)[:, 0])
    return torch.stack(tables, -1).reshape([*tables[0].shape, *sizes])


def _summed(
    joint: Array, letters: Mapping[str, int], slots: Sequence[Slot], question: Question, fixed: Mapping[str, str]
) -> Array:
    """The joint summed to the axes that some slots have (length 1 along the others), under what they say."""
    names = [n for n, _ in question.axes]
    first = len(letters) + 1
    axis = {n: first + 1 + k for k, n in enumerate(names)}
    operands: list[object] = [joint, [first, *range(len(letters))]]
    shown = set()
    for s in slots:
        if s.place == "void":
            continue
        x = question.model.object(s.variable)
        wire = letters.get(_wire(s))
        if s.axis is not None:
            shown.add(s.axis)
            if wire is None:
                at = np.zeros(len(x.values or ()))
                at[_position(x, fixed[s.variable])] = 1
                operands += [at, [axis[s.axis]]]
            else:
                operands += [np.eye(len(x.values or ())), [wire, axis[s.axis]]]
        elif wire is not None:
            operands += [_mask(x, s.values or ()), [wire]]
        elif fixed[s.variable] not in (s.values or ()):
            operands += [np.zeros(()), []]
    out = [first, *(axis[n] for n in names if n in shown)]
    found = np.einsum(*operands, out, optimize=True)  # type: ignore[call-overload]
    shape = [len(joint), *(len(x.values or ()) if n in shown else 1 for n, x in question.axes)]
    return np.asarray(found).reshape(shape)


def _wire(s: Slot) -> str:
    return f"(told) {s.variable} := {s.axis or s.variable}" if s.place == "told" else s.variable


def _mask(x: Object, values: Sequence[str]) -> Array:
    return float_array(np.array([float(v in values) for v in x.values or ()]))


def _position(x: Object, value: str) -> int:
    return (x.values or ()).index(value)


def _impossible(question: Question, at: Sequence[int]) -> ZeroProbabilityError:
    inside = [min(k, len(x.values or ()) - 1) for k, (_, x) in zip(at, question.axes, strict=True)]
    seen, done = question.said(inside)
    return ZeroProbabilityError(
        Diagnostic("Q002", f"`{seen}` has probability zero" + (f" after {done}" if done else ""))
    )


# ---- by sampling -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Worlds:
    """Samples of the variables for one case of what is seen and done, with the logarithms of their weights.

    Tensors have the shape (draws of what is not known, worlds). `case` has the value of every axis behind the bar;
    `densities` is how many densities are in the weights, at the least.
    """

    case: Mapping[str, str]
    values: Mapping[str, Tensor]
    log_weights: Tensor
    densities: float = 0.0

    @property
    def weights(self) -> Tensor:
        """Weights with the largest of each draw at 1; all zero where nothing fits what is seen."""
        most = self.log_weights.amax(-1, keepdim=True)
        return torch.where(most == -torch.inf, 0.0, torch.exp(self.log_weights - most.clamp(min=-1e300)))

    @property
    def effective(self) -> float:
        """The effective sample size (Kish 1965), the least over the draws."""
        w = self.weights
        total = w.sum(-1)
        return float(
            torch.where(total > 0, total**2 / (w**2).sum(-1).clamp(min=1e-300), torch.tensor(0.0).double()).min()
        )


def worlds(
    program: PyroProgram, question: Question, size: int, unknowns: Unknowns | None = None, draws: int = 1
) -> Iterator[Worlds]:
    """Weighted samples for every case of the axes behind the bar; without `unknowns` (of so many draws) each
    world draws its own."""
    behind = [s for s in question.slots if s.place != "target"]
    cases = {s.axis: question.model.object(s.variable) for s in behind if s.axis and s.axis in dict(question.axes)}
    state = torch.get_rng_state()
    for at in itertools.product(*(x.values or () for x in cases.values())):
        torch.set_rng_state(state)  # the same random numbers for every case: contrasts of cases are less noisy
        yield _worlds(program, question, dict(zip(cases, at, strict=True)), size, draws, unknowns)


def _worlds(
    program: PyroProgram, question: Question, case: Mapping[str, str], size: int, draws: int, unknowns: Unknowns | None
) -> Worlds:
    inputs: dict[str, Tensor] = {}
    seen: dict[str, Tensor] = {}
    for s in question.slots:
        x = question.model.object(s.variable)
        if s.place in ("opened", "told"):
            inputs[_wire(s)] = torch.tensor(_position(x, case[s.axis or s.variable]))
        elif s.place == "given" and (value := _said(s, question, case)) is not None:
            seen[s.variable] = torch.tensor(as_float(value) if x.space else _position(x, value))
    for t in question.query.given:
        x = question.model.object(t.variable)
        if x.space and t.values is not None and not t.bounds:
            seen[t.variable] = torch.tensor(as_float(t.values[0]), dtype=torch.float64)
    with pyro.poutine.trace() as trace, pyro.plate("draws", draws, dim=-2), pyro.plate("worlds", size, dim=-1):
        known = program.unknowns() if unknowns is None else unknowns
        found = program.variables(known, {n: v for n, v in seen.items() if n in question.model.mechanisms}, inputs)
    values = {n: v.expand(draws, size) for n, v in found.items()}
    weights, order = torch.zeros(draws, size, dtype=torch.float64), torch.zeros(draws, size)
    for name in seen:
        site = trace.trace.nodes.get(name)
        if site is None:
            continue
        weights = weights + log_probability(site["fn"], site["value"])
        order = order + _order(site["fn"], site["value"], bool(question.model.object(name).space))
    for s in question.slots:
        if s.place == "given" and s.variable not in seen:
            weights = torch.where(_event(s, question, case, values), weights, -torch.inf)
    for t in question.query.given:
        if t.bounds:
            weights = torch.where(within(t, values[t.variable]), weights, -torch.inf)
    possible = torch.where(weights > -torch.inf, order, torch.inf)
    weights = torch.where(order > possible.amin(-1, keepdim=True), -torch.inf, weights)
    return Worlds(case, values, weights, float(possible.min()))


def _order(fn: Any, value: Tensor, number: bool) -> Tensor:
    """How many densities are in the weight of a site."""
    base: Any = fn
    while isinstance(base, torch.distributions.Independent) or type(base).__name__ == "ExpandedDistribution":
        base = base.base_dist
    if isinstance(base, Cases):
        return base.order(value.expand(base.batch_shape) if value.dim() < len(base.batch_shape) else value)
    continuous = number and not is_point(fn) and not getattr(getattr(base, "support", None), "is_discrete", False)
    return torch.tensor(float(continuous))


def _said(s: Slot, question: Question, case: Mapping[str, str]) -> str | None:
    """The one value that a variable is seen to have."""
    if s.axis is not None:
        return case.get(s.axis)
    return s.values[0] if s.values is not None and len(s.values) == 1 else None


def _event(s: Slot, question: Question, case: Mapping[str, str], values: Values) -> Tensor:
    x = question.model.object(s.variable)
    if x.space or s.values is None:
        return torch.tensor(True)
    positions = torch.tensor([_position(x, v) for v in s.values])
    return torch.isin(values[s.variable], positions)


def within(t: Term, value: Tensor) -> Tensor:
    """Whether numbers stand in the relations that a term says."""
    relations = {"<": torch.lt, "<=": torch.le, ">": torch.gt, ">=": torch.ge, "==": torch.eq, "!=": torch.ne}
    found = torch.ones_like(value, dtype=torch.bool)
    for op, bound in t.bounds:
        found = found & relations["==" if op == "=" else op](value, float(bound))
    return found


def indicator(question: Question, w: Worlds) -> Iterator[tuple[Mapping[str, str], Tensor]]:
    """For every case of the finite axes in front of the bar, what each world adds to the numerator (before weights)."""
    targets = question.query.targets
    axes: dict[str, Object] = {}
    for t in targets:
        x = question.model.object(t.variable)
        if t.free and not x.space and t.axis_name not in w.case and not question.query.expectation:
            axes.setdefault(t.axis_name, x)
    for at in itertools.product(*(x.values or () for x in axes.values())):
        case = {**w.case, **dict(zip(axes, at, strict=True))}
        found = torch.ones_like(w.log_weights)
        for t in targets:
            found = found * _target(t, question, case, w.values[t.variable])
        yield dict(zip(axes, at, strict=True)), found


def _target(t: Term, question: Question, case: Mapping[str, str], value: Tensor) -> Tensor:
    x = question.model.object(t.variable)
    if question.query.expectation:
        return value.double() if x.space else torch.tensor([as_float(v) for v in x.values or ()]).double()[value]
    if t.bounds:
        return within(t, value).double()
    if x.space:
        return torch.ones_like(value) if t.values is None else (value == as_float(t.values[0])).double()
    wanted = (case[t.axis_name],) if t.free else t.values or ()
    return torch.isin(value, torch.tensor([_position(x, v) for v in wanted])).double()
