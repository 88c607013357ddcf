"""Estimands written out: a formula over conditionals of what is given, as the papers print them.

Every box of an estimand is a factor, every hidden wire a sum, as far in as it goes; a box that is a conditional of a
derived distribution is the quotient of two such formulas. Factors that stand above and below are cancelled, and
`P(y | x, z) P(x | z)` becomes `P(x, y | z)`. None of this changes the value.

>>> from strings.identification import identify
>>> from strings.model import CausalModel
>>> from strings.query import Query, Term
>>> from strings.surgery import Do
>>> napkin = CausalModel.from_edges([("W", "R"), ("R", "X"), ("X", "Y")], [("W", "X"), ("W", "Y")], domains=2)
>>> print(formula(identify(napkin, Query((Term("Y"),), (), (Do("X", "1"),)))))
(sum[w : W] P(X = 1, Y | w, r) * P(w)) / sum[w : W] P(X = 1 | w, r) * P(w)
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from strings.estimand import Conditional, Estimand
from strings.formula import Arithmetic, Ask, Formula, Number, Sum, questions, substituted
from strings.identification import Identified
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.surgery import CutWire, Do, DoWire, Open, Replace, operate

Terms = Mapping[str, Term]
"""What each variable of an estimand's model is called in the formula."""


def formula(found: Identified, taken: Iterable[str] = ()) -> Formula:
    """The estimand of an effect as a formula over conditionals of what is given; names that are `taken` bind nothing.

    Value names that stand for free variables of the estimand (`Estimand.free`) are free in it: its value is the same
    for all of their values. Of a mean, the factor of the variable is written as a mean where it is one of this variable
    alone; else it is the distribution whose mean is asked.
    """
    written = _Writer(found, taken).write()
    return as_mean(written, found.query.targets[0].variable) if found.query.expectation else written


def as_mean(formula: Formula, variable: str) -> Formula:
    """The mean of `variable`, of which `formula` is the distribution: linear in the only factor that speaks of it."""
    about = [q for q in questions(formula) if any(t.variable == variable for t in (*q.targets, *q.given))]
    if len(about) != 1 or _times(formula, about[0]) != 1:
        return formula
    (asked,) = about
    if [t.variable for t in asked.targets] != [variable] or any(t.variable == variable for t in asked.given):
        return formula
    mean = replace(asked, targets=(Term(variable),), expectation=True)
    return substituted(formula, {asked: Ask(mean)})


def _times(formula: Formula, query: Query) -> int:
    """How often a question stands in a formula above all bars; below one, it counts as two."""
    match formula:
        case Ask(asked):
            return int(asked == query)
        case Sum(_, body):
            return _times(body, query)
        case Arithmetic("/", left, right):
            return _times(left, query) + 2 * _times(right, query)
        case Arithmetic(_, left, right):
            return _times(left, query) + _times(right, query)
        case _:
            return 0


