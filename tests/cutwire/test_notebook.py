"""What a notebook shows, and the magic `%%causal` in an IPython shell."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import cutwire as cw
from semantics.distribution import Distribution
from semantics.html import MOST_ROWS, distribution_html
from strings.signature import Object
from tests.cutwire.command import EXAMPLES, cutwire

ODD = '<script>alert("x")</script> & \\ \x1b[2J'


def whole(html: str) -> ET.Element:
    """The HTML as a tree: everything is closed, and nothing that was in a text has become a tag."""
    tree = ET.fromstring(f"<div>{html}</div>")
    assert not [e for e in tree.iter() if str(e.tag).endswith("script")]
    return tree


def words(html: str) -> str:
    return " ".join(t for t in whole(html).itertext() if t.strip())


# ---- tables ----------------------------------------------------------------------------------------------------------


def test_distributions_are_tables_with_bars() -> None:
    d = Distribution(("A", "B"), [[Fraction(1, 4), Fraction(3, 4)], [Fraction(1, 3), Fraction(2, 3)]])
    html = d._repr_html_()

    assert words(html) == "A B probability 0 0 0.25 0 1 0.75 1 0 0.333333 1 1 0.666667"
    assert [m[1] for m in re.finditer(r'title="([^"]*)"', html)] == ["1/4", "3/4", "1/3", "2/3"]
    assert [m[1] for m in re.finditer(r"width: ([\d.]+)%", html)] == ["25", "75", "33.3", "66.7"]


def test_long_tables_are_cut_off() -> None:
    """With the number of rows that there are."""
    d = Distribution(("A",), [1 / 1000] * 1000)
    html = d._repr_html_()

    assert html.count("<tr>") == MOST_ROWS + 1
    assert words(html).endswith("… and 940 more of 1,000 rows")


def test_one_number_is_a_line() -> None:
    assert Distribution((), Fraction(1, 3))._repr_html_() == '<p title="1/3">0.333333</p>'


def test_values_that_are_no_probabilities_have_no_bars() -> None:
    html = Distribution(("A",), [-1.5, 20.0])._repr_html_()
    assert "width" not in html
    assert words(html) == "A probability 0 -1.5 1 20"


def test_intervals_lie_over_bars() -> None:
    low, mid, high = (Distribution(("A",), [p, 1 - p]) for p in (0.2, 0.25, 0.3))
    html = distribution_html(mid, interval=(low, high), beside={"low": ["0.2", "0.7"]})
    assert "left: 20%; width: 10%" in html
    assert "left: 70%" in html or "left: 80%" in html


def test_all_text_is_escaped() -> None:
    """Names, values, labels, documents and questions of a file are text, whatever stands in them."""
    told = Distribution((ODD,), [0.5, 0.5], [[ODD, "b"]])._repr_html_()
    assert "alert" in words(told)
    quoted = ODD.replace("\\", "\\\\").replace('"', '\\"').replace("\x1b", "")
    program = cw.parse(
        f'## {ODD.replace(chr(27), "")}\nmodel m\nvar A : {{"{quoted}", b}} "{quoted}"\n'
        f'box a : -> A = [1/2, 1/2]\nquery P(A = "{quoted}")\nclaim c: P(A = b) == 1\ncheck c\ndraw m\n'
    )
    shown = [program._repr_html_(), program.model._repr_html_(), *(i._repr_html_() for i in program.run())]
    assert len(shown) == 5
    assert sum("alert" in words(html) for html in shown) >= 3


# ---- models, programs, answers ---------------------------------------------------------------------------------------


def test_models_show_what_is_known() -> None:
    model = cw.load(EXAMPLES / "smoking.causal").model
    text = words(model._repr_html_())

    assert model.draw().split("?>")[-1][:200] in model._repr_html_()
    assert "4 variables, 1 hidden" in text
    assert "H (hidden) low, high its signature hidden disposition" in text
    assert "C no, yes T, H its signature lung cancer" in text
    assert "data: scientist, company, flip" in text


def test_models_show_their_numbers() -> None:
    text = words(cw.load(EXAMPLES / "sprinkler.causal").model._repr_html_())
    assert "numbers" in text
    assert "Rain = no Rain = yes" in text


def test_models_after_surgery_say_so() -> None:
    model = cw.parse("var A, B : {no, yes}\nbox a : -> A = flip(1/2)\nbox b : A -> B = | _ -> flip(1/3)").model
    assert "cut: uniform" in words(model.cut("A")._repr_html_())
    assert "set to yes" in words(model.do(A="yes")._repr_html_())
    assert "nothing: an input" in words(model.open("A")._repr_html_())


def test_models_after_surgery_on_a_wire() -> None:
    model = cw.parse("var A, B : {no, yes}\nbox a : -> A = flip(1/2)\nbox b : A -> B = | _ -> flip(1/3)").model
    assert "B no, yes its numbers" in words(model.cut("A", "B")._repr_html_())


def test_other_kinds_of_boxes() -> None:
    model = cw.parse(
        "param p in [0, 1] = 1/3\nvar X : {no, yes}\nvar Y : real\nvar Z : {no, yes}\nvar W : {no, yes}\n"
        "data d(W) = | no -> 1 | yes -> 2\nbox x : -> X = flip(p)\nbox y : X -> Y = fn (x) => normal(0, 1)\n"
        "box z : -> Z = dirichlet(1)\nbox w : -> W = fit(d)\n"
    ).model
    text = words(model._repr_html_())
    assert "Y real X formulas" in text
    assert "Z no, yes a prior" in text
    assert "W no, yes learnt from d" in text
    assert "parameters: p in [0, 1] = 1/3" in text


def test_large_models_have_no_picture() -> None:
    model = cw.Model.from_edges([(f"V{k}", f"V{k + 1}") for k in range(300)])
    html = model._repr_html_()
    assert "<svg" not in html
    assert "241 more variables" in html


def test_programs_show_all_they_have() -> None:
    program = cw.load(EXAMPLES / "wires.causal")
    assert program._repr_html_().count("<svg") == len(program.models) + len(program.diagrams)
    assert repr(cw.parse("")) == "<Program: empty>"


@pytest.mark.parametrize("file", ["smoking", "kidney", "sprinkler", "party", "instrument", "napkin", "wires"])
def test_everything_that_examples_give_is_shown(file: str, tmp_path: Path) -> None:
    """Well-formed HTML, and as text what the command line prints."""
    items = list(cw.load(EXAMPLES / f"{file}.causal").run(out=tmp_path))
    printed = cutwire("run", EXAMPLES / f"{file}.causal", "--out", tmp_path).out

    for item in items:
        assert whole(item._repr_html_()) is not None
        if not hasattr(item, "found"):  # identifications are printed at length
            assert repr(item) in "\n".join(line.rstrip() for line in printed.splitlines())


def test_estimates_show_intervals() -> None:
    model = cw.load(EXAMPLES / "kidney.causal").model
    found = model.estimate("P(Y = cured | do(X))", "charig", bootstrap=50)
    html = found._repr_html_()

    assert "<math" in html
    assert "95% of 50 resamples with seed 0" in words(html)
    assert "low high seen" in words(html)
    assert repr(found).splitlines()[-1] == "low, high: 95% of 50 resamples with seed 0"
    assert "by  sum[z : Z]" in repr(found)
    assert repr(model.estimate("P(Y = cured)", "charig")) == "0.802857 = 281/350"


def test_failures_are_shown() -> None:
    program = cw.parse("var A : {no, yes}\nbox a : -> A\nquery P(A)")
    (item,) = program.run(keep_going=True)
    assert "error[Q001]" in words(item._repr_html_())
    assert repr(item).startswith("error[Q001]")


def test_graphs_are_shown_as_text(tmp_path: Path) -> None:
    program = cw.parse('var A : {no, yes}\nbox a : -> A\ndraw main to "a.dot"', folder=tmp_path)
    (item,) = program.run()
    assert "digraph" in words(item._repr_html_())


def test_errors_render_themselves() -> None:
    with pytest.raises(cw.CutwireError) as caught:
        cw.parse("lattent H : {a, b}")
    lines = caught.value._render_traceback_()
    assert lines[0] == "error[P010]: `lattent` does not start a statement"
    assert lines[-1].endswith("did you mean `latent`?")


def test_objects_without_values() -> None:
    assert "any" in words(cw.Model.from_edges([("A", "B")])._repr_html_())
    assert Object("A").values is None


# ---- the magic -------------------------------------------------------------------------------------------------------


class Shell:
    """An IPython shell, and what the last cell has shown."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        config = Config()
        config.HistoryManager.enabled = False  # no file
        InteractiveShell.clear_instance()
        self.shell = InteractiveShell.instance(config=config)
        self.shell.run_line_magic("load_ext", "cutwire")

    def run(self, code: str, cell: str = "") -> Any:
        """Run a cell; `cell` is what a notebook calls it."""
        from IPython.utils.capture import capture_output

        self.shell.parent_header = {"metadata": {"cellId": cell}}
        with capture_output() as captured:
            self.result = self.shell.run_cell(code, store_history=True)
        self.out, self.err = captured.stdout, captured.stderr
        self.shown = [o.data for o in captured.outputs]
        return self.result.result

    @property
    def texts(self) -> list[str]:
        return [d["text/plain"] for d in self.shown]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shell]:
    pytest.importorskip("IPython")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    made = Shell()
    yield made
    type(made.shell).clear_instance()


