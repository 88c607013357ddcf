"""Many questions of one form at once: a row each, or a variable each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from cutwire.arguments import check_mapping
from cutwire.parameters import with_values
from cutwire.progress import tell
from cutwire.tables import kernel
from parser.program import Formulas, Table
from semantics.arithmetic import PrecisionError
from semantics.batch import each
from semantics.contract import check_answer_size
from semantics.distribution import Array, Distribution, no_value, number_array
from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.expression import parameters_in
from strings.surgery import boxes_of

if TYPE_CHECKING:
    from cutwire.model import Model

Column = object
"""One value for all rows, or a sequence of values: a list, an array, a column of a data frame."""


def query_each(
    model: Model,
    targets: Sequence[str],
    do: Mapping[str, Column] | None,
    given: Mapping[str, Column] | None,
    parameters: Mapping[str, Column] | None,
    tables: Mapping[str, object] | None,
    using: str,
    max_memory: int | None,
    like: object,
) -> Distribution:
    """As `Model.query_each`."""
    columns = {"do": _columns(model, "do", do), "given": _columns(model, "given", given)}
    varied = _columns(model, "parameters", parameters)
    arrays = _arrays(model, _named(model, "tables", tables))
    rows = _rows([*columns["do"].items(), *columns["given"].items(), *varied.items()], arrays)
    first = {side: {n: _at(c, 0) for n, c in part.items()} for side, part in columns.items()}
    model._question(targets, first["do"], first["given"])  # says what is wrong with names
    arrays = {**_varied_tables(model, varied, rows, using), **arrays}
    axis = "row"
    while axis in (*targets, *model.shape.inputs):
        axis += "'"
    labels = [tuple(map(str, range(rows))), *(model.shape.object(n).values or () for n in targets)]
    check_answer_size([len(x) for x in labels], 12, max_memory)
    try:
        positions = [{n: _positions(model, n, c) for n, c in columns[side].items()} for side in ("do", "given")]
        product = model.factored(using).product
        own = {product.owners[b]: array for b, array in arrays.items()}
        found = each(product, targets, positions[0], positions[1], own, max_memory, tell, like)
    except (KeyError, PrecisionError):  # not for tables alone: every row takes the way of all other questions
        answers = _one_by_one(model, targets, columns, arrays, varied, rows, using, max_memory)
        one = answers[0]  # an open model has axes for its inputs, too
        return Distribution((axis, *one.variables), np.array([d.array for d in answers]), [labels[0], *one.values])
    holes = np.isnan(found).reshape(len(found), -1).any(axis=1)
    if holes.any():
        raise _impossible(columns, int(np.argmax(holes)))
    return Distribution((axis, *targets), np.broadcast_to(found, [len(x) for x in labels]), labels)


def marginals(
    model: Model,
    asked: Sequence[str],
    do: Mapping[str, object],
    given: Mapping[str, object],
    using: str,
    max_memory: int | None,
) -> dict[str, Distribution]:
    """As `Model.marginals`."""
    try:
        found = model.factored(using).marginals(do, given, asked, max_memory) if len(set(asked)) == len(asked) else None
    except (PrecisionError, AttributeError, TypeError):  # `do` or `given` may be no mapping
        found = None
    if found:
        return found
    model._question(asked, do, given)  # says what is wrong with names
    known: dict[str, Distribution] = {}
    for done, n in enumerate(asked):
        known[n] = model.query(n, do=do, given=given, using=using, max_memory=max_memory)
        tell(done + 1, len(asked))
    return known


def _columns(model: Model, option: str, given: object) -> dict[str, Any]:
    """Columns by name, from a mapping or a data frame."""
    return {n: _column(c) for n, c in _named(model, option, given).items()}


def _named(model: Model, option: str, given: Any) -> Mapping[str, Any]:
    """An argument by names: a mapping, or the columns of a data frame.

    Raises:
        QueryError: Q001 for anything else.
    """
    if given is not None and not isinstance(given, Mapping) and hasattr(given, "columns"):
        given = {n: given[n] for n in given.columns}
    known = {"parameters": model.parameters, "tables": boxes_of(model.shape)}.get(option, model.shape.names)
    given = {} if given is None else given
    check_mapping(option, given, "names to columns", next(iter(known), "name"))
    return given  # type: ignore[no-any-return]


def _column(column: Column) -> Any:
    """A list of values; or the one value for all rows."""
    one = isinstance(column, str | bytes) or getattr(column, "ndim", None) == 0
    if one or not hasattr(column, "__iter__"):
        return column
    return list(column)


def _at(column: Any, row: int) -> Any:
    return column[row] if isinstance(column, list) else column


def _rows(columns: Sequence[tuple[str, Any]], arrays: Mapping[str, Array]) -> int:
    """How many rows there are.

    Raises:
        QueryError: Q021 if columns are of different lengths, or there is no row.
    """
    lengths = {f"`{n}`": len(c) for n, c in columns if isinstance(c, list)}
    lengths |= {f"the table of `{n}`": len(a) for n, a in arrays.items()}
    if not lengths:
        return 1
    (name, rows), *others = lengths.items()
    odd = next(((n, k) for n, k in others if k != rows), None)
    if odd is not None:
        raise QueryError(
            Diagnostic(
                "Q021", f"{name} has {rows:,} rows, and {odd[0]} has {odd[1]:,}", help=("give one for each row",)
            )
        )
    if not rows:
        raise QueryError(Diagnostic("Q021", f"{name} has no rows"))
    return rows


def _positions(model: Model, name: str, column: Any) -> int | Array:
    """Where values stand among those of a variable.

    Raises:
        QueryError: N003 for something that is none of them.
        KeyError: if it has no finite values.
    """
    values = model.shape.object(name).values
    if values is None:
        raise KeyError(name)
    place = {v: k for k, v in enumerate(values)}

    def at(value: object) -> int:
        found = place.get(str(value))
        if found is None or value is None:
            raise QueryError(no_value(str(value), name, values))
        return found

    if not isinstance(column, list):
        return at(column)
    return np.array([at(v) for v in column], dtype=np.intp)


def _arrays(model: Model, tables: Mapping[str, object]) -> dict[str, Array]:
    """Tables of each row: shape (rows, values of each input…, values of the output).

    Raises:
        QueryError: N001 for an unknown box, T022 for numbers that do not fit.
    """
    boxes = boxes_of(model.shape)
    found = {}
    for name, given in tables.items():
        if name not in boxes:
            raise QueryError(
                Diagnostic("N001", f"`{model.name}` has no box `{name}`", notes=(f"it has {', '.join(boxes)}",))
            )
        array = number_array(given).astype(np.float64)
        b = boxes[name]
        shape = tuple(len(x.values or ()) for x in (*b.dom, *b.cod))
        outputs = tuple(range(1 + len(b.dom), array.ndim))
        if array.shape[1:] != shape:
            wanted = f"its shape is {array.shape}, and should be (rows, {', '.join(map(str, shape))})"
            raise QueryError(Diagnostic("T022", f"the tables given for box `{name}` do not fit", notes=(wanted,)))
        if not (array >= 0).all() or not np.allclose(array.sum(axis=outputs), 1, rtol=0, atol=1e-9):
            raise QueryError(
                Diagnostic("T022", f"the tables given for box `{name}` are no probabilities: columns have to sum to 1")
            )
        found[name] = array
    return found


def _varied_tables(model: Model, columns: Mapping[str, Any], rows: int, using: str) -> dict[str, Array]:
    """The tables of the boxes that depend on parameters, in each row; raises as `with_parameters`."""
    if not columns:
        return {}
    with_values(model.definition, {n: _at(c, 0) for n, c in columns.items()})
    definitions = model.definitions(using)
    found: dict[str, Array] = {}
    dependent = {
        name: (b, d)
        for name, b in boxes_of(model.shape).items()
        if isinstance(d := definitions.get(name), Formulas)
        and any(n in columns for body in d.bodies for n in parameters_in(body))
    }
    values = []
    for row in range(rows):
        definition = with_values(model.definition, {n: _at(c, row) for n, c in columns.items()})
        values.append({n: p.value for n, p in definition.parameters.items() if p.value is not None})
    for name, (b, d) in dependent.items():
        found[name] = np.stack([kernel(b, d, model.dataset, False, v).array for v in values])
    return found


def _one_by_one(
    model: Model,
    targets: Sequence[str],
    columns: Mapping[str, Mapping[str, Any]],
    arrays: Mapping[str, Array],
    parameters: Mapping[str, Any],
    rows: int,
    using: str,
    max_memory: int | None,
) -> list[Distribution]:
    """The answers row by row, as questions of their own.

    Raises:
        ZeroProbabilityError: Q002 for the first row in which what is seen is impossible; and as `Model.query`.
    """
    found = []
    for row in range(rows):
        do, given = ({n: _at(c, row) for n, c in columns[side].items()} for side in ("do", "given"))
        own = {b: Table(a.shape[1:], tuple(Fraction(p) for p in a[row].flat), False) for b, a in arrays.items()}
        one = model.with_parameters({n: _at(c, row) for n, c in parameters.items()}) if parameters else model
        if own:  # before those of an interpretation
            one = one.defined({**one.definitions(using), **own})
        try:
            answer = one.query(
                targets, do=do, given=given, semantics="matrix", using="" if own else using, max_memory=max_memory
            )
        except ZeroProbabilityError:
            raise _impossible(columns, row) from None
        found.append(answer)
        tell(row + 1, rows)
    return found


def _impossible(columns: Mapping[str, Mapping[str, Any]], row: int) -> ZeroProbabilityError:
    """Q002 for the first row that cannot be."""
    seen = ", ".join(f"{n} = {_at(c, row)}" for n, c in columns["given"].items())
    done = ", ".join(f"{n} := {_at(c, row)}" for n, c in columns["do"].items())
    after = f" after do({done})" if done else ""
    return ZeroProbabilityError(
        Diagnostic(
            "Q002",
            f"row {row}: `{seen}` has probability zero{after}",
            notes=("disintegration is undetermined there; Cutwire does not invent a column",),
            help=("leave such rows out",),
        )
    )
