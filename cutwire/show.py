"""Results as small tables for people, and as JSON for programs.

What people read has control characters as escapes, whatever the names and values of a file hold.
"""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutwire.assessment import Assessment
from cutwire.claims import Verdict
from cutwire.counterfactual import CounterfactualIdentification
from cutwire.evaluate import Result
from cutwire.identification import AnyIdentification, Identification
from cutwire.meanings import Answered
from cutwire.program import Failure, Item, Picture
from semantics.distribution import Distribution, fraction_text
from strings.counterfactual_steps import CounterfactualStep
from strings.derivation import Step
from strings.diagnostic import Diagnostic, LimitError, visible
from strings.formula import Ask, Formula

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from cutwire.laws import LawReport

_LONGEST_FRACTION = 24  # characters; a longer one is not read but counted
_MOST_ROWS = 60
_MOST_THIN = 3  # lines about thin conditionals


# ---- numbers ---------------------------------------------------------------------------------------------------------


def decimal(p: float | Fraction, digits: int = 6) -> str:
    """A number with a stated number of significant digits: intermediate rounding never shows.

    >>> decimal(Fraction(4013, 7400)), decimal(0.5), decimal(1e-12), decimal(Fraction(1, 3**1000))
    ('0.542297', '0.5', '1e-12', '7.56389e-478')
    """
    if not isinstance(p, Fraction):
        return f"{float(p) + 0.0:.{digits}g}"  # never -0
    with localcontext(Context(prec=digits + 10, Emin=MIN_EMIN, Emax=MAX_EMAX)) as context:
        exact = Decimal(p.numerator) / Decimal(p.denominator)
        context.prec = digits
        d = (+exact).normalize()
        if -5 < d.adjusted() < digits:
            return f"{d:f}"
        mantissa, _, power = f"{d:e}".partition("e")
        return f"{mantissa}e{int(power):+03d}"


def fraction(p: float | Fraction) -> str:
    """`a/b` for an exact number of readable length, else nothing."""
    if (
        not isinstance(p, Fraction)
        or p.denominator.bit_length() + abs(p.numerator).bit_length() > 4 * _LONGEST_FRACTION
    ):
        return ""
    text = fraction_text(p)
    return text if len(text) <= _LONGEST_FRACTION else ""


def in_unit(p: float | Fraction, unit: str, digits: int = 6) -> str:
    """A probability in another unit: odds, bits, decibans or percent.

    >>> in_unit(Fraction(3, 4), "odds"), in_unit(Fraction(1, 8), "bits"), in_unit(Fraction(1, 3), "percent")
    ('3 : 1', '3 bits', '33.3333 %')
    >>> in_unit(Fraction(1), "bits"), in_unit(Fraction(0), "decibans"), in_unit(Fraction(1, 10**400), "decibans")
    ('0 bits', '-infinite dB', '-4000 dB')
    """
    if unit:
        p = min(max(p, type(p)(0)), type(p)(1))  # sums of floats may miss 1 by a little
    match unit:
        case "odds":
            return "certain" if p == 1 else _odds(p / (1 - p), digits)
        case "bits":
            return f"{decimal(-_log(p) * _BITS, digits)} bits" if p else "infinite bits"
        case "decibans":
            if p in (0, 1):
                return "infinite dB" if p else "-infinite dB"
            return f"{decimal(_log(p / (1 - p)) * _DECIBANS, digits)} dB"
        case "percent":
            return f"{decimal(100 * p, digits)} %"
        case _:
            return decimal(p, digits)


def _odds(ratio: float | Fraction, digits: int) -> str:
    if isinstance(ratio, Fraction):
        above, below = (fraction(Fraction(n)) for n in ratio.as_integer_ratio())
        if above and below:
            return f"{above} : {below}"
    return f"{decimal(ratio, digits)} : 1"


_BITS = Fraction(1 / math.log(2))
_DECIBANS = Fraction(10 / math.log(10))


def _log(p: float | Fraction) -> float | Fraction:
    """The natural logarithm of a positive number: to full precision however small, large or close to 1 a fraction is.

    >>> round(_log(Fraction(1, 10**400)) / math.log(10), 9)
    -400.0
    """
    if not isinstance(p, Fraction):
        return math.log(p)
    if abs(p - 1) < Fraction(1, 10**20):
        return p - 1
    if Fraction(1, 2) < p < 2:
        return math.log1p(float(p - 1))
    return math.log(p.numerator) - math.log(p.denominator)


