# `make help` lists everything. Each target makes the environment it needs.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready
# `sam deploy` resolves what cfn-lint warns of here: local paths of nested templates, YAML anchors.
NESTED := infra/alarms.yaml infra/dashboard.yaml infra/streamer.yaml infra/egress.yaml

.PHONY: help setup native demo test fast check bench build image invoke calendar clean model storm
.DEFAULT_GOAL := help
# Each of the many processes of a test run or a demo would compile what it imports anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## list these targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(READY) ## make .venv with everything that is needed

# pip compiles on one core, and the most of it what only one rule of a linter loads. compileall says 1 for files of
# libraries that are no Python of today (templates, tests): nobody imports those.
$(READY): requirements.txt requirements-local.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "hoga needs Python 3.11 or newer: install it, or say 'make PYTHON=/path/to/python3 $(MAKECMDGOALS)'"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "setting up .venv (a minute the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements-dev.txt
	@$(BIN)/python -m compileall -q -j 0 -x '/(sympy|networkx)/' .venv/lib >/dev/null || true
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(BIN)/python infra/native.py || true
	@touch $(READY)

native: $(READY) ## compile the streamer's hot path anew, after its sources have changed
	@$(BIN)/python infra/native.py

demo: $(READY) ## a full trading day in about a minute, offline
	@exec $(BIN)/hoga demo

test: $(READY) ## every test, four at a time: many of them wait
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

fast: $(READY) ## the inner loop: pure rings only, a few seconds
	@$(BIN)/python -m pytest -x tests/architecture tests/domain tests/venues tests/feed tests/app -m "not slow and not cloud"

check: $(READY) ## format, lint, types, import rings, template
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint -r ap-northeast-2 -i W3002 W1100 W1101 -t template.yaml $(NESTED)

bench: $(READY) ## microseconds per message, against rivals in the same run
	@$(BIN)/python -c 'import core, sys; sys.exit(not core.COMPILED)' || $(BIN)/python infra/native.py || true
	@$(BIN)/python tests/benchmarks/bench_stream.py

build: $(READY) ## what `sam deploy` uploads, cross-built for Lambda, sizes printed [RUNTIME=python3.14 ARCHITECTURE=x86_64]
	@rm -rf .aws-sam  # a copy that `sam build` made is deployed in place of this, however old it is
	@$(BIN)/python -m core.local.artefacts "$(RUNTIME)" "$(ARCHITECTURE)"

image: build ## the streamer's image for arm64; needs Docker. IMAGE names it
	@docker buildx build --platform linux/arm64 --provenance=false --load -f streamer/Dockerfile -t "$(or $(IMAGE),hoga-streamer)" .

invoke: $(READY) ## one built function in Lambda's emulator, no Docker: FUNCTION=batch_scan [EVENT=file]
	@$(BIN)/python -m core.local.emulated "$(FUNCTION)" "$(EVENT)"

storm: $(READY) ## 2,000 signals in the worst weather against a simulated venue [STORM=2000 VENUE=upbit,binance,kis]
	@STORM=$(or $(STORM),2000) VENUE=$(or $(VENUE),upbit) $(BIN)/python -m pytest -q -n 0 -s tests/crash/test_storm.py

model: $(READY) ## search the lock protocol with more faults at once than the tests do (minutes)
	@$(BIN)/python -m tests.model

calendar: ## remake KRX's table of holidays; read the difference before it is committed
	@test -x .build/calendar/bin/python || $(PYTHON) -m venv .build/calendar
	@.build/calendar/bin/python -m pip install --quiet --disable-pip-version-check exchange_calendars
	@.build/calendar/bin/python infra/calendar/krx.py

clean: ## remove what make made
	rm -rf .venv .build .aws-sam .hoga .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
