"""What follows from what is given: textbook cases, and two oracles that share nothing with the product.

`Mixed` decides by the recursion of Shpitser and Pearl (2006) as the paper prints it, on sets of names. `follows` knows
no theory: an effect follows only if, near a random model modulo a prime, it cannot move while what is given stands
still, so its gradient has to be a combination of the gradients of what is given.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semantics.field import PRIMES
from strings.diagnostic import QueryError
from strings.estimand import Given
from strings.graph import Graph, bits
from strings.identification import Identified, NotIdentified, identify
from strings.identify import Hedge, Unseen, core, identifiable
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Do, Open
from strings.written import formula
from tests.observed import (
    DRAW,
    Factor,
    after,
    answered_by,
    conditional,
    differs,
    do,
    given_joints,
    opened,
    random_factors,
    random_shape,
    shape,
    terms,
    worth,
)

SHARED = Path(__file__).parents[3] / "shared" / "cases"
P = PRIMES[0]
Names = frozenset[str]


# ---- the textbook ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mixed:
    """An acyclic directed mixed graph on names, and identification as Shpitser and Pearl print it."""

    nodes: Names
    arrows: frozenset[tuple[str, str]]
    arcs: frozenset[frozenset[str]]

    @staticmethod
    def of(nodes: Iterable[str], arrows: Iterable[Sequence[str]], arcs: Iterable[Iterable[str]]) -> Mixed:
        return Mixed(frozenset(nodes), frozenset((a, b) for a, b in arrows), frozenset(frozenset(e) for e in arcs))

    @property
    def model(self) -> CausalModel:
        return CausalModel.from_edges(
            sorted(self.arrows), sorted(tuple(sorted(e)) for e in self.arcs), 2, sorted(self.nodes)
        )

    @property
    def graph(self) -> Graph:
        return self.model.graph

    def on(self, kept: Names) -> Mixed:
        """The induced subgraph."""
        arrows = frozenset(e for e in self.arrows if kept.issuperset(e))
        return Mixed(kept, arrows, frozenset(e for e in self.arcs if e <= kept))

    def bar(self, set_: Names) -> Mixed:
        """Without edges into some vertices."""
        arrows = frozenset((a, b) for a, b in self.arrows if b not in set_)
        return Mixed(self.nodes, arrows, frozenset(e for e in self.arcs if not e & set_))

    def ancestors(self, names: Names) -> Names:
        more = names | {a for a, b in self.arrows if b in names}
        return names if more == names else self.ancestors(more)

    def districts(self) -> list[Names]:
        left, found = set(self.nodes), []
        while left:
            part = {min(left)}
            while more := {n for e in self.arcs if e & part for n in e} - part:
                part |= more
            found.append(frozenset(part))
            left -= part
        return found

    def id(self, y: Names, x: Names) -> bool:
        """Shpitser, Pearl 2006, figure 3: whether `P(y | do(x))` is identifiable."""
        v = self.nodes
        if not x:  # line 1
            return True
        above = self.ancestors(y)
        if v - above:  # line 2
            return self.on(above).id(y, x & above)
        w = v - x - self.bar(x).ancestors(y)
        if w:  # line 3
            return self.id(y, x | w)
        parts = self.on(v - x).districts()
        if len(parts) > 1:  # line 4
            return all(self.id(s, v - s) for s in parts)
        (s,) = parts
        whole = self.districts()
        if whole == [v]:  # line 5
            return False
        if s in whole:  # line 6
            return True
        (around,) = (d for d in whole if s < d)  # line 7
        return self.on(around).id(y, x & around)

    def idc(self, y: Names, x: Names, z: Names) -> bool:
        """Shpitser, Pearl 2006 (UAI), figure 6: whether `P(y | do(x), z)` is identifiable."""
        for one in sorted(z):
            deaf = self.bar(x)
            deaf = Mixed(deaf.nodes, frozenset(e for e in deaf.arrows if e[0] != one), deaf.arcs)
            if deaf.apart(y, frozenset([one]), x | (z - {one})):
                return self.idc(y, x | {one}, z - {one})
        return self.id(y | z, x)

    def apart(self, left: Names, right: Names, given: Names) -> bool:
        """Separation in Lauritzen's moral graph, hidden causes put in."""
        arrows = set(self.arrows) | {(f"U {a} {b}", c) for a, b in map(sorted, self.arcs) for c in (a, b)}
        near = set(left | right | given)
        while more := {a for a, b in arrows if b in near} - near:
            near |= more
        arrows = {e for e in arrows if near.issuperset(e)}
        joined = {frozenset(e) for e in arrows}
        joined |= {frozenset((a, b)) for a, c in arrows for b, d in arrows if c == d and a != b}
        seen, stack = set(left - given), list(left - given)
        while stack:
            n = stack.pop()
            for e in joined:
                if n in e:
                    (other,) = e - {n}
                    if other not in seen and other not in given:
                        seen.add(other)
                        stack.append(other)
        return not seen & right

    def hidden(self, names: Names) -> Mixed:
        """The graph on the other vertices (Verma's latent projection), one vertex taken out at a time."""
        g = self
        for n in sorted(names):
            into = {a for a, b in g.arrows if b == n}
            out = {b for a, b in g.arrows if a == n}
            friends = {m for e in g.arcs if n in e for m in e - {n}}
            arrows = {e for e in g.arrows if n not in e} | {(a, b) for a in into for b in out}
            arcs = {e for e in g.arcs if n not in e}
            arcs |= {frozenset((a, b)) for a in out for b in out | friends if a != b}
            g = Mixed(g.nodes - {n}, frozenset(arrows), frozenset(arcs))
        return g


