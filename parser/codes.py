"""All diagnostic codes: what each means, in a title, a short paragraph and, where one helps, an erroneous text.

Codes are stable: a code keeps its meaning and is never given to another mistake. The letter says who speaks: P reading,
N names and values, T tables and numbers, M models, D diagrams, C combs, Q questions, E estimates, I identification,
G linear models with normal noise, S sampling and learning, K clusters, F files, L limits, V pictures, B networks in
BIF, A graphs (arrows) of other programs, R the session, X bugs of Cutwire.

>>> CODES["P013"].title
'`->` is missing'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Code(NamedTuple):
    """A diagnostic code; `example` is a text that gets it, or empty."""

    code: str
    title: str
    explanation: str
    example: str = ""


_READING = (
    Code("P001", "Unexpected word or sign", "The text cannot go on like this; the diagnostic lists what could stand "
         "here.", "var S : {no, yes,}"),
    Code("P002", "Bracket or quote never closed", "A `(`, `[`, `{` or `\"` has no partner. A statement's first word "
         "closes no bracket, so the search stops there.", "query P(C = yes | do(S := yes)"),
    Code("P003", "Closing bracket without partner", "A `)`, `]` or `}` closes nothing, or another kind of bracket.",
         "query P(S])"),
    Code("P004", "Unexpected character", "The character is no part of the language: often a typographic quote or sign "
         "pasted from a document. Values of any characters can be written in quotes.", "query P(S) ≤ 1"),
    Code("P005", "Nested too deep", "Brackets and operators may nest 100 deep, so that a hostile text cannot exhaust "
         "the stack.", "query " + "(" * 120),
    Code("P006", "Text too large", "A model text has at most 20 million characters and a million words and signs. "
         "Large tables belong into a data file."),
    Code("P007", "Number out of bounds", "A number has at most 400 digits and an exponent between -400 and 400: "
         "numbers are exact, so a short text could ask for a huge one.", "query 1e999999999"),
    Code("P008", "Misplaced documentation", "A `##` comment documents the statement behind it and stands nowhere else. "
         "Plain comments start with one `#`.", "var S : {no, ## here\n yes}"),
    Code("P009", "Malformed number", "Numbers are written `3`, `0.25`, `1e-3`, `30%`, or `0.333f` for a floating one. "
         "A value such as `3x` needs quotes.", "query 1_000 * P(S)"),
    Code("P010", "No such statement", "A statement starts with a keyword such as `var`, `box`, `query`.",
         "lattent H : {low, high}"),
    Code("P011", "`=` inside do(…)", "Not given out: `do(S = yes)` is read as `do(S := yes)`, and the formatter writes "
         "the latter."),
    Code("P012", "`:=` outside do(…)", "`:=` intervenes and belongs inside do(…); `=` observes, or defines.",
         "query P(C = yes | S := yes)"),
    Code("P013", "`->` is missing", "A signature reads inputs -> outputs (a state has no inputs: `box h : -> H`), a "
         "row of a table reads values -> distribution.", "box t : S T"),
    Code("P014", "Not part of this version", "The words `bound` and `plate` are kept for later.",
         "plate p : 3 { }"),
    Code("P015", "Something is missing behind a sign", "A sign such as `=` or `+`, or a word such as `from`, ends what "
         "should go on.", "domain A =\nvar S : A"),
    Code("P016", "Option twice, missing or misplaced", "An option such as `for`, `unit`, `using`, `expect`, `from`, "
         "`assuming`, `bootstrap` stands once, with the statements that know it; `estimate` needs `from`, and `seed` "
         "and `level` need `bootstrap`.",
         "query P(S) unit odds unit bits"),
    Code("P017", "Unknown kind of data", "Data is read by `csv(…)`, or written in place.", 'data d = json("d.json")'),
    Code("P018", "Another sign is meant", "One sign in the place of another, such as `==` for `=` inside P(…), or `(` "
         "for `[` behind `sum`.", "query P(S == yes)"),
    Code("P019", "A sign is missing", "With this sign (often a comma or a colon) the text would go on.",
         "var S {no, yes}"),
    Code("P020", "Condition or intervention outside of P(…)", "Conditions, do(…) and cut(…) stand inside the brackets, "
         "behind the bar: `P(C | S = yes, do(T := no))`.", "query P(C) | do(S)"),
    Code("P021", "Reserved word as a name", "The words of the language cannot be names; values can be put in quotes.",
         "var data : {no, yes}"),
    Code("P022", "One probability is asked", "`identify` and `identifiable` ask for one `P(…)` or `E(…)`, no formula "
         "of several, and what is given behind `from` are distributions `P(…)`.", "identify P(C | do(S)) - P(C)"),
    Code("P023", "Form of an independence claim", "Names of variables stand on both sides of `_||_`; behind the bar "
         "stand names, do(…) and cut(…).", "claim c: P(S) _||_ P(T)"),
)  # fmt: skip

_NAMES = (
    Code("N001", "Declared twice", "Two declarations of one kind, or two bound values, have the same name.",
         "type A, B\ntype A"),
    Code("N002", "Unknown name", "Nothing of this kind is declared under this name.",
         "var S : {no, yes}\nbox s : -> S = uniform()\nquery P(TT)"),
    Code("N003", "Not a value of the variable", "The value is not in the variable's domain; case matters.",
         "var S : {no, yes}\nbox s : -> S = uniform()\nquery P(S = Yes)"),
    Code("N004", "Intervention on an unknown variable", "do(…) or cut(…) names a variable that the model lacks.",
         "var S : {no, yes}\nbox s : -> S = uniform()\nquery P(S | do(SS := yes))"),
    Code("N005", "No such wire", "`S -> T` stands for the wire along which the box of T hears S; there is none.",
         "var S, T : {no, yes}\nbox s : -> S = uniform()\nbox t : -> T = uniform()\nquery P(T | do(S -> T := yes))"),
    Code("N006", "Values of a domain or set", "A domain needs values, each once; a range goes upward.",
         "domain D = {no, yes, no}"),
    Code("N007", "Ambiguous name", "A bound value may not be called like a value or a variable."),
    Code("N008", "Bound name never used", "A value is bound by `for`, `sum` or a claim and not used (warning)."),
    Code("N009", "Value of another variable", "A bound value ranges over another variable's values."),
    Code("N010", "Operated on twice", "One question may set or cut a variable once."),
    Code("N011", "Not a single value", "A bound value cannot stand in a set of values."),
    Code("N012", "Not a number", "A name stands where a number is expected."),
    Code("N013", "Value left free", "An intervention on a wire needs a value, unless the question binds it; where "
         "models are compared (`changes`), every intervention does."),
    Code("N014", "A wire takes a value only", "One wire can be told a value, not a distribution."),
    Code("N015", "Impossible event", "`!=` leaves no value of a variable that has only one."),
    Code("N016", "Checked twice", "A claim is checked by two statements; the second is left out (warning)."),
    Code("N017", "Unknown unit", "Units are odds, bits, decibans and percent."),
    Code("N018", "Name for all values", "A word in `do(S := word)` that is no value of S stands for all of them, as a "
         "name bound by `for word : S` does (warning)."),
)  # fmt: skip

_TABLES = (
    Code("T001", "Length of a row", "A row has one entry for every value of the output, in the order of the "
         "declaration.", "var S : {a, b, c}\nbox s : -> S = [1/2, 1/2]"),
    Code("T002", "A row does not sum to 1", "Literals are exact: 0.333 is 333/1000. Let an entry be `_`, the rest, or "
         "give weights, `[9 : 1]`.", "var S : {no, yes}\nbox s : -> S = [0.8, 0.3]"),
    Code("T003", "A table misses cases", "Every combination of input values needs a row; `_` stands for any value.",
         "var S, T : {no, yes}\nbox s : -> S = uniform()\nbox t : S -> T = | no -> flip(1/2)"),
    Code("T004", "Labels of a distribution", "A labelled distribution names values of the output, each once."),
    Code("T005", "A row can never apply", "Rows above cover all its cases: the first row that fits is used (warning)."),
    Code("T006", "Nothing to normalise", "All weights are 0, so they determine no distribution."),
    Code("T007", "Length of a pattern", "A row has one pattern for every input of the box, in their order."),
    Code("T008", "Probability out of range", "A probability lies between 0 and 1; weights are not negative.",
         "var S : {no, yes}\nbox s : -> S = flip(3/2)"),
    Code("T009", "A number is expected", "In tables only constant arithmetic can stand."),
    Code("T010", "Two rests in one row", "Only one entry can be what is left."),
    Code("T011", "Result of a function", "A function gives a value of the output for every input."),
    Code("T012", "Functions compute with values", "No probabilities inside `fn`, and operators fit their operands."),
    Code("T013", "Arguments of a distribution", "flip, uniform, noisy_or and fit take certain arguments."),
    Code("T014", "Distribution of a whole box", "noisy_or and fit describe all rows and cannot be one of them."),
    Code("T015", "Two values are needed", "flip and noisy_or are for variables of two values."),
    Code("T016", "A box over types has no numbers", "Numbers need variables with values, not bare types."),
    Code("T017", "Division by zero or power too large", "Constant arithmetic must have a result of bounded size."),
    Code("T018", "A comparison is not a number", "Comparisons stand in claims and in functions."),
    Code("T019", "Expectation", "`E(…)` takes one variable whose values are numbers."),
    Code("T020", "Parameters of a function", "A function has one parameter for every input of the box."),
    Code("T021", "Tolerance", "`within` is a positive number, and has no place in an exact or symbolic check."),
    Code("T022", "Array of numbers", "An array that is handed over has the shape of its variables, and entries that "
         "are numbers."),
    Code("T023", "Numbers of a check or a bootstrap", "`for N models` takes a whole number from 1 to 1,000,000, "
         "`bootstrap N` one from 20 to 1,000,000, `seed N` one from 0; `level` takes a number between 0 and 1.",
         "var S : {no, yes}\nbox s : -> S\nclaim c: P(S) == P(S)\ncheck c for 0 models"),
    Code("T024", "Distribution in the wrong place", "A distribution of numbers is for a `real` or `count` variable, a "
         "row of probabilities for one with finitely many values; inside of an expression there is no chance.",
         "var Y : real\nbox y : -> Y = [1/2, 1/2]"),
    Code("T025", "Parameter", "A parameter lies in its interval, and its prior is a distribution of numbers.",
         "param p in [0, 1] = 2"),
    Code("T026", "Numbers and sets of values", "`<`, `<=`, `>`, `>=` and `in [a, b]` are for numbers; a `real` or "
         "`count` variable takes no `{…}`.", "var S : {no, yes}\nbox s : -> S = flip(1/2)\nquery P(S > 0)"),
)  # fmt: skip

_MODELS = (
    Code("M001", "Two boxes produce a variable", "Every variable has one mechanism. Describe an alternative as a "
         "surgery: `do(T ~ other(…))`."),
    Code("M002", "Boxes feed each other", "A causal model has no loops; unroll time: `S0 -> T0 -> S1`."),
    Code("M003", "Type of a mechanism", "A diagram in place of a mechanism goes from its parents to the variable."),
    Code("M004", "No box produces a variable", "Declare one, at least its signature: `box t : S -> T`."),
    Code("M005", "One box for several variables", "A causal model has one box for each variable."),
    Code("M006", "Variables and types mixed", "A box of a causal model has variables only, each once."),
    Code("M007", "Which model?", "The statement does not say which of the file's models it asks."),
    Code("M008", "Not inside of a block", "Imports, models and the like stand outside of model blocks."),
    Code("M009", "A diagram is no interpretation", "Mechanisms and interpretations are numbers or functions."),
    Code("M010", "Not a function", "The variable was declared deterministic, so its mechanism must be one."),
    Code("M011", "No box of this model", "An interpretation or fit names a box that the model lacks."),
    Code("M012", "Not an edge", "The edges of a graph are pairs of names."),
    Code("M013", "Two boxes of one name", "Numbers go by the names of boxes, so two boxes of one name that were "
         "declared in different files or models cannot both be interpreted in one diagram."),
)  # fmt: skip

_DIAGRAMS = (
    Code("D001", "Diagrams do not plug together", "What the left diagram gives is not what the right one takes.",
         "type A, B\nbox f : A -> B\ndiagram d = f ; f"),
    Code("D002", "Type of a diagram", "A diagram, a wire or an equation has another type than it should."),
    Code("D003", "Point value", "A point box gives a value of its object."),
    Code("D004", "Type of a functor", "A functor sends a box to a diagram between the images of its types."),
    Code("D005", "Diagrams contain each other", "A diagram cannot contain itself, not even by way of others.",
         "type A\nbox f : A -> A\ndiagram d = d ; f"),
    Code("D006", "Surgery on a plain diagram", "A plain diagram has no values: its boxes can be cut, not set."),
    Code("D007", "Wires and types of a diagram", "A box takes and gives as many wires as it has ports."),
)  # fmt: skip

_COMBS = (
    Code("C001", "Stages of a comb", "The stages of a comb add up to its wires, and none depends on an input that "
         "comes later."),
    Code("C002", "Combs do not fit together", "None of the combs makes an output that is asked for."),
)  # fmt: skip

_QUESTIONS = (
    Code("Q001", "Numbers are needed", "A box on the way has a signature only. Interpret it, or check a claim."),
    Code("Q002", "Condition of probability zero", "Disintegration is undetermined there; no column is invented."),
    Code("Q003", "Variable on both sides", "A variable left free twice would be the same axis of the answer twice."),
    Code("Q004", "Expectation needs numbers", "The values of the variable are not numbers, or the events are not one "
         "variable."),
    Code("Q005", "No exact answer", "Something on the way is floating-point; exact answers need exact numbers."),
    Code("Q006", "Division by zero", "The divisor of a formula is 0."),
    Code("Q007", "Unknown semantics", "There are `matrix` (floating-point), `exact` (fractions), `symbolic`, "
         "`gaussian`, `pyro`, `sampled` and `possible`; estimands are evaluated in the first three. Or what is "
         "asked is not computed in the one that was named, such as an estimate with symbols."),
    Code("Q008", "Power", "Exponents are whole numbers of moderate size."),
    Code("Q009", "Claim or assumption out of reach", "Over all models equalities are decided, and what is assumed of "
         "them is that probabilities are positive; some model has to fulfil what is assumed."),
    Code("Q010", "A unit is for probabilities", "Odds, bits and the like are units of a probability: the answer has to "
         "lie between 0 and 1."),
    Code("Q011", "Bootstrap", "Resampling needs data whose weights count cases, 20 resamples or more, and a level "
         "between 0 and 1."),
    Code("Q012", "Number not known", "A parameter without a value, or a table with a prior: there is no number to "
         "compute with."),
    Code("Q013", "A real wire has no table", "A `real` or `count` variable has no finite table."),
    Code("Q014", "No probabilities at these parameters", "With these values a row has a negative entry, or does not "
         "sum to 1."),
    Code("Q015", "No value", "A function such as `log` is asked where it has no value."),
    Code("Q020", "No question of possibility", "What is possible is asked of one `P(…)`, from the model's boxes: no "
         "formula of several, no expectation, no data, no unit."),
    Code("Q021", "Columns of different lengths", "Where a question is asked once for each row, every column has a "
         "value for each row, and there is one row at least."),
    Code("E001", "The effect does not follow", "Models of this shape agree on what is given and differ in the effect."),
    Code("E002", "Surgery on a wire", "What changes what one mechanism hears cannot be estimated from the joint."),
    Code("E003", "Latent variable in data", "No data can contain a variable that was declared latent."),
    Code("E004", "One probability at a time", "Only `P(…)` is identified, and has an estimand, no formula of several."),
    Code("E005", "Not among what is given", "The data lack a given distribution, or a given distribution is of "
         "nothing, or sees what it sets."),
    Code("E006", "Variable missing in data", "The data have no variable of this name."),
    Code("E007", "Two events of one real variable", "Identification takes the events of a real variable for different "
         "values: two intervals, or a number and an interval, may overlap."),
)  # fmt: skip

_GAUSSIAN = (
    Code("G001", "Not linear with normal noise", "The Gaussian semantics is for boxes whose real output is linear in "
         "its real inputs, with normal noise, for all values of the finite ones; a finite output hears no real input."),
    Code("G002", "No uniform distribution on the reals", "A cut puts a uniform state in place of a wire, and there is "
         "none on the real numbers."),
    Code("G003", "A real variable at a point", "That a real variable is exactly a number has probability 0, unless it "
         "is set or determined."),
    Code("G004", "A real variable left free", "Here a real variable needs a value: the answer would be no linear "
         "function of it, or no number."),
    Code("G005", "Regression not determined", "The rows are too few for a regression, or some of its variables "
         "determine another one."),
    Code("G006", "Not a Gaussian answer", "What is asked is no number, no normal distribution and no mixture of such."),
    Code("G007", "No criterion for a linear effect", "There is no back door, no front door and no instrument, or not "
         "the one that was named."),
    Code("G008", "Linear effect not determined", "An instrument has nothing to do with the treatment, or variables "
         "that are held fixed determine each other."),
)  # fmt: skip

_WORLDS = (
    Code("W001", "Not settled by tables", "What happens in several worlds at once depends on how boxes draw, which a "
         "table does not say, and a number is needed. A probability that is asked by itself has bounds."),
    Code("W002", "Another kind of variable", "A variable can only become what takes the same values.",
         "model m\nvar X : {a, b}\nvar M : {c, d}\nbox x : -> X\nbox m : X -> M\nquery P(M[X := M[X := a]])"),
    Code("W003", "Belongs into a world", "What a variable would be elsewhere can be set inside of `Y[…]` only.",
         "model m\nvar X, M : {a, b}\nbox x : -> X\nbox m : X -> M\nquery P(M | do(X := M[X := a]))"),
    Code("W004", "One world only", "This does not apply to questions that speak of several worlds."),
    Code("W005", "Named effect", "A named effect such as `ETT(Y = y, X := a, b)` is written in one way.",
         "model m\nvar X, Y : {a, b}\nbox x : -> X\nbox y : X -> Y\nquery NDE(Y = a, X := a, b)"),
    Code("W006", "No observation", "What is observed are events, each a variable with a value or several.",
         "model m\nvar X : {a, b}\nbox x : -> X\nobserve X\nquery P(X)"),
    Code("W007", "Other worlds than set ones", "What follows of several worlds from data or experiments is decided for "
         "worlds in which variables are set to values, or to what they are elsewhere, and wires are told values."),
)  # fmt: skip

_FILES = (
    Code("F001", "Path not allowed", "Paths stay inside the folder of the main file unless that is lifted."),
    Code("F002", "File cannot be read", "There is no such file, or it cannot be opened."),
    Code("F003", "Values in the data", "The data have other values than their variable, or lack some of them."),
    Code("F004", "Data lack a variable", "Declared data have no column for a variable."),
    Code("F005", "Files import each other", "Imports have no loops."),
    Code("F006", "Not in the imported file", "The imported file does not declare this name, or it belongs to a model "
         "of that file."),
    Code("F007", "Not UTF-8 text", "Model files are UTF-8 text."),
    Code("F008", "Picture not written", "A text without a folder can draw no file (warning)."),
    Code("F009", "Data cannot be read", "The file or table is not of a form that can be read: columns of equal length, "
         "each with its name."),
    Code("F010", "Column of a file", "The file has no column of this name, or several."),
    Code("F011", "Weight of a row", "Weights are finite numbers, not negative, one for each row."),
    Code("F012", "No data", "The data have no rows, or no row with a weight, or a column without values."),
    Code("F013", "Rows left out", "Rows of the data are left out because values are missing (warning)."),
    Code("F014", "Another kind of file", "The command is for model files, and this is a network or a graph."),
    Code("F015", "File cannot be written", "A file cannot be written there, or the disk is full."),
    Code("L001", "Out of memory", "The answer needs more memory than --max-memory allows. That is known before "
         "anything is computed; the message says how much, and which table is the widest."),
    Code("L002", "Out of time", "The time allowed by --timeout is over."),
    Code("L003", "Too large", "A bound on sizes was hit: values, tables, diagrams, numbers, files."),
    Code("L004", "File too large", "The file is longer than the bound."),
    Code("L005", "More problems", "Only the first problems of a text are told."),
    Code("V001", "Unknown kind of picture", "The ending says what is drawn: .svg, .png, .pdf, .tex, .dot, .gv."),
    Code("V002", "Graphviz is missing", "The graph of variables is drawn by Graphviz, which is missing or failed."),
    Code("V003", "A package is missing", "This kind of picture or graph needs an optional package."),
    Code("V004", "Picture not writable", "The picture cannot be written there."),
    Code("V005", "Characters without a shape", "No font here has a character of a PNG or PDF (warning)."),
)  # fmt: skip

_IDENTIFICATION = (
    Code("I001", "Latent variable in what is given", "No data can contain a variable that was declared latent.",
         "latent H : {no, yes}\nvar S : {no, yes}\nbox h : -> H\nbox s : H -> S\n"
         "identify P(S | do(H)) from P(S, H)"),
    Code("I002", "Cannot be given", "Given are joint distributions, `P(S, T)`, also of an experiment: "
         "`P(T, C | do(S))`. Every variable stands once, without values; conditions and other surgery have no place.",
         "var S, T : {no, yes}\nbox s : -> S\nbox t : S -> T\nidentify P(T | do(S)) from P(T | S)"),
    Code("I003", "Variable twice in an independence claim", "A variable stands left of `_||_`, right of it, or behind "
         "the bar, and once.",
         "var S, T : {no, yes}\nbox s : -> S\nbox t : S -> T\nclaim c: S _||_ T | S"),
)  # fmt: skip

_SAMPLING = (
    Code("S001", "Pyro is missing", "Sampling and learning need Pyro and PyTorch, which are not installed by default: "
         "they are large."),
    Code("S002", "No sample fits", "Nothing that was sampled fits what is seen: it is impossible, or too rare."),
    Code("S003", "Mechanism does not fit its box", "A mechanism in Python gave something of another kind or shape than "
         "its box makes, or raised an error."),
    Code("S004", "Parameter without a prior", "To sample, every parameter needs a value or a prior; a bounded interval "
         "is one, too."),
    Code("S005", "Cannot be sampled or learnt so", "The method, the number of samples, or what is to be learnt does "
         "not fit."),
    Code("S006", "Inference failed", "The model gives the data no probability, or the numbers got out of hand."),
    Code("S007", "Inference is doubtful", "Some steps were divergent, or the draws are worth few independent ones "
         "(warning)."),
    Code("S008", "No array of a library", "`like=` takes an array of NumPy, PyTorch, JAX or another library of the "
         "array-API standard. Those of PyTorch need `array-api-compat`."),
)  # fmt: skip

_CLUSTERS = (
    Code("K001", "Dask is missing", "Work on several machines needs Dask, which is not installed by default."),
    Code("K002", "No cluster there", "No scheduler of Dask answers at the address within ten seconds."),
    Code("K003", "Workers cannot help", "The cluster has no workers, or they have no Cutwire, or another version."),
    Code("K004", "A worker is lost", "A process of the cluster died while it worked, or cannot be reached any more."),
)  # fmt: skip

_NETWORKS = (
    Code("B001", "Not a network in BIF", "The text does not follow the interchange format."),
    Code("B002", "Rows renormalised", "Rows do not sum to exactly 1 and were normalised (warning)."),
    Code("B003", "Table read row by row", "The order of a `table` was settled by its sums (warning)."),
    Code("B004", "Unreadable file", "The file cannot be read as a network."),
    Code("B005", "Variable twice", "Two variables have one name."),
    Code("B006", "Type of a variable", "A variable needs a type, with as many values as it says."),
    Code("B007", "Unknown variable", "A block names a variable that is not declared."),
    Code("B008", "Values of a row", "A row is keyed by values of the parents, in their order."),
    Code("B009", "Count of numbers", "A row or table has another number of entries than it needs."),
    Code("B010", "Not a probability", "Entries are numbers from 0 to 1."),
    Code("B011", "Sum of a row", "The row is too far from 1 to be normalised."),
    Code("B012", "Row twice", "Two rows, or two defaults, cover the same case."),
    Code("B013", "Missing rows", "Some combinations of the parents have no row."),
    Code("B014", "No probabilities", "A variable has no block of probabilities."),
    Code("B015", "Two blocks", "A variable has two blocks of probabilities."),
    Code("B016", "Loop", "The variables depend on each other."),
    Code("B017", "Not discrete", "Only discrete variables are read."),
    Code("B018", "Parent twice", "A parent stands twice in one block."),
    Code("B020", "Box without numbers", "A box without a table cannot be written."),
    Code("B021", "Mechanism of several boxes", "Only models with one box for each mechanism can be written."),
    Code("B022", "Variable without values", "A variable without values cannot be written."),
)  # fmt: skip

_SESSION = (
    Code("R001", "Unknown command", "Commands of a session stand behind a colon; `:help` lists them."),
    Code("R002", "Arguments of a command", "The command takes something else, or nothing."),
    Code("R003", "Nothing there yet", "There is nothing to undo, to explain or to read again."),
    Code("R004", "There is such a file", "`:save` replaces no file that was not loaded, unless asked with `:save!`."),
    Code("R005", "Not in the saved file", "A part of the session that a model file cannot say."),
)  # fmt: skip

_GRAPHS = (
    Code("A001", "Text of a graph cannot be read", "A text in DOT, in dagitty's language or in GML goes on otherwise "
         "than it can."),
    Code("A002", "Another kind of graph", "A causal model has directed edges, and hidden common causes. Undirected "
         "graphs, and those that stand for several models (pdag, mag, pag, circles at edges), are refused."),
    Code("A003", "Read with a guess", "Something in the text of a graph has no clear meaning, or no place in a model "
         "(warning)."),
    Code("A004", "Names became labels", "Names that a model file cannot write are made into names that it can "
         "(warning)."),
    Code("A005", "Unknown format", "The ending of a file, or `--from` and `--to`, say its format."),
    Code("A006", "Cannot be written", "The format cannot hold a name, or a mechanism that surgery has put in."),
    Code("A007", "Left out", "What is known of a box is no table, and is not written (warning)."),
)  # fmt: skip

_OWN = (
    Code(
        "X001", "A bug of Cutwire", "Something went wrong that is not your fault: please report it with the model file."
    ),
)

_ALL = (
    *_READING, *_NAMES, *_TABLES, *_MODELS, *_DIAGRAMS, *_COMBS, *_QUESTIONS, *_IDENTIFICATION, *_SAMPLING, *_GAUSSIAN,
    *_WORLDS, *_CLUSTERS, *_FILES, *_NETWORKS, *_GRAPHS, *_SESSION, *_OWN,
)  # fmt: skip

CODES: Mapping[str, Code] = {code.code: code for code in _ALL}
"""Every code, in the order of the lists above."""