LAWN = """%%causal lawn
var Rain, Sprinkler : {no, yes}
box rain : -> Rain = flip(30%)
box sprinkler : Rain -> Sprinkler = | no -> flip(1/2) | yes -> [9 : 1]
"""


def test_a_cell_is_a_model_file(shell: Shell) -> None:
    """A cell that asks nothing shows the program; it is bound to its name."""
    shell.run(LAWN)

    assert shell.texts == ["<Program: <Model lawn: Rain, Sprinkler>>"]
    assert "<svg" in shell.shown[0]["text/html"]
    assert shell.run("lawn.model.query('P(Rain = yes)')") == pytest.approx(0.3)


def test_what_a_cell_asks_is_shown(shell: Shell) -> None:
    shell.run(LAWN.replace("lawn", "") + "query P(Rain = yes) expect 3/10\nclaim c: P(Rain = yes) == 1/2\ncheck c\n")

    assert shell.texts[0] == "P(Rain = yes)\n  0.3  = 3/10\n  as expected"
    assert shell.texts[1].startswith("FALLS  c")
    assert shell.run("causal.model.name") == "causal"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("P(Rain = yes | do(Sprinkler := yes))", "  0.3  = 3/10"),
        ("P(Rain in {no, yes})", "  1  = 1"),
        ("P(Rain in {no, yes}) == 1", "holds  asked"),
        ("P(Rain = yes) < P(Rain = no)", "holds  asked"),
        ("Rain _||_ Sprinkler", "FALLS  asked"),
        ("identifiable P(Rain | do(Sprinkler))", "holds  asked"),
        ("not identifiable P(Rain | do(Sprinkler))", "FALLS  asked"),
        ("identify P(Rain | do(Sprinkler))", "is identifiable: P(Rain)"),
        ("query q: P(Rain = yes) unit odds", "3 : 7"),
        ("draw lawn after cut(Sprinkler)", "lawn after cut(Sprinkler)  drawn"),
        ("", "<Program: <Model lawn"),
    ],
)
def test_a_line_asks_the_last_program(line: str, said: str, shell: Shell) -> None:
    """Questions, comparisons, claims, statements: and the answer can be kept."""
    shell.run(LAWN)
    shell.run(f"answer = %causal {line}")

    assert shell.result.success
    assert said in shell.run("repr(answer)")


