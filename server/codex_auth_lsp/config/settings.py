"""`config.toml` of the user's CODEX_HOME, read into frozen values.

Only the user's file counts, never a workspace's. Unknown keys are ignored. The file is read by
plain functions, since the first status of a window needs it, and is never written.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from codex_auth_lsp.domain.issuer import url_problem
from codex_auth_lsp.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from pathlib import Path

STORE_MODES = ("file", "keyring", "auto", "ephemeral")
FORCED_METHODS = ("chatgpt", "api")
DEFAULT_PROVIDER = "openai"

_MAXIMUM_BYTES = 1024 * 1024
_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)")
_AT_THE_END = "(at end of document)"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What a `[model_providers.<id>]` table says of authentication."""

    name: str
    base_url: str | None = None
    env_key: str | None = None
    env_key_instructions: str | None = None
    requires_openai_auth: bool = False


@dataclass(frozen=True, slots=True)
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


def parse_settings(raw: bytes, path: Path) -> Settings:
    """Return the settings in the content of `path`.

    Raises:
        ConfigurationInvalid: It is not TOML (line and column are named), or holds a value of the
            wrong kind (its dotted key is named). No message repeats a value.
    """
    return _settings(_Table(_parse(raw, path), path)) if raw else Settings()


def _parse(raw: bytes, path: Path) -> dict[str, Any]:
    import tomllib  # not needed where there is no config.toml

    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        raise ConfigurationInvalid(f"{path}, line {line}: this is not UTF-8 text.") from exc
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as exc:  # tomllib's own error, too long integers
        where = _position(str(exc), text)
        raise ConfigurationInvalid(f"{path}{where}: this is not valid TOML.") from exc


def _position(problem: str, text: str) -> str:
    """Return where tomllib met a problem; of the end of a file it does not say where that is."""
    if position := _POSITION.search(problem):
        return f", line {position[1]}, column {position[2]}"
    if _AT_THE_END in problem:
        lines = text.split("\n")
        return f", line {len(lines)}, column {len(lines[-1]) + 1}"
    return ""


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

    def tables(self, key: str) -> dict[str, _Table]:
        values = self.get(key, dict, "a table", {})
        for name, value in values.items():
            if not isinstance(value, dict):
                raise self.wrong(f"{key}.{name}", "a table")
        return {
            name: _Table(value, self._path, f"{self._prefix}{key}.{name}.")
            for name, value in values.items()
        }


def _settings(table: _Table) -> Settings:
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
    return ProviderSettings(
        name=table.get("name", str, "a name", provider_id),
        base_url=table.get("base_url", str, "a URL"),
        env_key=table.get("env_key", str, "the name of a variable"),
        env_key_instructions=table.get("env_key_instructions", str, "a sentence"),
        requires_openai_auth=table.get(
            "requires_openai_auth", bool, "true or false", default=False
        ),
    )
