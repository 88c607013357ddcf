"""Models as texts that other programs read: DOT, dagitty; and as a model file, for what other programs wrote.

DOT and dagitty know who hears whom and what is hidden: the shape of a model, and nothing of its numbers. Variables and
parents are written in their order, so that reading gives the same shape again.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from cutwire.model import Model
from cutwire.source import box_names, is_name, value_text
from parser.format import format_text
from parser.program import Definition, Number, Table
from semantics.distribution import fraction_text
from strings.diagnostic import Diagnostic, LanguageError
from strings.diagram import box
from strings.model import CausalModel
from strings.signature import Box, Object

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOT_WORDS = ("strict", "graph", "digraph", "node", "edge", "subgraph")
_A_LINE = 12  # variables on a line
_NUMBERED = re.compile(r"(?:[vn]|node)?\d+")


# ---- graphs ----------------------------------------------------------------------------------------------------------


def to_dot(model: Model) -> str:
    """The graph of a model as DOT: hidden variables say `observed=no`, as DoWhy has it, and are dashed.

    >>> print(to_dot(Model.from_edges([("X", "Y")], [("X", "Y")], name="bow")), end="")
    digraph bow {
      X;
      Y;
      U_X_Y [observed=no, style=dashed];
      U_X_Y -> X;
      X -> Y;
      U_X_Y -> Y;
    }

    Raises:
        LanguageError: A006 for a name that DOT cannot write.
    """
    labels = model.definition.labels
    numbered = all(_NUMBERED.fullmatch(n) for n in model.shape.names)  # else labels would be read as names
    lines = [f"digraph {_dot_id(model.name)} {{"]
    for n in model.shape.names:
        said = [f"label={_quoted(labels[n])}"] if labels.get(n) and not numbered else []
        said += ["observed=no", "style=dashed"] if n in model.shape.latents else []
        lines.append(f"  {_dot_id(n)} [{', '.join(said)}];" if said else f"  {_dot_id(n)};")
    lines += [f"  {_dot_id(p)} -> {_dot_id(n)};" for p, n in edges(model.shape)]
    return "\n".join([*lines, "}", ""])


def to_dagitty(model: Model, exposures: Collection[str] = (), outcomes: Collection[str] = ()) -> str:
    """The graph of a model in dagitty's language.

    >>> print(to_dagitty(Model.from_edges([("X", "Y")], latents=["X"]), outcomes=["Y"]), end="")
    dag {
    X [latent]
    Y [outcome]
    X -> Y
    }

    Raises:
        LanguageError: A006 for a name that it cannot write.
    """
    lines = ["dag {"]
    for n in model.shape.names:
        told = ("latent", n in model.shape.latents), ("exposure", n in exposures), ("outcome", n in outcomes)
        said = ",".join(word for word, holds in told if holds)
        lines.append(f"{_dagitty_id(n)} [{said}]" if said else _dagitty_id(n))
    lines += [f"{_dagitty_id(p)} -> {_dagitty_id(n)}" for p, n in edges(model.shape)]
    return "\n".join([*lines, "}", ""])


def edges(shape: CausalModel) -> Iterator[tuple[str, str]]:
    """Who is heard by whom: for every variable its parents in order."""
    return ((p, n) for n in shape.names for p in shape.parents(n))


def _dot_id(name: str) -> str:
    if _PLAIN.fullmatch(name) and name.lower() not in _DOT_WORDS:
        return name
    return f'"{_in_quotes(name, "DOT")}"'


def _dagitty_id(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else f'"{_in_quotes(name, "dagitty")}"'


def _in_quotes(name: str, language: str) -> str:
    if not name or "\\" in name or not name.isprintable():
        message = f"{language} cannot write the name {name!r}"
        raise LanguageError(Diagnostic("A006", message, help=("give the variable another name",)))
    return name.replace('"', '\\"')


def _quoted(label: str) -> str:
    return '"{}"'.format(_one_line(label).replace("\\", "\\\\").replace('"', '\\"'))


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


# ---- model files -----------------------------------------------------------------------------------------------------


def to_causal(
    model: Model, exposures: Sequence[str] = (), outcomes: Sequence[str] = ()
) -> tuple[str, tuple[Diagnostic, ...]]:
    """A model as a model file, with what had to be changed (A004, A007).

    Boxes are signatures, with their tables if they have some. Names that the language cannot write are made into ones
    that it can, and become labels. If there are exposures and outcomes, the file asks whether the effect can be
    identified.

    >>> text, told = to_causal(Model.from_edges([("blood pressure", "Y")], name="m"))
    >>> print(text, end="")
    model m
    <BLANKLINE>
    domain Value = {no, yes}
    <BLANKLINE>
    var blood_pressure : Value "blood pressure"
    var Y : Value
    <BLANKLINE>
    box box_blood_pressure : -> blood_pressure
    box y : blood_pressure -> Y
    >>> [d.code for d in told]
    ['A004']

    Raises:
        LanguageError: A006 for a model after surgery, which has mechanisms that are no boxes.
    """
    shape = model.shape
    names, told = _names(shape.names)
    labels = {n: model.definition.labels.get(n) or (n if names[n] != n else "") for n in names}
    boxes = _boxes(shape)
    called = box_names(boxes, names)
    domain = "Value"
    while domain in names.values() or domain in called.values():
        domain += "_"
    lines = [f"model {_legal(model.name)}", ""]
    if any(x.values is None and not x.space for x in shape.variables):
        lines += [f"domain {domain} = {{no, yes}}", ""]
    lines += _declarations(shape, names, labels, domain)
    lines.append("")
    for v, b in boxes.items():
        inputs = ", ".join(names[x.name] for x in b.dom)
        body = _definition(b, model.definition.definitions.get(b.name), told)
        lines.append(f"box {called[v]} : {inputs} -> {names[v]}{body}")
    effect = _effect([names[n] for n in exposures], [names[n] for n in outcomes])
    if effect and shape.latents.isdisjoint([*exposures, *outcomes]):
        lines += ["", f"identify effect: {effect}"]
    return format_text("\n".join([*lines, ""])), tuple(told)


def _effect(exposures: Sequence[str], outcomes: Sequence[str]) -> str:
    done = ", ".join(f"do({n})" for n in exposures)
    return f"P({', '.join(outcomes)} | {done})" if done and outcomes else ""


def _names(names: Iterable[str]) -> tuple[dict[str, str], list[Diagnostic]]:
    """What every variable is called in a model file, and which of them are called otherwise there."""
    names = list(names)
    taken = {n for n in names if is_name(n)}
    written: dict[str, str] = {}
    for n in names:
        made = n
        if not is_name(n):
            made = base = _legal(n)
            for k in itertools.count(2):
                if made not in taken:
                    break
                made = f"{base}_{k}"
        taken.add(made)
        written[n] = made
    changed = [(n, m) for n, m in written.items() if n != m]
    if not changed:
        return written, []
    notes = tuple(f"`{_one_line(n)}` is called `{m}`" for n, m in changed[:20])
    if len(changed) > 20:
        notes += (f"and {len(changed) - 20} more",)
    one = len(changed) == 1
    what = "a name" if one else f"{len(changed)} names"
    message = f"{what} that the language cannot write became {'a label' if one else 'labels'}"
    return written, [Diagnostic("A004", message, notes=notes, severity="warning")]


def _legal(name: str) -> str:
    """The nearest name that the language can write."""
    made = re.sub(r"\W+", "_", name).strip("_") or "V"
    if not re.match(r"[^\W\d]", made):
        made = f"_{made}"
    return made if is_name(made) else f"{made}_"


def _boxes(shape: CausalModel) -> dict[str, Box]:
    """The box of every variable.

    Raises:
        LanguageError: A006 if a variable has none, or a mechanism that is no box.
    """
    found: dict[str, Box] = {}
    for n in shape.names:
        m = shape.mechanisms.get(n)
        nodes = m.diagram.nodes if m else ()
        if m is None or len(nodes) != 1 or nodes[0].box.kind != "box" or m.diagram != box(nodes[0].box):
            message = f"the mechanism of `{n}` is not a single box"
            raise LanguageError(Diagnostic("A006", message, help=("write the model before surgery",)))
        found[n] = nodes[0].box
    return found


def _declarations(
    shape: CausalModel, names: Mapping[str, str], labels: Mapping[str, str], domain: str
) -> Iterator[str]:
    """`var` and `latent`; neighbours of one domain without labels share a line."""

    def kind(x: Object) -> tuple[bool, str, str]:
        values = x.space or (domain if x.values is None else f"{{{', '.join(map(value_text, x.values))}}}")
        return x.name in shape.latents, values, labels[x.name]

    for (latent, values, label), group in itertools.groupby(shape.variables, key=kind):
        members = list(group)
        runs = [[x] for x in members] if label else [members]
        for run in runs:
            for k in range(0, len(run), _A_LINE):
                declared = ", ".join(names[x.name] for x in run[k : k + _A_LINE])
                said = f" {_quoted(label)}" if label else ""
                yield f"{'latent' if latent else 'var'} {declared} : {values}{said}"


def _definition(b: Box, definition: Definition | None, told: list[Diagnostic]) -> str:
    """What is known of a box, behind its signature."""
    if isinstance(definition, Table) and b.cod[0].values:
        return f" = {_rows(b, definition)}"
    if definition is not None:
        message = f"what is known of box `{b.name}` is no table and is left out"
        told.append(Diagnostic("A007", message, severity="warning"))
    return ""


def _rows(b: Box, table: Table) -> str:
    width = table.shape[-1]
    columns = [table.entries[k : k + width] for k in range(0, len(table.entries), width)]
    if not b.dom:
        return _row(b, columns[0], table.exact)
    cases = itertools.product(*(x.values or () for x in b.dom))
    rows = (
        f"| {', '.join(map(value_text, case))} -> {_row(b, column, table.exact)}"
        for case, column in zip(cases, columns, strict=True)
    )
    return "\n  ".join(["", *rows])


def _row(b: Box, column: Sequence[Number], exact: bool) -> str:
    values = b.cod[0].values or ()
    if b.deterministic and max(column) == 1:
        return value_text(values[list(column).index(max(column))])
    if len(column) == 1:
        return "uniform()"
    if exact:
        return f"[{', '.join(_number(p) for p in column)}]"
    total = float(sum(Fraction(p) for p in column))
    if abs(total - 1) > 1e-7:
        return f"[{', '.join(f'{float(p) / total!r}f' for p in column)}]"
    return f"[{', '.join(f'{_number(p)}f' for p in column)}]"


def _number(p: Number) -> str:
    if isinstance(p, Decimal):
        return str(p).replace("E+", "e").replace("E", "e") if p else "0"
    return fraction_text(p)
