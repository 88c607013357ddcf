"""The criteria that have names: front door, instruments, the children's test of Tian and Pearl, the comb with one hole.

`strings.identify` decides every effect; a criterion that people know says *why* in words, and comes with an estimator.
All of them are tested and found here in polynomial time, on masks of the graph of the observed variables; adjustment
has a module of its own, `strings.adjustment`. `criteria` collects the ones that apply.

>>> g = Graph(("S", "T", "C"), (0b000, 0b001, 0b010), (0b100, 0b000, 0b001))
>>> for c in criteria(g, g.mask("C"), g.mask("S")):
...     print(c)
front door: mediators {T} (Pearl 1995)
Tian–Pearl: children {T}, district {S, C} (Tian, Pearl 2002)
comb with one hole: before {}, inside {T}, after {C} (Jacobs, Kissinger, Zanasi 2019)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from strings.adjustment import (
    forbidden,
    minimal_adjustment,
    minimal_backdoor,
    optimal_adjustment,
    without_causal_paths,
)
from strings.graph import Graph, bits
from strings.separation import minimal_separator, separated


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion that applies to an effect: its name, the sets that it speaks of, and where it is from.

    `identifies` tells whether the effect follows from it alone; if not, `note` says what else it takes.
    """

    name: str
    sets: tuple[tuple[str, tuple[str, ...]], ...]
    citation: str
    identifies: bool = True
    note: str = ""

    def __str__(self) -> str:
        sets = ", ".join(f"{role} {{{', '.join(names)}}}" for role, names in self.sets)
        note = f"; {self.note}" if self.note else ""
        return f"{self.name}: {sets} ({self.citation}){note}"


def criteria(graph: Graph, outcomes: int, treated: int) -> tuple[Criterion, ...]:
    """The criteria that apply to `P(outcomes | do(treated))`, each with one choice of its sets, in a fixed order.

    The last three are about one treatment, instruments also about one outcome. Where the effect is not identifiable
    none that `identifies` is found; the converse does not hold.

    Raises:
        ValueError: if there is no outcome, no treatment, or a variable that is both.

    >>> wage = Graph(("Z", "X", "Y"), (0b000, 0b001, 0b010), (0b000, 0b100, 0b010))
    >>> print(*criteria(wage, wage.mask("Y"), wage.mask("X")))
    instrument: instruments {Z}, given {} (Henckel, Buttenschoen, Maathuis 2024); \
identifies the effect only if it is linear, or by another assumption; otherwise it gives bounds
    """
    if not outcomes or not treated or outcomes & treated:
        raise ValueError("an effect has outcomes and treatments, and none is both")
    return tuple(_found(graph, outcomes, treated))


def _found(graph: Graph, outcomes: int, treated: int) -> Iterator[Criterion]:
    def one(name: str, citation: str, note: str = "", **sets: int) -> Criterion:
        return Criterion(name, tuple((r, graph.show(m)) for r, m in sets.items()), citation, not note, note)

    if not graph.descendants(treated) & outcomes:
        yield one("no causal path", "Pearl 1995", treatments=treated, outcomes=outcomes)
    z = minimal_backdoor(graph, outcomes, treated)
    if z is not None:
        yield one("back door", "Pearl 1995", covariates=z)
    z = minimal_adjustment(graph, outcomes, treated)
    if z is not None:
        yield one("adjustment", "Shpitser, VanderWeele, Robins 2010", covariates=z)
    z = optimal_adjustment(graph, outcomes, treated)
    if z is not None:
        yield one("optimal adjustment", "Henckel, Perković, Maathuis 2022", covariates=z)
    m = front_door(graph, outcomes, treated)
    if m:
        yield one("front door", "Pearl 1995", mediators=m)
    if treated & (treated - 1):
        return
    near = graph.ancestors(outcomes | treated)
    if tian_pearl(graph, treated, near):
        x = treated.bit_length() - 1
        children = graph.children[x] & near
        yield one("Tian–Pearl", "Tian, Pearl 2002", children=children, district=graph.district(x, near))
    parts = one_hole(graph, treated, near)
    if parts:
        before, inside, after = parts
        yield one("comb with one hole", "Jacobs, Kissinger, Zanasi 2019", before=before, inside=inside, after=after)
    found = None if outcomes & (outcomes - 1) else instrument(graph, outcomes, treated)
    if found:
        yield one("instrument", "Henckel, Buttenschoen, Maathuis 2024", _LINEAR, instruments=found[0], given=found[1])


_LINEAR = "identifies the effect only if it is linear, or by another assumption; otherwise it gives bounds"


# Front door


