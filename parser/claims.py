"""Claims, and the checks that say how to decide them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from parser import syntax
from parser.asked import Asked, text_of
from parser.constants import constant
from parser.diagrams import whole_diagram
from parser.formulas import Resolved, begin, comparison, operations, question
from parser.given import given_distributions
from parser.program import CheckStatement, DiagramClaim, IdentifiabilityClaim, IndependenceClaim
from parser.scope import Scope, Skipped, count, problem, second_place
from strings.diagram import Diagram
from strings.formula import Compare
from strings.signature import show_type

MAX_MODELS = 1_000_000
"""A check tries at most so many models."""

_DEFAULT = syntax.Check()

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
    chosen: dict[str, tuple[int, syntax.Check]] = {}
    everything: tuple[int, syntax.Check] | None = None
    for k, item in enumerate(items):
        if not isinstance(item, syntax.Check):
            continue
        with scope.report.collect(item.span):
            _numbers(item)
        if not item.names:
            everything = everything or (k, item)
        for name in item.names:
            with scope.report.collect(name.span):
                _choose(name, k, item, chosen, scope)
    plan: Plan = {}
    for text, claim in scope.claims.own().items():
        at, check = chosen.get(text) or everything or (declared[text], asked.outer or _DEFAULT)
        plan.setdefault(at, []).append((claim, check))
    return plan, everything[1] if everything else None


def _choose(
    name: syntax.Name, at: int, check: syntax.Check, chosen: dict[str, tuple[int, syntax.Check]], scope: Scope
) -> None:
    scope.claims.find(name)
    if name.text in chosen:
        help_ = ("a claim is checked once, as its first `check` says",)
        scope.report.warn("N016", f"the claim `{name.text}` is checked already", name.span, "left out here", help_)
        return
    chosen[name.text] = (at, check)


def _numbers(check: syntax.Check) -> tuple[int | None, int]:
    """How many models a check tries, and its seed.

    Raises:
        LanguageError: T022 for numbers out of bounds.
    """
    models, seed = check.models, check.seed
    if models is not None and not 1 <= models.value <= MAX_MODELS:
        label = f"from 1 to {MAX_MODELS:,}"
        raise problem("T022", f"a check cannot try {_shown(models.value)}", models.span, label)
    if seed is not None and seed.value < 0:
        raise problem("T022", "a seed is a whole number from 0 on", seed.span, "below 0")
    return models.value if models else None, seed.value if seed else 0


def _shown(models: int) -> str:
    return count(models, "model") if abs(models) < 10**12 else "so many models"


# ---- claims ----------------------------------------------------------------------------------------------------------


def check_claim(claim: syntax.Claim, check: syntax.Check, asked: Asked) -> CheckStatement:
    """A claim with the check that it gets.

    Raises:
        LanguageError: D002, I001 to I003, M007, N002 and others of names, T008, T018, T021, T022.
    """
    within = _within(check)
    models, seed = _numbers(check)
    body, resolved, assuming, using = _body(claim, check, asked)
    model = asked.model(claim.span, check.using)[1] if resolved else asked.name_of(asked.default) if asked.default else ""
    return CheckStatement(
        model,
        claim.name.text,
        body,
        text_of(claim.body.span, str(body) if isinstance(body, Compare) else claim.name.text),
        resolved.axes.variables if resolved else {},
        resolved.tables if resolved else {},
        check.mode,
        within,
        using,
        "\n".join(claim.doc),
        claim.span,
        assuming,
        models,
        seed,
    )
