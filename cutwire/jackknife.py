"""Formulas of estimates: their value from all samples, and the error of it from what changes without some of them.

Each probability in a formula comes with an axis over groups of samples: first from all of them, then without each
group. The formula is evaluated for all at once; the spread is its standard error (the delete-a-group jackknife, Kott
2001), which holds for quotients and differences alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cutwire.evaluate import formula_value
from cutwire.interpreted import Interpreted
from cutwire.sampled import Estimated
from parser.program import QueryStatement
from semantics.distribution import Distribution, float_array
from strings.diagnostic import Diagnostic, QueryError
from strings.formula import Arithmetic, Ask
from strings.query import Query

if TYPE_CHECKING:
    from cutwire.meanings import Answered

GROUP = "(group)"
GROUPS = 50


def split(found: Distribution) -> tuple[Distribution, Distribution]:
    """A value from all samples, and its standard error; no error if it does not depend on samples.

    Raises:
        QueryError: Q015 if there is no finite value.
    """
    if GROUP not in found.variables:
        whole = float_array(found.array)
        error = np.zeros_like(whole)
        names, labels = found.variables, found.values
    else:
        k = found.axis(GROUP)
        array = np.moveaxis(found.array, k, 0)
        whole, without = array[0], array[1:]
        error = np.sqrt((len(without) - 1) / len(without) * ((without - without.mean(0)) ** 2).sum(0))
        names = tuple(n for n in found.variables if n != GROUP)
        labels = tuple(v for n, v in zip(found.variables, found.values, strict=True) if n != GROUP)
    if not np.isfinite(whole).all():
        raise QueryError(Diagnostic("Q015", "the samples have no finite mean: some mechanism has no value there"))
    return Distribution(names, whole, labels), Distribution(names, error, labels)


def answered(
    model: Interpreted,
    statement: QueryStatement,
    semantics: str,
    ask: Callable[[Query], Distribution],
    estimated: Callable[[Distribution], Estimated],
) -> Answered:
    """The answer to a statement, and whether it is as expected, as far as samples tell: within four standard errors.

    `ask` answers the questions in it, with an axis over groups; `estimated` makes the answer of a value that has one.
    """
    from cutwire.meanings import Answered

    found = estimated(formula_value(model, statement, statement.formula, ask, False, None))
    if statement.expect is None:
        return Answered(statement, semantics, found)
    wanted = formula_value(model, statement, statement.expect, ask, False, None)
    difference = Arithmetic("-", statement.formula, statement.expect)
    apart, error = split(formula_value(model, statement, difference, ask, False, None))
    slack = 4 * error.array + 1e-9
    if isinstance(statement.formula, Ask) and not statement.formula.query.expectation:
        slack = slack + 3 / max(found.effective, 1)  # an event that never came up has no spread
    met = bool((np.abs(apart.array) <= slack).all())
    shown = str(split(wanted)[0] if GROUP in wanted.variables else wanted)
    return Answered(statement, semantics, found, shown, met)
