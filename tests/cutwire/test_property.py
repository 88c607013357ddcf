"""Random models, written as text and asked in words, against enumeration by the truncated factorisation."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import cutwire as cw
from parser.format import format_text
from tests.cutwire.command import cutwire as command

WORDS = (("no", "yes"), ("low", "mid", "high"), ("0", "1"), ("a b", "c-d", "é"))
Env = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a random model: its parents, and a row of weights for every combination of their values."""

    name: str
    values: tuple[str, ...]
    latent: bool
    parents: tuple[str, ...]
    rows: Mapping[tuple[str, ...], tuple[int, ...]]

    def chance(self, env: Env, told: Env) -> Fraction:
        """The probability of its value in `env`; `told` is what it hears instead of the truth."""
        row = self.rows[tuple(told.get(p, env[p]) for p in self.parents)]
        return Fraction(row[self.values.index(env[self.name])], sum(row))


Story = tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; `None` leaves a variable free. `told`: wires and what they say; `policy`: weights for a box."""

    targets: Mapping[str, str | None]
    given: Mapping[str, str | None]
    do: Mapping[str, str | None]
    cut: tuple[str, ...]
    told: Mapping[tuple[str, str], str]
    policy: Mapping[str, tuple[int, ...]]

    @property
    def axes(self) -> list[str]:
        return [v for v, value in [*self.targets.items(), *self.given.items(), *self.do.items()] if value is None]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Up to five variables in topological order, the first ones perhaps latent, with zeros in their tables."""
    made: list[Variable] = []
    for i in range(draw(st.integers(2, 5))):
        values = draw(st.sampled_from(WORDS[:1] * 3 + WORDS))
        parents = draw(st.lists(st.sampled_from(made), max_size=2, unique_by=lambda v: v.name)) if made else []
        rows = {}
        for case in itertools.product(*(p.values for p in parents)):
            weights = [draw(st.sampled_from([0, 1, 1, 2, 3, 7])) for _ in values]
            weights[draw(st.integers(0, len(values) - 1))] += 1
            rows[case] = tuple(weights)
        latent = i < 3 and draw(st.integers(0, 2)) == 0
        made.append(Variable(f"{'H' if latent else 'V'}{i}", values, latent, tuple(p.name for p in parents), rows))
    return tuple(made)


@st.composite
def questions(draw: st.DrawFn, story: Story) -> Question:
    """A question with interventions of every kind; no variable is operated on twice or stands twice."""
    names = {v.name: v for v in story}
    order = draw(st.permutations(list(names)))
    n = draw(st.integers(1, 2))

    def value(name: str) -> str | None:
        return draw(st.one_of(st.none(), st.sampled_from(names[name].values)))

    targets = {v: value(v) for v in order[:n]}
    given_ = {v: value(v) for v in order[n:] if draw(st.integers(0, 3)) == 0}
    done: dict[str, str | None] = {}
    cut: list[str] = []
    told: dict[tuple[str, str], str] = {}
    policy: dict[str, tuple[int, ...]] = {}
    for v in story:
        asked = v.name in targets or v.name in given_
        match draw(st.integers(0, 9)):
            case 0 | 1:
                done[v.name] = draw(st.sampled_from(v.values)) if asked else value(v.name)
            case 2:
                cut.append(v.name)
            case 3:
                policy[v.name] = draw(st.tuples(st.integers(1, 4), *[st.integers(0, 4) for _ in v.values[1:]]))
            case 4 | 5 if v.parents:
                source = draw(st.sampled_from(v.parents))
                told[source, v.name] = draw(st.sampled_from(names[source].values))
    return Question(targets, given_, done, tuple(cut), told, policy)


def word(value: str) -> str:
    """A value as it is written: in quotes unless it is a name or a number."""
    return value if value.isascii() and value.isalnum() else f'"{value}"'


def written(story: Story, order: list[Variable], style: int) -> str:
    """The text of a model file; `order` is that of the declarations, `style` how numbers are written."""
    lines = ["model story"]
    for v in order:
        lines.append(f"{'latent' if v.latent else 'var'} {v.name} : {{{', '.join(map(word, v.values))}}}")
    for v in reversed(order):
        head = f"box {v.name.lower()} : {', '.join(v.parents)} -> {v.name} ="
        rows = {case: numbers(v.values, row, style) for case, row in v.rows.items()}
        cases = [f"\n  | {', '.join(map(word, case))} -> {row}" for case, row in rows.items()]
        lines.append(head + ("".join(cases) if v.parents else f" {rows[()]}"))
    return "\n".join(lines) + "\n"


def numbers(values: tuple[str, ...], row: tuple[int, ...], style: int) -> str:
    """A row of a table: as weights, fractions, with the rest left out, or with labels."""
    total = sum(row)
    fractions = [f"{w}/{total}" for w in row]
    match style:
        case 0:
            return f"[{' : '.join(map(str, row))}]"
        case 1:
            return f"[{', '.join(fractions)}]"
        case 2:
            return f"[{', '.join([*fractions[:-1], '_'])}]"
        case _:
            labelled = reversed(list(zip(values, fractions, strict=True)))
            return f"{{{', '.join(f'{word(x)}: {f}' for x, f in labelled)}}}"