def all_graphs(n: int) -> Iterator[Mixed]:
    """All graphs on the first letters, in that order."""
    names = "ABCD"[:n]
    pairs = list(itertools.combinations(names, 2))
    for chosen in itertools.product([0, 1], repeat=2 * len(pairs)):
        arrows, arcs = chosen[: len(pairs)], chosen[len(pairs) :]
        yield Mixed.of(names, itertools.compress(pairs, arrows), itertools.compress(pairs, arcs))


def all_questions(nodes: Iterable[str]) -> Iterator[tuple[Names, Names, Names]]:
    """All outcomes, treatments and conditions."""
    names = sorted(nodes)
    for parts in itertools.product("yxz-", repeat=len(names)):
        y, x, z = (frozenset(n for n, part in zip(names, parts, strict=True) if part == k) for k in "yxz")
        if y:
            yield y, x, z


def verdict(g: Mixed, y: Iterable[str], x: Iterable[str], z: Iterable[str] = ()) -> bool:
    graph = g.graph
    return identifiable(graph, graph.mask(y), graph.mask(x), graph.mask(z))


def asked(y: Iterable[str], x: Iterable[str], z: Iterable[str] = ()) -> Query:
    """`P(y | do(x), z)`, all values free."""
    return Query(tuple(map(Term, sorted(y))), tuple(map(Term, sorted(z))), tuple(map(Open, sorted(x))))


@pytest.mark.parametrize("n", [2, 3])
def test_all_small_graphs(n: int) -> None:
    """Every question about every graph of two and three variables: the verdict of the textbook."""
    cases = 0
    for g in all_graphs(n):
        for y, x, z in all_questions(g.nodes):
            assert verdict(g, y, x, z) == g.idc(y, x, z), (g, y, x, z)
            cases += 1

    assert cases == {2: 28, 3: 2368}[n]


@pytest.mark.parametrize("conditions", [False, True])
def test_random_graphs(conditions: bool) -> None:
    """The textbook's verdict on a sample of graphs of four to seven variables."""
    rnd, refused = random.Random(1), 0
    for _ in range(1500):
        names = "ABCDEFG"[: rnd.choice([4, 4, 4, 5, 6, 7])]
        pairs = list(itertools.combinations(names, 2))
        arrows, arcs = ([e for e in pairs if rnd.random() < share] for share in (rnd.random(), rnd.random() * 0.6))
        g = Mixed.of(names, arrows, arcs)
        kinds = rnd.choices("yxz-" if conditions else "yx--", k=len(names))
        y, x, z = (frozenset(n for n, kind in zip(names, kinds, strict=True) if kind == k) for k in "yxz")
        if y:
            wanted = g.idc(y, x, z)
            refused += not wanted
            assert verdict(g, y, x, z) == wanted, (g, y, x, z)

    assert refused > 100


def test_the_front_asks_the_same() -> None:
    """`identify` on a model says what the graph says, whatever hides behind the bidirected edges."""
    rnd = random.Random(2)
    for _ in range(300):
        names = "ABCDE"[: rnd.choice([3, 4, 5])]
        pairs = list(itertools.combinations(names, 2))
        arrows, arcs = ([e for e in pairs if rnd.random() < share] for share in (0.5, 0.4))
        g = Mixed.of(names, arrows, arcs)
        y, x, z = rnd.choice(list(all_questions(names)))

        assert isinstance(identify(g.model, asked(y, x, z)), Identified) == verdict(g, y, x, z)


def test_treatments_among_the_outcomes() -> None:
    """What is set and asked for is known: the others decide."""
    for g in all_graphs(3):
        for y, x, _ in all_questions(g.nodes):
            for both in x:
                query = Query(tuple(map(Term, sorted(y | {both}))), (), tuple(Do(n, "1") for n in sorted(x)))
                assert isinstance(identify(g.model, query), Identified) == g.id(y, x)


# ---- no theory at all ------------------------------------------------------------------------------------------------


