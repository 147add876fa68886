.DEFAULT_GOAL := help
.PHONY: help run test endurance vector-test lint types format bench certify clean

# Any Python from 3.11 on; the environment is made once and made again when pyproject.toml changes.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out
# Installed anew each time, since that compiles what can be, where there is a C compiler.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --reinstall-package openedx-log-replay
COMPILED := $(wildcard log_replay/_speedups/*.[ch]) .hatch_build.py

help: ## Say what can be done
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

# uv installs in a quarter of pip's time; where there is none for the platform, pip does.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11: say make PYTHON=python3.12, for example" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check uv

$(VENV)/.run: pyproject.toml $(COMPILED) | $(BIN)/uv
	@echo "installing" >&2
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml $(COMPILED) | $(BIN)/uv
	@echo "installing, with what the tests need" >&2
	@$(INSTALL) --editable . --group dev
	@touch $@ $(VENV)/.run

run: $(VENV)/.run ## Replay the shipped sample log: statements on stdout and in out/statements, the summary on stderr
	@mkdir -p $(OUT)/statements
	@LOG_REPLAY_HOME=$(OUT)/home $(BIN)/log-replay load_identities sample
	@LOG_REPLAY_HOME=$(OUT)/home LOG_REPLAY_RETIRED_USER_SALTS=sample-salt $(BIN)/log-replay transform_tracking_logs \
		--source_provider LOCAL \
		--source_config '{"key": "log_replay/standalone", "container": "sample", "prefix": "tracking.log"}' \
		--destination_provider LOCAL --destination_config '{"key": "$(OUT)", "container": "statements"}' \
		--transformer_type xapi --log_to stdout --log_format raw

test: $(VENV)/.dev ## Run the whole test suite
	@$(BIN)/pytest --numprocesses auto --dist loadfile --durations 15 $(TESTS)

# At full size: 500 runs into a failing LRS and 500 from and into a failing store, a million lines, minutes of fuzzing.
ENDURANCE = LOG_REPLAY_FAULT_RUNS=500 LOG_REPLAY_SOAK_LINES=1000000 LOG_REPLAY_FUZZ_EXAMPLES=5000

endurance: $(VENV)/.dev ## Run the tests that try much at random, at full size: about ten minutes on two cores
	@$(ENDURANCE) $(BIN)/pytest --numprocesses 2 --dist worksteal --timeout 1500 -p no:randomly --durations 15 \
		tests/faults/test_soak.py tests/faults/test_lrs_faults.py tests/faults/test_s3_faults.py tests/fuzz

vector-test: $(VENV)/.dev ## Run Vector itself on everything in vector/, where there is one
	@$(BIN)/pytest tests/vector/test_with_vector.py || test $$? -eq 5 # 5: skipped, for there is none

lint: $(VENV)/.dev ## Check the code's style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo 2>/dev/null || $(BIN)/lint-imports --no-cache

types: $(VENV)/.dev ## Check the code's types
	@$(BIN)/mypy

format: $(VENV)/.dev ## Put the code into shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Measure: tables of ratios, each within one run
	@for script in tests/benchmarks/*.py; do $(BIN)/python -m tests.benchmarks.$$(basename $$script .py) || exit 1; done

certify: $(VENV)/.dev ## Check native statements against the installed event-routing-backends, and certify them
	@LOG_REPLAY_PARITY_EXAMPLES=300 $(BIN)/pytest tests/statements/native/test_parity.py \
		tests/statements/native/test_extremes.py tests/statements/native/test_times.py
	@$(BIN)/python -m log_replay.statements.native.certify
	@$(BIN)/pytest tests/statements/native/test_certification.py

clean: ## Remove everything that was made here
	rm -rf log_replay/_speedups/functions.*.so .venv .venv-* $(OUT) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