# ---- for people ------------------------------------------------------------------------------------------------------


def _text(text: str, style: str = "") -> Text:
    """A line that is safe to print."""
    from rich.text import Text

    return Text(visible(text), style=style)


def title_of(result: Result) -> str:
    """The heading of an answer: its name, and the question."""
    name = result.statement.name
    return f"{name}: {result.statement.text}" if name else result.statement.text


def heading_of(result: Result) -> str:
    """What the numbers of an answer are: probabilities, if one was asked for; values of a formula; or in a unit."""
    asked = result.statement.formula
    single = isinstance(asked, Ask) and not asked.query.expectation
    return result.statement.unit or ("probability" if single else "value")


def item_text(item: Item) -> str:
    """An item as the command line prints it, without colours."""
    file = io.StringIO()
    if isinstance(item, Failure):
        file.write(str(item.error))
    else:
        print_item(plain_console(file), item)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def print_item(console: Console, item: Result | Answered | Verdict | AnyIdentification | Picture) -> None:
    """Whatever a statement came to, but a failure."""
    match item:
        case Result():
            print_result(console, item)
        case Answered():
            print_answered(console, item)
        case Verdict():
            print_verdict(console, item)
        case Picture():
            print_picture(console, item)
        case _:
            print_identification(console, item)


def print_result(console: Console, result: Result, digits: int = 6) -> None:
    """An answer as a table (or a line, if it is one number), with its formulas, and how sure it is."""
    console.print(_text(title_of(result), "bold"))
    d, unit = result.distribution, result.statement.unit
    beside = beside_of(result, digits)
    if not d.variables:
        p = d[()]
        exact = fraction(p)
        shown = in_unit(p, unit, digits)
        console.print(_text(f"  {shown}" + (f"  = {exact}" if exact and unit != "odds" else "")))
        for name, (text,) in beside.items():
            console.print(_text(f"  {name:<4}  {text}"))
    else:
        console.print(_table(d, unit, heading_of(result), digits, beside))
    for text, style in remarks_of(result):
        console.print(_text(f"  {text}", style))


def remarks_of(result: Result) -> list[tuple[str, str]]:
    """What stands below the numbers, each with its style: of an estimate the formulas, the data, how the interval was
    made and where the data are thin; and whether it is what was expected."""
    said = [(f"by  {formula}", "cyan") for formula in formulas_of(result)]
    if result.estimates:
        said.append((f"from data {result.statement.data}", "dim"))
    if result.assessment is not None:
        said += assurances(result.assessment)
    if result.note:
        said.append((result.note, "dim"))
    if result.expected is not None:
        said.append(_expectation(result, result.expected))
    return said


def formulas_of(result: Result) -> list[Formula]:
    """The formulas by which an estimate was found, each once."""
    found = {str(e.formula): e.formula for e in result.estimates if e.found.asked.surgeries or e.found.asked.worlds}
    return list(found.values())


def assurances(found: Assessment) -> list[tuple[str, str]]:
    """How sure an estimate is, in words: how its interval was made, and where the data are thin."""
    said = []
    if (i := found.interval) is not None:
        lost = f", {i.dropped:,} of which have no estimate" if i.dropped else ""
        said.append((f"low, high: {100 * i.level:g}% of {i.resamples:,} resamples with seed {i.seed}{lost}", "dim"))
    if found.surgery:
        said += [(f"thin  {thin}", "yellow") for thin in found.thin[:_MOST_THIN]]
        if len(found.thin) > _MOST_THIN:
            said.append((f"thin  {len(found.thin) - _MOST_THIN} more conditionals", "yellow"))
    return said


def plain_console(file: io.StringIO) -> Console:
    """A console for plain text, in notebooks, too."""
    from rich.console import Console

    return Console(
        file=file,
        width=200,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=True,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,
    )