def follows(model: CausalModel, query: Query, given: Sequence[Given], seed: int = 0) -> bool:
    """Whether, near a random model modulo a prime, the effect stands still whenever what is given does."""
    rng = np.random.default_rng(seed)
    base = {n: (axes[1:], array[0]) for n, (axes, array) in random_factors(model, P, rng, 1).items()}
    set_ = tuple(s.variable for s in query.surgeries)
    names = tuple(t.variable for t in (*query.given, *query.targets))
    behind = tuple(t.variable for t in query.given)
    known, wanted = [], []
    above, below = after(model, base, set_, names, P), after(model, base, set_, behind, P)
    below = below.reshape(below.shape + (1,) * (above.ndim - below.ndim))
    for n, (axes, array) in base.items():
        width = array.shape[-1]
        moves = np.zeros((array.size // width, width - 1, array.size // width, width), dtype=np.int64)
        for k, j in np.ndindex(moves.shape[:2]):
            moves[k, j, k, j], moves[k, j, k, -1] = 1, P - 1
        moved: dict[str, Factor] = {**base, n: ((DRAW, *axes), moves.reshape(-1, *array.shape))}
        count = moves.shape[0] * moves.shape[1]
        known.append(np.concatenate([_rows(model, moved, n, g.done, g.variables, count) for g in given], axis=1))
        up = _rows(model, moved, n, set_, names, count).reshape(count, *above.shape)
        down = _rows(model, moved, n, set_, behind, count) if behind else np.zeros((count, 1), dtype=np.int64)
        down = down.reshape(count, *below.shape) if behind else down.reshape(count, *(1,) * above.ndim)
        wanted.append(((up * below % P - above * down % P) % P).reshape(count, -1))
    rows = np.concatenate(known)
    return rank(rows) == rank(np.concatenate([rows, np.concatenate(wanted)], axis=1))


def _rows(
    model: CausalModel, moved: Mapping[str, Factor], n: str, set_: Sequence[str], names: Sequence[str], count: int
) -> np.ndarray:
    """The change of a joint with each move of the mechanism of `n`; none if it has no part in it."""
    cells = int(np.prod([len(model.object(m).values or ()) for m in (*set_, *names)], dtype=int))
    above, waiting = set[str](), [m for m in names if m not in set_]
    while waiting:
        m = waiting.pop()
        if m not in above:
            above.add(m)
            waiting += [q for q in model.mechanisms[m].parents if q not in set_]
    if n not in above:
        return np.zeros((count, cells), dtype=np.int64)
    return after(model, moved, set_, names, P).reshape(count, cells)


def rank(matrix: np.ndarray) -> int:
    """The rank modulo a prime."""
    rows, found = matrix % P, 0
    for column in range(rows.shape[1]):
        below = np.flatnonzero(rows[found:, column])
        if below.size:
            at = found + int(below[0])
            rows[[found, at]] = rows[[at, found]]
            rows[found] = rows[found] * pow(int(rows[found, column]), -1, P) % P
            rows[found + 1 :] = (rows[found + 1 :] - rows[found + 1 :, column][:, None] * rows[found]) % P
            found += 1
    return found


def with_latents(model: CausalModel, count: int) -> CausalModel:
    """The model with so many values for every hidden cause."""
    return model.with_values({u: tuple(map(str, range(count))) for u in model.latents})


def settled(model: CausalModel, query: Query, given: Sequence[Given]) -> bool:
    """Whether an effect follows by `follows`, hidden causes of two, three and four values."""
    return all(follows(with_latents(model, k), query, given) for k in (2, 3, 4))


def test_the_oracle_itself() -> None:
    """The bow does not follow, the front door does; with the joint under the intervention anything does."""
    bow, front = shape("X->Y", "X-Y"), shape("S->T T->C", "S-C")
    assert not follows(bow, asked("Y", "X"), [Given(("X", "Y"))])
    assert follows(bow, asked("Y", "X"), [Given(("Y",), ("X",))])
    assert follows(front, asked("C", "S"), [Given(("S", "T", "C"))])
    assert not follows(front, asked("C", "S"), [Given(("S", "C"))])


def test_verdicts_by_rank() -> None:
    """On small graphs the verdict is what the gradients say, for questions with and without conditions."""
    rnd, refused = random.Random(5), 0
    cases = [(g, q) for g in all_graphs(3) for q in all_questions(g.nodes) if q[1] and len(g.arcs) > 0]
    for g, (y, x, z) in rnd.sample(cases, 150):
        query, given = asked(y, x, z), [Given(tuple(sorted(g.nodes)))]
        found = isinstance(identify(g.model, query), Identified)
        refused += not found
        assert settled(g.model, query, given) == found, (g, y, x, z)

    assert refused > 10


def test_experiments_by_rank() -> None:
    """Several distributions that all speak of everything: what follows, and nothing else (Lee et al. 2019)."""
    rnd, refused, of_use = random.Random(6), 0, 0
    for _ in range(130):
        model = random_shape(rnd, rnd.choice([3, 3, 4]), directed=0.6, bidirected=0.6)
        given = [whole(model, rnd.sample(model.observed, rnd.choice([0, 1, 1, 2]))) for _ in range(rnd.choice([1, 2]))]
        given = list(dict.fromkeys(given))
        seen = [n for n in model.observed if any(n in g.variables for g in given)]
        y = rnd.choice(seen)
        rest = rnd.sample([n for n in model.observed if n != y], len(model.observed) - 1)
        x = rest[: rnd.choice([1, 1, 2])]
        z = [n for n in rest[2:] if n in seen] if rnd.random() < 0.3 else []
        found = isinstance(identify(model, asked([y], x, z), given), Identified)
        refused += not found
        of_use += found and not isinstance(identify(model, asked([y], x, z)), Identified)
        assert settled(model, asked([y], x, z), given) == found, (model.graph, y, x, z, list(map(str, given)))

    assert refused > 15
    assert of_use > 5


def whole(model: CausalModel, done: Iterable[str]) -> Given:
    """All other variables, once some have been set."""
    done = tuple(n for n in model.observed if n in set(done))
    return Given(tuple(n for n in model.observed if n not in done), done)


def test_parts_are_never_overstated() -> None:
    """Of distributions of some variables each, only what follows is said to."""
    rnd, answers = random.Random(7), 0
    for _ in range(160):
        model = random_shape(rnd, rnd.choice([3, 4]), directed=0.6, bidirected=0.4)
        given = []
        for _ in range(2):
            names = rnd.sample(model.observed, rnd.randint(2, len(model.observed)))
            cut = rnd.choice([0, 0, 1])
            given.append(Given(tuple(names[cut:]), tuple(names[:cut])))
        seen = sorted({n for g in given for n in g.variables})
        y = rnd.choice(seen)
        spoken = sorted({n for g in given for n in (*g.variables, *g.done)} - {y})
        if not spoken:
            continue
        query = asked([y], rnd.sample(spoken, 1))
        if isinstance(identify(model, query, given), Identified):
            answers += 1
            assert follows(with_latents(model, 3), query, given), (model.graph, str(query), list(map(str, given)))

    assert answers > 60


def test_more_is_never_less() -> None:
    """What follows from one of several given distributions follows from all of them."""
    rnd, seen = random.Random(10), 0
    while seen < 150:
        model = random_shape(rnd, rnd.choice([3, 4]), directed=0.5, bidirected=0.3)
        given = []
        for _ in range(2):
            names = rnd.sample(model.observed, rnd.randint(2, len(model.observed)))
            cut = rnd.choice([0, 0, 1])
            given.append(Given(tuple(names[cut:]), tuple(names[:cut])))
        one = given[0]
        y = rnd.choice(one.variables)
        x = rnd.choice([n for n in (*one.variables, *one.done) if n != y] or [y])
        if x == y or not isinstance(identify(model, asked([y], [x]), [one]), Identified):
            continue
        seen += 1
        for both in (given, given[::-1]):
            found = identify(model, asked([y], [x]), both)
            assert isinstance(found, Identified), (model.graph, y, x, list(map(str, both)))


# ---- marginals and experiments ---------------------------------------------------------------------------------------


def test_a_marginal_is_a_projection() -> None:
    """Some variables given: the verdict and the formula are those of the graph in which the others are hidden."""
    rnd, answers = random.Random(8), 0
    for _ in range(250):
        names = "ABCDE"[: rnd.choice([3, 4, 5])]
        pairs = list(itertools.combinations(names, 2))
        arrows, arcs = ([e for e in pairs if rnd.random() < share] for share in (0.55, 0.25))
        g = Mixed.of(names, arrows, arcs)
        seen = sorted(rnd.sample(names, rnd.randint(2, len(names))))
        y, x, z = rnd.choice(list(all_questions(seen)))
        found = identify(g.model, asked(y, x, z), [Given(tuple(seen))])
        alone = identify(g.hidden(frozenset(names) - set(seen)).model, asked(y, x, z))
        assert isinstance(found, Identified) == isinstance(alone, Identified)
        if isinstance(found, Identified) and isinstance(alone, Identified):
            answers += 1
            assert str(formula(found)) == str(formula(alone))
            assert_right(g.model, found)

    assert answers > 120


def assert_right(model: CausalModel, found: Identified, seed: int = 0) -> None:
    """The formula of an answer is the truth in three random models modulo a prime, whatever its free names are."""
    factors = random_factors(model, P, np.random.default_rng(seed), 3)
    joints = given_joints(model, factors, found.given, P)

    def values(name: str) -> Sequence[str]:
        return model.object(name).values or ()

    told = worth(formula(found), lambda q: conditional(q, found.given, joints, values, P), values, P)
    assert not differs(told, answered_by(model, factors, found.asked, P)), (str(found.asked), str(formula(found)))


GID = {
    "Lee, Correa, Bareinboim 2019, figure 1": (
        ("X1->W W->Y X2->Y", "X1-W X1-X2 X2-Y"),
        ("Y", "X1 X2"),
        ["W X2 Y | X1", "W X1 Y | X2"],
        "sum[w : W] P(Y | do(X2), w) * P(w | do(X1))",
    ),
    "the same, without experiments": (("X1->W W->Y X2->Y", "X1-W X1-X2 X2-Y"), ("Y", "X1 X2"), ["X1 X2 W Y"], None),
    "ancestral experiments": (
        ("X1->W W->Y X2->Y", "X1-W X1-X2 X2-Y"),
        ("Y", "X1 X2"),
        ["W | X1", "W X1 Y | X2"],
        "sum[w : W] P(Y | do(X2), w) * P(w | do(X1))",
    ),
    "a chain, no single experiment will do": (
        ("A->X X->W W->Y", "X-W W-Y"),
        ("Y", "A"),
        ["W Y | A X", "X W | A Y"],
        None,
    ),
    "a shorter chain": (("A->X X->Y", "X-Y"), ("Y", "A"), ["Y | A X", "X | A Y"], None),
    "z-identification (Bareinboim, Pearl 2012), figure 1a": (
        ("Z->X X->Y", "X-Z Y-Z"),
        ("Y", "X"),
        ["Z X Y", "X Y | Z"],
        "P(Y | do(Z := z), X)",
    ),
    "z-identification, figure 1c: no": (("X->Y Z->Y", "X-Z Y-Z"), ("Y", "X"), ["Z X Y", "X Y | Z"], None),
    "z-identification, by R's causaleffect": (
        ("W->Y W->Z X->Y Z->X", "W-Y X-Z Y-Z"),
        ("Y", "X"),
        ["W Z X Y", "W X Y | Z"],
        "sum[w : W] P(Y | do(Z := z), w, X) * P(w | do(Z := z))",
    ),
    "the experiment itself": (("X->Y", "X-Y"), ("Y", "X"), ["X Y", "Y | X"], "P(Y | do(X))"),
    "a mediator that was set": (("X->Z Z->Y", "X-Z Z-Y X-Y"), ("Y", "X"), ["X Z Y", "X Y | Z"], None),
    "a chain, an experiment for each link": (
        ("X->M M->Y", "X-M"),
        ("Y", "X"),
        ["M | X", "X Y | M"],
        "sum[m : M] P(Y | do(M := m)) * P(m | do(X))",
    ),
    "an experiment for the first link, data for the second": (
        ("X->M M->Y", "X-M"),
        ("Y", "X"),
        ["X M Y", "M | X"],
        "sum[m : M] P(Y | m) * P(m | do(X))",
    ),
    "an experiment for the first link, a hedge in the second": (
        ("X->M M->Y", "X-M X-Y"),
        ("Y", "X"),
        ["X M Y", "M | X"],
        None,
    ),
    "a thicket: each experiment leaves a hedge": (
        ("X->A A->Y", "X-A A-Y X-Y"),
        ("Y", "X"),
        ["X A Y", "A X | Y"],
        None,
    ),
}
"""Edges, outcomes and treatments, what is given (seen | set), and the formula where there is one."""


def given_of(text: str) -> Given:
    seen, _, set_ = text.partition("|")
    return Given(tuple(seen.split()), tuple(set_.split()))


@pytest.mark.parametrize("name", GID)
def test_surrogate_experiments(name: str) -> None:
    """Published cases of several given distributions: verdict, formula, truth."""
    edges, (y, x), texts, printed = GID[name]
    model, given = shape(*edges), [given_of(t) for t in texts]
    query = asked(y.split(), x.split())
    found = identify(model, query, given)

    assert isinstance(found, Identified) == (printed is not None)
    if isinstance(found, Identified):
        assert_right(model, found)
        assert str(formula(found)) == printed
    else:
        assert not settled(model, query, given)


def test_experiments_that_set_what_comes_later() -> None:
    """An experiment may set what comes behind: the two kernels then read each other, and still make an answer.

    X -> Y -> Z: P(Y | do(Z)) is P(Y | do(X), Z) averaged over P(X | do(Y, Z)).
    """
    model = shape("X->Y Y->Z")
    given = [Given(("Y",), ("X", "Z")), Given(("X",), ("Y", "Z"))]
    found = identify(model, asked("Y", "Z"), given)

    assert isinstance(found, Identified)
    assert_right(model, found)


def test_the_effect_of_what_nobody_speaks_of() -> None:
    """A treatment or an outcome that no given distribution mentions."""
    assert isinstance(identify(shape("X->Y"), asked("Y", "X"), [Given(("Y",))]), NotIdentified)
    assert isinstance(identify(shape("Y->X"), asked("Y", "X"), [Given(("Y",))]), Identified)
    assert isinstance(identify(shape("X->Y"), asked("Y", "X"), [Given(("X",))]), NotIdentified)


def test_fewer_distributions_can_do_more() -> None:
    """What one of them speaks of need not be known where another does without."""
    model = shape("V1->V2", nodes="V0 V1 V2")
    for query in (asked(("V2",), ("V0",)), Query(terms("V2"))):
        found = identify(model, query, [Given(("V2",)), Given(("V0", "V1"))])
        assert isinstance(found, Identified)
        assert_right(model, found)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Given(("X", "U_X_Y")), "E003"),
        (Given(("Y",), ("U_X_Y",)), "E003"),
        (Given(("X", "Y"), ("X",)), "E005"),
        (Given(()), "E005"),
        (Given((), ("X",)), "E005"),
        (Given(("X", "Q")), "N002"),
        (Given(("X",), ("Q",)), "N002"),
    ],
)
def test_what_cannot_be_given(given: Given, code: str) -> None:
    """Latent and unknown variables, what is seen and set at once, nothing at all."""
    with pytest.raises(QueryError) as refused:
        identify(shape("X->Y", "X-Y"), asked("Y", "X"), [given])

    assert refused.value.diagnostic.code == code


