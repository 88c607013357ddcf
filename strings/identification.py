"""What data alone can tell: the question, what is given, and the verdict with its estimand.

`strings.identify` decides on masks of a graph; this module makes a question ready for it and the verdict into something
to work with.

>>> from strings.query import Term
>>> from strings.surgery import Do
>>> model = CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2)
>>> found = identify(model, Query((Term("C"),), (), (Do("S", "1"),)))
>>> print(found.diagram)
diagram () -> C {
  S'0 <- P(S)()
  S1 <- S := 1()
  T2 <- P(T | S)(S1)
  C3 <- P(C | S, T)(S'0, T2)
  return C3
}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.diagram import Diagram
from strings.estimand import Conditional, Estimand, Given, estimand_of
from strings.graph import Graph, bits
from strings.identify import Hedge, Obstacle, Route, Source, effect, exchangeable, hidings, selections
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.separation import separated
from strings.signature import uniform_box
from strings.surgery import CutWire, Do, DoWire, Open, Replace, operate


@dataclass(frozen=True)
class Identified:
    """An effect that follows from what is given.

    `asked` is the question as put and `query` the one that is asked of the estimand: conditions that may be set instead
    of seen have moved among its surgeries. `routes` tell how each kernel was found, in graphs of `sources`; with
    `plain` there are none: the effect is just what is seen.
    """

    asked: Query
    query: Query
    estimand: Estimand
    given: tuple[Given, ...]
    sources: tuple[Source, ...]
    routes: tuple[Route, ...]
    plain: bool = False
    names: tuple[str, ...] = ()  # of all variables of the model, hidden ones too
    part: tuple[Given, ...] = ()  # the given distributions that it follows from, or marginals, where all did not do
    hidden: tuple[str, ...] = ()  # variables out of sight that some of these set

    @property
    def used(self) -> tuple[Given, ...]:
        """The given distributions that the derivation speaks of."""
        return self.part or self.given

    def seen(self, model: CausalModel) -> CausalModel:
        """The model in which everything is latent that neither the question nor what is used of the given speaks of."""
        return _hide(hide_unspoken(model, self.used, spoken(self.asked)), self.hidden)

    @property
    def diagram(self) -> Diagram:
        """The estimand as one diagram: from what is left open to what is asked, and then what is seen."""
        names = dict.fromkeys(t.variable for t in (*self.query.targets, *self.query.given))
        return operate(self.estimand.model, *self.query.surgeries).state(list(names))


@dataclass(frozen=True)
class NotIdentified:
    """An effect that does not follow from what is given, and what stands in the way."""

    asked: Query
    query: Query
    given: tuple[Given, ...]
    obstacle: Obstacle


def refusal(found: NotIdentified) -> Diagnostic:
    """E001: the effect does not follow from what is given, and why."""
    notes = [f"given: {'; '.join(map(str, found.given))}", str(found.obstacle)]
    if isinstance(found.obstacle, Hedge):
        g, inner = found.obstacle.graph, found.obstacle.inner
        outside = ", ".join(g.show(found.obstacle.forest & ~inner))
        notes.append(f"{outside} cannot be told apart from the hidden causes of {', '.join(g.show(inner))}")
    return Diagnostic(
        "E001",
        f"`{found.asked}` does not follow from what is given",
        notes=tuple(notes),
        help=("measure a hidden cause, bring an experiment, or give the boxes numbers and use `query`",),
    )


def identify(model: CausalModel, query: Query, given: Sequence[Given] = ()) -> Identified | NotIdentified:
    """Whether the answer to `query` follows from what is given, by default the joint of all observed variables.

    Sound and complete for any number of treatments, outcomes and conditions and one given distribution (Shpitser, Pearl
    2006), and for several that each speak of all observed variables (Lee, Correa, Bareinboim 2019).

    Raises:
        QueryError: W004 for several worlds, E002 for surgery on single wires, E003 if a latent variable is asked for,
            E005 for what cannot be given, N002 for an unknown variable.
    """
    _refuse_worlds(query)
    _refuse_wires(query)
    _refuse_latents(model, query)
    given = tuple(given) or (Given(model.observed),)
    _refuse_given(model, given)
    seen = hide_unspoken(model, given, spoken(query))
    query = _without_idle_policies(seen, query)
    sources = tuple(_source(model, seen, g) for g in given)
    found = _identify(model, seen, query, given, sources)
    if isinstance(found, Identified):
        return found
    for part in selections(list(dict.fromkeys(given))):  # what follows from some of them follows from all
        seen = hide_unspoken(model, part, spoken(query))
        sources = tuple(_source(model, seen, g) if g in part else _NOTHING for g in given)
        less = _identify(model, seen, query, given, sources)
        if isinstance(less, Identified):
            return replace(less, part=part)
    for hidden in hidings([(*g.variables, *g.done) for g in given], _spare(model, query, given)):
        less_given = [Given(tuple(n for n in g.variables if n not in hidden), g.done) for g in given]
        seen = _hide(hide_unspoken(model, given, spoken(query)), hidden)
        sources = tuple(_source(model, seen, g) if g.variables else _NOTHING for g in less_given)
        less = _identify(model, seen, query, given, sources)
        if isinstance(less, Identified):
            return replace(less, part=tuple(g for g in less_given if g.variables), hidden=hidden)
    simpler = _without_certain(model, query)
    return found if simpler == query else identify(model, simpler, given)


_NOTHING = Source(Graph((), (), ()))


def _spare(model: CausalModel, query: Query, given: Sequence[Given]) -> list[str]:
    """The variables in sight that the answer depends on and the question does not speak of."""
    seen = hide_unspoken(model, given, spoken(query))
    behind = operate(seen, *query.surgeries).ancestors([t.variable for t in (*query.targets, *query.given)])
    return [n for n in seen.observed if n in behind and n not in spoken(query)]


def spoken(query: Query) -> set[str]:
    """The variables that a question names."""
    return {t.variable for t in (*query.targets, *query.given)} | _acted_on(query)


def _acted_on(query: Query) -> set[str]:
    """The variables that surgeries act on, or that their policies read."""
    found: set[str] = set()
    for s in query.surgeries:
        if not isinstance(s, CutWire | DoWire):
            found.add(s.variable)
            found.update(s.mechanism.used_parents if isinstance(s, Replace) else ())
    return found


def _identify(
    model: CausalModel, seen: CausalModel, query: Query, given: tuple[Given, ...], sources: tuple[Source, ...]
) -> Identified | NotIdentified:
    """The decision, once everything that no distribution speaks of is latent in `seen`."""
    plain = _plain(seen, query, sources)
    if plain is not None:
        return Identified(query, *plain, given, sources, (), True, model.names)
    query_, routes = _decide(seen, query, sources)
    if not isinstance(routes, tuple):
        return NotIdentified(query, query_, given, routes)
    estimand = estimand_of(seen, query_, sources, routes)
    return Identified(query, query_, estimand, given, sources, routes, names=model.names)


def identified(model: CausalModel, query: Query, given: Sequence[Given] = ()) -> Identified:
    """As `identify`, where a refusal is an error.

    Raises:
        QueryError: E001 if the effect does not follow.
    """
    found = identify(model, query, given)
    if isinstance(found, NotIdentified):
        raise QueryError(refusal(found))
    return found


def certain(model: CausalModel, t: Term) -> bool:
    """Whether an event holds whatever the value is."""
    values = model.object(t.variable).values
    return values is not None and t.values is not None and set(values) <= set(t.values)


def _without_certain(model: CausalModel, query: Query) -> Query:
    """The question without events that hold anyway: they say nothing, and what they speak of may not follow."""
    targets = tuple(t for t in query.targets if not certain(model, t))
    given = tuple(t for t in query.given if not certain(model, t))
    return replace(query, targets=targets or query.targets, given=given)


def certainty(model: CausalModel, refused: NotIdentified) -> Identified | NotIdentified:
    """What is certain has probability 1 on every axis, although no kernel that is needed may follow.

    Of a refusal of something else, that refusal.
    """
    query = refused.asked
    if not all(certain(model, t) for t in query.targets):
        return refused
    axes = [s for s in query.surgeries if isinstance(s, Open)]
    axes += [Open(t.variable, t.axis) for t in query.given if t.values is None]
    made = {t.variable: Mechanism.of_box(uniform_box(model.object(t.variable))) for t in query.targets}
    names = {*made, *(s.variable for s in axes)}
    variables = tuple(model.object(n) for n in model.observed if n in names)
    estimand = Estimand(CausalModel(variables, made, name="estimand"), {}, {})
    sources = tuple(_source(model, hide_unspoken(model, refused.given, spoken(query)), g) for g in refused.given)
    asked = replace(query, given=(), surgeries=tuple(axes))
    return Identified(query, asked, estimand, refused.given, sources, (), names=model.names)


def refuse_contradictions(query: Query) -> None:
    """A condition that contradicts another, or what is set, has probability zero in every model.

    Raises:
        ZeroProbabilityError: Q002 if there is one.
    """
    left: dict[str, set[str]] = {}
    for s in query.surgeries:
        if isinstance(s, Do):
            left[s.variable] = {s.value}
        elif not isinstance(s, CutWire | DoWire):
            left.pop(s.variable, None)
    for t in query.given:
        if t.values is None:
            continue
        left[t.variable] = left.get(t.variable, set(t.values)) & set(t.values)
        if not left[t.variable]:
            raise ZeroProbabilityError(
                Diagnostic(
                    "Q002",
                    f"`{t}` has probability zero in every model",
                    span=t.span,
                    notes=(f"it contradicts something else in `{query}`",),
                )
            )


def _without_idle_policies(model: CausalModel, query: Query) -> Query:
    """The question without policies that a later surgery replaces, or that nothing asked depends on."""
    asked = [t.variable for t in (*query.targets, *query.given)]
    relevant = operate(model, *query.surgeries).ancestors(asked)
    kept = []
    for k, s in enumerate(query.surgeries):
        later = {t.variable for t in query.surgeries[k + 1 :] if not isinstance(t, CutWire | DoWire)}
        if not isinstance(s, Replace) or (s.variable in relevant and s.variable not in later):
            kept.append(s)
    return replace(query, surgeries=tuple(kept))


def _plain(model: CausalModel, query: Query, sources: Sequence[Source]) -> tuple[Query, Estimand] | None:
    """The estimand of an effect that is just seen, and what is asked of it.

    `P(y | do(x), z) = P(y | x, z)` by the second rule of do-calculus, once the treatments are left out that change
    nothing (third rule). Without surgery it is always that.
    """
    graph = model.graph
    number = next((k for k, s in enumerate(sources) if s.graph is graph and not s.done), None)
    if number is None or not all(isinstance(s, Do | Open) for s in query.surgeries):
        return None
    set_ = [s.variable for s in query.surgeries if isinstance(s, Do | Open)]
    outcomes, conditions = _asked(graph, query)
    everything = graph.mask(dict.fromkeys(set_))
    if everything & (outcomes | conditions):
        return None
    treated = telling(graph, outcomes, everything, conditions)
    if not separated(graph.without(out_of=treated), outcomes, treated, conditions):
        return None
    settings = [_setting(t) for t in query.given if settable(t, query)]
    query = replace(
        query,
        given=tuple(t for t in query.given if not settable(t, query)),
        surgeries=(*query.surgeries, *settings),
    )
    inputs = [*set_, *(s.variable for s in settings)]
    known = [model.object(n) for n in graph.names if n in inputs and not everything & ~treated & graph.mask([n])]
    mechanisms: dict[str, Mechanism] = {}
    conditionals: dict[str, Conditional] = {}
    asked = dict.fromkeys(t.variable for t in (*query.given, *query.targets))
    for n in asked:
        c = Conditional(model.object(n), tuple(known), (), number)
        conditionals[c.name] = c
        mechanisms[n] = Mechanism.of_box(c.box)
        known.append(c.target)
    names = [n for n in model.observed if n in asked or n in inputs]
    variables = tuple(model.object(n) for n in names)
    return query, Estimand(CausalModel(variables, mechanisms, name="estimand"), conditionals, {})


def _asked(graph: Graph, query: Query) -> tuple[int, int]:
    """What is asked, and on what single values it is conditioned.

    A condition on several values is an event like those asked for: do-calculus speaks of single values.
    """
    conditions = graph.mask(t.variable for t in query.given if settable(t, query))
    return graph.mask(dict.fromkeys(t.variable for t in (*query.targets, *query.given))) & ~conditions, conditions


def settable(t: Term, query: Query) -> bool:
    """Whether a condition fixes one value of a variable that the question does not speak of elsewhere."""
    others = [u for u in (*query.targets, *query.given) if u is not t]
    one = t.values is None or len(set(t.values)) == 1
    return one and all(u.variable != t.variable for u in others)


def telling(graph: Graph, outcomes: int, treated: int, conditions: int = 0) -> int:
    """The treatments that are left when those are taken out, one by one, that the third rule of do-calculus allows."""
    for x in bits(treated):
        rest = treated & ~(1 << x)
        before = graph.without(into=rest).ancestors(conditions)  # edges into ancestors of a condition stay
        cut = graph.without(into=rest | (1 << x & ~before))
        if separated(cut, outcomes, 1 << x, rest | conditions):
            return telling(graph, outcomes, rest, conditions)
    return treated


def _decide(model: CausalModel, query: Query, sources: Sequence[Source]) -> tuple[Query, tuple[Route, ...] | Obstacle]:
    graph = model.graph
    operated = operate(model, *query.surgeries)
    treated = graph.mask(dict.fromkeys(s.variable for s in query.surgeries if not isinstance(s, CutWire | DoWire)))
    last = {s.variable: s for s in query.surgeries if not isinstance(s, CutWire | DoWire)}
    fixed = graph.mask(n for n, s in last.items() if isinstance(s, Do | Open))
    query = _without_idle_events(operated.graph, query, treated, fixed)
    outcomes, conditions = _asked(graph, query)
    moved = exchangeable(operated.graph, outcomes, fixed, conditions, conditions & ~treated)
    names = set(graph.show(moved))
    set_ = [_setting(t) for t in query.given if t.variable in names]
    seen = tuple(t for t in query.given if t.variable not in names)
    query = _without_idle_policies(model, replace(query, given=seen, surgeries=(*query.surgeries, *set_)))
    treated |= moved
    after = operate(operated, *set_).graph
    policies = [(v, after.parents[v]) for v in bits(treated) if after.parents[v]]
    return query, effect(graph, outcomes | (conditions & ~moved), treated, sources, policies)


def _without_idle_events(operated: Graph, query: Query, treated: int, fixed: int) -> Query:
    """The question without conditions on several values that tell nothing (do-calculus, first rule), one by one.

    A condition on one value needs no such care: it may then be set as well as seen. To know that another has one of
    several values separates nothing: those are events like the ones asked for.
    """
    named = [t.variable for t in (*query.targets, *query.given)]
    for t in query.given:
        z = operated.mask([t.variable])
        if settable(t, query) or named.count(t.variable) > 1 or z & treated:
            continue
        outcomes, conditions = _asked(operated, query)
        if separated(operated, outcomes & ~z, z, conditions | fixed):
            less = replace(query, given=tuple(u for u in query.given if u is not t))
            return _without_idle_events(operated, less, treated, fixed)
    return query


def _setting(t: Term) -> Do | Open:
    return Open(t.variable, t.axis) if t.values is None else Do(t.variable, t.values[0])


def _refuse_given(model: CausalModel, given: Sequence[Given]) -> None:
    for g in given:
        for n in (*g.variables, *g.done):
            model.object(n)
            if n in model.latents:
                raise QueryError(Diagnostic("E003", f"`{n}` is latent, so no data can contain it"))
        both = set(g.variables) & set(g.done)
        if both or not g.variables:
            name = min(both, default="")
            message = f"`{name}` is both seen and set in {g}" if name else f"{g} is given, but of nothing"
            raise QueryError(Diagnostic("E005", message))


def hide_unspoken(model: CausalModel, given: Iterable[Given], also: Iterable[str] = ()) -> CausalModel:
    """The model in which everything that no given distribution speaks of is latent, but what is among `also`."""
    spoken = {n for g in given for n in (*g.variables, *g.done)} | set(also)
    return _hide(model, [n for n in model.observed if n not in spoken])


def _hide(model: CausalModel, names: Iterable[str]) -> CausalModel:
    hidden = frozenset(names)
    return replace(model, latents=model.latents | hidden) if hidden else model


def _source(model: CausalModel, seen: CausalModel, given: Given) -> Source:
    known = {*given.variables, *given.done}
    graph = seen.graph if known == set(seen.observed) else hide_unspoken(model, [given]).graph
    return Source(graph, graph.mask(given.done))


def _refuse_worlds(query: Query) -> None:
    if query.worlds:
        message = f"`{query}` speaks of several worlds: ask `identify` whether it follows"
        raise QueryError(Diagnostic("W004", message, span=query.span))


def _refuse_wires(query: Query) -> None:
    for s in query.surgeries:
        if isinstance(s, CutWire | DoWire):
            raise QueryError(
                Diagnostic(
                    "E002",
                    f"`{s}` changes what one mechanism hears: this cannot be estimated from the joint",
                    help=("act on the whole variable, or give the boxes numbers and use `query`",),
                )
            )


def _refuse_latents(model: CausalModel, query: Query) -> None:
    for t in (*query.targets, *query.given):
        model.object(t.variable)
        if t.variable in model.latents:
            raise QueryError(
                Diagnostic(
                    "E003", f"`{t.variable}` is latent, so no data can contain it", span=t.span, label="asked for"
                )
            )
    for s in query.surgeries:
        if isinstance(s, CutWire | DoWire):
            continue
        reads = s.mechanism.used_parents if isinstance(s, Replace) else ()
        for n in (s.variable, *reads):
            model.object(n)
            if n in model.latents:
                raise QueryError(Diagnostic("E003", f"`{n}` is latent, so no data can tell what setting it does"))
