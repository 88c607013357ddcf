"""Surgery on a plain diagram: it names boxes, for there are no variables.

`cut(g)` sends the box to *discard all inputs, then uniform on its outputs* (Jacobs, Kissinger, Zanasi 2019, section 5);
`do(g := value)` puts a sharp state there, if the output has values.
"""

from __future__ import annotations

from collections.abc import Callable

from parser import syntax
from parser.domains import find_value
from parser.program import ModelDef
from parser.scope import Scope, problem, unknown
from parser.surgeries import Setting, expand
from strings.diagnostic import LanguageError, Span
from strings.diagram import Diagram, compose, discard, point, uniform
from strings.functor import Functor
from strings.model import CausalModel
from strings.signature import Box, Object

_NOTHING = ModelDef("", CausalModel((), {}))


def operate_by_box(d: Diagram, after: syntax.SurgeryExpression, scope: Scope) -> Diagram:
    """The diagram after surgery on its boxes.

    Raises:
        LanguageError: N002 for an unknown box, D006 for what only works on models.
    """
    for op in expand(after, Setting(_NOTHING, scope)):
        match op:
            case syntax.CutOp(targets):
                for t in targets:
                    d = _put(d, _boxes(t, d), lambda b: uniform(b.cod))
            case syntax.DoOp(assigns):
                for a in assigns:
                    d = _do(a, d)
            case _:
                raise _only_models(None)
    return d


def _do(a: syntax.Assign, d: Diagram) -> Diagram:
    boxes = _boxes(a.target, d)
    value = a.value.value if isinstance(a.value, syntax.PointValue) else a.value
    if not isinstance(value, syntax.Name):
        raise _only_models(a.span)
    x = _single_output(boxes[0], a.span)
    state = point(x, find_value(value, x))
    return _put(d, boxes, lambda b: state)


def _single_output(b: Box, span: Span | None) -> Object:
    if len(b.cod) != 1 or b.cod[0].values is None:
        why = f"`{b.cod[0].name}` is a type without values" if len(b.cod) == 1 else f"it has {len(b.cod)} outputs"
        raise problem("D006", f"`{b.name}` cannot be set to a value", span, why, help=(f"cut it: `cut({b.name})`",))
    return b.cod[0]


def _only_models(span: Span | None) -> LanguageError:
    label = "a plain diagram has boxes, but no variables"
    help_ = ("on a plain diagram write `cut(box)` or `do(box := value)`",)
    return problem("D006", "this surgery works on models only", span, label, help=help_)


def _boxes(target: syntax.Target, d: Diagram) -> list[Box]:
    """The boxes that a target names: by their own name, or by that of their output."""
    if target.sink is not None:
        raise _only_models(target.span)
    boxes = list(dict.fromkeys(n.box for n in d.nodes if n.box.kind == "box"))
    name = target.variable.text
    found = [b for b in boxes if b.name == name] or [b for b in boxes if [x.name for x in b.cod] == [name]]
    if not found:
        raise unknown("box", target.variable, [b.name for b in boxes], label="not in this diagram")
    return found


def _put(d: Diagram, boxes: list[Box], state: Callable[[Box], Diagram]) -> Diagram:
    images = {b: compose(discard(b.dom), state(b)) for b in boxes}
    return Functor(boxes=images)(d)