# ---- why not ---------------------------------------------------------------------------------------------------------


def test_hedges_are_hedges() -> None:
    """What stands in the way is what Shpitser and Pearl define: two sets, connected, one rooted in the other."""
    rnd, seen = random.Random(9), 0
    for _ in range(400):
        names = "ABCDEF"[: rnd.choice([3, 4, 5, 6])]
        pairs = list(itertools.combinations(names, 2))
        arrows, arcs = ([e for e in pairs if rnd.random() < share] for share in (0.5, 0.5))
        g = Mixed.of(names, arrows, arcs)
        x, y = frozenset(rnd.sample(names, rnd.choice([1, 2]))), frozenset(rnd.sample(names, 1))
        x -= y
        found = identify(g.model, asked(y, x))
        if isinstance(found, Identified):
            continue
        seen += 1
        assert isinstance(found.obstacle, Hedge)
        h = found.obstacle
        forest, inner = frozenset(h.graph.show(h.forest)), frozenset(h.graph.show(h.inner))
        assert inner < forest
        assert forest - inner & x
        assert not inner & x
        assert g.on(forest).districts() == [forest]
        assert g.on(inner).districts() == [inner]
        assert g.on(forest).ancestors(inner) == forest
        assert inner <= g.on(g.nodes - x).ancestors(y)
        both = [", ".join(h.graph.show(mask)) for mask in (h.forest, h.inner)]
        assert str(h) == f"{{{both[0]}}} and {{{both[1]}}} form a hedge"

    assert seen > 70


