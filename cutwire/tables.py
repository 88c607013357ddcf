"""From numbers as written to kernels: the bridge between the parser's plain tables and the semantics' arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

import numpy as np

from parser.program import Data, Definition, Dirichlet, Fit, Foreign, Formulas, Table
from semantics.data import Dataset, fit, from_rows, read_csv
from semantics.distribution import check_axes
from semantics.expressions import ParameterValues, families, is_rational, refuse_real, table_array, without_value
from semantics.kernel import Kernel
from strings.diagnostic import CutwireError, Diagnostic, LimitError, QueryError
from strings.expression import parameters_in
from strings.model import CausalModel
from strings.signature import Box

Datasets = Callable[[str], Dataset]
"""Finds a data set by its name in the model file."""


def kernels(
    boxes: Mapping[str, Box],
    definitions: Mapping[str, Definition],
    datasets: Datasets,
    exact: bool,
    parameters: ParameterValues,
) -> dict[str, Kernel]:
    """A kernel for every box whose numbers are known; exact where asked for and the definition is."""
    found = {n: b for n, b in boxes.items() if n in definitions and not why_no_table(b, definitions[n], parameters)}
    return {name: kernel(b, definitions[name], datasets, exact, parameters) for name, b in found.items()}


def kernel(b: Box, definition: Definition, datasets: Datasets, exact: bool, parameters: ParameterValues) -> Kernel:
    """The kernel of one box.

    Raises:
        LimitError: L003 if it has more wires than an array has axes, or numbers too small for floating point.
        QueryError: Q014 if what parameters make of it are no probabilities, and what `why_no_table` says.
    """
    if problem := why_no_table(b, definition, parameters):
        raise QueryError(problem)
    check_axes(len(b.dom) + len(b.cod), f"the table of box `{b.name}`", "join some of its inputs into one variable")
    if isinstance(definition, Fit):
        learnt = fit(datasets(definition.data), b, definition.alpha)
        return learnt if exact else learnt.as_float()
    if isinstance(definition, Formulas):
        return _from_formulas(b, definition, exact, parameters)
    assert isinstance(definition, Table)
    return Kernel(b.dom, b.cod, _array(definition, exact, b.name))


def why_no_table(b: Box, definition: Definition, parameters: ParameterValues) -> Diagnostic | None:
    """Why a box has no table of numbers: a real wire (Q013), a parameter or a table that is not known (Q012)."""
    try:
        refuse_real(b)
    except QueryError as e:
        return e.diagnostic
    match definition:
        case Formulas(_, bodies) if families(bodies) - {"categorical"}:
            return Diagnostic("Q013", f"box `{b.name}` draws numbers: it has no finite table")
        case Formulas(_, bodies):
            open_ = sorted({n for body in bodies for n in parameters_in(body) if n not in parameters})
            return without_value(open_[0]).diagnostic if open_ else None
        case Dirichlet():
            return Diagnostic(
                "Q012",
                f"the table of box `{b.name}` is not known: it has a prior",
                help=("learn it from data: model.posterior(…)", "or give it numbers: `fit(data, alpha = 1)`, or rows"),
            )
        case Foreign():
            return Diagnostic(
                "Q012",
                f"box `{b.name}` is a mechanism in Python: it has no table of exact numbers",
                help=('ask with semantics="pyro"',),
            )
        case _:
            return None


def _from_formulas(b: Box, definition: Formulas, exact: bool, parameters: ParameterValues) -> Kernel:
    exactly = exact and all(is_rational(body, parameters) for body in definition.bodies)
    array = table_array(b, definition.bodies, parameters, exactly)
    try:
        return Kernel(b.dom, b.cod, array)
    except CutwireError as e:
        named = sorted({n for body in definition.bodies for n in parameters_in(body)})
        where = ", ".join(f"{n} = {parameters[n]}" for n in named if n in parameters)
        message = f"the numbers of box `{b.name}` are no probabilities" + (f" at {where}" if where else "")
        raise QueryError(Diagnostic("Q014", message, notes=e.diagnostic.notes)) from None


def _array(table: Table, exact: bool, name: str) -> np.ndarray:
    """The table as an array; a float array has its rows normalised, so that rounding in the text does not stay."""
    if exact and table.exact:
        array = np.empty(len(table.entries), dtype=object)
        array[:] = [e if isinstance(e, Fraction) else Fraction(e) for e in table.entries]
        return array.reshape(table.shape)
    floats = np.array([float(e) for e in table.entries]).reshape(table.shape)
    if any(e and not f for e, f in zip(table.entries, floats.flat, strict=True)):
        raise LimitError(
            Diagnostic(
                "L003",
                f"a probability of box `{name}` is smaller than floating point can hold",
                help=('ask exactly: `--exact`, or semantics="exact"', "or write 0 if that is meant"),
            )
        )
    normalised: np.ndarray = floats / floats.sum(axis=-1, keepdims=True)
    return normalised


def dataset(data: Data, model: CausalModel) -> tuple[Dataset, tuple[Diagnostic, ...]]:
    """The data that a file declares, read; warnings tell of rows left out."""
    values = {v: model.object(v).values or () for v in data.variables}
    spaces = spaces_of(model, data.variables)
    if data.path is None:
        rows = data.rows or ()
        return from_rows(data.name, data.variables, values, [r for r, _ in rows], [w for _, w in rows], spaces), ()
    return read_csv(data.path, data.columns, data.weight, values, name=data.name, spaces=spaces)


def spaces_of(model: CausalModel, names: Iterable[str]) -> dict[str, str]:
    """Those of some variables that are `real` or `count`."""
    return {n: space for n in names if (space := model.object(n).space)}


def cells_of(boxes: Mapping[str, Box]) -> int:
    """How many numbers the tables of some boxes have."""
    return sum(math.prod(len(x.values or ()) for x in (*b.dom, *b.cod)) for b in boxes.values())


def check_exact_size(boxes: Mapping[str, Box], limit: int = 5_000_000) -> None:
    """Refuse exact arithmetic on tables so large that the fractions alone would fill the memory.

    Raises:
        LimitError: L003.
    """
    cells = cells_of(boxes)
    if cells > limit:
        raise LimitError(
            Diagnostic(
                "L003",
                f"the tables of this model have {cells:,} entries: too many for exact fractions (limit {limit:,})",
                help=('ask in floating point: semantics="matrix", or leave out --exact',),
            )
        )
