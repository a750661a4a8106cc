"""Attacks on the loopback listener: none changes anything, and the true callback still works.

Each attack knows more than a web page could: the true callback's address, where that makes it
stronger. Whatever comes back is a refusal, the login goes on waiting, and the file stays.
"""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from e2e.logins import begin, completion
from e2e.shapes import api_key_login, example_key
from support import raw_callback
from support.raw_callback import NAVIGATION, deliver, exchange, exchange_bytes, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import Starter
    from e2e.logins import Attempt, Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

EVIL = "evil.example"
"""Whatever an attack brings along, to see that none of it is given back."""

MEGABYTE = 1024 * 1024

HALF_OPEN = 300
"""Connections that a slow attacker holds open at the same time."""

WHILE_ATTACKED = 5.0
"""Seconds in which the true callback is answered beside such an attacker."""


@dataclass(frozen=True)
class Aim:
    """The true callback of the login under attack, in its parts."""

    port: int
    target: str
    """Path and query, as the person's browser would request them."""

    @classmethod
    def of(cls, callback_url: str) -> Aim:
        return cls(raw_callback.port_of(callback_url), raw_callback.target(callback_url))

    @property
    def code(self) -> str:
        return parse_qs(urlsplit(self.target).query)["code"][0]

    @property
    def state(self) -> str:
        return parse_qs(urlsplit(self.target).query)["state"][0]

    def get(self, target: str, *headers: tuple[str, str], **options: str) -> bytes:
        """Return a GET of this target, as a navigation unless headers are given."""
        return request(target, self.port, headers=headers or NAVIGATION, **options)

    def query(self, query: str) -> bytes:
        """Return a GET of the callback's path with this query; {code} and {state} are filled in."""
        filled = query.format(code=self.code, state=self.state, evil=EVIL)
        return self.get(f"/auth/callback?{filled}")

    def path(self, path: str) -> bytes:
        """Return a GET of this path with the true query."""
        return self.get(f"{path}?{urlsplit(self.target).query}")

    def host(self, *lines: str, version: str = "HTTP/1.1") -> bytes:
        """Return the true request with these Host lines."""
        head = [f"GET {self.target} {version}", *(line.format(port=self.port) for line in lines)]
        return "\r\n".join([*head, "", ""]).encode("latin-1")

    def method(self, method: str) -> bytes:
        """Return the true request with another method."""
        return request(self.target, self.port, method=method, headers=NAVIGATION)

    def with_headers(self, *headers: tuple[str, str], body: bytes = b"") -> bytes:
        """Return the true request with these headers, and a body."""
        return request(self.target, self.port, headers=headers, body=body)

    def line(self, line: str) -> bytes:
        """Return a request with this first line; {target} and {port} are filled in."""
        first = line.format(target=self.target, port=self.port)
        return f"{first}\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode("latin-1")


def fetch(mode: str, destination: str, *more: tuple[str, str]) -> Callable[[Aim], bytes]:
    """Return the true request as a page's own fetch of this kind sends it."""
    return lambda aim: aim.with_headers(
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", mode),
        ("Sec-Fetch-Dest", destination),
        *more,
    )


FORGED_QUERIES = {
    "wrong state": "code={code}&state={evil}",
    "no state": "code={code}",
    "empty state": "code={code}&state=",
    "state cut short": "code={code}&state={state:.42}",
    "state with more": "code={code}&state={state}x",
    "state twice": "code={code}&state={state}&state={state}",
    "bad state, then the true one": "code={code}&state={evil}&state={state}",
    "the true state, then a bad one": "code={code}&state={state}&state={evil}",
    "state under another name": "code={code}&State={state}",
    "state as a list": "code={code}&state[]={state}",
    "code twice": "code={evil}&code={code}&state={state}",
    "no code": "state={state}",
    "empty code": "code=&state={state}",
    "error with a bad state": "error=access_denied&state={evil}",
    "error without a state": "error=access_denied",
    "error with an empty state": "error=access_denied&state=",
    "error twice": "error=access_denied&error={evil}&state={state}",
    "another issuer": "code={code}&state={state}&iss=https://{evil}",
    "no UTF-8": "code=%ff%fe&state={state}&x=%ff",
    "a thousand parameters": "&".join(f"p{number}=1" for number in range(900))
    + "&code={code}&state={state}",
    "nothing": "",
}

OTHER_PATHS = [
    "/",
    "/cancel",
    "/success",
    "/favicon.ico",
    "/robots.txt",
    "/auth/callback/",
    "//auth/callback",
    "/auth//callback",
    "/auth/../auth/callback",
    "/auth/callback%2f",
    "/%61uth/callback",
    "/auth/callback%00",
    "/auth/callback;x",
    "/AUTH/CALLBACK",
    "/auth",
    "/signed-in/",
]

