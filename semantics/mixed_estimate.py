"""Estimands over the reals: their boxes are conditionals of the Gaussian that data, or a model, have.

An estimand is a causal model whose boxes are conditionals of what is given (`strings.estimand`). Here a conditional is
a regression: mean and variance of its target are fitted to the data by least squares, for all values of the finite
variables it is given, which is the conditional of the maximum-likelihood Gaussian; of a model with numbers it is the
exact conditional. The question is then asked of the estimand as of any conditional Gaussian model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from semantics.dataset import Dataset
from semantics.estimate import axes_of
from semantics.evaluate import Grid
from semantics.gaussian import Gaussian, zeros
from semantics.kernel import Kernel, Table, Tables, size
from semantics.linear import Cells, fit_linear
from semantics.mixed import Gauss, LinearBox, MixedKernel, Values, finite
from semantics.mixed_answer import Found, answer_mixed
from semantics.mixture import PLAIN, Scalars
from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.estimand import Conditional, Estimand, Given
from strings.identification import Identified
from strings.model import CausalModel
from strings.signature import Ty
from strings.surgery import Cut, Open, operate


class Conditionals(Protocol):
    """Something that tells conditionals of the distributions that are given."""

    @property
    def exact(self) -> bool:
        """Whether they are in fractions."""

    @property
    def scalars(self) -> Scalars:
        """The numbers that they are in."""

    def conditional(self, c: Conditional) -> LinearBox | Table:
        """A conditional of a given distribution: from what is fed, and then what it is given."""


@dataclass(frozen=True)
class DataConditionals:
    """Conditionals fitted to data, one data set for each given distribution."""

    data: tuple[Dataset, ...]
    exact: bool
    scalars: Scalars = PLAIN

    def conditional(self, c: Conditional) -> LinearBox | Kernel:
        assert isinstance(c.of, int)
        data = self.data[c.of]
        ports = (*c.fed, *c.given)
        for x in (*ports, c.target):
            data.position(x.name)
        if c.target.space:
            return fit_linear(data, c.box, self.exact, lazy=True)
        _refuse_real(c)
        known = data.aligned({x.name: x.values or () for x in (*ports, c.target)})
        found = known.conditional(c.target.name, [x.name for x in ports])
        kernel = Kernel(ports, (c.target,), found.array)
        return kernel if self.exact else Kernel(ports, (c.target,), kernel.as_float().array)


@dataclass(frozen=True)
class ModelConditionals:
    """Conditionals of a model whose boxes have numbers."""

    model: CausalModel
    gauss: Gauss
    given: tuple[Given, ...] = ()

    @property
    def exact(self) -> bool:
        return self.gauss.exact

    @property
    def scalars(self) -> Scalars:
        return self.gauss.scalars

    def conditional(self, c: Conditional) -> LinearBox | Table:
        idle = [x.name for x in c.idle]
        operated = operate(self.model, *(Cut(n) for n in idle), *(Open(x.name) for x in c.fed))
        gauss = replace(self.gauss, idle=frozenset(idle))
        names = [*(x.name for x in c.given), c.target.name]
        return conditional_of(gauss.contract(operated.state(names, [x.name for x in c.fed])), c)


def gauss_of(estimand: Estimand, source: Conditionals) -> Gauss:
    """The boxes of an estimand. Uniform states stand only where nothing depends on them."""
    tables: dict[str, Table] = {}
    linear: dict[str, LinearBox] = {}
    for name, c in estimand.conditionals.items():
        if isinstance(c.of, Estimand):
            inner = gauss_of(c.of, source)
            names = [*(x.name for x in c.given), c.target.name]
            found = conditional_of(inner.contract(c.of.model.state(names, [x.name for x in c.fed])), c)
        else:
            found = source.conditional(c)
        if isinstance(found, LinearBox):
            linear[name] = found
        else:
            tables[name] = found
    return Gauss(tables, linear, source.exact, frozenset(estimand.model.names), source.scalars)


def conditional_of(kernel: MixedKernel, c: Conditional) -> LinearBox | Table:
    """A conditional of a kernel from what is fed to what is given and the target.

    Raises:
        QueryError: G006 if it is a mixture, or a finite target hears a real variable.
    """
    if c.target.space:
        return LinearBox((*c.fed, *c.given), c.target, Cells(lambda at: _regression(kernel, c, at)))
    _refuse_real(c)
    dom = (*c.fed, *c.given)
    array = zeros(tuple(size(x) for x in (*dom, c.target)), _exact(kernel))
    for fed, components in kernel.cells.items():
        for a in components:
            array[(*fed, *a.values)] += a.weight
    total = array.sum(axis=-1, keepdims=True)
    if (total == 0).any():
        raise _undetermined(c, dom, tuple(np.argwhere(total[..., 0] == 0)[0]))
    return Table(dom, (c.target,), array / total)


def _regression(kernel: MixedKernel, c: Conditional, at: Values) -> Gaussian:
    """The conditional at some values of the finite variables that are fed and given."""
    n = len(finite(c.fed))
    fed, given = at[:n], at[n:]
    parts = [a for a in kernel.cells[fed] if a.values == given]
    if not parts:
        raise _undetermined(c, finite((*c.fed, *c.given)), at)
    first = parts[0].gaussian
    if not all(p.gaussian.equals(first, 0.0 if first.exact else 1e-9) for p in parts[1:]):
        raise QueryError(
            Diagnostic(
                "G006",
                f"{c.name} is a mixture of normal distributions, not one",
                notes=("some finite variable that it depends on is not among what it is given",),
                help=("estimate from data of all variables with finitely many values",),
            )
        )
    reals = [x.name for x in c.given if x.space]
    found, determined = first.conditional(range(len(reals)))
    if determined:
        odd = reals[determined[0]]
        why = "does not vary" if first.covariance[determined[0], determined[0]] == 0 else "is determined by the others"
        raise ZeroProbabilityError(
            Diagnostic(
                "Q002",
                f"{c.name} is undetermined: `{odd}` {why}",
                notes=("other values of it have probability zero; Cutwire does not invent an answer",),
            )
        )
    return found


def _exact(kernel: MixedKernel) -> bool:
    return not any(isinstance(a.weight, float) for cell in kernel.cells.values() for a in cell)


def _refuse_real(c: Conditional) -> None:
    heard = next((x for x in (*c.fed, *c.given) if x.space), None)
    if heard is not None:
        raise QueryError(
            Diagnostic(
                "G006",
                f"the estimand needs {c.name}: `{c.target.name}` has finitely many values and depends on the real "
                f"variable `{heard.name}`",
                notes=("a regression with normal noise does not give such a conditional",),
                help=("declare the variable `real`, or make the other one finite",),
            )
        )


def _undetermined(c: Conditional, ports: Ty, at: Sequence[int]) -> ZeroProbabilityError:
    case = ", ".join(f"{x.name} = {(x.values or ())[i]}" for x, i in zip(ports, at, strict=True))
    return ZeroProbabilityError(
        Diagnostic(
            "Q002",
            f"`{case}` has probability zero",
            notes=(f"the estimand needs {c.name} there, which is undetermined; Cutwire does not invent a column",),
        )
    )


def estimate_mixed(found: Identified, source: Conditionals, policies: Gauss | None = None) -> Found:
    """The answer to a question by an estimand; `policies` has the boxes that its surgeries put in.

    Raises:
        QueryError: E006 if data lack a variable, G005 if they do not determine a regression, G006 for a conditional
            that is none, and whatever `answer_mixed` raises.
    """
    own = gauss_of(found.estimand, source)
    if policies is not None:
        tables: Tables = {**policies.tables, **own.tables}
        own = replace(own, tables=tables, linear={**policies.linear, **own.linear})
    answer = answer_mixed(found.estimand.model, own, found.query)
    if not isinstance(answer, Grid):
        return answer
    order = [n for n in axes_of(found.asked) if n in answer.variables]
    order += [n for n in answer.variables if n not in order]
    at = [answer.variables.index(n) for n in order]
    return Grid(tuple(order), np.transpose(answer.array, at), tuple(answer.values[k] for k in at))
