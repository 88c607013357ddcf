"""Pieces of diagrams to try laws on: a diagram cut in two, a window of it, random diagrams of its boxes."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

from semantics.category import last_uses
from strings.diagram import Builder, Diagram
from strings.signature import Box, Object, Ty


def halves(d: Diagram, at: int) -> tuple[Diagram, Diagram]:
    """The diagram cut before its node number `at`: `f` and `g` with `f ; g` equal to it.

    >>> from strings.diagram import box, copy
    >>> A = Object("A")
    >>> d = box(Box("a", (), (A,))) >> copy((A,)) >> (box(Box("f", (A,), (A,))) @ box(Box("g", (A,), (A,))))
    >>> all(f >> g == d for f, g in (halves(d, k) for k in range(4)))
    True
    """
    first = d.first_wires[at] if at < len(d.nodes) else len(d.wires)
    used = {w for node in d.nodes[at:] for w in node.args} | set(d.outs)
    between = [w for w in range(first) if w in used]
    before = Builder(d.dom)
    for node in d.nodes[:at]:
        before.apply(node.box, node.args)
    after = Builder(tuple(d.wires[w] for w in between))
    place = {w: k for k, w in enumerate(between)}
    for k, node in enumerate(d.nodes[at:], start=at):
        made = after.apply(node.box, [place[w] for w in node.args])
        place.update(zip(range(d.first_wires[k], d.first_wires[k] + len(made)), made, strict=True))
    return before.freeze(between), after.freeze(place[w] for w in d.outs)


def window(d: Diagram, start: int, stop: int) -> Diagram:
    """The nodes number `start` to `stop` by themselves: from the wires that they hear to all that they make."""
    nodes = list(enumerate(d.nodes))[start:stop]
    own = {w for k, node in nodes for w in range(d.first_wires[k], d.first_wires[k] + len(node.box.cod))}
    heard = list(dict.fromkeys(w for _, node in nodes for w in node.args if w not in own))
    builder = Builder(tuple(d.wires[w] for w in heard))
    place = {w: k for k, w in enumerate(heard)}
    for k, node in nodes:
        made = builder.apply(node.box, [place[w] for w in node.args])
        place.update(zip(range(d.first_wires[k], d.first_wires[k] + len(made)), made, strict=True))
    return builder.freeze(place[w] for w in sorted(own))


def random_diagram(boxes: Sequence[Box], objects: Sequence[Object], rng: random.Random, most: int = 4) -> Diagram:
    """A diagram of some boxes, wired at random: wires are copied, crossed and discarded."""
    dom = tuple(rng.choice(objects) for _ in range(rng.randint(0, 2))) if objects else ()
    builder = Builder(dom)
    wires: list[tuple[int, Object]] = list(enumerate(dom))
    for _ in range(rng.randint(0, most)):
        fitting = [b for b in boxes if {*b.dom} <= {x for _, x in wires}]
        if not fitting:
            break
        b = rng.choice(fitting)
        args = [rng.choice([w for w, y in wires if y == x]) for x in b.dom]
        wires.extend(zip(builder.apply(b, args), b.cod, strict=True))
    return builder.freeze(rng.choice(wires)[0] for _ in range(rng.randint(0, 3) if wires else 0))


def box_list(diagrams: Iterable[Diagram]) -> list[Box]:
    """The boxes of some diagrams, sharp states too, each once."""
    return list(dict.fromkeys(n.box for d in diagrams for n in d.nodes if n.box.kind != "uniform"))


def fold_work(d: Diagram) -> int:
    """How many multiplications the widest step of folding a diagram takes; a wire without values counts as two."""
    types, last = d.wires, last_uses(d)
    dom = volume(d.dom)
    live = list(range(len(d.dom)))
    most = _step(dom, volume(d.dom), volume(d.cod))
    for step, (first, node) in enumerate(zip(d.first_wires, d.nodes, strict=True)):
        kept = [w for w in live if last[w] > step]
        heard = volume([types[w] for w in (*kept, *node.args)])
        made = volume([types[w] for w in kept]) * volume(node.box.cod)
        before = volume([types[w] for w in live])
        most = max(most, _step(dom, before, heard), _step(dom, heard, made))
        live = [*kept, *range(first, first + len(node.box.cod))]
    return max(most, _step(dom, volume([types[w] for w in live]), volume(d.cod)))


def _step(dom: int, before: int, after: int) -> int:
    """A product of matrices, the second of which is made beforehand, by steps of about its size squared."""
    return max(dom * before * after, before * after * min(before, after))


def volume(ty: Iterable[Object] | Ty) -> int:
    """How many combinations of values some wires have; a wire without values counts as two."""
    return math.prod(len(x.values or ("", "")) for x in ty)
