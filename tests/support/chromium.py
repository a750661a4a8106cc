"""A person in a real headless Chromium, through playwright-core.

Each visit has a browser and a profile of its own, and reaches loopback addresses alone. The step
language stands in `tests/parts/browse.mjs`.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from support import parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VISIT_DEADLINE = 60.0
"""Seconds from the start of the browser to its end."""

CLOSE_DEADLINE = 5.0
"""Seconds in which playwright closes the browser when it is told to end."""


PROFILE_PREFIX = "/tmp/chromium-"
"""Start of a profile's path. Chromium makes a socket there and refuses to start when its path has
more than 107 bytes, so pytest's folders and a long TMPDIR will not do."""


class BrowserError(Exception):
    """A step could not be done, or the browser did not work."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What the person saw at the end, and what the pages asked for on the way."""

    final_url: str
    title: str
    text: str
    requests: tuple[str, ...]
    """Method and URL of every request."""
    console_errors: tuple[str, ...]


async def browse(
    url: str | None = None,
    steps: Sequence[Mapping[str, Any]] = (),
    *,
    viewport: tuple[int, int] = (1280, 800),
    color_scheme: Literal["light", "dark"] = "light",
    java_script: bool = True,
    deadline: float = VISIT_DEADLINE,
) -> Visit:
    """Open `url` and do `steps` as a person would.

    Raises:
        BrowserError: A step failed; the message says which, and shows the page's text.
        TimeoutError: All of it took longer than `deadline` seconds.
    """
    with tempfile.TemporaryDirectory(prefix=PROFILE_PREFIX, ignore_cleanup_errors=True) as home:
        script = {
            "executable": str(parts.chromium()),
            "profile": f"{home}/profile",
            "url": url,
            "steps": list(steps),
            "viewport": {"width": viewport[0], "height": viewport[1]},
            "colorScheme": color_scheme,
            "javaScript": java_script,
        }
        result = await _run(script, home, deadline)
    if failed := result.get("failed"):
        raise BrowserError(
            f"{failed['message']}\nstep: {failed['step']}\nat: {result['finalUrl']}\n"
            f"console: {result['consoleErrors']}\npage:\n{result['text']}"
        )
    return Visit(
        final_url=result["finalUrl"],
        title=result["title"],
        text=result["text"],
        requests=tuple(result["requests"]),
        console_errors=tuple(result["consoleErrors"]),
    )


async def _run(script: Mapping[str, Any], home: str, deadline: float) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        str(parts.node()),
        str(parts.FOLDER / "browse.mjs"),
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": home, "TMPDIR": home},
        cwd=home,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await asyncio.wait_for(
            process.communicate(json.dumps(script).encode()), deadline
        )
    finally:
        # Asked to end, playwright closes the browser; ended, it closes the pipe by which the
        # browser is driven, and the browser ends too.
        await parts.end(process, grace=CLOSE_DEADLINE)
    if process.returncode != 0:
        raise BrowserError(stderr.decode("utf-8", "replace"))
    return json.loads(stdout)
