"""Derivations in pictures: a frame for every step that changes something, and the hedge where none leads on.

Every frame shows the diagram of the model in one layout, edited in place (`stage`): what the step cuts or moves is red,
what is discarded is faint, and each district has a colour. A step that changes nothing that can be seen is told in the
caption of the next frame. Only what the question depends on is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from strings.derivation import Step
from strings.identification import Identified, NotIdentified, hide_unspoken
from strings.identify import Hedge
from strings.model import CausalModel
from strings.picture.film import Frame, Line, Reel, film_strip
from strings.picture.graph import draw_graph
from strings.picture.scene import Scene, lay_out, scene_of
from strings.picture.stage import Look, Stage
from strings.query import Query
from strings.surgery import CutWire, DoWire, Open, Replace, Surgery, operate

_LARGE = 14  # observed variables; of a larger model each district has just one frame
_MANY = 24  # frames; so it has in a longer derivation
_LARGEST = 60  # boxes of an estimand that is drawn


@dataclass(frozen=True)
class Shot:
    """A frame to be drawn: a state of the model `stage`, and what is said of it."""

    stage: Stage
    look: Look
    caption: tuple[Line, ...]


Told = list[tuple[str, list[Shot]]]
"""Headings with the frames below them."""


def proof_scene(model: CausalModel, found: Identified, steps: Sequence[Step], formula: str) -> Scene:
    """The derivation of an effect that follows, and its estimand, whose `formula` is the caption."""
    drawn = [*_reels(proof_shots(model, found, steps)), Reel("Estimand", (_estimand(found, formula),))]
    told = " ".join(f"{k}. {s.text} ({s.law})." for k, s in enumerate(steps, 1))
    return film_strip(drawn, f"{found.asked}: derivation", f"{found.asked}. {told} Estimand: {formula}.")


def proof_shots(model: CausalModel, found: Identified, steps: Sequence[Step]) -> Told:
    """The frames of a derivation: first those about the question, then those of each district."""
    script = _Script(found.seen(model), found.asked, found.query.surgeries)
    first, *others = _chapters(steps)
    told: Told = [(str(found.asked), script.question(first, found.plain))]
    routes = [] if script.large else [script.route(chapter, k) for k, chapter in enumerate(others)]
    if script.large or sum(map(len, routes)) > _MANY:
        shots = [script.summary(chapter, k) for k, chapter in enumerate(others)]
        return [*told, ("Districts", shots)] if shots else told
    headings = [f"Q[{', '.join(_reached(chapter[-1]))}]" for chapter in others]
    return [*told, *zip(headings, routes, strict=True)]


def refusal_scene(model: CausalModel, found: NotIdentified) -> Scene:
    """The question that does not follow, and the hedge that stands in the way."""
    drawn = _reels(refusal_shots(model, found))
    if not isinstance(found.obstacle, Hedge):
        drawn.append(Reel("", (Frame(None, (Line(str(found.obstacle)),)),)))
    given = "; ".join(map(str, found.given))
    about = f"{found.asked} does not follow from {given}: {found.obstacle}."
    return film_strip(drawn, f"{found.asked}: no derivation", about)


def refusal_shots(model: CausalModel, found: NotIdentified) -> Told:
    """The frames of a refusal: the question, and the hedge if it is one."""
    script = _Script(hide_unspoken(model, found.given), found.asked, found.query.surgeries)
    told: Told = [(str(found.asked), script.question((), False))]
    if isinstance(found.obstacle, Hedge):
        told.append((str(found.obstacle), script.hedge(model, found, found.obstacle)))
    return told


def _chapters(steps: Sequence[Step]) -> list[tuple[tuple[int, Step], ...]]:
    """The numbered steps: those on the question, then those of each route, which begins with what is given."""
    chapters: list[list[tuple[int, Step]]] = [[]]
    for k, step in enumerate(steps, 1):
        if step.rule == "given":
            chapters.append([])
        chapters[-1].append((k, step))
    return [tuple(c) for c in chapters]


def _reached(numbered: tuple[int, Step]) -> tuple[str, ...]:
    step = numbered[1]
    return step.subject if step.rule == "given" else step.outcome[0]


def _told(number: int, step: Step) -> tuple[Line, Line]:
    return Line(f"{number}. {step.text}"), Line(step.law, "law")


class _Script:
    """Which states of which stages a derivation shows."""

    def __init__(self, model: CausalModel, asked: Query, surgeries: Sequence[Surgery]) -> None:
        self._model, self._asked = model, asked
        self._moved = tuple(s for s in surgeries if s not in asked.surgeries)
        self._treated = [s.variable for s in asked.surgeries if not isinstance(s, CutWire | DoWire)]
        heard = [p for s in asked.surgeries if isinstance(s, Replace) for p in s.mechanism.used_parents]
        self._targets = [t.variable for t in (*asked.targets, *asked.given)]
        self._relevant = model.ancestors([*self._targets, *self._treated, *heard])
        self.large = sum(n in self._relevant for n in model.observed) > _LARGE
        self._stages: dict[tuple[frozenset[str], CausalModel], Stage] = {}
        self._given: set[tuple[tuple[str, ...], ...]] = set()

    def _stage(self, model: CausalModel, relevant: frozenset[str], asked: bool = False) -> Stage:
        """One for each part of each model; what is `asked` may need one of its own, with policies that close a loop."""
        key = (relevant, model)
        if key not in self._stages:
            whole = relevant >= self._relevant
            self._stages[key] = Stage.of(model, relevant, self._asked.surgeries if whole else ())
        if self._stages[key].done and not asked:
            self._stages[key] = Stage.of(model, relevant)
        return self._stages[key]

    def _asked_stage(self, plain: bool) -> Stage:
        """Where the question is shown; of a large model without what only matters to what is set, and stays so."""
        if plain or not self.large or any(isinstance(s, Replace) for s in self._asked.surgeries):
            return self._stage(self._model, self._relevant, asked=True)
        cut = operate(self._model, *_opened(self._treated))
        return self._stage(cut, cut.ancestors([*self._targets, *self._treated]))

    def question(self, chapter: Sequence[tuple[int, Step]], plain: bool) -> list[Shot]:
        """The surgery that is asked for, and what the steps before the first district make of it."""
        stage = self._asked_stage(plain)
        surgeries = self._asked.surgeries
        shown = frozenset([*self._targets, *self._treated] if plain else stage.model.observed)
        red = frozenset(self._treated)
        shots = [Shot(stage, Look(surgeries, shown & frozenset(stage.model.observed), red), _opening(self._asked))]
        waiting = list(self._moved)
        for number, step in chapter:
            last = shots[-1].look.settled
            match step.rule:
                case "set":
                    surgeries = (*surgeries, waiting.pop(0))
                    look = replace(last, surgeries=surgeries, red=frozenset(step.subject))
                case "discard":
                    kept = last.shown & frozenset(step.outcome[0])
                    look = replace(last, shown=kept, dropped=last.shown - kept)
                case "forget" | "certain":
                    gone = last.shown & frozenset(step.subject)
                    look = replace(last, shown=last.shown - gone, dropped=gone)
                case "ignore" | "see":
                    surgeries = tuple(s for s in surgeries if not _acts_on(s, step.subject))
                    gone = frozenset(step.subject) if step.rule == "ignore" else frozenset()
                    look = replace(last, surgeries=surgeries, red=frozenset(step.subject), shown=last.shown - gone)
                case _:
                    cut = _feeding(self._model, step.subject)
                    look = Look(_opened(cut), frozenset(step.subject), hues=self._hues(step))
            _add(shots, Shot(stage, look, _told(number, step)))
        return shots

    def _hues(self, step: Step) -> Mapping[str, int]:
        return {n: k for k, d in enumerate(step.outcome) for n in (*d, *_causes(self._model, d))}

    def route(self, chapter: Sequence[tuple[int, Step]], hue: int) -> list[Shot]:
        """From a given distribution to the kernel of a district, which has this hue."""
        model, done = self._source(chapter[0][1])
        goal = _reached(chapter[-1])
        hues = dict.fromkeys((*goal, *_causes(model, goal)), hue)
        stage = self._stage(model, self._relevant)
        names = frozenset(stage.model.observed)
        shots: list[Shot] = []
        waiting: tuple[Line, ...] = ()
        look = Look((), frozenset())
        for number, step in chapter:
            told = (*waiting, *_told(number, step))
            waiting = ()
            last = look
            match step.rule:
                case "given":
                    look = Look(_opened(done), names & frozenset(step.subject), red=frozenset(done), hues=hues)
                    source = (step.subject, *step.outcome)
                    if source in self._given and len(chapter) > 1:
                        waiting = told
                        continue
                    self._given.add(source)
                case "marginalise":
                    kept = names & frozenset(step.outcome[0])
                    look = replace(last.settled, shown=kept, dropped=last.shown - kept)
                case _:
                    inside = frozenset(step.outcome[0])
                    cut = [n for n in _feeding(model, step.outcome[0]) if n in last.shown]
                    before = tuple(s for s in last.surgeries if not _acts_on(s, cut))
                    look = replace(last.settled, surgeries=(*before, *_opened(cut)), shown=inside, red=frozenset(cut))
            _add(shots, Shot(stage, look, told))
        return _with_rest(shots, waiting)

    def summary(self, chapter: Sequence[tuple[int, Step]], hue: int) -> Shot:
        """The kernel of a district alone, all steps to it in one caption."""
        model, _ = self._source(chapter[0][1])
        goal = _reached(chapter[-1])
        opened = operate(model, *_opened(n for n in model.observed if n not in goal))
        opened = replace(opened, latents=opened.latents | set(opened.inputs))  # which are no outputs either
        hues = dict.fromkeys((*goal, *_causes(model, goal)), hue)
        (first, _), (last, _) = chapter[0], chapter[-1]
        numbers = str(first) if first == last else f"{first}–{last}"
        rules = ", ".join(step.rule for _, step in chapter)
        caption = (Line(f"{numbers}. Q[{', '.join(goal)}]"), Line(rules, "law"))
        return Shot(self._stage(opened, opened.ancestors(goal)), Look((), frozenset(goal), hues=hues), caption)

    def _source(self, step: Step) -> tuple[CausalModel, tuple[str, ...]]:
        """The model as a given distribution sees it, and what has been set in it."""
        done = step.outcome[0] if step.outcome else ()
        spoken = {*step.subject, *done}
        return replace(self._model, latents=self._model.latents - set(done) | (set(self._model.names) - spoken)), done

    def hedge(self, model: CausalModel, found: NotIdentified, hedge: Hedge) -> list[Shot]:
        """What can be had, and what is asked: the whole hedge, and its inner part with the rest cut off."""
        seen = hide_unspoken(model, [found.given[hedge.source]])
        whole, inner = (
            tuple(n for n in seen.observed if n in hedge.graph.show(m)) for m in (hedge.forest, hedge.inner)
        )
        stage = self._stage(seen, self._relevant | seen.ancestors(whole))
        outer = [n for n in whole if n not in inner]
        hues = dict.fromkeys((*outer, *_causes(seen, whole)), 1) | dict.fromkeys((*inner, *_causes(seen, inner)), 0)
        around = _feeding(seen, whole)
        cut = [n for n in _feeding(seen, inner) if n in outer]
        q, part = ", ".join(whole), ", ".join(inner)
        said = Line(f"Q[{q}] can be had: it is one district, and all of it leads to {part}")
        wanted = Line(f"Q[{part}] is needed: {', '.join(outer)} cannot be told apart from the hidden causes of {part}")
        law = Line("hedge criterion (Shpitser, Pearl 2006, theorem 5)", "law")
        first = Look(_opened(around), frozenset(whole), hues=hues)
        kept = [n for n in _feeding(seen, inner) if n not in outer]
        second = Look(_opened([*kept, *cut]), frozenset(inner), red=frozenset(cut), hues=hues)
        return [Shot(stage, first, (said,)), Shot(stage, second, (wanted, law))]


def _opening(asked: Query) -> tuple[Line, ...]:
    done = [s.variable for s in asked.surgeries if not isinstance(s, CutWire | DoWire)]
    seen = [t.variable for t in asked.given]
    parts = [f"{', '.join(names)} {verb}" for names, verb in ((done, "set"), (seen, "seen")) if names]
    return (Line(f"asked, with {', '.join(parts)}" if parts else "asked"),)


def _add(shots: list[Shot], shot: Shot) -> None:
    """Add a frame, or only its caption to the last one if nothing changes."""
    if shots and shot.look == shots[-1].look.settled and shot.stage is shots[-1].stage:
        shots[-1] = replace(shots[-1], caption=(*shots[-1].caption, *shot.caption))
    else:
        shots.append(shot)


def _with_rest(shots: list[Shot], lines: tuple[Line, ...]) -> list[Shot]:
    return [*shots[:-1], replace(shots[-1], caption=(*shots[-1].caption, *lines))] if lines else shots


def _feeding(model: CausalModel, members: Sequence[str]) -> list[str]:
    """The observed variables outside of `members` that feed them, directly or through hidden ones."""
    opened = operate(model, *_opened(n for n in model.observed if n not in members))
    behind = opened.ancestors(members)
    return [n for n in model.observed if n in behind and n not in members]


def _causes(model: CausalModel, members: Sequence[str]) -> list[str]:
    """The hidden causes of some variables."""
    opened = operate(model, *_opened(n for n in model.observed if n not in members))
    return [n for n in opened.ancestors(members) if n in model.latents]


def _opened(names: Iterable[str]) -> tuple[Open, ...]:
    return tuple(Open(n) for n in names)


def _acts_on(s: Surgery, names: Iterable[str]) -> bool:
    return not isinstance(s, CutWire | DoWire) and s.variable in names


def _reels(told: Iterable[tuple[str, Sequence[Shot]]]) -> list[Reel]:
    """The frames, drawn: all that share a stage in one layout, which has room for each."""
    reels = list(told)
    stages = {id(shot.stage): shot.stage for _, shots in reels for shot in shots}
    graphs = {
        key: [s.stage.graph(s.look) for _, shots in reels for s in shots if s.stage is stage]
        for key, stage in stages.items()
    }
    layouts = {key: lay_out(stage.base, *graphs[key]) for key, stage in stages.items()}
    pictures = {key: [scene_of(graph, layouts[key]) for graph in found] for key, found in graphs.items()}
    widths = {key: max(p.width for p in found) for key, found in pictures.items()}
    waiting = {key: iter(found) for key, found in pictures.items()}

    def drawn(shot: Shot) -> Frame:
        key = id(shot.stage)
        return Frame(replace(next(waiting[key]), width=widths[key]), shot.caption)

    return [Reel(heading, tuple(map(drawn, shots))) for heading, shots in reels]


def _estimand(found: Identified, formula: str) -> Frame:
    """The estimand as a diagram, if it is not too large, with its formula."""
    d = found.diagram
    picture = None
    if len(d.nodes) <= _LARGEST:
        graph = draw_graph(d, found.estimand.copies)
        picture = scene_of(graph, lay_out(graph))
    return Frame(picture, (Line(formula),))
