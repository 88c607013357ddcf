"""Criteria for effects, against their definitions by paths, against complete identification, and against numbers.

The definitions are written once more in `ByPaths`, where they walk along every path and try every set. The numbers are
those of random models with explicit hidden causes: a criterion's formula has to give the effect in each of them.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from string import ascii_letters
from typing import Any

import numpy as np
import pytest

from strings.adjustment import (
    canonical_adjustment,
    causal_vertices,
    forbidden,
    is_adjustment,
    is_backdoor,
    minimal_adjustment,
    minimal_adjustments,
    minimal_backdoor,
    optimal_adjustment,
)
from strings.criteria import (
    criteria,
    front_door,
    instrument,
    is_front_door,
    is_instrument,
    one_hole,
    reached,
    tian_pearl,
)
from strings.graph import Graph, bits
from strings.identify import identifiable
from tests.strings.test_separation import (
    Paths,
    Way,
    bidirected_of,
    cases,
    every_graph,
    graph_of,
    minimal,
    mixed,
    random_graphs,
    random_sets,
    small_graphs,
    subsets,
    union,
)

Table = np.ndarray[Any, np.dtype[np.float64]]


class ByPaths:
    """The definitions, for one effect."""

    def __init__(self, paths: Paths, outcomes: int, treated: int) -> None:
        self.paths, self.y, self.x = paths, outcomes, treated
        self.rest = (1 << paths.size) - 1 & ~outcomes & ~treated
        proper = [w for w in paths.from_to(treated, outcomes) if w.proper(treated)]
        self.other = [w for w in proper if not w.causal]
        self.first = {w.vertices[:2] for w in proper if w.causal}
        self.causal = union(1 << v for w in proper if w.causal for v in w.vertices[1:])
        self.forbidden = paths.descendants(self.causal) | treated | outcomes

    def adjustment(self, z: int) -> bool:
        """Shpitser, VanderWeele, Robins 2010; Perković et al. 2018, definition 4."""
        return not z & self.forbidden and not any(self.paths.opened(w, z) for w in self.other)

    def adjustments(self) -> list[int]:
        return [z for z in subsets(self.rest) if self.adjustment(z)]

    def backdoor(self, z: int) -> bool:
        """Pearl 1995; 2009, definition 3.3.1."""
        ways = (w for w in self.paths.from_to(self.x, self.y) if not w.leaves(self.x))
        return not z & self.paths.descendants(self.x) and not any(self.paths.opened(w, z) for w in ways)

    def front_door(self, m: int) -> bool:
        """Pearl 1995; 2009, definition 3.3.3, with proper back-door paths."""
        directed = (w for w in self.paths.from_to(self.x, self.y) if w.causal)
        return (
            all(union(1 << v for v in w.vertices) & m for w in directed)
            and not any(self.paths.opened(w, 0) for w in self._backdoor_ways(self.x, m))
            and not any(self.paths.opened(w, self.x) for w in self._backdoor_ways(m, self.y))
        )

    def _backdoor_ways(self, left: int, right: int) -> Iterator[Way]:
        return (w for w in self.paths.from_to(left, right) if w.proper(left) and w.steps[0] in "<-")

    def instrument(self, i: int, w: int) -> bool:
        """Henckel, Buttenschoen, Maathuis 2024, theorem 1: the set `i`, given `w`."""
        if (i | w) & self.forbidden or i & w:
            return False
        kept = (way for way in self.paths.from_to(i, self.y) if not self._uses_first_edge(way))
        return not any(self.paths.opened(way, w) for way in kept) and not self.paths.separated(i, self.x, w)

    def _uses_first_edge(self, way: Way) -> bool:
        edges = zip(way.vertices, way.steps, way.vertices[1:], strict=False)
        return any((s == ">" and (u, v) in self.first) or (s == "<" and (v, u) in self.first) for u, s, v in edges)

    def holes(self, graph: Graph) -> Iterator[tuple[int, int, int]]:
        """Jacobs, Kissinger, Zanasi 2019, section 8: all ways to divide the others into before, inside and after."""
        others = [v for v in range(self.paths.size) if not self.x >> v & 1]
        for role in itertools.product(range(3), repeat=len(others)):
            before, inside, after = (
                union(1 << v for v, r in zip(others, role, strict=True) if r == k) for k in range(3)
            )
            fits = (
                not graph.parents_of(before | self.x) & ~before
                and not graph.parents_of(inside) & after
                and not graph.parents_of(after) & self.x
                and not any(graph.spouses[v] & ~inside for v in bits(inside))
            )
            if fits:
                yield before, inside, after


def effects(seed: int, per_graph: int = 1, larger: int = 4) -> Iterator[tuple[Graph, ByPaths]]:
    """Graphs, each with some random effects in it, of several treatments on several outcomes among them; mostly of an
    earlier variable on a later one."""
    rnd = random.Random(seed)
    for graph in (*every_graph(), *random_graphs(150, (6, 7), 2, 3)):
        n, paths = len(graph.names), Paths(graph)
        for k in range(per_graph if n <= 4 else larger):
            first, last = sorted(rnd.sample(range(n), 2))
            x, y = (1 << graph.order[i] for i in ((first, last) if rnd.random() < 0.8 else (last, first)))
            more, fewer = random_sets(rnd, n, (1, 1, 2)) if k % 3 == 2 or (n <= 4 and rnd.random() < 0.4) else (0, 0)
            x = x | (more & ~y)
            yield graph, ByPaths(paths, y | (fewer & ~x), x)


# Adjustment


def test_causal_paths_and_what_is_forbidden() -> None:
    """As a walk along every proper causal path finds them."""
    for graph, by in effects(1):
        assert causal_vertices(graph, by.y, by.x) == by.causal
        assert forbidden(graph, by.y, by.x) == by.forbidden


def test_validity_of_adjustment_and_of_back_door_sets() -> None:
    """Every set, overlapping ones included, is judged as the definitions by paths judge it."""
    for graph, by in effects(2, 1, 2):
        for z in subsets(graph.all):
            inside = not z & ~by.rest
            assert is_adjustment(graph, by.y, by.x, z) == (inside and by.adjustment(z))
            assert is_backdoor(graph, by.y, by.x, z) == (inside and by.backdoor(z))
            assert not is_backdoor(graph, by.y, by.x, z) or is_adjustment(graph, by.y, by.x, z)


def test_an_adjustment_set_is_found_if_there_is_one() -> None:
    """The canonical set is valid and the minimal ones minimal, exactly if search finds any that keeps to what is
    required and allowed; all minimal sets are listed, each once, the one found alone first."""
    rnd = random.Random(3)
    for k, (graph, by) in enumerate(effects(3)):
        required, allowed = (0, graph.all) if k % 2 else random_sets(rnd, len(graph.names), (1, 2, 1))
        if rnd.random() < 0.9:
            required &= ~by.forbidden
        sets = [z for z in by.adjustments() if not required & ~z and not z & ~(required | allowed)]
        limits = (graph, by.y, by.x, required, allowed)
        canonical, found = canonical_adjustment(*limits), minimal_adjustment(*limits)
        listed = list(minimal_adjustments(*limits))
        assert canonical in sets if sets else canonical is None
        assert len(listed) == len(set(listed))
        assert set(listed) == minimal(sets)
        assert found == (listed[0] if listed else None)

        backdoor = [z for z in subsets(by.rest) if by.backdoor(z) and not required & ~z]
        backdoor = [z for z in backdoor if not z & ~(required | allowed)]
        found = minimal_backdoor(*limits)
        assert found in minimal(backdoor) if backdoor else found is None


def test_what_is_required_can_need_its_ancestors() -> None:
    """X <-> R <- A <-> Y: with the collider R one has to adjust for A, an ancestor of neither X nor Y."""
    x, y, r, a = range(4)
    graph = mixed(4, [(x, y), (a, r)], [(x, r), (a, y)])
    limits = (graph, 1 << y, 1 << x, 1 << r)

    assert canonical_adjustment(*limits) == minimal_adjustment(*limits) == minimal_backdoor(*limits) == 1 << r | 1 << a
    assert list(minimal_adjustments(*limits)) == [1 << r | 1 << a]
    assert minimal_adjustment(*limits, 1 << r) is canonical_adjustment(*limits, 1 << r) is None
    assert minimal_adjustment(graph, 1 << y, 1 << x) == 0


def test_one_treatment_has_a_back_door_set_if_it_has_an_adjustment_set() -> None:
    """For one treatment the criterion of Pearl finds all effects that adjustment finds."""
    for graph, by in effects(4):
        if by.x.bit_count() == 1:
            assert (minimal_backdoor(graph, by.y, by.x) is None) == (minimal_adjustment(graph, by.y, by.x) is None)


def test_adjustment_and_front_door_imply_identifiability() -> None:
    """What a criterion finds, complete identification finds; without hidden causes, one treatment that has an effect
    can always be adjusted for, by its parents."""
    for graph, by in effects(5, 2, 6):
        x, y = by.x, by.y
        if minimal_adjustment(graph, y, x) is not None or front_door(graph, y, x) is not None:
            assert identifiable(graph, y, x)
        if not any(graph.spouses) and x.bit_count() == 1 and not y & ~by.paths.descendants(x):
            assert is_adjustment(graph, y, x, graph.parents_of(x))


def test_the_optimal_set_is_an_adjustment_set() -> None:
    """It is one of all that search finds; without hidden causes it exists if any does and all outcomes are affected
    (Henckel, Perković, Maathuis 2022)."""
    for graph, by in effects(6):
        found = optimal_adjustment(graph, by.y, by.x)
        if found is not None:
            assert by.adjustment(found)
        elif not any(graph.spouses) and not by.y & ~by.paths.descendants(by.x):
            assert not by.adjustments()


# Front door


def test_front_door_sets() -> None:
    """Validity is as by paths; a set is found if there is one, and it is minimal."""
    rnd = random.Random(7)
    for k, (graph, by) in enumerate(effects(7)):
        allowed = graph.all if k % 2 else rnd.randrange(graph.all + 1)
        sets = [m for m in subsets(by.rest) if by.front_door(m)]
        assert all(is_front_door(graph, by.y, by.x, m) == (m in sets) for m in subsets(graph.all))
        sets = [m for m in sets if not m & ~allowed]
        found = front_door(graph, by.y, by.x, allowed)
        assert found in minimal(sets) if sets else found is None


def test_what_open_paths_reach() -> None:
    """Every vertex by itself, with nothing to do with the others."""
    rnd = random.Random(8)
    for graph in every_graph():
        n, paths = len(graph.names), Paths(graph)
        start, given = random_sets(rnd, n, (2, 1, 3))
        assert reached(graph, start, given) == union(
            1 << v for v in range(n) if not given >> v & 1 and not paths.separated(start, 1 << v, given)
        )


# Instruments


def test_instruments() -> None:
    """Validity is as by paths, for sets; one is found if there is any, and those that are found are valid."""
    rnd = random.Random(9)
    for graph, by in effects(9, 1, 2):
        if by.x.bit_count() > 1 or by.y.bit_count() > 1:
            continue
        pairs = [(i, w) for i in subsets(by.rest) if i for w in subsets(by.rest & ~i)]
        valid = {p for p in pairs if by.instrument(*p)}
        assert all(is_instrument(graph, by.y, by.x, *p) == (p in valid) for p in pairs)
        for allowed in (graph.all, rnd.randrange(graph.all + 1)):
            fitting = {(i, w) for i, w in valid if not (i | w) & ~allowed}
            found = instrument(graph, by.y, by.x, allowed)
            assert found in fitting if fitting else found is None


# One treatment and everything else


def test_tian_pearl_decides_the_effect_on_everything() -> None:
    """The effect of one variable on all others is identifiable exactly if the criterion holds; on some outcomes, if it
    holds among their ancestors (Tian, Pearl 2002, theorems 3 and 4)."""
    for graph in every_graph():
        for v in range(len(graph.names)):
            x = 1 << v
            assert tian_pearl(graph, x) == identifiable(graph, graph.all & ~x, x)
            for y in range(len(graph.names)):
                if y != v and tian_pearl(graph, x, graph.ancestors(x | 1 << y)):
                    assert identifiable(graph, 1 << y, x)


def test_combs_with_one_hole() -> None:
    """The division into three parts is found if there is one, and no other has less inside; it needs the criterion of
    Tian and Pearl, and that does not suffice."""
    several = 0
    for graph in [*small_graphs(3), *small_graphs(4)[::3], *random_graphs(60, (5, 6))]:
        paths = Paths(graph)
        for v in range(len(graph.names)):
            holes = list(ByPaths(paths, 0, 1 << v).holes(graph))
            found = one_hole(graph, 1 << v)
            if found is None:
                assert not holes
                several += tian_pearl(graph, 1 << v)
                continue
            assert found in holes
            assert all(not found[1] & ~inside for _, inside, _ in holes)
            assert tian_pearl(graph, 1 << v)
    assert several > 20


def test_a_model_is_cut_down_before_the_hole_is_sought() -> None:
    """`within` is the same as leaving the other variables out."""
    for graph, by in effects(10):
        x = by.x & -by.x
        near = graph.ancestors(x | by.y & ~x)
        small = graph.keep(near)
        expected = one_hole(small, small.mask(graph.show(x)))
        found = one_hole(graph, x, near)
        assert (found and [*map(graph.show, found)]) == (expected and [*map(small.show, expected)])


# All of them


def test_every_criterion_that_is_reported_applies() -> None:
    """The sets that are named satisfy the criterion, and one that identifies the effect does so."""
    for graph, by in effects(11):
        found = criteria(graph, by.y, by.x)
        assert [c.name for c in found] == sorted((c.name for c in found), key=ORDER.index)
        if not identifiable(graph, by.y, by.x):
            assert {c.name for c in found} <= {"instrument"}
        for c in found:
            assert c.identifies == (c.name != "instrument")
            sets = {role: graph.mask(names) for role, names in c.sets}
            match c.name:
                case "back door":
                    assert by.backdoor(sets["covariates"])
                case "adjustment" | "optimal adjustment":
                    assert by.adjustment(sets["covariates"])
                case "front door":
                    assert by.front_door(sets["mediators"])
                case "instrument":
                    assert by.instrument(sets["instruments"], sets["given"])
                case "no causal path":
                    assert not by.causal
                case "Tian–Pearl":
                    assert not sets["children"] & sets["district"]
                    assert by.x & sets["district"]


ORDER = [
    "no causal path",
    "back door",
    "adjustment",
    "optimal adjustment",
    "front door",
    "Tian–Pearl",
    "comb with one hole",
    "instrument",
]


def test_every_criterion_that_applies_is_reported() -> None:
    """As search finds it; of one treatment, in the graph of the ancestors of treatment and outcomes."""
    seen: dict[str, int] = {}
    for graph, by in effects(12, 1, 2):
        if len(graph.names) > 5:
            continue
        near = graph.keep(graph.ancestors(by.x | by.y))
        x = near.mask(graph.show(by.x))
        one = x.bit_count() == 1
        pairs = ((i, w) for i in subsets(by.rest) if i for w in subsets(by.rest & ~i))
        applies = {
            "no causal path": not by.causal,
            "back door": any(map(by.backdoor, subsets(by.rest))),
            "adjustment": bool(by.adjustments()),
            "front door": bool(by.causal) and any(map(by.front_door, subsets(by.rest))),
            "Tian–Pearl": one and identifiable(near, near.all & ~x, x),
            "comb with one hole": one and any(ByPaths(Paths(near), 0, x).holes(near)),
            "instrument": one and by.y.bit_count() == 1 and any(by.instrument(*p) for p in pairs),
        }
        reported = {c.name for c in criteria(graph, by.y, by.x)} - {"optimal adjustment"}
        assert reported == {name for name, holds in applies.items() if holds}
        for name in reported:
            seen[name] = seen.get(name, 0) + 1
    assert min(seen.values()) > 20
    assert len(seen) == 7


def test_questions_that_make_no_sense() -> None:
    """A variable is not both treated and an outcome; some criteria are about one treatment and one outcome."""
    graph = mixed(3, [(0, 1), (1, 2)], [])
    for y, x in ((0b100, 0b100), (0, 0b1), (0b1, 0)):
        with pytest.raises(ValueError, match="outcomes and treatments"):
            criteria(graph, y, x)
    assert not is_adjustment(graph, 0b110, 0b010, 0)
    assert not is_backdoor(graph, 0b110, 0b010, 0)
    assert not is_front_door(graph, 0b110, 0b010, 0)
    assert minimal_adjustment(graph, 0b110, 0b010) is minimal_backdoor(graph, 0b110, 0b010) is None
    assert canonical_adjustment(graph, 0b110, 0b010) is front_door(graph, 0b110, 0b010) is None
    assert list(minimal_adjustments(graph, 0b110, 0b010)) == []
    for ask in (tian_pearl, one_hole):
        with pytest.raises(ValueError, match="one treatment"):
            ask(graph, 0b11)
    with pytest.raises(ValueError, match="one treatment"):
        instrument(graph, 0b110, 0b001)
    with pytest.raises(ValueError, match="one treatment"):
        is_instrument(graph, 0b100, 0b011, 0b001)


def test_large_graphs() -> None:
    """Long chains with hidden causes between neighbours but one: everything is found without delay."""
    n = 200
    edges = [(v, v + 1) for v in range(n - 1)]
    graph = mixed(n, edges, [(v, v + 2) for v in range(10, n - 2, 3)])
    x, y = 1 << n // 2, 1 << n - 1
    found = {c.name for c in criteria(graph, y, x)}

    assert "front door" in found or "Tian–Pearl" in found
    assert "no causal path" in {c.name for c in criteria(graph, x, y)}


# Numbers


def random_model(graph: Graph, rnd: np.random.Generator) -> tuple[list[Table], list[str]]:
    """A table for every variable and, behind them, for every hidden cause; and the letters of their axes."""
    n, hidden = len(graph.names), bidirected_of(graph)
    tables, axes = [], []
    for v in range(n):
        causes = [*bits(graph.parents[v]), *(n + k for k, e in enumerate(hidden) if v in e)]
        weights = rnd.uniform(0.1, 1.0, size=[2] * (len(causes) + 1)) ** 2
        tables.append(weights / weights.sum(-1, keepdims=True))
        axes.append("".join(ascii_letters[a] for a in [*causes, v]))
    for k in range(len(hidden)):
        weights = rnd.uniform(0.2, 1.0, size=2)
        tables.append(weights / weights.sum())
        axes.append(ascii_letters[n + k])
    return tables, axes


def distribution(graph: Graph, model: tuple[list[Table], list[str]], treated: int = 0) -> Table:
    """The joint of the observed variables; with `treated`, of the others for all values that those are set to."""
    n = len(graph.names)
    used = [(t, a) for v, (t, a) in enumerate(zip(*model, strict=True)) if not treated >> v & 1]
    used += [(np.ones(2), ascii_letters[v]) for v in bits(treated)]
    result: Table = np.einsum(",".join(a for _, a in used) + "->" + ascii_letters[:n], *(t for t, _ in used))
    return result


def marginal(p: Table, keep: int) -> Table:
    """The other axes summed away, and kept at length 1."""
    return np.asarray(p.sum(axis=tuple(a for a in range(p.ndim) if not keep >> a & 1), keepdims=True))


def conditional(p: Table, of: int, given: int) -> Table:
    return np.asarray(marginal(p, of | given) / marginal(p, given))


def adjusted(p: Table, y: int, x: int, z: int) -> Table:
    """The sum over z of P(y | x, z) P(z)."""
    return marginal(conditional(p, y, x | z) * marginal(p, z), x | y)


def through_the_front_door(p: Table, y: int, x: int, m: int) -> Table:
    """The sum over m of P(m | x) times the sum over x' of P(y | x', m) P(x')."""
    return marginal(conditional(p, m, x) * marginal(conditional(p, y, x | m) * marginal(p, x), y | m), x | y)


def refilled(p: Table, x: int, parts: tuple[int, int, int]) -> Table:
    """P(before) P(inside | before, x) times the sum over x' of P(x' | before) P(after | before, x', inside)."""
    a, b, c = parts
    comb = marginal(conditional(p, x, a) * conditional(p, c, a | x | b), a | b | c)
    return np.asarray(marginal(p, a) * conditional(p, b, a | x) * comb)


def numeric_effects(seed: int, step: int, count: int) -> Iterator[tuple[Graph, int, int, Table, Table]]:
    """Random effects: graph, outcomes, treatments, the joint of a random model, and the truth after intervention."""
    rnd, noise = random.Random(seed), np.random.default_rng(seed)
    for graph in (*small_graphs(3), *small_graphs(4)[::step], *random_graphs(count, (5, 6), 3)):
        n = len(graph.names)
        role = rnd.sample(range(n), n)
        sizes = rnd.choice([(1, 1), (1, 1), (2, 1), (1, 2)])
        x = union(1 << v for v in role[: sizes[0]])
        y = union(1 << v for v in role[sizes[0] : sum(sizes)])
        model = random_model(graph, noise)
        yield graph, y, x, distribution(graph, model), distribution(graph, model, x)


def test_adjusting_gives_the_effect_for_valid_sets_and_for_no_others() -> None:
    """The criterion is sound, and complete: where it fails, a random model shows it (Shpitser et al. 2010)."""
    seen = [0, 0]
    for graph, y, x, p, done in numeric_effects(1, 3, 60):
        truth = marginal(done, x | y)
        for z in subsets(graph.all & ~x & ~y):
            valid = is_adjustment(graph, y, x, z)
            error = np.abs(adjusted(p, y, x, z) - truth).max()
            assert error < 1e-12 if valid else error > 1e-9
            seen[valid] += 1
    assert min(seen) > 500


def test_the_front_door_formula_gives_the_effect() -> None:
    """For every front-door set, of several treatments too."""
    seen = 0
    for graph, y, x, p, done in numeric_effects(2, 3, 60):
        truth = marginal(done, x | y)
        for m in subsets(graph.all & ~x & ~y):
            if is_front_door(graph, y, x, m):
                seen += 1
                assert np.abs(through_the_front_door(p, y, x, m) - truth).max() < 1e-12
    assert seen > 100


def test_refilling_the_hole_gives_the_effect() -> None:
    """On all other variables (Jacobs, Kissinger, Zanasi 2019, section 8)."""
    seen = 0
    for graph, _, x, p, done in numeric_effects(3, 2, 100):
        parts = one_hole(graph, x) if x.bit_count() == 1 else None
        if parts:
            seen += 1
            assert np.abs(refilled(p, x, parts) - done).max() < 1e-12
    assert seen > 100


def linear_model(graph: Graph, rnd: np.random.Generator) -> tuple[Table, Table]:
    """The covariances of a random linear model, and the total effects: entry (u, v) is that of u on v."""
    n, hidden = len(graph.names), bidirected_of(graph)
    weights, loads = np.zeros((n, n)), np.zeros((n, n + len(hidden)))
    for v in range(n):
        for u in bits(graph.parents[v]):
            weights[u, v] = rnd.choice([-1, 1]) * rnd.uniform(0.4, 1.5)
        loads[v, v] = rnd.uniform(0.5, 1.5)
    for k, edge in enumerate(hidden):
        for v in edge:
            loads[v, n + k] = rnd.choice([-1, 1]) * rnd.uniform(0.4, 1.5)
    total = np.linalg.inv(np.eye(n) - weights)
    return np.asarray(total.T @ loads @ loads.T @ total), np.asarray(total)


def partial(s: Table, of: list[int], given: int) -> Table:
    """The covariances of some variables once others have been regressed out."""
    z = list(bits(given))
    return np.asarray(s[np.ix_(of, of)] - s[np.ix_(of, z)] @ np.linalg.solve(s[np.ix_(z, z)], s[np.ix_(z, of)]))


def test_the_optimal_set_has_the_least_variance() -> None:
    """In random linear models no valid set estimates the effect of one treatment better; hidden causes included."""
    rnd, seen = np.random.default_rng(4), 0
    for graph in [*small_graphs(4)[::2], *random_graphs(300, (5, 6, 7), 4)]:
        for x, y in itertools.permutations(range(len(graph.names)), 2):
            best = optimal_adjustment(graph, 1 << y, 1 << x)
            if best is None:
                continue
            s, total = linear_model(graph, rnd)

            def variance(z: int, s: Table = s, x: int = x, y: int = y) -> float:
                return float(partial(s, [y], z | 1 << x)[0, 0] / partial(s, [x], z)[0, 0])

            rest = graph.all & ~(1 << x | 1 << y)
            valid = [z for z in subsets(rest) if is_adjustment(graph, 1 << y, 1 << x, z)]
            assert variance(best) <= min(map(variance, valid)) * (1 + 1e-9)
            for z in valid:
                both = partial(s, [x, y], z)
                assert abs(both[0, 1] / both[0, 0] - total[x, y]) < 1e-8
            seen += len(valid) > 1
    assert seen > 300


def test_instruments_estimate_linear_effects_and_no_others_do() -> None:
    """The ratio of covariances is the total effect in random linear models exactly for valid instruments."""
    rnd, seen = np.random.default_rng(5), [0, 0]
    for graph in [*small_graphs(3), *small_graphs(4)[::9], *random_graphs(40, (5,), 5)]:
        for x, y in itertools.permutations(range(len(graph.names)), 2):
            s, total = linear_model(graph, rnd)
            rest = graph.all & ~(1 << x | 1 << y)
            for v in bits(rest):
                for w in subsets(rest & ~(1 << v)):
                    c = partial(s, [v, x, y], w)
                    estimates = bool(abs(c[0, 1]) > 1e-9 and abs(c[0, 2] / c[0, 1] - total[x, y]) < 1e-7)
                    assert is_instrument(graph, 1 << y, 1 << x, 1 << v, w) == estimates
                    seen[estimates] += 1
    assert min(seen) > 200


# Cases from elsewhere


def test_published_adjustment_sets() -> None:
    """Adjustment, back-door and front-door sets from papers and other programs' tests."""
    found = cases("adjustment")
    for case in found:
        graph, wanted = graph_of(case), case["expected"]
        y, x = (graph.mask(case["query"][k]) for k in ("outcomes", "treatments"))

        def sets(*keys: str, graph: Graph = graph, wanted: Any = wanted) -> list[int]:
            return [graph.mask(s) for k in keys for s in wanted.get(k) or [] if all(n in graph.names for n in s)]

        listed = list(minimal_adjustments(graph, y, x))
        for key in ("all_minimal_sets", "minimal_adjustment_sets", "backdoor_sets_minimal"):
            if key == "all_minimal_sets" and key in wanted:
                assert sorted(listed) == sorted(sets(key)), case["id"]
            assert set(sets(key)) <= set(listed), case["id"]
        for z in sets("valid_sets", "maximal_adjustment_sets"):
            assert is_adjustment(graph, y, x, z), case["id"]
        for z in sets("invalid_sets", "biased_sets"):
            assert not is_adjustment(graph, y, x, z), case["id"]
        for z in sets("not_backdoor"):
            assert not is_backdoor(graph, y, x, z), case["id"]
        for m in sets("frontdoor_sets"):
            assert is_front_door(graph, y, x, m), case["id"]
            assert front_door(graph, y, x) is not None, case["id"]
        for m in sets("not_frontdoor_sets"):
            assert not is_front_door(graph, y, x, m), case["id"]
        if "identifiable_by_adjustment" in wanted:
            assert (canonical_adjustment(graph, y, x) is not None) == wanted["identifiable_by_adjustment"], case["id"]
        if "optimal" in wanted:
            best = optimal_adjustment(graph, y, x)
            assert best == (None if wanted["optimal"] is None else graph.mask(wanted["optimal"])), case["id"]
            required = graph.mask(wanted["must_include"])
            assert graph.mask(wanted["optimal_minimal"]) in minimal_adjustments(graph, y, x, required), case["id"]
            assert is_adjustment(graph, y, x, graph.mask(wanted["optimal_mincost"] or wanted["optimal_minimal"]))
    assert len(found) >= 40


def test_published_effects_have_sound_criteria() -> None:
    """No criterion claims an effect that is known not to be identifiable."""
    found = [c for c in cases("interventional") if "identifiable" in c["expected"]]
    for case in found:
        graph, query = graph_of(case), case["query"]
        y, x = (graph.mask(query[k]) for k in ("outcomes", "treatments"))
        if y and x and not y & x and any(c.identifies for c in criteria(graph, y, x)):
            assert case["expected"]["identifiable"], case["id"]
    assert found
