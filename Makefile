# The verbs of ecomlab. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := stores/demo
SEED := 7

.DEFAULT_GOAL := help
.PHONY: help setup course test build study bench lab lock clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## make .venv with the locked packages
	@:

$(VENV)/.ready: requirements.lock pyproject.toml
	@sh scripts/setup.sh "$(PYTHON)" "$(VENV)"

# Simulated anew where the simulator is newer than the store.
$(DEMO)/manifest.json: $(wildcard ecomlab/simulator/*.py ecomlab/simulator/*/*) | setup
	@echo "Simulating the demo store ..."
	@$(BIN)/ecomlab simulate --preset west_d2c --seed $(SEED) --people 27000 --days 1095 --out $(DEMO)

course: ## set up, simulate the demo store, run every notebook: pages in reports/
	@start=$$(date +%s); $(MAKE) --no-print-directory setup $(DEMO)/manifest.json \
	  && $(BIN)/ecomlab run --store $(DEMO) --out reports \
	  && echo "make course took $$(($$(date +%s) - start)) s."

test: ## set up and run all tests (the slow studies apart)
	@start=$$(date +%s); $(MAKE) --no-print-directory setup $(DEMO)/manifest.json all-tests \
	  && echo "make test took $$(($$(date +%s) - start)) s."

.PHONY: all-tests
all-tests:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	MYPYPATH=benchmarks:scripts $(BIN)/mypy --explicit-package-bases benchmarks scripts
	$(BIN)/python -m pytest -q -n 2 --dist loadfile
	$(BIN)/python -m pytest -q -o addopts= --nbval-lax notebooks/*.ipynb

build: setup $(DEMO)/manifest.json ## build notebooks and exercises from their sources
	@$(BIN)/ecomlab build

study: setup ## slow studies: coverage and decision loss over many seeds (CHAPTER=goals)
	@$(BIN)/python -m pytest -m slow -s $(if $(CHAPTER),$(wildcard tests/*/test_$(CHAPTER)_*study.py),tests)

bench: setup $(DEMO)/manifest.json ## speed, side by side with papermill and nbconvert
	@$(BIN)/python benchmarks/run_two_notebooks.py

lab: setup $(DEMO)/manifest.json ## open JupyterLab on the notebooks
	@$(BIN)/ecomlab lab

lock: ## renew requirements.lock and environment.yml (needs uv)
	@sh scripts/lock.sh

clean: ## remove what the verbs made (stores and reports stay)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
