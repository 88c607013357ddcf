"""What the engine's benchmarks measure: W1 to W5. Each gives rows of a table as plain data."""

from __future__ import annotations

import importlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engine_measure import MOST_ROUNDS, Alone, Row, agree, alone, apart, compared, timed
from benchmarks.engine_networks import Network, Question, Spec, networks_in, questions
from benchmarks.engine_peers import Answer, forget, tools
from cutwire.model import Model
from semantics.arithmetic import Floats
from semantics.contract import contract
from semantics.distribution import Array
from semantics.network import Factor
from semantics.network import Network as Product
from strings.model import CausalModel

Record = dict[str, Any]
Report = Callable[[str], None]

LONG = 1.0  # seconds
MOST_SECONDS = 60.0

GENERATED = (Spec("layers", 80), Spec("dag", 300, 3), Spec("tree", 1_000), Spec("grid", 10))


@dataclass(frozen=True)
class Options:
    """How much to measure. `floor` is the time that a multiplication and an addition take in a large matrix product."""

    networks: Path
    seed: int
    smoke: bool
    families: tuple[str, ...]
    floor: float
    report: Report
    only: tuple[str, ...] = ()
    seconds: float = 30.0
    memory: int = 8 * 2**30

    @property
    def specs(self) -> list[Spec]:
        """The networks: those in the folder and generated ones, or two small ones."""
        if self.smoke:
            return [Spec("layers", 16), Spec("grid", 3)]
        found = networks_in(self.networks)
        if not found:
            self.report("no folder of BIF files: real networks are left out (--networks DIR)")
        return [s for s in (*found, *GENERATED) if not self.only or s.name in self.only]

    def run(self, produce: Callable[..., Iterator[Any]], *arguments: object) -> Iterator[Any]:
        """What a function produces, in a process of its own; a smoke run needs none."""
        if self.smoke:
            return produce(*arguments)
        return apart(produce, arguments, self.seconds, self.memory, 4 * self.seconds)


# ---- W1, W2: real networks -------------------------------------------------------------------------------------------


def asked_in_turn(
    spec: Spec, families: tuple[str, ...], seed: int, first: int, count: int, rounds: int, sweep: bool
) -> Iterator[tuple[Row, int, int] | None]:
    """The rows of the questions from the `first` on, with the work of Cutwire's plan and how many variables there are;
    `None` is a sign of life.

    Of the tools of a package that take long, only the fastest at the first of the questions goes on. For single
    questions a tool has ten seconds in all; after a minute no more are asked.
    """
    network, begin = spec.load(), time.perf_counter()
    able = list(tools(network, families, sweep))
    pairs = questions(network, count, seed, target=not sweep)
    compared(able[:1], *pairs[0], 1)  # what is imported once
    yield None
    first_times = dict[str, dict[str, float]]()
    for tool in able:
        known = first_times.setdefault(tool.family, {})
        if min(known.values(), default=0.0) < LONG:
            with suppress(Exception):
                known[tool.name] = timed(tool.cold(pairs[first][0]))[0]
        yield None
    fastest = {f: min(known.values(), default=0.0) for f, known in first_times.items()}
    able = [t for t in able if fastest[t.family] < LONG or first_times[t.family].get(t.name) == fastest[t.family]]
    spent = dict.fromkeys([t.name for t in able], 0.0)
    for asked, other in pairs[first:]:
        row = compared([t for t in able if spent[t.name] < 10 or sweep or t.family == "Cutwire"], asked, other, rounds)
        for name, seconds in row.cold.items():
            spent[name] += seconds * rounds
        yield row, work(network, asked), len(network.names)
        if time.perf_counter() - begin > MOST_SECONDS:
            return


def work(network: Network, q: Question) -> int:
    """How many multiplications Cutwire plans for a question: three times those of the total, if it asks of all."""
    forget(network)
    ready, do, given = network.model.factored(), network.labelled(q.do), network.labelled(q.given)
    if not q.target:
        ready.marginals(do, given)
        return 3 * sum(s.plan.work for s in ready._sweeps.values())
    number = {n: v for v, n in enumerate(network.names)}
    program = ready.program(((number[q.target],), tuple(number[n] for n in do), tuple(number[n] for n in given)))
    return program.work if program else 0


