"""Positivity: where data are too thin for the conditionals that an estimand needs.

A column of a conditional is a case of what it conditions on. Where no row of the data is such a case the conditional is
undetermined; where few are, it is known badly. Only columns that fit what the question fixes are looked at.

>>> from semantics.dataset import from_rows
>>> from strings.identification import identified
>>> from strings.model import CausalModel
>>> from strings.query import Query, Term
>>> from strings.surgery import Do
>>> model = CausalModel.from_edges([("X", "Y")], domains=2)
>>> values = {"X": ("0", "1"), "Y": ("0", "1")}
>>> data = from_rows("d", ("X", "Y"), values, [("0", "0"), ("1", "0"), ("1", "1")], [90, 2, 1])
>>> found = identified(model, Query((Term("Y", ("1",)),), (), (Do("X", "1"),)))
>>> print(*positivity([found], [data]))
P(Y | X): 1 of 1 column has fewer than 5 cases, at X = 1 (3 cases)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from semantics.bootstrap import counts_cases
from semantics.dataset import Dataset
from semantics.distribution import Array
from strings.counterfactual_identify import Way, experiments_of
from strings.estimand import Conditional, Estimand
from strings.identification import Identified
from strings.surgery import Do

FEW = 5
"""A column that rests on fewer cases is thin."""

Fixed = Mapping[str, frozenset[str]]
"""The values that a question leaves to some variables."""


@dataclass(frozen=True)
class Thin:
    """A conditional that rests on few cases: `few` of the `columns` that are needed on fewer than five, `empty` of them
    on none.

    `place` is where the fewest cases are, `cases` how many. Of data whose weights do not count cases only empty columns
    are told.
    """

    conditional: str
    columns: int
    few: int
    empty: int
    place: tuple[tuple[str, str], ...]
    cases: int

    def __str__(self) -> str:
        where = ", ".join(f"{n} = {v}" for n, v in self.place)
        of = f"{self.conditional}: {self.few} of {self.columns} column{'' if self.columns == 1 else 's'}"
        have, are = ("has", "is") if self.few == 1 else ("have", "are")
        more = ", such as" if self.few > 1 else ", at"
        if self.few == self.empty:
            return f"{of} {are} empty{more} {where}"
        fewest = ", fewest at" if self.few > 1 else ", at"
        empty = f"; {self.empty} of them empty" if self.empty else ""
        cases = f"{self.cases} case{'' if self.cases == 1 else 's'}"
        return f"{of} {have} fewer than {FEW} cases{fewest} {where} ({cases}){empty}"


def positivity(ways: Iterable[Way], data: Sequence[Dataset]) -> tuple[Thin, ...]:
    """The conditionals of some estimands that rest on few cases, those that rest on fewest first."""
    needs: dict[tuple[str, int], tuple[Conditional, Array]] = {}
    for found in (part for way in ways for part in experiments_of(way)):
        for c, mask in _needs(found.estimand, _fixed(found)):
            assert isinstance(c.of, int)
            known = needs.get((c.name, c.of))
            needs[c.name, c.of] = c, mask if known is None else mask | known[1]
    told = [t for c, mask in needs.values() if (t := _thin(c, mask, data)) is not None]
    return tuple(sorted(told, key=lambda t: (t.cases, t.conditional)))


def _fixed(found: Identified) -> dict[str, frozenset[str]]:
    """What the question sets, and the events that it asks for or sees; a later surgery has the last word."""
    fixed: dict[str, frozenset[str]] = {}
    for s in found.query.surgeries:
        if isinstance(s, Do):
            fixed[s.variable] = frozenset([s.value])
        else:
            fixed.pop(getattr(s, "variable", ""), None)
    for t in (*found.query.targets, *found.query.given):
        if t.values is not None and not found.query.expectation:
            fixed[t.variable] = fixed.get(t.variable, frozenset(t.values)) & frozenset(t.values)
    return fixed


def _needs(estimand: Estimand, fixed: Fixed) -> Iterator[tuple[Conditional, Array]]:
    """All conditionals of given distributions, each with a mask of the columns that are needed; those in derived
    distributions too."""
    for mechanism in estimand.model.mechanisms.values():
        for box in (n.box for n in mechanism.diagram.nodes):
            c = estimand.conditionals.get(box.name)
            if c is None:
                continue
            heard = [
                fixed.get(p, frozenset(x.values or ()))
                for p, x in zip(mechanism.parents, (*c.fed, *c.given), strict=True)
            ]
            if isinstance(c.of, Estimand):
                names = [x.name for x in (*c.fed, *c.given)]
                yield from _needs(c.of, dict(zip(names, heard, strict=True)))
                continue
            mask: Array = np.ones((), dtype=bool)
            for x, values in zip((*c.fed, *c.given), heard, strict=True):
                mask = mask[..., None] & np.array([v in values for v in x.values or ()])
            yield c, mask


def _thin(c: Conditional, mask: Array, data: Sequence[Dataset]) -> Thin | None:
    assert isinstance(c.of, int)
    objects = (*c.fed, *c.given)
    if not objects or not mask.any():
        return None
    aligned = data[c.of].aligned({x.name: x.values or () for x in objects})
    counts = np.asarray(aligned.counts([x.name for x in objects]))
    few = mask & ((counts < FEW) if counts_cases(aligned) else (counts == 0)).astype(bool)
    if not few.any():
        return None
    at = min(map(tuple, np.argwhere(few)), key=lambda k: (counts[k], k))
    place = tuple((x.name, (x.values or ())[i]) for x, i in zip(objects, at, strict=True))
    empty = few & (counts == 0).astype(bool)
    return Thin(c.name, int(mask.sum()), int(few.sum()), int(empty.sum()), place, int(counts[at]))
