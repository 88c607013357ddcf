"""Causal models as string diagrams: one mechanism per variable, latent variables simply not output.

A `CausalModel` is the diagram `[[G]]` of Jacobs, Kissinger and Zanasi (2019, section 4) kept apart by variable: every
variable has one mechanism, a diagram from its parents to itself (a single box, until surgery acts on it). Composing
the mechanisms in topological order, copying each wire once per use, gives the model's diagram.

>>> model = CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2)
>>> print(model.diagram)
diagram () -> S, T, C {
  U_S_C0 <- u_s_c()
  S1 <- s(U_S_C0)
  T2 <- t(S1)
  C3 <- c(T2, U_S_C0)
  return S1, T2, C3
}
>>> model.parents("C"), sorted(model.latents)
(('T', 'U_S_C'), ['U_S_C'])
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import index
from typing import SupportsIndex

from strings.diagnostic import CompositionError, Diagnostic, LanguageError, LimitError, QueryError, did_you_mean
from strings.diagram import Builder, Diagram, box
from strings.graph import Graph, bits
from strings.signature import Box, Object, Ty

_MOST_VALUES = 10_000


@dataclass(frozen=True)
class Mechanism:
    """How one variable comes about: a diagram from `parents` (variable names, in port order) to the variable."""

    parents: tuple[str, ...]
    diagram: Diagram

    @staticmethod
    def of_box(b: Box) -> Mechanism:
        """The mechanism of a single box whose inputs are variables."""
        return Mechanism(tuple(x.name for x in b.dom), box(b))

    @cached_property
    def used_parents(self) -> tuple[str, ...]:
        """The parents that the mechanism listens to, without repeats."""
        used = self.diagram.used_inputs()
        return tuple(dict.fromkeys(p for p, u in zip(self.parents, used, strict=True) if u))


def retyped(diagram: Diagram, objects: Mapping[str, Object]) -> Diagram:
    """The same diagram over other objects, found by name; boxes keep their names."""

    def typed(ty: Ty) -> Ty:
        return tuple(objects.get(x.name, x) for x in ty)

    builder = Builder(typed(diagram.dom))
    env = list(range(len(diagram.dom)))
    for node in diagram.nodes:
        b = replace(node.box, dom=typed(node.box.dom), cod=typed(node.box.cod))
        env.extend(builder.apply(b, [env[a] for a in node.args]))
    return builder.freeze(env[w] for w in diagram.outs)


@dataclass(frozen=True)
class CausalModel:
    """A causal model: variables (in declared order), which of them are latent, and their mechanisms.

    A variable without a mechanism is an input: the model is then open.

    Raises:
        CompositionError: M002 if the mechanisms feed each other in a loop, M003 if a mechanism does not have the type
            of its variables, N002 if it names an unknown one.
    """

    variables: Ty
    mechanisms: Mapping[str, Mechanism]
    latents: frozenset[str] = frozenset()
    name: str = "model"

    def __post_init__(self) -> None:
        ordered = {x.name: self.mechanisms[x.name] for x in self.variables if x.name in self.mechanisms}
        for name in self.mechanisms:
            if name not in ordered:
                raise unknown_variable(name, self.names)
        object.__setattr__(self, "mechanisms", ordered)
        for name, m in ordered.items():
            dom = tuple(self.object(p) for p in m.parents)
            _check_type(name, m, dom, self.object(name))
        _ = self.order

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.variables, tuple(self.mechanisms.items()), self.latents))

    @staticmethod
    def from_boxes(
        variables: Sequence[Object], boxes: Iterable[Box], latents: Iterable[str] = (), name: str = "model"
    ) -> CausalModel:
        """A model from one box per variable; the box's output says whose it is."""
        return CausalModel(
            tuple(variables), {b.cod[0].name: Mechanism.of_box(b) for b in boxes}, frozenset(latents), name
        )

    @staticmethod
    def from_edges(
        directed: Iterable[tuple[str, str]] = (),
        bidirected: Iterable[tuple[str, str]] = (),
        domains: int | Mapping[str, int | Sequence[object]] | None = None,
        nodes: Iterable[str] = (),
        name: str = "model",
        *,
        latents: Iterable[str] = (),
    ) -> CausalModel:
        """A model shape from a graph; a bidirected edge `X, Y` becomes a latent `U_X_Y` that feeds both.

        `domains` gives the number of values (0, 1, …) of every variable, or of each by name, or its values. `latents`
        are the variables of the graph that are hidden. Variables stand in order of appearance: `nodes`, then the edges;
        latents of bidirected edges come last.

        Raises:
            CompositionError: M012 for something that is no pair of names, M002 for a loop.
            QueryError: N002 for a name in `domains` or `latents` that no variable has.
            LanguageError: N006 for a number of values below 1, no values, or a value that stands twice.
            LimitError: L003 for too many values.
        """
        directed, bidirected, nodes = _pairs(directed), _pairs(bidirected), list(nodes)
        for v in nodes:
            _check_name(v, v)
        names = list(dict.fromkeys([*nodes, *(v for e in [*directed, *bidirected] for v in e)]))
        hidden = {}
        for a, b in bidirected:
            latent = f"U_{a}_{b}"
            while latent in names or latent in hidden:
                latent += "'"
            hidden[latent] = (a, b)
        latents = list(latents)
        for v in [*latents, *(domains if isinstance(domains, Mapping) else ())]:
            if v not in names and v not in hidden:
                raise unknown_variable(str(v), [*names, *hidden])
        objects = {v: Object(v, _values(domains, v)) for v in [*names, *hidden]}
        parents: dict[str, list[str]] = {v: [] for v in objects}
        for a, b in directed:
            if a not in parents[b]:
                parents[b].append(a)
        for latent, ends in hidden.items():
            for v in ends:
                parents[v].append(latent)
        boxes: dict[str, Box] = {}
        for v, ps in parents.items():
            label = v.lower() if v.lower() not in objects else f"mech_{v}"
            while label in objects or label in boxes:
                label += "'"
            boxes[label] = Box(label, tuple(objects[p] for p in ps), (objects[v],))
        return CausalModel.from_boxes(tuple(objects.values()), boxes.values(), [*latents, *hidden], name)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(x.name for x in self.variables)

    @cached_property
    def observed(self) -> tuple[str, ...]:
        """The variables that are not latent, in declared order."""
        return tuple(n for n in self.names if n not in self.latents)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The variables without a mechanism, in declared order: the inputs of the open model."""
        return tuple(n for n in self.names if n not in self.mechanisms)

    @cached_property
    def _objects(self) -> dict[str, Object]:
        return {x.name: x for x in self.variables}

    def has(self, name: str) -> bool:
        """Whether there is a variable of this name."""
        return name in self._objects

    def object(self, name: str) -> Object:
        """The object of a variable.

        Raises:
            QueryError: N002 with a did-you-mean if there is no such variable.
        """
        try:
            return self._objects[name]
        except KeyError:
            raise unknown_variable(name, self.names) from None

    def parents(self, name: str) -> tuple[str, ...]:
        """The variables that the mechanism of `name` listens to (latent ones included)."""
        m = self.mechanisms.get(self.object(name).name)
        return m.used_parents if m else ()

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {n: [] for n in self.names}
        for n in self.names:
            for p in self.parents(n):
                found[p].append(n)
        return {n: tuple(c) for n, c in found.items()}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """A topological order of all variables, as near to the declared order as it can be."""
        rank = {n: i for i, n in enumerate(self.names)}
        waiting = {n: len(self.parents(n)) for n in self.names}
        ready = [rank[n] for n in self.names if not waiting[n]]
        heapq.heapify(ready)
        order: list[str] = []
        while ready:
            n = self.names[heapq.heappop(ready)]
            order.append(n)
            for c in self.children[n]:
                waiting[c] -= 1
                if not waiting[c]:
                    heapq.heappush(ready, rank[c])
        if len(order) < len(self.names):
            raise CompositionError(cycle_diagnostic(self.find_cycle({n for n in self.names if waiting[n]})))
        return tuple(order)

    def find_cycle(self, among: set[str]) -> tuple[str, ...]:
        """A loop among variables that all lie on or below one, first variable repeated at the end."""
        at = next(n for n in self.names if n in among)
        path: list[str] = []
        while at not in path:
            path.append(at)
            at = next(p for p in self.parents(at) if p in among)
        loop = [at, *reversed(path[path.index(at) :])]
        return tuple(loop)

    def state(self, outputs: Sequence[str], inputs: Sequence[str] | None = None) -> Diagram:
        """The diagram from the model's `inputs` (all of them, unless named) to the variables `outputs`, in order.

        Only what the outputs need remains: discarding is natural.
        """
        inputs = self.inputs if inputs is None else tuple(inputs)
        builder = Builder(tuple(self.object(n) for n in inputs))
        env: dict[str, int] = {n: i for i, n in enumerate(inputs)}
        needed = self.ancestors(outputs)
        for n in self.order:
            if n in needed and n not in env:
                if n not in self.mechanisms:
                    raise CompositionError(
                        Diagnostic("M004", f"no box produces `{n}`", help=(f"name `{n}` as an input",))
                    )
                m = self.mechanisms[n]
                used = m.diagram.used_inputs()
                # An unused input may lie outside `needed`; any wire of its type would do, so close it by renaming.
                trimmed = m.diagram if all(used) else drop_unused(m.diagram)
                args = [env[p] for p, u in zip(m.parents, used, strict=True) if u]
                (env[n],) = builder.paste(trimmed, args)
        return builder.freeze(env[self.object(n).name] for n in outputs)

    @cached_property
    def diagram(self) -> Diagram:
        """The model's diagram: inputs to all observed variables, in declared order."""
        return self.state(self.observed)

    def ancestors(self, names: Iterable[str]) -> frozenset[str]:
        """The variables that `names` depend on, themselves included (latent ones too)."""
        seen = {self.object(n).name for n in names}
        stack = list(seen)
        while stack:
            for p in self.parents(stack.pop()):
                if p not in seen:
                    seen.add(p)
                    stack.append(p)
        return frozenset(seen)

    @cached_property
    def graph(self) -> Graph:
        """The acyclic directed mixed graph on the observed variables: latents projected out (Verma 1993)."""
        position = {n: i for i, n in enumerate(self.observed)}
        visible: dict[str, int] = {}  # observed variables that reach a latent through latents only
        hidden: dict[str, int] = {}  # latents (by bit) that reach a variable through latents only
        latent_bit = {n: 1 << i for i, n in enumerate(n for n in self.order if n in self.latents)}
        parents = [0] * len(position)
        sources = [0] * len(position)
        for n in self.order:
            seen_visible = seen_hidden = 0
            for p in self.parents(n):
                if p in self.latents:
                    seen_visible |= visible[p]
                    seen_hidden |= hidden[p]
                else:
                    seen_visible |= 1 << position[p]
            if n in self.latents:
                visible[n], hidden[n] = seen_visible, seen_hidden | latent_bit[n]
            else:
                parents[position[n]], sources[position[n]] = seen_visible, seen_hidden
        return Graph(self.observed, tuple(parents), _spouses(sources))

    def with_values(self, values: Mapping[str, tuple[str, ...]]) -> CausalModel:
        """The same shape with other values for some variables; boxes keep their names."""
        new = {n: Object(n, values[n]) if n in values else self.object(n) for n in self.names}
        mechanisms = {n: Mechanism(m.parents, retyped(m.diagram, new)) for n, m in self.mechanisms.items()}
        return replace(self, variables=tuple(new.values()), mechanisms=mechanisms)

    def with_mechanism(self, name: str, mechanism: Mechanism) -> CausalModel:
        """The model with another mechanism for one variable."""
        mechanisms = {n: m for n, m in self.mechanisms.items() if n != self.object(name).name}
        mechanisms[name] = mechanism
        if set(mechanism.used_parents) <= set(self.parents(name)):
            dom = tuple(self.object(p) for p in mechanism.parents)
            _check_type(name, mechanism, dom, self.object(name))
            return self._with_fewer_wires({n: mechanisms[n] for n in self.names if n in mechanisms})
        return replace(self, mechanisms=mechanisms)

    def opened(self, names: Iterable[str]) -> CausalModel:
        """The model in which some variables have no mechanism any more: they become inputs."""
        inputs = {self.object(n).name for n in names}
        return self._with_fewer_wires({n: m for n, m in self.mechanisms.items() if n not in inputs})

    def _with_fewer_wires(self, mechanisms: Mapping[str, Mechanism]) -> CausalModel:
        """The model with mechanisms that hear no more than those there are: nothing can have become wrong."""
        model = object.__new__(CausalModel)
        for field, value in (
            ("variables", self.variables),
            ("mechanisms", mechanisms),
            ("latents", self.latents),
            ("name", self.name),
        ):
            object.__setattr__(model, field, value)
        return model


