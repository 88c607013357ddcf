"""The multiverse of a question: what worlds share, what parts them, and what the picture shows of it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strings.diagnostic import CompositionError, QueryError
from strings.formula import Ask
from strings.latex import latex
from strings.mathml import mathml
from strings.model import CausalModel, Mechanism
from strings.picture import draw_question
from strings.query import Become, Query, Term
from strings.signature import Box
from strings.surgery import Cut, Do, DoWire, Open, Replace, operate
from strings.worlds import as_one_world, multiverse, worlds_of

CHAIN = CausalModel.from_edges([("X", "M"), ("M", "Y"), ("X", "Y")], bidirected=[("X", "Y")], domains=2)


def there(variable: str, *surgeries: object, value: str | None = None) -> Term:
    return Term(variable, (value,) if value is not None else None, world=tuple(surgeries))  # type: ignore[arg-type]


def test_what_is_not_below_a_surgery_is_shared() -> None:
    model = multiverse(CHAIN, Query((there("Y", Do("M", "1")), there("X", Do("M", "1")), Term("Y"))))

    assert model.place(there("X", Do("M", "1"))) == "X"
    assert model.place(there("Y", Do("M", "1"))) == "Y[M := 1]"
    assert model.model.parents("Y[M := 1]") == ("M[M := 1]", "X", "U_X_Y")
    assert model.model.latents == {"U_X_Y"}


def test_worlds_that_agree_are_one() -> None:
    """Setting the same, in another order or with more that makes no difference, gives the same variable."""
    one, other = there("Y", Do("X", "1"), Do("M", "0")), there("Y", Do("M", "0"), Do("X", "1"))
    found = multiverse(CHAIN, Query((one, other)))
    assert found.place(one) == found.place(other)

    less, more = there("M", Do("X", "1")), there("M", Do("X", "1"), Do("Y", "0"))
    found = multiverse(CHAIN, Query((less, more)))
    assert found.place(less) == found.place(more)


def test_consistency() -> None:
    """What is seen to be as it is set is no other world (Pearl 2009, corollary 7.3.2)."""
    seen = Query((there("Y", Do("X", "1")),), (Term("X", ("1",)),))
    assert multiverse(CHAIN, seen).place(seen.targets[0]) == "Y"

    other = Query((there("Y", Do("X", "1")),), (Term("X", ("0",)),))
    assert multiverse(CHAIN, other).place(other.targets[0]) == "Y[X := 1]"


def test_a_variable_that_becomes_what_it_is() -> None:
    """`Y[M := M[X := 1], X := 1]` is `Y[X := 1]` (composition)."""
    nested = there("Y", Become("M", there("M", Do("X", "1"))), Do("X", "1"))
    plain = there("Y", Do("X", "1"))
    found = multiverse(CHAIN, Query((nested, plain)))
    assert found.place(nested) == found.place(plain)


def test_boxes_that_stand_in_several_worlds_are_told() -> None:
    both = Query((there("Y", Do("X", "1")), there("Y", Do("X", "0"))))
    assert multiverse(CHAIN, both).copied == {
        "m": ("M[X := 1]", "M[X := 0]"),
        "y": ("Y[X := 1]", "Y[X := 0]"),
    }
    assert multiverse(CHAIN, Query((there("Y", Do("X", "1")),))).copied == {}


def test_what_worlds_put_in_draws_on_its_own() -> None:
    """A policy that draws is the same in one world only; the box of the model is everywhere the same."""
    x = CHAIN.object("X")
    coin = Replace("X", Mechanism.of_box(Box("coin", (), (x,))), "coin()")
    one, other = (coin,), (coin, Do("M", "0"))
    found = multiverse(CHAIN, Query((there("X", *one), there("X", *other), there("Y", *one))))
    assert found.place(there("X", *one)) != found.place(there("X", *other))
    assert found.model.parents("Y[X ~ coin()]")[1] == found.place(there("X", *one))
    assert "coin" not in found.copied

    cut = multiverse(CHAIN, Query((there("X", Cut("X")), there("X", Cut("X"), Do("M", "0")))))
    assert len(set(cut.places.values()) - set(CHAIN.names)) >= 2


def test_the_surgeries_of_the_question_come_first() -> None:
    query = Query((there("Y", Do("M", "1")), there("Y", Do("X", "1"))), (), (Do("X", "0"),))
    found = worlds_of(CHAIN, query)
    assert found.model.parents("Y[M := 1]") == ("M[M := 1]", "X", "U_X_Y")
    assert found.model.mechanisms["X"].diagram.nodes == operate(CHAIN, Do("X", "0")).mechanisms["X"].diagram.nodes
    assert found.model.parents("Y[X := 1]") == ("M[X := 1]", "X[X := 1]", "U_X_Y")


def test_free_values_are_inputs() -> None:
    query = Query((there("Y", Open("X", "x"), value="1"), there("M", Open("X", "x"))), (Term("X", ("0",)),))
    worlds = worlds_of(CHAIN, query)
    assert worlds.model.inputs == ("X[X := x]",)
    plain = as_one_world(worlds, query)
    assert plain.worlds == ()
    assert plain.surgeries == (Open("X[X := x]", "x"),)
    assert [t.variable for t in plain.targets] == ["Y[X := x]", "M[X := x]"]


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_one_world_is_the_operated_model(seed: int) -> None:
    """Asked about one other world only, the multiverse has the variables of the operated model, under other names."""
    rnd = random.Random(seed)
    surgery = rnd.choice([Do("X", "1"), Do("M", "0"), DoWire("X", "Y", "1"), Cut("M")])
    asked = there("Y", surgery)
    found = multiverse(CHAIN, Query((asked,)))
    state = found.model.state([found.place(asked)])
    wanted = operate(CHAIN, surgery).state(["Y"])
    assert [n.box.name for n in state.nodes] == [n.box.name for n in wanted.nodes]
    assert [n.args for n in state.nodes] == [n.args for n in wanted.nodes]


def test_mistakes() -> None:
    with pytest.raises(QueryError, match="N002"):
        multiverse(CHAIN, Query((there("Z", Do("X", "1")),)))
    with pytest.raises(QueryError, match="N004"):
        multiverse(CHAIN, Query((there("Y", Do("Z", "1")),)))
    with pytest.raises(CompositionError, match="D003"):
        multiverse(CHAIN, Query((there("Y", Do("X", "2")),)))
    wide = CausalModel.from_edges([("X", "Y")], domains={"X": 2, "Y": 3})
    with pytest.raises(QueryError, match="W002"):
        multiverse(wide, Query((there("Y", Become("X", there("Y", Do("X", "1")))),)))
    free = Query((there("Y", DoWire("X", "Y", None)),))
    with pytest.raises(QueryError, match="W004"):
        as_one_world(worlds_of(CHAIN, free), free)


def test_the_picture_shows_worlds_and_what_was_seen() -> None:
    query = Query((there("Y", Do("X", "1")),), (Term("X", ("0",)), Term("Y", ("0",))))
    svg = draw_question(CHAIN, query)
    assert svg.count(">y<") == 2  # in both worlds
    assert svg.count(">x<") == svg.count(">u_x_y<") == 1
    assert svg.count(">X = 1<") == 1
    assert svg.count(">0<") == 2  # what was seen
    assert ">X := 1<" in svg  # the heading of the world
    assert ">Y<" in svg  # what is asked there
    assert svg == draw_question(CHAIN, query)


def test_worlds_are_subscripts() -> None:
    """In LaTeX and MathML as Pearl writes them."""
    nested = Term("Y", ("1",), world=(Do("X", "1"), Become("M", there("M", Open("X", "x")))))
    query = Query((nested,), (there("V12", DoWire("X", "Y", "0")),))
    assert latex(Ask(query)) == r"P({Y}_{X = 1, M = {M}_{X = x}} = 1 \mid {V_{12}}_{X \to Y = 0})"
    assert mathml(Ask(query)).count("<msub>") == 4  # three worlds and V12
