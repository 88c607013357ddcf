"""Counterfactuals taken apart: the mechanisms that an event in several worlds speaks of, each with what it hears.

Nested terms are unnested: `Y[M := M[X := x]]` is `Y[M := m]` where `M[X := x] = m`, summed over `m` (Correa, Lee,
Bareinboim 2021, counterfactual unnesting theorem). Of a variable in a world only those settings are kept that reach it
(exclusion). Then the event is written on the variables that it depends on, each in the world where its parents have
their values (their ancestral sets and counterfactual factors). Two copies of a variable that hear the same values are
one (Shpitser, Pearl 2008, lemma 24); where they should have different values the event is impossible.

>>> from strings.surgery import Do
>>> front = Graph(("X", "M", "Y"), (0b000, 0b001, 0b010), (0b100, 0b000, 0b001))
>>> there = Term("Y", ("1",), world=(Do("X", "0"),))
>>> unnested = unnest(Query((there,), (Term("X", ("1",)),)))
>>> for node in reduced(front, [*unnested.given, *unnested.targets]).nodes:
...     print(node)
X = 1
M[X := 0] = m
Y[M := m] = 1
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from strings.diagnostic import Diagnostic, LimitError, QueryError
from strings.graph import Graph, bits
from strings.query import Become, Query, Term, World
from strings.signature import spelled_value
from strings.surgery import Do, DoWire, Open, Surgery

MOST_CASES = 1_000
"""So many ways of values to be equal or not are told apart."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a variable: one that is known, one that the question leaves free, or one that is summed."""

    kind: Literal["known", "axis", "sum"]
    name: str
    variable: str = field(compare=False)

    def __str__(self) -> str:
        if self.kind == "known":
            return spelled_value(self.name)
        return self.name if self.kind == "axis" else self.variable.lower() + "'" * int(self.name.split()[-1])


Settings = tuple[tuple[str, Value], ...]
"""Variables with the values that they are set to, or that are heard of them; `X -> M` is what `M` alone is told."""


def wire_name(source: str, sink: str) -> str:
    """What a wire is called among settings."""
    return f"{source} -> {sink}"


@dataclass(frozen=True, slots=True)
class Event:
    """A variable has a value in the world where `done` are set; `among` are the values that it may have, if not all."""

    variable: str
    done: Settings
    value: Value
    among: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A mechanism at work: the variable, the values that it hears, and the one that it gives."""

    variable: str
    heard: Settings
    value: Value

    def __str__(self) -> str:
        return f"{place(self.variable, self.heard)} = {self.value}"


def place(variable: str, done: Settings) -> str:
    """A variable in the world where some are set: `Y[X := 0]`."""
    return variable + (f"[{', '.join(f'{n} := {v}' for n, v in done)}]" if done else "")


@dataclass(frozen=True)
class Unnested:
    """The events of a question without nesting: those asked for, those seen, and which values were put in for what."""

    targets: tuple[Event, ...]
    given: tuple[Event, ...]
    put_in: tuple[tuple[str, Event], ...]
    linked: tuple[tuple[str, str], ...]  # variables that become each other: their values are compared

    @property
    def events(self) -> tuple[Event, ...]:
        return (*self.given, *self.targets)


def unnest(query: Query) -> Unnested:
    """The events that a question speaks of.

    Raises:
        QueryError: W007 for worlds in which something else is done than variables set and wires told.
    """
    return _Unnesting(query).run()


class _Unnesting:
    def __init__(self, query: Query) -> None:
        self._query = query
        self._inner: dict[tuple[str, Settings], Value] = {}
        self._more: list[Event] = []
        self._put_in: list[tuple[str, Event]] = []
        self._linked: list[tuple[str, str]] = []
        self._count = 0

    def run(self) -> Unnested:
        given = [self._event(t) for t in self._query.given]
        seen, self._more = [*self._more, *given], []
        targets = [self._event(t) for t in self._query.targets]
        return Unnested((*self._more, *targets), tuple(seen), tuple(self._put_in), tuple(self._linked))

    def _event(self, t: Term) -> Event:
        done = self._settings(t.world)
        if t.values is None:
            return Event(t.variable, done, Value("axis", t.axis_name, t.variable))
        if len(set(t.values)) == 1:
            return Event(t.variable, done, Value("known", t.values[0], t.variable))
        return Event(t.variable, done, self._new(t.variable), frozenset(t.values))

    def _new(self, variable: str) -> Value:
        self._count += 1
        return Value("sum", f"asked {self._count}", variable)

    def _settings(self, world: World) -> Settings:
        """What is set in a world, the question's own surgeries first."""
        last: dict[str, Surgery | Become] = {}
        for s in (*self._query.surgeries, *world):
            if not isinstance(s, Do | DoWire | Open | Become):
                raise QueryError(_other_surgery(s, self._query))
            last[wire_name(s.source, s.sink) if isinstance(s, DoWire) else s.variable] = s
        return tuple((n, self._set_to(s)) for n, s in sorted(last.items()))

    def _set_to(self, s: Surgery | Become) -> Value:
        match s:
            case Do(variable, value):
                return Value("known", value, variable)
            case Become(variable, source):
                return self._other(variable, source)
            case DoWire(source=told, value=value):
                return Value("axis", s.axis or told, told) if value is None else Value("known", value, told)
            case _:
                assert isinstance(s, Open)
                return Value("axis", s.axis or s.variable, s.variable)

    def _other(self, variable: str, source: Term) -> Value:
        """The value that a variable has in another world: a sum over it, with the event that it is that."""
        if source.variable != variable:
            self._linked.append((variable, source.variable))
        done = self._settings(source.world)
        told = dict(done).get(source.variable)
        if told is not None:
            return told
        at = source.variable, done
        if at not in self._inner:
            self._inner[at] = self._new(source.variable)
            event = Event(source.variable, done, self._inner[at])
            self._more.append(event)
            self._put_in.append((str(source), event))
        return self._inner[at]


