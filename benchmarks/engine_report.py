"""The tables of the engine's benchmarks, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]


def section(name: str, rows: Sequence[Record], machine: Record) -> str:
    """The table of a workload, with the machine that it was measured on."""
    tables: dict[str, Callable[[Sequence[Record]], str]] = {
        "W1": _networks,
        "W2": _sweeps,
        "W3": _scaling,
        "W4": _batch,
        "W5": _memory,
    }
    return f"{tables[name](rows)}\n\n{_remarks(rows)}{_machine(machine)}\n"


def insert(page: Path, name: str, text: str) -> None:
    """Put a text between the marks `<!-- name -->` and `<!-- end of name -->` of a page.

    Raises:
        ValueError: if the page does not have them.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} has no marks for {name}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _machine(m: Record) -> str:
    packages = ", ".join(f"{n} {v}" for n, v in m["packages"].items())
    used = f"{m['threads']} of {m['cores']} cores, {m['matmul'] / 1e9:.0f} GFLOP/s in a large matrix product"
    return f"Measured on: {m['cpu']}, {used}; Python {m['python']}; {packages}."


def _networks(rows: Sequence[Record]) -> str:
    heading = (
        "network",
        "variables",
        "Cutwire cold",
        "pyAgrum, copy",
        "pyAgrum, best",
        "pgmpy",
        "opt_einsum",
        "cotengra",
        "ratio cold",
        "to the best",
        "Cutwire warm",
        "pyAgrum warm",
        "ratio warm",
        "arithmetic",
    )
    return _table(
        heading,
        (
            (
                r["network"],
                f"{r['variables']:,}",
                *(_ms(r["cold"][f]) for f in ("Cutwire", "pyAgrum, copy", "pyAgrum")),
                *(_ms(r["cold"][f]) for f in ("pgmpy", "opt_einsum", "cotengra")),
                _ratio(r["ratios"]["cold"]),
                _ratio(r["ratios"]["cold, best peer"]),
                _ms(r["warm"]["Cutwire"]),
                _ms(r["warm"]["pyAgrum"]),
                _ratio(r["ratios"]["warm"]),
                _ms(r["floor"]),
            )
            for r in rows
        ),
    )


def _sweeps(rows: Sequence[Record]) -> str:
    heading = (
        "network",
        "variables",
        "Cutwire cold",
        "pyAgrum cold",
        "ratio cold",
        "Cutwire warm",
        "pyAgrum warm",
        "ratio warm",
        "arithmetic",
    )
    return _table(
        heading,
        (
            (
                r["network"],
                f"{r['variables']:,}",
                *(_ms(r["cold"][f]) for f in ("Cutwire", "pyAgrum")),
                _ratio(r["ratios"]["cold"]),
                *(_ms(r["warm"][f]) for f in ("Cutwire", "pyAgrum")),
                _ratio(r["ratios"]["warm"]),
                _ms(r["floor"]),
            )
            for r in rows
        ),
    )


def _scaling(rows: Sequence[Record]) -> str:
    heading = (
        "network",
        "Cutwire cold",
        "Cutwire warm",
        "pyAgrum",
        "pgmpy",
        "opt_einsum",
        "cotengra",
        "ratio to pyAgrum",
        "to the best",
        "growth",
    )
    last = {(r["shape"], r["values"]): k for k, r in enumerate(rows)}
    return _table(
        heading,
        (
            (
                r["network"],
                _alone(r, "Cutwire"),
                _ms(r["warm"].get("Cutwire")),
                *(_alone(r, f) for f in ("pyAgrum", "pgmpy", "opt_einsum", "cotengra")),
                _ratio(r["ratio, cold"]),
                _ratio(r["ratio, cold, best peer"]),
                _growth(r) if last[r["shape"], r["values"]] == k else "",
            )
            for k, r in enumerate(rows)
        ),
    )


def _growth(r: Record) -> str:
    if r["growth"] is None:
        return ""
    return f"× {r['growth']:.1f} for each row" if r["shape"] == "grid" else f"n^{r['growth']:.2f}"


def _batch(rows: Sequence[Record]) -> str:
    cells = ((r["way"], f"{r['rows']:,}", _ms(r["seconds"]), f"{r['times']:,.1f}") for r in rows)
    return _table(("way", "tables", "all together", "times Cutwire's best"), cells)


def _memory(rows: Sequence[Record]) -> str:
    families = ("Cutwire", "pyAgrum", "pgmpy", "opt_einsum", "cotengra")
    return _table(
        ("network", *families, "arithmetic"),
        (
            (
                r["network"],
                *(_alone(r, f, "peak") for f in families),
                _share(r.get("floor"), r["cold"].get("Cutwire")),
            )
            for r in rows
        ),
    )


def _alone(r: Record, family: str, what: str = "cold") -> str:
    """The best of a package, or why there is none."""
    values = [v for n, v in r[what].items() if n.startswith(family) and v is not None]
    if values:
        return _ms(min(values)) if what == "cold" else f"{min(values) / 2**20:,.1f}"
    return next((why for n, why in r["failed"].items() if n.startswith(family)), "–")


def _remarks(rows: Sequence[Record]) -> str:
    """Other answers and failures, if there are any."""
    said = []
    for r in rows:
        about = r.get("network", r.get("way"))
        if r.get("differs"):
            names = ", ".join(r["differs"]) if isinstance(r["differs"], list) else "it"
            said.append(f"{about}: another answer from {names}.")
        if isinstance(r.get("failed"), list) and r["failed"]:
            said.append(f"{about}: {'; '.join(r['failed'])}.")
    return "".join(f"- {text}\n" for text in said) + ("\n" if said else "")


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 1e-6:
        return "< 0.001"
    return f"{seconds * 1e3:,.3g}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _share(part: float | None, whole: float | None) -> str:
    if not part or not whole:
        return "–"
    return "< 1 %" if part / whole < 0.01 else f"{100 * part / whole:.0f} %"


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
