"""The `experimental.auth` object of `initialize`, in both directions."""

from typing import Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, field_validator
from pydantic_core import PydanticUseDefault

from codex_auth_lsp.wire.methods import PROTOCOL_VERSION
from codex_auth_lsp.wire.model import Received, Sent
from codex_auth_lsp.wire.types import LoginMethodId, Sentence

EnvironmentKind = Literal["local", "ssh", "wsl", "container", "codespaces", "web"]


class ClientAuthCapabilities(Received):
    """What a client can do; `{}` suffices.

    A field of the wrong type counts as absent: a conversation must not fail before it began.
    `initialize` itself is read by hand, for speed; a test holds the two against each other.
    """

    protocol_version: int = Field(PROTOCOL_VERSION, ge=1)
    login_prompt: bool = False
    credential: bool = False
    environment: EnvironmentKind | str | None = None
    browser_on_server_host: bool | None = None
    port_forwarding: bool = False

    @field_validator("*", mode="wrap")
    @classmethod
    def _absent_when_wrong(cls, raw: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(raw)
        except ValidationError as exc:
            raise PydanticUseDefault from exc


class ServerAuthCapabilities(Sent):
    """What the server says of itself."""

    protocol_version: int = Field(ge=1)
    server_instance_id: Sentence
    login_methods: list[LoginMethodId]
    requests: list[str]
    notifications: list[str]
