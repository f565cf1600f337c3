# Each target works from a fresh clone: make train, make test, make lint, make ui, make bench, make pins, make clean.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
KERAS  := .venv-keras
ALLEN  := .venv-allensdk
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
BENCH  := $(BIN)/python benchmarks
BENCHMARKS := epoch batches synthesis online memory sweep inference predict bank convolution whole_trace glif_simulate glif_infer

.PHONY: setup train test lint ui bench pins clean

setup: $(VENV)/.installed
train: $(VENV)/.installed
	$(BIN)/python train.py $(ARGS)
test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)
lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
ui: $(VENV)/.installed
	PYTHONWARNINGS=ignore $(BIN)/mlflow ui --workers 1 --backend-store-uri sqlite:///mlruns/mlflow.db
bench: $(VENV)/.installed $(KERAS)/.installed $(ALLEN)/.installed
	$(if $(ARGS),$(BENCH)/$(firstword $(ARGS)).py $(wordlist 2,99,$(ARGS)),\
	set -e; for name in $(BENCHMARKS); do $(BENCH)/$$name.py; done)
pins: $(VENV)/.installed-lint
	PATH="$(BIN):$$PATH" $(BIN)/python .ci/pins.py --write $(ARGS)
clean:
	rm -rf $(VENV) $(KERAS) $(ALLEN) build data mlruns/* .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf src/*.egg-info

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[train]'
	touch $@
$(KERAS)/.installed: benchmarks/requirements-keras.txt
	test -x $(KERAS)/bin/python || $(PYTHON) -m venv $(KERAS)
	$(KERAS)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@
$(ALLEN)/.installed: benchmarks/requirements-allensdk.txt
	test -x $(ALLEN)/bin/python || $$(command -v python3.11 || echo $(PYTHON)) -m venv $(ALLEN)
	$(ALLEN)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@
$(VENV)/.installed-%: $(VENV)/.installed
	$(PIP) -e '.[$*]'
	touch $@
