"""Functional form: every noisy box as a function of its inputs and a private hidden state, its response variable.

The response variable of a box ranges over the functions from its inputs to its outputs (Balke and Pearl 1994; Pearl
2009, section 8.2.2). In functional form copying is natural for all boxes, so worlds share what they have to share by
sharing wires. What the law of a response variable is, no table says: it has the right margins, and no more is known.

>>> from strings.model import CausalModel
>>> model = CausalModel.from_edges([("X", "Y")], domains=2)
>>> made, responses = functional_form(model, lambda b: False)
>>> print(made.diagram)
diagram () -> X, Y {
  X0 <- x()
  R_y1 <- R_y()
  Y2 <- Y: y(X0, R_y1)
  return X0, Y2
}
>>> [str(r.box) for r in responses]
['y : X -> Y']
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from strings.diagram import Builder
from strings.model import CausalModel, Mechanism
from strings.signature import Box, Object


@dataclass(frozen=True)
class Response:
    """A box in the mechanism of `variable`, and what stands in its place: `applied`, the box that hears the `latent`
    response variable on its last port. The variable is made by a box of its own name."""

    latent: str
    variable: str
    box: Box
    applied: Box


def functional_form(
    model: CausalModel, settled: Callable[[Box], bool], leave: Collection[str] = ()
) -> tuple[CausalModel, tuple[Response, ...]]:
    """The model with a response variable for every noisy box, and these, in order.

    A variable that one state makes is exogenous already. Boxes that are deterministic or `settled`, and the mechanisms
    of the variables in `leave`, stay as they are. Response variables have no values yet.
    """
    taken = set(model.names)
    mechanisms = dict(model.mechanisms)
    found: list[Response] = []
    for variable, m in model.mechanisms.items():
        nodes = m.diagram.nodes
        if variable in leave or (len(nodes) == 1 and not nodes[0].args):
            continue
        noisy = [k for k, n in enumerate(nodes) if not n.box.deterministic and not settled(n.box)]
        made = {k: _response(nodes[k].box, variable, taken) for k in noisy}
        if made:
            mechanisms[variable] = _with_responses(m, made)
            found += made.values()
    latents = tuple(Object(r.latent) for r in found)
    for x in latents:
        mechanisms[x.name] = Mechanism.of_box(Box(x.name, (), (x,)))
    variables = (*model.variables, *latents)
    hidden = model.latents | {x.name for x in latents}
    return replace(model, variables=variables, mechanisms=mechanisms, latents=hidden), tuple(found)


def _response(b: Box, variable: str, taken: set[str]) -> Response:
    names = _names(f"R_{b.name}")
    latent = next(n for n in names if n not in taken)
    taken.add(latent)
    applied = Box(f"{variable}: {b.name}{latent.removeprefix(f'R_{b.name}')}", (*b.dom, Object(latent)), b.cod, True)
    return Response(latent, variable, b, applied)


def _names(name: str) -> Iterator[str]:
    while True:
        yield name
        name += "'"


def _with_responses(m: Mechanism, made: dict[int, Response]) -> Mechanism:
    """A mechanism in which some nodes hear a response variable besides."""
    places = {k: len(m.parents) + i for i, k in enumerate(made)}
    builder = Builder((*m.diagram.dom, *(r.applied.dom[-1] for r in made.values())))
    env = list(range(len(m.parents)))
    for k, node in enumerate(m.diagram.nodes):
        args = [env[a] for a in node.args]
        if k in made:
            env.extend(builder.apply(made[k].applied, [*args, places[k]]))
        else:
            env.extend(builder.apply(node.box, args))
    parents = (*m.parents, *(r.latent for r in made.values()))
    return Mechanism(parents, builder.freeze(env[w] for w in m.diagram.outs))
