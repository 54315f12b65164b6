# Weft's tasks. Bare `make` lists them.

CARGO ?= cargo
# Where cargo puts what it builds; demo, lab and tests share one profile, so the tree compiles once.
TARGET := $(or $(CARGO_TARGET_DIR),target)
WEFT := $(TARGET)/debug/weft
# web3.py, in an environment of its own.
VENV := $(TARGET)/ethereum-python
PYTHON := $(VENV)/bin/python
# Runs a suite and prints its seconds.
TIMED := scripts/timed
# Always the whole workspace: with fewer members cargo settles on other features of shared dependencies, and builds those
# twice.
ALL := --workspace

.DEFAULT_GOAL := help
.PHONY: help demo test check web api bench-files bench-ledger fuzz soak build needs needs-web needs-test needs-check needs-fuzz

help: ## list the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16

demo: needs web build ## five peers share a real file and a folder, one is killed half-way; then watch it all in a browser
	$(WEFT) lab --check $(if $(CI),,--stay)

test: needs-test web contracts/node_modules tests/ethereum/node_modules $(PYTHON) ## every test, real clients, browsers and network namespaces included
	@$(TIMED) "page: types, lints, tests" sh -c 'cd web && npm run --silent check && npm test --silent'
	@$(TIMED) "contracts" sh -c 'cd contracts && npm test --silent'
	@$(TIMED) "build" $(CARGO) build $(ALL) --all-targets
	@$(TIMED) "unit, property and integration tests" $(CARGO) test $(ALL) --exclude weft-tests
	@$(TIMED) "end to end with real clients" $(CARGO) test $(ALL) --test e2e -- --test-threads=1

check: needs-check ## formatting, lints, documentation, dependencies, lock file
	@$(TIMED) "rustfmt" $(CARGO) fmt --all --check
	@$(TIMED) "clippy" $(CARGO) clippy $(ALL) --all-targets --locked -- -D warnings
	@RUSTDOCFLAGS="-D warnings" $(TIMED) "rustdoc" $(CARGO) doc $(ALL) --no-deps --document-private-items --locked
	@$(TIMED) "licences, bans, sources" $(CARGO) deny check licenses bans sources
	@git diff --exit-code -- Cargo.lock

web: web/node_modules ## the dashboard, into web/dist
	@$(TIMED) "page" sh -c 'cd web && npm run --silent build'

api: web/node_modules ## the page's types, from what the node serves
	WEFT_WRITE_OPENAPI=1 $(CARGO) test $(ALL) --test it -- openapi
	cd web && npm run api

web/node_modules: web/package-lock.json | needs-web
	cd web && npm ci --silent --no-audit --no-fund
	@touch web/node_modules

# Not `npm ci`: forge names a package for each platform as optional, not every registry has all of them, and `ci` insists on
# each. The versions are the lock file's all the same.
contracts/node_modules: contracts/package-lock.json | needs-web
	cd contracts && npm install --no-save --silent --no-audit --no-fund
	@touch contracts/node_modules

tests/ethereum/node_modules: tests/ethereum/package-lock.json | needs-web
	cd tests/ethereum && npm install --no-save --silent --no-audit --no-fund
	@touch tests/ethereum/node_modules

$(PYTHON): tests/ethereum/requirements.txt | needs-test
	python3 -m venv --clear $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement tests/ethereum/requirements.txt
	@touch $(PYTHON)

bench-files: needs-test ## 1 GiB and 2,000 small files beside libtorrent and transmission; writes target/bench/files.json
	$(CARGO) build --release $(ALL) --bin weft --bin weft-bench
	$(TARGET)/release/weft-bench files

bench-ledger: needs contracts/node_modules ## one and four validators beside anvil, a million accounts; writes target/bench/ledger.json
	$(CARGO) build --release $(ALL) --bin weft --bin weft-bench
	$(TARGET)/release/weft-bench ledger

FUZZ_SECONDS ?= 600
fuzz: needs-fuzz ## every fuzz target for FUZZ_SECONDS (600) each
	scripts/fuzz $(FUZZ_SECONDS)

soak: needs-test web contracts/node_modules tests/ethereum/node_modules $(PYTHON) ## every end-to-end suite, in the long form that `make test` runs a slice of
	WEFT_SOAK=1 $(TIMED) "soak" $(CARGO) test $(ALL) --test e2e -- --test-threads=1

build:
	$(CARGO) build $(ALL) --bin weft

# What each task needs beside Rust is installed by it.
needs:
	@scripts/needs cc:gcc

needs-web:
	@scripts/needs node:nodejs npm
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' || \
		{ echo "the dashboard is built with Node 20.19 or newer, and this is $$(node --version): install a newer one" >&2; exit 1; }

needs-test: needs
	@scripts/needs transmission-daemon ip:iproute2 nft:nftables sysctl:procps python3-libtorrent chromium ffmpeg
	@python3 -c 'import ensurepip, venv' 2>/dev/null || scripts/needs python3-venv

needs-fuzz:
	@scripts/needs cc:gcc c++:g++
	@command -v cargo-fuzz >/dev/null || $(CARGO) install --locked cargo-fuzz

needs-check:
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
