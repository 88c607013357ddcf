"""Surgery: interventions as edits of a string diagram.

`Cut(x)` is the surgery of Jacobs, Kissinger and Zanasi (2019, section 5): the box of `x` goes to *discard all inputs,
then uniform on x*, everything else stays. Its relatives plug a sharp state (`Do`), leave the wire open (`Open`), put
another mechanism in (`Replace`), or act on what one child hears (`CutWire`, `DoWire`).

All but `Open` and a `Replace` with other parents are CDU endofunctors (`functor_of`); `operate` applies any of them to
a model.

>>> from strings.model import CausalModel
>>> model = CausalModel.from_edges([("H", "S"), ("S", "C"), ("H", "C")], domains=2)
>>> cut = operate(model, Cut("S"))
>>> print(cut.diagram)
diagram () -> H, S, C {
  H0 <- h()
  S1 <- uniform()
  C2 <- c(S1, H0)
  return H0, S1, C2
}
>>> operate(cut, Cut("S")) == cut
True
>>> functor_of(Cut("S"), model)(model.diagram) == cut.diagram
True
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from strings.diagnostic import Diagnostic, QueryError, did_you_mean
from strings.diagram import Builder, Diagram, Node, box, compose, discard, point, tensor, uniform
from strings.functor import Functor
from strings.model import CausalModel, Mechanism
from strings.signature import Box, Object, Ty, spelled, spelled_value


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut the wire into `variable`: its inputs are discarded, the uniform state takes its place (JKZ's surgery)."""

    variable: str

    def __str__(self) -> str:
        return f"cut({spelled(self.variable)})"


@dataclass(frozen=True, slots=True)
class CutWire:
    """Cut one wire: `sink` hears a uniform state instead of `source`; everything else is left alone."""

    source: str
    sink: str

    def __str__(self) -> str:
        return f"cut({spelled(self.source)} -> {spelled(self.sink)})"


@dataclass(frozen=True, slots=True)
class Do:
    """Set `variable` to `value`: a sharp state takes the mechanism's place."""

    variable: str
    value: str

    def __str__(self) -> str:
        return f"do({spelled(self.variable)} := {spelled_value(self.value)})"


@dataclass(frozen=True, slots=True)
class DoWire:
    """Tell `sink` that `source` is `value`, and nobody else; `source` itself is untouched.

    With `value = None` the value is left free and ranges along the axis named `axis`.
    """

    source: str
    sink: str
    value: str | None
    axis: str | None = None

    def __str__(self) -> str:
        told = spelled_value(self.value) if self.value is not None else self.axis
        return f"do({spelled(self.source)} -> {spelled(self.sink)}{f' := {told}' if told else ''})"


@dataclass(frozen=True, slots=True)
class Open:
    """Forget the mechanism of `variable` and make its wire an input: `do` with the value left free.

    `axis` names the axis of the answer along which the value ranges (the variable's own name by default).
    """

    variable: str
    axis: str | None = None

    def __str__(self) -> str:
        return f"do({spelled(self.variable)}{f' := {self.axis}' if self.axis else ''})"


@dataclass(frozen=True)
class Replace:
    """Another mechanism for `variable`: a soft or stochastic intervention, or a policy that reads `parents`."""

    variable: str
    mechanism: Mechanism
    text: str = ""

    def __str__(self) -> str:
        return f"do({spelled(self.variable)} ~ {self.text or self.mechanism.diagram.nodes[0].box.name})"


Surgery = Cut | CutWire | Do | DoWire | Open | Replace


def randomise(variable: Object, name: str = "") -> Replace:
    """Replace a mechanism by a fresh state box with a distribution of its own (a randomised trial)."""
    state = Box(name or f"{variable.name}_random", (), (variable,))
    return Replace(variable.name, Mechanism.of_box(state), state.name)


