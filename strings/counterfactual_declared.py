"""Counterfactuals that follow for the values that are declared, though not for all numbers of values.

Identification is for all numbers of values, but some counterfactuals follow where a variable has few: the effect of
treatment on the treated, say, from experiments with a treatment of two values, since `P(y_0, X = 1)` is
`P(y_0) - P(y_0, X = 0)`. What is found here is right; what is not found may follow in another way.

>>> bow = CausalModel.from_edges([("X", "Y")], [("X", "Y")], domains=2)
>>> there = Term("Y", ("1",), world=(Do("X", "0"),))
>>> ett = Query((there,), (Term("X", ("1",)),))
>>> refused = identify_counterfactual(bow, ett)
>>> print(formula_for_declared(bow, refused)[1].cases[0].formula)
(P(Y = 1 | do(X := 0)) - P(X = 0, Y = 1)) / P(X = 1)
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from strings.counterfactual import Conflict
from strings.counterfactual_identify import (
    CounterfactualIdentified,
    CounterfactualNotIdentified,
    as_identified,
    identify_counterfactual,
)
from strings.diagnostic import CutwireError
from strings.estimand import Given
from strings.formula import Arithmetic, Formula, Number
from strings.identification import Identified
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do, Surgery

_MOST_VALUES = 4
_DEPTH = 3


def formula_for_declared(
    model: CausalModel, found: CounterfactualNotIdentified
) -> tuple[tuple[str, ...], CounterfactualIdentified] | None:
    """The variables whose declared values matter, and how the answer follows for them; nothing if none is found."""
    asked = found.asked
    if not isinstance(found.obstacle, Conflict) or asked.expectation:
        return None
    try:
        search = _Search(model, asked.surgeries, found.given)
        above = search.joint((*asked.given, *asked.targets), frozenset(), _DEPTH)
        below = search.joint(asked.given, frozenset(), _DEPTH) if above is not None else None
    except CutwireError:  # a part that cannot be asked so
        return None
    if above is None or below is None:
        return None
    written = above if below == _ONE else Arithmetic("/", above, below)
    return tuple(search.used), as_identified(found, written, search.parts)


_ONE, _ZERO = Number(Fraction(1)), Number(Fraction(0))


class _Search:
    def __init__(self, model: CausalModel, surgeries: tuple[Surgery, ...], given: tuple[Given, ...]) -> None:
        self._model, self._surgeries, self._given = model, surgeries, given
        self.used: dict[str, None] = {}
        self.parts: dict[Query, Identified] = {}

    def joint(self, events: tuple[Term, ...], turned: frozenset[str], depth: int) -> Formula | None:
        """The probability of some events, over what experiments show; those at the places in `turned` stay as they
        are."""
        if not events:
            return _ONE
        found = identify_counterfactual(self._model, Query(events, (), self._surgeries), self._given)
        if isinstance(found, CounterfactualIdentified):
            self.parts |= found.parts
            return found.cases[0].experiments if len(found.cases) == 1 else None
        if not depth or not isinstance(found.obstacle, Conflict) or not found.obstacle.values:
            return None
        variable = found.obstacle.variable
        values = self._model.object(variable).values or ()
        if not 2 <= len(values) <= _MOST_VALUES:
            return None
        for e in events:
            if e.variable == variable and e.values is not None and len(set(e.values)) == 1 and e.place not in turned:
                written = self._turned(events, e, values, turned | {e.place}, depth - 1)
                if written is not None:
                    self.used[variable] = None
                    return written
        if any(e.variable == variable and not e.world for e in events):
            return None
        if any(isinstance(s, Do) and s.variable == variable for s in self._surgeries):
            return None
        parts = [
            self.joint((*self._where(events, variable, x), Term(variable, (x,))), turned, depth - 1) for x in values
        ]
        if any(p is None for p in parts):
            return None
        self.used[variable] = None
        return _total([p for p in parts if p is not None])

    def _where(self, events: tuple[Term, ...], variable: str, value: str) -> tuple[Term, ...]:
        """The events where a variable has a value in the actual world: it may be set to it in every world in which it
        is the same (composition)."""
        graph = self._model.graph
        before = graph.show(graph.ancestors(graph.mask([variable])))

        def there(t: Term) -> Term:
            same = t.variable != variable and all(isinstance(s, Do) and s.variable not in before for s in t.world)
            return replace(t, world=(*t.world, Do(variable, value))) if same else t

        return tuple(map(there, events))

    def _turned(
        self, events: tuple[Term, ...], e: Term, values: tuple[str, ...], turned: frozenset[str], depth: int
    ) -> Formula | None:
        """All that is left where `e` does not happen, taken away from what happens without it."""
        rest = tuple(t for t in events if t is not e)
        whole = self.joint(rest, turned, depth)
        other = [replace(e, values=(x,)) for x in values if x not in (e.values or ())]
        parts = [self.joint((*rest, t), turned, depth) for t in other] if whole is not None else [None]
        if whole is None or any(p is None for p in parts):
            return None
        taken = _total([p for p in parts if p is not None])
        return Arithmetic("-", whole, taken) if taken != _ZERO else whole


def _total(parts: list[Formula]) -> Formula:
    left = [p for p in parts if p != _ZERO]
    total: Formula = left[0] if left else _ZERO
    for p in left[1:]:
        total = Arithmetic("+", total, p)
    return total