def _other_surgery(s: Surgery, query: Query) -> Diagnostic:
    return Diagnostic(
        "W007",
        f"`{s}` neither sets a variable nor tells a wire: what follows of several worlds is not decided for that",
        span=query.span,
        help=("set variables to values (`Y[X := 0]`), or give the boxes numbers and use `query`",),
    )


# ---- which values are equal ------------------------------------------------------------------------------------------

Equal = Mapping[str, Value]
"""What each free value is: itself, a known one, or another free one."""


def cases(unnested: Unnested) -> Iterator[Equal]:
    """All ways in which free values may be equal to known ones or to each other; all different comes first.

    Raises:
        LimitError: L003 if they are too many.
    """
    values = [v for e in unnested.events for v in (e.value, *(v for _, v in e.done))]
    like = _classes(unnested)
    axes = [v for v in values if v.kind == "axis"]
    axes = list(dict.fromkeys(axes))
    known = [v for v in values if v.kind == "known"]
    known += [Value("known", x, e.variable) for e in unnested.events for x in sorted(e.among or ())]
    found: list[dict[str, Value]] = [{}]
    for a in axes:
        others = [v for v in known if like[v.variable] == like[a.variable]]
        labels = list({v.name: v for v in others}.values())
        grown = []
        for equal in found:
            earlier = [v for v in equal.values() if v.kind == "axis" and like[v.variable] == like[a.variable]]
            grown += [{**equal, a.name: replace(v, variable=a.variable)} for v in dict.fromkeys([a, *labels, *earlier])]
        found = grown
        if len(found) > MOST_CASES:
            raise LimitError(Diagnostic("L003", f"there are more than {MOST_CASES:,} cases of equal values"))
    found.sort(key=lambda equal: sum(v.kind != "axis" or v.name != n for n, v in equal.items()))
    yield from found


def _classes(unnested: Unnested) -> dict[str, str]:
    """For each variable one that stands for all whose values are compared with its own."""
    names = {v.variable for e in unnested.events for v in (e.value, *(v for _, v in e.done))}
    like = {n: n for n in names | {n for pair in unnested.linked for n in pair}}
    for one, other in unnested.linked:
        old, new = like[one], like[other]
        like = {n: new if at == old else at for n, at in like.items()}
    return like


def in_case(events: Sequence[Event], equal: Equal) -> list[Event]:
    """The events with what free values are put in."""

    def put(v: Value) -> Value:
        return replace(equal[v.name], variable=v.variable) if v.kind == "axis" else v

    return [replace(e, value=put(e.value), done=tuple((n, put(v)) for n, v in e.done)) for e in events]


# ---- mechanisms ------------------------------------------------------------------------------------------------------


Group = tuple[tuple[Node, ...], ...]
"""Factors that share sums."""

Among = Mapping[Value, frozenset[str]]
"""The values that are summed in part only."""


@dataclass(frozen=True)
class Reduced:
    """An event as mechanisms, each behind those that it hears; `among` restricts values that are summed."""

    nodes: tuple[Node, ...]
    among: Among


class _ImpossibleError(Exception):
    """Two different values would be one."""


def reduced(graph: Graph, events: Sequence[Event]) -> Reduced | None:
    """The mechanisms that some events depend on; nothing if the events cannot happen together.

    Values that are summed are named by the mechanism that gives them, in the order of the graph, so that equal parts of
    different events are equal.
    """
    try:
        worlds = _Mechanisms(graph)
        for e in needed(graph, events):
            worlds.add(e)
        return worlds.finish()
    except _ImpossibleError:
        return None


