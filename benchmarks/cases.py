"""The diagrams that are measured: a plan says which boxes feed which, and each library builds its diagram from it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from strings.diagram import Builder, Diagram, box, compose
from strings.signature import Box, Object

X = Object("X", ("0", "1"))


@dataclass(frozen=True)
class Plan:
    """Box `i` takes the outputs of the boxes `parents[i]`; `order` is the order in which the boxes are put down."""

    parents: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]

    @property
    def outputs(self) -> tuple[int, ...]:
        """The boxes whose output no box takes."""
        used = {p for ps in self.parents for p in ps}
        return tuple(i for i in range(len(self.parents)) if i not in used)

    def shuffled(self, rng: random.Random) -> Plan:
        """The same diagram, its boxes put down in a random order that respects the wires."""
        children: list[list[int]] = [[] for _ in self.parents]
        for i, ps in enumerate(self.parents):
            for p in set(ps):
                children[p].append(i)
        waiting = [len(set(ps)) for ps in self.parents]
        ready = [i for i, w in enumerate(waiting) if not w]
        order = []
        while ready:
            k = rng.randrange(len(ready))
            ready[k], ready[-1] = ready[-1], ready[k]
            order.append(i := ready.pop())
            for c in children[i]:
                waiting[c] -= 1
                if not waiting[c]:
                    ready.append(c)
        return Plan(self.parents, tuple(order))


def chain(n: int) -> Plan:
    """A state and n - 1 boxes in a row."""
    return Plan(tuple((i - 1,) if i else () for i in range(n)), tuple(range(n)))


def network(n: int, seed: int = 1) -> Plan:
    """Like a sparse Bayesian network: every box takes one or two of the five boxes before it, so wires are copied."""
    rng = random.Random(seed)
    parents = []
    for i in range(n):
        near = range(max(0, i - 5), i)
        parents.append(tuple(sorted(rng.sample(near, min(len(near), rng.choice((1, 2)))))))
    return Plan(tuple(parents), tuple(range(n)))


def boxes(plan: Plan) -> list[Box]:
    """A box of its own for every place of the plan."""
    return [Box(f"f{i}", (X,) * len(ps), (X,)) for i, ps in enumerate(plan.parents)]


def cutwire_compose(plan: Plan) -> Diagram:
    """A chain by sequential composition."""
    return compose(*(box(b) for b in boxes(plan)))


def cutwire_build(plan: Plan) -> Diagram:
    """The diagram of a plan, box by box, in normal form."""
    made = boxes(plan)
    builder = Builder()
    wire = [0] * len(made)
    for i in plan.order:
        (wire[i],) = builder.apply(made[i], [wire[p] for p in plan.parents[i]])
    return builder.freeze(wire[i] for i in plan.outputs)
