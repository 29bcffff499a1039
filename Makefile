# What people do here. Python 3.11 or newer and make are enough: uv comes from the package index, into .tools/.

UV_VERSION := 0.13.9
PYTHON ?= python3
TOOL := .tools/uv-$(UV_VERSION)
UV := $(TOOL)/bin/uv
# The lock decides, never a newer release. `uv run` adds what is missing and removes nothing, so that demo and test can share
# one .venv: the first alone leaves the development tools out, the first after the other leaves them in.
RUN := $(UV) run --frozen

# The Python that is there, or none.
export UV_PYTHON_DOWNLOADS := never
# Commands and workers start in a third of the time, also where Python may not write its caches.
export UV_COMPILE_BYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo test long chaos bench lint format docs build clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(UV) ## write a sample bucket, ingest it, show that a second run reads nothing
	$(RUN) --no-dev offgridflow demo

test: $(UV) ## the tests; no server, Docker, AWS or root is needed
	$(RUN) pytest -n 2 --dist loadfile

long: $(UV) ## the longest tests, and those that start deployments of their own; CI runs them too
	$(RUN) pytest -n 2 --dist loadfile -m long

chaos: $(UV) ## minutes of kills, restarts and faults; CHAOS_SEED=n repeats one
	$(RUN) pytest tests/chaos -m chaos $(if $(CHAOS_SEED),--chaos-seed $(CHAOS_SEED))

# Its peers need numpy, which nothing of ours may come to need unseen, and pandas, which pyarrow loads wherever it is
# installed: hence two more environments, one as our users have it, and one for the peers.
bench: $(UV) ## twenty minutes: the converter beside its peers, into docs/benchmarks.md; ROWS=n for a smaller one, TEN=1 for ten times the rows, too
	UV_PROJECT_ENVIRONMENT=.tools/peers $(UV) sync --frozen --no-dev --group bench
	UV_PROJECT_ENVIRONMENT=.tools/bench $(RUN) --no-dev python -m bench --peers .tools/peers/bin/python --write --rows $(or $(ROWS),1000000) --rounds $(or $(ROUNDS),3) $(if $(TEN),--ten)

lint: $(UV) ## the lock, style, types, layers, and the files of deployments
	$(UV) lock --check
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(RUN) hadolint Dockerfile
	$(RUN) honcho check
	$(RUN) kubernetes-validate --strict --quiet $(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/*.yaml))

format: $(UV) ## format, and mend what can be mended
	$(RUN) ruff format
	$(RUN) ruff check --fix

docs: $(UV) ## the reference of settings and commands, from the code
	$(RUN) python -m docs.reference

build: $(UV) ## sdist and wheel, into dist/; for a file server of your own, never for an index
	$(UV) build

clean: ## all that was made here; what was ingested (.offgridflow/) stays
	rm -rf .venv .tools .bench dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find worker tasks tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(UV):
	$(PYTHON) -m venv $(TOOL)
	$(TOOL)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
