"""Results as small tables for people, and as JSON for programs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cutwire.claims import Verdict
from cutwire.evaluate import Result
from cutwire.identification import Identification
from cutwire.program import Item, Picture
from semantics.distribution import Distribution, fraction_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_LONGEST_FRACTION = 24  # characters; a longer one is not read but counted
_MOST_ROWS = 60


def decimal(p: float | Fraction, digits: int = 6) -> str:
    """A number with a stated number of significant digits: intermediate rounding never shows.

    >>> decimal(Fraction(4013, 7400)), decimal(0.5), decimal(1e-12)
    ('0.542297', '0.5', '1e-12')
    """
    return f"{float(p):.{digits}g}"


def fraction(p: float | Fraction) -> str:
    """`a/b` for an exact number of readable length, else nothing."""
    text = fraction_text(p) if isinstance(p, Fraction) else ""
    return text if len(text) <= _LONGEST_FRACTION else ""


def in_unit(p: float | Fraction, unit: str, digits: int = 6) -> str:
    """A probability in another unit: odds, bits, decibans or percent.

    >>> in_unit(Fraction(3, 4), "odds"), in_unit(Fraction(1, 8), "bits"), in_unit(Fraction(1, 3), "percent")
    ('3 : 1', '3 bits', '33.3333 %')
    """
    match unit:
        case "odds":
            against = 1 - p
            if not against:
                return "certain"
            ratio = p / against
            return (
                f"{ratio.numerator} : {ratio.denominator}"
                if isinstance(ratio, Fraction)
                else f"{decimal(ratio, digits)} : 1"
            )
        case "bits":
            return f"{decimal(-math.log2(p), digits)} bits" if p > 0 else "infinite"
        case "decibans":
            if not 0 < p < 1:
                return "infinite"
            return f"{decimal(10 * math.log10(p / (1 - p)), digits)} dB"
        case "percent":
            return f"{decimal(100 * p, digits)} %"
        case _:
            return decimal(p, digits)


def title_of(result: Result) -> str:
    """The heading of an answer: its name, and the question."""
    name = result.statement.name
    return f"{name}: {result.statement.text}" if name else result.statement.text


def print_result(console: Console, result: Result, digits: int = 6) -> None:
    """An answer as a table (or a line, if it is one number), with the formula it was estimated by."""
    from rich.text import Text

    console.print(Text(title_of(result), style="bold"))
    d, unit = result.distribution, result.statement.unit
    if not d.variables:
        p = d[()]
        exact = fraction(p)
        shown = in_unit(p, unit, digits)
        console.print(Text(f"  {shown}" + (f"  = {exact}" if exact and unit != "odds" else "")))
    else:
        console.print(_table(d, unit, digits))
    for found in dict.fromkeys(str(e.formula) for e in result.estimates if e.found.asked.surgeries):
        console.print(Text(f"  by  {found}", style="cyan"))
    if result.estimates:
        console.print(Text(f"  from data {result.statement.data}", style="dim"))
    if result.expected is not None:
        _print_expectation(console, result, result.expected)


def _print_expectation(console: Console, result: Result, expected: Distribution) -> None:
    from rich.text import Text

    if result.met:
        console.print(Text("  as expected", style="green"))
    else:
        wanted = expected[()] if not expected.variables else None
        told = f": {fraction(wanted) or decimal(wanted)}" if wanted is not None else ""
        console.print(Text(f"  NOT as expected{told}", style="bold red"))


def _table(d: Distribution, unit: str, digits: int) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2), header_style="dim")
    for v in d.variables:
        table.add_column(v)
    table.add_column(unit or "probability", justify="right")
    exact = any(fraction(p) for p in d.array.flat)
    if exact:
        table.add_column("exact", justify="right", style="dim")
    for labels, p in itertools.islice(zip(itertools.product(*d.values), d.array.flat, strict=True), _MOST_ROWS):
        table.add_row(*labels, in_unit(p, unit, digits), *([fraction(p)] if exact else []))
    if d.array.size > _MOST_ROWS:
        table.add_row(*["…"] * len(d.variables), f"{d.array.size - _MOST_ROWS} more")
    return table


def print_verdict(console: Console, verdict: Verdict) -> None:
    """One line a claim; where it falls, the case."""
    from rich.text import Text

    mark, style = ("holds", "green") if verdict.holds else ("FALLS", "bold red")
    console.print(
        Text.assemble((mark, style), "  ", (verdict.statement.name, "bold"), f"  {verdict.evidence}".rstrip())
    )
    if not verdict.holds:
        console.print(Text(f"       {verdict.statement.text}"))
        for line in verdict.failure.splitlines():
            console.print(Text(f"       {line}", style="red"))
        for line in verdict.file.splitlines():
            console.print(Text(f"       | {line}".rstrip()))


def print_identification(console: Console, found: Identification, steps: bool = False, witness: bool = True) -> None:
    """A verdict: with the formula and what was checked, or with what stands in the way and two models that show it."""
    from rich.text import Text

    name = f"{found.statement.name}: " if found.statement.name else ""
    console.print(Text(f"{name}{found.statement.text}", style="bold"))
    given = "; ".join(map(str, found.given))
    if not found.identifiable:
        console.print(Text.assemble("  ", ("NOT identifiable", "bold red"), f" from {given}"))
        console.print(Text(f"  {found.note}"))
        if witness and found.witness_file:
            console.print(Text("  two models that agree on what is given and differ in the effect:", style="dim"))
            for line in found.witness_file.splitlines():
                console.print(Text(f"  | {line}".rstrip()))
        return
    console.print(Text.assemble("  ", ("identifiable", "green"), f" from {given}"))
    console.print(Text(f"  =  {found.formula}", style="cyan"))
    if found.note:
        console.print(Text(f"  {found.note}", style="dim"))
    for c in found.criteria:
        console.print(Text(f"  {c}", style="dim"))
    for k, step in enumerate(found.steps if steps else (), start=1):
        console.print(Text.assemble(f"  {k}. {step.text}", ("   " + step.law, "dim")))


def print_picture(console: Console, picture: Picture) -> None:
    """Where a picture went."""
    from rich.text import Text

    where = f"drawn to {picture.path}" if picture.path else "drawn"
    console.print(Text.assemble((picture.statement.title, "bold"), f"  {where}"), soft_wrap=True)


def result_json(result: Result) -> dict[str, Any]:
    """The JSON of one answer, as the command line documents it."""
    shown = distribution_json(result.distribution)
    if result.statement.name:
        shown["name"] = result.statement.name
    if result.estimates:
        shown["from"] = result.statement.data
        shown["formula"] = str(result.estimates[0].formula)
    if result.expected is not None:
        shown["expected"] = result.met
    return shown


def distribution_json(d: Distribution) -> dict[str, Any]:
    """`{"variables", "values", "probabilities", "exact"}`, or `{"probability", "exact"}` for one number."""
    if not d.variables:
        p = d[()]
        return {"probability": float(p), "exact": fraction_text(p) if isinstance(p, Fraction) else None}
    return d.to_dict()


def item_json(item: Item) -> dict[str, Any]:
    """One entry of the JSON of `run` and `check`."""
    match item:
        case Result():
            return {"kind": "estimate" if item.statement.data else "query", "query": item.statement.text} | result_json(
                item
            )
        case Verdict():
            shown: dict[str, Any] = {"kind": "claim", "name": item.statement.name, "claim": item.statement.text}
            shown |= {"holds": item.holds, "evidence": item.evidence or None}
            shown |= {"counterexample": item.failure or None}
            return shown | ({"model": item.file} if item.file else {})
        case Identification():
            shown = {"kind": "identify", "query": item.statement.text}
            return shown | ({"name": item.statement.name} if item.statement.name else {}) | item.to_dict()
        case Picture():
            return {"kind": "picture", "title": item.statement.title, "path": str(item.path) if item.path else None}


def failures(items: Sequence[Item]) -> int:
    """How many claims fell and expectations were missed."""
    return sum((isinstance(i, Verdict) and not i.holds) or (isinstance(i, Result) and not i.met) for i in items)
