# What a contributor runs. `make test` is the one command to know.
#
#   FEATURES=postgres-tls   cargo features for every target below; use the same ones throughout, another set builds anew
#   CARGO_FLAGS=--locked    further flags for every build

FEATURES ?=
CARGO_FLAGS ?=

CARGO ?= cargo
cargo_flags = $(CARGO_FLAGS) $(if $(FEATURES),--features $(FEATURES))

.DEFAULT_GOAL := test
.PHONY: test test-all test-long lint licences install-test-tools

## All tests except the long ones, on both databases.
test: install-test-tools
	scripts/with-postgres scripts/run-tests $(cargo_flags)

## The tests marked `#[ignore = "long: ..."]` as well, and the licences.
test-all: test-long test licences

## Only the long tests.
test-long: install-test-tools
	scripts/with-postgres scripts/run-tests --long $(cargo_flags)

## Formatting and lints, warnings refused.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets $(cargo_flags) -- -D warnings

## The licences and sources of all dependencies, by deny.toml.
licences:
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny check licenses bans sources; \
	else \
		echo "NOT CHECKED: licences and sources of the dependencies; cargo-deny is missing (cargo install cargo-deny)."; \
	fi

## The server programs of PostgreSQL, when they are missing.
install-test-tools:
	@scripts/install-test-tools
