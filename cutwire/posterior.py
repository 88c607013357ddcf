"""Learning from data with Pyro: posteriors of parameters, tables and questions; training of mechanisms."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from cutwire.evaluate import cached
from cutwire.evaluate import formula_value as value_of
from cutwire.progress import tell, working
from cutwire.sampled import short
from cutwire.sampling import exactly, prepared, program_of, require_pyro
from parser.program import Data, Definition, Dirichlet, Fit, Foreign, ModelDef, QueryStatement, Table
from semantics.data import Dataset
from semantics.distribution import Distribution
from semantics.html import answer_html
from semantics.records import Records, from_csv, from_dataset, from_frame
from semantics.weighting import no_sample
from strings.diagnostic import CutwireError, Diagnostic, QueryError, did_you_mean
from strings.expression import Constant
from strings.query import Query

if TYPE_CHECKING:
    from cutwire.model import Model
    from semantics.pyro.infer import Draws, Inferred, Task
    from semantics.pyro.program import PyroProgram, Unknowns

Method = Literal["exact", "nuts", "svi", "importance"]
METHODS: Mapping[str, str] = {
    "exact": "in closed form, where only tables are unknown and the data have all their variables",
    "nuts": "the no-U-turn sampler",
    "svi": "variational inference with a normal guide; trains networks, too",
    "importance": "draws from the prior, weighted by the data",
}

_DRAW = "(draw)"
_CELLS = 20_000_000
_WORLDS = 1000


# ---- data ------------------------------------------------------------------------------------------------------------


def records(model: Model, data: object) -> Records:
    """Data on the observed variables: of the model file by name, a data frame, a mapping of columns, a `Distribution`.

    Raises:
        QueryError: N002 for data that the file does not have.
        LanguageError: F003, F009, F010, F012 for what does not fit the variables.
    """
    objects = {n: model.shape.object(n) for n in model.variables}
    if isinstance(data, str) and data in model.definition.data:
        declared = model.definition.data[data]
        if any(objects[n].space for n in declared.variables):
            return _declared(model, declared)
    if isinstance(data, str):
        return from_dataset(model.dataset(data))
    if isinstance(data, Records):
        return data
    if isinstance(data, Dataset):
        return from_dataset(data.aligned({n: x.values for n, x in objects.items() if x.values}))
    if isinstance(data, Distribution):
        return from_dataset(model.as_dataset(data))
    found, warnings = from_frame(data, objects)
    for w in warnings:
        model.notice(w)
    return found


def _declared(model: Model, data: Data) -> Records:
    """Data of the file with numbers in them."""
    from semantics.records import from_columns

    objects = {n: model.shape.object(n) for n in data.variables}
    if data.path is not None:
        found, warnings = from_csv(data.path, data.columns, data.weight, objects, data.name)
    else:
        rows = data.rows or ()
        cells = [[_float(r[k]) if objects[n].space else r[k] for r, _ in rows] for k, n in enumerate(data.variables)]
        weights = [float(w) for _, w in rows]
        found, warnings = from_columns(
            [*data.variables, "(weight)"],
            [*cells, weights],
            objects,
            {n: n for n in data.variables},
            "(weight)",
            data.name,
        )
    for w in warnings:
        model.notice(w)
    return found


def _float(text: str) -> float:
    return float(Fraction(text))


def learning(model: Model, name: object) -> Model:
    """The model in which tables fitted to these data (called `name`) are unknown: `fit(data, alpha)` is then a
    Dirichlet prior. Tables fitted to other data stay as they are."""
    known: dict[str, Definition] = {}
    for box, d in model.definition.definitions.items():
        if isinstance(d, Fit) and isinstance(name, str) and d.data == name and d.alpha > 0:
            known[box] = Dirichlet(d.alpha)
    return model.defined(known)


# ---- posteriors ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """What was learnt, a row for each parameter and each entry of a table."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str

    def _repr_html_(self) -> str:
        return answer_html(self.headings, self.rows, [self.title])

    def __repr__(self) -> str:
        table = [self.headings, *self.rows]
        widths = [max(len(r[k]) for r in table) for k in range(len(self.headings))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in table]
        return "\n".join([*lines, f"  {self.title}"])


