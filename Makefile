# virtfleet.network: `make help` lists the targets. What `make setup` installs is listed in tests/packages.txt (Debian
# packages), requirements-dev.txt (Python packages) and tests/tools/get_collections.py (collections), and nowhere else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# All ansible-cores that are supported; the oldest one has a virtual environment of its own beside .venv.
CORES := $(shell sed -n 's/^\([0-9.]*\) .*/\1/p' tests/tools/cores.txt)
FLOOR := $(firstword $(CORES))

PYTHON := .venv/bin/python
STEP := tests/tools/step
SHELL_SCRIPTS := .ci/run $(addprefix tests/tools/,bare release step core install-packages docsite/run importer/run sanity/run) $(wildcard tests/lab/*.sh roles/*/files/*.sh)

# The checkout may lie anywhere: tools see it as a collection through the link that `make setup` puts into .build.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build
export PYTHONPATH := $(CURDIR)/.build
export MYPYPATH := $(CURDIR)/.build
# The virtual environment and the system, without the wrappers of Python version managers.
export PATH := $(CURDIR)/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL := C.UTF-8
export PYTHONDONTWRITEBYTECODE := 1
export FLOOR

##@ Start

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

.PHONY: setup setup-steps
setup: ## install what is needed (as root: also Debian packages)
	@$(MAKE) -j2 setup-steps

setup-steps: .venv/.made .venv-floor/.made-$(FLOOR) .build/ansible_collections/virtfleet/network .build/collections
	@:

.PHONY: demo
demo: setup ## build a small fleet on this machine and let the collection loose on it
	@$(PYTHON) -m tests.demo

##@ Check

.PHONY: format
format: setup ## rewrite the code in the project's style
	@ruff check --fix-only --quiet .
	@ruff format .

.PHONY: coverage
coverage: setup ## pure tests, and the lines of the plugins that they leave out
	@pytest tests/unit --cov --cov-report=term-missing

.PHONY: generate
generate: setup ## write the generated files
	@$(PYTHON) tests/tools/generate.py

.PHONY: check check-all
check: setup ## the fast part: style, types, pure tests, documentation
	@$(MAKE) -j2 check-steps
	@echo "check: passed"

check-all: setup ## check, sanity, ansible-lint, tests that run playbooks: everything that needs no hypervisor
	@$(MAKE) -j2 check-all-steps
	@echo "check-all: passed"

.PHONY: check-steps check-all-steps check-plugins check-content check-playbooks check-style check-types check-shell
.PHONY: check-generated check-sanity check-floor check-floor-playbooks check-docs check-lint check-changelog check-files
.PHONY: check-tarball
# Two at a time: those that take long begin.
check-steps: check-style check-plugins check-content check-floor check-docs check-types check-generated check-shell
check-steps: check-changelog check-files check-tarball

check-all-steps: check-steps check-playbooks check-sanity check-floor-playbooks check-lint

# In parts: one process would still run when all other steps have ended.
check-plugins:
	@$(STEP) --last "pure tests of plugins" pytest $(wildcard tests/unit/*/)

check-content:
	@$(STEP) --last "pure tests of pages and files" pytest -m 'not plays' $(wildcard tests/unit/test_*.py)

check-playbooks:
	@$(STEP) --last "pure tests of roles and playbooks" pytest -m plays $(wildcard tests/unit/test_*.py)

check-style:
	@$(STEP) "style" bash -c 'ruff check . && ruff format --check .'

check-types:
	@$(STEP) "types" bash -c 'mypy && mypy --python-version 3.11 --package tests.lab --package tests.integration.lab'

# GitHub's files by the schemas that check-jsonschema brings.
check-files: export REUSE_ENCODING_MODULE := charset_normalizer
check-files: SCHEMA := check-jsonschema --quiet --builtin-schema vendor
check-files:
	@$(STEP) "YAML, licenses, GitHub's files" bash -euc 'yamllint --strict .; reuse lint --quiet || { reuse lint; exit 1; }; \
		$(SCHEMA).github-workflows .github/workflows/*.yml; $(SCHEMA).dependabot .github/dependabot.yml; \
		$(SCHEMA).github-issue-config .github/ISSUE_TEMPLATE/config.yml; \
		$(SCHEMA).github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))'

