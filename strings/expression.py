"""What stands inside a box whose numbers are formulas: expressions over parameters and over the box's real inputs.

This is syntax. It is read by every semantics in its own way: as floats, as fractions, as rational functions, as an
affine map, as a line of a Pyro program (`fold_expression` with an `Algebra`).

>>> body = Draw("normal", (Apply("*", (Parameter("b"), Input(0))), Constant(Fraction(1, 2))))
>>> print(body)
normal(b * #1, 1/2)
>>> sorted(parameters_in(body)), inputs_in(body)
(['b'], {0})
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Constant:
    """A number; `exact` is false if the text asked for floating point."""

    value: Fraction
    exact: bool = True

    def __str__(self) -> str:
        return str(self.value) + ("" if self.exact else "f")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the model, declared by `param`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Input:
    """The number on an input wire of the box, by the place of its port; printed as `#1` for the first."""

    port: int

    def __str__(self) -> str:
        return f"#{self.port + 1}"


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation of `OPERATIONS` on expressions. Comparisons and logic give truth values, for `if`."""

    op: str
    args: tuple[Expression, ...]

    def __str__(self) -> str:
        if self.op == "if":
            return f"if {self.args[0]} then {self.args[1]} else {self.args[2]}"
        if self.op == "neg":
            return f"-{_wrap(self.args[0], 3)}"
        if self.op == "not":
            return f"not {_wrap(self.args[0], 9)}"
        level = _LEVEL.get(self.op)
        if level is None:
            return f"{self.op}({', '.join(map(str, self.args))})"
        left, right = self.args
        return f"{_wrap(left, level + (self.op == '^'))} {self.op} {_wrap(right, level + (self.op in '-/'))}"


Expression = Constant | Parameter | Input | Apply


@dataclass(frozen=True, slots=True)
class Draw:
    """A value drawn from a distribution of `FAMILIES`; `point` is the sharp one at its argument, and `categorical`
    has one argument, a probability, for every value of the output, in declared order."""

    family: str
    args: tuple[Expression, ...]

    def __str__(self) -> str:
        if self.family == "point":
            return str(self.args[0])
        if self.family == "categorical":
            return f"[{', '.join(map(str, self.args))}]"
        return f"{self.family}({', '.join(map(str, self.args))})"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of two distributions, by a condition on the box's real inputs."""

    condition: Expression
    then: Body
    otherwise: Body

    def __str__(self) -> str:
        return f"if {self.condition} then {self.then} else {self.otherwise}"


Body = Draw | Choice

