"""Estimands: exact on random latent models, the classics as the books print them, and what has to be refused."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from parser.elaborate import elaborate_query
from parser.program import ModelDef
from parser.read import read_expression
from semantics.distribution import Distribution
from semantics.kernel import Kernel
from strings.diagnostic import QueryError, Source
from strings.estimand import Estimand, Given
from strings.formula import Formula
from strings.graph import bits
from strings.identification import Identified, NotIdentified, identified, identify, refusal
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, operate
from strings.written import formula
from tests.observed import (
    Factor,
    agree,
    array_of,
    asking,
    conditional,
    differs,
    do,
    eliminated,
    factors_of,
    hidden_models,
    interventional_query,
    look_up,
    mixed_models,
    observed_joint,
    positive_kernel,
    positive_tables,
    shape,
    terms,
    worth,
)
from tests.semantics.brute import brute_answer, left_free_twice

F = Fraction
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
Tables = Mapping[str, Kernel]


def kernels_of(estimand: Estimand, joint: Distribution) -> dict[str, Kernel]:
    """The boxes of an estimand, each read off the observed joint, or off the boxes of the distribution it is of."""
    boxes = {m.diagram.nodes[0].box.name: m.diagram.nodes[0].box for m in estimand.model.mechanisms.values()}
    found = {}
    for name, c in estimand.conditionals.items():
        order = [x.name for x in (*c.fed, *c.given, c.target)]
        if isinstance(c.of, Estimand):
            whole = (tuple(order), derived(c.of, joint, order))
        else:
            assert not c.fed
            whole = joint.variables, joint.array
        seen = Given(tuple(n for n in whole[0] if n not in {x.name for x in c.fed}), tuple(x.name for x in c.fed))
        query = Query((Term(c.target.name),), tuple(Term(x.name) for x in c.given), tuple(Open(x.name) for x in c.fed))
        axes, table = conditional(query, [seen], [whole], joint.labels)
        b = boxes[name]
        found[name] = Kernel(b.dom, b.cod, table.transpose([axes.index(n) for n in order]))
    return found


def derived(estimand: Estimand, joint: Distribution, order: list[str]) -> object:
    """The joint of a distribution that is derived from the observed one, for all values of what is fed to it."""
    kernels = kernels_of(estimand, joint)
    return eliminated(factors_of(estimand.model, kernels).values(), order)


def from_joint(found: Identified, joint: Distribution, policies: Tables) -> Distribution | None:
    """The answer of the estimand, by enumeration. Policies are put in first: they say in which order things come."""
    query = found.query
    replaced = [s for s in query.surgeries if isinstance(s, Replace)]
    others = tuple(s for s in query.surgeries if not isinstance(s, Replace))
    tables = {**policies, **kernels_of(found.estimand, joint)}
    return brute_answer(operate(found.estimand.model, *replaced), tables, replace(query, surgeries=others))


def by_formula(f: Formula, joint: Distribution, query: Query, policies: Tables) -> Factor:
    """The value of a formula: what it asks without surgery is read off the joint, policies are what they are."""
    ask = asking([Given(joint.variables)], [(joint.variables, joint.array)], joint.labels, query, policies)
    return worth(f, ask, joint.labels)


def is_worth(f: Formula, wanted: Distribution, joint: Distribution, query: Query, policies: Tables) -> bool:
    """Whether a formula has this value, whatever its free names stand for."""
    return not differs(by_formula(f, joint, query, policies), (wanted.variables, wanted.array))


def answered(model: CausalModel, query: Query) -> Identified | None:
    """The answer, if there is one."""
    found = identify(model, query)
    return found if isinstance(found, Identified) else None


ANY = st.one_of(hidden_models(), mixed_models())


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(ANY, st.integers(0, 10**9))
def test_an_estimand_is_the_effect(model: CausalModel, seed: int) -> None:
    """Evaluated on the exact observed joint, the estimand gives what the latent model says; else E001."""
    rnd = random.Random(seed)
    tables = positive_tables(model, rnd)
    query = interventional_query(model, tables, rnd)
    assume(not left_free_twice(query))
    found = answered(model, query)
    if found is None:
        event("refused")
        return
    truth = brute_answer(model, tables, query)
    event("undetermined" if truth is None else "conditional" if query.given else "unconditional")
    answer = from_joint(found, observed_joint(model, tables), tables)

    assert (answer is None) == (truth is None)
    assert answer is None or truth is None or agree(answer, truth)


def test_small_graphs() -> None:
    """Some hundred mixed graphs of four variables, the same on every run: P(y | do(x)) for some x and y of each."""
    rnd, answers = random.Random(2019), 0
    pairs = [(a, b) for k, b in enumerate("ABCD") for a in "ABCD"[:k]]
    for _ in range(400):
        arrows, arcs = ([e for e in pairs if rnd.random() < share] for share in (0.6, 0.35))
        model = CausalModel.from_edges(arrows, arcs, 2, nodes="ABCD")
        x, y, *others = rnd.sample("ABCD", 4)
        query = Query(
            (Term(y, ("1",)),), tuple(Term(z, ("0",)) for z in others[: rnd.choice([0, 0, 1])]), (Do(x, "1"),)
        )
        found = answered(model, query)
        if found is None:
            continue
        answers += 1
        tables = positive_tables(model, rnd)
        truth, joint = brute_answer(model, tables, query), observed_joint(model, tables)
        assert from_joint(found, joint, {}) == truth, (arrows, arcs, str(query))
        assert truth is not None
        assert is_worth(formula(found), truth, joint, query, {}), (arrows, arcs, str(query))

    assert answers > 220


@pytest.mark.parametrize(
    ("sets", "treated"),
    [(False, False), (True, False), (False, True)],
    ids=["single values", "sets of values", "what is acted on is asked for"],
)
@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(model=ANY, seed=st.integers(0, 10**9))
def test_a_formula_is_the_effect(sets: bool, treated: bool, model: CausalModel, seed: int) -> None:
    """The formula of an estimand, evaluated on the exact observed joint, is what the latent model says."""
    rnd = random.Random(seed)
    tables = positive_tables(model, rnd)
    query = interventional_query(model, tables, rnd, sets=sets, treated=treated)
    assume(not left_free_twice(query))
    found = answered(model, query)
    truth = brute_answer(model, tables, query)
    assume(found is not None and truth is not None)
    assert found is not None
    assert truth is not None

    assert is_worth(formula(found), truth, observed_joint(model, tables), query, tables)


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(ANY, st.integers(0, 10**9))
def test_the_printed_formula_says_the_same(model: CausalModel, seed: int) -> None:
    """What is printed can be read again, and is worth as much as the formula itself."""
    rnd = random.Random(seed)
    tables = positive_tables(model, rnd)
    x, *others = rnd.sample(model.observed, min(3, len(model.observed)))
    asked = tuple(Term(n) for n in others[:1] or [x])
    query = Query(asked, tuple(Term(n) for n in others[1:]), (Do(x, "0"),))
    found = answered(model, query)
    assume(found is not None)
    assert found is not None
    text = str(formula(found))
    read = elaborate_query(read_expression(text), ModelDef("m", model), Source("<formula>", text))
    joint = observed_joint(model, tables)

    assert str(read.formula) == text
    assert not differs(by_formula(read.formula, joint, query, {}), by_formula(formula(found), joint, query, {}))


@settings(max_examples=300, deadline=None)
@given(st.one_of(hidden_models(max_size=7), mixed_models()), st.data())
def test_refused_exactly_where_a_bidirected_path_leads_to_a_child(model: CausalModel, data: st.DataObject) -> None:
    """The effect of one variable on all others: identifiable by Tian and Pearl's theorem 3, and then answered."""
    x = data.draw(st.sampled_from(model.observed))
    rest = tuple(Term(n) for n in model.observed if n != x)
    graph = model.graph
    i = graph.names.index(x)
    reached = {i}
    for _ in graph.names:
        reached |= {j for k in reached for j in bits(graph.spouses[k])}
    blocked = any(graph.parents[j] >> i & 1 for j in reached)

    assert (answered(model, Query(rest, (), (Open(x),))) is None) == blocked


