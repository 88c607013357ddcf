"""Formulas and questions as text: what is printed says the same when it is read again."""

from __future__ import annotations

import zlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parser.elaborate import elaborate_query, parse_program
from parser.program import ModelDef
from parser.read import read_expression
from parser.tokens import RESERVED
from semantics.distribution import Distribution
from semantics.evaluate import evaluate
from strings.diagnostic import Source
from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Sum
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Surgery

F = Fraction
MODEL = CausalModel.from_edges([("S", "T"), ("T", "C")], domains={"S": ["no", "yes"], "T": 2, "C": ["a", "b", "c"]})
VALUES = {x.name: x.values or () for x in MODEL.variables}


def read(text: str, model: CausalModel = MODEL) -> Formula:
    return elaborate_query(read_expression(text), ModelDef("m", model), Source("<formula>", text)).formula


def some_numbers(query: Query) -> Distribution:
    """A number for every question, the same for the same text, along the axes of the question."""
    axes = {t.axis_name: VALUES[t.variable] for t in (*query.targets, *query.given) if t.free}
    seed = zlib.crc32(str(query).encode())
    array = np.full([len(v) for v in axes.values()], F(seed % 7 + 1, seed % 5 + 2), dtype=object)
    return Distribution(tuple(axes), array, list(axes.values()))


def value(formula: Formula) -> Distribution:
    return evaluate(formula, some_numbers, lambda name: VALUES[name])


@st.composite
def formulas(draw: st.DrawFn, depth: int = 4) -> Formula:
    """Random arithmetic on probabilities: powers are whole, nothing is divided by a difference."""
    kind = draw(st.integers(0, 7 if depth else 1))
    if kind == 0:
        return Number(draw(st.fractions(-3, 3, max_denominator=9)))
    if kind == 1:
        return Ask(Query((Term("S", ("yes",)),), draw(st.sampled_from(((), (Term("T", ("0",)),))))))
    inner = formulas(depth - 1)
    if kind == 2:
        return Sum((("s", "S"),), Arithmetic("*", Ask(Query((Term("S", axis="s"),))), draw(inner.filter(closed))))
    if kind == 3:
        return Arithmetic("^", draw(inner.filter(no_power)), Number(F(draw(st.integers(0, 3)))))
    if kind == 4:
        return Arithmetic("/", draw(inner), draw(inner.filter(lambda f: value(f).array.item() != 0)))
    return Arithmetic(draw(st.sampled_from("+-*")), draw(inner), draw(inner))


def no_power(formula: Formula) -> bool:
    """Those have a test of their own."""
    return not (isinstance(formula, Arithmetic) and formula.op == "^")


def closed(formula: Formula) -> bool:
    """Whether no sum stands in it: a name is bound once along a path."""
    match formula:
        case Sum():
            return False
        case Arithmetic(_, left, right):
            return closed(left) and closed(right)
        case _:
            return True


@settings(max_examples=150, deadline=None)
@given(formulas())
def test_a_printed_formula_says_the_same(formula: Formula) -> None:
    """Brackets stand where they are needed: the text is worth what the formula is."""
    assert value(read(str(formula))).array.item() == value(formula).array.item()


