"""Answers that tables do not settle: between what they lie, and the models at both ends.

A counterfactual depends on how boxes draw, not only on how often they give what. `Bounds` says between which numbers
its answer lies, over all models with the same tables, and has the models in which it is least and most.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cutwire.evaluate import exact_is_cheap
from cutwire.interpreted import Interpreted, as_number
from cutwire.source import model_source
from parser.program import CheckStatement, QueryStatement
from semantics.bounds import Bounds as Found
from semantics.bounds import bounds
from semantics.distribution import Distribution, fraction_text, no_value
from semantics.functional import functional_model, in_fractions
from semantics.kernel import Kernel, Tables
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.query import Query, Term
from strings.surgery import Do, DoWire, Open, Surgery, boxes_of

if TYPE_CHECKING:
    from cutwire.model import Model


@dataclass(frozen=True, eq=False, repr=False)
class Bounds:
    """Between which numbers the answer to `query` lies.

    Of a question that leaves variables free, `bounds["yes"]` has the bounds at a value of each.
    """

    model: Interpreted
    query: Query
    found: Found
    tables: Tables
    exact: bool
    unit: str = ""

    @cached_property
    def distributions(self) -> tuple[Distribution, Distribution]:
        """Both ends as tables along the axes of the question."""
        return self._in_numbers(self.found.low), self._in_numbers(self.found.high)

    @property
    def low(self) -> Any:
        """No model with these tables has less: a number, or a `Distribution` along the axes of the question."""
        return _value(self.distributions[0])

    @property
    def high(self) -> Any:
        """No model with these tables has more."""
        return _value(self.distributions[1])

    @property
    def sharp(self) -> bool:
        """Whether there are models that attain both ends, at each place along the axes."""
        return self.found.sharp

    @property
    def attained(self) -> tuple[Any, Any]:
        """The least and the most that models were found for: both ends, if the bounds are `sharp`."""
        low, high = (_value(self._in_numbers(d)) for d in self.found.attained)
        return low, high

    @property
    def settled(self) -> bool:
        """Whether all models with these tables have the same answer."""
        return self.found.settled

    @property
    def boxes(self) -> tuple[str, ...]:
        """The boxes on whose way of drawing the answer depends."""
        return tuple(dict.fromkeys(f.name for f in self.found.found.families))

    @property
    def low_model(self) -> Model:
        """A model with these tables whose answer is the least that is `attained`; its boxes are functions.

        Raises:
            QueryError: Q001 if variables are left free, W001 if a box that matters is none of the model.
        """
        return self._model(0)

    @property
    def high_model(self) -> Model:
        """A model with these tables whose answer is the most that is `attained`; raises as `low_model`."""
        return self._model(1)

    @property
    def files(self) -> tuple[str, str]:
        """The two models as model files, which ask the question; raises as `low_model`."""
        return self._file(0, "least"), self._file(1, "most")

    def __getitem__(self, at: str | tuple[str, ...]) -> Bounds:
        """The bounds at one value of every axis.

        Raises:
            QueryError: N003 for values that the axes do not have.
        """
        labels = (at,) if isinstance(at, str) else tuple(map(str, at))
        axes = self.found.axes
        if len(labels) != len(axes):
            names = ", ".join(n for n, _ in axes) or "none"
            raise QueryError(Diagnostic("N003", f"{len(labels)} value(s) given", notes=(f"the axes are {names}",)))
        for label, (name, values) in zip(labels, axes, strict=True):
            if label not in values:
                raise QueryError(no_value(label, name, values))
        cells = itertools.product(*(values for _, values in axes))
        ends = next(e for cell, e in zip(cells, self.found.ends, strict=True) if cell == labels)
        place = {n: v for (n, _), v in zip(axes, labels, strict=True)}
        return replace(self, query=_placed(self.query, place), found=replace(self.found, axes=(), ends=(ends,)))

    # ---- as an answer ------------------------------------------------------------------------------------------------

    def columns(self, digits: int = 6) -> tuple[list[str], list[list[str]]]:
        from cutwire.show import fraction, in_unit

        low, high = self.distributions
        if self.unit == "bits":  # what is less probable has more bits
            low, high = high, low
        texts = [[in_unit(p, self.unit, digits) for p in d.array.flat] for d in (low, high)]
        exact = [[fraction(p) if self.unit != "odds" else "" for p in d.array.flat] for d in (low, high)]
        if not low.variables:
            one, other = (
                t[0] + (f" = {e[0]}" if e[0] and e[0] != t[0] else "") for t, e in zip(texts, exact, strict=True)
            )
            return [], [[f"between {one} and {other}"]]
        known = all(map(all, exact))
        rows = []
        for labels, *numbers in zip(itertools.product(*low.values), *texts, *exact, strict=True):
            told = [*numbers[:2], *([" to ".join(dict.fromkeys(numbers[2:]))] if known else [])]
            rows.append([*labels, *told])
        return [*low.variables, "low", "high", *(["exact"] if known else [])], rows

    def notes(self) -> list[str]:
        told = f"the tables do not settle it: it depends on how {self._draws}"
        if self.sharp:
            return [f"{told}; models with these tables attain both ends"]
        low, high = (d.array.flat for d in self.found.attained)
        if len(self.found.ends) > 1:
            return [told, "not all of these bounds are known to be attained"]
        return [told, f"no model goes further; models were found from {float(low[0]):.6g} to {float(high[0]):.6g}"]

    def to_dict(self) -> Mapping[str, Any]:
        from cutwire.show import distribution_json

        low, high = (distribution_json(d) for d in self.distributions)
        key = "probabilities" if low.get("variables") else "probability"
        shown: dict[str, Any] = {n: low[n] for n in ("variables", "values") if n in low}
        shown |= {"low": low[key], "high": high[key], "exact": None, "sharp": self.sharp, "boxes": list(self.boxes)}
        if low["exact"] is not None and high["exact"] is not None:
            shown["exact"] = {"low": low["exact"], "high": high["exact"]}
        if not self.sharp:
            found = [distribution_json(self._in_numbers(d))[key] for d in self.found.attained]
            shown["attained"] = dict(zip(("low", "high"), found, strict=True))
        return shown | ({"unit": self.unit} if self.unit else {})

    @property
    def _draws(self) -> str:
        """Which boxes draw."""
        *most, last = (f"`{b}`" for b in self.boxes)
        return f"{', '.join(most)} and {last} draw" if most else f"{last} draws"

    @property
    def diagnostic(self) -> Diagnostic:
        """What is said where a number is needed."""
        between = ""
        if not self.found.axes:
            between = f": it lies between {_short(self.low)} and {_short(self.high)}"
        return Diagnostic(
            "W001",
            f"the tables do not settle what happens in several worlds at once{between}",
            self.query.span,
            f"depends on how {self._draws}",
            help=(
                "ask this probability by itself to see its bounds, and models that attain them",
                "write the boxes as functions of their inputs and latent variables",
            ),
        )

    def __repr__(self) -> str:
        headings, rows = self.columns()
        lines = [headings, *rows] if headings else rows
        widths = [max(len(row[k]) for row in lines) for k in range(len(lines[0]))]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in lines)

    # ---- the models --------------------------------------------------------------------------------------------------

    def _in_numbers(self, d: Distribution) -> Distribution:
        return d if self.exact else d.as_float()

    def _functional(self, which: int) -> tuple[Any, dict[str, Kernel]]:
        """The shape and the tables of the model at one end."""
        if self.found.axes:
            names = ", ".join(n for n, _ in self.found.axes)
            help_ = ("choose a value for each of them",)
            raise QueryError(Diagnostic("Q001", f"each value of {names} has models of its own", help=help_))
        found = self.found.found
        foreign = [f.name for f in found.families if f.response.latent in found.put_in]
        if foreign:
            message = f"`{foreign[0]}` is put in by the question: no model has it as a function"
            raise QueryError(Diagnostic("W001", message))
        laws = dict(zip((f.response.latent for f in found.families), self.found.ends[0][which].laws, strict=True))
        own = [f for f in found.copied if f.response.latent not in found.put_in]
        pairs = [(f, laws.get(f.response.latent) or tuple(f.only_law())) for f in own]
        return functional_model(self.model.shape, self.tables, pairs)

    def _model(self, which: int) -> Model:
        from cutwire.model import Model

        return Model.with_numbers(*self._functional(which), self.model.name)

    def _file(self, which: int, word: str) -> str:
        shape, tables = self._functional(which)
        policies = {n: in_fractions(self.tables[n]) for n in boxes_of(None, self.query.operations) if n not in tables}
        end = self.found.ends[0][which].attained
        expect = f" expect {fraction_text(end)}" if isinstance(end, Fraction) else ""
        comment = f"A model in which {self.query} is {word}{'' if self.sharp else ', of those that were found'}."
        return model_source(shape, tables, None, [f"query {word}: {self.query}{expect}"], comment, policies)


def find_bounds(
    model: Interpreted,
    statement: QueryStatement | CheckStatement,
    query: Query,
    exact: bool,
    max_memory: int | None = None,
) -> Bounds:
    """The bounds of a question about several worlds, worked out in fractions where that is cheap.

    Raises:
        LimitError: L003 if a box may be too many functions.
        CutwireError: what `semantics.bounds.bounds` raises.
    """

    def found(in_fractions: bool) -> Bounds:
        tables = model.kernels(
            using=statement.using, exact=in_fractions, surgeries=query.operations, extra=statement.tables
        )
        asked = bounds(model.shape, tables, query, exact=in_fractions, max_memory=max_memory)
        return Bounds(model, query, asked, tables, exact)

    if exact or not exact_is_cheap(model, statement):
        return found(exact)
    try:
        return found(True)
    except CutwireError as e:
        if e.diagnostic.code not in ("Q005", "L003"):  # floats take larger questions
            raise
        return found(False)


def _value(d: Distribution) -> Any:
    return d if d.variables else as_number(d)


def _short(p: float | Fraction) -> str:
    text = fraction_text(p) if isinstance(p, Fraction) else ""
    return text if 0 < len(text) <= 24 else f"{float(p):.6g}"


def _placed(query: Query, place: Mapping[str, str]) -> Query:
    """The question with a value for every variable that it leaves free."""

    def closed(s: Surgery) -> Surgery:
        match s:
            case Open(variable, axis) if (axis or variable) in place:
                return Do(variable, place[axis or variable])
            case DoWire(source, sink, None, axis) if (axis or source) in place:
                return DoWire(source, sink, place[axis or source])
            case _:
                return s

    def fixed(t: Term) -> Term:
        return replace(t, values=(place[t.axis_name],), axis=None) if t.free and t.axis_name in place else t

    made = query.with_surgeries(closed)
    return replace(made, targets=tuple(map(fixed, made.targets)), given=tuple(map(fixed, made.given)))