@settings(max_examples=100, deadline=None)
@given(hidden_models(), st.data())
def test_an_estimand_is_made_of_observations(model: CausalModel, data: st.DataObject) -> None:
    """Every box is a conditional of observed variables, wired to copies of the right ones; its inputs are treated."""
    x, y = data.draw(st.permutations(model.observed))[:2]
    found = answered(model, Query((Term(y),), (), (Open(x),)))
    if found is None:
        return

    assert found.estimand.model.inputs in ((), (x,))
    assert found.estimand.model.latents == set(found.estimand.copies)
    made_of_observations(found.estimand, model, 0)


def made_of_observations(estimand: Estimand, model: CausalModel, depth: int) -> None:
    boxes = {m.diagram.nodes[0].box.name for m in estimand.model.mechanisms.values()}
    assert boxes == set(estimand.conditionals)
    for name, m in estimand.model.mechanisms.items():
        c = estimand.conditionals[m.diagram.nodes[0].box.name]
        originals = [estimand.copies.get(n, n) for n in (*m.parents, name)]
        assert originals == [z.name for z in (*c.fed, *c.given, c.target)]
        assert set(originals) <= set(model.observed)
        assert len(set(originals)) == len(originals)
        if isinstance(c.of, Estimand):
            assert set(c.of.model.inputs) == {z.name for z in c.fed}
            made_of_observations(c.of, model, depth + 1)
        else:
            assert (c.of, c.fed) == (0, ())