HOSTS = {
    "a foreign host": ("Host: evil.example",),
    "a foreign host with our port": ("Host: evil.example:{port}",),
    "a name that begins like ours": ("Host: 127.0.0.1.evil.example:{port}",),
    "a name that ends like ours": ("Host: evil-localhost:{port}",),
    "our address with another port": ("Host: 127.0.0.1:1",),
    "our address without a port": ("Host: 127.0.0.1",),
    "our address with a user": ("Host: evil.example@127.0.0.1:{port}",),
    "another loopback address": ("Host: 127.0.0.2:{port}",),
    "every address": ("Host: 0.0.0.0:{port}",),
    "two hosts": ("Host: 127.0.0.1:{port}", "Host: evil.example"),
    "an empty host": ("Host:",),
    "no host": (),
}

FETCHES = {
    "an image": fetch("no-cors", "image"),
    "a script": fetch("no-cors", "script"),
    "a fetch": fetch("cors", "empty"),
    "a fetch of the same origin": fetch("same-origin", "empty"),
    "a frame": fetch("navigate", "iframe"),
    "an object": fetch("navigate", "object"),
    "a web socket": fetch(
        "websocket", "empty", ("Upgrade", "websocket"), ("Connection", "Upgrade")
    ),
    "a navigation with an origin": fetch(
        "navigate", "document", ("Origin", "https://evil.example")
    ),
    "a navigation with an opaque origin": fetch("navigate", "document", ("Origin", "null")),
    "an origin alone": lambda aim: aim.with_headers(("Origin", "https://evil.example")),
    "a prefetch": fetch("navigate", "document", ("Sec-Purpose", "prefetch")),
    "a prerender": fetch("navigate", "document", ("Sec-Purpose", "prefetch;prerender")),
    "an older prefetch": lambda aim: aim.with_headers(("Purpose", "prefetch")),
}

LINES = {
    "an absolute target": "GET http://127.0.0.1:{port}{target} HTTP/1.1",
    "an absolute target elsewhere": "GET http://evil.example{target} HTTP/1.1",
    "an authority as target": "CONNECT 127.0.0.1:{port} HTTP/1.1",
    "an asterisk as target": "OPTIONS * HTTP/1.1",
    "no slash": "GET auth/callback HTTP/1.1",
    "HTTP/0.9": "GET {target}",
    "HTTP/1.2": "GET {target} HTTP/1.2",
    "HTTP/2.0": "GET {target} HTTP/2.0",
    "a space in the target": "GET {target} x HTTP/1.1",
    "a tab": "GET\t{target}\tHTTP/1.1",
    "a zero byte": "GET {target}\0 HTTP/1.1",
    "bytes beyond ASCII": "GET {target}é HTTP/1.1",
    "a fragment": "GET {target}#evil.example HTTP/1.1",
    "a fourth word": "GET {target} HTTP/1.1 evil.example",
}

FRAMINGS: dict[str, Callable[[Aim], bytes]] = {
    "a request line of 20 MB": lambda aim: aim.get(f"{aim.target}&x={'a' * 20 * MEGABYTE}"),
    "a header of 1 MB": lambda aim: aim.with_headers(("X-Evil", "a" * MEGABYTE)),
    "10 000 headers": lambda aim: aim.with_headers(*[("X-Evil", "a")] * 10_000),
    "a body": lambda aim: aim.with_headers(("Content-Length", "4"), body=b"evil"),
    "a body of a terabyte": lambda aim: aim.with_headers(("Content-Length", str(10**12))),
    "a length of 5000 digits": lambda aim: aim.with_headers(("Content-Length", "9" * 5000)),
    "a negative length": lambda aim: aim.with_headers(("Content-Length", "-1")),
    "a length in words": lambda aim: aim.with_headers(("Content-Length", "four")),
    "two lengths": lambda aim: aim.with_headers(("Content-Length", "0"), ("Content-Length", "4")),
    "chunks": lambda aim: aim.with_headers(
        ("Transfer-Encoding", "chunked"), body=b"4\r\nevil\r\n0\r\n\r\n"
    ),
    "chunks and a length": lambda aim: aim.with_headers(
        ("Content-Length", "4"), ("Transfer-Encoding", "chunked"), body=b"0\r\n\r\n"
    ),
    "bare line feeds": lambda aim: aim.get(aim.target).replace(b"\r\n", b"\n"),
    "one bare line feed": lambda aim: aim.get(aim.target).replace(b"\r\nHost", b"\nHost"),
    "a folded header": lambda aim: aim.with_headers(("X-Evil", "a\r\n b")),
    "a header without a colon": lambda aim: aim.get(aim.target)[:-2] + b"evil\r\n\r\n",
    "a space before the colon": lambda aim: aim.with_headers(("X-Evil ", "a")),
    "a zero byte in a header": lambda aim: aim.with_headers(("X-Evil", "a\0b")),
    "a TLS hello": lambda aim: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 512,
    "an HTTP/2 preface": lambda aim: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 9,
    "an empty line first": lambda aim: b"\r\n" + aim.get(aim.target),
    "a second request behind a first": lambda aim: (
        request("/nothing", aim.port) + aim.get(aim.target)
    ),
}

