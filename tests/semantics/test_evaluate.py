"""Formulas and comparisons: arithmetic on tables with named axes."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from semantics.compare import compare
from semantics.distribution import Distribution
from semantics.evaluate import evaluate
from strings.diagnostic import LimitError, QueryError
from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Sum
from strings.query import Query, Term

F = Fraction
KNOWN = {
    "A": Distribution(("a",), [F(1, 4), F(3, 4)], [("no", "yes")]),
    "B": Distribution(("b",), [F(1, 2), F(1, 3), F(1, 6)]),
    "AB": Distribution(("b", "a"), [[F(1), F(2)], [F(3), F(4)], [F(5), F(6)]], [("0", "1", "2"), ("no", "yes")]),
    "float": Distribution(("a",), [0.25, 0.75], [("no", "yes")]),
    "zero": Distribution(("a",), [F(0), F(1)], [("no", "yes")]),
}


def ask(query: Query) -> Distribution:
    return KNOWN[query.targets[0].variable]


def values(name: str) -> tuple[str, ...]:
    return {"a": ("no", "yes"), "A": ("no", "yes"), "b": ("0", "1", "2")}[name]


def p(name: str) -> Ask:
    return Ask(Query((Term(name),)))


def number(n: int | str) -> Number:
    return Number(F(n))


def value(formula: Formula) -> Distribution:
    return evaluate(formula, ask, values)


def test_axes_are_matched_by_name() -> None:
    """Each operand is repeated along the axes that it lacks; axes stand in order of first appearance."""
    product = value(Arithmetic("*", p("A"), p("B")))
    assert product.variables == ("a", "b")
    assert product["yes", "2"] == F(3, 4) * F(1, 6)
    mixed = value(Arithmetic("+", p("A"), p("AB")))
    assert mixed.variables == ("a", "b")
    assert mixed["yes", "1"] == F(3, 4) + 4


@pytest.mark.parametrize(
    ("op", "wanted"), [("+", F(7, 12)), ("-", F(-1, 12)), ("*", F(1, 12)), ("/", F(3, 4)), ("^", F(1, 16))]
)
def test_operations(op: str, wanted: Fraction) -> None:
    """The five operations, exactly."""
    right = number(2) if op == "^" else number("1/3")
    assert value(Arithmetic(op, number("1/4"), right))[()] == wanted


def test_sums_bind_axes() -> None:
    """A sum removes its axis; where the body does not mention it, it counts its values."""
    assert value(Sum((("a", "A"),), p("A")))[()] == 1
    assert value(Sum((("a", "A"),), p("B"))).array.tolist() == [F(1), F(2, 3), F(1, 3)]
    both = Sum((("a", "A"), ("b", "b")), p("AB"))
    assert value(both)[()] == 21
    assert value(Sum((("a", "A"),), number(5)))[()] == 10


def test_back_door_formula() -> None:
    """sum[b] P(B) * AB is the matrix product."""
    found = value(Sum((("b", "b"),), Arithmetic("*", p("B"), p("AB"))))
    assert found.variables == ("a",)
    assert found["no"] == F(1, 2) + 1 + F(5, 6)


def test_exactness_spreads() -> None:
    """One float makes the result a float; literals may ask for it."""
    assert value(Arithmetic("+", p("A"), number(1))).exact
    assert not value(Arithmetic("+", p("float"), p("A"))).exact
    assert not value(Number(F(1, 3), exact=False)).exact


def test_division_by_zero() -> None:
    """Dividing by zero names the place."""
    with pytest.raises(QueryError) as refused:
        value(Arithmetic("/", p("B"), p("zero")))
    assert refused.value.diagnostic.code == "Q006"
    assert "a = no" in refused.value.diagnostic.message
    with pytest.raises(QueryError) as refused:
        value(Arithmetic("^", p("zero"), number(-1)))
    assert refused.value.diagnostic.code == "Q006"


@pytest.mark.parametrize("exponent", [number("1/2"), number(10**9), p("A")])
def test_powers_are_small_whole_numbers(exponent: Formula) -> None:
    """Only a bounded whole number is an exponent."""
    with pytest.raises(QueryError) as refused:
        value(Arithmetic("^", number(2), exponent))
    assert refused.value.diagnostic.code == "Q008"


def test_large_numbers_are_bounded() -> None:
    """Numbers beyond floats are shown and compared; towers of powers are refused before they are computed."""
    huge = Arithmetic("^", number(10), number(400))
    assert str(value(huge)) == "1.00000e+400"
    assert value(huge).as_float()[()] == float("inf")
    assert value(Arithmetic("*", number("1/10"), Number(F(10) ** 400, exact=False)))[()] == float("inf")
    assert value(Arithmetic("*", huge, Number(F(2), exact=False)))[()] == float("inf")
    assert len(value(Arithmetic("/", number(1), Arithmetic("^", huge, number(20)))).to_dict()["exact"]) == 8003
    with pytest.raises(LimitError) as refused:
        value(Arithmetic("^", Arithmetic("^", huge, number(500)), number(1000)))
    assert refused.value.diagnostic.code == "L003"
    assert not compare(Compare((huge, Number(F(1), exact=False)), ("==",)), ask, values).holds


def test_comparisons_hold_everywhere_or_not() -> None:
    """A comparison holds if it does for every value of every axis; else the first failure is told."""
    held = compare(Compare((number(0), p("A"), number(1)), ("<", "<=")), ask, values)
    assert held.holds
    assert held.exact
    assert (held.axes, held.cases) == (("a",), 2)
    failed = compare(Compare((p("A"), number("1/4")), ("==",)), ask, values)
    assert not failed.holds
    assert failed.worst == F(1, 2)
    assert failed.failing == (("a", "yes"),)
    assert failed.describe() == "at a = yes: 0.75 (3/4) == 0.25 (1/4) is false"


@pytest.mark.parametrize(
    ("op", "right", "holds"),
    [
        ("==", "1/4", True),
        ("!=", "1/4", False),
        ("!=", "1/3", True),
        ("<", "1/4", False),
        ("<=", "1/4", True),
        (">", "1/5", True),
        (">=", "1/3", False),
    ],
)
def test_every_relation(op: str, right: str, holds: bool) -> None:
    """Relations of exact numbers are exact."""
    found = compare(Compare((number("1/4"), number(right)), (op,)), ask, values)
    assert (found.holds, found.exact) == (holds, True)


def test_floats_are_compared_with_tolerance() -> None:
    """Equality of floats allows 1e-9, or what the claim says; strict relations allow nothing; fractions allow none."""
    near = Number(F("0.2500000001"), exact=False)
    quarter = Number(F(1, 4), exact=False)
    assert compare(Compare((quarter, near), ("==",)), ask, values).holds
    assert compare(Compare((near, quarter), ("<=",)), ask, values).holds
    assert not compare(Compare((quarter, near), ("!=",)), ask, values).holds
    assert not compare(Compare((near, quarter), ("<",)), ask, values).holds
    assert not compare(Compare((quarter, near), ("==",)), ask, values, within=F(1, 10**12)).holds
    assert not compare(Compare((number("1/4"), number("0.2500000001")), ("==",)), ask, values).holds


def test_a_given_tolerance_counts_for_all_numbers() -> None:
    """`within` is taken at its word for fractions and floats, also 0; without it fractions have to be equal."""
    third, near = F(1, 3), F(1, 3) + F(1, 1000)
    for exact in (True, False):
        sides = (Number(third, exact), Number(near, exact))
        for op, without, rough, fine in (
            ("==", False, True, False),
            (">=", False, True, False),
            ("!=", True, False, True),
        ):
            claim = Compare(sides, (op,))
            assert compare(claim, ask, values).holds == without
            for slack in (F(1, 500), 0.002):
                assert compare(claim, ask, values, within=slack).holds == rough
            for slack in (F(1, 2000), 0.0005):
                assert compare(claim, ask, values, within=slack).holds == fine
            assert compare(claim, ask, values, within=0).holds == without
    tenths = Compare(
        (Arithmetic("+", Number(F("0.1"), False), Number(F("0.2"), False)), Number(F("0.3"), False)), ("==",)
    )
    assert compare(tenths, ask, values).holds
    assert not compare(tenths, ask, values, within=0).holds
    assert compare(tenths, ask, values, within=F(1, 10**15)).holds


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("far", ["1e-3", "1e-7", "1e-12", "1e-16", "1e-30", "1e-90"])
def test_a_failure_shows_the_difference(exact: bool, far: str) -> None:
    """Two numbers that differ are never shown alike."""
    one, other = Number(F(1, 3), exact), Number(F(1, 3) + F(far), exact)
    found = compare(Compare((one, other), ("==",)), ask, values, within=0)
    if not exact and F(far) < F(1, 10**17):
        assert found.holds
        return
    left, _, right = found.describe().removesuffix(" is false").partition(" == ")
    assert left != right
    assert left.startswith("0.33333")


def test_infinities_are_compared() -> None:
    """What is too large for floats is equal to itself, and is shown."""
    huge = Arithmetic("*", Number(F(10**300), False), Number(F(10**300), False))
    assert compare(Compare((huge, huge), ("==",)), ask, values).holds
    assert not compare(Compare((huge, huge), ("!=",)), ask, values).holds
    lost = compare(Compare((Arithmetic("-", huge, huge), number(0)), ("==",)), ask, values)
    assert lost.describe() == "nan == 0 is false"


@pytest.mark.parametrize("n", [24, 40, 70, 3000])
def test_sums_over_many_axes_are_refused_at_once(n: int) -> None:
    """Before any table is built, for fractions and floats, in sums, products and comparisons."""

    def one_axis(query: Query) -> Distribution:
        return Distribution((query.targets[0].variable,), [F(1, 4), F(3, 4)])

    parts = [p(f"a{k}") for k in range(n)]
    chain: Formula = parts[0]
    for part in parts[1:200]:
        chain = Arithmetic("+", chain, part)
    start = time.monotonic()
    with pytest.raises(LimitError) as refused:
        evaluate(chain, one_axis, values, max_memory=2**26)
    assert refused.value.diagnostic.code == "L001"
    assert "--max-memory" in str(refused.value) or n > 24
    with pytest.raises(LimitError) as refused:
        evaluate(Sum(tuple((f"a{k}", "a") for k in range(n)), chain), one_axis, values, max_memory=2**26)
    assert refused.value.diagnostic.code == "L001"
    left, right = (Arithmetic("*", a, b) for a, b in (parts[:2], parts[2:4]))
    with pytest.raises(LimitError) as refused:
        compare(Compare((left, right), ("==",)), one_axis, values, max_memory=1000)
    assert refused.value.diagnostic.code == "L001"
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("n", [31, 32, 40, 70])
def test_many_axes_of_one_value(n: int) -> None:
    """Small, but more axes than an array can have: L003, and no error of numpy's."""

    def one_axis(query: Query) -> Distribution:
        return Distribution((query.targets[0].variable,), [F(3)], [("only",)])

    chain: Formula = p("a0")
    for k in range(1, n):
        chain = Arithmetic("+", chain, p(f"a{k}"))
    if n <= 31:
        assert evaluate(chain, one_axis, values).array.reshape(()) == 3 * n
        return
    with pytest.raises(LimitError) as refused:
        evaluate(chain, one_axis, values)
    assert refused.value.diagnostic.code == "L003"


