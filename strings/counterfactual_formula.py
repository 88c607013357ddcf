"""Counterfactuals written out: sums and products of `P(… | do(…))`, from factors that are consistent.

Each factor is what one experiment shows. Factors that one experiment shows together are written as one probability,
what is summed inside one is left out there, and a probability below the bar makes what stands above conditional. None
of this changes the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from strings.counterfactual import Among, Group, Node, Value, conflict, connected
from strings.formula import Arithmetic, Ask, Formula, Number, Sum
from strings.graph import Graph
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do, Open
from strings.written import product, value_name

Bounds = Mapping[tuple[str, str], tuple[tuple[str, Fraction], ...]]


@dataclass(frozen=True)
class Names:
    """What values are called in a formula; `bounds` are the intervals that some known values stand for."""

    shown: Mapping[Value, str]
    bounds: Bounds

    def term(self, variable: str, value: Value) -> Term:
        """The event that a variable has a value."""
        if value.kind == "known":
            return Term(variable, (value.name,), bounds=self.bounds.get((variable, value.name), ()))
        name = self.shown[value]
        return Term(variable, axis=None if name == variable else name)

    def setting(self, variable: str, value: Value) -> Do | Open:
        """Setting a variable to a value."""
        if value.kind == "known":
            return Do(variable, value.name)
        name = self.shown[value]
        return Open(variable, None if name == variable else name)

    def place(self, variable: str, heard: Iterable[tuple[str, Value]]) -> Term:
        """A variable in the world where some have values."""
        return Term(variable, world=tuple(self.setting(n, v) for n, v in heard))

    def event(self, node: Node) -> Term:
        """What a mechanism gives where it hears what it hears."""
        return replace(self.term(node.variable, node.value), world=self.place(node.variable, node.heard).world)

    def factor(self, nodes: Iterable[Node]) -> str:
        """A counterfactual factor, as it is written."""
        return str(Query(tuple(map(self.event, nodes))))


def names_of(model: CausalModel, values: Iterable[Value], bounds: Bounds) -> Names:
    """Names for values: free ones keep theirs, those that are summed get names that nothing has."""
    labels = {v for x in model.variables for v in x.values or ()}
    fixed = {*model.names, *labels}
    shown: dict[Value, str] = {}
    every = list(dict.fromkeys(values))
    for v in every:
        if v.kind == "axis" and "[" not in v.name:
            shown[v] = v.name
    for v in every:
        if v.kind == "axis" and v not in shown:  # a free target in another world: `Y`, if nothing else is called so
            free = v.variable not in shown.values()
            shown[v] = v.variable if free else value_name(v.variable, fixed, set(shown.values()))
    for v in every:
        if v.kind == "sum":
            shown[v] = value_name(v.variable, fixed, set(shown.values()))
    return Names(shown, bounds)


@dataclass(frozen=True)
class Part:
    """What one experiment shows: some mechanisms at work, without values that are summed out, given some events."""

    nodes: tuple[Node, ...]
    without: frozenset[Value] = frozenset()
    seen: frozenset[Node] = frozenset()

    @property
    def done(self) -> dict[str, Value]:
        """What is set in the experiment."""
        inside = {n.variable for n in self.nodes}
        return {p: v for n in self.nodes for p, v in n.heard if p not in inside}

    @property
    def sums(self) -> set[Value]:
        """The values that are summed outside."""
        return {v for v in _values(self.nodes) if v.kind == "sum"} - self.without

    def query(self, graph: Graph, names: Names, among: Mapping[Value, tuple[str, ...]]) -> Query:
        """The probability that it is."""
        rank = {n: k for k, n in enumerate(graph.names)}
        nodes = sorted(self.nodes, key=lambda n: rank[n.variable])
        shown = [n for n in nodes if n.value not in self.without or n.value in among]

        def term(n: Node) -> Term:
            return Term(n.variable, among[n.value]) if n.value in self.without else names.term(n.variable, n.value)

        done = sorted(self.done.items(), key=lambda item: rank[item[0]])
        return Query(
            tuple(term(n) for n in shown if n not in self.seen),
            tuple(term(n) for n in shown if n in self.seen),
            tuple(names.setting(p, v) for p, v in done),
        )


def ratio(
    model: CausalModel,
    graph: Graph,
    above: tuple[Sequence[Group], Among],
    below: tuple[Sequence[Group], Among],
    names: Names,
) -> Formula:
    """The quotient of two products of groups of factors."""
    over, under = (_Side(model, graph, among, names) for _, among in (above, below))
    top, bottom = ([s.cases(g) for g in _grouped(groups, graph)] for s, (groups, _) in ((over, above), (under, below)))
    for k, (case, *others) in enumerate(bottom):
        plain = len(case) == 1 and not others and not case[0].sums and not case[0].without & under.among.keys()
        if plain and over.narrowed(top, case[0]):
            bottom[k] = [[]]
    numerator, denominator = over.written(top), under.written(bottom)
    return Arithmetic("/", numerator, denominator) if denominator != _ONE else numerator


def _grouped(groups: Sequence[Group], graph: Graph) -> list[Group]:
    """The factors of some groups, those that one experiment shows together as one, in groups that share sums."""
    parts = joined(tuple(f for g in groups for f in g), graph)
    return connected([p.nodes for p in parts], [p.sums for p in parts])


_ONE = Number(Fraction(1))

_Cases = list[list[Part]]  # a group, once for every choice of the values that are summed in part only


@dataclass(frozen=True)
class _Side:
    """What stands above the bar, or below."""

    model: CausalModel
    graph: Graph
    among: Among
    names: Names

    def cases(self, group: Group) -> _Cases:
        """A group in parts. A sum over some values of a variable is written as a set of them, or value by value."""
        parts = joined(group, self.graph)
        for v in dict.fromkeys(v for p in parts for v in sorted(p.sums, key=str)):
            if v in self.among:
                labels = [x for x in self.model.object(v.variable).values or () if x in self.among[v]]
                return [case for x in labels for case in self.cases(_put(group, {v: Value("known", x, v.variable)}))]
        return [[p for p in parts if self.query(p).targets]]

    def query(self, part: Part) -> Query:
        kept = {
            v: tuple(x for x in self.model.object(v.variable).values or () if x in a) for v, a in self.among.items()
        }
        return part.query(self.graph, self.names, kept)

    def narrowed(self, top: list[_Cases], below: Part) -> bool:
        """Whether some part above is a joint of the part below and more: it then becomes conditional, in place."""
        inside = {n.variable for n in below.nodes}
        for cases in top:
            if len(cases) > 1:
                continue
            for k, p in enumerate(cases[0]):
                # What is below hears nothing else, so nothing else that is set matters to it.
                same = not p.seen and not inside & p.done.keys() and below.done.items() <= p.done.items()
                shown = self._found_in(below, p) if same else None
                if shown is not None:
                    part = replace(p, seen=shown)
                    cases[0][k : k + 1] = [part] if self.query(part).targets else []
                    return True
        return False

    def _found_in(self, below: Part, above: Part) -> frozenset[Node] | None:
        """The nodes of a part above that are those shown below, if what is below is a marginal of it."""
        at = {n.variable: n for n in above.nodes}
        if any(n.variable not in at for n in below.nodes):
            return None
        put = {n.value: at[n.variable].value for n in below.nodes if n.value in below.without}
        if _put((below.nodes,), put) != (tuple(at[n.variable] for n in below.nodes),):
            return None
        shown = [at[n.variable] for n in below.nodes if n.value not in below.without]
        return None if any(n.value in above.without for n in shown) else frozenset(shown)

    def written(self, groups: Sequence[_Cases]) -> Formula:
        return product([self._group(cases) for cases in groups if cases != [[]]])

    def _group(self, cases: _Cases) -> Formula:
        total: Formula | None = None
        for parts in cases:
            bound = dict.fromkeys(v for p in parts for n in p.nodes for v in _values([n]) if v in p.sums)
            asked = product([Ask(self.query(p)) for p in parts])
            binders = tuple((self.names.shown[v], v.variable) for v in bound)
            one = Sum(binders, asked) if binders else asked
            total = one if total is None else Arithmetic("+", total, one)
        return _ONE if total is None else total


def joined(group: Group, graph: Graph) -> list[Part]:
    """The factors of a group as what few experiments show, with the sums inside of them done."""
    rank = {graph.names[v]: k for k, v in enumerate(graph.order)}

    def ordered(nodes: Iterable[Node]) -> tuple[Node, ...]:
        return tuple(sorted(nodes, key=lambda n: rank[n.variable]))

    found: list[tuple[Node, ...]] = sorted(map(ordered, group), key=lambda f: [rank[n.variable] for n in f])
    while (pair := _together(found)) is not None:
        i, j = pair
        found[i : i + 1] = [ordered([*found[i], *found[j]])]
        del found[j]
    parts = []
    for k, nodes in enumerate(found):
        elsewhere = set(_values(n for m, other in enumerate(found) if m != k for n in other))
        inside = {v for v in _values(nodes) if v.kind == "sum"} - elsewhere
        parts.append(Part(nodes, frozenset(inside)))
    return parts


def _together(factors: Sequence[tuple[Node, ...]]) -> tuple[int, int] | None:
    """Two factors that one experiment shows together."""
    for i, one in enumerate(factors):
        for j in range(i + 1, len(factors)):
            if conflict([*one, *factors[j]]) is None:
                return i, j
    return None


def _values(nodes: Iterable[Node]) -> Iterator[Value]:
    for n in nodes:
        yield from (v for _, v in n.heard)
        yield n.value


def _put(group: Group, new: Mapping[Value, Value]) -> Group:
    """A group with other values in place of some."""

    def put(v: Value) -> Value:
        return new.get(v, v)

    return tuple(
        tuple(Node(n.variable, tuple((p, put(v)) for p, v in n.heard), put(n.value)) for n in f) for f in group
    )
