# Orienta's commands. `make help` lists them. Needed beforehand: Python 3.11 or newer with venv, nothing else.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: run demo test train parse consulate eval rasa doctor lock bench-stock-nlu bench-channels help

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p && break; done)
PY := .venv/bin/python
export PYTHONPATH := $(CURDIR)
export PYTHONUNBUFFERED := 1

.venv/run-ready: requirements.txt requirements-rasa.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; PYTHON=… names one")' >&2
	echo "environment: made anew, about a minute …" >&2
	[ -x $(PY) ] || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt >&2
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --require-hashes -r requirements-rasa.txt >&2
	touch $@
	echo "environment: ready" >&2

.venv/test-ready: .venv/run-ready requirements-dev.txt
	@echo "test tools: installing …" >&2
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt >&2
	touch $@

run: .venv/run-ready  ## start everything and print the addresses (PORT, DATA_DIR: docs/settings.md)
	@exec $(PY) -m bot

demo: .venv/run-ready  ## the same with a believable day, on a throw-away folder; prints sign-ins for the console
	@exec $(PY) -m bot.demo

test: .venv/test-ready  ## every check and test that needs nothing but this machine
	@$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m bot.knowledge
	$(PY) -m bot.language.build
	$(PY) -m bot.places.build
	$(PY) -m bot.cards.build
	$(PY) -m bot.engine.train
	$(PY) -m pytest

train: .venv/run-ready  ## train the model if its inputs changed
	@$(PY) -m bot.engine.train

parse: .venv/run-ready  ## understand one message a line of standard input, as JSON lines
	@$(PY) -m bot.language.build >&2
	$(PY) -m bot.engine.train >&2
	exec $(PY) -m bot.engine.parse

consulate: .venv/run-ready  ## which consulate serves PLACE="…", or one place a line of standard input
	@$(PY) -m bot.places.build >&2
	exec $(PY) -m bot.places

eval: .venv/test-ready  ## measure the understanding and write docs/understanding.md
	@$(PY) -m bot.language.build
	$(PY) -m bot.places.build
	$(PY) -m bot.engine.train
	$(PY) -m tests.eval.evaluate

doctor: .venv/run-ready  ## what is wrong with the settings of this service, in plain words (ARGS="--set-webhooks")
	@exec $(PY) -m bot.doctor $(ARGS)

rasa: .venv/run-ready  ## Rasa's own command line: make rasa ARGS="data validate"
	@exec $(PY) -m bot.engine.rasa_light $(ARGS)

lock: .venv/test-ready  ## resolve requirements*.in anew
	@$(PY) -m pip install --quiet uv
	for name in requirements requirements-dev requirements-voice; do
		.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $$name.in -o $$name.txt
	done

# A name on PATH is not enough: pyenv puts one there for versions that it does not run.
.venv-stock/ready: benches/requirements-stock.txt
	@for python in python3.10 ~/.pyenv/versions/3.10.*/bin/python3.10; do "$$python" -c "" 2>/dev/null && break || python=; done
	[ "$$python" ] || { echo "Stock Rasa needs Python 3.10: none on PATH as python3.10, none under ~/.pyenv/versions" >&2; exit 1; }
	echo "stock Rasa's environment: made anew with TensorFlow, some minutes and 3 GB …" >&2
	[ -x .venv-stock/bin/python ] || "$$python" -m venv .venv-stock
	.venv-stock/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r benches/requirements-stock.txt >&2
	touch $@

bench-stock-nlu: .venv/run-ready .venv-stock/ready  ## stock Rasa's pipelines beside ours, hours; ARGS="--share 0.03 --epochs 3": minutes
	@$(PY) -m bot.language.build >&2
	$(PY) -m bot.places.build >&2
	exec $(PY) -m benches.stock_nlu $(ARGS)

bench-channels: .venv/test-ready  ## conversations on WhatsApp and Telegram against stand-ins that fail; ARGS="--people 1000"
	@$(PY) -m bot.language.build >&2
	$(PY) -m bot.places.build >&2
	$(PY) -m bot.engine.train >&2
	exec $(PY) -m benches.channels $(ARGS)

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 12
