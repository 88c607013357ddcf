"""Functional models with given tables: boxes written as functions of their inputs and a response variable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from semantics.distribution import Array, number_array
from semantics.families import Family
from semantics.kernel import Kernel, Table, Tables, size, uniform_array
from semantics.response import is_function
from semantics.stochastic import Stochastic
from strings.diagram import box
from strings.functional import Response, functional_form
from strings.model import CausalModel, Mechanism, retyped
from strings.signature import Box, Object

Track = Sequence[tuple[Fraction, Mapping[int, int]]]
"""Weights that sum to 1, each with the outputs at some inputs."""


def functional_model(
    model: CausalModel, tables: Tables, laws: Iterable[tuple[Family, Sequence[Any]]]
) -> tuple[CausalModel, dict[str, Kernel]]:
    """The model in which some boxes are functions whose response variables have these laws, with exact tables.

    Every box is the same stochastic matrix as before, and its response variable is a new hidden root. A mechanism of
    several boxes becomes one box. Where `tables` are floats, they are taken for the fractions that they are.
    """
    exact = {name: in_fractions(t) for name, t in tables.items()}
    made, responses = functional_form(model, partial(is_function, tables))
    given = {f.response.latent: (f, law) for f, law in laws}
    changed = {r.variable for r in responses if r.latent in given}
    latents: dict[str, Object] = {}
    laws_of: dict[str, Kernel] = {}
    for r in (r for r in responses if r.variable in changed):
        table = _table(r, exact)
        tracks = _tracks(table, *given.get(r.latent, (None, ())))
        weights, functions = _together(tracks, len(table))
        latents[r.latent] = Object(r.latent, tuple(f"f{k}" for k in range(len(weights))))
        laws_of[r.latent] = Kernel((), (latents[r.latent],), weights)
        exact[r.applied.name] = _applied(r, latents[r.latent], functions, table.shape[1])
    mechanisms = dict(model.mechanisms)
    used = [n.box.name for m in model.mechanisms.values() for n in m.diagram.nodes]
    for variable in changed:
        m = made.mechanisms[variable]
        diagram = retyped(m.diagram, latents)
        kernel = Stochastic(exact, exact=True).contract(diagram)
        nodes = model.mechanisms[variable].diagram.nodes
        alone = len(nodes) == 1 and used.count(nodes[0].box.name) == 1
        name = nodes[0].box.name if alone else f"all of {variable}"
        mechanisms[variable] = Mechanism(m.parents, box(Box(name, diagram.dom, diagram.cod, deterministic=True)))
        exact[name] = Kernel(diagram.dom, diagram.cod, kernel.array)
    for x in latents.values():
        root = Box(x.name[0].lower() + x.name[1:], (), (x,))
        while root.name in exact:
            root = replace(root, name=f"{root.name}'")
        mechanisms[x.name] = Mechanism.of_box(root)
        exact[root.name] = laws_of[x.name]
    variables = (*model.variables, *latents.values())
    shape = replace(model, variables=variables, mechanisms=mechanisms, latents=model.latents | set(latents))
    boxes = {n.box.name for m in shape.mechanisms.values() for n in m.diagram.nodes}
    return shape, {name: t for name, t in exact.items() if name in boxes}


def in_fractions(table: Table) -> Kernel:
    """A table in exact fractions; floats are taken for the fractions that they are, up to rounding."""
    if table.exact:
        return Kernel(table.dom, table.cod, table.array)
    rows = [[Fraction(float(x)) for x in row] for row in table.array.reshape(-1, _width(table.cod))]
    return Kernel(table.dom, table.cod, _shaped([_whole(row) for row in rows], table.array.shape))


def _whole(row: Sequence[Fraction]) -> list[Fraction]:
    """Numbers that sum to 1 but for rounding, so that they do."""
    return [x / sum(row) for x in row]


def _width(cod: Sequence[Object]) -> int:
    width = 1
    for x in cod:
        width *= size(x)
    return width


def _shaped(rows: Sequence[Sequence[Fraction]], shape: Sequence[int]) -> Array:
    return number_array(np.array(rows, dtype=object).reshape(shape))


def _table(r: Response, tables: Mapping[str, Kernel]) -> Array:
    """The numbers of a box, a row for each combination of its inputs."""
    array = uniform_array(r.box.cod[0], True) if r.box.kind == "uniform" else tables[r.box.name].array
    return array.reshape(-1, _width(r.box.cod))


def _tracks(table: Array, family: Family | None, law: Sequence[Any]) -> list[Track]:
    """How outputs come about together, for each group of inputs; an input that is in none is a group of its own."""
    if family is None:
        return [[(w, {i: o}) for o, w in enumerate(row) if w] for i, row in enumerate(table)]
    tracks: list[Track] = []
    start = 0
    for tree in family.trees:
        track: Track = []
        for g in tree:
            weights = _whole([Fraction(w) for w in law[start : start + len(g.functions)]])
            start += len(g.functions)
            functions = [dict(zip(g.inputs, map(int, f), strict=True)) for f in g.functions]
            here = [(w, f) for w, f in zip(weights, functions, strict=True) if w]
            track = _glued(track, here, g.shared) if g.behind else here
        for i in dict.fromkeys(i for g in tree for i in g.inputs):
            track = _told_apart(track, i, table[i], family.like[i])
        tracks.append(track)
    met = {i for g in family.groups for i in g.inputs}
    for i, row in enumerate(table):
        if i not in met:
            tracks.append([(w, {i: o}) for o, w in enumerate(row) if w])
    return tracks


def _glued(one: Track, other: Track, shared: Sequence[int]) -> Track:
    """A law of all inputs of two tracks, which agree on the inputs that they share.

    Where these are given, any way of drawing the rest together will do; both run side by side from 0 to 1. What
    rounding has made to differ is as the first has it.
    """

    def by_shared(track: Track) -> Mapping[tuple[int, ...], Track]:
        found: dict[tuple[int, ...], list[tuple[Fraction, Mapping[int, int]]]] = {}
        for w, f in track:
            found.setdefault(tuple(f[i] for i in shared), []).append((w, f))
        return found

    theirs = by_shared(other)
    whole: list[tuple[Fraction, Mapping[int, int]]] = []
    for values, mine in by_shared(one).items():
        mass = sum(w for w, _ in mine)
        parts = [_conditional(mine), _conditional(theirs.get(values, other))]
        whole += [(w * mass, {**second, **first}) for w, (first, second) in _side_by_side(parts)]
    return whole


def _told_apart(track: Track, i: int, row: Array, like: Array) -> Track:
    """A track in which one output at an input stood for several, with these."""
    if all(o == stands for o, stands in enumerate(like) if row[o]):
        return track
    stood = [(w, {**f, -1: f[i]}) for w, f in track]
    own = [(w, {i: o, -1: int(like[o])}) for o, w in enumerate(row) if w]
    glued = _glued([(w, {n: o for n, o in f.items() if n != i}) for w, f in stood], own, (-1,))
    return [(w, {n: o for n, o in f.items() if n >= 0}) for w, f in glued]


def _conditional(track: Track) -> Track:
    """The same with weights that sum to 1."""
    weights = _whole([w for w, _ in track])
    return [(w, f) for w, (_, f) in zip(weights, track, strict=True)]


def _side_by_side(tracks: Sequence[Track]) -> list[tuple[Fraction, tuple[Mapping[int, int], ...]]]:
    """Tracks that run side by side from 0 to 1: wherever one of them changes, something new begins."""
    at = [0] * len(tracks)
    ends = [t[0][0] for t in tracks]
    found = []
    done = Fraction(0)
    while done < 1:
        until = min(ends)
        found.append((until - done, tuple(t[k][1] for t, k in zip(tracks, at, strict=True))))
        done = until
        for j, t in enumerate(tracks):
            if ends[j] == done and done < 1:
                at[j] += 1
                ends[j] += t[at[j]][0]
    return found


def _together(tracks: Sequence[Track], inputs: int) -> tuple[list[Fraction], list[list[int]]]:
    """One law of whole functions for all tracks, with few functions."""
    weights: list[Fraction] = []
    functions: list[list[int]] = []
    for w, parts in _side_by_side(tracks):
        function = [0] * inputs
        for part in parts:
            for i, o in part.items():
                function[i] = o
        weights.append(w)
        functions.append(function)
    return weights, functions


def _applied(r: Response, latent: Object, functions: Sequence[Sequence[int]], width: int) -> Kernel:
    """The box as a function of its inputs and, on the last port, its response variable."""
    inputs = len(functions[0])
    entries = np.full((inputs, len(functions), width), Fraction(0), dtype=object)
    for k, function in enumerate(functions):
        entries[np.arange(inputs), k, list(function)] = Fraction(1)
    sizes = [size(x) for x in r.box.dom], [size(x) for x in r.box.cod]
    return Kernel((*r.box.dom, latent), r.box.cod, entries.reshape([*sizes[0], len(functions), *sizes[1]]))
