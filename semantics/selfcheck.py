"""The habit of checking an answer before it is shown.

An estimand is evaluated against surgery on random models over finite fields, and its derivation replayed; a refusal is
shown with a witness that has been recomputed in fractions. Either takes milliseconds.
"""

from __future__ import annotations

import numpy as np

from semantics.answer import answer_array
from semantics.estimate import ModelJoints, Reader, arranged
from semantics.family import family, member, posed, random_table
from semantics.field import PRIMES, Field
from semantics.kernel import Tables
from strings.derivation import check_derivation, derive
from strings.diagnostic import ZeroProbabilityError
from strings.identification import Identified
from strings.model import CausalModel
from strings.surgery import boxes_of

_DRAWS = 8
_MOST_REDRAWS = 20


def estimand_error(model: CausalModel, found: Identified, policies: Tables | None = None, seed: int = 0) -> str:
    """What is wrong with an estimand; empty if nothing is.

    The derivation is replayed, and the estimand, its boxes read off random models of this shape over two finite fields,
    must give what surgery on these models gives. `model` is the one that it was found for; all variables have values.
    Boxes that the question's surgeries put in are random, too, unless `policies` has their numbers.
    """
    wrong = check_derivation(model, found, derive(model, found))
    if wrong:
        return f"its derivation does not hold: {wrong}"
    for k, p in enumerate(PRIMES[:2]):
        if not _agrees(model, found, policies or {}, Field(p), np.random.default_rng([seed, k])):
            return "it differs from surgery on a random model"
    return ""


def _agrees(model: CausalModel, found: Identified, policies: Tables, field: Field, rng: np.random.Generator) -> bool:
    own = boxes_of(model)
    boxes = {n: b for n, b in boxes_of(model, found.asked.surgeries).items() if n in own or n not in policies}
    count = 1 if any(b.deterministic for b in boxes.values()) else _DRAWS
    wire = member(count)
    whole = family(model, wire)
    for again in range(_MOST_REDRAWS):
        tables = {name: random_table(b, wire, field.p, rng) for name, b in boxes.items()}
        reader = Reader(ModelJoints(whole, tables, field, found.given, wire), field, wire)
        try:
            every = {**policies, **tables}
            axes, array = answer_array(whole, every, posed(found.asked, wire, tables), field)
            names, estimated = reader.answer(found, every)
        except ZeroProbabilityError:  # a condition that has no probability in this model
            if again == _MOST_REDRAWS - 1:
                return True
            continue
        have = [n for n, _ in axes]
        sizes = dict(zip(have, array.shape, strict=True)) | dict(zip(names, estimated.shape, strict=True))
        want = list(sizes)  # what is certain is the same in all members of the family, and may lack their axis
        left, right = (arranged(a, n, want, list(sizes.values())) for a, n in ((array, have), (estimated, names)))
        return bool(np.array_equal(left, right))
    return True
