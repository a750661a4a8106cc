"""`config.toml` of the user's CODEX_HOME, and the system's below it, read into frozen values.

Never a workspace's. Unknown keys are ignored. The file is read by
plain functions, since the first status of a window needs it, and is never written.
"""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from codex_auth_lsp.config.model_providers import (
    DEFAULT_REFRESH_INTERVAL_MS,
    DEFAULT_TIMEOUT_MS,
    CommandSettings,
    ProviderSettings,
)
from codex_auth_lsp.config.toml_text import parse_toml
from codex_auth_lsp.domain.issuer import url_problem
from codex_auth_lsp.domain.key_likeness import is_like_a_key
from codex_auth_lsp.errors import ConfigurationInvalid
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.values import field, frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

STORE_MODES = ("file", "keyring", "auto", "ephemeral")
FORCED_METHODS = ("chatgpt", "api")
DEFAULT_PROVIDER = "openai"

SYSTEM_CONFIG = (Path("/etc/codex/config.toml"),) if sys.platform != "win32" else ()
"""The file below the user's, where an administrator has put one."""

_MAXIMUM_BYTES = 1024 * 1024
_LONGEST_MILLISECONDS = 24 * 60 * 60 * 1000
_LONGEST_KEY = 64
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")

T = TypeVar("T")


@frozen
class Settings:
    """The keys of `config.toml` that concern sign-in, with Codex's defaults.

    `forced_workspace_ids` is empty when every workspace is welcome; `secret_auth_storage` is None
    where the feature is neither switched on nor off.
    """

    store_mode: str = "file"
    secret_auth_storage: bool | None = None
    forced_login_method: str | None = None
    forced_workspace_ids: tuple[str, ...] = ()
    chatgpt_base_url: str | None = None
    openai_base_url: str | None = None
    model_provider: str = DEFAULT_PROVIDER
    model_providers: MappingProxyType[str, ProviderSettings] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def store_choice(self) -> tuple[str, bool | None]:
        """What the choice of a store depends on."""
        return self.store_mode, self.secret_auth_storage


def read_config(path: Path) -> bytes:
    """Return what stands in `path`, nothing when there is no such file.

    Raises:
        ConfigurationInvalid: It cannot be read, or is no file of a sensible size.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigurationInvalid(f"{path} is not a file.")
        with path.open("rb") as file:
            raw = file.read(_MAXIMUM_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as exc:
        raise ConfigurationInvalid(f"{path} cannot be read: {exc.strerror}.") from exc
    if len(raw) > _MAXIMUM_BYTES:
        raise ConfigurationInvalid(f"{path} is larger than 1 MiB.")
    return raw


def read_system_config(path: Path) -> bytes:
    """Return what stands in the system's file: nothing also where its folder is closed.

    A closed folder is an oversight, and must not keep people from signing in.

    Raises:
        ConfigurationInvalid: As `read_config`.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return b""
    except OSError:
        pass  # and is told of
    return read_config(path)


def is_out_of_reach(path: Path) -> bool:
    """Say whether there is a folder on the way to a file that this user may not search."""
    try:
        path.stat()
    except OSError as exc:
        return isinstance(exc, PermissionError)
    return False


def parse_settings(raw: bytes, path: Path) -> Settings:
    """Return the settings in the content of `path`.

    Raises:
        ConfigurationInvalid: It is not TOML (line and column are named), or holds a value of the
            wrong kind (its dotted key is named). No message repeats a value.
    """
    return parse_layers([(raw, path)])


def parse_layers(layers: Sequence[tuple[bytes, Path]]) -> Settings:
    """Return the settings of several files, each over the one before it, table by table.

    Raises:
        ConfigurationInvalid: As `parse_settings`; it names the file that is wrong by itself.
    """
    merged: dict[str, Any] = {}
    settings = Settings()
    for raw, path in layers:
        if raw:
            values = parse_toml(raw, path)
            settings = _settings(_Table(values, path))
            if merged:
                settings = _settings(_Table(_merge(merged, values), path))
            merged = _merge(merged, values)
    return settings


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            merged[key] = _merge(under, value)
        else:
            merged[key] = value
    return merged


