"""Sign-in with an API key of the OpenAI platform, billed by use.

The key is checked for shape here. Asking the provider whether it accepts the key is off unless a
check URL is given, and then only a clear refusal counts: a network that fails is told and never
blocks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ApiKeyCredential
from codex_auth_lsp.domain.links import API_KEYS
from codex_auth_lsp.errors import ApiKeyInvalid, ApiKeyRejected, IssuerError
from codex_auth_lsp.flows.base import FlowContext, LoginPhase
from codex_auth_lsp.oauth import http
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

MAXIMUM_CHARACTERS = 4096

_CHECK_SECONDS = 5.0
_ACCEPTED = 200


class ApiKeyFlow:
    """The login method `apiKey`."""

    async def sign_in(self, context: FlowContext) -> ApiKeyCredential:
        """Return the credential for `context.api_key`.

        Raises:
            ApiKeyInvalid: It cannot be a key.
            ApiKeyRejected: The provider was asked and refused it.
        """
        key = checked_api_key(context.api_key or Secret(""))
        context.on_phase(LoginPhase.VERIFYING)
        if context.api_key_check_url is not None:
            await _check_with_provider(key, context.api_key_check_url, context.on_remark)
        return ApiKeyCredential(key)

    async def finish(self) -> None:
        """There is no page."""

    async def close(self) -> None:
        """Nothing is held."""


def checked_api_key(entered: Secret) -> Secret:
    """Return the key without the white space around it.

    Raises:
        ApiKeyInvalid: It is empty, too long, or holds what no key can hold.
    """
    key = entered.reveal().strip()
    if not key:
        raise ApiKeyInvalid(f"The API key is empty; copy one from {API_KEYS.url}.")
    if len(key) > MAXIMUM_CHARACTERS:
        raise ApiKeyInvalid(
            f"An API key has at most {MAXIMUM_CHARACTERS} characters; copy it again."
        )
    if not key.isascii():
        raise ApiKeyInvalid("The API key holds characters that are not ASCII; copy it again.")
    if not key.isprintable() or " " in key:
        raise ApiKeyInvalid("The API key holds a space or a control character; copy it again.")
    return Secret(key)


async def _check_with_provider(key: Secret, url: str, on_remark: Callable[[str], None]) -> None:
    try:
        reply = await http.get(
            url, {"authorization": f"Bearer {key.reveal()}"}, seconds=_CHECK_SECONDS
        )
    except IssuerError as error:
        on_remark(f"The key could not be checked: {error.message}")
        return
    if reply.status in {401, 403}:
        raise ApiKeyRejected
    is_json = "json" in reply.headers.get("content-type", "")
    if reply.status != _ACCEPTED or not is_json:
        what = f"HTTP {reply.status}" + ("" if is_json else ", and not in JSON")
        on_remark(f"The key could not be checked: {url} answered with {what}.")
