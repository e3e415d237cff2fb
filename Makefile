# SPDX-License-Identifier: Apache-2.0
# The front door; Meson and Ninja do the work behind it.
BUILD ?= build
PYTHON ?= /usr/bin/python3

.PHONY: build demo test check run bench fuzz lint asan tsan setup install clean

build: setup $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet
	@ln -sf src/cmd/headlessd $(BUILD)/headlessd

setup:
	@tools/setup

$(BUILD)/build.ninja:
	@meson setup $(BUILD) --buildtype=debugoptimized >/dev/null

# The guided tour: the StatefulSet lab of the second seed, for real.
demo: build
	@examples/demo

# Every test. Ends with `N passed, N failed`.
test: build
	@tools/test $(BUILD)

# A server in the foreground, with the defaults of the command line.
run: build
	@$(BUILD)/headlessd standalone

bench: build
	@tools/setup --bench
	@bench/run $(BUILD)

lint: build
	@tools/lint $(BUILD)

# Unit tests under the sanitizers, in build trees of their own.
asan: setup
	@[ -f $(BUILD)-asan/build.ninja ] || CC=clang meson setup $(BUILD)-asan --buildtype=debugoptimized \
		-Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C $(BUILD)-asan --quiet
	@ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 \
		UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		meson test -C $(BUILD)-asan --suite unit --no-rebuild --print-errorlogs -t 5

tsan: setup
	@[ -f $(BUILD)-tsan/build.ninja ] || CC=clang meson setup $(BUILD)-tsan --buildtype=debugoptimized \
		-Db_sanitize=thread -Db_lundef=false >/dev/null
	@ninja -C $(BUILD)-tsan --quiet
	@TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$(CURDIR)/tests/tsan.supp \
		meson test -C $(BUILD)-tsan --suite unit --no-rebuild --print-errorlogs -t 10

# Fuzzes each parser for FUZZ_SECONDS.
FUZZ_SECONDS ?= 60
fuzz: setup
	@tools/fuzz $(BUILD)-fuzz $(FUZZ_SECONDS)

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz
