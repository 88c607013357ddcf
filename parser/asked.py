"""Where a statement is asked: the scope that it stands in, and the model that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parser import syntax
from parser.files import Folder
from parser.models import ModelInfo
from parser.scope import Scope, Skipped, problem, shorten, unknown
from strings.diagnostic import Span


@dataclass(frozen=True)
class Asked:
    """Where statements are asked: their scope, the model that they mean without naming it, and the folder of the file.

    `outer` is the `check all` of the file around a model block.
    """

    scope: Scope
    default: ModelInfo | None
    folder: Folder
    outer: syntax.Check | None = None
    names: Mapping[str, ModelInfo] = field(default_factory=dict)

    def name_of(self, info: ModelInfo) -> str:
        """The name that the program knows a model under."""
        return next((n for n, m in self.names.items() if m is info), info.definition.name)

    def model(
        self, span: Span | None, using: syntax.Name | None = None, can_use: bool = True
    ) -> tuple[ModelInfo, str, str]:
        """The model asked, its name, and the interpretation to use. `can_use`: `using` might have been written.

        Raises:
            LanguageError: M007 if it is not clear which model is meant, N002 for an unknown name behind `using`.
        """
        default = self.default
        if using is not None and default is not None and using.text in default.definition.interpretations:
            return default, self.name_of(default), using.text
        if using is not None:
            known = [*(default.definition.interpretations if default else ()), *self.scope.models.known()]
            if using.text in self.scope.models:
                return self.scope.find_model(using), using.text, ""
            raise unknown("interpretation or model", using, known)
        if default is None:
            raise self._which_model(span, can_use)
        return default, self.name_of(default), ""

    def check_using(self, using: syntax.Name | None) -> None:
        """Whether what a check uses exists in some model, whatever it checks.

        Raises:
            LanguageError: N002.
        """
        known = [n for m in self.names.values() for n in m.definition.interpretations]
        if using is not None and using.text not in known and using.text not in self.scope.models:
            raise unknown("interpretation or model", using, [*known, *self.scope.models.known()])

    def _which_model(self, span: Span | None, can_use: bool) -> Exception:
        names = self.scope.models.known()
        if any(self.scope.models.is_broken(n) for n in names):
            return Skipped()
        if not names:
            help_ = ("declare its variables: `var X : {no, yes}`",)
            return problem("M007", "this file has no model to ask", span, "asked here", help=help_)
        advice = [f"say so: `… using {names[0]}`"] if can_use else []
        advice.append(f"{'or ' if can_use else ''}put the statement into a `model NAME {{ … }}` block")
        return problem("M007", "which model is meant?", span, f"there are {shorten(names)}", help=advice)


def text_of(span: Span | None, otherwise: str) -> str:
    """The text at a place if it is one line, without doubled blanks; else `otherwise`."""
    if span is None or "#" in span.text:
        return otherwise
    return " ".join(span.text.split())
