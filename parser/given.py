"""What is given for identification: joint distributions of observed variables, also such as experiments tell.

>>> from parser.elaborate import parse_program
>>> text = "var S, T : {no, yes} box s : -> S box t : S -> T identify P(T | do(S)) from P(S, T), P(T | do(S))"
>>> print(*parse_program(text).statements[0].given, sep="; ")
P(S, T); P(T | do(S))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parser import syntax
from parser.scope import Skipped, problem, second_place
from parser.surgeries import Setting
from strings.diagnostic import Diagnostic, LanguageError, Span
from strings.estimand import Given

_CAN_BE = "given can be joint distributions, `P(S, T)`, also of an experiment: `P(T, C | do(S))`"


def given_distributions(parts: Sequence[syntax.Probability], setting: Setting) -> tuple[Given, ...]:
    """What stands behind `from`: `P(S, T, C), P(C | do(S))`.

    Raises:
        LanguageError: I001 for a latent variable, I002 for what cannot be given, N002 or N004 for an unknown name.
        Skipped: if a name is broken (that is reported).
    """
    found: list[Given] = []
    told: list[Diagnostic] = []
    for p in parts:
        try:
            found.append(_given(p, setting))
        except LanguageError as e:
            told.extend(e.diagnostics)
        except Skipped:
            pass
    if told:
        raise LanguageError(told)
    if len(found) < len(parts):
        raise Skipped
    return tuple(found)


def _given(p: syntax.Probability, setting: Setting) -> Given:
    if p.kind == "E":
        raise _refused("a mean cannot be given", p.span, "not a distribution")
    for e in p.events:
        if e.op:
            label = f"an event of `{e.name.text}`"
            raise _refused("a distribution is given for all values", e.span, label, f"write `{e.name.text}`")
    seen = [e.name for e in p.events]
    done = [name for c in p.conditions for name in _set_by(c)]
    _check_names(seen, done, setting)
    return Given(tuple(n.text for n in seen), tuple(n.text for n in done))


def _set_by(condition: syntax.Event | syntax.DoOp | syntax.CutOp) -> Iterator[syntax.Name]:
    """The variables that an experiment sets: those of a bare `do(X, Z)`."""
    match condition:
        case syntax.DoOp(assigns):
            for a in assigns:
                name = a.target.variable.text
                if a.target.sink is not None:
                    message = "an experiment sets variables, no single wires"
                    raise _refused(message, a.span, "a wire", f"write `do({name})`")
                if a.value is not None:
                    message = "an experiment is given for all values of what it sets"
                    raise _refused(message, a.span, "not the bare variable", f"write `do({name})`")
                yield a.target.variable
        case syntax.CutOp(targets):
            help_ = f"an experiment sets variables: `do({', '.join(t.variable.text for t in targets)})`"
            raise _refused("a distribution after a cut cannot be given", condition.span, "a cut", help_)
        case _:
            help_ = "give the joint distribution; behind the bar only `do(…)` can stand"
            raise _refused("a conditional distribution cannot be given", condition.span, "a condition", help_)


def _check_names(seen: Sequence[syntax.Name], done: Sequence[syntax.Name], setting: Setting) -> None:
    """All are observed variables, each named once."""
    first: dict[str, syntax.Name] = {}
    for k, name in enumerate([*seen, *done]):
        setting.variable(name, intervened=k >= len(seen))
        if name.text in setting.model.latents:
            raise _latent(name, setting)
        if name.text in first:
            both = k >= len(seen) and first[name.text] in seen
            message = f"`{name.text}` {'is both seen and set' if both else 'stands twice'} in a given distribution"
            also = second_place(first[name.text].span, "first here")
            raise problem("I002", message, name.span, "again here", also=also, help=("name it once",))
        first[name.text] = name


def _latent(name: syntax.Name, setting: Setting) -> LanguageError:
    return problem(
        "I001",
        f"`{name.text}` is latent, so no data can contain it",
        name.span,
        "asked for here",
        also=second_place(setting.definition.spans.get(f"var {name.text}"), "declared latent here"),
        help=(f"leave it out, or declare `var {name.text}` if it is measured after all",),
    )


def _refused(message: str, span: Span | None, label: str, *help_: str) -> LanguageError:
    return problem("I002", message, span, label, notes=(_CAN_BE,), help=help_)
