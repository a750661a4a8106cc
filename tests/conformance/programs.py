"""The client of `protocol.md` and its script, as files; whole, or with a mistake planted."""

from __future__ import annotations

import re
from pathlib import Path

PROTOCOL = Path(__file__).parents[2] / "protocol.md"

_PROGRAM = re.compile(r"<!-- program: (\S+) -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def programs() -> dict[str, str]:
    """Return the text of each program by its file name."""
    return dict(_PROGRAM.findall(PROTOCOL.read_text(encoding="utf-8")))


def write_programs(folder: Path, changes: dict[str, str]) -> Path:
    """Write both files, with each of these texts replaced by another; return the script."""
    texts = programs()
    for old, new in changes.items():
        holders = [name for name, text in texts.items() if old in text]
        assert holders, f"there is no {old!r} to be replaced"
        for name in holders:
            texts[name] = texts[name].replace(old, new)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "check.py"
