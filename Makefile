# Everything a developer or a visitor runs. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# An environment of its own for the client that others call ranking with: its gRPC is another than ours.
TRITONCLIENT := build/tritonclient
TRITONCLIENT_PINS := tests/contract/ranking/open_inference/tritonclient.txt

# make run: a folder with a data set; empty means the generated one. See docs/data.md.
DATA ?=
# make run, make load: more flags for the command.
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check protos bench gpu load images manifests format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Install, train, start the suite, recommend, and go on serving (DATA=folder for your data)
	@$(BIN)/winnow run $(if $(DATA),--data $(DATA)) $(ARGS)

test: $(VENV)/.installed-dev $(TRITONCLIENT)/.installed ## Install what is missing and run every test
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --no-loadscope-reorder $(ARGS)

check: $(VENV)/.installed-dev ## Lint, types, import rules, contracts, stubs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy services shared clients tests
	$(BIN)/lint-imports
	cd protos && ../$(BIN)/buf lint
	cd protos && ../$(BIN)/buf breaking --against '../.git#branch=$(MAIN),subdir=protos'
	@rm -rf build/stubs && PYTHON=$(BIN)/python protos/generate.sh $(CURDIR)/build/stubs 2>/dev/null \
	  && diff -r --exclude=__pycache__ --exclude='*.proto' build/stubs/winnow protos/winnow \
	  && cmp build/stubs/open_inference.binpb services/ranking/open_inference/open_inference.binpb \
	  && echo "stubs are up to date" || { echo "stubs differ from the contracts: run make protos" >&2; exit 1; }

# What the contracts are compared with: main, or where only a remote or a detached commit is at hand, that.
MAIN = $(shell git rev-parse --verify --quiet main >/dev/null && echo main || git rev-parse --abbrev-ref HEAD)

protos: $(VENV)/.installed-dev ## Generate the stubs from the contracts
	@PYTHON=$(BIN)/python protos/generate.sh

bench: $(VENV)/.installed-dev ## Measure the suite beside its ceiling
	@$(BIN)/python -m tests.bench $(ARGS)

gpu: $(VENV)/.installed-dev ## Where there is an NVIDIA GPU: check ranking on it, and measure the newest snapshot
	@$(INSTALL) -e '.[all,dev,ranking-cuda]'
	@$(BIN)/python -m pytest -q tests/unit/ranking/test_on_gpu.py
	@$(BIN)/winnow bench rank --device cuda --precision fp32,fp16 $(ARGS)

load: $(VENV)/.installed ## Load-test the running suite (ARGS="--help" lists the flags)
	@$(BIN)/python -m tests.load $(ARGS)

images: ## Build the container images with docker
	@deploy/build_images.sh $(ARGS)

manifests: $(VENV)/.installed-dev ## Render the Kubernetes manifests to build/manifests and validate them
	@$(BIN)/python deploy/render_manifests.py $(ARGS)

format: $(VENV)/.installed-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what was built, trained and stored here; keeps the virtual environment
	rm -rf build dist var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Winnow needs Python 3.11 or newer; name one with make PYTHON=..." >&2; exit 1; }
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing what the suite needs (about a minute the first time)"
	@$(INSTALL) -e '.[all]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the tools of development"
	@$(INSTALL) -e '.[all,dev]'
	@touch $@

$(TRITONCLIENT)/.installed: $(TRITONCLIENT_PINS) | $(VENV)/bin/python
	@echo "Installing tritonclient in an environment of its own, for the tests of the Open Inference Protocol"
	@$(BIN)/python -m venv $(TRITONCLIENT)
	@$(TRITONCLIENT)/bin/python -m pip install --quiet --disable-pip-version-check -r $(TRITONCLIENT_PINS)
	@touch $@
