"""Objects and boxes: the generators of a free CDU category.

An `Object` is a typed wire: a name with a finite list of values, or no values (an uninterpreted type). A `Box` is a
generator with ordered input and output ports. In a causal model there is one object and one box per variable, as in
`Syn_G` (Jacobs, Kissinger, Zanasi 2019, section 4).

>>> S = Object("S", ("no", "yes"))
>>> T = Object("T", ("no", "yes"))
>>> print(Box("t", (S,), (T,)))
t : S -> T
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Object:
    """A wire type: `name`, and `values` in declared order (`None` for an uninterpreted type)."""

    name: str
    values: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return self.name


Ty = tuple[Object, ...]
"""A tensor product of objects; the empty tuple is the unit I."""


def show_type(ty: Ty) -> str:
    """`A * B`, or `I` for the unit.

    >>> show_type((Object("A"), Object("B")))
    'A * B'
    """
    return " * ".join(x.name for x in ty) if ty else "I"


@dataclass(frozen=True, slots=True)
class Box:
    """A generator `name : dom -> cod`.

    `kind` is `"box"` for an ordinary generator, `"uniform"` for the uniform state of one object (part of the CDU
    structure), `"point"` for the sharp state at `value`. Copying is natural exactly for `deterministic` boxes
    (Fritz 2020, Def. 10.1), so two such boxes with equal inputs are one box.
    """

    name: str
    dom: Ty
    cod: Ty
    deterministic: bool = False
    kind: Literal["box", "uniform", "point"] = "box"
    value: str | None = None

    def __str__(self) -> str:
        left = ", ".join(x.name for x in self.dom)
        right = ", ".join(x.name for x in self.cod)
        return f"{self.name} : {left + ' ' if left else ''}-> {right}"


def uniform_box(x: Object) -> Box:
    """The uniform state on one object."""
    return Box("uniform", (), (x,), kind="uniform")


def point_box(x: Object, value: str) -> Box:
    """The sharp (deterministic) state of `x` at one of its values."""
    return Box(f"{x.name} := {value}", (), (x,), deterministic=True, kind="point", value=value)
