"""What a model holds: its shape, what is known of its boxes, its data. Questions are asked of `cutwire.model`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Self

from cutwire.tables import check_exact_size, dataset, kernels, spaces_of
from parser.program import Definition, ModelDef
from parser.program import Table as TableDef
from semantics.factored import Factored
from strings.diagnostic import CutwireError, Diagnostic, QueryError, did_you_mean
from strings.diagram import Diagram
from strings.expression import ParameterDef
from strings.model import CausalModel
from strings.query import Query
from strings.signature import Box
from strings.surgery import Surgery, boxes_of

if TYPE_CHECKING:
    from semantics.data import Dataset
    from semantics.distribution import Distribution
    from semantics.expressions import ParameterValues
    from semantics.kernel import Kernel


@dataclass(frozen=True)
class Interpreted:
    """A causal model with what is known of its boxes: numbers, interpretations, data."""

    definition: ModelDef
    found_on_reading: tuple[Diagnostic, ...] = field(default=(), compare=False)

    @classmethod
    def with_numbers(cls, shape: CausalModel, tables: Mapping[str, Kernel], name: str) -> Self:
        """A model with exact numbers for all its boxes, and for policies that can be put in their place."""
        definitions = {n: TableDef(t.array.shape, tuple(t.array.flat)) for n, t in tables.items()}
        own = boxes_of(shape)
        policies = {n: Box(n, t.dom, t.cod) for n, t in tables.items() if n not in own}
        return cls(ModelDef(name, shape, definitions, policies=policies))

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def shape(self) -> CausalModel:
        """The model without its numbers."""
        return self.definition.model

    @property
    def variables(self) -> tuple[str, ...]:
        """The observed variables, in declared order."""
        return self.shape.observed

    @property
    def latents(self) -> tuple[str, ...]:
        """The hidden variables, in declared order."""
        return tuple(n for n in self.shape.names if n in self.shape.latents)

    @property
    def diagram(self) -> Diagram:
        """The model's string diagram: from its inputs (none, unless opened) to its observed variables."""
        return self.shape.diagram

    @cached_property
    def _kernels(self) -> dict[tuple[str, bool], dict[str, Kernel]]:
        return {}

    @cached_property
    def _factored(self) -> dict[str, Factored]:
        return {}

    @cached_property
    def _datasets(self) -> dict[str, Dataset]:
        return {}

    @cached_property
    def _noticed(self) -> dict[Diagnostic, None]:
        return {}

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What was noticed on reading the model and, so far, its data and questions put to it as text; each once."""
        return tuple(dict.fromkeys((*self.found_on_reading, *self._noticed)))

    @property
    def interpretations(self) -> tuple[str, ...]:
        """The names of the model's interpretations (`interpret … as NAME`)."""
        return tuple(self.definition.interpretations)

    @property
    def parameters(self) -> Mapping[str, ParameterDef]:
        """The parameters of the model (`param`), by name."""
        return self.definition.parameters

    @property
    def parameter_values(self) -> ParameterValues:
        """The values of the parameters that have one."""
        return {n: p.value for n, p in self.parameters.items() if p.value is not None}

    def definitions(self, using: str) -> Mapping[str, Definition]:
        """The definitions of the boxes, those of an interpretation taking precedence."""
        if not using:
            return self.definition.definitions
        if using not in self.definition.interpretations:
            raise QueryError(
                Diagnostic(
                    "N001",
                    f"`{self.name}` has no interpretation `{using}`",
                    help=did_you_mean(using, self.interpretations),
                )
            )
        return {**self.definition.definitions, **self.definition.interpretations[using]}

    def kernels(
        self,
        *,
        using: str = "",
        exact: bool = False,
        surgeries: Iterable[Surgery] = (),
        extra: Mapping[str, Definition] | None = None,
    ) -> dict[str, Kernel]:
        """The kernel of every box that has numbers, by box name; `extra` defines boxes that surgeries put in."""
        if (using, exact) not in self._kernels:
            boxes = boxes_of(self.shape)
            if exact:
                check_exact_size(boxes)
            self._kernels[using, exact] = kernels(
                boxes, self.definitions(using), self.dataset, exact, self.parameter_values
            )
        own = self._kernels[using, exact]
        added = {n: b for n, b in boxes_of(None, surgeries).items() if n not in own}
        if not added:
            return own
        definitions = {**self.definitions(using), **(extra or {})}
        return {**own, **kernels(added, definitions, self.dataset, exact, self.parameter_values)}

    def factored(self, using: str = "") -> Factored:
        """The model and its tables of floats, made ready for questions; raises as `kernels`."""
        if using not in self._factored:
            self._factored[using] = Factored.of(self.shape, self.kernels(using=using))
        return self._factored[using]

    def policy_kernels(self, extra: Mapping[str, Definition], queries: Iterable[Query]) -> dict[str, Kernel]:
        """The exact kernels of the boxes that the surgeries of some questions put in place of mechanisms."""
        added = boxes_of(None, [s for q in queries for s in q.operations])
        definitions = {**self.definition.definitions, **extra}
        return kernels(added, definitions, self.dataset, True, self.parameter_values)

    def dataset(self, name: str) -> Dataset:
        """A data set of the model file by name, read once.

        Raises:
            QueryError: N002 with a did-you-mean if there is none.
        """
        if name not in self._datasets:
            known = self.definition.data
            if name not in known:
                raise QueryError(
                    Diagnostic(
                        "N002",
                        f"there is no data `{name}`",
                        notes=(f"declared are {', '.join(known)}",) if known else ("this file declares no data",),
                        help=did_you_mean(name, known),
                    )
                )
            try:
                self._datasets[name], found = dataset(known[name], self.shape)
            except CutwireError as e:
                raise e.at(known[name].span) from None
            self._noticed.update(dict.fromkeys(w.at(known[name].span) for w in found))
        return self._datasets[name]

    def as_dataset(self, data: object, *, numeric: bool = False) -> Dataset:
        """Data on the observed variables, from whatever a user has: the name of data in the model file, a
        `Distribution`, a data frame, a mapping of columns; if it is `numeric`, variables without values are numbers."""
        from semantics.data import from_distribution, from_frame
        from semantics.distribution import Distribution

        if isinstance(data, str):
            return self.dataset(data)
        values = {n: self.shape.object(n).values or () for n in self.variables}
        if isinstance(data, Distribution):
            return from_distribution(data, values)
        bare = {n: "real" for n, v in values.items() if not v} if numeric else {}
        read, warnings = from_frame(data, values, spaces={**bare, **spaces_of(self.shape, values)})
        for w in warnings:
            self.notice(w)
        return read

    def notice(self, warning: Diagnostic) -> None:
        """Keep a warning about data or a question of this model."""
        self._noticed[warning] = None