def operate(model: CausalModel, *surgeries: Surgery) -> CausalModel:
    """The model after the surgeries, one after the other; a later one on the same variable or wire overrides.

    Raises:
        QueryError: N004 if a variable does not exist, N005 if there is no such wire, or none any more.
        CompositionError: D003 if a value is none of the variable's, M002 if a policy closes a loop.
    """
    for opening, group in itertools.groupby(surgeries, lambda s: isinstance(s, Open)):
        some = list(group)
        for name in (n for s in some for n in touched(s)):
            if not model.has(name):
                raise QueryError(
                    Diagnostic(
                        "N004",
                        f"cannot intervene on `{name}`: there is no such variable",
                        label="not declared",
                        help=did_you_mean(name, model.names),
                    )
                )
        if opening:
            model = model.opened(s.variable for s in some if isinstance(s, Open))
        for s in some:
            if not isinstance(s, Open):
                model = _operate_once(model, s)
    return model


def boxes_of(model: CausalModel | None, surgeries: Iterable[Surgery] = ()) -> dict[str, Box]:
    """The ordinary boxes of a model's mechanisms and of the policies that surgeries put in, by name."""
    diagrams = [m.diagram for m in model.mechanisms.values()] if model else []
    diagrams.extend(s.mechanism.diagram for s in surgeries if isinstance(s, Replace))
    return {n.box.name: n.box for d in diagrams for n in d.nodes if n.box.kind == "box"}


def _operate_once(model: CausalModel, s: Cut | CutWire | Do | DoWire | Replace) -> CausalModel:
    match s:
        case Replace(variable, mechanism):
            return model.with_mechanism(variable, mechanism)
        case Cut(variable) | Do(variable):
            old = model.mechanisms.get(variable)
            parents = old.parents if old else ()
            dom = tuple(model.object(p) for p in parents)
            return model.with_mechanism(variable, Mechanism(parents, _node_image(s, dom, model.object(variable))))
        case CutWire(source, sink) | DoWire(source, sink):
            return tell(model, source, sink, _wire_state(s, model.object(source)))


def tell(model: CausalModel, source: str, sink: str, state: Diagram) -> CausalModel:
    """The model in which `sink` hears one `state` on all its ports for `source`, whatever it heard there before.

    Raises:
        QueryError: N005 if `sink` does not hear `source`.
    """
    problem = wire_problem(model, source, sink)
    if problem is not None:
        raise QueryError(problem)
    told = model.mechanisms[sink]
    places = _places(told, source)
    builder = Builder(told.diagram.dom)
    (new,) = builder.paste(state, ())
    env = [new if k in places else k for k in range(len(told.diagram.dom))]
    for first, node in zip(told.diagram.first_wires, told.diagram.nodes, strict=True):
        env.extend([new] if first in places else builder.apply(node.box, [env[a] for a in node.args]))
    return model.with_mechanism(sink, Mechanism(told.parents, builder.freeze(env[w] for w in told.diagram.outs)))


def wire_problem(model: CausalModel, source: str, sink: str) -> Diagnostic | None:
    """N005 if there is no wire from `source` into `sink` that surgery could act on; nothing if there is one.

    A wire that was cut, or told a value, is still there: its box goes on listening to what stands in its place.
    """
    told = model.mechanisms.get(sink)
    notes = (f"`{sink}` hears {', '.join(model.parents(sink)) or 'nothing'}",)
    if told is None or source not in told.parents:
        back = model.mechanisms.get(source)
        help_ = (f"did you mean `{sink} -> {source}`?",) if back and sink in back.parents else ()
        return Diagnostic("N005", f"there is no wire `{source} -> {sink}`", notes=notes, help=help_)
    if _places(told, source) & {w for node in told.diagram.nodes for w in node.args}:
        return None
    gone = all(node.box.kind != "box" for node in told.diagram.nodes)
    why = f"`{sink}` was set or cut before" if gone else "its mechanism takes no notice of it"
    return Diagnostic("N005", f"`{sink}` does not hear `{source}` any more: {why}", notes=notes)


