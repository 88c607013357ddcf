"""Every example under every semantics that applies, compared pair by pair.

A semantics is read here as an array of numbers, one for each case of a question, or of what is possible. How two of
them are compared stands in `COMPARED`; a further semantics takes a line in each table below.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import cutwire as cw
from cutwire.meanings import Answered, Options, answer_statement
from parser.program import QueryStatement
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.formula import Ask
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Surgery, boxes_of
from tests.cutwire.command import EXAMPLES
from tests.semantics.brute import random_kernel

Words = Mapping[str, tuple[bool, bool]]
_WORDS: Words = {"impossible": (False, False), "possible": (True, False), "certain": (True, True)}


def _array(found: Any) -> np.ndarray:
    """The numbers of an answer, or for each case whether it is possible, and certain."""
    if isinstance(found, cw.Distribution):
        return np.asarray(found.array)
    if isinstance(found, str):
        return np.array(_WORDS[found])
    if hasattr(found, "possible"):
        return np.stack([found.possible, found.certain], axis=-1)
    return np.array(found)


def _near(left: np.ndarray, right: np.ndarray) -> bool:
    return bool(np.allclose(left.astype(float), right.astype(float), atol=1e-9, rtol=0))


def _supports(numbers: np.ndarray, possible: np.ndarray) -> bool:
    """A case is possible exactly if its probability is positive, and certain exactly if it is 1."""
    if numbers.dtype != object and not isinstance(numbers.item(0), Fraction):
        return bool(np.array_equal(possible[..., 0], numbers > 0))  # floats cannot tell 1 from nearly 1
    return bool(np.array_equal(possible[..., 0], numbers > 0) and np.array_equal(possible[..., 1], numbers == 1))


COMPARED: Mapping[tuple[str, str], Callable[[np.ndarray, np.ndarray], bool]] = {
    ("matrix", "exact"): _near,
    ("exact", "possible"): _supports,
    ("matrix", "possible"): _supports,
}
SEMANTICS = ("matrix", "exact", "possible")

# A semantics is left out of a question that it refuses with one of these: no fractions, no values, no tables.
_DOES_NOT_APPLY = ("Q001", "Q005", "Q012", "Q013", "Q020")


def _models() -> Iterator[Any]:
    """The models of the examples; those without numbers of their own get random ones, zeros among them."""
    for path in sorted(EXAMPLES.iterdir()):
        if path.suffix == ".bif":
            model = cw.read_bif(path)
            yield pytest.param(model, id=path.stem)
        elif path.suffix == ".causal":
            for name, model in cw.load(path).models.items():
                for used in ("", *model.interpretations):
                    known = {**model.definition.definitions, **model.definition.interpretations.get(used, {})}
                    yield pytest.param(_with_numbers(model, known), id=f"{name}-{used}" if used else name)


def _with_numbers(model: cw.Model, known: Mapping[str, Any]) -> cw.Model:
    boxes = boxes_of(model.shape)
    finite = all(x.values is not None for x in model.shape.variables)
    if not finite or any(n in known for n in boxes):
        return cw.Model(replace(model.definition, definitions=known))
    rnd = random.Random(model.name)
    return cw.Model.with_numbers(model.shape, {n: random_kernel(b, rnd) for n, b in boxes.items()}, model.name)


def _questions(shape: CausalModel, seed: int) -> Iterator[Query]:
    """Questions of each kind, on finite variables: seen, done, cut, told, left free; conditions may be impossible."""
    rnd = random.Random(seed)
    names = [n for n in shape.observed if shape.object(n).values is not None]
    for _ in range(25):
        some = rnd.sample(names, min(len(names), 4))
        target, *rest = some
        surgeries: list[Surgery] = []
        given: list[Term] = []
        for n in rest[: rnd.randint(0, 3)]:
            value = rnd.choice(shape.object(n).values or ())
            kind = rnd.randint(0, 6)
            parents = shape.parents(n)
            if kind <= 1:
                surgeries.append(Do(n, value))
            elif kind == 2:
                surgeries.append(rnd.choice([Cut(n), Open(n)]))
            elif kind == 3 and parents and (p := rnd.choice(parents)):
                told = rnd.choice(shape.object(p).values or ("",))
                surgeries.append(rnd.choice([CutWire(p, n), DoWire(p, n, told)]))
            else:
                given.append(Term(n, rnd.choice([(value,), None])))
        yield Query((Term(target),), tuple(given), tuple(surgeries))


def _answers(model: cw.Model, query: Query) -> dict[str, np.ndarray | str]:
    """What each semantics says, or the code of its refusal if that is an answer, too."""
    statement = QueryStatement(model.name, Ask(query), str(query))
    found: dict[str, np.ndarray | str] = {}
    for name in SEMANTICS:
        try:
            answered = answer_statement(model, statement, name, Options())
        except ZeroProbabilityError as e:
            found[name] = str([d.message for d in e.diagnostics])
        except QueryError as e:
            if e.diagnostic.code not in _DOES_NOT_APPLY:
                raise
        else:
            assert isinstance(answered, Answered) == (name not in ("matrix", "exact"))
            found[name] = _array(answered.value)
    return found


@pytest.mark.parametrize("model", list(_models()))
def test_all_semantics_agree(model: cw.Model) -> None:
    compared = 0
    for query in _questions(model.shape, seed=len(model.name)):
        answers = _answers(model, query)
        for one, other in itertools.combinations(SEMANTICS, 2):
            if one not in answers or other not in answers:
                continue
            left, right = answers[one], answers[other]
            if isinstance(left, str) or isinstance(right, str):
                assert isinstance(left, str), (query, one, other)
                assert isinstance(right, str), (query, one, other)
                continue
            assert COMPARED[one, other](left, right), (str(query), one, left, other, right)
            compared += 1
    assert compared or not any(x.values for x in model.shape.variables)


def test_a_difference_would_be_seen() -> None:
    third, exactly = np.array([1 / 3, 2 / 3]), np.array([Fraction(1, 3), Fraction(2, 3)], dtype=object)
    assert COMPARED["matrix", "exact"](third, exactly)
    assert not COMPARED["matrix", "exact"](third[::-1], exactly)
    possible = np.array([[True, False], [True, False]])
    assert COMPARED["exact", "possible"](exactly, possible)
    assert not COMPARED["exact", "possible"](exactly, ~possible)
    assert not COMPARED["exact", "possible"](np.array([Fraction(1), Fraction(0)], dtype=object), possible)
