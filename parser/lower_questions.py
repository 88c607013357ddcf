"""Questions, claims and checks, from the parse tree of lark to the nodes of `parser.syntax`.

An option written twice, one that another statement knows, and `from` or `assuming` in the wrong place are told here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, cast

from lark import Token, Tree

from parser import syntax as s
from parser.lower_base import LowerBase, Node, unquote
from strings.diagnostic import Diagnostic, Label, Span

_EXPERIMENTS: Final = "experiments"


class LowerQuestions(LowerBase):
    """The rules of questions, claims, checks and pictures."""

    def observe(self, tree: Tree[Token]) -> s.Observe:
        return s.Observe(self.all(tree), span=self.span(tree))

    def query(self, tree: Tree[Token]) -> s.Query:
        name, expression, *options = map(self.part, tree.children)
        said = self.options(tree, options, ("for_", "unit", "using", "expect"))
        binders = said.get("for_", ())
        return s.Query(
            name, expression, binders, said.get("unit"), said.get("using"), said.get("expect"), span=self.span(tree)
        )

    def identify(self, tree: Tree[Token]) -> s.Identify:
        name, question, given = map(self.part, tree.children)
        all_ = given == _EXPERIMENTS
        return s.Identify(name, question, () if all_ else given or (), all_, span=self.span(tree))

    def estimate(self, tree: Tree[Token]) -> s.Estimate:
        name, expression, *options = map(self.part, tree.children)
        said = self.options(tree, options, ("from_", "for_", "unit", "expect", "bootstrap", "seed", "level"))
        if "from_" not in said:
            end = self.span(tree).end
            note = ("an estimate is computed from data; a `query` is computed from the model's numbers",)
            help_ = ("write `from DATA` behind the expression",)
            where = Span(self.source, end - 1, end)
            self.problems.append(Diagnostic("P016", "`from` is missing", where, "from what?", notes=note, help=help_))
        data = said.get("from_", s.Name(""))
        binders = said.get("for_", ())
        bootstrap = self._bootstrap(tree, said)
        unit, expect = said.get("unit"), said.get("expect")
        return s.Estimate(name, expression, data, binders, unit, expect, bootstrap, span=self.span(tree))

    def _bootstrap(self, tree: Tree[Token], said: Mapping[str, Node]) -> s.Bootstrap | None:
        """How to resample; `seed` and `level` mean nothing without `bootstrap` (P016)."""
        where = {c.data: self.span(c) for c in reversed(tree.children) if isinstance(c, Tree)}
        if "bootstrap" in said:
            return s.Bootstrap(said["bootstrap"], said.get("seed"), said.get("level"), where["bootstrap"])
        word = next((w for w in ("seed", "level") if w in said), None)
        if word is not None:
            message = f"`{word}` belongs to `bootstrap`, which is not there"
            help_ = (f"say how many resamples: `bootstrap 2000 {where[word].text}`",)
            self.problems.append(Diagnostic("P016", message, where[word], "of what resamples?", help=help_))
        return None

    def options(self, tree: Tree[Token], options: Sequence[Node], allowed: Sequence[str]) -> dict[str, Node]:
        """The options of a statement by rule, in the order written; one twice, or one not allowed, is reported."""
        trees = [c for c in tree.children[len(tree.children) - len(options) :] if isinstance(c, Tree)]
        said: dict[str, tuple[Node, Span]] = {}
        for part, value in zip(trees, options, strict=True):
            where, word = self.span(part), part.data.rstrip("_")
            said_twice = {"mode": "the mode", "models": "`for … models`"}.get(word, f"`{word}`")
            if part.data in said:
                first = (Label(said[part.data][1], "first here"),)
                self.problems.append(
                    Diagnostic("P016", f"{said_twice} is written twice", where, "again here", also=first)
                )
            elif part.data not in allowed:
                self.problems.append(_misplaced(tree.data, word, where))
            said.setdefault(part.data, (value, where))
        return {rule: value for rule, (value, _) in said.items()}

    def claim(self, tree: Tree[Token]) -> s.Claim:
        name, binders, body, assuming = map(self.part, tree.children)
        if assuming and type(body) in _NO_COMPARISON:
            note = (_NO_COMPARISON[type(body)],)
            message = "`assuming` belongs to claims that compare formulas"
            where = self.span(cast(Tree[Token], tree.children[3]))
            self.problems.append(Diagnostic("P016", message, where, "not here", notes=note, help=("leave it out",)))
        return s.Claim(name, body, binders or (), assuming or (), span=self.span(tree))

    def diagram_equation(self, tree: Tree[Token]) -> s.DiagramEquation:
        left, relation, right = self.all(tree)
        return s.DiagramEquation(left, right, relation == "==", self.span(tree))

    def independence(self, tree: Tree[Token]) -> s.Independence:
        left, right, behind = map(self.part, tree.children)
        return s.Independence(left, right, behind or (), self.span(tree))

    def identifiable(self, tree: Tree[Token]) -> s.Identifiable:
        negated, question, given = map(self.part, tree.children)
        all_ = given == _EXPERIMENTS
        return s.Identifiable(question, () if all_ else given or (), negated is None, self.span(tree), all_)

    def given(self, tree: Tree[Token]) -> tuple[s.Probability, ...] | Literal["experiments"]:
        first = tree.children[0]
        return _EXPERIMENTS if isinstance(first, Token) else self.parts(tree)

    def whole(self, tree: Tree[Token]) -> s.Whole:
        return s.Whole(int("".join(map(str, tree.children))), self.span(tree))

    def check(self, tree: Tree[Token]) -> s.Check:
        names, *options = map(self.part, tree.children)
        said = self.options(tree, options, ("mode", "models", "seed", "within", "using"))
        within, using, models, seed = (said.get(rule) for rule in ("within", "using", "models", "seed"))
        return s.Check(names or (), said.get("mode", ""), within, using, models, seed, span=self.span(tree))

    def draw(self, tree: Tree[Token]) -> s.Draw:
        diagram, after, path = map(self.part, tree.children)
        last = tree.children[2]
        where = self.span(last) if last is not None else None
        return s.Draw(diagram, after or (), unquote(path) if path else None, span=self.span(tree), path_span=where)

    def draw_question(self, tree: Tree[Token]) -> s.DrawQuestion:
        question, path = map(self.part, tree.children)
        where = self.span(cast(Tree[Token], tree.children[1])) if path else None
        return s.DrawQuestion(question, unquote(path) if path else None, span=self.span(tree), path_span=where)

    for_ = unit = using = expect = from_ = mode = models = seed = level = bootstrap = within = LowerBase.first
    assuming = behind = checked = LowerBase.parts


_NO_COMPARISON = {
    s.DiagramEquation: "equal diagrams are equal in every interpretation",
    s.Independence: "an independence is read off the diagram, and holds in every model of its shape",
    s.Identifiable: "whether an effect can be identified is read off the diagram, for all models with P > 0",
}
"""What `assuming` would add nothing to, and why."""


def _misplaced(statement: str, word: str, where: Span) -> Diagnostic:
    """An option of another kind of statement."""
    known = "`estimate` asks data: write `estimate … from …`" if word == "from" else ""
    if word in ("bootstrap", "seed", "level"):
        known = "data are resampled: write `estimate … from DATA bootstrap 2000`"
    if statement == "estimate" and word == "using":
        known = "an estimate uses data and the shape of the model, no mechanisms; `query … using …` uses those"
    return Diagnostic(
        "P016", f"`{word}` is no option of `{statement}`", where, "not here", help=(known,) if known else ()
    )