def networks(o: Options, sweep: bool = False) -> list[Record]:
    """W1 and, as a `sweep`, W2: seeded questions on real networks, medians."""
    o = replace(o, seconds=2 * o.seconds)  # for several tools
    count, rounds = (2, 1) if o.smoke else (5, 3) if sweep else (20, 3)
    found = []
    for spec in o.specs:
        rows, done = list[tuple[Row, int, int]](), 0
        while done < count:
            begun, why = len(rows), ""
            for item in o.run(asked_in_turn, spec, o.families, o.seed, done, count, rounds, sweep):
                if isinstance(item, str):
                    why = item
                elif item:
                    rows.append(item)
            done += len(rows) - begun
            if not why:
                break
            for item in o.run(asked_in_turn, spec, (), o.seed, done, done + 1, rounds, sweep):
                if item and not isinstance(item, str):
                    item[0].failed["a tool"] = why  # and has taken the process down with it
                    rows.append(item)
            done += 1
            if len([r for r, _, _ in rows if "a tool" in r.failed]) >= 2:
                break
        if rows:
            found.append(summary(spec.name, rows, o))
            o.report(f"{spec.name}: {found[-1]['ratios']}")
    return found


def summary(name: str, rows: Sequence[tuple[Row, int, int]], o: Options) -> Record:
    """One network: medians of seconds and of ratios over its questions, and what stands out."""
    measured = [r for r, _, _ in rows]

    def middle(get: Callable[[Row], float | None]) -> float | None:
        values = [v for v in map(get, measured) if v is not None]
        return statistics.median(values) if values else None

    families = ("Cutwire", "pyAgrum, copy", "pyAgrum", "pgmpy", "opt_einsum", "cotengra")
    return {
        "network": name,
        "variables": rows[0][2],
        "questions": len(rows),
        "cold": {f: middle(lambda r, f=f: r.best(f)) for f in families},  # type: ignore[misc]
        "warm": {f: middle(lambda r, f=f: r.best(f, True)) for f in ("Cutwire", "pyAgrum")},  # type: ignore[misc]
        "ratios": {
            "cold": middle(lambda r: r.ratio("pyAgrum")),
            "cold, worst": max((x for r in measured if (x := r.ratio("pyAgrum"))), default=None),
            "cold, best peer": middle(lambda r: r.ratio("peers")),
            "warm": middle(lambda r: r.ratio("pyAgrum", True)),
            "warm, worst": max((x for r in measured if (x := r.ratio("pyAgrum", True))), default=None),
        },
        "floor": statistics.median([w * o.floor for _, w, _ in rows]),
        "unanswered": sum("Cutwire" not in r.cold for r in measured),
        "failed": sorted({f"{n}: {why}" for r in measured for n, why in r.failed.items()}),
        "differs": sorted({n for r in measured for n in r.differs}),
        "each": [
            {"cold": r.cold, "warm": r.warm, "failed": r.failed, "differs": r.differs, "work": w} for r, w, _ in rows
        ],
    }


# ---- W3, W5: one tool at a time --------------------------------------------------------------------------------------

SINGLE = ("Cutwire", "pyAgrum, fragment, VE", "pyAgrum, fragment, LP", "pgmpy", "opt_einsum", "cotengra")


def answered_alone(
    spec: Spec, name: str, pair: tuple[Question, Question] | None, floor: float, rounds: int
) -> Iterator[tuple[Alone, float] | None]:
    """What one tool needs for one question (left out: the last variable, where the first is set), and the floor; `None`
    says that it has the network."""
    network = spec.load()
    first, last = network.names[0], network.names[-1]
    asked, other = pair or (Question(last, {first: 0}), Question(last, {first: 1}))
    small = Spec("chain", 4).load()
    for warming in tools(small, (name.split(",")[0],)):
        if warming.name == name:
            warming.cold(Question("V3", {"V0": 0}))()
    tool = next(t for t in tools(network, (name.split(",")[0],)) if t.name == name)
    yield None
    yield alone(tool, asked, other, rounds), floor * work(network, asked) if name == "Cutwire" else 0.0


def one_by_one(o: Options, spec: Spec, pair: tuple[Question, Question] | None, names: Sequence[str]) -> Record:
    """All tools on one question, each by itself."""
    record: Record = {"network": spec.name, "cold": {}, "warm": {}, "peak": {}, "failed": {}, "differs": []}
    expected: Answer = {}
    for name in names:
        for item in o.run(answered_alone, spec, name, pair, o.floor, 1 if o.smoke else 3):
            if item is None:
                continue
            if isinstance(item, str):
                record["failed"][name] = item
                continue
            found, floor = item
            record["cold"][name], record["warm"][name], record["peak"][name] = found.cold, found.warm, found.peak
            record["floor"] = max(floor, record.get("floor", 0.0))
            answer = {"": np.array(found.answer)}
            expected = expected or answer
            if not agree(expected, answer):
                record["differs"].append(name)
    for key in ("cold", "warm"):
        ours = record[key].get("Cutwire")
        theirs = min((s for n, s in record[key].items() if n.startswith("pyAgrum") and s), default=None)
        best = min((s for n, s in record[key].items() if n != "Cutwire" and s), default=None)
        record[f"ratio, {key}"] = ours / theirs if ours and theirs else None
        record[f"ratio, {key}, best peer"] = ours / best if ours and best else None
    o.report(f"{spec.name}: {record['cold']} {record['failed']}")
    return record