def test_smallest_parts() -> None:
    """Without any edge of a core the effect follows; another order of the edges may lead to another core."""
    g = shape("V0->V2 V1->V2 V0->V1", "V0-V2 V1-V2 V0-V1", "V0 V1 V2").graph
    cores = {core(g, g.mask(["V2"]), g.mask(["V1"]), rnd=random.Random(k)).graph for k in range(12)}
    assert len(cores) > 1
    for c in (core(g, g.mask(["V2"]), g.mask(["V1"])).graph, *cores):
        assert not identifiable(c, c.mask(["V2"]), c.mask(["V1"]))
        arrows = [(1 << p, v) for v, mask in enumerate(c.parents) for p in bits(mask)]
        for p, v in arrows:
            parents = tuple(m & ~p if k == v else m for k, m in enumerate(c.parents))
            assert identifiable(Graph(c.names, parents, c.spouses), c.mask(["V2"]), c.mask(["V1"]))
        for u, v in [(u, v) for v, mask in enumerate(c.spouses) for u in bits(mask) if u < v]:
            lost = {u: 1 << v, v: 1 << u}
            spouses = tuple(m & ~lost.get(k, 0) for k, m in enumerate(c.spouses))
            assert identifiable(Graph(c.names, c.parents, spouses), c.mask(["V2"]), c.mask(["V1"]))