def asked(q: Question) -> str:
    """The question in words."""

    def events(terms: Mapping[str, str | None], sign: str) -> list[str]:
        return [v if x is None else f"{v} {sign} {word(x)}" for v, x in terms.items()]

    surgery = events(q.do, ":=") + [f"{s} -> {t} := {word(x)}" for (s, t), x in q.told.items()]
    surgery += [f"{v} ~ [{' : '.join(map(str, row))}]" for v, row in q.policy.items()]
    behind = events(q.given, "=") + ([f"do({', '.join(surgery)})"] if surgery else [])
    behind += [f"cut({v})" for v in q.cut]
    return f"P({', '.join(events(q.targets, '='))}{' | ' if behind else ''}{', '.join(behind)})"


def enumerated(story: Story, q: Question) -> dict[tuple[str, ...], Fraction] | None:
    """The answer for every combination of values of the axes; `None` if a condition has probability zero."""
    values = {v.name: v.values for v in story}
    found = {}
    for case in itertools.product(*(values[a] for a in q.axes)):
        free = dict(zip(q.axes, case, strict=True))
        targets, given_, done = ({v: x or free[v] for v, x in t.items()} for t in (q.targets, q.given, q.do))
        above = below = Fraction(0)
        for assignment in itertools.product(*values.values()):
            env = dict(zip(values, assignment, strict=True))
            if any(env[v] != x for v, x in given_.items()):
                continue
            p = weight(story, q, env, done)
            below += p
            above += p if all(env[v] == x for v, x in targets.items()) else 0
        if not below:
            return None
        found[case] = above / below
    return found


def weight(story: Story, q: Question, env: Env, done: Env) -> Fraction:
    """The probability of an assignment: the factors of what is operated on are replaced."""
    p = Fraction(1)
    for v in story:
        if v.name in done:
            p *= int(done[v.name] == env[v.name])
        elif v.name in q.cut:
            p /= len(v.values)
        elif v.name in q.policy:
            p *= Fraction(q.policy[v.name][v.values.index(env[v.name])], sum(q.policy[v.name]))
        else:
            p *= v.chance(env, {s: x for (s, t), x in q.told.items() if t == v.name})
    return p


def labelled(answer: object, axes: list[str]) -> dict[tuple[str, ...], Fraction | float]:
    """An answer as a table from values, in the order of `axes`, to numbers."""
    if not isinstance(answer, cw.Distribution):
        return {(): answer}  # type: ignore[dict-item]
    assert sorted(answer.variables) == sorted(axes)
    at = [answer.variables.index(a) for a in axes]
    return {tuple(labels[k] for k in at): p for labels, p in answer.rows()}


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_answers_equal_enumeration(data: st.DataObject) -> None:
    """Exactly with fractions, to 1e-12 in floating point; and what has probability zero is refused by both."""
    story = data.draw(stories())
    q = data.draw(questions(story))
    text = written(story, data.draw(st.permutations(story)), data.draw(st.integers(0, 3)))
    model, question, wanted = cw.parse(text).model, asked(q), enumerated(story, q)
    event("zero" if wanted is None else f"{len(q.axes)} axes")
    if wanted is None:
        for semantics in ("exact", "matrix"):
            with pytest.raises(cw.ZeroProbabilityError):
                model.query(question, semantics=semantics)
        return
    assert labelled(model.query(question, semantics="exact"), q.axes) == wanted
    floats = labelled(model.query(question), q.axes)
    assert floats.keys() == wanted.keys()
    np.testing.assert_allclose([floats[k] for k in wanted], [float(p) for p in wanted.values()], rtol=0, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_names_say_the_same_as_words(data: st.DataObject) -> None:
    """`do` and `given` by name, and surgery on the model first: the same answer."""
    story = data.draw(stories())
    q = data.draw(questions(story))
    q = Question(dict.fromkeys(q.targets), q.given, q.do, (), {}, {})
    if set(q.targets) & {v for v, x in q.do.items() if x is None}:
        return
    wanted = enumerated(story, q)
    if wanted is None:
        return
    model = cw.parse(written(story, list(story), 1)).model
    by_name = model.query(list(q.targets), do=q.do, given=q.given, semantics="exact")
    assert labelled(by_name, q.axes) == wanted
    fixed = {v: x for v, x in q.do.items() if x is not None}
    free = [v for v in q.do if v not in fixed]
    operated = model.do(fixed).open(*free)
    by_model = operated.query(list(q.targets), do=dict.fromkeys(free), given=q.given, semantics="exact")
    assert labelled(by_model, q.axes) == wanted


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_command_line_says_the_same(data: st.DataObject) -> None:
    """Fractions of `query --json`, for the file as written and as formatted; status 2 where nothing is defined."""
    story = data.draw(stories())
    q = data.draw(questions(story))
    text = written(story, data.draw(st.permutations(story)), data.draw(st.integers(0, 3)))
    wanted = enumerated(story, q)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "story.causal"
        for shown in (text, format_text(text)):
            path.write_text(shown, encoding="utf-8")
            done = command("query", path, asked(q), "--json")
            if wanted is None:
                assert (done.status, done.out, "error[Q002]" in done.err) == (2, "", True)
                continue
            if not q.axes:
                assert Fraction(done.answer) == wanted[()]
                continue
            variables, values = done.json["variables"], done.json["values"]
            flat = np.array(done.answer, dtype=object).ravel()
            cases = itertools.product(*(values[v] for v in variables))
            found = {
                tuple(c[variables.index(a)] for a in q.axes): Fraction(p) for c, p in zip(cases, flat, strict=True)
            }
            assert found == wanted
