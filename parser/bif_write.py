"""Causal models into BIF, number by number as they are."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from parser.bif_tokens import KEYWORDS, needs_quotes, shown
from parser.program import ModelDef, Number, Table
from strings.diagnostic import Diagnostic, LanguageError
from strings.diagram import box
from strings.model import CausalModel, Mechanism
from strings.signature import Object


def write_bif(model_def: ModelDef) -> str:
    """The model in BIF: variables, then tables, in the model's order; reading it gives the same model again.

    Decimals are written as they are. A fraction that is no finite decimal is rounded to 17 digits. A latent variable is
    marked by a `property` line, which other programs pass over.

    Raises:
        LanguageError: B020 if a box has no table, B021 if a mechanism is not a single box on its parents (as after
            surgery), B022 if a name cannot be written or a variable has no values.
    """
    model = model_def.model
    parts = [f"network {_name(model_def.name)} {{\n}}\n"]
    parts.extend(_variable(x, x.name in model.latents) for x in model.variables)
    parts.extend(_block(model_def, x) for x in model.variables)
    return "".join(parts)


def write_bif_file(model_def: ModelDef, path: str | Path) -> None:
    """Write the model to a file; compressed, and the same bytes every time, if the name ends in `.gz`."""
    path = Path(path)
    data = write_bif(model_def).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data)


def _variable(x: Object, latent: bool) -> str:
    if not x.values:
        raise LanguageError(Diagnostic("B022", f"variable {shown(x.name)} has no values to write"))
    values = ", ".join(map(_name, x.values))
    mark = '  property "latent = yes";\n' if latent else ""
    return f"variable {_name(x.name)} {{\n  type discrete [ {len(x.values)} ] {{ {values} }};\n{mark}}}\n"


def _block(model_def: ModelDef, x: Object) -> str:
    mechanism = model_def.model.mechanisms.get(x.name)
    if mechanism is None or not _is_one_box(model_def.model, mechanism, x):
        note = "write the model before surgery: BIF has one table per variable and its parents"
        raise LanguageError(Diagnostic("B021", f"the mechanism of {shown(x.name)} is not a single box", notes=(note,)))
    b = mechanism.diagram.nodes[0].box
    table = model_def.definitions.get(b.name)
    if not isinstance(table, Table):
        raise LanguageError(Diagnostic("B020", f"box {shown(b.name)} has no table of numbers to write"))
    parents = ", ".join(map(_name, mechanism.parents))
    head = f"probability ( {_name(x.name)}{' | ' if parents else ''}{parents} ) {{\n"
    return head + "".join(_rows(table, b.dom)) + "}\n"


def _is_one_box(model: CausalModel, mechanism: Mechanism, x: Object) -> bool:
    nodes = mechanism.diagram.nodes
    return len(nodes) == 1 and nodes[0].box.kind == "box" and mechanism.diagram == box(nodes[0].box)


def _rows(table: Table, parents: tuple[Object, ...]) -> Iterator[str]:
    width = table.shape[-1]
    texts = [_number(e) for e in table.entries]
    if not parents:
        yield f"  table {', '.join(texts)};\n"
        return
    cases = itertools.product(*([_name(v) for v in p.values or ()] for p in parents))
    for k, case in enumerate(cases):
        yield f"  ({', '.join(case)}) {', '.join(texts[k * width : (k + 1) * width])};\n"


def _number(number: Number) -> str:
    """The number in full where that is short, else with an exponent; a decimal keeps its digits."""
    exact = number if isinstance(number, Decimal) else _decimal(number)
    exponent = exact.as_tuple().exponent
    return f"{exact:f}" if isinstance(exponent, int) and -30 <= exponent <= 0 else str(exact)


def _decimal(number: Fraction) -> Decimal:
    """The fraction as a decimal: exact if its denominator divides a power of ten, else rounded to 17 digits."""
    for places in range(31):
        if 10**places % number.denominator == 0:
            return Decimal(number.numerator * 10**places // number.denominator).scaleb(-places)
    return Decimal(f"{float(number):.17g}")


def _name(name: str) -> str:
    """The name as one word of BIF, in quotes where it needs them."""
    if '"' in name or not name or not name.isprintable():
        raise LanguageError(Diagnostic("B022", f"BIF cannot write the name {name!r}"))
    return f'"{name}"' if needs_quotes(name) or name in KEYWORDS else name
