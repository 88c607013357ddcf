"""Distributions and kernels: looking up, summing out, showing, and refusing what does not fit."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from semantics.dataset import fit, from_rows
from semantics.distribution import Distribution
from semantics.kernel import Kernel
from strings.diagnostic import CutwireError, LimitError
from strings.signature import Box, Object

F = Fraction
TABLE = Distribution(("S", "C"), [[F(1, 2), F(1, 4)], [F(0), F(1, 4)]], (("no", "yes"), ("low", "high")))


def test_looking_up() -> None:
    """A full key gives a number, a shorter one the rest, and keys are read as text."""
    assert TABLE["no", "high"] == F(1, 4)
    assert TABLE["yes"] == Distribution(("C",), [F(0), F(1, 4)], [("low", "high")])
    assert Distribution(("N",), [0.25, 0.75])[1] == 0.75
    assert isinstance(Distribution(("N",), [0.25, 0.75])["1"], float)


@pytest.mark.parametrize("key", ["Yes", ("no", "hig"), ("no", "low", "low")])
def test_wrong_keys_are_refused(key: object) -> None:
    """A value that the axis does not have is an error with a hint."""
    with pytest.raises(CutwireError) as refused:
        TABLE[key]
    assert refused.value.diagnostic.code == "N003"
    if key == "Yes":
        assert refused.value.diagnostic.help == ("did you mean `yes`?",)


def test_marginals() -> None:
    """The axes asked for stand in the order asked; the others are summed."""
    assert TABLE.marginal("C").array.tolist() == [F(1, 2), F(1, 2)]
    assert TABLE.marginal("C", "S").array.tolist() == [[F(1, 2), F(0)], [F(1, 4), F(1, 4)]]
    assert TABLE.marginal()[()] == 1
    with pytest.raises(CutwireError) as refused:
        TABLE.marginal("s")
    assert refused.value.diagnostic.code == "N002"


def test_exactness() -> None:
    """Whole numbers among fractions stay exact; a float anywhere makes floats; equality is of numbers and kind."""
    assert Distribution(("A",), [F(1, 2), 1]).exact
    assert not Distribution(("A",), [F(1, 2), 0.5]).exact
    assert TABLE.as_float() != TABLE
    assert TABLE.as_float() == TABLE.as_float()


def test_immutable() -> None:
    """The table cannot be changed, not even through the array it was made from."""
    raw = np.array([0.5, 0.5])
    d = Distribution(("A",), raw)
    raw[0] = 9
    assert d["0"] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        d.array[0] = 1


def test_shown_as_a_table() -> None:
    """Six significant digits, and the fraction if it can be read."""
    assert str(TABLE) == (
        "S    C     probability  exact\n"
        "no   low   0.5          1/2\n"
        "no   high  0.25         1/4\n"
        "yes  low   0            0\n"
        "yes  high  0.25         1/4"
    )
    assert str(Distribution((), F(1, 3))) == "0.333333 = 1/3"
    assert str(Distribution((), F(1, 10**20))) == "1e-20"
    assert "more" in repr(Distribution(("N",), [0.01] * 100))


def test_plain_data() -> None:
    """`to_dict` is JSON, with exact entries as text."""
    d = TABLE.to_dict()
    assert json.loads(json.dumps(d)) == d
    assert d["exact"] == [["1/2", "1/4"], ["0", "1/4"]]
    assert d["values"] == {"S": ["no", "yes"], "C": ["low", "high"]}
    assert TABLE.as_float().to_dict()["exact"] is None


@pytest.mark.parametrize(
    ("variables", "array", "values"),
    [
        (("A",), [[1.0]], None),
        (("A", "A"), [[1.0]], None),
        (("A",), [0.5, 0.5], [("x",)]),
        (("A",), 1.0, None),
        (("A",), [0.5, 0.5], [("x", "x")]),
        (("A",), [0.5, 0.5], 5),
        (("A",), [0.5, 0.5], ["xy"]),
        (("A",), [0.5, 0.5], ["x", "y"]),
        (("A",), ["x", 0.5], None),
        (("A",), ["1/2", "1/2"], None),
        (("A",), [F(1, 2), "1/2"], None),
        (("A",), [None, 0.5], None),
        (("A",), [0.5j, 0.5], None),
        (("A",), [F(10) ** 400, 0.5], None),
        (("A",), [object(), F(1)], None),
        (("A", "B"), [[0.5], [0.2, 0.3]], None),
        (("A",), np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), None),
        (("A",), "ab", None),
        (("A",), {"x": 1}, None),
    ],
)
def test_shapes_must_fit(variables: tuple[str, ...], array: object, values: object) -> None:
    """An array that does not fit the variables, or of things that are no numbers, is refused."""
    with pytest.raises(CutwireError) as refused:
        Distribution(variables, array, values)  # type: ignore[arg-type]
    assert refused.value.diagnostic.code == "T022"


S, T = Object("S", ("no", "yes")), Object("T", ("0", "1"))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        ([[0.5, 0.5]], "shape"),
        ([[0.5, 0.5], [0.5, 0.6]], "S = yes"),
        ([[1.5, -0.5], [0.5, 0.5]], "negative"),
        ([[float("nan"), 1.0], [0.5, 0.5]], "not a number"),
        ([[F(1, 2), F(1, 2)], [F(1, 3), F(1, 3)]], "sum to 2/3"),
        ([[0.5, 0.5], [0.5, 0.5 + 1e-8]], "sum to"),
    ],
)
def test_kernels_are_stochastic(array: object, said: str) -> None:
    """Columns of a kernel are probabilities: exactly for fractions, to 1e-9 for floats."""
    with pytest.raises(CutwireError) as refused:
        Kernel((S,), (T,), array)
    assert refused.value.diagnostic.code == "T022"
    assert said in refused.value.diagnostic.notes[0]


@pytest.mark.parametrize("axes", [33, 40, 70])
def test_more_axes_than_an_array_has(axes: int) -> None:
    """L003 instead of an error of numpy's, though every axis has one value."""
    one = [Object(f"V{k}", ("only",)) for k in range(axes)]
    with pytest.raises(LimitError) as refused:
        Kernel(tuple(one), (T,), np.array([F(1, 2), F(1, 2)], dtype=object))
    assert refused.value.diagnostic.code == "L003"
    with pytest.raises(LimitError) as refused:
        Distribution([x.name for x in one], [1.0])
    assert refused.value.diagnostic.code == "L003"
    with pytest.raises(LimitError) as refused:
        from_rows("d", [x.name for x in one], {x.name: ("only",) for x in one}, [["only"] * axes]).counts(
            [x.name for x in one]
        )
    assert refused.value.diagnostic.code == "L003"


