"""Named causal effects, written out: `PN(Y = yes, X := yes, no)` is a probability of another world.

In all of them `a` is the value of the treatment that is of interest, and `b` the one that it is compared with; `y`
stands for the event in front, or for the mean of a variable. Every name is short for what could be written in its
place, so what holds of questions holds of it.

| name | written out |
| --- | --- |
| `ATE(Y = y, X := a, b)` | average effect: `P(Y = y | do(X := a)) - P(Y = y | do(X := b))` |
| `ETT(Y = y, X := a, b)` | of treatment on the treated: `P(Y[X := a] = y | X = a) - P(Y[X := b] = y | X = a)` |
| `PN(Y = y, X := a, b)` | necessity: `P(Y[X := b] != y | X = a, Y = y)` |
| `PS(Y = y, X := a, b)` | sufficiency: `P(Y[X := a] = y | X = b, Y != y)` |
| `PNS(Y = y, X := a, b)` | both: `P(Y[X := a] = y, Y[X := b] != y)` |
| `CDE(Y = y, X := a, b, M := m)` | controlled direct: `P(Y = y | do(X := a, M := m)) - P(Y = y | do(X := b, M := m))` |
| `NDE(Y = y, X := a, b, M)` | natural direct: `P(Y[X := a, M := M[X := b]] = y) - P(Y[X := b] = y)` |
| `NIE(Y = y, X := a, b, M)` | natural indirect: `P(Y[X := b, M := M[X := a]] = y) - P(Y[X := b] = y)` |

Sources: Pearl, *Causality* (2009), chapter 9 (necessity, sufficiency) and section 8.2.5 (the treated); Pearl, *Direct
and indirect effects* (UAI 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from parser import syntax as s
from strings.diagnostic import Diagnostic, LanguageError, Span

MEDIATED = ("CDE", "NDE", "NIE")
EFFECTS = ("ATE", "ETT", "PN", "PS", "PNS", *MEDIATED)
_COUNTS = ("PN", "PS", "PNS")


@dataclass(frozen=True, slots=True)
class Contrast:
    """`X := a, b`"""

    variable: s.Name
    value: s.Name
    other: s.Name


Conditions = tuple[s.Event | s.DoOp | s.CutOp, ...]


def effect(
    name: str, event: s.Event, x: Contrast, through: Sequence[s.Assign], conditions: Conditions, span: Span
) -> s.Expression:
    """A named effect, written out; all its parts stand where the name does.

    Raises:
        LanguageError: W005 for mediators too few or too many, or an event that is none of `Y`, `Y = y`, `Y != y`.
    """
    _check(name, event, through, span)
    say = _Words(event, conditions, span)
    a, b = (s.Assign(s.Target(x.variable, None, span), v, span) for v in (x.value, x.other))
    seen_a, seen_b = (s.Event(x.variable, "=", (v,), span=span) for v in (x.value, x.other))
    match name:
        case "ATE":
            return say.less(say.done([a]), say.done([b]))
        case "ETT":
            return say.less(say.there([a], seen_a), say.there([b], seen_a))
        case "PN":
            return say.probability([say.other([b])], seen_a, event)
        case "PS":
            return say.probability([say.at([a])], seen_b, _other(event))
        case "PNS":
            return say.probability([say.at([a]), say.other([b])])
        case "CDE":
            return say.less(say.done([a, *through]), say.done([b, *through]))
        case _:
            direct, at = (a, b) if name == "NDE" else (b, a)
            world = s.DoOp((at,), span)
            kept = [replace(m, value=s.Elsewhere(m.target.variable, (world,), span), span=span) for m in through]
            return say.less(say.there([direct, *kept]), say.there([b]))


@dataclass(frozen=True, slots=True)
class _Words:
    """The pieces that effects are written with."""

    event: s.Event
    conditions: Conditions
    span: Span

    @property
    def kind(self) -> Literal["P", "E"]:
        return "P" if self.event.op else "E"

    def at(self, assigns: Sequence[s.Assign]) -> s.Event:
        """The event in the world in which something is set."""
        return replace(self.event, world=(s.DoOp(tuple(assigns), self.span),))

    def other(self, assigns: Sequence[s.Assign]) -> s.Event:
        """That it does not happen there."""
        return _other(self.at(assigns))

    def probability(self, events: Sequence[s.Event], *given: s.Event | s.DoOp) -> s.Probability:
        return s.Probability(self.kind, tuple(events), (*given, *self.conditions), self.span)

    def done(self, assigns: Sequence[s.Assign]) -> s.Probability:
        return self.probability([self.event], s.DoOp(tuple(assigns), self.span))

    def there(self, assigns: Sequence[s.Assign], *given: s.Event) -> s.Probability:
        return self.probability([self.at(assigns)], *given)

    def less(self, left: s.Expression, right: s.Expression) -> s.Binary:
        return s.Binary("-", left, right, self.span)


def _other(event: s.Event) -> s.Event:
    return replace(event, op="!=" if event.op == "=" else "=")


def _check(name: str, event: s.Event, through: Sequence[s.Assign], span: Span) -> None:
    form = _FORMS[name]
    problem = ""
    if name in _COUNTS and (event.op not in ("=", "!=") or event.world):
        problem = f"`{name}` is about an event of the actual world"
    elif event.world:
        problem = f"`{name}` says itself in which worlds"
    elif name in MEDIATED and not through:
        problem = f"`{name}` is about what a mediator passes on"
    elif name not in MEDIATED and through:
        problem = f"`{name}` has no mediators"
    elif name in MEDIATED and any((m.value is None) == (name == "CDE") for m in through):
        problem = f"`{name}` {'sets its mediators' if name == 'CDE' else 'leaves its mediators as they would be'}"
    if problem:
        raise LanguageError(Diagnostic("W005", problem, span, "", help=(f"write `{form}`",)))


_FORMS = {
    **{n: f"{n}(Y = y, X := a, b)" for n in EFFECTS},
    "CDE": "CDE(Y = y, X := a, b, M := m)",
    "NDE": "NDE(Y = y, X := a, b, M)",
    "NIE": "NIE(Y = y, X := a, b, M)",
}