def is_front_door(graph: Graph, outcomes: int, treated: int, mediators: int) -> bool:
    """Whether `mediators` satisfy the front-door criterion (Pearl 1995; for sets: Jeong, Tian, Bareinboim 2022).

    1. They meet every directed path from the treatments to the outcomes.
    2. No back-door path from the treatments to them is open.
    3. The treatments block every back-door path from them to the outcomes.

    Back-door paths are proper: they start with an edge into their first vertex, which is the only one of its kind on
    the path. Then `P(y | do(x))` is the sum over `m` of `P(m | x)` times the sum over `x'` of `P(y | x', m) P(x')`.
    """
    if outcomes & treated or mediators & (outcomes | treated):
        return False
    return (
        not graph.descendants(treated, graph.all & ~mediators) & outcomes
        and separated(graph.without(out_of=treated), treated, mediators)
        and separated(graph.without(out_of=mediators), mediators, outcomes, treated)
    )


def front_door(graph: Graph, outcomes: int, treated: int, allowed: int | None = None) -> int | None:
    """A front-door set within `allowed` of which no part is another one, as early as possible; or nothing.

    Found if there is one, in polynomial time (Jeong, Tian, Bareinboim 2022, FINDFDSET; Wienöbst, van der Zander,
    Liśkiewicz 2024). Without a directed path from the treatments to the outcomes it is empty.

    >>> g = Graph(("X", "M", "Y"), (0b000, 0b001, 0b010), (0b100, 0b000, 0b001))
    >>> g.show(front_door(g, g.mask("Y"), g.mask("X")) or 0)
    ('M',)
    """
    if outcomes & treated:
        return None
    found = _widest_front_door(graph, outcomes, treated, graph.all if allowed is None else allowed)
    if found is None:
        return None
    found &= graph.ancestors(outcomes)  # others are never needed: a way back from one would go through a treatment
    for v in reversed(graph.order):
        if found >> v & 1:
            smaller = _widest_front_door(graph, outcomes, treated, found & ~(1 << v))
            found = found if smaller is None else smaller
    return found


def _widest_front_door(graph: Graph, outcomes: int, treated: int, allowed: int) -> int | None:
    """The union of all front-door sets within `allowed`, which is one itself; nothing if there is none.

    A union of sets that satisfy the second and third condition satisfies them too: what is open once the edges out of
    more vertices are gone was open before. So one starts from all vertices, and leaves out those that break the third
    condition until none does.
    """
    found = allowed & ~outcomes & ~treated & ~reached(graph.without(out_of=treated), treated)
    while True:
        open_to_outcomes = reached(graph.without(out_of=found), outcomes, treated) & found
        if not open_to_outcomes:
            break
        found &= ~open_to_outcomes
    return None if graph.descendants(treated, graph.all & ~found) & outcomes else found


def reached(graph: Graph, start: int, given: int = 0) -> int:
    """All vertices that some member of `start` is m-connected to, given `given`; members of `start` included.

    Each by itself, unlike `strings.separation.connected`: a search over walks that remembers by what kind of edge it
    came, and turns back where it meets what is given (Shachter 1998, Bayes ball).

    >>> collider = Graph(("A", "C", "B"), (0b000, 0b101, 0b000), (0, 0, 0))
    >>> collider.show(reached(collider, 0b001)), collider.show(reached(collider, 0b001, 0b010))
    (('A', 'C'), ('A', 'B'))
    """
    tails, heads = start & ~given, 0  # newly reached along an edge that is a tail, or an arrowhead, there
    seen_tails = seen_heads = 0
    while tails | heads:
        seen_tails |= tails
        seen_heads |= heads
        up = (tails & ~given) | (heads & given)
        down = (tails | heads) & ~given
        arrived = 0
        for v in bits(up):
            arrived |= graph.spouses[v]
        for v in bits(down):
            arrived |= graph.children[v]
        tails = graph.parents_of(up) & ~seen_tails
        heads = arrived & ~seen_heads
    return (seen_tails | seen_heads) & ~given


# Instruments


def is_instrument(graph: Graph, outcome: int, treated: int, instruments: int, given: int = 0) -> bool:
    """Whether `instruments`, given `given`, are instruments for the total effect of one treatment on one outcome.

    No member of either set descends from a causal path. Given the conditions, the instruments are connected to the
    treatment, and once the first edges of the causal paths are gone they are separated from the outcome (Henckel,
    Buttenschoen, Maathuis 2024; for a single edge: Brito, Pearl 2002). An instrument alone does not identify the
    effect: it does in linear models, where two-stage least squares is consistent exactly if this holds, or under other
    assumptions, such as monotonicity for a part of the population. Otherwise it gives bounds.

    Raises:
        ValueError: if there is more than one treatment or outcome.
    """
    _one_vertex(outcome)
    _one_vertex(treated)
    if not instruments or outcome == treated or instruments & given:
        return False
    if (instruments | given) & forbidden(graph, outcome, treated):
        return False
    cut = without_causal_paths(graph, outcome, treated)
    return separated(cut, instruments, outcome, given) and not separated(graph, instruments, treated, given)


