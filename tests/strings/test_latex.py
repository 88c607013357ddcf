"""Formulas in LaTeX: as papers set them, balanced, and with nothing that LaTeX would trip over."""

from __future__ import annotations

import random
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Sum
from strings.identification import Identified, identified, identify
from strings.latex import latex, latex_query, name
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace
from strings.written import formula
from tests.observed import do, interventional_query, opened, random_shape, shape, terms

P_A, P_B = Ask(Query(terms("A"))), Ask(Query(terms("B")))


def number(text: str) -> Number:
    return Number(Fraction(text))


FORMULAS: list[tuple[Formula | Compare, str]] = [
    (P_A, "P(A)"),
    (Ask(Query(terms("A B"), terms("C"), opened("X"))), r"P(A, B \mid \mathrm{do}(X), C)"),
    (Ask(Query((Term("Y", ("1",)),), (), do(X="0"))), r"P(Y = 1 \mid \mathrm{do}(X = 0))"),
    (Ask(Query((Term("Y", ("1", "2")),))), r"P(Y \in \{1, 2\})"),
    (Ask(Query(terms("Y"), (), (Open("X", "x"),), expectation=True)), r"\mathbb{E}(Y \mid \mathrm{do}(x))"),
    (Ask(Query((Term("Y", axis="y"),), (Term("S", axis="s'"),))), "P(y \\mid s')"),
    (number("3"), "3"),
    (number("-1/2"), r"-\frac{1}{2}"),
    (Arithmetic("*", P_A, P_B), r"P(A) \, P(B)"),
    (Arithmetic("/", P_A, P_B), r"\frac{P(A)}{P(B)}"),
    (Arithmetic("-", P_A, Arithmetic("-", P_B, P_A)), r"P(A) - \left(P(B) - P(A)\right)"),
    (Arithmetic("*", Arithmetic("+", P_A, P_B), P_A), r"\left(P(A) + P(B)\right) \, P(A)"),
    (Arithmetic("^", P_A, number("2")), "P(A)^{2}"),
    (Arithmetic("^", Arithmetic("+", P_A, P_B), number("2")), r"\left(P(A) + P(B)\right)^{2}"),
    (Arithmetic("*", Sum((("a", "A"),), P_A), P_B), r"(\sum_{a} P(A)) \, P(B)"),
    (Arithmetic("*", P_B, Sum((("a", "A"),), P_A)), r"P(B) \, \sum_{a} P(A)"),
    (Sum((("a", "A"), ("b'", "B")), Arithmetic("+", P_A, P_B)), r"\sum_{a, b'} \left(P(A) + P(B)\right)"),
    (Compare((P_A, P_B, number("1")), ("==", "<=")), r"P(A) = P(B) \leq 1"),
    (Compare((P_A, P_B), ("!=",)), r"P(A) \neq P(B)"),
]


@pytest.mark.parametrize(("f", "wanted"), FORMULAS, ids=[str(f) for f, _ in FORMULAS])
def test_formulas(f: Formula | Compare, wanted: str) -> None:
    """Each kind of formula, brackets where they are needed and nowhere else."""
    assert latex(f) == wanted


def test_surgeries() -> None:
    """What is set stands in one `do`; cuts and policies are named."""
    x, z = Object("X", ("0", "1")), Object("Z", ("0", "1"))
    policy = Replace("X", Mechanism.of_box(Box("treat", (z,), (x,))), "treat(Z)")
    query = Query(
        terms("Y"),
        terms("W"),
        (Do("A", "1"), Open("B"), Cut("C"), CutWire("D", "E"), DoWire("F", "G", "0"), policy),
    )
    text = latex_query(query)

    assert text.startswith(r"P(Y \mid \mathrm{do}(A = 1, B, F \to G = 0, X \sim ")
    assert r"\mathrm{cut}(C), \mathrm{cut}(D \to E), W)" in text


def test_papers() -> None:
    """The front door and the napkin."""
    front = identified(shape("X->M M->Y", "X-Y"), Query(terms("Y"), (), (Open("X", "x"),)))
    napkin = identified(shape("W->R R->X X->Y", "W-X W-Y"), Query(terms("Y"), (), (Open("X", "x"),)))

    assert latex(formula(front)) == r"\sum_{m} P(m \mid x) \, \sum_{x'} P(Y \mid x', m) \, P(x')"
    assert latex(formula(napkin)) == (r"\frac{\sum_{w} P(x, Y \mid w, r) \, P(w)}{\sum_{w} P(x \mid w, r) \, P(w)}")


@given(st.text(min_size=1, max_size=12))
def test_any_name(text: str) -> None:
    """Whatever a variable or a value is called: braces balance, and no character is bare that LaTeX minds."""
    found = name(text)
    stripped = re.sub(r"\\[&%$#_{}]|\\textasciitilde\{\}|\\textasciicircum\{\}|\\textbackslash\{\}", "", found)
    stripped = stripped.replace(r"\mathrm", "").replace(r"\text", "")

    assert balanced(stripped)
    assert not re.search(r"[&%$#~\\]", stripped)


def balanced(text: str) -> bool:
    depth = 0
    for c in text:
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    return depth == 0


def test_subscripts() -> None:
    """A letter with a number is a subscript, longer names are upright."""
    assert [name(n) for n in ("X", "X1", "x_2", "X1'", "Tar", "tar'", "-1", "0.5")] == [
        "X",
        "X_{1}",
        "x_{2}",
        "X_{1}'",
        r"\mathrm{Tar}",
        r"\mathrm{tar}'",
        "-1",
        "0.5",
    ]


def test_estimands_are_set() -> None:
    """The formula of any answer: braces and left and right balance."""
    rnd, seen = random.Random(2), 0
    while seen < 150:
        model = random_shape(rnd, rnd.choice([3, 4, 5]))
        query = interventional_query(model, {}, rnd)
        if any(isinstance(s, Replace) for s in query.surgeries):
            continue
        found = identify(model, query)
        if isinstance(found, Identified):
            seen += 1
            text = latex(formula(found))
            assert balanced(re.sub(r"\\[{}]", "", text))
            assert text.count(r"\left(") == text.count(r"\right)")
            assert text.count("(") == text.count(")")


def test_spaces_in_words() -> None:
    """Words of a value keep their blank, which math mode would swallow."""
    model = CausalModel.from_edges([("X", "Y")], domains={"X": ["a b", "c"], "Y": 2})
    text = latex(formula(identified(model, Query(terms("Y"), (), do(X="a b")))))

    assert re.search(r"\\mathrm\{a(\\ |~)b\}|\\text\{a b\}", text)
