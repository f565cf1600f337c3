# Each target works from a fresh clone:
#   make setup train test lint ui docs bench demo rates neurons pins clean
# ARGS passes words on: make train ARGS='-m model.kernel=3,20'
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
KERAS  := .venv-keras
ALLEN  := .venv-allensdk
PIP    := -m pip install --disable-pip-version-check
BENCH  := $(BIN)/python benchmarks
SCHEMA := $(BIN)/check-jsonschema --quiet --builtin-schema vendor
BENCHMARKS := epoch gpu batches synthesis online memory sweep sweep_report inference predict bank convolution whole_trace rates stream glif_simulate glif_infer glif_levels glif_noises glif_bundle glif_local glif_misfit promise again copies interval_coverage shift calibration serve calcium rate_calibration unitary_amplitude units units_nested finetune firing nonsense clocks

.PHONY: setup train test lint ui docs bench demo rates neurons pins clean

setup: $(VENV)/.installed
train: $(VENV)/.installed
	$(if $(ARGS),,@echo "Simulating recordings and training on them: about 2 minutes on two cores.")
	$(BIN)/python train.py $(ARGS)
test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 8 $(ARGS)
lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python .ci/licences.py
	$(SCHEMA).compose-spec containers/compose.yaml
	$(SCHEMA).citation-file-format CITATION.cff
	$(SCHEMA).github-workflows .github/workflows/*.yml
	$(SCHEMA).github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(SCHEMA).github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	if [ -x $(BIN)/hadolint ]; then $(BIN)/hadolint containers/*.Dockerfile; fi
ui: $(VENV)/.installed
	$(BIN)/raphe ui $(ARGS)
docs: $(VENV)/.installed-docs
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -W --keep-going -d build/docs-read docs build/docs $(ARGS)
bench: $(VENV)/.installed $(KERAS)/.installed $(ALLEN)/.installed
	$(if $(ARGS),$(BENCH)/$(firstword $(ARGS)).py $(wordlist 2,99,$(ARGS)),\
	set -e; for name in $(BENCHMARKS); do $(BENCH)/$$name.py; done)
demo: $(VENV)/.installed
	$(BIN)/python .ci/demo.py $(ARGS)
rates: $(VENV)/.installed
	$(BIN)/python .ci/rates.py $(ARGS)
neurons: $(VENV)/.installed
	$(BIN)/python .ci/neurons.py $(ARGS)
pins: $(VENV)/.installed-lint
	PATH="$(BIN):$$PATH" $(BIN)/python .ci/pins.py --write $(ARGS)
clean:
	rm -rf $(VENV) $(KERAS) $(ALLEN) build data mlruns/* .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf src/*.egg-info

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(call check-python,$(PYTHON),name another: make PYTHON=python3.12)
	@$(call make-venv,$(VENV),$(PYTHON))
	@$(call check-python,$(BIN)/python,remove the folder $(VENV) and run make again)
	@$(call check-index,$(BIN)/python)
	@echo "Installing PyTorch, Lightning, Hydra and MLflow into $(VENV), once: about 2 GB on disk."
	@echo "On Linux PyTorch brings CUDA along, 3 GB to download and 7 GB on disk; docs/first_hour.md says how to leave it out."
	$(BIN)/python $(PIP) -c constraints.txt -e '.[train]'
	@touch $@
$(VENV)/.installed-%: $(VENV)/.installed
	@$(call check-index,$(BIN)/python)
	$(BIN)/python $(PIP) -c constraints.txt -e '.[$*]'
	@touch $@
$(KERAS)/.installed: benchmarks/requirements-keras.txt
	@$(call make-venv,$(KERAS),$(PYTHON))
	@$(call check-index,$(KERAS)/bin/python)
	$(KERAS)/bin/python $(PIP) -r $<
	@touch $@
$(ALLEN)/.installed: benchmarks/requirements-allensdk.txt
	@$(call make-venv,$(ALLEN),$$(command -v python3.11 || echo $(PYTHON)))
	@$(call check-index,$(ALLEN)/bin/python)
	$(ALLEN)/bin/python $(PIP) -r $<
	@touch $@

# A Python, and what to do where it is another: what raphe runs on is in pyproject.toml.
define check-python
command -v $(1) > /dev/null || \
	{ echo "error: there is no $(1); raphe needs Python 3.10 to 3.14: $(2)" >&2; exit 1; }; \
$(1) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' || \
	{ echo "error: $(1) is $$($(1) --version 2>&1), raphe needs 3.10 to 3.14: $(2)" >&2; exit 1; }
endef
# A folder for a virtual environment, and the Python that makes it.
define make-venv
$(1)/bin/python -m pip --version > /dev/null 2>&1 || $(2) -m venv $(1) > /dev/null 2>&1 || \
	{ rm -rf $(1); echo "error: $(2) cannot make a virtual environment; on Debian and Ubuntu:" \
	"apt install python3-venv" >&2; exit 1; }
endef
# pip would try again for a minute and then talk of versions that there are none of.
define check-index
folder=$$(mktemp -d) && $(1) -m pip download --quiet --disable-pip-version-check --no-deps \
	--retries 0 --timeout 20 --dest $$folder filelock > /dev/null 2>&1; answer=$$?; \
rm -rf $$folder; test $$answer = 0 || \
	{ echo "error: pip reaches no package index; connect to the network, or name a mirror in" \
	"PIP_INDEX_URL, and run make again" >&2; exit 1; }
endef
