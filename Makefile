# Each target does the set-up it needs, once. PYTHON chooses the interpreter, PIP_ARGS goes to pip
# (for instance --index-url of a mirror), ARGS to the command that is run.

PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
ARGS ?=
# Reverb has no wheels for a newer one.
OTHERS_PYTHON ?= python3.11

BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev
DOCS_READY := $(VENV)/.ready-docs
SITE ?= build/docs

.PHONY: help setup train test lint types docs proto bench bench-others audit lock compose-test clean
.DEFAULT_GOAL := help

help:
	@echo "make train   set up, then train on this machine (14 minutes; Ctrl-C stops with a checkpoint)"
	@echo "make setup   set up what running needs"
	@echo "make test    set up what developing needs, then run the tests"
	@echo "make lint    check style            make types   check types"
	@echo "make proto   generate protos/ anew   make bench   run the benchmarks"
	@echo "make bench-others  set up other libraries, each by itself, for python -m bench.storages"
	@echo "make docs    build the documentation into build/docs, without a network"
	@echo "make audit   look the pinned dependencies up among known vulnerabilities"
	@echo "make compose-test  build the images, run the stack, kill its parts (needs a Docker engine; minutes)"
	@echo "make lock    write deploy/docker/requirements.lock anew, after a change of dependencies"
	@echo "make clean   remove caches and build outputs; .venv and runs stay"

setup: $(RUN_READY)
	@echo "ready: . $(BIN)/activate, then copa --help"

train: $(RUN_READY)
	$(BIN)/copa train --preset quick $(ARGS)

test: $(DEV_READY)
	$(BIN)/python -m pytest $(ARGS)

lint: $(DEV_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_READY)
	$(BIN)/mypy

docs: $(DOCS_READY)
	$(BIN)/python -m sphinx -q --fail-on-warning --keep-going docs $(SITE)
	@echo "built: $(SITE)/index.html"

proto: $(DEV_READY)
	$(BIN)/python -m protos.generate

bench: $(DEV_READY)
	$(BIN)/python -m bench $(ARGS)

bench-others: $(VENV)/others/torchrl_store/.ready $(VENV)/others/reverb_table/.ready

$(VENV)/others/%/.ready: bench/others/%.txt | $(BIN)/python
	$(OTHERS_PYTHON) -m venv --clear $(@D)
	$(@D)/bin/pip install -q --disable-pip-version-check $(PIP_ARGS) -r $<
	@touch $@

audit: | $(BIN)/python
	test -x $(VENV)/audit/bin/pip-audit || { $(BIN)/python -m venv $(VENV)/audit && \
	  $(VENV)/audit/bin/pip install -q --disable-pip-version-check $(PIP_ARGS) pip-audit; }
	$(VENV)/audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt $(ARGS)

lock: | $(BIN)/python
	test -x $(VENV)/lock/bin/pip-compile || { $(BIN)/python -m venv $(VENV)/lock && \
	  $(VENV)/lock/bin/pip install -q --disable-pip-version-check $(PIP_ARGS) pip-tools; }
	$(VENV)/lock/bin/pip-compile -q --generate-hashes --strip-extras --unsafe-package torch \
	  --extra certs --extra gpu --extra plots --extra tensorboard --constraint constraints.txt \
	  --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links $(ARGS) \
	  --output-file deploy/docker/requirements.lock pyproject.toml deploy/docker/lock.in
	sed -i '/^# WARNING: The following/,$$d' deploy/docker/requirements.lock

compose-test: $(DEV_READY)
	COPA_COMPOSE_TEST=1 $(BIN)/python -m pytest -m docker -s tests/compose $(ARGS)

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: COPA needs Python 3.11 or newer; name one by make PYTHON=..." >&2; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2> /dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    apt-get update -q && apt-get install -q -y python3-venv; \
	  else \
	    echo "error: Python's venv is missing; install it by: sudo apt-get install python3-venv" >&2; exit 1; \
	  fi; \
	fi
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUN_READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV); this takes some minutes"
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -c constraints.txt \
	  -e '.[local,plots,tensorboard]'
	@touch $@

$(DEV_READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV); this takes some minutes"
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[dev]'
	@touch $@ $(RUN_READY) $(DOCS_READY)

$(DOCS_READY): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[docs]'
	@touch $@