class _Writer:
    """Writes one estimand; keeps count of the names that are taken."""

    def __init__(self, found: Identified, taken: Iterable[str] = ()) -> None:
        self._found, self._query = found, found.query
        self._any: dict[str, str] = {}
        model = found.estimand.model
        self._rank = {x.name: k for k, x in enumerate(model.variables)}
        self._taken = {*found.names, *model.names, *(v for x in model.variables for v in x.values or ())}
        self._fixed = frozenset(self._taken)
        asked = [*self._query.targets, *self._query.given]
        self._taken |= {t.axis for t in asked if t.axis}
        self._taken |= {s.axis for s in self._query.surgeries if isinstance(s, Open) and s.axis} | set(taken)

    def write(self) -> Formula:
        if self._found.plain:
            return self._seen()
        model = operate(self._found.estimand.model, *self._query.surgeries)
        terms = self._settings()
        for n in self._found.estimand.free:
            terms[n] = Term(n, axis=self._name(n))
        given = self._events(model, self._query.given, terms, {})
        below = self._total(model, *given) if self._query.given else []
        above = self._total(model, *self._events(model, self._query.targets, *given))
        return _quotient(above, below)

    def _seen(self) -> Formula:
        """An effect that is just seen: one conditional of what is given."""
        asked = self._found.asked
        told = {x.name for c in self._found.estimand.conditionals.values() for x in c.given}
        settings = [Term(n, t.values, t.axis) for n, t in self._settings().items() if n in told]
        known = {t.variable for t in asked.given}
        seen = [t for t in settings if t.variable not in known]
        order = sorted([*asked.given, *seen], key=lambda t: self._rank.get(t.variable, -1))
        return Ask(Query(asked.targets, tuple(replace(t, span=None) for t in order)))

    def _settings(self) -> dict[str, Term]:
        """What the treated variables are set to."""
        terms: dict[str, Term] = {}
        for s in self._query.surgeries:
            if isinstance(s, Do):
                terms[s.variable] = Term(s.variable, (s.value,))
            elif isinstance(s, Open):
                terms[s.variable] = Term(s.variable, axis=s.axis)
            else:
                terms.pop(s.variable, None) if not isinstance(s, CutWire | DoWire) else None
        return terms

    def _events(
        self, model: CausalModel, events: Sequence[Term], terms: Terms, extra: Mapping[Ask, str]
    ) -> tuple[dict[str, Term], dict[Ask, str]]:
        """What each variable is called with some more events, and what has to be multiplied: an event on a variable
        that has a name already is a factor of its own, 0 or 1; it comes with the variable."""
        terms, extra = dict(terms), dict(extra)
        set_ = {s.variable: s for s in self._query.surgeries if isinstance(s, Do | Open)}
        for t in (replace(t, span=None) for t in events):
            known = terms.setdefault(t.variable, t)
            if known != t:
                asked = Query((t,), (), (set_[t.variable],)) if t.variable in set_ else Query((t,), (known,))
                extra[Ask(asked)] = t.variable
            elif t.variable in set_ and t.values is None:  # the axis of what is asked meets that of what is set
                extra[Ask(Query((t,), (), (set_[t.variable],)))] = t.variable
        return terms, extra

    def _total(self, model: CausalModel, terms: Terms, extra: Mapping[Ask, str]) -> list[Formula]:
        """The probability of all events in `terms`: a sum of joints where an event is a set that something reads."""
        estimand = self._found.estimand
        set_ = {s.variable for s in self._query.surgeries if isinstance(s, Do | Open)}
        asked = [n for n in terms if n not in set_ and n not in estimand.free]
        behind = model.ancestors(asked)
        heard = {p for n in behind for p in model.parents(n)}
        sets = [n for n in asked if len(terms[n].values or ("",)) != 1 and n in heard]
        cases = []
        for values in itertools.product(*(terms[n].values or () for n in sets)):
            chosen = {**terms, **{n: Term(n, (v,)) for n, v in zip(sets, values, strict=True)}}
            factors: list[Formula] = [
                Ask(replace(a.query, given=(chosen[n],))) if a.query.given else a for a, n in extra.items()
            ]
            cases.append([*factors, *self._joint(estimand, model, chosen, asked)])
        if len(cases) == 1:
            return cases[0]
        total: Formula = Number(Fraction(0))
        for k, case in enumerate(cases):
            total = Arithmetic("+", total, product(case)) if k else product(case)
        return [total]

    def _joint(self, estimand: Estimand, model: CausalModel, terms: Terms, asked: Sequence[str]) -> list[Formula]:
        """The factors of the joint of `asked`: the boxes behind them multiplied, hidden wires summed innermost."""
        behind = model.ancestors(asked)
        order = [n for n in model.order if n in behind]
        known = {n: t for n, t in terms.items() if n in asked or n not in model.mechanisms or n in estimand.free}
        known |= {
            s.variable: terms[s.variable] for s in self._query.surgeries if isinstance(s, Do) and s.variable in terms
        }
        hidden = [n for n in order if n not in known]
        hidden.sort(key=lambda n: n in estimand.copies)
        for n in hidden:
            known[n] = Term(estimand.copies.get(n, n), axis=self._name(estimand.copies.get(n, n), n))
        factors: list[tuple[frozenset[str], list[Formula]]] = []
        for n in reversed(order):
            mechanism = model.mechanisms.get(n)
            if mechanism is None or n in estimand.free or mechanism.diagram.nodes[0].box.kind == "point":
                continue
            factors.append((frozenset({n, *mechanism.used_parents}), self._factor(estimand, mechanism, n, known)))
        written = self._nest(hidden, factors, known)
        for n in hidden:
            self._taken.discard(known[n].axis or "")
        return written

    def _factor(self, estimand: Estimand, mechanism: Mechanism, name: str, terms: Terms) -> list[Formula]:
        """What one mechanism contributes: a conditional, a uniform state, or the policy of a surgery."""
        box = mechanism.diagram.nodes[0].box
        if box.kind == "uniform":
            return [Number(Fraction(len(terms[name].values or (0,)), len(box.cod[0].values or (0,))))]
        conditional = estimand.conditionals.get(box.name)
        if conditional is None:
            given = tuple(terms[p] for p in mechanism.used_parents)
            own = tuple(s for s in self._query.surgeries if isinstance(s, Replace) and s.variable == name)
            return [Ask(Query((terms[name],), given, own[-1:]))]
        return self._conditional(conditional, terms[name], [terms[p] for p in mechanism.parents])

    def _conditional(self, c: Conditional, target: Term, ports: Sequence[Term]) -> list[Formula]:
        fed, given = ports[: len(c.fed)], ports[len(c.fed) :]
        if isinstance(c.of, int):
            idle = [Term(x.name, axis=self._idle(x.name)) for x in c.idle]
            return [Ask(Query((target,), tuple(given), tuple(_setting(t) for t in (*fed, *idle))))]
        inner = c.of.model
        names = [*(x.name for x in c.fed), *(x.name for x in c.given), c.target.name]
        terms = dict(zip(names, [*fed, *given, target], strict=True))
        above = self._joint(c.of, inner, terms, [*(x.name for x in c.given), c.target.name])
        below = self._joint(c.of, inner, terms, [x.name for x in c.given])
        return [_quotient(above, below)]

    def _idle(self, variable: str) -> str:
        """The name of a value that may be any, the same throughout the formula."""
        if variable not in self._any:
            self._any[variable] = self._name(variable)
        return self._any[variable]

    def _name(self, variable: str, shown: str = "") -> str:
        """A name for a value of a variable that is not taken yet: lower case where that is free, primed if need be."""
        name = value_name(variable, self._fixed, self._taken, (shown or variable)[len(variable) :])
        self._taken.add(name)
        return name

    def _nest(
        self, hidden: Sequence[str], factors: Sequence[tuple[frozenset[str], list[Formula]]], terms: Terms
    ) -> list[Formula]:
        """Sum over the hidden wires, each as far in as it goes; the result is a list of factors."""
        left = frozenset(hidden)
        outside = [f for wires, fs in factors if not wires & left for f in fs]
        inside = [(wires, fs) for wires, fs in factors if wires & left]
        if not inside:
            return self._merged(outside)
        bound: list[tuple[str, str]] = []
        rest = list(hidden)
        here: list[Formula] = []
        while rest and not here:
            v = rest.pop(0)
            bound.append((terms[v].axis_name, terms[v].variable))
            later = frozenset(rest)
            here = [f for wires, fs in inside if not wires & later for f in fs]
            inside = [(wires, fs) for wires, fs in inside if wires & later]
        body = [*here, *(self._nest(rest, inside, terms) if inside else [])]
        return [*self._merged(outside), self._sum(bound, body)]

    def _sum(self, bound: Sequence[tuple[str, str]], body: Sequence[Formula]) -> Formula:
        """A sum; one inside of it joins it where that lets factors merge."""
        for k, inner in enumerate(body):
            if isinstance(inner, Sum):
                flat = [*body[:k], *_factors(inner.body), *body[k + 1 :]]
                merged = self._merged(flat)
                if len(merged) < len(flat) and not {n for n, _ in bound} & {n for n, _ in inner.binders}:
                    return self._sum([*bound, *inner.binders], merged)
        return _summed(bound, self._merged(body))

    def _merged(self, factors: Iterable[Formula]) -> list[Formula]:
        """`P(y | x, z) P(x | z)` becomes `P(x, y | z)`, and `a / b * b` becomes `a`, as often as it goes."""
        merged = list(factors)
        for i, one in enumerate(merged):
            if isinstance(one, Arithmetic) and one.op == "/":
                below = _factors(one.right)
                for j, other in enumerate(merged):
                    if i != j and other in below:
                        below.remove(other)
                        left = Arithmetic("/", one.left, product(below)) if below else None
                        rest = [f for k, f in enumerate(merged) if k not in (i, j)]
                        return self._merged([*(_factors(one.left) if left is None else [left]), *rest])
        for i, one in enumerate(merged):
            for j, other in enumerate(merged):
                if i != j and isinstance(one, Ask) and isinstance(other, Ask):
                    both = _chained(one.query, other.query)
                    if both is not None:
                        key = self._rank.get
                        targets = tuple(sorted(both.targets, key=lambda t: key(t.variable, -1)))
                        rest = [f for k, f in enumerate(merged) if k not in (i, j)]
                        return self._merged(
                            [*rest[: min(i, j)], Ask(replace(both, targets=targets)), *rest[min(i, j) :]]
                        )
        return merged


