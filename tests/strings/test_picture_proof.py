"""Film strips of derivations: every step has its place, black is the diagram of the step, and red what it changed."""

from __future__ import annotations

import itertools
import random
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from strings.derivation import Step, derive
from strings.diagram import Diagram
from strings.estimand import Given
from strings.identification import Identified, NotIdentified, identified, identify
from strings.identify import Hedge, Unseen
from strings.model import CausalModel, Mechanism
from strings.picture.film import WIDEST, Frame, Line, Reel, broken, film_strip
from strings.picture.glyphs import RED, Polygon, Text
from strings.picture.graph import DrawGraph
from strings.picture.labels import Area, area_of
from strings.picture.proof import Shot, proof_scene, proof_shots, refusal_scene, refusal_shots
from strings.picture.scene import Scene
from strings.picture.svg import to_svg
from strings.picture.text import text_width
from strings.query import Query, Term
from strings.signature import Box
from strings.surgery import Do, Open, Replace
from tests.cutwire.command import outputs
from tests.observed import opened, shape, terms
from tests.strings.test_derivation import answers, random_question

CLASSICS = {
    "front door": (shape("X->M M->Y", "X-Y"), Query(terms("Y"), (), opened("X"))),
    "napkin": (shape("W->R R->X X->Y", "W-X W-Y"), Query(terms("Y"), (), opened("X"))),
    "verma": (shape("A->B B->C C->D", "B-D"), Query(terms("D"), (), opened("C"))),
    "back door": (shape("Z->X Z->Y X->Y", ""), Query(terms("Y"), (), opened("X"))),
    "conditional": (shape("X->Z Z->Y", "X-Y"), Query(terms("Y"), terms("Z"), opened("X"))),
    "no effect": (shape("X->Z W->Y", ""), Query(terms("Y"), (), opened("X"))),
    "seen": (shape("X->Y", ""), Query(terms("Y"), (), opened("X"))),
    "value": (shape("X->M M->Y", "X-Y"), Query(terms("Y"), (), (Do("X", "1"),))),
}


def all_shots(model: CausalModel, found: Identified, steps: tuple[Step, ...]) -> list[Shot]:
    return [shot for _, shots in proof_shots(model, found, steps) for shot in shots]


def numbers(shots: list[Shot]) -> list[int]:
    """The numbers of the steps that the captions name, in order; `3–5` names three."""
    found: list[int] = []
    for shot in shots:
        for line in shot.caption:
            if m := re.match(r"(\d+)(?:–(\d+))?\. ", line.text):
                found.extend(range(int(m[1]), int(m[2] or m[1]) + 1))
    return found


def drawn_boxes(graph: DrawGraph) -> Counter[str]:
    """The boxes that are not faint."""
    return Counter(p.label for p in graph.parts if p.kind in ("box", "state") and not p.faint)


def boxes(d: Diagram) -> Counter[str]:
    return Counter(n.box.name for n in d.nodes if n.box.kind == "box")


def red_gaps(graph: DrawGraph) -> set[str]:
    """What is cut out in red, by the names that stand there."""
    return {p.source.label for p in graph.parts if p.kind == "gap" and p.red and p.source is not None}


def red_grounds(graph: DrawGraph) -> set[str]:
    """The outputs that end in red grounds."""
    ends = {k for k, p in enumerate(graph.parts) if p.kind == "discard" and p.red}
    return {w.name for w in graph.wires if w.target in ends}


def step_of(shot: Shot, steps: tuple[Step, ...]) -> Step | None:
    """The step that a frame shows: the last of those in its caption."""
    found = numbers([shot])
    return steps[found[-1] - 1] if found else None


@pytest.mark.parametrize("name", CLASSICS)
def test_every_step_has_its_place(name: str) -> None:
    """Frames are in the order of the steps, and every step is told once."""
    model, query = CLASSICS[name]
    found = identified(model, query)
    steps = derive(model, found)
    assert numbers(all_shots(model, found, steps)) == list(range(1, len(steps) + 1))


def test_every_step_of_random_derivations_has_its_place() -> None:
    """Also of long ones, and with experiments given."""
    for model, found, steps in [*answers(60, 3), *answers(40, 5, experiments=True)]:
        assert numbers(all_shots(model, found, steps)) == list(range(1, len(steps) + 1))