check-shell:
	@$(STEP) "shell scripts" shellcheck $(SHELL_SCRIPTS)

check-generated:
	@$(STEP) "generated files" $(PYTHON) tests/tools/generate.py --check

check-sanity:
	@$(STEP) --last "ansible-test sanity" tests/tools/sanity/run --exclude tests/

check-docs:
	@mkdir -p .build/home
	@HOME=.build/home $(STEP) "documentation" antsibull-docs lint-collection-docs --plugin-docs .

check-lint:
	@$(STEP) "ansible-lint" ansible-lint --offline --nocolor

check-changelog:
	@$(STEP) "changelog" antsibull-changelog lint

check-floor:
	@$(STEP) --last "pure tests, ansible-core $(FLOOR)" tests/tools/core $(FLOOR) check -m 'not plays'

check-floor-playbooks:
	@$(STEP) --last "playbooks, ansible-core $(FLOOR)" tests/tools/core $(FLOOR) check -m plays

check-tarball:
	@$(STEP) --last "release tarball" $(PYTHON) tests/tools/check_tarball.py

##@ Test

# The Debian releases that the lab's hypervisors run: this machine's own, and roots that are made once and kept, one of
# them with the several daemons of RHEL 9 and Fedora. Machines with a whole systemd have roots of their own.
OWN := $(shell . /etc/os-release; echo $$VERSION_CODENAME)
ONE_OTHER := bullseye
ALL_OTHERS := $(filter-out $(OWN),bullseye bookworm trixie sid modular)
ALL_FULL := bookworm trixie
ALL_DISTURBED := bookworm trixie

# How each test has ended: tests/tools/tested.py counts that for README.
test test-versions: export TESTED := $(CURDIR)/.build/tested.log

.PHONY: test
test: ROOTS := $(ONE_OTHER)
test: FULL := $(OWN)
test: SAMPLED := $(ONE_OTHER)
test: SCENARIO := nat
test: setup ## check-all, then the lab: real hypervisors of this machine's release and, for a sample, of Debian 11
	@$(test-with-roots)

.PHONY: test-versions
test-versions: ROOTS := $(ALL_OTHERS)
test-versions: FULL := $(ALL_FULL)
test-versions: DISTURBED := $(ALL_DISTURBED)
test-versions: setup ## check-all, then the lab with Debian 11, 12, 13, unstable, and modular daemons, and README's table of them
	@$(test-with-roots)
	@$(STEP) --last "results for README" $(PYTHON) tests/tools/tested.py $(TESTED)
	@$(PYTHON) tests/tools/generate.py

# Molecule's guests wait for DHCP most of the time: beside it, two other steps run.
define test-with-roots
rm -f $(TESTED)
$(MAKE) -j3 SCENARIO="$(SCENARIO)" check-molecule check-all-steps $(ROOTS:%=root-%) $(FULL:%=root-full-%) $(DISTURBED:%=root-disturbed-%)
LAB_ROOTS="host $(ROOTS)" LAB_FULL="$(FULL)" LAB_DISTURBED="$(DISTURBED)" LAB_SAMPLED="$(SAMPLED)" \
	$(STEP) --show "lab tests" pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 15 -m lab tests/integration
endef

.PHONY: test-disturbers
test-disturbers: DISTURBED := $(ALL_DISTURBED)
test-disturbers: setup ## real Docker, firewalld, ufw, nftables.service, bind9 and others in the way of a network
	@$(MAKE) $(DISTURBED:%=root-disturbed-%)
	@LAB_ROOTS= LAB_FULL= LAB_DISTURBED="$(DISTURBED)" $(STEP) --show "disturbers" pytest -m lab tests/integration/disturbers

# Each ansible-core with the first of its Pythons that this machine has, one after the other: ansible-test has one home.
.PHONY: test-cores check-import
test-cores: setup ## sanity, pure tests, documentation and installation with every supported ansible-core, and Galaxy's import
	@$(MAKE) -j1 $(CORES:%=core-%) check-import

core-%:
	@$(STEP) --last "ansible-core $*" tests/tools/core $* test

check-import: setup ## import the tarball as Galaxy and Automation Hub do
	@$(PYTHON) tests/tools/check_tarball.py
	@$(STEP) --last "galaxy-importer" tests/tools/importer/run