P, Q = Ask(Query((Term("S", ("yes",)),))), Ask(Query((Term("T", ("1",)),)))
SUM = Sum((("t", "T"),), Ask(Query((Term("C", ("a",)),), (Term("T", axis="t"),))))
HALF = Number(F(1, 2))


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (HALF, "1/2"),
        (Number(F(-1, 2)), "-1/2"),
        (Number(F(3), exact=False), "3f"),
        (Arithmetic("*", HALF, P), "1/2 * P(S = yes)"),
        (Arithmetic("^", HALF, Number(F(2))), "(1/2) ^ 2"),
        (Arithmetic("-", P, Number(F(-1))), "P(S = yes) - (-1)"),
        (Arithmetic("-", P, Arithmetic("-", Q, P)), "P(S = yes) - (P(T = 1) - P(S = yes))"),
        (Arithmetic("-", Arithmetic("-", P, Q), P), "P(S = yes) - P(T = 1) - P(S = yes)"),
        (Arithmetic("/", P, Arithmetic("*", Q, P)), "P(S = yes) / (P(T = 1) * P(S = yes))"),
        (Arithmetic("/", P, HALF), "P(S = yes) / (1/2)"),
        (Arithmetic("*", Arithmetic("+", P, Q), P), "(P(S = yes) + P(T = 1)) * P(S = yes)"),
        (Arithmetic("+", Arithmetic("*", P, Q), P), "P(S = yes) * P(T = 1) + P(S = yes)"),
        (Arithmetic("^", Arithmetic("*", P, Q), Number(F(2))), "(P(S = yes) * P(T = 1)) ^ 2"),
        (Arithmetic("*", SUM, P), "(sum[t : T] P(C = a | t)) * P(S = yes)"),
        (Arithmetic("*", P, SUM), "P(S = yes) * sum[t : T] P(C = a | t)"),
        (Arithmetic("-", Arithmetic("*", P, SUM), Q), "(P(S = yes) * sum[t : T] P(C = a | t)) - P(T = 1)"),
        (Sum((("s", "S"),), Arithmetic("+", P, Q)), "sum[s : S] (P(S = yes) + P(T = 1))"),
        (Sum((("s", "S"), ("t", "T")), Arithmetic("*", P, Q)), "sum[s : S, t : T] P(S = yes) * P(T = 1)"),
        (Compare((P, HALF, Q), ("<", "<=")), "P(S = yes) < 1/2 <= P(T = 1)"),
        (Compare((SUM, P), ("==",)), "sum[t : T] P(C = a | t) == P(S = yes)"),
    ],
)
def test_how_formulas_are_printed(formula: Formula | Compare, text: str) -> None:
    """As few brackets as the reading allows."""
    assert str(formula) == text


def test_powers_of_powers_are_bracketed() -> None:
    """A power binds to the right, so one on the left is bracketed."""
    tower = Arithmetic("^", Arithmetic("^", P, Number(F(2))), Number(F(3)))

    assert value(read(str(tower))).array.item() == value(tower).array.item()


# ---- questions -------------------------------------------------------------------------------------------------------

SURGERIES: tuple[Surgery, ...] = (
    Do("S", "yes"),
    Open("T"),
    Open("T", "t"),
    Cut("C"),
    CutWire("S", "T"),
    DoWire("T", "C", "1"),
    DoWire("S", "T", None),
    DoWire("S", "T", None, "s"),
)


