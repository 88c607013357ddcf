"""Claims: about a model's own numbers, about all models of its shape, about diagrams, about what can be known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cutwire.needs import has_open_parameters
from cutwire.parameters import as_numbers
from parser.program import CheckStatement, DiagramClaim, IdentifiabilityClaim, IdentifyStatement, IndependenceClaim
from strings.diagnostic import CutwireError, Diagnostic, QueryError
from strings.finite import opaque, stand_in
from strings.formula import Ask, Compare, Formula, filled, parameters, questions, substituted
from strings.query import Query
from strings.separation import falls_apart
from strings.surgery import boxes_of, operate

if TYPE_CHECKING:
    from cutwire.interpreted import Interpreted
    from semantics.claim import Claim
    from semantics.verify import Verification


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds. `evidence` says how that was decided, `failure` where it fails.

    Where a claim of order was not refuted, `holds` is true and `proved` false: it may fail in a model not tried. For a
    claim about all models `counterexample` is a model in which it fails, as small as was found, and `file` that model
    as a model file.
    """

    statement: CheckStatement = field(repr=False)
    holds: bool
    evidence: str
    failure: str = ""
    counterexample: Interpreted | None = None
    file: str = field(default="", repr=False)
    details: Mapping[str, Any] = field(default_factory=dict)
    proved: bool = True

    @property
    def mark(self) -> str:
        """The verdict in a word: `holds`, `falls`, or `open` if it has not been refuted and nothing is proved."""
        return "falls" if not self.holds else "holds" if self.proved else "open"

    def _repr_html_(self) -> str:
        from cutwire.notebook import verdict_html

        return verdict_html(self)

    def __repr__(self) -> str:
        from cutwire.show import item_text

        return item_text(self)


def check_statement(model: Interpreted | None, statement: CheckStatement, *, max_memory: int | None = None) -> Verdict:
    """Decide a claim."""
    match statement.body:
        case DiagramClaim() as claim:
            return _check_diagrams(statement, claim)
        case _ if model is None:
            raise QueryError(Diagnostic("Q001", "this claim needs a model", span=statement.span))
        case IndependenceClaim() as claim:
            return _check_independence(model, statement, claim)
        case IdentifiabilityClaim() as claim:
            return _check_identifiability(model, statement, claim)
        case Compare() as claim:
            try:
                if _is_about_parameters(model, statement, claim):
                    from cutwire.symbolic import check_parameters

                    return check_parameters(model, statement, claim, max_memory, every=statement.mode == "symbolic")
                if is_about_all_models(model, statement):
                    return _check_all_models(model, statement, claim)
                return _check_numbers(model, statement, claim, max_memory)
            except CutwireError as e:
                raise e.at(statement.span) from None


def is_about_all_models(model: Interpreted, statement: CheckStatement) -> bool:
    """Whether a comparison is about every model of the shape: because it says so, or because there are no numbers."""
    if statement.models is not None or statement.mode == "symbolic":
        return True
    known = model.definition.definitions.keys()
    return not statement.using and not model.definition.interpretations and not known & boxes_of(model.shape).keys()


def _is_about_parameters(model: Interpreted, statement: CheckStatement, claim: Compare) -> bool:
    """Whether a comparison is about all values of parameters: of those without a value or, if it names some and symbols
    are asked for, of all.

    Raises:
        QueryError: Q009 if it names parameters and is to be about all models.
    """
    named = any(map(parameters, claim.operands))
    if named and statement.models is not None:
        message = "a claim that names parameters is about this model's numbers, not about all models"
        raise QueryError(Diagnostic("Q009", message, help=("leave out `for … models`",)))
    if statement.mode == "symbolic":
        return named
    return statement.models is None and has_open_parameters(model, statement, claim)


def _check_numbers(model: Interpreted, statement: CheckStatement, claim: Compare, max_memory: int | None) -> Verdict:
    """A comparison for the model's own numbers."""
    from cutwire.evaluate import compare_statement

    values = as_numbers(model.parameters)
    claim = replace(claim, operands=tuple(filled(f, values) for f in claim.operands))
    found = compare_statement(model, statement, claim, max_memory=max_memory)
    within = statement.within
    how = f"to within {within}" if within is not None else "exactly" if found.exact else "to within 1e-9"
    evidence = f"{found.cases} case(s) compared {how}" if found.holds else ""
    return Verdict(statement, found.holds, evidence, found.describe())


def _check_all_models(model: Interpreted, statement: CheckStatement, claim: Compare) -> Verdict:
    """A comparison for every model of the shape."""
    from semantics.claim import Claim
    from semantics.verify import verify

    asked = list(dict.fromkeys(q for c in (claim, *statement.assuming) for f in c.operands for q in questions(f)))
    shape, finite = stand_in(model.shape, asked)
    parts: dict[Query, Formula] = {q: Ask(opaque(f)) for q, f in zip(asked, finite, strict=True)}
    claim, *assuming = (
        replace(c, operands=tuple(substituted(f, parts) for f in c.operands)) for c in (claim, *statement.assuming)
    )
    policies = model.policy_kernels(statement.tables, finite)
    whole = Claim(claim, statement.axes, tuple(assuming), policies)
    if statement.mode == "symbolic":
        from semantics.symbols import prove

        proof = prove(shape, whole)
        if proof.holds:
            return Verdict(statement, True, proof.describe(), details={"symbols": proof.symbols})
    found = verify(shape, whole, models=statement.models, seed=statement.seed)
    return _verdict_on_all(model, statement, whole, found)


