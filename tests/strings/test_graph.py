"""Mixed graphs on bitsets, against sets."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from strings.graph import Graph, bits

FAST = settings(max_examples=150, deadline=None)


@st.composite
def graphs(draw: st.DrawFn, max_size: int = 7) -> Graph:
    """A random mixed graph; arrows need not follow the numbers."""
    n = draw(st.integers(1, max_size))
    order = draw(st.permutations(range(n)))
    parents, spouses = [0] * n, [0] * n
    for j in range(n):
        for i in range(j):
            kind = draw(st.integers(0, 5))
            a, b = order[i], order[j]
            if kind in (0, 1):
                parents[b] |= 1 << a
            if kind in (1, 2):
                spouses[a] |= 1 << b
                spouses[b] |= 1 << a
    return Graph(tuple(f"V{i}" for i in range(n)), tuple(parents), tuple(spouses))


def closed(start: set[int], step: dict[int, set[int]], within: set[int]) -> set[int]:
    """The smallest set that has `start` and is closed under `step`, inside `within`."""
    found = start & within
    for _ in within:
        found |= {j for i in found for j in step[i]} & within
    return found


def numbers(mask: int) -> set[int]:
    return {i for i in range(mask.bit_length()) if mask >> i & 1}


@given(st.integers(0, 2**70))
def test_bits_are_the_ones(mask: int) -> None:
    """Positions of ones, lowest first; together they give the number back."""
    found = list(bits(mask))

    assert found == sorted(numbers(mask))
    assert sum(1 << i for i in found) == mask


@FAST
@given(graphs(), st.data())
def test_ancestors_and_parents(graph: Graph, data: st.DataObject) -> None:
    """Reflexive, transitive, and inside the induced subgraph only."""
    n = len(graph.names)
    of, within = data.draw(st.integers(0, graph.all)), data.draw(st.integers(0, graph.all))
    parents = {i: numbers(graph.parents[i]) for i in range(n)}

    assert numbers(graph.ancestors(of)) == closed(numbers(of), parents, set(range(n)))
    assert numbers(graph.ancestors(of, within)) == closed(numbers(of), parents, numbers(within))
    assert numbers(graph.parents_of(of)) == {p for i in numbers(of) for p in parents[i]}


@FAST
@given(graphs(), st.data())
def test_districts(graph: Graph, data: st.DataObject) -> None:
    """Connected components of the arcs in an induced subgraph: a partition, ordered by first members."""
    within = data.draw(st.integers(0, graph.all))
    spouses = {i: numbers(graph.spouses[i]) for i in range(len(graph.names))}
    districts = graph.districts(within)

    assert sum(districts) == within
    assert [min(numbers(d)) for d in districts] == sorted(min(numbers(d)) for d in districts)
    for d in districts:
        for i in numbers(d):
            assert numbers(d) == closed({i}, spouses, numbers(within))
            assert graph.district(i, within) == d
    assert all(graph.district(i) == graph.district(i, graph.all) for i in range(len(graph.names)))


@FAST
@given(graphs(), st.data())
def test_names_and_masks(graph: Graph, data: st.DataObject) -> None:
    """`mask` and `show` are inverse to each other; names come in declared order, each once."""
    some = data.draw(st.lists(st.sampled_from(graph.names)))

    assert graph.show(graph.mask(some)) == tuple(n for n in graph.names if n in some)
    assert graph.mask(graph.show(graph.all)) == graph.all == graph.mask(graph.names)
