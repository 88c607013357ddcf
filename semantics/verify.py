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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import pairwise

import numpy as np

from semantics.answer import answer, answer_array
from semantics.arithmetic import Arithmetic, Floats, PrecisionError
from semantics.compare import Comparison, compare
from semantics.distribution import Array, Distribution
from semantics.evaluate import Grid, Plain, Values, aligned, evaluate_in
from semantics.family import MEMBER, family, member, posed, random_table
from semantics.field import PRIMES, Field, FieldNumbers
from semantics.kernel import Kernel, Table, Tables, size
from semantics.shrink import smallest
from strings.diagnostic import Diagnostic, QueryError, ZeroProbabilityError
from strings.formula import Arithmetic as Operation
from strings.formula import Ask, Compare, Formula, Number, Sum, questions
from strings.model import CausalModel
from strings.query import Query
from strings.signature import Box, Object
from strings.surgery import Surgery, boxes_of

_DRAWS = 8  # for each prime and each number of values, unless asked for otherwise
_LATENT_VALUES = (2, 3, 4)
_MOST_MEMBERS = 256  # models in one contraction
_MOST_REDRAWS = 50
_SEARCHED = 2_000  # models in search of one that violates an order, for each number of values
_SIMPLE = 60  # models in simple fractions, which lie on the bounds that floats only come near
_KEPT = 12
_ALONE = 32
_WITHOUT_VALUE = ("Q002", "Q006")  # a condition of probability zero, a division by zero


@dataclass(frozen=True)
class Counterexample:
    """A model of the shape in which a claim falls, in exact numbers, and how it falls there."""

    shape: CausalModel
    tables: Mapping[str, Kernel]
    comparison: Comparison


@dataclass(frozen=True)
class Verification:
    """The verdict on a claim about all models of a shape.

    `draws` random models were tried, over the fields of the `primes` or (for an order) in floats; hidden causes had
    `latent_values` values in turn. `redrawn` of them had to be drawn again, because a denominator was zero. For an
    equality that `holds`, `error` bounds the probability that it is false all the same; for an order it is 1: nothing
    is proved.
    """

    holds: bool
    draws: int
    primes: tuple[int, ...]
    latent_values: tuple[int, ...]
    redrawn: int
    error: float
    counterexample: Counterexample | None = None

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


@dataclass(frozen=True)
class Claim:
    """A comparison with what it needs: `axes` says over which variable each bound name ranges, `assuming` what is to
    be true of a model, and `policies` are the numbers of the boxes that surgeries put in; of those that have none, all
    numbers are meant."""

    body: Compare
    axes: Mapping[str, str] = field(default_factory=dict)
    assuming: tuple[Compare, ...] = ()
    policies: Mapping[str, Kernel] = field(default_factory=dict)

    def values(self, shape: CausalModel) -> Values:
        """The values of a variable or a bound name."""
        return lambda name: shape.object(self.axes.get(name, name)).values or ()

    def boxes(self, shape: CausalModel) -> dict[str, Box]:
        """The boxes that the claim is about whatever their numbers are: the model's, and policies without numbers."""
        own = boxes_of(shape)
        every = boxes_of(shape, self._surgeries)
        return {name: b for name, b in every.items() if name in own or name not in self.policies}

    def shapes(self, shape: CausalModel) -> list[CausalModel]:
        """The shape with values where it has none, then with hidden causes of other sizes; but what a policy reads has
        the values that are declared."""
        read = {x.name for b in boxes_of(None, self._surgeries).values() for x in b.dom}
        bare = {x.name: ("0", "1") for x in shape.variables if x.values is None}
        base = shape.with_values(bare) if bare else shape
        hidden = [u for u in base.names if u in base.latents - read]
        found = [base]
        for n in _LATENT_VALUES if hidden else ():
            if any(len(base.object(u).values or ()) != n for u in hidden):
                found.append(base.with_values({u: tuple(map(str, range(n))) for u in hidden}))
        return found

    @property
    def _surgeries(self) -> list[Surgery]:
        return [s for c in (self.body, *self.assuming) for f in c.operands for q in questions(f) for s in q.surgeries]


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
    error = 0.0  # logarithm
    for k, s in enumerate(tried):
        degree = _degree(claim.body, s, claim.values(s))
        for p in PRIMES:
            rng = np.random.default_rng([seed, k, p])
            left = each
            while left:
                count = min(left, _MOST_MEMBERS)
                equal, again = _draw(s, claim, Field(p), count, rng)
                redrawn += again
                draws += count
                left -= count
                if not equal:
                    found = _refute(tried[: k + 1], claim, seed)
                    return Verification(False, draws, PRIMES, _latent_values(tried[: k + 1]), redrawn, 0.0, found)
            error += each * min(0.0, math.log10(degree / p)) if k == 0 else 0.0
    bound = 10 ** max(error, -300.0)
    return Verification(True, draws, PRIMES, _latent_values(tried), redrawn, bound)


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
        ask = _asking(whole, wire, {**claim.policies, **drawn}, finite)
        try:
            if any((evaluate_in(numbers, _positive(a), ask, values).array == 0).any() for a in claim.assuming):
                continue
            sides = [evaluate_in(numbers, side, ask, values) for side in claim.body.operands]
        except (ZeroProbabilityError, QueryError) as e:
            if e.diagnostic.code not in _WITHOUT_VALUE or again == _MOST_REDRAWS - 1:
                raise
            continue
        _, arrays, _ = aligned(sides)
        return all(bool((arrays[0] == other).all()) for other in arrays[1:]), again
    raise QueryError(Diagnostic("Q009", "no model was found in which the assumptions hold"))


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


