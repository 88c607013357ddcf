"""Questions asked for many rows, and for all variables, at once."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutwire as cw
from cutwire.model import Model
from parser.program import Table
from semantics.strategies import models
from strings.diagram import box, compose
from strings.model import CausalModel, Mechanism
from strings.signature import Box
from tests.cutwire.command import EXAMPLES
from tests.semantics.brute import random_tables

PARAMETERS = """
param p in [0, 1] = 0.5
var S, T : {no, yes}
box s : -> S = flip(p)
box t : S -> T = | no -> flip(0.2) | yes -> flip(p / 2)
"""


@pytest.fixture(scope="module")
def lawn() -> Model:
    return cw.load(EXAMPLES / "sprinkler.causal").model


def test_a_data_frame_of_evidence(lawn: Model) -> None:
    """Rows of a data frame are asked as one would ask each by itself."""
    frame = pd.DataFrame({"Rain": ["no", "yes", "yes"], "Wet": ["yes", "yes", "no"]})
    found = lawn.query_each("Cloudy", do={"Sprinkler": "no"}, given=frame.drop(index=0))
    assert found.variables == ("row", "Cloudy")
    for k, row in enumerate(frame.drop(index=0).to_dict("records")):
        np.testing.assert_allclose(found.array[k], lawn.query("Cloudy", do={"Sprinkler": "no"}, given=row).array)


@settings(max_examples=60, deadline=None)
@given(models(max_size=5, max_latents=1), st.integers(0, 10**6))
def test_marginals_are_what_each_question_says(shape: CausalModel, seed: int) -> None:
    """One sweep, or as many questions."""
    rnd = random.Random(seed)
    model = Model.with_numbers(shape, random_tables(shape, rnd), "m")
    done = rnd.choice(model.variables)
    do = {done: rnd.choice(shape.object(done).values or ())}
    for n, found in model.marginals(do=do).items():
        if n != done:
            np.testing.assert_allclose(found.array, model.query(n, do=do).array, atol=1e-12)
    assert model.marginals([done], do=do)[done][do[done]] == 1


def test_what_is_no_product_of_tables_is_asked_one_by_one(lawn: Model) -> None:
    """A mechanism of several boxes, and columns of evidence that are the same in all rows."""
    text = """
    var S, T, C : {no, yes}
    box s : -> S = [1/2, 1/2]
    box t : S -> T = | no -> [1/4, 3/4] | yes -> [1/2, 1/2]
    box u : T -> C = | no -> [1/3, 2/3] | yes -> [1, 0]
    """
    model = cw.parse(text).model
    S, T = model.shape.object("S"), model.shape.object("T")
    two = Mechanism(("S",), compose(box(Box("sure", (S,), (S,))), box(Box("then", (S,), (T,)))))
    numbers = (Fraction(1, 5), Fraction(4, 5), Fraction(2, 5), Fraction(3, 5))
    told = model.replace("T", two, {n: Table((2, 2), numbers) for n in ("sure", "then")})
    assert told.factored().marginals({}, {}) is None
    for m in (model, told):
        found = m.query_each(["T", "C"], given={"S": ["no", "yes", "no"]})
        for k, s in enumerate(["no", "yes", "no"]):
            np.testing.assert_allclose(found.array[k], m.query(["T", "C"], given={"S": s}).array)
        for n, d in m.marginals(given={"C": "no"}).items():
            if n != "C":
                np.testing.assert_allclose(d.array, m.query(n, given={"C": "no"}).array)


def test_what_cannot_be_is_no_marginal(lawn: Model) -> None:
    """Not even of the variables that are seen, or set and seen."""
    impossible = {"Rain": "no", "Sprinkler": "no", "Wet": "yes"}
    for asked, do, seen in ((impossible, {}, impossible), (["Rain"], {"Rain": "yes"}, {"Rain": "no"})):
        with pytest.raises(cw.ZeroProbabilityError):
            lawn.marginals(asked, do=do, given=seen)
    with pytest.raises(cw.ZeroProbabilityError, match="row 1"):
        lawn.query_each("Wet", do={"Rain": ["yes", "no"]}, given={"Rain": "yes"})
    assert lawn.marginals("Rain", do={"Rain": "yes"}, given={"Rain": "yes"})["Rain"]["yes"] == 1


def test_a_value_called_none_is_a_value() -> None:
    """`None` of Python leaves a variable free, and does not name the value."""
    model = cw.parse("var S, T : {None, some}\nbox s : -> S = flip(0.5)\nbox t : S -> T = flip(0.25)").model
    assert model.marginals("T", do={"S": None})["T"].variables == ("T", "S")
    with pytest.raises(cw.QueryError, match="left free twice"):
        model.marginals(do={"S": None})


def test_models_with_inputs_row_by_row() -> None:
    """An input that is left free is an axis, as in `query`."""
    model = cw.parse(PARAMETERS).model.open("S")
    found = model.query_each("T", parameters={"p": [0.1, 0.5]})
    assert found.variables == ("row", "T", "S")
    np.testing.assert_allclose(found.array[0], model.with_parameters(p=0.1).query("T").array)
    given = model.query_each("T", do={"S": ["yes", "no"]})
    np.testing.assert_allclose(given.array, [[0.75, 0.25], [0.8, 0.2]])


def test_columns_of_numbers_for_what_is_real() -> None:
    """They are asked as one would ask each by itself: where no real wire is heard, that is a table."""
    text = """
    var A : {no, yes}
    var X : real
    box a : -> A = flip(1/4)
    box x : A -> X = fn (a) => normal(0, 1)
    """
    model = cw.parse(text).model
    assert model.query_each("A", do={"X": [1.0, 2]}).array.tolist() == [[0.75, 0.25]] * 2
    with pytest.raises(cw.QueryError) as refused:
        model.query_each("A", given={"X": [1.0, 2]})
    assert refused.value.diagnostic.code == "Q013"


def test_parameters_that_nothing_depends_on_and_that_are_open() -> None:
    """Rows are counted all the same; a table that is given goes before what parameters say."""
    model = cw.parse(PARAMETERS + "param q in [0, 1] = 0.5").model
    np.testing.assert_allclose(model.query_each("S", parameters={"q": [0.1, 0.2, 0.3]}).array, [[0.5, 0.5]] * 3)
    tables = {"s": [[0.25, 0.75], [1, 0]]}
    np.testing.assert_allclose(model.query_each("S", parameters={"p": [0.1, 0.2]}, tables=tables).array, tables["s"])
    with pytest.raises(cw.QueryError) as refused:
        model.with_parameters(p=None).query_each("S", given={"T": ["yes", "no"]})
    assert refused.value.diagnostic.code == "Q012"


@pytest.mark.parametrize("using", ["", "other"])
def test_tables_of_each_row_go_before_an_interpretation(using: str) -> None:
    """Whether the box is a mechanism by itself, or hears a wire that was cut."""
    text = """
    model m
    var A, B : {no, yes}
    box a : -> A = [1/4, 3/4]
    box b : A -> B = | no -> [1/2, 1/2] | yes -> [1/8, 7/8]
    interpret m as other { b = | no -> [1, 0] | yes -> [0, 1] }
    """
    model = cw.parse(text).model
    tables = np.array([[[0.5, 0.5], [1, 0]], [[0, 1], [0.25, 0.75]]])
    found = model.query_each("B", using=using, tables={"b": tables})
    np.testing.assert_allclose(found.array, [[0.875, 0.125], [0.1875, 0.8125]])
    cut = model.cut("A", "B").query_each("B", using=using, tables={"b": tables})
    np.testing.assert_allclose(cut.array, [[0.75, 0.25], [0.125, 0.875]])


def test_a_box_that_hears_one_variable_twice(lawn: Model) -> None:
    """Its table has the diagonal of that variable only."""
    X, Y = (lawn.shape.object(n) for n in ("Cloudy", "Rain"))
    b = Box("twice", (X, X), (Y,))
    half = (Fraction(1, 2),) * 8
    model = lawn.replace("Rain", Mechanism(("Cloudy", "Cloudy"), box(b)), {"twice": Table((2, 2, 2), half)})
    tables = np.array([[[[0.5, 0.5], [1, 0]], [[1, 0], [0.25, 0.75]]]])
    np.testing.assert_allclose(model.query_each("Rain", tables={"twice": tables}).array, [[0.375, 0.625]])


@pytest.mark.parametrize("odd", [pd.Series({"Rain": "yes"}), np.array(["Rain", "Wet"]), ["Rain"], "Rain", 3])
def test_what_is_no_mapping(lawn: Model, odd: object) -> None:
    """Arguments that are no mappings are told so, whatever their truth value."""
    for ask in (lawn.query, lawn.query_each, lawn.symbolic, lambda n, **given: lawn.marginals([n], **given)):
        for option in ("do", "given"):
            with pytest.raises(cw.QueryError, match="takes a mapping of"):
                ask("Wet", **{option: odd})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "shown"), [(np.array(["yes", "no"]), "['yes' 'no']"), (["yes"], "['yes']"), (pd.NA, "<NA>")]
)
def test_what_is_no_value(lawn: Model, value: object, shown: str) -> None:
    """Neither hashing nor comparing it is of use."""
    for ask in (lawn.query, lambda n, given: lawn.marginals([n], given=given)):
        with pytest.raises(cw.QueryError) as refused:
            ask("Wet", given={"Rain": value})  # type: ignore[operator]
        assert shown in refused.value.diagnostic.message
    with pytest.raises(cw.QueryError) as refused:
        lawn.query_each("Wet", given={"Rain": [value]})
    assert refused.value.diagnostic.code == "N003"


def test_values_that_only_look_equal() -> None:
    """`1` and `True` are equal in Python, and different values of a variable."""
    model = cw.parse("var S, T : {1, True}\nbox s : -> S = flip(0.5)\nbox t : S -> T = fn (s) => s").model
    assert model.query_each("T", given={"S": [1, True]}).array.tolist() == [[1, 0], [0, 1]]


def test_names_of_any_kind(lawn: Model) -> None:
    """A generator of names is read once; an array without axes is one value; what is no name is told."""
    wanted = lawn.query("Wet", given={"Rain": "yes"})
    assert lawn.query((n for n in ["Wet"]), given={"Rain": np.array("yes")}) == wanted  # type: ignore[arg-type]
    assert lawn.query_each("Wet", given={"Rain": np.array("yes")}).array[0].tolist() == wanted.array.tolist()
    for odd in (5, None, [None], [["Wet"]]):
        with pytest.raises(cw.QueryError, match="names variables by text"):
            lawn.query(odd)  # type: ignore[arg-type]
    with pytest.raises(cw.QueryError, match="unknown variable `0`"):
        lawn.query_each("Wet", given=pd.DataFrame([["yes"]]))  # type: ignore[arg-type]


def test_parameters_and_tables_of_each_row() -> None:
    """Columns of numbers for parameters; tables for boxes."""
    model = cw.parse(PARAMETERS).model
    values = [0.1, 0.5, 0.9]
    found = model.query_each("S", given={"T": "yes"}, parameters={"p": values})
    for k, p in enumerate(values):
        np.testing.assert_allclose(found.array[k], model.with_parameters(p=p).query("S", given={"T": "yes"}).array)
    tables = np.array([[0.25, 0.75], [1, 0]])
    rows = model.query_each("T", tables={"s": tables}).array
    np.testing.assert_allclose(rows, [[0.8 * 0.25 + 0.75 * 0.75, 0.2 * 0.25 + 0.25 * 0.75], [0.8, 0.2]])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"targets": "Weather"}, "N002"),
        ({"targets": "Wet", "given": {"Rain": ["yes", "maybe"]}}, "N003"),
        ({"targets": "Wet", "given": {"Rain": ["yes", None]}}, "N003"),
        ({"targets": "Wet", "given": {"Rain": ["yes"], "Cloudy": ["no", "yes"]}}, "Q021"),
        ({"targets": "Wet", "given": {"Rain": []}}, "Q021"),
        ({"targets": "Wet", "tables": {"weather": [[1, 0]]}}, "N001"),
        ({"targets": "Wet", "tables": {"cloudy": [[0.5, 0.6]]}}, "T022"),
        ({"targets": "Wet", "tables": {"cloudy": [0.5, 0.5]}}, "T022"),
        ({"targets": "Wet", "parameters": {"p": [0.5]}}, "N002"),
    ],
)
def test_what_is_wrong_with_columns(lawn: Model, arguments: dict[str, object], code: str) -> None:
    with pytest.raises(cw.CutwireError) as refused:
        lawn.query_each(**arguments)  # type: ignore[arg-type]
    assert refused.value.diagnostic.code == code


def test_the_row_that_cannot_be_is_named(lawn: Model) -> None:
    """No column is invented for it."""
    with pytest.raises(cw.ZeroProbabilityError) as refused:
        lawn.query_each("Cloudy", given={"Rain": ["yes", "no"], "Sprinkler": "no", "Wet": ["yes", "yes"]})
    assert "row 1" in refused.value.diagnostic.message
    assert refused.value.diagnostic.code == "Q002"


def test_a_variable_called_row() -> None:
    """The axis of rows gives way."""
    model = cw.parse("var row : {a, b}\nbox r : -> row = [1/2, 1/2]").model
    assert model.query_each("row").variables == ("row'", "row")
