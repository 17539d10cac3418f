# make demo   run the demo (with a stand-in model; no API key needed)
# make test   run all tests
# make test-again run only the tests that failed the last time, one after the other
# make screenshots take the pictures of the guide (needs a Chromium)
# make lint   run ruff, mypy, pyright and codespell
# make coverage run the tests of the core, and fail where they miss a line or a branch of the module they are for
# make mutants change the core one place at a time, and see whether its tests notice; MUTANTS="keys/identity rules/rules" runs a part
# make clients run real clients and coding agents (Node, npm) over the proxy; results go to tests/proxy/real/clients.md
# make guide  write the generated parts of README and guide
# make picture take the README's picture of a terminal again
# make faults SEEDS=500 run the tests of faults with so many draws of each (an hour)
# make soak MINUTES=30 put a mixed load with faults on one store, and look what grows; the report goes to soak-report/
# make suites run the suites of httpx, SDKs and test tools, plain and with the cache under every client; SUITES="httpx respx" runs some
# make audit  look for known vulnerabilities of the pinned packages (asks PyPI)
# make package build the wheel and the sdist, and test what is in them
# make recipes run the recipes of the guide that need frameworks, in their own environment
# make evaluations run frameworks for evaluations twice: the second run sends nothing
# make bench  print the benchmark numbers of the README
# make bench-peers measure wirecache and other caches in one run, in an environment with all of them; BENCH="--rows hit --quick" runs a part
# make bench-check count what Python executes for a hit, a miss and more, and compare; BENCH=--update stores the counts, BENCH='--against REVISION' compares with another git revision
# make bench-start measure how long a process takes to its first answer
# make bench-scale fill a store with 1,000,000 entries, and more (10 minutes)
# make fuzz  search for input that breaks something, for SECONDS=60; what is found goes to fixtures/fuzz
# make lowest test the lowest versions of the dependencies that pyproject.toml allows
# make cache-tests run the public tests of HTTP caches, and write their scores to fixtures/cache-tests/SCORES.md
# make matrix test every SDK, cell by cell, in its own environment; results go to tests/sdk/matrix/matrix.json. LATEST=1: with the newest releases, and say what broke
# Each target creates the environments it needs on first use, with pinned versions (by uv if it is installed, else by venv and pip).

# The first of these that runs and is new enough; make PYTHON=... names another one.
ifndef PYTHON
PYTHON := $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do \
  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then command -v $$name; break; fi; done)
endif
IN_VENV := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN = .venv/$(IN_VENV)

.PHONY: _test _test-openai2 audit screenshots demo test test-again lowest lint coverage mutants guide picture package recipes evaluations bench bench-check bench-peers bench-scale bench-start cache-tests faults fuzz matrix soak suites lock clean
.DEFAULT_GOAL := test

demo: .venv/.ready
	$(BIN)/wirecache demo

# Half of the time tests wait: for processes, sockets and a browser. So there are twice as many processes of pytest as processors, and the tests
# of the second environment run beside. Programs that tests start need compiled modules, wherever the caller wants none.
test: .venv/.ready .venv-openai2/.ready .venv-s3/.ready
	$(MAKE) --no-print-directory --jobs 2 _test _test-openai2

_test _test-openai2: export PYTHONDONTWRITEBYTECODE :=

_test:
	$(BIN)/python -m pytest -n 4 --dist worksteal

_test-openai2:
	.venv-openai2/$(IN_VENV)/python -m pytest -c pyproject.toml tests/sdk/openai2

test-again: .venv/.ready .venv-openai2/.ready .venv-s3/.ready
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none
	.venv-openai2/$(IN_VENV)/python -m pytest -c pyproject.toml tests/sdk/openai2

# Each dependency and extra has tests here; those of SDKs are left out, since newer ones need newer versions, as do prices; there is no browser.
lowest: .venv-lowest/.ready .venv-lowest-prices/.ready .venv-s3/.ready
	.venv-lowest/$(IN_VENV)/python -m pytest -n 2 -k "not sdk and not span and not schema and not 100_000 and not savings and not browser and not colleague and not test_the_list" \
	  --ignore tests/settings/test_budgets.py tests/core/keys tests/core/flows tests/settings tests/engine/test_rfc9111.py tests/faces/test_calls.py tests/faces/test_on_exchange.py \
	  tests/stores/test_encrypted.py tests/stores/test_redis.py tests/stores/test_objects.py tests/stores/test_open.py tests/cassette/test_file.py \
	  tests/cassette/test_import.py tests/cli/test_entries.py tests/cli/test_warm.py tests/proxy tests/cli/test_serve.py \
	  tests/ui/test_api.py tests/ui/test_pages.py tests/ui/test_actions.py tests/ui/test_security.py tests/ui/test_more_pages.py
	.venv-lowest-prices/$(IN_VENV)/python -m pytest tests/test_prices.py tests/settings/test_budgets.py tests/cli/test_stats.py

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/codespell src tests README.md CHANGELOG.md .github .ci Makefile pyproject.toml