@dataclass(frozen=True, eq=False, repr=False)
class Credible:
    """The posterior of a question: for every cell its mean and an interval that holds it with probability `level`.

    `draws` has the answer for each draw of what is not known: the first axis of its array.
    """

    question: str
    mean: Distribution
    low: Distribution
    high: Distribution
    draws: npt.NDArray[np.float64]
    level: float
    note: str

    def __float__(self) -> float:
        return float(self.mean)

    @property
    def interval(self) -> tuple[float, float]:
        """The two ends, of an answer that is one number."""
        return float(self.low), float(self.high)

    @property
    def sd(self) -> Any:
        """The posterior standard deviation: a number, or an array over the axes."""
        found = self.draws.std(0)
        return float(found) if found.ndim == 0 else found

    def columns(self, digits: int = 6) -> tuple[list[str], list[list[str]]]:
        axes = list(self.mean.variables)
        lows, highs = self.low.array.flat, self.high.array.flat
        rows = [
            [*at, *(short(x, digits) for x in (p, low, high))]
            for (at, p), low, high in zip(self.mean.rows(), lows, highs, strict=True)
        ]
        return [*axes, "mean", f"{50 * (1 - self.level):g}%", f"{50 * (1 + self.level):g}%"], rows

    def notes(self) -> list[str]:
        return [self.note]

    def to_dict(self) -> Mapping[str, Any]:
        return {
            "variables": list(self.mean.variables),
            "values": dict(zip(self.mean.variables, self.mean.values, strict=True)),
            "mean": self.mean.array.tolist(),
            "low": self.low.array.tolist(),
            "high": self.high.array.tolist(),
            "level": self.level,
        }

    def _repr_html_(self) -> str:
        return answer_html(*self.columns(), self.notes())

    def __repr__(self) -> str:
        headings, rows = self.columns()
        return repr(Summary(tuple(headings), tuple(map(tuple, rows)), self.note))


