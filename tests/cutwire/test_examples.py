"""The examples run, and give the published numbers, exactly.

Smoking: Jacobs, Kissinger and Zanasi (2019). Kidney stones: Charig et al. (1986). Party: Balke and Pearl (1994).
Instrument: Balke and Pearl (1997). Asia: Lauritzen and Spiegelhalter (1988). ALARM: Beinlich et al. (1989). The
networks are read and summed here once more, by other means.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.cutwire.command import EXAMPLES, cutwire, fresh

MODEL_FILES = sorted(p.name for p in EXAMPLES.glob("*.causal"))
PICTURES = {
    "blame.causal": [],
    "dose.causal": ["dose.svg"],
    "firing_squad.causal": ["firing-squad.svg"],
    "instrument.causal": ["instrument.svg"],
    "kidney.causal": ["kidney.svg"],
    "napkin.causal": ["napkin-cut.svg"],
    "party.causal": ["party-twin.svg", "party.svg"],
    "smoking.causal": ["smoking-cut.svg"],
    "sprinkler.causal": ["sprinkler.svg"],
    "tar.causal": ["tar.svg"],
    "vaccine.causal": [],
    "wires.causal": ["closed-cut.svg", "fork.svg"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples, to run in."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.chdir(tmp_path / "examples")
    return tmp_path / "examples"


def ask(file: str, question: str, *options: str) -> object:
    """The exact answer of `cutwire query --json`."""
    return cutwire("query", file, question, "--json", *options).answer


def test_every_example_is_tested() -> None:
    assert sorted(PICTURES) == MODEL_FILES


@pytest.mark.parametrize("file", MODEL_FILES)
def test_runs(file: str, folder: Path) -> None:
    """All is well: every claim holds, every expectation is met, the pictures are there and nothing else is."""
    before = sorted(p.name for p in folder.iterdir())
    done = cutwire("run", file)
    assert (done.status, done.err) == (0, "")
    assert "FALLS" not in done.out
    assert "NOT as expected" not in done.out
    assert sorted(p.name for p in folder.iterdir()) == sorted([*before, *PICTURES[file]])
    for name in PICTURES[file]:
        assert ET.parse(folder / name).getroot().tag.endswith("svg")
        assert name in done.out


@pytest.mark.parametrize("file", MODEL_FILES)
def test_the_json_of_a_run_says_the_same(file: str, folder: Path) -> None:
    """Every statement has an entry; what could fail did not."""
    found = cutwire("run", file, "--json").json
    assert found["failures"] == 0
    assert all(r.get("holds", True) and r.get("expected", True) for r in found["results"])
    text = (folder / file).read_text(encoding="utf-8")
    kinds = [r["kind"] for r in found["results"]]
    for kind, count in (
        ("query", r"^query "),
        ("estimate", r"^estimate "),
        ("claim", r"^claim "),
        ("identify", r"^identify "),
        ("picture", r"^draw "),
    ):
        assert kinds.count(kind) == len(re.findall(count, text, re.MULTILINE))


def test_runs_in_a_fresh_process(folder: Path) -> None:
    """From the folder above, too: the paths in a file start at the file."""
    done = fresh("run", "examples/kidney.causal", folder=folder.parent)
    assert (done.status, done.err) == (0, "")
    assert (folder / "kidney.svg").is_file()
    assert not (folder.parent / "kidney.svg").exists()


@pytest.mark.parametrize(
    ("data", "seen", "done"),
    [
        ("scientist", ["4/21", "25/37"], ["8783/34650", "4013/7400"]),
        ("company", ["1/4", "2/3"], ["449/899", "599/1197"]),
        ("flip", ["1/6", "1/4"], ["11/45", "37/175"]),
    ],
)
def test_smoking(data: str, seen: list[str], done: list[str]) -> None:
    """What is seen of smoking and what it does, in all three data sets."""
    file = str(EXAMPLES / "smoking.causal")
    assert ask(file, "P(C = yes | S)", "--from", data) == seen
    assert ask(file, "P(C = yes | do(S))", "--from", data) == done
    for value, wanted in zip(("no", "yes"), done, strict=True):
        assert ask(file, f"P(C = yes | do(S := {value}))", "--from", data) == wanted


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("P(T | S)", [["20/21", "15/37"], ["1/21", "22/37"]]),
        ("P(S, C | do(T := no))", [["21/40", "21/200"], ["37/150", "37/300"]]),
        ("P(S, C | do(T := yes))", [["21/100", "21/50"], ["37/1100", "37/110"]]),
        (
            "P(S, T, C | cut(S))",
            [
                [["463/1260", "137/1260"], ["67/11550", "104/5775"]],
                [["463/2960", "137/2960"], ["67/925", "208/925"]],
            ],
        ),
    ],
)
def test_smoking_in_full(question: str, wanted: object) -> None:
    """The channel, the comb and the joint after surgery, column by column."""
    assert ask(str(EXAMPLES / "smoking.causal"), question, "--from", "scientist") == wanted


def results(file: str) -> dict[str, dict[str, object]]:
    """What `cutwire run --json` says of every statement that has a name."""
    found = cutwire("run", file, "--json")
    assert (found.status, found.err) == (0, "")
    return {r["name"]: r for r in found.json["results"] if "name" in r}


@pytest.mark.parametrize(
    ("file", "formula"),
    [
        ("smoking.causal", "sum[t : T] P(t | S) * sum[s' : S] P(C | s', t) * P(s')"),
        ("napkin.causal", "(sum[w : W] P(X, Y | w, r) * P(w)) / sum[w : W] P(X | w, r) * P(w)"),
    ],
)
def test_what_follows_without_numbers(file: str, formula: str, folder: Path) -> None:
    """The front door and the napkin, as in the books; the claims say the same for all models."""
    found = results(file)
    assert (found["effect"]["identifiable"], found["effect"]["formula"]) == (True, formula)
    assert {str(r["evidence"]).split(" in ")[0] for r in found.values() if r["kind"] == "claim"} >= {"equal"}


def test_instrument(folder: Path) -> None:
    """Of the trial of cholestyramine: the effect of assigning it, and the bounds of the effect of taking it."""
    found = results("instrument.causal")
    for name, wanted in (("assigning", "0.465"), ("lowest", "0.392"), ("highest", "0.780")):
        assert found[name]["exact"] == str(Fraction(wanted))
    falls, cases = {0: 81 + 73, 1: 473}, {0: 919 + 81 + 315 + 73, 1: 139 + 473}  # by what was taken
    assert found["as_seen"]["exact"] == str(Fraction(falls[1], cases[1]) - Fraction(falls[0], cases[0]))


@pytest.mark.parametrize("options", [(), ("--using", "published"), ("--from", "charig")])
def test_kidney(options: tuple[str, ...]) -> None:
    """Learnt from the patients, typed in, or by the back-door formula from the data: the same effect."""
    file = str(EXAMPLES / "kidney.causal")
    assert ask(file, "P(Y = cured | do(X))", *options) == ["634983/762700", "6231/8000"]
    assert ask(file, "P(Y = cured | X)", *options) == ["39/50", "289/350"]
    assert ask(file, "P(Y = cured | X, Z)", *options) == [["27/29", "192/263"], ["13/15", "11/16"]]


def party(a: int, ra: str, rb: str, rc: str, rs: str, *, b: int | None = None, told: int | None = None) -> int:
    """Whether there is a scuffle, by the story; `told` is what Carl hears about Ann."""
    bob = {"never": 0, "copies": a, "negates": 1 - a}[rb] if b is None else b
    heard = a if told is None else told
    carl = {"never": 0, "negates": 1 - heard, "always": 1}[rc]
    return {"never": 0, "both": bob & carl, "alike": int(bob == carl)}[rs]


def scuffle(*, b: int | None = None, told: int | None = None) -> Fraction:
    """The probability of a scuffle, summed over all dispositions in percent."""
    ra, rb = {"no": 40, "yes": 60}, {"never": 7, "copies": 90, "negates": 3}
    rc, rs = {"never": 5, "negates": 85, "always": 10}, {"never": 5, "both": 90, "alike": 5}
    total = 0
    for w, x, y, z in itertools.product(ra, rb, rc, rs):
        total += ra[w] * rb[x] * rc[y] * rs[z] * party(int(w == "yes"), w, x, y, z, b=b, told=told)
    return Fraction(total, 100**4)


def test_party() -> None:
    """Published, and summed over the dispositions."""
    file = str(EXAMPLES / "party.causal")
    assert ask(file, "P(S = true)") == "329/5000" == str(scuffle())
    assert ask(file, "P(S = true | B = true)") == "2071/18400"
    assert ask(file, "P(S = true | do(B := true))") == "209/500" == str(scuffle(b=1))
    assert ask(file, "P(S = true | do(A -> C := false))") == "4993/10000" == str(scuffle(told=0))


def sprinkler(on: object, dry_hose: bool = False) -> Fraction:
    """P(Wet = yes) if `on(cloudy, rain)` is the chance that the sprinkler is on."""
    total = Fraction(0)
    for cloudy, rain, water in itertools.product((0, 1), repeat=3):
        p = Fraction(1, 2) * (Fraction(1, 5) if rain != cloudy else Fraction(4, 5))
        chance = on(cloudy, rain)  # type: ignore[operator]
        heard = 0 if dry_hose else rain
        wet = {0: Fraction(0), 1: Fraction(9, 10), 2: Fraction(99, 100)}[water + heard]
        total += p * (chance if water else 1 - chance) * wet
    return total


def test_sprinkler() -> None:
    """Each kind of surgery, against the story told in a loop."""
    file = str(EXAMPLES / "sprinkler.causal")

    def usual(cloudy: int, rain: int) -> Fraction:
        return Fraction(1, 10) if cloudy else Fraction(1, 2)

    assert ask(file, "P(Rain = yes | Sprinkler = yes)") == "3/10"
    assert ask(file, "P(Rain = yes | do(Sprinkler := yes))") == "1/2"
    for question, on, dry in (
        ("P(Wet = yes)", usual, False),
        ("P(Wet = yes | do(Sprinkler ~ [3/4, 1/4]))", lambda c, r: Fraction(1, 4), False),
        ("P(Wet = yes | do(Sprinkler ~ gardener(Rain)))", lambda c, r: Fraction(0 if r else 9, 10), False),
        ("P(Wet = yes | do(Rain -> Wet := no))", usual, True),
        ("P(Wet = yes | cut(Sprinkler))", lambda c, r: Fraction(1, 2), False),
    ):
        assert ask(file, question) == str(sprinkler(on, dry)), question


@dataclass(frozen=True)
class Network:
    """A network as read here: the values of every variable, and for each its parents and table."""

    values: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, np.ndarray]


def read_network(path: Path) -> Network:
    """The network of a BIF file, by regular expressions; rows are divided by their sum."""
    text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    words = re.compile(r"[^\s,]+")
    values = {v: tuple(words.findall(s)) for v, s in re.findall(r"variable\s+(\w+)\s*{[^{]*{([^}]*)}", text)}
    parents, tables = {}, {}
    for child, heard, body in re.findall(r"probability\s*\(\s*(\w+)\s*(?:\|([^)]*))?\)\s*{([^}]*)}", text):
        parents[child] = tuple(words.findall(heard))
        table = np.full([len(values[v]) for v in (*parents[child], child)], np.nan)
        for case, row in re.findall(r"(?:\(([^)]*)\)|table)\s*([^;]*);", body):
            at = tuple(values[p].index(w) for p, w in zip(parents[child], words.findall(case), strict=True))
            numbers = np.array([float(w) for w in words.findall(row)])
            table[at] = numbers / numbers.sum()
        tables[child] = table
    return Network(values, parents, tables)


def truncated(net: Network, done: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The tables after an intervention: what is done is certain, whatever the parents are."""
    tables = dict(net.tables)
    for v, value in done.items():
        sharp = np.zeros_like(tables[v])
        sharp[..., net.values[v].index(value)] = 1
        tables[v] = sharp
    return tables