def frames_of(count: int, seed: int, experiments: bool) -> Iterator[tuple[Shot, DrawGraph, Step, CausalModel]]:
    """The frames of random derivations on which all of the diagram is drawn, with the steps that they show."""
    for model, found, steps in answers(count, seed, experiments, plain=False):
        for shot in all_shots(model, found, steps):
            step = step_of(shot, steps)
            drawn = set(shot.stage.model.names)
            if step is not None and {x.name for x in (*step.after.cod, *step.after.dom)} <= drawn:
                yield shot, shot.stage.graph(shot.look), step, model


@pytest.mark.parametrize("experiments", [False, True])
def test_what_is_not_faint_is_the_diagram_of_the_step(experiments: bool) -> None:
    """The boxes in black are those of the diagram after the step, and so are the outputs."""
    seen: Counter[str] = Counter()
    for shot, graph, step, _ in frames_of(120, 11, experiments):
        seen[step.rule] += 1
        if step.rule != "set":  # there all outputs are still shown
            shown = Counter(p.label for p in graph.parts if p.kind == "out" and not p.faint)
            assert shown == Counter(x.name for x in step.after.cod)
            assert drawn_boxes(graph) == boxes(step.after)
        assert shot.caption
    assert set(seen) >= {"factor", "given", "district"} | (set() if experiments else {"marginalise", "discard"})


@pytest.mark.parametrize("experiments", [False, True])
def test_red_is_where_the_step_cuts(experiments: bool) -> None:
    """A district is cut out at the wires that newly come in; what is summed out ends in red grounds; nothing else."""
    seen: Counter[str] = Counter()
    for _, graph, step, _ in frames_of(120, 12, experiments):
        before, after = ({x.name for x in d.dom} for d in (step.before, step.after))
        match step.rule:
            case "district":
                assert red_gaps(graph) == after - before
                assert red_grounds(graph) == set()
            case "marginalise":
                drawn = {w.name for w in graph.wires if graph.parts[w.target].kind in ("out", "discard")}
                summed = (set(step.subject) - set(step.outcome[0])) & drawn
                assert red_grounds(graph) == summed
                assert not summed or red_gaps(graph) == set()  # else the frame is that of what is given
            case "factor":
                assert (red_gaps(graph), red_grounds(graph)) == (set(), set())
            case "set":
                assert red_gaps(graph) == set(step.subject)
            case _:
                continue
        seen[step.rule] += 1
    assert seen["district"] > 20
    assert seen["factor"] > 20


@pytest.mark.parametrize("name", CLASSICS)
def test_the_first_frame_shows_the_surgery(name: str) -> None:
    """Red is what is set, and nothing else."""
    model, query = CLASSICS[name]
    found = identified(model, query)
    first = all_shots(model, found, derive(model, found))[0]
    labels = {f"{s.variable} = {s.value}" if isinstance(s, Do) else "X" for s in query.surgeries}
    labels = {"C"} if name == "verma" else labels
    assert red_gaps(first.stage.graph(first.look)) == labels


def test_districts_have_their_colours() -> None:
    """The boxes of a district, hidden causes and all, have one colour where it is named and in its own reel."""
    model, query = CLASSICS["front door"]
    found = identified(model, query)
    told = proof_shots(model, found, derive(model, found))
    by_label = {p.label: p.hue for p in told[0][1][-1].stage.graph(told[0][1][-1].look).parts if p.kind != "gap"}
    assert by_label["m"] != by_label["y"] == by_label["u_x_y"] is not None
    for heading, shots in told[1:]:
        graph = shots[-1].stage.graph(shots[-1].look)
        hues = {p.label: p.hue for p in graph.parts if p.kind in ("box", "state") and not p.faint}
        assert hues == {n: by_label[n] for n in hues}
        assert heading in ("Q[M]", "Q[Y]")


def frames_in(scene: Scene) -> list[Area]:
    return [area_of(s) for s in scene.shapes if isinstance(s, Polygon) and s.style == "frame"]


