"""Mechanisms in Python: functions and neural networks under a box's name, with their shapes checked."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any

import pyro.distributions as dist
import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Tensor

from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.signature import Box, Object


def as_distribution(function: Any, b: Box, args: Sequence[Tensor]) -> Any:
    """What a mechanism makes of its inputs: a distribution of the box's output, or a tensor if it is without chance.

    It gets one tensor for each port, all of one shape: numbers in floating point, finite values as their positions
    (whole numbers). A module gets numbers in the precision of its own weights.

    Raises:
        QueryError: S003 if it raises an error or gives something of another shape or kind than the box's output.
    """
    (x,) = b.cod
    args = list(torch.broadcast_tensors(*args)) if args else []
    shape = args[0].shape if args else torch.Size()
    if isinstance(function, torch.nn.Module):
        weights = next((p.dtype for p in function.parameters() if p.is_floating_point()), torch.float64)
        args = [a.to(weights) if a.is_floating_point() else a for a in args]
    try:
        found = function(*args)
    except CutwireError:
        raise
    except Exception as e:
        raise _refused(b, f"it raised {type(e).__name__}: {e}", shape) from e
    if isinstance(found, Tensor):
        return _tensor(found, b, x, shape)
    if not isinstance(found, torch.distributions.Distribution):
        wanted = "a distribution of torch or Pyro, or a tensor"
        raise _refused(b, f"it gave {type(found).__name__}; wanted is {wanted}", shape)
    if found.event_shape:
        raise _refused(b, f"its distribution is of {list(found.event_shape)} numbers at once; wanted is one", shape)
    _check_shape(found.batch_shape, b, shape, "a distribution of batch shape")
    found = _of_pyro(found).expand(torch.broadcast_shapes(found.batch_shape, shape))
    return found if x.space else _categorical(found, b, x, shape)


@functools.cache
def _class(plain: Any) -> Any:
    return type(plain.__name__, (plain, TorchDistributionMixin), {})


def _of_pyro(found: Any) -> Any:
    """A distribution of torch as one that Pyro can draw from."""
    if isinstance(found, TorchDistributionMixin):
        return found
    made = copy.copy(found)
    plain: Any = type(found)
    made.__class__ = _class(plain)
    return made


def _tensor(found: Tensor, b: Box, x: Object, shape: torch.Size) -> Tensor:
    _check_shape(found.shape, b, shape, "a tensor of shape")
    if not x.space:
        positions = found.detach()
        if not bool(((positions >= 0) & (positions < len(x.values or ())) & (positions == positions.round())).all()):
            raise _refused(b, f"its values are no positions 0 to {len(x.values or ()) - 1} of values", shape)
    return found.expand(torch.broadcast_shapes(found.shape, shape)).to(torch.float64 if x.space else torch.long)


def _categorical(found: Any, b: Box, x: Object, shape: torch.Size) -> Any:
    """A distribution on a finite variable, with logarithms in float64."""
    count = len(x.values or ())
    base = found
    while isinstance(base, torch.distributions.Independent | dist.ExpandedDistribution):
        base = base.base_dist
    if isinstance(base, torch.distributions.Bernoulli) and count == 2:
        yes = base.logits.double()
        logits = torch.stack([torch.nn.functional.logsigmoid(-yes), torch.nn.functional.logsigmoid(yes)], -1)
        return dist.Categorical(logits=logits).expand(found.batch_shape)
    if isinstance(base, torch.distributions.Categorical):
        if base.logits.shape[-1] != count:
            raise _refused(b, f"its distribution is on {base.logits.shape[-1]} values, `{x.name}` has {count}", shape)
        return dist.Categorical(logits=base.logits.double()).expand(found.batch_shape)
    raise _refused(b, f"it gave a {type(base).__name__}; `{x.name}` is finite and takes a Categorical", shape)


def _check_shape(found: torch.Size, b: Box, shape: torch.Size, what: str) -> None:
    try:
        fits = torch.broadcast_shapes(found, shape) == shape
    except RuntimeError:
        fits = False
    if not fits:
        raise _refused(b, f"it gave {what} {list(found)} for inputs of shape {list(shape)}", shape)


def _refused(b: Box, why: str, shape: torch.Size) -> QueryError:
    inputs = ", ".join(f"{x.name}: {'numbers' if x.space else 'positions of values'}" for x in b.dom)
    (x,) = b.cod
    wanted = "a distribution of numbers" if x.space else f"Categorical on {len(x.values or ())} values"
    help_ = ["return one number or distribution for each entry of the inputs: no dimension more, none less"]
    if why.endswith(f"for inputs of shape {list(shape)}"):
        help_.append("a network that ends in one unit gives a last dimension too many: `.squeeze(-1)`")
    return QueryError(
        Diagnostic(
            "S003",
            f"the mechanism of box `{b.name}` does not fit it",
            notes=(why, f"it is called with tensors ({inputs or 'none'}) and gives {wanted} for `{x.name}`"),
            help=tuple(help_),
        )
    )
