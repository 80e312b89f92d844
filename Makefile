# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The first Python of 3.11–3.13 that really starts (a version manager's shim may be there and not start).
USABLE := -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p $(USABLE) >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
PHOTOS ?=
ONLINE ?=
CONTACT ?=
DEMO ?= demo
export TF_CPP_MIN_LOG_LEVEL ?= 3
# The real photos that tests and benchmarks measure on; without them those tests skip and say so.
ifneq ($(wildcard ../shared/data/README.md),)
export ACTORREC_TEST_DATA ?= $(abspath ../shared/data)
endif

.PHONY: help demo test check bench soak wheel lambda docs clean test-edge test-edge-all test-toolkit test-sdk

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11, 3.12 or 3.13 with venv found; install one, or: make PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.user: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[desk]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.user

demo: $(VENV)/.user ## photos to names: the whole chain on PHOTOS=dir (default: examples/; ONLINE=1 CONTACT=you@… scrapes), into demo/
	BIN="$(BIN)" PHOTOS="$(PHOTOS)" ONLINE="$(ONLINE)" CONTACT="$(CONTACT)" OUT="$(DEMO)" bash examples/demo.sh

test: $(VENV)/.dev ## the tests, in three processes: much of their time is waiting
	$(BIN)/python -m pytest -n 3 --dist loadfile

check: $(VENV)/.dev ## style, types, layers, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_docs.py

bench: $(VENV)/.dev ## measure everything the docs claim (minutes to an hour); writes benchmarks/out/
	$(BIN)/python benchmarks/run.py

soak: $(VENV)/.dev ## long runs: kills, full disks, repeats and invented input, over and over
	$(BIN)/python benchmarks/soak.py
	$(BIN)/python benchmarks/soak_scrape.py
	$(BIN)/python benchmarks/soak_ota.py
	$(BIN)/python benchmarks/loop_memory.py --frames 18000
	EXPLORE=20 $(BIN)/python -m pytest -q $$(grep -rlE '@given|EXPLORE' tests --include='test_*.py')
	$(MAKE) --no-print-directory test-toolkit test-sdk

wheel: $(VENV)/.dev ## build the wheel and the sdist into dist/
	$(BIN)/pip install --quiet build
	$(BIN)/python -m build --outdir dist .

lambda: $(VENV)/.dev ## build the function that ships models over the air: dist/actorrec-lambda.zip (at most 15 MB)
	$(BIN)/python tools/make_lambda.py

docs: $(VENV)/.dev ## write docs/cli.md again from the commands
	$(BIN)/python tools/check_docs.py --write

# What a device installs, on one Python: core + edge and pytest, nothing else.
test-edge: ## the tests of core + edge on PYTHON=python3.x, without TensorFlow
	@version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); venv=.venv-edge-$$version; \
	test -x $$venv/bin/pytest || { $(PYTHON) -m venv $$venv && \
	$$venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[edge]' pytest hypothesis; }; \
	echo "core + edge on Python $$version"; \
	$$venv/bin/python -m pytest -q tests/unit tests/contract tests/e2e/test_device.py \
	  --ignore tests/unit/scrape --ignore tests/unit/review \
	  --ignore tests/contract/test_image_sources.py --ignore tests/contract/test_people_sources.py \
	  tests/integration/test_edge_only_install.py tests/integration/test_enrol.py tests/integration/test_infer.py

test-edge-all: ## test-edge on 3.12 and 3.13 where they are installed
	@for version in 3.12 3.13; do \
	  for p in python$$version $(HOME)/.pyenv/versions/$$version*/bin/python; do \
	    if $$p $(USABLE) >/dev/null 2>&1; then $(MAKE) --no-print-directory test-edge PYTHON=$$p; break; fi; \
	  done; done

# What SageMaker's TensorFlow 2.21 image runs a script with. The package itself is not in it: that comes as a tarball.
# The second one's own requirements would bring a numpy that TensorFlow does not take.
TOOLKIT := .venv-toolkit
SDK_VENV := .venv-sdk
SDK_MADE := $(SDK_VENV)/.made
TOOLKIT_MADE := $(TOOLKIT)/.sagemaker-training-5.1.4-tensorflow-2.21
$(TOOLKIT_MADE):
	@rm -rf $(TOOLKIT); for p in python3.12 $(HOME)/.pyenv/versions/3.12*/bin/python \
	    python3.11 $(HOME)/.pyenv/versions/3.11*/bin/python; do \
	  if $$p $(USABLE) >/dev/null 2>&1; then $$p -m venv $(TOOLKIT) && break; fi; done; \
	test -x $(TOOLKIT)/bin/pip || { echo "no Python 3.12 or 3.11 with venv found for $(TOOLKIT)" >&2; exit 2; }
	$(TOOLKIT)/bin/pip install --quiet --disable-pip-version-check sagemaker-training==5.1.4 'tensorflow-cpu==2.21.*'
	$(TOOLKIT)/bin/pip install --quiet --disable-pip-version-check --no-deps sagemaker-tensorflow-training==20.4.1
	@touch $@

test-toolkit: $(VENV)/.dev $(TOOLKIT_MADE) ## a training job as SageMaker's container runs it, with the real toolkit
	TOOLKIT_VENV=$(abspath $(TOOLKIT)) $(BIN)/python -m pytest -q -rs tests/integration/test_sagemaker_toolkit.py

# The sagemaker package wants older versions of what we have: it gets a virtual environment of its own.
$(SDK_MADE): pyproject.toml | $(BIN)/python
	$(PYTHON) -m venv $(SDK_VENV)
	$(SDK_VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[edge,sagemaker]' 'moto[server]>=5.1' 'pytest>=8.3'
	@touch $@

test-sdk: $(SDK_MADE) ## --via sdk, with the sagemaker package (1.4 GB)
	$(SDK_VENV)/bin/python -m pytest -q -rs tests/integration/test_sdk.py

clean: ## remove what was made (not the store)
	rm -rf .venv .venv-edge-* $(SDK_VENV) .venv-toolkit dist build demo benchmarks/out
