"""Estimands: what an intervention does, as a diagram whose boxes are conditionals of distributions that are given.

The recipe of Jacobs, Kissinger and Zanasi (2019, sections 7 and 8) with one comb per district: factor the given
distribution into combs, cut the wires that leave them at the treated variables, refill. `strings.identify` says which
districts and how; here their kernels become boxes. The kernel of a district of a given distribution is a chain of
conditionals `P(v | what the district knows before v)` (Tian, Pearl 2002, lemma 4). A member of the district that is not
wanted stays inside as a hidden copy, with a prime, and is summed there. Where a kernel has to be factored again, its
conditionals are boxes too: `Q(v | …)`, a conditional of a distribution that is itself a diagram of such boxes.

So an estimand is a causal model again, and the original question, surgeries and all, is asked of it.

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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from strings.diagnostic import Diagnostic, QueryError
from strings.diagram import Diagram
from strings.graph import Graph, bits
from strings.identify import Hedge, Obstacle, Route, Source, effect, exchangeable
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.separation import separated
from strings.signature import Box, Object, Ty, uniform_box
from strings.surgery import CutWire, Do, DoWire, Open, Replace, operate


@dataclass(frozen=True, slots=True)
class Given:
    """A distribution that is given: of `variables`, in the model in which `done` have been set, for all their values.

    >>> print(Given(("X", "Y"), ("Z",)))
    P(X, Y | do(Z))
    """

    variables: tuple[str, ...]
    done: tuple[str, ...] = ()

    def __str__(self) -> str:
        behind = f" | do({', '.join(self.done)})" if self.done else ""
        return f"P({', '.join(self.variables)}{behind})"


@dataclass(frozen=True)
class Conditional:
    """A box of an estimand: `P(target | given)` of a distribution, for every value of `fed`.

    `of` is the number of a given distribution, in which `fed` and `idle` have been intervened on, or a distribution
    that is derived from those: an open estimand whose inputs are `fed`. The box takes `fed`, then `given`; it is the
    same whatever `idle` are set to.
    """

    target: Object
    given: Ty
    fed: Ty = ()
    of: int | Estimand = 0
    idle: Ty = ()

    @property
    def name(self) -> str:
        """As one would write it, `Q(v | w; x)` for a conditional of a derived distribution fed with `x`."""
        given, fed = (", ".join(x.name for x in ty) for ty in (self.given, self.fed))
        if isinstance(self.of, int):
            done = ", ".join(x.name for x in (*self.fed, *self.idle))
            behind = ", ".join(filter(None, [f"do({done})" if done else "", given]))
            return f"P({self.target.name}{' | ' + behind if behind else ''})"
        return f"Q({self.target.name}{' | ' + given if given else ''}{'; ' + fed if fed else ''})"

    @property
    def box(self) -> Box:
        """The box, wired to the variables themselves."""
        return Box(self.name, (*self.fed, *self.given), (self.target,))


@dataclass(frozen=True)
class Estimand:
    """A causal model whose boxes are `conditionals`, by box name; what is treated, or fed from outside, is an input.

    `copies` maps every hidden copy to the variable it copies. `free` are variables on whose value nothing depends:
    some distribution has to be put there.
    """

    model: CausalModel
    conditionals: Mapping[str, Conditional]
    copies: Mapping[str, str]
    free: frozenset[str] = frozenset()

    def __hash__(self) -> int:
        return hash(self.model)


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
    alone: Given | None = None  # the given distribution that it follows from alone, where not all together were used

    @property
    def used(self) -> tuple[Given, ...]:
        """The given distributions that the derivation speaks of."""
        return self.given if self.alone is None else (self.alone,)

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
        QueryError: E002 for surgery on single wires, E003 if a latent variable is asked for, E005 for what cannot be
            given, N002 for an unknown variable.
    """
    _refuse_wires(query)
    _refuse_latents(model, query)
    given = tuple(given) or (Given(model.observed),)
    seen = _project(model, given)
    _refuse_unspoken(seen, query, given)
    query = _without_idle_policies(seen, query)
    found = _identify(model, seen, query, given, tuple(_source(model, seen, g) for g in given))
    if isinstance(found, Identified) or len(given) == 1:
        return found
    spoken = {t.variable for t in (*query.targets, *query.given)} | _acted_on(query)
    for g in given:  # what follows from one of them follows from all
        if spoken <= {*g.variables, *g.done}:
            part = _project(model, [g])
            sources = tuple(_source(model, part, h) if h is g else _NOTHING for h in given)
            alone = _identify(model, part, query, given, sources)
            if isinstance(alone, Identified):
                return replace(alone, alone=g)
    return found


_NOTHING = Source(Graph((), (), ()))


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
    estimand = _Assembly(seen, query_, sources).estimand(routes)
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


