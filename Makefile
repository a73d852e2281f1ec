# Every target sets up what it needs in .venv; a second run of the same target finds it there.
#
#   make PYTHON=python3.12 demo     another interpreter than the first of python3.11, python3.12, python3
#   make CORES=8 demo               fewer cores than all
#   make MACHINE="2 quiet cores" bench
#   make PYTEST_ARGS="-k graph" test
#   make TEST_PROCESSES=0 test      one test after another

PYTHON ?=
CORES ?= all
PYTEST_ARGS ?=
# One more than processors, for tests of clusters and of killed runs mostly wait.
TEST_PROCESSES ?= $(shell expr $$(nproc) + 1)
SNAKEMAKE_ARGS ?=
BENCH_ARGS ?=
BENCH_SCRIPTS := extract_sequences encode_elements score_pairs read_shards read_landscape wait_for_data grow_workflow two_cores plan_workflow start_up
MACHINE ?= $(shell nproc) cores, one thread each side

VENV := .venv
SHELL := /bin/bash
UV_VERSION := 0.13.9

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# The tools come from .venv alone, whatever the caller's shell has loaded.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help demo bench benchmark set-up set-up-dev test test-all lint format lock clean distclean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: set-up  ## train and evaluate on the simulated benchmark, then show the summary
	snakemake --cores $(CORES) $(SNAKEMAKE_ARGS)
	@echo
	@cat results/summary/summary.txt
	@echo
	@echo "Report: results/report.html"

benchmark: set-up  ## run every model on every simulated world, then show which claims hold; takes hours
	snakemake --cores $(CORES) --configfile config/benchmark.yaml --rerun-incomplete --keep-going $(SNAKEMAKE_ARGS)
	@echo
	@cat results/summary/benchmark.txt
	@echo
	@echo "Report: results/report.html"

bench: set-up-dev  ## measure speed and memory against other ways (BENCH_ARGS=--full: at full sizes), write the table
	@mkdir -p results
	@rm -f results/bench.jsonl
	@for script in $(BENCH_SCRIPTS); do \
		OMP_NUM_THREADS=1 python benchmarks/$$script.py $(BENCH_ARGS) | tee -a results/bench.jsonl || exit 1; done
	python benchmarks/write_performance.py results/bench.jsonl --machine "$(MACHINE)"

set-up:  ## install what the workflow needs into .venv
	@PYTHON="$(PYTHON)" tools/set_up.sh run

set-up-dev:  ## install what the tests and linters need as well
	@PYTHON="$(PYTHON)" tools/set_up.sh dev

# A -m in PYTEST_ARGS takes the place of this one.
QUICK := not (slow or workflow or slurm or conda or browser)
PYTEST := OMP_NUM_THREADS=1 pytest --numprocesses $(TEST_PROCESSES) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: set-up-dev  ## run the quick tests: the library, and one run of the workflow on a toy world
	$(PYTEST) -m "$(QUICK)" $(PYTEST_ARGS)

test-all: set-up-dev  ## run every test: also further runs of the workflow, SLURM, conda and a browser
	$(PYTEST) $(PYTEST_ARGS)

lint: set-up-dev  ## check style, types, import boundaries, the workflow and the Dockerfile
	ruff check
	ruff format --check
	mypy
	lint-imports
	snakefmt --check Snakefile workflow
	snakemake --lint
	hadolint Dockerfile

format: set-up-dev  ## mend what the linters can mend
	ruff check --fix
	ruff format
	snakefmt Snakefile workflow

# Each lock is resolved for every supported Python; --upgrade takes the newest versions: make lock LOCK_ARGS=--upgrade
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-package torch \
	--no-emit-index-url --custom-compile-command "make lock" $(LOCK_ARGS)

lock: set-up  ## resolve the locks again from pyproject.toml
	pip install --quiet uv==$(UV_VERSION)
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --all-extras --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock

clean:  ## remove results, logs and caches; keep .venv
	rm -rf results worlds logs .snakemake .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	rm -rf build dist src/*.egg-info
	find benchmarks -name '*.tsv' -delete
	find src tests workflow -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove .venv too
	rm -rf $(VENV) .venv.lock
