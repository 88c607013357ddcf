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

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal


@dataclass(frozen=True, slots=True)
class Object:
    """A wire type: `name`, and `values` in declared order (`None` for an uninterpreted type).

    `space` is set for wires that carry numbers: `"real"`, or `"count"` (0, 1, 2, …); they have no list of values.
    """

    name: str
    values: tuple[str, ...] | None = None
    space: Literal["", "real", "count"] = ""

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

    `origin` tells apart boxes of one name that were declared in different places: they are different generators. It is
    not printed, and within one model a name still means one box.

    >>> Box("s", (), (Object("S"),)) == Box("s", (), (Object("S"),), origin="other.causal")
    False
    """

    name: str
    dom: Ty
    cod: Ty
    deterministic: bool = False
    kind: Literal["box", "uniform", "point"] = "box"
    value: str | None = None
    origin: str = ""

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


_NAME = re.compile(r"(?!_(?!\w))[^\W\d]\w*'*")
_NUMBER = re.compile(r"(0|-?[1-9]\d*)|-?(0|[1-9]\d*)\.\d+", re.ASCII)
_WORDS = frozenset((
    "model", "import", "domain", "type", "var", "latent", "box", "interpret", "data", "diagram", "surgery", "query",
    "identify", "estimate", "claim", "check", "draw", "world", "observe", "bound", "plate", "param", "fn", "return",
    "if", "then", "else", "in", "or", "xor", "and", "not", "assuming", "identifiable",
))  # fmt: skip


def spelled(name: str) -> str:
    """The name of a variable as a question says it: in quotes unless it is one word, and not a word of the language.

    >>> print(spelled("S'"), spelled("blood pressure"), spelled("if"))
    S' "blood pressure" "if"
    """
    if _NAME.fullmatch(name) and name not in _WORDS:
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def spelled_value(value: str) -> str:
    """A value as a question says it; numbers need no quotes.

    >>> print(spelled_value("-3"), spelled_value("3.5"), spelled_value("3."))
    -3 3.5 "3."
    """
    return value if _NUMBER.fullmatch(value) else spelled(value)


def number_text(number: Fraction) -> str:
    """A number as a decimal if it is one of moderate length, else as a fraction.

    >>> number_text(Fraction(5, 2)), number_text(Fraction(1, 3))
    ('2.5', '1/3')
    """
    twos = (number.denominator & -number.denominator).bit_length() - 1
    rest, fives = number.denominator >> twos, 0
    while rest % 5 == 0 and fives <= 18:
        rest, fives = rest // 5, fives + 1
    scale = max(twos, fives)
    if rest != 1 or scale > 18:
        return str(number)
    digits = str(abs(number.numerator) * 10**scale // number.denominator).rjust(scale + 1, "0")
    text = digits if not scale else f"{digits[:-scale]}.{digits[-scale:]}"
    return f"-{text}" if number < 0 else text
