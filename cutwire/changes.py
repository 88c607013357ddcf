"""What surgery, or what is seen, changes everywhere: the distribution of every variable before and after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from cutwire.evaluate import evaluate_statement
from cutwire.needs import fitting, needed, numbers_only
from cutwire.progress import tell
from cutwire.texts import shifted
from parser import syntax
from parser.axes import LEAVE_FREE
from parser.elaborate import elaborate_query, elaborate_surgery
from parser.partial import what_follows
from parser.program import Definition, QueryStatement
from parser.read import read_expression, read_surgery
from semantics.arithmetic import PrecisionError
from semantics.distribution import Distribution
from semantics.variation import differ, total_variation
from strings.diagnostic import CutwireError, Diagnostic, LanguageError, QueryError, Source, Span, ZeroProbabilityError
from strings.formula import Ask
from strings.query import Query, Term
from strings.signature import spelled
from strings.surgery import DoWire, Open, Surgery

if TYPE_CHECKING:
    from cutwire.model import Model
    from semantics.mixture import Mixture

Known = Any
"""What is known of one variable: a `Distribution` over its values, or the `Mixture` of a real one."""

Warn = Callable[[Diagnostic], None]

SOURCE = "<changes>"
"""What diagnostics call a text that came from outside of a file."""


# ---- what comes of it ------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A number before and after: the probability of a value; of a real variable its `mean` or `sd`."""

    variable: str
    value: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """By how much it rises; 0 where rounding is all there is."""
        rounding = 1e-9 * max(abs(self.before), abs(self.after))
        change = self.after - self.before
        return change if abs(change) > rounding else 0.0


@dataclass(frozen=True, eq=False)
class Change:
    """A variable before and after, and how far apart: the total variation distance of the two distributions, which is
    the most by which any event of it changes its probability."""

    variable: str
    before: Known
    after: Known
    distance: float

    @property
    def rows(self) -> tuple[Row, ...]:
        """A row for each value; of a variable with two values one row, for its last."""
        if not isinstance(self.before, Distribution):
            ends = (("mean", "mean"), ("sd", "sd"))
            return tuple(
                Row(self.variable, shown, float(getattr(self.before, name)), float(getattr(self.after, name)))
                for shown, name in ends
            )
        pairs = zip(self.before.values[0], self.before.array.tolist(), self.after.array.tolist(), strict=True)
        rows = tuple(Row(self.variable, v, float(p), float(q)) for v, p, q in pairs)
        return rows[1:] if len(rows) == 2 else rows


