"""Models of a file: the causal model of a scope, its interpretations, and models after surgery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from parser import syntax
from parser.boxes import definition
from parser.program import Definition, ModelDef
from parser.scope import Scope, problem, second_place, unknown
from parser.signatures import Entry, is_function
from parser.surgeries import Operations, Setting, refuse_free_wires, resolve_surgeries
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, Span
from strings.expression import ParameterDef
from strings.model import CausalModel, Mechanism
from strings.surgery import Surgery, operate


@dataclass(frozen=True)
class ModelInfo:
    """A model of a file with the scope that its names are resolved in."""

    definition: ModelDef
    scope: Scope

    @cached_property
    def setting(self) -> Setting:
        return Setting(self.definition, self.scope)


def build_model(name: str, scope: Scope, doc: str) -> ModelInfo:
    """The causal model of a scope's variables and mechanisms. What is broken is left out, so that the rest of the file
    can be checked against what remains."""
    _break_cycles(scope)
    variables = tuple(v.object for v in scope.variables.values() if v.object is not None)
    mechanisms = {v: Mechanism.of_box(e.box) for v, e in scope.mechanisms.items() if e.box is not None}
    latents = frozenset(n for n, v in scope.variables.items() if v.latent and v.object is not None)
    spans = _spans(scope)
    return ModelInfo(
        ModelDef(
            name,
            CausalModel(variables, mechanisms, latents, name),
            dict(scope.definitions),
            data=scope.data.own(),
            spans=spans,
            labels={n: v.label for n, v in scope.variables.items() if v.label},
            doc=doc,
            parameters=_parameters(scope),
            policies={n: e.box for n, e in scope.policies.items() if e.box is not None},
        ),
        scope,
    )


def _parameters(scope: Scope) -> dict[str, ParameterDef]:
    """The parameters in sight, those of the file around first."""
    outer = _parameters(scope.parent) if scope.parent else {}
    return {**outer, **scope.parameters.own()}


def _spans(scope: Scope) -> dict[str, Span]:
    spans = {f"var {n}": v.name.span for n, v in scope.variables.items()}
    spans |= {f"param {n}": scope.parameters.place(n) for n in scope.parameters.own()}
    spans |= {f"box {n}": e.name.span for n, e in scope.boxes.own().items()}
    return {n: s for n, s in spans.items() if s is not None}


def _break_cycles(scope: Scope) -> None:
    """Report loops among the mechanisms (M002) and take one box out of each."""
    while True:
        graph = {v: [x.name for x in e.dom if x.name in scope.mechanisms] for v, e in scope.mechanisms.items()}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as e:
            loop = _loop_from_first(e.args[1], scope)
            scope.report.add([_cycle(loop, scope)])
            del scope.mechanisms[loop[-1]]
        else:
            return


def _loop_from_first(loop: list[str], scope: Scope) -> list[str]:
    """A loop without its repeat, in the direction of the wires, from the variable declared first."""
    rank = {v: k for k, v in enumerate(scope.variables)}
    open_loop = loop[:-1]
    if len(open_loop) > 1 and open_loop[0] not in [x.name for x in scope.mechanisms[open_loop[1]].dom]:
        open_loop.reverse()
    start = min(range(len(open_loop)), key=lambda k: rank[open_loop[k]])
    return open_loop[start:] + open_loop[:start]


def _cycle(loop: list[str], scope: Scope) -> Diagnostic:
    first, last = scope.mechanisms[loop[0]], scope.mechanisms[loop[-1]]
    second = loop[1] if len(loop) > 1 else loop[0]
    return problem(
        "M002",
        "these boxes feed each other" if len(loop) > 1 else f"box `{first.name.text}` feeds itself",
        _output_span(last),
        "the loop closes here",
        also=second_place(_output_span(first), "and starts here") if len(loop) > 1 else (),
        notes=(f"loop: {' -> '.join([*loop, loop[0]])}",),
        help=(
            "a string diagram of a causal model has no loops; unroll time:"
            f" `{loop[0]}0 -> {second}{int(second == loop[0])} -> {loop[0]}{1 + (second == loop[0])}`",
        ),
    ).diagnostic


def _output_span(entry: Entry) -> Span | None:
    return entry.decl.outputs[0].span if entry.decl else entry.name.span


def with_surgeries(info: ModelInfo, names: Iterable[syntax.Name]) -> ModelInfo:
    """The model with the named surgeries resolved against it, for questions from outside the file."""
    found: dict[str, tuple[Surgery, ...]] = {}
    tables: dict[str, Definition] = dict(info.definition.definitions)
    for name in names:
        with info.scope.report.collect(name.span):
            done = resolve_surgeries((syntax.NamedOp(name, name.span),), info.setting)
            found[name.text] = done.surgeries
            tables.update(done.tables)
    return ModelInfo(replace(info.definition, surgeries=found, definitions=tables), info.scope)


def interpretation(item: syntax.Interpret, info: ModelInfo) -> dict[str, Definition]:
    """Other numbers for the boxes of a model; problems of all bodies are collected."""
    scope = info.scope
    entries = {e.name.text: e for e in [*scope.mechanisms.values(), *scope.policies.values()]}
    found: dict[str, Definition] = {}
    places: dict[str, Span | None] = {}
    for name, body in item.bodies:
        with scope.report.collect(name.span):
            if name.text in places:
                also = second_place(places[name.text], "first here")
                raise problem("N001", f"`{name.text}` is interpreted twice", name.span, "again here", also=also)
            places[name.text] = name.span
            if name.text not in entries:
                _refuse_box(name, entries, scope)
            entry = entries[name.text]
            if entry.box is not None and entry.box.deterministic and not is_function(body):
                label = "declared as a function"
                also = second_place(entry.name.span, label)
                message = f"`{name.text}` is a function, and must be one in every interpretation"
                raise problem("M010", message, body.span, "not a function", also=also)
            found[name.text] = definition(body, entry, scope)
    return found


def _refuse_box(name: syntax.Name, entries: Mapping[str, Entry], scope: Scope) -> None:
    """Raise what is wrong with the name of a box to interpret."""
    if name.text in scope.boxes:
        scope.boxes.find(name)
        label = "a generator of diagrams"
        raise problem("M011", f"`{name.text}` is no box of this model", name.span, label)
    raise unknown("box", name, entries)


def model_after(item: syntax.ModelAfter, base: ModelInfo) -> ModelInfo:
    """A model that surgery makes of another. It keeps the numbers, data and names of its base."""
    operations = resolve_surgeries(item.after, base.setting)
    refuse_free_wires(operations, item.span)
    model = replace(operated(base.definition.model, operations, item.span), name=item.name.text)
    return ModelInfo(
        replace(
            base.definition,
            name=item.name.text,
            model=model,
            definitions={**base.definition.definitions, **operations.tables},
            doc="\n".join(item.doc),
        ),
        base.scope,
    )


def operated(model: CausalModel, operations: Operations, span: Span | None) -> CausalModel:
    """The model after surgery; what goes wrong is told at `span`."""
    try:
        return operate(model, *operations.surgeries)
    except CutwireError as e:
        raise LanguageError(d.at(span) for d in e.diagnostics) from None