def assert_laid_out(scene: Scene) -> None:
    """Frames do not overlap and lie in the picture; every other shape lies in one frame, or is a heading."""
    frames = frames_in(scene)
    assert not any(a.meets(b) for a, b in itertools.combinations(frames, 2))
    for f in frames:
        assert f.left >= 0
        assert f.top >= 0
        assert f.right <= scene.width
        assert f.bottom <= scene.height
    for s in scene.shapes:
        if s.style in ("frame", "heading"):
            continue
        a = area_of(s)
        x, y = (a.left + a.right) / 2, (a.top + a.bottom) / 2
        (home,) = [f for f in frames if f.left <= x <= f.right and f.top <= y <= f.bottom]
        assert home.left - 0.1 <= a.left
        assert a.right <= home.right + 0.1
        assert home.top - 0.1 <= a.top
        assert a.bottom <= home.bottom + 0.1
    headings = [area_of(s) for s in scene.shapes if s.style == "heading"]
    assert not any(h.meets(f) for h in headings for f in frames)


@pytest.mark.parametrize("name", CLASSICS)
def test_frames_do_not_overlap(name: str) -> None:
    """As many frames as there are states, and one for the estimand, all in a bounded width."""
    model, query = CLASSICS[name]
    found = identified(model, query)
    steps = derive(model, found)
    scene = proof_scene(model, found, steps, "a formula")
    assert_laid_out(scene)
    assert len(frames_in(scene)) == len(all_shots(model, found, steps)) + 1
    assert scene.width <= WIDEST
    assert [s.text for s in scene.shapes if isinstance(s, Text) and s.style == "heading"][-1] == "Estimand"


def test_random_films_are_laid_out() -> None:
    """Of derivations and of refusals."""
    rnd = random.Random(8)
    done = Counter[bool]()
    while min(done[True], done[False]) < 15:
        model, query, given = random_question(rnd, experiments=done.total() % 2 == 0)
        found = identify(model, query, given)
        done[isinstance(found, Identified)] += 1
        if isinstance(found, Identified):
            assert_laid_out(proof_scene(model, found, derive(model, found), "P(Y) * " * 30))
        else:
            assert_laid_out(refusal_scene(model, found))


def test_one_layout_for_all_frames() -> None:
    """What a step does not touch stands where it stood: the labels of all boxes are in register."""
    model, query = CLASSICS["napkin"]
    found = identified(model, query)
    scene = proof_scene(model, found, derive(model, found), "f")
    places: dict[str, set[tuple[float, float]]] = {}
    for frame in frames_in(scene)[:-1]:
        labels = [s for s in scene.shapes if isinstance(s, Text) and s.text in ("w", "r", "x", "y")]
        for s in labels:
            if frame.left < s.x < frame.right and frame.top < s.y < frame.bottom:
                places.setdefault(s.text, set()).add((round(s.x - frame.left, 2), round(s.y - frame.top, 2)))
    assert {name: len(found) for name, found in places.items()} == dict.fromkeys("wrxy", 1)


def long_model(n: int = 30) -> CausalModel:
    rnd = random.Random(3)
    names = [f"V{k}" for k in range(n)]
    edges = [(names[i], names[j]) for j in range(1, n) for i in {j - 1, rnd.randrange(max(0, j - 4), j)}]
    return CausalModel.from_edges(edges, [("V4", "V9"), ("V11", "V20")], domains=2)


def test_long_derivations_stay_readable() -> None:
    """Of thirty variables each district has one small frame with its kernel alone; every step is named in a caption."""
    model = long_model()
    found = identified(model, Query((Term("V29"),), (), (Open("V2"),)))
    steps = derive(model, found)
    told = proof_shots(model, found, steps)
    assert numbers([shot for _, shots in told for shot in shots]) == list(range(1, len(steps) + 1))
    assert len(steps) > 60
    assert [heading for heading, _ in told] == ["P(V29 | do(V2))", "Districts"]
    for shot, r in zip(told[1][1], found.routes, strict=True):
        members = set(found.sources[r.source].graph.show(r.district))
        graph = shot.stage.graph(shot.look)
        assert {p.label for p in graph.parts if p.kind == "out"} == members
    scene = proof_scene(model, found, steps, "f")
    assert_laid_out(scene)


