"""Models written as model files, so that what Cutwire finds can be saved, read and run again."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from parser.format import format_text
from parser.tokens import RESERVED
from semantics.distribution import fraction_text
from semantics.kernel import Kernel
from strings.diagnostic import Diagnostic, LanguageError
from strings.model import CausalModel
from strings.signature import Box

_NAME = re.compile(r"(?!_(?!\w))[^\W\d]\w*'*")
_NUMBER = re.compile(r"-?\d+")


def is_name(text: str) -> bool:
    """Whether the language can write this name without quotes."""
    return _NAME.fullmatch(text) is not None and text not in RESERVED


def model_source(
    shape: CausalModel,
    tables: Mapping[str, Kernel],
    others: Mapping[str, Mapping[str, Kernel]] | None = None,
    statements: Sequence[str] = (),
    comment: str = "",
    policies: Mapping[str, Kernel] | None = None,
) -> str:
    """A model file: the shape, the exact numbers of the boxes that have some, and `others` as interpretations by name.

    An interpretation writes only the boxes in which it differs. `statements` stand at the end, `comment` at the top;
    `policies` are boxes by name that surgeries in them put in place of mechanisms.

    >>> from strings.model import CausalModel
    >>> coin = CausalModel.from_edges(nodes=["S"], domains={"S": ["no", "yes"]})
    >>> half = Kernel((), coin.variables, [Fraction(1, 2), Fraction(1, 2)])
    >>> print(model_source(coin, {"s": half}), end="")
    model model_
    <BLANKLINE>
    var S : {no, yes}
    <BLANKLINE>
    box s : -> S = [1/2, 1/2]
    """
    boxes = {n: m.diagram.nodes[0].box for n, m in shape.mechanisms.items()}
    written = _variable_names(shape)
    names = box_names(boxes, written, policies or {})
    name = shape.name if is_name(shape.name) else f"{shape.name}_"
    lines = [*(f"## {line}" for line in comment.splitlines()), f"model {name}", ""]
    for values, group in itertools.groupby(shape.variables, key=lambda x: (x.values, x.name in shape.latents)):
        word = "latent" if values[1] else "var"
        domain = ", ".join(map(value_text, values[0] or ()))
        lines.append(f"{word} {', '.join(written[x.name] for x in group)} : {{{domain}}}")
    lines.append("")
    for v, b in boxes.items():
        inputs = ", ".join(written[x.name] for x in b.dom)
        lines.append(
            f"box {names[v]} : {inputs} -> {written[v]}" + (f" = {_body(tables[b.name])}" if b.name in tables else "")
        )
    for n, table in (policies or {}).items():
        if is_name(n):
            inputs = ", ".join(written.get(x.name, x.name) for x in table.dom)
            lines.append(f"box {n} : {inputs} -> {table.cod[0].name} = {_body(table)}")
    for other, changed in (others or {}).items():
        lines += ["", f"interpret {name} as {other} {{"]
        lines += [
            f"{names[v]} = {_body(changed[b.name])}" for v, b in boxes.items() if changed[b.name] != tables[b.name]
        ]
        lines.append("}")
    return format_text("\n".join([*lines, "", *statements, ""]))


def _variable_names(shape: CausalModel) -> dict[str, str]:
    """What each variable is called in the file: hidden causes may be renamed, so that the language can write them.

    Raises:
        LanguageError: N002 if an observed variable has a name that it cannot write.
    """
    written: dict[str, str] = {}
    for n in shape.names:
        name = n
        if n in shape.latents and not is_name(n):
            name = "U_" + re.sub(r"\W", "_", n.removeprefix("U_"))
            while name in shape.names or name in written.values():
                name += "_"
        elif not is_name(n):
            raise LanguageError(Diagnostic("N002", f"`{n}` is no name that a model file can have"))
        written[n] = name
    return written


def box_names(boxes: Mapping[str, Box], written: Mapping[str, str], taken: Iterable[str] = ()) -> dict[str, str]:
    """A name for the box of every variable that the language can write; `written` are the names of the variables."""
    used = {*written.values(), *taken}
    names = {}
    for v, b in boxes.items():
        name = b.name if is_name(b.name) else f"box_{written[v]}"
        while name in used:
            name += "'"
        used.add(name)
        names[v] = name
    return names


def _body(table: Kernel) -> str:
    """A table: a row for each case, or one for all if they are the same."""
    width = table.array.shape[-1]
    columns = table.array.reshape(-1, width)
    if not table.dom or all(np.array_equal(c, columns[0]) for c in columns):
        row = _row(columns[0])
        return row if not table.dom else f"| {', '.join('_' * len(table.dom))} -> {row}"
    cases = itertools.product(*(x.values or () for x in table.dom))
    rows = [f"| {', '.join(map(value_text, case))} -> {_row(c)}" for case, c in zip(cases, columns, strict=True)]
    return "\n  ".join(["", *rows])


def _row(column: Iterable[Fraction]) -> str:
    column = list(column)
    if len(column) == 1:
        return "uniform()"
    return f"[{', '.join(map(fraction_text, column))}]"


def value_text(value: str) -> str:
    """A value as a model file writes it."""
    if is_name(value) or _NUMBER.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
