"""A session without a terminal: what lines do, what they leave alone, and the laws of undo, redo and save."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutwire.claims import Verdict
from cutwire.completion import candidates
from cutwire.evaluate import Result
from cutwire.identification import Identification
from cutwire.meanings import Answered
from cutwire.program import parse
from cutwire.session import Code, Drawing, Laws, Outcome, Said, Session, Settings, Steps, enter, incomplete
from cutwire.session_commands import COMMANDS
from tests.cutwire.command import EXAMPLES, cutwire

MODEL = (
    "var S, T, C : {no, yes}",
    "latent H : {low, high}",
    "box h : -> H = [3/5, 2/5]",
    "box s : H -> S = | low -> [4/5, 1/5] | high -> [3/10, _]",
    "box t : S -> T = | no -> flip(1/10) | yes -> flip(4/5)",
    "box c : T, H -> C = noisy_or(T = 2/5, H = 3/10)",
)


def after(*lines: str, session: Session | None = None) -> Session:
    """The session after lines that all must do."""
    session = session or Session()
    for line in lines:
        session, outcome = enter(session, line)
        assert not outcome.failed, "\n".join(map(str, outcome.problems))
    return session


def answer(session: Session, line: str) -> Any:
    """The only thing that a line shows."""
    _, outcome = enter(session, line)
    assert not outcome.problems, "\n".join(map(str, outcome.problems))
    (shown,) = outcome.shown
    return shown


def number(session: Session, line: str) -> Fraction:
    found = answer(session, line)
    assert isinstance(found, Result)
    return found.distribution[()]  # type: ignore[return-value]


def text(outcome: Outcome) -> str:
    return "\n".join(s.text for s in outcome.shown if isinstance(s, Said | Code))


def codes(session: Session, line: str) -> list[str]:
    """The codes of a line that goes wrong; the session must be what it was."""
    left, outcome = enter(session, line)
    assert outcome.failed
    assert left == session
    return [d.code for d in outcome.problems]


# ---- statements and bare expressions ---------------------------------------------------------------------------------


def test_a_bare_expression_is_a_query() -> None:
    session = after(*MODEL)
    whole = parse("\n".join(MODEL)).model
    assert number(session, "P(C = yes | S = yes)") == whole.query("P(C = yes | S = yes)", semantics="exact")
    assert number(session, "P(C = yes | do(S := yes))") == whole.query("P(C = yes | do(S := yes))", semantics="exact")
    assert number(session, "query named: 1/3 + 10%") == Fraction(13, 30)


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("P(C = yes | S = yes) > P(C = yes)", True),
        ("P(S = yes) == 1", False),
        ("T _||_ H | S", True),
        ("S _||_ H", False),
        ("identifiable P(C | do(S))", True),
        ("not identifiable P(C | do(S)) from P(S, C)", True),
    ],
)
def test_a_bare_comparison_is_a_claim(line: str, holds: bool) -> None:
    found = answer(after(*MODEL), line)
    assert isinstance(found, Verdict)
    assert found.holds == holds


def test_a_bare_diagram_is_drawn() -> None:
    session = after("type A, B", "box f : A -> B", "box g : B -> A")
    for line in ("f ; g", "f", "f * id[A]", "copy[A] ; f * id[A]"):
        assert isinstance(answer(session, line), Drawing)
    assert answer(session, "diagram f ; discard[B] == discard[A]").holds


def test_variables_may_come_before_their_boxes() -> None:
    session, outcome = enter(Session(), "var A, B : {no, yes}")
    assert text(outcome) == "no box makes A, B yet"
    session, outcome = enter(session, "box a : -> A = flip(1/3)")
    assert text(outcome) == "no box makes B yet"
    assert codes(session, "P(A)") == ["M004"]
    session, outcome = enter(session, "box b : A -> B = noisy_or(A = 1/2)")
    assert outcome == Outcome()
    assert number(session, "P(B = yes)") == Fraction(1, 6)


def test_declaring_again_replaces() -> None:
    session, outcome = enter(after(*MODEL), "box h : -> H = [1/2, 1/2]")
    assert text(outcome) == "replaced box h"
    assert number(session, "P(H = low)") == Fraction(1, 2)
    session, outcome = enter(session, "latent T : {no, yes}")
    assert text(outcome) == "replaced var T"
    assert session.model is not None
    assert (session.model.variables, session.model.latents) == (("S", "C"), ("T", "H"))


def test_what_has_to_change_together_can() -> None:
    session = after("var A : {no, yes}", "box a : -> A = [1/3, _]")
    _, outcome = enter(session, "var A : {x, y, z}")
    assert [d.code for d in outcome.problems] == ["T001"]
    assert "in one go" in outcome.problems[-1].help[-1]
    assert number(after("var A : {x, y, z}  box a : -> A = [1/2, 1/4, _]", session=session), "P(A = z)") == Fraction(
        1, 4
    )


def test_a_second_box_is_a_policy() -> None:
    session, outcome = enter(after(*MODEL), "box timer : -> S = flip(1/4)")
    assert text(outcome) == "another box for S: do(S ~ timer()) puts it in place"
    assert number(session, "P(S = yes | do(S ~ timer()))") == Fraction(1, 4)
    assert number(after(":do S ~ timer()", session=session), "P(S = yes)") == Fraction(1, 4)


def test_earlier_questions_can_be_named() -> None:
    session = after(*MODEL, "claim sick: P(C = yes) > 1/10", "claim well: P(C = yes) < 1/10")
    session, outcome = enter(session, "check all exact")
    assert [v.holds for v in outcome.shown if isinstance(v, Verdict)] == [True, False]
    _, outcome = enter(session, "check well")
    assert [v.statement.name for v in outcome.shown if isinstance(v, Verdict)] == ["well"]


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ("P(C = yse)", "N003", 7),
        ("vra X : {no}", "P010", 1),
        ("var X : {no", "P002", 9),
        ("P(C = yes", "P002", 2),
        ("query P(D)", "N002", 9),
        (":do S := yse", "N003", 10),
        (":cut S -> D", "N004", 11),
        (":quti", "R001", 1),
        (":identify P(C | do(Z))", "N004", 20),
        (":t P(Q)", "N002", 6),
        (":show Z", "N002", 7),
        ("P(C) $ 2", "P004", 6),
        ("box b : S -> T -> C", "P018", 16),
    ],
)
def test_mistakes_point_into_what_was_typed(line: str, code: str, column: int) -> None:
    session = after(*MODEL)
    left, outcome = enter(session, line)
    first = outcome.problems[0]
    assert left == session
    assert first.code == code
    assert first.span is not None
    assert first.span.source.text == line
    assert first.span.column == column


@pytest.mark.parametrize("line", ["", "   ", "# only a comment", "\n\n"])
def test_nothing_does_nothing(line: str) -> None:
    assert enter(Session(), line) == (Session(), Outcome())


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=":=(){}[]|,;*_ \nPEdocutvarbx'\"#SCTHyesno0123", max_size=30))
def test_whatever_is_typed_nothing_breaks(line: str) -> None:
    """Any text gives an outcome; one that fails leaves the session alone, and whether it is whole can be told."""
    session = after(*MODEL)
    if line.lstrip().startswith((":l", ":s", ":d")):  # these touch files
        return
    incomplete(session, line)
    left, outcome = enter(session, line)
    if outcome.failed and left.state.pieces == session.state.pieces:
        assert left.state == session.state


# ---- surgery ---------------------------------------------------------------------------------------------------------


def test_questions_are_asked_of_the_operated_model() -> None:
    session = after(*MODEL, ":do S := yes")
    whole = parse("\n".join(MODEL)).model.do(S="yes")
    assert number(session, "P(C = yes)") == whole.query("P(C = yes)", semantics="exact")
    assert answer(session, "S _||_ H").holds
    assert number(after(":undo", session=session), "P(S = yes)") == Fraction(2, 5)


@pytest.mark.parametrize(
    ("line", "question"),
    [
        (":cut S", "P(C = yes | cut(S))"),
        (":cut S -> T", "P(C = yes | cut(S -> T))"),
        (":do T := no", "P(C = yes | do(T := no))"),
        (":do S ~ [1/4, 3/4]", "P(C = yes | do(S ~ [1/4, 3/4]))"),
        (":do do(S := yes) then cut(T)", "P(C = yes | do(S := yes), cut(T))"),
        (":do S -> T := yes", "P(C = yes | do(S -> T := yes))"),
    ],
)
def test_surgery_is_that_of_questions(line: str, question: str) -> None:
    plain = after(*MODEL)
    assert number(after(line, session=plain), "P(C = yes)") == number(plain, question)


def test_effects_are_identified_and_not_read_off() -> None:
    """After `:do` data are still data on the model as it was: the answer is the effect, and not what is seen."""
    session = after(f":load {EXAMPLES / 'smoking.causal'}")
    effect = number(session, "estimate P(C = yes | do(S := yes)) from scientist")
    assert effect == Fraction(4013, 7400)
    assert number(after(":do S := yes", session=session), "estimate P(C = yes) from scientist") == effect
    found = answer(after(":do S", session=session), ":identify P(C)")
    assert isinstance(found, Identification)
    assert found.formula == "sum[t : T] P(t | S) * sum[s' : S] P(C | s', t) * P(s')"


def test_a_named_surgery() -> None:
    session = after(*MODEL, "surgery on = do(S := yes)", ":do on")
    assert number(session, "P(S = yes)") == 1


def test_free_surgery_is_an_axis() -> None:
    found = answer(after(*MODEL, ":do S"), "P(C = yes)")
    assert found.distribution.variables == ("S",)


# ---- undo, redo, worlds ----------------------------------------------------------------------------------------------

STEPS = st.sampled_from(
    [
        "var X : {a, b}  box x : -> X = uniform()",
        "box h : -> H = [1/2, 1/2]",
        ":do S := yes",
        ":cut S",
        ":cut S -> T",
        "param p in [0, 1]",
        ":do T ~ [1/2, 1/2]",
        "surgery on = do(S := yes)",
    ]
)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=4))
def test_undo_takes_back_and_redo_does_again(lines: list[str]) -> None:
    session = after(*MODEL)
    for line in lines:
        entered, outcome = enter(session, line)
        if outcome.failed:
            assert entered == session
            continue
        undone = after(":undo", session=entered)
        assert undone.state == session.state
        assert after(":redo", session=undone).state == entered.state
        assert after(":redo", session=undone).past == entered.past
        session = entered


@settings(max_examples=15, deadline=None)
@given(st.lists(STEPS, max_size=4), st.data())
def test_worlds_leads_to_every_state(lines: list[str], data: st.DataObject) -> None:
    session = after(*MODEL)
    for line in lines:
        session, _ = enter(session, line)
    states = (*session.past, session.state)
    k = data.draw(st.integers(1, len(states)))
    there = after(f":worlds {k}", session=session)
    assert there.state == states[k - 1]
    assert (*there.past, there.state, *there.future) == states


def test_worlds_marks_where_one_is() -> None:
    session = after(*MODEL, ":do S := yes", ":undo")
    (shown,) = enter(session, ":worlds")[1].shown
    assert isinstance(shown, Said)
    lines = shown.text.splitlines()
    assert lines[-2].startswith("*  7  box c")
    assert lines[-1].split("  ")[-1] == "main after do(S := yes)"


def test_there_is_an_end_to_undo() -> None:
    assert codes(Session(), ":undo") == ["R003"]
    assert codes(Session(), ":redo") == ["R003"]


# ---- files -----------------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.lists(STEPS, max_size=3))
def test_what_is_saved_is_the_same_program(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("saved") / "model.causal"
    session = after(*MODEL, "model m", "query odds: P(C = yes) unit odds", "P(S)", "P(T = yes) > 1/10")
    for line in lines:
        session, _ = enter(session, line)
    saved, _ = enter(session, f":save {path}")
    loaded = after(f":load {path}")
    assert loaded.state.program.models == saved.state.program.models
    if not session.state.operations:
        assert [i.__class__ for i in loaded.state.program.run()] == []
        assert len(loaded.asked) == 3
        _, outcome = enter(loaded, ":run")
        assert not outcome.failed


@pytest.mark.parametrize(
    "name", ["smoking", "sprinkler", "kidney", "napkin", "wires", "party", "instrument", "tar", "vaccine", "dose"]
)
def test_examples_survive_loading_and_saving(name: str, tmp_path: Path) -> None:
    source = EXAMPLES / f"{name}.causal"
    (tmp_path / "data").symlink_to(EXAMPLES / "data")
    _, outcome = enter(after(f":load {source}"), f":save {tmp_path / source.name}")
    assert not [d for d in outcome.problems if d.severity == "error"]
    again, whole = parse_file(tmp_path / source.name), parse_file(source)
    assert again.models.keys() == whole.models.keys()
    assert [m.shape for m in again.models.values()] == [m.shape for m in whole.models.values()]
    assert len(again.statements) == len(whole.statements)


def parse_file(path: Path) -> Any:
    from cutwire.program import load

    return load(path, allow_outside=True)


def test_no_file_is_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "mine.causal"
    path.write_text("var Mine : {a}", encoding="utf-8")
    assert codes(after(*MODEL), f":save {path}") == ["R004"]
    assert path.read_text(encoding="utf-8") == "var Mine : {a}"
    session = after(*MODEL, f":save! {path}")
    assert "box timer" not in path.read_text(encoding="utf-8")
    after("box timer : -> S = flip(1/2)", ":save", session=session)
    assert "surgery with_timer = do(S ~ timer())" in path.read_text(encoding="utf-8")


def test_reload_reads_again(tmp_path: Path) -> None:
    path = tmp_path / "coin.causal"
    path.write_text("var A : {x, y} box a : -> A = [1/2, _]", encoding="utf-8")
    session = after(f":load {path}")
    path.write_text("var A : {x, y} box a : -> A = [1/3, _]", encoding="utf-8")
    assert number(after(":reload", session=session), "P(A = x)") == Fraction(1, 3)
    path.write_text("var A : {x, y", encoding="utf-8")
    assert codes(session, ":reload") == ["P002"]


def test_mistakes_in_a_file_point_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.causal"
    path.write_text("var A : {x, y}\nbox a : -> A = [1/2, 1/3]\n", encoding="utf-8")
    _, outcome = enter(Session(), f":load {path}")
    span = outcome.problems[0].span
    assert span is not None
    assert (span.source.name, span.line) == (str(path), 2)


# ---- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (":type S", "S : {no, yes}"),
        (":t H", "H : {low, high}  (latent)"),
        (":t c", "c : T * H -> C"),
        (":t P(C | do(S))", "P(C | do(S)) : a table with the axes C {no, yes}, S {no, yes}"),
        (":t P(C = yes) - P(S = yes)", "P(C = yes) - P(S = yes) : a number"),
        (":t P(S) > 1/2", "P(S) > 1/2 : a claim"),
        (":t s ; t", "s ; t : H -> T"),
        (":show c", MODEL[-1]),
    ],
)
def test_looking(line: str, said: str) -> None:
    assert text(enter(after(*MODEL), line)[1]) == said


def test_show_all_and_browse() -> None:
    session = after(*MODEL)
    assert text(enter(session, ":show")[1]) == "\n".join(MODEL)
    assert text(enter(session, ":browse")[1]).splitlines()[3:5] == [
        "latent H  {low, high}  (latent)",
        "box h     I -> H",
    ]


def test_parameters_are_set() -> None:
    session = after("param p in [0, 1]", "var A : {no, yes}", "box a : -> A = flip(p)", ":set p = 1/3")
    assert number(session, "P(A = yes)") == Fraction(1, 3)
    assert number(after(":set p = 1/4", session=session), "P(A = yes)") == Fraction(1, 4)
    assert codes(session, ":set q = 1") == ["N002"]
    assert codes(session, ":set p = 7") == ["T025"]
    assert codes(session, ":set p") == ["R002"]


def test_set_keeps_interval_and_prior() -> None:
    session = after("param p, q in [0, 1] ~ beta(2, 2) = 1/3  # a guess", ":set q = 1/4")
    assert text(enter(session, ":show q")[1]) == "param q in [0, 1] ~ beta(2, 2) = 1/4"
    assert sorted(text(enter(session, ":set")[1]).splitlines()) == ["p = 1/3", "q = 1/4"]


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        (":set p = 4", "T025", 10),
        (":set p =4", "T025", 9),
        (":set  p  =  x", "T009", 13),
        (":set p = 1 +", "P015", 12),
        (":set p = 1/3 var B : {no, yes}", "R002", 6),
        (":set pp = 1", "N002", 6),
    ],
)
def test_what_is_set_wrongly_is_told_there(line: str, code: str, column: int) -> None:
    session = after("param p in [0, 1]", "var A : {no, yes}", "box a : -> A = flip(p)")
    left, outcome = enter(session, line)
    assert left == session
    (problem,) = outcome.problems
    assert (problem.code, problem.span and problem.span.column) == (code, column)


def test_a_parameter_of_a_block_is_set_there(tmp_path: Path) -> None:
    path = tmp_path / "two.causal"
    path.write_text("model m {\n  param p in [0, 1]\n  var A : {no, yes}\n  box a : -> A = flip(p)\n}\n")
    session = after(f":load {path}")
    _, outcome = enter(session, ":set p = 1/2")
    assert [d.code for d in outcome.problems] == ["R002"]


OPEN = ("param p, q in [0, 1]", "var A, B : {no, yes}", "box a : -> A = flip(p)",
        "box b : A -> B = | no -> flip(q) | yes -> flip(p * q)")  # fmt: skip


def test_open_parameters_give_expressions() -> None:
    session = after(*OPEN)
    found = answer(session, "P(B = yes | do(A := yes))")
    assert isinstance(found, Answered)
    assert str(found.value) == "p*q"
    assert answer(session, "P(B = yes) <= P(A = yes) + q").proved
    assert number(after(":set p = 1/2", ":set q = 1/3", session=session), "P(B = yes | do(A := yes))") == Fraction(1, 6)


def test_derivative_of_the_last_answer() -> None:
    session = after(*OPEN, ":set p = 1/2", "P(B = yes | do(A := yes))")
    assert str(answer(session, ":derivative q").value) == "p"
    _, outcome = enter(session, ":derivative p q")
    assert [str(s.value) for s in outcome.shown if isinstance(s, Answered)] == ["q", "p"]
    assert codes(session, ":derivative r") == ["N002"]
    assert codes(session, ":derivative") == ["R002"]
    assert codes(after(*OPEN), ":derivative p") == ["R003"]
    assert codes(after("P(A) == P(A)", session=session), ":derivative p") == ["R003"]


def test_why_speaks_of_the_model_that_was_asked() -> None:
    """Also where that has been taken back."""
    session = after(*MODEL, "P(C = yes)", ":worlds 1")
    steps = answer(session, ":why")
    assert isinstance(steps, Steps)
    assert steps.model is not None
    assert steps.model.variables == ("S", "T", "C")


LINEAR = ("var X, Y : real", "var N : count", "box x : -> X = normal(0, 1)",
          "box y : X -> Y = fn (x) => normal(2 * x, 1)", "box n : -> N = poisson(3)")  # fmt: skip


def test_real_variables() -> None:
    session = after(*LINEAR)
    assert number(session, "E(Y | do(X := 3))") == 6
    assert answer(session, "P(Y)").value.sd == pytest.approx(5**0.5)
    assert number(after(":do X ~ normal(1, 1)", session=session), "E(Y)") == 2
    assert codes(after(":cut X", session=session), "E(Y)") == ["G002"]
    assert text(enter(session, ":type X")[1]) == "X : real"
    assert text(enter(session, ":type E(Y | do(X))")[1]) == "E(Y | do(X)) : an answer with the axes X real"
    assert "var N  count" in text(enter(session, ":browse")[1])


def test_laws() -> None:
    """Of the model with the surgeries done, of the boxes that they bring, and of diagrams alone."""
    found = answer(after(*MODEL, ":do S ~ [1/2, 1/2]"), ":laws")
    assert isinstance(found, Laws)
    assert found.report.holds
    assert {"syntax", "exact", "matrix"} <= set(found.report.outcomes)
    assert isinstance(answer(after("type A", "box f : A -> A", "diagram d = f ; f"), ":laws"), Laws)
    assert codes(Session(), ":laws") == ["M007"]


def test_samples() -> None:
    assert after(":samples 50").settings.options.samples == 50
    for line in (":samples 0", ":samples x", ":samples -1"):
        assert codes(Session(), line) == ["R002"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("par", "param "),
        ("var Z : r", "real"),
        ("var Z : c", "count"),
        ("box z : -> X = nor", "normal("),
        ("param r in [0, 1] ~ be", "beta("),
        ("P(A = yes) > ", "p"),
        ("box z : -> A = flip(", "q"),
        (":set ", "p"),
        (":derivative ", "q"),
        (":semantics po", "possible"),
        (":la", "laws"),
    ],
)
def test_completion_of_numbers(typed: str, found: str) -> None:
    assert found in [c.text for c in candidates(after(*OPEN), typed)]


def test_no_parameter_is_completed_where_a_variable_stands() -> None:
    assert [c.text for c in candidates(after(*OPEN), "P(") if c.about == "parameter"] == []


def test_settings() -> None:
    session = after(*MODEL, ":seed 7", ":semantics matrix", ":time on")
    assert session.settings == Settings("matrix", False, 7, timing=True)
    assert isinstance(answer(session, "P(C = yes)").distribution[()], float)
    assert codes(session, ":semantics matrices") == ["Q007"]
    assert codes(session, ":time maybe") == ["R002"]


def test_why_remembers_the_last_answer() -> None:
    assert codes(after(*MODEL), ":why") == ["R003"]
    session = after(*MODEL, "P(C | do(S := yes))")
    assert isinstance(answer(session, ":why"), Steps)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    assert text(enter(Session(), f":help {name}")[1]).startswith(f":{name}")
    assert enter(Session(), f":help :{name}")[1] == enter(Session(), f":help {name}")[1]


def test_commands_may_be_shortened() -> None:
    for short, name in (
        (":q", "quit"),
        (":h", "help"),
        (":b", "browse"),
        (":w", "worlds"),
        (":u", "undo"),
        (":i", "identify"),
    ):
        assert next(n for n in COMMANDS if n.startswith(short[1:])) == name


def test_drawing() -> None:
    session = after(*MODEL, ":do S := yes")
    found = answer(session, ":draw")
    assert isinstance(found, Drawing)
    assert list(map(str, found.surgeries)) == ["do(S := yes)"]


def test_drawing_to_a_file(tmp_path: Path) -> None:
    after(*MODEL, f":draw {tmp_path / 'm.svg'}", f":draw s ; t {tmp_path / 'd.svg'}")
    assert "<svg" in (tmp_path / "m.svg").read_text(encoding="utf-8")
    assert "<svg" in (tmp_path / "d.svg").read_text(encoding="utf-8")


def test_several_models() -> None:
    session = after("model one { var A : {no, yes} box a : -> A = flip(1/3) } model two = one after do(A := yes)")
    assert codes(session, ":do A := no") == ["M007"]
    assert number(after(":model two", session=session), "P(A = yes)") == 1
    assert number(after(":model one", session=session), "P(A = yes)") == Fraction(1, 3)


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("var S : {no,", True),
        ("var S : {no, yes}", False),
        ("box s : -> S =", True),
        ("P(C", True),
        ("P(C)", False),
        ("P(C) >", True),
        ("f ;", True),
        ("box s : A -> S =\n| no -> [1 : 2]", True),
        ("## about", True),
        (":do", False),
        ("P(C))", False),
        ("vra X :", False),
    ],
)
def test_whether_more_is_wanted(line: str, more: bool) -> None:
    assert incomplete(after("type A", "box f : A -> A"), line) == more


def test_options_of_the_command_line() -> None:
    """`cutwire repl --set` sets before anything is entered, and a mistake in it ends with status 2."""
    vaccine = str(EXAMPLES / "vaccine.causal")
    done = cutwire(
        "repl", vaccine, "--set", "c=1/2", "--set", "e=0.9", "-e", "P(Infected = yes | do(Vaccinated := yes))"
    )
    assert (done.status, done.err) == (0, "")
    assert "r*(s + 1)/20" in done.out
    wrong = cutwire("repl", vaccine, "--set", "zz=1", "-e", "P(Infected)")
    assert (wrong.status, wrong.out) == (2, "")
    assert wrong.err.startswith("error[N002]")
    assert cutwire("repl", "--samples", "0", "-e", "1").err.startswith("error[T023]")


def test_files_of_other_programs_come_as_model_files(tmp_path: Path) -> None:
    """A network and a graph are opened as what `cutwire convert` makes of them; they are not written over."""
    done = cutwire("repl", str(EXAMPLES / "asia.bif"), "-e", "P(dysp = yes | do(smoke := yes))", "-e", ":save")
    direct = cutwire("query", str(EXAMPLES / "asia.bif"), "P(dysp = yes | do(smoke := yes))")
    assert direct.out.split()[-1] in done.out
    assert "`:save` to which file?" in done.err
    alarm = cutwire("repl", str(EXAMPLES / "alarm.bif"), "-e", "P(BP | do(HR := LOW), CO = HIGH)", "-e", ":reload")
    assert (alarm.status, "warning[B002]" in alarm.err, "0.298896" in alarm.out) == (0, True, True)
    graph = cutwire("repl", str(EXAMPLES / "warm-up.dagitty"), "-e", ":browse")
    assert graph.status == 0
    saved = cutwire("repl", str(EXAMPLES / "asia.bif"), "-e", f":save {tmp_path / 'asia.causal'}")
    assert (saved.status, (tmp_path / "asia.causal").exists()) == (0, True)
    assert cutwire("repl", str(tmp_path / "no.bif"), "-e", "1").err.startswith("error[B004]")


def test_worlds_in_a_session() -> None:
    """What is observed stays until it is undone; the worlds of a question are drawn in letters, and explained."""
    party = str(EXAMPLES / "party.causal")
    lines = ["observe B = false", "P(S@bob_comes = true)", ":why", ":undo", "P(S@bob_comes = true)",
             "draw P(S@bob_comes | A = true)"]  # fmt: skip
    done = cutwire("repl", party, *(part for line in lines for part in ("-e", line)))
    assert (done.status, done.err) == (0, "")
    assert "0.794353  = 35587/44800" in done.out
    assert "0.418  = 209/500" in done.out
    assert "merge: A and A[B := true] come about alike" in done.out
    assert done.out.count("= false │") == 1
    assert done.out.count("= true │") >= 1
