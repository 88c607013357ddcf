"""What data or experiments can tell of several worlds: the answer to `model.identify("P(Y[X := 0] | X = 1)")`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cutwire.decision import Decision, bug
from cutwire.interpreted import Interpreted
from parser.program import IdentifyStatement
from strings.counterfactual_identify import (
    CounterfactualIdentified,
    CounterfactualNotIdentified,
    identify_counterfactual,
    spoken_anywhere,
)
from strings.counterfactual_steps import CounterfactualStep, steps
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.estimand import Given
from strings.finite import stand_in
from strings.formula import Formula
from strings.model import CausalModel
from strings.query import Query

if TYPE_CHECKING:
    from semantics.dataset import Dataset
    from semantics.distribution import Distribution
    from semantics.moves import Witness


@dataclass(frozen=True, repr=False)
class CounterfactualIdentification(Decision):
    """Whether the answer to a question about several worlds follows from what is given, and how, or why not.

    It has what `Identification` has, but for the estimand as a diagram. The verdict is for all numbers of values.

    >>> from cutwire import Model
    >>> front = Model.from_edges([("X", "M"), ("M", "Y")], bidirected=[("X", "Y")], domains=2)
    >>> r = front.identify("P(Y[X := 0] = 1 | X = 1)")
    >>> r.identifiable, r.formula
    (True, 'sum[m : M] P(Y = 1 | X = 1, m) * P(m | X = 0)')
    >>> bow = Model.from_edges([("X", "Y")], bidirected=[("X", "Y")], domains=3)
    >>> bow.identify("P(Y[X := 0] = 1 | X = 1)", given="experiments").identifiable
    False
    """

    model: Interpreted
    found: CounterfactualIdentified | CounterfactualNotIdentified
    statement: IdentifyStatement
    shape: CausalModel = field(repr=False)

    @property
    def identifiable(self) -> bool:
        """Whether the answer follows, for all numbers of values."""
        return isinstance(self.found, CounterfactualIdentified)

    @property
    def given(self) -> tuple[Given | str, ...]:
        """What is given: distributions, or `"experiments"`."""
        return self.found.given or ("experiments",)

    def _written(self, show: Callable[[Formula], str]) -> str | None:
        return show(self.found.cases[0].formula) if isinstance(self.found, CounterfactualIdentified) else None

    @property
    def criteria(self) -> tuple[()]:
        """Named criteria are about one world: there are none."""
        return ()

    @cached_property
    def steps(self) -> tuple[CounterfactualStep, ...]:
        """The derivation, or as far as it goes."""
        return steps(self.shape, self.found)

    @cached_property
    def note(self) -> str:
        """What else there is to say: why it does not follow, and whether it does for the values that are declared."""
        if isinstance(self.found, CounterfactualNotIdentified):
            return self._refusal
        notes = [f"where {c.where} it is {c.formula}" for c in self.found.cases if c.other]
        return "; ".join([*notes, *_free(self.found)])

    @property
    def _refusal(self) -> str:
        assert isinstance(self.found, CounterfactualNotIdentified)
        notes = [self.found.reason]
        if self.found.where:
            notes[0] += f" (where {self.found.where})"
        if self.found.follows:
            cases = [c for c in self.found.follows if c]
            notes.append(f"it follows {'where ' + ', or where '.join(cases) if cases else 'for other values'}")
        if self.declared is not None:
            names, found = self.declared
            few = ", ".join(f"the {len(self.shape.object(n).values or ())} values of {n}" for n in names)
            notes.append(f"with {few} that are declared it does: {found.formula}")
            notes += _free(found)
        return "; ".join(notes)

    @cached_property
    def declared(self) -> tuple[tuple[str, ...], CounterfactualIdentified] | None:
        """Of a refusal: the variables whose declared values let the answer follow after all, and how it does.

        Nothing if none is found. The formula has been checked as `check` does it.
        """
        from semantics.counterfactual import checkable, counterfactual_error
        from strings.counterfactual_declared import formula_for_declared

        if not isinstance(self.found, CounterfactualNotIdentified):
            return None
        found = formula_for_declared(self.shape, self.found)
        if found is not None and checkable(self.shape):
            wrong = counterfactual_error(self.shape, found[1])
            if wrong:
                raise bug(f"the formula for the declared values of `{self.query}` failed its check: {wrong}")
        return found

    def check(self) -> bool:
        """Check the answer once more: the formula against the multiverse of random functional models over finite
        fields; of a refusal, whether two models refute it.

        Raises:
            CutwireError: X001 if something is wrong, which is a bug of Cutwire.
        """
        if isinstance(self.found, CounterfactualNotIdentified):
            return self._witness is not None
        from semantics.counterfactual import checkable, counterfactual_error

        wrong = counterfactual_error(self.shape, self.found) if checkable(self.shape) else ""
        if wrong:
            raise bug(f"the formula for `{self.query}` failed its check: {wrong}")
        return True

    @cached_property
    def _witness(self) -> Witness | None:
        from semantics.counterfactual_witness import find_counterfactual_witness

        if isinstance(self.found, CounterfactualIdentified):
            return None
        more = self.declared[0] if self.declared is not None else ()
        return find_counterfactual_witness(self.shape, self.found, more)

    @property
    def _refuting(self) -> Witness | None:
        return self._witness

    def evaluate(self, data: object, *, semantics: str | None = None, max_memory: int | None = None) -> Distribution:
        """The value of the formula: on a `Model` with numbers, whose boxes need be no functions; or on data as
        `Identification.evaluate` takes them, where distributions are given.

        Raises:
            QueryError: E001 if the answer does not follow, E005 for data where experiments are given.
            ZeroProbabilityError: Q002 if it depends on something that never occurs.
        """
        from cutwire.evaluation import evaluate_counterfactual

        if isinstance(self.found, CounterfactualNotIdentified):
            raise QueryError(refusal(self.found, self.note))
        return evaluate_counterfactual(self, self.found, data, semantics, max_memory)

    def draw(self, path: str | Path | None = None, *, warn: Callable[[Diagnostic], None] | None = None) -> str:
        """Draw the worlds that the question speaks of; returns the SVG text and writes `path` if given.

        Raises:
            PictureError: V001 for an unknown ending, V003 for a missing package, V004 for a file that is not written.
        """
        from strings.picture import draw_question

        return draw_question(self.shape, self.query, path, warn=warn)

    def _repr_html_(self) -> str:
        from cutwire.notebook import identification_html

        return identification_html(self)

    def _repr_svg_(self) -> str:
        return self.draw()


def _free(found: CounterfactualIdentified) -> list[str]:
    """Says that values which stand free in a formula do not matter."""
    free = sorted({n for part in found.parts.values() for n in part.estimand.free})
    return [f"any value of {', '.join(free)} gives the same"] if free else []


def refusal(found: CounterfactualNotIdentified, note: str) -> Diagnostic:
    """E001: the answer does not follow from what is given, and why."""
    given = "; ".join(map(str, found.given)) or "experiments"
    return Diagnostic(
        "E001",
        f"`{found.asked}` does not follow from what is given",
        notes=(f"given: {given}", note),
        help=("write the boxes as functions with numbers and use `query`",),
    )


def way_of_worlds(model: Interpreted, query: Query, data: Dataset) -> CounterfactualIdentified:
    """How the answer to a question about several worlds follows from the joint of what is observed, for the values that
    are declared.

    Raises:
        QueryError: E001 if it does not; the notes say what it lies between if the data tell that.
    """
    asked = identify_worlds(model, IdentifyStatement(model.name, query, str(query)))
    if isinstance(asked.found, CounterfactualIdentified):
        return asked.found
    if asked.declared is not None:
        return asked.declared[1]
    refused = refusal(asked.found, asked.note)
    between = _between(asked.shape, query, data)
    help_ = ("give the boxes the tables of the data (`= fit(DATA)`) and use `query`: it shows models at both ends",)
    raise QueryError(replace(refused, notes=(*refused.notes, *between), help=help_ if between else refused.help))


def _between(shape: CausalModel, query: Query, data: Dataset) -> list[str]:
    """Between what numbers the answer is, in a model without hidden causes whose tables are those of the data.

    It is sharp as far as `semantics.bounds` is; for `PN`, `PS` and `PNS` these are the bounds of Tian and Pearl (2000).
    """
    from semantics.bounds import bounds
    from semantics.dataset import fit

    before = shape.ancestors(spoken_anywhere(query))
    if not shape.latents.isdisjoint(before):
        return []
    try:
        boxes = (n.box for v in before for n in shape.mechanisms[v].diagram.nodes)
        tables = {b.name: fit(data, b).as_float() for b in boxes if b.kind == "box"}
        found = bounds(shape, tables, query)
    except CutwireError:  # a case that never occurs, or too large: the refusal stands without
        return []
    if found.axes:
        return []
    low, high = (float(d.array[()]) for d in (found.low, found.high))
    return [f"the data leave it between {low:.6g} and {high:.6g}: it depends on how boxes draw, not only on how often"]


def identify_worlds(model: Interpreted, statement: IdentifyStatement) -> CounterfactualIdentification:
    """The answer to an `identify` statement about several worlds; it has not been checked yet."""
    shape, (query,) = stand_in(model.shape, [statement.query])
    given = () if statement.experiments else statement.given or (Given(shape.observed),)
    return CounterfactualIdentification(model, identify_counterfactual(shape, query, given), statement, shape)
