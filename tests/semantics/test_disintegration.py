"""Disintegration and the comb theorem, with the published numbers of the smoking example."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantics.disintegration import comb_disintegration, disintegrate, plug
from semantics.distribution import Distribution
from strings.diagnostic import ZeroProbabilityError

F = Fraction


def fractions(text: str) -> list[Fraction]:
    return [F(x) for x in text.split()]


SMOKING = Distribution(
    ("S", "T", "C"), np.array(fractions(".5 .1 .01 .02 .1 .05 .02 .2"), dtype=object).reshape(2, 2, 2)
)


def test_comb_of_the_smoking_example() -> None:
    """The comb around T and the channel in its hole are the published ones, and plug to the joint."""
    f, g = comb_disintegration(SMOKING, ("S",), ("T",), ("C",))
    assert f.variables == ("T", "S", "C")
    assert list(f["0"].array.flat) == fractions("21/40 21/200 37/150 37/300")
    assert list(f["1"].array.flat) == fractions("21/100 21/50 37/1100 37/110")
    assert list(g.array.flat) == fractions("20/21 1/21 15/37 22/37")
    assert plug(f, g) == SMOKING


def test_cutting_the_hole_gives_the_published_state() -> None:
    """The intervened state: uniform on S, the channel from S to T, then the comb with its first output summed."""
    f, g = comb_disintegration(SMOKING, ("S",), ("T",), ("C",))
    effect = f.marginal("T", "C").array
    state = g.array[:, :, None] / 2 * effect[None]
    wanted = "463/1260 137/1260 67/11550 104/5775 463/2960 137/2960 67/925 208/925"
    assert list(state.flat) == fractions(wanted)


@st.composite
def joints(draw: st.DrawFn, positive: bool) -> Distribution:
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=3, max_size=4)))
    count = int(np.prod(shape))
    weights = draw(st.lists(st.integers(int(positive), 9), min_size=count, max_size=count))
    total = sum(weights) or 1
    array = np.array([F(w, total) for w in weights], dtype=object).reshape(shape)
    return Distribution([f"V{k}" for k in range(len(shape))], array)


@settings(max_examples=60, deadline=None)
@given(joints(positive=True))
def test_comb_theorem(joint: Distribution) -> None:
    """A fully supported joint is its channel plugged into its comb, and the comb's first output ignores the hole."""
    a, b, c = joint.variables[:1], joint.variables[1:2], joint.variables[2:]
    f, g = comb_disintegration(joint, a, b, c)
    assert plug(f, g) == joint
    first = f.marginal(*b, *a).array
    assert all(np.array_equal(first[k], joint.marginal(*a).array) for k in range(len(first)))


@settings(max_examples=60, deadline=None)
@given(joints(positive=False))
def test_disintegration_is_a_channel_or_undetermined(joint: Distribution) -> None:
    """The channel recomposes the joint; where the condition has probability zero there is an error, not a column."""
    given_, onto = joint.variables[:1], joint.variables[1:]
    marginal = joint.marginal(*given_).array
    if (marginal == 0).any():
        with pytest.raises(ZeroProbabilityError) as refused:
            disintegrate(joint, onto, given_)
        assert "undetermined" in refused.value.diagnostic.notes[0]
        return
    channel = disintegrate(joint, onto, given_)
    shape = (-1, *(1,) * len(onto))
    assert np.array_equal(channel.array * marginal.reshape(shape), joint.array)


def test_nothing_given() -> None:
    """Given nothing, a disintegration is a marginal, and a comb without a first output still plugs."""
    assert disintegrate(SMOKING, ("C",), ()) == SMOKING.marginal("C")
    f, g = comb_disintegration(SMOKING, (), ("S",), ("T", "C"))
    assert plug(f, g) == SMOKING