SEMANTICS: Mapping[str, str] = {
    "matrix": "float64",
    "exact": "fractions",
    "symbolic": "formulas of the parameters",
    "gaussian": "linear models with normal noise, in closed form",
    "pyro": "sampling and enumeration with Pyro",
    "sampled": "estimates by likelihood weighting, for tables that are too wide",
    "possible": "what can happen at all",
}
"""What models can be read as."""


def check_semantics(semantics: str, known: Iterable[str] = tuple(SEMANTICS)) -> None:
    """Whether there is such a semantics.

    Raises:
        QueryError: Q007 if there is none.
    """
    if semantics not in known:
        raise QueryError(
            Diagnostic(
                "Q007",
                f"there is no semantics `{semantics}` here",
                notes=tuple(f'"{n}": {SEMANTICS[n]}' for n in known),
                help=did_you_mean(semantics, list(known)),
            )
        )


def is_exact(semantics: str) -> bool:
    """Whether a semantics of tables computes with fractions.

    Raises:
        QueryError: Q007 if it is neither `"matrix"` nor `"exact"`.
    """
    check_semantics(semantics, ("matrix", "exact"))
    return semantics == "exact"


def as_number(value: Distribution) -> float | Fraction:
    """The single number of a distribution without axes."""
    number = value.array[()]
    return number if isinstance(number, Fraction) else float(number)