# ---- the classics ----------------------------------------------------------------------------------------------------


BACK_DOOR = shape("Z->X X->Y Z->Y")
FRONT_DOOR = shape("S->T T->C", "S-C")
ONE_HOLE = shape("X->B1 B1->C1 C1->B2", "B1-B2 X-C1")
VERMA = shape("A->B B->C C->D", "B-D")
NAPKIN = shape("W->R R->X X->Y", "W-X W-Y")
BOW = shape("S->C", "S-C")
SINGLE = shape("A->X A->B X->B A->C B->C", "A-X X-C A-C")
"""JKZ section 8: f1 gives A, X and a hidden wire, g : A * X -> B, f2 : hidden * A * B -> C."""

CLASSICS = {
    "back door": (
        BACK_DOOR,
        Query(terms("Y"), (), (Open("X"),)),
        "sum[z : Z] P(Y | z, X) * P(z)",
    ),
    "front door": (
        FRONT_DOOR,
        Query(terms("C"), (), do(S="1")),
        "sum[t : T] P(t | S = 1) * sum[s' : S] P(C | s', t) * P(s')",
    ),
    "front door, free": (
        FRONT_DOOR,
        Query(terms("C"), (), (Open("S", "s"),)),
        "sum[t : T] P(t | s) * sum[s' : S] P(C | s', t) * P(s')",
    ),
    "front door, randomised": (
        FRONT_DOOR,
        Query(terms("C"), (), (Cut("S"),)),
        "sum[s : S] 1/2 * sum[t : T] P(t | s) * sum[s' : S] P(C | s', t) * P(s')",
    ),
    "one hole is not enough": (
        ONE_HOLE,
        Query(terms("B1 C1 B2"), (), (Open("X"),)),
        "P(B2 | X, B1, C1) * P(B1 | X) * sum[x' : X] P(C1 | x', B1) * P(x')",
    ),
    "Verma": (
        VERMA,
        Query(terms("D"), (), do(C="0")),
        "sum[b' : B] P(D | a, b', C = 0) * P(b' | a)",
    ),
    "one intervention in general": (
        SINGLE,
        Query(terms("C"), terms("A"), (Open("X"),)),
        "sum[b : B] P(b | A, X) * sum[x' : X] P(C | A, x', b) * P(x' | A)",
    ),
    "two treatments": (
        shape("X->M M->Y W->Y Z->W", "X-Y"),
        Query(terms("Y"), (), do(X="1", W="0")),
        "sum[m : M] P(m | X = 1) * sum[x' : X] P(Y | x', m, W = 0) * P(x')",
    ),
    "a district that is linked late": (
        shape("X->A X->B", "A-C B-C"),
        Query(terms("A B C"), (), (Open("X"),)),
        "P(A, B, C | X)",
    ),
    "conditional on what comes behind": (
        BACK_DOOR,
        Query(terms("Z"), terms("Y"), do(X="1")),
        "P(Y | Z, X = 1) * P(Z) / sum[z : Z] P(Y | z, X = 1) * P(z)",
    ),
}


