"""Combs: diagrams with holes, and the factorisation of a causal model into one comb per district.

A 2-comb `f : B -> A * C` is a diagram in which discarding `C` makes the input `B` irrelevant: first `A` comes out, then
`B` goes in, then `C` comes out (Jacobs, Kissinger, Zanasi 2019, section 7). An n-comb interleaves further. Filling the
holes of a comb gives a diagram again.

A causal model is the composite of its district combs: for every district (c-component) the mechanisms of its variables
with the latents they share; wires to and from other districts go through the holes (Tian, Pearl 2002).

>>> from strings.model import CausalModel
>>> model = CausalModel.from_edges([("S", "T"), ("T", "C")], bidirected=[("S", "C")], domains=2)
>>> comb, tooth = factorise(model)
>>> comb.outputs, comb.inputs, comb.comb.stages
(('S', 'C'), ('T',), ((0, 1), (1, 1)))
>>> assemble([comb, tooth], model.observed) == model.diagram
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from strings.diagnostic import CompositionError, Diagnostic
from strings.diagram import Builder, Diagram, mismatch_diagnostic
from strings.graph import bits
from strings.model import CausalModel
from strings.signature import Ty
from strings.surgery import Open, operate


@dataclass(frozen=True)
class Comb:
    """A diagram whose inputs and outputs come in `stages`, pairs (number of inputs, number of outputs), in order.

    The outputs of a stage may depend on the inputs of that stage and of earlier ones only.

    Raises:
        CompositionError: C001 if an early output depends on a late input, or the stages do not add up.
    """

    diagram: Diagram
    stages: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if (sum(i for i, _ in self.stages), sum(o for _, o in self.stages)) != (
            len(self.diagram.dom),
            len(self.diagram.cod),
        ):
            raise CompositionError(Diagnostic("C001", "the stages of this comb do not add up to its wires"))
        reach = _reached_inputs(self.diagram)
        for k, (ins, outs) in enumerate(zip(self._input_ends, self._output_blocks, strict=True)):
            late = max((reach[self.diagram.outs[o]] for o in outs), default=-1)
            if late >= ins:
                raise CompositionError(
                    Diagnostic(
                        "C001",
                        f"not a comb: stage {k + 1} depends on an input that comes later",
                        notes=(f"input {late + 1}, `{self.diagram.dom[late]}`, is read too early",),
                    )
                )

    @property
    def _input_ends(self) -> list[int]:
        return list(accumulate(i for i, _ in self.stages))

    @property
    def _output_blocks(self) -> list[range]:
        ends = list(accumulate(o for _, o in self.stages))
        return [range(e - o, e) for e, (_, o) in zip(ends, self.stages, strict=True)]

    @property
    def holes(self) -> tuple[tuple[Ty, Ty], ...]:
        """The type of each hole: all that came before it (outputs and earlier fillings), and what it must give."""
        types = []
        before: Ty = ()
        for k, (end, block) in enumerate(zip(self._input_ends, self._output_blocks, strict=True)):
            taken = self.diagram.dom[end - self.stages[k][0] : end]
            if k:
                types.append((before, taken))
                before += taken
            before += tuple(self.diagram.cod[o] for o in block)
        return tuple(types)

    def fill(self, *fillings: Diagram) -> Diagram:
        """Plug a diagram into every hole.

        Hole `k` is filled by a diagram from everything that came out before it to the inputs of the next stage. The
        result goes from the first stage's inputs to all wires in order: the first stage's outputs, what the first
        filling gave, the second stage's outputs, …

        Raises:
            CompositionError: D001 if a filling does not have the type of its hole.
        """
        holes = self.holes
        if len(fillings) != len(holes):
            raise CompositionError(Diagnostic("D001", f"this comb has {len(holes)} hole(s), {len(fillings)} filled"))
        builder = Builder(self.diagram.dom[: self.stages[0][0]])
        given = list(range(self.stages[0][0]))
        paster = _LazyPaste(builder, self.diagram, given)
        made = [paster.wire(self.diagram.outs[o]) for o in self._output_blocks[0]]
        for filling, (dom, cod), block in zip(fillings, holes, self._output_blocks[1:], strict=True):
            for got, wanted in ((filling.dom, dom), (filling.cod, cod)):
                if got != wanted:
                    raise CompositionError(mismatch_diagnostic(got, wanted))
            fresh = builder.paste(filling, made)
            given.extend(fresh)
            made.extend(fresh)
            made.extend(paster.wire(self.diagram.outs[o]) for o in block)
        return builder.freeze(made)


class _LazyPaste:
    """Pastes a diagram on demand, so that inputs may arrive after some outputs have been read."""

    def __init__(self, builder: Builder, diagram: Diagram, given: list[int]) -> None:
        self._builder, self._diagram, self._given = builder, diagram, given
        self._env: dict[int, int] = {}
        self._producer = {
            first + p: i
            for i, (first, node) in enumerate(zip(diagram.first_wires, diagram.nodes, strict=True))
            for p in range(len(node.box.cod))
        }

    def known(self, wire: int) -> int | None:
        """The wire of the new diagram for a wire of the pasted one, if it has been made yet."""
        return self._given[wire] if wire < len(self._given) else self._env.get(wire)

    def wire(self, wanted: int) -> int:
        stack = [wanted]
        while stack:
            if self.known(stack[-1]) is not None:
                stack.pop()
                continue
            i = self._producer[stack[-1]]
            node = self._diagram.nodes[i]
            args = [self.known(a) for a in node.args]
            missing = [a for a, w in zip(node.args, args, strict=True) if w is None]
            if missing:
                stack.extend(reversed(missing))
                continue
            made = self._builder.apply(node.box, [w for w in args if w is not None])
            self._env.update(zip(range(self._diagram.first_wires[i], len(self._diagram.wires)), made, strict=False))
        found = self.known(wanted)
        assert found is not None
        return found


def _reached_inputs(diagram: Diagram) -> list[int]:
    """For every wire the last input it depends on (-1: none)."""
    reach = list(range(len(diagram.dom)))
    for node in diagram.nodes:
        last = max((reach[a] for a in node.args), default=-1)
        reach.extend([last] * len(node.box.cod))
    return reach


@dataclass(frozen=True)
class DistrictComb:
    """A comb whose wires are variables: `inputs` and `outputs` name them, stage by stage."""

    comb: Comb
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def holes(self) -> int:
        return max(0, len(self.comb.stages) - 1)


def district_comb(model: CausalModel, district: Sequence[str]) -> DistrictComb:
    """The mechanisms of `district` with the latents behind them, other observed variables coming in from outside.

    The stages follow the model's topological order: what must be known before, then what comes out, and so on.
    """
    inside = set(district)
    opened = operate(model, *(Open(n) for n in model.observed if n not in inside))
    outputs = tuple(n for n in model.order if n in inside)
    needed = opened.ancestors(outputs)
    inputs = tuple(n for n in model.order if n in needed and n not in inside and n not in model.latents)
    ports = set(inputs)
    stages: list[list[int]] = [[0, 0]]
    for n in model.order:
        if n in ports:
            if stages[-1][1]:
                stages.append([0, 0])
            stages[-1][0] += 1
        elif n in inside:
            stages[-1][1] += 1
    return DistrictComb(Comb(opened.state(outputs, inputs), tuple((i, o) for i, o in stages)), inputs, outputs)


def factorise(model: CausalModel) -> tuple[DistrictComb, ...]:
    """The comb factorisation of a model: one comb per district, in declared order (Tian, Pearl 2002).

    Plugging the combs into each other gives the model back: `assemble(factorise(m), m.observed) == m.diagram`.
    """
    graph = model.graph
    return tuple(district_comb(model, graph.show(d)) for d in graph.districts(graph.all))


def cut_comb(model: CausalModel, variable: str) -> tuple[DistrictComb, ...] | None:
    """The factorisation after cutting `variable`, made from the combs of the uncut model: factor, cut, refill.

    The comb around the variable no longer lets its wire out; the variable itself is left open, for a state to be put
    there. Data alone can do this exactly when the wire feeds nothing inside its own comb, i.e. no bidirected path links
    the variable to a child (Tian, Pearl 2002, theorem 3); otherwise the answer is `None`.
    """
    graph = model.graph
    x = graph.names.index(variable)
    home = graph.district(x)
    if any(graph.parents[v] >> x & 1 for v in bits(home)):
        return None
    rest = [c for c in factorise(model) if variable not in c.outputs]
    outputs = [n for n in graph.show(home) if n != variable]
    return (district_comb(model, outputs), *rest) if outputs else tuple(rest)


def assemble(combs: Sequence[DistrictComb], outputs: Sequence[str], inputs: Ty = ()) -> Diagram:
    """Plug combs into each other along equally named variables; `inputs` types the wires left open, by name.

    Raises:
        CompositionError: C002 if a variable is made by no comb, or the combs wait for each other in a circle.
    """
    builder = Builder(inputs)
    env = {x.name: i for i, x in enumerate(inputs)}
    given: list[list[int]] = [[] for _ in combs]
    pasters = [_LazyPaste(builder, c.comb.diagram, g) for c, g in zip(combs, given, strict=True)]
    stage_at = [0] * len(combs)
    progress = True
    while progress:
        progress = False
        for k, c in enumerate(combs):
            while stage_at[k] < len(c.comb.stages):
                ins, outs = c.comb.stages[stage_at[k]]
                names = c.inputs[len(given[k]) : len(given[k]) + ins]
                if not all(n in env for n in names):
                    break
                given[k].extend(env[n] for n in names)
                start = sum(o for _, o in c.comb.stages[: stage_at[k]])
                for o in range(start, start + outs):
                    env[c.outputs[o]] = pasters[k].wire(c.comb.diagram.outs[o])
                stage_at[k] += 1
                progress = True
    missing = [n for n in outputs if n not in env]
    if missing:
        raise CompositionError(Diagnostic("C002", f"these combs do not make `{missing[0]}`"))
    return builder.freeze(env[n] for n in outputs)
