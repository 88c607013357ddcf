"""False claims of order are refuted: against a brute force over all models whose boxes are functions, or nearly."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantics.claim import Claim
from semantics.search import _by_size, _root
from semantics.symbols import prove
from semantics.verify import verify
from strings.diagnostic import QueryError
from strings.formula import Arithmetic, Ask, Compare, Formula, Number, questions
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do, Open, Surgery
from tests.observed import shape
from tests.semantics.test_verify import assert_refutes, claim

MOST = 20_000  # models that the brute force tries
F = Fraction
RELATIONS = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}

Ratio = tuple[np.ndarray, np.ndarray]
"""A number for each of many models: above and below. Entries of tables are powers of 1/2, so that floats are exact."""


class Every:
    """All models of a shape whose columns are sharp, or (if they are not too many) sharp or split in halves."""

    def __init__(self, model: CausalModel) -> None:
        self.values = {x.name: x.values or () for x in model.variables}
        self.order = model.names
        self.boxes = {n: m.diagram.nodes[0].box for n, m in model.mechanisms.items()}
        widths = [len(self.values[n]) for n, b in self.boxes.items() for _ in range(self._columns(n))]
        even = int(np.prod([w + 1.0 for w in widths])) <= MOST
        self.count = int(np.prod([float(w + even) for w in widths]))
        if self.count > MOST:
            return
        chosen = np.array(list(itertools.product(*(range(w + even) for w in widths))), dtype=np.int64)
        self.tables: dict[str, np.ndarray] = {}
        at = 0
        for n, b in self.boxes.items():
            w, columns = len(self.values[n]), self._columns(n)
            palette = np.vstack([np.eye(w), np.array([[0.5, *[0.5 / (w - 1)] * (w - 1)]])])  # 1/2, 1/4, 1/4
            rows = palette[chosen[:, at : at + columns]]
            self.tables[n] = rows.reshape(-1, *(len(x.values or ()) for x in (*b.dom, *b.cod)))
            at += columns

    def _columns(self, name: str) -> int:
        return int(np.prod([len(x.values or ()) for x in self.boxes[name].dom], dtype=int))

    def joint(self, done: Mapping[str, str]) -> np.ndarray:
        """The probabilities of all assignments, after some variables are set."""
        letters = {n: chr(ord("a") + k) for k, n in enumerate(self.order)}
        spec, arrays = [], []
        for n in self.order:
            if n in done:
                spec.append(letters[n])
                arrays.append(np.array([float(v == done[n]) for v in self.values[n]]))
            else:
                spec.append("Z" + "".join(letters[x.name] for x in self.boxes[n].dom) + letters[n])
                arrays.append(self.tables[n])
        spec.append("Z")
        arrays.append(np.ones(self.count))
        return np.asarray(np.einsum(f"{','.join(spec)}->Z{''.join(letters.values())}", *arrays))

    def worth(self, f: Formula, env: Mapping[str, str]) -> Ratio:
        match f:
            case Number(value):
                return np.full(self.count, float(value.numerator)), np.full(self.count, float(value.denominator))
            case Arithmetic(op, left, right):
                (a, b), (c, d) = self.worth(left, env), self.worth(right, env)
                return (a * c, b * d) if op == "*" else (a * d + (c * b if op == "+" else -c * b), b * d)
            case Ask(query):
                done = {s.variable: s.value if isinstance(s, Do) else env[s.variable] for s in query.surgeries}  # type: ignore[union-attr]
                joint = self.joint(done)
                below = self._mass(joint, query.given, env)
                return self._mass(joint, (*query.targets, *query.given), env), below
        raise AssertionError

    def _mass(self, joint: np.ndarray, terms: Sequence[Term], env: Mapping[str, str]) -> np.ndarray:
        for t in terms:
            axis = 1 + self.order.index(t.variable)
            kept = [v in (t.values or (env[t.variable],)) for v in self.values[t.variable]]
            joint = joint * np.array(kept, dtype=float).reshape([-1 if k == axis else 1 for k in range(joint.ndim)])
        return joint.reshape(self.count, -1).sum(axis=1)

    def true(self, c: Compare) -> tuple[np.ndarray, np.ndarray]:
        """In which models a comparison is true everywhere, and in which its sides have values everywhere."""
        names = sorted({n for f in c.operands for q in questions(f) for n in axes_of(q)})
        true = valued = np.ones(self.count, dtype=bool)
        for case in itertools.product(*(self.values[n] for n in names)):
            env = dict(zip(names, case, strict=True))
            (a, b), (x, y) = (self.worth(f, env) for f in c.operands)
            valued = valued & (b > 0) & (y > 0)
            true = true & RELATIONS[c.ops[0]](a * y, x * b)
        return true & valued, valued

    def refuted(self, stated: Claim) -> bool:
        true, valued = self.true(stated.body)
        for a in stated.assuming:
            valued = valued & self.true(a)[0]
        return bool((valued & ~true).any())


def axes_of(q: Query) -> Iterator[str]:
    yield from (t.variable for t in (*q.targets, *q.given) if t.values is None)
    yield from (s.variable for s in q.surgeries if isinstance(s, Open))


def random_claim(model: CausalModel, rnd: random.Random) -> Claim:
    """A comparison that is often false, and sometimes only in few models."""
    free = rnd.choice([None, None, *model.observed])

    def term(n: str) -> Term:
        return Term(n) if n == free else Term(n, (rnd.choice(model.object(n).values or ()),))

    def ask() -> Formula:
        names = rnd.sample(model.observed, len(model.observed))
        done: list[Surgery] = []
        if len(names) > 1 and rnd.random() < 0.4:
            n = names.pop()
            done.append(Open(n) if n == free else Do(n, rnd.choice(model.object(n).values or ())))
        k = rnd.randint(1, len(names))
        seen = names[k:] if rnd.random() < 0.5 else names[k : k + 1] if rnd.random() < 0.5 else []
        return Ask(Query(tuple(map(term, names[:k])), tuple(map(term, seen)), tuple(done)))

    def side(depth: int = 0) -> Formula:
        kind = rnd.random()
        if depth < 2 and kind < 0.4:
            return Arithmetic(rnd.choice("*+-*"), side(depth + 1), side(depth + 1))
        return Number(F(rnd.choice([0, 1, 1, 2]), rnd.choice([1, 2]))) if kind > 0.93 else ask()

    left: Formula = side()
    while not questions(left):
        left = side()
    body = Compare((left, side()), (rnd.choice(["!=", "!=", "<", "<=", ">", ">=", "<"]),))
    assumed: tuple[Compare, ...] = ()
    if rnd.random() < 0.25:
        names = rnd.sample(model.observed, rnd.randint(1, len(model.observed)))
        assumed = (Compare((Ask(Query(tuple(Term(n) for n in names))), Number(F(0))), (">",)),)
    return Claim(body, {}, assumed)


def random_small_shape(rnd: random.Random) -> CausalModel:
    """Two or three variables, mostly of two values, some with a hidden cause of two."""
    names = ["A", "B", "C"][: rnd.choice([2, 2, 3])]
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    directed = [p for p in pairs if rnd.random() < 0.6]
    hidden = [p for p in pairs if rnd.random() < 0.25]
    model = CausalModel.from_edges(directed, hidden, {n: rnd.choice([2, 2, 2, 3]) for n in names}, nodes=names)
    return model.with_values(dict.fromkeys(model.latents, ("0", "1")))


def false_claims(seed: int) -> Iterator[tuple[CausalModel, Claim]]:
    """Claims that fall in some model of the brute force."""
    rnd = random.Random(seed)
    while True:
        model = random_small_shape(rnd)
        every = Every(model)
        if every.count > MOST:
            continue
        for _ in range(4):
            stated = random_claim(model, rnd)
            if every.refuted(stated):
                yield model, stated


def test_false_claims_are_refuted() -> None:
    """Every one of some hundreds of false claims, by a model in which the sides, computed by plain loops, stand so."""
    for k, (model, stated) in enumerate(itertools.islice(false_claims(7), 300)):
        verdict = verify(model, stated, seed=k)
        assert not verdict.holds, (str(model.diagram), str(stated.body), [str(a) for a in stated.assuming])
        assert verdict.counterexample is not None
        assert_refutes(verdict.counterexample, stated)


CHAIN = shape("A->B B->C")
BOW = shape("X->Y", "X-Y")
BACK = shape("Z->X Z->Y X->Y")
WIDE = shape("A->B B->C C->D D->E A->C B->D C->E", "A-E")

FALSE: dict[str, tuple[CausalModel, str, str]] = {
    "certain": (CHAIN, "P(A = 0, B = 1, C = 0) < 1", ""),
    "certain in a large model": (WIDE, "P(A = 0, B = 1, C = 0, D = 1, E = 0) != 1", ""),
    "a function of a function": (CHAIN, "P(C = 1 | do(A := 0)) != P(B = 0) + P(A = 1)", ""),
    "boxes that hear nothing": (CHAIN, "P(A, C) != P(A) * P(C)", "P(A, B, C) > 0"),
    "an effect that is none": (BACK, "P(Y = 1 | X = 1) != P(Y = 1 | do(X := 1))", "P(X, Y, Z) > 0"),
    "equal rows, but not even": (BOW, "P(Y = 1 | do(X := 1)) > P(Y = 1 | do(X := 0))", "P(Y = 1) > 2/3"),
    "both orders": (BACK, "P(X = 1, Y = 1) > P(X = 1) * P(Y = 1)", "P(X, Y, Z) > 0"),
    "a number between": (CHAIN, "P(C = 1) != 137/1000", ""),
    "a number between, conditional": (BOW, "P(Y = 1 | X = 1) != 1/7", "P(X, Y) > 0"),
    "a difference between": (BOW, "P(Y = 1 | do(X := 1)) != P(Y = 1 | X = 1) + 3/11", "P(X, Y) > 0"),
    "one case of a table": (CHAIN, "P(C | A) != 5/13", "P(A, B, C) > 0"),
    "the second of two": (CHAIN, "P(A = 0) <= 1 != P(C = 0) + 1/9", ""),
    "a mean": (CHAIN, "E(C) != 2/7", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_what_falls_on_the_boundary_or_between(name: str) -> None:
    """Claims that hold in almost every model, and yet not in all; what is assumed is true where they fall."""
    model, text, assuming = FALSE[name]
    stated = claim(model, text, assuming)
    verdict = verify(model, stated)

    assert not verdict.holds
    assert not verdict.primes
    assert verdict.counterexample is not None
    assert_refutes(verdict.counterexample, stated)


@pytest.mark.parametrize(
    ("model", "text", "assuming"),
    [
        (BOW, "P(Y = 1 | do(X := 1)) > 0", "P(X = 1, Y = 1) > 0"),
        (CHAIN, "P(C = 1) < 1", "P(A, B, C) > 0"),
        (CHAIN, "P(A = 0) * P(A = 1) <= 1/4", ""),
        (CHAIN, "P(A = 0) ^ 2 != 2", ""),
    ],
)
def test_true_orders_stay_open(model: CausalModel, text: str, assuming: str) -> None:
    """Nothing is proved of them, and that is said."""
    verdict = verify(model, claim(model, text, assuming))

    assert verdict.holds
    assert not verdict.proved
    assert "not refuted" in verdict.describe()
    assert "nothing is proved" in verdict.describe()


def test_only_models_count_that_say_something() -> None:
    """Models without a value, or in which the assumption is false, are not counted; if all are, there is no verdict."""
    every = verify(CHAIN, claim(CHAIN, "P(A = 1) <= 1"))
    some = verify(CHAIN, claim(CHAIN, "P(A = 1) <= 1", "P(A = 1) > 1/2"))

    assert 0 < some.draws < every.draws
    for never in ("P(A = 1) > 2", "P(A = 1) == 1/2 + 1/977"):
        with pytest.raises(QueryError) as refused:
            verify(CHAIN, claim(CHAIN, "P(A = 1) <= 1", never))
        assert refused.value.diagnostic.code == "Q009"


def test_the_smallest_come_first() -> None:
    """Every choice once, those with few changes first."""
    chosen = list(_by_size([2, 3, 1, 2]))

    assert chosen[0] == [0, 0, 0, 0]
    assert sorted(map(tuple, chosen)) == list(itertools.product(range(2), range(3), range(1), range(2)))
    changes = [sum(map(bool, c)) for c in chosen]
    assert changes == sorted(changes)


@given(st.fractions(-3, 3), st.fractions(-3, 3), st.fractions(0, 3))
def test_where_quotients_of_linear_functions_vanish(start: F, slope: F, bend: F) -> None:
    """`(start + slope t) / (1 + bend t)` is zero at `-start / slope`, if it is not constant."""

    def at(t: F) -> F:
        return (start + slope * t) / (1 + bend * t)

    found = _root(at(F(0)), at(F(1, 2)), at(F(1)))
    if slope == start * bend:
        assert found is None
    else:
        assert found == (-start / slope if slope else None)


@pytest.mark.parametrize("op", ["==", "<=", "<", "!=", ">"])
def test_means(op: str) -> None:
    """A mean in a claim is one number, over a field, in floats and with symbols."""
    model = CausalModel.from_edges([("X", "Y")], domains={"X": 2, "Y": ["-1", "0", "2"]})
    same = "2 * P(Y = 2 | do(X := x)) - P(Y = -1 | do(X := x))"
    stated = claim(model, f"E(Y | do(X := x)) {op} {same}")
    verdict = verify(model, stated)

    assert verdict.holds == (op in ("==", "<="))
    if verdict.counterexample is not None:
        assert_refutes(verdict.counterexample, stated)
    if op == "==":
        assert prove(model, stated).holds
        assert not prove(model, claim(model, f"E(Y | do(X := x)) == {same} + P(X = 0)")).holds


def test_means_of_what_is_no_number() -> None:
    """Q004, as for a question."""
    model = CausalModel.from_edges([("X", "Y")], domains={"X": 2, "Y": ["no", "yes"]})
    mean = Ask(Query((Term("Y"),), expectation=True))
    for op in ("==", "<"):
        with pytest.raises(QueryError) as refused:
            verify(model, Compare((mean, Number(F(1))), (op,)))
        assert refused.value.diagnostic.code == "Q004"
