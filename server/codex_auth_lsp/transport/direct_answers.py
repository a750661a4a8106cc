"""Answers without pygls, to what every window is asked all day, and to a logout.

The state is told at once, or when a keyring was looked at; a renewal and a credential when they are
there. Fifty windows that wait for one renewal so bring in neither pygls nor pydantic nor httpx: the
one that sends the request does. Nor does a person who signs out wait until they are there.

Of a status the invariant is: what anybody had changed before the request was sent is in it.
Requests that were read in one chunk were all sent before that, so one look serves them all.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

from codex_auth_lsp.errors import CapabilityNotDeclared
from codex_auth_lsp.transport.error_replies import error_reply
from codex_auth_lsp.transport.json_text import exact_json, to_json
from codex_auth_lsp.transport.plain_params import (
    credential_values,
    logout_values,
    refresh_values,
)
from codex_auth_lsp.transport.shared_look import SharedLook
from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

    from codex_auth_lsp.service.auth_service import AuthService
    from codex_auth_lsp.transport.client import ClientCapabilities
    from codex_auth_lsp.transport.envelope import MessageId, Request

SETTLE_SECONDS = 1.0
"""How long answers have to be given once nothing keeps them any more."""

TOLD_AT_ONCE = frozenset({methods.STATUS, methods.METHODS, methods.PROVIDERS, methods.CANCEL_LOGIN})
"""What never waits for anything that runs, and is never counted."""

WAITED_FOR = frozenset({methods.REFRESH, methods.CREDENTIAL, methods.LOGOUT})
"""What may take its time, and counts among the requests that run."""


class DirectAnswers:
    """Answers the requests of `TOLD_AT_ONCE` and `WAITED_FOR`.

    Args:
        service: What is asked.
        client: What the client has declared.
        send: Takes a message.
        send_text: Takes the JSON of one.
        running: The ids of the requests that run; those that have to wait are added.
    """

    def __init__(
        self,
        service: AuthService,
        client: ClientCapabilities,
        send: Callable[[dict[str, Any]], None],
        send_text: Callable[[str], None],
        running: set[MessageId],
    ) -> None:
        self._service = service
        self._client = client
        self._send = send
        self._send_text = send_text
        self._running = running
        self._shared_look = SharedLook(service.sync, self._tell)
        self._waiting: dict[MessageId, asyncio.Task[Any]] = {}
        self._in_chunk = False
        self._has_looked = False
        self._status: dict[str, Any] = {}
        self._status_json = ""
        self._told: Mapping[str, Callable[[Any], Any]] = {
            methods.STATUS: lambda _: service.status(),
            methods.METHODS: lambda _: {"methods": service.methods(client.facts)},
            methods.PROVIDERS: lambda _: service.providers(),
            methods.CANCEL_LOGIN: self._cancel_login,
        }

    def begin_chunk(self) -> None:
        """Look once for the requests that come from now on until `end_chunk`."""
        self._in_chunk, self._has_looked = True, False

    def end_chunk(self) -> None:
        """Look for each request again."""
        self._in_chunk = self._has_looked = False

    def answer(self, request: Request) -> None:
        """Answer a request, now or when that can be done."""
        if request.method == methods.STATUS:
            if not self.answer_at_once(request):
                self._shared_look.wait(request)
        elif request.method == methods.REFRESH:
            self._wait_for(request.id, self._refresh(request.params, self._service.now()))
        elif request.method == methods.CREDENTIAL:
            self._wait_for(request.id, self._credential(request.params))
        elif request.method == methods.LOGOUT:
            self._wait_for(request.id, self._logout(request.params))
        elif request.method == methods.CANCEL_LOGIN:
            # A login that came just before takes its first step first, and so can be cancelled.
            asyncio.get_running_loop().call_soon(self._tell, request)
        elif self._service.reads_at_once:
            self._tell(request)
        else:
            self._shared_look.wait(request)

    def looks_for(self, message_id: MessageId) -> bool:
        """Say whether a request of this id waits for a look, which does not count."""
        return self._shared_look.holds(message_id)

    def cancel(self, message_id: MessageId) -> bool:
        """Cancel a request that waits here; return whether it does."""
        if self._shared_look.release(message_id):
            self._send_outcome(message_id, _cancelled)
            return True
        task = self._waiting.get(message_id)
        return task is not None and task.cancel()

    async def settle(self) -> None:
        """Let every request have its answer; end those that do not end by themselves."""
        await self._shared_look.settle(SETTLE_SECONDS)
        tasks = set(self._waiting.values())
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=SETTLE_SECONDS)
            for task in unfinished:
                task.cancel()
            if unfinished:
                await asyncio.wait(unfinished, timeout=SETTLE_SECONDS)

    def _wait_for(self, message_id: MessageId, work: Coroutine[Any, Any, Any]) -> None:
        def answer(task: asyncio.Task[Any]) -> None:
            del self._waiting[message_id]
            self._running.discard(message_id)
            self._send_outcome(message_id, task.result)

        self._running.add(message_id)
        self._waiting[message_id] = asyncio.ensure_future(work)
        self._waiting[message_id].add_done_callback(answer)

    def answer_at_once(self, request: Request) -> bool:
        """Answer a request for the status, if it needs no event loop; return whether it did not."""
        try:
            known = self._service.known_status() if self._has_looked else None
            status = known or self._service.status_at_once()
        except Exception as exc:  # noqa: BLE001 - every request gets an answer
            self._send({"jsonrpc": "2.0", "id": request.id, "error": error_reply(exc)})
            return True
        if status is None:
            return False
        self._has_looked = self._in_chunk
        self._send_status(request.id, status)
        return True

    @property
    def has_told_status(self) -> bool:
        """Whether any status was told."""
        return bool(self._status)

    def _tell(self, request: Request) -> None:
        self._send_outcome(request.id, lambda: self._told[request.method](request.params))

    def _send_outcome(self, message_id: MessageId, outcome: Callable[[], Any]) -> None:
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message_id}
        try:
            answer["result"] = outcome()
        except BaseException as exc:  # noqa: BLE001 - every request gets an answer
            answer["error"] = error_reply(exc)
        self._send(answer)

    def _send_status(self, message_id: MessageId, status: dict[str, Any]) -> None:
        """Send a status; the same object is made to JSON once."""
        if status is not self._status:
            self._status, self._status_json = status, to_json(status)
        identifier = exact_json(message_id)
        self._send_text(f'{{"jsonrpc":"2.0","id":{identifier},"result":{self._status_json}}}')

    async def _refresh(self, raw: Any, received_at: datetime) -> dict[str, Any]:
        values = refresh_values(raw)
        return await self._service.refresher(
            force_since=received_at if values.force else None,
            min_validity_seconds=values.min_validity_seconds,
        )

    async def _credential(self, raw: Any) -> dict[str, Any]:
        """Answer a client that said it would ask."""
        values = credential_values(raw)
        if not self._client.credential:
            raise CapabilityNotDeclared
        issued = await self._service.credentials.issue(
            values.provider_id,
            min_validity_seconds=values.min_validity_seconds,
            rejected_revision=values.rejected_revision,
        )
        return issued.to_wire()

    async def _logout(self, raw: Any) -> dict[str, Any]:
        values = logout_values(raw)
        return (await self._service.logout(revoke=values.revoke)).to_wire()

    def _cancel_login(self, raw: Any) -> dict[str, Any]:
        if raw in (None, {}, []):
            return {"outcome": self._service.cancel_login(None)}
        from codex_auth_lsp.transport.handlers import read
        from codex_auth_lsp.wire.params import CancelLoginParams

        return {"outcome": self._service.cancel_login(read(CancelLoginParams, raw).attempt_id)}


def _cancelled() -> NoReturn:
    raise asyncio.CancelledError
