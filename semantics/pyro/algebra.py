"""Expressions and families of distributions in torch, for whole batches of worlds at once.

>>> import torch
>>> from fractions import Fraction
>>> from strings.expression import Apply, Constant, Input, fold_expression
>>> e = Apply("+", (Apply("^", (Input(0), Constant(Fraction(2)))), Constant(Fraction(1))))
>>> fold_expression(e, TorchAlgebra(), lambda name: torch.tensor(0.0), lambda port: torch.tensor([1.0, 2.0])).tolist()
[2.0, 5.0]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyro.distributions as dist
import torch
from torch import Tensor
from torch.distributions import biject_to, constraints

from strings.diagnostic import Diagnostic, QueryError
from strings.expression import Body, Choice, Constant, Draw, Expression

Evaluate = Callable[[Expression], Tensor]
"""The numbers that an expression stands for."""


def tensor(value: float) -> Tensor:
    """One number, in float64."""
    return torch.tensor(value, dtype=torch.float64)


class TorchAlgebra:
    """Tensors of float64; truth values are tensors of bool."""

    _FUNCTIONS: Mapping[str, Callable[..., Any]] = {
        "exp": torch.exp,
        "log": torch.log,
        "sqrt": torch.sqrt,
        "abs": torch.abs,
        "logistic": torch.sigmoid,
        "logit": torch.logit,
        "sin": torch.sin,
        "cos": torch.cos,
        "tanh": torch.tanh,
        "min": torch.minimum,
        "max": torch.maximum,
        "+": torch.add,
        "-": torch.sub,
        "*": torch.mul,
        "/": torch.div,
        "^": torch.pow,
        "neg": torch.neg,
        "==": torch.eq,
        "!=": torch.ne,
        "<": torch.lt,
        "<=": torch.le,
        ">": torch.gt,
        ">=": torch.ge,
        "and": torch.logical_and,
        "or": torch.logical_or,
        "xor": torch.logical_xor,
        "not": torch.logical_not,
    }

    def constant(self, c: Constant) -> Tensor:
        return tensor(float(c.value))

    def apply(self, op: str, args: tuple[Tensor, ...]) -> Tensor:
        if op == "if":
            return torch.where(args[0].bool(), args[1], args[2])
        found: Tensor = self._FUNCTIONS[op](*args)
        return found


_FAMILIES: Mapping[str, Callable[..., Any]] = {
    "normal": dist.Normal,
    "lognormal": dist.LogNormal,
    "student_t": dist.StudentT,
    "laplace": dist.Laplace,
    "uniform": dist.Uniform,
    "exponential": dist.Exponential,
    "gamma": dist.Gamma,
    "beta": dist.Beta,
    "poisson": dist.Poisson,
    "geometric": dist.Geometric,
    "binomial": lambda n, p: dist.Binomial(total_count=n, probs=p),
    "point": dist.Delta,
}


def of_family(family: str, args: Sequence[Tensor], name: str) -> Any:
    """The distribution of a family with these arguments, for the box or parameter `name`.

    Raises:
        QueryError: Q014 for arguments that it cannot have.
    """
    try:
        return _FAMILIES[family](*torch.broadcast_tensors(*args))
    except ValueError as e:
        shown = ", ".join(_range(a) for a in args)
        raise QueryError(
            Diagnostic(
                "Q014",
                f"`{name}` asks for a distribution that there is not: {family}({shown})",
                notes=(str(e).partition("(")[0].strip().replace("Expected parameter", "outside its domain:"),),
            )
        ) from None


def _range(a: Tensor) -> str:
    """The values of an argument in short."""
    flat = a.detach().reshape(-1)
    low, high = float(flat.min()), float(flat.max())
    return f"{low:g}" if low == high or flat.numel() == 1 else f"{low:g} to {high:g}"


def drawn(cases: Sequence[tuple[Tensor | None, Draw]], evaluate: Evaluate, name: str) -> Any:
    """The distribution on numbers that is the draw of the first case whose condition holds (the last case: always)."""
    families = {d.family for _, d in cases}
    if len(families) == 1:
        columns = [[evaluate(a) for a in d.args] for _, d in cases]
        args = columns[-1]
        for (where, _), column in zip(reversed(cases[:-1]), reversed(columns[:-1]), strict=True):
            args = [torch.where(_condition(where), a, b) for a, b in zip(column, args, strict=True)]
        return of_family(cases[0][1].family, args, name)
    parts = [of_family(d.family, [evaluate(a) for a in d.args], name) for _, d in cases]
    which = torch.tensor(len(cases) - 1)
    for k in reversed(range(len(cases) - 1)):
        which = torch.where(_condition(cases[k][0]), torch.tensor(k), which)
    return Cases(parts, which)


def _condition(where: Tensor | None) -> Tensor:
    return torch.tensor(True) if where is None else where


def flattened(body: Body, evaluate: Evaluate, where: Tensor | None = None) -> list[tuple[Tensor | None, Draw]]:
    """The draws of a body, each with the condition under which it is the one; no condition: always."""
    match body:
        case Draw():
            return [(where, body)]
        case Choice(condition, then, otherwise):
            holds = evaluate(condition).bool()
            left, right = holds, ~holds
            if where is not None:
                left, right = where & left, where & right
            return [*flattened(then, evaluate, left), *flattened(otherwise, evaluate, right)]


class Cases(dist.TorchDistribution):  # type: ignore[misc]
    """In every place of the batch one of several distributions of numbers: the one that `which` says.

    Where points and densities meet, the density of a value counts only where no point is at it: see `order`.
    """

    arg_constraints: Mapping[str, Any] = {}

    def __init__(self, parts: Sequence[Any], which: Tensor) -> None:
        self.parts, self.which = list(parts), which
        shape = torch.broadcast_shapes(which.shape, *(p.batch_shape for p in parts))
        super().__init__(shape, torch.Size(), validate_args=False)

    @property
    def has_rsample(self) -> bool:
        return all(p.has_rsample for p in self.parts)

    @property
    def support(self) -> Any:
        supports = [p.support for p in self.parts if not is_point(p)]
        if supports and all(type(s) is type(supports[0]) for s in supports) and not supports[0].is_discrete:
            return supports[0]
        return constraints.real

    def expand(self, batch_shape: Any, _instance: Any = None) -> Cases:
        shape = torch.Size(batch_shape)
        return Cases([p.expand(shape) for p in self.parts], self.which.expand(shape))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with torch.no_grad():
            return self._chosen([p.expand(self.batch_shape).sample(sample_shape) for p in self.parts])

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._chosen([p.expand(self.batch_shape).rsample(sample_shape) for p in self.parts])

    def log_prob(self, value: Tensor) -> Tensor:
        return self._chosen([log_probability(p, value) for p in self.parts])

    def order(self, value: Tensor) -> Tensor:
        """1 where the value has a density, 0 where it has a probability."""
        return self._chosen([torch.tensor(0.0 if is_point(p) else 1.0).expand(value.shape) for p in self.parts])

    def _chosen(self, tensors: Sequence[Tensor]) -> Tensor:
        found = tensors[-1]
        for k, t in enumerate(tensors[:-1]):
            found = torch.where(self.which == k, t, found)
        return found


def log_probability(d: Any, value: Tensor) -> Tensor:
    """The logarithm of the density; minus infinity outside of the support, without gradients that are no numbers."""
    if is_point(d) or isinstance(d, Cases | Truncated | torch.distributions.Categorical):
        found: Tensor = d.log_prob(value)
        return found
    inside = d.support.check(value)
    if bool(inside.all()):
        found = d.log_prob(value)
        return found
    try:
        harmless = biject_to(d.support)(torch.zeros_like(value))
    except NotImplementedError:
        harmless = torch.zeros_like(value)
    return torch.where(inside, d.log_prob(torch.where(inside, value, harmless)), torch.tensor(-torch.inf))


def is_point(d: Any) -> bool:
    """Whether a distribution is a sharp value."""
    while isinstance(d, torch.distributions.Independent | dist.ExpandedDistribution):
        d = d.base_dist
    return isinstance(d, dist.Delta)


class Truncated(dist.TorchDistribution):  # type: ignore[misc]
    """A distribution of numbers, restricted to an interval; its density is left as it is, so it is not normalised.

    For priors, where the factor does not count.
    """

    arg_constraints: Mapping[str, Any] = {}

    def __init__(self, base: Any, low: float | None, high: float | None) -> None:
        self.base, self.low, self.high = base, low, high
        super().__init__(base.batch_shape, torch.Size(), validate_args=False)

    has_rsample = False

    @property
    def support(self) -> Any:
        match self.low, self.high:
            case None, None:
                return self.base.support
            case low, None:
                return constraints.greater_than_eq(low)
            case None, high:
                return constraints.less_than(high)
            case low, high:
                return constraints.interval(low, high)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Truncated:
        return Truncated(self.base.expand(torch.Size(batch_shape)), self.low, self.high)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with torch.no_grad():
            found: Tensor = self.base.sample(sample_shape)
            for _ in range(10_000):
                outside = ~self._inside(found)
                if not bool(outside.any()):
                    return found
                found = torch.where(outside, self.base.sample(sample_shape), found)
        raise QueryError(Diagnostic("S004", f"the prior {self.base} gives its interval hardly any probability"))

    def log_prob(self, value: Tensor) -> Tensor:
        return torch.where(self._inside(value), log_probability(self.base, value), torch.tensor(-torch.inf))

    def _inside(self, value: Tensor) -> Tensor:
        inside = torch.ones_like(value, dtype=torch.bool)
        if self.low is not None:
            inside = inside & (value >= self.low)
        if self.high is not None:
            inside = inside & (value <= self.high)
        return inside
