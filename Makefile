.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
# The word `true`: MLflow does not take `1`.
export DO_NOT_TRACK = true
export PATH := $(CURDIR)/$(BIN):$(PATH)

# What a user gives, as it stands: make expands no $ in it, and recipes read it from their environment, in quotes.
GIVEN := DATA PERSON PEOPLE MEALS DAYS BOUNDS DISH HISTORY NIGHT TO FROM PORT NAME SET OVERLAY SEED
$(foreach name,$(GIVEN),$(if $(value $(name)),$(eval override export $(name) := $$(value $(name)))))

# What runs for each NAME of `make benchmark`.
BENCHMARK_quality := quality "$${SET:-canteen}"
BENCHMARK_validation := quality "$${SET:-canteen}" --validation
BENCHMARK_events := events_scale
BENCHMARK_allergens := allergens
BENCHMARK_load := service_load
BENCHMARK_new-dishes := new_dishes "$${SET:-new-dishes}"
BENCHMARK_one-person := one_person "$${SET:-food-world-cup}"
BENCHMARK_questions := questions "$${SET:-food-world-cup}"
BENCHMARK_movielens := movielens
BENCHMARK_tuning := tuning "$${SET:-canteen}"
BENCHMARK_plan := plan
BENCHMARK_plan-load := plan_load
NAMES := quality validation new-dishes one-person questions movielens tuning plan plan-load events allergens load
BENCHMARK := $(BENCHMARK_$(NAME))

.PHONY: help nightly doctor up env status forget recall restore back-up bring-back release serve client plan mlflow check-manifests benchmark replay storm test test-fast test-slow test-weekly check audit format

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s  %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# The marker is written last, and is older than a changed lock: an interrupted or outdated installation starts over.
$(BIN)/installed: requirements.lock requirements-cpu.lock requirements-cuda.lock requirements-base-model.lock
	@echo "Installing what requirements.lock names into .venv (a few minutes, once)" >&2
	$(PYTHON) -m venv .venv
	.ci/install $(BIN)/python
	touch $@

.palate/%/installed: requirements-%.lock
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	touch $@

nightly: $(BIN)/installed ## one whole night here; DATA=folder takes your own tables
	@$(BIN)/python -m flows nightly --data="$$DATA"

doctor: $(BIN)/installed ## what a night would make of your tables, without a night; DATA=folder; WRITE=1 proposes its params.yaml
	@$(BIN)/python -m flows doctor $(if $(filter 1,$(WRITE)),--write) --data="$$DATA"

up: $(BIN)/installed ## everything on this machine until Ctrl-C: scheduled nights, MLflow, releases, the service
	@$(BIN)/python -m flows up

env: $(BIN)/installed ## for `eval "$(make env)"`: prefect, mlflow, bentoml and dvc then see this clone's state
	@$(BIN)/python -m flows env

status: $(BIN)/installed ## the last nights, what is served, what waits for a person
	@$(BIN)/python -m flows status

forget: $(BIN)/installed ## take a person out of the data; PERSON=id; HISTORY=1 removes older versions of the data, too
	@$(BIN)/python -m flows forget $(if $(filter 1,$(HISTORY)),--history) -- "$$PERSON"

recall: $(BIN)/installed ## list who was shown, chose or ordered a dish lately, in a file of your own; DISH=id
	@$(BIN)/python -m flows recall -- "$$DISH"

restore: $(BIN)/installed ## a past night in a folder of its own; NIGHT=day, commit or version; TO=folder
	@$(BIN)/python -m flows restore --to="$$TO" -- "$$NIGHT"

back-up: $(BIN)/installed ## all of this clone's state in one file: keys, MLflow, Prefect, data; TO=file
	@$(BIN)/python -m flows back-up --to="$$TO"

bring-back: $(BIN)/installed ## a fresh clone's state from such a file; FROM=file
	@$(BIN)/python -m flows bring-back -- "$$FROM"

release: $(BIN)/installed ## one release pass: the champion becomes what is served, or the reason why not
	@$(BIN)/python -m flows release

serve: $(BIN)/installed ## only the service of what the last night packaged; PORT=3000
	@$(BIN)/python -m flows serve --port="$${PORT:-3000}"

client: $(BIN)/installed .palate/client/installed ## a typed Python client, generated from the service's OpenAPI document: .palate/client/*.whl
	@PYTHONPATH=. $(BIN)/python .ci/client.py

plan: $(BIN)/installed ## a household's week from the last night, without a running service; PEOPLE=id,id MEALS=tag,tag DAYS=7 BOUNDS=reference
	@$(BIN)/python -m flows plan --meals="$$MEALS" --days="$${DAYS:-7}" --bounds="$$BOUNDS" -- "$$PEOPLE"

mlflow: $(BIN)/installed ## MLflow's pages on the nights of this clone; PORT=5000
	@$(BIN)/python -m flows mlflow --port="$${PORT:-5000}"

check-manifests: $(BIN)/installed ## render an overlay of yours and hold it against the rules; OVERLAY=folder
	@$(BIN)/python -m flows check-manifests -- "$$OVERLAY"

benchmark: $(if $(BENCHMARK),$(BIN)/installed) ## measure quality, speed or cost; NAME=quality SET=canteen; without NAME: the list
	@$(if $(BENCHMARK),,echo "make benchmark NAME=… [SET=…]; NAME is one of: $(NAMES); SET (quality, validation, new-dishes, one-person, questions, tuning): $(notdir $(wildcard data/sample/*))"$(if $(NAME), >&2; exit 1))
	@$(if $(BENCHMARK),$(BIN)/python -m benchmarks.$(BENCHMARK))

replay: $(BIN)/installed ## a set's past nights in order, each with one more day; SET=canteen
	@$(BIN)/python -m benchmarks.replay "$${SET:-canteen}"

storm: $(BIN)/installed ## attacks beside honest traffic, on a served Bento and the night after it; SEED=7
	@$(BIN)/python -m benchmarks.storm

test: $(BIN)/installed ## the quick tests: everything real, made small
	$(BIN)/python -m pytest -m "not slow and not weekly"

test-fast: $(BIN)/installed ## the domain's tests, for every edit
	$(BIN)/python -m pytest -m "not slow and not weekly" tests/domain

test-slow: $(BIN)/installed ## the slow tests: whole nights, releases, images, a browser
	$(BIN)/python -m pytest -m slow -n 3

test-weekly: $(BIN)/installed ## the rest, before a release: Docker, a second base model, all of Schemathesis
	$(BIN)/python -m pytest -m weekly

check: $(BIN)/installed ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy flows components serving benchmarks
	$(BIN)/lint-imports

audit: .palate/audit/installed ## known vulnerabilities of what the locks pin; writes the image's list of packages, deploy/sbom.json
	@$(<D)/bin/python .ci/audit.py

format: $(BIN)/installed ## put the code into the one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