def value_name(variable: str, fixed: Container[str], taken: Container[str], primes: str = "") -> str:
    """A name for a value of a variable: lower case; with `_` if it is among the `fixed` names, primed if it is taken.

    >>> value_name("T", {"t"}, {"t_", "t_'"})
    "t_''"
    """
    base = variable.lower() if variable.isupper() else variable[:1].lower() + variable[1:]
    while base in fixed:
        base += "_"
    name = base + primes
    while name in taken:
        name += "'"
    return name


def _summed(bound: Sequence[tuple[str, str]], body: Sequence[Formula]) -> Formula:
    """A sum, without the names that stand in one joint alone: `sum[b : B] P(a, b | c)` is `P(a | c)`."""
    left, factors = list(bound), list(body)
    for name, variable in bound:
        holders = [k for k, f in enumerate(factors) if name in _value_names(f)]
        if len(holders) != 1:
            continue
        f = factors[holders[0]]
        if not isinstance(f, Ask) or any(t.axis == name for t in f.query.given):
            continue
        rest = tuple(t for t in f.query.targets if t.axis != name)
        if len(rest) == len(f.query.targets):
            continue
        left.remove((name, variable))
        factors[holders[0] : holders[0] + 1] = [Ask(replace(f.query, targets=rest))] if rest else []
    return Sum(tuple(left), product(factors)) if left else product(factors)


