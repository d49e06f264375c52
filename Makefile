# Two commands matter: `make call` and `make test`. Both do all set-up themselves.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
# By a pip that is there (22.3 or newer): giving the new environment one of its own takes ten seconds.
GET_UV := install --quiet --disable-pip-version-check uv==$(UV_VERSION)
UV := VIRTUAL_ENV=$(VENV) $(BIN)/uv

# A stamp's name holds the sum of what it was made from: changed inputs, new set-up.
SUM := $(shell cat pyproject.toml requirements.lock Makefile 2>/dev/null | cksum | cut -d' ' -f1)
CORE := $(VENV)/.core-$(SUM)
DEV := $(VENV)/.dev-$(SUM)

PACKAGES := bot processors ivr_flows telephony speech voice_training

VENDOR ?= confirms
LANG_ ?= en
CARRIER ?= twilio

# Engines whose tests `make test` runs too, each in its own environment: make test TESTED_ENGINES="xtts kokoro".
# By itself it installs no torch and keeps to ten minutes on two cores; make test-engine-xtts is one engine's.
TESTED_ENGINES ?=

.PHONY: help setup call serve test lint bench clean

help:
	@echo "make call     set up, then run one whole phone call (VENDOR=confirms|rejects|silent|keypad|busy|voicemail|interrupts LANG_=en|hi|mr CARRIER=twilio|exotel)"
	@echo "make test     set up, then run the tests"
	@echo "make serve    the server (PORT=9000: on that port; else on CALLWRIGHT_PORT, else on 8080)"
	@echo "make setup    set-up alone, into $(VENV)"
	@echo "make engine-xtts  a heavy engine's own environment, into .engines/xtts (deploy/engines/ has the others)"
	@echo "make lint     ruff, pyright, import-linter"
	@echo "make bench    the benchmarks"

$(BIN)/uv:
	@echo "[1/3] creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Callwright needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make setup PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv --without-pip $(VENV)
	@echo "[2/3] installing uv $(UV_VERSION), which installs the rest"
	@$(PYTHON) -m pip --python $(BIN)/python $(GET_UV) 2>/dev/null || \
		{ $(BIN)/python -m ensurepip && $(BIN)/python -m pip $(GET_UV); } >/dev/null

$(CORE): | $(BIN)/uv
	@echo "[3/3] installing Callwright and its packages (about 1 GB the first time)"
	@$(UV) pip install $(if $(CI),--quiet) --compile-bytecode --constraint requirements.lock --editable .
	@$(BIN)/python -m compileall -q $(PACKAGES)
	@rm -f $(VENV)/.core-* && touch $@

$(DEV): $(CORE)
	@echo "installing what the tests need"
	@$(UV) pip install --quiet --compile-bytecode --constraint requirements.lock --editable '.[dev,webrtc,postgres,redis,whisper,deepgram,speech-server]'
	@rm -f $(VENV)/.dev-* && touch $@

setup: $(CORE)

call: $(CORE)
	@$(BIN)/callwright call --vendor $(VENDOR) --language $(LANG_) --carrier $(CARRIER)

serve: $(CORE)
	@$(BIN)/callwright serve $(if $(PORT),--port $(PORT))

test: $(DEV)
	@$(BIN)/pytest -n 3 --dist worksteal
	@for engine in $(TESTED_ENGINES); do $(MAKE) --no-print-directory test-engine-$$engine || exit 1; done

# Their stamps are install.sh's: it knows what each was made from.
engine-%: | $(BIN)/uv
	@sh deploy/engines/install.sh $*

test-engine-%: | $(BIN)/uv
	@sh deploy/engines/install.sh $* tests
	@.engines/$*/bin/python -m pytest -p no:cacheprovider tests/engines/$*

lint: $(DEV)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports && $(BIN)/pyright

bench: $(DEV)
	@$(BIN)/python -m benchmarks --write

clean:
	rm -rf $(VENV) .engines .pytest_cache .ruff_cache .hypothesis