ATTACKS: dict[str, Callable[[Aim], bytes]] = {
    **{
        f"query: {name}": lambda aim, query=query: aim.query(query)
        for name, query in FORGED_QUERIES.items()
    },
    **{f"path: {path}": lambda aim, path=path: aim.path(path) for path in OTHER_PATHS},
    **{f"host: {name}": lambda aim, lines=lines: aim.host(*lines) for name, lines in HOSTS.items()},
    "host: none, in HTTP/1.0": lambda aim: aim.host(version="HTTP/1.0"),
    **{
        f"method: {method}": lambda aim, method=method: aim.method(method)
        for method in ("POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get")
    },
    **{f"fetch: {name}": attack for name, attack in FETCHES.items()},
    **{f"line: {name}": lambda aim, line=line: aim.line(line) for name, line in LINES.items()},
    **{f"framing: {name}": attack for name, attack in FRAMINGS.items()},
}
"""Every attack by name: from the true callback to the bytes that are sent."""


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_refused_and_the_true_callback_then_signs_in(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, name
):
    """The login waits on, no code is spent, the file stays, nothing is reflected.

    (P5, P6, L5, L6, L7, L8, L9, L17, L18, L19, L20)
    """
    before = home.write(api_key_login(example_key("attacked")))
    client = await start(sandbox)
    attempt = await begin(client)
    callback_url = await browser.callback_url(attempt.url)

    response = await exchange(attempt.port, ATTACKS[name](Aim.of(callback_url)))
    pending = (await client.request("auth/status", {})).get("pendingLogin", {})

    assert response.refused, response.raw[:300]
    assert EVIL.encode() not in response.raw
    assert attempt.state.encode() not in response.raw
    assert response.header("access-control-allow-origin") is None
    assert response.raw.count(b"HTTP/1.1 ") <= 1
    assert pending.get("attemptId") == attempt.id
    assert not attempt.request.answered
    assert sandbox.requests("token") == []
    assert home.bytes() == before

    await deliver(callback_url)
    result = await attempt.request.result()
    assert result["status"]["method"] == "chatgpt"
    assert len(sandbox.requests("token")) == 1


