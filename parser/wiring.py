"""Diagrams in program style: every line applies a box to named wires; a name used twice is copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from parser import syntax
from parser.scope import Scope, Skipped, count, problem, second_place, unknown
from strings.diagnostic import CutwireError, LanguageError, Span
from strings.diagram import Builder, Diagram
from strings.signature import Object, Ty, show_type

Find = Callable[[syntax.Name, "tuple[syntax.Name, ...] | None"], Diagram]
"""Finds what a line applies, by name and, for `copy[A]` and the like, types."""


@dataclass(frozen=True, slots=True)
class _Wire:
    number: int
    type: Object
    span: Span | None


def block(item: syntax.DiagramBlock, scope: Scope, find: Find) -> Diagram:
    """The diagram of a block.

    Raises:
        LanguageError: D002 for a wire of the wrong type, D007 for a wrong number of wires, N001, N002.
        Skipped: if lines failed; their problems are reported.
    """
    inputs, outputs = _types([w.type for w in item.inputs], scope), _types(item.outputs, scope)
    wiring = _Wiring(item, scope, find, inputs)
    for statement in item.statements:
        with scope.report.collect(statement.span):
            wiring.run(statement)
    return wiring.finish(outputs)


def _types(names: list[syntax.Name] | tuple[syntax.Name, ...], scope: Scope) -> Ty:
    found = []
    for n in names:
        with scope.report.collect(n.span):
            found.append(scope.find_object(n, "variable or type" if scope.variables else "type"))
    if len(found) < len(names):
        raise Skipped
    return tuple(found)


class _Wiring:
    """The wires of one block, by name, while its lines are run. A broken wire is `None`."""

    def __init__(self, item: syntax.DiagramBlock, scope: Scope, find: Find, inputs: Ty) -> None:
        self.item, self.scope, self.find = item, scope, find
        self.builder = Builder(inputs)
        self.wires: dict[str, _Wire | None] = {}
        self.places: dict[str, Span | None] = {}
        for k, (wire, x) in enumerate(zip(item.inputs, inputs, strict=True)):
            with scope.report.collect(wire.span):
                self._name(wire.name, _Wire(k, x, wire.name.span))

    def run(self, statement: syntax.Apply | syntax.DiscardWires) -> None:
        if isinstance(statement, syntax.DiscardWires):
            for name in statement.names:
                with self.scope.report.collect(name.span):
                    self._find(name)
            return
        outputs = [o for o in statement.outputs if isinstance(o, syntax.Name)]
        try:
            made = self._apply(statement)
        except (CutwireError, Skipped):
            for o in outputs:
                self.wires.setdefault(o.text, None)
            raise
        for output, wire in zip(statement.outputs, made, strict=True):
            if isinstance(output, syntax.Name):
                self._name(output, _Wire(wire.number, wire.type, output.span))

    def _apply(self, statement: syntax.Apply) -> list[_Wire]:
        d = self.find(statement.box, statement.types)
        name = statement.box.text
        arguments = [self._find(a) for a in statement.arguments]
        if len(arguments) != len(d.dom):
            label = f"{len(arguments)} given"
            notes = (f"{name} : {show_type(d.dom)} -> {show_type(d.cod)}",)
            message = f"`{name}` takes {count(len(d.dom), 'wire')}"
            surplus = [a.span for a in statement.arguments[len(d.dom) :]]
            raise problem("D007", message, surplus[0] if surplus else statement.span, label, notes=notes)
        for a, wire, wanted in zip(statement.arguments, arguments, d.dom, strict=True):
            if wire.type != wanted:
                raise _wrong_type(a, wire, wanted, f"`{name}` takes {wanted.name} here")
        if len(statement.outputs) != len(d.cod):
            label = f"{count(len(statement.outputs), 'name')} for {count(len(d.cod), 'output')}"
            notes = (f"{name} : {show_type(d.dom)} -> {show_type(d.cod)}",)
            message = f"`{name}` gives {count(len(d.cod), 'wire')}"
            help_: tuple[str, ...] = ("write `_` for an output that is not needed",)
            surplus = [o.span for o in statement.outputs[len(d.cod) :]]
            where, help_ = (surplus[0], ()) if surplus else (statement.span, help_)
            raise problem("D007", message, where or statement.span, label, notes=notes, help=help_)
        self.scope.bounds.spend_parts(len(d.nodes) + len(d.wires) + len(d.outs), statement.span)
        wires = self.builder.paste(d, [w.number for w in arguments])
        return [_Wire(k, x, None) for k, x in zip(wires, d.cod, strict=True)]

    def _name(self, name: syntax.Name, wire: _Wire) -> None:
        used_too_early = name.text not in self.places and self.wires.get(name.text, wire) is None
        if name.text in self.wires and not used_too_early:
            also = second_place(self.places.get(name.text), "first here")
            help_ = (f"call it `{name.text}'`",)
            message = f"the wire `{name.text}` is made twice"
            raise problem("N001", message, name.span, "again here", also=also, help=help_)
        self.wires[name.text] = wire
        self.places[name.text] = name.span

    def _find(self, name: syntax.Name) -> _Wire:
        if name.text not in self.wires:
            self.wires[name.text] = None
            raise self._unknown(name)
        wire = self.wires[name.text]
        if wire is None:
            raise Skipped
        return wire

    def _unknown(self, name: syntax.Name) -> LanguageError:
        made = (o for s in self.item.statements if isinstance(s, syntax.Apply) for o in s.outputs)
        later = next((o for o in made if isinstance(o, syntax.Name) and o.text == name.text), None)
        if later is not None:
            also = second_place(later.span, "made here")
            message = f"the wire `{name.text}` is used before it is made"
            return problem("N002", message, name.span, "not made yet", also=also)
        known = [n for n, w in self.wires.items() if w is not None]
        return unknown("wire", name, known, label="nothing makes it")

    def finish(self, outputs: Ty) -> Diagram:
        returned: list[_Wire] = []
        for name in self.item.returns:
            with self.scope.report.collect(name.span):
                returned.append(self._find(name))
        if len(returned) < len(self.item.returns) or any(w is None for w in self.wires.values()):
            raise Skipped
        if len(returned) != len(outputs):
            label = f"declared {show_type(outputs)}"
            given = count(len(returned), "wire")
            span = self.item.returns[0].span if self.item.returns else self.item.span
            raise problem("D007", f"`{self.item.name.text}` returns {given}", span, label)
        for n, made, wanted in zip(self.item.returns, returned, outputs, strict=True):
            if made.type != wanted:
                raise _wrong_type(n, made, wanted, f"declared to be {wanted.name}")
        return self.builder.freeze(w.number for w in returned)


def _wrong_type(name: syntax.Name, wire: _Wire, wanted: Object, label: str) -> LanguageError:
    same = " (same name, other values)" if wire.type.name == wanted.name else ""
    return problem(
        "D002",
        f"the wire `{name.text}` is {wire.type.name}{same}, not {wanted.name}",
        name.span,
        label,
        also=second_place(wire.span, f"this is {wire.type.name}"),
    )
