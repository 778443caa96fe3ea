# Two commands are enough on a machine with Python 3.11 or newer: `make run` and `make test`.
# `make run UP="--port 8080"` hands options to `govchat up`; PYTHON=/path/to/python3 chooses the interpreter.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run install test check bench chaos language lock format
bin := .venv/bin
export PYTHON

help: ## say what each command does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: ## set up .venv, then start everything on this machine (Ctrl-C ends it)
	@.ci/install local
	@exec $(bin)/govchat up $(UP)

install: ## set up .venv alone, with .venv/bin/govchat in it
	@.ci/install local

test: ## set up .venv, find or install Chromium, then run every test (TESTS="tests/kit -k phone" narrows)
	@.ci/install dev
	@CHROMIUM="$$(.ci/chromium)" && export CHROMIUM && exec $(bin)/python -m pytest -n 3 --dist loadfile $(TESTS)

check: ## format, lint, types, floors, migrations drift, then every test: what .ci/run calls
	@.ci/install dev
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/python -m govchat.db.drift
	@$(MAKE) --no-print-directory test

bench: ## measure speed and cost, each as a ratio against its own ceiling in the same run
	@.ci/install dev
	@exec $(bin)/python -m benchmarks $(BENCH)

chaos: ## 30,000 messages while everything breaks, judged by Zalo's own book (CHAOS="--seed 7" plays it again)
	@.ci/install dev
	@exec $(bin)/python -m benchmarks.chaos $(CHAOS)

language: ## how well sentences are read, on a split that tuning never sees
	@.ci/install dev
	@exec $(bin)/python -m benchmarks.language

lock: ## resolve pyproject.toml anew into requirements/ (needs uv)
	@.ci/lock

format: ## format the code and mend what ruff can mend
	@.ci/install dev
	$(bin)/ruff format .
	$(bin)/ruff check --fix .
