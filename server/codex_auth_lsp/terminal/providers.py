"""What `providers` and `credential` do; each returns the exit status.

A credential goes to stdout for a program to read, and to a person's screen only when asked to.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.errors import AuthError, ProviderUnknown
from codex_auth_lsp.process import run_to_end
from codex_auth_lsp.service.auth_service import AuthService
from codex_auth_lsp.service.credentials import FIRST_REVISION
from codex_auth_lsp.terminal.advice import command_line
from codex_auth_lsp.terminal.screen import remark, tell
from codex_auth_lsp.terminal.ways import suit, ways_here

if TYPE_CHECKING:
    from codex_auth_lsp.service.auth_service import ServiceOptions
    from codex_auth_lsp.service.credentials import IssuedCredential

_VALIDITY_SECONDS = 300
_KINDS = {
    "openai": "OpenAI sign-in",
    "environmentKey": "environment variable",
    "bearerToken": "stored token",
    "command": "command",
    "none": "none",
}
_NOBODY = "It asks for a sign-in to OpenAI, and there is none that it may use."
_USAGE_STATUS = 2


def list_providers(options: ServiceOptions, *, as_json: bool) -> int:
    """Print every model provider; 1 where `config.toml` cannot be used or names none of them."""
    providers, trouble = run_to_end(_list(options))
    tell(json.dumps(providers, indent=2) + "\n" if as_json else table(providers["providers"]))
    if trouble is not None:
        remark(f"codex-auth-lsp: {trouble}\n")
        return 1
    return 0


def print_headers(options: ServiceOptions, provider_id: str, *, show: bool, renew: bool) -> int:
    """Print the headers of a request to a provider, one a line, as `curl --header @-` reads them.

    Query parameters have no place there and are not printed.

    Args:
        options: Those of every command.
        provider_id: Whose.
        show: Whether they may also be read on a screen.
        renew: Whether the provider has refused those that there are.
    """
    if sys.stdout.isatty() and not show:
        remark(
            "codex-auth-lsp: the credential is not shown on a screen; hand it to a program, or "
            "add --show\n"
        )
        return _USAGE_STATUS
    try:
        issued = run_to_end(_issue(options, provider_id, renew=renew))
    except ProviderUnknown as error:
        error.message += f" {command_line('providers', options.typed)} lists those that there are."
        raise
    lines = [f"{name}: {value.reveal()}\n" for name, value in issued.credential.headers.items()]
    sys.stdout.write("".join(lines))
    return 0


async def _list(options: ServiceOptions) -> tuple[dict[str, Any], str | None]:
    """Return the providers, and what is wrong with the configuration as a whole."""
    service = AuthService(options)
    await service.sync()
    providers, status = service.providers(), service.status()
    await service.close(hurried=True)
    error = status.get("lastError", {})
    is_of_all = error.get("kind") in {"configurationInvalid", "providerUnknown"}
    return providers, error["message"] if is_of_all else None


async def _issue(options: ServiceOptions, provider_id: str, *, renew: bool) -> IssuedCredential:
    service = AuthService(options)
    try:
        return await service.credentials.issue(
            provider_id,
            min_validity_seconds=_VALIDITY_SECONDS,
            rejected_revision=FIRST_REVISION if renew else None,
        )
    except AuthError as error:
        error.remediation = suit(error.remediation, ways_here(service))
        raise
    finally:
        await service.close(hurried=False)


def table(providers: list[dict[str, Any]]) -> str:
    """Return the providers as lines of text, the active one marked, problems below their own."""
    rows = [
        (
            "*" if provider["active"] else " ",
            provider["id"],
            "ready" if provider["ready"] else "not ready",
            _authentication(provider),
            provider.get("baseUrl", ""),
        )
        for provider in providers
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    in_all = set.intersection(*(set(provider["problems"]) for provider in providers))
    for row, provider in zip(rows, providers, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)]
        lines.append("  ".join([*cells, row[4]]).rstrip())
        is_unexplained = not provider["ready"] and not provider["problems"]
        problems = [_NOBODY] if is_unexplained else provider["problems"]
        lines += [f"     {problem}" for problem in problems if problem not in in_all]
    lines += sorted(in_all)
    return "".join(f"{line}\n" for line in lines)


def _authentication(provider: dict[str, Any]) -> str:
    kind = _KINDS.get(provider["authKind"], provider["authKind"])
    name = provider.get("environmentKey", {}).get("name")
    return f"{kind} {name}" if name else kind
