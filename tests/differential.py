"""Identification on random questions: against exact truth, and beside other tools.

    python -m tests.differential [--count N] [--kind interventional|conditional|surrogate] [--seed K] [--no-peers]

Random acyclic directed mixed graphs of three to seven variables, of any density, several treatments, outcomes and
conditions. What is identified is compared with the truth on random models modulo a prime, hidden causes and all: the
estimand, the formula, and the derivation is replayed. Of what is refused the witness is recomputed in fractions. Both
by tables that are multiplied and summed here (`tests.observed`), not by the contraction that answers questions. Where
pyAgrum, causaleffect, causalrl or y0 are installed their verdicts and formulas are counted too.

Ends with status 1 if anything is wrong. An interrupt ends it early and prints the counts so far.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from benchmarks.tools import Mixed, Peer, peers
from semantics.estimate import Reader
from semantics.family import member
from semantics.field import PRIMES, Field
from semantics.moves import Witness
from semantics.witness import find_witness
from strings.derivation import check_derivation, derive
from strings.estimand import Given
from strings.formula import Formula
from strings.identification import Identified, NotIdentified, identify
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Open
from strings.written import formula
from tests.observed import (
    DRAW,
    Factor,
    after,
    answered_by,
    conditional,
    differs,
    factors_of,
    given_joints,
    random_factors,
    random_shape,
    worth,
)

KINDS = ("interventional", "conditional", "surrogate")
PRIME = PRIMES[0]
DRAWS = 3


@dataclass(frozen=True)
class Case:
    """A question about a model, and what is given."""

    model: CausalModel
    query: Query
    given: tuple[Given, ...] = ()

    @property
    def mixed(self) -> Mixed:
        """The graph with the names of its edges."""
        g = self.model.graph
        arrows = [(p, c) for k, c in enumerate(g.names) for p in g.show(g.parents[k])]
        arcs = [(p, c) for k, c in enumerate(g.names) for p in g.show(g.spouses[k]) if p < c]
        return Mixed(g.names, tuple(arrows), tuple(arcs))

    def __str__(self) -> str:
        g = self.mixed
        arrows, arcs = (
            " ".join(f"{a}{sign}{b}" for a, b in e) for e, sign in ((g.directed, "->"), (g.bidirected, "-"))
        )
        given = f" from {'; '.join(map(str, self.given))}" if self.given else ""
        return f'{self.query}{given} in shape("{arrows}", "{arcs}", "{" ".join(g.nodes)}")'


def draw(rnd: random.Random, kind: str, sizes: Sequence[int] = (3, 4, 4, 5, 5, 6, 7)) -> Case:
    """A random question."""
    size = rnd.choice(sizes)
    model = random_shape(rnd, size, directed=rnd.uniform(0.1, 0.9), bidirected=rnd.uniform(0, 0.8))
    given = _draw_given(rnd, model) if kind == "surrogate" else ()
    names = [n for n in model.observed if not given or any(n in g.variables for g in given)]
    rnd.shuffle(names)
    most = max(1, size // 3)
    outcomes = names[: rnd.randint(1, most)]
    spare = names[len(outcomes) :]
    conditions: list[str] = []
    if kind == "conditional" or (kind == "surrogate" and rnd.random() < 0.3):
        conditions = spare[: rnd.randint(1, most)]
    spoken = [n for n in model.observed if not given or any(n in (*g.variables, *g.done) for g in given)]
    rest = [n for n in spoken if n not in outcomes and n not in conditions]
    treated = rnd.sample(rest, min(len(rest), rnd.randint(1, most)))
    query = Query(tuple(map(Term, outcomes)), tuple(map(Term, conditions)), tuple(map(Open, treated)))
    return Case(model, query, given)


def _draw_given(rnd: random.Random, model: CausalModel) -> tuple[Given, ...]:
    found = []
    for _ in range(rnd.randint(1, 3)):
        names = list(model.observed)
        done = tuple(rnd.sample(names, rnd.choice([0, 1, 1, 2, 2])))
        rest = [n for n in names if n not in done]
        if rnd.random() < 0.3:
            rest = rnd.sample(rest, rnd.randint(1, len(rest)))
        found.append(Given(tuple(rest), done))
    return tuple(dict.fromkeys(found))


# ---- what is identified ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnJoints:
    """The given distributions of random models, for `Reader`; what was set though it does not matter is at its first
    value."""

    model: CausalModel
    factors: Mapping[str, Factor]
    given: tuple[Given, ...]

    def joint(self, of: int, fed: Sequence[str], names: Sequence[str]) -> np.ndarray:
        idle = [n for n in self.given[of].done if n not in fed]
        table = after(self.model, self.factors, (*idle, *fed), names, PRIME)
        return np.asarray(table[(slice(None), *(0 for _ in idle))])

    def describe(self, fed: Mapping[str, str], seen: Mapping[str, str]) -> str:
        return f"{fed} {seen}"


def wrong_answer(case: Case, found: Identified, seed: int) -> str:
    """What is wrong with an answer: the estimand, the formula, or the derivation; empty if nothing is."""
    rng = np.random.default_rng(seed)
    model = case.model
    factors = random_factors(model, PRIME, rng, DRAWS)
    truth = answered_by(model, factors, case.query, PRIME)
    wire = member(DRAWS)
    names, array = Reader(OwnJoints(model, factors, found.given), Field(PRIME), wire).answer(found, {})
    if differs((tuple(DRAW if n == wire.name else n for n in names), array), truth):
        return "the estimand is wrong"
    if differs(value(formula(found), found.given, model, factors), truth):
        return f"the formula is wrong: {formula(found)}"
    wrong = check_derivation(model, found, derive(model, found))
    return f"the derivation does not hold: {wrong}" if wrong else ""


def value(f: Formula, given: Sequence[Given], model: CausalModel, factors: Mapping[str, Factor]) -> Factor:
    """The value of a formula over what is given, for all random models."""
    joints = given_joints(model, factors, given, PRIME)

    def values(name: str) -> Sequence[str]:
        return model.object(name).values or ()

    return worth(f, lambda query: conditional(query, given, joints, values, PRIME), values, PRIME)


# ---- what is refused -------------------------------------------------------------------------------------------------


def wrong_witness(witness: Witness, query: Query, given: Sequence[Given]) -> str:
    """What is wrong with a witness; empty if nothing is. All in fractions."""
    shape = witness.shape
    both = [factors_of(shape, tables) for tables in (witness.one, witness.other)]
    for g in given:
        one, other = (after(shape, f, g.done, g.variables) for f in both)
        if not (one > 0).all():
            return f"{g} is zero somewhere"
        if (one != other).any():
            return f"{g} differs"
    effects = [_at(answered_by(shape, f, query), dict(witness.place)) for f in both]
    if tuple(effects) != witness.values:
        return f"the effects are {effects}, not {witness.values}"
    return "" if effects[0] != effects[1] else "the effects are equal"


def _at(table: Factor, place: Mapping[str, str]) -> Fraction:
    """An entry of a table of two-valued variables; targets that the witness does not need are summed."""
    axes, array = table
    lost = tuple(k for k, n in enumerate(axes) if n not in place)
    summed = array[..., None].sum(axis=lost)[..., 0]
    return Fraction(summed[tuple(int(place[n]) for n in axes if n in place)])


# ---- the run ---------------------------------------------------------------------------------------------------------


@dataclass
class Counts:
    """What came of the questions so far."""

    of: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def note(self, what: str, case: Case, why: str = "") -> None:
        self.of[what] += 1
        if why:
            self.wrong.append(f"{what}: {case}: {why}")

    @property
    def bad(self) -> int:
        """How many answers are wrong or did not come."""
        return self.of["wrong"] + self.of["crashes"] + self.of["wrong witnesses"]

    def line(self) -> str:
        parts = [f"{self.of[k]:,} {k}" for k in ("identified", "refused", "wrong", "wrong witnesses", "crashes")]
        parts.append(f"{self.of['refusals without witness']:,} refusals without witness")
        parts += [f"{k}: {n:,}" for k, n in sorted(self.of.items()) if ":" in k]
        return f"{time.perf_counter() - self.started:6.1f} s  " + ", ".join(parts)


def judge(case: Case, counts: Counts, seed: int, others: Mapping[str, Peer] | None = None) -> None:
    """Ask one question and judge the answer."""
    try:
        found = identify(case.model, case.query, case.given)
        if isinstance(found, Identified):
            counts.of["identified"] += 1
            wrong = wrong_answer(case, found, seed)
            if wrong:
                counts.note("wrong", case, wrong)
        else:
            counts.of["refused"] += 1
            _judge_refusal(case, found, counts)
    except ZeroDivisionError:  # one chance in a hundred thousand: a random probability that is zero
        counts.of["drawn badly"] += 1
        return
    except Exception as e:
        counts.note("crashes", case, f"{e!r}\n{traceback.format_exc()}")
        return
    for name, peer in (others or {}).items():
        if not case.given and (peer.conditional or not case.query.given):
            _judge_peer(name, peer, case, isinstance(found, Identified), counts, seed)


def _judge_refusal(case: Case, found: NotIdentified, counts: Counts) -> None:
    witness = find_witness(case.model, found)
    if witness is None:
        counts.note("refusals without witness", case, str(found.obstacle))
        return
    wrong = wrong_witness(witness, case.query, found.given)
    if wrong:
        counts.note("wrong witnesses", case, wrong)


def _judge_peer(name: str, peer: Peer, case: Case, ours: bool, counts: Counts, seed: int) -> None:
    q = case.query
    sides = [[t.variable for t in q.targets], [s.variable for s in q.surgeries], [t.variable for t in q.given]]  # type: ignore[union-attr]
    try:
        answer = peer.prepare(case.mixed)(*sides)
    except Exception as e:
        counts.note(f"{name}: crashes", case, repr(e))
        return
    if answer.identifiable != ours:
        counts.note(f"{name}: other verdict", case, "identifiable" if answer.identifiable else "not identifiable")
        return
    counts.of[f"{name}: same verdict"] += 1
    if answer.formula is None or not ours:
        return
    factors = random_factors(case.model, PRIME, np.random.default_rng(seed), DRAWS)
    given = (Given(case.model.observed),)
    try:
        found = value(answer.formula, given, case.model, factors)
        right = not differs(found, answered_by(case.model, factors, q, PRIME))
    except (AssertionError, ZeroDivisionError):
        right = False
    counts.note(f"{name}: {'right' if right else 'wrong'} formula", case, "" if right else str(answer.formula))


def run(
    count: int,
    kind: str,
    seed: int,
    others: Mapping[str, Peer] | None = None,
    report: Callable[[str], None] = lambda line: None,
    seconds: float = float("inf"),
) -> Counts:
    """Ask `count` questions of a kind, or as many as so many seconds allow; the same for the same `seed`."""
    counts = Counts()
    told = time.perf_counter()
    try:
        for k in range(count):
            now = time.perf_counter()
            if now - counts.started > seconds:
                break
            if now - told > 5:
                report(f"{k:,} of {count:,}  {counts.line()}")
                told = now
            rnd = random.Random(f"{kind} {seed} {k}")
            judge(draw(rnd, kind), counts, rnd.randrange(2**32), others)
    except KeyboardInterrupt:
        report("interrupted")
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print the counts and what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description="Identification against truth")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="how many questions (1000)")
    parser.add_argument("--kind", choices=KINDS, default="interventional")
    parser.add_argument("--seed", type=int, default=0, metavar="K")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many seconds")
    parser.add_argument("--no-peers", action="store_true", help="do not ask other tools that are installed")
    parser.add_argument("--show", type=int, default=20, metavar="N", help="how many bad answers to print (20)")
    options = parser.parse_args(arguments)
    others = {} if options.no_peers else peers()

    def report(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    counts = run(options.count, options.kind, options.seed, others, report, options.seconds)
    print(f"{options.kind}, seed {options.seed}")
    print(counts.line())
    for line in counts.wrong[: options.show]:
        print(f"- {line}")
    return 1 if counts.bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
