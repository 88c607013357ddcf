"""Compile a causal model into a Pyro program: a site for each variable, under the variable's name.

A functor in the sense of the paper: each box becomes a line of the program, wires become Python variables, so surgery
on the diagram is surgery on the program. Nothing here knows of data or questions.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro.ops.indexing import Vindex
from torch import Tensor

from semantics.pyro.algebra import TorchAlgebra, Truncated, drawn, flattened, is_point, of_family, tensor
from semantics.pyro.boxes import BoxMeaning, Drawn, Foreign, Tabled, Unknown, as_float
from semantics.pyro.foreign import as_distribution
from strings.diagnostic import Diagnostic, QueryError
from strings.expression import Body, Choice, Draw, Expression, ParameterDef, draws_of, fold_expression, parameters_in
from strings.model import CausalModel
from strings.signature import Box, Object
from strings.surgery import is_told

Values = Mapping[str, Tensor]


@dataclass(frozen=True)
class Unknowns:
    """The numbers that a program leaves open, drawn or given: parameters by name, tables by box."""

    parameters: Values
    tables: Values


@dataclass(frozen=True, eq=False)
class PyroProgram:
    """A causal model as a Pyro program: calling it runs it.

    Sites are named by variables; finite variables are the positions of their values. A parameter without a value is a
    site of its own name, an unknown table one of the name `BOX.table`. `names` are the variables that there are sites
    for, in an order in which each stands behind those that it hears.
    """

    model: CausalModel
    boxes: Mapping[str, BoxMeaning]
    parameters: Mapping[str, ParameterDef]
    names: tuple[str, ...]

    def __call__(self, data: Mapping[str, Any] | None = None, size: int | None = None) -> dict[str, Tensor]:
        """Run the program, once or for `size` rows side by side, and give the values of all variables.

        `data` has tensors for variables that are observed, one number for each row.
        """
        seen = {n: self.as_tensor(n, v) for n, v in (data or {}).items()}
        if size is None and any(v.dim() for v in seen.values()):
            size = max(v.shape[-1] for v in seen.values() if v.dim())
        unknowns = self.unknowns()
        with pyro.plate("rows", size, dim=-1) if size is not None else contextlib.nullcontext():
            return self.variables(unknowns, seen)

    def as_tensor(self, name: str, value: Any) -> Tensor:
        """Data of a variable as a tensor of the type that its site has."""
        dtype = torch.float64 if self.model.object(name).space else torch.long
        return torch.as_tensor(value).to(dtype)

    def limited_to(self, names: Sequence[str]) -> PyroProgram:
        """The program with sites only for some variables and what they depend on."""
        needed = self.model.ancestors(names)
        return PyroProgram(self.model, self.boxes, self.parameters, tuple(n for n in self.model.order if n in needed))

    # ---- what is not known -------------------------------------------------------------------------------------------

    @property
    def used_boxes(self) -> dict[str, Box]:
        """The boxes that the sites need, by name."""
        mechanisms = [self.model.mechanisms[n] for n in self.names if n in self.model.mechanisms]
        return {n.box.name: n.box for m in mechanisms for n in m.diagram.nodes if n.box.kind == "box"}

    @property
    def open_parameters(self) -> tuple[str, ...]:
        """The parameters that the sites need and that have no value."""
        bodies = [b for n in self.used_boxes if isinstance(d := self.boxes.get(n), Drawn) for b in d.bodies]
        named = {p for body in bodies for p in parameters_in(body)}
        return tuple(n for n, p in self.parameters.items() if n in named and p.value is None)

    @property
    def open_tables(self) -> tuple[str, ...]:
        """The boxes that the sites need and whose tables are not known."""
        return tuple(n for n in self.used_boxes if isinstance(self.boxes.get(n), Unknown))

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """The neural networks among the mechanisms, by box."""
        found = {n: d.function for n in self.used_boxes if isinstance(d := self.boxes.get(n), Foreign)}
        return {n: f for n, f in found.items() if isinstance(f, torch.nn.Module)}

    def parameter_site(self, name: str) -> str:
        """The name of a parameter's site."""
        return f"param {name}" if self.model.has(name) else name

    @staticmethod
    def table_site(box: str) -> str:
        """The name of an unknown table's site."""
        return f"{box}.table"

    def unknowns(self) -> Unknowns:
        """Draw what is not known from its prior, at sites of its own.

        Raises:
            QueryError: S004 for a parameter with neither value nor prior.
        """
        parameters = {n: pyro.sample(self.parameter_site(n), self.prior(n)) for n in self.open_parameters}
        tables = {n: pyro.sample(self.table_site(n), self._table_prior(n)) for n in self.open_tables}
        return Unknowns(parameters, tables)

    def prior(self, name: str) -> Any:
        """The prior of a parameter; S004 if it has none."""
        p = self.parameters[name]
        if p.density is None:
            raise QueryError(
                Diagnostic(
                    "S004",
                    f"the parameter `{name}` has neither a value nor a prior",
                    help=(
                        f"give it a prior: `param {name} ~ normal(0, 1)`",
                        f"or a value: `param {name} = 1`, --set {name}=1, or model.with_parameters({name}=…)",
                    ),
                )
            )
        args = [fold_expression(a, TorchAlgebra(), self._no_name, self._no_name) for a in p.density.args]
        base = of_family(p.density.family, args, name)
        if p.prior is None or (p.low is None and p.high is None):
            return base
        return Truncated(base, *(None if b is None else float(b) for b in (p.low, p.high)))

    def _no_name(self, name: object) -> Tensor:
        raise AssertionError(f"a prior names {name}")

    def _table_prior(self, box: str) -> Any:
        unknown = self.boxes[box]
        assert isinstance(unknown, Unknown)
        concentration = torch.tensor(np.asarray(unknown.concentration, dtype=np.float64))
        return dist.Dirichlet(concentration).to_event(concentration.dim() - 1)

    # ---- what happens ------------------------------------------------------------------------------------------------

    def variables(
        self, unknowns: Unknowns, seen: Values | None = None, inputs: Values | None = None, exact: bool = False
    ) -> dict[str, Tensor]:
        """Run the sites of the variables, given what is not known; those `seen` are observed.

        `inputs` are the values of inputs of an open model and of values told on single wires, by name. With `exact`
        sharp finite boxes are sites with probabilities 0 and 1, so that enumeration gives each a dimension of its own.
        """
        for name, module in self.modules.items():
            pyro.module(name, module)
        run = _Run(self, unknowns, seen or {}, inputs or {}, exact)
        for name in self.names:
            run.variable(name)
        return run.values


