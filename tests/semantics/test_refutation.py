"""False claims of order are refuted: against a brute force over all models whose boxes are functions, or nearly."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np

from semantics.claim import Claim
from strings.formula import Arithmetic, Ask, Compare, Formula, Number, questions
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do, Open, Surgery

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

    def __init__(self, shape: CausalModel) -> None:
        self.shape = shape
        self.values = {x.name: x.values or () for x in shape.variables}
        self.order = shape.names
        self.boxes = {n: m.diagram.nodes[0].box for n, m in shape.mechanisms.items()}
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

    def refuted(self, claim: Claim) -> bool:
        true, valued = self.true(claim.body)
        for a in claim.assuming:
            valued = valued & self.true(a)[0]
        return bool((valued & ~true).any())


def axes_of(q: Query) -> Iterator[str]:
    yield from (t.variable for t in (*q.targets, *q.given) if t.values is None)
    yield from (s.variable for s in q.surgeries if isinstance(s, Open))


def random_claim(shape: CausalModel, rnd: random.Random) -> Claim:
    """A comparison that is often false, and sometimes only in few models."""
    free = rnd.choice([None, None, *shape.observed])

    def term(n: str) -> Term:
        return Term(n) if n == free else Term(n, (rnd.choice(shape.object(n).values or ()),))

    def ask() -> Formula:
        names = rnd.sample(shape.observed, len(shape.observed))
        done: list[Surgery] = []
        if len(names) > 1 and rnd.random() < 0.4:
            n = names.pop()
            done.append(Open(n) if n == free else Do(n, rnd.choice(shape.object(n).values or ())))
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
        names = rnd.sample(shape.observed, rnd.randint(1, len(shape.observed)))
        assumed = (Compare((Ask(Query(tuple(Term(n) for n in names))), Number(F(0))), (">",)),)
    return Claim(body, {}, assumed)


def random_small_shape(rnd: random.Random) -> CausalModel:
    """Two or three variables, mostly of two values, some with a hidden cause of two."""
    names = ["A", "B", "C"][: rnd.choice([2, 2, 3])]
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    directed = [p for p in pairs if rnd.random() < 0.6]
    hidden = [p for p in pairs if rnd.random() < 0.25]
    shape = CausalModel.from_edges(directed, hidden, {n: rnd.choice([2, 2, 2, 3]) for n in names}, nodes=names)
    return shape.with_values(dict.fromkeys(shape.latents, ("0", "1")))


def false_claims(seed: int) -> Iterator[tuple[CausalModel, Claim]]:
    """Claims that fall in some model of the brute force."""
    rnd = random.Random(seed)
    while True:
        shape = random_small_shape(rnd)
        every = Every(shape)
        if every.count > MOST:
            continue
        for _ in range(4):
            claim = random_claim(shape, rnd)
            if every.refuted(claim):
                yield shape, claim
