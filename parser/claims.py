"""Claims, and the checks that say how to decide them.

>>> from parser.elaborate import parse_program
>>> text = "var S, T : {no, yes} box s : -> S box t : S -> T claim c: S _||_ T | do(T) check c symbolic seed 7"
>>> found = parse_program(text).statements[0]
>>> found.body.left, found.body.right, [str(s) for s in found.body.surgeries], found.mode, found.seed
(('S',), ('T',), ['do(T)'], 'symbolic', 7)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from parser import syntax
from parser.asked import Asked, text_of
from parser.constants import constant
from parser.diagrams import whole_diagram
from parser.formulas import Resolved, begin, comparison, operations, question
from parser.given import given_distributions
from parser.program import CheckStatement, DiagramClaim, IdentifiabilityClaim, IndependenceClaim
from parser.scope import Scope, Skipped, count, problem, second_place
from strings.diagnostic import Span
from strings.diagram import Diagram
from strings.formula import Compare
from strings.signature import show_type

MAX_MODELS = 1_000_000
"""A check tries at most so many models."""

_DEFAULT = syntax.Check()
_BIND = "for any value, bind the name: `claim NAME({name} : {variable}): …`"

Plan = dict[int, list[tuple[syntax.Claim, syntax.Check]]]
"""For each place among the items of a scope, the claims to check there, and how."""


# ---- where claims are checked ----------------------------------------------------------------------------------------


def plan_checks(items: Sequence[syntax.Item], asked: Asked) -> tuple[Plan, syntax.Check | None]:
    """Where each claim is checked, and how: as a `check` names it, else at `check all`, else where it is declared."""
    scope = asked.scope
    declared: dict[str, int] = {}
    for k, item in enumerate(items):
        if isinstance(item, syntax.Claim) and scope.claims.declare(item.name):
            scope.claims.define(item.name.text, item)
            declared[item.name.text] = k
    chosen: dict[str, tuple[int, syntax.Check, Span | None]] = {}
    everything: tuple[int, syntax.Check] | None = None
    for k, item in enumerate(items):
        if not isinstance(item, syntax.Check):
            continue
        with scope.report.collect(item.span):
            _numbers(item)
        with scope.report.collect(item.span):
            asked.check_using(item.using)
        if not item.names:
            everything = everything or (k, item)
        for name in item.names:
            with scope.report.collect(name.span):
                _choose(name, k, item, chosen, scope)
    plan: Plan = {}
    for text, claim in scope.claims.own().items():
        at, check, *_ = chosen.get(text) or everything or (declared[text], asked.outer or _DEFAULT)
        plan.setdefault(at, []).append((claim, check))
    return plan, everything[1] if everything else None


def _choose(
    name: syntax.Name,
    at: int,
    check: syntax.Check,
    chosen: dict[str, tuple[int, syntax.Check, Span | None]],
    scope: Scope,
) -> None:
    scope.claims.find(name)
    if name.text in chosen:
        help_ = ("a claim is checked once, as its first `check` says",)
        also = second_place(chosen[name.text][2], "first here")
        message = f"the claim `{name.text}` is checked already"
        scope.report.warn("N016", message, name.span, "left out here", help_, also)
        return
    chosen[name.text] = (at, check, name.span)


def _numbers(check: syntax.Check) -> tuple[int | None, int]:
    """How many models a check tries, and its seed.

    Raises:
        LanguageError: T023 for numbers out of bounds.
    """
    models, seed = check.models, check.seed
    if models is not None and not 1 <= models.value <= MAX_MODELS:
        label = f"from 1 to {MAX_MODELS:,}"
        raise problem("T023", f"a check cannot try {_shown(models.value)}", models.span, label)
    if seed is not None and seed.value < 0:
        raise problem("T023", "a seed is a whole number from 0 on", seed.span, "below 0")
    return models.value if models else None, seed.value if seed else 0


def _shown(models: int) -> str:
    return count(models, "model") if abs(models) < 10**12 else "so many models"


# ---- claims ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Content:
    """What a claim says, of which model."""

    body: Compare | DiagramClaim | IndependenceClaim | IdentifiabilityClaim
    model: str
    using: str = ""
    resolved: Resolved | None = None
    assuming: tuple[Compare, ...] = ()


def check_claim(claim: syntax.Claim, check: syntax.Check, asked: Asked) -> CheckStatement:
    """A claim with the check that it gets.

    Raises:
        LanguageError: D002, I001 to I003, M007, T008, T018, T021, T023, and those of names.
    """
    within = _within(check)
    models, seed = _numbers(check)
    said = _content(claim, check, asked)
    return CheckStatement(
        said.model,
        claim.name.text,
        said.body,
        text_of(claim.body.span, str(said.body) if isinstance(said.body, Compare) else claim.name.text),
        said.resolved.axes.variables if said.resolved else {},
        said.resolved.tables if said.resolved else {},
        check.mode,
        within,
        said.using,
        "\n".join(claim.doc),
        claim.span,
        said.assuming,
        models,
        seed,
    )


def _content(claim: syntax.Claim, check: syntax.Check, asked: Asked) -> _Content:
    if isinstance(claim.body, syntax.DiagramEquation):
        model = asked.name_of(asked.default) if asked.default else ""
        return _Content(_equation(claim.body, asked.scope), model)
    info, model, using = asked.model(claim.body.span or claim.span, check.using)
    expressions = [_expression(claim.body), *claim.assuming]
    resolved = begin(expressions, claim.binders, info.setting, asked.scope.report, _BIND)
    body = _body(claim.body, resolved)
    assuming = tuple(comparison(e, resolved, "an assumption") for e in claim.assuming)
    resolved.axes.warn_unused(claim.binders, asked.scope.report)
    return _Content(body, model, using, resolved, assuming)


def _expression(body: syntax.Expression | syntax.Independence | syntax.Identifiable) -> syntax.Expression:
    """Where the `do(…)`s of a claim stand, which may bring up names of values."""
    match body:
        case syntax.Independence(behind=behind):
            return syntax.Probability("P", (), _operations(behind), body.span)
        case syntax.Identifiable(question=asked):
            return asked
        case _:
            return body


def _body(
    body: syntax.Expression | syntax.Independence | syntax.Identifiable, resolved: Resolved
) -> Compare | IndependenceClaim | IdentifiabilityClaim:
    match body:
        case syntax.Independence():
            return _independence(body, resolved)
        case syntax.Identifiable():
            asked = question(body.question, resolved)
            given = given_distributions(body.given, resolved.axes.setting)
            return IdentifiabilityClaim(asked, given, body.identifiable, body.experiments)
        case _:
            return comparison(body, resolved)


def _independence(body: syntax.Independence, resolved: Resolved) -> IndependenceClaim:
    """Variables, latent ones too, each named once.

    Raises:
        LanguageError: I003 if one is named twice, N002, and what surgeries raise.
    """
    given = tuple(b for b in body.behind if isinstance(b, syntax.Name))
    first: dict[str, tuple[syntax.Name, int]] = {}
    for side, names in enumerate((body.left, body.right, given)):
        for name in names:
            resolved.axes.setting.variable(name)
            if name.text in first:
                other, where = first[name.text]
                message = f"`{name.text}` stands {'twice' if where == side else 'on two sides'} in this claim"
                also = second_place(other.span, "first here")
                help_ = ("name every variable once: left, right, or behind the bar",)
                raise problem("I003", message, name.span, "again here", also=also, help=help_)
            first[name.text] = (name, side)
    left, right, behind = (tuple(n.text for n in names) for names in (body.left, body.right, given))
    return IndependenceClaim(left, right, behind, operations(_operations(body.behind), resolved))


def _operations(
    behind: Sequence[syntax.Name | syntax.DoOp | syntax.CutOp],
) -> tuple[syntax.DoOp | syntax.CutOp, ...]:
    return tuple(b for b in behind if not isinstance(b, syntax.Name))


def _within(check: syntax.Check) -> Fraction | None:
    if check.within is None:
        return None
    value = constant(check.within).value
    if value < 0:
        raise problem("T008", "a tolerance cannot be negative", check.within.span, "below 0")
    if check.mode in ("exact", "symbolic"):
        article = "an" if check.mode == "exact" else "a"
        help_ = (f"leave out `{check.mode}` or `within`",)
        message = f"{article} {check.mode} check has no tolerance"
        raise problem("T021", message, check.within.span, "not needed", help=help_)
    return value


def _equation(body: syntax.DiagramEquation, scope: Scope) -> DiagramClaim:
    """Both sides, which must have the same type (D002)."""
    sides: list[Diagram] = []
    for e in (body.left, body.right):
        with scope.report.collect(e.span):
            sides.append(whole_diagram(e, (), scope, e.span))
    if len(sides) < 2:
        raise Skipped
    left, right = sides
    if (left.dom, left.cod) != (right.dom, right.cod):
        raise problem(
            "D002",
            "these diagrams have different types, so nothing can be claimed of them",
            body.right.span,
            f"goes {show_type(right.dom)} -> {show_type(right.cod)}",
            also=second_place(body.left.span, f"goes {show_type(left.dom)} -> {show_type(left.cod)}"),
        )
    return DiagramClaim(left, right, body.equal)
