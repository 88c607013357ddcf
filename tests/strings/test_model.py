"""Causal models: construction, order, latent projection, and diagrams of parts of a model."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.strategies import models
from strings.diagnostic import CompositionError, CutwireError, QueryError
from strings.diagram import Builder, Diagram, box, compose, copy, discard, identity, tensor
from strings.graph import bits
from strings.model import CausalModel, Mechanism
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Open, operate
from tests.observed import hidden_models

FAST = settings(max_examples=100, deadline=None)
X, Y, Z = (Object(n, ("0", "1")) for n in "XYZ")


# ---- the projection of latents ---------------------------------------------------------------------------------------


def hidden_paths(model: CausalModel, start: str, end: str) -> Iterator[tuple[str, ...]]:
    """Every directed path from `start` to `end` with only latent variables between them."""
    for child in model.children[start]:
        if child == end:
            yield start, end
        elif child in model.latents:
            yield from ((start, *rest) for rest in hidden_paths(model, child, end))


@settings(max_examples=200, deadline=None)
@given(hidden_models(max_size=8))
def test_projection_is_by_paths(model: CausalModel) -> None:
    """a -> b: a directed path through latents; a <-> b: two such paths from one latent (Verma 1993)."""
    graph = model.graph
    for j, b in enumerate(graph.names):
        arrows = {a for a in graph.names if any(hidden_paths(model, a, b))}
        arcs = {
            a
            for a in graph.names
            for u in model.latents
            if a != b and any(hidden_paths(model, u, a)) and any(hidden_paths(model, u, b))
        }
        assert set(graph.show(graph.parents[j])) == arrows
        assert set(graph.show(graph.spouses[j])) == arcs


@FAST
@given(hidden_models(max_size=8))
def test_projection_is_an_acyclic_mixed_graph(model: CausalModel) -> None:
    """On the observed variables, in declared order; arrows follow the order, arcs are symmetric, nothing is its own."""
    graph = model.graph
    rank = {n: i for i, n in enumerate(model.order)}

    assert graph.names == model.observed
    for i, name in enumerate(graph.names):
        assert not (graph.parents[i] | graph.spouses[i]) >> i & 1
        assert all(rank[p] < rank[name] for p in graph.show(graph.parents[i]))
        assert all(graph.spouses[j] >> i & 1 for j in bits(graph.spouses[i]))


@FAST
@given(models(max_latents=4))
def test_projection_of_a_mixed_graph_gives_it_back(model: CausalModel) -> None:
    """`from_edges` and `graph` are inverse to each other."""
    graph = model.graph
    for i, name in enumerate(graph.names):
        hears = [p for p in model.parents(name) if p not in model.latents]
        shares = {n for p in model.parents(name) if p in model.latents for n in model.children[p]} - {name}
        assert set(graph.show(graph.parents[i])) == set(hears)
        assert set(graph.show(graph.spouses[i])) == shares


def test_projection_sees_what_a_mechanism_listens_to() -> None:
    """A wire that was cut is no edge, though the mechanism still has the port."""
    model = CausalModel.from_edges([("X", "Y"), ("Z", "Y")], bidirected=[("X", "Y")], domains=2)
    graph = operate(model, CutWire("X", "Y"), CutWire("U_X_Y", "Y")).graph

    assert [graph.show(p) for p in graph.parents] == [(), ("Z",), ()]
    assert graph.spouses == (0, 0, 0)
    assert operate(model, Cut("Y")).parents("Y") == ()


# ---- order -----------------------------------------------------------------------------------------------------------


def is_topological(order: tuple[str, ...], model: CausalModel) -> bool:
    rank = {n: i for i, n in enumerate(order)}
    return all(rank[p] < rank[n] for n in order for p in model.parents(n))


@FAST
@given(hidden_models(max_size=6))
def test_order_is_the_first_topological_one(model: CausalModel) -> None:
    """Among all topological orders, the first by declared places: the same on every run."""
    assert model.order == next(p for p in permutations(model.names) if is_topological(p, model))


@FAST
@given(hidden_models(), st.randoms(use_true_random=False))
def test_the_order_of_mechanisms_does_not_matter(model: CausalModel, rng: random.Random) -> None:
    """Mechanisms may be given in any order: the model, its hash, order, graph and diagram are the same."""
    shuffled = list(model.mechanisms.items())
    rng.shuffle(shuffled)
    other = CausalModel(model.variables, dict(shuffled), model.latents, model.name)

    assert (other, hash(other), other.order, other.graph) == (model, hash(model), model.order, model.graph)
    assert list(other.mechanisms) == list(model.mechanisms)
    assert other.diagram == model.diagram


# ---- diagrams --------------------------------------------------------------------------------------------------------


def by_hand(model: CausalModel, outputs: tuple[str, ...]) -> Diagram:
    """All mechanisms one after the other on a growing bundle of wires; then only the outputs are kept."""
    made = list(model.inputs)
    diagram = identity(tuple(model.object(n) for n in made))
    for n in model.order:
        if n in model.inputs:
            continue
        m = model.mechanisms[n]
        types = tuple(model.object(v) for v in made)
        route = Diagram(types, (), (*range(len(made)), *(made.index(p) for p in m.parents)))
        diagram = compose(diagram, route, tensor(identity(types), m.diagram))
        made.append(n)
    types = tuple(model.object(v) for v in made)
    return diagram >> Diagram(types, (), tuple(made.index(n) for n in outputs))


@FAST
@given(hidden_models(), st.data())
def test_the_diagram_is_the_composite_of_the_mechanisms(model: CausalModel, data: st.DataObject) -> None:
    """Box by box in order, every wire copied once per use; any outputs, some of them twice; open models too."""
    opened = data.draw(st.lists(st.sampled_from(model.names), max_size=2, unique=True))
    model = operate(model, *map(Open, opened))
    outputs = tuple(data.draw(st.lists(st.sampled_from(model.names), max_size=4)))

    assert model.inputs == tuple(n for n in model.names if n in opened)
    assert model.state(outputs) == by_hand(model, outputs)
    assert model.diagram == by_hand(model, model.observed)


@FAST
@given(hidden_models(), st.data())
def test_a_part_of_a_model_has_what_its_outputs_need(model: CausalModel, data: st.DataObject) -> None:
    """The boxes of a state are those of the ancestors of its outputs; given inputs take the place of mechanisms."""
    x, y = data.draw(st.permutations(model.names))[:2]
    needed = {model.mechanisms[n].diagram.nodes[0].box.name for n in model.ancestors([y])}
    through = model.state([y], [x])

    assert {n.box.name for n in model.state([y]).nodes} == needed
    assert through.dom == (model.object(x),)
    assert through == operate(model, Open(x)).state([y])


def test_a_state_needs_its_inputs() -> None:
    """An open model asked without its inputs is M004, unless the outputs do not need them."""
    model = operate(CausalModel.from_edges([("X", "Y")], nodes=["Z"], domains=2), Open("X"))
    with pytest.raises(CompositionError, match="M004"):
        model.state(["Y"], [])

    assert model.state(["Z"], []) == box(Box("z", (), (model.object("Z"),)))
    assert model.state(["X", "X"], ["X"]) == copy((model.object("X"),))
    assert model.state([], ["X"]) == discard((model.object("X"),))


def test_mechanisms_that_do_not_listen() -> None:
    """A port that nothing reads is no edge: it is in no order's way, and its parent need not be there."""
    builder = Builder((X, Y))
    (z,) = builder.apply(Box("z", (X,), (Z,)), (0,))
    deaf = Mechanism(("X", "Y"), builder.freeze([z]))
    model = CausalModel((X, Y, Z), {
        "X": Mechanism.of_box(Box("x", (), (X,))), "Y": Mechanism.of_box(Box("y", (Z,), (Y,))), "Z": deaf,
    })  # fmt: skip

    assert deaf.used_parents == model.parents("Z") == ("X",)
    assert model.children["Y"] == ()
    assert model.order == ("X", "Z", "Y")
    assert model.state(["Z"]) == box(Box("x", (), (X,))) >> box(Box("z", (X,), (Z,)))


