# authchain: `make demo` shows it, `make test` proves it, `make install` installs it.

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
SOVERSION := $(word 1,$(subst ., ,$(VERSION))).$(word 2,$(subst ., ,$(VERSION)))
SO := libauthchain.so
OUT := target/dist

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
UNITDIR ?= $(PREFIX)/lib/systemd/system

CARGO ?= cargo
CC ?= gcc
CXX ?= g++
WARN := -pedantic -Wall -Wextra -Werror
# What the static archive needs besides itself, on Debian 12.
NATIVE := -lsqlite3 -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc

RUST := $(shell find src -name '*.rs' -o -name '*.py') Cargo.toml Cargo.lock build.rs

.PHONY: all setup demo test check soak bench header static install uninstall clean
.PHONY: wheel check-rust check-c check-symbols test-c test-install test-python test-browser
.PHONY: modules install-modules uninstall-modules test-apache sanitize-apache bench-apache

all: $(OUT)/$(SO) target/release/authchain target/release/$(SO)

setup:
	@scripts/setup

# --- building -------------------------------------------------------------------------------

# The command, and cargo's own form of the library, which the gates compare with the release library.
target/release/authchain target/release/$(SO) &: $(RUST)
	$(CARGO) build --release --locked --lib --bins
	@touch target/release/authchain target/release/$(SO)

target/release/libauthchain.a: $(RUST)
	$(CARGO) rustc --release --locked --lib --no-default-features --features jwks-url --crate-type staticlib
	@touch $@

# The release library is the archive linked again: rustc's own linking cannot take a version script.
$(OUT)/$(SO): target/release/libauthchain.a authchain.map
	@mkdir -p $(OUT)
	$(CC) -shared -o $(OUT)/new.so -Wl,-soname,$(SO).$(SOVERSION) \
	  -Wl,--whole-archive target/release/libauthchain.a -Wl,--no-whole-archive \
	  -Wl,--version-script=authchain.map -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,defs,-z,nodelete -s $(NATIVE)
	mv $(OUT)/new.so $(OUT)/$(SO).$(VERSION) # programs that run keep the old one
	ln -sf $(SO).$(VERSION) $(OUT)/$(SO).$(SOVERSION)
	ln -sf $(SO).$(SOVERSION) $(OUT)/$(SO)

# The archive with everything but auth_* made local: a host's function of the same name as one of
# ours would silently replace it.
static: $(OUT)/libauthchain.a
$(OUT)/libauthchain.a: target/release/libauthchain.a
	@mkdir -p $(OUT)
	ld -r --whole-archive $< -o $(OUT)/authchain.o
	objcopy -w --keep-global-symbol='auth_*' -R .llvmbc -R .llvmcmd $(OUT)/authchain.o
	rm -f $@ && ar rcs $@ $(OUT)/authchain.o && rm $(OUT)/authchain.o

# Modules of hosts, over the C ABI alone. Only the module itself is exported: APR loads into the global scope.
modules: $(OUT)/mod_authchain.so