# What README promises of a bare Debian: no package, no cache of Python's and no setting of this machine helps there.
BARE := bookworm trixie
TARGETS := check-all demo
.PHONY: test-bare
test-bare: setup $(BARE:%=bare-%) ## make check-all demo on a bare Debian 12 and 13 (BARE=trixie TARGETS=test)

bare-%:
	@$(STEP) --last "bare Debian $*" tests/tools/bare $* $(TARGETS)

# What `make test` runs as a sample (tests/deep.py), run whole. SEED=... repeats a run.
.PHONY: test-deep
test-deep: export DEEP := 1
test-deep: export SEED := $(or $(SEED),$(shell date +%s))
test-deep: setup ## everything that make test only samples: faults, hostile values, random networks; hours (SEED=1: again)
	@echo "seed: $(SEED)"
	@LAB_ROOTS="$(or $(LAB_ROOTS),host)" LAB_FULL="$(OWN)" $(STEP) --show "deep tests" pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 15 -m deep tests \
		|| { echo "seed: $(SEED); make test-deep SEED=$(SEED) repeats this run"; exit 1; }
	@echo "seed: $(SEED)"

root-%:
	@$(STEP) "root $*" $(PYTHON) -m tests.lab root $*

.PHONY: molecule
molecule: setup ## the playbooks in molecule's scenarios (SCENARIO=nat: one of them), on a lab of their own
	@$(MAKE) check-molecule SHOW=--show

# The lab ends with molecule, however that ends.
.PHONY: check-molecule
check-molecule: export HOME := $(CURDIR)/.build/molecule
check-molecule: export ANSIBLE_HOME := $(HOME)
check-molecule: export NO_COLOR := 1
check-molecule:
	@rm -rf $(HOME) && mkdir -p $(HOME)
	@$(STEP) $(SHOW) "molecule scenarios" bash -c 'export LAB_NAME=molecule-$$$$ LAB_OWNER=$$$$; \
		exec molecule test $(if $(SCENARIO),--scenario-name $(SCENARIO),--all)'

.PHONY: bench
bench: setup ## measure what modules send and import, tasks, plans and a fleet
	@$(PYTHON) -m tests.bench

.PHONY: bench-fleet
bench-fleet: setup ## measure fleets of 10, 20 and 50 hypervisors
	@$(PYTHON) -m tests.bench.fleet

.PHONY: lab
lab: setup ## start two hypervisors to play with, until make lab-down
	@$(PYTHON) -m tests.lab up

.PHONY: lab-down
lab-down: setup ## stop them, leaving nothing behind
	@$(PYTHON) -m tests.lab down

##@ Release

.PHONY: build
build: setup ## build the collection's tarball and look into it
	@$(PYTHON) tests/tools/check_tarball.py
	@ls .build/tarball/*.tar.gz

.PHONY: docs
docs: setup ## build the docs site: guides, and pages of all plugins and roles
	@$(STEP) --last "docs site" tests/tools/docsite/run

.PHONY: release
release: setup ## versions, changelog, checks, tarball and tag of a release (VERSION=1.0.0); nothing is pushed
	@tests/tools/release "$(VERSION)"

.PHONY: clean
clean: ## remove what make has made
	rm -rf .build .venv .venv-floor

# What `setup` makes

.build/packages: tests/packages.txt
	@$(STEP) --last "Debian packages" tests/tools/install-packages $<
	@touch $@

.venv/.made: requirements-dev.txt | .build/packages
	@$(STEP) --last "virtual environment" bash -c '/usr/bin/python3 -m venv --clear .venv && pip install --quiet --requirement $< && python --version'
	@touch $@

.venv-floor/.made-$(FLOOR): requirements-dev.txt | .build/packages
	@$(STEP) --last "virtual environment, ansible-core $(FLOOR)" tests/tools/core $(FLOOR) setup
	@touch $@

.build/collections: tests/tools/get_collections.py | .venv/.made
	@$(STEP) --last "collections" $(PYTHON) $<
	@touch $@

.build/ansible_collections/virtfleet/network:
	@mkdir -p $(@D)
	@ln -sfn "$(CURDIR)" $@
