"""`make sbom`: what the server and the extension are made of, as CycloneDX, in dist/.

cyclonedx-py reads requirements.lock, whose remarks say what needs what, and `npm sbom` the
extension's package-lock.json, which also has what builds it; that is `optional`. An extension with
a bundled server holds what both files name. Nothing is asked of a registry. What differs between
two machines or two days is taken out, addresses of registries among it; hashes stay.
SOURCE_DATE_EPOCH, where it is set, is the time that the files tell.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prove.versions import ROOT

CLIENT = ROOT / "vscode-client"

_SECONDS = 120.0


def main() -> int:
    """Write both, or to the folder that is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"
    folder.mkdir(parents=True, exist_ok=True)
    for name, bill in (("codex-auth-lsp", server()), ("codex-auth-vscode", extension())):
        path = folder / f"{name}.cdx.json"
        path.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{path.name}: {len(bill['components'])} components")
    return 0


def server() -> dict[str, Any]:
    """Return the bill of the server, with the packages for every system."""
    words = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements"]
    words += ["requirements.lock", "--pyproject", "pyproject.toml", "--output-reproducible"]
    bill = _said(words, ROOT)
    for tool in bill["metadata"]["tools"]["components"]:
        tool.pop("externalReferences", None)
    for component in bill["components"]:
        del component["description"]  # the line of the lock file
        for reference in component["externalReferences"]:
            reference["url"] = component["purl"]
            reference["comment"] = "the files that the lock file allows"
    project = bill["metadata"]["component"]
    project["version"] = _version()
    references = {component["name"]: component["bom-ref"] for component in bill["components"]}
    needed = _needed((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    bill["dependencies"] = [
        {
            "ref": reference,
            "dependsOn": sorted(references[name] for name in needed.get(who, ())),
        }
        for who, reference in [(project["name"], project["bom-ref"]), *sorted(references.items())]
    ]
    return bill


def _needed(lock: str) -> dict[str, list[str]]:
    """Return what each package needs, by the remarks of a lock file (`# via`)."""
    needed: dict[str, list[str]] = {}
    name = ""
    for line in lock.splitlines():
        if pinned := re.match(r"([a-z0-9-]+)==", line):
            name = pinned[1]
        elif (remark := re.match(r"    # (?:via)? *([a-z0-9-]+)?", line)) and remark[1]:
            needed.setdefault(remark[1], []).append(name)
    return needed


def extension() -> dict[str, Any]:
    """Return the bill of the extension and of what builds it."""
    words = ["npm", "sbom", "--package-lock-only", "--sbom-format", "cyclonedx"]
    bill = _said([*words, "--sbom-type", "application"], CLIENT)
    del bill["serialNumber"], bill["metadata"]["timestamp"]
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        moment = datetime.fromtimestamp(int(epoch), UTC)
        bill["metadata"]["timestamp"] = moment.isoformat().replace("+00:00", "Z")
    project = bill["metadata"]["component"]
    project["name"] = json.loads((CLIENT / "package.json").read_bytes())["name"]
    bill["components"].sort(key=lambda component: component["bom-ref"])
    for one in bill["dependencies"]:
        one["dependsOn"].sort()
    bill["dependencies"].sort(key=lambda one: one["ref"])
    return bill


def _version() -> str:
    from codex_auth_lsp import __version__

    return __version__


def _said(words: list[str], folder: Path) -> dict[str, Any]:
    ran = subprocess.run(words, cwd=folder, capture_output=True, timeout=_SECONDS, check=False)
    if ran.returncode != 0:
        sys.exit(f"{words[0]} has failed: {ran.stderr.decode(errors='replace')}")
    return json.loads(ran.stdout)


if __name__ == "__main__":
    sys.exit(main())
