"""Boxes by their signatures: which box is whose mechanism, which is a policy, which a mere generator.

A box over variables is the mechanism of its one output (a causal model has one box per variable, as in `Syn_G` of
Jacobs, Kissinger and Zanasi 2019), or a policy if a surgery `X ~ box(…)` of the file names it. A box over types is a
generator for diagrams.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass

from parser import syntax
from parser.draws import is_random
from parser.scope import Scope, Skipped, problem, second_place
from strings.diagnostic import LanguageError, Span
from strings.diagram import Diagram
from strings.expression import FAMILIES
from strings.signature import Box, Object, Ty

DIST_NAMES = ("flip", "noisy_or", "fit", "dirichlet", *FAMILIES)
"""Distributions that are written like calls."""


@dataclass(frozen=True)
class Entry:
    """What a box or diagram name stands for: a box, or a diagram to paste.

    `variable` is the variable that the box produces; empty for generators and diagrams.
    """

    name: syntax.Name
    box: Box | None = None
    diagram: Diagram | None = None
    variable: str = ""
    decl: syntax.BoxDecl | None = None

    @property
    def dom(self) -> Ty:
        return self.box.dom if self.box else self.diagram.dom if self.diagram else ()

    @property
    def cod(self) -> Ty:
        return self.box.cod if self.box else self.diagram.cod if self.diagram else ()


def elaborate_signatures(items: Sequence[syntax.Item], scope: Scope, policies: frozenset[str]) -> None:
    """Resolve the types of all boxes and sort them into mechanisms, policies and generators."""
    made: dict[str, list[Entry]] = {v: [] for v in scope.variables}
    broken: set[str] = set()
    for item in items:
        if not isinstance(item, syntax.BoxDecl) or not scope.boxes.declare(item.name):
            continue
        broken.update(n.text for n in item.outputs)
        with scope.report.collect(item.name.span):
            entry = _signature(item, scope)
            scope.boxes.define(item.name.text, entry)
            broken.difference_update(n.text for n in item.outputs)
            if entry.variable:
                made[entry.variable].append(entry)
    for variable, entries in made.items():
        _assign_roles(variable, entries, scope, policies)
    _report_missing(scope, broken)


def _signature(item: syntax.BoxDecl, scope: Scope) -> Entry:
    """The box of a declaration.

    Raises:
        LanguageError: N002, M005, M006, M009.
    """
    kind = "variable" if scope.variables else "type"
    ports: list[Object] = []
    for name in (*item.inputs, *item.outputs):
        with scope.report.collect(name.span):
            ports.append(scope.find_object(name, kind))
    if len(ports) < len(item.inputs) + len(item.outputs):
        raise Skipped
    dom, cod = tuple(ports[: len(item.inputs)]), tuple(ports[len(item.inputs) :])
    variable = _produced_variable(item, scope)
    composite = isinstance(item.body, syntax.Composite)
    if variable and composite:
        raise problem(
            "M009",
            "the box of a variable cannot abbreviate a diagram",
            item.body.span if item.body else None,
            f"`{variable}` needs a mechanism of its own",
            help=("give it rows or a `fn`, or declare the box over types",),
        )
    box = Box(item.name.text, dom, cod, deterministic=is_function(item.body), origin=scope.origin)
    return Entry(item.name, box, variable=variable, decl=item)


def _produced_variable(item: syntax.BoxDecl, scope: Scope) -> str:
    """The variable that a box produces; empty for a box over types.

    Raises:
        LanguageError: M005 for several variables at once, M006 for a mix, or an input that stands twice.
    """
    variables = [n for n in item.outputs if scope.is_variable(n.text)]
    inputs = [n for n in item.inputs if scope.is_variable(n.text)]
    every = [*item.inputs, *item.outputs]
    if len(variables) + len(inputs) not in (0, len(every)):
        odd = next(n for n in every if not scope.is_variable(n.text))
        raise problem(
            "M006",
            f"box `{item.name.text}` mixes variables and types",
            odd.span,
            f"`{odd.text}` is a type, not a variable",
            help=("a mechanism goes from variables to a variable; boxes over types are for diagrams",),
        )
    if inputs and not variables:
        raise problem("M006", f"box `{item.name.text}` produces no variable", item.name.span, "no output")
    if len(variables) > 1:
        raise problem(
            "M005",
            "a causal model has one box per variable",
            variables[1].span,
            f"`{item.name.text}` produces {len(variables)} variables at once",
            help=(
                f"write one box for each of {', '.join(v.text for v in variables)};"
                " what they have in common is a latent variable that both hear",
            ),
        )
    _check_inputs_differ(item, inputs)
    return variables[0].text if variables else ""


def _check_inputs_differ(item: syntax.BoxDecl, inputs: Sequence[syntax.Name]) -> None:
    first: dict[str, Span | None] = {}
    for n in inputs:
        if n.text in first:
            message = f"box `{item.name.text}` hears `{n.text}` twice"
            raise problem("M006", message, n.span, "again here", also=second_place(first[n.text], "first here"))
        first[n.text] = n.span


def is_function(body: syntax.BoxBody | None) -> bool:
    """Whether a box is deterministic by declaration: a `fn`, or bare values only."""
    match body:
        case syntax.Function(_, inner):
            return not is_random(inner)
        case syntax.PointValue():
            return True
        case syntax.Table(rows):
            return all(isinstance(r.dist, syntax.PointValue) for r in rows)
        case _:
            return False


def _assign_roles(variable: str, entries: list[Entry], scope: Scope, policies: frozenset[str]) -> None:
    """The mechanism of a variable among the boxes that produce it; the others must be policies."""
    own = [e for e in entries if e.name.text not in policies] if len(entries) > 1 else entries
    for e in entries:
        if e not in own:
            scope.policies[e.name.text] = e
    if own:
        scope.mechanisms[variable] = own[0]
    for second in own[1:]:
        scope.report.add(_two_boxes(variable, own[0], second).diagnostics)
    if entries and not own:
        names = ", ".join(f"`{e.name.text}`" for e in entries)
        message = f"all boxes of `{variable}` are used as policies: which one is its mechanism?"
        scope.report.add(
            problem("M001", message, entries[0].name.span, "one of them", notes=(f"they are {names}",)).diagnostics
        )


def _two_boxes(variable: str, first: Entry, second: Entry) -> LanguageError:
    return problem(
        "M001",
        f"two boxes produce `{variable}`",
        _output_span(second),
        f"`{second.name.text}` produces it again",
        also=second_place(_output_span(first), f"`{first.name.text}` already produces it"),
        help=(
            "give one output another name, or describe the alternative mechanism as a surgery:"
            f" `do({variable} ~ {second.name.text}({', '.join(x.name for x in second.dom)}))`",
        ),
    )


def _output_span(entry: Entry) -> Span | None:
    return entry.decl.outputs[0].span if entry.decl else entry.name.span


def _report_missing(scope: Scope, broken: set[str]) -> None:
    """M004 for variables that no box produces."""
    missing = [v for v in scope.variables.values() if v.name.text not in scope.mechanisms and v.object is not None]
    for v in missing:
        name = v.name.text
        if name in broken or any(e.variable == name for e in scope.policies.values()):
            continue
        box = name.lower() if name.lower() != name else f"{name}_box"
        message, label = f"no box produces `{name}`", "declared, but nothing makes it"
        scope.report.add(
            problem("M004", message, v.name.span, label, help=(f"add its box: `box {box} : … -> {name}`",)).diagnostics
        )


def policies_in(items: Sequence[syntax.Item]) -> frozenset[str]:
    """The boxes that some surgery of the file puts in a variable's place, as in `do(X ~ box(R))`."""
    found = set()
    for node in _walk(items):
        if isinstance(node, syntax.Assign) and isinstance(node.value, syntax.Call):
            found.add(node.value.name.text)
    return frozenset(found - set(DIST_NAMES))


def _walk(items: Sequence[syntax.Item]) -> Iterator[object]:
    """All nodes of a syntax tree, without recursion; tables and diagrams, where no surgery can be, are left out."""
    stack: list[object] = list(items)
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            stack.extend(node)
        elif is_dataclass(node) and not isinstance(node, (syntax.BoxDecl, syntax.TableData, syntax.DiagramBlock, Span)):
            yield node
            stack.extend(getattr(node, f.name) for f in fields(node) if f.name not in ("span", "path_span"))
