"""What data can tell: the answer to `model.identify(…)`, with its derivation, or with two models that refute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutwire.counterfactual import CounterfactualIdentification, identify_worlds
from cutwire.decision import Decision, bug
from parser.program import IdentifyStatement
from strings.criteria import Criterion, criteria
from strings.derivation import Step, check_derivation, derive
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.diagram import Diagram
from strings.estimand import Given
from strings.finite import opaque, stand_in
from strings.formula import Formula
from strings.identification import (
    Identified,
    NotIdentified,
    certainty,
    hide_unspoken,
    identify,
    refusal,
    refuse_contradictions,
    spoken,
)
from strings.identify import Hedge
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do, Open
from strings.written import formula

if TYPE_CHECKING:
    from cutwire.interpreted import Interpreted
    from semantics.kernel import Kernel
    from semantics.moves import Witness
    from strings.picture.scene import Scene

_LARGEST_CHECK = 2_000_000  # entries of the random tables


@dataclass(frozen=True, repr=False)
class Identification(Decision):
    """Whether the answer to a question follows from what is given, and how, or why not.

    >>> from cutwire import Model
    >>> model = Model.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2)
    >>> r = model.identify("P(C | do(S))")
    >>> r.identifiable, r.formula
    (True, "sum[t : T] P(t | S) * sum[s' : S] P(C | s', t) * P(s')")
    >>> model.identify("P(C | do(S))", given="P(S, C)").identifiable
    False
    """

    model: Interpreted
    found: Identified | NotIdentified
    statement: IdentifyStatement
    shape: CausalModel = field(repr=False)
    """The model's shape, with two values for every variable that declares none."""

    @property
    def identifiable(self) -> bool:
        """Whether the answer follows, for all numbers of values."""
        return isinstance(self.found, Identified)

    @property
    def given(self) -> tuple[Given, ...]:
        """The distributions that are given."""
        return self.found.given

    def _written(self, show: Callable[[Formula], str]) -> str | None:
        if isinstance(self.found, NotIdentified):
            return None
        try:
            return show(formula(self.found))
        except RecursionError:  # hundreds of sums, each inside of the one before
            count = len(self.found.estimand.conditionals)
            return f"({count} conditionals, nested too deep to write out: the estimand is a diagram)"

    @cached_property
    def estimand(self) -> Diagram | None:
        """The estimand as a diagram whose boxes are conditionals of what is given, if the effect follows."""
        return self.found.diagram if isinstance(self.found, Identified) else None

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The derivation; empty if the effect does not follow, or is what is seen."""
        return derive(self.shape, self.found) if isinstance(self.found, Identified) else ()

    @property
    def hedge(self) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The two sets of variables that stand in the way, the larger first, if that is what does."""
        if isinstance(self.found, Identified) or not isinstance(self.found.obstacle, Hedge):
            return None
        h = self.found.obstacle
        return h.graph.show(h.forest), h.graph.show(h.inner)

    @cached_property
    def criteria(self) -> tuple[Criterion, ...]:
        """The named criteria that apply (back door, front door, …), for a question without conditions."""
        query = self.query
        seen = hide_unspoken(self.shape, self.given, spoken(query))
        settings = [s for s in query.surgeries if isinstance(s, Do | Open)]
        if query.given or len(settings) < len(query.surgeries) or any(g.done for g in self.given):
            return ()
        treated = seen.graph.mask(dict.fromkeys(s.variable for s in settings))
        outcomes = seen.graph.mask(dict.fromkeys(t.variable for t in query.targets))
        return () if not treated or outcomes & treated else criteria(seen.graph, outcomes, treated)

    @property
    def note(self) -> str:
        """What else there is to say of the verdict."""
        if isinstance(self.found, Identified):
            free = sorted(self.found.estimand.free)
            return f"any value of {', '.join(free)} gives the same" if free else ""
        return str(self.found.obstacle)

    def check(self) -> bool:
        """Check the answer once more.

        The derivation is replayed, and the estimand compared with surgery on random models over finite fields; of a
        refusal, the witness is recomputed in fractions.

        Raises:
            CutwireError: X001 if something is wrong, which is a bug of Cutwire.
        """
        if isinstance(self.found, NotIdentified):
            return self._witness is not None
        if self._checkable:
            from semantics.selfcheck import estimand_error

            wrong = estimand_error(self.shape, self.found, self._policies())
        else:
            wrong = check_derivation(self.shape, self.found, self.steps)
        if wrong:
            raise bug(f"the estimand of `{self.query}` failed its check: {wrong}")
        return True

    @property
    def _checkable(self) -> bool:
        """Whether random tables for the model are small enough."""
        cells = 0
        for m in self.shape.mechanisms.values():
            size = 1
            for x in (*m.diagram.dom, *m.diagram.cod):
                size *= len(x.values or ())
            cells += size
        return cells <= _LARGEST_CHECK

    def _policies(self) -> Mapping[str, Kernel]:
        return self.model.policy_kernels(self.statement.tables, [self.query])

    @cached_property
    def _witness(self) -> Witness | None:
        from semantics.witness import check_witness, find_witness

        if isinstance(self.found, Identified):
            return None
        policies = self._policies()
        found = find_witness(self.shape, self.found, policies)
        if found is not None and not check_witness(found, self.query, self.given):
            raise bug(f"the witness against `{self.query}` failed its check")
        return found

    @property
    def _refuting(self) -> Witness | None:
        return self._witness

    def evaluate(self, data: object, *, semantics: str | None = None, max_memory: int | None = None) -> Any:
        """The value of the estimand: a `Distribution`; of real variables it may be a `Mixture`, or `Linear`.

        `data`: a data frame, a mapping of columns, the name of a data set of the model file, a `Distribution`, an array
        (the joint of `given`, an axis for each variable in that order), or a `Model` with numbers; a list of such if
        several distributions are given. Exact where the data are, unless `semantics` says `"matrix"`; on a model with
        parameters `"symbolic"` gives an expression, or `Expressions`. Only what the question leaves free is an axis of
        the answer.

        Raises:
            QueryError: E001 if the effect does not follow.
            ZeroProbabilityError: Q002 if the answer depends on something that never occurs in the data.
        """
        from cutwire.evaluation import evaluate_estimand

        if isinstance(self.found, NotIdentified):
            raise QueryError(refusal(self.found))
        return evaluate_estimand(self, data, semantics, max_memory)

    def draw(self, path: str | Path | None = None, *, warn: Callable[[Diagnostic], None] | None = None) -> str:
        """Draw the derivation as a film strip that ends with the estimand, or the hedge of a refusal.

        Returns the SVG text; with `path`, also writes it as `.svg`, `.pdf`, `.png` or `.tex`. `estimand.draw` draws
        just the estimand.

        Raises:
            PictureError: V001 for an unknown ending, V003 for a missing package, V004 for a file that is not written.
        """
        from strings.picture import write_scene

        return write_scene(self._film, path, warn)

    @cached_property
    def _film(self) -> Scene:
        from strings.picture.proof import proof_scene, refusal_scene

        if isinstance(self.found, NotIdentified):
            return refusal_scene(self.shape, self.found)
        return proof_scene(self.shape, self.found, self.steps, self.formula or "")

    def _repr_html_(self) -> str:
        from cutwire.notebook import identification_html

        return identification_html(self)


