"""What a notebook shows: HTML with formulas in MathML and pictures in SVG, both inline.

Every text is escaped: names and values of a model file are what somebody else wrote.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from parser.program import CheckStatement, Definition, Dirichlet, DrawStatement, Fit, Formulas, Table
from semantics.distribution import fraction_text, significant
from semantics.html import MOST_ROWS, answer_html, cells_html, distribution_html, table_html
from strings.formula import Compare, Formula
from strings.markup import escaped
from strings.mathml import mathml

if TYPE_CHECKING:
    from cutwire.assessment import Assessment
    from cutwire.claims import Verdict
    from cutwire.evaluate import Result
    from cutwire.identification import AnyIdentification
    from cutwire.meanings import Answered
    from cutwire.model import Model
    from cutwire.program import Failure, Item, Picture, Program
    from strings.model import CausalModel, Mechanism
    from strings.signature import Object

_GREEN, _RED, _AMBER = "#1a7f37", "#b3261e", "#8a6100"
_COLOURS = {"green": _GREEN, "bold red": _RED, "yellow": _AMBER}
_LARGEST_PICTURE = 60  # variables; the picture of a larger model takes seconds, and nobody can read it
_MOST_NUMBERS = 64  # of a table that is shown
_MOST_VALUES = 12


# ---- models and programs ---------------------------------------------------------------------------------------------


def model_html(model: Model) -> str:
    """The picture of a model, its variables, what is known of each, and its tables where they are small."""
    parts = [_heading(model.name), _picture(model)]
    if model.definition.doc:
        parts.append(f"<p>{escaped(model.definition.doc)}</p>")
    rows = [cells_html(("variable", "values", "hears", "known", ""), "th")]
    shape = model.shape
    for x in itertools.islice(shape.variables, MOST_ROWS):
        label = model.definition.labels.get(x.name, "")
        name = f"{x.name} (hidden)" if x.name in shape.latents else x.name
        known = _known(shape, x.name, model.definition.definitions)
        rows.append(cells_html((name, _values(x), ", ".join(shape.parents(x.name)), known, label)))
    more = len(shape.variables) - MOST_ROWS
    variables = table_html(rows) + (f"<p>… and {more:,} more variables</p>" if more > 0 else "")
    hidden = f", {len(model.latents)} hidden" if model.latents else ""
    parts.append(_folded(f"{len(shape.variables)} variables{hidden}", variables))
    if tables := _tables(model):
        parts.append(_folded("numbers", tables))
    parts += [f"<p>{escaped(text)}</p>" for text in _further(model)]
    return _block(parts)


def _picture(model: Model) -> str:
    if len(model.shape.variables) > _LARGEST_PICTURE:
        return "<p>too large for a picture that can be read: <code>model.draw(…)</code> makes one</p>"
    return _wide(model.draw())


def _values(x: Object) -> str:
    if x.values is None:
        return x.space or "any"
    shown = ", ".join(x.values[:_MOST_VALUES])
    return shown if len(x.values) <= _MOST_VALUES else f"{shown}, … ({len(x.values)} values)"


def _known(shape: CausalModel, name: str, definitions: Mapping[str, Definition]) -> str:
    """What is known of the mechanism of a variable, in a few words."""
    mechanism = shape.mechanisms.get(name)
    if mechanism is None:
        return "nothing: an input"
    kinds = {n.box.kind for n in mechanism.diagram.nodes}
    if kinds == {"uniform"}:
        return "cut: uniform"
    if kinds == {"point"}:
        return f"set to {mechanism.diagram.nodes[0].box.value}"
    match definitions.get(_box_name(mechanism)):
        case Table(exact=exact):
            return "its numbers" if exact else "its numbers, rounded"
        case Fit(data):
            return f"learnt from {data}"
        case Formulas():
            return "formulas"
        case Dirichlet():
            return "a prior"
        case _:
            return "its signature"


def _box_name(mechanism: Mechanism) -> str:
    boxes = [n.box.name for n in mechanism.diagram.nodes if n.box.kind == "box"]
    return boxes[0] if boxes else ""


def _tables(model: Model) -> str:
    """The small tables of a model: a row for each case of what a box hears."""
    found: list[str] = []
    for name, mechanism in model.shape.mechanisms.items():
        table = model.definition.definitions.get(_box_name(mechanism))
        boxes = {n.box for n in mechanism.diagram.nodes if n.box.kind == "box"}
        if not isinstance(table, Table) or math.prod(table.shape) > _MOST_NUMBERS or len(boxes) > 1:
            continue
        if len(found) >= MOST_ROWS:
            break
        (box,) = boxes
        values = box.cod[0].values or ()
        rows = [cells_html((*(x.name for x in box.dom), *(f"{name} = {v}" for v in values)), "th")]
        for k, case in enumerate(itertools.product(*(x.values or () for x in box.dom))):
            numbers = table.entries[k * len(values) : (k + 1) * len(values)]
            shown = (fraction_text(p) if isinstance(p, Fraction) else str(p) for p in numbers)
            rows.append(cells_html((*case, *shown)))
        found.append(table_html(rows))
    return "".join(found)


def _further(model: Model) -> list[str]:
    """What else a model has."""
    said = []
    for word, names in (
        ("parameters", [*map(str, model.parameters.values())]),
        ("interpretations", model.interpretations),
        ("data", list(model.definition.data)),
    ):
        if names:
            said.append(f"{word}: {', '.join(names)}")
    return said


def program_html(program: Program) -> str:
    """The models and diagrams of a file, and how much it asks."""
    parts = [model_html(model) for model in program.models.values()]
    parts += [_heading(name) + _wide(d.draw()) for name, d in program.diagrams.items()]
    if asked := said_of(program):
        parts.append(f"<p>{asked}</p>")
    return _block(parts)


def said_of(program: Program) -> str:
    """How much a file asks, in words."""
    claims = sum(isinstance(s, CheckStatement) for s in program.statements)
    pictures = sum(isinstance(s, DrawStatement) for s in program.statements)
    questions = len(program.statements) - claims - pictures
    counts = ((questions, "question"), (claims, "claim"), (pictures, "picture"))
    return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)


# ---- answers ---------------------------------------------------------------------------------------------------------


def item_html(item: Item) -> str:
    """What a statement gave."""
    html: str = item._repr_html_()
    return html


def result_html(result: Result) -> str:
    """The answer to a question: a table with bars, the formula it was found by, and how sure it is."""
    from cutwire.show import beside_of, formulas_of, heading_of, in_unit, remarks_of, title_of

    unit, found = result.statement.unit, result.assessment
    ends = (found.interval.low, found.interval.high) if found is not None and found.interval is not None else None
    shown = distribution_html(
        result.distribution, heading_of(result), lambda p: in_unit(p, unit), beside_of(result), ends
    )
    remarks = [(text, style) for text, style in remarks_of(result) if style != "cyan"]
    return _block([_heading(title_of(result)), shown, *map(_formula, formulas_of(result)), *_remarks(remarks)])


def assessment_html(found: Assessment) -> str:
    """An estimate: a table with bars and intervals, its formula, what is merely seen, and where the data are thin."""
    from cutwire.show import assurances, columns_beside

    beside = {name: [significant(p) for p in d.array.flat] for name, d in columns_beside(found).items()}
    ends = (found.interval.low, found.interval.high) if found.interval is not None else None
    shown = distribution_html(found.distribution, beside=beside, interval=ends)
    formula = [_formula(found.formula)] if found.surgery else []
    return _block([_heading(str(found.asked)), shown, *formula, *_remarks(assurances(found))])


def answered_html(found: Answered) -> str:
    """An answer of another semantics: a small table, and what is to be known of it."""
    statement = found.statement
    answer = found.answer
    written = getattr(answer, "_repr_html_", None)  # expressions are formulas
    shown = answer_html(*answer.columns(), answer.notes()) if written is None else written()
    remarks = [(found.note, "dim")] if found.note else []
    if found.expected is not None:
        remarks.append(("as expected", "green") if found.met else (f"NOT as expected: {found.expected}", "bold red"))
    title = f"{statement.name}: {statement.text}" if statement.name else statement.text
    return _block([_heading(title), shown, *_remarks(remarks)])


def picture_html(picture: Picture) -> str:
    """A picture; of a graph its text."""
    if picture.svg.startswith("<svg"):
        return _block([_wide(picture.svg)])
    return _block([_heading(picture.statement.title), _pre(picture.svg)])


def failure_html(failure: Failure) -> str:
    """What could not be done, and why."""
    return _block([_pre(str(failure.error))])


def _formula(formula: Formula) -> str:
    try:
        return mathml(formula)
    except RecursionError:  # hundreds of sums, each inside of the one before
        return f"<p>{escaped(str(type(formula).__name__))}: nested too deep to write out</p>"


def _remarks(remarks: Iterable[tuple[str, str]]) -> list[str]:
    return [
        f'<p style="margin: .2em 0; color: {_COLOURS[style]}">{escaped(text)}</p>'
        if style in _COLOURS
        else f'<p style="margin: .2em 0; opacity: .75">{escaped(text)}</p>'
        for text, style in remarks
    ]


def identification_html(found: AnyIdentification) -> str:
    """Verdict, formula, criteria, the steps and their film; of a refusal what stands in the way, and the two models."""
    given = "; ".join(map(str, found.given))
    parts = [
        _verdict(
            str(found.query),
            "identifiable" if found.identifiable else "not identifiable",
            _GREEN if found.identifiable else _RED,
        )
    ]
    parts.append(f"<p>from {escaped(given)}</p>")
    if found.mathml is not None:
        parts.append(found.mathml if found.mathml.startswith("<math") else f"<p>{escaped(found.mathml)}</p>")
    if found.note:
        parts.append(f"<p>{escaped(found.note)}</p>")
    if found.criteria:
        parts.append(_list("ul", map(str, found.criteria)))
    if found.steps:
        steps = _list("ol", (f"{s.text} [{s.law}]" for s in found.steps))
        parts.append(f"<details><summary>{len(found.steps)} steps</summary>{steps}</details>")
    if not found.identifiable and found.refuted:
        parts.append(_file("two models that agree on what is given and differ in the effect", found.witness_file))
    parts.append(_wide(found.draw()))
    return _block(parts)


def verdict_html(verdict: Verdict) -> str:
    """The claim, whether it holds, and why or where not."""
    colour = {"holds": _GREEN, "open": _AMBER, "falls": _RED}[verdict.mark]
    parts = [_verdict(verdict.statement.name, verdict.mark, colour)]
    body = verdict.statement.body
    parts.append(mathml(body) if isinstance(body, Compare) else f"<p>{escaped(verdict.statement.text)}</p>")
    parts += [f"<p>{escaped(text)}</p>" for text in (verdict.evidence, verdict.failure) if text]
    if verdict.file:
        parts.append(_file("a model in which it falls", verdict.file))
    return _block(parts)


def _verdict(subject: str, verdict: str, colour: str) -> str:
    bold = f"<b>{escaped(subject)}</b> " if subject else ""
    return f'<p>{bold}<span style="color: {colour}">{verdict}</span></p>'


def _heading(text: str) -> str:
    return f"<p><b>{escaped(text)}</b></p>"


def _wide(svg: str) -> str:
    """A picture that may be wider than the page."""
    return f'<div style="overflow-x: auto">{svg}</div>'


def _folded(summary: str, html: str) -> str:
    return f"<details><summary>{escaped(summary)}</summary>{html}</details>"


def _pre(text: str) -> str:
    lines = "\n".join(map(escaped, text.splitlines()))
    return f"<pre>{lines}</pre>"


def _file(summary: str, text: str) -> str:
    """A model file, to be unfolded."""
    return _folded(summary, _pre(text))


def _list(kind: str, items: Iterable[str]) -> str:
    return f"<{kind}>{''.join(f'<li>{escaped(item)}</li>' for item in items)}</{kind}>"


def _block(parts: Iterable[str]) -> str:
    return f'<div class="cutwire">{"".join(parts)}</div>'