def assessment_text(found: Assessment) -> str:
    """An estimate that Python asked for, as a small table."""
    beside = {n: [decimal(p) for p in d.array.flat] for n, d in columns_beside(found).items()}
    file = io.StringIO()
    console = plain_console(file)
    d = found.distribution
    if d.variables:
        console.print(_table(d, "", "probability", 6, beside))
    else:
        print("  ".join([str(d), *(f"{name} {text}" for name, (text,) in beside.items())]), file=file)
    if found.surgery:
        print(f"by  {visible(str(found.formula))}", file=file)
    for text, _ in assurances(found):
        print(visible(text), file=file)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def columns_beside(found: Assessment) -> dict[str, Distribution]:
    """What stands beside an estimate: the ends of its intervals, and what is merely seen if that is another."""
    columns: dict[str, Distribution] = {}
    if found.interval is not None:
        columns |= {"low": found.interval.low, "high": found.interval.high}
    if found.seen is not None and not found.naive:
        columns["seen"] = found.seen
    return columns


def _expectation(result: Result, expected: Distribution) -> tuple[str, str]:
    if result.met:
        return "as expected", "green"
    wanted = expected[()] if not expected.variables else None
    told = f": {fraction(wanted) or decimal(wanted)}" if wanted is not None else ""
    return f"NOT as expected{told}", "bold red"


def _are_numbers(texts: Sequence[str]) -> bool:
    """Whether a column holds numbers, which are set to the right."""
    return all(t[:1] in "-.0123456789–" for t in texts)


def print_answered(console: Console, found: Answered, digits: int = 6) -> None:
    """An answer of another semantics: its heading, a small table, and what is to be known of it."""
    from rich.table import Table

    statement = found.statement
    console.print(_text(f"{statement.name}: {statement.text}" if statement.name else statement.text, "bold"))
    headings, rows = found.answer.columns(digits)
    if headings:
        table = Table(box=None, padding=(0, 2), header_style="dim")
        for k, heading in enumerate(headings):
            table.add_column(
                _text(heading),
                justify="right"
                if k and found.semantics != "symbolic" and _are_numbers([row[k] for row in rows])
                else "left",
            )
        for row in rows[:_MOST_ROWS]:
            table.add_row(*map(_text, row))
        if len(rows) > _MOST_ROWS:
            table.add_row(f"… {len(rows) - _MOST_ROWS} more")
        console.print(table)
    else:
        for row in rows:
            console.print(_text("  " + "  ".join(row)))
    for note in (*found.answer.notes(), *([found.note] if found.note else [])):
        console.print(_text(f"  {note}", "dim"))
    if found.expected is not None:
        met = ("  as expected", "green") if found.met else (f"  NOT as expected: {found.expected}", "bold red")
        console.print(_text(*met))


def print_files(console: Console, files: Mapping[str, str]) -> None:
    """Model files, each below what it shows."""
    for what, text in files.items():
        console.print(_text(f"  a model at the {what} end:", "dim"))
        for line in text.splitlines():
            console.print(_text(f"  | {line}".rstrip()))


def beside_of(result: Result, digits: int = 6) -> dict[str, list[str]]:
    """What stands beside the numbers of an estimate: the ends of intervals, and what is merely seen where that is
    something else."""
    unit = result.statement.unit
    columns = columns_beside(result.assessment) if result.assessment is not None else {}
    if unit == "bits" and "low" in columns:  # what is less probable has more bits
        columns |= {"low": columns["high"], "high": columns["low"]}
    return {name: [_in_reach(p, unit, digits) for p in d.array.flat] for name, d in columns.items()}


def _in_reach(p: float | Fraction, unit: str, digits: int) -> str:
    """A number in a unit, or a dash if it is no probability; percents may be anything."""
    within = -1e-9 <= p <= 1 + 1e-9
    if unit == "percent" and not within:
        return f"{decimal(100 * p, digits)} %"
    return in_unit(p, unit, digits) if within or not unit else "–"


def _table(
    d: Distribution, unit: str, heading: str, digits: int, beside: Mapping[str, Sequence[str]]
) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2), header_style="dim")
    for v in d.variables:
        table.add_column(_text(v))
    table.add_column(heading, justify="right")
    exact = any(fraction(p) for p in d.array.flat)
    if exact:
        table.add_column("exact", justify="right", style="dim")
    for name in beside:
        table.add_column(name, justify="right")
    for k, (labels, p) in enumerate(itertools.islice(d.rows(), _MOST_ROWS)):
        row = [in_unit(p, unit, digits), *([fraction(p)] if exact else []), *(texts[k] for texts in beside.values())]
        table.add_row(*map(_text, labels), *row)
    if d.array.size > _MOST_ROWS:
        table.add_row(*["…"] * len(d.variables), f"{d.array.size - _MOST_ROWS} more")
    return table


