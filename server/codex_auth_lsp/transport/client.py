"""What a language client can do, read by hand from `initialize` (`protocol.md`, "Capabilities").

A field of the wrong type counts as absent: a wrong capability must not end a conversation before
it began. pydantic's model of the same object is the measure of this reader, in a test.
"""

from __future__ import annotations

from typing import Any

from codex_auth_lsp.domain.login_method import ClientFacts
from codex_auth_lsp.values import frozen
from codex_auth_lsp.wire.methods import PROTOCOL_VERSION


@frozen
class ClientCapabilities:
    """The client's side of the agreement.

    `speaks_auth` says whether it sent `experimental.auth`; without it, it gets standard LSP
    messages alone. `browser_on_server_host` is None where it did not say.
    """

    speaks_auth: bool = False
    protocol_version: int = PROTOCOL_VERSION
    login_prompt: bool = False
    credential: bool = False
    environment: str | None = None
    browser_on_server_host: bool | None = None
    port_forwarding: bool = False
    show_document: bool = False
    work_done_progress: bool = False

    @property
    def facts(self) -> ClientFacts:
        """What these say of the way between the person's browser and this machine."""
        return ClientFacts(
            environment=self.environment,
            browser_on_server_host=self.browser_on_server_host,
            port_forwarding=self.port_forwarding,
            opens_pages=self.login_prompt or self.show_document,
        )


def read_client_capabilities(params: Any) -> ClientCapabilities:
    """Return the capabilities in the params of `initialize`, whatever these are."""
    capabilities = _member(params, "capabilities")
    auth = _member(_member(capabilities, "experimental"), "auth")
    window = _member(capabilities, "window")
    environment = auth.get("environment")
    near = auth.get("browserOnServerHost")
    return ClientCapabilities(
        speaks_auth=isinstance(_get(_member(capabilities, "experimental"), "auth"), dict),
        protocol_version=_spoken_by_both(auth.get("protocolVersion")),
        login_prompt=auth.get("loginPrompt") is True,
        credential=auth.get("credential") is True,
        environment=environment if isinstance(environment, str) else None,
        browser_on_server_host=near if isinstance(near, bool) else None,
        port_forwarding=auth.get("portForwarding") is True,
        show_document=_member(window, "showDocument").get("support") is True,
        work_done_progress=window.get("workDoneProgress") is True,
    )


def _spoken_by_both(version: Any) -> int:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        return PROTOCOL_VERSION
    return min(version, PROTOCOL_VERSION)


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _member(value: Any, name: str) -> dict[str, Any]:
    member = _get(value, name)
    return member if isinstance(member, dict) else {}
