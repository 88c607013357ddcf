"""Networks for the engine's benchmarks, generated or read from BIF files, and seeded questions about them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from cutwire.model import Model, read_bif
from parser.program import ModelDef, Table
from semantics.distribution import Array
from strings.model import CausalModel

SHAPES = ("chain", "tree", "grid", "dag", "layers", "leaves")
NEAR = 6  # a variable of a `dag` hears up to two among so many before it


@dataclass(frozen=True)
class Question:
    """`P(target | do, given)`, values by their positions; without a target, of every variable by itself."""

    target: str
    do: Mapping[str, int]
    given: Mapping[str, int] = field(default_factory=dict)

    @property
    def fixed(self) -> dict[str, int]:
        return {**self.do, **self.given}


@dataclass(frozen=True)
class Network:
    """A model, and its tables by the numbers of variables: `scopes` are the axes, the parents and then the variable."""

    model: Model
    names: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    scopes: tuple[tuple[int, ...], ...]
    tables: tuple[Array, ...]

    @staticmethod
    def of(model: Model) -> Network:
        """The network of a model of single boxes."""
        shape, kernels = model.shape, model.kernels()
        number = {n: v for v, n in enumerate(shape.names)}
        scopes, tables = [], []
        for v, name in enumerate(shape.names):
            mechanism = shape.mechanisms[name]
            (node,) = mechanism.diagram.nodes
            scopes.append((*(number[mechanism.parents[a]] for a in node.args), v))
            tables.append(kernels[node.box.name].array)
        labels = tuple(x.values or () for x in shape.variables)
        return Network(model, tuple(shape.names), labels, tuple(scopes), tuple(tables))

    def labelled(self, values: Mapping[str, int]) -> dict[str, str]:
        """The values as the model spells them."""
        return {n: self.labels[self.names.index(n)][k] for n, k in values.items()}

    def draw(self, do: Mapping[str, int], rng: np.random.Generator) -> dict[str, int]:
        """A sample of all variables where some are set: so what is seen of it is possible."""
        found: dict[int, int] = {self.names.index(n): k for n, k in do.items()}
        for v in self.order:
            if v not in found:
                column = self.tables[v][tuple(found[u] for u in self.scopes[v][:-1])]
                found[v] = int(rng.choice(len(column), p=column / column.sum()))
        return {self.names[v]: k for v, k in found.items()}

    @property
    def order(self) -> list[int]:
        """The variables, each after its parents."""
        done, order = set[int](), list[int]()
        for start in range(len(self.names)):
            stack = [start]
            while stack:
                waiting = [u for u in self.scopes[stack[-1]][:-1] if u not in done]
                if not waiting and stack[-1] not in done:
                    done.add(stack[-1])
                    order.append(stack[-1])
                stack = [*stack, *waiting] if waiting else stack[:-1]
        return order

    def descendants(self, name: str) -> list[str]:
        """The variables that one can matter for."""
        reached = {self.names.index(name)}
        for v in self.order:
            if reached.intersection(self.scopes[v][:-1]):
                reached.add(v)
        return [n for v, n in enumerate(self.names) if v in reached and n != name]

    def relevant(self, q: Question) -> tuple[list[tuple[Array, list[int]]], int]:
        """The tables that the answer depends on, sliced, with their axes, and the number of the target.

        That is what remains after variables that are no ancestors and what is separated from the target are left out.
        """
        fixed = {self.names.index(n): k for n, k in q.fixed.items()}
        done = {self.names.index(n) for n in q.do}
        target = self.names.index(q.target)
        stack, needed = [target, *(self.names.index(n) for n in q.given)], set[int]()
        while stack:
            v = stack.pop()
            if v not in needed and v not in done:
                needed.add(v)
                stack.extend(self.scopes[v][:-1])
        holders: dict[int, list[int]] = {}
        for v in sorted(needed):
            for u in self.scopes[v]:
                holders.setdefault(u, []).append(v)
        stack, reached, kept = [target], {target}, dict[int, None]()
        while stack:
            for v in holders[stack.pop()]:
                kept[v] = None
                new = [u for u in self.scopes[v] if u not in fixed and u not in reached]
                reached.update(new)
                stack.extend(new)
        sliced = [
            (
                self.tables[v][tuple(fixed.get(u, slice(None)) for u in self.scopes[v])],
                [u for u in self.scopes[v] if u not in fixed],
            )
            for v in kept
        ]
        return sliced, target


@dataclass(frozen=True)
class Spec:
    """How to get a network, small enough to be sent to another process."""

    shape: str
    n: int = 0
    values: int = 2
    seed: int = 0
    path: Path | None = None

    @property
    def name(self) -> str:
        if self.path:
            return self.path.name.removesuffix(".gz").removesuffix(".bif")
        return f"{self.shape} {self.n:,}" if self.values == 2 else f"{self.values}-ary {self.shape} {self.n:,}"

    def load(self) -> Network:
        return Network.of(read_bif(self.path) if self.path else generated(self))


def networks_in(folder: Path) -> list[Spec]:
    """The BIF files of a folder."""
    return [Spec("bif", path=p) for p in sorted(folder.glob("*.bif*"))] if folder.is_dir() else []


def generated(spec: Spec) -> Model:
    """A model with random tables.

    A `grid` has a variable for each of n × n fields, which hears those above and to the left of it. A variable of a
    `tree` hears half its number; of a `dag` up to two near ones before; of `layers`, three of the layer of eight before
    it. All `leaves` hear the first variable.
    """
    rnd = random.Random(f"{spec.shape} {spec.n} {spec.values} {spec.seed}")
    n, parents = spec.n, list[list[int]]()
    for k in range(n * n if spec.shape == "grid" else n):
        match spec.shape:
            case "chain":
                heard = [k - 1] if k else []
            case "tree":
                heard = [(k - 1) // 2] if k else []
            case "grid":
                heard = [*([k - n] if k >= n else []), *([k - 1] if k % n else [])]
            case "dag":
                heard = sorted(rnd.sample(range(max(0, k - NEAR), k), min(k, rnd.choice((1, 1, 2)))))
            case "layers":
                before = range(8 * (k // 8 - 1), 8 * (k // 8)) if k >= 8 else range(0)
                heard = sorted(rnd.sample(before, min(len(before), 3)))
            case "leaves":
                heard = [0] if k else []
            case other:
                raise ValueError(f"no shape is called {other}; there are {', '.join(SHAPES)}")
        parents.append(heard)
    names = [f"V{k}" for k in range(len(parents))]
    edges = [(names[u], names[v]) for v, heard in enumerate(parents) for u in heard]
    shape = CausalModel.from_edges(edges, domains=spec.values, nodes=names)
    definitions = {}
    for name in names:
        (node,) = shape.mechanisms[name].diagram.nodes
        entries = list[Fraction]()
        for _ in range(spec.values ** len(node.box.dom)):
            weights = [rnd.randint(1, 99) for _ in range(spec.values)]
            entries.extend(Fraction(w, sum(weights)) for w in weights)
        definitions[node.box.name] = Table((spec.values,) * (len(node.box.dom) + 1), tuple(entries))
    return Model(ModelDef(spec.shape, shape, definitions))


def questions(network: Network, count: int, seed: int, target: bool = True) -> list[tuple[Question, Question]]:
    """Seeded questions `P(Y | do(X), Z1, Z2)`, each twice, with other values.

    In every other one the treatment can matter for the target, where there are such variables.
    """
    rnd, rng = random.Random(f"questions {seed}"), np.random.default_rng(seed)
    found = []
    for k in range(count):
        treated = rnd.choice(network.names)
        below = network.descendants(treated) if k % 2 == 0 else []
        while k % 2 == 0 and not below and any(len(s) > 1 for s in network.scopes):
            treated = rnd.choice(network.names)
            below = network.descendants(treated)
        asked = rnd.choice(below or [n for n in network.names if n != treated])
        rest = [n for n in network.names if n not in (treated, asked)]
        seen = rnd.sample(rest, min(2, len(rest)))
        size = len(network.labels[network.names.index(treated)])
        pair = []
        for value in rnd.sample(range(size), 2) if size > 1 else (0, 0):
            world = network.draw({treated: value}, rng)
            pair.append(Question(asked if target else "", {treated: value}, {n: world[n] for n in seen}))
        found.append((pair[0], pair[1]))
    return found
