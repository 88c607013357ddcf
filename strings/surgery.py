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

from collections.abc import Callable
from dataclasses import dataclass

from strings.diagnostic import Diagnostic, QueryError, did_you_mean
from strings.diagram import Builder, Diagram, box, compose, discard, point, tensor, uniform
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
    """The model after the surgeries, one after the other.

    Raises:
        QueryError: N004 if a variable does not exist, N005 if there is no such wire.
        CompositionError: D003 if a value is none of the variable's, M002 if a policy closes a loop.
    """
    for s in surgeries:
        model = _operate_once(model, s)
    return model


def _operate_once(model: CausalModel, s: Surgery) -> CausalModel:
    for name in touched(s):
        if name not in model.names:
            raise QueryError(
                Diagnostic(
                    "N004",
                    f"cannot intervene on `{name}`: there is no such variable",
                    label="not declared",
                    help=did_you_mean(name, model.names),
                )
            )
    match s:
        case Open(variable):
            return model.with_mechanism(variable, None)
        case Replace(variable, mechanism):
            return model.with_mechanism(variable, mechanism)
        case Cut(variable) | Do(variable):
            old = model.mechanisms.get(variable)
            parents = old.parents if old else ()
            dom = tuple(model.object(p) for p in parents)
            return model.with_mechanism(variable, Mechanism(parents, _node_image(s, dom, model.object(variable))))
        case CutWire(source, sink) | DoWire(source, sink):
            told = model.mechanisms.get(sink)
            if told is None or source not in told.parents:
                raise QueryError(
                    Diagnostic(
                        "N005",
                        f"there is no wire `{source} -> {sink}`",
                        notes=(f"`{sink}` hears {', '.join(model.parents(sink)) or 'nothing'}",),
                    )
                )
            heard = _wire_image(s, told.diagram.dom, source)
            return model.with_mechanism(sink, Mechanism(told.parents, heard >> told.diagram))


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


def _wire_image(s: CutWire | DoWire, dom: Ty, source: str) -> Diagram:
    """Identity on `dom`, but for the wires of `source`, which are discarded and made anew (one state, copied)."""
    x = next(y for y in dom if y.name == source)
    if isinstance(s, DoWire):
        if s.value is None:
            raise ValueError("a wire with a free value has no diagram: choose the value first")
        state = point(x, s.value)
    else:
        state = uniform((x,))
    builder = Builder(dom)
    (new,) = builder.paste(state, ())
    return builder.freeze(new if y == x else k for k, y in enumerate(dom))


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
        case CutWire(source, sink) | DoWire(source, sink):
            y = model.object(sink)

            def image(b: Box) -> Diagram | None:
                return _wire_image(s, b.dom, source) >> box(b) if b.cod == (y,) else None
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