@dataclass(frozen=True)
class _Set:
    """Settings on a graph: of variables, by bit, and of wires, by source and sink; and the graph that they leave."""

    variables: dict[int, Value]
    wires: dict[tuple[int, int], Value]
    graph: Graph

    @staticmethod
    def on(graph: Graph, done: Settings) -> _Set:
        position = {n: k for k, n in enumerate(graph.names)}
        edges = {
            wire_name(graph.names[p], n): (p, v) for v, n in enumerate(graph.names) for p in bits(graph.parents[v])
        }
        variables = {position[n]: v for n, v in done if n in position}
        wires = {edges[n]: v for n, v in done if n not in position and n in edges}
        parents = list(graph.parents)
        for p, v in wires:
            parents[v] &= ~(1 << p)
        left = Graph(graph.names, tuple(parents), graph.spouses) if wires else graph
        return _Set(variables, wires, left.without(into=sum(1 << v for v in variables)))


def reaching(graph: Graph, variable: str, done: Settings) -> Settings:
    """The settings that reach a variable: exclusion, in the form of Correa, Lee and Bareinboim (2021)."""
    set_ = _Set.on(graph, done)
    target = graph.mask([variable])
    if target.bit_length() - 1 in set_.variables:
        return tuple((n, v) for n, v in done if n == variable)
    behind = set_.graph.ancestors(target)
    live = [(p, v) for p, v in set_.wires if behind >> v & 1 and v not in set_.variables]
    heard = {wire_name(graph.names[p], graph.names[v]) for p, v in live}
    return tuple((n, v) for n, v in done if n in heard or (n in graph.names and behind & graph.mask([n])))


def needed(graph: Graph, events: Sequence[Event]) -> list[Event]:
    """The events without those that only say what is put in where nothing asked hears it."""
    waiting = [e for e in events if not _puts_in(e)]
    inner = {e.value: e for e in events if _puts_in(e)}
    heard: set[Value] = set()
    while waiting:
        e = waiting.pop()
        new = [v for _, v in reaching(graph, e.variable, e.done) if v in inner and v not in heard]
        heard.update(new)
        waiting += [inner[v] for v in dict.fromkeys(new)]
    return [e for e in events if not _puts_in(e) or e.value in heard]


def _puts_in(e: Event) -> bool:
    """Whether an event says what a value that is put in for a nested term is."""
    return e.value.kind == "sum" and e.among is None


_Key = tuple[int, tuple[Value, ...]]


@dataclass
class _Mechanisms:
    """Mechanisms by what they hear: equal ones are one, and the values that they give are the same."""

    graph: Graph
    nodes: dict[_Key, Value] = field(default_factory=dict)
    same: dict[Value, Value] = field(default_factory=dict)
    among: dict[Value, frozenset[str]] = field(default_factory=dict)
    count: int = 0

    def add(self, e: Event) -> None:
        if e.among is not None:
            self.among[e.value] = e.among
        self.unify(self.wire(e), e.value)

    def wire(self, e: Event) -> Value:
        """The value of a variable in a world; made from those that it hears."""
        graph = self.graph
        set_ = _Set.on(graph, e.done)
        behind = set_.graph.ancestors(graph.mask([e.variable]))
        known: dict[int, Value] = {}
        for v in graph.order:
            if not behind >> v & 1:
                continue
            if v in set_.variables:
                known[v] = set_.variables[v]
                continue
            heard = (set_.wires[p, v] if (p, v) in set_.wires else known[p] for p in bits(graph.parents[v]))
            key = v, tuple(map(self.root, heard))
            if key not in self.nodes:
                self.count += 1
                self.nodes[key] = Value("sum", f"new {self.count}", graph.names[v])
            known[v] = self.nodes[key]
        return known[graph.names.index(e.variable)]

    def root(self, v: Value) -> Value:
        while v in self.same:
            v = self.same[v]
        return v

    def unify(self, one: Value, other: Value) -> None:
        one, other = self.root(one), self.root(other)
        if one == other:
            return
        if one.kind != "sum":
            one, other = other, one
        if one.kind != "sum":
            raise _ImpossibleError
        self.same[one] = other
        allowed = self.among.pop(one, None)
        if allowed is None:
            return
        if other.kind == "sum":
            self.among[other] = self.among.get(other, allowed) & allowed
            if not self.among[other]:
                raise _ImpossibleError
        elif other.kind == "axis" or other.name not in allowed:
            raise _ImpossibleError

    def finish(self) -> Reduced:
        """All nodes, once those that hear the same have become one."""
        while True:
            found: dict[_Key, Value] = {}
            for (v, heard), value in self.nodes.items():
                key = v, tuple(map(self.root, heard))
                if key in found:
                    self.unify(found[key], value)
                else:
                    found[key] = value
            if len(found) == len(self.nodes) and found.keys() == self.nodes.keys():
                break
            self.nodes = found
        return self._named()

    def _named(self) -> Reduced:
        """The nodes in the order of the graph, with values that are summed called by their places among them."""
        rank = {v: k for k, v in enumerate(self.graph.order)}
        names: dict[Value, Value] = {}
        counts: dict[str, int] = {}
        nodes: list[Node] = []
        left = sorted(self.nodes.items(), key=lambda item: rank[item[0][0]])
        while left:
            ready = [n for n in left if all(v.kind != "sum" or v in names for v in n[0][1])]
            assert ready, "a value that is summed comes from nowhere"
            (v, heard), value = min(ready, key=lambda n: (rank[n[0][0]], [str(names.get(h, h)) for h in n[0][1]]))
            left.remove(((v, heard), value))
            root = self.root(value)
            if root.kind == "sum" and root not in names:
                k = counts.setdefault(root.variable, 0)
                counts[root.variable] += 1
                names[root] = replace(root, name=f"{root.variable} {k}")
            parents = [self.graph.names[p] for p in bits(self.graph.parents[v])]
            told = tuple((p, names.get(h, h)) for p, h in zip(parents, heard, strict=True))
            nodes.append(Node(self.graph.names[v], told, names.get(root, root)))
        return Reduced(tuple(nodes), {names[s]: a for s, a in self.among.items() if s in names})


