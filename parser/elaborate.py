"""Elaboration: from the syntax tree of a model file to a `Program`, every name resolved and every problem told.

The order is: imports; domains, objects and box signatures of the file and of its model blocks; data; tables; models;
interpretations and models after surgery; diagrams; statements.

>>> text = "var S : {no, yes}  box s : -> S = flip(1/3)  query P(S = yes)"
>>> program = parse_program(text, "coin.causal")
>>> program.main, program.models["coin"].definitions["s"].entries
('coin', (Fraction(2, 3), Fraction(1, 3)))
>>> print(program.statements[0].formula)
P(S = yes)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from parser import syntax
from parser.asked import Asked, text_of
from parser.axes import LEAVE_FREE
from parser.boxes import define_boxes
from parser.data import elaborate_data
from parser.diagrams import elaborate_diagrams
from parser.domains import elaborate_domains, elaborate_objects
from parser.files import Folder, read_text
from parser.formulas import begin, comparison, formula, free_values
from parser.imports import Workspace, find_file, import_names
from parser.models import ModelInfo, build_model, interpretation, model_after, with_surgeries
from parser.parameters import elaborate_parameters
from parser.program import CheckStatement, Definition, ModelDef, Program, QueryStatement, Statement
from parser.read import read, read_expression
from parser.scope import Report, Scope, Skipped, in_text_order, problem, second_place, turned
from parser.signatures import elaborate_signatures, policies_in
from parser.statements import elaborate_statements
from parser.surgeries import Setting, refuse_free_wires, resolve_surgeries
from parser.tokens import RESERVED
from strings.diagnostic import CutwireError, Diagnostic, Source, Span
from strings.diagram import Diagram
from strings.surgery import Surgery

Warn = Callable[[Diagnostic], None]
"""Told every warning."""


def load_program(path: str | Path, allow_outside: bool = False) -> Program:
    """Read and elaborate a model file.

    Raises:
        LanguageError: with every problem of the file. LimitError: if a bound was hit.
    """
    path = Path(path)
    source = Source(str(path), read_text(path))
    return elaborate(read(source.text, source.name), source, path.parent, allow_outside=allow_outside, path=path)


def parse_program(text: str, name: str = "<text>", folder: Path | None = None) -> Program:
    """Read and elaborate a model text; `folder` is where its imports and data are looked up.

    Raises:
        LanguageError: with every problem of the text. LimitError: if a bound was hit.
    """
    return elaborate(read(text, name), Source(name, text), folder)


def elaborate(
    file: syntax.File,
    source: Source,
    folder: Path | None,
    *,
    allow_outside: bool = False,
    path: Path | None = None,
) -> Program:
    """Elaborate a syntax tree; `folder` is where relative paths start, `path` the file itself if there is one.

    Raises:
        LanguageError: with every problem of the file. LimitError: if a bound was hit.
    """
    workspace = Workspace(folder, allow_outside)
    if path is not None:
        workspace.loading.append(path.resolve())
    done = _elaborate_file(file, source.name, workspace, workspace.folder(folder))
    workspace.report.raise_errors()
    asked = {s.model for s in done.statements}
    models = {n: m.definition for n, m in done.models.items() if "." not in n or n in asked}
    warnings = tuple(in_text_order(workspace.report.warnings))
    return Program(source, models, done.diagrams, tuple(done.statements), warnings, done.main)


@dataclass
class _Done:
    """What one file comes to; imported models are among `models` under their qualified names."""

    scope: Scope
    models: Mapping[str, ModelInfo]
    diagrams: Mapping[str, Diagram]
    statements: Sequence[Statement]
    main: str


_Block = tuple[syntax.ModelBlock, Scope]


def _elaborate_file(file: syntax.File, name: str, workspace: Workspace, folder: Folder, origin: str = "") -> _Done:
    """One file; `origin` is its path if it is imported."""
    scope = Scope(workspace.report, bounds=workspace.bounds, origin=origin)
    _imports(file.items, scope, workspace, folder)
    blocks = [
        (item, Scope(scope.report, scope, origin=f"{origin}: {item.name.text}" if origin else item.name.text))
        for item in file.items
        if isinstance(item, syntax.ModelBlock)
    ]
    for block, _ in blocks:
        _refuse_in_block(block, scope.report)
    policies = policies_in(file.items)
    for items, inner in [(file.items, scope), *((b.items, s) for b, s in blocks)]:
        _declare(items, inner, policies)
    _data(file.items, scope, blocks, folder)
    for inner in [scope, *(s for _, s in blocks)]:
        define_boxes(inner)
    infos, main = _models(file.items, name, scope, blocks)
    diagrams = elaborate_diagrams(file.items, scope)
    for block, inner in blocks:
        diagrams |= {n: d for n, d in elaborate_diagrams(block.items, inner).items() if n not in diagrams}
    statements = _statements(file.items, scope, blocks, folder, infos, main)
    return _Done(scope, scope.models.own(), diagrams, statements, main)


def _imports(items: Iterable[syntax.Item], scope: Scope, workspace: Workspace, folder: Folder) -> None:
    aliases: dict[str, syntax.Import] = {}
    for item in items:
        if not isinstance(item, syntax.Import):
            continue
        exported: Scope | None = None
        with scope.report.collect(item.path_span or item.span):
            exported = _imported(item, workspace, folder)
        alias = item.alias.text if item.alias else ""
        if alias and alias in aliases:
            also = second_place(aliases[alias].span, "first here")
            error = problem("N001", f"two imports are called `{alias}`", item.span, "again here", also=also)
            scope.report.add(error.diagnostics)
            continue
        aliases[alias] = item
        import_names(item, exported, scope)


def _imported(item: syntax.Import, workspace: Workspace, folder: Folder) -> Scope | None:
    """The scope of an imported file; each file is read once."""
    path = find_file(item, folder, workspace)
    if path in workspace.loaded:
        return workspace.loaded[path]
    workspace.loaded[path] = None
    shown = _shown(path, workspace.root)
    file = read(read_text(path), shown)
    workspace.loading.append(path)
    try:
        done = _elaborate_file(file, shown, workspace, workspace.folder(path.parent), shown)
    finally:
        workspace.loading.pop()
    workspace.loaded[path] = done.scope
    return done.scope


def _shown(path: Path, root: Path | None) -> str:
    """The path as seen from the main file's folder."""
    if root is not None and path.is_relative_to(root.resolve()):
        return str(path.relative_to(root.resolve()))
    return str(path)


