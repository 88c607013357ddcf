"""What a notebook shows: HTML with formulas in MathML and pictures in SVG, both inline.

Every text is escaped: names and values of a model file are what somebody else wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from strings.formula import Compare
from strings.markup import escaped
from strings.mathml import mathml

if TYPE_CHECKING:
    from cutwire.claims import Verdict
    from cutwire.identification import AnyIdentification

_GREEN, _RED, _AMBER = "#1a7f37", "#b3261e", "#8a6100"


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
    parts.append(f'<div style="overflow-x: auto">{found.draw()}</div>')
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


def _file(summary: str, text: str) -> str:
    """A model file, to be unfolded."""
    lines = "\n".join(map(escaped, text.splitlines()))
    return f"<details><summary>{summary}</summary><pre>{lines}</pre></details>"


def _list(kind: str, items: Iterable[str]) -> str:
    return f"<{kind}>{''.join(f'<li>{escaped(item)}</li>' for item in items)}</{kind}>"


def _block(parts: Iterable[str]) -> str:
    return f'<div class="cutwire">{"".join(parts)}</div>'