def _refuse_unspoken(seen: CausalModel, query: Query, given: Sequence[Given]) -> None:
    spoken = [(t.variable, t.span) for t in (*query.targets, *query.given)]
    for s in query.surgeries:
        if not isinstance(s, CutWire | DoWire):
            spoken.append((s.variable, None))
            spoken += [(n, None) for n in (s.mechanism.used_parents if isinstance(s, Replace) else ())]
    for name, span in spoken:
        if name in seen.latents:
            raise QueryError(
                Diagnostic(
                    "E005",
                    f"nothing that is given tells of `{name}`",
                    span=span,
                    label="asked for",
                    notes=(f"given: {'; '.join(map(str, given))}",),
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


def _setting(t: Term) -> Do | Open:
    return Open(t.variable, t.axis) if t.values is None else Do(t.variable, t.values[0])


def _project(model: CausalModel, given: Sequence[Given]) -> CausalModel:
    """The model in which everything that no given distribution speaks of is latent."""
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
    return hide_unspoken(model, given)


def hide_unspoken(model: CausalModel, given: Sequence[Given]) -> CausalModel:
    """The model in which everything that no given distribution speaks of is latent."""
    spoken = {n for g in given for n in (*g.variables, *g.done)}
    return _hide(model, [n for n in model.observed if n not in spoken])


def _hide(model: CausalModel, names: Iterable[str]) -> CausalModel:
    hidden = frozenset(names)
    return replace(model, latents=model.latents | hidden) if hidden else model


def _source(model: CausalModel, seen: CausalModel, given: Given) -> Source:
    known = {*given.variables, *given.done}
    graph = seen.graph if known == set(seen.observed) else _hide(seen, set(seen.observed) - known).graph
    return Source(graph, graph.mask(given.done))


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


@dataclass(frozen=True)
class _Part:
    """One conditional and the vertices that its box reads, in the order of its ports."""

    conditional: Conditional
    reads: tuple[int, ...]


class _Assembly:
    """Puts the kernels of the districts together into one causal model."""

    def __init__(self, model: CausalModel, query: Query, sources: Sequence[Source]) -> None:
        self._model, self._sources = model, sources
        self._mechanisms: dict[str, tuple[Conditional, tuple[str, ...]]] = {}
        self._copies: dict[str, str] = {}
        self._inputs = list(dict.fromkeys(s.variable for s in query.surgeries if not isinstance(s, CutWire | DoWire)))

    def estimand(self, routes: Sequence[Route]) -> Estimand:
        """The estimand of all routes."""
        for r in routes:
            self._place(r, _Kernels(self._model, self._sources[r.source], r))
        return self._finish()

    def _place(self, r: Route, kernels: _Kernels) -> None:
        """Put in the conditionals of one district; what else they need of an outer district becomes hidden copies."""
        names = kernels.graph.names
        known = {v: names[v] for v in bits(r.district)}
        parts = kernels.last()
        waiting = list(known)
        while waiting:
            v = waiting.pop(0)
            part = parts[v]
            for u in part.reads:
                if u not in known:
                    known[u] = self._copy(names[u]) if u in parts else names[u]
                    if u in parts:
                        waiting.append(u)
            self._mechanisms[known[v]] = part.conditional, tuple(known[u] for u in part.reads)

    def _copy(self, variable: str) -> str:
        name = variable + "'"
        while name in self._copies or name in self._model.names:
            name += "'"
        self._copies[name] = variable
        return name

    def _finish(self) -> Estimand:
        """The model. What is read but neither made nor treated may be anything: it gets its own distribution, or the
        uniform one if it is set in the experiment that it belongs to."""
        free: dict[str, int | None] = {}
        for conditional, reads in self._mechanisms.values():
            for port, n in enumerate(reads):
                if n not in self._mechanisms and n not in self._inputs:
                    set_ = port < len(conditional.fed) and isinstance(conditional.of, int)
                    free.setdefault(n, None if set_ else self._speaks_of(n))
        boxes = {}
        conditionals: dict[str, Conditional] = {}
        for n, source in free.items():
            x = self._model.object(n)
            if source is None:
                boxes[n] = Mechanism.of_box(uniform_box(x))
            else:
                self._mechanisms[n] = Conditional(x, (), (), source), ()
        made = {*self._mechanisms, *boxes, *self._inputs}
        order = [n for n in self._model.observed if n in made]
        objects = {n: self._model.object(n) for n in order}
        # A copy is an object of its own with the same values, so the conditional is wired to it by position.
        objects |= {c: Object(c, self._model.object(v).values) for c, v in self._copies.items()}
        for name in objects:
            if name in self._mechanisms:
                conditional, reads = self._mechanisms[name]
                label = _label(conditional, conditionals)
                conditionals[label] = conditional
                boxes[name] = Mechanism.of_box(Box(label, tuple(objects[p] for p in reads), (objects[name],)))
        model = CausalModel(tuple(objects.values()), boxes, frozenset(self._copies), "estimand")
        return Estimand(model, conditionals, dict(self._copies), frozenset(free))

    def _speaks_of(self, name: str) -> int | None:
        """The first given distribution that sees a variable, rather than sets it, if there is one without surgery."""
        for k, s in enumerate(self._sources):
            if name in s.graph.names and not s.done:
                return k
        return None


class _Kernels:
    """The conditionals of the kernels along one route."""

    def __init__(self, model: CausalModel, source: Source, r: Route) -> None:
        self._model, self._source, self._route = model, source, r
        self.graph: Graph = source.graph
        self._rank = {v: i for i, v in enumerate(self.graph.order)}

    def last(self) -> dict[int, _Part]:
        """The conditionals that the wanted kernel is made of; those outside of its district are to be summed."""
        levels = self._route.levels
        if len(levels) > 1 and levels[-1].ancestral == levels[-1].district:
            return self._level(len(levels) - 2)
        return self._level(len(levels) - 1)

    def _level(self, k: int) -> dict[int, _Part]:
        """The conditionals of the kernel of the district at level `k`."""
        level = self._route.levels[k]
        outer = self._level(k - 1) if k else None
        return {
            v: self._given(v, level.ancestral) if outer is None else self._derived(v, level.ancestral, outer)
            for v in bits(level.district)
        }

    def _known_before(self, v: int, ancestral: int) -> tuple[int, int]:
        """What the conditional of `v` reads: its district so far and the parents of that, inside and outside."""
        so_far = sum(1 << u for u in bits(ancestral) if self._rank[u] <= self._rank[v])
        near = self.graph.district(v, so_far)
        around = (near | self.graph.parents_of(near)) & ~(1 << v)
        return around & ancestral, around & ~ancestral

    def _given(self, v: int, ancestral: int) -> _Part:
        """A conditional of the given distribution."""
        inside, outside = self._known_before(v, ancestral)
        fed, given = tuple(bits(outside)), tuple(bits(inside))
        idle = self._objects(bits(self._source.done & ~outside))
        objects = self._objects(given), self._objects(fed)
        return _Part(Conditional(self._object(v), *objects, self._route.source, idle), (*fed, *given))

    def _derived(self, v: int, ancestral: int, outer: Mapping[int, _Part]) -> _Part:
        """A conditional of the kernel of `ancestral`, whose own conditionals are among `outer`."""
        inside, _ = self._known_before(v, ancestral)
        own = sum(1 << u for u in outer[v].reads if u in outer)
        if own & ~inside == 0:  # it reads nothing that is summed: the sums cancel
            return outer[v]
        given = tuple(bits(inside))
        parts = _closure([v, *given], outer)
        fed = tuple(sorted({u for p in parts.values() for u in p.reads if u not in outer}))
        inner = self._open(parts, fed, {v, *given})
        conditional = Conditional(self._object(v), self._objects(given), self._objects(fed), inner)
        return _Part(conditional, (*fed, *given))

    def _open(self, parts: Mapping[int, _Part], fed: Sequence[int], shown: set[int]) -> Estimand:
        """A derived distribution: the conditionals `parts` as an open model with the inputs `fed`."""
        everyone = sorted({*parts, *fed}, key=lambda u: self._rank[u])
        conditionals: dict[str, Conditional] = {}
        boxes = {}
        for u in everyone:
            if u in parts:
                label = _label(parts[u].conditional, conditionals)
                conditionals[label] = parts[u].conditional
                box = Box(label, self._objects(parts[u].reads), (self._object(u),))
                boxes[self.graph.names[u]] = Mechanism.of_box(box)
        hidden = frozenset(self.graph.names[u] for u in parts if u not in shown)
        return Estimand(CausalModel(self._objects(everyone), boxes, hidden, "derived"), conditionals, {})

    def _object(self, v: int) -> Object:
        return self._model.object(self.graph.names[v])

    def _objects(self, vertices: Iterable[int]) -> Ty:
        return tuple(self._object(v) for v in vertices)


def _closure(wanted: Iterable[int], parts: Mapping[int, _Part]) -> dict[int, _Part]:
    """The parts that the wanted ones need, themselves included."""
    found: dict[int, _Part] = {}
    stack = list(wanted)
    while stack:
        v = stack.pop()
        if v not in found:
            found[v] = parts[v]
            stack.extend(u for u in parts[v].reads if u in parts)
    return found


def _label(conditional: Conditional, known: Mapping[str, Conditional]) -> str:
    """A box name: the conditional's own, numbered if another conditional has it."""
    name, k = conditional.name, 1
    while name in known and known[name] != conditional:
        k += 1
        name = f"{conditional.name} #{k}"
    return name
