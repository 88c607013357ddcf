"""What a box is: rows, one distribution, a function, `noisy_or`, `fit` — turned into a dense exact table.

The first row that matches wins. Rows are laid over the table by index arithmetic, and the work is bounded beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

from parser import syntax
from parser.constants import constant
from parser.distributions import Column, column, probability
from parser.domains import find_value
from parser.functions import tabulate
from parser.program import Definition, Fit, Table
from parser.scope import Report, Scope, Skipped, count, from_to, near, problem, second_place, shorten, too_large
from parser.signatures import Entry
from strings.diagnostic import Span
from strings.signature import Box, Object

MAX_CELLS = 2_000_000
"""Entries of one table."""
MAX_STEPS = 10_000_000
"""Cells that the rows of one table may match altogether."""


def define_boxes(scope: Scope) -> None:
    """The definitions of all mechanisms and policies of a scope that have a body."""
    for entry in [e for e in scope.boxes.own().values() if e.decl is not None]:
        body = entry.decl.body if entry.decl else None
        if body is None or isinstance(body, syntax.Composite):
            continue
        with scope.report.collect(body.span or entry.name.span):
            if not entry.variable:
                _refuse_numbers(entry, body)
            scope.definitions[entry.name.text] = definition(body, entry, scope)


def _refuse_numbers(entry: Entry, body: syntax.BoxBody) -> None:
    odd = next((x for x in (*entry.dom, *entry.cod) if x.values is None), None)
    raise problem(
        "T016",
        "a box over types has no numbers",
        body.span,
        f"`{odd.name}` has no values" if odd else "no variable is produced here",
        help=("declare its wires as variables with domains, `var A : {…}`, or leave the body out",),
    )


def definition(body: syntax.BoxBody, entry: Entry, scope: Scope) -> Definition:
    """What a body says about a box whose ports are variables with values.

    Raises:
        LanguageError: codes T, N and F. LimitError: L003.
    """
    b = entry.box
    if b is None:
        raise Skipped
    if isinstance(body, syntax.Call) and body.name.text == "fit":
        return _fit(body, b, scope)
    shape = tuple(len(x.values or ()) for x in (*b.dom, *b.cod))
    if prod(shape) > MAX_CELLS:
        label = f"{prod(shape):,} entries, at most {MAX_CELLS:,}"
        raise too_large(f"the table of `{b.name}` is too large", entry.name.span, label)
    scope.bounds.spend_cells(prod(shape), entry.name.span, f"the table of `{b.name}`")
    declared = scope.objects.place(b.cod[0].name)
    match body:
        case syntax.Table(rows):
            columns = _rows(rows, entry, b, declared, scope.report)
        case syntax.Function():
            columns = tabulate(body, b)
        case syntax.Call() if body.name.text == "noisy_or":
            columns = _noisy_or(body, b)
        case syntax.Composite():
            raise problem("M009", "an interpretation gives numbers, not a diagram", body.span, "no numbers")
        case _:
            columns = [column(body, b.cod[0], declared)] * prod(shape[:-1])
    return table(shape, columns)


def table(shape: tuple[int, ...], columns: Sequence[Column]) -> Table:
    """A dense table from its columns, last input fastest."""
    entries: list[Fraction] = []
    for c in columns:
        entries.extend(c.entries)
    return Table(shape, tuple(entries), all(c.exact for c in columns))


def _rows(rows: Sequence[syntax.Row], entry: Entry, b: Box, declared: Span | None, report: Report) -> list[Column]:
    """The column of every combination of inputs; problems of all rows are collected."""
    sizes = [len(x.values or ()) for x in b.dom]
    strides = [prod(sizes[k + 1 :]) for k in range(len(sizes))]
    chosen: list[int | None] = [None] * prod(sizes)
    columns: list[Column | None] = []
    steps, sound = 0, True
    for number, row in enumerate(rows):
        columns.append(None)
        with report.collect(row.span):
            columns[number] = column(row.dist, b.cod[0], declared)
        cells: list[int] | None = None
        with report.collect(row.span):
            cells = _matched(row, b, sizes, strides)
        if cells is None or columns[number] is None:
            sound = False
            continue
        steps += len(cells)
        if steps > MAX_STEPS:
            raise too_large(f"the rows of `{b.name}` overlap too much", row.span, f"over {MAX_STEPS:,} matches")
        _lay(number, cells, chosen, row, report)
    if not sound:
        raise Skipped
    _check_covered(chosen, sizes, entry, b)
    return [c for k in chosen if k is not None and (c := columns[k]) is not None]


def _lay(number: int, cells: Sequence[int], chosen: list[int | None], row: syntax.Row, report: Report) -> None:
    """Give a row the cells that it matches and no row above has; warn (T005) if there are none."""
    new = [k for k in cells if chosen[k] is None]
    for k in new:
        chosen[k] = number
    if not new:
        label = "rows above cover every case of it"
        report.warn("T005", "this row can never apply", row.span, label, ("remove it, or move it up",))


def _matched(row: syntax.Row, b: Box, sizes: Sequence[int], strides: Sequence[int]) -> list[int]:
    """The numbers of the combinations that a row's patterns match."""
    if len(row.patterns) != len(sizes):
        given = count(len(row.patterns), "pattern")
        message = f"this row has {given}, `{b.name}` hears {count(len(sizes), 'variable')}"
        help_ = f"the inputs are {shorten(x.name for x in b.dom)}" if sizes else f"write `{b.name} : -> … = [..]`"
        where = from_to(row.patterns[0].span, row.patterns[-1].span) if row.patterns else row.span
        raise problem("T007", message, where, given, help=(help_,))
    found = [0]
    for pattern, x, size, stride in zip(row.patterns, b.dom, sizes, strides, strict=True):
        if isinstance(pattern, syntax.Rest):
            if len(found) * size > MAX_STEPS:
                raise too_large(f"the rows of `{b.name}` match too many cases", row.span)
            found = [k + stride * v for k in found for v in range(size)]
        else:
            at = stride * (x.values or ()).index(find_value(pattern, x))
            found = [k + at for k in found]
    return found


