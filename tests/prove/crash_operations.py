"""What a language server is doing when it is killed: a refresh, a login, a logout."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from codex_auth_lsp.sandbox.visitor import Visitor
from prove.login import key_login
from support.lsp_client import BrokenStream, RpcError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prove.issuer import ProvingIssuer
    from prove.keyring_item import LoginItem
    from prove.login import LoginFile
    from support.lsp_client import LanguageClient

FORCE = {"force": True}


@dataclass(slots=True)
class Scene:
    """The issuer and the file of a campaign, and new names for what is stored."""

    issuer: ProvingIssuer
    file: LoginFile | LoginItem
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the language server on top of the clean environment."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def store(self, kind: str) -> None:
        """Put a login of this kind in place: `chatgpt`, `key` or `none`."""
        if kind == "chatgpt":
            self.file.write(self.issuer.new_login())
        elif kind == "key":
            self.file.write(key_login(self.new_key()))
        else:
            self.file.remove()

    def new_key(self) -> str:
        """Return an API key that was not used before."""
        return f"sk-proof-{next(self.numbers)}"


class Operation(Protocol):
    """A request whose every system call is a place to die."""

    name: str
    spends: bool
    """Whether it sends the stored refresh token to be renewed."""

    async def warm(self, scene: Scene, client: LanguageClient) -> None:
        """Do it once, untraced, so that nothing is imported any more."""
        ...

    async def prepare(self, scene: Scene, client: LanguageClient) -> None:
        """Put in place what it begins with."""
        ...

    async def perform(self, scene: Scene, client: LanguageClient) -> None:
        """Do it, from the request to the announcement.

        Raises:
            BrokenStream: The server died of it.
        """
        ...

    def allows(self, scene: Scene, before: bytes | None, after: bytes | None) -> bool:
        """Say whether a kill may leave this, which is not what was there before."""
        ...


class Refresh:
    """`auth/refresh` of a login that was refreshed before."""

    name = "refresh"
    spends = True

    async def warm(self, scene: Scene, client: LanguageClient) -> None:
        await self.prepare(scene, client)
        await client.request("auth/refresh", FORCE)

    async def prepare(self, scene: Scene, client: LanguageClient) -> None:
        if scene.file.bytes() is None:
            scene.store("chatgpt")
        await client.request("auth/status", {})

    async def perform(self, scene: Scene, client: LanguageClient) -> None:
        await client.request("auth/refresh", FORCE)

    def allows(self, scene: Scene, before: bytes | None, after: bytes | None) -> bool:
        return before is not None and after is not None and is_rotation(before, after)


class BrowserLogin:
    """`auth/login` in the browser, over an old login and without one."""

    name = "browser login"
    spends = False

    def __init__(self) -> None:
        self._kinds = itertools.cycle(("chatgpt", "none", "key"))

    async def warm(self, scene: Scene, client: LanguageClient) -> None:
        await self.perform(scene, client)

    async def prepare(self, scene: Scene, client: LanguageClient) -> None:
        scene.store(next(self._kinds))
        await client.request("auth/status", {})

    async def perform(self, scene: Scene, client: LanguageClient) -> None:
        since = client.mark()
        login = await client.start_request("auth/login", {"method": "browser"})
        prompt = await client.wait_for("auth/loginPrompt", since=since)
        try:
            await Visitor().visit(prompt.params["url"])
        except httpx.HTTPError:
            pass  # the server may be dead, which the next line tells
        await login.result()

    def allows(self, scene: Scene, before: bytes | None, after: bytes | None) -> bool:
        login = _parsed(after)
        provenance = login.get("tokens", {}).get("oauth_provenance", {})
        return login.get("auth_mode") == "chatgpt" and provenance["issuer"] == scene.issuer.url


class KeyLogin:
    """`auth/login` with an API key, over an old login and without one."""

    name = "API-key login"
    spends = False

    def __init__(self) -> None:
        self._kinds = itertools.cycle(("key", "chatgpt", "none"))
        self._key = ""

    async def warm(self, scene: Scene, client: LanguageClient) -> None:
        await self.perform(scene, client)

    async def prepare(self, scene: Scene, client: LanguageClient) -> None:
        scene.store(next(self._kinds))
        await client.request("auth/status", {})

    async def perform(self, scene: Scene, client: LanguageClient) -> None:
        self._key = scene.new_key()
        await client.request("auth/login", {"method": "apiKey", "apiKey": self._key})

    def allows(self, scene: Scene, before: bytes | None, after: bytes | None) -> bool:
        return _parsed(after) == key_login(self._key)


class Logout:
    """`auth/logout` of a ChatGPT login, and of an API key."""

    name = "logout"
    spends = False

    def __init__(self) -> None:
        self._kinds = itertools.cycle(("chatgpt", "chatgpt", "key"))

    async def warm(self, scene: Scene, client: LanguageClient) -> None:
        scene.store("chatgpt")
        await self.perform(scene, client)

    async def prepare(self, scene: Scene, client: LanguageClient) -> None:
        scene.store(next(self._kinds))
        await client.request("auth/status", {})

    async def perform(self, scene: Scene, client: LanguageClient) -> None:
        await client.request("auth/logout", {})

    def allows(self, scene: Scene, before: bytes | None, after: bytes | None) -> bool:
        return after is None


def is_rotation(before: bytes, after: bytes) -> bool:
    """Say whether only the tokens and the time are others, and all of them are."""
    old, new = _parsed(before), _parsed(after)
    renewed = ("id_token", "access_token", "refresh_token")
    try:
        changed = all(old["tokens"][name] != new["tokens"][name] for name in renewed)
        same = {**new["tokens"], **{name: old["tokens"][name] for name in renewed}}
        return changed and old == {**new, "tokens": same, "last_refresh": old["last_refresh"]}
    except (KeyError, TypeError):
        return False


def _parsed(content: bytes | None) -> dict[str, Any]:
    try:
        login = json.loads(content or b"")
    except ValueError:
        return {}
    return login if isinstance(login, dict) else {}


async def trouble_with(scene: Scene, client: LanguageClient) -> str | None:
    """Use what is stored as a person would; return what is wrong with it, None where it works.

    A ChatGPT login works when it can be renewed, a key when it is what is sent.
    """
    content = scene.file.bytes()
    status = await client.request("auth/status", {})
    if content is None:
        return None if status["state"] == "signedOut" else f"no file, and {status['state']}"
    if status["state"] != "signedIn":
        return f"the state is {status['state']}"
    try:
        if status["method"] == "chatgpt":
            await client.request("auth/refresh", FORCE)
            bearer = scene.file.read()["tokens"]["access_token"]
        else:
            bearer = scene.file.read()["OPENAI_API_KEY"]
        issued = await client.request("auth/credential", {})
    except RpcError as error:
        return f"{error.kind}: {error.message}"
    if issued["headers"].get("Authorization") != f"Bearer {bearer}":
        return "what is sent is not what is stored"
    if status["method"] == "chatgpt" and not scene.issuer.accepts(bearer):
        return "the issuer does not accept what is stored"
    return None


DIED = (BrokenStream, ConnectionError)
"""What a client sees of a server that was killed."""
