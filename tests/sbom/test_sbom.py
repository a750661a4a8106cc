"""`make sbom`: every package of the lock files, valid, without addresses, and always the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from test_packaging import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.part("npm")

FILES = {
    "codex-auth-lsp.cdx.json": SchemaVersion.V1_6,
    "codex-auth-vscode.cdx.json": SchemaVersion.V1_5,
}


def write(folder: Path, **environment: str) -> dict[str, bytes]:
    """Run it as make does, with a cache of npm and a home that are empty."""
    here = {"npm_config_cache": str(folder / "npm"), "PYTHONPATH": str(ROOT / "tests")}
    subprocess.run(
        [sys.executable, "-m", "sbom", folder / "bills"],
        env={**os.environ, **here, **environment},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in (folder / "bills").iterdir()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Write them once."""
    return write(tmp_path_factory.mktemp("once"))


@pytest.fixture(scope="module")
def bills(written: dict[str, bytes]) -> dict[str, Any]:
    return {name: json.loads(content) for name, content in written.items()}


@pytest.mark.parametrize(("name", "version"), FILES.items())
def test_bill_is_valid(written, name, version):
    """By the schema of its version, which programs that read it go by."""
    assert JsonStrictValidator(version).validate_str(written[name].decode()) is None


def test_bill_of_the_server_has_what_the_lock_file_pins(bills):
    """All of it, for every system, with the hashes."""
    components = bills["codex-auth-lsp.cdx.json"]["components"]
    told = {
        (component["name"], component["version"]): {
            found["content"]
            for reference in component["externalReferences"]
            for found in reference["hashes"]
        }
        for component in components
    }
    pinned = {}
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.lock").read_text()):
        name, version = re.match(r"([a-z0-9-]+)==(\S+)", block).groups()
        pinned[name, version] = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))

    assert told == pinned


def test_bill_of_the_extension_has_what_the_lock_file_pins(bills):
    """All of it, each with a hash."""
    components = bills["codex-auth-vscode.cdx.json"]["components"]
    lock = json.loads((ROOT / "vscode-client/package-lock.json").read_bytes())
    pinned = {
        (path.rpartition("node_modules/")[2], entry["version"])
        for path, entry in lock["packages"].items()
        if path
    }

    assert {
        (f"{one['group']}/{one['name']}" if "group" in one else one["name"], one["version"])
        for one in components
    } == pinned
    assert [one["name"] for one in components if not one["hashes"]] == []


def test_bill_of_the_server_says_what_needs_what(bills):
    """As the installed packages say it themselves, on this system."""
    bill = bills["codex-auth-lsp.cdx.json"]
    names = {component["bom-ref"]: component["name"] for component in bill["components"]}
    names[bill["metadata"]["component"]["bom-ref"]] = "codex-auth-lsp"
    told = {
        names[one["ref"]]: {names[ref] for ref in one.get("dependsOn", ())}
        for one in bill["dependencies"]
    }

    assert set(told) == set(names.values())
    for name, needed in told.items():
        with suppress(metadata.PackageNotFoundError):
            wanted = {
                canonicalize_name(found.name)
                for found in map(Requirement, metadata.requires(name) or ())
                if found.marker is None or found.marker.evaluate({"extra": ""})
            }
            assert wanted <= needed, name


def test_bill_holds_no_address_and_no_folder_of_this_machine(written):
    """Beside those of the two schemas."""
    for content in written.values():
        text = content.decode()
        addresses = set(re.findall(r'(?:https?|file|git\+\w+):[^"]+', text))
        assert {address.rpartition("/")[0] for address in addresses} == {
            "http://cyclonedx.org/schema"
        }
        assert str(ROOT) not in text
        assert str(ROOT.parent) + "/" not in text


def test_bill_is_the_same_elsewhere_and_later(written, tmp_path):
    """Without the time that is asked for, it tells none."""
    assert write(tmp_path, TZ="Asia/Tokyo", LANG="tr_TR.UTF-8") == written


def test_bill_tells_the_time_that_it_is_given(tmp_path):
    """As the specification of reproducible builds has it."""
    bills = write(tmp_path, SOURCE_DATE_EPOCH="1767225600")

    told = {json.loads(content)["metadata"]["timestamp"][:19] for content in bills.values()}
    assert told == {"2026-01-01T00:00:00"}


def test_every_npm_package_that_the_bundle_holds_is_in_the_bill(bills):
    """What is bundled counts as built with, in package.json, and is shipped all the same."""
    notices = ROOT / "vscode-client/dist/ThirdPartyNotices.txt"
    if not notices.is_file():
        pytest.skip("the extension is not built; `npm run build` in vscode-client does it")
    told = {
        f"{one.get('group', '')}/{one['name']} {one['version']}".lstrip("/"): one.get("scope")
        for one in bills["codex-auth-vscode.cdx.json"]["components"]
    }
    shipped = {text.splitlines()[0] for text in re.split(r"\n----\n\n", notices.read_text())}

    assert shipped != set()
    assert {name: told.get(name, "missing") for name in shipped} == dict.fromkeys(
        shipped, "required"
    )
    assert list(told.values()).count("optional") > len(told) / 2  # the rest builds it
