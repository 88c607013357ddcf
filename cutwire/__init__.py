"""Cutwire: causal models drawn as string diagrams.

Write a model file, cut the wire, read the effect:

>>> import cutwire as cw
>>> model = cw.parse('''
... var S, C : {no, yes}
... latent H : {low, high}
... box h : -> H    = [3/5, 2/5]
... box s : H -> S  = | low -> [4/5, 1/5] | high -> [3/10, _]
... box c : S, H -> C = noisy_or(S = 2/5, H = 3/10)
... ''').model
>>> model.query("P(C = yes | do(S := yes))", semantics="exact")
Fraction(59, 125)
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# `strings`, `semantics` and `parser` are common names: a user's own `parser.py` beside a script would hide ours.
# `find_spec` looks without importing, so that this costs nothing at start-up.
_home = Path(__file__).resolve().parent.parent
for _room in ("strings", "semantics", "parser"):
    _spec = importlib.util.find_spec(_room)
    _places = [Path(place).resolve() for place in (_spec.submodule_search_locations or ())] if _spec else []
    if _places != [_home / _room]:
        raise ImportError(
            f"{_spec.origin if _spec else 'nothing'} hides cutwire's own package '{_room}': rename that file or folder"
        )

if TYPE_CHECKING:
    from cutwire.bounds import Bounds as Bounds
    from cutwire.conversion import from_networkx as from_networkx
    from cutwire.machines import cluster as cluster
    from cutwire.model import Model as Model
    from cutwire.model import read_bif as read_bif
    from cutwire.program import CheckResult as CheckResult
    from cutwire.program import Program as Program
    from cutwire.program import load as load
    from cutwire.program import parse as parse
    from semantics.distribution import Distribution as Distribution
    from strings.diagnostic import CutwireError as CutwireError
    from strings.diagnostic import Diagnostic as Diagnostic
    from strings.diagnostic import LanguageError as LanguageError
    from strings.diagnostic import LimitError as LimitError
    from strings.diagnostic import QueryError as QueryError
    from strings.diagnostic import ZeroProbabilityError as ZeroProbabilityError
    from strings.diagram import Diagram as Diagram

_HOMES = {
    "Bounds": "cutwire.bounds",
    "CheckResult": "cutwire.program",
    "CutwireError": "strings.diagnostic",
    "Diagnostic": "strings.diagnostic",
    "Diagram": "strings.diagram",
    "Distribution": "semantics.distribution",
    "LanguageError": "strings.diagnostic",
    "LimitError": "strings.diagnostic",
    "Model": "cutwire.model",
    "Program": "cutwire.program",
    "QueryError": "strings.diagnostic",
    "ZeroProbabilityError": "strings.diagnostic",
    "cluster": "cutwire.machines",
    "from_networkx": "cutwire.conversion",
    "load": "cutwire.program",
    "parse": "cutwire.program",
    "read_bif": "cutwire.model",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    """Public names are imported when first used, so that `import cutwire` and the command line start fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cutwire' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext cutwire` does in a notebook: the magic `%%causal` is there."""
    from cutwire.magic import load

    load(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