def by_enumeration(net: Network, target: str, done: Mapping[str, str], seen: Mapping[str, str]) -> np.ndarray:
    """P(target | do(done), seen), one assignment of all variables after the other."""
    tables = truncated(net, done)
    mass = np.zeros(len(net.values[target]))
    for case in itertools.product(*(range(len(v)) for v in net.values.values())):
        env = dict(zip(net.values, case, strict=True))
        if all(net.values[v][env[v]] == value for v, value in seen.items()):
            factors = (tables[v][tuple(env[p] for p in (*net.parents[v], v))] for v in net.values)
            mass[env[target]] += np.prod(list(factors))
    return mass / mass.sum()


def by_einsum(net: Network, target: str, done: Mapping[str, str], seen: Mapping[str, str]) -> np.ndarray:
    """The same by one summation of all tables at once (numpy)."""
    number = {v: i for i, v in enumerate(net.values)}
    operands: list[object] = []
    for v, table in truncated(net, done).items():
        operands += [table, [number[p] for p in (*net.parents[v], v)]]
    for v, value in seen.items():
        operands += [np.eye(len(net.values[v]))[net.values[v].index(value)], [number[v]]]
    mass = np.einsum(*operands, [number[target]], optimize="greedy")
    return mass / mass.sum()


def question(target: str, done: Mapping[str, str], seen: Mapping[str, str]) -> str:
    behind = [f"do({', '.join(f'{v} := {w}' for v, w in done.items())})"] if done else []
    behind += [f"{v} = {w}" for v, w in seen.items()]
    return f"P({target} | {', '.join(behind)})" if behind else f"P({target})"


