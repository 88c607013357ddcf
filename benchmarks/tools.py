"""Other tools that identify effects, asked in their own terms: y0, causaleffect, causalrl and pyAgrum where installed.

What they answer is read as a formula of ours, so that it can be compared with the truth.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from strings.formula import Arithmetic, Ask, Formula, Number, Sum
from strings.model import CausalModel
from strings.query import Query, Term

NAMES = ("pyAgrum", "causaleffect", "causalrl", "y0")


@dataclass(frozen=True)
class Mixed:
    """An acyclic directed mixed graph by names."""

    nodes: tuple[str, ...]
    directed: tuple[tuple[str, str], ...]
    bidirected: tuple[tuple[str, str], ...]

    @property
    def model(self) -> CausalModel:
        """The shape of a model."""
        return CausalModel.from_edges(self.directed, self.bidirected, 2, self.nodes)


@dataclass(frozen=True)
class Answer:
    """What a tool says: whether an effect is identifiable and, where that can be read, by which formula."""

    identifiable: bool
    written: Callable[[], Formula] | None = None

    @property
    def formula(self) -> Formula | None:
        return self.written() if self.written and self.identifiable else None


Asking = Callable[[Sequence[str], Sequence[str], Sequence[str]], Answer]
"""Outcomes, treatments and conditions to an answer."""


@dataclass(frozen=True)
class Peer:
    """Another tool: `prepare` builds its graph, and gives what answers questions about it.

    Not all know `conditional` effects.
    """

    version: str
    prepare: Callable[[Mixed], Asking]
    conditional: bool = True


def peers() -> dict[str, Peer]:
    """The other tools that are installed, by name."""
    found = {}
    for name, prepare in zip(NAMES, (_pyagrum, _causaleffect, _causalrl, _y0), strict=True):
        try:
            importlib.import_module(name.lower())
        except ImportError:
            continue
        found[name] = Peer(_version(name), prepare, conditional=name != "causalrl")
    return found


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _pyagrum(graph: Mixed) -> Asking:
    pyagrum = importlib.import_module("pyagrum")
    network = pyagrum.BayesNet()
    for n in graph.nodes:
        network.add(pyagrum.LabelizedVariable(n, n, 2))
    for a, b in graph.directed:
        network.addArc(a, b)
    hidden = [(f"U{k}", [a, b]) for k, (a, b) in enumerate(graph.bidirected)]
    model = pyagrum.CausalModel(network, hidden, True)

    def asked(outcomes: Sequence[str], treated: Sequence[str], conditions: Sequence[str]) -> Answer:
        found = pyagrum.CausalImpact(model, on=set(outcomes), doing=set(treated), knowing=set(conditions))
        return Answer(found.isIdentified(), lambda: _from_pyagrum(found.toDict()))

    return asked


def _from_pyagrum(tree: Mapping[str, Any]) -> Formula:
    """Its syntax tree as a formula; sums bind the variables themselves."""
    match tree["op"]:
        case "P":
            return _probability(tree.get("vars", ()), tree.get("knowing", ()))
        case "sum":
            return _sum([tree["var"]], _from_pyagrum(tree["term"]))
        case "1" | "one":
            return Number(Fraction(1))
        case op:
            return Arithmetic(op, _from_pyagrum(tree["op1"]), _from_pyagrum(tree["op2"]))


def _causaleffect(graph: Mixed) -> Asking:
    causaleffect = importlib.import_module("causaleffect")
    edges = [f"{a}->{b}" for a, b in graph.directed] + [f"{a}<->{b}" for a, b in graph.bidirected]
    model = causaleffect.createGraph(edges)
    for n in graph.nodes:
        if not edges or n not in model.vs["name"]:
            model.add_vertex(name=n)

    def asked(outcomes: Sequence[str], treated: Sequence[str], conditions: Sequence[str]) -> Answer:
        found = causaleffect.ID(set(outcomes), set(treated), model, cond=set(conditions))
        return Answer(bool(found.identifiable), lambda: _from_causaleffect(found.attributes()))

    return asked


def _from_causaleffect(tree: Mapping[str, Any]) -> Formula:
    """A sum over a product or a probability, perhaps over a divisor."""
    plain = _probability(tree["var"], tree["cond"])
    body = _product(map(_from_causaleffect, tree["children"])) if tree["recursive"] else plain
    above = _sum(tree["sumset"], body)
    return Arithmetic("/", above, _from_causaleffect(tree["divisor"])) if tree["fraction"] else above


def _causalrl(graph: Mixed) -> Asking:
    algorithm = importlib.import_module("causalrl.identification.id_algorithm")
    refused = importlib.import_module("causalrl.exceptions").NotIdentifiableError
    model = algorithm.CausalGraph(list(graph.directed), list(graph.bidirected), list(graph.nodes))

    def asked(outcomes: Sequence[str], treated: Sequence[str], conditions: Sequence[str]) -> Answer:
        try:
            found = algorithm.identify_effect(model, treated, outcomes, return_certificate=False)
        except refused:
            return Answer(False)
        return Answer(True, lambda: _from_causalrl(found)[0])

    return asked


def _from_causalrl(found: Any) -> tuple[Formula, frozenset[str]]:
    """A formula and the variables that it is a table of: a sum over another variable is none."""
    match type(found).__name__:
        case "_Joint":
            return _probability(found.variables, ()), frozenset(found.variables)
        case "_Marginal":
            body, axes = _from_causalrl(found.child)
            return _sum(found.over & axes, body), axes - found.over
        case "_Product":
            parts, sets = zip(*map(_from_causalrl, found.terms), strict=True)
            return _product(parts), frozenset().union(*sets)
        case _:
            (above, axes), (below, more) = _from_causalrl(found.numerator), _from_causalrl(found.denominator)
            return Arithmetic("/", above, below), axes | more


def _y0(graph: Mixed) -> Asking:
    algorithm, dsl, graphs = (importlib.import_module(f"y0.{part}") for part in ("algorithm.identify", "dsl", "graph"))
    model = graphs.NxMixedGraph.from_str_edges(nodes=graph.nodes, directed=graph.directed, undirected=graph.bidirected)

    def asked(outcomes: Sequence[str], treated: Sequence[str], conditions: Sequence[str]) -> Answer:
        sides = [{dsl.Variable(n) for n in side} for side in (treated, outcomes, conditions)]
        found = algorithm.identify_outcomes(model, sides[0], sides[1], sides[2] or None)
        return Answer(found is not None, lambda: _from_y0(found))

    return asked


def _from_y0(found: Any) -> Formula:
    """Its expression; an expression of any other kind is no answer.

    Raises:
        KeyError: for that.
    """
    match type(found).__name__:
        case "Probability":
            return _probability(*([v.name for v in side] for side in (found.children, found.parents)))
        case "Sum":
            return _sum([v.name for v in found.ranges], _from_y0(found.expression))
        case "Product":
            return _product(map(_from_y0, found.expressions))
        case "Fraction":
            return Arithmetic("/", _from_y0(found.numerator), _from_y0(found.denominator))
        case name:
            return Number(Fraction({"One": 1, "Zero": 0}[name]))


def _probability(ahead: Iterable[str], behind: Iterable[str]) -> Formula:
    sides = [tuple(map(Term, sorted(side))) for side in (ahead, behind)]
    return Ask(Query(sides[0], sides[1])) if sides[0] else Number(Fraction(1))


def _sum(names: Iterable[str], body: Formula) -> Formula:
    bound = tuple((n, n) for n in sorted(names))
    return Sum(bound, body) if bound else body


def _product(parts: Iterable[Formula]) -> Formula:
    return functools.reduce(functools.partial(Arithmetic, "*"), parts)