class _Table:
    """A TOML table that knows its file and dotted key, for error messages."""

    def __init__(self, values: dict[str, Any], path: Path, prefix: str = "") -> None:
        self._values = values
        self._path = path
        self._prefix = prefix

    def wrong(self, key: str, expected: str) -> ConfigurationInvalid:
        return ConfigurationInvalid(f"{self._path}: `{self._prefix}{key}` must be {expected}.")

    @overload
    def get(self, key: str, kind: type[T], expected: str, default: T) -> T: ...
    @overload
    def get(self, key: str, kind: type[T], expected: str) -> T | None: ...
    def get(self, key: str, kind: type[T], expected: str, default: T | None = None) -> T | None:
        value = self._values.get(key)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise self.wrong(key, expected)
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        value = self._values.get(key)
        if value is not None and value not in choices:
            raise self.wrong(key, "one of " + ", ".join(choices))
        return value

    def url(self, key: str) -> str | None:
        value = self.get(key, str, "a URL")
        if value is None:
            return None
        problem = url_problem(value)
        if problem is not None:
            raise ConfigurationInvalid(f"{self._path}: `{self._prefix}{key}` {problem}")
        return value.rstrip("/")

    def table(self, key: str) -> _Table:
        values = self.get(key, dict, "a table", {})
        return _Table(values, self._path, f"{self._prefix}{key}.")

    def has(self, key: str) -> bool:
        return key in self._values

    def texts(self, key: str) -> dict[str, str]:
        values = self.get(key, dict, "a table of strings", {})
        for name, value in values.items():
            if not isinstance(value, str):
                if is_like_a_key(name):
                    raise self.wrong(key, "a table of strings")
                raise self.wrong(f"{key}.{_dotted(name)}", "a string")
        return values

    def secrets(self, key: str) -> MappingProxyType[str, Secret]:
        return MappingProxyType({name: Secret(text) for name, text in self.texts(key).items()})

    def milliseconds(self, key: str, default: int, *, at_least: int) -> int:
        value = self.get(key, int, "a number of milliseconds", default)
        if isinstance(value, bool) or not at_least <= value:
            raise self.wrong(key, f"a number of milliseconds, at least {at_least}")
        return min(value, _LONGEST_MILLISECONDS)

    def tables(self, key: str) -> dict[str, _Table]:
        values = self.get(key, dict, "a table", {})
        for name, value in values.items():
            if not isinstance(value, dict):
                raise self.wrong(f"{key}.{_dotted(name)}", "a table")
        return {
            name: _Table(value, self._path, f"{self._prefix}{key}.{_dotted(name)}.")
            for name, value in values.items()
        }


def _dotted(name: str) -> str:
    """Return a key as it stands in a dotted one, fit for one line of text."""
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name[:_LONGEST_KEY])


def _settings(table: _Table) -> Settings:
    if table.get("profile", str, "left out") is not None:
        raise table.wrong("profile", "left out: Codex refuses it; `codex --profile` replaces it")
    return Settings(
        store_mode=table.choice("cli_auth_credentials_store", STORE_MODES) or "file",
        secret_auth_storage=table.table("features").get(
            "secret_auth_storage", bool, "true or false"
        ),
        forced_login_method=table.choice("forced_login_method", FORCED_METHODS),
        forced_workspace_ids=_workspace_ids(table),
        chatgpt_base_url=table.url("chatgpt_base_url"),
        openai_base_url=table.url("openai_base_url"),
        model_provider=table.get("model_provider", str, "the id of a provider", DEFAULT_PROVIDER),
        model_providers=MappingProxyType(
            {
                name: _provider(entry, name)
                for name, entry in table.tables("model_providers").items()
            }
        ),
    )


def _workspace_ids(table: _Table) -> tuple[str, ...]:
    key = "forced_chatgpt_workspace_id"
    value: Any = table.get(key, object, "")
    values = [value] if isinstance(value, str) else value
    if values is None:
        return ()
    if not isinstance(values, list) or not all(isinstance(entry, str) for entry in values):
        raise table.wrong(key, "a workspace id or a list of them")
    return tuple(entry.strip() for entry in values if entry.strip())


def _provider(table: _Table, provider_id: str) -> ProviderSettings:
    bearer_token = table.get("experimental_bearer_token", str, "a token")
    table.table("gateway_oauth")
    return ProviderSettings(
        name=table.get("name", str, "a name", "").strip() or provider_id,
        base_url=table.get("base_url", str, "a URL"),
        env_key=table.get("env_key", str, "the name of a variable"),
        env_key_instructions=table.get("env_key_instructions", str, "a sentence"),
        requires_openai_auth=table.get(
            "requires_openai_auth", bool, "true or false", default=False
        ),
        bearer_token=Secret(bearer_token) if bearer_token is not None else None,
        command=_command(table.table("auth")) if table.has("auth") else None,
        headers=table.secrets("http_headers"),
        environment_headers=MappingProxyType(table.texts("env_http_headers")),
        query_params=table.secrets("query_params"),
        gateway_oauth=table.has("gateway_oauth"),
        aws_region=table.table("aws").get("region", str, "a region"),
        aws_profile=table.table("aws").get("profile", str, "the name of a profile"),
        project_id=table.get("project_id", str, "the id of a project"),
        location=table.get("location", str, "a location"),
    )


def _command(table: _Table) -> CommandSettings:
    args: list[Any] = table.get("args", list, "a list of strings", [])
    if not all(isinstance(argument, str) for argument in args):
        raise table.wrong("args", "a list of strings")
    return CommandSettings(
        command=table.get("command", str, "a program", "").strip(),
        args=tuple(args),
        timeout_ms=table.milliseconds("timeout_ms", DEFAULT_TIMEOUT_MS, at_least=1),
        refresh_interval_ms=table.milliseconds(
            "refresh_interval_ms", DEFAULT_REFRESH_INTERVAL_MS, at_least=0
        ),
        cwd=table.get("cwd", str, "a folder"),
    )
