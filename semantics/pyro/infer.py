"""Inference from data: parameters and unknown tables given rows of the variables.

Every row is one run of the program, independent of the others given what is not known; finite variables that the rows
lack are summed out by enumeration. Four ways: in closed form where tables are conjugate, the no-U-turn sampler (Hoffman
and Gelman 2014), stochastic variational inference with a normal guide (Kucukelbir et al. 2017), and importance sampling
from the prior.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyro
import torch
from pyro.infer import MCMC, NUTS, SVI, Trace_ELBO
from pyro.infer.autoguide import AutoDelta, AutoNormal, init_to_median
from pyro.ops.stats import effective_sample_size, split_gelman_rubin
from torch import Tensor

from semantics.pyro.boxes import Unknown
from semantics.pyro.enumerate import log_joint
from semantics.pyro.program import PyroProgram, Unknowns
from semantics.records import Records
from strings.diagnostic import Diagnostic, QueryError

Draws = Mapping[str, npt.NDArray[np.float64]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Inferred:
    """Draws from a posterior, equally weighted: of parameters and of tables, by name; and how well it went."""

    parameters: Draws
    tables: Draws
    divergences: int | None = None
    effective: float | None = None
    losses: tuple[float, ...] = ()
    r_hat: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Task:
    """A program, the rows it is to explain, and what to tell how far one is."""

    program: PyroProgram
    data: Records
    progress: Progress

    @property
    def hidden(self) -> tuple[str, ...]:
        """The variables that the rows lack but depend on."""
        needed = self.program.limited_to(list(self.data.columns)).names
        return tuple(n for n in needed if n not in self.data.columns)

    @property
    def drawn(self) -> tuple[str, ...]:
        """Those of them that cannot be summed out: each row has a number of its own for them."""
        return tuple(n for n in self.hidden if self.program.model.object(n).space)

    def rows(self) -> Records:
        """The rows, equal ones added up where they need no numbers of their own.

        Raises:
            QueryError: S005 if rows count in parts and need numbers of their own.
        """
        if self.drawn:
            found = self.data.expanded()
            if found is None:
                message = f"rows of `{self.data.name}` count in parts, and {', '.join(self.drawn)} is not in them"
                raise QueryError(Diagnostic("S005", message, help=("use weights that are whole numbers",)))
            return found
        finite = all(not self.program.model.object(n).space for n in self.data.columns)
        return self.data.compressed() if finite else self.data

    def model(self) -> Callable[[], None]:
        """The Pyro model of the rows: unknowns, and a factor for the probability of all rows given them."""
        data = self.rows()
        observed = {n: self.program.as_tensor(n, c) for n, c in data.columns.items()}
        limited = self.program.limited_to(list(data.columns))
        weights = torch.ones(data.size).double() if data.weights is None else torch.tensor(data.weights)
        own = self.drawn

        def hidden(message: Any) -> bool:
            return bool(message["type"] == "sample" and message["name"] not in own and message["name"] != "rows")

        def run() -> None:
            unknowns = self.program.unknowns()
            with pyro.poutine.block(hide_fn=hidden), pyro.plate("rows", data.size, dim=-1):
                probabilities = log_joint(limited, unknowns, (), observed, batch=1)
            pyro.factor("data", (probabilities * weights).sum())

        return run

    def named(self, sites: Mapping[str, Tensor]) -> tuple[Draws, Draws]:
        """Draws at sites, as those of parameters and of tables."""
        p = self.program
        parameters = {n: sites[p.parameter_site(n)].detach().double().numpy() for n in p.open_parameters}
        return parameters, {n: sites[p.table_site(n)].detach().double().numpy() for n in p.open_tables}


# ---- in closed form --------------------------------------------------------------------------------------------------


def is_conjugate(task: Task) -> bool:
    """Whether the posterior is a product of Dirichlet distributions: nothing is open but tables, each is used by one
    box, and the rows have all its variables, or none that depend on it."""
    program, model = task.program, task.program.model
    if program.open_parameters:
        return False
    needed = program.limited_to(list(task.data.columns)).names
    for box in program.open_tables:
        users = [n for n, m in model.mechanisms.items() if any(node.box.name == box for node in m.diagram.nodes)]
        if len(users) != 1 or len(model.mechanisms[users[0]].diagram.nodes) != 1:
            return False
        family = (users[0], *model.mechanisms[users[0]].parents)
        if users[0] in needed and not all(n in task.data.columns for n in family):
            return False
    return True


def conjugate(task: Task, samples: int) -> Inferred:
    """Draws in closed form: the counts of the data are added to the concentrations."""
    tables = {}
    for box in task.program.open_tables:
        unknown = task.program.boxes[box]
        assert isinstance(unknown, Unknown)
        total = np.array(unknown.concentration, dtype=np.float64)
        variable, m = next(
            (n, m)
            for n, m in task.program.model.mechanisms.items()
            if m.diagram.nodes and m.diagram.nodes[0].box.name == box
        )
        if variable in task.data.columns:
            ports = [m.parents[a] for a in m.diagram.nodes[0].args]
            places = tuple(task.data.columns[n] for n in (*ports, variable))
            np.add.at(total, places, 1.0 if task.data.weights is None else task.data.weights)
        drawn = pyro.distributions.Dirichlet(torch.tensor(total)).sample((samples,))
        tables[box] = drawn.numpy()
    return Inferred({}, tables, effective=float(samples))


# ---- no-U-turn sampler -----------------------------------------------------------------------------------------------


def nuts(task: Task, samples: int, warmup: int, seed: int) -> Inferred:
    """Draws from the no-U-turn sampler, its step size and mass matrix adapted in the warm-up."""
    _only_continuous(task)
    total, done = samples + warmup, [0]

    def hook(*_: object) -> None:
        done[0] += 1
        task.progress(done[0], total)

    kernel = NUTS(task.model(), init_strategy=init_to_median(num_samples=15))
    chain = MCMC(kernel, num_samples=samples, warmup_steps=warmup, disable_progbar=True, hook_fn=hook)
    try:
        with pyro.validation_enabled(False):
            chain.run()
    except (ValueError, RuntimeError) as e:
        raise _failed("nuts", e) from None
    sites = chain.get_samples()
    parameters, tables = task.named(sites)
    r_hat, sizes = _diagnostics(sites)
    divergences = sum(len(v) for v in chain.diagnostics().get("divergences", {}).values())
    return Inferred(parameters, tables, divergences, min(sizes.values(), default=None), (), r_hat, sizes)


def _diagnostics(sites: Mapping[str, Tensor]) -> tuple[dict[str, float], dict[str, float]]:
    """Of every site the worst split R-hat (Gelman and others 2013) and effective sample size."""
    r_hat, sizes = {}, {}
    for name, drawn in sites.items():
        if drawn.shape[0] >= 4:
            chains = drawn.detach().double()[None]
            r_hat[name] = float(np.nanmax(split_gelman_rubin(chains).numpy(), initial=1.0))
            sizes[name] = float(np.nanmin(effective_sample_size(chains).numpy(), initial=float(drawn.shape[0])))
    return r_hat, sizes


def _only_continuous(task: Task) -> None:
    """S005 if there are counts to be drawn for each row: they have no gradient to follow."""
    counts = [n for n in task.drawn if task.program.model.object(n).space == "count"]
    if counts:
        message = f"`{counts[0]}` is count and not in the data: it cannot be summed out"
        raise QueryError(Diagnostic("S005", message, help=('take method="importance"', f"give data on `{counts[0]}`")))


def _failed(method: str, e: Exception) -> QueryError:
    reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
    notes = (reason[:300], "often the data lie where the model gives them no probability at all")
    return QueryError(Diagnostic("S006", f"the inference by {method} failed", notes=notes))


# ---- variational inference -------------------------------------------------------------------------------------------


def svi(task: Task, samples: int, steps: int, rate: float, point: bool = False) -> Inferred:
    """Draws from a normal guide that is fitted to the posterior, or with `point` its maximum; modules are trained by
    the way."""
    _only_continuous(task)
    model = task.model()
    guide = _guide(model, point)
    losses: list[float] = []
    decay = 0.1 ** (1 / max(steps, 1))
    try:
        with pyro.validation_enabled(False):
            optimiser = pyro.optim.ClippedAdam({"lr": rate, "lrd": decay})
            inference = SVI(model, guide, optimiser, Trace_ELBO())
            for step in range(steps):
                losses.append(float(inference.step()))
                if not np.isfinite(losses[-1]) and step > 10:
                    raise ValueError("the loss is no finite number")
                task.progress(step + 1, steps)
            with torch.no_grad():
                drawn = [_globals(task, guide) for _ in range(samples)]
    except (ValueError, RuntimeError) as e:
        raise _failed("svi", e) from None
    sites = {n: torch.stack([d[n] for d in drawn]) for n in drawn[0]} if drawn else {}
    parameters, tables = task.named(sites)
    return Inferred(parameters, tables, losses=tuple(losses))


def _guide(model: Callable[[], None], point: bool) -> Any:
    trace = pyro.poutine.trace(pyro.poutine.block(model, hide_fn=lambda m: m["type"] == "param")).get_trace()
    free = [
        n
        for n, site in trace.nodes.items()
        if site["type"] == "sample" and not site["is_observed"] and not pyro.poutine.util.site_is_subsample(site)
    ]
    if not free:  # nothing but modules to train
        return lambda: None
    return AutoDelta(model) if point else AutoNormal(model, init_loc_fn=init_to_median(num_samples=15))


def _globals(task: Task, guide: Any) -> dict[str, Tensor]:
    program = task.program
    names = [program.parameter_site(n) for n in program.open_parameters]
    names += [program.table_site(n) for n in program.open_tables]
    found = guide() or {}
    return {n: found[n].detach().clone() for n in names}


# ---- importance sampling ---------------------------------------------------------------------------------------------

_CELLS = 20_000_000  # of a tensor over draws and rows


def importance(task: Task, samples: int, particles: int) -> Inferred:
    """Draws from the prior, weighted by the probability of the data, and drawn anew by their weights."""
    data = task.rows()
    observed = {n: task.program.as_tensor(n, c) for n, c in data.columns.items()}
    limited = task.program.limited_to(list(data.columns))
    counts = torch.ones(data.size).double() if data.weights is None else torch.tensor(data.weights)
    portion = max(1, _CELLS // max(1, data.size * 4))
    parts, logs = [], []
    for start in range(0, particles, portion):
        size = min(portion, particles - start)
        with pyro.plate("draws", size, dim=-2), pyro.plate("one", 1, dim=-1):
            unknowns = task.program.unknowns()
        parts.append(unknowns)
        rows = _rows(limited, unknowns, observed, size, data.size)
        logs.append((rows * counts).sum(-1))
        task.progress(start + size, particles)
    log = torch.cat(logs)
    if not bool(torch.isfinite(log).any()):
        raise QueryError(
            Diagnostic(
                "S006", "no draw from the prior gives the data any probability", notes=("the prior rules them out",)
            )
        )
    weights = torch.exp(log - log.max())
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    at = torch.multinomial(weights, samples, replacement=True)

    def chosen(pick: Callable[[Unknowns], Mapping[str, Tensor]]) -> dict[str, npt.NDArray[np.float64]]:
        return {n: torch.cat([pick(u)[n][:, 0] for u in parts])[at].double().numpy() for n in pick(parts[0])}

    return Inferred(chosen(lambda u: u.parameters), chosen(lambda u: u.tables), effective=effective)


def _rows(program: PyroProgram, unknowns: Unknowns, observed: Mapping[str, Tensor], draws: int, rows: int) -> Tensor:
    """The logarithm of the probability of every row, for every draw; numbers that the rows lack are drawn once."""
    with pyro.plate("draws", draws, dim=-2), pyro.plate("rows", rows, dim=-1):
        found = log_joint(program, unknowns, (), observed, batch=2)
    return found.expand(draws, rows)
