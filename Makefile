PYTHON := python3
READY := .venv/ready
SETS := .venv/test .venv/browser .venv/claims .venv/lint .venv/fuzz
COMMAND := .venv/bin/mnist-mlp
NPM := node_modules/.package-lock.json
PIP := .venv/bin/python -m pip install --disable-pip-version-check --require-hashes
LOCK := uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
    --no-emit-index-url --no-annotate
# For programs that recipes start; recipes themselves name .venv/bin, because make 3.81 (macOS) does
# not use this PATH for simple commands.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: run mend help claims site test test-all lint release torture lock

run: mend  ## the default: set up .venv, run the pipeline, show its results
	@rm -f data/raw/NOT_MNIST  # if the last run fell back to the sample, ask the mirrors again
	@.venv/bin/dvc repro
	@.venv/bin/python -c 'import json; accuracy = json.load(open("metrics/accuracy.json"))["test_accuracy"]; \
	    print(f"\n{accuracy:.2%} of the unseen digits are read correctly.")'
	@if [ -e data/raw/NOT_MNIST ]; then \
	    echo "They are digits of the small sample, not of MNIST: no mirror gave it."; fi
	@echo "Open metrics/report.html in a browser, and draw a digit; README.md says how to go on."

mend: $(COMMAND)  ## repair what a killed dvc left broken; warn about what will fail here
	@$(COMMAND) mend

claims: .venv/claims mend  ## test what the videos claim, in 25 minutes
	@.venv/bin/dvc repro evaluate render
	@.venv/bin/dvc --cd claims repro
	@PYTHONPATH=stages:claims .venv/bin/python claims/summary.py --table README.md
	@PYTHONPATH=src .venv/bin/python -m mnist_mlp.checking.tables docs/check.md
	@.venv/bin/dvc repro  # the page shows the claims too

site: run .venv/test  ## build the website in site/, with the page and the claims
	@.venv/bin/python .ci/build_site.py

test: .venv/test  ## check in two minutes that this clone works
	@.venv/bin/pytest -m "not slow"

test-all: test .venv/browser .venv/claims  ## check everything, in 15 minutes
	@.venv/bin/pytest -m slow

lint: .venv/lint .venv/test .venv/browser .venv/claims $(NPM)  ## check the code, the workflows and CITATION.cff
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@.venv/bin/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	@.venv/bin/zizmor --offline --quiet .github
	@if [ -e $(NPM) ]; then \
	    node_modules/.bin/biome check --error-on-warnings && node_modules/.bin/tsc; fi

# The wheel is built from the source archive, and tested with the packages that pip finds for it.
release: .venv/test  ## build a wheel and a source archive in dist/, and test the wheel
	@rm -rf dist
	@.venv/bin/hatchling build --target sdist
	@.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps \
	    --no-build-isolation --wheel-dir dist dist/*.tar.gz
	@.venv/bin/pytest --numprocesses=0 --wheel="$$(echo dist/*.whl)" tests/test_installed.py
	@ls dist

torture: .venv/test .venv/fuzz  ## kill runs, fill disks and fuzz the readers, for half an hour
	@.venv/bin/pytest --kills=250 --cases=5000 tests/test_kills.py tests/test_hostile.py \
	    tests/test_download.py tests/test_same_bytes.py
	@PYTHONPATH=src .venv/bin/python tests/fuzz.py idx 100000
	@PYTHONPATH=src .venv/bin/python tests/fuzz.py model 100000

lock:  ## update the pinned packages
	$(LOCK) pyproject.toml --output-file requirements.lock
	for set in test browser claims lint fuzz; do $(LOCK) --group $$set \
	    --constraint requirements.lock --output-file requirements-$$set.lock; done

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

# mnist-mlp runs this clone's src/. An installed copy would be imported instead of an experiment's
# own source.
$(COMMAND): $(READY)
	@printf '%s\n' '#!/bin/sh' 'bin=$$(dirname "$$0")' \
	    'PYTHONPATH=$$bin/../../src exec "$$bin/python" -P -m mnist_mlp.cli "$$@"' > $@
	@chmod +x $@

# Installs a lock file's packages, showing progress on a terminal.
packages = $$(grep '==' $< | grep -cv win32)
say = echo "Installing $(packages) packages in .venv: $(SIZE)."
install = { $(PIP) --no-deps --no-build-isolation -r $< || echo failed; } | \
    while read -r word _; do \
        case $$word in \
            Collecting|Processing|Requirement) n=$$((n + 1)); state="fetched $$n of $(packages)" ;; \
            Installing) state="unpacking them" ;; \
            Successfully) state= ;; \
            failed) exit 1 ;; \
            *) continue ;; \
        esac; \
        if [ -t 1 ]; then printf '\r%-20s\r' "$$state"; fi; \
    done

$(READY): SIZE := 290 MB in one or two minutes
.venv/test: SIZE := 10 MB in a few seconds
.venv/browser: SIZE := 40 MB in a few seconds
.venv/claims: SIZE := 250 MB in about a minute
.venv/lint: SIZE := 140 MB in a few seconds
.venv/fuzz: SIZE := 30 MB in a few seconds

# Scripts in .venv contain its path: rebuild it if the folder was renamed or its Python is gone.
ifneq ($(shell { .venv/bin/python -c '' && cat $(READY); } 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) and \
	    f"{sys.executable} is Python {sys.version.split()[0]}; make PYTHON=... with one from 3.11 to 3.14")'
	@$(say)
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@# One package is only available as source; the pinned setuptools must be there to build it.
	@grep -A2 '^setuptools==' $< > .venv/setuptools.txt
	@$(PIP) --quiet -r .venv/setuptools.txt
	@$(install)
	@pwd -P > $@

$(SETS): .venv/%: requirements-%.lock $(READY)
	@$(say)
	@$(install)
	@touch $@

$(NPM): package-lock.json
	@if ! command -v npm >/dev/null; then \
	    echo "The page's JavaScript is not checked: that needs Node.js and npm."; \
	elif ! npm ping --fetch-retries=0 >/dev/null 2>&1; then \
	    echo "npm does not reach its registry: what checks the page's JavaScript is missing or old."; \
	else \
	    echo "Installing the checkers of the page's JavaScript in node_modules: 130 MB."; \
	    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	fi
