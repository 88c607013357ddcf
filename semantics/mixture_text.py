"""Answers on the reals as small tables of text, for people.

>>> from semantics.gaussian import Gaussian
>>> from semantics.mixture import Mixture
>>> columns(Mixture(("Y",), (1.0,), (Gaussian.of([[]], [2.0], [[1.0]]),)))
(['', 'mean', 'sd', '5%', '50%', '95%'], [['Y', '2', '1', '0.355146', '2', '3.64485']])
"""

from __future__ import annotations

from semantics.distribution import significant
from semantics.html import answer_html
from semantics.mixture import Linear, Mixture, Mixtures

Columns = tuple[list[str], list[list[str]]]


def columns(found: Mixture | Mixtures | Linear, digits: int = 6) -> Columns:
    """Headings and rows; one row without headings is a line."""
    match found:
        case Mixture():
            return _of_mixture(found, digits)
        case Mixtures(axes, _, cells, probabilities):
            heads: list[str] = []
            rows = []
            for labels, m in cells.items():
                inner, lines = _of_mixture(m, digits)
                p = significant(probabilities[labels], digits)
                heads = [*axes, "probability", *inner]
                rows += [[*labels, p, *line] for line in lines]
            return heads, rows
        case Linear():
            return _of_linear(found, digits)


def notes(found: Mixture | Mixtures | Linear) -> list[str]:
    """Lines to stand below: how variables go together, and of how many components it is made."""
    told = []
    if isinstance(found, Mixture):
        if len(found.variables) > 1:
            told.append(_correlations(found))
        if len(found.weights) > 1:
            told.append(f"a mixture of {len(found.weights)} normal distributions")
    return told


def html(found: Mixture | Mixtures | Linear) -> str:
    """It for notebooks."""
    return answer_html(*columns(found), notes(found))


def _of_mixture(m: Mixture, digits: int) -> Columns:
    """A row a variable: its mean, standard deviation and quantiles."""
    rows = []
    for v in m.variables:
        one = m.marginal(v)
        ends = [one.quantile(p) for p in (0.05, 0.5, 0.95)]
        rows.append([v, *(significant(x, digits) for x in (one.mean, one.sd, *ends))])
    return ["", "mean", "sd", "5%", "50%", "95%"], rows


def _correlations(m: Mixture) -> str:
    found = m.correlation
    pairs = [(a, b) for b in range(len(found)) for a in range(b)]
    told = [f"{m.variables[a]}, {m.variables[b]}: {significant(round(float(found[a, b]), 12), 4)}" for a, b in pairs]
    more = [f"{len(told) - 10} more"] if len(told) > 10 else []
    return f"correlation  {'; '.join([*told[:10], *more])}"


def _of_linear(f: Linear, digits: int) -> Columns:
    texts = f.texts(digits)
    if f.only_mean:
        return [], [[texts[0]]]
    sds = [significant(float(v) ** 0.5, digits) for v in f.kernel.covariance.diagonal()]
    rows = [[v, t, s] for v, t, s in zip(f.variables, texts, sds, strict=True)]
    return ["", "mean", "sd"], rows
