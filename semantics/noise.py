"""Functional models: every variable a function of what it hears and of a private source of noise.

Such models say what happens in several worlds at once, so they are what counterfactuals are tried on.

>>> shape = functional(CausalModel.from_edges([("X", "Y")], [("X", "Y")], domains=2), 3)
>>> print(shape.parents("Y"), shape.object("Y noise").values)
('X', 'U_X_Y', 'Y noise') ('0', '1', '2')
"""

from __future__ import annotations

import numpy as np

from semantics.distribution import Array
from semantics.kernel import Table, size
from strings.model import CausalModel
from strings.signature import Box, Object
from strings.surgery import boxes_of

NOISE = " noise"
"""What the name of a private source of noise ends with."""


def functional(model: CausalModel, noise: int) -> CausalModel:
    """A shape in which every variable that hears something is a function of that and of a latent of its own.

    `noise` is the number of values of these latents. Variables that are hidden and hear nothing stay as they are.
    """
    variables: list[Object] = list(model.variables)
    boxes: list[Box] = []
    latents = set(model.latents)
    for n in model.names:
        x, parents = model.object(n), tuple(map(model.object, model.parents(n)))
        if not parents and n in model.latents:
            boxes.append(Box(f"of {n}", (), (x,)))
            continue
        source = Object(n + NOISE, tuple(map(str, range(noise))))
        variables.append(source)
        latents.add(source.name)
        boxes.append(Box(f"of {source.name}", (), (source,)))
        boxes.append(Box(f"of {n}", (*parents, source), (x,), deterministic=True))
    return CausalModel.from_boxes(variables, boxes, latents, model.name)


def random_functions(shape: CausalModel, p: int, rng: np.random.Generator) -> dict[str, Table]:
    """Random functions, and distributions of noise that are uniform in GF(p), for a functional shape."""
    tables = {}
    for name, b in boxes_of(shape).items():
        columns, (width,) = tuple(map(size, b.dom)), map(size, b.cod)
        array: Array
        if b.deterministic:
            array = np.eye(width, dtype=np.int64)[rng.integers(0, width, columns)]
        else:
            array = rng.integers(1, p, (*columns, width), dtype=np.int64)
            array[..., -1] = (1 - array[..., :-1].sum(axis=-1)) % p
        tables[name] = Table(b.dom, b.cod, array)
    return tables