AnyIdentification = Identification | CounterfactualIdentification
"""The answer to `model.identify(…)`, of one world or of several."""


def identify_statement(model: Interpreted, statement: IdentifyStatement) -> AnyIdentification:
    """The answer to an `identify` statement; it has not been checked yet.

    Raises:
        QueryError: E002, E003, E005, W007 for what cannot be asked or given, Q002 for conditions that cannot be.
    """
    try:
        if statement.query.worlds:
            return identify_worlds(model, statement)
        if statement.experiments:
            statement = replace(statement, given=experiments(model.shape, statement.query), experiments=False)
        shape, (query,) = stand_in(model.shape, [statement.query])
        refuse_contradictions(query)
        found = identify(shape, query, statement.given)
        if isinstance(found, NotIdentified):
            plain = opaque(query)  # the witness is a model file in which an interval is one value
            refused = found if plain == query else identify(shape, plain, statement.given)
            found = certainty(shape, refused) if isinstance(refused, NotIdentified) else refused
    except CutwireError as e:
        raise e.at(statement.query.span or statement.span) from None
    return Identification(model, found, statement, shape)


def as_given(query: Query) -> Given:
    """A distribution such as `P(Y, Z | do(X))` as what is given.

    Raises:
        QueryError: I002 if anything else is written.
    """
    plain = all(_free(t) for t in query.targets) and not query.given and not query.expectation
    done = [s.variable for s in query.surgeries if isinstance(s, Open) and s.axis is None]
    if not plain or len(done) < len(query.surgeries):
        raise QueryError(
            Diagnostic(
                "I002",
                f"`{query}` cannot be given",
                span=query.span,
                notes=("given are joints of variables, as seen or after an experiment on all values of some others",),
                help=("write `P(X, Y)` or `P(Y, Z | do(X))`",),
            )
        )
    return Given(tuple(t.variable for t in query.targets), tuple(done))


def _free(t: Term) -> bool:
    return t.values is None and t.axis is None


def experiments(model: CausalModel, query: Query) -> tuple[Given, ...]:
    """All interventional distributions that can matter for a question without counterfactuals: its own experiment, and
    the joint that is observed."""
    treated = dict.fromkeys(s.variable for s in query.surgeries if isinstance(s, Do | Open))
    rest = tuple(n for n in model.observed if n not in treated)
    seen = Given(model.observed)
    return (seen, Given(rest, tuple(treated))) if treated and rest else (seen,)
