"""What every answer of `model.identify(…)` has, of one world or of several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from strings.diagnostic import CutwireError, Diagnostic
from strings.estimand import Given
from strings.formula import Formula
from strings.latex import latex
from strings.mathml import mathml
from strings.query import Query

if TYPE_CHECKING:
    from cutwire.interpreted import Interpreted
    from semantics.moves import Witness


class Decision(ABC):
    """The verdict `found` on a question to `model`: its formula in several forms, and the models that refute it.

    An answer says for itself what is `identifiable`, `given`, what its `criteria`, `steps` and `note` are, how its
    formula is written, and which models refute it.
    """

    model: Interpreted
    found: Any

    @property
    @abstractmethod
    def identifiable(self) -> bool:
        """Whether the answer follows, for all numbers of values."""

    @property
    @abstractmethod
    def given(self) -> Sequence[Given | str]:
        """What is given."""

    @property
    @abstractmethod
    def criteria(self) -> Sequence[object]:
        """The named criteria that apply."""

    @property
    @abstractmethod
    def steps(self) -> Sequence[Any]:
        """The derivation, step by step."""

    @property
    @abstractmethod
    def note(self) -> str:
        """What else there is to say of the verdict."""

    @abstractmethod
    def _written(self, show: Callable[[Formula], str]) -> str | None:
        """The formula as it is shown, if the answer follows."""

    @property
    @abstractmethod
    def _refuting(self) -> Witness | None:
        """Two models that refute, looked for once, if the answer does not follow."""

    @property
    def proved(self) -> bool:
        """Whether the verdict has been proved: by a derivation, or by two models that refute."""
        return self.identifiable or self._refuting is not None

    @property
    def refuted(self) -> bool:
        """Whether two models that refute have been found by now; `witness` looks for them if need be."""
        return self.__dict__.get("_witness") is not None

    @property
    def query(self) -> Query:
        """The question."""
        asked: Query = self.found.asked
        return asked

    @cached_property
    def formula(self) -> str | None:
        """The answer as a formula over what is given, if it follows."""
        return self._written(str)

    @cached_property
    def latex(self) -> str | None:
        """The formula as LaTeX."""
        return self._written(latex)

    @cached_property
    def mathml(self) -> str | None:
        """The formula as MathML."""
        return self._written(mathml)

    @cached_property
    def witness(self) -> tuple[Interpreted, Interpreted] | None:
        """Two models with exact numbers that agree on everything given and differ in the answer; of a refusal.

        They are models of the part of the graph that the question depends on: all other wires may be ignored. Of a
        question about several worlds their boxes are functions. Where the answer follows for the values that are
        declared, or no witness is found with them, the variables in the way have more.
        """
        w = self._refuting
        if w is None:
            return None
        make = self.model.with_numbers
        one, other = ({**t, **w.policies} for t in (w.one, w.other))
        return make(w.shape, one, "witness_one"), make(w.shape, other, "witness_other")

    @cached_property
    def witness_file(self) -> str:
        """The two models as one model file that shows the difference when it is run; empty if there are none."""
        from cutwire.witnesses import witness_source

        if self._refuting is None:
            return ""
        try:
            return witness_source(self._refuting, self.query)
        except CutwireError:  # a variable whose name the language cannot write
            return ""

    def to_dict(self, check: bool = True) -> dict[str, Any]:
        """Plain data for JSON, as the command line documents it."""
        shown: dict[str, Any] = {
            "identifiable": self.identifiable,
            "formula": self.formula,
            "latex": self.latex,
            "steps": [{"rule": s.rule, "law": s.law, "text": s.text} for s in self.steps],
            "witness": None,
            "given": [str(g) for g in self.given],
            "criteria": [str(c) for c in self.criteria],
            "note": self.note or None,
        }
        if not self.identifiable and check and self._refuting is not None:
            from cutwire.witnesses import witness_dict

            shown["witness"] = witness_dict(self._refuting, self.query)
        return shown

    def _repr_latex_(self) -> str | None:
        return f"${self.latex}$" if self.latex is not None else None

    def __repr__(self) -> str:
        if self.identifiable:
            return f"<{self.query} is identifiable: {self.formula}>"
        return f"<{self.query} is not identifiable from {'; '.join(map(str, self.given))}: {self.note}>"


def bug(message: str) -> CutwireError:
    """X001: an answer failed its check."""
    help_ = ("this is a bug of Cutwire: please report it with your model file",)
    return CutwireError(Diagnostic("X001", message, help=help_))