def test_a_mechanism_may_hear_a_variable_twice() -> None:
    """Two ports of one parent are one edge; the wire is copied."""
    two = Box("two", (X, X), (Y,))
    model = CausalModel((X, Y), {"X": Mechanism.of_box(Box("x", (), (X,))), "Y": Mechanism(("X", "X"), box(two))})

    assert model.parents("Y") == ("X",)
    assert model.state(["Y"]) == compose(box(Box("x", (), (X,))), copy((X,)), box(two))


# ---- construction ----------------------------------------------------------------------------------------------------


def test_from_edges() -> None:
    """Variables in order of appearance, latents last; an edge twice is one; domains by name, number or values."""
    model = CausalModel.from_edges(
        [("B", "A"), ("B", "A"), ("C", "A")],
        [("A", "D")],
        {"A": 2, "B": ["lo", "hi"], "C": range(3), "U_A_D": 4},
        nodes=["C"],
        name="shape",
    )

    assert model.names == ("C", "B", "A", "D", "U_A_D")
    assert [x.values for x in model.variables] == [("0", "1", "2"), ("lo", "hi"), ("0", "1"), None, tuple("0123")]
    assert model.parents("A") == ("B", "C", "U_A_D")
    assert (model.latents, model.observed, model.name) == ({"U_A_D"}, ("C", "B", "A", "D"), "shape")
    assert model.mechanisms["A"].diagram.nodes[0].box.name == "a"