def _value_names(formula: Formula) -> set[str]:
    """All value names in a formula."""
    match formula:
        case Ask(query):
            found = {t.axis for t in (*query.targets, *query.given) if t.axis}
            return found | {s.axis for s in query.surgeries if isinstance(s, Open) and s.axis}
        case Sum(_, body):
            return _value_names(body)
        case Arithmetic(_, one, other):
            return _value_names(one) | _value_names(other)
        case _:
            return set()


def _setting(t: Term) -> Do | Open:
    return Open(t.variable, t.axis) if t.values is None else Do(t.variable, t.values[0])


def _chained(one: Query, other: Query) -> Query | None:
    """The joint of two conditionals, if the first conditions on all that the second has, and on nothing else."""
    if one.surgeries != other.surgeries or set(one.given) != {*other.given, *other.targets}:
        return None
    return replace(other, targets=(*other.targets, *one.targets))


def _quotient(above: Sequence[Formula], below: Sequence[Formula]) -> Formula:
    """The quotient of two products, without what stands in both; `P(y, z | x) / P(z | x)` becomes `P(y | z, x)`."""
    top, bottom = list(above), list(below)
    for f in below:
        if f in top:
            top.remove(f)
            bottom.remove(f)
            continue
        for k, g in enumerate(top):
            narrowed = _narrowed(g, f)
            if narrowed is not None:
                top[k] = narrowed
                bottom.remove(f)
                break
    numerator = product(top)
    return Arithmetic("/", numerator, product(bottom)) if bottom else numerator


def _narrowed(above: Formula, below: Formula) -> Formula | None:
    """The quotient of a joint and a marginal of it, as a conditional."""
    if not isinstance(above, Ask) or not isinstance(below, Ask):
        return None
    joint, part = above.query, below.query
    if joint.surgeries != part.surgeries or set(joint.given) != set(part.given):
        return None
    if not set(part.targets) < set(joint.targets):
        return None
    targets = tuple(t for t in joint.targets if t not in part.targets)
    return Ask(replace(joint, targets=targets, given=(*part.targets, *joint.given)))


def _factors(formula: Formula) -> list[Formula]:
    """The factors of a product, left to right."""
    if isinstance(formula, Arithmetic) and formula.op == "*":
        return [*_factors(formula.left), *_factors(formula.right)]
    return [formula]


def product(factors: Sequence[Formula]) -> Formula:
    """The product of some factors; 1 of none."""
    if not factors:
        return Number(Fraction(1))
    whole = factors[-1]
    for f in reversed(factors[:-1]):
        whole = Arithmetic("*", f, whole)
    return whole
