"""Estimands by comb factorisation: what an intervention does, as a diagram over conditionals of the observed joint.

The recipe of Jacobs, Kissinger and Zanasi (2019, sections 7 and 8) with one comb per district: factor the observed
joint into combs, cut the wires that leave the combs at the treated variables, refill. The district comb of an observed
joint is a chain of conditionals `P(v | what the district knows before v)` (Tian, Pearl 2002, lemma 4), so the result is
again a causal model, whose boxes are conditionals. A treated variable stays inside its own comb as a hidden copy, with
a prime, and is summed there.

>>> from strings.query import Term
>>> from strings.surgery import Do
>>> model = CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2)
>>> query = Query((Term("C"),), (), (Do("S", "1"),))
>>> estimand = comb_estimand(model, query)
>>> print(estimand.formula(query))
sum[t : T] P(t | S = 1) * sum[s' : S] P(C | s', t) * P(s')
>>> print(operate(estimand.model, *query.surgeries).state(["C"]))
diagram () -> C {
  S'0 <- P(S)()
  S1 <- S := 1()
  T2 <- P(T | S)(S1)
  C3 <- P(C | S, T)(S'0, T2)
  return C3
}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from strings.diagnostic import Diagnostic, QueryError
from strings.formula import Arithmetic, Ask, Formula, Number, Sum
from strings.graph import Graph, bits
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Box, Object
from strings.surgery import CutWire, Do, DoWire, Open, operate, touched


@dataclass(frozen=True, slots=True)
class Conditional:
    """`P(target | given)` of the observed joint, as a box."""

    target: Object
    given: tuple[Object, ...]

    @property
    def name(self) -> str:
        behind = ", ".join(x.name for x in self.given)
        return f"P({self.target.name}{' | ' + behind if behind else ''})"

    @property
    def box(self) -> Box:
        return Box(self.name, self.given, (self.target,))


@dataclass(frozen=True)
class Estimand:
    """A causal model whose boxes are `conditionals` of the observed joint; treated variables are its inputs.

    `copies` maps every hidden copy to the variable it copies. Asking the model the original question, surgeries and
    all, gives the estimate.
    """

    model: CausalModel
    conditionals: Mapping[str, Conditional]
    copies: Mapping[str, str]

    def formula(self, query: Query) -> Formula:
        """The estimand of `query` as a formula over conditionals of the observed joint."""
        numerator = _joint_formula(self, query)
        if not query.given:
            return numerator
        return _ratio(numerator, _joint_formula(self, replace(query, targets=query.given, given=())))


def comb_estimand(model: CausalModel, query: Query) -> Estimand:
    """The estimand of an interventional query on a model with hidden causes, by comb factorisation.

    Raises:
        QueryError: E001 if the combs are too coarse for this effect (it may still be identifiable by a longer
            derivation), E002 for surgery on single wires, E003 if a latent variable is asked for.
    """
    for s in query.surgeries:
        if isinstance(s, CutWire | DoWire):
            raise QueryError(
                Diagnostic(
                    "E002",
                    f"`{s}` changes what one mechanism hears: this cannot be estimated from the joint",
                    help=("act on the whole variable, or give the boxes numbers and use `query`",),
                )
            )
    _refuse_latents(model, query)
    graph = model.graph
    treated = graph.mask(dict.fromkeys(n for s in query.surgeries for n in touched(s)))
    asked = [t.variable for t in (*query.targets, *query.given)]
    after = operate(model, *query.surgeries).graph
    relevant = after.ancestors(after.mask(asked) | treated)
    untreated = relevant & ~treated
    base = graph.ancestors(relevant)
    builder = _EstimandBuilder(model, graph, base)
    for v in bits(untreated):
        builder.place(graph.district(v, base), graph.district(v, untreated))
    return builder.finish(treated)


def _refuse_latents(model: CausalModel, query: Query) -> None:
    for t in (*query.targets, *query.given):
        model.object(t.variable)
        if t.variable in model.latents:
            raise QueryError(
                Diagnostic(
                    "E003", f"`{t.variable}` is latent, so no data can contain it", span=t.span, label="asked for"
                )
            )
    for s in query.surgeries:
        for n in touched(s):
            if n in model.latents:
                raise QueryError(Diagnostic("E003", f"`{n}` is latent, so no data can tell what setting it does"))


class _EstimandBuilder:
    """Collects conditionals, district by district, and the hidden copies they need."""

    def __init__(self, model: CausalModel, graph: Graph, base: int) -> None:
        self._model, self._graph, self._base = model, graph, base
        rank = {n: i for i, n in enumerate(n for n in model.order if n not in model.latents)}
        self._rank = [rank[n] for n in graph.names]
        self._mechanisms: dict[str, tuple[Conditional, tuple[str, ...]]] = {}
        self._copies: dict[str, str] = {}
        self._placed = 0

    def place(self, district: int, needed: int) -> None:
        """Put in the part `needed` of a district; the rest of it becomes hidden copies, summed inside the comb."""
        if needed & self._placed:
            return
        self._placed |= needed
        if self._graph.ancestors(needed, district) != needed:
            raise self._too_coarse(district, needed)
        names: dict[int, str] = {v: self._graph.names[v] for v in bits(needed)}
        waiting = list(bits(needed))
        while waiting:
            v = waiting.pop(0)
            given = self._known_before(v, district)
            for u in bits(given):
                if u in names:
                    continue
                if district >> u & 1:
                    names[u] = self._copy(u)
                    waiting.append(u)
                else:
                    names[u] = self._graph.names[u]
            self._put(names[v], v, given, names)

    def _known_before(self, v: int, district: int) -> int:
        """What the conditional of `v` conditions on: its district so far, and the parents of that."""
        so_far = sum(1 << u for u in bits(self._base) if self._rank[u] <= self._rank[v])
        near = self._graph.district(v, so_far & district)
        return (near | self._graph.parents_of(near)) & ~(1 << v)

    def _put(self, name: str, v: int, given: int, names: Mapping[int, str]) -> None:
        objects = tuple(self._model.object(self._graph.names[u]) for u in bits(given))
        conditional = Conditional(self._model.object(self._graph.names[v]), objects)
        self._mechanisms[name] = (conditional, tuple(names[u] for u in bits(given)))

    def _copy(self, v: int) -> str:
        name = self._graph.names[v] + "'"
        while name in self._copies or name in self._model.names:
            name += "'"
        self._copies[name] = self._graph.names[v]
        return name

    def finish(self, treated: int) -> Estimand:
        """The model; parents that nothing else fixes get their own marginal: the value does not depend on them."""
        inputs = set(self._graph.show(treated))
        for _, parents in list(self._mechanisms.values()):
            for p in parents:
                if p not in self._mechanisms and p not in inputs:
                    x = self._model.object(p)
                    self._mechanisms[p] = (Conditional(x, ()), ())
        names = [n for n in self._graph.names if n in self._mechanisms or n in inputs]
        # A copy is an object of its own with the same values, so the conditional is wired to it by position.
        objects = {n: self._model.object(n) for n in names}
        objects |= {c: Object(c, self._model.object(v).values) for c, v in self._copies.items()}
        boxes = {}
        conditionals = {}
        for name, (conditional, parents) in self._mechanisms.items():
            dom = tuple(objects[p] for p in parents)
            b = Box(conditional.name, dom, (objects[name],))
            boxes[name] = Mechanism.of_box(b)
            conditionals[b.name] = conditional
        model = CausalModel(tuple(objects.values()), boxes, frozenset(self._copies), "estimand")
        return Estimand(model, conditionals, dict(self._copies))

    def _too_coarse(self, district: int, needed: int) -> QueryError:
        feeding = self._graph.ancestors(needed, district) & ~needed
        culprit = self._graph.names[next(bits(feeding))]
        inside = ", ".join(self._graph.show(needed))
        return QueryError(
            Diagnostic(
                "E001",
                "this effect does not follow from the joint by comb factorisation",
                notes=(
                    f"`{culprit}` and {inside} share hidden causes and lie in one comb, "
                    f"and the wire of `{culprit}` feeds that comb: cutting it would cut inside the comb",
                ),
                help=("measure a hidden cause, or give the boxes numbers and use `query`",),
            )
        )


def _value_name(estimand: Estimand, variable: str, query: Query) -> str:
    """A name for a value of a variable: lower case where that is free, primed like its copy."""
    original = estimand.copies.get(variable, variable)
    taken = set(estimand.model.names) | {v for x in estimand.model.variables for v in x.values or ()}
    taken |= {t.axis for t in (*query.targets, *query.given) if t.axis}
    taken |= {s.axis for s in query.surgeries if isinstance(s, Open) and s.axis}
    base = original[:1].lower() + original[1:]
    while base in taken:
        base += "_"
    return base + variable[len(original) :]


def _joint_formula(estimand: Estimand, query: Query) -> Formula:
    """The formula of `P(targets, given | surgeries)`: conditionals multiplied, hidden wires summed innermost."""
    model = operate(estimand.model, *query.surgeries)
    terms = {t.variable: replace(t, span=None) for t in (*query.targets, *query.given)}
    order = [n for n in model.order if n in model.ancestors(terms)]
    for s in query.surgeries:
        if isinstance(s, Do):
            terms.setdefault(s.variable, Term(s.variable, (s.value,)))
        elif isinstance(s, Open):
            terms.setdefault(s.variable, Term(s.variable, axis=s.axis))
    hidden = [n for n in order if n not in terms]
    hidden.sort(key=lambda n: n in estimand.copies)
    for n in hidden:
        terms[n] = Term(estimand.copies.get(n, n), axis=_value_name(estimand, n, query))
    factors: list[tuple[frozenset[str], Formula]] = []
    for n in reversed(order):
        mechanism = model.mechanisms.get(n)
        if mechanism is not None and mechanism.diagram.nodes[0].box.kind != "point":
            factor = _factor(estimand, mechanism, n, terms, query)
            factors.append((frozenset({n, *mechanism.used_parents}), factor))
    return _nest(hidden, factors, terms)


def _factor(estimand: Estimand, mechanism: Mechanism, name: str, terms: Mapping[str, Term], query: Query) -> Formula:
    """What one mechanism contributes: a conditional of the joint, a uniform state, or the policy of a surgery."""
    made_by = mechanism.diagram.nodes[0].box
    values = made_by.cod[0].values
    if made_by.kind == "uniform" and values:
        return Number(Fraction(1, len(values)))
    given = tuple(terms[p] for p in mechanism.used_parents)
    surgeries = () if made_by.name in estimand.conditionals else query.surgeries
    return Ask(Query((terms[name],), given, surgeries))


def _nest(
    hidden: Sequence[str], factors: Sequence[tuple[frozenset[str], Formula]], terms: Mapping[str, Term]
) -> Formula:
    """Sum over the hidden wires, each as far in as it goes."""
    left = frozenset(hidden)
    outside = [f for wires, f in factors if not wires & left]
    inside = [(wires, f) for wires, f in factors if wires & left]
    if not inside:
        return _product(outside)
    bound: list[tuple[str, str]] = []
    rest = list(hidden)
    here: list[Formula] = []
    while rest and not here:
        v = rest.pop(0)
        bound.append((terms[v].axis_name, terms[v].variable))
        later = frozenset(rest)
        here = [f for wires, f in inside if not wires & later]
        inside = [(wires, f) for wires, f in inside if wires & later]
    body = _product([*here, _nest(rest, inside, terms)] if inside else here)
    return _product([*outside, Sum(tuple(bound), body)])


def _ratio(numerator: Formula, denominator: Formula) -> Formula:
    """The quotient, factors that stand in both products cancelled."""
    above, below = _factors(numerator), _factors(denominator)
    for f in list(below):
        if f in above:
            above.remove(f)
            below.remove(f)
    top = _product(above) if above else Number(Fraction(1))
    return Arithmetic("/", top, _product(below)) if below else top


def _factors(formula: Formula) -> list[Formula]:
    """The factors of a product, left to right."""
    if isinstance(formula, Arithmetic) and formula.op == "*":
        return [*_factors(formula.left), *_factors(formula.right)]
    return [formula]


def _product(factors: Sequence[Formula]) -> Formula:
    product = factors[-1]
    for f in reversed(factors[:-1]):
        product = Arithmetic("*", f, product)
    return product