def test_as_many_axes_as_an_array_has() -> None:
    """With 32 axes all works, exactly and in floats."""
    one = [Object(f"V{k}", ("only",)) for k in range(31)]
    for half in (F(1, 2), 0.5):
        array = np.full([1] * 31 + [2], half)
        kernel = Kernel(tuple(one), (T,), array)
        assert kernel == Kernel(tuple(one), (T,), array.tolist())
        table = Distribution([x.name for x in (*one, T)], array)
        assert table.marginal("T").array.tolist() == [half, half]
        assert len(list(table.rows())) == 2
        with pytest.raises(CutwireError, match="V0 = only"):
            Kernel(tuple(one), (T,), array * 2)
    rows = from_rows("d", [x.name for x in (*one, T)], {x.name: x.values for x in (*one, T)}, [["only"] * 31 + ["1"]])
    assert fit(rows, Box("t", tuple(one), (T,)), 1).array.reshape(2).tolist() == [F(1, 3), F(2, 3)]


def test_kernels_without_values_are_refused() -> None:
    """A type without values has no probabilities."""
    with pytest.raises(CutwireError) as refused:
        Kernel((), (Object("A"),), [1.0])
    assert refused.value.diagnostic.code == "T022"


def test_kernel_floats() -> None:
    """A float kernel may be off by rounding; an exact one can be read as floats."""
    assert not Kernel((), (T,), [0.1 + 0.2, 0.7]).exact
    assert Kernel((), (T,), [F(1, 4), F(3, 4)]).as_float().array.tolist() == [0.25, 0.75]