def test_what_nobody_saw() -> None:
    """Where no given distribution speaks of a district, that is said, with the names."""
    found = identify(shape("X->Y"), asked("Y", "X"), [Given(("X",), ("Y",)), Given(("Y",))])

    assert isinstance(found, NotIdentified)
    assert isinstance(found.obstacle, Unseen)
    assert str(found.obstacle).startswith("nothing that is given tells of")


# ---- textbook cases --------------------------------------------------------------------------------------------------

Row = tuple[str, str, str, str, str, str | None]

TEXTBOOK: dict[str, Row] = {
    "an arrow": ("X->Y", "", "Y", "X", "", "P(Y | X)"),
    "a chain": ("W->X X->Y", "", "Y", "X", "", "P(Y | X)"),
    "no arrow": ("", "X-Y", "Y", "X", "", "P(Y)"),
    "back door": ("Z->X Z->Y X->Y", "", "Y", "X", "", "sum[z : Z] P(Y | z, X) * P(z)"),
    "back door by one of two": ("A->B A->X B->Y X->Y", "", "Y", "X", "", "sum[b : B] P(b) * P(Y | b, X)"),
    "back door, confounded with the treatment": (
        "Z->X Z->Y X->Y",
        "Z-X",
        "Y",
        "X",
        "",
        "sum[z : Z] P(Y | z, X) * P(z)",
    ),
    "back door, confounded with the outcome": ("Z->X Z->Y X->Y", "Z-Y", "Y", "X", "", "sum[z : Z] P(Y | z, X) * P(z)"),
    "M-bias": ("X->Y", "X-Z Z-Y", "Y", "X", "", "P(Y | X)"),
    "butterfly": ("Z->X Z->Y X->Y", "X-Z Z-Y", "Y", "X", "", None),
    "front door": ("X->M M->Y", "X-Y", "Y", "X", "", "sum[m : M] P(m | X) * sum[x' : X] P(Y | x', m) * P(x')"),
    "front door by two": (
        "X->A X->B A->Y B->Y",
        "X-Y",
        "Y",
        "X",
        "",
        "sum[a : A] P(a | X) * sum[b : B] P(b | X) * sum[x' : X] P(Y | x', a, b) * P(x')",
    ),
    "front door, mediator confounded with the treatment": ("X->M M->Y", "X-Y X-M", "Y", "X", "", None),
    "front door, mediator confounded with the outcome": ("X->M M->Y", "X-Y M-Y", "Y", "X", "", None),
    "front door with a common cause": (
        "W->X W->Z X->Z Z->Y",
        "X-Y",
        "Y",
        "X",
        "",
        "sum[w : W] P(w) * sum[z : Z] P(z | w, X) * sum[x' : X] P(Y | w, x', z) * P(x' | w)",
    ),
    "napkin": (
        "W->R R->X X->Y",
        "W-X W-Y",
        "Y",
        "X",
        "",
        "(sum[w : W] P(X, Y | w, r) * P(w)) / sum[w : W] P(X | w, r) * P(w)",
    ),
    "napkin, the step before": ("W->R R->X X->Y", "W-X W-Y", "X Y", "R", "", "?"),
    "Verma, do(C)": ("A->B B->C C->D", "B-D", "D", "C", "", "sum[b' : B] P(D | a, b', C) * P(b' | a)"),
    "Verma, do(B)": (
        "A->B B->C C->D",
        "B-D",
        "D",
        "B",
        "",
        "sum[c : C] P(c | B) * sum[b' : B] P(D | a, b', c) * P(b' | a)",
    ),
    "bow": ("X->Y", "X-Y", "Y", "X", "", None),
    "instrument": ("Z->X X->Y", "X-Y", "Y", "X", "", None),
    "instrument on the treatment": ("Z->X X->Y", "X-Y", "X", "Z", "", "P(X | Z)"),
    "instrument on the outcome": ("Z->X X->Y", "X-Y", "Y", "Z", "", "P(Y | Z)"),
    "an instrument seen": ("Z->X X->Y", "X-Y", "Y", "X", "Z", None),
    "one hole is not enough": (
        "X->B1 B1->C1 C1->B2",
        "B1-B2 X-C1",
        "B1 C1 B2",
        "X",
        "",
        "P(B2 | X, B1, C1) * P(B1 | X) * sum[x' : X] P(C1 | x', B1) * P(x')",
    ),
    "Shpitser and Pearl, figure 3a": ("W1->X W2->Y2 X->Y1", "W1-W2 W1-Y1 W1-Y2 W2-X", "Y1 Y2", "X", "", "?"),
    "Shpitser and Pearl, figure 3b": ("W1->W2 W1->X W2->Y2 X->Y1", "W1-W2 W1-Y1 W1-Y2 W2-X", "Y1 Y2", "X", "", None),
    "a napkin with a hedge": ("W1->X W2->W1 X->Y W2->X", "W1-W2 X-W2 W1-Y", "Y", "X", "", None),
    "Tian and Pearl, section 4.6": (
        "W1->W2 W2->X W3->W4 W4->X X->Y",
        "W1-W3 W1-X W1-Y W2-W3 W3-W5 W4-W5",
        "Y",
        "W1 W2 W3 W4 W5 X",
        "",
        "?",
    ),
    "Pearl, figure 3.8g": (
        "X->Z1 Z1->Y Z2->X Z2->Z1 Z2->Z3 Z3->Y",
        "X-Y X-Z2 X-Z3 Y-Z2",
        "Y",
        "X",
        "",
        "?",
    ),
    "Pearl, figure 3.9b": ("X->Z Z->Y", "X-Z", "Y", "X", "", None),
    "Pearl, figure 3.9d": ("X->Y Z->Y", "X-Z Y-Z", "Y", "X", "", None),
    "Pearl, figure 3.9e": ("X->Y Z->X", "X-Z Y-Z", "Y", "X", "", None),
    "Pearl, figure 3.9g": ("X->Z1 Z1->Y Z2->Y", "X-Z2 Z1-Z2", "Y", "X", "", None),
    "two stages (Pearl, Robins 1995)": (
        "X1->X2 X1->Y X1->Z X2->Y Z->X2",
        "X1-Z Y-Z",
        "Y",
        "X1 X2",
        "",
        "sum[z : Z] P(Y | X1, X2, z) * P(z | X1)",
    ),
    "two treatments": (
        "X->M M->Y W->Y Z->W",
        "X-Y",
        "Y",
        "X W",
        "",
        "sum[m : M] P(m | X) * sum[x' : X] P(Y | x', m, W) * P(x')",
    ),
    "five Vs": (
        "V1->V2 V2->V3 V3->V4 V4->V5",
        "V1-V3 V2-V4 V3-V5",
        "V5",
        "V1",
        "",
        "sum[v2 : V2] P(v2 | V1) * sum[v3 : V3, v4 : V4] P(v4 | V1, v2, v3) * "
        "sum[v1' : V1] P(V5 | v1', v2, v3, v4) * P(v3 | v1', v2) * P(v1')",
    ),
    "a treatment that leads nowhere": ("U->V", "U-X X-V", "V", "X", "", "P(V)"),
    "two outcomes": ("A->Y C->A C->Y D->A D->Y", "", "Y D", "A", "", "P(D) * sum[c : C] P(Y | A, c, D) * P(c)"),
    "front door, the mediator seen": ("S->T T->C", "S-C", "C", "S", "T", "sum[s' : S] P(C | s', T) * P(s')"),
    "front door, the mediator set": ("S->T T->C", "S-C", "C", "S T", "", "sum[s' : S] P(C | s', T) * P(s')"),
    "a chain, its start seen": ("W->X X->Y", "", "Y", "X", "W", "P(Y | W, X)"),
    "back door, the cause seen": ("Z->X Z->Y X->Y", "", "Y", "X", "Z", "P(Y | Z, X)"),
    "the treatment confounded with what is seen": ("X->Z Z->Y", "X-Z", "Y", "X", "Z", "P(Y | Z)"),
    "front door with a common cause, the mediator seen": (
        "W->X W->Z X->Z Z->Y",
        "X-Y",
        "Y",
        "X",
        "Z",
        "sum[x' : X] P(Y | w, x', Z) * P(x' | w)",
    ),
    "no hidden cause, what comes behind seen": ("V1->V0 V1->V3 V0->V2 V2->V3", "", "V3", "V0", "V2", "?"),
    "a collider seen": ("V0->V1 V2->V1 V2->V3 V1->V3", "V0-V2 V0-V3", "V3", "V1", "V2", "?"),
    "two seen, one of them behind": (
        "V0->V2 V0->V1 V0->V3 V2->V3",
        "V0-V3 V2-V1 V2-V3",
        "V1",
        "V0",
        "V2 V3",
        None,
    ),
    "what is seen opens no path": ("A->B C->D", "A-D", "B", "A", "C", "P(B | A, C)"),
    "confounded mediation": ("X->Z Z->Y", "X-Z", "Y", "X", "", None),
}
"""Edges, outcomes, treatments, conditions, and the formula: `None` if there is none, "?" if any right one will do."""