ASIA = [
    ("tub", {}, {}),
    ("lung", {"smoke": "yes"}, {"dysp": "yes"}),
    ("lung", {}, {"smoke": "yes", "dysp": "yes"}),
    ("smoke", {"bronc": "yes"}, {"xray": "yes"}),
    ("dysp", {"lung": "no", "tub": "no"}, {}),
    ("tub", {"either": "yes"}, {"xray": "no", "asia": "yes"}),
]
ALARM = [
    ("CATECHOL", {"HR": "HIGH"}, {"BP": "LOW"}),
    ("BP", {"INTUBATION": "ESOPHAGEAL"}, {}),
    ("HYPOVOLEMIA", {"CATECHOL": "HIGH"}, {"CVP": "HIGH", "HRBP": "LOW"}),
    ("LVFAILURE", {}, {"BP": "LOW", "PRESS": "HIGH", "EXPCO2": "LOW"}),
    ("KINKEDTUBE", {"VENTLUNG": "LOW", "FIO2": "LOW"}, {"PRESS": "ZERO", "SAO2": "LOW"}),
]


def test_asia_as_published() -> None:
    """The numbers printed by Lauritzen and Spiegelhalter; they also vouch for the reading of networks here."""
    net = read_network(EXAMPLES / "asia.bif")
    for variable, wanted in (("tub", 0.0104), ("lung", 0.055), ("either", 0.0648), ("xray", 0.1103), ("dysp", 0.4360)):
        found = cutwire("query", EXAMPLES / "asia.bif", f"P({variable} = yes)", "--json").json["probability"]
        assert found == pytest.approx(wanted, abs=5e-5)
        assert by_enumeration(net, variable, {}, {})[0] == pytest.approx(wanted, abs=5e-5)