def _refuse_in_block(block: syntax.ModelBlock, report: Report) -> None:
    """M008: what belongs to a file cannot stand in a model block."""
    names = {
        syntax.ModelHeader: "a model's header",
        syntax.ModelBlock: "another model",
        syntax.ModelAfter: "another model",
        syntax.Import: "an import",
    }
    for item in block.items:
        if type(item) in names:
            message = f"{names[type(item)]} cannot stand inside of a model"
            help_ = ("move it out of the braces",)
            report.add(problem("M008", message, item.span, f"inside of `{block.name.text}`", help=help_).diagnostics)


def _declare(items: Sequence[syntax.Item], scope: Scope, policies: frozenset[str]) -> None:
    elaborate_domains(items, scope)
    elaborate_objects(items, scope)
    elaborate_parameters(items, scope)
    elaborate_signatures(items, scope, policies)
    for item in items:
        if isinstance(item, syntax.SurgeryDecl) and scope.surgeries.declare(item.name):
            scope.surgeries.define(item.name.text, item)


def _data(items: Sequence[syntax.Item], scope: Scope, blocks: Sequence[_Block], folder: Folder) -> None:
    """Declare data. Data of a file without variables of its own belong to the blocks that have their variables."""
    for block, inner in blocks:
        elaborate_data(block.items, inner, folder)
    if scope.variables or not blocks:
        elaborate_data(items, scope, folder)
        return
    for item in items:
        if isinstance(item, (syntax.CsvData, syntax.TableData)):
            columns = item.variables if isinstance(item, syntax.TableData) else tuple(n for n, _ in item.columns)
            names = [n.text for n in columns if n.text != "weight"]
            homes = [s for _, s in blocks if all(s.is_variable(n) for n in names)]
            for inner in homes or [blocks[0][1]]:
                elaborate_data([item], inner, folder)


