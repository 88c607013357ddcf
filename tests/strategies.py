"""Random diagrams and causal models for the property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from strings.diagram import Builder, Diagram
from strings.model import CausalModel
from strings.signature import Box, Object

A, B, C = Object("A", ("0", "1")), Object("B", ("0", "1", "2")), Object("C", ("no", "yes"))
OBJECTS = (A, B, C)


@st.composite
def types(draw: st.DrawFn, max_size: int = 3) -> tuple[Object, ...]:
    return tuple(draw(st.lists(st.sampled_from(OBJECTS), max_size=max_size)))


@st.composite
def diagrams(
    draw: st.DrawFn,
    dom: tuple[Object, ...] | None = None,
    cod: tuple[Object, ...] | None = None,
    max_boxes: int = 5,
) -> Diagram:
    """A random diagram; boxes of equal name have equal type, some are deterministic."""
    dom = draw(types()) if dom is None else dom
    builder = Builder(dom)
    wires: list[tuple[int, Object]] = list(enumerate(dom))
    for _ in range(draw(st.integers(0, max_boxes))):
        args = draw(st.lists(st.sampled_from(wires), max_size=2)) if wires else []
        outs = draw(st.lists(st.sampled_from(OBJECTS), min_size=1, max_size=2))
        _place(builder, wires, [w for w, _ in args], tuple(x for _, x in args), tuple(outs), draw(st.booleans()))
    if cod is None:
        outs_ = draw(st.lists(st.sampled_from(wires), max_size=3)) if wires else []
        return builder.freeze(w for w, _ in outs_)
    chosen = []
    for x in cod:
        fitting = [w for w, y in wires if y == x]
        if not fitting or draw(st.booleans()):
            fitting.append(_place(builder, wires, [], (), (x,), draw(st.booleans()))[0])
        chosen.append(draw(st.sampled_from(fitting)))
    return builder.freeze(chosen)


def _place(
    builder: Builder,
    wires: list[tuple[int, Object]],
    args: list[int],
    dom: tuple[Object, ...],
    cod: tuple[Object, ...],
    deterministic: bool,
) -> tuple[int, ...]:
    name = ("d" if deterministic else "f") + "".join(x.name for x in dom) + "_" + "".join(x.name for x in cod)
    made = builder.apply(Box(name, dom, cod, deterministic), args)
    wires.extend(zip(made, cod, strict=True))
    return made


@st.composite
def models(
    draw: st.DrawFn, min_size: int = 2, max_size: int = 6, max_latents: int = 2, max_values: int = 3
) -> CausalModel:
    """A random causal model with hidden common causes; variables V0, V1, … in a random declared order."""
    n = draw(st.integers(min_size, max_size))
    names = [f"V{i}" for i in range(n)]
    directed = [(names[i], names[j]) for j in range(n) for i in range(j) if draw(st.integers(0, 2)) == 0]
    pairs = [(names[i], names[j]) for j in range(n) for i in range(j)]
    hidden = draw(st.lists(st.sampled_from(pairs), max_size=max_latents, unique=True))
    domains = {v: draw(st.integers(2, max_values)) for v in names} | {f"U_{a}_{b}": 2 for a, b in hidden}
    order = draw(st.permutations(names))
    return CausalModel.from_edges(directed, hidden, domains, nodes=order)
