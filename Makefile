# make run    sets up .venv and opens the explorer on http://127.0.0.1:8501
# make test   sets up .venv, finds a browser, passes every test (TESTS="tests/unit -k prep" for some, WORKERS=0 for one process)
# make lint   ruff, pyright, and whether a dependency has a known hole (skips where that cannot be asked)
# make clean  removes .venv and caches; artifacts stay

SHELL := /bin/bash
PORT ?= 8501
TESTS ?=
WORKERS ?= 2
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check install -qq

# The stamps are named after what the requirement files say, not after their dates:
# a checkout that changes nothing installs nothing.
RUN_STAMP := $(VENV)/.run-$(shell cksum < requirements.txt | tr ' ' -)
TEST_STAMP := $(VENV)/.test-$(shell cat requirements.txt requirements-test.txt | cksum | tr ' ' -)

.PHONY: run test setup browser lint style types audit clean
.DEFAULT_GOAL := run

run: $(RUN_STAMP)
	@exec $(VENV)/bin/python -m explorer --open --port $(PORT)

test: $(TEST_STAMP) browser style types
	@$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --maxfail 20 --durations 15 $(TESTS); code=$$?; \
	if [ $$code -eq 5 ]; then echo "No test was collected: say which with TESTS=\"tests/unit\", or leave TESTS out for all." >&2; fi; \
	exit $$code

setup: $(TEST_STAMP)

$(VENV)/bin/python:
	@for python in "$$PYTHON" python3 python3.14 python3.13 python3.12 python3.11; do \
	  if [ -n "$$python" ] && "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    "$$python" -m venv --clear $(VENV) && exit 0; rm -rf $(VENV); \
	    echo "$$python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 2; \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed: install it (on Debian: apt-get install python3 python3-venv) or name one, PYTHON=/path/to/python3 make" >&2; exit 2

$(RUN_STAMP): | $(VENV)/bin/python
	@echo "Installing the packages of requirements.txt into $(VENV) (a few minutes, once) ..."
	@$(PIP) -r requirements.txt
	@rm -f $(VENV)/.run-*; touch $@

$(TEST_STAMP): $(RUN_STAMP) | $(VENV)/bin/python
	@echo "Installing the packages of requirements-test.txt into $(VENV) ..."
	@$(PIP) -r requirements-test.txt
	@rm -f $(VENV)/.test-*; touch $@

# The same names as tests/browser/conftest.py looks for. The headless shell draws no window of its own: a page costs it 30 % less.
APT := apt-get -o Acquire::Retries=0 -o Acquire::http::Timeout=20 -qq
browser:
	@found() { for name in "$$@"; do if [ -n "$$name" ] && command -v "$$name" >/dev/null; then exit 0; fi; done; }; \
	found "$$CHROMIUM" chromium-headless-shell; \
	if [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ] && $(APT) update; then \
	  for package in chromium-headless-shell chromium; do \
	    echo "Installing the package $$package for the browser tests ..."; \
	    DEBIAN_FRONTEND=noninteractive $(APT) install -y --no-install-recommends $$package >/dev/null && exit 0; \
	  done; \
	fi; \
	found chromium chromium-browser google-chrome google-chrome-stable chrome; \
	echo "The browser tests need Chromium or Chrome: install one (on Debian: sudo apt-get install chromium) or name it, CHROMIUM=/path/to/chrome make test" >&2; exit 2

lint: style types audit

style: $(TEST_STAMP)
	@$(VENV)/bin/python -m ruff check -q engine explorer pages tests

types: $(TEST_STAMP)
	@$(VENV)/bin/python -m basedpyright

# Dependencies with known holes; an environment of its own, so that nothing of the explorer's changes. Skips where it cannot ask.
AUDIT := $(VENV)/audit
audit: $(RUN_STAMP)
	@if ! $(AUDIT)/bin/python -m pip_audit --version >/dev/null 2>&1; then \
	  $(VENV)/bin/python -m venv $(AUDIT) && $(AUDIT)/bin/python -m pip --disable-pip-version-check install -qq pip-audit==2.10.1 2>/dev/null || \
	    { echo "pip-audit cannot be installed here: the dependencies are not checked."; exit 0; }; \
	fi; \
	if ! $(AUDIT)/bin/python -c 'import urllib.request as u; u.urlopen("https://pypi.org/pypi/pip/json", timeout=10)' 2>/dev/null; then \
	  echo "pypi.org, which knows the holes, cannot be reached: the dependencies are not checked."; exit 0; \
	fi; \
	$(AUDIT)/bin/python -m pip_audit --progress-spinner off --path $$(echo $(VENV)/lib/python3*/site-packages)

clean:
	rm -rf $(VENV) .pytest_cache .hypothesis
	find engine explorer pages tests -name __pycache__ -type d -prune -exec rm -rf {} +
