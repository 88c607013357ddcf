"""Bayesian networks in the Bayesian Interchange Format: `.bif` and `.bif.gz`, both ways.

Read is the format of Cozman's *Interchange Format for Bayesian Networks* (0.15, 1998) as the bnlearn repository, pgmpy,
aGrUM and JavaBayes write it. A network becomes a causal model with one box `p_X` per variable `X`, and every number
stays the decimal that was written, so that writing the model again gives the same numbers.

>>> network = '''
... network weather { }
... variable Rain { type discrete [ 2 ] { no, yes }; }
... variable Grass { type discrete [ 2 ] { dry, wet }; }
... probability ( Rain ) { table 0.8, 0.2; }
... probability ( Grass | Rain ) { (no) 0.9, 0.1; (yes) 0.05, 0.95; }
... '''
>>> weather, warnings = parse_bif(network)
>>> print(*weather.model.names, weather.model.parents("Grass"), weather.definitions["p_Grass"].shape)
Rain Grass ('Rain',) (2, 2)
>>> parse_bif(write_bif(weather))[0] == weather
True
"""

from __future__ import annotations

import gzip
import io
import math
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from parser.bif_tables import Block, RoundedRow, TableReader, Variable
from parser.bif_tokens import BlockError, Tokens, shown
from parser.bif_write import write_bif, write_bif_file
from parser.program import Definition, ModelDef, Table
from strings.diagnostic import Diagnostic, Label, LanguageError, LimitError, Source, Span, did_you_mean
from strings.model import CausalModel
from strings.signature import Box, Object

__all__ = ["MAX_BYTES", "MAX_CELLS", "parse_bif", "read_bif", "write_bif", "write_bif_file"]

MAX_BYTES = 64 * 2**20
"""The longest text that is read, after decompression: more than ten times the largest network in use."""

MAX_CELLS = 10_000_000
"""The most table entries of one network."""

MAX_ERRORS = 20
"""Errors reported for one file; what comes after so many is rarely news."""


def read_bif(path: str | Path) -> tuple[ModelDef, tuple[Diagnostic, ...]]:
    """The network in a file, `.bif` or (by its content) compressed with gzip, and the warnings it gave.

    The model is called after the file.

    Raises:
        LanguageError: B004 if the file cannot be read as text; else see `parse_bif`.
        LimitError: L004 if the text is longer than `MAX_BYTES`; reading stops there.
    """
    path = Path(path)
    name = path.name.removesuffix(".gz").removesuffix(".bif")
    return parse_bif(_read_text(path), name, str(path))


def parse_bif(text: str, name: str = "", source_name: str = "<bif>") -> tuple[ModelDef, tuple[Diagnostic, ...]]:
    """The network written in `text`, and warnings (B002: rows that were rounded; B003: a table in another order).

    Variables stand in the order of the text. `name` is the model's name, by default the one in the text.
    `source_name` is what errors call the text.

    Raises:
        LanguageError: every problem of the text that can be told apart, B001 and B005 to B018.
        LimitError: L003 if the tables together have more than `MAX_CELLS` entries.
    """
    return _Reader(Tokens(Source(source_name, text))).read(name)