Space = Literal["", "real", "count"]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of distributions: the names of its arguments, and the space of its values."""

    arguments: tuple[str, ...]
    space: Space
    doc: str


FAMILIES: Mapping[str, Family] = {
    "normal": Family(("mean", "sd"), "real", "the normal distribution; `sd` is the standard deviation"),
    "lognormal": Family(("mean", "sd"), "real", "its logarithm is normal with this mean and standard deviation"),
    "student_t": Family(("df", "mean", "sd"), "real", "Student's t, shifted by `mean` and scaled by `sd`"),
    "laplace": Family(("mean", "scale"), "real", "the two-sided exponential distribution"),
    "uniform": Family(("low", "high"), "real", "the uniform distribution on an interval"),
    "exponential": Family(("rate",), "real", "the exponential distribution; its mean is 1 / rate"),
    "gamma": Family(("shape", "rate"), "real", "the gamma distribution; its mean is shape / rate"),
    "beta": Family(("a", "b"), "real", "the beta distribution on [0, 1]"),
    "poisson": Family(("rate",), "count", "the Poisson distribution; its mean is the rate"),
    "geometric": Family(("p",), "count", "the failures before the first success"),
    "binomial": Family(("n", "p"), "count", "the successes among n trials"),
}
"""The distributions on `real` and `count`, with the order of their arguments."""

FUNCTIONS: Mapping[str, int] = {
    "exp": 1, "log": 1, "sqrt": 1, "abs": 1, "logistic": 1, "logit": 1, "sin": 1, "cos": 1, "tanh": 1, "min": 2,
    "max": 2,
}  # fmt: skip
"""The functions that mechanisms may use, with the number of their arguments."""

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
LOGIC = ("and", "or", "xor", "not")
ARITHMETIC = ("+", "-", "*", "/", "^", "neg")
OPERATIONS = (*ARITHMETIC, *COMPARISONS, *LOGIC, *FUNCTIONS, "if")

_LEVEL = {
    "or": 1, "xor": 1, "and": 2, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6, "^": 8,
}  # fmt: skip


def _wrap(e: Expression, level: int) -> str:
    inner = 9
    if isinstance(e, Apply):
        inner = 0 if e.op == "if" else 3 if e.op == "not" else 5 if e.op == "neg" else _LEVEL.get(e.op, 9)
    elif isinstance(e, Constant) and (e.value < 0 or e.value.denominator != 1):
        inner = 6 if e.value > 0 else 5
    return f"({e})" if inner < level else str(e)


class Algebra(Protocol[T]):
    """What the operations of expressions do in one semantics."""

    def constant(self, c: Constant) -> T:
        """A number as written."""

    def apply(self, op: str, args: tuple[T, ...]) -> T:
        """An operation of `OPERATIONS`."""


def fold_expression(e: Expression, algebra: Algebra[T], parameter: Callable[[str], T], input_: Callable[[int], T]) -> T:
    """The value of an expression in an algebra, given those of the parameters and of the inputs."""
    match e:
        case Constant():
            return algebra.constant(e)
        case Parameter(name):
            return parameter(name)
        case Input(port):
            return input_(port)
        case Apply(op, args):
            return algebra.apply(op, tuple(fold_expression(a, algebra, parameter, input_) for a in args))


def draws_of(body: Body) -> list[Draw]:
    """The distributions that a body may draw from."""
    match body:
        case Draw():
            return [body]
        case Choice(_, then, otherwise):
            return [*draws_of(then), *draws_of(otherwise)]


def atoms(part: Expression | Body) -> Iterator[Constant | Parameter | Input]:
    """The leaves of an expression or body."""
    stack: list[Expression | Body] = [part]
    while stack:
        node = stack.pop()
        match node:
            case Apply(_, args) | Draw(_, args):
                stack.extend(reversed(args))
            case Choice(condition, then, otherwise):
                stack.extend((otherwise, then, condition))
            case _:
                yield node


def parameters_in(part: Expression | Body) -> set[str]:
    """The parameters that an expression or body names."""
    return {a.name for a in atoms(part) if isinstance(a, Parameter)}


def inputs_in(part: Expression | Body) -> set[int]:
    """The ports whose numbers an expression or body uses."""
    return {a.port for a in atoms(part) if isinstance(a, Input)}


@dataclass(frozen=True, slots=True)
class ParameterDef:
    """A parameter: the interval it lies in (`None`: no bound), its value if it has one, its prior if it has one.

    Without a prior of its own, a parameter with a bounded interval has the uniform one.
    """

    name: str
    low: Fraction | None = None
    high: Fraction | None = None
    prior: Draw | None = None
    value: Constant | None = None

    @property
    def density(self) -> Draw | None:
        """The prior, or the uniform distribution on the interval; nothing if the interval has no end."""
        if self.prior is not None or self.low is None or self.high is None:
            return self.prior
        return Draw("uniform", (Constant(self.low), Constant(self.high)))

    def __str__(self) -> str:
        low = "-inf" if self.low is None else self.low
        high = "inf" if self.high is None else self.high
        said = f"{self.name} in [{low}, {high}]"
        said += f" ~ {self.prior}" if self.prior else ""
        return said + (f" = {self.value}" if self.value else "")