def print_verdict(console: Console, verdict: Verdict) -> None:
    """One line a claim; where it falls, the case."""
    from rich.text import Text

    style = {"holds": "green", "open": "yellow", "falls": "bold red"}[verdict.mark]
    mark = verdict.mark if verdict.holds else verdict.mark.upper()
    name, evidence = _text(verdict.statement.name, "bold"), _text(f"  {verdict.evidence}".rstrip())
    console.print(Text.assemble((mark, style), "  ", name, evidence))
    if not verdict.holds:
        console.print(_text(f"       {verdict.statement.text}"))
        for line in verdict.failure.splitlines():
            console.print(_text(f"       {line}", "red"))
        for line in verdict.file.splitlines():
            console.print(_text(f"       | {line}".rstrip()))


def print_identification(console: Console, found: AnyIdentification, steps: bool = False, witness: bool = True) -> None:
    """A verdict: with the formula and what was checked, or with what stands in the way and two models that show it."""
    from rich.text import Text

    name = f"{found.statement.name}: " if found.statement.name else ""
    console.print(_text(f"{name}{found.statement.text}", "bold"))
    given = "; ".join(map(str, found.given))
    if not found.identifiable:
        console.print(Text.assemble("  ", ("NOT identifiable", "bold red"), _text(f" from {given}")))
        console.print(_text(f"  {found.note}"))
        if witness and found.witness_file:
            console.print(_text("  two models that agree on what is given and differ in the effect:", "dim"))
            for line in found.witness_file.splitlines():
                console.print(_text(f"  | {line}".rstrip()))
        return
    console.print(Text.assemble("  ", ("identifiable", "green"), _text(f" from {given}")))
    console.print(_text(f"  =  {found.formula}", "cyan"))
    if found.note:
        console.print(_text(f"  {found.note}", "dim"))
    for c in found.criteria:
        console.print(_text(f"  {c}", "dim"))
    shown: Sequence[Step | CounterfactualStep] = found.steps if steps else ()
    for k, step in enumerate(shown, start=1):
        console.print(Text.assemble(f"  {k}. ", _text(step.text), _text(f"   {step.law}", "dim")))


def print_laws(console: Console, report: LawReport, words: bool = False) -> None:
    """Laws as a table: on how many instances each was tried; what fails, and why a semantics was left out."""
    console.print(_text(f"laws of {report.name}", "bold"))
    table, rest = report.table(), report.remarks()
    for line in table:
        console.print(_text(f"  {line}", "dim" if line is table[0] else ""))
    if words:
        for law in report.laws:
            console.print(_text(f"  {law.equation}: {law.words}", "dim"))
    for line in rest:
        style = "green" if report.holds and line is rest[-1] else "bold red" if line.startswith("FAILS") else ""
        console.print(_text(f"  {line}", style))


def print_picture(console: Console, picture: Picture) -> None:
    """Where a picture went."""
    from rich.text import Text

    where = f"  drawn to {shown_path(picture.path)}" if picture.path else "  drawn"
    console.print(Text.assemble(_text(picture.statement.title, "bold"), _text(where)), soft_wrap=True)