coverage: .venv-core/.ready
	.venv-core/$(IN_VENV)/python -m tests.core.own_coverage

mutants: .venv-core/.ready
	.venv-core/$(IN_VENV)/python -m tests.mutants $(MUTANTS)

screenshots: .venv/.ready
	$(BIN)/python -m tests.ui.screenshots

bench: .venv/.ready
	$(BIN)/python -m tests.benchmarks.transport
	$(BIN)/python -m tests.benchmarks.heartbeat
	$(BIN)/python -m tests.benchmarks.cassette
	$(BIN)/python -m tests.benchmarks.proxy
	$(BIN)/python -m tests.benchmarks.pages
	$(BIN)/python -m tests.benchmarks.items
	$(BIN)/python -m tests.benchmarks.parts

bench-check: .venv/.ready
	$(BIN)/python -m tests.benchmarks.check $(BENCH)

bench-scale: .venv/.ready
	$(BIN)/python -m tests.benchmarks.scale $(BENCH)

bench-start: .venv/.ready
	$(BIN)/python -m tests.benchmarks.start $(BENCH)

bench-peers: .venv-peers/.ready
	.venv-peers/$(IN_VENV)/python -m tests.benchmarks.peers $(BENCH)

faults: .venv/.ready
	FAULT_SEEDS=$(or $(SEEDS),500) $(BIN)/python -m pytest -n 2 --timeout 7200 tests/faults

soak: .venv/.ready
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),30) --report soak-report

suites: .venv/.ready
	$(BIN)/python -m tests.suites $(SUITES)

cache-tests: .venv/.ready
	$(BIN)/python -m tests.engine.cache_tests

SECONDS = 60
fuzz: .venv/.ready
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(FUZZ)

clients: .venv-clients/.ready .clients/.ready
	.venv-clients/$(IN_VENV)/python -m tests.proxy.real

guide: .venv/.ready
	$(BIN)/python -m tests.guide.generated

picture: .venv/.ready
	$(BIN)/python -m tests.guide.picture

audit: .venv-audit/.ready
	.venv-audit/$(IN_VENV)/pip-audit --strict --disable-pip --no-deps -r .ci/requirements.txt -r .ci/clients.txt -r .ci/recipes.txt

package: .venv/.ready .venv-s3/.ready
	.ci/package

recipes: .venv-recipes/.ready
	.venv-recipes/$(IN_VENV)/python -m pytest -c pyproject.toml tests/guide/recipes

evaluations: .venv-evaluations/.ready
	.venv-evaluations/$(IN_VENV)/python -m pytest -c pyproject.toml tests/sdk/evaluations

ifdef LATEST
matrix: .venv/.ready
	$(BIN)/python -m tests.sdk.matrix.latest $(ENVIRONMENTS)
else
matrix: .venv/.ready .venv-openai2/.ready .venv-frameworks/.ready .venv-litellm/.ready .venv-instructor/.ready
	$(BIN)/python -m tests.sdk.matrix run
	.venv-openai2/$(IN_VENV)/python -m tests.sdk.matrix run
	.venv-frameworks/$(IN_VENV)/python -m tests.sdk.matrix run
	.venv-litellm/$(IN_VENV)/python -m tests.sdk.matrix run
	.venv-instructor/$(IN_VENV)/python -m tests.sdk.matrix run
	.venv-frameworks/$(IN_VENV)/python -m pytest -c pyproject.toml tests/clients/frameworks tests/sdk/frameworks
	.venv-instructor/$(IN_VENV)/python -m pytest -c pyproject.toml tests/sdk/instructor
	$(MAKE) guide
endif

lock: .venv/.ready
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra cli --extra httpx2 --extra serve .ci/clients.in -o .ci/clients.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra all .ci/requirements.in -o .ci/requirements.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra httpx2 .ci/core.in -o .ci/core.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header .ci/audit.in -o .ci/audit.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml .ci/openai2.in -o .ci/openai2.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra httpx2 .ci/frameworks.in -o .ci/frameworks.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra httpx2 --extra cli .ci/recipes.in -o .ci/recipes.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra httpx2 --extra serve .ci/evaluations.in -o .ci/evaluations.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header .ci/s3.in -o .ci/s3.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml .ci/litellm.in -o .ci/litellm.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra httpx2 --extra encryption .ci/instructor.in -o .ci/instructor.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header pyproject.toml --extra httpx2 --extra encryption .ci/peers.in -o .ci/peers.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header --resolution lowest-direct pyproject.toml --extra httpx2 --extra cli --extra encryption --extra redis --extra objects --extra otel --extra serve --extra ui .ci/lowest.in -o .ci/lowest.txt
	uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header --resolution lowest-direct pyproject.toml --extra cli --extra prices .ci/lowest-prices.in -o .ci/lowest-prices.txt

