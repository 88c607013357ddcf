"""Questions about a causal model: a diagram, surgeries on it, and evidence kept beside it.

Evidence is not part of the diagram, so that discarding stays natural and equality stays linear: a query is the triple
of what is asked, what is seen and what is done.

A term may speak of another world, in which surgeries come on top of those of the question: `Y[X := 0]` is what `Y`
would be there, Pearl's `Y_x`.

>>> from strings.surgery import Do
>>> print(Query((Term("C", ("yes",)),), (Term("T"),), (Do("S", "yes"),)))
P(C = yes | do(S := yes), T)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from strings.diagnostic import Span
from strings.signature import number_text, spelled, spelled_value
from strings.surgery import Cut, CutWire, Do, Open, Surgery

MIN_RESAMPLES, MAX_RESAMPLES = 20, 1_000_000
"""How many resamples of data a question may ask a bootstrap for."""


@dataclass(frozen=True, slots=True)
class Become:
    """In a world, `variable` takes the value that `source` has: the nested `Y[M := M[X := x]]` of mediation."""

    variable: str
    source: Term

    def __str__(self) -> str:
        return f"do({spelled(self.variable)} := {self.source.place})"


World = tuple[Surgery | Become, ...]
"""What is different in a world: surgeries on top of those of the question, one after the other; none in the actual."""


def without_nested(world: World) -> tuple[Surgery, ...]:
    """The surgeries of a world, without what becomes something of other worlds."""
    return tuple(s for s in world if not isinstance(s, Become))


@dataclass(frozen=True, slots=True)
class Term:
    """One variable in a question, in the actual world or in another one.

    `values = None` leaves it free: an axis of the answer. Otherwise the event that the variable takes one of `values`.
    With `axis`, a bound value name stands for its value: an axis of that name, which may be the variable's for one in
    another world. With `bounds`, the event that a number stands in these relations, `Y > 1`; `values` then has one text
    for it. A world may be `called` by a name, which changes nothing.
    """

    variable: str
    values: tuple[str, ...] | None = None
    axis: str | None = None
    span: Span | None = field(default=None, compare=False)
    bounds: tuple[tuple[str, Fraction], ...] = ()
    world: World = ()
    called: str = field(default="", compare=False, repr=False)

    @property
    def free(self) -> bool:
        return self.values is None

    @property
    def axis_name(self) -> str:
        return self.axis or (self.place if self.world else self.variable)

    @property
    def place(self) -> str:
        """The variable, and what is different in its world.

        >>> Term("Y", world=(Do("X", "0"), Become("M", Term("M", world=(Do("X", "1"),))))).place
        'Y[X := 0, M := M[X := 1]]'
        """
        return spelled(self.variable) + (f"[{show_world(self.world)}]" if self.world else "")

    def __str__(self) -> str:
        if self.bounds:
            return said_bounds(self.place, self.bounds)
        if self.values is None:
            if not self.world:
                return spelled(self.axis_name)
            return f"{self.place} = {spelled(self.axis)}" if self.axis not in (None, self.variable) else self.place
        if len(self.values) == 1:
            return f"{self.place} = {spelled_value(self.values[0])}"
        return f"{self.place} in {{{', '.join(map(spelled_value, self.values))}}}"


def show_world(world: World) -> str:
    """What is different in a world, as it stands in the brackets.

    >>> show_world((Do("X", "0"), Become("M", Term("M"))))
    'X := 0, M := M'
    """
    return ", ".join(map(_in_brackets, world))


def _in_brackets(s: Surgery | Become) -> str:
    """A surgery as a world says it: `X := 0` for `do(X := 0)`, but `cut(X)`."""
    return str(s) if isinstance(s, Cut | CutWire) else str(s)[len("do(") : -1]


def show_bounds(bounds: tuple[tuple[str, Fraction], ...]) -> str:
    """What stands behind the variable in the event of an interval.

    >>> show_bounds(((">=", Fraction(0)), ("<=", Fraction(1)))), show_bounds(((">", Fraction(1, 2)),))
    ('in [0, 1]', '> 0.5')
    """
    if [op for op, _ in bounds] == [">=", "<="]:
        return f"in [{number_text(bounds[0][1])}, {number_text(bounds[1][1])}]"
    return " and ".join(f"{op} {number_text(value)}" for op, value in bounds)


_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def said_bounds(name: str, bounds: tuple[tuple[str, Fraction], ...]) -> str:
    """The event of an interval, as it is written.

    >>> said_bounds("Y", ((">", Fraction(0)), ("<=", Fraction(1)))), said_bounds("Y", (("<", Fraction(2)),))
    ('0 < Y <= 1', 'Y < 2')
    """
    if len(bounds) == 2 and [op for op, _ in bounds] != [">=", "<="]:
        (first, low), (second, high) = bounds
        return f"{number_text(low)} {_TURNED[first]} {name} {second} {number_text(high)}"
    return f"{name} {show_bounds(bounds)}"


@dataclass(frozen=True, slots=True)
class Query:
    """`P(targets | surgeries, given)`; `expectation` asks for the mean of the single target instead."""

    targets: tuple[Term, ...]
    given: tuple[Term, ...] = ()
    surgeries: tuple[Surgery, ...] = ()
    expectation: bool = False
    span: Span | None = field(default=None, compare=False)

    @property
    def by_world(self) -> tuple[tuple[World, tuple[Surgery, ...]], ...]:
        """What is done in the actual world, where the question's own surgeries are, and in each of the others."""
        return (((), self.surgeries), *((w, without_nested(w)) for w in self.worlds))

    @property
    def operations(self) -> tuple[Surgery, ...]:
        """All surgeries: those of the question, and those of its worlds."""
        return tuple(s for _, done in self.by_world for s in done)

    def with_surgeries(self, change: Callable[[Surgery], Surgery]) -> Query:
        """The question with other surgeries, in its worlds too."""

        def term(t: Term) -> Term:
            return replace(t, world=tuple(map(step, t.world))) if t.world else t

        def step(s: Surgery | Become) -> Surgery | Become:
            return replace(s, source=term(s.source)) if isinstance(s, Become) else change(s)

        targets, given = (tuple(map(term, terms)) for terms in (self.targets, self.given))
        return replace(self, targets=targets, given=given, surgeries=tuple(map(change, self.surgeries)))

    @property
    def worlds(self) -> tuple[World, ...]:
        """The worlds other than the actual one that the terms speak of, each once; those of nested terms too."""
        return tuple(self.called)

    @property
    def called(self) -> dict[World, str]:
        """The worlds other than the actual one, with the names that they have been given, if any."""
        found: dict[World, str] = {}
        waiting = [*self.targets, *self.given]
        for term in waiting:
            if term.world:
                found[term.world] = found.get(term.world) or term.called
            waiting += [s.source for s in term.world if isinstance(s, Become)]
        return found

    def __str__(self) -> str:
        behind = [*_show_surgeries(self.surgeries), *(str(t) for t in self.given)]
        head = ", ".join(str(t) for t in self.targets)
        return f"{'E' if self.expectation else 'P'}({head}{' | ' if behind else ''}{', '.join(behind)})"