def instrument(graph: Graph, outcome: int, treated: int, allowed: int | None = None) -> tuple[int, int] | None:
    """An instrument and the conditions that make it one, both within `allowed`; nothing if there is none.

    Which conditions make a given variable an instrument is NP-hard to say. But if any variable has such conditions,
    some variable has them among the ancestors of itself and the outcome, and then those do that separate the two as
    near to the outcome as possible: that takes polynomial time (van der Zander, Textor, Liśkiewicz 2015). Of the
    variables that have such conditions the first with the fewest is taken.

    Raises:
        ValueError: if there is more than one treatment or outcome.

    >>> g = Graph(("W", "Z", "X", "Y"), (0b0000, 0b0001, 0b0010, 0b0101), (0b0000, 0b0000, 0b1000, 0b0100))
    >>> [g.show(m) for m in instrument(g, g.mask("Y"), g.mask("X")) or ()]
    [('Z',), ('W',)]
    """
    _one_vertex(outcome)
    _one_vertex(treated)
    if outcome == treated:
        return None
    usable = (graph.all if allowed is None else allowed) & ~forbidden(graph, outcome, treated)
    cut = without_causal_paths(graph, outcome, treated)
    best: tuple[int, int] | None = None
    for v in bits(usable):
        given = minimal_separator(cut, outcome, 1 << v, allowed=usable)
        if given is None or separated(graph, 1 << v, treated, given):
            continue
        if best is None or given.bit_count() < best[1].bit_count():
            best = 1 << v, given
            if not given:
                break
    return best


# One treatment and everything else


def tian_pearl(graph: Graph, treated: int, within: int | None = None) -> bool:
    """Whether no bidirected path links one treatment to any of its children, in the induced subgraph `within`.

    Its effect on all other variables is identifiable exactly if so (Tian, Pearl 2002, theorem 3). With `within` the
    ancestors of some outcomes, this is enough for the effect on those (theorem 4).

    Raises:
        ValueError: if there is more than one treatment.

    >>> bow = Graph(("X", "Y"), (0b00, 0b01), (0b10, 0b01))
    >>> tian_pearl(bow, bow.mask("X")), tian_pearl(bow, bow.mask("Y"))
    (False, True)
    """
    x = _one_vertex(treated)
    return not graph.district(x, within) & graph.children[x]


def one_hole(graph: Graph, treated: int, within: int | None = None) -> tuple[int, int, int] | None:
    """The variables before, inside and after the one hole of a comb around a treatment; nothing if there is none.

    The joint is then a comb with one tooth: a first part emits `before`, the treatment and a hidden wire; the tooth
    makes `inside` of the two; the last part makes `after` of `before`, `inside` and the hidden wire, and does not hear
    the treatment (Jacobs, Kissinger, Zanasi 2019, section 8). So what is `inside` hears the treatment, `before` and
    itself only and shares no hidden cause with others, and `P(after | before, do(x))` is the sum over `inside` of
    `P(inside | before, x)` times the sum over `x'` of `P(x' | before) P(after | before, x', inside)`.

    `within` is a set with all its ancestors, to which the model is cut down first. The one returned has the smallest
    part inside. `inside` is grown from the children of the treatment by what has to be with them, and `before` is all
    that neither the treatment nor `inside` can change: so if these parts do not fit, none do. If several holes are
    needed (one comb for each district), `strings.identify` finds them.

    Raises:
        ValueError: if there is more than one treatment.

    >>> several = Graph(("X", "B", "C", "D"), (0b0000, 0b0001, 0b0010, 0b0100), (0b0100, 0b1000, 0b0001, 0b0010))
    >>> one_hole(several, several.mask("X")) is None, tian_pearl(several, several.mask("X"))
    (True, True)
    """
    x = _one_vertex(treated)
    home = graph.all if within is None else within
    inside, grown = 0, graph.children[x] & home
    while grown & ~inside:
        inside = grown
        before = home & ~graph.descendants(treated | inside, home)
        for v in bits(inside):
            grown |= graph.district(v, home)
        grown |= graph.parents_of(inside) & home & ~before & ~treated
    before = home & ~graph.descendants(treated | inside, home)
    if inside & treated or graph.parents[x] & home & ~before:
        return None
    return before, inside, home & ~before & ~inside & ~treated


def _one_vertex(mask: int) -> int:
    if mask.bit_count() != 1:
        raise ValueError("this criterion is about one treatment and one outcome")
    return mask.bit_length() - 1