@pytest.mark.parametrize("name", TEXTBOOK)
def test_textbook(name: str) -> None:
    """Verdict and printed formula of a known case; on random models the formula is the effect, else nothing follows."""
    directed, bidirected, y, x, z, printed = TEXTBOOK[name]
    model = shape(directed, bidirected, " ".join(sorted({*y.split(), *x.split()})) if not directed else "")
    query = Query(terms(y), terms(z), opened(x))
    found = identify(model, query)

    assert isinstance(found, Identified) == (printed is not None)
    if isinstance(found, Identified):
        assert_right(model, found)
        if printed != "?":
            assert str(formula(found)) == printed
    else:
        assert not settled(model, query, [Given(model.observed)])


def test_values_instead_of_axes() -> None:
    """Events of values: the verdict is the same, and what is set stands with its value in the formula."""
    front = shape("X->M M->Y", "X-Y")
    found = identify(front, Query((Term("Y", ("1",)),), (), do(X="0")))

    assert isinstance(found, Identified)
    assert str(formula(found)) == "sum[m : M] P(m | X = 0) * sum[x' : X] P(Y = 1 | x', m) * P(x')"


# ---- cases collected from other tools and from papers ----------------------------------------------------------------


def shared(name: str) -> Any:
    return json.loads((SHARED / name).read_text(encoding="utf-8"))


