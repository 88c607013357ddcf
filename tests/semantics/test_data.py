"""Data: reading it, what is reported about it, and what is learnt from it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.data import from_frame, read_csv
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
    assert (warning.code, warning.severity) == ("F004", "warning")
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
        ("smoke,T\nno,low\n", None, "F002", "no column `S`"),
        ("S,T\nNo,low\n", None, "F003", "d.csv:2: `No`"),
        ("S,T,n\nno,low,-1\n", "n", "F005", "negative"),
        ("S,T,n\nno,low,many\n", "n", "F005", "no number"),
        ("S,T\n", None, "F006", "empty"),
        ("", None, "F002", "no column"),
        ("S,T,n\nno,low,0\n", "n", "F006", "empty"),
        ("S,T\nNA,low\n", None, "F006", "empty"),
        ("S,T,S\nno,low,yes\n", None, "F002", "2 columns `S`"),
        ('S,T\n"no,low\n', None, "F001", "cannot read"),
        ("S,T\nno,low,high\n", None, "F001", "3 cells"),
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
        assert refused.value.diagnostic.code == "F001"


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


@pytest.mark.parametrize("frame", [5, "text", {"S": ["no"], "T": []}, {"X": [1]}])
def test_frames_that_are_none(frame: object) -> None:
    """What is no table of data is refused with a diagnostic."""
    with pytest.raises(LanguageError) as refused:
        from_frame(frame, VALUES)
    assert refused.value.diagnostic.code in ("F001", "F002")


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
    assert refused.value.diagnostic.code == "E004"
    with pytest.raises(LanguageError) as other:
        fit(data, Box("s", (), (Object("S", ("yes", "no")),)))
    assert other.value.diagnostic.code == "F003"


def test_joints_are_data() -> None:
    """A distribution used as data keeps its numbers, exactly or in floats."""
    joint = Distribution(("S", "T"), [[F(1, 2), F(1, 4), F(0)], [F(0), F(1, 8), F(1, 8)]], [*VALUES.values()])
    data = from_distribution(joint)
    assert data.marginal(["S", "T"]) == joint
    assert data.conditional("T", ["S"]).array[1, 2] == F(1, 2)
    assert data.conditional(["S", "T"]).array.tolist() == joint.array.tolist()
    assert from_distribution(joint.as_float()).marginal(["T"]) == joint.as_float().marginal("T")


def test_bad_rows() -> None:
    """Rows given directly are checked too."""
    with pytest.raises(CutwireError) as refused:
        from_rows("d", ("S",), VALUES, [("maybe",)])
    assert refused.value.diagnostic.code == "F003"
    with pytest.raises(CutwireError) as refused:
        from_rows("d", ("S",), VALUES, [("no",)], [-1])
    assert refused.value.diagnostic.code == "F005"
    with pytest.raises(LimitError):
        from_rows("d", ("A", "B"), {v: [str(k) for k in range(9000)] for v in "AB"}, [("1", "2")]).counts(["A", "B"])