def scaling(o: Options) -> list[Record]:
    """W3: networks that grow; a tool that fails is not asked larger ones of the shape."""
    sizes: list[tuple[str, int, Sequence[int]]] = [
        ("chain", 2, (100, 1_000, 10_000)),
        ("tree", 2, (100, 1_000, 10_000)),
        ("dag", 2, (100, 1_000, 10_000)),
        ("dag", 4, (100, 1_000, 10_000)),
        ("grid", 2, (2, 4, 6, 8, 10, 12, 14, 16, 18, 20)),
        ("grid", 4, (2, 4, 6, 8, 9, 10)),
    ]
    if o.smoke:
        sizes = [("chain", 2, (10, 20)), ("grid", 2, (2, 3))]
    found = list[Record]()
    for shape, values, many in sizes:
        able = [n for n in SINGLE if n == "Cutwire" or n.split(",")[0] in o.families]
        rows = []
        for n in many:
            record = one_by_one(o, Spec(shape, n, values, o.seed), None, able)
            able = [name for name in able if name not in record["failed"]]
            rows.append({**record, "shape": shape, "n": n, "values": values})
        timed_rows = [r for r in rows if "Cutwire" in r["cold"]]
        exponent = None
        if len(timed_rows) > 1:
            one, other = timed_rows[-2:]
            steps = other["n"] - one["n"] if shape == "grid" else math.log(other["n"] / one["n"])
            exponent = math.log(other["cold"]["Cutwire"] / one["cold"]["Cutwire"]) / steps
            exponent = math.exp(exponent) if shape == "grid" else exponent
        found.extend({**r, "growth": exponent} for r in rows)
    return found


def memory(o: Options) -> list[Record]:
    """W5: the widest of the seeded questions on each network, by Cutwire's plan, each tool by itself."""
    wide = {"barley", "diabetes", "link", "mildew", "munin1", "munin", "pathfinder", "water", "andes"}
    specs = [s for s in o.specs if o.smoke or s.name in wide]
    specs += [] if o.smoke else [Spec("grid", n) for n in (10, 14, 16, 18)]
    found = []
    for spec in specs[:1] if o.smoke else specs:
        network = spec.load()
        pairs = questions(network, 20, o.seed)
        widest = max(pairs, key=lambda pair: peak(network, pair[0])) if spec.shape == "bif" else None
        able = [n for n in SINGLE if n == "Cutwire" or n.split(",")[0] in o.families]
        found.append(one_by_one(o, spec, widest, able))
    return found


def peak(network: Network, q: Question) -> int:
    """How many entries Cutwire's plan keeps at once."""
    number = {n: v for v, n in enumerate(network.names)}
    form = (number[q.target],), tuple(number[n] for n in q.do), tuple(number[n] for n in q.given)
    program = network.model.factored().program(form)
    return program.peak if program else 0


# ---- W4: many parameterisations --------------------------------------------------------------------------------------


def front_door() -> Model:
    """The front door with its hidden cause, of two values each; numbers come with each question."""
    shape = CausalModel.from_edges([("U", "X"), ("X", "Z"), ("Z", "Y"), ("U", "Y")], domains=2, nodes="UXZY")
    rng = np.random.default_rng(0)
    return Model.with_numbers(shape, {b.name: _kernel(b, rng) for b in _boxes(shape)}, "front door")


def _boxes(shape: CausalModel) -> list[Any]:
    return [m.diagram.nodes[0].box for m in shape.mechanisms.values()]


def _kernel(box: Any, rng: np.random.Generator) -> Any:
    from fractions import Fraction

    from semantics.kernel import Kernel

    columns = [[Fraction(k, 100), Fraction(100 - k, 100)] for k in rng.integers(1, 100, 2 ** len(box.dom)).tolist()]
    return Kernel(box.dom, box.cod, np.array(columns, dtype=object).reshape((2,) * (len(box.dom) + 1)).tolist())


def batch(o: Options) -> list[Record]:
    """W4: `P(Y | do(X := 1))` in the front door for many tables: in one contraction, and one after the other."""
    rows, rounds = (10, 1) if o.smoke else (1_000, MOST_ROUNDS)
    found = [r for r in o.run(many_tables, rows, rounds, o.families, o.seed) if not isinstance(r, str)]
    o.report(str({r["way"]: r["seconds"] for r in found}))
    return found