def as_seen(query: Query) -> Query | None:
    """What is merely seen: the question with every `do` read as an observation; nothing if it has other surgery.

    Of a question about another world, what is seen where the actual one is like it: what was seen of the variables that
    are set there gives way. That is nothing if several worlds are asked for, or both worlds tell of one variable.

    >>> from strings.surgery import Do, Open
    >>> print(as_seen(Query((Term("C"),), (Term("T"),), (Do("S", "yes"), Open("Z", "z")))))
    P(C | T, S = yes, z)
    >>> there = Term("Y", ("1",), world=(Do("X", "0"),))
    >>> print(as_seen(Query((there,), (Term("X", ("1",)), Term("Z", ("1",))))))
    P(Y = 1 | Z = 1, X = 0)
    """
    if query.worlds:
        actual = _as_actual(query)
        return None if actual is None else as_seen(actual)
    seen: list[Term] = []
    for s in query.surgeries:
        if isinstance(s, Do):
            seen.append(Term(s.variable, (s.value,)))
        elif isinstance(s, Open):
            seen.append(Term(s.variable, axis=s.axis))
        else:
            return None
    return replace(query, given=(*query.given, *seen), surgeries=())


def _as_actual(query: Query) -> Query | None:
    """A question about one other world, in which values are set, as one about the actual one."""
    there = query.targets[0].world
    setting = [s for s in there if isinstance(s, Do | Open)]
    done = {s.variable for s in setting}
    if len(setting) < len(there) or any(t.world != there for t in query.targets):
        return None
    known = [t for t in query.given if t.world == there or t.world or t.variable not in done]
    names = [t.variable for t in (*query.targets, *known)]
    if any(t.world not in ((), there) for t in known) or len(set(names)) < len(names):
        return None

    def actual(t: Term) -> Term:
        return replace(t, world=(), axis=t.axis_name if t.free and not query.expectation else t.axis)

    targets, given = tuple(map(actual, query.targets)), tuple(map(actual, known))
    return replace(query, targets=targets, given=given, surgeries=(*query.surgeries, *setting))


def _show_surgeries(surgeries: Iterable[Surgery]) -> list[str]:
    """One entry a surgery, consecutive `do(…)`s joined into one."""
    shown: list[str] = []
    for text in map(str, surgeries):
        if shown and text.startswith("do(") and shown[-1].startswith("do("):
            shown[-1] = f"{shown[-1][:-1]}, {text[3:]}"
        else:
            shown.append(text)
    return shown
