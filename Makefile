# Everything on a fresh machine with Python 3.11 and make. See README.md.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
WHEEL  := build/wheel
PIP    := -m pip --quiet --disable-pip-version-check install --constraint constraints.txt

.PHONY: dry-run test long lint check-wheel bench clean

dry-run: $(READY)  ## a whole session against the simulated microscope; more flags in ARGS="..."
	@$(BIN)/ilemtrack dry-run $(ARGS)

test: lint  ## every check and test
	$(BIN)/python -m pytest
	@$(MAKE) --no-print-directory check-wheel

long: $(READY)  ## the fuzzer and the kills, for hours; ILEMTRACK_FUZZ and ILEMTRACK_KILLS set how many
	$(BIN)/python -m pytest -m long -s tests/long

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-wheel: $(READY)  ## build the wheel, install it in an environment of its own, run a session with it
	rm -rf $(WHEEL)
	$(BIN)/python -m build --wheel --no-isolation --outdir $(WHEEL) . > /dev/null
	$(PYTHON) -m venv $(WHEEL)/env
	$(WHEEL)/env/bin/python $(PIP) $(WHEEL)/*.whl
	cd $(WHEEL) && env/bin/ilemtrack dry-run --sections 1 --fields 1 --out run --json

bench: $(READY)  ## figures as ratios against a named peer, measured in the same run
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --editable '.[dev]'
	@touch $@