class _Run:
    """One run of a program: the values of variables so far."""

    def __init__(self, program: PyroProgram, unknowns: Unknowns, seen: Values, inputs: Values, exact: bool) -> None:
        self.program, self.unknowns, self.seen, self.inputs, self.exact = program, unknowns, seen, inputs, exact
        self.values: dict[str, Tensor] = {}

    def variable(self, name: str) -> None:
        """Run the boxes of a variable's mechanism; the last one is the variable's site."""
        model = self.program.model
        if name not in model.mechanisms:
            if name not in self.inputs:
                message, help_ = f"no box produces `{name}`", f"set it: `do({name} := …)`"
                raise QueryError(Diagnostic("M004", message, help=(help_,)))
            self.values[name] = self.inputs[name]
            return
        m = model.mechanisms[name]
        used = m.diagram.used_inputs()
        wires = {k: self.values[p] for k, (p, u) in enumerate(zip(m.parents, used, strict=True)) if u}
        (out,) = m.diagram.outs
        for first, node in zip(m.diagram.first_wires, m.diagram.nodes, strict=True):
            site = name if first == out else f"{name} <- {node.box.name}"
            wires[first] = self._site(site, node.box, [wires[a] for a in node.args], first == out)
        if out < len(m.diagram.dom):
            wires[out] = self._sharp(name, wires[out], model.object(name), True)
        self.values[name] = wires[out]

    def _site(self, site: str, b: Box, args: Sequence[Tensor], named: bool) -> Tensor:
        (x,) = b.cod
        match b.kind:
            case "point":
                value = as_float(b.value or "") if x.space else (x.values or ()).index(b.value or "")
                return self._sharp(site, torch.tensor(value, dtype=_dtype(x)), x, named)
            case "uniform":
                if not x.values:
                    raise no_uniform(x)
                return self._sampled(site, dist.Categorical(logits=torch.zeros(len(x.values)).double()), x, named)
        if is_told(b.name):
            return self.inputs[b.name]
        if b.name not in self.program.boxes:
            raise QueryError(
                Diagnostic(
                    "Q001",
                    "this question needs numbers, but a box has none",
                    notes=(f"box `{b.name}` ({b}) has no numbers",),
                    help=(f"give it numbers: `box {b} = …`", f'or a mechanism: model.with_mechanism("{b.name}", …)'),
                )
            )
        found = self._meaning(b, self.program.boxes[b.name], list(args))
        if isinstance(found, Tensor):
            return self._sharp(site, found, x, named)
        if x.space and is_point(found) and not (named and site in self.seen):
            return self._sharp(site, found.mean, x, named)
        if not x.space and b.deterministic and not self.exact and not (named and site in self.seen):
            return self._sharp(site, found.logits.argmax(-1), x, named)
        return self._sampled(site, found, x, named)

    def _sharp(self, site: str, value: Tensor, x: Object, named: bool) -> Tensor:
        """A value without chance: a deterministic site, unless it is observed, or enumerated."""
        value = value.to(_dtype(x))
        if named and site in self.seen:
            return self._sampled(site, dist.Delta(value) if x.space else _certain(value, x), x, named)
        if self.exact and not x.space:
            return self._sampled(site, _certain(value, x), x, named)
        found: Tensor = pyro.deterministic(site, value)
        return found.to(_dtype(x))

    def _sampled(self, site: str, d: Any, x: Object, named: bool) -> Tensor:
        observed = self.seen.get(site) if named else None
        infer = {"enumerate": "parallel"} if not x.space and observed is None else {}
        found: Tensor = pyro.sample(site, d, obs=observed, infer=infer)
        return found.to(_dtype(x))

    def _meaning(self, b: Box, meaning: BoxMeaning, args: list[Tensor]) -> Any:
        """The distribution of a box's output for the numbers on its inputs; of finite ones a categorical."""
        (x,) = b.cod
        match meaning:
            case Tabled(array):
                return _row(torch.tensor(np.asarray(array, dtype=np.float64)), args)
            case Unknown():
                return _row(self.unknowns.tables[b.name], args)
            case Foreign(function):
                return as_distribution(function, b, args)
            case Drawn(bodies):
                return self._drawn(b, bodies, args) if x.space else self._finite(b, bodies, args)

    def _evaluator(self, args: Sequence[Tensor]) -> Callable[[Expression], Tensor]:
        parameters = self.program.parameters

        def parameter(name: str) -> Tensor:
            given = self.unknowns.parameters.get(name)
            if given is not None:
                return given
            value = parameters[name].value
            assert value is not None
            return tensor(float(value.value))

        return lambda e: fold_expression(e, TorchAlgebra(), parameter, lambda port: args[port])

    def _drawn(self, b: Box, bodies: Sequence[Body], args: Sequence[Tensor]) -> Any:
        """The distribution of a number: the body of the case that the finite inputs are in."""
        evaluate = self._evaluator(args)
        where = _places(b, args)
        cases = [
            c for k, body in enumerate(bodies) for c in flattened(body, evaluate, None if where is None else where == k)
        ]
        return drawn(cases, evaluate, b.name)

    def _finite(self, b: Box, bodies: Sequence[Body], args: Sequence[Tensor]) -> Any:
        """The categorical distribution of a finite output."""
        evaluate = self._evaluator(args)
        rows = [_probabilities(body, evaluate) for body in bodies]
        where = _places(b, args)
        table = rows[-1]
        if where is not None:
            for k, row in reversed(list(enumerate(rows[:-1]))):
                table = torch.where((where == k)[..., None], row, table)
        low, total = float(table.detach().min()), table.detach().sum(-1)
        if low < -1e-9 or float((total - 1).abs().max()) > 1e-6:
            notes = ("one is negative",) if low < -1e-9 else (f"they sum to {float(total.reshape(-1)[0]):g}",)
            message = f"the numbers of box `{b.name}` are no probabilities"
            if torch.is_grad_enabled():  # on the way of an inference: nothing to stop for
                return _categorical(table.clamp(min=1e-12) / table.clamp(min=1e-12).sum(-1, keepdim=True))
            raise QueryError(Diagnostic("Q014", message, notes=notes))
        return _categorical(table.clamp(min=0))


