"""Every example under every semantics that applies, compared pair by pair.

A semantics is read here as an array of numbers, one for each case of a question, or of what is possible. Parameters are
given values: those that the file names, and random ones; the symbolic answer is asked for with symbols, and they are
put in. How two semantics are compared stands in `COMPARED`; which are to be compared for which example in `APPLIES`, so
that none can fall silent.
"""

from __future__ import annotations

import importlib.util
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import cutwire as cw
from cutwire.evaluate import Result
from cutwire.meanings import Answered, Options, answer_statement
from cutwire.parameters import with_values
from cutwire.possible import Possibilities
from cutwire.sampled import Estimated
from parser.program import QueryStatement
from semantics.formulae import Expressions
from strings.diagnostic import QueryError, ZeroProbabilityError
from strings.formula import Ask
from strings.model import CausalModel
from strings.query import Query, Term
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Surgery, boxes_of
from tests.cutwire.command import EXAMPLES
from tests.semantics.brute import random_kernel

HAS_PYRO = all(importlib.util.find_spec(n) is not None for n in ("torch", "pyro"))
Words = Mapping[str, tuple[bool, bool]]
_WORDS: Words = {"impossible": (False, False), "possible": (True, False), "certain": (True, True)}


@dataclass(frozen=True)
class Reading:
    """What a semantics says: numbers, or pairs of possible and certain; of samples, how far off they may be."""

    array: np.ndarray
    error: np.ndarray | None = None


def _reading(found: Result | Answered, point: Mapping[str, Fraction]) -> Reading:
    if isinstance(found, Result):
        return Reading(np.asarray(found.distribution.array))
    match found.answer:
        case Expressions() as e:
            at = {sympy.Symbol(n): sympy.Rational(v.numerator, v.denominator) for n, v in point.items()}
            numbers = [x.subs(at) for x in e.array.flat]
            array = np.empty(len(numbers), dtype=object)
            array[:] = [Fraction(int(x.p), int(x.q)) if x.is_Rational else float(x) for x in numbers]
            return Reading(array.reshape(e.array.shape))
        case Estimated() as e:
            return Reading(np.asarray(e.distribution.array), np.asarray(e.standard_error.array))
        case Possibilities() as p:
            return Reading(np.array(_WORDS[p.value]) if isinstance(p.value, str) else _pairs(p))
    raise AssertionError(found.answer)


def _pairs(found: Possibilities) -> np.ndarray:
    return np.stack([found.possible, found.certain], axis=-1)


def _near(left: Reading, right: Reading) -> bool:
    return bool(np.allclose(left.array.astype(float), right.array.astype(float), atol=1e-9, rtol=0))


def _same(left: Reading, right: Reading) -> bool:
    return left.array.shape == right.array.shape and bool((left.array == right.array).all())


def _sampled(left: Reading, right: Reading) -> bool:
    """Within four standard errors, where one has any."""
    slack = 1e-9 + sum(4 * r.error for r in (left, right) if r.error is not None)
    return bool((abs(left.array.astype(float) - right.array.astype(float)) <= slack).all())


def _supports(numbers: Reading, possible: Reading) -> bool:
    """A case is possible exactly if its probability is positive, and certain exactly if it is 1."""
    array, said = numbers.array, possible.array
    if array.dtype != object and not isinstance(array.item(0), Fraction):
        return bool(np.array_equal(said[..., 0], array > 0))  # floats cannot tell 1 from nearly 1
    return bool(np.array_equal(said[..., 0], array > 0) and np.array_equal(said[..., 1], array == 1))


NUMBERS = ("matrix", "exact", "symbolic", "gaussian", "pyro")
SEMANTICS = (*NUMBERS, "possible")
COMPARED: Mapping[tuple[str, str], Callable[[Reading, Reading], bool]] = {
    **dict.fromkeys(itertools.combinations(NUMBERS, 2), _near),
    ("exact", "symbolic"): _same,
    ("gaussian", "pyro"): _sampled,
    ("symbolic", "pyro"): _sampled,
    **{(name, "possible"): _supports for name in NUMBERS},
}

# A semantics is left out of a question that it refuses with one of these: no fractions, values or tables, not linear.
_DOES_NOT_APPLY = ("Q001", "Q005", "Q012", "Q013", "Q020", "G001")

APPLIES: Mapping[str, tuple[str, ...]] = {
    "tar": ("symbolic", "gaussian", "pyro"),
    "instrument": SEMANTICS,
}
"""Which semantics have to be compared for an example, each with each other; all of them for one that is not here."""


def _models() -> Iterator[Any]:
    """The models of the examples; those without numbers of their own get random ones, zeros among them."""
    for path in sorted(EXAMPLES.iterdir()):
        if path.suffix == ".bif":
            yield pytest.param(cw.read_bif(path), id=path.stem)
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
    for _ in range(25 if names else 0):
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


