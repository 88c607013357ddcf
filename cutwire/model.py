"""`Model`: a causal model with what is known of its boxes, and every question one can ask of it from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutwire.arguments import check_mapping, names_of, none_is_empty
from cutwire.interpreted import Interpreted, check_semantics, is_exact
from cutwire.progress import tell
from parser.program import Definition, ModelDef, QueryStatement, Resampling
from semantics.arithmetic import PrecisionError
from semantics.slicing import in_slices
from strings.diagnostic import CutwireError, Diagnostic, QueryError, Source, did_you_mean
from strings.formula import Ask
from strings.model import CausalModel, Mechanism
from strings.query import Query, Term
from strings.signature import Object
from strings.surgery import Cut, CutWire, Do, Open, Replace, Surgery, operate

if TYPE_CHECKING:
    from cutwire.assessment import Assessment
    from cutwire.changes import Changes
    from cutwire.claims import Verdict
    from cutwire.identification import AnyIdentification
    from cutwire.laws import LawReport
    from cutwire.posterior import Posterior
    from semantics.distribution import Distribution
    from semantics.formulae import Expressions
    from semantics.linear_effect import LinearEffect
    from semantics.pyro.program import PyroProgram

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
        slices: bool = False,
    ) -> Answer:
        """Ask `P(… | do(…), …)`, as text or as target variable(s) with `do` and `given`.

        Variables left free are axes of the answer, a `Distribution`; a question without free variables gives a number.
        In `do` and `given` the value `None` leaves a variable free. `semantics` is `"matrix"` (float64), `"exact"`
        (fractions), `"symbolic"` (sympy), `"gaussian"`, `"pyro"`, `"sampled"` (for
        these two `samples` and `seed` count) or `"possible"`; left out, it is the one that suits the question, floats
        where there are tables. `using` names an interpretation; `max_memory` bounds the bytes of the tables on the way.
        With `slices`, what needs more is computed in slices that fit, one after another.

        Raises:
            LanguageError, QueryError, ZeroProbabilityError, LimitError: each with a `.diagnostic`.
        """
        question = question if isinstance(question, str) else names_of(question)
        if (semantics is None or semantics == "matrix") and not slices:
            found = self._at_once(question, do, given, using, max_memory)
            if found is not None:
                return found
        from cutwire.meanings import Options, answer_statement

        if semantics is not None:
            check_semantics(semantics)
        statement = self._statement(question, do, given, using)
        how = Options(False, max_memory, samples, seed)
        with in_slices(tell) if slices else nullcontext():
            return answer_statement(self, statement, semantics or "", how, "matrix").value

    def query_each(
        self,
        targets: str | Sequence[str],
        *,
        do: Mapping[str, object] | None = None,
        given: Mapping[str, object] | None = None,
        parameters: Mapping[str, object] | None = None,
        tables: Mapping[str, object] | None = None,
        using: str = "",
        max_memory: int | None = None,
        like: object = None,
    ) -> Distribution:
        """Ask `P(targets | do(…), …)` once for each row, all in one contraction.

        A column is a list, an array or a column of a data frame, and has a value for each row; a single value is for
        all rows. `do` and `given` have columns of values by variable (`given` may be a data frame itself), `parameters`
        columns of numbers by parameter, `tables` by box an array of shape (rows, values of each input…, values of the
        output). The answer is a `Distribution` whose first axis is `row`. With an array `like` of PyTorch, JAX or
        another library of the array-API standard, it is computed in that library, on the device of the array and in its
        precision.

        Raises:
            QueryError: S008 if `like` is no array, Q021 for columns of different lengths, N001 for an unknown box, T022
                for tables that do not fit, and as `query`.
            ZeroProbabilityError: Q002 for the first row in which what is seen has probability zero.
            LimitError: L001 if it needs more than `max_memory` bytes.
        """
        from cutwire.rows import query_each

        return query_each(self, names_of(targets), do, given, parameters, tables, using, max_memory, like)

    def marginals(
        self,
        variables: Iterable[str] | None = None,
        *,
        do: Mapping[str, object] | None = None,
        given: Mapping[str, object] | None = None,
        using: str = "",
        max_memory: int | None = None,
    ) -> dict[str, Distribution]:
        """`P(V | do(…), …)` for each variable V (all that are observed, unless `variables` are named), in one sweep.

        Raises:
            LanguageError, QueryError, ZeroProbabilityError, LimitError: as `query`.
        """
        from cutwire.rows import marginals

        asked = self.variables if variables is None else names_of(variables)
        return marginals(self, asked, none_is_empty(do), none_is_empty(given), using, max_memory)

    def changes(self, what: str, *, hidden: bool = False, using: str = "", max_memory: int | None = None) -> Changes:
        """What surgery changes everywhere: `model.changes("do(S := yes), T = no")` compares the distribution of every
        observed variable (also of the `hidden` ones) with what it is without the surgery, given the same evidence.

        `what` is what may stand behind the bar of `P(… | …)`, or surgery as behind `after`. Where it is evidence alone,
        that is compared with nothing seen. The result prints as a table, and has `.rows()` and the `.distance` (total
        variation) of every variable.

        Raises:
            LanguageError, QueryError, ZeroProbabilityError, LimitError: as `query`; W006, N013 for what has no value.
        """
        from cutwire.changes import changes_of_text

        return changes_of_text(self, what, hidden=hidden, using=using, max_memory=max_memory, warn=self.notice)

    def _at_once(
        self,
        question: str | Sequence[str],
        do: Mapping[str, object] | None,
        given: Mapping[str, object] | None,
        using: str,
        max_memory: int | None,
    ) -> Distribution | None:
        """The answer to a question put in words of Python that tables ready for it can answer: in microseconds, where a
        statement of the language takes longer to write than to answer. What goes wrong goes wrong again on the way of
        all other questions, which tells it better."""
        try:
            ready = self.factored(using)
            targets = (question,) if isinstance(question, str) else question
            return ready.answer(targets, none_is_empty(do), none_is_empty(given), max_memory)
        except (CutwireError, PrecisionError, AttributeError, TypeError):  # `do` or `given` may be no mapping
            return None

    def symbolic(
        self,
        question: str | Sequence[str],
        *,
        do: Mapping[str, object] | None = None,
        given: Mapping[str, object] | None = None,
        using: str = "",
        max_memory: int | None = None,
    ) -> Expressions:
        """Ask as `query` does, and have the answer as expressions of the parameters (sympy).

        The result has `.value` (one expression, if it is of an event), `.conditions`, `.derivative("p")`,
        `.at(p="1/3")`, `.function()` (numpy) and `.latex`. Parameters with a value are symbols all the same.

        Raises:
            LanguageError, QueryError, ZeroProbabilityError, LimitError: each with a `.diagnostic`.
        """
        from cutwire.meanings import Options
        from cutwire.symbolic import evaluate_symbolic

        statement = self._statement(question, do, given, using)
        answer: Expressions = evaluate_symbolic(self, statement, Options(max_memory=max_memory)).answer  # type: ignore[assignment]
        return answer

    def _statement(
        self,
        question: str | Sequence[str],
        do: Mapping[str, object] | None,
        given: Mapping[str, object] | None,
        using: str,
    ) -> QueryStatement:
        """A question from Python, as text or as targets with `do` and `given`."""
        if do is None and given is None and isinstance(question, str) and question not in self.shape.names:
            return replace(self.parse_question(question), using=using)
        asked = self._question(names_of(question), none_is_empty(do), none_is_empty(given))
        return QueryStatement(self.name, Ask(asked), "", using=using)

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
            check_mapping(option, mapping, "variables to values", self.shape.names[0])
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
        from cutwire.needs import in_numbers, numbers_only

        statement = in_numbers(self, self.parse_question(question))
        dataset = self.as_dataset(data)
        exact = is_exact(semantics) if semantics not in (None, "gaussian") else dataset.exact
        resampling = Resampling(bootstrap, level, seed) if bootstrap else None
        if any(x.space for x in self.shape.variables):
            from cutwire.gaussian import estimate_gaussian

            with numbers_only():
                return estimate_gaussian(self, replace(statement, resampling=resampling), dataset, semantics == "exact")
        with numbers_only():
            return estimate_formula(self, replace(statement, resampling=resampling), dataset, exact, max_memory)

    def linear_effect(
        self, treatment: str, outcome: str, data: object | None = None, *, method: str | None = None
    ) -> LinearEffect:
        """By how much `outcome` rises if `treatment` is raised by one, in a linear model of this shape.

        It is read off covariances by the first criterion that applies, or by the `method` that is named: back door,
        adjustment, front door, or an instrument, which identifies nothing without linearity. `data` is as in
        `estimate`, or a `Model` with numbers; left out, it is this model's own numbers. The result says which
        `.criterion` was used, the `.formula` and what it `.assumes`.

        Raises:
            QueryError: G007 if no criterion applies, G008 if the covariances do not determine the effect.
        """
        from semantics.linear_effect import data_covariances, linear_effect, model_covariances

        if data is None or isinstance(data, Interpreted):
            from cutwire.gaussian import gauss_of_model
            from cutwire.needs import numbers_only

            source = self if data is None else data
            with numbers_only():
                known = model_covariances(source.shape, gauss_of_model(source, exact=False))
        else:
            known = data_covariances(self.as_dataset(data, numeric=True), self.shape)
        return linear_effect(self.shape, treatment, outcome, known, method)

    def identify(
        self, question: str, given: str | Sequence[str] | None = None, *, check: bool = True
    ) -> AnyIdentification:
        """Whether the answer to a question follows from what is given, for every model of this shape.

        `given`: the joint of all observed variables if left out; a distribution as text, `"P(S, C)"` or, for an
        experiment, `"P(Y, Z | do(X))"`; several of these; or `"experiments"`, all interventional distributions. With
        `check`, an estimand is compared with surgery on random models before it is handed out.

        Raises:
            QueryError: E002, E003, E005, I002, W007 for what cannot be asked or given.
        """
        from cutwire.identification import as_given, identify_statement
        from parser.program import IdentifyStatement

        query, asked = self._probability(question)
        texts = [given] if isinstance(given, str) else list(given or ())
        everything = "experiments" in texts
        for t in texts:
            if near := did_you_mean(t, ("experiments",)):
                raise QueryError(Diagnostic("I002", f"`{t}` cannot be given", help=near))
        distributions = () if everything else tuple(as_given(self._probability(t)[0]) for t in texts)
        statement = IdentifyStatement(
            self.name,
            query,
            asked.text,
            given=distributions,
            axes=asked.axes,
            tables=asked.tables,
            span=asked.span,
            experiments=everything,
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

    def laws(self, *, seed: int = 0) -> LawReport:
        """The laws of interpretation and surgery, tried for this model in every semantics that applies to it.

        The report prints as a table; `.holds` says whether all is well, `.failures` what is not.
        """
        from cutwire.laws import model_laws

        return model_laws(self, seed)

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

    # ---- with Pyro -------------------------------------------------------------------------------------------------

    def defined(self, definitions: Mapping[str, Definition]) -> Model:
        """The model with other definitions for some of its boxes."""
        known = {**self.definition.definitions, **definitions}
        return replace(self, definition=replace(self.definition, definitions=known))

    def with_mechanism(self, box: str, function: Callable[..., Any]) -> Model:
        """The model in which a box is computed by Python: a function, or a neural network of torch.

        It is called with one tensor for each input of the box, all of one shape: numbers as float64 (or in the
        precision of the network), finite values as their positions (whole numbers, in the declared order). It returns a
        distribution of torch or Pyro, or a tensor if there is no chance in it, with one entry for each entry of the
        inputs; for a finite output a `Categorical` over its values, or positions. Such a box is for `semantics="pyro"`.

        Raises:
            QueryError: N001 if the model has no such box, S003 if `function` cannot be called.
        """
        from cutwire.posterior import with_mechanism

        return Model(with_mechanism(self, box, function), self.found_on_reading)

    def pyro_program(self, using: str = "") -> PyroProgram:
        """The model as a plain Pyro program: a callable with one sample site for each variable, under its name.

        `program()` is one run, `program(size=1000)` has a plate of rows, `program(data)` observes columns. It works
        with all of Pyro: `pyro.poutine.do(program, {"X": …})`, `pyro.condition`, `SVI`, `MCMC`, `Predictive`. Finite
        values are positions. A parameter without a value is a site of its own, an unknown table one called `BOX.table`.

        Raises:
            QueryError: S001 if Pyro is not installed.
        """
        from cutwire.sampling import program_of, require_pyro

        require_pyro("a Pyro program")
        return program_of(self, self.shape, using=using)

    def posterior(
        self,
        data: object,
        method: str | None = None,
        *,
        samples: int = 1000,
        seed: int = 0,
        warmup: int | None = None,
        steps: int = 2000,
        lr: float = 0.02,
        particles: int | None = None,
    ) -> Posterior:
        """What data tell of the parameters and tables that are left open.

        `data` is the name of data in the file, a data frame or a mapping of columns. Variables that it lacks are summed
        out (finite ones by enumeration). `method` is `"exact"` (in closed form, where that holds; the default then),
        `"nuts"` (otherwise the default; after `warmup` steps), `"svi"` (`steps` of gradient descent at the rate `lr`;
        trains networks, too) or `"importance"` (`particles` from the prior). The same seed gives the same draws.

        Raises:
            QueryError: S001 if Pyro is not installed, S004 for a parameter without a prior, S005 if there is nothing to
                learn or the method does not fit, S006 if the inference fails.
            LanguageError: codes F, for data that do not fit the variables.
        """
        from cutwire.posterior import posterior

        return posterior(self, data, method, samples, seed, warmup, steps, lr, particles)

    def fit_mechanisms(self, data: object, *, steps: int = 2000, lr: float = 0.02, seed: int = 0) -> Model:
        """The model with its networks trained on data by maximum likelihood; open parameters and tables get the values
        where their posterior is largest. This model keeps its own networks as they are.

        Raises:
            QueryError: S001 if Pyro is not installed, S005 if there is nothing to train, S006 if it fails.
        """
        from cutwire.posterior import fit_mechanisms

        return fit_mechanisms(self, data, steps, lr, seed)[0]

    # ---- elsewhere -------------------------------------------------------------------------------------------------

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

    def draw_question(
        self,
        question: str,
        path: str | Path | None = None,
        *,
        steps: bool = False,
        warn: Callable[[Diagnostic], None] | None = None,
    ) -> str:
        """Draw what a question `P(…)` depends on, in all its worlds; returns the SVG text and writes `path` if given.

        With `steps`, a film strip of how its worlds become so simple.

        Raises:
            LanguageError, QueryError: for a question that the model does not understand, or no single probability.
            PictureError: as `strings.picture.draw`.
        """
        from strings.picture import draw_question

        return draw_question(self.shape, query_to_draw(self, question), path, steps=steps, warn=warn)

    def _repr_html_(self) -> str:
        from cutwire.notebook import model_html

        return model_html(self)

    def _repr_svg_(self) -> str:
        return self.draw()

    def __repr__(self) -> str:
        hidden = f", hidden {', '.join(self.latents)}" if self.latents else ""
        shown = ", ".join(self.variables[:8]) + (", …" if len(self.variables) > 8 else "")
        return f"<Model {self.name}: {shown}{hidden}>"


def query_to_draw(model: Model, question: str) -> Query:
    """The one probability that a text asks for.

    Raises:
        QueryError: T018 if it is a formula.
    """
    asked = model.parse_question(question).formula
    if not isinstance(asked, Ask):
        message, label = "one probability is drawn at a time", "this is a formula"
        raise QueryError(Diagnostic("T018", message, asked.span, label, help=("write `P(…)`",)))
    return asked.query


def read_bif(path: str | Path) -> Model:
    """Read a Bayesian network from a `.bif` or `.bif.gz` file. A warning says if rows do not sum to 1.

    Raises:
        LanguageError: with line and caret, if the file is broken.
    """
    from parser.bif import read_bif as read

    definition, warnings = read(path)
    return Model(definition, warnings)
