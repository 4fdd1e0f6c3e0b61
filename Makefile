# The verbs of ecomlab. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := stores/demo
SEED := 7

.DEFAULT_GOAL := help
.PHONY: help setup course test lint build study bench lab lock clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## make .venv with the locked packages

$(VENV)/.ready: requirements.lock pyproject.toml
	@sh scripts/setup.sh "$(PYTHON)" "$(VENV)"

$(DEMO)/manifest.json: $(wildcard ecomlab/simulator/*.py ecomlab/simulator/*/*) | setup
	@$(BIN)/ecomlab simulate --preset west_d2c --seed $(SEED) --days 1095 --out $(DEMO)

course: setup $(DEMO)/manifest.json ## run every notebook on the demo store: pages in reports/
	@$(BIN)/ecomlab run --store $(DEMO) --out reports

test: setup $(DEMO)/manifest.json ## run all tests (not the slow studies)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check -q . && $(BIN)/mypy -p ecomlab
	@$(BIN)/python -m pytest -n 2 --dist loadfile
	@$(BIN)/python -m pytest -q --nbval-lax -p no:cacheprovider notebooks/*.ipynb

build: setup $(DEMO)/manifest.json ## build notebooks and exercises from their sources
	@$(BIN)/ecomlab build

study: setup ## slow studies: coverage and decision loss over many seeds (CHAPTER=goals)
	@$(BIN)/python -m pytest -m slow -s $(if $(CHAPTER),tests/analysis/test_$(CHAPTER)_study.py,tests)

bench: setup $(DEMO)/manifest.json ## speed, side by side with papermill and nbconvert
	@$(BIN)/python benchmarks/run_two_notebooks.py

lab: setup $(DEMO)/manifest.json ## open JupyterLab on the notebooks
	@$(BIN)/ecomlab lab

lock: ## renew requirements.lock and environment.yml (needs uv)
	@sh scripts/lock.sh

clean: ## remove what the verbs made (stores and reports stay)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
