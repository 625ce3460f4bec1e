# make demo: see everything work.  make test: prove it.  make check: lint and the quick tests, before a commit.
# All of them install what they need into .venv.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# The first folder name that is free, so that an earlier demo is kept.
DEMO := $(shell n=1; d=demo-output; while [ -e $$d ]; do n=$$((n+1)); d=demo-output-$$n; done; echo $$d)

# Two tests at a time, each on one thread, which on two cores is quicker than one on both. Tests that start processes of
# their own and wait for one another stand in one group (xdist_group), so that they never run side by side.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

.PHONY: demo test check lint system clean

demo: $(VENV)/.demo
	$(BIN)/lookalike demo --out $(DEMO)

test: system $(VENV)/.test
	$(PYTEST)

check: lint
	$(PYTEST) -m "not slow"

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# What a real window needs where there is no screen.
system:
	sh .ci/system-packages

$(BIN)/python:
	sh .ci/make-venv $(VENV)

$(VENV)/.demo: $(BIN)/python setup.cfg constraints.txt
	@echo "Installing into $(VENV): about two minutes the first time."
	$(PIP) --editable '.[gan,demo]'
	@touch $@

$(VENV)/.test: $(BIN)/python setup.cfg constraints.txt
	@echo "Installing into $(VENV): about three minutes the first time."
	$(PIP) --editable '.[all,dev]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
