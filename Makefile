# shelfwise: plain `make` prints what there is. Everything runs from .venv, which is made when it is needed.

PYTHON ?= python3
DATA   ?= $(or $(SHELFWISE_DATA),shelfwise-data)
PORT   ?= 8000
EXAMPLE := examples/online-retail
EXTRA  := $(if $(filter 1,$(GPU)),gpu,cpu)
# uses a package index of yours for torch, e.g. that of the CPU build
TORCH  := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX),)
BIN    := .venv/bin
RUN    := $(BIN)/shelfwise --data $(DATA)
# the folders themselves: a new file needs a new link (strict editable mode)
ROOMS  := $(shell find backend index trainer api -type d -not -name __pycache__ 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help venv demo serve increment test test-fast check format bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

venv: .venv/.linked ## make .venv and install shelfwise with its tools [GPU=1] [TORCH_INDEX=URL]

.venv/.installed: setup.cfg constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "shelfwise needs Python 3.11 or newer; call make with PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "python's venv module is missing; on Debian or Ubuntu run: apt install python3-venv"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt $(TORCH) torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt -e '.[$(EXTRA),dev]'
	@touch $@

.venv/.linked: .venv/.installed $(ROOMS)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . 2>/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@$(BIN)/python -P -c 'import shelfwise'
	@touch $@

$(DATA)/.demo-imported:
	@test ! -e $(DATA)/shop.db -o -e $(DATA)/.demo || { echo "$(DATA) is a shop of yours; give the example a folder of its own: make demo DATA=example-shop"; exit 1; }
	@mkdir -p $(DATA) && touch $(DATA)/.demo
	$(RUN) import items $(EXAMPLE)/items.csv.gz
	$(RUN) import events $(EXAMPLE)/events.csv.gz --type purchase --shift-to now
	@touch $@

$(DATA)/.demo-learned: $(DATA)/.demo-imported
	$(RUN) increment
	@touch $@

demo: .venv/.linked ## open the example shop, learn one night, serve it [PORT=8000] [DATA=dir]
	@$(MAKE) --no-print-directory $(DATA)/.demo-learned DATA=$(DATA)
	$(RUN) serve --port $(PORT)

serve: .venv/.linked ## serve the shop in DATA [PORT=8000] [DATA=dir]
	$(RUN) serve --port $(PORT)

increment: .venv/.linked ## run one night on the shop in DATA [DATA=dir]
	$(RUN) increment

test: .venv/.linked ## run all tests
	$(BIN)/python -P -m pytest

test-fast: .venv/.linked ## the tests of what changed, without real servers and models [ROOM=backend/search]
	$(BIN)/python -P -m pytest -q -n 2 --dist loadfile -m "not real and not gpu" $(if $(ROOM),tests/$(ROOM) tests/test_rooms.py,$$($(BIN)/python -P tests/support/affected.py))

check: .venv/.linked ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.linked ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.linked ## measure the server on the example shop [DATA=dir]
	$(BIN)/python -m bench.speed.serving --data $(DATA)

clean: ## remove .venv and what builds leave
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