def _real_questions(shape: CausalModel, seed: int) -> Iterator[Query]:
    """Means and probabilities of numbers: after something is done to one or to a single wire, and seen of others."""
    rnd = random.Random(seed)
    names = [n for n in shape.observed if shape.object(n).space]
    for k in range(8 if names else 0):
        target, *rest = rnd.sample(names, min(len(names), 3))
        surgeries: list[Surgery] = []
        given: list[Term] = []
        for n in rest[: rnd.randint(0, 2)]:
            value = str(rnd.randint(5, 12))
            parents = [p for p in shape.parents(n) if shape.object(p).space]
            if rnd.random() < 0.5:
                surgeries.append(
                    DoWire(p, n, value) if parents and (p := rnd.choice(parents)) and k % 2 else Do(n, value)
                )
            else:
                given.append(Term(n, (value,)))
        if k % 2:
            yield Query((Term(target),), tuple(given), tuple(surgeries), expectation=True)
        else:
            least = rnd.randint(4, 10)
            event = Term(target, (f"> {least}",), bounds=((">", Fraction(least)),))
            yield Query((event,), tuple(given), tuple(surgeries))


def _points(model: cw.Model, seed: int) -> Iterator[dict[str, Fraction]]:
    """Values of all parameters: those that the file gives them, if it does, and random ones."""
    if len(model.parameter_values) == len(model.parameters):
        yield {n: c.value for n, c in model.parameter_values.items()}
    rnd = random.Random(seed)
    for _ in range(2 if model.parameters else 0):
        point = {}
        for n, p in model.parameters.items():
            low, high = p.low if p.low is not None else Fraction(-2), p.high if p.high is not None else Fraction(2)
            point[n] = low + (high - low) * Fraction(rnd.randint(1, 9), 10)
        yield point


def _answers(model: cw.Model, query: Query, point: Mapping[str, Fraction]) -> dict[str, Reading | str]:
    """What each semantics says, or the refusal of what has probability zero, which is an answer, too."""
    statement = QueryStatement(model.name, Ask(query), str(query))
    at = cw.Model(with_values(model.definition, point))
    found: dict[str, Reading | str] = {}
    for name in SEMANTICS:
        if name == "pyro" and not HAS_PYRO:
            continue
        try:
            answered = answer_statement(model if name == "symbolic" else at, statement, name, Options(seed=1))
        except ZeroProbabilityError:
            found[name] = "never"
        except QueryError as e:
            if e.diagnostic.code not in _DOES_NOT_APPLY:
                raise
        else:
            found[name] = _reading(answered, point)
    return found


def compared(model: cw.Model) -> Counter[tuple[str, str]]:
    """How many answers of each pair of semantics were compared; none of them differ."""
    seen: Counter[tuple[str, str]] = Counter()
    seed = len(model.name)
    for point in _points(model, seed):
        for query in (*_questions(model.shape, seed), *_real_questions(model.shape, seed)):
            answers = _answers(model, query, point)
            for one, other in itertools.combinations(answers, 2):
                left, right = answers[one], answers[other]
                if isinstance(left, str) or isinstance(right, str):
                    assert left == right, (str(query), point, one, left, other, right)
                    continue
                assert COMPARED[one, other](left, right), (str(query), point, one, left, other, right)
                seen[one, other] += 1
    return seen


def shown(seen: Mapping[tuple[str, str], int]) -> str:
    """How often each pair was compared, as a small table."""
    rows = [["", *SEMANTICS[1:]]]
    rows += [[one, *(str(seen.get((one, other), "")) for other in SEMANTICS[1:])] for one in SEMANTICS[:-1]]
    return "\n".join("".join(cell.rjust(10) for cell in row) for row in rows)


@pytest.mark.parametrize("model", list(_models()))
def test_all_semantics_agree(model: cw.Model, request: pytest.FixtureRequest) -> None:
    seen = compared(model)
    print(shown(seen))
    applying = [n for n in APPLIES.get(request.node.callspec.id, SEMANTICS) if HAS_PYRO or n != "pyro"]
    assert {*seen} == {*itertools.combinations(applying, 2)}, shown(seen)
    assert min(seen.values(), default=5) >= 5, shown(seen)


def test_a_difference_would_be_seen() -> None:
    third, exactly = (
        Reading(np.array([1 / 3, 2 / 3])),
        Reading(np.array([Fraction(1, 3), Fraction(2, 3)], dtype=object)),
    )
    swapped = Reading(third.array[::-1])
    for pair in itertools.combinations(NUMBERS, 2):
        one = exactly if pair == ("exact", "symbolic") else third
        assert COMPARED[pair](one, exactly)
        assert not COMPARED[pair](swapped, exactly)
    noisy = Reading(np.array([0.34, 0.66]), np.array([0.002, 0.002]))
    assert COMPARED["gaussian", "pyro"](third, noisy)
    assert not COMPARED["gaussian", "pyro"](third, Reading(noisy.array, noisy.error / 2))
    possible = np.array([[True, False], [True, False]])
    assert COMPARED["exact", "possible"](exactly, Reading(possible))
    assert not COMPARED["exact", "possible"](exactly, Reading(~possible))
    sure = Reading(np.array([Fraction(1), Fraction(0)], dtype=object))
    assert not COMPARED["exact", "possible"](sure, Reading(possible))
