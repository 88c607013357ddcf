"""One distribution, as written: `[4/5, _]`, `[9 : 1]`, `{no: 0.2, yes: _}`, `flip(1/3)`, `uniform()`, a bare value.

All numbers are exact; a row must sum to exactly 1, unless it has a literal like `0.333f`: then it may be off by 1e-6
and is normalised.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from parser import syntax
from parser.constants import Constant, constant, show_number
from parser.domains import find_value, unknown_value
from parser.scope import count, near, problem, second_place, shorten
from strings.diagnostic import LanguageError, Span
from strings.expression import FAMILIES
from strings.signature import Object

TOLERANCE = Fraction(1, 10**6)
"""A row with a literal such as `0.333f` may be off by so much."""


@dataclass(frozen=True, slots=True)
class Column:
    """A distribution over the values of one object, in declared order."""

    entries: tuple[Fraction, ...]
    exact: bool = True


def column(dist: syntax.Dist, x: Object, declared: Span | None = None) -> Column:
    """The numbers of a distribution on `x`; `declared` is where `x` was declared.

    Raises:
        LanguageError: T001, T002, T004, T006, T008, T010, T013, T014, T015, N003.
    """
    match dist:
        case syntax.Probabilities(entries):
            check_length(len(entries), x, dist.span, declared)
            return _filled(entries, x, dist)
        case syntax.Odds(weights):
            check_length(len(weights), x, dist.span, declared)
            return normalise([constant(w) for w in weights], [w.span for w in weights], dist.span)
        case syntax.Labelled(entries):
            return _filled(by_value(entries, x, dist.span), x, dist)
        case syntax.PointValue(value):
            return point(find_value(value, x), x)
        case syntax.Call():
            return _call(dist, x)


def point(value: str, x: Object) -> Column:
    """All weight on one value."""
    return Column(tuple(Fraction(int(v == value)) for v in x.values or ()))


def check_length(length: int, x: Object, span: Span | None, declared: Span | None) -> None:
    """T001 unless a row has an entry for every value."""
    values = x.values or ()
    if length == len(values):
        return
    raise problem(
        "T001",
        f"this row has {count(length, 'entry').replace('entrys', 'entries')}, `{x.name}` has"
        f" {count(len(values), 'value')}",
        span,
        count(length, "entry").replace("entrys", "entries"),
        also=second_place(declared, f"{{{shorten(values)}}}"),
        help=(_decimal_comma(span) if length == 2 * len(values) else ())
        or ("entries stand in the order of the declaration; write `_` for what is left",),
    )


def _decimal_comma(span: Span | None) -> tuple[str, ...]:
    """Advice if a number in a row or call may be written with a comma: `0,5`."""
    found = re.search(r"(?<![\d.])\d+,\d+", span.text if span else "")
    return (f"a decimal has a point: `{found[0].replace(',', '.')}`",) if found else ()


def by_value(
    entries: Sequence[tuple[syntax.Name, syntax.Expression | syntax.Rest]], x: Object, span: Span | None
) -> list[syntax.Expression | syntax.Rest]:
    """The entries of a labelled row in declared order."""
    found: dict[str, syntax.Expression | syntax.Rest] = {}
    places: dict[str, Span | None] = {}
    for name, entry in entries:
        if name.text not in (x.values or ()):
            raise problem(
                "T004",
                f"`{name.text}` is not a value of `{x.name}`",
                name.span,
                f"not in {{{shorten(x.values or ())}}}",
                help=near(name.text, x.values or ()),
            )
        if name.text in found:
            also = second_place(places[name.text], "first here")
            message = f"the value `{name.text}` stands twice in this row"
            raise problem("T004", message, name.span, "again here", also=also)
        places[name.text] = name.span
        found[name.text] = entry
    missing = [v for v in x.values or () if v not in found]
    if missing:
        listed = shorten((f"`{v}`" for v in missing), 3)
        help_ = f"add `{missing[0]}: _` for what is left, or `{missing[0]}: 0`"
        raise problem("T004", f"this row says nothing of {listed}", span, "not all values", help=(help_,))
    return [found[v] for v in x.values or ()]


def _filled(
    entries: Sequence[syntax.Expression | syntax.Rest], x: Object, dist: syntax.Probabilities | syntax.Labelled
) -> Column:
    """The entries as numbers, `_` filled in; they must sum to 1."""
    rests = [e for e in entries if isinstance(e, syntax.Rest)]
    if len(rests) > 1:
        also = second_place(rests[0].span, "first here")
        raise problem("T010", "only one entry of a row can be what is left", rests[1].span, "a second `_`", also=also)
    known = [None if isinstance(e, syntax.Rest) else probability(e) for e in entries]
    total = sum((c.value for c in known if c), Fraction(0))
    exact = all(c.exact for c in known if c)
    if rests and (total <= 1 or (not exact and total <= 1 + TOLERANCE)):
        left = max(Fraction(0), 1 - total)
        values = [left if c is None else c.value for c in known]
    elif rests:
        label = f"the others sum to {show_number(total)}"
        also = second_place(rests[0].span, "this would be less than 0")
        raise problem("T002", "nothing is left in this row", dist.span, label, also=also)
    else:
        values = [c.value for c in known if c]
    total = sum(values, Fraction(0))
    if total != 1 and (exact or abs(total - 1) > TOLERANCE):
        raise _wrong_sum(values, total, x, dist, exact)
    return Column(tuple(v / total for v in values) if total != 1 else tuple(values), exact)


def probability(e: syntax.Expression) -> Constant:
    """A number between 0 and 1.

    Raises:
        LanguageError: T008 if it is none.
    """
    c = constant(e)
    if c.value < 0:
        raise problem("T008", "a probability cannot be negative", e.span, show_number(c.value))
    if c.value > 1:
        percent = (
            (f"did you mean `{show_decimal(c.value)}%`?",)
            if c.value <= 100 and isinstance(e, syntax.NumberLiteral)
            else ()
        )
        weights = "weights are written with colons: `[9 : 1]`"
        raise problem("T008", "a probability cannot exceed 1", e.span, show_number(c.value), help=(*percent, weights))
    return c


def show_decimal(value: Fraction) -> str:
    """A short decimal number."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