async def test_the_true_callback_counts_once_however_often_it_comes(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(P7) Fifty at once and one afterwards: one token request, one login."""
    client = await start(sandbox)
    attempt = await begin(client)
    callback_url = await browser.callback_url(attempt.url)
    sandbox.fault("token", "delay", seconds=0.5)

    first = asyncio.create_task(deliver(callback_url))
    await sandbox.saw("token")
    replays = await asyncio.gather(*(deliver(callback_url) for _ in range(50)))
    answer = await first
    result = await attempt.request.result()
    late = await deliver(callback_url)

    assert answer.status == 303
    assert [replay.status for replay in replays if not replay.refused] == []
    assert late.refused
    assert result["status"]["state"] == "signedIn"
    assert len(sandbox.requests("token")) == 1
    assert len(client.all("auth/loginCompleted")) == 1


async def test_the_callback_of_an_earlier_attempt_means_nothing_to_the_next(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(P5) A state belongs to one attempt."""
    client = await start(sandbox)
    earlier = await begin(client)
    old_callback = await browser.callback_url(earlier.url)
    attempt = await begin(client)

    response = await deliver(old_callback)
    await browser.visit(attempt.url)
    result = await attempt.request.result()

    assert (earlier.port, response.status) == (attempt.port, 400)
    assert result["attemptId"] == attempt.id
    assert [request["status"] for request in sandbox.requests("token")] == [200]


async def test_a_denial_with_the_true_state_ends_the_login_and_reflects_nothing(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """An error's text comes from outside: neither page nor message shows it as it came.

    (L9, L11)
    """
    before = home.write(api_key_login(example_key("stays")))
    client = await start(sandbox)
    attempt = await begin(client)
    markup = '"><script>alert(1)</script>\r\nX: y\x00\u202e'

    redirect = await attempt.answer(error="access_denied", error_description=markup * 100)
    error = await attempt.request.error()
    page = await exchange(attempt.port, request(redirect.header("location") or "", attempt.port))

    assert error.summary == (-32803, "loginDenied")
    assert (await completion(client, attempt.id))["error"]["kind"] == "loginDenied"
    assert page.status == 200
    assert b"alert(1)" not in redirect.raw + page.raw
    assert (redirect.header("x"), page.header("x")) == (None, None)
    told = f"{error.message}{json.dumps(error.data, ensure_ascii=False)}"
    assert "<script" not in told
    assert [character for character in "\r\n\x00\u202e" if character in told] == []
    assert home.bytes() == before


async def test_slow_connections_do_not_keep_the_true_callback_out(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(L15) Hundreds of half requests are held against a bound, and the person gets through."""
    client = await start(sandbox)
    attempt = await begin(client)
    callback_url = await browser.callback_url(attempt.url)

    half_open = [await _half_open(attempt) for _ in range(HALF_OPEN)]
    try:
        answer = await asyncio.wait_for(deliver(callback_url), WHILE_ATTACKED)
        result = await attempt.request.result()
    finally:
        for writer in half_open:
            writer.close()

    assert answer.status == 303
    assert result["status"]["state"] == "signedIn"


async def _half_open(attempt: Attempt) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", attempt.port)
    writer.write(b"GET /auth/callback?code=")
    await writer.drain()
    return writer


async def test_a_connection_that_says_nothing_is_closed(start: Starter, sandbox: Sandbox):
    """(L15) Who connects and stays silent is let go within the deadline of a request's head."""
    client = await start(sandbox)
    attempt = await begin(client)

    received = await exchange_bytes(attempt.port, b"GET /auth/callback")

    assert not received.startswith(b"HTTP/1.1 2")
    assert not attempt.request.answered


# Who can listen beside us, and where we listen


@pytest.mark.parametrize("option", ["SO_REUSEADDR", "SO_REUSEPORT"])
async def test_no_other_program_can_listen_on_the_port_of_a_waiting_login(
    start: Starter, sandbox: Sandbox, option
):
    """(L4) No flag lets another process share the port and catch the code."""
    if not hasattr(socket, option):
        pytest.skip(f"this system has no {option}")
    client = await start(sandbox)
    attempt = await begin(client)

    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
        with pytest.raises(OSError) as refused:
            thief.bind(("127.0.0.1", attempt.port))

    assert refused.value.errno == errno.EADDRINUSE


async def test_only_one_address_of_this_machine_is_listened_on(start: Starter, sandbox: Sandbox):
    """(L1) 127.0.0.1 and nothing else: no other interface, no IPv6."""
    client = await start(sandbox)
    attempt = await begin(client)

    assert await raw_callback.is_listening(attempt.port)
    assert not await raw_callback.is_listening(attempt.port, host="127.0.0.2")
    assert not await raw_callback.is_listening(attempt.port, host="::1")
    if sys.platform == "linux":
        assert _listening_addresses(attempt.port) == {"0100007F"}


def _listening_addresses(port: int) -> set[str]:
    """Return the local addresses on which this port is listened on, as the kernel writes them."""
    addresses = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, local_port = local.partition(":")
            if state == "0A" and int(local_port, 16) == port:
                addresses.add(address)
    return addresses


async def test_nothing_listens_before_a_login(start: Starter, sandbox: Sandbox):
    """(P9) The port is opened for a login, not for a window."""
    client = await start(sandbox)

    await client.request("auth/status", {})

    assert [port for port in (1455, 1457) if await raw_callback.is_listening(port)] == []


@pytest.mark.parametrize("end", ["success", "cancel", "failure", "deadline", "kill"])
async def test_the_port_is_closed_when_the_login_is_over(
    start: Starter, sandbox: Sandbox, browser: Browser, end
):
    """(P9) However a login ends, nothing listens any more."""
    client = await start(sandbox)
    attempt = await begin(client, timeoutSeconds=1 if end == "deadline" else 600)
    open_before = await raw_callback.is_listening(attempt.port)

    if end == "success":
        await browser.visit(attempt.url)
        await attempt.request.result()
    elif end == "cancel":
        await client.request("auth/cancelLogin", {})
        await attempt.request.error()
    elif end == "failure":
        await browser.visit(attempt.url, decision="deny")
        await attempt.request.error()
    elif end == "deadline":
        await attempt.request.error()
    else:
        await client.kill()

    assert open_before
    await raw_callback.until_closed(attempt.port)
