"""Other tools that answer questions about networks, and Cutwire, behind one interface.

pyAgrum (its algorithms, on a copy of the network that is then cut or on a fragment of it), pgmpy, opt_einsum and
cotengra; those that are not installed are left out.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.engine_networks import Network, Question
from semantics import plan
from semantics.distribution import Array

Answer = dict[str, Array]
"""The distribution of each variable that is asked of, by name."""

Action = Callable[[], Answer]

PACKAGES = {"pyAgrum": "pyagrum", "pgmpy": "pgmpy", "opt_einsum": "opt_einsum", "cotengra": "cotengra"}
WAYS = {
    "pyAgrum, copy, VE": ("copy", "VariableElimination"),
    "pyAgrum, copy, LP": ("copy", "LazyPropagation"),
    "pyAgrum, copy, SS": ("copy", "ShaferShenoyInference"),
    "pyAgrum, fragment, VE": ("fragment", "VariableElimination"),
    "pyAgrum, fragment, LP": ("fragment", "LazyPropagation"),
    "pyAgrum, fragment, SS": ("fragment", "ShaferShenoyInference"),
}


@dataclass(frozen=True)
class Tool:
    """Something that answers questions about one network.

    `cold` gives what answers a question of a form not seen before, with nothing kept but the network. `warm` is asked a
    question, and prepares others of its form, with whatever can be kept; not all tools keep something.
    """

    name: str
    cold: Callable[[Question], Action]
    warm: Callable[[Question], Callable[[Question], Action]] | None = None

    @property
    def family(self) -> str:
        """The package it comes from."""
        return self.name.split(",")[0]


def versions() -> dict[str, str]:
    """The packages that are installed, with their versions."""
    found = {}
    for name, module in PACKAGES.items():
        if importlib.util.find_spec(module) is not None:
            found[name] = importlib.metadata.version(name)
    return found


def tools(network: Network, families: tuple[str, ...], sweep: bool = False) -> Iterator[Tool]:
    """Cutwire, and those tools of the families that are installed; for a `sweep`, those that give all marginals."""
    yield cutwire(network)
    if "pyAgrum" in families:
        yield from agrum(network, sweep)
    if "pgmpy" in families and not sweep:
        yield pgmpy(network)
    if "opt_einsum" in families and not sweep:
        yield opt_einsum(network)
    if "cotengra" in families and not sweep:
        yield cotengra(network)


def forget(network: Network) -> None:
    """Forget all that Cutwire has prepared for questions, but not the tables of the network."""
    ready = network.model.factored()
    ready._programs.clear()
    ready._sweeps.clear()
    plan._kept.cache_clear()


def cutwire(network: Network) -> Tool:
    """Cutwire, by the calls that users make, without text."""
    model = network.model
    sweep: Any = getattr(model, "marginals", model.factored().marginals)

    def ask(q: Question) -> Action:
        do, given = network.labelled(q.do), network.labelled(q.given)
        if q.target:
            return lambda: {q.target: model.query(q.target, do=do, given=given).array}
        return lambda: {n: d.array for n, d in sweep(do=do, given=given).items() if n not in q.fixed}

    def cold(q: Question) -> Action:
        forget(network)
        return ask(q)

    def warm(before: Question) -> Callable[[Question], Action]:
        ask(before)()
        return ask

    return Tool("Cutwire", cold, warm)


def agrum(network: Network, sweep: bool = False) -> Iterator[Tool]:
    """pyAgrum: its algorithms on a copy of the network whose arrows into what is set are erased, or on a fragment: a
    view of the variables that matter, where what is set has a table of its own."""
    gum = importlib.import_module("pyagrum")
    gum.setNumberOfThreads(int(os.environ.get("OMP_NUM_THREADS", 0)) or gum.getNumberOfThreads())
    whole = gum.BayesNet()
    for v, (name, values) in enumerate(zip(network.names, network.labels, strict=True)):
        whole.add(gum.LabelizedVariable(name, name, len(values)), v)  # with its number, or it looks for a free one
    for v, (scope, table) in enumerate(zip(network.scopes, network.tables, strict=True)):
        for u in scope[:-1]:
            whole.addArc(u, v)
        last = table.ndim - 1
        whole.cpt(v)[:] = np.ascontiguousarray(table.transpose((*range(last - 1, -1, -1), last)))
    parents = [tuple(scope[:-1]) for scope in network.scopes]
    number = {n: v for v, n in enumerate(network.names)}

    def copy(q: Question) -> Any:
        cut = gum.BayesNet(whole)
        for x in q.do:
            for u in parents[number[x]]:
                cut.eraseArc(u, number[x])
            cut.cpt(x).fillWith(1.0)
            cut.cpt(x).normalize()
        return cut

    def fragment(q: Question) -> Any:
        found = gum.BayesNetFragment(whole)
        done = {number[n] for n in q.do}
        stack, needed = [number[n] for n in (q.target, *q.given) if n], set(done)
        if not q.target:
            stack = list(range(len(parents)))
        while stack:
            v = stack.pop()
            if v not in needed:
                needed.add(v)
                stack.extend(parents[v])
        for v in needed:
            found.installNode(v)
        for v in done:
            flat = gum.Tensor().add(whole.variable(v)).fillWith(1.0)
            found.installMarginal(v, flat.normalize())
        return found

    makers = {"copy": copy, "fragment": fragment}

    def read(engine: Any, q: Question) -> Answer:
        engine.makeInference()
        asked = [q.target] if q.target else [n for n in network.names if n not in q.fixed]
        return {n: engine.posterior(n).toarray() for n in asked}

    def started(way: str, algorithm: str, q: Question) -> Any:
        engine = getattr(gum, algorithm)(makers[way](q))
        engine.setEvidence(q.fixed)
        if q.target:
            engine.addTarget(q.target)
        return engine

    def again(algorithm: str, before: Question) -> Callable[[Question], Action]:
        cut = copy(before)
        engine = getattr(gum, algorithm)(cut)
        engine.setEvidence(before.fixed)
        if before.target:
            engine.addTarget(before.target)
        read(engine, before)

        def ask(q: Question) -> Action:
            values = [
                (cut.idFromName(n), k) for n, k in q.fixed.items()
            ]  # `cut` is here, too, since it has to stay alive

            def action() -> Answer:
                for v, k in values:
                    engine.chgEvidence(v, k)
                return read(engine, q)

            return action

        return ask

    for name, (way, algorithm) in WAYS.items():
        if algorithm == ("VariableElimination" if sweep else "ShaferShenoyInference"):
            continue  # one answers one question at a time, the other is no faster for one

        def cold(q: Question, way: str = way, algorithm: str = algorithm) -> Action:
            return lambda: read(started(way, algorithm, q), q)

        kept = way == "copy" and algorithm != "VariableElimination"  # variable elimination keeps nothing

        def warm(q: Question, algorithm: str = algorithm) -> Callable[[Question], Action]:
            return again(algorithm, q)

        yield Tool(name, cold, warm if kept else None)


def pgmpy(network: Network) -> Tool:
    """pgmpy: variable elimination after its `do`."""
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore", module="pgmpy")
    models, factors, inference = (
        importlib.import_module(f"pgmpy.{part}") for part in ("models", "factors.discrete", "inference")
    )
    net = models.DiscreteBayesianNetwork()
    net.add_nodes_from(network.names)
    net.add_edges_from([(network.names[u], network.names[s[-1]]) for s in network.scopes for u in s[:-1]])
    for name, labels, scope, table in zip(network.names, network.labels, network.scopes, network.tables, strict=True):
        heard = [network.names[u] for u in scope[:-1]]
        rows = table.reshape(-1, len(labels)).T
        sizes = list(table.shape[:-1])
        net.add_cpds(factors.TabularCPD(name, len(labels), rows, evidence=heard, evidence_card=sizes))

    def cold(q: Question) -> Action:
        def action() -> Answer:
            engine = inference.VariableElimination(net.do(list(q.do)))
            return {q.target: engine.query([q.target], evidence=q.fixed, show_progress=False).values}

        return action

    return Tool("pgmpy", cold)


def opt_einsum(network: Network) -> Tool:
    """opt_einsum: the tables that matter, sliced beforehand, contracted in greedy order, nothing kept."""
    contract = importlib.import_module("opt_einsum").contract

    def cold(q: Question) -> Action:
        sliced, target = network.relevant(q)
        operands = [part for pair in sliced for part in pair]

        def action() -> Answer:
            found = contract(*operands, [target], optimize="greedy")
            return {q.target: found / found.sum()}

        return action

    return Tool("opt_einsum", cold)


def cotengra(network: Network) -> Tool:
    """cotengra: as opt_einsum."""
    contract = importlib.import_module("cotengra").array_contract

    def cold(q: Question) -> Action:
        sliced, target = network.relevant(q)
        arrays, inputs = [a for a, _ in sliced], [tuple(axes) for _, axes in sliced]

        def action() -> Answer:
            found = contract(arrays, inputs, (target,), optimize="greedy", cache_expression=False)
            return {q.target: np.asarray(found / found.sum())}

        return action

    return Tool("cotengra", cold)
