"""How an answer came about: the surgery that was done, the operated diagram, and whether data could tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cutwire.claims import Verdict
from cutwire.counterfactual import CounterfactualIdentification
from cutwire.evaluate import Result
from cutwire.identification import Identification, identify_statement
from cutwire.meanings import Answered
from parser.program import CheckStatement, IdentifiabilityClaim, IdentifyStatement, QueryStatement
from strings.counterfactual_identify import CounterfactualIdentified
from strings.diagnostic import CutwireError, visible
from strings.formula import questions
from strings.picture.sketch import sketch_model
from strings.query import Query, show_world
from strings.surgery import Cut, CutWire, Do, DoWire, Open, Replace, Surgery

if TYPE_CHECKING:
    from rich.console import Console

    from cutwire.model import Model
    from cutwire.program import Item


def print_why(console: Console, item: Item, model: Model | None) -> None:
    """Print the derivation of an answer."""
    from cutwire.show import print_identification, print_verdict

    match item:
        case Identification() | CounterfactualIdentification():
            print_identification(console, item, steps=True)
        case Verdict():
            print_verdict(console, item)
            if model is not None:
                _say(console, _of_claim(item.statement, model))
        case Result() | Answered():
            if isinstance(item, Result) and item.estimates:
                _print_estimate(console, item, model)
            elif model is not None:
                _print_query(console, item.statement, model)
        case _:
            console.print("nothing was computed")


def _say(console: Console, lines: Iterator[str]) -> None:
    for line in lines:
        console.print(visible(line))


def _of_claim(statement: CheckStatement, model: Model) -> Iterator[str]:
    if isinstance(statement.body, IdentifiabilityClaim):
        yield "`:identify` with the same question shows the steps"
    elif statement.models is not None or not model.definition.definitions:
        yield "it was tried on random models of this shape, over finite fields (Schwartz–Zippel)"


def _print_estimate(console: Console, result: Result, model: Model | None) -> None:
    """The derivation of each formula of an estimate."""
    from strings.counterfactual_steps import steps
    from strings.derivation import derive

    done = False
    for e in result.estimates:
        if not (e.found.asked.surgeries or e.found.asked.worlds):
            continue
        done = True
        console.print(visible(f"{e.found.asked} follows from the joint distribution of what is observed:"))
        console.print(visible(f"  =  {e.formula}"), style="cyan")
        if model is None:
            continue
        found = e.found
        if isinstance(found, CounterfactualIdentified):
            told = [(step.text, step.law) for step in steps(model.shape, found)]
        else:
            told = [(step.text, step.law) for step in derive(model.shape, found)]
        for k, (text, law) in enumerate(told, start=1):
            console.print(visible(f"  {k}. {text}   {law}"))
    if not done:
        console.print("no surgery: it is read off the data, by counting")


def _print_query(console: Console, statement: QueryStatement, model: Model) -> None:
    """What was done to the model for each question, what that leaves, and whether data could tell."""
    asked = questions(statement.formula)
    if not asked:
        console.print("plain arithmetic")
    for q in asked:
        console.print(visible(str(q)), style="bold")
        if q.worlds:
            _print_worlds(console, q, model)
            continue
        if not q.surgeries:
            console.print("  nothing is done to the model; " + _reading(q))
            continue
        for s in q.surgeries:
            console.print(visible(f"  {s}: {_in_words(s, model)}"))
        drawn = sketch_model(model.shape, q.surgeries, console.width - 4)
        for line in (drawn or "(the diagram is too wide for this terminal: `:draw FILE`)").splitlines():
            console.print(f"    {line}")
        console.print("  in the operated diagram " + _reading(q))
        _say(console, _from_data(q, statement, model))


def _print_worlds(console: Console, q: Query, model: Model) -> None:
    """How the worlds of a question become one diagram."""
    from strings.picture.multiverse import question_graph
    from strings.picture.sketch import sketch
    from strings.rewriting import simplify, twinned

    there = ", ".join(show_world(w) for w in q.worlds)
    console.print(
        visible(f"  every world (the actual one; {there}) has a copy of all boxes, and shares what is hidden")
    )
    for k, step in enumerate(simplify(twinned(model.shape, q)), start=1):
        console.print(visible(f"  {k}. {str(step).replace('`', '')}"))
    drawn = sketch(question_graph(model.shape, q), console.width - 4)
    for line in (drawn or "(the diagram is too wide for this terminal: `draw P(…) to FILE`)").splitlines():
        console.print(f"    {line}")
    console.print("  in this diagram " + _reading(q))


def _reading(q: Query) -> str:
    seen = ", ".join(str(t) for t in q.given)
    return f"what is seen ({visible(seen)}) conditions it" if seen else "the outputs are read off"


def _in_words(s: Surgery, model: Model) -> str:
    """What a surgery does, as one would say it."""
    match s:
        case Do(variable, value):
            return f"the box of {variable} is cut out, its inputs are discarded, and {variable} is {value} for certain"
        case Cut(variable):
            return f"the box of {variable} is cut out, its inputs are discarded, and {variable} is uniform"
        case Open(variable):
            return f"the box of {variable} is cut out, and {variable} is an input: each value in turn"
        case CutWire(source, sink):
            return f"{sink} hears a uniform {source}; {source} itself and all others are left alone"
        case DoWire(source, sink, value):
            told = f"{source} is {value}" if value is not None else f"each value of {source} in turn"
            return f"{sink} is told that {told}; {source} itself and all others are left alone"
        case Replace(variable):
            return f"another box makes {variable}"


def _from_data(q: Query, statement: QueryStatement, model: Model) -> Iterator[str]:
    """Whether the effect could be had from data on what is observed."""
    asked = IdentifyStatement(model.name, q, str(q), axes=statement.axes, tables=statement.tables)
    try:
        found = identify_statement(model, asked)
    except CutwireError as e:
        yield f"  whether data could tell: {e.diagnostic.message}"
        return
    given = "; ".join(map(str, found.given))
    if found.identifiable:
        yield f"  data on {given} could tell it, whatever the numbers of the model:"
        yield f"    =  {found.formula}"
        for c in found.criteria[:2]:
            yield f"    {c}"
    else:
        yield f"  data on {given} could not tell it: {found.note}"