def variables_of(s: Surgery) -> tuple[str, ...]:
    return (s.source, s.sink) if isinstance(s, (CutWire, DoWire)) else (s.variable,)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Random questions about the model; bound names are those that a surgery brings up."""
    chosen: list[Surgery] = []
    for s in draw(st.lists(st.sampled_from(SURGERIES), max_size=3, unique=True)):
        if not {v for c in chosen for v in variables_of(c)} & set(variables_of(s)):
            chosen.append(s)
    axes = {getattr(s, "axis", None): variables_of(s)[0] for s in chosen} | {None: ""}
    names = draw(st.lists(st.sampled_from(MODEL.names), min_size=1, max_size=3, unique=True))
    terms = []
    for n in names:
        ways = [Term(n), Term(n, (VALUES[n][0],)), Term(n, tuple(reversed(VALUES[n])))]
        ways += [Term(n, axis=a) for a, v in axes.items() if a and v == n]
        terms.append(draw(st.sampled_from(ways)))
    split = draw(st.integers(1, len(terms)))
    return Query(tuple(terms[:split]), tuple(terms[split:]), tuple(chosen))


@settings(max_examples=200, deadline=None)
@given(queries())
def test_a_printed_question_is_the_question(query: Query) -> None:
    """Reading the text of a question gives the question, surgeries and free values and all."""
    assert read(str(query)) == Ask(query)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (Query((Term("S"),)), "P(S)"),
        (Query((Term("S"), Term("T", ("1",))), (Term("C", ("a", "b")),)), "P(S, T = 1 | C in {a, b})"),
        (Query((Term("C"),), (Term("T"),), (Do("S", "yes"),)), "P(C | do(S := yes), T)"),
        (Query((Term("C"),), (), (Do("S", "yes"), Open("T", "t"))), "P(C | do(S := yes, T := t))"),
        (Query((Term("C"),), (), (Do("S", "yes"), Cut("T"), Do("C", "a"))), "P(C | do(S := yes), cut(T), do(C := a))"),
        (Query((Term("T"),), (), (DoWire("S", "T", "no"), CutWire("T", "C"))), "P(T | do(S -> T := no), cut(T -> C))"),
        (Query((Term("T"),), (), (Open("S"),), expectation=True), "E(T | do(S))"),
        (Query((Term("S", axis="s"),), (Term("T", axis="t"),)), "P(s | t)"),
    ],
)
def test_how_questions_are_printed(query: Query, text: str) -> None:
    """Interventions first, several in one `do(…)`; a bound name stands for itself."""
    assert str(query) == text


def test_terms() -> None:
    """A term is free, along an axis of its own name or of another; or an event."""
    assert (Term("S").free, Term("S").axis_name) == (True, "S")
    assert (Term("S", axis="s").free, Term("S", axis="s").axis_name) == (True, "s")
    assert not Term("S", ("yes",)).free


@pytest.mark.parametrize("odd", ["<5", "a b", "3.5", "if", 'say "hi"', "x-y"])
def test_values_that_need_quotes_are_quoted(odd: str) -> None:
    """What is printed can be read, whatever the values are called."""
    x, y = Object("X", (odd, "other")), Object("Y", ("0", "1"))
    model = CausalModel.from_boxes((x, y), [Box("x", (), (x,)), Box("y", (x,), (y,))])
    for query in (
        Query((Term("X", (odd,)),)),
        Query((Term("Y"),), (), (Do("X", odd),)),
        Query((Term("Y"),), (Term("X", ("other", odd)),)),
        Query((Term("Y"),), (), (DoWire("X", "Y", odd),)),
    ):
        assert read(str(query), model) == Ask(query)


def test_words_of_the_language_are_quoted() -> None:
    """A variable or value may be called like any word of the language, or like a number with a sign."""
    odd = ["-3", "0", "007", "_", "_a", "back\\slash", "É", "P", "E", "do", "cut", "sum", "for"]
    for word in [*sorted(RESERVED), *odd]:
        x, y = Object(word, (word, "other")), Object("Y", ("0", "1"))
        model = CausalModel.from_boxes((x, y), [Box("x", (), (x,)), Box("y", (x,), (y,))])
        for query in (
            Query((Term(word), Term("Y", ("0",))), (), (DoWire(word, "Y", word),)),
            Query((Term("Y"),), (Term(word, (word,)),), (CutWire(word, "Y"),)),
            Query((Term("Y"),), (Term(word, ("other", word)),), (Do(word, word), Cut("Y"))),
        ):
            assert read(str(query), model) == Ask(query)
        total = Sum((("v", word),), Ask(Query((Term(word, axis="v"),))))
        assert read(str(total), model) == total


def test_variables_that_need_quotes_are_quoted() -> None:
    """A network's variable may be called anything; in questions it stands in quotes."""
    x = Object("blood pressure", ("low", "high"))
    model = CausalModel.from_boxes((x,), [Box("x", (), (x,))])
    query = Query((Term("blood pressure", ("low",)),), (), (Do("blood pressure", "high"),))

    assert read('P("blood pressure" = low | do("blood pressure" := high))', model) == Ask(query)
    assert read(str(query), model) == Ask(query)


def test_comparisons_are_read_back() -> None:
    """The text of a claim is the claim."""
    text = "var S : {no, yes}\nbox s : -> S = flip(1/2)\nclaim c: "
    for body in ("0 <= P(S = yes) < 1", "P(S) == sum[s : S] P(s) * P(S)", "P(S = yes) - P(S = no) != 1/2 * P(S = no)"):
        (first,) = parse_program(text + body).statements
        (second,) = parse_program(text + str(first.body)).statements  # type: ignore[union-attr]
        assert first == second