def test_from_edges_keeps_names_apart() -> None:
    """Latents and boxes get names that no variable has; two arcs between the same ends are two latents."""
    model = CausalModel.from_edges([("x", "X"), ("U_X_x", "X")], [("X", "x"), ("X", "x")], 2)
    boxes = [m.diagram.nodes[0].box.name for m in model.mechanisms.values()]

    assert set(model.latents) == {"U_X_x'", "U_X_x''"}
    assert len(set(boxes)) == len(boxes)
    assert not set(boxes) & set(model.names)


def test_boxes_of_variables_that_differ_in_case() -> None:
    """Every box has a name of its own, whatever the variables are called."""
    model = CausalModel.from_edges([("Ab", "AB"), ("mech_x", "x"), ("X", "AB")], [("AB", "aB")], 2)
    boxes = [m.diagram.nodes[0].box.name for m in model.mechanisms.values()]

    assert len(set(boxes)) == len(boxes) == len(model.names)
    assert not set(boxes) & set(model.names)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ({"domains": 0}, "N006", "at least one value"),
        ({"domains": -1}, "N006", "-1"),
        ({"domains": {"X": 0}}, "N006", "`X`"),
        ({"domains": {"X": []}}, "N006", "`X`"),
        ({"domains": {"X": ["a", "b", "a"]}}, "N006", "`a` of `X` stands twice"),
        ({"domains": {"X": [1, "1"]}}, "N006", "`1` of `X` stands twice"),
        ({"domains": {"X": "ab"}}, "N006", "list"),
        ({"domains": {"X": 2.5}}, "N006", "2.5"),
        ({"domains": {"X": True}}, "N006", "True"),
        ({"domains": {"X": {"a", "b"}}}, "N006", "list"),  # a set has no order
        ({"domains": 10**9}, "L003", "1,000,000,000"),
        ({"domains": {"x": 2}}, "N002", "did you mean `X`?"),
        ({"domains": {"U_X_Z": 2}}, "N002", "did you mean `U_X_Y`?"),
        ({"domains": {3: 2}}, "N002", "`3`"),
        ({"directed": ["XY"]}, "M012", "'XY' is no edge: it is no pair"),
        ({"directed": "XY"}, "M012", "'X'"),
        ({"directed": [("X", "Y", "Z")]}, "M012", "pair"),
        ({"directed": [("X",)]}, "M012", "pair"),
        ({"directed": [("X", 1)]}, "M012", "1 is no name"),
        ({"directed": [("X", "")]}, "M012", "no name"),
        ({"directed": 5}, "M012", "5"),
        ({"bidirected": ["XY"]}, "M012", "'XY'"),
        ({"nodes": [1]}, "M012", "1"),
        ({"directed": [("X", "X")]}, "M002", "X0 -> X1"),
        ({"bidirected": [("X", "X")]}, "M002", "loop: X -> X"),
        ({"directed": [("X", "Y"), ("Y", "X")]}, "M002", "X0 -> Y0 -> X1"),
    ],
)
def test_from_edges_refuses_slips(options: dict[str, object], code: str, told: str) -> None:
    """Whatever is no graph, or no list of values, is told, and no exception of Python's."""
    with pytest.raises(CutwireError) as refused:
        CausalModel.from_edges(**{"directed": [("X", "Y")], "bidirected": [("X", "Y")], **options})  # type: ignore[arg-type]

    assert refused.value.diagnostic.code == code
    assert told in str(refused.value)


