"""Answers by Pyro: exactly by enumeration where all that matters is finite, else from samples with their error.

Errors of formulas are those of `cutwire.jackknife`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cutwire.evaluate import Result, cached, value_lists
from cutwire.evaluate import formula_value as value_of
from cutwire.jackknife import GROUP, GROUPS, answered, split
from cutwire.progress import tell, working
from cutwire.sampled import Estimated, Sample, Sampled
from cutwire.tables import kernel
from parser.program import Definition, Dirichlet, Foreign, Formulas, QueryStatement
from semantics.compare import compare
from semantics.distribution import Array, Distribution
from semantics.expectation import check_expectation, mean
from semantics.weighting import no_sample
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.formula import Ask, Compare, Formula, questions
from strings.model import CausalModel
from strings.query import Query

if TYPE_CHECKING:
    from cutwire.interpreted import Interpreted
    from cutwire.meanings import Answered, Options
    from semantics.pyro.boxes import BoxMeaning
    from semantics.pyro.program import PyroProgram, Unknowns
    from semantics.question import Question

SAMPLES = 10_000
MOST_SAMPLES = 100_000_000
_CHUNK = 100_000  # worlds side by side


def require_pyro(what: str = 'semantics="pyro"') -> None:
    """Refuse what needs Pyro if it is not installed.

    Raises:
        QueryError: S001.
    """
    missing = [n for n in ("torch", "pyro") if importlib.util.find_spec(n) is None]
    if missing:
        raise QueryError(
            Diagnostic(
                "S001",
                f"{what} needs Pyro, which is not installed",
                notes=(f"not found: {', '.join(missing)}",),
                help=(
                    "install it: pip install 'cutwire[pyro]'",
                    "without a graphics card, take the small build of torch first: "
                    "pip install torch --index-url https://download.pytorch.org/whl/cpu",
                ),
            )
        )


# ---- programs --------------------------------------------------------------------------------------------------------


def program_of(
    model: Interpreted,
    shape: CausalModel,
    names: Iterable[str] | None = None,
    using: str = "",
    extra: Mapping[str, Definition] | None = None,
) -> PyroProgram:
    """The Pyro program of a model of this `shape` (its own, or one that was operated on), limited to what `names` need.

    Boxes without numbers are left out: a run that needs one says so.
    """
    from semantics.pyro.program import PyroProgram

    definitions = {**model.definitions(using), **(extra or {})}
    program = PyroProgram(shape, {}, model.parameters, shape.order)
    if names is not None:
        program = program.limited_to(list(names))
    boxes: dict[str, BoxMeaning] = {}
    for name, b in program.used_boxes.items():
        if name in definitions:
            boxes[name] = meaning(model, b, definitions[name])
    return replace(program, boxes=boxes)


def meaning(model: Interpreted, b: Any, definition: Definition) -> BoxMeaning:
    """What a box is made from, for Pyro."""
    from semantics.pyro.boxes import Drawn, Tabled, Unknown
    from semantics.pyro.boxes import Foreign as Function

    match definition:
        case Formulas(_, bodies):
            return Drawn(bodies)
        case Dirichlet(alpha):
            return Unknown(np.full([len(x.values or ()) for x in (*b.dom, *b.cod)], float(alpha)))
        case Foreign(function):
            return Function(function)
        case _:
            return Tabled(kernel(b, definition, model.dataset, False, model.parameter_values).as_float().array)


# ---- questions -------------------------------------------------------------------------------------------------------


def evaluate_pyro(model: Interpreted, statement: QueryStatement, how: Options) -> Result | Answered:
    """Answer a question with Pyro: a `Result` where enumeration is exact; else `Estimated`, or `Sampled` where a number
    without end is left free.

    Raises:
        QueryError: S001 if Pyro is not installed, S002 if no sample fits what is seen, S004 for a parameter with
            neither value nor prior, Q013 for a question that samples cannot answer; what the semantics raises.
    """
    require_pyro()
    from semantics.pyro.running import undisturbed

    if statement.data:
        message = "an `estimate` counts: it is no question to a Pyro program"
        help_ = ('learn the model from the data: model.posterior("' + statement.data + '").query("…")',)
        raise QueryError(Diagnostic("Q007", message, statement.span, help=help_))
    size = SAMPLES if how.samples is None else how.samples
    if not 100 <= size <= MOST_SAMPLES:
        message = f"{size:,} samples are too {'few' if size < 100 else 'many'}"
        raise QueryError(Diagnostic("S005", message, help=(f"take 100 to {MOST_SAMPLES:,}",)))
    work = _Work(model, statement, size, how.seed)
    with working("sampling"), undisturbed(how.seed):
        try:
            return work.answer()
        except CutwireError as e:
            raise e.at(statement.span) from None


@dataclass(frozen=True)
class _Asked:
    """A question and the program that answers it."""

    query: Query
    question: Question
    program: PyroProgram

    @property
    def exact(self) -> bool:
        """Whether enumeration answers it: all sites are finite, and no parameter is open."""
        objects = [self.question.model.object(n) for n in self.program.names]
        if any(x.space for x in objects) or self.program.open_parameters:
            return False
        uses = [n.box.name for v in self.program.names if v in self.question.model.mechanisms
                for n in self.question.model.mechanisms[v].diagram.nodes]  # fmt: skip
        return all(uses.count(b) == 1 for b in self.program.open_tables)

    @property
    def left_free(self) -> tuple[str, ...]:
        """The variables with numbers without end that are asked for as a whole."""
        if self.query.expectation:
            return ()
        return tuple(t.variable for t in self.query.targets if t.free and self.question.model.object(t.variable).space)


def prepared(
    model: Interpreted, query: Query, using: str = "", extra: Mapping[str, Definition] | None = None
) -> _Asked:
    """A question with its program."""
    from semantics.pyro.questions import as_question

    if query.expectation:
        x = model.shape.object(query.targets[0].variable) if query.targets else None
        if x is None or not x.space:
            check_expectation(model.shape, query)
    question = as_question(model.shape, query)
    names = question.variables(question.slots)
    return _Asked(query, question, program_of(model, question.model, names, using, extra))


def exactly(asked: _Asked, unknowns: Unknowns | None = None) -> list[Distribution]:
    """The answer by enumeration, one for each draw of the unknowns; of an unknown table the mean of its prior."""
    from semantics.pyro.program import Unknowns
    from semantics.pyro.questions import finite_answer

    plain = replace(asked, question=replace(asked.question, query=replace(asked.query, expectation=False)))
    known = unknowns or Unknowns({}, _means(asked.program))
    found = finite_answer(plain.program, plain.question, known)
    names, labels = [n for n, _ in asked.question.axes], [x.values or () for _, x in asked.question.axes]
    tables = [Distribution(names, array, labels) for array in found]
    return [mean(t, asked.query.targets[0].axis_name) for t in tables] if asked.query.expectation else tables


def _means(program: PyroProgram) -> dict[str, Any]:
    import torch

    from semantics.pyro.boxes import Unknown

    found = {}
    for name in program.open_tables:
        unknown = program.boxes[name]
        assert isinstance(unknown, Unknown)
        a = unknown.concentration
        found[name] = torch.tensor(a / a.sum(-1, keepdims=True))[None, None]
    return found


@dataclass
class _Work:
    """Answering one statement."""

    model: Interpreted
    statement: QueryStatement
    size: int
    seed: int
    effective: float = float("inf")

    def answer(self) -> Result | Answered:
        formula = self.statement.formula
        asked = {q: self._prepared(q) for q in self._questions()}
        loose = [a for a in asked.values() if a.left_free]
        if loose and isinstance(formula, Ask):
            return self._sampled(asked[formula.query])
        if loose:
            names = ", ".join(f"`{n}`" for n in loose[0].left_free)
            message = f"{names} stands for all its values: a distribution cannot be calculated with"
            help_ = ("ask for its mean, `E(…)`, or for an event, `P(… > 0)`",)
            raise QueryError(Diagnostic("Q013", message, loose[0].query.span, help=help_))
        if all(a.exact for a in asked.values()):
            return self._exact(asked)
        return self._estimated(asked)

    def _questions(self) -> list[Query]:
        more = questions(self.statement.expect) if self.statement.expect is not None else []
        return list(dict.fromkeys([*questions(self.statement.formula), *more]))

    def _prepared(self, query: Query) -> _Asked:
        try:
            return prepared(self.model, query, self.statement.using, self.statement.tables)
        except CutwireError as e:
            raise e.at(query.span or self.statement.span) from None

    def _value(self, formula: Formula, ask: Any) -> Distribution:
        return value_of(self.model, self.statement, formula, ask, False, None)

    def _exact(self, asked: Mapping[Query, _Asked]) -> Result:
        @cached
        def ask(query: Query) -> Distribution:
            try:
                return exactly(asked[query])[0]
            except CutwireError as e:
                raise e.at(query.span or self.statement.span) from None

        value = self._value(self.statement.formula, ask)
        if self.statement.expect is None:
            return Result(self.statement, value)
        expected = self._value(self.statement.expect, ask)
        claim = Compare((self.statement.formula, self.statement.expect), ("==",))
        met = compare(claim, ask, value_lists(self.model, self.statement.axes)).holds
        return Result(self.statement, value, (), expected, met)

    def _estimated(self, asked: Mapping[Query, _Asked]) -> Answered:
        @cached
        def ask(query: Query) -> Distribution:
            try:
                return exactly(asked[query])[0] if asked[query].exact else self._grouped(asked[query])
            except CutwireError as e:
                raise e.at(query.span or self.statement.span) from None

        return answered(self.model, self.statement, "pyro", ask, self._estimate)

    def _estimate(self, found: Distribution) -> Estimated:
        return Estimated(*split(found), self.size, self.seed, self.effective)

    def _grouped(self, asked: _Asked) -> Distribution:
        """A question from samples, with an axis over groups: first all samples, then all without one group."""
        sums = _Sums(asked)
        for w, groups in self._worlds(asked):
            sums.add(w, groups)
        array, effective = sums.quotients()
        self.effective = min(self.effective, effective)
        axes = [(n, x) for n, x in asked.question.axes if not (asked.query.expectation and n not in sums.behind)]
        labels = [tuple(map(str, range(len(array)))), *(x.values or () for _, x in axes)]
        return Distribution([GROUP, *(n for n, _ in axes)], array, labels)

    def _worlds(self, asked: _Asked) -> Iterable[tuple[Any, int]]:
        """Samples in portions that fit into memory, with the number of groups in each."""
        import torch

        from semantics.pyro.questions import worlds

        torch.manual_seed(self.seed % 2**63)
        portions = -(-self.size // _CHUNK)
        groups = max(1, GROUPS // portions)
        for k in range(portions):
            part = self.size // portions + (k < self.size % portions)
            for w in worlds(asked.program, asked.question, part):
                yield w, groups
            tell(k + 1, portions)

    def _sampled(self, asked: _Asked) -> Answered:
        """The distribution of numbers that are left free, as a sample for every case."""
        from cutwire.meanings import Answered
        from semantics.pyro.questions import indicator

        odd = [t for t in asked.query.targets if not t.free]
        if odd:
            message = f"`{asked.query}` asks for an event and for a whole distribution at once"
            help_ = (f"put the event behind the bar: `P({', '.join(asked.left_free)} | {odd[0]})`",)
            raise QueryError(Diagnostic("Q013", message, asked.query.span, help=help_))
        parts: dict[tuple[tuple[str, str], ...], list[Any]] = {}
        for w, _ in self._worlds(asked):
            for case, inside in indicator(asked.question, w):
                key = tuple({**w.case, **case}.items())
                parts.setdefault(key, []).append((w, inside))
        for key, found in parts.items():
            least = min(w.densities for w, _ in found)
            parts[key] = [(w, i) for w, i in found if w.densities == least]
        most = {key: max(float(w.log_weights.max()) for w, _ in found) for key, found in parts.items()}
        samples = []
        for key, found in parts.items():
            if most[key] == -np.inf:
                raise no_sample(asked.question.query, dict(key))
            every = np.concatenate([(w.log_weights - most[key]).exp()[0].numpy() for w, _ in found])
            weights = every * np.concatenate([i[0].numpy() for _, i in found])
            if not (weights > 0).any():
                continue  # a case in front of the bar that never came up
            values = {
                n: np.concatenate([w.values[n][0].numpy() for w, _ in found])[weights > 0] for n in asked.left_free
            }
            if not all(np.isfinite(v).all() for v in values.values()):
                raise QueryError(
                    Diagnostic("Q015", "some samples are no finite numbers: a mechanism has no value there")
                )
            weights = weights[weights > 0]
            samples.append(Sample(key, values, weights / weights.sum(), float(weights.sum() / every.sum())))
        return Answered(self.statement, "pyro", Sampled(tuple(samples), self.size, self.seed))


@dataclass(frozen=True)
class _Portion:
    """Sums over a portion of the samples of one case: by groups, with the largest weight at 1.

    `below` sums the weights, `above` what counts for each cell, `squares` is the sum of squared weights of all groups.
    """

    log_most: float
    densities: float
    below: Array
    above: Mapping[tuple[tuple[str, str], ...], Array]
    squares: float


class _Sums:
    """Sums of weights of samples, by groups and by cells of the answer."""

    def __init__(self, asked: _Asked) -> None:
        self.asked = asked
        self.behind = [s.axis for s in asked.question.slots if s.place != "target" and s.axis]
        self.parts: dict[tuple[tuple[str, str], ...], list[_Portion]] = {}

    def add(self, w: Any, groups: int) -> None:
        """One portion of samples."""
        from semantics.pyro.questions import indicator

        weights = w.weights[0]
        bounds = np.linspace(0, len(weights), groups + 1).astype(int)

        def by_group(v: Any) -> Array:
            total = np.concatenate([[0.0], np.cumsum(v.numpy())])
            return np.asarray(np.diff(total[bounds]))

        above = {tuple(case.items()): by_group(weights * f[0]) for case, f in indicator(self.asked.question, w)}
        squares = float((weights**2).sum())
        entry = _Portion(float(w.log_weights.max()), w.densities, by_group(weights), above, squares)
        self.parts.setdefault(tuple(w.case.items()), []).append(entry)

    def quotients(self) -> tuple[Array, float]:
        """For all samples, and without each group: the answer in every cell. And the least effective sample size."""
        axes = dict(self.asked.question.axes)
        if self.asked.query.expectation:
            axes = {n: x for n, x in axes.items() if n in self.behind}
        count = max(sum(len(e.below) for e in entries) for entries in self.parts.values())
        array = np.zeros([count + 1, *(len(x.values or ()) for x in axes.values())])
        effective = np.inf
        for case, entries in self.parts.items():
            least = min(e.densities for e in entries)
            most = max(e.log_most for e in entries if e.densities == least)
            if most == -np.inf:
                raise no_sample(self.asked.question.query, dict(case))
            scales = [float(np.exp(e.log_most - most)) if e.densities == least else 0.0 for e in entries]
            below = np.concatenate([e.below * s for e, s in zip(entries, scales, strict=True)])
            squares = sum(e.squares * s**2 for e, s in zip(entries, scales, strict=True))
            effective = min(effective, below.sum() ** 2 / squares)
            for cell in entries[0].above:
                above = np.concatenate([e.above[cell] * s for e, s in zip(entries, scales, strict=True)])
                place = {**dict(case), **dict(cell)}
                at: tuple[Any, ...] = tuple((x.values or ()).index(place[n]) for n, x in axes.items())
                with np.errstate(invalid="ignore", divide="ignore"):
                    without = (above.sum() - above) / (below.sum() - below)
                array[:, *at] = [above.sum() / below.sum(), *without]
        whole = np.broadcast_to(array[:1], array.shape)
        return np.where(np.isfinite(array), array, whole), float(effective)
