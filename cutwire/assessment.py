"""An estimate from data, and how sure it is: what is merely seen, where the data are thin, intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cutwire.interpreted import Interpreted
from cutwire.progress import tell
from parser.program import Resampling
from semantics.bootstrap import Interval, bootstrap
from semantics.dataset import Dataset
from semantics.distribution import Distribution
from semantics.estimate import Estimate, arranged, estimate
from semantics.evaluate import evaluate
from semantics.kernel import Kernel
from semantics.positivity import Thin, positivity
from strings.counterfactual_identify import CounterfactualIdentified, Way
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.diagram import Diagram
from strings.formula import Ask, Formula, questions, substituted
from strings.identification import identified
from strings.query import Query, as_seen


@dataclass(frozen=True)
class Assessment:
    """An estimate, and how sure it is.

    `distribution` has the numbers; `parts` are the estimates of the probabilities in what was `asked`. `seen` is what
    one would read off the data without minding causes, if every surgery is a `do` of values. `thin` are the
    conditionals that rest on few cases, `interval` has bootstrap intervals if they were asked for.
    """

    distribution: Distribution
    asked: Formula
    parts: Mapping[Query, Estimate]
    seen: Distribution | None = None
    thin: tuple[Thin, ...] = ()
    interval: Interval | None = None
    seen_by: Formula | None = None  # how `seen` is read off the data

    @property
    def surgery(self) -> bool:
        """Whether the question is about an intervention, or about another world."""
        return any(q.surgeries or q.worlds for q in self.parts)

    @property
    def naive(self) -> bool:
        """Whether the effect is just what is seen: then `seen` says the same."""
        return self.seen_by == self.formula

    @property
    def formula(self) -> Formula:
        """The estimand as a formula; that of each probability stands in its place."""
        return substituted(self.asked, {q: e.formula for q, e in self.parts.items()})

    @property
    def found(self) -> Way:
        """The estimand of the only probability, and how it was found.

        Raises:
            QueryError: E004 if a formula of several was asked for; `parts` has them all.
        """
        if not isinstance(self.asked, Ask):
            help_ = ("see `.parts` for those of its probabilities",)
            raise QueryError(Diagnostic("E004", f"`{self.asked}` has no estimand of its own", help=help_))
        return self.parts[self.asked.query].found

    @property
    def estimand(self) -> Diagram:
        """The estimand of the only probability as a diagram.

        Raises:
            QueryError: as `found`, and E004 if it speaks of several worlds: then its experiments have one each.
        """
        found = self.found
        if isinstance(found, CounterfactualIdentified):
            help_ = ("see `.formula`, and `.found.parts` for those of its experiments",)
            raise QueryError(Diagnostic("E004", f"`{self.asked}` has no estimand that is one diagram", help=help_))
        return found.diagram

    def _repr_html_(self) -> str:
        from cutwire.notebook import assessment_html

        return assessment_html(self)

    def __repr__(self) -> str:
        from cutwire.show import assessment_text

        return assessment_text(self)


@dataclass(frozen=True)
class Asked:
    """What is asked of data: a formula, the model that it is asked of, and the numbers of policies.

    `values` has the values of a variable, or of the variable that a bound name ranges over.
    """

    model: Interpreted
    formula: Formula
    values: Callable[[str], tuple[str, ...]]
    policies: Mapping[str, Kernel]
    exact: bool
    max_memory: int | None = None

    def estimate(self, query: Query, data: Dataset) -> Estimate:
        """The estimate of one probability.

        Raises:
            QueryError: E001 if it does not follow from the joint of what is observed; of a question about several
                worlds the notes say between what it is, if the data tell that.
        """
        if query.worlds:
            from cutwire.counterfactual import way_of_worlds
            from semantics.counterfactual import estimate_worlds

            found = way_of_worlds(self.model, query, data)
            return estimate_worlds(found, self.model.shape, [data], exact=self.exact, max_memory=self.max_memory)
        tables = self.policies if self.exact else _floats(self.policies)
        way = identified(self.model.shape, query)
        return estimate(way, [data], exact=self.exact, policies=tables, max_memory=self.max_memory)


def assess(
    asked: Asked,
    data: Dataset,
    value: Distribution,
    parts: Mapping[Query, Estimate],
    resampling: Resampling | None = None,
) -> Assessment:
    """An estimate, `value`, with what can be said of it; `parts` are the estimates of the probabilities in the formula.

    Raises:
        QueryError, LimitError: as `semantics.bootstrap.bootstrap`, if resamples are asked for.
    """
    parts = {q: parts[q] for q in questions(asked.formula)}
    ways = {q: e.found for q, e in parts.items()}
    interval = None
    if resampling is not None:
        interval = bootstrap(
            asked.formula,
            ways,
            [data],
            value,
            resamples=resampling.resamples,
            level=float(resampling.level),
            seed=resampling.seed,
            values=asked.values,
            policies=_floats(asked.policies),
            max_memory=asked.max_memory,
            on_progress=tell,
        )
    thin = positivity(ways.values(), [data])
    seen, seen_by = _seen(asked, data, value)
    return Assessment(value, asked.formula, parts, seen, thin, interval, seen_by)


def _seen(asked: Asked, data: Dataset, value: Distribution) -> tuple[Distribution | None, Formula | None]:
    """The value of the formula if every `do` is read as an observation, and how it is read off the data; nothing if it
    has none."""
    plain = {q: as_seen(q) for q in questions(asked.formula)}
    readings = {q: Ask(s) for q, s in plain.items() if s is not None}
    if not any(q.surgeries or q.worlds for q in plain) or len(readings) < len(plain):
        return None, None
    parts: dict[Query, Formula] = {}

    def ask(query: Query) -> Distribution:
        found = asked.estimate(query, data)
        parts[query] = found.formula
        return found.distribution

    try:
        read = substituted(asked.formula, readings)
        found = evaluate(read, ask, asked.values, exact=asked.exact, max_memory=asked.max_memory)
    except CutwireError as e:  # nothing is seen of what was asked, or it is too large
        if e.diagnostic.code == "L002":
            raise
        return None, None
    if not set(found.variables) <= set(value.variables):
        return None, None
    array = arranged(found.array, found.variables, value.variables, value.array.shape)
    return Distribution(value.variables, np.array(array), value.values), substituted(read, parts)


def _floats(policies: Mapping[str, Kernel]) -> dict[str, Kernel]:
    return {n: k.as_float() for n, k in policies.items()}