def test_more_goes_on(shell: Shell) -> None:
    """A cell behind the others; only what it asks itself is answered. Run again, it takes its own place."""
    shell.run(LAWN, "one")
    shell.run("%%causal more\nquery P(Rain)", "two")
    assert len(shell.shown) == 1
    shell.run("%%causal more lawn\nvar Wet : {no, yes}\nbox wet : Rain -> Wet = | no -> no | yes -> yes\n", "three")
    assert shell.texts == ["<Program: <Model lawn: Rain, Sprinkler, Wet>; 1 question>"] or "Wet" in shell.texts[0]
    shell.run("%%causal more\nquery P(Wet = yes)", "four")
    assert shell.texts == ["P(Wet = yes)\n  0.3  = 3/10"]
    shell.run("%%causal more lawn\nvar Wet : {no, yes}\nbox wet : Rain -> Wet = | no -> yes | yes -> no\n", "three")
    assert shell.result.success
    shell.run("%%causal more\nquery P(Wet = yes)", "four")
    assert shell.texts == ["P(Wet = yes)\n  0.7  = 7/10"]


def test_the_same_cell_twice_without_a_notebook(shell: Shell) -> None:
    shell.run(LAWN)
    for _ in range(2):
        shell.run("%%causal more\nvar Wet : {no, yes}\nbox wet : Rain -> Wet = | no -> no | yes -> yes\n")
        assert shell.result.success