def _models(
    items: Sequence[syntax.Item], name: str, scope: Scope, blocks: Sequence[_Block]
) -> tuple[dict[Scope, str], str]:
    """Build and define all models; the names of the scopes' own models, and that of the file's."""
    names: dict[Scope, str] = {}
    main = _main_name(items, name, scope)
    if main is not None and scope.models.declare(main[0]):
        names[scope] = main[0].text
        scope.models.define(main[0].text, build_model(main[0].text, scope, main[1]))
    for block, inner in blocks:
        if scope.models.declare(block.name):
            names[inner] = block.name.text
            scope.models.define(block.name.text, build_model(block.name.text, inner, "\n".join(block.doc)))
    derived = [i for i in items if isinstance(i, syntax.ModelAfter) and scope.models.declare(i.name)]
    interpretations = [i for i in items if isinstance(i, syntax.Interpret)]
    interpretations += [i for b, _ in blocks for i in b.items if isinstance(i, syntax.Interpret)]
    for inner, own in names.items():
        _name_surgeries(own, inner)
    later = {d.name.text for d in derived}
    _interpret([i for i in interpretations if i.model.text not in later], scope)
    _derive(derived, interpretations, scope)
    return names, main[0].text if main is not None and scope in names else ""


def _main_name(items: Sequence[syntax.Item], name: str, scope: Scope) -> tuple[syntax.Name, str] | None:
    """The name and documentation of the file's own model, if it declares any variable."""
    headers = [i for i in items if isinstance(i, syntax.ModelHeader)]
    for second in headers[1:]:
        also = second_place(headers[0].name.span, "first here")
        help_ = ("for several models write `model NAME { … }`",)
        error = problem("N001", "a file has one model header", second.span, "again here", also=also, help=help_)
        scope.report.add(error.diagnostics)
    if not scope.variables:
        return None
    if headers:
        return headers[0].name, "\n".join(headers[0].doc)
    stem = "" if name.startswith("<") else Path(name).stem
    return syntax.Name(stem if stem and stem not in RESERVED else _free_name(items)), ""


def _free_name(items: Sequence[syntax.Item]) -> str:
    """`main`, for a model without a name, or with one that cannot be written; with primes if others are called so."""
    taken = {i.name.text for i in items if isinstance(i, syntax.ModelBlock | syntax.ModelAfter)}
    name = "main"
    while name in taken:
        name += "'"
    return name


def _name_surgeries(name: str, scope: Scope) -> None:
    """Resolve the surgeries of a scope against its model; those that name boxes of plain diagrams are left alone."""
    own = [d for d in scope.surgeries.own().values() if not _names_boxes(d, scope)]
    info = with_surgeries(scope.find_model(syntax.Name(name)), [d.name for d in own])
    scope.models.define(name, info)


def _names_boxes(decl: syntax.SurgeryDecl, scope: Scope) -> bool:
    for op in decl.surgery:
        if isinstance(op, syntax.NamedOp):
            continue
        targets = op.targets if isinstance(op, syntax.CutOp) else tuple(a.target for a in op.assigns)
        for t in targets:
            entry = scope.boxes.get(t.variable.text)
            if t.variable.text not in scope.variables and entry is not None and not entry.variable:
                return True
    return False


def _interpret(items: Iterable[syntax.Interpret], scope: Scope) -> None:
    """Add interpretations to the models that they name."""
    places: dict[tuple[str, str], Span | None] = {}
    for item in items:
        with scope.report.collect(item.span):
            info = scope.find_model(item.model)
            known = info.definition.interpretations
            if item.name.text in known:
                message = f"`{item.model.text}` has two interpretations `{item.name.text}`"
                also = second_place(places.get((item.model.text, item.name.text)), "first here")
                raise problem("N001", message, item.name.span, "again here", also=also)
            places[item.model.text, item.name.text] = item.name.span
            found = {**known, item.name.text: interpretation(item, info)}
            changed = replace(info, definition=replace(info.definition, interpretations=found))
            scope.models.define(item.model.text, changed)


def _derive(items: Sequence[syntax.ModelAfter], interpretations: Sequence[syntax.Interpret], scope: Scope) -> None:
    """Build the models after surgery, each behind its base."""
    declared = {i.name.text: i for i in items}
    graph = {n: [i.base.text] if i.base.text in declared else [] for n, i in declared.items()}
    order: list[str] | None = None
    while order is None:
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as e:
            loop = turned(e.args[1][:0:-1], list(declared))
            message = "these models are made of each other" if len(loop) > 1 else f"`{loop[0]}` is made of itself"
            label = f"loop: {' -> '.join([*loop, loop[0]])}"
            scope.report.add(problem("D005", message, declared[loop[0]].span, label).diagnostics)
            graph = {n: [p for p in ps if p not in loop] for n, ps in graph.items() if n not in loop}
    for name in order:
        with scope.report.collect(declared[name].span):
            scope.models.define(name, model_after(declared[name], scope.find_model(declared[name].base)))
            _interpret([i for i in interpretations if i.model.text == name], scope)


