# Needs python3 (3.11 or newer), make and a package index; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/sh
# Where it is set, every process compiles all libraries anew: pip leaves that to the first import (see below).
unexport PYTHONDONTWRITEBYTECODE

# Two targets at once would install into one .venv and share the cores whose times they measure.
.NOTPARALLEL:
.PHONY: help demo test test-faults test-peers bench ui lint clean
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/.core  ## train six architectures on four tasks, print and save the table (minutes)
	@$(BIN)/rnnbench run experiment=demo
	@$(BIN)/rnnbench report demo

# The tests of a file share what they were given, and servers and clusters that take seconds to start.
test: .venv/.test  ## run the tests, two at a time
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test-faults: .venv/.test  ## kill processes, fill disks, stop servers; no run is lost (minutes)
	@$(BIN)/python -m pytest -q -m faults

test-peers: .venv/.peers  ## install PyTorch and JAX, run the tests that compare with them
	@$(BIN)/python -m pytest -q -m peers

bench: .venv/.test  ## run the benchmarks (against PyTorch and JAX too where make test-peers has installed them)
	@mkdir -p .benchmarks
	@$(BIN)/python -m pytest -q tests/benchmarks --benchmark-only --benchmark-quiet \
		--benchmark-json=.benchmarks/results.json
	@$(BIN)/python -m tests.benchmarks.report .benchmarks/results.json reports/benchmarks

ui: .venv/.core  ## open the MLflow dashboard of the runs on 127.0.0.1
	@$(BIN)/rnnbench ui

lint: .venv/.lint  ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/mypy

clean:  ## remove .venv and what tools left behind; runs and reports stay
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that was moved, whose Python is gone or whose making was cut short is made anew.
SOUND := $(shell test ! -e .venv/.unfinished && test "$$(cat .venv/.folder 2>&1)" = '$(CURDIR)' \
	&& $(BIN)/python -c '' 2>&1 && echo yes)
ifneq ($(SOUND),yes)
.PHONY: .venv/.python
endif

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'rnnbench needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...' >&2; exit 1; }
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@printf '%s' '$(CURDIR)' > .venv/.folder
	@touch $@

# $(call install,WHAT): pip's chatter goes into a file, which is shown when pip fails. Byte-compiling everything
# would take longer than installing it; Python compiles what is imported when it is first imported.
define install
	@touch .venv/.unfinished
	@$(BIN)/python -m pip install --no-compile --disable-pip-version-check --no-input -c constraints.txt $(1) \
		> .venv/pip.log 2>&1 || { cat .venv/pip.log >&2; exit 1; }
	@rm .venv/.unfinished
	@touch $@
endef

.venv/.core: .venv/.python pyproject.toml constraints.txt
	@echo 'installing rnnbench and its libraries into .venv (about a minute, once)' >&2
	$(call install,-e .)

.venv/.test: .venv/.core
	@echo 'installing the test tools' >&2
	$(call install,-e '.[test]')

.venv/.lint: .venv/.core
	@echo 'installing the linters' >&2
	$(call install,-e '.[lint]')

.venv/.peers: .venv/.test
	@echo 'installing PyTorch and JAX (constraints.txt names the versions)' >&2
	$(call install,-e '.[peers]' $(PEERS_PIP))
