"""Diagrams of a file: point-free (`f ; g * id[B]`), program style (`x, y <- f(a)`), abbreviations, and their surgery.

Everything is pasted into `strings.diagram` term graphs; what a file pastes altogether is bounded beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from parser import syntax
from parser.models import ModelInfo, operated
from parser.plain_surgery import operate_by_box
from parser.scope import Scope, Skipped, count, problem, second_place, too_large, turned, unknown
from parser.signatures import Entry
from parser.surgeries import refuse_free_wires, resolve_surgeries
from parser.wiring import block
from strings.diagnostic import Span
from strings.diagram import Diagram, box, compose, copy, discard, identity, swap, tensor, uniform
from strings.signature import Object, show_type

MAX_DEPTH = 200
_STRUCTURE = ("id", "copy", "discard", "swap", "uniform")

Definition = syntax.DiagramBlock | syntax.DiagramDef | syntax.BoxDecl


def elaborate_diagrams(items: Sequence[syntax.Item], scope: Scope) -> dict[str, Diagram]:
    """Resolve the diagrams and abbreviations of a scope, in any order of declaration; the diagrams by name."""
    declared: dict[str, Definition] = {}
    for item in items:
        if isinstance(item, syntax.BoxDecl) and isinstance(item.body, syntax.Composite):
            if item.name.text in scope.boxes.own():
                declared[item.name.text] = item
        elif isinstance(item, (syntax.DiagramBlock, syntax.DiagramDef)) and scope.boxes.declare(item.name):
            declared[item.name.text] = item
    shells = scope.boxes.own()
    for name in declared:
        scope.boxes.undefine(name)
    found: dict[str, Diagram] = {}
    for name in _in_order(declared, scope):
        item = declared[name]
        with scope.report.collect(item.name.span):
            d = _definition(item, scope)
            if isinstance(item, syntax.BoxDecl):
                _check_abbreviation(item, d, shells[name])
                scope.boxes.define(name, Entry(item.name, diagram=d, decl=item))
            else:
                scope.boxes.define(name, Entry(item.name, diagram=d))
                found[name] = d
    return {n: found[n] for n in declared if n in found}


def _in_order(declared: Mapping[str, Definition], scope: Scope) -> list[str]:
    """The definitions, each behind those that it names; loops are reported (D005) and left out."""
    graph = {name: [n for n in dict.fromkeys(_names_in(item)) if n in declared] for name, item in declared.items()}
    while True:
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as e:
            loop = turned(e.args[1][:0:-1], list(declared))
            message = "these diagrams contain each other" if len(loop) > 1 else f"`{loop[0]}` contains itself"
            label = f"loop: {' -> '.join([*loop, loop[0]])}"
            scope.report.add(problem("D005", message, declared[loop[0]].name.span, label).diagnostics)
            graph = {n: [p for p in ps if p not in loop] for n, ps in graph.items() if n not in loop}


def _names_in(item: Definition) -> Iterator[str]:
    """The names of boxes and diagrams that a definition uses."""
    stack: list[object] = [item]
    while stack:
        match stack.pop():
            case syntax.BoxDecl(body=syntax.Composite(d)):
                stack.append(d)
            case syntax.DiagramBlock(statements=statements):
                yield from (s.box.text for s in statements if isinstance(s, syntax.Apply))
            case syntax.DiagramDef(diagram=d):
                stack.append(d)
            case syntax.DName(name):
                yield name.text
            case syntax.DSequence(parts) | syntax.DParallel(parts):
                stack.extend(parts)
            case _:
                pass


def _definition(item: Definition, scope: Scope) -> Diagram:
    match item:
        case syntax.DiagramBlock():
            return block(item, scope, lambda name, types: _applied(name, types, scope))
        case syntax.DiagramDef():
            return whole_diagram(item.diagram, item.after, scope, item.span)
        case _:
            if not isinstance(item.body, syntax.Composite):
                raise Skipped
            return whole_diagram(item.body.diagram, (), scope, item.span)


def _check_abbreviation(item: syntax.BoxDecl, d: Diagram, shell: Entry) -> None:
    """The diagram must have the declared type (D002)."""
    if (shell.dom, shell.cod) == (d.dom, d.cod):
        return
    raise problem(
        "D002",
        f"box `{item.name.text}` and its diagram have different types",
        item.body.span if item.body else item.span,
        f"goes {show_type(d.dom)} -> {show_type(d.cod)}",
        also=second_place(item.name.span, f"declared {show_type(shell.dom)} -> {show_type(shell.cod)}"),
    )


def find_model(e: syntax.DiagramExpression, scope: Scope) -> ModelInfo | None:
    """The model, if the expression is the name of one and no more. A model goes before a box of the same name."""
    return scope.find_model(e.name) if isinstance(e, syntax.DName) and e.name.text in scope.models else None


def whole_diagram(
    e: syntax.DiagramExpression, after: syntax.SurgeryExpression, scope: Scope, span: Span | None
) -> Diagram:
    """A diagram expression with surgery on it.

    Raises:
        LanguageError: N002, D001, D002, D006, D007 and what surgery raises. LimitError: L003.
    """
    info = find_model(e, scope)
    if info is None:
        d = diagram(e, scope)
        return operate_by_box(d, after, scope) if after else d
    operations = resolve_surgeries(after, info.setting)
    refuse_free_wires(operations, span)
    return operated(info.definition.model, operations, span).diagram


def diagram(e: syntax.DiagramExpression, scope: Scope) -> Diagram:
    """A diagram expression without surgery."""
    _check_depth(e)
    return _diagram(e, scope)


def _check_depth(e: syntax.DiagramExpression) -> None:
    level = [e]
    for _ in range(MAX_DEPTH):
        level = [p for x in level if isinstance(x, (syntax.DSequence, syntax.DParallel)) for p in x.parts]
        if not level:
            return
    raise too_large(f"this diagram is nested more than {MAX_DEPTH} deep", e.span, "name some of its parts")


def size(d: Diagram) -> int:
    """How much a diagram costs to paste: boxes and wires."""
    return len(d.nodes) + len(d.wires) + len(d.outs)


def _diagram(e: syntax.DiagramExpression, scope: Scope) -> Diagram:
    match e:
        case syntax.DName(name):
            return named(name, scope)
        case syntax.DStructure(name, types):
            return structure(name, types, scope, e.span)
        case syntax.DSequence(parts) | syntax.DParallel(parts):
            made: list[Diagram] = []
            for p in parts:
                with scope.report.collect(p.span):
                    made.append(_diagram(p, scope))
            if len(made) < len(parts):
                raise Skipped
            if isinstance(e, syntax.DSequence):
                for k in range(len(made) - 1):
                    _check_plug(parts[k], made[k], parts[k + 1], made[k + 1])
            scope.bounds.spend_parts(sum(map(size, made)), e.span)
            return compose(*made) if isinstance(e, syntax.DSequence) else tensor(*made)


def named(name: syntax.Name, scope: Scope) -> Diagram:
    """A box, a diagram or a model by name."""
    if name.text not in scope.boxes and name.text in scope.models:
        return scope.find_model(name).definition.model.diagram
    entry = scope.boxes.find(name, "box or diagram", also_known=scope.models.known())
    if entry.diagram is not None:
        return entry.diagram
    if entry.box is None:
        raise Skipped
    return box(entry.box)


def _applied(name: syntax.Name, types: tuple[syntax.Name, ...] | None, scope: Scope) -> Diagram:
    if types is not None:
        return structure(name, types, scope, name.span)
    if name.text in _STRUCTURE and name.text not in scope.boxes:
        help_ = (f"write `{name.text}[A](…)`",)
        raise problem("D007", f"`{name.text}` needs its types", name.span, "of what?", help=help_)
    return named(name, scope)


def structure(name: syntax.Name, types: Sequence[syntax.Name], scope: Scope, span: Span | None) -> Diagram:
    """`id[A]`, `copy[A]`, `discard[A]`, `swap[A, B]`, `uniform[A]`."""
    if name.text not in _STRUCTURE:
        raise unknown("structure", name, _STRUCTURE)
    ty: list[Object] = []
    for t in types:
        with scope.report.collect(t.span):
            ty.append(scope.find_object(t, "variable or type" if scope.variables else "type"))
    if len(ty) < len(types):
        raise Skipped
    if name.text == "swap" and len(ty) != 2:
        raise problem("D007", "`swap` takes two types", span, f"{count(len(ty), 'type')} given")
    scope.bounds.spend_parts(2 * len(ty), span)
    match name.text:
        case "id":
            return identity(tuple(ty))
        case "copy":
            return copy(tuple(ty))
        case "discard":
            return discard(tuple(ty))
        case "uniform":
            return uniform(tuple(ty))
        case _:
            return swap((ty[0],), (ty[1],))


def _check_plug(
    left: syntax.DiagramExpression, first: Diagram, right: syntax.DiagramExpression, second: Diagram
) -> None:
    """What one part gives must be what the next takes (D001)."""
    if first.cod == second.dom:
        return
    raise problem(
        "D001",
        "these diagrams do not plug together",
        right.span,
        f"takes {show_type(second.dom)}",
        also=second_place(left.span, f"gives {show_type(first.cod)}"),
        help=(difference(first.cod, second.dom),),
    )


def difference(left: Sequence[Object], right: Sequence[Object]) -> str:
    """Where two types differ first."""
    for k, (a, b) in enumerate(zip(left, right, strict=False), start=1):
        if a != b:
            same = " (same name, other values)" if a.name == b.name else ""
            return f"wire {k} is {a.name} on the left and {b.name} on the right{same}"
    return f"{count(len(left), 'wire')} on the left, {len(right)} on the right"
