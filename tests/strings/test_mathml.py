"""Formulas in MathML: well-formed, and nothing of the formula lost or added, whatever its names are."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strings.formula import Arithmetic, Ask, Compare, Formula, Number, Sum
from strings.identification import identified
from strings.mathml import mathml
from strings.model import Mechanism
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Do, Open, Replace
from strings.written import formula
from tests.observed import opened, shape, terms
from tests.strings.test_formula import formulas, queries

MATH = "{http://www.w3.org/1998/Math/MathML}"
P_A, P_B = Ask(Query(terms("A"))), Ask(Query(terms("B")))
A, B = (f"<mi>P</mi><mrow><mo>(</mo><mi>{n}</mi><mo>)</mo></mrow>" for n in "AB")
THIN = '<mspace width="0.2em"/>'


def number(text: str) -> Number:
    return Number(Fraction(text))


def inside(f: Formula | Compare) -> str:
    """What stands in the `math` element."""
    found = re.fullmatch(r"<math [^>]*>(.*)</math>", mathml(f), re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("f", "wanted"),
    [
        (P_A, A),
        (number("-1/2"), "<mo>\u2212</mo><mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (Arithmetic("*", P_A, P_B), A + THIN + B),
        (Arithmetic("/", P_A, P_B), f"<mfrac><mrow>{A}</mrow><mrow>{B}</mrow></mfrac>"),
        (Arithmetic("^", P_A, number("2")), f"<msup><mrow>{A}</mrow><mrow><mn>2</mn></mrow></msup>"),
        (
            Arithmetic("^", number("1/2"), number("2")),
            "<msup><mrow><mrow><mo>(</mo><mfrac><mn>1</mn><mn>2</mn></mfrac><mo>)</mo></mrow></mrow>"
            "<mrow><mn>2</mn></mrow></msup>",
        ),
        (
            Arithmetic("*", Arithmetic("+", P_A, P_B), P_A),
            f"<mrow><mo>(</mo>{A}<mo>+</mo>{B}<mo>)</mo></mrow>{THIN}{A}",
        ),
        (Compare((P_A, P_B), ("<=",)), f"{A}<mo>\u2264</mo>{B}"),
        (Compare((P_A, P_B), ("<",)), f"{A}<mo>&lt;</mo>{B}"),
    ],
)
def test_formulas(f: Formula | Compare, wanted: str) -> None:
    """Fractions have bars, powers are raised, brackets stand where they are needed and nowhere else."""
    assert inside(f) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("S", "<mi>S</mi>"),
        ("s''", "<msup><mi>s</mi><mo>\u2032\u2032</mo></msup>"),
        ("V12", "<msub><mi>V</mi><mn>12</mn></msub>"),
        ("x_2'", "<msubsup><mi>x</mi><mn>2</mn><mo>\u2032</mo></msubsup>"),
        ("blood_pressure", "<mi>blood_pressure</mi>"),
        ("left atrium", "<mtext>left atrium</mtext>"),
        ("-0.5", "<mn>-0.5</mn>"),
        ("<b>&", "<mtext>&lt;b&gt;&amp;</mtext>"),
    ],
)
def test_names(name: str, wanted: str) -> None:
    """Letters with their subscript, words, numbers, and whatever else."""
    assert inside(Ask(Query((Term(name),)))) == f"<mi>P</mi><mrow><mo>(</mo>{wanted}<mo>)</mo></mrow>"


def test_papers() -> None:
    """The front door: what a reader sees, sign by sign."""
    front = identified(shape("X->M M->Y", "X-Y"), Query(terms("Y"), (), (Open("X", "x"),)))
    seen = "".join(ET.fromstring(mathml(formula(front))).itertext())
    assert seen == "\u2211mP(m\u2223x)\u2211x\u2032P(Y\u2223x\u2032,m)P(x\u2032)"


SIGNS = {":=": "=", "->": "\u2192", "|": "\u2223", "'": "\u2032", "-": "\u2212", " in ": "\u2208"}


def signs_of_text(text: str) -> str:
    """The signs of a formula as text, but brackets, blanks, and what MathML shows by place: `*`, `/`, `^`, types."""
    text = re.sub(r"sum\[(\w+) : \w+\]", "\u2211\\1", text).replace("E(", "\U0001d53c(")
    for old, new in SIGNS.items():
        text = text.replace(old, new)
    return re.sub(r"[\s()*/^]", "", text)


def signs_of_math(text: str) -> str:
    return re.sub(r"[\s()]", "", "".join(ET.fromstring(text).itertext()))


@settings(max_examples=150, deadline=None)
@given(formulas())
def test_every_sign_of_a_formula(f: Formula) -> None:
    """The text of the MathML is the formula."""
    assert signs_of_math(mathml(f)) == signs_of_text(str(f))


@settings(max_examples=150, deadline=None)
@given(queries())
def test_every_sign_of_a_question(query: Query) -> None:
    """Whatever is asked, seen and done; settings that stand apart come into one `do`."""
    text = str(query)
    for s in query.surgeries:
        if isinstance(s, Open) and s.axis:  # papers write do(x)
            text = text.replace(f"{s.variable} := {s.axis}", s.axis)
    seen, wanted = signs_of_math(mathml(Ask(query))), signs_of_text(text)
    if "cut" in wanted:
        seen, wanted = ("".join(sorted(re.sub("do|,", "", text))) for text in (seen, wanted))
    assert seen == wanted


ANY = st.text(min_size=1, max_size=8).filter(lambda t: t.strip("'"))


@st.composite
def wild(draw: st.DrawFn) -> Formula:
    """A formula whose names and values are any text."""
    y, z, x, s, a = (draw(ANY) for _ in range(5))
    policy = Replace(x, Mechanism.of_box(Box(a, (), (Object(x),))), draw(st.one_of(st.just(""), ANY)))
    surgeries = draw(st.sampled_from(((), (Do(x, a),), (Open(x, s),), (policy,))))
    query = Query((Term(y), Term(z, (a, s))), (Term(s, (a,)),), surgeries)
    return Sum(((s, z),), Arithmetic("*", Ask(query), Ask(Query((Term(z, axis=s),)))))


def words(f: Formula) -> Iterator[str]:
    """All names and values, in the order in which they are shown."""
    match f:
        case Sum(binders, body):
            yield from (n for n, _ in binders)
            yield from words(body)
        case Arithmetic(_, left, right):
            yield from (*words(left), *words(right))
        case Ask(query):
            yield from ("P", *(w for t in query.targets for w in _term(t)))
            yield from ["do"] * bool(query.surgeries)
            for s in query.surgeries:
                match s:
                    case Do(variable, value):
                        yield from (variable, value)
                    case Open(variable, axis):
                        yield axis or variable
                    case Replace(variable, mechanism, text):
                        yield from (variable, text or mechanism.diagram.nodes[0].box.name)
            yield from (w for t in query.given for w in _term(t))


def _term(t: Term) -> tuple[str, ...]:
    return (t.axis or t.variable,) if t.values is None else (t.variable, *t.values)


@settings(max_examples=200, deadline=None)
@given(wild())
def test_every_letter_of_any_name(f: Formula) -> None:
    """Names are untrusted: they come out as text, letter by letter, and never as markup."""
    root = ET.fromstring(mathml(f))
    tags = {e.tag.removeprefix(MATH) for e in root.iter()}
    shown = [e.text or "" for e in root.iter() if e.tag.removeprefix(MATH) in ("mi", "mn", "mtext")]
    assert tags <= TAGS
    assert letters(shown) == letters(words(f))


TAGS = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "munder", "mfrac", "msup", "msub", "msubsup"}


def letters(texts: Iterable[str]) -> str:
    return re.sub(r"[\W_]", "", "".join(texts))


def test_conditions_of_a_question() -> None:
    """What is done stands before what is seen."""
    text = mathml(Ask(Query(terms("A B"), terms("C"), opened("X"), expectation=True)))
    assert "".join(ET.fromstring(text).itertext()) == "\U0001d53c(A,B\u2223do(X),C)"
