# Every target sets up what it needs inside this checkout; only `parts` touches the machine.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input
LOCKS := requirements.lock requirements-build.lock requirements-dev.lock

.PHONY: demo test lint prove parts mirror lock clean

demo: $(VENV)/.runtime
	@$(PY) -I -m codex_auth_lsp demo

test: $(VENV)/.dev
	@$(PY) tests/run.py

lint: $(VENV)/.dev
	@$(PY) tests/run.py --lint-only

# The reliability proofs with their full figures, in about 40 minutes; writes docs/reliability.md.
# PROVE_ONLY names parts (crash faults ends rotation beside_codex torn model keyring), the others change sizes.
prove: $(VENV)/.dev
	@test -d tests/parts/node_modules || npm ci --prefix tests/parts --loglevel=error
	@PYTHONPATH=tests $(PY) -m prove $(foreach part,$(PROVE_ONLY),--only $(part)) \
	  $(foreach size,KILLS PROCESSES CYCLES BESIDE ROUNDS READS WALKS KEYRING_KILLS SEED,$(if \
	  $(PROVE_$(size)),--$(shell echo $(size) | tr A-Z a-z) $(PROVE_$(size))))

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

# Rewrites the VS Code client's declarations of the wire from the server's models.
mirror: $(VENV)/.dev
	@PYTHONPATH=tests $(PY) -m wire.client_mirror

# Rewrites the lock files from pyproject.toml; they hold hashes and no addresses.
lock:
	uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-header --output-file requirements.lock
	uv pip compile --group build --quiet --universal --generate-hashes --no-header --output-file requirements-build.lock
	uv pip compile --group dev --quiet --universal --generate-hashes --no-header --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) .cache dist
