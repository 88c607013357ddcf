"""From the parse tree of lark to the nodes of `parser.syntax`. One method for every rule of the grammar.

What the grammar accepts for the sake of a better message (an option written twice, a question to data without `from`)
is reported here, through `Lower.problems`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar, cast

from lark import Token, Tree

from parser import syntax as s
from strings.diagnostic import Diagnostic, Label, Source, Span

T = TypeVar("T")
Node = Any
"""Whatever a rule stands for: a syntax node, a tuple of them, or a token's text."""


class Lower:
    """Turns parse trees of one source into syntax nodes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Diagnostic] = []
        self._done: dict[int, Node] = {}

    def lower(self, tree: Tree[Token]) -> Node:
        """The syntax node of a parse tree; its parts come first, so that nothing recurs."""
        for part in tree.iter_subtrees():
            self._done[id(part)] = getattr(self, part.data)(part)
        return self._done[id(tree)]

    # ---- helpers -----------------------------------------------------------------------------------------------------

    def span(self, part: Tree[Token] | Token) -> Span:
        """Where a tree or a token stands."""
        if isinstance(part, Token):
            return Span(self.source, cast(int, part.start_pos), cast(int, part.end_pos))
        return Span(self.source, part.meta.start_pos, part.meta.end_pos)

    def all(self, tree: Tree[Token]) -> tuple[Node, ...]:
        """The children, lowered; placeholders of what was left out are dropped."""
        return tuple(self.part(c) for c in tree.children if c is not None)

    def part(self, child: Tree[Token] | Token | None) -> Node:
        """One child: of a tree what it came to, a name becomes a `Name`, another token its text."""
        if isinstance(child, Tree):
            return self._done[id(child)]
        if child is not None and child.type == "NAME":
            return s.Name(str(child), self.span(child))
        return child if child is None else str(child)

    def node(self, make: Callable[..., T], tree: Tree[Token]) -> T:
        """A node whose fields are the children in order."""
        return make(*self.all(tree), span=self.span(tree))

    # ---- files and items ---------------------------------------------------------------------------------------------

    def start(self, tree: Tree[Token]) -> s.File:
        return s.File(self.all(tree), Span(self.source, 0, len(self.source.text)))

    def expression_text(self, tree: Tree[Token]) -> s.Expression:
        return cast(s.Expression, self.all(tree)[0])

    def surgery_text(self, tree: Tree[Token]) -> s.SurgeryExpression:
        return cast(s.SurgeryExpression, self.all(tree)[0])

    def diagram_text(self, tree: Tree[Token]) -> s.DiagramExpression:
        return cast(s.DiagramExpression, self.all(tree)[0])

    def item(self, tree: Tree[Token]) -> s.Item:
        *docs, statement = tree.children
        node = self.part(statement)
        return replace(node, doc=tuple(_doc(str(d)) for d in docs)) if docs else cast(s.Item, node)

    def model_header(self, tree: Tree[Token]) -> s.ModelHeader:
        return self.node(s.ModelHeader, tree)

    def model_block(self, tree: Tree[Token]) -> s.ModelBlock:
        name, *items = self.all(tree)
        return s.ModelBlock(name, tuple(items), span=self.span(tree))

    def model_after(self, tree: Tree[Token]) -> s.ModelAfter:
        return self.node(s.ModelAfter, tree)

    def import_(self, tree: Tree[Token]) -> s.Import:
        path, alias, exposing = map(self.part, tree.children)
        return s.Import(_unquote(path), alias, exposing or (), span=self.span(tree))

    def exposing(self, tree: Tree[Token]) -> tuple[s.Name, ...]:
        return cast(tuple[s.Name, ...], self.all(tree)[0])

    def domain(self, tree: Tree[Token]) -> s.DomainDecl:
        return self.node(s.DomainDecl, tree)

    def type_(self, tree: Tree[Token]) -> s.TypeDecl:
        return self.node(s.TypeDecl, tree)

    def var(self, tree: Tree[Token]) -> s.VariableDecl:
        names, domain, label = map(self.part, tree.children)
        text = _unquote(label) if label else ""
        return s.VariableDecl(names, domain, tree.data == "latent", text, span=self.span(tree))

    latent = var

    def values(self, tree: Tree[Token]) -> s.Values:
        return s.Values(self.all(tree), self.span(tree))

    def range(self, tree: Tree[Token]) -> s.Range:
        return self.node(s.Range, tree)

    def integer(self, tree: Tree[Token]) -> int:
        return int("".join(map(str, tree.children)))

    # ---- boxes -------------------------------------------------------------------------------------------------------

    def box(self, tree: Tree[Token]) -> s.BoxDecl:
        name, inputs, outputs, body = map(self.part, tree.children)
        return s.BoxDecl(name, inputs or (), outputs, body, span=self.span(tree))

    def table(self, tree: Tree[Token]) -> s.Table:
        return s.Table(self.all(tree), self.span(tree))

    def row(self, tree: Tree[Token]) -> s.Row:
        *patterns, dist = self.all(tree)
        return s.Row(tuple(patterns), dist, self.span(tree))

    def rest(self, tree: Tree[Token]) -> s.Rest:
        return s.Rest(self.span(tree))

    def function(self, tree: Tree[Token]) -> s.Function:
        parameters, body = map(self.part, tree.children)
        return s.Function(parameters or (), body, self.span(tree))

    def composite(self, tree: Tree[Token]) -> s.Composite:
        return self.node(s.Composite, tree)

    def interpret(self, tree: Tree[Token]) -> s.Interpret:
        model, name, *bodies = self.all(tree)
        return s.Interpret(model, name, tuple(bodies), span=self.span(tree))

    def body_of(self, tree: Tree[Token]) -> tuple[s.Name, s.BoxBody]:
        name, body = self.all(tree)
        return name, body

    def probabilities(self, tree: Tree[Token]) -> s.Probabilities:
        return s.Probabilities(self.all(tree), self.span(tree))

    def odds(self, tree: Tree[Token]) -> s.Odds:
        return s.Odds(self.all(tree), self.span(tree))

    def labelled(self, tree: Tree[Token]) -> s.Labelled:
        return s.Labelled(self.all(tree), self.span(tree))

    def label(self, tree: Tree[Token]) -> tuple[s.Name, s.Expression | s.Rest]:
        value, entry = self.all(tree)
        return value, entry

    def call(self, tree: Tree[Token]) -> s.Call:
        name, arguments = map(self.part, tree.children)
        return s.Call(name, arguments or (), self.span(tree))

    def point(self, tree: Tree[Token]) -> s.PointValue:
        return self.node(s.PointValue, tree)

    def argument(self, tree: Tree[Token]) -> s.Argument:
        name, value = map(self.part, tree.children)
        return s.Argument(name, value, self.span(tree))

    # ---- data --------------------------------------------------------------------------------------------------------

    def csv_data(self, tree: Tree[Token]) -> s.CsvData:
        name, function, path, *columns = self.all(tree)
        if function.text != "csv":
            where = function.span
            help_ = (f'write `data {name.text} = csv({path}, VARIABLE = "column")`',)
            self.problems.append(
                Diagnostic("P017", f"`{function.text}` is no kind of data", where, "only csv is known", help=help_)
            )
        where = self.span(cast(Token, tree.children[2]))
        return s.CsvData(name, _unquote(path), tuple(columns), span=self.span(tree), path_span=where)

    def column(self, tree: Tree[Token]) -> tuple[s.Name, str]:
        variable, title = self.all(tree)
        return variable, _unquote(title)

    def table_data(self, tree: Tree[Token]) -> s.TableData:
        name, variables, *rows = self.all(tree)
        return s.TableData(name, variables, tuple(rows), span=self.span(tree))

    def data_row(self, tree: Tree[Token]) -> s.DataRow:
        *values, weight = self.all(tree)
        return s.DataRow(tuple(values), weight, self.span(tree))

    # ---- diagrams ----------------------------------------------------------------------------------------------------

    def diagram_block(self, tree: Tree[Token]) -> s.DiagramBlock:
        name, inputs, outputs, *statements, returns = map(self.part, tree.children)
        return s.DiagramBlock(name, inputs or (), outputs, tuple(statements), returns, span=self.span(tree))

    def diagram_def(self, tree: Tree[Token]) -> s.DiagramDef:
        name, diagram, after = map(self.part, tree.children)
        return s.DiagramDef(name, diagram, after or (), span=self.span(tree))

    def wire(self, tree: Tree[Token]) -> s.Wire:
        return self.node(s.Wire, tree)

    def apply(self, tree: Tree[Token]) -> s.Apply:
        *outputs, box, types, arguments = map(self.part, tree.children)
        return s.Apply(tuple(outputs), box, types, arguments or (), self.span(tree))

    def types(self, tree: Tree[Token]) -> tuple[s.Name, ...]:
        return cast(tuple[s.Name, ...], self.all(tree)[0])

    def discard(self, tree: Tree[Token]) -> s.DiscardWires:
        return self.node(s.DiscardWires, tree)

    def sequence(self, tree: Tree[Token]) -> s.DSequence:
        return s.DSequence(self.all(tree), self.span(tree))

    def parallel(self, tree: Tree[Token]) -> s.DParallel:
        return s.DParallel(self.all(tree), self.span(tree))

    def structure(self, tree: Tree[Token]) -> s.DStructure:
        return self.node(s.DStructure, tree)

    def named_diagram(self, tree: Tree[Token]) -> s.DName:
        return self.node(s.DName, tree)

    # ---- surgery -----------------------------------------------------------------------------------------------------

    def surgery(self, tree: Tree[Token]) -> s.SurgeryDecl:
        return self.node(s.SurgeryDecl, tree)

    def after(self, tree: Tree[Token]) -> s.SurgeryExpression:
        return cast(s.SurgeryExpression, self.all(tree)[0])

    def named_op(self, tree: Tree[Token]) -> s.NamedOp:
        return self.node(s.NamedOp, tree)

    def do(self, tree: Tree[Token]) -> s.DoOp:
        return s.DoOp(self.all(tree), self.span(tree))

    def cut(self, tree: Tree[Token]) -> s.CutOp:
        return s.CutOp(self.all(tree), self.span(tree))

    def assign(self, tree: Tree[Token]) -> s.Assign:
        return self.node(s.Assign, tree)

    def target(self, tree: Tree[Token]) -> s.Target:
        return self.node(s.Target, tree)

    # ---- questions and claims ----------------------------------------------------------------------------------------

    def query(self, tree: Tree[Token]) -> s.Query:
        name, expression, *options = map(self.part, tree.children)
        said = self.options(tree, options, ("for_", "unit", "using", "expect"))
        binders = said.get("for_", ())
        return s.Query(
            name, expression, binders, said.get("unit"), said.get("using"), said.get("expect"), span=self.span(tree)
        )

    def estimate(self, tree: Tree[Token]) -> s.Estimate:
        name, expression, *options = map(self.part, tree.children)
        said = self.options(tree, options, ("from_", "for_", "unit", "expect"))
        if "from_" not in said:
            end = self.span(tree).end
            note = ("an estimate is computed from data; a `query` is computed from the model's numbers",)
            help_ = ("write `from DATA` behind the expression",)
            where = Span(self.source, end - 1, end)
            self.problems.append(Diagnostic("P016", "`from` is missing", where, "from what?", notes=note, help=help_))
        data = said.get("from_", s.Name(""))
        binders = said.get("for_", ())
        return s.Estimate(name, expression, data, binders, said.get("unit"), said.get("expect"), span=self.span(tree))

    def options(self, tree: Tree[Token], options: Sequence[Node], allowed: Sequence[str]) -> dict[str, Node]:
        """The options of a statement by rule, in the order written; one twice, or one not allowed, is reported."""
        trees = [c for c in tree.children[len(tree.children) - len(options) :] if isinstance(c, Tree)]
        said: dict[str, tuple[Node, Span]] = {}
        for part, value in zip(trees, options, strict=True):
            where, word = self.span(part), part.data.rstrip("_")
            said_twice = "the mode" if word == "mode" else f"`{word}`"
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
        name, binders, body = map(self.part, tree.children)
        return s.Claim(name, body, binders or (), span=self.span(tree))

    def diagram_equation(self, tree: Tree[Token]) -> s.DiagramEquation:
        left, relation, right = self.all(tree)
        return s.DiagramEquation(left, right, relation == "==", self.span(tree))

    def check(self, tree: Tree[Token]) -> s.Check:
        names, *options = map(self.part, tree.children)
        said = self.options(tree, options, ("mode", "within", "using"))
        return s.Check(names or (), said.get("mode", ""), said.get("within"), said.get("using"), span=self.span(tree))

    def draw(self, tree: Tree[Token]) -> s.Draw:
        diagram, after, path = map(self.part, tree.children)
        last = tree.children[2]
        where = self.span(last) if last is not None else None
        return s.Draw(diagram, after or (), _unquote(path) if path else None, span=self.span(tree), path_span=where)

    def first(self, tree: Tree[Token]) -> Node:
        """Rules that stand for their only part."""
        return self.all(tree)[0]

    body = for_ = unit = using = expect = from_ = mode = within = first

    # ---- expressions -------------------------------------------------------------------------------------------------

    def if_(self, tree: Tree[Token]) -> s.If:
        return self.node(s.If, tree)

    def binary(self, tree: Tree[Token]) -> s.Binary:
        left, op, right = self.all(tree)
        return s.Binary(op, left, right, self.span(tree))

    def unary(self, tree: Tree[Token]) -> s.Unary:
        return self.node(s.Unary, tree)

    def chain(self, tree: Tree[Token]) -> s.Comparison:
        parts = self.all(tree)
        return s.Comparison(parts[::2], parts[1::2], self.span(tree))

    def sum_(self, tree: Tree[Token]) -> s.SumOver:
        return self.node(s.SumOver, tree)

    def number(self, tree: Tree[Token]) -> s.NumberLiteral:
        token = cast(Token, tree.children[0])
        text = token.rstrip("%f")
        value = Fraction(text) / (100 if token.type == "PERCENT" else 1)
        return s.NumberLiteral(value, token.type != "FLOAT", self.span(tree))

    def ref(self, tree: Tree[Token]) -> s.Ref:
        child = tree.children[0]
        name = self.vname(tree) if isinstance(child, Token) else self.part(child)
        return s.Ref(name, self.span(tree))

    def probability(self, tree: Tree[Token]) -> s.Probability:
        kind, *events, conditions = map(self.part, tree.children)
        return s.Probability(kind, tuple(events), conditions or (), self.span(tree))

    def event(self, tree: Tree[Token]) -> s.Event:
        name, *rest = self.all(tree)
        match rest:
            case [op, s.Values(values=values)]:
                return s.Event(name, op, values, self.span(tree))
            case [op, value]:
                return s.Event(name, op, (value,), self.span(tree))
            case [value]:
                return s.Event(name, "=", (value,), self.span(tree))
            case _:
                return s.Event(name, span=self.span(tree))

    def binder(self, tree: Tree[Token]) -> s.Binder:
        return self.node(s.Binder, tree)

    # ---- names and values --------------------------------------------------------------------------------------------

    def value(self, tree: Tree[Token]) -> s.Name:
        text = "".join(map(str, tree.children))
        return s.Name(_unquote(text) if text.startswith('"') else text, self.span(tree))

    vname = value

    def qname(self, tree: Tree[Token]) -> s.Name:
        return s.Name(".".join(str(c) for c in tree.children if c is not None), self.span(tree))

    def names(self, tree: Tree[Token]) -> tuple[Node, ...]:
        """Rules that stand for the tuple of their parts."""
        return self.all(tree)

    ports = vnames = binders = wires = arguments = conditions = surgery_expr = names


def _misplaced(statement: str, word: str, where: Span) -> Diagnostic:
    """An option of another kind of statement."""
    known = "`estimate` asks data: write `estimate … from …`" if word == "from" else ""
    if statement == "estimate" and word == "using":
        known = "an estimate uses data and the shape of the model, no mechanisms; `query … using …` uses those"
    return Diagnostic(
        "P016", f"`{word}` is no option of `{statement}`", where, "not here", help=(known,) if known else ()
    )


def _doc(text: str) -> str:
    return text[2:].removeprefix(" ").rstrip()


def _unquote(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])
