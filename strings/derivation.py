"""Derivations: why an effect follows, step by step, each step a rule with the diagrams before and after it.

The steps are those of `strings.identify`: conditions that are set instead of seen, discarding what nothing needs, one
comb per district, and for each comb the moves that lead to it from a given distribution. `check_derivation` replays
them with means of its own: it compares diagrams and looks whether they fall apart, on the model with its hidden causes,
and uses neither the graph of the observed variables nor the search that found the steps.

>>> from strings.identification import identify
>>> from strings.query import Term
>>> from strings.surgery import Do
>>> model = CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2)
>>> found = identify(model, Query((Term("C"),), (), (Do("S", "1"),)))
>>> for step in derive(model, found):
...     print(f"{step.rule}: {step.text}")
discard: C depends on S, T, C alone
factor: P(T, C | do(S)) is the product of Q[T], Q[C]
given: Q[S, T, C] is P(S, T, C)
marginalise: Q[S, T] is Q[S, T, C] with C summed out
district: Q[T] is a factor of Q[S, T]: {T} is a district of it
given: Q[S, T, C] is P(S, T, C)
district: Q[S, C] is a factor of Q[S, T, C]: {S, C} is a district of it
marginalise: Q[C] is Q[S, C] with S summed out
>>> check_derivation(model, found, derive(model, found))
''
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from strings.diagram import Diagram
from strings.estimand import Given
from strings.identification import Identified, certain, hide_unspoken, settable
from strings.identify import Route
from strings.model import CausalModel
from strings.query import Query
from strings.separation import falls_apart
from strings.surgery import CutWire, Do, DoWire, Open, Surgery, operate

Rule = Literal["certain", "forget", "ignore", "see", "set", "discard", "factor", "given", "marginalise", "district"]

LAWS: dict[str, str] = {
    "certain": "discarding is natural (Jacobs, Kissinger, Zanasi 2019, section 3)",
    "forget": "do-calculus, rule 1 (Pearl 1995)",
    "ignore": "do-calculus, rule 3 (Pearl 1995)",
    "see": "do-calculus, rule 2 (Pearl 1995)",
    "set": "do-calculus, rule 2 (Pearl 1995)",
    "discard": "discarding is natural (do-calculus, rule 3)",
    "factor": "one comb per district (Tian, Pearl 2002, lemma 1)",
    "given": "what is given",
    "marginalise": "discarding is natural (Tian, Pearl 2002, lemma 3)",
    "district": "a comb is a chain of conditionals (Tian, Pearl 2002, lemma 4)",
}
"""What each rule rests on."""


@dataclass(frozen=True)
class Step:
    """One step: `rule` says which, `subject` are the variables that it is about, `outcome` those that it leads to.

    `text` says it in words; `before` and `after` are the diagrams, of the model with its hidden causes.
    """

    rule: Rule
    subject: tuple[str, ...]
    outcome: tuple[tuple[str, ...], ...]
    text: str
    before: Diagram
    after: Diagram

    @property
    def law(self) -> str:
        """The theorem or rule that the step rests on."""
        return LAWS[self.rule]


def derive(model: CausalModel, found: Identified) -> tuple[Step, ...]:
    """The derivation of an effect that follows."""
    return tuple(_Derivation(model, found).steps())


class _Derivation:
    def __init__(self, model: CausalModel, found: Identified) -> None:
        self._model = found.seen(model)
        self._found = found

    def steps(self) -> Iterable[Step]:
        asked = self._found.asked
        targets = _names(t.variable for t in asked.targets)
        given = _names(t.variable for t in asked.given)
        if self._found.plain:
            yield from self._plain(asked, targets, given)
            return
        operated = operate(self._model, *asked.surgeries)
        if all(certain(self._model, t) for t in asked.targets):
            text = f"{_list(targets)} take{'s' if len(targets) == 1 else ''} some value, whatever happens"
            yield Step("certain", targets, (), text, operated.state(targets), operated.state(()))
            return
        named = {n for s in self._found.query.surgeries for n in _variables(s)} | {
            t.variable for t in self._found.query.given
        }
        for n in given:
            if n not in named and n not in targets:
                less = tuple(m for m in given if m != n)
                shown = _names([*targets, *less])
                text = f"{n} tells nothing of {_list(targets)}"
                yield Step("forget", (n,), (), text, operated.state(_names([*shown, n])), operated.state(shown))
                given = less
        for s in self._found.query.surgeries:
            if s in asked.surgeries:  # a condition that is set instead of seen is added behind what is asked
                continue
            assert isinstance(s, Do | Open)
            after = operate(operated, s)
            text = f"{s.variable} may be set instead of seen"
            shown = _names([*targets, *given])
            yield Step("set", (s.variable,), (), text, operated.state(shown), after.state(shown))
            given = tuple(n for n in given if n != s.variable)
            operated = after
        yield from self._combs(operated, _names([*targets, *given]))
        for r in self._found.routes:
            yield from self._route(r)

    def _plain(self, asked: Query, targets: tuple[str, ...], given: tuple[str, ...]) -> Iterable[Step]:
        treated = _names(s.variable for s in asked.surgeries if isinstance(s, Do | Open))
        told = {p for c in self._found.estimand.conditionals.values() for p in (x.name for x in c.given)}
        left = tuple(n for n in treated if n in told)
        shown = _names([*targets, *given])
        model = operate(self._model, *asked.surgeries)
        ignored = tuple(n for n in treated if n not in left)
        if ignored:
            after = operate(self._model, *(s for s in asked.surgeries if not set(_variables(s)) & set(ignored)))
            verb = "has" if len(ignored) == 1 else "have"
            text = f"setting {_list(ignored)} {verb} no effect on {_list(targets)}"
            yield Step("ignore", ignored, (left,), text, model.state(shown), after.state(shown))
            model = after
        if left:
            whole = _names([*shown, *left])
            text = f"{_list(left)} may be seen instead of set"
            yield Step("see", left, (), text, model.state(whole), self._model.state(whole))

    def _combs(self, operated: CausalModel, shown: tuple[str, ...]) -> Iterable[Step]:
        behind = operated.ancestors(shown)
        relevant = tuple(n for n in self._model.observed if n in behind)
        text = f"{_list(shown)} depend{'s' if len(shown) == 1 else ''} on {_list(relevant)} alone"
        yield Step("discard", shown, (relevant,), text, operated.diagram, operated.state(relevant))
        treated = {n for s in self._found.query.surgeries for n in _variables(s)}
        districts = tuple(self._members(r) for r in self._found.routes)
        kept = tuple(n for n in relevant if n not in treated)
        done = ", ".join(n for n in self._model.observed if n in treated)
        behind_bar = f" | do({done})" if done else ""
        text = f"P({', '.join(kept)}{behind_bar}) is the product of {', '.join(map(_q, districts))}"
        whole = kernel(self._model, kept)
        yield Step("factor", kept, districts, text, operated.state(relevant), whole)

    def _members(self, r: Route, mask: int | None = None) -> tuple[str, ...]:
        names = self._found.sources[r.source].graph.show(r.district if mask is None else mask)
        return tuple(n for n in self._model.observed if n in names)

    def _route(self, r: Route) -> Iterable[Step]:
        given, known = self._found.given[r.source], self._found.sources[r.source].graph.names
        given = Given(tuple(n for n in given.variables if n in known), given.done)
        start = tuple(n for n in self._model.observed if n in given.variables)
        model = _home(self._model, given)
        whole = kernel(model, start)
        done = (given.done,) if given.done else ()
        yield Step("given", start, done, f"{_q(start)} is {given}", whole, whole)
        home = start
        for level in r.levels:
            near = self._members(r, level.ancestral)
            if near != home:
                out = tuple(n for n in home if n not in near)
                text = f"{_q(near)} is {_q(home)} with {_list(out)} summed out"
                yield Step("marginalise", home, (near,), text, kernel(model, home), kernel(model, near))
            inside = self._members(r, level.district)
            if inside != near:
                text = f"{_q(inside)} is a factor of {_q(near)}: {{{', '.join(inside)}}} is a district of it"
                yield Step("district", near, (inside,), text, kernel(model, near), kernel(model, inside))
            home = inside


def _home(model: CausalModel, given: Given) -> CausalModel:
    """The model as a given distribution sees it, which may set what `model` hides."""
    hidden = hide_unspoken(model, [given])
    return replace(hidden, latents=hidden.latents - set(given.done))


def kernel(model: CausalModel, members: Sequence[str], shown: Sequence[str] | None = None) -> Diagram:
    """`Q[members]`, the distribution of some observed variables when all others are set: a diagram from those that it
    depends on to the members, or to those of them that are `shown`."""
    shown = members if shown is None else shown
    opened = operate(model, *(Open(n) for n in model.observed if n not in members))
    behind = opened.ancestors(shown)
    return opened.state(shown, tuple(n for n in opened.inputs if n in behind))


def check_derivation(model: CausalModel, found: Identified, steps: Sequence[Step]) -> str:
    """What is wrong with a derivation; empty if nothing is.

    Every step is replayed from the question on: separations on the diagram of the model after surgery, kernels by
    comparing diagrams. That the last step leads to the estimand in numbers is for `semantics` to check.
    """
    try:
        _Replay(found.seen(model), found).run(steps)
    except _FalseStepError as e:
        return str(e)
    return ""


class _FalseStepError(Exception):
    """A step does not hold."""


class _Replay:
    """The state of a replay: what is asked by now, and the kernels that are known."""

    def __init__(self, model: CausalModel, found: Identified) -> None:
        self._model, self._found = model, found
        self._operated = operate(model, *found.asked.surgeries)
        # A condition on several values is an event like those asked for: do-calculus speaks of single values.
        self._given = {t.variable for t in found.asked.given if settable(t, found.asked)}
        self._targets = {t.variable for t in (*found.asked.targets, *found.asked.given)} - self._given
        self._treated = {n for s in found.asked.surgeries for n in _variables(s)}
        self._fixed = {s.variable for s in found.asked.surgeries if isinstance(s, Do | Open)}
        self._wanted: set[frozenset[str]] | None = None
        self._home = model  # as the given distribution in hand sees it
        self._known: set[frozenset[str]] = set()  # kernels that follow from that
        self._found_kernels: set[frozenset[str]] = set()
        self._relevant: frozenset[str] = frozenset()
        self._seen: set[str] = set()  # treatments that are seen instead of set

    def run(self, steps: Sequence[Step]) -> None:
        for step in steps:
            try:
                self._replay(step)
            except ValueError:  # another number of sets than the rule has
                raise _FalseStepError(f"`{step.text}` is no step by the rule `{step.rule}`") from None
        if self._wanted is None:
            self._require(not self._treated, "the effect is not reduced to what is seen")
            shown = self._targets | self._given | self._seen
            given = any(not g.done and shown <= set(g.variables) for g in self._found.used)
            self._require(given, f"{_list(self._ordered(shown))} are not given together")
            return
        self._keep_known()
        missing = [w for w in self._wanted if w not in self._found_kernels]
        self._require(not missing, f"no derivation of {_q(sorted(missing[0])) if missing else ''}")

    def _replay(self, step: Step) -> None:
        match step.rule:
            case "certain":
                self._certain(step)
            case "forget":
                self._forget(step)
            case "ignore":
                self._ignore(step)
            case "see":
                self._see(step)
            case "set":
                self._set(step)
            case "discard":
                self._discard(step)
            case "factor":
                self._factor(step)
            case "given":
                self._given_(step)
            case "marginalise":
                self._marginalise(step)
            case "district":
                self._district(step)

    def _require(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise _FalseStepError(otherwise)

    def _certain(self, step: Step) -> None:
        """What is asked holds whatever the values are: discarding says the same."""
        asked = self._found.asked.targets
        holds = set(step.subject) == {t.variable for t in asked} and all(certain(self._model, t) for t in asked)
        self._require(holds, "something may not happen")
        self._wanted = set()

    def _forget(self, step: Step) -> None:
        """Rule 1: a condition on several values that is separated from what is asked, and from others of its kind."""
        (z,) = step.subject
        asked = {t.variable for t in self._found.asked.targets}
        self._require(z in self._targets - asked - self._treated, f"{z} is no condition on several values")
        rest = self._ordered(self._given | self._fixed)
        others = self._ordered(self._targets - {z} - set(rest))
        apart = falls_apart(self._operated, others, [z], rest)
        self._require(apart, f"{z} may tell something")
        self._targets.discard(z)

    def _ignore(self, step: Step) -> None:
        """Rule 3: once what is ignored can hear nothing but what a condition depends on, it is separated."""
        rest = self._treated - set(step.subject)
        base = operate(self._model, *(Open(n) for n in self._ordered(rest)))
        for n in step.subject:
            before = base.ancestors(self._given)
            cut = base if n in before else operate(base, Open(n))
            apart = falls_apart(cut, self._ordered(self._targets), [n], self._ordered(rest | self._given))
            self._require(apart, f"setting {n} may have an effect")
        self._treated = rest
        self._fixed &= rest

    def _see(self, step: Step) -> None:
        """Rule 2, for all treatments at once: without their outgoing wires they are separated."""
        self._require(set(step.subject) == self._treated, "not all treatments are seen")
        self._seen = set(step.subject)
        cut = self._deafened(self._model, step.subject)
        apart = falls_apart(cut, self._ordered(self._targets), list(step.subject), self._ordered(self._given))
        self._require(apart, f"{_list(step.subject)} may not be seen instead of set")
        self._treated = set()

    def _set(self, step: Step) -> None:
        (z,) = step.subject
        self._require(z in self._given, f"{z} is no condition on one value")
        seen = self._ordered((self._given | self._fixed) - {z})
        targets = self._ordered(self._targets - set(seen))
        cut = self._deafened(self._operated, [z])
        self._require(falls_apart(cut, targets, [z], seen), f"{z} may not be set instead of seen")
        self._operated = operate(self._operated, Open(z))
        self._given.discard(z)
        self._treated.add(z)
        self._fixed.add(z)

    def _deafened(self, model: CausalModel, names: Iterable[str]) -> CausalModel:
        """The model in which nobody hears some variables."""
        wires = [CutWire(n, c) for n in names for c in model.children[n]]
        return operate(model, *wires)

    def _discard(self, step: Step) -> None:
        self._require(set(step.subject) == self._targets | self._given, "something else is asked")
        (relevant,) = step.outcome
        state = self._operated.state(step.subject)
        again = self._operated.state(relevant)
        kept = [relevant.index(n) for n in step.subject]
        marginal = Diagram(again.dom, again.nodes, tuple(again.outs[k] for k in kept))
        self._require(marginal == state, "discarding does not give what is asked")
        behind = self._operated.ancestors(step.subject) - self._operated.latents
        self._require(behind <= set(relevant), "something that is needed is discarded")
        self._relevant = frozenset(relevant)

    def _factor(self, step: Step) -> None:
        """The districts cover what is relevant and untreated, share nothing, and no hidden cause feeds two of them."""
        self._require(frozenset(step.subject) == self._relevant - self._treated, "something else is factored")
        self._split(self._model, step.subject, step.outcome)
        self._wanted = {frozenset(d) for d in step.outcome}

    def _split(self, model: CausalModel, whole: Sequence[str], parts: Sequence[Sequence[str]]) -> None:
        members = [n for p in parts for n in p]
        self._require(sorted(members) == sorted(whole), f"the factors of {_q(whole)} are not its parts")
        opened = operate(model, *(Open(n) for n in model.observed if n not in whole))
        hidden = opened.latents
        for k, part in enumerate(parts):
            shared = self._causes(opened, part, hidden) & self._causes(
                opened, [n for p in [*parts[:k], *parts[k + 1 :]] for n in p], hidden
            )
            self._require(not shared, f"{_q(part)} shares hidden causes with others")

    def _causes(self, model: CausalModel, names: Sequence[str], hidden: frozenset[str]) -> set[str]:
        """The hidden causes that reach some variables through hidden ones alone."""
        found: set[str] = set()
        stack = [p for n in names for p in model.parents(n) if p in hidden]
        while stack:
            u = stack.pop()
            if u not in found:
                found.add(u)
                stack.extend(p for p in model.parents(u) if p in hidden)
        return found

    def _given_(self, step: Step) -> None:
        done = step.outcome[0] if step.outcome else ()
        fitting = [g for g in self._found.used if set(g.variables) == set(step.subject) and g.done == done]
        self._require(bool(fitting), f"{_q(step.subject)} is not given")
        self._keep_known()
        self._home = _home(self._model, fitting[0])
        self._known = {frozenset(step.subject)}

    def _keep_known(self) -> None:
        """A kernel in a model that hides more is one of the model in hand if they are the same diagram."""
        for members in self._known:
            names = self._ordered(members)
            if kernel(self._home, names) == kernel(self._model, names):
                self._found_kernels.add(members)

    def _marginalise(self, step: Step) -> None:
        (near,) = step.outcome
        self._require(frozenset(step.subject) in self._known, f"{_q(step.subject)} is not known yet")
        marginal = kernel(self._home, step.subject, near)
        self._require(marginal == kernel(self._home, near), f"{_q(near)} is no marginal")
        self._shows(step, near)
        self._known.add(frozenset(near))

    def _district(self, step: Step) -> None:
        (inside,) = step.outcome
        self._require(frozenset(step.subject) in self._known, f"{_q(step.subject)} is not known yet")
        rest = tuple(n for n in step.subject if n not in inside)
        self._split(self._home, step.subject, [inside, rest] if rest else [inside])
        self._shows(step, inside)
        self._known.add(frozenset(inside))

    def _shows(self, step: Step, reached: Sequence[str]) -> None:
        """The diagrams of a step are the kernels that it speaks of."""
        shown = (kernel(self._home, step.subject), kernel(self._home, reached))
        self._require((step.before, step.after) == shown, f"the diagrams are not those of {_q(reached)}")

    def _ordered(self, names: Iterable[str]) -> list[str]:
        chosen = set(names)
        return [n for n in self._model.names if n in chosen]


def _variables(s: Surgery) -> tuple[str, ...]:
    return () if isinstance(s, CutWire | DoWire) else (s.variable,)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _q(names: Sequence[str]) -> str:
    return f"Q[{', '.join(names)}]"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