def shown_path(path: Path) -> str:
    """A path, from the working folder if it lies in it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


# ---- for programs ----------------------------------------------------------------------------------------------------


def result_json(result: Result) -> dict[str, Any]:
    """The JSON of one answer, as the command line documents it; of an estimate `formula` is the first of `formulas`."""
    shown = distribution_json(result.distribution)
    if result.statement.name:
        shown["name"] = result.statement.name
    if result.statement.unit:
        shown["unit"] = result.statement.unit
    if result.estimates:
        shown["from"] = result.statement.data
        formulas = list(dict.fromkeys(str(e.formula) for e in result.estimates))
        shown |= {"formula": formulas[0]} if len(formulas) == 1 else {"formula": formulas[0], "formulas": formulas}
    if result.assessment is not None:
        shown |= _assessment_json(result.assessment)
    if result.expected is not None:
        shown["expected"] = result.met
    return shown | ({"note": result.note} if result.note else {})


def answered_json(found: Answered) -> dict[str, Any]:
    """The JSON of an answer of another semantics: which one, and its own plain data."""
    shown: dict[str, Any] = {"semantics": found.semantics, **found.answer.to_dict()}
    if found.statement.name:
        shown["name"] = found.statement.name
    if found.expected is not None:
        shown["expected"] = found.met
    return shown | ({"note": found.note} if found.note else {})


def _assessment_json(found: Assessment) -> dict[str, Any]:
    """How sure an estimate is: of one about an intervention what is merely `seen` and what is `thin`, and an `interval`
    if there is one; tables are nested like `probabilities`."""
    shown: dict[str, Any] = {}
    if found.surgery:
        shown["seen"] = None if found.seen is None else _nested(found.seen.array.tolist())
        shown["thin"] = [
            {
                "conditional": t.conditional,
                "columns": t.columns,
                "few": t.few,
                "empty": t.empty,
                "place": dict(t.place),
                "cases": t.cases,
            }
            for t in found.thin
        ]
    if (i := found.interval) is not None:
        shown["interval"] = {
            "low": _nested(i.low.array.tolist()),
            "high": _nested(i.high.array.tolist()),
            "level": i.level,
            "resamples": i.resamples,
            "dropped": i.dropped,
            "seed": i.seed,
        }
    return shown


def distribution_json(d: Distribution) -> dict[str, Any]:
    """`{"variables", "values", "probabilities", "exact"}`, or `{"probability", "exact"}` for one number.

    Fractions are rounded to the nearest float. A number that no float can hold, too large or undefined, is null there;
    `exact` has it if there are fractions.
    """
    if not d.variables:
        p = d[()]
        return {"probability": _float(p), "exact": fraction_text(p) if d.exact else None}
    return d.to_dict() | {"probabilities": _nested(d.array.tolist())}


def _nested(entries: Any) -> Any:
    return [_nested(e) for e in entries] if isinstance(entries, list) else _float(entries)


def _float(p: float | Fraction) -> float | None:
    """The nearest float, if there is one."""
    try:
        number = float(p)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def item_json(item: Item) -> dict[str, Any]:
    """One entry of the JSON of `run` and `check`: its kind, the model and the name that it has, and what it came to.

    Of a claim that falls for all models, `file` is the counterexample as a model file.
    """
    name = getattr(item.statement, "name", "")
    known = {k: v for k, v in (("model", item.statement.model), ("name", name)) if v}
    match item:
        case Result():
            kind = "estimate" if item.statement.data else "query"
            return {"kind": kind, **known, "query": item.statement.text} | result_json(item)
        case Answered():
            return {"kind": "query", **known, "query": item.statement.text} | answered_json(item)
        case Verdict():
            shown = {"kind": "claim", **known, "claim": item.statement.text, "holds": item.holds}
            shown |= {"proved": item.proved}
            shown |= {"evidence": item.evidence or None, "counterexample": item.failure or None}
            return shown | ({"file": item.file} if item.file else {})
        case Identification() | CounterfactualIdentification():
            return {"kind": "identify", **known, "query": item.statement.text} | item.to_dict()
        case Picture():
            path = shown_path(item.path) if item.path else None
            return {"kind": "picture", **known, "title": item.statement.title, "path": path}
        case Failure():
            return {"kind": "error", **known, "diagnostics": [diagnostic_json(d) for d in item.error.diagnostics]}


def diagnostic_json(d: Diagnostic) -> dict[str, Any]:
    """A diagnostic as plain data; `file`, `line` and `column` are null if it has no place."""
    place = (d.span.source.name, d.span.line, d.span.column) if d.span else (None, None, None)
    shown: dict[str, Any] = {"code": d.code, "message": d.message}
    shown |= dict(zip(("file", "line", "column"), place, strict=True))
    return shown | {"label": d.label, "notes": list(d.notes), "help": list(d.help)}


# ---- how it went -----------------------------------------------------------------------------------------------------


def failures(items: Sequence[Item]) -> int:
    """How many statements failed: claims that fell, expectations that were missed, and what could not be done."""
    return sum(status_of(i) > 0 for i in items)


def status_of(item: Item) -> int:
    """The exit status that an item asks for: 1 if it is not as the file says, 2 for an error, 3 for a limit."""
    match item:
        case Verdict():
            return int(not item.holds)
        case Result() | Answered():
            return int(not item.met)
        case Failure():
            return 3 if isinstance(item.error, LimitError) else 2
        case _:
            return 0