def _probabilities(body: Body, evaluate: Callable[[Expression], Tensor]) -> Tensor:
    match body:
        case Draw(_, args):
            return torch.stack(torch.broadcast_tensors(*(evaluate(a) for a in args)), -1)
        case Choice(condition, then, otherwise):
            holds = evaluate(condition).bool()[..., None]
            return torch.where(holds, _probabilities(then, evaluate), _probabilities(otherwise, evaluate))


def _places(b: Box, args: Sequence[Tensor]) -> Tensor | None:
    """Which combination of values the finite inputs have; nothing if there are none."""
    found: Tensor | None = None
    for x, a in zip(b.dom, args, strict=True):
        if not x.space:
            found = a if found is None else found * len(x.values or ()) + a
    return found


def _row(table: Tensor, args: Sequence[Tensor]) -> Any:
    """The categorical distribution in the rows of a table that the inputs say."""
    return _categorical(Vindex(table)[(..., *args, slice(None))] if args else table)


def _categorical(probabilities: Tensor) -> Any:
    """By logarithms: torch would lift probabilities of zero a little."""
    return dist.Categorical(logits=probabilities.log())


def _certain(value: Tensor, x: Object) -> Any:
    """The distribution that is sharp at a finite value."""
    return _categorical(torch.nn.functional.one_hot(value, len(x.values or ())).double())


def _dtype(x: Object) -> torch.dtype:
    return torch.float64 if x.space else torch.long


def no_uniform(x: Object) -> QueryError:
    """Q013: a cut puts in a uniform state, and there is none on numbers without end."""
    return QueryError(
        Diagnostic(
            "Q013",
            f"`{x.name}` is {x.space}: it has no uniform state to cut to",
            help=(f"say what takes its place: `do({x.name} ~ normal(0, 1))`, or `do({x.name} := 0)`",),
        )
    )


def is_sharp(meaning: BoxMeaning) -> bool:
    """Whether a box of formulas on numbers is without chance."""
    return isinstance(meaning, Drawn) and all(d.family == "point" for body in meaning.bodies for d in draws_of(body))


def cells(meaning: BoxMeaning) -> int:
    """How many numbers a table has."""
    match meaning:
        case Tabled(array) | Unknown(array):
            return math.prod(array.shape)
        case _:
            return 0
