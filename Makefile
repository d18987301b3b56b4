# `make` sets everything up in .venv, runs the pipeline and shows its results;
# `make test` and `make lint` check the code; `make lock` renews the pinned packages.

PYTHON := python3
READY := .venv/ready
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: run test lint lock

run: $(READY)
	@git rev-parse --git-dir >/dev/null 2>&1 || dvc config --local core.no_scm true
	@dvc repro
	@dvc metrics show
	@echo "Look at metrics/weights.png and metrics/mistakes.png; README.md says how to go on."

test: $(READY)
	@pytest

lint: $(READY)
	@ruff check
	@ruff format --check
	@mypy

lock:
	uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	    --no-emit-index-url --no-annotate --group dev pyproject.toml --output-file requirements.lock

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) and \
	    f"{sys.executable} is Python {sys.version.split()[0]}; make PYTHON=... with one from 3.11 to 3.14")'
	rm -rf .venv
	$(PYTHON) -m venv .venv
	@# One package comes as source only; the pinned setuptools must be there to build it.
	grep -A2 '^setuptools==' $< > .venv/setuptools.txt
	$(PIP) -r .venv/setuptools.txt
	$(PIP) --no-deps --no-build-isolation -r $<
	@touch $@