def test_mistakes_point_into_cells(shell: Shell) -> None:
    """By the number of the cell, in its lines as the notebook counts them; no traceback."""
    shell.run(LAWN)
    shell.run("%%causal more\n\nquery P(Rainn)")

    assert not shell.result.success
    shown = shell.out + shell.err
    assert "Traceback" not in shown
    assert "error[N002]: unknown variable `Rainn`" in shown
    assert " --> In [2]:3:9" in shown
    assert "did you mean `Rain`?" in shown
    shell.run("%%causal more\nvar Rain : {a, b}")
    assert " ::: In [1]:2:5" in shell.out + shell.err
    shell.run("%causal P(Rain = yes | do(Sprinklr := no))")
    assert "1 | P(Rain = yes | do(Sprinklr := no))" in shell.out + shell.err


def test_a_mistake_loses_nothing(shell: Shell) -> None:
    shell.run(LAWN)
    shell.run("%%causal lawn\nvar X")
    assert not shell.result.success
    assert shell.run("answer = %causal P(Rain = yes)\nanswer.value") == Fraction(3, 10)


def test_statements_before_a_mistake_are_shown(shell: Shell) -> None:
    """A question that cannot be answered ends the cell; what stands before it is answered, and the program is there."""
    shell.run("%%causal m\nvar A, B : {no, yes}\nbox a : -> A = flip(1/3)\nbox b : -> B\nquery P(A)\nquery P(B)")
    assert len(shell.shown) == 1
    assert "error[Q001]" in shell.out + shell.err
    assert " --> In [1]:6:7" in shell.out + shell.err
    assert shell.run("m.model.variables") == ("A", "B")


def test_warnings_are_told_once(shell: Shell) -> None:
    cell = "%%causal m\nvar A : {no, yes}\nbox a : -> A = | -> no | -> yes\n"
    shell.run(cell)
    shell.run("%%causal m\nvar A, B : {no, yes}\nbox a : -> A = flip(1/2)\nbox b : A -> B = | _ -> no | no -> yes\n")
    assert shell.err.count("warning[T005]") == 1
    shell.run("%%causal more\nquery P(A)")
    assert "warning" not in shell.err


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("%causal P(S)", "no program yet"),
        ("%%causal more\nquery P(S)", "there is no program"),
        ("%%causal more x\nquery P(S)", "there is no program 'x'"),
        ("%%causal two names\nvar A", "takes one name"),
        ("%%causal 3x\nvar A", "takes one name"),
        ("%%causal class\nvar A", "takes one name"),
    ],
)
def test_lines_that_are_none(code: str, said: str, shell: Shell) -> None:
    shell.run(code)
    assert not shell.result.success
    assert "UsageError: " in shell.out + shell.err
    assert said in shell.out + shell.err


