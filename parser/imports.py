"""What one model file takes from another: domains, types, boxes and diagrams over types, models."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from parser import syntax
from parser.files import Folder
from parser.scope import Bounds, Names, Report, Scope, problem, too_large, unknown
from parser.signatures import Entry

MAX_DEPTH = 16
MAX_FILES = 100

T = TypeVar("T")


@dataclass
class Workspace:
    """What the files of one program share: problems, bounds, and the files read so far (`None`: it failed)."""

    root: Path | None
    allow_outside: bool
    report: Report = field(default_factory=Report)
    bounds: Bounds = field(default_factory=Bounds)
    loaded: dict[Path, Scope | None] = field(default_factory=dict)
    loading: list[Path] = field(default_factory=list)

    def folder(self, here: Path | None) -> Folder:
        return Folder(here, self.root, self.allow_outside)


def import_names(item: syntax.Import, exported: Scope | None, scope: Scope) -> None:
    """Bring the names of an imported file into sight: as `alias.name`, and those exposed also plainly."""
    alias = item.alias.text if item.alias else re.sub(r"\W", "_", Path(item.path).stem)
    prefix = f"{alias}."
    if exported is None:
        for names in _namespaces(scope):
            names.break_prefix(prefix)
            for n in item.exposing:
                names.break_prefix(n.text)
        return
    own = exported.variables
    _copy(exported.domains, scope.domains, prefix, item, lambda n, v: True)
    _copy(exported.objects, scope.objects, prefix, item, lambda n, v: n not in own)
    _copy(exported.boxes, scope.boxes, prefix, item, lambda n, v: v is None or _over_types(v, exported))
    _copy(exported.models, scope.models, prefix, item, lambda n, v: "." not in n)
    for n in item.exposing:
        with scope.report.collect(n.span):
            _check_exposed(n, exported, item.path)


def _namespaces(scope: Scope) -> list[Names[object]]:
    return [scope.domains, scope.objects, scope.boxes, scope.models]  # type: ignore[list-item]


def _copy(
    source: Names[T], target: Names[T], prefix: str, item: syntax.Import, wanted: Callable[[str, T | None], bool]
) -> None:
    """Take over names with the prefix, exposed ones also without; broken names stay broken."""
    exposed = {n.text: n for n in item.exposing}
    for name in source.declared():
        value = source.get(name)
        if not wanted(name, value):
            continue
        if prefix + name not in target:
            target.declare(syntax.Name(prefix + name, item.span))
            if value is not None:
                target.define(prefix + name, value)
        if name in exposed and target.declare(exposed[name]) and value is not None:
            target.define(name, value)


def _over_types(entry: Entry, exported: Scope) -> bool:
    """Whether a box or diagram has no variable of its file at its ends."""
    return not entry.variable and all(x.name not in exported.variables for x in (*entry.dom, *entry.cod))


def _check_exposed(name: syntax.Name, exported: Scope, path: str) -> None:
    """The name must be one that the file can give away (F006)."""
    if name.text in exported.variables:
        help_ = ("import the model that it belongs to",)
        raise problem("F006", f"`{name.text}` is a variable of `{path}`", name.span, "not to be imported", help=help_)
    entry = exported.boxes.get(name.text)
    if entry is not None and not _over_types(entry, exported):
        message = f"`{name.text}` works on variables of `{path}`"
        raise problem("F006", message, name.span, "not to be imported", help=("import the model that it belongs to",))
    known = [n for names in _namespaces(exported) for n in names.declared() if n not in exported.variables]
    if name.text not in known:
        raise unknown(f"name in `{path}`:", name, known, "F006", "not declared there")


def find_file(item: syntax.Import, folder: Folder, workspace: Workspace) -> Path:
    """The file to import.

    Raises:
        LanguageError: F001, F002, F005 for files that import each other. LimitError: L003.
    """
    span = item.path_span or item.span
    path = folder.existing(item.path, span, "the import")
    if path in workspace.loading:
        names = [p.name for p in workspace.loading[workspace.loading.index(path) :]]
        raise problem("F005", "these files import each other", span, f"loop: {' -> '.join([*names, path.name])}")
    if len(workspace.loading) > MAX_DEPTH:
        raise too_large(f"imports are nested more than {MAX_DEPTH} deep", span)
    if len(workspace.loaded) >= MAX_FILES:
        raise too_large(f"more than {MAX_FILES} files are imported", span)
    return path
