"""The same diagrams in DisCoPy, if it is installed (`pip install 'cutwire[bench]'`)."""

from __future__ import annotations

import importlib.util
from typing import Any

from benchmarks.cases import Plan


def version() -> str | None:
    """The version of DisCoPy, or `None` without it."""
    if importlib.util.find_spec("discopy") is None:
        return None
    import discopy

    return str(discopy.__version__)


def peer_boxes(plan: Plan) -> list[Any]:
    """A box of its own for every place of the plan."""
    from discopy.markov import Box, Ty

    x = Ty("X")
    return [Box(f"f{i}", x ** len(ps), x) for i, ps in enumerate(plan.parents)]


def peer_compose(plan: Plan) -> Any:
    """A chain by sequential composition."""
    first, *rest = peer_boxes(plan)
    diagram = first
    for b in rest:
        diagram = diagram >> b
    return diagram


def peer_build(plan: Plan) -> Any:
    """The hypergraph of a plan: its fastest way to a diagram that is equal up to the laws of comonoids."""
    from discopy.markov import Hypergraph, Ty

    made = peer_boxes(plan)
    ports = tuple((plan.parents[i], (i,)) for i in plan.order)
    cod = Ty("X") ** len(plan.outputs)
    return Hypergraph(Ty(), cod, tuple(made[i] for i in plan.order), ((), ports, plan.outputs))