def _check_type(name: str, m: Mechanism, dom: Ty, cod: Object) -> None:
    if (m.diagram.dom, m.diagram.cod) != (dom, (cod,)):
        raise CompositionError(Diagnostic("M003", f"the mechanism of `{name}` does not have the type of its variables"))


def drop_unused(diagram: Diagram) -> Diagram:
    """The diagram without the inputs that nothing reads."""
    used = diagram.used_inputs()
    builder = Builder(tuple(x for x, u in zip(diagram.dom, used, strict=True) if u))
    kept = iter(range(sum(used)))
    env = [next(kept) if u else -1 for u in used]
    for node in diagram.nodes:
        env.extend(builder.apply(node.box, [env[a] for a in node.args]))
    return builder.freeze(env[w] for w in diagram.outs)


def _spouses(sources: Sequence[int]) -> tuple[int, ...]:
    """For each variable the mask of others that share a latent source, given the masks of latent sources."""
    fed_by: dict[int, int] = {}
    for i, mask in enumerate(sources):
        for latent in bits(mask):
            fed_by[latent] = fed_by.get(latent, 0) | 1 << i
    spouses = []
    for i, mask in enumerate(sources):
        together = 0
        for latent in bits(mask):
            together |= fed_by[latent]
        spouses.append(together & ~(1 << i))
    return tuple(spouses)