clean:
	rm -rf .venv .venv-core .venv-audit .venv-clients .clients .venv-openai2 .venv-frameworks .venv-litellm .venv-instructor .venv-peers .venv-recipes .venv-evaluations .venv-s3 .venv-lowest .venv-lowest-prices .suites .venv-latest soak-report .mutants dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

CHECK_PYTHON = import sys; sys.exit(None if sys.version_info >= (3, 11) else "%s is Python %d.%d" % ((sys.executable,) + sys.version_info[:2]))

# Create the environment $(1) with the pinned packages of $(2) and this project.
define environment
	@$(or $(PYTHON),python3) -c '$(CHECK_PYTHON)' || { echo "wirecache needs Python 3.11 or later. Install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	rm -rf $(1)
	if command -v uv >/dev/null; then \
	  uv venv -q --python $(PYTHON) $(1) && uv pip install -q --python $(1) -r $(2) && uv pip install -q --python $(1) --no-deps -e .; \
	else \
	  $(PYTHON) -m venv $(1) && $(1)/$(IN_VENV)/python -m pip install -q --disable-pip-version-check -r $(2) \
	  && $(1)/$(IN_VENV)/python -m pip install -q --disable-pip-version-check --no-deps -e .; \
	fi
	touch $(1)/.ready
endef

.venv/.ready: pyproject.toml .ci/requirements.txt
	$(call environment,.venv,.ci/requirements.txt)

.venv-audit/.ready: .ci/audit.txt
	$(call environment,.venv-audit,.ci/audit.txt)

.venv-core/.ready: pyproject.toml .ci/core.txt
	$(call environment,.venv-core,.ci/core.txt)

.venv-openai2/.ready: pyproject.toml .ci/openai2.txt
	$(call environment,.venv-openai2,.ci/openai2.txt)

.venv-frameworks/.ready: pyproject.toml .ci/frameworks.txt
	$(call environment,.venv-frameworks,.ci/frameworks.txt)

.venv-litellm/.ready: pyproject.toml .ci/litellm.txt
	$(call environment,.venv-litellm,.ci/litellm.txt)

.venv-lowest/.ready: pyproject.toml .ci/lowest.txt
	$(call environment,.venv-lowest,.ci/lowest.txt)

.venv-lowest-prices/.ready: pyproject.toml .ci/lowest-prices.txt
	$(call environment,.venv-lowest-prices,.ci/lowest-prices.txt)

.venv-recipes/.ready: pyproject.toml .ci/recipes.txt
	$(call environment,.venv-recipes,.ci/recipes.txt)

.venv-evaluations/.ready: pyproject.toml .ci/evaluations.txt
	$(call environment,.venv-evaluations,.ci/evaluations.txt)

.venv-peers/.ready: pyproject.toml .ci/peers.txt
	$(call environment,.venv-peers,.ci/peers.txt)

.venv-instructor/.ready: pyproject.toml .ci/instructor.txt
	$(call environment,.venv-instructor,.ci/instructor.txt)

# The object store of the tests: its own packages would get in the way of those that are tested.
.venv-s3/.ready: .ci/s3.txt
	$(call environment,.venv-s3,.ci/s3.txt)

.venv-clients/.ready: pyproject.toml .ci/clients.txt
	$(call environment,.venv-clients,.ci/clients.txt)

# The versions are those of package.json; npm's scripts are not run but those that fetch the programs themselves.
.clients/.ready: .ci/clients.json
	mkdir -p .clients && cp .ci/clients.json .clients/package.json
	cd .clients && npm install --no-audit --no-fund --ignore-scripts
	cd .clients/node_modules/@anthropic-ai/claude-code && node install.cjs
	cd .clients/node_modules/opencode-ai && node postinstall.mjs
	$(PYTHON) -m venv .clients/aider && .clients/aider/$(IN_VENV)/python -m pip install -q --disable-pip-version-check aider-chat==0.86.2
	mkdir -p .clients/promptfoo && npm install --prefix .clients/promptfoo --no-audit --no-fund --ignore-scripts --omit=optional promptfoo@0.121.20 \
	  @libsql/$$(node -p '[process.platform, process.arch, ...({linux: ["gnu"], win32: ["msvc"]}[process.platform] ?? [])].join("-")')@0.5.29
	touch .clients/.ready