def test_large_models_show_what_is_needed() -> None:
    """Many variables in few districts: a frame for each kernel, and of the question no causes of what is set."""
    names = [f"V{k}" for k in range(20)]
    chain = list(itertools.pairwise(names))
    edges = [*chain, ("A", "V0"), ("B", "A")]
    model = CausalModel.from_edges(edges, [*chain[1:10], *chain[11:18], ("V0", "V19")], domains=2)
    found = identified(model, Query((Term("V19"),), (), (Open("V0"),)))
    steps = derive(model, found)
    told = proof_shots(model, found, steps)
    assert numbers([shot for _, shots in told for shot in shots]) == list(range(1, len(steps) + 1))
    assert [len(shots) for _, shots in told] == [2, 3]
    assert set(told[0][1][0].stage.model.observed) == set(names)
    kernels = [shot.stage.model for shot in told[1][1]]
    assert [set(m.names) - m.latents for m in kernels] == [set(names[1:11]), set(names[11:19]), {"V19"}]
    assert [m.inputs for m in kernels] == [("V0",), ("V10",), ("V18",)]
    assert_laid_out(proof_scene(model, found, steps, "f"))


@pytest.mark.parametrize("hidden", [[], [("V4", "V9"), ("V11", "V20")]])
def test_policies_in_large_models(hidden: list[tuple[str, str]]) -> None:
    """A policy that hears what a district does not need has no part in the frames of that district."""
    names = [f"V{k}" for k in range(24)]
    model = CausalModel.from_edges([*itertools.pairwise(names), ("V2", "V7")], hidden, domains=2)
    for heard in ("V0", "V9"):
        found = identified(model, Query((Term("V23"),), (), (policy(model, "V10", heard),)))
        steps = derive(model, found)
        assert numbers(all_shots(model, found, steps)) == list(range(1, len(steps) + 1))
        assert_laid_out(proof_scene(model, found, steps, "f"))


def test_only_the_relevant_part_is_drawn() -> None:
    """What neither the answer nor what is set depends on is not in the picture."""
    model = shape("X->M M->Y Y->A B->A", "X-Y A-B")
    found = identified(model, Query(terms("Y"), (), opened("X")))
    for shot in all_shots(model, found, derive(model, found)):
        assert set(shot.stage.model.observed) == {"X", "M", "Y"}


BOW = shape("X->Y", "X-Y")


def test_a_hedge_is_drawn() -> None:
    """The whole hedge in two colours, then its inner part with the rest cut off in red."""
    found = identify(BOW, Query(terms("Y"), (), opened("X")))
    assert isinstance(found, NotIdentified)
    (_, first), (heading, (whole, inner)) = refusal_shots(BOW, found)
    assert red_gaps(first[0].stage.graph(first[0].look)) == {"X"}
    assert heading == "{X, Y} and {Y} form a hedge"
    graph = whole.stage.graph(whole.look)
    hues = {p.label: p.hue for p in graph.parts if p.kind in ("box", "state")}
    assert hues == {"x": 1, "y": 0, "u_x_y": 0}
    assert red_gaps(graph) == set()
    assert red_gaps(inner.stage.graph(inner.look)) == {"X"}


def test_hedges_of_random_models() -> None:
    """The forest in black, exactly the boxes of its kernel; red are the outer variables that feed the inner part."""
    rnd, seen = random.Random(4), 0
    while seen < 40:
        model, query, given = random_question(rnd, experiments=seen % 2 == 0)
        found = identify(model, query, given)
        if not isinstance(found, NotIdentified) or not isinstance(found.obstacle, Hedge):
            continue
        seen += 1
        h = found.obstacle
        _, (_, (whole, inner)) = refusal_shots(model, found)
        members, core = set(h.graph.show(h.forest)), set(h.graph.show(h.inner))
        graph, second = (shot.stage.graph(shot.look) for shot in (whole, inner))
        assert {p.label for p in graph.parts if p.kind == "out" and not p.faint} == members
        assert {p.label for p in second.parts if p.kind == "out" and not p.faint} == core
        parents = set(h.graph.show(h.graph.parents_of(h.inner)))
        assert red_gaps(second) == parents & (members - core)


def test_what_nothing_tells_of_has_no_hedge() -> None:
    """The question, and the reason in words."""
    model = shape("X->Y Z->Y", "")
    found = identify(model, Query(terms("Y"), (), opened("X")), [Given(("X", "Z")), Given(("Y",), ("X", "Z"))])
    if isinstance(found, NotIdentified):
        assert isinstance(found.obstacle, Unseen)
        scene = refusal_scene(model, found)
        assert_laid_out(scene)
        assert any(isinstance(s, Text) and "tells of" in s.text for s in scene.shapes)


def policy(model: CausalModel, variable: str, *heard: str) -> Replace:
    dom = tuple(model.object(p) for p in heard)
    return Replace(variable, Mechanism.of_box(Box("policy", dom, (model.object(variable),))), "policy")