def _places(told: Mechanism, source: str) -> set[int]:
    """The wires on which a mechanism hears `source`: inputs, and states that surgery has put in their place."""
    inputs = {k for k, p in enumerate(told.parents) if p == source}
    x = told.diagram.dom[min(inputs)]

    def is_state(node: Node) -> bool:
        return not node.args and node.box.cod == (x,)

    firsts = zip(told.diagram.first_wires, told.diagram.nodes, strict=True)
    return inputs | {first for first, node in firsts if is_state(node)}


def touched(s: Surgery) -> tuple[str, ...]:
    """The variables that a surgery names."""
    match s:
        case CutWire(source, sink) | DoWire(source, sink):
            return (source, sink)
        case _:
            return (s.variable,)


def _node_image(s: Cut | Do, dom: Ty, x: Object) -> Diagram:
    """*Discard all inputs, then* the uniform or the sharp state on `x`."""
    state = uniform((x,)) if isinstance(s, Cut) else point(x, s.value)
    return compose(discard(dom), state)


def _wire_state(s: CutWire | DoWire, x: Object) -> Diagram:
    """What a child hears in place of `x`."""
    if isinstance(s, CutWire):
        return uniform((x,))
    if s.value is None:
        return box(Box(told_name(s), (), (x,), deterministic=True))
    return point(x, s.value)


_TOLD = "(told) "


def told_name(s: DoWire) -> str:
    """The name of the state box for a value left free on a wire; no box of a model can have it."""
    return f"{_TOLD}{s.source} := {s.axis or s.source}"


def is_told(name: str) -> bool:
    """Whether a box stands for a value left free on a wire: it is an axis and has no table."""
    return name.startswith(_TOLD)


def told_axis(name: str) -> str:
    """The axis that such a box is."""
    return name.rpartition(" := ")[2]


def _wire_image(s: CutWire | DoWire, b: Box) -> Diagram | None:
    """The box behind a state for the ports of the source, one state copied to all; nothing if it has no such port."""
    ports = [k for k, x in enumerate(b.dom) if x.name == s.source]
    if not ports:
        return None
    builder = Builder(b.dom)
    (new,) = builder.paste(_wire_state(s, b.dom[ports[0]]), ())
    return builder.freeze(builder.apply(b, [new if k in ports else k for k in range(len(b.dom))]))


def functor_of(s: Surgery, model: CausalModel) -> Functor:
    """The CDU endofunctor of a surgery on the free category of `model`: the identity on all but one box.

    Raises:
        ValueError: for `Open` and for a `Replace` with other parents; those change the type of a box or the boundary,
            so they are edits of the model, not functors on its syntax.
    """
    match s:
        case Cut(variable) | Do(variable):
            x = model.object(variable)

            def image(b: Box) -> Diagram | None:
                return _node_image(s, b.dom, x) if b.cod == (x,) else None
        case CutWire(_, sink) | DoWire(_, sink):
            y = model.object(sink)

            def image(b: Box) -> Diagram | None:
                return _wire_image(s, b) if b.cod == (y,) else None
        case Replace(variable, mechanism):
            x = model.object(variable)
            old = model.mechanisms.get(variable)
            if old is None or old.parents != mechanism.parents:
                raise ValueError("a replacement with other parents is not a functor: use `operate`")

            def image(b: Box) -> Diagram | None:
                return mechanism.diagram if b.cod == (x,) and b.dom == mechanism.diagram.dom else None
        case Open():
            raise ValueError("opening changes the boundary and is not a functor: use `operate`")
    on_boxes: Callable[[Box], Diagram | None] = image
    return Functor(boxes=on_boxes)


def plug_uniform(model: CausalModel, variable: str) -> Diagram:
    """The open model with the uniform state plugged into the wire of `variable`: equals its cut (a law).

    >>> model = CausalModel.from_edges([("H", "S"), ("S", "C")], domains=2)
    >>> plug_uniform(operate(model, Open("S")), "S") == operate(model, Cut("S")).diagram
    True
    """
    states = [
        uniform((model.object(n),)) if n == variable else Diagram((model.object(n),), (), (0,)) for n in model.inputs
    ]
    return tensor(*states) >> model.diagram
