# `make` sets everything up in .venv, runs the pipeline and shows its results;
# `make test` and `make lint` check the code; `make lock` renews the pinned packages.

PYTHON := python3
READY := .venv/ready
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: run test lint lock

run: $(READY)
	@dvc repro
	@dvc metrics show
	@echo "Look at metrics/weights.png and metrics/mistakes.png. To go on, . .venv/bin/activate"

test: $(READY)
	@pytest

lint: $(READY)
	@ruff check
	@ruff format --check
	@mypy

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) and \
	    f"{sys.executable} is Python {sys.version.split()[0]}; make PYTHON=... with one from 3.11 to 3.14")'
	$(PYTHON) -m venv .venv
	grep -A2 '^setuptools==' $< > .venv/setuptools.txt
	pip install --quiet --disable-pip-version-check --require-hashes -r .venv/setuptools.txt
	pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation -r $<
	@touch $@