def product_of_sums(p: Callable[..., Fraction], name: str, at: Mapping[str, int]) -> Fraction:
    """The textbook formula of a case at one assignment, written out over a function for conditionals."""
    v = range(2)
    match name:
        case "back door":
            return sum((p(Y=at["Y"], given={"X": at["X"], "Z": z}) * p(Z=z) for z in v), F(0))
        case "front door":
            inner = [sum((p(C=at["C"], given={"S": s, "T": t}) * p(S=s) for s in v), F(0)) for t in v]
            return sum((p(T=t, given={"S": 1}) * inner[t] for t in v), F(0))
        case "one hole is not enough":
            b1, c1, b2, x = (at[n] for n in ("B1", "C1", "B2", "X"))
            tail = sum((p(X=k) * p(C1=c1, given={"X": k, "B1": b1}) for k in v), F(0))
            return p(B1=b1, given={"X": x}) * p(B2=b2, given={"X": x, "B1": b1, "C1": c1}) * tail
        case "Verma":  # the same for every value of A
            return sum((p(D=at["D"], given={"A": 1, "B": b, "C": 0}) * p(B=b, given={"A": 1}) for b in v), F(0))
        case _:
            a, x, c = at["A"], at["X"], at["C"]
            return sum(
                (
                    p(B=b, given={"A": a, "X": x}) * p(C=c, given={"A": a, "X": k, "B": b}) * p(X=k, given={"A": a})
                    for b in v
                    for k in v
                ),
                F(0),
            )


@pytest.mark.parametrize("name", CLASSICS)
def test_classics_are_printed_as_in_the_books(name: str) -> None:
    """The formula of a known case, as it is printed; on random models it is the effect."""
    model, query, printed = CLASSICS[name]
    found = formula(identified(model, query))
    tables = positive_tables(model, random.Random(name))
    joint, truth = observed_joint(model, tables), brute_answer(model, tables, query)

    assert str(found) == printed
    assert truth is not None
    assert is_worth(found, truth, joint, query, {})


@pytest.mark.parametrize(
    "name", ["back door", "front door", "one hole is not enough", "Verma", "one intervention in general"]
)
def test_classics_are_the_textbook_formulas(name: str) -> None:
    """Written out by hand over the exact joint, the textbook's formula is the effect."""
    model, query, _ = CLASSICS[name]
    tables = positive_tables(model, random.Random(f"{name}, again"))
    joint, truth = observed_joint(model, tables), brute_answer(model, tables, query)

    def p(given: Mapping[str, int] | None = None, **event: int) -> Fraction:
        targets = tuple(Term(n, (str(v),)) for n, v in event.items())
        return look_up(joint, Query(targets, tuple(Term(n, (str(v),)) for n, v in (given or {}).items()))).array[()]

    assert truth is not None
    for labels, value in truth.rows():
        at = {n: int(v) for n, v in zip(truth.variables, labels, strict=True)}
        assert product_of_sums(p, name, at) == value


def test_what_is_acted_on_can_be_asked_for() -> None:
    """What is set has its value for sure: the formula is 1, or 0."""
    joint = observed_joint(FRONT_DOOR, positive_tables(FRONT_DOOR, random.Random(1)))
    for value, p in (("1", 1), ("0", 0)):
        query = Query((Term("S", (value,)),), (), do(S="1"))
        assert by_formula(formula(identified(FRONT_DOOR, query)), joint, query, {})[1][()] == p


def test_events_of_several_values() -> None:
    """A conditional on a set of values is no product of conditionals: the set is summed over in front of them all."""
    model = CausalModel.from_edges([("S", "T"), ("T", "C")], [("S", "C")], {"S": 2, "T": 3, "C": 2, "U_S_C": 2})
    tables = positive_tables(model, random.Random(2))
    joint, two = observed_joint(model, tables), Term("T", ("0", "2"))
    for query in (
        Query(terms("C"), (two,), do(S="1")),
        Query((*terms("C"), two), (), do(S="1")),
        Query((two,), (), do(S="1")),
    ):
        truth = brute_answer(model, tables, query)
        assert truth is not None
        assert is_worth(formula(identified(model, query)), truth, joint, query, {})


