"""Claims about all models of a shape: verified over finite fields, or refuted by a small model.

For fixed numbers of values a claim that two formulas are equal is an identity of rational functions in the free
parameters of the boxes. So both sides are computed exactly for random parameters modulo a prime: an identity that is
false of degree d survives one draw with probability at most d / p (Schwartz 1980, Zippel 1979). No tolerance is
involved, and all draws go through one contraction. A claim that falls is then given a model with simple fractions in
which the two sides differ.

Claims that one side is larger cannot be proved so: a violation is searched for, and if none is found that is what is
said.

>>> from strings.formula import Ask
>>> from strings.query import Query, Term
>>> from strings.surgery import Do
>>> bow = CausalModel.from_edges([("X", "Y")], [("X", "Y")], domains=2)
>>> do = Ask(Query((Term("Y", ("1",)),), (), (Do("X", "1"),)))
>>> see = Ask(Query((Term("Y", ("1",)),), (Term("X", ("1",)),)))
>>> verify(bow, Compare((do, see), ("==",))).holds
False
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from semantics.claim import WITHOUT_VALUE, Claim, Counterexample, asking
from semantics.evaluate import Values, aligned, evaluate_in
from semantics.family import family, member, random_table
from semantics.field import PRIMES, Field, FieldNumbers
from semantics.search import SEARCHED, Search
from semantics.workers import in_order
from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.formula import Arithmetic as Operation
from strings.formula import Ask, Compare, Formula, Number, Sum
from strings.model import CausalModel

_DRAWS = 8  # for each prime and each number of values, unless asked for otherwise
_MOST_MEMBERS = 256  # models in one contraction
_MOST_REDRAWS = 50
_REFUTED = 1_000  # models in search of one that refutes an equality, for each number of values


@dataclass(frozen=True)
class Verification:
    """The verdict on a claim about all models of a shape.

    `draws` models were tried, over the fields of the `primes` or (for an order) in floats; hidden causes had
    `latent_values` values in turn. Only models count in which the sides have values and the assumptions are true;
    `redrawn` had to be drawn again for that. For an equality that `holds`, `error` bounds the probability that it is
    false all the same; for an order that was not refuted it is 1: nothing is proved.
    """

    holds: bool
    draws: int
    primes: tuple[int, ...]
    latent_values: tuple[int, ...]
    redrawn: int
    error: float
    counterexample: Counterexample | None = None

    @property
    def proved(self) -> bool:
        """Whether the verdict is sure, but for `error`; an order that was not refuted may be false all the same."""
        return not self.holds or self.error < 1

    def describe(self) -> str:
        """What was tried, in a line."""
        hidden = f", hidden causes with {_list(self.latent_values)} values" if self.latent_values else ""
        if not self.primes:
            return f"not refuted by {self.draws:,} models{hidden}; nothing is proved"
        bound = f"1e{math.floor(math.log10(self.error))}" if self.error > 1e-300 else "1e-300"
        again = f", {self.redrawn} drawn again" if self.redrawn else ""
        return f"equal in {self.draws:,} models over finite fields{hidden}{again}; wrong with probability below {bound}"


def _list(numbers: Sequence[int]) -> str:
    return " and ".join(filter(None, [", ".join(map(str, numbers[:-1])), str(numbers[-1])]))


def verify(shape: CausalModel, claim: Compare | Claim, *, models: int | None = None, seed: int = 0) -> Verification:
    """Whether a claim holds in every model of this shape, for the numbers of values tried.

    Variables take the values that `shape` declares (0 and 1 where it declares none); hidden causes are also tried with
    two, three and four. `models` is how many models to draw.

    Raises:
        QueryError, ZeroProbabilityError: if a side has no value in any model, as with a condition that is impossible.
    """
    claim = claim if isinstance(claim, Claim) else Claim(claim)
    if all(op == "==" for op in claim.body.ops):
        return _verify_equality(shape, claim, models, seed)
    return _search_violation(shape, claim, models, seed)


def _latent_values(tried: Sequence[CausalModel]) -> tuple[int, ...]:
    return tuple(sorted({len(s.object(u).values or ()) for s in tried for u in s.latents}))


def _verify_equality(shape: CausalModel, claim: Claim, models: int | None, seed: int) -> Verification:
    tried = claim.shapes(shape)
    each = _DRAWS if models is None else max(1, -(-models // (len(tried) * len(PRIMES))))
    draws = redrawn = 0
    parts = [(k, s, p) for k, s in enumerate(tried) for p in PRIMES]
    for (k, _, _), (equal, count, again) in zip(
        parts, in_order(partial(_draws, claim, each, seed), parts), strict=False
    ):
        draws, redrawn = draws + count, redrawn + again
        if not equal:
            found = _refute(tried[: k + 1], claim, seed)
            return Verification(False, draws, PRIMES, _latent_values(tried[: k + 1]), redrawn, 0.0, found)
    degree = _degree(claim.body, tried[0], claim.values(tried[0]))
    error = sum(each * min(0.0, math.log10(degree / p)) for p in PRIMES)  # logarithm
    bound = 10 ** max(error, -300.0)
    return Verification(True, draws, PRIMES, _latent_values(tried), redrawn, bound)


def _draws(claim: Claim, each: int, seed: int, part: tuple[int, CausalModel, int]) -> tuple[bool, int, int]:
    """Whether a claim holds in random models of one shape over one field, how many were drawn, how many again."""
    k, shape, p = part
    rng = np.random.default_rng([seed, k, p])
    draws = redrawn = 0
    while draws < each:
        count = min(each - draws, _MOST_MEMBERS)
        equal, again = _draw(shape, claim, Field(p), count, rng)
        draws, redrawn = draws + count, redrawn + again
        if not equal:
            return False, draws, redrawn
    return True, draws, redrawn


def _draw(shape: CausalModel, claim: Claim, finite: Field, count: int, rng: np.random.Generator) -> tuple[bool, int]:
    """Whether a claim holds in random models over a field, and how often they had to be drawn again."""
    boxes = claim.boxes(shape)
    if any(b.deterministic for b in boxes.values()) and count > 1:  # some denominator would always be zero
        found = [_draw(shape, claim, finite, 1, rng) for _ in range(count)]
        return all(equal for equal, _ in found), sum(again for _, again in found)
    wire = member(count)
    whole = family(shape, wire)
    numbers, values = FieldNumbers(finite), claim.values(shape)
    for again in range(_MOST_REDRAWS):
        drawn = {name: random_table(b, wire, finite.p, rng) for name, b in boxes.items()}
        ask = asking(whole, {**claim.policies, **drawn}, finite, numbers, wire)
        try:
            if any((evaluate_in(numbers, _positive(a), ask, values).array == 0).any() for a in claim.assuming):
                continue
            sides = [evaluate_in(numbers, side, ask, values) for side in claim.body.operands]
        except (ZeroProbabilityError, QueryError) as e:
            if e.diagnostic.code not in WITHOUT_VALUE or again == _MOST_REDRAWS - 1:
                raise
            continue
        _, arrays, _ = aligned(sides)
        return all(bool((arrays[0] == other).all()) for other in arrays[1:]), again
    raise _unassumed()


def _unassumed() -> QueryError:
    return QueryError(Diagnostic("Q009", "no model was found in which the assumptions hold"))


def _positive(assumption: Compare) -> Formula:
    """What an assumption says is positive.

    Raises:
        QueryError: Q009 if it says anything else: that cannot be had over a finite field.
    """
    match assumption:
        case Compare((left, Number(value)), (">" | "!=",)) if value == 0:
            return left
        case Compare((Number(value), right), ("<" | "!=",)) if value == 0:
            return right
    raise QueryError(
        Diagnostic(
            "Q009",
            f"`{assumption}` cannot be assumed of an equality",
            span=assumption.span,
            help=("assume that probabilities are positive: `assuming P(S, T) > 0`",),
        )
    )


def _degree(claim: Compare, shape: CausalModel, values: Values) -> int:
    """A bound on the degree of the polynomial that vanishes exactly where two sides of the claim are equal."""
    n = len(shape.mechanisms)

    def degree(f: Formula) -> tuple[int, int]:
        match f:
            case Ask(query):
                return (n, n if query.given else 0)
            case Sum(binders, body):
                above, below = degree(body)
                terms = math.prod(len(values(v)) for _, v in binders)
                return (above + (terms - 1) * below, terms * below)
            case Operation("^", left, Number(value)):
                above, below = degree(left)
                power = int(abs(value))
                return (max(above, below) * power, max(above, below) * power)
            case Operation(op, left, right):
                (a, b), (c, d) = degree(left), degree(right)
                match op:
                    case "*":
                        return (a + c, b + d)
                    case "/":
                        return (a + d, b + c)
                    case _:
                        return (max(a + d, b + c), b + d)
            case _:
                return (0, 0)

    sides = [degree(f) for f in claim.operands]
    return max(1, max(max(a + d, b + c) for (a, b), (c, d) in pairwise(sides)))


def _refute(tried: Sequence[CausalModel], claim: Claim, seed: int) -> Counterexample | None:
    """The smallest counterexample found, with as few values of hidden causes as possible."""
    for k, s in enumerate(sorted(tried, key=lambda s: sum(len(x.values or ()) for x in s.variables))):
        found = Search(s, claim, [seed, k]).run(_REFUTED)
        if found is not None:
            return Counterexample(s, *found)
    return None


def _search_violation(shape: CausalModel, claim: Claim, models: int | None, seed: int) -> Verification:
    """A model in which an order fails; hidden causes have the values declared first, then others."""
    tried = claim.shapes(shape)
    each = SEARCHED if models is None else max(1, -(-models // len(tried)))
    draws = 0
    for k, s in enumerate(tried):
        search = Search(s, claim, [seed, k])
        found = search.run(each)
        draws += search.draws
        if found is not None:
            return Verification(False, draws, (), _latent_values(tried[: k + 1]), 0, 0.0, Counterexample(s, *found))
    if not draws:
        raise _unassumed()
    return Verification(True, draws, (), _latent_values(tried), 0, 1.0)
