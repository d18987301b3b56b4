# `make` sets everything up in .venv, runs the pipeline and shows its results;
# `make claims` measures what the videos say, in 12 minutes; `make test` and `make lint` check the
# code; `make torture` kills, starves and feeds it worse than that, for half an hour; `make lock`
# renews the pinned packages.

PYTHON := python3
READY := .venv/ready
COMMAND := .venv/bin/mnist-mlp
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes
LOCK := uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
    --no-emit-index-url --no-annotate
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: run claims test lint torture lock

run: $(READY) $(COMMAND)
	@mnist-mlp mend
	@# Without git history DVC must be told so; with it, it must not be.
	@if ! git rev-parse --git-dir >/dev/null 2>&1; then dvc config --local core.no_scm true; \
	elif grep -qs no_scm .dvc/config.local; then dvc config --local --unset core.no_scm; fi
	@rm -f data/raw/NOT_MNIST  # if the last run fell back to the sample, ask the mirrors again
	@dvc repro
	@python -c 'import json; accuracy = json.load(open("metrics/accuracy.json"))["test_accuracy"]; \
	    print(f"\n{accuracy:.2%} of the unseen digits are read right.")'
	@if [ -e data/raw/NOT_MNIST ]; then \
	    echo "They are digits of the small sample, not of MNIST: no mirror gave it."; fi
	@echo "Open metrics/report.html in a browser, and draw a digit; README.md says how to go on."

claims: $(READY)
	@dvc repro
	@dvc --cd claims repro
	@PYTHONPATH=stages python claims/summary.py --table README.md
	@dvc repro  # whose page shows them too

test: $(READY)
	@pytest

lint: $(READY)
	@ruff check
	@ruff format --check
	@mypy

torture: $(READY)
	@pytest --kills=250 --cases=5000 tests/test_kills.py tests/test_hostile.py \
	    tests/test_download.py tests/test_same_bytes.py
	$(PIP) --no-deps -r requirements-fuzz.lock
	@python tests/fuzz.py idx 100000
	@python tests/fuzz.py model 100000

lock:
	$(LOCK) --extra claims --extra cluster --group dev pyproject.toml --output-file requirements.lock
	$(LOCK) --group fuzz --output-file requirements-fuzz.lock

# Runs the src/ of this clone. An installed copy, or a link to one, would come between the stages
# of an experiment in a folder of its own and their source.
$(COMMAND): $(READY)
	@printf '%s\n' '#!/bin/sh' 'bin=$$(dirname "$$0")' \
	    'PYTHONPATH=$$bin/../../src exec "$$bin/python" -P -m mnist_mlp.cli "$$@"' > $@
	@chmod +x $@

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