def _check_covered(chosen: Sequence[int | None], sizes: Sequence[int], entry: Entry, b: Box) -> None:
    missing = [k for k, number in enumerate(chosen) if number is None]
    if not missing:
        return
    cases = [", ".join(_case(k, b)) for k in missing[:3]]
    more = f" and {len(missing) - 3:,} more" if len(missing) > 3 else ""
    raise problem(
        "T003",
        f"the table of `{b.name}` misses {count(len(missing), 'case')}",
        entry.name.span,
        f"not covered: {'; '.join(cases)}{more}",
        help=(f"add `| {cases[0]} -> [..]`, or a last row `| {', '.join('_' for _ in sizes)} -> [..]`",),
    )


def _case(number: int, b: Box) -> list[str]:
    """The input values of a combination by its number."""
    values = []
    for x in reversed(b.dom):
        number, k = divmod(number, len(x.values or ()))
        values.append((x.values or ())[k])
    return values[::-1]


def _noisy_or(call: syntax.Call, b: Box) -> list[Column]:
    """P(on) = 1 - (1 - leak) * product of (1 - p) over the parents that are on; the second value is "on"."""
    _check_binary(call, b)
    strengths, exact = _strengths(call, b)
    leak = strengths.pop("") if "" in strengths else Fraction(0)
    missing = [x.name for x in b.dom if x.name not in strengths]
    if missing:
        label = f"{', '.join(missing)} missing"
        help_ = (f"add `{missing[0]} = …`, its chance to switch `{b.cod[0].name}` on alone",)
        raise problem("T013", f"`noisy_or` needs a number for every input of `{b.name}`", call.span, label, help=help_)
    off = [1 - leak]
    for x in b.dom:
        off = [p for q in off for p in (q, q * (1 - strengths[x.name]))]
    return [Column((q, 1 - q), exact) for q in off]


def _check_binary(call: syntax.Call, b: Box) -> None:
    for x in (*b.dom, *b.cod):
        if len(x.values or ()) != 2:
            label = f"`{x.name}` has {count(len(x.values or ()), 'value')}"
            raise problem("T015", "`noisy_or` is for variables of two values", call.span, label)


def _strengths(call: syntax.Call, b: Box) -> tuple[dict[str, Fraction], bool]:
    """The number of every input; the leak under the empty name."""
    names = [x.name for x in b.dom]
    found: dict[str, Fraction] = {}
    exact = True
    for argument in call.arguments:
        if argument.name is None:
            help_ = (f"write `{names[0] if names else 'leak'} = …`",)
            raise problem("T013", "`noisy_or` takes numbers by name", argument.span, "whose is it?", help=help_)
        name = argument.name.text
        if name not in names and name != "leak":
            close = near(name, [*names, "leak"])
            label = f"the inputs are {shorten(names)}"
            raise problem("T013", f"`{name}` is no input of `{b.name}`", argument.name.span, label, help=close)
        key = name if name in names else ""
        if key in found:
            first = next(a.name for a in call.arguments if a.name is not None and a.name.text == name)
            also = second_place(first.span, "first here")
            raise problem("T013", f"`{name}` stands twice", argument.name.span, "again here", also=also)
        p = probability(argument.value)
        found[key], exact = p.value, exact and p.exact
    return found, exact


def _fit(call: syntax.Call, b: Box, scope: Scope) -> Fit:
    """`fit(data)` or `fit(data, alpha = 1)`; the data must have all variables of the box."""
    data_name, alpha = fit_arguments(call)
    data = scope.data.find(data_name)
    missing = [x for x in (*b.dom, *b.cod) if x.name not in data.variables]
    if missing:
        raise problem(
            "F004",
            f"data `{data.name}` has no column for `{missing[0].name}`",
            data_name.span,
            f"`{b.name}` needs {shorten(x.name for x in (*b.dom, *b.cod))}",
            also=second_place(data.span, f"has {shorten(data.variables)}"),
        )
    return Fit(data.name, alpha, call.span)


def fit_arguments(call: syntax.Call) -> tuple[syntax.Name, Fraction]:
    """The data and the pseudo-count of `fit(data, alpha = 1)`.

    Raises:
        LanguageError: T013, T008.
    """
    names = [a.value.name for a in call.arguments if a.name is None and isinstance(a.value, syntax.Ref)]
    alphas = [a for a in call.arguments if a.name is not None and a.name.text == "alpha"]
    if len(names) != 1 or len(names) + len(alphas) != len(call.arguments) or len(alphas) > 1:
        help_ = ("write `fit(data)`, or `fit(data, alpha = 1)` for one pseudo-count a value",)
        raise problem("T013", "`fit` takes the name of data", call.span, "not understood", help=help_)
    if not alphas:
        return names[0], Fraction(0)
    alpha = constant(alphas[0].value).value
    if alpha < 0:
        raise problem("T008", "a pseudo-count cannot be negative", alphas[0].span, "below 0")
    return names[0], alpha


def state_table(dist: syntax.Dist, x: Object) -> Table:
    """The table of a fresh state box with this distribution, as in `do(X ~ [1/2, 1/2])`."""
    return table((len(x.values or ()),), [column(dist, x)])
