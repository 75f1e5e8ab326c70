# Set-up and checks. After `make demo` everything else is typed as .venv/bin/workbench ...
#   make demo    train, evaluate and compare a rank sweep, and write its report
#   make test    the whole test suite             make check   lint, format, types
#   make lab     JupyterLab on the first notebook make soak    the same tests at full counts
#   make bench   training and scoring against their peers, here; BENCH=--full for all of it
#   make clean   caches and .venv; never runs/ or reports/
#   make lock    both lock files from what is installed
# Overridable: PYTHON=python3.12, WORKERS=4 (test processes), UV= (use pip even where uv is), TORCH_INDEX=... (see README, "CPU-only torch").

PYTHON ?= python3
WORKERS ?= 2
UV ?= $(shell command -v uv 2>/dev/null)
TORCH_INDEX ?=
BIN := .venv/bin
TORCH := $(shell grep '^torch==' requirements.lock)

ifeq ($(strip $(UV)),)
  VENV = $(PYTHON) -m venv .venv
  INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --quiet
else
  VENV = $(UV) venv --seed --python $(PYTHON) .venv
  INSTALL = $(UV) pip install --python $(BIN)/python --quiet
endif

.PHONY: demo test lab check bench soak lock clean setup
.DEFAULT_GOAL := demo

demo: .venv/.ok
	@$(BIN)/workbench demo

lab: .venv/.ok
	@$(BIN)/workbench lab

setup: .venv/.ok

# A process for each of two cores, with a thread each: torch's threads wait for one another by spinning.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations=20

test: .venv/.dev
	$(PYTEST)

soak: .venv/.dev
	SOAK=1 $(PYTEST)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.dev
	@$(BIN)/python -m bench $(BENCH)

lock: .venv/.dev
	$(BIN)/python .ci/lock.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find workbench tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.ok: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or newer is needed; name one: make demo PYTHON=python3.12' >&2; exit 2; }
	@test -x $(BIN)/python || $(VENV)
	@echo 'Installing the pinned packages into .venv (once; several minutes on a new machine) ...'
	@$(if $(strip $(TORCH_INDEX)),$(INSTALL) $(TORCH) --index-url $(TORCH_INDEX),true)
	@$(INSTALL) -r requirements.lock
	@$(INSTALL) --no-deps -e .
	@touch $@

# The last kernel without subshells lies beside the newest: tests start both.
.venv/.dev: .venv/.ok requirements-dev.lock
	@$(INSTALL) -r requirements-dev.lock
	@$(INSTALL) --no-deps --target .venv/ipykernel-6 'ipykernel==6.30.1'
	@touch $@