@pytest.mark.parametrize(("target", "done", "seen"), ASIA)
def test_asia(target: str, done: dict[str, str], seen: dict[str, str]) -> None:
    net = read_network(EXAMPLES / "asia.bif")
    wanted = by_enumeration(net, target, done, seen)
    found = cutwire("query", EXAMPLES / "asia.bif", question(target, done, seen), "--json").json
    assert found["values"] == {target: list(net.values[target])}
    np.testing.assert_allclose(found["probabilities"], wanted, rtol=0, atol=1e-9)
    np.testing.assert_allclose([float(Fraction(p)) for p in found["exact"]], wanted, rtol=0, atol=1e-9)
    np.testing.assert_allclose(by_einsum(net, target, done, seen), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("target", "done", "seen"), ALARM)
def test_alarm(target: str, done: dict[str, str], seen: dict[str, str]) -> None:
    """37 variables; the six rounded rows are told of on standard error, not in the answer."""
    net = read_network(EXAMPLES / "alarm.bif")
    assert len(net.values) == len(net.tables) == 37
    assert not any(np.isnan(t).any() for t in net.tables.values())
    done_ = cutwire("query", EXAMPLES / "alarm.bif", question(target, done, seen), "--json")
    assert done_.err.startswith("warning[B002]: 6 row(s)")
    assert done_.json["values"] == {target: list(net.values[target])}
    np.testing.assert_allclose(done_.json["probabilities"], by_einsum(net, target, done, seen), rtol=0, atol=1e-9)


def test_json_of_a_long_answer_is_one_line() -> None:
    """A table of 2^7 probabilities in nested lists, the shape that the values say."""
    found = cutwire("query", EXAMPLES / "asia.bif", "P(asia, tub, smoke, lung, bronc, xray, dysp)", "--json").json
    assert np.array(found["probabilities"]).shape == (2,) * 7 == np.array(found["exact"]).shape
    assert np.sum(found["probabilities"]) == pytest.approx(1)
    assert json.loads(json.dumps(found)) == found
