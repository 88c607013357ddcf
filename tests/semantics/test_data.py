"""Data: reading it, what is reported about it, and what is learnt from it."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.data import from_frame, levels, read_csv
from semantics.dataset import fit, from_distribution, from_rows
from semantics.distribution import Distribution
from strings.diagnostic import CutwireError, LanguageError, LimitError, QueryError, ZeroProbabilityError
from strings.signature import Box, Object

F = Fraction
VALUES = {"S": ("no", "yes"), "T": ("low", "mid", "high")}


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    def to(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "d.csv"
        path.write_text(text, encoding=encoding)
        return path

    return to


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv(write, separator: str, encoding: str) -> None:  # type: ignore[no-untyped-def]
    """Columns are found by name under any usual separator, with or without a byte order mark."""
    text = "id,smokes,tar\n1,no,low\n2, yes ,high\n3,no,low\n\n4,no,mid\n".replace(",", separator)
    data, warnings = read_csv(write(text, encoding), {"S": "smokes", "T": "tar"}, None, VALUES)
    assert warnings == ()
    assert data.name == "d"
    assert data.marginal(["S"])["no"] == F(3, 4)
    assert data.marginal(["T", "S"])["low", "no"] == F(1, 2)


def test_weights_are_exact(write) -> None:  # type: ignore[no-untyped-def]
    """A weight column counts rows, in decimals that stay exact."""
    data, _ = read_csv(write("S,n\nno,0.1\nyes,0.2\nno,0.3\n"), {"S": "S"}, "n", VALUES)
    assert data.marginal(["S"])["yes"] == F(1, 3)


def test_gaps_are_left_out_and_counted(write) -> None:  # type: ignore[no-untyped-def]
    """Rows with missing values are left out with one warning that counts them by column."""
    text = "S,T,n\nno,NA,1\nyes,,1\n?,mid,1\nno,low,\nyes,high,2\nno\n"
    data, warnings = read_csv(write(text), {"S": "S", "T": "T"}, "n", VALUES)
    assert len(data.codes) == 1
    (warning,) = warnings
    assert (warning.code, warning.severity) == ("F013", "warning")
    assert "5 of 6 rows" in warning.message
    assert warning.notes == ("missing by column: S: 1, T: 3, n: 2",)


def test_a_value_may_look_like_a_gap(write) -> None:  # type: ignore[no-untyped-def]
    """What the variable declares as a value is a value."""
    data, warnings = read_csv(write("S\nNA\n?\nNA\n"), {"S": "S"}, None, {"S": ("NA", "?")})
    assert warnings == ()
    assert data.marginal(["S"])["NA"] == F(2, 3)


@pytest.mark.parametrize(
    ("text", "weight", "code", "said"),
    [
        ("smoke,T\nno,low\n", None, "F010", "no column `S`"),
        ("S,T\nNo,low\n", None, "F003", "d.csv:2: `No`"),
        ("S,T,n\nno,low,-1\n", "n", "F011", "negative"),
        ("S,T,n\nno,low,many\n", "n", "F011", "no number"),
        ("S,T\n", None, "F012", "empty"),
        ("", None, "F010", "no column"),
        ("S,T,n\nno,low,0\n", "n", "F012", "empty"),
        ("S,T\nNA,low\n", None, "F012", "empty"),
        ("S,T,S\nno,low,yes\n", None, "F010", "2 columns `S`"),
        ('S,T\n"no,low\n', None, "F009", "cannot read"),
        ("S,T\nno,low,high\n", None, "F009", "3 cells"),
    ],
)
def test_what_is_wrong_is_said(write, text: str, weight: str | None, code: str, said: str) -> None:  # type: ignore[no-untyped-def]
    """Every problem of a file has its code and says where it is."""
    with pytest.raises(LanguageError) as refused:
        read_csv(write(text), {"S": "S", "T": "T"}, weight, VALUES)
    assert refused.value.diagnostic.code == code
    assert said in refused.value.diagnostic.message


def test_hints(write) -> None:  # type: ignore[no-untyped-def]
    """Wrong columns and values come with the nearest right one."""
    with pytest.raises(LanguageError) as refused:
        read_csv(write("smokes\nno\n"), {"S": "smoke"}, None, VALUES)
    assert refused.value.diagnostic.help == ("did you mean `smokes`?",)
    assert refused.value.diagnostic.notes == ("its columns are smokes",)
    with pytest.raises(LanguageError) as refused:
        read_csv(write("S\nYes\nnoo\n"), {"S": "S"}, None, VALUES)
    assert [d.help for d in refused.value.diagnostics] == [("did you mean `yes`?",), ("did you mean `no`?",)]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """No file, a folder, or bytes that are not UTF-8: an error that says which."""
    (tmp_path / "latin.csv").write_bytes("S\nä\n".encode("latin-1"))
    for name in ("none.csv", ".", "latin.csv"):
        with pytest.raises(LanguageError) as refused:
            read_csv(tmp_path / name, {"S": "S"}, None, VALUES)
        assert refused.value.diagnostic.code == "F009"


def test_row_limit(write) -> None:  # type: ignore[no-untyped-def]
    """Too many rows are refused while reading."""
    with pytest.raises(LimitError) as refused:
        read_csv(write("S\n" + "no\n" * 20), {"S": "S"}, None, VALUES, max_rows=10)
    assert refused.value.diagnostic.code == "L003"


def test_frames_and_columns() -> None:
    """A pandas frame and a mapping of columns give the same data; numbers are read as their text."""
    columns = {"S": ["no", "yes", None, "no"], "N": [0, 1, 1, 1], "other": [1, 2, 3, 4]}
    values = {"S": ("no", "yes"), "N": ("0", "1"), "Z": ("0", "1")}
    plain, said = from_frame(columns, values)
    framed, said_too = from_frame(pd.DataFrame(columns), values)
    assert plain.variables == framed.variables == ("S", "N")
    assert plain.marginal(["S", "N"]) == framed.marginal(["S", "N"])
    assert len(said) == len(said_too) == 1
    gappy = pd.DataFrame({"N": [0, 1, None]})  # pandas makes floats of these
    assert from_frame(gappy, values)[0].marginal(["N"])["1"] == F(1, 2)
    nullable = pd.DataFrame({"N": pd.array([0, 1, None], dtype="Int64"), "S": pd.Categorical(["no", None, "yes"])})
    assert from_frame(nullable, values)[0].marginal(["N"])["0"] == 1
    assert from_frame({"S": pd.Series(["no", "yes"])}, values)[0].marginal(["S"])["no"] == F(1, 2)
    weighted, _ = from_frame(columns, values, {"N": "N"}, weight="other")
    assert weighted.marginal(["N"])["0"] == F(1, 10)


@pytest.mark.parametrize(
    "frame",
    [
        5,
        "text",
        {"S": ["no"], "T": []},
        {"X": [1]},
        {"S": 5},
        {"S": "no"},
        [{"S": "no"}],
        pd.Series(["no"], name="S"),
        pd.DataFrame([["no", "no"]], columns=["S", "S"]),
        pd.DataFrame([["no", "no"]], columns=["S", "other"]).T,
        {1: ["no"], "1": ["no"]},
        np.array([["no"]]),
        None,
    ],
)
def test_frames_that_are_none(frame: object) -> None:
    """What is no table of data is refused with a diagnostic."""
    with pytest.raises(LanguageError) as refused:
        from_frame(frame, VALUES)
    assert refused.value.diagnostic.code in ("F009", "F010")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=12),
    st.sampled_from([F(0), F(1), F(1, 2)]),
)
def test_learning_is_counting(cases: list[tuple[int, int, int]], alpha: Fraction) -> None:
    """A box fitted to data has relative frequencies (smoothed: with pseudo-counts); unseen columns are an error."""
    rows = [(VALUES["S"][s], VALUES["T"][t]) for s, t, _ in cases]
    weights = [w for *_, w in cases]
    if not sum(weights):
        with pytest.raises(LanguageError):
            from_rows("d", ("S", "T"), VALUES, rows, weights)
        return
    data = from_rows("d", ("S", "T"), VALUES, rows, weights)
    b = Box("t", (Object("S", VALUES["S"]),), (Object("T", VALUES["T"]),))
    seen = [sum(w for s, _, w in cases if s == k) for k in range(2)]
    if alpha == 0 and 0 in seen:
        with pytest.raises(ZeroProbabilityError) as refused:
            fit(data, b)
        assert f"S = {VALUES['S'][seen.index(0)]}" in refused.value.diagnostic.message
        return
    kernel = fit(data, b, alpha)
    assert (kernel.dom, kernel.cod) == (b.dom, b.cod)
    for s in range(2):
        for t in range(3):
            n = sum(w for s_, t_, w in cases if (s_, t_) == (s, t))
            assert kernel.array[s, t] == F(n + alpha) / (seen[s] + 3 * alpha)


def test_fit_needs_the_variables() -> None:
    """A box whose ports the data lacks, or types otherwise, cannot be learnt."""
    data = from_rows("d", ("S",), VALUES, [("no",)])
    with pytest.raises(QueryError) as refused:
        fit(data, Box("t", (), (Object("T", VALUES["T"]),)))
    assert refused.value.diagnostic.code == "E006"
    for values in (("no", "maybe"), ("no",), ("no", "yes", "maybe")):
        with pytest.raises(LanguageError) as other:
            fit(data, Box("s", (), (Object("S", values),)))
        assert other.value.diagnostic.code == "F003"
    assert fit(data, Box("s", (), (Object("S", ("yes", "no")),))).array.tolist() == [0, 1]  # the order does not matter


def test_joints_are_data() -> None:
    """A distribution used as data keeps its numbers, exactly or in floats."""
    joint = Distribution(("S", "T"), [[F(1, 2), F(1, 4), F(0)], [F(0), F(1, 8), F(1, 8)]], [*VALUES.values()])
    data = from_distribution(joint)
    assert data.marginal(["S", "T"]) == joint
    assert data.conditional("T", ["S"]).array[1, 2] == F(1, 2)
    assert data.conditional(["S", "T"]).array.tolist() == joint.array.tolist()
    assert from_distribution(joint.as_float()).marginal(["T"]) == joint.as_float().marginal("T")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=6, max_size=6).filter(any),
    st.permutations(range(2)),
    st.permutations(range(3)),
)
def test_joints_are_aligned_by_label(counts: list[int], s: list[int], t: list[int]) -> None:
    """However the axes of a joint are labelled, an entry belongs to the values that its labels name."""
    array = np.array([F(n) for n in counts], dtype=object).reshape(2, 3)
    joint = Distribution(("S", "T"), array, [*VALUES.values()])
    labels = [[v[k] for k in order] for v, order in zip(VALUES.values(), (s, t), strict=True)]
    turned = Distribution(("S", "T"), array[np.ix_(s, t)], labels)
    data = from_distribution(turned, VALUES)

    assert data.values == tuple(VALUES.values())
    assert data.counts(["S", "T"]).tolist() == array.tolist()
    assert data.marginal(["T", "S"]) == from_distribution(joint).marginal(["T", "S"])
    assert from_distribution(turned, {"S": VALUES["S"]}).values == (VALUES["S"], tuple(labels[1]))


@pytest.mark.parametrize(
    ("labels", "code", "told"),
    [
        (("no", "Yes"), "F003", "did you mean `yes`?"),
        (("no", "maybe"), "F003", "`maybe` is not a value of `S`"),
        (("no", "yes", "maybe"), "F003", "`maybe`"),
        (("no",), "F003", "no entry for `yes`"),
        (("0", "1"), "F003", "say what the entries stand for"),
        (("0", "1", "2"), "T022", "3 entries"),
    ],
)
def test_joints_that_do_not_fit(labels: tuple[str, ...], code: str, told: str) -> None:
    """A label that is no value, a value without a label, or an array of another size: never read by position."""
    joint = Distribution(("S",), [F(1)] * len(labels), [labels])
    with pytest.raises(CutwireError) as refused:
        from_distribution(joint, VALUES)
    assert refused.value.diagnostic.code == code
    assert told in str(refused.value)


def test_weights_stay_as_they_are() -> None:
    """Smoothing weighs pseudo-counts against raw weights: (n + alpha) / (N + alpha k), whatever they sum to."""
    joint = Distribution(("S",), [F(3), F(0)], [("no", "yes")])
    rows = from_rows("d", ("S",), VALUES, [("no",)], [F(3)])
    floats = from_distribution(joint.as_float(), VALUES)
    box = Box("s", (), (Object("S", VALUES["S"]),))
    for data in (from_distribution(joint, VALUES), rows):
        assert data.weights.tolist() == [3]
        assert fit(data, box, F(1)).array.tolist() == [F(4, 5), F(1, 5)]
        assert fit(data, box, F(1, 2)).array.tolist() == [F(7, 8), F(1, 8)]
        assert data.marginal(["S"]).array.tolist() == [1, 0]
    assert fit(floats, box, 1).array.tolist() == [0.8, 0.2]


TRUTHS = [
    [True, False, True, None],
    pd.array([True, False, True, None], dtype="boolean"),
    pd.Series([True, False, True, None]),
    np.array([True, False, True, True])[[0, 1, 2]],
]


@pytest.mark.parametrize("column", TRUTHS, ids=["list", "nullable", "objects", "numpy"])
@pytest.mark.parametrize("frame", [dict, pd.DataFrame])
def test_truth_values(column: object, frame: type) -> None:
    """A column of truth values fits {false, true} as well as {False, True}."""
    for names in (("false", "true"), ("False", "True"), ("true", "false")):
        data, _ = from_frame(frame({"S": column}), {"S": names})
        assert data.marginal(["S"])[names[0]] == (F(2, 3) if names[0] == "true" else F(1, 3))
    with pytest.raises(LanguageError) as refused:
        from_frame(frame({"S": column}), {"S": ("TRUE", "FALSE")})
    assert refused.value.diagnostic.help == ("did you mean `TRUE`?",)
    assert levels(frame({"S": column}), ["S"]) == {"S": ("False", "True")}


@pytest.mark.parametrize("frame", [dict, pd.DataFrame])
def test_levels(frame: type) -> None:
    """Distinct, numbers by size and then texts, missing ones left out, each as it is read."""
    columns = {
        "text": ["b", " a ", "NA", "?", None, "b", ""],
        "whole": [10, 9, None, 10, -1, 9, 10],
        "mixed": ["x10", 2, "10", 1.5, "1/2", float("nan"), "x9"],
        "flag": [True, None, False, True, False, True, True],
    }
    found = levels(frame(columns), list(columns))

    assert found == {
        "text": ("a", "b"),
        "whole": ("-1", "9", "10"),
        "mixed": ("1/2", "1.5", "2", "10", "x10", "x9"),
        "flag": ("False", "True"),
    }
    data, _ = from_frame(frame(columns), found)
    assert data.variables == tuple(columns)
    for n in columns:
        _, warnings = from_frame(frame({n: columns[n]}), {n: found[n]})
        assert [w.code for w in warnings] == ["F013"]


@pytest.mark.parametrize(
    ("data", "code"), [({"s": ["no"]}, "F010"), ({"S": [None, "NA"]}, "F012"), ({"S": []}, "F012"), (7, "F009")]
)
def test_levels_that_cannot_be_told(data: object, code: str) -> None:
    """A missing column is told with the nearest one."""
    with pytest.raises(LanguageError) as refused:
        levels(data, ["S"])
    assert refused.value.diagnostic.code == code
    assert code != "F010" or "did you mean `s`?" in refused.value.diagnostic.help


def test_weighted_frames() -> None:
    """A column counts the rows of a data frame, in decimals as they are written; missing weights leave rows out."""
    frame = pd.DataFrame({"S": ["no", "yes", "no", "yes"], "n": [0.1, 0.2, 1e-1, None]})
    data, warnings = from_frame(frame, {"S": VALUES["S"]}, weight="n")
    assert data.counts(["S"]).tolist() == [F(1, 5), F(1, 5)]
    assert [w.code for w in warnings] == ["F013"]
    for bad, code in (([1, -1, 1, 1], "F011"), (["a"] * 4, "F011"), ([0] * 4, "F012")):
        with pytest.raises(LanguageError) as refused:
            from_frame(frame.assign(n=bad), {"S": VALUES["S"]}, weight="n")
        assert refused.value.diagnostic.code == code
    with pytest.raises(LanguageError) as refused:
        from_frame(frame, {"S": VALUES["S"]}, weight="N")
    assert refused.value.diagnostic.help == ("did you mean `n`?",)


def test_data_frames_need_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """V003 names it; a mapping of columns does without."""
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(LanguageError) as refused:
        from_frame(pd.DataFrame({"S": ["no"]}), VALUES)
    assert refused.value.diagnostic.code == "V003"
    assert from_frame({"S": ["no"]}, VALUES)[0].marginal(["S"])["no"] == 1


def test_bad_rows() -> None:
    """Rows given directly are checked too."""
    with pytest.raises(CutwireError) as refused:
        from_rows("d", ("S",), VALUES, [("maybe",)])
    assert refused.value.diagnostic.code == "F003"
    with pytest.raises(CutwireError) as refused:
        from_rows("d", ("S",), VALUES, [("no",)], [-1])
    assert refused.value.diagnostic.code == "F011"
    with pytest.raises(CutwireError) as refused:
        from_rows("d", ("S",), VALUES, [("no",)], [1, 2])
    assert refused.value.diagnostic.code == "F011"
    for row in ((), ("no", "low")):
        with pytest.raises(CutwireError) as refused:
            from_rows("d", ("S",), VALUES, [row])
        assert refused.value.diagnostic.code == "F009"
    with pytest.raises(LimitError):
        from_rows("d", ("A", "B"), {v: [str(k) for k in range(9000)] for v in "AB"}, [("1", "2")]).counts(["A", "B"])
