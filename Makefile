# `make all` is what a change has to pass. Another interpreter: `make test PYTHON=python3.12`.
PYTHON ?= .venv/bin/python

.PHONY: all test lint types docs site bench tables

all: lint types test docs

test:  ## the test suite, doctests included
	$(PYTHON) -m pytest

lint:  ## style, formatting, directions of imports
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

types:  ## static types
	$(PYTHON) -m mypy

docs:  ## every example of README.md and docs/ runs and prints what it says
	$(PYTHON) -m pytest README.md docs

site:  ## the documentation as a web site, in docs/_build/site; needs: pip install -c constraints.txt -e '.[docs]'
	$(PYTHON) docs/build.py

bench:  ## growth of diagrams, start-up time, speed of answers; beside other tools, as far as they are installed
	$(PYTHON) -m benchmarks.diagrams
	$(PYTHON) -m benchmarks.startup
	$(PYTHON) -m benchmarks.claims
	$(PYTHON) -m benchmarks.symbolic
	$(PYTHON) -m benchmarks.engine

tables:  ## the parser's saved tables, after a change of the grammar
	$(PYTHON) -m parser.tables
