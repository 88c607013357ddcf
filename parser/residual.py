"""Expressions in boxes that are given by formulas: what is known is computed, what is not stays as an expression.

Known are numbers, the values of finite inputs (one combination at a time) and what follows from them; parameters and
the numbers on real wires stay. Known values are computed exactly, as in `parser.functions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from parser import syntax
from parser.constants import arithmetic, bounded
from parser.functions import Symbol, Value, compare, kind, logic, named_values, number, show_value, truth
from parser.scope import count, near, problem
from strings.expression import COMPARISONS, FAMILIES, FUNCTIONS, LOGIC, Apply, Constant, Expression
from strings.signature import Object

Term = Value | Expression


@dataclass(frozen=True)
class Known:
    """What the names in a body stand for: inputs by the names they have there, parameters, and named values."""

    names: Mapping[str, Term]
    values: Mapping[str, Sequence[Value]]

    @staticmethod
    def of(names: Mapping[str, Term], objects: Sequence[Object]) -> Known:
        """The names given, and the values of some objects by name."""
        return Known(names, named_values(objects))

    def term(self, e: syntax.Expression) -> Term:
        """What an expression comes to.

        Raises:
            LanguageError: N002 for an unknown name, T012 for a type error, T013 for the arguments of a function, T017
                for a division by zero, T024 for a distribution inside of an expression.
        """
        match e:
            case syntax.NumberLiteral(value, exact):
                return bounded(value, e.span) if exact else Constant(bounded(value, e.span), False)
            case syntax.Ref(name):
                return self._name(name)
            case syntax.Unary("not", operand):
                return _logic("not", [self.term(operand)], [operand])
            case syntax.Unary(_, operand):
                return _number_op("neg", [self.term(operand)], [operand], e)
            case syntax.Binary(op, left, right) if op in LOGIC:
                return _logic(op, [self.term(left), self.term(right)], [left, right])
            case syntax.Binary(op, left, right):
                return _number_op(op, [self.term(left), self.term(right)], [left, right], e)
            case syntax.Comparison(operands, ops):
                return _comparison([self.term(x) for x in operands], ops, operands)
            case syntax.If(condition, then, otherwise):
                return self._if(condition, then, otherwise)
            case syntax.Call(name, arguments):
                return self._function(name, arguments, e)
            case syntax.Probabilities() | syntax.Labelled():
                raise _inside("a row of probabilities", e)
            case _:
                raise problem("T012", "a function computes with values, not with probabilities", e.span, "not here")

    def _name(self, name: syntax.Name) -> Term:
        if name.text in self.names:
            return self.names[name.text]
        meanings = self.values.get(name.text, ())
        if len(meanings) == 1:
            return meanings[0]
        if meanings:
            label = "a truth value in one domain, a symbol in another"
            raise problem("N007", f"`{name.text}` means different things here", name.span, label)
        close = near(name.text, [*self.names, *self.values])
        raise problem("N002", f"unknown name `{name.text}`", name.span, "no input, parameter or value", help=close)

    def _if(self, condition: syntax.Expression, then: syntax.Expression, otherwise: syntax.Expression) -> Term:
        test = self.term(condition)
        if not isinstance(test, Expression):
            return self.term(then if truth(test, condition) else otherwise)
        check_truth(test, condition)
        return Apply("if", (test, lifted(self.term(then), then), lifted(self.term(otherwise), otherwise)))

    def _function(self, name: syntax.Name, arguments: Sequence[syntax.Argument], e: syntax.Call) -> Term:
        if name.text in FAMILIES or name.text == "flip":
            raise _inside(f"`{name.text}(…)`", e)
        if name.text not in FUNCTIONS:
            close = near(name.text, [*FUNCTIONS, *FAMILIES, "flip"])
            notes = (f"functions are {', '.join(FUNCTIONS)}", f"distributions are {', '.join(FAMILIES)}, flip")
            raise problem("N002", f"unknown function `{name.text}`", name.span, "not known", notes=notes, help=close)
        wanted = FUNCTIONS[name.text]
        if len(arguments) != wanted or any(a.name is not None for a in arguments):
            message = f"`{name.text}` takes {count(wanted, 'number')}"
            raise problem("T013", message, e.span, f"{len(arguments)} given")
        operands = [a.value for a in arguments]
        return _number_op(name.text, [self.term(x) for x in operands], operands, e)


def _inside(what: str, e: syntax.Expression) -> Exception:
    help_ = (
        "noise is part of the distribution, as in `normal(2*x + 1, 1)`;"
        " what is drawn and then used needs a variable of its own",
    )
    return problem("T024", f"{what} cannot stand inside of an expression", e.span, "drawn here", help=help_)


def is_truth(e: Expression) -> bool:
    """Whether an expression gives a truth value."""
    return isinstance(e, Apply) and (e.op in COMPARISONS or e.op in LOGIC)


def check_truth(e: Expression, where: syntax.Expression) -> None:
    """T012 unless an expression gives a truth value."""
    if not is_truth(e):
        help_ = ("compare it: `… > 0`",)
        raise problem("T012", "a truth value is expected here", where.span, "this is a number", help=help_)


def lifted(term: Term, where: syntax.Expression) -> Expression:
    """A number as an expression.

    Raises:
        LanguageError: T012 if it is none.
    """
    if not isinstance(term, Expression):
        return Constant(number(term, where))
    if is_truth(term):
        raise problem("T012", "a number is expected here", where.span, "this is a truth value")
    return term


def _number_op(op: str, terms: Sequence[Term], operands: Sequence[syntax.Expression], e: syntax.Expression) -> Term:
    if any(isinstance(t, Expression) for t in terms):
        lifted_ = [lifted(t, x) for t, x in zip(terms, operands, strict=True)]
        if op == "/" and isinstance(lifted_[1], Constant) and lifted_[1].value == 0:
            raise problem("T017", "division by zero", e.span, "the right side is 0")
        return Apply(op, tuple(lifted_))
    known = [number(t, x) for t, x in zip(terms, operands, strict=True)]  # type: ignore[arg-type]
    match op, known:
        case "neg", [a]:
            return -a
        case "abs", [a]:
            return abs(a)
        case "min", [a, b]:
            return min(a, b)
        case "max", [a, b]:
            return max(a, b)
        case (("+" | "-" | "*" | "/" | "^"), [a, b]):
            if op != "^" or b.denominator == 1:
                return arithmetic(op, a, b, e.span)
            return Apply(op, (Constant(a), Constant(b)))
        case _:
            _check_domain(op, known, e)
            return Apply(op, tuple(Constant(a) for a in known))


def _check_domain(op: str, known: Sequence[Fraction], e: syntax.Expression) -> None:
    """T017 for a function of a number where it has no value."""
    bad = {
        "log": known[0] <= 0,
        "sqrt": known[0] < 0,
        "logit": not 0 < known[0] < 1,
    }.get(op, False)
    if bad:
        raise problem("T017", f"`{op}` has no value at {known[0]}", e.span, "outside of its domain")


def _logic(op: str, terms: Sequence[Term], operands: Sequence[syntax.Expression]) -> Term:
    if not any(isinstance(t, Expression) for t in terms):
        known = [truth(t, x) for t, x in zip(terms, operands, strict=True)]  # type: ignore[arg-type]
        return not known[0] if op == "not" else logic(op, *known)
    for t, x in zip(terms, operands, strict=True):
        if isinstance(t, Expression):
            check_truth(t, x)
    if op == "not":
        return Apply("not", (_truth_expression(terms[0], operands[0]),))
    known_at = [k for k, t in enumerate(terms) if not isinstance(t, Expression)]
    if not known_at:
        return Apply(op, tuple(_truth_expression(t, x) for t, x in zip(terms, operands, strict=True)))
    k = known_at[0]
    value, other = truth(terms[k], operands[k]), terms[1 - k]  # type: ignore[arg-type]
    if op == "xor":
        return Apply("not", (_truth_expression(other, operands[1 - k]),)) if value else other
    return other if value == (op == "and") else value


def _truth_expression(term: Term, where: syntax.Expression) -> Expression:
    if isinstance(term, Expression):
        return term
    raise AssertionError(where)


def _comparison(terms: Sequence[Term], ops: Sequence[str], operands: Sequence[syntax.Expression]) -> Term:
    found: Term = True
    for k, op in enumerate(ops):
        a, b, x = terms[k], terms[k + 1], operands[k + 1]
        if isinstance(a, Expression) or isinstance(b, Expression):
            for t, y in ((a, operands[k]), (b, x)):
                if isinstance(t, Symbol | bool):
                    label = f"this is {kind(t)}, `{show_value(t)}`"
                    raise problem("T012", "a number is expected here", y.span, label)
            pair: Term = Apply(op, (lifted(a, operands[k]), lifted(b, x)))
        else:
            pair = compare(op, a, b, x)
        found = _logic("and", [found, pair], [operands[k], x])
    return found
