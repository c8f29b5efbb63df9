# Cowitness. `make help` lists what there is.
SHELL := /bin/sh
BIN := .venv/bin
# core/names.py is where names of one version stand beside those of another; *_py3.py is loaded where async def parses
AGENT = $(filter-out pyagent/core/names.py %_py3.py,$(shell find pyagent -name '*.py'))
# a host without time for three tests at once may fail one; what fails alone, too, fails
AGAIN = echo 'Failed beside others; now alone:' && $(BIN)/python -m pytest -x --last-failed --last-failed-no-failures none

.PHONY: help setup run test test-fast lint format proto lock bench compatibility kernels suites docs clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: ## install what is needed: system packages, tracefs, .venv (seconds the second time)
	@requirements/setup.sh

run: setup ## start collector, probes and two example shops, show an attack, stay up
	@$(BIN)/python -m examples.demo $(ARGS)

test: export COWITNESS_SETUP = test
test: setup ## every test (installs database servers, too)
	@$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder --cache-clear --durations 20 $(ARGS) || { [ $$? -eq 1 ] && $(AGAIN); }

test-fast: setup ## the tests without the end-to-end ones
	@$(BIN)/python -m pytest --ignore tests/e2e --ignore tests/examples $(ARGS)

lint: setup ## ruff, mypy, black, grammar gates, buf, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check collector probes
	@$(BIN)/mypy
	@$(BIN)/ruff check -q --isolated --select F,C90 --line-length 100 pyagent
	@$(BIN)/black -q --check -S --line-length 100 -t py33 pyagent
	@$(BIN)/vermin -q --no-tips --violations -t=2.7 -t=3.5- --eval-annotations $(AGENT)
	@$(BIN)/buf lint proto
	@PYTHONPATH=.:proto $(BIN)/lint-imports --no-cache

format: setup ## rewrite files as the linters want them
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q collector probes
	@$(BIN)/black -q -S --line-length 100 -t py33 pyagent

proto: setup ## the generated side of proto/
	@$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=proto --pyi_out=proto --grpc_python_out=proto cowitness/v1/cowitness.proto

lock: setup ## requirements/*.lock from requirements/*.in (needs pip-tools)
	@for name in dev run native; do pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-header --no-annotate -o requirements/$$name.lock requirements/$$name.in; done

bench: setup ## the figures: agent, node, verdicts, rules, behaviour
	@$(BIN)/python bench/request_cost.py
	@$(BIN)/python bench/matrix_cost.py
	@$(BIN)/python bench/node.py
	@$(BIN)/python bench/verdict.py
	@$(BIN)/python bench/rules.py
	@$(BIN)/python bench/behaviour.py

compatibility: export COWITNESS_SETUP = test
compatibility: setup ## run the matrix of interpreters and frameworks, write docs/compatibility.md
	@$(BIN)/python -m pytest tests/matrix tests/test_interpreters.py $(ARGS)
	@$(BIN)/python -m tests.matrix.report

kernels: export COWITNESS_SETUP = test
kernels: setup ## the probes' tests on the distribution's other kernels, in virtual machines, write docs/kernels.md
	@$(BIN)/python -m tests.kernels.report $(ARGS)

suites: setup ## more of the frameworks' own tests with the agent and without than `make test` runs (an hour)
	@COWITNESS_SUITES=all $(BIN)/python -m pytest tests/suites $(ARGS)

docs: setup ## pages that are made from the code
	@$(BIN)/cowitness config --docs > docs/configuration.md

clean: ## take away what setup and the tests made in this folder
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
