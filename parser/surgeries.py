"""Surgeries, resolved against one model: `do(S := yes)`, `do(S ~ [1/2, 1/2])`, `cut(S -> T)`, named ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from parser import syntax
from parser.axes import Axes
from parser.boxes import fit_arguments, state_definition
from parser.program import Definition, Fit, Formulas, ModelDef, Table
from parser.scope import Scope, Skipped, near, problem, second_place, shorten, too_large, turned, unknown
from parser.signatures import DIST_NAMES
from strings.diagnostic import CompositionError, LanguageError, QueryError, Span
from strings.model import CausalModel, Mechanism
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery, boxes_of, operate

MAX_OPERATIONS = 1_000
"""One statement may operate so often, named surgeries written out."""

Operation = syntax.DoOp | syntax.CutOp


@dataclass(frozen=True)
class Setting:
    """What a question or surgery is resolved against: a model, and the scope of its file if there is one."""

    definition: ModelDef
    scope: Scope | None = None
    _told: set[str] = field(default_factory=set, compare=False)

    @property
    def model(self) -> CausalModel:
        return self.definition.model

    def has_variable(self, name: str) -> bool:
        try:
            self.model.object(name)
        except QueryError:
            return False
        return True

    def variable(self, name: syntax.Name, also_known: Sequence[str] = (), intervened: bool = False) -> Object:
        """The variable of a name.

        Raises:
            LanguageError: N002, or N004 if it is `intervened` on; told once a name.
            Skipped: if its declaration is broken, or the name was told before.
        """
        try:
            return self.model.object(name.text)
        except QueryError:
            pass
        if (self.scope is not None and self.scope.objects.is_broken(name.text)) or name.text in self._told:
            raise Skipped
        if self.scope is not None:
            self._told.add(name.text)
        if intervened:
            message = f"cannot intervene on `{name.text}`: there is no such variable"
            close = near(name.text, self.model.names)
            known = () if close else (f"the variables are {shorten(self.model.names)}",)
            raise problem("N004", message, name.span, "not declared", notes=known, help=close)
        raise unknown("variable", name, [*self.model.names, *also_known])


@dataclass(frozen=True)
class Operations:
    """Resolved surgeries in order, and the definitions of the boxes that only they use."""

    surgeries: tuple[Surgery, ...] = ()
    tables: Mapping[str, Definition] = field(default_factory=dict)
    spans: tuple[Span | None, ...] = field(default=(), compare=False)


def resolve_surgeries(
    ops: Sequence[syntax.DoOp | syntax.CutOp | syntax.NamedOp], setting: Setting, axes: Axes | None = None
) -> Operations:
    """Resolve surgeries, one after the other. Without `axes` every value must be one of the variable's.

    Raises:
        LanguageError: N002, N003, N004, N005, N010, N014, M002, M006, and those of distributions.
    """
    surgeries: list[Surgery] = []
    tables: dict[str, Definition] = {}
    spans: list[Span | None] = []
    for op in expand(ops, setting):
        for target, surgery, table in _operations(op, setting, axes or Axes(setting, "")):
            surgeries.append(surgery)
            spans.append(target)
            tables.update(table)
    _validate(surgeries, spans, setting)
    return Operations(tuple(surgeries), tables, tuple(spans))


def expand(
    ops: Sequence[syntax.DoOp | syntax.CutOp | syntax.NamedOp], setting: Setting
) -> Iterator[Operation | Surgery]:
    """The operations with named surgeries written out.

    Raises:
        LanguageError: N002 for an unknown name, D005 if surgeries stand for each other.
        LimitError: L003 if there are too many.
    """
    stack: list[tuple[str, Iterator[object]]] = [("", iter(ops))]
    done = 0
    while stack:
        op = next(stack[-1][1], None)
        done += 1
        if done > MAX_OPERATIONS:
            raise too_large(f"more than {MAX_OPERATIONS:,} operations in one surgery", ops[0].span)
        if op is None:
            stack.pop()
        elif isinstance(op, syntax.NamedOp):
            open_names = [name for name, _ in stack]
            if op.name.text in open_names:
                raise _loop(open_names[open_names.index(op.name.text) :], setting)
            stack.append((op.name.text, iter(_named(op.name, setting))))
        else:
            yield op  # type: ignore[misc]


def _loop(loop: Sequence[str], setting: Setting) -> LanguageError:
    """D005, told at the surgery of the loop that is declared first."""
    known = setting.scope.surgeries if setting.scope is not None else None
    names = turned(loop, known.known() if known else list(loop))
    span = known.place_in_sight(names[0]) if known else None
    message = "these surgeries stand for each other" if len(names) > 1 else f"`{names[0]}` stands for itself"
    return problem("D005", message, span, f"loop: {' -> '.join([*names, names[0]])}")


def _named(name: syntax.Name, setting: Setting) -> Sequence[object]:
    """What a named surgery stands for: as written in the file, or as resolved before."""
    if setting.scope is not None:
        return setting.scope.surgeries.find(name).surgery
    if name.text not in setting.definition.surgeries:
        raise unknown("surgery", name, setting.definition.surgeries)
    return setting.definition.surgeries[name.text]


_Resolved = tuple[Span | None, Surgery, Mapping[str, Definition]]


def _operations(op: Operation | Surgery, setting: Setting, axes: Axes) -> Iterator[_Resolved]:
    match op:
        case syntax.CutOp(targets):
            for t in targets:
                source = setting.variable(t.variable, intervened=True).name
                if t.sink is None:
                    yield t.span, Cut(source), {}
                else:
                    yield t.span, CutWire(source, setting.variable(t.sink, intervened=True).name), {}
        case syntax.DoOp(assigns):
            check_once(assigns)
            for a in assigns:
                yield _assign(a, setting, axes)
        case _:
            yield None, op, {}


def check_once(assigns: Sequence[syntax.Assign]) -> None:
    """One `do(…)` sets each variable and each wire once."""
    seen: dict[tuple[str, str], Span | None] = {}
    for a in assigns:
        key = (a.target.variable.text, a.target.sink.text if a.target.sink else "")
        if key in seen:
            name = " -> ".join(k for k in key if k)
            also = second_place(seen[key], "first here")
            raise problem("N010", f"`{name}` is set twice in one do(...)", a.span, "again here", also=also)
        seen[key] = a.span


def _assign(a: syntax.Assign, setting: Setting, axes: Axes) -> _Resolved:
    x = setting.variable(a.target.variable, intervened=True)
    sink = setting.variable(a.target.sink, intervened=True).name if a.target.sink else None
    value = a.value.value if isinstance(a.value, syntax.PointValue) else a.value
    if isinstance(value, syntax.Elsewhere):
        said = f"{value.name.text}[…]"
        help_ = (f"write what is asked as what it would be there: `Y[{x.name} := {said}]`",)
        raise problem("W003", f"`{x.name} := {said}` belongs into a world", value.span, "not a value", help=help_)
    if value is None:
        return a.span, Open(x.name) if sink is None else DoWire(x.name, sink, None), {}
    if isinstance(value, syntax.Name):
        fixed, axis = axes.value(value, x)
        if sink is not None:
            return a.span, DoWire(x.name, sink, fixed, axis), {}
        return a.span, Open(x.name, axis) if fixed is None else Do(x.name, fixed), {}
    if sink is not None:
        help_ = (f"write `do({x.name} -> {sink} := value)`, or replace the box of `{sink}`",)
        raise problem("N014", "one wire can only be told a value", value.span, "not a distribution", help=help_)
    if isinstance(value, syntax.Call) and value.name.text not in DIST_NAMES:
        return a.span, _policy(value, x, setting), {}
    return a.span, *_state(value, x, setting)


def _state(dist: syntax.Dist, x: Object, setting: Setting) -> tuple[Surgery, Mapping[str, Definition]]:
    """A fresh state box in place of a mechanism, named by what it is."""
    if x.values is None and not x.space:
        raise problem("N003", f"`{x.name}` has no declared values", dist.span, "so no distribution fits")
    definition: Definition
    if isinstance(dist, syntax.Call) and dist.name.text == "fit":
        definition = _fit(dist, x, setting)
        text = f"fit({definition.data}{f', alpha = {definition.alpha}' if definition.alpha else ''})"
    else:
        definition = state_definition(dist, x, list(setting.definition.parameters))
        text = str(definition.bodies[0]) if isinstance(definition, Formulas) else _show_table(definition)
    box = Box(f"{x.name} ~ {text}", (), (x,))
    return Replace(x.name, Mechanism.of_box(box), text), {box.name: definition}


def _show_table(t: Table) -> str:
    suffix = "" if t.exact else "f"
    return f"[{', '.join(f'{e}{suffix}' for e in t.entries)}]"


def _fit(call: syntax.Call, x: Object, setting: Setting) -> Fit:
    name, alpha = fit_arguments(call)
    data = setting.definition.data.get(name.text)
    if data is None:
        raise unknown("data", name, setting.definition.data)
    if x.name not in data.variables:
        label = f"has {shorten(data.variables)}"
        raise problem("F004", f"data `{data.name}` has no column for `{x.name}`", name.span, label)
    return Fit(data.name, alpha, call.span)


def _policy(call: syntax.Call, x: Object, setting: Setting) -> Surgery:
    """`X ~ b(R)`: the box `b`, whose declared inputs must be the variables named.

    Raises:
        LanguageError: N002 for an unknown box, M011 if it makes another variable, M006 if the arguments do not fit.
    """
    box = _policy_box(call.name, setting)
    if box.cod != (x,):
        label = f"it produces {', '.join(y.name for y in box.cod)}"
        raise problem("M011", f"box `{box.name}` cannot take the place of `{x.name}`", call.name.span, label)
    given = [a.value.name.text if a.name is None and isinstance(a.value, syntax.Ref) else "" for a in call.arguments]
    wanted = [y.name for y in box.dom]
    if given != wanted:
        for a, name in zip(call.arguments, given, strict=True):
            if not name:
                raise problem("M006", "a policy hears variables", a.span, "not the name of a variable")
        label = f"given {', '.join(given) or 'nothing'}"
        help_ = (f"write `{box.name}({', '.join(wanted)})`",)
        raise problem(
            "M006", f"policy `{box.name}` hears {', '.join(wanted) or 'nothing'}", call.span, label, help=help_
        )
    return Replace(x.name, Mechanism.of_box(box), f"{box.name}({', '.join(wanted)})")


def _policy_box(name: syntax.Name, setting: Setting) -> Box:
    if name.text in setting.definition.policies:
        return setting.definition.policies[name.text]
    own = boxes_of(setting.model)
    if name.text in own:
        return own[name.text]
    if setting.scope is not None and setting.scope.boxes.is_broken(name.text):
        raise Skipped
    raise unknown("box", name, [*setting.definition.policies, *own, *DIST_NAMES])


def _validate(surgeries: Sequence[Surgery], spans: Sequence[Span | None], setting: Setting) -> None:
    """Wires that are touched must exist, and policies must not close a loop."""
    wires = [isinstance(s, (CutWire, DoWire)) for s in surgeries]
    rewired = any(isinstance(s, Replace) and s.mechanism.parents for s in surgeries)
    if not rewired and not (any(wires) and not all(wires)):
        for s, span in zip(surgeries, spans, strict=True):
            if isinstance(s, (CutWire, DoWire)):
                _check_wire(s, span, setting.model)
        return
    model = setting.model
    for s, span in zip(surgeries, spans, strict=True):
        if isinstance(s, (CutWire, DoWire)):
            _check_wire(s, span, model)
        told = CutWire(s.source, s.sink) if isinstance(s, DoWire) and s.value is None else s
        try:
            model = operate(model, told)
        except (CompositionError, QueryError) as e:
            raise LanguageError(d.at(span) for d in e.diagnostics) from None


def _check_wire(s: CutWire | DoWire, span: Span | None, model: CausalModel) -> None:
    told = model.mechanisms.get(s.sink)
    if told is not None and s.source in told.parents:
        return
    heard = ", ".join(told.parents) if told and told.parents else "nothing"
    message, label = f"there is no wire `{s.source} -> {s.sink}`", f"`{s.sink}` hears {heard}"
    help_ = (f"did you mean `{s.sink} -> {s.source}`?",) if s.sink in model.parents(s.source) else ()
    raise problem("N005", message, span, label, help=help_)


def refuse_free_wires(operations: Operations, span: Span | None) -> None:
    """Where a model is built or drawn, what is told along a wire must be a value.

    Raises:
        LanguageError: N013.
    """
    for s, place in zip(operations.surgeries, operations.spans, strict=True):
        if isinstance(s, DoWire) and s.value is None:
            help_ = (f"choose a value: `do({s.source} -> {s.sink} := value)`",)
            raise problem("N013", "a value must be chosen for this wire here", place or span, "left free", help=help_)
