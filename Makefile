# make demo: see everything work.  make test: prove it.  Both install what they need into .venv.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# The first folder name that is free, so that an earlier demo is kept.
DEMO := $(shell n=1; d=demo-output; while [ -e $$d ]; do n=$$((n+1)); d=demo-output-$$n; done; echo $$d)

.PHONY: demo test lint system clean

demo: $(VENV)/.demo
	$(BIN)/lookalike demo --out $(DEMO)

test: system $(VENV)/.test
	$(BIN)/python -m pytest

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
