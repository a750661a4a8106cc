"""`http_headers`, `env_http_headers` and `query_params`: what every request to a provider carries.

As in the Codex CLI 0.169.0, a header of the environment wins over a configured one and the
credential over both, whatever their case; a variable that is not set or blank gives no header.
Headers that frame a message are left out, since only its sender can know them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.key_likeness import is_like_a_key
from codex_auth_lsp.providers.plain import plain
from codex_auth_lsp.providers.variable_name import is_set, variable_name
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.config.model_providers import ProviderSettings

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")  # RFC 9110 section 5.6.2
_FRAMING = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_LIKE_A_CREDENTIAL = re.compile(
    r"authorization|cookie|(?:^|[_-])(?:api-?key|auth|code|key|password|secret|sig|token)(?:$|[_-])",
    re.IGNORECASE,
)
_VALUE = re.compile(r"[\x20-\x7e\t]*")


def configured_headers(
    settings: ProviderSettings, environment: Mapping[str, str]
) -> dict[str, Secret]:
    """Return the headers that can be sent, those of the environment over the others."""
    return merged(
        {name: value for name, value in _stripped(settings).items() if _fits(name, value)},
        {
            name: value
            for name, value in _of_environment(settings, environment).items()
            if _fits(name, value)
        },
    )


def header_problems(settings: ProviderSettings, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return which headers are left out because no request could carry them."""
    problems = []
    for key, headers in (
        ("http_headers", _stripped(settings)),
        ("env_http_headers", _of_environment(settings, environment)),
    ):
        for name, value in headers.items():
            if not _NAME.fullmatch(name):
                problems.append(f"A name in `{key}` is not the name of a header; it is left out.")
            elif name.lower() in _FRAMING:
                problems.append(f"`{key}.{name}` is for the sender to decide; it is left out.")
            elif not _fits(name, value):
                problems.append(
                    f"{_entry(key, name)} holds what no header can carry; it is left out."
                )
        if len({name.lower() for name in headers}) < len(headers):
            problems.append(f"`{key}` names a header more than once; the last one counts.")
    problems += [
        f"{_entry('env_http_headers', name)} takes the name of an environment variable, and what "
        "stands there does not look like one."
        for name, variable in settings.environment_headers.items()
        if _NAME.fullmatch(name) and variable_name(variable, environment) is None
    ]
    return tuple(dict.fromkeys(problems))


def headers_left_out(settings: ProviderSettings, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return which headers are left out because their variables are not set."""
    return tuple(
        f"{_entry('env_http_headers', name)} is left out: the environment variable {variable} is "
        "not set."
        for name, variable in settings.environment_headers.items()
        if variable_name(variable, environment) and not is_set(variable, environment)
    )


def carries_secrets(settings: ProviderSettings, environment: Mapping[str, str]) -> bool:
    """Say whether a value of the environment would go along."""
    return bool(_of_environment(settings, environment))


def keys_like_credentials(settings: ProviderSettings) -> list[str]:
    """Return which keys hold something under a name that is one of credentials."""
    held = {"http_headers": settings.headers, "query_params": settings.query_params}
    return [key for key, names in held.items() if any(map(_LIKE_A_CREDENTIAL.search, names))]


def merged(below: Mapping[str, Secret], above: Mapping[str, Secret]) -> dict[str, Secret]:
    """Return headers in which those `above` replace equal names `below`, whatever their case."""
    by_name = {name.lower(): (name, value) for name, value in [*below.items(), *above.items()]}
    return dict(by_name.values())


def _entry(key: str, name: str) -> str:
    """Return what an entry is called in a sentence; a key may have been pasted as its name."""
    return f"An entry of `{key}`" if is_like_a_key(name) else f"`{key}.{plain(name)}`"


def _stripped(settings: ProviderSettings) -> dict[str, Secret]:
    return {name: Secret(value.reveal().strip()) for name, value in settings.headers.items()}


def _of_environment(
    settings: ProviderSettings, environment: Mapping[str, str]
) -> dict[str, Secret]:
    values = {
        name: environment.get(variable, "").strip()
        for name, variable in settings.environment_headers.items()
    }
    return {name: Secret(value) for name, value in values.items() if value}


def _fits(name: str, value: Secret) -> bool:
    is_name = _NAME.fullmatch(name) is not None and name.lower() not in _FRAMING
    return is_name and _VALUE.fullmatch(value.reveal()) is not None
