"""Contracting a tensor network: plan first, refuse what is too large, then multiply pair by pair.

>>> from semantics.arithmetic import Floats
>>> from semantics.network import Factor
>>> coin = Factor(np.array([0.25, 0.75]), (0,))
>>> copy = Factor(np.array([[0.5, 0.5], [0.0, 1.0]]), (0, 1))
>>> Floats().values(contract(Network((2, 2), ("A", "B"), (coin, copy), (1,)), Floats())).tolist()
[0.125, 0.875]
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache

import numpy as np

from semantics import slicing
from semantics.arithmetic import Arithmetic, Tensor
from semantics.distribution import Array, check_axes
from semantics.network import Network
from semantics.plan import Plan, Step, plan
from strings.diagnostic import Diagnostic, LimitError

Progress = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""

_DEFAULT_LIMIT = 4 * 2**30


TOO_LARGE = "this question"
"""Stands in the refusal of a question that is too large on the way to its answer."""

_CLOSER = "condition on, or intervene on, some of these variables"
_SLICE = "compute it in slices that fit, which takes longer: --slice, or slices=True in Python"

MUCH_WORK = 50_000_000
"""Multiplications of floats: what takes some tenths of a second."""


def contract(
    network: Network,
    arithmetic: Arithmetic,
    max_memory: int | None = None,
    on_progress: Progress | None = None,
    before_much: Callable[[], None] | None = None,
) -> Tensor:
    """The sum over all indices but the output's of the product of the factors; axes in the order of the output.

    `before_much` is called before a contraction that takes long or needs too much memory; it may raise an error.

    Raises:
        LimitError: L001 if the plan needs more than `max_memory` bytes (default: 4 GiB, or half of the memory if that
            is less), L003 if a table on the way has too many axes; nothing has been allocated then.
        PrecisionError: from `Floats`, if float64 cannot hold the numbers; use `Logarithms`.
    """
    entry_bytes = arithmetic.entry_bytes + _digits(network) // 8 * arithmetic.exact
    inputs, room = [f.indices for f in network.factors], memory_limit(max_memory) // entry_bytes
    planned = plan(inputs, network.output, network.sizes, arithmetic.slowness, room)
    if before_much and planned.work * arithmetic.slowness > MUCH_WORK:
        before_much()
    wanted = slicing.asked()
    if wanted is not None and planned.peak > room:
        slices = slicing.find_slices(inputs, network.output, network.sizes, planned, room, arithmetic.slowness)
        if slices is not None:
            check_slices(slices, arithmetic.slowness, planned.peak * entry_bytes, max_memory)
            return slicing.run_slices(slices, network, arithmetic, run, wanted.on_progress)
    check_plan(planned, [network.names[x] for x in planned.widest], entry_bytes, max_memory)
    return run(planned, network, arithmetic, on_progress)


def _digits(network: Network) -> int:
    """How many bits an exact number in the contraction may need: as many as all factors together."""
    exact = (f.array for f in network.factors if f.array.dtype == object)
    return sum(max((p.denominator.bit_length() for p in a.flat if isinstance(p, Fraction)), default=0) for a in exact)


def check_plan(planned: Plan, widest: Sequence[str], entry_bytes: int, max_memory: int | None) -> None:
    """Refuse a plan that needs too much memory, naming the variables of its widest table.

    Raises:
        LimitError: L001, L003 if a table on the way has too many axes.
    """
    needed = planned.peak * entry_bytes
    if needed > memory_limit(max_memory):
        shown = ", ".join(widest[:12]) + (f" and {len(widest) - 12} more" if widest[12:] else "")
        slicing_asked = slicing.asked() is not None
        notes = (
            f"the widest table is over {len(widest)} variables: {shown}",
            f"it would take about {show_about(planned.work)} multiplications",
            *(("no slices of it fit either",) if slicing_asked else ()),
        )
        check_bytes(needed, max_memory, f"{TOO_LARGE} needs", notes, (_CLOSER,) if slicing_asked else (_CLOSER, _SLICE))
    check_axes(planned.axes, "a table on the way")


def check_slices(slices: slicing.Slices, slowness: int, whole: int, max_memory: int | None) -> None:
    """Refuse slices that would take forever.

    Raises:
        LimitError: L003.
    """
    seconds = slices.seconds(slowness)
    if seconds > slicing.LONGEST:
        limit = show_bytes(memory_limit(max_memory))
        raise LimitError(
            Diagnostic(
                "L003",
                f"slices of {TOO_LARGE} that fit into {limit} would take more than {show_seconds(seconds)}",
                notes=(
                    f"there would be {show_about(slices.count)} of them, or more",
                    f"as a whole it needs about {show_bytes(whole)} of memory",
                ),
                help=(_CLOSER, *_allow_more(whole)),
            )
        )


def check_answer_size(sizes: Sequence[int], entry_bytes: int, max_memory: int | None) -> None:
    """Refuse an answer that is itself too large.

    Raises:
        LimitError: L001 if it needs too much memory, L003 if it has too many axes.
    """
    check_bytes(
        math.prod(sizes) * entry_bytes * 2,
        max_memory,
        "the answer alone would take",
        (f"it has {show_count(math.prod(sizes))} entries along {len(sizes)} axes",),
        ("leave fewer variables free, or give some of them a value",),
    )
    check_axes(len(sizes), "the answer")


def check_bytes(needed: int, max_memory: int | None, what: str, notes: tuple[str, ...], help: tuple[str, ...]) -> None:
    """Refuse what takes more than the bound.

    Raises:
        LimitError: L001.
    """
    limit = memory_limit(max_memory)
    if needed > limit:
        message = f"{what} about {show_bytes(needed)} of memory; the limit is {show_bytes(limit)}"
        raise LimitError(Diagnostic("L001", message, notes=notes, help=(*help[:1], *_allow_more(needed), *help[1:])))


def _allow_more(needed: int) -> tuple[str, ...]:
    """The help that allows so many bytes, if the machine has them."""
    if needed > _machine_memory() * 9 // 10:
        return ()
    return (f"allow more: --max-memory {show_bytes(needed, rounded_up=True).replace(' ', '')}",)


def memory_limit(max_memory: int | None) -> int:
    """The bound in bytes: as asked, else 4 GiB or half of the machine's memory, whichever is less; never more than nine
    tenths of what the machine has."""
    machine = _machine_memory()
    return min(_DEFAULT_LIMIT, machine // 2) if max_memory is None else min(max_memory, machine * 9 // 10)


@cache
def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        return 2 * _DEFAULT_LIMIT


def show_bytes(n: int, rounded_up: bool = False) -> str:
    """A number of bytes for people.

    >>> show_bytes(3 * 2**29), show_bytes(10)
    ('1.5 GiB', '10 B')
    """
    if n >> 100:
        return f"{show_count(n >> 80)} YiB"
    unit = 0
    while n >> (10 * unit) >= 1024 and unit < 8:
        unit += 1
    name = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")[unit]
    if rounded_up:
        return f"{-(-n >> (10 * unit))} {name}"
    return f"{n / (1 << (10 * unit)):.3g} {name}"


def show_count(n: int) -> str:
    """A whole number for people; of a very long one only how long it is.

    >>> show_count(12345), show_count(2**5000)
    ('12,345', '10^1505')
    """
    return f"{n:,}" if n < 10**15 else f"10^{int(math.log10(n))}"


def show_about(n: int) -> str:
    """About how much a whole number is, for people.

    >>> show_about(12_345), show_about(3 * 10**12), show_about(2**5000)
    ('12,345', '3e12', '1.4e1505')
    """
    if n < 10**6:
        return f"{n:,}"
    exponent = int(math.log10(n))
    return f"{n // 10 ** (exponent - 1) / 10:.2g}e{exponent}"


def show_seconds(seconds: float) -> str:
    """A time for people.

    >>> show_seconds(90), show_seconds(3 * 86400), show_seconds(1e9), show_seconds(1e15)
    ('2 minutes', '3 days', '32 years', '3.1e7 years')
    """
    for size, name in ((365.25 * 86400, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            count = seconds / size
            return f"{count:.0f} {name}" if count < 10**6 else f"{show_about(int(min(count, 1e300)))} {name}"
    return f"{seconds:.0f} seconds"


def run(planned: Plan, network: Network, arithmetic: Arithmetic, on_progress: Progress | None = None) -> Tensor:
    """Carry out a plan."""
    held: dict[int, Tensor] = {}
    for step_number, step in enumerate(planned.steps):
        left = _take(held, network, arithmetic, planned, step.left)
        right = _take(held, network, arithmetic, planned, step.right)
        held[len(network.factors) + step_number] = _multiply(step, left, right, arithmetic)
        if on_progress is not None:
            on_progress(step_number + 1, len(planned.steps))
    last = _take(held, network, arithmetic, planned, len(network.factors) + len(planned.steps) - 1)
    return last.arranged(np.transpose(last.array, planned.final))


def _take(held: dict[int, Tensor], network: Network, arithmetic: Arithmetic, planned: Plan, number: int) -> Tensor:
    """A tensor by number: an intermediate one, or a factor with the indices that it has for itself summed."""
    if number >= len(network.factors):
        return held.pop(number)
    tensor = arithmetic.load(network.factors[number].array)
    alone = planned.alone[number]
    return arithmetic.total(tensor, alone) if alone else tensor


def _multiply(step: Step, left: Tensor, right: Tensor, arithmetic: Arithmetic) -> Tensor:
    """One step: both sides as stacks of matrices, multiplied; the result has the shape of the step."""
    b, i, j, k = step.dims
    one = left.arranged(ordered(left.array, step.left_order).reshape(b, i, k))
    other = right.arranged(ordered(right.array, step.right_order).reshape(b, k, j))
    made = arithmetic.product(one, other)
    return made.arranged(made.array.reshape(step.shape))


def ordered(array: Array, order: tuple[int, ...] | None) -> Array:
    """The array with its axes in another order."""
    return array if order is None else array.transpose(order)
