# The things to type: make lab, make test. The others are parts of them.
PYTHON ?=
ARGS ?=
BIN := .venv/bin

.PHONY: lab install test lint proof browser kills consumers hostile classifier notebooks docs bench bench-class bench-graders bench-class bench-graders

lab: install  ## make the working copy workbook/ and open JupyterLab there
	@$(BIN)/saga-lab lab workbook $(ARGS)

install:  ## make the environment alone; PYTHON=... chooses which Python
	@sh tools/environment.sh lab,test $(PYTHON)

test: lint  ## everything that needs no browser
	$(BIN)/python -m pytest --numprocesses auto --ignore tests/browser --ignore tests/consumers tests
	$(BIN)/python -m pytest --nbval --nbval-current-env notebooks

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

proof: browser kills consumers hostile classifier  ## what takes longer than a test may: an hour and a half

browser:  ## the notebooks in JupyterLab, the reports and the course, in a real browser
	@sh tools/environment.sh lab,test,browser $(PYTHON)
	$(BIN)/python -m pytest tests/browser

kills: install  ## a minute of kills on each database; graders and servers killed too
	SAGA_KILL_SECONDS=60 $(BIN)/python -m pytest tests/kill

consumers: install  ## the exports, read by nbgrader, otter and junitparser, each in an environment of its own
	$(BIN)/python -m pytest tests/consumers

hostile: install  ## hostile submissions in every sandbox, as root and as nobody; the corpus in both processes
	SAGA_FUZZ=1000 $(BIN)/python -m pytest --numprocesses auto tests/hostile/test_talk.py
	SAGA_BOTH=all $(BIN)/python -m pytest --numprocesses auto tests/corpus/test_both_ways.py
	$(BIN)/python -m tests.hostile

classifier: install  ## how often the grader is wrong: right and wrong submissions, and every mutant; ARGS=--singles
	$(BIN)/python -m tests.corpus $(ARGS)

notebooks: install  ## run the notebooks again and keep what they show
	$(BIN)/python tools/rerun.py

docs: install  ## an API reference made from the docstrings, in site/api/
	$(BIN)/python tools/reference.py site/api

bench: install  ## race the engine against its peers; each gets an environment of its own, a minute the first time
	$(BIN)/python benchmarks/engines.py $(ARGS)

bench-class: install  ## how many submissions a minute a class is graded with, and in how much memory
	$(BIN)/python benchmarks/class.py $(ARGS)

bench-graders: install  ## race the grader against nbgrader, otter and plain pytest: one submission, and a class of 20
	$(BIN)/python benchmarks/graders.py $(ARGS)
