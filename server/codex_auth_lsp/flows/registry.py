"""The login methods that exist: what a person reads of them, and their flows."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.login_method import LoginMethodId
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.flows.base import LoginFlow


@frozen
class MethodText:
    """What a person reads of a login method."""

    title: str
    description: str


METHOD_TEXTS: Mapping[LoginMethodId, MethodText] = MappingProxyType(
    {
        LoginMethodId.BROWSER: MethodText(
            "Sign in with ChatGPT",
            "Opens your browser; use is part of your ChatGPT plan, and Codex cloud needs it.",
        ),
        LoginMethodId.DEVICE_CODE: MethodText(
            "Sign in with a device code",
            "Shows a code to enter in a browser on any device; for remote and headless machines.",
        ),
        LoginMethodId.API_KEY: MethodText(
            "Sign in with an API key",
            "Takes a key of the OpenAI platform; use is billed at API rates.",
        ),
    }
)


def create_flows() -> dict[LoginMethodId, LoginFlow]:
    """Return the flow of every method.

    The modules are imported here, when somebody signs in, and not at the start of a window.
    """
    from codex_auth_lsp.flows.api_key import ApiKeyFlow
    from codex_auth_lsp.flows.browser import BrowserFlow
    from codex_auth_lsp.flows.device_code import DeviceCodeFlow

    return {
        LoginMethodId.BROWSER: BrowserFlow(),
        LoginMethodId.DEVICE_CODE: DeviceCodeFlow(),
        LoginMethodId.API_KEY: ApiKeyFlow(),
    }
