"""The syntax tree of a model file: what was written, with spans, before any name is looked up.

Nodes are compared without their spans, so two texts that differ in layout only have equal trees. Documentation
comments (`##`) are part of the tree; plain comments are not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from strings.diagnostic import Span

# Every node ends with `span: Span | None = field(default=None, compare=False)`: where it stands in the text.


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier, a qualified one (`d.Bit`) or a value (`yes`, `0`, `-1`, `"<5"` without its quotes)."""

    text: str
    span: Span | None = field(default=None, compare=False)


# ---- expressions (box functions, probabilities, claims) ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """A number; exact unless written with the suffix `f`."""

    value: Fraction
    exact: bool = True
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Ref:
    """A name used as an expression: a parameter or a value."""

    name: Name
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    op: Literal["-", "not"]
    operand: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    op: Literal["+", "-", "*", "/", "^", "and", "or", "xor"]
    left: Expression
    right: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a < b`, or a chain `a <= b <= c`."""

    operands: tuple[Expression, ...]
    ops: tuple[str, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class If:
    condition: Expression
    then: Expression
    otherwise: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Event:
    """`C`, `C = yes`, `C != yes`, `C in {a, b}`, a bound value name on its own; of numbers also `Y > 1`, `Y in [0, 1]`.

    For the latter, `bounds` has pairs of a relation and a number, and `op` is `"<"`.
    """

    name: Name
    op: Literal["", "=", "!=", "in", "<"] = ""
    values: tuple[Name, ...] = ()
    bounds: tuple[tuple[str, Name], ...] = ()
    span: Span | None = field(default=None, compare=False)
    world: SurgeryExpression = ()


@dataclass(frozen=True, slots=True)
class Probability:
    """`P(events | conditions)`, or `E(variable | conditions)` with `kind = "E"`."""

    kind: Literal["P", "E"]
    events: tuple[Event, ...]
    conditions: tuple[Event | DoOp | CutOp, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Binder:
    """`s : S`, a name for a value of a variable."""

    name: Name
    variable: Name
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SumOver:
    """`sum[t : T] body`."""

    binders: tuple[Binder, ...]
    body: Expression
    span: Span | None = field(default=None, compare=False)


# ---- distributions and box bodies ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rest:
    """The entry `_`: what is left of the row; as a pattern: any value."""

    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Probabilities:
    """`[4/5, _]`"""

    entries: tuple[Expression | Rest, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Odds:
    """`[9 : 1]`, normalised exactly."""

    weights: tuple[Expression, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Labelled:
    """`{no: 0.2, yes: 0.8}`"""

    entries: tuple[tuple[Name, Expression | Rest], ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Argument:
    """`1/2` or `leak = 5%`."""

    name: Name | None
    value: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`flip(1/3)`, `uniform()`, `noisy_or(…)`, `fit(data)`, or a box applied to variables (in `do(X ~ b(R))`)."""

    name: Name
    arguments: tuple[Argument, ...] = ()
    span: Span | None = field(default=None, compare=False)


Expression = (
    NumberLiteral | Ref | Unary | Binary | Comparison | If | Probability | SumOver | Call | Probabilities | Labelled
)
"""Calls and rows stand in the bodies of functions only."""


@dataclass(frozen=True, slots=True)
class PointValue:
    """A bare value: the row is deterministic."""

    value: Name
    span: Span | None = field(default=None, compare=False)


Dist = Probabilities | Odds | Labelled | Call | PointValue


@dataclass(frozen=True, slots=True)
class Row:
    """`| no, _ -> [1/2, 1/2]`"""

    patterns: tuple[Name | Rest, ...]
    dist: Dist
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Table:
    rows: tuple[Row, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Function:
    """`fn (a, u) => a xor u`"""

    parameters: tuple[Name, ...]
    body: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Composite:
    """`diagram fork`: the box abbreviates a diagram."""

    diagram: DiagramExpression
    span: Span | None = field(default=None, compare=False)


BoxBody = Table | Function | Composite | Probabilities | Odds | Labelled | Call | PointValue


# ---- surgery ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """A variable `S`, or the wire `S -> T`."""

    variable: Name
    sink: Name | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A variable in another world: `S[A := a]`, `S@w`."""

    name: Name
    world: SurgeryExpression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Assign:
    """`S := yes`, `S ~ [1/2, 1/2]`, or `S` alone (the value left free); in a world also `M := M[X := x]`."""

    target: Target
    value: Name | Dist | Elsewhere | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DoOp:
    assigns: tuple[Assign, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CutOp:
    targets: tuple[Target, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NamedOp:
    """A surgery declared elsewhere."""

    name: Name
    span: Span | None = field(default=None, compare=False)


SurgeryExpression = tuple[DoOp | CutOp | NamedOp, ...]


# ---- diagrams --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DName:
    """A box or a diagram by name."""

    name: Name
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DStructure:
    """`id[A, B]`, `copy[A]`, `discard[A]`, `swap[A, B]`, `uniform[A]`."""

    name: Name
    types: tuple[Name, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DSequence:
    """`f ; g`"""

    parts: tuple[DiagramExpression, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DParallel:
    """`f * g`"""

    parts: tuple[DiagramExpression, ...]
    span: Span | None = field(default=None, compare=False)


DiagramExpression = DName | DStructure | DSequence | DParallel


@dataclass(frozen=True, slots=True)
class Wire:
    """`a : A`"""

    name: Name
    type: Name
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """`x, _ <- f(a)` or `y <- copy[A](a)`; `outputs` has `Rest` for `_`."""

    outputs: tuple[Name | Rest, ...]
    box: Name
    types: tuple[Name, ...] | None
    arguments: tuple[Name, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DiscardWires:
    """`discard y`"""

    names: tuple[Name, ...]
    span: Span | None = field(default=None, compare=False)


# ---- items -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """`model smoking`: names the model that the whole file describes."""

    name: Name
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ModelBlock:
    name: Name
    items: tuple[Item, ...]
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ModelAfter:
    """`model treated = smoking after do(S := yes)`"""

    name: Name
    base: Name
    after: SurgeryExpression
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Import:
    path: str
    alias: Name | None = None
    exposing: tuple[Name, ...] = ()
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)
    path_span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Values:
    """`{no, yes}`"""

    values: tuple[Name, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """`0..15`, both ends included."""

    first: int
    last: int
    span: Span | None = field(default=None, compare=False)


DomainExpression = Values | Range | Name


@dataclass(frozen=True, slots=True)
class DomainDecl:
    name: Name
    domain: DomainExpression
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TypeDecl:
    names: tuple[Name, ...]
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class VariableDecl:
    names: tuple[Name, ...]
    domain: DomainExpression
    latent: bool = False
    label: str = ""
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ParamDecl:
    """`param p, q in [0, 1] ~ beta(2, 2) = 1/3`: numbers that are left open, with a prior or a value if wanted."""

    names: tuple[Name, ...]
    interval: tuple[Expression, Expression] | None = None
    prior: Call | None = None
    value: Expression | None = None
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class BoxDecl:
    name: Name
    inputs: tuple[Name, ...]
    outputs: tuple[Name, ...]
    body: BoxBody | None = None
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Interpret:
    """`interpret kidney as published { z = […]  … }`: other numbers for the same boxes."""

    model: Name
    name: Name
    bodies: tuple[tuple[Name, BoxBody], ...]
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CsvData:
    """`data d = csv("d.csv", Z = "size", weight = "n")`"""

    name: Name
    path: str
    columns: tuple[tuple[Name, str], ...] = ()
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)
    path_span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DataRow:
    values: tuple[Name, ...]
    weight: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TableData:
    """`data d(S, T) = | no, no -> 1/2 …`: a joint written in place, with any weights."""

    name: Name
    variables: tuple[Name, ...]
    rows: tuple[DataRow, ...]
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DiagramBlock:
    name: Name
    inputs: tuple[Wire, ...]
    outputs: tuple[Name, ...]
    statements: tuple[Apply | DiscardWires, ...]
    returns: tuple[Name, ...]
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DiagramDef:
    name: Name
    diagram: DiagramExpression
    after: SurgeryExpression = ()
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SurgeryDecl:
    """`surgery w = do(S := s)`; `world w = …` declares the same, and says what for."""

    name: Name
    surgery: SurgeryExpression
    word: Literal["surgery", "world"] = "surgery"
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Observe:
    """`observe A = yes, S[A := no] = no`: what the questions below it are asked given."""

    events: tuple[Event, ...]
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Query:
    """`query name: expr for s : S unit odds using m expect 1/2`; `name` may be left out."""

    name: Name | None
    expression: Expression
    binders: tuple[Binder, ...] = ()
    unit: Name | None = None
    using: Name | None = None
    expect: Expression | None = None
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, `500` or `-1`."""

    value: int
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """`bootstrap 2000 seed 7 level 95%`; `seed` and `level` may be left out."""

    resamples: Whole
    seed: Whole | None = None
    level: Expression | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Estimate:
    """`estimate name: expr from data bootstrap 2000`; like a query, but answered from data by comb factorisation."""

    name: Name | None
    expression: Expression
    data: Name
    binders: tuple[Binder, ...] = ()
    unit: Name | None = None
    expect: Expression | None = None
    bootstrap: Bootstrap | None = None
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Identify:
    """`identify name: P(C | do(S)) from P(S, T, C), P(T | do(S))`; `given` is empty if nothing stands behind `from`.

    `experiments`: behind `from` stands that word, for all interventional distributions.
    """

    name: Name | None
    question: Probability
    given: tuple[Probability, ...] = ()
    experiments: bool = False
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DiagramEquation:
    """`diagram d == e` or `diagram d != e`."""

    left: DiagramExpression
    right: DiagramExpression
    equal: bool = True
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Independence:
    """`A, B _||_ C | D, do(X)`"""

    left: tuple[Name, ...]
    right: tuple[Name, ...]
    behind: tuple[Name | DoOp | CutOp, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Identifiable:
    """`identifiable P(C | do(S)) from P(S, T, C)`, or `not identifiable …`."""

    question: Probability
    given: tuple[Probability, ...] = ()
    identifiable: bool = True
    span: Span | None = field(default=None, compare=False)
    experiments: bool = False


ClaimBody = Expression | DiagramEquation | Independence | Identifiable


@dataclass(frozen=True, slots=True)
class Claim:
    """`claim name(s : S): P(C | do(S := s)) == P(C | s) assuming P(S) > 0`"""

    name: Name
    body: ClaimBody
    binders: tuple[Binder, ...] = ()
    assuming: tuple[Expression, ...] = ()
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Check:
    """`check a, b exact for 500 models seed 7`; `names` is empty for `check all`."""

    names: tuple[Name, ...] = ()
    mode: Literal["", "exact", "symbolic", "numeric"] = ""
    within: Expression | None = None
    using: Name | None = None
    models: Whole | None = None
    seed: Whole | None = None
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Draw:
    diagram: DiagramExpression
    after: SurgeryExpression = ()
    path: str | None = None
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)
    path_span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DrawQuestion:
    """`draw P(S[A := a] | A = b) to "twin.svg"`"""

    question: Probability
    path: str | None = None
    doc: tuple[str, ...] = ()
    span: Span | None = field(default=None, compare=False)
    path_span: Span | None = field(default=None, compare=False)


Item = (
    ModelHeader
    | ModelBlock
    | ModelAfter
    | Import
    | DomainDecl
    | TypeDecl
    | VariableDecl
    | ParamDecl
    | BoxDecl
    | Interpret
    | CsvData
    | TableData
    | DiagramBlock
    | DiagramDef
    | SurgeryDecl
    | Observe
    | Query
    | Identify
    | Estimate
    | Claim
    | Check
    | Draw
    | DrawQuestion
)


@dataclass(frozen=True, slots=True)
class File:
    """A whole model file."""

    items: tuple[Item, ...]
    span: Span | None = field(default=None, compare=False)
