"""What is given to questions in Python: names of variables, and mappings of names to something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from strings.diagnostic import Diagnostic, QueryError


def names_of(question: str | Iterable[str]) -> tuple[str, ...]:
    """The variables that a question names.

    Raises:
        QueryError: Q001 if it is neither text nor a list of names.
    """
    names = (question,) if isinstance(question, str) or not isinstance(question, Iterable) else tuple(question)
    for odd in [n for n in names if not isinstance(n, str)]:
        message = f"a question names variables by text, not by {type(odd).__name__}"
        raise QueryError(Diagnostic("Q001", message, help=("write a name, or a list of names",)))
    return names


def none_is_empty(mapping: Mapping[str, object] | None) -> Mapping[str, object]:
    """Nothing for `None`; anything else as it is: a data frame has no truth value."""
    return {} if mapping is None else mapping


def check_mapping(option: str, given: object, of: str, example: str) -> None:
    """Refuse an argument that is no mapping `of` names to something.

    Raises:
        QueryError: Q001.
    """
    if not isinstance(given, Mapping):
        message = f"`{option}=` takes a mapping of {of}, not {type(given).__name__}"
        raise QueryError(Diagnostic("Q001", message, help=(f'write {option}={{"{example}": value}}',)))