def _asking(whole: CausalModel, wire: Object, tables: Tables, arithmetic: Arithmetic) -> Callable[[Query], Grid]:
    """Answers each question of a formula once, for all members of a family."""
    known: dict[Query, Grid] = {}

    def ask(query: Query) -> Grid:
        if query not in known:
            axes, array = answer_array(whole, tables, posed(query, wire, tables), arithmetic)
            known[query] = Grid(tuple(n for n, _ in axes), array, tuple(x.values or () for _, x in axes))
        return known[query]

    return ask


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
    for s in sorted(tried, key=lambda s: sum(len(x.values or ()) for x in s.variables)):
        found = smallest(claim.boxes(s), partial(_falls, s, claim), seed)
        if found is not None:
            return Counterexample(s, *found)
    return None


def _falls(shape: CausalModel, claim: Claim, tables: Tables) -> Comparison | None:
    """How a claim falls in a model; nothing if it holds, is not assumed to, or has no value there."""
    known: dict[Query, Distribution] = {}

    def ask(query: Query) -> Distribution:
        if query not in known:
            known[query] = answer(shape, {**claim.policies, **tables}, query, exact=True)
        return known[query]

    try:
        if not all(compare(a, ask, claim.values(shape)).holds for a in claim.assuming):
            return None
        found = compare(claim.body, ask, claim.values(shape))
    except (ZeroProbabilityError, QueryError) as e:
        if e.diagnostic.code not in _WITHOUT_VALUE:
            raise
        return None
    return None if found.holds else found


