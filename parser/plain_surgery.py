"""Surgery on a plain diagram: it names boxes, for there are no variables.

`cut(g)` sends the box to *discard all inputs, then uniform on its outputs* (Jacobs, Kissinger, Zanasi 2019, section 5);
`do(g := value)` puts a sharp state there, if the output has values.
"""

from __future__ import annotations

from collections.abc import Sequence

from parser import syntax
from parser.domains import find_value
from parser.program import ModelDef
from parser.scope import Scope, Skipped, problem, shorten, unknown
from parser.surgeries import Setting, expand
from strings.diagnostic import LanguageError, Span
from strings.diagram import Diagram, compose, discard, point, uniform
from strings.functor import Functor
from strings.model import CausalModel
from strings.signature import Box, Object

_NOTHING = ModelDef("", CausalModel((), {}))


Images = dict[Box, Diagram]


def operate_by_box(d: Diagram, after: syntax.SurgeryExpression, scope: Scope) -> Diagram:
    """The diagram after surgery on its boxes.

    Raises:
        LanguageError: N002 for an unknown box, D006 for what only works on models.
    """
    return Functor(boxes=images_by_box(d, after, scope))(d)


def images_by_box(d: Diagram, after: syntax.SurgeryExpression, scope: Scope) -> Images:
    """What surgery puts in the place of boxes of the diagram: for every box what was said last.

    Raises:
        LanguageError: N002 for an unknown box, D006 for what only works on models.
    """
    boxes = list(dict.fromkeys(n.box for n in d.nodes if n.box.kind == "box"))
    images: Images = {}
    for op in expand(after, Setting(_NOTHING, scope)):
        match op:
            case syntax.CutOp(targets):
                for t in targets:
                    for b in _boxes(t, boxes, scope):
                        images[b] = compose(discard(b.dom), uniform(b.cod))
            case syntax.DoOp(assigns):
                for a in assigns:
                    images |= _do(a, boxes, scope)
            case _:
                raise _only_models(None)
    return images


def _do(a: syntax.Assign, boxes: Sequence[Box], scope: Scope) -> Images:
    found = _boxes(a.target, boxes, scope)
    value = a.value.value if isinstance(a.value, syntax.PointValue) else a.value
    if not isinstance(value, syntax.Name):
        raise _only_models(a.span)
    images: Images = {}
    for b in found:
        x = _single_output(b, a.span)
        images[b] = compose(discard(b.dom), point(x, find_value(value, x)))
    return images


def _single_output(b: Box, span: Span | None) -> Object:
    if len(b.cod) != 1 or b.cod[0].values is None:
        why = f"`{b.cod[0].name}` is a type without values" if len(b.cod) == 1 else f"it has {len(b.cod)} outputs"
        raise problem("D006", f"`{b.name}` cannot be set to a value", span, why, help=(f"cut it: `cut({b.name})`",))
    return b.cod[0]


def _only_models(span: Span | None) -> LanguageError:
    label = "a plain diagram has boxes, but no variables"
    help_ = ("on a plain diagram write `cut(box)` or `do(box := value)`",)
    return problem("D006", "this surgery works on models only", span, label, help=help_)


def _boxes(target: syntax.Target, boxes: Sequence[Box], scope: Scope) -> list[Box]:
    """The boxes that a target names: by their own name, or by that of their output if no box is called so."""
    if target.sink is not None:
        raise _only_models(target.span)
    name = target.variable
    entry = scope.boxes.get(name.text)
    if entry is not None and entry.box is not None and entry.box in boxes:
        return [entry.box]
    found = [b for b in boxes if b.name == name.text]
    if not found and name.text in scope.boxes:
        raise _absent(name, boxes, scope)
    found = found or [b for b in boxes if [x.name for x in b.cod] == [name.text]]
    if not found:
        raise unknown("box", name, [b.name for b in boxes], label="not in this diagram")
    return found


def _absent(name: syntax.Name, boxes: Sequence[Box], scope: Scope) -> Exception:
    """N002 for a box of the file that is not in the diagram, or has none of its own."""
    if scope.boxes.is_broken(name.text):
        return Skipped()
    entry = scope.boxes.get(name.text)
    known = [f"the boxes of this diagram are {shorten(dict.fromkeys(b.name for b in boxes))}"] if boxes else []
    if entry is not None and entry.diagram is not None:
        message = f"`{name.text}` is defined by a diagram, and has no box here to operate on"
        return problem("N002", message, name.span, "an abbreviation", notes=known, help=("name boxes of its diagram",))
    message = f"the box `{name.text}` is not in this diagram"
    dropped = "boxes all of whose outputs are discarded do not count, and surgery takes boxes away"
    return problem("N002", message, name.span, "not there", notes=(*known, dropped))
