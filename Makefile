# make lab        set up and open the course          make lab ARGS=--no-browser   on a server
# make test       set up and prove that all of it works
# make notebooks  build the lessons from their sources      LESSON=02   only one
# make lineage    train every model and write the table     make bench   measure the speed
# make scaling    make the training runs that lesson 25 fits
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
VENV := .venv/Scripts/python.exe
else
VENV := .venv/bin/python
endif
ifdef HERE
VENV := $(PYTHON)
endif
export TF_ENABLE_ONEDNN_OPTS = 0
export TF_CPP_MIN_LOG_LEVEL = 2

.PHONY: lab install dev python test notebooks lineage scaling bench lock format

lab: install
	@"$(VENV)" -m lmcourse.cli lab $(ARGS)

install: python
	@"$(PYTHON)" lmcourse/install.py $(if $(HERE),--here)

dev: python
	@"$(PYTHON)" lmcourse/install.py --dev $(if $(HERE),--here)

python:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "No $(PYTHON) on the PATH. Install Python 3.11, 3.12 or 3.13 (python.org), then run this again, or say which: make $(firstword $(MAKECMDGOALS) lab) PYTHON=/path/to/python3.12"; exit 1; }

test: dev
	@"$(VENV)" -m ruff check .
	@"$(VENV)" -m ruff format --check .
	@"$(VENV)" -m pytest -n 2 --dist loadscope $(ARGS)

notebooks: dev
	@"$(VENV)" -m lmcourse.build $(LESSON)

lineage: dev
	@"$(VENV)" -m lmcourse.evaluation.lineage $(ARGS)
	@"$(VENV)" -m lmcourse.figure

scaling: dev
	@"$(VENV)" -m lmcourse.evaluation.scaling

bench: python
	@"$(PYTHON)" lmcourse/install.py --bench $(if $(HERE),--here)
	@"$(VENV)" -m tests.bench $(ARGS)

lock: dev
	@"$(VENV)" -m uv pip compile --universal --python-version 3.11 --upgrade --no-header --no-annotate --quiet requirements.txt --group dev --group bench -o constraints.txt

format: dev
	@"$(VENV)" -m ruff check --fix .
	@"$(VENV)" -m ruff format .
