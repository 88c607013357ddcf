"""Value names of one statement: `s` in `for s : S`, `sum[s : S]` or `do(S := s)`; each is an axis of the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from parser import syntax
from parser.domains import as_value, unknown_value
from parser.scope import Report, problem, second_place, shorten
from strings.diagnostic import Span
from strings.signature import Object

if TYPE_CHECKING:
    from parser.surgeries import Setting

FOR = "for any value, bind the name: `for {name} : {variable}`"
"""What to do about a name that is no value, where names can be bound."""
LEAVE_FREE = "for all values leave the variable free: `{variable}` alone"
"""The same where they cannot, but the variable can be named without a value."""

_IDENTIFIER = re.compile(r"[^\W\d]\w*'*")


class Axes:
    """The value names of a statement: those in sight (`active`), and all with their variables (`variables`)."""

    def __init__(self, setting: Setting, how_to_bind: str = FOR) -> None:
        self.setting = setting
        self.how_to_bind = how_to_bind
        self.variables: dict[str, str] = {}
        self.active: dict[str, Object] = {}
        self._places: dict[str, Span | None] = {}
        self._used: set[str] = set()

    def bind(self, binder: syntax.Binder) -> None:
        """Bring a bound name into sight.

        Raises:
            LanguageError: N001 if the name is taken, N007 if it also is a value or a variable, N009 if it stands for
                another variable elsewhere in the statement.
        """
        name = binder.name.text
        if name in self.active:
            also = second_place(self._places.get(name), "first here")
            help_ = (f"call one of them `{name}'`",)
            raise problem("N001", f"`{name}` is bound twice", binder.name.span, "again here", also=also, help=help_)
        x = self.setting.variable(binder.variable)
        if x.values is not None and name in x.values:
            label = f"`{x.name}` has the value `{name}`"
            help_ = ("call the bound name something else",)
            raise problem("N007", f"`{name}` would be ambiguous", binder.name.span, label, help=help_)
        if self.setting.has_variable(name):
            label = "a variable has this name"
            raise problem("N007", f"`{name}` would be ambiguous", binder.name.span, label, help=(f"call it `{name}'`",))
        self.introduce(binder.name, x)

    def introduce(self, name: syntax.Name, x: Object) -> None:
        """Let a name stand for the values of `x` from here on."""
        known = self.variables.get(name.text)
        if known is not None and known != x.name:
            message = f"`{name.text}` stands for a value of `{known}` elsewhere in this statement"
            also = second_place(self._places.get(name.text), "there")
            label = f"here for one of `{x.name}`"
            help_ = (f"call one of them `{name.text}'`",)
            raise problem("N009", message, name.span, label, also=also, help=help_)
        self.variables[name.text] = x.name
        self.active[name.text] = x
        self._places[name.text] = name.span

    def release(self, name: str) -> None:
        """Put a bound name out of sight again, behind its sum."""
        self.active.pop(name, None)

    def use(self, name: str) -> Object:
        """The variable whose value a name in sight stands for."""
        self._used.add(name)
        return self.active[name]

    def value(self, value: syntax.Name, x: Object) -> tuple[str | None, str | None]:
        """What a name stands for as a value of `x`: `(value, None)`, or `(None, axis)` if it is bound.

        Raises:
            LanguageError: N003 if it is neither, N007 if it is both, N009 if it is bound to other values.
        """
        found = as_value(value.text, x)
        is_value = found is not None
        if value.text not in self.active:
            if is_value:
                return found, None
            raise unknown_value(value, x, self._hint(value, x))
        if is_value:
            label = f"a bound name, and a value of `{x.name}`"
            raise problem("N007", f"`{value.text}` is ambiguous", value.span, label, help=("rename the bound name",))
        bound = self.use(value.text)
        if (bound.values, bound.space) != (x.values, x.space):
            label = (
                f"`{bound.name}` has {{{shorten(bound.values or ())}}}, `{x.name}` has {{{shorten(x.values or ())}}}"
            )
            message = f"`{value.text}` stands for a value of `{bound.name}`, not of `{x.name}`"
            raise problem("N009", message, value.span, label)
        return None, value.text

    def _hint(self, value: syntax.Name, x: Object) -> tuple[str, ...]:
        if value.text in self.variables:
            return (f"`{value.text}` is bound elsewhere in this statement, but not here",)
        if self.how_to_bind and _IDENTIFIER.fullmatch(value.text):
            return (self.how_to_bind.format(name=value.text, variable=x.name),)
        return ()

    def advice(self, name: str, variable: str) -> str:
        """How to bind a name here; empty if it cannot be bound."""
        return self.how_to_bind.format(name=name, variable=variable).partition(": ")[2]

    def forget(self, names: Sequence[str]) -> set[str]:
        """Take names for unused from here on; those that were used."""
        used = self._used.intersection(names)
        self._used.difference_update(names)
        return used

    def remember(self, names: set[str]) -> None:
        """Take names for used."""
        self._used.update(names)

    def warn_unused(self, binders: tuple[syntax.Binder, ...], report: Report, why: str = "") -> None:
        """N008 for bound names that nothing uses."""
        for b in binders:
            if b.name.text in self.variables and b.name.text not in self._used:
                report.warn(
                    "N008",
                    f"the bound name `{b.name.text}` is never used{why}",
                    b.span or b.name.span,
                    "bound here",
                    (f"leave it out, or write `{b.variable.text} = {b.name.text}` where it is meant",),
                )


def is_identifier(text: str) -> bool:
    """Whether a value could be the name of any value: no number and no quoted text."""
    return _IDENTIFIER.fullmatch(text) is not None