@dataclass(frozen=True, eq=False, repr=False)
class Changes:
    """What changes: `changed` has the variables that do, those that change most first. `before` and `after` say what is
    compared, as questions about any variable. `sampled` are variables that only sampling answers: they are left out."""

    before: str
    after: str
    changed: tuple[Change, ...]
    unchanged: tuple[str, ...]
    sampled: tuple[str, ...] = ()
    latents: frozenset[str] = field(default=frozenset())

    def rows(self) -> list[Row]:
        """The numbers that are shown: variable, value, before, after; each has its `.change`."""
        return [row for c in self.changed for row in c.rows]

    @property
    def distance(self) -> dict[str, float]:
        """How far apart before and after are (total variation), by variable; 0 for one that does not change."""
        return {c.variable: c.distance for c in self.changed} | dict.fromkeys(self.unchanged, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        variables = [
            {
                "variable": c.variable,
                "hidden": c.variable in self.latents,
                "distance": c.distance,
                "rows": [{"value": r.value, "before": r.before, "after": r.after, "change": r.change} for r in c.rows],
            }
            for c in self.changed
        ]
        compared = {"before": self.before, "after": self.after}
        return {**compared, "changed": variables, "unchanged": list(self.unchanged), "sampled": list(self.sampled)}

    def __repr__(self) -> str:
        from cutwire.show_changes import changes_text

        return changes_text(self)

    def _repr_html_(self) -> str:
        from cutwire.show_changes import changes_html

        return changes_html(self)


# ---- what is asked ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Conditions:
    """What may stand behind the bar of `P(… | …)`: what is done and what is seen, and what defines the boxes that only
    the surgeries use."""

    surgeries: tuple[Surgery, ...] = ()
    given: tuple[Term, ...] = ()
    tables: dict[str, Definition] = field(default_factory=dict)
    span: Span | None = None

    def about(self, variable: str) -> Query:
        """The question about a variable under these conditions."""
        return Query((Term(variable),), self.given, self.surgeries, span=self.span)

    def __str__(self) -> str:
        behind = str(self.about("V")).partition(" | ")[2]
        return f"P(… | {behind}" if behind else "P(…)"

    @property
    def seen(self) -> dict[str, str] | None:
        """What is seen, where each is one value of a variable of its own; nothing where it is more than that."""
        found = {t.variable: t.values[0] for t in self.given if t.values and len(t.values) == 1}
        plain = not any(t.world or t.bounds for t in self.given)
        return found if plain and len(found) == len(self.given) else None


def changes_of_text(
    model: Model,
    text: str,
    *,
    base: Sequence[Surgery] = (),
    hidden: bool = False,
    using: str = "",
    max_memory: int | None = None,
    source: Source | None = None,
    at: int = 0,
    warn: Warn = lambda _: None,
) -> Changes:
    """As `Model.changes`, of a model to which the surgeries `base` have been done; diagnostics point into `source`,
    where the text begins `at` so many characters."""
    whole = source or Source(SOURCE, text)
    prefix = f"P({spelled(model.shape.names[0])} | "

    def placed(d: Diagnostic, skip: int) -> Diagnostic:
        advice = LEAVE_FREE.partition("{")[0]  # which is no use here
        told = replace(d, help=tuple(h for h in d.help if not h.startswith(advice)))
        elsewhere = tuple(a for a in d.also if a.span.source.name != whole.name)
        if d.span is None or d.span.source.name != whole.name:
            return told
        here = shifted(replace(told, also=tuple(a for a in d.also if a not in elsewhere)), whole, skip - at)
        return replace(here, also=(*here.also, *elsewhere))

    surgery = _is_surgery(model, text, prefix)
    skip = 0 if surgery else len(prefix)
    try:
        asked = (_surgery if surgery else _conditions)(model, text, prefix, whole.name, lambda w: warn(placed(w, skip)))
        return changes(model, asked, base, hidden, using, max_memory)
    except CutwireError as e:
        skip = 0 if any(d.span is not None and d.span.source.text == text for d in e.diagnostics) else skip
        raise type(e)(placed(d, skip) for d in e.diagnostics) from None


def _is_surgery(model: Model, text: str, prefix: str) -> bool:
    """Whether a text is a surgery that no question could hold: the name of one, or several joined by `then`."""
    if text.strip() in model.definition.surgeries and not model.shape.has(text.strip()):
        return True
    return what_follows(text, "surgery_text").whole and not what_follows(f"{prefix}{text}\n)", "expression_text").whole


def _surgery(model: Model, text: str, prefix: str, name: str, warn: Warn) -> Conditions:
    operations = read_surgery(text, name)
    surgeries, tables = elaborate_surgery(operations, model.definition)
    span = Span(Source(name, text), 0, len(text))
    _refuse_free(operations, surgeries, span)
    return Conditions(surgeries, (), dict(tables), span)


def _conditions(model: Model, text: str, prefix: str, name: str, warn: Warn) -> Conditions:
    if not text.strip():
        message = "nothing is said that could change anything"
        raise QueryError(Diagnostic("Q001", message, help=("say what is done or seen: `do(S := yes)`, `T = no`",)))
    _check_brackets(text, name)
    question = Source(name, f"{prefix}{text}\n)")  # the break ends a comment
    expression = read_expression(question.text, name)
    statement = elaborate_query(expression, model.definition, question, warn)
    assert isinstance(statement.formula, Ask)  # the brackets of the text are closed, so that ours are one pair
    query = statement.formula.query
    span = Span(question, len(prefix), len(prefix) + len(text))
    for term in query.given:
        if term.free:
            message, help_ = f"`{term.place}` has no value here", (f"say what is seen: `{term.place} = …`",)
            raise LanguageError(Diagnostic("W006", message, term.span or span, "not an event", help=help_))
    _refuse_free(expression.conditions if isinstance(expression, syntax.Probability) else (), query.surgeries, span)
    return Conditions(query.surgeries, query.given, dict(statement.tables), span)


def _check_brackets(text: str, name: str) -> None:
    """P002 or P003 if brackets of a text have no partner in it."""
    try:
        read_surgery(text, name)
    except LanguageError as e:
        if e.diagnostic.code in ("P002", "P003"):
            raise


def _refuse_free(parts: Sequence[object], surgeries: Sequence[Surgery], span: Span) -> None:
    """N013 for an intervention whose value is left free: there is nothing to compare with."""
    free = next((s for s in surgeries if isinstance(s, Open) or (isinstance(s, DoWire) and s.value is None)), None)
    if free is None:
        return
    wire = isinstance(free, DoWire)
    place = f"{spelled(free.source)} -> {spelled(free.sink)}" if isinstance(free, DoWire) else spelled(free.variable)
    assigns = [a for p in parts if isinstance(p, syntax.DoOp) for a in p.assigns]
    name = free.source if isinstance(free, DoWire) else free.variable
    of_it = [a for a in assigns if a.target.variable.text == name and (a.target.sink is not None) == wire]
    found = next((a.span for a in of_it if a.value is None), of_it[-1].span if of_it else None)
    message = f"a value must be chosen for {'this wire' if wire else f'`{place}`'} here"
    help_ = (f"choose a value: `do({place} := value)`",)
    raise LanguageError(Diagnostic("N013", message, found or span, "left free", help=help_))


# ---- how it is answered ----------------------------------------------------------------------------------------------


def changes(
    model: Model,
    asked: Conditions,
    base: Sequence[Surgery] = (),
    hidden: bool = False,
    using: str = "",
    max_memory: int | None = None,
) -> Changes:
    """What conditions change, in a model to which the surgeries `base` have been done. Where there is surgery, before
    is the same evidence without it; else nothing seen.

    Raises:
        QueryError: as questions do; N013 if the model has inputs. ZeroProbabilityError: Q002, before or after.
    """
    if model.shape.inputs:
        missing = ", ".join(f"`{n}`" for n in model.shape.inputs)
        help_ = ("set it in the model that is asked: `model.do(…)`",)
        raise QueryError(Diagnostic("N013", f"the mechanism of {missing} has been left open", help=help_))
    known = model.defined(asked.tables) if asked.tables else model
    after = replace(asked, surgeries=(*base, *asked.surgeries))
    before = replace(asked, surgeries=tuple(base), given=asked.given if asked.surgeries else ())
    names = [n for n in model.shape.names if hidden or n not in model.shape.latents]
    later = _all_known(known, after, names, using, max_memory)
    try:
        sooner = _all_known(known, before, names, using, max_memory)
    except ZeroProbabilityError as e:
        note = "that is so before the surgery: there is nothing to compare with"
        raise ZeroProbabilityError(replace(d, notes=(note,)) for d in e.diagnostics) from None
    changed, same = [], []
    for n in names:
        if n in later and n in sooner:
            if differ(sooner[n], later[n]):
                changed.append(Change(n, sooner[n], later[n], total_variation(sooner[n], later[n])))
            else:
                same.append(n)
    changed.sort(key=lambda c: -c.distance)
    sampled = tuple(n for n in names if n not in later or n not in sooner)
    return Changes(str(before), str(after), tuple(changed), tuple(same), sampled, frozenset(model.shape.latents))


def _all_known(
    model: Model, about: Conditions, names: Sequence[str], using: str, max_memory: int | None
) -> dict[str, Known]:
    """What is known of variables: in one sweep of the operated model; where it is not all tables, or what is seen is
    more than values, in one question each. What only sampling answers is left out."""
    operated = model.after(*about.surgeries)
    if about.seen is not None:
        try:
            found = operated.factored(using).marginals({}, about.seen, names, max_memory)
        except PrecisionError:
            found = None
        if found is not None:
            return dict(found)
    known: dict[str, Known] = {}
    for done, n in enumerate(names):
        answer = _one_known(model, about, n, using, max_memory)
        if answer is not None:
            known[n] = answer
        tell(done + 1, len(names))
    return known


def _one_known(
    model: Model, about: Conditions, name: str, using: str, max_memory: int | None
) -> Distribution | Mixture | None:
    """What is known of one variable; nothing if only sampling tells.

    Raises:
        QueryError: Q012 for a parameter without a value, W001 if tables do not settle what is seen in several worlds.
    """
    query = about.about(name)
    statement = QueryStatement(
        model.name, Ask(query, query.span), str(query), tables=about.tables, using=using, span=about.span
    )
    chosen = fitting(model, statement)
    if chosen == "symbolic":
        chosen = "gaussian" if any(x.space for x in needed(model, query)[1]) else ""
    if chosen == "pyro":
        return None
    with numbers_only():
        if chosen == "gaussian":
            from cutwire.gaussian import evaluate_gaussian
            from cutwire.meanings import Options

            answer: Distribution | Mixture = evaluate_gaussian(model, statement, Options(max_memory=max_memory)).value
            return answer
        return evaluate_statement(model, statement, exact=False, max_memory=max_memory).distribution
