"""Laws on demand: what an interpretation has to obey, stated and run for one very model (`cutwire laws FILE`).

The functor laws are those of `semantics.laws`, on pieces of the model's diagram. The laws of surgery are equations of
diagrams. Naturality says that surgery on the diagram means what the semantics itself calls an intervention: for tables
the truncated factorisation (`semantics.truncated`). Each semantics of `cutwire.lawful` that applies is tried.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cutwire.interpreted import Interpreted
from cutwire.lawful import LAWFUL, LawfulSemantics, few_values, random_relations, random_tables
from cutwire.progress import tell
from semantics.category import Semantics
from semantics.field import Field
from semantics.laws import Instance, Law, Outcome, functor_laws, run_laws
from semantics.matrices import Matrices
from semantics.mixed import Gauss
from semantics.pieces import halves, volume, window
from semantics.possibility import Booleans
from strings.diagnostic import CutwireError
from strings.diagram import Builder, Diagram, compose
from strings.model import CausalModel
from strings.signature import Box, Object
from strings.surgery import (
    Cut,
    CutWire,
    Do,
    DoWire,
    Open,
    Surgery,
    functor_of,
    operate,
    plug_uniform,
    touched,
)

M = TypeVar("M")

IDEMPOTENT = Law("cut is idempotent", "a wire that is cut can be cut again", "cut(x) then cut(x) = cut(x)")
COMMUTING = Law("cuts commute", "of two cuts either may come first", "cut(x) then cut(y) = cut(y) then cut(x)")
OVERRIDING = Law("the last surgery counts", "to set a wire after a cut is to set it", "cut(x) then do(x) = do(x)")
PLUGGING = Law(
    "cut is open and plug", "to cut is to plug the uniform state into the open wire", "cut(x) = uniform ; open(x)"
)
BOXWISE = Law("surgery is box by box", "surgery on the model is a functor on its diagram", "operate(d) = S(d)")
FUNCTORIAL = Law("surgery is a functor", "surgery may be done piece by piece", "S(f ; g) = S(f) ; S(g)")
NATURAL = Law("naturality", "to operate and interpret is to interpret and intervene", "F(S(d)) = do(F(d))")
SEEING = Law("disintegration", "what is seen first times what is seen then is the joint", "P(x) P(y | x) = P(x, y)")

SYNTAX = "syntax"
"""The column of the laws that are equations of diagrams."""


# ---- instances -------------------------------------------------------------------------------------------------------

_MOST_VARIABLES = 8
_LARGE = 200  # variables; of a model with more only half as many are chosen
_MOST_BOXES = 40  # of a piece that surgery is done on
_MOST_WHOLE = 256  # cases of a joint that is compared whole
_MOST_OUTPUTS = 3


def surgery_laws(shape: CausalModel, seed: int = 0) -> Iterator[Instance]:
    """The laws of surgery as equations of diagrams, for some variables of a model."""
    rng = random.Random(f"{seed} syntax")
    names = _chosen([n for n in shape.names if n in shape.mechanisms], rng)
    fresh = all(n.box.kind == "box" for m in shape.mechanisms.values() for n in m.diagram.nodes)
    d = shape.diagram

    def same_after(one: tuple[Surgery, ...], other: tuple[Surgery, ...]) -> bool:
        return operate(shape, *one) == operate(shape, *other)

    def plugged(x: str) -> bool:
        return plug_uniform(operate(shape, Open(x)), x) == operate(shape, Cut(x)).diagram

    def boxwise(s: Surgery) -> bool:
        return operate(shape, s).diagram == functor_of(s, shape)(d)

    def piecewise(s: Surgery, f: Diagram, g: Diagram) -> bool:
        functor = functor_of(s, shape)
        return functor(compose(f, g)) == compose(functor(f), functor(g))

    for x in names:
        cut = Cut(x)
        made = next((k for k, n in enumerate(d.nodes) if shape.object(x) in n.box.cod), 0)
        near = d if len(d.nodes) <= _MOST_BOXES else window(d, max(made - _MOST_BOXES // 2, 0), made + _MOST_BOXES // 2)
        places = range(len(near.nodes) + 1)
        cuts = [halves(near, at) for at in rng.sample(places, min(len(places), 3))]
        yield Instance(IDEMPOTENT, f"x = {x}", same_after, ((cut, cut), (cut,)))
        yield Instance(PLUGGING, f"x = {x}", plugged, (x,))
        for value in (shape.object(x).values or ())[:2]:
            do = Do(x, value)
            yield Instance(OVERRIDING, str(do), same_after, ((cut, do), (do,)))
        for s in _surgeries_on(shape, x, rng) if fresh else ():
            if not isinstance(s, Open):
                yield Instance(BOXWISE, str(s), boxwise, (s,))
                for f, g in cuts:
                    yield Instance(FUNCTORIAL, f"S = {s}\nf = {f}\ng = {g}", piecewise, (s, f, g))
    for x, y in itertools.pairwise(names):
        one, other = Cut(x), Cut(y)
        yield Instance(COMMUTING, f"x = {x}, y = {y}", same_after, ((one, other), (other, one)))


def naturality(
    semantics: LawfulSemantics[Any], asked: Sequence[tuple[Surgery, ...]] = (), seed: int = 0
) -> Iterator[Instance]:
    """Surgery and then meaning is meaning and then intervention: for those asked, and for some on some variables."""
    shape, rng = semantics.shape, random.Random(f"{seed} naturality")

    def commutes(operated: CausalModel, s: tuple[Surgery, ...], outputs: tuple[str, ...]) -> bool | None:
        intervened = semantics.intervene(s, outputs)
        return None if intervened is None else semantics.equal(semantics.interpret(operated, outputs), intervened)

    chosen = [(s,) for x in _chosen(shape.names, rng) for s in _surgeries_on(shape, x, rng)]
    for surgeries in dict.fromkeys([*asked, *chosen]):
        outputs = _outputs(shape, surgeries, rng)
        try:
            operated = operate(shape, *surgeries)
            diagram = operated.state(outputs)
        except (CutwireError, ValueError):  # a surgery that does not fit this model, or has its value free
            continue
        said = f"S = {' then '.join(map(str, surgeries))}, d = the diagram of {', '.join(outputs)}"
        if not _known(semantics, diagram):
            continue

        yield Instance(NATURAL, said, commutes, (operated, surgeries, outputs))


def _known(semantics: LawfulSemantics[Any], diagram: Diagram) -> bool:
    """Whether there are tables for the boxes that surgery has put in."""
    target = semantics.target
    if not isinstance(target, Matrices | Gauss):
        return True
    known = {*target.tables, *(target.linear if isinstance(target, Gauss) else ())}
    return all(n.box.name in known for n in diagram.nodes if n.box.kind == "box")


def disintegration(semantics: LawfulSemantics[Any], seed: int = 0) -> Iterator[Instance]:
    """What is seen first times what is seen then is the joint, for some pairs of variables."""
    shape, rng = semantics.shape, random.Random(f"{seed} pairs")

    def holds(x: str, y: str) -> bool | None:
        sides = semantics.disintegrate(x, y)
        return None if sides is None else semantics.equal(*sides)

    names = [n for n in shape.observed if not shape.inputs]
    for x in _chosen(names, rng):
        others = [n for n in names if n != x]
        if not others:
            continue
        y = rng.choice(others)
        yield Instance(SEEING, f"x = {x}, y = {y}", holds, (x, y))


def _chosen(names: Sequence[str], rng: random.Random) -> list[str]:
    """All variables of a small model, some of a large one, in the order of the model."""
    most = _MOST_VARIABLES if len(names) <= _LARGE else _MOST_VARIABLES // 2
    if len(names) <= most:
        return list(names)
    kept = set(rng.sample(list(names), most))
    return [n for n in names if n in kept]


def _surgeries_on(shape: CausalModel, x: str, rng: random.Random) -> list[Surgery]:
    """Each kind of surgery on a variable, and on one of the wires into it; no state is uniform on endless numbers."""
    found: list[Surgery] = [Do(x, _some_value(shape, x, rng)), Open(x)]
    found += [] if shape.object(x).space else [Cut(x)]
    if parents := shape.parents(x):
        p = rng.choice(parents)
        found.append(DoWire(p, x, _some_value(shape, p, rng)))
        found += [] if shape.object(p).space else [CutWire(p, x)]
    return found


def _some_value(shape: CausalModel, name: str, rng: random.Random) -> str:
    return rng.choice(shape.object(name).values or ("1", "2", "3"))


def _outputs(shape: CausalModel, surgeries: Sequence[Surgery], rng: random.Random) -> tuple[str, ...]:
    """The variables whose joint is compared: all observed ones if they are few, else those near the surgery."""
    if volume(tuple(shape.object(n) for n in shape.observed)) <= _MOST_WHOLE:
        return shape.observed
    where = [touched(s)[-1] for s in surgeries]
    near = [n for x in where if shape.has(x) for n in (x, *shape.children[x])]
    others = rng.sample(list(shape.observed), min(len(shape.observed), _MOST_OUTPUTS))
    found: list[str] = []
    for n in dict.fromkeys([*near, *others]):
        wider = tuple(shape.object(m) for m in (*found, n))
        if n not in shape.latents and len(found) < _MOST_OUTPUTS and volume(wider) <= 16 * _MOST_WHOLE:
            found.append(n)
    return tuple(found) or shape.observed[:1]


# ---- running ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LawReport:
    """What came of it: for every semantics that was tried the outcome of each law, and why others were not."""

    name: str
    outcomes: Mapping[str, tuple[Outcome, ...]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0

    @property
    def holds(self) -> bool:
        """Whether every law holds in every instance."""
        return not self.failures

    @property
    def failures(self) -> tuple[tuple[str, Outcome], ...]:
        """What fails: the semantics, and the law with the first instance."""
        return tuple((n, o) for n, found in self.outcomes.items() for o in found if not o.holds)

    @property
    def laws(self) -> tuple[Law, ...]:
        """The laws that were tried, in order."""
        return tuple(dict.fromkeys(o.law for found in self.outcomes.values() for o in found))

    def outcome(self, semantics: str, law: Law) -> Outcome | None:
        """How a law went in a semantics."""
        return next((o for o in self.outcomes.get(semantics, ()) if o.law == law), None)

    def to_dict(self) -> dict[str, Any]:
        """It as plain data."""
        return {
            "name": self.name,
            "seed": self.seed,
            "holds": self.holds,
            "laws": [
                {
                    "law": o.law.name,
                    "words": o.law.words,
                    "equation": o.law.equation,
                    "semantics": name,
                    "instances": o.instances,
                    "holds": o.holds,
                    "failure": o.failure or None,
                }
                for name, found in self.outcomes.items()
                for o in found
            ],
            "left_out": dict(self.left_out),
        }

    @property
    def instances(self) -> int:
        """How many cases were compared."""
        return sum(o.instances for found in self.outcomes.values() for o in found)

    def table(self) -> list[str]:
        """A line for each law: in how many instances it was found to hold, in each semantics."""
        rows = [["law", "equation", *self.outcomes]]
        for law in self.laws:
            found = [self.outcome(name, law) for name in self.outcomes]
            marks = ["" if o is None else str(o.instances) if o.holds else "FAILS" for o in found]
            rows.append([law.name, law.equation, *marks])
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        return [
            "  ".join(
                c.ljust(w) if k < 2 else c.rjust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]

    def remarks(self) -> list[str]:
        """Why semantics were left out, and each law that fails with the first instance; or that all is well."""
        lines = [f"{n} is left out: {why}" for n, why in self.left_out.items()]
        for n, o in self.failures:
            lines += [
                f"FAILS in {n}: {o.law.equation} ({o.law.name})",
                *(f"  {line}" for line in o.failure.splitlines()),
            ]
        if self.holds:
            lines.append(f"every law holds in every instance: {self.instances:,} compared, seed {self.seed}")
        return lines

    def __repr__(self) -> str:
        return "\n".join([*self.table(), *self.remarks()])


def model_laws(model: Interpreted, seed: int = 0, surgeries: Iterable[tuple[Surgery, ...]] = ()) -> LawReport:
    """All laws, for a model and every semantics that applies to it.

    Naturality is tried for each kind of surgery on some variables, for those that the model's file names, and for
    further `surgeries`.

    Raises:
        LimitError: if time or memory does not suffice.
    """
    asked = list(dict.fromkeys([*model.definition.surgeries.values(), *surgeries]))
    put_in = [s for several in asked for s in several]
    waiting: dict[str, list[Instance]] = {SYNTAX: list(surgery_laws(model.shape, seed))}
    left_out: dict[str, str] = {}
    for name, maker in LAWFUL.items():
        semantics = maker(model, put_in, seed)
        if isinstance(semantics, str):
            left_out[name] = semantics
        else:
            waiting[name] = list(_laws_of(semantics, asked, seed))
    outcomes = _run(waiting)
    for name in [n for n, found in outcomes.items() if not found and n != SYNTAX]:
        del outcomes[name]
        left_out[name] = "there is nothing that it can compare"
    return LawReport(model.name, outcomes, left_out, seed)


def _laws_of(semantics: LawfulSemantics[Any], asked: Sequence[tuple[Surgery, ...]], seed: int) -> Iterator[Instance]:
    if semantics.target is not None:
        diagrams = [semantics.shape.diagram, semantics.shape.state(semantics.shape.names)]
        yield from functor_laws(semantics.target, diagrams, semantics.equal, seed, semantics.most_work)
    yield from naturality(semantics, asked, seed)
    yield from disintegration(semantics, seed)


def diagram_laws(name: str, diagrams: Iterable[Diagram], seed: int = 0) -> LawReport:
    """The functor laws for plain diagrams, over a finite field and in relations, with random tables for the boxes."""
    some = [_with_values(d) for d in diagrams]
    boxes = {n.box.name: n.box for d in some for n in d.nodes if n.box.kind == "box"}
    targets = {
        "GF(p)": Matrices(random_tables(boxes.values(), seed), Field()),
        "possible": Matrices(random_relations(boxes.values(), seed), Booleans()),
    }
    return LawReport(name, _run({n: list(functor_laws(t, some, seed=seed)) for n, t in targets.items()}), seed=seed)


def check_semantics(
    semantics: Semantics[M],
    diagrams: Iterable[Diagram],
    equal: Callable[[M, M], bool] | None = None,
    seed: int = 0,
    name: str = "",
) -> LawReport:
    """The functor laws for a semantics of your own, on pieces of some diagrams and random diagrams of their boxes.

    The semantics has to know the boxes. `equal` compares two meanings (`==` unless given). The report has `.holds` and
    `.failures`, each with the instance that fails.
    """
    called = name or type(semantics).__name__
    return LawReport(called, _run({called: list(functor_laws(semantics, diagrams, equal, seed))}), seed=seed)


def _run(waiting: Mapping[str, Sequence[Instance]]) -> dict[str, tuple[Outcome, ...]]:
    total, done, found = sum(map(len, waiting.values())), 0, {}
    for name, instances in waiting.items():

        def told(k: int, _: int, before: int = done) -> None:
            tell(before + k, total)

        found[name] = tuple(run_laws(instances, told))
        done += len(instances)
    return found


def _with_values(d: Diagram) -> Diagram:
    """The diagram with two or three values for every type that has none."""
    bare = dict.fromkeys(x for x in d.wires if x.values is None)
    new = {x: Object(x.name, few_values(sum(map(ord, x.name)))) for x in bare}

    def typed(ty: Iterable[Object]) -> tuple[Object, ...]:
        return tuple(new.get(x, x) for x in ty)

    builder = Builder(typed(d.dom))
    for node in d.nodes:
        b = node.box
        replaced = Box(b.name, typed(b.dom), typed(b.cod), b.deterministic, b.kind, b.value, b.origin)
        builder.apply(replaced, node.args)
    return builder.freeze(d.outs)
