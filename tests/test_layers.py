"""The direction of dependencies: who may import whom, who owns a library, who knows the time.

The tables below are the architecture. A new module or library has no place until it stands here.
"""

from __future__ import annotations

import ast
import graphlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import codex_auth_lsp

PACKAGE = Path(codex_auth_lsp.__file__).parent

FOUNDATION = {"__init__", "errors", "secret", "clock", "failures", "values"}
"""What stands at the top of the package and knows nothing of the rest."""

MAY_IMPORT: dict[str, set[str]] = {
    "deferred": set(),
    "__init__": {"deferred"},
    "values": set(),
    "errors": {"values"},
    "secret": set(),
    "clock": set(),
    "failures": set(),
    "http1": FOUNDATION,
    "domain": FOUNDATION,
    "config": FOUNDATION | {"domain"},
    "oauth": FOUNDATION | {"domain"},
    "stores": FOUNDATION | {"domain", "config"},
    "providers": FOUNDATION | {"domain", "config"},
    "flows": FOUNDATION | {"domain", "oauth", "http1"},
    "service": FOUNDATION
    | {"domain", "config", "oauth", "stores", "providers", "flows", "desktop"},
    "wire": set(),
    "wording": set(),
    "desktop": {"domain"},
    "logs": set(),
    "process": set(),
    "import_path": set(),
    "doctor": FOUNDATION | {"domain", "config", "oauth", "stores", "flows", "service", "desktop"},
    "transport": FOUNDATION
    | {"domain", "flows", "service", "doctor", "wire", "wording", "desktop", "process"},
    "terminal": FOUNDATION
    | {"domain", "flows", "service", "doctor", "wording", "desktop", "process"},
    "sandbox": FOUNDATION | {"http1"},
    "conformance": FOUNDATION | {"http1", "wire", "transport"},
    "demo": FOUNDATION | {"sandbox", "wording", "desktop"},
    "option_names": set(),
    "server_options": {"option_names", "values"},
    "command_line": {"__init__", "server_options", "sandbox", "conformance"},
    "cli": FOUNDATION
    | {"config", "service", "transport", "terminal", "sandbox", "conformance", "demo", "logs"}
    | {"process", "import_path", "server_options", "command_line", "early_end"},
    "early_end": {"option_names"},
    "__main__": {"cli", "early_end"},
}
"""Each part of the package, and the parts that it may import, annotations included."""

OWNERS: dict[str, set[str]] = {
    "pygls": {"transport"},
    "lsprotocol": {"transport"},
    "cattrs": {"transport"},
    "pydantic": {"wire"},
    "pydantic_core": {"wire"},
    "httpx": {"oauth.http", "sandbox.visitor"},
    "socksio": {"oauth.http"},
    "h11": {"http1.connection"},
    "jwt": {"oauth.signature", "sandbox.mint"},
    "cryptography": {"sandbox.mint"},
    "truststore": {"oauth.trust"},
    "keyring": {"stores.system_keyring"},
    "secretstorage": {"stores.secret_service"},
    "jeepney": {
        "stores.secret_service",
        "stores.secret_service_asking",
        "stores.secret_service_signals",
        "stores.secret_service_watch",
    },
    "segno": {"terminal.qr_code"},
}
"""Each third-party library, and the only modules or parts that import it."""

NOT_PURE = {
    "asyncio", "concurrent", "ctypes", "fcntl", "http", "io", "logging", "multiprocessing", "os",
    "pathlib", "random", "secrets", "select", "shutil", "signal", "socket", "ssl", "subprocess",
    "sys", "tempfile", "threading", "time", "webbrowser",
}  # fmt: skip

PURE = {
    "domain": NOT_PURE,
    "wording": NOT_PURE,
    "errors": NOT_PURE,
    "values": NOT_PURE,
    "secret": NOT_PURE,
    "wire": NOT_PURE,
    "oauth.authorization": NOT_PURE - {"secrets"},
    "oauth.device": NOT_PURE,
    "oauth.dialect": NOT_PURE,
    "oauth.endpoints": NOT_PURE,
    "oauth.id_token": NOT_PURE,
    "oauth.metadata": NOT_PURE,
    "oauth.network": NOT_PURE,
    "oauth.pkce": NOT_PURE - {"secrets"},
    "oauth.revocation": NOT_PURE,
    "oauth.signature": NOT_PURE,
    "oauth.token": NOT_PURE,
    "sandbox.authorization": NOT_PURE,
    "sandbox.pages": NOT_PURE,
    "flows.result_page": NOT_PURE,
}
"""What computes and does nothing else, and the standard library's modules that it keeps off."""