def test_python_is_not_put_into_questions(shell: Shell) -> None:
    """Braces and dollars of a question are its own."""
    shell.run(LAWN)
    shell.run("no, yes = 1, 2")
    assert shell.run("answer = %causal P(Rain in {yes})\nanswer.value") == Fraction(3, 10)


def test_files_are_looked_up_beside_the_notebook(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("A\nno\nyes\nyes\n", encoding="utf-8")
    shell.run('%%causal\nvar A : {no, yes}\nbox a : -> A\ndata d = csv("d.csv")\nestimate P(A = yes) from d')
    assert shell.texts == ["P(A = yes)\n  0.666667  = 2/3\n  from data d"]


def test_the_package_stays_light(tmp_path: Path) -> None:
    """IPython is loaded by whoever uses it."""
    from tests.cutwire.test_start import loaded

    seen: Callable[[str, Path], set[str]] = loaded
    assert {"IPython", "networkx"}.isdisjoint(seen("import cutwire; cutwire.load_ipython_extension", tmp_path))


# ---- answers of every semantics --------------------------------------------------------------------------------------

OPEN = """
param p, q in [0, 1]
var A, B : {no, yes}
box a : -> A = flip(p)
box b : A -> B = | no -> flip(q) | yes -> flip(p * q)
query told: P(B | do(A))
query event: P(B = yes | A = yes) unit odds
"""


def test_expressions_are_formulas() -> None:
    """In MathML, with their conditions, in the unit that was asked for."""
    model = cw.parse(OPEN).model
    whole_table = words(model.query("P(B | do(A))")._repr_html_())
    assert whole_table.startswith("B A no no 1 - q no yes - p \u2062 q + 1 yes no q")
    assert "0 <= p <= 1" in whole_table
    told, event = cw.parse(OPEN).run()
    assert "told: P(B | do(A))" in words(told._repr_html_())
    assert "<math" in told._repr_html_()
    assert "odds" in words(event._repr_html_())


LINEAR = """
var X, Y : real
box x : -> X = normal(0, 1)
box y : X -> Y = fn (x) => normal(2 * x, 1)
query function: E(Y | do(X))
query spread: P(X, Y)
query "<b>": P(Y > 0)
"""


def test_answers_on_the_reals() -> None:
    program = cw.parse(LINEAR.replace('"<b>"', "event"))
    function, spread, event = (words(item._repr_html_()) for item in program.run())
    assert function == "function: E(Y | do(X)) 2 * X"
    assert spread.startswith("spread: P(X, Y) mean sd 5% 50% 95% X 0 1 ")
    assert "correlation X, Y: 0.8944" in " ".join(spread.split())
    assert event == "event: P(Y > 0) 0.5"
    model = program.model
    assert words(model.query("P(Y)")._repr_html_()).startswith("mean sd 5% 50% 95% Y 0 2.23607")
    assert words(model.query("E(Y | do(X))")._repr_html_()) == "2 * X"


def test_possibilities() -> None:
    model = cw.parse("var A : {no, maybe, yes}\nbox a : -> A = {no: 1/2, yes: 1/2, maybe: 0}").model
    found = model.query("P(A)", semantics="possible")
    assert words(found._repr_html_()) == "A no possible maybe impossible yes possible"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.causal")), ids=lambda p: p.stem)
def test_examples_show_themselves(path: Path, tmp_path: Path) -> None:
    """Program and answers, as HTML that is whole."""
    program = cw.load(path)
    whole(program._repr_html_())
    for item in program.run(out=tmp_path, keep_going=True):
        whole(item._repr_html_())
