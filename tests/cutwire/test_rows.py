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