METHODS = {"flows.browser", "flows.device_code", "flows.api_key"}
"""The login methods, which do not know each other."""

TIME = {
    ("clock", "datetime.now"): "it is the clock",
    ("clock", "time.monotonic"): "it is the clock",
    ("clock", "asyncio.sleep"): "it is the clock",
    ("stores.lock", "time.monotonic"): "waits in a thread for another process",
    ("stores.lock", "time.sleep"): "the same",
    ("stores.disk", "time.sleep"): "a pause of milliseconds, in a thread, for who reads a new file",
    ("stores.replacement", "time.time"): "compares with the time of a file",
    ("stores.file", "time.sleep"): "a pause of milliseconds before a file is called corrupt",
    ("service.login_cache", "time.sleep"): "the same, before the first settings are believed",
    ("service.login_cache", "asyncio.sleep"): "the same, before others are",
    ("service.login_cache", "time.monotonic"): "the same",
    ("service.login_cache", "time.time"): "compares with the time of a file",
    ("stores.watcher", "asyncio.sleep"): "looks at files, which no clock of ours changes",
    ("transport.serve", "time.monotonic"): "waits for others before there is a loop or a clock",
    ("transport.dispatcher", "asyncio.sleep"): "lets a task begin, and takes no time",
    ("transport.conversation", "asyncio.sleep"): "lets answers go out, and takes no time",
    ("http1.server", "asyncio.sleep"): "lets connections go on; or a pause when none can be taken",
    ("flows.base", "asyncio.sleep"): "lets a prompt begin, and takes no time",
}
"""Where the time or a wait comes from anything but `Clock`, and why."""

_TELLS_TIME = re.compile(r"time\..*|(?:datetime|date)\.(?:now|utcnow|today)|asyncio\.sleep")

START_PATH = ("codex_auth_lsp.__main__", "codex_auth_lsp.cli", "codex_auth_lsp.transport.serve")
"""What is imported, with all that it imports, before a window's first request can be answered."""

LATE = {
    "pygls",
    "lsprotocol",
    "cattrs",
    "httpx",
    "socksio",
    "h11",
    "pydantic",
    "jwt",
    "cryptography",
    "truststore",
    "keyring",
    "secretstorage",
    "jeepney",
    "codex_auth_lsp.stores.keyring_entry",
    "segno",
    "tomllib",
    "dataclasses",
    "inspect",
    "ssl",
    "ctypes",
    "argparse",
    "importlib.metadata",
    "http.server",
    "webbrowser",
    "codex_auth_lsp.oauth.http",
    "codex_auth_lsp.http1",
    "codex_auth_lsp.sandbox.issuer",
    "codex_auth_lsp.demo",
    "codex_auth_lsp.doctor",
    "codex_auth_lsp.terminal",
}
"""What costs a start too much and is imported when it is needed."""


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name inside the package, and what it says."""

    name: str
    tree: ast.Module

    @property
    def part(self) -> str:
        return self.name.partition(".")[0]

    def is_in(self, names: set[str]) -> bool:
        return self.name in names or self.part in names

    @cache  # noqa: B019 - as many as there are files
    def imports(self) -> frozenset[str]:
        """Return the full name of everything imported anywhere in the file."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name} has a relative import"
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        return frozenset(found)

    def imports_of_ours(self) -> set[str]:
        """Return the modules of this package that are imported, as names inside it."""
        prefix = f"{codex_auth_lsp.__name__}."
        ours = {name.removeprefix(prefix) for name in self.imports() if name.startswith(prefix)}
        return {_module_of(name) for name in ours}

    def foreign_imports(self) -> set[str]:
        """Return the top-level names imported from the standard library and from third parties."""
        return {name.partition(".")[0] for name in self.imports()} - {codex_auth_lsp.__name__}

    def time_sources(self) -> set[str]:
        """Return what tells or spends time, such as `time.monotonic`."""
        used = {
            f"{node.value.id}.{node.attr}"
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }
        return {name for name in used | self.imports() if _TELLS_TIME.fullmatch(name)}


