"""Witnesses of effects that do not follow, and counterexamples to claims: as models, as model files, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cutwire.source import model_source
from semantics.distribution import fraction_text
from semantics.moves import Witness
from strings.query import Become, Query, Term
from strings.surgery import Do, Open, Surgery


def witness_source(witness: Witness, query: Query) -> str:
    """The two models as one model file that shows the difference when it is run."""
    place = dict(witness.place)
    fixed = _placed(query, place)
    expects = [fraction_text(v) for v in witness.values]
    statements = [
        f"query one: {fixed} expect {expects[0]}",
        f"query other: {fixed} using other expect {expects[1]}",
    ]
    comment = f"Two models that agree on everything given and differ in {fixed}."
    if witness.more:
        have = "has" if len(witness.more) == 1 else "have"
        more = f"{' and '.join(witness.more)} {have} more values than are declared"
        comment += f"\n{more}: with fewer the answer may follow."
    return model_source(witness.shape, witness.one, {"other": witness.other}, statements, comment, witness.policies)


def _placed(query: Query, place: Mapping[str, str]) -> str:
    """The question with the value of every free variable filled in."""

    def fixed(t: Term) -> Term:
        world = tuple(step(s) for s in t.world)
        values = (place[t.axis_name],) if t.values is None else t.values
        return replace(t, values=values, axis=None, world=world)

    def step(s: Surgery | Become) -> Surgery | Become:
        if isinstance(s, Become):
            return replace(s, source=replace(s.source, world=tuple(map(step, s.source.world))))
        return Do(s.variable, place[s.axis or s.variable]) if isinstance(s, Open) else s

    surgeries: tuple[Surgery, ...] = tuple(s for s in map(step, query.surgeries) if not isinstance(s, Become))
    asked = [t for t in query.targets if t.values is not None or t.axis_name in place]
    targets = tuple(map(fixed, asked))
    given = tuple(map(fixed, query.given))
    return str(replace(query, targets=targets, given=given, surgeries=surgeries, expectation=False))


def witness_dict(witness: Witness, query: Query) -> dict[str, Any]:
    """A witness as plain data for JSON."""
    return {
        "place": dict(witness.place),
        "values": [fraction_text(v) for v in witness.values],
        "differs_in": ", ".join(witness.moved),
        "file": witness_source(witness, query),
    }
