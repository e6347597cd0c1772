# make demo    set everything up from nothing and run the main job
# make test    set up, then every gate, cheap ones first; ends with pytest's closing line
# make proof   set up, then the large counts behind the claims
# make setup   only the virtual environment
#
# PYTHON       the interpreter to build the environment with, at least 3.11
# TORCH_INDEX  a package index to take torch from, for instance PyTorch's own CPU builds

PYTHON ?= python3
TORCH_INDEX ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check

.PHONY: help setup demo test proof format
.DEFAULT_GOAL := help

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

setup: $(STAMP)

# torch comes first and alone: it has an index of its own, and the rest must not choose its version.
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || \
	  { echo "$(PYTHON) was not found: imssa needs Python 3.11 or newer. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1): imssa needs Python 3.11 or newer." \
	    "Name one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "setup 1/4: environment in $(VENV)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "setup 2/4: pip"
	@$(PIP_INSTALL) --upgrade 'pip>=25.1'
	@echo "setup 3/4: torch"
	@$(PIP_INSTALL) $(if $(TORCH_INDEX),--index-url '$(TORCH_INDEX)') --constraint constraints.txt torch
	@echo "setup 4/4: imssa and its tools"
	@$(PIP_INSTALL) --constraint constraints.txt --group dev --editable .
	@touch $@

demo: setup
	@$(BIN)/imssa demo --out out/demo

# One BLAS thread a process: two test processes share two cores.
test proof: export OMP_NUM_THREADS = 1
test proof: export OPENBLAS_NUM_THREADS = 1
test proof: export MKL_NUM_THREADS = 1

test: setup
	@echo "gate 1/5: format"
	@$(BIN)/ruff format --quiet --check . || { echo "Run 'make format'." >&2; exit 1; }
	@echo "gate 2/5: lint"
	@$(BIN)/ruff check --quiet .
	@echo "gate 3/5: imports"
	@$(BIN)/lint-imports --no-logo
	@echo "gate 4/5: types"
	@$(BIN)/mypy
	@echo "gate 5/5: tests"
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

# Benchmarks that state a number follow here.
proof: setup
	@$(BIN)/python -m pytest -m proof
	@$(BIN)/python benchmarks/streaming.py --json results/streaming.json

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
