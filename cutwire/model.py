"""`Model`: a causal model with what is known of its boxes, and every question one can ask of it from Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutwire.interpreted import Interpreted, check_semantics, is_exact
from parser.program import Definition, ModelDef, QueryStatement, Resampling
from strings.diagnostic import Diagnostic, QueryError, Source, did_you_mean
from strings.formula import Ask
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Object
from strings.surgery import Cut, CutWire, Do, Open, Replace, Surgery, operate

if TYPE_CHECKING:
    from cutwire.assessment import Assessment
    from cutwire.claims import Verdict
    from cutwire.identification import Identification

Answer = Any
"""A `Distribution` if the question leaves variables free; else one number: a float, or a Fraction if exact."""


@dataclass(frozen=True)
class Model(Interpreted):
    """A causal model. Immutable: surgery gives a new model.

    Build one with `cutwire.load`, `cutwire.parse`, `cutwire.read_bif` or `Model.from_edges`.

    >>> model = Model.from_edges(directed=[("X", "Y")], bidirected=[("X", "Y")], domains=2)
    >>> model.variables, model.latents
    (('X', 'Y'), ('U_X_Y',))
    >>> print(model.cut("X").diagram)
    diagram () -> X, Y {
      X0 <- uniform()
      U_X_Y1 <- u_x_y()
      Y2 <- y(X0, U_X_Y1)
      return X0, Y2
    }
    """

    @staticmethod
    def from_edges(
        directed: Iterable[tuple[str, str]] = (),
        bidirected: Iterable[tuple[str, str]] = (),
        domains: int | Mapping[str, int | Sequence[object]] | None = None,
        nodes: Iterable[str] = (),
        name: str = "model",
        *,
        latents: Iterable[str] = (),
    ) -> Model:
        """A model of which only the shape is known; a bidirected edge is a hidden common cause of two variables.

        `domains`: the number of values of every variable, or of each by name, or the values themselves. `latents`:
        variables of the graph that are hidden.
        """
        shape = CausalModel.from_edges(directed, bidirected, domains, nodes, name, latents=latents)
        return Model(ModelDef(name, shape))

    def query(
        self,
        question: str | Sequence[str],
        *,
        do: Mapping[str, object] | None = None,
        given: Mapping[str, object] | None = None,
        semantics: str | None = None,
        using: str = "",
        max_memory: int | None = None,
        samples: int | None = None,
        seed: int = 0,
    ) -> Answer:
        """Ask `P(… | do(…), …)`, as text or as target variable(s) with `do` and `given`.

        Variables left free are axes of the answer, a `Distribution`; a question without free variables gives a number.
        In `do` and `given` the value `None` leaves a variable free. `semantics` is `"matrix"` (float64), `"exact"`
        (fractions), `"symbolic"` (sympy), `"gaussian"`, `"pyro"` (then `samples` and `seed` count) or `"possible"`;
        left out, it is the one that suits the question, floats where there are tables. `using` names an
        interpretation; `max_memory` bounds the bytes of the largest intermediate table.

        Raises:
            LanguageError, QueryError, ZeroProbabilityError, LimitError: each with a `.diagnostic`.
        """
        from cutwire.meanings import Options, answer_statement
        from cutwire.needs import fitting

        if semantics is not None:
            check_semantics(semantics)
        if do is None and given is None and isinstance(question, str) and question not in self.shape.names:
            statement = replace(self.parse_question(question), using=using)
        else:
            names = (question,) if isinstance(question, str) else tuple(question)
            statement = QueryStatement(self.name, Ask(self._question(names, do or {}, given or {})), "", using=using)
        chosen = semantics or fitting(self, statement) or "matrix"
        return answer_statement(self, statement, chosen, Options(False, max_memory, samples, seed)).value

    def parse_question(self, question: str) -> QueryStatement:
        """A question in the language's words, resolved against this model; what is odd about it is added to
        `warnings`."""
        from parser.elaborate import elaborate_query
        from parser.read import read_expression

        source = Source("<query>", question)
        return elaborate_query(read_expression(question, "<query>"), self.definition, source, self.notice)

    def _question(self, targets: Sequence[str], do: Mapping[str, object], given: Mapping[str, object]) -> Query:
        for k, n in enumerate(targets):
            self.shape.object(n)
            if n in targets[:k]:
                raise QueryError(Diagnostic("N010", f"`{n}` stands twice in this question", help=("name it once",)))
        if not targets:
            raise QueryError(Diagnostic("Q001", "this question asks for nothing", help=("name a variable",)))
        for option, mapping in (("do", do), ("given", given)):
            if not isinstance(mapping, Mapping):
                raise QueryError(
                    Diagnostic(
                        "Q001",
                        f"`{option}=` takes a mapping of variables to values, not {type(mapping).__name__}",
                        help=(f'write {option}={{"{self.shape.names[0]}": value}}',),
                    )
                )
        surgeries: list[Surgery] = []
        for n, v in do.items():
            surgeries.append(Open(n) if v is None else self._set(n, v))
        seen = tuple(Term(n, None if v is None else (self._value(n, v),)) for n, v in given.items())
        return Query(tuple(Term(n) for n in targets), seen, tuple(surgeries))

    def _set(self, name: str, value: object) -> Do:
        """The surgery that sets a variable; one that there is not is refused by the surgery itself."""
        return Do(name, self._value(name, value) if name in self.shape.names else str(value))

    def _value(self, name: str, value: object) -> str:
        x, text = self.shape.object(name), str(value)
        if x.space:
            return self._number(x, value)
        if x.values is not None and text not in x.values:
            raise QueryError(
                Diagnostic(
                    "N003",
                    f"`{text}` is not a value of `{name}`",
                    label=f"not in {{{', '.join(x.values)}}}",
                    notes=(f"`{name}` takes {', '.join(x.values[:12])}",),
                    help=did_you_mean(text, x.values),
                )
            )
        return text

    def _number(self, x: Object, value: object) -> str:
        """A number for a real wire, in its one spelling."""
        from parser.domains import as_value

        try:
            text = as_value(str(Fraction(value) if isinstance(value, int | float | Fraction) else value), x)
        except (ValueError, OverflowError):
            text = None
        if text is None:
            wanted = "takes whole numbers from 0 on" if x.space == "count" else "takes numbers"
            message = f"`{value}` is not a value of `{x.name}`"
            raise QueryError(Diagnostic("N003", message, notes=(f"`{x.name}` is {x.space}: it {wanted}",)))
        return text

    def estimate(
        self,
        question: str,
        data: object,
        *,
        semantics: str | None = None,
        bootstrap: int = 0,
        level: float = 0.95,
        seed: int = 0,
        max_memory: int | None = None,
    ) -> Assessment:
        """Answer a question, or a formula of several, from data on the observed variables by identification; boxes need
        no numbers.

        `data`: the name of a data set of the model file, a `Distribution`, a data frame, or a mapping of columns. The
        result has the numbers (`.distribution`), the `.formula`, what is merely `.seen`, the conditionals that rest on
        few cases (`.thin`) and, with `bootstrap` resamples (20 or more), an `.interval` of the given level. Exact where
        the data are, unless `semantics` says `"matrix"`.

        Raises:
            QueryError: E001 if the effect does not follow from the observed variables, Q011 if the data are no counts.
        """
        from cutwire.evaluate import estimate_formula

        statement = self.parse_question(question)
        dataset = self.as_dataset(data)
        exact = is_exact(semantics) if semantics is not None else dataset.exact
        resampling = Resampling(bootstrap, level, seed) if bootstrap else None
        return estimate_formula(self, replace(statement, resampling=resampling), dataset, exact, max_memory)

    def identify(
        self, question: str, given: str | Sequence[str] | None = None, *, check: bool = True
    ) -> Identification:
        """Whether the answer to a question follows from what is given, for every model of this shape.

        `given`: the joint of all observed variables if left out; a distribution as text, `"P(S, C)"` or, for an
        experiment, `"P(Y, Z | do(X))"`; several of these; or `"experiments"`, all interventional distributions. With
        `check`, an estimand is compared with surgery on random models before it is handed out.

        Raises:
            QueryError: E002, E003, E005, I002 for what cannot be asked or given.
        """
        from cutwire.identification import as_given, experiments, identify_statement
        from parser.program import IdentifyStatement

        query, asked = self._probability(question)
        if given == "experiments":
            distributions = experiments(self.shape, query)
        else:
            texts = [given] if isinstance(given, str) else list(given or ())
            distributions = tuple(as_given(self._probability(t)[0]) for t in texts)
        statement = IdentifyStatement(
            self.name,
            query,
            asked.text,
            given=distributions,
            axes=asked.axes,
            tables=asked.tables,
            span=asked.span,
        )
        found = identify_statement(self, statement)
        if check and found.identifiable:
            found.check()
        return found

    def check(self, claim: str, *, models: int | None = None, seed: int = 0, assuming: str | None = None) -> Verdict:
        """Whether a claim holds in every model of this shape, whatever its numbers.

        `claim` compares formulas, as in `"P(C | do(S := s)) == P(C | S = s)"`; a value name left free stands for every
        value. The verdict has `.holds`, `.evidence` and, if it falls, a small `.counterexample`.

        Raises:
            LanguageError, QueryError: for what is no claim.
        """
        from cutwire.claims import check_text

        return check_text(self, claim, models, seed, assuming)

    def _probability(self, text: str) -> tuple[Query, QueryStatement]:
        """A text that is one probability, and all that it brings up."""
        statement = self.parse_question(text)
        if not isinstance(statement.formula, Ask):
            raise QueryError(
                Diagnostic("E004", f"`{text}` is not one probability", help=("ask for one, such as `P(C | do(S))`",))
            )
        return statement.formula.query, statement

    def cut(self, variable: str, sink: str | None = None) -> Model:
        """Cut the wire into `variable` (the uniform state takes its place), or only the wire `variable -> sink`."""
        return self.after(Cut(variable) if sink is None else CutWire(variable, sink))

    def do(self, assignments: Mapping[str, object] | None = None, **values: object) -> Model:
        """Set variables to values: `model.do(S="yes")`."""
        given = {**(assignments or {}), **values}
        return self.after(*(self._set(n, v) for n, v in given.items()))

    def open(self, *variables: str) -> Model:
        """Make variables inputs of the model: their mechanisms are forgotten."""
        return self.after(*(Open(n) for n in variables))

    def replace(self, variable: str, mechanism: Mechanism, definitions: Mapping[str, Definition]) -> Model:
        """Put another mechanism in place of a variable's; `definitions` gives its boxes their numbers."""
        operated = self.after(Replace(variable, mechanism))
        known = {**operated.definition.definitions, **definitions}
        return Model(replace(operated.definition, definitions=known))

    def after(self, *surgeries: Surgery) -> Model:
        """The model after any surgeries (`strings.surgery`)."""
        return Model(replace(self.definition, model=operate(self.shape, *surgeries)))

    def with_parameters(self, values: Mapping[str, object] | None = None, **named: object) -> Model:
        """The model with values for its parameters: numbers, or text such as `"1/3"`; `None` takes a value away.

        Raises:
            QueryError: N002 for a parameter that the model does not have, T025 for a value outside of its interval.
        """
        from cutwire.parameters import with_values

        return replace(self, definition=with_values(self.definition, {**(values or {}), **named}))

    def to_networkx(self) -> Any:
        """The graph of the model as a `networkx.DiGraph`; hidden variables say `observed="no"`.

        Raises:
            CutwireError: V003 if networkx is not installed.
        """
        from cutwire.conversion import to_networkx

        return to_networkx(self)

    def draw(self, path: str | Path | None = None, surgeries: Sequence[Surgery] = ()) -> str:
        """Draw the model, with `surgeries` before and after; returns the SVG text and writes `path` if given."""
        from strings.picture import draw_model

        return draw_model(self.shape, surgeries, path)

    def _repr_html_(self) -> str:
        from cutwire.notebook import model_html

        return model_html(self)

    def _repr_svg_(self) -> str:
        return self.draw()

    def __repr__(self) -> str:
        hidden = f", hidden {', '.join(self.latents)}" if self.latents else ""
        shown = ", ".join(self.variables[:8]) + (", …" if len(self.variables) > 8 else "")
        return f"<Model {self.name}: {shown}{hidden}>"


def read_bif(path: str | Path) -> Model:
    """Read a Bayesian network from a `.bif` or `.bif.gz` file. A warning says if rows do not sum to 1.

    Raises:
        LanguageError: with line and caret, if the file is broken.
    """
    from parser.bif import read_bif as read

    definition, warnings = read(path)
    return Model(definition, warnings)
