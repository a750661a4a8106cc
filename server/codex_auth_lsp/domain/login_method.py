"""The login methods, and which of them fits where a person sits: a pure function over facts.

A browser login ends with a redirect to a loopback port of the server's machine. What the client
declares of the way there counts first, what the server sees of its own machine second.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping


class LoginMethodId(StrEnum):
    """The contract's `LoginMethod.id`."""

    BROWSER = "browser"
    DEVICE_CODE = "deviceCode"
    API_KEY = "apiKey"


@frozen
class ClientFacts:
    """What a language client says of where it runs; a terminal says nothing.

    `opens_pages` is whether it shows a page to the person on the machine where they sit.
    """

    environment: str | None = None
    browser_on_server_host: bool | None = None
    port_forwarding: bool = False
    opens_pages: bool = False


@frozen
class ServerFacts:
    """What the server sees of its own machine.

    `has_screen` and `has_browser` are about a desktop; `ports_taken` is whether neither of the
    ports to which an issuer may redirect is free.
    """

    ssh: bool = False
    wsl: bool = False
    container: bool = False
    codespaces: bool = False
    has_screen: bool = True
    has_browser: bool = True
    ports_taken: bool = False


@frozen
class RankedMethod:
    """A method with what stands against it.

    `unavailable_reason` is why it cannot work, `hint` what to know where it can with an effort;
    `by_policy` where somebody has forbidden it.
    """

    id: LoginMethodId
    unavailable_reason: str | None = None
    hint: str | None = None
    by_policy: bool = False


_FORCED_KINDS = {
    LoginMethodId.BROWSER: "chatgpt",
    LoginMethodId.DEVICE_CODE: "chatgpt",
    LoginMethodId.API_KEY: "api",
}
_FAR_ENVIRONMENTS = frozenset({"ssh", "container", "codespaces", "web"})

_PORTS_TAKEN = (
    "Ports 1455 and 1457 on 127.0.0.1, to which the sign-in page may answer, are both in use by "
    "other programs or by sign-ins in other windows."
)
_NO_CALLBACK = (
    "The browser seems to be on another machine: where its last page does not load, the address "
    "of that page has to be pasted."
)
_NO_BROWSER = (
    "This machine seems to have no browser that could be opened: where one on another machine is "
    "used, its last page does not load, and the address of that page has to be pasted."
)


def rank_methods(
    forced: str | None,
    client: ClientFacts,
    server: ServerFacts,
    not_offered: Mapping[LoginMethodId, str] = MappingProxyType({}),
) -> tuple[RankedMethod, ...]:
    """Return every method, the best first and those that cannot work last.

    `forced` is `forced_login_method` of `config.toml`, `not_offered` what the issuer was found
    not to offer, with the reasons.
    """
    browser = _browser(client, server)
    device_code = RankedMethod(LoginMethodId.DEVICE_CODE)
    troubled = browser.hint is not None
    wanted = (device_code, browser) if troubled else (browser, device_code)
    ranked = [
        policy_refusal(method.id, forced) or _refused_by_issuer(method.id, not_offered) or method
        for method in (*wanted, RankedMethod(LoginMethodId.API_KEY))
    ]
    return tuple(sorted(ranked, key=lambda method: method.unavailable_reason is not None))


def _refused_by_issuer(
    method: LoginMethodId, not_offered: Mapping[LoginMethodId, str]
) -> RankedMethod | None:
    reason = not_offered.get(method)
    return None if reason is None else RankedMethod(method, reason)


def policy_refusal(method: LoginMethodId, forced: str | None) -> RankedMethod | None:
    """Return the method as one that `forced_login_method` forbids, None where it does not."""
    if forced is None or forced == _FORCED_KINDS[method]:
        return None
    return RankedMethod(
        method,
        f'`forced_login_method = "{forced}"` in config.toml does not allow this way of signing in.',
        by_policy=True,
    )


def callback_arrives(client: ClientFacts, server: ServerFacts) -> bool:
    """Say whether the person's browser is likely to reach this machine's loopback ports."""
    if client.browser_on_server_host is not None:
        return client.browser_on_server_host or client.port_forwarding
    if client.port_forwarding:
        return True
    if client.environment in _FAR_ENVIRONMENTS or server.ssh or server.codespaces:
        return False
    # A container that shares its network with the desktop looks like any other from inside: where
    # the client says that it is on the person's own machine, it knows better.
    return client.environment in {"local", "wsl"} or not server.container


def whereabouts(server: ServerFacts) -> str | None:
    """Return what stands between the server's machine and the person, after "runs"; or None."""
    if server.codespaces:
        return "in GitHub Codespaces"
    if server.ssh:
        return "at the other end of SSH"
    return "in a container" if server.container else None


def can_open_browser(server: ServerFacts) -> bool:
    """Say whether the server's machine can show a page, wherever the person sits."""
    # WSL hands pages to Windows, and needs no screen of its own for that.
    return server.wsl or (server.has_screen and server.has_browser)


def _browser(client: ClientFacts, server: ServerFacts) -> RankedMethod:
    if server.ports_taken:
        return RankedMethod(LoginMethodId.BROWSER, _PORTS_TAKEN)
    if not callback_arrives(client, server):
        return RankedMethod(LoginMethodId.BROWSER, hint=_NO_CALLBACK)
    if client.opens_pages or client.browser_on_server_host:
        return RankedMethod(LoginMethodId.BROWSER)
    if client.environment == "wsl" or can_open_browser(server):
        return RankedMethod(LoginMethodId.BROWSER)
    return RankedMethod(LoginMethodId.BROWSER, hint=_NO_BROWSER)
