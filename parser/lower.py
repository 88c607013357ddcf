"""From the parse tree of lark to the nodes of `parser.syntax`. One method for every rule of the grammar.

What the grammar accepts for the sake of a better message (an option written twice, a question to data without `from`)
is reported here, through `Lower.problems`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

from lark import Token, Tree

from parser import syntax as s
from parser.effects import Contrast, effect
from parser.lower_base import LowerBase, unquote
from parser.lower_questions import LowerQuestions
from strings.diagnostic import Diagnostic, LanguageError, Span


class Lower(LowerQuestions):
    """Turns parse trees of one source into syntax nodes."""

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
        where = self.span(tree.children[0])
        return s.Import(unquote(path), alias, exposing or (), span=self.span(tree), path_span=where)

    def exposing(self, tree: Tree[Token]) -> tuple[s.Name, ...]:
        return cast(tuple[s.Name, ...], self.all(tree)[0])

    def domain(self, tree: Tree[Token]) -> s.DomainDecl:
        return self.node(s.DomainDecl, tree)

    def type_(self, tree: Tree[Token]) -> s.TypeDecl:
        return self.node(s.TypeDecl, tree)

    def var(self, tree: Tree[Token]) -> s.VariableDecl:
        names, domain, label = map(self.part, tree.children)
        text = unquote(label) if label else ""
        return s.VariableDecl(names, domain, tree.data == "latent", text, span=self.span(tree))

    latent = var

    def param(self, tree: Tree[Token]) -> s.ParamDecl:
        names, _, interval, prior, value = map(self.part, tree.children)
        return s.ParamDecl(names, interval, prior, value, span=self.span(tree))

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

    application = call

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
        return s.CsvData(name, unquote(path), tuple(columns), span=self.span(tree), path_span=where)

    def column(self, tree: Tree[Token]) -> tuple[s.Name, str]:
        variable, title = self.all(tree)
        return variable, unquote(title)

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

    def world(self, tree: Tree[Token]) -> s.SurgeryDecl:
        name, surgery = self.all(tree)
        return s.SurgeryDecl(name, surgery, "world", span=self.span(tree))

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

    body = LowerBase.first

    # ---- expressions -------------------------------------------------------------------------------------------------

    def if_(self, tree: Tree[Token]) -> s.If:
        return self.node(s.If, tree)

    choice = if_

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

    def contrast(self, tree: Tree[Token]) -> Contrast:
        return Contrast(*self.all(tree))

    def mediator(self, tree: Tree[Token]) -> s.Assign:
        name, value = map(self.part, tree.children)
        return s.Assign(s.Target(name, None, self.span(tree)), value, self.span(tree))

    def effect(self, tree: Tree[Token]) -> s.Expression:
        name, event, contrast, *mediators, conditions = map(self.part, tree.children)
        span = self.span(tree)
        try:
            return effect(name.text, event, contrast, mediators, conditions or (), span)
        except LanguageError as e:
            self.problems.append(e.diagnostic)
            return s.NumberLiteral(Fraction(0), True, span)

    def elsewhere(self, tree: Tree[Token]) -> s.Elsewhere:
        name, world = self.all(tree)
        named = (s.NamedOp(world, world.span),) if isinstance(world, s.Name) else world
        return s.Elsewhere(name, named, self.span(tree))

    def different(self, tree: Tree[Token]) -> s.SurgeryExpression:
        """What stands in the brackets, as it would stand in `do(…)`: settings together, and cuts."""
        said = self.all(tree)
        assigns = tuple(a for a in said if isinstance(a, s.Assign))
        cuts = tuple(c for c in said if isinstance(c, s.CutOp))
        return (*([s.DoOp(assigns, self.span(tree))] if assigns else []), *cuts)

    def event(self, tree: Tree[Token]) -> s.Event:
        place, *rest = self.all(tree)
        event = self._event(tree, place, rest)
        return replace(event, name=place.name, world=place.world) if isinstance(place, s.Elsewhere) else event

    def _event(self, tree: Tree[Token], name: s.Name, rest: Sequence[Any]) -> s.Event:
        match rest:
            case [_, tuple(ends)]:
                bounds = ((">=", ends[0]), ("<=", ends[1]))
                return s.Event(name, "<", (), bounds, self.span(tree))
            case [("<" | "<=" | ">" | ">=") as op, end]:
                return s.Event(name, "<", (), ((op, end),), self.span(tree))
            case [op, s.Values(values=values)]:
                return s.Event(name, op, values, span=self.span(tree))
            case [op, value]:
                return s.Event(name, op, (value,), span=self.span(tree))
            case [value]:
                return s.Event(name, "=", (value,), span=self.span(tree))
            case _:
                return s.Event(name, span=self.span(tree))

    def chained(self, tree: Tree[Token]) -> s.Event:
        low, op, place, *rest = self.all(tree)
        name, world = (place.name, place.world) if isinstance(place, s.Elsewhere) else (place, ())
        first = (_TURNED[op], low)
        bounds = (first, tuple(rest)) if rest else (first,)
        return s.Event(name, "<", (), bounds, self.span(tree), world)

    def binder(self, tree: Tree[Token]) -> s.Binder:
        return self.node(s.Binder, tree)

    # ---- names and values --------------------------------------------------------------------------------------------

    def value(self, tree: Tree[Token]) -> s.Name:
        text = "".join(map(str, tree.children))
        return s.Name(unquote(text) if text.startswith('"') else text, self.span(tree))

    vname = numeral = value

    def qname(self, tree: Tree[Token]) -> s.Name:
        return s.Name(".".join(str(c) for c in tree.children if c is not None), self.span(tree))

    interval = between = names = ports = vnames = binders = wires = arguments = conditions = surgery_expr = (
        LowerBase.parts
    )


_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _doc(text: str) -> str:
    return text[2:].removeprefix(" ").rstrip()