@dataclass(frozen=True, eq=False, repr=False)
class Posterior:
    """What data tell of a model: equally weighted draws of its open `parameters` (arrays over the draws) and of its
    unknown `tables` (by box; an axis over the draws, one for each input and one for the output).

    `divergences` counts the divergent steps of the no-U-turn sampler, `effective` is the least effective sample size,
    `losses` is the course of the negative evidence bound. `model` has the networks trained, where some were.
    """

    model: Model
    method: str
    samples: int
    seed: int
    parameters: Draws
    tables: Draws
    rows: float
    divergences: int | None = None
    effective: float | None = None
    losses: tuple[float, ...] = ()
    r_hat: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)

    def query(
        self, question: str, *, level: float = 0.95, samples: int = _WORLDS, seed: int | None = None, using: str = ""
    ) -> Credible:
        """The posterior of the answer to a question, as `Model.query` takes it: answered for each draw.

        Finite models are answered exactly; where real variables matter, from `samples` worlds for each draw.

        Raises:
            QueryError: Q013 for what has no number, S002 if no sample fits what is seen, S005 for an odd level.
        """
        from semantics.pyro.running import undisturbed

        if not 0 < level < 1:
            raise QueryError(Diagnostic("S005", f"{level} is no level of an interval", help=("take 0.95",)))
        statement = replace(self.model.parse_question(question), using=using)
        with working("answering for each draw"), undisturbed(self.seed + 1 if seed is None else seed):
            return self._answer(statement, level, samples)

    def _answer(self, statement: QueryStatement, level: float, worlds: int) -> Credible:
        sampled = [0]

        def ask(query: Query) -> Distribution:
            try:
                return self._asked(query, statement, worlds, sampled)
            except CutwireError as e:
                raise e.at(query.span) from None

        found = value_of(self.model, statement, statement.formula, cached(ask), False, None)
        if _DRAW not in found.variables:
            raise QueryError(Diagnostic("Q001", "this question asks for nothing", statement.span))
        k = found.axis(_DRAW)
        draws = np.moveaxis(found.array, k, 0)
        names = [n for n in found.variables if n != _DRAW]
        labels = [v for n, v in zip(found.variables, found.values, strict=True) if n != _DRAW]
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        note = f"{len(draws):,} draws of the posterior by {self.method}, seed {self.seed}"
        if sampled[0]:
            note += f"; {sampled[0]:,} worlds for each"
        made = [Distribution(names, a, labels) for a in (draws.mean(0), low, high)]
        return Credible(statement.text, made[0], made[1], made[2], draws, level, note)

    def _asked(self, query: Query, statement: QueryStatement, worlds: int, sampled: list[int]) -> Distribution:
        """One question, with an axis over the draws."""
        asked = prepared(self.model, query, statement.using, statement.tables)
        if asked.left_free:
            message = f"`{asked.left_free[0]}` stands for all its values: there is no one number for each draw"
            raise QueryError(
                Diagnostic("Q013", message, query.span, help=("ask for its mean, `E(…)`, or for an event",))
            )
        unknowns = self._unknowns(asked.program)
        objects = [asked.question.model.object(n) for n in asked.program.names]
        if not any(x.space for x in objects):
            tables = exactly(asked, unknowns)
            if len(tables) == 1:  # nothing unknown matters
                tables = tables * self.samples
            array = np.stack([t.array for t in tables])
            return Distribution(
                [_DRAW, *tables[0].variables], array, [list(map(str, range(len(array)))), *tables[0].values]
            )
        sampled[0] = worlds
        return self._sampled(asked, unknowns, worlds)

    def _unknowns(self, program: PyroProgram) -> Unknowns:
        import torch

        from semantics.pyro.program import Unknowns

        def columns(found: Draws, wanted: tuple[str, ...]) -> dict[str, Any]:
            missing = [n for n in wanted if n not in found]
            if missing:
                message = f"this posterior knows nothing of `{missing[0]}`"
                raise QueryError(Diagnostic("S005", message, notes=("it is open, and was not learnt",)))
            return {n: torch.tensor(found[n])[:, None] for n in wanted}

        return Unknowns(columns(self.parameters, program.open_parameters), columns(self.tables, program.open_tables))

    def _sampled(self, asked: Any, unknowns: Unknowns, worlds: int) -> Distribution:
        """A question with numbers, from samples for each draw."""
        import torch

        from semantics.pyro.program import Unknowns
        from semantics.pyro.questions import indicator
        from semantics.pyro.questions import worlds as sample

        behind = {s.axis for s in asked.question.slots if s.place != "target"}
        axes = {n: x for n, x in asked.question.axes if n in behind or not asked.query.expectation}
        array = np.zeros([self.samples, *(len(x.values or ()) for x in axes.values())])
        portion = max(1, _CELLS // (worlds * max(1, len(asked.program.names))))
        state = torch.get_rng_state()
        for start in range(0, self.samples, portion):
            torch.set_rng_state(state)
            some = slice(start, min(start + portion, self.samples))
            size = some.stop - start
            part = Unknowns(
                {n: v[some] for n, v in unknowns.parameters.items()}, {n: v[some] for n, v in unknowns.tables.items()}
            )
            for w in sample(asked.program, asked.question, worlds, part, size):
                weights = w.weights
                total = weights.sum(-1)
                if bool((total == 0).any()):
                    raise no_sample(asked.question.query, w.case)
                for case, inside in indicator(asked.question, w):
                    place = {**w.case, **case}
                    at = tuple((x.values or ()).index(place[n]) for n, x in axes.items())
                    array[(some, *at)] = ((weights * inside).sum(-1) / total).numpy()
            tell(some.stop, self.samples)
        return Distribution(
            [_DRAW, *axes], array, [list(map(str, range(self.samples))), *(x.values or () for x in axes.values())]
        )

    def summary(self) -> Summary:
        """Mean, standard deviation and quantiles of every parameter and of every entry of a table."""
        program = program_of(self.model, self.model.shape)
        rows = [self._row(n, v, program.parameter_site(n)) for n, v in self.parameters.items()]
        for box, table in self.tables.items():
            b = program.used_boxes[box]
            for at in np.ndindex(*table.shape[1:]):
                values = [(x.values or ())[k] for x, k in zip((*b.dom, *b.cod), at, strict=True)]
                given = ", ".join(f"{x.name} = {v}" for x, v in zip(b.dom, values, strict=False))
                name = f"P({b.cod[0].name} = {values[-1]}{' | ' if given else ''}{given})"
                rows.append(self._row(name, table[(slice(None), *at)], program.table_site(box)))
        headings = ("", "mean", "sd", "2.5%", "50%", "97.5%", *(("n_eff", "r_hat") if self.r_hat else ()))
        return Summary(headings, tuple(rows), self._title())

    def _row(self, name: str, draws: npt.NDArray[np.float64], site: str) -> tuple[str, ...]:
        numbers = [draws.mean(), draws.std(), *np.quantile(draws, (0.025, 0.5, 0.975))]
        shown = [name, *(short(x, 4) for x in numbers)]
        if self.r_hat:
            shown += [f"{self.sizes.get(site, 0):.0f}", f"{self.r_hat.get(site, 1):.3f}"]
        return tuple(shown)

    def _title(self) -> str:
        told = f"{self.samples:,} draws by {self.method} from {self.rows:,.6g} rows, seed {self.seed}"
        if self.divergences is not None:
            told += f", {self.divergences:,} divergent"
        if self.effective is not None and self.method == "importance":
            told += f", effective sample size {self.effective:,.0f}"
        return told

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def __repr__(self) -> str:
        return repr(self.summary())


def posterior(
    model: Model,
    data: object,
    method: str | None,
    samples: int,
    seed: int,
    warmup: int | None,
    steps: int,
    lr: float,
    particles: int | None,
) -> Posterior:
    """What data tell of a model; see `Model.posterior`."""
    require_pyro("a posterior")
    from semantics.pyro import infer
    from semantics.pyro.running import undisturbed

    if samples < 1 or steps < 1:
        raise QueryError(Diagnostic("S005", "`samples` and `steps` are positive", help=("take samples=1000",)))
    if method is not None and method not in METHODS:
        notes = tuple(f'"{n}": {doc}' for n, doc in METHODS.items())
        message = f"there is no method `{method}`"
        raise QueryError(Diagnostic("S005", message, notes=notes, help=did_you_mean(method, list(METHODS))))
    rows = records(model, data)
    to_learn = _with_copies(learning(model, data))
    task = _task(to_learn, rows)
    if not (task.program.open_parameters or task.program.open_tables or (method == "svi" and task.program.modules)):
        raise QueryError(
            Diagnostic(
                "S005",
                f"nothing is left open in `{model.name}`: there is nothing to learn",
                help=("declare `param b ~ normal(0, 1)`", "or a table as `dirichlet(1)`, or `fit(DATA, alpha = 1)`"),
            )
        )
    closed = infer.is_conjugate(task)
    if method == "exact" and not closed:
        message = "this posterior has no closed form here"
        notes = (f'"exact": {METHODS["exact"]}',)
        raise QueryError(Diagnostic("S005", message, notes=notes, help=('take method="nuts"',)))
    chosen = method or ("exact" if closed else "nuts")
    with working("learning"), undisturbed(seed, gradients=chosen in ("nuts", "svi")):
        found = _inferred(task, chosen, samples, seed, warmup, steps, lr, particles)
    if found.divergences:
        message = f"{found.divergences:,} of {samples:,} steps were divergent: parts of the posterior may be missing"
        model.notice(Diagnostic("S007", message, severity="warning", help=("take a longer warm-up, or other priors",)))
    if found.effective is not None and found.effective < 100 <= samples:
        message = f"the draws are worth {found.effective:.0f} independent ones"
        model.notice(Diagnostic("S007", message, severity="warning", help=('take more samples, or method="nuts"',)))
    return Posterior(
        to_learn,
        chosen,
        samples,
        seed,
        found.parameters,
        found.tables,
        rows.total,
        found.divergences,
        found.effective,
        found.losses,
        found.r_hat,
        found.sizes,
    )


def _task(model: Model, rows: Records) -> Task:
    from semantics.pyro import infer

    program = program_of(model, model.shape)
    lacking = [n for n in rows.columns if n not in model.shape.mechanisms]
    if lacking:
        raise QueryError(Diagnostic("M004", f"no box produces `{lacking[0]}`"))
    needed = program.limited_to(list(rows.columns))
    bare = [b for n, b in needed.used_boxes.items() if n not in needed.boxes]
    if bare:
        raise QueryError(
            Diagnostic(
                "Q001",
                "learning needs a definition of every box, and one has none",
                notes=tuple(f"box `{b.name}` ({b}) is a signature only" for b in bare[:8]),
                help=(
                    f"leave its table open: `box {bare[0]} = dirichlet(1)`",
                    f'or model.with_mechanism("{bare[0].name}", …)',
                ),
            )
        )
    return infer.Task(program, rows, tell)


def _inferred(
    task: Task, method: str, samples: int, seed: int, warmup: int | None, steps: int, lr: float, particles: int | None
) -> Inferred:
    from semantics.pyro import infer

    match method:
        case "exact":
            return infer.conjugate(task, samples)
        case "nuts":
            return infer.nuts(task, samples, samples // 2 if warmup is None else warmup, seed)
        case "svi":
            return infer.svi(task, samples, steps, lr)
        case _:
            return infer.importance(task, samples, max(10 * samples, 10_000) if particles is None else particles)


# ---- mechanisms in Python --------------------------------------------------------------------------------------------


def with_mechanism(model: Model, name: str, function: Callable[..., Any]) -> ModelDef:
    """A model in which a box is computed by Python; see `Model.with_mechanism`."""
    boxes = program_boxes(model)
    if name not in boxes:
        makers = [b for b, x in boxes.items() if x == name]
        near = (f"the box of `{name}` is `{makers[0]}`",) if makers else did_you_mean(name, boxes)
        known = () if near else (f"its boxes are {', '.join(boxes)}",)
        raise QueryError(Diagnostic("N001", f"`{model.name}` has no box `{name}`", notes=known, help=near))
    if not callable(function):
        message = (
            f"the mechanism of box `{name}` is to be a function or a module of torch, not {type(function).__name__}"
        )
        raise QueryError(Diagnostic("S003", message, help=("give something that can be called with tensors",)))
    return model.defined({name: Foreign(function)}).definition


def program_boxes(model: Model) -> dict[str, str]:
    """The boxes of a model, each with the variable that it makes."""
    found = [n.box for m in model.shape.mechanisms.values() for n in m.diagram.nodes if n.box.kind == "box"]
    return {b.name: b.cod[0].name for b in found} | {b.name: b.cod[0].name for b in model.definition.policies.values()}


def fit_mechanisms(model: Model, data: object, steps: int, lr: float, seed: int) -> tuple[Model, tuple[float, ...]]:
    """Train the networks of a model; see `Model.fit_mechanisms`."""
    require_pyro("training mechanisms")
    from semantics.pyro import infer
    from semantics.pyro.running import undisturbed

    rows = records(model, data)
    trained = _with_copies(learning(model, data))
    task = _task(trained, rows)
    if not (task.program.modules or task.program.open_parameters or task.program.open_tables):
        message = f"`{model.name}` has nothing to train"
        help_ = ('register a network: model.with_mechanism("y", torch.nn.Sequential(…))',)
        raise QueryError(Diagnostic("S005", message, help=help_))
    with working("training"), undisturbed(seed, gradients=True):
        found = infer.svi(task, 1, steps, lr, point=True)
    parameters = {
        n: replace(p, value=Constant(Fraction(float(found.parameters[n][0])), False)) if n in found.parameters else p
        for n, p in trained.parameters.items()
    }
    tables: dict[str, Definition] = {}
    for box, table in found.tables.items():
        entries = tuple(Fraction(float(p)) for p in table[0].flat)
        tables[box] = Table(table[0].shape, entries, exact=False)
    known = trained.defined(tables)
    return replace(known, definition=replace(known.definition, parameters=parameters)), found.losses


def _with_copies(model: Model) -> Model:
    """The model with networks of its own, so that training changes nobody else's."""
    known = {
        n: Foreign(copy.deepcopy(d.function))
        for n, d in model.definition.definitions.items()
        if isinstance(d, Foreign) and hasattr(d.function, "state_dict")
    }
    return model.defined(known)