APACHE := $(wildcard modules/apache/*.c modules/apache/*.h)
APACHE_FLAGS = -std=c99 -O2 -g -fPIC -fvisibility=hidden $(WARN) -Iinclude \
  $$(apr-1-config --cppflags) -isystem $$(apxs -q INCLUDEDIR) -isystem $$(apr-1-config --includedir)
apache_module = $(CC) $(APACHE_FLAGS) -shared -o $(1) $(filter %.c,$(APACHE)) -L$(OUT) -lauthchain \
  -Wl,-rpath,'$(2)' -Wl,-z,relro,-z,now

$(OUT)/mod_authchain.so: $(APACHE) include/authchain.h $(OUT)/$(SO)
	$(call apache_module,$@,$$ORIGIN)

header:
	BLESS=1 $(CARGO) test -q --test header

# --- showing and proving ---------------------------------------------------------------------

# Real requests to real servers over a real database, and what each said.
demo: setup all modules $(OUT)/server
	@scripts/demo

$(OUT)/server: examples/server.c include/authchain.h $(OUT)/$(SO)
	$(CC) -std=c99 -O2 $(WARN) -Iinclude $< -o $@ -L$(OUT) -lauthchain -lmicrohttpd -Wl,-rpath,'$$ORIGIN'

# Everything; ends with the runners' summaries.
test: setup
	$(MAKE) check test-c test-install test-python test-browser test-apache
	@scripts/demo

# The quick half, in the order of cheapness.
check: check-rust check-c check-symbols

check-rust:
	$(CARGO) fmt --check
	$(CARGO) clippy -q --locked --all-targets -- -D warnings
	$(CARGO) test --locked

check-c: all
	$(MAKE) -C c-tests headers

# The library exports exactly the functions that the header declares; both ways of linking it.
check-symbols: all
	@grep -v '^ \*' include/authchain.h | grep -oE '\bauth[a-z0-9]*_[a-z0-9_]+\(' | grep -v 'auth_text(\|auth_sized_(\|auth_plugin_entry(' | tr -d '(' | sort -u > $(OUT)/declared
	for so in $(OUT)/$(SO) target/release/$(SO); do \
	  nm -D --defined-only $$so | awk '{print $$3}' | sed 's/@.*//' | grep -v AUTHCHAIN_0 | sort > $(OUT)/exported; \
	  diff $(OUT)/declared $(OUT)/exported || exit 1; done

test-c: all $(OUT)/server
	$(MAKE) -C c-tests test sanitize valgrind

# What `make install` installs is found by pkg-config, compiles, links both ways and runs.
test-install: all static
	scripts/test-install

test-python: all
	AUTHCHAIN_LIBRARY=$(CURDIR)/$(OUT)/$(SO) PYTHONPATH=python-bindings .venv/bin/python -m pytest -q python-bindings/tests
	MYPYPATH=python-bindings .venv/bin/python -m mypy --strict python-bindings/authchain python-bindings/typing_tests examples/app.py
	cd python-bindings && ../.venv/bin/basedpyright --level error --pythonpath ../.venv/bin/python && ../.venv/bin/ruff check -q

# A wheel with the library in it, for this platform and Debian's libsqlite3; and that of the optional module in C.
wheel: all
	scripts/make-wheel .venv/bin/python $(OUT)/$(SO) target/wheels
	scripts/make-wheel .venv/bin/python fast target/wheels

# A real browser, Django's admin and `authchain serve` over one database.
test-browser: all
	.venv/bin/python -m pytest -q tests/browser
	MYPYPATH=tests/browser .venv/bin/python -m mypy --strict tests/browser

# Real Apaches on free ports.
test-apache: all modules
	MYPYPATH=modules/apache/tests .venv/bin/python -m mypy --strict $(wildcard modules/apache/tests/test_*.py)
	.venv/bin/python -m pytest -q -p no:cacheprovider modules/apache/tests

# The same under AddressSanitizer, module and library: minutes. `apache2` itself is not, so its leaks are not looked for.
ASAN_APACHE := target/asan/mod_authchain.so
sanitize-apache: all
	$(MAKE) -C c-tests asan-lib
	$(CC) $(APACHE_FLAGS) -shared -fsanitize=address,undefined -fno-sanitize-recover=all -o $(ASAN_APACHE) \
	  $(filter %.c,$(APACHE)) target/asan/x86_64-unknown-linux-gnu/release/libauthchain.a $(NATIVE)
	AUTHCHAIN_MODULE=$(CURDIR)/$(ASAN_APACHE) AUTHCHAIN_WRAPPER="env LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) \
	  ASAN_OPTIONS=detect_leaks=0 " .venv/bin/python -m pytest -q -p no:cacheprovider -k "not valgrind" modules/apache/tests

soak: setup all
	scripts/soak

bench: setup all
	scripts/bench

bench-apache: setup all modules
	.venv/bin/python benches/apache.py

# --- installing -----------------------------------------------------------------------------

install: all static
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(BINDIR)
	install -m 644 include/authchain.h $(DESTDIR)$(INCLUDEDIR)/
	install -m 755 $(OUT)/$(SO).$(VERSION) $(DESTDIR)$(LIBDIR)/
	ln -sf $(SO).$(VERSION) $(DESTDIR)$(LIBDIR)/$(SO).$(SOVERSION)
	ln -sf $(SO).$(SOVERSION) $(DESTDIR)$(LIBDIR)/$(SO)
	install -m 644 $(OUT)/libauthchain.a $(DESTDIR)$(LIBDIR)/
	install -m 755 target/release/authchain $(DESTDIR)$(BINDIR)/
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|' \
	  authchain.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/authchain.pc
	install -d $(DESTDIR)$(UNITDIR)
	sed -e 's|@BINDIR@|$(BINDIR)|' packaging/systemd/authchain.service > $(DESTDIR)$(UNITDIR)/authchain.service
	install -m 644 packaging/systemd/authchain.socket $(DESTDIR)$(UNITDIR)/

# Where apxs says that modules are; a2enmod finds the .load where Debian keeps them.
install-modules: all
	install -d $(DESTDIR)$$(apxs -q LIBEXECDIR)
	$(call apache_module,$(DESTDIR)$$(apxs -q LIBEXECDIR)/mod_authchain.so,$(LIBDIR))
	if [ -d "$$(apxs -q sysconfdir)/mods-available" ]; then \
	  install -d $(DESTDIR)$$(apxs -q sysconfdir)/mods-available; \
	  echo "LoadModule authchain_module $$(apxs -q LIBEXECDIR)/mod_authchain.so" \
	    > $(DESTDIR)$$(apxs -q sysconfdir)/mods-available/authchain.load; fi

uninstall-modules:
	rm -f $(DESTDIR)$$(apxs -q LIBEXECDIR)/mod_authchain.so $(DESTDIR)$$(apxs -q sysconfdir)/mods-available/authchain.load

uninstall:
	rm -f $(DESTDIR)$(INCLUDEDIR)/authchain.h $(DESTDIR)$(BINDIR)/authchain \
	  $(DESTDIR)$(LIBDIR)/$(SO) $(DESTDIR)$(LIBDIR)/$(SO).$(SOVERSION) $(DESTDIR)$(LIBDIR)/$(SO).$(VERSION) \
	  $(DESTDIR)$(LIBDIR)/libauthchain.a $(DESTDIR)$(LIBDIR)/pkgconfig/authchain.pc \
	  $(DESTDIR)$(UNITDIR)/authchain.service $(DESTDIR)$(UNITDIR)/authchain.socket

clean:
	$(CARGO) clean
