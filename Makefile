# Everything a newcomer needs: `make run` and `make test`. The rest is for those who work on it.

CONFIG ?=
PYTHON := .venv/bin/python
RELEASE := swift build -c release --static-swift-stdlib --product roost
SOURCES := Package.swift Sources Tests Benchmarks Fuzz
SECONDS ?= 60
TARGETS ?=

.PHONY: run test build lint format protos prices bench fuzz differential soak sanitize clean help

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: ## Install what is missing, build, and run the collector
	@scripts/packages.sh run
	@$(RELEASE)
	@exec .build/release/roost serve $(if $(CONFIG),--config $(CONFIG))

test: ## Install what is missing, build, and run every test
	@scripts/packages.sh test
	@scripts/venv.sh Tests/requirements.txt
	@scripts/agents.sh
	@scripts/test.sh

build: ## Build the program for use: .build/release/roost
	@scripts/packages.sh run
	@$(RELEASE)

lint: ## Check layout and imports
	@swift format lint --strict --parallel --recursive $(SOURCES)
	@swift build --explicit-target-dependency-import-check error

format: ## Lay out every Swift file
	@swift format --in-place --parallel --recursive $(SOURCES)

protos: ## Generate the C of Sources/COTLP from Protos/
	@scripts/packages.sh test
	@Protos/generate.sh

prices: ## Make the built-in table of prices anew from the figures on PyPI
	@scripts/packages.sh test
	@scripts/venv.sh Tests/requirements.txt
	@Prices/update.sh

bench: ## Measure side by side with rotel and print one table
	@scripts/packages.sh test
	@scripts/venv.sh Tests/requirements.txt Benchmarks/requirements.txt
	@$(RELEASE)
	@$(PYTHON) Benchmarks/run.py

fuzz: ## Give each fuzz target inputs for SECONDS (60), or those named in TARGETS
	@scripts/packages.sh test
	@scripts/venv.sh Tests/requirements.txt
	@scripts/fuzz.sh $(SECONDS) $(TARGETS)

differential: ## Compare with other implementations for longer than the tests do
	@scripts/packages.sh test
	@scripts/venv.sh Tests/requirements.txt
	@scripts/differential.sh

soak: ## Let everything go wrong, with full counts, and print what became of the data
	@scripts/packages.sh test
	@scripts/venv.sh Tests/requirements.txt
	@$(RELEASE)
	@scripts/soak.sh

sanitize: ## Run unit and end-to-end tests under thread and address sanitizer
	@scripts/packages.sh test
	@scripts/venv.sh Tests/requirements.txt
	@scripts/sanitize.sh

clean: ## Remove what was built
	@rm -rf .build .venv
