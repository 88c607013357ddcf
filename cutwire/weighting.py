"""Answers by likelihood weighting: for models of tables that are too wide to compute (`semantics.weighting`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cutwire.evaluate import cached, placed
from cutwire.jackknife import GROUP, GROUPS, answered, split
from cutwire.needs import require_tables
from cutwire.progress import tell, working
from cutwire.sampled import Estimated
from parser.program import QueryStatement
from semantics.distribution import Distribution
from semantics.weighting import Weighted, weighted
from strings.diagnostic import Diagnostic, QueryError
from strings.formula import Ask
from strings.query import Query

if TYPE_CHECKING:
    from cutwire.interpreted import Interpreted
    from cutwire.meanings import Answered, Options

SAMPLES = 100_000
FEWEST_SAMPLES = 100
MOST_SAMPLES = 100_000_000
_METHOD = "an estimate by likelihood weighting"


def evaluate_sampled(model: Interpreted, statement: QueryStatement, how: Options) -> Answered:
    """Answer a question from samples, with the standard error of every number: of one probability or expectation by the
    delta method, of a formula by the jackknife.

    Raises:
        QueryError: S002 if no sample fits what is seen, S005 for too few or too many samples, Q007 for an `estimate`;
            else as for tables.
    """
    if statement.data:
        message = "an `estimate` counts data: it is no question to samples of the model"
        raise QueryError(Diagnostic("Q007", message, statement.span, help=("leave out `--semantics sampled`",)))
    size = SAMPLES if how.samples is None else how.samples
    check_samples(size)
    found: dict[Query, Weighted] = {}

    @cached
    def ask(query: Query) -> Distribution:
        with placed(model, query.span or statement.span):
            require_tables(model, statement, query)
            tables = model.kernels(using=statement.using, surgeries=query.operations, extra=statement.tables)
            w = weighted(
                model.shape,
                tables,
                query,
                size,
                how.seed % 2**63,
                groups=GROUPS,
                max_memory=how.max_memory,
                on_progress=tell,
            )
        found[query] = w
        array = np.concatenate([w.value.array[None], w.without])
        labels = [tuple(map(str, range(len(array)))), *w.value.values]
        return Distribution([GROUP, *w.value.variables], array, labels)

    def estimated(value: Distribution) -> Estimated:
        formula, effective = statement.formula, min((w.effective for w in found.values()), default=float("inf"))
        shown, error = split(value)
        if isinstance(formula, Ask):  # here the delta method is more exact than fifty groups
            error = found[formula.query].error
        return Estimated(shown, error, size, how.seed, effective, _METHOD)

    with working("sampling"):
        return answered(model, statement, "sampled", ask, estimated)


def check_samples(size: int) -> None:
    """Refuse what is no sensible number of samples.

    Raises:
        QueryError: S005.
    """
    if not FEWEST_SAMPLES <= size <= MOST_SAMPLES:
        message = f"{size:,} samples are too {'few' if size < FEWEST_SAMPLES else 'many'}"
        help_ = (f"take {FEWEST_SAMPLES:,} to {MOST_SAMPLES:,}",)
        raise QueryError(Diagnostic("S005", message, help=help_))
