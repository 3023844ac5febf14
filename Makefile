# Every target is safe to repeat. `make` alone prints this help.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build release install uninstall deb layout package run demo test lint bench proof

BUILD_FLAGS := --explicit-target-dependency-import-check error

# So many tests at once: with more, time limits inside the programs under test run out on two slow cores.
TEST_FLAGS := --disable-xctest --experimental-maximum-parallelization-width 8

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Programs that are `bus` under other names; each stands for the words in its name.
LINKS := bus-api bus-billing bus-events bus-integration bus-operator bus-operator-token

build: ## Build every program into .build/debug, bus-operator-token and its like included
	@Scripts/setup run
	@swift build $(BUILD_FLAGS)
	@cd "$$(swift build --show-bin-path)" && for name in $(LINKS); do ln -sfn bus "$$name"; done

PROGRAMS := bus bus-api-provider-billing bus-api-provider-events bus-integration-billing bus-integration-stripe \
	bus-local bus-stripe-sandbox
PREFIX := /usr/local
DESTDIR :=
TREE := .build/ship/tree
SHIP := PROGRAMS="$(PROGRAMS)" LINKS="$(LINKS)" PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" TREE="$(TREE)"

release: ## Build the programs to ship, stripped and with the Swift runtime inside, into .build/ship/tree/bin
	@Scripts/setup run
	@$(SHIP) Scripts/release

install: ## Install what `make release` made; PREFIX is /usr/local and DESTDIR empty unless given
	@$(SHIP) Scripts/install install

uninstall: ## Remove what `make install` installed; settings and data stay
	@$(SHIP) Scripts/install uninstall

deb: release ## Make a Debian package of it in .build/ship
	@Scripts/setup deb
	@$(SHIP) Scripts/deb .build/ship

# The two steps of it that the tests take with other programs: make layout BUILT=<folder>, make package PACKAGES=<folder>
layout:
	@$(SHIP) Scripts/layout "$(BUILT)"

package:
	@$(SHIP) Scripts/deb "$(PACKAGES)"

run: build ## Build and start bus-local on http://127.0.0.1:8080 (Ctrl-C stops it)
	@exec .build/debug/bus-local --catalog Examples/catalog.json

demo: ## Send one signed Stripe event to a running bus-local and show the Bus event it becomes
	@Scripts/demo

test: ## Build everything and run every test
	@Scripts/setup test
	@swift build $(BUILD_FLAGS) --build-tests
	@swift test --skip-build $(TEST_FLAGS)

lint: ## Check formatting, imports between modules, secrets, citations and names
	@Scripts/setup lint
	@Scripts/lint

bench: ## Measure speed, memory and durability beside other receivers and PostgreSQL
	@Scripts/setup bench
	@Benchmarks/run

# Tests reach into modules, which a release build allows only when asked; its products keep to a folder of their own.
PROOF := -c release -Xswiftc -enable-testing --scratch-path .build/proof

proof: ## Run the tests with many more rounds, built for release: forgeries, kills, idle connections
	@Scripts/setup test
	@swift build $(PROOF) $(BUILD_FLAGS) --build-tests
	@set -o pipefail; BUS_PROOF=1 swift test $(PROOF) --skip-build $(TEST_FLAGS) 2>&1 | tee .build/proof.log
	@echo; echo "Seeds and figures:"; grep -aiE 'seed|^  [a-z].* [0-9.,]+( [a-zµ%/]+)?$$' .build/proof.log
