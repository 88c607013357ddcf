"""What a box is: rows, one distribution, a function, `noisy_or`, `fit` — turned into a dense exact table.

The first row that matches wins. Rows are laid over the table by index arithmetic, and the work is bounded beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import fields, is_dataclass
from fractions import Fraction
from math import prod
from typing import TypeVar

from parser import syntax
from parser.constants import constant
from parser.distributions import Column, column, probability
from parser.domains import find_value
from parser.draws import (
    constant_column,
    finite_inputs,
    function_bodies,
    is_random,
    noisy_or_bodies,
    row_body,
    single_body,
)
from parser.functions import tabulate
from parser.program import Definition, Dirichlet, Fit, Formulas, Table
from parser.residual import Known, lifted
from parser.scope import Report, Scope, Skipped, count, from_to, near, problem, second_place, shorten, too_large
from parser.signatures import Entry
from strings.diagnostic import Span
from strings.expression import Body, Constant, Expression, Parameter
from strings.signature import Box, Object

T = TypeVar("T")

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
    if isinstance(body, syntax.Composite):
        raise problem("M009", "an interpretation gives numbers, not a diagram", body.span, "no numbers")
    finite = [x for x in (*b.dom, *b.cod) if not x.space]
    shape = tuple(len(x.values or ()) for x in finite)
    if prod(shape) > MAX_CELLS:
        label = f"{prod(shape):,} entries, at most {MAX_CELLS:,}"
        raise too_large(f"the table of `{b.name}` is too large", entry.name.span, label)
    scope.bounds.spend_cells(prod(shape), entry.name.span, f"the table of `{b.name}`")
    declared = scope.objects.place(b.cod[0].name)
    if isinstance(body, syntax.Call) and body.name.text == "dirichlet":
        return _dirichlet(body, b)
    parameters = _parameters(body, scope)
    plain = len(finite) == len(b.dom) + 1 and not parameters
    if plain and not (isinstance(body, syntax.Function) and is_random(body.body)):
        return table(shape, _columns(body, entry, b, declared, scope.report))
    bodies = _bodies(body, entry, b, parameters, declared, scope.report)
    columns = [constant_column(x) for x in bodies] if len(finite) == len(b.dom) + 1 else [None]
    if all(c is not None for c in columns):
        return table(shape, [c for c in columns if c is not None])
    return Formulas(shape[: len(finite_inputs(b))], tuple(bodies), body.span)


def _columns(body: syntax.BoxBody, entry: Entry, b: Box, declared: Span | None, report: Report) -> Sequence[Column]:
    """The columns of a table of numbers."""
    match body:
        case syntax.Table(rows):
            return _rows(rows, entry, b, lambda row: column(row.dist, b.cod[0], declared), report)
        case syntax.Function():
            return tabulate(body, b)
        case syntax.Call() if body.name.text == "noisy_or":
            return _noisy_or(body, b)
        case syntax.Composite():
            return ()
        case _:
            return [column(body, b.cod[0], declared)] * prod(len(x.values or ()) for x in b.dom)


def _bodies(
    body: syntax.BoxBody,
    entry: Entry,
    b: Box,
    parameters: Sequence[str],
    declared: Span | None,
    report: Report,
) -> Sequence[Body]:
    """What a box given by formulas draws from, for every combination of its finite inputs."""
    match body:
        case syntax.Table(rows):
            return _rows(rows, entry, b, lambda row: row_body(row, b, parameters, declared), report)
        case syntax.Function():
            return function_bodies(body, b, parameters, declared)
        case syntax.Call() if body.name.text == "noisy_or":
            return _noisy_or_with(body, b, parameters)
        case syntax.Composite():
            return ()
        case _:
            combinations = prod(len(b.dom[k].values or ()) for k in finite_inputs(b))
            return [single_body(body, b, parameters, declared)] * combinations


def _parameters(body: syntax.BoxBody, scope: Scope) -> list[str]:
    """The parameters in sight that a body names.

    Raises:
        Skipped: if the declaration of one is broken.
    """
    known = scope.parameters.known()
    if not known:
        return []
    named = {n.text for n in names_in(body)}
    found = [n for n in dict.fromkeys(known) if n in named]
    if any(scope.parameters.is_broken(n) for n in found):
        raise Skipped
    return found


def names_in(body: object) -> list[syntax.Name]:
    """All names in a body, its own parameters included."""
    found: list[syntax.Name] = []
    stack: list[object] = [body]
    while stack:
        node = stack.pop()
        if isinstance(node, syntax.Name):
            found.append(node)
        elif isinstance(node, tuple):
            stack.extend(node)
        elif is_dataclass(node) and not isinstance(node, Span):
            stack.extend(getattr(node, f.name) for f in fields(node) if f.name != "span")
    return found


def _dirichlet(call: syntax.Call, b: Box) -> Dirichlet:
    odd = next((x for x in (*b.dom, *b.cod) if x.space), None)
    if odd is not None:
        label = f"`{odd.name}` is `{odd.space}`"
        raise problem("T024", "`dirichlet` is for tables over finitely many values", call.span, label)
    if len(call.arguments) > 1 or any(a.name is not None and a.name.text != "alpha" for a in call.arguments):
        raise problem("T013", "`dirichlet` takes one number", call.span, help=("write `dirichlet(1)`",))
    alpha = constant(call.arguments[0].value).value if call.arguments else Fraction(1)
    if alpha <= 0:
        raise problem("T008", "a pseudo-count here is greater than 0", call.arguments[0].span, f"this is {alpha}")
    return Dirichlet(alpha, call.span)


def table(shape: tuple[int, ...], columns: Sequence[Column]) -> Table:
    """A dense table from its columns, last input fastest."""
    entries: list[Fraction] = []
    for c in columns:
        entries.extend(c.entries)
    return Table(shape, tuple(entries), all(c.exact for c in columns))


def _rows(rows: Sequence[syntax.Row], entry: Entry, b: Box, read: Callable[[syntax.Row], T], report: Report) -> list[T]:
    """What `read` makes of the row of every combination of finite inputs; problems of all rows are collected."""
    sizes = [1 if x.space else len(x.values or ()) for x in b.dom]
    strides = [prod(sizes[k + 1 :]) for k in range(len(sizes))]
    chosen: list[int | None] = [None] * prod(sizes)
    columns: list[T | None] = []
    steps, sound = 0, True
    for number, row in enumerate(rows):
        columns.append(None)
        with report.collect(row.span):
            columns[number] = read(row)
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
        if isinstance(pattern, syntax.Rest) or x.space:
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
        number, k = divmod(number, 1 if x.space else len(x.values or ()))
        values.append("_" if x.space else (x.values or ())[k])
    return values[::-1]


def _noisy_or(call: syntax.Call, b: Box) -> list[Column]:
    """P(on) = 1 - (1 - leak) * product of (1 - p) over the parents that are on; the second value is "on"."""
    _check_binary(call, b)
    strengths, exact = _strengths(call, b)
    leak = strengths.pop("") if "" in strengths else Fraction(0)
    _check_complete(call, b, strengths)
    off = [1 - leak]
    for x in b.dom:
        off = [p for q in off for p in (q, q * (1 - strengths[x.name]))]
    return [Column((q, 1 - q), exact) for q in off]


def _check_binary(call: syntax.Call, b: Box) -> None:
    for x in (*b.dom, *b.cod):
        if len(x.values or ()) != 2:
            label = f"`{x.name}` has {count(len(x.values or ()), 'value')}"
            raise problem("T015", "`noisy_or` is for variables of two values", call.span, label)


def _noisy_or_with(call: syntax.Call, b: Box, parameters: Sequence[str]) -> list[Body]:
    """`noisy_or` with parameters."""
    _check_binary(call, b)
    known = Known({n: Parameter(n) for n in parameters}, {})
    found = {name: lifted(known.term(a.value), a.value) for name, a in _by_input(call, b).items()}
    for name, a in _by_input(call, b).items():
        if isinstance(found[name], Constant):
            probability(a.value)
    leak: Expression = found.pop("", Constant(Fraction(0)))
    _check_complete(call, b, found)
    return noisy_or_bodies(found, leak, b)


def _strengths(call: syntax.Call, b: Box) -> tuple[dict[str, Fraction], bool]:
    """The number of every input; the leak under the empty name."""
    found = {name: probability(a.value) for name, a in _by_input(call, b).items()}
    return {n: p.value for n, p in found.items()}, all(p.exact for p in found.values())


def _check_complete(call: syntax.Call, b: Box, found: Container[str]) -> None:
    missing = [x.name for x in b.dom if x.name not in found]
    if missing:
        label = f"{', '.join(missing)} missing"
        help_ = (f"add `{missing[0]} = …`, its chance to switch `{b.cod[0].name}` on alone",)
        raise problem("T013", f"`noisy_or` needs a number for every input of `{b.name}`", call.span, label, help=help_)


def _by_input(call: syntax.Call, b: Box) -> dict[str, syntax.Argument]:
    """The arguments by input; the leak under the empty name."""
    names = [x.name for x in b.dom]
    found: dict[str, syntax.Argument] = {}
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
        found[key] = argument
    return found


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


def state_definition(dist: syntax.Dist, x: Object, parameters: Sequence[str]) -> Table | Formulas:
    """The definition of a fresh state box with this distribution, as in `do(X ~ [1/2, 1/2])`."""
    named = {n.text for n in names_in(dist)}
    found = [n for n in parameters if n in named]
    if not x.space and not found:
        return table((len(x.values or ()),), [column(dist, x)])
    body = single_body(dist, Box("", (), (x,)), found, None)
    constant_ = None if x.space else constant_column(body)
    return Formulas((), (body,), dist.span) if constant_ is None else table((len(x.values or ()),), [constant_])
