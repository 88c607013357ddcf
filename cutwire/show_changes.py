"""What changes, as a small table for people and as HTML."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from cutwire.changes import Changes, Row
from cutwire.show import decimal
from semantics.html import changes_html as table_of_changes
from strings.diagnostic import visible
from strings.markup import escaped

if TYPE_CHECKING:
    from rich.console import Console

_MOST_ROWS = 60
_HEADINGS = ("variable", "value", "before", "after", "change")


def print_changes(console: Console, found: Changes, digits: int = 6, everything: bool = False) -> None:
    """The variables that change, those that change most first; below, how many do not. With `everything` all rows are
    shown, and what does not change is named."""
    from rich.table import Table
    from rich.text import Text

    console.print(Text(visible(title_of(found)), style="bold"))
    rows, cut = _shown(found, everything)
    if rows:
        table = Table(box=None, padding=(0, 2), header_style="dim")
        for k, heading in enumerate(_HEADINGS):
            table.add_column(heading, justify="right" if k > 1 else "left")
        last = ""
        for row in rows:
            name = _called(found, row.variable) if row.variable != last else ""
            table.add_row(*(Text(visible(t)) for t in (name, row.value, *_numbers(row, digits))))
            last = row.variable
        console.print(table)
    for line in _below(found, cut, everything):
        console.print(Text(f"  {visible(line)}", style="dim"))


def changes_text(found: Changes) -> str:
    """The table without colours."""
    from cutwire.show import plain_console

    file = io.StringIO()
    print_changes(plain_console(file), found)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def changes_html(found: Changes) -> str:
    """The table with bars: how long after, and a line from before."""
    rows = [
        (("" if k else _called(found, r.variable), r.value), _numbers(r, 6), r.before, r.after)
        for c in found.changed
        for k, r in enumerate(c.rows)
    ]
    table = table_of_changes((*_HEADINGS, ""), rows) if rows else ""
    below = "".join(f'<p style="margin: .2em 0; opacity: .75">{escaped(t)}</p>' for t in _below(found, 0, False))
    return f'<div class="cutwire"><p><b>{escaped(title_of(found))}</b></p>{table}{below}</div>'


def title_of(found: Changes) -> str:
    """What is compared."""
    return f"{found.after} against {found.before}"


def _shown(found: Changes, everything: bool) -> tuple[list[Row], int]:
    """The rows that are shown, no variable cut in two; and how many variables are left out."""
    rows: list[Row] = []
    for k, c in enumerate(found.changed):
        if rows and not everything and len(rows) + len(c.rows) > _MOST_ROWS:
            return rows, len(found.changed) - k
        rows += c.rows
    return rows, 0


def _called(found: Changes, variable: str) -> str:
    return f"{variable} (hidden)" if variable in found.latents else variable


def _numbers(row: Row, digits: int) -> tuple[str, str, str]:
    change = f"{row.change:+.{digits}g}" if row.change else "0"
    return decimal(row.before, digits), decimal(row.after, digits), change


def _below(found: Changes, cut: int, everything: bool) -> list[str]:
    """What stands below the table."""
    said = []
    if cut:
        said.append(f"… and {cut:,} more that change less")
    same = len(found.unchanged)
    if not found.changed and not found.sampled:
        said.append("nothing changes")
    elif same:
        other = ("other" if same == 1 else "others") if found.changed else "variable" if same == 1 else "variables"
        said.append(f"{same:,} {other} {'does' if same == 1 else 'do'} not change")
    if everything and same:
        said[-1] += f": {', '.join(_called(found, n) for n in found.unchanged)}"
    if found.sampled:
        said.append(f"not compared, since only sampling answers: {', '.join(found.sampled)}")
    return said
