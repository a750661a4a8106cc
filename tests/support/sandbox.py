"""The sandbox issuer as a real process, and what a test may ask of it.

`Sandbox` starts `codex-auth-lsp sandbox --json` once and talks to its control endpoints over HTTP,
as any editor author could. It holds no state of its own: `reset` makes it new for the next test.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from support.lsp_client import clean_environment
from support.secrets_guard import ACCESS_TOKEN, API_KEY, OTHER

if TYPE_CHECKING:
    from pathlib import Path

START_DEADLINE = 20.0
"""Seconds until the sandbox must have ended when it says nothing."""

ANSWER_DEADLINE = 10.0
"""Seconds until the sandbox must have answered a control request, or ended."""

REQUEST_DEADLINE = 10.0
"""Seconds that a test waits for a request to reach the sandbox: a ceiling against hangs."""

LOOK_AGAIN = 0.02
"""Seconds between two looks at the sandbox's log."""

_KINDS = {"accessToken": ACCESS_TOKEN, "apiKey": API_KEY}
"""The sandbox's kinds of secrets that may stand in an answer to `auth/credential`."""


@dataclass
class Sandbox:
    """One running sandbox."""

    process: subprocess.Popen[bytes]
    announcement: dict[str, Any]
    """The line that it printed at the start."""
    http: httpx.Client

    # Life

    @classmethod
    def start(cls, folder: Path) -> Sandbox:
        """Spawn it in `folder` and wait for the line that tells its address."""
        with (folder / "sandbox.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", "codex_auth_lsp", "sandbox", "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=clean_environment(folder),
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.wait(START_DEADLINE)
            raise RuntimeError(
                f"the sandbox ended with status {process.returncode}: "
                + (folder / "sandbox.log").read_text()
            )
        return cls(
            process, json.loads(line), httpx.Client(trust_env=False, timeout=ANSWER_DEADLINE)
        )

    def stop(self) -> int:
        """End it as Ctrl-C does, and return its exit status."""
        self.http.close()
        self.process.terminate()
        try:
            self.process.wait(ANSWER_DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.returncode

    def reset(self) -> None:
        """Make it forget everything but its address."""
        self._post("reset")

    # What it is

    @property
    def issuer(self) -> str:
        return str(self.announcement["issuer"])

    @property
    def client_id(self) -> str:
        return str(self.announcement["clientId"])

    @property
    def model_base_url(self) -> str:
        return str(self.announcement["modelBaseUrl"])

    # What it is to do

    def fault(self, endpoint: str, kind: str, **options: Any) -> None:
        """Let the next request of an endpoint meet a fault, or the next `times` requests.

        Endpoints: `authorize` `token` `apiKeyExchange` `refresh` `revoke` `models`. Kinds:
        `status` `html` `redirect` `huge` `hang` `close` `delay` `json`.
        """
        self._post("faults", endpoint=endpoint, kind=kind, **options)

    def release(self) -> None:
        """End what hangs and forget the faults that were not met."""
        self._post("release")

    def account(self, person: str | None = None, **changes: Any) -> dict[str, Any]:
        """Put a person at the head of the sign-in page, with changes; return what they are."""
        who = {} if person is None else {"person": person}
        return dict(self._post("account", **who, **changes)["person"])

    def policy(self, **values: Any) -> None:
        """Change lifetimes and rules, such as `accessSeconds` or `familyRevocation`."""
        self._post("policy", **values)

    def expire(self, tokens: str = "refresh") -> None:
        """Let what was issued expire: `refresh`, `access` or `all`."""
        self._post("expire", tokens=tokens)

    def revoke_all(self) -> None:
        """End every login, as an issuer's operator can."""
        self._post("revoke-all")

    def accept_key(self, key: str) -> None:
        """Make the model endpoint accept an API key that a test made up."""
        self._post("keys", key=key)

    # What it has seen

    def log(self) -> list[dict[str, Any]]:
        """Return every request so far, with the seconds that its answer took."""
        return list(self._get("log")["requests"])

    def requests(self, endpoint: str) -> list[dict[str, Any]]:
        """Return the requests that an endpoint had, with the names of their fields."""
        return [request for request in self.log() if request.get("endpoint") == endpoint]

    async def saw(self, endpoint: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until an endpoint has had `count` requests, and return them."""
        deadline = time.monotonic() + REQUEST_DEADLINE
        while len(seen := self.requests(endpoint)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(seen)} of {count} requests for {endpoint}")
            await asyncio.sleep(LOOK_AGAIN)
        return seen

    def secrets(self) -> list[tuple[str, str]]:
        """Return everything secret that it minted, as the guard's kind and value."""
        return [
            (_KINDS.get(secret["kind"], OTHER), secret["value"])
            for secret in self._get("secrets")["secrets"]
        ]

    # What a client of it may do

    def refresh(self, refresh_token: str) -> httpx.Response:
        """Spend a refresh token as another program would."""
        return self.http.post(
            f"{self.issuer}/oauth/token",
            json={
                "client_id": self.client_id,
                "grant_type": "refresh_token",
                "refresh_reason": "forced",
                "refresh_token": refresh_token,
            },
        )

    def models(self, headers: dict[str, str]) -> httpx.Response:
        """Ask for the list of models with these headers."""
        return self.http.get(f"{self.model_base_url}/models", headers=headers)

    def _get(self, name: str) -> dict[str, Any]:
        return dict(self.http.get(f"{self.issuer}/sandbox/{name}").raise_for_status().json())

    def _post(self, name: str, **payload: Any) -> dict[str, Any]:
        response = self.http.post(f"{self.issuer}/sandbox/{name}", json=payload)
        if response.status_code != 200:
            raise ValueError(f"the sandbox refused {name}: {response.text}")
        return dict(response.json())
