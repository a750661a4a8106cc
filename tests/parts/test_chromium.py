"""A person in a real Chromium: the whole sign-in, the last page, and what a hostile page can do.

With UPDATE_SCREENSHOTS=1 the pictures go to `docs/screenshots`, else to the test's own folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlsplit

import pytest

from e2e.logins import begin
from support import raw_callback
from support.chromium import browse

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from support.sandbox import Sandbox

pytestmark = pytest.mark.part("chromium")

SCREENSHOTS = Path(__file__).resolve().parents[2] / "docs" / "screenshots"

ALLOW = "button[value=allow]"
SIGNED_IN = "text=You are signed in"
NOT_SIGNED_IN = "text=This sign-in did not work"

Step = dict[str, Any]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return where the screenshots go."""
    if os.environ.get("UPDATE_SCREENSHOTS") != "1":
        return tmp_path
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS


def photographed(step: Step, name: str, folder: Path) -> list[Step]:
    """Return a step, and pictures of what it leads to, in light and in dark."""
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    shots = [
        {"screenshot": str(folder / f"{name}-{scheme}.png"), "colorScheme": scheme}
        for scheme in schemes
    ]
    return [step, *shots]


def choose(person: str) -> Step:
    return {"click": f"button[value={person}]"}


async def test_a_person_signs_in_in_a_real_browser(
    start: Starter, sandbox: Sandbox, pictures: Path
):
    """Sign-in, consent, the last page: without an error, at an address that tells nothing."""
    client = await start(sandbox)
    attempt = await begin(client)

    visit = await browse(
        attempt.url,
        [
            *photographed({"waitFor": "button[value=google]"}, "sandbox-sign-in", pictures),
            choose("google"),
            *photographed({"waitFor": ALLOW}, "sandbox-consent", pictures),
            {"click": ALLOW},
            *photographed({"waitFor": SIGNED_IN}, "signed-in", pictures),
        ],
        viewport=(960, 720),
    )
    result = await attempt.request.result()

    assert result["status"]["account"]["email"] == "plus@example.com"
    assert "plus@example.com" in visit.text
    assert visit.console_errors == ()
    assert urlsplit(visit.final_url).query == ""
    assert _secrets_in(visit.requests, sandbox) == []
    for name in ("sandbox-sign-in", "sandbox-consent", "signed-in"):
        light, dark = ((pictures / f"{name}-{scheme}.png").read_bytes() for scheme in
                       ("light", "dark"))  # fmt: skip
        assert light != dark
        assert min(len(light), len(dark)) > 5_000


def _secrets_in(requests: tuple[str, ...], sandbox: Sandbox) -> list[str]:
    """Return the requests whose address holds a token; the code belongs into one."""
    tokens = [value for _, value in sandbox.secrets() if not value.startswith("sandbox-code-")]
    return [request for request in requests if any(token in request for token in tokens)]


async def test_a_person_says_no_in_a_real_browser(start: Starter, sandbox: Sandbox, pictures: Path):
    """The last page says that it did not work, and why."""
    client = await start(sandbox)
    attempt = await begin(client)

    visit = await browse(
        attempt.url,
        [
            choose("google"),
            {"click": "button[value=deny]"},
            *photographed({"waitFor": NOT_SIGNED_IN}, "not-signed-in", pictures),
        ],
        viewport=(960, 720),
    )
    error = await attempt.request.error()

    assert error.kind == "loginDenied"
    assert "refused" in visit.text
    assert visit.console_errors == ()


async def test_the_pages_need_no_scripts(start: Starter, sandbox: Sandbox):
    """With JavaScript off everything works the same."""
    client = await start(sandbox)
    attempt = await begin(client)

    visit = await browse(
        attempt.url,
        [choose("password"), {"click": ALLOW}, {"waitFor": SIGNED_IN}],
        java_script=False,
    )
    result = await attempt.request.result()

    assert result["status"]["account"]["email"] == "pro@example.com"
    assert "pro@example.com" in visit.text


async def test_the_pages_fit_a_phone(start: Starter, sandbox: Sandbox, pictures: Path):
    """On a narrow screen nothing is cut off."""
    client = await start(sandbox)
    attempt = await begin(client)

    visit = await browse(
        attempt.url,
        [
            choose("google"),
            {"click": ALLOW},
            *photographed({"waitFor": SIGNED_IN}, "signed-in-narrow", pictures),
        ],
        viewport=(360, 640),
    )
    await attempt.request.result()

    assert visit.console_errors == ()


HOSTILE = """<!doctype html><title>evil</title>
<img src="{url}"><script src="{url}"></script><iframe src="{url}"></iframe>
<link rel="prefetch" href="{url}"><link rel="stylesheet" href="{url}">
<object data="{url}"></object><video src="{url}"></video>
<form id="form" method="post" action="{url}" target="frame"></form><iframe name="frame"></iframe>
<script>
const tries = [fetch("{url}"), fetch("{url}", {{mode: "no-cors"}}),
  fetch("{url}", {{method: "POST", mode: "no-cors", body: "x"}})];
navigator.sendBeacon("{url}");
document.getElementById("form").submit();
Promise.allSettled(tries).then(() => document.body.append("all tried"));
</script>"""
"""A page that knows the true callback and tries everything but to leave itself."""


async def test_a_hostile_page_cannot_answer_for_the_person(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Image, script, frame, prefetch, fetch, beacon, form: the login waits for the navigation.

    (L6)
    """
    client = await start(sandbox)
    attempt = await begin(client)
    callback_url = await browser.callback_url(attempt.url)

    page = HOSTILE.format(url=callback_url)
    await browse(f"data:text/html,{quote(page)}", [{"waitFor": "text=all tried"}])

    waiting = (await client.request("auth/status", {}))["pendingLogin"]["attemptId"]
    assert waiting == attempt.id
    assert sandbox.requests("token") == []
    await _navigate(callback_url)
    assert (await attempt.request.result())["status"]["state"] == "signedIn"


async def test_the_port_closes_when_the_browser_has_its_last_page(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """A real browser asks for more than the page, an icon for one; the end does not wait for it."""
    client = await start(sandbox)
    attempt = await begin(client)

    await _navigate(await browser.callback_url(attempt.url))
    await attempt.request.result()

    await raw_callback.until_closed(attempt.port)


async def _navigate(callback_url: str) -> None:
    visit = await browse(callback_url, [{"waitFor": SIGNED_IN}])
    assert visit.console_errors == ()