def test_from_edges_takes_what_is_like_a_pair_or_a_list() -> None:
    """Lists for pairs, any list of values, whole numbers of any kind."""
    model = CausalModel.from_edges([["X", "Y"]], domains={"X": np.array(["a", "b"]), "Y": np.int64(3)})  # type: ignore[list-item, dict-item]

    assert [x.values for x in model.variables] == [("a", "b"), ("0", "1", "2")]


@FAST
@given(models(), st.data())
def test_with_mechanism(model: CausalModel, data: st.DataObject) -> None:
    """Taking a mechanism away and putting it back is nothing; the rest stays as it is."""
    x = data.draw(st.sampled_from(model.names))
    opened = model.opened([x])

    assert opened.inputs == (x,)
    assert opened.with_mechanism(x, model.mechanisms[x]) == model
    assert {n: m for n, m in model.mechanisms.items() if n != x} == opened.mechanisms


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: CausalModel((X,), {"Q": Mechanism.of_box(Box("q", (), (X,)))}), "N002"),
        (lambda: CausalModel((X, Y), {"Y": Mechanism(("Q",), box(Box("y", (X,), (Y,))))}), "N002"),
        (lambda: CausalModel((X, Y), {"Y": Mechanism.of_box(Box("x", (), (X,)))}), "M003"),
        (lambda: CausalModel((X, Y), {"Y": Mechanism(("X",), box(Box("y", (), (Y,))))}), "M003"),
        (lambda: CausalModel((X, Y), {"Y": Mechanism((), box(Box("y", (), (Object("Y"),))))}), "M003"),
        (lambda: CausalModel.from_edges([("X", "Y"), ("Y", "Z"), ("Z", "X")]), "M002"),
        (lambda: CausalModel.from_edges([("X", "X")]), "M002"),
        (lambda: CausalModel.from_edges([("X", "Y")]).object("Q"), "N002"),
        (lambda: CausalModel.from_edges([("X", "Y")]).ancestors(["Q"]), "N002"),
        (lambda: CausalModel.from_edges([("X", "Y")]).opened(["Q"]), "N002"),
        (lambda: CausalModel.from_edges([("X", "Y")]).state(["X"], ["Q"]), "N002"),
    ],
)  # fmt: skip
def test_what_is_no_model(make: object, code: str) -> None:
    """Unknown names, wrong types and loops are refused with their codes."""
    with pytest.raises(CutwireError) as refused:
        make()  # type: ignore[operator]

    assert refused.value.diagnostic.code == code


@FAST
@given(st.integers(2, 6), st.randoms(use_true_random=False))
def test_a_loop_is_named(n: int, rng: random.Random) -> None:
    """The loop in the message is one of the graph: every step is an edge, and it ends where it starts."""
    names = [f"V{i}" for i in range(n)]
    loop = rng.sample(names, rng.randint(1, n))
    edges = [(names[i], names[j]) for j in range(n) for i in range(j) if rng.random() < 0.3]
    edges = [e for e in edges if not set(e) <= set(loop)]
    edges += list(zip(loop, [*loop[1:], loop[0]], strict=True))
    with pytest.raises(CompositionError) as refused:
        CausalModel.from_edges(edges, nodes=names)

    (note,) = refused.value.diagnostic.notes
    told = note.removeprefix("loop: ").split(" -> ")
    assert told[0] == told[-1]
    assert set(pairwise(told)) <= set(edges)


def test_suggestions_name_a_few_variables() -> None:
    """Without a near name the first variables are listed; with one it is proposed."""
    model = CausalModel.from_edges(nodes=[f"Variable{k}" for k in range(20)])
    with pytest.raises(QueryError) as far:
        model.object("Q")
    with pytest.raises(QueryError) as near:
        model.object("variable3")

    assert far.value.diagnostic.help[0].startswith("the variables are Variable0, ")
    assert far.value.diagnostic.help[0].endswith(", …")
    assert near.value.diagnostic.help == ("did you mean `Variable3`?",)


def test_latents_of_a_graph() -> None:
    """Variables of the graph may be hidden; they keep their places, and unknown ones are refused."""
    model = CausalModel.from_edges([("U", "X"), ("X", "Y")], [("X", "Y")], latents=["U"])

    assert model.names == ("U", "X", "Y", "U_X_Y")
    assert model.latents == {"U", "U_X_Y"}
    assert model.observed == ("X", "Y")
    with pytest.raises(QueryError, match="N002"):
        CausalModel.from_edges([("X", "Y")], latents=["Z"])
