"""Interventions by Pyro itself: `pyro.poutine.do` on the program of a model that nobody has operated on.

`cutwire laws` compares them with the programs of operated diagrams. Where all is finite, both are enumerated. Else both
are run with the same noise (common random numbers): every site draws from a generator that its name seeds, so that the
same mechanisms with the same inputs give the same values, sample by sample.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyro
import torch
from torch import Tensor

from semantics.distribution import Array
from semantics.pyro.boxes import as_float
from semantics.pyro.enumerate import log_joint
from semantics.pyro.program import PyroProgram, Unknowns, Values
from semantics.pyro.questions import as_question, finite_answer
from semantics.pyro.running import undisturbed
from strings.model import CausalModel
from strings.query import Query, Term
from strings.signature import Object
from strings.surgery import Cut, Do, Open, Surgery

_NOTHING_OPEN = Unknowns({}, {})
_SAMPLES = 100

Programs = Callable[[CausalModel], PyroProgram]
"""Gives the program of a model, or of what surgery has made of it."""


@dataclass(frozen=True)
class Done:
    """A program under `pyro.poutine.do`."""

    program: PyroProgram
    values: Values

    @property
    def model(self) -> CausalModel:
        return self.program.model

    def variables(
        self, unknowns: Unknowns, seen: Values | None = None, inputs: Values | None = None, exact: bool = False
    ) -> dict[str, Tensor]:
        """Run it: the values of the variables, those that were set among them."""
        run: Any = pyro.poutine.do(self.program.variables, data=dict(self.values))
        found: dict[str, Tensor] = run(unknowns, seen, inputs, exact)
        return found


@dataclass(frozen=True)
class Enumerated:
    """A finite model by enumeration (`cutwire.lawful.LawfulSemantics`): joints as arrays, from inputs to outputs."""

    shape: CausalModel
    programs: Programs
    target: None = None
    most_work: int = 0

    def interpret(self, operated: CausalModel, outputs: Sequence[str]) -> Array:
        """The joint of some variables of an operated model, by the program of its diagram."""
        program = self.programs(operated).limited_to(outputs)
        with undisturbed(0):
            return self._table(program, operated.inputs, outputs)

    def intervene(self, surgeries: Sequence[Surgery], outputs: Sequence[str]) -> Array | None:
        """The same by `do` on the program; nothing for surgeries that set or cut more than whole variables."""
        last: dict[str, Surgery] = {}
        for s in surgeries:
            if not isinstance(s, Do | Cut | Open):
                return None
            last[s.variable] = s
        program, model = self.programs(self.shape).limited_to(outputs), self.shape
        inputs = [n for n in model.names if n in model.inputs or isinstance(last.get(n), Open)]
        set_ = {n: (model.object(n).values or ()).index(s.value) for n, s in last.items() if isinstance(s, Do)}
        cut = [n for n, s in last.items() if isinstance(s, Cut)]
        found = []
        with undisturbed(0):
            for at in itertools.product(*(range(len(model.object(n).values or ())) for n in cut)):
                told = {**set_, **dict(zip(cut, at, strict=True))}
                found.append(self._table(program, inputs, outputs, told))
        return np.asarray(np.mean(found, axis=0))

    def disintegrate(self, x: str, y: str) -> tuple[Array, Array] | None:
        """P(x) P(y | x), and P(x, y)."""
        with undisturbed(0):
            first, joint = self._asked(Query((Term(x),))), self._asked(Query((Term(x), Term(y))))
            parts = []
            for k, value in enumerate(self.shape.object(x).values or ()):
                given = Query((Term(y),), (Term(x, (value,)),))
                parts.append(first[k] * self._asked(given) if first[k] > 0 else np.zeros_like(joint[k]))
        return np.stack(parts), joint

    def equal(self, left: Array, right: Array) -> bool:
        """Whether two joints are the same, up to rounding."""
        return left.shape == right.shape and bool(np.allclose(left, right, atol=1e-9, rtol=0))

    def _asked(self, query: Query) -> Array:
        question = as_question(self.shape, query)
        program = self.programs(self.shape).limited_to(question.variables(question.slots))
        return np.asarray(finite_answer(program, question)[0])

    def _table(
        self,
        program: PyroProgram,
        inputs: Sequence[str],
        outputs: Sequence[str],
        done: Mapping[str, int] | None = None,
    ) -> Array:
        """The joint for all values of the inputs; where something is `done`, Pyro sets that, and what was opened."""
        sizes = {n: len(self.shape.object(n).values or ()) for n in (*inputs, *outputs)}
        found = np.zeros([sizes[n] for n in (*inputs, *outputs)])
        for values in itertools.product(*(range(sizes[n]) for n in inputs)):
            told = {**dict(zip(inputs, values, strict=True)), **(done or {})}
            tensors = {n: torch.tensor(k) for n, k in told.items()}
            own = {n: v for n, v in tensors.items() if n in program.model.inputs}
            set_ = {n: v for n, v in tensors.items() if n not in own}
            run = program if done is None else Done(program, set_)
            joint = log_joint(run, _NOTHING_OPEN, [n for n in outputs if n not in told], inputs=own, whole=True)
            found[(*values, *(told.get(n, slice(None)) for n in outputs))] = joint.exp().numpy()
        return found


@dataclass(frozen=True)
class Sampled:
    """A model with numbers by samples with the same noise (`cutwire.lawful.LawfulSemantics`): values by variable."""

    shape: CausalModel
    programs: Programs
    seed: int = 0
    target: None = None
    most_work: int = 0

    def interpret(self, operated: CausalModel, outputs: Sequence[str]) -> dict[str, Tensor]:
        """Samples of some variables of an operated model, by the program of its diagram."""
        return self._run(self.programs(operated).limited_to(outputs), outputs)

    def intervene(self, surgeries: Sequence[Surgery], outputs: Sequence[str]) -> dict[str, Tensor] | None:
        """The same by `do` on the program; nothing for surgeries that do more than set variables."""
        if self.shape.inputs or not all(isinstance(s, Do) for s in surgeries):
            return None
        values = {s.variable: _value(self.shape.object(s.variable), s.value) for s in surgeries if isinstance(s, Do)}
        return self._run(Done(self.programs(self.shape).limited_to(outputs), values), outputs)

    def disintegrate(self, x: str, y: str) -> None:
        """Samples have no conditionals to compare."""

    def equal(self, left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> bool:
        """Whether the samples are the same, one by one."""
        return left.keys() == right.keys() and all(
            torch.allclose(left[n].double(), right[n].double(), atol=1e-9, rtol=1e-9, equal_nan=True) for n in left
        )

    def _run(self, program: PyroProgram | Done, outputs: Sequence[str]) -> dict[str, Tensor]:
        own = program.program if isinstance(program, Done) else program
        with undisturbed(self.seed), _Noise(self.seed):
            unknowns = own.unknowns()
            with pyro.plate("worlds", _SAMPLES, dim=-1):
                found = program.variables(unknowns)
        return {n: found[n].expand(_SAMPLES) for n in outputs}


class _Noise(pyro.poutine.messenger.Messenger):  # type: ignore[misc]
    """Gives each site the noise that belongs to its name."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def _pyro_sample(self, msg: Any) -> None:
        torch.manual_seed(zlib.crc32(f"{self.seed} {msg['name']}".encode()))


def _value(x: Object, value: str) -> Tensor:
    if x.space:
        return torch.tensor(as_float(value), dtype=torch.float64)
    return torch.tensor((x.values or ()).index(value))