def _search_violation(shape: CausalModel, claim: Claim, models: int | None, seed: int) -> Verification:
    """A model in which an order fails: random ones first, then others near those that come closest to it."""
    tried = claim.shapes(shape)
    each = _SEARCHED if models is None else max(1, -(-models // len(tried)))
    draws = 0
    for k, s in enumerate(tried):
        search = _Downhill(s, claim, np.random.default_rng([seed, k]))
        start = search.run(each)
        draws += search.draws
        found = smallest(claim.boxes(s), partial(_falls, s, claim), seed, start, tries=_SIMPLE)
        if found is not None:
            sizes = _latent_values(tried[: k + 1])
            return Verification(False, draws, (), sizes, 0, 0.0, Counterexample(s, *found))
    return Verification(True, draws, (), _latent_values(tried), 0, 1.0)


class _Downhill:
    """Looks for models in which a claim of order is violated as much as can be."""

    def __init__(self, shape: CausalModel, claim: Claim, rng: np.random.Generator) -> None:
        self._shape, self._claim, self._rng = shape, claim, rng
        self._boxes = claim.boxes(shape)
        self.draws = 0
        self._valued = False  # whether the sides had values in any model
        self._error: Exception | None = None

    def run(self, count: int) -> list[dict[str, Kernel]]:
        """The models that come closest to a violation, in simple fractions, the best first."""
        best: list[tuple[float, dict[str, Array]]] = []
        while self.draws < count:
            near = best[:_KEPT] if self.draws >= count // 2 else []
            best = sorted([*best, *self._batch(min(_MOST_MEMBERS, count - self.draws), near)], key=lambda b: b[0])
            best = best[:_KEPT]
        if not self._valued and self._error is not None:
            raise self._error
        if not best or best[0][0] > 1e-9:
            return []
        return [self._rational(tables, n) for gap, tables in best if gap <= 0 for n in (4, 12, 60, 10_000)]

    def _batch(
        self, count: int, near: Sequence[tuple[float, dict[str, Array]]]
    ) -> list[tuple[float, dict[str, Array]]]:
        """Random models, or variations of the given ones, each with its gap: negative where the claim fails."""
        self.draws += count
        wire = member(count)
        drawn = {name: self._columns(b, count) for name, b in self._boxes.items()}
        if near:
            base = self._rng.integers(0, len(near), count)
            step = self._rng.beta(0.5, 2.0, count)
            for name, new in drawn.items():
                old = np.stack([near[k][1][name] for k in base])
                mix = step.reshape(-1, *[1] * (new.ndim - 1))
                mix = mix.round() if self._boxes[name].deterministic else mix
                drawn[name] = (1 - mix) * old + mix * new
        tables = {n: Table((wire, *self._boxes[n].dom), self._boxes[n].cod, a) for n, a in drawn.items()}
        ask = _asking(family(self._shape, wire), wire, {**self._claim.policies, **tables}, Floats())
        values = self._claim.values(self._shape)
        try:
            sides = [evaluate_in(Plain(), side, ask, values) for side in self._claim.body.operands]
        except (ZeroProbabilityError, QueryError, PrecisionError) as e:
            if isinstance(e, QueryError) and e.diagnostic.code not in _WITHOUT_VALUE:
                raise
            self._error = e
            if count == 1:
                return []
            alone = [self._batch(1, near) for _ in range(min(count, _ALONE))]  # one without a value spoils a batch
            return [found for batch in alone for found in batch]
        self._valued = True
        axes, arrays, _ = aligned(sides)
        gaps = np.full(count, np.inf)
        for op, left, right in zip(self._claim.body.ops, arrays, arrays[1:], strict=False):
            gap = _gap(op, left.astype(float), right.astype(float))
            if MEMBER in axes:
                gap = np.moveaxis(gap, axes.index(MEMBER), 0).reshape(count, -1).min(axis=1)
            gaps = np.minimum(gaps, gap.min() if gap.shape != (count,) else gap)
        best = np.argsort(gaps, kind="stable")[:_KEPT]
        return [(float(gaps[k]), {n: a[k] for n, a in drawn.items()}) for k in best if np.isfinite(gaps[k])]

    def _columns(self, b: Box, count: int) -> Array:
        dom, cod = [size(x) for x in b.dom], [size(x) for x in b.cod]
        width = math.prod(cod)
        if b.deterministic:
            array: Array = np.eye(width)[self._rng.integers(0, width, [count, *dom])]
        else:
            array = self._rng.dirichlet(np.full(width, 0.6), [count, *dom])
        return array.reshape([count, *dom, *cod])

    def _rational(self, tables: Mapping[str, Array], denominator: int) -> dict[str, Kernel]:
        """A model in fractions near to one in floats."""
        found = {}
        for name, b in self._boxes.items():
            width = math.prod(size(x) for x in b.cod)
            rows = []
            for column in tables[name].reshape(-1, width):
                parts = [round(float(p) * denominator) for p in column]
                parts[int(np.argmax(parts))] += denominator - sum(parts)
                rows.append([Fraction(n, denominator) for n in parts])
            array = np.empty((len(rows), width), dtype=object)
            array[:] = rows
            found[name] = Kernel(b.dom, b.cod, array.reshape([size(x) for x in (*b.dom, *b.cod)]))
        return found


def _gap(op: str, left: Array, right: Array) -> Array:
    """How far a relation is from failing; not positive where it fails."""
    match op:
        case "<=" | "<":
            gap = right - left
        case ">=" | ">":
            gap = left - right
        case "==":
            gap = 1e-12 - abs(left - right)
        case _:
            gap = abs(left - right)
    strict = op in ("<", ">", "!=")
    return np.asarray(gap[..., 0] if strict else gap[..., 0] + 1e-12)
