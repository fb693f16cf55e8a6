# make demo   train the demo on NumPy; POLYK_BACKEND=torch (jax, tensorflow) make demo: on that one
# make test   everything: format, lint, types, all tests, on all four backends
# make check  only format, lint and types

PYTHON ?= python3
BIN := .venv/bin
DEMO := .venv-demo/bin
PIP_INSTALL := install --quiet --disable-pip-version-check -c constraints.txt -e
EXTRA := $(filter torch jax tensorflow,$(POLYK_BACKEND))

.PHONY: demo test check

demo: .venv-demo/.base $(EXTRA:%=.venv-demo/.with-%)
	$(DEMO)/polyk demo
	@echo "  (here: $(DEMO)/polyk, or POLYK_BACKEND=torch make demo)"

test: check
	$(BIN)/pytest conformance --profile quick
	$(BIN)/pytest tests

check: .venv/.all
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

# A stamp in each environment says what is installed there.
.venv-demo/.base: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-demo
	$(DEMO)/pip $(PIP_INSTALL) .
	@touch $@

.venv-demo/.with-%: .venv-demo/.base
	$(DEMO)/pip $(PIP_INSTALL) ".[$*]"
	@touch $@

.venv/.all: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip $(PIP_INSTALL) ".[all,conformance,dev,plot]"
	@touch $@
