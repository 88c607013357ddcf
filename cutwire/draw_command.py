"""`cutwire draw`"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cutwire.opening import console, is_brought, open_model, open_program, print_diagnostics
from cutwire.progress import working
from strings.diagnostic import Diagnostic, QueryError, did_you_mean
from strings.diagram import Diagram

if TYPE_CHECKING:
    from cutwire.model import Model
    from strings.surgery import Surgery


def draw(arguments: Namespace) -> int:
    """`cutwire draw FILE [--after SURGERY] -o OUT`"""
    from parser.files import GRAPHS
    from strings.picture import draw as draw_diagram
    from strings.picture import draw_dag, draw_model

    if arguments.output == "-":
        return _print_sketch(arguments)
    if arguments.ask or arguments.combs:
        return _draw_of_model(arguments)
    output = Path(arguments.output)
    graph = arguments.dag or output.suffix.lower() in GRAPHS
    name, drawn = _drawable(arguments)
    found: list[Diagnostic] = []
    warn = found.append
    with working(f"drawing {output}"):
        match drawn:
            case Diagram() if graph:
                message = f"`{name}` is a plain diagram: only models have a graph"
                raise QueryError(Diagnostic("V001", message, help=(f"name the picture `{output.stem}.svg`",)))
            case Diagram() if arguments.after:
                _draw_change(drawn, name, arguments, warn)
            case Diagram():
                draw_diagram(drawn, output, title=name, warn=warn)
            case _:
                surgeries = _surgeries(drawn, arguments.after) if arguments.after else ()
                if graph and arguments.only_after:
                    draw_dag(drawn.after(*surgeries).shape, output)
                elif graph:
                    draw_dag(drawn.shape, output, surgeries=surgeries)
                else:
                    draw_model(drawn.shape, surgeries, output, before=not arguments.only_after, warn=warn)
    print_diagnostics(found)
    return 0


def _draw_of_model(arguments: Namespace) -> int:
    """`cutwire draw FILE --ask QUESTION -o OUT`, `cutwire draw FILE --combs -o OUT`"""
    from strings.picture import draw_combs

    model = open_model(arguments.file, arguments.name, arguments.allow_outside)
    found: list[Diagnostic] = []
    with working(f"drawing {arguments.output}"):
        if arguments.combs:
            draw_combs(model.shape, arguments.output, warn=found.append)
        else:
            model.draw_question(arguments.ask, arguments.output, steps=arguments.steps, warn=found.append)
    print_diagnostics(found)
    return 0


def _print_sketch(arguments: Namespace) -> int:
    """`cutwire draw FILE -o -`: the picture in letters.

    Raises:
        QueryError: V001 for what has only pictures.
    """
    from cutwire.model import query_to_draw
    from cutwire.repl import print_drawing
    from cutwire.session import Drawing

    if arguments.combs or (arguments.ask and arguments.steps):
        message = f"`--{'combs' if arguments.combs else 'steps'}` draws no sketch"
        raise QueryError(Diagnostic("V001", message, help=("name a picture: `-o picture.svg`",)))
    if arguments.ask:
        model = open_model(arguments.file, arguments.name, arguments.allow_outside)
        print_drawing(console(), Drawing(model.name, None, model, query=query_to_draw(model, arguments.ask)))
        print_diagnostics(model.warnings)
        return 0
    name, drawn = _drawable(arguments)
    if isinstance(drawn, Diagram):
        drawing = Drawing(name, _after(drawn, arguments.after)[0] if arguments.after else drawn)
    else:
        surgeries = _surgeries(drawn, arguments.after) if arguments.after else ()
        if arguments.only_after:
            drawn, surgeries = drawn.after(*surgeries), ()
        drawing = Drawing(name, None, drawn, surgeries)
    print_drawing(console(), drawing)
    return 0


def _drawable(arguments: Namespace) -> tuple[str, Model | Diagram]:
    """What is to be drawn, with its name: as named; else the file's model, or its only diagram."""
    name = arguments.name
    if is_brought(arguments.file):
        model = open_model(arguments.file, name, arguments.allow_outside)
        return model.name, model
    program = open_program(arguments.file, arguments.allow_outside)
    models, diagrams = program.models, program.diagrams
    if name in models or (not name and (models or not diagrams)):
        model = program.find_model(name)
        return model.name, model
    if not name and len(diagrams) == 1:
        name = next(iter(diagrams))
    if name in diagrams:
        return name, diagrams[name]
    known = [*models, *diagrams]
    notes = (f"they are {', '.join(known)}",) if known else ()
    if not name:
        message = f"this file has {len(diagrams)} diagrams: say which"
        raise QueryError(Diagnostic("M007", message, notes=notes, help=("name it: --name NAME",)))
    near = did_you_mean(name, known)
    message = f"there is no model or diagram `{name}` in this file"
    raise QueryError(Diagnostic("M007", message, notes=() if near else notes, help=near))


def _surgeries(model: Model, text: str) -> tuple[Surgery, ...]:
    from parser.elaborate import elaborate_surgery
    from parser.read import read_surgery

    surgeries, _ = elaborate_surgery(read_surgery(text, "<surgery>"), model.definition)
    return surgeries


def _draw_change(d: Diagram, name: str, arguments: Namespace, warn: Callable[[Diagnostic], None]) -> None:
    """A plain diagram before and after surgery on its boxes."""
    from strings.picture import draw_change

    after, cut = _after(d, arguments.after)
    both = not arguments.only_after
    draw_change(d, after, cut, arguments.output, title=name, steps=arguments.after, both=both, warn=warn)


def _after(d: Diagram, surgery: str) -> tuple[Diagram, set[str]]:
    """A plain diagram after surgery on its boxes, and the names of these."""
    from parser.plain_surgery import images_by_box
    from parser.read import read_surgery
    from parser.scope import Report, Scope
    from strings.functor import Functor

    images = images_by_box(d, read_surgery(surgery, "<surgery>"), Scope(Report()))
    return Functor(boxes=images)(d), {b.name for b in images}
