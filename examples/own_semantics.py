"""A semantics of your own: expected utility.

Diagrams of a decision problem have two kinds of wires. Finite ones carry a value, `real` ones carry a payoff. A diagram
means what happens, and what each payoff is expected to be in each case: a kernel, and for every payoff the expectation
E[payoff; this case], which is affine in the payoffs that come in. Such maps compose, stand side by side, copy and
discard, so they are a Markov category, and eight short methods tell Cutwire all about it. Surgery on the diagram is
then a decision, and its meaning is what the decision is worth (Howard and Matheson, *Influence diagrams*, 1984).

    python examples/own_semantics.py
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import cutwire as cw
from cutwire.laws import LawReport, check_semantics
from semantics.category import interpret
from strings.model import CausalModel, Mechanism
from strings.signature import Box, Object, Ty
from strings.surgery import Do, Replace, operate

TEXT = """
model treatment

var Severity : {mild, severe}
var Treatment : {wait, operate}
var Outcome : {ill, well}
var Health, Price, Total : real "in thousands of euros"

box severity : -> Severity = flip(30%)
box treatment : Severity -> Treatment = | mild -> flip(1/10) | severe -> flip(4/5)
box outcome : Severity, Treatment -> Outcome =
  | mild, wait      -> flip(80%)
  | mild, operate   -> flip(90%)
  | severe, wait    -> flip(20%)
  | severe, operate -> flip(70%)

