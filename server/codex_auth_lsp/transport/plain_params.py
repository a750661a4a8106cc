"""Params of the direct answers, read by hand: what is plainly right needs no pydantic.

Whatever else came, the models of `wire/` judge, and say what is wrong; a test holds this to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.service.refresh_need import DEFAULT_VALIDITY_SECONDS
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@frozen
class RefreshValues:
    """The params of `auth/refresh`."""

    force: bool
    min_validity_seconds: int


@frozen
class CredentialValues:
    """The params of `auth/credential`."""

    provider_id: str | None
    min_validity_seconds: int
    rejected_revision: int | None


@frozen
class LogoutValues:
    """The params of `auth/logout`."""

    revoke: bool


def refresh_values(raw: Any) -> RefreshValues:
    """Return the params of `auth/refresh`.

    Raises:
        InvalidParams: They do not fit.
    """
    plain = _plain(raw, {"force": _is_boolean, "minValiditySeconds": _is_uinteger})
    if plain is not None:
        return RefreshValues(
            plain.get("force", False), plain.get("minValiditySeconds", DEFAULT_VALIDITY_SECONDS)
        )
    from codex_auth_lsp.transport.handlers import read
    from codex_auth_lsp.wire.params import RefreshParams

    params = read(RefreshParams, raw)
    return RefreshValues(params.force, params.min_validity_seconds)


def credential_values(raw: Any) -> CredentialValues:
    """Return the params of `auth/credential`.

    Raises:
        InvalidParams: They do not fit.
    """
    plain = _plain(
        raw,
        {
            "providerId": _is_id,
            "minValiditySeconds": _is_uinteger,
            "rejectedRevision": _is_uinteger,
        },
    )
    if plain is not None:
        return CredentialValues(
            plain.get("providerId"),
            plain.get("minValiditySeconds", DEFAULT_VALIDITY_SECONDS),
            plain.get("rejectedRevision"),
        )
    from codex_auth_lsp.transport.handlers import read
    from codex_auth_lsp.wire.params import CredentialParams

    params = read(CredentialParams, raw)
    return CredentialValues(
        params.provider_id, params.min_validity_seconds, params.rejected_revision
    )


def logout_values(raw: Any) -> LogoutValues:
    """Return the params of `auth/logout`.

    Raises:
        InvalidParams: They do not fit.
    """
    plain = _plain(raw, {"revoke": _is_boolean})
    if plain is not None:
        return LogoutValues(plain.get("revoke", True))
    from codex_auth_lsp.transport.handlers import read
    from codex_auth_lsp.wire.params import LogoutParams

    return LogoutValues(read(LogoutParams, raw).revoke)


def _plain(raw: Any, kinds: Mapping[str, Callable[[Any], bool]]) -> dict[str, Any] | None:
    """Return the known members that have a value; None where one is not plainly right."""
    if raw is None or raw == []:
        return {}
    if not isinstance(raw, dict):
        return None
    known = {name: raw[name] for name in kinds if raw.get(name) is not None}
    return known if all(kinds[name](value) for name, value in known.items()) else None


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_uinteger(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and 1 <= len(value) <= 1024
