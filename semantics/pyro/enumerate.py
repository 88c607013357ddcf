"""Exact answers for finite variables: every site enumerated in parallel, and the factors contracted by Pyro.

The sites of a program stand on dimensions of their own (`pyro.poutine.enum`); `pyro.ops.einsum.contract` sums those out
that are not asked for, in log space, with variable elimination. It is how `TraceEnum_ELBO` computes its marginals,
here for any joint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pyro
import torch
from pyro.ops.einsum import contract
from torch import Tensor

from semantics.pyro.algebra import log_probability
from semantics.pyro.program import Unknowns, Values
from strings.model import CausalModel


class Run(Protocol):
    """A `PyroProgram`, or one under an effect handler."""

    @property
    def model(self) -> CausalModel:
        """The model that it is the program of."""

    def variables(
        self, unknowns: Unknowns, seen: Values | None = None, inputs: Values | None = None, exact: bool = False
    ) -> dict[str, Tensor]:
        """Run it, as `PyroProgram.variables`."""


def log_joint(
    program: Run,
    unknowns: Unknowns,
    kept: Sequence[str],
    seen: Values | None = None,
    inputs: Values | None = None,
    batch: int = 0,
    whole: bool = False,
) -> Tensor:
    """The logarithm of P(kept, seen), as a tensor: `batch` dimensions on the left, then one for each of `kept`.

    `batch` dimensions are those that unknowns and what is seen may have: over draws, over rows. Numbers that are not
    seen are drawn. With `whole`, sites that an effect handler has observed count, too.
    """
    with pyro.poutine.trace() as trace, pyro.poutine.enum(first_available_dim=-1 - batch):
        values = program.variables(unknowns, seen, inputs, exact=True)
    factors, dims = [], {}
    for name, site in trace.trace.nodes.items():
        if site["type"] != "sample" or site["infer"].get("_deterministic") or pyro.poutine.util.site_is_subsample(site):
            continue
        dim = site["infer"].get("_enumerate_dim")
        if dim is None and name not in (seen or {}) and not (whole and site["is_observed"]):
            continue  # drawn, or set by whoever runs this: it is for them to count it
        factors.append(log_probability(site["fn"], site["value"]))
        if dim is not None:
            dims[name] = dim
    if not dims and not kept:  # nothing to sum out
        shape = torch.broadcast_shapes((1,) * batch, *(f.shape for f in factors))
        return torch.stack([f.expand(shape) for f in factors]).sum(0) if factors else torch.zeros(shape).double()
    symbols = _Symbols(batch)
    terms = [symbols.packed(f) for f in factors]
    outs = []
    for name in kept:
        value = values[name]
        if name not in dims:  # an input that is given, along a dimension of its own
            dims[name] = next(d for d in range(-value.dim(), 0) if value.shape[d] > 1 or d == -value.dim())
        outs.append(dims[name])
        k = len(program.model.object(name).values or ())
        terms.append((symbols.at(dims[name]), torch.zeros(k, dtype=torch.float64)))
    batched = [-k for k in range(batch, 0, -1)]
    sizes = {d: max([f.shape[d] for f in factors if f.dim() >= -d], default=1) for d in batched}
    terms.extend((symbols.at(d), torch.zeros(sizes[d], dtype=torch.float64)) for d in batched if sizes[d] > 1)
    shown = [d for d in batched if sizes[d] > 1]
    equation = f"{','.join(t for t, _ in terms)}->{''.join(symbols.at(d) for d in [*shown, *outs])}"
    found = contract(equation, *(f for _, f in terms), backend="pyro.ops.einsum.torch_log")
    shape = [*(sizes[d] for d in batched), *(len(program.model.object(n).values or ()) for n in kept)]
    result: Tensor = found.reshape(shape)
    return result


class _Symbols:
    """A letter for each dimension."""

    def __init__(self, batch: int) -> None:
        self.batch = batch

    def at(self, dim: int) -> str:
        return chr(0x100 - dim)  # of Unicode, beyond the signs that equations are made of

    def packed(self, factor: Tensor) -> tuple[str, Any]:
        """A factor without its dimensions of length 1, and the letters of the others."""
        held = [d for d in range(-factor.dim(), 0) if factor.shape[d] > 1]
        return "".join(self.at(d) for d in held), factor.reshape([factor.shape[d] for d in held])