def test_policies_stand_in_their_slots() -> None:
    """A policy is red in the first frame, and the old mechanism is back where the given distribution is shown."""
    model = shape("Z->X X->W W->Y Z->Y", "Z-W X-Y")
    found = identified(model, Query(terms("Y"), (), (policy(model, "X", "Z"),)))
    shots = all_shots(model, found, derive(model, found))
    graphs = [shot.stage.graph(shot.look) for shot in shots]
    assert [p.label for p in graphs[0].parts if p.kind == "box" and p.red] == ["policy"]
    assert len({id(shot.stage) for shot in shots}) == 1
    assert "x" in drawn_boxes(graphs[2])
    assert_laid_out(proof_scene(model, found, derive(model, found), "f"))


def test_policies_that_close_a_loop_have_a_stage_of_their_own() -> None:
    """Cut W and let Z hear it: that cannot be drawn over the model, whose own frames follow."""
    model = shape("Z->X X->W W->Y Z->Y", "Z-W X-Y")
    found = identified(model, Query(terms("Y"), (), (Do("W", "1"), policy(model, "Z", "W"))))
    shots = all_shots(model, found, derive(model, found))
    assert len({id(shot.stage) for shot in shots}) == 2
    assert "policy" in drawn_boxes(shots[0].stage.graph(shots[0].look))
    assert drawn_boxes(shots[-1].stage.graph(shots[-1].look))["policy"] == 0
    assert_laid_out(proof_scene(model, found, derive(model, found), "f"))


def test_hostile_names_stay_text() -> None:
    """Names with markup and control characters break neither the XML nor the layout."""
    names = ["<X>", 'a "&" b', "Y\x01\n]]>"]
    model = CausalModel.from_edges([(names[0], names[1]), (names[1], names[2])], [(names[0], names[2])], domains=2)
    found = identified(model, Query((Term(names[2]),), (), (Open(names[0]),)))
    svg = to_svg(proof_scene(model, found, derive(model, found), "<script>"))
    root = ET.fromstring(svg)
    assert "<script>" in "".join(root.itertext())
    assert f'fill="{RED}"' in svg


@settings(max_examples=100, deadline=None)
@over(st.text(max_size=80), st.integers(20, 300))
def test_broken_texts_lose_nothing(text: str, room: int) -> None:
    """Lines fit, unless they are one letter, and hold all letters in order."""
    lines = broken(text, room, 14.0)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= 1 or text_width(line, 14.0) <= room for line in lines)


@settings(max_examples=60, deadline=None)
@over(
    st.lists(
        st.tuples(
            st.text("Q[]ab ", max_size=60),
            st.lists(
                st.tuples(
                    st.one_of(st.none(), st.integers(20, 1500)), st.integers(10, 400), st.text("ab ", max_size=90)
                ),
                max_size=6,
            ),
        ),
        max_size=5,
    )
)
def test_strips_of_any_frames(reels: list[tuple[str, list[tuple[int | None, int, str]]]]) -> None:
    """Frames of any sizes: in order row by row, none over another, in a bounded width unless a picture is wider."""
    made = [
        Reel(h, tuple(Frame(Scene(w, y, ()) if w else None, (Line(text),)) for w, y, text in frames))
        for h, frames in reels
    ]
    scene = film_strip(made, "t", "a")
    assert_laid_out(scene)
    placed = frames_in(scene)
    assert len(placed) == sum(len(r.frames) for r in made)
    assert placed == sorted(placed, key=lambda a: (a.top, a.left))
    widest = max((w or 0 for _, frames in reels for w, _, _ in frames), default=0)
    assert scene.width <= max(WIDEST, widest + 24)


def test_films_do_not_hang_on_the_hash_seed(tmp_path: Path) -> None:
    """Derivation and refusal, byte for byte."""
    code = """
import cutwire as cw
napkin = cw.Model.from_edges([("W", "R"), ("R", "X"), ("X", "Y")], [("W", "X"), ("W", "Y")], domains=2)
print(napkin.identify("P(Y | do(X))").draw())
print(napkin.identify("P(Y | do(X))")._repr_html_())
print(napkin.identify("P(Y | do(X), W)", check=False).draw())
"""
    assert len(outputs(code, tmp_path, (0, 1, 42))) == 1
