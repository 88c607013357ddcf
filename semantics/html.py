"""Tables of numbers as HTML for notebooks: a row for each case, with a bar and, if there is one, its interval.

All text is escaped: names and values of a model file are what somebody else wrote.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from semantics.distribution import Distribution, Number, fraction_text, significant
from strings.markup import escaped

MOST_ROWS = 60
_LONGEST = 200  # characters of an exact number
_CELL = "text-align: left; padding: .1em .8em"
_RIGHT = "text-align: right; padding: .1em .8em"
_BAR = "position: absolute; left: 0; top: 0; height: 100%; background: #4c8dbf"
_INTERVAL = "position: absolute; top: 45%; height: 2px; background: currentColor"
_ROOM = "position: relative; width: 12em; height: .8em; background: rgba(127, 127, 127, .18)"


def distribution_html(
    d: Distribution,
    heading: str = "probability",
    shown: Callable[[Number], str] = significant,
    beside: Mapping[str, Sequence[str]] | None = None,
    interval: tuple[Distribution, Distribution] | None = None,
) -> str:
    """A distribution as a table with bars; what is exact stands behind the mouse. One number is a line.

    `beside` are further columns of text; `interval` has the ends of intervals, drawn over the bars. After so many rows
    the table is cut off, and says how many there are.

    >>> from fractions import Fraction
    >>> html = distribution_html(Distribution(("C",), [Fraction(1, 3), Fraction(2, 3)], (("no", "yes"),)))
    >>> 'title="1/3">0.333333<' in html, "width: 33.3%" in html
    (True, True)
    """
    beside = beside or {}
    if not d.variables:
        p: Number = d[()]
        further = "".join(f", {escaped(name)} {escaped(texts[0])}" for name, texts in beside.items())
        return f"<p{_exact(p)}>{escaped(shown(p))}{further}</p>"
    bars = all(-1e-9 <= p <= 1 + 1e-9 for p in d.array.flat)
    lines = [_row("th", [(v, _CELL, "") for v in d.variables], [heading, *beside], bars)]
    rows = itertools.islice(d.rows(), MOST_ROWS)
    for k, (labels, p) in enumerate(rows):
        cells = [(label, _CELL, "") for label in labels]
        cells.append((shown(p), _RIGHT, _exact(p)))
        cells += [(texts[k], _RIGHT, "") for texts in beside.values()]
        ends = [float(end.array.flat[k]) for end in interval] if interval else []
        lines.append(_row("td", cells, [], bars, _bar(float(p), ends) if bars else ""))
    more = d.array.size - MOST_ROWS
    note = f"<p>… and {more:,} more of {d.array.size:,} rows</p>" if more > 0 else ""
    return table_html(lines) + note


def answer_html(headings: Sequence[str], rows: Sequence[Sequence[str]], notes: Iterable[str] = ()) -> str:
    """An answer that is text: its table, cut off after so many rows, and lines below it.

    >>> answer_html(["A", ""], [["yes", "certain"]], ["as far as is known"]).count("<td")
    2
    """
    lines = [cells_html(headings, "th")] if headings else []
    lines += [cells_html(row) for row in rows[:MOST_ROWS]]
    more = f"<p>… and {len(rows) - MOST_ROWS:,} more of {len(rows):,} rows</p>" if len(rows) > MOST_ROWS else ""
    below = "".join(f'<p style="margin: .2em 0; opacity: .75">{escaped(note)}</p>' for note in notes)
    return f'<div class="cutwire">{table_html(lines)}{more}{below}</div>'


def changes_html(headings: Sequence[str], rows: Sequence[tuple[Sequence[str], Sequence[str], float, float]]) -> str:
    """Numbers before and after: texts to the left and to the right of a row, and the two numbers. Of probabilities
    there is a bar for after, with a line over it from before.

    >>> html = changes_html(["S", "", "before", "after"], [(["S", "yes"], ["0.25", "0.5"], 0.25, 0.5)])
    >>> "width: 50%" in html, "left: 25%; width: 25%" in html
    (True, True)
    """
    lines = [cells_html(headings, "th")]
    for left, right, before, after in rows[:MOST_ROWS]:
        within = all(-1e-9 <= p <= 1 + 1e-9 for p in (before, after))
        bar = _bar(after, sorted((before, after))) if within else ""
        lines.append(_row("td", [(text, _CELL, "") for text in left], right, True, bar))
    more = len(rows) - MOST_ROWS
    return table_html(lines) + (f"<p>… and {more:,} more of {len(rows):,} rows</p>" if more > 0 else "")


def table_html(rows: Iterable[str]) -> str:
    """Rows of cells as a table."""
    return f'<table style="border-collapse: collapse">{"".join(rows)}</table>'


def cells_html(texts: Iterable[str], tag: str = "td") -> str:
    """A row of cells with these texts."""
    return _row(tag, [(text, _CELL, "") for text in texts], [], False)


def _row(tag: str, cells: Sequence[tuple[str, str, str]], right: Sequence[str], bars: bool, bar: str = "") -> str:
    written = [f'<{tag} style="{style}"{extra}>{escaped(text)}</{tag}>' for text, style, extra in cells]
    written += [f'<{tag} style="{_RIGHT}">{escaped(text)}</{tag}>' for text in right]
    if bars:
        written.append(f"<{tag}>{bar}</{tag}>")
    return f"<tr>{''.join(written)}</tr>"


def _bar(p: float, ends: Sequence[float]) -> str:
    parts = [f'<div style="{_BAR}; width: {_percent(p)}"></div>']
    if ends:
        low, high = (min(max(e, 0.0), 1.0) for e in ends)
        parts.append(f'<div style="{_INTERVAL}; left: {_percent(low)}; width: {_percent(high - low)}"></div>')
    return f'<div style="{_ROOM}">{"".join(parts)}</div>'


def _percent(p: float) -> str:
    return f"{100 * min(max(p, 0.0), 1.0):.3g}%"


def _exact(p: Number) -> str:
    """What is exact, for whoever points at the number."""
    text = fraction_text(p) if isinstance(p, Fraction) else repr(float(p))
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…"
    return f' title="{escaped(text)}"'