@pytest.mark.parametrize("asked", ["V", "U V"])
def test_a_treatment_without_children_has_no_effect(asked: str) -> None:
    """U -> V with X hidden-linked to both: P(U, V | do(X)) = P(U, V), by Tian and Pearl's theorem 3."""
    model = shape("U->V", "U-X X-V")
    tables = positive_tables(model, random.Random(7))
    query = Query(terms(asked), (), do(X="1"))

    assert from_joint(identified(model, query), observed_joint(model, tables), {}) == brute_answer(model, tables, query)


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (BOW, Query(terms("C"), (), do(S="1"))),
        (BOW, Query(terms("C"), (), (Open("S"),))),
        (BOW, Query(terms("C"), (), (Cut("S"),))),
        (shape("X->Y Y->Z", "X-Z Y-Z X-Y"), Query(terms("Z"), (), do(X="1"))),
        (shape("X->M M->Y", "X-M M-Y"), Query(terms("Y"), (), do(X="0"))),
        (shape("X->Y Z->Y", "X-Z Z-Y"), Query(terms("Y"), (), do(X="0", Z="0"))),
        (shape("X->Y Y->Z", "X-Y Y-Z"), Query(terms("Z"), (Term("Y", ("1",)),), do(X="0"))),
    ],
)
def test_what_does_not_follow_is_refused(model: CausalModel, query: Query) -> None:
    """E001 with a hedge to look at, never a number."""
    with pytest.raises(QueryError) as refused:
        identified(model, query)
    found = identify(model, query)

    assert isinstance(found, NotIdentified)
    assert refused.value.diagnostic == refusal(found)
    assert refused.value.diagnostic.code == "E001"
    assert any("form a hedge" in note for note in refused.value.diagnostic.notes)