needs_cases = pytest.mark.skipif(not SHARED.is_dir(), reason="the collected cases are not here")


@needs_cases
def test_collected_cases() -> None:
    """All questions about interventions, with conditions and without, from the tests of other tools and from papers."""
    cases = 0
    for path in sorted(SHARED.glob("*.json")):
        data = shared(path.name)
        for case in data if isinstance(data, list) else []:
            if case["kind"] not in ("interventional", "conditional"):
                continue
            g = Mixed.of(case["nodes"], case["directed"], case["bidirected"])
            q = case["query"]
            sides = q["outcomes"], q["treatments"], q.get("conditions", ())
            found = identify(g.model, asked(*sides))
            assert isinstance(found, Identified) == case["expected"]["identifiable"], case["id"]
            if isinstance(found, Identified) and len(g.nodes) <= 8:
                assert_right(g.model, found)
            cases += 1

    assert cases >= 60


@needs_cases
def test_collected_experiments() -> None:
    """Several given distributions of one population, without selection."""
    cases = 0
    for path in sorted(SHARED.glob("*.json")):
        data = shared(path.name)
        for case in data if isinstance(data, list) else []:
            if case["kind"] != "transport" or any(a["population"] != "target" for a in case["available"]):
                continue
            if any("given" in a for a in case["available"]):
                continue
            g = Mixed.of(case["nodes"], case["directed"], case["bidirected"])
            given = [Given(tuple(a["of"]), tuple(a.get("do", ()))) for a in case["available"]]
            q = case["query"]
            found = identify(g.model, asked(q["outcomes"], q["treatments"], q.get("conditions", ())), given)
            assert isinstance(found, Identified) == case["expected"]["identifiable"], case["id"]
            if isinstance(found, Identified):
                assert_right(g.model, found)
            cases += 1

    assert cases >= 8


@needs_cases
def test_collected_graphs_of_four() -> None:
    """One effect of one variable on another, in a graph of each kind of up to four variables."""
    data = shared("admg4.json")
    for n, directed, bidirected, x, y, wanted, _ in data["iso"]:
        pairs = list(itertools.combinations(map(str, range(n)), 2))
        arrows, arcs = ([e for k, e in enumerate(pairs) if mask >> k & 1] for mask in (directed, bidirected))
        g = Mixed.of(map(str, range(n)), arrows, arcs)
        assert verdict(g, [str(y)], [str(x)]) == bool(wanted)
        assert g.id(frozenset([str(y)]), frozenset([str(x)])) == bool(wanted)


@needs_cases
def test_collected_random_graphs() -> None:
    """Random graphs of five to eight variables, among them all on which other tools were found wrong."""
    data = shared("admg_random.json")
    values = 0
    for _, n, directed, bidirected, y, x, z, wanted, wrong in data["rows"]:
        names = [f"V{k}" for k in range(n)]
        g = Mixed.of(names, *([(names[a], names[b]) for a, b in edges] for edges in (directed, bidirected)))
        sides = [[names[k] for k in side] for side in (y, x, z)]
        assert verdict(g, *sides) == bool(wanted)
        if wanted and wrong and n <= 6:
            values += 1
            found = identify(g.model, asked(*sides))
            assert isinstance(found, Identified)
            assert_right(g.model, found)

    assert values > 50


def test_masks_are_the_names() -> None:
    """A graph read from a model has the edges that the model was made of."""
    for g in itertools.islice(all_graphs(4), 0, 4096, 97):
        graph = g.graph
        assert {(graph.names[p], n) for v, n in enumerate(graph.names) for p in bits(graph.parents[v])} == g.arrows
        assert {
            frozenset((graph.names[u], n)) for v, n in enumerate(graph.names) for u in bits(graph.spouses[v])
        } == g.arcs
