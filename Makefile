# Every target sets up what it needs inside this checkout; only `parts` touches the machine.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input

.PHONY: demo test lint prove fuzz bench soak coverage mutate audit sbom parts mirror lock clean

demo: $(VENV)/.runtime
	@$(PY) -I -m codex_auth_lsp demo

test: $(VENV)/.dev
	@$(PY) tests/run.py

lint: $(VENV)/.dev
	@$(PY) tests/run.py --lint-only

# The reliability proofs with their full figures, in about 40 minutes; writes docs/reliability.md, as
# the next ones do. A run of less than the full sizes tells its figures and leaves the page alone.
# PROVE_ONLY names parts (crash faults ends rotation beside_codex torn model keyring callback_flood request_flood parent_deaths), the others change sizes.
prove: $(VENV)/.dev
	@test -d tests/parts/node_modules || npm ci --prefix tests/parts --loglevel=error
	@PYTHONPATH=tests $(PY) -m prove $(foreach part,$(PROVE_ONLY),--only $(part)) \
	  $(foreach size,KILLS PROCESSES CYCLES BESIDE ROUNDS READS WALKS KEYRING_KILLS FLOOD REQUESTS PARENTS SEED,$(if \
	  $(PROVE_$(size)),--$(shell echo $(size) | tr A-Z a-z) $(PROVE_$(size))))

# A million odd messages and what else may come from outside, in portions that a stopped run keeps;
# writes its chapter of docs/reliability.md. FUZZ_ONLY names parts, FUZZ_SEED and FUZZ_SCALE change them.
fuzz: $(VENV)/.fuzz
	@PYTHONPATH=tests $(PY) -m fuzz $(foreach part,$(FUZZ_ONLY),--only $(part)) \
	  $(foreach size,SEED SCALE,$(if $(FUZZ_$(size)),--$(shell echo $(size) | tr A-Z a-z) $(FUZZ_$(size))))

# Our figures beside those of other servers on this machine, in about ten quiet minutes; writes the
# figures of docs/performance.md, where no server of that page is missing. BENCH_COPILOT=1 installs
# Copilot's language server to measure it, too.
bench: $(VENV)/.bench
	@test -d tests/parts/node_modules || npm ci --prefix tests/parts --loglevel=error
	@test -z "$(BENCH_COPILOT)" || npm install --prefix .cache/bench --no-save --loglevel=error @github/copilot-language-server
	@PYTHONPATH=tests $(PY) -m bench $(foreach size,ROUNDS TRIPS CHANGES,$(if \
	  $(BENCH_$(size)),--$(shell echo $(size) | tr A-Z a-z) $(BENCH_$(size))))

# Hours of use in the background: 10,000 status requests, 200 logins, 500 refreshes and idling. The same
# again tells how far it is, or goes on where it was stopped (by the `kill` that it names); one of 120
# minutes or more writes the soak of docs/performance.md.
soak: $(VENV)/.dev
	@PYTHONPATH=tests $(PY) -m soak $(if $(MINUTES),--minutes $(MINUTES))

# Lines and branches that the tests run, in every process that they start; COVERAGE_ONLY measures one
# of logic, stores, e2e and parts anew. Fails below 95 % of a package that counts; writes its chapter of
# docs/reliability.md.
coverage: $(VENV)/.dev
	@PYTHONPATH=tests $(PY) -m covered $(foreach part,$(COVERAGE_ONLY),--only $(part))

# Small changes to oauth and the pure parts of the stores, and whether the tests notice each. A run
# that was stopped goes on where it was; MUTATE_MINUTES ends one. Writes its chapter of
# docs/reliability.md.
mutate: $(VENV)/.mutate
	@PYTHONPATH=tests $(PY) -m mutate $(if $(MUTATE_MINUTES),--minutes $(MUTATE_MINUTES))

# Known vulnerabilities of all that is locked, by pip-audit and npm audit. UNCHECKED, and a status
# that is not 0, where their services do not answer. AUDIT_OSV asks a service of one's own for Python.
audit: $(VENV)/.dev
	@PYTHONPATH=tests $(PY) -m audit $(if $(AUDIT_OSV),--osv $(AUDIT_OSV))

# What server and extension are made of, as CycloneDX, out of the lock files: dist/*.cdx.json.
sbom: $(VENV)/.dev
	@PYTHONPATH=tests $(PY) -m sbom

# The Debian packages that some tests need (run as root): chromium, a keyring, strace and the like.
parts:
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive xargs -a tests/parts/debian.txt apt-get install -y -qq --no-install-recommends
	tests/parts/newer_editors.sh

$(VENV)/.runtime: requirements.lock requirements-build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("codex-auth-lsp needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Setting up $(VENV) (once) ..."
	@$(PIP) --require-hashes -r requirements.lock -r requirements-build.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.fuzz: $(VENV)/.dev requirements-fuzz.lock
	@$(PIP) --require-hashes -r requirements-fuzz.lock
	@touch $@

$(VENV)/.mutate: $(VENV)/.dev requirements-mutate.lock
	@$(PIP) --require-hashes -r requirements-mutate.lock
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements-bench.lock
	@$(PIP) --require-hashes -r requirements-bench.lock
	@touch $@

# Rewrites what is made of the server's models: the VS Code client's declarations, the JSON Schema.
mirror: $(VENV)/.dev
	@PYTHONPATH=tests $(PY) -m wire.client_mirror
	@PYTHONPATH=tests $(PY) -m wire.json_schema

# Rewrites the lock files from pyproject.toml; they hold hashes and no addresses, and agree.
COMPILE := uv pip compile --quiet --universal --generate-hashes --no-header
lock:
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) --group build --output-file requirements-build.lock
	for group in dev bench fuzz mutate; do \
	  $(COMPILE) --group $$group --constraint requirements.lock --constraint requirements-build.lock \
	    --output-file requirements-$$group.lock || exit 1; \
	done

clean:
	rm -rf $(VENV) .cache dist