def test_the_bow_is_not_identifiable() -> None:
    """Two models with one observed joint and different effects: whoever answers would be wrong for one of them."""
    joint = [[F(1, 2), F(1, 10)], [F(1, 10), F(3, 10)]]
    H, S, C = Object("H", tuple("0123")), Object("S", ("0", "1")), Object("C", ("0", "1"))
    boxes = [Box("h", (), (H,)), Box("s", (H,), (S,)), Box("c", (S, H), (C,))]
    model = CausalModel.from_boxes((H, S, C), boxes, ["H"])
    state = Kernel((), (H,), [joint[s][c] for s in range(2) for c in range(2)])
    told = Kernel((H,), (S,), [[F(int(h // 2 == s)) for s in range(2)] for h in range(4)])
    query = Query((Term("C", ("1",)),), (), (Do("S", "1"),))
    effects = []
    for if_not_seen in (F(3, 4), F(0)):  # what those who would have S = 0 do under S = 1
        seen = [F(0), F(1), F(0), F(1)]
        under = [[seen[h] if h // 2 == s else if_not_seen for h in range(4)] for s in range(2)]
        hears = Kernel((S, H), (C,), array_of([q for r in under for p in r for q in (1 - p, p)], (2, 4, 2)))
        tables = {"h": state, "s": told, "c": hears}
        assert observed_joint(model, tables).array.tolist() == joint
        effects.append(brute_answer(model, tables, query))

    assert effects[0] != effects[1]
    with pytest.raises(QueryError, match="E001"):
        identified(model, query)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Query(terms("C"), (), (DoWire("S", "T", "1"),)), "E002"),
        (Query(terms("C"), (), (CutWire("T", "C"),)), "E002"),
        (Query(terms("C"), (), (Do("S", "1"), DoWire("S", "T", None)),), "E002"),
        (Query(terms("U_S_C"), (), do(S="1")), "E003"),
        (Query(terms("C"), terms("U_S_C"), do(S="1")), "E003"),
        (Query(terms("C"), (), do(U_S_C="1")), "E003"),
        (Query(terms("C"), (), (Cut("U_S_C"),)), "E003"),
        (Query(terms("CC"), (), do(S="1")), "N002"),
        (Query(terms("C"), terms("TT"), do(S="1")), "N002"),
        (Query(terms("C"), (), do(SS="1")), "N002"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(query: Query, code: str) -> None:
    """Single wires, latent and unknown variables are refused with their own codes."""
    with pytest.raises(QueryError) as refused:
        identify(FRONT_DOOR, query)

    assert refused.value.diagnostic.code == code


# ---- names -----------------------------------------------------------------------------------------------------------


def test_names_of_values_do_not_clash() -> None:
    """Bound names differ from variables, from values, from the axes of the question, and from each other."""
    x = {n: Object(n, ("0", "1")) for n in ("S", "C", "H", "t'")} | {"T": Object("T", ("s", "t"))}
    boxes = [
        Box("h", (), (x["H"],)),
        Box("s", (x["H"],), (x["S"],)),
        Box("t", (x["S"],), (x["T"],)),
        Box("c", (x["T"], x["H"]), (x["C"],)),
        Box("t'", (), (x["t'"],)),
    ]
    model = CausalModel.from_boxes(tuple(x.values()), boxes, ["H"])
    tables = positive_tables(model, random.Random(0))
    joint = observed_joint(model, tables)
    for query in (
        Query((Term("C", axis="t_"),), (), (Open("S", "s_"),)),
        Query(terms("C"), (), (Open("S", "s_'"),)),
        Query((Term("C"),), (Term("T", axis="s'"),), (Do("S", "1"),)),
        Query((Term("C"), Term("t'")), (), (Do("S", "1"),)),
    ):
        truth = brute_answer(model, tables, query)
        assert truth is not None
        assert is_worth(formula(identified(model, query)), truth, joint, query, {})


def test_a_printed_name_is_no_variable_of_the_model() -> None:
    """A bound name is not that of a variable which the formula does not mention: the print could not be read."""
    x = {n: Object(n, ("0", "1")) for n in ("Z", "X", "Y", "z")}
    boxes = [Box("f", (), (x["Z"],)), Box("g", (x["Z"],), (x["X"],)), Box("h", (x["X"], x["Z"]), (x["Y"],))]
    model = CausalModel.from_boxes(tuple(x.values()), [*boxes, Box("k", (), (x["z"],))])
    query = Query((Term("Y"),), (), (Do("X", "1"),))
    text = str(formula(identified(model, query)))
    read = elaborate_query(read_expression(text), ModelDef("m", model), Source("<formula>", ""))

    assert str(read.formula) == text


# ---- figures ---------------------------------------------------------------------------------------------------------

SMOKING = {
    "scientist": (".5 .1 .01 .02 .1 .05 .02 .2", "4/21 25/37", "8783/34650 4013/7400"),
    "company": (".14 .05 .16 .05 .1 .21 .1 .19", "1/4 2/3", "449/899 599/1197"),
    "flip": (".3 .05 .2 .05 .05 .05 .25 .05", "1/6 1/4", "11/45 37/175"),
}
"""The joint of S, T, C; P(C = 1 | S = 0), P(C = 1 | S = 1); the same under do (Jacobs, Kissinger, Zanasi 2019)."""


def fractions(text: str) -> list[Fraction]:
    return [F(x) for x in text.split()]


def table(names: str, text: str) -> Distribution:
    return Distribution(names.split(), array_of(fractions(text), (2,) * len(names.split())))


@pytest.mark.parametrize("name", SMOKING)
def test_smoking(name: str) -> None:
    """Three surveys of smoking, tar and cancer: what is seen, and what would be done."""
    numbers, seen, done = SMOKING[name]
    joint = table("S T C", numbers)
    cancer = (Term("C", ("1",)),)
    query = Query(cancer, (), (Open("S"),))

    assert list(look_up(joint, Query(cancer, terms("S"))).array) == fractions(seen)
    assert list(by_formula(formula(identified(FRONT_DOOR, query)), joint, query, {})[1]) == fractions(done)
    found = from_joint(identified(FRONT_DOOR, query), joint, {})
    assert found is not None
    assert list(found.array) == fractions(done)


def test_smoking_in_full() -> None:
    """The first survey: the channel g, the comb f around its hole, and the state after the cut."""
    joint = table("S T C", SMOKING["scientist"][0])
    found = identified(FRONT_DOOR, Query(terms("S T C"), (), (Cut("S"),)))
    kernels = kernels_of(found.estimand, joint)
    before, after = kernels["P(S)"].array, kernels["P(C | S, T)"].array
    comb = [[before[s] * after[s, t, c] for s in range(2) for c in range(2)] for t in range(2)]
    state = from_joint(found, joint, {})

    assert list(kernels["P(T | S)"].array.flat) == fractions("20/21 1/21 15/37 22/37")
    assert comb[0] == fractions("21/40 21/200 37/150 37/300")
    assert comb[1] == fractions("21/100 21/50 37/1100 37/110")
    assert state is not None
    assert list(state.array.flat) == fractions("463/1260 137/1260 67/11550 104/5775 463/2960 137/2960 67/925 208/925")


def test_tar() -> None:
    """Pearl's front-door example: smokers and non-smokers with and without tar."""
    tar = fractions(".475 .025 .025 .475")  # smoker with tar, without; non-smoker with, without
    cancer = fractions(".85 .9 .05 .1")
    joint = table("S T C", " ".join(str(q) for p, c in zip(tar, cancer, strict=True) for q in (p * (1 - c), p * c)))
    query = Query((Term("C", ("1",)),), (), (Open("S"),))
    found = from_joint(identified(FRONT_DOOR, query), joint, {})

    assert list(look_up(joint, Query(query.targets, terms("S"))).array) == fractions(".8525 .0975")
    assert found is not None
    assert list(found.array) == fractions(".4525 .4975")


def test_party() -> None:
    """Balke and Pearl's party from its exact joint, with Ann as the back door: P(S | do(B)) = 209/500."""
    model = shape("A->B A->C B->S C->S")
    at = [(a, b, c, s) for a in range(2) for b in range(2) for c in range(2) for s in range(2)]
    p_a = [F(40, 100), F(60, 100)]
    p_b = [F(3, 100), F(90, 100)]  # of B = 1: who negates Ann when she stays, who copies her when she goes
    p_c = [F(95, 100), F(10, 100)]  # of C = 1: who negates her or always comes; who always comes
    entries = []
    for a, b, c, s in at:
        fight = (F(90, 100) if b and c else 0) + (F(5, 100) if b == c else 0)
        p = p_a[a] * (p_b[a] if b else 1 - p_b[a]) * (p_c[a] if c else 1 - p_c[a])
        entries.append(p * (fight if s else 1 - fight))
    joint = Distribution(("A", "B", "C", "S"), array_of(entries, (2, 2, 2, 2)))
    query = Query((Term("S", ("1",)),), (), (Do("B", "1"),))
    found = from_joint(identified(model, query), joint, {})

    assert look_up(joint, Query(query.targets)).array[()] == F(329, 5000)
    assert look_up(joint, Query(query.targets, (Term("B", ("1",)),))).array[()] == F(2071, 18400)
    assert found is not None
    assert found.array[()] == F(209, 500)


# ---- policies --------------------------------------------------------------------------------------------------------


def test_policies() -> None:
    """A mechanism that reads what is observed before it: its own factor in the formula, named as what is done."""
    model = shape("W->Y Z->X X->Y Z->Y")
    x, z, w = (model.object(n) for n in ("X", "Z", "W"))
    policy = Box("treat", (z, w), (x,))
    query = Query(terms("Y"), (), (Replace("X", Mechanism.of_box(policy), "treat(Z, W)"),))
    tables = positive_tables(model, random.Random(4)) | {"treat": positive_kernel(policy, random.Random(5))}
    found = identified(model, query)
    truth = brute_answer(model, tables, query)

    assert "P(x | do(X ~ treat(Z, W)), z, w)" in str(formula(found))
    assert truth is not None
    assert from_joint(found, observed_joint(model, tables), tables) == truth
    assert is_worth(formula(found), truth, observed_joint(model, tables), query, tables)


def test_surgery_in_turn() -> None:
    """The last surgery on a variable counts, as it does for the model itself."""
    tables = positive_tables(FRONT_DOOR, random.Random(3))
    joint = observed_joint(FRONT_DOOR, tables)
    for surgeries in ((Do("S", "0"), Do("S", "1")), (Cut("S"), Do("S", "1")), (Do("S", "1"), Cut("S"))):
        query = Query(terms("C"), (), surgeries)
        last = Query(terms("C"), (), surgeries[-1:])
        found = identified(FRONT_DOOR, query)
        truth = brute_answer(FRONT_DOOR, tables, last)
        assert truth is not None
        assert from_joint(found, joint, {}) == truth
        assert operate(FRONT_DOOR, *surgeries) == operate(FRONT_DOOR, surgeries[-1])
        assert is_worth(formula(found), truth, joint, query, {})