def _module_of(name: str) -> str:
    """Return the module that a full name stands in: itself, or all but its last word."""
    path = PACKAGE.joinpath(*name.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return name
    return name.rpartition(".")[0] or "__init__"


def _modules() -> list[Module]:
    modules = []
    for path in sorted(PACKAGE.rglob("*.py")):
        words = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(words[:-1] if len(words) > 1 and words[-1] == "__init__" else words)
        modules.append(Module(name, ast.parse(path.read_text(encoding="utf-8"))))
    return modules


MODULES = _modules()


def test_table_has_no_circle():
    """An order of the parts exists in which each knows only those before it."""
    order = list(graphlib.TopologicalSorter(MAY_IMPORT).static_order())

    assert set(MAY_IMPORT) == set(order)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_module_imports_only_what_its_part_may_know(module):
    """The direction of dependencies is the table's."""
    assert module.part in MAY_IMPORT, f"{module.part} has no place in the table"
    parts = {name.partition(".")[0] for name in module.imports_of_ours()}

    assert set() == parts - MAY_IMPORT[module.part] - {module.part}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_library_is_imported_by_its_owner_alone(module):
    """A library is behind one door, so that its errors are translated once."""
    libraries = module.foreign_imports() - sys.stdlib_module_names
    assert set() == libraries - set(OWNERS), "a library without an owner"

    assert [name for name in libraries if not module.is_in(OWNERS[name])] == []


def test_every_owner_in_the_table_imports_its_library():
    """The table says what is, not what was."""
    imported = {
        (library, owner)
        for library, owners in OWNERS.items()
        for owner in owners
        if any(library in module.foreign_imports() for module in MODULES if module.is_in({owner}))
    }

    assert {(library, owner) for library, owners in OWNERS.items() for owner in owners} == imported


@pytest.mark.parametrize(
    "module", [module for module in MODULES if module.is_in(set(PURE))], ids=lambda m: m.name
)
def test_pure_module_keeps_off_the_world(module):
    """What decides can be tested by a table: it reads no file, no socket, no clock."""
    forbidden = PURE.get(module.name) or PURE[module.part]

    assert set() == module.foreign_imports() & forbidden


@pytest.mark.parametrize(
    "module", [module for module in MODULES if module.name in METHODS], ids=lambda m: m.name
)
def test_login_methods_do_not_know_each_other(module):
    """A login method can be taken out without a change to another."""
    assert set() == module.imports_of_ours() & (METHODS - {module.name})


def test_only_the_openings_of_the_program_know_the_sandbox():
    """What people use in earnest never depends on the issuer that is for play."""
    importers = {
        module.part
        for module in MODULES
        if any(name.partition(".")[0] == "sandbox" for name in module.imports_of_ours())
    }

    assert set() == importers - {"sandbox", "cli", "command_line", "demo"}


def test_time_comes_from_the_clock():
    """A test can put its own clock in place of every wait but those that have a reason."""
    sources = {(module.name, source) for module in MODULES for source in module.time_sources()}

    assert set(TIME) == sources


def test_start_path_imports_nothing_heavy():
    """A window's first status does not wait for what only a login needs."""
    script = (
        "import json, sys; [__import__(name) for name in sys.argv[1:]];"
        "put_off = type(sys.modules['ssl']).__name__;"
        "loaded = [n for n, m in sys.modules.items() if type(m).__name__ != '_Deferred'];"
        "print(json.dumps([put_off, *loaded]))"
    )
    process = subprocess.run(
        [sys.executable, "-I", "-c", script, *START_PATH], capture_output=True, check=True
    )
    put_off, *names = json.loads(process.stdout)
    loaded = set(names)
    assert put_off == "_Deferred"
    assert set(START_PATH) <= loaded

    assert set() == loaded & LATE
