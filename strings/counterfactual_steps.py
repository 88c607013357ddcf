"""Derivations of counterfactuals: from the question to what experiments show, in named steps.

>>> from strings.counterfactual_identify import identify_counterfactual
>>> from strings.query import Term
>>> from strings.surgery import Do
>>> front = CausalModel.from_edges([("X", "M"), ("M", "Y")], [("X", "Y")], domains=2)
>>> ett = Query((Term("Y", ("1",), world=(Do("X", "0"),)),), (Term("X", ("1",)),))
>>> for step in steps(front, identify_counterfactual(front, ett)):
...     print(f"{step.rule}: {step.text}")
ancestors: P(Y[X := 0] = 1, X = 1) is sum[m : M] P(X = 1, M[X := 0] = m, Y[M := m] = 1)
factor: its factors, one for each district, are P(X = 1, Y[M := m] = 1), P(M[X := 0] = m)
factor: of P(X = 1) the factors, one for each district, are P(X = 1)
consistency: from experiments it is sum[m : M] P(Y = 1 | do(M := m), X = 1) * P(m | do(X := 0))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from strings.counterfactual import (
    Group,
    Node,
    Reduced,
    canonical,
    connected,
    districts,
    in_case,
    needed,
    place,
    reaching,
    reduced,
    unnest,
)
from strings.counterfactual_identify import (
    CounterfactualIdentified,
    CounterfactualNotIdentified,
    seen_model,
    without_certain,
)
from strings.formula import questions
from strings.identification import NotIdentified
from strings.model import CausalModel
from strings.query import Query
from strings.written import formula

Rule = Literal["unnest", "exclude", "impossible", "ancestors", "factor", "cancel", "consistency", "conflict", "given"]

LAWS: dict[str, str] = {
    "unnest": "counterfactual unnesting (Correa, Lee, Bareinboim 2021)",
    "exclude": "exclusion (Galles, Pearl 1998)",
    "impossible": "composition and effectiveness (Galles, Pearl 1998)",
    "ancestors": "ancestral sets (Correa, Lee, Bareinboim 2021); equal functions of equal inputs are one "
    "(Shpitser, Pearl 2008, lemma 24)",
    "factor": "factors of districts share no hidden cause (Correa, Lee, Bareinboim 2021)",
    "cancel": "what stands above and below the bar cancels",
    "consistency": "consistency (Galles, Pearl 1998)",
    "conflict": "inconsistent factors do not follow from experiments (Correa, Lee, Bareinboim 2021)",
    "given": "identification of experiments (Shpitser, Pearl 2006)",
}
"""What each rule rests on."""


@dataclass(frozen=True, slots=True)
class CounterfactualStep:
    """One step: `rule` says which, `text` says it in words."""

    rule: Rule
    text: str

    @property
    def law(self) -> str:
        """The theorem that the step rests on."""
        return LAWS[self.rule]


def steps(
    model: CausalModel, found: CounterfactualIdentified | CounterfactualNotIdentified
) -> tuple[CounterfactualStep, ...]:
    """The derivation of a counterfactual; of a refusal, as far as it goes. Free values are different."""
    return tuple(CounterfactualStep(rule, text) for rule, text in _Steps(model, found).run())


class _Steps:
    def __init__(self, model: CausalModel, found: CounterfactualIdentified | CounterfactualNotIdentified) -> None:
        self._found, self._names = found, found.names
        self._graph = seen_model(model, found.asked, found.given).graph
        self._unnested = unnest(found.asked)
        self._open = without_certain(model, self._unnested)
        self._equal = found.equal if isinstance(found, CounterfactualNotIdentified) else found.cases[0].equal

    def run(self) -> Iterator[tuple[Rule, str]]:
        events = needed(self._graph, self._open.events)
        for text, e in self._unnested.put_in:
            if e in events:
                yield "unnest", f"what {text} is, is put in and summed over"
        for e in events:
            less = reaching(self._graph, e.variable, e.done)
            if len(less) < len(e.done):
                idle = ", ".join(n for n, _ in e.done if n not in dict(less))
                yield "exclude", f"{place(e.variable, e.done)} is {place(e.variable, less)}: {idle} cannot reach it"
        above, below = (
            reduced(self._graph, in_case(events, self._equal)) for events in (self._open.events, self._open.given)
        )
        assert below is not None
        if above is None:
            yield "impossible", "what is asked cannot happen: a variable would have two values at once"
            return
        whole = [*self._found.asked.targets, *self._found.asked.given]
        yield from self._apart(Query(tuple(whole), (), self._found.asked.surgeries), above, "its")
        if below.nodes:
            seen = Query(self._found.asked.given, (), self._found.asked.surgeries)
            yield from self._apart(seen, below, f"of {seen} the")
        yield from self._cancelled(above, below)
        yield from self._verdict()

    def _apart(self, asked: Query, event: Reduced, whose: str) -> Iterator[tuple[Rule, str]]:
        """An event as mechanisms, and these in factors."""
        sums = dict.fromkeys(n.value for n in event.nodes if n.value.kind == "sum")
        bound = ", ".join(f"{self._names.shown[v]} : {v.variable}" for v in sums)
        shown = f"{f'sum[{bound}] ' if bound else ''}{self._names.factor(event.nodes)}"
        if shown != str(asked):
            yield "ancestors", f"{asked} is {shown}"
        yield (
            "factor",
            f"{whose} factors, one for each district, are {self._shown(districts(self._graph, event.nodes))}",
        )

    def _cancelled(self, above: Reduced, below: Reduced) -> Iterator[tuple[Rule, str]]:
        left = [canonical(g, below.among) for g in connected(districts(self._graph, below.nodes))]
        common = [f for g in self._groups(above) if canonical(g, above.among) in left for f in g]
        if common:
            yield "cancel", f"{self._shown(common)} cancels: it stands above and below the bar"

    def _groups(self, event: Reduced) -> list[Group]:
        return connected(districts(self._graph, event.nodes))

    def _verdict(self) -> Iterator[tuple[Rule, str]]:
        found = self._found
        if isinstance(found, CounterfactualNotIdentified):
            yield "given" if isinstance(found.obstacle, NotIdentified) else "conflict", found.reason
            return
        written = found.cases[0].experiments
        yield "consistency", f"from experiments it is {written}"
        taken = set(self._names.shown.values())
        for asked in questions(written):
            if asked in found.parts and (shown := str(formula(found.parts[asked], taken))) != str(asked):
                yield "given", f"{asked} is {shown}"

    def _shown(self, factors: list[tuple[Node, ...]] | Group) -> str:
        return ", ".join(map(self._names.factor, factors))