def _verdict_on_all(model: Interpreted, statement: CheckStatement, claim: Claim, found: Verification) -> Verdict:
    details = {"draws": found.draws, "primes": list(found.primes), "latent_values": list(found.latent_values)}
    details |= {"redrawn": found.redrawn, "error": found.error}
    if found.holds:
        return Verdict(statement, True, found.describe(), details=details, proved=found.proved)
    if found.counterexample is None:
        return Verdict(statement, False, "", "the two sides differ over a finite field", details=details)
    from cutwire.source import model_source

    shape, tables = found.counterexample.shape, {**claim.policies, **found.counterexample.tables}
    where = found.counterexample.comparison.describe()
    binders = ", ".join(f"{n} : {v}" for n, v in statement.axes.items() if n in _free(claim.body))
    asked = f"claim {statement.name or 'refuted'}{f'({binders})' if binders else ''}: {claim.body}"
    comment = f"A model in which this claim falls: {where}"
    try:
        policies = {n: k for n, k in tables.items() if n not in boxes_of(shape)}
        file = model_source(shape, tables, statements=[asked], comment=comment, policies=policies)
    except CutwireError:  # names that the language cannot write
        file = ""
    example = model.with_numbers(shape, tables, "counterexample")
    return Verdict(statement, False, "", where, example, file, details)


def _free(claim: Compare) -> set[str]:
    """The bound names that a claim uses outside of sums."""
    from strings.formula import Arithmetic, Sum
    from strings.surgery import DoWire, Open

    def names(f: Formula) -> set[str]:
        match f:
            case Ask(query):
                found = {t.axis for t in (*query.targets, *query.given) if t.axis}
                return found | {s.axis for s in query.operations if isinstance(s, Open | DoWire) and s.axis}
            case Sum(binders, body):
                return names(body) - {n for n, _ in binders}
            case Arithmetic(_, left, right):
                return names(left) | names(right)
            case _:
                return set()

    return {n for f in claim.operands for n in names(f)}


def _check_diagrams(statement: CheckStatement, claim: DiagramClaim) -> Verdict:
    equal = claim.left == claim.right
    evidence = "equal normal forms" if equal else "different normal forms"
    holds = equal == claim.equal
    return Verdict(statement, holds, evidence if holds else "", "" if holds else evidence)


def _check_independence(model: Interpreted, statement: CheckStatement, claim: IndependenceClaim) -> Verdict:
    """Whether the picture falls apart: then, and only then, in every model of the shape (Fritz, Klingler 2023)."""
    shape = operate(model.shape, *claim.surgeries)
    apart = falls_apart(shape, claim.left, claim.right, claim.given)
    if apart:
        return Verdict(statement, True, "the diagram falls apart between them")
    given = f" given {', '.join(claim.given)}" if claim.given else ""
    connected = f"{', '.join(claim.left)} and {', '.join(claim.right)} are connected{given} in the diagram"
    return Verdict(statement, False, "", connected)


def _check_identifiability(model: Interpreted, statement: CheckStatement, claim: IdentifiabilityClaim) -> Verdict:
    from cutwire.identification import identify_statement

    asked = IdentifyStatement(
        statement.model,
        claim.query,
        statement.text,
        "",
        claim.given,
        statement.axes,
        statement.tables,
        "",
        statement.span,
        claim.experiments,
    )
    found = identify_statement(model, asked)
    found.check()
    if not found.identifiable and not found.proved:
        undecided = f"{found.note}; neither a derivation nor two models that refute it were found"
        return Verdict(statement, False, "", undecided, proved=False)
    holds = found.identifiable == claim.identifiable
    said = found.formula if found.identifiable else found.note
    evidence = (
        f"by {said}" if found.identifiable else f"{said}; two models agree on what is given and differ in the effect"
    )
    if not holds:
        file = found.witness_file if not found.identifiable else ""
        return Verdict(statement, False, "", evidence, file=file)
    return Verdict(statement, True, evidence)


def check_text(model: Interpreted, text: str, models: int | None, seed: int, assuming: str | None) -> Verdict:
    """`Model.check`: a claim from Python, about all models of the shape."""
    from parser.elaborate import elaborate_claim

    statement = elaborate_claim(text, model.definition, assuming or "", model.notice)
    assert isinstance(statement.body, Compare)
    if any(map(parameters, statement.body.operands)):
        return check_statement(model, replace(statement, mode="symbolic", models=models, seed=seed))
    return _check_all_models(model, replace(statement, models=models, seed=seed), statement.body)