box health : Outcome -> Health
box price : Treatment -> Price
box total : Health, Price -> Total
"""


@dataclass(frozen=True, eq=False)
class Worth:
    """A map: what happens, and what it is worth.

    `kernel[a, b]` is the probability of the finite outputs `b` given the finite inputs `a`. `payoff[a, b, j, 0]` is the
    expectation of payoff `j` in the case `b`, and `payoff[a, b, j, 1 + i]` how much of the incoming payoff `i` is in
    it.
    """

    dom: Ty
    cod: Ty
    kernel: np.ndarray
    payoff: np.ndarray

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Worth)
            and (self.dom, self.cod) == (other.dom, other.cod)
            and np.allclose(self.kernel, other.kernel)
            and np.allclose(self.payoff, other.payoff)
        )


@dataclass(frozen=True)
class ExpectedUtility:
    """The semantics: `kernels` has the tables of the finite boxes, `payoffs` the boxes that make a payoff.

    A payoff box on finite wires is a vector, one number for each case; one on payoffs is a row of weights.
    """

    kernels: Mapping[str, np.ndarray]
    payoffs: Mapping[str, np.ndarray]

    def box(self, b: Box) -> Worth:
        if b.kind == "point":
            return self._finite((), b.cod, np.array([[float(v == b.value) for v in b.cod[0].values or ()]]))
        if b.name in self.payoffs:
            return self._payoff(b, np.asarray(self.payoffs[b.name], dtype=float))
        return self._finite(b.dom, b.cod, self.kernels[b.name].reshape(cases(b.dom), cases(b.cod)))

    def uniform(self, x: Object) -> Worth:
        return self._finite((), (x,), np.full((1, cases((x,))), 1 / cases((x,))))

    def identity(self, ty: Ty) -> Worth:
        return self._wires(ty, ty, list(range(len(ty))))

    def copy(self, ty: Ty) -> Worth:
        return self._wires(ty, (*ty, *ty), [*range(len(ty)), *range(len(ty))])

    def discard(self, ty: Ty) -> Worth:
        return self._wires(ty, (), [])

    def swap(self, left: Ty, right: Ty) -> Worth:
        n, m = len(left), len(right)
        return self._wires((*left, *right), (*right, *left), [*range(n, n + m), *range(n)])

    def then(self, f: Worth, g: Worth) -> Worth:
        """E[w; c] sums over what happens between: g's own payoff there, and its share of f's payoffs."""
        kernel = f.kernel @ g.kernel
        payoff = np.zeros((*kernel.shape, number(g.cod), 1 + number(f.dom)))
        payoff[..., 0] = np.einsum("ab,bcj->acj", f.kernel, g.payoff[..., 0])
        payoff += np.einsum("bcji,abik->acjk", g.payoff[..., 1:], f.payoff)
        return Worth(f.dom, g.cod, kernel, payoff)

    def tensor(self, f: Worth, g: Worth) -> Worth:
        """Side by side they are independent: a payoff of one is expected in a case of the other by its probability."""
        n, m = number(f.dom), number(g.dom)
        above = np.einsum("abjk,cd->acbdjk", f.payoff, g.kernel)
        below = np.einsum("cdjk,ab->acbdjk", g.payoff, f.kernel)
        shape = above.shape[:4]
        payoff = np.zeros((*shape, number(f.cod) + number(g.cod), 1 + n + m))
        payoff[..., : number(f.cod), : 1 + n] = above
        payoff[..., number(f.cod) :, 0] = below[..., 0]
        payoff[..., number(f.cod) :, 1 + n :] = below[..., 1:]
        dom, cod = (*f.dom, *g.dom), (*f.cod, *g.cod)
        kernel = np.einsum("ab,cd->acbd", f.kernel, g.kernel)
        a, b = shape[0] * shape[1], shape[2] * shape[3]
        return Worth(dom, cod, kernel.reshape(a, b), payoff.reshape(a, b, *payoff.shape[4:]))

    def _finite(self, dom: Ty, cod: Ty, kernel: np.ndarray) -> Worth:
        return Worth(dom, cod, kernel, np.zeros((*kernel.shape, 0, 1 + number(dom))))

    def _payoff(self, b: Box, numbers: np.ndarray) -> Worth:
        payoff = np.zeros((cases(b.dom), 1, 1, 1 + number(b.dom)))
        if number(b.dom):
            payoff[:, 0, 0, 1:] = numbers
        else:
            payoff[:, 0, 0, 0] = numbers.reshape(-1)
        return Worth(b.dom, b.cod, np.ones((cases(b.dom), 1)), payoff)

    def _wires(self, dom: Ty, cod: Ty, source: list[int]) -> Worth:
        """Output `k` is the input `source[k]`."""
        finite = [k for k, x in enumerate(dom) if not x.space]
        real = [k for k, x in enumerate(dom) if x.space]
        sizes = [len(x.values or ()) for x in dom if not x.space]
        kernel = np.zeros((cases(dom), cases(cod)))
        for a, values in enumerate(np.ndindex(*sizes)):
            given = dict(zip(finite, values, strict=True))
            wanted = [(given[k], len(dom[k].values or ())) for k in source if k in given]
            b = 0
            for value, size in wanted:
                b = b * size + value
            kernel[a, b] = 1
        shares = np.zeros((number(cod), 1 + len(real)))
        for j, k in enumerate(k for k in source if k in real):
            shares[j, 1 + real.index(k)] = 1
        return Worth(dom, cod, kernel, kernel[:, :, None, None] * shares)


def cases(ty: Ty) -> int:
    """How many cases the finite wires of a type have."""
    return math.prod(len(x.values or ()) for x in ty if not x.space)


def number(ty: Ty) -> int:
    """How many payoffs a type has."""
    return sum(bool(x.space) for x in ty)


MODEL = cw.parse(TEXT).model
UTILITY = ExpectedUtility(
    {name: k.array for name, k in MODEL.kernels().items()},
    {"health": np.array([0, 100]), "price": np.array([0, -20]), "total": np.array([1, 1])},
)


def decisions() -> dict[str, float]:
    """What is done now is worth, what each treatment is worth if all get it, and what each policy is worth that looks
    at how severe it is."""
    found = {"as now": total(MODEL.shape)}
    for value in ("wait", "operate"):
        found[f"all {value}"] = total(operate(MODEL.shape, Do("Treatment", value)))
    severity, treatment = MODEL.shape.object("Severity"), MODEL.shape.object("Treatment")
    policy = Box("policy", (severity,), (treatment,), deterministic=True)
    for mild, severe in (("wait", "operate"), ("operate", "wait")):
        operated = operate(MODEL.shape, Replace("Treatment", Mechanism.of_box(policy), "policy"))
        table = np.array([[float(v == chosen) for v in treatment.values or ()] for chosen in (mild, severe)])
        found[f"mild {mild}, severe {severe}"] = total(operated, {"policy": table})
    return found


def total(shape: CausalModel, more: Mapping[str, np.ndarray] | None = None) -> float:
    """The expected total payoff of a model; `more` has the kernels of further boxes."""
    semantics = ExpectedUtility({**UTILITY.kernels, **(more or {})}, UTILITY.payoffs)
    return float(interpret(shape.state(["Total"]), semantics).payoff.sum(axis=(0, 1))[0, 0])


def laws() -> LawReport:
    """Whether this is a semantics at all, before and after surgery."""
    shapes = [MODEL.shape, operate(MODEL.shape, Do("Treatment", "operate"))]
    return check_semantics(UTILITY, [d for s in shapes for d in (s.state(["Total"]), s.state(s.names))])


if __name__ == "__main__":
    for decision, value in decisions().items():
        print(f"{decision:26} {value:6.2f}")
    print(laws())
