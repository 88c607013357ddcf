"""Claims about all models of a shape: how many are decided in a second, and what the batch is worth.

For seeded random models of four to six variables with hidden causes, the claim that an effect equals its estimand is
verified over finite fields, all random models in one contraction; beside it the same claim is checked on as many random
models one at a time, in fractions.

    python -m benchmarks.claims [--claims N] [--smoke]
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Sequence

from semantics.answer import answer
from semantics.claim import Claim
from semantics.compare import compare
from semantics.distribution import Distribution
from semantics.shrink import smallest
from semantics.verify import verify
from strings.formula import Arithmetic as Operation
from strings.formula import Ask, Compare, Formula, Sum
from strings.identification import Identified, identify
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Open
from strings.written import formula


def claims(count: int, seed: int = 0) -> list[tuple[CausalModel, Claim]]:
    """Random shapes, each with the claim that an effect on it equals its estimand."""
    rnd = random.Random(seed)
    found: list[tuple[CausalModel, Claim]] = []
    while len(found) < count:
        names = [f"V{i}" for i in range(rnd.choice((4, 5, 6)))]
        pairs = [(names[i], names[j]) for j in range(len(names)) for i in range(j)]
        directed = [p for p in pairs if rnd.random() < 0.5]
        hidden = [p for p in pairs if rnd.random() < 0.2]
        shape = CausalModel.from_edges(directed, hidden, 2, nodes=names)
        x, y = rnd.sample(names, 2)
        query = Query((Term(y),), (), (Open(x),))
        answered = identify(shape, query)
        if isinstance(answered, Identified) and not answered.plain:
            written = formula(answered)
            axes = dict(_bound(written))
            axes |= {s: v for s, v in _free(written) if s not in axes}
            found.append((shape, Claim(Compare((Ask(query), written), ("==",)), axes)))
    return found


def _bound(f: Formula) -> list[tuple[str, str]]:
    match f:
        case Sum(binders, body):
            return [*binders, *_bound(body)]
        case Operation(_, left, right):
            return [*_bound(left), *_bound(right)]
        case _:
            return []


def _free(f: Formula) -> list[tuple[str, str]]:
    match f:
        case Ask(query):
            return [(t.axis, t.variable) for t in (*query.targets, *query.given) if t.axis]
        case Sum(_, body):
            return _free(body)
        case Operation(_, left, right):
            return [*_free(left), *_free(right)]
        case _:
            return []


def one_at_a_time(shape: CausalModel, claim: Claim, models: int) -> bool:
    """The claim on as many random models, one after the other, in fractions."""
    boxes = {n.box.name: n.box for m in shape.mechanisms.values() for n in m.diagram.nodes}

    def held(seed: int) -> bool:
        found = smallest(boxes, lambda tables: tables, seed, tries=1)
        assert found is not None
        tables = found[1]

        def ask(query: Query) -> Distribution:
            return answer(shape, tables, query, exact=True)

        return compare(claim.body, ask, claim.values(shape)).holds

    return all(held(seed) for seed in range(models))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims", description="Claims about all models")
    parser.add_argument("--claims", type=int, default=1000, help="how many claims (1000)")
    parser.add_argument("--smoke", action="store_true", help="a few claims only")
    options = parser.parse_args(arguments)
    count = 10 if options.smoke else options.claims
    asked = claims(count)
    start = time.perf_counter()
    verdicts = [verify(shape, claim) for shape, claim in asked]
    spent = time.perf_counter() - start
    assert all(v.holds for v in verdicts)
    draws = sum(v.draws for v in verdicts)
    print(f"{count} claims, {draws:,} random models over finite fields: {spent:.2f} s")
    print(f"{spent / count * 1e3:.1f} ms a claim")
    ratios = []
    for (shape, claim), verdict in list(zip(asked, verdicts, strict=True))[: 3 if options.smoke else 40]:
        start = time.perf_counter()
        assert verify(shape, claim).holds
        batched = time.perf_counter() - start
        start = time.perf_counter()
        assert one_at_a_time(shape, claim, verdict.draws)
        ratios.append((time.perf_counter() - start) / batched)
    print(f"one model at a time, in fractions: {statistics.median(ratios):.1f} times as long (median)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