def _read_text(path: Path) -> str:
    """The file's text, decompressed if it is compressed, never more of it than `MAX_BYTES`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if data[:2] == b"\x1f\x8b":
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_BYTES + 1)
        elif path.name.endswith(".gz"):
            raise _unreadable(path, "the name ends in .gz, but the file is not compressed with gzip")
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except (EOFError, zlib.error) as error:
        raise _unreadable(path, f"the compressed file is damaged or cut short: {error}") from None
    if len(data) > MAX_BYTES:
        raise LimitError(Diagnostic("L004", f"`{path}` is longer than {MAX_BYTES // 2**20} MiB", notes=(_BOUND,)))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"byte {error.start + 1} is not UTF-8 text") from None
    if control := _CONTROL.search(text):
        raise _unreadable(path, f"it holds the control character {control[0]!r}: this is no text")
    return text


_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_BOUND = "texts are bounded so that a small compressed file cannot fill the memory"


def _unreadable(path: Path, why: str) -> LanguageError:
    return LanguageError(Diagnostic("B004", f"cannot read `{path}` as a Bayesian network", notes=(why,)))


@dataclass
class _Reader:
    """One pass over the tokens: variables and block heads first, then the tables, since they may come in any order."""

    tokens: Tokens
    name: str = ""
    variables: dict[str, Variable] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    blocks: dict[str, Block] = field(default_factory=dict)
    headed: set[str] = field(default_factory=set)
    latents: set[str] = field(default_factory=set)
    errors: list[Diagnostic] = field(default_factory=list)

    def read(self, name: str) -> tuple[ModelDef, tuple[Diagnostic, ...]]:
        self._check_is_bif()
        heads = self._scan()
        for at in heads:
            try:
                self._read_head(at)
            except BlockError as stop:
                self._report(stop.diagnostic)
        self._check_complete()
        self._check_acyclic()
        tables, warnings = self._read_tables()
        if self.errors:
            raise self._failure()
        return self._model(name or self.name or "model", tables), warnings

    def _report(self, diagnostic: Diagnostic) -> None:
        """Keep an error beside the others; with `MAX_ERRORS` of them reading ends."""
        self.errors.append(diagnostic)
        if len(self.errors) >= MAX_ERRORS:
            raise self._failure()

    def _failure(self) -> LanguageError:
        """All errors, in order of the text."""
        return LanguageError(sorted(self.errors, key=lambda d: d.span.start if d.span else 0))

    def _check_is_bif(self) -> None:
        t = self.tokens
        if t.texts and t.texts[0] in ("network", "variable", "probability"):
            return
        found = f"it starts with {shown(t.texts[0])}" if t.texts else "it is empty"
        help_ = ("XML BIF is another format: save the network as plain BIF",) if t.texts[:1] == ["<?xml"] else ()
        span = t.span(0) if t.texts else None
        raise LanguageError(
            Diagnostic("B001", "this is not a network in BIF", span, f"{found}; expected `network`", help=help_)
        )

    def _scan(self) -> list[int]:
        """Read `network` and `variable` blocks; returns where the `probability` blocks start."""
        heads: list[int] = []
        at = 0
        while at < len(self.tokens.texts):
            try:
                at = self._scan_block(at, heads)
            except BlockError as stop:
                self._report(stop.diagnostic)
                at = self.tokens.next_block(at)
        return heads

    def _scan_block(self, at: int, heads: list[int]) -> int:
        t = self.tokens
        match t.texts[at]:
            case "network":
                opened = t.index("{", at + 1)
                self.name = t.name(at + 1) if opened > at + 1 else ""
                return t.block_end(opened)
            case "variable":
                return self._scan_variable(at)
            case "probability":
                self.headed.add(t.name(at + 2))
                end = t.block_end(t.index("{", at))
                heads.append(at)
                return end
        raise t.unexpected(at, "`variable` or `probability`", "network", "variable", "probability")

    def _scan_variable(self, at: int) -> int:
        t = self.tokens
        name, declared = t.name(at + 1), at + 1
        self.broken.add(name)
        at = t.expect(at + 2, "{")
        values: tuple[str, ...] | None = None
        hidden = False
        while t.at(at) != "}":
            if t.at(at) == "type":
                values, at = self._scan_type(name, at)
            elif t.at(at) == "property":
                end = t.index(";", at)
                hidden = hidden or " ".join(t.texts[at + 1 : end]).strip('"') == "latent = yes"
                at = end + 1
            else:
                raise t.unexpected(at, "`type`, `property` or `}`", "type", "property")
        if values is None:
            raise BlockError(
                Diagnostic("B006", f"variable {shown(name)} has no type", t.span(at), "missing before this")
            )
        self._declare(name, values, self.tokens.span(declared))
        if hidden:
            self.latents.add(name)
        return at + 1

    def _declare(self, name: str, values: tuple[str, ...], span: Span) -> None:
        if name in self.variables:
            first = Label(self.variables[name].span, "first declared here")
            raise BlockError(Diagnostic("B005", f"two variables are called {shown(name)}", span, "again", (first,)))
        self.variables[name] = Variable(name, values, span)
        self.broken.discard(name)

    def _scan_type(self, name: str, at: int) -> tuple[tuple[str, ...], int]:
        """`type discrete [ 3 ] { a, b, c };`"""
        t = self.tokens
        if t.at(at + 1) != "discrete":
            raise BlockError(
                Diagnostic("B017", f"variable {shown(name)} is not discrete", t.span(at + 1), "expected `discrete`")
            )
        at += 2
        count = ""
        if t.at(at) == "[":
            count, counted = t.at(at + 1), at + 1
            at = t.expect(at + 2, "]")
        opened = t.expect(at, "{")
        end = t.index("}", opened)
        if end == opened:
            raise BlockError(
                Diagnostic("B006", f"variable {shown(name)} has no values", t.span(end), "expected a value")
            )
        places = t.items(opened, end)
        values = tuple(t.name(k) for k in places)
        for k in _repeats(values):
            message = f"value {shown(values[k])} of {shown(name)} stands twice"
            raise BlockError(Diagnostic("B006", message, t.span(places[k]), "again"))
        if count and count != str(len(values)):
            label = f"{len(values)} values follow"
            raise BlockError(
                Diagnostic("B006", f"variable {shown(name)} announces {count} values", t.span(counted), label)
            )
        return values, t.expect(end + 1, ";")

    def _read_head(self, at: int) -> None:
        """`probability ( child | parent, parent ) {`"""
        t = self.tokens
        opened = t.expect(at + 1, "(")
        end = t.index(")", opened - 1)
        places = [k for k in range(opened, end) if t.texts[k] not in (",", "|")]
        if not places:
            raise BlockError(Diagnostic("B001", "this block names no variable", t.span(end), "expected a variable"))
        for k in range(places[0] + 1, end):
            if t.texts[k] == ("," if k == places[0] + 1 else "|"):
                expected = "expected `|`: a block is for one variable" if t.texts[k] == "," else "a second bar"
                raise BlockError(Diagnostic("B001", "this head is not `child | parent, parent`", t.span(k), expected))
        names = [t.name(k) for k in places]
        t.expect(end + 1, "{")
        block = Block(names[0], tuple(names[1:]), tuple(t.span(k) for k in places), end + 2)
        if block.child in self.blocks:
            label = Label(self.blocks[block.child].spans[0], "first here")
            raise BlockError(
                Diagnostic("B015", f"two blocks for {shown(block.child)}", block.spans[0], "again", (label,))
            )
        self.blocks[block.child] = block
        for name, span in zip(names, block.spans, strict=True):
            if name not in self.variables and name not in self.broken:
                self.broken.add(name)
                help_ = did_you_mean(name, self.variables)
                self._report(Diagnostic("B007", f"unknown variable {shown(name)}", span, "not declared", help=help_))
        for k in _repeats(names[1:]):
            self._report(
                Diagnostic("B018", f"parent {shown(names[k + 1])} is named twice", block.spans[k + 1], "again")
            )

    def _check_complete(self) -> None:
        for name, variable in self.variables.items():
            if name not in self.headed:
                help_ = f"add `probability ( {name} ) {{ table …; }}`"
                self._report(
                    Diagnostic("B014", f"{shown(name)} has no probabilities", variable.span, "no block", help=(help_,))
                )

    def _check_acyclic(self) -> None:
        graph = {b.child: [p for p in b.parents if p in self.blocks] for b in self.blocks.values()}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            loop: list[str] = error.args[1]
            path = " -> ".join(loop) if len(loop) <= 12 else f"{' -> '.join(loop[:10])} -> … -> {loop[-1]}"
            self._report(
                Diagnostic(
                    "B016",
                    "these variables depend on each other",
                    self.blocks[loop[0]].spans[0],
                    "on the loop",
                    notes=(f"loop: {path}",),
                    help=("a Bayesian network has no directed loops",),
                )
            )

    def _read_tables(self) -> tuple[dict[str, Table], tuple[Diagnostic, ...]]:
        """The tables of all blocks whose variables are known, and the warnings."""
        reader = TableReader(self.tokens, self._report)
        tables: dict[str, Table] = {}
        cells = 0
        for block in self.blocks.values():
            names = (*block.parents, block.child)
            if any(n not in self.variables for n in names) or _repeats(block.parents):
                continue
            cells += math.prod(len(self.variables[n].values) for n in names)
            if cells > MAX_CELLS:
                raise LimitError(_too_many_cells(block))
            table = reader.read(block, [self.variables[n] for n in names])
            if table is not None:
                tables[block.child] = table
        return tables, (*self._rounding_warning(reader.rounded), *reader.warnings)

    def _rounding_warning(self, rounded: Sequence[RoundedRow]) -> Iterable[Diagnostic]:
        """One warning for all rows that do not sum to 1, pointing to the one farthest off."""
        if not rounded:
            return
        worst = max(rounded, key=lambda r: abs(r.total - 1))
        boxes = len({r.child for r in rounded})
        yield Diagnostic(
            "B002",
            f"{len(rounded)} row(s) of {boxes} box(es) do not sum to exactly 1",
            self.tokens.span(worst.first, worst.last),
            f"the farthest off: sums to {worst.total}",
            notes=("such rows are taken as rounded and normalised in floating point",),
            severity="warning",
        )

    def _model(self, name: str, tables: Mapping[str, Table]) -> ModelDef:
        objects = {v.name: Object(v.name, v.values) for v in self.variables.values()}
        boxes = [
            Box(f"p_{n}", tuple(objects[p] for p in self.blocks[n].parents), (objects[n],)) for n in self.variables
        ]
        model = CausalModel.from_boxes(tuple(objects.values()), boxes, self.latents, name)
        definitions: dict[str, Definition] = {f"p_{n}": tables[n] for n in self.variables}
        spans = {f"var {v.name}": v.span for v in self.variables.values()}
        spans |= {f"box p_{n}": self.blocks[n].spans[0] for n in self.variables}
        return ModelDef(name, model, definitions, spans=spans)


def _repeats(names: Sequence[str]) -> list[int]:
    """The positions of names that stood before."""
    first: dict[str, int] = {}
    return [k for k, n in enumerate(names) if first.setdefault(n, k) != k]


def _too_many_cells(block: Block) -> Diagnostic:
    return Diagnostic(
        "L003",
        f"the tables of this network have more than {MAX_CELLS:,} entries",
        block.spans[0],
        f"the table of {shown(block.child)} goes over the bound",
    )
