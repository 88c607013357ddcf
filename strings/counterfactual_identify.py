"""Which counterfactuals follow from experiments, or from what is seen: the decision of Correa, Lee and Bareinboim.

The event is taken apart into mechanisms (`strings.counterfactual`), and these into counterfactual factors, one for each
district. A factor follows from experiments if and only if it is consistent: no variable is there twice, or at two
values (Correa, Lee, Bareinboim 2021, algorithm CTFIDU; it decides what ID* and IDC* of Shpitser and Pearl 2008 decide).
Of a conditional question the factors that have nothing to do with what is asked cancel first. A consistent factor is
`P(c | do(parents))`, for which `strings.identification` decides whether it follows from what is given. The verdict is
for all numbers of values.

>>> from strings.surgery import Do
>>> model = CausalModel.from_edges([("X", "Y")], [("X", "Y")], domains=2)
>>> ett = Query((Term("Y", ("1",), world=(Do("X", "0"),)),), (Term("X", ("1",)),))
>>> print(identify_counterfactual(model, ett).reason)
`P(X = 1, Y[X := 0] = 1)` has X = 1 and X = 0 in one district, which no experiment shows together
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from strings.counterfactual import (
    Conflict,
    Equal,
    Event,
    Group,
    Reduced,
    Unnested,
    Value,
    cases,
    conflict,
    in_case,
    reduced,
    unnest,
    without_common,
)
from strings.counterfactual_formula import Bounds, Names, names_of, ratio
from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.estimand import Given
from strings.formula import Arithmetic, Ask, Formula, Number, Sum, questions, substituted
from strings.graph import Graph
from strings.identification import Identified, NotIdentified, hide_unspoken, identify
from strings.model import CausalModel
from strings.query import Become, Query, Term
from strings.surgery import DoWire, Open, Surgery, operate, touched
from strings.written import as_mean, formula


@dataclass(frozen=True)
class Case:
    """How a question is answered where its free values are `equal` to what they are there.

    `experiments` is the formula over what experiments show, `formula` that over what is given. `above` and `below` are
    the factors that it is made of.
    """

    equal: Equal
    experiments: Formula
    formula: Formula
    above: tuple[Group, ...] = ()
    below: tuple[Group, ...] = ()
    other: bool = False  # whether the formula is not that of the ordinary case

    @property
    def where(self) -> str:
        """The case in words, empty for that in which all free values are different from the others."""
        return ", ".join(f"{n} = {v}" for n, v in self.equal.items() if v.name != n)


@dataclass(frozen=True)
class CounterfactualIdentified:
    """A counterfactual that follows from what is given; `given` is empty if that is all experiments.

    `cases[0]` is the ordinary one; the others are there if some have another formula. `parts` tells how each
    probability of an experiment follows from what is given; `axes` are the names of free values in the formulas, each
    with that which the question has for it.
    """

    asked: Query
    given: tuple[Given, ...]
    cases: tuple[Case, ...]
    parts: Mapping[Query, Identified]
    axes: Mapping[str, str]
    names: Names

    @property
    def formula(self) -> Formula:
        """The formula over what is given, where free values are different from the others."""
        return self.cases[0].formula


Way = Identified | CounterfactualIdentified
"""How the answer to a question follows from what is given."""


def experiments_of(way: Way) -> tuple[Identified, ...]:
    """The questions about one world that a question comes to, each with its estimand."""
    return tuple(way.parts.values()) if isinstance(way, CounterfactualIdentified) else (way,)


@dataclass(frozen=True)
class CounterfactualNotIdentified:
    """A counterfactual that does not follow, and why: an inconsistent factor, or what an experiment alone shows.

    `where` says for which values, if it follows for others; these are `follows`.
    """

    asked: Query
    given: tuple[Given, ...]
    obstacle: Conflict | NotIdentified
    names: Names
    equal: Equal = field(default_factory=dict)
    where: str = ""
    follows: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """What stands in the way."""
        o = self.obstacle
        if isinstance(o, NotIdentified):
            return f"it needs `{o.asked}`, which does not follow from what is given: {o.obstacle}"
        shown = self.names.factor(o.factor)
        if o.values:
            one, other = (self.names.term(o.variable, v) for v in o.values)
            named = [Term(o.variable, t.values, t.axis or (None if t.values else o.variable)) for t in (one, other)]
            both = " and ".join(_equation(t) for t in named)
            return f"`{shown}` has {both} in one district, which no experiment shows together"
        copies = [self.names.place(n.variable, n.heard) for n in o.factor if n.variable == o.variable]
        both = " and ".join(f"`{t.place}`" for t in copies[:2])
        return f"`{shown}` has {both} in one district, which no experiment shows together"


def _equation(t: Term) -> str:
    return str(t) if t.values else f"{t.variable} = {t.axis}"


def identify_counterfactual(
    model: CausalModel, query: Query, given: Sequence[Given] = ()
) -> CounterfactualIdentified | CounterfactualNotIdentified:
    """Whether the answer to a question about several worlds follows from what is given, by default all experiments.

    Sound and complete for the joint of all observed variables and for all experiments (Correa, Lee, Bareinboim 2021).

    Raises:
        QueryError: W007 for worlds in which something else is done than variables set, E003 if a latent variable is
            asked for, and what `identify` raises.
        ZeroProbabilityError: Q002 if what is seen cannot happen.
        LimitError: L003 if free values can be equal in too many ways.
    """
    return _Decision(model, query, tuple(given)).run()


def as_identified(
    refused: CounterfactualNotIdentified, written: Formula, parts: Mapping[Query, Identified]
) -> CounterfactualIdentified:
    """What a formula over what experiments show says that is right for some models, to be evaluated and checked on
    these; `parts` tells how its questions follow from what is given, if that is not all experiments."""
    every = {n: replace(v, kind="axis", name=n) for n, v in refused.equal.items()}
    axes = {shown: v.name for v, shown in refused.names.shown.items() if v.kind == "axis"}
    parts = {q: parts[q] for q in questions(written)} if refused.given else {}
    shown = _over_given(written, parts, axes)
    return CounterfactualIdentified(
        refused.asked, refused.given, (Case(every, written, shown),), parts, axes, refused.names
    )


def _over_given(written: Formula, parts: Mapping[Query, Identified], taken: Iterable[str]) -> Formula:
    """A formula over what experiments show, written over what is given; names that are `taken` bind nothing new."""
    return substituted(written, {q: formula(parts[q], taken) for q in questions(written) if q in parts})


def spoken_anywhere(query: Query) -> set[str]:
    """The variables that a question names, in whatever world."""
    found: set[str] = set()
    waiting = [*query.targets, *query.given]
    while waiting:
        t = waiting.pop()
        found.add(t.variable)
        waiting += [s.source for s in t.world if isinstance(s, Become)]
        found |= {n for s in t.world for n in _named_by(s)}
    return found | {n for s in query.surgeries for n in _named_by(s)}


def _named_by(s: Surgery | Become) -> tuple[str, ...]:
    return (s.variable,) if isinstance(s, Become) else touched(s)


def seen_model(model: CausalModel, query: Query, given: Sequence[Given]) -> CausalModel:
    """The model in which everything is latent that neither the question nor what is given speaks of."""
    return hide_unspoken(model, given, spoken_anywhere(query)) if given else model


class _Decision:
    def __init__(self, model: CausalModel, query: Query, given: tuple[Given, ...]) -> None:
        self._model, self._query, self._given = model, query, given
        self._unnested = without_certain(model, unnest(query))
        for n in sorted(spoken_anywhere(query)):
            model.object(n)
            if n in model.latents:
                raise QueryError(Diagnostic("E003", f"`{n}` is latent, so no data can contain it", span=query.span))
        self._seen = seen_model(model, query, given)
        self._graph: Graph = self._seen.graph
        self._refuse_detours()
        self._bounds: Bounds = {
            (t.variable, t.values[0]): t.bounds for t in (*query.targets, *query.given) if t.bounds and t.values
        }

    def _refuse_detours(self) -> None:
        """What is told along a wire has to be all that its sink hears of the source.

        Raises:
            QueryError: W007 if the sink hears it by way of hidden variables, too.
        """
        for s in self._query.operations:
            if isinstance(s, DoWire):
                parents = operate(self._seen, s).graph.parents
                source, sink = (self._graph.names.index(n) for n in (s.source, s.sink))
                if parents[sink] >> source & 1:
                    message = f"`{s.sink}` hears `{s.source}` by way of hidden variables, too"
                    help_ = ("set a variable on the way, or give the boxes numbers and use `query`",)
                    raise QueryError(Diagnostic("W007", message, self._query.span, help=help_))

    def run(self) -> CounterfactualIdentified | CounterfactualNotIdentified:
        found: list[Case] = []
        refused: list[tuple[Equal, Conflict | NotIdentified, Names]] = []
        parts: dict[Query, Identified] = {}
        names: Names | None = None
        for equal in cases(self._unnested):
            here, own = self._case(equal, parts)
            names = names or own
            if isinstance(here, Case):
                found.append(here)
            else:
                refused.append((equal, here, own))
        assert names is not None
        if refused:
            equal, obstacle, own = refused[0]
            where = Case(equal, _ZERO, _ZERO).where
            if found and not where:
                where = " and ".join(dict.fromkeys(_apart(equal, [c.equal for c in found])))
            return CounterfactualNotIdentified(
                self._query, self._given, obstacle, own, equal, where, tuple(c.where for c in found)
            )
        found[1:] = [
            replace(c, other=str(_with(found[0].formula, c.equal, names)) != str(c.formula)) for c in found[1:]
        ]
        axes = {shown: v.name for v, shown in names.shown.items() if v.kind == "axis"}
        kept = found if any(c.other for c in found) else found[:1]
        needed = dict.fromkeys(q for c in kept for q in questions(c.experiments) if q in parts)
        return CounterfactualIdentified(
            self._query, self._given, tuple(kept), {q: parts[q] for q in needed}, axes, names
        )

    def _case(self, equal: Equal, parts: dict[Query, Identified]) -> tuple[Case | Conflict | NotIdentified, Names]:
        """One case of equal values."""
        below = reduced(self._graph, in_case(self._unnested.given, equal))
        above = reduced(self._graph, in_case(self._unnested.events, equal))
        if below is None:
            raise ZeroProbabilityError(_impossible(self._query, Case(equal, _ZERO, _ZERO).where))
        values = [v for r in (above, below) if r is not None for v in _values(r)]
        free = [Value("axis", n, v.variable) for n, v in equal.items()]
        names = names_of(self._model, [*free, *values], self._bounds)
        if above is None:
            return Case(equal, _ZERO, _ZERO), names
        top, bottom = without_common(above, below, self._graph)
        for group in (*top, *bottom):
            for factor in group:
                if (wrong := conflict(factor)) is not None:
                    return wrong, names
        written = ratio(self._seen, self._graph, (top, above.among), (bottom, below.among), names)
        if self._given:
            for asked in questions(written):
                if asked not in parts:
                    part = identify(self._seen, asked, self._given)
                    if isinstance(part, NotIdentified):
                        return part, names
                    parts[asked] = part
        shown = _over_given(written, parts, set(names.shown.values()))
        if self._query.expectation:
            shown = as_mean(shown, self._query.targets[0].variable)
        return Case(equal, written, shown, tuple(top), tuple(bottom)), names


_ZERO = Number(Fraction(0))


def _values(event: Reduced) -> Iterator[Value]:
    for n in event.nodes:
        yield from (v for _, v in n.heard)
        yield n.value


def _apart(equal: Equal, others: Sequence[Equal]) -> Iterator[str]:
    """What has to be different for a case to be none of some others."""
    for other in others:
        for n, v in other.items():
            if equal[n] != v:
                yield f"{n} is not {v}"


def without_certain(model: CausalModel, unnested: Unnested) -> Unnested:
    """The events without those that hold anyway: they say nothing, and what they speak of may not follow."""

    def open_(e: Event) -> bool:
        return e.among is None or e.among != set(model.object(e.variable).values or ())

    return replace(unnested, targets=tuple(filter(open_, unnested.targets)), given=tuple(filter(open_, unnested.given)))


def _impossible(query: Query, where: str) -> Diagnostic:
    seen = ", ".join(map(str, query.given))
    note = f"that is so where {where}" if where else "it contradicts itself, whatever the mechanisms are"
    return Diagnostic("Q002", f"`{seen}` has probability zero in every model", span=query.span, notes=(note,))


def _with(written: Formula, equal: Equal, names: Names) -> Formula:
    """A formula with what some free values are in a case put in."""
    put = {names.shown[v]: equal[v.name] for v in names.shown if v.kind == "axis" and equal[v.name].name != v.name}
    return _put(written, put, names) if put else written


def _put(written: Formula, put: Mapping[str, Value], names: Names) -> Formula:
    match written:
        case Ask(query):

            def term(t: Term) -> Term:
                return names.term(t.variable, put[t.axis_name]) if t.free and t.axis_name in put else t

            def setting(s: object) -> object:
                if isinstance(s, Open) and (s.axis or s.variable) in put:
                    return names.setting(s.variable, put[s.axis or s.variable])
                return s

            surgeries = tuple(map(setting, query.surgeries))
            asked = replace(query, targets=tuple(map(term, query.targets)), given=tuple(map(term, query.given)))
            return Ask(replace(asked, surgeries=surgeries))  # type: ignore[arg-type]
        case Sum(_, body):
            return replace(written, body=_put(body, put, names))
        case Arithmetic(_, left, right):
            return replace(written, left=_put(left, put, names), right=_put(right, put, names))
        case _:
            return written
