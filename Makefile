# The four things to type: make lab, make install, make test, make proof.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

.PHONY: lab install test proof lint clean

lab: install  ## make a working copy in workbook/ and open JupyterLab there
	@$(BIN)/saga-lab lab workbook $(ARGS)

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Saga Lab needs Python 3.11 or newer; this is %s. Try: make install PYTHON=python3.12" % sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (a minute or two the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[lab,test]'
	@touch $@

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint  ## everything that fits into ten minutes
	$(BIN)/python -m pytest --nbval tests notebooks

proof: install  ## what needs a browser or more time
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[browser]'
	$(BIN)/python -m pytest tests/browser

clean:
	rm -rf .venv build dist *.egg-info