def districts(graph: Graph, nodes: Sequence[Node]) -> list[tuple[Node, ...]]:
    """The counterfactual factors: the nodes of each district of the graph on their variables."""
    within = graph.mask(n.variable for n in nodes)
    parts = graph.districts(within)
    return [tuple(n for n in nodes if graph.mask([n.variable]) & d) for d in parts]


@dataclass(frozen=True)
class Conflict:
    """Why a factor does not follow from experiments: `variable` is there twice, once each as one and as other.

    Either as two copies that hear different values (`values` is empty), or as two values that might be different, one
    of which it has or is heard of it, while the other is heard of it (Correa, Lee, Bareinboim 2021, inconsistent
    counterfactual factors).
    """

    factor: tuple[Node, ...]
    variable: str
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        shown = f"P({', '.join(map(str, self.factor))})"
        if not self.values:
            copies = [place(n.variable, n.heard) for n in self.factor if n.variable == self.variable]
            return f"`{shown}` has {' and '.join(f'`{c}`' for c in copies[:2])}, which no experiment shows together"
        one, other = self.values
        return f"`{shown}` has `{self.variable}` at `{one}` and at `{other}` at once, which no experiment shows"


def conflict(factor: Sequence[Node]) -> Conflict | None:
    """What stands in the way of reading a factor off one experiment."""
    at: dict[str, Value] = {}
    for n in factor:
        if n.variable in at:
            return Conflict(tuple(factor), n.variable)
        at[n.variable] = n.value
    for n in factor:
        for p, v in n.heard:
            known = at.setdefault(p, v)
            if known != v:
                return Conflict(tuple(factor), p, (known, v))
    return None


def connected(factors: Sequence[tuple[Node, ...]], sums: Sequence[Collection[Value]] | None = None) -> list[Group]:
    """The factors in groups that share no value that is summed; `sums` are those of each, if not all."""
    groups: list[tuple[list[tuple[Node, ...]], set[Value]]] = []
    for k, f in enumerate(factors):
        own = {v for n in f for v in (n.value, *(v for _, v in n.heard)) if v.kind == "sum"}
        own, joined, rest = own if sums is None else set(sums[k]), [f], []
        for members, values in groups:
            if values & own:
                joined, own = [*members, *joined], own | values
            else:
                rest.append((members, values))
        groups = [*rest, (joined, own)]
    return [tuple(members) for members, _ in groups]


def without_common(above: Reduced, below: Reduced, graph: Graph) -> tuple[list[Group], list[Group]]:
    """The groups of factors of two events without those that both have: they cancel where one is divided by the other
    (Correa, Lee, Bareinboim 2021, ancestral components)."""
    groups = connected(districts(graph, below.nodes))
    left = {canonical(g, below.among): g for g in groups}
    top = []
    for g in connected(districts(graph, above.nodes)):
        if left.pop(canonical(g, above.among), None) is None:
            top.append(g)
    return top, list(left.values())


def canonical(group: Group, among: Among) -> frozenset[Node]:
    """The nodes of a group with its sums named afresh, so that equal groups are equal."""
    names: dict[Value, Value] = {}

    def named(v: Value) -> Value:
        if v.kind != "sum":
            return v
        count = sum(u.variable == v.variable for u in names)
        some = f"{sorted(among[v])} " if v in among else ""
        return names.setdefault(v, replace(v, name=f"{v.variable} {some}{count}"))

    return frozenset(
        Node(n.variable, tuple((p, named(v)) for p, v in n.heard), named(n.value))
        for n in itertools.chain.from_iterable(group)
    )
