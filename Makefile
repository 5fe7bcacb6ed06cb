# Everything starts here; `make` alone says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Stamps inside the environment: removing it makes them go too.
BASE := $(VENV)/.base
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
SPARK := $(VENV)/.spark
SOAK := $(VENV)/.soak
BENCH := $(VENV)/.bench
SDK := $(VENV)/.sdk
# Tests start the product some hundred times, and none of them should compile its modules anew.
unexport PYTHONDONTWRITEBYTECODE
# Tests that start whole products or a browser: one after the other, as two at once would starve each other's time limits.
# They wait more than they work, so they run beside the others, in a process whose event loop is the browser's. Job control
# (set -m) is for their interrupts: a shell without it has the commands that it starts beside itself ignore them.
ALONE := tests/browser tests/sdk tests/faults
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard huitou/locale/*/LC_MESSAGES/django.po))
LOCK := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	--python-version 3.11 pyproject.toml

.PHONY: help run spark test check soak bench lock messages docs snapshots browser node sdk clean

help: ## this list
	@echo "Huitou 回头"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

run: $(RUN) $(CATALOGUES) ## install, load the example brand into an empty store, serve on http://127.0.0.1:8000 (ARGS=--no-serve)
	@exec $(BIN)/huitou up --example --with-parent $(ARGS)

spark: $(SPARK) ## add Apache Spark's client, for HUITOU_ENGINE=spark://host:port; Java 17 or 21 must be there

test: export OPENBLAS_NUM_THREADS = 1
test: $(DEV) $(CATALOGUES) browser $(SDK) ## everything: format, lint, types, import contracts, and all tests but the long ones
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	@mkdir -p .pytest_cache
	@set -m; $(BIN)/python -m pytest -p no:cacheprovider $(ALONE) > .pytest_cache/alone.txt 2>&1 & alone=$$!; \
	$(BIN)/mypy . > .pytest_cache/types.txt 2>&1 & types=$$!; set +m; \
	trap 'kill $$alone $$types 2>/dev/null || true' INT TERM; \
	status=0; $(BIN)/python -m pytest -n 2 --dist loadfile $(addprefix --ignore=,$(ALONE)) || status=$$?; \
	wait $$types || status=$$?; wait $$alone || status=$$?; cat .pytest_cache/alone.txt .pytest_cache/types.txt; \
	exit $$status

check: $(DEV) $(CATALOGUES) ## format, lint, types, import contracts and the repository's own rules, in seconds
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_tidy.py

soak: $(SOAK) $(CATALOGUES) browser ## the long tests: kill loops, a million lines, Spark, every example of properties; results go to tests/soak/results
	$(BIN)/python -m pytest -m "hypothesis and not soak" --all-examples
	$(BIN)/python -m pytest -m soak

bench: $(BENCH) $(CATALOGUES) ## run every benchmark; results go to benchmarks/results
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

# The widest set first: the others take its versions, so that one environment can hold any of them.
lock: ## pin the dependencies anew (needs uv)
	$(LOCK) --extra example --extra dev --extra spark -o requirements/soak.lock
	$(LOCK) --extra example -c requirements/soak.lock -o requirements/run.lock
	$(LOCK) --extra example --extra spark -c requirements/soak.lock -o requirements/spark.lock
	$(LOCK) --extra example --extra dev -c requirements/soak.lock -o requirements/dev.lock
	$(LOCK) --extra example --extra dev --extra bench -c requirements/soak.lock -o requirements/bench.lock

messages: $(DEV) ## gather the texts to translate and compile the catalogue
	$(BIN)/python -m config.messages

docs: $(DEV) $(CATALOGUES) ## write the reference pages that the code declares
	$(BIN)/python -m config.reference

snapshots: $(DEV) ## write the committed SQL of every step, feature and metric anew
	$(BIN)/python -m tests.parity.snapshots

clean: ## remove the environment and caches, never the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BASE):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Huitou needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" --version 2>&1 || true)." >&2; \
		echo "Name another one: make run PYTHON=/path/to/python3.11" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV) || { echo "If the venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(RUN): requirements/run.lock pyproject.toml | $(BASE)
	@echo "Installing into $(VENV); the first time takes a minute or two."
	@$(PIP) install --require-hashes -r requirements/run.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.lock $(RUN) | $(BASE)
	$(PIP) install --quiet --require-hashes -r requirements/dev.lock
	@touch $@

$(SPARK): requirements/spark.lock $(RUN) | $(BASE)
	$(PIP) install --quiet --require-hashes -r requirements/spark.lock
	@touch $@

$(SOAK): requirements/soak.lock $(DEV) | $(BASE)
	$(PIP) install --quiet --require-hashes -r requirements/soak.lock
	@touch $@

$(BENCH): requirements/bench.lock $(DEV) | $(BASE)
	$(PIP) install --quiet --require-hashes -r requirements/bench.lock
	@touch $@

%.mo: %.po | $(RUN)
	@$(BIN)/python -c 'import polib, sys; polib.pofile(sys.argv[1]).save_as_mofile(sys.argv[2])' $< $@

# The browser tests drive the system's Chromium and need a font that has Chinese characters.
browser:
	@missing=""; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| missing="$$missing chromium"; \
	{ command -v fc-list >/dev/null && [ -n "$$(fc-list :lang=zh-cn family 2>/dev/null)" ]; } \
		|| missing="$$missing fontconfig fonts-noto-cjk"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
		else \
			echo "The browser tests need:$$missing. Install them, on Debian or Ubuntu with" >&2; \
			echo "  sudo apt-get update && sudo apt-get install$$missing" >&2; exit 1; \
		fi; \
	fi

# The published Node SDKs are tried against the server; Node itself comes from the system.
node:
	@if ! { command -v node >/dev/null && command -v npm >/dev/null; }; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends nodejs npm; \
		else \
			echo "The tests of the Node SDKs need node and npm. Install them, on Debian or Ubuntu with" >&2; \
			echo "  sudo apt-get update && sudo apt-get install nodejs npm" >&2; exit 1; \
		fi; \
	fi

sdk: $(SDK) ## install the Node SDKs that the tests send events with (make test does)

$(SDK): tests/sdk/package.json tests/sdk/package-lock.json | $(BASE) node
	@mkdir -p $(VENV)/sdk && cp $^ $(VENV)/sdk/
	cd $(VENV)/sdk && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