def many_tables(rows: int, rounds: int, families: tuple[str, ...], seed: int) -> Iterator[Record]:
    """The rows of W4."""
    rng, model = np.random.default_rng(seed), front_door()
    network = Network.of(model)
    boxes = {b.cod[0].name: b.name for b in _boxes(model.shape)}
    tables = {}
    for name, scope in zip(network.names, network.scopes, strict=True):
        first = rng.random((rows, *(2,) * (len(scope) - 1)))
        tables[name] = np.stack([first, 1 - first], axis=-1)
    scopes = dict(zip(network.names, network.scopes, strict=True))

    def at_once() -> Array:
        factors = [Factor(np.ones(rows), (9,))]
        for name in "UZY":
            axes = [u for u in scopes[name] if network.names[u] != "X"]
            pick = tuple(1 if network.names[u] == "X" else slice(None) for u in scopes[name])
            factors.append(Factor(np.ascontiguousarray(tables[name][(slice(None), *pick)]), (9, *axes)))
        y = network.names.index("Y")
        sizes = (2,) * 9 + (rows,)
        found = contract(Product(sizes, tuple(map(str, range(10))), tuple(factors), (9, y)), Floats()).array
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    ways: dict[str, Callable[[], Array]] = {"Cutwire, one contraction": at_once}
    if hasattr(model, "query_each"):
        each = {boxes[n]: t for n, t in tables.items()}
        ways["Cutwire, query_each"] = lambda: np.asarray(model.query_each("Y", do={"X": 1}, tables=each).array)
    if "pyAgrum" in families:
        ways["pyAgrum, loop"] = partial(_agrum_loop, network, tables, rows)
    if "pgmpy" in families:
        ways["pgmpy, loop"] = partial(_pgmpy_loop, network, tables, rows)
    seconds, expected, differs = dict[str, float](), at_once(), []
    for k in range(rounds):
        for name, way in ways.items():
            if k and seconds[name] > 1:
                continue
            spent, found = timed(lambda way=way: {"": way()})  # type: ignore[misc]
            seconds[name] = min(spent, seconds.get(name, math.inf))
            if not agree({"": expected}, found):
                differs.append(name)
    ours = min(s for n, s in seconds.items() if n.startswith("Cutwire"))
    for n, s in seconds.items():
        yield {"way": n, "rows": rows, "seconds": s, "times": s / ours, "differs": n in differs}


def _agrum_loop(network: Network, tables: dict[str, Array], rows: int) -> Array:
    """The network cut once, the tables filled for each row."""
    gum = importlib.import_module("pyagrum")
    cut = gum.fastBN("U;X->Z->Y<-U", 2)
    cut.cpt("X").fillWith(0.5)
    order = {n: [network.names[u] for u in s] for n, s in zip(network.names, network.scopes, strict=True)}
    arranged = {
        n: np.ascontiguousarray(tables[n].transpose(0, *(1 + order[n].index(v) for v in reversed(cut.cpt(n).names))))
        for n in "UZY"
    }
    found = np.empty((rows, 2))
    for k in range(rows):
        for n, array in arranged.items():
            cut.cpt(n)[:] = array[k]
        engine = gum.VariableElimination(cut)
        engine.setEvidence({"X": 1})
        engine.addTarget("Y")
        engine.makeInference()
        found[k] = engine.posterior("Y").toarray()
    return found


def _pgmpy_loop(network: Network, tables: dict[str, Array], rows: int) -> Array:
    """The network cut once, the numbers of its tables replaced for each row."""
    models, factors, inference = (
        importlib.import_module(f"pgmpy.{part}") for part in ("models", "factors.discrete", "inference")
    )
    net = models.DiscreteBayesianNetwork([("X", "Z"), ("Z", "Y"), ("U", "Y")])
    net.add_cpds(factors.TabularCPD("X", 2, [[0.5], [0.5]]))
    arranged = {}
    for n, scope in zip(network.names, network.scopes, strict=True):
        if n != "X":
            heard = [network.names[u] for u in scope[:-1]]
            even = np.full((2, 2 ** len(heard)), 0.5)
            net.add_cpds(factors.TabularCPD(n, 2, even, evidence=heard, evidence_card=[2] * len(heard)))
            arranged[n] = np.moveaxis(tables[n], -1, 1)
    found = np.empty((rows, 2))
    for k in range(rows):
        for n, array in arranged.items():
            net.get_cpds(n).values = array[k]
        engine = inference.VariableElimination(net)
        found[k] = engine.query(["Y"], evidence={"X": 1}, show_progress=False).values
    return found
