"""The elaborated program: every name resolved into `strings`, numbers as plain exact tables, statements in order.

This is what the parser gives to the front door. It holds no numpy array and computes no probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from strings.diagnostic import Diagnostic, Source, Span
from strings.diagram import Diagram
from strings.estimand import Given
from strings.expression import Body, ParameterDef
from strings.formula import Compare, Formula
from strings.model import CausalModel
from strings.query import Query
from strings.signature import Box
from strings.surgery import Surgery

Number = Fraction | Decimal
"""Exact numbers as written. BIF files keep their decimals, so that writing them again is exact."""


@dataclass(frozen=True)
class Table:
    """The columns of one box, densely: for every combination of input values (last input fastest) one probability a
    value of the output. `len(entries)` is the product of `shape`; the last axis of `shape` is the output.

    `exact` is false if the text asked for floating point (`0.333f`) or a row of a BIF file is rounded; such rows are
    normalised in floating point where they are used.
    """

    shape: tuple[int, ...]
    entries: Sequence[Number]
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Fit:
    """A box learnt from data: maximum likelihood, or Dirichlet-smoothed with pseudo-count `alpha`."""

    data: str
    alpha: Fraction = Fraction(0)
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Formulas:
    """A box given by formulas: what it draws from, for every combination of values of its finite inputs (last fastest).

    `shape` are the numbers of values of the finite inputs; the bodies name real inputs by their ports (`Input`).
    """

    shape: tuple[int, ...]
    bodies: tuple[Body, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Dirichlet:
    """A table that is not known: every column has a Dirichlet prior with `alpha` for each value."""

    alpha: Fraction = Fraction(1)
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, eq=False)
class Foreign:
    """A mechanism in Python, registered under the name of a box (`Model.with_mechanism`); no model file has one."""

    function: Callable[..., Any]


Definition = Table | Fit | Formulas | Dirichlet | Foreign


@dataclass(frozen=True)
class Data:
    """Data declared in a file: rows written in place (`rows`), or a CSV file (`path`, `columns`, `weight`).

    `path` is absolute and has been checked to lie inside the model file's folder.
    """

    name: str
    variables: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], Fraction], ...] | None = None
    path: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    weight: str | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ModelDef:
    """One model of a file: its shape, and what is known of its boxes.

    `definitions` and the values of `interpretations` are keyed by box name and also hold the policies that a surgery
    may put in a box's place; a box without an entry is a signature only. `spans` points to the declaration of every
    variable (`"var X"`), parameter and box (`"box x"`). `labels` are the long names of variables. `policies` are the
    boxes that may be put in place of a mechanism (`do(X ~ box(R))`), `surgeries` those that the file names.
    `parameters` are the numbers left open (`param`) that the definitions may name.
    """

    name: str
    model: CausalModel
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    interpretations: Mapping[str, Mapping[str, Definition]] = field(default_factory=dict)
    data: Mapping[str, Data] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    doc: str = ""
    policies: Mapping[str, Box] = field(default_factory=dict)
    surgeries: Mapping[str, tuple[Surgery, ...]] = field(default_factory=dict)
    parameters: Mapping[str, ParameterDef] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resampling:
    """How often to resample data for intervals, of which level, with which seed."""

    resamples: int
    level: Fraction | float = Fraction(95, 100)
    seed: int = 0
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class QueryStatement:
    """A question; `tables` defines boxes that only its surgeries use (as in `do(S ~ [1/2, 1/2])`).

    `axes` maps every bound value name to its variable. `model` names the model asked, `using` an interpretation of it
    (empty: the file's own numbers). `data` is set for an `estimate`, `resampling` if it asks for intervals.
    """

    model: str
    formula: Formula
    text: str
    name: str = ""
    axes: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Definition] = field(default_factory=dict)
    unit: Literal["", "odds", "bits", "decibans", "percent"] = ""
    using: str = ""
    expect: Formula | None = None
    data: str = ""
    doc: str = ""
    span: Span | None = field(default=None, compare=False)
    resampling: Resampling | None = None


@dataclass(frozen=True, slots=True)
class DiagramClaim:
    """Two diagrams are equal (or are not)."""

    left: Diagram
    right: Diagram
    equal: bool


@dataclass(frozen=True, slots=True)
class IndependenceClaim:
    """`left _||_ right | given`, in every model of this shape, after `surgeries`."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    given: tuple[str, ...] = ()
    surgeries: tuple[Surgery, ...] = ()


@dataclass(frozen=True, slots=True)
class IdentifiabilityClaim:
    """The answer to `query` follows from what is `given` (nothing: the observed joint), or it does not.

    With `experiments`, all interventional distributions are given.
    """

    query: Query
    given: tuple[Given, ...] = ()
    identifiable: bool = True
    experiments: bool = False


@dataclass(frozen=True, slots=True)
class CheckStatement:
    """A claim to check.

    A comparison of formulas is about the model's own numbers; it is about all models of its shape if `models` says how
    many to try, if the mode is `symbolic`, or if a box that it needs has no numbers. `assuming` then says of which
    models. `within` is a tolerance for floats, `seed` makes other random models.
    """

    model: str
    name: str
    body: Compare | DiagramClaim | IndependenceClaim | IdentifiabilityClaim
    text: str
    axes: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Definition] = field(default_factory=dict)
    mode: Literal["", "exact", "symbolic", "numeric"] = ""
    within: Fraction | None = None
    using: str = ""
    doc: str = ""
    span: Span | None = field(default=None, compare=False)
    assuming: tuple[Compare, ...] = ()
    models: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class IdentifyStatement:
    """Ask whether the answer to `query` follows from what is `given` (nothing: the joint of all observed variables).

    With `experiments`, all interventional distributions are given.
    """

    model: str
    query: Query
    text: str
    name: str = ""
    given: tuple[Given, ...] = ()
    axes: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Definition] = field(default_factory=dict)
    doc: str = ""
    span: Span | None = field(default=None, compare=False)
    experiments: bool = False


@dataclass(frozen=True, slots=True)
class BoxSurgery:
    """Surgery on a plain diagram: the diagram `before`, the names of the boxes that were `cut`, and it in words."""

    before: Diagram
    cut: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class DrawStatement:
    """A picture of a model (then `surgeries` are shown on it), of a `query` about one, or of a diagram (then `operated`
    is shown), written to `path`.

    `path` is absolute and has been checked to lie inside the model file's folder; `None`: not named in the file.
    """

    title: str
    model: str = ""
    diagram: Diagram | None = None
    surgeries: tuple[Surgery, ...] = ()
    path: Path | None = None
    span: Span | None = field(default=None, compare=False)
    operated: BoxSurgery | None = None
    query: Query | None = None


Statement = QueryStatement | CheckStatement | DrawStatement | IdentifyStatement


@dataclass(frozen=True)
class Program:
    """A model file, elaborated. `models` in order of the text; `statements` in order of the text.

    `main` names the model of the file level (its `model NAME` header, or the file's own name); empty: there is none.
    """

    source: Source
    models: Mapping[str, ModelDef]
    diagrams: Mapping[str, Diagram] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    main: str = ""