def _statements(
    items: Sequence[syntax.Item],
    scope: Scope,
    blocks: Sequence[_Block],
    folder: Folder,
    names: Mapping[Scope, str],
    main: str,
) -> list[Statement]:
    known = scope.models.own()
    scopes = {id(block): inner for block, inner in blocks}

    def nested(block: syntax.ModelBlock, outer: syntax.Check | None) -> list[Statement]:
        inner = scopes[id(block)]
        if inner not in names:
            return []
        asked = Asked(inner, known.get(names[inner]), folder, outer, known)
        return elaborate_statements(block.items, asked, lambda b, c: [])

    own = {n: m for n, m in known.items() if "." not in n} or known
    broken = any(scope.models.is_broken(n) for n in scope.models.declared())
    default = known.get(main) if main else next(iter(own.values())) if len(own) == 1 and not broken else None
    return elaborate_statements(items, Asked(scope, default, folder, None, known), nested)


def elaborate_query(
    expression: syntax.Expression, model_def: ModelDef, source: Source, warn: Warn = lambda _: None
) -> QueryStatement:
    """A question from outside of a file, resolved against any model; `warn` is told what is odd about it.

    Raises:
        LanguageError: with its problems. LimitError: L003 if it is too large.
    """
    report = Report()
    statement: QueryStatement | None = None
    with report.collect(expression.span):
        resolved = begin([expression], (), Setting(model_def), report, LEAVE_FREE)
        body = formula(expression, resolved)
        text = text_of(expression.span, str(body)) if expression.span else source.text.strip()
        statement = QueryStatement(
            model_def.name,
            body,
            text,
            axes=resolved.axes.variables,
            tables=resolved.tables,
            span=expression.span,
        )
    _settle(report, warn)
    if statement is None:
        raise _nothing(expression)
    return statement


def _settle(report: Report, warn: Warn) -> None:
    """Pass the warnings on, then raise the errors."""
    for w in in_text_order(report.warnings):
        warn(w)
    report.raise_errors()


def _nothing(expression: syntax.Expression) -> CutwireError:
    return problem("N002", "this question names something broken", expression.span, "asked here")


def elaborate_surgery(
    ops: syntax.SurgeryExpression, model_def: ModelDef
) -> tuple[tuple[Surgery, ...], Mapping[str, Definition]]:
    """Surgery from outside of a file, resolved against any model; also what defines the boxes that only it uses.

    Raises:
        LanguageError: with the first problem. LimitError: L003 if it is too large.
    """
    span = ops[0].span if ops else None
    try:
        done = resolve_surgeries(ops, Setting(model_def))
    except Skipped:
        raise problem("N002", "this surgery names something broken", span, "here") from None
    refuse_free_wires(done, span)
    return done.surgeries, done.tables


def elaborate_claim(text: str, model_def: ModelDef, assuming: str = "", warn: Warn = lambda _: None) -> CheckStatement:
    """A comparison of formulas from outside of a file, about any model; value names left free are bound. `warn` is told
    what is odd about it.

    Raises:
        LanguageError: with its problems. LimitError: L003 if it is too large.
    """
    expression = read_expression(text, "<claim>")
    assumed = [read_expression(assuming, "<assumption>")] if assuming else []
    report = Report()
    statement: CheckStatement | None = None
    with report.collect(expression.span):
        binders = free_values([expression, *assumed], model_def.model)
        resolved = begin([expression, *assumed], binders, Setting(model_def), report, LEAVE_FREE)
        body = comparison(expression, resolved)
        shown = text_of(expression.span, str(body))
        given = tuple(comparison(a, resolved) for a in assumed)
        statement = CheckStatement(
            model_def.name,
            "",
            body,
            shown,
            resolved.axes.variables,
            resolved.tables,
            span=expression.span,
            assuming=given,
        )
    _settle(report, warn)
    if statement is None:
        raise _nothing(expression)
    return statement