def _notes(exact: bool) -> tuple[str, ...]:
    if exact:
        return ("literals are exact: 0.333 is 333/1000; write 0.333f for a float row",)
    return ("a row with a literal such as 0.333f may be off by 1e-6, not more",)


def _wrong_sum(
    values: Sequence[Fraction], total: Fraction, x: Object, dist: syntax.Probabilities | syntax.Labelled, exact: bool
) -> LanguageError:
    help_ = []
    if sum(values[:-1], Fraction(0)) <= 1:
        help_.append(f"let the last entry be the rest: `{_written(values, x, dist, rest=True)}`")
    if isinstance(dist, syntax.Probabilities) and total > 0 and len(values) <= 12:
        help_.append(f"or give weights, which are normalised: `[{' : '.join(map(str, values))}]`")
    return problem(
        "T002",
        "this row does not sum to 1",
        dist.span,
        f"sums to {show_number(total)}",
        notes=_notes(exact),
        help=help_ if len(values) <= 12 else (),
    )


def _written(values: Sequence[Fraction], x: Object, dist: syntax.Dist, rest: bool) -> str:
    texts = [str(v) for v in values[: len(values) - rest]] + ["_"] * rest
    if isinstance(dist, syntax.Labelled):
        return "{" + ", ".join(f"{v}: {t}" for v, t in zip(x.values or (), texts, strict=True)) + "}"
    return f"[{', '.join(texts)}]"


def normalise(weights: Sequence[Constant], spans: Sequence[Span | None], span: Span | None) -> Column:
    """Weights divided by their sum.

    Raises:
        LanguageError: T008 if one is negative, T006 if all are 0.
    """
    for w, where in zip(weights, spans, strict=True):
        if w.value < 0:
            raise problem("T008", "a weight cannot be negative", where, show_number(w.value))
    total = sum((w.value for w in weights), Fraction(0))
    if total == 0:
        raise problem("T006", "all weights are 0", span, "nothing to normalise")
    return Column(tuple(w.value / total for w in weights), all(w.exact for w in weights))


def _call(dist: syntax.Call, x: Object) -> Column:
    """`flip(p)` and `uniform()`; what stands for a whole box is refused."""
    values = x.values or ()
    match dist.name.text:
        case "flip":
            return _flip(dist, x)
        case "uniform":
            if dist.arguments:
                raise problem("T013", "`uniform()` takes no argument", dist.arguments[0].span, "not needed")
            return Column((Fraction(1, len(values)),) * len(values))
        case "noisy_or" | "fit" as name:
            help_ = (f"write it for the whole box: `box … = {name}(…)`",)
            raise problem("T014", f"`{name}` cannot be one row of a table", dist.span, "says all rows", help=help_)
        case name if name in FAMILIES:
            label = f"`{x.name}` takes {{{shorten(values)}}}"
            advice = ("write a row `[…]` or `flip(…)`", f"or declare `var {x.name} : {FAMILIES[name].space}`")
            raise problem("T024", f"`{name}` draws numbers", dist.span, label, help=advice)
        case name:
            close = near(name, ("flip", "uniform", "noisy_or", "fit"))
            notes = ("there are flip(p), uniform(), noisy_or(…) and fit(data)",)
            raise problem(
                "N002", f"unknown distribution `{name}`", dist.name.span, "not known", notes=notes, help=close
            )


def _flip(dist: syntax.Call, x: Object) -> Column:
    if len(x.values or ()) != 2:
        label = f"`{x.name}` has {count(len(x.values or ()), 'value')}"
        raise problem("T015", "`flip` needs exactly two values", dist.span, label, help=("write a row `[…, _]`",))
    if len(dist.arguments) != 1 or dist.arguments[0].name is not None:
        help_ = _decimal_comma(dist.span) or (f"`flip(p)` gives `{(x.values or ('', ''))[1]}` the probability p",)
        raise problem("T013", "`flip` takes one number", dist.span, f"{len(dist.arguments)} given", help=help_)
    p = probability(dist.arguments[0].value)
    return Column((1 - p.value, p.value), p.exact)


__all__ = ["Column", "column", "normalise", "point", "probability", "unknown_value"]