def _pairs(edges: Iterable[object]) -> list[tuple[str, str]]:
    """The edges, each a pair of different names.

    Raises:
        CompositionError: M012 for anything else, M002 for an edge from a variable to itself.
    """
    found: list[tuple[str, str]] = []
    for edge in [*edges] if isinstance(edges, Iterable) else [edges]:
        if not isinstance(edge, Sequence) or isinstance(edge, str) or len(edge) != 2:
            raise _no_edge(edge, "it is no pair")
        for v in edge:
            _check_name(v, edge)
        if edge[0] == edge[1]:
            raise CompositionError(cycle_diagnostic(edge))
        found.append((edge[0], edge[1]))
    return found


def _check_name(name: object, where: object) -> None:
    if not isinstance(name, str) or not name:
        raise _no_edge(where, f"{name!r} is no name")


def _no_edge(given: object, why: str) -> CompositionError:
    shown = repr(given) if len(repr(given)) < 60 else repr(given)[:60] + "…"
    help_ = ('edges are pairs of names, such as `[("X", "Y"), ("Y", "Z")]`',)
    return CompositionError(Diagnostic("M012", f"{shown} is no edge: {why}", help=help_))


def _values(domains: int | Mapping[str, int | Sequence[object]] | None, name: str) -> tuple[str, ...] | None:
    """The values that `domains` gives to a variable.

    Raises:
        LanguageError: N006 if there are none, or one stands twice.
        LimitError: L003 if there are too many.
    """
    given: object = domains.get(name) if isinstance(domains, Mapping) else domains
    if given is None:
        return None
    if isinstance(given, Iterable) and not isinstance(given, str | set | frozenset):
        given = [str(v) for v in given]
        count = len(given)
    elif isinstance(given, SupportsIndex) and not isinstance(given, bool):
        count = index(given)
    else:
        help_ = 'give their number, such as `2`, or a list of them, such as `["no", "yes"]`'
        message = f"{given!r} does not tell the values of `{name}`"
        raise LanguageError(Diagnostic("N006", message, help=(help_,)))
    if count < 1:
        raise LanguageError(Diagnostic("N006", f"`{name}` needs at least one value, and is given {count}"))
    if count > _MOST_VALUES:
        message = f"`{name}` would have {count:,} values"
        raise LimitError(Diagnostic("L003", message, notes=(f"the limit is {_MOST_VALUES:,}",)))
    values = tuple(given) if isinstance(given, list) else tuple(map(str, range(count)))
    if len(set(values)) < count:
        twice = next(v for k, v in enumerate(values) if v in values[:k])
        raise LanguageError(Diagnostic("N006", f"the value `{twice}` of `{name}` stands twice"))
    return values


def unknown_variable(name: str, known: Iterable[str]) -> QueryError:
    """N002 with a did-you-mean."""
    known = list(known)
    help_ = did_you_mean(name, known) or (f"the variables are {', '.join(known[:12])}{', …' if known[12:] else ''}",)
    return QueryError(Diagnostic("N002", f"unknown variable `{name}`", label="not declared", help=help_))


def cycle_diagnostic(loop: Sequence[str]) -> Diagnostic:
    """M002 for a loop of variables, first one repeated at the end."""
    steps = [f"{loop[0]}0", *([f"{loop[1]}0"] if len(loop) > 2 else []), f"{loop[0]}1"]
    return Diagnostic(
        "M002",
        "these boxes feed each other" if len(loop) > 2 else f"`{loop[0]}` feeds itself",
        notes=(f"loop: {' -> '.join(loop)}",),
        help=(f"a string diagram of a causal model has no loops; unroll time: `{' -> '.join(steps)}`",),
    )