def test_exact_values_only() -> None:
    """With `exact` nothing in the formula may be floating-point: neither a number, nor an answer."""
    inexact = Number(F(1, 2), exact=False)
    for formula in (
        inexact,
        Arithmetic("*", inexact, p("A")),
        Sum((("a", "A"),), Arithmetic("+", p("A"), inexact)),
        p("float"),
        Arithmetic("*", p("A"), p("float")),
    ):
        with pytest.raises(QueryError) as refused:
            evaluate(formula, ask, values, exact=True)
        assert refused.value.diagnostic.code == "Q005"
        with pytest.raises(QueryError):
            compare(Compare((number(1), formula), ("==",)), ask, values, exact=True)
        assert not evaluate(formula, ask, values).exact
    assert evaluate(Arithmetic("*", number(2), p("A")), ask, values, exact=True).exact


def test_each_question_is_asked_once() -> None:
    """However often it stands in a formula, and in the order in which they stand there."""
    asked: list[str] = []

    def counting(query: Query) -> Distribution:
        asked.append(query.targets[0].variable)
        return KNOWN[asked[-1]]

    evaluate(Arithmetic("/", Arithmetic("*", p("B"), p("A")), Arithmetic("+", p("A"), p("AB"))), counting, values)
    assert asked == ["B", "A", "AB"]


def test_axes_must_agree() -> None:
    """One name with two sets of values is refused."""
    other = Distribution(("a",), [F(1)], [("maybe",)])
    with pytest.raises(QueryError) as refused:
        evaluate(Arithmetic("+", p("A"), p("B")), lambda q: other if str(q) == "P(B)" else KNOWN["A"], values)
    assert refused.value.diagnostic.code == "N009"
